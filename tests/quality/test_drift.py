"""Drift: what an operator is told when a source changes its shape, and what is no news."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from unifier.quality.drift import drift
from unifier.tables import PROFILES


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database that holds an empty table of profiles."""
    with duckdb.connect() as opened:
        opened.execute(PROFILES[0].ddl())
        yield opened


def run(con: duckdb.DuckDBPyConnection, run_no: int, rows: int, **fields: tuple[int, str]) -> None:
    """Write the profile of a run of one source: how often each field was filled, and in which types."""
    for name, (filled, types) in {"record_id": (rows, "string"), **fields}.items():
        con.execute(
            "INSERT INTO field_profile VALUES (?, 1, 'profile', ?, ?, ?, ?, NULL, ?)",
            [run_no, name, rows, filled, filled, types],
        )


def told(con: duckdb.DuckDBPyConnection, run_no: int) -> list[tuple[str, str, str, str]]:
    """Tell the drift of a run."""
    rows = drift(con, run_no).to_pylist()
    return [(row["field"], row["drift"], row["before"], row["now"]) for row in rows]


def test_every_kind_of_drift_is_told(con: duckdb.DuckDBPyConnection) -> None:
    """Each is a mistake in an export that nothing else shows."""
    run(con, 1, 1000, city=(900, "string"), level=(500, "string"), points=(900, "integer"), vip=(300, "boolean"))
    run(con, 2, 1000, city=(690, "string"), level=(0, ""), points=(900, "string"), tier=(400, "string"))

    assert told(con, 2) == [
        ("city", "fill", "90 %", "69 %"),
        ("level", "gone", "string", ""),
        ("points", "types", "integer", "string"),
        ("tier", "new", "", "string"),
        ("vip", "gone", "boolean", ""),
    ]


def test_a_change_of_twenty_points_is_no_drift(con: duckdb.DuckDBPyConnection) -> None:
    """The limit is *more than* twenty points: what is announced must be kept."""
    run(con, 1, 1000, city=(900, "string"))
    run(con, 2, 1000, city=(700, "string"))

    assert told(con, 2) == []


def test_a_few_rows_are_compared_with_nothing(con: duckdb.DuckDBPyConnection) -> None:
    """A quiet night of twelve records has no shares, and is not what the next run is compared with."""
    run(con, 1, 1000, city=(900, "string"))
    run(con, 2, 12, city=(0, ""))
    run(con, 3, 1000, city=(500, "string"))

    assert told(con, 2) == []
    assert told(con, 3) == [("city", "fill", "90 %", "50 %")]


def test_a_rare_field_is_not_gone_because_a_small_run_lacks_it(con: duckdb.DuckDBPyConnection) -> None:
    """Of a field in one record of a thousand, two hundred records are expected to hold none."""
    run(con, 1, 10_000, plate=(10, "string"))
    run(con, 2, 200, plate=(0, ""))

    assert told(con, 2) == []


def test_the_first_run_has_no_drift(con: duckdb.DuckDBPyConnection) -> None:
    """Everything would be new."""
    run(con, 1, 1000, city=(900, "string"))

    assert told(con, 1) == []
