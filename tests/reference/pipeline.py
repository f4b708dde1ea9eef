"""The whole product in plain Python, slow and obvious: the columnar engine must give what this gives.

Rule numbers are those of ``docs/decisions/0002-semantics.md``; rules 23 to 25 and 28 are in ``golden.py``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from typing import Any, Final
from zoneinfo import ZoneInfo

import networkx as nx
from reference.golden import FieldRule, Key, Record, consents, golden, sales

from unifier.identifiers import keyed, masked_contradicts, md5, mix_mobile, name_key, names_agree, readings, sha256, sm3
from unifier.offers.identifier import IdentifierType

Value = tuple[str, str, str]  # identifier type, scope, normal form
Cluster = frozenset["Node"]
Link = tuple["Node", tuple[Value, int]]  # a node, and what it hangs on: a value in one pair of hands
TIME: Final = {"order": "ordered_at", "refund": "refunded_at", "event": "happened_at", "consent": "at"}
BASE32: Final = "0123456789abcdefghjkmnpqrstvwxyz"
FULL_DATE, MONTH, VETO_FROM = 10, 30, 4


@dataclass(frozen=True)
class Evidence:
    """That a node carried a value in a role, and when; what has no class (None) never links (rule 6)."""

    value: Value
    role: str
    state: str
    first: datetime
    last: datetime
    verified: bool
    current: bool
    cls: int | None


@dataclass(frozen=True, order=True)
class Node:
    """A profile, or a bundle of facts; nodes compare in record key order (rule 19), tokens stay from run to run."""

    source: str
    is_bundle: bool
    id: str
    key: tuple[str, str, Any] = field(compare=False)
    token: object = field(compare=False)
    records: Mapping[Key, Record] = field(compare=False)
    evidence: Sequence[Evidence] = field(compare=False)
    known: set[tuple[Any, Any]] = field(compare=False)  # who it says it is: name key, full birth date, exclusive values
    links: list[Evidence] = field(default_factory=list, compare=False)


@dataclass(frozen=True)
class Tag:
    """A value of a person's sales, within a window of days perhaps; or of another tag, ``among`` that of everybody."""

    value: Callable[..., Any]
    window: int | None = None
    among: str = ""


@dataclass(frozen=True)
class Segment:
    """A boolean over golden fields, tags, consent, reachable and as_of; ``flips`` are days on which time changes it."""

    where: Callable[[Mapping[str, Any]], bool]
    version: str = "1"
    reads_consent: bool = False
    flips: Callable[[Mapping[str, Any]], Iterable[date]] = lambda _: ()


def plain(value: Any) -> Any:
    """Leave out what is null or holds nothing else: it is not said (rule 2)."""
    if isinstance(value, Mapping):
        return {name: said for name, inner in value.items() if (said := plain(inner)) is not None} or None
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def newest(versions: Sequence[Record]) -> Record:
    """Return the version with the greatest observed_at, of equal ones the later arrival (rule 1)."""
    return max(reversed(versions), key=lambda version: version["observed_at"])


def fates(stored: Record | None, landed: Sequence[Record]) -> Iterator[str]:
    """Yield the fate of each version of one record that landed in one settle (rule 2)."""
    for at, version in enumerate(landed):
        if version in landed[at + 1 :]:
            yield "repeated"
        elif version is not newest(landed) or (stored and version["observed_at"] < stored["observed_at"]):
            yield "stale"
        else:
            yield "new" if stored is None else "unchanged" if version == stored else "updated"


def connected(nodes: Iterable[Node], links: Iterable[Link]) -> dict[Node, Cluster]:
    """Return for each node all that links connect with it (rule 15)."""
    graph: nx.Graph[Any] = nx.Graph(list(links))
    graph.add_nodes_from(nodes)
    parts = (frozenset(item for item in part if isinstance(item, Node)) for part in nx.connected_components(graph))
    return {node: part for part in parts for node in part}


@dataclass
class Reference:
    """Hold what was delivered, and after each ``run`` what follows: all is computed anew, only histories carry over."""

    types: Mapping[str, IdentifierType]
    keys: Mapping[str, str]
    found: Sequence[str]
    secret: bytes
    trust: Sequence[str]
    currency: str
    zone: str
    fields: Mapping[str, FieldRule] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.run_no, self.lineage, self.events = 0, list[tuple[Any, ...]](), list[tuple[int, str, str, bool, str]]()
        self.people, self.segments = dict[str, Cluster](), dict[str, set[str]]()
        self.consents, self.contacts = dict[str, dict[Any, Any]](), dict[str, dict[str, Any]]()
        self._flips, self._defined = dict[str, list[date]](), dict[str, str]()
        self._landed, self._versions = defaultdict[Key, list[Record]](list), defaultdict[Key, list[Record]](list)
        self._bundles: dict[tuple[Any, ...], set[Key]] = {}  # facts by token: source, set, an object of its own
        self._minted: dict[str, tuple[int, str]] = {}  # run and founder of every OneID there ever was
        self._held: dict[str, dict[object, Sequence[int]]] = {}  # nodes that it has, or had at its end, weighed
        self.define({}, {})

    def define(self, tags: Mapping[str, Tag], segments: Mapping[str, Segment]) -> None:
        """Set the tags and segments that following runs compute; a new ``Segment.version`` is a new definition."""
        self._tags, self._segments = tags, segments

    def deliver(self, source: str, kind: str, records: Iterable[Record]) -> None:
        """Land versions of records, in the order of their arrival."""
        for record in records:
            self._landed[source, kind, record["record_id"]].append({"deleted": False, **plain(record)})

    def run(self, as_of: date) -> None:
        """Settle what landed (rules 1 to 3), and recompute everything as of a day."""
        self.run_no, self.settled = self.run_no + 1, Counter[str]()
        for key, landed in self._landed.items():
            stored = self._versions[key]
            self.settled.update(fates(newest(stored) if stored else None, landed))
            stored += landed
        self._landed.clear()
        top = {key: newest(versions) for key, versions in self._versions.items()}
        live = {key: record for key, record in top.items() if not record["deleted"]}
        self.nodes = [self._profile(key, self._versions[key]) for key in live if key[1] == "profile"]
        self.nodes += self._bundled({key: fact for key, fact in live.items() if key[1] in TIME})
        self._unify()
        self.sales = sales(top, self.trust, self.currency)
        paid = {key: top[key].get("paid_at", top[key].get("ordered_at")) for key in self.sales}
        self.bought: dict[Key, dict[str, Any]] = {}  # the sales that count, in order of time, as tags read them
        for key in sorted((key for key in paid if self.sales[key][1] == "counted"), key=lambda key: (paid[key], key)):
            day = paid[key].astimezone(ZoneInfo(self.zone)).date()
            self.bought[key] = {**top[key], "net_amount": self.sales[key][0], "day": day}
        lines = self._assign()
        self.lineage += [(self.run_no, *line) for line in sorted(lines, key=str)]
        due = {one_id for one_id, days in self._flips.items() if min(days, default=date.max) <= as_of}
        ways = (self.consents, self.contacts)
        self._describe(as_of)
        now = (self.consents, self.contacts)
        ever = set(self._held)
        changed = {i for i in ever if [told.get(i) for told in ways] != [told.get(i) for told in now]}
        merged, split = ({i for line in lines if line[0] == event for i in line[1:3]} for event in ("merged", "split"))
        news = {"merged": merged, "split": split, "consent": changed, "definition": ever, "time": due, "data": ever}
        self._segment(as_of, news)

    def one_ids(self) -> dict[Key, str]:
        """Return the OneID of every profile and fact that has one."""
        return {key: one_id for one_id, nodes in self.people.items() for node in nodes for key in node.records}

    def _read(self, told: Iterable[tuple[Key, Record]], top: Record | None = None) -> list[Evidence]:
        """Make one evidence per value and role of what versions of a profile (rule 4) or facts (rules 5, 11) say."""
        found: dict[Any, list[tuple[datetime, datetime, bool, bool]]] = defaultdict(list)
        for key, record, said in ((*each, said) for each in told for said in each[1].get("identifiers", ())):
            last, verified = record[TIME.get(key[1], "observed_at")], bool(said.get("verified"))
            since = said.get("since", record.get("registered_at", last)) if key[1] == "profile" else last
            for name, text, state in readings(said["type"], said["value"], self.types, self.keys):  # rule 7
                if type_ := self.types.get(name):
                    shown = keyed(text, self.secret)[:32] if type_.sensitive and state == "valid" else text
                    value = (name, "" if type_.scope == "none" else said.get("scope", ""), shown)
                    span = (min(since, last), last, verified, top is None or record is top)
                    found[value, said.get("role", "own"), state].append(span)
        evidence = []
        for (value, role, state), spans in found.items():
            firsts, lasts, sure, now = zip(*spans, strict=True)
            cls = self.types[value[0]].evidence_class(any(sure), role) if state == "valid" else None
            evidence.append(Evidence(value, role, state, min(firsts), max(lasts), any(sure), any(now), cls))
        return evidence

    def _profile(self, key: Key, versions: Sequence[Record]) -> Node:
        """Make the node of a profile: who it is by its newest version, what it carried by all (rule 4)."""
        top = newest(versions)
        evidence = self._read(((key, version) for version in versions if not version["deleted"]), top)
        name, born = name_key(top.get("name")), top.get("birthday", "")
        known = {("name", name)} if name else set()
        known |= {("birthday", born)} if len(born) == FULL_DATE else set()
        return Node(key[0], False, key[2], key, key, {key: top}, evidence, known)

    def _islands(self, spans: Mapping[Any, tuple[datetime, datetime]], values: Iterable[Value]) -> list[list[Any]]:
        """Cut what spans time, sorted, where a pause lets one of the values change hands (rules 9, 13)."""
        days = (self.types[value[0]].recycle_after_days for value in values)
        pause = min((timedelta(limit) for limit in days if limit is not None), default=timedelta.max)
        cut, seen = list[list[Any]](), datetime.min.replace(tzinfo=UTC)
        for item in sorted(spans, key=lambda item: (spans[item], item)):
            if not cut or spans[item][0] - seen > pause:
                cut.append([])
            cut[-1].append(item)
            seen = max(seen, spans[item][1])
        return cut

    def _bundled(self, facts: Mapping[Key, Record]) -> Iterator[Node]:
        """Yield bundles: facts of a source with one set of identifiers, cut where they pause (rules 9 to 11)."""
        times = {key: fact[TIME[key[1]]] for key, fact in facts.items()}
        sets: dict[tuple[str, frozenset[Any]], list[Key]] = defaultdict(list)
        for key, fact in facts.items():
            if set_ := frozenset((e.value, e.role, e.verified) for e in self._read([(key, fact)]) if e.cls):
                sets[key[0], set_].append(key)
        now: dict[tuple[Any, ...], set[Key]] = {}
        for (source, set_), keys in sets.items():
            cut = self._islands({key: (times[key], times[key]) for key in keys}, (value for value, _, _ in set_))
            old = {token: had for token, had in self._bundles.items() if token[:2] == (source, set_)}
            shared = {token: [len(had & set(island)) for island in cut] for token, had in old.items()}
            members = sorted((*value, str(int(role == "staff")), str(sure).lower()) for value, role, sure in set_)
            digest = sha256(chr(30).join(chr(31).join(member) for member in members))[:32]
            for at, island in enumerate(cut):
                # a bundle goes on as the island that it shares most facts with, unless another shares more
                heirs = [token for token in old if shared[token][at] and shared[token].index(max(shared[token])) == at]
                if len(cut) == 1 and not heirs:  # a set that is one island is one bundle in any case
                    heirs = sorted(old, key=lambda token: not old[token])[:1]
                token = max(heirs, key=lambda token: shared[token][at], default=(source, set_, object()))
                now[token] = set(island)
                evidence = [e for e in self._read((key, facts[key]) for key in island) if e.cls]
                id_, name = f"{digest}@{times[island[0]].astimezone(UTC).date()}", (source, "bundle", frozenset(island))
                yield Node(source, True, id_, name, token, {key: facts[key] for key in island}, evidence, set())
        self._bundles = {token: now.get(token, set()) for token in [*self._bundles, *now]}

    def _unify(self) -> None:
        """Find out who is who (rules 8, 12 to 18)."""
        plain: dict[Value, Value] = {}  # what hashes of a phone that somebody carries stand for (rule 8)
        for phone in {e.value for n in self.nodes for e in n.evidence if (e.value[0], e.state) == ("phone", "valid")}:
            for type_, digest in (("phone_md5", md5), ("phone_sha256", sha256), ("phone_sm3", sm3)):
                plain[type_, "", digest(phone[2])] = phone
            plain |= {("mix_mobile", scope, mix_mobile(phone[2], key)): phone for scope, key in self.keys.items()}
        carriers: dict[Value, set[Node]] = defaultdict(set)
        for node, e in ((n, e) for n in self.nodes for e in n.evidence if e.cls):
            value = plain.get(e.value, e.value)
            node.links.append(replace(e, value=value))
            node.known.update([(value[:2], value)] if self.types[value[0]].exclusive else [])
            carriers[value].add(node)
        self.generic = {value for value, nodes in carriers.items() if self._is_generic(value, nodes)}
        links: dict[Link, int] = {}
        for value in carriers.keys() - self.generic:
            for node, hand in self._hands(value, carriers[value]).items():  # several roles on a value are one link
                links[node, (value, hand)] = min(link.cls or 0 for link in node.links if link.value == value)
        refused = self._contested(links)
        refused |= self._surplus({link: cls for link, cls in links.items() if link not in refused})
        self.clusters = set(connected(self.nodes, links.keys() - refused.keys()).values())
        self.conflicts = {(node.key, *hub[0], links[node, hub], why) for (node, hub), why in refused.items()}
        self._losers = {node for node, _ in refused}

    def _is_generic(self, value: Value, carriers: set[Node]) -> bool:
        """Tell whether too many names, exclusive values or profiles carry the value (rule 12)."""
        type_, counts = self.types[value[0]], Counter(kind for kind, _ in {told for n in carriers for told in n.known})
        exclusives = max((n for kind, n in counts.items() if kind not in {"name", "birthday", value[:2]}), default=0)
        most = (type_.generic_names, type_.generic_exclusives, type_.generic_profiles)
        found = (counts["name"], min(len(carriers), exclusives), sum(not node.is_bundle for node in carriers))
        return any(limit is not None and count > limit for limit, count in zip(most, found, strict=True))

    def _hands(self, value: Value, carriers: set[Node]) -> dict[Node, int]:
        """Number the hands of a value that join nodes, by time (rule 13); names are compared by key (rule 14)."""
        links = {node: [link for link in node.links if link.value == value] for node in carriers}
        spans = {node: (min(e.first for e in told), max(e.last for e in told)) for node, told in links.items()}
        hands, before = list[list[Node]](), list[Node]()
        for island in self._islands(spans, [value]):
            ours, theirs = ({told for n in side for told in n.known if told[1] != value} for side in (before, island))
            strangers = not ours & theirs
            if not {kind for kind, _ in ours} & {kind for kind, _ in theirs}:  # nothing can be compared
                strangers = all(any(not node.is_bundle for node in side) for side in (before, island))
            if not hands or strangers:
                hands.append([])
            for node in island:
                had = [other for other in hands[-1] if not other.is_bundle]
                former = had and not any(link.current for other in had for link in links[other])
                if former and spans[node][0] > max(spans[other][1] for other in had):
                    hands.append([])
                hands[-1].append(node)
            before = island
        return {node: at for at, hand in enumerate(hands) if len(hand) > 1 for node in hand}

    def _conflict(self, left: Node, right: Node) -> str | None:
        """Tell why two nodes cannot be one person (rule 16): a limit always counts, a veto against classes 4 to 6."""
        now = ({link.value for link in node.links if link.current} - self.generic for node in (left, right))
        ours, theirs = ({value for value in values if self.types[value[0]].exclusive} for values in now)
        shared = {value[:2] for value in ours & theirs}
        if {value[:2] for value in ours} & {value[:2] for value in theirs} - shared:
            return "limit"
        for one, other in ((left, right), (right, left)):
            told = [e for e in one.evidence if e.state == "masked" and e.current and e.role in {"own", "staff"}]
            masks = [e.value[2] for e in told if e.value[0] == "phone_masked"]
            phones = [link.value[2] for link in other.links if link.value[0] == "phone" and link.current]
            if phones and any(all(masked_contradicts(mask, phone) for phone in phones) for mask in masks):
                return "veto"
        names, born = ([dict(node.known).get(kind) for node in (left, right)] for kind in ("name", "birthday"))
        clash = all(born) and born[0] != born[1]
        if names[0] and names[1]:
            clash = not names_agree(names[0], names[1]) and (clash or not all(born))
        return "veto" if clash and not shared else None

    def _contested(self, links: Mapping[Link, int]) -> dict[Link, str]:
        """Refuse, class by class, the links that would join what cannot be one person (rule 17)."""
        pairs = [(a, b, why) for a, b in combinations(self.nodes, 2) if (why := self._conflict(a, b))]
        refused, accepted = dict[Link, str](), set[Link]()
        for rank in sorted({*links.values()}) if pairs else ():
            kept, before = {link for link, cls in links.items() if cls == rank}, connected(self.nodes, accepted)
            for quarrelling in (True, False):  # first who quarrels, then whoever joins them all the same
                after, losing = connected(self.nodes, accepted | kept), dict[Cluster, str]()
                side = before if quarrelling else after
                for a, b, why in pairs:
                    if (why == "limit" or rank >= VETO_FROM) and before[a] != before[b] and after[a] == after[b]:
                        losing |= {one: min(why, losing.get(one, why)) for one in (side[a], side[b])}  # limit first
                refused |= {link: losing[side[link[0]]] for link in kept if side[link[0]] in losing}
                kept -= refused.keys()
            accepted |= kept
        return refused

    def _surplus(self, links: Mapping[Link, int]) -> dict[Link, str]:
        """Refuse the links of values beyond what one person has of a type and scope, weakest first (rule 18)."""
        cluster, joined = connected(self.nodes, links), defaultdict[Any, list[Link]](list)
        for node, hub in links:
            joined[cluster[node], hub[0]].append((node, hub))
        rivals = defaultdict[Any, list[Any]](list)
        for (part, value), told in joined.items():
            capacity = 0
            for node, e in ((n, e) for n, _ in told for e in n.links if e.value == value):
                days = (e.last.astimezone(UTC).date() - e.first.astimezone(UTC).date()).days
                capacity += min(100, 1 + days // MONTH + (len(node.records) if node.is_bundle else 0))
            if len(told) > 1 and (self.types[value[0]].max_per_person or 0) > 1:
                rivals[part, value[:2]].append((min(links[link] for link in told), -capacity, value[2], told))
        beyond = [sorted(same)[self.types[kind[0]].max_per_person :] for (_, kind), same in rivals.items()]
        return {link: "limit" for weakest in beyond for *_, told in weakest for link in told}

    def _claims(self, founder: Mapping[Cluster, Node]) -> list[tuple[str, Cluster]]:
        """List who may go on as which cluster: by kept weight, older id, smaller founder (rule 20), then the ended."""
        ranked = []
        for one_id, held in self._held.items():
            whole, ended = [sum(part) for part in zip(*held.values(), strict=True)], one_id not in self.people
            for cluster in (cluster for cluster in founder if any(node.token in held for node in cluster)):
                kept = [sum(part) for part in zip(*(held[n.token] for n in cluster if n.token in held), strict=True)]
                # an ended id comes back with more than half of the weight it had in the end (rule 21)
                if not ended or next(2 * mine > all_ for mine, all_ in zip(kept, whole, strict=True) if all_):
                    rank = (ended, [-part for part in kept], self._minted[one_id][0], one_id, founder[cluster])
                    ranked.append((rank, one_id, cluster))
        return [(one_id, cluster) for _, one_id, cluster in sorted(ranked, key=lambda claim: claim[0])]

    def _assign(self) -> set[tuple[str, str, Any, str]]:
        """Give every cluster that founds a person (rule 22) its OneID; return the new lines of the lineage."""
        weights: dict[object, tuple[int, int, int]] = {}
        for node in self.nodes:  # anchors, money, records (rule 20)
            anchors = {e.value for e in node.evidence if e.cls and self.types[e.value[0]].anchor}
            money = sum(self.bought[key]["net_amount"] for key in node.records if key in self.bought)
            weights[node.token] = (len(anchors), money, len(node.records))
        for one_id in self.people:  # what is gone keeps anchors and records, but its sales count no more (rule 20)
            had = self._held[one_id].items()
            self._held[one_id] = {token: weights.get(token, (was[0], 0, was[2])) for token, was in had}
        before = {token: one_id for one_id in self.people for token in self._held[one_id]}
        found = [c for c in self.clusters if any(kind in self.found for node in c for _, kind, _ in node.records)]
        founder = {cluster: min(cluster, key=lambda node: (node.is_bundle, node)) for cluster in found}  # rule 19
        claims, given, lines = self._claims(founder), dict[Cluster, str](), set[tuple[str, str, Any, str]]()
        for one_id, cluster in claims:  # greedily, the dearest first
            if cluster not in given and one_id not in given.values():
                given[cluster] = one_id
                if one_id not in self.people:
                    lines.add(("revived", one_id, None, "record"))
        for cluster in (cluster for cluster in found if cluster not in given):
            text = chr(31).join((founder[cluster].source, founder[cluster].key[1], founder[cluster].id))
            n = sum(text == other for _, other in self._minted.values())
            bits = int(keyed(f"{text}{chr(31)}{n}", self.secret)[:20], 16)
            given[cluster] = "".join(BASE32[bits >> shift & 31] for shift in range(75, -5, -5))
            self._minted[given[cluster]] = (self.run_no, text)
        for one_id in self.people.keys() - given.values():  # ended (rule 21)
            heir = next((given[cluster] for old, cluster in claims if old == one_id), None)
            lines.add(("merged", one_id, heir, "record") if heir else ("retired", one_id, None, "deletion"))
        for cluster, one_id in given.items():
            left = {before[node.token] for node in cluster if node.token in before} & set(given.values()) - {one_id}
            lines |= {("split", one_id, other, "limit" if cluster & self._losers else "record") for other in left}
            self._held[one_id] = {node.token: weights[node.token] for node in cluster}
        self.people = {one_id: cluster for cluster, one_id in given.items()}
        return lines

    def _contacts(self, cluster: Cluster, consent: Mapping[Any, Any]) -> dict[str, dict[str, Any]]:
        """Return the best way to reach a person by channel: own before staff, verified, last seen, smaller value."""
        told = [e for node in cluster for e in node.evidence if e.cls and e.current and e.value not in self.generic]
        found: dict[str, dict[str, Any]] = {}
        for e in sorted(told, key=lambda e: (e.role != "own", not e.verified, -e.last.timestamp(), e.value[2])):
            way = {"value": e.value, "verified": e.verified, "last_seen": e.last}
            for channel in self.types[e.value[0]].channels:
                granted = consent.get(("marketing", channel), [None])[0] == "granted"
                found.setdefault(channel, {**way, "reachable": granted})
        return found

    def _describe(self, as_of: date) -> None:
        """Make golden records, consents, contacts and tags of everybody (rules 23 to 26, 28)."""
        self.golden, self.provenance, self.consents, self.contacts = {}, {}, {}, {}
        self._flips, bought = {one_id: [] for one_id in self.people}, dict[str, list[dict[str, Any]]]()
        for one_id, cluster in self.people.items():
            records = {key: record for node in cluster for key, record in node.records.items()}
            profiles = {key: record for key, record in records.items() if key[1] == "profile"}
            self.golden[one_id], self.provenance[one_id] = golden(profiles, self.trust, self.fields)
            times = {key: record[TIME.get(key[1], "observed_at")] for key, record in records.items()}
            first = min(records[key].get("registered_at", at) for key, at in times.items())
            self.golden[one_id] |= {"first_seen": first, "last_seen": max(times.values()), "records": len(records)}
            points = {n: {link.value for link in n.links if link.value[0] in {"phone", "email"}} for n in cluster}
            said = [(key, fact, node) for node in cluster for key, fact in node.records.items() if key[1] == "consent"]
            self.consents[one_id] = consents(said, points)
            self.contacts[one_id] = self._contacts(cluster, self.consents[one_id])
            bought[one_id] = [sale for key, sale in self.bought.items() if key in records]
        self.tags: dict[str, dict[str, Any]] = {one_id: {} for one_id in self.people}
        for name, tag in self._tags.items():
            among, window = [told.get(tag.among) for told in self.tags.values()], timedelta(tag.window or 0)
            for one_id, told in self.tags.items():
                days = {sale["day"] for sale in bought[one_id] if tag.window is not None}
                within = [s for s in bought[one_id] if not days or as_of - window < s["day"] <= as_of]
                told[name] = tag.value(told[tag.among], among) if tag.among else tag.value(within)
                self._flips[one_id] += [day for start in days for day in (start, start + window) if day > as_of]

    def _segment(self, as_of: date, news: Mapping[str, set[str]]) -> None:
        """Fill segments, and tell who entered or left for which reason (rule 27); its first run tells nothing."""
        inside: dict[str, set[str]] = {name: set() for name in self._segments}
        for one_id, row in self.golden.items():
            consent = {about: told[0] for about, told in self.consents[one_id].items()}
            reachable = {channel for channel, way in self.contacts[one_id].items() if way["reachable"]}
            view = {**row, **self.tags[one_id], "consent": consent, "reachable": reachable, "as_of": as_of}
            for name, segment in self._segments.items():
                if segment.where(view):
                    inside[name].add(one_id)
                self._flips[one_id] += [day for day in segment.flips(view) if day > as_of]
        for name, segment in self._segments.items():
            may = {"consent": segment.reads_consent, "definition": self._defined.get(name) != segment.version}
            for one_id in sorted(inside[name] ^ self.segments.get(name, inside[name])):
                why = next(why for why, whom in news.items() if one_id in whom and may.get(why, True))
                self.events.append((self.run_no, one_id, name, one_id in inside[name], why))
        self.segments, self._defined = inside, {name: segment.version for name, segment in self._segments.items()}
