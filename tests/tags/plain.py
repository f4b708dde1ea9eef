"""Say in plain Python what the tags of a few plans are, and when they change without news."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

from tags.people import planned

TODAY = date(2026, 6, 30)
Sale = tuple[int, int, int, str | None]
"""Person, days after TODAY, fen, channel."""

PLAN = planned(
    {"name": "orders", "value": "count(sale.record_id)"},
    {"name": "spent", "value": "sum(sale.net_amount)", "where": "sale.channel = 'store'"},
    {"name": "last_on", "value": "max(sale.day)"},
    {"name": "favourite", "value": "most_frequent(sale.channel)"},
    {"name": "in_store", "value": "count_if(sale.channel = 'store')"},
    {"name": "channels", "value": "count_distinct(sale.channel)"},
    {"name": "first_channel", "value": "first(sale.channel)"},
    {"name": "last_channel", "value": "last(sale.channel)"},
    {"name": "week", "value": "count(sale.record_id)", "window": "7d"},
    {"name": "spent_3d", "value": "sum(sale.net_amount)", "window": "3d", "where": "sale.net_amount > 1"},
    {"name": "fresh", "value": "days_since(last_on) <= 2"},
    {"name": "rank", "value": "rank(orders)"},
    {"name": "half", "value": "quantile_band(orders, 2)"},
)


Mine = Sequence[tuple[date, int, str | None]]
"""What one person bought: day, fen, channel."""


def told(mine: Mine, as_of: date) -> tuple[Any, ...]:
    """Say what a person's record and clock tags are."""
    named = sorted((day, channel) for day, _, channel in mine if channel)
    counted = Counter(channel for _, channel in named)
    store = [fen for _, fen, channel in mine if channel == "store"]
    last = max((day for day, *_ in mine), default=None)
    recent = [fen for day, fen, _ in mine if as_of - timedelta(3) < day <= as_of and fen > 1]
    return (
        len(mine),
        sum(store) if store else None,
        last,
        min((one for one in counted if counted[one] == max(counted.values())), default=None),
        len(store),
        len(counted),
        named[0][1] if named else None,
        named[-1][1] if named else None,
        sum(as_of - timedelta(7) < day <= as_of for day, *_ in mine),
        sum(recent) if recent else None,
        None if last is None else (as_of - last).days <= 2,
    )


def next_flip(mine: Mine, as_of: date) -> date | None:
    """Say on which day, later than ``as_of``, a clock tag may change: a fact enters or leaves, ``fresh`` ends."""
    days = [day for bought, *_ in mine for day in (bought, bought + timedelta(7))]
    days += [day for bought, fen, _ in mine if fen > 1 for day in (bought, bought + timedelta(3))]
    days += [max(bought for bought, *_ in mine) + timedelta(3)] if mine else []
    return min((day for day in days if day > as_of), default=None)


def ranked(orders: Sequence[int]) -> list[tuple[int, int]]:
    """Say rank and half of each by counting who is above and below."""
    line = sorted(orders)
    return [(1 + len(line) - bisect_right(line, one), 1 + 2 * bisect_left(line, one) // len(line)) for one in orders]


def expected(sales: Iterable[Sale], as_of: date, people: Iterable[int] = range(3)) -> list[tuple[Any, ...]]:
    """Say all tags of these people."""
    mine: dict[int, list[tuple[date, int, str | None]]] = {person: [] for person in people}
    for who, days, fen, channel in sales:
        mine[who].append((TODAY + timedelta(days), fen, channel))
    rows = [told(bought, as_of) for bought in mine.values()]
    places = ranked([row[0] for row in rows])
    return [(person, *row, *place) for person, row, place in zip(mine, rows, places, strict=True)]
