"""Explain a person: its records, the links that join them, what was refused, and where each golden field came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from unifier.errors import UsageError
from unifier.identifiers import mask, readings, registry
from unifier.store import read_only
from unifier.tables.golden import FIELDS
from unifier.words import ROLES

PRIVATE = {"name": "name", "address": "address", "birthday": "birthday"}
"""Golden fields that are shown masked."""


@dataclass(slots=True)
class Explanation:
    """A person as `unifier explain` shows it; identifying values are masked."""

    one_id: str
    state: str
    golden: list[dict[str, Any]] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)
    links: list[dict[str, Any]] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)
    lineage: list[dict[str, Any]] = field(default_factory=list)
    contacts: list[dict[str, Any]] = field(default_factory=list)


def explain(store_path: Path, who: str) -> Explanation:
    """Explain the person that a OneID, a record (source/record_id) or an identifier value names.

    Raises UsageError when nobody is meant, or several people are, naming them.
    """
    with read_only(store_path) as con:
        found = _find(con, who)
        if not found:
            raise UsageError(
                f"explain {mask('name', who)}",
                "nobody is known by that",
                "give a OneID, source/record_id, or a value such as a phone number",
            )
        if len(found) > 1:
            ids = ", ".join(row[1] for row in found[:10])
            raise UsageError("explain", f"{len(found)} people carry that value", f"choose one: {ids}")
        person_no, one_id, state, into = found[0]
        if state == "merged":
            target = _rows(con, "SELECT person_no, one_id, state FROM person WHERE person_no = ?", [into])[0]
            person_no, one_id, state = (
                target["person_no"],
                target["one_id"],
                f"{target['state']} ({one_id} was merged into it)",
            )
        return _person(con, int(person_no), str(one_id), str(state))


def _find(con: duckdb.DuckDBPyConnection, who: str) -> list[tuple[Any, ...]]:
    by_id = con.execute("SELECT person_no, one_id, state, into_no FROM person WHERE one_id = ?", [who]).fetchall()
    if by_id:
        return by_id
    source, _, record_id = who.partition("/")
    by_record = con.execute(
        "SELECT q.person_no, q.one_id, q.state, q.into_no FROM profile p JOIN source s ON s.source_no = p.source_no "
        "JOIN assignment a ON a.node_no = 2 * p.record_no JOIN person q ON q.person_no = a.person_no WHERE s.name = ? AND p.record_id = ? "
        'UNION SELECT q.person_no, q.one_id, q.state, q.into_no FROM "order" p JOIN source s ON s.source_no = p.source_no '
        "JOIN assignment a ON a.node_no = p.node_no JOIN person q ON q.person_no = a.person_no WHERE s.name = ? AND p.record_id = ?",
        [source, record_id, source, record_id],
    ).fetchall()
    if by_record:
        return by_record
    values = sorted(
        {who} | {reading.value for reading in readings("phone", who, registry({})) if reading.state == "valid"}
    )
    return con.execute(
        "SELECT DISTINCT q.person_no, q.one_id, q.state, q.into_no FROM identifier i JOIN link l ON l.identifier_no = i.identifier_no "
        "JOIN assignment a ON a.node_no = l.node_no JOIN person q ON q.person_no = a.person_no "
        "WHERE i.value IN (SELECT unnest(?)) AND NOT l.gone ORDER BY q.one_id",
        [values],
    ).fetchall()


def _person(con: duckdb.DuckDBPyConnection, person_no: int, one_id: str, state: str) -> Explanation:
    told = Explanation(one_id, state)
    told.golden = _golden(con, person_no)
    told.records = _rows(
        con,
        "SELECT s.name AS source, 'profile' AS kind, p.record_id, p.observed_at AS last_seen, 1 AS facts FROM assignment a "
        "JOIN profile p ON a.node_no = 2 * p.record_no JOIN source s ON s.source_no = p.source_no WHERE a.person_no = ? "
        "UNION ALL SELECT s.name, 'bundle', lower(hex(b.set_hash))[:8], b.last_at, b.records FROM assignment a "
        "JOIN bundle b ON b.node_no = a.node_no JOIN source s ON s.source_no = b.source_no WHERE a.person_no = ? AND NOT b.gone ORDER BY ALL",
        [person_no, person_no],
    )
    told.links = [_linked(row) for row in _rows(con, _LINKS, [person_no])]
    told.refused = [_linked(row) for row in _rows(con, _REFUSED, [person_no])]
    told.lineage = _rows(
        con,
        "SELECT run_no, event, one_id, other_id, cause FROM lineage WHERE one_id = ? OR other_id = ? ORDER BY lineage_no",
        [one_id, one_id],
    )
    told.contacts = [
        {**row, "value": mask(row.pop("type"), row["value"])}
        for row in _rows(
            con,
            "SELECT c.channel, t.name AS type, i.value, c.verified, c.last_seen, c.reachable, c.why FROM contact c "
            "JOIN identifier i ON i.identifier_no = c.identifier_no JOIN identifier_type t ON t.type_no = i.type_no "
            "WHERE c.person_no = ? ORDER BY c.channel",
            [person_no],
        )
    ]
    return told


_NODE = (
    "SELECT a.node_no, s.name || '/' || p.record_id AS node FROM assignment a JOIN profile p ON a.node_no = 2 * p.record_no "
    "JOIN source s ON s.source_no = p.source_no WHERE a.person_no = $1 UNION ALL "
    "SELECT a.node_no, s.name || '/facts ' || lower(hex(b.set_hash))[:8] FROM assignment a JOIN bundle b ON b.node_no = a.node_no "
    "JOIN source s ON s.source_no = b.source_no WHERE a.person_no = $1"
)
_LINKS = (
    f"SELECT t.name AS type, i.scope, i.value, list(DISTINCT n.node ORDER BY n.node) AS nodes, min(l.class) AS class, "
    "bool_or(l.verified) AS verified, min(l.role) AS role, min(l.first_at) AS first_at, max(l.last_at) AS last_at, "
    f"bool_or(l.current) AS current FROM ({_NODE}) n JOIN link l ON l.node_no = n.node_no AND NOT l.gone "
    "JOIN identifier i ON i.identifier_no = l.identifier_no JOIN identifier_type t ON t.type_no = i.type_no "
    "GROUP BY t.name, i.scope, i.value ORDER BY class NULLS LAST, t.name, i.value"
)
_REFUSED = (
    f"SELECT t.name AS type, i.scope, i.value, n.node, c.refused_by, c.relation, c.class, q.one_id AS other FROM ({_NODE}) n "
    "JOIN conflict c ON c.node_no = n.node_no JOIN identifier i ON i.identifier_no = c.identifier_no "
    "JOIN identifier_type t ON t.type_no = i.type_no LEFT JOIN assignment o ON o.node_no = c.other_node "
    "LEFT JOIN person q ON q.person_no = o.person_no ORDER BY ALL"
)


def _linked(row: dict[str, Any]) -> dict[str, Any]:
    shown = {**row, "value": mask(row["type"], row["value"])}
    if isinstance(shown.get("role"), int):
        shown["role"] = ROLES[shown["role"]]
    return shown


def _golden(con: duckdb.DuckDBPyConnection, person_no: int) -> list[dict[str, Any]]:
    """List each golden field with its value and the record that gave it."""
    values = _rows(con, "SELECT * FROM golden WHERE person_no = ?", [person_no])
    origins = _rows(con, "SELECT * FROM provenance WHERE person_no = ?", [person_no])
    if not values:
        return []
    golden, origin = values[0], origins[0] if origins else {}
    told = [{"field": "member_status", "value": golden["member_status"], "from": "all records"}]
    for name, _ in FIELDS:
        if golden[name] is None:
            continue
        record = _rows(
            con,
            "SELECT s.name || '/' || p.record_id AS record FROM profile p JOIN source s ON s.source_no = p.source_no WHERE p.record_no = ?",
            [origin.get(name)],
        )
        value = mask(PRIVATE[name], str(golden[name])) if name in PRIVATE else golden[name]
        told.append({"field": name, "value": value, "from": record[0]["record"] if record else ""})
    return told


def _rows(con: duckdb.DuckDBPyConnection, sql: str, params: list[Any]) -> list[dict[str, Any]]:
    cursor = con.execute(sql, params)
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
