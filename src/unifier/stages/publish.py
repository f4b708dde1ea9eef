"""Publish: bring every target up to date with the store, each by itself, so that one that is down stops nobody."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from unifier.contract.tables import RECORD_TABLES
from unifier.errors import WarehouseError
from unifier.identifiers import pads
from unifier.tables.golden import GOLDEN_TABLES
from unifier.warehouse.catalog import Catalog, read_catalog
from unifier.warehouse.queries import Passes, PublishedTable, published, scope_steps
from unifier.warehouse.tables import fixed
from unifier.warehouse.target import Delta, open_target, told_as_warehouse_errors

if TYPE_CHECKING:
    from unifier.relations import Changes, Step
    from unifier.store import Store
    from unifier.warehouse.config import TargetConfig

_PASS: Final = 5_000_000
"""Identifiers or people in a pass: what a grouping or a join holds in memory must not grow with their number."""

_IDENTIFIER: Final = "l.identifier_no"


@dataclass(frozen=True, slots=True)
class TargetReport:
    """What became of one target: rows by table, or the error that stopped it; ``since`` is the run it had before."""

    name: str
    since: int = 0
    tables: Mapping[str, Changes] = field(default_factory=dict)
    error: WarehouseError | None = None

    @property
    def is_published(self) -> bool:
        """Whether the target shows this run now."""
        return self.error is None


@dataclass(frozen=True, slots=True)
class _Run:
    run_no: int
    as_of: date
    catalog: Catalog
    rules_hash: str


def publish(
    store: Store,
    targets: Sequence[TargetConfig],
    run_no: int,
    as_of: date,
    tags_meta: Sequence[Mapping[str, Any]],
    segments_meta: Sequence[Mapping[str, Any]],
    run_row: Mapping[str, Any],
) -> list[TargetReport]:
    """Publish what changed to each target; return what became of each, in their order.

    ``tags_meta`` are mappings with name, title, description, class, owner, type; ``segments_meta`` with name, title,
    description, owner (a title is a text, or texts by language, kept as JSON). ``run_row`` may give run_id, finished_at
    (UTC), members and orders. A dry store publishes
    nothing. No target's failure is raised: it stands in its report.
    """
    if store.dry:
        return []
    store.create((*RECORD_TABLES, *GOLDEN_TABLES))
    _bring_few(store, tags_meta, segments_meta)
    _bring_run(store, run_no, as_of, run_row)
    run = _Run(run_no, as_of, read_catalog(store.con), store.mark("unify")[2] or "")
    try:
        return [_publish_one(store, target, run) for target in targets]
    finally:
        store.drop("publish_tags", "publish_segments", "publish_run")


def _publish_one(store: Store, config: TargetConfig, run: _Run) -> TargetReport:
    tables = published(run.catalog, config, run.rules_hash)
    marks = {one.table.name: store.mark(_reader(config, one)) for one in tables}
    hashes = {one.table.name: one.hash for one in tables}
    done = min((mark[0] for mark in marks.values() if mark[0]), default=0)
    steps: tuple[Step, ...] = ()
    try:
        with told_as_warehouse_errors(config), open_target(config).session(store.con, known=done > 0) as session:
            since = min(done, session.last_run())
            steps = scope_steps(run.catalog, since) if since else ()
            store.run(steps)
            unchanged = {name for name, mark in marks.items() if since and _same_since(mark[2], hashes[name], since)}
            deltas = [_delta(store, one, config, everything=one.table.name not in unchanged) for one in tables]
            counts = session.write([*deltas, _run_delta()])
    except WarehouseError as error:
        return TargetReport(config.name, done, error=error)
    finally:
        store.drop(*(step.writes for step in steps))
    with store.transaction():
        for one in tables:
            first = _first_run(marks[one.table.name][2], one.hash) or run.run_no
            store.set_mark(_reader(config, one), run.run_no, run.as_of, f"{one.hash}@{first}")
    return TargetReport(config.name, since, counts)


def _first_run(marked: str | None, definition: str) -> int:
    """Tell the run that first published a table by this definition; 0 if the mark speaks of another."""
    known, _, first = (marked or "").rpartition("@")
    return int(first) if known == definition else 0


def _same_since(marked: str | None, definition: str, since: int) -> bool:
    """Tell whether the target's rows of run ``since`` were made by this definition: a target may be older than its mark."""
    return 0 < _first_run(marked, definition) <= since


def _reader(config: TargetConfig, one: PublishedTable) -> str:
    return f"target:{config.name}:{one.table.name}"


def _delta(store: Store, one: PublishedTable, config: TargetConfig, *, everything: bool) -> Delta:
    """Say which rows of a table to replace."""
    keys = "" if everything else one.scope
    # Changed rows are found by person: to pass over identifiers for them would look at every identifier each time.
    in_passes = one.passes and (everything or one.passes != _IDENTIFIER)
    shares = _shares(store, one.passes) if one.passes and in_passes else ["true"]
    rows = tuple(one.select(everything=not keys, share=share) for share in shares)
    return Delta(one.table, rows, keys, one.scope_key if keys else (), pads(config.secret))


def _shares(store: Store, passes: Passes) -> list[str]:
    """Divide what a table is read from into passes over a number."""
    table, column = ("identifier", "identifier_no") if passes == _IDENTIFIER else ("person", "person_no")
    last = store.one(f"SELECT coalesce(max({column}), 0) FROM {table}")
    return [f"{passes} BETWEEN {first} AND {first + _PASS - 1}" for first in range(0, last + 1, _PASS)]


def _run_delta() -> Delta:
    table = fixed("runs")
    return Delta(table, ("SELECT * FROM publish_run",), "publish_run", table.key)


def _bring_few(store: Store, tags: Sequence[Mapping[str, Any]], segments: Sequence[Mapping[str, Any]]) -> None:
    for name, rows in (("tags", tags), ("segments", segments)):
        names = fixed(name).names
        columns = {column: pa.array([_plain(row.get(column)) for row in rows], pa.string()) for column in names}
        store.bring(f"publish_{name}", pa.table(columns))


def _plain(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _bring_run(store: Store, run_no: int, as_of: date, given: Mapping[str, Any]) -> None:
    row = {
        "run_no": run_no,
        "run_id": given.get("run_id"),
        "as_of": as_of,
        "finished_at": given.get("finished_at") or datetime.now(UTC),
        "members": given.get("members", store.one("SELECT count(*) FROM person WHERE state = 'active'")),
        "orders": given.get("orders", store.one('SELECT count(*) FROM "order" WHERE NOT deleted')),
    }
    finished = row["finished_at"]
    if finished.tzinfo is not None:
        row["finished_at"] = finished.astimezone(UTC).replace(tzinfo=None)
    columns = ", ".join(f'${column.name}::{column.type} AS "{column.name}"' for column in fixed("runs").columns)
    store.fill("publish_run", f"SELECT {columns}", row)
