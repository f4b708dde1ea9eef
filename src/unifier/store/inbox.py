"""Keep the raw answers of sources that forget what they have handed out, until they are parsed and landed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from unifier.store.store import Store


def keep(store: Store, source_no: int, stream: str, texts: Sequence[str]) -> list[int]:
    """Commit raw answers; return their numbers. After that the source may forget them."""
    with store.transaction():
        first = int(store.one("SELECT coalesce(max(inbox_no), 0) + 1 FROM inbox"))
        now = datetime.now(UTC).replace(tzinfo=None)
        numbers = list(range(first, first + len(texts)))
        store.con.execute(
            "INSERT INTO inbox SELECT unnest(?::BIGINT[]), ?, ?, ?, unnest(?::VARCHAR[]), NULL",
            [numbers, source_no, stream, now, list(texts)],
        )
    return numbers


def unparsed(store: Store, source_no: int) -> dict[str, list[tuple[int, str]]]:
    """List what was kept and never landed, by stream, in the order it came; a kill between the two leaves some."""
    rows = store.con.execute(
        "SELECT stream, inbox_no, payload FROM inbox WHERE source_no = ? AND parsed_run IS NULL ORDER BY inbox_no",
        [source_no],
    ).fetchall()
    found: dict[str, list[tuple[int, str]]] = {}
    for stream, number, payload in rows:
        found.setdefault(stream, []).append((number, payload))
    return found


def parsed(store: Store, numbers: Sequence[int], run_no: int) -> None:
    """Note that answers have landed; part of the transaction that enters their batch."""
    store.con.execute(
        "UPDATE inbox SET parsed_run = ? WHERE inbox_no IN (SELECT unnest(?::BIGINT[]))", [run_no, list(numbers)]
    )


def forget(store: Store, before_run: int) -> None:
    """Remove answers that landed before a run: what could not be read of them lies in quarantine."""
    store.con.execute("DELETE FROM inbox WHERE parsed_run < ?", [before_run])
