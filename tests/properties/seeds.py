"""Say with which seed tests draw, how much they draw, and make what they found smaller.

``UNIFIER_SEED`` varies what is drawn and repeats a failure; ``UNIFIER_NIGHTLY`` draws ten times as much.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

Item = TypeVar("Item")

NIGHTLY: Final = bool(os.environ.get("UNIFIER_NIGHTLY"))
SEED: Final = int(os.environ.get("UNIFIER_SEED", "20260630"))
"""The same in every run unless it is set: then a change is judged and not the dice."""

EXAMPLES: Final = 100_000 if NIGHTLY else 10_000
"""How many small examples a room is tried on."""


def dice(name: str) -> random.Random:
    """Give a test dice of its own, and print with what they were made: pytest shows it where the test fails."""
    print(f"UNIFIER_SEED={SEED}, dice {name!r}")  # noqa: T201 - to repeat a failure
    return random.Random(f"{SEED}/{name}")


def smallest(items: Sequence[Item], differs: Callable[[Sequence[Item]], bool], seconds: float = 10.0) -> Sequence[Item]:
    """Leave out items, half of them at first and one by one at last, as long as what is left still differs.

    >>> smallest([3, 8, 1, 9, 4], lambda left: {8, 9} <= set(left))
    [8, 9]
    """
    until = time.monotonic() + seconds
    size = max(1, len(items) // 2)
    while size:
        start = 0
        while start < len(items) and time.monotonic() < until:
            left = [*items[:start], *items[start + size :]]
            if differs(left):
                items = left
            else:
                start += size
        size //= 2
    return items
