"""Segment: compute who is in which segment, and the events of entering and leaving, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from unifier import segments
from unifier.errors import StoreError
from unifier.expressions import Field
from unifier.golden.steps import local_day
from unifier.relations import Changes, Merge
from unifier.segments import SegmentPlan, steps
from unifier.segments.ledger import BITS, SEGMENT_TABLES, segment_bits
from unifier.segments.planning import Known
from unifier.stages.definitions import exists, golden_columns, passes, register
from unifier.tags import TagPlan, columns
from unifier.tags.planning import Lines, golden_fields

if TYPE_CHECKING:
    from unifier.store import Store

READER: Final = "segment"

TOUCHED: Final = """
SELECT person_no FROM person WHERE changed_run > $since
UNION SELECT person_no FROM golden WHERE changed_run > $since
UNION SELECT person_no FROM segment_bits WHERE next_flip <= CAST($as_of AS DATE)
"""

ASKED: Final = """
UNION SELECT person_no FROM contact WHERE changed_run > $since
UNION SELECT person_no FROM consent_state WHERE changed_run > $since
UNION SELECT a.person_no FROM assignment a WHERE a.person_no IS NOT NULL AND (a.changed_run > $since
    OR a.node_no IN (SELECT node_no FROM bundle WHERE changed_run > $since)
    OR a.node_no IN (SELECT node_no FROM consent WHERE changed_run > $since AND node_no IS NOT NULL)
    OR a.node_no IN (SELECT (2 * record_no)::INTEGER FROM profile WHERE changed_run > $since)
    OR a.node_no IN (SELECT node_no FROM link WHERE identifier_no IN
        (SELECT identifier_no FROM holding WHERE changed_run > $since)))
"""
"""A contact or a consent that is gone leaves no row behind: its person is found by what made it go."""


@dataclass(frozen=True, slots=True)
class _Turn:
    """What one run of the stage knows. ``since`` 0 makes everybody due; ``done`` is the run that was seen last."""

    run_no: int
    as_of: str
    since: int
    done: int
    words: int
    slots: Mapping[str, tuple[int, int]]


def segment_plan(entries: Sequence[Mapping[str, Any]], lines: Lines, tag_plan: TagPlan, zone: str) -> SegmentPlan:
    """Plan the ``segments`` section over golden fields and planned tags; raise ConfigError at its first fault."""
    of_tags = {tag.name: Field(tag.name, tag.compiled.type, f"tag:{tag.name}") for tag in tag_plan.tags}
    known = Known(
        {**golden_fields(golden_columns()), **of_tags},
        {name: table for name, _, table in columns(tag_plan)},
        {tag.name: tag.hash for tag in tag_plan.tags},
        cache(partial(local_day, zone=zone)),
    )
    return segments.plan(entries, lines, known)


def segment(store: Store, plan: SegmentPlan, run_no: int, as_of: date, *, rebuild: bool = False) -> Changes:
    """Bring all segments up to date as of a day; return how many persons were touched and whose bits were written.

    Reads persons, golden records, tags, contacts and consent that changed since the mark ``segment``; writes
    ``segment_bits``, ``segment_slot`` and ``segment_event``. The run that brings a segment writes no event of it:
    ``segment_slot.since_run`` tells when it began. Raise StoreError if a tag that is read was never computed.
    """
    store.create(SEGMENT_TABLES)
    with store.transaction():
        turn = _turn(store, plan, run_no, as_of, rebuild)
        _touched(store, plan, turn)
        tags_due = exists(store, "tag_due")
        store.run(steps.happenings(turn.done, turn.as_of, tags_due=tags_due))
        changes = Changes(touched=store.count("segment_touched"))
        for low, high in passes(store, "segment_touched"):
            store.fill(
                "segment_scope",
                f"SELECT person_no FROM segment_touched WHERE person_no >= {low} AND person_no < {high}",
            )
            changes += _pass(store, plan, turn)
        store.set_mark(READER, run_no, as_of, plan.hash)
        store.drop("segment_touched", "segment_scope", "segment_now", "segment_lived", "segment_asked", "segment_due")
    return changes


def _turn(store: Store, plan: SegmentPlan, run_no: int, as_of: date, rebuild: bool) -> _Turn:
    """Make slots and bits fit the plan, and tell who is due."""
    for table in sorted({plan.known.tag_tables[tag] for tag in plan.read("tag")}):
        if not exists(store, table):
            raise StoreError(table, "the tags that segments read were never computed", "run `unifier run tag segment`")
    done, earlier, known = store.mark(READER)
    whole = rebuild or known != plan.hash or (earlier is not None and as_of < earlier)
    slots = _slots(store, plan, run_no)
    register(store, "segment", {one.name: (one.hash, dict(one.body)) for one in plan.segments}, run_no)
    words = 1 + max((word for word, _ in slots.values()), default=0)
    if exists(store, "segment_bits"):
        present = sum(name.startswith("w") for name in store.columns("segment_bits"))
        for word in range(present, words):
            store.con.execute(f"ALTER TABLE segment_bits ADD COLUMN w{word} UBIGINT DEFAULT 0")
        words = max(words, present)
    else:
        store.create([segment_bits(words)])
    return _Turn(run_no, as_of.isoformat(), 0 if whole else done, done, words, slots)


def _slots(store: Store, plan: SegmentPlan, run_no: int) -> dict[str, tuple[int, int]]:
    """Give every segment a bit; note in ``segment_now`` those that stood before, and whether they were redefined."""
    rows = store.con.execute("SELECT segment, word, bit, definition_hash, retired_run FROM segment_slot").fetchall()
    standing = {row[0]: row for row in rows if row[4] is None}
    wanted = {one.name: one for one in plan.segments}
    store.con.execute(
        "UPDATE segment_slot SET retired_run = ? "
        "WHERE retired_run IS NULL AND NOT list_contains(?::VARCHAR[], segment)",
        [run_no, list(wanted)],
    )
    # A bit retired in this run is only cleared by it, so it waits for the next.
    taken = {(row[1], row[2]) for row in rows if (row[4] or run_no) >= run_no}
    now = {name: (row[1], row[2]) for name, row in standing.items() if name in wanted}
    _write_now(store, plan, {name: standing[name] for name in now})
    for name, one in wanted.items():
        if name in now:
            store.con.execute("UPDATE segment_slot SET definition_hash = ? WHERE segment = ?", [one.hash, name])
            continue
        place = next(at for at in (divmod(number, BITS) for number in range(len(taken) + 1)) if at not in taken)
        taken.add(place)
        now[name] = place
        store.con.execute("DELETE FROM segment_slot WHERE segment = ? OR (word, bit) = (?, ?)", [name, *place])
        store.con.execute("INSERT INTO segment_slot VALUES (?, ?, ?, ?, ?, NULL)", [name, *place, one.hash, run_no])
    return now


def _write_now(store: Store, plan: SegmentPlan, standing: Mapping[str, Sequence[Any]]) -> None:
    here = [one for one in plan.segments if one.name in standing]
    table = {
        "segment": pa.array([one.name for one in here], pa.string()),
        "word": pa.array([standing[one.name][1] for one in here], pa.int32()),
        "bit": pa.array([standing[one.name][2] for one in here], pa.int32()),
        "redefined": pa.array([standing[one.name][3] != one.hash for one in here], pa.bool_()),
        "asks": pa.array([one.asks_consent for one in here], pa.bool_()),
    }
    store.bring("segment_now", pa.table(table))


def _touched(store: Store, plan: SegmentPlan, turn: _Turn) -> None:
    if not turn.since:
        store.fill("segment_touched", "SELECT person_no FROM person UNION SELECT person_no FROM segment_bits")
        return
    sql = TOUCHED
    for table in sorted({plan.known.tag_tables[tag] for tag in plan.read("tag")}):
        sql += f"UNION SELECT person_no FROM {table} WHERE changed_run > $since\n"
    if plan.read("consent") or plan.read("reachable"):
        sql += ASKED
    store.fill("segment_touched", sql, {"since": turn.since, "as_of": turn.as_of})


def _pass(store: Store, plan: SegmentPlan, turn: _Turn) -> Changes:
    made = (*steps.memberships(plan, turn.slots, turn.words, turn.as_of),)
    store.run(made)
    if not store.is_empty("segment_now"):
        compared = steps.moves(turn.words)
        store.run(compared)
        store.con.execute(
            f"INSERT INTO segment_event SELECT {turn.run_no}, person_no, segment, entered, reason, cause_ref "
            "FROM segment_move"
        )
        made = (*made, *compared)
    changes = store.merge(
        Merge("segment_bits", "next_segment_bits", "segment_scope", ("person_no",), ("person_no",)), turn.run_no
    )
    store.drop(*(step.writes for step in reversed(made)))
    return changes
