"""Hold the books of a run against themselves, and count what its summary shows."""

from __future__ import annotations

from typing import Any, Final

from unifier.actions.outcome import RunReport
from unifier.errors import LedgerError
from unifier.quality.drift import drift
from unifier.relations import Changes
from unifier.store import Store

FIGURES: Final = ("persons", "members", "merged", "orders", "audiences", "quarantined")
"""What the summary of a run counts, in its order."""
_PASS: Final = 5_000_000


def balance(store: Store, run_no: int) -> None:
    """Hold the ledger against itself: every record read is landed or quarantined, every landed one has a fate."""
    lost = store.one(
        "SELECT count(*) FROM batch b LEFT JOIN (SELECT batch_no, count(*) AS refused FROM quarantine GROUP BY batch_no) q "
        "ON q.batch_no = b.batch_no WHERE run_no = ? AND (read <> landed + quarantined OR quarantined <> coalesce(refused, 0))",
        [run_no],
    )
    unaccounted = store.one(
        "SELECT count(*) FROM run_stream WHERE run_no = ? "
        "AND landed <> new + updated + unchanged + stale + repeated + suppressed + held",
        [run_no],
    )
    if lost or unaccounted:
        raise LedgerError(
            f"run {run_no}", f"the ledger does not balance ({lost} batches, {unaccounted} streams)", "report this"
        )


def drifted(store: Store, run_no: int) -> list[dict[str, Any]]:
    """List the fields of sources that changed since their last run: source, kind, field, drift, before, now."""
    names = {number: name for name, number in store.con.execute("SELECT name, source_no FROM source").fetchall()}
    rows = drift(store.con, run_no).to_pylist()
    return [{"source": names.get(row.pop("source_no")), **row} for row in rows]


def has_news(report: RunReport) -> bool:
    """Tell whether any stage has touched anything."""
    return any(changes != Changes() for _, changes in report.stages.values()) or any(
        each.read for each in report.sources
    )


def figures(store: Store, run_no: int, *, news: bool) -> dict[str, int]:
    """Count what the summary shows, and keep it; what a stage has not made yet counts nothing.

    A run without news takes the figures of the last run: counting sixty million orders tells nothing new.
    """
    if not news:
        last = store.con.execute(
            "SELECT name, value FROM measure WHERE run_no = (SELECT max(run_no) FROM measure)"
        ).fetchall()
        if last:
            refused = int(store.one("SELECT count(*) FROM quarantine WHERE state = 'open'"))
            return _in_order({**{name: int(value) for name, value in last}, "quarantined": refused})
    known = {row[0] for row in store.con.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    wanted = {
        "persons": ("person", "SELECT count(*) FROM person WHERE state = 'active'"),
        "members": ("golden", "SELECT count(*) FROM golden WHERE member_status = 'member'"),
        "orders": ("order", 'SELECT count(*) FROM "order" WHERE NOT deleted'),
        "audiences": ("segment_slot", "SELECT count(*) FROM segment_slot WHERE retired_run IS NULL"),
        "quarantined": ("quarantine", "SELECT count(*) FROM quarantine WHERE state = 'open'"),
    }
    counted = {name: int(store.one(sql)) for name, (table, sql) in wanted.items() if table in known}
    if "assignment" in known:
        counted["merged"] = _merged(store)
    with store.transaction():
        for name, value in counted.items():
            store.con.execute("INSERT INTO measure VALUES (?, ?, '', ?, NULL, NULL, NULL)", [run_no, name, value])
    return _in_order(counted)


def _in_order(counted: dict[str, int]) -> dict[str, int]:
    return {name: counted[name] for name in FIGURES if name in counted}


def _merged(store: Store) -> int:
    """Count persons with several profiles, a few million persons at a time: a grouping holds all in memory."""
    last = int(store.one("SELECT coalesce(max(person_no), -1) FROM assignment"))
    return sum(
        int(
            store.one(
                "SELECT count(*) FROM (SELECT person_no FROM assignment WHERE node_no % 2 = 0 "
                "AND person_no BETWEEN ? AND ? GROUP BY person_no HAVING count(*) > 1)",
                [first, first + _PASS - 1],
            )
        )
        for first in range(0, last + 1, _PASS)
    )
