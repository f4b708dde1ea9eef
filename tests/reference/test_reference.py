"""Pin each rule of ``docs/decisions/0002-semantics.md`` on a handful of records."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from cast import HOTLINE, LI_QIANG, RECYCLED_PHONE, SHAN_YING, WANG_FANG, ZHANG_XIAOMING
from hypothesis import HealthCheck, given, settings
from reference.pipeline import Reference
from reference.tags import Segment, Tag
from reference.worlds import SETTINGS, World, worlds

from unifier.identifiers import md5, registry

AS_OF = date(2024, 12, 31)


def project(settings: Mapping[str, Any] | None = None, found: tuple[str, ...] = ("profile", "order")) -> Reference:
    """Open a reference whose most trusted source is the CRM."""
    return Reference(registry(settings or {}), {}, found, b"secret", ["crm", "wechat"], "CNY", "Asia/Shanghai")


def day(text: str) -> datetime:
    """Return noon of a day in UTC."""
    return datetime.fromisoformat(text).replace(hour=12, tzinfo=UTC)


def phone(value: str, **more: Any) -> dict[str, Any]:
    """Return a phone as a record carries it."""
    return {"type": "phone", "value": value, **more}


def unionid(value: str) -> dict[str, Any]:
    """Return a WeChat account as a record carries it."""
    return {"type": "unionid", "scope": "shop", "value": value}


def profile(record_id: str, at: str, *identifiers: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a profile."""
    return {"record_id": record_id, "observed_at": day(at), "identifiers": list(identifiers), **fields}


def order(record_id: str, at: str, *identifiers: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a paid order of 1.00 yuan."""
    told = {"ordered_at": day(at), "status": "paid", "amount": 100}
    return {**profile(record_id, at, *identifiers), **told, **fields}


def consent(record_id: str, at: str, status: str, *identifiers: dict[str, Any]) -> dict[str, Any]:
    """Return a statement about marketing by SMS."""
    told = {"purpose": "marketing", "channel": "sms", "status": status, "at": day(at)}
    return {**profile(record_id, at, *identifiers), **told}


def unified(*profiles: dict[str, Any], orders: tuple[dict[str, Any], ...] = (), **options: Any) -> Reference:
    """Run once over profiles of the CRM and orders of the till."""
    reference = project(**options)
    reference.deliver("crm", "profile", profiles)
    reference.deliver("pos", "order", orders)
    reference.run(AS_OF)
    return reference


def together(reference: Reference) -> set[frozenset[str]]:
    """Return persons and unattached clusters as sets of record ids, facts and profiles alike."""
    return {
        frozenset(id_ for node in cluster for id_ in ([key[2] for key in node.facts] or [node.id]))
        for cluster in reference.clusters
    }


def test_the_newest_version_stands_and_a_tie_goes_to_the_later_arrival() -> None:
    """Sources that write twice in a second must not freeze on the first value (rule 1)."""
    reference = unified(
        profile("1", "2024-02-01", city="上海"), profile("1", "2024-02-01", city="杭州"), profile("1", "2024-01-01")
    )

    assert [row["city"] for row in reference.golden.values()] == ["杭州"]


def test_every_version_has_one_fate() -> None:
    """The ledger must balance: what landed is what was counted (rule 2)."""
    reference = project()
    first, second = profile("1", "2024-01-01"), profile("1", "2024-02-01")
    reference.deliver("crm", "profile", [first, second, second])
    reference.run(AS_OF)
    assert reference.settled == {"new": 1, "stale": 1, "repeated": 1}

    reference.deliver("crm", "profile", [second])
    reference.deliver("crm", "profile", [{**second, "record_id": "2"}])
    reference.run(AS_OF)
    assert reference.settled == {"unchanged": 1, "new": 1}

    reference.deliver("crm", "profile", [profile("1", "2024-03-01")])
    reference.run(AS_OF)
    assert reference.settled == {"updated": 1}


def test_a_tombstone_hides_a_record_until_a_later_version() -> None:
    """A source that deletes and restores must find its customer under the old OneID (rules 3, 21)."""
    reference = project()
    reference.deliver("crm", "profile", [profile("1", "2024-01-01", phone(WANG_FANG.phone))])
    reference.run(AS_OF)
    before = reference.one_ids()
    reference.deliver("crm", "profile", [{**profile("1", "2024-02-01"), "deleted": True}])
    reference.run(AS_OF)
    assert reference.one_ids() == {}

    reference.deliver("crm", "profile", [profile("1", "2024-03-01")])
    reference.run(AS_OF)
    assert reference.one_ids() == before
    assert [line[1] for line in reference.lineage] == ["retired", "revived"]


def test_profile_evidence_runs_from_registration_to_the_last_sight() -> None:
    """Spans decide holdings, so stale versions must widen them too (rule 4)."""
    seen = {"registered_at": day("2023-06-01")}
    reference = unified(
        profile("1", "2024-03-01", **seen),
        profile("1", "2024-02-01", phone(WANG_FANG.phone), **seen),
        profile("1", "2024-01-01", phone(WANG_FANG.phone, verified=True)),
    )

    (evidence,) = reference.nodes[0].evidence
    assert (evidence.first, evidence.last) == (day("2023-06-01"), day("2024-02-01"))
    assert (evidence.verified, evidence.current) == (True, False)


def test_a_fact_only_says_what_its_newest_version_says() -> None:
    """An order moved to another buyer must leave the first one (rule 5)."""
    reference = unified(
        orders=(order("1", "2024-01-01", phone(WANG_FANG.phone)), order("1", "2024-01-02", phone(LI_QIANG.phone)))
    )

    assert [e.value[2] for node in reference.nodes for e in node.evidence] == [LI_QIANG.phone]


def test_receivers_and_masked_phones_never_link() -> None:
    """A gift must not make two people one (rule 6)."""
    reference = unified(
        profile("1", "2024-01-01", phone(WANG_FANG.phone), phone("199****0002")),
        profile("2", "2024-01-01", phone(WANG_FANG.phone, role="receiver"), phone("199****0002")),
    )

    assert together(reference) == {frozenset("1"), frozenset("2")}


def test_a_field_with_two_numbers_says_both() -> None:
    """Clerks type two numbers into one field (rule 7)."""
    reference = unified(
        profile("1", "2024-01-01", phone(f"{WANG_FANG.phone}/{LI_QIANG.phone}")),
        profile("2", "2024-01-01", phone(LI_QIANG.phone)),
    )

    assert together(reference) == {frozenset("12")}


def test_a_hash_stands_for_a_plain_value_that_somebody_carries() -> None:
    """Tmall passes hashes: they join the plain number that is known, and each other if none is (rule 8)."""
    hashed = {"type": "phone_md5", "value": md5(WANG_FANG.phone)}
    reference = unified(profile("1", "2024-01-01", phone(WANG_FANG.phone)), profile("2", "2024-01-01", hashed))

    assert together(reference) == {frozenset("12")}


def test_facts_of_one_set_are_a_bundle_until_a_long_pause() -> None:
    """A number may change hands in half a year (rule 9)."""
    said = phone(WANG_FANG.phone)
    reference = unified(
        orders=(order("1", "2023-01-01", said), order("2", "2023-06-01", said), order("3", "2024-06-01", said))
    )

    assert {node.key[2] for node in reference.nodes} == {
        frozenset({("pos", "order", "1"), ("pos", "order", "2")}),
        frozenset({("pos", "order", "3")}),
    }


def test_a_bundle_of_kinds_that_do_not_found_waits_unattached() -> None:
    """A visit with an unknown account is not yet a customer (rules 10, 22)."""
    reference = project(found=("profile",))
    reference.deliver("pos", "order", [order("1", "2024-01-01", phone(WANG_FANG.phone))])
    reference.run(AS_OF)
    assert reference.one_ids() == {}

    reference.deliver("crm", "profile", [profile("1", "2024-01-01", phone(WANG_FANG.phone))])
    reference.run(AS_OF)
    assert len(reference.one_ids()) == 2


def test_a_value_with_too_many_names_is_generic() -> None:
    """The shop's own number must not join its customers (rule 12)."""
    people = (WANG_FANG, LI_QIANG, SHAN_YING)
    reference = unified(
        *(profile(who.pinyin, "2024-01-01", phone(HOTLINE, verified=True), name=who.name) for who in people),
        settings={"generic_after": {"phone": {"names": 2}}},
    )

    assert reference.generic == {("phone", "", HOTLINE)}
    assert len(reference.partition()) == 3


def test_a_number_that_paused_and_came_back_with_another_name_is_held_anew() -> None:
    """Operators give numbers away after some months (rule 13, islands)."""
    reference = unified(
        profile("1", "2023-01-01", phone(RECYCLED_PHONE, verified=True), name=LI_QIANG.name),
        profile("2", "2024-01-01", phone(RECYCLED_PHONE, verified=True), name=SHAN_YING.name),
        profile("3", "2024-01-02", phone(RECYCLED_PHONE, verified=True)),
    )

    assert together(reference) == {frozenset("1"), frozenset("23")}


def test_two_nameless_accounts_across_a_pause_are_not_joined_but_facts_are() -> None:
    """A number alone does not say that it is the same hand (rule 13)."""
    said = phone(RECYCLED_PHONE, verified=True)
    accounts = unified(profile("1", "2023-01-01", said), profile("2", "2024-01-01", said))
    account_and_order = unified(profile("1", "2023-01-01", said), orders=(order("2", "2024-01-01", said),))

    assert len(accounts.partition()) == 2
    assert len(account_and_order.partition()) == 1


def test_former_evidence_keeps_its_facts_and_joins_nobody_later() -> None:
    """Who gave up a number keeps the orders of that time only (rule 13, former evidence)."""
    said = phone(WANG_FANG.phone)
    reference = unified(
        profile("1", "2024-01-01", said),
        profile("1", "2024-02-01", said),
        profile("1", "2024-03-01"),
        profile("2", "2024-03-15", said),
        orders=(order("3", "2024-01-15", said),),
    )

    assert together(reference) == {frozenset("13"), frozenset("2")}


def test_variants_of_a_name_agree_and_others_veto_weak_evidence() -> None:
    """Parents and children share phones, and one person is spelled in two ways (rules 14, 16, 17)."""
    said = phone(WANG_FANG.phone)
    same = unified(profile("1", "2024-01-01", said, name="王芳"), profile("2", "2024-01-01", said, name="FANG WANG"))
    family = unified(
        profile("1", "2024-01-01", said, name=WANG_FANG.name),
        profile("2", "2024-01-01", said, name=ZHANG_XIAOMING.name),
        profile("3", "2024-01-01", said),
    )

    assert len(same.partition()) == 1
    assert len(family.partition()) == 3
    assert {row[-1] for row in family.conflicts} == {"veto"}


def test_two_values_of_an_exclusive_type_are_two_people_whatever_joins_them() -> None:
    """One WeChat account per person, even against a verified phone (rule 16)."""
    said = phone(WANG_FANG.phone, verified=True)
    reference = unified(
        profile("1", "2024-01-01", said, unionid(WANG_FANG.unionid)),
        profile("2", "2024-01-01", said, unionid(LI_QIANG.unionid)),
    )

    assert len(reference.partition()) == 2
    assert {row[-1] for row in reference.conflicts} == {"limit"}


def test_a_masked_phone_vetoes_a_person_who_has_another() -> None:
    """What can be seen of a masked number contradicts (rule 16)."""
    mail = {"type": "email", "value": WANG_FANG.email}
    reference = unified(
        profile("1", "2024-01-01", mail, phone("199****0002")), profile("2", "2024-01-01", mail, phone(WANG_FANG.phone))
    )

    assert len(reference.partition()) == 2


def test_stronger_evidence_has_joined_what_names_would_refuse() -> None:
    """A woman who changed her name keeps her account (rule 17)."""
    account, said = unionid(WANG_FANG.unionid), phone(WANG_FANG.phone)
    reference = unified(
        profile("1", "2024-01-01", account, said, name=WANG_FANG.name),
        profile("2", "2024-01-01", account, said, name=SHAN_YING.name),
    )

    assert len(reference.partition()) == 1
    assert reference.conflicts == set()


def test_surplus_values_are_refused_weakest_first() -> None:
    """Nobody has a third phone here: what only it joined falls off (rule 18)."""
    numbers = (WANG_FANG.phone, LI_QIANG.phone, SHAN_YING.phone)
    reference = unified(
        profile("0", "2024-01-01", *(phone(number, verified=at < 2) for at, number in enumerate(numbers))),
        *(profile(str(at + 1), "2024-01-01", phone(number)) for at, number in enumerate(numbers)),
        settings={"max_per_person": {"phone": 2}},
    )

    assert together(reference) == {frozenset("012"), frozenset("3")}
    assert {row[3] for row in reference.conflicts} == {SHAN_YING.phone}


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
    reference.define({"orders_30d": Tag("count", window=30)}, {"active": Segment(lambda view: view["orders_30d"] > 0)})
    reference.deliver("pos", "order", [order("1", "2024-01-01", phone(WANG_FANG.phone))])
    counts = []
    for text in ("2024-01-01", "2024-01-30", "2024-01-31"):
        reference.run(date.fromisoformat(text))
        counts += [told["orders_30d"] for told in reference.tags.values()]

    (one_id,) = reference.golden
    assert counts == [1, 1, 0]
    assert reference.events == [(3, one_id, "active", False, "time")]


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

    assert (many.partition(), many.conflicts, many.generic) == (one.partition(), one.conflicts, one.generic)
    assert sorted(map(repr, many.golden.values())) == sorted(map(repr, one.golden.values()))
    assert many.sales == one.sales
