"""Read a stream: gather what its author yields into batches, check them, and tell how far the bookmark may move.

This is what runs in the process of a source, and what `try` and the conformance kit run; it knows no store.
"""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from unifier.contract.check import FAULTS, Checked, check
from unifier.contract.mending import Unknown
from unifier.contract.profile import Profile
from unifier.contract.raws import raw_text
from unifier.contract.records import from_dicts
from unifier.errors import ContractError, UnifierError
from unifier.offers.connector import ROWS_A_CHUNK, Checkpoint, Chunk, Part, Reject, Stream
from unifier.stages.cursors import Cursor

if TYPE_CHECKING:
    import duckdb

SECONDS_A_BATCH: Final = 10.0
"""A slow source lands what it has after so long, so that a stop loses little."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A checked batch: ``read = valid + faults``; ``cursor`` is the bookmark that is true once it is in, as JSON."""

    stream: Stream
    part: str
    origin: str
    valid: pa.Table
    faults: pa.Table
    cursor: str | None = None

    @property
    def read(self) -> int:
        """Records that the source yielded."""
        return int(self.valid.num_rows + self.faults.num_rows)


@dataclass(frozen=True, slots=True)
class Taken:
    """Raw answers of a consuming stream, as text: to be kept before ``answers`` is acknowledged."""

    stream: Stream
    texts: Sequence[str]
    answers: Any


@dataclass(slots=True)
class _Gathered:
    """Rows on their way into a batch, each with its place in what was yielded, and the raw row it was parsed from."""

    rows: list[Any] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    raws: list[Any] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)

    def __len__(self) -> int:
        return len(self.rows) + len(self.refused)

    def add(self, row: Any, raw: Any = None) -> None:
        """Add a record."""
        self.places.append(len(self))
        self.rows.append(row)
        self.raws.append(raw)

    def extend(self, rows: Sequence[Any]) -> None:
        """Add records that were not parsed."""
        self.places.extend(range(len(self), len(self) + len(rows)))
        self.rows.extend(rows)
        self.raws.extend([None] * len(rows))

    def refuse(self, raw: Any, rule: str, reason: str) -> None:
        """Add a row that is no record."""
        fault = {"row_no": len(self), "record_id": None, "pointer": "", "rule": rule, "reason": reason}
        self.refused.append({**fault, "raw": raw_text(raw)})

    def is_due(self, at_once: int) -> bool:
        """Tell whether it is enough for a batch, or old enough."""
        return len(self) >= at_once or (len(self) > 0 and time.monotonic() - self.begun > SECONDS_A_BATCH)


@dataclass(slots=True)
class Reading:
    """Read one stream from its bookmarks, see :meth:`batches`.

    ``zone`` is where its naive times are at home; ``at_once`` rows make a batch where the author yields them singly.
    ``unknown`` says what becomes of fields that the contract does not have; ``profile`` counts what is read.
    """

    stream: Stream
    since: Mapping[str, str]
    zone: str
    checker: duckdb.DuckDBPyConnection
    subject: str = ""
    at_once: int = ROWS_A_CHUNK
    unknown: Unknown = "quarantine"
    profile: Profile | None = None
    _part: str = ""
    _cursor: Cursor = field(init=False)
    _waiting: _Gathered = field(default_factory=_Gathered)

    def __post_init__(self) -> None:
        self._begin("")

    def batches(self) -> Iterator[Batch | Taken]:
        """Yield checked batches in the order of the stream; a consuming stream yields what is to be kept instead.

        Raises what the connector raises, and ContractError where it yields something that is no record at all, or
        where a cursor goes backwards though the stream is declared ordered: then the bookmark is where it was.
        """
        for item in self.stream.read(self.since):
            if self.stream.consume:
                answers = item if isinstance(item, list) else [item]
                yield Taken(self.stream, [raw_text(answer) for answer in answers], item)
            else:
                yield from self._take(item)
        if not self.stream.consume:
            yield from self._end()

    def parsed(self, raws: Sequence[Any]) -> Iterator[Batch]:
        """Parse raw rows again, or for the first time; no bookmark moves."""
        for raw in raws:
            if self.stream.parse is None:
                self._waiting.add(raw, raw)
            else:
                self._parse(raw)
            if self._waiting.is_due(self.at_once):
                yield self._flush(None)
        yield from self._drained()

    def _begin(self, part: str) -> None:
        self._part = part
        self._cursor = Cursor(self.stream, self.zone, self.since.get(part), datetime.now(UTC))

    def _take(self, item: Any) -> Iterator[Batch]:
        """Take one thing that the author yielded."""
        if isinstance(item, Part):
            yield from self._end()
            self._begin(item.name)
        elif isinstance(item, Checkpoint):
            yield from self._sent(self._flush(json.dumps(item.cursor)))
        elif isinstance(item, Chunk):
            yield from self._drained()
            yield from self._sent(self._chunk(item))
        elif isinstance(item, pa.Table | pa.RecordBatch):
            yield from self._drained()
            yield from self._sent(self._chunk(Chunk(item, self._part)))
        else:
            self._rows(item if isinstance(item, list | tuple) else (item,))
            if self._waiting.is_due(self.at_once):
                yield from self._sent(self._flush(None))

    def _rows(self, rows: Sequence[Any]) -> None:
        """Take rows as they were yielded; pages of plain dicts are the way of most, and taken at once."""
        if self.stream.parse is not None or not {dict}.issuperset(map(type, rows)):
            for row in rows:
                self._row(row)
            return
        if self.stream.cursor:
            for row in rows:
                self._cursor.see(row)
        self._waiting.extend(rows)

    def _row(self, row: Any) -> None:
        if isinstance(row, Reject):
            self._waiting.refuse(row.raw, "rejected", row.reason)
        elif self.stream.parse is not None:
            self._cursor.see(row)
            self._parse(row)
        elif isinstance(row, Mapping):
            self._cursor.see(row)
            self._waiting.add(row)
        else:
            raise ContractError(
                self._subject,
                f"yields {type(row).__name__}, where a record is a dict",
                "yield dicts, lists of dicts or Arrow batches",
            )

    def _parse(self, raw: Any) -> None:
        parse = self.stream.parse
        try:
            made = parse(raw) if parse else raw
        except Exception as error:  # noqa: BLE001 - whatever an author's parse raises, the row is kept with the reason
            self._waiting.refuse(raw, "parse", f"parse raised {type(error).__name__}{_place(error)}")
            return
        if made is None:
            self._waiting.refuse(raw, "parse", "parse returned nothing; an empty list says that there is no record")
            return
        for record in made if isinstance(made, list | tuple) else (made,):
            if isinstance(record, Reject):
                self._waiting.refuse(raw, "rejected", record.reason)
            elif isinstance(record, Mapping):
                self._waiting.add(record, raw)
            else:
                self._waiting.refuse(raw, "parse", f"parse returned {type(record).__name__}, where a record is a dict")

    def _drained(self) -> Iterator[Batch]:
        if len(self._waiting):
            yield from self._sent(self._flush(None))

    def _sent(self, batch: Batch) -> Iterator[Batch]:
        """Hand over a batch, then stop where the stream broke its word: what was read is kept."""
        yield batch
        self._cursor.require_order(self._subject)

    def _end(self) -> Iterator[Batch]:
        """Hand over the rest of a partition, with its bookmark."""
        last = self._flush(None) if len(self._waiting) else None
        cursor = self._cursor.at_end()
        if last is not None:
            ended = last if self.stream.ordered or cursor is None else replace(last, cursor=cursor)
            yield from self._sent(ended)
        elif cursor is not None and not self.stream.ordered:
            yield self._flush(cursor)

    def _flush(self, cursor: str | None) -> Batch:
        """Make a batch of the rows that wait."""
        taken, self._waiting = self._waiting, _Gathered()
        checked = self._checked(taken.rows)
        faults = checked.faults
        if taken.refused or faults.num_rows:
            faults = _faults(faults, taken, raws=self.stream.parse is not None)
        moved = self._cursor.see_columns(checked.valid)
        return Batch(self.stream, self._part, "", checked.valid, faults, moved if cursor is None else cursor)

    def _chunk(self, chunk: Chunk) -> Batch:
        """Check a chunk as it is."""
        data = pa.Table.from_batches([chunk.data]) if isinstance(chunk.data, pa.RecordBatch) else chunk.data
        checked = self._checked(data)
        faults = pa.concat_tables([checked.faults, _unreadable(chunk)]) if chunk.refused else checked.faults
        moved = self._cursor.see_columns(checked.valid)
        cursor = moved if chunk.cursor is None else chunk.cursor
        return Batch(self.stream, chunk.part or self._part, chunk.origin, checked.valid, faults, cursor)

    def _checked(self, data: pa.Table | Sequence[Any]) -> Checked:
        """Part records by the contract, and count them in the profile."""
        road = check if isinstance(data, pa.Table) else from_dicts
        checked = road(self.checker, data, self.stream.kind, self.zone, self.unknown)
        if self.profile is not None:
            self.profile.add(checked)
        return checked

    @property
    def _subject(self) -> str:
        return f"{self.subject} stream {self.stream.name}".strip()


def _faults(checked: pa.Table, taken: _Gathered, *, raws: bool) -> pa.Table:
    """Put faults of records and rows that are none together, by their place in what was yielded."""
    rows = list(taken.refused)
    for fault in checked.to_pylist():
        at = int(fault["row_no"])
        raw = raw_text(taken.raws[at]) if raws else fault["raw"]
        rows.append({**fault, "row_no": taken.places[at], "raw": raw})
    return pa.Table.from_pylist(sorted(rows, key=lambda row: int(row["row_no"])), FAULTS)


def _unreadable(chunk: Chunk) -> pa.Table:
    rows = [
        {"row_no": row, "record_id": None, "pointer": "", "rule": "readable", "reason": reason, "raw": raw}
        for row, reason, raw in chunk.refused
    ]
    return pa.Table.from_pylist(rows, FAULTS)


def _place(error: Exception) -> str:
    """Say where an author's code raised: file and line, never the message, which may repeat what stands in the row."""
    if isinstance(error, UnifierError):
        return ""
    frames = traceback.extract_tb(error.__traceback__)
    return f" in {frames[-1].filename.rpartition('/')[2]} line {frames[-1].lineno}" if frames else ""
