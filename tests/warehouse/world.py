"""A store made by hand: three people of the cast, and what may happen to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import sqlalchemy as sa
from cast import CHEN_JIE, LI_QIANG, WANG_FANG

from unifier.contract.tables import RECORD_TABLES
from unifier.stages.publish import TargetReport, publish
from unifier.store import Store, open_store
from unifier.tables import STORE, quoted, table
from unifier.tables.golden import GOLDEN_TABLES
from unifier.warehouse import TargetConfig

DAY = date(2026, 6, 1)
AT = datetime(2026, 5, 1, 8)  # noqa: DTZ001 - the store's times are UTC without saying so
NOON = datetime(2026, 6, 1, 12)  # noqa: DTZ001 - same
TAGS = table("tag_record", "tags of a person", "person_no INTEGER; orders_365d BIGINT; changed_run INTEGER")
CLOCK = table("tag_clock", "tags of a person", "person_no INTEGER; last_on DATE; next_flip DATE; changed_run INTEGER")
BITS = table(
    "segment_bits", "segments of a person", "person_no INTEGER; w0 UBIGINT; next_flip DATE; changed_run INTEGER"
)
SLOTS = table(
    "segment_slot",
    "a segment's bit",
    "segment VARCHAR; word INTEGER; bit INTEGER; definition_hash VARCHAR; since_run INTEGER; retired_run INTEGER",
)
EVENTS = table(
    "segment_event",
    "a change",
    "run_no INTEGER; person_no INTEGER; segment VARCHAR; entered BOOLEAN; reason VARCHAR; cause_ref VARCHAR",
)
PEOPLE = (WANG_FANG, LI_QIANG, CHEN_JIE)


@dataclass
class World:
    """A store and the folder around it."""

    store: Store
    folder: Path

    def add(self, name: str, /, **row: Any) -> None:
        """Insert a row; columns that are not named are null."""
        listed = ", ".join(map(quoted, row))
        self.store.con.execute(
            f"INSERT INTO {quoted(name)} ({listed}) VALUES ({', '.join('?' for _ in row)})", list(row.values())
        )

    def carry(self, node_no: int, identifier_no: int, run_no: int) -> None:
        """Let a node carry a phone."""
        seen = {"first_at": AT, "last_at": AT, "verified": True, "current": True, "gone": False, "class": 2}
        self.add("link", node_no=node_no, identifier_no=identifier_no, type_no=1, role=0, changed_run=run_no, **seen)

    def sql(self, *statements: str) -> None:
        """Change the store."""
        for statement in statements:
            self.store.con.execute(statement)

    def target(self, name: str, url: str, **personal: Any) -> TargetConfig:
        """Name a target; relative files lie in the world's folder."""
        return TargetConfig(name, url, self.folder, b"secret", **personal)

    def publish(self, run_no: int, *targets: TargetConfig) -> list[TargetReport]:
        """Publish a run to some targets."""
        told = {"description": "all shops", "class": "value", "owner": "crm desk", "type": "INT"}
        tags = [{"name": "orders_365d", "title": {"en": "Orders in a year"}, **told}]
        row = {"run_id": f"run-{run_no}", "finished_at": NOON}
        return publish(self.store, targets, run_no, DAY, tags, [{"name": "gold", "title": "Gold"}], row)


def new_world(folder: Path) -> World:
    """Make the store of run 1: a person for each of three profiles, orders, consents, tags, and one segment."""
    world = World(open_store(folder / ".unifier" / "store.duckdb", threads=1), folder)
    world.store.create((*STORE, *RECORD_TABLES, *GOLDEN_TABLES, TAGS, CLOCK, BITS, SLOTS, EVENTS))
    world.add("source", source_no=1, name="crm", realm="main")
    world.add("source", source_no=2, name="pos", realm="main")
    world.add("identifier_type", type_no=1, name="phone")
    world.add("identifier_type", type_no=2, name="card_no")
    world.add("segment_slot", segment="gold", word=0, bit=0, since_run=1)
    world.add("segment_slot", segment="o'ld", word=0, bit=61, since_run=1)
    world.add(
        "product", record_no=900, source_no=1, record_id="P1", deleted=False, changed_run=1, name="茶", price=1000
    )
    for no, person in enumerate(PEOPLE):
        _person(world, no, person.name, person.phone)
    return world


def _person(world: World, no: int, name: str, phone: str) -> None:
    """Make a person with a profile, a phone that a bundle carries too, an order with a line, consent, tags, bits."""
    profile, bundle = 2 * no, 2 * no + 1
    spine = {"observed_at": AT, "deleted": False, "changed_run": 1}
    world.add("person", person_no=no, realm="main", one_id=f"one{no}", state="active", minted_run=1, changed_run=1)
    world.add("profile", record_no=no, source_no=1, record_id=f"C{no}", name=name, **spine)
    world.add("bundle", node_no=bundle, source_no=2, records=1, founds=True, gone=False, changed_run=1)
    world.add("identifier", identifier_no=no, type_no=1, scope="", value=phone, state="valid")
    for node in (profile, bundle):
        world.add("assignment", node_no=node, person_no=no, changed_run=1)
        world.add("component", node_no=node, component_no=profile, changed_run=1)
        evidence = {
            "first_at": AT,
            "last_at": AT,
            "verified": node == bundle,
            "current": True,
            "gone": False,
            "class": 2,
        }
        world.add("link", node_no=node, identifier_no=no, type_no=1, role=0, changed_run=1, **evidence)
    order = {"ordered_at": AT, "status": "paid", "amount": 5000, "node_no": bundle}
    world.add("order", record_no=100 + no, source_no=2, record_id=f"O{no}", **order, **spine)
    world.add(
        "order_line",
        record_no=-no - 1,
        source_no=2,
        record_id=f"O{no}#1",
        order_id=f"O{no}",
        quantity=1.5,
        amount=5000,
        nested=True,
        **spine,
    )
    world.add(
        "event",
        record_no=200 + no,
        source_no=2,
        record_id=f"E{no}",
        event_type="visit",
        happened_at=AT,
        node_no=bundle,
        **spine,
    )
    world.add(
        "golden",
        person_no=no,
        member_status="member",
        source_bits=6,
        records=2,
        name=name,
        first_seen=AT,
        changed_run=1,
    )
    world.add("provenance", person_no=no, name=no, changed_run=1)
    world.add(
        "contact",
        person_no=no,
        channel="sms",
        identifier_no=no,
        verified=True,
        reachable=True,
        why="consent",
        changed_run=1,
    )
    world.add(
        "consent_state", person_no=no, purpose="marketing", channel="sms", status="granted", since=AT, changed_run=1
    )
    world.add("tag_record", person_no=no, orders_365d=no, changed_run=1)
    world.add("tag_clock", person_no=no, last_on=DAY, changed_run=1)
    world.add("segment_bits", person_no=no, w0=(1 << 61) + no % 2, changed_run=1)


def merge_people(world: World, run_no: int) -> None:
    """Let person 1 become part of person 0, as unify, tag and segment would write it."""
    world.sql(
        f"UPDATE assignment SET person_no = 0, changed_run = {run_no} WHERE person_no = 1",
        f"UPDATE component SET component_no = 0, changed_run = {run_no} WHERE component_no = 2",
        f"UPDATE person SET state = 'merged', into_no = 0, changed_run = {run_no} WHERE person_no = 1",
        f"UPDATE golden SET records = 4, changed_run = {run_no} WHERE person_no = 0",
        f"UPDATE tag_record SET orders_365d = 7, changed_run = {run_no} WHERE person_no = 0",
        f"INSERT INTO segment_event VALUES ({run_no}, 1, 'gold', false, 'merged', 'one0')",
        f"INSERT INTO lineage VALUES ({run_no}, {run_no}, 'merged', 'one1', 'one0', 'record', NULL)",
        *(f"DELETE FROM {name} WHERE person_no = 1" for name in ("golden", "provenance", "contact", "consent_state")),
        *(f"DELETE FROM {name} WHERE person_no = 1" for name in ("tag_record", "tag_clock", "segment_bits")),
    )


def move_node(world: World, run_no: int) -> None:
    """Let the bundle of person 0 go over to person 2: both live on, and only the bundle's own rows are marked."""
    world.sql(
        f"UPDATE assignment SET person_no = 2, changed_run = {run_no} WHERE node_no = 1",
        f"UPDATE component SET component_no = 4, changed_run = {run_no} WHERE node_no = 1",
        f"UPDATE link SET class = 2, gone = true, changed_run = {run_no} WHERE node_no = 1",
    )
    world.carry(1, 2, run_no)


def lose_records(world: World, run_no: int) -> None:
    """Tombstone an order with its line, replace the line of another, delete a profile, and drop a contact."""
    world.sql(
        f"UPDATE \"order\" SET deleted = true, changed_run = {run_no} WHERE record_id = 'O2'",
        "DELETE FROM order_line WHERE order_id IN ('O0', 'O2')",
        f"UPDATE \"order\" SET amount = 1, changed_run = {run_no} WHERE record_id = 'O0'",
        f"UPDATE profile SET deleted = true, changed_run = {run_no} WHERE record_no = 2",
        f"UPDATE link SET gone = true, current = false, changed_run = {run_no} WHERE node_no = 4",
        "DELETE FROM contact WHERE person_no = 2",
        "DELETE FROM provenance WHERE person_no = 2",
        f"UPDATE segment_bits SET w0 = 1, changed_run = {run_no} WHERE person_no = 0",
        f"UPDATE product SET deleted = true, changed_run = {run_no} WHERE record_id = 'P1'",
    )
    spine = {"observed_at": AT, "deleted": False, "changed_run": run_no}
    world.add("order_line", record_no=-50, source_no=2, record_id="O0#9", order_id="O0", amount=1, nested=True, **spine)


def sqlite_rows(path: Path) -> Mapping[str, list[tuple[Any, ...]]]:
    """Read every table of a SQLite file, rows sorted."""
    return sql_rows(f"sqlite:///{path}")


def sql_rows(url: str) -> Mapping[str, list[tuple[Any, ...]]]:
    """Read every table of a database, rows sorted."""
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    try:
        with engine.connect() as connection:
            names = sa.inspect(connection).get_table_names()
            return {
                name: _sorted(connection.exec_driver_sql(f"SELECT * FROM {quoted(name)}").fetchall()) for name in names
            }
    finally:
        engine.dispose()


def duckdb_rows(path: Path) -> Mapping[str, list[tuple[Any, ...]]]:
    """Read every table of a DuckDB file, rows sorted."""
    with duckdb.connect(str(path), read_only=True) as con:
        names = [row[0] for row in con.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall()]
        return {name: _sorted(con.execute(f"SELECT * FROM {quoted(name)}").fetchall()) for name in names}


def _sorted(rows: Any) -> list[tuple[Any, ...]]:
    return sorted((tuple(row) for row in rows), key=repr)
