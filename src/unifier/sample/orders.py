"""Let people buy: orders of the till, Tmall, Douyin and the mini program, and their refunds.

An order belongs to a person in a source the person is in; people whom no selling source knows buy at the till.
A till's receipt carries what the customer showed or the clerk typed, and every fourth receipt nothing at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from unifier.sample import places, rates
from unifier.sample.draws import (
    Ints,
    Mask,
    chance,
    daytime,
    draw,
    lognormal,
    negative_binomial,
    recency,
    spread,
)
from unifier.sample.phones import CLEAN, LOSSY, PLACEHOLDER, draw_dirt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unifier.sample.accounts import Accounts
    from unifier.sample.people import People, World

SELLERS: Final = ("pos", "tmall", "douyin", "wechat_mp")
POS, TMALL, DOUYIN, MINI = range(4)
REFUNDING: Final = (POS, TMALL)
MAX_ORDERS: Final = 1024
"""Per person; the order numbers of a person's orders are their places below this."""

STATUSES: Final = ("paid", "shipped", "completed", "placed", "closed")
PAID_STATUSES: Final = 3
"""The first so many of STATUSES are paid."""

TYPES: Final = ("sale", "presale_deposit", "gift_card", "points")
REFUND_STATUSES: Final = ("success", "requested", "rejected")


@dataclass(frozen=True, slots=True)
class Orders:
    """The orders of one chunk; every array has one entry per delivered order, days count from 1970."""

    person: Ints
    """Place of the buyer in the chunk."""

    number: Ints
    """Number of the order, unique in its source over the whole world."""

    seller: Ints
    """Place in SELLERS of the source that delivers the order."""

    account: Ints
    """Account number at that source (at the till: of the CRM), or -1."""

    storefront: Ints
    day: Ints
    second: Ints
    status: Ints
    type: Ints
    total_grain: Mask
    """A sum over many receipts instead of one receipt."""

    amount: Ints
    discount: Ints
    freight: Ints
    external: Ints
    """Number shared by the two deliveries of one order, or -1."""

    copy: Mask
    """The second delivery of an order, by the till."""

    shows_member: Mask
    shows_card: Mask
    shows_phone: Mask
    """The clerk typed a phone."""

    phone: Ints
    dirt: Ints
    receiver: Ints
    """Receiver's phone, or 0."""

    refund: Ints
    """Place in REFUND_STATUSES, or -1."""

    refunded_amount: Ints
    store: Ints
    """Place of the shop in STORE_IDS; meaningful for the till."""

    @property
    def told(self) -> Mask:
        """Orders that carry an identifier of their buyer which a perfect normaliser can read."""
        typed = self.shows_phone & (self.dirt != PLACEHOLDER) & (self.dirt != LOSSY)
        return np.asarray((self.seller != POS) | self.shows_member | self.shows_card | typed, dtype=np.bool_)

    @property
    def paid(self) -> Mask:
        """Orders that were paid and not taken back as a whole."""
        return np.asarray(self.status < PAID_STATUSES, dtype=np.bool_)


@cache
def _seller_table() -> Ints:
    """Tabulate where an order is made, by the selling sources open to a person: 16 sets by 64 places."""
    weights = (5.0, 2.5, 2.0, 2.5)
    rows = []
    for sellers in range(16):
        chosen = [w if sellers >> i & 1 else 0.0 for i, w in enumerate(weights)]
        rows.append(spread(chosen if any(chosen) else [1.0, 0, 0, 0], slots=64))
    return np.array(rows, dtype=np.int64)


def _accounts_at(people: People, accounts: Mapping[str, Accounts], seller: int) -> tuple[Ints, Ints]:
    """Tell each person's first row among the accounts used at a seller, and how many there are."""
    owners = accounts["crm" if seller == POS else SELLERS[seller]].person
    count = np.bincount(owners, minlength=len(people.number)).astype(np.int64)
    return np.cumsum(count) - count, count


def build_orders(world: World, people: People, accounts: Mapping[str, Accounts]) -> Orders:
    """Let a chunk's people buy; a function of the world and the chunk's index."""
    rng = world.rng(people.chunk, "orders")
    count = draw(rng, negative_binomial(world.orders_per_member, rates.ORDER_SHAPE), len(people.number))
    low, high = rates.AGENT_CLIENTS
    agents = np.flatnonzero(people.agent)
    count[agents] = rng.integers(low, high + 1, len(agents)) if world.orders_per_member > 0 else 0
    count = np.minimum(count, MAX_ORDERS // 2)
    person = np.repeat(np.arange(len(people.number)), count)
    place = np.arange(len(person)) - np.repeat(np.cumsum(count) - count, count)
    known = people.has("crm") | ~(people.has("tmall") | people.has("douyin") | people.has("wechat_mp"))
    open_to = known * 1 + people.has("tmall") * 2 + people.has("douyin") * 4 + people.has("wechat_mp") * 8
    seller = _seller_table()[open_to[person], rng.integers(0, 64, len(person), dtype=np.uint8)]
    seller[people.agent[person]] = MINI
    original = np.ones(len(person), dtype=np.bool_)
    twice = np.flatnonzero((seller == MINI) & chance(rng, rates.DELIVERED_TWICE, len(person)))
    numbers = people.number[person] * MAX_ORDERS + place
    external = np.full(len(person), -1, dtype=np.int64)
    external[twice] = numbers[twice]
    rows = np.concatenate([np.arange(len(person)), twice])
    copy = np.concatenate([~original, original[twice]])
    bought = _buy(rng, world, people, person)
    bought["total_grain"] &= seller == POS  # only the till has a word for it
    bought = {name: column[rows] for name, column in bought.items()}
    person, seller = person[rows], np.where(copy, POS, seller[rows])
    shown = _show(rng, people, accounts, person, seller, bought["day"])
    return Orders(
        person=person,
        number=numbers[rows] + copy * (MAX_ORDERS // 2),
        seller=seller,
        external=external[rows],
        copy=copy,
        **bought,
        **shown,
        **_refunds(rng, seller, copy, bought),
    )


def _buy(rng: np.random.Generator, world: World, people: People, person: Ints) -> dict[str, Any]:
    """Draw when each order was made, what it cost and how it stands."""
    size = len(person)
    closes = people.closes[person]
    opens = np.minimum(np.maximum(people.opens[person], world.today - rates.HORIZON_DAYS), closes)
    amount = draw(rng, lognormal(18_000.0, 0.9), size)
    return {
        "day": closes - (draw(rng, recency(), size) * (closes - opens + 1) >> 16),
        "second": daytime(rng, size),
        "status": draw(rng, spread([0.06, 0.06, 0.80, 0.04, 0.04]), size),
        "type": draw(rng, spread([0.96, 0.015, 0.015, 0.01]), size),
        "total_grain": np.asarray(chance(rng, 0.003, size)),
        "amount": amount,
        "discount": amount * draw(rng, spread([0.5, 0.2, 0.2, 0.1]), size) // 12,
        "freight": np.where(chance(rng, 0.2, size), 1_000, 0),
    }


def _show(
    rng: np.random.Generator,
    people: People,
    accounts: Mapping[str, Accounts],
    person: Ints,
    seller: Ints,
    day: Ints,
) -> dict[str, Any]:
    """Draw what each order shows of its buyer, and in which shop it was made."""
    size = len(person)
    account, storefront = np.full(size, -1, dtype=np.int64), np.zeros(size, dtype=np.int64)
    lot = rng.integers(0, 256, size, dtype=np.uint8).astype(np.int64)
    for code, source in enumerate(SELLERS):
        first, count = _accounts_at(people, accounts, code)
        rows = np.flatnonzero((seller == code) & (count[person] > 0))
        held = accounts["crm" if source == "pos" else source]
        at = first[person[rows]] + (lot[rows] * count[person[rows]] >> 8)
        account[rows], storefront[rows] = held.number[at], held.storefront[at]
    till = (seller == POS) & ~chance(rng, rates.ANONYMOUS_RECEIPT, size)
    way = draw(rng, spread([0.5, 0.2, 0.3]), size)
    keyed = till & (account >= 0)
    own = np.where(day >= people.changed_on[person], people.second_phone[person], people.phone[person])
    typed_shop = (people.shop_phone[person] > 0) & chance(rng, 0.5, size)
    shows_member, shows_card = keyed & (way == 0), keyed & (way == 1)
    agent = people.agent[person]
    client = rng.integers(0, len(people.number), size) if len(people.number) else person
    receiver = np.where(agent, people.phone[client], np.where(chance(rng, 0.4, size), own, 0))
    city = places.places().city_of[people.place[person]]
    return {
        "account": account,
        "storefront": storefront,
        "shows_member": shows_member,
        "shows_card": shows_card,
        "shows_phone": till & (~(shows_member | shows_card) | chance(rng, 0.3, size)),
        "phone": np.where(typed_shop, people.shop_phone[person], own),
        "dirt": np.where(seller == POS, draw_dirt(rng, size), CLEAN),
        "receiver": np.where(seller == MINI, receiver, 0),
        "store": places.nearest_stores()[city, rng.integers(0, 64, size, dtype=np.uint8)],
    }


def _refunds(rng: np.random.Generator, seller: Ints, copy: Mask, bought: Mapping[str, Any]) -> dict[str, Any]:
    """Draw which paid orders are refunded, wholly or in part."""
    size = len(seller)
    paid = bought["status"] < PAID_STATUSES
    share = rates.REFUNDED / 0.92  # of all orders, though only paid ones can be refunded
    back = chance(rng, share, size) & paid & ~copy & np.isin(seller, REFUNDING)
    part = np.where(chance(rng, 0.7, size), 100, 10 + rng.integers(0, 80, size, dtype=np.uint8))
    return {
        "refund": np.where(back, draw(rng, spread([0.9, 0.05, 0.05]), size), -1),
        "refunded_amount": np.maximum(bought["amount"] * part // 100, 1),
    }
