"""Bring plain dicts to the contract: each is held against its JSON Schema, then all become columns."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from unifier.contract.check import FAULTS, Checked, check
from unifier.contract.kinds import kind

if TYPE_CHECKING:
    import duckdb
    import jsonschema_rs


@cache
def _validator(name: str) -> jsonschema_rs.Validator:
    import jsonschema_rs

    return jsonschema_rs.validator_for(dict(kind(name).schema), validate_formats=False)


def from_dicts(
    con: duckdb.DuckDBPyConnection, rows: Sequence[Mapping[str, Any]], name: str, zone: str = ""
) -> Checked:
    """Check dicts of a kind; ``len(rows) = valid + faults``, and reasons name fields, never values.

    Shapes and types are judged by the JSON Schema, row by row; formats, lengths and everything else by the
    vectorised checks that Arrow batches go through.
    """
    validator = _validator(name)
    faults: list[dict[str, Any]] = []
    good: list[dict[str, Any]] = []
    places: list[int] = []
    for row_no, row in enumerate(rows):
        error = None if validator.is_valid(row) else next(iter(validator.iter_errors(row)), None)
        if error is None:
            good.append(_flat(row))
            places.append(row_no)
        else:
            faults.append(_fault(row_no, row, error))
    refused = pa.Table.from_pylist(faults, FAULTS)
    if not good:
        return Checked(check(con, _columns([], name), name, zone).valid, refused)
    checked = check(con, _columns(good, name), name, zone)
    moved = pa.array([places[at] for at in checked.faults["row_no"].to_pylist()], pa.int64())
    return Checked(checked.valid, pa.concat_tables([refused, checked.faults.set_column(0, "row_no", moved)]))


def _columns(rows: list[dict[str, Any]], name: str) -> pa.Table:
    """Make columns of validated dicts; times stay text, the vectorised checks read them."""
    from unifier.contract.arrow import arrow_schema

    loose = pa.schema([pa.field(field.name, _loose(field.type)) for field in arrow_schema(name) if field.name != "fault"])
    wanted = [field for field in loose if not rows or any(field.name in row for row in rows) or field.name in _ALWAYS]
    return pa.Table.from_pylist(rows, pa.schema(wanted))


_ALWAYS = ("record_id", "observed_at")


def _loose(of: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(of) or pa.types.is_date(of):
        return pa.string()
    if pa.types.is_list(of):
        return pa.list_(_loose(of.value_type))
    if pa.types.is_struct(of):
        return pa.struct([pa.field(field.name, _loose(field.type)) for field in of])
    return of


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Put free objects into text, since columns have no room for them."""
    vendor = {key: value for key, value in row.items() if key.startswith("x_")}
    flat = {key: value for key, value in row.items() if key not in vendor}
    if vendor:
        flat["x"] = json.dumps(vendor, ensure_ascii=False, sort_keys=True)
    if isinstance(flat.get("properties"), Mapping):
        flat["properties"] = json.dumps(flat["properties"], ensure_ascii=False, sort_keys=True)
    return flat


def _fault(row_no: int, row: Mapping[str, Any], error: Any) -> dict[str, Any]:
    pointer = "/" + "/".join(map(str, error.instance_path))
    rule = str(list(error.schema_path)[-1]) if list(error.schema_path) else "schema"
    record_id = row.get("record_id")
    return {
        "row_no": row_no,
        "record_id": record_id if isinstance(record_id, str) else None,
        "pointer": pointer,
        "rule": rule,
        "reason": f"{pointer} breaks the rule {rule!r} of the contract",
        "raw": json.dumps(row, ensure_ascii=False, default=str),
    }
