"""Kill a run anywhere: the next one brings everything to where an undisturbed run brings it."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from bad_input.project import DAY, Shop, copied, ended, rows, tables, wait_for_stage, wait_until_held

from unifier.sample import generate
from unifier.words import STAGES

POINTS: Final = int(os.environ.get("UNIFIER_POINTS", "300" if os.environ.get("UNIFIER_NIGHTLY") else "25"))
SEED: Final = int(os.environ.get("UNIFIER_SEED", "20260630"))
SOURCES: Final = {
    "crm": ("profile", "consent"),
    "tmall": ("profile", "order", "refund"),
    "wechat_mp": ("profile", "event"),
}
MEMBERS: Final = 40
OPENING: Final = "opening"
"""What comes before the first stage: the store and its tables are made."""

STORED: Final = {"order", "order_line", "payment", "refund", "event", "consent", "profile", "membership"}
"""Tables of the store whose rows are compared beside what is published."""

COUNTERS: Final = {
    "run_no", "changed_run", "batch_no", "record_no", "position", "source_no", "node_no", "order_no", "first_no"
}  # fmt: skip
"""Columns that say when and in which order something came, which a kill may change."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What an undisturbed run leaves, and how long its stages take."""

    one_ids: dict[tuple[str, str, str], str]
    published: dict[str, list[str]]
    stored: dict[str, list[str]]
    seconds: dict[str, float]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Make a small invented world with every kind of record, some tags and segments; nothing is run."""
    folder = tmp_path_factory.mktemp("world") / "shop"
    generate(MEMBERS, 1, folder)
    config = yaml.safe_load((folder / "unifier.yaml").read_text(encoding="utf-8"))
    shop = Shop(folder)
    shop.configure(
        include=[],
        extract={"memory": "500MB", "threads": 1},
        sources={name: _only(config["sources"][name], kinds) for name, kinds in SOURCES.items()},
        golden={"trust": list(SOURCES)},
        tags=[
            {"name": "orders_total", "value": "count(sale.record_id)"},
            {"name": "last_ordered_on", "value": "max(sale.day)"},
        ],
        segments=[{"name": "buyers", "where": "orders_total > 0"}],
    )
    return shop


def _only(source: dict[str, Any], kinds: tuple[str, ...]) -> dict[str, Any]:
    return {**source, "streams": {kind: source["streams"][kind] for kind in kinds}}


def _stored(shop: Shop) -> dict[str, list[str]]:
    return {name: rows(shop.store, name, COUNTERS) for name in tables(shop.store) if name in STORED}


@pytest.fixture(scope="module")
def truth(fresh: Shop, tmp_path_factory: pytest.TempPathFactory) -> Truth:
    """Run the world undisturbed."""
    shop = copied(fresh, tmp_path_factory.mktemp("undisturbed") / "shop")
    told = shop.run()
    assert told.code == 0, told
    seconds = {name: stage["seconds"] for name, stage in told.report["stages"].items()}
    return Truth(shop.one_ids(), shop.published(), _stored(shop), {OPENING: 0.2, **seconds})


def _points(seconds: dict[str, float]) -> list[tuple[str, float]]:
    """Give every stage its points, spread evenly over the time it takes, each somewhere in its share."""
    draw = random.Random(SEED)
    places = (OPENING, *STAGES)
    each = -(-POINTS // len(places))
    return [
        (places[point % 6], seconds[places[point % 6]] * (point // 6 + draw.random()) / each) for point in range(POINTS)
    ]


def _killed(fresh: Shop, truth: Truth, folder: Path, place: str, delay: float) -> tuple[bool, list[str]]:
    """Kill a run in a stage and run again; return whether it died and what differs from an undisturbed run."""
    shop = copied(fresh, folder)
    process = shop.start("run", "--as-of", DAY)
    if place == OPENING:
        wait_until_held(shop, process)
    else:
        wait_for_stage(shop, process, place)
    time.sleep(delay)
    process.kill()
    died = ended(process).code == -signal.SIGKILL
    again = shop.run()
    if again.code:
        return died, [f"exit {again.code}: {again.err[-500:]}"]
    wrong = [] if shop.one_ids() == truth.one_ids else ["OneIDs"]
    return died, [*wrong, *_differing(truth.published, shop.published()), *_differing(truth.stored, _stored(shop))]


def _differing(expected: dict[str, list[str]], actual: dict[str, Any]) -> list[str]:
    """Name tables with lost or added rows; lists, not sets, so that a duplicate counts."""
    found = []
    for name in sorted(expected.keys() | actual.keys()):
        lost = Counter(expected.get(name, [])) - Counter(actual.get(name, []))
        added = Counter(actual.get(name, [])) - Counter(expected.get(name, []))
        if lost or added:
            example = next(iter(lost or added))
            found.append(f"{name}: {lost.total()} lost, {added.total()} added, e.g. {example[:200]}")
    return found


@pytest.mark.slow
def test_a_run_that_was_killed_anywhere_is_safe_to_repeat(fresh: Shop, truth: Truth, tmp_path: Path) -> None:
    """Machines die in the middle of things: nothing is lost, nothing doubled, nobody gets another OneID."""
    points = _points(truth.seconds)
    print(f"seed {SEED}, {POINTS} points, an undisturbed run takes {truth.seconds}")  # noqa: T201 - to repeat a failure
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda at: _killed(fresh, truth, tmp_path / f"{at[0]} {at[1]:.4f}", *at), points))

    wrong = {
        f"{delay:.3f} s into {place}": faults
        for (place, delay), (_, faults) in zip(points, found, strict=True)
        if faults
    }
    assert not wrong, f"seed {SEED}: {wrong}"
    died = Counter(place for (place, _), (was_killed, _) in zip(points, found, strict=True) if was_killed)
    assert set(died) == {OPENING, *STAGES}, f"in some stage no run was killed: {dict(died)}"
    assert truth.published["orders"]
    assert truth.published["segment_members"]
