"""Keep the versions of rules and divide persons into passes, for the stages that compute by definition."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from unifier.tables import quoted
from unifier.tables.golden import GOLDEN_TABLES
from unifier.tags.planning import RESERVED

if TYPE_CHECKING:
    from unifier.store import Store

PERSONS_AT_ONCE: Final = 1_250_000
"""Persons in one pass: what bounds the memory of the stage."""


def golden_columns() -> tuple[tuple[str, str], ...]:
    """List the golden fields that expressions may name."""
    inner = {*RESERVED, "source_bits"}
    return tuple((column.name, column.type) for column in GOLDEN_TABLES[0].columns if column.name not in inner)


def passes(store: Store, name: str) -> list[tuple[int, int]]:
    """Divide persons into ranges of numbers, so that none holds too many of a relation."""
    rows = store.count(name)
    if not rows:
        return []
    end = int(store.one(f"SELECT max(person_no) + 1 FROM {quoted(name)}"))
    width = -(-end // -(-rows // PERSONS_AT_ONCE))
    return [(low, low + width) for low in range(0, end, width)]


def register(store: Store, family: str, versions: Mapping[str, tuple[str, dict[str, Any]]], run_no: int) -> None:
    """Write down new versions of rules, given as name → (hash, body), and retire those that no longer stand."""
    rows = store.con.execute(
        "SELECT name, hash, version, retired_run IS NULL FROM definition WHERE family = ?", [family]
    ).fetchall()
    latest = {name: max(row[2] for row in rows if row[0] == name) for name, *_ in rows}
    for name, hashed, _, stands in rows:
        current = name in versions and versions[name][0] == hashed
        if current != stands:
            store.con.execute(
                "UPDATE definition SET retired_run = ? WHERE family = ? AND name = ? AND hash = ?",
                [None if current else run_no, family, name, hashed],
            )
    known = {(name, hashed) for name, hashed, *_ in rows}
    for name, (hashed, body) in versions.items():
        if (name, hashed) not in known:
            text = json.dumps(body, ensure_ascii=False, sort_keys=True)
            store.con.execute(
                "INSERT INTO definition VALUES (?, ?, ?, ?, ?, ?, NULL)",
                [family, name, latest.get(name, 0) + 1, hashed, text, run_no],
            )


def exists(store: Store, name: str) -> bool:
    """Tell whether the store has a table."""
    return store.one("SELECT 1 FROM duckdb_tables() WHERE table_name = ? AND NOT temporary", [name]) is not None
