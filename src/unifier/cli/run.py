"""The commands that run stages."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from unifier.words import STAGES

if TYPE_CHECKING:
    from rich.console import Console

    from unifier.actions.run import RunReport


def _day(ctx: click.Context, option: click.Parameter, value: str | None) -> date | None:
    del ctx, option
    if value is None:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a day; write it like 2026-06-30") from None


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what all commands that run stages take."""
    for option in (
        click.option(
            "--as-of", callback=_day, metavar="DATE", help="The day tags and segments are true for; today if absent."
        ),
        click.option("--dry-run", is_flag=True, help="Plan and count, write nothing."),
        click.option("--rebuild", is_flag=True, help="Recompute all that is derived; ledger, ids and decisions stay."),
        click.option("--json", "as_json", is_flag=True, help="Print JSON lines, also on a terminal."),
    ):
        command = option(command)
    return click.pass_obj(command)


def _extracting(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--select", multiple=True, metavar="SOURCE", help="Read only this source; may be repeated."),
        click.option(
            "--refetch", multiple=True, metavar="SOURCE", help="Forget the bookmarks of this source and read it again."
        ),
    ):
        command = option(command)
    return command


@click.command()
@click.argument("stages", nargs=-1, type=click.Choice(STAGES), metavar="[STAGE]...")
@_extracting
@_options
def run(project: Path, stages: tuple[str, ...], **wishes: Any) -> int:
    """Bring everything up to date: extract, unify, tag, segment, publish.

    \b
    unifier run                         all of it
    unifier run extract unify           two stages
    unifier run --dry-run               what would change
    unifier run --as-of 2026-06-30      tags and segments as of a day

    A run that was killed is safe to repeat. It never sends anything to a customer.
    """
    return _run(project, stages or STAGES, **wishes)


@click.command()
@_extracting
@_options
def extract(project: Path, **wishes: Any) -> int:
    """Read the sources; land and settle what they say."""
    return _run(project, ("extract",), **wishes)


@click.command()
@_options
def unify(project: Path, **wishes: Any) -> int:
    """Find out who is who; make golden records, consent, contacts and sales."""
    return _run(project, ("unify",), **wishes)


@click.command()
@_options
def tag(project: Path, **wishes: Any) -> int:
    """Compute the tags of everybody whose data or whose day has changed."""
    return _run(project, ("tag",), **wishes)


@click.command()
@_options
def segment(project: Path, **wishes: Any) -> int:
    """Compute segments, and who entered or left and why."""
    return _run(project, ("segment",), **wishes)


@click.command()
@_options
def publish(project: Path, **wishes: Any) -> int:
    """Write what has changed to every target."""
    return _run(project, ("publish",), **wishes)


def _run(  # noqa: PLR0913, PLR0917 - the options of a command
    project: Path,
    stages: tuple[str, ...],
    as_of: date | None,
    dry_run: bool,
    rebuild: bool,
    as_json: bool,
    select: tuple[str, ...] = (),
    refetch: tuple[str, ...] = (),
) -> int:
    from unifier import app
    from unifier.actions.run import Wish, run
    from unifier.cli.progress import teller

    human = sys.stdout.isatty() and not as_json
    report = run(app.project(project), Wish(stages, as_of, dry_run, rebuild, select, refetch), teller(human=human))
    if human or not as_json:
        summary(report)
    else:
        from unifier.actions.run import told

        click.echo(json.dumps(told(report), ensure_ascii=False, default=str))
    return report.exit_code


_MOST_DRIFT: Final = 10
"""Lines of drift that a summary shows."""


def summary(report: RunReport) -> None:
    """Print the table at the end of a run."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, width=None if sys.stdout.isatty() else 100)
    if sys.stdout.isatty():
        click.echo("\r\033[K", nl=False, err=True)
    title = f"run {report.run_no} as of {report.as_of}" + (" (dry run: nothing was written)" if report.dry else "")
    if report.sources:
        table = Table(title=title, title_justify="left")
        table.add_column("source")
        for name in ("read", "landed", "quarantined"):
            table.add_column(name, justify="right")
        table.add_column("outcome")
        for each in report.sources:
            table.add_row(each.source, f"{each.read:,}", f"{each.landed:,}", f"{each.quarantined:,}", each.outcome)
        console.print(table)
    table = Table(title=None if report.sources else title, title_justify="left")
    table.add_column("stage")
    table.add_column("seconds", justify="right")
    table.add_column("touched", justify="right")
    table.add_column("written", justify="right")
    for name, (seconds, changes) in report.stages.items():
        written = changes.inserted + changes.updated + changes.deleted
        table.add_row(name, f"{seconds:.1f}", f"{changes.touched:,}", f"{written:,}")
    console.print(table)
    if report.figures:
        console.print(" · ".join(f"{name} {count:,}" for name, count in report.figures.items()))
    _troubles(console, report)


def _troubles(console: Console, report: RunReport) -> None:
    """Print what became of targets, and what went wrong."""
    for target in report.targets:
        console.print(f"target {target.name}: " + ("published" if target.is_published else str(target.error)))
    for field in report.drift[:_MOST_DRIFT]:
        change = {"new": "is new", "gone": "is gone"}.get(
            field["drift"], f"{field['drift']} {field['before']} → {field['now']}"
        )
        console.print(
            f"drift {field['source']} {field['kind']} {field['field']}: {change}", style="yellow", markup=False
        )
    if len(report.drift) > _MOST_DRIFT:
        console.print(f"and {len(report.drift) - _MOST_DRIFT} more; see --json", style="yellow")
    for warning in report.warnings:
        console.print(f"warning: {warning}", style="yellow", markup=False)
    for each in report.sources:
        if each.error:
            console.print(f"[bold]{each.source}[/bold]: {each.error}", style="red")
