"""Tag: compute the tags of everybody whose records, golden fields or days have changed, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final

from unifier import tags
from unifier.golden.steps import local_day
from unifier.relations import Changes, Merge
from unifier.stages.definitions import exists, golden_columns, passes, register
from unifier.tables import literal, quoted
from unifier.tags import TagPlan, steps
from unifier.tags.ledger import TAG_TABLES
from unifier.tags.planning import TIME_CLASSES, Lines, TimeClass

if TYPE_CHECKING:
    from unifier.store import Store

TOUCHED: Final = """
SELECT person_no FROM person WHERE changed_run > $since
UNION SELECT person_no FROM golden WHERE changed_run > $since
UNION SELECT a.person_no FROM assignment a WHERE a.person_no IS NOT NULL AND (a.changed_run > $since
    OR a.node_no IN (SELECT node_no FROM bundle WHERE changed_run > $since)
    OR a.node_no IN (SELECT node_no FROM sale WHERE changed_run > $since AND node_no IS NOT NULL)
    OR a.node_no IN (SELECT node_no FROM event WHERE changed_run > $since AND node_no IS NOT NULL)
    OR a.node_no IN (SELECT node_no FROM "order" WHERE changed_run > $since AND node_no IS NOT NULL)
    OR a.node_no IN (SELECT (2 * record_no)::INTEGER FROM profile WHERE changed_run > $since)
    OR a.node_no IN (SELECT (2 * record_no)::INTEGER FROM membership WHERE changed_run > $since))
"""
"""Whose records changed. An order that moved away changes the bundle that it left."""


@dataclass(frozen=True, slots=True)
class _Turn:
    """What one run of the stage knows: whether everybody is due, and which classes have new definitions."""

    run_no: int
    as_of: date
    fresh: frozenset[TimeClass]
    since: int


def tag_plan(entries: Sequence[Mapping[str, Any]], lines: Lines, zone: str) -> TagPlan:
    """Plan the ``tags`` section over the golden fields and the days of a zone; raise ConfigError at its first fault."""
    return tags.plan(entries, lines, golden_columns(), cache(partial(local_day, zone=zone)))


def tag(store: Store, plan: TagPlan, run_no: int, as_of: date, *, rebuild: bool = False) -> Changes:
    """Bring all tags up to date as of a day; return what was touched and written.

    Reads persons, golden records and facts that changed since the marks ``tag:record``, ``tag:clock`` and
    ``tag:population``; writes ``tag_record``, ``tag_clock``, ``tag_population``, ``tag_change`` and ``tag_due``. When
    definitions have changed everybody is due; rows whose values stay the same keep their ``changed_run`` as long as
    the columns are the same.
    """
    store.create(TAG_TABLES)
    with store.transaction():
        turn = _turn(store, plan, run_no, as_of, rebuild)
        register(store, "tag", {one.name: (one.hash, dict(one.body)) for one in plan.tags}, run_no)
        _due(store, plan, turn)
        _touched(store, turn)
        changes = Changes(touched=store.count("tag_touched"))
        for low, high in passes(store, "tag_touched"):
            store.fill(
                "tag_scope", f"SELECT person_no FROM tag_touched WHERE person_no >= {low} AND person_no < {high}"
            )
            changes += _personal(store, plan, turn)
        changes += _population(store, plan, turn)
        for time in TIME_CLASSES:
            store.set_mark(f"tag:{time}", run_no, as_of, plan.hash(time))
        store.drop("tag_touched", "tag_scope", "tag_now_due")
    return changes


def _turn(store: Store, plan: TagPlan, run_no: int, as_of: date, rebuild: bool) -> _Turn:
    """Make the tables fit the plan, and tell which classes start anew."""
    wanted = {table.name: table for table in tags.tables(plan)}
    fresh: set[TimeClass] = set()
    marks = {time: store.mark(f"tag:{time}") for time in TIME_CLASSES}
    for time in TIME_CLASSES:
        name = f"tag_{time}"
        there = exists(store, name)
        if there and (name not in wanted or store.columns(name) != list(wanted[name].names)):
            store.con.execute(f"DROP TABLE {quoted(name)}")
        if name in wanted:
            store.create([wanted[name]])
        if marks[time][2] != plan.hash(time) or not there:
            fresh.add(time)
    earlier = marks["clock"][1]
    back = earlier is not None and as_of < earlier
    personal = {time for time in fresh if time != "population" and f"tag_{time}" in wanted}
    since = 0 if rebuild or back or personal else min(marks[time][0] for time in TIME_CLASSES)
    return _Turn(run_no, as_of, frozenset(fresh), since)


def _due(store: Store, plan: TagPlan, turn: _Turn) -> None:
    """Note whose clock tags are due before they are computed anew: segments tell time from news by it."""
    read = store.mark("segment")[0]
    store.con.execute("DELETE FROM tag_due WHERE run_no <= ?", [read])
    flipped = f"SELECT person_no FROM tag_clock WHERE next_flip <= {literal(turn.as_of.isoformat())}::DATE"
    store.fill("tag_now_due", flipped if plan.of("clock") else "SELECT person_no FROM person WHERE false")
    store.con.execute("INSERT INTO tag_due SELECT ?, person_no FROM tag_now_due", [turn.run_no])


def _touched(store: Store, turn: _Turn) -> None:
    if turn.since:
        store.fill("tag_touched", f"{TOUCHED} UNION SELECT person_no FROM tag_now_due", {"since": turn.since})
    else:
        store.fill("tag_touched", "SELECT person_no FROM person")


def _personal(store: Store, plan: TagPlan, turn: _Turn) -> Changes:
    made = steps.personal(plan, turn.as_of.isoformat())
    store.run(made)
    changes = Changes()
    for time in ("record", "clock"):
        if plan.of(time):
            _history(store, plan, time, turn)
            changes += store.merge(
                Merge(f"tag_{time}", f"next_tag_{time}", "tag_scope", ("person_no",), ("person_no",)), turn.run_no
            )
    store.drop(*(step.writes for step in reversed(made)))
    return changes


def _history(store: Store, plan: TagPlan, time: TimeClass, turn: _Turn) -> None:
    """Write what changes in tags with history; a tag's first values are no change."""
    if store.is_empty(f"tag_{time}"):
        return
    defined = "'definition'" if time in turn.fresh else "'data'"
    for one in plan.of(time):
        if one.history:
            name = quoted(one.name)
            store.con.execute(
                f"INSERT INTO tag_change SELECT {turn.run_no}, n.person_no, {literal(one.name)}, "
                f"o.{name}::VARCHAR, n.{name}::VARCHAR, "
                f"CASE WHEN n.person_no IN (SELECT person_no FROM tag_now_due) THEN 'time' ELSE {defined} END "
                f"FROM next_tag_{time} n LEFT JOIN tag_{time} o ON o.person_no = n.person_no "
                f"WHERE o.{name} IS DISTINCT FROM n.{name}"
            )


def _population(store: Store, plan: TagPlan, turn: _Turn) -> Changes:
    """Rank everybody again if anything that is ranked may have changed."""
    if not plan.of("population"):
        return Changes()
    under = [f"tag_{time}" for time in ("record", "clock") if plan.of(time)]
    done = store.mark("tag:population")[0]
    news = any(
        store.one(f"SELECT 1 FROM {name} WHERE changed_run > {done} LIMIT 1") is not None
        for name in ("person", "golden", *under)
    )
    if not news and turn.since and "population" not in turn.fresh:
        return Changes()
    made = steps.population(plan)
    store.run(made)
    _history(store, plan, "population", turn)
    changes = store.merge(
        Merge("tag_population", "next_tag_population", "", ("person_no",), ("person_no",)), turn.run_no
    )
    store.drop(*(step.writes for step in reversed(made)))
    return changes
