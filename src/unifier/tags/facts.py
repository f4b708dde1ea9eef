"""Declare the relations of facts that an aggregate may read, one row per fact of a person in ``tag_node``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from unifier.expressions import Field, Type


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation of facts: what each field is called, typed, and made of; the rest of the statement.

    ``day`` is the time whose local day is the fact's day, or the day itself when ``local``; ``tables`` are read.
    """

    fields: Mapping[str, tuple[Type, str]]
    day: str
    source: str
    tables: tuple[str, ...]
    local: bool = False

    def names(self, relation: str) -> dict[str, Field]:
        """Hand out the fields by name."""
        known = {**{name: kind for name, (kind, _) in self.fields.items()}, "day": Type.DATE}
        return {name: Field(name, kind, relation) for name, kind in known.items()}

    def sql(self, day: Callable[[str], str]) -> str:
        """Write the statement that gives ``person_no``, ``day`` and every field."""
        local = self.day if self.local else day(self.day)
        listed = ", ".join(f'{sql} AS "{name}"' for name, (_, sql) in self.fields.items())
        return f"SELECT n.person_no, {local} AS day, {listed} FROM tag_node n {self.source}"


def _columns(types: str, alias: str = "f") -> dict[str, tuple[Type, str]]:
    """Read ``"amount MONEY, channel TEXT"``; each is a column of its own name."""
    parts = (part.split() for part in types.split(","))
    return {name: (Type(kind), f'{alias}."{name}"') for name, kind in parts}


RELATIONS: Final[dict[str, Relation]] = {
    "sale": Relation(
        {
            "record_id": (Type.INT, "f.order_no"),
            **_columns(
                "order_no INT, at TIMESTAMP, amount MONEY, discount MONEY, net_amount MONEY, channel TEXT, scene TEXT, "
                "store TEXT, guide TEXT, campaign TEXT"
            ),
        },
        "f.day",
        "JOIN sale f ON f.node_no = n.node_no AND f.counted_as = 'counted'",
        ("sale",),
        local=True,
    ),
    "event": Relation(
        {
            **_columns("record_id TEXT, event_type TEXT, channel TEXT, scene TEXT, store TEXT, object_type TEXT"),
            **_columns("object_id TEXT, value TEXT, amount MONEY"),
            "at": (Type.TIMESTAMP, "f.happened_at"),
        },
        "f.happened_at",
        "JOIN event f ON f.node_no = n.node_no AND NOT f.deleted",
        ("event",),
    ),
    "orders": Relation(
        {
            **_columns("record_id TEXT, status TEXT, type TEXT, grain TEXT, channel TEXT, scene TEXT, fulfilment TEXT"),
            **_columns(
                "store TEXT, guide TEXT, campaign TEXT, amount MONEY, discount MONEY, freight MONEY, paid_at TIMESTAMP"
            ),
            "at": (Type.TIMESTAMP, "f.ordered_at"),
        },
        "f.ordered_at",
        'JOIN "order" f ON f.node_no = n.node_no AND NOT f.deleted',
        ("order",),
    ),
    "membership": Relation(
        {
            **_columns("issuer TEXT, card_no TEXT, level TEXT, points INT, expires_at TIMESTAMP, store TEXT"),
            "at": (Type.TIMESTAMP, "f.joined_at"),
        },
        "f.joined_at",
        "JOIN profile p ON n.node_no = 2 * p.record_no AND NOT p.deleted "
        "JOIN membership f ON f.record_no = p.record_no",
        ("profile", "membership"),
    ),
    "record": Relation(
        {
            "source": (Type.TEXT, "s.name"),
            **_columns("record_id TEXT, status TEXT, acquired_scene TEXT, acquired_store TEXT, acquired_guide TEXT"),
            **_columns("acquired_campaign TEXT, observed_at TIMESTAMP, registered_at TIMESTAMP"),
            "at": (Type.TIMESTAMP, "coalesce(f.registered_at, f.observed_at)"),
        },
        "coalesce(f.registered_at, f.observed_at)",
        "JOIN profile f ON n.node_no = 2 * f.record_no AND NOT f.deleted JOIN source s ON s.source_no = f.source_no",
        ("profile", "source"),
    ),
}
"""``sale`` holds counted sales only, ``orders`` all orders, ``record`` profiles. ``order`` itself is a word of SQL."""
