"""Bring one arriving column to the canonical type of its field, without loss.

A column of a type that cannot be meant is a ContractError: its author must mend the connector. A value that cannot be
meant is a fault of its row. Nothing here looks at a row from Python.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unifier.contract.faults import ArrowArray, Found, found
from unifier.contract.formats import DATE, FAULTS, NAIVE, OFFSET
from unifier.errors import ContractError

if TYPE_CHECKING:
    from unifier.contract.kinds import Field

INSTANT: Final = pa.timestamp("us", tz="UTC")
_LOCAL: Final = pa.timestamp("us")
_INTEGER: Final = "-?[0-9]{1,18}"
_NUMBER: Final = "-?[0-9]{1,300}(?:[.][0-9]{1,300})?(?:[eE][-+]?[0-9]{1,2})?"
_INT64: Final = pa.scalar(2**63 - 1, pa.decimal128(38))
_EXACT: Final = pa.scalar(2**53, pa.decimal128(38))
_SECONDS_OF_9999: Final = 253_402_300_799
_PER_SECOND: Final = {"s": 1, "ms": 1_000}
_MICROS_PER: Final = {"s": 1_000_000, "ms": 1_000}
_NAMES: Final = {"string": "text", "integer": "an integer", "number": "a number", "boolean": "true or false"}

Cells = tuple[ArrowArray, list[Found]]


def arrow_type(field: Field) -> pa.DataType:
    """Tell the canonical Arrow type of a scalar.

    >>> from unifier.contract.kinds import kind
    >>> arrow_type(kind("store").fields[-1])
    DataType(date32[day])
    """
    if field.format == "date-time":
        return INSTANT
    if field.format == "date":
        return pa.date32()
    types: dict[str, pa.DataType] = {
        "string": pa.string(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "boolean": pa.bool_(),
    }
    return types[field.type]


def plain(column: ArrowArray) -> ArrowArray:
    """Decode dictionaries and narrow the wide and view forms of text."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type):
        column = column.cast(pa.string())
    return column


def canonical(column: ArrowArray, field: Field, zone: str) -> Cells:
    """Cast a column to the type of its field and list the values that cannot be.

    Times without an offset take ``zone``; if it is empty each of them is a fault. Faulty values become null.
    Raises ContractError if the column's type cannot be meant.
    """
    target: Any = arrow_type(field)
    column = plain(column)
    if column.type == target:
        return column, []
    if pa.types.is_null(column.type):
        return pa.nulls(len(column), target), []
    if target == INSTANT:
        return _instants(column, field, zone)
    casts = {"date": _dates, "integer": _integers, "number": _numbers, "boolean": _booleans, "string": _texts}
    return casts["date" if field.format == "date" else field.type](column, field)


def _refused(column: ArrowArray, field: Field, mend: str = "") -> ContractError:
    """Tell an author that the type of a column cannot be meant."""
    wanted = {"date-time": "a time", "date": "a date"}.get(field.format or "", _NAMES[field.type])
    return ContractError(
        f"column {field.column}", f"holds {column.type}, where the contract has {wanted}", mend or "cast the column"
    )


def _kept(column: ArrowArray, fine: Any, field: Field, rule: str, reason: str) -> Cells:
    """Keep the values that are fine, null the others and list them."""
    faults = found(pc.invert(fine), field.pointer, rule, f"{field.path} {reason}")
    return (pc.if_else(fine, column, pa.scalar(None, column.type)) if faults else column), faults


def _matching(column: ArrowArray, expression: str, field: Field, rule: str, reason: str) -> Cells:
    """Keep the texts that follow an expression as a whole."""
    return _kept(column, pc.match_substring_regex(column, f"^(?:{expression})$"), field, rule, reason)


def _texts(column: ArrowArray, field: Field) -> Cells:
    """Bring integers (exactly) and, for birthdays, dates to text."""
    kind = column.type
    if field.format == "birthday" and (pa.types.is_date(kind) or pa.types.is_timestamp(kind)):
        days, faults = _dates(column, field)
        return days.cast(pa.string()), faults
    if pa.types.is_floating(kind):
        raise _refused(column, field, "floating numbers are wrong beyond 2^53: read the column as text")
    if not pa.types.is_integer(kind):
        raise _refused(column, field)
    return column.cast(pa.string()), []


def _integers(column: ArrowArray, field: Field) -> Cells:
    """Bring integers and their texts to 64 bits; a floating number is a fault even where it is whole."""
    kind, reason = column.type, "is not a 64-bit integer"
    if pa.types.is_string(kind):
        column, faults = _matching(column, _INTEGER, field, "type", reason)
        return column.cast(pa.int64()), faults
    if pa.types.is_floating(kind) or (pa.types.is_decimal(kind) and kind.scale > 0):
        reason = "is a number with a fraction; the contract counts in whole units, money in minor units"
        faults = found(column.is_valid(), field.pointer, "type", f"{field.path} {reason}")
        return pa.nulls(len(column), pa.int64()), faults
    if kind == pa.uint64() or pa.types.is_decimal(kind):
        wide: ArrowArray = column.cast(pa.decimal128(38))
        column, faults = _kept(wide, pc.less_equal(pc.abs(wide), _INT64), field, "type", reason)
        return column.cast(pa.int64()), faults
    if not pa.types.is_integer(kind):
        raise _refused(column, field)
    return column.cast(pa.int64()), []


def _numbers(column: ArrowArray, field: Field) -> Cells:
    """Bring integers, decimals and texts to floating numbers; integers beyond 2^53 are faults."""
    kind = column.type
    if pa.types.is_string(kind):
        column, faults = _matching(column, _NUMBER, field, "type", "is not a number")
        return column.cast(pa.float64()), faults
    if pa.types.is_integer(kind):
        wide: ArrowArray = column.cast(pa.decimal128(38))
        column, faults = _kept(wide, pc.less_equal(pc.abs(wide), _EXACT), field, "type", "is an integer beyond 2^53")
        return column.cast(pa.float64()), faults
    if not (pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        raise _refused(column, field)
    return column.cast(pa.float64(), safe=False), []


def _booleans(column: ArrowArray, field: Field) -> Cells:
    """Bring the texts ``true`` and ``false`` to booleans."""
    if not pa.types.is_string(column.type):
        raise _refused(column, field)
    column, faults = _matching(column, "true|false", field, "type", "is neither true nor false")
    return pc.equal(column, pa.scalar("true", pa.string())), faults


def _dates(column: ArrowArray, field: Field) -> Cells:
    """Bring texts ``YYYY-MM-DD`` and midnights without a zone to dates."""
    kind, fault = column.type, FAULTS[field.format or "date"]
    if pa.types.is_string(kind):
        column, faults = _matching(column, DATE, field, "format", fault)
        return column.cast(pa.date32()), faults
    if pa.types.is_timestamp(kind) and kind.tz is None:
        midnight = pc.equal(pc.floor_temporal(column, unit="day"), column)
        column, faults = _kept(column, midnight, field, "format", fault)
        return column.cast(pa.date32()), faults
    if not pa.types.is_date(kind):
        raise _refused(column, field)
    return column.cast(pa.date32()), []


def _instants(column: ArrowArray, field: Field, zone: str) -> Cells:
    """Bring texts and times of any unit and zone to microseconds in UTC."""
    kind = column.type
    if pa.types.is_string(kind):
        return _read(column, field, zone)
    if not pa.types.is_timestamp(kind):
        raise _refused(column, field, "give a timestamp with a zone, or ISO 8601 text")
    zoned = kind.tz is not None
    column, faults = _micros(column, field)
    if zoned:
        return column.view(INSTANT), faults
    local, homeless = _at_home(column.view(_LOCAL), field, zone)
    return local, faults + homeless


def _micros(column: ArrowArray, field: Field) -> Cells:
    """Bring a time of any unit to int64 microseconds; digits beyond are cut off, as they are in text."""
    unit, ticks = column.type.unit, column.view(pa.int64())
    if unit == "us":
        return ticks, []
    if unit == "ns":
        cut = np.floor_divide(ticks.fill_null(0).to_numpy(zero_copy_only=False), 1_000)
        return pa.array(cut, mask=ticks.is_null().to_numpy(zero_copy_only=False)), []
    limit: Any = _SECONDS_OF_9999 * _PER_SECOND[unit]
    fine = pc.and_(pc.less_equal(ticks, limit), pc.greater_equal(ticks, -limit))
    ticks, faults = _kept(ticks, fine, field, "format", "lies beyond the year 9999")
    return pc.multiply(ticks, pa.scalar(_MICROS_PER[unit], pa.int64())), faults


def _at_home(column: ArrowArray, field: Field, zone: str) -> Cells:
    """Read local times in the source's zone; of a time that comes twice the earlier is meant."""
    if not zone:
        reason = f"{field.path} has no offset and the source has no time zone"
        faults = found(column.is_valid(), field.pointer, "time_zone", reason)
        return pa.nulls(len(column), INSTANT), faults
    placed = pc.assume_timezone(column, zone, ambiguous="earliest", nonexistent="earliest")
    return placed.cast(INSTANT), []


def _read(column: ArrowArray, field: Field, zone: str) -> Cells:
    """Parse ISO 8601 texts, with an offset or without."""
    zoned = pc.match_substring_regex(column, f"^(?:{NAIVE}{OFFSET})$")
    local = pc.match_substring_regex(column, f"^(?:{NAIVE})$")
    column, faults = _kept(column, pc.or_(zoned, local), field, "format", FAULTS["date-time"])
    if pc.any(pc.match_substring_regex(column, "[.][0-9]{7}")).as_py():
        column = pc.replace_substring_regex(column, pattern="([.][0-9]{6})[0-9]+", replacement=r"\1")
    if not pc.any(local).as_py():
        return column.cast(INSTANT), faults
    nothing = pa.scalar(None, pa.string())
    placed, homeless = _at_home(pc.if_else(local, column, nothing).cast(_LOCAL), field, zone)
    return pc.coalesce(pc.if_else(zoned, column, nothing).cast(INSTANT), placed), faults + homeless
