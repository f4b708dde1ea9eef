"""How a run tells what it is doing: lines for programs follow their schema, the line for people fits the terminal."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from bad_input.project import Shop

from unifier.cli.progress import Terminal
from unifier.contract.kinds import document


def test_every_line_of_a_run_follows_the_schema_of_events(shop: Shop) -> None:
    """A scheduler can rely on them; the last line is the whole report."""
    ran = shop.call("run", "--refetch", "till", "--json")
    validator = jsonschema.Draft202012Validator(document("run_events"))
    lines = [json.loads(line) for line in (ran.err + ran.out).splitlines() if line.startswith("{")]

    assert {line["event"] for line in lines} >= {"stage", "source", "run"}
    for line in lines:
        assert list(validator.iter_errors(line)) == [], line


def test_the_schema_of_events_is_printed(shop: Shop) -> None:
    """It is found by the command that prints all schemas."""
    assert json.loads(shop.call("schema", "events").out) == document("run_events")


def progress(source: str, read: int, quarantined: int = 0) -> dict[str, Any]:
    """Write an event."""
    return {"event": "progress", "source": source, "read": read, "quarantined": quarantined}


def test_the_living_line_shows_each_source_with_what_was_read_and_refused() -> None:
    """Two sources are read side by side; one that has ended leaves the line."""
    terminal = Terminal(width=100)
    terminal.tell({"event": "stage", "stage": "extract"})
    terminal.tell(progress("crm", 12_000))
    terminal.tell(progress("till", 500, 3))

    assert terminal.line().startswith("extract … crm 12,000 (")
    assert "till 500 (" in terminal.line()
    assert "/s, 3 quarantined)" in terminal.line()
    terminal.tell(
        {"event": "source", "source": "crm", "read": 12_000, "quarantined": 0, "outcome": "settled", "error": None}
    )
    assert "crm" not in terminal.line()


def test_the_living_line_never_wraps(capsys: pytest.CaptureFixture[str]) -> None:
    """A line that wraps cannot be written over."""
    terminal = Terminal(width=40)
    terminal.tell({"event": "stage", "stage": "extract"})
    for number in range(9):
        terminal.tell(progress(f"source{number}", 1_000_000))

    assert len(terminal.line()) < 40
    capsys.readouterr()


def test_a_source_that_failed_leaves_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """It must not be overwritten by what comes next."""
    terminal = Terminal(width=80)
    terminal.tell(
        {"event": "source", "source": "crm", "read": 7, "quarantined": 0, "outcome": "failed", "error": "crm: no"}
    )

    assert "crm: failed, 7 read\n" in capsys.readouterr().err
