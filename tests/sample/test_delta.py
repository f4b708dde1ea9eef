"""The next day of a world: as much change as asked for, and only that."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
import pytest

from unifier.sample import delta

DAY = dt.date(2026, 7, 1)


def rows(sql: str) -> list[tuple[Any, ...]]:
    """Run a query; through Arrow, which needs no time zone package."""
    relation = duckdb.connect().sql(sql)
    assert relation is not None
    table = relation.to_arrow_table()
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


@pytest.fixture(scope="module")
def day(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the first of July."""
    into = tmp_path_factory.mktemp("day")
    delta(world, into, 3, at=DAY)
    return into


def test_a_delta_has_the_asked_size(world: Path, day: Path) -> None:
    """The benchmark of a daily run is stated for one per cent."""
    before = dict(
        rows(
            f"SELECT kind, count(*) FROM (SELECT split_part(filename, '/', -2) AS kind "
            f"FROM read_parquet('{world}/*/*/part-[0-9][0-9][0-9][0-9][0-9].parquet', filename = true, "
            "union_by_name = true)) GROUP BY kind"
        )
    )
    changes = dict(rows(f"SELECT change, count(*) FROM '{day}/truth/changes.parquet' GROUP BY change"))

    assert changes["changed"] / before["profile"] == pytest.approx(0.01, rel=0.02)
    assert changes["deleted"] / before["profile"] == pytest.approx(0.001, rel=0.10)
    assert changes["new"] / before["order"] == pytest.approx(0.01, rel=0.01)


def test_changed_profiles_are_newer_versions_that_differ(world: Path, day: Path) -> None:
    """A change without difference would be settled as unchanged and cost nothing."""
    found = rows(
        f"""SELECT bool_and(b.observed_at > a.observed_at), count(*),
                   count(*) FILTER (b.identifiers = a.identifiers AND b.name IS NOT DISTINCT FROM a.name
                     AND b.city IS NOT DISTINCT FROM a.city AND b.status = a.status AND NOT b.deleted)
            FROM '{day}/crm/profile/*.parquet' b JOIN '{world}/crm/profile/part-00000.parquet' a USING (record_id)"""
    )

    newer, count, same = found[0]
    assert newer
    assert count > 100
    assert same <= 1  # another name may be drawn equal by chance


def test_new_orders_are_new_and_dated_on_the_day(world: Path, day: Path) -> None:
    """An old id would be an update, another date would miss the window."""
    found = rows(
        f"""SELECT count(*), min(ordered_at), max(ordered_at), count(b.record_id)
            FROM read_parquet('{day}/*/order/*.parquet', union_by_name = true) a
            LEFT JOIN (SELECT record_id FROM read_parquet('{world}/*/order/*.parquet', union_by_name = true)) b
            USING (record_id)"""
    )

    count, first, last, known = found[0]
    assert count > 1_000
    assert known == 0
    start = dt.datetime(2026, 6, 30, 16, tzinfo=dt.UTC)
    assert start <= first <= last < start + dt.timedelta(days=1)


def test_changed_phones_are_nobody_elses(world: Path, day: Path) -> None:
    """A fresh number that somebody holds would merge strangers."""
    taken = rows(
        f"""SELECT count(*) FROM '{day}/*/profile/*.parquet' n, unnest(n.identifiers) t(u)
            JOIN (SELECT v.value FROM '{world}/*/profile/*.parquet' o, unnest(o.identifiers) s(v)
                  WHERE v.type = 'phone') w
            ON w.value = u.value WHERE u.since > TIMESTAMPTZ '2026-07-01 00:00:00+00'"""
    )
    fresh = rows(
        f"""SELECT count(*), count(DISTINCT u.value) FROM '{day}/*/profile/*.parquet' n, unnest(n.identifiers) t(u)
            WHERE u.since > TIMESTAMPTZ '2026-07-01 00:00:00+00'"""
    )

    assert taken == [(0,)]
    assert fresh[0][0] == fresh[0][1] > 30


def test_a_delta_is_the_same_every_time(world: Path, day: Path, tmp_path: Path) -> None:
    """A benchmark that cannot be repeated proves nothing."""
    delta(world, tmp_path, 3, at=DAY)

    files = sorted(path.relative_to(day) for path in day.rglob("*.parquet"))
    assert [(day / name).read_bytes() for name in files] == [(tmp_path / name).read_bytes() for name in files]


def test_a_delta_before_the_world_ends_is_refused(world: Path, tmp_path: Path) -> None:
    """Its records would be older than those they change."""
    with pytest.raises(ValueError, match="not after the world's as_of 2026-06-30"):
        delta(world, tmp_path, 3, at=dt.date(2026, 6, 30))


def test_a_delta_never_overwrites_its_world(world: Path) -> None:
    """One wrong argument would cost ten million people."""
    with pytest.raises(ValueError, match="choose another folder"):
        delta(world, world, 3, at=DAY)
