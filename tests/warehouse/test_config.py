"""The ``targets`` section."""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from unifier.warehouse import TARGETS_SCHEMA, TargetConfig, target_config


@pytest.mark.parametrize(
    ("section", "is_right"),
    [
        ({"w": {"url": "duckdb:///w.duckdb"}}, True),
        ({"w": {"url": "duckdb:///w.duckdb", "personal": {"identifiers": "keyed", "fields": "masked"}}}, True),
        ({"w": {"url": "duckdb:///w.duckdb", "personal": "plain"}}, True),
        ({"w": {}}, False),
        ({"w": {"url": "x", "personal": {"fields": "keyed"}}}, False),
        ({"w": {"url": "x", "passwrod": "y"}}, False),
    ],
)
def test_the_schema_refuses_what_cannot_be_meant(section: object, is_right: bool) -> None:
    """A word that is misspelt must not turn into plain phone numbers."""
    assert Draft202012Validator(TARGETS_SCHEMA).is_valid(section) is is_right


def test_defaults_show_nobody(tmp_path: Path) -> None:
    """Who says nothing gets the careful showing."""
    made = target_config("w", {"url": "duckdb:///w.duckdb"}, tmp_path, b"k")

    assert (made.identifiers, made.contacts, made.fields) == ("keyed", "masked", "plain")


def test_a_target_does_not_show_its_url() -> None:
    """Objects end in tracebacks."""
    assert "hunter2" not in repr(TargetConfig("w", "postgresql://a:hunter2@h/d", Path(), b"topsecret"))
