"""Write the profile records of each source: what it knows of its account holders."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unifier.sample import names, phones, places, rates
from unifier.sample.accounts import (
    ACCOUNT_TYPE,
    FALSE,
    MALL,
    OPEN_PLATFORM,
    STOREFRONTS,
    Accounts,
    account_ids,
    card_numbers,
    member_numbers,
    record_ids,
)
from unifier.sample.draws import Ints, between, chance, daytime, draw, scramble, spread
from unifier.sample.evidence import Slot, identifiers
from unifier.sample.text import (
    Column,
    arrow,
    characters,
    dates,
    digits,
    from_characters,
    instants,
    joined,
    known_only,
    listed,
    overlay,
    structs,
    tokens,
    words,
)

if TYPE_CHECKING:
    from unifier.sample.people import People, World

UNIONID_SALT, OMID_SALT, DOUYIN_UNION_SALT = 211, 223, 227
PLACEHOLDER_UNIONID: Final = "oAAAAAAAAAAAAAAAAAAAAAAAAAAA"
LEVELS: Final = ("normal", "silver", "gold", "diamond")
SCENES: Final = ("store", "qr_code", "search", "live", "share", "ad")


def profiles(world: World, people: People, accounts: Accounts) -> pa.Table:
    """Write the profile records of one source: envelope, identifiers and what the source knows of the person."""
    rng = world.rng(people.chunk, f"profiles {accounts.source}")
    size, owner = len(accounts.person), accounts.person
    seconds = daytime(rng, size)
    columns: dict[str, Column] = {
        "record_id": record_ids(accounts.source, accounts.number),
        # an account is never seen before it exists, even on one day
        "observed_at": instants(accounts.observed, np.maximum(seconds, 20 * 3600)),
        "deleted": arrow(np.zeros(size, dtype=np.bool_)),
        "identifiers": identifiers(_slots(people, accounts), size),
        "status": words(draw(rng, spread([0.985, 0.01, 0.005]), size), ("active", "frozen", "closed")),
        "registered_at": instants(accounts.registered, seconds % (10 * 3600) + 9 * 3600),
    }
    if rates.NAME_KNOWN[accounts.source] > 0:
        named = chance(rng, rates.NAME_KNOWN[accounts.source], size)
        columns["name"] = known_only(names.written(rng, people.surname[owner], people.given[owner]), named)
    if accounts.source in {"crm", "wechat_mp", "wecom"}:
        columns["gender"] = words(
            np.where(chance(rng, 0.1, size), 2, people.gender[owner]), ("male", "female", "unknown")
        )
    if accounts.source in {"crm", "wechat_mp"}:
        columns["birthday"] = _birthdays(rng, people.birth[owner], 0.7 if accounts.source == "crm" else 0.2)
    if accounts.source in {"crm", "wechat_mp", "tmall"}:
        columns |= _homes(rng, people, accounts)
    if accounts.source == "crm":
        columns |= _membership(rng, people, accounts)
    return pa.table(columns)


def _birthdays(rng: np.random.Generator, birth: Ints, share: float) -> Column:
    """Write birthdays where known; one in twenty lacks the year."""
    size = len(birth)
    full = dates(birth)
    yearless = np.flatnonzero(chance(rng, 0.05, size))
    short = pc.utf8_replace_slice(full.take(arrow(yearless)), 0, 5, "--")
    return known_only(overlay(full, [(yearless, short)]), chance(rng, share, size))


def _homes(rng: np.random.Generator, people: People, accounts: Accounts) -> dict[str, Column]:
    """Write province to postcode; the address line only where a parcel was ever sent."""
    owner, size = accounts.person, len(accounts.person)
    table, place = places.places(), people.place[owner]
    known = chance(rng, 0.8, size)
    sent = known & chance(rng, 0.35 if accounts.source == "wechat_mp" else 0.5, size)
    lines = places.addresses(place[sent], people.street[owner[sent]], people.house[owner[sent]])
    at = np.cumsum(sent) - 1
    return {
        "province": words(place, table.province, known),
        "city": words(place, table.city, known),
        "district": words(place, table.district, sent),
        "address": lines.take(arrow(at, mask=~sent)),
        "postcode": words(place, table.postcode, sent),
    }


def _membership(rng: np.random.Generator, people: People, accounts: Accounts) -> dict[str, Column]:
    """Write the card of each CRM profile and how the member was acquired."""
    size = len(accounts.person)
    city = places.places().city_of[people.place[accounts.person]]
    store = places.nearest_stores()[city, rng.integers(0, 64, size, dtype=np.uint8)]
    guide = store * places.GUIDES_PER_STORE + rng.integers(0, places.GUIDES_PER_STORE, size, dtype=np.uint8)
    campaign = rng.integers(0, places.CAMPAIGNS, size, dtype=np.uint8).astype(np.int64)
    joined = instants(accounts.registered, np.full(size, 12 * 3600))
    cards = {
        "issuer": arrow([MALL]).take(arrow(np.zeros(size, dtype=np.int64))),
        "card_no": card_numbers(accounts.number),
        "level": arrow(LEVELS).take(arrow(draw(rng, spread([0.6, 0.25, 0.12, 0.03]), size))),
        "points": arrow(draw(rng, _points_table(), size)),
        "joined_at": joined,
        "expires_at": instants(accounts.registered + 3650, np.zeros(size, dtype=np.int64)),
        "store": arrow(places.STORE_IDS).take(arrow(store)),
    }
    acquired = {
        "scene": arrow(SCENES).take(arrow(draw(rng, spread([6.0, 2, 1, 1, 1, 1]), size))),
        "store": cards["store"],
        "guide": arrow(places.GUIDE_IDS).take(arrow(guide, mask=~chance(rng, 0.6, size))),
        "campaign": arrow(places.CAMPAIGN_IDS).take(arrow(campaign, mask=~chance(rng, 0.2, size))),
    }
    return {
        "acquired": structs(acquired),
        "memberships": listed(np.ones(size, dtype=np.int64), structs(cards)),
    }


def _points_table() -> Ints:
    """Tabulate point balances."""
    return np.concatenate([np.zeros(1024, dtype=np.int64), np.arange(3072, dtype=np.int64) ** 2 // 400 + 5])


def _slots(people: People, accounts: Accounts) -> list[Slot]:
    """List the identifiers that the profiles of a source carry."""
    every = np.ones(len(accounts.person), dtype=np.bool_)
    front = STOREFRONTS[accounts.source]
    if accounts.source == "crm":
        mall = (MALL,)
        slots = [
            Slot(member_numbers(accounts.number), every, ("member_no",), mall, verified=every),
            Slot(card_numbers(accounts.number), every, ("card_no",), mall, verified=every),
        ]
    else:
        kind = (ACCOUNT_TYPE[accounts.source][0],)
        ids = account_ids(accounts.source, accounts.number)
        slots = [Slot(ids, every, kind, front, scope_code=accounts.storefront, verified=every)]
    slots += _platform_slots(people, accounts)
    if (accounts.form != phones.NONE).any():
        slots.append(_phone_slot(people, accounts))
    number = people.number[accounts.person]
    if accounts.has_email.any():
        email = joined(digits(scramble(number, 10**9, 5), 9, "u"), "@mail.test")
        slots.append(Slot(email, accounts.has_email, ("email",)))
    if accounts.has_id_card.any():
        cards = id_cards(number, people.birth[accounts.person])
        slots.append(Slot(cards, accounts.has_id_card, ("id_card",), verified=accounts.has_id_card))
    return slots


def _platform_slots(people: People, accounts: Accounts) -> list[Slot]:
    """List the ids that a platform keeps over several shops or apps."""
    number, shown = people.number[accounts.person], accounts.union > 0
    if accounts.source == "tmall":
        return [Slot(tokens(number, "AAO", OMID_SALT), shown, ("omid",), ("brand1",), verified=shown)]
    if accounts.source == "douyin":
        ids = tokens(number, "du_", DOUYIN_UNION_SALT)
        return [Slot(ids, shown, ("douyin_union_id",), ("douyin_brand",), verified=shown)]
    if accounts.source == "crm":
        return []
    unions = tokens(number * 2 + accounts.wechat, "o", UNIONID_SALT)
    false = np.flatnonzero(accounts.union == FALSE)
    unions = overlay(unions, [(false, arrow([PLACEHOLDER_UNIONID] * len(false), type=pa.string()))])
    return [Slot(unions, shown, ("unionid",), (OPEN_PLATFORM,), verified=shown)]


def _phone_slot(people: People, accounts: Accounts) -> Slot:
    """Write the phone of each profile in its form; a moved number tells since when."""
    owner = accounts.person
    changed = np.minimum(people.changed_on[owner], 60_000)
    verified = np.full(len(owner), accounts.source in {"wechat_mp", "tmall", "douyin"})
    return Slot(
        value=phones.shown(accounts.phone, accounts.form, accounts.dirt, people.spare_phone[owner]),
        known=accounts.form != phones.NONE,
        types=phones.FORMS,
        scopes=("", "brand1"),
        type_code=accounts.form,
        scope_code=(accounts.form == phones.MIX).astype(np.int64),
        role="staff" if accounts.source == "wecom" else "own",
        verified=verified & ~((accounts.form == phones.PLAIN) & (accounts.dirt == phones.PLACEHOLDER)),
        since=instants(changed, np.full(len(owner), 43_200), accounts.moved & (people.shop_phone[owner] == 0)),
    )


def id_cards(number: Ints, birth: Ints) -> Column:
    """Invent 18 character resident ids with a correct check character, of a district that does not exist."""
    body = np.empty((len(number), 18), dtype=np.uint8)
    days = characters(_calendar(birth), 8)
    serial = characters(scramble(number, 10**7, 3), 7)
    body[:, :2], body[:, 2:6], body[:, 6:14], body[:, 14:17] = ord("9"), serial[:, :4], days, serial[:, 4:]
    weights = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2], dtype=np.int64)
    check = (body[:, :17].astype(np.int64) - ord("0")) @ weights % 11
    body[:, 17] = np.frombuffer(b"10X98765432", dtype=np.uint8)[check]
    return from_characters(body)


def _calendar(days: Ints) -> Ints:
    """Write days since 1970 as numbers YYYYMMDD."""
    date: Any = arrow(days.astype(np.int32)).cast(pa.date32())
    parts = [pc.year(date), pc.month(date), pc.day(date)]
    year, month, day = (part.to_numpy(zero_copy_only=False).astype(np.int64) for part in parts)
    calendar: Ints = year * 10_000 + month * 100 + day
    return calendar


def earlier_versions(world: World, people: People, accounts: Accounts) -> pa.Table:
    """Write what the CRM said before a member's number changed: same record ids, older observations.

    Half of the members whose record shows the newer number have such a version.
    """
    rng = world.rng(people.chunk, "earlier versions")
    changed = people.changed_on[accounts.person]
    rows = np.flatnonzero(accounts.moved & (accounts.registered < changed) & (people.shop_phone[accounts.person] == 0))
    rows = rows[chance(rng, 0.5, len(rows))]
    columns = {name: getattr(accounts, name) for name in Accounts.__slots__ if name != "source"}
    older = Accounts("crm", **{name: column[rows] for name, column in columns.items()})
    owner = older.person
    seen = between(rng, older.registered, people.changed_on[owner] - 1)
    former = replace(older, observed=seen, phone=people.phone[owner], moved=np.zeros(len(rows), dtype=np.bool_))
    return profiles(world, people, former)
