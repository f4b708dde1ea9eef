"""Phone fields hold more than phones: each kind of content gets the type that it deserves."""

from __future__ import annotations

import pytest
from cast import LI_QIANG, WANG_FANG

from unifier.identifiers import Reading, read_phone, why_invalid

FANG = Reading("phone", WANG_FANG.phone, "valid")
QIANG = Reading("phone", LI_QIANG.phone, "valid")


@pytest.mark.parametrize(
    "raw",
    [
        "19900000001",
        "+86 199-0000-0001",
        "008619900000001",
        "8619900000001",
        "+86019900000001",
        "019900000001",
        "(+86)19900000001",
        "199 0000 0001",
        "199.0000.0001",
        "１９９００００００01",
        "\u200b19900000001\u3000",
        "'19900000001",
        '="19900000001"',
        "19900000001.0",
        "1.9900000001E+10",
        "19900000001(妻)",
        "（妻）19900000001",
        "手机：19900000001",
        "Tel. 19900000001",
        "19900000001 王芳",
    ],
)
def test_a_mobile_number_is_found_in_its_dirt(raw: str) -> None:
    """Nine in ten dirty numbers are recoverable; each that is not is a customer counted twice."""
    assert read_phone(raw) == (FANG,)


@pytest.mark.parametrize(
    "raw",
    [
        "19900000001/19900000002",
        "19900000001、19900000002",
        "19900000001,199-0000-0002",
        "19900000001；+8619900000002",
        "19900000001 | 19900000002",
        "19900000001 19900000002",
        "199 0000 0001 199 0000 0002",
        "1990000000119900000002",
        "19900000001(妻)19900000002(夫)",
        "妻19900000001夫19900000002",
    ],
)
def test_two_numbers_in_one_field_are_two_readings(raw: str) -> None:
    """Clerks append the new number to the old one."""
    assert read_phone(raw) == (FANG, QIANG)


def test_a_number_given_twice_is_read_once() -> None:
    """One carrier must not count as two."""
    assert read_phone("19900000001/+8619900000001") == (FANG,)


@pytest.mark.parametrize(
    "raw",
    [
        "19900000001-123",
        "19900000001转123",
        "19900000001(转123)",
        "19900000001 ext. 123",
        "19900000001x123",
        "19900000001#123",
        "19900000001[123]",
        "19900000001,123",
        "19900000001/123",
        "19900000001 123",
        "199-0000-0001-123",
        "+86 19900000001-123",
    ],
)
def test_an_extension_is_never_stripped(raw: str) -> None:
    """Thousands of buyers share the base number of a platform's virtual number."""
    assert read_phone(raw) == (Reading("virtual_phone", "19900000001-123", "virtual"),)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("010-12345678", "01012345678"),
        ("(021)62345678", "02162345678"),
        ("+86 21 62345678", "02162345678"),
        ("0571-8234567", "05718234567"),
        ("400-800-1234", "4008001234"),
        ("8008201234", "8008201234"),
        ("62345678", "62345678"),
        ("021 62345678-801", "02162345678-801"),
    ],
)
def test_a_landline_is_no_mobile(raw: str, value: str) -> None:
    """A landline belongs to a household or an office."""
    assert read_phone(raw) == (Reading("landline", value, "valid"),)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("199****0001", "199****0001"),
        ("199*0001", "199****0001"),
        ("199xxxx0001", "199****0001"),
        ("+86 199****0001", "199****0001"),
        ("1******0001", "1******0001"),
        ("１９９＊＊＊＊0001", "199****0001"),
    ],
)
def test_a_masked_number_keeps_its_places(raw: str, value: str) -> None:
    """Masks are compared place by place with plain numbers."""
    assert read_phone(raw) == (Reading("phone_masked", value, "masked"),)


@pytest.mark.parametrize(
    ("raw", "value"),
    [("+852 9123 4567", "+85291234567"), ("00852-91234567", "+85291234567"), ("+1 (202) 555-0100", "+12025550100")],
)
def test_a_number_abroad_keeps_its_country(raw: str, value: str) -> None:
    """Eight digits from Hong Kong are a Shanghai landline without their country."""
    assert read_phone(raw) == (Reading("phone", value, "valid"),)


@pytest.mark.parametrize("raw", ["13800138000", "13000000000", "11111111111", "12345678901", "无", "0", "-", "NULL"])
def test_a_placeholder_is_no_phone(raw: str) -> None:
    """Strangers who typed the same placeholder are still strangers."""
    assert [reading.state for reading in read_phone(raw)] == ["placeholder"]


@pytest.mark.parametrize("raw", ["", "  ", "\u3000\u200b"])
def test_a_blank_field_says_nothing(raw: str) -> None:
    """An empty column is not an invalid number."""
    assert read_phone(raw) == ()


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("1.99E+10", "lossy_number"),
        ("1.990000E+10", "lossy_number"),
        ("o19900000001x", "not_a_number"),
        ("19900000001123", "too_long"),
        ("1990000000", "too_short"),
        ("14012345678", "unassigned"),
    ],
)
def test_what_cannot_be_read_is_invalid_and_says_why(raw: str, reason: str) -> None:
    """A rounded number would join everybody whose number begins alike."""
    (reading,) = read_phone(raw)

    assert (reading.state, why_invalid(reading.value)) == ("invalid", reason)


def test_one_bad_number_does_not_spoil_a_good_one() -> None:
    """The good half of a field still finds its person."""
    assert read_phone("1990000/19900000001") == (Reading("phone", "1990000", "invalid"), FANG)


def test_a_novel_in_a_phone_field_is_refused_whole() -> None:
    """Bounded work for unbounded input."""
    (reading,) = read_phone("19900000001 " * 30)

    assert (reading.state, len(reading.value)) == ("invalid", 64)
