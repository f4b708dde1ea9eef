"""The doors, in the order of the data. A plugin fills the ones it needs; hooks offer or observe, never per record.

``settings`` is what ``plugins.use.NAME`` says in unifier.yaml, checked against the plugin's ``unifier_config_schema``.
A hook may leave out arguments that it does not need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

    import click

    from unifier.offers.connector import Connector
    from unifier.offers.definition import Definition
    from unifier.offers.identifier import IdentifierType
    from unifier.offers.survivorship import Survivorship
    from unifier.offers.target import TargetKind

hookspec = pluggy.HookspecMarker("unifier")
hookimpl = pluggy.HookimplMarker("unifier")


@hookspec
def unifier_connectors() -> Sequence[type[Connector]]:  # type: ignore[empty-body]
    """Return connector classes; called in processes of their own, when a source names one of them."""


@hookspec
def unifier_identifiers(settings: Mapping[str, Any]) -> Sequence[IdentifierType]:  # type: ignore[empty-body]
    """Return identifier types beside those of the core; called once before anything is read."""


@hookspec
def unifier_survivorship(settings: Mapping[str, Any]) -> Sequence[Survivorship]:  # type: ignore[empty-body]
    """Return rules that ``golden.fields.FIELD.rule`` can name; called once before anything is read."""


@hookspec
def unifier_tags(settings: Mapping[str, Any]) -> Sequence[Definition]:  # type: ignore[empty-body]
    """Return tags, each a mapping with the keys that an entry of ``tags:`` has; they join those of the project."""


@hookspec
def unifier_segments(settings: Mapping[str, Any]) -> Sequence[Definition]:  # type: ignore[empty-body]
    """Return segments, each a mapping with the keys that an entry of ``segments:`` has; they join the project's."""


@hookspec
def unifier_targets(settings: Mapping[str, Any]) -> Sequence[TargetKind]:  # type: ignore[empty-body]
    """Return kinds of target: the scheme of a URL, and what opens one."""


@hookspec
def unifier_commands(settings: Mapping[str, Any]) -> Sequence[click.Command]:  # type: ignore[empty-body]
    """Return click commands for ``unifier x NAME``; entry points of group ``unifier.commands`` list their names.

    The object of the click context is the path of the project; ``settings`` is empty.
    """


@hookspec
def unifier_stage_finished(report: Mapping[str, Any], settings: Mapping[str, Any], folder: Path) -> None:
    """Hear that a stage is done.

    ``report`` has run_no, as_of (a day in ISO 8601), stage, seconds, touched, inserted, updated, deleted; ``folder``
    is the project's. What an observer raises becomes a warning that names it, and changes nothing.
    """


@hookspec
def unifier_run_finished(run: Mapping[str, Any], settings: Mapping[str, Any], folder: Path) -> None:
    """Hear that a run is done: ``run`` is what ``unifier run --json`` prints, and ``error`` when it failed, else None."""
