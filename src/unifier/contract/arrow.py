"""Bring an arriving Arrow table to the checkable shape of its kind: canonical columns and a fault for each bad row.

The canonical shape has one column for each scalar (``acquired.scene`` stands in ``acquired_scene``), lists of structs
for nested parts, JSON text for free and vendors' objects, times in microseconds UTC. What is already canonical is only
searched for bytes that cannot be kept.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from unifier.contract.cells import arrow_type, canonical
from unifier.contract.faults import ArrowArray, Found, first_faults
from unifier.contract.kinds import ENVELOPE, VENDOR, KindSchema
from unifier.contract.kinds import kind as kind_schema
from unifier.contract.objects import unstrict_faults
from unifier.contract.parts import canonical_list, canonical_object, nested_arrow_type, unknown, vendor_objects
from unifier.contract.texts import nul_faults
from unifier.errors import ContractError

NUMBERS: Final = (("source_no", pa.int16()), ("batch_no", pa.int32()), ("landed_no", pa.int64()))
"""Stand in front of every landed row."""


@cache
def arrow_schema(kind: str) -> pa.Schema:
    """Tell the canonical columns of a kind: envelope, scalars, nested parts and ``x``.

    >>> arrow_schema("guide").names
    ['record_id', 'observed_at', 'deleted', 'name', 'store', 'x']
    """
    schema = kind_schema(kind)
    fields = [pa.field(field.column, arrow_type(field)) for field in schema.scalars]
    fields += [pa.field(part.column, nested_arrow_type(part)) for part in schema.nested]
    return pa.schema([*fields, pa.field("x", pa.string())])


@cache
def landing_schema(kind: str) -> pa.Schema:
    """Tell the columns of a kind's records as they landed: numbered, and times without their zone, which is UTC.

    >>> landing_schema("guide").names
    ['source_no', 'batch_no', 'landed_no', 'record_id', 'observed_at', 'deleted', 'name', 'store', 'x']
    """
    return pa.schema([*NUMBERS, *((field.name, _local(field.type)) for field in arrow_schema(kind))])


def _local(kind: pa.DataType) -> pa.DataType:
    """Take the zone off a type of times, also inside lists of structs."""
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us")
    if pa.types.is_list(kind):
        return pa.list_(pa.struct([(field.name, _local(field.type)) for field in kind.value_type]))
    return kind


def conform(batch: pa.RecordBatch | pa.Table, kind: str, zone: str = "") -> pa.Table:
    """Bring a batch to :func:`arrow_schema` of its kind and add the column ``fault`` (null where a row is fine).

    ``zone`` (an IANA name) is where times without an offset are at home; without it they are faults. Absent optional
    columns become nulls, objects may come as structs, vendors' objects ``x_...`` are gathered in ``x``.

    Raises ContractError, naming the column, for columns that are not in the contract, that come twice, that are
    required and missing (a batch of tombstones needs record_id and observed_at only), or of a type that cannot be
    meant.
    """
    table = batch if isinstance(batch, pa.Table) else pa.Table.from_batches([batch])
    schema = arrow_schema(kind)
    faults: list[Found] = []
    if not table.schema.equals(schema):
        table, faults = _arranged(table, kind_schema(kind), schema, zone)
    faults += nul_faults(table, kind_schema(kind))
    faults += unstrict_faults(table, kind_schema(kind))
    return table.append_column("fault", first_faults(faults, table.num_rows))


def _arranged(table: pa.Table, kind: KindSchema, schema: pa.Schema, zone: str) -> tuple[pa.Table, list[Found]]:
    """Find the canonical columns among the arriving ones and cast them."""
    columns = _flattened(table, kind)
    vendors = {name: columns.pop(name) for name in list(columns) if VENDOR.fullmatch(name)}
    _refuse_strangers(columns, schema, kind, vendors)
    _refuse_missing(columns, kind)
    size = table.num_rows
    arrays: list[ArrowArray] = []
    faults: list[Found] = []
    for field in kind.scalars:
        array, wrong = canonical(columns.get(field.column, pa.nulls(size)), field, zone)
        arrays.append(array)
        faults += wrong
    for part in kind.nested:
        column = columns.get(part.column, pa.nulls(size))
        array, wrong = canonical_object(column, part.column) if part.free else canonical_list(column, part, zone)
        arrays.append(array)
        faults += wrong
    x, wrong = canonical_object(columns["x"], "x") if "x" in columns else vendor_objects(vendors, size)
    return pa.Table.from_arrays([*arrays, x], schema=schema), faults + wrong


def _flattened(table: pa.Table, kind: KindSchema) -> dict[str, ArrowArray]:
    """Name the arriving columns, with the fields of objects such as ``acquired`` as columns of their own."""
    roots = {field.path.split(".")[0] for field in kind.fields if "." in field.path}
    pairs: list[tuple[str, ArrowArray]] = []
    for name in table.column_names if len(set(table.column_names)) == table.num_columns else _twice(table.column_names):
        array = table.column(name).combine_chunks()
        if name not in roots or pa.types.is_null(array.type):
            pairs += [] if name in roots else [(name, array)]
        elif not pa.types.is_struct(array.type):
            raise ContractError(f"column {name}", f"holds {array.type}, where the contract has an object")
        else:
            known = [field.path.split(".")[1] for field in kind.fields if field.path.startswith(f"{name}.")]
            strangers = [field.name for field in array.type if field.name not in known]
            if strangers:
                raise unknown(strangers[0], known, f"field /{name}/")
            pairs += [(f"{name}_{field.name}", pc.struct_field(array, field.name)) for field in array.type]
    return dict(pairs) if len({name for name, _ in pairs}) == len(pairs) else _twice([name for name, _ in pairs])


def _twice(names: list[str]) -> dict[str, ArrowArray]:
    """Refuse a batch in which a column comes twice."""
    name = Counter(names).most_common(1)[0][0]
    raise ContractError(f"column {name}", "comes twice", "give each field once")


def _refuse_strangers(
    columns: dict[str, ArrowArray], schema: pa.Schema, kind: KindSchema, vendors: dict[str, ArrowArray]
) -> None:
    """Refuse columns that are not in the contract, naming the nearest that is."""
    known = [*schema.names, *{field.path.split(".")[0] for field in kind.fields}]
    for name in columns:
        if name not in schema.names:
            raise unknown(name, known, "column")
    if vendors and "x" in columns:
        raise ContractError("column x", f"comes beside {min(vendors)}", "give vendors' objects one way")


def _refuse_missing(columns: dict[str, ArrowArray], kind: KindSchema) -> None:
    """Refuse a batch without a required column; tombstones need the envelope only."""
    deleted = columns.get("deleted")
    tombstones = (
        deleted is not None and pa.types.is_boolean(deleted.type) and pc.all(pc.fill_null(deleted, False)).as_py()
    )
    for field in kind.scalars:
        if field.required and field.column not in columns and not (tombstones and field.column not in ENVELOPE):
            raise ContractError(
                f"column {field.column}", f"is missing; every {kind.name} has it", "add it to the stream"
            )
