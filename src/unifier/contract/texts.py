"""Look at the bytes of text columns: NUL characters, which no database keeps, and bytes that are not UTF-8.

Most columns hold neither, and one pass over the bytes says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unifier.contract.faults import ArrowArray, Found, found, in_items
from unifier.errors import ContractError

if TYPE_CHECKING:
    from unifier.contract.kinds import KindSchema

_LAST_ASCII: Final = 0x7F


def nul_faults(table: pa.Table, kind: KindSchema) -> list[Found]:
    """Find NUL characters in any text of a canonical table.

    Raises ContractError, naming the column, for bytes that are not UTF-8.
    """
    faults: list[Found] = []
    places = [(field.column, field.pointer) for field in kind.scalars]
    places += [(part.column, part.pointer) for part in kind.free] + [("x", "/x")]
    for column, pointer in places:
        faults += _in_column(table.column(column).combine_chunks(), column, pointer)
    for part in kind.lists:
        lists = table.column(part.column).combine_chunks()
        items = pc.list_flatten(lists)
        for field in part.fields:
            inner = _in_column(pc.struct_field(items, field.column), f"{part.column}.{field.column}", field.pointer)
            faults += in_items(inner, lists, part.pointer)
    return faults


def _in_column(column: ArrowArray, name: str, pointer: str) -> list[Found]:
    """Find the rows of one column that hold a NUL; nothing for a column that is no text."""
    if not pa.types.is_string(column.type):
        return []
    octets = _octets(column)
    if not len(octets):
        return []
    if octets.max() > _LAST_ASCII:
        _require_utf8(column, name)
    if octets.min() > 0:
        return []
    return found(pc.match_substring(column, "\0"), pointer, "nul", f"{name} holds a NUL character")


def _octets(column: ArrowArray) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    """View the bytes between the first and the last text of a column."""
    _, places, data = column.buffers()
    if not len(column) or data is None:
        return np.empty(0, dtype=np.uint8)
    ends = np.frombuffer(places, dtype=np.int32)
    first, last = int(ends[column.offset]), int(ends[column.offset + len(column)])
    return np.frombuffer(data, dtype=np.uint8)[first:last]


def _require_utf8(column: ArrowArray, name: str) -> None:
    """Refuse a column whose bytes are not UTF-8: which text was meant cannot be known."""
    try:
        column.validate(full=True)
    except pa.ArrowInvalid as error:
        raise ContractError(f"column {name}", "holds bytes that are not UTF-8", "decode the source's text") from error
