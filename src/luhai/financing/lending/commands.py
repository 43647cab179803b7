"""Everything that can be done to a draw on a line: asked for, approved, paid out, repaid, closed day by day.

Locks: the line's own row, then the draw's; the escrow's; then titles, evidence, and one linked ledger batch. (Where the last of a loan
is repaid, its interest is booked in a batch before the escrow's own.)

What is owed is on the ledger (books.py). A lower floor that pays into the escrow needs to know nothing of loans: what came is seen on
the accounts and written down by the next act on the draw, or the next close (`_catch_up`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from django.db import IntegrityError, transaction

from luhai.core.escrow import commands as escrow
from luhai.core.escrow import queries as escrow_queries
from luhai.core.evidence import commands as evidence
from luhai.core.evidence import queries as evidence_queries
from luhai.core.indicators.dimensions import GREENS, term_of
from luhai.core.ledger import commands as ledger
from luhai.core.ledger import queries as accounts
from luhai.core.ledger.policy import Account, Kind, Transfer
from luhai.core.parties import queries as parties
from luhai.core.rules import rates
from luhai.core.rules.business_days import calendar
from luhai.core.titles import queries as titles
from luhai.kernel.money import MAX_MINOR, Currency, Money
from luhai.kernel.origin import SYSTEM, Origin, Role
from luhai.kernel.refusal import Absent, Invalid, Refusal, gettext_noop
from luhai.records.transport import queries as transport
from luhai.shell.command import command, record
from luhai.shell.context import as_system

from . import books, policy
from .cover_queries import rate_on
from .daycount import Unit, due_days
from .lifecycle import DRAW_NEXT, LENT, LINE_LIVE, DrawAct, DrawState, LineState
from .line_commands import BANK_OF, COMPANY_OF, MEASURES, SamePerson, entitled, locked, reason_of, stated
from .models import DayClose, Draw, Event, Fee, Fixing, Limit, Line, Movement, Receipt, Security, Valuation
from .policy import BUCKETS, Contract
from .queries import (
    book_of,
    contract_of,
    events_of,
    last_valuation,
    on_account,
    path_of,
    to_close,
)
from .replay import Drawn, Paid, replay
from .schedule import Method, Terms

DAY: Final = timedelta(days=1)
#: With a document of title: finance on rail documents, security on movables.
SECURED_BY_TITLE: Final = [*MEASURES, "M05-08", "M06-08"]
#: How long the escrow of a draw waits after the last due day before it gives everything back.
WAITS: Final = timedelta(days=1096)
#: More than is owed may come into the escrow; what is left goes to the company. Times the amount drawn.
ROOM: Final = 3
MOST_SECURITIES: Final = 50


class DrawActNotAllowed(Refusal):
    code = "lending.draw_act_not_allowed"
    message = gettext_noop("%(act)s is not allowed while the draw is %(state)s.")


class LineNotInForce(Refusal):
    code = "lending.line_not_in_force"
    message = gettext_noop("Nothing is drawn while the line is %(state)s.")


class NotPledged(Refusal):
    code = "lending.not_pledged"
    message = gettext_noop("The title is not pledged to the bank by the company for at least %(quantity)s.")


class NotStanding(Refusal):
    code = "lending.not_standing"
    message = gettext_noop("A document behind this draw is about another party, or was taken back.")


class NotArrived(Refusal):
    code = "lending.not_arrived"
    message = gettext_noop("Nothing waits for the bank's check: all that is owed has not come.")


# --- asking and granting ------------------------------------------------------------------------------------------------


@command(may=[Role.COMPANY])
def request_draw(
    *, draw_id: UUID, line_id: UUID, limit: str, amount: int, purpose: str, repayment: dict[str, Any],
    to_account: UUID | None = None, title_id: UUID | None = None, quantity: int | None = None,
    evidence_: list[dict[str, Any]] | None = None, insurance_id: UUID | None = None, origin: Origin,
) -> UUID:  # fmt: skip
    """Ask to draw on a line, and agree to how it will be repaid; return the draw's id.

    Who:     the company of the line.
    Units:   `amount` in minor units of the line's currency; `limit` the name of the sub-limit; `repayment` as policy.read_asked.
             `title_id` is a title that the company has pledged to the bank for `quantity` (all that is pledged, unless said).
             `evidence_` are documents that stand behind it: {"evidence_id", "amount"} in minor units of the document.
    Writes:  the Draw, its Securities, the escrow of its repayment, to which the company agrees.
    Refuses: Absent, NotEntitled, LineNotInForce, Invalid, DueTooLate, NotPledged, NotStanding, TooLittleSecurity, NoRate.
    Source:  domain notes on financing §6.1 (INV-CL-3, INV-CL-5); measures M05-07, M05-08.
    """
    line, contract = _live(line_id)
    entitled(line.company_id, COMPANY_OF, origin)
    today = calendar().local_date(origin.at)
    node = Limit.objects.filter(line=line, name=limit).first()
    if node is None:
        raise Invalid(field="limit", problem=gettext_noop("the name of a limit of this line"))
    _amount("amount", amount)
    if not isinstance(purpose, str) or not 0 < len(purpose.strip()) <= 200:
        raise Invalid(field="purpose", problem=gettext_noop("what the money is for, in 1 to 200 characters"))
    asked = policy.read_asked(repayment, contract)
    due = policy.days_of(asked, contract, today, calendar().business_day_from)
    row = Draw(
        id=draw_id, line=line, limit=node, amount=amount, purpose=purpose.strip(), method=asked.method.value,
        repayment={"method": asked.method, "number": asked.number, "every": asked.every, "unit": asked.unit},
        to_account=to_account or books.deposit_account(line.bank_id, line.company_id, line.currency),
        escrow_id=uuid5(draw_id, "repayment"), title_id=title_id, quantity=quantity, insurance_id=insurance_id,
        requested_by=origin.actor.person_id, requested_at=origin.at, acted_at=origin.at,
    )  # fmt: skip
    if to_account is not None:
        _own_account(to_account, line, origin)
    if contract.needs_pledge and title_id is None:
        raise Invalid(field="title_id", problem=gettext_noop("needed"))
    if contract.needs_insurance and insurance_id is None:
        raise Invalid(field="insurance_id", problem=gettext_noop("needed"))
    if title_id is not None:
        row.pledge_id, row.quantity = _pledge(row, line)
    securities = _securities(row, line, contract, evidence_ or [], today)
    if securities and policy.lendable(sum(s.value for s in securities), contract.haircut_percent) < amount:
        worth = policy.lendable(sum(s.value for s in securities), contract.haircut_percent)
        raise policy.TooLittleSecurity(lendable=worth, asked=amount)
    if insurance_id is not None:
        _standing(insurance_id, line.company_id)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        raise Invalid(
            field="draw_id", problem=gettext_noop("an id, and a pledge, that no other draw has")
        ) from None
    Security.objects.bulk_create(securities)
    _note(row, line, DrawAct.REQUEST, origin, {"amount": amount, "due": due[-1].isoformat(), "limit": limit})
    ledger.open_accounts(
        books.accounts_of_draw(row.pk, line.bank_id, line.company_id, line.currency), at=origin.at
    )
    escrow.set_up(
        escrow_id=row.escrow_id, terms=_repayment_terms(row, line, due[-1]), kinds=books.KINDS, origin=origin
    )
    _agree(row, origin)
    return draw_id


@command(may=[Role.BANK])
def approve_draw(*, draw_id: UUID, green: str = "", origin: Origin) -> UUID:
    """Approve a draw; its limits are held and its documents are used from now on. Return its id.

    Who:     the bank of the line, which says whether the loan is `green` ("Y", "N"; "" not stated), as it must classify its loans.
    Writes:  a use for financing of each document; a hold on every limit on its path; the state.
    Refuses: Absent, NotEntitled, LineNotInForce, DrawActNotAllowed, NotPledged, NotStanding, Invalid (green), evidence.* (used up …),
             ledger.exceeds_credits (a limit on the path has not that much free).
    Source:  INV-CL-1, INV-CL-7; domain notes on settlement §1.3 (a document is financed once).
    """
    row, line = _for_act(draw_id, DrawAct.APPROVE, origin, bank_only=True)
    stated("green", green, GREENS)
    row.green = green
    _in_force(line)
    if row.title_id is not None and _pledge(row, line)[0] != row.pledge_id:
        raise NotPledged(quantity=row.quantity)
    if row.insurance_id is not None:
        _standing(row.insurance_id, line.company_id)
    for s in Security.objects.filter(draw=row).order_by("evidence_id"):
        _standing(s.evidence_id, line.company_id)
        evidence.draw(
            use_id=s.use_id, evidence_id=s.evidence_id, purpose="financing", amount=s.amount, currency=s.currency,
            user_id=line.bank_id, origin=origin,
        )  # fmt: skip
    batch = books.Batch(row.pk, origin.key, line.currency)
    row.holds = {
        str(x.pk): str(
            batch.hold(
                books.limit_account(x.pk), books.limit_account(x.pk, "used"), row.amount, "lending.reserve"
            )
        )
        for x in path_of(row.limit)
    }
    row.approved_by = origin.actor.person_id
    _move(row, line, DrawAct.APPROVE, DrawState.RESERVED, origin, {"amount": row.amount})
    ledger.post_all(batch.transfers, at=origin.at)
    return draw_id


@command(may=[Role.BANK, Role.COMPANY])
def refuse_draw(*, draw_id: UUID, reason: str, origin: Origin) -> UUID:
    """Do not grant a draw, or give it up, before the money has moved; return its id.

    Who:     the bank, or the company.
    Writes:  everything held and used for it is free again; its escrow ends.
    """
    row, line = _for_act(draw_id, DrawAct.REFUSE, origin)
    said, reserved = reason_of(reason), row.state == DrawState.RESERVED
    if escrow_queries.escrow(
        escrow_id=row.escrow_id, viewer=SYSTEM
    ).live:  # a party may have withdrawn it already
        escrow.withdraw(escrow_id=row.escrow_id, reason=said, origin=origin.child("withdraw"))
    batch = books.Batch(row.pk, origin.key, line.currency)
    if reserved:
        _free_evidence(row, said, origin)
        for hold in sorted(row.holds.values()):
            batch.end(UUID(hold), Kind.RELEASE, "lending.unreserve")
    _move(row, line, DrawAct.REFUSE, DrawState.REFUSED, origin, {"reason": said})
    ledger.post_all(batch.transfers, at=origin.at)
    return draw_id


@command(may=[Role.BANK])
def disburse(*, draw_id: UUID, origin: Origin) -> UUID:
    """Pay a draw out: the money is the company's, the loan begins. Return its id.

    Who:     another person of the bank than who approved it.
    Writes:  its rate and due days; one linked batch (limits used, principal owed, money on the company's account); the bank agrees to
             the escrow of the repayment and hands its pledge over to it.
    Refuses: Absent, NotEntitled, SamePerson, LineNotInForce, DrawActNotAllowed, DueTooLate, NotPledged, ledger.* (a frozen account).
    Source:  domain notes on financing §6.1, §6.4 (rate from the prime rate of the day, and a spread).
    """
    row, line = _for_act(draw_id, DrawAct.DISBURSE, origin, bank_only=True)
    contract = _in_force(line)
    if origin.actor.person_id == row.approved_by:
        raise SamePerson()
    today = calendar().local_date(origin.at)
    if row.title_id is not None and _pledge(row, line)[0] != row.pledge_id:
        raise NotPledged(quantity=row.quantity)
    asked = policy.read_asked(row.repayment, contract)
    row.due = list(policy.days_of(asked, contract, today, calendar().business_day_from))
    row.starts_on, row.paid_out_by = today, origin.actor.person_id
    row.route = transport.route(title_id=row.title_id, viewer=SYSTEM) if row.title_id else ""
    fixed: list[tuple[date, int]] = []
    versions = _fix(row, contract, today, today, fixed)
    _agree(row, origin)
    if row.title_id is not None:
        escrow.deposit_title(escrow_id=row.escrow_id, title_id=row.title_id, origin=origin.child("deposit"))
    else:  # nothing waits to be released, so nothing waits for a check
        escrow.confirm(escrow_id=row.escrow_id, condition="checked", origin=origin.child("checked"))
    bp = dict(fixed)[today]
    _move(
        row, line, DrawAct.DISBURSE, DrawState.DISBURSED, origin,
        {"amount": row.amount, "rate_bp": bp, "due": row.due[-1].isoformat()}, rules_=versions,
    )  # fmt: skip
    batch = books.Batch(row.pk, origin.key, line.currency)
    books.lend(batch, row.pk, row.to_account, row.amount, row.holds)
    ledger.post_all(batch.transfers, at=origin.at)
    return draw_id


# --- repaying -----------------------------------------------------------------------------------------------------------


@command(may=[Role.BANK])
def receive_deposit(*, line_id: UUID, amount: int, reference: str, origin: Origin) -> UUID:
    """Book money that came from outside for the company of a line, on its deposit account; return that account's id.

    Who:     the bank of the line.
    Refuses: Absent, NotEntitled, Invalid, LineNotInForce (it never was), ledger.*.
    """
    line = locked(line_id)
    entitled(line.bank_id, BANK_OF, origin)
    _amount("amount", amount)
    said = reason_of(reference)
    deposit = books.deposit_account(line.bank_id, line.company_id, line.currency)
    if deposit not in accounts.balances(account_ids=[deposit], viewer=SYSTEM):
        raise LineNotInForce(state=line.state)
    batch = books.Batch(line.pk, origin.key, line.currency)
    batch.post(books.bank_account(line.bank_id, "funds", line.currency), deposit, amount, "lending.deposit")
    record("lending.deposit_received", line.pk, amount=amount, currency=line.currency, reference=said)
    ledger.post_all(batch.transfers, at=origin.at)
    return deposit


@command(may=[Role.COMPANY])
def pay_out(
    *, line_id: UUID, amount: int, reference: str, to_account: UUID | None = None, origin: Origin
) -> UUID:
    """Pay from the deposit account to an account of the company's own, or (none said) out of the bank; return the deposit's id.

    Who:     the company of the line, to whom the money belongs.
    Refuses: Absent, NotEntitled, Invalid, ledger.* (too little on the account, frozen, or none was opened).
    """
    line = locked(line_id)
    entitled(line.company_id, COMPANY_OF, origin)
    _amount("amount", amount)
    said = reason_of(reference)
    if to_account is not None:
        _own_account(to_account, line, origin)
    deposit = books.deposit_account(line.bank_id, line.company_id, line.currency)
    batch = books.Batch(line.pk, origin.key, line.currency)
    batch.post(
        deposit,
        to_account or books.bank_account(line.bank_id, "funds", line.currency),
        amount,
        "lending.pay_out",
    )
    record("lending.paid_out", line.pk, amount=amount, currency=line.currency, reference=said, to=to_account)
    ledger.post_all(batch.transfers, at=origin.at)
    return deposit


@command(may=[Role.BANK, Role.COMPANY])
def repay(*, draw_id: UUID, amount: int | None = None, origin: Origin) -> UUID:
    """Repay a draw, or a part of it, from the company's deposit account, on any day; return the draw's id.

    Who:     the company; the bank for it.
    Units:   `amount` in minor units; None: all that is owed today. More than is owed stays on the account.
    Writes:  the interest to the night before; the payment, in the order of the contract; limits that it frees (INV-CL-4). The last of
             a loan moves through its escrow, together with the release of the pledge: when the company pays it, the money waits for
             the bank's check, and nothing grows any more meanwhile.
    Refuses: Absent, NotEntitled, DrawActNotAllowed, Invalid, ledger.exceeds_credits (too little on the account).
    Source:  domain notes on financing §6.1 (interest on used days only), INV-LN-2, INV-LN-4.
    """
    row, line = _for_act(draw_id, DrawAct.REPAY, origin)
    if amount is not None:
        _amount("amount", amount)
    _pay(_begin(row, line, origin), amount, origin)
    return draw_id


@command(may=[Role.BANK, Role.OPERATOR])
def collect_due(*, draw_id: UUID, origin: Origin) -> int:
    """Take what is due from the company's deposit account, as far as it reaches; return how much.

    Who:     the bank, or the system on every business day.
    """
    row, line = _for_act(draw_id, DrawAct.REPAY, origin, bank_only=True)
    run = _caught_up(row, line, origin)
    taken = 0
    if row.state in LENT and row.arrived_on is None:
        due = policy.due_of(book_of(row, run.on), run.on, run.open)
        taken = min(sum(due.values()), on_account(run.deposit))
    if taken == 0:
        _finish(run, DrawAct.REPAY, {}, origin)
        return 0
    if taken == sum(run.open.values()):
        _pay(run, taken, origin)
    else:
        _serve(run, policy.allocate(taken, due, run.contract.order), run.deposit, "collected")
        _finish(run, DrawAct.REPAY, {"amount": taken}, origin)
    return taken


@command(may=[Role.BANK])
def check_arrival(*, draw_id: UUID, origin: Origin) -> UUID:
    """Check that all that is owed has come; the loan is repaid and its pledge released, at once and together. Return the draw's id.

    Who:     the bank.
    Refuses: Absent, NotEntitled, NotArrived, DrawActNotAllowed, and what carrying out the escrow refuses.
    """
    row, line = _for_act(draw_id, DrawAct.REPAY, origin, bank_only=True)
    if row.arrived_on is None:
        raise NotArrived()
    run = _begin(row, line, origin)
    _settle(run, books.owed_account(row.pk, "suspense"), origin)
    return draw_id


@command(may=[Role.BANK])
def receive_foreign(
    *, receipt_id: UUID, draw_id: UUID, currency: str, amount_minor: int, rate: str | None = None, source: str | None = None,
    origin: Origin,
) -> UUID:  # fmt: skip
    """Repay a draw with money that came in another currency; return the receipt's id.

    Who:     the bank, which buys the money from the company.
    Units:   `amount_minor` of `currency`. `rate` is what one unit of it is in the loan's currency, stated by `source`; without it the
             reference rate of the day holds. Rounded half up, once.
    Writes:  the Receipt with rate, day and source; both sides of the exchange; then as `repay`. What is left stays on the deposit.
    Refuses: Absent, NotEntitled, DrawActNotAllowed, Invalid, NoRate, ledger.*.
    """
    row, line = _for_act(draw_id, DrawAct.REPAY, origin, bank_only=True)
    _amount("amount_minor", amount_minor)
    if currency not in {c.value for c in Currency} - {line.currency}:
        raise Invalid(
            field="currency", problem=gettext_noop("another currency than that of the loan, such as USD")
        )
    if Receipt.objects.filter(pk=receipt_id).exists():
        raise Invalid(field="receipt_id", problem=gettext_noop("this id is taken; choose another"))
    of, into, today = Currency(currency), Currency(line.currency), calendar().local_date(origin.at)
    found = (
        rates.reference(of, into, today)
        if rate is None
        else rates.stated(of, into, rate, today, source or "")
    )
    value = found.convert(Money(amount_minor, of))
    Receipt.objects.create(
        id=receipt_id, draw=row, currency=currency, amount=amount_minor, rate=str(found.value), rate_on=found.on,
        source=found.source, value=value.minor, at=origin.at,
    )  # fmt: skip
    record(
        "lending.foreign_received", row.pk, currency=currency, amount=amount_minor, rate=str(found.value),
        rate_on=found.on, source=found.source, value=value.minor,
    )  # fmt: skip
    run = _begin(row, line, origin)
    ledger.open_accounts(
        [
            Account(
                id=books.bank_account(line.bank_id, what, unit),
                unit=unit,
                kind=f"lending.{what}",
                owner_id=line.bank_id,
            )
            for unit in (currency, line.currency)
            for what in ("funds", "position")
        ],
        at=origin.at,
    )
    run.batch.post(
        books.bank_account(line.bank_id, "funds", currency), books.bank_account(line.bank_id, "position", currency),
        amount_minor, "lending.exchange", unit=currency,
    )  # fmt: skip
    run.batch.post(
        books.bank_account(line.bank_id, "position", line.currency),
        run.deposit,
        value.minor,
        "lending.exchange",
    )
    if row.arrived_on is None:
        _pay(run, value.minor, origin)
    else:
        _finish(run, DrawAct.REPAY, {}, origin)
    return receipt_id


@command(may=[Role.BANK])
def charge_fee(*, fee_id: UUID, draw_id: UUID, amount: int, reason: str, origin: Origin) -> UUID:
    """Charge a fee on a draw; it is owed at once. Return the fee's id. Who: the bank. Refuses: as `repay`."""
    row, line = _for_act(draw_id, DrawAct.REPAY, origin, bank_only=True)
    _amount("amount", amount)
    said = reason_of(reason)[:200]
    if row.arrived_on is not None:
        raise DrawActNotAllowed(act="charge_fee", state=row.state)
    if Fee.objects.filter(pk=fee_id).exists():
        raise Invalid(field="fee_id", problem=gettext_noop("this id is taken; choose another"))
    Fee.objects.create(id=fee_id, draw=row, amount=amount, reason=said, at=origin.at)
    run = _begin(row, line, origin)
    books.grow(run.batch, row.pk, "fees", amount)
    run.open["fees"] += amount
    record("lending.fee_charged", row.pk, fee=fee_id, amount=amount, reason=said)
    _finish(run, None, {}, origin)
    return fee_id


# --- security and misuse ------------------------------------------------------------------------------------------------


@command(may=[Role.BANK])
def revalue(*, valuation_id: UUID, draw_id: UUID, value: int, document: str, origin: Origin) -> int:
    """Write down what the security of a draw is worth now; return what is missing (0 if nothing), which is a call for margin.

    Who:     the bank. `document` is the valuation.
    Units:   `value` in minor units of the loan's currency, before the haircut. Cash margin counts whole.
    """
    row, line = _for_act(draw_id, DrawAct.REPAY, origin, bank_only=True)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_MINOR:
        raise Invalid(field="value", problem=f"a whole number from 0 to {MAX_MINOR}")
    said = reason_of(document)[:200]
    if Valuation.objects.filter(pk=valuation_id).exists():
        raise Invalid(field="valuation_id", problem=gettext_noop("this id is taken; choose another"))
    run = _begin(row, line, origin)
    cash = on_account(books.owed_account(row.pk, "margin"))
    short = policy.shortfall(sum(run.open.values()), value, run.contract.haircut_percent, cash)
    Valuation.objects.create(
        id=valuation_id, draw=row, on=run.on, value=value, short=short, document=said, at=origin.at
    )
    record(
        "lending.margin_call" if short else "lending.revalued",
        row.pk,
        value=value,
        short=short,
        document=said,
    )
    _finish(run, None, {}, origin)
    return short


@command(may=[Role.COMPANY])
def put_margin(*, draw_id: UUID, amount: int, origin: Origin) -> UUID:
    """Put cash from the deposit account behind a draw; it comes back when the draw is repaid. Return the draw's id.

    Who:     the company. Refuses: as `repay`.
    """
    row, line = _for_act(draw_id, DrawAct.REPAY, origin)
    entitled(line.company_id, COMPANY_OF, origin)
    _amount("amount", amount)
    batch = books.Batch(row.pk, origin.key, line.currency)
    deposit = books.deposit_account(line.bank_id, line.company_id, line.currency)
    batch.post(deposit, books.owed_account(row.pk, "margin"), amount, "lending.margin")
    last = last_valuation(row)
    record("lending.margin_put", row.pk, amount=amount, asked=last.short if last else 0)
    ledger.post_all(batch.transfers, at=origin.at)
    return draw_id


@command(may=[Role.BANK])
def mark_misused(*, draw_id: UUID, document: str, origin: Origin) -> UUID:
    """Say that a loan was used for another purpose; from today on it bears the surcharge for misuse, and no other. Return its id.

    Who:     the bank; `document` proves it.
    Source:  domain notes on financing §6.4 (misuse +50…100 %, never together with the surcharge on what is overdue).
    """
    row, line = _for_act(draw_id, DrawAct.REPAY, origin, bank_only=True)
    if row.misused_on is not None or row.arrived_on is not None:
        raise DrawActNotAllowed(act="mark_misused", state=row.state)
    said = reason_of(document)[:200]
    run = _begin(row, line, origin)
    row.misused_on = run.on
    _finish(run, None, {}, origin)
    record("lending.misused", row.pk, on=run.on, document=said)
    return draw_id


# --- the close of business ----------------------------------------------------------------------------------------------


@command(may=[Role.OPERATOR])
def close_day(*, draw_id: UUID, day: date, origin: Origin) -> int:
    """Close every business day of a draw up to and including `day`; return how many were closed. Again: none, and nothing changes.

    Who:     the system, after business; `luhai lending close` for a day that was missed.
    Writes:  for each day what grew in its night, on the ledger and as a DayClose; a new rate on its day; the draw's state.
    Refuses: Absent, Invalid (a day that is not over). A draw that has ended closes no day.
    Source:  INV-LN-3, INV-LN-5.
    """
    if not isinstance(day, date) or day > calendar().local_date(origin.at):
        raise Invalid(field="day", problem=gettext_noop("a day that has come"))
    with as_system():
        row, line = _locked(draw_id)
        if row.state not in LENT or row.starts_on is None or day < row.starts_on:
            return 0
        if row.closed_on is not None and day <= row.closed_on:
            return 0
        run = _Run(row, line, origin)
        _catch_up(run, origin)
        if row.state in LENT:
            _grow(run, day)
        _finish(run, DrawAct.CLOSE_DAY, {"day": day.isoformat()}, origin)
        return run.closed


def close_business(day: date, at: datetime) -> dict[str, int]:
    """Collect what is due and close a day for every draw: how many were collected from and closed, and how many refused. Again: none.

    Who:     the job of every evening, and `luhai lending close`. One command a draw, so that one that is refused stops no other; money
             is collected on the day itself alone, since what comes later is booked later.
    """
    counts = {"collected": 0, "closed": 0, "refused": 0}
    after: UUID | None = None
    while found := to_close(day=day, after=after, viewer=SYSTEM):
        for draw in found:
            try:
                if day == calendar().local_date(at):
                    taken = collect_due(draw_id=draw, origin=_of_day("collect", draw, day, at))
                    counts["collected"] += taken > 0
                counts["closed"] += (
                    close_day(draw_id=draw, day=day, origin=_of_day("close", draw, day, at)) > 0
                )
            except Refusal:  # an account is frozen: the journal says which, and the next day asks again
                counts["refused"] += 1
        after = found[-1]
    return counts


def _of_day(what: str, draw: UUID, day: date, at: datetime) -> Origin:
    return Origin(SYSTEM, uuid5(draw, f"luhai:lending.{what}:{day.isoformat()}:{at.isoformat()}"), at)


class _Run:
    """One act on a draw that money is lent on: what is owed as it goes, and the batch that it will post."""

    def __init__(self, row: Draw, line: Line, origin: Origin) -> None:
        self.row, self.line, self.contract = row, line, contract_of(line)
        self.batch = books.Batch(row.pk, origin.key, line.currency)
        #: Of each bucket what is owed; what was ever owed and what ever came, as it is on the ledger until this act's batch is posted.
        self.open, self.totals = _sums(row)
        self.movements: list[Movement] = []
        self.rates = [(f.since, f.bp) for f in Fixing.objects.filter(draw=row).order_by("since")]
        self.closed = 0
        #: What grew in this act, and is not on the ledger before its batch is posted.
        self.grew = {"interest": 0, "penalty": 0}
        self.at = origin.at
        assert row.starts_on is not None, row.pk
        today = calendar().local_date(origin.at)
        #: The business day on which what comes now is booked: a day that was closed takes nothing any more.
        self.on = max(today, row.starts_on, row.closed_on + DAY if row.closed_on else row.starts_on)
        self.deposit = books.deposit_account(line.bank_id, line.company_id, line.currency)

    def terms(self) -> Terms:
        assert self.row.starts_on is not None, self.row.pk
        return policy.terms_of(self.contract, Method(self.row.method), self.row.starts_on, self.row.due, self.rates)

    def events(self) -> list[Drawn | Paid]:
        return events_of(self.row, self.movements)


def _sums(row: Draw) -> tuple[dict[str, int], dict[str, tuple[int, int]]]:
    """`open_of` and `totals_of` of the same moment."""
    wanted = {books.owed_account(row.pk, bucket): bucket for bucket in BUCKETS}
    open_, totals = {bucket: 0 for bucket in BUCKETS}, {bucket: (0, 0) for bucket in BUCKETS}
    for key, balance in accounts.balances(account_ids=wanted, viewer=SYSTEM).items():
        open_[wanted[key]] = balance.available or 0
        totals[wanted[key]] = (balance.debits_posted, balance.credits_posted)
    return open_, totals


def _begin(row: Draw, line: Line, origin: Origin) -> _Run:
    """What came meanwhile is written down, and what grew up to last night is owed. Refuses: DrawActNotAllowed (all was repaid)."""
    run = _caught_up(row, line, origin)
    if row.state not in LENT:
        raise DrawActNotAllowed(act=str(DrawAct.REPAY), state=row.state)
    return run


def _caught_up(row: Draw, line: Line, origin: Origin) -> _Run:
    run = _Run(row, line, origin)
    with as_system():
        _catch_up(run, origin)
    if row.state in LENT and row.starts_on is not None and run.on > row.starts_on:
        _grow(run, run.on - DAY)
    return run


def _grow(run: _Run, through: date) -> None:
    """Close the days up to `through` that are still open; what grew is owed with this batch."""
    row, contract = run.row, run.contract
    assert row.starts_on is not None, row.pk
    first = row.closed_on + DAY if row.closed_on else row.starts_on
    if first > through:
        return
    _fix(row, contract, row.starts_on, through, run.rates)
    terms, events, lent = run.terms(), run.events(), run.totals
    so_far = start = policy.Grown(lent["interest"][0] + run.grew["interest"], lent["penalty"][0] + run.grew["penalty"])
    closes = []
    for n in range((through - first).days + 1):
        day = first + n * DAY
        stops = row.arrived_on is not None and day >= row.arrived_on
        now = so_far if stops else policy.grown(
            terms, events, day + DAY, surcharge=contract.surcharge_percent, grace_days=contract.grace_days,
            misuse=contract.misuse_percent, misused_on=row.misused_on,
        )  # fmt: skip
        new = {"interest": now.interest - so_far.interest, "penalty": now.penalty - so_far.penalty}
        assert min(new.values()) >= 0, (row.pk, day, new)
        for bucket, amount in new.items():
            run.open[bucket] += amount
        so_far, book = now, replay(terms, events, max([day, *(e.on for e in events)]))
        closes.append(
            DayClose(
                draw=row, day=day, **new, principal=run.open["principal"],
                state=policy.state_of(book, row.amount, run.open, day, contract.grace_days),
                overdue_days=policy.days_overdue(book, day, contract.grace_days),
            )
        )  # fmt: skip
    DayClose.objects.bulk_create(closes)
    run.closed += len(closes)
    for bucket, amount in (("interest", so_far.interest - start.interest), ("penalty", so_far.penalty - start.penalty)):
        books.grow(run.batch, row.pk, bucket, amount)
        run.grew[bucket] += amount
    row.closed_on = through


def _catch_up(run: _Run, origin: Origin) -> None:
    """Write down what came through the escrow, by whomever it was carried out; what that frees is free from now on."""
    row = run.row
    booked = {bucket: 0 for bucket in BUCKETS}
    run.movements = list(Movement.objects.filter(draw=row).order_by("n"))
    for m in run.movements:
        for bucket in BUCKETS:
            booked[bucket] += getattr(m, bucket)
    came = {bucket: credits - booked[bucket] for bucket, (_, credits) in run.totals.items()}
    assert min(came.values()) >= 0, (row.pk, came)
    if not any(came.values()):
        return
    ended = escrow_queries.escrow(escrow_id=row.escrow_id, viewer=SYSTEM).outcome
    day = calendar().local_date(ended.at) if ended else run.on
    if row.arrived_on is None:  # what grew in nights that no close had booked by then is owed all the same
        _grow(run, day - DAY)
    floor = row.closed_on + DAY if row.closed_on else row.starts_on
    _moved(run, came, "escrow", max(day, floor or day))
    if any(run.open.values()) and row.pledge_id is not None and ended is not None:
        record("lending.released_short", row.pk, owed=sum(run.open.values()))
    if not any(run.open.values()):  # what waited for a check is not needed any more
        waiting = books.owed_account(row.pk, "suspense")
        run.batch.post(waiting, run.deposit, on_account(waiting), "lending.surplus")
    _end_if_repaid(run, "repaid through its escrow", origin)


def _pay(run: _Run, amount: int | None, origin: Origin) -> None:
    """From the deposit: all that is owed through the escrow, or a part in the order of the contract."""
    row, owed = run.row, sum(run.open.values())
    if row.arrived_on is not None:
        raise DrawActNotAllowed(act=str(DrawAct.REPAY), state=row.state)
    if amount is not None and amount < owed:
        _serve(run, policy.allocate(amount, run.open, run.contract.order), run.deposit, "repaid")
        _finish(run, DrawAct.REPAY, {"amount": amount}, origin)
    elif row.pledge_id is not None and origin.actor.party_id != run.line.bank_id:
        run.batch.post(run.deposit, books.owed_account(row.pk, "suspense"), owed, "lending.arrive")
        row.arrived_on = run.on
        _finish(run, DrawAct.REPAY, {"arrived": owed}, origin)
    else:
        _settle(run, run.deposit, origin)


def _serve(run: _Run, parts: Mapping[str, int], source: UUID, how: str) -> None:
    books.serve(run.batch, run.row.pk, source, parts)
    for bucket, amount in parts.items():
        run.open[bucket] -= amount
    _moved(run, parts, how, run.on)


def _settle(run: _Run, source: UUID, origin: Origin) -> None:
    """All that is owed, into the escrow and out of it to where it belongs, with the pledge: or nothing at all."""
    row, owed = run.row, dict(run.open)
    repayment = escrow_queries.escrow(escrow_id=row.escrow_id, viewer=SYSTEM)
    if (
        not repayment.live
    ):  # its time ran out long ago: the money is owed all the same, and the bank releases its pledge itself
        _serve(run, owed, source, "repaid")
        _end_if_repaid(run, "repaid", origin)
        _finish(run, DrawAct.REPAY, {"amount": sum(owed.values())}, origin)
        return
    if row.pledge_id is not None:
        escrow.confirm(escrow_id=row.escrow_id, condition="checked", origin=origin.child("checked"))
    _moved(run, owed, "repaid", row.arrived_on or run.on)
    run.open = {bucket: 0 for bucket in BUCKETS}
    _end_if_repaid(run, "repaid", origin)
    _finish(run, DrawAct.REPAY, {"amount": sum(owed.values())}, origin)
    (leg,) = repayment.value
    coming = Transfer(
        id=uuid5(row.pk, f"{origin.key} proceeds"), debit=source, credit=leg.account, unit=run.line.currency,
        amount=sum(owed.values()), code="lending.proceeds", subject=row.pk,
    )  # fmt: skip
    escrow.carry_out(escrow_id=row.escrow_id, incoming=[coming], origin=origin)


def _moved(run: _Run, parts: Mapping[str, int], how: str, on: date) -> None:
    """Write down what came, and free, spend or block the limits of the principal in it."""
    row = run.row
    came = Movement.objects.create(
        draw=row, n=len(run.movements) + 1, on=on, how=how, at=run.at, **{b: parts[b] for b in BUCKETS}
    )
    run.movements.append(came)
    record(
        "lending.moved", row.pk, measures=SECURED_BY_TITLE if row.title_id else MEASURES, rules=(), on=on, how=how,
        **_told(row, run.line), **{bucket: parts[bucket] for bucket in BUCKETS}, rate_bp=_rate(run, on),
    )  # fmt: skip
    side = "spent"
    if run.contract.revolving and run.line.state in LINE_LIVE:
        side = "limit"
    elif run.contract.revolving and run.line.state == LineState.FROZEN:
        side = "blocked"
    books.give_back(run.batch, [x.pk for x in path_of(row.limit)], parts["principal"], side)


def _end_if_repaid(run: _Run, why: str, origin: Origin) -> None:
    if any(run.open.values()):
        return
    row = run.row
    _free_evidence(row, why, origin)
    margin = on_account(books.owed_account(row.pk, "margin"))
    run.batch.post(books.owed_account(row.pk, "margin"), run.deposit, margin, "lending.margin_back")
    row.state = DrawState.REPAID


def _finish(run: _Run, act: DrawAct | None, data: Mapping[str, Any], origin: Origin) -> None:
    """The draw as it is now, the step, and the batch."""
    row = run.row
    day = (row.closed_on or run.on - DAY) if act is DrawAct.CLOSE_DAY else run.on - DAY
    if row.state in LENT:
        events = run.events()
        book = replay(run.terms(), events, max([day, *(e.on for e in events)]))
        row.state = policy.state_of(book, row.amount, run.open, day, run.contract.grace_days)
    row.acted_at = origin.at
    row.save(update_fields=["state", "closed_on", "arrived_on", "misused_on", "acted_at"])
    if act is not None and data:
        _note(row, run.line, act, origin, {**data, "owed": sum(run.open.values())})
    ledger.post_all(run.batch.transfers, at=origin.at)


# --- inside -------------------------------------------------------------------------------------------------------------


def _for_act(draw_id: UUID, act: DrawAct, origin: Origin, *, bank_only: bool = False) -> tuple[Draw, Line]:
    """Lock, then who, then whether."""
    row, line = _locked(draw_id)
    if bank_only or origin.actor.party_id != line.company_id:
        entitled(line.bank_id, BANK_OF, origin)
    if (DrawState(row.state), act) not in DRAW_NEXT:
        raise DrawActNotAllowed(act=str(act), state=row.state)
    return row, line


def _locked(draw_id: UUID) -> tuple[Draw, Line]:
    line_id = Draw.objects.filter(pk=draw_id).values_list("line_id", flat=True).first()
    if line_id is None:
        raise Absent(kind="loan")
    line = locked(line_id)
    row = Draw.objects.select_for_update().get(pk=draw_id)
    row.line = line
    return row, line


def _live(line_id: UUID) -> tuple[Line, Contract]:
    line = locked(line_id)
    return line, _in_force(line)


def _in_force(line: Line) -> Contract:
    if line.state not in LINE_LIVE:
        raise LineNotInForce(state=line.state)
    return contract_of(line)


def _amount(field: str, amount: int) -> None:
    if isinstance(amount, bool) or not isinstance(amount, int) or not 0 < amount <= MAX_MINOR // ROOM:
        raise Invalid(field=field, problem=f"a whole number from 1 to {MAX_MINOR // ROOM}")


def _own_account(account: UUID, line: Line, origin: Origin) -> None:
    try:
        found = accounts.account(account_id=account, viewer=origin.actor)
    except Absent:
        found = None
    fits = found is not None and (found.owner_id, found.unit) == (line.company_id, line.currency)
    if (
        found is None
        or not fits
        or found.state != "open"
        or not found.kind.startswith(("own.", "lending.deposit"))
    ):
        raise Invalid(
            field="to_account",
            problem=gettext_noop("an open account of the company's own, in the line's currency"),
        )


def _pledge(row: Draw, line: Line) -> tuple[UUID, int]:
    """The company's live pledge on the title to this bank, of at least the quantity asked for, in nobody's keeping."""
    assert row.title_id is not None
    try:
        found = titles.title(title_id=row.title_id, viewer=SYSTEM)
    except Absent:
        raise NotPledged(quantity=row.quantity or 1) from None
    for pledge in found.pledges:
        mine = (pledge.pledgee.id, pledge.pledgor_id, pledge.ended_at) == (
            line.bank_id,
            line.company_id,
            None,
        )
        if mine and found.keeper is None and pledge.quantity >= (row.quantity or 1):
            if row.pledge_id in (None, pledge.id):
                return pledge.id, row.quantity or pledge.quantity
    raise NotPledged(quantity=row.quantity or 1)


def _securities(
    row: Draw, line: Line, contract: Contract, given: Sequence[Mapping[str, Any]], on: date
) -> list[Security]:
    if not isinstance(given, list) or len(given) > MOST_SECURITIES or (contract.needs_evidence and not given):
        raise Invalid(
            field="evidence",
            problem=f"a list of 1 to {MOST_SECURITIES} documents, each with evidence_id and amount",
        )
    found: dict[UUID, Security] = {}
    for n, entry in enumerate(given):
        at = f"evidence[{n}]"
        if not isinstance(entry, dict) or set(entry) != {"evidence_id", "amount"}:
            raise Invalid(field=at, problem=gettext_noop("an object with evidence_id and amount"))
        try:
            key = (
                entry["evidence_id"] if isinstance(entry["evidence_id"], UUID) else UUID(entry["evidence_id"])
            )
        except (ValueError, TypeError, AttributeError):
            raise Invalid(field=f"{at}.evidence_id", problem=gettext_noop("an id, such as 6f1c…")) from None
        _amount(f"{at}.amount", entry["amount"])
        facts = _standing(key, line.company_id)
        if key in found or facts.currency not in {c.value for c in Currency}:
            raise Invalid(
                field=f"{at}.evidence_id", problem=gettext_noop("a document with an amount, listed once")
            )
        money, rate = Money(entry["amount"], Currency(facts.currency)), None
        if facts.currency != line.currency:
            rate = rates.reference(money.currency, Currency(line.currency), on)
            money = rate.convert(money)
        found[key] = Security(
            draw=row, evidence_id=key, use_id=uuid5(row.pk, f"use {key}"), amount=entry["amount"], currency=facts.currency,
            value=money.minor, rate=str(rate.value) if rate else "1", rate_on=rate.on if rate else None,
        )  # fmt: skip
    return list(found.values())


def _standing(evidence_id: UUID, company: UUID) -> evidence_queries.Facts:
    """A document about the company that was not taken back. Why not is not told: it may be somebody else's."""
    try:
        facts = evidence_queries.facts(evidence_id=evidence_id, viewer=SYSTEM)
    except Absent:
        raise NotStanding() from None
    if facts.subject_id != company or facts.state != "live":
        raise NotStanding()
    return facts


def _repayment_terms(row: Draw, line: Line, last: date) -> dict[str, Any]:
    """The escrow that repays the last of a draw: what comes is checked, serves what is owed, and releases the pledge."""
    order = contract_of(line).order
    to = {bucket: str(books.owed_account(row.pk, bucket)) for bucket in BUCKETS}
    room = row.amount * ROOM
    steps: list[dict[str, Any]] = [
        {"from": "proceeds", "to": to[bucket], "up_to": room, "code": f"lending.repay_{bucket}"}
        for bucket in order
    ]
    if row.title_id is not None:
        release = {"pledge": str(row.pledge_id)}
        steps.append({"title": str(row.title_id), "act": "release_pledge", "details": release})
    deposit = books.deposit_account(line.bank_id, line.company_id, line.currency)
    steps.append({"from": "proceeds", "to": str(deposit), "amount": "rest", "code": "lending.surplus"})
    expires = (
        calendar().local_date(row.requested_at) + (last - calendar().local_date(row.requested_at)) + WAITS
    )
    return {
        "template": "loan_repayment",
        "parties": {"bank": str(line.bank_id), "company": str(line.company_id)},
        "expires_at": f"{expires.isoformat()}T16:00:00+00:00",
        "value": [
            {
                "name": "proceeds", "unit": line.currency, "amount": room, "least": 0, "payer": "bank",
                "account": str(books.owed_account(row.pk, "suspense")),
            }
        ],
        "titles": [{"title": str(row.title_id), "by": "bank"}] if row.title_id is not None else [],
        "conditions": [
            {"name": "arrived", "payment": {"leg": "proceeds", "at_least": 1, "covers": [to[b] for b in order]}},
            {"name": "checked", "consent": {"of": ["bank"], "need": 1}},
        ],
        "steps": steps,
    }  # fmt: skip


def _agree(row: Draw, origin: Origin) -> None:
    digest = escrow_queries.escrow(escrow_id=row.escrow_id, viewer=SYSTEM).digest
    escrow.agree(escrow_id=row.escrow_id, digest=digest, origin=origin.child("agree"))


def _fix(row: Draw, contract: Contract, start: date, through: date, rates: list[tuple[date, int]]) -> list[str]:
    """Fix the rate of each day on which it is to be fixed, once; say by which versions of the prime rate. Adds them to `rates`, those known."""
    known = {since for since, _ in rates}
    versions = []
    for day in policy.resets(contract, start, row.due[-1], through):
        if day in known:
            continue
        rate = rate_on(contract, start, row.due[-1], day)
        Fixing.objects.create(
            draw=row, since=day, bp=rate.bp, prime_bp=rate.prime_bp, key=rate.key, valid_from=rate.valid_from, confidence=rate.confidence,
        )  # fmt: skip
        versions.append(f"{rate.key}@{rate.valid_from.isoformat()}")
        rates.append((day, rate.bp))
        if day > start:
            record(
                "lending.rate_reset",
                row.pk,
                rules=versions[-1:],
                since=day,
                bp=rate.bp,
            )
    return versions


def _free_evidence(row: Draw, why: str, origin: Origin) -> None:
    for s in Security.objects.filter(draw=row).order_by("evidence_id"):
        evidence.free(use_id=s.use_id, reason=why, origin=origin)


def _move(
    row: Draw, line: Line, act: DrawAct, state: DrawState, origin: Origin, data: Mapping[str, Any], *,
    rules_: Sequence[str] = (),
) -> None:  # fmt: skip
    assert state in DRAW_NEXT[DrawState(row.state), act], (row.state, act, state)
    row.state, row.acted_at = state, origin.at
    row.save(update_fields=["state", "due", "starts_on", "holds", "approved_by", "paid_out_by", "green", "route", "acted_at"])
    _note(row, line, act, origin, data, rules_=rules_)


def _note(
    row: Draw,
    line: Line,
    act: DrawAct,
    origin: Origin,
    data: Mapping[str, Any],
    *,
    rules_: Sequence[str] = (),
) -> None:
    """Write the step down, in the history of the line and in the journal."""
    Event.objects.create(
        line=line, draw=row, act=f"draw_{act}", after=row.state, party=origin.actor.party_id, person=origin.actor.person_id,
        data=dict(data), at=origin.at,
    )  # fmt: skip
    record(
        f"lending.draw_{act}", row.pk, measures=SECURED_BY_TITLE if row.title_id else MEASURES, rules=rules_, line=line.pk,
        after=row.state, **_told(row, line), **data,
    )  # fmt: skip


def _told(row: Draw, line: Line) -> dict[str, object]:
    """What statistics ask of every step of a loan, as it is now: whoever counts later finds it in the journal."""
    return {
        "bank": line.bank_id, "company": line.company_id, "territory": parties.party(party_id=line.company_id, viewer=SYSTEM).territory,
        "currency": line.currency, "title": row.title_id, "size": line.size, "industry": line.industry, "green": row.green,
        "route": row.route, "guarantee": "DOC" if row.title_id else "CRD",
        "term": _term(row),
    }  # fmt: skip


def _term(row: Draw) -> str:
    """The class of the original term, as it was agreed: a last day that moved to the next business day makes no loan longer."""
    asked = row.repayment
    return term_of(row.starts_on, due_days(row.starts_on, asked["number"], asked["every"], Unit(asked["unit"]))[-1]) if row.starts_on else ""


def _rate(run: _Run, on: date) -> int:
    """The rate that a draw bore last, as of a day, in basis points."""
    return max((since, bp) for since, bp in run.rates if since <= on)[1]
