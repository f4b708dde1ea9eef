"""Hand out refused rows, to be read again."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from unifier.store.store import Store

AT_ONCE: Final = 100_000
"""Refused rows that one replay takes: it holds them in memory."""


def refused(store: Store, source_no: int) -> dict[str, list[tuple[int, str]]]:
    """List open refused rows of a source by stream: number and payload, oldest first; those whose payload is JSON.

    What could not even be read (a line that is no JSON) cannot be read again: it has to be delivered anew.
    """
    rows = store.con.execute(
        "SELECT b.stream, q.quarantine_no, q.raw FROM quarantine q JOIN batch b ON b.batch_no = q.batch_no "
        f"WHERE q.source_no = ? AND q.state = 'open' AND json_valid(q.raw) ORDER BY q.quarantine_no LIMIT {AT_ONCE}",
        [source_no],
    ).fetchall()
    found: dict[str, list[tuple[int, str]]] = {}
    for stream, number, raw in rows:
        found.setdefault(stream, []).append((number, raw))
    return found


def expire(store: Store, before: datetime, run_no: int) -> None:
    """Forget the payloads of rows refused by runs that began before a time (UTC): they are personal data.

    What they were refused for stays; open rows become ``expired``.
    """
    store.con.execute(
        "UPDATE quarantine SET raw = NULL, state = CASE state WHEN 'open' THEN 'expired' ELSE state END, "
        "closed_run = coalesce(closed_run, ?) WHERE raw IS NOT NULL "
        "AND run_no IN (SELECT run_no FROM run WHERE started_at < ?)",
        [run_no, before],
    )
