"""Write the reference page of the kinds from their schemas: ``python -m unifier.contract.documents docs/schema.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from unifier.contract.kinds import Field, KindSchema, Nested, all_kinds

_HEAD: Final = """\
# The schema of records

Written from `schemas/*.json` by `python -m unifier.contract.documents docs/schema.md`; a test compares the two.

Every record of every kind stands in one envelope. A field that a source does not know is left out or null. Money is
an integer of minor currency units (fen). A time without an offset is read in the source's time zone and kept in UTC;
digits of a second after the sixth are cut off. Ids are strings. A tombstone (`deleted` is true) needs `record_id` and
`observed_at` only. A vendor's own fields go to an object named `x_<vendor>`.

In Arrow, `acquired.scene` may come as the column `acquired_scene` or in the struct `acquired`; lists are lists of
structs; free and vendors' objects are structs or JSON text. Integers are accepted as ids and become exact text, a
floating column never is. A floating column for an integer field is refused row by row, even where a value is whole
(as JSON, `1.0` is an integer and passes): a source that counts money in floating numbers has lost the unit.

The dictionaries `schemas/traffic_sources.csv`, `schemas/touchpoints.csv` and `schemas/event_types.csv` list the
standard words for `scene`, for touchpoints and for `event_type`.
"""
_COLUMNS: Final = ("field", "type", "required", "meaning", "unit")


def reference_page() -> str:
    """Write the page: a section for each kind, with a table of fields and one for each list."""
    kinds = all_kinds()
    envelope = _table(kinds[0].envelope)
    return "\n".join([_HEAD, "## Envelope\n", envelope, *(_section(kind) for kind in kinds)])


def _section(kind: KindSchema) -> str:
    """Write the section of one kind."""
    parts = [f"\n## {kind.name}\n", f"{kind.description}\n", _table(kind.fields, kind.nested)]
    for part in kind.lists:
        if part.path != "identifiers" or kind.name == "profile":
            parts += [f"\n### {kind.name}: each of `{part.path}`\n", _table(part.fields)]
    return "\n".join(parts)


def _table(fields: Iterable[Field], nested: Iterable[Nested] = ()) -> str:
    """Write a Markdown table of fields, then of the lists and objects beside them."""
    rows: list[Sequence[str]] = [_COLUMNS, ["---"] * len(_COLUMNS)]
    rows += [
        [f"`{field.path}`", _type(field), "yes" if field.required else "", field.description, field.unit]
        for field in fields
    ]
    rows += [
        [f"`{part.path}`", "object" if part.free else "list of objects", "", part.description, ""] for part in nested
    ]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)


def _type(field: Field) -> str:
    """Tell the type of a field as a reader wants it: its words, its format, its length."""
    if field.enum:
        return ", ".join(f"`{word}`" for word in field.enum)
    if field.format:
        return field.format
    return f"{field.type}, at most {field.max_length}" if field.max_length else field.type


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference_page(), encoding="utf-8")
