"""Drive the real store and stages with plain records, and read back what the reference can be compared with."""

from __future__ import annotations

import random
from collections import defaultdict
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
from unifier.store import settle as settling
from unifier.store.landing import Arrival, land, landed_view, pending
from unifier.store.rules import ROLE_NUMBERS, Rules
from unifier.store.settle import settle
from unifier.words import Kind

SECRET = b"a key of tests"
TRUST = ("crm", "wechat")
ZONE = "Asia/Shanghai"
ROLES = {number: role for role, number in ROLE_NUMBERS.items()}

DERIVED = ("assignment", "person", "golden", "contact", "consent_state", "sale", "holding", "conflict")
"""Tables that unify derives from the evidence."""

Key = tuple[str, str, str]
"""Source, kind, record id."""

NOBODY: frozenset[Key] = frozenset({("nobody", "profile", "-1-0")})
"""Stands for a node that is said to live, and does not."""


class Columnar:
    """The pipeline that ships, fed record by record, cut into batches and restarted as a test likes."""

    def __init__(self, path: Path, types: Mapping[str, IdentifierType], keys: Mapping[str, str]) -> None:
        self.path = path
        self.rules = Rules(types, keys, ("profile", "order"), SECRET)
        self.checker = duckdb.connect()
        self.checker.execute("SET TimeZone = 'UTC'")
        self.run_no = 0
        self.fates: list[tuple[str, str]] = []
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
        settle_once: bool = False,
    ) -> None:
        """Land, settle and unify; ``shuffle`` cuts batches, restarts, settles in between and mixes the sources.

        With ``settle_once`` nothing is settled in between, and ``fates`` tells what became of every version.
        """
        self.run_no += 1
        self.store.create(RECORD_TABLES)
        self.rules.install(self.store)
        waiting: dict[str, list[tuple[str, list[Mapping[str, Any]]]]] = {}
        for source, kind, records in deliveries:
            for batch in _cut(records, shuffle):
                waiting.setdefault(source, []).append((kind, batch))
        batches = sum(map(len, waiting.values()))
        for source, kind, batch in _mixed(waiting, shuffle):
            if shuffle and shuffle.random() < min(0.1, 1 / batches):
                self.reopen()
                self.rules.install(self.store)
            self._land(source, kind, batch)
            if shuffle and not settle_once and shuffle.random() < min(0.2, 2 / batches):
                settle(self.store, self.run_no, self.rules)
        if settle_once:
            self.fates = self._fates()
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

    def _fates(self) -> list[tuple[str, str]]:
        """Return the record id and the fate of every version that is about to be settled."""
        found: list[tuple[str, str]] = []
        with pending(self.store) as sources:
            for kind, numbers in sources.items():
                settling._fates(self.store, kind, numbers)
                sql = (
                    f"SELECT l.record_id, coalesce(f.fate, 'new') FROM {landed_view(kind)} l "
                    f"LEFT JOIN fate_{kind} f ON f.landed_no = l.landed_no"
                )
                found += self.store.con.execute(sql).fetchall()
        return found

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

    def records(self) -> dict[Key, tuple[datetime, bool]]:
        """Return when the newest version of every record was observed, and whether it is a tombstone."""
        parts = [
            f"SELECT s.name, '{kind}' AS kind, record_id, observed_at, deleted FROM \"{kind}\" "
            "JOIN source s USING (source_no)"
            for kind in ("profile", "order", "refund", "event", "consent")
        ]
        found = self.rows(" UNION ALL ".join(parts))
        return {
            (row["name"], row["kind"], row["record_id"]): (row["observed_at"].replace(tzinfo=UTC), row["deleted"])
            for row in found
        }

    def nodes(self) -> dict[int, frozenset[Key]]:
        """Return the keys of the profile, or of the facts, that each node stands for."""
        found: dict[int, set[Key]] = {}
        for row in self.fact_keys():
            found.setdefault(row["node_no"], set()).add((row["source"], row["kind"], row["record_id"]))
        return {node: frozenset(keys) for node, keys in found.items()}

    def evidence(self) -> dict[tuple[Any, ...], tuple[Any, ...]]:
        """Return what live nodes carry: (node, type, scope, value, role) to (class, verified, first, last, current)."""
        nodes = defaultdict(lambda: NOBODY, self.nodes())
        rows = self.rows(
            "SELECT l.node_no, t.name, i.scope, i.value, l.role, l.class, l.verified, l.first_at, l.last_at, l.current "
            "FROM link l JOIN identifier i USING (identifier_no) JOIN identifier_type t ON t.type_no = i.type_no WHERE NOT l.gone"
        )
        return {
            (nodes[row["node_no"]], row["name"], row["scope"], row["value"], ROLES[row["role"]]): (
                row["class"],
                row["verified"],
                row["first_at"].replace(tzinfo=UTC),
                row["last_at"].replace(tzinfo=UTC),
                row["current"],
            )
            for row in rows
        }

    def conflicts(self) -> dict[tuple[Any, ...], tuple[int, str]]:
        """Return the refused links: (node, type, scope, value) to class and reason."""
        nodes = defaultdict(lambda: NOBODY, self.nodes())
        rows = self.rows(
            "SELECT c.node_no, t.name, i.scope, i.value, c.class, c.refused_by FROM conflict c "
            "JOIN identifier i USING (identifier_no) JOIN identifier_type t ON t.type_no = i.type_no"
        )
        return {
            (nodes[row["node_no"]], row["name"], row["scope"], row["value"]): (row["class"], row["refused_by"])
            for row in rows
        }

    def provenance(self) -> dict[str, dict[str, Key]]:
        """Return the profile that gave each golden field, by OneID."""
        keys = {
            row["record_no"]: (row["name"], "profile", row["record_id"])
            for row in self.rows("SELECT record_no, s.name, record_id FROM profile JOIN source s USING (source_no)")
        }
        rows = self.rows("SELECT p.one_id, v.* FROM provenance v JOIN person p ON p.person_no = v.person_no")
        return {
            row["one_id"]: {
                name: keys[number]
                for name, number in row.items()
                if name not in {"one_id", "person_no", "changed_run"} and number is not None
            }
            for row in rows
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
        if batches[-1] and shuffle.random() < min(0.5, 2 / len(records)):
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
