"""A small world for tests: a bank with two officers, a company, a line, and draws on it, made through commands."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from luhai.core.evidence.tests.world import CHONGQING, GUANGXI, bank, company, id_of, official, received  # noqa: F401
from luhai.core.evidence.tests.world import invoice as invoice_of
from luhai.core.ledger import queries as ledger
from luhai.core.titles import commands as titles
from luhai.core.titles.tests.world import colleague, title
from luhai.financing.lending import books, commands, line_commands, queries
from luhai.kernel.origin import SYSTEM, Actor, Origin

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)  # Monday noon in Chongqing
TODAY = date(2026, 3, 2)
MILLION = 100_000_000  # fen


def by(actor: Actor = SYSTEM, at: datetime = NOON) -> Origin:
    return Origin(actor, uuid4(), at)


def on(day: date) -> datetime:
    """Noon in Chongqing on a day."""
    return datetime(day.year, day.month, day.day, 4, tzinfo=UTC)


def contract(**changes: Any) -> dict[str, Any]:
    """A line in renminbi from today for a year, at the prime rate of 3.00 % and 45 basis points."""
    return {"currency": "CNY", "starts_on": "2026-03-02", "ends_on": "2027-03-01", "spread_bp": 45} | changes


def limit(name: str, amount: int, parent: str | None = "whole", **more: Any) -> dict[str, Any]:
    return {"name": name, "parent": parent, "amount": amount} | more


AT_END = {"method": "principal_at_end", "number": 1, "every": 3, "unit": "months"}


class Desk:
    """A bank with two officers and a company, and a line between them, in force."""

    def __init__(
        self,
        *,
        limits: list[dict[str, Any]] | None = None,
        started: bool = True,
        territory: str = CHONGQING,
        **said: Any,
    ) -> None:
        self.bank, self.company = bank(territory), company(territory)
        self.second = colleague(self.bank)
        self.line = line_commands.open_line(
            line_id=uuid4(), company_id=id_of(self.company), number=f"L{uuid4().hex[:8]}", contract=contract(**said),
            limits=limits or [limit("whole", 10 * MILLION, None)], origin=by(self.bank),
        )  # fmt: skip
        self.deposit = books.deposit_account(
            id_of(self.bank), id_of(self.company), contract(**said)["currency"]
        )
        if started:
            self.start()

    def start(self) -> None:
        line_commands.approve_line(line_id=self.line, origin=by(self.second))
        digest = queries.line(line_id=self.line, viewer=self.company).digest
        line_commands.sign_line(line_id=self.line, digest=digest, origin=by(self.company))
        line_commands.start_line(line_id=self.line, origin=by(self.bank))

    def asked(self, amount: int = MILLION, at: datetime = NOON, limit: str = "whole", **more: Any) -> UUID:
        said: dict[str, Any] = {"repayment": AT_END, "purpose": "freight"} | more
        return commands.request_draw(
            draw_id=uuid4(),
            line_id=self.line,
            limit=limit,
            amount=amount,
            origin=by(self.company, at),
            **said,
        )

    def reserved(self, *args: Any, at: datetime = NOON, **more: Any) -> UUID:
        draw = self.asked(*args, at=at, **more)
        return commands.approve_draw(draw_id=draw, origin=by(self.bank, at))

    def lent(self, *args: Any, at: datetime = NOON, **more: Any) -> UUID:
        draw = self.reserved(*args, at=at, **more)
        return commands.disburse(draw_id=draw, origin=by(self.second, at))

    def pledged(self, quantity: int = 1000) -> UUID:
        """A title of the company's, all of it pledged to the bank."""
        made = title(company(), self.company, quantity=quantity)
        titles.pledge_title(title_id=made, pledgee=id_of(self.bank), origin=by(self.company))
        return made

    def invoice(self, minor: int = 2 * MILLION) -> UUID:
        return received(invoice_of(self.company, minor), self.company)

    def pay_in(self, amount: int, at: datetime = NOON) -> None:
        commands.receive_deposit(
            line_id=self.line, amount=amount, reference="sales", origin=by(self.bank, at)
        )

    def repay(
        self, draw: UUID, amount: int | None = None, who: Actor | None = None, at: datetime = NOON
    ) -> None:
        commands.repay(draw_id=draw, amount=amount, origin=by(who or self.company, at))

    def close(self, draw: UUID, day: date) -> int:
        return commands.close_day(draw_id=draw, day=day, origin=by(SYSTEM, on(day) + timedelta(hours=11)))

    def loan(self, draw: UUID) -> queries.LoanView:
        return queries.loan(draw_id=draw, viewer=self.bank)

    def free(self, name: str = "whole") -> int:
        view = queries.line(line_id=self.line, viewer=self.bank)
        return next(x.available for x in view.limits if x.name == name)

    @property
    def money(self) -> int:
        return on_account(self.deposit)


def on_account(account: UUID) -> int:
    balance = ledger.balances(account_ids=[account], viewer=SYSTEM)[account]
    return balance.credits_posted - balance.debits_posted


def state(draw: UUID) -> str:
    return str(queries.loan(draw_id=draw, viewer=SYSTEM).state)
