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
from unifier.store import Store
from unifier.store.held import hold
from unifier.store.landing import Arrival, bookmarks, land, sweep
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
    progress: Progress | None = None,
) -> list[SourceReport]:
    """Read the sources one after the other; a source that fails is named and harms nobody else.

    Small sources are settled together: a settle costs its statements before it costs its rows.
    """
    store.create(RECORD_TABLES)
    with store.transaction():
        rules.install(store)
    with duckdb.connect() as checker:
        checker.execute("SET TimeZone = 'UTC'")
        # What an earlier run landed and could not settle is true: nothing that comes now can hold it back.
        sweep(store)
        settle(store, run_no, rules)
        reports = []
        for source in sources:
            reports.append(_extract(store, checker, source, run_no, source.name in refetch, progress))
            if (store.one("SELECT sum(landed) FROM batch WHERE state = 'landed'") or 0) >= ROWS_A_SETTLE:
                settle(store, run_no, rules)
        settle(store, run_no, rules)
    return reports


def _extract(
    store: Store,
    checker: duckdb.DuckDBPyConnection,
    source: Source,
    run_no: int,
    refetch: bool,
    progress: Progress | None,
) -> SourceReport:
    source_no = number(store, source.name)
    if refetch:
        with store.transaction():
            store.con.execute("DELETE FROM bookmark WHERE source_no = ?", [source_no])
    counted = [0, 0, 0]
    error: UnifierError | None = None
    try:
        for stream in source.connector.streams():
            for arrival in _arrivals(store, checker, source, source_no, stream):
                land(store, arrival, run_no)
                for place, size in enumerate((arrival.read, arrival.valid.num_rows, arrival.faults.num_rows)):
                    counted[place] += size
                if progress:
                    progress(source.name, counted[0])
    except UnifierError as fault:
        error = fault
    outcome = "failed" if error else "settled"
    if _over_budget(source.budget, counted[0], counted[2]):
        outcome = "held"
        with store.transaction():
            hold(store, source_no, run_no)
    if error:
        _note(store, source_no, run_no, error)
    read, landed, refused = counted
    kind = type(error).__name__ if error else ""
    return SourceReport(source.name, outcome, read, landed, refused, str(error or ""), kind)


def number(store: Store, name: str) -> int:
    """Number a source, the first time it is seen."""
    found = store.one("SELECT source_no FROM source WHERE name = ?", [name])
    if found is None:
        found = int(store.one("SELECT coalesce(max(source_no), 0) + 1 FROM source"))
        with store.transaction():
            store.con.execute("INSERT INTO source VALUES (?, ?, 'main')", [found, name])
    return int(found)


def _arrivals(
    store: Store, checker: duckdb.DuckDBPyConnection, source: Source, source_no: int, stream: Stream
) -> Iterator[Arrival]:
    for chunk in stream.read(bookmarks(store, source_no, stream.name)):
        checked = (
            check(checker, chunk.data, stream.kind, source.zone)
            if isinstance(chunk.data, pa.Table)
            else from_dicts(checker, chunk.data, stream.kind, source.zone)
        )
        faults = pa.concat_tables([checked.faults, _refused(chunk)]) if chunk.refused else checked.faults
        yield Arrival(
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
