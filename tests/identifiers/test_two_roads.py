"""Every value is read alike by the Python road and the SQL road, however hostile it is.

The graph is defined by the Python functions and computed by the SQL ones: one disagreement and a person is explained by
links that do not exist.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from identifiers.hostile import TWO_ROADS, hostile, many, texts
from properties.seeds import EXAMPLES, dice

from unifier import identifiers as i
from unifier.identifiers.text import clean, clean_sql, fold, fold_rare, fold_rare_sql, fold_sql
from unifier.offers.identifier import IdentifierType, NormalForm

Columnar = Callable[..., list[Any]]
Wrong = list[tuple[Any, Any, Any]]
"""What was given, what the Python road says, what the SQL road says."""
Rule = Callable[[Columnar, Sequence[Any]], Wrong]

TYPES = i.registry({}, [IdentifierType("loyalty_no", normal="card", own=2, min_length=4, max_length=8)])
KEYS = {"brand1": "testky"}
LEADS: Final = ("", "+86", "86 ", "0086-", "0", "'", " ", "86-0")
GAPS: Final = ("", "", "", " ", "-", ".")
TAILS: Final = ("", ".0", " ", "  ", "-1", "(妻)")
NAME_LETTERS: Final = "王芳欧阳小明老总某妈· (（、"
HAN: Final = "王芳方李强小明敏敬"
LATIN: Final = "ABW N"
FORMS: tuple[NormalForm, ...] = ("opaque", "card", "lower_hex32", "lower_hex64", "email", "plate", "id_card")


def _differences(values: Sequence[Any], python: Sequence[Any], sql: Sequence[Any]) -> Wrong:
    return [row for row in zip(values, python, sql, strict=True) if row[1] != row[2]]


def _rows(found: Sequence[Sequence[dict[str, str]]]) -> list[tuple[tuple[str, ...], ...]]:
    return [tuple(tuple(reading.values()) for reading in row) for row in found]


def folds(columnar: Columnar, values: Sequence[str]) -> Wrong:
    """Read text: folding stands under everything else, a difference here is a difference everywhere."""
    return [
        wrong
        for python, sql in ((fold, fold_sql), (clean, clean_sql), (fold_rare, fold_rare_sql))
        for wrong in _differences(values, [python(value) for value in values], columnar(sql("a"), values))
    ]


def phone_fields(columnar: Columnar, values: Sequence[str]) -> Wrong:
    """Read phone fields: the short ways of the SQL road must give what the long way gives."""
    expected = [tuple(map(tuple, i.read_phone(value))) for value in values]
    return _differences(values, expected, _rows(columnar(i.phone_sql("a"), values)))


def normal_forms(columnar: Columnar, values: Sequence[str]) -> Wrong:
    """Write values in every normal form: what two roads write differently links on one road only."""
    found = []
    for form in FORMS:
        expected = [i.normalise(form, value, KEYS) for value in values]
        sql = [tuple(row.values()) for row in columnar(i.normalise_sql(form, "a", KEYS), values)]
        found += _differences([(form, value) for value in values], expected, sql)
    return found


def rows(columnar: Columnar, given: Sequence[tuple[str, str | None]]) -> Wrong:
    """Read whole rows: the dispatch by declared type is part of the truth, a receiver's phone must stay one."""
    expected = [tuple(map(tuple, i.readings(type_, value, TYPES, KEYS))) for type_, value in given]
    sql = i.readings_sql("a", "b", TYPES, KEYS)
    return _differences(given, expected, _rows(columnar(sql, *zip(*given, strict=True))))


def name_keys(columnar: Columnar, values: Sequence[str]) -> Wrong:
    """Make keys of names: they veto links, a key on one road only splits a person there."""
    return _differences(values, [i.name_key(value) for value in values], columnar(i.name_key_sql("a"), values))


def agreements(columnar: Columnar, pairs: Sequence[tuple[str, str]]) -> Wrong:
    """Compare keys of one script; SQL leaves a Han and a Latin key to the pinyin."""
    expected = [a.isascii() == b.isascii() and i.names_agree(a, b) for a, b in pairs]
    return _differences(pairs, expected, columnar(i.names_agree_sql("a", "b"), *zip(*pairs, strict=True)))


def masks(columnar: Columnar, values: Sequence[str]) -> Wrong:
    """Mask values: a published mask must not show more than a logged one."""
    found = []
    for type_ in ("phone", "receiver_phone", "phone_masked", "email", "name", "id_card", "openid"):
        expected = [i.mask(type_, value) for value in values]
        sql = columnar(i.mask_sql(f"'{type_}'", "a"), values)
        found += _differences([(type_, value) for value in values], expected, sql)
    return found


def contradictions(columnar: Columnar, pairs: Sequence[tuple[str, str]]) -> Wrong:
    """Hold masks against phones: a mask is a veto, it must cut the same people on both roads."""
    expected = [i.masked_contradicts(masked, plain) for masked, plain in pairs]
    return _differences(pairs, expected, columnar(i.masked_contradicts_sql("a", "b"), *zip(*pairs, strict=True)))


_spelled = st.builds(
    lambda lead, gaps, number, tail: lead + "".join(map(str.__add__, number, gaps)) + tail,
    st.sampled_from(LEADS),
    st.just([""] * 11) | st.lists(st.sampled_from(GAPS), min_size=11, max_size=11),
    st.one_of(st.integers(0, 9999).map(lambda n: f"1990000{n:04}"), st.from_regex(r"\A1[3-9][0-9]{9}\Z")),
    st.sampled_from(TAILS),
)
_typed = st.tuples(st.sampled_from([*TYPES, "no_such_type"]), st.none() | hostile)
_name_like = st.text(alphabet=NAME_LETTERS, max_size=18)
_han = st.text(alphabet=HAN, min_size=2, max_size=4)
_latin = st.text(alphabet=LATIN, min_size=2, max_size=7).map(lambda t: " ".join(t.split())).filter(bool)
_keys = st.one_of(_han, _latin)
_stars = st.one_of(st.text(alphabet="19*0", min_size=11, max_size=11), st.text(alphabet="19*0", max_size=12), hostile)
_plain = st.one_of(st.text(alphabet="190", min_size=11, max_size=11), st.text(alphabet="190", max_size=12), hostile)


def _many(items: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(items, min_size=40, max_size=160)


@pytest.mark.parametrize(
    ("rule", "drawn"),
    [
        (folds, many),
        (phone_fields, many),
        (phone_fields, _many(_spelled)),
        (normal_forms, many),
        (rows, _many(_typed)),
        (name_keys, _many(_name_like | hostile)),
        (agreements, _many(st.tuples(_keys, _keys))),
        (masks, many),
        (contradictions, _many(st.tuples(_stars, _plain))),
    ],
    ids=lambda part: getattr(part, "__name__", ""),
)
@TWO_ROADS
@given(data=st.data())
def test_both_roads_read_alike(
    columnar: Columnar, rule: Rule, drawn: st.SearchStrategy[list[Any]], data: st.DataObject
) -> None:
    """Hypothesis looks for the strange value, and makes it small."""
    assert rule(columnar, data.draw(drawn)) == []


def spelled(draw: random.Random, count: int) -> list[str]:
    """Draw mobile numbers with prefixes and separators, the commonest dirt, which have a short way of their own."""
    made = []
    for _ in range(count):
        plain = draw.choice((f"1990000{draw.randrange(10_000):04}", f"1{draw.randrange(3 * 10**9, 10**10)}"))
        gaps = draw.choices(GAPS, k=11) if draw.random() < 0.5 else [""] * 11
        made.append(draw.choice(LEADS) + "".join(map(str.__add__, plain, gaps)) + draw.choice(TAILS))
    return made


def typed(draw: random.Random, count: int) -> list[tuple[str, str | None]]:
    """Draw a type for each text; some have none that is known, some no text."""
    known = [*TYPES, "no_such_type"]
    return [(draw.choice(known), text if draw.random() < 0.95 else None) for text in texts(draw, count)]


def names(draw: random.Random, count: int) -> list[str]:
    """Draw what stands in fields for names."""
    like = ["".join(draw.choices(NAME_LETTERS, k=draw.randint(0, 18))) for _ in range(count // 2)]
    return like + texts(draw, count - len(like))


def keys(draw: random.Random, count: int) -> list[tuple[str, str]]:
    """Draw pairs of name keys, of one script or two, the second often a variant of the first."""
    made = []
    for _ in range(count):
        scripts = draw.choices(((HAN, 4), (LATIN, 7)), k=2)
        first, second = ("".join(draw.choices(letters, k=draw.randint(2, most))) for letters, most in scripts)
        if draw.random() < 0.3:
            second = first.replace(draw.choice(first), draw.choice(scripts[0][0]), 1)
        pair = (" ".join(first.split()), " ".join(second.split()))
        made.append(pair if all(pair) else ("王芳", "王方"))
    return made


def masked(draw: random.Random, count: int) -> list[tuple[str, str]]:
    """Draw pairs of a masked phone and a phone, often of one length, and pairs of any text."""
    lengths = draw.choices((*range(13), *([11] * 13)), k=count // 2)
    pairs = [
        ("".join(draw.choices("19*0", k=n)), "".join(draw.choices("190", k=draw.choice((11, n))))) for n in lengths
    ]
    return pairs + list(zip(texts(draw, count // 2), texts(draw, count // 2), strict=True))


@pytest.mark.parametrize(
    ("rule", "drawn"),
    [
        (folds, texts),
        (phone_fields, texts),
        (phone_fields, spelled),
        (normal_forms, texts),
        (rows, typed),
        (name_keys, names),
        (agreements, keys),
        (masks, texts),
        (contradictions, masked),
    ],
)
def test_ten_thousand_values_are_read_alike(
    columnar: Columnar, rule: Rule, drawn: Callable[[random.Random, int], list[Any]]
) -> None:
    """What one shop in a thousand writes is in ten million records ten thousand times."""
    wrong = rule(columnar, drawn(dice(f"{rule.__name__} {drawn.__name__}"), EXAMPLES))

    assert sorted(wrong, key=lambda row: len(str(row)))[:3] == []
