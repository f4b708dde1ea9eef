"""Declare what a table is: a name, its grain in one sentence, its columns and its key.

The ledger, identity, golden, tag and segment tables stand here. Record and landing tables are made from the
JSON Schemas by :mod:`unifier.contract`. Types are DuckDB's. Times are UTC. ``*_no`` are dense integers that
depend on arrival: they never break a tie and never leave the store. ``changed_run`` is the run in which a
row's content last changed; deletions stay as rows with ``gone``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


def quoted(name: str) -> str:
    """Quote an identifier for SQL.

    >>> quoted('order'), quoted('a"b')
    ('"order"', '"a""b"')
    """
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """Quote a text literal for SQL.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + value.replace("'", "''") + "'"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name and its DuckDB type."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table: what one row stands for, its columns, and what is unique in it."""

    name: str
    grain: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(column.name for column in self.columns)

    def ddl(self, *, temporary: bool = False) -> str:
        """Write the CREATE statement."""
        body = ", ".join(f"{quoted(column.name)} {column.type}" for column in self.columns)
        return f"CREATE {'TEMP ' if temporary else ''}TABLE IF NOT EXISTS {quoted(self.name)} ({body})"


def table(name: str, grain: str, columns: str, key: str = "") -> Table:
    """Declare a table from ``"name TYPE; name TYPE"`` and a comma list of key columns.

    >>> table("mark", "how far a reader has come", "reader VARCHAR; done_run INTEGER", "reader").names
    ('reader', 'done_run')
    """
    parsed = tuple(Column(*part.strip().split(" ", 1)) for part in columns.split(";") if part.strip())
    return Table(name, grain, parsed, tuple(part.strip() for part in key.split(",") if part.strip()))


SPINE: Final[tuple[Column, ...]] = (
    Column("record_no", "BIGINT"),
    Column("source_no", "SMALLINT"),
    Column("record_id", "VARCHAR"),
    Column("observed_at", "TIMESTAMP"),
    Column("position", "BIGINT"),
    Column("content", "UBIGINT"),
    Column("deleted", "BOOLEAN"),
    Column("batch_no", "INTEGER"),
    Column("changed_run", "INTEGER"),
)
"""Stands in front of every record table. ``record_no`` is the landing ordinal of the first version seen,
``position`` that of the newest; ``content`` 64 bits of an MD5 of everything but the envelope's times:
it only ever compares two versions of one record."""

LEDGER: Final[tuple[Table, ...]] = (
    table("store_meta", "a fact about the store", "name VARCHAR; value VARCHAR", "name"),
    table(
        "run",
        "a run",
        "run_no INTEGER; run_id VARCHAR; as_of DATE; zone VARCHAR; started_at TIMESTAMP; finished_at TIMESTAMP; "
        "config_hash VARCHAR; unifier_version VARCHAR; plugins VARCHAR; outcome VARCHAR; exit_code INTEGER; "
        "host VARCHAR; pid INTEGER",
        "run_no",
    ),
    table(
        "run_stage",
        "a stage in a run",
        "run_no INTEGER; stage VARCHAR; started_at TIMESTAMP; finished_at TIMESTAMP; touched BIGINT; "
        "inserted BIGINT; updated BIGINT; deleted BIGINT; outcome VARCHAR; error VARCHAR",
        "run_no, stage",
    ),
    table(
        "run_stream",
        "a stream in a run",
        "run_no INTEGER; source_no SMALLINT; stream VARCHAR; part VARCHAR; read BIGINT; landed BIGINT; "
        "quarantined BIGINT; new BIGINT; updated BIGINT; unchanged BIGINT; stale BIGINT; repeated BIGINT; "
        "suppressed BIGINT; held BIGINT; vanished BIGINT; outcome VARCHAR; error_class VARCHAR; error VARCHAR",
        "run_no, source_no, stream, part",
    ),
    table(
        "measure",
        "a figure of a run",
        "run_no INTEGER; name VARCHAR; dims VARCHAR; value DOUBLE; numerator DOUBLE; denominator DOUBLE; goal DOUBLE",
        "run_no, name, dims",
    ),
    table(
        "audit",
        "somebody looked at what is masked, exported or erased",
        "audit_no BIGINT; at TIMESTAMP; who VARCHAR; action VARCHAR; subject VARCHAR; detail VARCHAR",
        "audit_no",
    ),
    table(
        "mark",
        "how far a reader of changes has come",
        "reader VARCHAR; done_run INTEGER; as_of DATE; definition_hash VARCHAR",
        "reader",
    ),
    table("source", "a configured connector", "source_no SMALLINT; name VARCHAR; realm VARCHAR", "source_no"),
    table("identifier_type", "a type of identifier", "type_no SMALLINT; name VARCHAR", "type_no"),
    table(
        "definition",
        "a version of a rule",
        "family VARCHAR; name VARCHAR; version INTEGER; hash VARCHAR; body VARCHAR; first_run INTEGER; "
        "retired_run INTEGER",
        "family, name, hash",
    ),
)

COMING_IN: Final[tuple[Table, ...]] = (
    table(
        "bookmark",
        "how far a partition of a stream was read",
        "source_no SMALLINT; stream VARCHAR; part VARCHAR; cursor VARCHAR; run_no INTEGER; at TIMESTAMP",
        "source_no, stream, part",
    ),
    table(
        "inbox",
        "a raw answer of a consuming stream",
        "inbox_no BIGINT; source_no SMALLINT; stream VARCHAR; received_at TIMESTAMP; payload VARCHAR; parsed_run INTEGER",
        "inbox_no",
    ),
    table(
        "batch",
        "one landed unit",
        "batch_no INTEGER; run_no INTEGER; source_no SMALLINT; stream VARCHAR; part VARCHAR; kind VARCHAR; "
        "plugin VARCHAR; plugin_version VARCHAR; origin VARCHAR; first_no BIGINT; read BIGINT; landed BIGINT; "
        "quarantined BIGINT; state VARCHAR; settled_run INTEGER",
        "batch_no",
    ),
    table(
        "quarantine",
        "a refused record",
        "quarantine_no BIGINT; batch_no INTEGER; row_no BIGINT; source_no SMALLINT; kind VARCHAR; record_id VARCHAR; "
        "origin VARCHAR; pointer VARCHAR; rule VARCHAR; reason VARCHAR; plugin VARCHAR; plugin_version VARCHAR; "
        "raw VARCHAR; state VARCHAR; run_no INTEGER; closed_run INTEGER",
        "quarantine_no",
    ),
)

PROFILES: Final[tuple[Table, ...]] = (
    table(
        "field_profile",
        "a field of what a source delivered of a kind in a run: figures, never values; rows counts records, in lists items",
        "run_no INTEGER; source_no SMALLINT; kind VARCHAR; field VARCHAR; rows BIGINT; filled BIGINT; valid BIGINT; "
        "distinct_estimate BIGINT; types VARCHAR",
        "run_no, source_no, kind, field",
    ),
)

IDENTITY: Final[tuple[Table, ...]] = (
    table(
        "identifier",
        "a normalised value",
        "identifier_no INTEGER; type_no SMALLINT; scope VARCHAR; value VARCHAR; state VARCHAR",
        "type_no, scope, value",
    ),
    table(
        "bundle",
        "the linking identifiers that facts of one source carry together, in one island of time; node_no is odd",
        "node_no INTEGER; source_no SMALLINT; set_hash BLOB; island_from TIMESTAMP; first_at TIMESTAMP; "
        "last_at TIMESTAMP; records INTEGER; founds BOOLEAN; gone BOOLEAN; changed_run INTEGER",
        "source_no, set_hash, island_from",
    ),
    table(
        "link",
        "evidence: a node carries an identifier in a role; a profile's node_no is twice its record_no",
        "node_no INTEGER; identifier_no INTEGER; type_no SMALLINT; role TINYINT; class TINYINT; verified BOOLEAN; "
        "first_at TIMESTAMP; last_at TIMESTAMP; current BOOLEAN; gone BOOLEAN; changed_run INTEGER",
        "node_no, identifier_no, role",
    ),
    table(
        "derived",
        "a hashed value that stands for a plain one",
        "from_no INTEGER; to_no INTEGER; rule VARCHAR; changed_run INTEGER",
        "from_no, to_no",
    ),
    table(
        "holding",
        "a value in the hands of one holder for a time",
        "identifier_no INTEGER; holding INTEGER; from_at TIMESTAMP; to_at TIMESTAMP; carriers INTEGER; "
        "names INTEGER; exclusives INTEGER; generic BOOLEAN; why VARCHAR; changed_run INTEGER",
        "identifier_no, holding",
    ),
    table(
        "component",
        "a node in a raw component of two or more nodes, refused links included",
        "node_no INTEGER; component_no INTEGER; changed_run INTEGER",
        "node_no",
    ),
    table(
        "assignment",
        "a node belongs to a person",
        "node_no INTEGER; person_no INTEGER; changed_run INTEGER",
        "node_no",
    ),
    table(
        "conflict",
        "a refused link",
        "node_no INTEGER; identifier_no INTEGER; holding INTEGER; class TINYINT; refused_by VARCHAR; "
        "other_node INTEGER; relation VARCHAR; changed_run INTEGER",
        "node_no, identifier_no, holding",
    ),
    table(
        "person",
        "a OneID",
        "person_no INTEGER; realm VARCHAR; one_id VARCHAR; founder VARCHAR; n INTEGER; minted_run INTEGER; "
        "state VARCHAR; into_no INTEGER; changed_run INTEGER",
        "person_no",
    ),
    table(
        "person_end",
        "a node that a person held when it ended, so that a later split can revive it",
        "person_no INTEGER; node_no INTEGER; anchors INTEGER; money BIGINT; records INTEGER; run_no INTEGER",
        "person_no, node_no",
    ),
    table(
        "lineage",
        "an event in the life of an id",
        "lineage_no BIGINT; run_no INTEGER; event VARCHAR; one_id VARCHAR; other_id VARCHAR; cause VARCHAR; "
        "cause_ref VARCHAR",
        "lineage_no",
    ),
)

STORE: Final[tuple[Table, ...]] = LEDGER + COMING_IN + PROFILES + IDENTITY
