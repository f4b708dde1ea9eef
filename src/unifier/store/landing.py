"""Land a batch: rows, quarantine, bookmark and counters in one short transaction.

Every source has a landing table of its own per kind, made on demand and dropped when it is settled, so that a held
source keeps what it landed and stands in nobody's way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from unifier.contract.tables import content_sql, landing_table
from unifier.errors import LedgerError
from unifier.store.store import Store
from unifier.tables import quoted
from unifier.words import Kind

ROWS_A_SCAN = 20_000


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


def landing_name(kind: str, source_no: int) -> str:
    """Name the landing table of a source's kind."""
    return f"landing_{kind}_{source_no}"


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
            _append(store, arrival, batch_no, first_no)
        if refused:
            _quarantine(store, arrival, batch_no, run_no)
        if arrival.cursor is not None:
            _bookmark(store, arrival, run_no)
    return batch_no


def _append(store: Store, arrival: Arrival, batch_no: int, first_no: int) -> None:
    table = landing_table(arrival.kind)
    name = landing_name(arrival.kind, arrival.source_no)
    store.create([replace(table, name=name)])
    numbered = arrival.valid.append_column(
        "landed_no", pa.array(np.arange(first_no, first_no + arrival.valid.num_rows, dtype=np.int64))
    )
    computed = {"batch_no": str(batch_no), "content": content_sql(arrival.kind), "deleted": "coalesce(deleted, false)"}
    columns = ", ".join(map(quoted, table.names))
    values = ", ".join(computed.get(column, quoted(column)) for column in table.names)
    # A scan of Arrow runs one thread a batch: small ones keep all of them at work on the content hash.
    store.con.register(
        "arriving", pa.Table.from_batches(numbered.to_batches(max_chunksize=ROWS_A_SCAN), numbered.schema)
    )
    try:
        store.con.execute(f"INSERT INTO {quoted(name)} ({columns}) SELECT {values} FROM arriving")
    finally:
        store.con.unregister("arriving")


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
