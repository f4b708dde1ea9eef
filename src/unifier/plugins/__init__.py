"""Find what is installed, look at it from outside, and load only what the configuration names.

Entry points of group ``unifier`` are read without importing anything. What a plugin offers is learnt in a process of
its own (:mod:`unifier.plugins.interview`): importing it may crash, hang or leave. Only plugins that ``plugins.use``
names are ever imported here, after they have been looked at.
"""

from unifier.plugins.doors import connector_of
from unifier.plugins.interview import Asked, Interview
from unifier.plugins.loaded import Live, Loaded, load, load_one
from unifier.plugins.record import Description, Record
from unifier.plugins.shelf import COMMAND_GROUP, GROUP, Plugin, Shelf, found, shelf

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
