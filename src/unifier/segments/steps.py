"""Write the steps that compute who of ``segment_scope`` is in which segment, and what changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from unifier.relations import Step
from unifier.tables import literal, quoted

if TYPE_CHECKING:
    from unifier.segments.planning import SegmentPlan

Slots = Mapping[str, tuple[int, int]]


def memberships(plan: SegmentPlan, slots: Slots, words: int, as_of: str) -> tuple[Step, ...]:
    """Compute the bits of ``segment_scope``: ends with ``next_segment_bits``; ``slots`` are (word, bit) by segment."""
    return tuple(_memberships(plan, slots, words, {"as_of": as_of}))


def _memberships(plan: SegmentPlan, slots: Slots, words: int, params: dict[str, str]) -> Iterator[Step]:
    joins, columns, reads = "", [], ["person", "golden", "segment_scope"]
    for table, flags in (("contact", _reachable(plan)), ("consent_state", _consents(plan))):
        if flags:
            name = f"segment_{table}"
            listed = ", ".join(f"bool_or({sql}) AS {quoted(flag)}" for flag, sql in flags.items())
            within = "person_no IN (SELECT person_no FROM segment_scope)"
            yield Step(
                name,
                (table, "segment_scope"),
                name,
                f"SELECT person_no, {listed} FROM {table} WHERE {within} GROUP BY person_no",
            )
            reads.append(name)
            joins += f" LEFT JOIN {name} ON {name}.person_no = p.person_no"
            columns += [f"coalesce({name}.{quoted(flag)}, false) AS {quoted(flag)}" for flag in flags]
    for table in dict.fromkeys(plan.known.tag_tables[tag] for tag in plan.read("tag")):
        reads.append(table)
        joins += f" LEFT JOIN {table} ON {table}.person_no = p.person_no"
    columns += [f"{plan.known.tag_tables[tag]}.{quoted(tag)}" for tag in plan.read("tag")]
    yield Step(
        "segment_level_0",
        tuple(reads),
        "segment_level_0",
        f"SELECT {', '.join(['p.person_no, g.* EXCLUDE (person_no, changed_run)', *columns])} FROM person p "
        f"LEFT JOIN golden g ON g.person_no = p.person_no{joins} "
        "WHERE p.state = 'active' AND p.person_no IN (SELECT person_no FROM segment_scope)",
        lazy=True,
    )
    last = max((one.level for one in plan.segments), default=0)
    for level in range(1, last + 1):
        yield _level(plan, level, params)
    listed = ", ".join(_word(slots, word) for word in range(words))
    made = f"segment_level_{last}"
    sql = f"SELECT person_no, {listed}, {_flip(plan)} AS next_flip FROM {made}"
    yield Step("next_segment_bits", (made,), "next_segment_bits", sql, params)


def _reachable(plan: SegmentPlan) -> dict[str, str]:
    return {f"reachable {channel}": f"reachable AND channel = {literal(channel)}" for channel in plan.read("reachable")}


def _consents(plan: SegmentPlan) -> dict[str, str]:
    flags = {}
    for dotted in plan.read("consent"):
        purpose, channel = dotted.split(".")
        flags[f"consent {dotted}"] = (
            f"status = 'granted' AND purpose = {literal(purpose)} AND channel = {literal(channel)}"
        )
    return flags


def _level(plan: SegmentPlan, level: int, params: dict[str, str]) -> Step:
    name, below = f"segment_level_{level}", f"segment_level_{level - 1}"
    added = []
    for one in plan.segments:
        if one.level == level:
            others = "".join(f" AND NOT {quoted(f'segment {other}')}" for other in one.excluded)
            added.append(f"coalesce({one.compiled.sql}, false){others} AS {quoted(f'segment {one.name}')}")
    return Step(name, (below,), name, f"SELECT *, {', '.join(added)} FROM {below}", params, lazy=True)


def _word(slots: Slots, word: int) -> str:
    """Write a word as the sum of its bits; they do not overlap."""
    bits = [
        f"CASE WHEN {quoted(f'segment {name}')} THEN {2**bit}::UBIGINT ELSE 0 END"
        for name, (at, bit) in slots.items()
        if at == word
    ]
    return f"({' | '.join(bits) or '0'})::UBIGINT AS w{word}"


def _flip(plan: SegmentPlan) -> str:
    flips = dict.fromkeys(flip for one in plan.segments for flip in one.compiled.flips)
    daily = ["CAST($as_of AS DATE) + 1"] if any(one.compiled.daily for one in plan.segments) else []
    return f"least({', '.join([*flips, *daily, 'NULL::DATE'])})"


def moves(words: int) -> tuple[Step, ...]:
    """Compare the bits of ``segment_scope`` with those before: ends with ``segment_move``, a row per event.

    ``segment_now`` are the segments that stood before this run: name, word, bit, and whether they were redefined or
    ask for consent. ``segment_lived``, ``segment_asked`` and ``segment_due`` tell what happened to persons.
    """
    differs = " OR ".join(f"coalesce(n.w{word}, 0) <> coalesce(o.w{word}, 0)" for word in range(words))
    pairs = ", ".join(f"coalesce(n.w{word}, 0) AS n{word}, coalesce(o.w{word}, 0) AS o{word}" for word in range(words))
    old = "SELECT * FROM segment_bits WHERE person_no IN (SELECT person_no FROM segment_scope)"
    changed = Step(
        "segment_changed",
        ("next_segment_bits", "segment_bits", "segment_scope"),
        "segment_changed",
        f"SELECT coalesce(n.person_no, o.person_no) AS person_no, o.person_no IS NOT NULL AS known, {pairs} "
        f"FROM next_segment_bits n FULL JOIN ({old}) o ON o.person_no = n.person_no WHERE {differs}",
    )
    each = " UNION ALL ".join(
        f"SELECT c.person_no, c.known, s.segment, s.redefined, s.asks, (c.n{word} >> s.bit) & 1 = 1 AS entered "
        f"FROM segment_changed c JOIN segment_now s ON s.word = {word} AND (xor(c.n{word}, c.o{word}) >> s.bit) & 1 = 1"
        for word in range(words)
    )
    reason = (
        "CASE WHEN l.person_no IS NOT NULL THEN l.reason "
        "WHEN m.asks AND m.known AND a.person_no IS NOT NULL THEN 'consent' "
        "WHEN m.redefined THEN 'definition' WHEN d.person_no IS NOT NULL THEN 'time' ELSE 'data' END AS reason"
    )
    made = Step(
        "segment_move",
        ("segment_changed", "segment_now", "segment_lived", "segment_asked", "segment_due"),
        "segment_move",
        f"SELECT m.person_no, m.segment, m.entered, {reason}, l.cause_ref FROM ({each}) m "
        "LEFT JOIN segment_lived l ON l.person_no = m.person_no LEFT JOIN segment_asked a ON a.person_no = m.person_no "
        "LEFT JOIN segment_due d ON d.person_no = m.person_no",
        lazy=True,
    )
    return changed, made


def happenings(since: int, as_of: str, *, tags_due: bool) -> tuple[Step, ...]:
    """Gather what happened to persons since a run, for the reasons of events."""
    params = {"since": since, "as_of": as_of}
    lived = """
        SELECT person_no, min(reason) AS reason, arg_min(ref, row(reason, ref)) AS cause_ref FROM (
            SELECT p.person_no, l.event AS reason, l.other_id AS ref FROM lineage l JOIN person p ON p.one_id = l.one_id
            WHERE l.run_no > $since AND l.event IN ('merged', 'split')
            UNION ALL
            SELECT p.person_no, l.event, l.one_id FROM lineage l JOIN person p ON p.one_id = l.other_id
            WHERE l.run_no > $since AND l.event IN ('merged', 'split')
        ) GROUP BY person_no"""
    asked = (
        "SELECT person_no FROM consent_state WHERE changed_run > $since "
        "UNION SELECT person_no FROM contact WHERE changed_run > $since"
    )
    due = "SELECT person_no FROM segment_bits WHERE next_flip <= CAST($as_of AS DATE)"
    if tags_due:
        due += " UNION SELECT person_no FROM tag_due WHERE run_no > $since"
    return (
        Step("segment_lived", ("lineage", "person"), "segment_lived", lived, params),
        Step("segment_asked", ("consent_state", "contact"), "segment_asked", asked, params),
        Step("segment_due", ("segment_bits", *(("tag_due",) if tags_due else ())), "segment_due", due, params),
    )
