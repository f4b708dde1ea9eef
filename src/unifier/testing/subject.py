"""What a test class says of its connector, and the first reading that all its tests rest on."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

import pytest

from unifier.offers.connector import Connector
from unifier.stages.extract import SourceReport
from unifier.testing.judge import beside_the_point
from unifier.testing.rig import Heard, Rig, Rigs
from unifier.testing.shop import State


@dataclass(frozen=True, slots=True)
class First:
    """An undisturbed run in a process of its own: what became of it, what it landed, and in how many batches."""

    report: SourceReport
    state: State
    batches: int
    at_once: int
    seconds: float = 0.0


_FIRST: Final[dict[type, First]] = {}


class Subject:
    """The connector under test and the system it reads.

    ``connector`` and ``config`` must be set; ``config`` may be a property or a fixture. ``settings`` is the whole entry
    of the source, ``timezone`` its own, ``folder`` the project's (a fresh one for each test by default). ``deadline`` is
    how many seconds one reading of the system may take, ``quiet`` names streams that the system leaves empty.
    """

    connector: ClassVar[type[Connector]]
    config: Any = {}  # noqa: RUF012 - a test class sets it once
    settings: ClassVar[Mapping[str, Any]] = {}
    timezone: ClassVar[str] = ""
    folder: ClassVar[Path | None] = None
    deadline: ClassVar[float] = 60.0
    quiet: ClassVar[frozenset[str]] = frozenset()

    def system(self, folder: Path, closing: ExitStack) -> Mapping[str, Any] | None:
        """Set up the system afresh in an empty folder and return the config that reads it; by default nothing is set up.

        Override it where reading changes the system (queues). What must be ended with the test enters ``closing``.
        """
        del folder, closing
        return None

    def holding(self, folder: Path, closing: ExitStack, texts: list[str]) -> Mapping[str, Any]:
        """Set up a system that holds one record for each text, the text in some field; return its config.

        Override it: without it, nothing can be proved of hostile texts and of long streams.
        """
        del folder, closing, texts
        beside_the_point("the test class does not override `holding`, so there is no system of other sizes and texts")

    @pytest.fixture
    def rigs(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rigs]:
        """Make systems for one test."""
        config = self.config if isinstance(self.config, Mapping) else request.getfixturevalue("config")
        with ExitStack() as closing:
            yield Rigs(self, config, tmp_path, closing)

    @pytest.fixture
    def first(self, rigs: Rigs) -> First:
        """Read the system once, undisturbed, in a process: the same for all tests of a class."""
        cls = type(self)
        if cls not in _FIRST:
            shop = rigs.shop()
            began = time.perf_counter()
            report = shop.run()
            seconds = time.perf_counter() - began
            # Small enough for several batches: a kill between two of them must be possible.
            at_once = max(1, -(-report.read // 4))
            _FIRST[cls] = First(report, shop.state(), shop.batches[-1], at_once, seconds)
        return _FIRST[cls]

    @pytest.fixture
    def whole(self, first: First) -> First:
        """Hand out the undisturbed run where it came to its end; the test of that name says why it did not."""
        if first.report.outcome != "settled" and "went backwards" not in first.report.error:
            beside_the_point("the undisturbed reading fails: see test_a_run_reads_the_system_to_its_end")
        return first

    @pytest.fixture
    def settled(self, whole: First) -> First:
        """Hand out the undisturbed run where it was settled."""
        if whole.report.outcome != "settled":
            beside_the_point("the stream breaks the order that it declares: see test_ordered_streams_are_in_order")
        return whole

    @pytest.fixture
    def rig(self, rigs: Rigs, whole: First) -> Rig:
        """Set up one system that is known to be readable."""
        del whole
        return rigs.new()

    @pytest.fixture
    def heard(self, rig: Rig) -> dict[str, Heard]:
        """Read one system in this process."""
        return rig.read()
