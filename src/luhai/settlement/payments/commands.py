"""Everything that can be done to a payment that came for a company: received, documents put to it, checked, credited or sent back.

Locks: the payment's own row; the escrow's, then titles; evidence; and one linked ledger batch, last. Before there is a row, the UETR.

The money waits in suspense until the documents are checked. Crediting uses the customs declaration, exchanges, and pays the company, or
carries out the escrow that the account is a leg of: all of it in one transaction, or none.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final
from uuid import UUID, uuid5

from django.db import IntegrityError, transaction

from luhai.core.escrow import commands as escrow
from luhai.core.escrow import queries as escrow_queries
from luhai.core.evidence import commands as evidence
from luhai.core.evidence import queries as evidence_queries
from luhai.core.ledger import commands as ledger
from luhai.core.ledger import policy as books_policy
from luhai.core.ledger import queries as accounts
from luhai.core.parties import queries as parties
from luhai.core.rules.business_days import calendar
from luhai.kernel.money import Currency
from luhai.kernel.origin import SYSTEM, Origin, Role
from luhai.kernel.refusal import Absent, Invalid, NotEntitled, Refusal, gettext_noop
from luhai.settlement.checks import queries as checks
from luhai.settlement.messages import rules
from luhai.settlement.messages.envelope import open_envelope
from luhai.settlement.messages.message import Message as Order
from luhai.settlement.messages.read import read
from luhai.shell.command import command, record
from luhai.shell.context import as_system
from luhai.shell.locks import hold_words

from . import books, letters, policy
from .letters import Letter
from .lifecycle import ACT_NAMES, NEXT, STATE_NAMES, WHO_NAMES, Act, State, Who
from .models import Account, Attachment, Credit, Event, Message, Override, Payment, Verdict
from .policy import Refused
from .queries import attached_to, changed_since, facts_on, latest, order_of, said_of
from .worth import use_of, value_of

#: Settlement of goods trade for good firms, and payments in the flow of funds that offices look at.
MEASURES: Final = ["M08-01"]
MOST_ATTACHED: Final = 50
#: Kinds of ledger accounts beside escrow legs that a number may stand for.
PLAIN: Final = ("own.", books.DEPOSIT)
#: The condition of an escrow that the bank meets by settling: that it has checked the payment.
CHECKED: Final = "checked"
_SPACE: Final = 31


class ActNotAllowed(Refusal):
    code = "payments.act_not_allowed"
    message = gettext_noop("“%(act_name)s” is not possible now; the payment stands at: %(state_name)s.")


class NumberTaken(Refusal):
    code = "payments.number_taken"
    message = gettext_noop("This number, or this account, is given already.")


class AttachedBefore(Refusal):
    code = "payments.attached_before"
    message = gettext_noop("This document is attached already.")


class NotTheirs(Refusal):
    code = "payments.not_theirs"
    message = gettext_noop("Only a document about the company, which was not taken back, can be attached.")


class ProposedBefore(Refusal):
    code = "payments.proposed_before"
    message = gettext_noop("To let this verdict pass was proposed already; check again to propose anew.")


class NothingProposed(Refusal):
    code = "payments.nothing_proposed"
    message = gettext_noop("Nobody has proposed to let this payment pass.")


class SamePerson(Refusal):
    code = "payments.same_person"
    message = gettext_noop("Another person of the bank must do this: four eyes.")


class ChangedSince(Refusal):
    code = "payments.changed_since"
    message = gettext_noop("Documents changed since the check; check again.")


# --- accounts -----------------------------------------------------------------------------------------------------------


@command(may=[Role.BANK])
def open_account(
    *, account_id: UUID, company_id: UUID, number: str, currency: str, ledger_account_id: UUID | None = None, origin: Origin
) -> UUID:  # fmt: skip
    """Give a company a number for payments; return the account's id.

    Who:     the bank whose account it is.
    Units:   `ledger_account_id` is where payments go: an account of the company's own books, its loan deposit with this bank, or the leg
             of an escrow into which this bank pays for the company (a loan's collection account). None opens a current account.
    Writes:  the Account; with none named, a ledger account of the company.
    Refuses: Invalid (a number, company, currency or account that is none), NumberTaken.
    """
    bank = _party_of(origin)
    policy.read_number(number)
    if currency not in Currency.__members__:
        raise Invalid(
            field="currency", problem=gettext_noop("a currency that is settled here, such as CNY or USD")
        )
    try:
        company = parties.party(party_id=company_id, viewer=SYSTEM)
    except Absent:
        company = None
    if company is None or company.kind != "company":
        raise Invalid(field="company_id", problem=gettext_noop("a registered company"))
    if ledger_account_id is not None:
        _fits(ledger_account_id, bank, company_id, currency)
    held = ledger_account_id or books.current(account_id)
    try:
        with transaction.atomic():
            Account.objects.create(
                id=account_id, bank_id=bank, company_id=company_id, number=number, currency=currency, ledger_account=held,
                opened_by=origin.actor.person_id, opened_at=origin.at,
            )  # fmt: skip
    except IntegrityError:
        raise NumberTaken() from None
    record(
        "payments.account_opened", account_id, measures=MEASURES, bank=bank, company=company_id, currency=currency,
    )  # fmt: skip
    if ledger_account_id is None:
        made = books_policy.Account(
            id=held, unit=currency, kind=books.CURRENT, owner_id=company_id, bound=books_policy.Bound.DEBITS
        )
        ledger.open_accounts([made], at=origin.at)
    return account_id


def _fits(account_id: UUID, bank: UUID, company: UUID, currency: str) -> None:
    """Refuse an account that money for the company may not go to. Why not is not told: it may be somebody else's."""
    problem = gettext_noop(
        "an open account of the company, in this currency: of its own books, its deposit with this bank, "
        "or an escrow that this bank pays into for it"
    )
    try:
        found = accounts.account(account_id=account_id, viewer=SYSTEM)
    except Absent:
        raise Invalid(field="ledger_account_id", problem=problem) from None
    fits = found.unit == currency and found.state == "open"
    if found.kind == books.DEPOSIT:
        fits = fits and account_id == books.deposit(bank, company, currency)
    elif found.kind.startswith(PLAIN):
        fits = fits and found.owner_id == company and found.bound != books_policy.Bound.CREDITS
    else:
        escrow_id = escrow_queries.holding(account_id=account_id, viewer=SYSTEM)
        fits = fits and escrow_id is not None and found.owner_id == bank
        if fits and escrow_id is not None:
            seen = escrow_queries.escrow(escrow_id=escrow_id, viewer=SYSTEM)
            fits = seen.live and company in {p.id for p in seen.parties}
    if not fits:
        raise Invalid(field="ledger_account_id", problem=problem)


# --- receiving ----------------------------------------------------------------------------------------------------------


@command(may=[Role.BANK, Role.PARTNER])
def receive_message(*, content: str, origin: Origin) -> dict[str, str | None]:
    """Take in a pacs.008 and answer it; return {"payment_id", "status" (ACSP or RJCT), "reason", "answer" (a pacs.002)}.

    Who:     the creditor's bank, or the bank that sends it; both by their BICs in the message.
    Writes:  the message and its answer; if accepted the Payment, and its amount from the bank's nostro into suspense.
             The same order again is answered as it was, and books nothing; another one under its UETR is rejected (DUPL).
    Refuses: Invalid, naming the element: what is no valid pacs.008, or could not be answered. NotEntitled.
             What is readable and may not be accepted is answered, with ISO's reason, and no refusal.
    Source:  domain notes on settlement §6.3, §6.4.
    """
    if not isinstance(content, str):
        raise Invalid(field="content", problem=gettext_noop("the text of a pacs.008"))
    data = content.encode("utf-8", "surrogatepass")
    envelope = open_envelope(data)
    order = read(data, family="pacs.008")
    today = calendar().local_date(origin.at)
    refused = policy.refusal_of(rules.check(envelope, on=today))
    bank, sender, sender_bic = _between(order)
    if origin.actor.role is not Role.SYSTEM and origin.actor.party_id not in {bank, sender}:
        raise NotEntitled(who=WHO_NAMES[Who.EITHER_BANK])
    (tx,) = order.transactions
    uetr = tx.uetr
    payment_id = uuid5(bank, f"payment {uetr}")
    with as_system():
        hold_words([f"{bank} {uetr}"], space=_SPACE)
        earlier = list(Message.objects.filter(bank_id=bank, uetr=uetr, way="in").order_by("pk"))
        for one in earlier:
            if policy.same_order(order_of(one), order):
                return _answered(one)
        if earlier:
            refused = Refused("DUPL", "another payment has this UETR")
        account = None if refused else _account_of(bank, order)
        money = tx.amount.money if tx.amount else None
        if isinstance(account, Refused):
            refused = account
        elif refused is None and money is None:
            refused = Refused("AM03", "no currency that is settled here, or an amount finer than it")
        elif refused is None and money is not None and money.minor <= 0:
            refused = Refused("AM01", "nothing is paid")
        if refused is not None:
            return _reject(order, refused, data, bank, sender, payment_id, origin)
        assert isinstance(account, Account)
        assert money is not None
        assert tx.settled_on is not None, uetr  # DAT-1
        row = Payment.objects.create(
            id=payment_id, bank_id=bank, company_id=account.company_id, sender_id=sender, account=account, uetr=uetr,
            end_to_end_id=tx.end_to_end_id, sender_bic=sender_bic, currency=money.currency.value, amount=money.minor,
            debtor_name=policy.name_of(tx, "debtor"), debtor_country=policy.country_of(tx, "debtor"),
            creditor_name=policy.name_of(tx, "creditor"), invoices=list(policy.invoices_of(tx)), value_date=tx.settled_on,
            suspense=books.suspense(payment_id), received_at=origin.at, acted_at=origin.at,
        )  # fmt: skip
        came = _keep(row, Letter(order.id, order.type, data), origin, way="in")
        answer = _keep(row, letters.status(order, row.pk, "ACSP", at=origin.at), origin, answers=came)
        _note(row, Act.RECEIVE, origin, {"account": account.number})
        record("payments.received", row.pk, measures=MEASURES, **_told(row), amount=row.amount)
        ledger.open_accounts(
            books.to_receive(row.pk, bank, account.company_id, row.currency), at=origin.at
        )
        batch = books.Batch(row.pk, origin.key)
        books.receive(batch, bank, row.amount, row.currency)
        ledger.post_all(batch.transfers, at=origin.at)
        return _answer(answer)


def _between(order: Order) -> tuple[UUID, UUID | None, str]:
    """The creditor's bank, and the bank that sends with its BIC. Refuses: Invalid, naming the element."""
    assert order.header is not None  # HDR-1
    (tx,) = order.transactions
    agent = tx.party("creditor_agent")
    at = "Document/FIToFICstmrCdtTrf/CdtTrfTxInf/CdtrAgt/FinInstnId/BICFI"
    bank = _institution(agent.bic) if agent else None
    if bank is None:
        raise Invalid(field=at, problem=gettext_noop("the BIC of a bank that receives payments here"))
    if _institution(order.header.receiver.bic) != bank:
        raise Invalid(
            field="AppHdr/To",
            problem=gettext_noop("the creditor's bank itself; what goes on to another bank is not taken here"),
        )
    sender = order.header.sender.bic
    if not sender:
        raise Invalid(field="AppHdr/Fr", problem=gettext_noop("the BIC of the bank that sends it"))
    return bank, _institution(sender), sender


def _institution(bic: str) -> UUID | None:
    for form in policy.bic_forms(bic) if bic else ():
        for key in parties.registered(numbers=[form], viewer=SYSTEM):
            if parties.party(party_id=key, viewer=SYSTEM).kind == "institution":
                return key
    return None


def _account_of(bank: UUID, order: Order) -> Account | Refused:
    number = policy.account_number(order.transactions[0])
    found = Account.objects.filter(bank_id=bank, number=number).first()
    if found is None:
        return Refused("AC01", "no such account")
    held = accounts.balances(account_ids=[found.ledger_account], viewer=SYSTEM)[found.ledger_account]
    if held.state == "closed":
        return Refused("AC04", "the account is closed")
    if held.state == "frozen":
        return Refused("AC06", "the account is blocked")
    return found


def _reject(
    order: Order, why: Refused, data: bytes, bank: UUID, sender: UUID | None, payment_id: UUID, origin: Origin
) -> dict[str, str | None]:
    uetr = order.transactions[0].uetr
    common: dict[str, Any] = {"bank_id": bank, "sender_id": sender, "uetr": uetr, "at": origin.at}
    came = Message.objects.create(
        way="in", type=order.type, message_id=order.id, content=data, **common
    )
    letter = letters.rejection(order, payment_id, why, data, at=origin.at)
    answer = Message.objects.create(
        way="out", type=letter.type, message_id=letter.id, status=letter.status, reason=letter.reason, content=letter.content,
        answers=came, **common,
    )  # fmt: skip
    record("payments.rejected", uetr, measures=MEASURES, bank=bank, sender=sender, reason=why.code, info=why.info)
    return _answer(answer)


def _answered(came: Message) -> dict[str, str | None]:
    return _answer(Message.objects.get(answers=came))


def _answer(answer: Message) -> dict[str, str | None]:
    return {
        "payment_id": str(answer.payment_id) if answer.payment_id else None, "status": answer.status,
        "reason": answer.reason or None, "answer": bytes(answer.content).decode(),
    }  # fmt: skip


# --- documents and their check --------------------------------------------------------------------------------------------


@command(may=[Role.COMPANY])
def attach(*, payment_id: UUID, evidence_id: UUID, origin: Origin) -> UUID:
    """Put a document to a payment; return the payment's id. The bank may look at it and use it for this payment: that is agreed hereby.

    Who:     the company that the payment is for.
    Writes:  the Attachment; the payment is to be checked again.
    Refuses: Absent (payment, or document), NotEntitled, NotTheirs, AttachedBefore, Invalid (too many), ActNotAllowed.
    """
    row = _for_company(payment_id, Act.ATTACH, origin)
    facts = evidence_queries.facts(evidence_id=evidence_id, viewer=origin.actor)
    if facts.subject_id != row.company_id or facts.state != "live":
        raise NotTheirs()
    kept = attached_to(row)
    if evidence_id in kept:
        raise AttachedBefore()
    if len(kept) >= MOST_ATTACHED:
        raise Invalid(
            field="evidence_id", problem=gettext_noop("no more than 50 documents are put to one payment")
        )
    Attachment.objects.create(payment=row, evidence_id=evidence_id, attached_at=origin.at)
    record("payments.attached", row.pk, measures=MEASURES, evidence=evidence_id)
    _move(row, Act.ATTACH, State.RECEIVED, origin, {"evidence": str(evidence_id), "kind": facts.kind})
    return payment_id


@command(may=[Role.COMPANY])
def detach(*, payment_id: UUID, evidence_id: UUID, origin: Origin) -> UUID:
    """Take a document away from a payment; return the payment's id.

    Who:     the company that the payment is for.
    Writes:  the end of the Attachment; the payment is to be checked again.
    Refuses: Absent (payment, or no such document on it), NotEntitled, ActNotAllowed.
    """
    row = _for_company(payment_id, Act.DETACH, origin)
    ended = Attachment.objects.filter(payment=row, evidence_id=evidence_id, detached_at=None).update(
        detached_at=origin.at
    )
    if not ended:
        raise Absent(kind="attached document")
    record("payments.detached", row.pk, measures=MEASURES, evidence=evidence_id)
    _move(row, Act.DETACH, State.RECEIVED, origin, {"evidence": str(evidence_id)})
    return payment_id


@command(may=[Role.BANK])
def check(*, payment_id: UUID, situation: str, origin: Origin) -> UUID:
    """Hold a payment against its documents, by the rules of the day for its situation; return the verdict's id.

    Who:     the bank of the payment.
    Units:   `situation` one of policy.SITUATIONS.
    Writes:  the Verdict, with which versions of which documents it saw; the state. An override of an earlier verdict counts no more.
    Refuses: Absent, Invalid, ActNotAllowed.
    Source:  domain notes on settlement §1.2, §1.3.
    """
    row = _for_bank(payment_id, Act.CHECK, origin)
    if situation not in policy.SITUATIONS:
        raise Invalid(field="situation", problem=f"one of {', '.join(policy.SITUATIONS)}")
    today = calendar().local_date(origin.at)
    with as_system():
        papers = attached_to(row)
        saw = [[str(f.evidence_id), f.version, f.state] for f in facts_on(row)]
        found = checks.judge(said=said_of(row, situation), papers=papers, bank_id=row.bank_id, company_id=row.company_id, on=today)
    number = Verdict.objects.filter(payment=row).count() + 1
    verdict = Verdict.objects.create(
        id=uuid5(row.pk, f"verdict {number}"), payment=row, n=number, situation=situation, rule_set=found.rule_set,
        tier=found.tier, verdict=found.verdict, findings=[asdict(f) for f in found.findings], facts=dict(found.facts),
        papers=saw, declaration_id=found.declaration_id,
        person=origin.actor.person_id, at=origin.at,
    )  # fmt: skip
    against = sorted(f.name for f in found.in_the_way)
    record(
        "payments.checked", row.pk, measures={*MEASURES, *(f.measure for f in found.findings if f.measure)},
        rules=[*found.rule_set.split("+"), *found.parameters], **_told(row), verdict=found.verdict,
        situation=situation, tier=found.tier, against=against, documents=len(saw), scenes=found.scenes,
    )  # fmt: skip
    state = State.CLEAR if found.verdict == "clear" else State.BLOCKED
    _move(row, Act.CHECK, state, origin, {"verdict": found.verdict, "situation": situation, "against": against})
    return verdict.pk


@command(may=[Role.BANK])
def propose_override(*, payment_id: UUID, reason_code: str, reason: str, origin: Origin) -> UUID:
    """Propose to let a blocked payment pass; return its id. Nothing passes before another person approves.

    Who:     a person of the bank. `reason_code` one of policy.OVERRIDE_REASONS, `reason` what is on file, in 1 to 400 characters.
    Refuses: Absent, Invalid, ProposedBefore, ActNotAllowed.
    Source:  domain notes on settlement §1.3 (a reasoned exception).
    """
    row = _for_bank(payment_id, Act.PROPOSE, origin)
    if reason_code not in policy.OVERRIDE_REASONS:
        raise Invalid(field="reason_code", problem=f"one of {', '.join(policy.OVERRIDE_REASONS)}")
    if not isinstance(reason, str) or not 0 < len(reason.strip()) <= 400:
        raise Invalid(field="reason", problem=gettext_noop("a text of 1 to 400 characters"))
    verdict = latest(row)
    assert verdict is not None, row.pk  # BLOCKED comes from one
    if Override.objects.filter(verdict=verdict).exists():
        raise ProposedBefore()
    Override.objects.create(
        verdict=verdict, payment=row, reason_code=reason_code, reason=reason.strip(), proposed_by=origin.actor.person_id,
        proposed_at=origin.at,
    )  # fmt: skip
    record("payments.override_proposed", row.pk, measures=MEASURES, **_told(row), reason_code=reason_code)
    _move(row, Act.PROPOSE, State.BLOCKED, origin, {"reason_code": reason_code, "reason": reason.strip()})
    return payment_id


@command(may=[Role.BANK])
def approve_override(*, payment_id: UUID, origin: Origin) -> UUID:
    """Approve what was proposed; the payment may be credited although the check blocked it. Return its id.

    Who:     another person of the bank than who proposed it.
    Refuses: Absent, NothingProposed, SamePerson, ChangedSince, ActNotAllowed.
    """
    row = _for_bank(payment_id, Act.APPROVE, origin)
    verdict = _unchanged(row)
    override = Override.objects.filter(verdict=verdict).first()
    if override is None:
        raise NothingProposed()
    if override.proposed_by == origin.actor.person_id:
        raise SamePerson()
    override.approved_by, override.approved_at = origin.actor.person_id, origin.at
    override.save(update_fields=["approved_by", "approved_at"])
    record(
        "payments.overridden", row.pk, measures=MEASURES, **_told(row), reason_code=override.reason_code,
        rule_set=verdict.rule_set, scenes=checks.scenes_of(verdict.rule_set),
    )  # fmt: skip
    _move(row, Act.APPROVE, State.OVERRIDDEN, origin, {"reason_code": override.reason_code})
    return payment_id


# --- how it ends ------------------------------------------------------------------------------------------------------------


@command(may=[Role.BANK])
def settle(
    *, payment_id: UUID, rate: str | None = None, source: str | None = None, to_account_id: UUID | None = None, origin: Origin
) -> UUID:  # fmt: skip
    """Credit a payment; return its id. Where its account is the leg of an escrow, that is carried out with it, or nothing is.

    Who:     the bank of the payment.
    Units:   `rate` units of the account's currency for one of the payment's, with its `source`; none: the reference rate of the day.
             `to_account_id` is another account of the company with this bank, no leg of an escrow: for what the escrow does not take.
    Writes:  the Credit; the declaration's use for settlement; the bank's consent to the escrow's condition "checked", where it is asked
             for and not given; one linked batch (suspense, exchange, credit, and the escrow's steps); pacs.002 ACCC, camt.054.
    Refuses: Absent, Invalid, ActNotAllowed, ChangedSince; evidence.* (used up, taken back), rules.no_rate, escrow.* (not met …),
             ledger.* (frozen …). Then nothing has moved.
    Source:  domain notes on settlement §0.2 (5), §1.3, §6.3.
    """
    row = _for_bank(payment_id, Act.SETTLE, origin)
    today = calendar().local_date(origin.at)
    verdict = _unchanged(row)
    target = _target(row, to_account_id)
    escrow_id = escrow_queries.holding(account_id=target.ledger_account, viewer=SYSTEM)
    if to_account_id is not None and escrow_id is not None:
        raise Invalid(field="to_account_id", problem=gettext_noop("a plain account, no leg of an escrow"))
    value, exchange = value_of(row, Currency(target.currency), rate, source, today)
    used = use_of(row, verdict, today, origin.key)
    told = f"{exchange.value} {target.currency}/{row.currency} {exchange.on} {exchange.source}" if exchange else ""
    Credit.objects.create(
        payment=row, account=target, escrow_id=escrow_id, currency=target.currency, amount=value.minor,
        rate=str(exchange.value) if exchange else "", rate_on=exchange.on if exchange else None,
        source=exchange.source if exchange else "", use_id=used.id if used else None, used=used.amount if used else None,
        at=origin.at,
    )  # fmt: skip
    came = Message.objects.get(payment=row, way="in")
    order = order_of(came)
    _keep(row, letters.status(order, row.pk, "ACCC", at=origin.at), origin)
    company = parties.party(party_id=row.company_id, viewer=SYSTEM)
    noticed = letters.notification(
        order, row.pk, at=origin.at, on=today, number=target.number, holder=(company.name_en or company.name_zh)[:140],
        value=value, told=told,
    )  # fmt: skip
    _keep(row, noticed, origin, abroad=False)
    record(
        "payments.credited", row.pk, measures=MEASURES, **_told(row), amount=row.amount, value_minor=value.minor,
        value_currency=target.currency, rate=str(exchange.value) if exchange else None,
        rate_on=exchange.on if exchange else None, source=exchange.source if exchange else None, escrow=escrow_id,
        documents=len(verdict.papers), declaration=used.evidence_id if used else None, used=used.amount if used else None,
        used_currency=used.currency if used else None, overridden=row.state == State.OVERRIDDEN,
        scenes=checks.scenes_of(verdict.rule_set),
    )  # fmt: skip
    _move(row, Act.SETTLE, State.CREDITED, origin, {"account": target.number, "amount": value.minor})
    batch = books.Batch(row.pk, origin.key)
    books.credit(batch, row.bank_id, target.ledger_account, row.amount, row.currency, value.minor, target.currency)
    if exchange:
        ledger.open_accounts(books.to_exchange(row.bank_id, row.currency, target.currency), at=origin.at)
    if escrow_id is not None:
        _consent(escrow_id, row.bank_id, origin)
        uses = [
            escrow.Used(used.id, used.evidence_id, "settlement", used.amount, used.currency, row.bank_id)
        ] if used else []  # fmt: skip
        escrow.carry_out(escrow_id=escrow_id, incoming=batch.transfers, uses=uses, origin=origin)
        return payment_id
    if used:
        evidence.draw(
            use_id=used.id, evidence_id=used.evidence_id, purpose="settlement", amount=used.amount, currency=used.currency,
            user_id=row.bank_id, origin=origin,
        )  # fmt: skip
    ledger.post_all(batch.transfers, at=origin.at)
    return payment_id


def _target(row: Payment, to_account_id: UUID | None) -> Account:
    if to_account_id is None:
        return row.account
    found = Account.objects.filter(pk=to_account_id, bank_id=row.bank_id, company_id=row.company_id).first()
    if found is None:
        raise Invalid(field="to_account_id", problem=gettext_noop("an account of the company with this bank"))
    return found


def _consent(escrow_id: UUID, bank: UUID, origin: Origin) -> None:
    """Settling is the bank's word that it has checked the payment: give it where the escrow asks for it and has it not."""
    seen = escrow_queries.escrow(escrow_id=escrow_id, viewer=SYSTEM)
    name = next((p.name for p in seen.parties if p.id == bank), None)
    asked = any(
        c["name"] == CHECKED and name in c.get("consent", {}).get("of", ()) for c in seen.terms["conditions"]
    )
    given = any(
        e.act == "confirm" and e.party == bank and e.data.get("condition") == CHECKED
        for e in escrow_queries.history(escrow_id=escrow_id, viewer=SYSTEM)
    )
    if asked and not given:
        escrow.confirm(escrow_id=escrow_id, condition=CHECKED, origin=origin.child("checked"))


@command(may=[Role.BANK])
def return_payment(*, payment_id: UUID, reason_code: str, reason: str, origin: Origin) -> UUID:
    """Send a payment back to the bank that it came from; return its id. Its documents were not used, and stay free.

    Who:     the bank of the payment. `reason_code` one of policy.RETURN_REASONS; `reason` in Latin letters, since it goes abroad.
    Writes:  money from suspense to the nostro; pacs.002 ACSC (nothing is returned that was not settled) and pacs.004.
    Refuses: Absent, Invalid, ActNotAllowed (it was credited), ledger.*.
    Source:  domain notes on settlement §6.3.
    """
    row = _for_bank(payment_id, Act.RETURN, origin)
    if reason_code not in policy.RETURN_REASONS:
        raise Invalid(field="reason_code", problem=f"one of {', '.join(policy.RETURN_REASONS)}")
    said = policy.read_latin(reason)
    today = calendar().local_date(origin.at)
    order = order_of(Message.objects.get(payment=row, way="in"))
    _keep(row, letters.status(order, row.pk, "ACSC", at=origin.at), origin)
    letter = letters.payment_return(
        order, row.pk, at=origin.at, on=today, reason_code=reason_code, reason=said
    )
    _keep(row, letter, origin)
    record(
        "payments.returned", row.pk, measures=MEASURES, **_told(row), amount=row.amount, reason_code=reason_code
    )
    _move(row, Act.RETURN, State.RETURNED, origin, {"reason_code": reason_code, "reason": said})
    batch = books.Batch(row.pk, origin.key)
    books.give_back(batch, row.bank_id, row.amount, row.currency)
    ledger.post_all(batch.transfers, at=origin.at)
    return payment_id


# --- inside -----------------------------------------------------------------------------------------------------------------


def _party_of(origin: Origin) -> UUID:
    if origin.actor.party_id is None:
        raise NotEntitled(who=WHO_NAMES[Who.BANK])
    return origin.actor.party_id


def _for_company(payment_id: UUID, act: Act, origin: Origin) -> Payment:
    return _locked(payment_id, act, origin, "company_id", Who.COMPANY)


def _for_bank(payment_id: UUID, act: Act, origin: Origin) -> Payment:
    return _locked(payment_id, act, origin, "bank_id", Who.BANK)


def _locked(payment_id: UUID, act: Act, origin: Origin, side: str, who: Who) -> Payment:
    """Lock, then who, then whether."""
    row = Payment.objects.select_for_update().filter(pk=payment_id).first()
    if row is None:
        raise Absent(kind="payment")
    if getattr(row, side) != origin.actor.party_id:
        raise NotEntitled(who=WHO_NAMES[who])
    if (State(row.state), act) not in NEXT:
        raise ActNotAllowed(act=str(act), state=row.state, act_name=ACT_NAMES[act], state_name=STATE_NAMES[State(row.state)])
    return row


def _unchanged(row: Payment) -> Verdict:
    """The last verdict, if the documents are still those that it saw. Refuses: ChangedSince."""
    verdict = latest(row)
    assert verdict is not None, row.pk
    with as_system():
        if changed_since(row, verdict):
            raise ChangedSince()
    return verdict


def _move(row: Payment, act: Act, state: State, origin: Origin, data: dict[str, Any]) -> None:
    assert state in NEXT[State(row.state), act], (row.state, act, state)
    row.state, row.acted_at = state, origin.at
    row.save(update_fields=["state", "acted_at"])
    _note(row, act, origin, data)


def _note(row: Payment, act: Act, origin: Origin, data: dict[str, Any]) -> None:
    Event.objects.create(
        payment=row, act=act, after=row.state, party=origin.actor.party_id, person=origin.actor.person_id, data=data, at=origin.at
    )  # fmt: skip


def _keep(
    row: Payment, letter: Letter, origin: Origin, *, way: str = "out", answers: Message | None = None, abroad: bool = True
) -> Message:  # fmt: skip
    return Message.objects.create(
        payment=row, bank_id=row.bank_id, sender_id=row.sender_id if abroad else None, company_id=row.company_id, answers=answers,
        way=way, type=letter.type, message_id=letter.id, uetr=row.uetr, status=letter.status, reason=letter.reason,
        content=letter.content, at=origin.at,
    )  # fmt: skip


def _told(row: Payment) -> dict[str, Any]:
    """What statistics ask of every step of a payment, as it is now: whoever counts later finds it in the journal."""
    return {
        "payment": row.pk, "bank": row.bank_id, "company": row.company_id,
        "territory": parties.party(party_id=row.company_id, viewer=SYSTEM).territory, "currency": row.currency,
        "debtor_country": row.debtor_country,
    }  # fmt: skip
