"""Offer a rule of survivorship: which of the values that profiles of one person carry becomes golden."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from unifier.errors import PluginError

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True)
class Survivorship:
    """Choose the candidate for which ``best`` is greatest; of equals the most trusted.

    ``best`` is an expression in the language of tags over one candidate: ``value`` is what the profile says,
    ``carriers`` the number of the person's profiles that say the same, ``seen`` the time when this one was last
    observed. A candidate of which nothing is known (null) comes last.
    """

    name: str
    best: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise PluginError(f"survivorship rule {self.name!r}", "it is no name", "use a-z, 0-9 and _")
