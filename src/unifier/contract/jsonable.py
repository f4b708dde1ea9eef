"""Bring values of Python types that JSON does not have to JSON, exactly, or say why they cannot be.

Authors yield what their libraries give them: a database driver a ``datetime`` and a ``Decimal``, pandas its scalars.
Nothing is rounded, cut or guessed: what has no exact form in JSON is :class:`Unfit`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import numpy as np

if TYPE_CHECKING:
    from unifier.contract.kinds import Field

DEPTH: Final = 64
"""Levels of a free object; parsers give up at a depth of their own, so the contract has one for all."""
EXACT: Final = 2**53
"""The greatest integer up to which every integer is a floating number."""
_DIGITS: Final = 40
_DAY: Final = len("YYYY-MM-DD")

Path = tuple[str, ...]
"""Where a value stands: keys and positions, as in a JSON pointer."""


class Unfit(ValueError):  # noqa: N818 - the name says what the value is; it never leaves the contract
    """A value that the contract cannot hold: where it stands, which rule it breaks and why, never the value."""

    def __init__(self, path: Path, rule: str, reason: str) -> None:
        super().__init__(reason)
        self.path = path
        self.rule = rule
        self.reason = reason


def brought(value: Any, path: Path = (), field: Field | None = None, depth: int = 1) -> Any:
    """Bring a value and all in it to JSON; raise :class:`Unfit` where that cannot be done exactly.

    ``field`` is what the contract has at this place, if it is a scalar: a midnight is a date where a date is wanted,
    and a decimal with places is no integer, whatever stands in the places.

    >>> brought({"at": datetime(2026, 5, 1, 8, tzinfo=UTC), "price": Decimal("110"), "ids": (np.int64(2**62),)})
    {'at': '2026-05-01T08:00:00+00:00', 'price': 110, 'ids': [4611686018427387904]}
    """
    kind = type(value)
    if value is None or kind is bool:
        return value
    if kind is str:
        return _text(value, path)
    if kind is int:
        return _integer(value, path, field)
    if kind is float:
        return _float(value, path)
    if isinstance(value, Mapping | list | tuple):
        return _inside(value, path, depth)
    return brought(_converted(value, path, field), path, field, depth)


def _inside(value: Mapping[Any, Any] | list[Any] | tuple[Any, ...], path: Path, depth: int) -> Any:
    """Bring an object or a list."""
    if depth > DEPTH:
        raise Unfit(path, "depth", f"is nested deeper than {DEPTH} levels")
    if not isinstance(value, Mapping):
        return [brought(item, (*path, str(at)), None, depth + 1) for at, item in enumerate(value)]
    made: dict[str, Any] = {}
    for key, inner in value.items():
        if not isinstance(key, str):
            raise Unfit(path, "type", f"has a key that is {type(key).__name__}, where JSON has text")
        name = _text(str(key.value) if isinstance(key, Enum) else str(key), path)
        if name in made:
            raise Unfit(path, "type", "has a key twice")
        made[name] = brought(inner, (*path, name), None, depth + 1)
    return made


def _text(value: str, path: Path) -> str:
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Unfit(path, "type", "holds half a surrogate pair, which is no character") from None
    return value


def _integer(value: int, path: Path, field: Field | None) -> int:
    if field is not None and field.type == "number" and abs(value) > EXACT:
        raise Unfit(path, "type", "is an integer beyond 2^53")
    return value


def _float(value: float, path: Path) -> float:
    if not math.isfinite(value):
        raise Unfit(path, "type", "is not a finite number")
    return value


def _converted(value: Any, path: Path, field: Field | None) -> Any:  # noqa: PLR0911 - one line for each type
    """Bring one value of a type that JSON does not have one step nearer to it."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str | bool | int | float) and not isinstance(value, np.generic):
        return next(kind(value) for kind in (str, bool, int, float) if isinstance(value, kind))
    if isinstance(value, datetime):
        return _instant(value, field)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return _decimal(value, path, field)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, np.datetime64):
        return _day_or_all(str(value), field)
    if isinstance(value, np.ndarray) and value.dtype != object:
        return value.tolist()
    if isinstance(value, np.generic) and type(value.item()) in {str, bool, int, float}:
        return value.item()
    raise Unfit(path, "type", f"is {type(value).__name__}, which JSON does not have")


def _instant(value: datetime, field: Field | None) -> str:
    """Write a time as ISO 8601, in UTC where it knows its offset: offsets of times long ago have seconds."""
    if value.tzinfo is None:
        return _day_or_all(value.isoformat(), field)
    try:
        return value.astimezone(UTC).isoformat()
    except (OverflowError, ValueError):
        return value.isoformat()


def _day_or_all(text: str, field: Field | None) -> str:
    """Take the day of a naive midnight where the contract has a date: pandas has no other dates."""
    wanted = field is not None and field.format in {"date", "birthday"}
    return text[:_DAY] if wanted and set(text[_DAY + 1 :]) <= set("0:.") else text


def _decimal(value: Decimal, path: Path, field: Field | None) -> Any:
    """Bring a decimal to the number that it is; in free objects what is no integer becomes its text."""
    if not value.is_finite():
        raise Unfit(path, "type", "is not a finite number")
    places = value.as_tuple().exponent
    if value.adjusted() > _DIGITS:
        raise Unfit(path, "type", f"is a number of more than {_DIGITS} digits")
    if isinstance(places, int) and places >= 0:
        return int(value)
    if field is None:
        return str(value)
    if field.type == "integer":
        reason = "is a number with a fraction; the contract counts in whole units, money in minor units"
        raise Unfit(path, "type", reason)
    if Decimal(repr(float(value))) != value:
        raise Unfit(path, "type", "is a decimal that no floating number stands for")
    return float(value)
