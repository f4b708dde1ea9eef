"""Declare the golden tables: one row per person, and where each field came from."""

from __future__ import annotations

from typing import Final

from unifier.tables import Column, Table, table

FIELDS: Final[tuple[tuple[str, str], ...]] = (
    ("name", "VARCHAR"),
    ("gender", "VARCHAR"),
    ("birthday", "VARCHAR"),
    ("province", "VARCHAR"),
    ("city", "VARCHAR"),
    ("district", "VARCHAR"),
    ("address", "VARCHAR"),
    ("postcode", "VARCHAR"),
    ("registered_at", "TIMESTAMP"),
    ("acquired_scene", "VARCHAR"),
    ("acquired_store", "VARCHAR"),
    ("acquired_guide", "VARCHAR"),
    ("acquired_campaign", "VARCHAR"),
)
"""Fields that survive from profiles, each with a record that gave it."""

MEMBERSHIP_FIELDS: Final[tuple[tuple[str, str], ...]] = (
    ("membership_issuer", "VARCHAR"),
    ("membership_card_no", "VARCHAR"),
    ("membership_level", "VARCHAR"),
    ("membership_points", "BIGINT"),
    ("membership_joined_at", "TIMESTAMP"),
    ("membership_expires_at", "TIMESTAMP"),
)
"""The card of the most trusted, newest record; all cards stay in `membership`."""

GOLDEN: Final = Table(
    "golden",
    "a person as all sources together know them",
    (
        Column("person_no", "INTEGER"),
        Column("member_status", "VARCHAR"),
        Column("first_seen", "TIMESTAMP"),
        Column("last_seen", "TIMESTAMP"),
        Column("source_bits", "BIGINT"),
        Column("records", "INTEGER"),
        *(Column(name, kind) for name, kind in (*FIELDS, *MEMBERSHIP_FIELDS)),
        Column("changed_run", "INTEGER"),
    ),
    ("person_no",),
)

PROVENANCE: Final = Table(
    "provenance",
    "the profile record that gave each golden field",
    (
        Column("person_no", "INTEGER"),
        *(Column(name, "BIGINT") for name, _ in (*FIELDS, ("membership", ""))),
        Column("changed_run", "INTEGER"),
    ),
    ("person_no",),
)

GOLDEN_TABLES: Final[tuple[Table, ...]] = (
    GOLDEN,
    PROVENANCE,
    table(
        "sale",
        "an order, and whether it counts as a sale",
        "order_no BIGINT; node_no INTEGER; day DATE; at TIMESTAMP; amount BIGINT; discount BIGINT; net_amount BIGINT; "
        "channel VARCHAR; scene VARCHAR; store VARCHAR; guide VARCHAR; campaign VARCHAR; counted_as VARCHAR; changed_run INTEGER",
        "order_no",
    ),
    table(
        "contact",
        "the best way to reach a person by a channel",
        "person_no INTEGER; channel VARCHAR; identifier_no INTEGER; verified BOOLEAN; last_seen TIMESTAMP; "
        "reachable BOOLEAN; why VARCHAR; changed_run INTEGER",
        "person_no, channel",
    ),
    table(
        "consent_state",
        "what a person allows",
        "person_no INTEGER; purpose VARCHAR; channel VARCHAR; status VARCHAR; since TIMESTAMP; record_no BIGINT; "
        "rule VARCHAR; changed_run INTEGER",
        "person_no, purpose, channel",
    ),
)
