"""Read a parsed expression node by node: check names and types, build a tree of our own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Final
from typing import cast as cast_type

import sqlglot
from sqlglot import exp

from unifier.config import nearest
from unifier.expressions import functions
from unifier.expressions.functions import AGGREGATES, ALL, CLOCK, LIMIT, POPULATION, SCALARS, Function, call, cast
from unifier.expressions.shapes import COMPARISONS, MIRROR, Typed, arguments, called, whole
from unifier.expressions.values import NUMERIC, TEMPORAL, TEXTUAL, Type, joint

if TYPE_CHECKING:
    from unifier.expressions.namespace import Field, Namespace
    from unifier.expressions.trouble import Place

DEEPEST: Final = 30
FEWEST_BANDS: Final = 2
MOST_BANDS: Final = 1000
_ARITHMETIC: Final[tuple[type[exp.Expression], ...]] = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod)


@dataclass(slots=True)
class Reader:
    """Reads one expression; what it learns on the way stays in its fields. ``inside``: within an aggregate."""

    names: Namespace
    place: Place
    within: str = ""
    inside: bool = False
    depth: int = 0
    reads: set[str] = field(default_factory=set)
    relation: str | None = None
    flips: list[exp.Expression] = field(default_factory=list)
    daily: bool = False
    population: str | None = None
    bands: int = 0

    def top(self, tree: exp.Expression) -> Typed:
        """Read a whole expression; a population function may stand here only."""
        name = called(tree)
        typed = self._ranked(tree, name) if name in POPULATION and self.names.population else self.read(tree)
        if typed.type is Type.NULL:
            raise self.place.error(tree, "the value is always unknown", "name a field")
        if self.relation and self.reads - {self.relation}:
            other = min(self.reads - {self.relation}).partition(":")[2] or "a field of the person"
            raise self.place.error(
                tree,
                f"facts of {self.relation} and {other} do not go into one expression",
                "make a tag of the facts and name it in another",
            )
        return typed

    def read(self, node: exp.Expression) -> Typed:
        """Read a node; raise ConfigError at what is not known, not allowed or of the wrong type."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.place.error(node, f"the expression is nested deeper than {DEEPEST}", "name a part of it")
        reader: Callable[..., Typed] | None = getattr(self, _READERS.get(type(node), ""), None)
        if reader:
            typed = reader(node)
        elif isinstance(node, exp.Func):
            typed = self._call(node)
        else:
            raise self.place.error(
                node, f"{node.key.upper()} is not part of the language", "see the list of operators and functions"
            )
        self.depth -= 1
        return typed

    def need_truth(self, node: exp.Expression, typed: Typed) -> None:
        """Insist on a condition."""
        if typed.type not in {Type.BOOL, Type.NULL}:
            raise self.place.error(node, f"a condition is needed, this is {typed.type}", "compare it with something")

    def _column(self, node: exp.Column) -> Typed:
        name = ".".join(part.name for part in node.parts)
        known = self.names.fact_names if self.inside else self.names.fields
        found = known.get(name)
        if found is None:
            raise self.place.error(node, *self._unknown(name, known))
        self._note(node, found)
        return Typed(exp.column(found.column, quoted=True), found.type)

    def _unknown(self, name: str, known: object) -> tuple[str, str]:
        if name in self.names.fact_names:
            return f"{name} is a field of facts, of which a person has many", "put it into an aggregate, such as max(…)"
        if self.inside and name in self.names.fields:
            return f"{name} is a field of the person, not of a fact", "an aggregate reads facts only"
        return f"unknown field {name!r}", nearest(name, list(known))  # type: ignore[call-overload]

    def _note(self, node: exp.Expression, found: Field) -> None:
        self.reads.add(found.reads)
        if self.inside:
            if self.relation not in {None, found.reads}:
                raise self.place.error(
                    node, f"the expression reads {self.relation} and {found.reads}", "read one relation of facts"
                )
            self.relation = found.reads

    def _literal(self, node: exp.Literal) -> Typed:
        if node.is_string:
            return Typed(exp.Literal.string(node.this), Type.TEXT)
        if node.is_int:
            if abs(int(node.this)) >= 2**62:
                raise self.place.error(node, f"{node.this} is too great a number", "money is in fen")
            return Typed(exp.Literal.number(int(node.this)), Type.INT)
        return Typed(cast(exp.Literal.number(float(node.this)), "DOUBLE"), Type.NUMBER)

    def _boolean(self, node: exp.Boolean) -> Typed:
        return Typed(exp.Boolean(this=bool(node.this)), Type.BOOL)

    def _null(self, _: exp.Null) -> Typed:
        return Typed(exp.Null(), Type.NULL)

    def _paren(self, node: exp.Paren) -> Typed:
        inner = self.read(node.this)
        return Typed(exp.Paren(this=inner.node), inner.type)

    def _date(self, node: exp.Cast) -> Typed:
        if isinstance(node.this, exp.Literal) and node.this.is_string and node.to.is_type("date"):
            return Typed(self._day(node.this), Type.DATE)
        raise self.place.error(node, "CAST is not part of the language", "write date '2026-01-31', or use date_of")

    def _day(self, node: exp.Expression) -> exp.Expression:
        try:
            return cast(exp.Literal.string(date.fromisoformat(node.name).isoformat()), "DATE")
        except ValueError:
            raise self.place.error(node, f"{node.name!r} is not a day", "write it like '2026-01-31'") from None

    def _logic(self, node: exp.Connector) -> Typed:
        parts = [self._truth(cast_type("exp.Expression", part)) for part in node.flatten()]
        joined = exp.and_(*parts) if isinstance(node, exp.And) else exp.or_(*parts)
        return Typed(exp.Paren(this=joined), Type.BOOL)

    def _truth(self, node: exp.Expression) -> exp.Expression:
        typed = self.read(node)
        self.need_truth(node, typed)
        return typed.node

    def _not(self, node: exp.Not) -> Typed:
        return Typed(exp.Paren(this=exp.Not(this=exp.Paren(this=self._truth(node.this)))), Type.BOOL)

    def _is(self, node: exp.Is) -> Typed:
        if isinstance(node.expression, exp.Null):
            return Typed(exp.Paren(this=exp.Is(this=self.read(node.this).node, expression=exp.Null())), Type.BOOL)
        if isinstance(node.expression, exp.Boolean):
            truth = exp.Boolean(this=bool(node.expression.this))
            return Typed(
                exp.Paren(this=exp.Is(this=exp.Paren(this=self._truth(node.this)), expression=truth)), Type.BOOL
            )
        raise self.place.error(node, "IS takes null, true or false", "write is null, or use =")

    def _compare(self, node: exp.Expression) -> Typed:
        kind: type[exp.Expression] = type(node)
        left, right = node.this, node.args["expression"]
        if called(right) in CLOCK and whole(left) is not None:
            kind, left, right = MIRROR[kind], right, left
        clocked = self._clock(left, [(right, COMPARISONS[kind])])
        a, b = self._alike(node, [left, right], clocked)
        return Typed(exp.Paren(this=kind(this=a, expression=b)), Type.BOOL)

    def _between(self, node: exp.Between) -> Typed:
        low, high = node.args["low"], node.args["high"]
        clocked = self._clock(node.this, [(low, (0,)), (high, (1,))])
        a, b, c = self._alike(node, [node.this, low, high], clocked)
        return Typed(exp.Paren(this=exp.Between(this=a, low=b, high=c)), Type.BOOL)

    def _in(self, node: exp.In) -> Typed:
        if not node.expressions or any(node.args.get(part) for part in ("query", "unnest", "field")):
            raise self.place.error(node, "IN takes a list of values", "write in ('a', 'b')")
        clocked = self._clock(node.this, [(one, (0, 1)) for one in node.expressions])
        first, *rest = self._alike(node, [node.this, *node.expressions], clocked)
        return Typed(exp.Paren(this=exp.In(this=first, expressions=rest)), Type.BOOL)

    def _like(self, node: exp.Like) -> Typed:
        subject = self._argument("like", node.this, self.read(node.this), TEXTUAL)
        if not (isinstance(node.expression, exp.Literal) and node.expression.is_string):
            raise self.place.error(node, "LIKE takes a text as its pattern", "write like '上海%'")
        return Typed(
            exp.Paren(this=exp.Like(this=subject.node, expression=exp.Literal.string(node.expression.this))), Type.BOOL
        )

    def _alike(self, node: exp.Expression, parts: list[exp.Expression], clocked: Typed | None) -> list[exp.Expression]:
        """Read operands of a comparison and bring them to one type; a text beside a day is read as a day."""
        read = [clocked or self.read(parts[0]), *(self.read(part) for part in parts[1:])]
        if any(one.type is Type.NULL for one in read):
            raise self.place.error(node, "nothing is equal to null", "write is null, or is not null")
        if any(one.type in TEMPORAL for one in read):
            read = [self._as_day(part, one, read) for part, one in zip(parts, read, strict=True)]
        families = list(dict.fromkeys(one.type.family for one in read))
        if len(families) > 1:
            raise self.place.error(
                node, f"a {families[0]} does not compare with a {families[1]}", "bring both to one type"
            )
        return [one.node for one in read]

    def _as_day(self, part: exp.Expression, one: Typed, all_of: list[Typed]) -> Typed:
        if isinstance(part, exp.Literal) and part.is_string:
            return Typed(self._day(part), Type.DATE)
        whole_times = all(other.type is Type.TIMESTAMP for other in all_of)
        return one if whole_times or one.type is not Type.TIMESTAMP else Typed(self._local_day(one.node), Type.DATE)

    def _local_day(self, node: exp.Expression) -> exp.Expression:
        tree = sqlglot.parse_one(self.names.day('"moment"'), dialect="duckdb")
        return tree.transform(lambda one: node.copy() if isinstance(one, exp.Column) and one.name == "moment" else one)

    def _arithmetic(self, node: exp.Expression) -> Typed:
        left = self._argument(node.key, node.this, self.read(node.this), NUMERIC)
        right = self._argument(node.key, node.expression, self.read(node.expression), NUMERIC)
        if isinstance(node, exp.Div):
            ratio = exp.Div(this=cast(left.node, "DOUBLE"), expression=call("nullif", right.node, functions.number(0)))
            return Typed(exp.Paren(this=ratio), Type.NUMBER)
        divisor = call("nullif", right.node, functions.number(0)) if isinstance(node, exp.Mod) else right.node
        kind = joint([left.type, right.type]) or Type.NUMBER
        return Typed(exp.Paren(this=type(node)(this=left.node, expression=divisor)), kind)

    def _negative(self, node: exp.Neg) -> Typed:
        inner = self._argument("-", node.this, self.read(node.this), NUMERIC)
        return Typed(exp.Paren(this=exp.Neg(this=inner.node)), inner.type)

    def _case(self, node: exp.Case) -> Typed:
        if node.this:
            raise self.place.error(node, "CASE takes conditions", "write case when a = 1 then … end")
        branches = [(self._truth(one.this), one.args["true"]) for one in node.args["ifs"]]
        return self._choice(node, branches, node.args.get("default"))

    def _if(self, node: exp.If) -> Typed:
        return self._choice(node, [(self._truth(node.this), node.args["true"])], node.args.get("false"))

    def _choice(
        self, node: exp.Expression, branches: list[tuple[exp.Expression, exp.Expression]], other: exp.Expression | None
    ) -> Typed:
        values = [self.read(value) for _, value in branches]
        default = self.read(other) if other else Typed(exp.Null(), Type.NULL)
        kind = self._joint(node, [*values, default])
        case = exp.Case()
        for (condition, _), value in zip(branches, values, strict=True):
            case = case.when(condition, value.node)
        return Typed(exp.Paren(this=case.else_(default.node)), kind)

    def _coalesce(self, node: exp.Coalesce) -> Typed:
        read = [self.read(one) for one in arguments(node)]
        return Typed(call("coalesce", *(one.node for one in read)), self._joint(node, read))

    def _joint(self, node: exp.Expression, read: list[Typed]) -> Type:
        kind = joint([one.type for one in read])
        if kind is None:
            words = " and ".join(dict.fromkeys(str(one.type) for one in read if one.type is not Type.NULL))
            raise self.place.error(node, f"the results are of different types: {words}", "give all of them one type")
        return kind

    def _call(self, node: exp.Expression) -> Typed:
        name = called(node)
        if name in AGGREGATES:
            return self._aggregate(node, name)
        if name in SCALARS:
            return self._scalar(node, name, SCALARS[name])
        if name in CLOCK:
            return self._clock_value(node, name)
        if name in POPULATION:
            raise self.place.error(
                node, f"{name} stands at the top of a tag's value only", "make a tag of it and name that"
            )
        raise self.place.error(node, f"unknown function {name!r}", nearest(name, list(ALL)))

    def _scalar(self, node: exp.Expression, name: str, spec: Function) -> Typed:
        args = self._arguments(node, name, spec)
        nodes = [self._local_day(one.node) if one.type is Type.TIMESTAMP else one.node for one in args]
        if name == "month_of" and args[0].type is Type.BIRTHDAY:
            month = call("left", call("right", nodes[0], functions.number(5)), functions.number(2))
            return Typed(exp.TryCast(this=month, to=exp.DataType.build("BIGINT")), Type.INT)
        return Typed(spec.build(nodes), spec.result([one.type for one in args]))

    def _aggregate(self, node: exp.Expression, name: str) -> Typed:
        if self.inside:
            raise self.place.error(node, f"{name} stands inside another aggregate", "make a tag of it and name that")
        if not self.names.facts:
            raise self.place.error(node, f"{name} reads facts, which only tags do", "make a tag of it and name that")
        self.inside = True
        spec = AGGREGATES[name]
        args = self._arguments(node, name, spec)
        self.inside = False
        if self.relation is None:
            raise self.place.error(node, f"{name} reads no field of facts", "name one, such as sale.record_id")
        built = spec.build([one.node for one in args])
        if self.within:
            condition = sqlglot.parse_one(self.within, dialect="duckdb")
            built = exp.Filter(this=built, expression=exp.Where(this=condition))
        kind = spec.result([one.type for one in args])
        return Typed(functions.finish(built, kind, spec.element), kind)

    def _arguments(self, node: exp.Expression, name: str, spec: Function) -> list[Typed]:
        given = arguments(node)
        least, most = len(spec.takes) - spec.optional, len(spec.takes)
        if not least <= len(given) <= most:
            wanted = str(most) if least == most else f"{least} to {most}"
            raise self.place.error(
                node, f"{name} takes {wanted} arguments, here are {len(given)}", "check commas and brackets"
            )
        return [
            self._argument(name, one, self.read(one), takes)
            for one, takes in zip(given, spec.takes[: len(given)], strict=True)
        ]

    def _argument(self, name: str, node: exp.Expression, typed: Typed, takes: frozenset[Type]) -> Typed:
        if typed.type not in takes:
            wanted = " or ".join(sorted(takes))
            raise self.place.error(node, f"{name} takes {wanted}, this is {typed.type}", "check the type of the field")
        return typed

    def _ranked(self, node: exp.Expression, name: str) -> Typed:
        spec = POPULATION[name]
        args = self._arguments(node, name, spec)
        given = arguments(node)
        if name == "quantile_band":
            self.bands = whole(given[1]) or 0
            if not FEWEST_BANDS <= self.bands <= MOST_BANDS:
                raise self.place.error(
                    node, f"quantile_band takes {FEWEST_BANDS} to {MOST_BANDS} bands", "write quantile_band(x, 5)"
                )
        if self.relation:
            raise self.place.error(
                node, f"{name} ranks a field or a tag, not facts", "make a tag of the facts and name it here"
            )
        self.population = name
        return Typed(args[0].node, spec.result([one.type for one in args]))

    def _clock(self, node: exp.Expression, bounds: list[tuple[exp.Expression, tuple[int, ...]]]) -> Typed | None:
        """Read a clock function that is compared with numbers, and note the days on which the comparison flips."""
        name = called(node)
        numbers = [whole(bound) for bound, _ in bounds]
        if name not in CLOCK or any(one is None for one in numbers):
            return None
        base = self._clock_base(node, name)
        for (bound, shifts), value in zip(bounds, numbers, strict=True):
            if value is None or abs(value) > LIMIT[name]:
                raise self.place.error(bound, f"{name} compares with at most {LIMIT[name]}", "check the number")
            for shift in shifts:
                day = functions.day_after(name, base.copy(), value + shift)
                later = exp.GT(this=day, expression=functions.as_of())
                self.flips.append(exp.Case().when(later, day.copy()))
        return Typed(CLOCK[name].build([base]), Type.INT)

    def _clock_base(self, node: exp.Expression, name: str) -> exp.Expression:
        if self.inside:
            raise self.place.error(
                node, f"{name} does not stand inside an aggregate or a where", "use window, or compare a tag of a day"
            )
        argument = self._arguments(node, name, CLOCK[name])[0]
        if self.relation:
            raise self.place.error(node, f"{name} reads a day, not facts", "make a tag of the day and name that")
        if argument.type is Type.TIMESTAMP:
            return self._local_day(argument.node)
        if argument.type is Type.DATE:
            return argument.node
        return exp.TryCast(this=argument.node, to=exp.DataType.build("DATE"))

    def _clock_value(self, node: exp.Expression, name: str) -> Typed:
        if not self.names.daily:
            raise self.place.error(
                node, f"{name} changes every day for everybody", f"compare it with a number: {name}(…) > 90"
            )
        self.daily = True
        return Typed(CLOCK[name].build([self._clock_base(node, name)]), Type.INT)


_READERS: Final[dict[type[exp.Expression], str]] = {
    exp.Column: "_column",
    exp.Literal: "_literal",
    exp.Boolean: "_boolean",
    exp.Null: "_null",
    exp.Paren: "_paren",
    exp.Cast: "_date",
    exp.And: "_logic",
    exp.Or: "_logic",
    exp.Not: "_not",
    exp.Is: "_is",
    **dict.fromkeys(COMPARISONS, "_compare"),
    exp.Between: "_between",
    exp.In: "_in",
    exp.Like: "_like",
    **dict.fromkeys(_ARITHMETIC, "_arithmetic"),
    exp.Neg: "_negative",
    exp.Case: "_case",
    exp.If: "_if",
    exp.Coalesce: "_coalesce",
}
