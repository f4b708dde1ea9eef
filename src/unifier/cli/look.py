"""The commands that look: status, explain, evaluate."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from unifier.actions.evaluate import Evaluation
    from unifier.actions.explain import Explanation


def _table(title: str, rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    table = Table(title=title, title_justify="left", title_style="bold")
    for name in rows[0]:
        table.add_column(name.replace("_", " "))
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    console.print(table)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, list):
        return "\n".join(map(str, value))
    return f"{value:%Y-%m-%d}" if hasattr(value, "strftime") else str(value)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def status(project: Path, as_json: bool) -> None:
    """Show the last run, or the one that is running now.

    It reads run.json and never the store, so it works while a run holds the store.
    """
    from unifier import app
    from unifier.errors import StoreError
    from unifier.store import runfile

    opened = app.project(project)
    facts = runfile.read(opened.store_path.parent)
    if facts is None:
        raise StoreError(opened.name, "it was never run", "run `unifier run`")
    facts = {**facts, "state": _alive(facts)}
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False))
        return
    click.echo(f"run {facts['run_no']} as of {facts['as_of']}: {facts['state']}, stage {facts['stage'] or '-'}")
    click.echo(
        f"started {facts['started'][:19]}, last sign of life {facts['heartbeat'][:19]} UTC, process {facts['pid']}"
    )
    for source, read in facts["sources"].items():
        click.echo(f"  {source}: {read:,} read")
    if facts.get("figures"):
        click.echo(" · ".join(f"{name} {count:,}" for name, count in facts["figures"].items()))
    if facts.get("error"):
        click.echo(facts["error"])


def _alive(facts: dict[str, Any]) -> str:
    """Tell a running process from one that died without a word."""
    import os

    if facts["state"] != "running":
        return str(facts["state"])
    try:
        os.kill(int(facts["pid"]), 0)
    except ProcessLookupError:
        return "killed; run again to go on"
    except PermissionError:
        pass
    return "running"


@click.command()
@click.argument("who", metavar="A")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def explain(project: Path, who: str, as_json: bool) -> None:
    """Show why records are one person, and where each golden field came from.

    A is a OneID, a record (source/record_id) or a value such as a phone number. Identifying values are masked.

    \b
    unifier explain crm/C000123
    unifier explain 19900000001
    """
    from dataclasses import asdict

    from unifier import app
    from unifier.actions.explain import explain as explained

    told = explained(app.project(project).store_path, who)
    if as_json:
        click.echo(json.dumps(asdict(told), ensure_ascii=False, default=str))
    else:
        _show(told)


def _short(row: dict[str, Any]) -> dict[str, Any]:
    """Fold type with scope and the two dates, so that a row fits a screen."""
    short = {"type": row["type"] + (f"@{row['scope']}" if row["scope"] else "")}
    short |= {name: value for name, value in row.items() if name not in {"type", "scope", "first_at", "last_at"}}
    if "first_at" in row:
        short["seen"] = f"{row['first_at']:%Y-%m-%d} to {row['last_at']:%Y-%m-%d}"
    return short


def _show(told: Explanation) -> None:
    click.echo(f"person {told.one_id}: {told.state}")
    for title, rows in (
        ("golden record", told.golden),
        ("records", told.records),
        ("links", [_short(row) for row in told.links]),
        ("refused links", [_short(row) for row in told.refused]),
        ("contacts", told.contacts),
        ("lineage", told.lineage),
    ):
        if rows:
            _table(title, rows)


@click.command()
@click.option(
    "--truth",
    required=True,
    type=click.Path(path_type=Path),
    help="CSV or Parquet: source, record_id, entity, perhaps kind.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def evaluate(project: Path, truth: Path, as_json: bool) -> None:
    """Compare persons with known truth: pairwise and B-cubed precision, recall, F1, clusters, causes."""
    from unifier import app
    from unifier.actions.evaluate import evaluate as evaluated

    found = evaluated(app.project(project).store_path, truth)
    if as_json:
        click.echo(json.dumps(found.told(), ensure_ascii=False))
    else:
        _judge(found)


def _judge(found: Evaluation) -> None:
    told = found.told()
    causes = told.pop("causes")
    _table(
        "evaluation",
        [{"figure": name.replace("_", " "), "value": value} for name, value in told.items() if value is not None],
    )
    if causes:
        _table("records in wrong or missed pairs, by planted cause", causes)
