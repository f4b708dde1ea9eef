"""The whole product in plain Python, slow and obvious: the columnar engine must give what this gives.

``Reference`` takes records as they are delivered and recomputes everything in every run. Only the histories carry over:
OneIDs, the lineage, which bundle is which, who was in a segment. Rule numbers: ``docs/decisions/0002-semantics.md``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from reference import golden, identity, tags
from reference.evidence import FACT_TIME, Bundles, Key, Node, Record, Rules, Value, fates, newest, profile_node
from reference.persons import Person, Registry, Weight
from reference.tags import News, Segment, Tag

if TYPE_CHECKING:
    from unifier.offers.identifier import IdentifierType


class Reference:
    """Hold what was delivered, and after each ``run`` what follows from it.

    ``deliver`` takes records shaped like the contract, whose times are aware datetimes. Node keys are (source,
    "profile", id) and (source, "bundle", its facts' keys); fact keys are (source, kind, id).
    """

    def __init__(
        self,
        types: Mapping[str, IdentifierType],
        keys: Mapping[str, str],
        found: Iterable[str],
        secret: bytes,
        trust: Sequence[str],
        currency: str,
        zone: str,
        fields: Mapping[str, golden.FieldRule] | None = None,
    ) -> None:
        self.rules = Rules(types, keys, tuple(found), secret)
        self.trust, self.currency, self.zone, self.fields = trust, currency, zone, fields or {}
        self.tag_definitions: Mapping[str, Tag] = {}
        self.segment_definitions: Mapping[str, Segment] = {}
        self.run_no = 0
        self.settled: Counter[str] = Counter()
        self.nodes: list[Node] = []
        self.clusters: list[frozenset[Node]] = []
        self.conflicts: set[tuple[Any, ...]] = set()
        self.generic: set[Value] = set()
        self.golden: dict[str, dict[str, Any]] = {}
        self.provenance: dict[str, dict[str, tuple[str, str, str]]] = {}
        self.contacts: dict[str, dict[str, dict[str, Any]]] = {}
        self.consents: dict[str, dict[tuple[str, str], tuple[str, Any]]] = {}
        self.sales: dict[Key, tuple[int, str]] = {}
        self.tags: dict[str, dict[str, Any]] = {}
        self.segments: dict[str, frozenset[str]] = {}
        self.events: list[tuple[int, str, str, bool, str]] = []
        self._versions: dict[Key, list[Record]] = defaultdict(list)
        self._landed: dict[Key, list[Record]] = defaultdict(list)
        self._bundles = Bundles()
        self._registry = Registry(secret)
        self._persons: dict[Person, frozenset[Node]] = {}
        self._flips: dict[str, date] = {}
        self._segment_versions: dict[str, str] = {}

    def define(self, tags: Mapping[str, Tag], segments: Mapping[str, Segment]) -> None:
        """Set the tags and segments that following runs compute; a new ``Segment.version`` is a new definition."""
        self.tag_definitions, self.segment_definitions = dict(tags), dict(segments)

    def deliver(self, source: str, kind: str, records: Iterable[Record]) -> None:
        """Land versions of records, in the order of their arrival."""
        for record in records:
            self._landed[source, kind, record["record_id"]].append(dict(record))

    def run(self, as_of: date) -> None:
        """Settle what landed, and recompute everything as of a day."""
        self.run_no += 1
        self._settle()
        top = {key: newest(versions) for key, versions in self._versions.items()}
        kinds = {kind: {key: record for key, record in top.items() if key[1] == kind} for kind in FACT_TIME}
        self.sales = golden.sales(kinds["order"], kinds["refund"], self.trust, self.currency)
        facts = {key: fact for kind in kinds.values() for key, fact in kind.items() if not fact.get("deleted")}
        profiles = [
            profile_node(key[0], told, self.rules) for key, told in self._versions.items() if key[1] == "profile"
        ]
        self.nodes = [node for node in profiles if node] + self._bundles.nodes(facts, self.rules)
        self.clusters, refused, self.generic = identity.clusters(self.nodes, self.rules)
        self.conflicts = {(node.key, *hub[0], cls, why) for (node, hub, cls), why in refused.items()}
        losers = {edge[0] for edge in refused}
        self._persons = self._registry.assign(self.run_no, self.clusters, self._weigh, losers)
        self._enrich()
        self._tag(as_of)

    def partition(self) -> frozenset[frozenset[tuple[str, str, Any]]]:
        """Return who is together with whom: sets of node keys, unattached bundles included."""
        return frozenset(frozenset(node.key for node in cluster) for cluster in self.clusters)

    def one_ids(self) -> dict[Key, str]:
        """Return the OneID of every profile and fact key that has one."""
        held = ((person.one_id, node) for person, cluster in self._persons.items() for node in cluster)
        return {key: one_id for one_id, node in held for key in (node.facts or [node.key])}

    @property
    def lineage(self) -> list[tuple[int, str, str, str | None, str]]:
        """Return all that ever happened to OneIDs: run, event, one_id, other one_id, cause."""
        return self._registry.lineage

    def _settle(self) -> None:
        self.settled = Counter()
        for key, landed in self._landed.items():
            known = self._versions[key]
            self.settled.update(fates(newest(known) if known else None, landed))
            known += landed
        self._landed.clear()

    def _weigh(self, node: Node) -> Weight:
        """Weigh a node (rule 20)."""
        anchors = {e.value for e in node.evidence if e.cls is not None and self.rules.types[e.value[0]].anchor}
        money = sum(self.sales[key][0] for key in node.facts if self.sales.get(key, (0, ""))[1] == "counted")
        return len(anchors), money, len(node.facts) or 1

    def _enrich(self) -> None:
        """Make golden records, consent and contacts of all persons (rules 23, 24)."""
        before = {one_id: (self.consents[one_id], self.contacts[one_id]) for one_id in self.golden}
        for told in (self.golden, self.provenance, self.contacts, self.consents):
            told.clear()
        for person, cluster in self._persons.items():
            one_id = person.one_id
            self.golden[one_id], self.provenance[one_id] = golden.golden(cluster, self.trust, self.fields)
            self.consents[one_id] = golden.consents(cluster)
            granted = {
                channel
                for (purpose, channel), said in self.consents[one_id].items()
                if (purpose, said[0]) == ("marketing", "granted")
            }
            self.contacts[one_id] = golden.contacts(cluster, self.generic, granted, self.rules)
        now = {one_id: (self.consents[one_id], self.contacts[one_id]) for one_id in self.golden}
        self._consent_news = frozenset(one_id for one_id in {*before, *now} if before.get(one_id) != now.get(one_id))

    def _counted(self, cluster: frozenset[Node]) -> list[dict[str, Any]]:
        """List a person's counted sales, with what tags can read of them."""
        return [
            {
                **order,
                "key": key,
                "net_amount": self.sales[key][0],
                "day": golden.sale_day(order, self.zone),
                "at": order.get("paid_at") or order["ordered_at"],
            }
            for node in cluster
            for key, order in node.facts.items()
            if key[1] == "order" and self.sales[key][1] == "counted"
        ]

    def _tag(self, as_of: date) -> None:
        """Compute tags and segments of everybody, and remember when they can change without news (rules 26, 27)."""
        due = frozenset(one_id for one_id, flip in self._flips.items() if flip <= as_of)
        sales = {person.one_id: self._counted(cluster) for person, cluster in self._persons.items()}
        self.tags = {one_id: {} for one_id in self.golden}
        for name, tag in sorted(self.tag_definitions.items(), key=lambda item: item[1].kind == "quantile_band"):
            if tag.kind == "quantile_band":
                found: Mapping[str, Any] = tags.bands(
                    {one_id: told[tag.of] for one_id, told in self.tags.items()}, tag.bands
                )
            else:
                found = {one_id: tags.value(tag, sales[one_id], self.golden[one_id], as_of) for one_id in self.tags}
            for one_id, value in found.items():
                self.tags[one_id][name] = value
        views = {one_id: self._view(one_id, as_of) for one_id in self.golden}
        self._flips = {}
        for one_id, view in views.items():
            flips = [tags.next_flip(tag, sales[one_id], as_of) for tag in self.tag_definitions.values()]
            flips += [day for s in self.segment_definitions.values() if s.flips for day in s.flips(view) if day > as_of]
            if days := [day for day in flips if day is not None]:
                self._flips[one_id] = min(days)
        self._segment(views, due)

    def _view(self, one_id: str, as_of: date) -> dict[str, Any]:
        consent = {about: said[0] for about, said in self.consents[one_id].items()}
        reachable = {channel for channel, best in self.contacts[one_id].items() if best["reachable"]}
        return {**self.golden[one_id], **self.tags[one_id], "consent": consent, "reachable": reachable, "as_of": as_of}

    def _segment(self, views: Mapping[str, Mapping[str, Any]], due: frozenset[str]) -> None:
        """Fill segments and write who entered and left; a segment's first run writes no events."""
        fresh = [line for line in self.lineage if line[0] == self.run_no]
        merged, split = (
            frozenset(one_id for line in fresh if line[1] == event for one_id in line[2:4] if one_id)
            for event in ("merged", "split")
        )
        news = News(merged, split, self._consent_news, due)
        inside = {
            name: frozenset(i for i, view in views.items() if s.where(view))
            for name, s in self.segment_definitions.items()
        }
        for name, segment in self.segment_definitions.items():
            if name in self._segment_versions:
                redefined = self._segment_versions[name] != segment.version
                for one_id in sorted(inside[name] ^ self.segments[name]):
                    why = tags.reason(one_id, segment, news, redefined=redefined)
                    self.events.append((self.run_no, one_id, name, one_id in inside[name], why))
        self.segments = inside
        self._segment_versions = {name: segment.version for name, segment in self.segment_definitions.items()}
