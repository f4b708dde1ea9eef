"""Look at what was refused, and decide about sources that are held."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unifier import app
from unifier.config import nearest
from unifier.errors import UsageError
from unifier.store import held, read_only
from unifier.store.landing import sweep


def refused(store_path: Path) -> list[dict[str, Any]]:
    """Count refused records by source, kind and reason, and held ones by source; raw payloads are never shown."""
    with read_only(store_path) as con:
        rows = con.execute(
            "SELECT s.name, q.kind, q.reason, count(*), min(q.run_no), any_value(q.origin || ' row ' || q.row_no) FROM quarantine q "
            "JOIN source s ON s.source_no = q.source_no WHERE q.state = 'open' GROUP BY ALL "
            "UNION ALL SELECT s.name, b.kind, 'held: too many faults', sum(b.landed)::BIGINT, min(b.run_no), any_value(b.origin) "
            "FROM batch b JOIN source s ON s.source_no = b.source_no WHERE b.state = 'held' GROUP BY s.name, b.kind ORDER BY 1, 2, 4 DESC"
        ).fetchall()
    names = ("source", "kind", "reason", "records", "first_run", "for_example")
    return [dict(zip(names, row, strict=True)) for row in rows]


def decide(project: app.Project, source: str, *, keep: bool) -> int:
    """Release or discard what a held source landed; raise UsageError when it is not held."""
    with app.opened(project) as store:
        numbers = dict(store.con.execute("SELECT name, source_no FROM source").fetchall())
        if source not in numbers:
            raise UsageError(source, "there is no such source in the store", nearest(source, list(numbers)))
        if not store.one("SELECT 1 FROM batch WHERE source_no = ? AND state = 'held'", [numbers[source]]):
            raise UsageError(source, "it holds nothing back", "see `unifier quarantine list`")
        with store.transaction():
            moved = held.release(store, numbers[source]) if keep else held.discard(store, numbers[source])
        sweep(store)
    return moved
