"""What is read out of each type, element by element, and how a refusal says what would be right."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from luhai.kernel.money import EXPONENT, Currency
from luhai.kernel.refusal import Invalid
from luhai.settlement.messages import currencies, envelope, schemas, tree
from luhai.settlement.messages.message import Account, Amount, Original, Reason
from luhai.settlement.messages.read import read
from luhai.settlement.messages.tests import papers
from luhai.settlement.messages.tests.world import FOLDER, PAYMENT, UETR, order
from luhai.settlement.messages.write import write


def cny(text: str) -> Amount:
    return Amount(Decimal(text), "CNY")


QUOTED = Original(
    message_id="CQB-20260302-1",
    message_type="pacs.008.001.08",
    instruction_id="CQ2603020001",
    end_to_end_id="PO-2026-118",
    uetr=UETR,
)


def test_a_recall() -> None:
    message = read(papers.RECALL)
    assert (message.type, message.id, message.case_id) == ("camt.056.001.08", "RCL-1", "CASE-1")
    assert [(p.role, p.bic) for p in message.parties] == [
        ("assigner", "ICBKCNBJCQG"),
        ("assignee", "BKKBTHBKXXX"),
    ]
    (tx,) = message.transactions
    assert tx.id == "X-1"
    assert tx.original == replace(QUOTED, amount=cny("128000"), settled_on=date(2026, 3, 2))
    assert tx.reasons == (Reason(code="DUPL", info=("Sent twice",)),)


def test_the_answer_to_a_recall() -> None:
    message = read(papers.recall_answer("RJCR", "ARDT"))
    assert (message.status, message.case_id) == ("RJCR", "CASE-1")
    (tx,) = message.transactions
    assert (tx.id, tx.original, tx.reasons) == ("S-1", QUOTED, (Reason(code="ARDT"),))


def test_a_cover_and_what_is_under_it() -> None:
    (tx,) = read(papers.COVER).transactions
    assert [(p.role, p.bic, p.institution) for p in tx.parties if p.role in {"debtor", "creditor"}] == [
        ("debtor", "ICBKCNBJCQG", True), ("creditor", "BKKBTHBKXXX", True),
    ]  # fmt: skip
    under = tx.cover_for
    assert under is not None
    creditor = under.party("creditor")
    assert creditor is not None
    assert (creditor.name, creditor.account) == ("Fruit Export", Account(number="1234567890"))
    assert under.remittance is not None
    assert under.remittance.lines == ("CF-2026-031",)


def test_batches_of_a_customer() -> None:
    message = read(papers.BATCHES)
    assert message.count == 3
    first, second, third = message.transactions
    assert [t.batch_id for t in message.transactions] == ["B-1", "B-1", "B-2"]
    assert [t.settled_on for t in message.transactions] == [
        date(2026, 3, 3),
        date(2026, 3, 3),
        date(2026, 3, 4),
    ]
    assert [(t.charge_bearer, t.priority) for t in message.transactions] == [
        ("DEBT", "NORM"),
        ("SHAR", "HIGH"),
        ("", ""),
    ]
    assert [(t.amount, t.instructed) for t in message.transactions] == [
        (None, cny("100")), (None, cny("200")), (None, Amount(Decimal(5000), "VND")),
    ]  # fmt: skip
    assert (first.uetr, first.purpose) == (UETR, "CGODDR")
    assert [(p.role, p.name or p.bic) for p in first.parties] == [
        ("ultimate_debtor", "Branch"), ("debtor", "Yutong"), ("debtor_agent", "ICBKCNBJCQG"), ("creditor", "Fruit Export"),
    ]  # fmt: skip
    debtor = second.party("debtor")
    assert debtor is not None
    assert debtor.account == Account(number="3100024509", currency="CNY")
    assert second.party("ultimate_debtor") is not None
    third_debtor = third.party("debtor")
    assert third_debtor is not None
    assert third_debtor.account == Account(iban="GB33BUKB20201555555555")


def test_a_status_of_a_whole_message() -> None:
    (tx,) = read(papers.GROUP_REJECTED).transactions
    assert tx.whole_group
    assert (tx.status, tx.reasons) == ("RJCT", (Reason(proprietary="FORMAT"),))
    assert tx.original == Original(message_id="CQB-20260302-1", message_type="pacs.008.001.08")


def test_a_statement_of_the_first_edition() -> None:
    (statement,) = read(papers.OLD_STATEMENT).statements
    assert statement.account == Account(number="50000000054910", currency="SEK")
    assert statement.servicer is not None
    assert (statement.servicer.bic, statement.sequence) == ("AAAASESS", 7)
    (balance,) = statement.balances
    assert (balance.code, balance.amount.minor, balance.dated) == ("OPBD", 50_000, date(2006, 10, 17))
    (entry,) = statement.entries
    assert (entry.code, entry.status, entry.booked_on) == ("PMNT/RCDT/ESCT", "BOOK", date(2006, 10, 18))
    (tx,) = entry.transactions
    assert tx.remittance is not None
    assert tx.remittance.invoices == ("4711",)
    assert tx.remittance.structured[0].reference == "998877"
    bank = tx.party("debtor_agent")
    assert bank is not None
    assert (bank.bic, bank.name, bank.country) == ("DEUTDEFF", "DB", "DE")


def test_everything_about_a_payment() -> None:
    message = read(write(order()))
    assert message.header is not None
    assert (message.header.type, message.header.id) == (message.type, message.id)
    (tx,) = message.transactions
    assert tx.amount is not None
    assert (tx.amount.minor, tx.uetr, tx.remittance) == (12_800_000, UETR, PAYMENT.remittance)
    assert [p.country for p in tx.parties] == ["CN", "TH", "CN", "CN", "TH", "TH"]
    with pytest.raises(Invalid) as refused:
        read(write(order()), family="camt.054")
    assert refused.value.facts["field"] == "Document"


@pytest.mark.parametrize(
    "wrapped",
    [
        b'<BusMsg><x:Header xmlns:x="urn:y"><Id>1</Id></x:Header>%s</BusMsg>',
        b'<a:DataPDU xmlns:a="urn:swift:saa:xsd:saa.2.0"><a:Body>%s</a:Body></a:DataPDU>',
        b'<?xml version="1.0"?><!-- a comment --><m><AppHdr xmlns="urn:swift:xsd:$ahV10"><MsgRef>1</MsgRef></AppHdr>%s</m>',
        b"\xef\xbb\xbf \n%s",
    ],
)
def test_any_wrapper(wrapped: bytes) -> None:
    assert read(wrapped % papers.RECALL) == read(papers.RECALL)


def test_a_message_without_document(shared: Path) -> None:
    """A network that puts the message element straight into its own envelope."""
    message = read((shared / FOLDER / "samples-rtp20022/pacs002.ACTC.xml").read_bytes())
    (tx,) = message.transactions
    assert (message.header, tx.status, tx.parties[0].clearing_member) == (None, "ACTC", "987654320")
    assert tx.original == Original(
        message_id="M20230711200000057A1BFFF64928178098", message_type="pacs.008.001.08",
        instruction_id="20230711200000057A1B123864928178098", transaction_id="20230711200000057A1B123864928178098",
        amount=Amount(Decimal(2000), "USD"), settled_on=date(2023, 7, 11),
    )  # fmt: skip


# Times and amounts ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "instant", "day"),
    [
        ("2026-03-02T23:30:00+08:00", datetime(2026, 3, 2, 15, 30, tzinfo=UTC), date(2026, 3, 2)),
        ("2026-03-02T12:00:00Z", datetime(2026, 3, 2, 12, tzinfo=UTC), date(2026, 3, 2)),
        ("2026-03-02T12:00:00.1234567-03:30", datetime(2026, 3, 2, 15, 30, 0, 123456, UTC), date(2026, 3, 2)),
        ("2026-03-02T12:00:00", None, date(2026, 3, 2)),
    ],
)  # fmt: skip
def test_times(written: str, instant: datetime | None, day: date) -> None:
    message = read(papers.RECALL.replace(b"2026-03-03T09:00:00+08:00", written.encode()))
    assert (message.created, message.dated) == (instant, day)


@pytest.mark.parametrize(
    "written",
    ["2026-03-02T24:00:00Z", "0001-01-01T00:00:00+14:00", "12026-03-02T12:00:00Z", "-0044-03-15T12:00:00Z"],
)
def test_times_that_are_none_of_ours(written: str) -> None:
    """The schema allows them; there is no such instant here."""
    with pytest.raises(Invalid) as refused:
        read(papers.RECALL.replace(b"2026-03-03T09:00:00+08:00", written.encode()))
    assert refused.value.facts == {
        "field": "Document/FIToFIPmtCxlReq/Assgnmt/CreDtTm",
        "problem": tree.WANT_INSTANT,
    }


@pytest.mark.parametrize(
    ("value", "currency", "minor", "counted"),
    [
        ("1.50", "CNY", 150, True), ("1.500", "CNY", 150, True), ("1.505", "CNY", None, False), ("5000", "VND", 5000, True),
        ("0.5", "VND", None, False), ("1.234", "KWD", 1234, False), ("1", "XAU", None, False), ("1", "CNH", None, False),
        ("999999999999999999", "CNY", 99999999999999999900, False),
    ],
)  # fmt: skip
def test_amounts(value: str, currency: str, minor: int | None, counted: bool) -> None:
    amount = Amount(Decimal(value), currency)
    assert (amount.minor, amount.money is not None) == (minor, counted)


def test_the_kernels_currencies_have_the_same_places() -> None:
    assert {currency: currencies.exponent(currency.value) for currency in Currency} == dict(EXPONENT)


# What would be right ----------------------------------------------------------------------------------------------

ORDER = write(order())
FAULTS = [
    (b"<UETR>3e7b", b"<UETR>3E7B", "PmtId/UETR", schemas._WORDS["UETR"]),
    (b"<BICFI>BKKBTHBKXXX</BICFI></FinInstnId></CdtrAgt>", b"<BICFI/></FinInstnId></CdtrAgt>", "CdtrAgt/FinInstnId/BICFI", schemas._WORDS["BICFI"]),
    (b"<Ctry>TH", b"<Ctry>th", "Cdtr/PstlAdr/Ctry", schemas._WORDS["Ctry"]),
    (b'Ccy="CNY"', b'Ccy="Yuan"', "IntrBkSttlmAmt/@Ccy", schemas._WORDS["Ccy"]),
    (b' Ccy="CNY"', b"", "IntrBkSttlmAmt/@Ccy", tree.MISSING),
    (b' Ccy="CNY"', b' Ccy="CNY" Fx="1"', "IntrBkSttlmAmt/@Fx", schemas.NO_SUCH_ATTRIBUTE),
    (b"128000.00", b"much", "IntrBkSttlmAmt", schemas.WANT_NUMBER),
    (b"128000.00", b"-1", "IntrBkSttlmAmt", "This breaks the limit minInclusive 0."),
    (b"128000.00", b"1.000001", "IntrBkSttlmAmt", "This breaks the limit fractionDigits 5."),
    (b"128000.00", b"1234567890123456789", "IntrBkSttlmAmt", "This breaks the limit totalDigits 18."),
    (b"<IntrBkSttlmDt>2026-03-02", b"<IntrBkSttlmDt>2026-02-30", "IntrBkSttlmDt", schemas.WANT_DAY),
    (b">SHAR<", b">OUR<", "ChrgBr", "One of DEBT, CRED, SHAR, SLEV is wanted."),
    (b"<EndToEndId>PO-2026-118", b"<EndToEndId>" + b"x" * 36, "PmtId/EndToEndId", "This breaks the limit maxLength 35."),
    (b"<EndToEndId>PO-2026-118</EndToEndId>", b"", "PmtId/UETR", "This is not expected here; EndToEndId is wanted."),
    (b"<ChrgBr>SHAR</ChrgBr>", b"", "InstgAgt", "This is not expected here; SttlmPrty, SttlmTmIndctn, SttlmTmReq, AccptncDtTm, PoolgAdjstmntDt, InstdAmt, XchgRate, ChrgBr is wanted."),
    (b"<ChrgBr>SHAR</ChrgBr>", b"<ChrgBr>SHAR</ChrgBr>x", "", schemas.NO_TEXT),
    (b"<ChrgBr>SHAR</ChrgBr>", b"<ChrgBr><Cd>SHAR</Cd></ChrgBr>", "ChrgBr", schemas.NO_ELEMENTS),
]  # fmt: skip


@pytest.mark.parametrize(("was", "becomes", "field", "problem"), FAULTS)
def test_a_refusal_names_the_element_and_what_would_be_right(
    was: bytes, becomes: bytes, field: str, problem: str
) -> None:
    assert was in ORDER
    with pytest.raises(Invalid) as refused:
        read(ORDER.replace(was, becomes, 1))
    base = "Document/FIToFICstmrCdtTrf/CdtTrfTxInf"
    assert (refused.value.facts["field"], refused.value.facts["problem"]) == (
        f"{base}/{field}".rstrip("/"),
        problem,
    )
    assert refused.value.message % refused.value.facts


def test_a_missing_end_is_named() -> None:
    for body, field in (
        ("<FIToFIPmtCxlReq/>", "FIToFIPmtCxlReq/Assgnmt"),
        ("", "FIToFIPmtCxlReq"),
        ("<PmtRtr/>", "PmtRtr"),
    ):
        with pytest.raises(Invalid) as refused:
            read(papers.document("camt.056.001.08", body))
        assert refused.value.facts["field"] == f"Document/{field}"


def test_a_refusal_does_not_repeat_what_the_message_says() -> None:
    with pytest.raises(Invalid) as refused:
        read(ORDER.replace(b"<Ctry>TH", b"<Ctry>secret"))
    assert "secret" not in str(refused.value.facts)


def test_the_types_that_are_read() -> None:
    assert {name[:8] for name in envelope.types()} == set(envelope.FAMILIES)
    assert not [name for name in envelope.types() if name.startswith("head")]


def test_older_names_of_a_bic() -> None:
    """BICOrBEI of an organisation, BIC of an institution: the versions of 2009."""
    message = read(
        papers.document(
            "camt.053.001.02",
            "<BkToCstmrStmt><GrpHdr><MsgId>M</MsgId><CreDtTm>2026-03-02T18:00:00+08:00</CreDtTm></GrpHdr>"
            "<Stmt><Id>S</Id><CreDtTm>2026-03-02T18:00:00+08:00</CreDtTm><Acct><Id><Othr><Id>1</Id></Othr></Id>"
            "<Ownr><Id><OrgId><BICOrBEI>DBSSSGSG</BICOrBEI></OrgId></Id></Ownr>"
            "<Svcr><FinInstnId><BIC>BKKBTHBK</BIC></FinInstnId></Svcr></Acct>"
            '<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">1</Amt><CdtDbtInd>DBIT</CdtDbtInd>'
            "<Dt><Dt>2026-03-02Z</Dt></Dt></Bal>"
            '<Ntry><Amt Ccy="CNY">5</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>BOOK</Sts><BkTxCd><Prtry><Cd>NTRF</Cd></Prtry></BkTxCd>'
            "<NtryDtls><TxDtls><Refs><EndToEndId>E</EndToEndId></Refs></TxDtls></NtryDtls></Ntry></Stmt></BkToCstmrStmt>",
        )
    )
    (statement,) = message.statements
    assert statement.owner is not None
    assert statement.servicer is not None
    assert (statement.owner.bic, statement.servicer.bic) == ("DBSSSGSG", "BKKBTHBK")
    assert statement.balances[0].dated == date(2026, 3, 2)
    (entry,) = statement.entries
    assert (entry.code, entry.transactions[0].direction) == (
        "NTRF",
        "DBIT",
    )  # a payment goes the way of its line


def test_an_answer_to_a_batch() -> None:
    """In the answer to a customer, the original's UETR stands under UETR and its message with the batch."""
    message = read(
        papers.document(
            "camt.029.001.09",
            f"<RsltnOfInvstgtn>{papers.assigned('A')}<Sts><Conf>PDCR</Conf></Sts><CxlDtls><OrgnlPmtInfAndSts>"
            "<OrgnlPmtInfId>B-1</OrgnlPmtInfId><OrgnlGrpInf><OrgnlMsgId>CUST-1</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId></OrgnlGrpInf>"
            f"<TxInfAndSts><OrgnlEndToEndId>PO-1</OrgnlEndToEndId><UETR>{UETR}</UETR><TxCxlSts>ACCR</TxCxlSts></TxInfAndSts>"
            "</OrgnlPmtInfAndSts></CxlDtls></RsltnOfInvstgtn>",
        )
    )
    (tx,) = message.transactions
    assert tx.original == Original(
        message_id="CUST-1", message_type="pain.001.001.09", batch_id="B-1", end_to_end_id="PO-1", uetr=UETR
    )
    assert (message.status, tx.status) == ("PDCR", "ACCR")


@pytest.mark.parametrize(
    ("twice", "problem"), [(b"</Document>", envelope.TWO_MESSAGES), (b"</AppHdr>", envelope.TWO_HEADERS)]
)
def test_one_message_at_a_time(twice: bytes, problem: str) -> None:
    end = ORDER.index(twice) + len(twice)
    start = ORDER.index(b"<Document" if b"Document" in twice else b"<AppHdr")
    with pytest.raises(Invalid) as refused:
        read(ORDER[:end] + ORDER[start:end] + ORDER[end:])
    assert refused.value.facts["problem"] == problem
