"""Show identifiers without giving them away, and compare masked phones with plain ones."""

from __future__ import annotations

import re
from typing import Final

from unifier.identifiers.sql import case, literal, matches

MIN_VISIBLE: Final = 3
"""A mask that shows fewer digits contradicts nothing."""

_LENGTH: Final = 11
_SHORT: Final = 8
"""Values below this length show only their first character."""

_PHONE: Final = "[0-9]{11}"
_PLACED: Final = "[0-9*]{11}"
_PHONES: Final = ("phone", "receiver_phone")


def mask(type_: str, value: str) -> str:
    """Return a value as it may be shown: on screens, in logs, reports and errors.

    `type_` is an identifier type, or `name` for a person's name.

    >>> [mask("phone", "19900000001"), mask("email", "ann@x.com"), mask("name", "王芳"), mask("openid", "oGZUI0egBJY1")]
    ['199****0001', 'a***@x.com', '王*', 'oGZ…Y1']
    """
    if type_ == "name":
        return value[:1] + "*" if value else ""
    if type_ == "phone_masked":
        return value
    if type_ in _PHONES and re.fullmatch(_PHONE, value):
        return f"{value[:3]}****{value[-4:]}"
    if type_ == "email" and "@" in value:
        user, _, domain = value.partition("@")
        return f"{user[:1]}***@{domain}"
    if len(value) < _SHORT:
        return f"{value[:1]}…"
    return f"{value[:3]}…{value[-2:]}"


def mask_sql(type_column: str, value_column: str) -> str:
    """Return the SQL twin of `mask` over two VARCHAR expressions."""
    v = value_column
    is_phone = f"{type_column} IN ({', '.join(map(literal, _PHONES))}) AND {matches(v, _PHONE)}"
    return case(
        (f"{type_column} = 'name'", f"CASE WHEN {v} = '' THEN '' ELSE {v}[:1] || '*' END"),
        (f"{type_column} = 'phone_masked'", v),
        (is_phone, f"{v}[:3] || '****' || right({v}, 4)"),
        (
            f"{type_column} = 'email' AND contains({v}, '@')",
            f"CASE WHEN {v}[1] = '@' THEN '' ELSE {v}[1] END || '***@' || substr({v}, strpos({v}, '@') + 1)",
        ),
        (f"length({v}) < {_SHORT}", f"{v}[:1] || '…'"),
        otherwise=f"{v}[:3] || '…' || right({v}, 2)",
    )


def masked_contradicts(masked: str, plain: str) -> bool:
    """Tell whether a masked phone cannot be the plain one.

    Where both have 11 characters the visible positions are compared, otherwise only the visible beginning and end.

    >>> masked_contradicts("199****0001", "19900000001"), masked_contradicts("199****0001", "19900000002")
    (False, True)
    """
    if len(re.sub("[^0-9]", "", masked)) < MIN_VISIBLE:
        return False
    if re.fullmatch(_PLACED, masked) and len(plain) == _LENGTH:
        return any(shown not in {"*", sign} for shown, sign in zip(masked, plain, strict=True))
    return not (plain.startswith(re.sub(r"\*.*", "", masked)) and plain.endswith(re.sub(r".*\*", "", masked)))


def masked_contradicts_sql(masked: str, plain: str) -> str:
    """Return the SQL twin of `masked_contradicts` over two VARCHAR expressions."""
    placed = f"{matches(masked, _PLACED)} AND length({plain}) = {_LENGTH}"
    head = rf"regexp_replace({masked}, '\*.*', '')"
    tail = rf"regexp_replace({masked}, '.*\*', '')"
    return case(
        (f"length(regexp_replace({masked}, '[^0-9]', '', 'g')) < {MIN_VISIBLE}", "false"),
        (placed, f"{plain} NOT LIKE replace({masked}, '*', '_')"),
        otherwise=f"NOT (starts_with({plain}, {head}) AND ends_with({plain}, {tail}))",
    )
