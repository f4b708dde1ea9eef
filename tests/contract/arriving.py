"""Put records into columns as a source would, and read where jsonschema finds them wrong."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pyarrow as pa

from unifier.contract.kinds import Field, KindSchema, Nested

AT = "2026-05-01T08:00:00Z"
WORDS = {
    "date-time": [
        "2026-05-01T08:00:00Z",
        "2024-02-29 08:00+08",
        "2026-05-01",
        "2023-02-29T00:00:00Z",
        "0001-01-01T00:00Z",
    ],
    "date": ["2024-02-29", "2023-02-29", "2026-5-1", "9999-12-31", "1900-02-29"],
    "birthday": ["1990-01-31", "--02-29", "--02-30", "1990-02-30", "1990-01-31\n", "--1-1", "１９９０-01-01"],
    "currency": ["CNY", "cny", "CNYX", "ＣＮＹ", "CN\n"],
}
"""What stands in fields of a format, some of it right."""


def loose(field: Field) -> pa.Field[Any]:
    """Tell how a field arrives: times and dates as text."""
    types: dict[str, Any] = {"integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_()}
    return pa.field(field.column, types.get(field.type, pa.string()))


def arriving(rows: list[dict[str, Any]], schema: KindSchema) -> pa.Table:
    """Put records into Arrow as a source would: flat scalars, lists of structs, free objects as JSON text."""
    flat: list[dict[str, Any]] = []
    for row in rows:
        values: dict[str, Any] = {}
        for field in schema.scalars:
            value: Any = row
            for name in field.path.split("."):
                value = (value or {}).get(name)
            values[field.column] = value
        values |= {part.column: row.get(part.path) for part in schema.lists}
        values |= {part.column: json.dumps(row[part.path]) for part in schema.free if row.get(part.path) is not None}
        flat.append(values)
    fields = [loose(field) for field in schema.scalars]
    fields += [pa.field(part.column, listed(part)) for part in schema.lists]
    fields += [pa.field(part.column, pa.string()) for part in schema.free]
    return pa.Table.from_pylist(flat, schema=pa.schema(fields))


def listed(part: Nested) -> Any:
    """Tell how a list arrives."""
    return pa.list_(pa.struct([loose(field) for field in part.fields]))


def pointers(error: jsonschema.ValidationError) -> set[str]:
    """Give the pointers that an error of jsonschema may mean: the value's, or those of absent properties."""
    path = "".join(f"/{step}" for step in error.absolute_path)
    if error.validator == "required":
        needed: Any = error.validator_value
        held: Any = error.instance
        return {f"{path}/{name}" for name in needed if name not in held}
    return {path}
