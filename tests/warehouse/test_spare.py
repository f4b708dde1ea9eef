"""The spare file of a DuckDB target: nothing is copied, nobody notices."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from warehouse.world import World, duckdb_rows, lose_records, merge_people, move_node

from unifier.warehouse import spare

URL = "duckdb:///warehouse.duckdb"


@pytest.fixture
def copies(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note what is copied."""
    noted: list[str] = []
    copy = spare.copy

    def noting(source: Path, target: Path) -> None:
        noted.append(target.name)
        copy(source, target)

    monkeypatch.setattr(spare, "copy", noting)
    return noted


def warehouse(world: World) -> Path:
    """Name the published file."""
    return world.folder / "warehouse.duckdb"


def test_a_file_that_missed_a_run_catches_up(world: World, copies: list[str]) -> None:
    """The two files take turns, so each has always missed one run; what it shows must not tell."""
    target = world.target("warehouse", URL)
    world.publish(1, target)
    copies.clear()
    merge_people(world, 2)
    world.publish(2, target)
    move_node(world, 3)
    world.publish(3, target)
    lose_records(world, 4)
    world.publish(4, target)
    taken = dict(duckdb_rows(warehouse(world)))

    world.publish(5, world.target("fresh", "duckdb:///fresh.duckdb"))
    fresh = dict(duckdb_rows(world.folder / "fresh.duckdb"))

    assert copies == ["fresh.duckdb.spare"]
    assert [row[0] for row in taken.pop("runs")] == [1, 2, 3, 4]
    assert [row[0] for row in fresh.pop("runs")] == [5]
    assert taken == fresh


def test_a_reader_of_the_spare_keeps_its_snapshot(world: World, copies: list[str]) -> None:
    """A notebook that has been open since the run before the last reads the very file that would be written now."""
    target = world.target("warehouse", URL)
    world.publish(1, target)
    reader = duckdb.connect(str(warehouse(world)), read_only=True)
    merge_people(world, 2)
    world.publish(2, target)
    copies.clear()
    move_node(world, 3)

    (report,) = world.publish(3, target)

    assert report.error is None
    assert copies == ["warehouse.duckdb.publishing"]
    assert reader.execute("SELECT count(*) FROM members").fetchall() == [(3,)]
    assert reader.execute("SELECT max(run_no) FROM runs").fetchall() == [(1,)]
    reader.close()
    assert len(duckdb_rows(warehouse(world))["members"]) == 2


def test_what_others_put_into_the_warehouse_stays(world: World) -> None:
    """An analyst's view that came and went with every other run would drive everybody mad."""
    target = world.target("warehouse", URL)
    world.publish(1, target)
    with duckdb.connect(str(warehouse(world))) as con:
        con.execute("CREATE VIEW mine AS SELECT count(*) AS people FROM members")

    for run_no in (2, 3, 4):
        world.publish(run_no, target)

        with duckdb.connect(str(warehouse(world)), read_only=True) as con:
            assert con.execute("SELECT people FROM mine").fetchall() == [(3,)]


def test_a_kill_between_the_two_names_of_a_file_harms_nobody(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a moment the published file and the spare are one: then the spare must not be written."""
    target = world.target("warehouse", URL)
    world.publish(1, target)
    merge_people(world, 2)

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("unifier.warehouse.duckdb_target._sync", cut)
        with pytest.raises(KeyboardInterrupt):
            world.publish(2, target)
    kept = warehouse(world).with_name("warehouse.duckdb.spare")
    kept.unlink(missing_ok=True)
    kept.hardlink_to(warehouse(world))
    before = warehouse(world).read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr("unifier.warehouse.duckdb_target._sync", cut)
        with pytest.raises(KeyboardInterrupt):
            world.publish(2, target)

    assert warehouse(world).read_bytes() == before
    world.publish(2, target)
    assert [row[0] for row in duckdb_rows(warehouse(world))["runs"]] == [1, 2]


def test_a_definition_that_changed_reaches_the_older_file_too(world: World) -> None:
    """The spare holds a table by the definition of the run before: its rows are all made anew."""
    target = world.target("warehouse", URL)
    world.publish(1, target)
    world.publish(2, target)
    world.sql(
        "ALTER TABLE tag_record ADD COLUMN spend BIGINT",
        "UPDATE tag_record SET spend = 10 * person_no",
    )
    world.publish(3, target)
    world.publish(4, target)

    with duckdb.connect(str(warehouse(world)), read_only=True) as con:
        assert con.execute("SELECT spend FROM member_tags ORDER BY one_id").fetchall() == [(0,), (10,), (20,)]
