"""List the values people type when they have none, and the hashes of those values.

Equal placeholders join strangers, and so do their hashes: an upstream system that hashed `13800138000` has hidden the
placeholder, not removed it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from unifier.identifiers.hashes import md5, mix_mobile, sha256, sm3
from unifier.identifiers.sql import among, matches
from unifier.identifiers.text import lower, lower_sql

if TYPE_CHECKING:
    from unifier.offers.identifier import NormalForm

WORDS: Final[frozenset[str]] = frozenset(
    {
        *("-", "--", "---", "_", ".", "..", "...", "/", "\\", "?", "??", "*", "0", "-1", "null", "nil", "none", "nan"),
        *("na", "n/a", "#n/a", "undefined", "unknown", "empty", "no", "false", "test", "tests", "xxx", "(null)", "[]"),
        *("{}", "<null>", "\\n", "default", "anonymous", "guest", "invalid", "tbd", "string"),
        *(
            "无",
            "没有",
            "空",
            "未知",
            "不详",
            "暂无",
            "测试",
            "匿名",
            "未填写",
            "未填",
            "保密",
            "无手机",
            "无电话",
            "待补",
            "其他",
        ),
    }
)
"""Words that stand for nothing in any identifier, folded and in lower case."""

_PREFIXES: Final = tuple(f"1{second}{third}" for second in "358" for third in "0123456789")
_SINGLE_PHONES: Final = (
    "13800138000",
    "13800138001",
    "13800001111",
    "13888889999",
    "12345678901",
    "12345678910",
    "12345678900",
    "01234567890",
    "12312312312",
    "13412341234",
    "13456789012",
    "13579246810",
    "13987654321",
    "10000000000",
    "10000000001",
)
PHONES: Final[frozenset[str]] = frozenset(
    {
        *_SINGLE_PHONES,
        *(digit * 11 for digit in "0123456789"),
        *(f"1{second}{digit * 9}" for second in "3456789" for digit in "0123456789"),
        *(f"{prefix}00000000" for prefix in _PREFIXES),
        *(f"{prefix}12345678" for prefix in _PREFIXES),
    }
)
"""Phone numbers nobody means. Repetitions of a single digit are placeholders too, of any length."""

_NINE_TIMES: Final = "|".join(f"{digit}{{9}}" for digit in "0123456789")
_PHONE: Final = (
    f"0+|1+|2+|3+|4+|5+|6+|7+|8+|9+|1[3-9](?:{_NINE_TIMES})|1[358][0-9](?:0{{8}}|12345678)|{'|'.join(_SINGLE_PHONES)}"
)
_SAME_HEX: Final = "|".join(f"{digit}+" for digit in "0123456789abcdef")
_MAIL_USERS: Final = (
    "test[0-9]*|no-?e?mail|none|null|no|na|unknown|nobody|no-?reply|anonymous|undefined|abc|aaa?|xxx?|123"
)
_MAIL_DOMAINS: Final = "test|example|none|null|no-?mail|no|na|xxx?|abc|aaa?|123|localhost|unknown|undefined"
_MAIL_USERS_ANYWHERE: Final = "no-?e?mail|none|null|nobody|no-?reply|unknown|undefined"

PATTERNS: Final[dict[NormalForm, str]] = {
    "phone": _PHONE,
    "opaque": "oA{5,}.*|A{3,}|0+|[-._?*#/]+|[xX]{2,}",
    "card": "0+|9{4,}|[-._?*#/]+|X{2,}",
    "lower_hex32": _SAME_HEX,
    "lower_hex64": _SAME_HEX,
    "email": rf"(?:{_MAIL_USERS_ANYWHERE})@.*|(?:{_MAIL_USERS})@(?:{_MAIL_DOMAINS})\..*|.*@example\.(?:com|org|net|cn)",
    "plate": ".[A-Z]0+",
    "id_card": "[0-9]{6}19000101.*|1{17}[0-9X]|1{6}191{9}[0-9X]",
}
"""Per normal form, a regular expression that whole placeholder values match (Python and RE2)."""

_WORDS: Final = "|".join(re.escape(word) for word in sorted(WORDS))
_COMPILED: Final = {form: re.compile(pattern) for form, pattern in PATTERNS.items()}


@lru_cache(maxsize=8)
def _hashes(form: NormalForm, keys: tuple[str, ...]) -> frozenset[str]:
    nothing = PHONES | WORDS | {""} | {word.upper() for word in WORDS}
    if form == "lower_hex64":
        return frozenset(digest(text) for text in nothing for digest in (sha256, sm3))
    plain = {md5(text) for text in nothing}
    return frozenset(plain | {mix_mobile(text, key) for text in nothing for key in keys})


def placeholder_hashes(form: NormalForm, keys: Mapping[str, str] | None = None) -> frozenset[str]:
    """Return the hashes of every placeholder phone and word: MD5 and `mix_mobile`, or SHA-256 and SM3."""
    return _hashes(form, tuple(sorted((keys or {}).values())))


def is_placeholder(form: NormalForm, value: str, keys: Mapping[str, str] | None = None) -> bool:
    """Tell whether a value in its normal form stands for nothing.

    `keys` are the brands' keys by scope, whose `mix_mobile` of placeholders is refused too.

    >>> is_placeholder("phone", "13800138000")
    True
    """
    if form == "phone":
        return _COMPILED[form].fullmatch(value) is not None
    if lower(value) in WORDS or _COMPILED[form].fullmatch(value):
        return True
    return form in {"lower_hex32", "lower_hex64"} and value in placeholder_hashes(form, keys)


def is_placeholder_sql(form: NormalForm, expression: str, keys: Mapping[str, str] | None = None) -> str:
    """Return the SQL twin of `is_placeholder` over an expression in normal form."""
    listed = matches(expression, PATTERNS[form])
    if form == "phone":
        return listed
    if form in {"lower_hex32", "lower_hex64"}:
        return f"({listed} OR {among(expression, placeholder_hashes(form, keys))})"
    return f"({listed} OR {is_word_sql(expression)})"


def is_word(text: str) -> bool:
    """Tell whether a folded text is a word for nothing."""
    return lower(text) in WORDS


def is_word_sql(expression: str) -> str:
    """Return the SQL twin of `is_word`; only short texts are looked up."""
    longest = max(len(word) for word in WORDS)
    return f"(length({expression}) <= {longest} AND {matches(lower_sql(expression), _WORDS)})"
