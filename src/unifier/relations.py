"""Hold the frozen values that pass between rooms and the store: steps and the changes they make.

A step is one SQL statement that fills one temporary relation from relations that exist. Rooms write steps; the
store runs them; neither knows the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Step:
    """Fill the temporary relation ``writes`` with the rows of ``sql``.

    ``reads`` names every relation the statement reads, so that a test can give exactly these as small tables.
    ``params`` are the values of ``$name`` parameters: data never stands in the text. A ``lazy`` step is a view: for
    relations that are read once, or too wide to be worth keeping. ``numbered`` names a column that counts the rows
    from 0, in no particular order.
    """

    name: str
    reads: tuple[str, ...]
    writes: str
    sql: str
    params: dict[str, Any] = field(default_factory=dict)
    lazy: bool = False
    numbered: str = ""


@dataclass(frozen=True, slots=True)
class Compute:
    """Fill the temporary relation ``writes`` by a vectorised function of Arrow tables, one for each of ``reads``.

    For what SQL cannot say well, such as connected components. The function sees columns, never records.
    """

    name: str
    reads: tuple[str, ...]
    writes: str
    run: Callable[..., pa.Table]


@dataclass(frozen=True, slots=True)
class Merge:
    """Make ``table`` equal to the temporary relation ``source`` for the keys that stand in ``scope``.

    Rows of ``scope`` (a relation with the columns ``on``) that are absent from ``source`` are deleted; rows whose
    content is the same are not touched; the others are written with the number of the run in ``changed_run``.
    """

    table: str
    source: str
    scope: str
    on: tuple[str, ...]
    key: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """Count what a merge or a stage wrote."""

    touched: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0

    def __add__(self, other: Changes) -> Changes:
        """Add the counts of two merges."""
        return Changes(
            self.touched + other.touched,
            self.inserted + other.inserted,
            self.updated + other.updated,
            self.deleted + other.deleted,
        )


def spent_after(steps: Sequence[Step | Compute], keep: Iterable[str]) -> dict[int, list[str]]:
    """Tell, by the place of a step, which relations that the steps write nobody reads after it; those of ``keep`` never are.

    A view reads what it is made of for as long as it is read itself.

    >>> from dataclasses import replace
    >>> a, b, c = (Step(name, reads, name, "") for name, reads in (("a", ()), ("b", ("a",)), ("c", ("b",))))
    >>> spent_after([a, b, c], keep=["c"]), spent_after([a, replace(b, lazy=True), c], keep=["c"])
    ({1: ['a'], 2: ['b']}, {2: ['a', 'b']})
    """
    last = {step.writes: place for place, step in enumerate(steps)}
    for place, step in enumerate(steps):
        last |= {name: place for name in step.reads if name in last}
    last |= {name: len(steps) for name in keep if name in last}
    for step in reversed(steps):
        if isinstance(step, Step) and step.lazy:
            last |= {name: max(last[name], last[step.writes]) for name in step.reads if name in last}
    spent: dict[int, list[str]] = {}
    for name, place in last.items():
        spent.setdefault(place, []).append(name)
    spent.pop(len(steps), None)
    return spent


def read_steps(text: str, **params: Any) -> tuple[Step, ...]:
    r"""Read steps from a ``.sql`` file: ``-- step: writes <- reads, reads`` above each statement.

    ``~writes`` makes the step lazy, ``writes#column`` numbers its rows.

    >>> step, = read_steps("-- step: big <- small\nSELECT * FROM small WHERE n > $least;", least=3)
    >>> step.writes, step.reads, step.params
    ('big', ('small',), {'least': 3})
    """
    steps = []
    for block in text.split("-- step:")[1:]:
        head, _, sql = block.partition("\n")
        writes, _, reads = head.partition("<-")
        name, _, numbered = writes.strip().partition("#")
        steps.append(
            Step(
                name.lstrip("~"),
                tuple(part.strip() for part in reads.split(",") if part.strip()),
                name.lstrip("~"),
                sql.strip().rstrip(";"),
                {key: value for key, value in params.items() if f"${key}" in sql},
                lazy=name.startswith("~"),
                numbered=numbered,
            )
        )
    return tuple(steps)
