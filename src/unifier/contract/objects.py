"""Write free and vendors' objects as JSON text, and find texts that only forgiving parsers take for JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unifier.contract.faults import ArrowArray, Found, found
from unifier.contract.jsonable import DEPTH, brought

if TYPE_CHECKING:
    from unifier.contract.kinds import KindSchema

NOT_AN_OBJECT: Final = "is not the text of a JSON object"
_PLAIN: Final = frozenset({str, int, float, bool, type(None)})
_TEXT: Final = frozenset({str})
_FORGIVEN: Final = r"(?i)[:\[,]\s*[-+]?(?:nan|inf)|,\s*[\]}]"
"""What DuckDB's parser forgives: numbers that are none, and a comma before the end."""
_encode: Final = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False, check_circular=False
).encode


def object_text(value: dict[str, Any]) -> str:
    """Write an object as JSON text, its keys in order, so that equal objects have equal text.

    Raises :class:`unifier.contract.jsonable.Unfit`, or ValueError, for what JSON cannot hold.

    >>> object_text({"b": 1, "a": "林"})
    '{"a":"林","b":1}'
    """
    plain = _TEXT.issuperset(map(type, value)) and _PLAIN.issuperset(map(type, value.values()))
    return _encode(value if plain else brought(value))


def unstrict_faults(table: pa.Table, kind: KindSchema) -> list[Found]:
    """Find texts of free objects in a canonical table that DuckDB takes for JSON and no strict parser does.

    They are few, and each is parsed by Python; so are texts of many brackets, for objects have :data:`DEPTH` levels.
    """
    faults: list[Found] = []
    for name in [*(part.column for part in kind.free), "x"]:
        column = table.column(name).combine_chunks()
        if column.null_count < len(column):
            faults += _unstrict(column, name)
    return faults


def _unstrict(column: ArrowArray, name: str) -> list[Found]:
    many = pc.greater(pc.count_substring_regex(column, r"[\[{]"), DEPTH)
    doubted = pc.fill_null(pc.or_(many, pc.match_substring_regex(column, _FORGIVEN)), False)
    rows = np.flatnonzero(doubted.to_numpy(zero_copy_only=False))
    wrong, deep = np.zeros(len(column), dtype=bool), np.zeros(len(column), dtype=bool)
    for row in rows:
        levels = _levels_of(column[int(row)].as_py())
        wrong[row], deep[row] = levels is None, levels is not None and levels > DEPTH
    return [
        *found(pa.array(wrong), f"/{name}", "type", f"{name} {NOT_AN_OBJECT}"),
        *found(pa.array(deep), f"/{name}", "depth", f"{name} is nested deeper than {DEPTH} levels"),
    ]


def _levels_of(text: str) -> int | None:
    """Count the levels of a JSON text, None if it is none."""
    try:
        value = json.loads(text, parse_constant=_no_number)
    except RecursionError:
        return DEPTH + 1
    except ValueError:
        return None
    levels, inside = 0, [value]
    while inside := [inner for outer in inside if isinstance(outer, dict | list) for inner in _values(outer)]:
        levels += 1
    return levels


def _values(outer: dict[str, Any] | list[Any]) -> list[Any]:
    """List what stands in an object or a list, and that it stands there even where it is empty."""
    return [None, *(outer.values() if isinstance(outer, dict) else outer)]


def _no_number(constant: str) -> None:
    raise ValueError(constant)
