"""Expressions: what is understood, what is refused, and in which words."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from unifier.errors import ConfigError
from unifier.expressions import Compiled, Field, Namespace, Type, compile  # noqa: A004 - the word of the design

FIELDS = {
    "city": Type.TEXT,
    "total": Type.INT,
    "orders": Type.INT,
    "seen": Type.TIMESTAMP,
    "last_on": Type.DATE,
    "birthday": Type.BIRTHDAY,
    "member": Type.BOOL,
}
SALE = {"record_id": Type.INT, "net_amount": Type.MONEY, "channel": Type.TEXT, "at": Type.TIMESTAMP}


def names(*, daily: bool = False) -> Namespace:
    """Name what the expressions of these tests may read."""
    return Namespace(
        {name: Field(name, kind, "golden") for name, kind in FIELDS.items()},
        lambda column: f"({column} + INTERVAL '28800 seconds')::DATE",
        {"sale": {name: Field(name, kind, "sale") for name, kind in SALE.items()}},
        population=True,
        daily=daily,
    )


def read(text: str, *, daily: bool = False) -> Compiled:
    """Compile as if it stood on line 3 of loyal.yaml."""
    return compile(text, names(daily=daily), file="tags/loyal.yaml", line=3)


def value(text: str, as_of: str = "2026-06-30", **row: Any) -> Any:
    """Evaluate an expression over one person."""
    columns = ", ".join(f"CAST(${name} AS {FIELDS[name].column}) AS {name}" for name in row)
    sql = f"SELECT {read(text, daily=True).sql} FROM (SELECT {columns})"
    params = {**row, **({"as_of": as_of} if "$as_of" in sql else {})}
    found = duckdb.execute(sql, params).fetchone()
    return found[0] if found else None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("orders > 1 and totl > 3", "line 3 column 16: unknown field 'totl' — did you mean 'total'?"),
        ("orders > 1\n  and totl > 3", "line 4 column 7: unknown field 'totl' — did you mean 'total'?"),
        ("flor(total)", "line 3 column 1: unknown function 'flor' — did you mean 'floor'?"),
        ("city = 3", "line 3 column 1: a text does not compare with a number — bring both to one type"),
        ("city = null", "line 3 column 1: nothing is equal to null — write is null, or is not null"),
        ("last_on > 'soon'", "line 3 column 11: 'soon' is not a day — write it like '2026-01-31'"),
        (
            "sum(city)",
            "line 3 column 5: city is a field of the person, not of a fact — an aggregate reads facts only",
        ),
        (
            "sale.net_amount > 3",
            (
                "line 3 column 1: sale.net_amount is a field of facts, of which a person has many — "
                "put it into an aggregate, such as max(…)"
            ),
        ),
        (
            "sum(sale.channel)",
            "line 3 column 5: sum takes INT or MONEY, this is TEXT — check the type of the field",
        ),
        (
            "sum(sale.net_amount) > total",
            (
                "line 3 column 1: facts of sale and a field of the person do not go into one expression — "
                "make a tag of the facts and name it in another"
            ),
        ),
        (
            "days_since(last_on)",
            (
                "line 3 column 1: days_since changes every day for everybody — "
                "compare it with a number: days_since(…) > 90"
            ),
        ),
        ("min(sale.at, 3)", "line 3 column 5: min takes 1 arguments, here are 2 — check commas and brackets"),
        (
            "1 + rank(total)",
            "line 3 column 5: rank stands at the top of a tag's value only — make a tag of it and name that",
        ),
        ("null", "line 3 column 1: the value is always unknown — name a field"),
        ("'abc", "line 3 column 1: not an expression: a quote or comment has no end — close it"),
        (" ", "line 3 column 1: the expression is empty — write a value, such as count(sale.record_id)"),
    ],
)
def test_a_fault_names_place_and_mend(text: str, words: str) -> None:
    """An operator must be able to mend a tag from the message alone."""
    with pytest.raises(ConfigError) as error:
        read(text)

    assert str(error.value) == f"tags/loyal.yaml {words}"


@pytest.mark.parametrize(
    "text",
    [
        "(select 1)",
        "total; drop table person",
        "total::text",
        "sum(total) over ()",
        "count(*)",
        "$1",
        "city[1]",
        "x -> 1",
        "read_csv('/etc/passwd')",
        "getenv('HOME')",
        "total in (select 1)",
        "city similar to 'x'",
        "count(sale.record_id) filter (where true)",
        "case total when 1 then 2 end",
        "(" * 40 + "total" + ")" * 40,
        "total" + " + 1" * 600,
    ],
)
def test_what_is_not_white_listed_is_refused(text: str) -> None:
    """Whoever may write a tag must not read files, other tables or the environment."""
    with pytest.raises(ConfigError):
        read(text)


def test_a_text_literal_cannot_leave_its_quotes() -> None:
    """A quote in a city's name must stay data."""
    assert value("city = 'x'' or 1 = 1 --'", city="x' or 1 = 1 --") is True
    assert value("city = 'x'' or 1 = 1 --'", city="y") is False


@pytest.mark.parametrize(
    ("text", "row", "expected"),
    [
        ("total / orders", {"total": 5, "orders": 2}, 2.5),
        ("total / orders", {"total": 5, "orders": 0}, None),
        ("total % orders", {"total": 5, "orders": 0}, None),
        ("coalesce(total, 0) + 1", {"total": None}, 1),
        ("total > 3", {"total": None}, None),
        ("not city like '上海%'", {"city": "上海市"}, False),
        ("left(city, 2)", {"city": "上海市"}, "上海"),
        ("if(total > 3, 'many', 'few')", {"total": 4}, "many"),
        ("case when total > 3 then 1 end", {"total": 1}, None),
        ("date_of(seen) = '2026-06-30'", {"seen": "2026-06-29 16:00:00"}, True),
        ("days_between(date '2026-01-01', last_on)", {"last_on": "2026-01-31"}, 30),
        ("month_of(birthday)", {"birthday": "--03-08"}, 3),
        ("age(birthday)", {"birthday": "2008-06-30"}, 18),
        ("age(birthday)", {"birthday": "2008-07-01"}, 17),
        ("age(birthday)", {"birthday": "--03-08"}, None),
        ("days_since(last_on)", {"last_on": "2026-06-01"}, 29),
        ("30 > days_since(last_on)", {"last_on": "2026-06-01"}, True),
    ],
)
def test_values_follow_the_documented_meaning(text: str, row: dict[str, Any], expected: Any) -> None:
    """NULL, division, days and ages must mean on every engine what the page says."""
    assert value(text, **row) == expected


def test_a_leap_day_is_reached_on_the_first_of_march() -> None:
    """Whoever is born on 29 February must not be 18 a day early."""
    flip = read("age(birthday) >= 18").flips[0]
    day = duckdb.execute(f"SELECT {flip} FROM (SELECT '2008-02-29' AS birthday)", {"as_of": "2026-01-01"}).fetchone()

    assert value("age(birthday) >= 18", "2026-02-28", birthday="2008-02-29") is False
    assert value("age(birthday) >= 18", "2026-03-01", birthday="2008-02-29") is True
    assert [str(one) for one in day or ()] == ["2026-03-01"]


def test_days_since_flips_on_the_day_the_answer_changes() -> None:
    """A flip a day late would leave a lapsed member in the audience of the loyal."""
    compiled = read("days_since(last_on) between 30 and 89")
    row = {"as_of": "2026-01-01"}
    sql = f"SELECT {', '.join(compiled.flips)} FROM (SELECT DATE '2026-01-01' AS last_on)"

    assert [str(day) for day in duckdb.execute(sql, row).fetchone() or ()] == ["2026-01-31", "2026-04-01"]
    assert value("days_since(last_on) between 30 and 89", "2026-01-30", last_on="2026-01-01") is False
    assert value("days_since(last_on) between 30 and 89", "2026-01-31", last_on="2026-01-01") is True
    assert value("days_since(last_on) between 30 and 89", "2026-04-01", last_on="2026-01-01") is False
