"""Note which fields arrived that the contract does not have, and in which types the others did; never a value."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa

from unifier.contract.faults import ArrowArray
from unifier.contract.jsonable import Path
from unifier.contract.kinds import kind as kind_schema
from unifier.contract.mending import shape

OTHERS: Final = "*"
"""Stands for all unknown keys that do not look like the name of a field: they may be somebody's number."""
_NAME: Final = re.compile(r"(?!.*[0-9]{5})[^\W\d][\w .:$-]{0,63}")
_WORDS: Final = {str: "string", bool: "boolean", int: "integer", float: "number", dict: "object", list: "array"}


@dataclass(slots=True)
class Seen:
    """What arrived beside the contract: ``unknown`` fields with how often they were filled, and types by field.

    ``types`` are those of unknown fields and of refused values, ``arrived`` those of columns as a whole. Fields are written as in a profile: ``acquired.scene``, ``lines[].amount``.
    """

    unknown: Counter[str] = field(default_factory=Counter)
    types: dict[str, set[str]] = field(default_factory=dict)
    arrived: dict[str, str] = field(default_factory=dict)

    def strangers(self, found: Mapping[Path, Any]) -> None:
        """Note the unknown fields of one record."""
        for path, value in found.items():
            name = field_of(path, known=len(path) - 1)
            self.unknown[name] += value is not None
            if value is not None:
                self.types.setdefault(name, set()).add(word(value))

    def wrong(self, path: Path, row: Any) -> None:
        """Note the type of a value that the contract wants in another."""
        value = row
        for step in path:
            inside = value.get(step) if isinstance(value, Mapping) else None
            value = value[int(step)] if isinstance(value, list | tuple) else inside
        if path and value is not None:
            self.types.setdefault(field_of(path, known=len(path)), set()).add(word(value))

    def stranger(self, name: str, column: ArrowArray) -> None:
        """Note a column that the contract does not have."""
        filled = len(column) - column.null_count
        self.unknown[name] += filled
        if filled:
            self.types.setdefault(name, set()).add(arrow_word(column.type))

    def column(self, name: str, kind: pa.DataType) -> None:
        """Note the type in which a column arrived."""
        if not pa.types.is_null(kind):
            self.arrived[name] = arrow_word(kind)


def field_of(path: Path, known: int) -> str:
    """Name a field by its path; steps beyond the first ``known`` ones are told only if they look like names.

    >>> field_of(("lines", "3", "amount"), 3), field_of(("19900000001",), 0)
    ('lines[].amount', '*')
    """
    name = ""
    for at, step in enumerate(path):
        if step.isascii() and step.isdigit() and at:
            name += "[]"
        else:
            told = step if at < known or _NAME.fullmatch(step) else OTHERS
            name += f".{told}" if name else told
    return name


def word(value: Any) -> str:
    """Tell the JSON type of a value, or the name of its Python type where JSON has none."""
    return _WORDS.get(type(value), type(value).__name__)


def arrow_word(kind: pa.DataType) -> str:
    """Tell the JSON type that an Arrow type stands for; times and dates have words of their own.

    >>> arrow_word(pa.large_string()), arrow_word(pa.decimal128(10, 2)), arrow_word(pa.date32())
    ('string', 'number', 'date')
    """
    if pa.types.is_dictionary(kind):
        return arrow_word(kind.value_type)
    tests = (
        (pa.types.is_boolean, "boolean"),
        (pa.types.is_integer, "integer"),
        (pa.types.is_floating, "number"),
        (pa.types.is_decimal, "number"),
        (pa.types.is_timestamp, "time"),
        (pa.types.is_date, "date"),
        (pa.types.is_struct, "object"),
        (pa.types.is_map, "object"),
        (pa.types.is_nested, "array"),
    )
    return next((told for test, told in tests if test(kind)), "string")


def arrived(table: pa.Table, kind: str) -> Seen:
    """Note the types in which the contract's fields arrived in columns."""
    of, seen = shape(kind), Seen()
    by_column = {field.column: field.path for field in kind_schema(kind).scalars} | {name: name for name in of.free}
    for column in table.schema:
        name = column.name
        if name in of.lists:
            inner = _item_type(column.type)
            seen.column(name, column.type)
            for child in inner:
                if child.name in of.lists[name]:
                    seen.column(f"{name}[].{child.name}", child.type)
        elif name in of.objects and pa.types.is_struct(column.type):
            for child in column.type:
                if child.name in of.objects[name]:
                    seen.column(f"{name}.{child.name}", child.type)
        elif name in by_column:
            seen.column(by_column[name], column.type)
    return seen


def _item_type(kind: pa.DataType) -> Iterable[pa.Field[Any]]:
    """List the fields of the structs in a list type; nothing for other types."""
    inner = kind.value_type if pa.types.is_list(kind) or pa.types.is_large_list(kind) else kind
    return inner if pa.types.is_struct(inner) else ()
