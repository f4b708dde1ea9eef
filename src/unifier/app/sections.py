"""Say what may stand in unifier.yaml."""

from __future__ import annotations

from typing import Any, Final

from unifier import words
from unifier.golden.survivorship import GOLDEN_SCHEMA
from unifier.segments import SEGMENTS_SCHEMA
from unifier.tags import TAGS_SCHEMA
from unifier.warehouse import TARGETS_SCHEMA

TEXT: Final = {"type": "string"}
LIST: Final = {"type": "array", "items": TEXT}

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
SPAN: Final = {"type": "string", "pattern": "^[1-9][0-9]{0,6} ?[smhd]$"}
MEMORY: Final = {"type": "string", "pattern": "^[0-9]+([.][0-9]+)? ?[KMGT]i?B$"}
LIMITS: Final = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"deadline": SPAN, "silence": SPAN, "memory": MEMORY},
}

BUDGET: Final = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"count": {"type": "integer"}, "ratio": {"type": "number"}, "min_rows": {"type": "integer"}},
}

SOURCE_SCHEMA: Final = {
    "type": "object",
    "required": ["connector"],
    "additionalProperties": False,
    "properties": {
        "connector": TEXT,
        "config": {"type": "object"},
        "kind": {"enum": list(words.KINDS)},
        "streams": {
            "type": "object",
            "additionalProperties": False,
            "properties": {kind: {"type": "object"} for kind in words.KINDS},
        },
        "timezone": TEXT,
        "max_errors": BUDGET,
        "max_vanish": {"type": "number", "minimum": 0, "maximum": 1},
        "unknown": {"enum": ["quarantine", "drop", "keep"]},
        "limits": LIMITS,
    },
}

CONFIG_SCHEMA: Final[dict[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "project": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"name": TEXT, "timezone": TEXT, "currency": TEXT, "store": TEXT},
        },
        "plugins": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "allow": LIST,
                "files": LIST,
                "use": {"type": "object", "additionalProperties": {"type": ["object", "null"]}},
            },
        },
        "include": LIST,
        "sources": {"type": "object", "additionalProperties": SOURCE_SCHEMA},
        "extract": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "memory": MEMORY,
                "threads": {"type": "integer", "minimum": 1},
                "workers": {"type": "integer", "minimum": 1},
                "limits": LIMITS,
            },
        },
        "retention": {"type": "object", "additionalProperties": False, "properties": {"quarantine": SPAN}},
        "identity": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "engine": {"enum": ["auto", "networkx", "columnar"]},
                "found": {"type": "array", "items": {"enum": ["profile", *words.FACTS]}},
                "max_per_person": {"type": "object"},
                "generic_after": {"type": "object"},
                "recycle_after": {"type": "object"},
                "keys": {"type": "object", "additionalProperties": TEXT},
            },
        },
    },
}
"""What the sections mean that no room owns; golden, tags, segments and targets bring their own."""


def schema() -> dict[str, Any]:
    """Put together the JSON Schema of ``unifier.yaml``."""
    properties = {
        **CONFIG_SCHEMA["properties"],
        "golden": GOLDEN_SCHEMA,
        "tags": TAGS_SCHEMA,
        "segments": SEGMENTS_SCHEMA,
        "targets": TARGETS_SCHEMA,
    }
    return {**CONFIG_SCHEMA, "properties": properties}


def seconds(text: str) -> float:
    """Read a span of time.

    >>> seconds("10m")
    600.0
    """
    return float(text[:-1]) * _SECONDS[text[-1]]
