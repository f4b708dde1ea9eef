"""Tell whether a Latin name is the pinyin of a Han name."""

from __future__ import annotations

import itertools
from functools import lru_cache
from typing import Final, cast

import pyarrow as pa
import pyarrow.compute as pc

MAX_READINGS: Final = 64
"""Combinations of readings tried for a name with several heteronyms."""

_INITIALS: Final = "(?:[ZCS]H|[BPMFDTNLGKHJQXRZCSYW])?"
_FINALS: Final = (
    "(?:IANG|IONG|UANG|ANG|ENG|ING|ONG|IAN|IAO|UAI|UAN|AI|AN|AO|EI|EN|ER|IA|IE|IN|IU|OU|UA|UE|UI|UN|UO|A|E|I|O|U|V)"
)
SYLLABLES: Final = f"(?:{_INITIALS}{_FINALS})"
"""One syllable of pinyin; a few that do not exist are let through."""

_UMLAUTS: Final = (("LYU", "LU"), ("NYU", "NU"), ("V", "U"))
"""Passports write LYU, input methods LV, dictionaries LÜ."""


def spells(latin: str, han: str) -> bool:
    """Tell whether the Latin key is the pinyin of the Han key, surname first or last, with or without spaces.

    All readings of characters with several are considered, up to 64 combinations.

    >>> spells("FANG WANG", "王芳"), spells("SHAN XIAOMING", "单小明")
    (True, True)
    """
    return _plain(latin.replace(" ", "")) in _spellings(han)


def pinyin_agree(pairs: pa.Table) -> pa.BooleanArray:
    """Return for each row of (a VARCHAR, b VARCHAR) whether one key is the pinyin of the other; false for nulls.

    A pair of two Han or two Latin keys is false. Each distinct pair is judged once.
    """
    left, right = (pairs.column(name).cast(pa.string()).combine_chunks() for name in ("a", "b"))
    distinct = pc.binary_join_element_wise(left, right, "\n").dictionary_encode()
    answers = [_agree(*str(pair).split("\n", 1)) for pair in distinct.dictionary.to_pylist()]
    return cast("pa.BooleanArray", pa.array(answers, pa.bool_()).take(distinct.indices).fill_null(False))


def _agree(left: str, right: str) -> bool:
    if left.isascii() == right.isascii():
        return False
    return spells(left, right) if left.isascii() else spells(right, left)


def _plain(letters: str) -> str:
    for spelling, plain in _UMLAUTS:
        letters = letters.replace(spelling, plain)
    return letters


@lru_cache(maxsize=65536)
def _spellings(han: str) -> frozenset[str]:
    from pypinyin import Style, pinyin

    readings = pinyin(han, style=Style.NORMAL, heteronym=True)
    found: set[str] = set()
    for syllables in itertools.islice(itertools.product(*readings), MAX_READINGS):
        upper = [_plain(syllable.upper()) for syllable in syllables]
        found.add("".join(upper))
        found.update("".join(upper[split:] + upper[:split]) for split in (1, 2))
    return frozenset(found)
