"""Write the rules of a kind as SQL conditions on canonical columns.

Each rule says what is wrong where, never with which value. A condition is true for a bad row; null means fine.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from unifier.contract.formats import EXPRESSIONS, FAULTS
from unifier.contract.kinds import ENVELOPE, Field, Nested, kind
from unifier.contract.objects import NOT_AN_OBJECT
from unifier.contract.parts import not_an_object_sql
from unifier.tables import literal, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

_FIRST_MICRO: Final = -62_135_596_800_000_000
_LAST_MICRO: Final = 253_402_300_799_999_999
_DATES: Final = "DATE '0001-01-01' AND DATE '9999-12-31'"
_EXISTS: Final = "NOT coalesce(deleted, false)"


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition that a bad value of a column meets; where ``part`` is given, an ``item`` of the column's list."""

    column: str
    condition: str
    pointer: str
    name: str
    reason: str
    part: Nested | None = None


def rules(name: str) -> tuple[Rule, ...]:
    """List the rules of a kind in the order in which the first fault of a row is chosen."""
    schema = kind(name)
    listed: list[Rule] = []
    for field in schema.scalars:
        listed += _field_rules(quoted(field.column), field, unless="" if field.column in ENVELOPE else _EXISTS)
    for part in schema.free:
        listed.append(_object_rule(part.column, part.path))
    listed.append(_object_rule("x", "x"))
    for part in schema.lists:
        listed.append(Rule(part.column, "item IS NULL", "", "type", f"an item of {part.path} is null", part))
        for field in part.fields:
            inner = _field_rules(f"item.{quoted(field.column)}", field, unless="item IS NOT NULL")
            listed += [replace(rule, column=part.column, part=part) for rule in inner]
    return tuple(listed)


def _object_rule(column: str, path: str) -> Rule:
    """Write the rule of a free object."""
    return Rule(column, not_an_object_sql(quoted(column)), f"/{path}", "type", f"{path} {NOT_AN_OBJECT}")


def _field_rules(column: str, field: Field, unless: str) -> list[Rule]:
    """Write the rules of a scalar, absence first; ``unless`` is what must hold for absence to be wrong."""
    found = [
        Rule(field.column, condition, field.pointer, name, f"{field.path} {why}")
        for condition, name, why in _wrong(column, field)
    ]
    if field.required:
        absent = f"({column} IS NULL AND {unless})" if unless else f"{column} IS NULL"
        found.insert(0, Rule(field.column, absent, field.pointer, "required", f"{field.path} is missing"))
    return found


def _wrong(column: str, field: Field) -> Iterator[tuple[str, str, str]]:
    """Yield condition, rule and reason for each way in which a value can be wrong."""
    if field.min_length:
        yield f"{column} = ''", "minLength", "is empty"
    if field.max_length:
        limit = field.max_length
        longer = f"(strlen({column}) > {limit} AND length({column}) > {limit})"
        yield longer, "maxLength", f"is longer than {limit} characters"
    if field.enum:
        words = ", ".join(literal(word) for word in field.enum)
        yield f"{column} NOT IN ({words})", "enum", "is not one of " + ", ".join(field.enum)
    if field.minimum is not None:
        yield f"{column} < {field.minimum}", "minimum", f"is less than {field.minimum}"
    if field.maximum is not None:
        yield f"{column} > {field.maximum}", "maximum", f"is greater than {field.maximum}"
    if field.type == "number":
        yield f"NOT isfinite({column})", "type", "is not a finite number"
    if field.format:
        yield _misshapen(column, field), "format", FAULTS[field.format]


def _misshapen(column: str, field: Field) -> str:
    """Write the condition of a broken format; times and dates are typed already and must lie in the calendar."""
    assert field.format is not None  # noqa: S101 - asked by the caller
    if field.format == "date-time":
        return f"epoch_us({column}) NOT BETWEEN {_FIRST_MICRO} AND {_LAST_MICRO}"
    if field.format == "date":
        return f"{column} NOT BETWEEN {_DATES}"
    return f"NOT regexp_full_match({column}, {literal(EXPRESSIONS[field.format])})"
