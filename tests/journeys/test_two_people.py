"""The whole product on six records of two people.

Wang Fang and Li Qiang are a couple. The shop's CRM knows both, under *one* phone: hers, which he gave when he took his
card. Later she changes her phone and tells the CRM and the WeChat shop, but nobody else. On Tmall she buys with the new
phone, of which Tmall passes only a hash. Who is who, what did each buy, and who is a good customer?

Read from top to bottom: what the sources say, what is evidence, what is decided, what the retailer gets.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import networkx as nx
import pytest
from cast import LI_QIANG, WANG_FANG
from reference.pipeline import Reference
from reference.tags import Segment, Tag

from unifier.identifiers import md5, registry

NEW_PHONE = "19900000011"
BEFORE, AFTER, YEAR_LATER = date(2024, 1, 31), date(2024, 3, 31), date(2025, 3, 31)
"""The days of the three runs: before the new phone is known, after, and a year of silence later."""

HER_CARD, HIS_CARD, HER_WECHAT = ("crm", "profile", "C1"), ("crm", "profile", "C2"), ("wechat", "profile", "W1")
HER_RECEIPT, HIS_RECEIPT, TMALL_ORDER = ("pos", "order", "P1"), ("pos", "order", "P2"), ("tmall", "order", "T1")
"""The six records: source, kind, the source's own id."""


def at(day: str) -> datetime:
    """Return noon of a day in UTC."""
    return datetime.fromisoformat(day).replace(hour=12, tzinfo=UTC)


def card(number: str) -> dict[str, Any]:
    """Return a membership number of the shop as records carry it."""
    return {"type": "member_no", "scope": "shop", "value": number}


def her_card(seen: str, *phones: dict[str, Any]) -> dict[str, Any]:
    """Return the CRM's record of Wang Fang as it stood on a day."""
    told = {"name": WANG_FANG.name, "gender": "female", "birthday": WANG_FANG.birthday, "city": "上海"}
    membership = {"issuer": "shop", "card_no": "M1", "level": "gold"}
    since = {"registered_at": at("2023-03-08"), "memberships": [membership]}
    return {"record_id": "C1", "observed_at": at(seen), "identifiers": [card("M1"), *phones], **told, **since}


def his_card() -> dict[str, Any]:
    """Return the CRM's record of Li Qiang: with his wife's phone."""
    told = {"name": LI_QIANG.name, "gender": "male"}
    phones = [{"type": "phone", "value": WANG_FANG.phone}]
    return {"record_id": "C2", "observed_at": at("2023-06-01"), "identifiers": [card("M2"), *phones], **told}


def her_wechat() -> dict[str, Any]:
    """Return the WeChat shop's record of Wang Fang: named in pinyin, phone verified by a code."""
    account = {"type": "unionid", "scope": "wechat", "value": WANG_FANG.unionid}
    phone = {"type": "phone", "value": NEW_PHONE, "verified": True}
    told = {"name": WANG_FANG.pinyin, "gender": "unknown", "city": "杭州"}
    return {"record_id": "W1", "observed_at": at("2024-01-20"), "identifiers": [account, phone], **told}


def order(record_id: str, day: str, amount: int, identifier: dict[str, Any]) -> dict[str, Any]:
    """Return a paid order; amounts are fen."""
    told = {"ordered_at": at(day), "status": "paid", "amount": amount}
    return {"record_id": record_id, "observed_at": at(day), "identifiers": [identifier], **told}


@pytest.fixture
def shop() -> Reference:
    """Run the first day: her old phone in the CRM, the new one only in WeChat, nothing from Tmall yet."""
    project = Reference(
        types=registry({}),
        keys={},
        found=("profile", "order"),
        secret=b"secret",
        trust=["crm", "wechat"],
        currency="CNY",
        zone="Asia/Shanghai",
    )
    project.define(
        tags={"spent_365d": Tag("sum", window=365)},
        segments={"good_customers": Segment(lambda person: (person["spent_365d"] or 0) >= 100_000)},
    )
    project.deliver("crm", "profile", [her_card("2023-12-01", {"type": "phone", "value": WANG_FANG.phone}), his_card()])
    project.deliver("wechat", "profile", [her_wechat()])
    project.deliver("pos", "order", [order("P1", "2024-01-10", 60_000, card("M1"))])
    project.deliver("pos", "order", [order("P2", "2024-01-11", 20_000, card("M2"))])
    project.run(BEFORE)
    return project


def new_phone_known(shop: Reference) -> Reference:
    """Run the second day: the CRM knows the verified new phone, and Tmall delivers."""
    shop.deliver("crm", "profile", [her_card("2024-02-15", {"type": "phone", "value": NEW_PHONE, "verified": True})])
    shop.deliver("tmall", "order", [order("T1", "2024-03-01", 50_000, {"type": "phone_md5", "value": md5(NEW_PHONE)})])
    shop.run(AFTER)
    return shop


def evidence(project: Reference) -> nx.Graph[Any]:
    """Return the evidence as a graph: records and bundles on one side, what they carry on the other."""

    def links() -> Iterator[tuple[Any, Any, dict[str, Any]]]:
        for node in project.nodes:
            for link in node.links:
                told = {"current": link.current, "class": link.cls, "bundle": node.sort == "bundle"}
                for record in node.facts or [node.key]:
                    yield record, (link.value[0], link.value[2]), told

    graph: nx.Graph[Any] = nx.Graph()
    graph.add_edges_from(links())
    return graph


def test_evidence_alone_would_make_the_couple_one_person(shop: Reference) -> None:
    """The old phone connects the two: this is why components are examined, not just found."""
    graph = evidence(new_phone_known(shop))

    assert nx.shortest_path(graph, HIS_CARD, HER_CARD) == [HIS_CARD, ("phone", WANG_FANG.phone), HER_CARD]
    assert graph.edges[HER_CARD, ("phone", WANG_FANG.phone)]["current"] is False  # former: she gave it up
    assert nx.is_connected(graph)


def test_a_hash_is_read_as_the_phone_that_somebody_carries(shop: Reference) -> None:
    """Tmall never tells the number, yet its order hangs on it."""
    graph = evidence(new_phone_known(shop))

    assert set(graph["phone", NEW_PHONE]) == {HER_CARD, HER_WECHAT, TMALL_ORDER}


def test_the_family_phone_is_refused_and_each_keeps_what_is_theirs(shop: Reference) -> None:
    """Two names that cannot be one person's outweigh an unverified phone; the refusal stays on record."""
    project = new_phone_known(shop)
    one_id = project.one_ids()

    hers = {key for key, person in one_id.items() if person == one_id[HER_CARD]}
    his = {key for key, person in one_id.items() if person == one_id[HIS_CARD]}
    assert hers == {HER_CARD, HER_WECHAT, HER_RECEIPT, TMALL_ORDER}
    assert his == {HIS_CARD, HIS_RECEIPT}
    assert project.conflicts == {
        (HER_CARD, "phone", "", WANG_FANG.phone, 4, "veto"),
        (HIS_CARD, "phone", "", WANG_FANG.phone, 4, "veto"),
    }


def test_the_new_phone_merges_two_ids_and_says_so(shop: Reference) -> None:
    """Before, her WeChat account was a person of its own; its id goes on as a line in the lineage."""
    before = shop.one_ids()
    after = new_phone_known(shop).one_ids()

    assert len(set(before.values())) == 3
    assert after[HER_CARD] == after[HER_WECHAT]
    assert after[HER_CARD] in {before[HER_CARD], before[HER_WECHAT]}
    lost = ({before[HER_CARD], before[HER_WECHAT]} - {after[HER_CARD]}).pop()
    assert shop.lineage == [(2, "merged", lost, after[HER_CARD], "record")]


def test_the_golden_records_tell_one_truth_and_where_it_came_from(shop: Reference) -> None:
    """The CRM is trusted most: its city stands; what it does not know comes from the next."""
    project = new_phone_known(shop)
    hers, his = (project.golden[project.one_ids()[key]] for key in (HER_CARD, HIS_CARD))
    origin = project.provenance[project.one_ids()[HER_CARD]]

    assert [hers[field] for field in ("name", "gender", "birthday", "city")] == ["王芳", "female", "1988-03-08", "上海"]
    assert (hers["member_status"], hers["membership_level"]) == ("member", "gold")
    assert (hers["first_seen"], hers["last_seen"]) == (at("2023-03-08"), at("2024-03-01"))
    assert origin["city"] == HER_CARD
    assert (his["name"], his["city"], his["member_status"]) == ("李强", None, "prospect")


def test_she_is_called_on_the_new_phone_and_only_with_consent(shop: Reference) -> None:
    """The old phone is still her husband's way to be reached; nobody has allowed anything yet."""
    project = new_phone_known(shop)
    hers, his = (project.contacts[project.one_ids()[key]]["sms"] for key in (HER_CARD, HIS_CARD))

    assert (hers["value"], hers["reachable"]) == (("phone", "", NEW_PHONE), False)
    assert (his["value"], his["reachable"]) == (("phone", "", WANG_FANG.phone), False)


def test_with_the_tmall_order_she_becomes_a_good_customer_until_a_year_has_passed(shop: Reference) -> None:
    """Neither the till nor Tmall saw a thousand yuan; together they did, and time takes it away again."""
    project = new_phone_known(shop)
    she, he = (project.one_ids()[key] for key in (HER_CARD, HIS_CARD))

    assert (project.tags[she]["spent_365d"], project.tags[he]["spent_365d"]) == (110_000, 20_000)
    assert project.segments["good_customers"] == {she}
    project.run(YEAR_LATER)
    assert project.tags[she]["spent_365d"] is None
    assert project.events == [
        (2, she, "good_customers", True, "merged"),
        (3, she, "good_customers", False, "time"),
    ]
