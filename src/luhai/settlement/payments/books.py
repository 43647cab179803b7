"""The accounts of payments in the ledger, and the transfers between them. Nothing here is posted.

A bank has one nostro and one position a currency: money from outside comes in over the nostro, and what is exchanged leaves one
position and enters another. Each payment has a suspense account of its own, which belongs to the company that it is for and may not fall
below zero: so a payment is credited or returned once, whatever happens at once, and at any time

    received = in suspense + credited + returned        for each currency.
"""

from __future__ import annotations

from typing import Final
from uuid import NAMESPACE_URL, UUID, uuid5

from luhai.core.ledger.policy import Account, Bound, Transfer

NOSTRO: Final = "payments.nostro"
POSITION: Final = "payments.position"
SUSPENSE: Final = "payments.suspense"
#: The kind of an account that is opened for a company with a number of its own.
CURRENT: Final = "own.current"
#: A company's deposit for its loans; opened above, credited from here.
DEPOSIT: Final = "lending.deposit"
_OURS: Final = uuid5(NAMESPACE_URL, "luhai:payments")
_LENDING: Final = uuid5(NAMESPACE_URL, "luhai:lending")


def nostro(bank: UUID, currency: str) -> UUID:
    return uuid5(_OURS, f"nostro {bank} {currency}")


def position(bank: UUID, currency: str) -> UUID:
    return uuid5(_OURS, f"position {bank} {currency}")


def suspense(payment: UUID) -> UUID:
    return uuid5(payment, "suspense")


def current(account: UUID) -> UUID:
    """The ledger account that is opened with a number when none is named."""
    return uuid5(account, "current")


def deposit(bank: UUID, company: UUID, currency: str) -> UUID:
    """The id of a company's loan deposit with *this* bank: its kind alone would not tell whose bank it is."""
    return uuid5(_LENDING, f"deposit {bank} {company} {currency}")


def to_receive(payment: UUID, bank: UUID, company: UUID, currency: str) -> list[Account]:
    return [
        Account(id=nostro(bank, currency), unit=currency, kind=NOSTRO, owner_id=bank),
        Account(id=suspense(payment), unit=currency, kind=SUSPENSE, owner_id=company, bound=Bound.DEBITS),
    ]


def to_exchange(bank: UUID, *currencies: str) -> list[Account]:
    return [Account(id=position(bank, c), unit=c, kind=POSITION, owner_id=bank) for c in currencies]


class Batch:
    """The transfers of one attempt, in order; ids come from the attempt, since a refused id stays refused."""

    def __init__(self, payment: UUID, key: UUID) -> None:
        self.payment, self.key = payment, key
        self.transfers: list[Transfer] = []

    def post(self, debit: UUID, credit: UUID, amount: int, unit: str, code: str) -> None:
        made = Transfer(
            id=uuid5(self.payment, f"{self.key} {len(self.transfers)}"), debit=debit, credit=credit, unit=unit, amount=amount,
            code=code, subject=self.payment,
        )  # fmt: skip
        self.transfers.append(made)


def receive(batch: Batch, bank: UUID, amount: int, currency: str) -> None:
    batch.post(nostro(bank, currency), suspense(batch.payment), amount, currency, "payments.receive")


def give_back(batch: Batch, bank: UUID, amount: int, currency: str) -> None:
    batch.post(suspense(batch.payment), nostro(bank, currency), amount, currency, "payments.return")


def credit(
    batch: Batch, bank: UUID, to: UUID, amount: int, currency: str, value: int, value_currency: str
) -> None:
    """Out of suspense to an account, over the bank's positions where that counts another currency. The last transfer goes to `to`."""
    if currency == value_currency:
        batch.post(suspense(batch.payment), to, amount, currency, "payments.credit")
        return
    batch.post(suspense(batch.payment), position(bank, currency), amount, currency, "payments.exchange")
    batch.post(position(bank, value_currency), to, value, value_currency, "payments.credit")
