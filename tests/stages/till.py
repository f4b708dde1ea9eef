"""A till whose shop can be anything: what it yields and how it behaves is told by its config. A local plugin of tests."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from unifier import Checkpoint, Connector, hookimpl, stream

DAY = "2026-05-01T00:00:00Z"


def record(row: dict[str, Any]) -> dict[str, Any]:
    """Make a record of a row of the till; a row without a number cannot be one."""
    return {"record_id": row["id"], "observed_at": DAY, "name": row["name"].strip()}


def mended(row: dict[str, Any]) -> dict[str, Any]:
    """Make a record of more rows than :func:`record` does."""
    return {"record_id": row["id"], "observed_at": DAY, "name": (row["name"] or "").strip() or None}


class List(Connector):
    """A complete list of people, in a file."""

    name: ClassVar[str] = "list"

    @stream("profile", snapshot=True)
    def people(self, since: Any) -> Iterator[dict[str, Any]]:
        """Yield everybody."""
        del since
        yield from json.loads(Path(self.config["file"]).read_text(encoding="utf-8"))


class Queue(Connector):
    """A queue of messages in a folder: what is acknowledged is removed."""

    name: ClassVar[str] = "queue"

    @stream("profile", consume=True, parse=record)
    def messages(self, since: Any) -> Iterator[list[dict[str, Any]]]:
        """Yield two messages at a time."""
        del since
        files = sorted(Path(self.config["folder"]).glob("*.json"))
        for at in range(0, len(files), 2):
            rows = [json.loads(file.read_text(encoding="utf-8")) for file in files[at : at + 2]]
            yield [{**row, "file": file.name} for row, file in zip(rows, files[at : at + 2], strict=True)]

    def acknowledge(self, batch: Any) -> None:
        """Remove what is safe; perhaps die right after."""
        for row in batch:
            (Path(self.config["folder"]) / row["file"]).unlink()
        if self.config.get("die"):
            os._exit(3)


class Pages(Connector):
    """Pages of rows; parsed by the version that the config names."""

    name: ClassVar[str] = "pages"

    def streams(self) -> list[Any]:
        """Choose the parser by the installed version."""
        (one,) = Connector.streams(self)
        from dataclasses import replace

        return [replace(one, parse=mended if self.config.get("version") == "2" else record)]

    @stream("profile", parse=record)
    def rows(self, since: Any) -> Iterator[Any]:
        """Yield the rows of the config; stop before one if asked to."""
        for number, row in enumerate(self.config["rows"]):
            if number >= (since or 0):
                yield row
                yield Checkpoint(number + 1)
            if number == self.config.get("die_after"):
                os._exit(3)


@hookimpl
def unifier_connectors() -> list[type[Connector]]:
    """Offer them all."""
    return [List, Queue, Pages]
