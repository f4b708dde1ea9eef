"""Measure how the store grows and how long a daily run takes, over many days of one per cent of change each.

``README.md`` beside this file says what the figures mean.
"""

from __future__ import annotations

import argparse
import datetime as dt
import shutil
import tempfile
from pathlib import Path

from pipeline import FIRST_DAY, arrive, beside, forget, inputs, make_world, measure_run, rows_of, size

from unifier.sample.delta import delta


def day_of_change(world: Path, number: int, day: dt.date) -> int:
    """Let the change of a day arrive; returns its rows."""
    name = f"day{number:03d}"
    delta(world, beside(world, name), number, at=day)
    rows = arrive(world, name)
    shutil.rmtree(beside(world, name))
    return rows


def main() -> None:
    """Read the command line, run day after day, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--members", type=int, default=100_000, help="people in the sample world")
    parser.add_argument("--seed", type=int, default=1, help="another seed, another world")
    parser.add_argument("--days", type=int, default=50, help="so many runs after the first")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        world = Path(folder) / "world"
        make_world(world, options.members, options.seed)
        forget(world)
        given = size(*inputs(world))
        print(f"{options.members:,} members, input {given / 1e6:,.1f} MB\n")
        print(f"{'day':>4}{'rows':>12}{'seconds':>10}{'peak MB':>9}{'store MB':>10}{'store / input':>15}")
        for number in range(options.days + 1):
            day = FIRST_DAY + dt.timedelta(days=number)
            rows = day_of_change(world, number, day) if number else rows_of(world)
            run = measure_run(world, day, rows)
            stored = run["store_bytes"]
            print(
                f"{number:>4}{rows:>12,}{run['seconds']:>10.2f}{run['peak_bytes'] / 1e6:>9,.0f}"
                f"{stored / 1e6:>10,.1f}{stored / given:>15.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
