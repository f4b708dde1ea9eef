"""Build the identity graph with networkx, and collapse it into persons: what the columnar engine must equal.

Nodes are ``("record", source, kind, id)``, ``("bundle", source, id)`` and ``("identifier", type, scope, value, holding)``;
an edge says that the first two carry the third, with ``class`` (1 is the strongest, 6 the weakest), ``role``,
``verified``, ``first_at``, ``last_at`` and, after :func:`collapse`, ``refused`` (None, ``limit`` or ``veto``). These names
are part of the contract.

>>> g = graph([
...     (("record", "crm", "profile", "1"), ("identifier", "phone", "", "19900000001", 0), {"class": 4}),
...     (("record", "wechat", "profile", "9"), ("identifier", "phone", "", "19900000001", 0), {"class": 2}),
...     (("record", "tmall", "profile", "7"), ("identifier", "ouid", "shop", "AAE", 0), {"class": 1}),
... ])
>>> [len(person) for person in collapse(g)]
[2, 1]
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import networkx as nx
import pyarrow as pa

Name = tuple[Hashable, ...]
if TYPE_CHECKING:
    Graph = nx.Graph[Name]

CLASSES: Final = range(1, 7)
VETO_FROM: Final = 4
"""Soft conflicts (names, masks, birth dates) refuse evidence of this class and weaker ones only."""


def graph(evidence: Iterable[tuple[Name, Name, Mapping[str, Any]]]) -> Graph:
    """Build a graph from (record or bundle, identifier, attributes); ``class`` is required."""
    built: Graph = nx.Graph()
    for carrier, identifier, attributes in evidence:
        known = built.get_edge_data(carrier, identifier)
        if known is None or attributes["class"] < known["class"]:
            built.add_edge(carrier, identifier, **{"refused": None, **attributes})
    return built


def collapse(identities: Graph, conflicts: Mapping[frozenset[Name], str] | None = None) -> list[frozenset[Name]]:
    """Collapse a graph into persons: sets of records and bundles, the largest first, then by name.

    ``conflicts`` tells which pairs cannot be one person: ``hard`` against all evidence, ``soft`` against classes 4 to 6.
    Class by class, the groups that stronger evidence has joined lose their links of a class if these would join two
    groups that conflict; where others join the two all the same, all links of the class in that part go. Such links get
    ``refused``. Without conflicts these are the connected components.
    """
    accepted: Graph = nx.Graph()
    accepted.add_nodes_from(identities.nodes)
    pairs = [(tuple(pair), kind) for pair, kind in (conflicts or {}).items()]
    for rank in CLASSES:
        kept = [_carried((a, b)) for a, b, told in identities.edges(data=True) if told["class"] == rank]
        group = _parts(accepted)
        for first in (True, False):
            part = _parts(nx.compose(accepted, nx.Graph(kept)))
            side = group if first else part
            losing: dict[int, str] = {}
            for (a, b), kind in pairs:
                counts = kind == "hard" or rank >= VETO_FROM
                if counts and group[a] != group[b] and part[a] == part[b]:
                    for loser in (side[a], side[b]):
                        losing[loser] = "limit" if kind == "hard" else losing.get(loser, "veto")
            for carrier, identifier in kept:
                identities.edges[carrier, identifier]["refused"] = losing.get(side[carrier])
            kept = [link for link in kept if side[link[0]] not in losing]
        accepted.add_edges_from(kept)
    people = [frozenset(node for node in part if node[0] != "identifier") for part in nx.connected_components(accepted)]
    return sorted((person for person in people if person), key=lambda person: (-len(person), min(map(str, person))))


def resolve(edge: pa.Table, pairs: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Resolve contested components with networkx: same columns in and out as the columnar engine's ``resolve``."""
    built = graph(
        (("record", row["node_no"]), ("identifier", row["hub_no"]), {"class": row["class"]}) for row in edge.to_pylist()
    )
    conflicts: dict[frozenset[Name], str] = {}
    for pair in pairs.to_pylist():
        names: frozenset[Name] = frozenset({("record", pair["a"]), ("record", pair["b"])})
        conflicts[names] = "hard" if pair["hard"] else conflicts.get(names, "soft")
    cluster = {_number(name): min(map(_number, person)) for person in collapse(built, conflicts) for name in person}
    refused = [
        {"node_no": _number(carrier), "hub_no": _number(hub), "class": told["class"], "refused_by": told["refused"]}
        for carrier, hub, told in ((*_carried((a, b)), told) for a, b, told in built.edges(data=True))
        if told["refused"]
    ]
    resolved = {
        "node_no": pa.array(sorted(cluster), pa.int32()),
        "cluster_no": pa.array([cluster[n] for n in sorted(cluster)], pa.int32()),
    }
    return pa.table(resolved), pa.Table.from_pylist(refused, _REFUSED)


_REFUSED: Final = pa.schema(
    {"node_no": pa.int32(), "hub_no": pa.int32(), "class": pa.int8(), "refused_by": pa.string()}
)


def _number(name: Name) -> int:
    return int(str(name[1]))


def _carried(link: tuple[Name, Name]) -> tuple[Name, Name]:
    """Put the carrier first: networkx keeps no order in an edge."""
    return (link[1], link[0]) if link[0][0] == "identifier" else link


def _parts(built: Graph) -> dict[Name, int]:
    return {name: place for place, part in enumerate(nx.connected_components(built)) for name in part}
