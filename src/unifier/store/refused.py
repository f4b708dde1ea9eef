"""Hand out refused rows, to be read again."""

from __future__ import annotations

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
