"""The peer `orm`: the same business, as a competent Django developer writes it first. Import after settings.

Each act is one transaction that locks the rows it changes, looks whether it may be done, moves the balances, writes its rows with the
ORM, and ends with a row of audit. It does as many acts, postings, title events, pieces of evidence, uses, events of the goods, messages
and days of interest as Luhai does for one shipment, with the same amounts; bounds of accounts are kept under lock, numbers are unique.

What it leaves out, and Luhai does:
- keys: asked twice, an act is refused or done twice, not answered again; a refusal leaves no trace
- people, parties and roles, row-level security: parties are words here, whoever calls may, and sees everything
- accounts that nothing moves on yet, legs of an escrow among them
- chains: audit and title events can be rewritten; nothing is sealed, signed or recountable from what it was made of
- decisions by dated parameters and rules as data: rates, interest, haircut and what a check compares stand in the code or are given
- near-duplicates, lots of goods, mentions: only the very same number of a document is found again
- schemas: messages are neither validated nor written by their standard's rules, papers are kept as they came
- an escrow that anybody can read before it happens: the repayment is code
- facts for statistics, events for other programs, refusals in two languages
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Self
from xml.etree import ElementTree

from django.db import models, transaction

#: What an account that all shipments share has at first, on the side on which it may not run dry.
ROOM = 10**15
#: The papers, in the order in which they are delivered.
PAPERS = ("contract", "insurance", "transport_document", "declaration", "invoice")
#: Those that a payment is checked against.
CHECKED = ("contract", "invoice", "declaration", "transport_document")


class Refused(Exception):
    """An act that may not be done."""


class Row(models.Model):
    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        abstract = True
        app_label = "lane"


class Account(Row):
    """`balance` is credits less debits; `bound`: debits (never below zero), credits (never above), none."""

    number = models.CharField(max_length=80, unique=True)
    bound = models.CharField(max_length=8)
    balance = models.BigIntegerField(default=0)
    held = models.BigIntegerField(default=0)


class Posting(Row):
    debit = models.ForeignKey(Account, models.PROTECT, related_name="+")
    credit = models.ForeignKey(Account, models.PROTECT, related_name="+")
    amount = models.BigIntegerField()
    code = models.CharField(max_length=40)
    kind = models.CharField(max_length=8)
    at = models.DateTimeField(db_index=True)


class Document(Row):
    """A transport document: who controls it, and who has the goods."""

    number = models.CharField(max_length=80, unique=True)
    content = models.JSONField()
    state = models.CharField(max_length=16, default="issued")
    holder = models.CharField(max_length=40)
    custodian = models.CharField(max_length=40)
    issued_at = models.DateTimeField()


class TitleEvent(Row):
    document = models.ForeignKey(Document, models.PROTECT, related_name="events")
    act = models.CharField(max_length=24)
    by = models.CharField(max_length=40)
    at = models.DateTimeField()


class ShipmentEvent(Row):
    document = models.ForeignKey(Document, models.PROTECT, related_name="movements")
    custodian = models.CharField(max_length=40)
    evidence = models.ForeignKey("Evidence", models.PROTECT, null=True)
    at = models.DateTimeField()


class Evidence(Row):
    """One version of a paper."""

    number = models.CharField(max_length=80)
    version = models.PositiveIntegerField(default=1)
    kind = models.CharField(max_length=40)
    content = models.JSONField()
    digest = models.CharField(max_length=64)
    financed = models.BigIntegerField(default=0)
    received_at = models.DateTimeField()

    class Meta(Row.Meta):
        constraints: ClassVar = [models.UniqueConstraint(fields=["number", "version"], name="lane_evidence_once")]


class Consent(Row):
    evidence = models.ManyToManyField(Evidence)
    purpose = models.CharField(max_length=20)
    grantee = models.CharField(max_length=40)
    at = models.DateTimeField()


class Loan(Row):
    number = models.CharField(max_length=80, unique=True)
    document = models.ForeignKey(Document, models.PROTECT)
    declaration = models.ForeignKey(Evidence, models.PROTECT, related_name="+")
    declaration_id: int
    insurance = models.ForeignKey(Evidence, models.PROTECT, related_name="+")
    collection = models.CharField(max_length=80, default="")
    principal = models.BigIntegerField(default=0)
    interest = models.BigIntegerField(default=0)
    state = models.CharField(max_length=16, default="requested")
    at = models.DateTimeField()


class LoanDay(Row):
    loan = models.ForeignKey(Loan, models.PROTECT, related_name="days")
    day = models.DateField()
    interest = models.BigIntegerField()

    class Meta(Row.Meta):
        constraints: ClassVar = [models.UniqueConstraint(fields=["loan", "day"], name="lane_day_once")]


class Pledge(Row):
    document = models.OneToOneField(Document, models.PROTECT)
    bank = models.CharField(max_length=40)
    state = models.CharField(max_length=16, default="offered")
    at = models.DateTimeField()


class EvidenceUse(Row):
    evidence = models.ForeignKey(Evidence, models.PROTECT, related_name="uses")
    purpose = models.CharField(max_length=16)
    amount = models.BigIntegerField()
    freed = models.BigIntegerField(default=0)
    at = models.DateTimeField()


class Payment(Row):
    uetr = models.CharField(max_length=36, unique=True)
    loan = models.ForeignKey(Loan, models.PROTECT)
    currency = models.CharField(max_length=3)
    amount = models.DecimalField(max_digits=18, decimal_places=2)
    remitted_for = models.CharField(max_length=200)
    evidence = models.ManyToManyField(Evidence)
    verdict = models.JSONField(null=True)
    state = models.CharField(max_length=16, default="received")
    at = models.DateTimeField()


class PaymentMessage(Row):
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="messages")
    way = models.CharField(max_length=3)
    type = models.CharField(max_length=20)
    content = models.TextField()
    at = models.DateTimeField()


class AuditRow(Row):
    action = models.CharField(max_length=24)
    who = models.CharField(max_length=40)
    subject = models.CharField(max_length=80)
    details = models.JSONField()
    at = models.DateTimeField(db_index=True)


#: Each after those that it refers to.
MODELS = (
    Account, Posting, Document, TitleEvent, Evidence, ShipmentEvent, Consent, Loan, LoanDay, Pledge, EvidenceUse, Payment, PaymentMessage,
    AuditRow,
)  # fmt: skip


# ---- a shipment -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """One act as it is asked for: when, and with which papers and amounts."""

    at: datetime
    events: Sequence[str]
    titles: Sequence[str]
    pieces: Sequence[tuple[str, Any]]
    uses: Sequence[tuple[str, str | None, int]]
    postings: Sequence[tuple[str, str, int, tuple[str, str, str], tuple[str, str, str]]]


@dataclass
class Shipment:
    """A shipment of a worker. `number` starts whatever it is called by; `order` is the pacs.008 that will come."""

    worker: int
    number: int
    order: str
    papers: dict[str, str] = field(default_factory=dict)  # the number of each that was delivered

    @property
    def name(self) -> str:
        return f"{self.worker}/{self.number}"

    @property
    def uetr(self) -> str:
        return f"{self.worker:08d}-0000-4000-8000-{self.number:012d}"

    def account(self, named: tuple[str, str, str]) -> str:
        return f"{self.worker}/{named[0]}" if named[2] == "shared" else f"{self.name}/{named[0]}"


def post(s: Shipment, asked: Asked) -> None:
    """The postings of an act: its accounts locked in their order, moved in memory, saved."""
    bounds = {s.account(side): side[1] for *_, debit, credit in asked.postings for side in (debit, credit)}
    locked = Account.objects.select_for_update().filter(number__in=bounds).order_by("number")
    accounts = {account.number: account for account in locked}
    for number, bound in bounds.items():
        if number not in accounts:
            accounts[number] = Account.objects.create(number=number, bound=bound)
    for code, kind, amount, debit_named, credit_named in asked.postings:
        debit, credit = accounts[s.account(debit_named)], accounts[s.account(credit_named)]
        if kind == "hold":
            debit.held += amount
        else:
            if kind == "settle":
                debit.held -= amount
            debit.balance -= amount
            credit.balance += amount
        if debit.bound == "debits" and debit.balance - debit.held < 0:
            raise Refused(f"{debit.number} has not enough for {amount}")
        if credit.bound == "credits" and credit.balance > 0:
            raise Refused(f"{credit.number} takes no more than is owed, not {amount}")
        Posting.objects.create(debit=debit, credit=credit, amount=amount, code=code, kind=kind, at=asked.at)
    for account in accounts.values():
        account.save()


def document_of(s: Shipment) -> Document:
    return Document.objects.select_for_update().get(number=s.name)


def loan_of(s: Shipment) -> Loan:
    return Loan.objects.select_for_update().get(number=s.name)


def payment_of(s: Shipment) -> Payment:
    return Payment.objects.select_for_update().get(uetr=s.uetr)


def paper_of(s: Shipment, paper: str) -> Evidence:
    """The last version of a paper."""
    return Evidence.objects.filter(number=s.papers[paper]).latest("version")


def moved(document: Document, asked: Asked, by: str) -> None:
    for act in asked.titles:
        TitleEvent.objects.create(document=document, act=act, by=by, at=asked.at)


def audit(s: Shipment, asked: Asked, action: str, who: str, **details: Any) -> None:
    AuditRow.objects.create(action=action, who=who, subject=s.name, details=details, at=asked.at)


def need(holds: bool, why: str) -> None:
    if not holds:
        raise Refused(why)


def stored(s: Shipment, asked: Asked) -> Evidence | None:
    """The paper that comes with an act, as a new one."""
    made = None
    for n, (kind, content) in enumerate(asked.pieces):
        written = json.dumps(content, ensure_ascii=False)
        digest = hashlib.sha256(written.encode()).hexdigest()
        number = f"{s.name}/{kind}/{asked.at:%d%H%M}/{n}"
        need(not Evidence.objects.filter(number=number).exists(), f"{number} is there already")
        made = Evidence.objects.create(number=number, kind=kind, content=content, digest=digest, received_at=asked.at)
    return made


# ---- the acts ------------------------------------------------------------------------------------------------------


def issue(s: Shipment, asked: Asked) -> None:
    bill = {"number": s.name, "order": s.order[:1_500]}
    document = Document.objects.create(
        number=s.name, content=bill, holder="exporter", custodian="carrier", issued_at=asked.at
    )
    moved(document, asked, "carrier")
    audit(s, asked, "issue", "carrier", holder="exporter")


def deliver_paper(s: Shipment, asked: Asked) -> None:
    evidence = stored(s, asked)
    assert evidence is not None, asked
    s.papers[PAPERS[len(s.papers)]] = evidence.number
    post(s, asked)
    audit(s, asked, "deliver_paper", "exporter", number=evidence.number)


def consent(s: Shipment, asked: Asked) -> None:
    given = Consent.objects.create(purpose="finance", grantee="bank", at=asked.at)
    given.evidence.set(Evidence.objects.filter(number__in=s.papers.values()))
    audit(s, asked, "consent", "exporter", grantee="bank")


def read(s: Shipment, asked: Asked) -> None:
    """The bank reads the next paper that it may."""
    unread = AuditRow.objects.filter(subject=s.name, action="read").count()
    evidence = Evidence.objects.get(number=list(s.papers.values())[unread])
    need(Consent.objects.filter(evidence=evidence, grantee="bank").exists(), "nobody has consented")
    audit(s, asked, "read", "bank", number=evidence.number)


def pledge(s: Shipment, asked: Asked) -> None:
    document = document_of(s)
    need(document.state == "issued" and document.holder == "exporter", "only the holder pledges")
    Pledge.objects.create(document=document, bank="bank", at=asked.at)
    document.state = "pledged"
    document.save()
    moved(document, asked, "exporter")
    audit(s, asked, "pledge", "exporter", bank="bank")


def request(s: Shipment, asked: Asked) -> None:
    document = document_of(s)
    need(Pledge.objects.filter(document=document, state="offered").exists(), "there is no pledge")
    Loan.objects.create(
        number=s.name, document=document, declaration=paper_of(s, "declaration"), insurance=paper_of(s, "insurance"), at=asked.at
    )
    audit(s, asked, "request", "exporter", document=s.name)


def approve(s: Shipment, asked: Asked) -> None:
    loan = loan_of(s)
    need(loan.state == "requested", "it was not asked for")
    ((_, purpose, amount),) = asked.uses
    declaration = Evidence.objects.select_for_update().get(pk=loan.declaration_id)
    EvidenceUse.objects.create(evidence=declaration, purpose=purpose or "", amount=amount, at=asked.at)
    declaration.financed += amount
    declaration.save()
    post(s, asked)
    loan.state = "approved"
    loan.save()
    audit(s, asked, "approve", "bank", amount=amount)


def disburse(s: Shipment, asked: Asked) -> None:
    loan, document = loan_of(s), document_of(s)
    taken = Pledge.objects.select_for_update().get(document=document)
    need(loan.state == "approved" and taken.state == "offered", "it is not approved, or its pledge is gone")
    post(s, asked)
    loan.principal = next(amount for _, kind, amount, *_ in asked.postings if kind == "post")
    loan.state = "disbursed"
    loan.save()
    taken.state = "taken"
    taken.save()
    moved(document, asked, "bank")
    audit(s, asked, "disburse", "bank", principal=loan.principal)


def open_account(s: Shipment, asked: Asked) -> None:
    loan = loan_of(s)
    loan.collection = f"62{s.worker:04d}{s.number:010d}"
    loan.save()
    audit(s, asked, "open_account", "bank", number=loan.collection)


def move(s: Shipment, asked: Asked) -> None:
    """Something happened to the goods."""
    document = document_of(s)
    evidence = stored(s, asked)
    if "titles.custody" in asked.events:
        document.custodian = "railway" if document.custodian == "carrier" else "carrier"
        document.save()
    ShipmentEvent.objects.create(document=document, custodian=document.custodian, evidence=evidence, at=asked.at)
    audit(s, asked, "move", "carrier", custodian=document.custodian)


def correct(s: Shipment, asked: Asked) -> None:
    ((kind, content),) = asked.pieces
    last = Evidence.objects.select_for_update().filter(number=s.papers["declaration"]).latest("version")
    written = json.dumps(content, ensure_ascii=False)
    Evidence.objects.create(
        number=last.number, version=last.version + 1, kind=kind, content=content, received_at=asked.at,
        digest=hashlib.sha256(written.encode()).hexdigest(), financed=last.financed,
    )  # fmt: skip
    audit(s, asked, "correct", "customs", number=last.number)


def close(s: Shipment, asked: Asked) -> None:
    """An evening: a day's interest; or, when all is repaid, what the loan stood on is free again."""
    loan = loan_of(s)
    if asked.uses:
        need(loan.state == "paid", "something is owed")
        used = EvidenceUse.objects.select_for_update().get(evidence=loan.declaration_id, purpose="financing")
        used.freed = used.amount
        used.save()
        post(s, asked)
        loan.state = "repaid"
    else:
        need(loan.state == "disbursed", "nothing is owed")
        post(s, asked)
        grown = sum(amount for _, _, amount, *_ in asked.postings)
        LoanDay.objects.create(loan=loan, day=asked.at.date(), interest=grown)
        loan.interest += grown
    loan.save()
    audit(s, asked, "close", "system", interest=loan.interest, principal=loan.principal)


def receive(s: Shipment, asked: Asked) -> None:
    """A pacs.008 comes, and is answered."""
    tree = ElementTree.fromstring(s.order.encode())
    found = {e.tag.rpartition("}")[2]: e for e in tree.iter()}
    amount = found["IntrBkSttlmAmt"]
    need(not Payment.objects.filter(uetr=s.uetr).exists(), "it came before")
    payment = Payment.objects.create(
        uetr=s.uetr, loan=loan_of(s), currency=amount.attrib["Ccy"], amount=amount.text or "0",
        remitted_for=(found["EndToEndId"].text or "")[:200], at=asked.at,
    )  # fmt: skip
    PaymentMessage.objects.create(payment=payment, way="in", type="pacs.008", content=s.order, at=asked.at)
    PaymentMessage.objects.create(
        payment=payment, way="out", type="pacs.002", content=_answer(payment, "ACSP"), at=asked.at
    )
    post(s, asked)
    audit(s, asked, "receive", "sender", uetr=s.uetr, amount=str(payment.amount))


def attach(s: Shipment, asked: Asked) -> None:
    payment = payment_of(s)
    payment.evidence.add(paper_of(s, CHECKED[payment.evidence.count()]))
    audit(s, asked, "attach", "exporter", uetr=s.uetr)


def check(s: Shipment, asked: Asked) -> None:
    payment = payment_of(s)
    papers = {evidence.number: json.dumps(evidence.content, ensure_ascii=False) for evidence in payment.evidence.all()}
    findings = {paper: s.papers[paper] in papers for paper in CHECKED}
    findings["the contract's number"] = payment.remitted_for in papers.get(s.papers["contract"], "")
    need(all(findings.values()), f"{findings}")
    payment.verdict, payment.state = findings, "clear"
    payment.save()
    audit(s, asked, "check", "bank", verdict=findings)


def settle(s: Shipment, asked: Asked) -> None:
    """Declaration used, money exchanged, interest and principal repaid, surplus paid, pledge released."""
    payment, loan, document = payment_of(s), loan_of(s), document_of(s)
    ended = Pledge.objects.select_for_update().get(document=document)
    need(payment.state == "clear" and loan.state == "disbursed", "it is not checked, or nothing is owed")
    ((_, purpose, amount),) = asked.uses
    declaration = paper_of(s, "declaration")
    EvidenceUse.objects.create(evidence=declaration, purpose=purpose or "", amount=amount, at=asked.at)
    post(s, asked)
    loan.principal, loan.interest, loan.state = 0, 0, "paid"
    loan.save()
    ended.state = "released"
    ended.save()
    document.state = "issued"
    document.save()
    moved(document, asked, "bank")
    payment.state = "credited"
    payment.save()
    value = next(amount for code, _, amount, *_ in asked.postings if code == "payments.credit")
    for kind, content in (("pacs.002", _answer(payment, "ACCC")), ("camt.054", _notification(payment, loan, value))):
        PaymentMessage.objects.create(payment=payment, way="out", type=kind, content=content, at=asked.at)
    audit(s, asked, "settle", "bank", value=value)


def notice(s: Shipment, asked: Asked) -> None:
    """The notification is read back."""
    told = PaymentMessage.objects.get(payment__uetr=s.uetr, type="camt.054")
    need(any(e.tag.endswith("Amt") for e in ElementTree.fromstring(told.content).iter()), "it tells no amount")


def transfer(s: Shipment, asked: Asked) -> None:
    document = document_of(s)
    need(document.state == "issued" and document.holder == "exporter", "it is pledged, or somebody else's")
    document.holder = "importer"
    document.save()
    moved(document, asked, "exporter")
    audit(s, asked, "transfer", "exporter", to="importer")


def surrender(s: Shipment, asked: Asked) -> None:
    document = document_of(s)
    need(document.state == "issued" and document.holder == "importer", "only the holder surrenders")
    document.state = "surrendered"
    document.save()
    moved(document, asked, "importer")
    audit(s, asked, "surrender", "importer")


def deliver(s: Shipment, asked: Asked) -> None:
    document = document_of(s)
    need(document.state == "surrendered", "it was not surrendered")
    document.state = "delivered"
    document.save()
    moved(document, asked, "carrier")
    audit(s, asked, "deliver", "carrier")


def _answer(payment: Payment, status: str) -> str:
    return (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.002.001.10"><FIToFIPmtStsRpt><GrpHdr>'
        f"<MsgId>A{payment.pk}{status}</MsgId><CreDtTm>{payment.at.isoformat()}</CreDtTm></GrpHdr><TxInfAndSts>"
        f"<OrgnlUETR>{payment.uetr}</OrgnlUETR><TxSts>{status}</TxSts></TxInfAndSts></FIToFIPmtStsRpt></Document>"
    )


def _notification(payment: Payment, loan: Loan, value: int) -> str:
    return (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><BkToCstmrDbtCdtNtfctn><GrpHdr>'
        f"<MsgId>N{payment.pk}</MsgId><CreDtTm>{payment.at.isoformat()}</CreDtTm></GrpHdr><Ntfctn><Id>N{payment.pk}</Id>"
        f'<Acct><Id><Othr><Id>{loan.collection}</Id></Othr></Id></Acct><Ntry><Amt Ccy="CNY">{value // 100}.{value % 100:02d}</Amt>'
        "<CdtDbtInd>CRDT</CdtDbtInd></Ntry></Ntfctn></BkToCstmrDbtCdtNtfctn></Document>"
    )


#: What Luhai records of an act, and the act that does the same business here. The first that fits.
ACTS: tuple[tuple[str, Callable[[Shipment, Asked], None]], ...] = (
    ("transport.document_issued", issue), ("transport.event", move), ("evidence.corrected", correct), ("evidence.received", deliver_paper),
    ("evidence.consent_given", consent), ("evidence.read", read), ("titles.pledge", pledge), ("lending.draw_request", request),
    ("lending.draw_approve", approve), ("lending.draw_disburse", disburse), ("payments.account_opened", open_account),
    ("lending.draw_close_day", close), ("payments.received", receive), ("payments.attached", attach), ("payments.checked", check),
    ("payments.credited", settle), ("titles.transfer", transfer), ("titles.surrender", surrender), ("transport.release_ordered", deliver),
)  # fmt: skip


def named(events: Sequence[str]) -> Callable[[Shipment, Asked], None]:
    if not events:
        return notice
    return next(act for event, act in ACTS if event in events)


def play(s: Shipment, story: Sequence[Asked]) -> None:
    """A whole shipment: each act in a transaction of its own."""
    for asked in story:
        act = named(asked.events)
        with transaction.atomic():
            act(s, asked)
