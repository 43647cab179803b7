"""Chance from a seed, in whole numbers only, one draw at a time or a million at once.

A draw depends on nothing but the seed, its own name and the number of the thing drawn for. So company 4,711 is
the same in every size of corridor, blocks can be made in any order, and no generator state is carried along. All
arithmetic is on 64-bit integers: the same on every machine and under every version of NumPy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from itertools import accumulate
from math import gcd
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
Numbers = NDArray[np.int64]
Bits = NDArray[np.uint64]

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX_1: Final = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2: Final = np.uint64(0x94D049BB133111EB)
_HALF: Final = np.uint64(32)
_POWERS: Final = 2 ** np.arange(62, dtype=np.int64)


@lru_cache(maxsize=4096)
def _key(seed: int, name: str) -> int:
    return int.from_bytes(blake2b(f"{seed}:{name}".encode(), digest_size=8).digest(), "big")


def _mixed(bits: Bits) -> Bits:
    """The finaliser of SplitMix64 (Steele, Lea and Flood, 2014)."""
    bits = (bits ^ (bits >> np.uint64(30))) * _MIX_1
    bits = (bits ^ (bits >> np.uint64(27))) * _MIX_2
    return bits ^ (bits >> np.uint64(31))


@dataclass(frozen=True, slots=True)
class Dice:
    """Draws for the things numbered `numbers`. Every draw has a name; the same name gives the same draw."""

    seed: int
    numbers: Numbers

    def _bits(self, name: str) -> Bits:
        key = np.uint64(_key(self.seed, name))
        return _mixed(_mixed(self.numbers.astype(np.uint64) * _GOLDEN + key) ^ key)

    def below(self, name: str, limit: int | Numbers) -> Numbers:
        """A whole number from 0 to `limit` - 1, each as likely; `limit` is under 2**31."""
        high = self._bits(name) >> _HALF
        return ((high * np.asarray(limit, dtype=np.uint64)) >> _HALF).astype(np.int64)

    def between(self, name: str, low: int | Numbers, high: int | Numbers) -> Numbers:
        """A whole number from `low` to `high`, both included."""
        span: Numbers = np.asarray(high) - np.asarray(low) + 1
        drawn: Numbers = self.below(name, span) + low
        return drawn

    def chance(self, name: str, per_mille: int | Numbers) -> NDArray[np.bool_]:
        """True in `per_mille` of a thousand cases."""
        below: NDArray[np.bool_] = self.below(name, 1000) < per_mille
        return below

    def weighted(self, name: str, weights: Sequence[int]) -> Numbers:
        """The place of one of `weights`, each as likely as it is heavy."""
        steps = np.array(list(accumulate(weights)), dtype=np.int64)
        return np.searchsorted(steps, self.below(name, int(steps[-1])), side="right").astype(np.int64)

    def spread(self, name: str, low: Numbers, high: Numbers) -> Numbers:
        """A number from `low` to `high` - 1 with every doubling about as likely: how firms differ in size."""
        steps = np.maximum(1, np.searchsorted(_POWERS, -(-high // low)))
        start = np.minimum(low << self.below(name + ".doubling", steps), high - 1)
        spread: Numbers = start + self.below(name, np.minimum(start, high - start))
        return spread


def one(seed: int, number: int) -> Roll:
    """Draws for the thing numbered `number`."""
    return Roll(Dice(seed, np.array([number], dtype=np.int64)))


@dataclass(frozen=True, slots=True)
class Roll:
    """Draws for one thing."""

    dice: Dice

    def between(self, name: str, low: int, high: int) -> int:
        return int(self.dice.between(name, low, high)[0])

    def chance(self, name: str, per_mille: int) -> bool:
        return bool(self.dice.chance(name, per_mille)[0])

    def pick(self, name: str, choices: Sequence[T]) -> T:
        return choices[self.between(name, 0, len(choices) - 1)]

    def weighted(self, name: str, weights: Sequence[int]) -> int:
        return int(self.dice.weighted(name, weights)[0])

    def some(self, name: str, choices: Sequence[T], least: int, most: int) -> tuple[T, ...]:
        """Between `least` and `most` different choices, in the order in which they are listed."""
        order = sorted(range(len(choices)), key=lambda i: (self.between(f"{name}.{i}", 0, 2**30), i))
        return tuple(choices[i] for i in sorted(order[: self.between(name, least, min(most, len(choices)))]))


@dataclass(frozen=True, slots=True)
class Shuffle:
    """A permutation of 0 … size - 1 that needs no memory: number -> (step * number + start) mod size."""

    step: int
    start: int
    size: int

    def __call__(self, numbers: Numbers) -> Numbers:
        return (numbers * self.step + self.start) % self.size


def shuffle(seed: int, name: str, size: int) -> Shuffle:
    key = _key(seed, name)
    step = key % size | 1
    while gcd(step, size) != 1:
        step += 2
    return Shuffle(step % size if size > 1 else 1, (key >> 20) % size, size)
