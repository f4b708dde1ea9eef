"""Read a connector in this process, stream by stream, to look at what it yields and at what it does."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from unifier.contract.raws import from_raw_text
from unifier.offers.connector import Chunk, Connector, Stream
from unifier.stages.reading import Batch, Reading
from unifier.testing.judge import beside_the_point, plain
from unifier.testing.listening import put_back, surroundings
from unifier.testing.shop import Shop

Since = Mapping[str, Mapping[str, str]]
"""Bookmarks as JSON text, by stream and partition."""
_AT_ONCE: Final = 1_000


@dataclass(slots=True)
class Heard:
    """What one stream said: its items, its records by partition, the faults of the others, its bookmarks."""

    stream: Stream
    items: list[Any] = field(default_factory=list)
    records: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    faults: list[dict[str, Any]] = field(default_factory=list)
    bookmarks: dict[str, str] = field(default_factory=dict)

    @property
    def everything(self) -> list[dict[str, Any]]:
        """Records of all partitions."""
        return [record for part in self.records.values() for record in part]

    @property
    def texts(self) -> list[str]:
        """Records as text, in their order, each with its partition."""
        return [f"{part} {plain(record)}" for part, known in self.records.items() for record in known]

    def rows(self) -> list[Any]:
        """List what the stream yielded row by row, before it was parsed."""
        return [row for item in self.items for row in rows_of(item)]

    def add(self, batch: Batch) -> None:
        """Add a batch."""
        if batch.valid.num_rows:
            self.records.setdefault(batch.part, []).extend(batch.valid.to_pylist())
        self.faults.extend(batch.faults.to_pylist())
        if batch.cursor is not None:
            self.bookmarks[batch.part] = batch.cursor


def rows_of(item: Any) -> list[Any]:
    """List the rows of what an author yields at once; nothing for signs such as checkpoints.

    >>> from unifier.offers.connector import Part
    >>> rows_of([{"id": 1}, {"id": 2}]), rows_of(Part("north"))
    ([{'id': 1}, {'id': 2}], [])
    """
    if isinstance(item, Chunk):
        return rows_of(item.data)
    if isinstance(item, pa.Table | pa.RecordBatch):
        return list(item.to_pylist())
    if isinstance(item, list | tuple):
        return list(item)
    return [item] if isinstance(item, Mapping) else []


class Streams(dict[str, Heard]):
    """What each stream said, by name."""

    def __missing__(self, name: str) -> Heard:
        """Skip a test that looks for a stream that was there a moment ago; another test says so."""
        beside_the_point(f"stream {name} is gone at another reading: see test_streams_are_stable")


@dataclass(slots=True)
class Rig:
    """One fresh system and the connector that reads it."""

    kind: type[Connector]
    config: Mapping[str, Any]
    folder: Path
    home: Path
    settings: Mapping[str, Any]
    zone: str
    seconds: float
    changed: tuple[str, ...] = ()

    def connector(self) -> Connector:
        """Make the connector as a run does."""
        return self.kind(self.config, self.folder, self.settings)

    def read(self, since: Since | None = None, zone: str | None = None) -> dict[str, Heard]:
        """Read every stream to its end from bookmarks; raise what the connector raises.

        What is declared ordered is read all the same when it is not. Answers of a consuming stream are acknowledged.
        What the reading changes of this process is noted in ``changed`` and put back.
        """
        before = surroundings()
        try:
            return self._read(since, zone)
        finally:
            after = surroundings()
            self.changed = tuple(name for name, value in before.items() if after[name] != value)
            put_back(before)

    def _read(self, since: Since | None, zone: str | None) -> dict[str, Heard]:
        connector = self.connector()
        found = Streams()
        with checking() as checker:
            for stream in connector.streams():
                heard = found.setdefault(stream.name, Heard(stream))
                source = replace(stream, read=_heard(stream, heard), ordered=False)
                marks = (since or {}).get(stream.name, {})
                reading = Reading(source, marks, self.zone if zone is None else zone, checker, "", _AT_ONCE)
                for batch in reading.batches():
                    if isinstance(batch, Batch):
                        heard.add(batch)
                        continue
                    connector.acknowledge(batch.answers)
                    for parsed in reading.parsed([from_raw_text(text) for text in batch.texts]):
                        heard.add(parsed)
        connector.close()
        return found

    def shop(self) -> Shop:
        """Open a store that reads this system in processes."""
        return Shop(self.kind, self.config, self.folder, self.home, self.settings, self.zone, self.seconds)


def _heard(stream: Stream, heard: Heard) -> Any:
    def read(since: Mapping[str, str]) -> Iterator[Any]:
        for item in stream.read(since):
            # A copy: parse may take the row apart, and that is for a test to find out.
            heard.items.append(item if isinstance(item, pa.Table | pa.RecordBatch) else copy.deepcopy(item))
            yield item

    return read


@contextmanager
def checking() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the engine that checks batches."""
    with duckdb.connect() as checker:
        checker.execute("SET TimeZone = 'UTC'")
        yield checker


@dataclass(slots=True)
class Rigs:
    """Make systems afresh, each in a folder of its own, and close them when the test ends."""

    subject: Any
    config: Mapping[str, Any]
    folder: Path
    closing: ExitStack
    made: int = 0

    def new(self) -> Rig:
        """Set up the system as the test class does."""
        place = self._place()
        return self._rig(place, self.subject.system(place, self.closing) or self.config)

    def holding(self, texts: list[str]) -> Rig:
        """Set up a system that holds one record for each text."""
        place = self._place()
        return self._rig(place, self.subject.holding(place, self.closing, texts))

    def shop(self) -> Shop:
        """Set up a system and a store that reads it."""
        shop = self.new().shop()
        self.closing.callback(shop.close)
        return shop

    def _place(self) -> Path:
        self.made += 1
        place = self.folder / f"system {self.made}"
        place.mkdir()
        return place

    def _rig(self, place: Path, config: Mapping[str, Any]) -> Rig:
        subject = self.subject
        folder = Path(subject.folder) if subject.folder else place
        home = self.folder / f"home {self.made}"
        home.mkdir()
        return Rig(subject.connector, config, folder, home, subject.settings, subject.timezone, subject.deadline)


def bookmarks(found: Mapping[str, Heard]) -> dict[str, dict[str, str]]:
    """Put the bookmarks of a reading together."""
    return {name: dict(heard.bookmarks) for name, heard in found.items()}


def told(bookmark: Any) -> str:
    """Write a bookmark as it is kept."""
    return json.dumps(bookmark)
