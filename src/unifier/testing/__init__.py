"""Prove a plugin: tests that a connector's test class inherits, and an emulator that speaks real HTTP.

Needs pytest (``pip install 'unifier[testing]'``); importing this package does not import it until a name is asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unifier.testing.connector import ConnectorTests
    from unifier.testing.emulator import Answer, Asked, Emulator
    from unifier.testing.identifier import IdentifierTests

__all__ = ["Answer", "Asked", "ConnectorTests", "Emulator", "IdentifierTests"]

_HOMES = {
    "Answer": "unifier.testing.emulator",
    "Asked": "unifier.testing.emulator",
    "ConnectorTests": "unifier.testing.connector",
    "Emulator": "unifier.testing.emulator",
    "IdentifierTests": "unifier.testing.identifier",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'unifier.testing' has no attribute {name!r}")
