"""Bring the raw values of every identifier type into their normal forms.

Each form has a plain Python function and an SQL expression; both are made of the same regular expressions.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Final

from unifier.identifiers.phones import read_phone
from unifier.identifiers.placeholders import is_placeholder, is_word
from unifier.identifiers.reading import MAX_INVALID, Reading, State
from unifier.identifiers.text import LOST, clean, fold, lower, upper
from unifier.offers.identifier import IdentifierType, NormalForm

MAX_OPAQUE: Final = 256
MAX_CARD: Final = 64
MAX_MAIL: Final = 254

_MAIL_USER: Final = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_MAIL_LABEL: Final = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
EMAIL: Final = rf"{_MAIL_USER}(?:\.{_MAIL_USER})*@(?:{_MAIL_LABEL}\.)+[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]"
_PROVINCES: Final = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使"
_LETTER: Final = "A-HJ-NP-Z"
PLATE: Final = (
    f"[{_PROVINCES}][{_LETTER}](?:"
    f"[{_LETTER}0-9]{{4}}[{_LETTER}0-9挂学警港澳]"
    f"|[A-HJK][{_LETTER}0-9][0-9]{{4}}|[0-9]{{5}}[A-HJK])"  # new energy: small, large
)
PLATE_PUNCTUATION: Final = "[ .·•・-]"
_MONTH_DAY: Final = "(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
ID_CARD: Final = rf"[1-9][0-9]{{5}}(?:18|19|20)[0-9]{{2}}{_MONTH_DAY}[0-9]{{3}}[0-9X]"
ID_CARD_OLD: Final = rf"[1-9][0-9]{{7}}{_MONTH_DAY}[0-9]{{3}}"
CENTENARIANS: Final = "99[6-9]"
"""Sequence numbers that the 15-digit card reserved for people born before 1900."""

WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK: Final = "10X98765432"

_DIGESTS: Final = {"lower_hex32": 32, "lower_hex64": 64}


def hex_pattern(form: NormalForm) -> str:
    """Return the pattern of a digest before it is lower-cased."""
    return f"[0-9A-Fa-f]{{{_DIGESTS[form]}}}"


def normalise(form: NormalForm, raw: str, keys: Mapping[str, str] | None = None) -> tuple[str, State]:
    """Return the normal form of a raw value and its state, for every form but `phone`.

    A blank value gives an empty one. `keys` are the brands' keys by scope, for placeholders behind `mix_mobile`.

    >>> normalise("email", " Ann.Li@Mail.CN ")
    ('ann.li@mail.cn', 'valid')
    """
    return _FORMS[form](raw, form, keys)


def readings(
    type_: str, raw: str | None, types: Mapping[str, IdentifierType], keys: Mapping[str, str] | None = None
) -> tuple[Reading, ...]:
    """Return what a declared type and its raw value say; nothing when the value is null or blank.

    Only the type `phone` is split into the types that its content shows; a value declared as, say, `receiver_phone`
    keeps that type whatever it looks like. A type that nobody declared is read as invalid.
    """
    declared = types.get(type_)
    if raw is None:
        return ()
    if declared is None:
        return (Reading(type_, clean(raw)[:MAX_INVALID], "invalid"),) if clean(raw) else ()
    if declared.normal != "phone":
        value, state = normalise(declared.normal, raw, keys)
        found: tuple[Reading, ...] = (Reading(type_, value, state),) if value else ()
    elif type_ == "phone":
        found = read_phone(raw)
    else:
        found = tuple(dict.fromkeys(Reading(type_, value, state) for _, value, state in read_phone(raw)))
    return tuple(_within(reading, declared) for reading in found)


def _within(reading: Reading, declared: IdentifierType) -> Reading:
    if reading.state != "valid" or declared.min_length <= len(reading.value) <= declared.max_length:
        return reading
    return reading._replace(state="invalid")


def _judged(value: str, form: NormalForm, keys: Mapping[str, str] | None, longest: int) -> tuple[str, State]:
    if len(value) > longest:
        return value[:MAX_INVALID], "invalid"
    if re.search(LOST, value):
        return value, "invalid"
    if is_placeholder(form, value, keys):
        return value, "placeholder"
    return value, "masked" if "*" in value else "valid"


def _refused(value: str) -> tuple[str, State]:
    return value[:MAX_INVALID], "placeholder" if is_word(value) else "invalid"


def _opaque(raw: str, form: NormalForm, keys: Mapping[str, str] | None) -> tuple[str, State]:
    return _judged(clean(raw), form, keys, MAX_OPAQUE)


def _card(raw: str, form: NormalForm, keys: Mapping[str, str] | None) -> tuple[str, State]:
    return _judged(upper(fold(raw)).replace(" ", ""), form, keys, MAX_CARD)


def _hex(raw: str, form: NormalForm, keys: Mapping[str, str] | None) -> tuple[str, State]:
    value = clean(raw)
    if not re.fullmatch(hex_pattern(form), value):
        return _refused(value)
    digest = lower(value)
    return digest, "placeholder" if is_placeholder(form, digest, keys) else "valid"


def _email(raw: str, form: NormalForm, _: Mapping[str, str] | None) -> tuple[str, State]:
    value = fold(raw)
    if len(value) > MAX_MAIL or not re.fullmatch(EMAIL, value):
        return _refused(value)
    return _judged(lower(value), form, None, MAX_MAIL)


def _plate(raw: str, form: NormalForm, _: Mapping[str, str] | None) -> tuple[str, State]:
    value = re.sub(PLATE_PUNCTUATION, "", upper(fold(raw)))
    if not re.fullmatch(PLATE, value):
        return _refused(value)
    return value, "placeholder" if is_placeholder(form, value) else "valid"


def _id_card(raw: str, form: NormalForm, _: Mapping[str, str] | None) -> tuple[str, State]:
    value = re.sub("[ -]", "", upper(fold(raw)))
    if re.fullmatch(ID_CARD_OLD, value):
        century = "18" if re.fullmatch(CENTENARIANS, value[12:]) else "19"
        value = value[:6] + century + value[6:]
        value += check_digit(value)
    if not re.fullmatch(ID_CARD, value) or check_digit(value) != value[17] or not _is_date(value[6:14]):
        return _refused(value)
    return value, "placeholder" if is_placeholder(form, value) else "valid"


def check_digit(number: str) -> str:
    """Return the check character of the first 17 digits of a resident ID (GB 11643, ISO 7064 MOD 11-2).

    >>> check_digit("11010519491231002")
    'X'
    """
    return CHECK[sum(int(digit) * weight for digit, weight in zip(number[:17], WEIGHTS, strict=True)) % 11]


def _is_date(digits: str) -> bool:
    try:
        dt.date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return True


_Form = Callable[[str, NormalForm, Mapping[str, str] | None], tuple[str, State]]
_FORMS: Final[dict[NormalForm, _Form]] = {
    "opaque": _opaque,
    "card": _card,
    "lower_hex32": _hex,
    "lower_hex64": _hex,
    "email": _email,
    "plate": _plate,
    "id_card": _id_card,
}
