"""Hostile records: three ways to judge them accept the same ones, and what is accepted is what was yielded."""

from __future__ import annotations

import json
from typing import Any, Final

import duckdb
import pytest
from contract.hostile import Reference, in_columns, spoiled
from contract.test_many_records import record
from properties.seeds import EXAMPLES, dice

from unifier.contract.check import check
from unifier.contract.kinds import KindSchema, kind
from unifier.contract.raws import from_raw_text
from unifier.contract.records import from_dicts
from unifier.words import KINDS

RECORDS: Final = EXAMPLES // 40


def drawn(name: str) -> list[dict[str, Any]]:
    """Draw records of a kind with something hostile in most of them."""
    draw, schema = dice(f"hostile {name}"), kind(name)
    rows = [record(draw, schema) for _ in range(RECORDS)]
    return [spoiled(draw, row, schema) if draw.random() < 0.9 else row for row in rows]


@pytest.mark.parametrize("name", KINDS)
def test_dicts_columns_and_the_reference_accept_the_same_hostile_records(name: str) -> None:
    """A record that one road takes and another does not is lost, or poisons the store, by the form it came in."""
    schema, rows = kind(name), drawn(name)
    reference = Reference(schema)
    told = [reference.faults(row) for row in rows]
    tables = {at: table for at, row in enumerate(rows) if (table := in_columns(row, schema)) is not None}
    assert 0.05 < sum(map(bool, told)) / len(rows) < 0.97
    assert len(tables) > RECORDS / 20

    with duckdb.connect() as con:
        dicts = from_dicts(con, rows, name, "UTC")
        columns = {at: check(con, table, name, "UTC").faults.to_pylist() for at, table in tables.items()}

    assert dicts.valid.num_rows + dicts.faults.num_rows == len(rows)
    wrong = {fault["row_no"]: fault for fault in dicts.faults.to_pylist()}
    assert [(rows[at], wrong.get(at), told[at]) for at in range(len(rows)) if (at in wrong) != bool(told[at])] == []
    assert [(rows[at], faults, told[at]) for at, faults in columns.items() if bool(faults) != bool(told[at])] == []
    assert [fault for fault in wrong.values() if _shows(fault, rows[fault["row_no"]])] == []


def _shows(fault: dict[str, Any], row: dict[str, Any]) -> bool:
    """Tell whether a fault says a value, or cannot be kept, or does not hold the record as it came."""
    fault["raw"].encode(), fault["reason"].encode()
    if json.loads(fault["raw"]) == {"unwritable": "dict"}:
        return False  # of 3,000 levels only that they cannot be written can be kept
    texts = [value for value in row.values() if isinstance(value, str) and len(value) > 12]
    return any(text in fault["reason"] for text in texts) or not isinstance(from_raw_text(fault["raw"]), dict)


@pytest.mark.parametrize("name", KINDS)
def test_what_is_accepted_is_what_was_yielded(name: str) -> None:
    """No value is rounded, cut or turned into another on its way into columns; and the author's dicts stay theirs."""
    schema, rows = kind(name), drawn(name)
    before = list(map(_text, rows))

    with duckdb.connect() as con:
        checked = from_dicts(con, rows, name, "UTC")

    refused = set(checked.faults.column("row_no").to_pylist())
    kept = [row for at, row in enumerate(rows) if at not in refused]
    assert list(map(_text, rows)) == before
    assert [
        (row, held) for row, held in zip(kept, checked.valid.to_pylist(), strict=True) if not _holds(held, row, schema)
    ] == []


def _text(row: dict[str, Any]) -> str:
    """Write a record with all its types, if it can be written at all."""
    try:
        return repr(row)
    except RecursionError:
        return ""


def _holds(held: dict[str, Any], row: dict[str, Any], schema: KindSchema) -> bool:
    """Tell whether columns say what a record says; times and dates are another form of it and compared elsewhere."""
    for field in schema.scalars:
        value: Any = row
        for step in field.path.split("."):
            value = (value or {}).get(step)
        if field.format not in {"date", "date-time"} and held[field.column] != value:
            return False
    for part in schema.lists:
        items, came = held[part.column], row.get(part.path)
        if (items is None) != (came is None) or len(items or ()) != len(came or ()):
            return False
        plain = [one for one in part.fields if one.format not in {"date", "date-time"}]
        if any(
            item[one.column] != value.get(one.path)
            for item, value in zip(items or (), came or (), strict=True)
            for one in plain
        ):
            return False
    vendors = {key: value for key, value in row.items() if key.startswith("x_") and value is not None}
    free = {part.column: row.get(part.path) for part in schema.free} | {"x": vendors or None}
    return all((None if held[name] is None else json.loads(held[name])) == value for name, value in free.items())
