"""Declare the identifier types that ship, and lay the project's settings over them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from unifier.errors import ConfigError, PluginError
from unifier.offers.identifier import IdentifierType

_PHONE: Final[dict[str, Any]] = {
    "verified": 2,
    "own": 4,
    "staff": 5,
    "max_per_person": 5,
    "generic_names": 5,
    "generic_exclusives": 5,
    "generic_profiles": 50,
    "recycle_after_days": 180,
}
_ACCOUNT: Final[dict[str, Any]] = {
    "scope": "required",
    "verified": 1,
    "own": 1,
    "max_per_person": 1,
    "generic_names": 5,
    "generic_profiles": 20,
}
_SHOP_ACCOUNT: Final[dict[str, Any]] = {**_ACCOUNT, "max_per_person": 3, "generic_exclusives": 5}

TYPES: Final[tuple[IdentifierType, ...]] = (
    IdentifierType(
        "id_card",
        normal="id_card",
        verified=1,
        own=2,
        staff=4,
        max_per_person=1,
        generic_names=2,
        generic_profiles=5,
        sensitive=True,
    ),
    IdentifierType("unionid", anchor=True, **_ACCOUNT),
    IdentifierType("openid", channels=("wechat",), **_ACCOUNT),
    IdentifierType("external_userid", channels=("wecom",), **_ACCOUNT),
    IdentifierType("omid", anchor=True, channels=("tmall",), **_SHOP_ACCOUNT),
    IdentifierType("ouid", channels=("tmall",), **_SHOP_ACCOUNT),
    IdentifierType("open_uid", channels=("tmall",), **_SHOP_ACCOUNT),
    IdentifierType("douyin_union_id", anchor=True, channels=("douyin",), **_SHOP_ACCOUNT),
    IdentifierType("douyin_open_id", channels=("douyin",), **_SHOP_ACCOUNT),
    IdentifierType(
        "member_no",
        normal="card",
        scope="required",
        verified=2,
        own=2,
        staff=3,
        generic_names=5,
        generic_exclusives=3,
        generic_profiles=20,
        anchor=True,
    ),
    IdentifierType(
        "card_no",
        normal="card",
        scope="required",
        verified=2,
        own=3,
        staff=4,
        generic_names=3,
        generic_exclusives=3,
        generic_profiles=20,
        recycle_after_days=365,
    ),
    IdentifierType("phone", normal="phone", channels=("sms", "phone"), **_PHONE),
    IdentifierType("phone_md5", normal="lower_hex32", **_PHONE),
    IdentifierType("phone_sha256", normal="lower_hex64", **_PHONE),
    IdentifierType("phone_sm3", normal="lower_hex64", **_PHONE),
    IdentifierType("mix_mobile", normal="lower_hex32", scope="required", **_PHONE),
    IdentifierType(
        "email",
        normal="email",
        verified=2,
        own=4,
        staff=5,
        max_per_person=5,
        generic_names=5,
        generic_exclusives=5,
        generic_profiles=50,
        channels=("email",),
    ),
    IdentifierType(
        "plate",
        normal="plate",
        own=5,
        staff=5,
        max_per_person=5,
        generic_names=4,
        generic_exclusives=4,
        generic_profiles=20,
        recycle_after_days=365,
    ),
    IdentifierType("phone_masked", normal="phone"),
    IdentifierType("receiver_phone", normal="phone"),
    IdentifierType("virtual_phone", normal="phone"),
    IdentifierType("landline", normal="phone"),
    IdentifierType("device", scope="optional"),
    IdentifierType("cookie", scope="optional"),
    IdentifierType("address"),
    IdentifierType("oaid", scope="optional"),
    IdentifierType("doudian_cipher", scope="optional"),
)
"""The identifier types of the core, strongest first; those without a class never link."""

_THRESHOLDS: Final = {"names": "generic_names", "exclusives": "generic_exclusives", "profiles": "generic_profiles"}
_SETTINGS: Final = ("max_per_person", "generic_after", "recycle_after")
_OTHER_SETTINGS: Final = frozenset({"engine", "found", "keys"})
"""Settings of the `identity` section that say nothing about types."""

_DAYS: Final = re.compile(r"([1-9][0-9]*) ?d")


def registry(overrides: Mapping[str, Any], offered: Iterable[IdentifierType] = ()) -> dict[str, IdentifierType]:
    """Return all identifier types by name, with the project's `identity` section laid over them.

    `overrides` may hold `max_per_person: {type: count}`, `generic_after: {type: {names|exclusives|profiles: count}}`
    and `recycle_after: {type: "180d"}`; null lifts a limit. `offered` are the types of plugins.

    Raises `ConfigError` for a setting, type or threshold that does not exist and for a value that is no count or
    duration, `PluginError` for a type that is declared twice.
    """
    types: dict[str, IdentifierType] = {}
    for offer in (*TYPES, *offered):
        if offer.name in types:
            raise PluginError(f"identifier type {offer.name!r}", "declared twice", "choose another name")
        types[offer.name] = offer
    for setting, values in overrides.items():
        if setting in _OTHER_SETTINGS:
            continue
        _known("identity", "setting", setting, _SETTINGS)
        for name, value in _mapping(f"identity.{setting}", values).items():
            _known(f"identity.{setting}", "type", name, types)
            types[name] = replace(types[name], **_changes(setting, name, value))
    return types


def _changes(setting: str, name: str, value: Any) -> dict[str, Any]:
    subject = f"identity.{setting}.{name}"
    if setting == "max_per_person":
        return {"max_per_person": _count(subject, value)}
    if setting == "recycle_after":
        return {"recycle_after_days": _days(subject, value)}
    changes: dict[str, Any] = {}
    for threshold, count in _mapping(subject, value).items():
        _known(subject, "threshold", threshold, _THRESHOLDS)
        changes[_THRESHOLDS[threshold]] = _count(f"{subject}.{threshold}", count)
    return changes


def _known(subject: str, what: str, name: str, names: Iterable[str]) -> None:
    known = list(names)
    if name in known:
        return
    near = difflib.get_close_matches(str(name), known, n=1)
    raise ConfigError(
        subject, f"unknown {what} {name!r}", f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(known)}"
    )


def _mapping(subject: str, value: Any) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    raise ConfigError(subject, f"{value!r} is not a mapping", "write one line per type")


def _count(subject: str, value: Any) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        return value
    raise ConfigError(subject, f"{value!r} is not a count", "write a whole number from 1, or null for no limit")


def _days(subject: str, value: Any) -> int | None:
    if value is None:
        return None
    days = _DAYS.fullmatch(value) if isinstance(value, str) else None
    if days is None:
        raise ConfigError(subject, f"{value!r} is not a duration", 'write days, such as "180d", or null for never')
    return int(days[1])
