"""Gather the commands and catch errors once, at the top."""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any, Final, NoReturn

import click

from unifier import __version__
from unifier.errors import UnifierError

COMMANDS: Final = {
    "init": "unifier.cli.project",
    "check": "unifier.cli.check",
    "try": "unifier.cli.attempt",
    "run": "unifier.cli.run",
    "extract": "unifier.cli.run",
    "unify": "unifier.cli.run",
    "tag": "unifier.cli.run",
    "segment": "unifier.cli.run",
    "publish": "unifier.cli.run",
    "status": "unifier.cli.look",
    "explain": "unifier.cli.look",
    "evaluate": "unifier.cli.look",
    "quarantine": "unifier.cli.quarantine",
    "plugins": "unifier.cli.plugins",
    "x": "unifier.cli.extra",
    "sample": "unifier.cli.project",
    "schema": "unifier.cli.project",
}
"""Where each command is defined: listed without importing anything."""


_NAMES: Final = {"try": "try_"}
"""Where a command is a word of Python, what its function is called."""


class Lazy(click.Group):
    """A group that imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the commands in the order of the work."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(COMMANDS[cmd_name]), _NAMES.get(cmd_name, cmd_name))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one line per command from the table below, so that help is quick."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))


SUMMARIES: Final = {
    "init": "Make a project; --demo fills it with a small invented world.",
    "check": "Check unifier.yaml, plugins, sources and targets, and propose thresholds.",
    "try": "Read the first records of a source and check them; nothing is stored.",
    "run": "Extract, unify, tag, segment and publish.",
    "extract": "Read the sources and settle what they say.",
    "unify": "Find out who is who; make golden records.",
    "tag": "Compute tags.",
    "segment": "Compute segments and who entered or left.",
    "publish": "Write the targets.",
    "status": "Show the last or present run, also while it is running.",
    "explain": "Show a person: records, links, and where each golden field came from.",
    "evaluate": "Compare persons with known truth.",
    "quarantine": "List, release or discard what was refused.",
    "plugins": "List plugins: where they come from, which doors they fill, what was refused and why.",
    "x": "Run a command that a plugin brings.",
    "sample": "Generate an invented world of customers, with the truth about it.",
    "schema": "Print a JSON Schema: of a kind of record, or of unifier.yaml.",
}


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="unifier")
@click.option(
    "--project",
    "-p",
    type=click.Path(path_type=Path),
    default=Path(),
    show_default="this folder",
    help="Folder of unifier.yaml, or the file itself.",
)
@click.pass_context
def cli(ctx: click.Context, project: Path) -> None:
    """Make one person of what many systems know.

    \b
    unifier init --demo      make a project with an invented world
    unifier run              bring everything up to date
    unifier explain A        why these records are one person

    Exit codes: 0 all done · 1 done, but a source or target failed · 2 usage · 3 configuration or newer store ·
    4 plugin · 70 internal error · 75 try again later · 130, 143 stopped by a signal.
    """
    ctx.obj = project


def main() -> NoReturn:
    """Run a command and leave with the exit code that says who must act."""
    signal.signal(signal.SIGTERM, _stopped)
    signal.signal(signal.SIGINT, _stopped)
    try:
        code: Any = cli.main(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except (click.exceptions.Abort, KeyboardInterrupt):
        _leave(signal.SIGINT)
    except SystemExit:
        _leave_if_stopped()
        raise
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except UnifierError as error:
        _leave_if_stopped()
        _say(str(error))
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:  # noqa: BLE001 - the one place that catches everything
        _leave_if_stopped()
        sys.exit(_internal(error))


def _internal(error: Exception) -> int:
    """Tell full disks from bugs; a traceback only where it helps us, and never with data in it."""
    text = str(error).splitlines()[0] if str(error) else ""
    if "Could not set lock" in text:
        _say("the store: a run holds it — wait for it, or see `unifier status`")
        return 75
    if text.startswith("Out of Memory"):
        _say(
            "the machine: not enough memory for this step — raise extract.memory in unifier.yaml; nothing is half-written"
        )
        return 75
    if isinstance(error, OSError) or "No space left" in text or "could not write" in text.lower():
        _say(f"the machine: {text[:200]} — mend it and run again; nothing is half-written")
        return 75
    _say(f"internal error: {type(error).__name__} — please report it; UNIFIER_TRACE=1 shows where")
    if os.environ.get("UNIFIER_TRACE"):
        import traceback

        traceback.print_exc()
    return 70


_signals: list[int] = []
"""Signals that came. DuckDB turns what a handler raises during a query into an error of its own."""


def _stopped(number: int, frame: FrameType | None) -> NoReturn:
    del frame
    _signals.append(number)
    if len(_signals) > 1:
        os._exit(128 + number)  # asked twice: whatever runs is killed with this process, and nothing is half-written
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)


def _leave_if_stopped() -> None:
    """Leave with the signal's exit code when an error is only the echo of a signal."""
    if _signals:
        _leave(_signals[0])


def _leave(number: int) -> NoReturn:
    _say(f"stopped by {signal.Signals(number).name}; what was committed stays, run again to go on")
    sys.exit(128 + number)


def _say(text: str) -> None:
    click.echo(text, err=True)
