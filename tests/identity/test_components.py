"""Components and their resolution on whole columns, held against networkx on random graphs."""

from __future__ import annotations

import hashlib
import hmac

import duckdb
import networkx as nx
import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from unifier.identity import graph
from unifier.identity.components import clusters, components, resolve
from unifier.identity.labels import cut, lowest_labels
from unifier.identity.oneid import spelled_sql

EDGES = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 20), st.integers(1, 6)), max_size=60)


def table(edges: list[tuple[int, int, int]]) -> pa.Table:
    """Put edges into columns."""
    return pa.table(
        {
            "node_no": pa.array([edge[0] for edge in edges], pa.int32()),
            "hub_no": pa.array([edge[1] for edge in edges], pa.int32()),
            "class": pa.array([edge[2] for edge in edges], pa.int8()),
        }
    )


def parts(edges: list[tuple[int, int, int]]) -> set[frozenset[int]]:
    """Say with networkx which nodes hang together."""
    graph = nx.Graph([(("node", node), ("hub", hub)) for node, hub, _ in edges])
    return {frozenset(name for sort, name in part if sort == "node") for part in nx.connected_components(graph)}


def grouped(labels: pa.Table, column: str) -> set[frozenset[int]]:
    """Group nodes by their label."""
    found: dict[int, set[int]] = {}
    for row in labels.to_pylist():
        found.setdefault(row[column], set()).add(row["node_no"])
    return {frozenset(part) for part in found.values()}


@given(EDGES)
def test_components_are_those_of_networkx(edges: list[tuple[int, int, int]]) -> None:
    """The fast way is an optimisation: it must give the same partition, labelled by the smallest node."""
    labelled = components(table(edges))

    assert grouped(labelled, "component_no") == {part for part in parts(edges) if len(part) > 1}
    assert all(row["component_no"] <= row["node_no"] for row in labelled.to_pylist())


@given(EDGES)
def test_without_conflicts_everything_is_accepted(edges: list[tuple[int, int, int]]) -> None:
    """Resolution must cost nothing where there is nothing to resolve."""
    none = pa.table({"a": pa.array([], pa.int32()), "b": pa.array([], pa.int32()), "hard": pa.array([], pa.bool_())})
    resolved, refused = resolve(table(edges), none)

    assert refused.num_rows == 0
    assert grouped(resolved, "cluster_no") == grouped(clusters(table(edges)), "cluster_no")


@given(EDGES, st.dictionaries(st.tuples(st.integers(0, 30), st.integers(0, 30)), st.booleans(), max_size=5))
def test_both_engines_resolve_alike(edges: list[tuple[int, int, int]], pairs: dict[tuple[int, int], bool]) -> None:
    """The networkx way defines who is one person; the columnar engine is an optimisation and may not differ in one link."""
    strongest: dict[tuple[int, int], int] = {}
    for node, hub, rank in edges:
        strongest[node, hub] = min(rank, strongest.get((node, hub), rank))
    present = {node for node, _ in strongest}
    kept = [(a, b, hard) for (a, b), hard in pairs.items() if a != b and {a, b} <= present]
    conflict = pa.table(
        {
            "a": pa.array([pair[0] for pair in kept], pa.int32()),
            "b": pa.array([pair[1] for pair in kept], pa.int32()),
            "hard": pa.array([pair[2] for pair in kept], pa.bool_()),
        }
    )
    told = table([(node, hub, rank) for (node, hub), rank in strongest.items()])
    fast, plain = resolve(told, conflict), graph.resolve(told, conflict)

    assert grouped(fast[0], "cluster_no") == grouped(plain[0], "cluster_no")
    assert sorted(map(str, fast[1].to_pylist())) == sorted(map(str, plain[1].to_pylist()))


@given(EDGES, st.integers(1, 9))
def test_labels_do_not_depend_on_how_many_edges_are_taken_at_once(edges: list[tuple[int, int, int]], size: int) -> None:
    """Ten million people do not fit at once: who is one person may not depend on where their links were cut."""
    nodes, hubs = (np.array([edge[at] for edge in edges], np.int32) for at in (0, 1))
    bound = nx.Graph([(("node", node), ("hub", hub)) for node, hub, _ in edges])
    parts = [{node for sort, node in part if sort == "node"} for part in nx.connected_components(bound)]
    lowest = {node: min(part) for part in parts for node in part}

    assert lowest_labels(cut(nodes, hubs, size), 31).tolist() == [lowest.get(node, node) for node in range(31)]


def test_a_veto_does_not_touch_strong_evidence() -> None:
    """Names may be misspelled; a WeChat account is not: a name can refuse a phone, never an account."""
    edges = [(1, 7, 1), (2, 7, 1), (3, 8, 4), (1, 8, 4)]
    veto = pa.table({"a": pa.array([1, 1], pa.int32()), "b": pa.array([2, 3], pa.int32()), "hard": [False, False]})
    resolved, refused = resolve(table(edges), veto)

    assert grouped(resolved, "cluster_no") == {frozenset({1, 2}), frozenset({3})}
    assert set(zip(refused["node_no"].to_pylist(), refused["refused_by"].to_pylist(), strict=True)) == {
        (1, "veto"),
        (3, "veto"),
    }


def test_a_third_record_does_not_join_two_people() -> None:
    """Two WeChat accounts, each with its verified phone, stay two people though a clerk typed both phones on one card."""
    edges = [(1, 7, 2), (2, 8, 2), (3, 7, 4), (3, 8, 4)]
    pair = pa.table({"a": pa.array([1], pa.int32()), "b": pa.array([2], pa.int32()), "hard": [True]})
    alone = {frozenset({1}), frozenset({2}), frozenset({3})}

    assert grouped(resolve(table(edges), pair)[0], "cluster_no") == alone
    assert grouped(graph.resolve(table(edges), pair)[0], "cluster_no") == alone


def test_a_one_id_is_the_beginning_of_the_digest_in_base_32() -> None:
    """The letters are for people: no letter that looks like a digit, the same on every machine."""
    digests = [hmac.new(b"key", str(n).encode(), hashlib.sha256).hexdigest() for n in range(3)]
    alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
    spelled = [duckdb.execute(f"SELECT {spelled_sql('$1')}", [d]).fetchall()[0][0] for d in digests]
    expected = ["".join(alphabet[int(d[:20], 16) >> shift & 31] for shift in range(75, -1, -5)) for d in digests]
    assert spelled == expected
