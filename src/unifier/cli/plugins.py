"""The commands about plugins: what is there; what authors need stands in a module of its own."""

from __future__ import annotations

import json
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from unifier.plugins import Plugin, Record

AUTHORS: Final = "unifier.cli.authors"
"""The module of the commands ``new`` and ``certify``."""
_FOR_AUTHORS: Final = {"new": "new", "certify": "certify"}


class _Plugins(click.Group):
    """A group that lists commands for authors where their module is there, and imports it when one is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the commands."""
        own = super().list_commands(ctx)
        return [*own, *_FOR_AUTHORS] if find_spec(AUTHORS) else own

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Find a command."""
        if cmd_name in _FOR_AUTHORS and find_spec(AUTHORS):
            command: click.Command = getattr(import_module(AUTHORS), _FOR_AUTHORS[cmd_name])
            return command
        return super().get_command(ctx, cmd_name)


@click.group(cls=_Plugins, invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def plugins(ctx: click.Context, as_json: bool) -> None:
    """List plugins: name, distribution, version, doors, state and why, and the seconds that an import takes.

    \b
    ok       the configuration uses it
    unused   it could be used: name its connector in sources, or the plugin in plugins.use
    refused  it is not on the list of allowed plugins, shares its name, or was made for other doors
    broken   it cannot be imported

    Without a unifier.yaml it lists what is installed. A plugin is imported in a process of its own to look at it, one
    that is not allowed never.
    """
    if ctx.invoked_subcommand is None:
        _list(ctx.obj, as_json=as_json)


@plugins.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_(project: Path, as_json: bool) -> None:
    """List plugins; the same as `unifier plugins`."""
    _list(project, as_json=as_json)


def _list(project: Path, *, as_json: bool) -> None:
    rows = _rows(project)
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
    elif rows:
        from unifier.cli.look import _table

        _table("plugins", [{**row, "doors": [door.removeprefix("unifier_") for door in row["doors"]]} for row in rows])
    else:
        click.echo("no plugin is installed; try `pip install unifier-files`")


def _rows(project: Path) -> list[dict[str, Any]]:
    """Look at every plugin that may be looked at."""
    from unifier import app
    from unifier.plugins import Record, found
    from unifier.plugins.shelf import local

    config = project / "unifier.yaml" if project.is_dir() else project
    one = app.project(project) if config.is_file() else None
    section = one.config.section("plugins") if one else {}
    everything = [*found(), *local(section.get("files") or (), one.folder if one else Path())]
    allow = section.get("allow")
    allowed = None if allow is None else {str(name).removeprefix("unifier-") for name in allow}
    connectors = {str(each["connector"]) for each in one.config.section("sources").values()} if one else set()
    used = set(section.get("use") or {})
    record = app.record(one) if one else Record()
    rows = []
    for plugin in everything:
        others = [each.distribution for each in everything if each.name == plugin.name and each != plugin]
        row: dict[str, Any] = {
            "name": plugin.name,
            "distribution": plugin.distribution,
            "version": plugin.version,
            "doors": [],
        }
        row |= {"state": "refused", "why": "", "seconds": None}
        if plugin.file is None and allowed is not None and plugin.name not in allowed:
            row["why"] = "it is not on the list of allowed plugins"
        elif others:
            row["why"] = f"{' and '.join(others)} has the same name"
        else:
            row |= _looked_at(plugin, record, one.folder if one else Path(), used, connectors)
        rows.append(row)
    return rows


def _looked_at(plugin: Plugin, record: Record, folder: Path, used: set[str], connectors: set[str]) -> dict[str, Any]:
    from unifier.plugins import Interview

    with Interview(plugin, record, folder) as talk:
        described = talk.description()
    if described.fault:
        why = " — ".join(part for part in (described.fault, described.mend) if part)
        return {"state": "broken" if described.broken else "refused", "why": why}
    is_used = plugin.name in used or bool(connectors & set(described.connectors))
    return {
        "doors": list(described.doors),
        "state": "ok" if is_used else "unused",
        "seconds": round(described.seconds, 3),
    }
