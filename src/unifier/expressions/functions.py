"""Declare every function an expression may call: its arguments, what it gives, and the SQL that it stands for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from unifier.expressions.values import ANY, NUMERIC, ORDERED, TEMPORAL, TEXTUAL, WHOLE, Type

Node = exp.Expression


def call(name: str, *args: Node) -> Node:
    """Call an engine function by its name, so that no dialect rewrites it."""
    return exp.Anonymous(this=name, expressions=list(args))


def number(value: int) -> Node:
    """Write an integer."""
    return exp.Literal.number(value) if value >= 0 else exp.Paren(this=exp.Neg(this=exp.Literal.number(-value)))


def cast(node: Node, kind: str) -> Node:
    """Cast to a DuckDB type."""
    return exp.Cast(this=node, to=exp.DataType.build(kind, dialect="duckdb"))


def as_of() -> Node:
    """Write the day of the run: the parameter ``$as_of``."""
    return cast(exp.Parameter(this=exp.Var(this="as_of")), "DATE")


@dataclass(frozen=True, slots=True)
class Function:
    """A function: the types of each argument, how many may be left out, what it gives and what it is in SQL.

    ``gives`` is a type, or the number of the argument whose type it has. Where the engine's aggregate gives a list,
    ``element`` tells which of it is the value, counted from 1.
    """

    takes: tuple[frozenset[Type], ...]
    gives: Type | int
    build: Callable[[Sequence[Node]], Node]
    optional: int = 0
    element: int = 0

    def result(self, types: Sequence[Type]) -> Type:
        """Tell the type of a call with arguments of these types."""
        return self.gives if isinstance(self.gives, Type) else types[self.gives]


def _plain(name: str) -> Callable[[Sequence[Node]], Node]:
    return lambda args: call(name, *args)


def _if_positive(name: str) -> Callable[[Sequence[Node]], Node]:
    # left() and right() of a negative count mean something else in every engine.
    return lambda args: call(name, args[0], call("greatest", args[1], number(0)))


def _part(part: str) -> Callable[[Sequence[Node]], Node]:
    return lambda args: cast(call(part, args[0]), "BIGINT")


SCALARS: Final[dict[str, Function]] = {
    "lower": Function((TEXTUAL,), Type.TEXT, _plain("lower")),
    "upper": Function((TEXTUAL,), Type.TEXT, _plain("upper")),
    "length": Function((TEXTUAL,), Type.INT, _plain("length")),
    "left": Function((TEXTUAL, frozenset({Type.INT})), Type.TEXT, _if_positive("left")),
    "right": Function((TEXTUAL, frozenset({Type.INT})), Type.TEXT, _if_positive("right")),
    "abs": Function((NUMERIC,), 0, _plain("abs")),
    "floor": Function((NUMERIC,), Type.INT, lambda args: cast(call("floor", *args), "BIGINT")),
    "round": Function(
        (NUMERIC, frozenset({Type.INT})), Type.NUMBER, lambda args: call("round", cast(args[0], "DOUBLE"), *args[1:]), 1
    ),
    "year_of": Function((TEMPORAL,), Type.INT, _part("year")),
    "month_of": Function((TEMPORAL | {Type.BIRTHDAY},), Type.INT, _part("month")),
    "days_between": Function(
        (TEMPORAL, TEMPORAL), Type.INT, lambda args: call("date_diff", exp.Literal.string("day"), *args)
    ),
    "date_of": Function((TEMPORAL,), Type.DATE, lambda args: args[0]),
}
"""Functions of values of one row. Times are turned into local days before ``build`` sees them."""


def _key(x: Node) -> Node:
    return call("row", exp.column("at", quoted=True), x)


def _most_frequent(x: Node) -> Node:
    # Of equally frequent values mode() takes the one that came first, and here the smallest comes first. A histogram
    # says the same in twice the time; a test with ties holds this.
    return call("mode", exp.Order(this=x, expressions=[exp.Ordered(this=x.copy(), nulls_first=False)]))


AGGREGATES: Final[dict[str, Function]] = {
    "count": Function((ANY,), Type.INT, _plain("count")),
    "count_if": Function(
        (frozenset({Type.BOOL}),), Type.INT, lambda args: call("count", exp.Case().when(args[0], number(1)))
    ),
    "count_distinct": Function((ANY,), Type.INT, lambda args: exp.Count(this=exp.Distinct(expressions=list(args)))),
    "sum": Function((WHOLE,), 0, _plain("sum")),
    "sum_if": Function((WHOLE, frozenset({Type.BOOL})), 0, lambda args: call("sum", exp.Case().when(args[1], args[0]))),
    "min": Function((ORDERED,), 0, _plain("min")),
    "max": Function((ORDERED,), 0, _plain("max")),
    "avg": Function((WHOLE,), Type.NUMBER, _plain("avg")),
    "first": Function((ANY,), 0, lambda args: call("arg_min", args[0], _key(args[0]))),
    "last": Function((ANY,), 0, lambda args: call("arg_max", args[0], _key(args[0]))),
    "last_but_one": Function(
        (ORDERED,), 0, lambda args: call("max", exp.Distinct(expressions=[args[0]]), number(2)), element=2
    ),
    "most_frequent": Function((ORDERED,), 0, lambda args: _most_frequent(args[0])),
}
"""Functions of all facts of a person.

``sum``, ``sum_if`` and ``avg`` take whole numbers only: sums of fractions depend on their order. ``first`` and ``last``
go by time, then by value; ``last_but_one`` gives the greatest of different values but one; ``most_frequent`` gives the smallest of equally frequent values.
"""


def finish(node: Node, kind: Type, element: int) -> Node:
    """Turn the filtered engine aggregate into the value of the function."""
    node = call("list_extract", node, number(element)) if element else node
    return cast(node, "BIGINT") if kind in WHOLE else node


POPULATION: Final[dict[str, Function]] = {
    "rank": Function((ORDERED,), Type.INT, lambda args: args[0]),
    "quantile_band": Function((ORDERED, frozenset({Type.INT})), Type.INT, lambda args: args[0]),
    "share": Function((WHOLE,), Type.NUMBER, lambda args: args[0]),
}
"""Functions of a person among all persons; their SQL is the value that is ranked."""

CLOCK: Final[dict[str, Function]] = {
    "days_since": Function(
        (TEMPORAL,), Type.INT, lambda args: call("date_diff", exp.Literal.string("day"), args[0], as_of())
    ),
    "age": Function((TEXTUAL | {Type.DATE},), Type.INT, lambda args: _age(args[0])),
}
"""Functions whose value changes with the day."""


def _age(birth: Node) -> Node:
    """Count whole years; who was born on 29 February comes of age on 1 March where there is no 29th."""

    def month_and_day(node: Node) -> Node:
        return exp.Add(
            this=exp.Mul(this=call("month", node), expression=number(100)), expression=call("day", node.copy())
        )

    earlier = exp.LT(this=month_and_day(as_of()), expression=month_and_day(birth))
    years = exp.Sub(this=call("year", as_of()), expression=call("year", birth.copy()))
    return exp.Paren(this=exp.Sub(this=years, expression=exp.Case().when(earlier, number(1)).else_(number(0))))


def day_after(name: str, base: Node, distance: int) -> Node:
    """Write the day on which a clock function reaches a number: ``distance`` days later, or that anniversary."""
    if name == "days_since":
        return exp.Add(this=base, expression=number(distance))
    year = exp.Add(this=call("year", base), expression=number(distance))
    first = call("make_date", year, call("month", base.copy()), number(1))
    return exp.Add(
        this=first,
        expression=cast(exp.Paren(this=exp.Sub(this=call("day", base.copy()), expression=number(1))), "INTEGER"),
    )


LIMIT: Final = {"days_since": 100_000, "age": 200}
"""Greatest number a clock function may be compared with."""

ALL: Final = frozenset({*SCALARS, *AGGREGATES, *POPULATION, *CLOCK, "coalesce", "if"})
