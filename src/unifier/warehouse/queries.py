"""Say for each published table which rows it has and which of them changed after a run."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final, Literal

from unifier.contract.kinds import kind
from unifier.identifiers import keyed_sql, mask_sql
from unifier.relations import Step, read_steps
from unifier.tables import Table, literal, quoted
from unifier.tables.golden import FIELDS, MEMBERSHIP_FIELDS
from unifier.warehouse.tables import (
    FACT_TABLES,
    MEMBERS,
    PART_TABLES,
    REFERENCE_TABLES,
    fixed,
    kind_columns,
    kind_table,
    tag_table,
)

if TYPE_CHECKING:
    from unifier.warehouse.catalog import Catalog
    from unifier.warehouse.config import Showing, TargetConfig

_ALL: Final = "true"
_PERSON: Final = "IN (SELECT person_no FROM publish_person)"
_KEY_CHARACTERS: Final = 32
_FEW: Final = ("tags", "segments")

Passes = Literal["l.identifier_no", "v.person_no", "b.person_no", "p.person_no"]
"""Columns that divide the rows of a large table."""


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """A published table and where its rows come from.

    ``rows`` selects all rows; its ``{within}`` takes ``within`` to narrow them to the temporary relation ``scope``,
    whose columns ``scope_key`` name the rows to replace. Without a scope the table is small and always replaced.
    Rows with ``passes`` are grouped or joined in ways that hold much in memory: they are read in several passes over the
    numbers of that column, ``{share}`` is one of them.
    """

    table: Table
    rows: str
    scope: str = ""
    scope_key: tuple[str, ...] = ()
    within: str = _ALL
    passes: Passes | None = None
    version: str = ""

    @property
    def hash(self) -> str:
        """Hash of what makes all rows due again: columns, showing of personal data, and ``version``."""
        columns = ",".join(f"{column.name} {column.type}" for column in self.table.columns)
        return hashlib.sha256(f"{columns}|{self.rows}|{self.version}".encode()).hexdigest()[:16]

    def select(self, *, everything: bool, share: str = _ALL) -> str:
        """Write the statement that yields the rows in the order and the types of the columns."""
        rows = self.rows.replace("{within}", _ALL if everything else self.within).replace("{share}", share)
        columns = ", ".join(
            f"{quoted(column.name)}::{column.type} AS {quoted(column.name)}" for column in self.table.columns
        )
        return f"SELECT {columns} FROM ({rows})"


def scope_steps(catalog: Catalog, since: int) -> tuple[Step, ...]:
    """List the steps that fill the scopes of all tables with what changed after the run ``since``."""
    text = files("unifier.warehouse").joinpath("scope.sql").read_text(encoding="utf-8")
    built = [(f"publish_{name}", _fact_scope(name)) for name in FACT_TABLES]
    built += [(f"publish_{name}", _part_scope(name)) for name in PART_TABLES]
    built += [(f"publish_{name}", _reference_scope(name)) for name in REFERENCE_TABLES]
    if catalog.tags:
        built.append(("publish_tagged", _person_scope(catalog.tag_tables)))
    if catalog.slots:
        built.append(("publish_segmented", _person_scope(("segment_bits",))))
    if catalog.has_events:
        built.append(("publish_segment_event", "SELECT DISTINCT run_no FROM segment_event WHERE run_no > $since"))
    steps = (Step(name, (), name, sql, {"since": since}) for name, sql in built)
    return (*read_steps(text, since=since), *steps)


def published(catalog: Catalog, target: TargetConfig, rules_hash: str) -> tuple[PublishedTable, ...]:
    """List the published tables for a target, ``runs`` aside.

    ``rules_hash`` is that of the identity rules: when they change, what persons lost cannot be told from marks.
    The rows of ``tags`` and ``segments`` come from the temporary relations ``publish_tags`` and ``publish_segments``.
    """
    showing = {"identifier": _shown(target.identifiers, "t.name", "i.scope", "i.value")}
    showing["contact"] = _shown(target.contacts, "t.name", "i.scope", "i.value")
    few = (PublishedTable(fixed(name), f"SELECT * FROM publish_{name}") for name in _FEW)
    members = PublishedTable(
        MEMBERS, _members(target), "publish_member", ("one_id",), _in("g.person_no", "publish_member")
    )
    records = PublishedTable(
        fixed("member_records"),
        _text("member_records"),
        "publish_profile",
        ("source", "kind", "record_id"),
        "f.record_no IN (SELECT record_no FROM publish_profile)",
    )
    lineage = PublishedTable(
        fixed("member_lineage"), _text("member_lineage"), "publish_lineage", ("run_no",), _runs("l", "lineage")
    )
    return (
        members,
        _of_person("member_identifiers", f"a.person_no {_PERSON}", rules_hash, showing, passes="l.identifier_no"),
        _of_person("member_contacts", f"c.person_no {_PERSON}", rules_hash, showing),
        records,
        _of_person(
            "member_provenance", f"v.person_no {_PERSON}", rules_hash, {"origins": _origins()}, passes="v.person_no"
        ),
        lineage,
        _of_person("consents", f"c.person_no {_PERSON}", rules_hash, {}),
        *few,
        _member_tags(catalog),
        _segment_members(catalog),
        _segment_events(catalog),
        *(_kind(name, FACT_TABLES[name], "fact", target) for name in FACT_TABLES),
        *(_part(name, target) for name in PART_TABLES),
        *(_kind(name, REFERENCE_TABLES[name], "record", target) for name in REFERENCE_TABLES),
    )


@cache
def _blocks() -> dict[str, str]:
    text = files("unifier.warehouse").joinpath("rows.sql").read_text(encoding="utf-8")
    parts = (block.partition("\n") for block in text.split("-- rows:")[1:])
    return {name.strip(): sql.strip() for name, _, sql in parts}


def _text(name: str, **filled: str) -> str:
    sql = _blocks()[name]
    for mark, value in filled.items():
        sql = sql.replace("{" + mark + "}", value)
    return sql


def _in(column: str, scope: str) -> str:
    return f"{column} IN (SELECT person_no FROM {scope})"


def _runs(alias: str, scope: str) -> str:
    return f"{alias}.run_no IN (SELECT run_no FROM publish_{scope})"


def _shown(showing: Showing, type_: str, scope: str, value: str) -> str:
    """Write an identifier's value as the target may show it."""
    if showing == "plain":
        return value
    if showing == "masked":
        return mask_sql(type_, value)
    text = f"concat_ws('|', {type_}, coalesce({scope}, ''), {value})"
    return f"{keyed_sql(text)}[:{_KEY_CHARACTERS}]"


def _masked(column: str, name: str) -> str:
    """Write a masked personal field; names show their first character."""
    type_ = "name" if name == "name" else "field"
    return f"CASE WHEN {column} IS NOT NULL THEN {mask_sql(literal(type_), column)} END"


def _members(target: TargetConfig) -> str:
    personal = {field.column for field in kind("profile").fields if field.personal}
    parts = []
    for name, _ in (*FIELDS, *MEMBERSHIP_FIELDS):
        column = f"g.{quoted(name)}"
        if name == "membership_card_no":
            shown = _shown(target.identifiers, literal("card_no"), "g.membership_issuer", column)
            column = f"CASE WHEN {column} IS NOT NULL THEN {shown} END"
        elif name in personal and target.fields == "masked":
            column = _masked(column, name)
        parts.append(f"{column} AS {quoted(name)}")
    return _text("members", golden=", ".join(parts))


def _origins() -> str:
    """Write a row for each golden field and the record that gave it: reading a column a field beats lists of structs."""
    names = [name for name, _ in FIELDS] + ["membership"]
    return " UNION ALL ".join(
        f"SELECT v.person_no, {literal(name)} AS field, v.{quoted(name)} AS record_no FROM provenance v "
        f"WHERE v.{quoted(name)} IS NOT NULL AND {{within}} AND {{share}}"
        for name in names
    )


def _of_person(
    name: str, within: str, version: str, filled: dict[str, str], *, passes: Passes | None = None
) -> PublishedTable:
    return PublishedTable(fixed(name), _text(name, **filled), "publish_person", ("one_id",), within, passes, version)


def _member_tags(catalog: Catalog) -> PublishedTable:
    table = tag_table(catalog.tag_columns)
    if not catalog.tags:
        return PublishedTable(table, "SELECT NULL AS one_id WHERE false")
    columns = ", ".join(_tag(*tag) for tag in catalog.tags)
    joins = " ".join(
        f"LEFT JOIN {quoted(name)} ON {quoted(name)}.person_no = p.person_no" for name in catalog.tag_tables
    )
    rows = f"SELECT p.one_id, {columns} FROM person p {joins} WHERE p.state = 'active' AND {{within}} AND {{share}}"
    within = _in("p.person_no", "publish_tagged")
    return PublishedTable(table, rows, "publish_tagged", ("one_id",), within, passes="p.person_no")


def _tag(table: str, tag: str, type_: str) -> str:
    column = f"{quoted(table)}.{quoted(tag)}"
    nested = type_.endswith("]") or type_.startswith(("STRUCT", "MAP"))
    return f"{f'to_json({column})' if nested else column} AS {quoted(tag)}"


def _segment_members(catalog: Catalog) -> PublishedTable:
    """Read the bits of each person once, and write a row for each that is set."""
    table = fixed("segment_members")
    if not catalog.slots:
        return PublishedTable(table, "SELECT NULL AS segment, NULL AS one_id WHERE false")
    held = ", ".join(
        f"CASE WHEN (b.{quoted(f'w{word}')} >> {bit}) & 1 = 1 THEN {literal(segment)} END"
        for segment, word, bit in catalog.slots
    )
    held = f"SELECT b.person_no, unnest(list_filter([{held}], lambda s: s IS NOT NULL)) AS segment FROM segment_bits b"
    join = "JOIN person p ON p.person_no = m.person_no AND p.state = 'active'"
    rows = f"SELECT m.segment, p.one_id FROM ({held} WHERE {{within}} AND {{share}}) m {join}"
    within = _in("b.person_no", "publish_segmented")
    return PublishedTable(table, rows, "publish_segmented", ("one_id",), within, passes="b.person_no")


def _segment_events(catalog: Catalog) -> PublishedTable:
    table = fixed("segment_events")
    if not catalog.has_events:
        listed = ", ".join(f"NULL AS {quoted(name)}" for name in table.names)
        return PublishedTable(table, f"SELECT {listed} WHERE false")
    return PublishedTable(
        table, _text("segment_events"), "publish_segment_event", ("run_no",), _runs("e", "segment_event")
    )


def _columns(name: str, target: TargetConfig) -> str:
    personal = {field.column for field in kind(name).fields if field.personal and target.fields == "masked"}
    parts = ((column, f"f.{quoted(column)}") for column in kind_columns(name))
    return ", ".join(
        f"{_masked(sql, column) if column in personal else sql} AS {quoted(column)}" for column, sql in parts
    )


def _kind(name: str, table: str, block: str, target: TargetConfig) -> PublishedTable:
    rows = _text(block, columns=_columns(name, target), table=quoted(name))
    within = f"f.record_no IN (SELECT record_no FROM publish_{name})"
    return PublishedTable(kind_table(name), rows, f"publish_{name}", ("source", "record_id"), within, version=table)


def _part(name: str, target: TargetConfig) -> PublishedTable:
    rows = _text("record", columns=_columns(name, target), table=quoted(name))
    within = f"(f.source_no, f.order_id) IN (SELECT (source_no, order_id) FROM publish_{name})"
    return PublishedTable(kind_table(name), rows, f"publish_{name}", ("source", "order_id"), within)


def _fact_scope(name: str) -> str:
    return (
        f"SELECT f.record_no, s.name AS source, f.record_id FROM {quoted(name)} f "
        "JOIN source s ON s.source_no = f.source_no "
        "WHERE f.changed_run > $since OR f.node_no IN (SELECT node_no FROM assignment WHERE changed_run > $since)"
    )


def _part_scope(name: str) -> str:
    return (
        "SELECT DISTINCT c.source_no, s.name AS source, c.order_id FROM ("
        f"SELECT source_no, order_id FROM {quoted(name)} WHERE changed_run > $since "
        'UNION ALL SELECT source_no, record_id FROM "order" WHERE changed_run > $since'
        ") c JOIN source s ON s.source_no = c.source_no"
    )


def _reference_scope(name: str) -> str:
    return (
        f"SELECT f.record_no, s.name AS source, f.record_id FROM {quoted(name)} f "
        "JOIN source s ON s.source_no = f.source_no "
        "WHERE f.changed_run > $since"
    )


def _person_scope(tables: Sequence[str]) -> str:
    """Write the scope of persons with a changed row in one of the tables, or who changed themselves."""
    changed = " UNION ALL ".join(f"SELECT person_no FROM {quoted(name)} WHERE changed_run > $since" for name in tables)
    return f"SELECT person_no, one_id FROM person WHERE changed_run > $since OR person_no IN ({changed})"
