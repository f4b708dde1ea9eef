"""Hold back what a source landed when it is clearly wrong, until somebody decides.

Held records stay where they landed; the source itself goes on at the next run.
"""

from __future__ import annotations

from unifier.store.store import Store


def hold(store: Store, source_no: int, run_no: int) -> int:
    """Set what a source has landed aside; return how many records wait now."""
    store.con.execute(
        "INSERT INTO run_stream SELECT ?, source_no, stream, '', sum(read), sum(landed), sum(quarantined), 0, 0, 0, 0, 0, 0, "
        "sum(landed), 0, 'held', NULL, NULL FROM batch WHERE source_no = ? AND state = 'landed' GROUP BY source_no, stream",
        [run_no, source_no],
    )
    return _move(store, source_no, "landed", "held")


def release(store: Store, source_no: int) -> int:
    """Bring back what was held; the next run settles it."""
    return _move(store, source_no, "held", "landed")


def discard(store: Store, source_no: int) -> int:
    """Throw away what was held; the ledger keeps the count, :func:`unifier.store.landing.sweep` removes the files."""
    return _move(store, source_no, "held", "discarded")


def _move(store: Store, source_no: int, start: str, end: str) -> int:
    """Change the state of a source's batches; return how many records they have."""
    where = "source_no = ? AND state = ?"
    moved = int(store.one(f"SELECT coalesce(sum(landed), 0) FROM batch WHERE {where}", [source_no, start]))
    store.con.execute(f"UPDATE batch SET state = ? WHERE {where}", [end, source_no, start])
    return moved
