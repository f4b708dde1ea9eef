"""Gather the faults of a batch and keep the first of each row, as columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Sequence

Rows: TypeAlias = npt.NDArray[np.int64]
ArrowArray: TypeAlias = Any
"""An Arrow array of any type: which one is asked at run time, and what the stubs know of it differs by version."""

FAULT: Final = pa.struct([("pointer", pa.string()), ("rule", pa.string()), ("reason", pa.string())])
"""What is wrong with a row: where (JSON pointer), which rule (a keyword of JSON Schema, or ``nul``, ``time_zone``)
and why in words that never repeat the value."""


@dataclass(frozen=True, slots=True)
class Found:
    """Rows that break one rule, at one pointer or at one pointer each."""

    rows: Rows
    pointers: str | ArrowArray
    rule: str
    reason: str

    def column(self) -> ArrowArray:
        """Spread the fault over its rows as a column of type :data:`FAULT`."""
        size = len(self.rows)
        spread = [pa.repeat(pa.scalar(text, pa.string()), size) for text in (self.rule, self.reason)]
        pointers = self.pointers
        if isinstance(pointers, str):
            pointers = pa.repeat(pa.scalar(pointers, pa.string()), size)
        return pa.StructArray.from_arrays([pointers, *spread], fields=list(FAULT))


def found(bad: ArrowArray, pointer: str, rule: str, reason: str) -> list[Found]:
    """Turn a mask into faults; nothing where the mask holds no true."""
    rows = np.flatnonzero(pc.fill_null(bad, False).to_numpy(zero_copy_only=False)).astype(np.int64)
    return [Found(rows, pointer, rule, reason)] if len(rows) else []


def item_offsets(lists: ArrowArray) -> Rows:
    """Tell where the items of each list begin among all items, and where the last list ends."""
    lengths: ArrowArray = pc.list_value_length(lists)
    counted = lengths.fill_null(0).to_numpy(zero_copy_only=False)
    return np.concatenate([[0], np.cumsum(counted, dtype=np.int64)]).astype(np.int64)


def in_items(inner: Sequence[Found], lists: ArrowArray, prefix: str) -> list[Found]:
    """Move faults of flattened items to the rows that hold them: ``/amount`` becomes ``/lines/2/amount``."""
    if not inner:
        return []
    offsets = item_offsets(lists)
    parents = np.repeat(np.arange(len(lists), dtype=np.int64), np.diff(offsets))
    moved: list[Found] = []
    for fault in inner:
        rows = parents[fault.rows]
        items = pa.array(fault.rows - offsets[rows]).cast(pa.string())
        pointers = pc.binary_join_element_wise(f"{prefix}/", items, fault.pointers, "")
        moved.append(Found(rows, pointers, fault.rule, fault.reason))
    return moved


def first_faults(faults: Sequence[Found], size: int) -> ArrowArray:
    """Make the fault column of a batch of ``size`` rows: null where a row is fine, else its first fault."""
    if not faults:
        return pa.nulls(size, FAULT)
    rows = np.concatenate([fault.rows for fault in faults])
    every = pa.concat_arrays([fault.column() for fault in faults])
    wrong, first = np.unique(rows, return_index=True)
    places = np.full(size, -1, dtype=np.int64)
    places[wrong] = first
    return every.take(pa.array(places, mask=places < 0))
