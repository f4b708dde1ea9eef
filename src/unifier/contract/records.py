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


def from_dicts(con: duckdb.DuckDBPyConnection, rows: Sequence[Mapping[str, Any]], name: str, zone: str = "") -> Checked:
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
    checked = check(con, _columns(good, name), name, zone)
    for fault in checked.faults.to_pylist():
        row_no = places[fault["row_no"]]
        faults.append({**fault, "row_no": row_no, "raw": _raw(rows[row_no])})
    return Checked(checked.valid, pa.Table.from_pylist(sorted(faults, key=lambda fault: int(fault["row_no"])), FAULTS))


def _columns(rows: list[dict[str, Any]], name: str) -> pa.Table:
    """Make columns of validated dicts; times stay text, the vectorised checks read them."""
    from unifier.contract.arrow import arrow_schema

    loose = [pa.field(field.name, _loose(field.type)) for field in arrow_schema(name)]
    return pa.Table.from_pylist(rows, pa.schema(loose))


def _loose(of: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(of) or pa.types.is_date(of):
        return pa.string()
    if pa.types.is_list(of):
        return pa.list_(_loose(of.value_type))
    if pa.types.is_struct(of):
        return pa.struct([pa.field(field.name, _loose(field.type)) for field in of])
    return of


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Spread objects over their columns, and put free objects into text, since columns have no room for them."""
    flat: dict[str, Any] = {}
    vendor: dict[str, Any] = {}
    for key, value in row.items():
        if key.startswith("x_"):
            if value is not None:
                vendor[key] = value
        elif isinstance(value, Mapping) and key == "properties":
            flat[key] = _text(value)
        elif isinstance(value, Mapping):
            flat.update({f"{key}_{child}": inner for child, inner in value.items()})
        else:
            flat[key] = value
    if vendor:
        flat["x"] = _text(vendor)
    return flat


def _text(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _raw(row: Mapping[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, default=str)


def _fault(row_no: int, row: Mapping[str, Any], error: Any) -> dict[str, Any]:
    rule = str(list(error.schema_path)[-1]) if list(error.schema_path) else "schema"
    place = [str(part) for part in error.instance_path]
    if rule == "required" and "required" in str(error.message):
        place.append(str(error.message).split('"')[1] if '"' in str(error.message) else "")
    pointer = "/" + "/".join(place)
    record_id = row.get("record_id")
    return {
        "row_no": row_no,
        "record_id": record_id if isinstance(record_id, str) else None,
        "pointer": pointer,
        "rule": rule,
        "reason": f"{pointer} breaks the rule {rule!r} of the contract",
        "raw": _raw(row),
    }
