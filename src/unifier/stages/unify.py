"""Unify: from changed evidence to persons, golden records, consent, contacts and sales, in one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from unifier.golden import steps as golden_steps
from unifier.golden.survivorship import FieldRule
from unifier.identifiers import derivations
from unifier.identity import components, graph
from unifier.identity import steps as identity_steps
from unifier.relations import Changes, Merge
from unifier.store import Store
from unifier.store.rules import Rules
from unifier.tables.golden import GOLDEN_TABLES

READER = "unify"

READ_IN_THE_END = frozenset(
    {
        *("reach_node", "reach_node_all", "canon", "member", "leaving", "holding_scope"),
        *("next_component", "next_holding", "next_assignment", "next_conflict"),
        *("next_person", "next_person_end", "next_lineage", "touched_person"),
    }
)
"""What is merged into the store, the scopes of that, and what golden records are made of."""


@dataclass(frozen=True, slots=True)
class UnifyPlan:
    """What unify needs to know of the configuration."""

    rules: Rules
    trust: Sequence[str]
    currency: str
    zone: str
    engine: str = "auto"
    fields: Mapping[str, FieldRule] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        """Hash of everything that makes all persons due again."""
        fields = sorted(self.fields.items())
        body = f"{self.rules.hash}|{list(self.trust)}|{self.currency}|{self.zone}|{fields}"
        return hashlib.sha256(body.encode()).hexdigest()[:16]


PEOPLE_A_PASS = 1_250_000
"""What grouping texts by person holds in memory must not grow with the number of people."""
POINTS_A_PASS = 6_000_000
"""The same for the numbers that contacts are chosen from."""


def unify(store: Store, plan: UnifyPlan, run_no: int, *, rebuild: bool = False) -> Changes:
    """Bring persons and golden records up to date with the evidence; return what was touched and written."""
    store.create(GOLDEN_TABLES)
    with store.transaction():
        done, _, known = store.mark(READER)
        plan.rules.install(store)
        if known not in {None, plan.hash}:
            _reclassify(store)
        since = 0 if rebuild or known != plan.hash else done
        names = dict(store.con.execute("SELECT name, source_no FROM source").fetchall())
        store.bring("source_rank", golden_steps.source_rank(names, plan.trust, plan.fields))
        store.bring("channel_rule", _channel_rule(store, plan.rules))
        _sales(store, plan, since, run_no)
        _derive(store, plan.rules, run_no)
        changes = _persons(store, plan, since, run_no)
        changes += _golden(store, plan, since, run_no)
        store.set_mark(READER, run_no, None, plan.hash)
    return changes


def _reclassify(store: Store) -> None:
    """Give every link the class that the present rules give it."""
    store.con.execute(
        "UPDATE link SET class = CASE WHEN i.state = 'valid' THEN c.class END FROM class_rule c, identifier i "
        "WHERE c.type_no = link.type_no AND c.role = link.role AND c.verified = link.verified "
        "AND i.identifier_no = link.identifier_no"
    )


def _channel_rule(store: Store, rules: Rules) -> pa.Table:
    numbers = dict(store.con.execute("SELECT name, type_no FROM identifier_type").fetchall())
    rows = [(numbers[kind.name], channel) for kind in rules.types.values() for channel in kind.channels]
    return pa.table(
        {
            "type_no": pa.array([row[0] for row in rows], pa.int16()),
            "channel": pa.array([row[1] for row in rows], pa.string()),
        }
    )


def _sales(store: Store, plan: UnifyPlan, since: int, run_no: int) -> None:
    store.run(golden_steps.sales(since, plan.currency, plan.zone))
    store.merge(Merge("sale", "next_sale", "sale_scope" if since else "", ("order_no",), ("order_no",)), run_no)
    store.drop("next_sale", "sale_order", "sale_rival", "sale_second", "sale_refund", "sale_scope")


def _derive(store: Store, rules: Rules, run_no: int) -> None:
    """Connect plain values with the hashes that some source carries of them."""
    done = store.mark("derive")[0]
    last = int(store.one("SELECT coalesce(max(identifier_no), -1) + 1 FROM identifier"))
    for derivation in derivations(rules.keys):
        store.fill(
            "hashed",
            "SELECT i.identifier_no, i.value FROM identifier i JOIN identifier_type t ON t.type_no = i.type_no "
            "WHERE t.name = $type AND i.scope = $scope AND i.state = 'valid'",
            {"type": derivation.to_type, "scope": derivation.to_scope},
        )
        if store.is_empty("hashed"):
            continue
        fresh = store.one(f"SELECT 1 FROM hashed WHERE identifier_no >= {done} LIMIT 1")
        store.fill(
            "plain",
            "SELECT i.identifier_no, i.value FROM identifier i JOIN identifier_type t ON t.type_no = i.type_no "
            f"WHERE t.name = $type AND i.state = 'valid' AND i.identifier_no >= {0 if fresh else done}",
            {"type": derivation.from_type},
        )
        sql = derivation.sql("value")
        if sql is not None:
            _stand_for(store, f"(SELECT identifier_no, {sql} AS value FROM plain)", derivation.rule, run_no)
        else:
            for piece in store.pieces("plain"):
                store.bring("digest", piece.set_column(1, "value", derivation.column(piece["value"])))
                _stand_for(store, "digest", derivation.rule, run_no)
        store.drop("plain", "digest")
    store.drop("hashed")
    store.set_mark("derive", last)


def _stand_for(store: Store, digests: str, rule: str, run_no: int) -> None:
    """Connect plain values, given with their digests, with the hashed values that are equal to these."""
    store.con.execute(
        f"INSERT INTO derived SELECT p.identifier_no, h.identifier_no, $rule, $run FROM {digests} p "
        "JOIN hashed h ON h.value = p.value WHERE h.identifier_no NOT IN (SELECT to_no FROM derived)",
        {"rule": rule, "run": run_no},
    )


def _persons(store: Store, plan: UnifyPlan, since: int, run_no: int) -> Changes:
    found = (
        *identity_steps.reach(since),
        *identity_steps.evidence(since, profile_founds="profile" in plan.rules.found),
        *identity_steps.values(since),
        *identity_steps.conflicts(),
    )
    resolved = (*identity_steps.limits(), *identity_steps.persons(plan.rules.secret, run_no))
    store.run(
        found, keep={*READ_IN_THE_END, "contested_edge", "conflict_pair", *(n for s in resolved for n in s.reads)}
    )
    engine = graph.resolve if plan.engine == "networkx" else components.resolve
    with store.lean():
        for name, columns in zip(
            ("resolved", "refused"), engine(store.arrow("contested_edge"), store.arrow("conflict_pair")), strict=True
        ):
            store.bring(name, columns)
    store.run(resolved, keep=READ_IN_THE_END)
    store.drop(*(step.writes for step in reversed(found) if step.writes not in READ_IN_THE_END), "resolved", "refused")
    store.see("raw_component", "SELECT node_no, component_no FROM next_component")
    store.see("raw_holding", "SELECT * FROM next_holding")
    everywhere = not since
    reach = "" if everywhere else "reach_node_all"
    changes = store.merge(Merge("assignment", "next_assignment", reach, ("node_no",), ("node_no",)), run_no)
    store.merge(
        Merge(
            "holding",
            "raw_holding",
            "" if everywhere else "holding_scope",
            ("identifier_no",),
            ("identifier_no", "holding"),
        ),
        run_no,
    )
    store.merge(Merge("component", "raw_component", reach, ("node_no",), ("node_no",)), run_no)
    store.merge(
        Merge("conflict", "next_conflict", reach, ("node_no",), ("node_no", "identifier_no", "holding")), run_no
    )
    _lives(store, run_no)
    return changes


def _lives(store: Store, run_no: int) -> None:
    """Write what became of the ids: persons, what the ended ones held, and the lineage."""
    store.fill("lineage_line", "SELECT * FROM next_lineage")
    store.con.execute("DELETE FROM person_end WHERE person_no IN (SELECT person_no FROM next_person)")
    store.con.execute(
        "INSERT INTO person_end SELECT person_no, node_no, anchors, money, records, run_no FROM next_person_end"
    )
    store.con.execute(
        "INSERT INTO lineage SELECT (SELECT coalesce(max(lineage_no), 0) FROM lineage) + "
        "row_number() OVER (ORDER BY event, one_id, other_id), $run, event, one_id, other_id, cause, NULL FROM lineage_line",
        {"run": run_no},
    )
    store.merge(Merge("person", "next_person", "touched_person", ("person_no",), ("person_no",)), run_no)


def _golden(store: Store, plan: UnifyPlan, since: int, run_no: int) -> Changes:
    """Make golden records, consent and contacts of everybody in reach anew, a few million people at a time."""
    if since:
        store.fill(
            "golden_due",
            f"""
            SELECT person_no FROM member WHERE person_no IS NOT NULL
            UNION SELECT person_no FROM leaving
            UNION SELECT person_no FROM next_assignment WHERE person_no IS NOT NULL
            UNION SELECT a.person_no FROM consent c JOIN assignment a ON a.node_no = c.node_no
                  WHERE c.changed_run > {since} AND a.person_no IS NOT NULL
            """,
        )
    else:
        store.see("golden_due", "SELECT person_no FROM person")
    changes = Changes(touched=store.count("golden_due"))
    for within in _passes(store, changes.touched, PEOPLE_A_PASS):
        store.fill("golden_scope", f"SELECT person_no FROM golden_due WHERE {within}")
        changes += _records(store, plan, run_no)
    for within in _passes(store, changes.touched, POINTS_A_PASS):
        store.fill("golden_scope", f"SELECT person_no FROM golden_due WHERE {within}")
        _contacts(store, run_no)
    return changes


def _passes(store: Store, people: int, most: int) -> list[str]:
    """Divide the persons of ``golden_due`` by their numbers into passes of about ``most``; none if there is nobody."""
    if not people:
        return []
    last = int(store.one("SELECT max(person_no) FROM golden_due"))
    width = (last + 1) * most // people + 1 if people > most else last + 1
    return [f"person_no BETWEEN {first} AND {first + width - 1}" for first in range(0, last + 1, width)]


def _records(store: Store, plan: UnifyPlan, run_no: int) -> Changes:
    """Make the golden records of the persons of ``golden_scope``: texts, of which a grouping holds all in memory."""
    by_person, scope = ("person_no",), "golden_scope"
    store.run(golden_steps.golden(plan.fields))
    changes = store.merge(Merge("golden", "next_golden", scope, by_person, by_person), run_no)
    store.merge(Merge("provenance", "next_provenance", scope, by_person, by_person), run_no)
    store.drop("next_golden", "next_provenance", "ranked", "survived", "card", "bundled", "many_profiles", "profile_of")
    return changes


def _contacts(store: Store, run_no: int) -> None:
    """Make consent states and contacts of the persons of ``golden_scope``: numbers, of which a grouping can spill."""
    by_person, scope = ("person_no",), "golden_scope"
    store.run(golden_steps.contacts())
    store.merge(
        Merge("consent_state", "next_consent_state", scope, by_person, (*by_person, "purpose", "channel")), run_no
    )
    store.merge(Merge("contact", "next_contact", scope, by_person, (*by_person, "channel")), run_no)
    store.drop(
        "next_contact", "best_point", "reach_point", "next_consent_state", "lifted", "contact_point", "statement"
    )
    store.drop("scope_node")
