"""Tell by cheap looks at whole columns which of them may hold a bad value, so that only these are checked row by row.

Suspicion may be wrong, its absence never is: a column that is not named here has no value that breaks a rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unifier.contract.formats import EXPRESSIONS
from unifier.contract.kinds import Field
from unifier.contract.kinds import kind as kind_schema

if TYPE_CHECKING:
    from unifier.contract.faults import ArrowArray

_FIRST_DAY: Final = int(np.datetime64("0001-01-01", "D").astype(np.int64))
_AFTER_LAST_DAY: Final = int(np.datetime64("10000-01-01", "D").astype(np.int64))
_MICROS_PER_DAY: Final = 86_400_000_000


def suspects(table: pa.Table, kind: str) -> tuple[str, ...]:
    """Name the columns of a canonical table that may hold a bad value, in their order.

    Free objects are always suspected where they hold anything: only a parser of JSON can clear them.
    """
    schema = kind_schema(kind)
    named = [field.column for field in schema.scalars if _suspect(_whole(table, field.column), field)]
    for part in schema.lists:
        items: ArrowArray = pc.list_flatten(_whole(table, part.column))
        children = ((pc.struct_field(items, field.column), field) for field in part.fields)
        if items.null_count or any(_suspect(child, field) for child, field in children):
            named.append(part.column)
    free = [*(part.column for part in schema.free), "x"]
    return (*named, *(column for column in free if table.column(column).null_count < table.num_rows))


def _whole(table: pa.Table, column: str) -> ArrowArray:
    """Take a column in one piece."""
    return table.column(column).combine_chunks()


def _suspect(column: ArrowArray, field: Field) -> bool:
    """Tell whether some value of a column may break a rule of its field."""
    if column.null_count and (field.required or column.null_count == len(column)):
        return field.required
    if not len(column) or field.type == "boolean":
        return False
    if field.type == "number":
        return not pc.all(pc.is_finite(column)).as_py()
    return _suspect_text(column, field) if pa.types.is_string(column.type) else _suspect_span(column, field)


def _suspect_span(column: ArrowArray, field: Field) -> bool:
    """Tell whether the least or greatest integer, date or time of a column leaves its bounds."""
    ticks: Any = pa.int64()
    least, greatest = field.minimum, field.maximum
    if field.format:
        per_day = _MICROS_PER_DAY if field.format == "date-time" else 1
        least, greatest = _FIRST_DAY * per_day, _AFTER_LAST_DAY * per_day - 1
        ticks = pa.int64() if field.format == "date-time" else pa.int32()
    span = pc.min_max(column.view(ticks))
    return bool(
        (least is not None and span["min"].as_py() < least) or (greatest is not None and span["max"].as_py() > greatest)
    )


def _suspect_text(column: ArrowArray, field: Field) -> bool:
    """Tell whether some text may be too short, too long, of no enumerated word or of a broken format."""
    if field.enum:
        return not pc.all(pc.or_(pc.is_in(column, pa.array(field.enum)), column.is_null())).as_py()
    if field.format:
        return not pc.all(pc.match_substring_regex(column, f"^(?:{EXPRESSIONS[field.format]})$")).as_py()
    lengths: ArrowArray = pc.binary_length(column)
    octets = pc.min_max(lengths)
    longest = field.max_length is not None and octets["max"].as_py() > field.max_length
    return longest or (field.min_length is not None and octets["min"].as_py() < field.min_length)
