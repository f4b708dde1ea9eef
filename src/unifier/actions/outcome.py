"""Say how a run went."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from unifier.relations import Changes
from unifier.stages.extract import SourceReport
from unifier.stages.publish import TargetReport


@dataclass(slots=True)
class RunReport:
    """How a run went: counts for the summary, one report per source and target, and the exit code.

    ``warnings`` name observers that raised; ``drift`` tells which fields of a source came otherwise than before.
    """

    run_no: int
    as_of: date
    sources: list[SourceReport] = field(default_factory=list)
    targets: list[TargetReport] = field(default_factory=list)
    stages: dict[str, tuple[float, Changes]] = field(default_factory=dict)
    figures: dict[str, int] = field(default_factory=dict)
    dry: bool = False
    warnings: list[str] = field(default_factory=list)
    drift: list[dict[str, Any]] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 when everything was committed, 1 when a source or a target was not."""
        failed = [report for report in self.sources if report.outcome != "settled"]
        return 1 if failed or not all(report.is_published for report in self.targets) else 0


def told(report: RunReport) -> dict[str, Any]:
    """Put a report into plain data, for JSON."""
    return {
        "event": "run",
        "run_no": report.run_no,
        "as_of": report.as_of.isoformat(),
        "dry_run": report.dry,
        "exit_code": report.exit_code,
        "sources": [asdict(each) for each in report.sources],
        "targets": [
            {
                "target": each.name,
                "published": each.is_published,
                "since": each.since,
                "error": str(each.error) if each.error else None,
            }
            for each in report.targets
        ],
        "stages": {
            name: {"seconds": round(seconds, 3), **asdict(changes)}
            for name, (seconds, changes) in report.stages.items()
        },
        "figures": report.figures,
        "warnings": report.warnings,
        "drift": report.drift,
    }
