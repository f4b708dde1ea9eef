"""Import the plugins that ``plugins.use`` names, each isolated, and ask them for what they offer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pluggy

from unifier.errors import ConfigError, PluginError, UnifierError
from unifier.plugins.doors import imported, registered
from unifier.plugins.interview import Interview
from unifier.plugins.record import Description, Record
from unifier.plugins.shelf import Plugin, Shelf, shelf
from unifier.plugins.trace import trace, traced
from unifier.redaction import told_safely

Judge = Callable[[str, Description], Mapping[str, Any]]
"""Checks what ``plugins.use`` says of a plugin against its schema, and returns it with references resolved."""


@dataclass(frozen=True, slots=True)
class Live:
    """A plugin that was imported here, with its settings."""

    plugin: Plugin
    manager: pluggy.PluginManager
    settings: Mapping[str, Any] = field(default_factory=dict)

    def call(self, hook: str, **more: Any) -> list[Any]:
        """Call one of its hooks and join the answers; raise PluginError, naming the plugin, for whatever it raises."""
        try:
            answers = getattr(self.manager.hook, hook)(settings=self.settings, **more)
            return [item for answer in answers for item in (answer or ())]
        except ConfigError as error:
            raise ConfigError(f"plugins.use.{self.plugin.name}", error.fault, error.mend) from None
        except UnifierError as error:
            raise PluginError(self.plugin.label, f"{error.subject} {error.fault}", error.mend) from None
        except (Exception, SystemExit) as error:
            raise PluginError(self.plugin.label, f"{hook} raised {told_safely(error)}", "tell its author") from error


@dataclass(frozen=True, slots=True)
class Loaded:
    """The plugins of a run: those on the shelf, what is remembered of them, and those that were imported."""

    shelf: Shelf = field(default_factory=shelf)
    record: Record = field(default_factory=Record)
    live: tuple[Live, ...] = ()

    def offers(self, hook: str) -> Iterator[tuple[Plugin, Any]]:
        """Yield what the plugins offer at a door, in the order of their names."""
        for one in self.live:
            for item in one.call(hook):
                yield one.plugin, item

    def observe(self, hook: str, folder: Path, **facts: Mapping[str, Any]) -> list[str]:
        """Tell the observers; return a warning for each that raised, which changes nothing."""
        warnings = []
        for one in self.live:
            try:
                one.call(hook, folder=folder, **deepcopy(facts))
            except UnifierError as error:
                warnings.append(str(error))
        return warnings


def load(here: Shelf, use: Mapping[str, Any], record: Record, folder: Path, judge: Judge) -> Loaded:
    """Look at the plugins that are used, then import them, in the order of their names.

    Raise PluginError for one that is not there, not allowed or cannot be used; then none of them was called.
    """
    plugins = [here.take(name) for name in sorted(use)]
    settings = {}
    for plugin in plugins:
        settings[plugin.name] = judge(plugin.name, _looked_at(plugin, record, folder))
    return Loaded(here, record, tuple(_import(plugin, settings[plugin.name]) for plugin in plugins))


def load_one(here: Shelf, name: str, record: Record, folder: Path) -> Live:
    """Import one plugin, after it has been looked at, for a command of its own."""
    plugin = here.take(name)
    _looked_at(plugin, record, folder)
    return _import(plugin, {})


def _looked_at(plugin: Plugin, record: Record, folder: Path) -> Description:
    with Interview(plugin, record, folder) as talk:
        described = talk.description()
        if described.fault:
            raise talk.error(described)
    if set(described.doors) <= {"unifier_connectors"}:
        raise PluginError(plugin.label, "it offers connectors only", "name them in sources; drop it from plugins.use")
    return described


def _import(plugin: Plugin, settings: Mapping[str, Any]) -> Live:
    begun = time.perf_counter()
    try:
        manager = registered(imported(plugin.told), plugin.name)
    except PluginError as error:
        raise PluginError(plugin.label, error.fault, error.mend) from None
    except (Exception, SystemExit) as error:
        fault = f"{plugin.distribution} cannot be imported: {told_safely(error)}"
        raise PluginError(plugin.label, fault, "mend, reinstall or remove it") from error
    trace("import", plugin.name, time.perf_counter() - begun)
    traced(manager, plugin.name)
    return Live(plugin, manager, settings)
