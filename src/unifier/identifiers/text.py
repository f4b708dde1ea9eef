"""Fold look-alike characters so that the same text typed on two keyboards is the same text.

A fixed one-to-one table takes the place of full NFKC: DuckDB cannot decompose compatibly, and a table that we own gives
the same answer in Python, in SQL and in every version of Unicode. Where the table speaks about a compatibility
character it says what NFKC says; it also folds dashes and quotes, which NFKC leaves alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from unifier.identifiers.sql import contains, let, literal, matches, rewritten

HAN: Final = "\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003134f"
"""Han characters as the inside of a character class, for Python and RE2 alike."""

LOST: Final = "\ufffd|锟斤拷"
"""What stands where an encoding accident destroyed the text: never link on it."""

CONTROL: Final = (
    r"\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad"
    "\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
)
"""Invisible characters as the inside of a character class."""

_SPACES: Final = "\t\n\x0b\x0c\r\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
_MORE_SPACES: Final = "\u2028\u2029\u202f\u205f\u3000"
SPACES: Final = _SPACES + _MORE_SPACES
"""Every space but the ordinary one."""

_DASHES: Final = "‐‑‒–—―−﹘"
_QUOTES: Final = "‘’‛ʼ′“”″"
_UPPER: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LOWER: Final = _UPPER.lower()
_MARKS: Final = "\u0300-\u036f"


def _compatible(codes: Iterable[int]) -> dict[str, str]:
    pairs = ((chr(code), unicodedata.normalize("NFKC", chr(code))) for code in codes)
    return {sign: plain for sign, plain in pairs if len(plain) == 1 and plain != sign}


def _latin_base(codes: Iterable[int]) -> dict[str, str]:
    bases = ((chr(code), unicodedata.normalize("NFKD", chr(code))[0].upper()) for code in codes)
    return {sign: base for sign, base in bases if base in _UPPER}


_COMMON: Final[dict[str, str]] = {
    **_compatible([*range(0xFF01, 0xFF5F), *range(0xFE50, 0xFE6C), *range(0x2460, 0x2469), *range(0x1D7CE, 0x1D800)]),
    **dict.fromkeys(SPACES, " "),
    **dict.fromkeys(_DASHES, "-"),
    **dict.fromkeys(_QUOTES, "'"),
    "∗": "*",
}
_FREQUENT: Final = {sign: _COMMON[sign] for sign in "０１２３４５６７８９＋－（）／，；：．＊＠\u3000"}
_RARE: Final[dict[str, str]] = {
    **_compatible([*range(0x2E80, 0x2FD6), *range(0xF900, 0xFADA), *range(0x2F800, 0x2FA1E)]),
    **_latin_base([*range(0xC0, 0x250), *range(0x1E00, 0x1F00)]),
    **dict(zip("ØøĐđŁłıĦħ", "OODDLLIHH", strict=True)),
}
_FREQUENT_CLASS: Final = f"[{''.join(_FREQUENT)}]"
_COMMON_CLASS: Final = f"[{''.join(_COMMON).replace('-', '')}]"
_RARE_CLASS: Final = f"[{_MARKS}\u00c0-\u024f\u1e00-\u1eff\u2e80-\u2fd5\uf900-\ufad9\U0002f800-\U0002fa1d]"
_COMMON_TABLE: Final = str.maketrans(_COMMON)
_RARE_TABLE: Final = str.maketrans(_RARE)
_TO_UPPER: Final = str.maketrans(_LOWER, _UPPER)
_TO_LOWER: Final = str.maketrans(_UPPER, _LOWER)
_CONTROLS: Final = re.compile(f"[{CONTROL}]")
_ALL_MARKS: Final = re.compile(f"[{_MARKS}]")
_OUTER: Final = f"^[ {SPACES}]+|[ {SPACES}]+$"
_CLEAN_REWRITES: Final = ((rf"[{CONTROL}\x09-\x0d\x85]", ""), (_OUTER, ""))
_ASCII: Final = r"[\x00-\x7f]*"
_PRINTABLE: Final = "[!-~]*"


def upper(text: str) -> str:
    """Return the text with ASCII letters in upper case and everything else untouched."""
    return text.translate(_TO_UPPER)


def lower(text: str) -> str:
    """Return the text with ASCII letters in lower case and everything else untouched."""
    return text.translate(_TO_LOWER)


def upper_sql(expression: str) -> str:
    """Return the SQL twin of `upper`: the engine's own upper() knows more letters than Python's, and others."""
    raised = f"translate({expression}, {literal(_LOWER)}, {literal(_UPPER)})"
    return f"CASE WHEN {matches(expression, _ASCII)} THEN upper({expression}) ELSE {raised} END"


def lower_sql(expression: str) -> str:
    """Return the SQL twin of `lower`."""
    lowered = f"translate({expression}, {literal(_UPPER)}, {literal(_LOWER)})"
    return f"CASE WHEN {matches(expression, _ASCII)} THEN lower({expression}) ELSE {lowered} END"


def fold(text: str) -> str:
    """Return the text with full-width forms, spaces, dashes and quotes in ASCII, invisible signs and outer blanks gone.

    >>> fold("　１３８－００１３ ")
    '138-0013'
    """
    return _CONTROLS.sub("", text.translate(_COMMON_TABLE)).strip(" ")


def fold_sql(expression: str) -> str:
    """Return the SQL twin of `fold`; a table costs 50 ns per pair and row, so the short one goes first."""

    def folded(name: str) -> str:
        frequent = _translated(name, _FREQUENT, _FREQUENT_CLASS)
        table = let("frequent", frequent, lambda name: _translated(name, _COMMON, _COMMON_CLASS))
        cleaned = rewritten(table, ((f"[{CONTROL}]", ""),))
        return f"trim(CASE WHEN {contains(name, '[^ -~]')} THEN {cleaned} ELSE {name} END, ' ')"

    return let("folding", expression, folded)


def fold_rare(text: str) -> str:
    """Return folded text with radicals as ideographs and accented Latin letters as plain upper-case ones.

    >>> fold_rare("Wáng ⾼")
    'WANG 高'
    """
    return upper(_ALL_MARKS.sub("", text.translate(_RARE_TABLE)))


def fold_rare_sql(expression: str) -> str:
    """Return the SQL twin of `fold_rare`; 1,600 pairs cost 45 µs a row, so only text with such characters pays."""

    def folded(name: str) -> str:
        marked = rewritten(_translated(name, _RARE, _RARE_CLASS), ((f"[{_MARKS}]", ""),))
        return upper_sql(f"CASE WHEN {contains(name, _RARE_CLASS)} THEN {marked} ELSE {name} END")

    return let("rarity", expression, folded)


def clean(text: str) -> str:
    """Return the text without invisible signs and outer blanks, and otherwise as it is."""
    for pattern, replacement in _CLEAN_REWRITES:
        text = re.sub(pattern, replacement, text)
    return text


def clean_sql(expression: str) -> str:
    """Return the SQL twin of `clean`."""
    return let(
        "cleaning",
        expression,
        lambda name: f"CASE WHEN {matches(name, _PRINTABLE)} THEN {name} ELSE {rewritten(name, _CLEAN_REWRITES)} END",
    )


def _translated(expression: str, table: dict[str, str], signs: str) -> str:
    folded = f"translate({expression}, {literal(''.join(table))}, {literal(''.join(table.values()))})"
    return f"CASE WHEN {contains(expression, signs)} THEN {folded} ELSE {expression} END"
