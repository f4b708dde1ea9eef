"""Tell the outside how a run is getting on, in ``run.json``, replaced by an atomic rename."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def write(folder: Path, facts: dict[str, Any]) -> None:
    """Replace ``run.json`` by these facts and the time of writing."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({**facts, "pid": os.getpid(), "heartbeat": datetime.now(UTC).isoformat()}, ensure_ascii=False)
    temporary = folder / f"run.json.{os.getpid()}"
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(folder / "run.json")


def read(folder: Path) -> dict[str, Any] | None:
    """Read the last facts, None when no run has ever been."""
    try:
        facts: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return facts
