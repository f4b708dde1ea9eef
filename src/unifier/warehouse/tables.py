"""Declare the published tables: what a row stands for, its columns and its key.

Only six types are published, so that every database has an exact one: VARCHAR, BIGINT, DOUBLE, BOOLEAN, DATE and
TIMESTAMP (UTC). Numbers that depend on arrival are never published: people are named by ``one_id``, records by
``source`` and ``record_id``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from unifier.contract.kinds import kind
from unifier.contract.tables import record_table
from unifier.tables import Column, Table, table
from unifier.tables.golden import FIELDS, MEMBERSHIP_FIELDS

_WHOLE: Final = {"TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT", "BIGINT"}
_SAME: Final = {"BOOLEAN", "DATE", "DOUBLE"}

MEMBERS: Final = Table(
    "members",
    "a person as all sources together know them",
    (
        Column("one_id", "VARCHAR"),
        Column("member_status", "VARCHAR"),
        Column("first_seen", "TIMESTAMP"),
        Column("last_seen", "TIMESTAMP"),
        Column("sources", "VARCHAR"),
        Column("records", "BIGINT"),
        *(Column(name, type_) for name, type_ in (*FIELDS, *MEMBERSHIP_FIELDS)),
    ),
    ("one_id",),
)

FIXED: Final[tuple[Table, ...]] = (
    MEMBERS,
    table(
        "member_identifiers",
        "a value that points at a person, in a role",
        "one_id VARCHAR; type VARCHAR; scope VARCHAR; value VARCHAR; verified BOOLEAN; role VARCHAR; "
        "first_at TIMESTAMP; last_at TIMESTAMP; current BOOLEAN",
        "one_id, type, scope, value, role",
    ),
    table(
        "member_contacts",
        "the best way to reach a person by a channel",
        "one_id VARCHAR; channel VARCHAR; value VARCHAR; verified BOOLEAN; last_seen TIMESTAMP; reachable BOOLEAN; "
        "why VARCHAR",
        "one_id, channel",
    ),
    table(
        "member_records",
        "a profile record, and the person it belongs to",
        "source VARCHAR; kind VARCHAR; record_id VARCHAR; one_id VARCHAR",
        "source, kind, record_id",
    ),
    table(
        "member_provenance",
        "the profile record that gave a golden field",
        "one_id VARCHAR; field VARCHAR; source VARCHAR; record_id VARCHAR",
        "one_id, field",
    ),
    table(
        "member_lineage",
        "an event in the life of an id",
        "run_no BIGINT; event VARCHAR; one_id VARCHAR; other_id VARCHAR; cause VARCHAR",
        "run_no, event, one_id, other_id",
    ),
    table(
        "tags",
        "a tag",
        "name VARCHAR; title VARCHAR; description VARCHAR; class VARCHAR; owner VARCHAR; type VARCHAR",
        "name",
    ),
    table("segments", "a segment", "name VARCHAR; title VARCHAR; description VARCHAR; owner VARCHAR", "name"),
    table("segment_members", "a person in a segment", "segment VARCHAR; one_id VARCHAR", "segment, one_id"),
    table(
        "segment_events",
        "a person entered or left a segment",
        "run_no BIGINT; one_id VARCHAR; segment VARCHAR; entered BOOLEAN; reason VARCHAR; cause_ref VARCHAR",
        "run_no, one_id, segment",
    ),
    table(
        "consents",
        "what a person allows",
        "one_id VARCHAR; purpose VARCHAR; channel VARCHAR; status VARCHAR; since TIMESTAMP",
        "one_id, purpose, channel",
    ),
    table(
        "runs",
        "a run whose state was published here",
        "run_no BIGINT; run_id VARCHAR; as_of DATE; finished_at TIMESTAMP; members BIGINT; orders BIGINT",
        "run_no",
    ),
)

FACT_TABLES: Final = {"order": "orders", "refund": "refunds", "event": "events"}
"""Published facts with the person behind them, by kind."""

PART_TABLES: Final = {"order_line": "order_lines", "payment": "order_payments"}
"""Published parts of orders, by kind; they are replaced order by order."""

REFERENCE_TABLES: Final = {"product": "products", "store": "stores", "guide": "guides", "campaign": "campaigns"}
"""Published reference data, by kind."""


def published_type(type_: str) -> str:
    """Tell which of the six published types stands for a DuckDB type; lists and structures become text.

    >>> [published_type(name) for name in ("INTEGER", "DECIMAL(18,2)", "TIMESTAMP WITH TIME ZONE", "VARCHAR[]")]
    ['BIGINT', 'DOUBLE', 'TIMESTAMP', 'VARCHAR']
    """
    if type_ in _WHOLE:
        return "BIGINT"
    if type_ in _SAME:
        return type_
    if type_ == "FLOAT" or (type_.startswith("DECIMAL") and not type_.endswith("]")):
        return "DOUBLE"
    return "TIMESTAMP" if type_.startswith("TIMESTAMP") and not type_.endswith("]") else "VARCHAR"


def kind_columns(name: str) -> tuple[str, ...]:
    """List the columns of a kind that are published: its scalars and free objects, vendors' objects left out."""
    schema = kind(name)
    return tuple(field.column for field in schema.fields) + tuple(part.column for part in schema.free)


def kind_table(name: str) -> Table:
    """Declare the published table of a kind; facts carry ``one_id``, null where nobody is known."""
    types = {column.name: published_type(column.type) for column in record_table(name).columns}
    head = [Column("source", "VARCHAR"), Column("record_id", "VARCHAR")]
    if name in FACT_TABLES:
        head.append(Column("one_id", "VARCHAR"))
    head.append(Column("observed_at", "TIMESTAMP"))
    columns = (*head, *(Column(column, types[column]) for column in kind_columns(name)))
    names = {**FACT_TABLES, **PART_TABLES, **REFERENCE_TABLES}
    return Table(names[name], kind(name).description, columns, ("source", "record_id"))


def tag_table(tags: Iterable[tuple[str, str]]) -> Table:
    """Declare ``member_tags``: the key and a column for each (tag, published type)."""
    return Table(
        "member_tags", "a person's tags", (Column("one_id", "VARCHAR"), *(Column(*tag) for tag in tags)), ("one_id",)
    )


def fixed(name: str) -> Table:
    """Find a published table whose columns never vary."""
    return next(table for table in FIXED if table.name == name)
