"""Write a line of JSON for every run, and for every stage if that is wanted, to a file beside the project."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from unifier import hookimpl

unifier_api = 1
unifier_config_schema: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "path": {"type": "string", "minLength": 1, "description": "File, relative to the project."},
        "stages": {"type": "boolean", "description": "Write a line for every stage, too."},
    },
}


@hookimpl
def unifier_stage_finished(report: Mapping[str, Any], settings: Mapping[str, Any], folder: Path) -> None:
    """Write the line of a stage."""
    if settings.get("stages"):
        _write(report, settings, folder)


@hookimpl
def unifier_run_finished(run: Mapping[str, Any], settings: Mapping[str, Any], folder: Path) -> None:
    """Write the line of a run."""
    _write(run, settings, folder)


def _write(line: Mapping[str, Any], settings: Mapping[str, Any], folder: Path) -> None:
    path = folder / settings.get("path", "runs.jsonl")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")
