"""Write down what nobody told the systems: who each record is, what was planted, what can be told at all.

No stage reads these tables; they are for tests and benchmarks.

- `entity`: source, kind, record_id, entity (the person's number). Orders without a readable identifier have no row.
- `tellable`: source, record_id, entity, component. Profiles of one entity and component are joined by clean
  identifiers: those a perfect normaliser reads and no other person shares. Only the profiles' own identifiers count.
- `causes`: source, record_id, cause; one row for each thing planted in a record.
- `tags`: entity, orders_total, spend_total, last_ordered_on, orders_365d, over the entity's *sale*: paid orders of
  grain receipt and type sale that carry a readable identifier, one per external number. Who has no sale has no row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
from scipy import sparse
from scipy.sparse import csgraph

from unifier.sample import phones
from unifier.sample.accounts import FALSE, ORDINALS, SHOWN, Accounts, record_ids
from unifier.sample.orders import SELLERS, Orders
from unifier.sample.receipts import order_ids
from unifier.sample.text import Column, arrow, constant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unifier.sample.draws import Ints, Mask
    from unifier.sample.people import People, World

KEYS: Final = 8
"""Values a person may be known by: two phones, two union ids, omid, Douyin union id, e-mail, resident id."""

PHONE, UNIONID, OMID, DOUYIN_UNION, EMAIL, ID_CARD = 0, 2, 4, 5, 6, 7
YEAR_DAYS: Final = 365


def entities(people: People, accounts: Mapping[str, Accounts], orders: Orders | None) -> pa.Table:
    """Tell whose each profile is, and each order if `orders` is given."""
    tables = [
        _owned(source, "profile", record_ids(source, held.number), people.number[held.person])
        for source, held in accounts.items()
    ]
    if orders is not None:
        for code, source in enumerate(SELLERS):
            rows = np.flatnonzero((orders.seller == code) & orders.told)
            owner = people.number[orders.person[rows]]
            tables.append(_owned(source, "order", order_ids(code, orders.number[rows]), owner))
    return pa.concat_tables(tables)


def _owned(source: str, kind: str, ids: Column, entity: Ints) -> pa.Table:
    size = len(entity)
    return pa.table(
        {
            "source": constant(source, size),
            "kind": constant(kind, size),
            "record_id": ids,
            "entity": arrow(entity),
        }
    )


def _evidence(people: People, held: Accounts) -> list[tuple[Mask, Ints, Mask]]:
    """List what ties the profiles of one source to their owners' keys: which rows, which key, hashed or not."""
    number, owner = np.arange(len(held.person)), held.person
    shared = people.shared_phone[owner] & ~held.moved
    if held.source == "crm":
        shared |= people.shop_phone[owner] > 0
    hashed = (held.form >= phones.MD5) & ~shared
    plain = phones.readable(held.form, held.dirt) & ~shared
    key = owner * KEYS + PHONE + held.moved
    never = np.zeros(len(number), dtype=np.bool_)
    ties = [(plain, key, never), (hashed, key, ~never)]
    ties.append((held.has_email, owner * KEYS + EMAIL, never))
    ties.append((held.has_id_card, owner * KEYS + ID_CARD, never))
    union = {"tmall": OMID, "douyin": DOUYIN_UNION}.get(held.source)
    at = owner * KEYS + (UNIONID + held.wechat if union is None else union)
    ties.append((np.asarray(held.union == SHOWN), at, never))
    return ties


def tellable(world: World, people: People, accounts: Mapping[str, Accounts]) -> pa.Table:
    """Join the profiles of each person by clean identifiers, and number the parts."""
    starts = np.cumsum([0] + [len(held.person) for held in accounts.values()])
    profile, key, needs_plain = [], [], []
    for start, held in zip(starts, accounts.values(), strict=False):
        for rows, keys, hashed in _evidence(people, held):
            profile.append(start + np.flatnonzero(rows))
            key.append(keys[rows])
            needs_plain.append(hashed[rows])
    left, right, hashed = np.concatenate(profile), np.concatenate(key), np.concatenate(needs_plain)
    size, keys_size = int(starts[-1]), len(people.number) * KEYS
    plain = np.zeros(keys_size, dtype=np.bool_)
    plain[right[~hashed]] = True
    kept = ~hashed | plain[right]
    ends = (left[kept], size + right[kept])
    links = sparse.coo_matrix((np.ones(int(kept.sum()), dtype=np.int8), ends), shape=(size + keys_size,) * 2)
    _, label = csgraph.connected_components(links, directed=False)
    _, first, part = np.unique(label[:size], return_index=True, return_inverse=True)
    base = people.chunk * world.chunk_people * len(accounts) * ORDINALS
    return pa.table(
        {
            "source": pa.concat_arrays([constant(s, len(h.person)) for s, h in accounts.items()]),
            "record_id": pa.concat_arrays([record_ids(s, h.number) for s, h in accounts.items()]),
            "entity": arrow(np.concatenate([people.number[h.person] for h in accounts.values()])),
            "component": arrow(base + first[part]),
        }
    )


def _profile_causes(people: People, held: Accounts) -> dict[str, Mask]:
    """Tell for each cause which profiles of a source show it."""
    owner = held.person
    plain = held.form == phones.PLAIN
    whole = plain & (held.dirt != phones.PLACEHOLDER) | (held.form >= phones.MD5)
    clerk = (people.shop_phone[owner] > 0) & (held.source == "crm")
    own = whole & ~clerk & ~held.moved
    return {
        "family_phone": people.family[owner] & own,
        "shop_phone": clerk & whole,
        "agent": people.agent[owner],
        "recycled": people.recycled[owner] & own,
        "changed_phone": held.moved & whole & ~clerk,
        "second_wechat": held.wechat > 0,
        "several_cards": people.several_cards[owner] & (held.source == "crm"),
        "dirty_phone": plain & (held.dirt > phones.PLACEHOLDER),
        "placeholder": plain & (held.dirt == phones.PLACEHOLDER) | (held.union == FALSE),
        "masked_only": held.form == phones.MASKED,
        "hashed_only": held.form >= phones.MD5,
        "twin": people.twin[owner],
    }


def _order_causes(people: People, orders: Orders) -> dict[str, Mask]:
    """Tell for each cause which orders show it."""
    typed, buyer = orders.shows_phone, orders.person
    whole = typed & (orders.dirt != phones.PLACEHOLDER)
    clerk = whole & (orders.phone == people.shop_phone[buyer])
    own = whole & (orders.phone == people.phone[buyer])
    return {
        "family_phone": people.family[buyer] & own,
        "shop_phone": clerk,
        "agent": people.agent[buyer],
        "recycled": people.recycled[buyer] & own,
        "changed_phone": whole & (orders.phone == people.second_phone[buyer]),
        "dirty_phone": typed & (orders.dirt > phones.PLACEHOLDER),
        "placeholder": typed & (orders.dirt == phones.PLACEHOLDER),
    }


def causes(people: People, accounts: Mapping[str, Accounts], orders: Orders | None) -> pa.Table:
    """Tell what was planted in which profile, and in which order if `orders` is given."""
    parts: list[tuple[str, str, Column]] = []
    for source, held in accounts.items():
        ids = record_ids(source, held.number)
        for cause, rows in _profile_causes(people, held).items():
            parts.append((source, cause, ids.filter(arrow(rows))))
    if orders is not None:
        found = _order_causes(people, orders)
        for code, source in enumerate(SELLERS):
            for cause, rows in found.items():
                parts.append((source, cause, order_ids(code, orders.number[rows & (orders.seller == code)])))
    return pa.concat_tables(
        pa.table(
            {
                "source": constant(source, len(ids)),
                "record_id": ids,
                "cause": constant(cause, len(ids)),
            }
        )
        for source, cause, ids in parts
    )


def tags(world: World, people: People, orders: Orders) -> pa.Table:
    """Compute the tags of each person with a sale; money in fen, windows as of the world's `as_of`."""
    sale = orders.told & orders.paid & (orders.type == 0) & ~orders.total_grain & ~orders.copy
    size = len(people.number)
    buyer = orders.person[sale]
    back = np.where(orders.refund == 0, orders.refunded_amount, 0)
    net = np.maximum(orders.amount - back, 0)[sale]
    recent = orders.day[sale] > world.today - YEAR_DAYS
    last = np.full(size, -1, dtype=np.int64)
    np.maximum.at(last, buyer, orders.day[sale])
    total = np.bincount(buyer, minlength=size)
    who = np.flatnonzero(total)
    return pa.table(
        {
            "entity": arrow(people.number[who]),
            "orders_total": arrow(total[who].astype(np.int64)),
            # sums of one person stay far below 2**53, so the doubles of bincount are exact
            "spend_total": arrow(np.bincount(buyer, net, size)[who].astype(np.int64)),
            "last_ordered_on": arrow(last[who].astype(np.int32)).cast(pa.date32()),
            "orders_365d": arrow(np.bincount(buyer, recent, size)[who].astype(np.int64)),
        }
    )
