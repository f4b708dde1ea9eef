"""Hear what code reaches for (files, sockets, processes), and see what it leaves behind."""

from __future__ import annotations

import gc
import locale
import os
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

_REACHING: Final = {
    "socket.connect": "a connection",
    "socket.getaddrinfo": "a name on the network",
    "subprocess.Popen": "a process",
    "os.system": "a process",
    "sqlite3.connect": "a database",
    "os.listdir": "a folder",
    "os.scandir": "a folder",
}
_CODE: Final = (".py", ".pyc", ".so", ".pyd", ".pth", ".toml")


class _Ear:
    """One audit hook for all tests, installed when first needed: a hook cannot be taken away again."""

    def __init__(self) -> None:
        self.heard: list[str] | None = None
        self.thread = 0
        sys.addaudithook(self)

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if self.heard is None or threading.get_ident() != self.thread:
            return
        if event in _REACHING:
            if event.startswith("os.") and _belongs_to_python(args[0] if args else ""):
                return
            self.heard.append(_REACHING[event])
        elif event == "open" and not _belongs_to_python(args[0]):
            self.heard.append("a file")


_EARS: Final[list[_Ear]] = []


def _belongs_to_python(path: Any) -> bool:
    """Tell whether what is opened is code: imports are no reading."""
    name = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""
    places = [sys.prefix, sys.base_prefix, *(entry for entry in sys.path if entry)]
    return name.endswith(_CODE) or any(name == place or name.startswith(f"{place}{os.sep}lib") for place in places)


@contextmanager
def touched() -> Iterator[list[str]]:
    """Collect what the block reaches for, in this thread."""
    if not _EARS:
        _EARS.append(_Ear())
    ear = _EARS[0]
    events: list[str] = []
    ear.thread, ear.heard = threading.get_ident(), events
    try:
        yield events
    finally:
        ear.heard = None


def surroundings() -> dict[str, Any]:
    """Tell what belongs to the whole process and not to a plugin."""
    umask = os.umask(0)
    os.umask(umask)
    return {
        "the working folder": str(Path.cwd()),
        "the environment": dict(os.environ),
        "the time zone": time.tzname,
        "the locale": locale.setlocale(locale.LC_ALL),
        "the umask": umask,
        "the default timeout of sockets": socket.getdefaulttimeout(),
        "the handler of SIGTERM": signal.getsignal(signal.SIGTERM),
        "the handler of SIGINT": signal.getsignal(signal.SIGINT),
        "the limit of recursion": sys.getrecursionlimit(),
    }


def put_back(before: dict[str, Any]) -> None:
    """Undo what was changed, so that later tests stand where they stood."""
    os.chdir(before["the working folder"])
    os.environ.clear()
    os.environ.update(before["the environment"])
    time.tzset()
    locale.setlocale(locale.LC_ALL, before["the locale"])
    os.umask(before["the umask"])
    socket.setdefaulttimeout(before["the default timeout of sockets"])
    for name in ("SIGTERM", "SIGINT"):
        signal.signal(getattr(signal, name), before[f"the handler of {name}"])
    sys.setrecursionlimit(before["the limit of recursion"])


@contextmanager
def left_open() -> Iterator[list[str]]:
    """Collect what the block leaves open: files, sockets, threads that keep a process alive."""
    found: list[str] = []
    gc.collect()
    threads = set(threading.enumerate())
    files = _files()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", ResourceWarning)
        yield found
        kept = _files() - files
        gc.collect()
    found += [f"{type_} ({str(one.message).split()[1]})" for one in told if (type_ := _resource(one))]
    found += ["a file"] * len(kept)
    found += [f"thread {one.name}" for one in threading.enumerate() if one not in threads and not one.daemon]


def _resource(one: warnings.WarningMessage) -> str:
    return "ResourceWarning" if issubclass(one.category, ResourceWarning) else ""


def _files() -> set[tuple[str, str]]:
    """List open regular files where the system tells them."""
    found = set()
    for link in Path("/proc/self/fd").glob("*"):
        try:
            target = link.readlink()
        except OSError:
            continue
        if target.is_file():
            found.add((link.name, str(target)))
    return found


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    """Tell size and time of every file below a folder."""
    facts = {path.relative_to(folder).as_posix(): path.stat() for path in folder.rglob("*") if path.is_file()}
    return {name: (fact.st_size, fact.st_mtime_ns) for name, fact in facts.items()}
