"""The commands about what was refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click


@click.group()
def quarantine() -> None:
    """Look at what was refused, read it again, and decide about sources that are held.

    \b
    unifier quarantine list                   reasons, with counts and when they were first seen
    unifier quarantine show crm               the newest refused records of crm, masked
    unifier quarantine replay crm             read them again, with the plugin as it is now
    """


@quarantine.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_(project: Path, as_json: bool) -> None:
    """List refused records, grouped by source, kind and reason, and what sources hold back."""
    from unifier import app
    from unifier.actions.refused import refused
    from unifier.cli.look import _table

    rows = refused(app.project(project).store_path)
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, default=str))
    elif rows:
        _table("quarantine", [{**row, "first_seen": f"{row['first_seen']:%Y-%m-%d %H:%M}"} for row in rows])
    else:
        click.echo("nothing is quarantined or held")


@quarantine.command()
@click.argument("source")
@click.option("--reason", default="", metavar="TEXT", help="Only those whose reason holds TEXT.")
@click.option("--limit", default=10, show_default=True, type=click.IntRange(1, 10_000), help="So many, newest first.")
@click.option("--reveal", is_flag=True, help="Show payloads as they are; the store notes who looked.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def show(project: Path, source: str, reason: str, limit: int, reveal: bool, as_json: bool) -> None:
    """Show refused records of SOURCE with their payload, masked."""
    from unifier import app
    from unifier.actions.refused import Look, look

    rows = look(app.project(project), Look(source, reason, limit, reveal))
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, default=str))
        return
    for row in rows:
        place = f"{row['origin']} row {row['row']}".strip()
        click.echo(f"{row['number']} · {row['kind']} · {place} · {row['reason']} · {row['plugin']} · run {row['run']}")
        click.echo("    " + json.dumps(row["payload"], ensure_ascii=False, default=str))
    if not rows:
        click.echo(f"nothing of {source} is quarantined" + (" for that reason" if reason else ""))


@quarantine.command()
@click.argument("source", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def replay(project: Path, source: tuple[str, ...], as_json: bool) -> int:
    """Read what was refused of SOURCE (all sources if absent) again, with the plugins as they are now.

    What keeps the contract now is settled at once; the rest is quarantined anew, with its present reason. What could not
    even be read, such as a line that is no JSON, stays: deliver it again. `unifier run` then brings the rest up to date.
    """
    from unifier import app
    from unifier.actions.run import Wish, run, told
    from unifier.cli.progress import teller
    from unifier.cli.run import summary

    human = sys.stdout.isatty() and not as_json
    wish = Wish(stages=("extract",), select=source, replay=True)
    report = run(app.project(project), wish, teller(human=human))
    if as_json:
        click.echo(json.dumps(told(report), ensure_ascii=False, default=str))
    else:
        summary(report)
    return report.exit_code


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
