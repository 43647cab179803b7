"""A small world for tests: an exporter and its bank, an importer's bank abroad, orders between them, documents, and a loan's escrow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID, uuid4, uuid5

from django.db import connection

from luhai.core.escrow import commands as escrow
from luhai.core.escrow import queries as escrows
from luhai.core.evidence.tests.world import (  # noqa: F401
    OVERSEAS,
    company,
    declaration,
    id_of,
    official,
    party,
    received,
)
from luhai.core.evidence.tests.world import contract as contract_of
from luhai.core.ledger import commands as ledger
from luhai.core.ledger import queries as ledger_queries
from luhai.core.ledger.policy import Account, Bound, Transfer
from luhai.core.titles import commands as titles
from luhai.core.titles import queries as title_queries
from luhai.core.titles.tests.world import colleague, title
from luhai.kernel.money import EXPONENT, Currency
from luhai.kernel.origin import SYSTEM, Actor, Origin, Role
from luhai.settlement.messages import compose
from luhai.settlement.messages.message import (
    Account as Held,
)
from luhai.settlement.messages.message import (
    Address,
    Amount,
    Message,
    Party,
    Referred,
    Remittance,
    Structured,
    Transaction,
)
from luhai.settlement.messages.write import write
from luhai.settlement.payments import commands, queries
from luhai.shell.command import command

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)  # Monday noon in Chongqing
TODAY = date(2026, 3, 2)
_serial = count(1)


def by(actor: Actor = SYSTEM, at: datetime = NOON) -> Origin:
    return Origin(actor, uuid4(), at)


def bic(country: str) -> str:
    n, letters = next(_serial), ""
    for _ in range(4):
        n, letter = divmod(n, 26)
        letters += chr(65 + letter)
    return f"{letters}{country}2L"


def bank(country: str = "CN", role: Role = Role.BANK) -> tuple[Actor, str]:
    code = bic(country)
    return party(
        "institution", role, sort="city_bank", name="Some Bank", country=country, numbers={"bic": code}
    ), code


def amount_of(minor: int, currency: str) -> Amount:
    return Amount(Decimal(minor).scaleb(-EXPONENT[Currency(currency)]), currency)


class Desk:
    """An exporter with a current account in renminbi at its bank, and a bank abroad that sends payments."""

    def __init__(self, currency: str = "CNY") -> None:
        (self.bank, self.bic), (self.partner, self.partner_bic) = bank(), bank("TH", Role.PARTNER)
        self.second = colleague(self.bank)
        self.company = company()
        self.currency = currency
        self.number = f"6222{next(_serial):012d}"
        self.account = self.numbered(self.number, currency)

    def numbered(self, number: str, currency: str = "CNY", ledger_account: UUID | None = None) -> UUID:
        return commands.open_account(
            account_id=uuid4(), company_id=id_of(self.company), number=number, currency=currency,
            ledger_account_id=ledger_account, origin=by(self.bank),
        )  # fmt: skip

    # --- messages -------------------------------------------------------------------------------------------------------

    def transaction(self, minor: int = 10_000_00, currency: str = "USD", **changes: Any) -> Transaction:
        said = dict(
            instruction_id="I-1", end_to_end_id="PO-2026-118", uetr=str(uuid4()), amount=amount_of(minor, currency),
            settled_on=TODAY, charge_bearer="SHAR", purpose="GDDS",
            parties=(
                Party(role="debtor", name=OVERSEAS["name"], address=Address(town="Bangkok", country="TH"), account=Held(number="77001")),
                Party(role="debtor_agent", institution=True, bic=self.partner_bic),
                Party(role="creditor_agent", institution=True, bic=self.bic),
                Party(
                    role="creditor", name="Some Exporter", address=Address(town="Chongqing", country="CN"),
                    account=Held(number=self.number),
                ),
            ),
            remittance=Remittance(structured=(Structured(documents=(Referred(kind="CINV", number="CF-2026-031"),)),)),
        )  # fmt: skip
        return Transaction(**(said | changes))

    def order(self, tx: Transaction | None = None, **changes: Any) -> Message:
        return compose.credit_transfer(
            id=f"M{next(_serial)}", created=NOON, sender=Party(role="sender", institution=True, bic=self.partner_bic),
            receiver=Party(role="receiver", institution=True, bic=self.bic), transaction=tx or self.transaction(**changes),
        )  # fmt: skip

    def send(self, order: Message | bytes | None = None, who: Actor | None = None, at: datetime = NOON, **changes: Any) -> dict[str, Any]:
        data = order if isinstance(order, bytes) else write(order or self.order(**changes))
        return commands.receive_message(content=data.decode(), origin=by(who or self.partner, at))

    def came(self, minor: int = 10_000_00, currency: str = "USD", **more: Any) -> UUID:
        """A payment that was received."""
        answer = self.send(minor=minor, currency=currency, **more)
        assert answer["status"] == "ACSP", answer
        return UUID(answer["payment_id"])

    # --- documents ------------------------------------------------------------------------------------------------------

    def declared(self, minor: int = 10_000_00, currency: str = "USD", **changes: Any) -> UUID:
        return received(declaration(self.company, minor, currency, **changes), self.company)

    def contracted(self, minor: int = 10_000_00, currency: str = "USD", **changes: Any) -> UUID:
        return received(contract_of(self.company, minor, currency, **changes), self.company)

    def attach(self, payment: UUID, *papers: UUID) -> None:
        for paper in papers:
            commands.attach(payment_id=payment, evidence_id=paper, origin=by(self.company))

    def papers(self, minor: int = 10_000_00, currency: str = "USD") -> Sequence[UUID]:
        """All that the check of a payment for shipped goods asks for. Two of one worth would be taken for one document."""
        return [self.declared(minor, currency), self.contracted(minor, currency)]

    def clear(self, payment: UUID, papers: Sequence[UUID] | None = None) -> UUID:
        """Documented and checked."""
        seen = queries.payment(payment_id=payment, viewer=SYSTEM)
        self.attach(payment, *(papers if papers is not None else self.papers(seen.amount + next(_serial), seen.currency)))
        self.check(payment)
        assert state(payment) == "CLEAR", queries.payment(payment_id=payment, viewer=SYSTEM).verdict
        return payment

    def check(self, payment: UUID, situation: str = "goods_after_shipment") -> UUID:
        return commands.check(payment_id=payment, situation=situation, origin=by(self.bank))

    def settle(self, payment: UUID, **more: Any) -> UUID:
        return commands.settle(payment_id=payment, origin=by(self.bank), **more)

    def give_back(self, payment: UUID) -> UUID:
        return commands.return_payment(
            payment_id=payment, reason_code="CUST", reason="not ordered", origin=by(self.bank)
        )

    @property
    def money(self) -> int:
        """What is on the company's account."""
        return on(ledger_account_of(self.account))


def ledger_account_of(account: UUID) -> UUID:
    return next(a.ledger_account for a in queries.accounts(viewer=SYSTEM) if a.id == account)


def blocked(desk: Desk, payment: UUID) -> UUID:
    """A payment that was checked without any document."""
    desk.check(payment)
    assert state(payment) == "BLOCKED"
    return payment


def state(payment: UUID) -> str:
    return str(queries.payment(payment_id=payment, viewer=SYSTEM).state)


def on(account: UUID) -> int:
    """What is on a ledger account: credits less debits."""
    balance = ledger_queries.balances(account_ids=[account], viewer=SYSTEM)[account]
    return balance.credits_posted - balance.debits_posted


def sent(payment: UUID, viewer: Actor = SYSTEM) -> list[str]:
    """The messages of a payment, each by its way, family and status."""
    found = queries.messages_of(payment_id=payment, viewer=viewer)
    return [f"{m.way} {m.type[:8]} {m.status}".strip() for m in found]


def books_agree() -> None:
    found = ledger_queries.recount(viewer=SYSTEM)
    assert (found.differing, found.beyond_bound, found.units_unbalanced, found.holds_differing) == (0, 0, 0, 0)
    connection.check_constraints()


@command(may=[Role.BANK])
def lend_for_payments(*, escrow_id: UUID, accounts: list[Account], terms: dict[str, Any], owed: list[Transfer], origin: Origin) -> UUID:
    """What an upper floor does: money is lent, and the escrow that repays it is arranged."""
    ledger.open_accounts(accounts, at=origin.at)
    escrow.set_up(escrow_id=escrow_id, terms=terms, kinds=("own.", "lending."), origin=origin)
    ledger.post_all(owed, at=origin.at)
    return escrow_id


class Loan:
    """A loan of the desk's bank against a pledged title: 50,000.00 of principal and 800.00 of interest, to be repaid by what comes."""

    def __init__(self, desk: Desk, principal: int = 50_000_00, interest: int = 800_00, checked: bool = True) -> None:
        self.desk, self.id = desk, uuid4()
        bank_id, company_id = id_of(desk.bank), id_of(desk.company)
        self.principal, self.interest, self.suspense, self.lent = (uuid5(self.id, x) for x in ("p", "i", "s", "lent"))
        self.surplus = ledger_account_of(desk.account)
        self.title = title(company(), desk.company)
        self.pledge = titles.pledge_title(title_id=self.title, pledgee=bank_id, origin=by(desk.company))
        owed = [
            Account(id=key, unit="CNY", kind=f"lending.{kind}", owner_id=bank_id, bound=Bound.CREDITS)
            for key, kind in ((self.principal, "principal"), (self.interest, "interest"))
        ]
        made = [
            *owed, Account(id=self.suspense, unit="CNY", kind="lending.suspense", owner_id=bank_id, bound=Bound.DEBITS),
            Account(id=self.lent, unit="CNY", kind="lending.income", owner_id=bank_id),
        ]  # fmt: skip
        consent = [{"name": "checked", "consent": {"of": ["bank"], "need": 1}}] if checked else []
        terms = {
            "template": "loan_repayment", "parties": {"bank": str(bank_id), "company": str(company_id)},
            "expires_at": (NOON + timedelta(days=400)).isoformat(),
            "value": [{"name": "proceeds", "unit": "CNY", "amount": principal * 3, "least": 0, "payer": "bank", "account": str(self.suspense)}],
            "titles": [{"title": str(self.title), "by": "bank"}],
            "conditions": [
                {"name": "arrived", "payment": {"leg": "proceeds", "at_least": 1, "covers": [str(self.interest), str(self.principal)]}},
                *consent,
            ],
            "steps": [
                {"from": "proceeds", "to": str(self.interest), "up_to": principal * 3, "code": "lending.repay_interest"},
                {"from": "proceeds", "to": str(self.principal), "up_to": principal * 3, "code": "lending.repay_principal"},
                {"title": str(self.title), "act": "release_pledge", "details": {"pledge": str(self.pledge)}},
                {"from": "proceeds", "to": str(self.surplus), "amount": "rest", "code": "lending.surplus"},
            ],
        }  # fmt: skip
        lend_for_payments(
            escrow_id=self.id, accounts=made, terms=terms,
            owed=[
                Transfer(id=uuid4(), debit=self.principal, credit=self.lent, unit="CNY", amount=principal),
                Transfer(id=uuid4(), debit=self.interest, credit=self.lent, unit="CNY", amount=interest),
            ],
            origin=by(desk.bank),
        )  # fmt: skip
        digest = escrows.escrow(escrow_id=self.id, viewer=SYSTEM).digest
        for who in (desk.company, desk.bank):
            escrow.agree(escrow_id=self.id, digest=digest, origin=by(who))
        escrow.deposit_title(escrow_id=self.id, title_id=self.title, origin=by(desk.bank))
        (self.leg,) = (v.account for v in escrows.escrow(escrow_id=self.id, viewer=SYSTEM).value)
        self.number = f"LOAN{next(_serial)}"
        self.account = desk.numbered(self.number, ledger_account=self.leg)

    def came(self, minor: int, currency: str = "CNY") -> UUID:
        """A payment to the loan's collection account."""
        tx = self.desk.transaction(minor, currency)
        parties = tuple(replace(p, account=Held(number=self.number)) if p.role == "creditor" else p for p in tx.parties)
        answer = self.desk.send(self.desk.order(replace(tx, parties=parties)))
        assert answer["status"] == "ACSP", answer
        return UUID(answer["payment_id"])

    @property
    def state(self) -> str:
        return str(escrows.escrow(escrow_id=self.id, viewer=SYSTEM).state)

    @property
    def owed(self) -> int:
        return -on(self.principal) - on(self.interest)

    @property
    def pledged(self) -> int:
        return title_queries.title(title_id=self.title, viewer=SYSTEM).pledged
