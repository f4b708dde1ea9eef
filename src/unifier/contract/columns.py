"""Make columns of dicts that keep the JSON Schema of their kind: Arrow reads them as structs, and numbers are watched.

Of the ways that were measured this is the quickest that is exact, see ``docs/decisions/0005-dict-records.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from unifier.contract.jsonable import Unfit
from unifier.contract.kinds import kind as kind_schema
from unifier.contract.objects import object_text

if TYPE_CHECKING:
    from unifier.contract.faults import ArrowArray
    from unifier.contract.kinds import Field, KindSchema, Nested

_TYPES: Final[dict[str, pa.DataType]] = {
    "string": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
}
"""How a field goes to the vectorised checks: times and dates stay text, and are read there."""
_NUMERIC: Final = frozenset({int, float, type(None)})


def columns_of(rows: Sequence[dict[str, Any]], kind: str) -> pa.Table:
    """Put valid records into the columns of ``arrow_schema(kind)``, times and dates as text.

    Raises ValueError, TypeError or an error of Arrow where a value passed the schema and yet is not exact in its
    column: an integer beyond 2^53 in a number, a Decimal, half a surrogate pair, an object that JSON cannot hold.
    """
    schema = kind_schema(kind)
    present: set[str] = set().union(*rows)
    _require_plain_numbers(rows, schema, present)
    structs = pa.array(rows, _record_type(schema, present))
    if isinstance(structs, pa.ChunkedArray):
        raise Unfit((), "size", "is more text than one column holds")
    arrays: dict[str, ArrowArray] = {}
    for field in schema.scalars:
        root, _, child = field.path.partition(".")
        if root not in present:
            arrays[field.column] = pa.nulls(len(rows), _TYPES[field.type])
        else:
            column = structs.field(root)
            arrays[field.column] = pc.struct_field(column, child) if child else column
    for part in schema.lists:
        arrays[part.column] = (
            structs.field(part.path) if part.path in present else pa.nulls(len(rows), _list_type(part))
        )
    for part in schema.free:
        values = (row.get(part.path) for row in rows) if part.path in present else ()
        arrays[part.column] = _texts(values, len(rows))
    vendors = sorted(key for key in present if key.startswith("x_"))
    arrays["x"] = _texts(_gathered(rows, vendors) if vendors else (), len(rows))
    return pa.table(arrays)


def _record_type(schema: KindSchema, present: set[str]) -> Any:
    """Make the struct type of the fields that came, as they stand in a record."""
    fields: dict[str, pa.DataType] = {}
    objects: dict[str, list[Any]] = {}
    for field in schema.scalars:
        root, _, child = field.path.partition(".")
        if child:
            objects.setdefault(root, []).append((child, _TYPES[field.type]))
        else:
            fields[root] = _TYPES[field.type]
    fields |= {root: pa.struct(children) for root, children in objects.items()}
    fields |= {part.path: _list_type(part) for part in schema.lists}
    return pa.struct([(name, kind) for name, kind in fields.items() if name in present])


def _list_type(part: Nested) -> Any:
    return pa.list_(pa.struct([(field.path, _TYPES[field.type]) for field in part.fields]))


def _require_plain_numbers(rows: Sequence[dict[str, Any]], schema: KindSchema, present: set[str]) -> None:
    """Refuse numbers that are neither int nor float: Arrow would bend them, a Decimal of 1.5 to the integer 1."""
    for field in _numeric(schema.scalars):
        if field.path in present and not _NUMERIC.issuperset([type(row.get(field.path)) for row in rows]):
            raise Unfit((), "type", f"{field.path} is no plain number")
    for part in schema.lists:
        numeric = _numeric(part.fields)
        if part.path not in present or not numeric:
            continue
        items = list(chain.from_iterable(row.get(part.path) or () for row in rows))
        for field in numeric:
            if not _NUMERIC.issuperset([type(item.get(field.path)) for item in items]):
                raise Unfit((), "type", f"{field.path} is no plain number")


def _numeric(fields: Sequence[Field]) -> list[Field]:
    return [field for field in fields if field.type in {"integer", "number"}]


def _texts(objects: Any, size: int) -> ArrowArray:
    """Make the column of free objects, as text."""
    texts = [object_text(value) if value is not None else None for value in objects]
    return pa.array(texts, pa.string()) if texts else pa.nulls(size, pa.string())


def _gathered(rows: Sequence[dict[str, Any]], keys: Sequence[str]) -> Iterator[dict[str, Any] | None]:
    """Gather the vendors' objects of each row in one, without nulls."""
    for row in rows:
        yield {key: row[key] for key in keys if row.get(key) is not None} or None
