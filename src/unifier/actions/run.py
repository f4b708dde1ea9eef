"""Run the stages in order, keep the ledger, and say how it went."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from unifier import __version__, app
from unifier.errors import LedgerError, UnifierError
from unifier.plugins import Loaded
from unifier.quality.drift import drift
from unifier.relations import Changes
from unifier.stages.extract import Manner, SourceReport, extract
from unifier.stages.publish import TargetReport, publish
from unifier.stages.segment import segment
from unifier.stages.tag import tag
from unifier.stages.unify import unify
from unifier.store import Store, runfile
from unifier.store.store import MOST_ALONE, MOST_MEMORY
from unifier.warehouse.target import own_folder
from unifier.words import STAGES

Tell = Callable[[dict[str, Any]], None]

FIGURES: Final = ("persons", "members", "merged", "orders", "audiences", "quarantined")
"""What the summary of a run counts, in its order."""
_PASS: Final = 5_000_000
_A_SECOND: Final = 1.0
_ALONE: Final = frozenset({"tag", "segment", "publish"})
"""Stages in which nothing but the engine takes memory."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a caller wants of a run."""

    stages: Sequence[str] = STAGES
    as_of: date | None = None
    dry: bool = False
    rebuild: bool = False
    select: tuple[str, ...] = ()
    refetch: tuple[str, ...] = ()
    replay: bool = False


@dataclass(slots=True)
class RunReport:
    """How a run went: counts for the summary, one report per source and target, and the exit code.

    ``warnings`` name observers that raised; ``drift`` tells which fields of a source came otherwise than before.
    """

    run_no: int
    as_of: date
    sources: list[SourceReport] = field(default_factory=list)
    targets: list[TargetReport] = field(default_factory=list)
    stages: dict[str, tuple[float, Changes]] = field(default_factory=dict)
    figures: dict[str, int] = field(default_factory=dict)
    dry: bool = False
    warnings: list[str] = field(default_factory=list)
    drift: list[dict[str, Any]] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 when everything was committed, 1 when a source or a target was not."""
        failed = [report for report in self.sources if report.outcome != "settled"]
        return 1 if failed or not all(report.is_published for report in self.targets) else 0


def run(project: app.Project, wish: Wish, tell: Tell) -> RunReport:
    """Run stages of a project; raise UnifierError where nothing can be run at all."""
    loaded = app.loaded(project)
    plan = app.plans(project, loaded)
    sources = app.sources(project, loaded, wish.select, wish.refetch) if "extract" in wish.stages else []
    as_of = wish.as_of or datetime.now(ZoneInfo(project.zone)).date()
    folders = [folder for target in plan.targets if (folder := own_folder(target))]
    with app.opened(project, dry=wish.dry) as store:
        store.seal(folders)
        report = RunReport(_begin(store, project, loaded, as_of), as_of, dry=wish.dry)
        beat = _Heart(project, report, tell)
        crowd = _Crowd(project, loaded, report, tell)
        error: UnifierError | None = None
        try:
            for stage in STAGES:
                if stage in wish.stages:
                    _stage(store, stage, plan, sources, wish, report, beat)
                    crowd.stage_finished(stage)
            report.figures = _figures(store, report.run_no, news=_has_news(report))
        except UnifierError as fault:
            error = fault
            raise
        except BaseException as fault:
            error = UnifierError("run", type(fault).__name__)
            raise
        finally:
            _end(store, report, error)
            beat.stop(report, error)
            crowd.run_finished(error)
    return report


def _has_news(report: RunReport) -> bool:
    """Tell whether any stage has touched anything."""
    return any(changes != Changes() for _, changes in report.stages.values()) or any(
        each.read for each in report.sources
    )


class _Crowd:
    """The plugins that observe: they are told copies of plain data, and what they raise is a warning."""

    def __init__(self, project: app.Project, loaded: Loaded, report: RunReport, tell: Tell) -> None:
        self.folder = project.folder
        self.loaded = loaded
        self.report = report
        self.tell = tell

    def stage_finished(self, stage: str) -> None:
        """Tell that a stage is done."""
        seconds, changes = self.report.stages[stage]
        facts = {"run_no": self.report.run_no, "as_of": self.report.as_of.isoformat(), "stage": stage}
        self._observed("unifier_stage_finished", report={**facts, "seconds": round(seconds, 3), **asdict(changes)})

    def run_finished(self, error: UnifierError | None) -> None:
        """Tell that the run is done; nobody is told of a run that is being stopped."""
        if error is None or isinstance(sys.exc_info()[1], UnifierError):
            body = {**told(self.report), "error": str(error) if error else None}
            if error is not None:
                body["exit_code"] = error.exit_code
            self._observed("unifier_run_finished", run=body)

    def _observed(self, hook: str, **facts: dict[str, Any]) -> None:
        for warning in self.loaded.observe(hook, self.folder, **facts):
            self.report.warnings.append(warning)
            self.tell({"event": "warning", "warning": warning})


def _stage(
    store: Store,
    stage: str,
    plan: app.Plans,
    sources: list[Any],
    wish: Wish,
    report: RunReport,
    beat: _Heart,
) -> None:
    beat.stage(stage)
    store.fit_memory(MOST_ALONE if stage in _ALONE else MOST_MEMORY)
    started, begun = time.perf_counter(), datetime.now(UTC).replace(tzinfo=None)
    changes = Changes()
    if stage == "extract":
        report.sources = extract(
            store,
            sources,
            plan.rules,
            report.run_no,
            Manner(plan.workers, wish.refetch, wish.replay, plan.keep_refused),
            beat.progress,
        )
        _balance(store, report.run_no)
        report.drift = _drift(store, report.run_no)
        changes = Changes(touched=sum(each.landed for each in report.sources))
    elif stage == "unify":
        changes = unify(store, plan.unify, report.run_no, rebuild=wish.rebuild)
    elif stage == "tag":
        changes = tag(store, plan.tags, report.run_no, report.as_of, rebuild=wish.rebuild)
    elif stage == "segment":
        changes = segment(store, plan.segments, report.run_no, report.as_of, rebuild=wish.rebuild)
    elif not wish.dry:
        report.targets = publish(
            store,
            plan.targets,
            report.run_no,
            report.as_of,
            plan.tags_meta,
            plan.segments_meta,
            {"run_id": _run_id(store, report.run_no)},
        )
    store.clear()
    report.stages[stage] = (time.perf_counter() - started, changes)
    with store.transaction():
        store.con.execute(
            "INSERT INTO run_stage VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'done', NULL)",
            [
                report.run_no,
                stage,
                begun,
                datetime.now(UTC).replace(tzinfo=None),
                changes.touched,
                changes.inserted,
                changes.updated,
                changes.deleted,
            ],
        )


class _Heart:
    """Tell the terminal and ``run.json`` how the run is getting on."""

    def __init__(self, project: app.Project, report: RunReport, tell: Tell) -> None:
        self.folder = project.store_path.parent
        self.tell = tell
        self.looked = 0.0
        self.facts: dict[str, Any] = {
            "run_no": report.run_no,
            "as_of": report.as_of.isoformat(),
            "state": "running",
            "started": datetime.now(UTC).isoformat(),
            "stage": "",
            "sources": {},
        }

    def stage(self, name: str) -> None:
        """Note that a stage begins."""
        self.facts["stage"] = name
        runfile.write(self.folder, self.facts)
        self.tell({"event": "stage", "stage": name})

    def progress(self, source: SourceReport) -> None:
        """Note how far a source is, once a second at most, and how it ended."""
        self.facts["sources"][source.source] = source.read
        now = time.monotonic()
        ended = source.outcome != "reading"
        if not ended and now - self.looked < _A_SECOND:
            return
        self.looked = now
        runfile.write(self.folder, self.facts)
        counts = {"source": source.source, "read": source.read, "quarantined": source.quarantined}
        if ended:
            self.tell({"event": "source", **counts, "outcome": source.outcome, "error": source.error or None})
        else:
            self.tell({"event": "progress", **counts})

    def stop(self, report: RunReport, error: UnifierError | None) -> None:
        """Note how the run ended."""
        self.facts |= {
            "state": "failed" if error else "finished",
            "exit_code": error.exit_code if error else report.exit_code,
            "error": str(error) if error else None,
            "figures": report.figures,
        }
        runfile.write(self.folder, self.facts)


def _begin(store: Store, project: app.Project, loaded: Loaded, as_of: date) -> int:
    with store.transaction():
        run_no = int(store.one("SELECT coalesce(max(run_no), 0) + 1 FROM run"))
        installed = json.dumps({name: plugin.version for name, plugin in loaded.shelf.plugins.items()})
        store.con.execute("UPDATE run SET outcome = 'killed' WHERE outcome = 'running'")
        store.con.execute(
            "INSERT INTO run VALUES (?, ?, ?, ?, ?, NULL, ?, ?, ?, 'running', NULL, ?, ?)",
            [
                run_no,
                str(uuid.uuid4()),
                as_of,
                project.zone,
                datetime.now(UTC).replace(tzinfo=None),
                project.config.hash,
                __version__,
                installed,
                socket.gethostname(),
                os.getpid(),
            ],
        )
    return run_no


def _end(store: Store, report: RunReport, error: UnifierError | None) -> None:
    """Write the last line of a run; when even that fails, the next run finds it killed."""
    try:
        with store.transaction():
            store.con.execute(
                "UPDATE run SET finished_at = ?, outcome = ?, exit_code = ? WHERE run_no = ?",
                [
                    datetime.now(UTC).replace(tzinfo=None),
                    "failed" if error else "done",
                    error.exit_code if error else report.exit_code,
                    report.run_no,
                ],
            )
    except Exception:
        if error is None:
            raise


def _run_id(store: Store, run_no: int) -> str:
    return str(store.one("SELECT run_id FROM run WHERE run_no = ?", [run_no]))


def _drift(store: Store, run_no: int) -> list[dict[str, Any]]:
    """List the fields of sources that changed since their last run: source, kind, field, drift, before, now."""
    names = {number: name for name, number in store.con.execute("SELECT name, source_no FROM source").fetchall()}
    rows = drift(store.con, run_no).to_pylist()
    return [{"source": names.get(row.pop("source_no")), **row} for row in rows]


def _balance(store: Store, run_no: int) -> None:
    """Hold the ledger against itself: every record read is landed or quarantined, every landed one has a fate."""
    lost = store.one(
        "SELECT count(*) FROM batch b LEFT JOIN (SELECT batch_no, count(*) AS refused FROM quarantine GROUP BY batch_no) q "
        "ON q.batch_no = b.batch_no WHERE run_no = ? AND (read <> landed + quarantined OR quarantined <> coalesce(refused, 0))",
        [run_no],
    )
    unaccounted = store.one(
        "SELECT count(*) FROM run_stream WHERE run_no = ? "
        "AND landed <> new + updated + unchanged + stale + repeated + suppressed + held",
        [run_no],
    )
    if lost or unaccounted:
        raise LedgerError(
            f"run {run_no}", f"the ledger does not balance ({lost} batches, {unaccounted} streams)", "report this"
        )


def _figures(store: Store, run_no: int, *, news: bool) -> dict[str, int]:
    """Count what the summary shows, and keep it; what a stage has not made yet counts nothing.

    A run without news takes the figures of the last run: counting sixty million orders tells nothing new.
    """
    if not news:
        last = store.con.execute(
            "SELECT name, value FROM measure WHERE run_no = (SELECT max(run_no) FROM measure)"
        ).fetchall()
        if last:
            return _in_order({name: int(value) for name, value in last})
    known = {row[0] for row in store.con.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    wanted = {
        "persons": ("person", "SELECT count(*) FROM person WHERE state = 'active'"),
        "members": ("golden", "SELECT count(*) FROM golden WHERE member_status = 'member'"),
        "orders": ("order", 'SELECT count(*) FROM "order" WHERE NOT deleted'),
        "audiences": ("segment_slot", "SELECT count(*) FROM segment_slot WHERE retired_run IS NULL"),
        "quarantined": ("quarantine", "SELECT count(*) FROM quarantine WHERE state = 'open'"),
    }
    figures = {name: int(store.one(sql)) for name, (table, sql) in wanted.items() if table in known}
    if "assignment" in known:
        figures["merged"] = _merged(store)
    with store.transaction():
        for name, value in figures.items():
            store.con.execute("INSERT INTO measure VALUES (?, ?, '', ?, NULL, NULL, NULL)", [run_no, name, value])
    return _in_order(figures)


def _in_order(figures: dict[str, int]) -> dict[str, int]:
    return {name: figures[name] for name in FIGURES if name in figures}


def _merged(store: Store) -> int:
    """Count persons with several profiles, a few million persons at a time: a grouping holds all in memory."""
    last = int(store.one("SELECT coalesce(max(person_no), -1) FROM assignment"))
    return sum(
        int(
            store.one(
                "SELECT count(*) FROM (SELECT person_no FROM assignment WHERE node_no % 2 = 0 "
                "AND person_no BETWEEN ? AND ? GROUP BY person_no HAVING count(*) > 1)",
                [first, first + _PASS - 1],
            )
        )
        for first in range(0, last + 1, _PASS)
    )


def told(report: RunReport) -> dict[str, Any]:
    """Put a report into plain data, for JSON."""
    return {
        "event": "run",
        "run_no": report.run_no,
        "as_of": report.as_of.isoformat(),
        "dry_run": report.dry,
        "exit_code": report.exit_code,
        "sources": [asdict(each) for each in report.sources],
        "targets": [
            {
                "target": each.name,
                "published": each.is_published,
                "since": each.since,
                "error": str(each.error) if each.error else None,
            }
            for each in report.targets
        ],
        "stages": {
            name: {"seconds": round(seconds, 3), **asdict(changes)}
            for name, (seconds, changes) in report.stages.items()
        },
        "figures": report.figures,
        "warnings": report.warnings,
        "drift": report.drift,
    }
