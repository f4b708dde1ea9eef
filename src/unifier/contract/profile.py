"""Profile what a source delivers: how often each field is filled, how often right, how many values, of which types.

Figures only: no value is kept beyond the run, and keys that do not look like names of fields are counted together.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unifier.contract.kinds import KindSchema, Nested
from unifier.contract.kinds import kind as kind_schema
from unifier.contract.seen import OTHERS, field_of

if TYPE_CHECKING:
    from unifier.contract.check import Checked
    from unifier.contract.faults import ArrowArray

SAMPLE: Final = 16_384
"""Records at most from which the number of values is estimated."""
MOST_UNKNOWN: Final = 100
"""Unknown fields that are told by name; a source of more has data for keys."""
_SELDOM: Final = 3
"""An unknown field in fewer records may be anything, and is told among the others."""

PROFILE: Final = pa.schema(
    [
        ("kind", pa.string()),
        ("field", pa.string()),
        ("rows", pa.int64()),
        ("filled", pa.int64()),
        ("valid", pa.int64()),
        ("distinct_estimate", pa.int64()),
        ("types", pa.string()),
    ]
)
"""One row for each field that arrived, or that the contract has."""


@dataclass(slots=True)
class Profile:
    """The profile of one kind while a source is read; see :meth:`table`."""

    kind: str
    records: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    valid: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    types: dict[str, set[str]] = field(default_factory=dict)
    _sample: list[pa.Table] = field(default_factory=list)
    _every: int = 1
    _dice: np.random.Generator = field(default_factory=lambda: np.random.default_rng(1))

    def add(self, checked: Checked) -> None:
        """Count a checked batch."""
        schema = kind_schema(self.kind)
        self.records += checked.valid.num_rows + checked.faults.num_rows
        refused = Counter(_field_at(pointer) for pointer in checked.faults.column("pointer").to_pylist() if pointer)
        self.refused.update(refused)
        for name, column in _columns(checked.valid, schema):
            self.rows[name] += len(column)
            filled = len(column) - column.null_count
            self.valid[name] += filled
            arrived = checked.seen.arrived.get(name, "")
            if filled or (arrived and refused[name]):
                self.types.setdefault(name, set()).add(arrived or _word(name, schema))
        for name, words in checked.seen.types.items():
            self.types.setdefault(name, set()).update(words)
        self.unknown.update(checked.seen.unknown)
        self._keep(checked.valid, schema)

    def table(self) -> pa.Table:
        """Tell the profile as rows of :data:`PROFILE`, nothing if no record was read.

        ``rows`` counts records, for fields of lists their items. ``valid`` counts what is filled in records that keep
        the contract; ``filled`` adds the records that were refused for this field. ``distinct_estimate`` is the
        estimator of Haas and Stokes (1998, Duj1), which PostgreSQL uses, on a sample drawn by
        chance of at most 16,384 records.
        ``types`` are JSON types, joined by commas. Unknown fields are filled and never valid.
        """
        if not self.records:
            return PROFILE.empty_table()
        schema = kind_schema(self.kind)
        distinct = self._distinct(schema)
        rows = [
            self._row(name, self.rows[name], self.valid[name] + self.refused[name], distinct.get(name))
            for name in _names(schema)
        ]
        rows += [self._row(name, self.records, filled, None) for name, filled in sorted(self._strangers().items())]
        return pa.Table.from_pylist(rows, PROFILE)

    def _row(self, name: str, rows: int, filled: int, distinct: int | None) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "field": name,
            "rows": rows if "[]." in name else self.records,
            "filled": filled,
            "valid": self.valid[name],
            "distinct_estimate": distinct,
            "types": ",".join(sorted(self.types.get(name, ()))),
        }

    def _strangers(self) -> Counter[str]:
        """Name the unknown fields; what is seldom, or too much, is told together."""
        told: Counter[str] = Counter()
        for at, (name, filled) in enumerate(self.unknown.most_common()):
            by_name = at < MOST_UNKNOWN and (filled >= _SELDOM or self.records < _SELDOM * _SELDOM)
            shown = name if by_name else OTHERS
            told[shown] += filled
            if shown != name:
                self.types.setdefault(OTHERS, set()).update(self.types.pop(name, ()))
        return told

    def _keep(self, valid: pa.Table, schema: KindSchema) -> None:
        """Keep a share of all records, drawn by chance; where they become too many, half of those."""
        at = self._drawn(valid.num_rows, self._every)
        while len(at) + sum(table.num_rows for table in self._sample) > SAMPLE:
            self._sample = [table.take(self._drawn(table.num_rows, 2)) for table in self._sample]
            self._every *= 2
            at = at[self._drawn(len(at), 2)]
        free = {part.column for part in schema.free} | {"x"}
        if len(at):
            self._sample.append(valid.select([name for name in valid.column_names if name not in free]).take(at))

    def _drawn(self, size: int, every: int) -> Any:
        """Draw the places of one row in so many."""
        return np.flatnonzero(self._dice.random(size, np.float32) * every < 1) if every > 1 else np.arange(size)

    def _distinct(self, schema: KindSchema) -> dict[str, int]:
        """Estimate the number of values of each field."""
        if not self._sample:
            return {}
        sample = pa.concat_tables(self._sample)
        return {
            name: _distinct(column.drop_null(), self.valid[name])
            for name, column in _columns(sample, schema, inside_only=True)
        }


def _distinct(sample: ArrowArray, of: int) -> int:
    """Estimate how many values ``of`` many have, from a sample of them.

    >>> _distinct(pa.array(["a", "b", "a", "b"]), 1000), _distinct(pa.array(["a", "b", "c", "d"]), 1000)
    (2, 1000)
    """
    size = len(sample)
    if not size:
        return 0
    counts = pc.value_counts(sample).field("counts").to_numpy(zero_copy_only=False)
    once = int((counts == 1).sum())
    return min(of, round(len(counts) * size / (size - once + once * size / max(of, size))))


def _columns(table: pa.Table, schema: KindSchema, *, inside_only: bool = False) -> list[tuple[str, ArrowArray]]:
    """List fields with their values: scalars, lists as a whole and their items' fields, free objects."""
    found: list[tuple[str, ArrowArray]] = [(field.path, table.column(field.column)) for field in schema.scalars]
    for part in schema.lists:
        column = table.column(part.column).combine_chunks()
        if not inside_only:
            found.append((part.path, column))
        items = pc.list_flatten(column)
        found += [(_inside(part, field.path), pc.struct_field(items, field.column)) for field in part.fields]
    if not inside_only:
        found += [(part.path, table.column(part.column)) for part in schema.free] + [("x", table.column("x"))]
    return found


def _names(schema: KindSchema) -> list[str]:
    names = [field.path for field in schema.scalars]
    for part in schema.lists:
        names += [part.path, *(_inside(part, field.path) for field in part.fields)]
    return [*names, *(part.path for part in schema.free), "x"]


def _inside(part: Nested, child: str) -> str:
    return f"{part.path}[].{child}"


def _word(name: str, schema: KindSchema) -> str:
    """Tell the JSON type that the contract has for a field."""
    scalars = {field.path: field.type for field in schema.scalars}
    for part in schema.lists:
        scalars |= {_inside(part, field.path): field.type for field in part.fields}
    lists = {part.path for part in schema.lists}
    return scalars.get(name, "array" if name in lists else "object")


def _field_at(pointer: str) -> str:
    """Name the field that a pointer means; vendors' objects are ``x``."""
    path = tuple(pointer[1:].split("/"))
    return "x" if path[0].startswith("x_") else field_of(path, known=len(path))
