"""Name what a raw value turns into: readings and their states."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

State = Literal["valid", "placeholder", "masked", "virtual", "invalid"]

MAX_INVALID: Final = 64
"""Characters kept of a value that could not be read."""


class Reading(NamedTuple):
    """Tell what one raw value says: an identifier type, its normal form, and whether that can be trusted.

    Only `valid` readings may link. In SQL a reading is `STRUCT(type VARCHAR, value VARCHAR, state VARCHAR)`.
    """

    type: str
    value: str
    state: State


READING_SQL_TYPE: Final = "STRUCT(type VARCHAR, value VARCHAR, state VARCHAR)"
