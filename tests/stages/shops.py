"""Read sources through their processes into a store, with local plugins."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unifier.identifiers import registry
from unifier.processes.process import Limits
from unifier.stages.extract import Manner, Source, SourceReport, extract
from unifier.store import Store, open_store
from unifier.store.rules import Rules

RULES = Rules(registry({}), {}, ("profile", "order"), b"secret")
HERE = Path(__file__).parent
QUICK = Limits(deadline=30.0, silence=20.0, memory=1_000_000_000)


def source(plugin: str, connector: str, name: str = "till", limits: Limits = QUICK, **config: Any) -> Source:
    """Configure a source of a plugin file beside this one; ``settings`` of the config are the source's own."""
    settings = config.pop("settings", {})
    ref = {"name": plugin, "version": "1", "file": str(HERE / f"{plugin}.py")}
    return Source(name, connector, ref, HERE, config, settings, limits=limits, **settings)


class Shop:
    """A store and its runs."""

    def __init__(self, folder: Path) -> None:
        self.store: Store = open_store(folder / "store.duckdb", threads=1)
        self.run_no = 0

    def read(self, *sources: Source, manner: Manner | None = None) -> Sequence[SourceReport]:
        """Run extract once."""
        self.run_no += 1
        self.store.con.execute(
            "INSERT INTO run (run_no, started_at, outcome) VALUES (?, now()::TIMESTAMP, 'running')", [self.run_no]
        )
        return extract(self.store, sources, RULES, self.run_no, manner)

    def people(self) -> dict[str, str | None]:
        """List who is there, and what they are called."""
        return dict(
            self.store.con.execute("SELECT record_id, name FROM profile WHERE NOT deleted ORDER BY 1").fetchall()
        )

    def refused(self, state: str = "open") -> list[str]:
        """List why records were refused."""
        rows = self.store.con.execute("SELECT reason FROM quarantine WHERE state = ? ORDER BY 1", [state]).fetchall()
        return [reason for (reason,) in rows]

    def files(self) -> int:
        """Count the files of batches that wait."""
        return sum(1 for _ in self.store.landed.iterdir())
