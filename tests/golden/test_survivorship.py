"""Survivorship by field: which of several profiles gives a golden field, and what is told of where it came from.

The answers by hand follow rule 28 of ``docs/decisions/0002-semantics.md``; ten thousand drawn persons follow the plain
reference.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, cast

import duckdb
import pyarrow as pa
import pytest
from bad_input.project import Shop, copied, phone, query
from cast import CAST, LI_QIANG, WANG_FANG
from reference.golden import FieldRule as PlainRule
from reference.golden import survivor

from unifier.golden.steps import golden, source_rank
from unifier.golden.survivorship import RULES, TEXT_RULES, FieldRule, RuleName
from unifier.identifiers import name_key
from unifier.tables.golden import FIELDS

SEED: Final = int(os.environ.get("UNIFIER_SEED", "20260628"))
PERSONS: Final = 10_000
SOURCES: Final = ("crm", "pos", "till", "wechat")
TRUST: Final = ("crm", "wechat")
FIRST_DAY: Final = datetime(2026, 1, 1)  # noqa: DTZ001 - the store keeps UTC without saying so
NAMES: Final = [name for name, _ in FIELDS]


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile: its source, its id, the day it was observed, and what it says."""

    source: str
    record_id: str
    day: int
    says: Mapping[str, Any] = field(default_factory=dict)

    @property
    def observed_at(self) -> datetime:
        """Midnight of its day."""
        return FIRST_DAY + timedelta(days=self.day)


Row = dict[str, tuple[Any, tuple[str, str] | None]]
"""Of each golden field the value, and source and id of the profile that gave it."""


def judged(people: Sequence[Sequence[Profile]], rules: Mapping[str, FieldRule]) -> list[Row]:
    """Run the steps of golden records over persons, once for all of them."""
    profiles = [(person, profile) for person, held in enumerate(people) for profile in held]
    numbers = {name: number for number, name in enumerate(SOURCES)}
    con = duckdb.connect()
    con.execute("SET threads = 1")
    con.register("source_rank", source_rank(numbers, TRUST, rules))
    con.register("profile", _profiles(profiles, numbers))
    whose = [(2 * number, person) for number, (person, _) in enumerate(profiles)]
    con.register("assignment", pa.table({"node_no": [node for node, _ in whose], "person_no": [no for _, no in whose]}))
    con.execute("CREATE TABLE person AS SELECT range AS person_no, 'active' AS state FROM range(?)", [len(people)])
    con.execute("CREATE VIEW golden_scope AS SELECT person_no FROM person")
    con.execute(
        "CREATE TABLE bundle (node_no INT, source_no INT, gone BOOL, records INT, first_at TIMESTAMP, last_at TIMESTAMP)"
    )
    con.execute(
        "CREATE TABLE membership (record_no INT, issuer TEXT, card_no TEXT, level TEXT, points BIGINT, "
        "joined_at TIMESTAMP, expires_at TIMESTAMP)"
    )
    for step in golden(rules):
        con.execute(f"CREATE TEMP TABLE {step.writes} AS {step.sql}")
    values = con.execute(f"SELECT {', '.join(NAMES)} FROM next_golden ORDER BY person_no").fetchall()
    origins = con.execute(f"SELECT {', '.join(NAMES)} FROM next_provenance ORDER BY person_no").fetchall()
    keys = [(profile.source, profile.record_id) for _, profile in profiles]
    return [
        {name: (value, None if no is None else keys[no]) for name, value, no in zip(NAMES, row, origin, strict=True)}
        for row, origin in zip(values, origins, strict=True)
    ]


def _profiles(profiles: Sequence[tuple[int, Profile]], numbers: Mapping[str, int]) -> pa.Table:
    """Lay profiles out as the store does."""
    told = [profile for _, profile in profiles]
    kinds = {"VARCHAR": pa.string(), "TIMESTAMP": pa.timestamp("us")}
    return pa.table(
        {
            "record_no": pa.array(range(len(told)), pa.int64()),
            "source_no": pa.array([numbers[each.source] for each in told], pa.int16()),
            "record_id": [each.record_id for each in told],
            "observed_at": pa.array([each.observed_at for each in told], pa.timestamp("us")),
            "deleted": [False] * len(told),
            "status": pa.nulls(len(told), pa.string()),
            "name_key": pa.array([name_key(each.says.get("name")) for each in told], pa.string()),
            **{name: pa.array([each.says.get(name) for each in told], kinds[kind]) for name, kind in FIELDS},
        }
    )


def chosen(name: str, rule: FieldRule, *profiles: Profile) -> tuple[Any, tuple[str, str] | None]:
    """Value and origin of one field of one person."""
    return judged([profiles], {name: rule})[0][name]


CITIES: Final = (
    Profile("crm", "1", 3, {"city": "上海"}),
    Profile("crm", "2", 5, {"city": "北京"}),
    Profile("wechat", "1", 9, {"city": "杭州市"}),
    Profile("wechat", "2", 2, {"city": "上海"}),
    Profile("till", "1", 20, {"city": ""}),
)
"""Trusted in this order: crm 2, crm 1, wechat 1, wechat 2; the till says nothing."""


@pytest.mark.parametrize(
    ("rule", "value", "giver"),
    [
        ("trust", "北京", ("crm", "2")),
        ("recent", "杭州市", ("wechat", "1")),
        ("frequent", "上海", ("crm", "1")),
        ("longest", "杭州市", ("wechat", "1")),
        ("min", "上海", ("crm", "1")),
        ("max", "杭州市", ("wechat", "1")),
        ("union", "北京 | 上海 | 杭州市", ("crm", "2")),
    ],
)
def test_each_rule_takes_its_value_from_its_record(rule: RuleName, value: str, giver: tuple[str, str]) -> None:
    """An operator who sees a city can be shown the one record it came from."""
    assert chosen("city", FieldRule(rule), *CITIES) == (value, giver)


@pytest.mark.parametrize(
    ("rule", "value", "giver"),
    [
        ("trust", "杭州市", ("wechat", "1")),
        ("frequent", "上海", ("wechat", "2")),
        ("min", "上海", ("wechat", "2")),
        ("union", "杭州市 | 上海 | 北京", ("wechat", "1")),
    ],
)
def test_a_field_may_trust_other_sources_than_the_project(rule: RuleName, value: str, giver: tuple[str, str]) -> None:
    """WeChat knows where people live, the CRM what they are called."""
    assert chosen("city", FieldRule(rule, ("wechat", "crm")), *CITIES) == (value, giver)


def test_a_rule_for_one_field_leaves_the_others_alone() -> None:
    """A new rule for cities must not move anybody's birthday."""
    told = [Profile("crm", "1", 1, {"city": "上海", "birthday": WANG_FANG.birthday})]
    told += [Profile("wechat", "1", 2, {"city": "杭州", "birthday": LI_QIANG.birthday})]

    (row,) = judged([told], {"city": FieldRule("recent", ("wechat",))})

    assert (row["city"], row["birthday"]) == (("杭州", ("wechat", "1")), (WANG_FANG.birthday, ("crm", "1")))


@pytest.mark.parametrize(
    ("rule", "told", "value", "giver"),
    [
        ("recent", [("pos", "1", 7, "B"), ("wechat", "1", 7, "C"), ("wechat", "0", 6, "A")], "C", ("wechat", "1")),
        ("recent", [("crm", "2", 7, "B"), ("crm", "1", 7, "C")], "C", ("crm", "1")),
        (
            "frequent",
            [("pos", "1", 9, "A"), ("pos", "2", 9, "A"), ("crm", "1", 1, "B"), ("till", "1", 1, "B")],
            "B",
            ("crm", "1"),
        ),
        ("longest", [("pos", "1", 9, "AAA"), ("crm", "1", 1, "BBB"), ("crm", "2", 1, "CC")], "BBB", ("crm", "1")),
        ("min", [("crm", "2", 1, "A"), ("crm", "1", 1, "A"), ("crm", "3", 2, "A")], "A", ("crm", "3")),
        ("max", [("wechat", "1", 9, "A"), ("crm", "1", 1, "A")], "A", ("crm", "1")),
        ("union", [("till", "1", 9, "A"), ("pos", "2", 1, "B"), ("pos", "1", 1, "A")], "A | B", ("till", "1")),
    ],
)
def test_ties_go_by_trust_then_newness_then_record(
    rule: RuleName, told: Sequence[tuple[str, str, int, str]], value: str, giver: tuple[str, str]
) -> None:
    """What decides between equals must not be the order in which records came."""
    profiles = [Profile(source, number, day, {"city": city}) for source, number, day, city in told]

    for order in (profiles, profiles[::-1]):
        assert chosen("city", FieldRule(rule), *order) == (value, giver)


@pytest.mark.parametrize(
    ("rule", "value"),
    [("longest", "abc"), ("max", "😀"), ("min", "abc")],
)
def test_text_is_measured_in_code_points(rule: RuleName, value: str) -> None:
    """Bytes would call 上海 longer than abc, and UTF-16 would put 😀 before ～."""
    told = ["上海", "～", "😀", "abc"]

    found = chosen("address", FieldRule(rule), *(Profile("crm", text, 1, {"address": text}) for text in told))

    assert found == (value, ("crm", value))


@pytest.mark.parametrize(("rule", "day"), [("trust", 5), ("recent", 6), ("frequent", 4), ("min", 4), ("max", 6)])
def test_times_follow_the_rules_that_need_no_text(rule: RuleName, day: int) -> None:
    """When somebody registered first is what a shop asks most."""
    days = [("crm", 5, 1), ("wechat", 4, 2), ("pos", 4, 3), ("till", 6, 9)]
    told = [
        Profile(source, "1", observed, {"registered_at": FIRST_DAY + timedelta(days=registered)})
        for source, registered, observed in days
    ]

    value, _ = chosen("registered_at", FieldRule(rule), *told)

    assert value == FIRST_DAY + timedelta(days=day)


@pytest.mark.parametrize("rule", RULES)
def test_a_full_name_goes_before_what_is_none_under_every_rule(rule: RuleName) -> None:
    """王女士 is more trusted, newer, more frequent and longer than a name, and still no name."""
    titled = [Profile("crm", str(number), 9, {"name": "王女士(会员卡丢失)"}) for number in range(3)]

    found = chosen("name", FieldRule(rule), *titled, Profile("pos", "1", 1, {"name": WANG_FANG.name}))

    assert found == (WANG_FANG.name, ("pos", "1"))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    ("name", "nothing", "worth"),
    [
        ("gender", "unknown", "female"),
        ("city", "", "上海"),
        ("name", "测试", "王女士"),
        ("name", "NULL", "王女士"),
        ("name", "---", "王女士"),
        ("name", "其他", "王女士"),
    ],
)
def test_what_says_nothing_never_wins(rule: RuleName, name: str, nothing: str, worth: str) -> None:
    """An empty field of the best source must not hide what another knows, nor count towards the most frequent."""
    empty = [Profile("crm", str(number), 9, {name: nothing}) for number in range(3)]

    known = judged([[*empty, Profile("till", "1", 1, {name: worth})], empty, empty[:1]], {name: FieldRule(rule)})

    assert [row[name] for row in known] == [(worth, ("till", "1")), (None, None), (None, None)]


@pytest.mark.parametrize("rule", RULES)
def test_a_single_profile_is_taken_as_it_is(rule: RuleName) -> None:
    """Most persons have one profile: no rule has anything to choose there."""
    assert chosen("city", FieldRule(rule, ("wechat",)), CITIES[0]) == ("上海", ("crm", "1"))


def _drawn(draw: random.Random) -> list[list[Profile]]:
    """Draw persons with few values, sources and days, so that ties are common."""
    names = [*(one.name for one in CAST), "王女士", "小王", "测试", "其他", "anonymous", "-", "", None]
    values: dict[str, Sequence[Any]] = {name: ["上海", "～", "😀a", "abc", "a", "ab", "", None] for name in NAMES}
    values |= {
        "name": names,
        "gender": ["female", "male", "unknown", None],
        "birthday": ["1988-03-08", "--03-08", "1990-09-17", None],
        "registered_at": [None, *(FIRST_DAY - timedelta(days=day) for day in range(3))],
    }
    return [
        [
            Profile(source, str(number), draw.randrange(3), {name: draw.choice(few) for name, few in values.items()})
            for source, number in draw.sample(
                [(source, no) for source in SOURCES for no in (9, 10)], draw.randint(1, 6)
            )
        ]
        for _ in range(PERSONS)
    ]


def _rules(draw: random.Random) -> dict[str, FieldRule]:
    """Draw a rule for every field but one, each rule for some, some with their own trust."""
    texts = [name for name, kind in FIELDS if kind == "VARCHAR"]
    draw.shuffle(texts)
    names = dict(zip(texts[1:], [*RULES, *draw.choices(RULES, k=len(texts))], strict=False))
    names["registered_at"] = draw.choice([rule for rule in RULES if rule not in TEXT_RULES])
    orders = [None, ("wechat", "till"), ("pos",), ()]
    return {name: FieldRule(rule, draw.choice(orders)) for name, rule in names.items()}


def _expected(profiles: Iterable[Profile], rules: Mapping[str, FieldRule]) -> Row:
    """Ask the plain reference."""
    records = {
        (one.source, "profile", one.record_id): {
            "observed_at": one.observed_at,
            **{name: value for name, value in one.says.items() if not name.startswith("acquired_")},
            "acquired": {name[9:]: value for name, value in one.says.items() if name.startswith("acquired_")},
        }
        for one in profiles
    }
    row: Row = {}
    for name in NAMES:
        rule = rules.get(name, FieldRule())
        found = survivor(name, records, TRUST, PlainRule(cast("RuleName", rule.rule), rule.trust))
        row[name] = (found[0], (found[1][0], found[1][2])) if found else (None, None)
    return row


def test_ten_thousand_persons_get_what_the_plain_reference_gives_them() -> None:
    """Hand-made cases are those somebody thought of; UNIFIER_SEED repeats or varies the others."""
    draw = random.Random(SEED)
    people, rules = _drawn(draw), _rules(draw)

    found = judged(people, rules)

    assert {rule.rule for rule in rules.values()} == set(RULES)
    for person, row in zip(people, found, strict=True):
        assert row == _expected(person, rules), f"seed {SEED}, rules {rules}, person {person}"


def _about(shop: Shop) -> list[tuple[Any, ...]]:
    return query(shop.warehouse, "SELECT city, count(*) FROM members WHERE city IS NOT NULL GROUP BY 1 ORDER BY 1")


def test_a_change_of_the_rules_reaches_everybody_at_the_next_run(shop: Shop) -> None:
    """Rules are changed in the configuration on an ordinary day: nobody's record is news, and all must follow."""
    shop.add_source("wechat", "profile", "*.jsonl")
    for source, day, city in (("crm", "01", "上海"), ("wechat", "02", "杭州")):
        people = [
            {
                "record_id": f"C{number}",
                "observed_at": f"2026-06-{day}T00:00:00Z",
                "name": one.name,
                "city": city,
                "identifiers": [phone(one.phone, verified=True)],
            }
            for number, one in enumerate(CAST)
        ]
        shop.lines(f"{source}/2.jsonl", people)
    shop.configure(golden={"trust": ["crm", "wechat"]})
    assert shop.run().code == 0
    before = _about(shop)
    shop.configure(golden={"trust": ["crm", "wechat"], "fields": {"city": {"rule": "recent"}}})
    rebuilt = copied(shop, shop.folder.with_name("rebuilt"))

    assert shop.run().code == 0
    assert rebuilt.run("--rebuild").code == 0

    people_here = len({one.phone for one in CAST})
    assert (before, _about(shop)) == ([("上海", people_here)], [("杭州", people_here)])
    assert shop.published() == rebuilt.published()
