"""Understand the configuration: what the stages do, with what the plugins in use add to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache, partial
from typing import Any, TypeVar

from jsonschema import Draft202012Validator

from unifier.app.opening import Project
from unifier.app.sections import seconds
from unifier.config import Place, resolve
from unifier.errors import ConfigError, PluginError
from unifier.golden.steps import local_day
from unifier.golden.survivorship import RULES, survivorship
from unifier.identifiers import registry
from unifier.offers.identifier import IdentifierType
from unifier.offers.survivorship import Survivorship
from unifier.offers.target import TargetKind
from unifier.plugins import Loaded, Plugin
from unifier.segments import SEGMENTS_SCHEMA, SegmentPlan
from unifier.stages.segment import segment_plan
from unifier.stages.tag import tag_plan
from unifier.stages.unify import UnifyPlan
from unifier.store.rules import Rules
from unifier.tags import TAGS_SCHEMA, TagPlan
from unifier.warehouse import TargetConfig, target_config

_Offer = TypeVar("_Offer")
_OWN_SCHEMES = frozenset({"duckdb", "sqlite", "postgresql", "mysql", "mariadb"})
"""What targets of ours are called: a plugin that took one of these would take somebody's warehouse."""


@dataclass(frozen=True, slots=True)
class Plans:
    """What the stages need to know of the configuration."""

    rules: Rules
    unify: UnifyPlan
    tags: TagPlan
    segments: SegmentPlan
    targets: list[TargetConfig]
    tags_meta: list[dict[str, Any]]
    segments_meta: list[dict[str, Any]]
    workers: int
    keep_refused: timedelta


def plans(one: Project, loaded: Loaded) -> Plans:
    """Understand the whole configuration before anything runs.

    Raise ConfigError at its first fault, and PluginError at the first of what a plugin adds.
    """
    unify = unify_plan(one, loaded)
    try:
        tags = tag_plan(*_definitions(one, loaded, "tags", TAGS_SCHEMA), one.zone)
        segments = segment_plan(*_definitions(one, loaded, "segments", SEGMENTS_SCHEMA), tags, one.zone)
    except ConfigError as error:
        if error.subject.startswith("plugin "):
            raise PluginError(error.subject, error.fault, error.mend) from None
        raise
    kinds = {tag.name: tag.compiled.type for tag in tags.tags}
    return Plans(
        unify.rules,
        unify,
        tags,
        segments,
        _targets(one, loaded),
        [{**_described(tag.name, tag.body), "type": str(kinds[tag.name])} for tag in tags.tags],
        [_described(each.name, each.body) for each in segments.segments],
        int(one.config.section("extract").get("workers", 2)),
        timedelta(seconds=seconds(one.config.section("retention").get("quarantine", "90d"))),
    )


def unify_plan(one: Project, loaded: Loaded) -> UnifyPlan:
    """Put together what unify needs."""
    offered = _named(loaded, "unifier_survivorship", Survivorship, RULES)
    trust, fields = survivorship(one.config, offered, cache(partial(local_day, zone=one.zone)))
    engine = str(one.config.section("identity").get("engine", "auto"))
    return UnifyPlan(rules(one, loaded), trust, one.currency, one.zone, engine, fields)


def rules(one: Project, loaded: Loaded) -> Rules:
    """Put together the identifier rules of a project."""
    section = one.config.section("identity")
    keys = {
        name: resolve(str(value), one.folder, f"identity.keys.{name}")
        for name, value in (section.get("keys") or {}).items()
    }
    types = [_one_of(plugin, offer, IdentifierType) for plugin, offer in loaded.offers("unifier_identifiers")]
    return Rules(registry(section, types), keys, tuple(section.get("found") or ("profile", "order")), one.secret)


def _definitions(
    one: Project, loaded: Loaded, section: str, schema: Mapping[str, Any]
) -> tuple[list[Mapping[str, Any]], dict[Place, Any]]:
    """Put the project's definitions and those of plugins together, each with the place where it stands."""
    entries: list[Mapping[str, Any]] = list(one.config.data.get(section) or [])
    lines = dict(one.config.lines)
    for plugin, body in loaded.offers(f"unifier_{section}"):
        fault = next(iter(Draft202012Validator(schema["items"]).iter_errors(body)), None)
        if fault is not None:
            raise PluginError(plugin.label, f"its {section}: {fault.message}", "tell its author")
        number = len(entries) - len(one.config.data.get(section) or []) + 1
        lines[section, len(entries)] = (f"{plugin.label} {section}", number)
        entries.append(body)
    return entries, lines


def _targets(one: Project, loaded: Loaded) -> list[TargetConfig]:
    openers = {offer.scheme: offer for offer in _named(loaded, "unifier_targets", TargetKind, _OWN_SCHEMES).values()}
    targets = []
    for name, section in sorted(one.config.section("targets").items()):
        url = resolve(str(section["url"]), one.folder, f"targets.{name}.url")
        config = target_config(name, {**section, "url": url}, one.folder, one.secret)
        kind = openers.get(url.partition("://")[0])
        targets.append(replace(config, opener=kind.open) if kind else config)
    return targets


def _named(loaded: Loaded, hook: str, kind: type[_Offer], taken: Sequence[str] | frozenset[str]) -> dict[str, _Offer]:
    """Collect what plugins offer by name; raise PluginError where a name is taken."""
    found: dict[str, tuple[Plugin, _Offer]] = {}
    for plugin, item in loaded.offers(hook):
        offer = _one_of(plugin, item, kind)
        name = str(getattr(offer, "name", "") or getattr(offer, "scheme", ""))
        if name in taken or name in found:
            other = found[name][0].label if name in found else "unifier"
            raise PluginError(plugin.label, f"{hook} offers {name!r}, which is {other}'s", "rename it")
        found[name] = (plugin, offer)
    return {name: offer for name, (_, offer) in found.items()}


def _one_of(plugin: Plugin, offer: Any, kind: type[_Offer]) -> _Offer:
    if not isinstance(offer, kind):
        raise PluginError(plugin.label, f"it offers {type(offer).__name__}, where {kind.__name__} is due", "")
    return offer


def _described(name: str, body: Mapping[str, Any]) -> dict[str, Any]:
    told = {key: body.get(key) for key in ("description", "class", "owner")}
    return {"name": name, "title": body.get("title") or name, **told}
