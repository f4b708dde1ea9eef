"""Records and values that break careless code, and a reference that says of each whether the contract takes it."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Mapping
from typing import Any, Final

import jsonschema
import pyarrow as pa
from contract.arriving import arriving, pointers

from unifier.contract.formats import format_checker
from unifier.contract.kinds import KindSchema

DEEPEST: Final = 64


def nested(levels: int) -> dict[str, Any]:
    """Put objects into each other."""
    made: dict[str, Any] = {}
    for _ in range(levels - 1):
        made = {"a": made}
    return made


NUMBERS: Final[tuple[Any, ...]] = (
    *(0, 1, -1, 1.0, 1.5, -0.0, 2**53, 2**53 - 1, 2**53 + 1, 2**63 - 1, 2**63, 2**64, 2**70, -(2**63), -(2**64)),
    *(1e300, 2.0**53, 5e-324, math.nan, math.inf, -math.inf, True, False),
)
TEXTS: Final = (
    *("", " ", "x", "\0", "a\0b", "\ud800", "a\udfffb", "１２３", "١٢٣", "null", "{}", "NaN", "x" * 70_000, "张" * 513),
    *("2026-05-01T08:00:00Z\n", "２０２６-05-01T08:00:00Z", "2026-05-01\n", "--02-30", "CNY\n", "ＣＮＹ", "own\n", "İ"),
    *("2026-05-01T24:00:00Z", "2026-05-01T08:00:60Z", "2026-05-01T08:00:00+15:00", "2026-05-01T08:00:00.1234567890Z"),
)
SHAPES: Final[tuple[Any, ...]] = (
    *(None, [], {}, [[]], [[{}]], [None], [1], ["x"], [{}], [{"type": "phone"}], [{"type": "phone", "value": "\0"}]),
    *({"a": math.nan}, {"a": [math.inf]}, {"a": {"b": [1, None, "ü", 2**70]}}, {"\ud800": 1}, {"a": "\udc00"}),
    *({1: 2}, {"a": {None: 1}}, {"a": "x: nan, ]"}, {"NaN": "[[["}, {"a": ["{" * 70]}, nested(3000)),
    *(nested(levels) for levels in range(DEEPEST - 3, DEEPEST + 4)),
)


def spoiled(draw: random.Random, row: dict[str, Any], schema: KindSchema) -> dict[str, Any]:
    """Put something hostile anywhere into a record."""
    value = draw.choice((draw.choice(NUMBERS), draw.choice(TEXTS), draw.choice(SHAPES)))
    places: list[Any] = [row]
    places += [inner for inner in row.values() if isinstance(inner, dict)]
    places += [item for inner in row.values() if isinstance(inner, list) for item in inner if isinstance(item, dict)]
    place = draw.choice(places)
    names = [field.path for field in schema.scalars if "." not in field.path]
    names += [part.path for part in schema.nested] + ["acquired", "external", "object", "properties"]
    strange = draw.choice(("x_acme", "x_a", "x_acme\n", "X_acme", "x_", "x_É", "", "vip", "\ud800", "a/b~c"))
    key = draw.choice((draw.choice(names), draw.choice([*place] or names), draw.choice(names), strange))
    place[key] = value
    return row


class Reference:
    """jsonschema with our formats, and what JSON and a store cannot hold: no value is judged by the code under test."""

    def __init__(self, schema: KindSchema) -> None:
        checker = jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many(
            {"number": _is_number, "integer": _is_integer, "string": _is_text}
        )
        extend: Any = jsonschema.validators.extend
        kind: Any = extend(jsonschema.Draft202012Validator, type_checker=checker)
        self._schema = schema
        self._validator = kind(schema.schema, format_checker=format_checker())

    def faults(self, row: dict[Any, Any]) -> set[str]:
        """Give pointers to what is wrong in a record, nothing for a good one."""
        if not all(isinstance(key, str) and _is_text(key) for key in row):
            return {""}
        found: set[str] = set()
        try:
            for error in self._validator.iter_errors(row):
                found |= pointers(error)
        except RecursionError:
            return {""}  # it writes every wrong value into its message, and cannot write one of 3,000 levels
        free = [part.path for part in self._schema.free]
        vendors = {key: value for key, value in row.items() if key.startswith("x_") and value is not None}
        found |= {f"/{key}" for key in vendors if not _is_json({key: vendors[key]})}
        return found | {f"/{key}" for key in free if isinstance(row.get(key), dict) and not _is_json(row[key])}


def _is_number(_: Any, value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= 2**53 if isinstance(value, int) else math.isfinite(value)


def _is_integer(_: Any, value: Any) -> bool:
    return _is_number(_, value) and float(value).is_integer()


def _is_text(*value: Any) -> bool:
    text = value[-1]
    return isinstance(text, str) and "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _is_json(value: Any, levels: int = 1) -> bool:
    """Tell whether a value can be written as JSON, not too deep, by looking at all of it."""
    if isinstance(value, dict | list) and levels > DEEPEST:
        return False
    if isinstance(value, dict):
        keys = all(isinstance(key, str) and not _broken(key) for key in value)
        return keys and all(_is_json(inner, levels + 1) for inner in value.values())
    if isinstance(value, list):
        return all(_is_json(inner, levels + 1) for inner in value)
    return not _broken(value) if isinstance(value, str) else not isinstance(value, float) or math.isfinite(value)


def _broken(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def in_columns(row: Mapping[str, Any], schema: KindSchema) -> pa.Table | None:
    """Put a record into columns as it is; None where columns of the usual types cannot say the same."""
    roots = {field.path.split(".")[0] for field in schema.scalars} | {part.path for part in schema.nested}
    vendors = {key: value for key, value in row.items() if isinstance(key, str) and key.startswith("x_")}
    plain = {key: value for key, value in row.items() if key not in vendors}
    try:
        if plain.keys() - roots or not all(map(_is_vendor, vendors)):
            return None
        table = arriving([plain], schema)
        if not _says(table, plain, schema):
            return None
        free = {part.path: plain.get(part.path) for part in schema.free}
        if not all(
            value is None or (isinstance(value, dict) and _comes_back(value))
            for value in (*free.values(), *vendors.values())
        ):
            return None
        told = {key: value for key, value in vendors.items() if value is not None}
        x = json.dumps(told, ensure_ascii=False) if told else None
        json.dumps([told, free]).encode()
        return table.append_column("x", pa.array([x], pa.string()))
    except (ValueError, TypeError, OverflowError, RecursionError, AttributeError):
        return None


def _comes_back(value: dict[str, Any]) -> bool:
    """Tell whether Python's forgiving JSON says the same as an object: keys that are no text come back as text."""
    return repr(json.loads(json.dumps(value))) == repr(value)


def _is_vendor(key: str) -> bool:
    return key[2:].isascii() and key[2:].replace("_", "").isalnum() and key == key.lower()


def _says(table: pa.Table, row: Mapping[str, Any], schema: KindSchema) -> bool:
    """Tell whether columns hold exactly what a record does, of the same types."""
    held = table.to_pylist()[0]
    inner = {field.path.partition(".")[::2] for field in schema.scalars if "." in field.path}
    for root in {root for root, _ in inner}:
        if {(root, name) for name in row.get(root) or ()} - inner:
            return False
    for field in schema.scalars:
        value: Any = row
        for name in field.path.split("."):
            value = value.get(name) if value is not None else None
        if not _same(held[field.column], value):
            return False
    return all(_same_list(held[part.column], row.get(part.path)) for part in schema.lists)


def _same_list(held: list[Any] | None, value: Any) -> bool:
    if held is None or not isinstance(value, list):
        return held is None and value is None
    return len(held) == len(value) and all(map(_same_item, held, value))


def _same_item(held: Mapping[str, Any] | None, value: Any) -> bool:
    if held is None or not isinstance(value, dict):
        return held is None and value is None
    return not value.keys() - held.keys() and all(_same(held[name], value.get(name)) for name in held)


def _same(held: Any, value: Any) -> bool:
    """Tell whether a value came through; NaN is itself, true is not 1, and 1.0 is 1 as JSON has it."""
    if isinstance(held, bool) or isinstance(value, bool):
        return held is value
    return bool(held == value) or (
        isinstance(held, float) and isinstance(value, float) and math.isnan(held) and math.isnan(value)
    )
