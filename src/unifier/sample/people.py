"""Invent the people of one chunk and plant what ties the wrong ones together and the right ones apart."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from unifier.sample import places, rates
from unifier.sample.draws import Ints, Mask, between, bounded_pareto, chance, draw, spread, stream
from unifier.sample.names import draw_given, names, surname_table
from unifier.sample.phones import holder_numbers

EPOCH: Final = dt.date(1970, 1, 1)
SOURCES: Final = tuple(rates.PRESENCE)
"""Profile sources; bit i of `People.systems` stands for the i-th."""

NEVER: Final = 1 << 30
"""A day that does not come."""

OLDEST_MEMBER_DAYS: Final = 3000


@dataclass(frozen=True, slots=True)
class World:
    """What a whole world is a function of."""

    members: int
    seed: int
    orders_per_member: float
    as_of: dt.date
    chunk_people: int = rates.CHUNK_PEOPLE

    @property
    def today(self) -> int:
        """`as_of` in days since 1970."""
        return (self.as_of - EPOCH).days

    @property
    def chunks(self) -> int:
        """How many passes build this world."""
        return -(-self.members // self.chunk_people)

    def rng(self, chunk: int, topic: str) -> np.random.Generator:
        """Open the random stream of one topic of one chunk."""
        return stream(self.seed, chunk, topic)


@dataclass(frozen=True, slots=True)
class People:
    """One chunk of people; every array has one entry per person, days count from 1970."""

    chunk: int
    number: Ints
    """Place among all people of the world: the entity of the truth."""

    gender: Ints
    surname: Ints
    given: Ints
    birth: Ints
    place: Ints
    street: Ints
    house: Ints
    systems: Ints
    opens: Ints
    closes: Ints
    """First and last day on which this person does anything."""

    phone: Ints
    second_phone: Ints
    spare_phone: Ints
    changed_on: Ints
    """Day from which `second_phone` is the person's number, or NEVER."""

    shop_phone: Ints
    """The number a clerk types for this person at CRM and till, or 0."""

    family: Mask
    guest: Mask
    """People whose number is bound to a relative's account: a platform that checks numbers binds each only once."""

    twin: Mask
    recycled: Mask
    agent: Mask
    several_cards: Mask
    second_wechat: Mask

    @property
    def shared_phone(self) -> Mask:
        """People whose own number says nothing certain: others carry it too, or they buy for others."""
        return np.asarray(self.family | self.twin | self.recycled | self.agent, dtype=np.bool_)

    def has(self, source: str) -> Mask:
        """Tell who has a profile in a source."""
        return np.asarray((self.systems >> SOURCES.index(source)) & 1, dtype=np.bool_)


@cache
def _system_table() -> Ints:
    """Tabulate the sets of profile sources: the number by SYSTEMS, the members by PRESENCE without replacement."""
    weights = list(rates.PRESENCE.values())
    by_set = {0: 1.0}
    total = [0.0] * (1 << len(weights))
    for size in range(1, len(weights) + 1):
        longer: dict[int, float] = {}
        for chosen, probability in by_set.items():
            left = sum(w for i, w in enumerate(weights) if not chosen >> i & 1)
            for i, weight in enumerate(weights):
                if not chosen >> i & 1:
                    longer[chosen | 1 << i] = longer.get(chosen | 1 << i, 0.0) + probability * weight / left
        by_set = longer
        for chosen, probability in by_set.items():
            total[chosen] += probability * rates.SYSTEMS[size]
    return spread(total)


def _strangers(world: World, chunk: int) -> People:
    """Invent people who have nothing to do with each other."""
    rng = world.rng(chunk, "people")
    first = chunk * world.chunk_people
    size = min(world.chunk_people, world.members - first)
    number = np.arange(first, first + size, dtype=np.int64)
    gender = chance(rng, 0.58, size).astype(np.int64)
    lapse = draw(rng, _lapse_table(), size)
    closes = world.today - lapse
    opens = closes - between(rng, np.full(size, 30), np.full(size, OLDEST_MEMBER_DAYS))
    phone, second, spare = (holder_numbers(number + k * world.members, world.seed) for k in range(3))
    nobody, never = np.zeros(size, dtype=np.bool_), np.full(size, NEVER, dtype=np.int64)
    return People(
        chunk=chunk,
        number=number,
        gender=gender,
        surname=draw(rng, surname_table(), size),
        given=draw_given(rng, gender),
        birth=between(rng, np.full(size, -8_700), np.full(size, 14_000)),
        place=draw(rng, places.places().table, size),
        street=rng.integers(0, len(places.STREETS), size, dtype=np.uint16).astype(np.int64),
        house=rng.integers(0, 400, size, dtype=np.uint16).astype(np.int64),
        systems=draw(rng, _system_table(), size),
        opens=opens,
        closes=closes,
        phone=phone,
        second_phone=second,
        spare_phone=spare,
        changed_on=never,
        shop_phone=np.zeros(size, dtype=np.int64),
        family=nobody,
        guest=nobody.copy(),
        twin=nobody.copy(),
        recycled=nobody.copy(),
        agent=nobody.copy(),
        several_cards=nobody.copy(),
        second_wechat=nobody.copy(),
    )


@cache
def _lapse_table() -> Ints:
    """Tabulate how long ago customers were last active: most within a month, a tail over the horizon."""
    recent = [30.0] * 30
    tail = [26.0 * (1 - day / 700) for day in range(30, 700)]
    scale = sum(recent) / 0.55 * 0.45 / sum(tail)
    return spread(recent + [weight * scale for weight in tail])


def build_people(world: World, chunk: int) -> People:
    """Invent the people of one chunk, with every planted cause; a function of the world and the chunk's index."""
    people = _strangers(world, chunk)
    rng = world.rng(chunk, "causes")
    size = len(people.number)
    # whoever shares a number must be in a source that shows it, else nothing is planted
    reachable = rng.permutation(np.flatnonzero(people.has("crm") | people.has("wechat_mp")))
    mini = reachable[people.has("wechat_mp")[reachable]]
    agents = mini[: round(rates.AGENT * size)]
    people.agent[agents] = True
    rest = reachable[~people.agent[reachable]]
    quotas = [rates.FAMILY_PHONE, rates.TWIN, 2 * rates.RECYCLED, rates.CHANGED_PHONE]
    cuts = np.cumsum([round(quota * size) for quota in quotas])
    family, twin, recycled, changed, others = np.split(rest, cuts)
    _plant_families(rng, people, family)
    _plant_twins(people, twin[: len(twin) // 2 * 2])
    _plant_recycled(rng, world, people, recycled[: len(recycled) // 2 * 2])
    _plant_changes(rng, people, changed)
    _plant_shops(rng, world, people, others[people.has("crm")[others]])
    _plant_accounts(rng, people)
    return people


def _plant_families(rng: np.random.Generator, people: People, members: Ints) -> None:
    """Give families of two to four one phone; most share surname and home too. Given names differ."""
    sizes = 2 + draw(rng, spread([0.5, 0.3, 0.2]), len(members))
    ends = np.cumsum(sizes)
    head_of = np.repeat(np.arange(len(members)), sizes)[: len(members)]
    starts = ends[head_of] - sizes[head_of]
    if len(members) and starts[-1] == len(members) - 1:  # nobody is a family alone
        starts[-1] = starts[-2] if len(members) > 1 else starts[-1]
    heads = members[starts]
    people.family[members] = True
    people.guest[members[members != heads]] = True
    people.phone[members] = people.phone[heads]
    together = chance(rng, 0.85, len(members))
    people.surname[members[together]] = people.surname[heads[together]]
    home = chance(rng, 0.9, len(members))
    for column in (people.place, people.street, people.house):
        column[members[home]] = column[heads[home]]
    namesake = (members != heads) & (people.given[members] == people.given[heads])
    people.given[members[namesake]] = _other_given(people.given[members[namesake]])


def _other_given(given: Ints) -> Ints:
    """Name another given name of the same gender."""
    per_gender = names().per_gender
    return given // per_gender * per_gender + (given % per_gender + 1234) % per_gender


def _plant_twins(people: People, pair: Ints) -> None:
    """Make pairs of one birthday, surname, home and phone, with different given names."""
    first, second = pair[0::2], pair[1::2]
    people.twin[pair] = True
    people.guest[second] = True
    for column in (people.birth, people.surname, people.place, people.street, people.house, people.phone):
        column[second] = column[first]
    same = people.given[first] == people.given[second]
    people.given[second[same]] = _other_given(people.given[second[same]])


def _plant_recycled(rng: np.random.Generator, world: World, people: People, pair: Ints) -> None:
    """Hand numbers on: the first of a pair is not seen after a day, the second not before a gap has passed."""
    old, new = pair[0::2], pair[1::2]
    size = len(old)
    low, high = rates.RECYCLE_GAP_DAYS
    gap = between(rng, np.full(size, low), np.full(size, high))
    end = between(rng, np.full(size, world.today - rates.HORIZON_DAYS + 30), world.today - gap - 60)
    people.recycled[pair] = True
    people.phone[new] = people.phone[old]
    people.closes[old] = end
    people.opens[old] = end - between(rng, np.full(size, 30), np.full(size, 1500))
    people.opens[new] = end + gap
    people.closes[new] = np.maximum(people.closes[new], people.opens[new] + 30)
    namesake = (people.given[old] == people.given[new]) & (people.surname[old] == people.surname[new])
    people.given[new[namesake]] = _other_given(people.given[new[namesake]])


def _plant_changes(rng: np.random.Generator, people: People, who: Ints) -> None:
    """Let people take a new number somewhere in the middle of their time with the retailer."""
    span = people.closes[who] - people.opens[who]
    people.changed_on[who] = people.opens[who] + between(rng, span * 3 // 10, span * 8 // 10)


def _plant_shops(rng: np.random.Generator, world: World, people: People, members: Ints) -> None:
    """Let clerks type the shop's number for many members; a few shops do it for thousands."""
    size = len(people.number)
    shops = round(rates.SHOP_PHONES * size)
    low, high = rates.SHOP_CARRIERS
    sizes = draw(rng, bounded_pareto(low, high, rates.SHOP_CARRIERS_TAIL), shops)
    sizes = np.minimum(sizes, max(low, round(rates.SHOP_CARRIERS_CAP * len(members))))
    shop_of = np.repeat(np.arange(shops), sizes)[: len(members)]
    per_chunk = round(rates.SHOP_PHONES * world.chunk_people) + 1
    place = 3 * world.members + people.chunk * per_chunk + shop_of
    people.shop_phone[members[: len(shop_of)]] = holder_numbers(place, world.seed)


def _plant_accounts(rng: np.random.Generator, people: People) -> None:
    """Choose who holds several cards and who has a second WeChat account."""
    size = len(people.number)
    crm = rng.permutation(np.flatnonzero(people.has("crm")))
    people.several_cards[crm[: round(rates.SEVERAL_CARDS * size)]] = True
    wechat = rng.permutation(np.flatnonzero(people.has("wechat_mp")))
    people.second_wechat[wechat[: round(rates.SECOND_WECHAT * size)]] = True
