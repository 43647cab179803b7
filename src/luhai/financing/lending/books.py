"""The accounts of lines and draws in the ledger, and the transfers between them. Nothing here is posted.

A limit has four accounts, and what was granted is always on them: `limit` (free to be drawn), `used` (lent, or held on the way there),
`spent` (repaid, and not free again) and `blocked` (while the line is frozen). Each may not fall below zero, so no draw passes any
limit on its path, whatever happens at once: available = the least over the path (INV-CL-1).

A draw has an account for each thing that is owed on it, whose credits may not exceed its debits: more than is owed cannot be repaid
(INV-LN-2). Lending debits the principal and credits the company's deposit; a day's interest debits interest and credits income; a
repayment debits the deposit and credits what is owed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from uuid import NAMESPACE_URL, UUID, uuid5

from luhai.core.ledger.policy import Account, Bound, Kind, Transfer
from luhai.settlement.payments.books import deposit

from .policy import BUCKETS

LIMIT: Final = {
    "limit": "lending.limit",
    "used": "lending.used",
    "spent": "lending.spent",
    "blocked": "lending.blocked",
}
#: Kinds of accounts that a repayment's escrow may name, beside the parties' own books.
KINDS: Final = ("own.", "lending.")
_OURS: Final = uuid5(NAMESPACE_URL, "luhai:lending")


def limit_account(limit: UUID, side: str = "limit") -> UUID:
    assert side in LIMIT, side
    return uuid5(limit, side)


def owed_account(draw: UUID, bucket: str) -> UUID:
    assert bucket in (*BUCKETS, "income", "suspense", "margin"), bucket
    return uuid5(draw, bucket)


def deposit_account(bank: UUID, company: UUID, currency: str) -> UUID:
    """Where a company's money stands with a bank: one account a currency, whichever line it is for. Payments are credited to it, too."""
    return deposit(bank, company, currency)


def bank_account(bank: UUID, what: str, currency: str) -> UUID:
    """`funds` (the world outside), `position` (its own in another currency), `granted` (where limits come from)."""
    return uuid5(_OURS, f"{what} {bank} {currency}")


def accounts_of_line(bank: UUID, company: UUID, currency: str, limits: Iterable[UUID]) -> list[Account]:
    found = [
        Account(id=bank_account(bank, "granted", currency), unit=currency, kind="lending.granted", owner_id=bank),
        Account(id=bank_account(bank, "funds", currency), unit=currency, kind="lending.funds", owner_id=bank),
        Account(
            id=deposit_account(bank, company, currency), unit=currency, kind="lending.deposit", owner_id=company,
            bound=Bound.DEBITS,
        ),
    ]  # fmt: skip
    for limit in limits:
        for side, kind in LIMIT.items():
            found.append(
                Account(
                    id=limit_account(limit, side), unit=currency, kind=kind, owner_id=bank, bound=Bound.DEBITS
                )
            )
    return found


def accounts_of_draw(draw: UUID, bank: UUID, company: UUID, currency: str) -> list[Account]:
    return [
        *(
            Account(
                id=owed_account(draw, bucket), unit=currency, kind=f"lending.{bucket}", owner_id=bank, bound=Bound.CREDITS
            )
            for bucket in BUCKETS
        ),
        Account(id=owed_account(draw, "income"), unit=currency, kind="lending.income", owner_id=bank),
        Account(
            id=owed_account(draw, "suspense"), unit=currency, kind="lending.suspense", owner_id=bank, bound=Bound.DEBITS
        ),
        Account(
            id=owed_account(draw, "margin"), unit=currency, kind="lending.margin", owner_id=company, bound=Bound.DEBITS
        ),
    ]  # fmt: skip


class Batch:
    """The transfers of one attempt, in order; ids come from the attempt, since a refused id stays refused."""

    def __init__(self, subject: UUID, key: UUID, unit: str) -> None:
        self.subject, self.key, self.unit = subject, key, unit
        self.transfers: list[Transfer] = []

    def post(
        self, debit: UUID, credit: UUID, amount: int, code: str, *, up_to: bool = False, unit: str = ""
    ) -> UUID | None:
        """Nothing for nothing: an amount of 0 is left out."""
        if amount == 0:
            return None
        assert amount > 0, (code, amount)
        made = Transfer(
            id=self._id(), debit=debit, credit=credit, unit=unit or self.unit, amount=amount, up_to=up_to, code=code,
            subject=self.subject,
        )  # fmt: skip
        self.transfers.append(made)
        return made.id

    def hold(self, debit: UUID, credit: UUID, amount: int, code: str) -> UUID:
        made = Transfer(
            id=self._id(), kind=Kind.HOLD, debit=debit, credit=credit, unit=self.unit, amount=amount, code=code,
            subject=self.subject,
        )  # fmt: skip
        self.transfers.append(made)
        return made.id

    def end(self, hold: UUID, kind: Kind, code: str) -> None:
        """Settle or release all of a hold."""
        self.transfers.append(Transfer(id=self._id(), kind=kind, hold=hold, code=code, subject=self.subject))

    def _id(self) -> UUID:
        return uuid5(self.subject, f"{self.key} {len(self.transfers)}")


def lend(batch: Batch, draw: UUID, to: UUID, amount: int, holds: Mapping[str, str]) -> None:
    """Principal is owed from now on, and the held limits are used."""
    for hold in sorted(holds.values()):
        batch.end(UUID(hold), Kind.SETTLE, "lending.lend")
    batch.post(owed_account(draw, "principal"), to, amount, "lending.lend")


def serve(batch: Batch, draw: UUID, source: UUID, parts: Mapping[str, int]) -> None:
    """A payment out of an account, to what is owed."""
    for bucket in BUCKETS:
        batch.post(source, owed_account(draw, bucket), parts.get(bucket, 0), f"lending.repay_{bucket}")


def give_back(batch: Batch, limits: Sequence[UUID], amount: int, side: str) -> None:
    """Principal that was repaid frees its limits, or spends or blocks them."""
    for limit in limits:
        batch.post(limit_account(limit, "used"), limit_account(limit, side), amount, "lending.free_limit")


def grow(batch: Batch, draw: UUID, bucket: str, amount: int) -> None:
    """Interest, penalty or a fee is owed, and earned."""
    batch.post(owed_account(draw, bucket), owed_account(draw, "income"), amount, f"lending.{bucket}")
