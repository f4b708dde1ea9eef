"""Reading a stream: what becomes a batch, what is refused, and where the bookmark may stand."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stages.readings import MOMENT, batches, bookmark, ids, profile, stream

from unifier import Checkpoint, Chunk, Connector, Reject
from unifier import stream as marked
from unifier.errors import ContractError, PluginError
from unifier.offers.connector import Stream
from unifier.stages.reading import Batch, Reading


def at(minutes: int) -> str:
    """Write a time some minutes after the moment."""
    return (datetime(2026, 5, 1, 8, tzinfo=UTC) + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def test_dicts_lists_and_columns_become_batches_in_the_order_in_which_they_were_yielded() -> None:
    """Rows wait for one another; columns do not, and push what waits before them."""
    columns = pa.table({"record_id": ["r4", "r5"], "observed_at": [MOMENT, MOMENT]})
    found = batches(stream([profile(1), [profile(2), profile(3)], columns, profile(6)]))

    assert ids(found) == ["r1", "r2", "r3", "r4", "r5", "r6"]
    assert [batch.read for batch in found] == [3, 2, 1]


def test_the_bookmark_moves_once_at_the_end_and_stays_behind_the_greatest_time_seen() -> None:
    """A source that yields the newest first and is stopped half way must not leave a bookmark at the newest."""
    found = batches(stream([profile(n, at(60 - n)) for n in range(7)], cursor="observed_at"))

    assert [batch.cursor is None for batch in found] == [True, True, False]
    assert bookmark(found) == at(50)


def test_a_time_in_the_future_does_not_hide_what_happens_until_then() -> None:
    """Somebody types 2099 once; the next run must still see tomorrow's records."""
    before = datetime.now(UTC)
    found = batches(stream([profile(1, "2099-01-01T00:00:00Z")], cursor="observed_at"))

    assert datetime.fromisoformat(bookmark(found)) <= before


def test_a_bookmark_never_goes_back() -> None:
    """What is read again because reading is inclusive is older than the bookmark would be."""
    since = {"": json.dumps(at(30))}

    assert bookmark(batches(stream([profile(1, at(35))], cursor="observed_at"), since)) is None
    assert bookmark(batches(stream([profile(1, at(45))], cursor="observed_at"), since)) == at(35)


def test_an_ordered_stream_moves_its_bookmark_with_every_batch() -> None:
    """It can go on where it was stopped."""
    rows = [profile(n, at(n)) for n in range(6)]
    found = batches(stream(rows, cursor="observed_at", ordered=True, overlap=timedelta(0)))

    assert [json.loads(batch.cursor or "null") for batch in found] == [at(2), at(5)]


@pytest.mark.parametrize("rows", [[0, 2, 1, 3], [0, 1, 2, 1, 4, 5]], ids=["inside a batch", "between two"])
def test_an_ordered_stream_that_goes_backwards_fails_keeps_what_it_read_and_starts_over(rows: list[int]) -> None:
    """The bookmark goes back to where it was: rows may have been passed over behind it."""
    one = stream([profile(n, at(n)) for n in rows], cursor="observed_at", ordered=True, overlap=timedelta(0))
    found: list[Batch] = []
    with duckdb.connect() as checker:
        reading = Reading(one, {"": json.dumps(at(-5))}, "", checker, "source crm", 3)
        with pytest.raises(ContractError, match="source crm stream members: its cursor observed_at went backwards"):
            found.extend(batch for batch in reading.batches() if isinstance(batch, Batch))

    assert len(ids(found)) >= 3
    assert bookmark(found) == at(-5)


def test_a_checkpoint_moves_the_bookmark_there() -> None:
    """What came before it is in, whatever the order."""
    found = batches(stream([profile(1), Checkpoint("page 2"), profile(2), Checkpoint("page 3"), profile(3)]))

    assert [json.loads(batch.cursor or "null") for batch in found] == ["page 2", "page 3", None]


def test_numbers_and_texts_can_be_cursors_and_have_no_overlap() -> None:
    """An overlap is a span of time."""
    numbers = stream([{"id": 3}, {"id": 11}], cursor="id", cursor_type="number", parse=lambda row: profile(row["id"]))
    texts = stream([{"id": "b"}, {"id": "a"}], cursor="id", cursor_type="text", parse=lambda _: profile(1))

    assert bookmark(batches(numbers)) == 11
    assert bookmark(batches(texts)) == "b"


def test_the_cursor_of_raw_rows_is_read_from_them_in_the_zone_of_the_source() -> None:
    """A till writes local time."""
    one = stream([{"changed": "2026-05-01 16:30:00"}], cursor="changed", parse=lambda _: profile(1))

    assert bookmark(batches(one, zone="Asia/Shanghai")) == at(20)


def test_each_partition_has_a_bookmark_of_its_own() -> None:
    """Shops are read one after the other, each from where it was left."""

    class Shops(Connector):
        name = "shops"
        seen: list[tuple[Any, str]] = []  # noqa: RUF012 - filled by the test

        def shops(self) -> list[str]:
            return ["north", "south", "west"]

        @marked("profile", cursor="observed_at", overlap="0s", partitions="shops")
        def members(self, since: Any, shop: str) -> Any:
            self.seen.append((since, shop))
            if shop != "west":
                yield profile(1, at(1) if shop == "north" else at(2))

    (one,) = Shops({}, Path()).streams()
    found = batches(one, {"south": json.dumps(at(0))})

    assert Shops.seen == [(None, "north"), (at(0), "south"), (None, "west")]
    assert [(batch.part, bookmark([batch], batch.part)) for batch in found] == [("north", at(1)), ("south", at(2))]


def test_what_an_author_rejects_is_kept_with_the_reason_and_counted_as_read() -> None:
    """A row that is no record is no reason to stop."""
    (found,) = batches(stream([profile(1), Reject({"mobile": "?"}, "the line has no id")]))

    assert found.read == 2
    (fault,) = found.faults.to_pylist()
    assert (fault["row_no"], fault["rule"], fault["reason"]) == (1, "rejected", "the line has no id")
    assert json.loads(fault["raw"]) == {"mobile": "?"}


def _of_page(page: dict[str, Any]) -> list[dict[str, Any]]:
    return [profile(number) for number in page["ids"]]


def test_parse_makes_records_of_raw_rows_and_what_it_cannot_parse_keeps_the_raw_row() -> None:
    """The reason tells where the code stands, never what stands in the row."""
    rows = [{"ids": [1, 2]}, {"ids": None, "name": "王芳"}, {"ids": []}]
    (found,) = batches(stream(rows, parse=_of_page), at_once=50)

    assert ids([found]) == ["r1", "r2"]
    (fault,) = found.faults.to_pylist()
    assert fault["reason"].startswith("parse raised TypeError in test_reading.py line ")
    assert json.loads(fault["raw"]) == {"ids": None, "name": "王芳"}


def test_a_record_that_breaks_the_contract_keeps_the_raw_row_it_was_parsed_from() -> None:
    """A replay needs what the source said, not what an old version made of it."""
    (found,) = batches(stream([{"n": 1, "sex": "?"}], parse=lambda row: profile(row["n"], gender=row["sex"])))

    assert [json.loads(fault["raw"]) for fault in found.faults.to_pylist()] == [{"n": 1, "sex": "?"}]


@pytest.mark.parametrize("made", [None, "text", [3]], ids=repr)
def test_what_parse_returns_must_be_records(made: Any) -> None:
    """Nothing is dropped in silence: to pass a row over, return an empty list."""
    (found,) = batches(stream([{"n": 1}], parse=lambda _: made))

    assert (found.valid.num_rows, found.faults.num_rows) == (0, 1)


def test_something_that_is_no_record_at_all_fails_the_source() -> None:
    """It is the author's mistake, not one of the data."""
    with pytest.raises(ContractError, match="yields int, where a record is a dict"):
        batches(stream([3]))


def test_chunks_carry_their_own_bookmarks_and_lines_that_could_not_be_read() -> None:
    """That is how files are read: each is a partition."""
    chunk = Chunk([profile(1)], part="a.jsonl", origin="a.jsonl", cursor='"done"', refused=[(7, "not JSON", "{")])
    (found,) = batches(stream([chunk]))

    assert (found.part, found.origin, found.cursor, found.read) == ("a.jsonl", "a.jsonl", '"done"', 2)
    assert found.faults.to_pylist()[0]["row_no"] == 7


@pytest.mark.parametrize(
    ("traits", "fault"),
    [
        ({"ordered": True}, "ordered by nothing"),
        ({"snapshot": True, "cursor": "observed_at"}, "read whole"),
        ({"snapshot": True, "consume": True, "parse": dict}, "cannot be consumed"),
        ({"consume": True}, "kept raw"),
        ({"max_vanish": 5}, "no share"),
        ({"cursor_type": "date"}, "cursor_type"),
    ],
)
def test_traits_that_contradict_each_other_are_refused(traits: dict[str, Any], fault: str) -> None:
    """Before anything is read."""
    with pytest.raises(PluginError, match=fault):
        Stream("members", "profile", lambda _: iter(()), **traits)


@settings(deadline=None)
@given(st.lists(st.integers(0, 90), max_size=30), st.integers(1, 7), st.booleans())
def test_a_bookmark_never_hides_a_row_that_comes_late(minutes: list[int], at_once: int, ordered: bool) -> None:
    """Whatever the order and the cut: all later rows, and those committed up to ten minutes late, lie behind it."""
    rows = [profile(n, at(minute)) for n, minute in enumerate(sorted(minutes) if ordered else minutes)]
    found = batches(stream(rows, cursor="observed_at", ordered=ordered), at_once=at_once)

    assert ids(found) == [row["record_id"] for row in rows]
    if minutes:
        assert bookmark(found) == at(max(minutes) - 10)
