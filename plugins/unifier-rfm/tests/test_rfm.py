"""RFM over invented people with known answers, run as an operator runs it."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, Final

import pytest
from bad_input.project import AT, Shop, open_shop, query
from cast import CHEN_JIE, LI_QIANG, OUYANG_XUE, SHAN_YING, WANG_FANG, ZHANG_XIAOMING, Person
from place import announce, call, run

BOUGHT: Final[dict[Person, list[tuple[str, int]]]] = {
    WANG_FANG: [("2026-06-20", 9000), ("2026-06-01", 9000), ("2026-05-01", 9000), ("2026-04-01", 9000)],
    LI_QIANG: [("2026-06-10", 20000)],
    ZHANG_XIAOMING: [("2025-09-01", 500)],
    OUYANG_XUE: [("2025-10-01", 8000), ("2025-09-15", 8000)],
    SHAN_YING: [("2025-11-01", 700)],
    CHEN_JIE: [("2020-01-01", 99999)],
}
"""Days and fen. Most bought once; Chen Jie before the window."""


def orders() -> list[dict[str, Any]]:
    """Write the orders, paid at noon."""
    return [
        {
            "record_id": f"{one.pinyin} {day}",
            "observed_at": AT,
            "ordered_at": f"{day}T04:00:00Z",
            "paid_at": f"{day}T04:00:00Z",
            "status": "completed",
            "amount": fen,
            "identifiers": [{"type": "phone", "value": one.phone, "verified": True}],
        }
        for one, bought in BOUGHT.items()
        for day, fen in bought
    ]


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Install the plugin."""
    folder = tmp_path_factory.mktemp("site")
    return [folder, announce(folder, "unifier-rfm")]


def _shop(folder: Path, **settings: Any) -> Shop:
    shop = open_shop(folder, list(BOUGHT))
    shop.lines("till/1.jsonl", orders())
    shop.configure(plugins={"use": {"rfm": settings}}, tags=[], segments=[])
    return shop


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, paths: list[Path]) -> Shop:
    """Run a shop that uses it as it is."""
    shop = _shop(tmp_path_factory.mktemp("rfm") / "shop")
    told = run(shop, paths)
    assert told.code == 0, told
    return shop


def _by_name(shop: Shop, columns: str) -> dict[str, tuple[Any, ...]]:
    rows = query(shop.warehouse, f"SELECT m.name, {columns} FROM member_tags t JOIN members m USING (one_id)")
    return {name: tuple(values) for name, *values in rows}


def test_unifier_tags_score_every_buyer_from_one_to_five(ran: Shop) -> None:
    """Five buyers: recency and money in fifths, single purchases apart, those who came back in fourths."""
    assert _by_name(ran, "rfm_r, rfm_f, rfm_m, rfm_cell") == {
        WANG_FANG.name: (5, 4, 5, 545),
        LI_QIANG.name: (4, 1, 4, 414),
        ZHANG_XIAOMING.name: (1, 1, 1, 111),
        OUYANG_XUE.name: (2, 2, 3, 223),
        SHAN_YING.name: (3, 1, 2, 312),
        CHEN_JIE.name: (None, None, None, None),
    }


def test_unifier_segments_are_the_eight_named_groups(ran: Shop) -> None:
    """Every buyer is in exactly one; who did not buy in the window is in none."""
    rows = query(
        ran.warehouse, "SELECT m.name, s.segment FROM segment_members s JOIN members m USING (one_id) ORDER BY ALL"
    )

    assert dict(rows) == {
        WANG_FANG.name: "rfm_important_value",
        LI_QIANG.name: "rfm_important_develop",
        ZHANG_XIAOMING.name: "rfm_general_retain",
        OUYANG_XUE.name: "rfm_general_retain",
        SHAN_YING.name: "rfm_general_retain",
    }
    assert len(rows) == 5
    assert query(ran.warehouse, "SELECT count(*) FROM segments") == [(8,)]


def test_settings_change_window_and_scores(tmp_path: Path, paths: list[Path]) -> None:
    """With three scores, and all of ten years, the one who bought long ago is a buyer too."""
    shop = _shop(tmp_path / "shop", window="3650d", bands=3)

    told = run(shop, paths)

    assert told.code == 0, told
    found = _by_name(shop, "rfm_r, rfm_f, rfm_m")
    assert found[CHEN_JIE.name] == (1, 1, 3)
    assert found[WANG_FANG.name] == (3, 3, 3)
    assert max(score for scores in found.values() for score in scores) == 3


@pytest.mark.parametrize("settings", [{"bands": 12}, {"window": "a year"}, {"band": 5}])
def test_settings_that_cannot_be_meant_are_told_with_their_line(
    tmp_path: Path, paths: list[Path], settings: dict[str, Any]
) -> None:
    """A typing error must not become a silent default."""
    told = run(_shop(tmp_path / "shop", **settings), paths)

    assert told.code == 3, told
    assert "plugins.use.rfm" in told.err
    assert "unifier.yaml line" in told.err
    assert next(iter(settings)) in told.err


def test_unifier_commands_print_the_grid(ran: Shop, paths: list[Path]) -> None:
    """Who plans a campaign looks at the grid before choosing a group."""
    told = call(ran, paths, "x", "rfm", str(ran.warehouse))

    assert told.code == 0, told
    lines = told.out.splitlines()
    assert lines[0].split() == ["R", "5", "0", "0", "0", "1", "0"]
    assert lines[4].split() == ["R", "1", "1", "0", "0", "0", "0"]
    assert any(line.split() == ["一般挽留", "general_retain", "3", "60.0%"] for line in lines)
    assert told.names_nobody


def test_two_scores_part_once_from_again() -> None:
    """Quantiles of one band are no quantiles."""
    plugin = importlib.import_module("unifier_rfm")
    tags = {tag["name"]: tag["value"] for tag in plugin.unifier_tags({"bands": 2})}

    assert tags["rfm_repeat_band"] == "if(rfm_orders > 1, 1, null)"
