"""Give clusters their OneIDs, and remember their lives: rules 19 to 22 of ``docs/decisions/0002-semantics.md``."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from reference.evidence import Node

Weight = tuple[int, int, int]
"""Anchors, money, records (rule 20)."""
Cluster = frozenset[Node]

ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
NOTHING: Final[Weight] = (0, 0, 0)


def founder(cluster: Cluster) -> tuple[str, int, str]:
    """Return the smallest record key among a cluster's profiles, else among its bundles (rule 19)."""
    profiles = [node.order for node in cluster if node.sort == "profile"]
    return min(profiles or [node.order for node in cluster])


def spelled(key: tuple[str, int, str]) -> str:
    """Write a founder as the text that is hashed into a OneID."""
    return chr(31).join((key[0], ("profile", "bundle")[key[1]], key[2]))


def one_id(text: str, n: int, secret: bytes) -> str:
    """Return the first 80 bits of the keyed hash of founder and n, in base 32."""
    digest = hmac.new(secret, f"{text}{chr(31)}{n}".encode(), hashlib.sha256).hexdigest()
    bits = int(digest[:20], 16)
    return "".join(ALPHABET[bits >> shift & 31] for shift in range(75, -5, -5))


def total(weights: Iterable[Weight]) -> Weight:
    """Add up weights."""
    anchors, money, records = (sum(part) for part in zip(NOTHING, *weights, strict=True))
    return anchors, money, records


@dataclass(eq=False)
class Person:
    """A OneID; ``held`` are the nodes it has, or had when it ended, with their weights."""

    one_id: str
    founder: str
    minted_run: int
    state: str = "active"
    held: dict[object, Weight] = field(default_factory=dict)

    @property
    def age(self) -> tuple[int, str]:
        """Order persons, the older first."""
        return self.minted_run, self.one_id


class Registry:
    """All persons that ever were, and the lineage: (run, event, one_id, other one_id or None, cause)."""

    def __init__(self, secret: bytes) -> None:
        self.persons: list[Person] = []
        self.lineage: list[tuple[int, str, str, str | None, str]] = []
        self._secret = secret
        self._weights: dict[object, Weight] = {}

    def assign(
        self, run: int, clusters: Sequence[Cluster], weigh: Callable[[Node], Weight], refused: Iterable[Node]
    ) -> dict[Person, Cluster]:
        """Give every cluster that founds a person its OneID (rule 22), end lost ids, write the lineage."""
        # what is gone keeps its anchors and records, but its sales count no more (rule 20)
        self._weights = {token: (anchors, 0, records) for token, (anchors, _, records) in self._weights.items()}
        self._weights |= {node.token: weigh(node) for cluster in clusters for node in cluster}
        found = [cluster for cluster in clusters if any(node.founds for node in cluster)]
        before = {token: person for person in self._in("active") for token in person.held}
        overlaps = self._overlaps(found, before)
        given: dict[Cluster, Person] = {}
        for old, cluster in overlaps:  # greedily, the dearest first (rule 20)
            if cluster not in given and old not in given.values():
                given[cluster] = old
        revived = {cluster: back for cluster in found if cluster not in given and (back := self._revived(cluster))}
        given |= revived
        given |= {cluster: self._mint(run, cluster) for cluster in found if cluster not in given}
        self._write(run, given, before, overlaps, list(revived.values()), set(refused))
        for cluster, person in given.items():
            person.state = "active"
            person.held = {node.token: self._weights[node.token] for node in cluster}
        return {person: cluster for cluster, person in given.items()}

    def _in(self, *states: str) -> list[Person]:
        return [person for person in self.persons if person.state in states]

    def _overlaps(self, found: Sequence[Cluster], before: Mapping[object, Person]) -> list[tuple[Person, Cluster]]:
        """List old persons and new clusters that share nodes, by kept weight, older id, smaller founder (rule 20)."""
        shared: dict[tuple[Person, Cluster], list[Weight]] = {}
        for cluster in found:
            for node in cluster:
                if node.token in before:
                    shared.setdefault((before[node.token], cluster), []).append(self._weights[node.token])

        def rank(pair: tuple[Person, Cluster]) -> tuple[object, ...]:
            return *(-part for part in total(shared[pair])), pair[0].age, founder(pair[1])

        return sorted(shared, key=rank)

    def _revived(self, cluster: Cluster) -> Person | None:
        """Return the ended person more than half of whose weight at its end the cluster holds (rule 21)."""
        tokens = {node.token for node in cluster}
        chosen = []
        for person in self._in("merged", "retired"):
            whole, kept = total(person.held.values()), total(w for token, w in person.held.items() if token in tokens)
            deciding = next((at for at, part in enumerate(whole) if part), None)
            if deciding is not None and 2 * kept[deciding] > whole[deciding]:
                chosen.append((tuple(-part for part in kept), person.age, person))
        return min(chosen, key=lambda item: item[:2])[2] if chosen else None

    def _mint(self, run: int, cluster: Cluster) -> Person:
        text = spelled(founder(cluster))
        n = sum(person.founder == text for person in self.persons)
        self.persons.append(Person(one_id(text, n, self._secret), text, run))
        return self.persons[-1]

    def _write(
        self,
        run: int,
        given: Mapping[Cluster, Person],
        before: Mapping[object, Person],
        overlaps: Sequence[tuple[Person, Cluster]],
        revived: Sequence[Person],
        refused: set[Node],
    ) -> None:
        """End the ids that lost all their nodes, and write the lineage of this run (rule 21)."""
        living = set(given.values())
        lines: list[tuple[str, str, str | None, str]] = [
            ("revived", person.one_id, None, "record") for person in revived
        ]
        for person in self._in("active"):
            if person in living:
                continue
            heir = next((given[cluster] for other, cluster in overlaps if other is person), None)
            person.state = "merged" if heir else "retired"
            person.held = {token: self._weights[token] for token in person.held}
            lines.append((person.state, person.one_id, heir.one_id if heir else None, "record" if heir else "deletion"))
        for cluster, person in given.items():
            cause = "limit" if cluster & refused else "record"
            left = {before[node.token] for node in cluster if node.token in before} & living - {person}
            lines += [("split", person.one_id, other.one_id, cause) for other in left]
        self.lineage += [(run, *line) for line in sorted(lines, key=str)]
