"""Extract: read every source, land what keeps the contract, quarantine the rest, settle each source when it has ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa

from unifier.contract.check import check
from unifier.contract.records import from_dicts
from unifier.contract.tables import RECORD_TABLES
from unifier.errors import UnifierError
from unifier.offers.connector import Chunk, Connector, Stream
from unifier.stages.feed import Ended, side_by_side
from unifier.store import Store
from unifier.store.held import hold
from unifier.store.landing import Arrival, bookmarks, land, sweep, waiting
from unifier.store.rules import Rules
from unifier.store.settle import settle


@dataclass(frozen=True, slots=True)
class Source:
    """A configured source, ready to be read."""

    name: str
    connector: Connector
    plugin: str
    plugin_version: str
    zone: str = ""
    budget: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What became of a source in a run."""

    source: str
    outcome: str
    read: int = 0
    landed: int = 0
    quarantined: int = 0
    error: str = ""
    error_class: str = ""


ROWS_A_SETTLE = 2_000_000
"""Rows that may wait to be settled while the next source is read."""

Progress = Callable[[str, int], None]


def extract(
    store: Store,
    sources: Sequence[Source],
    rules: Rules,
    run_no: int,
    *,
    refetch: Sequence[str] = (),
    workers: int = 2,
    progress: Progress | None = None,
) -> list[SourceReport]:
    """Read the sources, ``workers`` at a time; a source that fails is named and harms nobody else.

    What is waiting is settled together, many small sources at once: a settle costs its statements before its rows.
    """
    store.create(RECORD_TABLES)
    with store.transaction():
        rules.install(store)
    # What an earlier run landed and could not settle is true: nothing that comes now can hold it back.
    sweep(store)
    settle(store, run_no, rules)
    if refetch:
        with store.transaction():
            for name in refetch:
                store.con.execute("DELETE FROM bookmark WHERE source_no = ?", [number(store, name)])
    states = {source.name: _State(number(store, source.name)) for source in sources}
    since = {source.name: _bookmarks(store, source, states[source.name].source_no) for source in sources}

    def read(source: Source) -> Iterator[Arrival]:
        return _arrivals(source, states[source.name].source_no, since[source.name])

    ended: list[int] = []
    with side_by_side(sources, read, workers) as arriving:
        for source, what in arriving:
            state = states[source.name]
            if isinstance(what, Ended):
                _end(store, source, state, what.error, run_no)
                ended.append(state.source_no)
                if store.one(f"SELECT sum(landed) >= ? FROM batch WHERE {waiting(ended)}", [ROWS_A_SETTLE]):
                    _settle(store, run_no, rules, ended)
                continue
            land(store, what, run_no)
            state.count(what)
            if progress:
                progress(source.name, state.read)
    _settle(store, run_no, rules, ended)
    return [states[source.name].report(source) for source in sources]


def _settle(store: Store, run_no: int, rules: Rules, ended: Sequence[int]) -> None:
    """Settle sources that have been read and judged; give the memory of batches back before and after."""
    pa.default_memory_pool().release_unused()
    store.fit_memory()
    settle(store, run_no, rules, ended)
    pa.default_memory_pool().release_unused()


@dataclass(slots=True)
class _State:
    """How far a source has come."""

    source_no: int
    read: int = 0
    landed: int = 0
    quarantined: int = 0
    outcome: str = ""
    error: UnifierError | None = None

    def count(self, arrival: Arrival) -> None:
        """Add a batch."""
        self.read += arrival.read
        self.landed += arrival.valid.num_rows
        self.quarantined += arrival.faults.num_rows

    def report(self, source: Source) -> SourceReport:
        """Say what became of the source."""
        kind = type(self.error).__name__ if self.error else ""
        counts = (self.read, self.landed, self.quarantined)
        return SourceReport(source.name, self.outcome, *counts, str(self.error or ""), kind)


def _end(store: Store, source: Source, state: _State, error: Exception | None, run_no: int) -> None:
    """Judge a source that has been read; what it landed waits to be settled, or is held."""
    if error is not None and not isinstance(error, UnifierError):
        raise error
    state.error = error
    state.outcome = "failed" if error else "settled"
    if _over_budget(source.budget, state.read, state.quarantined):
        state.outcome = "held"
        with store.transaction():
            hold(store, state.source_no, run_no)
    if error:
        _note(store, state.source_no, run_no, error)


def number(store: Store, name: str) -> int:
    """Number a source, the first time it is seen."""
    found = store.one("SELECT source_no FROM source WHERE name = ?", [name])
    if found is None:
        found = int(store.one("SELECT coalesce(max(source_no), 0) + 1 FROM source"))
        with store.transaction():
            store.con.execute("INSERT INTO source VALUES (?, ?, 'main')", [found, name])
    return int(found)


def _bookmarks(store: Store, source: Source, source_no: int) -> dict[str, dict[str, str]]:
    return {stream.name: bookmarks(store, source_no, stream.name) for stream in source.connector.streams()}


def _arrivals(source: Source, source_no: int, since: Mapping[str, Mapping[str, str]]) -> Iterator[Arrival]:
    """Read and check a source, in a worker; its own engine finds what is wrong."""
    with duckdb.connect(config={"threads": 1}) as checker:
        checker.execute("SET TimeZone = 'UTC'")
        for stream in source.connector.streams():
            for chunk in stream.read(since.get(stream.name, {})):
                yield _arrival(checker, chunk, source, source_no, stream)


def _arrival(
    checker: duckdb.DuckDBPyConnection, chunk: Chunk, source: Source, source_no: int, stream: Stream
) -> Arrival:
    """Part what arrived into records that keep the contract and faults."""
    checked = (
        check(checker, chunk.data, stream.kind, source.zone)
        if isinstance(chunk.data, pa.Table)
        else from_dicts(checker, chunk.data, stream.kind, source.zone)
    )
    faults = pa.concat_tables([checked.faults, _refused(chunk)]) if chunk.refused else checked.faults
    return Arrival(
        source_no,
        stream.name,
        chunk.part,
        stream.kind,
        source.plugin,
        source.plugin_version,
        chunk.origin,
        _size(chunk.data) + len(chunk.refused),
        checked.valid,
        faults,
        chunk.cursor,
    )


def _size(data: pa.Table | Sequence[Any]) -> int:
    return data.num_rows if isinstance(data, pa.Table) else len(data)


def _refused(chunk: Chunk) -> pa.Table:
    rows = [
        {"row_no": row, "record_id": None, "pointer": "", "rule": "readable", "reason": reason, "raw": raw}
        for row, reason, raw in chunk.refused
    ]
    from unifier.contract.check import FAULTS

    return pa.Table.from_pylist(rows, FAULTS)


def _over_budget(budget: Mapping[str, float], read: int, refused: int) -> bool:
    """Tell whether more was refused than the source may get wrong: both by count and by share, of enough rows."""
    if not budget or read < budget.get("min_rows", 1):
        return False
    return refused > budget.get("count", 0) and refused > budget.get("ratio", 0.0) * read


def _note(store: Store, source_no: int, run_no: int, error: UnifierError) -> None:
    with store.transaction():
        store.con.execute(
            "INSERT INTO run_stream SELECT ?, ?, '', '', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'failed', ?, ?",
            [run_no, source_no, type(error).__name__, str(error)],
        )
