"""Hold back what a source landed when it is clearly wrong, until somebody decides.

Held records wait in tables of their own; the source itself goes on at the next run.
"""

from __future__ import annotations

from collections.abc import Callable

from unifier.store.landing import landing_name
from unifier.store.store import Store
from unifier.tables import quoted
from unifier.words import KINDS


def held_name(kind: str, source_no: int) -> str:
    """Name the table that holds a source's records of a kind."""
    return f"held_{kind}_{source_no}"


def hold(store: Store, source_no: int, run_no: int) -> int:
    """Move what a source has landed aside; return how many records wait now."""
    moved = _move(store, source_no, landing_name, held_name)
    store.con.execute(
        "INSERT INTO run_stream SELECT ?, source_no, stream, '', sum(read), sum(landed), sum(quarantined), 0, 0, 0, 0, 0, 0, "
        "sum(landed), 0, 'held', NULL, NULL FROM batch WHERE source_no = ? AND state = 'landed' GROUP BY source_no, stream",
        [run_no, source_no],
    )
    store.con.execute("UPDATE batch SET state = 'held' WHERE source_no = ? AND state = 'landed'", [source_no])
    return moved


def release(store: Store, source_no: int) -> int:
    """Bring what was held back to landing; the next run settles it."""
    moved = _move(store, source_no, held_name, landing_name)
    store.con.execute("UPDATE batch SET state = 'landed' WHERE source_no = ? AND state = 'held'", [source_no])
    return moved


def discard(store: Store, source_no: int) -> int:
    """Throw away what was held; the ledger keeps the count."""
    gone = 0
    for kind in KINDS:
        name = held_name(kind, source_no)
        if exists(store, name):
            gone += store.count(name)
            store.con.execute(f"DROP TABLE {quoted(name)}")
    store.con.execute("UPDATE batch SET state = 'discarded' WHERE source_no = ? AND state = 'held'", [source_no])
    return gone


def exists(store: Store, name: str) -> bool:
    """Tell whether the store has a table of this name."""
    return bool(store.one("SELECT 1 FROM duckdb_tables() WHERE table_name = ? AND NOT temporary", [name]))


def _move(store: Store, source_no: int, start: Callable[[str, int], str], end: Callable[[str, int], str]) -> int:
    moved = 0
    for kind in KINDS:
        old, new = start(kind, source_no), end(kind, source_no)
        if not exists(store, old):
            continue
        moved += store.count(old)
        if exists(store, new):
            store.con.execute(f"INSERT INTO {quoted(new)} SELECT * FROM {quoted(old)}")
            store.con.execute(f"DROP TABLE {quoted(old)}")
        else:
            store.con.execute(f"ALTER TABLE {quoted(old)} RENAME TO {quoted(new)}")
    return moved
