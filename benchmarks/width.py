"""Measure many tags and segments: what they cost in full, and what the next day costs without news.

``README.md`` beside this file says what the figures mean.
"""

from __future__ import annotations

import argparse
import datetime as dt
import tempfile
from pathlib import Path
from typing import Any, Final

import yaml
from pipeline import FIRST_DAY, Figures, forget, make_world, measure_run, rows_of

VALUES: Final = (
    ("orders", "count(sale.record_id)"),
    ("spent", "coalesce(sum(sale.net_amount), 0)"),
    ("largest", "max(sale.net_amount)"),
    ("channels", "count_distinct(sale.channel)"),
    ("first", "min(sale.day)"),
)
LEAST_WINDOW: Final = 7
STEP: Final = 9


def tag(number: int) -> dict[str, Any]:
    """Write a tag: one of five aggregates, over a window of its own."""
    name, value = VALUES[number % len(VALUES)]
    days = LEAST_WINDOW + STEP * (number // len(VALUES))
    return {"name": f"wide_{name}_{days}d", "value": value, "window": f"{days}d"}


def segment(number: int, tags: list[dict[str, Any]]) -> dict[str, Any]:
    """Write a segment over two tags and, in every fifth, over the calendar."""
    counted = [one["name"] for one in tags if "_orders_" in one["name"] or "_spent_" in one["name"]]
    a, b = counted[number % len(counted)], counted[(7 * number + 1) % len(counted)]
    clock = f" and days_since(last_seen) <= {30 + number}" if number % 5 == 0 else ""
    return {"name": f"wide_{number:03d}", "where": f"{a} > {number % 4} and {b} > {number % 9}{clock}"}


def widen(world: Path, tags: int, segments: int) -> None:
    """Put tags and segments beside those of the sample world, so that there are so many of each."""
    config = world / "unifier.yaml"
    body = yaml.safe_load(config.read_text(encoding="utf-8"))
    known = {
        kind: sum(len(yaml.safe_load(path.read_text("utf-8"))[kind]) for path in world.glob(f"{kind}/*.yaml"))
        for kind in ("tags", "segments")
    }
    body["tags"] = [tag(number) for number in range(tags - known["tags"])]
    body["segments"] = [segment(number, body["tags"]) for number in range(segments - known["segments"])]
    config.write_text(yaml.safe_dump(body, allow_unicode=True), encoding="utf-8")


def main() -> None:
    """Read the command line, run twice, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--members", type=int, default=100_000, help="people in the sample world")
    parser.add_argument("--seed", type=int, default=1, help="another seed, another world")
    parser.add_argument("--tags", type=int, default=200, help="tags altogether")
    parser.add_argument("--segments", type=int, default=220, help="segments altogether")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        world = Path(folder) / "world"
        make_world(world, options.members, options.seed)
        forget(world)
        widen(world, options.tags, options.segments)
        runs = {
            "full": measure_run(world, FIRST_DAY, rows_of(world)),
            "next_day": measure_run(world, FIRST_DAY + dt.timedelta(days=1), 0),
        }
    print(f"{options.members:,} members, {options.tags} tags, {options.segments} segments\n")
    print(f"{'run':<10}{'stage':<10}{'touched':>12}{'seconds':>10}{'peak MB':>9}")
    for name, run in runs.items():
        for stage in ("tag", "segment", "publish"):
            part = run["stages"][stage]
            print(f"{name:<10}{stage:<10}{part['rows']:>12,}{part['seconds']:>10.2f}{part['peak_bytes'] / 1e6:>9,.0f}")
    print(f"\nnext day / full, tag and segment: {clock(runs['next_day']) / clock(runs['full']):.2f}")


def clock(run: Figures) -> float:
    """Add up the seconds of tagging and segmenting."""
    return float(sum(run["stages"][stage]["seconds"] for stage in ("tag", "segment")))


if __name__ == "__main__":
    main()
