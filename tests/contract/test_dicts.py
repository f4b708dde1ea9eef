"""Dicts as authors yield them: Python's types come in exactly or not at all, unknown fields go where they are told."""

from __future__ import annotations

import json
import uuid
from collections import OrderedDict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from unifier.contract.check import Checked, check
from unifier.contract.jsonable import brought
from unifier.contract.records import from_dicts
from unifier.errors import ContractError

AT = "2026-05-01T08:00:00Z"
ORDER: dict[str, Any] = {"record_id": "o1", "observed_at": AT, "ordered_at": AT, "status": "paid", "amount": 100}
EAST = timezone(timedelta(hours=8))


class Word(Enum):
    """A word that is no text by itself."""

    PAID = "paid"


class Timestamp(datetime):
    """A time of a library: knows nanoseconds, and writes them."""

    def isoformat(self, sep: str = "T", timespec: str = "auto") -> str:
        """Write it with nine digits."""
        return f"{super().isoformat(sep, timespec)}.123456789"


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database in memory, as the process of a source does."""
    with duckdb.connect() as opened:
        opened.execute("SET TimeZone = 'UTC'")
        yield opened


def one(con: duckdb.DuckDBPyConnection, row: Any, kind: str = "order", zone: str = "Asia/Shanghai", **how: Any) -> Any:
    """Check one row; return the record, or the fault as pointer and rule."""
    checked = from_dicts(con, [row], kind, zone, **how)
    assert checked.valid.num_rows + checked.faults.num_rows == 1
    faults = [(fault["pointer"], fault["rule"]) for fault in checked.faults.to_pylist()]
    return faults[0] if faults else checked.valid.to_pylist()[0]


@pytest.mark.parametrize(
    ("field", "value", "held"),
    [
        ("amount", np.int64(250), 250),
        ("amount", Decimal(250), 250),
        ("amount", Decimal("2.5E2"), 250),
        ("amount", 250.0, 250),
        ("status", Word.PAID, "paid"),
        ("store", uuid.UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        ("store", np.str_("S1"), "S1"),
        ("deleted", np.bool_(False), False),
        ("paid_at", datetime.fromisoformat("2026-05-01T08:00:00"), datetime(2026, 5, 1, 0, tzinfo=UTC)),
        ("paid_at", datetime(2026, 5, 1, 8, tzinfo=EAST), datetime(2026, 5, 1, 0, tzinfo=UTC)),
        ("paid_at", datetime(2026, 5, 1, 8, 0, 0, 123456, UTC), datetime(2026, 5, 1, 8, 0, 0, 123456, UTC)),
        ("paid_at", np.datetime64("2026-05-01T08:00:00.5", "ns"), datetime(2026, 5, 1, 0, 0, 0, 500000, UTC)),
        ("paid_at", Timestamp(2026, 5, 1, 8), datetime(2026, 5, 1, 0, 0, 0, 123456, UTC)),
        ("lines", ({"quantity": Decimal("1.10")},), 1.1),
        ("lines", [MappingProxyType({"quantity": np.float64(1.5)})], 1.5),
    ],
)
def test_values_of_other_types_come_in_as_what_they_are(
    con: duckdb.DuckDBPyConnection, field: str, value: Any, held: Any
) -> None:
    """Drivers give times and decimals, pandas its scalars: an author must not have to turn each into text."""
    record = one(con, {**ORDER, field: value})

    assert (record["lines"][0]["quantity"] if field == "lines" else record[field]) == held


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("amount", Decimal("1.10"), ("/amount", "type")),
        ("amount", Decimal("1.00"), ("/amount", "type")),
        ("amount", Decimal("1E+100000"), ("/amount", "type")),
        ("amount", Decimal("NaN"), ("/amount", "type")),
        ("amount", np.float32(1.5), ("/amount", "type")),
        ("lines", [{"quantity": Decimal("0.1234567890123456789")}], ("/lines/0/quantity", "type")),
        ("lines", [{"quantity": 2**53 + 1}], ("/lines/0/quantity", "type")),
        ("paid_at", date(2026, 5, 1), ("/paid_at", "format")),
        ("paid_at", np.datetime64("NaT"), ("/paid_at", "format")),
        ("store", b"S1", ("/store", "type")),
        ("store", {"S1"}, ("/store", "type")),
        ("store", np.timedelta64(1, "s"), ("/store", "type")),
        ("store", object(), ("/store", "type")),
        ("x_acme", {1: 2}, ("/x_acme", "type")),
        ("x_acme", {"at": [object()]}, ("/x_acme/at/0", "type")),
        (7, 1, ("", "type")),
    ],
)
def test_what_has_no_exact_form_is_a_fault_that_names_its_place(
    con: duckdb.DuckDBPyConnection, field: Any, value: Any, fault: tuple[str, str]
) -> None:
    """1.10 yuan must not become 1 fen, nor 110 by a guess; and one odd row must not stop a source."""
    assert one(con, {**ORDER, field: value}) == fault


@pytest.mark.parametrize("row", ["text", 7, None, [ORDER], b"x", object(), float("nan"), {}, {None: None}])
def test_a_row_that_is_no_record_is_a_fault(con: duckdb.DuckDBPyConnection, row: Any) -> None:
    """A page with an error message in it is quarantined, not raised: the rows beside it are good."""
    checked = from_dicts(con, [ORDER, row, ORDER], "order", "UTC")

    assert checked.valid.num_rows == 2
    assert [(fault["row_no"], fault["record_id"]) for fault in checked.faults.to_pylist()] == [(1, None)]


def test_a_naive_time_without_a_zone_is_refused_like_text(con: duckdb.DuckDBPyConnection) -> None:
    """Eight hours wrong is worse than quarantined."""
    row = {**ORDER, "paid_at": datetime.fromisoformat("2026-05-01T08:00:00")}

    assert one(con, row, zone="") == ("/paid_at", "time_zone")


def test_a_midnight_is_a_date_where_a_date_is_wanted(con: duckdb.DuckDBPyConnection) -> None:
    """Pandas has no other dates; a birthday at a quarter past eight is a mistake."""
    row = {"record_id": "p1", "observed_at": AT}

    born = [
        one(con, {**row, "birthday": value}, "profile")
        for value in (
            datetime.fromisoformat("1990-01-31"),
            np.datetime64("1990-01-31T00:00:00", "ns"),
            date(1990, 1, 31),
        )
    ]

    assert [record["birthday"] for record in born] == ["1990-01-31"] * 3
    assert one(con, {**row, "birthday": datetime.fromisoformat("1990-01-31T08:15:00")}, "profile") == (
        "/birthday",
        "format",
    )


def test_free_objects_keep_what_they_hold(con: duckdb.DuckDBPyConnection) -> None:
    """A decimal in a vendor's object stays exact as text; order of keys makes no new version."""
    holds = {"price": Decimal("1.10"), "big": 2**70, "at": datetime(2026, 5, 1, tzinfo=UTC), "tags": ("a", Word.PAID)}

    first, second = (one(con, {**ORDER, "x_acme": held}) for held in (holds, OrderedDict(reversed(holds.items()))))

    assert first["x"] == second["x"]
    assert json.loads(first["x"]) == {
        "x_acme": {"price": "1.10", "big": 2**70, "at": "2026-05-01T00:00:00+00:00", "tags": ["a", "paid"]}
    }


def test_a_record_that_holds_itself_is_a_fault(con: duckdb.DuckDBPyConnection) -> None:
    """An object graph has no end."""
    ring: dict[str, Any] = {}
    ring["ring"] = ring

    assert one(con, {**ORDER, "x_acme": ring})[1] == "depth"
    assert one(con, {**ORDER, "lines": [ring]})[1] == "additionalProperties"


def test_ten_thousand_keys_are_one_fault(con: duckdb.DuckDBPyConnection) -> None:
    """A table turned on its side must not write ten thousand rows of quarantine."""
    assert one(con, ORDER | {f"k{at}": at for at in range(10_000)}) == ("", "additionalProperties")


def test_the_order_of_records_stays_where_some_are_mended(con: duckdb.DuckDBPyConnection) -> None:
    """Of two versions with one time the later in the stream wins."""
    rows = [{**ORDER, "record_id": f"o{at}", "amount": (at, Decimal(at), "bad")[at % 3]} for at in range(3_000)]

    checked = from_dicts(con, rows, "order", "UTC")

    assert checked.valid.column("record_id").to_pylist() == [f"o{at}" for at in range(3_000) if at % 3 != 2]
    assert checked.faults.column("row_no").to_pylist() == list(range(2, 3_000, 3))


STRANGE: dict[str, Any] = {
    **ORDER,
    "vip": True,
    "none": None,
    "external": {"no": "7", "shop/no": 3},
    "lines": [{"line_id": "1", "sku": "A"}, {"line_id": "2", "sku": None}, {"line_id": "3", "sku": "C"}],
}
KEPT = {"vip": True, "external/shop~1no": 3, "lines/0/sku": "A", "lines/2/sku": "C"}


def roads(con: duckdb.DuckDBPyConnection, unknown: Any, **more: Any) -> list[Checked]:
    """Check a strange order as a dict and as columns."""
    row = STRANGE | more
    columns = pa.Table.from_pylist([row])
    return [from_dicts(con, [row], "order", "UTC", unknown), check(con, columns, "order", "UTC", unknown)]


def test_unknown_fields_are_dropped_where_that_is_asked(con: duckdb.DuckDBPyConnection) -> None:
    """The record is good without them, at every depth, in both forms."""
    plain = from_dicts(
        con, [{**ORDER, "external": {"no": "7"}, "lines": [{"line_id": str(at)} for at in (1, 2, 3)]}], "order", "UTC"
    )

    assert [road.valid.to_pylist() for road in roads(con, "drop")] == [plain.valid.to_pylist()] * 2


def test_unknown_fields_are_kept_where_that_is_asked(con: duckdb.DuckDBPyConnection) -> None:
    """Nothing is lost: each value stands under its path, beside the vendors' objects."""
    for road in roads(con, "keep", x_acme={"level": 3}):
        (record,) = road.valid.to_pylist()

        assert json.loads(record["x"]) == {"x_acme": {"level": 3}, "x_unknown": KEPT}
        assert [line["line_id"] for line in record["lines"]] == ["1", "2", "3"]


def test_unknown_fields_are_refused_unless_something_else_is_asked(con: duckdb.DuckDBPyConnection) -> None:
    """A misspelt field is a hole in the data that nobody sees."""
    fault = from_dicts(con, [STRANGE], "order", "UTC").faults.to_pylist()[0]

    assert (fault["pointer"], fault["rule"]) == ("", "additionalProperties")
    assert fault["reason"] == "the record has a field vip that is not in the contract"
    with pytest.raises(ContractError, match="column vip: is not in the contract"):
        check(con, pa.Table.from_pylist([ORDER | {"vip": True}]), "order", "UTC")


def test_kept_fields_never_take_the_place_of_a_vendors_object(con: duckdb.DuckDBPyConnection) -> None:
    """A record that has an x_unknown of its own would lose one of the two."""
    row = {**ORDER, "vip": True, "x_unknown": {"vip": False}}

    assert one(con, row, unknown="keep") == ("/x_unknown", "unknown")
    with pytest.raises(ContractError, match="column x_unknown: comes beside columns that the contract does not have"):
        check(con, pa.Table.from_pylist([row]), "order", "UTC", "keep")


def test_times_beyond_the_calendar_are_left_to_the_check() -> None:
    """Bringing a time to UTC may leave the year 9999."""
    latest = datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-8)))

    assert brought(latest) == "9999-12-31T23:00:00-08:00"
