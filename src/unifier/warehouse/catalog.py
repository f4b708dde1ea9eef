"""Look up what the store holds of tags and segments: their tables may be absent, and their columns vary."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from unifier.warehouse.tables import published_type

if TYPE_CHECKING:
    import duckdb

_TAG_TABLES: Final = ("tag_record", "tag_clock", "tag_population")
_NO_TAGS: Final = {"person_no", "next_flip", "changed_run"}
_WORD: Final = re.compile(r"w[0-9]+")


@dataclass(frozen=True, slots=True)
class Catalog:
    """What there is of tags and segments.

    ``tags`` are (table, tag, DuckDB type) in order; ``slots`` are (segment, word, bit) of the living segments;
    ``has_events`` tells whether segment events are kept.
    """

    tags: tuple[tuple[str, str, str], ...] = ()
    slots: tuple[tuple[str, int, int], ...] = ()
    has_events: bool = False

    @property
    def tag_tables(self) -> tuple[str, ...]:
        """Tables that hold tags, in order."""
        return tuple(dict.fromkeys(name for name, _, _ in self.tags))

    @property
    def tag_columns(self) -> tuple[tuple[str, str], ...]:
        """Tags and their published types, in order."""
        return tuple((tag, published_type(type_)) for _, tag, type_ in self.tags)


def read_catalog(con: duckdb.DuckDBPyConnection) -> Catalog:
    """Read what the store holds now."""
    listed = ", ".join("?" for _ in _TAG_TABLES)
    columns = con.execute(
        "SELECT table_name, column_name, data_type FROM duckdb_columns() "
        "WHERE database_name = current_database() "
        f"AND table_name IN ({listed}, 'segment_bits', 'segment_slot', 'segment_event') "
        "ORDER BY table_name, column_index",
        list(_TAG_TABLES),
    ).fetchall()
    tables = {row[0] for row in columns}
    tags = tuple(row for name in _TAG_TABLES for row in columns if row[0] == name and row[1] not in _NO_TAGS)
    words = {int(row[1][1:]) for row in columns if row[0] == "segment_bits" and _WORD.fullmatch(row[1])}
    slots = _slots(con, words) if {"segment_bits", "segment_slot"} <= tables else ()
    return Catalog(tags, slots, "segment_event" in tables)


def _slots(con: duckdb.DuckDBPyConnection, words: set[int]) -> tuple[tuple[str, int, int], ...]:
    """List the living segments whose word exists."""
    rows = con.execute(
        "SELECT segment, word, bit FROM segment_slot WHERE retired_run IS NULL ORDER BY segment"
    ).fetchall()
    return tuple((segment, word, bit) for segment, word, bit in rows if word in words)
