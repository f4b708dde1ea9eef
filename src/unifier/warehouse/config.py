"""Read the ``targets`` section: where to publish, and how personal data is shown there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from unifier.offers.target import Target

Showing = Literal["plain", "masked", "keyed"]

_SHOWINGS: Final = ["plain", "masked", "keyed"]

TARGETS_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "propertyNames": {"pattern": "^[a-z][a-z0-9_]{0,62}$"},
    "additionalProperties": {
        "type": "object",
        "additionalProperties": False,
        "required": ["url"],
        "properties": {
            "url": {"type": "string", "minLength": 1, "x-secret": True},
            "personal": {
                "anyOf": [
                    {"enum": _SHOWINGS},
                    {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": {
                            "identifiers": {"enum": _SHOWINGS},
                            "contacts": {"enum": _SHOWINGS},
                            "fields": {"enum": ["plain", "masked"]},
                        },
                    },
                ]
            },
        },
    },
}
"""JSON Schema of the section: a URL and the showing of personal data for each target name."""


@dataclass(frozen=True, slots=True)
class TargetConfig:
    """A database to publish to.

    ``url`` is a SQLAlchemy URL with its references resolved; relative DuckDB and SQLite paths start at ``folder``.
    ``identifiers``, ``contacts`` and ``fields`` (names, addresses, birthdays) tell how personal data is shown;
    ``secret`` keys what is shown as ``keyed``; ``opener`` is a plugin's, for URLs of its scheme. URL and secret are left out of the representation.
    """

    name: str
    url: str = field(repr=False)
    folder: Path
    secret: bytes = field(repr=False)
    identifiers: Showing = "keyed"
    contacts: Showing = "masked"
    fields: Literal["plain", "masked"] = "plain"
    opener: Callable[[str, Path], Target] | None = field(default=None, repr=False)


def target_config(name: str, section: Mapping[str, Any], folder: Path, secret: bytes) -> TargetConfig:
    """Make a target of its section; one word for ``personal`` stands for identifiers, contacts and fields.

    Fields have no keyed form: ``personal: keyed`` masks them.

    >>> target_config("lake", {"url": "sqlite:///x.db", "personal": "keyed"}, Path(), b"k").fields
    'masked'
    """
    personal = section.get("personal") or {}
    if isinstance(personal, str):
        fields = "plain" if personal == "plain" else "masked"
        personal = {"identifiers": personal, "contacts": personal, "fields": fields}
    return TargetConfig(name, str(section["url"]), folder, secret, **personal)
