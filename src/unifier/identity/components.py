"""Find components, and resolve contested ones, on whole columns.

Nodes and hubs (a value in one pair of hands) are numbered densely for the length of a run; the numbers never leave it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from unifier.identity.labels import LINKS_AT_ONCE, Ints, cut, dense, lowest_labels

Bools = npt.NDArray[np.bool_]
Texts = npt.NDArray[np.object_]

VETO_FROM: Final = 4
"""Names and masks may refuse evidence of this class and weaker ones only."""

CLASSES: Final = range(1, 7)


def components(edge: pa.Table) -> pa.Table:
    """Label the raw components of ``edge`` (node_no, hub_no) that hold two or more nodes.

    Returns (node_no, component_no, edges). The label is the smallest node of the component, so that it does not depend
    on the order of the edges; ``edges`` counts the component's.
    """
    links = _Links(edge)
    present, labels = links.present, lowest_labels(links, len(links.present))
    shared = np.zeros(len(present), bool)
    shared[labels[labels != np.arange(len(present), dtype=np.int32)]] = True
    edges = np.zeros(len(present), np.int32)
    for nodes, _ in links:
        np.add.at(edges, labels[nodes], 1)
    keep = shared[labels]
    kept = labels[keep]
    return pa.table({"node_no": present[keep], "component_no": present[kept], "edges": edges[kept]})


def clusters(edge: pa.Table) -> pa.Table:
    """Label what ``edge`` connects: (node_no, cluster_no) for each of its nodes, alone or not."""
    links = _Links(edge)
    labels = lowest_labels(links, len(links.present))
    return pa.table({"node_no": links.present, "cluster_no": links.present[labels]})


class _Links:
    """Links of a table, a few million at a time: ``present`` lists their nodes, pieces number them by place in it."""

    def __init__(self, edge: pa.Table) -> None:
        self.edge = edge
        seen = np.zeros(int(pc.max(edge["node_no"]).as_py() or 0) + 1 if edge.num_rows else 0, bool)
        for piece in self._pieces():
            seen[_ints(piece, "node_no")] = True
        self.present: Ints = np.flatnonzero(seen).astype(np.int32)
        self.place: Ints = np.cumsum(seen, dtype=np.int32)
        self.place -= 1

    def __iter__(self) -> Iterator[tuple[Ints, Ints]]:
        for piece in self._pieces():
            yield self.place[_ints(piece, "node_no")], _ints(piece, "hub_no")

    def _pieces(self) -> Iterator[pa.Table]:
        for at in range(0, self.edge.num_rows, LINKS_AT_ONCE):
            yield self.edge.slice(at, LINKS_AT_ONCE)


def resolve(edge: pa.Table, pairs: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Refuse, class by class, the links that would connect groups that conflict.

    A group is what stronger classes have joined. Of a class, first the groups that conflict and would be connected lose
    their links; if others still connect them, then all that hangs together so does. ``edge`` has node_no, hub_no, class;
    ``pairs`` a, b, hard. Returns (node_no, cluster_no) for every node of ``edge`` and the refused (node_no, hub_no,
    class, refused_by). A pair that stronger evidence has already joined refuses nothing any more.
    """
    present, codes = dense(_ints(edge, "node_no"))
    hubs = dense(_ints(edge, "hub_no"))[1]
    classes = edge["class"].to_numpy()
    a, b = (np.searchsorted(present, _ints(pairs, name)) for name in ("a", "b"))
    quarrel = _Quarrel(a, b, pairs["hard"].to_numpy(zero_copy_only=False).astype(bool))
    accepted = np.zeros(len(codes), bool)
    refused_by = np.full(len(codes), "", dtype=object)
    groups = np.arange(len(present), dtype=np.int32)
    for rank in CLASSES:
        kept = classes == rank
        if not kept.any():
            continue
        for first in (True, False):
            whole = accepted | kept
            parts = lowest_labels(cut(codes[whole], hubs[whole]), len(present))
            sides = groups if first else parts
            why = quarrel.losing(groups, parts, sides, rank)[sides[codes]]
            refuse = kept & (why != "")
            refused_by[refuse] = why[refuse]
            kept &= ~refuse
        accepted |= kept
        groups = lowest_labels(cut(codes[accepted], hubs[accepted]), len(present))
    resolved = pa.table({"node_no": present, "cluster_no": present[groups]})
    gone = ~accepted
    refused = edge.select(["node_no", "hub_no", "class"]).filter(pa.array(gone))
    return resolved, refused.append_column("refused_by", pa.array(refused_by[gone], pa.string()))


class _Quarrel:
    """Pairs of nodes that cannot be one person: ``hard`` ones against all evidence, the others against weak classes."""

    def __init__(self, a: npt.NDArray[np.intp], b: npt.NDArray[np.intp], hard: Bools) -> None:
        self.a, self.b, self.hard = a, b, hard

    def losing(self, groups: Ints, parts: Ints, sides: Ints, rank: int) -> Texts:
        """Tell, by label of ``sides``, who loses the links of a class and why: pairs that ``parts`` joins and ``groups`` does not."""
        counts = self.hard | (rank >= VETO_FROM)
        clash = counts & (parts[self.a] == parts[self.b]) & (groups[self.a] != groups[self.b])
        why = np.full(len(groups), "", dtype=object)
        for reason, pairs in (("veto", clash), ("limit", clash & self.hard)):
            for side in (self.a, self.b):
                why[sides[side[pairs]]] = reason
        return why


def _ints(table: pa.Table, name: str) -> Ints:
    return np.asarray(table[name].to_numpy(), dtype=np.int32)
