"""Bringing a batch into shape: nothing is lost on the way, and what cannot be meant is said where it stands."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unifier.contract.arrow import arrow_schema, conform
from unifier.errors import ContractError

AT = "2026-05-01T08:00:00Z"
NOON = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)


def batch(size: int = 1, **columns: Any) -> pa.Table:
    """Make a batch of profiles; what is not given is plain."""
    plain = {"record_id": [f"p{at}" for at in range(size)], "observed_at": [AT] * size}
    return pa.table(plain | columns)


def orders(**columns: Any) -> pa.Table:
    """Make a batch of one order; what is not given is plain."""
    plain = {"record_id": ["o1"], "observed_at": [AT], "ordered_at": [AT], "status": ["paid"], "amount": [100]}
    return pa.table(plain | columns)


def faults(table: pa.Table) -> list[Any]:
    """Give pointer and rule of each row's fault."""
    return [fault and (fault["pointer"], fault["rule"]) for fault in table.column("fault").to_pylist()]


def test_a_conformed_batch_has_the_canonical_columns_and_conforms_to_itself() -> None:
    """Rooms read columns by type; what is in shape must pass unchanged."""
    once = conform(batch(name=["林晓"], acquired=[{"scene": "scan"}]), "profile").drop_columns(["fault"])

    again = conform(once, "profile")

    assert once.schema == arrow_schema("profile")
    assert again.drop_columns(["fault"]).equals(once)
    assert faults(again) == [None]


@settings(deadline=None, print_blob=True)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=1, max_size=5))
def test_hostile_text_survives_unchanged(names: list[str]) -> None:
    """A name with quotes, emoji, line feeds or bidirectional marks is still that person's name."""
    table = conform(batch(len(names), name=names, x_acme=[{"name": name} for name in names]), "profile")

    assert table.column("name").to_pylist() == names


@settings(deadline=None, print_blob=True)
@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=5))
def test_integer_ids_become_exact_text(ids: list[int]) -> None:
    """Platform ids exceed 2^53; one wrong digit is another person."""
    table = conform(batch(len(ids), record_id=pa.array(ids, pa.int64())), "profile")

    assert table.column("record_id").to_pylist() == [str(number) for number in ids]


def test_floating_ids_are_refused_as_a_whole() -> None:
    """A floating id beyond 2^53 is wrong already, and nothing in it says so."""
    with pytest.raises(ContractError, match=r"column record_id: holds double.*read the column as text"):
        conform(batch(record_id=[9.007199254740993e15]), "profile")


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-05-01T12:00:00Z", NOON),
        ("2026-05-01 20:00:00+08:00", NOON),
        ("2026-05-01T20:00+0800", NOON),
        ("2026-05-01T20:00:00", NOON),
        ("2026-05-01 20:00", NOON),
        ("2026-05-01T12:00:00.123456789Z", NOON.replace(microsecond=123456)),
        ("2024-02-29T12:00:00Z", dt.datetime(2024, 2, 29, 12, tzinfo=dt.UTC)),
    ],
)
def test_times_as_text_are_read_with_their_offset_or_in_the_zone(text: str, utc: dt.datetime) -> None:
    """Platforms write local time without an offset; eight hours of error move sales to another day."""
    table = conform(batch(observed_at=[text]), "profile", "Asia/Shanghai")

    assert table.column("observed_at").to_pylist() == [utc]


@pytest.mark.parametrize(
    "text",
    [
        "2026-05-01",
        "2026-02-30T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "24:00",
        "2026-05-01T24:00:00Z",
        "",
        "now",
        "2026-05-01T12:00:00Z\n",
        "２０２６-05-01T12:00:00Z",
        "2026-05-01T12:00:00+15:00",
        "0000-01-01T00:00:00Z",
    ],
)
def test_text_that_is_no_time_is_a_fault_of_its_row_only(text: str) -> None:
    """One bad row must not stop a batch, and must not get a time that nobody wrote."""
    table = conform(batch(2, observed_at=[text, AT]), "profile", "Asia/Shanghai")

    assert faults(table) == [("/observed_at", "format"), None]


@pytest.mark.parametrize("times", [["2026-05-01T20:00:00"], [dt.datetime(2026, 5, 1, 20)]])  # noqa: DTZ001 - naive is the case
def test_a_time_without_offset_and_zone_is_a_fault(times: list[Any]) -> None:
    """A guess at the zone would be wrong by hours and look right."""
    assert faults(conform(batch(observed_at=times), "profile")) == [("/observed_at", "time_zone")]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "America/New_York"])
def test_arrow_times_of_any_unit_and_zone_come_to_utc(unit: Any, zone: str | None) -> None:
    """Databases and pandas deliver each of these."""
    zoned = pa.array([NOON]).cast(pa.timestamp(unit, tz="UTC"))
    times = zoned.cast(pa.timestamp(unit, tz=zone)) if zone else zoned.cast(pa.timestamp(unit))

    table = conform(batch(observed_at=times), "profile", "UTC")

    assert table.column("observed_at").to_pylist() == [NOON]


def test_a_time_beyond_the_calendar_is_a_fault_and_no_overflow() -> None:
    """Milliseconds given as seconds are a common slip."""
    times = pa.array([2**60], pa.int64()).view(pa.timestamp("s", tz="UTC"))

    assert faults(conform(batch(observed_at=times), "profile")) == [("/observed_at", "format")]


@pytest.mark.parametrize(
    "amounts",
    [
        ["12a"],
        ["1.0"],
        ["٣"],
        ["5\n"],
        [""],
        [1.5],
        [1.0],
        [float("nan")],
        [Decimal("1.00")],
        pa.array([2**64 - 1], pa.uint64()),
    ],
)
def test_an_amount_that_is_no_integer_is_a_fault(amounts: Any) -> None:
    """12.00 yuan read as 12 fen is wrong by a hundred, whole as it looks."""
    assert faults(conform(orders(amount=amounts), "order")) == [("/amount", "type")]


@pytest.mark.parametrize(
    "amounts",
    [
        ["100"],
        pa.array([100], pa.int8()),
        pa.array([100], pa.uint64()),
        pa.array([Decimal(100)], pa.decimal128(38, 0)),
        pa.array(["100"]).dictionary_encode(),
        pa.array(["100"], pa.large_string()),
    ],
)
def test_an_integer_of_any_make_is_accepted(amounts: Any) -> None:
    """Files, databases and data frames hold the same integer in many types."""
    table = conform(orders(amount=amounts), "order")

    assert table.column("amount").to_pylist() == [100]
    assert faults(table) == [None]


def test_a_nul_character_is_a_fault_with_its_pointer() -> None:
    """PostgreSQL refuses NUL: a run would fail at publish, far from the cause."""
    bad = [{"type": "phone", "value": "19900000001"}, {"type": "card_no", "value": "A\0"}]

    table = conform(batch(2, name=["a\0b", "林晓"], identifiers=[[], bad]), "profile")

    assert faults(table) == [("/name", "nul"), ("/identifiers/1/value", "nul")]


def test_bytes_that_are_no_utf8_are_refused_naming_the_column() -> None:
    """GB18030 bytes passed off as text would break the engine later, without a name."""
    raw = pa.array([b"\xd5\xc5"]).cast(pa.binary()).view(pa.string())

    with pytest.raises(ContractError, match="column name: holds bytes that are not UTF-8"):
        conform(batch(name=raw), "profile")


def test_faults_of_items_point_at_the_item() -> None:
    """A receipt has forty lines; the till's vendor asks which."""
    lines = [{"line_id": "1", "amount": "5"}, {"line_id": "2", "amount": "five"}]

    table = conform(orders(lines=[lines]), "order")

    assert faults(table) == [("/lines/1/amount", "type")]


def test_slices_of_lists_keep_their_own_items() -> None:
    """Batches are slices of larger tables; an offset lost would give people another's phone."""
    held = [[{"type": "phone", "value": f"1990000000{at}"}] * (at % 3) for at in range(6)]
    table = batch(6, identifiers=held).slice(2, 3)

    conformed = conform(table, "profile")

    values = [[item["value"] for item in items or ()] for items in conformed.column("identifiers").to_pylist()]
    assert values == [[item["value"] for item in items] for items in held[2:5]]


def test_vendor_objects_are_gathered_without_nulls_in_the_order_of_names() -> None:
    """A record's content must not depend on which other records shared its batch."""
    together = batch(2, x_b=[{"z": 1, "a": None}, {"z": None, "a": 2}], x_a=['{"k": 1}', None])
    alone = batch(1, x_b=[{"z": 1}], x_a=['{"k": 1}'])

    texts = conform(together, "profile").column("x").to_pylist()

    assert texts == ['{"x_a":{"k":1},"x_b":{"z":1}}', '{"x_b":{"a":2}}']
    assert conform(alone, "profile").column("x").to_pylist() == texts[:1]


def test_vendor_text_that_is_no_object_is_a_fault() -> None:
    """JSON that cannot be read again is lost."""
    table = conform(batch(3, x_a=["[1]", "{", '{"k":1}']), "profile")

    assert faults(table) == [("/x_a", "type"), ("/x_a", "type"), None]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"nmae": ["林晓"]}, "column nmae: is not in the contract — did you mean 'name'?"),
        ({"X_acme": ["{}"]}, "column X_acme: is not in the contract"),
        ({"acquired": [{"scen": "a"}]}, "field /acquired/ scen: is not in the contract — did you mean 'scene'?"),
        ({"identifiers": [[{"kind": "phone"}]]}, "field /identifiers/ kind: is not in the contract"),
        (
            {"identifiers": ["19900000001"]},
            "column identifiers: holds string, where the contract has a list of objects",
        ),
        ({"acquired": ["scan"]}, "column acquired: holds string, where the contract has an object"),
        ({"acquired": [{"scene": "a"}], "acquired_scene": ["b"]}, "column acquired_scene: comes twice"),
        ({"name": [True]}, "column name: holds bool, where the contract has text"),
        (
            {"observed_at": [dt.date(2026, 5, 1)]},
            "column observed_at: holds date32\\[day\\], where the contract has a time",
        ),
        ({"x": ["{}"], "x_a": ["{}"]}, "column x: comes beside x_a"),
    ],
)
def test_a_column_that_cannot_be_meant_is_refused_by_name(columns: dict[str, Any], message: str) -> None:
    """The author of a connector mends what is named; a dropped column is never noticed."""
    with pytest.raises(ContractError, match=message):
        conform(batch(**columns), "profile")


def test_a_column_that_comes_twice_is_refused() -> None:
    """Which of the two is meant cannot be known."""
    table = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["record_id", "record_id"])

    with pytest.raises(ContractError, match="column record_id: comes twice"):
        conform(table, "profile")


def test_a_missing_required_column_is_refused_by_name() -> None:
    """A stream that never gives the amount is broken, not dirty."""
    with pytest.raises(ContractError, match="column amount: is missing; every order has it"):
        conform(orders().drop_columns(["amount"]), "order")


def test_a_batch_of_tombstones_needs_the_envelope_only() -> None:
    """A source that deletes an order does not know its amount any more."""
    table = conform(batch(2, deleted=[True, True]), "order")

    assert faults(table) == [None, None]


def test_birthdays_and_days_come_from_dates_and_midnights() -> None:
    """Databases have date columns; pandas makes them midnights."""
    days = [dt.datetime(1990, 1, 2), dt.datetime(1990, 1, 2, 3)]  # noqa: DTZ001 - naive is the case

    table = conform(batch(2, birthday=days), "profile")

    assert table.column("birthday").to_pylist() == ["1990-01-02", None]
    assert faults(table) == [None, ("/birthday", "format")]
