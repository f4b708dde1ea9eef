"""The commands about what was refused."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.group()
def quarantine() -> None:
    """List what was refused; release or discard what a source landed while it was held."""


@quarantine.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_(project: Path, as_json: bool) -> None:
    """List refused records, grouped by source, kind and reason."""
    from unifier import app
    from unifier.actions.refused import refused
    from unifier.cli.look import _table

    rows = refused(app.project(project).store_path)
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, default=str))
    elif rows:
        _table("quarantine", rows)
    else:
        click.echo("nothing is quarantined or held")


@quarantine.command()
@click.argument("source")
@click.pass_obj
def release(project: Path, source: str) -> None:
    """Let the next run settle what SOURCE landed while it was held."""
    from unifier import app
    from unifier.actions.refused import decide

    click.echo(f"{decide(app.project(project), source, keep=True):,} records of {source} will settle at the next run")


@quarantine.command()
@click.argument("source")
@click.pass_obj
def discard(project: Path, source: str) -> None:
    """Throw away what SOURCE landed while it was held; the ledger keeps the count."""
    from unifier import app
    from unifier.actions.refused import decide

    click.echo(f"{decide(app.project(project), source, keep=False):,} records of {source} were thrown away")
