"""Find what is installed, and load only what the configuration names.

Entry points of group ``unifier`` are read without importing anything. A plugin is imported when a source, or the
list of allowed plugins, asks for it; a plugin that cannot be imported is named, and nobody else is harmed.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pluggy

from unifier import hookspecs
from unifier.config import nearest
from unifier.errors import PluginError
from unifier.offers.connector import Connector
from unifier.offers.identifier import IdentifierType

GROUP = "unifier"


@dataclass(frozen=True, slots=True)
class Installed:
    """A plugin that is installed: its entry point and where it comes from."""

    name: str
    distribution: str
    version: str
    entry: importlib.metadata.EntryPoint


def installed() -> dict[str, Installed]:
    """List installed plugins by name, without importing them; raise PluginError when two share a name."""
    found: dict[str, Installed] = {}
    for entry in sorted(importlib.metadata.entry_points(group=GROUP), key=lambda entry: entry.name):
        distribution = entry.dist.name if entry.dist else "unknown"
        version = entry.dist.version if entry.dist else "0"
        if entry.name in found and found[entry.name].distribution != distribution:
            raise PluginError(
                f"plugin {entry.name}",
                f"both {found[entry.name].distribution} and {distribution} offer it",
                "uninstall one of them",
            )
        found[entry.name] = Installed(entry.name, distribution, version, entry)
    return found


@dataclass(frozen=True, slots=True)
class Loaded:
    """The plugins of a run: one pluggy manager, and what each connector came from."""

    manager: pluggy.PluginManager
    connectors: Mapping[str, tuple[type[Connector], Installed]]
    identifiers: tuple[IdentifierType, ...]

    def connector(self, name: str, source: str) -> tuple[type[Connector], Installed]:
        """Find a connector; raise PluginError that suggests the nearest name."""
        if name not in self.connectors:
            raise PluginError(
                f"source {source}",
                f"no installed plugin offers connector {name!r}",
                nearest(name, list(self.connectors)),
            )
        return self.connectors[name]


def load(names: Iterable[str] | None = None) -> Loaded:
    """Import the named plugins, or all of them; raise PluginError that names the one that cannot be used."""
    manager = pluggy.PluginManager("unifier")
    manager.add_hookspecs(hookspecs)
    everything = installed()
    wanted = sorted(everything if names is None else names)
    connectors: dict[str, tuple[type[Connector], Installed]] = {}
    identifiers: list[IdentifierType] = []
    for name in wanted:
        if name not in everything:
            raise PluginError(
                f"plugin {name}",
                "it is not installed",
                nearest(name, list(everything)) or f"pip install unifier-{name}",
            )
        plugin = everything[name]
        try:
            module = plugin.entry.load()
            manager.register(module, name)
        except Exception as error:
            raise PluginError(
                f"plugin {name}",
                f"{plugin.distribution} {plugin.version} cannot be imported ({type(error).__name__}: {error})",
                "reinstall or remove it",
            ) from error
        single = pluggy.PluginManager("unifier")
        single.add_hookspecs(hookspecs)
        single.register(module, name)
        for connector in _flat(single.hook.unifier_connectors()):
            connectors[connector.name] = (connector, plugin)
        identifiers.extend(_flat(single.hook.unifier_identifiers()))
    manager.check_pending()
    return Loaded(manager, connectors, tuple(identifiers))


def _flat(answers: list[list]) -> list:  # type: ignore[type-arg]
    return [item for answer in answers for item in answer]


def connector_of(plugin: Mapping[str, str], name: str) -> type[Connector]:
    """Import the one plugin that a source needs and find its connector; called in the process of the source.

    ``plugin`` has ``entry``, the module of an entry point, or ``file``, the path of a local plugin. Raises what the
    plugin raises when it is imported, and PluginError when it offers no such connector.
    """
    module = importlib.import_module(plugin["entry"]) if "entry" in plugin else _from_file(Path(plugin["file"]))
    offered: dict[str, type[Connector]] = {
        connector.name: connector for connector in getattr(module, "unifier_connectors", list)()
    }
    if name not in offered:
        raise PluginError(f"plugin {plugin['name']}", f"it offers no connector {name!r}", nearest(name, list(offered)))
    return offered[name]


def _from_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"unifier_local_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise PluginError(str(path.name), "it is no Python file", "plugins.files lists files that end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
