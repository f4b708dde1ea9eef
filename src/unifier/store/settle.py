"""Settle what landed: decide the fate of every version, write the records, widen the evidence.

All versions of a record that landed are ranked by (observed_at, arrival); the greatest stands. Evidence is widened by
every version, so that the order in which they came does not matter. One source is one transaction: a kill leaves
either all of it or nothing, and the next run settles first.
"""

from __future__ import annotations

from dataclasses import dataclass

from unifier.contract.tables import landing_table, record_table
from unifier.errors import LedgerError
from unifier.identifiers import name_key_sql
from unifier.relations import Changes
from unifier.store import bundles, evidence, nested
from unifier.store.landing import landing_name
from unifier.store.rules import Rules
from unifier.store.store import Store
from unifier.tables import quoted
from unifier.words import FACTS, KINDS, Kind

FATES = ("new", "updated", "unchanged", "stale", "repeated")


@dataclass(frozen=True, slots=True)
class Landed:
    """What a source has landed of a kind: where it lies, and where its records go."""

    kind: Kind
    source_no: int

    @property
    def landing(self) -> str:
        """Landing table, quoted."""
        return quoted(landing_name(self.kind, self.source_no))

    @property
    def records(self) -> str:
        """Record table, quoted."""
        return quoted(self.kind)

    @property
    def fate(self) -> str:
        """Temporary relation with the fate of every version that is not simply new."""
        return f"fate_{self.kind}"


def settle(store: Store, source_no: int, run_no: int, rules: Rules) -> Changes:
    """Settle everything a source has landed and that is not held, in one transaction."""
    kinds = [
        Landed(kind, source_no)
        for kind in KINDS
        if store.one("SELECT 1 FROM duckdb_tables() WHERE table_name = ?", [landing_name(kind, source_no)])
    ]
    changes = Changes()
    with store.transaction():
        for landed in kinds:
            _fates(store, landed)
        facts = [landed for landed in kinds if landed.kind in FACTS]
        if facts:
            bundles.plan(store, source_no, [landed.kind for landed in facts], run_no, rules)
        for landed in kinds:
            written = _write(store, landed, run_no)
            changes += written
            if landed.kind == "profile":
                evidence.widen(store, landed.landing, landed.fate, run_no, rules)
            nested.explode(store, landed.kind, landed.landing, landed.fate, source_no, run_no)
            _account(store, landed, written, run_no)
        for landed in kinds:
            store.con.execute(f"DROP TABLE {landed.landing}")
            store.drop(landed.fate)
        store.con.execute(
            "UPDATE batch SET state = 'settled', settled_run = ? WHERE state = 'landed' AND source_no = ?",
            [run_no, source_no],
        )
    return changes


def _fates(store: Store, landed: Landed) -> None:
    # An engine hash only finds candidates: what it finds is compared by value below.
    store.fill(
        "again", f"SELECT h FROM (SELECT hash(record_id) AS h FROM {landed.landing}) GROUP BY h HAVING count(*) > 1"
    )
    known = store.one(f"SELECT 1 FROM {landed.records} WHERE source_no = {landed.source_no} LIMIT 1")
    store.fill(
        "stored",
        f"SELECT record_id, record_no, observed_at, content FROM {landed.records} "
        f"WHERE source_no = {landed.source_no} AND record_id IN (SELECT record_id FROM {landed.landing})"
        if known
        else f"SELECT record_id, record_no, observed_at, content FROM {landed.records} WHERE false",
    )
    store.fill(
        landed.fate,
        f"""
        SELECT l.batch_no, l.landed_no, coalesce(s.record_no, l.first_no) AS record_no,
               CASE WHEN l.copy > 1 THEN 'repeated'
                    WHEN l.place > 1 THEN 'stale'
                    WHEN s.record_no IS NULL THEN 'new'
                    WHEN l.observed_at < s.observed_at THEN 'stale'
                    WHEN l.observed_at = s.observed_at AND l.content = s.content THEN 'unchanged'
                    ELSE 'updated' END AS fate
        FROM (
            SELECT batch_no, landed_no, record_id, observed_at, content,
                   row_number() OVER (PARTITION BY record_id ORDER BY observed_at DESC, landed_no DESC) AS place,
                   row_number() OVER (PARTITION BY record_id, observed_at, content ORDER BY landed_no DESC) AS copy,
                   min(landed_no) OVER (PARTITION BY record_id) AS first_no
            FROM {landed.landing}
            WHERE hash(record_id) IN (SELECT h FROM again) OR record_id IN (SELECT record_id FROM stored)
        ) l LEFT JOIN stored s ON s.record_id = l.record_id
        """,
    )
    store.drop("again", "stored")


def _write(store: Store, landed: Landed, run_no: int) -> Changes:
    _stir(store, landed, run_no)
    store.con.execute(
        f"DELETE FROM {landed.records} WHERE record_no IN (SELECT record_no FROM {landed.fate} WHERE fate = 'updated')"
    )
    from_landing = set(landing_table(landed.kind).names)
    computed = {
        "record_no": "coalesce(f.record_no, l.landed_no)",
        "source_no": str(landed.source_no),
        "position": "l.landed_no",
        "changed_run": str(run_no),
        "node_no": "n.node_no",
        "name_key": name_key_sql("l.name"),
        "derived": "false",
        "nested": "false",
    }
    names = record_table(landed.kind).names
    values = ", ".join(f"l.{quoted(name)}" if name in from_landing else computed[name] for name in names)
    nodes = bundles.join(landed.kind, "l") if landed.kind in FACTS else ""
    inserted = store.con.execute(
        f"INSERT INTO {landed.records} ({', '.join(map(quoted, names))}) SELECT {values} FROM {landed.landing} l "
        f"LEFT JOIN {landed.fate} f ON f.landed_no = l.landed_no {nodes} WHERE coalesce(f.fate, 'new') IN ('new', 'updated')"
    ).fetchone()
    written = int(inserted[0]) if inserted else 0
    updated = int(store.one(f"SELECT count(*) FROM {landed.fate} WHERE fate = 'updated'"))
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


def _account(store: Store, landed: Landed, changes: Changes, run_no: int) -> None:
    """Count fates by stream, and hold the sum against what was written; raise LedgerError if they differ."""
    ours = f"source_no = {landed.source_no} AND kind = '{landed.kind}' AND state = 'landed'"
    store.fill(
        "accounted",
        f"""
        SELECT b.source_no, b.stream, sum(b.read) AS read, sum(b.landed) AS landed, sum(b.quarantined) AS quarantined,
               coalesce(sum(f.updated), 0) AS updated, coalesce(sum(f.unchanged), 0) AS unchanged,
               coalesce(sum(f.stale), 0) AS stale, coalesce(sum(f.repeated), 0) AS repeated
        FROM batch b LEFT JOIN (
            SELECT batch_no, count(*) FILTER (fate = 'updated') AS updated,
                   count(*) FILTER (fate = 'unchanged') AS unchanged, count(*) FILTER (fate = 'stale') AS stale,
                   count(*) FILTER (fate = 'repeated') AS repeated
            FROM {landed.fate} GROUP BY batch_no
        ) f ON f.batch_no = b.batch_no
        WHERE {ours} GROUP BY b.source_no, b.stream
        """,
    )
    store.con.execute(
        f"INSERT INTO run_stream SELECT {run_no}, source_no, stream, '', read, landed, quarantined, "
        "landed - updated - unchanged - stale - repeated, updated, unchanged, stale, repeated, 0, 0, 0, 'settled', NULL, NULL "
        "FROM accounted"
    )
    promised = int(store.one("SELECT coalesce(sum(landed - unchanged - stale - repeated), 0) FROM accounted"))
    store.drop("accounted")
    if promised != changes.touched:
        raise LedgerError(
            f"source {landed.source_no} {landed.kind}",
            f"{promised} records were promised, {changes.touched} written",
            "report this: the ledger does not balance",
        )
