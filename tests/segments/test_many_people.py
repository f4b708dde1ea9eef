"""Segments of ten thousand people in one town: who is in, who moved and why, each held against plain Python."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from properties.seeds import EXAMPLES, dice
from tags.people import Town, divided, planned, town

TODAY: Final = date(2026, 6, 30)
TAGS: Final = planned(
    {"name": "orders", "value": "count(sale.record_id)"},
    {"name": "last_on", "value": "max(sale.day)"},
    {"name": "week", "value": "count(sale.record_id)", "window": "7d"},
)
LAPSING: Final = 5
DEFINED_ANEW: Final = 3
"""Days a customer stays away before lapsing, at first and when the segment has been defined anew."""

PARTS: Final[tuple[dict[str, Any], ...]] = (
    {"name": "buyers", "where": "orders > 0"},
    {"name": "lapsing", "where": f"segment.buyers and days_since(last_on) > {LAPSING}"},
    {"name": "weekly", "where": "week > 0"},
    {"name": "adults", "where": "age(birthday) >= 18"},
    {"name": "texted", "where": "reachable.sms"},
    {"name": "much", "where": "orders >= 3", "tier": {"group": "size", "order": 1}},
    {"name": "some", "where": "orders >= 1", "tier": {"group": "size", "order": 2}},
)
BIRTHDAYS: Final = ("1990-01-01", "2008-06-30", "2008-07-03", "2008-07-08", "2008-02-29", "2009-01-01", "--07-03", None)
DAYS: Final = (0, 1, 2, 3, 6, 9)
NEWS_ON, MERGED_ON, REDEFINED_ON = {2, 6}, 3, 9


@dataclass
class Customer:
    """What plain Python knows of somebody: days of purchase, birthday, whether SMS may reach them."""

    birthday: str | None
    bought: list[date] = field(default_factory=list)
    reachable: bool = False
    flip: date | None = None
    inside: frozenset[str] = frozenset()

    def segments(self, as_of: date, lapsing: int) -> frozenset[str]:
        """Say in which segments they are."""
        orders, come_of_age = len(self.bought), self.comes_of_age()
        holds = {
            "buyers": orders > 0,
            "lapsing": orders > 0 and (as_of - max(self.bought)).days > lapsing,
            "weekly": any(as_of - timedelta(7) < day <= as_of for day in self.bought),
            "adults": come_of_age is not None and come_of_age <= as_of,
            "texted": self.reachable,
            "much": orders >= 3,
            "some": 1 <= orders < 3,
        }
        return frozenset(name for name, holding in holds.items() if holding)

    def comes_of_age(self) -> date | None:
        """Say when they are eighteen; who was born on a 29th of February is so on the first of March."""
        if self.birthday is None or self.birthday.startswith("--"):
            return None
        year, month, day = map(int, self.birthday.split("-"))
        return date(year + 18, month, 1) + timedelta(day - 1)

    def next_flip(self, as_of: date, lapsing: int) -> date | None:
        """Say on which later day something may change without news."""
        days = [day for bought in self.bought for day in (bought, bought + timedelta(7))]
        days += [max(self.bought) + timedelta(lapsing + 1)] if self.bought else []
        days += [come_of_age] if (come_of_age := self.comes_of_age()) else []
        return min((day for day in days if day > as_of), default=None)


@dataclass
class Changes:
    """What happened before a run: who merged with whom, whose contact changed, whether ``lapsing`` was redefined."""

    merged: dict[int, int] = field(default_factory=dict)
    asked: set[int] = field(default_factory=set)
    redefined: bool = False

    def reason(self, who: int, segment: str, *, due: bool) -> tuple[str, str | None]:
        """Say why somebody entered or left, and the other OneID of a merge: by precedence."""
        if who in self.merged:
            return "merged", f"id{self.merged[who]}"
        if segment == "texted" and who in self.asked:
            return "consent", None
        if segment == "lapsing" and self.redefined:
            return "definition", None
        return ("time" if due else "data"), None


class Shop:
    """Customers in a town, and in plain Python beside it."""

    def __init__(self, folder: Path, draw: random.Random) -> None:
        self.draw, self.town = draw, town(folder)
        self.people = {who: Customer(draw.choice(BIRTHDAYS)) for who in range(EXAMPLES)}
        self.town.crowd(list(self.people), birthday=[one.birthday for one in self.people.values()])
        self.buy(list(self.people), 4)
        self.allow(draw.sample(list(self.people), EXAMPLES // 3))

    def buy(self, customers: list[int], most: int) -> None:
        """Sell up to so many things to each, on days around today."""
        sales = [
            (who, TODAY + timedelta(self.draw.randint(-12, 4)))
            for who in customers
            for _ in range(self.draw.randint(0, most))
        ]
        self.town.sell([(who, day, 100, None) for who, day in sales])
        for who, day in sales:
            self.people[who].bought.append(day)

    def allow(self, customers: list[int]) -> None:
        """Let SMS reach these from now on."""
        fresh = [who for who in customers if not self.people[who].reachable]
        self.town.rows("contact", person_no=fresh, channel=["sms"] * len(fresh), reachable=[True] * len(fresh))
        for who in fresh:
            self.people[who].reachable = True

    def merge(self, count: int) -> dict[int, int]:
        """Let pairs turn out to be one person each; return who merged with whom, both ways."""
        chosen = self.draw.sample(list(self.people), 2 * count)
        pairs = list(zip(chosen[::2], chosen[1::2], strict=True))
        for lost, kept in pairs:
            self.town.end(lost, kept)
            self.people[kept].bought += self.people[lost].bought
        return dict(pairs) | {kept: lost for lost, kept in pairs}


def test_segments_and_moves_of_ten_thousand_people_are_those_of_plain_python(tmp_path: Path) -> None:
    """Who enters an audience gets a message: entering, leaving and the reason must be right for everybody."""
    shop = Shop(tmp_path, dice("segments"))
    lapsing = LAPSING
    for days in DAYS:
        as_of, changes = TODAY + timedelta(days), Changes()
        gone: dict[int, Customer] = {}
        if days in NEWS_ON:
            shop.buy(shop.draw.sample(list(shop.people), EXAMPLES // 4), 2)
            before = {who for who, one in shop.people.items() if one.reachable}
            shop.allow(shop.draw.sample(list(shop.people), EXAMPLES // 10))
            changes.asked = {who for who, one in shop.people.items() if one.reachable} - before
        if days == MERGED_ON:
            changes.merged = shop.merge(200)
            ended = list(changes.merged)[:200]
            gone = {who: shop.people.pop(who) for who in ended}
        if days == REDEFINED_ON:
            lapsing, changes.redefined = DEFINED_ANEW, True
        parts = [{**part, "where": part["where"].replace(str(LAPSING), str(lapsing))} for part in PARTS]
        shop.town.tags(TAGS, as_of)
        found = shop.town.segments(divided(TAGS, parts), as_of)

        wanted = wanted_events(shop.people | gone, set(gone), changes, as_of, lapsing)
        inside = {name: [who for who, one in shop.people.items() if name in one.inside] for name in found}
        assert {name: sorted(set(inside[name]) ^ set(found[name]))[:3] for name in found} == {
            name: [] for name in found
        }
        assert first_differing(shop.town.events(), wanted if days else [], shop.people | gone) == []
        assert (
            first_differing(flips(shop.town), sorted((who, one.flip) for who, one in shop.people.items()), shop.people)
            == []
        )
        shop.town.run += 1


def wanted_events(
    people: dict[int, Customer], gone: set[int], changes: Changes, as_of: date, lapsing: int
) -> list[tuple[Any, ...]]:
    """Move everybody to where they belong, and say which events this makes."""
    events = []
    for who, one in people.items():
        now = frozenset() if who in gone else one.segments(as_of, lapsing)
        due = one.flip is not None and one.flip <= as_of
        events += [
            (who, segment, segment in now, *changes.reason(who, segment, due=due)) for segment in now ^ one.inside
        ]
        one.inside, one.flip = now, one.next_flip(as_of, lapsing)
    return sorted(events, key=str)


def flips(made: Town) -> list[tuple[Any, ...]]:
    """Read when the engine thinks that something may change for each without news."""
    sql = (
        "SELECT b.person_no, least(b.next_flip, c.next_flip) FROM segment_bits b "
        "LEFT JOIN tag_clock c ON c.person_no = b.person_no ORDER BY b.person_no"
    )
    return made.store.con.execute(sql).fetchall()


def first_differing(
    found: list[tuple[Any, ...]], wanted: list[tuple[Any, ...]], people: dict[int, Customer]
) -> list[Any]:
    """List the rows about the first person of whom the engine and plain Python say different things."""
    extra, missing = set(found) - set(wanted), set(wanted) - set(found)
    who = min((row[0] for row in extra | missing), default=None)
    if who is None:
        return [] if len(found) == len(wanted) else [f"{len(found)} rows instead of {len(wanted)}"]
    return [people[who], [row for row in extra if row[0] == who], [row for row in missing if row[0] == who]]
