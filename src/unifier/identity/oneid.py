"""Give old ids to new clusters on whole columns, and spell new ones in SQL."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa

from unifier.tables import literal

ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32 in lower case: no letter looks like a digit."""


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


def spelled_sql(digest: str) -> str:
    """Write the first 80 bits of a hexadecimal digest in base 32: 40 bits at a time, 5 to a letter."""
    letters = ", ".join(map(literal, ALPHABET))
    halves = (f"('0x' || {digest}[1:10])::BIGINT", f"('0x' || {digest}[11:20])::BIGINT")
    return " || ".join(f"([{letters}])[1 + (({half} >> {bit}) & 31)]" for half in halves for bit in range(35, -5, -5))
