"""Declare the tables of tags that do not depend on the configuration."""

from __future__ import annotations

from typing import Final

from unifier.tables import table

TAG_CHANGE: Final = table(
    "tag_change",
    "a value changed, of a tag with history",
    "run_no INTEGER; person_no INTEGER; tag VARCHAR; old VARCHAR; new VARCHAR; reason VARCHAR",
    "run_no, person_no, tag",
)
TAG_DUE: Final = table(
    "tag_due",
    "a person whose clock tags were due in a run; kept until segments have read it",
    "run_no INTEGER; person_no INTEGER",
    "run_no, person_no",
)
TAG_TABLES: Final = (TAG_CHANGE, TAG_DUE)
