"""Evaluate: hold the persons of a store against a truth file."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

from unifier.errors import UsageError
from unifier.quality.measures import Measures, measure
from unifier.store import read_only
from unifier.tables import literal


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an evaluation found; ``tellable`` and ``causes`` where the truth folder says more than who is who."""

    measures: Measures
    unknown: int
    tellable_recall: float | None
    causes: list[dict[str, Any]]

    def told(self) -> dict[str, Any]:
        """Put the figures into plain data."""
        return {
            **asdict(self.measures),
            "unknown_records": self.unknown,
            "tellable_recall": self.tellable_recall,
            "causes": self.causes,
        }


def evaluate(store_path: Path, truth: Path) -> Evaluation:
    """Compare with a CSV or Parquet file of source, record_id, entity and perhaps kind.

    Files ``tellable.parquet`` and ``causes.parquet`` beside it, as the sample world writes them, add the share of pairs
    that clean identifiers tell, and the causes of what went wrong. Raises UsageError where the file does not fit.
    """
    with read_only(store_path) as con:
        _truth(con, truth)
        con.execute(
            """
            CREATE TEMP TABLE judged AS
            SELECT t.entity, coalesce(a.person_no, -1 - p.record_no) AS person_no, t.source, t.record_id, p.record_no
            FROM truth t JOIN source s ON s.name = t.source
            JOIN profile p ON p.source_no = s.source_no AND p.record_id = t.record_id AND NOT p.deleted
            LEFT JOIN assignment a ON a.node_no = 2 * p.record_no
            """
        )
        total = _one(con, "SELECT count(*) FROM truth")
        known = _one(con, "SELECT count(*) FROM judged")
        if not known:
            raise UsageError(
                str(truth), "none of its records is in the store", "are source and record_id those of the config?"
            )
        return Evaluation(measure(con, "judged"), total - known, _tellable(con, truth), _causes(con, truth))


def _truth(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    if not path.exists():
        raise UsageError(str(path), "there is no such file", "name a CSV of source, record_id, entity")
    reader = "read_parquet" if path.suffix == ".parquet" else "read_csv"
    options = "" if path.suffix == ".parquet" else ", all_varchar = true, header = true"
    try:
        names = {
            row[0] for row in con.execute(f"DESCRIBE SELECT * FROM {reader}({literal(str(path))}{options})").fetchall()
        }
    except duckdb.Error:
        raise UsageError(
            str(path), "it is not readable as " + ("Parquet" if options == "" else "CSV"), "write a header line"
        ) from None
    missing = {"source", "record_id", "entity"} - names
    if missing:
        raise UsageError(
            str(path), f"it has no column {', '.join(sorted(missing))}", "it needs source, record_id, entity"
        )
    only = "WHERE kind = 'profile'" if "kind" in names else ""
    con.execute(
        f"CREATE TEMP TABLE truth AS SELECT source::VARCHAR AS source, record_id::VARCHAR AS record_id, entity::VARCHAR AS entity "
        f"FROM {reader}({literal(str(path))}{options}) {only}"
    )


def _tellable(con: duckdb.DuckDBPyConnection, truth: Path) -> float | None:
    path = truth.parent / "tellable.parquet"
    if not path.exists():
        return None
    con.execute(
        f"CREATE TEMP TABLE told AS SELECT j.entity, x.component, j.person_no FROM judged j "
        f"JOIN read_parquet({literal(str(path))}) x ON x.source = j.source AND x.record_id = j.record_id"
    )
    both = _one(
        con,
        "SELECT coalesce(sum(n * (n - 1) / 2), 0) FROM (SELECT count(*) AS n FROM told GROUP BY entity, component, person_no)",
    )
    every = _one(
        con, "SELECT coalesce(sum(n * (n - 1) / 2), 0) FROM (SELECT count(*) AS n FROM told GROUP BY entity, component)"
    )
    return float(both / every) if every else 1.0


def _causes(con: duckdb.DuckDBPyConnection, truth: Path) -> list[dict[str, Any]]:
    """Count wrong and missed pairs by the cause that was planted in one of their records."""
    path = truth.parent / "causes.parquet"
    if not path.exists():
        return []
    tellable = truth.parent / "tellable.parquet"
    same = (
        f"JOIN read_parquet({literal(str(tellable))}) x ON x.source = a.source AND x.record_id = a.record_id "
        f"JOIN read_parquet({literal(str(tellable))}) y ON y.source = b.source AND y.record_id = b.record_id AND y.component = x.component"
        if tellable.exists()
        else ""
    )
    rows = con.execute(
        f"""
        WITH wrong AS (
            SELECT 'false' AS fault, a.source, a.record_id FROM judged a JOIN judged b
            ON b.person_no = a.person_no AND b.entity <> a.entity
            UNION ALL
            SELECT 'missed', a.source, a.record_id FROM judged a JOIN judged b
            ON b.entity = a.entity AND b.person_no <> a.person_no {same}
        )
        SELECT coalesce(c.cause, 'none planted') AS cause, count(*) FILTER (w.fault = 'false') AS false_pairs,
               count(*) FILTER (w.fault = 'missed') AS missed_pairs
        FROM wrong w LEFT JOIN read_parquet({literal(str(path))}) c ON c.source = w.source AND c.record_id = w.record_id
        GROUP BY ALL ORDER BY 2 + 3 DESC, cause
        """
    ).fetchall()
    return [{"cause": cause, "false_records": false, "missed_records": missed} for cause, false, missed in rows]


def _one(con: duckdb.DuckDBPyConnection, sql: str) -> Any:
    row = con.execute(sql).fetchone()
    return row[0] if row else 0
