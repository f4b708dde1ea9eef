"""Hashed-only sources join only if our hashes are theirs, bit for bit."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from cast import CAST
from hypothesis import given
from hypothesis import strategies as st
from identifiers.hostile import TWO_ROADS

from unifier.identifiers import derivations, sm3, sm3_column
from unifier.identifiers.placeholders import PATTERNS, PHONES, is_placeholder

if TYPE_CHECKING:
    from unifier.identifiers.hashes import Derivation

PUBLISHED = {
    "md5": "7945bd83237335e5376ff44d62e4f0ae",
    "sha256": "a6942f9771d67f34034d2f1926988ed3fad3bf1b4e7cedb9a31f31398dea43bc",
    "sm3": "ee5e7b1cbf65495467be9ff49ac5fc14b6887547c1cd7f8856221b23f1efa062",
    "mix_mobile@brand1": "804249d5e8e3843fef304938b1ad1c17",
}
DERIVATIONS = derivations({"brand1": "testky"})


@pytest.mark.parametrize("derivation", DERIVATIONS, ids=lambda derivation: derivation.rule)
def test_derived_columns_match_the_vectors(derivation: Derivation) -> None:
    """Each rule is pinned to a value that others computed; null stays null."""
    hashed = derivation.column(pa.chunked_array([["13800138000"], [None]], pa.string()))

    assert hashed.to_pylist() == [PUBLISHED[derivation.rule], None]


@pytest.mark.parametrize("derivation", DERIVATIONS, ids=lambda derivation: derivation.rule)
def test_derived_sql_gives_the_derived_column(derivation: Derivation, columnar: Callable[..., list[Any]]) -> None:
    """Whether SQL or Arrow does the work must not matter."""
    phones = [person.phone for person in CAST]
    sql = derivation.sql("a")
    if sql is None:
        assert derivation.rule == "sm3"
        return

    assert columnar(sql, phones) == derivation.column(pa.array(phones)).to_pylist()


def test_each_brand_has_its_own_mix() -> None:
    """Two brands' hashes of one phone must not be compared."""
    mixed = [(d.rule, d.to_type, d.to_scope) for d in derivations({"b": "k2", "a": "it's"}) if d.to_scope]

    assert mixed == [("mix_mobile@a", "mix_mobile", "a"), ("mix_mobile@b", "mix_mobile", "b")]


def test_a_key_with_a_quote_is_still_a_key() -> None:
    """Keys are data; they enter SQL quoted."""
    (derivation,) = (d for d in derivations({"a": "it's"}) if d.to_scope)
    inner = hashlib.md5(b"tmall19900000001it's", usedforsecurity=False).hexdigest()

    assert derivation.column(pa.array(["19900000001"])).to_pylist() == [
        hashlib.md5(inner.encode(), usedforsecurity=False).hexdigest()
    ]


def test_sm3_matches_the_standards_example() -> None:
    """GB/T 32905-2016, appendix A: the digest of `abc`."""
    expected = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"

    assert (sm3("abc"), sm3_column(pa.array(["abc"]))[0].as_py()) == (expected, expected)


@pytest.mark.skipif("sm3" not in hashlib.algorithms_available, reason="this OpenSSL has no SM3")
@TWO_ROADS
@given(st.lists(st.none() | st.text(max_size=13), max_size=100), st.integers(0, 5))
def test_sm3_in_numpy_is_openssls(texts: list[str | None], start: int) -> None:
    """Slices share buffers with their parents; the offsets must be minded."""
    column = pa.array(texts, pa.string()).slice(min(start, len(texts)))
    expected = [None if text is None else hashlib.new("sm3", text.encode()).hexdigest() for text in column.to_pylist()]

    assert sm3_column(column).to_pylist() == expected


def test_sm3_of_long_text_is_refused() -> None:
    """One block is a promise, not a truncation."""
    with pytest.raises(ValueError, match="at most 55 bytes, got 56"):
        sm3_column(pa.array(["x" * 56]))


def test_every_listed_placeholder_phone_is_one() -> None:
    """The list feeds the hashes, the pattern the readings; they must name the same numbers."""
    assert [phone for phone in sorted(PHONES) if not is_placeholder("phone", phone)] == []


def test_nobody_of_the_cast_has_a_placeholder() -> None:
    """A list that is too greedy takes phones away from people."""
    values = (
        [("phone", p.phone) for p in CAST] + [("email", p.email) for p in CAST] + [("opaque", p.unionid) for p in CAST]
    )

    assert [value for form, value in values if value and form in PATTERNS and is_placeholder(form, value)] == []
