"""Extract: read every source, land what keeps the contract, quarantine the rest, settle each source when it has ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from unifier.contract.check import FAULTS
from unifier.contract.tables import RECORD_TABLES
from unifier.errors import SourceError, UnifierError
from unifier.offers.connector import ROWS_A_CHUNK
from unifier.processes.process import Limits, sweep_project
from unifier.stages.feed import Job, Told, side_by_side
from unifier.store import Store, inbox
from unifier.store.held import hold
from unifier.store.landing import Delivery, Place, Places, bookmarks, close, enter, sweep_orphans, waiting
from unifier.store.profiles import write_profile
from unifier.store.refused import expire, refused
from unifier.store.rules import Rules
from unifier.store.settle import settle
from unifier.store.vanish import Whole, vanish


@dataclass(frozen=True, slots=True)
class Source:
    """A configured source, ready to be read.

    ``plugin`` says where its connector comes from: name, version, and ``entry`` (a module) or ``file``. ``secrets`` are
    the values that must not be shown. ``at_once`` rows make a batch where the connector yields them singly. ``error`` says
    why it cannot be read at all.
    """

    name: str
    connector: str
    plugin: Mapping[str, str]
    folder: Path
    config: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    zone: str = ""
    budget: Mapping[str, float] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    max_vanish: float | None = None
    secrets: tuple[str, ...] = ()
    error: UnifierError | None = None
    at_once: int = ROWS_A_CHUNK

    @property
    def plugin_name(self) -> str:
        """Name the plugin as people know it."""
        return f"plugin {self.plugin['name']} {self.plugin['version']}".strip()


@dataclass(frozen=True, slots=True)
class Manner:
    """How sources are read: so many at a time, those in ``refetch`` from their begin.

    Payloads of rows refused longer ago than ``keep_refused`` are forgotten.
    With ``replay`` no source is asked: what was refused of them is read again by the plugins as they are now.
    """

    workers: int = 2
    refetch: Sequence[str] = ()
    replay: bool = False
    keep_refused: timedelta = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What became of a source in a run."""

    source: str
    outcome: str
    read: int = 0
    landed: int = 0
    quarantined: int = 0
    vanished: int = 0
    error: str = ""
    error_class: str = ""


ROWS_A_SETTLE = 2_000_000
"""Rows that may wait to be settled while the next source is read."""

Progress = Callable[["SourceReport"], None]
"""Hears how far a source is: with every batch (outcome ``reading``), and when it has ended."""


def extract(
    store: Store,
    sources: Sequence[Source],
    rules: Rules,
    run_no: int,
    manner: Manner | None = None,
    progress: Progress | None = None,
) -> list[SourceReport]:
    """Read the sources, a few at a time; a source that fails is named and harms nobody else.

    What is waiting is settled together, many small sources at once: a settle costs its statements before its rows.
    """
    manner = manner or Manner()
    _prepare(store, rules, run_no, manner)
    states = {source.name: _State(source, number(store, source.name)) for source in sources}
    if not store.dry:
        sweep_project(store.folder)
    store.landing.mkdir(exist_ok=True)
    jobs = [_job(store, state, replay=manner.replay) for state in states.values() if state.source.error is None]
    writer = _Writer(store, run_no)
    ended: list[int] = []
    for state in states.values():
        if state.source.error is not None:
            _end(writer, state, state.source.error)
            if progress:
                progress(state.report())
    with side_by_side(jobs, manner.workers, store.folder) as arriving:
        for told in arriving:
            state = states[told.source]
            if told.word in {"ended", "failed"}:
                _end(writer, state, told.error)
                if progress:
                    progress(state.report())
                ended.append(state.source_no)
                if store.one(f"SELECT sum(landed) >= ? FROM batch WHERE {waiting(ended)}", [ROWS_A_SETTLE]):
                    _settle(store, run_no, rules, ended)
                continue
            writer.hear(state, told)
            if progress and told.word == "batch":
                progress(state.report())
    _settle(store, run_no, rules, ended)
    return [states[source.name].report() for source in sources]


def _prepare(store: Store, rules: Rules, run_no: int, manner: Manner) -> None:
    """Settle what an earlier run has landed, and forget what need not be kept."""
    store.create(RECORD_TABLES)
    with store.transaction():
        rules.install(store)
        inbox.forget(store, run_no)
        expire(store, datetime.now(UTC).replace(tzinfo=None) - manner.keep_refused, run_no)
    # What an earlier run landed and could not settle is true: nothing that comes now can hold it back.
    sweep_orphans(store)
    settle(store, run_no, rules)
    if manner.refetch:
        with store.transaction():
            for name in manner.refetch:
                store.con.execute("DELETE FROM bookmark WHERE source_no = ?", [number(store, name)])


def _job(store: Store, state: _State, *, replay: bool) -> Job:
    """Say what the process of a source is to do."""
    no = state.source_no
    names = store.con.execute("SELECT DISTINCT stream FROM bookmark WHERE source_no = ?", [no]).fetchall()
    more = {
        "source_no": no,
        "since": {name: bookmarks(store, no, name) for (name,) in names},
        "inbox": inbox.unparsed(store, no),
        "replay": refused(store, no) if replay else None,
        "landing": str(store.landing.resolve()),
    }
    return job(state.source, more)


def job(source: Source, more: Mapping[str, Any]) -> Job:
    """Say what the process of a source is told, whatever it is to do."""
    body = {
        "source": source.name,
        "connector": source.connector,
        "plugin": dict(source.plugin),
        "config": dict(source.config),
        "settings": dict(source.settings),
        "secrets": list(source.secrets),
        "folder": str(source.folder.resolve()),
        "zone": source.zone,
        "at_once": source.at_once,
        "sample": 0,
        "check": False,
        "replay": None,
        "since": {},
        "inbox": {},
        "trace": False,
    }
    return Job(source.name, source.plugin_name, {**body, **more}, source.limits)


class _Writer:
    """The one that writes: gives places, enters batches, keeps raw answers."""

    def __init__(self, store: Store, run_no: int) -> None:
        self.store = store
        self.run_no = run_no
        self.places = Places(store)

    def hear(self, state: _State, told: Told) -> None:
        """Do what the process of a source asks for."""
        body = told.body
        if told.word == "place":
            place = self.places.take(body["kind"], int(body["rows"]))
            told.answer({"batch_no": place.batch_no, "first_no": place.first_no})
        elif told.word == "batch":
            self._enter(state, told)
        elif told.word == "taken":
            told.answer({"numbers": inbox.keep(self.store, state.source_no, body["stream"], body["texts"])})
        elif told.word == "done":
            with self.store.transaction():
                close(self.store, body.get("answers", ()), body.get("replayed", ()), self.run_no)
        elif told.word == "profile" and told.columns is not None:
            write_profile(self.store, state.source_no, told.columns, self.run_no)
        elif told.word == "whole":
            usual = float(body["max_vanish"])
            most = usual if state.source.max_vanish is None else state.source.max_vanish
            state.whole.append(Whole(state.source_no, body["stream"], body["kind"], most))

    def _enter(self, state: _State, told: Told) -> None:
        body = told.body
        delivery = Delivery(
            Place(body["batch_no"], body["first_no"]),
            state.source_no,
            body["stream"],
            body["part"],
            body["kind"],
            state.source.plugin["name"],
            state.source.plugin["version"],
            body["origin"],
            body["landed"],
            told.columns if told.columns is not None else FAULTS.empty_table(),
            body["cursor"],
            body.get("answers", ()),
            body.get("replayed", ()),
        )
        enter(self.store, delivery, self.run_no)
        state.count(delivery)


def _settle(store: Store, run_no: int, rules: Rules, ended: Sequence[int]) -> None:
    """Settle sources that have been read and judged; give the memory of batches back before and after."""
    pa.default_memory_pool().release_unused()
    store.fit_memory()
    settle(store, run_no, rules, ended)
    pa.default_memory_pool().release_unused()


@dataclass(slots=True)
class _State:
    """How far a source has come."""

    source: Source
    source_no: int
    read: int = 0
    landed: int = 0
    quarantined: int = 0
    vanished: int = 0
    outcome: str = "reading"
    error: UnifierError | None = None
    whole: list[Whole] = field(default_factory=list)

    def count(self, delivery: Delivery) -> None:
        """Add a batch."""
        self.read += delivery.landed + delivery.faults.num_rows
        self.landed += delivery.landed
        self.quarantined += delivery.faults.num_rows

    def report(self) -> SourceReport:
        """Say what became of the source."""
        kind = type(self.error).__name__ if self.error else ""
        counts = (self.read, self.landed, self.quarantined, self.vanished)
        return SourceReport(self.source.name, self.outcome, *counts, str(self.error or ""), kind)


def _end(writer: _Writer, state: _State, error: UnifierError | None) -> None:
    """Judge a source that has been read; what it landed waits to be settled, or is held."""
    store, run_no = writer.store, writer.run_no
    state.error = error
    state.outcome = "failed" if error else "settled"
    if error is None:
        error = state.error = _vanished(writer, state)
        state.outcome = "held" if error else "settled"
    if _over_budget(state.source.budget, state.read, state.quarantined):
        state.outcome = "held"
    if state.outcome == "held":
        with store.transaction():
            hold(store, state.source_no, run_no)
    if error:
        _note(store, state.source_no, run_no, error)


def _vanished(writer: _Writer, state: _State) -> UnifierError | None:
    """End the records that complete lists no longer hold; say so where that would be too many to believe."""
    for whole in state.whole:
        seen = vanish(writer.store, whole, writer.run_no, writer.places)
        state.vanished += seen.gone
        if seen.is_too_many(whole.most):
            return SourceError(
                f"source {state.source.name} stream {whole.stream}",
                f"{seen.gone:,} of {seen.known:,} records are no longer listed, more than {whole.most:.0%}: it is held",
                f"`unifier quarantine release {state.source.name}` if that is right, else `discard`",
            )
    return None


def number(store: Store, name: str) -> int:
    """Number a source, the first time it is seen."""
    found = store.one("SELECT source_no FROM source WHERE name = ?", [name])
    if found is None:
        found = int(store.one("SELECT coalesce(max(source_no), 0) + 1 FROM source"))
        with store.transaction():
            store.con.execute("INSERT INTO source VALUES (?, ?, 'main')", [found, name])
    return int(found)


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
