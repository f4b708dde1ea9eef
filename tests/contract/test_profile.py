"""The profile of a source: what it says of fields, and that it says nothing of people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from cast import LI_QIANG, WANG_FANG

from unifier.contract.check import check
from unifier.contract.profile import SAMPLE, Profile
from unifier.contract.records import from_dicts

AT = "2026-05-01T08:00:00Z"


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database in memory."""
    with duckdb.connect() as opened:
        yield opened


def profile(*deliveries: Any, kind: str = "profile") -> dict[str, dict[str, Any]]:
    """Profile checked batches, by field."""
    made = Profile(kind)
    for checked in deliveries:
        made.add(checked)
    return {row["field"]: row for row in made.table().to_pylist()}


def member(at: int, **more: Any) -> dict[str, Any]:
    """Make a profile record."""
    return {"record_id": f"m{at}", "observed_at": AT, **more}


def test_fields_are_counted_as_filled_and_as_valid(con: duckdb.DuckDBPyConnection) -> None:
    """A field that is filled and wrong must not look like one that is empty."""
    rows = [member(0, gender="female"), member(1, gender="w"), member(2, gender=3), member(3), {"record_id": ""}]

    told = profile(from_dicts(con, rows, "profile"))

    assert (told["gender"]["rows"], told["gender"]["filled"], told["gender"]["valid"]) == (5, 3, 1)
    assert told["gender"]["types"] == "integer,string"
    assert (told["record_id"]["filled"], told["record_id"]["valid"]) == (2, 2)
    assert told["postcode"] == {
        "kind": "profile",
        "field": "postcode",
        "rows": 5,
        "filled": 0,
        "valid": 0,
        "distinct_estimate": 0,
        "types": "",
    }


def test_fields_of_lists_are_counted_by_their_items(con: duckdb.DuckDBPyConnection) -> None:
    """Half of the phones without proof says more than one record in three with a list."""
    phones = [{"type": "phone", "value": WANG_FANG.phone, "verified": True}, {"type": "phone", "value": LI_QIANG.phone}]

    told = profile(from_dicts(con, [member(0, identifiers=phones), member(1), member(2, identifiers=[])], "profile"))

    assert (told["identifiers"]["rows"], told["identifiers"]["filled"]) == (3, 2)
    assert (told["identifiers[].verified"]["rows"], told["identifiers[].verified"]["filled"]) == (2, 1)
    assert told["identifiers[].value"]["distinct_estimate"] == 2


def test_unknown_fields_are_told_wherever_they_stand(con: duckdb.DuckDBPyConnection) -> None:
    """A new column of the source is news, whether its records are refused or not."""
    rows = [
        member(at, vip=at, acquired={"note": "x"}, identifiers=[{"type": "a", "value": "b", "sku": 1.5}])
        for at in range(20)
    ]

    for unknown in ("quarantine", "drop", "keep"):
        told = profile(from_dicts(con, rows, "profile", unknown=unknown))

        assert {
            name: (told[name]["filled"], told[name]["valid"], told[name]["types"])
            for name in told
            if told[name]["filled"] and not told[name]["valid"]
        } == {
            "vip": (20, 0, "integer"),
            "acquired.note": (20, 0, "string"),
            "identifiers[].sku": (20, 0, "number"),
        }, unknown


def test_columns_tell_the_types_in_which_they_arrived(con: duckdb.DuckDBPyConnection) -> None:
    """Money that was an integer and is text now is the first sign of another export."""
    columns: dict[str, Any] = {"record_id": ["1"], "observed_at": [AT], "ordered_at": [AT], "status": ["paid"]}
    numbers = pa.table(columns | {"amount": [100], "vip": [True], "lines": [[{"amount": "3", "sku": 1}]]})

    told = profile(check(con, numbers, "order", unknown="drop"), kind="order")

    assert {name: told[name]["types"] for name in ("amount", "vip", "lines[].amount", "lines[].sku", "status")} == {
        "amount": "integer",
        "vip": "boolean",
        "lines[].amount": "string",
        "lines[].sku": "integer",
        "status": "string",
    }


def test_no_value_reaches_a_profile_even_as_a_key(con: duckdb.DuckDBPyConnection) -> None:
    """An export with people for keys must not put their numbers into the store."""
    odd = {WANG_FANG.phone: 1, "陈先生的会员卡号": 2, "a@b.example": 3, "k" * 200: 4, "\ud800": 5}
    rows = [member(at, name=WANG_FANG.name, **({"note": 1} | odd if at == 7 else {"note": 1})) for at in range(50)]

    made = Profile("profile")
    made.add(from_dicts(con, rows, "profile", unknown="drop"))

    unknown = {row["field"]: row["filled"] for row in made.table().to_pylist() if not row["valid"] and row["filled"]}
    assert unknown == {"note": 50, "*": 4}
    text = str(made.table().to_pylist())
    assert not [secret for secret in (WANG_FANG.phone, "陈先生", WANG_FANG.name, "@") if secret in text]


def test_a_thousand_unknown_fields_are_told_together(con: duckdb.DuckDBPyConnection) -> None:
    """A source that has data for keys would otherwise write a profile longer than its records."""
    rows = [member(at, **{f"k{key}": 1 for key in range(1000)}) for at in range(10)]

    told = profile(from_dicts(con, rows, "profile", unknown="drop"))

    assert told["*"]["filled"] == 900 * 10
    assert len([name for name in told if name.startswith("k")]) == 100


def test_the_number_of_values_is_estimated_from_a_bounded_sample(con: duckdb.DuckDBPyConnection) -> None:
    """Ten million keys must not be remembered to say that they are many."""
    made = Profile("guide")
    for start in range(0, 60_000, 7_000):
        ids = pa.array([str(at) for at in range(start, start + 7_000)])
        names = pa.array([f"n{at % 50}" for at in range(7_000)])
        made.add(check(con, pa.table({"record_id": ids, "observed_at": [AT] * 7_000, "name": names}), "guide"))

    told = {row["field"]: row["distinct_estimate"] for row in made.table().to_pylist()}

    assert sum(table.num_rows for table in made._sample) <= SAMPLE
    assert (told["name"], told["observed_at"]) == (50, 1)
    assert told["record_id"] == 63_000
