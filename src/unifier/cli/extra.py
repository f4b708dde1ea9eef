"""The commands that plugins bring, under ``unifier x NAME``: listed by their entry points, imported when called."""

from __future__ import annotations

from pathlib import Path

import click


class _Extra(click.Group):
    """A group of plugins' commands."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the names that entry points of group ``unifier.commands`` have; nothing is imported."""
        del ctx
        from unifier.plugins.shelf import commands

        return list(commands())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the plugin of a command, if the project allows it."""
        from unifier.plugins.shelf import commands

        entry = commands().get(cmd_name)
        return None if entry is None else _command(ctx.obj, cmd_name, entry)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the names with the module that each comes from."""
        from unifier.plugins.shelf import commands

        rows = [(name, f"of {entry}") for name, entry in commands().items()]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)
        del ctx


@click.group(cls=_Extra, invoke_without_command=True)
@click.pass_context
def x(ctx: click.Context) -> None:
    """Run a command that a plugin brings.

    \b
    unifier x                list the commands of installed plugins
    unifier x rfm --help     what one of them does
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def _command(project: Path, name: str, entry: str) -> click.Command:
    """Ask a plugin for its command; raise PluginError when it is not allowed, cannot be used, or has none."""
    from unifier import app
    from unifier.errors import PluginError
    from unifier.plugins import Record, load_one, shelf

    config = project / "unifier.yaml" if project.is_dir() else project
    one = app.project(project) if config.is_file() else None
    here = app.shelf(one) if one else shelf()
    owner = next((plugin.name for plugin in here.plugins.values() if plugin.entry == entry), None)
    if owner is None:
        raise PluginError(
            f"command {name}", f"its plugin {entry} is not allowed or not registered", "see plugins.allow"
        )
    live = load_one(here, owner, app.record(one) if one else Record(), one.folder if one else Path())
    found: dict[str, click.Command] = {str(command.name): command for command in live.call("unifier_commands")}
    if name not in found:
        raise PluginError(live.plugin.label, f"it has no command {name!r}", "tell its author")
    return found[name]
