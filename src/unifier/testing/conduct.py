"""Prove how a connector behaves in its process: lazily, and leaving everything as it was."""

from __future__ import annotations

import tracemalloc
from typing import Final

from unifier.testing.judge import beside_the_point, listed, require
from unifier.testing.listening import left_open, tree
from unifier.testing.rig import Heard, Rig, Rigs
from unifier.testing.subject import First, Subject

ROWS: Final = 4_000
"""Rows of a long stream: more than a page of any system, few enough for a test."""
_SLACK: Final = 300_000
"""Bytes that a connection, a parser and their buffers may take."""


class ConductTests(Subject):
    """Tests of conduct."""

    def test_the_first_rows_come_before_the_last_ones_are_read(self, whole: First, rigs: Rigs) -> None:
        """A stream is yielded as it is read: whoever gathers it first keeps the run waiting, and its memory grows."""
        del whole
        for before, all_of_it, _ in _measured(rigs):
            require(
                before < all_of_it / 2 + _SLACK,
                f"when the first row comes, {before / 1e6:.1f} MB are held; the whole stream takes {all_of_it / 1e6:.1f} MB",
                "yield each page as it comes",
            )

    def test_memory_does_not_grow_with_the_stream(self, whole: First, rigs: Rigs) -> None:
        """Ten million rows pass through the memory of a few thousand."""
        del whole
        for before, all_of_it, most in _measured(rigs):
            if before >= all_of_it / 2 + _SLACK:
                beside_the_point("everything is read first: see test_the_first_rows_come_before_the_last_ones_are_read")
            require(
                most < all_of_it / 2 + _SLACK,
                f"reading holds {most / 1e6:.1f} MB; the whole stream takes {all_of_it / 1e6:.1f} MB",
                "keep no list of what was yielded",
            )

    def test_nothing_is_left_open(self, rig: Rig) -> None:
        """Files, connections and threads end with close()."""
        with left_open() as found:
            rig.read()
        require(not found, f"left open: {listed(found)}", "use `with`, or close it in close()")

    def test_the_process_is_left_as_it_was(self, rig: Rig) -> None:
        """Folder, environment, time zone, locale, umask and signals belong to the process, not to a plugin."""
        rig.read()
        changed = rig.changed
        require(not changed, f"it changes {listed(changed)}", "pass paths, zones and settings along instead")

    def test_the_folder_of_the_project_is_left_as_it_was(self, rig: Rig, heard: dict[str, Heard]) -> None:
        """Bookmarks are kept by the run: a file of the plugin's own would be wrong after a restore."""
        if any(one.stream.consume for one in heard.values()):
            beside_the_point("it consumes what it reads")
        before = tree(rig.folder)
        rig.read()
        changed = [name for name, facts in tree(rig.folder).items() if before.get(name) != facts]
        require(
            not changed, f"it writes into the project: {listed(changed)}", "write no state; `since` is kept for you"
        )


def _measured(rigs: Rigs) -> list[tuple[int, int, int]]:
    """Measure each stream of a long system: bytes held at the first row, bytes of all rows, most bytes held."""
    rig = rigs.holding([f"人{number:06d}" for number in range(ROWS)])
    connector = rig.connector()
    found = []
    for stream in connector.streams():
        if stream.consume:
            continue
        kept = [_sized(stream.read({}), keep=True), _sized(stream.read({}), keep=False)]
        found.append((kept[1][0], kept[0][1], kept[1][1]))
    connector.close()
    if not found:
        beside_the_point("a queue hands out what it has, a batch at a time")
    return found


def _sized(items: object, *, keep: bool) -> tuple[int, int]:
    """Read a stream under the eye of tracemalloc; tell bytes held at the first item and the most held."""
    kept: list[object] = []
    first = 0
    tracemalloc.start()
    try:
        for number, item in enumerate(items):  # type: ignore[arg-type, var-annotated]
            if number == 0:
                first = tracemalloc.get_traced_memory()[1]
            if keep:
                kept.append(item)
        return first, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
