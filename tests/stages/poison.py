"""A plugin that does harm: what it does is told by its config. It yields three good records before most of it."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar, Final

from unifier import Connector, hookimpl, stream

AT: Final = "2026-05-01T00:00:00Z"
LEAK: Final[list[bytearray]] = []


def sleep() -> None:
    """Hang, and do not listen to who asks to stop."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(3_600)


def hold() -> None:
    """Keep the interpreter busy in C, so that no other thread of the process gets a turn."""
    ctypes.PyDLL(None).sleep(3_600)


def leak() -> None:
    """Take memory until somebody says stop."""
    while True:
        LEAK.append(bytearray(b"x" * 20_000_000))


def segfault() -> None:
    """Read where nothing is."""
    ctypes.string_at(0)


def leave() -> None:
    """Leave without a word."""
    os._exit(0)


def fork() -> None:
    """Have children that have children."""
    while True:
        if os.fork() == 0:
            time.sleep(0.05)


def orphan() -> None:
    """Leave a child behind that is in nobody's family any more."""
    subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(3600)", "orphan-of-poison"], start_new_session=True
    )


def litter() -> None:
    """Write ten thousand files where it stands."""
    for number in range(10_000):
        Path(f"{number}.tmp").write_bytes(b"")


def shout() -> None:
    """Print a great deal, to both outputs, and some of it past Python."""
    for _ in range(20_000):
        print('{"word": "batch", "batch_no": 1}')  # noqa: T201
    sys.stderr.write("oops\n" * 20_000)
    os.write(1, b"\x00\xff" * 50_000)


def patch() -> None:
    """Replace what everybody uses, in its own process."""

    def broken(*_: Any, **__: Any) -> str:
        raise RuntimeError("patched")

    json.loads = broken


def move() -> None:
    """Change what belongs to the whole process."""
    os.chdir("/")
    os.umask(0o777)
    os.environ.clear()
    os.environ["TZ"] = "Pacific/Kiritimati"
    time.tzset()


def clean() -> None:
    """Delete the temporary folder."""
    shutil.rmtree(tempfile.gettempdir(), ignore_errors=True)


def fail() -> None:
    """Raise, and tell what must not be told."""
    raise ValueError("token s3cret-canary of 19900000001")


def kill_parent_group() -> None:
    """End its own process group."""
    os.killpg(0, signal.SIGKILL)


DEEDS: Final[dict[str, Callable[[], None]]] = {
    "raise": fail,
    "sleep": sleep,
    "hold": hold,
    "leak": leak,
    "segfault": segfault,
    "leave": leave,
    "fork": fork,
    "orphan": orphan,
    "litter": litter,
    "shout": shout,
    "patch": patch,
    "move": move,
    "clean": clean,
    "kill": kill_parent_group,
}


class Poison(Connector):
    """Three people, and then harm."""

    name: ClassVar[str] = "poison"

    @stream("profile")
    def people(self, since: Any) -> Iterator[Any]:
        """Yield three records, do the deed, yield one more."""
        del since
        for number in range(3):
            yield {"record_id": f"x{number}", "observed_at": AT, "name": "王芳"}
        deed = self.config["do"]
        if deed == "endless":
            while True:
                yield [{"record_id": f"e{time.monotonic_ns()}", "observed_at": AT} for _ in range(1_000)]
        if deed == "huge":
            yield {"record_id": "huge", "observed_at": AT, "name": "x" * 200_000_000}
        if deed == "wrong":
            yield {"record_id": 7, "observed_at": "yesterday", "nmae": "王芳"}
        if deed == "twice":
            yield [{"record_id": "x0", "observed_at": AT, "name": "王芳"}] * 3
        if deed == "no record":
            yield object()
        DEEDS.get(deed, lambda: None)()
        yield {"record_id": "last", "observed_at": AT, "name": "李强"}

    def close(self) -> None:
        """Raise at the very end if asked to."""
        if self.config["do"] == "close":
            raise RuntimeError("at close")
        if self.config["do"] == "exit":
            import atexit

            atexit.register(sleep)


@hookimpl
def unifier_connectors() -> list[type[Connector]]:
    """Offer harm."""
    return [Poison]
