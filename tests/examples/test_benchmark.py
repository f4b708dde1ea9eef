"""The benchmark runs end to end and tells what it promises to tell."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_benchmark_tells_every_run_and_stage_of_a_small_world(tmp_path: Path) -> None:
    """A benchmark that broke unseen is missed on the day its figures are asked for."""
    told = tmp_path / "figures.json"
    command = [sys.executable, str(ROOT / "benchmarks" / "pipeline.py"), "--members", "2000", "--repeat", "1"]

    done = subprocess.run([*command, "--json", str(told)], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    figures = json.loads(told.read_text(encoding="utf-8"))
    runs = figures["runs"]
    assert list(runs) == ["floor", "full", "no_news", "delta_same_day", "delta_next_day"]
    assert runs["full"]["rows"] == runs["floor"]["rows"] > 20_000
    assert runs["no_news"]["rows"] == 0
    assert 100 < runs["delta_same_day"]["rows"] < 500
    assert all(
        list(run["stages"]) == ["around", "extract", "unify", "tag", "segment", "publish"]
        for name, run in runs.items()
        if name != "floor"
    )
    assert all(run["seconds"] > 0 and run["peak_bytes"] > 10_000_000 for run in runs.values())
    assert {"full / floor", "store / input", "warehouse / input"} <= set(figures["ratios"])
    assert "delta_next_day" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("components", ["--members", "1000", "--repeat", "1"], ["unifier ", "scipy "]),
        ("growth", ["--members", "300", "--days", "1"], ["   0 ", "   1 "]),
        ("records", ["--rows", "2000", "--repeat", "1"], ["dicts   first ", "arrow   changed ", "arrow   profile "]),
        ("width", ["--members", "300", "--tags", "40", "--segments", "60"], ["full ", "next_day "]),
    ],
)
def test_the_other_benchmarks_tell_their_rows(name: str, options: list[str], told: list[str]) -> None:
    """Each prints a row for each thing that it compares."""
    command = [sys.executable, str(ROOT / "benchmarks" / f"{name}.py"), *options]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert all(any(line.startswith(row) for line in done.stdout.splitlines()) for row in told), done.stdout
