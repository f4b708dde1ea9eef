"""Keep a second file of a DuckDB target, so that a publish need not copy the first.

The spare is the file of an earlier run, under the target's name with ``.spare`` behind it. It may be written only if
nobody reads it any more and if the published file is still exactly what we published: what others put into that file
(views, tables, grants) is in no spare, so then the published file is copied. As a mark of that, both files carry the
same time of change. Where a reader in any process cannot be told for sure, there is no spare.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_CHUNK: Final = 1 << 30
try:
    import fcntl
except ImportError:  # no POSIX: no spare
    _SET_LOCK: int | None = None
else:
    _SET_LOCK = getattr(fcntl, "F_OFD_SETLK", None)
"""Locks of open files meet those of DuckDB in every process, this one too; only Linux has them."""


def take(path: Path, fresh: Path) -> bool:
    """Move the spare of a published file to ``fresh``; tell whether there was one that may be written."""
    kept = _spare(path)
    if not kept.exists():
        return False
    usable = not kept.samefile(path) and _age(kept) == _age(path) and not _is_open(kept)
    if usable:
        kept.replace(fresh)
    else:
        kept.unlink()
    return usable


@contextmanager
def keep(path: Path) -> Iterator[None]:
    """Keep the published file as the spare of the one that takes its place inside the block."""
    kept = _spare(path)
    kept.unlink(missing_ok=True)
    if _SET_LOCK is not None:
        with contextlib.suppress(OSError):  # nothing published yet, or no links here: then there is no spare
            os.link(path, kept)
    yield
    if _SET_LOCK is not None and not kept.exists():
        copy(path, kept)
    if kept.exists():
        facts = path.stat()
        os.utime(kept, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def copy(source: Path, target: Path) -> None:
    """Copy a file; file systems that can share blocks do so."""
    if hasattr(os, "copy_file_range"):
        with source.open("rb") as read, target.open("wb") as written, contextlib.suppress(OSError):
            while os.copy_file_range(read.fileno(), written.fileno(), _CHUNK):
                pass
        if target.stat().st_size == source.stat().st_size:
            return
    shutil.copyfile(source, target)


def _spare(path: Path) -> Path:
    return path.with_name(path.name + ".spare")


def _age(path: Path) -> int:
    return path.stat().st_mtime_ns


def _is_open(path: Path) -> bool:
    """Tell whether some DuckDB has a file open: each holds a lock on it."""
    if _SET_LOCK is None:
        return True
    whole = struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    with path.open("r+b") as file:
        try:
            fcntl.fcntl(file, _SET_LOCK, whole)
        except OSError:
            return True
    return False
