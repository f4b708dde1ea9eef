"""Part an arriving batch into records that keep the contract and faults that say how the others break it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from unifier.contract.arrow import conform
from unifier.contract.rules import Rule, rules
from unifier.contract.screen import suspects
from unifier.contract.seen import Seen, arrived
from unifier.contract.unknowns import set_aside
from unifier.tables import literal, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from unifier.contract.faults import ArrowArray
    from unifier.contract.kinds import Nested
    from unifier.contract.mending import Unknown

FAULTS: Final = pa.schema(
    [pa.field("row_no", pa.int64())]
    + [pa.field(name, pa.string()) for name in ("record_id", "pointer", "rule", "reason", "raw")]
)
"""One row for each refused record: its position in the batch, its key if it has one, its first fault, its JSON text."""

_ARRIVING: Final = "unifier_arriving"
_REFUSED: Final = "unifier_refused"
_PIECE: Final = 65_536


@dataclass(frozen=True, slots=True)
class Checked:
    """A batch parted: ``valid`` has the columns of ``arrow_schema(kind)``, ``faults`` those of :data:`FAULTS`.

    ``seen`` tells what arrived beside the contract, for the profile.
    """

    valid: pa.Table
    faults: pa.Table
    seen: Seen = field(default_factory=Seen)


def check(
    con: duckdb.DuckDBPyConnection,
    table: pa.RecordBatch | pa.Table,
    kind: str,
    zone: str = "",
    unknown: Unknown = "quarantine",
) -> Checked:
    """Check a batch of a kind; ``read = valid + faults``, and the order of the records stays.

    ``zone`` (an IANA name) is where times without an offset are at home. ``unknown`` says what becomes of fields that
    the contract does not have, see :func:`unifier.contract.unknowns.set_aside`. Raises ContractError where the batch as
    a whole cannot be meant, see :func:`unifier.contract.arrow.conform`.
    """
    batch = table if isinstance(table, pa.Table) else pa.Table.from_batches([table])
    seen = arrived(batch, kind)
    return replace(_checked(con, batch, conform(set_aside(batch, kind, unknown, seen), kind, zone), kind), seen=seen)


def checked(con: duckdb.DuckDBPyConnection, batch: pa.Table, kind: str, zone: str) -> Checked:
    """Check columns of the contract's own fields, made of records whose types are known."""
    return _checked(con, batch, conform(batch, kind, zone), kind)


def _checked(con: duckdb.DuckDBPyConnection, batch: pa.Table, shaped: pa.Table, kind: str) -> Checked:
    """Part a batch by what is wrong in its conformed shape."""
    valid = shaped.drop_columns(["fault"])
    columns = suspects(valid, kind)
    if not columns and shaped.column("fault").null_count == batch.num_rows:
        return Checked(valid, FAULTS.empty_table())
    wrong = _wrong(con, shaped, kind, columns)
    if not wrong.num_rows:
        return Checked(valid, FAULTS.empty_table())
    fine = np.ones(batch.num_rows, dtype=bool)
    fine[wrong.column("row_no").to_numpy()] = False
    raw = _raw(con, batch.take(wrong.column("row_no")), wrong.column("row_no"))
    return Checked(valid.filter(pa.array(fine)), wrong.append_column("raw", raw).cast(FAULTS))


@cache
def faults_sql(kind: str, relation: str, columns: tuple[str, ...] | None = None) -> str:
    """Write a SELECT of the bad rows of a relation: ``row_no, record_id, pointer, rule, reason``.

    The relation holds what ``conform`` gives and a column ``row_no``; ``columns`` are those to check, all if None.
    Rows without a fault are not returned: the conditions are first asked together and told apart on bad rows only.
    """
    listed = [rule for rule in rules(kind) if columns is None or rule.column in columns]
    scalar = [rule.condition for rule in listed if rule.part is None]
    lists = {rule.part.column: rule.part for rule in listed if rule.part}
    nested = [_any_item(part, [rule for rule in listed if rule.part == part]) for part in lists.values()]
    bad = "\n   OR ".join(["fault IS NOT NULL", *scalar, *nested])
    first = "\n      ".join(_when(rule) for rule in listed)
    return f"""
SELECT row_no, record_id, first.pointer AS pointer, first.rule AS "rule", first.reason AS reason
FROM (
  SELECT row_no, record_id,
    CASE WHEN fault IS NOT NULL THEN fault
      {first}
    END AS first
  FROM {quoted(relation)}
  WHERE {bad}
)"""


def _wrong(con: duckdb.DuckDBPyConnection, shaped: pa.Table, kind: str, columns: tuple[str, ...]) -> pa.Table:
    """Find the bad rows of a conformed table, in order; it is cut in pieces for DuckDB reads these side by side."""
    numbered = shaped.append_column("row_no", pa.array(np.arange(shaped.num_rows, dtype=np.int64)))
    con.register(_ARRIVING, pa.Table.from_batches(numbered.to_batches(max_chunksize=_PIECE), numbered.schema))
    try:
        wrong: pa.Table = con.sql(faults_sql(kind, _ARRIVING, columns)).to_arrow_table()
    finally:
        con.unregister(_ARRIVING)
    return wrong.sort_by("row_no")


def _any_item(part: Nested, listed: Sequence[Rule]) -> str:
    """Write the condition that some item of a list is bad."""
    return f"len(list_filter({quoted(part.column)}, lambda item: {' OR '.join(rule.condition for rule in listed)})) > 0"


def _when(rule: Rule) -> str:
    """Write the branch of one rule; in lists the pointer holds the position of the first bad item."""
    if rule.part is None:
        return f"WHEN {rule.condition} THEN {_fault(literal(rule.pointer), rule)}"
    column = quoted(rule.part.column)
    place = f"list_position(list_transform({column}, lambda item: coalesce({rule.condition}, false)), true)"
    pointer = f"{literal(rule.part.pointer + '/')} || ({place} - 1) || {literal(rule.pointer)}"
    return f"WHEN {place} > 0 THEN {_fault(pointer, rule)}"


def _fault(pointer: str, rule: Rule) -> str:
    """Write a fault as a struct."""
    return f"{{'pointer': {pointer}, 'rule': {literal(rule.name)}, 'reason': {literal(rule.reason)}}}"


def _raw(con: duckdb.DuckDBPyConnection, refused: pa.Table, row_no: ArrowArray) -> ArrowArray:
    """Write records as JSON text, as they arrived, in the order of their numbers."""
    con.register(_REFUSED, pa.table({"row_no": row_no, "record": refused.to_struct_array()}))
    try:
        texts: pa.Table = con.sql(f"SELECT row_no, to_json(record)::VARCHAR AS raw FROM {_REFUSED}").to_arrow_table()
    finally:
        con.unregister(_REFUSED)
    return texts.sort_by("row_no").column("raw")
