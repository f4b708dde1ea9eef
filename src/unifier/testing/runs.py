"""Prove that a run gives the same however it goes: killed, repeated, out of order, in another zone, too slow."""

from __future__ import annotations

import random
import resource
import secrets
import sys
from collections.abc import Callable, Mapping
from typing import Final

import pytest

from unifier.testing.child import Fate
from unifier.testing.judge import beside_the_point, listed, refuse, require
from unifier.testing.rig import Heard, Rigs
from unifier.testing.shop import Shop, State
from unifier.testing.subject import First, Subject

_BOUNDARIES: Final = 25
_POINTS: Final = 4
ZONES: Final = ("America/New_York", "Asia/Shanghai")


class RunTests(Subject):
    """Tests of whole readings, each in a process of its own."""

    def test_a_reading_ends_within_its_deadline(self, first: First) -> None:
        """A source that hangs is cut off; the others have waited for it."""
        require(
            "was not done within" not in first.report.error,
            f"it does not come to its end within {self.deadline:g} s",
            "give every request a timeout, and end when the system has no more",
        )

    def test_a_run_reads_the_system_to_its_end(
        self, first: First, record_property: Callable[[str, object], None]
    ) -> None:
        """The simplest thing: everything is read, checked and settled."""
        report = first.report
        record_property("records", report.read)
        record_property("records_per_second", round(report.read / first.seconds, 1))
        # Bytes on macOS, kilobytes elsewhere; of the greatest process so far, which is one that read the system.
        unit = 1 if sys.platform == "darwin" else 1024
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit
        record_property("peak_memory_mb", round(peak / 1e6, 1))
        if "was not done within" in report.error or "went backwards" in report.error:
            beside_the_point("another test says why it does not")
        require(report.outcome == "settled", f"the run fails: {report.error}", "see the traceback by `unifier try`")

    def test_a_second_run_changes_nothing(self, settled: First, rigs: Rigs, heard: dict[str, Heard]) -> None:
        """Rows at the bookmark come again and must be what they were."""
        del settled
        if any(one.stream.snapshot for one in heard.values()):
            beside_the_point("a snapshot lists everything again: see test_snapshots_list_everything_every_time")
        shop = rigs.shop()
        shop.run()
        once = shop.state()
        report = shop.run()
        require(report.outcome == "settled", f"the second run fails: {report.error}", "read from `since` as from None")
        _require_equal(shop.state(), once, "after a second run of the same system", bookmarks=True)

    def test_a_kill_between_two_batches_loses_nothing(
        self, settled: First, rigs: Rigs, heard: dict[str, Heard]
    ) -> None:
        """The process is killed after each batch, then the run is repeated: the store holds what it would have held."""
        _require_streams(heard)
        whole = rigs.shop()
        whole.run(at_once=settled.at_once)
        for boundary in _boundaries(whole.batches[-1]):
            shop = rigs.shop()
            shop.run(at_once=settled.at_once, kill_at_batch=boundary)
            _again(shop, settled, f"after a kill at batch {boundary}")

    def test_a_kill_anywhere_loses_nothing(self, settled: First, rigs: Rigs, heard: dict[str, Heard]) -> None:
        """The same at random points of the reading; the seed stands in the message."""
        _require_streams(heard)
        seed = secrets.randbelow(10_000)
        items = sum(len(one.items) for one in heard.values())
        if not items:
            beside_the_point("the system is empty")
        points = random.Random(seed).sample(range(1, items + 1), min(_POINTS, items))  # noqa: S311 - printed, to repeat
        for point in points:
            shop = rigs.shop()
            shop.run(Fate(at_item=point), settled.at_once)
            _again(shop, settled, f"after a kill at item {point} of {items} (seed {seed})")

    def test_nothing_is_acknowledged_before_it_is_kept(
        self, settled: First, rigs: Rigs, heard: dict[str, Heard]
    ) -> None:
        """What a queue has forgotten and the store does not hold is lost: the process is killed around acknowledging."""
        if not any(one.stream.consume for one in heard.values()):
            beside_the_point("no stream consumes what it reads")
        items = sum(len(one.items) for one in heard.values())
        fates = [Fate(at_item=point) for point in sorted({1, min(2, items), items})]
        for fate in (*fates, Fate(before_acknowledge=1), Fate(after_acknowledge=1)):
            shop = rigs.shop()
            shop.run(fate)
            _again(shop, settled, f"after a kill ({_when(fate)})")

    def test_what_is_acknowledged_does_not_come_again(
        self, settled: First, rigs: Rigs, heard: dict[str, Heard]
    ) -> None:
        """A queue that never forgets is read from its begin every night."""
        del settled
        if not any(one.stream.consume for one in heard.values()):
            beside_the_point("no stream consumes what it reads")
        shop = rigs.shop()
        shop.run()
        again = shop.run()
        require(again.read == 0, f"{again.read} rows come again after acknowledge()", "let acknowledge() remove them")

    def test_rows_may_come_late_twice_and_out_of_order(
        self, settled: First, rigs: Rigs, heard: dict[str, Heard]
    ) -> None:
        """The newest version of a record is known by observed_at, not by when it came."""
        if all(one.stream.consume for one in heard.values()):
            beside_the_point("a queue hands out in its own order")
        shop = rigs.shop()
        shop.run(Fate(shuffled=True))
        _require_equal(
            shop.state(),
            settled.state,
            "when every row comes twice and the last one first",
            "let observed_at grow with every change of a record, and record_id name one record only",
        )

    def test_the_time_zone_of_the_machine_plays_no_part(self, settled: First, rigs: Rigs) -> None:
        """Servers stand anywhere: New York and Shanghai must read the same."""
        for zone in ZONES:
            shop = rigs.shop()
            shop.run(Fate(machine=zone))
            _require_equal(
                shop.state(),
                settled.state,
                f"on a machine in {zone}",
                "write offsets; never use local time of the machine",
            )

    def test_no_secret_and_no_person_is_printed(
        self, whole: First, rigs: Rigs, heard: dict[str, Heard], capfd: pytest.CaptureFixture[str]
    ) -> None:
        """Output of plugins ends in logs that many people read; so do errors."""
        del whole
        shop = rigs.shop()
        capfd.readouterr()
        error, trace = shop.said()
        out, err = capfd.readouterr()
        output = f"{out}\n{err}\n{error}\n{trace}"
        shown = [name for name, value in _secret_values(self.connector.config_schema, shop.config) if value in output]
        require(
            not shown,
            f"the secret in {listed(map(repr, shown))} is printed",
            "never print or log config or URLs with it",
        )
        people = {value for one in heard.values() for value in _values(one) if value in output}
        require(not people, f"{len(people)} identifiers or names of people are printed", "print no records")

    def test_a_refused_secret_is_not_told(self, whole: First, rigs: Rigs, capfd: pytest.CaptureFixture[str]) -> None:
        """The error of a wrong token is read by people who must not learn the token."""
        del whole
        shop = rigs.shop()
        known = _secret_values(self.connector.config_schema, shop.config)
        if not known:
            beside_the_point("the config has no secret")
        canary = "unifier-canary-9f2c7e51"
        capfd.readouterr()
        error, _ = shop.said({**shop.config, **{name: canary for name, _ in known}})
        out, err = capfd.readouterr()
        require(
            canary not in f"{out}\n{err}\n{error}", "a wrong secret is told in an error or log", "name the key only"
        )


def _require_streams(heard: Mapping[str, Heard]) -> None:
    if all(one.stream.consume for one in heard.values()):
        beside_the_point("a queue: see test_nothing_is_acknowledged_before_it_is_kept")


def _when(fate: Fate) -> str:
    if fate.at_item:
        return f"when answer {fate.at_item} was yielded"
    return "before it was acknowledged" if fate.before_acknowledge else "right after it was acknowledged"


def _boundaries(batches: int) -> list[int]:
    """List the boundaries at which the process is killed: all of them, or so many at even distances."""
    step = max(batches / _BOUNDARIES, 1.0)
    return sorted({min(round(step * number), batches) for number in range(1, min(batches, _BOUNDARIES) + 1)})


def _again(shop: Shop, undisturbed: First, when: str) -> None:
    """Run again, and hold the store against that of the undisturbed run."""
    report = shop.run(at_once=undisturbed.at_once)
    if report.outcome != "settled":
        refuse(f"{when} the next run fails: {report.error}", "let a reading begin wherever it was left")
    _require_equal(shop.state(), undisturbed.state, when, bookmarks=True)


def _require_equal(
    found: State,
    expected: State,
    when: str,
    mend: str = "move no bookmark past what was not yielded, and yield all from `since` on",
    *,
    bookmarks: bool = False,
) -> None:
    for kind in sorted({*found.records, *expected.records}):
        lost = set(expected.records.get(kind, ())) - set(found.records.get(kind, ()))
        more = set(found.records.get(kind, ())) - set(expected.records.get(kind, ()))
        require(
            not lost and not more,
            f"{when} {len(lost)} records of kind {kind} are lost and {len(more)} are there that should not be",
            mend,
        )
    if bookmarks:
        require(
            found.bookmarks == expected.bookmarks, f"{when} the bookmarks differ from those of an undisturbed run", mend
        )


def _secret_values(schema: Mapping[str, object], config: Mapping[str, object]) -> list[tuple[str, str]]:
    properties = schema.get("properties", {})
    assert isinstance(properties, Mapping)  # noqa: S101 - the schema was checked
    marked = [name for name, part in properties.items() if isinstance(part, Mapping) and part.get("x-secret")]
    return [(name, str(config[name])) for name in marked if len(str(config.get(name, ""))) > 3]  # noqa: PLR2004 - shorter ones are everywhere


def _values(one: Heard) -> list[str]:
    """List what must not be printed of records: values of identifiers, and names."""
    values = [item["value"] for record in one.everything for item in record.get("identifiers") or []]
    if one.stream.kind == "profile":
        values += [record["name"] for record in one.everything if record.get("name")]
    return [value for value in values if len(value) > 1 and not (value.isascii() and len(value) < 6)]  # noqa: PLR2004
