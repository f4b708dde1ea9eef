"""The tag stage against plain Python, day by day, and against itself from scratch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tags.people import Town, planned, town
from tags.plain import PLAN, TODAY, Sale, expected

from unifier.errors import ConfigError

SALES = st.lists(
    st.tuples(st.integers(0, 2), st.integers(-12, 4), st.integers(0, 5), st.sampled_from(["store", "tmall", None])),
    max_size=14,
)


def settled(folder: str, sales: Sequence[Sale]) -> Town:
    """Let three people live and buy."""
    made = town(Path(folder))
    for person in range(3):
        made.person(person)
    for who, days, fen, channel in sales:
        made.sale(who, TODAY + timedelta(days), fen, channel)
    return made


@settings(max_examples=12, deadline=None)
@given(before=SALES, after=SALES)
def test_day_by_day_equals_plain_python(before: list[Sale], after: list[Sale]) -> None:
    """A window that closes late, or news that are missed, would put people into the wrong audience for good."""
    with TemporaryDirectory() as folder:
        made = settled(folder, before)
        found = [made.tags(PLAN, TODAY)]
        for days in (1, 2, 3, 7, 12):
            made.run += 1
            if days == 2:
                for who, when, fen, channel in after:
                    made.sale(who, TODAY + timedelta(when), fen, channel)
            found.append(made.tags(PLAN, TODAY + timedelta(days)))
        made.store.close()

    wanted = [(before, 0), (before, 1), *(([*before, *after], days) for days in (2, 3, 7, 12))]
    assert found == [expected(sales, TODAY + timedelta(days)) for sales, days in wanted]


@settings(max_examples=6, deadline=None)
@given(sales=SALES)
def test_flips_are_those_of_a_rebuild(sales: list[Sale]) -> None:
    """The stored flip must depend on the facts and the day, not on the runs before."""
    with TemporaryDirectory() as folder:
        made = settled(folder, sales)
        for days in (0, 2, 5):
            made.run += 1
            made.tags(PLAN, TODAY + timedelta(days))
        step = made.store.con.execute("SELECT * EXCLUDE changed_run FROM tag_clock ORDER BY person_no").fetchall()
        made.tags(PLAN, TODAY + timedelta(5), rebuild=True)
        anew = made.store.con.execute("SELECT * EXCLUDE changed_run FROM tag_clock ORDER BY person_no").fetchall()
        made.store.close()

    assert step == anew


def test_a_flip_is_the_first_day_a_fact_enters_or_leaves(tmp_path: Path) -> None:
    """An order booked ahead enters its window without any news."""
    made = settled(str(tmp_path), [(0, -5, 1, None), (1, 3, 1, None), (2, -9, 1, None)])
    plan = planned({"name": "week", "value": "count(sale.record_id)", "window": "7d"})
    made.tags(plan, TODAY)

    flips = made.store.con.execute("SELECT next_flip FROM tag_clock ORDER BY person_no").fetchall()
    assert flips == [(TODAY + timedelta(2),), (TODAY + timedelta(3),), (None,)]


def test_only_counted_sales_count(tmp_path: Path) -> None:
    """Duplicates and unpaid orders are no money."""
    made = settled(str(tmp_path), [(0, -1, 5, "store")])
    made.sale(0, TODAY, 7, counted_as="duplicate")

    assert made.tags(planned({"name": "spent", "value": "sum(sale.net_amount)"}), TODAY)[0] == (0, 5)


def test_events_filter_and_take_the_local_day(tmp_path: Path) -> None:
    """A visit at one in the morning in Shanghai is today's, though UTC still has yesterday."""
    made = settled(str(tmp_path), [])
    made.event(0, "visit", "2026-06-29 17:00:00")
    made.event(0, "browse", "2026-06-30 03:00:00")
    plan = planned({"name": "seen", "value": "max(event.day)", "where": "event.event_type = 'visit'"})

    assert made.tags(plan, TODAY)[0] == (0, TODAY)


def test_a_run_without_news_writes_nothing(tmp_path: Path) -> None:
    """A change that changes nothing stops where it stops mattering."""
    made = settled(str(tmp_path), [(0, -1, 5, "store"), (1, -3, 2, "tmall")])
    made.tags(PLAN, TODAY)
    made.run = 2
    made.store.con.execute("UPDATE golden SET changed_run = 2")
    made.tags(PLAN, TODAY)

    for name in ("tag_record", "tag_clock", "tag_population"):
        assert made.store.con.execute(f"SELECT DISTINCT changed_run FROM {name}").fetchall() == [(1,)]


def test_an_ended_person_leaves_all_tables(tmp_path: Path) -> None:
    """What a merged person bought belongs to the survivor, and is not counted twice."""
    made = settled(str(tmp_path), [(0, -1, 5, "store"), (1, -3, 2, "store")])
    made.tags(PLAN, TODAY)
    made.run = 2
    made.end(1, into=0)
    found = made.tags(PLAN, TODAY)

    assert [(row[0], row[1], row[2]) for row in found] == [(0, 2, 7), (2, 0, None)]
    assert made.store.count("tag_population") == 2


def test_history_tells_old_new_and_reason(tmp_path: Path) -> None:
    """Who asks why a customer fell out of a stage needs the day it happened and why."""
    made = settled(str(tmp_path), [(0, -5, 5, "store")])
    plan = planned({"name": "week", "value": "count(sale.record_id)", "window": "7d", "history": True})
    made.tags(plan, TODAY)
    made.run = 2
    made.sale(1, TODAY)
    made.tags(plan, TODAY + timedelta(2))

    changes = made.store.con.execute("SELECT person_no, tag, old, new, reason FROM tag_change ORDER BY 1").fetchall()
    assert changes == [(0, "week", "1", "0", "time"), (1, "week", "0", "1", "data")]


def test_a_new_definition_is_a_version_and_rewrites_only_what_differs(tmp_path: Path) -> None:
    """Editing a tag must not make the warehouse take everybody again."""
    made = settled(str(tmp_path), [(0, -1, 5, "store"), (1, -1, 1, "store")])
    made.tags(planned({"name": "spent", "value": "sum(sale.net_amount)"}), TODAY)
    made.run = 2
    changed = planned({"name": "spent", "value": "sum(sale.net_amount)", "where": "sale.net_amount > 2"})
    found = made.tags(changed, TODAY)
    versions = made.store.con.execute("SELECT version, first_run, retired_run FROM definition ORDER BY 1").fetchall()

    assert found == [(0, 5), (1, None), (2, None)]
    assert made.store.con.execute("SELECT person_no FROM tag_record WHERE changed_run = 2").fetchall() == [(1,)]
    assert versions == [(1, 1, 2), (2, 2, None)]


def test_going_back_in_time_computes_everybody(tmp_path: Path) -> None:
    """`--as-of` of an earlier day must give that day, although no flip is due."""
    made = settled(str(tmp_path), [(0, -5, 5, "store")])
    plan = planned({"name": "week", "value": "count(sale.record_id)", "window": "7d"})
    made.tags(plan, TODAY + timedelta(9))
    made.run = 2

    assert made.tags(plan, TODAY)[0] == (0, 1)


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        (
            [{"name": "a", "value": "b + 1"}, {"name": "b", "value": "a + 1"}],
            "tags line 1: tags read one another in a circle: a → b → a — break it at one of them",
        ),
        (
            [{"name": "city", "value": "orders"}],
            "tags line 1: tag 'city' has the name of a field — give it another name",
        ),
        (
            [{"name": "a", "value": "count(sale.record_id)"}, {"name": "a", "value": "1"}],
            "tags line 2: tag 'a' stands twice — give it another name",
        ),
        (
            [{"name": "a", "value": "records", "window": "7d"}],
            "tags line 1: window filters facts, and tag 'a' reads none — put it into the value",
        ),
        (
            [{"name": "a", "value": "count(sale.record_id)", "where": "event.channel = 'sms'"}],
            "tags line 1 column 1: the condition reads event, the value reads sale — read one relation of facts",
        ),
        (
            [{"name": "r", "value": "rank(records)"}, {"name": "a", "value": "rank(r)"}],
            "tags line 2: tag 'a' ranks 'r', which compares all persons itself — rank what that one ranks",
        ),
        (
            [{"name": "r", "value": "rank(records)"}, {"name": "a", "value": "r > 1 and days_since(last_seen) > 3"}],
            "tags line 2: tag 'a' reads 'r' and the day of the run — make a tag of what changes, and name that",
        ),
        (
            [{"name": "a", "value": "records", "type": "TEXT"}],
            "tags line 1: tag 'a' is INT, not TEXT — mend type or value",
        ),
    ],
)
def test_a_faulty_plan_is_told_in_one_sentence(entries: list[dict[str, Any]], words: str) -> None:
    """Nothing may run on a plan that nobody can mean."""
    with pytest.raises(ConfigError) as error:
        planned(*entries)

    assert str(error.value) == words


@settings(max_examples=15, deadline=None)
@given(sales=SALES)
def test_the_last_day_but_one_is_another_day(sales: list[Sale]) -> None:
    """Two receipts of one afternoon are one visit: who asks how long somebody stayed away needs the visit before."""
    plan = planned(
        {"name": "before", "value": "last_but_one(sale.day)"},
        {"name": "store_before", "value": "last_but_one(sale.day)", "where": "sale.channel = 'store'"},
    )
    with TemporaryDirectory() as folder:
        made = settled(folder, sales)
        found = made.tags(plan, TODAY)
        made.store.close()

    assert found == [(who, _before(sales, who), _before(sales, who, "store")) for who in range(3)]


def _before(sales: list[Sale], who: int, channel: str | None = None) -> date | None:
    days = {days for one, days, _, where in sales if one == who and channel in {None, where}}
    return TODAY + timedelta(sorted(days)[-2]) if len(days) > 1 else None


@settings(max_examples=12, deadline=None)
@given(before=SALES, after=SALES)
def test_tags_may_read_what_compares_all_persons(before: list[Sale], after: list[Sale]) -> None:
    """A group is made of bands: it moves when others buy, though nothing was heard of its own people."""
    plan = planned(
        {"name": "orders", "value": "count(sale.record_id)"},
        {"name": "word", "value": "case when twice > 2 then 'high' else 'low' end"},
        {"name": "half", "value": "quantile_band(orders, 2)"},
        {"name": "twice", "value": "half * 2 - if(orders = 0, 1, 0)"},
    )
    with TemporaryDirectory() as folder:
        made = settled(folder, before)
        found = [made.tags(plan, TODAY)]
        made.run += 1
        for who, days, fen, channel in after:
            made.sale(who, TODAY + timedelta(days), fen, channel)
        found.append(made.tags(plan, TODAY))
        made.store.close()

    assert found == [_halves(before), _halves([*before, *after])]


def _halves(sales: list[Sale]) -> list[tuple[Any, ...]]:
    counts = [sum(one == who for one, *_ in sales) for who in range(3)]
    halves = [1 + sum(other < count for other in counts) * 2 // 3 for count in counts]
    twice = [half * 2 - (count == 0) for half, count in zip(halves, counts, strict=True)]
    rows = zip(range(3), counts, halves, twice, strict=True)
    return [(who, count, "high" if two > 2 else "low", half, two) for who, count, half, two in rows]
