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
