"""A folder of Parquet files holds what a DuckDB target holds, after every run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from bad_input.project import Shop, open_shop, order, query, tables
from cast import LI_QIANG, WANG_FANG
from place import announce, run


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    """Install the plugin."""
    return [tmp_path, announce(tmp_path, "unifier-parquet")]


def _shop(folder: Path, url: str = "parquet://lake/shop") -> Shop:
    shop = open_shop(folder / "shop", [WANG_FANG, LI_QIANG])
    targets = {**shop.config["targets"], "lake": {"url": url}}
    shop.configure(plugins={"use": {"parquet": None}}, targets=targets)
    return shop


def _lake(shop: Shop) -> dict[str, list[str]]:
    folder = shop.folder / "lake" / "shop"
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return {
        name: sorted(map(repr, _read(folder / one["file"])))
        for name, one in manifest["tables"].items()
        if name != "runs"
    }


def _read(path: Path) -> list[tuple[Any, ...]]:
    with duckdb.connect() as con:
        return con.execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchall()


def _warehouse(shop: Shop) -> dict[str, list[str]]:
    names = [name for name in tables(shop.warehouse) if name != "runs"]
    return {name: sorted(map(repr, query(shop.warehouse, f'SELECT * FROM "{name}"'))) for name in names}


def test_unifier_targets_publish_what_a_database_holds(tmp_path: Path, paths: list[Path]) -> None:
    """After the first run, after a change, after a run without news: the files and the database say the same."""
    shop = _shop(tmp_path)
    assert run(shop, paths).code == 0
    assert _lake(shop) == _warehouse(shop)

    shop.lines("till/2.jsonl", [order(LI_QIANG, "T9")])
    assert run(shop, paths).code == 0
    assert _lake(shop) == _warehouse(shop)
    assert len(_lake(shop)["orders"]) == 3

    assert run(shop, paths).code == 0
    assert _lake(shop) == _warehouse(shop)


def test_a_new_tag_is_a_new_column(tmp_path: Path, paths: list[Path]) -> None:
    """Definitions change; yesterday's file lacks the column."""
    shop = _shop(tmp_path)
    assert run(shop, paths).code == 0
    shop.configure(tags=[*shop.config["tags"], {"name": "again", "value": "bought > 1"}])

    assert run(shop, paths).code == 0

    assert _lake(shop) == _warehouse(shop)


def test_old_files_stay_for_one_run_more(tmp_path: Path, paths: list[Path]) -> None:
    """Who has just read the manifest must find what it names; a year of runs must not fill the disk."""
    shop = _shop(tmp_path)
    folder = shop.folder / "lake" / "shop"
    counts = []
    for number in range(3):
        shop.lines("till/2.jsonl", [order(LI_QIANG, f"T9{number}")])
        assert run(shop, paths).code == 0
        counts.append(len(list(folder.glob("members.*.parquet"))))

    assert counts == [1, 2, 2]


def test_a_folder_that_cannot_be_written_stops_no_other_target(tmp_path: Path, paths: list[Path]) -> None:
    """A target that is down catches up; the others are published."""
    shop = _shop(tmp_path, "parquet://unifier.yaml")

    told = run(shop, paths)

    assert told.code == 1, told
    assert {one["target"]: one["published"] for one in told.report["targets"]} == {"lake": False, "warehouse": True}
