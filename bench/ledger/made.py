"""The input of the bench `ledger`: accounts by their places, and transfers drawn from a seed; numpy only.

Everything is made by whoever needs it, from the same few numbers, so that no transfer travels between processes:
the clients make their own, and the parent makes them again to know what the balances must be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

#: Place 0 is the unbounded source from which bounded accounts are given their room.
SOURCE = 0
ACCOUNTS = 10_000
#: The one account that every transfer of the shape `hot` debits. It is bounded.
HOT = 1
#: What a bounded account may spend; more than any run moves.
ROOM = 10**13
#: What a transfer that must be refused asks for.
TOO_MUCH = 10**15
SHAPES = ("wide", "hot", "tight")
_SEED = 20_260_302
#: Of the debits of bounded accounts, in the shape `tight`, one in so many asks for too much.
_REFUSED_ONE_IN = 25


def bounded(account: int) -> bool:
    """Every second account may not debit more than it was credited."""
    return account % 2 == 1


@dataclass(frozen=True, slots=True)
class Transfers:
    """Columns of equal length. `debits` and `credits` hold places of accounts."""

    ids: list[UUID]
    debits: NDArray[np.int64]
    credits: NDArray[np.int64]
    amounts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ids)

    def part(self, first: int, last: int) -> Transfers:
        return Transfers(
            self.ids[first:last], self.debits[first:last], self.credits[first:last], self.amounts[first:last]
        )


def opening() -> Transfers:
    """From the source to each bounded account, its room."""
    to = np.array([a for a in range(1, ACCOUNTS + 1) if bounded(a)], np.int64)
    return Transfers(
        _ids(np.random.default_rng(_SEED), len(to)),
        np.full(len(to), SOURCE, np.int64),
        to,
        np.full(len(to), ROOM, np.int64),
    )


def transfers(shape: str, stream: tuple[int, ...], count: int) -> Transfers:
    """`count` transfers of 1 to 1,000 units; the first ones are the same for any count.

    `stream` tells cells, rounds and clients apart, so that no id comes twice.
    """
    assert shape in SHAPES
    made = [np.random.default_rng([_SEED, *stream, draw]) for draw in range(4)]
    credits = made[1].integers(1, ACCOUNTS + 1, count)
    debits = np.full(count, HOT, np.int64) if shape == "hot" else made[2].integers(1, ACCOUNTS + 1, count)
    credits = np.where(credits == debits, credits % ACCOUNTS + 1, credits)
    amounts = made[3].integers(1, 1_001, count)
    if shape == "tight":
        places = np.arange(count)
        amounts = np.where((debits % 2 == 1) & (places % _REFUSED_ONE_IN == 0), TOO_MUCH, amounts)
    return Transfers(_ids(made[0], count), debits, credits, amounts)


def _ids(drawn: np.random.Generator, count: int) -> list[UUID]:
    """Random ids, as those derived from the key of a request are."""
    data = drawn.bytes(16 * count)
    return [UUID(bytes=data[n : n + 16], version=4) for n in range(0, 16 * count, 16)]


class Sums:
    """What was debited and credited to each account by everything that was told to it."""

    def __init__(self) -> None:
        self.debits = np.zeros(ACCOUNTS + 1, np.int64)
        self.credits = np.zeros(ACCOUNTS + 1, np.int64)

    def add(self, told: Transfers) -> None:
        """What is too much for its account is refused, and moves nothing."""
        moved = told.amounts < TOO_MUCH
        np.add.at(self.debits, told.debits[moved], told.amounts[moved])
        np.add.at(self.credits, told.credits[moved], told.amounts[moved])

    def differences(self, rows: Any) -> int:
        """How many accounts differ from `rows` of (place, debits, credits); accounts without a row hold nothing."""
        debits, credits = np.zeros_like(self.debits), np.zeros_like(self.credits)
        for place, debited, credited in rows:
            debits[place], credits[place] = int(debited), int(credited)
        return int(((debits != self.debits) | (credits != self.credits)).sum())
