"""Golden records, consents, contacts and sales: rules 23 to 25 and 28 of ``docs/decisions/0002-semantics.md``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from unifier.identifiers import is_placeholder, name_key

Record = Mapping[str, Any]  # shaped like the contract, without nulls, its times aware datetimes
Key = tuple[str, str, str]  # source, kind, record id
Records = Mapping[Key, Record]
RuleName = Literal["trust", "recent", "frequent", "longest", "min", "max", "union"]
FIELDS: Final = (
    *("name", "gender", "birthday", "province", "city", "district", "address", "postcode", "registered_at"),
    *("acquired_scene", "acquired_store", "acquired_guide", "acquired_campaign", "memberships"),
)
CARD: Final = ("issuer", "card_no", "level", "points", "joined_at", "expires_at")


@dataclass(frozen=True)
class FieldRule:
    """How a golden field is chosen (rule 28), and the field's own list of trusted sources if it has one."""

    rule: RuleName = "trust"
    trust: Sequence[str] | None = None


def worthy(field: str, profile: Record) -> Any:
    """Return what a profile says in a field; None for nothing, empty text, unknown and placeholder names (rule 23)."""
    inside = field.removeprefix("acquired_")
    value = profile.get(field) if inside == field else profile.get("acquired", {}).get(inside)
    nothing = value in ("", []) or (field == "name" and is_placeholder("opaque", value or ""))
    return None if nothing or (field, value) == ("gender", "unknown") else value


def survivor(field: str, profiles: Records, trust: Sequence[str], rule: FieldRule) -> tuple[Any, Key] | None:
    """Return the golden value of a field and the profile that gave it, None if nobody knows it (rules 23 and 28)."""
    order = trust if rule.trust is None else rule.trust
    newest = sorted(sorted(profiles), key=lambda key: profiles[key]["observed_at"], reverse=True)
    ordered = sorted(newest, key=lambda key: [*order, key[0]].index(key[0]))
    values = {key: value for key in ordered if (value := worthy(field, profiles[key])) is not None}
    if field == "name":  # full names go before others
        values = {key: name for key, name in values.items() if name_key(name)} or values
    if not values:
        return None
    wins: dict[RuleName, Callable[[Key], Any]] = {
        "recent": lambda key: profiles[key]["observed_at"],
        "frequent": lambda key: list(values.values()).count(values[key]),
        "longest": lambda key: len(values[key]),
        "max": lambda key: values[key],
    }
    best = max(values, key=wins.get(rule.rule, lambda _: 0))  # of equal ones the first in the order of trust
    best = min(values, key=lambda key: values[key]) if rule.rule == "min" else best
    return " | ".join(dict.fromkeys(values.values())) if rule.rule == "union" else values[best], best


def golden(profiles: Records, trust: Sequence[str], rules: Mapping[str, FieldRule]) -> tuple[dict[str, Any], Any]:
    """Return a person's golden fields and, for each that is known, the key of the profile that gave it."""
    found = {field: survivor(field, profiles, trust, rules.get(field, FieldRule())) for field in FIELDS}
    row = {field: given[0] if given else None for field, given in found.items()}
    origin = {field.replace("memberships", "membership"): given[1] for field, given in found.items() if given}
    card = min(row.pop("memberships") or [{}], key=lambda card: (card.get("issuer"), card.get("card_no")))
    live = [profile for profile in profiles.values() if profile.get("status") != "closed"]
    status = "member" if any(profile.get("memberships") for profile in live) else "lapsed" if card else "prospect"
    row["member_status"] = "closed" if profiles and not live else status
    return row | {f"membership_{part}": card.get(part) for part in CARD}, origin


def consents(said: Iterable[tuple[Key, Record, Any]], points: Mapping[Any, set[Any]]) -> dict[Any, tuple[str, Any]]:
    """Return status and since by (purpose, channel): what a person allows by statements of its accounts (rule 24)."""
    latest: dict[tuple[str, str, Any], Record] = {}
    for _, fact, account in sorted(said, key=lambda one: (one[1]["at"], one[1]["observed_at"], one[0]), reverse=True):
        latest.setdefault((fact["purpose"], fact["channel"], account), fact)
    found: dict[Any, tuple[str, Any]] = {}
    for about, fact in sorted(latest.items(), key=lambda item: item[1]["status"] == "granted"):  # denials go first
        later = [by for by, grant in latest.items() if grant["status"] == "granted" and grant["at"] > fact["at"]]
        lifted = any(by[:2] == about[:2] and points[by[2]] & points[about[2]] for by in later)
        if fact["status"] == "granted" or not lifted:
            found.setdefault(about[:2], (fact["status"], fact["at"]))
    return found


def sales(records: Records, trust: Sequence[str], currency: str) -> dict[Key, tuple[int, str]]:
    """Return net amount and the reason why it counts, or does not, for the newest version of every order (rule 25)."""
    back, first, found = Counter[Key](), dict[Any, Key](), dict[Key, tuple[int, str]]()
    for key in sorted(records, key=lambda key: ([*trust, key[0]].index(key[0]), key)):
        record, number = records[key], records[key].get("external", {})
        if key[1] == "refund" and record.get("status") == "success" and not record["deleted"]:
            back[key[0], "order", record["order_id"]] += record["amount"]
        if key[1] == "order" and number.keys() >= {"issuer", "no"} and not record["deleted"]:
            first.setdefault((number["issuer"], number["no"]), key)
    for key, order in ((key, record) for key, record in records.items() if key[1] == "order"):
        number, status = order.get("external", {}), order.get("status")
        paid = status in {"paid", "shipped", "completed"} or (status == "closed" and "paid_at" in order)
        reasons = {
            "deleted": order["deleted"],
            "unpaid": not paid,
            "not_receipt": order.get("grain", "receipt") != "receipt",
            "not_sale": order.get("type", "sale") != "sale",
            "foreign_currency": order.get("currency", currency) != currency,
            "no_amount": "amount" not in order,
            "duplicate": first.get((number.get("issuer"), number.get("no")), key) != key,
        }
        counts = next((reason for reason, holds in reasons.items() if holds), "counted")
        found[key] = (max(0, order.get("amount", 0) - back[key]), counts)
    return found
