"""Worlds here have a handful of people: what is done in passes over millions must come in several passes here too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from unifier.stages import unify

PEOPLE: Final = 3


@pytest.fixture(scope="session", autouse=True)
def _small_passes() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(unify, "PEOPLE_A_PASS", PEOPLE)
        yield
