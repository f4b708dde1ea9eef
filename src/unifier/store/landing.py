"""Land a batch: its rows as a file of columns, quarantine, bookmark and counters in one short transaction.

What has landed is read once or twice and then gone, so it lies beside the store and not in it: a batch is an Arrow
file in the folder ``landing``, on disk before the ledger names it. A file that the ledger does not name is the rest of
a run that was killed, and is swept away.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unifier.contract.arrow import landing_schema
from unifier.errors import LedgerError
from unifier.store.arrowfile import batch_file, read, schema_of, write
from unifier.store.inbox import parsed
from unifier.store.store import Store
from unifier.words import KINDS, Kind

VANISHED: Final = "vanished"
"""Origin of a batch of tombstones for what a complete list no longer holds."""


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


@dataclass(frozen=True, slots=True)
class Place:
    """Where a batch will lie: its number, and the ordinal of its first record among all of its kind."""

    batch_no: int
    first_no: int


class Places:
    """Give out places to several readers at once; what is never entered leaves a hole, and that harms nobody."""

    def __init__(self, store: Store) -> None:
        self._next_batch = int(store.one("SELECT coalesce(max(batch_no), 0) + 1 FROM batch"))
        self._next_first = dict(
            store.con.execute("SELECT kind, max(first_no + read) FROM batch GROUP BY kind").fetchall()
        )

    def take(self, kind: Kind, rows: int) -> Place:
        """Take a place for a batch of so many records."""
        place = Place(self._next_batch, int(self._next_first.get(kind, 0)))
        self._next_batch += 1
        self._next_first[kind] = place.first_no + rows
        return place


@dataclass(frozen=True, slots=True)
class Delivery:
    """A batch whose rows lie in their file, if it has any.

    It may close what it was made of: ``answers`` are numbers in the inbox, ``replayed`` numbers in quarantine.
    """

    place: Place
    source_no: int
    stream: str
    part: str
    kind: Kind
    plugin: str
    plugin_version: str
    origin: str
    landed: int
    faults: pa.Table
    cursor: str | None = None
    answers: Sequence[int] = ()
    replayed: Sequence[int] = ()


def land(store: Store, arrival: Arrival, run_no: int, places: Places | None = None) -> int:
    """Write a batch and enter it; return its number. Raise LedgerError if read is not landed plus quarantined.

    While sources are read, ``places`` is what gives places to them too: two batches must never get the same.
    """
    if arrival.read != arrival.valid.num_rows + arrival.faults.num_rows:
        raise LedgerError(
            f"source {arrival.source_no} {arrival.stream}",
            f"{arrival.read} read, but {arrival.valid.num_rows} landed and {arrival.faults.num_rows} quarantined",
            "report this: a record would be lost",
        )
    place = (places or Places(store)).take(arrival.kind, arrival.read)
    write_batch(store.landing, place, arrival.source_no, arrival.kind, arrival.valid)
    delivery = Delivery(
        place,
        arrival.source_no,
        arrival.stream,
        arrival.part,
        arrival.kind,
        arrival.plugin,
        arrival.plugin_version,
        arrival.origin,
        arrival.valid.num_rows,
        arrival.faults,
        arrival.cursor,
    )
    enter(store, delivery, run_no)
    return place.batch_no


def write_batch(folder: Path, place: Place, source_no: int, kind: Kind, valid: pa.Table) -> None:
    """Write the records of a batch to its file, numbered; nothing for a batch without any."""
    if valid.num_rows:
        write(batch_file(folder, place.batch_no), _numbered(valid, kind, source_no, place))


def enter(store: Store, delivery: Delivery, run_no: int) -> None:
    """Enter a batch in the ledger with its faults, its bookmark and the answers it was parsed from, in one transaction.

    Raise LedgerError if its file is not there, or is not of its kind.
    """
    refused = delivery.faults.num_rows
    if delivery.landed:
        file = batch_file(store.landing, delivery.place.batch_no)
        if not file.exists() or schema_of(file) != landing_schema(delivery.kind):
            raise LedgerError(str(file), f"it is no batch of {delivery.kind}", "report this")
    with store.transaction():
        store.con.execute(
            "INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'landed', NULL)",
            [
                delivery.place.batch_no,
                run_no,
                delivery.source_no,
                delivery.stream,
                delivery.part,
                delivery.kind,
                delivery.plugin,
                delivery.plugin_version,
                delivery.origin,
                delivery.place.first_no,
                delivery.landed + refused,
                delivery.landed,
                refused,
            ],
        )
        if refused:
            _quarantine(store, delivery, run_no)
        if delivery.cursor is not None:
            _bookmark(store, delivery, run_no)
        close(store, delivery.answers, delivery.replayed, run_no)


def close(store: Store, answers: Sequence[int], replayed: Sequence[int], run_no: int) -> None:
    """Note that raw answers have landed, and that refused rows have been read again."""
    if answers:
        parsed(store, answers, run_no)
    if replayed:
        store.con.execute(
            "UPDATE quarantine SET state = 'replayed', closed_run = ? "
            "WHERE quarantine_no IN (SELECT unnest(?::BIGINT[]))",
            [run_no, list(replayed)],
        )


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
    """Remove the files of batches that are settled or discarded.

    A file that the ledger does not name yet stays: it may be that of a batch which is just being written.
    """
    _unlink(store, "state NOT IN ('landed', 'held')")


def sweep_orphans(store: Store) -> None:
    """Remove also the files that no transaction ever named: the rest of a run that was killed. Nobody reads meanwhile."""
    sweep(store)
    _unlink(store, "true", named=False)


def _unlink(store: Store, which: str, *, named: bool = True) -> None:
    """Remove the files of some batches, or of those that are no batches."""
    if store.dry or not store.landed.exists():
        return
    rows = store.con.execute(f"SELECT batch_no FROM batch WHERE {which}").fetchall()
    batches = {batch_file(store.landed, batch_no) for (batch_no,) in rows}
    for file in store.landed.iterdir():
        if (file in batches) == named:
            file.unlink()


def _numbered(valid: pa.Table, kind: Kind, source_no: int, place: Place) -> pa.Table:
    """Number the rows of a batch; see :func:`unifier.contract.arrow.landing_schema`."""
    rows, schema = valid.num_rows, landing_schema(kind)
    numbers = {
        "source_no": pa.repeat(pa.scalar(source_no, pa.int16()), rows),
        "batch_no": pa.repeat(pa.scalar(place.batch_no, pa.int32()), rows),
        "landed_no": pa.array(np.arange(place.first_no, place.first_no + rows, dtype=np.int64)),
    }
    columns = {name: valid.column(name) for name in valid.column_names}
    columns["deleted"] = pc.fill_null(columns["deleted"], False)
    cast = [columns[field.name].cast(field.type) for field in schema if field.name not in numbers]
    return pa.Table.from_arrays([*numbers.values(), *cast], schema=schema)


def _quarantine(store: Store, delivery: Delivery, run_no: int) -> None:
    store.con.register("refused", delivery.faults)
    try:
        store.con.execute(
            "INSERT INTO quarantine SELECT (SELECT coalesce(max(quarantine_no), 0) FROM quarantine) + 1 + "
            "row_number() OVER (ORDER BY row_no) - 1, ?, row_no, ?, ?, record_id, ?, pointer, rule, reason, ?, ?, raw, "
            "'open', ?, NULL FROM refused",
            [
                delivery.place.batch_no,
                delivery.source_no,
                delivery.kind,
                delivery.origin,
                delivery.plugin,
                delivery.plugin_version,
                run_no,
            ],
        )
    finally:
        store.con.unregister("refused")


def _bookmark(store: Store, delivery: Delivery, run_no: int) -> None:
    key = [delivery.source_no, delivery.stream, delivery.part]
    store.con.execute("DELETE FROM bookmark WHERE source_no = ? AND stream = ? AND part = ?", key)
    store.con.execute(
        "INSERT INTO bookmark VALUES (?, ?, ?, ?, ?, ?)",
        [*key, delivery.cursor, run_no, datetime.now(UTC).replace(tzinfo=None)],
    )


def bookmarks(store: Store, source_no: int, stream: str) -> dict[str, str]:
    """Read the cursors of a stream by partition, as JSON text."""
    rows = store.con.execute(
        "SELECT part, cursor FROM bookmark WHERE source_no = ? AND stream = ?", [source_no, stream]
    ).fetchall()
    return dict(rows)
