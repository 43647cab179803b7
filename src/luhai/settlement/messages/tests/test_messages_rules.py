"""Each rule finds what breaks it, at its element, from its day on; and nothing in what is right."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from luhai.kernel.refusal import Invalid
from luhai.settlement.messages import checks, compose, rules
from luhai.settlement.messages.envelope import open_envelope
from luhai.settlement.messages.message import Address, Reason
from luhai.settlement.messages.tests import papers
from luhai.settlement.messages.tests.world import BANGKOK, CHONGQING, FOLDER, NOON, order
from luhai.settlement.messages.write import write

BEFORE, AFTER = date(2026, 11, 13), date(2026, 11, 14)

ORDER = write(order())
TOLD = {"id": "A-1", "created": NOON}
STATUS = write(compose.status_report(order(), status="ACSP", **TOLD))
REJECTED = write(compose.status_report(order(), status="RJCT", reason=Reason(code="AC04"), **TOLD))
RETURN = write(
    compose.payment_return(order(), settled_on=date(2026, 3, 4), reason=Reason(code="AC06"), **TOLD)
)
CREDIT = write(
    compose.notification(
        order(), direction="CRDT", booked_on=date(2026, 3, 2), servicer_reference="B1", sender=BANGKOK,
        receiver=CHONGQING, **TOLD,
    )
)  # fmt: skip
BATCHES = papers.BATCHES.replace(
    b"CcyOfTrf></EqvtAmt></Amt>",
    b"CcyOfTrf></EqvtAmt></Amt><CdtrAcct><Id><Othr><Id>8</Id></Othr></Id></CdtrAcct>",
).replace(
    b'<InstdAmt Ccy="VND">5000</InstdAmt></Amt>',
    b'<InstdAmt Ccy="VND">5000</InstdAmt></Amt><CdtrAcct><Id><Othr><Id>9</Id></Othr></Id></CdtrAcct>',
)


def headed(data: bytes, type: str, id: str) -> bytes:
    """The same with a header, for what is not written here."""
    header = ORDER[ORDER.index(b"<AppHdr") : ORDER.index(b"<Document")]
    header = header.replace(b"pacs.008.001.08", type.encode()).replace(b"CQB-20260302-1", id.encode())
    return b"<Envelope>" + header + data + b"</Envelope>"


RECALL = headed(papers.RECALL, "camt.056.001.08", "RCL-1")
REFUSED = headed(papers.recall_answer("RJCR", "CUST"), "camt.029.001.09", "ANS-1")
STATEMENT = headed(
    papers.document(
        "camt.053.001.08",
        "<BkToCstmrStmt><GrpHdr><MsgId>ST-1</MsgId><CreDtTm>2026-03-02T18:00:00+08:00</CreDtTm></GrpHdr>"
        "<Stmt><Id>S</Id><ElctrncSeqNb>1</ElctrncSeqNb><Acct><Id><Othr><Id>1</Id></Othr></Id></Acct>"
        + "".join(
            f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">1</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-03-02</Dt></Dt></Bal>'
            for code in ("OPBD", "CLBD")
        )
        + "</Stmt></BkToCstmrStmt>",
    ),
    "camt.053.001.08", "ST-1",
)  # fmt: skip

CLEAN = {
    "order": ORDER, "status": STATUS, "rejected": REJECTED, "return": RETURN, "credit": CREDIT, "recall": RECALL, "refused": REFUSED,
    "statement": STATEMENT, "batches": BATCHES,
}  # fmt: skip


def found(data: bytes, on: date = AFTER) -> list[tuple[str, str]]:
    return [(finding.rule, finding.field) for finding in rules.check(open_envelope(data), on=on)]


@pytest.mark.parametrize("name", CLEAN)
@pytest.mark.parametrize("on", [BEFORE, AFTER])
def test_nothing_is_found_in_what_is_right(name: str, on: date) -> None:
    assert found(CLEAN[name], on) == []


TX = "Document/FIToFICstmrCdtTrf/CdtTrfTxInf"
GROUP = "Document/FIToFICstmrCdtTrf/GrpHdr"
BACK = "Document/PmtRtr/TxInf"
CHARGE = (
    b'<ChrgsInf><Amt Ccy="CNY">%s</Amt><Agt><FinInstnId><BICFI>DBSSSGSG</BICFI></FinInstnId></Agt></ChrgsInf>'
)
THAI = b"<PstlAdr><TwnNm>Chanthaburi</TwnNm><Ctry>TH</Ctry><AdrLine>88 Moo 4</AdrLine></PstlAdr>"


def put(data: bytes, was: bytes, becomes: bytes) -> bytes:
    assert data.count(was) >= 1, was
    return data.replace(was, becomes, 1)


def change(name: str, *pairs: tuple[bytes, bytes]) -> Callable[[], bytes]:
    def made() -> bytes:
        data = CLEAN[name]
        for was, becomes in pairs:
            data = put(data, was, becomes)
        return data

    return made


def instructed(amount: bytes, currency: bytes, *more: tuple[bytes, bytes]) -> Callable[[], bytes]:
    asked = b'</IntrBkSttlmDt><InstdAmt Ccy="%s">%s</InstdAmt>' % (currency, amount)
    return change("order", (b"</IntrBkSttlmDt>", asked), *more)


def without_header() -> bytes:
    return ORDER[ORDER.index(b"<Document") : ORDER.index(b"</Envelope>")]


#: rule, how a clean message comes to break it, where it is found.
CASES: list[tuple[str, Callable[[], bytes], list[str]]] = [
    ("HDR-1", without_header, ["AppHdr"]),
    ("HDR-2", change("order", (b"<MsgDefIdr>pacs.008.001.08", b"<MsgDefIdr>pacs.008.001.09")), ["AppHdr/MsgDefIdr"]),
    ("HDR-3", change("recall", (b"<BizMsgIdr>RCL-1", b"<BizMsgIdr>RCL-2")), ["AppHdr/BizMsgIdr"]),
    ("HDR-4", change("order", (b"<BizSvc>swift.cbprplus.03</BizSvc>", b"")), ["AppHdr/BizSvc"]),
    ("HDR-4", change("order", (b"swift.cbprplus.03", b"cips")), ["AppHdr/BizSvc"]),
    ("HDR-5", change("order", (b"BKKBTHBKXXX", b"DBSSSGSGXXX")), ["AppHdr/To/FIId/FinInstnId/BICFI"]),
    ("HDR-6", change("order", (b"</CreDt>", b"</CreDt><Prty>NORM</Prty>"), (b"</PmtId>", b"</PmtId><PmtTpInf><InstrPrty>HIGH</InstrPrty></PmtTpInf>")), ["AppHdr/Prty"]),
    ("TIM-1", change("order", (b"+08:00</CreDtTm>", b"</CreDtTm>")), [f"{GROUP}/CreDtTm"]),
    ("TIM-1", change("batches", (b"+08:00</CreDtTm>", b"</CreDtTm>")), ["Document/CstmrCdtTrfInitn/GrpHdr/CreDtTm"]),
    ("UETR-1", change("order", (b"<UETR>3e7b91d4-af28-4c53-b6e1-92d4a7c83f52</UETR>", b"")), [f"{TX}/PmtId/UETR"]),
    ("UETR-2", change("return", (b"<OrgnlUETR>3e7b91d4-af28-4c53-b6e1-92d4a7c83f52</OrgnlUETR>", b"")), [f"{BACK}/OrgnlUETR"]),
    ("UETR-2", change("recall", (b"<OrgnlUETR>3e7b91d4-af28-4c53-b6e1-92d4a7c83f52</OrgnlUETR>", b"")), ["Document/FIToFIPmtCxlReq/Undrlyg/TxInf/OrgnlUETR"]),
    *[("ID-1", change("order", (b"<InstrId>CQ2603020001", b"<InstrId>" + bad)), [f"{TX}/PmtId/InstrId"]) for bad in (b"/CQ", b"CQ/", b"C//Q")],
    ("ID-1", change("credit", (b"<InstrId>CQ", b"<InstrId>/CQ")), ["Document/BkToCstmrDbtCdtNtfctn/Ntfctn/Ntry/NtryDtls/TxDtls/Refs/InstrId"]),
    ("ID-2", change("order", (b"<EndToEndId>PO-2026-118", b"<EndToEndId> ")), [f"{TX}/PmtId/EndToEndId"]),
    ("TXN-1", change("order", (b"<NbOfTxs>1", b"<NbOfTxs>2")), [f"{GROUP}/NbOfTxs"]),
    ("TXN-1", lambda: put(REJECTED, b"</TxInfAndSts>", b"</TxInfAndSts>" + REJECTED[REJECTED.index(b"<TxInfAndSts>"):REJECTED.index(b"</FIToFIPmtStsRpt>")]), ["Document/FIToFIPmtStsRpt/TxInfAndSts[2]"]),
    ("DAT-1", change("order", (b"<IntrBkSttlmDt>2026-03-02</IntrBkSttlmDt>", b"")), [f"{TX}/IntrBkSttlmDt"]),
    ("AMT-1", change("order", (b"128000.00", b"128000.001")), [f"{TX}/IntrBkSttlmAmt"]),
    ("AMT-1", change("order", (b'CNY">128000.00', b'VND">128000.50')), [f"{TX}/IntrBkSttlmAmt"]),
    ("AMT-2", change("order", (b'Ccy="CNY"', b'Ccy="CNH"')), [f"{TX}/IntrBkSttlmAmt/@Ccy"]),
    ("AMT-3", change("order", (b'Ccy="CNY"', b'Ccy="XAU"')), [f"{TX}/IntrBkSttlmAmt/@Ccy"]),
    ("AMT-4", instructed(b"640000.00", b"THB"), [f"{TX}/XchgRate"]),
    ("AMT-4", change("order", (b"</IntrBkSttlmDt>", b"</IntrBkSttlmDt><XchgRate>0.2</XchgRate>")), [f"{TX}/XchgRate"]),
    ("AMT-4", instructed(b"128000.00", b"CNY", (b"</InstdAmt>", b"</InstdAmt><XchgRate>1</XchgRate>")), [f"{TX}/XchgRate"]),
    ("AMT-5", instructed(b"128010.00", b"CNY"), [f"{TX}/ChrgsInf"]),
    ("AMT-5", instructed(b"128010.00", b"CNY", (b"</ChrgBr>", b"</ChrgBr>" + CHARGE % b"9.00")), [f"{TX}/IntrBkSttlmAmt"]),
    ("AMT-5", instructed(b"128010.00", b"CNY", (b"SHAR</ChrgBr>", b"DEBT</ChrgBr>" + CHARGE % b"10.00")), [f"{TX}/IntrBkSttlmAmt"]),
    ("CHG-1", change("order", (b">SHAR<", b">CRED<")), [f"{TX}/ChrgsInf"]),
    ("CHG-2", change("order", (b"SHAR</ChrgBr>", b"DEBT</ChrgBr>" + CHARGE % b"0" + CHARGE % b"0")), [f"{TX}/ChrgsInf[2]"]),
    ("ACC-1", change("order", (b"<CdtrAcct><Id><Othr><Id>1234567890</Id></Othr></Id></CdtrAcct>", b"")), [f"{TX}/CdtrAcct"]),
    ("ACC-1", change("batches", (b"<CdtrAcct><Id><Othr><Id>77</Id></Othr></Id></CdtrAcct>", b"")), ["Document/CstmrCdtTrfInitn/PmtInf[1]/CdtTrfTxInf[1]/CdtrAcct"]),
    ("ACC-2", change("batches", (b"GB33BUKB", b"GB34BUKB")), ["Document/CstmrCdtTrfInitn/PmtInf[2]/DbtrAcct/Id/IBAN"]),
    ("LEI-1", change("order", (b"LUHAI0CQYUTONG000153", b"LUHAI0CQYUTONG000154")), [f"{TX}/Dbtr/Id/OrgId/LEI"]),
    ("BIC-1", change("order", (b"<DbtrAgt><FinInstnId><BICFI>ICBKCN", b"<DbtrAgt><FinInstnId><BICFI>ICBKQQ")), [f"{TX}/DbtrAgt/FinInstnId/BICFI"]),
    ("PTY-1", change("order", (b"<Cdtr><Nm>Chanthaburi Fruit Export Co Ltd</Nm>" + THAI + b"</Cdtr>", b"<Cdtr/>")), [f"{TX}/Cdtr/Nm"]),
    ("PTY-2", change("order", (b"<Nm>Chanthaburi Fruit Export Co Ltd</Nm>", b""), (THAI, THAI + b"<Id><OrgId><AnyBIC>BKKBTHBK</AnyBIC></OrgId></Id>")), [f"{TX}/Cdtr/Nm"]),
    ("AGT-1", change("order", (b"<InstgAgt><FinInstnId><BICFI>ICBKCNBJCQG</BICFI></FinInstnId></InstgAgt>", b"")), [f"{TX}/InstgAgt"]),
    ("AGT-2", change("status", (b"<InstdAgt><FinInstnId><BICFI>ICBKCNBJCQG</BICFI></FinInstnId></InstdAgt>", b"")), ["Document/FIToFIPmtStsRpt/TxInfAndSts/InstdAgt"]),
    ("AGT-3", change("order", (b"BKKBTHBKXXX</BICFI></FinInstnId></CdtrAgt>", b"BKKBTHBKXXX</BICFI><Nm>Bangkok Bank</Nm></FinInstnId></CdtrAgt>")), [f"{TX}/CdtrAgt/FinInstnId/PstlAdr"]),
    ("AGT-4", change("order", (b"<CdtrAgt><FinInstnId><BICFI>BKKBTHBKXXX</BICFI></FinInstnId>", b"<CdtrAgt><FinInstnId/>")), [f"{TX}/CdtrAgt/FinInstnId"]),
    ("ADR-1", change("order", (THAI, b"<PstlAdr><AdrLine>88 Moo 4</AdrLine><AdrLine>Chanthaburi</AdrLine></PstlAdr>")), [f"{TX}/Cdtr/PstlAdr"]),
    ("ADR-3", change("order", (b"<TwnNm>Chanthaburi</TwnNm>", b"")), [f"{TX}/Cdtr/PstlAdr/TwnNm"]),
    ("ADR-3", change("order", (b"<Ctry>TH</Ctry>", b"")), [f"{TX}/Cdtr/PstlAdr/Ctry"]),
    ("ADR-4", change("order", (b"<AdrLine>88 Moo 4</AdrLine>", b"<AdrLine>88</AdrLine><AdrLine>Moo 4</AdrLine><AdrLine>x</AdrLine>")), [f"{TX}/Cdtr/PstlAdr/AdrLine[3]"]),
    ("ADR-5", change("order", (b"88 Moo 4", b"88 Moo 4, chanthaburi 22000")), [f"{TX}/Cdtr/PstlAdr/AdrLine"]),
    ("ADR-5", change("order", (b"88 Moo 4", b"TH-22000")), [f"{TX}/Cdtr/PstlAdr/AdrLine"]),
    ("RMT-1", change("order", (b"<RmtInf>", b"<RmtInf><Ustrd>CF-2026-031</Ustrd>")), [f"{TX}/RmtInf/Strd"]),
    ("RMT-2", change("order", (b"</RfrdDocInf>", b"</RfrdDocInf><CdtrRefInf><Tp><CdOrPrtry><Cd>SCOR</Cd></CdOrPrtry></Tp><Ref>RF18539007547035</Ref></CdtrRefInf>")), [f"{TX}/RmtInf/Strd/CdtrRefInf/Ref"]),
    ("STS-1", change("rejected", (b"<StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf>", b"")), ["Document/FIToFIPmtStsRpt/TxInfAndSts/StsRsnInf/Rsn"]),
    ("STS-2", change("rejected", (b"</StsRsnInf>", b"</StsRsnInf><FctvIntrBkSttlmDt><Dt>2026-03-02</Dt></FctvIntrBkSttlmDt>")), ["Document/FIToFIPmtStsRpt/TxInfAndSts/FctvIntrBkSttlmDt"]),
    ("RTN-1", change("return", (b"<RtrRsnInf><Rsn><Cd>AC06</Cd></Rsn></RtrRsnInf>", b"")), [f"{BACK}/RtrRsnInf/Rsn"]),
    ("RTN-2", change("return", (b'<RtrdIntrBkSttlmAmt Ccy="CNY">128000.00', b'<RtrdIntrBkSttlmAmt Ccy="CNY">128000.01')), [f"{BACK}/RtrdIntrBkSttlmAmt"]),
    ("RTN-3", lambda: RETURN[: RETURN.index(b"<RtrChain>")] + RETURN[RETURN.index(b"</RtrChain>") + 11 :], [f"{BACK}/RtrChain"]),
    ("RCL-1", change("recall", (b"<Rsn><Cd>DUPL</Cd></Rsn>", b"")), ["Document/FIToFIPmtCxlReq/Undrlyg/TxInf/CxlRsnInf/Rsn"]),
    ("RCL-2", change("refused", (b"<CxlStsRsnInf><Rsn><Cd>CUST</Cd></Rsn></CxlStsRsnInf>", b"")), ["Document/RsltnOfInvstgtn/CxlDtls/TxInfAndSts/CxlStsRsnInf/Rsn"]),
    ("RPT-1", change("credit", (b"<BookgDt><Dt>2026-03-02</Dt></BookgDt><ValDt><Dt>2026-03-02</Dt></ValDt>", b"")), ["Document/BkToCstmrDbtCdtNtfctn/Ntfctn/Ntry/BookgDt"]),
    ("RPT-2", change("statement", (b"CLBD", b"CLAV")), ["Document/BkToCstmrStmt/Stmt/Bal/Tp"]),
    ("RPT-3", change("statement", (b"<ElctrncSeqNb>1</ElctrncSeqNb>", b"")), ["Document/BkToCstmrStmt/Stmt/ElctrncSeqNb"]),
    ("CHR-1", change("order", (b"PO-2026-118", b"PO_2026")), [f"{TX}/PmtId/EndToEndId"]),
    ("CHR-1", change("order", (b"<Nm>Chanthaburi Fruit Export Co Ltd", "<Nm>尖竹汶水果出口".encode())), [f"{TX}/Cdtr/Nm"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "broken", "fields"), CASES, ids=[f"{i}-{case[0]}" for i, case in enumerate(CASES)]
)
def test_a_rule_finds_what_breaks_it_and_nothing_else_does(
    rule: str, broken: Callable[[], bytes], fields: list[str]
) -> None:
    assert found(broken()) == [(rule, field) for field in fields]


def test_every_rule_is_broken_once() -> None:
    assert {rule.id for rule in rules.RULES} == {case[0] for case in CASES} | {"ADR-2"}  # its own day, below
    assert len({rule.id for rule in rules.RULES}) == len(rules.RULES)


def test_the_unstructured_address_ends_on_a_day() -> None:
    short = put(ORDER, THAI, b"<PstlAdr><AdrLine>88 Moo 4</AdrLine></PstlAdr>")
    long = put(ORDER, THAI, b"<PstlAdr><AdrLine>" + b"x" * 36 + b"</AdrLine></PstlAdr>")
    assert found(short, BEFORE) == []
    assert found(short, AFTER) == [("ADR-1", f"{TX}/Cdtr/PstlAdr")]
    assert found(long, BEFORE) == [("ADR-2", f"{TX}/Cdtr/PstlAdr/AdrLine")]
    assert found(long, AFTER) == [("ADR-1", f"{TX}/Cdtr/PstlAdr")]


def test_reports_are_exempt_from_the_rules_on_addresses() -> None:
    report = put(CREDIT, THAI, b"<PstlAdr><AdrLine>88 Moo 4</AdrLine></PstlAdr>")
    assert found(report, AFTER) == []


RIGHT = [
    instructed(b"640000.00", b"THB", (b"</InstdAmt>", b"</InstdAmt><XchgRate>0.2</XchgRate>")),
    instructed(b"128000.00", b"CNY"),
    instructed(b"128010.00", b"CNY", (b"</ChrgBr>", b"</ChrgBr>" + CHARGE % b"4.00" + CHARGE % b"6.00")),
    instructed(b"127990.00", b"CNY", (b"SHAR</ChrgBr>", b"DEBT</ChrgBr>" + CHARGE % b"10.00")),
    change("order", (b"SHAR</ChrgBr>", b"CRED</ChrgBr>" + CHARGE % b"0")),
    change("order", (b"88 Moo 4", b"88 Moo 4, THONBURI")),
    change("order", (b"CQ2603020001", b"CQ/2603/020001")),
    change("order", (b"PO-2026-118", b"NOTPROVIDED")),
    change("order", (b"</CreDt>", b"</CreDt><CpyDplct>COPY</CpyDplct>"), (b"BKKBTHBKXXX", b"DBSSSGSGXXX")),
    change("order", (b"</RfrdDocInf>", b"</RfrdDocInf><CdtrRefInf><Tp><CdOrPrtry><Cd>SCOR</Cd></CdOrPrtry></Tp><Ref>RF18539007547034</Ref></CdtrRefInf>")),
    change("order", (b"128000.00", b"128000.000")),
    change("rejected", (b"RJCT</TxSts><StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf>", b"PDNG</TxSts>")),
    change("order", (b"<Nm>Chanthaburi Fruit Export Co Ltd", b"<Nm>Chanthaburi @ #1 [Fruit]")),
]  # fmt: skip


@pytest.mark.parametrize("made", RIGHT)
def test_near_misses_are_right(made: Callable[[], bytes]) -> None:
    assert found(made()) == []


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        (Address(town="Bangkok", country="TH"), "STRUCTURED"),
        (Address(street="Silom", town="Bangkok", country="TH"), "STRUCTURED"),
        (Address(town="Bangkok", country="TH", lines=("333 Silom",)), "HYBRID"),
        (Address(town="Bangkok", country="TH", lines=("333 Silom", "Floor 5")), "HYBRID"),
        (Address(town="Bangkok", country="TH", lines=("1", "2", "3")), "INVALID"),
        (Address(town="Bangkok", country="TH", lines=("x" * 71,)), "INVALID"),
        (Address(town="Bangkok", country="TH", lines=("x" * 70,)), "HYBRID"),
        (Address(lines=("333 Silom", "Bangkok", "Thailand")), "UNSTRUCTURED"),
        (Address(town="Bangkok"), "INVALID"),
        (Address(country="TH", lines=("333 Silom",)), "INVALID"),
        (Address(floor="5", lines=("333 Silom",)), "INVALID"),
        (Address(), "INVALID"),
        (None, "INVALID"),
    ],
)
def test_kinds_of_address(address: Address | None, kind: str) -> None:
    assert checks.address_kind(address) == kind


# The collection of violators ----------------------------------------------------------------------------------------

#: What their file names say is broken, and our rule for it.
OURS = {
    "msgdefidr_mismatch": "HDR-2",
    "slash_in_instrid": "ID-1",
    "commodity_currency_XAU": "AMT-3",
    "camt.054-R10_existing": "RPT-1",
}


def test_the_violators_are_found(shared: Path) -> None:
    """Nineteen files, each named after what it breaks. Four break their schema too, and are refused before any rule."""
    counted = {"found": 0, "refused": 0}
    for path in sorted((shared / FOLDER / "samples-cbpr-ur").rglob("*__violates_*.xml")):
        expected = next(rule for name, rule in OURS.items() if path.stem.endswith(name))
        try:
            envelope = open_envelope(path.read_bytes())
        except Invalid:
            counted["refused"] += 1
            continue
        counted["found"] += 1
        assert expected in [finding.rule for finding in rules.check(envelope, on=AFTER)], path.name
    assert counted == {"found": 15, "refused": 4}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("2025/CBPR+ pn.1.2.1.a camt.052 A to I.xml", []),
        ("2025/cbprplus_pacs008_2025.xml", []),
        ("2025/pacs002_status_report_sample.xml", []),
        ("2025/pacs008_credit_transfer_sample.xml", []),
        ("2025/pacs009_fi_transfer_sample.xml", []),
        ("2026/cbprplus_pacs008_2026.xml", []),
        ("2026/pacs002_status_report_sample.xml", []),
        ("2026/pacs008_credit_transfer_sample.xml", []),
        ("2026/pacs009_fi_transfer_sample.xml", []),
        ("2025/cbprplus_pacs008_sample_bic_mismatch.xml", ["HDR-5", "HDR-5"]),
        ("2025/cbprplus_pacs008_sample_dodgy_IBAN_and_bic_mismatch.xml", ["HDR-5", "HDR-5", "ACC-2"]),
        ("2025/cbprplus_camt054_slash_in_instrid.xml", ["HDR-3", "ID-1", "RPT-1"]),
    ],
)
def test_the_other_files_of_that_collection(name: str, expected: list[str], shared: Path) -> None:
    data = (shared / FOLDER / "samples-cbpr-ur" / name).read_bytes()
    assert [rule for rule, _ in found(data)] == expected


def test_the_paper_shows_the_table() -> None:
    paper = (Path(__file__).resolve().parents[5] / "docs" / "algorithms" / "iso20022.md").read_text(
        encoding="utf-8"
    )
    assert rules.table() in paper


def test_every_rule_speaks_chinese() -> None:
    from babel.messages.pofile import read_po

    path = Path(rules.__file__).parent / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
    with open(path, "rb") as file:
        known = {message.id: message.string for message in read_po(file, locale="zh_Hans")}
    assert [rule.id for rule in rules.RULES if not known.get(rule.text)] == []
