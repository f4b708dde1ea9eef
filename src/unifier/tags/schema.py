"""Say what may stand in the ``tags`` section."""

from __future__ import annotations

from typing import Any, Final

CLASSES: Final = ("profile", "value", "behaviour", "preference", "loyalty", "lifecycle")
"""Level 1 of the taxonomy of tags."""

NAME: Final = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,62}$"}
TITLE: Final = {
    "oneOf": [
        {"type": "string", "minLength": 1},
        {
            "type": "object",
            "additionalProperties": False,
            "minProperties": 1,
            "properties": {"zh": {"type": "string"}, "en": {"type": "string"}},
        },
    ]
}

TAGS_SCHEMA: Final[dict[str, Any]] = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["name", "value"],
        "additionalProperties": False,
        "properties": {
            "name": NAME,
            "title": TITLE,
            "description": {"type": "string"},
            "class": {"enum": list(CLASSES)},
            "owner": {"type": "string"},
            "value": {"type": "string", "minLength": 1, "maxLength": 2000},
            "where": {"type": "string", "minLength": 1, "maxLength": 2000},
            "window": {"type": "string", "pattern": "^[1-9][0-9]{0,4}d$"},
            "history": {"type": "boolean"},
            "type": {"enum": ["INT", "MONEY", "NUMBER", "TEXT", "BOOL", "DATE", "TIMESTAMP"]},
        },
    },
}
"""JSON Schema of ``tags:``."""
