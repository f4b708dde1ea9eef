"""Plan the configured segments: check them, compile them, put them in order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from unifier.errors import ConfigError
from unifier.expressions import Compiled, Field, Lazy, Namespace, Type, compile  # noqa: A004 - the word of the design

Lines = Mapping[tuple[str | int, ...], tuple[str, int]]
PURPOSES: Final = ("marketing", "profiling", "sharing")
CONSENT_CHANNELS: Final = ("sms", "phone", "email", "wechat", "wecom", "app", "mail", "all")
CONTACT_CHANNELS: Final = ("sms", "phone", "email", "wechat", "wecom", "tmall", "douyin")

_TEXT: Final = {"type": "string", "minLength": 1}
SEGMENTS_SCHEMA: Final[dict[str, Any]] = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["name", "where"],
        "additionalProperties": False,
        "properties": {
            "name": {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,62}$"},
            "title": {
                "oneOf": [
                    _TEXT,
                    {
                        "type": "object",
                        "additionalProperties": False,
                        "minProperties": 1,
                        "properties": {"zh": _TEXT, "en": _TEXT},
                    },
                ]
            },
            "description": {"type": "string"},
            "owner": {"type": "string"},
            "where": {"type": "string", "minLength": 1, "maxLength": 2000},
            "tier": {
                "type": "object",
                "required": ["group", "order"],
                "additionalProperties": False,
                "properties": {"group": _TEXT, "order": {"type": "integer", "minimum": 1}},
            },
        },
    },
}
"""JSON Schema of ``segments:``. Of the segments of one tier group a person is in the first, by order, that holds."""


@dataclass(frozen=True, slots=True)
class Known:
    """What conditions may read beside consent: golden fields and tags by name, and of each tag its table and hash."""

    fields: Mapping[str, Field]
    tag_tables: Mapping[str, str]
    tag_hashes: Mapping[str, str]
    day: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class SegmentDefinition:
    """A segment that was understood. ``excluded`` are segments of its tier group that come first."""

    name: str
    compiled: Compiled
    body: Mapping[str, Any]
    excluded: tuple[str, ...] = ()
    level: int = 1
    below: tuple[str, ...] = ()
    asks_consent: bool = False

    @property
    def hash(self) -> str:
        """Hash of all that its content depends on, the definitions it reads included."""
        return _hash([self.compiled.sql, self.excluded, self.below])


@dataclass(frozen=True, slots=True)
class SegmentPlan:
    """All segments in the order of the configuration, and what they read."""

    segments: tuple[SegmentDefinition, ...]
    known: Known

    @property
    def reads(self) -> frozenset[str]:
        """All that some segment reads: ``golden``, ``tag:orders``, ``consent:marketing.sms``, ``reachable:sms``."""
        return frozenset().union(*(one.compiled.reads for one in self.segments))

    def read(self, family: str) -> tuple[str, ...]:
        """Names of one family that some segment reads, sorted."""
        return tuple(sorted(one.removeprefix(f"{family}:") for one in self.reads if one.startswith(f"{family}:")))

    @property
    def hash(self) -> str:
        """Hash of all definitions."""
        return _hash([[one.name, one.hash] for one in self.segments])


def plan(entries: Sequence[Mapping[str, Any]], lines: Lines, known: Known) -> SegmentPlan:
    """Plan segments; raise ConfigError that names file, line and column of the first fault."""
    planner = _Planner(entries, lines, known, {}, {})
    for place, entry in enumerate(entries):
        if entry["name"] in planner.index:
            raise planner.fault(place, "name", f"segment {entry['name']!r} stands twice", "give it another name")
        planner.index[str(entry["name"])] = place
    planner.check_tiers()
    return SegmentPlan(tuple(planner.define(name, ()) for name in planner.index), known)


@dataclass(slots=True)
class _Planner:
    entries: Sequence[Mapping[str, Any]]
    lines: Lines
    known: Known
    index: dict[str, int]
    done: dict[str, SegmentDefinition]

    def place(self, at: int, key: str) -> tuple[str, int]:
        return self.lines.get(("segments", at, key)) or self.lines.get(("segments", at)) or ("segments", at + 1)

    def fault(self, at: int, key: str, words: str, mend: str) -> ConfigError:
        file, line = self.place(at, key)
        return ConfigError(f"{file} line {line}", words, mend)

    def check_tiers(self) -> None:
        seen: dict[tuple[str, int], str] = {}
        for name, at in self.index.items():
            tier = self.entries[at].get("tier")
            if tier and seen.setdefault((tier["group"], tier["order"]), name) != name:
                first = seen[tier["group"], tier["order"]]
                raise self.fault(
                    at,
                    "tier",
                    f"segments {first!r} and {name!r} have one place in tier {tier['group']!r}",
                    "number them",
                )

    def earlier(self, at: int) -> tuple[str, ...]:
        tier = self.entries[at].get("tier")
        if not tier:
            return ()
        group = [(name, self.entries[other].get("tier") or {}) for name, other in self.index.items()]
        before = [
            (one["order"], name)
            for name, one in group
            if one.get("group") == tier["group"] and one["order"] < tier["order"]
        ]
        return tuple(name for _, name in sorted(before))

    def define(self, name: str, chain: tuple[str, ...]) -> SegmentDefinition:
        if name in self.done:
            return self.done[name]
        at = self.index[name]
        if name in chain:
            circle = " → ".join((*chain[chain.index(name) :], name))
            raise self.fault(at, "where", f"segments read one another in a circle: {circle}", "break it at one of them")
        below = [self.define(other, (*chain, name)) for other in self.earlier(at)]

        def segment(dotted: str) -> Field:
            other = dotted.removeprefix("segment.")
            below.append(self.define(other, (*chain, name)))
            return Field(f"segment {other}", Type.BOOL, f"segment:{other}")

        fields = Lazy(
            {**self.known.fields, **_permissions()}, tuple(f"segment.{other}" for other in self.index), segment
        )
        file, line = self.place(at, "where")
        compiled = compile(
            str(self.entries[at]["where"]), Namespace(fields, self.known.day, daily=True), file=file, line=line
        )
        if compiled.type is not Type.BOOL:
            raise self.fault(
                at, "where", f"segment {name!r} needs a condition, this is {compiled.type}", "compare it with something"
            )
        self.done[name] = self._definition(name, compiled, below)
        return self.done[name]

    def _definition(self, name: str, compiled: Compiled, below: Sequence[SegmentDefinition]) -> SegmentDefinition:
        at = self.index[name]
        tags = sorted(one.removeprefix("tag:") for one in compiled.reads if one.startswith("tag:"))
        asks = any(one.startswith(("consent:", "reachable:")) for one in compiled.reads) or any(
            one.asks_consent for one in below
        )
        hashes = (*(one.hash for one in below), *(self.known.tag_hashes[tag] for tag in tags))
        level = 1 + max((one.level for one in below), default=0)
        return SegmentDefinition(name, compiled, dict(self.entries[at]), self.earlier(at), level, hashes, asks)


def _permissions() -> dict[str, Field]:
    """Name what people allow: ``consent.marketing.sms`` and, with a usable address, ``reachable.sms``."""
    fields = {}
    for purpose in PURPOSES:
        for channel in CONSENT_CHANNELS:
            dotted = f"{purpose}.{channel}"
            fields[f"consent.{dotted}"] = Field(f"consent {dotted}", Type.BOOL, f"consent:{dotted}")
    for channel in CONTACT_CHANNELS:
        fields[f"reachable.{channel}"] = Field(f"reachable {channel}", Type.BOOL, f"reachable:{channel}")
    return fields


def _hash(parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]
