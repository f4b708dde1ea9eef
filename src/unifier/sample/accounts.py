"""Open the accounts of a chunk's people in each profile source."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from unifier.sample import phones, rates
from unifier.sample.draws import Ints, Mask, between, chance, draw, scramble, spread
from unifier.sample.text import Column, digits, tokens

if TYPE_CHECKING:
    from unifier.sample.people import People, World

ORDINALS: Final = 4
"""At most this many accounts of one person in one source."""

RECORD_PREFIX: Final = {"crm": "C", "wechat_mp": "M", "tmall": "T", "douyin": "D", "wechat_oa": "A", "wecom": "W"}
MALL: Final = "mall"
OPEN_PLATFORM: Final = "open_platform"
STOREFRONTS: Final = {
    "wechat_mp": ("wx_mall", "wx_brand"),
    "tmall": ("flagship", "outlet"),
    "douyin": ("live_shop", "outlet_shop"),
    "wechat_oa": ("wx_oa",),
    "wecom": ("corp1",),
    "crm": (MALL,),
}
ACCOUNT_TYPE: Final = {
    "wechat_mp": ("openid", "o"),
    "wechat_oa": ("openid", "o"),
    "tmall": ("ouid", "AAH"),
    "douyin": ("douyin_open_id", "1@#"),
    "wecom": ("external_userid", "wm"),
}
SALTS: Final = {source: 11 + 4 * i for i, source in enumerate(RECORD_PREFIX)}
ABSENT, SHOWN, FALSE = range(3)
"""How a record shows the id that its platform keeps over several shops or apps; FALSE: a placeholder."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """Accounts in one source: one row per profile record, in the order of their people. Days count from 1970."""

    source: str
    person: Ints
    """Place of the owner in the chunk."""

    number: Ints
    """Number of the account, unique in the source over the whole world."""

    storefront: Ints
    wechat: Ints
    """0 or 1: which of the owner's WeChat accounts it belongs to."""

    registered: Ints
    observed: Ints
    phone: Ints
    moved: Mask
    """The record shows the owner's newer number."""

    form: Ints
    dirt: Ints
    has_email: Mask
    has_id_card: Mask
    union: Ints
    """Union id, omid or Douyin union id of the record: ABSENT, SHOWN or FALSE."""


BINDING: Final = frozenset({"tmall", "wechat_mp"})
"""Sources that check a number and bind it to one account: relatives and second accounts show none there."""


def record_ids(source: str, number: Ints) -> Column:
    """Name profile records: the source's letter and ten digits that say nothing about the owner."""
    return digits(scramble(number, 10**10, SALTS[source]), 10, RECORD_PREFIX[source])


def account_ids(source: str, number: Ints) -> Column:
    """Name accounts as the platform does."""
    return tokens(number, ACCOUNT_TYPE[source][1], SALTS[source])


def member_numbers(number: Ints) -> Column:
    """Name the member numbers of CRM accounts."""
    return digits(scramble(number, 10**10, 31), 10, "8")


def card_numbers(number: Ints) -> Column:
    """Name the cards of CRM accounts."""
    return digits(scramble(number, 10**10, 37), 10, "VIP")


def open_accounts(world: World, people: People, source: str) -> Accounts:
    """Open every account of a chunk's people in one source; a function of the world, the chunk and the source."""
    rng = world.rng(people.chunk, f"accounts {source}")
    owners = np.flatnonzero(people.has(source))
    storefronts = np.ones(len(owners), dtype=np.int64)
    if len(STOREFRONTS[source]) > 1:
        storefronts += chance(rng, rates.SECOND_STOREFRONT, len(owners))
    again = people.several_cards if source == "crm" else people.second_wechat
    seconds = again[owners].astype(np.int64) if source in {"crm", "wechat_mp", "wechat_oa"} else 0 * storefronts
    count = storefronts + seconds
    person = np.repeat(owners, count)
    ordinal = np.arange(len(person)) - np.repeat(np.cumsum(count) - count, count)
    is_second = ordinal >= np.repeat(storefronts, count)
    size = len(person)
    registered = between(rng, people.opens[person], people.closes[person])
    observed = between(rng, registered, people.closes[person])
    moved = (observed >= people.changed_on[person]) & chance(rng, 0.7, size)
    wechat = (is_second & (source != "crm")).astype(np.int64)
    form = _forms(rng, source, size)
    if source in BINDING:
        form = np.where(people.guest[person] | (wechat > 0), phones.NONE, form)
    accounts = Accounts(
        source=source,
        person=person,
        number=people.number[person] * ORDINALS + ordinal,
        storefront=np.where(is_second, 0, ordinal),
        wechat=wechat,
        registered=registered,
        observed=observed,
        phone=np.where(moved, people.second_phone[person], people.phone[person]),
        moved=moved,
        form=form,
        dirt=phones.draw_dirt(rng, size),
        has_email=chance(rng, rates.EMAIL_KNOWN.get(source, 0.0), size),
        has_id_card=chance(rng, rates.ID_CARD_KNOWN if source == "crm" else 0.0, size),
        union=_unions(rng, source, size),
    )
    return _typed_by_clerks(people, accounts) if source == "crm" else accounts


def _forms(rng: np.random.Generator, source: str, size: int) -> Ints:
    """Draw how each profile of a source shows the phone."""
    masked, hashed = rates.MASKED_ONLY, rates.HASHED_ONLY / 2
    shares = {
        "crm": [0.0, 1 - masked - 2 * hashed, masked, hashed, hashed, 0.0],
        "wechat_mp": [0.0, 1 - masked - 2 * hashed, masked, hashed, hashed, 0.0],
        "wecom": [1 - rates.WECOM_REMARK_PHONE, rates.WECOM_REMARK_PHONE, 0.0, 0.0, 0.0, 0.0],
        "tmall": [0.0, 0.0, rates.TMALL_MASKED, 0.0, 0.0, 1 - rates.TMALL_MASKED],
        "douyin": [0.0, 0.0, 1.0, 0.0, 0.0, 0.0],
        "wechat_oa": [1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    }
    return draw(rng, spread(shares[source]), size)


def _unions(rng: np.random.Generator, source: str, size: int) -> Ints:
    """Draw whether each profile shows the id that its platform keeps over several shops or apps."""
    known = {**rates.UNIONID_KNOWN, "tmall": rates.OMID_KNOWN, "douyin": rates.DOUYIN_UNION_KNOWN}.get(source, 0.0)
    false = rates.PLACEHOLDER if source == "wechat_mp" else 0.0
    return draw(rng, spread([1 - known, known - false, false]), size)


def _typed_by_clerks(people: People, accounts: Accounts) -> Accounts:
    """Put the shop's number where a clerk typed it for the member."""
    shop = people.shop_phone[accounts.person]
    typed = shop > 0
    return replace(
        accounts,
        phone=np.where(typed, shop, accounts.phone),
        form=np.where(typed, phones.PLAIN, accounts.form),
        dirt=np.where(typed & (accounts.dirt == phones.PLACEHOLDER), phones.CLEAN, accounts.dirt),
    )
