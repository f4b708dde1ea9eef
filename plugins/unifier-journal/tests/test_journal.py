"""The journal of a real project: lines of runs and stages, also of a run that failed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bad_input.project import Shop, open_shop
from cast import WANG_FANG
from place import announce, place, run

from unifier.words import STAGES


def _shop(folder: Path, **settings: Any) -> Shop:
    shop = open_shop(folder / "shop", [WANG_FANG])
    shop.configure(plugins={"use": {"journal": settings}})
    return shop


def _lines(shop: Shop, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (shop.folder / name).read_text(encoding="utf-8").splitlines()]


def test_unifier_run_finished_writes_a_line_for_every_run(tmp_path: Path) -> None:
    """Whoever collects logs reads the counts of a run without opening the warehouse."""
    paths = [tmp_path, announce(tmp_path, "unifier-journal")]
    shop = _shop(tmp_path)
    first = run(shop, paths)
    shop.configure(plugins={"use": {"journal": {}, "unifier-none": {}}})
    assert run(shop, paths).code == 4, "nothing runs, nothing is written"
    shop.configure(plugins={"use": {"journal": {}}})
    run(shop, paths)

    lines = _lines(shop, "runs.jsonl")
    assert [(line["run_no"], line["exit_code"], line["error"]) for line in lines] == [(1, 0, None), (2, 0, None)]
    assert lines[0]["figures"] == first.report["figures"]


def test_unifier_stage_finished_writes_a_line_for_every_stage(tmp_path: Path) -> None:
    """The stage that took the night is found without a profiler."""
    paths = [tmp_path, announce(tmp_path, "unifier-journal")]
    shop = _shop(tmp_path, path="log/all.jsonl", stages=True)

    told = run(shop, paths)

    assert told.code == 0, told
    *stages, last = _lines(shop, "log/all.jsonl")
    assert [line["stage"] for line in stages] == list(STAGES)
    assert stages[0].keys() == {*("run_no", "as_of", "stage", "seconds", "touched", "inserted", "updated", "deleted")}
    assert last["event"] == "run"


def test_an_observer_that_raises_is_named_and_changes_nothing(tmp_path: Path) -> None:
    """A full disk of the log must not undo what was committed."""
    paths = [tmp_path, announce(tmp_path, "unifier-journal")]
    place(
        tmp_path,
        "loud",
        "from unifier import hookimpl\n@hookimpl\ndef unifier_run_finished(run):\n    run.clear()\n    raise SystemExit(9)\n",
    )
    shop = _shop(tmp_path)
    shop.configure(plugins={"use": {"journal": {"path": "crm"}, "loud": None}})
    (shop.folder / "crm").mkdir()

    told = run(shop, paths)

    assert told.code == 0, told
    assert told.report["figures"]["persons"] == 1
    warnings = [json.loads(line)["warning"] for line in told.err.splitlines() if '"warning"' in line]
    assert warnings == [
        "plugin journal 0.1.0: unifier_run_finished raised IsADirectoryError (Is a directory) — tell its author",
        "plugin loud 1.0: unifier_run_finished raised SystemExit — tell its author",
    ]
    assert told.report["warnings"] == warnings
