"""Point at the place of a fault in an expression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from unifier.errors import ConfigError

if TYPE_CHECKING:
    from sqlglot import exp


@dataclass(frozen=True, slots=True)
class Place:
    """Where an expression stands: its text, the file and the line it begins on. Columns count within the expression."""

    text: str
    file: str
    line: int

    def error(self, node: exp.Expression, fault: str, mend: str = "") -> ConfigError:
        """Blame the first word of a node."""
        starts = [one.meta["start"] for one in node.walk() if "start" in one.meta]
        return self.at(min(starts, default=0), fault, mend)

    def at(self, start: int, fault: str, mend: str = "") -> ConfigError:
        """Blame the character at a place, counted from 0."""
        before = self.text[:start]
        return self.of(before.count("\n") + 1, start - (before.rfind("\n") + 1) + 1, fault, mend)

    def of(self, line: int, column: int, fault: str, mend: str = "") -> ConfigError:
        """Blame a line and a column of the expression, both counted from 1."""
        return ConfigError(f"{self.file} line {self.line + line - 1} column {column}", fault, mend)
