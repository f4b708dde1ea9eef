"""Look closely at one record that did not pass as it is: bring its values to JSON, set unknown fields aside.

This is the slow road of dicts; a record is sent along it once.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final, Literal

from unifier.contract.jsonable import Path, Unfit, brought
from unifier.contract.kinds import VENDOR, Field
from unifier.contract.kinds import kind as kind_schema

Unknown = Literal["quarantine", "drop", "keep"]
"""What becomes of fields that the contract does not have: their record is refused, or they are dropped, or they are
kept in the vendor's object :data:`KEPT`."""
KEPT: Final = "x_unknown"
OTHERS: Final = "*"
"""Stands for all unknown keys that do not look like the name of a field: they may be somebody's number."""
_NAME: Final = re.compile(r"(?!.*[0-9]{5})[^\W\d][\w .:$-]{0,63}")
_TOLD: Final = re.compile(r"(?!.*[0-9]{5})[A-Za-z_][A-Za-z_0-9]{0,40}")
"""Names of unknown fields that are told with a fault: no number and no name of a person."""
_KEPT_DEPTH: Final = 3
"""A kept value lies two objects deep in the text of column ``x``: its own and that of the vendors."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What the fields of a kind are by the keys of its records."""

    scalars: Mapping[str, Field]
    objects: Mapping[str, Mapping[str, Field]]
    lists: Mapping[str, Mapping[str, Field]]
    free: frozenset[str]


@cache
def shape(kind: str) -> Shape:
    """Tell the shape of a kind.

    >>> sorted(shape("order").objects), sorted(shape("order").lists)
    (['external'], ['identifiers', 'lines', 'payments'])
    """
    schema = kind_schema(kind)
    objects: dict[str, dict[str, Field]] = {}
    for field in schema.scalars:
        root, _, child = field.path.partition(".")
        if child:
            objects.setdefault(root, {})[child] = field
    return Shape(
        {field.path: field for field in schema.scalars if "." not in field.path},
        objects,
        {part.path: {field.path: field for field in part.fields} for part in schema.lists},
        frozenset(part.path for part in schema.free),
    )


def mended(row: Any, kind: str, unknown: Unknown, strangers: MutableMapping[Path, Any]) -> dict[str, Any]:
    """Bring a record to JSON and treat its unknown fields as asked; what they were is put into ``strangers``.

    Raises :class:`Unfit` for a row that is no record, holds what JSON cannot hold, or has unknown fields that are to be
    quarantined.
    """
    if not isinstance(row, Mapping):
        raise Unfit((), "type", f"is {type(row).__name__}, where a record is an object")
    of = shape(kind)
    made: dict[str, Any] = {}
    for key, value in row.items():
        name = _key(key)
        if name in made:
            raise Unfit((), "type", "has a key twice")
        if name in of.objects and isinstance(value, Mapping):
            made[name] = _known(value, (name,), of.objects[name], strangers)
        elif name in of.lists and isinstance(value, list | tuple):
            made[name] = [_item(item, (name, str(at)), of.lists[name], strangers) for at, item in enumerate(value)]
        elif VENDOR.fullmatch(name):
            made[name] = brought(value, (name,), None, 2)
        elif name in of.scalars or name in of.objects or name in of.lists or name in of.free:
            made[name] = brought(value, (name,), of.scalars.get(name))
        else:
            strangers[name,] = value
    if strangers and unknown == "quarantine":
        first = next(iter(strangers))
        raise Unfit(first[:-1], "additionalProperties", _stranger(first[-1], kind if len(first) == 1 else ""))
    if strangers and unknown == "keep":
        _keep(made, strangers)
    return made


def _item(item: Any, path: Path, fields: Mapping[str, Field], strangers: MutableMapping[Path, Any]) -> Any:
    return _known(item, path, fields, strangers) if isinstance(item, Mapping) else brought(item, path)


def _known(
    value: Mapping[Any, Any], path: Path, fields: Mapping[str, Field], strangers: MutableMapping[Path, Any]
) -> dict[str, Any]:
    """Bring the known fields of an object, set the others aside."""
    made: dict[str, Any] = {}
    for key, inner in value.items():
        name = _key(key, path)
        if name in fields:
            made[name] = brought(inner, (*path, name), fields[name])
        else:
            strangers[*path, name] = inner
    return made


def _key(key: Any, path: Path = ()) -> str:
    name = brought(key, path)
    if not isinstance(key, str) or not isinstance(name, str):
        raise Unfit(path, "type", f"has a key that is {type(key).__name__}, where JSON has text")
    return name


@lru_cache(1024)
def _stranger(name: str, kind: str) -> str:
    """Say which field the contract does not have, where its name can be no value, and which one may be meant."""
    if not _TOLD.fullmatch(name):
        return "has a field that is not in the contract"
    of = shape(kind) if kind else Shape({}, {}, {}, frozenset())
    close = difflib.get_close_matches(name, [*of.scalars, *of.objects, *of.lists, *of.free], n=1)
    meant = f": did you mean {close[0]}?" if close else ""
    return f"has a field {name} that is not in the contract{meant}"


def _keep(made: dict[str, Any], strangers: Mapping[Path, Any]) -> None:
    """Put unknown fields into the vendor's object, each under its path; what is null says nothing."""
    if KEPT in made:
        raise Unfit((KEPT,), "unknown", "is where unknown fields are kept, and the record has one of its own")
    kept = {
        pointer(path)[1:]: brought(value, path, None, _KEPT_DEPTH)
        for path, value in strangers.items()
        if value is not None
    }
    if kept:
        made[KEPT] = kept


def pointer(path: Path) -> str:
    """Write a path as a JSON pointer (RFC 6901).

    >>> pointer(("lines", "0", "a/b"))
    '/lines/0/a~1b'
    """
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in path)


def field_of(path: Path, known: int) -> str:
    """Name a field by its path; steps beyond the first ``known`` ones are told only if they look like names.

    >>> field_of(("lines", "3", "amount"), 3), field_of(("19900000001",), 0)
    ('lines[].amount', '*')
    """
    name = ""
    for at, step in enumerate(path):
        if step.isascii() and step.isdigit() and at:
            name += "[]"
        else:
            told = step if at < known or _NAME.fullmatch(step) else OTHERS
            name += f".{told}" if name else told
    return name
