"""The doors, in the order of the data. A plugin fills the ones it needs; hooks register, they never see a record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unifier.offers.connector import Connector
    from unifier.offers.identifier import IdentifierType

hookspec = pluggy.HookspecMarker("unifier")
hookimpl = pluggy.HookimplMarker("unifier")


@hookspec
def unifier_connectors() -> Sequence[type[Connector]]:  # type: ignore[empty-body]
    """Return connector classes; called once when a configured source needs one."""


@hookspec
def unifier_identifiers() -> Sequence[IdentifierType]:  # type: ignore[empty-body]
    """Return identifier types beside the built-in ones; called once before anything is read."""
