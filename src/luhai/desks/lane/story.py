"""The steps of a shipment, in their order: each a few commands of the subjects, each callable alone on a stage.

A step does nothing but ask: what may be done, and when, the subjects say. Played out of its order it is refused by whichever subject it
comes too early for, and then its keys stay refused (see `Stage.attempt`). Played again, it answers as it did.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from luhai.core.evidence import commands as evidence
from luhai.core.evidence import consent_commands as consents
from luhai.core.titles import commands as titles
from luhai.financing.lending import commands as lending
from luhai.financing.lending import line_commands as lines
from luhai.financing.lending import queries as loans
from luhai.kernel.origin import SYSTEM
from luhai.records.transport import commands as transport
from luhai.records.transport import queries as documents
from luhai.settlement.messages.read import read
from luhai.settlement.payments import commands as payments
from luhai.settlement.payments import queries as money

from . import papers
from .cast import Part
from .stage import DEAL_DAYS, NotYet, Stage

#: The papers that are delivered, in their order; those that the payment is checked against.
PAPERS: Final = ("contract", "insurance", "transport_document", "declaration", "invoice")
CHECKED: Final = ("contract", "invoice", "declaration", "transport_document")
#: Days from the first: when the loan begins, when the goods arrive, when the money comes.
LENT, PAID = 2, 15
#: The line: amounts in fen, the spread over the prime rate, the haircut in percent.
LINE_FEN, RAIL_FEN, SPREAD_BP, HAIRCUT = 6_000_000_000, 4_000_000_000, 45, 10
REPAYMENT: Final = {"method": "principal_at_end", "number": 1, "every": 3, "unit": "months"}


@dataclass(frozen=True, slots=True)
class Step:
    """`name` never changes. `day`, from the shipment's first, is the one on which it is over; `measures` are those that it carries out.

    `deal`: once for a cast, not for each shipment.
    """

    name: str
    day: int
    zh: str
    en: str
    measures: tuple[str, ...]
    run: Callable[[Stage], dict[str, Any] | None]
    deal: bool = False


# --- the deal ------------------------------------------------------------------------------------------------------------


def _agreement(s: Stage) -> None:
    c = s.cast
    signatories = {"carrier": c.carrier, "consignor": c.exporter, "consignee": c.importer, "bank": c.officer, "station": c.railway,
                   "insurer": c.insurer}  # fmt: skip
    transport.propose_agreement(
        agreement_id=s.agreement, number=s.agreement_no, text=papers.AGREEMENT,
        parties_={str(part.id): role for role, part in signatories.items()}, starts_on=s.deal_day,
        origin=s.deal_by(c.carrier, "agreement", s.deal_at(9)),
    )  # fmt: skip
    digest = documents.agreement(agreement_id=s.agreement, viewer=SYSTEM).digest
    for n, part in enumerate(p for p in signatories.values() if p is not c.carrier):
        transport.sign_agreement(agreement_id=s.agreement, digest=digest, origin=s.deal_by(part, f"sign {n}", s.deal_at(10, n)))


def _line(s: Stage) -> None:
    c = s.cast
    contract = {
        "currency": "CNY", "starts_on": s.deal_day.isoformat(), "ends_on": (s.deal_day + timedelta(days=365)).isoformat(),
        "spread_bp": SPREAD_BP, "haircut_percent": HAIRCUT, "needs_pledge": True, "needs_evidence": True, "needs_insurance": True,
    }  # fmt: skip
    limits: list[dict[str, Any]] = [
        {"name": "whole", "parent": None, "amount": LINE_FEN},
        {"name": "rail_bills", "parent": "whole", "amount": RAIL_FEN, "product": "rail_bill_finance"},
    ]
    lines.open_line(
        line_id=s.line, company_id=c.exporter.id, number=f"LHCL-{s.deal_day:%Y}-{str(s.line)[:6].upper()}", contract=contract,
        limits=limits, size="S", industry="F", origin=s.deal_by(c.officer, "line", s.deal_at(13)),  # a small trader
    )  # fmt: skip
    lines.approve_line(line_id=s.line, origin=s.deal_by(c.second, "approve line", s.deal_at(14)))
    digest = loans.line(line_id=s.line, viewer=SYSTEM).digest
    lines.sign_line(line_id=s.line, digest=digest, origin=s.deal_by(c.exporter, "sign line", s.deal_at(15)))
    lines.start_line(line_id=s.line, origin=s.deal_by(c.officer, "start line", s.deal_at(16)))


# --- document, pledge, loan ------------------------------------------------------------------------------------------------


def _issue(s: Stage) -> None:
    """The carrier takes the goods in charge and gives the exporter control of the one document for rail and sea."""
    transport.issue_document(
        title_id=s.title, content=papers.bill(s.cast, s.shipment, s.agreement_no), holder_id=s.cast.exporter.id,
        beneficiary_id=s.cast.exporter.id, agreement_id=s.agreement, origin=s.by(s.cast.carrier, "issue", s.at(0, 14)),
    )  # fmt: skip


def _papers(s: Stage) -> None:
    """Each paper is delivered by whoever wrote it; the transport document in DCSA's form, as the carrier's system writes it."""
    c, at = s.cast, s.at(1, 10)
    form = documents.form(title_id=s.title, which="dcsa", viewer=SYSTEM)["document"]
    delivered: tuple[tuple[str, Part, dict[str, Any]], ...] = (
        ("contract", c.exporter, papers.contract(c, s.shipment)),
        ("insurance", c.insurer, papers.insurance(c, s.shipment)),
        ("transport_document", c.carrier, form),
        ("declaration", c.customs, papers.declaration(c, s.shipment)),
        ("invoice", c.exporter, papers.invoice(c, s.shipment, at)),
    )
    for n, (name, part, paper) in enumerate(delivered):
        evidence.receive_evidence(
            evidence_id=s.id(name), subject_id=c.exporter.id, content=papers.packed(paper),
            origin=s.by(part, f"deliver {name}", at + timedelta(minutes=n)),
        )  # fmt: skip


def _consent(s: Stage) -> None:
    """The exporter lets its bank read and finance, and look at them for the payment; the bank reads, and leaves receipts."""
    c, until = s.cast, s.at(300, 12)
    for n, purpose in enumerate(("financing", "settlement")):
        consents.grant_consent(
            consent_id=s.id(f"consent {purpose}"), grantee_id=c.bank.id, purpose=purpose, kinds=[],
            pieces=[s.id(name) for name in PAPERS], until=until, origin=s.by(c.exporter, f"consent {purpose}", s.at(1, 11, n)),
        )  # fmt: skip
    for n, name in enumerate(("contract", "transport_document", "declaration", "insurance")):
        consents.read_evidence(
            evidence_id=s.id(name), purpose="financing", origin=s.by(c.officer, f"read {name}", s.at(1, 14, n))
        )  # fmt: skip


def _pledge(s: Stage) -> None:
    titles.pledge_title(
        title_id=s.title, pledgee=s.cast.bank.id, secured_minor=borrowed(s), currency="CNY", registration=s.shipment.registration,
        origin=s.by(s.cast.exporter, "pledge", s.at(1, 16)),
    )  # fmt: skip


def _request(s: Stage) -> None:
    lending.request_draw(
        draw_id=s.draw, line_id=s.line, limit="rail_bills", amount=borrowed(s), purpose="铁海联运提单融资", repayment=REPAYMENT,
        title_id=s.title, evidence_=[{"evidence_id": str(s.id("declaration")), "amount": s.shipment.financed}],
        insurance_id=s.id("insurance"), origin=s.by(s.cast.exporter, "request", s.at(LENT, 9)),
    )  # fmt: skip


def _approve(s: Stage) -> None:
    lending.approve_draw(draw_id=s.draw, green="N", origin=s.by(s.cast.officer, "approve", s.at(LENT, 10)))


def _disburse(s: Stage) -> None:
    """The money moves; the bank takes up the pledge by handing it to the escrow of the repayment."""
    lending.disburse(draw_id=s.draw, origin=s.by(s.cast.second, "disburse", s.at(LENT, 14)))


def _collection(s: Stage) -> None:
    """The bank gives the exporter a number for what the importer will pay: it leads into the escrow of the loan."""
    payments.open_account(
        account_id=s.id("collection"), company_id=s.cast.exporter.id, number=s.shipment.account_no, currency="CNY",
        ledger_account_id=s.collection, origin=s.by(s.cast.officer, "collection", s.at(LENT, 15)),
    )  # fmt: skip


# --- the goods ------------------------------------------------------------------------------------------------------------


def _rail(s: Stage) -> None:
    """From the carrier's yard to the railway, and to the port."""
    c = s.cast
    _moved(s, c.carrier, "GTIN", "CNCQI", 2, 17, custodian=c.railway)
    _moved(s, c.railway, "LOAD", "CNCQI", 2, 20)
    _moved(s, c.railway, "DEPA", "CNCQI", 2, 23)
    _moved(s, c.railway, "ARRI", "CNQZH", 4, 9)
    _moved(s, c.railway, "DISC", "CNQZH", 4, 15, custodian=c.carrier)


def _release(s: Stage) -> None:
    """Customs lets the goods go: the declaration is corrected by whoever delivered it, and the carrier reports it."""
    at = s.at(5, 16)
    evidence.correct_evidence(
        evidence_id=s.id("declaration"), content=papers.packed(papers.declaration(s.cast, s.shipment, at)),
        origin=s.by(s.cast.customs, "release", at + timedelta(minutes=5)),
    )  # fmt: skip
    _moved(s, s.cast.carrier, "CUSR", "CNQZH", 5, 17)


def _sea(s: Stage) -> None:
    _moved(s, s.cast.carrier, "LOAD", "CNQZH", 6, 6)
    _moved(s, s.cast.carrier, "DEPA", "CNQZH", 6, 20)


def _arrive(s: Stage) -> None:
    day = 6 + s.shipment.destination.sea_days
    _moved(s, s.cast.carrier, "ARRI", s.shipment.destination.place, day, 8)
    _moved(s, s.cast.carrier, "DISC", s.shipment.destination.place, day, 15)


def _moved(s: Stage, part: Part, code: str, place: str, day: int, hour: int, custodian: Part | None = None) -> None:
    """An event with the seal that was found, and the carrier's own message as evidence of it."""
    at, name = s.at(day, hour), f"{code} {place}"
    said = papers.event(s.id(f"event {name}"), s.shipment, code, place, at, transport=code in ("DEPA", "ARRI"))
    transport.record_event(
        title_id=s.title, event_id=s.id(f"event {name}"), code=code, place=place, happened_at=at, container=s.shipment.container,
        seals=[s.shipment.seal], custodian=custodian.id if custodian else None,
        content=papers.packed([said]) if code not in ("GTIN",) else None, origin=s.by(part, name, at + timedelta(minutes=10)),
    )  # fmt: skip


def _nights(s: Stage) -> None:
    """The close of business of every evening from the first of the loan to the one before the money comes."""
    if loans.loan(draw_id=s.draw, viewer=SYSTEM).starts_on is None:
        raise NotYet(missing="disburse")
    for day in range(LENT, PAID):
        at = s.at(day, 23)
        lending.close_day(draw_id=s.draw, day=at.date(), origin=s.by_system(f"close {day}", at))


# --- the money ------------------------------------------------------------------------------------------------------------


def _receive(s: Stage) -> dict[str, Any]:
    """The importer's bank sends a pacs.008; it rests in suspense, and is answered."""
    at = s.at(PAID, 9)
    answer = payments.receive_message(
        content=papers.order(s.cast, s.shipment, s.uetr, at), origin=s.by(s.cast.sender, "pay", at + timedelta(minutes=1))
    )
    return {name: answer[name] for name in ("payment_id", "status", "reason")}


def _attach(s: Stage) -> None:
    for n, name in enumerate(CHECKED):
        payments.attach(
            payment_id=s.payment, evidence_id=s.id(name), origin=s.by(s.cast.exporter, f"attach {name}", s.at(PAID, 10, n))
        )  # fmt: skip


def _check(s: Stage) -> dict[str, Any]:
    payments.check(payment_id=s.payment, situation="goods_after_shipment", origin=s.by(s.cast.officer, "check", s.at(PAID, 14)))
    found = money.payment(payment_id=s.payment, viewer=SYSTEM).verdict
    assert found is not None, s.payment
    return {"verdict": found.verdict, "rule_set": found.rule_set, "tier": found.tier, "findings": len(found.findings)}


def _settle(s: Stage) -> None:
    """In one transaction: declaration used, money exchanged, interest and principal repaid, surplus paid, pledge released."""
    payments.settle(payment_id=s.payment, origin=s.by(s.cast.second, "settle", s.at(PAID, 15)))


def _notice(s: Stage) -> dict[str, Any]:
    """The notification to the exporter, read back as any system would read it."""
    found = [m for m in money.messages_of(payment_id=s.payment, viewer=s.cast.exporter.actor) if m.type.startswith("camt.054")]
    if not found:
        raise NotYet(missing="settle")
    (message,) = found
    (statement,) = read(message.content.encode(), family="camt.054").statements
    (entry,) = statement.entries
    assert statement.account is not None, message.message_id
    return {
        "type": message.type, "account": statement.account.number, "amount": str(entry.amount.value), "currency": entry.amount.currency,
        "direction": entry.direction,
    }  # fmt: skip


def _repaid(s: Stage) -> None:
    """The close of the evening: lending finds what came through the escrow, and frees the limit and the documents."""
    at = s.at(PAID, 23)
    if money.payment(payment_id=s.payment, viewer=SYSTEM).credit is None:
        raise NotYet(missing="settle")
    lending.close_day(draw_id=s.draw, day=at.date(), origin=s.by_system("close last", at))


# --- delivery, and the count ------------------------------------------------------------------------------------------------


def _transfer(s: Stage) -> None:
    titles.transfer_title(
        title_id=s.title, to=s.cast.importer.id, beneficiary=s.cast.importer.id,
        origin=s.by(s.cast.exporter, "transfer", s.at(PAID + 1, 9)),
    )  # fmt: skip


def _surrender(s: Stage) -> None:
    titles.surrender_title(title_id=s.title, origin=s.by(s.cast.importer, "surrender", s.at(PAID + 1, 14)))


def _deliver(s: Stage) -> None:
    """The carrier takes the document back and orders the goods out; they leave the gate."""
    transport.deliver(title_id=s.title, release_id=s.id("release"), origin=s.by(s.cast.carrier, "deliver", s.at(PAID + 2, 9)))
    _moved(s, s.cast.carrier, "GTOT", s.shipment.destination.place, PAID + 2, 15)


def borrowed(s: Stage) -> int:
    """What the exporter asks for, in fen."""
    return s.shipment.borrowed(s.at(LENT, 9).date(), HAIRCUT)


STEPS: Final = (
    Step("agreement", -DEAL_DAYS, "各方约定铁海联运提单为唯一提货凭证", "The bill is agreed to be the only delivery voucher", ("M05-09",), _agreement, deal=True),
    Step("line", -DEAL_DAYS, "综合授信开立、签署、生效", "A comprehensive credit line is opened and signed", ("M05-06", "M05-07"), _line, deal=True),
    Step("issue", 0, "承运人签发铁海联运一单制提单", "The carrier issues the one document for rail and sea", ("M05-08", "M05-09", "M05-12"), _issue),
    Step("papers", 1, "合同、保单、运输单证、报关单、发票入库", "Contract, insurance, bill, declaration and invoice are delivered", ("M08-01",), _papers),
    Step("consent", 1, "出口商授权银行查阅、使用单证", "The exporter lets its bank read and use them", ("M13-04",), _consent),
    Step("pledge", 1, "出口商向银行出质提单", "The exporter pledges the bill to its bank", ("M05-08", "M05-09"), _pledge),
    Step("request", LENT, "出口商凭单证申请提款，约定还款托管", "A draw is asked for, its repayment agreed in escrow", ("M05-07", "M05-08", "M06-08"), _request),
    Step("approve", LENT, "银行审批，额度与单证占用", "The bank approves; limit and declaration are held", ("M05-07", "M05-08", "M06-08"), _approve),
    Step("disburse", LENT, "另一人放款，银行承接质权", "Another officer pays out; the bank takes up the pledge", ("M05-07", "M05-08", "M06-08"), _disburse),
    Step("collection", LENT, "开立贷款回款账户", "A collection account leads into the loan's escrow", ("M08-01",), _collection),
    Step("rail", 4, "铁路运抵钦州", "By rail to Qinzhou", ("M05-10",), _rail),
    Step("release", 5, "海关放行", "Customs releases the goods", ("M05-10",), _release),
    Step("sea", 6, "装船离港", "Loaded on the ship", ("M05-10",), _sea),
    Step("arrive", 12, "抵达目的港", "Discharged at the destination", ("M05-10",), _arrive),
    Step("nights", PAID - 1, "逐日计息日终", "Close of business, every evening", ("M05-07",), _nights),
    Step("receive", PAID, "境外银行发来付款报文（pacs.008）", "The importer's bank sends a pacs.008", ("M08-01",), _receive),
    Step("attach", PAID, "出口商提交单证", "The exporter attaches its documents", ("M08-01",), _attach),
    Step("check", PAID, "银行核验单证与收款", "The bank checks payment and documents", ("M08-01",), _check),
    Step("settle", PAID, "一笔结清：核销、结汇、还本付息、余款入账、解除质押", "Settled at once: used, exchanged, repaid, surplus paid, pledge released", ("M08-01", "M10-13"), _settle),
    Step("notice", PAID, "入账通知（camt.054）读回", "The camt.054 is read back", (), _notice),
    Step("repaid", PAID, "日终记还款，释放额度", "The evening writes the repayment down and frees the limit", ("M05-07", "M05-08", "M06-08"), _repaid),
    Step("transfer", PAID + 1, "出口商将提单转让进口商", "The bill goes to the importer", ("M05-09",), _transfer),
    Step("surrender", PAID + 1, "进口商提示提单", "The importer surrenders it", ("M05-09",), _surrender),
    Step("deliver", PAID + 2, "承运人凭单放货、出场", "The carrier delivers against it", ("M05-10",), _deliver),
)  # fmt: skip
NAMES: Final = tuple(step.name for step in STEPS)


def by_name(name: str) -> Step:
    return next(step for step in STEPS if step.name == name)
