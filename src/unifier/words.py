"""Name the words that have one meaning everywhere: kinds, roles, states, stages.

Nothing here decides anything. A word that appears in a table, a message or a schema is spelled here once.
"""

from __future__ import annotations

from typing import Final, Literal

Kind = Literal[
    "profile",
    "order",
    "order_line",
    "payment",
    "refund",
    "event",
    "consent",
    "product",
    "store",
    "guide",
    "campaign",
]
Role = Literal["own", "staff", "receiver", "payer"]
Stage = Literal["extract", "unify", "tag", "segment", "publish"]

KINDS: Final[tuple[Kind, ...]] = (
    "profile",
    "order",
    "order_line",
    "payment",
    "refund",
    "event",
    "consent",
    "product",
    "store",
    "guide",
    "campaign",
)
FACTS: Final[tuple[Kind, ...]] = ("order", "refund", "event", "consent")
"""Kinds that point at a person through a bundle."""

REFERENCE: Final[tuple[Kind, ...]] = ("product", "store", "guide", "campaign")
"""Kinds that describe things, not people."""

ROLES: Final[tuple[Role, ...]] = ("own", "staff", "receiver", "payer")
STAGES: Final[tuple[Stage, ...]] = ("extract", "unify", "tag", "segment", "publish")

MAIN_REALM: Final = "main"
PAID_STATES: Final[tuple[str, ...]] = ("paid", "shipped", "completed")
