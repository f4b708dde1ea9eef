"""Offer a connector: something that yields records of one or more kinds.

The smallest connector is a class with a name and one method under :func:`stream`. It writes no state: the run keeps
the bookmarks and hands them back as ``since``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, TypeAlias, get_args

from unifier.errors import PluginError
from unifier.words import Kind

if TYPE_CHECKING:
    import pyarrow as pa

Record: TypeAlias = Mapping[str, Any]
Parse: TypeAlias = Callable[[Any], Record | Sequence[Record] | None]
"""Makes records of a raw row. It is pure: the same row gives the same records, at the first time and at a replay."""
CursorType: TypeAlias = Literal["time", "number", "text"]

OVERLAP: Final = timedelta(minutes=10)
"""How far behind the greatest time seen a bookmark stays, unless a stream says otherwise: rows are committed late."""
MAX_VANISH: Final = 0.05
"""Share of a source's records that one snapshot may remove."""
ROWS_A_CHUNK: Final = 50_000
"""Dicts that make a chunk."""
_SPAN: Final = re.compile(r"([0-9]+)\s*(s|m|h|d)")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that the connector cannot make a record of: it is quarantined with its reason, and counted as read.

    The reason is shown to people and must not repeat what stands in the row.
    """

    raw: Any
    reason: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Say that everything up to ``cursor`` has been yielded: the bookmark moves there now."""

    cursor: str | float


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some records of a stream: Arrow columns or plain dicts in the shape of the contract.

    ``part`` names the partition a bookmark belongs to, ``origin`` where the records stood (file, page), ``cursor`` the
    bookmark that is true once these records are in, as JSON, None while it must not move. ``refused`` are raw texts that
    could not be read at all, with their reasons: ``(row_no, reason, raw)``.
    """

    data: pa.Table | pa.RecordBatch | Sequence[Record]
    part: str = ""
    origin: str = ""
    cursor: str | None = None
    refused: Sequence[tuple[int, str, str]] = ()


Item: TypeAlias = "Record | Sequence[Record] | pa.Table | pa.RecordBatch | Chunk | Reject | Checkpoint"
"""What a stream may yield; under ``parse`` raw rows of any JSON type, or lists of them."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One kind of record that a source yields: ``read`` takes the cursors by partition and yields chunks or items.

    ``cursor`` names the field whose greatest value is the bookmark; without one only a :class:`Checkpoint` or a
    :class:`Chunk` moves it. The bookmark moves once, at the end of a partition, to the greatest cursor minus
    ``overlap``, never beyond the moment the read began; with ``ordered`` it moves with every batch, and a cursor that
    goes backwards fails the source. ``snapshot`` says that a read yields the complete list: what is not in it is
    deleted, unless it is more than ``max_vanish`` of the source's records, then the source is held. ``consume`` says
    that what is yielded is gone from the source once :meth:`Connector.acknowledge` is called: it is kept first.
    """

    name: str
    kind: Kind
    read: Callable[[Mapping[str, str]], Iterator[Any]]
    _: KW_ONLY
    cursor: str | None = None
    cursor_type: CursorType = "time"
    ordered: bool = False
    overlap: timedelta = OVERLAP
    snapshot: bool = False
    max_vanish: float = MAX_VANISH
    consume: bool = False
    parse: Parse | None = None

    def __post_init__(self) -> None:
        for wrong, fault, mend in (
            (
                self.cursor_type not in get_args(CursorType),
                f"cursor_type is {self.cursor_type!r}",
                "time, number or text",
            ),
            (self.ordered and not self.cursor, "it is ordered by nothing", "name the cursor"),
            (self.snapshot and self.consume, "a snapshot cannot be consumed", "drop one of the two"),
            (self.snapshot and bool(self.cursor), "a snapshot is read whole", "drop the cursor"),
            (self.consume and self.parse is None, "what is consumed is kept raw", "name a parse function"),
            (not 0 <= self.max_vanish <= 1, "max_vanish is no share", "write a number from 0 to 1"),
        ):
            if wrong:
                raise PluginError(f"stream {self.name!r}", fault, mend)


def stream(  # noqa: PLR0913 - each is a word of the design, and all but the first are optional
    kind: Kind,
    *,
    name: str | None = None,
    cursor: str | None = None,
    cursor_type: CursorType = "time",
    ordered: bool = False,
    overlap: timedelta | str = OVERLAP,
    snapshot: bool = False,
    max_vanish: float = MAX_VANISH,
    consume: bool = False,
    parse: Parse | None = None,
    partitions: str | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a method of a connector as a stream of ``kind``: it takes ``since`` and yields records.

    ``since`` is the bookmark: None at first, then a time in ISO 8601 (UTC, ``2026-07-01T08:00:00Z``), a number or a
    text, by ``cursor_type``; reading from it is inclusive. ``overlap`` is a span such as ``"10m"`` or ``"2h"``.
    ``partitions`` names a method that lists partitions (shops, accounts); then the marked method is called for each, as
    ``method(since, part)``, and each has a bookmark of its own. The rest is told by :class:`Stream`.
    """
    span = overlap if isinstance(overlap, timedelta) else _span(name or kind, overlap)

    def mark(method: Callable[..., Any]) -> Callable[..., Any]:
        blank = Stream(
            name or method.__name__,
            kind,
            iter,
            cursor=cursor,
            cursor_type=cursor_type,
            ordered=ordered,
            overlap=span,
            snapshot=snapshot,
            max_vanish=max_vanish,
            consume=consume,
            parse=parse,
        )
        method.__dict__["unifier_stream"] = _Marked(blank, partitions)
        return method

    return mark


@dataclass(slots=True)
class Connector:
    """Read one system.

    Subclasses set ``name`` and ``config_schema`` (a JSON Schema for the source's ``config``; ``x-secret`` marks what
    must be a reference) and mark methods with :func:`stream`, or override :meth:`streams` when the kinds depend on the
    config. ``folder`` is the project's, ``settings`` the whole entry of the source.
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
            marked = getattr(getattr(type(self), attribute, None), "unifier_stream", None)
            if isinstance(marked, _Marked):
                found.append(replace(marked.blank, read=_by_part(self, attribute, marked.partitions)))
        return found

    def check(self) -> None:
        """Reach the system and come back, for ``unifier check``; raise AuthError or SourceError. By default nothing."""

    def close(self) -> None:
        """Let go of what was opened; called once all streams have been read. By default nothing."""

    def acknowledge(self, batch: Any) -> None:
        """Tell the system that a batch of a consuming stream is safe; called with what the stream yielded."""
        del batch


@dataclass(frozen=True, slots=True)
class _Marked:
    """What :func:`stream` leaves on a method."""

    blank: Stream
    partitions: str | None


@dataclass(frozen=True, slots=True)
class Part:
    """A partition begins: what follows belongs to it."""

    name: str


def _by_part(connector: Connector, method: str, partitions: str | None) -> Callable[[Mapping[str, str]], Iterator[Any]]:
    """Read a method partition by partition, each from its own bookmark."""

    def read(since: Mapping[str, str]) -> Iterator[Any]:
        import json

        if partitions is None:
            yield from _yielded(getattr(connector, method)(json.loads(since.get("", "null"))))
            return
        for part in getattr(connector, partitions)():
            yield Part(str(part))
            yield from _yielded(getattr(connector, method)(json.loads(since.get(str(part), "null")), part))

    return read


def _yielded(items: Iterable[Any] | None) -> Iterator[Any]:
    return iter(items or ())


def _span(subject: str, text: str) -> timedelta:
    """Read a span of time.

    >>> _span("members", "90m")
    datetime.timedelta(seconds=5400)
    """
    match = _SPAN.fullmatch(text.strip())
    if not match:
        raise PluginError(f"stream {subject!r}", f"{text!r} is no span of time", "write 10m, 2h or 1d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
