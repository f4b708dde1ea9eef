"""Open a project: its configuration, its plugins, its store. No verbs live here, and nothing is passed down."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from unifier import plugins, words
from unifier.config import Config, check, load, nearest, resolve
from unifier.errors import ConfigError, UsageError
from unifier.golden.survivorship import GOLDEN_SCHEMA, survivorship
from unifier.identifiers import registry
from unifier.segments import SEGMENTS_SCHEMA, SegmentPlan
from unifier.stages.extract import Source
from unifier.stages.segment import segment_plan
from unifier.stages.tag import tag_plan
from unifier.stages.unify import UnifyPlan
from unifier.store import Store, open_store
from unifier.store.lock import held
from unifier.store.rules import Rules
from unifier.tags import TAGS_SCHEMA, TagPlan
from unifier.warehouse import TARGETS_SCHEMA, TargetConfig, target_config

TEXT: Final = {"type": "string"}
LIST: Final = {"type": "array", "items": TEXT}

BUDGET: Final = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"count": {"type": "integer"}, "ratio": {"type": "number"}, "min_rows": {"type": "integer"}},
}

SOURCE_SCHEMA: Final = {
    "type": "object",
    "required": ["connector"],
    "additionalProperties": False,
    "properties": {
        "connector": TEXT,
        "config": {"type": "object"},
        "kind": {"enum": list(words.KINDS)},
        "streams": {
            "type": "object",
            "additionalProperties": False,
            "properties": {kind: {"type": "object"} for kind in words.KINDS},
        },
        "timezone": TEXT,
        "max_errors": BUDGET,
    },
}

CONFIG_SCHEMA: Final[dict[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "project": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"name": TEXT, "timezone": TEXT, "currency": TEXT, "store": TEXT},
        },
        "plugins": {"type": "object", "additionalProperties": False, "properties": {"allow": LIST}},
        "include": LIST,
        "sources": {"type": "object", "additionalProperties": SOURCE_SCHEMA},
        "extract": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "memory": {"type": "string", "pattern": "^[0-9]+([.][0-9]+)? ?[KMGT]i?B$"},
                "threads": {"type": "integer", "minimum": 1},
                "workers": {"type": "integer", "minimum": 1},
            },
        },
        "identity": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "engine": {"enum": ["auto", "networkx", "columnar"]},
                "found": {"type": "array", "items": {"enum": ["profile", *words.FACTS]}},
                "max_per_person": {"type": "object"},
                "generic_after": {"type": "object"},
                "recycle_after": {"type": "object"},
                "keys": {"type": "object", "additionalProperties": TEXT},
            },
        },
    },
}
"""What the sections mean that no room owns; golden, tags, segments and targets bring their own."""


@dataclass(frozen=True, slots=True)
class Project:
    """A project as configured: nothing of it is open."""

    config: Config
    name: str
    zone: str
    currency: str
    store_path: Path
    secret: bytes

    @property
    def folder(self) -> Path:
        """Folder of ``unifier.yaml``."""
        return self.config.folder


def schema() -> dict[str, Any]:
    """Put together the JSON Schema of ``unifier.yaml``."""
    properties = {
        **CONFIG_SCHEMA["properties"],
        "golden": GOLDEN_SCHEMA,
        "tags": TAGS_SCHEMA,
        "segments": SEGMENTS_SCHEMA,
        "targets": TARGETS_SCHEMA,
    }
    return {**CONFIG_SCHEMA, "properties": properties}


def project(path: Path) -> Project:
    """Read and check a project; raise ConfigError that lists every fault with its line."""
    config = load(path / "unifier.yaml" if path.is_dir() else path)
    check(config, schema())
    section = config.section("project")
    zone = str(section.get("timezone", "Asia/Shanghai"))
    _check_zone(config, zone, ("project", "timezone"))
    folder = config.folder / str(section.get("store", ".unifier"))
    return Project(
        config,
        str(section.get("name", config.folder.resolve().name)),
        zone,
        str(section.get("currency", "CNY")),
        folder / "store.duckdb",
        _key(folder),
    )


def _check_zone(config: Config, zone: str, place: tuple[str, ...]) -> None:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise ConfigError(
            config.where(place), f"{'.'.join(place)}: there is no time zone {zone!r}", "write one like Asia/Shanghai"
        ) from None


def _key(folder: Path) -> bytes:
    """Read the project key, or make one that only its owner can read."""
    given = os.environ.get("UNIFIER_KEY")
    if given:
        return given.encode()
    path = folder / "key"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as handle:
            handle.write(secrets.token_hex(32))
    return path.read_text(encoding="ascii").strip().encode()


@contextmanager
def opened(one: Project, *, dry: bool = False) -> Iterator[Store]:
    """Open the store for one run; raise LockedError when another holds it."""
    extract = one.config.section("extract")
    with held(one.store_path.parent):
        store = open_store(one.store_path, memory=extract.get("memory"), threads=extract.get("threads"), dry=dry)
        try:
            yield store
        finally:
            store.close()


def rules(one: Project, loaded: plugins.Loaded) -> Rules:
    """Put together the identifier rules of a project."""
    section = one.config.section("identity")
    keys = {
        name: resolve(str(value), one.folder, f"identity.keys.{name}")
        for name, value in (section.get("keys") or {}).items()
    }
    types = registry(section, loaded.identifiers)
    return Rules(types, keys, tuple(section.get("found") or ("profile", "order")), one.secret)


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


def plans(one: Project, loaded: plugins.Loaded) -> Plans:
    """Understand the whole configuration before anything runs; raise ConfigError at its first fault."""
    unify = unify_plan(one, loaded)
    lines = one.config.lines
    tags = tag_plan(one.config.data.get("tags") or [], lines, one.zone)
    segments = segment_plan(one.config.data.get("segments") or [], lines, tags, one.zone)
    targets = [
        target_config(
            name,
            {**section, "url": resolve(str(section["url"]), one.folder, f"targets.{name}.url")},
            one.folder,
            one.secret,
        )
        for name, section in sorted(one.config.section("targets").items())
    ]
    kinds = {tag.name: tag.compiled.type for tag in tags.tags}
    return Plans(
        unify.rules,
        unify,
        tags,
        segments,
        targets,
        [{**_described(tag.name, tag.body), "type": str(kinds[tag.name])} for tag in tags.tags],
        [_described(each.name, each.body) for each in segments.segments],
        int(one.config.section("extract").get("workers", 2)),
    )


def _described(name: str, body: Mapping[str, Any]) -> dict[str, Any]:
    told = {key: body.get(key) for key in ("description", "class", "owner")}
    return {"name": name, "title": body.get("title") or name, **told}


def unify_plan(one: Project, loaded: plugins.Loaded) -> UnifyPlan:
    """Put together what unify needs."""
    trust, fields = survivorship(one.config)
    engine = str(one.config.section("identity").get("engine", "auto"))
    return UnifyPlan(rules(one, loaded), trust, one.currency, one.zone, engine, fields)


def sources(
    one: Project, loaded: plugins.Loaded, select: tuple[str, ...] = (), refetch: tuple[str, ...] = ()
) -> list[Source]:
    """Make the configured sources ready, in the order of their names; raise UsageError for one that there is not."""
    section = one.config.section("sources")
    for option, names in (("--select", select), ("--refetch", refetch)):
        for name in names:
            if name not in section:
                raise UsageError(f"{option} {name}", "there is no such source", nearest(name, list(section)))
    return [_source(one, loaded, name, section[name]) for name in sorted(section) if not select or name in select]


def one_source(one: Project, name: str) -> Source:
    """Make one configured source ready; raise UsageError if there is none of that name."""
    section = one.config.section("sources")
    if name not in section:
        raise UsageError(f"source {name}", "there is no such source", nearest(name, list(section)))
    return _source(one, plugins.load(), name, section[name])


def _source(one: Project, loaded: plugins.Loaded, name: str, settings: Mapping[str, Any]) -> Source:
    kind, plugin = loaded.connector(settings["connector"], name)
    configs = settings.get("streams") or {"config": settings.get("config") or {}}
    for part, config in configs.items():
        place = ("sources", name, "streams", part) if "streams" in settings else ("sources", name, "config")
        _check_part(one.config, place, config, kind.config_schema)
    zone = str(settings.get("timezone", ""))
    if zone:
        _check_zone(one.config, zone, ("sources", name, "timezone"))
    connector = kind(settings.get("config") or {}, one.folder, settings)
    try:
        connector.streams()
    except ConfigError as error:
        raise ConfigError(one.config.where(("sources", name)), f"source {name} {error.fault}", error.mend) from None
    return Source(
        name,
        settings["connector"],
        {"name": plugin.name, "version": plugin.version, "entry": plugin.entry.module},
        one.folder,
        settings.get("config") or {},
        settings,
        zone,
        settings.get("max_errors") or {},
    )


def _check_part(
    config: Config, place: tuple[str, ...], data: Mapping[str, Any], part_schema: Mapping[str, Any]
) -> None:
    lines = {path[len(place) :]: spot for path, spot in config.lines.items() if path[: len(place)] == place}
    try:
        check(Config(config.path, data, {key: spot for key, spot in lines.items() if key} or {}), part_schema)
    except ConfigError as error:
        raise ConfigError(config.where(place), f"{'.'.join(place)} {error.fault}", error.mend) from None
