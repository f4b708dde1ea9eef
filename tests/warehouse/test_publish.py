"""Publishing: what every target must keep, whatever database it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from cast import LI_QIANG, WANG_FANG
from warehouse.world import World, duckdb_rows, lose_records, merge_people, move_node, sql_rows, sqlite_rows

from unifier.identifiers import keyed

if TYPE_CHECKING:
    from warehouse.conftest import Server

    from unifier.stages.publish import TargetReport
    from unifier.warehouse import TargetConfig

Rows = Mapping[str, list[tuple[Any, ...]]]
Change = Callable[[World, int], None]


class Kind:
    """A kind of target: how to name a fresh one, and how to read it back."""

    def __init__(self, world: World, kind: str, server: Server | None) -> None:
        self.world, self.kind, self.server = world, kind, server

    def target(self, name: str, **personal: Any) -> TargetConfig:
        """Name a target of this kind."""
        if self.server:
            self.server.create(name)
        return self.world.target(name, self.url(name), **personal)

    def url(self, name: str) -> str:
        """Write the URL of a target."""
        return self.server.url.replace("/postgres", f"/{name}") if self.server else f"{self.kind}:///{name}.db"

    def engine(self, name: str) -> sa.Engine:
        """Connect to a target as its readers do."""
        url = self.url(name).replace("postgresql:", "postgresql+psycopg:")
        return sa.create_engine(url.replace(":///", f":///{self.world.folder}/"))

    def rows(self, name: str) -> Rows:
        """Read every table back."""
        path = self.world.folder / f"{name}.db"
        if self.server:
            return sql_rows(self.url(name))
        return duckdb_rows(path) if self.kind == "duckdb" else sqlite_rows(path)


@pytest.fixture(params=["duckdb", "sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def kind(request: pytest.FixtureRequest, world: World) -> Kind:
    """Give each kind of target in turn."""
    server = request.getfixturevalue("postgresql") if request.param == "postgresql" else None
    return Kind(world, request.param, server)


def published(reports: list[TargetReport]) -> None:
    """Fail with the target's own words when it was not published."""
    assert [report.error for report in reports] == [None] * len(reports)


def without_runs(rows: Rows) -> Rows:
    """Leave out the runs: a fresh target knows only its own."""
    return {name: found for name, found in rows.items() if name != "runs"}


def test_a_person_is_published_with_all_that_is_known(kind: Kind) -> None:
    """The warehouse is all that most people ever see of the project."""
    published(kind.world.publish(1, kind.target("one", identifiers="plain", contacts="plain")))

    rows = kind.rows("one")
    assert rows["members"][0][:6] == ("one0", "member", rows["members"][0][2], None, "crm,pos", 2)
    identifier = ("one0", "phone", "", WANG_FANG.phone)
    assert [row[:4] for row in rows["member_identifiers"] if row[0] == "one0"] == [identifier]
    assert ("one0", "sms", WANG_FANG.phone) == rows["member_contacts"][0][:3]
    assert ("crm", "profile", "C0", "one0") in rows["member_records"]
    assert ("one0", "name", "crm", "C0") in rows["member_provenance"]
    assert ("pos", "O0", "one0") in [row[:3] for row in rows["orders"]]
    assert [row[3] for row in rows["order_lines"]] == ["O0", "O1", "O2"]
    assert ("gold", "one1") in rows["segment_members"]
    assert [row[0] for row in rows["segment_members"]].count("o'ld") == 3
    assert rows["tags"] == [("orders_365d", '{"en": "Orders in a year"}', "all shops", "value", "crm desk", "INT")]
    assert [row[0] for row in rows["runs"]] == [1]
    assert [row[1] for row in rows["member_tags"]] == [0, 1, 2]


@pytest.mark.parametrize("change", [merge_people, move_node, lose_records])
def test_an_incremental_publish_equals_a_full_one(kind: Kind, change: Change) -> None:
    """Deletions leave no row behind that could be marked: what persons lost must be found all the same."""
    grown = kind.target("grown", identifiers="plain")
    published(kind.world.publish(1, grown))
    change(kind.world, 2)
    published(kind.world.publish(2, grown))
    published(kind.world.publish(2, kind.target("fresh", identifiers="plain")))

    assert without_runs(kind.rows("grown")) == without_runs(kind.rows("fresh"))


def test_a_target_that_was_away_for_some_runs_catches_up(kind: Kind) -> None:
    """Nobody repairs a warehouse by hand after an outage."""
    grown = kind.target("grown")
    published(kind.world.publish(1, grown))
    for run_no, change in enumerate((merge_people, move_node, lose_records), start=2):
        change(kind.world, run_no)
    published(kind.world.publish(4, grown))
    published(kind.world.publish(4, kind.target("fresh")))

    assert without_runs(kind.rows("grown")) == without_runs(kind.rows("fresh"))
    assert [row[0] for row in kind.rows("grown")["runs"]] == [1, 4]


def test_publishing_the_same_changes_twice_changes_nothing(kind: Kind) -> None:
    """A kill between the publishing and the mark makes the next run publish the same again."""
    target = kind.target("one")
    published(kind.world.publish(1, target))
    merge_people(kind.world, 2)
    marks = kind.world.store.con.execute("SELECT * FROM mark").fetchall()
    published(kind.world.publish(2, target))
    before = kind.rows("one")
    kind.world.sql("DELETE FROM mark")
    kind.world.store.con.executemany("INSERT INTO mark VALUES (?, ?, ?, ?)", marks)
    published(kind.world.publish(2, target))

    assert kind.rows("one") == before


def test_a_new_tag_is_added_as_a_column_with_all_its_values(kind: Kind) -> None:
    """Readers of the other columns must not notice, and old people need the new tag too."""
    target = kind.target("one")
    published(kind.world.publish(1, target))
    kind.world.sql("ALTER TABLE tag_record ADD COLUMN share DOUBLE", "UPDATE tag_record SET share = 0.5")
    published(kind.world.publish(2, target))

    assert [(row[0], row[-1]) for row in kind.rows("one")["member_tags"]] == [
        ("one0", 0.5),
        ("one1", 0.5),
        ("one2", 0.5),
    ]


def test_a_tag_that_changed_its_type_is_refused(kind: Kind) -> None:
    """A database would round 0.5 to 0 in an old column of whole numbers, and say nothing."""
    target = kind.target("one")
    published(kind.world.publish(1, target))
    kind.world.sql("ALTER TABLE tag_record ALTER orders_365d TYPE DOUBLE")
    (report,) = kind.world.publish(2, target)

    assert "member_tags.orders_365d: it is BIGINT in the target and DOUBLE" in str(report.error)
    assert [row[0] for row in kind.rows("one")["runs"]] == [1]


def test_a_retired_segment_loses_its_members(kind: Kind) -> None:
    """An audience that nobody defines any more must not be written to."""
    target = kind.target("one")
    published(kind.world.publish(1, target))
    kind.world.sql("UPDATE segment_slot SET retired_run = 2 WHERE segment = 'o''ld'")
    published(kind.world.publish(2, target))

    assert kind.rows("one")["segment_members"] == [("gold", "one1")]


def test_people_are_shown_keyed_and_masked_unless_plain_is_asked_for(kind: Kind) -> None:
    """A warehouse has more readers than a store: whoever can read it must not get phone lists by default."""
    published(kind.world.publish(1, kind.target("one", fields="masked")))

    rows = kind.rows("one")
    expected = keyed(f"phone||{LI_QIANG.phone}", b"secret")[:32]
    assert [row[3] for row in rows["member_identifiers"] if row[0] == "one1"] == [expected]
    assert [row[2] for row in rows["member_contacts"]] == ["199****0001", "199****0002", "199****0008"]
    assert LI_QIANG.phone not in str(rows)
    assert LI_QIANG.name not in str(rows)


def test_unread_values_are_never_published(kind: Kind) -> None:
    """A text that could not be read may be an identity card number with a slip in it, kept as it came."""
    kind.world.add("identifier", identifier_no=77, type_no=1, scope="", value="1990000", state="invalid")
    kind.world.carry(0, 77, 1)
    published(kind.world.publish(1, kind.target("one", identifiers="plain")))

    assert "1990000'" not in str(kind.rows("one")["member_identifiers"])


def test_a_restored_target_goes_on_from_its_own_last_run(kind: Kind) -> None:
    """A warehouse restored from a backup is older than the store believes."""
    target = kind.target("one")
    published(kind.world.publish(1, target))
    merge_people(kind.world, 2)
    kind.world.sql("UPDATE mark SET done_run = 2 WHERE reader LIKE 'target:one:%'")
    lose_records(kind.world, 3)
    published(kind.world.publish(3, target))
    published(kind.world.publish(3, kind.target("fresh")))

    assert without_runs(kind.rows("one")) == without_runs(kind.rows("fresh"))


def test_one_target_that_fails_stops_no_other(kind: Kind) -> None:
    """The mailing team's database is no reason to starve the analysts."""
    broken = kind.world.target("broken", "sqlite:////nowhere/at/all.db")
    reports = kind.world.publish(1, broken, kind.target("one"))

    assert [report.is_published for report in reports] == [False, True]
    assert "target broken: " in str(reports[0].error)
    assert kind.world.store.mark("target:broken:members")[0] == 0


def test_views_on_published_tables_survive(kind: Kind) -> None:
    """Reports are built on views; a target that renames or drops tables breaks them at night."""
    published(kind.world.publish(1, kind.target("one")))
    view = "CREATE VIEW names AS SELECT one_id AS who FROM members"
    path = kind.world.folder / "one.db"
    if kind.kind == "duckdb":
        import duckdb

        with duckdb.connect(str(path)) as con:
            con.execute(view)
    else:
        engine = kind.engine("one")
        with engine.begin() as connection:
            connection.exec_driver_sql(view)
        engine.dispose()
    merge_people(kind.world, 2)
    published(kind.world.publish(2, kind.world.target("one", kind.url("one"))))

    assert read_view(kind, path) == ["one0", "one2"]


def read_view(kind: Kind, path: Path) -> list[str]:
    """Read the view of :func:`test_views_on_published_tables_survive`."""
    if kind.kind == "duckdb":
        import duckdb

        with duckdb.connect(str(path), read_only=True) as con:
            return [row[0] for row in con.execute("SELECT who FROM names ORDER BY who").fetchall()]
    engine = kind.engine("one")
    with engine.connect() as connection:
        found = [row[0] for row in connection.exec_driver_sql("SELECT who FROM names ORDER BY who").fetchall()]
    engine.dispose()
    return found
