"""Make sources ready to be read: find who reads them, check and resolve their settings, ask which streams they have.

No plugin is imported here. What it offers is learnt in a process of its own; a plugin that cannot be imported fails
its sources and nobody else's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any, Final

from unifier.app.opening import Project, check_zone, loaded
from unifier.app.sections import seconds
from unifier.app.settings import check_part, resolved
from unifier.config import Place, nearest
from unifier.errors import ConfigError, PluginError, UnifierError, UsageError
from unifier.plugins import Asked, Interview, Loaded, Plugin
from unifier.processes.process import Limits
from unifier.stages.extract import Source

_SIZE: Final = {"K": 1, "M": 2, "G": 3, "T": 4}


def sources(one: Project, loaded: Loaded, select: tuple[str, ...] = (), refetch: tuple[str, ...] = ()) -> list[Source]:
    """Make the configured sources ready, in the order of their names; raise UsageError for one that there is not.

    Raise ConfigError where settings are wrong, and PluginError where a plugin is not there, not allowed or refused. A
    source whose plugin cannot be imported has an ``error``.
    """
    section = one.config.section("sources")
    for option, names in (("--select", select), ("--refetch", refetch)):
        for name in names:
            if name not in section:
                raise UsageError(f"{option} {name}", "there is no such source", nearest(name, list(section)))
    return _ready(one, loaded, [name for name in sorted(section) if not select or name in select])


def one_source(one: Project, name: str) -> Source:
    """Make one configured source ready; raise UsageError if there is none of that name."""
    section = one.config.section("sources")
    if name not in section:
        raise UsageError(f"source {name}", "there is no such source", nearest(name, list(section)))
    (source,) = _ready(one, loaded(one), [name])
    return source


@dataclass(slots=True)
class _Desk:
    """The talks with the plugins of a project, each begun when it is needed."""

    one: Project
    here: Loaded
    stack: ExitStack
    talks: dict[str, Interview] = field(default_factory=dict)

    def talk(self, plugin: Plugin) -> Interview:
        """Begin to talk with a plugin, or go on."""
        if plugin.name not in self.talks:
            self.talks[plugin.name] = self.stack.enter_context(Interview(plugin, self.here.record, self.one.folder))
        return self.talks[plugin.name]

    def reader(self, connector: str, source: str) -> Interview:
        """Find who offers a connector: the plugin of that name, else the one of the others that does.

        Raise PluginError when nobody does, or two do. A plugin that cannot be imported is taken for the one that is
        meant if it bears the name, or if it is the only one that cannot tell.
        """
        shelf = self.here.shelf
        if connector in shelf.refused:
            shelf.take(connector)
        if connector in shelf.plugins:
            talk = self.talk(shelf.plugins[connector])
            if self._cannot_tell(talk) or connector in talk.description().connectors:
                return talk
        talks = [self.talk(plugin) for plugin in shelf.plugins.values() if plugin.name != connector]
        offering = [talk for talk in talks if connector in talk.description().connectors]
        if len(offering) > 1:
            both = " and ".join(talk.plugin.distribution for talk in offering)
            raise PluginError(f"connector {connector}", f"{both} offer it", "remove one of them")
        if offering:
            return offering[0]
        silent = [talk for talk in talks if self._cannot_tell(talk)]
        if len(silent) == 1:
            return silent[0]
        known = sorted({name for talk in self.talks.values() for name in talk.description().connectors})
        raise PluginError(
            f"source {source}", f"no installed plugin offers connector {connector!r}", nearest(connector, known)
        )

    def _cannot_tell(self, talk: Interview) -> bool:
        """Tell whether a plugin is broken; one that is refused ends the run, for only its owner can mend it."""
        described = talk.description()
        if described.fault and not described.broken:
            raise talk.error(described)
        return bool(described.fault)


def _ready(one: Project, here: Loaded, names: Sequence[str]) -> list[Source]:
    section = one.config.section("sources")
    made: list[Source] = []
    with ExitStack() as stack:
        desk = _Desk(one, here, stack)
        readers = {name: desk.reader(str(section[name]["connector"]), name) for name in names}
        made = [_source(one, readers[name], name, section[name]) for name in names]
        wrong: dict[str, UnifierError] = {}
        for talk in desk.talks.values():
            asked = [_asked(source) for source in made if readers[source.name] is talk and source.error is None]
            wrong |= talk.judge(asked)
    for source in made:
        error = wrong.get(source.name)
        if isinstance(error, ConfigError):
            place = one.config.where(("sources", source.name))
            raise ConfigError(place, f"source {source.name} {error.fault}", error.mend)
    return [replace(source, error=source.error or wrong.get(source.name)) for source in made]


def _source(one: Project, reader: Interview, name: str, settings: Mapping[str, Any]) -> Source:
    zone = str(settings.get("timezone", ""))
    if zone:
        check_zone(one.config, zone, ("sources", name, "timezone"))
    described = reader.description()
    error = reader.error(described) if described.fault else None
    given: dict[str, Any] = dict(settings)
    secrets: tuple[str, ...] = ()
    if error is None:
        given, secrets = _settings(one, described.connectors[settings["connector"]]["schema"], name, settings)
    return Source(
        name,
        settings["connector"],
        reader.plugin.told,
        one.folder,
        given.get("config") or {},
        given,
        zone,
        settings.get("max_errors") or {},
        _limits(one, settings),
        settings.get("max_vanish"),
        secrets,
        error=error,
    )


def _settings(
    one: Project, schema: Mapping[str, Any], name: str, settings: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Check and resolve the config of a source, or that of each of its streams."""
    given: dict[str, Any] = dict(settings)
    secrets: tuple[str, ...] = ()
    if "streams" in settings:
        given["streams"] = dict(settings["streams"])
    for part, place in _parts(name, settings):
        config = settings["streams"][part] if part else settings.get("config") or {}
        read, found = resolved(one.config, place, config, schema)
        check_part(one.config, place, read, schema)
        secrets += found
        if part:
            given["streams"][part] = read
        elif "config" in settings:
            given["config"] = read
    return given, secrets


def _parts(name: str, settings: Mapping[str, Any]) -> Iterator[tuple[str, Place]]:
    """Yield the parts of a source that the connector's schema governs, with their places."""
    if settings.get("streams"):
        for part in settings["streams"]:
            yield part, ("sources", name, "streams", part)
    else:
        yield "", ("sources", name, "config")


def _asked(source: Source) -> Asked:
    body = {
        "source": source.name,
        "connector": source.connector,
        "config": dict(source.config),
        "settings": dict(source.settings),
        "folder": str(source.folder.resolve()),
    }
    return Asked(source.name, body, source.secrets)


def _limits(one: Project, settings: Mapping[str, Any]) -> Limits:
    """Read the limits of a source; what it does not say is said for all of them, or by us."""
    given = {**(one.config.section("extract").get("limits") or {}), **(settings.get("limits") or {})}
    usual = Limits()
    return Limits(
        seconds(given["deadline"]) if "deadline" in given else usual.deadline,
        seconds(given["silence"]) if "silence" in given else usual.silence,
        _bytes(given["memory"]) if "memory" in given else usual.memory,
    )


def _bytes(text: str) -> int:
    """Read an amount of memory.

    >>> _bytes("1.5GB"), _bytes("64 MiB")
    (1500000000, 67108864)
    """
    count, unit, binary = re.fullmatch(r"([0-9.]+) ?([KMGT])(i?)B", text).groups()  # type: ignore[union-attr]
    return int(float(count) * (1024 if binary else 1000) ** _SIZE[unit])
