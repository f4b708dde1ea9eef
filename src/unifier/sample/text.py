"""Make columns of text from columns of integers, without a Python loop over rows."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from unifier.sample.draws import Ints, Mask

Column: TypeAlias = "pa.Array[Any]"
"""An Arrow array; the stubs of pyarrow cannot follow NumPy's types into it."""

ALPHABET: Final = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", dtype=np.uint8)
TIMESTAMP = pa.timestamp("us", tz="UTC")
DAY = 86_400
SHANGHAI = 8 * 3600
"""Seconds by which the retailer's clock is ahead of UTC."""

_U64 = np.uint64


def arrow(values: object, type: pa.DataType | None = None, mask: Mask | None = None) -> Column:  # noqa: A002
    """Make an Arrow array of a NumPy array or a list; null where `mask`."""
    return cast("Column", pa.array(cast("Any", values), type=type, mask=cast("Any", mask)))


def from_characters(matrix: npt.NDArray[np.uint8]) -> Column:
    """Read each row of a matrix of UTF-8 bytes as one string."""
    rows, width = matrix.shape
    offsets = np.arange(0, (rows + 1) * width, width, dtype=np.int32) if width else np.zeros(rows + 1, dtype=np.int32)
    data = np.ascontiguousarray(matrix)
    ends, bytes_ = (pa.py_buffer(cast("Any", part)) for part in (offsets, data))
    return cast("Column", pa.StringArray.from_buffers(rows, ends, bytes_))


@cache
def _four_digits() -> npt.NDArray[np.uint32]:
    """Tabulate the four ASCII digits of 0 to 9999, each packed into one word."""
    text = "".join(f"{number:04d}" for number in range(10_000))
    return np.frombuffer(text.encode(), dtype=np.uint32)


def characters(numbers: Ints, width: int) -> npt.NDArray[np.uint8]:
    """Write integers as ASCII digits with leading zeros: one row of `width` bytes each."""
    groups = -(-width // 4)
    packed = np.empty((len(numbers), groups), dtype=np.uint32)
    rest = numbers
    for group in range(groups - 1, 0, -1):
        rest, low = np.divmod(rest, 10_000)
        packed[:, group] = _four_digits()[low]
    packed[:, 0] = _four_digits()[rest % 10_000]
    return packed.view(np.uint8)[:, groups * 4 - width :]


def digits(numbers: Ints, width: int, prefix: str = "") -> Column:
    """Write integers as text of fixed width after a prefix.

    >>> digits(np.array([7, 42]), 4, "P").to_pylist()
    ['P0007', 'P0042']
    """
    head = np.frombuffer(prefix.encode(), dtype=np.uint8)
    matrix = np.empty((len(numbers), len(head) + width), dtype=np.uint8)
    matrix[:, : len(head)], matrix[:, len(head) :] = head, characters(numbers, width)
    return from_characters(matrix)


def mix(numbers: Ints, salt: int) -> npt.NDArray[np.uint64]:
    """Mix integers into 64 unrelated bits each (splitmix64)."""
    x = numbers.astype(_U64) + _U64((salt + 1) * 0x9E3779B97F4A7C15 % (1 << 64))
    x = (x ^ (x >> _U64(30))) * _U64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> _U64(27))) * _U64(0x94D049BB133111EB)
    return np.asarray(x ^ (x >> _U64(31)), dtype=np.uint64)


def tokens(numbers: Ints, prefix: str, salt: int) -> Column:
    """Write integers as opaque platform ids: the prefix and 20 characters (120 bits) of the base64url alphabet."""
    head = np.frombuffer(prefix.encode(), dtype=np.uint8)
    matrix = np.empty((len(numbers), len(head) + 20), dtype=np.uint8)
    matrix[:, : len(head)] = head
    for half in (0, 1):
        bits = mix(mix(numbers, salt * 2 + half + 1).view(np.int64), salt * 2 + half + 101)
        for place in range(10):
            index = (bits >> _U64(6 * place)) & _U64(63)
            matrix[:, len(head) + half * 10 + place] = ALPHABET[index.astype(np.int64)]
    return from_characters(matrix)


def words(codes: Ints, vocabulary: Sequence[str], known: Mask | None = None) -> Column:
    """Name each code by a small vocabulary; null where not `known`. Written to files as plain strings."""
    # Parquet writers fall back on another, not repeatable encoding when a dictionary names a word twice
    distinct = {word: place for place, word in enumerate(dict.fromkeys(vocabulary))}
    places = np.array([distinct[word] for word in vocabulary], dtype=np.int32)
    indices = arrow(places[codes], mask=None if known is None else ~known)
    return cast("Column", pa.DictionaryArray.from_arrays(cast("Any", indices), arrow(list(distinct), type=pa.string())))


def repeated(word: str, size: int) -> Column:
    """Repeat one word `size` times."""
    return words(np.zeros(size, dtype=np.int64), [word])


def constant(word: str, size: int) -> Column:
    """Repeat one word `size` times, as plain strings."""
    return spelled(np.zeros(size, dtype=np.int64), [word])


def spelled(codes: Ints, vocabulary: Sequence[str] | Column, known: Mask | None = None) -> Column:
    """Name each code by a vocabulary, as plain strings; null where not `known`."""
    return arrow(vocabulary, type=pa.string()).take(arrow(codes, mask=None if known is None else ~known))


def joined(*parts: Column | str, by: str = "") -> Column:
    """Join columns of text, and words that stand in every row, row by row."""
    return cast("Column", pc.binary_join_element_wise(*cast("Any", parts), by))


def structs(fields: Mapping[str, Column], absent: Mask | None = None) -> Column:
    """Bind columns to one column of structs; null where `absent`."""
    mask = None if absent is None else arrow(absent)
    columns = cast("Any", list(fields.values()))
    return cast("Column", pa.StructArray.from_arrays(columns, names=list(fields), mask=cast("Any", mask)))


def listed(counts: Ints, entries: Column, absent: Mask | None = None) -> Column:
    """Cut a column of entries into one list per row, each as long as its count; null where `absent`."""
    offsets = arrow(np.concatenate([[0], np.cumsum(counts)]).astype(np.int32))
    mask = None if absent is None else arrow(absent)
    return cast("Column", pa.ListArray.from_arrays(cast("Any", offsets), entries, mask=cast("Any", mask)))


def known_only(column: Column, known: Mask) -> Column:
    """Blank a column where it is not `known`."""
    return column.take(arrow(np.arange(len(known)), mask=~known))


def overlay(base: Column, patches: Iterable[tuple[Ints, Column]]) -> Column:
    """Replace the rows named by each patch by the patch's values."""
    parts, index, size = [base], np.arange(len(base)), len(base)
    for rows, values in patches:
        if len(rows):
            index[rows] = size + np.arange(len(rows))
            parts.append(values)
            size += len(rows)
    return base if len(parts) == 1 else pa.concat_arrays(parts).take(arrow(index))


def instants(days: Ints, seconds: Ints, known: Mask | None = None) -> Column:
    """Turn a local date (days since 1970) and the seconds of its day into instants in UTC."""
    micros = (days * DAY + seconds - SHANGHAI) * 1_000_000
    return arrow(micros, mask=None if known is None else ~known).cast(cast("Any", TIMESTAMP))


def dates(days: Ints) -> Column:
    """Write days since 1970 as ISO dates."""
    return arrow(days.astype(np.int32)).cast(pa.date32()).cast(pa.string())
