"""Kill a run anywhere: the next one brings everything to where an undisturbed run brings it."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from bad_input.project import DAY, Shop, copied, ended, rows, tables, wait_until_held

from unifier.sample import generate

POINTS: Final = 300 if os.environ.get("UNIFIER_NIGHTLY") else 25
SEED: Final = int(os.environ.get("UNIFIER_SEED", "20260630"))
SOURCES: Final = ("crm", "tmall", "wechat_mp")
MEMBERS: Final = 40

STORED: Final = {"order", "order_line", "payment", "refund", "event", "consent", "profile", "membership"}
"""Tables of the store whose rows are compared beside what is published."""

COUNTERS: Final = {
    "run_no", "changed_run", "batch_no", "record_no", "position", "source_no", "node_no", "order_no", "first_no"
}  # fmt: skip
"""Columns that say when and in which order something came, which a kill may change."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What an undisturbed run leaves, and how long it holds the store."""

    one_ids: dict[tuple[str, str, str], str]
    published: dict[str, list[str]]
    stored: dict[str, list[str]]
    seconds: float


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
        sources={name: config["sources"][name] for name in SOURCES},
        golden={"trust": list(SOURCES)},
        tags=[
            {"name": "orders_total", "value": "count(sale.record_id)"},
            {"name": "last_ordered_on", "value": "max(sale.day)"},
        ],
        segments=[{"name": "buyers", "where": "orders_total > 0"}],
    )
    return shop


def _stored(shop: Shop) -> dict[str, list[str]]:
    return {name: rows(shop.store, name, COUNTERS) for name in tables(shop.store) if name in STORED}


@pytest.fixture(scope="module")
def truth(fresh: Shop, tmp_path_factory: pytest.TempPathFactory) -> Truth:
    """Run the world undisturbed."""
    shop = copied(fresh, tmp_path_factory.mktemp("undisturbed") / "shop")
    process = shop.start("run", "--as-of", DAY)
    wait_until_held(shop, process)
    begun = time.monotonic()
    told = ended(process)
    seconds = time.monotonic() - begun
    assert told.code == 0, told
    return Truth(shop.one_ids(), shop.published(), _stored(shop), seconds)


def _delays(seconds: float) -> list[float]:
    """Spread the points evenly over a run, each somewhere in its share."""
    draw = random.Random(SEED)  # noqa: S311 - points of time, no secrets
    return [seconds * (point + draw.random()) / POINTS for point in range(POINTS)]


def _killed(fresh: Shop, truth: Truth, folder: Path, delay: float) -> tuple[str, list[str]]:
    """Kill a run after a delay and run again; return where it died and what differs from an undisturbed run."""
    shop = copied(fresh, folder)
    process = shop.start("run", "--as-of", DAY)
    wait_until_held(shop, process)
    time.sleep(delay)
    process.kill()
    stage = _last_stage(ended(process).err) if process.wait() else "over"
    again = shop.run()
    if again.code:
        return stage, [f"exit {again.code}: {again.err[-500:]}"]
    wrong = [] if shop.one_ids() == truth.one_ids else ["OneIDs"]
    return stage, [*wrong, *_differing(truth.published, shop.published()), *_differing(truth.stored, _stored(shop))]


def _last_stage(said: str) -> str:
    return str(yaml.safe_load(said.splitlines()[-1]).get("stage", "extract")) if said.strip() else "opening"


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
    delays = _delays(truth.seconds)
    with ThreadPoolExecutor(2) as pool:
        folders = [tmp_path / f"point {number}" for number in range(POINTS)]
        found = list(pool.map(lambda place, delay: _killed(fresh, truth, place, delay), folders, delays))

    stages = Counter(stage for stage, _ in found)
    print(f"seed {SEED}, {POINTS} points over {truth.seconds:.2f} s: {dict(stages)}")  # noqa: T201
    wrong = {f"{delay:.3f} s, {stage}": faults for delay, (stage, faults) in zip(delays, found, strict=True) if faults}
    assert not wrong, f"seed {SEED}: {wrong}"
    assert stages["over"] <= POINTS // 2, f"most runs ended before they were killed: {dict(stages)}"
    assert truth.published["orders"]
    assert truth.published["segment_members"]
