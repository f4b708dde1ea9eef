"""Offer a kind of target: something that holds the published tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import duckdb

    from unifier.relations import Changes
    from unifier.tables import Table


@dataclass(frozen=True, slots=True)
class Delta:
    """Rows to replace in one published table.

    ``rows`` are statements over the store that together yield the new rows, in the table's columns; ``keys`` is a
    temporary relation whose columns ``key`` name the rows to delete first. Without ``keys`` all rows are replaced.
    """

    table: Table
    rows: tuple[str, ...]
    keys: str = ""
    key: tuple[str, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict, repr=False)


class Session(Protocol):
    """An open target: readers see none of what it does before :meth:`write` returns, and then all of it."""

    def last_run(self) -> int:
        """Tell the last run published there; 0 when there is none."""

    def write(self, deltas: Sequence[Delta]) -> dict[str, Changes]:
        """Create what is missing, replace the rows so that readers see all at once, count what each table lost and got."""


class Target(Protocol):
    """A database to publish to."""

    def session(self, con: duckdb.DuckDBPyConnection, *, known: bool) -> AbstractContextManager[Session]:
        """Open the target for one run; ``known`` tells whether the store remembers having published to it."""


@dataclass(frozen=True, slots=True)
class TargetKind:
    """What opens the targets whose URL begins with ``scheme://``: it is given the URL and the folder of the project."""

    scheme: str
    open: Callable[[str, Path], Target]
