"""Compare a partition of records with the truth: pairwise figures, B-cubed, exact clusters.

Pairwise precision and recall count pairs of records (Hand & Christen 2018); B-cubed averages over records (Bagga &
Baldwin 1998). All figures are computed in SQL over two integers a record, so that ten million records are no matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb


@dataclass(frozen=True, slots=True)
class Measures:
    """How a partition compares with the truth; shares are between 0 and 1, sizes count records."""

    records: int
    entities: int
    persons: int
    precision: float
    recall: float
    f1: float
    b_cubed_precision: float
    b_cubed_recall: float
    b_cubed_f1: float
    exact_clusters: int
    largest_person: int
    false_pairs: int
    missed_pairs: int


def measure(con: duckdb.DuckDBPyConnection, relation: str) -> Measures:
    """Measure a relation (entity, person_no); a record without a person is a person of its own (negative numbers)."""
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE cell AS SELECT entity, person_no, count(*) AS n FROM {relation} GROUP BY ALL"
    )
    row = _row(
        con,
        """
        WITH e AS (SELECT entity, sum(n) AS n FROM cell GROUP BY entity),
             p AS (SELECT person_no, sum(n) AS n, count(*) AS parts FROM cell GROUP BY person_no),
             c AS (SELECT cell.n AS n, e.n AS of_entity, p.n AS of_person FROM cell JOIN e USING (entity) JOIN p USING (person_no))
        SELECT (SELECT sum(n) FROM cell) AS records, (SELECT count(*) FROM e) AS entities, (SELECT count(*) FROM p) AS persons,
               (SELECT sum(n * (n - 1) / 2) FROM cell) AS both, (SELECT sum(n * (n - 1) / 2) FROM e) AS true_pairs,
               (SELECT sum(n * (n - 1) / 2) FROM p) AS made_pairs, (SELECT max(n) FROM p) AS largest,
               (SELECT count(*) FROM c WHERE n = of_entity AND n = of_person) AS exact,
               (SELECT sum(n * n / of_person) FROM c) AS b_precision, (SELECT sum(n * n / of_entity) FROM c) AS b_recall
        """,
    )
    if not row["records"]:
        return Measures(0, 0, 0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0, 0, 0, 0)
    precision = row["both"] / row["made_pairs"] if row["made_pairs"] else 1.0
    recall = row["both"] / row["true_pairs"] if row["true_pairs"] else 1.0
    b_precision, b_recall = row["b_precision"] / row["records"], row["b_recall"] / row["records"]
    return Measures(
        int(row["records"]),
        int(row["entities"]),
        int(row["persons"]),
        precision,
        recall,
        _harmonic(precision, recall),
        b_precision,
        b_recall,
        _harmonic(b_precision, b_recall),
        int(row["exact"]),
        int(row["largest"]),
        int(row["made_pairs"] - row["both"]),
        int(row["true_pairs"] - row["both"]),
    )


def _row(con: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any]:
    cursor = con.execute(sql)
    names = [column[0] for column in cursor.description or []]
    return dict(zip(names, cursor.fetchone() or (), strict=True))


def _harmonic(left: float, right: float) -> float:
    """Take the harmonic mean.

    >>> _harmonic(0.5, 1.0)
    0.6666666666666666
    """
    return 2 * left * right / (left + right) if left + right else 0.0
