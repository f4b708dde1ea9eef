"""Each identifier type has one way to be written; what cannot be brought there does not link."""

from __future__ import annotations

import pytest
from cast import WANG_FANG

from unifier.identifiers import Reading, normalise, readings, registry
from unifier.offers.identifier import IdentifierType, NormalForm

TYPES = registry({})
MD5 = "7945bd83237335e5376ff44d62e4f0ae"


@pytest.mark.parametrize(
    ("form", "raw", "value"),
    [
        ("opaque", "\u3000oWANGfang0001\u200b\n", "oWANGfang0001"),
        ("card", " vip　００1 23", "VIP00123"),
        ("lower_hex32", "D41D8CD98F00B204E9800998ECF8427A", "d41d8cd98f00b204e9800998ecf8427a"),
        ("email", " Wang.Fang＠Mail.CN", WANG_FANG.email),
        ("plate", "沪a·12b45", "沪A12B45"),
        ("plate", "京AD12345", "京AD12345"),
        ("id_card", "11010519491231002x", "11010519491231002X"),
        ("id_card", "３4052419800101001X", "34052419800101001X"),
        ("id_card", "440524188001010014", "440524188001010014"),
    ],
)
def test_equal_values_are_written_alike(form: NormalForm, raw: str, value: str) -> None:
    """Two systems write one value in two ways; the link depends on them becoming one."""
    assert normalise(form, raw) == (value, "valid")


def test_an_old_id_card_becomes_the_new_one() -> None:
    """The same person registered before and after 1999."""
    assert normalise("id_card", "340524800101001") == ("34052419800101001X", "valid")


@pytest.mark.parametrize(
    ("form", "raw"),
    [
        ("opaque", "o" * 257),
        ("opaque", "oWANG锟斤拷"),
        ("lower_hex32", MD5[:31]),
        ("lower_hex64", MD5),
        ("email", "wang.fang"),
        ("email", "wang@fang@mail.cn"),
        ("email", "wang..fang@mail.cn"),
        ("plate", "沪I12345"),
        ("id_card", "340524198001010013"),
        ("id_card", "11010519490231002X"),
        ("id_card", "E12345678"),
    ],
)
def test_what_breaks_the_rules_is_invalid(form: NormalForm, raw: str) -> None:
    """An identifier that cannot be true must not join anybody."""
    assert normalise(form, raw)[1] == "invalid"


@pytest.mark.parametrize(
    ("form", "raw"),
    [
        ("opaque", "oAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        ("opaque", "undefined"),
        ("opaque", "-"),
        ("card", "0000"),
        ("card", "9999"),
        ("card", "无"),
        ("email", "test@test.com"),
        ("email", "NoEmail@shop.cn"),
        ("email", "someone@example.com"),
        ("plate", "京A00000"),
        ("id_card", "111111111111111"),
        ("lower_hex32", MD5),
        ("lower_hex32", MD5.upper()),
        ("lower_hex32", "d41d8cd98f00b204e9800998ecf8427e"),
        ("lower_hex64", "a6942f9771d67f34034d2f1926988ed3fad3bf1b4e7cedb9a31f31398dea43bc"),
        ("lower_hex64", "ee5e7b1cbf65495467be9ff49ac5fc14b6887547c1cd7f8856221b23f1efa062"),
    ],
)
def test_placeholders_are_known_also_behind_a_hash(form: NormalForm, raw: str) -> None:
    """A hash of 13800138000, or of nothing, joins strangers as well as the plain value does."""
    assert normalise(form, raw)[1] == "placeholder"


def test_mix_mobile_of_a_placeholder_is_known_with_the_brands_key() -> None:
    """Without the key nobody can see what stands behind the hash; with it we must look."""
    mixed = "804249d5e8e3843fef304938b1ad1c17"

    assert normalise("lower_hex32", mixed)[1] == "valid"
    assert normalise("lower_hex32", mixed, {"brand1": "testky"})[1] == "placeholder"


def test_a_masked_value_never_links() -> None:
    """Many people share what a mask leaves."""
    assert (normalise("opaque", "t**")[1], normalise("email", "w***@mail.cn")[1]) == ("masked", "masked")


def test_only_the_type_phone_is_split_by_content() -> None:
    """A receiver's phone stays a receiver's, or gifts would join giver and receiver."""
    assert readings("phone", "010-12345678", TYPES) == (Reading("landline", "01012345678", "valid"),)
    assert readings("receiver_phone", "+86 19900000001", TYPES) == (
        Reading("receiver_phone", WANG_FANG.phone, "valid"),
    )


def test_an_unknown_type_is_invalid() -> None:
    """A type that nobody declared has no rules, so nothing may follow from it."""
    assert readings("fone", " 19900000001 ", TYPES) == (Reading("fone", "19900000001", "invalid"),)


@pytest.mark.parametrize("raw", [None, "", " \u200b"])
def test_nothing_reads_as_nothing(raw: str | None) -> None:
    """Empty fields are the commonest value there is."""
    assert [readings(name, raw, TYPES) for name in (*TYPES, "fone")] == [()] * (len(TYPES) + 1)


def test_lengths_of_a_type_are_kept() -> None:
    """Six digits are a card at one retailer and noise at another."""
    types = registry({}, [IdentifierType("loyalty_no", normal="card", own=2, min_length=6, max_length=8)])

    assert [readings("loyalty_no", raw, types)[0].state for raw in ("12345", "123456", "123456789")] == [
        "invalid",
        "valid",
        "invalid",
    ]
