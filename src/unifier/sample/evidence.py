"""Lay out the `identifiers` list of records from one slot per identifier a source may know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from unifier.sample.text import TIMESTAMP, Column, arrow, listed, structs, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unifier.sample.draws import Ints, Mask

ROLES: Final = ("own", "staff", "receiver")


@dataclass(frozen=True, slots=True)
class Slot:
    """One identifier of every row where `known`; types and scopes are one word, or one per row by code."""

    value: Column
    known: Mask
    types: tuple[str, ...]
    scopes: tuple[str, ...] = ("",)
    type_code: Ints | None = None
    scope_code: Ints | None = None
    role: str = "own"
    verified: Mask | None = None
    since: Column | None = None


def identifiers(slots: Sequence[Slot], size: int) -> Column:
    """Build the list column of `size` rows: each row holds the slots known of it, in the order of the slots.

    There is at least one slot. An empty scope is written as null.
    """
    known = np.column_stack([slot.known for slot in slots])
    row, slot_of = np.nonzero(known)
    take = arrow(slot_of * size + row)
    types, scopes = [_vocabulary(slots, name) for name in ("types", "scopes")]
    type_codes = _codes(slots, size, "types", types)[slot_of * size + row]
    scope_codes = _codes(slots, size, "scopes", scopes)[slot_of * size + row]
    roles = np.array([ROLES.index(slot.role) for slot in slots], dtype=np.int64)
    never = np.zeros(size, dtype=np.bool_)
    verified = np.concatenate([never if slot.verified is None else slot.verified for slot in slots])
    unknown = pa.nulls(size, TIMESTAMP)
    since = pa.concat_arrays([unknown if slot.since is None else slot.since for slot in slots])
    values = {
        "type": words(type_codes, types),
        "scope": words(scope_codes, scopes, scope_codes != scopes.index("") if "" in scopes else None),
        "value": pa.concat_arrays([slot.value for slot in slots]).take(take),
        "role": words(roles[slot_of], ROLES),
        "verified": arrow(verified[slot_of * size + row]),
        "since": since.take(take),
    }
    return listed(known.sum(axis=1), structs(values))


def _vocabulary(slots: Sequence[Slot], name: str) -> list[str]:
    """List the words that any slot uses."""
    return sorted({word for slot in slots for word in getattr(slot, name)})


def _codes(slots: Sequence[Slot], size: int, name: str, vocabulary: list[str]) -> Ints:
    """Number the words of each slot's rows by the vocabulary, slot after slot."""
    columns = []
    for slot in slots:
        terms = slot.types if name == "types" else slot.scopes
        code = slot.type_code if name == "types" else slot.scope_code
        numbers = np.array([vocabulary.index(word) for word in terms], dtype=np.int64)
        columns.append(np.full(size, numbers[0], dtype=np.int64) if code is None else numbers[code])
    return np.concatenate(columns)
