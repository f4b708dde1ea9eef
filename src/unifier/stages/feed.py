"""Read sources side by side: a process each, a few at a time, and one writer that hears what they say.

A process waits while the writer is behind: it may write a batch only where the writer gives it a place.
"""

from __future__ import annotations

import subprocess
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from unifier.errors import PluginError, UnifierError, made_again
from unifier.processes.process import Limits, Process, Watch, start

READER: Final = "unifier.stages.reader"
_PATIENCE: Final = 0.1
"""Seconds between two looks for something new to start."""
_AFTERWARDS: Final = 5.0
"""Seconds that a process may take to leave when it has said that it is done."""


@dataclass(frozen=True, slots=True)
class Job:
    """What the process of a source is told; ``body`` is JSON."""

    source: str
    plugin: str
    body: dict[str, Any]
    limits: Limits


@dataclass(frozen=True, slots=True)
class Told:
    """Something that the process of a source says; ``failed`` bears the error, ``ended`` nothing."""

    source: str
    word: str
    body: dict[str, Any]
    columns: pa.Table | None
    process: Process
    error: UnifierError | None = None

    def answer(self, body: dict[str, Any]) -> None:
        """Answer; a process that has died in between is heard of at the next look."""
        with suppress(OSError, ValueError):
            self.process.pipe.send("answer", body)


@contextmanager
def side_by_side(jobs: Sequence[Job], workers: int, project: Path, *, echo: bool = False) -> Iterator[Iterator[Told]]:
    """Start a process for each job, ``workers`` at a time; yield what they say, each in its own order.

    The last word of each is ``ended`` or ``failed``. Leaving the block stops all that still run.
    """
    watch = Watch()
    running: dict[Any, tuple[Job, Process]] = {}
    try:
        yield _arriving(deque(jobs), workers, project, watch, running, echo)
    finally:
        for _, process in running.values():
            process.stop()
        watch.close()


def _arriving(
    waiting: deque[Job],
    workers: int,
    project: Path,
    watch: Watch,
    running: dict[Any, tuple[Job, Process]],
    echo: bool,
) -> Iterator[Told]:
    """Yield what comes until all jobs have ended."""
    while waiting or running:
        while waiting and len(running) < workers:
            job = waiting.popleft()
            process = start(job.source, READER, job.limits, project, echo=echo)
            running[process.pipe.incoming] = (job, process)
            watch.processes.append(process)
            with suppress(OSError):
                process.pipe.send("job", job.body)
        for pipe in wait(list(running), _PATIENCE):
            job, process = running[pipe]
            told = _heard(job, process)
            if told.word in {"ended", "failed"}:
                del running[pipe]
                watch.processes.remove(process)
                _let_go(process)
            process.waits = True
            yield told
            process.waits = False
            process.heard()


def _heard(job: Job, process: Process) -> Told:
    """Take the next word of a process; its death is one too."""
    try:
        body, columns = process.pipe.receive()
    except (OSError, ValueError, pa.ArrowInvalid):
        error = PluginError(job.plugin, process.gone(_AFTERWARDS), f"`unifier try {job.source}` shows more")
        return Told(job.source, "failed", {}, None, process, error)
    if body["word"] == "failed":
        return Told(job.source, "failed", body, None, process, made_again(body))
    return Told(job.source, body["word"], body, columns, process)


def _let_go(process: Process) -> None:
    """Let a process that is done leave, or end it."""
    with suppress(subprocess.TimeoutExpired):
        process.popen.wait(_AFTERWARDS)
    process.sweep()
