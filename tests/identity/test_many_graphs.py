"""Components, resolution and matching on ten thousand small graphs, many in one relation and none touching another."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import networkx as nx
import pyarrow as pa
import pytest
from properties.seeds import EXAMPLES, dice, smallest

from unifier.identity import graph
from unifier.identity.components import clusters, components, resolve
from unifier.identity.oneid import match

NODES, HUBS, SIDE_BY_SIDE = 12, 8, 500
Edge = tuple[int, int, int]
"""Node, hub, class."""
Pair = tuple[int, int, bool]
"""Two nodes that conflict, and whether against all evidence."""


@dataclass(frozen=True, slots=True)
class Small:
    """A small graph and the pairs in it that cannot be one person; ``items`` are both, edges and pairs."""

    edges: tuple[Edge, ...]
    pairs: tuple[Pair, ...]

    @property
    def items(self) -> tuple[Edge | Pair, ...]:
        """List what a smaller graph may lack."""
        return (*self.edges, *self.pairs)

    @classmethod
    def of(cls, items: Sequence[Edge | Pair]) -> Small:
        """Make a graph of edges and pairs; a pair of which a node is not there falls away."""
        edges = tuple((node, hub, rank) for node, hub, rank in items if not isinstance(rank, bool))
        present = {node for node, _, _ in edges}
        pairs = ((a, b, hard) for a, b, hard in items if isinstance(hard, bool) and {a, b} <= present)
        return cls(edges, tuple(pairs))


def small(draw: random.Random) -> Small:
    """Draw a graph: thin or thick, some nodes with one hub only, some pairs that conflict."""
    nodes, hubs = draw.randint(2, NODES), draw.randint(1, HUBS)
    links = {(draw.randrange(nodes), draw.randrange(hubs)) for _ in range(draw.randint(1, 24))}
    chosen = draw.sample(range(1, 7), draw.randint(1, 6))
    pairs = {
        (min(pair), max(pair)): draw.random() < 0.4
        for pair in (draw.sample(range(nodes), 2) for _ in range(draw.choice((0, 1, 2, 6))))
    }
    edges = [(*link, draw.choice(chosen)) for link in sorted(links)]
    draw.shuffle(edges)
    return Small.of([*edges, *((a, b, hard) for (a, b), hard in pairs.items())])


def blocks(draw: random.Random) -> Iterator[list[Small]]:
    """Draw ten thousand graphs, so many at a time as share a relation."""
    for _ in range(EXAMPLES // SIDE_BY_SIDE):
        yield [small(draw) for _ in range(SIDE_BY_SIDE)]


def edge_table(graphs: Sequence[Small]) -> pa.Table:
    """Put graphs into one relation, each with node and hub numbers of its own."""
    rows = [
        (NODES * at + node, HUBS * at + hub, rank) for at, one in enumerate(graphs) for node, hub, rank in one.edges
    ]
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    types = (pa.int32(), pa.int32(), pa.int8())
    return pa.table(
        {
            name: pa.array(column, kind)
            for name, column, kind in zip(("node_no", "hub_no", "class"), columns, types, strict=True)
        }
    )


def pair_table(graphs: Sequence[Small]) -> pa.Table:
    """Put the conflicting pairs of graphs into one relation."""
    rows = [(NODES * at + a, NODES * at + b, hard) for at, one in enumerate(graphs) for a, b, hard in one.pairs]
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    types = (pa.int32(), pa.int32(), pa.bool_())
    return pa.table(
        {name: pa.array(column, kind) for name, column, kind in zip(("a", "b", "hard"), columns, types, strict=True)}
    )


def by_graph(table: pa.Table, count: int) -> list[list[dict[str, Any]]]:
    """Part a relation by graph, nodes numbered from 0 in each."""
    found: list[list[dict[str, Any]]] = [[] for _ in range(count)]
    for row in table.to_pylist():
        at = row["node_no"] // NODES
        numbers = {name: row[name] - NODES * at for name in ("node_no", "component_no", "cluster_no") if name in row}
        hub = {"hub_no": row["hub_no"] - HUBS * at} if "hub_no" in row else {}
        found[at].append({**row, **numbers, **hub})
    return [sorted(rows, key=str) for rows in found]


Answer = list[list[dict[str, Any]]]


def raw(graphs: Sequence[Small]) -> tuple[Answer, ...]:
    """Find raw components and what hangs together, of all graphs at once."""
    table = edge_table(graphs)
    return by_graph(components(table), len(graphs)), by_graph(clusters(table), len(graphs))


def raw_plain(one: Small) -> tuple[list[dict[str, Any]], ...]:
    """Find them with networkx: the label is the smallest node, a component of one node is none."""
    built = nx.Graph([(("node", node), ("hub", hub)) for node, hub, _ in one.edges])
    rows, every = [], []
    for part in nx.connected_components(built):
        nodes = sorted(number for sort, number in part if sort == "node")
        edges = sum(node in nodes for node, _, _ in one.edges)
        every += [{"node_no": node, "cluster_no": nodes[0]} for node in nodes]
        rows += [{"node_no": n, "component_no": nodes[0], "edges": edges} for n in nodes if len(nodes) > 1]
    return sorted(rows, key=str), sorted(every, key=str)


def resolved(graphs: Sequence[Small]) -> tuple[Answer, ...]:
    """Resolve all graphs at once."""
    kept, refused = resolve(edge_table(graphs), pair_table(graphs))
    return by_graph(kept, len(graphs)), by_graph(refused, len(graphs))


def resolved_plain(one: Small) -> tuple[list[dict[str, Any]], ...]:
    """Resolve one graph with networkx."""
    kept, refused = graph.resolve(edge_table([one]), pair_table([one]))
    return by_graph(kept, 1)[0], by_graph(refused, 1)[0]


@pytest.mark.parametrize(("columnar", "plain"), [(raw, raw_plain), (resolved, resolved_plain)])
def test_what_whole_columns_find_networkx_finds_graph_by_graph(columnar: Any, plain: Any) -> None:
    """The fast way may not differ in one node, one link or one reason from the way that defines who is one person."""
    for graphs in blocks(dice(columnar.__name__)):
        answers = zip(graphs, zip(*columnar(graphs), strict=True), strict=True)
        wrong = next((one for one, answer in answers if answer != plain(one)), None)
        if wrong is not None:
            found = smallest(
                wrong.items, lambda left: tuple(part[0] for part in columnar([Small.of(left)])) != plain(Small.of(left))
            )
            least = Small.of(found)
            pytest.fail(f"{least}: columns say {columnar([least])}, networkx says {plain(least)}")


def joins_a_pair(one: Small, rows: Sequence[dict[str, Any]]) -> bool:
    """Tell whether two nodes ended in one cluster though they conflict against all evidence."""
    cluster = {row["node_no"]: row["cluster_no"] for row in rows}
    return any(cluster[a] == cluster[b] for a, b, hard in one.pairs if hard)


def test_hard_conflicts_never_end_in_one_cluster() -> None:
    """Two people with different WeChat accounts must not be one person, whatever else they share."""

    def fails(items: Sequence[Edge | Pair]) -> bool:
        return joins_a_pair(Small.of(items), resolved([Small.of(items)])[0][0])

    for graphs in blocks(dice("hard conflicts")):
        kept, _ = resolved(graphs)
        wrong = next((one for one, rows in zip(graphs, kept, strict=True) if joins_a_pair(one, rows)), None)
        if wrong is not None:
            pytest.fail(str(Small.of(smallest(wrong.items, fails))))


def test_matching_takes_the_heaviest_pair_that_is_free() -> None:
    """Which id survives must not depend on how the work was divided into rounds, nor on who else is matched."""
    draw = dice("matching")
    for _ in range(EXAMPLES // SIDE_BY_SIDE):
        worlds = [
            sorted({(draw.randrange(6), draw.randrange(6)) for _ in range(draw.randint(1, 14))})
            for _ in range(SIDE_BY_SIDE)
        ]
        pairs = [(at, *pair) for at, one in enumerate(worlds) for pair in one]
        draw.shuffle(pairs)
        found = match(
            pa.table(
                {
                    "person_no": pa.array([6 * at + person for at, person, _ in pairs], pa.int32()),
                    "cluster_no": pa.array([6 * at + cluster for at, _, cluster in pairs], pa.int32()),
                    "rank": pa.array(range(1, len(pairs) + 1), pa.int32()),
                }
            )
        )
        taken = set(zip(found["person_no"].to_pylist(), found["cluster_no"].to_pylist(), strict=True))
        orders: list[list[tuple[int, int]]] = [[] for _ in worlds]
        for at, person, cluster in pairs:
            orders[at].append((person, cluster))
        for at, order in enumerate(orders):
            greedy: dict[int, int] = {}
            for person, cluster in order:
                if person not in greedy and cluster not in greedy.values():
                    greedy[person] = cluster
            assert {(p, c) for p, c in order if (6 * at + p, 6 * at + c) in taken} == set(greedy.items()), order
        assert len(taken) == found.num_rows
