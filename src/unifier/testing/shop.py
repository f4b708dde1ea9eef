"""Read a connector as a run does: in a process of its own, into a store, with a kill where a test wants one."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from unifier.identifiers import registry
from unifier.offers.connector import Connector
from unifier.processes.process import MARK, Limits
from unifier.stages.extract import Source, SourceReport, extract, job
from unifier.stages.feed import side_by_side
from unifier.store import Store, open_store
from unifier.store.rules import Rules
from unifier.testing.child import Fate, written
from unifier.words import KINDS, Kind

NAME: Final = "under_test"
_RULES: Final = Rules(registry({}), {}, ("profile", "order"), b"of no project")
_INTERNAL: Final = ("record_no", "source_no", "position", "content", "batch_no", "changed_run", "node_no", "name_key")
_MEMORY: Final = 1_500_000_000


@dataclass(frozen=True, slots=True)
class State:
    """What a store holds of a source: records as text by kind, bookmarks by stream and partition, refused rows."""

    records: Mapping[str, Sequence[str]]
    bookmarks: Mapping[tuple[str, str], str]
    refused: int

    @property
    def count(self) -> int:
        """Records in all."""
        return sum(len(rows) for rows in self.records.values())


@dataclass(slots=True)
class Shop:
    """A store of its own for one system; ``home`` is where its plugin file and store lie."""

    kind: type[Connector]
    config: Mapping[str, Any]
    folder: Path
    home: Path
    settings: Mapping[str, Any] = field(default_factory=dict)
    zone: str = ""
    seconds: float = 60.0
    store: Store = field(init=False)
    runs: int = 0
    batches: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        self.store = open_store(self.home / "store.duckdb", threads=1)

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    def source(self, fate: Fate | None = None, at_once: int = 50_000) -> Source:
        """Configure the source under a fate; nothing is redacted, so that what leaks is seen."""
        file = written(self.kind, self.home, fate or Fate())
        plugin = {"name": NAME, "version": "", "file": str(file)}
        limits = Limits(self.seconds, self.seconds, _MEMORY)
        return Source(
            NAME,
            self.kind.name,
            plugin,
            self.folder,
            self.config,
            self.settings,
            self.zone,
            limits=limits,
            at_once=at_once,
        )

    def run(self, fate: Fate | None = None, at_once: int = 50_000, kill_at_batch: int = 0) -> SourceReport:
        """Extract once; with ``kill_at_batch`` the process is killed when so many batches are in."""
        self.runs += 1
        self.batches.append(0)
        self.store.con.execute(
            "INSERT INTO run (run_no, started_at, outcome) VALUES (?, now()::TIMESTAMP, 'running')", [self.runs]
        )
        heard = self._hearing(kill_at_batch)
        (report,) = extract(self.store, [self.source(fate, at_once)], _RULES, self.runs, None, heard)
        return report

    def state(self) -> State:
        """Tell what the store holds now."""
        records: dict[str, list[str]] = {kind: rows for kind in KINDS if (rows := self._rows(kind))}
        marks = self.store.con.execute("SELECT stream, part, cursor FROM bookmark ORDER BY ALL").fetchall()
        refused = int(self.store.one("SELECT count(*) FROM quarantine"))
        return State(records, {(stream, part): cursor for stream, part, cursor in marks}, refused)

    def _rows(self, kind: Kind) -> list[str]:
        table = self.store.con.sql(f'SELECT * FROM "{kind}" WHERE NOT deleted')
        names = ", ".join(f'"{name}"' for name in table.columns if name not in _INTERNAL)
        rows = self.store.con.sql(f'SELECT to_json(t)::VARCHAR FROM (SELECT {names} FROM "{kind}" WHERE NOT deleted) t')
        return sorted(text for (text,) in rows.fetchall())

    def _hearing(self, kill_at_batch: int) -> Callable[[SourceReport], None]:
        def heard(report: SourceReport) -> None:
            if report.outcome != "reading":
                return
            self.batches[-1] += 1
            if self.batches[-1] == kill_at_batch:
                _kill()

        return heard

    def said(self, config: Mapping[str, Any] | None = None) -> tuple[str, str]:
        """Try the first records in a process whose output goes to our standard error; return its error and trace."""
        source = self.source()
        if config is not None:
            source = Source(NAME, source.connector, source.plugin, self.folder, config, self.settings, self.zone)
        told_job = job(source, {"sample": 1_000, "trace": True})
        with side_by_side([told_job], 1, self.home, echo=True) as arriving:
            for told in arriving:
                if told.word == "failed":
                    return str(told.error), str(told.body.get("trace", ""))
        return "", ""


def _kill() -> None:
    """Kill the processes of sources that this process has started."""
    import psutil

    for child in psutil.Process().children():
        with suppress(psutil.Error, ProcessLookupError):
            if child.environ().get(MARK):
                os.killpg(child.pid, signal.SIGKILL)
