"""The page about the conformance kit names every test that a connector inherits, with the sentence that the test has."""

from __future__ import annotations

import re
from pathlib import Path

from unifier.testing import ConnectorTests

PAGE = Path(__file__).parents[2] / "docs" / "testing.md"


def test_the_table_is_what_the_kit_has() -> None:
    """A vendor hands the page to a customer: it must promise what is proved, and no more."""
    told = dict(re.findall(r"^\| `(test_\w+)` \| (.*?) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    known = {
        name: (getattr(ConnectorTests, name).__doc__ or "").strip().partition("\n")[0]
        for name in dir(ConnectorTests)
        if name.startswith("test_")
    }

    assert told == known
