"""Find what is installed, look at it from outside, and load only what the configuration names.

Entry points of group ``unifier`` are read without importing anything. What a plugin offers is learnt in a process of
its own (:mod:`unifier.plugins.interview`): importing it may crash, hang or leave. Only plugins that ``plugins.use``
names are ever imported here, after they have been looked at. Importing this package is light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from unifier.plugins.shelf import COMMAND_GROUP, GROUP, Plugin, Shelf, found, shelf

if TYPE_CHECKING:
    from unifier.plugins.doors import connector_of
    from unifier.plugins.interview import Asked, Interview
    from unifier.plugins.loaded import Live, Loaded, load, load_one
    from unifier.plugins.record import Description, Record

__all__ = [
    "COMMAND_GROUP",
    "GROUP",
    "Asked",
    "Description",
    "Interview",
    "Live",
    "Loaded",
    "Plugin",
    "Record",
    "Shelf",
    "connector_of",
    "found",
    "load",
    "load_one",
    "shelf",
]

_HOMES: Final = {
    "doors": ("connector_of",),
    "interview": ("Asked", "Interview"),
    "loaded": ("Live", "Loaded", "load", "load_one"),
    "record": ("Description", "Record"),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"unifier.plugins.{home}"), name)
    raise AttributeError(f"module 'unifier.plugins' has no attribute {name!r}")
