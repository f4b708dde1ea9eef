"""Land a batch: its rows as a file of columns, quarantine, bookmark and counters in one short transaction.

What has landed is read once or twice and then gone, so it lies beside the store and not in it: a batch is an Arrow
file in the folder ``landing``, on disk before the ledger names it. A file that the ledger does not name is the rest of
a run that was killed, and is swept away.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unifier.contract.arrow import landing_schema
from unifier.errors import LedgerError
from unifier.store.arrowfile import batch_file, read, write
from unifier.store.store import Store
from unifier.words import KINDS, Kind


@dataclass(frozen=True, slots=True)
class Arrival:
    """A checked batch on its way into the store.

    ``valid`` holds conformed records, ``faults`` the columns row_no, record_id, pointer, rule, reason, raw;
    ``read`` is what the source yielded; ``cursor`` the bookmark that is true once this batch is in, as JSON.
    """

    source_no: int
    stream: str
    part: str
    kind: Kind
    plugin: str
    plugin_version: str
    origin: str
    read: int
    valid: pa.Table
    faults: pa.Table
    cursor: str | None = None


def land(store: Store, arrival: Arrival, run_no: int) -> int:
    """Append a batch; return its number. Raise LedgerError if read is not landed plus quarantined."""
    landed, refused = arrival.valid.num_rows, arrival.faults.num_rows
    if arrival.read != landed + refused:
        raise LedgerError(
            f"source {arrival.source_no} {arrival.stream}",
            f"{arrival.read} read, but {landed} landed and {refused} quarantined",
            "report this: a record would be lost",
        )
    with store.transaction():
        batch_no = int(store.one("SELECT coalesce(max(batch_no), 0) + 1 FROM batch"))
        first_no = int(store.one("SELECT coalesce(max(first_no + read), 0) FROM batch WHERE kind = ?", [arrival.kind]))
        store.con.execute(
            "INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'landed', NULL)",
            [
                batch_no,
                run_no,
                arrival.source_no,
                arrival.stream,
                arrival.part,
                arrival.kind,
                arrival.plugin,
                arrival.plugin_version,
                arrival.origin,
                first_no,
                arrival.read,
                landed,
                refused,
            ],
        )
        if landed:
            write(batch_file(store.landing, batch_no), _numbered(arrival, batch_no, first_no))
        if refused:
            _quarantine(store, arrival, batch_no, run_no)
        if arrival.cursor is not None:
            _bookmark(store, arrival, run_no)
    return batch_no


def landed_file(store: Store, batch_no: int) -> Path:
    """Find the file of a batch; a dry store also reads what an earlier run has landed."""
    own = batch_file(store.landing, batch_no)
    return own if own.exists() or not store.dry else batch_file(store.landed, batch_no)


def landed_view(kind: Kind) -> str:
    """Name the relation of what has landed of a kind, of all sources."""
    return f"landed_{kind}"


def waiting(sources: Collection[int] | None) -> str:
    """Write the condition that a batch has landed and waits to be settled: of some sources, or of all."""
    of_sources = "" if sources is None else f" AND source_no IN ({', '.join(map(str, sorted(sources))) or 'NULL'})"
    return f"state = 'landed'{of_sources}"


@contextmanager
def pending(store: Store, sources: Collection[int] | None = None) -> Iterator[dict[Kind, list[int]]]:
    """Show what has landed and is not held, as relations named by :func:`landed_view`; yield their sources by kind.

    The relations have the columns source_no, batch_no, landed_no and those of the kind's records, lists included.
    Raise LedgerError if a file is missing that the ledger names.
    """
    batches = store.con.execute(
        f"SELECT kind, batch_no, source_no FROM batch WHERE {waiting(sources)} AND landed > 0 ORDER BY batch_no"
    ).fetchall()
    # The order of kinds is the order of the contract: facts see the profiles of their own delivery.
    by_kind = {kind: sorted({row[2] for row in batches if row[0] == kind}) for kind in KINDS}
    found = {kind: numbers for kind, numbers in by_kind.items() if numbers}
    for kind in found:
        files = [landed_file(store, batch_no) for name, batch_no, _ in batches if name == kind]
        for file in files:
            if not file.exists():
                raise LedgerError(str(file), "a batch that landed is gone", "restore it, or read the source again")
        store.con.register(landed_view(kind), read(files, landing_schema(kind)))
    try:
        yield found
    finally:
        for kind in found:
            store.con.unregister(landed_view(kind))


def sweep(store: Store) -> None:
    """Remove the files of batches that are settled or discarded, or that no transaction ever named."""
    if store.dry or not store.landed.exists():
        return
    rows = store.con.execute("SELECT batch_no FROM batch WHERE state IN ('landed', 'held')").fetchall()
    wanted = {batch_file(store.landed, batch_no) for (batch_no,) in rows}
    for file in store.landed.iterdir():
        if file not in wanted:
            file.unlink()


def _numbered(arrival: Arrival, batch_no: int, first_no: int) -> pa.Table:
    """Number the rows of a batch; see :func:`unifier.contract.arrow.landing_schema`."""
    rows, schema = arrival.valid.num_rows, landing_schema(arrival.kind)
    numbers = {
        "source_no": pa.repeat(pa.scalar(arrival.source_no, pa.int16()), rows),
        "batch_no": pa.repeat(pa.scalar(batch_no, pa.int32()), rows),
        "landed_no": pa.array(np.arange(first_no, first_no + rows, dtype=np.int64)),
    }
    columns = {name: arrival.valid.column(name) for name in arrival.valid.column_names}
    columns["deleted"] = pc.fill_null(columns["deleted"], False)
    cast = [columns[field.name].cast(field.type) for field in schema if field.name not in numbers]
    return pa.Table.from_arrays([*numbers.values(), *cast], schema=schema)


def _quarantine(store: Store, arrival: Arrival, batch_no: int, run_no: int) -> None:
    store.con.register("refused", arrival.faults)
    try:
        store.con.execute(
            "INSERT INTO quarantine SELECT (SELECT coalesce(max(quarantine_no), 0) FROM quarantine) + 1 + "
            "row_number() OVER (ORDER BY row_no) - 1, ?, row_no, ?, ?, record_id, ?, pointer, rule, reason, ?, ?, raw, "
            "'open', ?, NULL FROM refused",
            [
                batch_no,
                arrival.source_no,
                arrival.kind,
                arrival.origin,
                arrival.plugin,
                arrival.plugin_version,
                run_no,
            ],
        )
    finally:
        store.con.unregister("refused")


def _bookmark(store: Store, arrival: Arrival, run_no: int) -> None:
    key = [arrival.source_no, arrival.stream, arrival.part]
    store.con.execute("DELETE FROM bookmark WHERE source_no = ? AND stream = ? AND part = ?", key)
    store.con.execute(
        "INSERT INTO bookmark VALUES (?, ?, ?, ?, ?, ?)",
        [*key, arrival.cursor, run_no, datetime.now(UTC).replace(tzinfo=None)],
    )


def bookmarks(store: Store, source_no: int, stream: str) -> dict[str, str]:
    """Read the cursors of a stream by partition, as JSON text."""
    rows = store.con.execute(
        "SELECT part, cursor FROM bookmark WHERE source_no = ? AND stream = ?", [source_no, stream]
    ).fetchall()
    return dict(rows)
