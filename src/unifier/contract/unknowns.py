"""Set the columns and inner fields of an Arrow batch aside that the contract does not have: dropped, or kept in ``x``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unifier.contract.faults import item_offsets
from unifier.contract.kinds import VENDOR
from unifier.contract.kinds import kind as kind_schema
from unifier.contract.mending import KEPT, Unknown, pointer, shape
from unifier.contract.seen import Seen, field_of
from unifier.errors import ContractError
from unifier.tables import literal, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unifier.contract.faults import ArrowArray
    from unifier.contract.jsonable import Path


def set_aside(table: pa.Table, kind: str, unknown: Unknown, seen: Seen) -> pa.Table:
    """Take out what the contract does not have; with ``keep`` it comes back in the vendor's object ``x_unknown``.

    Values of unknown fields stand there under their paths (``vip``, ``acquired/note``, ``lines/0/sku``), without nulls,
    as they do for dicts. ``quarantine`` leaves the batch as it is. Raises ContractError where the batch has vendors'
    objects in a form that cannot take them up.
    """
    if unknown == "quarantine" or len(set(table.column_names)) < table.num_columns:
        return table
    parted = _parted(table, kind)
    parted.note(seen)
    if not parted.flat and not parted.items:
        return table
    known = pa.table(parted.known) if parted.known else table.select([])
    if unknown == "drop":
        return known
    taken = {KEPT, "x"} & set(known.column_names)
    if taken:
        fault = "comes beside columns that the contract does not have, which are to be kept"
        raise ContractError(f"column {min(taken)}", fault, f"name it otherwise, or put them into an object {KEPT}")
    return known.append_column(KEPT, parted.text(table.num_rows))


@dataclass(slots=True)
class _Parted:
    """Known columns, and unknown ones by their path: ``flat`` a value a row, ``items`` a list of values a row."""

    known: dict[str, ArrowArray] = field(default_factory=dict)
    flat: dict[Path, ArrowArray] = field(default_factory=dict)
    items: dict[tuple[str, str], ArrowArray] = field(default_factory=dict)

    def note(self, seen: Seen) -> None:
        """Note the unknown fields, their types and how often they are filled."""
        for path, column in self.flat.items():
            name = field_of(path, known=len(path) - 1)
            seen.stranger(name, column)
        for (part, child), column in self.items.items():
            name = field_of((part, "0", child), known=2)
            seen.stranger(name, pc.list_flatten(column))

    def text(self, size: int) -> ArrowArray:
        """Write the unknown values of each row as one JSON object, null where there are none."""
        columns: dict[str, ArrowArray] = {"row_no": pa.array(np.arange(size))}
        objects: list[str] = []
        packed: list[str] = []
        for at, (path, column) in enumerate(sorted(self.flat.items())):
            columns[f"f{at}"] = column
            packed.append(f"{quoted(pointer(path)[1:])} := f{at}")
        if packed:
            objects.append(f"to_json(struct_pack({', '.join(packed)}))")
        for at, ((part, child), column) in enumerate(sorted(self.items.items())):
            columns[f"i{at}"] = column
            key = f"{literal(part + '/')} || (at - 1) || {literal(pointer((child,)))}"
            entries = f"list_transform(i{at}, lambda value, at: {{'key': {key}, 'value': value}})"
            filled = f"list_filter({entries}, lambda entry: entry.value IS NOT NULL)"
            objects.append(f"coalesce(to_json(map_from_entries({filled})), '{{}}')")
        sql = f"SELECT nullif(json_merge_patch('{{}}', {', '.join(objects)})::VARCHAR, '{{}}') AS kept FROM arriving ORDER BY row_no"
        with duckdb.connect(config={"threads": 1}) as con:
            con.execute("SET TimeZone = 'UTC'")
            con.register("arriving", pa.table(columns))
            answer: pa.Table = con.sql(sql).to_arrow_table()
        return answer.column(0).combine_chunks()


def _parted(table: pa.Table, kind: str) -> _Parted:
    """Part the columns by whether the contract has them."""
    of, parted = shape(kind), _Parted()
    columns = {one.column for one in kind_schema(kind).scalars} | of.lists.keys() | of.free | {"x"}
    for name in table.column_names:
        column: ArrowArray = table.column(name).combine_chunks()
        if name in of.objects and pa.types.is_struct(column.type):
            parted.known[name] = _object(column, name, of.objects[name], parted)
        elif name in of.lists:
            parted.known[name] = _list(column, name, of.lists[name], parted)
        elif name in columns or name in of.objects or VENDOR.fullmatch(name):
            parted.known[name] = column
        else:
            parted.flat[name,] = column
    return parted


def _object(column: ArrowArray, name: str, fields: Mapping[str, Any], parted: _Parted) -> ArrowArray:
    """Leave the known fields in a struct."""
    strangers = [one.name for one in column.type if one.name not in fields]
    for child in strangers:
        parted.flat[name, child] = pc.struct_field(column, child)
    return _without(column, strangers) if strangers else column


def _list(column: ArrowArray, name: str, fields: Mapping[str, Any], parted: _Parted) -> ArrowArray:
    """Leave the known fields in the structs of a list."""
    kind = column.type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
        return column
    if not pa.types.is_struct(kind.value_type):
        return column
    strangers = [one.name for one in kind.value_type if one.name not in fields]
    if not strangers:
        return column
    items = pc.list_flatten(column)
    starts = pa.array(item_offsets(column).astype(np.int32))
    mask = column.is_null() if column.null_count else None
    for child in strangers:
        parted.items[name, child] = pa.ListArray.from_arrays(starts, pc.struct_field(items, child), mask=mask)
    return pa.ListArray.from_arrays(starts, _without(items, strangers), mask=mask)


def _without(column: ArrowArray, strangers: list[str]) -> ArrowArray:
    """Make a struct again without some of its fields."""
    kept = [one for one in column.type if one.name not in strangers]
    children = [pc.struct_field(column, one.name) for one in kept]
    mask = column.is_null() if column.null_count else None
    if kept:
        return pa.StructArray.from_arrays(children, fields=kept, mask=mask)
    return pa.array([None if absent else {} for absent in column.is_null().to_pylist()], pa.struct([]))
