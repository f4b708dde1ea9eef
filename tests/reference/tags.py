"""Tags of the three time classes and segments with events: rules 26 and 27 of ``docs/decisions/0002-semantics.md``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

View = Mapping[str, Any]
"""What a segment sees of a person: golden fields, tags, ``consent``, ``reachable``, ``as_of``."""
Sale = Mapping[str, Any]
"""A counted sale: day, at, key, amount, net_amount and the order's own fields."""


@dataclass(frozen=True)
class Tag:
    """A tag: over sales (with a window in days, perhaps), a golden field handed through, or the band of another tag."""

    kind: Literal["count", "sum", "last", "min", "golden", "quantile_band"]
    of: str = "net_amount"
    window: int | None = None
    bands: int = 5


@dataclass(frozen=True)
class Segment:
    """A boolean over a view; ``flips`` tells the days on which it may change without news."""

    where: Callable[[View], bool]
    version: str = "1"
    reads_consent: bool = False
    flips: Callable[[View], Iterable[date]] | None = None


def value(tag: Tag, sales: Sequence[Sale], golden: View, as_of: date) -> Any:
    """Return a record or clock tag's value; a count without facts is 0, anything else None."""
    if tag.kind == "golden":
        return golden[tag.of]
    facts = [sale for sale in sales if tag.window is None or as_of - timedelta(tag.window) < sale["day"] <= as_of]
    if tag.kind == "count":
        return len(facts)
    values = [
        sale[tag.of] for sale in sorted(facts, key=lambda sale: (sale["at"], sale["key"])) if sale[tag.of] is not None
    ]
    if not values:
        return None
    return sum(values) if tag.kind == "sum" else min(values) if tag.kind == "min" else values[-1]


def next_flip(tag: Tag, sales: Iterable[Sale], as_of: date) -> date | None:
    """Return the first day after ``as_of`` on which a fact enters or leaves the window (rule 26)."""
    if tag.window is None:
        return None
    days = [day for sale in sales for day in (sale["day"], sale["day"] + timedelta(tag.window)) if day > as_of]
    return min(days, default=None)


def bands(values: Mapping[str, Any], count: int) -> dict[str, int | None]:
    """Return each person's quantile band: the greatest values are band 1, equal ones share the band of the best."""
    known = sorted((value for value in values.values() if value is not None), reverse=True)
    return {
        one_id: None if value is None else 1 + known.index(value) * count // len(known)
        for one_id, value in values.items()
    }


@dataclass(frozen=True)
class News:
    """What happened to persons in a run, for the reasons of segment events."""

    merged: frozenset[str] = frozenset()
    split: frozenset[str] = frozenset()
    consent: frozenset[str] = frozenset()
    due: frozenset[str] = frozenset()


def reason(one_id: str, segment: Segment, news: News, *, redefined: bool) -> str:
    """Return why somebody entered or left, by precedence (rule 27); hand-set tags are not played here."""
    reasons = {
        "merged": one_id in news.merged,
        "split": one_id in news.split,
        "consent": segment.reads_consent and one_id in news.consent,
        "definition": redefined,
        "time": one_id in news.due,
    }
    return next((why for why, holds in reasons.items() if holds), "data")
