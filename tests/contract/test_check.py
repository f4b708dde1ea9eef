"""Checking: the columnar check and the JSON Schemas must accept the same records, and faults must tell and not leak."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import duckdb
import jsonschema
import jsonschema_rs
import numpy as np
import pyarrow as pa
import pytest
from contract.arriving import AT, WORDS, arriving, pointers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unifier.contract.arrow import arrow_schema, conform, landing_schema
from unifier.contract.check import check, faults_sql
from unifier.contract.formats import PREDICATES, format_checker
from unifier.contract.kinds import VENDOR, Field, KindSchema, kind
from unifier.contract.tables import content_sql
from unifier.words import KINDS

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database in memory."""
    with duckdb.connect() as opened:
        yield opened


def cells(field: Field) -> st.SearchStrategy[Any]:
    """Draw values of a field's type, good ones and all sorts of bad ones."""
    if field.type == "boolean":
        return st.booleans()
    if field.type == "number":
        return st.floats(allow_nan=False, allow_infinity=False)
    if field.type == "integer":
        edges = [bound + step for bound in (field.minimum, field.maximum) if bound is not None for step in (-1, 0, 1)]
        return st.sampled_from([*edges, 0]) | st.integers(-(10**17), 10**17)
    if field.enum:
        return st.sampled_from([*field.enum, *field.enum, "", "PAID", "own\n"])
    if field.format:
        return st.sampled_from(WORDS[field.format]) | TEXTS
    limit = field.max_length or 0
    return TEXTS | st.sampled_from(["x" * limit, "张" * limit, "🙂" * (limit + 1), "x" * (limit + 1), ""])


def drawn(draw: st.DrawFn, fields: tuple[Field, ...]) -> dict[str, Any]:
    """Draw an object with some of the fields, mostly the required ones; optional ones may be null."""
    found: dict[str, Any] = {}
    for field in fields:
        if draw(st.integers(0, 19)) < (18 if field.required else 6):
            value = draw(cells(field) if field.required else st.none() | cells(field))
            inner, *outer = reversed(field.path.split("."))
            target = found
            for name in outer:
                target = target.setdefault(name, {})
            target[inner] = value
    return found


@st.composite
def records(draw: st.DrawFn, schema: KindSchema) -> dict[str, Any]:
    """Draw a record of a kind as a connector might yield it."""
    record = drawn(draw, schema.scalars)
    for part in schema.lists:
        if draw(st.integers(0, 3)) == 0:
            record[part.path] = [drawn(draw, part.fields) for _ in range(draw(st.integers(0, 2)))]
    for part in schema.free:
        if draw(st.booleans()):
            record[part.path] = draw(st.dictionaries(TEXTS, st.integers(0, 9), max_size=2) | st.none())
    return record


@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=6, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_columnar_check_and_both_validators_accept_the_same_records(
    con: duckdb.DuckDBPyConnection, name: str, data: st.DataObject
) -> None:
    """A record must not be good as a dict and bad in a file; and a fault must point at what is wrong."""
    schema = kind(name)
    reference = jsonschema.Draft202012Validator(schema.schema, format_checker=format_checker())
    compiled = jsonschema_rs.validator_for(dict(schema.schema), formats=dict(PREDICATES), validate_formats=True)
    rows = data.draw(st.lists(records(schema), min_size=1, max_size=12))

    checked = check(con, arriving(rows, schema), name, "UTC")

    wrong = {fault["row_no"]: fault["pointer"] for fault in checked.faults.to_pylist()}
    errors = [list(reference.iter_errors(row)) for row in rows]
    assert set(wrong) == {at for at, found in enumerate(errors) if found}
    assert set(wrong) == {at for at, row in enumerate(rows) if not compiled.is_valid(row)}
    assert checked.valid.num_rows + checked.faults.num_rows == len(rows)
    for at, pointer in wrong.items():
        assert pointer in set().union(*(pointers(error) for error in errors[at]))


@pytest.mark.parametrize("name", ["profile", "order"])
@settings(max_examples=6, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_looking_at_whole_columns_first_changes_no_verdict(
    con: duckdb.DuckDBPyConnection, name: str, data: st.DataObject
) -> None:
    """The fast look may only spare work."""
    table = arriving(data.draw(st.lists(records(kind(name)), min_size=1, max_size=12)), kind(name))
    numbered = conform(table, name, "UTC").append_column("row_no", pa.array(np.arange(table.num_rows, dtype=np.int64)))
    con.register("everything", numbered)

    every = con.sql(faults_sql(name, "everything")).to_arrow_table().sort_by("row_no").to_pylist()

    found = check(con, table, name, "UTC").faults.drop_columns(["raw"]).to_pylist()
    assert found == every


@pytest.mark.parametrize("key", ["x_acme", "x_a1_b", "x_", "x_acme\n", "x_É", "X_acme", "x_٣", "x-acme"])
def test_all_roads_agree_on_what_names_a_vendor(key: str) -> None:
    """Validators differ in what the end of a line is: a name that only one accepts would be lost in a file."""
    schema = kind("profile").schema
    row = {"record_id": "p1", "observed_at": AT, key: {"level": 3}}
    reference = jsonschema.Draft202012Validator(schema, format_checker=format_checker()).is_valid(row)

    compiled = jsonschema_rs.validator_for(dict(schema), formats=dict(PREDICATES), validate_formats=True).is_valid(row)

    assert compiled == reference
    assert (VENDOR.fullmatch(key) is not None) == reference


def order(**columns: Any) -> pa.Table:
    """Make a batch of one order; what is not given is plain."""
    plain = {"record_id": ["o1"], "observed_at": [AT], "ordered_at": [AT], "status": ["paid"], "amount": [100]}
    return pa.table(plain | columns)


@pytest.mark.parametrize(
    ("columns", "pointer", "rule", "reason"),
    [
        ({"status": ["lost"]}, "/status", "enum", "status is not one of placed, paid, shipped, completed, closed"),
        ({"amount": [-1]}, "/amount", "minimum", "amount is less than 0"),
        ({"amount": [None]}, "/amount", "required", "amount is missing"),
        ({"record_id": [""]}, "/record_id", "minLength", "record_id is empty"),
        ({"currency": ["yuan"]}, "/currency", "format", "currency is not a currency code of three capital letters"),
        ({"external": [{"no": "9" * 257}]}, "/external/no", "maxLength", "external.no is longer than 256 characters"),
        ({"lines": [[{"line_id": "1"}, None]]}, "/lines/1", "type", "an item of lines is null"),
        ({"lines": [[{"quantity": float("nan")}]]}, "/lines/0/quantity", "type", "quantity is not a finite number"),
        ({"identifiers": [[{"value": "1"}]]}, "/identifiers/0/type", "required", "type is missing"),
        (
            {"identifiers": [[{"type": "phone", "value": "1", "role": "friend"}]]},
            "/identifiers/0/role",
            "enum",
            "role is not one of own, staff, receiver, payer",
        ),
    ],
)
def test_a_fault_says_where_and_why(
    con: duckdb.DuckDBPyConnection, columns: dict[str, Any], pointer: str, rule: str, reason: str
) -> None:
    """The words are what a connector's author reads in quarantine."""
    (fault,) = check(con, order(**columns), "order").faults.to_pylist()

    assert (fault["pointer"], fault["rule"], fault["reason"]) == (pointer, rule, reason)


def test_a_reason_never_holds_the_value(con: duckdb.DuckDBPyConnection) -> None:
    """Reasons are logged and reported; a birth date in them would leave the store."""
    people = pa.table({"record_id": ["p1"], "observed_at": [AT], "birthday": ["31.12.1990"]})

    (fault,) = check(con, people, "profile").faults.to_pylist()

    assert fault["reason"] == "birthday is neither a date nor --MM-DD"
    assert "31.12.1990" in fault["raw"]


def test_refused_rows_keep_their_number_key_and_raw_text(con: duckdb.DuckDBPyConnection) -> None:
    """Quarantine is replayed from the raw text and counted against the batch."""
    people = pa.table({"record_id": ["p1", "p2", "p3"], "observed_at": [AT, "never", AT], "name": ["a", "b", "c"]})

    checked = check(con, people, "profile")

    assert checked.valid.column("record_id").to_pylist() == ["p1", "p3"]
    assert checked.valid.schema == arrow_schema("profile")
    (fault,) = checked.faults.to_pylist()
    assert (fault["row_no"], fault["record_id"]) == (1, "p2")
    assert json.loads(fault["raw"]) == {"record_id": "p2", "observed_at": "never", "name": "b"}


def test_faults_keep_their_order_in_a_session_that_does_not(con: duckdb.DuckDBPyConnection) -> None:
    """The store's session gives up the order of rows for memory; raw texts must stay with their rows."""
    size = 200_000
    people = pa.table({"record_id": [f"p{at}" for at in range(size)], "observed_at": ["never"] * size})
    con.execute("SET preserve_insertion_order = false")

    found = check(con, people, "profile").faults

    assert found.column("row_no").to_pylist() == list(range(size))
    keys = [json.loads(raw or "")["record_id"] for raw in found.column("raw").to_pylist()]
    assert keys == found.column("record_id").to_pylist()


def test_tombstones_need_no_more_than_the_envelope(con: duckdb.DuckDBPyConnection) -> None:
    """A deletion must not be quarantined for lacking what was deleted."""
    table = order(deleted=[True], ordered_at=pa.nulls(1), status=pa.nulls(1), amount=pa.nulls(1))

    assert check(con, table, "order").faults.num_rows == 0


def content(con: duckdb.DuckDBPyConnection, rows: list[dict[str, Any]]) -> list[int]:
    """Land profiles and give their contents."""
    with con.cursor() as session:
        session.execute("SET TimeZone = 'UTC'")
        valid = check(session, pa.Table.from_pylist(rows, schema=LANDED), "profile").valid
        session.register(
            "landed", valid.cast(pa.schema([landing_schema("profile").field(name) for name in valid.column_names]))
        )
        found = session.execute(f"SELECT {content_sql('profile', 'l.')} FROM landed l").fetchall()
    return [value for (value,) in found]


LANDED = pa.schema(
    [
        *((name, pa.string()) for name in ("record_id", "observed_at", "name", "province", "city", "acquired_scene")),
        ("deleted", pa.bool_()),
        ("registered_at", pa.string()),
        ("identifiers", arrow_schema("profile").field("identifiers").type),
    ]
)


def test_contents_differ_wherever_two_records_differ(con: duckdb.DuckDBPyConnection) -> None:
    """A change that looks like none would never reach the golden record."""
    phone = {"type": "phone", "value": "19900000001"}
    variants: list[dict[str, Any]] = [
        {},
        {"name": ""},
        {"name": "a"},
        {"province": "a"},
        {"name": "", "province": ""},
        {"province": "", "city": ""},
        {"deleted": True},
        {"registered_at": AT},
        {"identifiers": []},
        {"identifiers": [phone]},
        {"identifiers": [phone, phone]},
        {"identifiers": [phone | {"scope": ""}]},
        {"identifiers": [phone | {"verified": True}]},
        {"identifiers": [phone | {"verified": False}]},
    ]

    found = content(con, [{"record_id": "p1", "observed_at": AT} | variant for variant in variants])

    assert len(set(found)) == len(variants)


def test_content_depends_on_nothing_but_the_record(con: duckdb.DuckDBPyConnection) -> None:
    """Read again in another batch, at another time, under another key, equal records are unchanged."""
    record = {
        "name": "林晓",
        "registered_at": "2026-05-01T16:00:00+08:00",
        "identifiers": [{"type": "phone", "value": "1"}],
    }
    alone = content(con, [{"record_id": "p1", "observed_at": AT, "deleted": None} | record])
    others = [
        {"record_id": f"q{at}", "observed_at": "2020-01-01T00:00:00Z", "deleted": False} | record for at in range(3)
    ]

    assert set(content(con, [*others, others[0] | {"registered_at": AT}])) == set(alone)
    assert alone == [KNOWN]


CONDENSED = "228348\0林晓\x001777622400000000\x001\x00116\0phone\x001"
"""What is absent, name, time, one identifier: what of it is absent, type, value."""

KNOWN = int.from_bytes(hashlib.md5(CONDENSED.encode(), usedforsecurity=False).digest()[8:], "little")
"""The content of one record as it stands in stores that exist: a change makes every record look updated."""
