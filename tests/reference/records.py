"""Write small records and run a reference over them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from reference.pipeline import Reference

from unifier.identifiers import registry

AS_OF = date(2024, 12, 31)


def project(settings: Any = None, found: tuple[str, ...] = ("profile", "order"), fields: Any = None) -> Reference:
    """Open a reference whose most trusted source is the CRM."""
    types, trust = registry(settings or {}), ["crm", "wechat"]
    return Reference(types, {}, found, b"secret", trust, "CNY", "Asia/Shanghai", fields or {})


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
    return {**profile(record_id, at, *identifiers), "ordered_at": day(at), "status": "paid", "amount": 100, **fields}
