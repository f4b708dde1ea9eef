"""Find what a complete list no longer holds, and land a tombstone for each, unless it is too much to believe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from unifier.contract.arrow import arrow_schema
from unifier.contract.tables import EXPLODED
from unifier.store.landing import VANISHED, Arrival, Places, land, landed_view, pending
from unifier.store.store import Store
from unifier.tables import quoted
from unifier.words import Kind


@dataclass(frozen=True, slots=True)
class Whole:
    """A stream that was read whole: of a source, with records of a kind; ``most`` is the share that it may remove."""

    source_no: int
    stream: str
    kind: Kind
    most: float


@dataclass(frozen=True, slots=True)
class Vanished:
    """What a snapshot did not list: ``gone`` of ``known`` records; ``nameless`` rows were refused without an id."""

    gone: int
    known: int
    nameless: int

    def is_too_many(self, most: float) -> bool:
        """Tell whether a larger share would go than one snapshot may remove."""
        return self.gone > most * self.known


def vanish(store: Store, of: Whole, run_no: int, places: Places) -> Vanished:
    """Land a tombstone for every record of a snapshot stream that this run did not list; count them.

    A refused row still lists its record. While a refused row does not even tell its id, nothing goes: it may be any of
    them. Call it after the stream has been read whole, before it is settled.
    """
    source_no, stream, kind = of.source_no, of.stream, of.kind
    nameless = int(
        store.one(
            "SELECT count(*) FROM quarantine q JOIN batch b ON b.batch_no = q.batch_no "
            "WHERE b.run_no = ? AND b.source_no = ? AND b.stream = ? AND q.record_id IS NULL",
            [run_no, source_no, stream],
        )
    )
    # Nested lines go with their order, and an order that only its lines know goes with them.
    own = (
        " AND NOT coalesce(r.nested, false)"
        if kind in EXPLODED
        else " AND NOT coalesce(r.derived, false)" * (kind == "order")
    )
    of_stream = (
        f"FROM {quoted(kind)} r JOIN batch b ON b.batch_no = r.batch_no AND b.stream = $stream "
        f"WHERE r.source_no = $source_no AND NOT r.deleted{own}"
    )
    about = {"stream": stream, "source_no": source_no}
    known = int(store.one(f"SELECT count(*) {of_stream}", about))
    if nameless or not known:
        return Vanished(0, known, nameless)
    with pending(store, [source_no]) as found:
        landed = f"SELECT l.record_id FROM {landed_view(kind)} l JOIN batch b ON b.batch_no = l.batch_no WHERE b.stream = $stream UNION ALL "
        store.fill(
            "vanished",
            f"SELECT r.record_id, r.observed_at {of_stream} AND NOT EXISTS (SELECT 1 FROM ("
            + (landed if kind in found else "")
            + "SELECT q.record_id FROM quarantine q JOIN batch b ON b.batch_no = q.batch_no "
            "WHERE b.run_no = $run_no AND b.source_no = $source_no AND b.stream = $stream) seen WHERE seen.record_id = r.record_id)",
            {**about, "run_no": run_no},
        )
    gone = store.arrow("vanished")
    store.drop("vanished")
    if gone.num_rows:
        arrival = Arrival(
            source_no, stream, "", kind, "unifier", "", VANISHED, gone.num_rows, _tombstones(gone, kind), _NO_FAULTS
        )
        land(store, arrival, run_no, places)
    return Vanished(gone.num_rows, known, nameless)


def _tombstones(gone: pa.Table, kind: Kind) -> pa.Table:
    """Write tombstones in the shape of the contract.

    Each bears the time of the version that it ends and wins by coming later; so the same version ends it when it comes back.
    """
    rows = gone.num_rows
    given = {
        "record_id": gone.column("record_id"),
        "observed_at": gone.column("observed_at"),
        "deleted": pa.array([True] * rows),
    }
    schema = arrow_schema(kind)
    columns = [
        given[field.name].cast(field.type) if field.name in given else pa.nulls(rows, field.type) for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


_NO_FAULTS: Final = pa.table({"row_no": pa.array([], pa.int64())})
