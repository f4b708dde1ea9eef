"""Define the text formats of the contract once, as regular expressions that Python, RE2 and Rust read alike.

Only ASCII digits are meant, calendars are checked (30 February is no date), and a trailing line feed is not forgiven.
jsonschema and jsonschema-rs are given the predicates, Arrow and DuckDB the expressions.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jsonschema import FormatChecker

_MONTH_DAY: Final = "(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
_FEBRUARY: Final = "02-(?:0[1-9]|1[0-9]|2[0-8])"
_LEAP_YEAR: Final = "[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00"
_YEAR: Final = "[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000"

DATE: Final = f"(?:(?:{_YEAR})-(?:{_MONTH_DAY}|{_FEBRUARY})|(?:{_LEAP_YEAR})-02-29)"
"""``YYYY-MM-DD`` in the proleptic Gregorian calendar, years 0001 to 9999."""

BIRTHDAY: Final = f"(?:{DATE}|--(?:{_MONTH_DAY}|{_FEBRUARY}|02-29))"
"""A date, or ``--MM-DD`` where the year is not known."""

CURRENCY: Final = "[A-Z]{3}"
"""Three capital letters as in ISO 4217."""

NAIVE: Final = f"{DATE}[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.][0-9]{{1,9}})?)?"
"""Date and time of day without an offset; digits after the sixth are cut off."""

OFFSET: Final = "(?:Z|[+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?)"
"""The distance from UTC, at most 14 hours and 59 minutes."""

DATE_TIME: Final = f"{NAIVE}{OFFSET}?"
"""Date and time of day; without an offset the source's time zone is meant."""

EXPRESSIONS: Final[Mapping[str, str]] = {
    "date-time": DATE_TIME,
    "date": DATE,
    "birthday": BIRTHDAY,
    "currency": CURRENCY,
}
FAULTS: Final[Mapping[str, str]] = {
    "date-time": "is not a date and time of day as ISO 8601 writes it",
    "date": "is not a date YYYY-MM-DD",
    "birthday": "is neither a date nor --MM-DD",
    "currency": "is not a currency code of three capital letters",
}
"""What is wrong with a value that does not follow the format; never says the value."""


def _predicate(expression: str) -> Callable[[object], bool]:
    """Make the test of a format; what is not text is none of a format's business."""
    pattern = re.compile(expression)
    return lambda value: not isinstance(value, str) or pattern.fullmatch(value) is not None


PREDICATES: Final[Mapping[str, Callable[[object], bool]]] = {
    name: _predicate(expression) for name, expression in EXPRESSIONS.items()
}
"""Each format as a test, in the shape that ``jsonschema_rs.validator_for(formats=...)`` takes."""


def format_checker() -> FormatChecker:
    """Make a checker for jsonschema that knows our formats and no others.

    >>> format_checker().conforms("--02-29", "birthday"), format_checker().conforms("2023-02-29", "date")
    (True, False)
    """
    from jsonschema import FormatChecker

    checker = FormatChecker(formats=())
    for name, predicate in PREDICATES.items():
        checker.checks(name)(predicate)
    return checker
