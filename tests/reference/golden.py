"""Golden records, contacts, consent and sales of one person: rules 23 to 25 and 28 of ``docs/decisions/0002-semantics.md``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from reference.evidence import Key, Node, Record, Rules, Value, moment

from unifier.identifiers import is_placeholder, name_key

FIELDS: Final = (
    *("name", "gender", "birthday", "province", "city", "district", "address", "postcode", "registered_at"),
    *("acquired_scene", "acquired_store", "acquired_guide", "acquired_campaign"),
)
CARD_FIELDS: Final = ("issuer", "card_no", "level", "points", "joined_at", "expires_at")
PAID: Final = {"paid", "shipped", "completed"}


def trusted(source: str, trust: Sequence[str]) -> tuple[int, str]:
    """Order sources by trust; those that are not listed come last, by name."""
    return (trust.index(source) if source in trust else len(trust), source)


RuleName = Literal["trust", "recent", "frequent", "longest", "min", "max", "union"]


@dataclass(frozen=True)
class FieldRule:
    """How a golden field is chosen: one of seven rules, and the field's own list of trusted sources if it has one."""

    rule: RuleName = "trust"
    trust: Sequence[str] | None = None


def told(record: Record, field: str) -> Any:
    """Return what a profile says in a golden field, None if it says nothing worthy (rule 23)."""
    inside = field.removeprefix("acquired_")
    value = record.get(field) if inside == field else (record.get("acquired") or {}).get(inside)
    nothing = (field == "gender" and value == "unknown") or (field == "name" and is_placeholder("opaque", value or ""))
    return None if nothing or value == "" else value


def by_trust(profiles: Mapping[Key, Record], trust: Sequence[str]) -> list[Key]:
    """Order profiles: trust, then the newest, then the smaller record key (rule 23)."""
    return sorted(profiles, key=lambda key: (trusted(key[0], trust), -profiles[key]["observed_at"].timestamp(), key[2]))


def survivor(
    field: str, profiles: Mapping[Key, Record], trust: Sequence[str], rule: FieldRule = FieldRule()
) -> tuple[Any, Key] | None:
    """Return the golden value of a field and the profile that gave it, None if nobody knows it (rules 23 and 28)."""
    ordered = by_trust(profiles, trust if rule.trust is None else rule.trust)
    values = {key: value for key in ordered if (value := told(profiles[key], field)) is not None}
    if field == "name":
        values = {key: name for key, name in values.items() if name_key(name) is not None} or values
    if not values:
        return None
    if rule.rule == "union":
        return " | ".join(dict.fromkeys(values.values())), next(iter(values))
    carried = Counter(values.values())
    rank: dict[str, Callable[[Key], Any]] = {
        "trust": lambda _: 0,
        "recent": lambda key: profiles[key]["observed_at"],
        "frequent": lambda key: carried[values[key]],
        "longest": lambda key: len(values[key]) if isinstance(values[key], str) else 0,  # times have no length
        "max": lambda key: values[key],
    }
    # of equal ranks, min and max take the first, which is the first in the order of trust
    best = min(values, key=lambda key: values[key]) if rule.rule == "min" else max(values, key=rank[rule.rule])
    return values[best], best


def golden(
    cluster: Collection[Node], trust: Sequence[str], rules: Mapping[str, FieldRule]
) -> tuple[dict[str, Any], dict[str, Key]]:
    """Return a person's golden fields and, for each that is known, the key of the profile that gave it."""
    profiles: dict[Key, Record] = {node.key: node.profile for node in cluster if node.sort == "profile"}
    row: dict[str, Any] = {"records": len(profiles) + sum(len(node.facts) for node in cluster)}
    origin: dict[str, Key] = {}
    for field in FIELDS:
        found = survivor(field, profiles, trust, rules.get(field, FieldRule()))
        row[field] = found[0] if found else None
        if found:
            origin[field] = found[1]
    carded = next((key for key in by_trust(profiles, trust) if profiles[key].get("memberships")), None)
    cards = (
        sorted(profiles[carded]["memberships"], key=lambda card: (card["issuer"], card["card_no"])) if carded else [{}]
    )
    row |= {f"membership_{field}": cards[0].get(field) for field in CARD_FIELDS}
    if carded:
        origin["membership"] = carded
    status = member_status([node for node in cluster if node.sort == "profile"])
    return row | {"member_status": status} | seen(cluster), origin


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
