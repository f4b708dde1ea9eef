"""Check a project before it runs: its configuration, its plugins, who can be reached, and what its thresholds would do."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb

from unifier import app
from unifier.errors import UnifierError, WarehouseError
from unifier.identifiers import registry
from unifier.stages.extract import Source, job
from unifier.stages.feed import side_by_side
from unifier.store import read_only
from unifier.warehouse import TargetConfig
from unifier.warehouse.target import open_target, own_folder, told_as_warehouse_errors

LEAST: Final = 2
"""A value that two names share may be a couple's: no threshold is proposed below that."""
MOST: Final = 50
_SAMPLED: Final = 2_000_000
"""Values of a type that are looked at, chosen by their number."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Whether a source or a target could be reached; ``error`` says why not."""

    what: str
    name: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Threshold:
    """How values of a type are shared, and where that says families end and shop phones begin.

    ``by_names`` counts values by how many disagreeing names carry them, from 1; ``above`` of them lie above the
    ``present`` threshold, ``above_proposed`` above the ``proposed`` one. Counts are of a sample of at most two million
    values.
    """

    type: str
    present: int | None
    above: int
    proposed: int | None
    above_proposed: int
    by_names: tuple[int, ...]


def reach(project: app.Project) -> list[Reach]:
    """Ask every source and every target whether it is there; nothing is read and nothing is written.

    Raises ConfigError and PluginError where the configuration cannot be meant.
    """
    loaded = app.loaded(project)
    plan = app.plans(project, loaded)
    sources = app.sources(project, loaded)
    return [*_sources(project, sources, plan.workers), *(_target(one) for one in plan.targets)]


def _sources(project: app.Project, sources: Sequence[Source], workers: int) -> list[Reach]:
    """Call ``check`` of every connector, in a process of its own."""
    found = {one.name: Reach("source", one.name, str(one.error or "")) for one in sources}
    jobs = [job(one, {"check": True}) for one in sources if one.error is None]
    with side_by_side(jobs, workers, project.folder) as arriving:
        for told in arriving:
            if told.error:
                found[told.source] = Reach("source", told.source, str(told.error))
    return list(found.values())


def _target(target: TargetConfig) -> Reach:
    """Connect to a target; of a DuckDB file only its folder is looked at, since to open it is to write it."""
    try:
        folder = own_folder(target)
        if folder is not None:
            _require_writable(target, folder)
        else:
            with (
                duckdb.connect() as con,
                told_as_warehouse_errors(target),
                open_target(target).session(con, known=False) as it,
            ):
                it.last_run()
    except UnifierError as error:
        return Reach("target", target.name, str(error))
    return Reach("target", target.name)


def _require_writable(target: TargetConfig, folder: Path) -> None:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(there, os.W_OK):
        raise WarehouseError(f"target {target.name}", "its folder cannot be written", "mend its rights")


def thresholds(project: app.Project) -> list[Threshold]:
    """Propose ``generic_after`` names by type from what the store holds; nothing where there is no store yet.

    Among values that several names share, families make the head of the distribution, which falls steeply; shops,
    clerks and made-up numbers make its tail. The proposal is the first number of names after which no value is found, or
    as many as before: there the head has ended. It is a proposal: nothing is changed by it.
    """
    if not project.store_path.exists():
        return []
    types = registry(project.config.section("identity"), ())
    with read_only(project.store_path) as con:
        known = {row[0] for row in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        if not {"link", "profile", "identifier_type"} <= known:
            return []
        rows = con.execute(_SHARED, {"sampled": _SAMPLED}).fetchall()
    counted: dict[str, dict[int, int]] = {}
    for name, names, values in rows:
        counted.setdefault(name, {})[names] = values
    present = {one.name: one.generic_names for one in types.values()}
    return [_proposed(name, present.get(name), by_names) for name, by_names in sorted(counted.items())]


def _proposed(name: str, present: int | None, counted: dict[int, int]) -> Threshold:
    most = max(counted)
    by_names = tuple(counted.get(names, 0) for names in range(1, most + 1))
    proposed = next((n for n in range(LEAST, min(most, MOST)) if _has_ended(by_names, n)), None)

    def above(limit: int | None) -> int:
        return sum(by_names[limit:]) if limit is not None else 0

    return Threshold(name, present, above(present), proposed, above(proposed), by_names)


def _has_ended(by_names: Sequence[int], names: int) -> bool:
    """Tell whether the head of the distribution ends with this number of names."""
    following = by_names[names]
    return following == 0 or following >= by_names[names - 1]


_SHARED: Final = """
SELECT t.name, s.names, count(*) AS n FROM (
    SELECT l.type_no, l.identifier_no, count(DISTINCT p.name_key) AS names
    FROM link l JOIN profile p ON l.node_no = 2 * p.record_no AND NOT p.deleted
    WHERE NOT l.gone AND l.class IS NOT NULL AND p.name_key IS NOT NULL
    AND l.identifier_no % (1 + (SELECT count(*) FROM identifier) // $sampled) = 0
    GROUP BY l.type_no, l.identifier_no
) s JOIN identifier_type t ON t.type_no = s.type_no WHERE s.names > 0 GROUP BY t.name, s.names
"""


def told(reached: Sequence[Reach], proposals: Sequence[Threshold]) -> dict[str, Any]:
    """Put the answers into plain data."""
    return {
        "reach": [{"what": one.what, "name": one.name, "error": one.error or None} for one in reached],
        "thresholds": [
            {
                "type": one.type,
                "names": one.present,
                "above": one.above,
                "proposed": one.proposed,
                "above_proposed": one.above_proposed,
                "values_by_names": list(one.by_names[:MOST]),
            }
            for one in proposals
        ],
    }
