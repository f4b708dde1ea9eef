"""Compile an expression: from text to typed SQL, with everything a stage must know about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import sqlglot
from sqlglot import errors, exp

from unifier.expressions.reader import Reader
from unifier.expressions.trouble import Place

if TYPE_CHECKING:
    from unifier.expressions.namespace import Namespace
    from unifier.expressions.shapes import Typed
    from unifier.expressions.values import Type

LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Compiled:
    """An expression that was understood.

    ``sql`` stands over the columns that the namespace named, and over the parameter ``$as_of``. ``reads`` tells what
    was read. An expression of facts names their ``relation``. ``flips`` are SQL of the days, later than ``$as_of`` or
    NULL, on which its value may change without news; ``daily``: on any day. A population function is given by name
    and number of bands, ``sql`` then is the value that it ranks.
    """

    sql: str
    type: Type
    reads: frozenset[str]
    relation: str | None = None
    flips: tuple[str, ...] = ()
    daily: bool = False
    population: str | None = None
    bands: int = 0


def compile(text: str, namespace: Namespace, *, file: str, line: int, within: str = "") -> Compiled:  # noqa: A001
    """Compile an expression; raise ConfigError that names file, line, column and the nearest known name.

    A ``line`` that was read from the file (:class:`unifier.config.Line`) leads to the column there. ``within`` is SQL
    of our own that every aggregate is filtered by.
    """
    tree, place = _parse(text, file, line)
    reader = Reader(namespace, place, within)
    typed = reader.top(tree)
    return _compiled(reader, typed)


def compile_condition(text: str, namespace: Namespace, *, file: str, line: int, relation: str) -> Compiled:
    """Compile a condition on the facts of one relation, such as the ``where`` of a tag; raise ConfigError."""
    tree, place = _parse(text, file, line)
    reader = Reader(namespace, place, "", inside=True)
    typed = reader.read(tree)
    reader.need_truth(tree, typed)
    if reader.relation not in {None, relation}:
        raise place.error(
            tree, f"the condition reads {reader.relation}, the value reads {relation}", "read one relation of facts"
        )
    return _compiled(reader, typed)


def _compiled(reader: Reader, typed: Typed) -> Compiled:
    flips = dict.fromkeys(node.sql(dialect="duckdb") for node in reader.flips)
    return Compiled(
        typed.node.sql(dialect="duckdb"),
        typed.type,
        frozenset(reader.reads),
        reader.relation,
        tuple(flips),
        reader.daily,
        reader.population,
        reader.bands,
    )


def _parse(text: str, file: str, line: int) -> tuple[exp.Expression, Place]:
    place = Place(text, file, line)
    if len(text) > LONGEST:
        raise place.at(
            0, f"the expression has {len(text)} characters", f"at most {LONGEST} are read: name a part of it"
        )
    if not text.strip():
        raise place.at(0, "the expression is empty", "write a value, such as count(sale.record_id)")
    try:
        tree = sqlglot.parse_one(text, dialect="duckdb")
    except errors.ParseError as error:
        first = error.errors[0] if error.errors else {}
        raise place.at(_start(text, first), "not an expression: " + _fault(first), "check words and brackets") from None
    except errors.TokenError:
        raise place.at(0, "not an expression: a quote or comment has no end", "close it") from None
    except RecursionError:
        raise place.at(0, "the expression is nested too deep", "name a part of it") from None
    return cast("exp.Expression", tree), place


def _start(text: str, first: dict[str, Any]) -> int:
    """Find where the word of a fault begins; the parser tells line and column of its end."""
    lines = text.split("\n")[: int(first.get("line") or 1) - 1]
    end = sum(len(line) + 1 for line in lines) + int(first.get("col") or 0)
    return max(end - len(str(first.get("highlight") or "")), 0)


def _fault(first: dict[str, Any]) -> str:
    words = str(first.get("description") or "it cannot be read").rstrip(".")
    near = str(first.get("highlight") or "")
    return f"{words[:80].lower()} near {near!r}" if near else words[:80].lower()
