"""The schemas: what others build on must be complete, closed and in the subset on which all validators agree."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from unifier.contract.arrow import landing_schema
from unifier.contract.documents import reference_page
from unifier.contract.kinds import all_kinds, document, kind, schema_folder
from unifier.contract.tables import RECORD_TABLES, record_table
from unifier.errors import UsageError
from unifier.words import FACTS, KINDS, REFERENCE, ROLES

KEYWORDS = {
    *("$schema", "$id", "$defs", "$ref", "title", "description", "type", "properties", "patternProperties", "items"),
    *("additionalProperties", "required", "if", "else", "enum", "format"),
    *("minLength", "maxLength", "minimum", "maximum", "x-column", "x-free", "x-personal", "x-unit"),
}
REQUIRED = {
    "order": {"ordered_at", "status", "amount"},
    "order_line": {"order_id"},
    "payment": {"order_id"},
    "refund": {"order_id", "refunded_at", "status", "amount"},
    "event": {"event_type", "happened_at"},
    "consent": {"purpose", "channel", "status", "at"},
}


def subschemas(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """List a schema and every schema in it."""
    inner = [child for name in ("properties", "patternProperties", "$defs") for child in schema.get(name, {}).values()]
    inner += [schema[name] for name in ("items", "if", "else") if name in schema]
    return [schema, *(deeper for child in inner for deeper in subschemas(child))]


def rows(name: str) -> list[dict[str, str]]:
    """Read one of the dictionaries."""
    return list(csv.DictReader(schema_folder().joinpath(name).read_text(encoding="utf-8").splitlines()))


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_is_a_valid_schema_that_needs_no_other_document(name: str) -> None:
    """An integrator gives the schema of a kind to any validator, which must find all of it there."""
    schema = kind(name).schema

    jsonschema.Draft202012Validator.check_schema(schema)

    references = [part["$ref"] for part in subschemas(dict(schema)) if "$ref" in part]
    assert all(reference.removeprefix("#/$defs/") in schema["$defs"] for reference in references)


@pytest.mark.parametrize("name", [*KINDS, "envelope"])
def test_schemas_use_only_the_subset_on_which_validators_agree(name: str) -> None:
    """A keyword outside the subset would be checked in one place and not in another."""
    used = {keyword for part in subschemas(document(name)) for keyword in part}

    assert used - KEYWORDS == set()


@pytest.mark.parametrize("name", [*KINDS, "envelope"])
def test_every_property_has_a_description_and_every_text_a_bound(name: str) -> None:
    """A field without a meaning cannot be mapped; a text without a bound fills a store."""
    schema = {key: body for key, body in document(name).items() if key != "if"}
    properties = [body for part in subschemas(schema) for body in part.get("properties", {}).values()]
    texts = [body for body in properties if "string" in body.get("type", ())]

    assert [body for body in properties if "$ref" not in body and not body.get("description")] == []
    assert [body for body in texts if not {"maxLength", "format", "enum"} & set(body)] == []


@pytest.mark.parametrize("name", KINDS)
def test_the_required_fields_are_those_of_the_contract(name: str) -> None:
    """Sources are refused for a missing required field: the list is a promise to integrators."""
    assert {field.path for field in kind(name).fields if field.required} == REQUIRED.get(name, set())


def test_fields_flatten_to_columns_by_their_path() -> None:
    """Rooms name columns, connectors write paths; both must mean one field."""
    columns = {field.path: field.column for each in all_kinds() for field in each.fields if "." in field.path}

    assert columns == {
        "acquired.scene": "acquired_scene",
        "acquired.store": "acquired_store",
        "acquired.guide": "acquired_guide",
        "acquired.campaign": "acquired_campaign",
        "external.issuer": "external_issuer",
        "external.no": "external_no",
        "object.type": "object_type",
        "object.id": "object_id",
    }


def test_reference_data_carries_no_identifiers() -> None:
    """A product that points at a person would become evidence."""
    carrying = {each.name for each in all_kinds() if any(part.path == "identifiers" for part in each.nested)}

    assert carrying == {"profile", *FACTS}
    assert carrying.isdisjoint(REFERENCE)


def test_roles_of_identifiers_are_the_words_of_the_project() -> None:
    """Evidence classes are looked up by role; a role without a class would link by accident."""
    identifiers = kind("profile").nested[0]

    assert next(field.enum for field in identifiers.fields if field.column == "role") == ROLES


def test_a_stranger_kind_is_named_with_the_kinds_there_are() -> None:
    """A typing error in a config must be mended without reading the source."""
    with pytest.raises(UsageError, match=r"kind 'profil': there is no such kind — one of profile, order"):
        kind("profil")


def test_no_schema_asks_for_more_than_one_character() -> None:
    """The cheap look at whole columns compares bytes, which decides for a least length of one only."""
    least = {
        part["minLength"] for name in [*KINDS, "envelope"] for part in subschemas(document(name)) if "minLength" in part
    }

    assert least == {1}


def test_tables_stand_for_every_kind_with_the_columns_others_rely_on() -> None:
    """Settle, identity and golden name these columns."""
    assert [table.name for table in RECORD_TABLES] == [*KINDS, "membership"]
    assert {name for name in KINDS if "node_no" in record_table(name).names} == set(FACTS)
    assert {"name_key", "x"} <= set(record_table("profile").names)
    assert "derived" in record_table("order").names
    assert "nested" in record_table("order_line").names
    assert set(landing_schema("order").names) - set(record_table("order").names) == {
        "landed_no",
        "identifiers",
        "lines",
        "payments",
    }


def test_no_table_has_a_column_twice() -> None:
    """A kind's field must not take the name of a column of the spine."""
    twice = [table.name for table in RECORD_TABLES if len(set(table.names)) < len(table.names)]

    assert twice == []


def test_the_reference_page_is_what_the_schemas_say() -> None:
    """A page that is written by hand goes stale."""
    page = (Path(__file__).parents[2] / "docs" / "schema.md").read_text(encoding="utf-8")

    assert page == reference_page()


@pytest.mark.parametrize("name", ["traffic_sources.csv", "touchpoints.csv", "event_types.csv"])
def test_codes_of_a_dictionary_are_unique_and_named_in_both_languages(name: str) -> None:
    """A code that stands twice counts every member twice in a report by source."""
    codes = [row["code"] for row in rows(name)]

    assert len(set(codes)) == len(codes)
    assert [row["code"] for row in rows(name) if not (row["zh"] and row["en"])] == []


def test_traffic_sources_have_two_levels_and_map_each_wechat_scene_once() -> None:
    """Members won are counted by class and sub-source; a scene in two of them has no answer."""
    sources = rows("traffic_sources.csv")
    scenes = [scene for row in sources for scene in row["wechat_scenes"].split()]

    assert {row["class"] for row in sources} == {"message", "social", "system", "payment", "ads"}
    assert [row["code"] for row in sources if row["code"] != f"{row['class']}.{row['sub_source']}"] == []
    assert len(set(scenes)) == len(scenes)
    assert sum(row["class"] == "message" for row in sources) == 4


def test_standard_event_types_fit_the_field() -> None:
    """The published words must be accepted by the schema that publishes them."""
    longest = next(field.max_length for field in kind("event").fields if field.column == "event_type")

    assert longest is not None
    assert max(len(row["code"]) for row in rows("event_types.csv")) <= longest
