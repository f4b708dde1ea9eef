"""Label connected nodes in bounded memory: links are taken a few million at a time, and contracted before the next.

scipy finds the components of a piece exactly, but turns its edges into 64-bit floats twice; of fifty million links at once
that would be most of a machine's memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

Ints = npt.NDArray[np.int32]
Links = Iterable[tuple[Ints, Ints]]
"""Links piece by piece, as often as they are asked for: ``nodes[i]`` carries ``hubs[i]``."""

LINKS_AT_ONCE: Final = 4_000_000


def lowest_labels(links: Links, count: int) -> Ints:
    """Give each node below ``count`` the lowest node that it is connected with through hubs: itself if there is none.

    ``links`` are walked through twice. However they are cut, the labels are the same.

    >>> lowest_labels([(np.int32([0, 2, 2]), np.int32([7, 7, 5])), (np.int32([3]), np.int32([5]))], 5).tolist()
    [0, 1, 0, 0, 4]
    """
    labels = np.arange(count, dtype=np.int32)
    carrier = _carriers(links)
    for nodes, hubs in links:
        # A hub is contracted to one of its nodes: a hub of n nodes becomes n - 1 pairs, and no vertex of its own.
        others = carrier[hubs]
        apart = nodes != others
        _join(labels, nodes[apart], others[apart])
    return labels


def cut(nodes: Ints, hubs: Ints, at_once: int = LINKS_AT_ONCE) -> Links:
    """Cut links into pieces, without copying them."""
    return [(nodes[at : at + at_once], hubs[at : at + at_once]) for at in range(0, len(nodes), at_once)]


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


def _carriers(links: Links) -> Ints:
    """Choose one node for each hub."""
    carrier = np.zeros(0, np.int32)
    for nodes, hubs in links:
        last = int(hubs.max(initial=-1))
        if last >= len(carrier):
            carrier = np.concatenate([carrier, np.zeros(last + 1 - len(carrier), np.int32)])
        carrier[hubs] = nodes
    return carrier


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
