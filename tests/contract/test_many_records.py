"""Ten thousand records of each kind, many in one batch: the check says of each what jsonschema says of it alone."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import duckdb
import jsonschema
import pyarrow as pa
import pytest
from contract.arriving import WORDS, arriving, pointers
from properties.seeds import EXAMPLES, dice, smallest

from unifier.contract.check import check
from unifier.contract.formats import format_checker
from unifier.contract.kinds import Field, KindSchema, kind
from unifier.contract.records import from_dicts
from unifier.words import KINDS

SIDE_BY_SIDE: Final = 500
LETTERS: Final = (
    "a",
    "Z",
    "0",
    "９",
    "张",
    "é",
    "e\u0301",
    "🙂",
    "\n",
    "\t",
    " ",
    '"',
    "\\",
    "'",
    "{",
    "/",
    "\u2028",
    "\x7f",
)


def texts(draw: random.Random) -> str:
    """Draw a short text of hostile letters."""
    return "".join(draw.choices(LETTERS, k=draw.randint(0, 6)))


def cell(draw: random.Random, field: Field) -> Any:
    """Draw a value of a field's type, a good one or one of all sorts of bad ones."""
    good = draw.random() < 0.8
    if field.type == "boolean":
        return draw.random() < 0.5
    if field.type == "number":
        return draw.choice((0.0, -0.5, 1e300, 12.25, draw.uniform(-1e6, 1e6)))
    if field.type == "integer":
        bounds = [bound for bound in (field.minimum, field.maximum) if bound is not None]
        edges = [bound + step for bound in bounds for step in (-1, 0, 1)]
        return draw.randint(1, 100) if good else draw.choice([*edges, 0, draw.randint(-(10**17), 10**17)])
    if field.enum:
        return draw.choice(field.enum) if good else draw.choice(("", "PAID", "own\n", texts(draw)))
    if field.format:
        return WORDS[field.format][0] if good else draw.choice((*WORDS[field.format], texts(draw)))
    limit = field.max_length or 0
    long = draw.choice(("x", "张", "🙂")) * (limit + draw.randint(0, 1))
    return texts(draw) + "a" if good else draw.choice((texts(draw), long, ""))


def some(draw: random.Random, fields: Sequence[Field]) -> dict[str, Any]:
    """Draw an object with some of the fields, nearly always the required ones; optional ones may be null."""
    found: dict[str, Any] = {}
    for field in fields:
        if draw.random() < (0.98 if field.required else 0.3):
            value = None if not field.required and draw.random() < 0.1 else cell(draw, field)
            *outer, inner = field.path.split(".")
            target = found
            for name in outer:
                target = target.setdefault(name, {})
            target[inner] = value
    return found


def record(draw: random.Random, schema: KindSchema) -> dict[str, Any]:
    """Draw a record of a kind as a connector might yield it."""
    made = some(draw, schema.scalars)
    for part in schema.lists:
        if draw.random() < 0.3:
            made[part.path] = [some(draw, part.fields) for _ in range(draw.randint(0, 2))]
    for part in schema.free:
        if draw.random() < 0.3:
            made[part.path] = draw.choice((None, {}, {texts(draw): 1}, {"a": texts(draw)}))
    return made


class Roads:
    """The ways to judge records of a kind: in columns, as dicts, and one by one with jsonschema."""

    def __init__(self, name: str, con: duckdb.DuckDBPyConnection) -> None:
        self.schema = kind(name)
        self._con = con
        self._alone = jsonschema.Draft202012Validator(self.schema.schema, format_checker=format_checker())

    def together(self, rows: Sequence[Mapping[str, Any]]) -> list[str | None]:
        """Give each record's pointer to what is wrong, None where nothing is, all judged at once in columns."""
        table: pa.Table = arriving([dict(row) for row in rows], self.schema)
        checked = check(self._con, table, self.schema.name, "UTC")
        assert checked.valid.num_rows + checked.faults.num_rows == len(rows)
        wrong = {fault["row_no"]: fault["pointer"] for fault in checked.faults.to_pylist()}
        return [wrong.get(at) for at in range(len(rows))]

    def as_dicts(self, rows: Sequence[Mapping[str, Any]]) -> list[bool]:
        """Tell which records are good when they arrive as dicts."""
        faults = from_dicts(self._con, [dict(row) for row in rows], self.schema.name, "UTC").faults
        wrong = set(faults.column("row_no").to_pylist())
        return [at not in wrong for at in range(len(rows))]

    def alone(self, row: Mapping[str, Any]) -> set[str]:
        """Give the pointers that jsonschema has against a record."""
        return set().union(*(pointers(error) for error in self._alone.iter_errors(row)))

    def differing(self, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """List the records on which the ways disagree: whether they are good, or where they are bad."""
        judged = zip(rows, self.together(rows), self.as_dicts(rows), map(self.alone, rows), strict=True)
        return [
            row
            for row, pointer, good, told in judged
            if good == bool(told) or (bool(told) if pointer is None else pointer not in told)
        ]


@pytest.mark.parametrize("name", KINDS)
def test_a_record_is_judged_among_many_as_it_is_alone(name: str) -> None:
    """A file of ten thousand rows must not lose one that is good, nor let one in that a validator refuses."""
    draw = dice(f"records {name}")
    seen: Counter[bool] = Counter()
    with duckdb.connect() as con:
        roads = Roads(name, con)
        for _ in range(EXAMPLES // SIDE_BY_SIDE):
            rows = [record(draw, roads.schema) for _ in range(SIDE_BY_SIDE)]
            seen.update(bool(roads.alone(row)) for row in rows[:20])
            if wrong := roads.differing(rows):
                least = dict(smallest(list(wrong[0].items()), lambda left: bool(roads.differing([dict(left)]))))
                columns, dicts, alone = roads.together([least]), roads.as_dicts([least]), roads.alone(least)
                pytest.fail(f"{least}: columns say {columns}, dicts {dicts}, jsonschema {alone or 'nothing'}")

    assert min(seen[True], seen[False]) > 0.05 * seen.total()
