"""Alipay accounts and birthdays of a real project, with known answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bad_input.project import AT, Shop, open_shop, phone, query
from cast import LI_QIANG, WANG_FANG
from place import announce, run

ACCOUNT = "2088000000000001"


def _profile(number: int, value: str, **more: Any) -> dict[str, Any]:
    identifier = {"type": "alipay_user_id", "value": value, "verified": True}
    return {"record_id": f"A{number}", "observed_at": AT, "identifiers": [identifier], **more}


def _shop(folder: Path, profiles: list[dict[str, Any]], **sections: Any) -> Shop:
    shop = open_shop(folder / "shop", [WANG_FANG])
    shop.lines("crm/1.jsonl", profiles)
    shop.lines("till/1.jsonl", [])
    shop.configure(plugins={"use": {"china": None}}, **sections)
    return shop


def test_unifier_identifiers_link_by_the_alipay_account(tmp_path: Path) -> None:
    """Two systems that share nothing but the wallet know one person; another id is another account."""
    paths = [tmp_path, announce(tmp_path, "unifier-china")]
    shop = _shop(tmp_path, [_profile(1, ACCOUNT), _profile(2, ACCOUNT), _profile(3, "2088")])

    told = run(shop, paths)

    assert told.code == 0, told
    ids = shop.one_ids()
    assert ids["crm", "profile", "A1"] == ids["crm", "profile", "A2"]
    assert told.report["figures"]["persons"] == 2


def test_without_the_plugin_the_account_says_nothing(tmp_path: Path) -> None:
    """What is not declared must not link."""
    shop = _shop(tmp_path, [_profile(1, ACCOUNT), _profile(2, ACCOUNT)])
    shop.configure(plugins={})

    told = run(shop, [])

    assert told.report["figures"]["persons"] != 1, told


@pytest.mark.parametrize(
    ("told", "golden"),
    [
        (["1990-01-01", "--09-17", "1990-09-17"], "1990-09-17"),
        (["1990-01-01", "1990-01-01", "--09-17"], "--09-17"),
        (["1990-09-17", "1991-09-17", "1991-09-17"], "1991-09-17"),
        (["1990-01-01"], "1990-01-01"),
    ],
)
def test_unifier_survivorship_takes_the_believable_birthday(tmp_path: Path, told: list[str], golden: str) -> None:
    """A greeting on the first of January tells a customer that nobody knows her."""
    paths = [tmp_path, announce(tmp_path, "unifier-china")]
    profiles = [
        {
            "record_id": f"B{n}",
            "observed_at": AT,
            "birthday": day,
            "identifiers": [phone(LI_QIANG.phone, verified=True)],
        }
        for n, day in enumerate(told)
    ]
    shop = _shop(tmp_path, profiles, golden={"fields": {"birthday": {"rule": "believable"}}})

    found = run(shop, paths)

    assert found.code == 0, found
    assert query(shop.warehouse, "SELECT DISTINCT birthday FROM members") == [(golden,)]


@pytest.mark.parametrize(
    ("field", "rule", "words"),
    [
        ("registered_at", "believable", "believable does not fit registered_at"),
        ("birthday", "beleivable", "did you mean 'believable'?"),
    ],
)
def test_a_rule_that_does_not_fit_is_told_with_its_line(tmp_path: Path, field: str, rule: str, words: str) -> None:
    """A rule for birthdays cannot judge times, and a mistyped one judges nothing."""
    paths = [tmp_path, announce(tmp_path, "unifier-china")]

    told = run(_shop(tmp_path, [], golden={"fields": {field: {"rule": rule}}}), paths)

    assert told.code == 3, told
    assert words in told.err
    assert "unifier.yaml line" in told.err
