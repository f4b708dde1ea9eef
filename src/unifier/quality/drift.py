"""Tell drift: how the fields of a source differ from those of the run before, from its profiles alone."""

from __future__ import annotations

from typing import Final

import duckdb
import pyarrow as pa

FILL_POINTS: Final = 20
"""Points by which the share of filled values must change to be told."""
LEAST_ROWS: Final = 100
"""Rows that both runs must have: shares of fewer say little."""
EXPECTED: Final = 5
"""Filled values that were to be expected where there are none: fewer may be missing by chance (e^-5 is 0.7 %)."""

_SQL: Final = """
WITH now AS (
  SELECT source_no, kind, field, "rows", filled, types FROM field_profile WHERE run_no = $run_no
), earlier AS (
  SELECT source_no, kind, max(run_no) AS run_no FROM field_profile
  WHERE run_no < $run_no AND "rows" >= $least_rows
  GROUP BY source_no, kind
), before AS (
  SELECT p.source_no, p.kind, p.field, p."rows", p.filled, p.types
  FROM field_profile p JOIN earlier e ON e.source_no = p.source_no AND e.kind = p.kind AND e.run_no = p.run_no
), sizes AS (
  SELECT source_no, kind, max("rows") FILTER (WHERE field = 'record_id') AS "rows" FROM now GROUP BY source_no, kind
), sizes_before AS (
  SELECT source_no, kind, max("rows") FILTER (WHERE field = 'record_id') AS "rows" FROM before GROUP BY source_no, kind
), pairs AS (
  SELECT coalesce(n.source_no, b.source_no) AS source_no, coalesce(n.kind, b.kind) AS kind,
    coalesce(n.field, b.field) AS field,
    coalesce(n.filled, 0) AS filled, coalesce(b.filled, 0) AS filled_before,
    coalesce(n."rows", 0) AS rows_now, coalesce(b."rows", 0) AS rows_before,
    coalesce(n.types, '') AS types, coalesce(b.types, '') AS types_before
  FROM now n FULL JOIN before b ON b.source_no = n.source_no AND b.kind = n.kind AND b.field = n.field
), shares AS (
  SELECT p.*,
    100.0 * filled / greatest(CASE WHEN rows_now > 0 THEN rows_now ELSE s."rows" END, 1) AS share,
    100.0 * filled_before / greatest(CASE WHEN rows_before > 0 THEN rows_before ELSE b."rows" END, 1) AS share_before,
    s."rows" AS size, b."rows" AS size_before
  FROM pairs p
  JOIN sizes s ON s.source_no = p.source_no AND s.kind = p.kind
  JOIN sizes_before b ON b.source_no = p.source_no AND b.kind = p.kind
  WHERE s."rows" >= $least_rows AND b."rows" >= $least_rows
), told AS (
  SELECT source_no, kind, field, 'new' AS drift, '' AS before, types AS now FROM shares
  WHERE filled > 0 AND filled_before = 0 AND share * size_before >= 100.0 * $expected
  UNION ALL
  SELECT source_no, kind, field, 'gone', types_before, '' FROM shares
  WHERE filled = 0 AND filled_before > 0 AND share_before * size >= 100.0 * $expected
  UNION ALL
  SELECT source_no, kind, field, 'fill', round(share_before)::INTEGER || ' %', round(share)::INTEGER || ' %' FROM shares
  WHERE filled > 0 AND filled_before > 0 AND rows_now >= $least_rows AND rows_before >= $least_rows
    AND abs(share - share_before) > $points
  UNION ALL
  SELECT source_no, kind, field, 'types', types_before, types FROM shares
  WHERE filled > 0 AND filled_before > 0 AND types <> types_before
)
SELECT source_no, kind, field, drift, before, now FROM told ORDER BY source_no, kind, field, drift
"""


def drift(con: duckdb.DuckDBPyConnection, run_no: int) -> pa.Table:
    """Compare the profiles of a run with those of the last run before it that read enough of the same source and kind.

    Reads the table ``field_profile``. Returns ``source_no, kind, field, drift, before, now``: ``drift`` is ``new``,
    ``gone`` (both tell types), ``fill`` (shares in percent) or ``types``. Names no value of any record.
    """
    parameters = {"run_no": run_no, "least_rows": LEAST_ROWS, "expected": EXPECTED, "points": FILL_POINTS}
    told: pa.Table = con.sql(_SQL, params=parameters).to_arrow_table()
    return told
