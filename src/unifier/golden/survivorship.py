"""Say which of several values becomes golden: the rules of ``golden.fields``, checked and written as SQL.

Rules only judge persons with several profiles; of a single profile every rule takes what it says.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, get_args

from unifier.config import Config, Place, nearest
from unifier.errors import ConfigError
from unifier.expressions import Field, Namespace, Type, compile  # noqa: A004 - the word of the design
from unifier.expressions.values import of_column
from unifier.identifiers import is_placeholder_sql, name_key
from unifier.identifiers.placeholders import WORDS
from unifier.offers.survivorship import Survivorship
from unifier.tables import literal
from unifier.tables.golden import FIELDS

RuleName = Literal["trust", "recent", "frequent", "longest", "min", "max", "union"]
RULES: Final[tuple[RuleName, ...]] = get_args(RuleName)
TEXT_RULES: Final = frozenset({"longest", "union"})
"""Rules that count or join characters, which times do not have."""

_SOURCES: Final = {"type": "array", "items": {"type": "string"}}
_FIELD: Final = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"rule": {"type": "string", "minLength": 1}, "trust": _SOURCES},
}
GOLDEN_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "trust": _SOURCES,
        "fields": {
            "type": "object",
            "additionalProperties": False,
            "properties": {name: _FIELD for name, _ in FIELDS},
        },
    },
}
"""JSON Schema of ``golden:``."""


@dataclass(frozen=True, slots=True)
class FieldRule:
    """How a golden field is chosen: by a rule, in the order of its own list of sources or, without one, the project's.

    A plugin's rule takes the candidate for which ``best``, SQL, is greatest; ``counts`` says that it reads carriers.
    """

    rule: str = "trust"
    trust: tuple[str, ...] | None = None
    best: str = ""
    counts: bool = False


DEFAULT: Final = FieldRule()

_KEYED: Final = tuple(word for word in sorted(WORDS) if name_key(word) is not None)
"""Placeholders that look like a full name, as 其他 does."""

_PICKS: Final[Mapping[str, str]] = {
    "trust": "arg_min({what}, {place})",
    "recent": "arg_max({what}, row(last_seen, -{place}))",
    "frequent": "arg_max({what}, row({field}_carriers, -{place}))",
    "longest": "arg_max({what}, row(length({field}), -{place}))",
    "min": "arg_min({what}, row({field}, {place}))",
    "max": "arg_max({what}, row({field}, -{place}))",
    "union": "arg_min({what}, {place})",
}
"""How a rule picks the record that gives ``{what}``, its value or its number; ``{place}`` breaks ties."""


def survivorship(
    config: Config, offered: Mapping[str, Survivorship], day: Callable[[str], str]
) -> tuple[tuple[str, ...], dict[str, FieldRule]]:
    """Read the ``golden`` section: the project's order of trust, and the fields that have a rule of their own.

    ``offered`` are rules of plugins by name, ``day`` writes the local day of a UTC time. Raise ConfigError, with line
    and nearest name, at a source or rule that there is not and at a rule that does not fit a field.
    """
    section, sources = config.section("golden"), list(config.section("sources"))
    trust = _trusted(config, ("golden", "trust"), section.get("trust") or (), sources)
    rules = {}
    for name, body in (section.get("fields") or {}).items():
        place = ("golden", "fields", name)
        own = _trusted(config, (*place, "trust"), body["trust"], sources) if "trust" in body else None
        rule = _rule(config, name, str(body.get("rule", "trust")), offered, day)
        if own is not None:
            rule = replace(rule, trust=own)
        if rule != DEFAULT:
            rules[name] = rule
    return trust, rules


def _rule(
    config: Config, field: str, name: str, offered: Mapping[str, Survivorship], day: Callable[[str], str]
) -> FieldRule:
    """Make the rule of a field, one of ours or a plugin's."""
    place = ("golden", "fields", field, "rule")
    dotted = ".".join(place)
    if name in offered:
        return _offered_rule(config, field, offered[name], day)
    if name not in RULES:
        known = [*RULES, *offered]
        raise ConfigError(config.where(place), f"{dotted}: it is none of the known words", nearest(name, known))
    if name in TEXT_RULES and dict(FIELDS)[field] == "TIMESTAMP":
        fit = [other for other in RULES if other not in TEXT_RULES]
        raise ConfigError(
            config.where(place),
            f"{dotted}: {name} is for texts, and {field} is a time",
            f"choose one of {', '.join(fit)}",
        )
    return FieldRule(name)


def _offered_rule(config: Config, field: str, rule: Survivorship, day: Callable[[str], str]) -> FieldRule:
    """Compile a plugin's rule over the candidates of a field."""
    kind = Type.BIRTHDAY if field == "birthday" else of_column(dict(FIELDS)[field])
    names = {
        "value": Field(field, kind, "value"),
        "carriers": Field(f"{field}_carriers", Type.INT, "carriers"),
        "seen": Field("last_seen", Type.TIMESTAMP, "seen"),
    }
    try:
        compiled = compile(rule.best, Namespace(names, day), file=f"rule {rule.name}", line=1)
    except ConfigError as error:
        place = ("golden", "fields", field, "rule")
        fault = f"{'.'.join(place)}: {rule.name} does not fit {field}: {error.fault}"
        raise ConfigError(config.where(place), fault, "choose another rule") from None
    return FieldRule(rule.name, None, compiled.sql, "carriers" in compiled.reads)


def _trusted(config: Config, place: Place, names: Collection[str], sources: list[str]) -> tuple[str, ...]:
    for name in names:
        if name not in sources:
            raise ConfigError(
                config.where(place),
                f"{'.'.join(map(str, place))} names {name!r}, which is no source",
                nearest(name, sources),
            )
    return tuple(names)


def worthy(field: str) -> str:
    """Write what a profile ``p`` says in a field, NULL where that is worth nothing.

    >>> worthy("city"), worthy("registered_at")
    ("nullif(p.city, '')", 'p.registered_at')
    """
    if field == "name":
        # Nearly every name has a key: those are looked up, and only the others cost regular expressions.
        keyed = f"p.name NOT IN ({', '.join(map(literal, _KEYED))})"
        other = f"p.name <> '' AND NOT {is_placeholder_sql('opaque', 'p.name')}"
        return f"CASE WHEN CASE WHEN p.name_key IS NULL THEN {other} ELSE {keyed} END THEN p.name END"
    if field == "gender":
        return "CASE WHEN p.gender NOT IN ('', 'unknown') THEN p.gender END"
    return f"p.{field}" if dict(FIELDS)[field] == "TIMESTAMP" else f"nullif(p.{field}, '')"


def columns(field: str, rule: FieldRule) -> list[str]:
    """Write what ``ranked`` must know of a field: its worthy value, and what its rule compares beyond that."""
    found = [f"{worthy(field)} AS {field}"]
    rank = "rank" if rule.trust is None else f"{field}_rank"
    trust = f"s.{rank}, p.observed_at DESC, s.name, p.record_id"
    if rule.trust is not None:
        found.append(f"row_number() OVER (PARTITION BY o.person_no ORDER BY {trust})::INTEGER AS {field}_place")
    same = f"OVER (PARTITION BY o.person_no, {worthy(field)}"
    if rule.rule == "frequent" or rule.counts:
        found.append(f"count(*) {same}) AS {field}_carriers")
    if rule.rule == "union":
        found.append(f"row_number() {same} ORDER BY {trust}) = 1 AS {field}_first")
    return found


def survivor(field: str, rule: FieldRule) -> str:
    """Write the golden value of a field among the rows of ``ranked``."""
    if rule.rule == "union":
        return _named(field, f"string_agg({field}, ' | ' ORDER BY {_place(field, rule)})", f" AND {field}_first")
    return _named(field, _pick(field, rule, field))


def giver(field: str, rule: FieldRule) -> str:
    """Write the number of the record that gave the golden value of a field."""
    return _named(field, _pick(field, rule, "record_no"))


def _pick(field: str, rule: FieldRule, what: str) -> str:
    if rule.best:
        # A candidate of which nothing is known comes last, whatever an engine thinks of NULL.
        return f"arg_max({what}, row(({rule.best}) IS NOT NULL, {rule.best}, -{_place(field, rule)}))"
    return _PICKS[rule.rule].format(what=what, field=field, place=_place(field, rule))


def _place(field: str, rule: FieldRule) -> str:
    return "place" if rule.trust is None else f"{field}_place"


def _named(field: str, pick: str, condition: str = "") -> str:
    """Apply a pick to the records that know a field; of names, to the full ones if there is one."""
    known = f"{pick} FILTER ({field} IS NOT NULL{condition})"
    if field != "name":
        return known
    return f"coalesce({pick} FILTER (full_name AND {field} IS NOT NULL{condition}), {known})"
