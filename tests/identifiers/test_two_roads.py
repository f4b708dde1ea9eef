"""Every value is read alike by the Python road and the SQL road, however hostile it is.

The graph is defined by the Python functions and computed by the SQL ones: one disagreement and a person is explained by
links that do not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from identifiers.hostile import TWO_ROADS, hostile, many, many_pairs

from unifier import identifiers as i
from unifier.identifiers.text import clean, clean_sql, fold, fold_rare, fold_rare_sql, fold_sql
from unifier.offers.identifier import IdentifierType, NormalForm

Columnar = Callable[..., list[Any]]

TYPES = i.registry({}, [IdentifierType("loyalty_no", normal="card", own=2, min_length=4, max_length=8)])
KEYS = {"brand1": "testky"}
FORMS: tuple[NormalForm, ...] = ("opaque", "card", "lower_hex32", "lower_hex64", "email", "plate", "id_card")


def _differences(values: Sequence[Any], python: Sequence[Any], sql: Sequence[Any]) -> list[tuple[Any, Any, Any]]:
    return [row for row in zip(values, python, sql, strict=True) if row[1] != row[2]]


def _rows(found: Sequence[Sequence[dict[str, str]]]) -> list[tuple[tuple[str, ...], ...]]:
    return [tuple(tuple(reading.values()) for reading in row) for row in found]


@TWO_ROADS
@given(many)
def test_text_is_folded_alike(columnar: Columnar, values: list[str]) -> None:
    """Folding stands under everything else: a difference here is a difference everywhere."""
    for python, sql in ((fold, fold_sql), (clean, clean_sql), (fold_rare, fold_rare_sql)):
        assert _differences(values, [python(value) for value in values], columnar(sql("a"), values)) == []


@TWO_ROADS
@given(many)
def test_phone_fields_are_read_alike(columnar: Columnar, values: list[str]) -> None:
    """The short ways of the SQL road must give what the long way gives."""
    expected = [tuple(map(tuple, i.read_phone(value))) for value in values]

    assert _differences(values, expected, _rows(columnar(i.phone_sql("a"), values))) == []


_spelled = st.builds(
    lambda lead, gaps, number, tail: lead + "".join(map(str.__add__, number, gaps)) + tail,
    st.sampled_from(["", "+86", "86 ", "0086-", "0", "'", " ", "86-0"]),
    st.just([""] * 11) | st.lists(st.sampled_from(["", "", "", " ", "-", "."]), min_size=11, max_size=11),
    st.one_of(st.integers(0, 9999).map(lambda n: f"1990000{n:04}"), st.from_regex(r"\A1[3-9][0-9]{9}\Z")),
    st.sampled_from(["", ".0", " ", "  ", "-1", "(妻)"]),
)


@TWO_ROADS
@given(st.lists(_spelled, min_size=40, max_size=160))
def test_spelled_mobile_numbers_are_read_alike(columnar: Columnar, values: list[str]) -> None:
    """Prefixes and separators are the commonest dirt, so they have a short way of their own."""
    expected = [tuple(map(tuple, i.read_phone(value))) for value in values]

    assert _differences(values, expected, _rows(columnar(i.phone_sql("a"), values))) == []


@pytest.mark.parametrize("form", FORMS)
@TWO_ROADS
@given(values=many)
def test_normal_forms_are_alike(columnar: Columnar, form: NormalForm, values: list[str]) -> None:
    """A value that two roads write differently links on one road only."""
    expected = [i.normalise(form, value, KEYS) for value in values]
    found = [tuple(row.values()) for row in columnar(i.normalise_sql(form, "a", KEYS), values)]

    assert _differences(values, expected, found) == []


@TWO_ROADS
@given(st.lists(st.tuples(st.sampled_from([*TYPES, "no_such_type"]), st.none() | hostile), min_size=40, max_size=160))
def test_whole_rows_are_read_alike(columnar: Columnar, rows: list[tuple[str, str | None]]) -> None:
    """The dispatch by declared type is part of the truth: a receiver's phone must stay one on both roads."""
    expected = [tuple(map(tuple, i.readings(type_, value, TYPES, KEYS))) for type_, value in rows]
    sql = i.readings_sql("a", "b", TYPES, KEYS)

    assert _differences(rows, expected, _rows(columnar(sql, *zip(*rows, strict=True)))) == []


_name_like = st.text(alphabet="王芳欧阳小明老总某妈· (（、", max_size=18)


@TWO_ROADS
@given(st.lists(_name_like | hostile, min_size=40, max_size=160))
def test_names_are_keyed_alike(columnar: Columnar, values: list[str]) -> None:
    """Name keys veto links: a key on one road only splits a person there."""
    expected = [i.name_key(value) for value in values]

    assert _differences(values, expected, columnar(i.name_key_sql("a"), values)) == []


_han = st.text(alphabet="王芳方李强小明敏敬", min_size=2, max_size=4)
_latin = st.text(alphabet="ABW N", min_size=2, max_size=7).map(lambda t: " ".join(t.split())).filter(bool)
_keys = st.one_of(_han, _latin)


@TWO_ROADS
@given(st.lists(st.tuples(_keys, _keys), min_size=40, max_size=160))
def test_name_keys_agree_alike(columnar: Columnar, pairs: list[tuple[str, str]]) -> None:
    """SQL answers for keys of one script; a Han and a Latin key are left to the pinyin."""
    expected = [a.isascii() == b.isascii() and i.names_agree(a, b) for a, b in pairs]
    found = columnar(i.names_agree_sql("a", "b"), *zip(*pairs, strict=True))

    assert _differences(pairs, expected, found) == []


@TWO_ROADS
@given(many_pairs)
def test_masks_are_alike(columnar: Columnar, pairs: list[tuple[str, str]]) -> None:
    """A published mask must not show more than a logged one."""
    for type_ in ("phone", "receiver_phone", "phone_masked", "email", "name", "id_card", "openid"):
        values = [value for _, value in pairs]
        expected = [i.mask(type_, value) for value in values]

        assert _differences(values, expected, columnar(i.mask_sql(f"'{type_}'", "a"), values)) == []


_stars = st.one_of(st.text(alphabet="19*0", min_size=11, max_size=11), st.text(alphabet="19*0", max_size=12), hostile)
_plain = st.one_of(st.text(alphabet="190", min_size=11, max_size=11), st.text(alphabet="190", max_size=12), hostile)


@TWO_ROADS
@given(st.lists(st.tuples(_stars, _plain), min_size=40, max_size=160))
def test_masked_phones_contradict_alike(columnar: Columnar, pairs: list[tuple[str, str]]) -> None:
    """A mask is a veto: it must cut the same people on both roads."""
    expected = [i.masked_contradicts(masked, plain) for masked, plain in pairs]
    found = columnar(i.masked_contradicts_sql("a", "b"), *zip(*pairs, strict=True))

    assert _differences(pairs, expected, found) == []
