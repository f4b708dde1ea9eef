"""Bring lists of objects and free objects to canonical columns."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unifier.contract.cells import Cells, arrow_type, canonical, plain
from unifier.contract.faults import ArrowArray, Found, found, in_items, item_offsets
from unifier.contract.objects import NOT_AN_OBJECT
from unifier.errors import ContractError
from unifier.tables import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from unifier.contract.kinds import Nested


def nested_arrow_type(part: Nested) -> pa.DataType:
    """Tell the canonical Arrow type of a nested part: a list of structs, or JSON text."""
    if part.free:
        return pa.string()
    return pa.list_(pa.struct([pa.field(field.column, arrow_type(field)) for field in part.fields]))


def unknown(name: str, known: Sequence[str], place: str) -> ContractError:
    """Tell an author that a name is not in the contract, and which one is nearest."""
    nearest = get_close_matches(name, known, n=1)
    mend = f"did you mean {nearest[0]!r}?" if nearest else "put it in an object x_<vendor>"
    return ContractError(f"{place} {name}", "is not in the contract", mend)


def canonical_list(column: ArrowArray, part: Nested, zone: str) -> Cells:
    """Cast a list of objects field by field; faults point at the item.

    Raises ContractError for a column that is no list of structs and for fields that the contract does not have.
    """
    target: Any = nested_arrow_type(part)
    if column.type == target:
        return column, []
    if pa.types.is_null(column.type):
        return pa.nulls(len(column), target), []
    items = _items(column, part)
    children: list[ArrowArray] = []
    inner: list[Found] = []
    for field in part.fields:
        child, wrong = canonical(_child(items, field.column), field, zone)
        children.append(child)
        inner += wrong
    structs = pa.StructArray.from_arrays(children, fields=list(target.value_type), mask=items.is_null())
    starts: ArrowArray = pa.array(item_offsets(column).astype(np.int32))
    mask = column.is_null() if column.null_count else None
    lists = pa.ListArray.from_arrays(starts, structs, type=target, mask=mask)
    return lists, in_items(inner, lists, part.pointer)


def _items(column: ArrowArray, part: Nested) -> ArrowArray:
    """Flatten a list column to its items, and see that they are objects of known fields."""
    kind = column.type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
        raise ContractError(f"column {part.column}", f"holds {kind}, where the contract has a list of objects")
    items: ArrowArray = pc.list_flatten(column)
    if pa.types.is_null(items.type):
        return items.cast(pa.struct([]))
    if not pa.types.is_struct(items.type):
        raise ContractError(f"column {part.column}", f"holds {kind}, where the contract has a list of objects")
    known = [field.column for field in part.fields]
    for child in items.type:
        if child.name not in known:
            raise unknown(child.name, known, f"field /{part.column}/")
    return items


def _child(items: ArrowArray, name: str) -> ArrowArray:
    """Take one field of the items; null where the items do not have it."""
    if items.type.get_field_index(name) < 0:
        return pa.nulls(len(items))
    return pc.struct_field(items, name)


def canonical_object(column: ArrowArray, name: str) -> Cells:
    """Bring a free object to JSON text: structs and maps are written, text is taken as it is.

    Whether the text is a JSON object is asked by the check, as for batches that arrive canonical.
    """
    column = plain(column)
    if pa.types.is_string(column.type):
        return column, []
    if pa.types.is_null(column.type):
        return pa.nulls(len(column), pa.string()), []
    if not (pa.types.is_struct(column.type) or pa.types.is_map(column.type)):
        raise ContractError(f"column {name}", f"holds {column.type}, where the contract has an object")
    sql = f"SELECT json_merge_patch('{{}}', to_json({quoted(name)}))::VARCHAR AS text FROM arriving"
    return _queried(sql, {name: column}), []


def vendor_objects(columns: Mapping[str, ArrowArray], size: int) -> Cells:
    """Gather the vendors' objects ``x_...`` in one JSON object, without nulls and in the order of their names."""
    if not columns:
        return pa.nulls(size, pa.string()), []
    texts: dict[str, ArrowArray] = {}
    faults: list[Found] = []
    for name in sorted(columns):
        text, _ = canonical_object(columns[name], name)
        bad = _queried(f"SELECT {not_an_object_sql(quoted(name))} AS bad FROM arriving", {name: text})
        faults += found(bad, f"/{name}", "type", f"{name} {NOT_AN_OBJECT}")
        texts[name] = pc.if_else(bad, pa.scalar(None, pa.string()), text)
    packed = ", ".join(f"{quoted(name)} := {quoted(name)}::JSON" for name in texts)
    merged = f"json_merge_patch('{{}}', to_json(struct_pack({packed})))::VARCHAR"
    return _queried(f"SELECT nullif({merged}, '{{}}') AS x FROM arriving", texts), faults


def not_an_object_sql(column: str) -> str:
    """Write the condition under which a text is not a JSON object; false for null."""
    return f"({column} IS NOT NULL AND coalesce(json_type(try_cast({column} AS JSON)) <> 'OBJECT', true))"


def _queried(sql: str, columns: Mapping[str, ArrowArray]) -> ArrowArray:
    """Run a statement with one result column over the relation ``arriving``, in a database of its own, in order."""
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute("SET TimeZone = 'UTC'")
        con.register("arriving", pa.table({name: _sorted(column) for name, column in columns.items()}))
        answer: pa.Table = con.sql(sql).to_arrow_table()
    return answer.column(0).combine_chunks()


def _sorted(column: ArrowArray) -> ArrowArray:
    """Put the fields of structs in the order of their names, so that equal objects have equal text."""
    if not pa.types.is_struct(column.type) or not column.type.num_fields:
        return column
    names = sorted(field.name for field in column.type)
    children = [_sorted(pc.struct_field(column, name)) for name in names]
    return pa.StructArray.from_arrays(children, names=names, mask=column.is_null())
