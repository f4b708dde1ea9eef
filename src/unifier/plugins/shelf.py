"""List the plugins of a project without importing one: what is installed, local files, and what may be used."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from unifier.config import nearest
from unifier.errors import PluginError

GROUP: Final = "unifier"
"""Entry points of this group are plugins."""
COMMAND_GROUP: Final = "unifier.commands"
"""Entry points of this group name the commands of plugins, so that they are listed without an import."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin that is there: ``entry`` as an entry point writes it (``module`` or ``module:name``), or a local file."""

    name: str
    distribution: str
    version: str = ""
    entry: str = ""
    file: Path | None = None

    @property
    def label(self) -> str:
        """Name the plugin in a message.

        >>> Plugin("rfm", "unifier-rfm", "0.1.0").label
        'plugin rfm 0.1.0'
        """
        return f"plugin {self.name} {self.version}".strip()

    @property
    def told(self) -> dict[str, str]:
        """Say where it is, as the process of a source is told."""
        place = {"file": str(self.file)} if self.file else {"entry": self.entry}
        return {"name": self.name, "version": self.version, **place}

    @property
    def print(self) -> str:
        """Tell one state of it from another: distribution, version, size and time of every file of its module.

        Editable installs and local files change without a new version.
        """
        files = [self.file] if self.file else sorted(_files(self.entry.partition(":")[0]))
        stats = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files if path.exists()]
        return repr((self.distribution, self.version, self.entry, stats))


@dataclass(frozen=True, slots=True)
class Shelf:
    """The plugins that a project may use, by name; ``refused`` says of others why not."""

    plugins: Mapping[str, Plugin]
    refused: Mapping[str, str]

    def take(self, name: str) -> Plugin:
        """Hand out a plugin; raise PluginError when it is not there or not allowed."""
        if name in self.plugins:
            return self.plugins[name]
        if name in self.refused:
            raise PluginError(f"plugin {name}", self.refused[name], "name it in plugins.allow of unifier.yaml")
        mend = nearest(name, list(self.plugins)) if self.plugins else ""
        raise PluginError(f"plugin {name}", "it is not installed", mend or f"pip install unifier-{name}")


def found() -> list[Plugin]:
    """List what is installed, sorted by name and distribution; two may share a name."""
    plugins = {}
    for entry in importlib.metadata.entry_points(group=GROUP):
        distribution, version = (entry.dist.name, entry.dist.version) if entry.dist else ("unknown", "0")
        plugins[entry.name, distribution] = Plugin(entry.name, distribution, version, entry.value)
    return [plugins[key] for key in sorted(plugins)]


def commands() -> dict[str, str]:
    """Map the commands that plugins have to the entry of their plugin; raise PluginError when two share a name."""
    entries: dict[str, importlib.metadata.EntryPoint] = {}
    for entry in importlib.metadata.entry_points(group=COMMAND_GROUP):
        if entry.name in entries and entries[entry.name].value != entry.value:
            raise _twice("command", entry.name, entries[entry.name].value, entry.value)
        entries[entry.name] = entry
    return {name: entries[name].value for name in sorted(entries)}


def shelf(section: Mapping[str, Any] | None = None, folder: Path = Path()) -> Shelf:
    """Put together what the ``plugins`` section of a project in ``folder`` allows; nothing is imported.

    Raise PluginError for an allowed plugin that is not installed, for a local file that is not there, and where two
    allowed plugins share a name.
    """
    section = section or {}
    allow = section.get("allow")
    allowed = None if allow is None else {str(name).removeprefix("unifier-") for name in allow}
    plugins: dict[str, Plugin] = {}
    refused: dict[str, str] = {}
    installed = found()
    for plugin in installed:
        if allowed is not None and plugin.name not in allowed:
            refused[plugin.name] = f"{plugin.distribution} is not on the list of allowed plugins"
        else:
            _put(plugins, plugin)
    for name in sorted(allowed or ()):
        if name not in plugins:
            mend = nearest(name, [plugin.name for plugin in installed]) or f"pip install unifier-{name}"
            raise PluginError(f"plugin {name}", "it is not installed", mend)
    for plugin in local(section.get("files") or (), folder):
        _put(plugins, plugin)
    return Shelf(dict(sorted(plugins.items())), refused)


def local(files: Sequence[str], folder: Path) -> Iterator[Plugin]:
    """List the local files that are plugins; a file that the configuration names is allowed thereby."""
    for name in files:
        path = folder / name
        if path.suffix != ".py" or not path.is_file():
            raise PluginError(f"plugins.files {name}", "there is no such Python file", "list files that end in .py")
        yield Plugin(path.stem, name, file=path.resolve())


def _put(plugins: dict[str, Plugin], plugin: Plugin) -> None:
    if plugin.name in plugins:
        raise _twice("plugin", plugin.name, plugins[plugin.name].distribution, plugin.distribution)
    plugins[plugin.name] = plugin


def _twice(what: str, name: str, one: str, other: str) -> PluginError:
    return PluginError(f"{what} {name}", f"both {one} and {other} offer it", "remove one of them")


def _files(module: str) -> Iterator[Path]:
    """Find the files of a module by its top package, which is located and not imported."""
    top, *below = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return
    if spec is None:
        return
    if not spec.submodule_search_locations:
        if spec.origin:
            yield Path(spec.origin)
        return
    for location in spec.submodule_search_locations:
        inner = Path(location, *below)
        if inner.is_dir():
            yield from inner.rglob("*.py")
        elif (file := inner.with_suffix(".py")).is_file():
            yield file
