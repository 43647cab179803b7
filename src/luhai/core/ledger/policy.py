"""What an account and a transfer are, and the closed list of reasons for which a transfer is refused.

An account counts one unit (a currency, a quota, a tonne of lot 17) on two sides. A transfer adds the same amount to
the debits of one account and to the credits of another. A bound says which side of an account may not exceed the
other, whatever happens at once:

    Bound.DEBITS    debits_posted + debits_pending <= credits_posted    a quota that is used, a deposit that is drawn
    Bound.CREDITS   credits_posted + credits_pending <= debits_posted   a debt that is repaid
    Bound.NONE      the outside world, from which quotas and deposits come

What is pending (held, not yet settled) counts on its own side and gives no room on the other.

The decision itself is made by the database function `ledger_post` (migrations/sql/ledger_post.sql), the only writer
of the tables; docs/algorithms/ledger.md walks through it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from luhai.kernel.refusal import gettext_noop


class Bound(StrEnum):
    NONE = "none"
    DEBITS = "debits"  # may not exceed the credits
    CREDITS = "credits"  # may not exceed the debits


class Kind(StrEnum):
    POST = "post"  # moved at once
    HOLD = "hold"  # reserved: pending on both accounts until settled, released or expired
    SETTLE = "settle"  # a hold, or a part of it, becomes posted; the rest stays held
    RELEASE = "release"  # a hold, or a part of it, is given up


class AccountState(StrEnum):
    OPEN = "open"
    FROZEN = "frozen"  # takes releases only
    CLOSED = "closed"  # takes nothing, for ever


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account to be opened. `kind` says what it is for ("evidence.financing"); `owner_id` is a party, who sees it."""

    id: UUID
    unit: str
    kind: str
    owner_id: UUID | None = None
    bound: Bound = Bound.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """A transfer that is asked for. The caller chooses `id`; the same id means the same transfer, for ever.

    Post and hold name `debit`, `credit`, `unit` and `amount`. Settle and release name the `hold` (the id of its
    transfer); `amount` None means all that is left of it; the accounts may be left out, and must be the hold's
    when named. `linked` binds a transfer to the next one: all of such a chain move, or none.

    `up_to` moves as much of `amount` as the bounds of both accounts (for a settle or release: as the rest of the
    hold) allow, perhaps nothing, and is then no refusal: a list of such transfers, linked, is a waterfall.
    """

    id: UUID
    kind: Kind = Kind.POST
    debit: UUID | None = None
    credit: UUID | None = None
    unit: str = ""
    amount: int | None = None
    hold: UUID | None = None
    expires_at: datetime | None = None  # of a hold: from then on it can only be released
    up_to: bool = False
    linked: bool = False
    code: str = ""  # what it is for: "loan.drawdown"
    subject: UUID | None = None  # the record it is for

    def __post_init__(self) -> None:
        if self.kind in (Kind.POST, Kind.HOLD):
            assert None not in (self.debit, self.credit, self.amount), self
            assert self.unit, self
            assert self.hold is None, self
            assert self.expires_at is None or self.kind is Kind.HOLD, self
        else:
            assert self.hold is not None, self
            assert self.expires_at is None, self
        assert self.expires_at is None or self.expires_at.tzinfo is not None, self


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a transfer. `amount` is what moved (0 when refused); `refused` a code of REFUSALS."""

    id: UUID
    amount: int
    refused: str | None = None


#: The largest amount of one transfer (beyond 2**53 - 1 a browser rounds) and the largest sum of one side of an account.
MAX_AMOUNT: Final = 2**53 - 1
MAX_SUM: Final = 2**62 - 1

#: Every reason, in the order in which they are looked at: the first that applies is the one that is given.
#: The texts are for people; docs/algorithms/ledger.md and tests/test_refusals.py are this same list.
REFUSALS: Final[dict[str, str]] = {
    "id_reused": gettext_noop("This transfer id was used before for a different transfer."),
    "chain_open": gettext_noop("The last transfer of a batch cannot be linked to a next one."),
    "amount_not_positive": gettext_noop("The amount must be a whole number above zero."),
    "accounts_must_differ": gettext_noop("A transfer needs two different accounts."),
    "hold_not_found": gettext_noop("There is no such hold."),
    "hold_differs": gettext_noop("The hold is between other accounts."),
    "hold_finished": gettext_noop("Nothing is left of the hold."),
    "hold_expired": gettext_noop("The hold has expired."),
    "exceeds_hold": gettext_noop("The amount exceeds what is left of the hold."),
    "debit_account_not_found": gettext_noop("There is no such account to debit."),
    "credit_account_not_found": gettext_noop("There is no such account to credit."),
    "unit_differs": gettext_noop("The accounts count another unit."),
    "debit_account_closed": gettext_noop("The account to debit is closed."),
    "credit_account_closed": gettext_noop("The account to credit is closed."),
    "debit_account_frozen": gettext_noop("The account to debit is frozen."),
    "credit_account_frozen": gettext_noop("The account to credit is frozen."),
    "expires_too_early": gettext_noop("A hold must expire later than it is made."),
    "exceeds_credits": gettext_noop("The account to debit has not that much left."),
    "exceeds_debits": gettext_noop("The account to credit cannot take that much."),
    "overflow": gettext_noop("The amount, or a sum with it, is larger than can be counted."),
    "linked_failed": gettext_noop("Another transfer of the same chain was refused."),
}

#: What accounts are for and what transfers are, in words, as far as the system itself opens and posts them. A party's own kinds
#: ("own.…") and codes, and any that is not here, are shown as they are.
KIND_NAMES: Final[dict[str, str]] = {
    "evidence.face": gettext_noop("Stated by a document"),
    "evidence.settlement": gettext_noop("Still payable on a document"),
    "evidence.settlement_used": gettext_noop("Paid on a document"),
    "evidence.financing": gettext_noop("Still financeable on a document"),
    "evidence.financing_used": gettext_noop("Financed on a document"),
    "evidence.lot_face": gettext_noop("Value of goods"),
    "evidence.lot": gettext_noop("Still financeable on goods"),
    "evidence.lot_used": gettext_noop("Financed on goods"),
    "escrow.value": gettext_noop("Value in escrow"),
    "lending.granted": gettext_noop("Limits granted"),
    "lending.limit": gettext_noop("Limit still free"),
    "lending.used": gettext_noop("Limit in use"),
    "lending.spent": gettext_noop("Limit spent"),
    "lending.blocked": gettext_noop("Limit blocked"),
    "lending.funds": gettext_noop("Funds of the bank"),
    "lending.deposit": gettext_noop("Deposit with the bank"),
    "lending.principal": gettext_noop("Principal owed"),
    "lending.interest": gettext_noop("Interest owed"),
    "lending.penalty": gettext_noop("Penalty interest owed"),
    "lending.fees": gettext_noop("Fees owed"),
    "lending.income": gettext_noop("Income of the bank"),
    "lending.suspense": gettext_noop("Arrived, not yet checked"),
    "lending.margin": gettext_noop("Margin put up"),
    "payments.nostro": gettext_noop("Money at the correspondent"),
    "payments.position": gettext_noop("Position of the bank in a currency"),
    "payments.suspense": gettext_noop("Received, not yet credited"),
    "own.current": gettext_noop("Current account"),
}
CODE_NAMES: Final[dict[str, str]] = {
    "evidence.face": gettext_noop("A document's amount is noted or changed"),
    "evidence.use": gettext_noop("A document is used"),
    "evidence.free": gettext_noop("A use of a document is given back"),
    "evidence.convert": gettext_noop("Financing moves to another form of the goods"),
    "evidence.join": gettext_noop("Goods are joined with others"),
    "escrow.fund": gettext_noop("Put in escrow"),
    "escrow.execute": gettext_noop("Paid out of escrow as agreed"),
    "escrow.return": gettext_noop("Returned from escrow"),
    "escrow.price": gettext_noop("Price of a title"),
    "escrow.pvp": gettext_noop("Payment against payment"),
    "lending.lend": gettext_noop("Paid out to the borrower"),
    "lending.reserve": gettext_noop("Limit reserved"),
    "lending.unreserve": gettext_noop("Limit set free again"),
    "lending.free_limit": gettext_noop("Limit restored by repayment"),
    "lending.deposit": gettext_noop("Deposit received"),
    "lending.pay_out": gettext_noop("Paid out of the deposit"),
    "lending.repay_principal": gettext_noop("Principal repaid"),
    "lending.repay_interest": gettext_noop("Interest paid"),
    "lending.repay_penalty": gettext_noop("Penalty interest paid"),
    "lending.repay_fees": gettext_noop("Fees paid"),
    "lending.interest": gettext_noop("Interest of the day"),
    "lending.penalty": gettext_noop("Penalty interest of the day"),
    "lending.fees": gettext_noop("Fee charged"),
    "lending.exchange": gettext_noop("Exchanged"),
    "payments.receive": gettext_noop("Received from another bank"),
    "payments.exchange": gettext_noop("Exchanged"),
    "payments.credit": gettext_noop("Credited"),
    "payments.return": gettext_noop("Sent back"),
    "lending.margin": gettext_noop("Margin put up"),
}
