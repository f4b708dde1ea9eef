"""Worlds that the tests of the sample share; generating one takes a second or two."""

from __future__ import annotations

from pathlib import Path

import pytest

from unifier.sample import generate


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generate twenty thousand people with seed 7."""
    out = tmp_path_factory.mktemp("world")
    generate(20_000, 7, out)
    return out
