"""The DuckDB target: a new file moved over the old one."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from warehouse.world import World, duckdb_rows, merge_people

from unifier.errors import WarehouseError


def test_an_open_reader_keeps_its_snapshot(world: World) -> None:
    """A dashboard that is open while the run publishes must neither break nor mix two runs."""
    target = world.target("warehouse", "duckdb:///warehouse.duckdb")
    world.publish(1, target)
    reader = duckdb.connect(str(world.folder / "warehouse.duckdb"), read_only=True)
    merge_people(world, 2)

    reports = world.publish(2, target)

    assert [report.error for report in reports] == [None]
    assert reader.execute("SELECT count(*) FROM members").fetchall() == [(3,)]
    reader.close()
    assert len(duckdb_rows(world.folder / "warehouse.duckdb")["members"]) == 2


def test_a_kill_in_the_middle_leaves_the_last_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever opens the warehouse after a power cut finds a whole run, and the next run cleans up."""
    target = world.target("warehouse", "duckdb:///warehouse.duckdb")
    world.publish(1, target)
    merge_people(world, 2)

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", cut)
        with pytest.raises(KeyboardInterrupt):
            world.publish(2, target)

    assert [row[0] for row in duckdb_rows(world.folder / "warehouse.duckdb")["runs"]] == [1]
    world.publish(2, target)
    assert [row[0] for row in duckdb_rows(world.folder / "warehouse.duckdb")["runs"]] == [1, 2]
    assert {path.name for path in world.folder.iterdir()} - {".unifier"} == {
        "warehouse.duckdb",
        "warehouse.duckdb.spare",
    }


def test_leftovers_of_a_killed_run_are_removed(world: World) -> None:
    """A half-written copy of a big warehouse would fill the disk night after night."""
    (world.folder / "warehouse.duckdb.publishing").write_bytes(b"half")
    (world.folder / "warehouse.duckdb.publishing.wal").write_bytes(b"half")

    world.publish(1, world.target("warehouse", "duckdb:///warehouse.duckdb"))

    assert {path.name for path in world.folder.iterdir()} - {".unifier"} == {
        "warehouse.duckdb",
        "warehouse.duckdb.spare",
    }


def test_a_removed_warehouse_is_published_in_full(world: World) -> None:
    """Deleting the file is how people ask for a fresh one."""
    target = world.target("warehouse", "duckdb:///warehouse.duckdb")
    world.publish(1, target)
    (world.folder / "warehouse.duckdb").unlink()

    world.publish(2, target)

    assert len(duckdb_rows(world.folder / "warehouse.duckdb")["members"]) == 3


def test_a_file_that_is_no_database_is_named_and_left_alone(world: World) -> None:
    """Never overwrite what one does not understand."""
    target = world.target("warehouse", "duckdb:///warehouse.duckdb")
    world.publish(1, target)
    path = world.folder / "warehouse.duckdb"
    path.write_bytes(b"my thesis" * 1000)

    (report,) = world.publish(2, target)

    assert isinstance(report.error, WarehouseError)
    assert path.read_bytes() == b"my thesis" * 1000
