"""Run the stages in order, keep the ledger, and say how it went."""

from __future__ import annotations

import json
import os
import socket
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from unifier import __version__, app
from unifier.actions.books import balance, drifted, figures, has_news
from unifier.actions.observers import Observers
from unifier.actions.outcome import RunReport, told
from unifier.errors import UnifierError
from unifier.plugins import Loaded
from unifier.relations import Changes
from unifier.stages.extract import Manner, SourceReport, extract
from unifier.stages.publish import publish
from unifier.stages.segment import segment
from unifier.stages.tag import tag
from unifier.stages.unify import unify
from unifier.store import Store, runfile
from unifier.store.store import MOST_ALONE, MOST_MEMORY
from unifier.warehouse.target import own_folder
from unifier.words import STAGES

__all__ = ["RunReport", "Tell", "Wish", "run", "told"]

Tell = Callable[[dict[str, Any]], None]

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
        observers = Observers(project.folder, loaded, report, tell)
        error: UnifierError | None = None
        try:
            for stage in STAGES:
                if stage in wish.stages:
                    _stage(store, stage, plan, sources, wish, report, beat)
                    observers.stage_finished(stage)
            report.figures = figures(store, report.run_no, news=has_news(report))
        except UnifierError as fault:
            error = fault
            raise
        except BaseException as fault:
            error = UnifierError("run", type(fault).__name__)
            raise
        finally:
            _end(store, report, error)
            beat.stop(report, error)
            observers.run_finished(error)
    return report


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
        balance(store, report.run_no)
        report.drift = drifted(store, report.run_no)
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
