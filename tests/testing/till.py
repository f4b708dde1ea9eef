"""The system of the hostile connector, and the kit applied to it; run by pytest in a process of its own."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

from testing import hostile
from testing.hostile import TOKEN

from unifier.testing import ConnectorTests


def _lines(path: Path, rows: Sequence[Any]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def _members(texts: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {
            "id": f"m{number}",
            "changed": f"2026-02-{number // 1440 % 28 + 1:02}T{number // 60 % 24:02}:{number % 60:02}:00Z",
            "name": text,
            "mobile": f"1990000{number % 100:04}",
        }
        for number, text in enumerate(texts)
    ]


def fill(folder: Path, texts: Sequence[str] = ("王芳", "李强", "赵敏", "赵敬", "欧阳雪", "单颖")) -> None:
    """Set the system up."""
    members = _members(texts)
    _lines(folder / "members", members)
    visits = [
        {
            "record_id": f"v{number}",
            "observed_at": f"2026-02-01T{number:02}:00:00Z",
            "event_type": "visit",
            "happened_at": f"2026-02-01T{number:02}:00:00Z",
            "door": "east" if number % 2 else "west",
        }
        for number in range(6)
    ]
    _lines(folder / "visits", visits)
    stores = [{"record_id": f"s{n}", "observed_at": "2026-02-01T00:00:00Z", "name": f"Store {n}"} for n in range(3)]
    _lines(folder / "stores", stores)
    (folder / "queue").mkdir()
    for row in members[:5]:
        (folder / "queue" / f"{row['id']}.json").write_text(json.dumps(row), encoding="utf-8")


class TestTill(ConnectorTests):
    """The kit, with the class and the fault that the environment names."""

    connector = getattr(hostile, os.environ.get("HOSTILE_CLASS", "Hostile"))
    deadline: ClassVar[float] = float(os.environ.get("HOSTILE_DEADLINE", "60"))
    quiet: ClassVar[frozenset[str]] = frozenset({"messages"})

    @property
    def config(self) -> Mapping[str, Any]:
        """Name the fault."""
        fault = os.environ.get("HOSTILE_FAULT", "")
        return {"token": TOKEN, **({"fault": fault} if fault else {})}

    def system(self, folder: Path, closing: ExitStack) -> Mapping[str, Any]:
        """Set up the till."""
        del closing
        fill(folder)
        return self.config

    def holding(self, folder: Path, closing: ExitStack, texts: list[str]) -> Mapping[str, Any]:
        """Set up a till whose members are called so."""
        del closing
        fill(folder, texts)
        return self.config
