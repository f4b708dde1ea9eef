"""Put a few invented people and their facts into a real store, row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from unifier.contract.tables import RECORD_TABLES
from unifier.stages.segment import segment, segment_plan
from unifier.stages.tag import tag, tag_plan
from unifier.store import Store, open_store
from unifier.tables import quoted
from unifier.tables.golden import GOLDEN_TABLES

if TYPE_CHECKING:
    from unifier.segments import SegmentPlan
    from unifier.tags import TagPlan

ZONE = "Asia/Shanghai"


@dataclass(slots=True)
class Town:
    """A store with people in it. Node 2n+1 is the bundle of person n, who has no other."""

    store: Store
    facts: int = 0
    run: int = 0
    plans: list[Any] = field(default_factory=list)

    def row(self, table: str, **values: Any) -> None:
        """Write a row of the run that is under way."""
        names = ", ".join(map(quoted, [*values, "changed_run"]))
        marks = ", ".join("?" * (len(values) + 1))
        self.store.con.execute(
            f"INSERT INTO {quoted(table)} ({names}) VALUES ({marks})", [*values.values(), self.run or 1]
        )

    def person(self, number: int, **golden: Any) -> None:
        """Let somebody live in the town."""
        self.row(
            "person", person_no=number, realm="main", one_id=f"id{number}", minted_run=self.run or 1, state="active"
        )
        self.row("golden", person_no=number, **golden)
        self.row("assignment", node_no=2 * number + 1, person_no=number)

    def rows(self, table: str, **columns: Sequence[Any]) -> None:
        """Write many rows of the run that is under way."""
        given = pa.table({name: pa.array(values) for name, values in columns.items()})
        names = ", ".join(map(quoted, columns))
        self.store.con.register("given", given)
        self.store.con.execute(
            f"INSERT INTO {quoted(table)} ({names}, changed_run) SELECT {names}, {self.run or 1} FROM given"
        )
        self.store.con.unregister("given")

    def crowd(self, numbers: Sequence[int], **golden: Sequence[Any]) -> None:
        """Let many people live in the town."""
        same = {"realm": "main", "minted_run": self.run or 1, "state": "active"}
        ids = [f"id{number}" for number in numbers]
        self.rows("person", person_no=numbers, one_id=ids, **{name: [value] * len(ids) for name, value in same.items()})
        self.rows("golden", person_no=numbers, **golden)
        self.rows("assignment", node_no=[2 * number + 1 for number in numbers], person_no=numbers)

    def sell(self, sales: Sequence[tuple[int, date, int, str | None]]) -> None:
        """Sell many things: person, day, fen, channel."""
        numbers = range(self.facts + 1, self.facts + 1 + len(sales))
        self.facts += len(sales)
        who, days, fen, channels = zip(*sales, strict=True) if sales else ((), (), (), ())
        self.rows(
            "sale",
            order_no=list(numbers),
            node_no=[2 * number + 1 for number in who],
            day=days,
            at=[datetime.combine(day, time(4)) for day in days],
            net_amount=fen,
            channel=channels,
            counted_as=["counted"] * len(sales),
        )

    def sale(self, number: int, day: date, amount: int = 100, channel: str | None = "store", **more: Any) -> None:
        """Sell something to a person."""
        self.facts += 1
        values = {"counted_as": "counted", "at": datetime.combine(day, time(4)), **more}
        node = 2 * number + 1
        self.row("sale", order_no=self.facts, node_no=node, day=day, net_amount=amount, channel=channel, **values)

    def event(self, number: int, kind: str, at: str) -> None:
        """Let a person do something at a time, told in UTC."""
        self.facts += 1
        values = {"record_id": f"e{self.facts}", "event_type": kind, "happened_at": at, "deleted": False}
        self.row("event", record_no=self.facts, node_no=2 * number + 1, **values)

    def end(self, number: int, into: int) -> None:
        """Merge a person into another."""
        for table in ("person", "assignment"):
            self.store.con.execute(f"UPDATE {table} SET changed_run = {self.run} WHERE person_no = {number}")
        self.store.con.execute(f"UPDATE person SET state = 'merged', into_no = {into} WHERE person_no = {number}")
        self.store.con.execute(f"UPDATE assignment SET person_no = {into} WHERE person_no = {number}")
        self.store.con.execute(f"DELETE FROM golden WHERE person_no = {number}")
        self.store.con.execute(
            "INSERT INTO lineage (lineage_no, run_no, event, one_id, other_id) VALUES (?, ?, 'merged', ?, ?)",
            [number, self.run, f"id{number}", f"id{into}"],
        )

    def tags(self, plan: TagPlan, as_of: date, *, rebuild: bool = False) -> list[tuple[Any, ...]]:
        """Run the stage; tell every person's tags, in the order of the plan."""
        tag(self.store, plan, self.run, as_of, rebuild=rebuild)
        tables = [f"tag_{time}" for time in ("record", "clock", "population") if plan.of(time)]
        joins = "".join(f" LEFT JOIN {table} USING (person_no)" for table in tables)
        names = ", ".join(quoted(one.name) for one in plan.tags)
        sql = f"SELECT person_no, {names} FROM (SELECT person_no FROM {tables[0]}){joins} ORDER BY person_no"
        return self.store.con.execute(sql).fetchall()

    def segments(self, plan: SegmentPlan, as_of: date, *, rebuild: bool = False) -> dict[str, list[int]]:
        """Run the stage; tell who is in each segment."""
        segment(self.store, plan, self.run, as_of, rebuild=rebuild)
        slots = self.store.con.execute(
            "SELECT segment, word, bit FROM segment_slot WHERE retired_run IS NULL ORDER BY segment"
        ).fetchall()
        sql = "SELECT person_no FROM segment_bits WHERE (w{} >> {}) & 1 = 1 ORDER BY person_no"
        return {name: [row[0] for row in self.store.con.execute(sql.format(*at)).fetchall()] for name, *at in slots}

    def events(self) -> list[tuple[Any, ...]]:
        """Tell the events of this run: person, segment, entered, reason, cause."""
        return self.store.con.execute(
            "SELECT person_no, segment, entered, reason, cause_ref FROM segment_event WHERE run_no = ? ORDER BY ALL",
            [self.run],
        ).fetchall()


def town(folder: Path) -> Town:
    """Found an empty town."""
    store = open_store(folder / "store.duckdb", threads=1)
    store.create([*GOLDEN_TABLES, *RECORD_TABLES])
    return Town(store, run=1)


def planned(*entries: Mapping[str, Any]) -> TagPlan:
    """Plan tags."""
    return tag_plan(list(entries), {}, ZONE)


def divided(tags: TagPlan, segments: Sequence[Mapping[str, Any]]) -> SegmentPlan:
    """Plan segments over tags."""
    return segment_plan(list(segments), {}, tags, ZONE)
