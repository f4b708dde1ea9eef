"""Pin rules 19 to 27 of ``docs/decisions/0002-semantics.md``, from OneIDs to segments, on a handful of records each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from cast import LI_QIANG, WANG_FANG
from hypothesis import HealthCheck, given, settings
from reference.pipeline import Segment, Tag
from reference.records import AS_OF, day, order, phone, profile, project, unionid
from reference.worlds import SETTINGS, World, worlds


def consent(record_id: str, at: str, status: str, *identifiers: dict[str, Any]) -> dict[str, Any]:
    """Return a statement about marketing by SMS."""
    told = {"purpose": "marketing", "channel": "sms", "status": status, "at": day(at)}
    return {**profile(record_id, at, *identifiers), **told}


def test_the_dearest_id_is_kept_and_the_other_is_merged() -> None:
    """When two persons turn out to be one, the one with anchors stays (rules 20, 21)."""
    reference = project()
    reference.deliver("crm", "profile", [profile("1", "2024-01-01", phone(WANG_FANG.phone))])
    reference.deliver("wechat", "profile", [profile("2", "2024-01-01", unionid(WANG_FANG.unionid))])
    reference.run(AS_OF)
    before = reference.one_ids()
    reference.deliver(
        "crm", "profile", [profile("3", "2024-01-02", phone(WANG_FANG.phone), unionid(WANG_FANG.unionid))]
    )
    reference.run(AS_OF)

    kept, lost = before["wechat", "profile", "2"], before["crm", "profile", "1"]
    assert set(reference.one_ids().values()) == {kept}
    assert reference.lineage == [(2, "merged", lost, kept, "record")]


def test_what_is_split_off_comes_back_under_the_id_it_had() -> None:
    """A wrong merge that is undone must give both their ids back (rule 21)."""
    reference = project()
    reference.deliver("crm", "profile", [profile("1", "2024-01-01", phone(WANG_FANG.phone))])
    reference.deliver("wechat", "profile", [profile("2", "2024-01-01", unionid(WANG_FANG.unionid))])
    reference.run(AS_OF)
    before = reference.one_ids()
    bridge = profile("3", "2024-01-02", phone(WANG_FANG.phone), unionid(WANG_FANG.unionid))
    reference.deliver("crm", "profile", [bridge])
    reference.run(AS_OF)
    reference.deliver("crm", "profile", [{**bridge, "observed_at": day("2024-01-03"), "deleted": True}])
    reference.run(AS_OF)

    assert reference.one_ids() == before
    assert [line[1] for line in reference.lineage] == ["merged", "revived", "split"]


def test_an_order_that_is_paid_later_keeps_its_customer() -> None:
    """The only order of a nameless customer changes its state all the time; the OneID must not (rule 21)."""
    said = phone(WANG_FANG.phone)
    reference = project()
    reference.deliver("pos", "order", [order("1", "2024-01-01", said, status="placed")])
    reference.run(AS_OF)
    before = reference.one_ids()
    reference.deliver("pos", "order", [{**order("1", "2024-01-01", said), "observed_at": day("2024-01-02")}])
    reference.run(AS_OF)

    assert reference.one_ids() == before
    assert reference.lineage == []


def test_golden_fields_come_from_the_trusted_then_the_newest_and_never_from_nothing() -> None:
    """An unknown gender in the CRM must not hide what the shop knows (rule 23)."""
    account = unionid(WANG_FANG.unionid)
    reference = project()
    crm = profile("1", "2024-01-01", account, name="王女士", gender="unknown", city="上海")
    reference.deliver("crm", "profile", [crm])
    reference.deliver(
        "pos", "profile", [profile("2", "2024-06-01", account, name="王芳", gender="female", city="杭州")]
    )
    reference.run(AS_OF)

    ((one_id, row),) = reference.golden.items()
    assert (row["name"], row["gender"], row["city"]) == ("王芳", "female", "上海")
    assert reference.provenance[one_id]["gender"] == ("pos", "profile", "2")


def test_a_denial_stands_until_the_same_phone_grants_later() -> None:
    """A grant by another of a person's phones must not lift a denial (rule 24)."""
    both = profile("1", "2024-01-01", phone(WANG_FANG.phone), phone(LI_QIANG.phone))
    reference = project()
    reference.deliver("crm", "profile", [both])
    reference.deliver("crm", "consent", [consent("0", "2023-12-01", "granted", phone(WANG_FANG.phone))])
    denial = consent("1", "2024-01-01", "denied", phone(WANG_FANG.phone))
    reference.deliver("pos", "consent", [denial, consent("2", "2024-02-01", "granted", phone(LI_QIANG.phone))])
    reference.run(AS_OF)
    (denied,) = reference.consents.values()
    reference.deliver("wechat", "consent", [consent("3", "2024-03-01", "granted", phone(WANG_FANG.phone))])
    reference.run(AS_OF)
    (granted,) = reference.consents.values()

    assert denied == {("marketing", "sms"): ("denied", day("2024-01-01"))}
    assert granted == {("marketing", "sms"): ("granted", day("2024-03-01"))}


def test_an_order_that_two_sources_know_is_one_sale_net_of_refunds() -> None:
    """The till and the CRM both report a receipt (rule 25)."""
    number = {"issuer": "mall", "no": "7"}
    reference = project()
    for source in ("pos", "crm"):
        reference.deliver(source, "order", [order("1", "2024-01-01", external=number)])
    refund = {**profile("9", "2024-01-02"), "order_id": "1", "refunded_at": day("2024-01-02"), "amount": 30}
    reference.deliver(
        "crm", "refund", [{**refund, "status": "success"}, {**refund, "record_id": "8", "status": "closed"}]
    )
    reference.run(AS_OF)

    assert reference.sales == {("pos", "order", "1"): (100, "duplicate"), ("crm", "order", "1"): (70, "counted")}


def test_a_window_moves_with_the_day_and_tells_why_somebody_left() -> None:
    """Nobody delivers news on the day a customer lapses (rules 26, 27)."""
    reference = project()
    reference.define({"orders_30d": Tag(len, window=30)}, {"active": Segment(lambda view: view["orders_30d"] > 0)})
    reference.deliver("pos", "order", [order("1", "2024-01-01", phone(WANG_FANG.phone))])
    counts = []
    for text in ("2024-01-01", "2024-01-30", "2024-01-31"):
        reference.run(date.fromisoformat(text))
        counts += [told["orders_30d"] for told in reference.tags.values()]

    (one_id,) = reference.golden
    assert counts == [1, 1, 0]
    assert reference.events == [(3, one_id, "active", False, "time")]


def test_a_tag_of_the_population_moves_without_news_of_the_person() -> None:
    """Who was the best customer is not any more when another has bought more (rule 27, data)."""
    best = Tag(lambda mine, among: mine == max(among), among="orders")
    reference = project()
    reference.define({"orders": Tag(len), "is_best": best}, {"best": Segment(lambda view: bool(view["is_best"]))})
    hers, his = phone(WANG_FANG.phone), phone(LI_QIANG.phone)
    reference.deliver("pos", "order", [order("1", "2024-01-01", hers)])
    reference.run(AS_OF)
    (she,) = reference.golden
    assert reference.segments == {"best": {she}}

    reference.deliver("pos", "order", [order("2", "2024-01-02", his), order("3", "2024-01-03", his)])
    reference.run(AS_OF)
    (he,) = reference.golden.keys() - {she}
    assert sorted(reference.events) == sorted([(2, he, "best", True, "data"), (2, she, "best", False, "data")])


def test_a_segment_that_asks_for_days_since_flips_with_time() -> None:
    """Who was not seen for a month lapses on a day on which nothing is delivered (rule 27, time)."""

    def due(view: Mapping[str, Any]) -> Any:
        return (view["last_seen"] + timedelta(days=31)).date()

    reference = project()
    reference.define({}, {"lapsed": Segment(lambda view: view["as_of"] >= due(view), flips=lambda view: [due(view)])})
    reference.deliver("crm", "profile", [profile("1", "2024-01-01")])
    for text in ("2024-01-01", "2024-01-31", "2024-02-01"):
        reference.run(date.fromisoformat(text))

    (one_id,) = reference.golden
    assert reference.events == [(3, one_id, "lapsed", True, "time")]


def test_consent_and_a_new_definition_are_told_before_time_and_data() -> None:
    """A marketer who asks why somebody left a campaign must not be told: data (rule 27)."""
    reference = project()
    said = phone(WANG_FANG.phone)
    allowed = Segment(lambda view: "sms" in view["reachable"], reads_consent=True)
    reference.define({}, {"reachable": allowed, "anybody": Segment(lambda _: True)})
    reference.deliver("crm", "profile", [profile("1", "2024-01-01", said)])
    reference.deliver("crm", "consent", [consent("2", "2024-01-01", "granted", said)])
    reference.run(AS_OF)
    reference.define({}, {"reachable": allowed, "anybody": Segment(lambda _: False, version="2")})
    reference.deliver("crm", "consent", [consent("3", "2024-02-01", "withdrawn", said)])
    reference.run(AS_OF)

    (one_id,) = reference.golden
    assert reference.events == [
        (2, one_id, "reachable", False, "consent"),
        (2, one_id, "anybody", False, "definition"),
    ]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds())
def test_one_run_finds_what_many_runs_found(world: World) -> None:
    """The state depends on what is known, never on how it came in portions (promise 2)."""
    many, one = project(SETTINGS), project(SETTINGS)
    for run, as_of in enumerate(world.as_of, start=1):
        for told in world.deliveries:
            if told.run == run:
                many.deliver(told.source, told.kind, told.records)
        landed = sum(len(told.records) for told in world.deliveries if told.run == run)
        many.run(as_of)
        assert many.settled.total() == landed
    for told in world.deliveries:
        one.deliver(told.source, told.kind, told.records)
    one.run(world.as_of[-1])

    assert {node.key for node in many.nodes} == {node.key for node in one.nodes}
    assert (many.clusters, many.conflicts, many.generic) == (one.clusters, one.conflicts, one.generic)
    assert sorted(map(repr, many.golden.values())) == sorted(map(repr, one.golden.values()))
    assert many.sales == one.sales
