"""Normalise identifier columns in SQL: the columnar twin of `normal_forms.readings`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from unifier.identifiers.normal_forms import (
    CENTENARIANS,
    CHECK,
    EMAIL,
    ID_CARD,
    ID_CARD_OLD,
    MAX_CARD,
    MAX_MAIL,
    MAX_OPAQUE,
    PLATE,
    PLATE_PUNCTUATION,
    WEIGHTS,
    hex_pattern,
)
from unifier.identifiers.phones import MASKED_USUAL
from unifier.identifiers.phones_sql import is_mobile_sql, phone_branches, phone_otherwise
from unifier.identifiers.placeholders import is_placeholder_sql, is_word_sql
from unifier.identifiers.reading import MAX_INVALID, READING_SQL_TYPE
from unifier.identifiers.sql import among, case, contains, let, literal, matches, reading, readings, rewritten
from unifier.identifiers.text import LOST, clean_sql, fold_sql, lower_sql, upper_sql

if TYPE_CHECKING:
    from unifier.offers.identifier import IdentifierType, NormalForm

Keys = Mapping[str, str] | None

_DEFAULT_LENGTHS: Final = (1, 256)


def readings_sql(type_column: str, value_column: str, types: Mapping[str, IdentifierType], keys: Keys = None) -> str:
    """Return the readings of one identifier row as STRUCT(type, value, state)[], by its declared type.

    Both columns are VARCHAR expressions. Null and blank values give an empty list, unknown types an invalid reading.
    Meant for distinct (type, value) rows: a row is normalised once, however many records carry it.
    """
    by_form = _by_form(types)
    branches = [(f"{value_column} IS NULL", f"[]::{READING_SQL_TYPE}[]")]
    phones = by_form.pop("phone", [])
    branches += [(taken, found) for taken, found in _phone_ways(phones, type_column, value_column)]
    if phones:
        branches.append((among(type_column, phones), _declared(type_column, phone_otherwise(value_column))))
    for form, names in sorted(by_form.items()):
        of_form = among(type_column, names)
        for taken, value, state in _short_ways(form, value_column, keys):
            listed = f"[{{'type': {type_column}, 'value': {value}, 'state': {state}}}]"
            branches.append((f"{of_form} AND {taken}", listed))
        branches.append((of_form, _single(type_column, _FORMS[form](value_column, form, keys))))
    found = case(*branches, otherwise=_single(type_column, _unknown(value_column)))
    return _within(type_column, found, types)


def is_clean_sql(type_column: str, value_column: str, types: Mapping[str, IdentifierType]) -> str:
    """Return the condition that a value is in its normal form already, so that :func:`readings_sql` is quick.

    What is not costs as much for a few rows of a vector as for all of them: read it from vectors of its own.
    """
    by_form = _by_form(types)
    phones = by_form.pop("phone", [])
    short = [f"{type_column} = 'phone' AND {is_mobile_sql(value_column)}"] if "phone" in phones else []
    short += [f"{among(type_column, phones)} AND {matches(value_column, MASKED_USUAL)}"] if phones else []
    for form, names in sorted(by_form.items()):
        short += [f"{among(type_column, names)} AND {taken}" for taken, *_ in _short_ways(form, value_column, None)]
    return case(*((taken, "true") for taken in short), otherwise="false") if short else "false"


def _by_form(types: Mapping[str, IdentifierType]) -> dict[NormalForm, list[str]]:
    by_form: dict[NormalForm, list[str]] = defaultdict(list)
    for name, declared in sorted(types.items()):
        by_form[declared.normal].append(name)
    return by_form


def _phone_ways(types: Sequence[str], type_column: str, value_column: str) -> list[tuple[str, str]]:
    """Return (condition, readings) for the types of phones where nothing is left to be found out."""
    if not types:
        return []
    short = phone_branches(value_column) if "phone" in types else []
    masked = f"{among(type_column, types)} AND {matches(value_column, MASKED_USUAL)}"
    return [
        *((f"{type_column} = 'phone' AND {taken}", found) for taken, found in short),
        (masked, readings(reading(type_column, value_column, "masked"))),
    ]


def normalise_sql(form: NormalForm, expression: str, keys: Keys = None) -> str:
    """Return the SQL twin of `normal_forms.normalise`: STRUCT(value VARCHAR, state VARCHAR)."""
    short = [(taken, _pair(value, state)) for taken, value, state in _short_ways(form, expression, keys)]
    rest = _FORMS[form](expression, form, keys)
    return case(*short, otherwise=rest) if short else rest


def _short_ways(form: NormalForm, value: str, keys: Keys) -> list[tuple[str, str, str]]:
    """Return (condition, value, state) for values that are clean already: lambdas cost a microsecond per row."""
    clean = {
        "opaque": (f"[!-~]{{1,{MAX_OPAQUE}}}", value),
        "card": (f"[!-~]{{1,{MAX_CARD}}}", f"upper({value})"),
        "lower_hex32": (hex_pattern("lower_hex32"), f"lower({value})"),
        "lower_hex64": (hex_pattern("lower_hex64"), f"lower({value})"),
        "email": (EMAIL, f"lower({value})"),
    }
    if form not in clean:
        return []
    pattern, normal = clean[form]
    taken = matches(value, pattern)
    if form == "email":
        taken = f"{taken} AND length({value}) <= {MAX_MAIL}"
    return [(taken, normal, _state(normal, form, keys))]


def _pair(value: str, state: str) -> str:
    return f"{{'value': {value}, 'state': {state}}}"


def _single(type_: str, normal: str) -> str:
    def listed(found: str) -> str:
        read = f"[{{'type': {type_}, 'value': {found}.value, 'state': {found}.state}}]"
        return case((f"{found}.value = ''", f"[]::{READING_SQL_TYPE}[]"), otherwise=read)

    return let("normal", normal, listed)


def _declared(type_: str, found: str) -> str:
    """Let readings of a phone field keep the declared type, unless that is `phone`."""
    item = f"{{'type': {type_}, 'value': it.value, 'state': it.state}}"
    renamed = f"list_transform(read, lambda it: {item})"
    kept = "list_filter(renamed, lambda item, place: list_position(renamed, item) = place)"
    return let(
        "read",
        found,
        lambda read: case((f"{type_} = 'phone'", read), otherwise=let("renamed", renamed, lambda _: kept)),
    )


def _within(type_column: str, found: str, types: Mapping[str, IdentifierType]) -> str:
    odd = [t for _, t in sorted(types.items()) if (t.min_length, t.max_length) != _DEFAULT_LENGTHS]
    if not odd:
        return found
    fits = case(
        *(
            (f"{type_column} = {literal(t.name)}", f"length(it.value) BETWEEN {t.min_length} AND {t.max_length}")
            for t in odd
        ),
        otherwise="true",
    )
    state = case((f"it.state = 'valid' AND NOT {fits}", "'invalid'"), otherwise="it.state")
    checked = f"list_transform(found, lambda it: {{'type': it.type, 'value': it.value, 'state': {state}}})"
    return let("found", found, lambda _: case((among(type_column, (t.name for t in odd)), checked), otherwise="found"))


def _unknown(expression: str) -> str:
    return let("shown", clean_sql(expression), lambda v: _pair(f"{v}[:{MAX_INVALID}]", "'invalid'"))


def _state(value: str, form: NormalForm, keys: Keys) -> str:
    return case(
        (contains(value, LOST), "'invalid'"),
        (is_placeholder_sql(form, value, keys), "'placeholder'"),
        (f"contains({value}, '*')", "'masked'"),
        otherwise="'valid'",
    )


def _judged(value: str, form: NormalForm, keys: Keys, longest: int) -> str:
    """Judge a cleaned value by length, lost characters, placeholders and masks, in this order."""
    cut = _pair(f"{value}[:{MAX_INVALID}]", "'invalid'")
    return case((f"length({value}) > {longest}", cut), otherwise=_pair(value, _state(value, form, keys)))


def _refused(value: str) -> str:
    return _pair(f"{value}[:{MAX_INVALID}]", f"CASE WHEN {is_word_sql(value)} THEN 'placeholder' ELSE 'invalid' END")


def _listed(value: str, form: NormalForm, keys: Keys) -> str:
    return _pair(value, f"CASE WHEN {is_placeholder_sql(form, value, keys)} THEN 'placeholder' ELSE 'valid' END")


def _opaque(expression: str, form: NormalForm, keys: Keys) -> str:
    return let("opaque", clean_sql(expression), lambda v: _judged(v, form, keys, MAX_OPAQUE))


def _card(expression: str, form: NormalForm, keys: Keys) -> str:
    folded = let("folded", fold_sql(expression), lambda v: f"replace({upper_sql(v)}, ' ', '')")
    return let("card", folded, lambda v: _judged(v, form, keys, MAX_CARD))


def _hex(expression: str, form: NormalForm, keys: Keys) -> str:
    def digest(value: str) -> str:
        lowered = let("digest", lower_sql(value), lambda v: _listed(v, form, keys))
        return case((matches(value, hex_pattern(form)), lowered), otherwise=_refused(value))

    return let("digits", clean_sql(expression), digest)


def _email(expression: str, form: NormalForm, _: Keys) -> str:
    def address(value: str) -> str:
        lowered = let("address", lower_sql(value), lambda v: _judged(v, form, None, MAX_MAIL))
        plausible = f"length({value}) <= {MAX_MAIL} AND {matches(value, EMAIL)}"
        return case((plausible, lowered), otherwise=_refused(value))

    return let("mail", fold_sql(expression), address)


def _plate(expression: str, form: NormalForm, _: Keys) -> str:
    folded = let("folded", fold_sql(expression), lambda v: rewritten(upper_sql(v), ((PLATE_PUNCTUATION, ""),)))
    return let("plate", folded, lambda v: case((matches(v, PLATE), _listed(v, form, None)), otherwise=_refused(v)))


def _id_card(expression: str, form: NormalForm, _: Keys) -> str:
    def long(value: str) -> str:
        century = f"CASE WHEN {matches(f'{value}[13:]', CENTENARIANS)} THEN '18' ELSE '19' END"
        widened = let("wide", f"{value}[:6] || {century} || {value}[7:]", lambda v: f"{v} || {_check_digit(v)}")
        return case((matches(value, ID_CARD_OLD), widened), otherwise=value)

    def judged(value: str) -> str:
        date = f"{value}[7:10] || '-' || {value}[11:12] || '-' || {value}[13:14]"
        real = f"{_check_digit(value)} = {value}[18:18] AND try_cast({date} AS DATE) IS NOT NULL"
        inner = case((real, _listed(value, form, None)), otherwise=_refused(value))
        return case((matches(value, ID_CARD), inner), otherwise=_refused(value))

    folded = let("folded", fold_sql(expression), lambda v: rewritten(upper_sql(v), (("[ -]", ""),)))
    return let("resident", let("card_no", folded, long), judged)


def _check_digit(number: str) -> str:
    """Return the check character of a text of digits; only to be evaluated on those."""
    terms = (f"try_cast({number}[{place}] AS INTEGER) * {weight}" for place, weight in enumerate(WEIGHTS, start=1))
    return f"{literal(CHECK)}[1 + ({' + '.join(terms)}) % 11]"


_FORMS: Final[dict[NormalForm, Callable[[str, NormalForm, Keys], str]]] = {
    "opaque": _opaque,
    "card": _card,
    "lower_hex32": _hex,
    "lower_hex64": _hex,
    "email": _email,
    "plate": _plate,
    "id_card": _id_card,
}
