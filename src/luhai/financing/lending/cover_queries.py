"""What a draw would cost before it is asked for, and how draws stand against what secures them. For the pages of lending.

Answers are plain values, never ORM rows; balances come from the ledger.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from luhai.core.evidence import queries as evidence
from luhai.core.rules import queries as rules
from luhai.core.rules import rates
from luhai.core.rules.business_days import calendar
from luhai.kernel.money import Currency, Money
from luhai.kernel.origin import SYSTEM, Actor, Role
from luhai.kernel.refusal import Invalid, gettext_noop
from luhai.shell.query import SIGNED_IN, query

from . import books, policy
from .daycount import add_months
from .lifecycle import LENT, DrawState
from .models import Draw, Movement, Security
from .policy import Contract
from .queries import (
    Instalment,
    Named,
    Owed,
    Rated,
    book_of,
    contract_of,
    events_of,
    last_valuation,
    line_of,
    names_of,
    on_account,
    open_of,
    state_of,
    terms_of,
    totals_of,
)
from .replay import plan


@dataclass(frozen=True, slots=True)
class Cover:
    """A draw as it stands on a day: what is owed, and what secures it, in minor units of its currency.

    `value` is before the haircut: as the bank valued it last, else what its documents say, else unknown. Cash counts whole.
    """

    draw_id: UUID
    line_id: UUID
    number: str
    bank: Named
    company: Named
    purpose: str
    title_id: UUID | None
    pledge_id: UUID | None
    state: DrawState
    currency: str
    amount: int
    owed: Owed
    overdue_days: int
    haircut_percent: int
    value: int | None
    valued: str  # bank, documents, or "" where nobody has said
    valued_on: date | None
    document: str
    cash: int
    misused_on: date | None
    ends_on: date | None

    @property
    def worth(self) -> int | None:
        """What may be lent on it."""
        return None if self.value is None else policy.lendable(self.value, self.haircut_percent, self.cash)

    @property
    def percent(self) -> int | None:
        """How much of what is owed is covered; None while nothing is owed, or the worth is unknown."""
        return None if self.worth is None or not self.owed.total else self.worth * 100 // self.owed.total

    @property
    def short(self) -> int:
        return 0 if self.worth is None else max(self.owed.total - self.worth, 0)


@dataclass(frozen=True, slots=True)
class Paper:
    """A document that would stand behind a draw: its amount, and the same in the currency of the line."""

    evidence_id: UUID
    amount: int
    currency: str
    value: int
    rate: str
    rate_on: date | None


@dataclass(frozen=True, slots=True)
class Quote:
    """What a draw would cost and ask for if it were paid out on a day. `lendable` is what its documents are good for."""

    currency: str
    rate: Rated
    instalments: tuple[Instalment, ...]
    papers: tuple[Paper, ...]
    value: int
    haircut_percent: int
    lendable: int


@query(may=SIGNED_IN)
def covers(
    *, on: date, draw_ids: Iterable[UUID] | None = None, title_ids: Iterable[UUID] | None = None, viewer: Actor
) -> list[Cover]:
    """Draws that the viewer may see, of these ids or on these titles, last acted on first, as they stand on a day; at most 500."""
    rows = Draw.objects.select_related("line").order_by("-acted_at", "-id")
    if draw_ids is not None:
        rows = rows.filter(pk__in=list(draw_ids))
    if title_ids is not None:
        rows = rows.filter(title_id__in=list(title_ids))
    found = list(rows[:500])
    names = names_of([key for r in found for key in (r.line.bank_id, r.line.company_id)], viewer)
    return [_cover(r, on, names) for r in found]


@query(may=[Role.COMPANY, Role.BANK])
def quote(
    *, line_id: UUID, amount: int, repayment: dict[str, Any], papers: Sequence[tuple[UUID, int]] = (), on: date, viewer: Actor
) -> Quote:  # fmt: skip
    """What a draw paid out on a day would cost, and what the haircut leaves of the documents behind it.

    Units:   as `commands.request_draw`. A rate that is reset later is taken to stay as it is.
    Refuses: Absent, Invalid, DueTooLate, NoRate.
    """
    row = line_of(line_id)
    contract = contract_of(row)
    asked = policy.read_asked(repayment, contract)
    due = policy.days_of(asked, contract, on, calendar().business_day_from)
    rate = rate_on(contract, on, due[-1], on)
    terms = policy.terms_of(contract, asked.method, on, due, [(on, rate.bp)])
    shown = tuple(_paper(n, key, part, row.currency, on, viewer) for n, (key, part) in enumerate(papers))
    value = sum(p.value for p in shown)
    return Quote(
        row.currency, rate,
        tuple(Instalment(x.n, x.due, x.principal, x.interest, x.balance, 0, x.total, None) for x in plan(terms, amount)),
        shown, value, contract.haircut_percent, policy.lendable(value, contract.haircut_percent),
    )  # fmt: skip


# --- inside -------------------------------------------------------------------------------------------------------------


def rate_on(contract: Contract, start: date, end: date, day: date) -> Rated:
    """What a draw from `start` to `end` costs from a day on: the prime rate of its term then, and the spread."""
    months = int(rules.value_on(key="lending.five_year_months", on=day, territory=None, viewer=SYSTEM).value)
    key = "lpr.five_years" if end > add_months(start, months) else "lpr.one_year"
    prime = rules.value_on(key=key, on=day, territory=None, viewer=SYSTEM)
    bp = prime.in_unit("bp")
    return Rated(day, max(bp + contract.spread_bp, 0), bp, key, prime.valid_from, prime.confidence)


def owed_on(row: Draw, on: date) -> dict[str, int]:
    """What is owed on a day: what is on the ledger, and what has grown in nights that no close has booked yet.

    Of a payment that came through the escrow and was not written down yet nothing more is worked out: the next act on the draw does.
    """
    open_, lent = open_of(row), totals_of(row)
    moved = list(Movement.objects.filter(draw=row).order_by("n"))
    known = all(credits == sum(getattr(m, bucket) for m in moved) for bucket, (_, credits) in lent.items())
    until = min(on, row.arrived_on) if row.arrived_on else on
    if row.state not in LENT or not known or (row.closed_on is not None and until <= row.closed_on):
        return open_
    contract = contract_of(row.line)
    now = policy.grown(
        terms_of(row), events_of(row, moved), until, surcharge=contract.surcharge_percent, grace_days=contract.grace_days,
        misuse=contract.misuse_percent, misused_on=row.misused_on,
    )  # fmt: skip
    for bucket, grown in (("interest", now.interest), ("penalty", now.penalty)):
        open_[bucket] += max(grown - lent[bucket][0], 0)
    return open_


def _cover(row: Draw, on: date, names: dict[UUID, Named]) -> Cover:
    contract, open_ = contract_of(row.line), owed_on(row, on)
    book = book_of(row, on) if row.starts_on else None
    lent = row.state in LENT and book is not None
    value, valued, valued_on, document = None, "", None, ""
    if (last := last_valuation(row)) is not None:
        value, valued, valued_on, document = last.value, "bank", last.on, last.document
    elif papers := list(Security.objects.filter(draw=row).values_list("value", flat=True)):
        value, valued = sum(papers), "documents"
    return Cover(
        row.pk, row.line_id, row.line.number, names[row.line.bank_id], names[row.line.company_id], row.purpose, row.title_id,
        row.pledge_id, state_of(row, book, open_, on), row.line.currency, row.amount, Owed(**open_),
        policy.days_overdue(book, on - timedelta(1), contract.grace_days) if lent and book else 0, contract.haircut_percent,
        value, valued, valued_on, document, on_account(books.owed_account(row.pk, "margin")) if row.starts_on else 0,
        row.misused_on, row.due[-1] if row.due else None,
    )  # fmt: skip


def _paper(n: int, key: UUID, amount: int, currency: str, on: date, viewer: Actor) -> Paper:
    seen = evidence.evidence(evidence_id=key, viewer=viewer)
    if seen.currency not in {c.value for c in Currency}:
        raise Invalid(field=f"evidence[{n}].evidence_id", problem=gettext_noop("a document with an amount, listed once"))
    if seen.currency == currency:
        return Paper(key, amount, currency, amount, "1", None)
    rate = rates.reference(Currency(seen.currency), Currency(currency), on)
    value = rate.convert(Money(amount, Currency(seen.currency))).minor
    return Paper(key, amount, seen.currency, value, str(rate.value), rate.on)
