"""Point at the place of a fault in an expression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from unifier.config import Line
from unifier.errors import ConfigError

if TYPE_CHECKING:
    from sqlglot import exp


@dataclass(frozen=True, slots=True)
class Place:
    """Where an expression stands: its text, the file, and the line it begins on.

    Lines and columns of faults are those of the file if the line was read from one; else they count from the line
    that was given and from the begin of the text.
    """

    text: str
    file: str
    line: int

    def error(self, node: exp.Expression, fault: str, mend: str = "") -> ConfigError:
        """Blame the first word of a node."""
        starts = [one.meta["start"] for one in node.walk() if "start" in one.meta]
        return self.at(min(starts, default=0), fault, mend)

    def at(self, start: int, fault: str, mend: str = "") -> ConfigError:
        """Blame the character at a place, counted from 0."""
        line, column = self.line.spot(start) if isinstance(self.line, Line) else self._within(start)
        return ConfigError(f"{self.file} line {line} column {column}", fault, mend)

    def _within(self, start: int) -> tuple[int, int]:
        before = self.text[:start]
        return self.line + before.count("\n"), start - before.rfind("\n")
