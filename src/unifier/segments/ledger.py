"""Declare the tables of segments."""

from __future__ import annotations

from typing import Final

from unifier.tables import Column, Table, table

BITS: Final = 62
"""Bits used of a word: every engine has a signed integer of that size."""

SEGMENT_SLOT: Final = table(
    "segment_slot",
    "the bit of a segment; it goes to another only after it was cleared for everybody",
    "segment VARCHAR; word INTEGER; bit INTEGER; definition_hash VARCHAR; since_run INTEGER; retired_run INTEGER",
    "segment",
)
SEGMENT_EVENT: Final = table(
    "segment_event",
    "a person entered or left a segment",
    "run_no INTEGER; person_no INTEGER; segment VARCHAR; entered BOOLEAN; reason VARCHAR; cause_ref VARCHAR",
    "run_no, person_no, segment",
)
SEGMENT_TABLES: Final = (SEGMENT_SLOT, SEGMENT_EVENT)


def segment_bits(words: int) -> Table:
    """Declare the table of bits with so many words."""
    body = tuple(Column(f"w{word}", "UBIGINT") for word in range(words))
    tail = (Column("next_flip", "DATE"), Column("changed_run", "INTEGER"))
    return Table("segment_bits", "a person's segments", (Column("person_no", "INTEGER"), *body, *tail), ("person_no",))
