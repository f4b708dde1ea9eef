"""Compute SM3 digests of a column of short texts with numpy.

SM3 is GB/T 32905-2016. DuckDB has no SM3 and OpenSSL only sometimes; a phone number fits one 64-byte block, so a whole
column is hashed by running the 64 rounds once over arrays.
"""

from __future__ import annotations

from typing import Final, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Words = npt.NDArray[np.uint32]
Bytes = npt.NDArray[np.uint8]

_BLOCK: Final = 64
MAX_BYTES: Final = 55
"""Longest text that fits one block with its padding."""

_SLICE: Final = 8192
"""Rows hashed at once: the working arrays then stay in the processor's cache."""

_ROUNDS: Final = 64
_EARLY: Final = 16
_INITIAL: Final = (
    0x7380166F,
    0x4914B2B9,
    0x172442D7,
    0xDA8A0600,
    0xA96F30BC,
    0x163138AA,
    0xE38DEE4D,
    0xB0FB0E4E,
)
_HEX: Final = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), dtype="<u2")


def _round_constant(index: int) -> int:
    constant = 0x79CC4519 if index < _EARLY else 0x7A879D8A
    shift = index % 32
    return (constant << shift | constant >> (32 - shift)) & 0xFFFFFFFF if shift else constant


_CONSTANTS: Final = tuple(np.uint32(_round_constant(index)) for index in range(_ROUNDS))


def sm3_column(texts: pa.StringArray | pa.ChunkedArray[pa.StringScalar]) -> pa.StringArray:
    """Return the lower-case hexadecimal SM3 digests of a string column, null where it is null.

    Raises ValueError when a text is longer than 55 bytes.
    """
    array = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    known = array.is_valid()
    data, starts = _bytes(cast("pa.LargeStringArray", array.cast(pa.large_string()).fill_null("")))
    digests = np.empty((len(array), 32), dtype=np.uint8)
    for start in range(0, len(array), _SLICE):
        digests[start : start + _SLICE] = _digests(_blocks(data, starts[start : start + _SLICE + 1]))
    offsets = np.arange(len(array) + 1, dtype=np.int64) * 64
    characters = pa.py_buffer(_HEX[digests].tobytes())
    column = pa.LargeStringArray.from_buffers(len(array), pa.py_buffer(offsets.tobytes()), characters)
    return cast("pa.StringArray", pc.if_else(known, column, pa.scalar(None, pa.large_string())).cast(pa.string()))


def _bytes(texts: pa.LargeStringArray) -> tuple[Bytes, npt.NDArray[np.int64]]:
    """Return the UTF-8 bytes of a column and where in them each text starts, with the end of the last."""
    _, offset_buffer, data_buffer = texts.buffers()
    offsets = np.frombuffer(memoryview(offset_buffer or b""), dtype=np.int64)
    starts = offsets[texts.offset : texts.offset + len(texts) + 1]
    lengths = np.diff(starts)
    if len(lengths) and lengths.max() > MAX_BYTES:
        raise ValueError(f"sm3_column hashes texts of at most {MAX_BYTES} bytes, got {lengths.max()}")
    return np.frombuffer(memoryview(data_buffer or b""), dtype=np.uint8), starts


def _blocks(data: Bytes, starts: npt.NDArray[np.int64]) -> Bytes:
    """Return one padded 64-byte block per text, shape (rows, 64)."""
    lengths = np.diff(starts)
    blocks = np.zeros((len(lengths), _BLOCK), dtype=np.uint8)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    columns = np.arange(starts[0], starts[-1]) - np.repeat(starts[:-1], lengths)
    blocks[rows, columns] = data[starts[0] : starts[-1]]
    blocks[np.arange(len(lengths)), lengths] = 0x80
    bits = lengths * 8
    blocks[:, 62] = bits >> 8
    blocks[:, 63] = bits & 0xFF
    return blocks


def _rotated(words: Words, count: int) -> Words:
    shift = np.uint32(count % 32)
    return (words << shift) | (words >> np.uint32(32 - count % 32)) if shift else words


def _expanded(blocks: Bytes) -> list[Words]:
    """Return the 68 message words, each an array over the rows."""
    words = [np.ascontiguousarray(column) for column in blocks.view(">u4").astype(np.uint32).T]
    for index in range(16, 68):
        mixed = words[index - 16] ^ words[index - 9] ^ _rotated(words[index - 3], 15)
        mixed = mixed ^ _rotated(mixed, 15) ^ _rotated(mixed, 23)
        words.append(mixed ^ _rotated(words[index - 13], 7) ^ words[index - 6])
    return words


def _digests(blocks: Bytes) -> Bytes:
    """Return the digests of single blocks, shape (rows, 32)."""
    words = _expanded(blocks)
    a, b, c, d, e, f, g, h = (np.full(len(blocks), value, dtype=np.uint32) for value in _INITIAL)
    for index in range(_ROUNDS):
        turned = _rotated(a, 12)
        first = _rotated(turned + e + _CONSTANTS[index], 7)
        if index < _EARLY:
            choice, parity = a ^ b ^ c, e ^ f ^ g
        else:
            choice, parity = (a & b) | (c & (a | b)), g ^ (e & (f ^ g))
        t1 = choice + d + (first ^ turned) + (words[index] ^ words[index + 4])
        t2 = parity + h + first + words[index]
        a, b, c, d = t1, a, _rotated(b, 9), c
        e, f, g, h = t2 ^ _rotated(t2, 9) ^ _rotated(t2, 17), e, _rotated(f, 19), g
    state = np.stack(
        [part ^ np.uint32(value) for part, value in zip((a, b, c, d, e, f, g, h), _INITIAL, strict=True)], axis=1
    )
    return state.astype(">u4").view(np.uint8).reshape(len(blocks), 32)
