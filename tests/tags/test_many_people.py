"""Tags of ten thousand people in one town, day by day, each held against plain Python."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from properties.seeds import EXAMPLES, dice
from tags.people import Town, town
from tags.plain import PLAN, TODAY, Sale, expected, next_flip

CHANNELS: Final = ("store", "tmall", None)
DAYS: Final = (0, 1, 2, 3, 7, 12)
Row = tuple[Any, ...]


def bought(draw: random.Random, who: int, most: int) -> list[Sale]:
    """Draw what a person buys: before and after TODAY, some of it for nothing."""
    return [
        (who, draw.randint(-12, 4), draw.randint(0, 5), draw.choice(CHANNELS)) for _ in range(draw.randint(0, most))
    ]


def sell(made: Town, sales: list[Sale]) -> None:
    """Sell to many people."""
    made.sell([(who, TODAY + timedelta(days), fen, channel) for who, days, fen, channel in sales])


def withdraw(made: Town, places: list[int]) -> None:
    """Let sales, by their place among all, turn out to be known already: they count no more."""
    listed = ", ".join(str(place + 1) for place in places)
    made.store.con.execute(
        f"UPDATE sale SET counted_as = 'duplicate', changed_run = {made.run} WHERE order_no IN ({listed})"
    )


def test_tags_and_flips_of_ten_thousand_people_are_those_of_plain_python(tmp_path: Path) -> None:
    """News, withdrawals, merges and days that pass: whoever is missed once stays in the wrong audience for good."""
    draw = dice("tags")
    people = dict.fromkeys(range(EXAMPLES))
    made = town(tmp_path)
    made.crowd(list(people))
    told = [sale for who in people for sale in bought(draw, who, 7)]
    sell(made, told)
    live: dict[int, Sale] = dict(enumerate(told))
    for days in DAYS:
        if days in {2, 7}:
            news = [sale for who in draw.sample(list(people), EXAMPLES // 3) for sale in bought(draw, who, 2)]
            live |= dict(enumerate(news, made.facts))
            sell(made, news)
            gone = set(draw.sample(list(live), EXAMPLES // 20))
            withdraw(made, sorted(gone))
            live = {place: sale for place, sale in live.items() if place not in gone}
        if days == 3:
            both = draw.sample(list(people), 200)
            into = dict(zip(both[::2], both[1::2], strict=True))
            for lost, kept in into.items():
                made.end(lost, kept)
                del people[lost]
            live = {place: (into.get(sale[0], sale[0]), *sale[1:]) for place, sale in live.items()}
        as_of = TODAY + timedelta(days)
        found = made.tags(PLAN, as_of)
        flips = made.store.con.execute("SELECT person_no, next_flip FROM tag_clock ORDER BY person_no").fetchall()

        mine = by_person(people, live)
        assert differing(found, expected(live.values(), as_of, people), mine) == []
        assert differing(flips, [(who, next_flip(bought, as_of)) for who, bought in mine.items()], mine) == []
        made.run += 1


def by_person(people: dict[int, None], live: dict[int, Sale]) -> dict[int, list[tuple[Any, int, str | None]]]:
    """Part sales by person, with the days they fall on."""
    found: dict[int, list[tuple[Any, int, str | None]]] = {who: [] for who in people}
    for who, days, fen, channel in live.values():
        found[who].append((TODAY + timedelta(days), fen, channel))
    return found


def differing(found: list[Row], wanted: list[Row], mine: dict[int, Any]) -> list[Any]:
    """List what the engine and plain Python say, and what was bought, of the first person they differ about."""
    assert len(found) == len(wanted)
    pairs = zip(found, wanted, strict=True)
    return [(one, other, mine[other[0]]) for one, other in pairs if one != other][:1]
