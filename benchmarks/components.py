"""Measure how fast components are found among the links of many people, beside scipy on the same encoded edges.

Each way runs in a process of its own; ``README.md`` beside this file says what the figures mean.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from pipeline import watched
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from unifier.identity.components import components

WAYS: Final = ("unifier", "scipy")
NODES_A_MEMBER: Final = 3
SHARED: Final = 0.06
"""Share of people who share one of their values with somebody else."""


def links(members: int, seed: int) -> pa.Table:
    """Draw links: three nodes and two values a member, a node carries each with some chance, families share a value."""
    dice = np.random.default_rng(seed)
    nodes = np.arange(NODES_A_MEMBER * members, dtype=np.int32)
    owner = nodes // NODES_A_MEMBER
    value = np.arange(2 * members, dtype=np.int32)
    family = dice.random(members) < SHARED
    value[1::2][family] = 2 * dice.integers(0, members, int(family.sum()), dtype=np.int32) + 1
    carried = [dice.random(len(nodes)) < chance for chance in (0.9, 0.6)]
    node = np.concatenate([nodes[one] for one in carried])
    hub = np.concatenate([value[2 * owner[one] + at] for at, one in enumerate(carried)])
    order = dice.permutation(len(node))
    return pa.table({"node_no": node[order], "hub_no": hub[order]})


def by_scipy(edge: pa.Table) -> int:
    """Count components with scipy alone, nodes and values as the vertices of one graph."""
    nodes, hubs = edge["node_no"].to_numpy(), edge["hub_no"].to_numpy()
    start = np.int32(nodes.max() + 1)
    size = int(start) + int(hubs.max()) + 1
    graph = coo_matrix((np.ones(len(nodes), np.int8), (nodes, hubs + start)), shape=(size, size)).tocsr()
    labels = connected_components(graph, directed=False)[1][:start]
    sizes = np.bincount(labels[np.unique(nodes)])
    return int((sizes > 1).sum())


def by_unifier(edge: pa.Table) -> int:
    """Count components as the pipeline finds them."""
    found = components(edge)
    return int((found["node_no"].to_numpy() == found["component_no"].to_numpy()).sum())


def measure(way: str, path: Path) -> None:
    """Find the components of the links in a file; print seconds and how many there are, reading not timed."""
    with pa.memory_map(str(path)) as file:
        edge = pa.ipc.open_file(file).read_all()
    edge["node_no"].to_numpy().sum(), edge["hub_no"].to_numpy().sum()
    started = time.perf_counter()
    found = by_scipy(edge) if way == "scipy" else by_unifier(edge)
    print(f"{time.perf_counter() - started} {found}")


def main() -> None:
    """Read the command line, measure both ways, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--members", type=int, default=1_000_000, help="people")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other links")
    parser.add_argument("--repeat", type=int, default=3, help="the median of so many runs is told")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--links", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        measure(options.way, options.links)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "links.arrow"
        edge = links(options.members, options.seed)
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, edge.schema) as writer:
            writer.write_table(edge)
        print(f"{options.members:,} members, {edge.num_rows:,} links, median of {options.repeat}\n")
        print(f"{'way':<10}{'components':>12}{'seconds':>10}{'links/s':>14}{'peak MB':>9}")
        rows = edge.num_rows
        del edge
        for way in WAYS:
            runs = [
                watched([sys.executable, __file__, "--way", way, "--links", str(path)]) for _ in range(options.repeat)
            ]
            seconds = statistics.median(float(run.stdout.split()[0]) for run in runs)
            peak = statistics.median(run.peak for run in runs)
            found = int(runs[0].stdout.split()[1])
            print(f"{way:<10}{found:>12,}{seconds:>10.2f}{rows / seconds:>14,.0f}{peak / 1e6:>9,.0f}")


if __name__ == "__main__":
    main()
