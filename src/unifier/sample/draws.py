"""Draw random numbers that are the same on every machine.

Every draw is an integer, or an integer's place in a table computed beforehand. NumPy's `normal`, `gamma` and `exp`
may differ in the last bit between processors; tables of integers do not.
"""

from __future__ import annotations

import math
import zlib
from functools import cache
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

SLOTS = 1 << 16
QUANTILES = 1 << 12


def stream(seed: int, chunk: int, topic: str) -> np.random.Generator:
    """Open the random stream of one topic of one chunk; topics never disturb each other."""
    entropy = [seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF, chunk, zlib.crc32(topic.encode())]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy)))


def spread(weights: Sequence[float], slots: int = SLOTS) -> Ints:
    """Lay the indices of `weights` over a table of `slots` places, each in proportion (largest remainder).

    >>> spread([3.0, 1.0], slots=4).tolist()
    [0, 0, 0, 1]
    """
    total = math.fsum(weights)
    exact = [weight / total * slots for weight in weights]
    places = [int(share) for share in exact]
    by_remainder = sorted(range(len(weights)), key=lambda i: (places[i] - exact[i], i))
    for index in by_remainder[: slots - sum(places)]:
        places[index] += 1
    return np.repeat(np.arange(len(weights), dtype=np.int64), places)


def draw(rng: np.random.Generator, table: Ints, size: int) -> Ints:
    """Draw `size` entries of a table whose length is a power of two up to `SLOTS`."""
    places = rng.integers(0, SLOTS, size, dtype=np.uint16)
    drawn: Ints = table[places & np.uint16(len(table) - 1)]
    return drawn


def chance(rng: np.random.Generator, share: float, size: int) -> Mask:
    """Draw `size` coins that fall true with probability `share`, exact to 1/65536."""
    return np.asarray(rng.integers(0, SLOTS, size, dtype=np.uint16) < round(share * SLOTS), dtype=np.bool_)


def between(rng: np.random.Generator, low: Ints, high: Ints) -> Ints:
    """Draw one integer of each closed interval [low, high]; an empty interval gives its `low`.

    The intervals may be up to 65,536 wide.
    """
    width = np.maximum(high - low + 1, 1)
    drawn: Ints = low + (rng.integers(0, SLOTS, len(low), dtype=np.uint16).astype(np.int64) * width >> 16)
    return drawn


def daytime(rng: np.random.Generator, size: int) -> Ints:
    """Draw seconds of a day between 9:00 and 21:00 local time."""
    return 9 * 3600 + rng.integers(0, 12 * 3600, size, dtype=np.uint16).astype(np.int64)


@cache
def lognormal(median: float, sigma: float) -> Ints:
    """Tabulate the quantiles of a lognormal law, as integers of at least 1."""
    normal = NormalDist()
    points = [normal.inv_cdf((i + 0.5) / QUANTILES) for i in range(QUANTILES)]
    return np.array([max(1, round(median * math.exp(sigma * point))) for point in points], dtype=np.int64)


@cache
def recency() -> Ints:
    """Tabulate how far back in a customer's life an order lies: 0 is the last day, 65,535 the first.

    A mix of two exponentials cut at 1: 60 % with mean 0.12 of the life, 40 % with mean 0.6.
    """

    def quantile(mean: float) -> Callable[[float], float]:
        reach = 1 - math.exp(-1 / mean)
        return lambda u: -mean * math.log(1 - u * reach)

    near, far = quantile(0.12), quantile(0.6)
    short = QUANTILES * 6 // 10
    long = QUANTILES - short
    values = [near((i + 0.5) / short) for i in range(short)] + [far((i + 0.5) / long) for i in range(long)]
    return np.array([min(SLOTS - 1, int(value * SLOTS)) for value in values], dtype=np.int64)


@cache
def negative_binomial(mean: float, shape: float) -> Ints:
    """Tabulate the orders of a person whose rate follows a gamma law: a Poisson-gamma mix of the given mean."""
    if mean <= 0:
        return np.zeros(SLOTS, dtype=np.int64)
    ratio = mean / (mean + shape)
    masses = [(1 - ratio) ** shape]
    while math.fsum(masses) < 1 - 1 / (4 * SLOTS):
        count = len(masses)
        masses.append(masses[-1] * ratio * (count - 1 + shape) / count)
    return spread(masses)


@cache
def bounded_pareto(low: int, high: int, tail: float) -> Ints:
    """Tabulate the quantiles of a Pareto law between `low` and `high` with exponent `tail`."""
    reach = 1 - (low / high) ** tail
    points = [(i + 0.5) / QUANTILES * reach for i in range(QUANTILES)]
    return np.array([min(high, int(low * (1 - point) ** (-1 / tail))) for point in points], dtype=np.int64)


def scramble(numbers: Ints, modulus: int, salt: int) -> Ints:
    """Permute the integers below `modulus`, so that neighbours look unrelated and none meet.

    The product of number and factor must stay below 2**63: for a modulus up to 10**10 the factor is 0.618 of it, for a
    greater one it is 850 million, so numbers may go up to 1.05 * 10**10.
    """
    factor = (modulus * 618 // 1000 if modulus <= 10**10 else 850_000_011) + salt % 1_000 * 2 + 1
    while math.gcd(factor, modulus) > 1:
        factor += 1
    offset = (salt + 1) * 6364136223846793005 % (1 << 64) * modulus >> 64  # far apart for neighbouring salts
    return (numbers * factor + offset) % modulus
