"""Settle what landed: decide the fate of every version, write the records, widen the evidence.

All versions of a record that landed are ranked by (observed_at, arrival); the greatest stands. Evidence is widened by
every version, so that the order in which they came does not matter. A settle is one transaction over all sources that
have landed: a kill leaves either all of it or nothing, and the next run settles first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from unifier.contract.arrow import landing_schema
from unifier.contract.tables import content_sql, record_table
from unifier.errors import LedgerError
from unifier.identifiers import name_key_sql
from unifier.relations import Changes
from unifier.store import bundles, evidence, nested
from unifier.store.landing import VANISHED, landed_view, pending, sweep, waiting
from unifier.store.rules import Rules
from unifier.store.store import Store
from unifier.tables import quoted
from unifier.words import FACTS, Kind

FATES: Final = ("new", "updated", "unchanged", "stale", "repeated")

CANDIDATE: Final = "hash(source_no, record_id)"
"""An engine hash only finds candidates: what it finds is compared by value."""


@dataclass(frozen=True, slots=True)
class Landed:
    """What has landed of a kind: where it lies, where its records go, how many had which fate but the simply new."""

    kind: Kind
    fates: Mapping[str, int]

    @property
    def landing(self) -> str:
        """Relation of what landed."""
        return landed_view(self.kind)

    @property
    def records(self) -> str:
        """Record table, quoted."""
        return quoted(self.kind)

    @property
    def fate(self) -> str:
        """Temporary relation with the fate of every version that is not simply new."""
        return _fate(self.kind)


def settle(store: Store, run_no: int, rules: Rules, sources: Collection[int] | None = None) -> Changes:
    """Settle what some sources, or all, have landed and do not hold, in one transaction."""
    due = waiting(sources)
    if not store.one(f"SELECT 1 FROM batch WHERE {due} LIMIT 1"):
        return Changes()
    changes = Changes()
    with pending(store, sources) as found, store.transaction():
        kinds = [Landed(kind, _fates(store, kind, numbers)) for kind, numbers in found.items()]
        facts = [landed.kind for landed in kinds if landed.kind in FACTS]
        if facts:
            bundles.plan(store, facts, run_no, rules)
        for landed in kinds:
            written = _write(store, landed, run_no)
            changes += written
            if landed.kind == "profile":
                evidence.widen(store, landed.landing, landed.fate, run_no, rules)
            nested.explode(store, landed.kind, landed.landing, landed.fate, run_no)
            _check(store, landed, written, due)
        _account(store, kinds, due, run_no)
        store.drop(*(landed.fate for landed in kinds))
        store.con.execute(f"UPDATE batch SET state = 'settled', settled_run = ? WHERE {due}", [run_no])
    if not store.dry:
        sweep(store)
    return changes


def _fate(kind: Kind) -> str:
    return f"fate_{kind}"


def _fates(store: Store, kind: Kind, sources: Sequence[int]) -> dict[str, int]:
    """Decide the fate of every version that is not simply new; count them."""
    landing, records = landed_view(kind), quoted(kind)
    known = [no for no in sources if store.one(f"SELECT 1 FROM {records} WHERE source_no = {no} LIMIT 1")]
    store.fill("again", f"SELECT h FROM (SELECT {CANDIDATE} AS h FROM {landing}) GROUP BY h HAVING count(*) > 1")
    store.fill(
        "stored",
        f"SELECT source_no, record_id, record_no, observed_at, content FROM {records} WHERE "
        + (
            f"source_no IN ({', '.join(map(str, known))}) AND "
            f"(source_no, record_id) IN (SELECT source_no, record_id FROM {landing})"
            if known
            else "false"
        ),
    )
    store.fill(
        _fate(kind),
        f"""
        SELECT l.source_no, l.record_id, l.batch_no, l.landed_no, coalesce(s.record_no, l.first_no) AS record_no,
               CASE WHEN l.copy > 1 THEN 'repeated'
                    WHEN l.place > 1 THEN 'stale'
                    WHEN s.record_no IS NULL THEN 'new'
                    WHEN l.observed_at < s.observed_at THEN 'stale'
                    WHEN l.observed_at = s.observed_at AND l.content = s.content THEN 'unchanged'
                    ELSE 'updated' END AS fate
        FROM (
            SELECT source_no, batch_no, landed_no, record_id, observed_at, content,
                   row_number() OVER (PARTITION BY source_no, record_id ORDER BY observed_at DESC, landed_no DESC) AS place,
                   row_number() OVER (PARTITION BY source_no, record_id, observed_at, content ORDER BY landed_no DESC) AS copy,
                   min(landed_no) OVER (PARTITION BY source_no, record_id) AS first_no
            FROM (SELECT source_no, batch_no, landed_no, record_id, observed_at, {content_sql(kind)} AS content FROM {landing}
                  WHERE {CANDIDATE} IN (SELECT h FROM again)
                     OR (source_no, record_id) IN (SELECT source_no, record_id FROM stored))
        ) l LEFT JOIN stored s ON s.source_no = l.source_no AND s.record_id = l.record_id
        """,
    )
    store.drop("again", "stored")
    return dict(store.con.execute(f"SELECT fate, count(*) FROM {_fate(kind)} GROUP BY fate").fetchall())


def _write(store: Store, landed: Landed, run_no: int) -> Changes:
    """Write new and updated records."""
    updated = landed.fates.get("updated", 0)
    if updated:
        _stir(store, landed, run_no)
        store.con.execute(
            f"DELETE FROM {landed.records} WHERE record_no IN (SELECT record_no FROM {landed.fate} WHERE fate = 'updated')"
        )
    computed = {
        "record_no": "coalesce(f.record_no, l.landed_no)",
        "position": "l.landed_no",
        "content": content_sql(landed.kind, "l."),
        "changed_run": str(run_no),
        "node_no": "n.node_no",
        "name_key": name_key_sql("l.name"),
        "derived": "false",
        "nested": "false",
    }
    from_landing = landing_schema(landed.kind).names
    names = record_table(landed.kind).names
    values = ", ".join(f"l.{quoted(name)}" if name in from_landing else computed[name] for name in names)
    nodes = bundles.join(landed.kind, "l") if landed.kind in FACTS else ""
    inserted = store.con.execute(
        f"INSERT INTO {landed.records} ({', '.join(map(quoted, names))}) SELECT {values} FROM {landed.landing} l "
        f"LEFT JOIN {landed.fate} f ON f.landed_no = l.landed_no {nodes} WHERE coalesce(f.fate, 'new') IN ('new', 'updated')"
    ).fetchall()
    written = int(inserted[0][0]) if inserted else 0
    return Changes(touched=written, inserted=written - updated, updated=updated)


def _stir(store: Store, landed: Landed, run_no: int) -> None:
    """Mark orders that lose a refund, or a rival under one external number, because that record now says otherwise."""
    gone = f"SELECT record_no FROM {landed.fate} WHERE fate = 'updated'"
    if landed.kind == "refund":
        store.con.execute(
            f'UPDATE "order" SET changed_run = {run_no} WHERE (source_no, record_id) IN '
            f"(SELECT (source_no, order_id) FROM refund WHERE record_no IN ({gone}))"
        )
    elif landed.kind == "order":
        store.con.execute(
            f'UPDATE "order" SET changed_run = {run_no} WHERE external_no IS NOT NULL AND (external_issuer, external_no) IN '
            f'(SELECT (external_issuer, external_no) FROM "order" WHERE external_no IS NOT NULL AND record_no IN ({gone}))'
        )


def _check(store: Store, landed: Landed, changes: Changes, due: str) -> None:
    """Hold what was written against what the ledger says has landed; raise LedgerError if they differ."""
    settled = sum(landed.fates.get(fate, 0) for fate in ("unchanged", "stale", "repeated"))
    rows = store.one(f"SELECT sum(landed) FROM batch WHERE {due} AND kind = ?", [landed.kind])
    if int(rows) - settled != changes.touched:
        raise LedgerError(
            f"kind {landed.kind}",
            f"{int(rows) - settled} records were promised, {changes.touched} written",
            "report this: the ledger does not balance",
        )


def _account(store: Store, kinds: Sequence[Landed], due: str, run_no: int) -> None:
    """Count fates by stream."""
    fates = " UNION ALL ".join(f"SELECT batch_no, fate FROM {landed.fate}" for landed in kinds)
    counted = ", ".join(f"count(*) FILTER (fate = '{fate}') AS {fate}" for fate in FATES[1:])
    store.con.execute(
        f"""
        INSERT INTO run_stream
        SELECT {run_no}, source_no, stream, '', read, landed, quarantined, landed - updated - unchanged - stale - repeated,
               updated, unchanged, stale, repeated, 0, 0, vanished, 'settled', NULL, NULL
        FROM (
            SELECT b.source_no, b.stream, sum(b.read) AS read, sum(b.landed) AS landed, sum(b.quarantined) AS quarantined,
                   coalesce(sum(b.landed) FILTER (b.origin = '{VANISHED}'), 0) AS vanished,
                   {", ".join(f"coalesce(sum(f.{fate}), 0) AS {fate}" for fate in FATES[1:])}
            FROM batch b LEFT JOIN (SELECT batch_no, {counted} FROM ({fates or "SELECT 0 AS batch_no, '' AS fate"}) GROUP BY batch_no) f
            ON f.batch_no = b.batch_no WHERE {due} GROUP BY b.source_no, b.stream
        )
        """
    )
