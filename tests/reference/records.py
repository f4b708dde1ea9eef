"""Write small records and run a reference over them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from reference.golden import FieldRule
from reference.pipeline import Reference

from unifier.identifiers import registry

AS_OF = date(2024, 12, 31)


def project(
    settings: Mapping[str, Any] | None = None,
    found: tuple[str, ...] = ("profile", "order"),
    fields: Mapping[str, FieldRule] | None = None,
) -> Reference:
    """Open a reference whose most trusted source is the CRM."""
    return Reference(registry(settings or {}), {}, found, b"secret", ["crm", "wechat"], "CNY", "Asia/Shanghai", fields)


def day(text: str) -> datetime:
    """Return noon of a day in UTC."""
    return datetime.fromisoformat(text).replace(hour=12, tzinfo=UTC)


def phone(value: str, **more: Any) -> dict[str, Any]:
    """Return a phone as a record carries it."""
    return {"type": "phone", "value": value, **more}


def unionid(value: str) -> dict[str, Any]:
    """Return a WeChat account as a record carries it."""
    return {"type": "unionid", "scope": "shop", "value": value}


def profile(record_id: str, at: str, *identifiers: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a profile."""
    return {"record_id": record_id, "observed_at": day(at), "identifiers": list(identifiers), **fields}


def order(record_id: str, at: str, *identifiers: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a paid order of 1.00 yuan."""
    told = {"ordered_at": day(at), "status": "paid", "amount": 100}
    return {**profile(record_id, at, *identifiers), **told, **fields}


def consent(record_id: str, at: str, status: str, *identifiers: dict[str, Any]) -> dict[str, Any]:
    """Return a statement about marketing by SMS."""
    told = {"purpose": "marketing", "channel": "sms", "status": status, "at": day(at)}
    return {**profile(record_id, at, *identifiers), **told}


def unified(*profiles: dict[str, Any], orders: tuple[dict[str, Any], ...] = (), **options: Any) -> Reference:
    """Run once over profiles of the CRM and orders of the till."""
    reference = project(**options)
    reference.deliver("crm", "profile", profiles)
    reference.deliver("pos", "order", orders)
    reference.run(AS_OF)
    return reference


def together(reference: Reference) -> set[frozenset[str]]:
    """Return persons and unattached clusters as sets of record ids, facts and profiles alike."""
    return {
        frozenset(id_ for node in cluster for id_ in ([key[2] for key in node.facts] or [node.id]))
        for cluster in reference.clusters
    }
