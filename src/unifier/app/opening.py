"""Open a project: its configuration, its plugins, its store."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unifier import plugins
from unifier.app.sections import schema
from unifier.app.settings import check_part, resolved
from unifier.config import Config, check, load
from unifier.errors import ConfigError
from unifier.plugins import Description, Loaded, Record
from unifier.store import Store, open_store
from unifier.store.lock import held


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


def project(path: Path) -> Project:
    """Read and check a project; raise ConfigError that lists every fault with its line."""
    config = load(path / "unifier.yaml" if path.is_dir() else path)
    check(config, schema())
    section = config.section("project")
    zone = str(section.get("timezone", "Asia/Shanghai"))
    check_zone(config, zone, ("project", "timezone"))
    folder = config.folder / str(section.get("store", ".unifier"))
    return Project(
        config,
        str(section.get("name", config.folder.resolve().name)),
        zone,
        str(section.get("currency", "CNY")),
        folder / "store.duckdb",
        _key(folder),
    )


def check_zone(config: Config, zone: str, place: tuple[str, ...]) -> None:
    """Raise ConfigError, with the line, where there is no such time zone."""
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


def record(one: Project) -> Record:
    """Open what is remembered of plugins, beside the store."""
    return Record(one.store_path.parent / "plugins.json", one.secret)


def shelf(one: Project) -> plugins.Shelf:
    """List the plugins that a project may use, without importing one; raise PluginError for one that it may not."""
    return plugins.shelf(one.config.section("plugins"), one.folder)


def loaded(one: Project) -> Loaded:
    """Import the plugins that ``plugins.use`` names; raise PluginError, or ConfigError for their settings."""
    use = one.config.section("plugins").get("use") or {}

    def judge(name: str, described: Description) -> Mapping[str, Any]:
        place = ("plugins", "use", name)
        settings, _ = resolved(one.config, place, use[name] or {}, described.schema)
        check_part(one.config, place, settings, described.schema)
        return settings

    return plugins.load(shelf(one), use, record(one), one.folder, judge)
