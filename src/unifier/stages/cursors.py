"""Follow the cursor of a stream, and say where its bookmark may stand.

The greatest cursor seen is no bookmark yet: rows are committed late, so it stays behind by the stream's overlap; and
a time in the future must not hide what happens until then, so it never passes the moment the read began.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from unifier.contract.arrow import arrow_schema
from unifier.errors import ContractError
from unifier.offers.connector import Stream

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO: Final = timedelta(microseconds=1)


class Cursor:
    """The cursor of one partition while it is read.

    A cursor that is a column of the contract is read from checked batches, any other from the rows as they are yielded.
    """

    def __init__(self, stream: Stream, zone: str, since: str | None, began: datetime) -> None:
        self.stream = stream
        self.since: Any = None if since is None else json.loads(since)
        self._zone = ZoneInfo(zone) if zone else UTC
        self._began = began
        self._greatest: Any = None
        self._backwards: tuple[Any, Any] | None = None
        schema = arrow_schema(stream.kind)
        self._in_columns = bool(stream.cursor) and stream.parse is None and stream.cursor in schema.names
        self._in_rows = bool(stream.cursor) and not self._in_columns

    def see(self, row: Any) -> None:
        """See a row as its author yielded it."""
        if self._in_rows and isinstance(row, Mapping):
            value = self._read(row.get(self.stream.cursor or ""))
            if value is not None:
                self._move(value, value)

    def see_columns(self, valid: pa.Table) -> str | None:
        """See a checked batch; return the bookmark that is true once it is in, None while it must not move."""
        if self._in_columns:
            column = valid.column(self.stream.cursor)
            if pa.types.is_timestamp(column.type):
                column = column.cast(pa.timestamp("us", "UTC")).cast(pa.int64())
            values = column.drop_null().to_numpy()
            if len(values):
                self._in_order(values)
                self._move(_plain(values[0]), _plain(values.max()))
        if not self.stream.ordered:
            return None
        # Out of order, rows may have been passed over: the bookmark goes back to where this read found it.
        return json.dumps(self.since) if self._backwards else self.at_end()

    def require_order(self, subject: str) -> None:
        """Raise ContractError when the cursor of an ordered stream has gone backwards."""
        if self.stream.ordered and self._backwards:
            first, then = map(self._told, self._backwards)
            raise ContractError(
                subject,
                f"its cursor {self.stream.cursor} went backwards, from {first} to {then}, though it is declared ordered",
                "let the source sort, or drop ordered=True",
            )

    def at_end(self) -> str | None:
        """Say where the bookmark may stand now; None where it stays."""
        if self._greatest is None:
            return None
        value = self._greatest
        if self.stream.cursor_type == "time":
            value = min(value, _micros(self._began)) - self.stream.overlap // _MICRO
        before = self._read(self.since)
        if before is not None and value <= before:
            return None
        return json.dumps(self._told(value))

    def _in_order(self, values: Any) -> None:
        if self.stream.ordered and self._backwards is None:
            falls = np.flatnonzero(values[1:] < values[:-1])
            if len(falls):
                self._backwards = (_plain(values[falls[0]]), _plain(values[falls[0] + 1]))

    def _move(self, first: Any, greatest: Any) -> None:
        if self._greatest is None:
            self._greatest = greatest
            return
        if first < self._greatest and self._backwards is None:
            self._backwards = (self._greatest, first)
        self._greatest = max(self._greatest, greatest)

    def _read(self, value: Any) -> Any:
        """Bring a cursor to what can be compared: microseconds, a number, a text; None for what cannot be read."""
        if value is None or isinstance(value, bool):
            return None
        if self.stream.cursor_type == "text":
            return str(value)
        if self.stream.cursor_type == "number":
            try:
                return value if isinstance(value, int | float) else int(value)
            except (TypeError, ValueError):
                return None
        try:
            when = value if isinstance(value, date) else datetime.fromisoformat(value)
        except (TypeError, ValueError):
            return None
        if not isinstance(when, datetime):
            when = datetime(when.year, when.month, when.day)  # noqa: DTZ001 - a day begins in the source's zone
        return _micros(when if when.tzinfo else when.replace(tzinfo=self._zone))

    def _told(self, value: Any) -> Any:
        """Write a cursor as it is handed back to the author."""
        if self.stream.cursor_type != "time":
            return value
        return (_EPOCH + value * _MICRO).isoformat().replace("+00:00", "Z")


def _micros(when: datetime) -> int:
    return (when - _EPOCH) // _MICRO


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
