"""From evidence to clusters: rules 8 and 12 to 18 of ``docs/decisions/0002-semantics.md``, on a networkx graph."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations
from typing import Any, Final

import networkx as nx
from reference.evidence import Evidence, Node, Rules, Value

from unifier.identifiers import masked_contradicts, md5, mix_mobile, names_agree, sha256, sm3

Hub = tuple[Value, int]
"""A value in one pair of hands: the value and its holding."""
Edge = tuple[Node, Hub, int]
"""A node's link to a hub, with its evidence class."""

CLASSES: Final = range(1, 7)
VETO_FROM: Final = 4
MONTH: Final = 30


def stand_for_plain(nodes: Iterable[Node], rules: Rules) -> None:
    """Fill ``links``: linking evidence, hashes of a plain phone that somebody carries under that phone (rule 8)."""
    nodes = list(nodes)
    plain: dict[Value, Value] = {}
    for value in {e.value for node in nodes for e in node.evidence if e.value[0] == "phone" and e.state == "valid"}:
        for type_, digest in (("phone_md5", md5), ("phone_sha256", sha256), ("phone_sm3", sm3)):
            plain[type_, "", digest(value[2])] = value
        for scope, key in rules.keys.items():
            plain["mix_mobile", scope, mix_mobile(value[2], key)] = value
    for node in nodes:
        node.links = [replace(e, value=plain.get(e.value, e.value)) for e in node.evidence if e.cls is not None]


def carriers(nodes: Iterable[Node]) -> dict[Value, list[Node]]:
    """Return the nodes that carry each value by linking evidence, former or not."""
    found: dict[Value, list[Node]] = defaultdict(list)
    for node in nodes:
        for value in sorted({link.value for link in node.links}):
            found[value].append(node)
    return found


def exclusive_values(node: Node, rules: Rules, *, current: bool = False) -> dict[tuple[str, str], set[Value]]:
    """Return what a node holds of the types of which a person has one only, by type and scope."""
    found: dict[tuple[str, str], set[Value]] = defaultdict(set)
    for link in node.links:
        if rules.types[link.value[0]].exclusive and (link.current or not current):
            found[link.value[:2]].add(link.value)
    return found


def is_generic(value: Value, held_by: Sequence[Node], rules: Rules) -> bool:
    """Tell whether too many names, exclusive values or profiles carry the value (rule 12)."""
    type_ = rules.types[value[0]]
    profiles = [node for node in held_by if node.sort == "profile"]
    exclusives: dict[tuple[str, str], set[Value]] = defaultdict(set)
    for node in held_by:
        for kind, values in exclusive_values(node, rules).items():
            if kind != value[:2]:
                exclusives[kind] |= values
    counts = (
        (type_.generic_names, len({node.name_key for node in profiles} - {None})),
        (type_.generic_exclusives, min(len(held_by), max(map(len, exclusives.values()), default=0))),
        (type_.generic_profiles, len(profiles)),
    )
    return any(most is not None and count > most for most, count in counts)


def holdings(value: Value, held_by: Sequence[Node], rules: Rules) -> dict[Node, int]:
    """Number the hands through which a value went (rule 13); a node's roles on the value are one span."""
    spans: dict[Node, tuple[datetime, datetime, bool]] = {}
    for node in held_by:
        links = [link for link in node.links if link.value == value]
        span = (min(link.first for link in links), max(link.last for link in links))
        spans[node] = (*span, any(link.current for link in links))
    ordered = sorted(held_by, key=lambda node: (*spans[node][:2], node.order))
    found: dict[Node, int] = {}
    holding = -1
    for part in _parts(value, ordered, spans, rules):
        holding += 1
        inside: list[Node] = []  # the profiles of the holding so far
        for node in part:
            former = inside and not any(spans[other][2] for other in inside)
            if former and spans[node][0] > max(spans[other][1] for other in inside):
                holding, inside = holding + 1, []
            found[node] = holding
            inside += [node] if node.sort == "profile" else []
    return found


def _parts(
    value: Value, ordered: Sequence[Node], spans: Mapping[Node, tuple[datetime, datetime, bool]], rules: Rules
) -> list[list[Node]]:
    """Divide carriers into islands, and join neighbouring islands again that one person may have held (rule 13)."""
    pause = rules.recycles(value[0])
    islands: list[list[Node]] = []
    seen: datetime | None = None
    for node in ordered:
        first, last, _ = spans[node]
        if seen is None or (pause is not None and first - seen > pause):
            islands.append([])
        islands[-1].append(node)
        seen = last if seen is None else max(seen, last)
    parts: list[list[Node]] = []
    for at, island in enumerate(islands):
        if at and not _strangers(value, islands[at - 1], island, rules):
            parts[-1] += island
        else:
            parts.append(list(island))
    return parts


def _strangers(value: Value, left: Sequence[Node], right: Sequence[Node], rules: Rules) -> bool:
    """Tell whether two islands are two people: names are compared by key equality here (rule 14)."""
    known = [_attributes(value, side, rules) for side in (left, right)]
    both = set(known[0]) & set(known[1])
    if not both:
        return all(any(node.sort == "profile" for node in side) for side in (left, right))
    return not any(known[0][attribute] & known[1][attribute] for attribute in both)


def _attributes(value: Value, nodes: Iterable[Node], rules: Rules) -> dict[object, set[object]]:
    found: dict[object, set[object]] = defaultdict(set)
    for node in nodes:
        for attribute, told in (("name", node.name_key), ("birthday", node.birthday)):
            if told is not None:
                found[attribute].add(told)
        for kind, values in exclusive_values(node, rules).items():
            if others := values - {value}:
                found[kind] |= others
    return found


def connected(nodes: Iterable[Node], edges: Iterable[Edge]) -> list[frozenset[Node]]:
    """Return the nodes that links connect, alone or not."""
    graph: nx.Graph[Any] = nx.Graph()
    graph.add_nodes_from(nodes)
    graph.add_edges_from((node, hub) for node, hub, _ in edges)
    parts = ({item for item in part if isinstance(item, Node)} for part in nx.connected_components(graph))
    return [frozenset(part) for part in parts if part]


def conflict(left: Node, right: Node, generic: set[Value], rules: Rules) -> str | None:
    """Tell why two nodes cannot be one person (rule 16): ``limit`` always counts, ``veto`` against classes 4 to 6."""
    ours, theirs = (exclusive_values(node, rules, current=True) for node in (left, right))
    shares = False
    for kind in set(ours) & set(theirs):
        if (mine := ours[kind] - generic) and (others := theirs[kind] - generic):
            if not mine & others:
                return "limit"
            shares = True
    if _contradicts(left, right) or _contradicts(right, left):
        return "veto"
    both_named = left.name_key is not None and right.name_key is not None
    agree = both_named and names_agree(left.name_key or "", right.name_key or "")
    born = {left.birthday, right.birthday}
    clash = (both_named and not agree and (None in born or len(born) > 1)) or (
        not both_named and None not in born and len(born) > 1
    )
    return "veto" if clash and not shares else None


def _contradicts(masked: Node, plain: Node) -> bool:
    shown = [
        e.value[2]
        for e in masked.evidence
        if (e.value[0], e.state) == ("phone_masked", "masked") and e.current and e.role in {"own", "staff"}
    ]
    phones = [link.value[2] for link in plain.links if link.value[0] == "phone" and link.current]
    return bool(phones) and any(all(masked_contradicts(mask, phone) for phone in phones) for mask in shown)


def resolve(component: frozenset[Node], edges: Sequence[Edge], generic: set[Value], rules: Rules) -> dict[Edge, str]:
    """Return the links of a component that are refused, and by what (rule 17)."""
    pairs = [(a, b, why) for a, b in combinations(component, 2) if (why := conflict(a, b, generic, rules))]
    refused: dict[Edge, str] = {}
    accepted: list[Edge] = []
    for rank in CLASSES if pairs else ():
        new = [edge for edge in edges if edge[2] == rank]
        group = {node: part for part in connected(component, accepted) for node in part}
        tried = {node: part for part in connected(component, [*accepted, *new]) for node in part}
        losing: dict[frozenset[Node], set[str]] = defaultdict(set)
        for a, b, why in pairs:
            if (why == "limit" or rank >= VETO_FROM) and group[a] != group[b] and tried[a] == tried[b]:
                losing[group[a]].add(why)
                losing[group[b]].add(why)
        for edge in new:
            if reasons := losing.get(group[edge[0]]):
                refused[edge] = min(reasons)  # limit before veto
            else:
                accepted.append(edge)
    return refused


def surplus(cluster: frozenset[Node], edges: Sequence[Edge], rules: Rules) -> set[Value]:
    """Return the values beyond what one person can have of a type and scope, weakest first (rule 18)."""
    links: dict[Value, list[Edge]] = defaultdict(list)
    for edge in edges:
        if edge[0] in cluster:
            links[edge[1][0]].append(edge)
    links = {value: told for value, told in links.items() if len({edge[0] for edge in told}) > 1}

    def strength(value: Value) -> tuple[int, int, str]:
        spans = [
            (node, link) for node in {edge[0] for edge in links[value]} for link in node.links if link.value == value
        ]
        return min(edge[2] for edge in links[value]), -sum(capacity(node, link) for node, link in spans), value[2]

    beyond: set[Value] = set()
    for kind in {value[:2] for value in links}:
        most = rules.types[kind[0]].max_per_person
        if most is not None and most > 1:
            beyond.update(sorted((value for value in links if value[:2] == kind), key=strength)[most:])
    return beyond


def capacity(node: Node, link: Evidence) -> int:
    """Weigh a link (rule 18): whole months of its span and facts behind it, at most 100."""
    days = (link.last.astimezone(UTC).date() - link.first.astimezone(UTC).date()).days
    return min(100, 1 + days // MONTH + len(node.facts))


def clusters(nodes: Sequence[Node], rules: Rules) -> tuple[list[frozenset[Node]], dict[Edge, str], set[Value]]:
    """Return who belongs together, which links were refused and why, and the generic values (rules 8, 12 to 18)."""
    stand_for_plain(nodes, rules)
    held_by = carriers(nodes)
    generic = {value for value, held in held_by.items() if is_generic(value, held, rules)}
    hands = {value: holdings(value, held, rules) for value, held in held_by.items() if value not in generic}
    edges = list({(n, (e.value, hands[e.value][n]), e.cls or 0) for n in nodes for e in n.links if e.value in hands})
    refused: dict[Edge, str] = {}
    for component in connected(nodes, edges):
        refused |= resolve(component, [edge for edge in edges if edge[0] in component], generic, rules)
    edges = [edge for edge in edges if edge not in refused]
    for cluster in connected(nodes, edges):
        beyond = surplus(cluster, edges, rules)
        refused |= {edge: "limit" for edge in edges if edge[0] in cluster and edge[1][0] in beyond}
    return connected(nodes, [edge for edge in edges if edge not in refused]), refused, generic
