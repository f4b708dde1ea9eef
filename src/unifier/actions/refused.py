"""Look at what was refused, read it again, and decide about sources that are held."""

from __future__ import annotations

import getpass
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from unifier import app
from unifier.config import nearest
from unifier.errors import UsageError
from unifier.privacy import shown
from unifier.store import held, read_only
from unifier.store.landing import sweep

COLUMNS = ("source", "kind", "reason", "records", "first_seen", "first_run", "for_example")


def refused(store_path: Path) -> list[dict[str, Any]]:
    """Count refused records by source, kind and reason, and held ones by source; payloads are not shown."""
    with read_only(store_path) as con:
        rows = con.execute(
            "SELECT s.name, q.kind, q.reason, count(*), min(r.started_at), min(q.run_no), "
            "arg_min(q.origin || ' row ' || q.row_no, q.quarantine_no) FROM quarantine q "
            "JOIN source s ON s.source_no = q.source_no JOIN run r ON r.run_no = q.run_no WHERE q.state = 'open' GROUP BY ALL "
            "UNION ALL SELECT s.name, b.kind, 'held: the source was not believed', sum(b.landed)::BIGINT, min(r.started_at), "
            "min(b.run_no), arg_min(b.origin, b.batch_no) FROM batch b JOIN source s ON s.source_no = b.source_no "
            "JOIN run r ON r.run_no = b.run_no WHERE b.state = 'held' GROUP BY s.name, b.kind ORDER BY 1, 2, 4 DESC, 3"
        ).fetchall()
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows]


@dataclass(frozen=True, slots=True)
class Look:
    """Which refused records to show: of a source, perhaps only those whose reason holds a text, masked unless revealed."""

    source: str
    reason: str = ""
    limit: int = 10
    reveal: bool = False


def look(project: app.Project, wanted: Look) -> list[dict[str, Any]]:
    """Show refused records, newest first: where they stood, why they were refused, and their payload.

    To reveal payloads needs the store for itself, since it is noted in the store's ``audit`` who did it.
    """
    if not wanted.reveal:
        with read_only(project.store_path) as con:
            return [{**row, "payload": shown(row["payload"])} for row in _rows(con, wanted)]
    with app.opened(project) as store:
        rows = _rows(store.con, wanted)
        with store.transaction():
            store.con.execute(
                "INSERT INTO audit SELECT coalesce(max(audit_no), 0) + 1, ?, ?, 'reveal quarantine', ?, ? FROM audit",
                [
                    datetime.now(UTC).replace(tzinfo=None),
                    getpass.getuser(),
                    wanted.source,
                    json.dumps([row["number"] for row in rows]),
                ],
            )
    return rows


def _rows(con: duckdb.DuckDBPyConnection, wanted: Look) -> list[dict[str, Any]]:
    _known(con, wanted.source)
    names = ("number", "kind", "origin", "row", "pointer", "rule", "reason", "plugin", "run", "state", "payload")
    found = con.execute(
        "SELECT q.quarantine_no, q.kind, q.origin, q.row_no, q.pointer, q.rule, q.reason, "
        "trim(q.plugin || ' ' || q.plugin_version), q.run_no, q.state, q.raw FROM quarantine q "
        "JOIN source s ON s.source_no = q.source_no WHERE s.name = ? AND q.state = 'open' AND contains(q.reason, ?) "
        "ORDER BY q.quarantine_no DESC LIMIT ?",
        [wanted.source, wanted.reason, wanted.limit],
    ).fetchall()
    return [{**dict(zip(names, row, strict=True)), "payload": _payload(row[-1])} for row in found]


def _payload(raw: str | None) -> Any:
    """Read a payload; a line that is no JSON is a text."""
    try:
        return json.loads(raw or "null")
    except ValueError:
        return raw


def _known(con: duckdb.DuckDBPyConnection, source: str) -> int:
    """Find a source that the store knows; raise UsageError if there is none."""
    numbers = dict(con.execute("SELECT name, source_no FROM source").fetchall())
    if source not in numbers:
        raise UsageError(source, "there is no such source in the store", nearest(source, list(numbers)))
    return int(numbers[source])


def decide(project: app.Project, source: str, *, keep: bool) -> int:
    """Release or discard what a held source landed; raise UsageError when it is not held."""
    with app.opened(project) as store:
        number = _known(store.con, source)
        if not store.one("SELECT 1 FROM batch WHERE source_no = ? AND state = 'held'", [number]):
            raise UsageError(source, "it holds nothing back", "see `unifier quarantine list`")
        with store.transaction():
            moved = held.release(store, number) if keep else held.discard(store, number)
        sweep(store)
    return moved
