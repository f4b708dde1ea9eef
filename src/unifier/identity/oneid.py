"""Give old ids to new clusters, and spell new ones, on whole columns."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa

ALPHABET: Final = np.frombuffer(b"0123456789abcdefghjkmnpqrstvwxyz", dtype=np.uint8)
"""Crockford's base 32 in lower case: no letter looks like a digit."""

LENGTH: Final = 16
"""Letters of a OneID: 80 bits of the digest."""

_AT_ONCE: Final = 250_000


def match(overlap: pa.Table) -> pa.Table:
    """Match persons with clusters greedily by rank: ``overlap`` has person_no, cluster_no, rank (1 is the heaviest).

    Works in rounds: a pair that is the best for both its person and its cluster is what the greedy order would take, so
    all such pairs are taken at once. Returns (cluster_no, person_no).
    """
    person = np.unique(overlap["person_no"].to_numpy(), return_inverse=True)
    cluster = np.unique(overlap["cluster_no"].to_numpy(), return_inverse=True)
    rank = overlap["rank"].to_numpy()
    left = np.ones(len(rank), bool)
    taken = np.zeros(len(rank), bool)
    while left.any():
        best = [np.full(len(side[0]), np.iinfo(np.int32).max, np.int64) for side in (person, cluster)]
        for side, low in zip((person, cluster), best, strict=True):
            np.minimum.at(low, side[1][left], rank[left])
        mutual = left & (best[0][person[1]] == rank) & (best[1][cluster[1]] == rank)
        taken |= mutual
        left &= ~np.isin(person[1], person[1][mutual]) & ~np.isin(cluster[1], cluster[1][mutual])
    return overlap.select(["cluster_no", "person_no"]).filter(pa.array(taken))


def spell(minted: pa.Table) -> pa.Table:
    """Add ``one_id`` to ``minted``: the first 80 bits of its hexadecimal ``digest`` in base 32."""
    texts = minted["digest"].combine_chunks()
    parts = [_letters(texts.slice(start, _AT_ONCE)) for start in range(0, len(texts), _AT_ONCE)]
    spelled = pa.chunked_array(parts, pa.string())
    return minted.drop_columns(["digest"]).append_column("one_id", spelled)


def _letters(digests: Any) -> Any:
    """Spell hexadecimal digests of 64 digits (an Arrow string array) by their buffers."""
    count = len(digests)
    first = np.frombuffer(digests.buffers()[1], dtype=np.int32)[digests.offset]
    text = np.frombuffer(digests.buffers()[2], dtype=np.uint8)[first : first + count * 64].reshape(count, 64)[:, :20]
    nibbles = np.where(text >= ord("a"), text - ord("a") + 10, text - ord("0")).astype(np.uint8)
    bits = ((nibbles[:, :, None] >> np.array([3, 2, 1, 0], np.uint8)) & 1).reshape(count, LENGTH, 5)
    letters = ALPHABET[(bits * np.array([16, 8, 4, 2, 1], np.uint8)).sum(axis=2, dtype=np.uint8)]
    offsets = pa.py_buffer(np.arange(0, (count + 1) * LENGTH, LENGTH, dtype=np.int32).tobytes())
    return pa.StringArray.from_buffers(count, offsets, pa.py_buffer(letters.tobytes()))
