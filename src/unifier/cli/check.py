"""The command that checks a project before it runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from unifier.actions.check import Threshold


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def check(project: Path, as_json: bool) -> int:
    """Check unifier.yaml, plugins, sources and targets, and propose thresholds; nothing is read and nothing written.

    Exit code 0: all is well; 1: a source or target cannot be reached; 3: the configuration is wrong; 4: a plugin cannot
    be used.

    \b
    unifier check                before the first run, and after every change of unifier.yaml
    """
    from unifier import app
    from unifier.actions.check import reach, thresholds, told

    one = app.project(project)
    reached, proposals = reach(one), thresholds(one)
    if as_json:
        click.echo(json.dumps(told(reached, proposals), ensure_ascii=False))
    else:
        click.echo(f"{one.config.path.name}: understood")
        for each in reached:
            click.echo(f"{each.what} {each.name}: {each.error or 'ok'}")
        _print(proposals)
    return 1 if any(each.error for each in reached) else 0


def _print(proposals: list[Threshold]) -> None:
    """Say where a shared value stops to be a family's; only types that names share."""
    shared = [one for one in proposals if len(one.by_names) > 1]
    if not shared:
        return
    from unifier.cli.look import _table

    rows = [
        {
            "type": one.type,
            "values by names (1, 2, …)": " ".join(f"{count:,}" for count in one.by_names[:8])
            + (" …" if len(one.by_names) > 8 else ""),  # noqa: PLR2004 - as many as a line holds
            "generic after": one.present,
            "values above": one.above,
            "proposed": one.proposed,
            "would be above": one.above_proposed,
        }
        for one in shared
    ]
    _table("identity.generic_after, names", rows)
