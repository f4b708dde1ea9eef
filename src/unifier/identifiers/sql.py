"""Build DuckDB expressions: quoted literals, local names, chains of regular expressions.

Every argument called an expression is SQL text that the caller built; data enters only through `literal`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from unifier.identifiers.reading import READING_SQL_TYPE, State

Rewrite = tuple[str, str]
"""A regular expression and its replacement, in the subset on which Python and RE2 agree."""


def literal(text: str) -> str:
    """Return text as a quoted SQL string.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def let(name: str, value: str, body: Callable[[str], str]) -> str:
    """Return an expression that computes `value` once and uses it under `name` in the body.

    DuckDB has no local names in expressions: a one-element list and a lambda are the cheapest stand-in (17 M rows/s).
    Names must differ along a nesting.
    """
    return f"list_transform([{value}], lambda {name}: {body(name)})[1]"


def matches(expression: str, pattern: str) -> str:
    """Return the condition that the whole expression matches the pattern."""
    return f"regexp_full_match({expression}, {literal(pattern)})"


def contains(expression: str, pattern: str) -> str:
    """Return the condition that the pattern occurs in the expression."""
    return f"regexp_matches({expression}, {literal(pattern)})"


def rewritten(expression: str, rewrites: Iterable[Rewrite]) -> str:
    """Return the expression after all rewrites, in order, each applied everywhere."""
    for pattern, replacement in rewrites:
        expression = f"regexp_replace({expression}, {literal(pattern)}, {literal(replacement)}, 'g')"
    return expression


def case(*branches: tuple[str, str], otherwise: str) -> str:
    """Return a CASE over (condition, result) pairs."""
    arms = " ".join(f"WHEN {condition} THEN {result}" for condition, result in branches)
    return f"CASE {arms} ELSE {otherwise} END"


def among(expression: str, values: Iterable[str]) -> str:
    """Return the condition that the expression is one of the values (sorted, so that equal sets give equal SQL)."""
    return f"{expression} IN ({', '.join(literal(value) for value in sorted(values))})"


def reading(type_: str, value: str, state: State) -> str:
    """Return one reading made of a type expression, a value expression and a state."""
    return f"{{'type': {type_}, 'value': {value}, 'state': {literal(state)}}}"


def readings(*items: str) -> str:
    """Return a typed list of reading expressions."""
    return f"[{', '.join(items)}]::{READING_SQL_TYPE}[]"
