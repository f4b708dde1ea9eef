"""Write the order and refund records of each selling source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from unifier.sample import phones, places, rates
from unifier.sample.accounts import ACCOUNT_TYPE, MALL, STOREFRONTS, account_ids, card_numbers, member_numbers
from unifier.sample.draws import Ints, Mask, chance, draw, scramble, spread
from unifier.sample.evidence import Slot, identifiers
from unifier.sample.orders import MINI, POS, REFUND_STATUSES, SELLERS, STATUSES, TYPES, Orders
from unifier.sample.text import (
    DAY,
    Column,
    arrow,
    digits,
    instants,
    known_only,
    listed,
    repeated,
    spelled,
    structs,
    words,
)

if TYPE_CHECKING:
    from unifier.sample.people import People, World

ORDER_PREFIX: Final = ("PO", "TO", "DO", "MO")
CHANNELS: Final = ("store", "tmall", "douyin", "mini_program")
SCENES: Final = ("search", "live", "share", "ad", "home")
METHODS: Final = ("wechat_pay", "alipay", "card", "cash")
REASONS: Final = ("size", "quality", "late", "changed_mind")
MAX_LINES: Final = 4


def order_ids(seller: int, number: Ints) -> Column:
    """Name order records: the seller's letters and thirteen digits that say nothing about the buyer."""
    return digits(scramble(number, 10**13, 41 + seller), 13, ORDER_PREFIX[seller])


def _envelope(ids: Column, observed: Column) -> dict[str, Column]:
    return {
        "record_id": ids,
        "observed_at": observed,
        "deleted": arrow(np.zeros(len(ids), dtype=np.bool_)),
    }


def order_table(world: World, people: People, orders: Orders, seller: int) -> pa.Table:
    """Write the orders that one source delivers."""
    rng = world.rng(people.chunk, f"receipts {seller}")
    rows = np.flatnonzero(orders.seller == seller)
    size = len(rows)
    day, second, status = orders.day[rows], orders.second[rows], orders.status[rows]
    campaign = rng.integers(0, places.CAMPAIGNS, size, dtype=np.uint8).astype(np.int64)
    columns = _envelope(order_ids(seller, orders.number[rows]), instants(day, second + 3600)) | {
        "identifiers": identifiers(_slots(people, orders, rows, seller), size),
        "ordered_at": instants(day, second),
        "status": words(status, STATUSES),
        "paid_at": instants(day, second + 60 + status, orders.paid[rows]),
        "type": words(orders.type[rows], TYPES),
        "channel": repeated(CHANNELS[seller], size),
        "campaign": words(campaign, places.CAMPAIGN_IDS, chance(rng, 0.08, size)),
        "currency": repeated("CNY", size),
        "amount": arrow(orders.amount[rows]),
        "discount": arrow(orders.discount[rows]),
    }
    if seller == POS:
        columns |= _till_columns(rng, orders, rows)
    else:
        columns["freight"] = arrow(orders.freight[rows])
        columns["scene"] = words(draw(rng, spread([4.0, 2, 1, 1, 2]), size), SCENES)
    if seller in {POS, MINI}:
        columns["external"] = _external(orders.external[rows])
    return pa.table(columns)


def _external(number: Ints) -> Column:
    """Write the number that two deliveries of one order share."""
    known = number >= 0
    no = known_only(digits(scramble(np.maximum(number, 0), 10**13, 47), 13, "X"), known)
    return structs({"issuer": spelled(0 * number, ["oms"], known), "no": no}, ~known)


def _till_columns(rng: np.random.Generator, orders: Orders, rows: Ints) -> dict[str, Column]:
    """Write what only the till knows: shop, guide, grain, and on some receipts lines and payments."""
    store = orders.store[rows]
    size = len(rows)
    guide = store * places.GUIDES_PER_STORE + rng.integers(0, places.GUIDES_PER_STORE, size, dtype=np.uint8)
    detailed = chance(rng, rates.DETAILED_RECEIPT, size) & ~orders.total_grain[rows]
    return {
        "grain": words(orders.total_grain[rows].astype(np.int64), ("receipt", "total")),
        "store": words(store, places.STORE_IDS),
        "guide": words(guide, places.GUIDE_IDS, chance(rng, 0.6, size)),
        "lines": _lines(rng, orders.amount[rows], orders.discount[rows], detailed),
        "payments": _payments(rng, orders.amount[rows], detailed),
    }


def _lines(rng: np.random.Generator, amount: Ints, discount: Ints, detailed: Mask) -> Column:
    """Write one to four lines per detailed receipt; their amounts and discounts add up to the receipt's."""
    chosen = np.flatnonzero(detailed)
    count = 1 + draw(rng, spread([0.5, 0.25, 0.15, 0.10]), len(chosen))
    receipt = np.repeat(np.arange(len(chosen)), count)
    place = np.arange(len(receipt)) - np.repeat(np.cumsum(count) - count, count)
    product = rng.integers(0, places.PRODUCTS, len(receipt), dtype=np.uint16).astype(np.int64)

    def parts(total: Ints) -> Ints:
        whole, rest = np.divmod(total[chosen[receipt]], count[receipt])
        shares: Ints = whole + (place == 0) * rest
        return shares

    fields = {
        "line_id": arrow([str(i + 1) for i in range(MAX_LINES)]).take(arrow(place)),
        "product_id": arrow(places.PRODUCT_IDS).take(arrow(product)),
        "name": arrow(places.product_names()).take(arrow(product)),
        "category": arrow(places.CATEGORIES).take(arrow(product % len(places.CATEGORIES))),
        "brand": arrow(places.BRANDS).take(arrow(product % len(places.BRANDS))),
        "quantity": arrow(1.0 + draw(rng, spread([0.8, 0.15, 0.05]), len(receipt))),
        "amount": arrow(parts(amount)),
        "discount": arrow(parts(discount)),
    }
    counts = np.zeros(len(detailed), dtype=np.int64)
    counts[chosen] = count
    return listed(counts, structs(fields), ~detailed)


def _payments(rng: np.random.Generator, amount: Ints, detailed: Mask) -> Column:
    """Write the one payment of each detailed receipt."""
    chosen = np.flatnonzero(detailed)
    method = arrow(METHODS).take(arrow(draw(rng, spread([5.0, 3, 1, 1]), len(chosen))))
    payment = structs({"method": method, "amount": arrow(amount[chosen])})
    return listed(detailed.astype(np.int64), payment, ~detailed)


def _slots(people: People, orders: Orders, rows: Ints, seller: int) -> list[Slot]:
    """List the identifiers that the orders of a source carry."""
    account = np.maximum(orders.account[rows], 0)
    if seller == POS:
        return _till_slots(people, orders, rows, account)
    source = SELLERS[seller]
    slots = [
        Slot(
            account_ids(source, account),
            np.ones(len(rows), dtype=np.bool_),
            (ACCOUNT_TYPE[source][0],),
            STOREFRONTS[source],
            scope_code=orders.storefront[rows],
        )
    ]
    if seller == MINI:
        receiver = orders.receiver[rows]
        slots.append(Slot(digits(receiver, 11), receiver > 0, ("phone",), role="receiver"))
        own = people.phone[orders.person[rows]]
        slots.append(Slot(digits(own, 11), people.agent[orders.person[rows]], ("phone",)))
    return slots


def _till_slots(people: People, orders: Orders, rows: Ints, account: Ints) -> list[Slot]:
    """List what was keyed at the till: a member number, a card, a phone typed by the clerk."""
    typed = phones.written(orders.phone[rows], orders.dirt[rows], people.spare_phone[orders.person[rows]])
    return [
        Slot(member_numbers(account), orders.shows_member[rows], ("member_no",), (MALL,)),
        Slot(card_numbers(account), orders.shows_card[rows], ("card_no",), (MALL,)),
        Slot(typed, orders.shows_phone[rows], ("phone",), role="staff"),
    ]


def refund_table(world: World, people: People, orders: Orders, seller: int) -> pa.Table:
    """Write the refunds that one source delivers, one to twenty days after the order and never after `as_of`."""
    rng = world.rng(people.chunk, f"refunds {seller}")
    rows = np.flatnonzero((orders.refund >= 0) & (orders.seller == seller))
    later = rng.integers(1, 21, len(rows), dtype=np.uint8).astype(np.int64)
    day = np.minimum(orders.day[rows] + later, world.today)
    second = np.minimum(orders.second[rows] + 7200, DAY - 60)
    number = orders.number[rows]
    reason = draw(rng, spread([1.0] * len(REASONS)), len(rows))
    ids = digits(scramble(number, 10**13, 53 + seller), 13, "R" + ORDER_PREFIX[seller])
    return pa.table(
        _envelope(ids, instants(day, second + 30))
        | {
            "order_id": order_ids(seller, number),
            "refunded_at": instants(day, second),
            "status": words(orders.refund[rows], REFUND_STATUSES),
            "amount": arrow(orders.refunded_amount[rows]),
            "reason": words(reason, REASONS),
        }
    )
