"""Write down, on demand, what the kit has proved: ``pytest --unifier-report FILE``.

Without the option it does nothing and imports nothing.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the option."""
    group = parser.getgroup("unifier", "unifier: conformance of plugins")
    group.addoption("--unifier-report", metavar="FILE", default=None, help="Write what the kit has proved, as JSON.")


def pytest_configure(config: pytest.Config) -> None:
    """Listen only where a report is wanted."""
    file = config.getoption("--unifier-report", None)
    if file:
        config.pluginmanager.register(_Report(Path(file)), "unifier-report")


class _Report:
    """Gather the outcome of every test of the kit with the sentence that says what it proves."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.said: dict[str, str] = {}
        self.found: dict[str, dict[str, Any]] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Read the sentences."""
        for item in items:
            text = (getattr(getattr(item, "function", None), "__doc__", None) or "").strip()
            self.said[item.nodeid] = text.split("\n\n", 1)[0]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note an outcome; of the three phases of a test the worst counts."""
        before = self.found.get(report.nodeid, {}).get("outcome")
        if report.when != "call" and report.outcome == "passed" and not before:
            return
        if before in {"failed", "not applicable"} or (before and report.outcome == "passed"):
            return
        outcome = "not applicable" if report.outcome == "skipped" else report.outcome
        class_, _, test = report.nodeid.rpartition("::")
        self.found[report.nodeid] = {
            "class": class_.rpartition("::")[2],
            "property": test.removeprefix("test_"),
            "outcome": outcome,
            "sentence": self.said.get(report.nodeid, ""),
            "figures": dict(report.user_properties),
            "detail": _detail(report) if outcome != "passed" else "",
        }

    def pytest_sessionfinish(self) -> None:
        """Write the file."""
        self.file.write_text(json.dumps(list(self.found.values()), ensure_ascii=False, indent=1), encoding="utf-8")


def _detail(report: pytest.TestReport) -> str:
    """Say why, in one line: the message of the kit, the reason of a skip, the last line of anything else."""
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    lines = [line for line in str(report.longrepr).splitlines() if line.strip()]
    crash = getattr(getattr(report.longrepr, "reprcrash", None), "message", "")
    return str(crash).removeprefix("Failed: ").splitlines()[0] if crash else (lines[-1] if lines else "")
