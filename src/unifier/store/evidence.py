"""Turn raw identifiers into numbered values and profile evidence."""

from __future__ import annotations

from unifier.identifiers import is_clean_sql, keyed_sql, pads, readings_sql
from unifier.relations import Changes, Merge
from unifier.store.rules import Rules
from unifier.store.store import Store

ROLE_SQL = "CASE coalesce(role, 'own') WHEN 'own' THEN 0 WHEN 'staff' THEN 1 WHEN 'receiver' THEN 2 ELSE 3 END::TINYINT"


def number(store: Store, raw: str, keep: str, read: str, rules: Rules) -> None:
    """Read raw identifiers and number the values that are new.

    ``raw`` has the columns ``keep``, type, scope, value; the temporary relation ``read`` gets ``keep``, type_no,
    identifier_no, state, one row for each thing a value says.
    """
    sensitive = ", ".join(f"'{name}'" for name, kind in rules.types.items() if kind.sensitive) or "''"
    value = f"CASE WHEN t.type IN ({sensitive}) AND state = 'valid' THEN {keyed_sql('value')}[:32] ELSE value END"
    # The expression is long: written for the types that occur, it binds in a tenth of the time.
    present = {row[0] for row in store.con.execute(f"SELECT DISTINCT type FROM {raw}").fetchall()}
    types = {name: kind for name, kind in rules.types.items() if name in present}
    readings = readings_sql("type", "value", types, rules.keys)
    clean = is_clean_sql("type", "value", types)
    columns = f"{keep}, type, scope, value"
    # The few values that are not clean make vectors of their own: among others they would cost as if all were like them.
    store.fill("unclean", f"SELECT {columns} FROM {raw} WHERE value IS NOT NULL AND NOT {clean}")
    store.fill(
        "reading",
        f"""
        SELECT {keep}, t.type_no, CASE WHEN t.scoped THEN coalesce(scope, '') ELSE '' END AS scope, {value} AS value, state
        FROM (SELECT {keep}, scope, unnest(readings, recursive := true) FROM (
            SELECT {keep}, scope, {readings} AS readings
            FROM (SELECT {columns} FROM {raw} WHERE {clean} UNION ALL SELECT {columns} FROM unclean)
        )) r
        JOIN type_rule t ON t.type = r.type
        """,
        pads(rules.secret),
    )
    store.enumerate(
        "unnumbered",
        "ordinal",
        "SELECT type_no, scope, value, min(state) AS state FROM reading GROUP BY ALL"
        if store.is_empty("identifier")
        else "SELECT type_no, scope, value, min(state) AS state FROM reading r WHERE NOT EXISTS (SELECT 1 FROM identifier i "
        "WHERE i.type_no = r.type_no AND i.scope = r.scope AND i.value = r.value) GROUP BY ALL",
    )
    store.con.execute(
        "INSERT INTO identifier SELECT (SELECT coalesce(max(identifier_no), -1) + 1 FROM identifier) + ordinal, "
        "type_no, scope, value, state FROM unnumbered"
    )
    store.fill(
        read,
        f"SELECT {keep}, i.type_no, i.identifier_no, i.state FROM reading r JOIN identifier i "
        "ON i.type_no = r.type_no AND i.scope = r.scope AND i.value = r.value",
    )
    store.drop("reading", "unnumbered", "unclean")


def widen(store: Store, landing: str, fate: str, run_no: int, rules: Rules) -> Changes:
    """Widen the evidence of profiles by every version that landed; return what changed in ``link``."""
    store.fill(
        "raw_evidence",
        f"""
        SELECT node_no, winner, verified, role, least(first_at, observed_at) AS first_at, observed_at AS last_at, type, scope, value
        FROM (
            SELECT node_no, winner, observed_at, i.type, i.scope, i.value, coalesce(i.verified, false) AS verified,
                   {ROLE_SQL.replace("role", "i.role")} AS role,
                   coalesce(i.since, registered_at, observed_at) AS first_at
            FROM (
                SELECT (2 * coalesce(f.record_no, l.landed_no))::INTEGER AS node_no,
                       coalesce(f.fate, 'new') IN ('new', 'updated') AS winner,
                       registered_at, observed_at, unnest(identifiers) AS i
                FROM {landing} l LEFT JOIN {fate} f ON f.landed_no = l.landed_no
                WHERE coalesce(f.fate, 'new') NOT IN ('repeated', 'unchanged') AND NOT deleted
            )
        )
        """,
    )
    number(store, "raw_evidence", "node_no, winner, verified, role, first_at, last_at", "read_evidence", rules)
    store.fill(
        "touched_profile",
        f"""
        SELECT (2 * f.record_no)::INTEGER AS node_no, bool_or(f.fate IN ('new', 'updated')) AS settled,
               any_value(p.deleted) AS gone
        FROM {fate} f JOIN profile p ON p.record_no = f.record_no
        WHERE f.fate IN ('new', 'updated', 'stale') GROUP BY f.record_no
        """,
    )
    _next_links(store)
    changes = store.merge(
        Merge("link", "next_link", "touched_profile", ("node_no",), ("node_no", "identifier_no", "role")), run_no
    )
    store.drop("raw_evidence", "read_evidence", "touched_profile", "next_link")
    return changes


def _next_links(store: Store) -> None:
    """Fold stored and new evidence into one row per (node, value, role).

    Only records that were known, or that landed more than once, can have anything to fold with: ``touched_profile``.
    """
    store.fill(
        "next_link",
        """
        SELECT e.node_no, e.identifier_no, e.type_no, e.role, CASE WHEN e.state = 'valid' THEN c.class END AS class,
               e.verified, e.first_at, e.last_at, e.current, e.gone
        FROM (
            SELECT r.node_no, identifier_no, any_value(type_no) AS type_no, role, any_value(state) AS state,
                   bool_or(verified) AS verified, min(first_at) AS first_at, max(last_at) AS last_at,
                   bool_or(CASE WHEN coalesce(t.settled, true) THEN winner ELSE current END) AS current,
                   bool_or(coalesce(t.gone, false)) AS gone
            FROM (
                SELECT node_no, identifier_no, type_no, role, state, verified, first_at, last_at, winner,
                       false AS current FROM read_evidence
                UNION ALL
                SELECT l.node_no, l.identifier_no, l.type_no, l.role, i.state, l.verified, l.first_at, l.last_at,
                       false AS winner, l.current
                FROM link l JOIN identifier i ON i.identifier_no = l.identifier_no
                WHERE l.node_no IN (SELECT node_no FROM touched_profile)
            ) r LEFT JOIN touched_profile t ON t.node_no = r.node_no
            GROUP BY r.node_no, identifier_no, role
        ) e
        JOIN class_rule c ON c.type_no = e.type_no AND c.role = e.role AND c.verified = e.verified
        """,
    )
