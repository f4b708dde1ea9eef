"""Read sources side by side: a few workers read and check, one writer lands what they bring.

Each worker waits while the writer is behind, so that memory holds a few batches and not a source.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Empty, Full, Queue
from typing import Final, Generic, TypeVar

PATIENCE: Final = 0.1
"""Seconds between two looks whether the other side is still there."""

S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ended:
    """A source has been read to its end, or to the error that stopped it."""

    error: Exception | None = None


@contextmanager
def side_by_side(
    sources: Sequence[S], read: Callable[[S], Iterator[T]], workers: int
) -> Iterator[Iterator[tuple[S, T | Ended]]]:
    """Read ``sources`` with some workers; yield what comes, each source in its own order and :class:`Ended` at last.

    For each worker one batch may wait for the writer. Leaving the block stops the workers after the batch they are at.
    """
    belt: _Belt[S, T] = _Belt(read, Queue(workers), threading.Event())
    with ThreadPoolExecutor(workers, thread_name_prefix="source") as pool:
        for source in sources:
            pool.submit(belt.work, source)
        try:
            yield belt.arriving(len(sources))
        finally:
            belt.stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)


@dataclass(frozen=True, slots=True)
class _Belt(Generic[S, T]):
    """What lies between workers and writer."""

    read: Callable[[S], Iterator[T]]
    queue: Queue[tuple[S, T | Ended]]
    stopped: threading.Event

    def work(self, source: S) -> None:
        """Read a source to its end, in a worker."""
        error: Exception | None = None
        try:
            for batch in self.read(source):
                if not self._put(source, batch):
                    return
        except Exception as fault:  # noqa: BLE001 - it is handed on: the writer reports or raises it
            error = fault
        self._put(source, Ended(error))

    def _put(self, source: S, what: T | Ended) -> bool:
        """Hand something to the writer; tell whether it is still there."""
        while not self.stopped.is_set():
            try:
                self.queue.put((source, what), timeout=PATIENCE)
            except Full:
                continue
            return True
        return False

    def arriving(self, sources: int) -> Iterator[tuple[S, T | Ended]]:
        """Yield what comes until all sources have ended."""
        while sources:
            try:
                source, what = self.queue.get(timeout=PATIENCE)
            except Empty:
                continue
            sources -= isinstance(what, Ended)
            yield source, what
