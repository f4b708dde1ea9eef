"""The whole product on six records of two people.

Wang Fang and Li Qiang are a couple. The shop's CRM knows both, under *one* phone: hers, which he gave when he took his
card. Later she changes her phone and tells the CRM and the WeChat shop, but nobody else. On Tmall she buys with the new
phone, of which Tmall passes only a hash. Who is who, what did each buy, and who is a good customer?

Read from top to bottom: what the sources say, what is evidence, what is decided, what the retailer gets.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import networkx as nx
import pytest
from bad_input.project import ENVIRONMENT, Shop, query
from cast import LI_QIANG, WANG_FANG
from reference.pipeline import Reference, Segment, Tag

from unifier.identifiers import md5, registry

PROJECT: Final = """
project: {name: shop, timezone: Asia/Shanghai, currency: CNY}
sources:
  crm: {connector: files, config: {path: "in/crm/*.jsonl"}, kind: profile}
  wechat: {connector: files, config: {path: "in/wechat/*.jsonl"}, kind: profile}
  pos: {connector: files, config: {path: "in/pos/*.jsonl"}, kind: order}
  tmall: {connector: files, config: {path: "in/tmall/*.jsonl"}, kind: order}
golden: {trust: [crm, wechat]}
tags:
  - {name: spent_365d, value: sum(sale.net_amount), window: 365d}
segments:
  - {name: good_customers, where: spent_365d >= 100000}
targets:
  warehouse: {url: "duckdb:///warehouse.duckdb", personal: {identifiers: plain, contacts: plain}}
"""
"""What the integrator writes. Amounts are fen: a good customer has spent a thousand yuan in a year."""

OLD_PHONE: Final = {"type": "phone", "value": WANG_FANG.phone}
NEW_PHONE: Final = {"type": "phone", "value": "19900000011", "verified": True}
HASHED_PHONE: Final = {"type": "phone_md5", "value": md5("19900000011")}
ACCOUNT: Final = {"type": "unionid", "scope": "wechat", "value": WANG_FANG.unionid}
HER_CARD: Final = {"type": "member_no", "scope": "shop", "value": "M0000001"}
HIS_CARD: Final = {"type": "member_no", "scope": "shop", "value": "M0000002"}


def her_record(seen: str, phone: Mapping[str, Any]) -> dict[str, Any]:
    """Return the CRM's record of Wang Fang as it stood on a day."""
    told = {"name": WANG_FANG.name, "gender": "female", "birthday": WANG_FANG.birthday, "city": "上海"}
    since = {"registered_at": "2023-03-08T12:00:00Z"}
    card = {"memberships": [{"issuer": "shop", "card_no": "M0000001", "level": "gold"}]}
    return {"record_id": "C1", "observed_at": seen, "identifiers": [HER_CARD, phone], **told, **since, **card}


def his_record() -> dict[str, Any]:
    """Return the CRM's record of Li Qiang: with his wife's phone."""
    told = {"name": LI_QIANG.name, "gender": "male"}
    return {"record_id": "C2", "observed_at": "2023-06-01T12:00:00Z", "identifiers": [HIS_CARD, OLD_PHONE], **told}


def her_account() -> dict[str, Any]:
    """Return the WeChat shop's record of Wang Fang: named in pinyin, phone verified by a code."""
    told = {"name": WANG_FANG.pinyin, "gender": "unknown", "city": "杭州"}
    return {"record_id": "W1", "observed_at": "2024-01-20T12:00:00Z", "identifiers": [ACCOUNT, NEW_PHONE], **told}


def order(record_id: str, at: str, fen: int, identifier: Mapping[str, Any]) -> dict[str, Any]:
    """Return a paid order."""
    told = {"ordered_at": at, "status": "paid", "amount": fen}
    return {"record_id": record_id, "observed_at": at, "identifiers": [identifier], **told}


BEFORE, AFTER, YEAR_LATER = date(2024, 1, 31), date(2024, 3, 31), date(2025, 3, 31)
DELIVERED: Final[Mapping[date, Mapping[tuple[str, str], list[dict[str, Any]]]]] = {
    BEFORE: {
        ("crm", "profile"): [her_record("2023-12-01T12:00:00Z", OLD_PHONE), his_record()],
        ("wechat", "profile"): [her_account()],
        ("pos", "order"): [
            order("P1", "2024-01-10T12:00:00Z", 60_000, HER_CARD),
            order("P2", "2024-01-11T12:00:00Z", 20_000, HIS_CARD),
        ],
    },
    AFTER: {
        ("crm", "profile"): [her_record("2024-02-15T12:00:00Z", NEW_PHONE)],
        ("tmall", "order"): [order("T1", "2024-03-01T12:00:00Z", 50_000, HASHED_PHONE)],
    },
    YEAR_LATER: {},
}
"""What the sources tell before each of the three runs: the third is that of a day after a year of silence."""


@dataclass(frozen=True, slots=True)
class Story:
    """What the warehouse says after each run, and what ``unifier explain`` says of the two after the second."""

    warehouses: Mapping[date, Path]
    explained: Mapping[str, Mapping[str, Any]]

    def rows(self, day: date, sql: str) -> list[tuple[Any, ...]]:
        """Ask the warehouse as it was published on a day."""
        return query(self.warehouses[day], sql)

    def one_ids(self, day: date) -> dict[str, str]:
        """Return the OneID of each record."""
        every = (
            "SELECT source, record_id, one_id FROM member_records UNION SELECT source, record_id, one_id FROM orders"
        )
        return {f"{source}/{record_id}": one_id for source, record_id, one_id in self.rows(day, every)}


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Let the shop run on three days, as an operator does."""
    shop = Shop(tmp_path_factory.mktemp("two_people") / "shop")
    shop.folder.mkdir()
    (shop.folder / "unifier.yaml").write_text(PROJECT, encoding="utf-8")
    warehouses, explained = {}, {}
    for day, told in DELIVERED.items():
        for (source, _), records in told.items():
            shop.lines(f"{source}/{day}.jsonl", records)
        ran = shop.call("run", "--as-of", f"{day}")
        assert ran.code == 0, ran
        warehouses[day] = shop.folder.parent / f"{day}.duckdb"
        shutil.copy(shop.warehouse, warehouses[day])
        if day == AFTER:
            explained = {who: json.loads(shop.call("explain", who, "--json").out) for who in ("crm/C1", "crm/C2")}
    return Story(warehouses, explained)


def evidence(story: Story) -> nx.Graph[Any]:
    """Draw what is explained as a graph: records and bundles on one side, what they carry on the other."""
    graph: nx.Graph[Any] = nx.Graph()
    for person in story.explained.values():
        for link in person["links"]:
            for node in link["nodes"]:
                graph.add_edge(node, (link["type"], link["value"]), current=link["current"], cls=link["class"])
    return graph


def test_evidence_alone_would_make_the_couple_one_person(story: Story) -> None:
    """The old phone connects the two: this is why components are examined, not just found."""
    graph = evidence(story)
    family_phone = ("phone", "199****0001")  # operators see identifiers masked

    assert nx.shortest_path(graph, "crm/C2", "crm/C1") == ["crm/C2", family_phone, "crm/C1"]
    assert graph.edges["crm/C1", family_phone] == {"current": False, "cls": 4}  # former: she gave it up
    assert graph.edges["crm/C2", family_phone] == {"current": True, "cls": 4}  # typed by hand, nobody checked it


def test_the_family_phone_is_refused_and_each_keeps_what_is_theirs(story: Story) -> None:
    """Two names that cannot be one person's outweigh an unverified phone; the refusal stays on record."""
    one_id = story.one_ids(AFTER)
    she, he = one_id["crm/C1"], one_id["crm/C2"]

    assert {record for record, person in one_id.items() if person == she} == {
        "crm/C1",
        "wechat/W1",
        "pos/P1",
        "tmall/T1",
    }
    assert {record for record, person in one_id.items() if person == he} == {"crm/C2", "pos/P2"}
    for record, other in (("crm/C1", he), ("crm/C2", she)):
        (refused,) = story.explained[record]["refused"]
        assert (refused["node"], refused["type"], refused["class"]) == (record, "phone", 4)
        assert (refused["refused_by"], refused["relation"], refused["other"]) == ("veto", "household", other)


def test_a_hash_is_read_as_the_phone_that_somebody_carries(story: Story) -> None:
    """Tmall never tells the number, yet its order hangs on it."""
    she = story.one_ids(AFTER)["crm/C1"]
    known = story.rows(AFTER, "SELECT one_id, value FROM member_identifiers WHERE type = 'phone_md5'")

    assert story.one_ids(AFTER)["tmall/T1"] == she
    assert known == [(she, HASHED_PHONE["value"])]


def test_the_new_phone_merges_two_ids_and_says_so(story: Story) -> None:
    """Before, her WeChat account was a person of its own; its id goes on as a line in the lineage."""
    before, after = story.one_ids(BEFORE), story.one_ids(AFTER)

    assert len(set(before.values())) == 3
    assert after["crm/C1"] == after["wechat/W1"]
    (lost,) = {before["crm/C1"], before["wechat/W1"]} - {after["crm/C1"]}
    assert story.rows(AFTER, "FROM member_lineage") == [(2, "merged", lost, after["crm/C1"], "record")]


def test_the_golden_records_tell_one_truth_and_where_it_came_from(story: Story) -> None:
    """The CRM is trusted most: its city stands; what it does not know would come from the next."""
    one_id = story.one_ids(AFTER)
    fields = "one_id, name, gender, birthday, city, member_status, membership_level"
    sources = story.rows(AFTER, "SELECT one_id, source, record_id FROM member_provenance WHERE field = 'city'")

    assert set(story.rows(AFTER, f"SELECT {fields} FROM members")) == {
        (one_id["crm/C1"], "王芳", "female", "1988-03-08", "上海", "member", "gold"),
        (one_id["crm/C2"], "李强", "male", None, None, "prospect", None),
    }
    assert sources == [(one_id["crm/C1"], "crm", "C1")]
    assert story.rows(AFTER, f"SELECT first_seen, last_seen FROM members WHERE one_id = '{one_id['crm/C1']}'") == [
        (datetime(2023, 3, 8, 12), datetime(2024, 3, 1, 12))  # noqa: DTZ001 - the warehouse keeps UTC without saying so
    ]


def test_she_is_called_on_the_new_phone_and_only_with_consent(story: Story) -> None:
    """The old phone is still her husband's way to be reached; nobody has allowed anything yet."""
    one_id = story.one_ids(AFTER)
    ways = story.rows(AFTER, "SELECT one_id, value, reachable, why FROM member_contacts WHERE channel = 'sms'")

    assert set(ways) == {
        (one_id["crm/C1"], NEW_PHONE["value"], False, "no consent"),
        (one_id["crm/C2"], OLD_PHONE["value"], False, "no consent"),
    }


def test_with_the_tmall_order_she_becomes_a_good_customer_until_a_year_has_passed(story: Story) -> None:
    """Neither the till nor Tmall saw a thousand yuan; together they did, and time takes it away again."""
    she, he = (story.one_ids(AFTER)[record] for record in ("crm/C1", "crm/C2"))

    assert dict(story.rows(AFTER, "SELECT one_id, spent_365d FROM member_tags")) == {she: 110_000, he: 20_000}
    assert story.rows(AFTER, "FROM segment_members") == [("good_customers", she)]
    assert dict(story.rows(YEAR_LATER, "SELECT one_id, spent_365d FROM member_tags")) == {she: None, he: None}
    events = "SELECT run_no, one_id, segment, entered, reason FROM segment_events ORDER BY run_no"
    assert story.rows(YEAR_LATER, events) == [
        (2, she, "good_customers", True, "merged"),
        (3, she, "good_customers", False, "time"),
    ]


def test_the_plain_reference_tells_the_same_story(story: Story) -> None:
    """Who reads the reference reads the product: same people under the same ids, same tags, same events."""
    key = ENVIRONMENT["UNIFIER_KEY"].encode()
    plain = Reference(registry({}), {}, ("profile", "order"), key, ["crm", "wechat"], "CNY", "Asia/Shanghai")
    spent = Tag(lambda sales: sum(sale["net_amount"] for sale in sales) if sales else None, window=365)
    plain.define({"spent_365d": spent}, {"good_customers": Segment(lambda one: (one["spent_365d"] or 0) >= 100_000)})
    for day, told in DELIVERED.items():
        for (source, kind), records in told.items():
            plain.deliver(source, kind, [_timed(record) for record in records])
        plain.run(day)

        assert {f"{source}/{id_}": one_id for (source, _, id_), one_id in plain.one_ids().items()} == story.one_ids(day)
        spent_in = dict(story.rows(day, "SELECT one_id, spent_365d FROM member_tags"))
        assert {one_id: tags["spent_365d"] for one_id, tags in plain.tags.items()} == spent_in
    assert plain.lineage == story.rows(YEAR_LATER, "FROM member_lineage")
    events = "SELECT run_no, one_id, segment, entered, reason FROM segment_events ORDER BY run_no"
    assert plain.events == story.rows(YEAR_LATER, events)


def _timed(record: Mapping[str, Any]) -> dict[str, Any]:
    """Read the times of a record as the contract does."""
    return {name: datetime.fromisoformat(value) if name.endswith("_at") else value for name, value in record.items()}
