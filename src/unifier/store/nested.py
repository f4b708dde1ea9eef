"""Take apart what a record carries inside: lines and payments of an order, memberships of a profile.

They are replaced as a set: the newest version of the record says all there is.
"""

from __future__ import annotations

from unifier.contract.tables import record_table
from unifier.store.store import Store
from unifier.tables import quoted


def explode(store: Store, kind: str, landing: str, fate: str, run_no: int) -> None:
    """Replace the nested rows of every record that settled."""
    if kind == "profile":
        _memberships(store, landing, fate, run_no)
    elif kind == "order":
        for nested, column in (("order_line", "lines"), ("payment", "payments")):
            _lines(store, nested, column, landing, fate, run_no)


def _settled(landing: str, fate: str, column: str, length: str = "> 0") -> str:
    return (
        f"SELECT coalesce(f.record_no, l.landed_no) AS owner_no, l.source_no, l.record_id AS owner_id, l.observed_at, l.batch_no, "
        f"l.landed_no, unnest(l.{column}) AS n, generate_subscripts(l.{column}, 1) AS place FROM {landing} l "
        f"LEFT JOIN {fate} f ON f.landed_no = l.landed_no "
        f"WHERE coalesce(f.fate, 'new') IN ('new', 'updated') AND NOT l.deleted AND len(l.{column}) {length}"
    )


def _memberships(store: Store, landing: str, fate: str, run_no: int) -> None:
    store.con.execute(
        f"DELETE FROM membership WHERE record_no IN (SELECT record_no FROM {fate} WHERE fate = 'updated')"
    )
    fields = ("issuer", "card_no", "level", "points", "joined_at", "expires_at", "store")
    listed = ", ".join(f"n.{quoted(field)} AS {quoted(field)}" for field in fields)
    store.con.execute(
        f"INSERT INTO membership (record_no, {', '.join(map(quoted, fields))}, changed_run) "
        f"SELECT owner_no, {listed}, {run_no} FROM ({_settled(landing, fate, 'memberships', '= 1')}) UNION ALL "
        # Only a list of several can name a card twice; telling that of everybody does not fit into memory.
        f"(SELECT DISTINCT ON (owner_no, issuer, card_no) * FROM (SELECT owner_no, {listed}, {run_no} "
        f"FROM ({_settled(landing, fate, 'memberships', '> 1')})) ORDER BY ALL)"
    )


def _lines(store: Store, nested: str, column: str, landing: str, fate: str, run_no: int) -> None:
    table = record_table(nested)
    store.con.execute(
        f"DELETE FROM {quoted(nested)} WHERE nested AND (source_no, order_id) IN "
        f"(SELECT source_no, record_id FROM {fate} WHERE fate = 'updated')"
    )
    envelope = {
        "source_no": "source_no",
        "record_id": "owner_id || '#' || coalesce(n.line_id, place::VARCHAR)"
        if nested == "order_line"
        else "owner_id || '#' || place",
        "observed_at": "observed_at",
        "position": "landed_no",
        "content": "0",
        "deleted": "false",
        "batch_no": "batch_no",
        "changed_run": str(run_no),
        "order_id": "owner_id",
        "nested": "true",
        "x": "NULL",
    }
    names = [name for name in table.names if name != "record_no"]
    values = ", ".join(envelope.get(name, f"n.{quoted(name)}") for name in names)
    store.con.execute(
        f"INSERT INTO {quoted(nested)} (record_no, {', '.join(map(quoted, names))}) "
        f"SELECT -1 - (owner_no * 10000 + place), {values} FROM ({_settled(landing, fate, column)})"
    )
