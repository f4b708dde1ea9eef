"""Identifier types say how strong evidence is, and the project may say otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from unifier.errors import ConfigError, PluginError
from unifier.identifiers import TYPES, registry
from unifier.offers.identifier import IdentifierType

if TYPE_CHECKING:
    from unifier.words import Role

NEVER = {"phone_masked", "receiver_phone", "virtual_phone", "landline", "device", "cookie", "address", "oaid"}


@pytest.mark.parametrize(
    ("name", "verified", "own", "staff"),
    [
        ("id_card", 1, 2, 4),
        ("unionid", 1, 1, None),
        ("external_userid", 1, 1, None),
        ("omid", 1, 1, None),
        ("member_no", 2, 2, 3),
        ("card_no", 2, 3, 4),
        ("phone", 2, 4, 5),
        ("mix_mobile", 2, 4, 5),
        ("email", 2, 4, 5),
        ("plate", 5, 5, 5),
    ],
)
def test_evidence_is_as_strong_as_the_design_says(
    name: str, verified: int | None, own: int | None, staff: int | None
) -> None:
    """Links of stronger classes are laid first; a wrong class gives other persons."""
    declared = registry({})[name]

    assert declared.evidence_class(verified=True, role="own") == verified
    assert declared.evidence_class(verified=False, role="own") == own
    assert declared.evidence_class(verified=False, role="staff") == staff


@pytest.mark.parametrize("role", ["receiver", "payer"])
@pytest.mark.parametrize("declared", TYPES, ids=lambda declared: declared.name)
def test_a_receiver_or_payer_never_links(declared: IdentifierType, role: Role) -> None:
    """Gifts and family payments are not identity."""
    assert declared.evidence_class(verified=True, role=role) is None


def test_some_types_never_link() -> None:
    """Devices, addresses and addressee tokens belong to several people."""
    assert {declared.name for declared in TYPES if not declared.links} == NEVER | {"doudian_cipher"}


def test_exclusive_types_are_those_a_person_has_once() -> None:
    """Two values of an exclusive type on two records are a conflict."""
    assert {declared.name for declared in TYPES if declared.exclusive} == {
        "id_card",
        "unionid",
        "openid",
        "external_userid",
    }


def test_the_project_may_change_limits() -> None:
    """Every threshold of the table is the project's to set."""
    types = registry(
        {
            "engine": "auto",
            "max_per_person": {"unionid": 2, "phone": None},
            "generic_after": {"phone": {"names": 7, "profiles": None}},
            "recycle_after": {"phone": "90d", "card_no": None},
        }
    )

    assert types["unionid"].max_per_person == 2
    assert types["phone"].max_per_person is None
    assert (types["phone"].generic_names, types["phone"].generic_exclusives, types["phone"].generic_profiles) == (
        7,
        5,
        None,
    )
    assert (types["phone"].recycle_after_days, types["card_no"].recycle_after_days) == (90, None)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"generic_after": {"fone": {}}}, "identity.generic_after: unknown type 'fone' — did you mean 'phone'?"),
        ({"max_per_persn": {}}, "identity: unknown setting 'max_per_persn' — did you mean 'max_per_person'?"),
        (
            {"generic_after": {"phone": {"name": 5}}},
            "identity.generic_after.phone: unknown threshold 'name' — did you mean 'names'?",
        ),
        (
            {"max_per_person": {"phone": 0}},
            "identity.max_per_person.phone: 0 is not a count — write a whole number from 1, or null for no limit",
        ),
        (
            {"recycle_after": {"phone": "6 months"}},
            (
                "identity.recycle_after.phone: '6 months' is not a duration — "
                'write days, such as "180d", or null for never'
            ),
        ),
        ({"max_per_person": [1]}, "identity.max_per_person: [1] is not a mapping — write one line per type"),
    ],
)
def test_a_mistake_in_the_config_names_what_was_meant(section: dict[str, Any], message: str) -> None:
    """The operator reads this at night."""
    with pytest.raises(ConfigError) as caught:
        registry(section)

    assert str(caught.value) == message


def test_a_type_cannot_be_declared_twice() -> None:
    """Two plugins that disagree about a type must not be decided by load order."""
    with pytest.raises(PluginError, match="identifier type 'phone': declared twice"):
        registry({}, [IdentifierType("phone")])


@pytest.mark.parametrize(
    "wrong",
    [
        {"own": 7},
        {"own": 0},
        {"max_per_person": 0},
        {"min_length": 5, "max_length": 4},
        {"normal": "x"},
        {"scope": "x"},
    ],
)
def test_an_impossible_type_is_refused_at_birth(wrong: dict[str, Any]) -> None:
    """A vendor's slip is named before it decides about people."""
    with pytest.raises(PluginError, match="identifier type 'loyalty_no'"):
        IdentifierType("loyalty_no", **wrong)
