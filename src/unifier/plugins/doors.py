"""Import one plugin and see which doors it fills; every plugin has a pluggy manager of its own."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import inspect
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pluggy

from unifier import hookspecs
from unifier.config import nearest
from unifier.errors import PluginError
from unifier.offers.connector import Connector

API: Final = 1
"""The version of the doors. A plugin says ``unifier_api = 1``, or nothing."""
HOOKS: Final = tuple(name for name in vars(hookspecs) if name.startswith("unifier_"))
"""Names of all doors, in the order of the data."""


def imported(plugin: Mapping[str, str]) -> Any:
    """Import a plugin, given by ``entry`` or ``file`` and ``name``; raises whatever the plugin raises."""
    if "file" in plugin:
        return _from_file(Path(plugin["file"]))
    return importlib.metadata.EntryPoint(plugin["name"], plugin["entry"], "unifier").load()


def registered(module: Any, name: str) -> pluggy.PluginManager:
    """Put a plugin behind its doors; raise PluginError when it speaks another version or fills a door we do not have."""
    api = getattr(module, "unifier_api", API)
    if api != API:
        raise PluginError(
            f"plugin {name}", f"it is made for version {api!r} of the doors, here is {API}", "install one that fits"
        )
    manager = pluggy.PluginManager("unifier")
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(module, name)
    except pluggy.PluginValidationError as error:
        raise PluginError(f"plugin {name}", str(error).splitlines()[-1].strip(), "see docs/plugins.md") from None
    try:
        manager.check_pending()
    except pluggy.PluginValidationError:
        unknown = next(one.name for one in manager.get_hookcallers(module) or () if one.name not in HOOKS)
        raise PluginError(f"plugin {name}", f"there is no hook {unknown}", nearest(unknown, HOOKS)) from None
    if not doors(manager, module):
        raise PluginError(f"plugin {name}", *_no_door(module))
    return manager


def doors(manager: pluggy.PluginManager, module: Any) -> tuple[str, ...]:
    """Name the doors that a registered plugin fills, in the order of the data."""
    filled = {caller.name for caller in manager.get_hookcallers(module) or ()}
    return tuple(name for name in HOOKS if name in filled)


def connectors(manager: pluggy.PluginManager, name: str) -> dict[str, type[Connector]]:
    """Ask a plugin for its connectors, by name; raise PluginError for what is none."""
    offered: dict[str, type[Connector]] = {}
    for answer in manager.hook.unifier_connectors():
        for one in answer:
            if not (inspect.isclass(one) and issubclass(one, Connector) and one.name):
                raise PluginError(
                    f"plugin {name}", f"{one!r} is no connector", "return subclasses of Connector with a name"
                )
            if one.name in offered:
                raise PluginError(f"plugin {name}", f"it offers connector {one.name!r} twice", "rename one")
            offered[one.name] = one
    return offered


def connector_of(plugin: Mapping[str, str], name: str) -> type[Connector]:
    """Import the one plugin that a source needs and find its connector; called in the process of the source.

    ``plugin`` has ``entry``, as an entry point is written, or ``file``, the path of a local plugin. Raises what the
    plugin raises when it is imported, and PluginError when it offers no such connector.
    """
    offered = connectors(registered(imported(plugin), plugin["name"]), plugin["name"])
    if name not in offered:
        raise PluginError(f"plugin {plugin['name']}", f"it offers no connector {name!r}", nearest(name, list(offered)))
    return offered[name]


def _no_door(module: Any) -> tuple[str, str]:
    """Say what a plugin that fills no door forgot."""
    plain = [name for name in HOOKS if callable(getattr(module, name, None))]
    if plain:
        return f"{plain[0]} is not marked as a hook", "write @hookimpl above it"
    return "it fills no door", "see docs/plugins.md"


def _from_file(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"unifier_local_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise PluginError(str(path.name), "it is no Python file", "plugins.files lists files that end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
