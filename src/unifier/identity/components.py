"""Find components, and resolve contested ones, on whole columns.

Nodes and hubs (a value in one pair of hands) are numbered densely for the length of a run; the numbers never leave it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

Ints = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]

VETO_FROM: Final = 4
"""Names and masks may refuse evidence of this class and weaker ones only."""

CLASSES: Final = range(1, 7)


def components(edge: pa.Table) -> pa.Table:
    """Label the raw components of ``edge`` (node_no, hub_no) that hold two or more nodes.

    Returns (node_no, component_no, edges). The label is the smallest node of the component, so that it does not depend
    on the order of the edges; ``edges`` counts the component's.
    """
    nodes, hubs = _ints(edge, "node_no"), _ints(edge, "hub_no")
    present, codes = _dense(nodes)
    lowest = _lowest(_labels(codes, hubs, len(present)))
    sizes = np.bincount(lowest, minlength=len(present))
    edges = np.bincount(lowest[codes], minlength=len(present)).astype(np.int32)
    keep = sizes[lowest] > 1
    return pa.table({"node_no": present[keep], "component_no": present[lowest[keep]], "edges": edges[lowest[keep]]})


def clusters(edge: pa.Table) -> pa.Table:
    """Label what ``edge`` connects: (node_no, cluster_no) for each of its nodes, alone or not."""
    present, codes = _dense(_ints(edge, "node_no"))
    labels = _labels(codes, _ints(edge, "hub_no"), len(present))
    return pa.table({"node_no": present, "cluster_no": present[_lowest(labels)]})


def resolve(edge: pa.Table, pairs: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Refuse, class by class, the links of groups that would become connected though they conflict.

    A group is what stronger classes have joined. ``edge`` has node_no, hub_no, class; ``pairs`` a, b, hard. Returns
    (node_no, cluster_no) for every node of ``edge`` and the refused (node_no, hub_no, class, refused_by). A pair that
    stronger evidence has already joined refuses nothing any more.
    """
    present, codes = _dense(_ints(edge, "node_no"))
    hubs = _dense(_ints(edge, "hub_no"))[1]
    classes = edge["class"].to_numpy()
    a, b = (np.searchsorted(present, _ints(pairs, name)) for name in ("a", "b"))
    hard = pairs["hard"].to_numpy(zero_copy_only=False).astype(bool)
    accepted = np.zeros(len(codes), bool)
    refused_by = np.full(len(codes), "", dtype=object)
    labels = np.arange(len(present), dtype=np.int32)
    for rank in CLASSES:
        new = classes == rank
        if not new.any():
            continue
        tried = _labels(codes[accepted | new], hubs[accepted | new], len(present))
        counts = hard | (rank >= VETO_FROM)
        clash = counts & (tried[a] == tried[b]) & (labels[a] != labels[b])
        bad, limited = np.zeros(len(present), bool), np.zeros(len(present), bool)
        for side in (a, b):
            bad[labels[side[clash]]] = True
            limited[labels[side[clash & hard]]] = True
        refuse = new & bad[labels[codes]]
        refused_by[refuse] = np.where(limited[labels[codes[refuse]]], "limit", "veto")
        accepted |= new & ~refuse
        labels = _labels(codes[accepted], hubs[accepted], len(present))
    resolved = pa.table({"node_no": present, "cluster_no": present[_lowest(labels)]})
    gone = ~accepted
    refused = edge.select(["node_no", "hub_no", "class"]).filter(pa.array(gone))
    return resolved, refused.append_column("refused_by", pa.array(refused_by[gone], pa.string()))


def _ints(table: pa.Table, name: str) -> Ints:
    return np.asarray(table[name].to_numpy(), dtype=np.int32)


def _dense(numbers: Ints) -> tuple[Ints, Ints]:
    """List the distinct numbers in order, and the place of each in that list."""
    if not len(numbers):
        return numbers, numbers
    seen = np.zeros(int(numbers.max()) + 1, bool)
    seen[numbers] = True
    place = np.cumsum(seen, dtype=np.int32) - 1
    return np.flatnonzero(seen).astype(np.int32), place[numbers].astype(np.int32)


def _labels(nodes: Ints, hubs: Ints, count: int) -> Ints:
    """Label nodes that are connected through hubs."""
    if not len(nodes):
        return np.arange(count, dtype=np.int32)
    size = count + int(hubs.max()) + 1
    graph = coo_matrix((np.ones(len(nodes), np.int8), (nodes, hubs + np.int32(count))), shape=(size, size)).tocsr()
    return np.asarray(connected_components(graph, directed=False)[1][:count], dtype=np.int32)


def _lowest(labels: Ints) -> Ints:
    """Give each place the lowest place with the same label."""
    if not len(labels):
        return labels
    lowest = np.zeros(int(labels.max()) + 1, np.int32)
    lowest[labels[::-1]] = np.arange(len(labels), dtype=np.int32)[::-1]
    return lowest[labels]
