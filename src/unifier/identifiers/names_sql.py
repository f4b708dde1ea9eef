"""Key and compare names in SQL: the columnar twin of `names.name_key` and the part of `names_agree` without pinyin."""

from __future__ import annotations

from unifier.identifiers import names as n
from unifier.identifiers.sql import case, contains, let, matches, rewritten
from unifier.identifiers.text import fold_rare_sql, fold_sql


def name_key_sql(column: str) -> str:
    """Return the key of a full name in a VARCHAR expression, or NULL; plain Han names take a short way."""
    fast = f"{matches(column, n.FAST)} AND NOT {contains(column, n.SUSPECT)}"
    return case(
        (f"{column} IS NULL", "NULL"),
        (fast, column),
        otherwise=let("name", fold_rare_sql(fold_sql(column)), _key),
    )


def names_agree_sql(left: str, right: str) -> str:
    """Return whether two name keys can be one person's, as far as SQL can tell; NULL when a key is NULL.

    False for a Han and a Latin key: ask `pinyin_agree` about those pairs.
    """
    a, b = left, right
    two_latin = f"{_is_latin(a)} AND {_is_latin(b)}"
    two_han = f"NOT {_is_latin(a)} AND NOT {_is_latin(b)}"
    swapped = f"list_sort(string_split({a}, ' ')) = list_sort(string_split({b}, ' '))"
    one_edit = f"greatest(length({a}), length({b})) >= {n.MIN_LATIN_EDIT} AND levenshtein({a}, {b}) <= 1"
    wrong = f"len(list_filter(range(1, length({a}) + 1), lambda place: {a}[place] <> {b}[place]))"
    return case(
        (f"{a} IS NULL OR {b} IS NULL", "NULL"),
        (f"{a} = {b}", "true"),
        (two_latin, f"({swapped} OR ({one_edit}))"),
        (f"{two_han} AND length({a}) = length({b}) AND length({a}) >= {n.MIN_HAN_EDIT}", f"{wrong} = 1"),
        otherwise="false",
    )


def _is_latin(key: str) -> str:
    return f"{key} < '['"


def _key(text: str) -> str:
    bare = rewritten(text, ((n.BRACKETED, " "),))
    return case(
        (f"length({text}) > {n.MAX_RAW} OR {contains(text, n.UNREADABLE)}", "NULL"),
        otherwise=let("bare", bare, _bare_key),
    )


def _bare_key(text: str) -> str:
    return let(
        "han",
        rewritten(text, ((n.NOT_HAN, ""),)),
        lambda han: case((f"{han} <> ''", _han_key(text, han)), otherwise=_latin_key(text)),
    )


def _han_key(text: str, han: str) -> str:
    two_people = f"{contains(text, n.TWO_PEOPLE)} AND NOT {contains(text, f'^(?:{n.COMPOUND_FIRST})')}"
    longest = f"CASE WHEN {contains(text, n.DOTTED)} THEN {n.MAX_DOTTED} ELSE {n.MAX_PLAIN} END"

    def judged(key: str) -> str:
        full = f"length({key}) BETWEEN 2 AND {longest} AND NOT {matches(key, n.PARTIAL)}"
        return f"CASE WHEN {full} THEN {key} END"

    return case(
        (f"({two_people}) OR {contains(han, n.NO_NAME)}", "NULL"),
        otherwise=let("untitled", rewritten(han, ((n.TITLE, ""),)), judged),
    )


def _latin_key(text: str) -> str:
    words = rewritten(text, ((n.LATIN_TITLE, " "), ("'", ""), ("[ .,-]+", " ")))

    def judged(key: str) -> str:
        shortest = f"CASE WHEN contains({key}, ' ') THEN {n.MIN_LATIN} ELSE {n.MIN_SINGLE} END"
        return f"CASE WHEN length({key}) >= {shortest} AND {matches(key, n.LATIN_FULL)} THEN {key} END"

    return case(
        (
            f"{matches(text, n.LATIN)} AND NOT {contains(text, n.LATIN_NO_NAME)}",
            let("words", f"trim({words}, ' ')", judged),
        ),
        otherwise="NULL",
    )
