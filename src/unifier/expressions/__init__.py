"""Read the expressions of tags and segments: parse, check, type, and write SQL of our own.

An expression is SQL in looks only. Its text is parsed by sqlglot into a tree; node types and functions are white
listed; every name is looked up in a :class:`Namespace` and every type is checked; then a new tree is built from what
was understood, and SQL is written from that tree. Nothing of the author's text reaches the engine but literals.

**NULL** means unknown. Comparing with it, arithmetic on it and text functions of it give NULL; ``and``, ``or`` and
``not`` follow SQL's three values; ``x in (…)`` of an unknown x is NULL. ``coalesce`` and ``is null`` answer it.
Aggregates skip NULLs; of no value at all ``count``, ``count_if`` and ``count_distinct`` are 0, every other aggregate
NULL. Division by zero is NULL. A segment holds who its condition is TRUE for: NULL is not enough.
"""

from unifier.expressions.compiler import Compiled, compile  # noqa: A004 - the word of the design
from unifier.expressions.namespace import Field, Lazy, Namespace
from unifier.expressions.values import Type

__all__ = ["Compiled", "Field", "Lazy", "Namespace", "Type", "compile"]
