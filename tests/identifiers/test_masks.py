"""Masks show little and veto only what they can see."""

from __future__ import annotations

import pytest
from cast import WANG_FANG

from unifier.identifiers import mask, masked_contradicts


@pytest.mark.parametrize(
    ("type_", "value", "shown"),
    [
        ("phone", WANG_FANG.phone, "199****0001"),
        ("receiver_phone", WANG_FANG.phone, "199****0001"),
        ("phone", "+85291234567", "+85…67"),
        ("phone_masked", "199****0001", "199****0001"),
        ("virtual_phone", "19900000001-123", "199…23"),
        ("email", WANG_FANG.email, "w***@mail.cn"),
        ("name", WANG_FANG.name, "王*"),
        ("id_card", "11010519491231002X", "110…2X"),
        ("unionid", WANG_FANG.unionid, "oWA…01"),
        ("card_no", "12345", "1…"),
        ("openid", "", "…"),
    ],
)
def test_a_mask_shows_the_agreed_part(type_: str, value: str, shown: str) -> None:
    """Logs, errors and reports show people's data only like this."""
    assert mask(type_, value) == shown


@pytest.mark.parametrize(
    ("masked", "plain", "contradicts"),
    [
        ("199****0001", "19900000001", False),
        ("199****0001", "19900000002", True),
        ("1******0001", "13900000001", False),
        ("198****0001", "19900000001", True),
        ("19900000001", "19900000001", False),
        ("199*0001", "19900000001", False),
        ("199*0002", "19900000001", True),
        ("199****0001", "+85291234567", True),
        ("1*********1", "19900000002", False),
        ("***********", "19900000002", False),
    ],
)
def test_a_mask_contradicts_what_it_can_see(masked: str, plain: str, contradicts: bool) -> None:
    """A veto separates people for good, so a mask that shows next to nothing has none."""
    assert masked_contradicts(masked, plain) == contradicts
