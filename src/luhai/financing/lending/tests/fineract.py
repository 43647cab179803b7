"""Reads the published loan cases of Apache Fineract (Gherkin) and plays those in scope on our own schedules.

    scenarios(folder)          every scenario of every file, its steps and tables
    Case(scenario).run()       plays one and compares each published table with ours, to the cent

What is played is the loan itself: drawing, repaying, closing of a day, undoing. Accounting entries, events and states of Fineract's own
are not ours and are left out; docs/algorithms/fineract-scenarios.md lists every scenario with what becomes of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from luhai.financing.lending.daycount import DayCount, Unit, due_days
from luhai.financing.lending.replay import Book, Drawn, Line, Paid, borne, payoff, replay
from luhai.financing.lending.schedule import Basis, Method, Prepaid, Terms


@dataclass
class Step:
    text: str
    rows: list[dict[str, str]] = field(default_factory=list)


@dataclass
class Scenario:
    file: str
    n: int  # in its file, from 1
    title: str
    steps: list[Step]

    @property
    def id(self) -> str:
        return f"{self.file.removesuffix('.feature')} {self.n}"

    def says(self, *words: str) -> bool:
        return any(
            word in s.text or any(word in c for r in s.rows for c in r.values())
            for s in self.steps
            for word in words
        )


def scenarios(folder: Path) -> Iterator[Scenario]:
    for path in sorted(folder.glob("*.feature")):
        yield from _of_file(path)


def _of_file(path: Path) -> Iterator[Scenario]:
    found: list[Scenario] = []
    head: list[str] = []
    for raw in path.read_text(encoding="utf-8").splitlines():
        text = raw.strip()
        if re.match(r"Scenario( Outline)?:", text):
            found.append(Scenario(path.name, len(found) + 1, text.split(":", 1)[1].strip(), []))
        elif found and re.match(r"(Given|When|Then|And|But) ", text):
            found[-1].steps.append(Step(text.split(" ", 1)[1].strip()))
            head = []
        elif found and found[-1].steps and text.startswith("|"):
            cells = [cell.strip() for cell in text.strip("|").split("|")]
            if head:
                found[-1].steps[-1].rows.append(dict(zip(head, cells, strict=False)))
            else:
                head = cells
    yield from found


def day(text: str) -> date:
    return datetime.strptime(text, "%d %B %Y").date()  # noqa: DTZ007


def cents(text: str) -> int:
    return int(Decimal(text or "0") * 100)


#: What Fineract's products say beyond the case: counts, roundings, what a payment before its day changes.
_CUMULATIVE: dict[str, Any] = {
    "count": DayCount.ACT_365, "multiple": 100, "rounding": ROUND_HALF_EVEN, "keeps_past": True, "rounds_parts": True,
}  # fmt: skip
_PROGRESSIVE: dict[str, Any] = {
    "basis": Basis.PERIOD,
    "part_of_year": Fraction(1, 12),
    "rounding": ROUND_HALF_EVEN,
}
_MONTHLY: dict[str, Any] = {"basis": Basis.PERIOD, "part_of_year": Fraction(1, 12)}
_DAILY = "LP1_INTEREST_DECLINING_BALANCE_DAILY_RECALCULATION"
PRODUCTS: dict[str, dict[str, Any]] = {
    "LP1_INTEREST_DECLINING_BALANCE_PERIOD_SAME_AS_PAYMENT": _CUMULATIVE | _MONTHLY,
    "LP1_INTEREST_DECLINING_BALANCE_PERIOD_DAILY": _CUMULATIVE,
    f"{_DAILY}_COMPOUNDING_NONE": _CUMULATIVE,
    f"{_DAILY}_COMPOUNDING_NONE_RESCHEDULE_REDUCE_NR_INST": _CUMULATIVE | {"prepaid": Prepaid.NUMBER},
    f"{_DAILY}_COMPOUNDING_NONE_RESCHEDULE_RESCH_NEXT_REP": _CUMULATIVE | {"prepaid": Prepaid.NEXT},
    f"{_DAILY}_SAME_AS_REPAYMENT_COMPOUNDING_NONE": _CUMULATIVE | {"rest_on_due": True},
    "LP1_1MONTH_INTEREST_DECLINING_BALANCE_DAILY_RECALCULATION_COMPOUNDING_MONTHLY": _CUMULATIVE | {"compound": True},
    "LP1_INTEREST_DECLINING_BALANCE_SAR_RECALCULATION_SAME_AS_REPAYMENT_COMPOUNDING_NONE_MULTIDISB":
        _CUMULATIVE | _MONTHLY | {"rest_on_due": True},
    "LP2_ADV_PYMNT_INTEREST_DAILY_EMI_360_30_INTEREST_RECALCULATION_TILL_PRECLOSE": _PROGRESSIVE,
    "LP2_ADV_PYMNT_INTEREST_DAILY_EMI_360_30_INTEREST_RECALCULATION_TILL_REST_FREQUENCY":
        _PROGRESSIVE | {"closes_at_due": True},
}  # fmt: skip
METHODS = {"EQUAL_INSTALLMENTS": Method.INSTALMENTS, "EQUAL_PRINCIPAL_PAYMENTS": Method.PRINCIPAL}


class Case:
    """One scenario in scope. `compared` counts the rows that were found equal."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.today = date.min
        self.asked = 0
        self.events: list[Drawn | Paid] = []
        self.refunds: list[tuple[date, int]] = []
        self.closes_days = False  # whether the close of a day works the lines out again
        self.stopped: date | None = None
        self.accrued: list[tuple[date, int]] = []
        self.seen: date | None = None
        self.compared = 0

    def run(self) -> Case:
        for step in self.scenario.steps:
            for pattern, do in _STEPS:
                if (match := re.fullmatch(pattern, step.text)) is not None:
                    do(self, step, *match.groups())
                    break
            else:
                raise AssertionError(f"{self.scenario.id}: {step.text}")
        return self

    def book(self) -> Book:
        return replay(self.terms, self.events or [Drawn(self.terms.start, self.asked)], self.seen)

    def create(self, step: Step) -> None:
        (row,) = step.rows
        assert row["interest type"] == "DECLINING_BALANCE", row
        start, months = day(row["submitted on date"]), int(row["numberOfRepayments"])
        self.asked = cents(row["with Principal"])
        rate = Fraction(Decimal(row["ANNUAL interest rate %"])) / 100
        self.terms = Terms(
            start=start, due=due_days(start, months, int(row["repaymentEvery"]), Unit.MONTHS), rates=((start, rate),),
            method=METHODS[row["amortization type"]], grace_principal=int(row["graceOnPrincipalPayment"]),
            # As the published tables show, the last of the three columns is what puts interest off; the second changes nothing.
            grace_interest=int(row["interest free period"]), sized_on=self.asked, **PRODUCTS[row["LoanProduct"]],
        )  # fmt: skip

    def date(self, step: Step, on: str) -> None:
        self.today = day(on)

    def disburse(self, step: Step, on: str, amount: str) -> None:
        self.events.append(Drawn(day(on), cents(amount)))

    def repay(self, step: Step, on: str, amount: str) -> None:
        self.events.append(Paid(day(on), cents(amount)))
        if (
            not self.book().open
        ):  # whoever has repaid all owes the interest of all lines; it is recognised at once
            self.recognise(self.today, sum(line.interest for line in self.book().lines))

    def pay_off(self, step: Step, on: str) -> None:
        self.events.append(Paid(day(on), payoff(self.terms, self.events, day(on))))

    def refund(self, step: Step, on: str, amount: str) -> None:
        assert cents(amount) <= self.book().overpaid, (self.scenario.id, self.book().overpaid)
        self.refunds.append((day(on), cents(amount)))

    def undo(self, step: Step, on: str) -> None:
        self.events.remove(next(e for e in self.events if isinstance(e, Paid) and e.on == day(on)))
        self.events += [
            Drawn(on, amount) for on, amount in self.refunds
        ]  # money returned that was not overpaid is owed

    def add_step(self, step: Step, word: str) -> None:
        self.closes_days = word == "puts"
        if word == "removes":
            self.seen = None

    def close_day(self, step: Step) -> None:
        if self.closes_days:
            self.seen = self.today
        if self.stopped is None and self.events:
            self.accrue(
                self.today - timedelta(1)
            )  # the close of a business day recognises up to the day before

    def accrue(self, through: date) -> None:
        """Recognise interest to the night of a day: what the line has borne, less what was recognised."""
        self.recognise(through, borne(self.terms, self.events, through))

    def recognise(self, on: date, total: int) -> None:
        new = total - sum(amount for _, amount in self.accrued)
        if new > 0 and self.stopped is None:
            self.accrued.append((on, new))

    def accrue_all(self, step: Step) -> None:
        self.accrue(self.today)

    def charge_off(self, step: Step, on: str) -> None:
        self.stopped = day(on)

    def undo_charge_off(self, step: Step) -> None:
        self.stopped = None

    def schedule(self, step: Step, number: str) -> None:
        lines = self.book().lines
        assert len(lines) == int(number), (self.scenario.id, lines)
        drawn = [row for row in step.rows if not row["Nr"]]
        events = [e for e in self.events if isinstance(e, Drawn)] or [Drawn(self.terms.start, self.asked)]
        assert [(day(r["Date"]), cents(r["Balance of loan"])) for r in drawn] == [
            (e.on, e.amount) for e in events
        ]
        for row, line in zip([r for r in step.rows if r["Nr"]], lines, strict=True):
            assert _published(row) == _ours(line), (self.scenario.id, row, line)
            self.compared += 1

    def total(self, step: Step) -> None:
        (row,) = step.rows
        lines = self.book().lines
        wanted = [cents(row[k]) for k in ("Principal due", "Interest", "Fees", "Penalties", "Due", "Paid", "In advance", "Late",
                                          "Outstanding")]  # fmt: skip
        assert wanted == [
            sum(line.principal for line in lines), sum(line.interest for line in lines), 0, 0, sum(x.total for x in lines),
            sum(line.paid for line in lines), sum(line.early for line in lines), sum(line.late for line in lines),
            sum(line.open for line in lines),
        ], (self.scenario.id, row)  # fmt: skip
        self.compared += 1

    def transactions(self, step: Step) -> None:
        """Compared: repayments with their principal and interest, and accruals. (Charge-offs are booked, not owed.)"""
        for row in step.rows:
            at, amount = day(row["Transaction date"]), cents(row["Amount"])
            if row["Transaction Type"] == "Repayment":
                assert self.split(Paid(at, amount)) == (cents(row["Principal"]), cents(row["Interest"])), (
                    self.scenario.id,
                    row,
                )
            elif row["Transaction Type"] == "Accrual":
                assert (at, amount) in self.accrued, (self.scenario.id, row, self.accrued)
            self.compared += 1
        accruals = [r for r in step.rows if r["Transaction Type"] == "Accrual"]
        if accruals:
            assert len(accruals) == len(self.accrued), (self.scenario.id, self.accrued)

    def split(self, event: Paid) -> tuple[int, int]:
        """How much of a payment went to principal, and how much to interest."""
        n = self.events.index(event)
        (p1, i1), (p2, i2) = [
            (sum(x.principal_paid for x in lines), sum(x.interest_paid for x in lines))
            for lines in (
                replay(self.terms, self.events[:n]).lines,
                replay(self.terms, self.events[: n + 1]).lines,
            )
        ]
        return p2 - p1, i2 - i1

    def has_accrual(self, step: Step, on: str) -> None:
        (row,) = step.rows
        assert row["Transaction Type"] == "Accrual", row
        assert (day(on), cents(row["Amount"])) in self.accrued, (self.scenario.id, row, self.accrued)
        self.compared += 1

    def status(self, step: Step, word: str) -> None:
        active = self.book().open > 0
        assert {"ACTIVE": active, "CLOSED_OBLIGATIONS_MET": not active}[word], (self.scenario.id, word)
        self.compared += 1

    def all_met(self, step: Step) -> None:
        assert all(line.open == 0 for line in self.book().lines)
        self.compared += 1

    def nothing(self, step: Step, *rest: str) -> None:
        """Not ours: set-up of Fineract itself, or its own records."""


def _published(row: dict[str, str]) -> tuple[Any, ...]:
    assert cents(row["Fees"]) == cents(row["Penalties"]) == 0, row
    return (
        int(row["Nr"]), int(row["Days"]), day(row["Date"]), day(row["Paid date"]) if row["Paid date"] else None,
        *(cents(row[k]) for k in ("Balance of loan", "Principal due", "Interest", "Due", "Paid", "In advance", "Late",
                                  "Outstanding")),
    )  # fmt: skip


def _ours(line: Line) -> tuple[Any, ...]:
    return (
        line.n, (line.due - line.start).days, line.due, line.paid_on, line.balance, line.principal, line.interest, line.total,
        line.paid, line.early, line.late, line.open,
    )  # fmt: skip


_EUR = r"(\d+(?:\.\d+)?) EUR transaction amount"
_STEPS: list[tuple[str, Any]] = [
    (r'Admin sets the business date to "(.+)"', Case.date),
    (r"Admin creates a fully customized loan with the following data:", Case.create),
    (r'Admin successfully disburse the loan on "(.+)" with "(\d+)" EUR transaction amount', Case.disburse),
    (r'Customer makes "AUTOPAY" repayment on "(.+)" with ' + _EUR, Case.repay),
    (r'Customer makes "(?:REPAYMENT|MERCHANT_ISSUED_REFUND)" transaction with "AUTOPAY" payment type on "(.+)" with ' + _EUR
     + r" and .+ Idempotency key", Case.repay),
    (r'Loan Pay-off is made on "(.+)"', Case.pay_off),
    (r'Admin makes Credit Balance Refund transaction on "(.+)" with ' + _EUR, Case.refund),
    (r'Customer undo "1"th "Repayment" transaction made on "(.+)"', Case.undo),
    (r'Admin (puts|removes) "LOAN_INTEREST_RECALCULATION" business step into .+', Case.add_step),
    (r"Admin runs inline COB job for Loan", Case.close_day),
    (r"Admin runs the Add Periodic Accrual Transactions job", Case.accrue_all),
    (r'Admin does charge-off the loan on "(.+)"', Case.charge_off),
    (r"Admin does a charge-off undo the loan", Case.undo_charge_off),
    (r"Loan Repayment schedule has (\d+) periods, with the following data for periods:", Case.schedule),
    (r"Loan Repayment schedule has the following data in Total row:", Case.total),
    (r"Loan Transactions tab has the following data:", Case.transactions),
    (r'Loan Transactions tab has a transaction with date: "(.+)", and with the following data:', Case.has_accrual),
    (r'Loan status will be "(.+)"', Case.status),
    (r"Loan's all installments have obligations met", Case.all_met),
    (r"Admin creates a client with random data", Case.nothing),
    (r"Admin successfully approves the loan on .+", Case.nothing),
    (r'Global configuration "enable-business-date" is enabled', Case.nothing),
    (r'Admin set ".+" future installment allocation rule', Case.nothing),
    (r'LoanAccrualTransactionCreatedBusinessEvent is raised on ".+"', Case.nothing),
    (r'On Loan Transactions tab the "Charge-off" Transaction with date ".+" is reverted', Case.nothing),
]  # fmt: skip


# --- in or out ----------------------------------------------------------------------------------------------------------

#: Why a scenario is out of scope: the first that applies. A reason names what of ours stands for it, where something does.
OUT: list[tuple[Any, str]] = [
    (lambda s: s.says("fixed emi"), "publishes no schedule: how Fineract stores a fixed instalment and a moved first day"),
    (lambda s: s.file.startswith(("LoanProduct", "loanproduct")), "set-up of Fineract's loan products"),
    (lambda s: s.file == "LoanDelinquency.feature", "delinquency ranges and pauses of consumer loans; our days overdue are policy.py"),
    (lambda s: s.file == "LoanWriteOff.feature", "write-off of an interest-free loan: how Fineract books it"),
    (lambda s: s.file == "LoanChargeOff.feature", "charge-off of an interest-free or flat-rate loan: how Fineract books it, and its flags"),
    (lambda s: _flat(s), "flat interest on the amount first lent; renminbi loans bear interest by the day on what is owed"),
    (lambda s: s.says("Idempotency key as previous", "self-generated Idempotency", "second loan", "header"),
     "Fineract's idempotency headers, on interest-free loans; every command of ours has a key (shell/command.py)"),
    (lambda s: s.says("chargeback"), "chargebacks of card payments"),
    (lambda s: s.says("DOWNPAYMENT"), "down payments at the moment of sale, interest-free; a drawn credit line has none"),
    (lambda s: s.says("rescheduleLoan"), "Fineract's batch calls"),
    (lambda s: s.says("MERCHANT_ISSUED_REFUND", "PAYOUT_REFUND", "GOODWILL_CREDIT", "Refund happens"),
     "refunds of a merchant, on interest-free loans"),
    (lambda s: s.says("charge", "NSF fee", "Charge"), "Fineract's kinds of charges, on interest-free or flat-rate loans"),
    (lambda s: s.says("payment type on", "type with business date") or " payment type" in s.title.lower(),
     "payment types of Fineract, on interest-free loans"),
    (lambda s: any(w in s.title.lower() for w in ("undo", "reversed", "reversal", "backdated", "replay", "adjust")),
     "undoing payments of interest-free loans; in ours a booked payment stays, and a wrong one is answered by another"),
    (lambda s: "event" in s.title.lower() or "last payment" in s.title.lower() or "closed" in s.title.lower(),
     "Fineract's own events and fields about interest-free loans"),
    (lambda s: s.says("Fraud flag"), "Fineract's fraud flag"),
    (lambda s: s.says("external id"), "Fineract's external ids"),
    (lambda s: s.says("DUE_IN_ADVANCE", "ADVANCED_PAYMENT_ALLOCATION", "PAYMENT_STRATEGY"),
     "payment strategies of interest-free consumer loans; ours is one order, fixed by the contract"),
    (lambda s: True, "set-up, approval and drawing of interest-free loans in Fineract; no interest is published"),
]  # fmt: skip


def _flat(s: Scenario) -> bool:
    return any(
        r.get("interest type") == "FLAT" and Decimal(r.get("ANNUAL interest rate %") or 0) > 0
        for step in s.steps
        for r in step.rows
    ) or s.says("INTEREST_FLAT")


def in_scope(s: Scenario) -> bool:
    return s.says("DECLINING_BALANCE") and not s.says("fixed emi")


def why(s: Scenario) -> str:
    """What becomes of a scenario, in a few words."""
    if in_scope(s):
        if not any(step.text.startswith("Loan Repayment schedule") for step in s.steps):
            return "played; its accruals or its end compared (no schedule is published)"
        return "played; every published schedule compared to the cent"
    return next(reason for applies, reason in OUT if applies(s))


def listed(all_of_them: list[Scenario]) -> str:
    """The page that names every scenario. docs/algorithms/fineract-scenarios.md is this."""
    played = [s for s in all_of_them if in_scope(s)]
    lines = [
        "# The loan cases of Apache Fineract: which are ours, and why",
        "",
        "Source: apache/fineract, `fineract-e2e-tests` (Apache-2.0), commit 4198b0bcf9a9 of 2024-10-24. "
        f"{len(all_of_them)} scenarios in eight files; {len(played)} are in scope: every one with interest on a declining balance,"
        " by day or by period. `tests/test_fineract.py` plays them on `replay.py` and compares each published table, and holds this"
        " page to what it does (`UPDATE=1` writes it).",
        "",
        "| file, n | scenario | ours | why |",
        "|---|---|---|---|",
    ]
    for s in all_of_them:
        title = s.title.replace("|", "/")
        lines.append(f"| {s.id} | {title} | {'in' if in_scope(s) else 'out'} | {why(s)} |")
    return "\n".join(lines) + "\n"
