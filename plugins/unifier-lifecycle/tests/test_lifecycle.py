"""Stages of life over invented people with known answers, run on several days."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest
from bad_input.project import AT, Shop, open_shop, query
from cast import CHEN_JIE, LI_QIANG, OUYANG_XUE, SHAN_YING, WANG_FANG, ZHANG_XIAOMING, Person
from place import announce, call, run

BOUGHT: Final[dict[Person, list[str]]] = {
    WANG_FANG: ["2025-09-01", "2025-12-01", "2026-03-01", "2026-06-01"],
    LI_QIANG: ["2026-06-10"],
    ZHANG_XIAOMING: ["2025-01-01"],
    OUYANG_XUE: ["2025-10-01"],
    SHAN_YING: ["2024-01-01", "2026-05-01", "2026-05-01"],
    CHEN_JIE: ["2026-01-01", "2026-04-15"],
}
"""Shan Ying came back after years, with two receipts on one day."""


def _order(one: Person, number: int, day: str) -> dict[str, Any]:
    return {
        "record_id": f"{one.pinyin} {number}",
        "observed_at": AT,
        "ordered_at": f"{day}T04:00:00Z",
        "paid_at": f"{day}T04:00:00Z",
        "status": "completed",
        "amount": 1000,
        "identifiers": [{"type": "phone", "value": one.phone, "verified": True}],
    }


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Install the plugin."""
    folder = tmp_path_factory.mktemp("site")
    return [folder, announce(folder, "unifier-lifecycle")]


def _shop(folder: Path, **settings: Any) -> Shop:
    shop = open_shop(folder, list(BOUGHT))
    shop.lines("till/1.jsonl", [_order(one, n, day) for one, days in BOUGHT.items() for n, day in enumerate(days)])
    shop.configure(plugins={"use": {"lifecycle": settings}}, tags=[], segments=[])
    return shop


def _stages(shop: Shop) -> dict[str, str]:
    rows = query(shop.warehouse, "SELECT m.name, t.life_stage FROM member_tags t JOIN members m USING (one_id)")
    return dict(rows)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory, paths: list[Path]) -> tuple[Shop, dict[str, str], dict[str, str]]:
    """Run a shop on two days four months apart: nobody buys in between."""
    shop = _shop(tmp_path_factory.mktemp("life") / "shop")
    told = run(shop, paths)
    assert told.code == 0, told
    before = _stages(shop)
    later = run(shop, paths, "--as-of", "2026-10-30")
    assert later.code == 0, later
    return shop, before, _stages(shop)


def test_every_stage_is_that_of_the_days_of_purchases(lived: tuple[Shop, dict[str, str], dict[str, str]]) -> None:
    """One person in each stage, on the day of the first run."""
    assert lived[1] == {
        WANG_FANG.name: "loyal",
        LI_QIANG.name: "new",
        ZHANG_XIAOMING.name: "lost",
        OUYANG_XUE.name: "dormant",
        SHAN_YING.name: "returned",
        CHEN_JIE.name: "active",
    }


def test_stages_move_with_the_days_alone(lived: tuple[Shop, dict[str, str], dict[str, str]]) -> None:
    """Nobody bought: the new one is no longer new, the returned one sleeps again, the sleeper is lost."""
    assert lived[2] == {
        WANG_FANG.name: "active",
        LI_QIANG.name: "active",
        ZHANG_XIAOMING.name: "lost",
        OUYANG_XUE.name: "lost",
        SHAN_YING.name: "dormant",
        CHEN_JIE.name: "dormant",
    }


def test_transitions_are_the_events_of_segments(lived: tuple[Shop, dict[str, str], dict[str, str]]) -> None:
    """A campaign for those who fall asleep starts from who entered, and why."""
    rows = query(
        lived[0].warehouse,
        "SELECT m.name, e.segment, e.entered, e.reason FROM segment_events e JOIN members m USING (one_id) "
        f"WHERE m.name = '{SHAN_YING.name}' ORDER BY ALL",
    )

    assert rows == [
        (SHAN_YING.name, "life_dormant", True, "time"),
        (SHAN_YING.name, "life_returned", False, "time"),
    ]


def test_a_purchase_after_a_comeback_makes_active_again(tmp_path: Path, paths: list[Path]) -> None:
    """Returned is one purchase long: the next shows that they stay."""
    shop = _shop(tmp_path / "shop")
    assert run(shop, paths).code == 0
    shop.lines("till/2.jsonl", [_order(SHAN_YING, 9, "2026-06-29")])

    assert run(shop, paths).code == 0

    assert _stages(shop)[SHAN_YING.name] == "active"


def test_unifier_commands_print_the_transitions(
    lived: tuple[Shop, dict[str, str], dict[str, str]], paths: list[Path]
) -> None:
    """From stage down, to stage across: one slept again, one fell asleep, one was lost."""
    told = call(lived[0], paths, "x", "lifecycle", str(lived[0].warehouse))

    assert told.code == 0, told
    header, *lines = [line.split() for line in told.out.splitlines()]
    moves = {(line[0], to): int(count) for line in lines for to, count in zip(header[2:], line[1:], strict=True)}
    assert {move: count for move, count in moves.items() if count} == {
        ("new", "active"): 1,
        ("loyal", "active"): 1,
        ("active", "dormant"): 1,
        ("returned", "dormant"): 1,
        ("dormant", "lost"): 1,
    }


@pytest.mark.parametrize(
    ("settings", "who", "stage"),
    [
        ({"new": "10d"}, LI_QIANG, "active"),
        ({"dormant": "20d"}, CHEN_JIE, "dormant"),
        ({"lost": "200d"}, OUYANG_XUE, "lost"),
        ({"loyal_orders": 5}, WANG_FANG, "active"),
        ({"loyal_window": "100d"}, WANG_FANG, "active"),
    ],
)
def test_every_span_can_be_set(
    tmp_path: Path, paths: list[Path], settings: dict[str, Any], who: Person, stage: str
) -> None:
    """A grocer's customer sleeps after weeks, a jeweller's after years."""
    shop = _shop(tmp_path / "shop", **settings)

    told = run(shop, paths)

    assert told.code == 0, told
    assert _stages(shop)[who.name] == stage


def test_spans_that_contradict_each_other_stop_the_run(tmp_path: Path, paths: list[Path]) -> None:
    """Nobody could be lost before being dormant."""
    told = run(_shop(tmp_path / "shop", lost="100d"), paths)

    assert told.code == 3, told
    assert "lost (100d) is no longer than dormant (180d)" in told.err
