"""Golden records, contacts, consent and sales of one person: rules 23 to 25 of ``docs/decisions/0002-semantics.md``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from reference.evidence import Key, Node, Record, Rules, Value, moment

from unifier.identifiers import name_key

PLAIN_FIELDS: Final = ("gender", "birthday", "province", "city", "district", "address", "postcode", "registered_at")
ACQUIRED: Final = ("scene", "store", "guide", "campaign")
CARD_FIELDS: Final = ("issuer", "card_no", "level", "points", "joined_at", "expires_at")
PAID: Final = {"paid", "shipped", "completed"}


def trusted(source: str, trust: Sequence[str]) -> tuple[int, str]:
    """Order sources by trust; those that are not listed come last, by name."""
    return (trust.index(source) if source in trust else len(trust), source)


def survivors(profiles: Iterable[Node], trust: Sequence[str]) -> list[Node]:
    """Order profiles: trust, then the newest, then the smaller record key (rule 23)."""
    return sorted(profiles, key=lambda n: (trusted(n.source, trust), -n.profile["observed_at"].timestamp(), n.id))


def golden(cluster: Collection[Node], trust: Sequence[str]) -> tuple[dict[str, Any], dict[str, tuple[str, str, str]]]:
    """Return a person's golden fields and, for each that is known, the key of the profile that gave it."""
    ranked = survivors((node for node in cluster if node.sort == "profile"), trust)
    row: dict[str, Any] = {"records": len(ranked) + sum(len(node.facts) for node in cluster)}
    origin = {}
    named = sorted(ranked, key=lambda node: name_key(node.profile.get("name")) is None)  # stable: full names first
    for field in ("name", *PLAIN_FIELDS, *(f"acquired_{part}" for part in ACQUIRED)):
        row[field] = None
        for node in named if field == "name" else ranked:
            value = (
                (node.profile.get("acquired") or {}).get(field[9:])
                if field.startswith("acquired_")
                else node.profile.get(field)
            )
            if value not in {None, ""} and not (field == "gender" and value == "unknown"):
                row[field], origin[field] = value, node.key
                break
    carded = next((node for node in ranked if node.profile.get("memberships")), None)
    cards = (
        sorted(carded.profile["memberships"], key=lambda card: (card["issuer"], card["card_no"])) if carded else [{}]
    )
    row |= {f"membership_{field}": cards[0].get(field) for field in CARD_FIELDS}
    if carded:
        origin["membership"] = carded.key
    return row | {"member_status": member_status(ranked)} | seen(cluster), origin


def member_status(profiles: Collection[Node]) -> str:
    """Return prospect, member, lapsed or closed."""
    open_ = [node for node in profiles if node.profile.get("status") != "closed"]
    if profiles and not open_:
        return "closed"
    carded = {node for node in profiles if node.profile.get("memberships")}
    return "member" if carded & set(open_) else "lapsed" if carded else "prospect"


def seen(cluster: Collection[Node]) -> dict[str, datetime]:
    """Return when any record of the person was first and last seen."""
    first, last = [], []
    for node in cluster:
        times = [moment(key, fact) for key, fact in node.facts.items()] or [node.profile["observed_at"]]
        first.append(node.profile.get("registered_at") or min(times))
        last.append(max(times))
    return {"first_seen": min(first), "last_seen": max(last)}


def consents(cluster: Collection[Node]) -> dict[tuple[str, str], tuple[str, datetime]]:
    """Return what a person allows: (purpose, channel) to (status, since) (rule 24)."""
    statements: dict[tuple[str, str], list[tuple[Node, Key, Record]]] = {}
    for account in cluster:
        latest: dict[tuple[str, str], tuple[Node, Key, Record]] = {}
        for key, fact in sorted(account.facts.items(), key=_lateness):
            if key[1] == "consent":
                latest[fact["purpose"], fact["channel"]] = (account, key, fact)
        for about, statement in latest.items():
            statements.setdefault(about, []).append(statement)
    found = {}
    for about, said in statements.items():
        said.sort(key=lambda statement: _lateness(statement[1:]))
        granted = [statement for statement in said if statement[2]["status"] == "granted"]
        denied = [s for s in said if s[2]["status"] != "granted" and not any(_lifts(grant, s) for grant in granted)]
        last = (denied or granted)[-1][2]
        found[about] = (last["status"], last["at"])
    return found


def _lateness(item: tuple[Key, Record]) -> tuple[Any, ...]:
    key, fact = item
    return (moment(key, fact), fact["observed_at"], key)


def _lifts(grant: tuple[Node, Key, Record], denial: tuple[Node, Key, Record]) -> bool:
    points = [
        {link.value for link in account.links if link.value[0] in {"phone", "email"}}
        for account in (grant[0], denial[0])
    ]
    return bool(grant[2]["at"] > denial[2]["at"] and points[0] & points[1])


def contacts(
    cluster: Collection[Node], generic: set[Value], granted: set[str], rules: Rules
) -> dict[str, dict[str, Any]]:
    """Return the best way to reach a person by each channel: own before staff, verified, last seen, smaller value."""
    best: dict[str, tuple[Any, ...]] = {}
    for e in (
        e for node in cluster for e in node.evidence if e.cls is not None and e.current and e.value not in generic
    ):
        rank = (e.role != "own", not e.verified, -e.last.timestamp(), e.value[2], e.value[:2], e.last)
        for channel in rules.types[e.value[0]].channels:
            best[channel] = min(best.get(channel, rank), rank)
    return {
        channel: {
            "value": (*kind, text),
            "verified": not unverified,
            "last_seen": last,
            "reachable": channel in granted,
        }
        for channel, (_, unverified, _, text, kind, last) in best.items()
    }


def sales(
    orders: Mapping[Key, Record], refunds: Mapping[Key, Record], trust: Sequence[str], currency: str
) -> dict[Key, tuple[int, str]]:
    """Return net amount and the reason why it counts, or does not, for the newest version of every order (rule 25)."""
    back: dict[Key, int] = {}
    for (source, _, _), refund in refunds.items():
        if not refund.get("deleted") and refund["status"] == "success":
            of = (source, "order", refund["order_id"])
            back[of] = back.get(of, 0) + refund["amount"]
    best: dict[tuple[str, str], Key] = {}
    for key in sorted(orders, key=lambda key: (trusted(key[0], trust), key[2])):
        if number := _external(orders[key]):
            best.setdefault(number, key)
    found = {}
    for key, order in orders.items():
        number = _external(order)
        rival = number is not None and best[number] != key
        found[key] = (max(0, (order.get("amount") or 0) - back.get(key, 0)), counted_as(order, currency, rival=rival))
    return found


def _external(order: Record) -> tuple[str, str] | None:
    number = order.get("external") or {}
    shared = not order.get("deleted") and number.get("issuer") is not None and number.get("no") is not None
    return (number["issuer"], number["no"]) if shared else None


def counted_as(order: Record, currency: str, *, rival: bool) -> str:
    """Return ``counted``, or the first reason why an order is no sale."""
    if order.get("deleted"):
        return "deleted"
    reasons = {
        "unpaid": order["status"] not in PAID and not (order["status"] == "closed" and order.get("paid_at")),
        "not_receipt": (order.get("grain") or "receipt") != "receipt",
        "not_sale": (order.get("type") or "sale") != "sale",
        "foreign_currency": (order.get("currency") or currency) != currency,
        "no_amount": order.get("amount") is None,
        "duplicate": rival,
    }
    return next((reason for reason, holds in reasons.items() if holds), "counted")


def sale_day(order: Record, zone: str) -> date:
    """Return the local day of a sale."""
    at: datetime = order.get("paid_at") or order["ordered_at"]
    return at.astimezone(ZoneInfo(zone)).date()
