"""Put the steps of identity in order: reach, values, conflicts, limits, persons."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files

import pyarrow as pa

from unifier.identifiers import keyed_sql, masked_contradicts_sql, names_agree_sql, pads, pinyin_agree
from unifier.identity.components import clusters, components
from unifier.identity.oneid import match, spelled_sql
from unifier.relations import Compute, Step, read_steps


def _text(name: str) -> str:
    return files("unifier.identity").joinpath(name).read_text(encoding="utf-8")


def reach(since: int) -> tuple[Step, ...]:
    """Tell what to look at again since a run; after run 0, everything."""
    if since:
        return read_steps(_text("reach.sql"), since=since)
    return read_steps(_text("reach_all.sql"))


def evidence(since: int, *, profile_founds: bool) -> tuple[Step, ...]:
    """Lay out the live evidence in reach under canonical values."""
    steps = read_steps(_text("evidence.sql"), profile_founds=profile_founds)
    if not since:
        return tuple(_filled(step, {"{in_reach}": ""}) for step in steps)
    within = {"{in_reach}": "AND node_no IN (SELECT node_no FROM reach_node)"}
    narrowed = (
        replace(step, reads=(*step.reads, "reach_node")) if "{in_reach}" in step.sql else step for step in steps
    )
    return tuple(_filled(step, within) for step in narrowed)


def values(since: int) -> tuple[Step, ...]:
    """Judge the values in reach: generic, divided among holders, or plain; ends with ``hub`` and ``edge``."""
    return read_steps(_text("touched.sql" if since else "touched_all.sql")) + read_steps(_text("values.sql"))


def conflicts() -> tuple[Step | Compute, ...]:
    """Find raw components and the pairs in them that cannot be one person."""
    pairs = read_steps(_text("conflicts.sql"))
    names = read_steps(_text("names.sql"))
    vetoes = read_steps(_text("vetoes.sql"))
    agree = {"{agree}": names_agree_sql("a", "b"), "{contradicts}": masked_contradicts_sql("m.mask", "p.value")}
    return (
        Compute("next_component", ("edge_end",), "next_component", components),
        *pairs,
        *(_filled(step, agree) for step in names[:3]),
        Compute("spelled", ("mixed_pair",), "spelled", _spelled),
        *names[3:],
        *(_filled(step, agree) for step in vetoes),
    )


def limits() -> tuple[Step | Compute, ...]:
    """Refuse surplus values; ends with ``next_cluster``."""
    return (
        *read_steps(_text("limits.sql")),
        Compute("loose_cluster", ("loose_edge",), "loose_cluster", clusters),
    )


def persons(secret: bytes, run_no: int) -> tuple[Step | Compute, ...]:
    """Give every cluster its OneID; ends with the next persons, assignments, conflicts and lineage."""
    minting = read_steps(_text("oneid.sql"))
    digest = {"{keyed}": keyed_sql("founder || chr(31) || n"), "{spelled}": spelled_sql("digest")}
    return (
        *read_steps(_text("persons.sql")),
        Compute("matched", ("overlap",), "matched", match),
        *(_with(_filled(step, digest), pads(secret)) for step in minting),
        *read_steps(_text("lives.sql"), run_no=run_no),
    )


def _spelled(pairs: pa.Table) -> pa.Table:
    return pairs.append_column("agree", pinyin_agree(pairs))


def _filled(step: Step, parts: dict[str, str]) -> Step:
    sql = step.sql
    for mark, text in parts.items():
        sql = sql.replace(mark, text)
    return replace(step, sql=sql)


def _with(step: Step, params: dict[str, bytes]) -> Step:
    return replace(step, params={**step.params, **params})
