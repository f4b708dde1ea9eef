"""Measure the pipeline on the sample world: seconds, rows a second and peak memory, beside the floor of the machine.

The floor is what DuckDB needs to read every column of the same files and write them again. Each run is a process of its
own; `README.md` beside this file says what is measured and how.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import duckdb
import psutil
import pyarrow.parquet as pq

from unifier.sample.delta import delta
from unifier.sample.world import AS_OF
from unifier.tables import literal, quoted

THREADS: Final = 2
SAMPLED_EVERY: Final = 0.02
"""Seconds between two looks at the memory."""

FIRST_DAY: Final = AS_OF + dt.timedelta(days=1)
NEXT_DAY: Final = AS_OF + dt.timedelta(days=2)
DELTAS: Final = {"same_day": FIRST_DAY, "next_day": NEXT_DAY}
UNIFIER: Final = (sys.executable, "-m", "unifier")

Figures = dict[str, Any]


@dataclass(slots=True)
class Process:
    """What was seen of a child process: seconds of wall clock, peak bytes of its tree by stage, its standard output."""

    seconds: float = 0.0
    peaks: dict[str, int] = field(default_factory=dict)
    stdout: str = ""
    stage: str = "start"

    @property
    def peak(self) -> int:
        """Peak resident bytes of the whole run."""
        return max(self.peaks.values(), default=0)

    def sample(self, root: psutil.Process, ended: threading.Event) -> None:
        """Look at the resident memory of a process and its children until they have ended."""
        while not ended.wait(SAMPLED_EVERY):
            size = 0
            try:
                for each in (root, *root.children(recursive=True)):
                    size += each.memory_info().rss
            except psutil.Error:
                continue  # one of them ended while we looked
            self.peaks[self.stage] = max(self.peaks.get(self.stage, 0), size)


def watched(command: Sequence[str]) -> Process:
    """Run a command and watch it; stages are told by the JSON lines on its standard error.

    Raises SystemExit with the end of its standard error if it fails.
    """
    seen, ended, lines = Process(), threading.Event(), []
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        watcher = threading.Thread(target=seen.sample, args=(psutil.Process(child.pid), ended), daemon=True)
        watcher.start()
        assert child.stdout is not None
        assert child.stderr is not None
        for line in child.stderr:
            lines.append(line)
            if line.startswith('{"event": "stage"'):
                seen.stage = json.loads(line)["stage"]
        seen.stdout = child.stdout.read()
        code = child.wait()
        seen.seconds = time.perf_counter() - started
        ended.set()
        watcher.join()
    if code:
        raise SystemExit(f"{' '.join(command)}: exit code {code}\n{''.join(lines[-20:])}")
    return seen


def make_world(world: Path, members: int, seed: int) -> None:
    """Generate the world and its two deltas, or take the ones that are there; nothing of this is timed.

    Raises SystemExit if the folder holds another world.
    """
    wanted = {"members": members, "seed": seed, "as_of": AS_OF.isoformat()}
    ledger = world / "truth" / "world.json"
    if not ledger.exists():
        watched([*UNIFIER, "sample", "--members", str(members), "--seed", str(seed), "--out", str(world)])
        with (world / "unifier.yaml").open("a", encoding="utf-8") as config:
            config.write(f"extract: {{threads: {THREADS}}}\n")
    made = json.loads(ledger.read_text(encoding="utf-8"))
    if {name: made[name] for name in wanted} != wanted:
        raise SystemExit(f"{world}: it holds another world {made} — name another folder")
    for number, (name, day) in enumerate(DELTAS.items(), 1):
        if not (beside(world, name) / "unifier.yaml").exists():
            delta(world, beside(world, name), number, at=day)


def beside(world: Path, name: str) -> Path:
    """Name the folder of a delta."""
    return world.with_name(f"{world.name}-{name}")


def arrive(world: Path, name: str) -> int:
    """Put a delta's files beside the world's under new names; returns their rows."""
    rows = 0
    for path in inputs(beside(world, name)):
        place = world / path.relative_to(beside(world, name)).with_name(f"{path.stem}-{name}.parquet")
        shutil.copyfile(path, place)
        rows += int(pq.read_metadata(place).num_rows)
    return rows


def forget(world: Path) -> None:
    """Take away what earlier runs made: store, warehouse, deltas that have arrived."""
    shutil.rmtree(world / ".unifier", ignore_errors=True)
    (world / "warehouse.duckdb").unlink(missing_ok=True)
    for name in DELTAS:
        for path in world.glob(f"*/*/*-{name}.parquet"):
            path.unlink()


def inputs(world: Path) -> list[Path]:
    """List the input files of a world, without deltas that have arrived."""
    return sorted(path for path in world.glob("*/*/part-*.parquet") if not path.stem.endswith(tuple(DELTAS)))


def rows_of(world: Path) -> int:
    """Count the rows of the input files of a world."""
    return sum(int(pq.read_metadata(path).num_rows) for path in inputs(world))


def floor(world: Path) -> None:
    """Read all columns of every stream and write them again as zstd Parquet, by DuckDB alone."""
    with tempfile.TemporaryDirectory(dir=world.parent) as out, duckdb.connect() as con:
        con.execute(f"SET threads = {THREADS}")
        for number, stream in enumerate(sorted({path.parent for path in inputs(world)})):
            con.execute(
                f"COPY (SELECT * FROM read_parquet({literal(str(stream / '*.parquet'))})) "
                f"TO {literal(str(Path(out) / f'{number}.parquet'))} (FORMAT parquet, COMPRESSION zstd)"
            )


def measure_floor(world: Path, rows: int) -> Figures:
    """Measure the floor in a process of its own."""
    seen = watched([sys.executable, __file__, "--floor", str(world)])
    return {"rows": rows, "seconds": seen.seconds, "peak_bytes": seen.peak}


def measure_run(world: Path, day: dt.date, rows: int) -> Figures:
    """Run the project once; returns the figures of the run and of each stage. Rows are what the stage had to look at."""
    seen = watched([*UNIFIER, "-p", str(world), "run", "--as-of", day.isoformat(), "--json"])
    report = json.loads(seen.stdout)
    read = sum(source["read"] for source in report["sources"])
    assert read == rows, f"{read} rows were read, {rows} were delivered"
    touched = {name: stage["touched"] for name, stage in report["stages"].items()}
    touched |= {"extract": read, "publish": published(world) if read else 0}
    stages = {
        name: {"rows": touched[name], "seconds": stage["seconds"], "peak_bytes": seen.peaks.get(name, 0)}
        for name, stage in report["stages"].items()
    }
    rest = seen.seconds - sum(stage["seconds"] for stage in stages.values())
    return {
        "rows": read,
        "seconds": seen.seconds,
        "peak_bytes": seen.peak,
        "stages": {"around": {"rows": 0, "seconds": rest, "peak_bytes": seen.peaks.get("start", 0)}, **stages},
        "persons": report["figures"]["persons"],
        "store_bytes": size(world / ".unifier" / "store.duckdb"),
        "warehouse_bytes": size(world / "warehouse.duckdb"),
    }


def published(world: Path) -> int:
    """Count the rows of the warehouse."""
    with duckdb.connect(str(world / "warehouse.duckdb"), read_only=True) as con:
        tables = con.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        counted = [con.execute(f"SELECT count(*) FROM {quoted(name)}").fetchone() for (name,) in tables]
    return sum(row[0] for row in counted if row)


def size(*paths: Path) -> int:
    """Add up the bytes of files."""
    return sum(path.stat().st_size for path in paths)


def measure_once(world: Path) -> dict[str, Figures]:
    """Measure floor, full run, run without news, and the two deltas, from an empty store."""
    forget(world)
    rows = rows_of(world)
    measured = {
        "floor": measure_floor(world, rows),
        "full": measure_run(world, FIRST_DAY, rows),
        "no_news": measure_run(world, FIRST_DAY, 0),
    }
    for name, day in DELTAS.items():
        measured[f"delta_{name}"] = measure_run(world, day, arrive(world, name))
    return measured


def median(runs: Sequence[Any]) -> Any:
    """Take the median of each figure of equally shaped runs."""
    if isinstance(runs[0], dict):
        return {name: median([run[name] for run in runs]) for name in runs[0]}
    middle = statistics.median(runs)
    return round(middle) if isinstance(runs[0], int) else round(middle, 3)


def benchmark(world: Path, repeat: int) -> Figures:
    """Measure a world several times; returns medians, sizes in bytes and ratios to the floor."""
    runs = median([measure_once(world) for _ in range(repeat)])
    facts = json.loads((world / "truth" / "world.json").read_text(encoding="utf-8"))
    given = size(*inputs(world))
    return {
        "members": facts["members"],
        "repeat": repeat,
        "machine": {
            "cores": os.cpu_count(),
            "threads": THREADS,
            "memory_bytes": psutil.virtual_memory().total,
            "system": platform.system(),
            "python": platform.python_version(),
            "duckdb": duckdb.__version__,
        },
        "runs": runs,
        "bytes": {
            "input": given,
            "store": runs["full"]["store_bytes"],
            "store_after_deltas": runs["delta_next_day"]["store_bytes"],
            "warehouse": runs["full"]["warehouse_bytes"],
        },
        "ratios": {
            **{
                f"{name} / floor": round(run["seconds"] / runs["floor"]["seconds"], 2)
                for name, run in runs.items()
                if name != "floor"
            },
            "store / input": round(runs["full"]["store_bytes"] / given, 2),
            "warehouse / input": round(runs["full"]["warehouse_bytes"] / given, 2),
        },
    }


def table(report: Figures) -> str:
    """Lay the report out as plain text."""
    lines = [f"{report['members']:,} members, median of {report['repeat']}, {report['machine']['threads']} threads", ""]
    lines.append(f"{'run':<16}{'stage':<10}{'rows':>13}{'seconds':>10}{'rows/s':>12}{'peak MB':>9}")
    for name, run in report["runs"].items():
        for stage, part in {"": run, **run.get("stages", {})}.items():
            speed = f"{part['rows'] / part['seconds']:,.0f}" if part["rows"] and part["seconds"] else "-"
            lines.append(
                f"{'' if stage else name:<16}{stage:<10}{part['rows']:>13,}{part['seconds']:>10.2f}{speed:>12}"
                f"{part['peak_bytes'] / 1e6:>9,.0f}"
            )
    lines += ["", *(f"{name:<26}{value / 1e6:>12,.1f} MB" for name, value in report["bytes"].items())]
    lines += ["", *(f"{name:<26}{value:>12,.2f}" for name, value in report["ratios"].items())]
    return "\n".join(lines)


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--members", type=int, default=100_000, help="people in the sample world")
    parser.add_argument("--seed", type=int, default=1, help="another seed, another world")
    parser.add_argument("--repeat", type=int, default=3, help="the median of so many runs is told")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="generate here, keep it, take it again next time")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    parser.add_argument("--floor", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.floor:
        floor(options.floor)
        return
    with tempfile.TemporaryDirectory() as folder:
        world = (options.keep or Path(folder)).resolve() / "world"
        world.parent.mkdir(parents=True, exist_ok=True)
        make_world(world, options.members, options.seed)
        report = benchmark(world, options.repeat)
    print(table(report))
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
