"""Let people visit, follow and be written to: events and consent of the sources that report them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from unifier.sample import places
from unifier.sample.accounts import ACCOUNT_TYPE, MALL, STOREFRONTS, Accounts, account_ids, member_numbers
from unifier.sample.draws import Ints, between, chance, daytime, draw, scramble, spread
from unifier.sample.evidence import Slot, identifiers
from unifier.sample.text import Column, arrow, digits, instants, repeated, spelled, structs, words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unifier.sample.people import People, World

SMS_REACHED: Final = 0.25
"""Share of people known to CRM or mini program to whom the SMS service has written."""

EVENTS_PER_OWNER: Final = 4
MESSAGE_STEPS: Final = ("message_sent", "message_delivered", "message_clicked", "message_replied")
MESSAGE_SHARES: Final = (1.0, 0.96, 0.09, 0.01)


def _fact(prefix: str, number: Ints, salt: int, observed: Column, slots: list[Slot]) -> dict[str, Column]:
    """Write the envelope of facts."""
    return {
        "record_id": digits(scramble(number, 10**10, salt), 10, prefix),
        "observed_at": observed,
        "deleted": arrow(np.zeros(len(number), dtype=np.bool_)),
        "identifiers": identifiers(slots, len(number)),
    }


def _account_slot(accounts: Accounts, rows: Ints) -> Slot:
    source = accounts.source
    return Slot(
        account_ids(source, accounts.number[rows]),
        np.ones(len(rows), dtype=np.bool_),
        (ACCOUNT_TYPE[source][0],),
        STOREFRONTS[source],
        scope_code=accounts.storefront[rows],
    )


def visits(world: World, people: People, accounts: Accounts) -> pa.Table:
    """Write what mini-program users looked at: none to three visits or page views each."""
    rng = world.rng(people.chunk, "visits")
    count = draw(rng, spread([0.4, 0.3, 0.2, 0.1]), len(accounts.person))
    rows = np.repeat(np.arange(len(count)), count)
    place = np.arange(len(rows)) - np.repeat(np.cumsum(count) - count, count)
    day = between(rng, accounts.registered[rows], people.closes[accounts.person[rows]])
    second = daytime(rng, len(rows))
    browse = chance(rng, 0.6, len(rows))
    product = rng.integers(0, places.PRODUCTS, len(rows), dtype=np.uint16).astype(np.int64)
    number = accounts.number[rows] * EVENTS_PER_OWNER + place
    columns = _fact("MV", number, 59, instants(day, second + 5), [_account_slot(accounts, rows)])
    thing = structs(
        {"type": spelled(0 * product, ["product"], browse), "id": spelled(product, places.PRODUCT_IDS, browse)},
        ~browse,
    )
    return pa.table(
        columns
        | {
            "event_type": words(browse.astype(np.int64), ("visit", "browse")),
            "happened_at": instants(day, second),
            "channel": repeated("mini_program", len(rows)),
            "object": thing,
        }
    )


def follows(world: World, people: People, accounts: Accounts) -> pa.Table:
    """Write who followed the official account, and who left it again."""
    rng = world.rng(people.chunk, "follows")
    left = np.flatnonzero(chance(rng, 0.15, len(accounts.person)))
    rows = np.concatenate([np.arange(len(accounts.person)), left])
    gone = np.arange(len(rows)) >= len(accounts.person)
    until = between(rng, accounts.registered[left], people.closes[accounts.person[left]])
    day = np.concatenate([accounts.registered, until])
    # a follower leaves in the evening at the earliest, so the order stands even within one day
    second = np.where(gone, 21 * 3600, 9 * 3600) + rng.integers(0, 3600, len(rows), dtype=np.int64)
    number = accounts.number[rows] * EVENTS_PER_OWNER + gone
    return pa.table(
        _fact("AF", number, 61, instants(day, second + 5), [_account_slot(accounts, rows)])
        | {
            "event_type": words(gone.astype(np.int64), ("follow", "unfollow")),
            "happened_at": instants(day, second),
            "channel": repeated("official_account", len(rows)),
        }
    )


def messages(world: World, people: People) -> dict[str, pa.Table]:
    """Write the SMS service's consent statements and what became of the messages it sent, by kind."""
    rng = world.rng(people.chunk, "messages")
    reached = (people.has("crm") | people.has("wechat_mp")) & chance(rng, SMS_REACHED, len(people.number))
    who = np.flatnonzero(reached)
    day = between(rng, people.opens[who], people.closes[who])
    second = daytime(rng, len(who))
    phone = np.where(day >= people.changed_on[who], people.second_phone[who], people.phone[who])
    status = draw(rng, spread([0.88, 0.12]), len(who))
    every = np.ones(len(who), dtype=np.bool_)
    consent = _fact(
        "SC", people.number[who], 67, instants(day, second), [Slot(digits(phone, 11), every, ("phone",))]
    ) | {
        "purpose": repeated("marketing", len(who)),
        "channel": repeated("sms", len(who)),
        "status": words(status, ("granted", "withdrawn")),
        "at": instants(day, second),
        "text_version": words(draw(rng, spread([0.5, 0.5]), len(who)), ("2024-01", "2025-06")),
    }
    step = np.concatenate([np.full(len(who), k) for k in range(len(MESSAGE_STEPS))])
    happened = np.concatenate([chance(rng, share, len(who)) for share in MESSAGE_SHARES])
    row = np.tile(np.arange(len(who)), len(MESSAGE_STEPS))[happened]
    step = step[happened]
    at = instants(day[row], second[row] + 60 + 300 * step)
    campaign = spelled(people.number[who][row] % places.CAMPAIGNS, places.CAMPAIGN_IDS)
    ids = people.number[who][row] * EVENTS_PER_OWNER + step
    slots = [Slot(digits(phone[row], 11), every[row], ("phone",))]
    event = _fact("SM", ids, 71, at, slots) | {
        "event_type": words(step, MESSAGE_STEPS),
        "happened_at": at,
        "channel": repeated("sms", len(row)),
        "object": structs({"type": spelled(0 * step, ["campaign"]), "id": campaign}),
    }
    return {"consent": pa.table(consent), "event": pa.table(event)}


def member_consent(world: World, people: People, accounts: Mapping[str, Accounts]) -> pa.Table:
    """Write the consent statements of the CRM's members: 60 % made one, about one channel each."""
    rng = world.rng(people.chunk, "member consent")
    crm = accounts["crm"]
    rows = np.flatnonzero(chance(rng, 0.6, len(crm.person)))
    day = crm.registered[rows]
    second = 20 * 3600 + 0 * day
    every = np.ones(len(rows), dtype=np.bool_)
    slots = [Slot(member_numbers(crm.number[rows]), every, ("member_no",), (MALL,))]
    return pa.table(
        _fact("CC", crm.number[rows], 73, instants(day, second), slots)
        | {
            "purpose": repeated("marketing", len(rows)),
            "channel": words(draw(rng, spread([0.55, 0.15, 0.1, 0.2]), len(rows)), ("sms", "phone", "email", "wechat")),
            "status": words(draw(rng, spread([0.8, 0.1, 0.1]), len(rows)), ("granted", "denied", "withdrawn")),
            "at": instants(day, second),
            "text_version": words(draw(rng, spread([0.5, 0.5]), len(rows)), ("2024-01", "2025-06")),
        }
    )
