"""Settle versions, read evidence, gather bundles: rules 1 to 11 of ``docs/decisions/0002-semantics.md``.

Records are dicts shaped like the contract whose times are aware datetimes. Rule numbers refer to that page.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from unifier.identifiers import name_key, readings

if TYPE_CHECKING:
    from unifier.offers.identifier import IdentifierType

Record = Mapping[str, Any]
Key = tuple[str, str, str]
"""Source, kind, record id."""
Value = tuple[str, str, str]
"""Identifier type, scope, normal form."""
Member = tuple[Value, str, bool]
"""What a fact carries: value, role, verified."""

FACT_TIME: Final = {"order": "ordered_at", "refund": "refunded_at", "event": "happened_at", "consent": "at"}
ROLES: Final = {"own": 0, "staff": 1}
FULL_DATE: Final = 10


@dataclass(frozen=True)
class Rules:
    """What decides how evidence is read."""

    types: Mapping[str, IdentifierType]
    keys: Mapping[str, str]
    found: tuple[str, ...]
    secret: bytes

    def recycles(self, type_: str) -> timedelta | None:
        """Return after which pause a value of the type may be somebody else's."""
        days = self.types[type_].recycle_after_days
        return None if days is None else timedelta(days=days)


@dataclass(frozen=True)
class Evidence:
    """A node carried a value in a role; ``cls`` is the evidence class, None when it never links (rule 6)."""

    value: Value
    role: str
    verified: bool
    state: str
    cls: int | None
    first: datetime
    last: datetime
    current: bool


@dataclass(eq=False)
class Node:
    """A profile, or a bundle of facts. ``token`` is what it is known by from run to run, ``id`` is that of rule 19."""

    source: str
    sort: str
    id: str
    token: object
    evidence: list[Evidence]
    founds: bool
    profile: Record = field(default_factory=dict)
    facts: dict[Key, Record] = field(default_factory=dict)
    links: list[Evidence] = field(default_factory=list)

    @property
    def order(self) -> tuple[str, int, str]:
        """Record key order (rule 19): source name, profile before bundle, id."""
        return (self.source, int(self.sort == "bundle"), self.id)

    @property
    def key(self) -> tuple[str, str, Any]:
        """Name the node for comparison: a bundle by the keys of its facts."""
        return (self.source, self.sort, frozenset(self.facts) if self.facts else self.id)

    @property
    def name_key(self) -> str | None:
        """Return the key of the profile's full name."""
        return name_key(self.profile.get("name"))

    @property
    def birthday(self) -> str | None:
        """Return the profile's birth date if it is a full one."""
        birthday = self.profile.get("birthday")
        return birthday if birthday and len(birthday) == FULL_DATE else None


def newest(versions: Sequence[Record]) -> Record:
    """Return the newest version (rule 1): the greatest observed_at, of equal ones the later arrival."""
    return max(enumerate(versions), key=lambda item: (item[1]["observed_at"], item[0]))[1]


def content(record: Record) -> str:
    """Spell everything a version says but its id and time; what is null is not said."""

    def said(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: said(inner) for key, inner in value.items() if inner is not None} or None
        return [said(inner) for inner in value] if isinstance(value, list) else value

    told = {**record, "deleted": bool(record.get("deleted")), "record_id": None, "observed_at": None}
    return json.dumps(said(said(told)), sort_keys=True, default=str)


def fates(stored: Record | None, landed: Sequence[Record]) -> Iterable[str]:
    """Yield the fate of each version of one record that landed in one settle (rule 2)."""
    best, seen = newest(landed), set()
    for version in reversed(landed):
        mark = (version["observed_at"], content(version))
        if mark in seen:
            yield "repeated"
        elif version is not best or (stored and version["observed_at"] < stored["observed_at"]):
            yield "stale"
        elif stored is None:
            yield "new"
        else:
            yield "unchanged" if mark == (stored["observed_at"], content(stored)) else "updated"
        seen.add(mark)


def read(identifier: Mapping[str, Any], rules: Rules) -> Iterable[tuple[Value, str]]:
    """Yield each value that an identifier of a record says, and its state (rule 7: a field may hold several)."""
    for reading in readings(identifier["type"], identifier["value"], rules.types, rules.keys):
        type_ = rules.types.get(reading.type)
        if type_ is None:
            continue
        text = reading.value
        if type_.sensitive and reading.state == "valid":
            text = hmac.new(rules.secret, text.encode(), hashlib.sha256).hexdigest()[:32]
        yield (reading.type, "" if type_.scope == "none" else identifier.get("scope") or "", text), reading.state


def evidence_class(value: Value, role: str, verified: bool, state: str, rules: Rules) -> int | None:
    """Return the class of evidence; receivers, payers and values that are not valid never link (rule 6)."""
    return rules.types[value[0]].evidence_class(verified, role) if state == "valid" and role in ROLES else None  # type: ignore[arg-type]


def profile_node(source: str, versions: Sequence[Record], rules: Rules) -> Node | None:
    """Make the node of a profile from all its versions (rule 4); None while its newest is a tombstone (rule 3)."""
    top = newest(versions)
    if top.get("deleted"):
        return None
    claims: dict[tuple[Value, str, str], list[tuple[datetime, datetime, bool, bool]]] = defaultdict(list)
    for version in versions:
        for said in [] if version.get("deleted") else version.get("identifiers") or []:
            since = said.get("since") or version.get("registered_at") or version["observed_at"]
            since = min(since, version["observed_at"])
            for value, state in read(said, rules):
                claim = (since, version["observed_at"], bool(said.get("verified")), version is top)
                claims[value, said.get("role") or "own", state].append(claim)
    evidence = []
    for (value, role, state), told in claims.items():
        first = min(since for since, _, _, _ in told)
        last = max(observed for _, observed, _, _ in told)
        verified = any(verified for _, _, verified, _ in told)
        cls = evidence_class(value, role, verified, state, rules)
        evidence.append(
            Evidence(value, role, verified, state, cls, first, last, any(told_now for *_, told_now in told))
        )
    id_ = top["record_id"]
    return Node(source, "profile", id_, (source, "profile", id_), evidence, "profile" in rules.found, profile=top)


def members(fact: Record, rules: Rules) -> frozenset[Member]:
    """Return the linking (value, role, verified) of a fact: what rule 9 calls its set."""
    said_of: dict[tuple[Value, str, str], bool] = {}
    for said in fact.get("identifiers") or []:
        for value, state in read(said, rules):
            key = (value, said.get("role") or "own", state)
            said_of[key] = said_of.get(key, False) or bool(said.get("verified"))
    return frozenset(
        (value, role, verified)
        for (value, role, state), verified in said_of.items()
        if evidence_class(value, role, verified, state, rules) is not None
    )


def set_hash(set_: frozenset[Member]) -> str:
    """Hash a set into the first half of a bundle's id."""
    ordered = sorted((*value, ROLES[role], verified) for value, role, verified in set_)
    texts = [
        chr(31).join((type_, scope, text, str(role), str(verified).lower()))
        for type_, scope, text, role, verified in ordered
    ]
    return hashlib.sha256(chr(30).join(texts).encode()).hexdigest()[:32]


def islands(set_: frozenset[Member], facts: Mapping[Key, Record], rules: Rules) -> list[dict[Key, Record]]:
    """Cut the facts of a set where neighbours lie further apart than its least recycle_after (rule 9)."""
    pauses = [pause for (type_, _, _), _, _ in set_ if (pause := rules.recycles(type_)) is not None]
    cut: list[dict[Key, Record]] = []
    before: datetime | None = None
    for key in sorted(facts, key=lambda key: (moment(key, facts[key]), key)):
        at = moment(key, facts[key])
        if before is None or (pauses and at - before > min(pauses)):
            cut.append({})
        cut[-1][key] = facts[key]
        before = at
    return cut


def moment(key: Key, fact: Record) -> datetime:
    """Return the fact's own time (rule 5)."""
    at: datetime = fact[FACT_TIME[key[1]]]
    return at


def bundle_node(source: str, set_: frozenset[Member], facts: dict[Key, Record], token: object, rules: Rules) -> Node:
    """Make the node of a bundle: evidence from first to last fact, always current (rule 11); who founds is rule 10."""
    times = [moment(key, fact) for key, fact in facts.items()]
    evidence = []
    for value, role in {(value, role) for value, role, _ in set_}:
        verified = (value, role, True) in set_
        cls = evidence_class(value, role, verified, "valid", rules)
        evidence.append(Evidence(value, role, verified, "valid", cls, min(times), max(times), current=True))
    id_ = f"{set_hash(set_)}@{min(times).astimezone(UTC).date()}"
    founds = any(kind in rules.found for _, kind, _ in facts)
    return Node(source, "bundle", id_, token, evidence, founds, facts=facts)


class Bundles:
    """Remember which bundle is which: a set's island goes on as the bundle it shares most facts with."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, frozenset[Member]], list[tuple[int, frozenset[Key]]]] = defaultdict(list)
        self._count = 0

    def tokens(self, source: str, set_: frozenset[Member], cut: Sequence[Mapping[Key, Record]]) -> list[int]:
        """Return a token for each island, in order of time; a set that has one island keeps its token in any case."""
        known = self._known[source, set_]
        heirs: dict[int, tuple[int, int]] = {}
        for token, facts in known:
            shared, place = max(((len(facts & set(island)), -at) for at, island in enumerate(cut)), default=(0, 0))
            if shared and shared > heirs.get(-place, (0, 0))[0]:
                heirs[-place] = (shared, token)
        if len(cut) == 1 and not heirs and known:
            heirs[0] = (0, min(known, key=lambda item: (not item[1], item[0]))[0])
        chosen = []
        for at in range(len(cut)):
            self._count += at not in heirs
            chosen.append(heirs[at][1] if at in heirs else self._count)
        gone = [(token, frozenset[Key]()) for token, _ in known if token not in chosen]
        self._known[source, set_] = gone + [
            (token, frozenset(island)) for token, island in zip(chosen, cut, strict=True)
        ]
        return chosen

    def nodes(self, facts: Mapping[Key, Record], rules: Rules) -> list[Node]:
        """Gather the newest, live versions of all facts into bundle nodes (rules 5, 9)."""
        sets: dict[tuple[str, frozenset[Member]], dict[Key, Record]] = {known: {} for known in self._known}
        for key, fact in facts.items():
            if set_ := members(fact, rules):
                sets.setdefault((key[0], set_), {})[key] = fact
        found = []
        for (source, set_), carried in sets.items():
            cut = islands(set_, carried, rules)
            for token, island in zip(self.tokens(source, set_, cut), cut, strict=True):
                found.append(bundle_node(source, set_, island, ("bundle", token), rules))
        return found
