"""Read the shape of parsed nodes: which function is called, with what; which number stands there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlglot import exp

if TYPE_CHECKING:
    from unifier.expressions.values import Type


COMPARISONS: Final[dict[type[exp.Expression], tuple[int, ...]]] = {
    exp.EQ: (0, 1),
    exp.NEQ: (0, 1),
    exp.GT: (1,),
    exp.GTE: (0,),
    exp.LT: (0,),
    exp.LTE: (1,),
}
"""How far behind its number a comparison with a growing value flips."""
MIRROR: Final[dict[type[exp.Expression], type[exp.Expression]]] = {
    exp.EQ: exp.EQ,
    exp.NEQ: exp.NEQ,
    exp.GT: exp.LT,
    exp.GTE: exp.LTE,
    exp.LT: exp.GT,
    exp.LTE: exp.GTE,
}
"""What a comparison becomes when its sides change places."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A node of our own tree and the type of its value."""

    node: exp.Expression
    type: Type


_CLASSES: Final[dict[type[exp.Expression], str]] = {
    exp.Count: "count",
    exp.CountIf: "count_if",
    exp.Sum: "sum",
    exp.Min: "min",
    exp.Max: "max",
    exp.Avg: "avg",
    exp.First: "first",
    exp.Last: "last",
    exp.Rank: "rank",
    exp.Lower: "lower",
    exp.Upper: "upper",
    exp.Length: "length",
    exp.Left: "left",
    exp.Right: "right",
    exp.Abs: "abs",
    exp.Floor: "floor",
    exp.Round: "round",
}


def called(node: exp.Expression) -> str:
    """Name the function that a node calls, empty when it calls none."""
    if isinstance(node, exp.Anonymous):
        return str(node.this).lower()
    if type(node) in _CLASSES:
        return _CLASSES[type(node)]
    return node.sql_name().lower() if isinstance(node, exp.Func) else ""


def arguments(node: exp.Expression) -> list[exp.Expression]:
    """List the arguments of a call in their order."""

    def parts() -> Iterator[exp.Expression]:
        for name in node.arg_types:
            value = node.args.get(name)
            yield from (
                one for one in (value if isinstance(value, list) else [value]) if isinstance(one, exp.Expression)
            )

    return list(parts())


def whole(node: exp.Expression) -> int | None:
    """Read a literal whole number, with its sign."""
    if isinstance(node, exp.Neg):
        inner = whole(node.this)
        return None if inner is None else -inner
    return int(node.this) if isinstance(node, exp.Literal) and node.is_int and not node.is_string else None
