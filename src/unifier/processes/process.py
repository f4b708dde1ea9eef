"""Keep the process of a source within bounds: its memory, its time, its children; nothing of it outlives the run."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from unifier.processes.pipe import Pipe

MARK: Final = "UNIFIER_SOURCE_OF"
"""Environment variable that every process of a source inherits; what still bears it after the end is removed."""
_KEPT: Final = (
    "PATH",
    "PYTHONPATH",
    "SYSTEMROOT",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
)
"""What a process of a source learns of the environment of the run: where things are, and how to reach the network."""
_LOOK: Final = 0.05
"""Seconds between two looks at the memory of a process."""
_LOOK_AROUND: Final = 0.25
"""Seconds between two looks at its children."""
_GRACE: Final = 2.0
"""Seconds between the request to stop and the end."""
MOST_PROCESSES: Final = 64
_FOLDER: Final = "unifier-source-"
"""What the folder of a process is called, before the number of its run's process."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a source may take: seconds in all, seconds without a sign of life, bytes of memory with its children."""

    deadline: float = 6 * 3600.0
    silence: float = 600.0
    memory: int = 1_500_000_000


@dataclass(slots=True)
class Process:
    """A process of a source with its two pipes; what it prints is read, so that it does not wait, and forgotten."""

    name: str
    limits: Limits
    popen: subprocess.Popen[bytes]
    pipe: Pipe
    folder: Path
    mark: str
    started: float = field(default_factory=time.monotonic)
    alive: float = field(default_factory=time.monotonic)
    waits: bool = False
    verdict: str = ""
    _thread: threading.Thread | None = None

    def heard(self) -> None:
        """Note a sign of life."""
        self.alive = time.monotonic()

    def kill(self, why: str = "") -> None:
        """End the process and all that it started, at once; the first reason stands."""
        self.verdict = self.verdict or why
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.popen.pid, signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to stop, wait a little, end it, and sweep up after it."""
        if self.popen.poll() is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.popen.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.popen.wait(_GRACE)
        self.sweep()

    def sweep(self) -> None:
        """Remove whatever is left of it: processes in its group, those that left it, its folder."""
        self.kill()
        self.popen.wait()
        for left in _marked(self.mark.__eq__):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(left, signal.SIGKILL)
        if self._thread:
            self._thread.join(_GRACE)
        self.pipe.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def ended(self) -> str:
        """Say how it ended, for a process that did not say so itself."""
        if self.verdict:
            return self.verdict
        code = self.popen.wait()
        if code < 0:
            return f"its process was ended by {signal.Signals(-code).name}"
        return f"its process left with exit code {code} before it had finished"

    def gone(self, patience: float) -> str:
        """Say how a process ended that speaks no more; one that has only closed its pipe is ended after so many seconds."""
        with suppress(subprocess.TimeoutExpired):
            self.popen.wait(patience)
        if self.popen.poll() is None:
            self.kill("its process has closed the pipe and goes on")
        return self.ended()


def start(name: str, module: str, limits: Limits, project: Path, *, echo: bool = False) -> Process:
    """Start ``python -m module IN OUT`` in a session, a folder and an environment of its own.

    With ``echo`` what it prints goes to our standard error, where an author looks for it.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"{_FOLDER}{os.getpid()}-"))
    there, out = os.pipe()
    back, answer = os.pipe()
    mark = f"{project.resolve()}:{os.getpid()}:{name}"
    environment = {key: os.environ[key] for key in _KEPT if key in os.environ}
    environment |= {"HOME": str(folder), "TMPDIR": str(folder), "LANG": "C.UTF-8", "TZ": "UTC", MARK: mark}
    environment |= {"PYTHONUNBUFFERED": "1", "PYTHONFAULTHANDLER": ""}
    try:
        popen = subprocess.Popen(
            [sys.executable, "-P", "-m", module, str(there), str(answer)],
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr.fileno() if echo else subprocess.PIPE,
            stderr=None if echo else subprocess.STDOUT,
            cwd=folder,
            env=environment,
            pass_fds=(there, answer),
            start_new_session=True,
        )
    finally:
        os.close(there)
        os.close(answer)
    process = Process(name, limits, popen, Pipe.of(back, out), folder, mark)
    if popen.stdout is not None:
        process._thread = threading.Thread(target=_drain, args=(popen.stdout,), daemon=True)  # noqa: SLF001
        process._thread.start()  # noqa: SLF001
    return process


def _drain(stream: Any) -> None:
    with stream:
        while stream.read1(65_536):
            pass


class Watch:
    """Look at the processes of a run while it is busy, and end those that break their limits."""

    def __init__(self) -> None:
        self.processes: list[Process] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True, name="watch")
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        around = 0.0
        while not self._ended.wait(_LOOK):
            now = time.monotonic()
            wide = now - around >= _LOOK_AROUND
            around = now if wide else around
            for process in list(self.processes):
                if process.popen.poll() is None and not process.verdict:
                    why = _broken(process, now, wide=wide)
                    if why:
                        process.kill(why)


def _broken(process: Process, now: float, *, wide: bool) -> str:
    """Say which limit a process breaks, if any."""
    import psutil

    limits = process.limits
    if now - process.started > limits.deadline:
        return f"it was not done within {limits.deadline:g} s"
    if not process.waits and now - process.alive > limits.silence and not _has_spoken(process):
        return f"it gave no sign of life for {limits.silence:g} s"
    try:
        root = psutil.Process(process.popen.pid)
        family = [root, *root.children(recursive=True)] if wide else [root]
        if len(family) > MOST_PROCESSES:
            return f"it started more than {MOST_PROCESSES} processes"
        size = sum(_size(one) for one in family)
    except psutil.Error:
        return ""
    return f"it took more than {limits.memory / 1e6:,.0f} MB of memory" if size > limits.memory else ""


def _size(one: Any) -> int:
    import psutil

    with suppress(psutil.Error):
        return int(one.memory_info().rss)
    return 0


def _has_spoken(process: Process) -> bool:
    with suppress(OSError, EOFError):
        return process.pipe.incoming.poll(0)
    return True


def _marked(is_meant: Callable[[str], bool]) -> Iterator[int]:
    """Find processes of ours by the mark in their environment."""
    import psutil

    for one in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if one.pid != os.getpid() and is_meant(one.environ().get(MARK, "")):
                yield one.pid


def sweep_project(project: Path) -> None:
    """Remove what a killed run of this project left running; called while the project's lock is held.

    The folders of processes whose run is no more go too: a plugin may have kept records there.
    """
    import psutil

    of_project = f"{project.resolve()}:"
    for left in _marked(lambda mark: mark.startswith(of_project)):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(left, signal.SIGKILL)
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*-*"):
        number = folder.name.removeprefix(_FOLDER).partition("-")[0]
        if number.isdecimal() and not psutil.pid_exists(int(number)):
            shutil.rmtree(folder, ignore_errors=True)
