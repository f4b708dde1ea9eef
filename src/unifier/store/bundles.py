"""Gather facts into bundles: the linking identifiers that facts of one source carry together, in one island of time.

All orders with the same buyer id and phone are one bundle, one node of the identity graph, cut where they pause longer
than a number takes to be given to somebody else. A set that is never cut, or whose facts all lie closer together than
that, is settled from its first and last fact alone; only the others are looked at fact by fact.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from unifier.relations import Merge
from unifier.store import evidence
from unifier.store.landing import landed_view
from unifier.store.rules import Rules
from unifier.store.store import Store
from unifier.tables import quoted
from unifier.words import FACTS, Kind

FACT_TIME: Final = {"order": "ordered_at", "refund": "refunded_at", "event": "happened_at", "consent": "at"}
"""The fact's own time, by kind."""

_TEMPORARY: Final = (
    *("carrier", "carried", "carrier_hash", "carrier_set", "carrier_member", "arriving_set", "lost_fact"),
    *("touched_bundle", "touched_set", "loose_set", "loose_fact", "island_fact", "island_node", "island"),
    *("next_island", "next_bundle"),
)


def join(kind: str, alias: str) -> str:
    """Join a landing alias to the node of its bundle, as ``n``; absent for facts that point at nobody."""
    return f"LEFT JOIN bundle_of_{kind} n ON n.landed_no = {alias}.landed_no" if kind in FACTS else ""


def plan(store: Store, kinds: Sequence[Kind], run_no: int, rules: Rules) -> None:
    """Settle the bundles of what has landed; leave ``bundle_of_<kind>`` (landed_no, node_no) for each kind."""
    _carriers(store, kinds, rules)
    _sets(store, rules)
    _arriving(store, kinds)
    _touched_sets(store)
    _islands(store, rules)
    _number(store)
    store.merge(Merge("bundle", "next_bundle", "touched_bundle", ("node_no",), ("node_no",)), run_no)
    _links(store, run_no)
    _point(store, kinds, run_no)
    store.drop(*_TEMPORARY)


def _carriers(store: Store, kinds: Sequence[Kind], rules: Rules) -> None:
    """Number each distinct list of raw identifiers, and note which landed facts carry it."""
    parts = []
    for kind in kinds:
        founds = "true" if kind in rules.found else "false"
        parts.append(
            f"SELECT '{kind}' AS kind, l.source_no, l.landed_no, coalesce(f.record_no, l.landed_no) AS record_no, "
            f"l.{quoted(FACT_TIME[kind])} AS moment, {founds} AS founds, l.identifiers "
            f"FROM {landed_view(kind)} l LEFT JOIN fate_{kind} f ON f.landed_no = l.landed_no "
            "WHERE coalesce(f.fate, 'new') IN ('new', 'updated') AND NOT l.deleted AND len(l.identifiers) > 0"
        )
    arriving = " UNION ALL ".join(parts)
    store.enumerate(
        "carrier",
        "carrier_no",
        f"SELECT source_no, identifiers, min(moment) AS first_at, max(moment) AS last_at, count(*) AS records, bool_or(founds) AS founds "
        f"FROM ({arriving}) GROUP BY source_no, identifiers",
    )
    store.fill(
        "carried",
        f"SELECT a.kind, a.landed_no, a.record_no, a.moment, a.founds, c.carrier_no FROM ({arriving}) a "
        "JOIN carrier c ON c.source_no = a.source_no AND c.identifiers = a.identifiers",
    )


def _sets(store: Store, rules: Rules) -> None:
    """Read the identifiers of each carrier and hash what links into the set's name."""
    store.fill(
        "raw_member",
        f"SELECT carrier_no, i.type, i.scope, i.value, coalesce(i.verified, false) AS verified, "
        f"{evidence.ROLE_SQL.replace('role', 'i.role')} AS role "
        "FROM (SELECT carrier_no, unnest(identifiers) AS i FROM carrier)",
    )
    evidence.number(store, "raw_member", "carrier_no, verified, role", "read_member", rules)
    store.fill(
        "carrier_member",
        "SELECT m.*, c.class FROM (SELECT carrier_no, identifier_no, type_no, role, bool_or(verified) AS verified "
        "FROM read_member WHERE state = 'valid' GROUP BY carrier_no, identifier_no, type_no, role) m "
        "JOIN class_rule c ON c.type_no = m.type_no AND c.role = m.role AND c.verified = m.verified "
        "WHERE c.class IS NOT NULL",
    )
    store.fill(
        "carrier_hash",
        """
        SELECT m.carrier_no, c.source_no, unhex(sha256(CASE WHEN len(members) = 1 THEN members[1]
                   ELSE array_to_string(list_sort(members), chr(30)) END)[:32]) AS set_hash, recycle_days
        FROM (
            SELECT m.carrier_no, list(concat_ws(chr(31), t.type, i.scope, i.value, m.role, m.verified)) AS members,
                   min(t.recycle_days) AS recycle_days
            FROM carrier_member m JOIN type_rule t ON t.type_no = m.type_no
            JOIN identifier i ON i.identifier_no = m.identifier_no GROUP BY m.carrier_no
        ) m JOIN carrier c ON c.carrier_no = m.carrier_no
        """,
    )
    store.drop("raw_member", "read_member")


def _arriving(store: Store, kinds: Sequence[Kind]) -> None:
    """Number and sum up what arrives per set, and find the bundles of sets that get a fact or lose one."""
    store.enumerate(
        "arriving_set",
        "set_no",
        "SELECT h.source_no, h.set_hash, min(c.first_at) AS first_at, max(c.last_at) AS last_at, sum(c.records)::INTEGER AS records, "
        "bool_or(c.founds) AS founds, any_value(h.recycle_days) AS recycle_days, min(h.carrier_no) AS carrier_no "
        "FROM carrier_hash h JOIN carrier c ON c.carrier_no = h.carrier_no GROUP BY h.source_no, h.set_hash",
    )
    store.fill(
        "carrier_set",
        "SELECT h.carrier_no, a.set_no FROM carrier_hash h "
        "JOIN arriving_set a ON a.source_no = h.source_no AND a.set_hash = h.set_hash",
    )
    lost = [
        f"SELECT '{kind}' AS kind, r.record_no, r.node_no FROM {quoted(kind)} r WHERE r.node_no IS NOT NULL AND "
        f"r.record_no IN (SELECT record_no FROM fate_{kind} WHERE fate = 'updated')"
        for kind in kinds
    ]
    store.fill("lost_fact", " UNION ALL ".join(lost))
    # A set that only loses facts has no number yet: it gets that of its first node, from below.
    store.fill(
        "touched_bundle",
        """
        SELECT b.*, coalesce(a.set_no, -1 - min(b.node_no) OVER (PARTITION BY b.source_no, b.set_hash)) AS set_no
        FROM bundle b LEFT JOIN arriving_set a ON a.source_no = b.source_no AND a.set_hash = b.set_hash
        WHERE a.set_no IS NOT NULL OR (b.source_no, b.set_hash) IN
              (SELECT source_no, set_hash FROM bundle WHERE node_no IN (SELECT node_no FROM lost_fact))
        """
        if not store.is_empty("bundle")
        else "SELECT *, 0 AS set_no FROM bundle",
    )


def _touched_sets(store: Store) -> None:
    """Sum up every touched set, stored and arriving; ``loose_set`` are those that need their facts looked at."""
    store.fill(
        "touched_set",
        """
        SELECT coalesce(a.set_no, b.set_no) AS set_no, a.carrier_no, b.node_no, coalesce(b.islands, 0) AS islands,
               coalesce(a.records, 0) + coalesce(b.records, 0) AS records,
               coalesce(a.founds, false) OR coalesce(b.founds, false) AS founds,
               coalesce(a.recycle_days, b.recycle_days) AS recycle_days,
               least(a.first_at, b.first_at) AS first_at, greatest(a.last_at, b.last_at) AS last_at,
               coalesce(b.lossy, false) AS lossy
        FROM arriving_set a FULL JOIN (
            SELECT b.set_no, min(b.first_at) FILTER (NOT b.gone) AS first_at, arg_min(b.node_no, (b.gone, b.node_no)) AS node_no,
                   max(b.last_at) FILTER (NOT b.gone) AS last_at, count(*) FILTER (NOT b.gone) AS islands,
                   sum(b.records) FILTER (NOT b.gone) AS records, bool_or(b.founds AND NOT b.gone) AS founds,
                   bool_or(b.node_no IN (SELECT node_no FROM lost_fact)) AS lossy, min(r.recycle_days) AS recycle_days
            FROM touched_bundle b LEFT JOIN (
                SELECT l.node_no, min(t.recycle_days) AS recycle_days FROM link l JOIN type_rule t ON t.type_no = l.type_no
                WHERE l.node_no IN (SELECT node_no FROM touched_bundle) GROUP BY l.node_no
            ) r ON r.node_no = b.node_no GROUP BY b.set_no
        ) b ON b.set_no = a.set_no
        """,
    )
    store.fill(
        "loose_set",
        "SELECT set_no, recycle_days FROM touched_set WHERE lossy OR islands > 1 "
        "OR (recycle_days IS NOT NULL AND last_at - first_at > to_days(recycle_days))",
    )


def _islands(store: Store, rules: Rules) -> None:
    """Divide the facts of loose sets into islands, and find the node that each island goes on as."""
    stored = " UNION ALL ".join(
        f"SELECT '{kind}' AS kind, r.record_no, r.{quoted(FACT_TIME[kind])} AS moment, r.node_no, {'true' if kind in rules.found else 'false'} "
        f"AS founds FROM {quoted(kind)} r WHERE r.node_no IN (SELECT node_no FROM touched_bundle WHERE set_no IN "
        f"(SELECT set_no FROM loose_set)) AND r.record_no NOT IN (SELECT record_no FROM lost_fact WHERE kind = '{kind}')"
        for kind in FACTS
    )
    store.fill(
        "loose_fact",
        f"""
        SELECT s.set_no, o.recycle_days, c.kind, c.landed_no, c.record_no, c.moment, b.node_no, c.founds
        FROM carried c JOIN carrier_set s ON s.carrier_no = c.carrier_no JOIN loose_set o ON o.set_no = s.set_no
        LEFT JOIN lost_fact x ON x.kind = c.kind AND x.record_no = c.record_no
        LEFT JOIN touched_bundle b ON b.node_no = x.node_no AND b.set_no = s.set_no
        UNION ALL
        SELECT b.set_no, o.recycle_days, f.kind, NULL, f.record_no, f.moment, f.node_no, f.founds
        FROM ({stored}) f JOIN touched_bundle b ON b.node_no = f.node_no JOIN loose_set o ON o.set_no = b.set_no
        """,
    )
    store.fill(
        "island_fact",
        "SELECT set_no, kind, landed_no, record_no, moment, node_no, founds, "
        "sum(cut) OVER (PARTITION BY set_no ORDER BY moment)::INTEGER AS island FROM (SELECT *, CASE WHEN "
        "moment - lag(moment) OVER (PARTITION BY set_no ORDER BY moment) > to_days(recycle_days) THEN 1 ELSE 0 END AS cut FROM loose_fact)",
    )
    # An island keeps the node it shares most facts with; a node goes to one island only.
    store.fill(
        "island_node",
        """
        SELECT set_no, island, arg_min(node_no, (-facts, node_no)) AS node_no FROM (
            SELECT set_no, island, node_no, count(*) AS facts,
                   row_number() OVER (PARTITION BY node_no ORDER BY count(*) DESC, island) AS place
            FROM island_fact WHERE node_no IS NOT NULL GROUP BY set_no, island, node_no
        ) WHERE place = 1 GROUP BY set_no, island
        """,
    )


def _number(store: Store) -> None:
    """Make the bundles as they will stand, known nodes kept, new ones numbered oddly."""
    store.enumerate(
        "island",
        "ordinal",
        """
        SELECT set_no, 0 AS island, carrier_no, node_no, first_at, last_at, records, founds FROM touched_set
        WHERE records > 0 AND set_no NOT IN (SELECT set_no FROM loose_set)
        UNION ALL
        SELECT f.set_no, f.island, any_value(t.carrier_no),
               coalesce(any_value(n.node_no), CASE WHEN any_value(m.last) = 0 THEN any_value(t.node_no) END), min(f.moment), max(f.moment), count(*),
               bool_or(f.founds)
        FROM island_fact f LEFT JOIN island_node n ON n.set_no = f.set_no AND n.island = f.island
        JOIN touched_set t ON t.set_no = f.set_no
        JOIN (SELECT set_no, max(island) AS last FROM island_fact GROUP BY set_no) m ON m.set_no = f.set_no
        GROUP BY f.set_no, f.island
        """,
    )
    store.fill(
        "next_island",
        "SELECT coalesce(node_no, 2 * ordinal + (SELECT coalesce(max(node_no), -1) + 2 FROM bundle))::INTEGER AS node_no, "
        "set_no, island, carrier_no, first_at, last_at, records::INTEGER AS records, founds FROM island",
    )
    store.fill(
        "next_bundle",
        """
        SELECT n.node_no, coalesce(a.source_no, b.source_no) AS source_no, coalesce(a.set_hash, b.set_hash) AS set_hash,
               n.first_at AS island_from, n.first_at, n.last_at, n.records, n.founds, false AS gone
        FROM next_island n LEFT JOIN arriving_set a ON a.set_no = n.set_no
        LEFT JOIN (SELECT DISTINCT set_no, source_no, set_hash FROM touched_bundle) b ON b.set_no = n.set_no
        UNION ALL
        SELECT node_no, source_no, set_hash, island_from, first_at, last_at, records, founds, true FROM touched_bundle
        WHERE node_no NOT IN (SELECT node_no FROM next_island)
        """,
    )


def _links(store: Store, run_no: int) -> None:
    """Give every bundle the evidence of its set, for the span of its facts."""
    store.fill(
        "set_member",
        """
        SELECT n.node_no, m.identifier_no, m.type_no, m.role, m.class, m.verified, n.first_at, n.last_at
        FROM next_island n JOIN carrier_member m ON m.carrier_no = n.carrier_no
        UNION ALL
        SELECT n.node_no, l.identifier_no, l.type_no, l.role, l.class, l.verified, n.first_at, n.last_at
        FROM next_island n
        JOIN (SELECT set_no, min(node_no) AS node_no FROM touched_bundle GROUP BY set_no) b ON b.set_no = n.set_no
        JOIN link l ON l.node_no = b.node_no WHERE n.carrier_no IS NULL
        """,
    )
    store.fill(
        "next_bundle_link",
        """
        SELECT node_no, identifier_no, type_no, role, class, verified, first_at, last_at, true AS current, false AS gone
        FROM set_member
        UNION ALL
        SELECT l.node_no, l.identifier_no, l.type_no, l.role, l.class, l.verified, l.first_at, l.last_at, l.current, true
        FROM link l WHERE l.node_no IN (SELECT node_no FROM next_bundle WHERE gone)
        """,
    )
    store.merge(
        Merge("link", "next_bundle_link", "touched_bundle", ("node_no",), ("node_no", "identifier_no", "role")), run_no
    )
    store.drop("set_member", "next_bundle_link")


def _point(store: Store, kinds: Sequence[str], run_no: int) -> None:
    """Point landed facts at their nodes, and stored ones whose island changed."""
    for kind in kinds:
        store.fill(
            f"bundle_of_{kind}",
            f"""
            SELECT c.landed_no, n.node_no FROM carried c JOIN carrier_set s ON s.carrier_no = c.carrier_no
            JOIN next_island n ON n.set_no = s.set_no
            WHERE c.kind = '{kind}' AND s.set_no NOT IN (SELECT set_no FROM loose_set)
            UNION ALL
            SELECT f.landed_no, n.node_no FROM island_fact f
            JOIN next_island n ON n.set_no = f.set_no AND n.island = f.island
            WHERE f.kind = '{kind}' AND f.landed_no IS NOT NULL
            """,
        )
    for kind in FACTS:
        store.con.execute(
            f"UPDATE {quoted(kind)} AS r SET node_no = n.node_no, changed_run = {run_no} FROM island_fact f "
            "JOIN next_island n ON n.set_no = f.set_no AND n.island = f.island "
            f"WHERE f.kind = '{kind}' AND f.landed_no IS NULL AND f.record_no = r.record_no AND f.node_no <> n.node_no"
        )
