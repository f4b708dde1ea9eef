"""Make columns of dicts that keep the JSON Schema of their kind: a list of values for each field, then an array.

Of the ways that were measured this is the quickest that is exact, see ``docs/decisions/0005-dict-records.md``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from unifier.contract.jsonable import Unfit
from unifier.contract.kinds import kind as kind_schema
from unifier.contract.objects import object_text

if TYPE_CHECKING:
    from unifier.contract.faults import ArrowArray
    from unifier.contract.kinds import Field, Nested

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

    Raises ValueError, UnicodeEncodeError or an error of Arrow where a value passed the schema and yet is not exact in
    its column: an integer beyond 2^53 in a number, a Decimal, half a surrogate pair, an object that JSON cannot hold.
    """
    schema = kind_schema(kind)
    if not {dict}.issuperset(map(type, rows)):
        rows = [dict(row) for row in rows]
    present = set().union(*rows)
    size = len(rows)
    arrays: dict[str, ArrowArray] = {}
    objects: dict[str, list[Any]] = {}
    for field in schema.scalars:
        root, _, child = field.path.partition(".")
        if root not in present:
            arrays[field.column] = pa.nulls(size, _TYPES[field.type])
        elif child:
            outer = objects[root] if root in objects else objects.setdefault(root, _picked(rows, root))
            arrays[field.column] = _array([None if one is None else one.get(child) for one in outer], field)
        else:
            arrays[field.column] = _array(_picked(rows, root), field)
    for part in schema.nested:
        values = _picked(rows, part.path) if part.path in present else []
        arrays[part.column] = _texts(values, size) if part.free else _lists(values, part, size)
    arrays["x"] = _vendors(rows, sorted(key for key in present if key.startswith("x_")))
    return pa.table(arrays)


def _picked(rows: Sequence[dict[str, Any]], key: str) -> list[Any]:
    """List the values of a key, None where a row does not have it; quicker where all do."""
    try:
        return list(map(itemgetter(key), rows))
    except KeyError:
        return [row.get(key) for row in rows]


def _array(values: list[Any], field: Field) -> ArrowArray:
    """Make the array of a field; what Arrow would bend to a number is refused."""
    if field.type in {"integer", "number"} and not _NUMERIC.issuperset(map(type, values)):
        raise Unfit((), "type", f"{field.path} is no plain number")
    return pa.array(values, _TYPES[field.type])


def _lists(values: list[Any], part: Nested, size: int) -> ArrowArray:
    """Make the array of a list of objects."""
    fields = [pa.field(field.column, _TYPES[field.type]) for field in part.fields]
    if not values:
        return pa.nulls(size, pa.list_(pa.struct(fields)))
    items = list(chain.from_iterable(filter(None, values)))
    if not {dict}.issuperset(map(type, items)):
        items = [dict(item) for item in items]
    present = set().union(*items)
    children = [
        _array(_picked(items, field.path), field) if field.path in present else pa.nulls(len(items), of.type)
        for field, of in zip(part.fields, fields, strict=True)
    ]
    lengths = np.fromiter((len(value) if value else 0 for value in values), np.int32, size)
    offsets = np.concatenate([np.zeros(1, np.int32), np.cumsum(lengths, dtype=np.int32)])
    absent = pa.array([value is None for value in values]) if None in values else None
    structs = pa.StructArray.from_arrays(children, fields=fields)
    return pa.ListArray.from_arrays(pa.array(offsets), structs, type=pa.list_(pa.struct(fields)), mask=absent)


def _texts(values: list[Any], size: int) -> ArrowArray:
    """Make the array of a free object, as text."""
    if not values:
        return pa.nulls(size, pa.string())
    return pa.array([None if value is None else object_text(value) for value in values], pa.string())


def _vendors(rows: Sequence[dict[str, Any]], keys: Sequence[str]) -> ArrowArray:
    """Gather the vendors' objects of each row in one text, without nulls."""
    if not keys:
        return pa.nulls(len(rows), pa.string())
    gathered = ({key: row[key] for key in keys if row.get(key) is not None} for row in rows)
    return pa.array([object_text(one) if one else None for one in gathered], pa.string())
