"""Offer a connector: something that yields records of one or more kinds.

The smallest connector is a class with a name and one method under :func:`stream`. It writes no state: the run keeps
the bookmarks and hands them back as ``since``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from unifier.words import Kind

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some records of a stream: Arrow columns or plain dicts in the shape of the contract.

    ``part`` names the partition a bookmark belongs to, ``origin`` where the records stood (file, page), ``cursor`` the
    bookmark that is true once these records are in, None while it must not move. ``refused`` are raw texts that
    could not be read at all, with their reasons: ``(row_no, reason, raw)``.
    """

    data: pa.Table | Sequence[Mapping[str, Any]]
    part: str = ""
    origin: str = ""
    cursor: str | None = None
    refused: Sequence[tuple[int, str, str]] = ()


@dataclass(frozen=True, slots=True)
class Stream:
    """One kind of record that a source yields: ``read`` takes the cursors by partition and yields chunks."""

    name: str
    kind: Kind
    read: Callable[[Mapping[str, str]], Iterator[Chunk]]


def stream(kind: Kind, *, name: str | None = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a method of a connector as a stream of ``kind``."""

    def mark(method: Callable[..., Any]) -> Callable[..., Any]:
        method.__dict__["unifier_stream"] = (name or kind, kind)
        return method

    return mark


@dataclass(slots=True)
class Connector:
    """Read one system.

    Subclasses set ``name`` and ``config_schema`` (a JSON Schema for the source's ``config``) and mark methods with
    :func:`stream`, or override :meth:`streams` when the kinds depend on the config. ``folder`` is the project's.
    """

    name: ClassVar[str] = ""
    config_schema: ClassVar[Mapping[str, Any]] = {"type": "object"}

    config: Mapping[str, Any]
    folder: Path
    settings: Mapping[str, Any] = field(default_factory=dict)

    def streams(self) -> list[Stream]:
        """List what this source yields, in a fixed order; raise ConfigError where the settings do not tell.

        Called before anything runs, so it reads nothing: a fault found here stops the run while all is as it was.
        """
        found = []
        for attribute in sorted(dir(type(self))):
            marked = getattr(getattr(type(self), attribute), "unifier_stream", None)
            if marked:
                name, kind = marked
                found.append(Stream(name, kind, _chunks(getattr(self, attribute))))
        return found


def _chunks(method: Callable[..., Any]) -> Callable[[Mapping[str, str]], Iterator[Chunk]]:
    """Gather what an author yields (dicts, lists of dicts, Arrow, chunks) into chunks."""

    def read(since: Mapping[str, str]) -> Iterator[Chunk]:
        waiting: list[Mapping[str, Any]] = []
        for item in method(since):
            if isinstance(item, Mapping):
                waiting.append(item)
            elif isinstance(item, list):
                waiting.extend(item)
            else:
                if waiting:
                    yield Chunk(waiting)
                    waiting = []
                yield item if isinstance(item, Chunk) else Chunk(item)
            if len(waiting) >= ROWS_A_CHUNK:
                yield Chunk(waiting)
                waiting = []
        if waiting:
            yield Chunk(waiting)

    return read


ROWS_A_CHUNK = 50_000
"""Dicts that make a chunk."""
