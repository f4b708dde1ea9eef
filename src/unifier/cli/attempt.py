"""The command that tries a source."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from unifier.actions.attempt import Attempt, Attempts


@click.command("try")
@click.argument("source")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 10_000), help="Rows of each stream.")
@click.option("--reveal", is_flag=True, help="Show values as they are, not masked.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def try_(project: Path, source: str, limit: int, reveal: bool, as_json: bool) -> int:
    """Read the first records of SOURCE, check them against the contract, and print records and faults.

    Nothing is stored and no bookmark moves. Streams that take what they read out of the system are left alone. What the
    plugin prints appears on standard error.

    \b
    unifier try crm              the first 20 records of each stream, masked
    unifier try crm --limit 200  more of them
    """
    from unifier import app
    from unifier.actions.attempt import attempt

    one = app.project(project)
    found = attempt(one, app.one_source(one, source), limit)
    if as_json:
        click.echo(json.dumps(_told(found, reveal=reveal), ensure_ascii=False, default=str))
    else:
        _print(found, reveal=reveal)
    return 1 if found.error or any(stream.faults for stream in found.streams) else 0


def _told(found: Attempts, *, reveal: bool) -> dict[str, Any]:
    """Put what was found into plain data."""
    return {
        "source": found.source,
        "error": str(found.error) if found.error else None,
        "streams": [
            {
                "stream": stream.stream,
                "kind": stream.kind,
                "consumes": stream.consumes,
                "records": [_shown(record, reveal=reveal) for record in stream.records],
                "faults": [{**fault, "raw": _payload(fault["raw"], reveal=reveal)} for fault in stream.faults],
            }
            for stream in found.streams
        ],
    }


def _shown(record: dict[str, Any], *, reveal: bool) -> dict[str, Any]:
    """Leave out what a record does not tell, and mask the rest."""
    from unifier.privacy import shown

    told = {key: value for key, value in record.items() if value not in (None, [], {}, False)}
    return told if reveal else dict(shown(told))


def _payload(raw: str | None, *, reveal: bool) -> Any:
    """Show what was refused."""
    from unifier.privacy import shown

    try:
        payload = json.loads(raw or "null")
    except ValueError:
        payload = raw
    return payload if reveal else shown(payload)


def _print(found: Attempts, *, reveal: bool) -> None:
    """Print records line by line, faults with their places, and a line that says how it went."""
    for stream in found.streams:
        if stream.consumes:
            click.echo(
                f"{stream.stream} ({stream.kind}): it takes what it reads out of the system, so it was not tried"
            )
            continue
        click.echo(f"{stream.stream} ({stream.kind}): {len(stream.records)} records, {len(stream.faults)} refused")
        for record in stream.records:
            click.echo("  " + json.dumps(_shown(record, reveal=reveal), ensure_ascii=False, default=str))
        for fault in stream.faults:
            _print_fault(stream, fault, reveal=reveal)
    if found.trace:
        click.echo(found.trace, err=True)
    if found.error:
        click.echo(click.style(f"{found.source}: {found.error}", fg="red" if sys.stdout.isatty() else None))
    elif not found.streams or not any(stream.records or stream.faults or stream.consumes for stream in found.streams):
        click.echo(f"{found.source}: it yields nothing")


def _print_fault(stream: Attempt, fault: dict[str, Any], *, reveal: bool) -> None:
    row = fault["record_id"] if reveal and fault["record_id"] else f"row {fault['row_no']}"
    click.echo(f"  refused {stream.kind} {row}: {fault['reason']} ({fault['rule']} {fault['pointer']})")
    click.echo("    " + json.dumps(_payload(fault["raw"], reveal=reveal), ensure_ascii=False, default=str))
