"""Tell how a run is getting on: a living line on a terminal, JSON lines elsewhere (see ``schemas/run_events.json``)."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from typing import Any

import click

Tell = Callable[[dict[str, Any]], None]


def teller(*, human: bool) -> Tell:
    """Choose how events are told, on standard error."""
    return Terminal().tell if human else _as_json


def _as_json(event: dict[str, Any]) -> None:
    click.echo(json.dumps(event, ensure_ascii=False), err=True)


class Terminal:
    """One line that lives: the stage, and for each source being read how many records, how fast, how many refused.

    A source that has ended leaves a line behind if something is wrong with it, and so does a warning.
    """

    def __init__(self, width: int | None = None) -> None:
        self.width = width or shutil.get_terminal_size().columns
        self.stage = ""
        self.sources: dict[str, dict[str, Any]] = {}
        self.begun: dict[str, float] = {}

    def tell(self, event: dict[str, Any]) -> None:
        """Take in an event and write the line anew."""
        kind = event["event"]
        if kind == "stage":
            self.stage, self.sources = event["stage"], {}
        elif kind == "progress":
            self.begun.setdefault(event["source"], time.monotonic())
            self.sources[event["source"]] = event
        elif kind == "source":
            self.sources.pop(event["source"], None)
            if event["error"] or event["outcome"] != "settled":
                self._keep(f"{event['source']}: {event['outcome']}, {event['read']:,} read")
        elif kind == "warning":
            self._keep(f"warning: {event['warning']}")
        self._write(self.line())

    def line(self) -> str:
        """Write the present line, cut to the width of the terminal."""
        told = " · ".join(self._told(event) for event in self.sources.values())
        line = f"{self.stage} … {told}".rstrip()
        return line if len(line) < self.width else f"{line[: self.width - 2]}…"

    def _told(self, event: dict[str, Any]) -> str:
        seconds = max(time.monotonic() - self.begun[event["source"]], 1.0)
        refused = f", {event['quarantined']:,} quarantined" if event["quarantined"] else ""
        return f"{event['source']} {event['read']:,} ({event['read'] / seconds:,.0f}/s{refused})"

    def _keep(self, text: str) -> None:
        click.echo(f"\r\033[K{text}", err=True)

    def _write(self, text: str) -> None:
        click.echo(f"\r\033[K{text}", nl=False, err=True)
