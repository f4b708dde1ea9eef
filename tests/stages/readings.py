"""Read streams that tests write, without a process and without a store."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import duckdb

from unifier.offers.connector import Stream
from unifier.stages.reading import Batch, Reading

MOMENT = "2026-05-01T08:00:00Z"


def profile(number: int, at: str = MOMENT, **more: Any) -> dict[str, Any]:
    """Write a small record."""
    return {"record_id": f"r{number}", "observed_at": at, **more}


def stream(rows: Callable[..., Any] | list[Any], **traits: Any) -> Stream:
    """Make a stream of profiles out of a list, or of what a function of the bookmarks yields."""

    def read(since: Mapping[str, str]) -> Iterator[Any]:
        return iter(rows(since) if callable(rows) else rows)

    return Stream("members", "profile", read, **traits)


def batches(one: Stream, since: Mapping[str, str] | None = None, zone: str = "", at_once: int = 3) -> list[Batch]:
    """Read a stream to its end, in small batches."""
    with duckdb.connect() as checker:
        checker.execute("SET TimeZone = 'UTC'")
        reading = Reading(one, since or {}, zone, checker, "source crm", at_once)
        return [batch for batch in reading.batches() if isinstance(batch, Batch)]


def ids(found: list[Batch]) -> list[str]:
    """List the records of batches."""
    return [name for batch in found for name in batch.valid.column("record_id").to_pylist()]


def bookmark(found: list[Batch], part: str = "") -> Any:
    """Tell where the bookmark of a partition stands after batches."""
    moved = [batch.cursor for batch in found if batch.part == part and batch.cursor is not None]
    return json.loads(moved[-1]) if moved else None
