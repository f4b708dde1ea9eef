"""Label connected nodes in bounded memory: edges are taken a few million at a time, and contracted before the next.

scipy finds the components of a piece exactly, but turns its edges into 64-bit floats twice; of fifty million edges at once
that would be most of a machine's memory.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

Ints = npt.NDArray[np.int32]

EDGES_AT_ONCE: Final = 4_000_000


def lowest_labels(nodes: Ints, hubs: Ints, count: int, *, at_once: int = EDGES_AT_ONCE) -> Ints:
    """Give each node below ``count`` the lowest node that it is connected with through hubs: itself if there is none.

    ``nodes[i]`` carries ``hubs[i]``. Whatever the size of a piece, the labels are the same.

    >>> lowest_labels(np.int32([0, 2, 2, 3, 4]), np.int32([7, 7, 5, 5, 6]), 6).tolist()
    [0, 1, 0, 0, 4, 5]
    """
    labels = np.arange(count, dtype=np.int32)
    if not len(nodes):
        return labels
    left, right = _pairs(nodes, hubs)
    for start in range(0, len(left), at_once):
        _join(labels, left[start : start + at_once], right[start : start + at_once])
    return labels


def dense(numbers: Ints) -> tuple[Ints, Ints]:
    """List the distinct numbers in order, and the place of each in that list.

    >>> [part.tolist() for part in dense(np.int32([9, 2, 9]))]
    [[2, 9], [1, 0, 1]]
    """
    if not len(numbers):
        return numbers, numbers
    seen = np.zeros(int(numbers.max()) + 1, bool)
    seen[numbers] = True
    place = np.cumsum(seen, dtype=np.int32)
    place -= 1
    return np.flatnonzero(seen).astype(np.int32), place[numbers]


def _pairs(nodes: Ints, hubs: Ints) -> tuple[Ints, Ints]:
    """Contract each hub to one of its nodes: a hub of n nodes becomes n - 1 pairs, and no vertex of its own."""
    carrier = np.zeros(int(hubs.max()) + 1, np.int32)
    carrier[hubs] = nodes
    others = carrier[hubs]
    apart = nodes != others
    return nodes[apart], others[apart]


def _join(labels: Ints, left: Ints, right: Ints) -> None:
    """Join the parts that some pairs connect; ``labels`` holds the lowest node of each part, before and after."""
    ends = np.concatenate([labels[left], labels[right]])
    half = len(left)
    apart = ends[:half] != ends[half:]
    present, codes = dense(np.concatenate([ends[:half][apart], ends[half:][apart]]))
    if not len(present):
        return
    half = len(codes) // 2
    size = len(present)
    graph = coo_matrix((np.ones(half, np.int8), (codes[:half], codes[half:])), shape=(size, size)).tocsr()
    part = connected_components(graph, directed=False)[1]
    lowest = np.empty(int(part.max()) + 1, np.int32)
    lowest[part[::-1]] = present[::-1]  # numpy keeps the last of several: here the lowest
    moved = np.arange(len(labels), dtype=np.int32)
    moved[present] = lowest[part]
    np.take(moved, labels, out=labels, mode="clip")
