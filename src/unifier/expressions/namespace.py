"""Say which names an expression may use, and what they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unifier.expressions.values import Type


@dataclass(frozen=True, slots=True)
class Field:
    """A name: the column it stands for, its type, and what reading it means, such as ``golden`` or ``tag:orders``."""

    column: str
    type: Type
    reads: str


@dataclass(frozen=True, slots=True)
class Namespace:
    """The names of an expression.

    ``fields`` are what is known of a person; ``facts`` are the fields of a person's facts, by relation and name, and
    stand in aggregates only. ``day`` writes the local day of a UTC time. ``daily`` allows values that change every day
    outside a comparison with a number: then the whole expression is due every day.
    """

    fields: Mapping[str, Field]
    day: Callable[[str], str]
    facts: Mapping[str, Mapping[str, Field]] = field(default_factory=dict)
    population: bool = False
    daily: bool = False

    @property
    def fact_names(self) -> Mapping[str, Field]:
        """Fields of facts by dotted name."""
        return {f"{relation}.{name}": one for relation, fields in self.facts.items() for name, one in fields.items()}


class Lazy(Mapping[str, Field]):
    """Hold fields that are there and names that are defined when an expression first looks them up."""

    def __init__(self, known: Mapping[str, Field], names: tuple[str, ...], define: Callable[[str], Field]) -> None:
        self._known, self._names, self._define = known, frozenset(names), define

    def __getitem__(self, name: str) -> Field:
        """Hand out a field; raise KeyError where there is none."""
        if name in self._known:
            return self._known[name]
        if name in self._names:
            return self._define(name)
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return name in self._known or name in self._names

    def __iter__(self) -> Iterator[str]:
        yield from self._known
        yield from self._names

    def __len__(self) -> int:
        return len(self._known) + len(self._names)
