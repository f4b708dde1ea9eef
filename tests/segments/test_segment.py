"""The segment stage: who is in, who moved, and why."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tags.people import Town, divided, planned, town

from unifier.errors import ConfigError

TODAY = date(2026, 6, 30)
TAGS = planned(
    {"name": "orders", "value": "count(sale.record_id)"},
    {"name": "last_on", "value": "max(sale.day)"},
    {"name": "week", "value": "count(sale.record_id)", "window": "7d"},
)
PARTS = (
    {"name": "buyers", "where": "orders > 0"},
    {"name": "lapsing", "where": "segment.buyers and days_since(last_on) > 5"},
    {"name": "weekly", "where": "week > 0"},
    {"name": "adults", "where": "age(birthday) >= 18"},
    {"name": "texted", "where": "reachable.sms"},
    {"name": "much", "where": "orders >= 3", "tier": {"group": "size", "order": 1}},
    {"name": "some", "where": "orders >= 1", "tier": {"group": "size", "order": 2}},
)
PLAN = divided(TAGS, PARTS)


def settled(folder: Path) -> Town:
    """Let four people live: 0 bought today, 1 long ago, 2 never, 3 comes of age on 3 July."""
    made = town(folder)
    for number in range(3):
        made.person(number, birthday="1990-01-01")
    made.person(3, birthday="2008-07-03")
    made.sale(0, TODAY)
    made.sale(1, TODAY - timedelta(20))
    return made


def both(made: Town, as_of: date) -> dict[str, list[int]]:
    """Run tags and segments."""
    made.tags(TAGS, as_of)
    return made.segments(PLAN, as_of)


def test_everybody_is_in_the_segments_that_hold(tmp_path: Path) -> None:
    """Unknown is not enough: who never bought is not lapsing."""
    assert both(settled(tmp_path), TODAY) == {
        "adults": [0, 1, 2],
        "buyers": [0, 1],
        "lapsing": [1],
        "much": [],
        "some": [0, 1],
        "texted": [],
        "weekly": [0],
    }


def test_the_first_run_of_a_segment_is_no_event(tmp_path: Path) -> None:
    """Ten million entries on the first day would tell nothing."""
    made = settled(tmp_path)
    both(made, TODAY)

    assert made.events() == []
    assert made.store.con.execute("SELECT DISTINCT since_run FROM segment_slot").fetchall() == [(1,)]


def test_time_moves_people_without_news(tmp_path: Path) -> None:
    """A clock tag, a comparison with days and a birthday must all come due by themselves."""
    made = settled(tmp_path)
    both(made, TODAY)
    made.run = 2
    both(made, TODAY + timedelta(8))

    assert made.events() == [
        (0, "lapsing", True, "time", None),
        (0, "weekly", False, "time", None),
        (3, "adults", True, "time", None),
    ]


def test_news_and_consent_have_their_own_reasons(tmp_path: Path) -> None:
    """Whoever asks why a person may be texted now must read: because they said so."""
    made = settled(tmp_path)
    both(made, TODAY)
    made.run = 2
    made.row("contact", person_no=2, channel="sms", reachable=True)
    made.sale(2, TODAY)
    made.person(4, birthday="1990-01-01")
    both(made, TODAY)

    assert made.events() == [
        (2, "buyers", True, "data", None),
        (2, "some", True, "data", None),
        (2, "texted", True, "consent", None),
        (2, "weekly", True, "data", None),
        (4, "adults", True, "data", None),
    ]


def test_a_merge_takes_the_ended_out_and_names_the_other(tmp_path: Path) -> None:
    """An audience must not shrink or grow without saying that two were one."""
    made = settled(tmp_path)
    both(made, TODAY)
    made.run = 2
    made.end(1, into=2)
    both(made, TODAY)

    assert made.events() == [
        (1, "adults", False, "merged", "id2"),
        (1, "buyers", False, "merged", "id2"),
        (1, "lapsing", False, "merged", "id2"),
        (1, "some", False, "merged", "id2"),
        (2, "buyers", True, "merged", "id1"),
        (2, "lapsing", True, "merged", "id1"),
        (2, "some", True, "merged", "id1"),
    ]


def test_a_new_definition_is_the_reason_of_its_own_moves_only(tmp_path: Path) -> None:
    """Editing one segment must not be blamed for what happened in another."""
    made = settled(tmp_path)
    both(made, TODAY)
    made.run = 2
    made.sale(2, TODAY)
    made.tags(TAGS, TODAY)
    parts = [{**one, "where": "days_since(last_on) > 30"} if one["name"] == "lapsing" else one for one in PARTS]
    made.segments(divided(TAGS, parts), TODAY)

    assert [row for row in made.events() if row[1] in {"lapsing", "buyers"}] == [
        (1, "lapsing", False, "definition", None),
        (2, "buyers", True, "data", None),
    ]


def test_a_retired_bit_is_reused_only_when_it_was_cleared(tmp_path: Path) -> None:
    """A new segment must not inherit the people of an old one."""
    made = settled(tmp_path)
    both(made, TODAY)
    made.run = 2
    fresh = {"name": "nobody", "where": "orders > 99"}
    second = made.segments(divided(TAGS, [*PARTS[1:], PARTS[0], fresh]), TODAY)
    made.run = 3
    third = made.segments(divided(TAGS, [PARTS[3], fresh]), TODAY)
    made.run = 4
    late = {"name": "late", "where": "orders > 98"}
    fourth = made.segments(divided(TAGS, [PARTS[3], fresh, late]), TODAY)
    place = made.store.con.execute("SELECT word, bit FROM segment_slot WHERE segment = 'late'").fetchone()

    assert (second["nobody"], third["nobody"], fourth["late"], fourth["adults"]) == ([], [], [], [0, 1, 2])
    assert place == (0, 0)
    assert made.events() == []


def test_more_than_62_segments_go_to_a_second_word(tmp_path: Path) -> None:
    """The sixty-third segment must neither be lost nor overwrite the first."""
    made = settled(tmp_path)
    made.tags(TAGS, TODAY)
    made.segments(divided(TAGS, PARTS), TODAY)
    made.run = 2
    more = [{"name": f"n{number}", "where": f"orders = {number}"} for number in range(70)]
    found = made.segments(divided(TAGS, [*PARTS, *more]), TODAY)

    assert (found["n0"], found["n1"], found["n69"], found["buyers"]) == ([2, 3], [0, 1], [], [0, 1])
    assert made.store.columns("segment_bits") == ["person_no", "w0", "next_flip", "changed_run", "w1"]


def test_other_uses_of_days_make_everybody_due_every_day(tmp_path: Path) -> None:
    """What cannot be foreseen must still be right tomorrow."""
    made = settled(tmp_path)
    made.tags(TAGS, TODAY)
    plan = divided(TAGS, [{"name": "odd_day", "where": "days_since(last_on) % 2 = 1"}])
    days = []
    for later in range(3):
        made.run += 1
        days.append(made.segments(plan, TODAY + timedelta(later))["odd_day"])

    assert days == [[], [0, 1], []]


@settings(max_examples=10, deadline=None)
@given(
    sales=st.lists(st.tuples(st.integers(0, 3), st.integers(-9, 3)), max_size=8),
    later=st.lists(st.tuples(st.integers(0, 3), st.integers(-9, 3)), max_size=4),
)
def test_day_by_day_equals_from_scratch(sales: list[tuple[int, int]], later: list[tuple[int, int]]) -> None:
    """Two roads to one truth: bits and flips must not depend on the runs before."""
    with TemporaryDirectory() as folder:
        made = settled(Path(folder))
        for who, days in sales:
            made.sale(who, TODAY + timedelta(days))
        for days in (0, 1, 2, 6):
            if days == 2:
                for who, when in later:
                    made.sale(who, TODAY + timedelta(when))
            both(made, TODAY + timedelta(days))
            made.run += 1
        sql = "SELECT * EXCLUDE changed_run FROM segment_bits ORDER BY person_no"
        step = made.store.con.execute(sql).fetchall()
        made.segments(PLAN, TODAY + timedelta(6), rebuild=True)
        anew = made.store.con.execute(sql).fetchall()
        made.store.close()

    assert step == anew


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (
            [{"name": "a", "where": "segment.b"}, {"name": "b", "where": "segment.a"}],
            "segments line 1: segments read one another in a circle: a → b → a — break it at one of them",
        ),
        (
            [{"name": "a", "where": "orders"}],
            "segments line 1: segment 'a' needs a condition, this is INT — compare it with something",
        ),
        (
            [{"name": "a", "where": "consent.marketing.smss"}],
            "segments line 1 column 1: unknown field 'consent.marketing.smss' — did you mean 'consent.marketing.sms'?",
        ),
        (
            [{"name": "a", "where": "count(sale.record_id) > 1"}],
            "segments line 1 column 1: count reads facts, which only tags do — make a tag of it and name that",
        ),
    ],
)
def test_a_faulty_plan_is_told_in_one_sentence(parts: list[dict[str, str]], words: str) -> None:
    """Nothing may run on a plan that nobody can mean."""
    with pytest.raises(ConfigError) as error:
        divided(TAGS, parts)

    assert str(error.value) == words
