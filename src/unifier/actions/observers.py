"""Tell plugins that observe what a run has done."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from unifier.actions.outcome import RunReport, told
from unifier.errors import UnifierError
from unifier.plugins import Loaded


class Observers:
    """The plugins that observe: they are told copies of plain data, and what they raise is a warning."""

    def __init__(self, folder: Path, loaded: Loaded, report: RunReport, tell: Callable[[dict[str, Any]], None]) -> None:
        self.folder = folder
        self.loaded = loaded
        self.report = report
        self.tell = tell

    def stage_finished(self, stage: str) -> None:
        """Tell that a stage is done."""
        seconds, changes = self.report.stages[stage]
        facts = {"run_no": self.report.run_no, "as_of": self.report.as_of.isoformat(), "stage": stage}
        self._observed("unifier_stage_finished", report={**facts, "seconds": round(seconds, 3), **asdict(changes)})

    def run_finished(self, error: UnifierError | None) -> None:
        """Tell that the run is done; nobody is told of a run that is being stopped."""
        if error is None or isinstance(sys.exc_info()[1], UnifierError):
            body = {**told(self.report), "error": str(error) if error else None}
            if error is not None:
                body["exit_code"] = error.exit_code
            self._observed("unifier_run_finished", run=body)

    def _observed(self, hook: str, **facts: dict[str, Any]) -> None:
        for warning in self.loaded.observe(hook, self.folder, **facts):
            self.report.warnings.append(warning)
            self.tell({"event": "warning", "warning": warning})
