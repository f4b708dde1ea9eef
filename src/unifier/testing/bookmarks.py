"""Prove that a stream can be read from where it was left."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from unifier.errors import ContractError
from unifier.offers.connector import Stream
from unifier.stages.reading import Batch, Reading
from unifier.testing.judge import beside_the_point, listed, plain, require
from unifier.testing.rig import Heard, Rig, Rigs, bookmarks, checking
from unifier.testing.subject import Subject


class BookmarkTests(Subject):
    """Tests of cursors, partitions, order."""

    def test_the_bookmark_moves(self, heard: dict[str, Heard]) -> None:
        """A cursor that is in no record leaves the bookmark where it is: every night reads everything."""
        still = [one for one in _with_cursor(heard) if one.everything and not one.bookmarks]
        told = listed(f"stream {one.stream.name}: cursor {one.stream.cursor!r}" for one in still)
        require(
            not still, f"the bookmark does not move ({told})", "name a field that the rows have, of its cursor_type"
        )

    def test_the_same_bookmark_gives_the_same_records(self, heard: dict[str, Heard], rigs: Rigs) -> None:
        """A run that was stopped reads again from the same place."""
        marks = bookmarks(heard)
        if not any(marks.values()):
            beside_the_point("no stream has a bookmark")
        one, other = rigs.new().read(marks), rigs.new().read(marks)
        differ = [name for name in one if one[name].texts != other[name].texts]
        require(not differ, f"two readings from one bookmark differ in {listed(differ)}", "read by `since` alone")

    def test_reading_from_a_bookmark_is_inclusive(self, heard: dict[str, Heard], rig: Rig) -> None:
        """Many rows share one second: those at the bookmark itself must come again, or they are lost for ever."""
        found = [(one, values) for one in _with_cursor(heard) if (values := _cursors(one, self.timezone))]
        if not found:
            beside_the_point("no stream has a cursor")
        for one, values in found:
            for mark in (sorted(values)[len(values) // 2], max(values)):
                lost = _expected(one, mark, self.timezone) - set(_from(rig, one, mark).texts)
                require(
                    not lost,
                    f"stream {one.stream.name}: {len(lost)} records at or after the bookmark {_told(one.stream, mark)} "
                    "are not read from it",
                    "compare with >=, not >",
                )

    def test_a_bookmark_is_heeded(self, heard: dict[str, Heard], rig: Rig) -> None:
        """Reading everything every night is what bookmarks are there to spare the system."""
        several = [one for one in _with_cursor(heard) if one.everything and len(set(_cursors(one, self.timezone))) > 1]
        if not several:
            beside_the_point("no stream has two different cursors")
        for one in several:
            latest = _from(rig, one, max(_cursors(one, self.timezone)))
            require(
                len(latest.everything) < len(one.everything),
                f"stream {one.stream.name}: from the greatest cursor everything is read again",
                "hand `since` to the system, or declare no cursor",
            )

    def test_ordered_streams_are_in_order(self, heard: dict[str, Heard], rig: Rig) -> None:
        """The bookmark of an ordered stream moves while it is read: what comes late behind it would be lost."""
        if not any(one.stream.ordered for one in heard.values()):
            beside_the_point("no stream is declared ordered")
        with checking() as checker:
            for stream in rig.connector().streams():
                if stream.ordered:
                    _require_order(stream, rig, checker)

    def test_checkpoints_and_bookmarks_lose_nothing(self, heard: dict[str, Heard], rig: Rig) -> None:
        """What was read up to a bookmark, and what is read from it, are together everything."""
        marks = bookmarks(heard)
        own = {name for name, one in heard.items() if not one.stream.cursor and marks[name]}
        own = {name for name in own if not heard[name].stream.snapshot}
        if not own:
            beside_the_point("no stream moves its bookmark by itself")
        for name in own:
            for part, records in _up_to_each_bookmark(heard[name].stream, rig):
                rest = rig.read({name: part})[name]
                known = {*records, *map(plain, rest.everything)}
                lost = {plain(record) for record in heard[name].everything} - known
                require(
                    not lost,
                    f"stream {name}: {len(lost)} records are neither before a bookmark nor read from it",
                    "move the bookmark only when everything before it has been yielded",
                )

    def test_each_partition_has_its_own_bookmark(self, heard: dict[str, Heard], rig: Rig) -> None:
        """A shop that was read to its end says nothing of the others, and a shop that is gone harms nobody."""
        parted = [one for one in heard.values() if any(one.records) or any(one.bookmarks)]
        if not parted:
            beside_the_point("no stream has partitions")
        for one in parted:
            first = next(iter(one.bookmarks), "")
            gone = {"unifier no such partition": json.dumps("1")}
            since = {**gone, first: one.bookmarks[first]} if first in one.bookmarks else gone
            again = rig.read({one.stream.name: since})[one.stream.name]
            others = [part for part in one.records if part != first]
            lost = [
                part
                for part in others
                if list(map(plain, again.records.get(part, []))) != list(map(plain, one.records[part]))
            ]
            require(
                not lost,
                f"stream {one.stream.name}: the bookmark of one partition changes what is read of {len(lost)} others",
                "read each partition from its own `since`",
            )

    def test_snapshots_list_everything_every_time(self, heard: dict[str, Heard], rig: Rig) -> None:
        """What a complete list does not hold is deleted: a list of changes only would delete everybody else."""
        whole = {name: one for name, one in heard.items() if one.stream.snapshot}
        if not whole:
            beside_the_point("no stream is a snapshot")
        again = rig.read(bookmarks(heard))
        for name, one in whole.items():
            require(
                len(again[name].everything) >= len(one.everything),
                f"stream {name}: the second list has {len(again[name].everything)} records, the first had "
                f"{len(one.everything)}, and nothing was deleted",
                "yield everything, or drop snapshot=True",
            )


def _with_cursor(heard: Mapping[str, Heard]) -> list[Heard]:
    found = [one for one in heard.values() if one.stream.cursor]
    if not found:
        beside_the_point("no stream has a cursor")
    return found


def _comparable(stream: Stream, value: Any, zone: str) -> Any:
    """Bring a cursor to what can be compared; None for what is none."""
    if value is None or isinstance(value, bool):
        return None
    if stream.cursor_type == "text":
        return str(value)
    try:
        if stream.cursor_type == "number":
            return value if isinstance(value, int | float) else int(value)
        when = value if isinstance(value, date) else datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    if not isinstance(when, datetime):
        when = datetime(when.year, when.month, when.day)  # noqa: DTZ001 - the zone of the source follows
    home = ZoneInfo(zone) if zone else UTC
    return (when if when.tzinfo else when.replace(tzinfo=home)).astimezone(UTC)


def _told(stream: Stream, value: Any) -> Any:
    """Write a cursor as a run hands it to the author."""
    return value.isoformat().replace("+00:00", "Z") if stream.cursor_type == "time" else value


def _cursors(one: Heard, zone: str) -> list[Any]:
    """List the cursors of a stream that was read whole, of its first partition."""
    rows = one.rows() if len(one.records) < 2 else []  # noqa: PLR2004 - partitions have bookmarks of their own
    values = [_comparable(one.stream, row.get(one.stream.cursor), zone) for row in rows if isinstance(row, Mapping)]
    return [value for value in values if value is not None]


def _expected(one: Heard, mark: Any, zone: str) -> set[str]:
    """Name the records of the rows at or after a mark."""
    found: set[str] = set()
    for row in one.rows():
        value = _comparable(one.stream, row.get(one.stream.cursor), zone) if isinstance(row, Mapping) else None
        if value is not None and value >= mark:
            made = one.stream.parse(row) if one.stream.parse else row
            records = made if isinstance(made, list | tuple) else [made]
            found |= {
                str(record["record_id"]) for record in records if isinstance(record, Mapping) and "record_id" in record
            }
    return {text for text, record in zip(one.texts, one.everything, strict=True) if record["record_id"] in found}


def _from(rig: Rig, one: Heard, mark: Any) -> Heard:
    """Read a stream from a mark."""
    part = next(iter(one.records), "")
    return rig.read({one.stream.name: {part: json.dumps(_told(one.stream, mark))}})[one.stream.name]


def _require_order(stream: Stream, rig: Rig, checker: duckdb.DuckDBPyConnection) -> None:
    try:
        for _ in Reading(stream, {}, rig.zone, checker, "", 2).batches():
            pass
    except ContractError as error:
        require(False, str(error), error.mend)


def _up_to_each_bookmark(stream: Stream, rig: Rig) -> list[tuple[dict[str, str], set[str]]]:
    """Read a stream in small batches; list the bookmarks after each batch, with what had been read by then."""
    found: list[tuple[dict[str, str], set[str]]] = []
    marks: dict[str, str] = {}
    records: set[str] = set()
    fresh = next(one for one in rig.connector().streams() if one.name == stream.name)
    with checking() as checker:
        for batch in Reading(fresh, {}, rig.zone, checker, "", 2).batches():
            if isinstance(batch, Batch):
                records |= set(map(plain, batch.valid.to_pylist()))
                if batch.cursor is not None:
                    marks[batch.part] = batch.cursor
                    found.append((dict(marks), set(records)))
    return found[:4] + found[4:][-2:]
