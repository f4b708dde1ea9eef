"""Write the steps that compute tags: of the persons in ``tag_scope``, and of everybody for population tags."""

from __future__ import annotations

from collections.abc import Iterator

from unifier.relations import Step
from unifier.tables import quoted
from unifier.tags.facts import RELATIONS
from unifier.tags.planning import TagDefinition, TagPlan, selected

PERSON_READS = ("person", "golden", "tag_scope")


def personal(plan: TagPlan, as_of: str) -> tuple[Step, ...]:
    """Compute record and clock tags of ``tag_scope``: ends with ``next_tag_record`` and ``next_tag_clock``."""
    return tuple(_personal(plan, as_of))


def _personal(plan: TagPlan, as_of: str) -> Iterator[Step]:
    params = {"as_of": as_of}
    tags = [*plan.of("record"), *plan.of("clock")]
    if not tags:
        return
    yield Step(
        "tag_node",
        ("assignment", "tag_scope"),
        "tag_node",
        "SELECT node_no, person_no FROM assignment WHERE person_no IN (SELECT person_no FROM tag_scope)",
    )
    for relation in plan.relations:
        yield from _facts(plan, relation, params)
    yield from _levels(plan, tags, params)
    made = f"tag_level_{max(tag.level for tag in tags)}"
    flips = [quoted(f"flip {relation}") for relation in plan.relations]
    flips += [quoted(f"flip {tag.name}") for tag in tags if tag.compiled.flips]
    flip = f"least({', '.join([*flips, 'NULL::DATE'])}) AS next_flip"
    yield Step("tag_final", (made,), "tag_final", f"SELECT person_no, {selected(tags)}, {flip} FROM {made}", params)
    for time, more in (("record", ""), ("clock", ", next_flip")):
        chosen = [tag for tag in tags if tag.time == time]
        if chosen:
            name = f"next_tag_{time}"
            yield Step(
                name, ("tag_final",), name, f"SELECT person_no, {selected(chosen)}{more} FROM tag_final", lazy=True
            )


def _facts(plan: TagPlan, relation: str, params: dict[str, str]) -> Iterator[Step]:
    """Aggregate a relation once for all tags that read it, and learn what its aggregates are of nothing."""
    tags = [tag for tag in plan.tags if tag.compiled.relation == relation]
    values = [f"{tag.compiled.sql} AS {quoted(tag.name)}" for tag in tags]
    flips = dict.fromkeys(flip for tag in tags for flip in tag.flips)
    values.append(f"least({', '.join([*flips, 'NULL::DATE'])}) AS {quoted(f'flip {relation}')}")
    rows = RELATIONS[relation].sql(plan.day)
    reads = ("tag_node", *RELATIONS[relation].tables)
    name, nothing = f"tag_fact_{relation}", f"tag_none_{relation}"
    yield Step(name, reads, name, f"SELECT person_no, {', '.join(values)} FROM ({rows}) GROUP BY person_no", params)
    yield Step(nothing, reads, nothing, f"SELECT {', '.join(values)} FROM ({rows}) WHERE false", params)


def _levels(plan: TagPlan, tags: list[TagDefinition], params: dict[str, str]) -> Iterator[Step]:
    """Put tags beside the golden fields, level by level, each reading those below."""
    joined, values = "", []
    for relation in plan.relations:
        alias, nothing = quoted(f"f {relation}"), quoted(f"n {relation}")
        joined += f" LEFT JOIN tag_fact_{relation} {alias} ON {alias}.person_no = p.person_no"
        joined += f" CROSS JOIN tag_none_{relation} {nothing}"
        names = [tag.name for tag in tags if tag.compiled.relation == relation]
        values += [
            f"CASE WHEN {alias}.person_no IS NULL THEN {nothing}.{name} ELSE {alias}.{name} END AS {name}"
            for name in map(quoted, [*names, f"flip {relation}"])
        ]
    facts = tuple(f"tag_{kind}_{relation}" for relation in plan.relations for kind in ("fact", "none"))
    yield Step(
        "tag_level_0",
        (*PERSON_READS, *facts),
        "tag_level_0",
        f"SELECT {', '.join(['p.person_no, g.* EXCLUDE (person_no, changed_run)', *values])} FROM person p "
        f"LEFT JOIN golden g ON g.person_no = p.person_no{joined} "
        "WHERE p.state = 'active' AND p.person_no IN (SELECT person_no FROM tag_scope)",
        params,
        lazy=True,
    )
    for level in range(1, max(tag.level for tag in tags) + 1):
        scalars = [tag for tag in tags if tag.level == level and not tag.compiled.relation]
        added = [f"{tag.compiled.sql} AS {quoted(tag.name)}" for tag in scalars]
        added += [
            f"least({', '.join([*tag.compiled.flips, 'NULL::DATE'])}) AS {quoted(f'flip {tag.name}')}"
            for tag in scalars
            if tag.compiled.flips
        ]
        name, below = f"tag_level_{level}", f"tag_level_{level - 1}"
        yield Step(
            name, (below,), name, f"SELECT *{''.join(', ' + one for one in added)} FROM {below}", params, lazy=True
        )


def population(plan: TagPlan) -> tuple[Step, ...]:
    """Compute population tags of all active persons: ends with ``next_tag_population``.

    Equal values are ranked once: the engine sorts values, not persons. Tags that read a rank come after all ranks.
    """
    ranking = [tag for tag in plan.of("population") if tag.compiled.population]
    others = tuple(
        name for name, there in (("tag_record", plan.of("record")), ("tag_clock", plan.of("clock"))) if there
    )
    reads = ("person", "golden", *others)
    rows = _people(plan, others)
    values = "".join(f", {tag.compiled.sql} AS {quoted(tag.name)}" for tag in ranking)
    steps = [Step("rank_value", reads, "rank_value", f"SELECT person_no{values} FROM ({rows})")]
    steps += [_ranking(tag) for tag in ranking]
    ranks = tuple(f"rank {tag.name}" for tag in ranking)
    joined = "".join(
        f" LEFT JOIN {quoted(rank)} ON {quoted(rank)}.x = v.{quoted(tag.name)}"
        for rank, tag in zip(ranks, ranking, strict=True)
    )
    listed = "".join(f", {quoted(f'rank {tag.name}')}.place AS {quoted(tag.name)}" for tag in ranking)
    placed = f"SELECT v.person_no{listed} FROM rank_value v{joined}"
    name = "next_tag_population"
    if len(ranking) == len(plan.of("population")):
        return (*steps, Step(name, ("rank_value", *ranks), name, placed))
    steps.append(Step("rank_placed", ("rank_value", *ranks), "rank_placed", placed))
    return (*steps, Step(name, ("rank_placed", *reads), name, _above(plan, rows)))


def _people(plan: TagPlan, others: tuple[str, ...]) -> str:
    """Write the rows of all active persons: golden fields, record and clock tags."""
    joins = "".join(f" LEFT JOIN {table} ON {table}.person_no = p.person_no" for table in others)
    below = [*plan.of("record"), *plan.of("clock")]
    shown = f", {selected(below)}" if below else ""
    return (
        f"SELECT p.person_no, g.* EXCLUDE (person_no, changed_run){shown} FROM person p "
        f"LEFT JOIN golden g ON g.person_no = p.person_no"
        f"{joins} WHERE p.state = 'active'"
    )


def _above(plan: TagPlan, rows: str) -> str:
    """Write the tags that read ranks, level by level, beside the ranks."""
    sql = f"SELECT r.*, k.* EXCLUDE (person_no) FROM ({rows}) r JOIN rank_placed k ON k.person_no = r.person_no"
    tags = [tag for tag in plan.of("population") if not tag.compiled.population]
    for level in sorted({tag.level for tag in tags}):
        added = ", ".join(f"{tag.compiled.sql} AS {quoted(tag.name)}" for tag in tags if tag.level == level)
        sql = f"SELECT *, {added} FROM ({sql})"
    return f"SELECT person_no, {selected(plan.of('population'))} FROM ({sql})"


def _ranking(tag: TagDefinition) -> Step:
    name, x = f"rank {tag.name}", quoted(tag.name)
    before = "coalesce(sum(n) OVER (ORDER BY x {} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)"
    place = {
        "rank": f"(1 + {before.format('DESC')})::BIGINT",
        "quantile_band": f"(1 + {before.format('ASC')} * {tag.compiled.bands} // sum(n) OVER ())::BIGINT",
        "share": "x::DOUBLE / nullif(sum(x * n) OVER (), 0)",
    }[tag.compiled.population or "rank"]
    counted = f"SELECT {x} AS x, count(*) AS n FROM rank_value WHERE {x} IS NOT NULL GROUP BY {x}"
    return Step(name, ("rank_value",), name, f"SELECT x, {place} AS place FROM ({counted})")
