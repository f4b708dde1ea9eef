"""Drive the real store and stages with plain records, and read back what the reference can be compared with."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from unifier.contract.records import from_dicts
from unifier.contract.tables import RECORD_TABLES
from unifier.offers.identifier import IdentifierType
from unifier.stages.extract import number
from unifier.stages.unify import UnifyPlan, unify
from unifier.store import Store, open_store
from unifier.store.landing import Arrival, land
from unifier.store.rules import Rules
from unifier.store.settle import settle
from unifier.words import Kind

SECRET = b"a key of tests"
TRUST = ("crm", "wechat")
ZONE = "Asia/Shanghai"


class Columnar:
    """The pipeline that ships, fed record by record, cut into batches and restarted as a test likes."""

    def __init__(self, path: Path, types: Mapping[str, IdentifierType], keys: Mapping[str, str]) -> None:
        self.path = path
        self.rules = Rules(types, keys, ("profile", "order"), SECRET)
        self.checker = duckdb.connect()
        self.checker.execute("SET TimeZone = 'UTC'")
        self.run_no = 0
        self.store: Store = open_store(path, threads=1)

    def reopen(self) -> None:
        """Close and open the store, as a new process would."""
        self.store.close()
        self.store = open_store(self.path, threads=1)

    def run(
        self,
        deliveries: Iterable[tuple[str, str, Sequence[Mapping[str, Any]]]],
        *,
        rebuild: bool = False,
        shuffle: random.Random | None = None,
    ) -> None:
        """Land, settle and unify; ``shuffle`` cuts batches, restarts, and mixes the order of the sources."""
        self.run_no += 1
        self.store.create(RECORD_TABLES)
        self.rules.install(self.store)
        waiting: dict[str, list[tuple[str, list[Mapping[str, Any]]]]] = {}
        for source, kind, records in deliveries:
            for batch in _cut(records, shuffle):
                waiting.setdefault(source, []).append((kind, batch))
        for source, kind, batch in _mixed(waiting, shuffle):
            if shuffle and shuffle.random() < 0.1:
                self.reopen()
                self.rules.install(self.store)
            self._land(source, kind, batch)
            if shuffle and shuffle.random() < 0.2:
                settle(self.store, self.run_no, self.rules)
        settle(self.store, self.run_no, self.rules)
        unify(self.store, UnifyPlan(self.rules, TRUST, "CNY", ZONE), self.run_no, rebuild=rebuild)

    def _land(self, source: str, kind: str, batch: Sequence[Mapping[str, Any]]) -> None:
        plain = [_plain(record) for record in batch]
        checked = from_dicts(self.checker, plain, kind)
        assert not checked.faults.num_rows, checked.faults.to_pylist()
        name: Kind = kind  # type: ignore[assignment]
        source_no = number(self.store, source)
        land(
            self.store,
            Arrival(source_no, kind, "", name, "test", "0", "test", len(plain), checked.valid, checked.faults),
            self.run_no,
        )

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Read rows as dicts."""
        cursor = self.store.con.execute(sql)
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def fact_keys(self) -> list[dict[str, Any]]:
        """List every live profile and fact with its node: source, kind, id, node_no."""
        profiles = (
            "SELECT s.name AS source, 'profile' AS kind, record_id, (2 * record_no)::INTEGER AS node_no "
            "FROM profile JOIN source s USING (source_no) WHERE NOT deleted"
        )
        parts = [profiles]
        parts += [
            f"SELECT s.name, '{kind}', record_id, node_no FROM \"{kind}\" JOIN source s USING (source_no) "
            "WHERE NOT deleted AND node_no IS NOT NULL"
            for kind in ("order", "refund", "event", "consent")
        ]
        return self.rows(" UNION ALL ".join(parts))

    def one_ids(self) -> dict[tuple[str, str, str], str]:
        """Return the OneID of every profile and fact that has one."""
        people = {
            row["node_no"]: row["one_id"]
            for row in self.rows(
                "SELECT a.node_no, p.one_id FROM assignment a JOIN person p ON p.person_no = a.person_no AND p.state = 'active'"
            )
        }
        return {
            (row["source"], row["kind"], row["record_id"]): people[row["node_no"]]
            for row in self.fact_keys()
            if row["node_no"] in people
        }

    def golden(self) -> dict[str, dict[str, Any]]:
        """Return golden rows by OneID."""
        rows = self.rows("SELECT p.one_id, g.* FROM golden g JOIN person p ON p.person_no = g.person_no")
        return {row["one_id"]: row for row in rows}

    def sales(self) -> dict[tuple[str, str, str], tuple[int, str]]:
        """Return net amount and how each order counts."""
        rows = self.rows(
            'SELECT s.name, o.record_id, f.net_amount, f.counted_as FROM sale f JOIN "order" o ON o.record_no = f.order_no '
            "JOIN source s ON s.source_no = o.source_no WHERE NOT o.deleted"
        )
        return {(row["name"], "order", row["record_id"]): (row["net_amount"], row["counted_as"]) for row in rows}

    def consents(self) -> dict[tuple[str, str, str], str]:
        """Return what people allow."""
        rows = self.rows("SELECT p.one_id, c.* FROM consent_state c JOIN person p ON p.person_no = c.person_no")
        return {(row["one_id"], row["purpose"], row["channel"]): row["status"] for row in rows}

    def contacts(self) -> dict[tuple[str, str], tuple[str, bool]]:
        """Return the best value per channel, and whether it may be used."""
        rows = self.rows(
            "SELECT p.one_id, c.channel, i.value, c.reachable FROM contact c JOIN person p ON p.person_no = c.person_no "
            "JOIN identifier i ON i.identifier_no = c.identifier_no"
        )
        return {(row["one_id"], row["channel"]): (row["value"], row["reachable"]) for row in rows}

    def generic(self) -> set[tuple[str, str, str]]:
        """Return the values that say nothing about a person."""
        rows = self.rows(
            "SELECT t.name, i.scope, i.value FROM holding h JOIN identifier i ON i.identifier_no = h.identifier_no "
            "JOIN identifier_type t ON t.type_no = i.type_no WHERE h.generic"
        )
        return {(row["name"], row["scope"], row["value"]) for row in rows}

    def lineage(self) -> list[tuple[Any, ...]]:
        """Return the lives of all OneIDs."""
        rows = self.rows("SELECT run_no, event, one_id, other_id, cause FROM lineage")
        return sorted((tuple(row.values()) for row in rows), key=str)


def _plain(record: Mapping[str, Any]) -> dict[str, Any]:
    """Write times as the contract does, and leave nulls out."""

    def written(value: Any) -> Any:
        if isinstance(value, datetime):
            return value.astimezone(UTC).isoformat()
        if isinstance(value, Mapping):
            return {key: written(inner) for key, inner in value.items() if inner is not None}
        if isinstance(value, list):
            return [written(item) for item in value]
        return value

    return {key: written(value) for key, value in record.items() if value is not None}


def _cut(records: Sequence[Mapping[str, Any]], shuffle: random.Random | None) -> list[list[Mapping[str, Any]]]:
    if not shuffle:
        return [list(records)]
    batches: list[list[Mapping[str, Any]]] = [[]]
    for record in records:
        if batches[-1] and shuffle.random() < 0.5:
            batches.append([])
        batches[-1].append(record)
    return batches


def _mixed(
    waiting: Mapping[str, list[tuple[str, list[Mapping[str, Any]]]]], shuffle: random.Random | None
) -> Iterable[tuple[str, str, list[Mapping[str, Any]]]]:
    """Yield the batches, the order within a source kept, the sources mixed."""
    left = {source: list(batches) for source, batches in waiting.items()}
    while any(left.values()):
        names = [name for name, batches in left.items() if batches]
        source = shuffle.choice(names) if shuffle else names[0]
        kind, batch = left[source].pop(0)
        yield source, kind, batch
