"""Pin rules 1 to 18 and 28 of ``docs/decisions/0002-semantics.md`` on a handful of records each."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from cast import HOTLINE, LI_QIANG, RECYCLED_PHONE, SHAN_YING, WANG_FANG, ZHANG_XIAOMING
from reference.golden import FieldRule, RuleName, survivor
from reference.pipeline import Reference
from reference.records import AS_OF, day, order, phone, profile, project, unionid

from unifier.identifiers import md5


def unified(*profiles: dict[str, Any], orders: tuple[dict[str, Any], ...] = (), **options: Any) -> Reference:
    """Run once over profiles of the CRM and orders of the till."""
    reference = project(**options)
    reference.deliver("crm", "profile", profiles)
    reference.deliver("pos", "order", orders)
    reference.run(AS_OF)
    return reference


def together(reference: Reference) -> set[frozenset[str]]:
    """Return persons and unattached clusters as sets of record ids, facts and profiles alike."""
    return {frozenset(key[2] for node in cluster for key in node.records) for cluster in reference.clusters}


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
    assert len(reference.clusters) == 3


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

    assert len(accounts.clusters) == 2
    assert len(account_and_order.clusters) == 1


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

    assert len(same.clusters) == 1
    assert len(family.clusters) == 3
    assert {row[-1] for row in family.conflicts} == {"veto"}


def test_several_roles_on_a_value_are_one_link_of_the_strongest_class() -> None:
    """What own evidence was refused, a clerk's note of the same number must not bring back (rules 15, 17)."""
    own, noted = phone(WANG_FANG.phone), phone(WANG_FANG.phone, role="staff")
    reference = unified(
        profile("1", "2024-01-01", own, noted, name=WANG_FANG.name),
        profile("2", "2024-01-01", own, name=ZHANG_XIAOMING.name),
        profile("3", "2024-01-01", noted),
    )

    assert together(reference) == {frozenset("1"), frozenset("2"), frozenset("3")}
    assert {(row[0][2], row[4], row[5]) for row in reference.conflicts} == {("1", 4, "veto"), ("2", 4, "veto")}


def test_two_values_of_an_exclusive_type_are_two_people_whatever_joins_them() -> None:
    """One WeChat account per person, even against a verified phone (rule 16)."""
    said = phone(WANG_FANG.phone, verified=True)
    reference = unified(
        profile("1", "2024-01-01", said, unionid(WANG_FANG.unionid)),
        profile("2", "2024-01-01", said, unionid(LI_QIANG.unionid)),
    )

    assert len(reference.clusters) == 2
    assert {row[-1] for row in reference.conflicts} == {"limit"}


def test_a_masked_phone_vetoes_a_person_who_has_another() -> None:
    """What can be seen of a masked number contradicts (rule 16)."""
    mail = {"type": "email", "value": WANG_FANG.email}
    reference = unified(
        profile("1", "2024-01-01", mail, phone("199****0002")), profile("2", "2024-01-01", mail, phone(WANG_FANG.phone))
    )

    assert len(reference.clusters) == 2


def test_stronger_evidence_has_joined_what_names_would_refuse() -> None:
    """A woman who changed her name keeps her card (rule 17)."""
    number, said = {"type": "member_no", "scope": "mall", "value": "M1"}, phone(WANG_FANG.phone)
    reference = unified(
        profile("1", "2024-01-01", number, said, name=WANG_FANG.name),
        profile("2", "2024-01-01", number, said, name=SHAN_YING.name),
    )

    assert len(reference.clusters) == 1
    assert reference.conflicts == set()


def test_names_that_differ_do_not_veto_who_shares_a_full_birth_date() -> None:
    """A nickname on one account and the passport on the other are still one person (rule 16)."""
    said = phone(WANG_FANG.phone)
    born = {"birthday": WANG_FANG.birthday}
    reference = unified(
        profile("1", "2024-01-01", said, name=WANG_FANG.name, **born),
        profile("2", "2024-01-01", said, name=SHAN_YING.name, **born),
    )

    assert len(reference.clusters) == 1


def test_of_equally_strong_values_the_longer_held_stay() -> None:
    """A number seen for a year says more than one seen once (rule 18, capacity)."""
    seen, short = {"registered_at": day("2023-01-01")}, phone(WANG_FANG.phone, since=day("2024-01-01"))
    long = (phone(LI_QIANG.phone), phone(SHAN_YING.phone))
    reference = unified(
        profile("0", "2024-01-01", short, *long, **seen),
        *(profile(str(at), "2024-01-01", phone(said["value"])) for at, said in enumerate((short, *long), start=1)),
        settings={"max_per_person": {"phone": 2}},
    )

    assert {row[3] for row in reference.conflicts} == {WANG_FANG.phone}


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


def survived(field: str, rule: FieldRule, *told: tuple[str, str, Any]) -> tuple[Any, str] | None:
    """Return what survives of (source, day, value) in the project that trusts the CRM, then WeChat, and its source."""
    profiles = {
        (source, "profile", str(at)): {"observed_at": day(seen), field: value}
        for at, (source, seen, value) in enumerate(told)
    }
    found = survivor(field, profiles, ("crm", "wechat"), rule)
    return found and (found[0], found[1][0])


def test_trust_goes_before_newness_and_a_field_may_trust_others() -> None:
    """The CRM is right about cities, the shop about nicknames (rule 28, trust)."""
    told = (("wechat", "2024-03-01", "杭州"), ("crm", "2024-01-01", "上海"), ("crm", "2024-02-01", "北京"))

    assert survived("city", FieldRule(), *told) == ("北京", "crm")
    assert survived("city", FieldRule(trust=["wechat"]), *told) == ("杭州", "wechat")


def test_recent_goes_by_newness_and_asks_trust_only_on_a_tie() -> None:
    """People move: the last address is the best whoever heard it (rule 28, recent)."""
    told = (("crm", "2024-01-01", "上海"), ("pos", "2024-03-01", "杭州"), ("wechat", "2024-03-01", "北京"))

    assert survived("city", FieldRule("recent"), *told) == ("北京", "wechat")
    assert survived("city", FieldRule("recent", ["pos"]), *told) == ("杭州", "pos")


def test_frequent_counts_profiles_and_names_the_best_that_carries_the_value() -> None:
    """A birth date that two sources know outweighs one that a clerk typed (rule 28, frequent)."""
    hers, typed = WANG_FANG.birthday, "2000-01-01"
    told = (("crm", "2024-01-01", typed), ("pos", "2024-03-01", hers), ("wechat", "2024-01-01", hers))

    assert survived("birthday", FieldRule("frequent"), *told) == (hers, "wechat")
    assert survived("birthday", FieldRule("frequent"), *told[:2]) == (typed, "crm")


def test_longest_counts_characters() -> None:
    """The address with a house number is the one a parcel arrives at (rule 28, longest)."""
    told = (
        ("crm", "2024-01-01", "南京路"),
        ("pos", "2024-01-01", "南京路一号"),
        ("wechat", "2024-01-01", "淮海路二号"),
    )

    assert survived("address", FieldRule("longest"), *told) == ("淮海路二号", "wechat")


def test_min_and_max_compare_text_by_code_point_and_times_by_time() -> None:
    """A customer since the first registration anybody knows (rule 28, min and max)."""
    codes = (("crm", "2024-01-01", "b"), ("pos", "2024-01-01", "Z"), ("wechat", "2024-01-01", "Z"))
    first, last = day("2020-01-01"), day("2023-01-01")
    times = (("crm", "2024-01-01", last), ("pos", "2024-01-01", first), ("wechat", "2024-01-01", None))

    assert survived("city", FieldRule("min"), *codes) == ("Z", "wechat")
    assert survived("city", FieldRule("max"), *codes) == ("b", "crm")
    assert survived("registered_at", FieldRule("min"), *times) == (first, "pos")
    assert survived("registered_at", FieldRule("max"), *times) == (last, "crm")


def test_union_joins_distinct_values_in_the_order_of_trust() -> None:
    """Both addresses are the customer's (rule 28, union)."""
    told = (("pos", "2024-01-01", "上海"), ("wechat", "2024-01-01", "杭州"), ("crm", "2024-01-01", "上海"))

    assert survived("city", FieldRule("union"), *told) == ("上海 | 杭州", "crm")


@pytest.mark.parametrize("rule", get_args(RuleName))
def test_a_full_name_goes_before_others_and_nothing_never_wins(rule: RuleName) -> None:
    """A title or a placeholder must not hide a name, whatever the rule (rules 23, 28)."""
    titled, typed = ("crm", "2024-03-01", "王女士(会员卡丢失)"), ("crm", "2024-02-01", "测试")
    named = ("pos", "2024-01-01", WANG_FANG.name)

    assert survived("name", FieldRule(rule), titled, typed, titled, named) == (WANG_FANG.name, "pos")
    assert survived("name", FieldRule(rule), typed, ("pos", "2024-01-01", "王女士")) == ("王女士", "pos")
    assert survived("name", FieldRule(rule), typed, ("crm", "2024-01-01", "")) is None
    assert survived("gender", FieldRule(rule), ("crm", "2024-01-01", "unknown"), ("pos", "2024-01-01", None)) is None


def test_a_project_sets_rules_by_field() -> None:
    """The rules of the configuration reach the golden record, and leave other fields alone (rule 28)."""
    reference = project(fields={"city": FieldRule("recent")})
    account = unionid(WANG_FANG.unionid)
    reference.deliver("crm", "profile", [profile("1", "2024-01-01", account, city="上海", district="黄浦")])
    reference.deliver("wechat", "profile", [profile("2", "2024-02-01", account, city="杭州", district="西湖")])
    reference.run(AS_OF)

    ((one_id, row),) = reference.golden.items()
    assert (row["city"], row["district"]) == ("杭州", "黄浦")
    assert reference.provenance[one_id]["city"] == ("wechat", "profile", "2")
