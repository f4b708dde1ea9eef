"""Make one person of what many systems know: records to OneIDs, golden records, tags and segments.

Importing this package is light; it hands on the names an author of plugins needs.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unifier.hookspecs import hookimpl
    from unifier.offers.connector import Checkpoint, Chunk, Connector, Reject, Stream, stream
    from unifier.offers.definition import Definition
    from unifier.offers.identifier import IdentifierType
    from unifier.offers.survivorship import Survivorship
    from unifier.offers.target import Delta, Session, Target, TargetKind
    from unifier.relations import Changes

__all__ = [
    "Changes",
    "Checkpoint",
    "Chunk",
    "Connector",
    "Definition",
    "Delta",
    "IdentifierType",
    "Reject",
    "Session",
    "Stream",
    "Survivorship",
    "Target",
    "TargetKind",
    "__version__",
    "hookimpl",
    "stream",
]
__version__ = "0.1.0"

_HOMES = {
    "hookimpl": "unifier.hookspecs",
    "Checkpoint": "unifier.offers.connector",
    "Chunk": "unifier.offers.connector",
    "Connector": "unifier.offers.connector",
    "Reject": "unifier.offers.connector",
    "Stream": "unifier.offers.connector",
    "stream": "unifier.offers.connector",
    "IdentifierType": "unifier.offers.identifier",
    "Definition": "unifier.offers.definition",
    "Survivorship": "unifier.offers.survivorship",
    "Delta": "unifier.offers.target",
    "Session": "unifier.offers.target",
    "Target": "unifier.offers.target",
    "TargetKind": "unifier.offers.target",
    "Changes": "unifier.relations",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'unifier' has no attribute {name!r}")
