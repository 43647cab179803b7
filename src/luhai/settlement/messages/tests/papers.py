"""Messages written by hand, for what no sample holds: recalls and their answers, returns, covers, batches, old versions."""

from __future__ import annotations

from luhai.settlement.messages.tests.world import UETR

NS = "urn:iso:std:iso:20022:tech:xsd:"


def document(type: str, body: str) -> bytes:
    return f'<Document xmlns="{NS}{type}">{body}</Document>'.encode()


def agent(tag: str, bic: str) -> str:
    return f"<{tag}><FinInstnId><BICFI>{bic}</BICFI></FinInstnId></{tag}>"


def assigned(id: str, sender: str = "ICBKCNBJCQG", receiver: str = "BKKBTHBKXXX") -> str:
    return (
        f"<Assgnmt><Id>{id}</Id><Assgnr>{agent('Agt', sender)}</Assgnr><Assgne>{agent('Agt', receiver)}</Assgne>"
        "<CreDtTm>2026-03-03T09:00:00+08:00</CreDtTm></Assgnmt>"
    )


QUOTED = (
    "<OrgnlGrpInf><OrgnlMsgId>CQB-20260302-1</OrgnlMsgId><OrgnlMsgNmId>pacs.008.001.08</OrgnlMsgNmId></OrgnlGrpInf>"
    f"<OrgnlInstrId>CQ2603020001</OrgnlInstrId><OrgnlEndToEndId>PO-2026-118</OrgnlEndToEndId><OrgnlUETR>{UETR}</OrgnlUETR>"
)

RECALL = document(
    "camt.056.001.08",
    f"<FIToFIPmtCxlReq>{assigned('RCL-1')}<Case><Id>CASE-1</Id><Cretr>{agent('Agt', 'ICBKCNBJCQG')}</Cretr></Case>"
    f"<Undrlyg><TxInf><CxlId>X-1</CxlId>{QUOTED}"
    '<OrgnlIntrBkSttlmAmt Ccy="CNY">128000.00</OrgnlIntrBkSttlmAmt><OrgnlIntrBkSttlmDt>2026-03-02</OrgnlIntrBkSttlmDt>'
    "<CxlRsnInf><Rsn><Cd>DUPL</Cd></Rsn><AddtlInf>Sent twice</AddtlInf></CxlRsnInf></TxInf></Undrlyg></FIToFIPmtCxlReq>",
)


def recall_answer(outcome: str, reason: str = "") -> bytes:
    why = f"<CxlStsRsnInf><Rsn><Cd>{reason}</Cd></Rsn></CxlStsRsnInf>" if reason else ""
    return document(
        "camt.029.001.09",
        f"<RsltnOfInvstgtn>{assigned('ANS-1', 'BKKBTHBKXXX', 'ICBKCNBJCQG')}"
        f"<RslvdCase><Id>CASE-1</Id><Cretr>{agent('Agt', 'ICBKCNBJCQG')}</Cretr></RslvdCase>"
        f"<Sts><Conf>{outcome}</Conf></Sts><CxlDtls><TxInfAndSts><CxlStsId>S-1</CxlStsId>"
        f"{QUOTED}{why}</TxInfAndSts></CxlDtls></RsltnOfInvstgtn>",
    )


COVER = document(
    "pacs.009.001.08",
    "<FICdtTrf><GrpHdr><MsgId>COV-1</MsgId><CreDtTm>2026-03-02T12:00:00+08:00</CreDtTm><NbOfTxs>1</NbOfTxs>"
    "<SttlmInf><SttlmMtd>INDA</SttlmMtd></SttlmInf></GrpHdr><CdtTrfTxInf>"
    f"<PmtId><InstrId>C1</InstrId><EndToEndId>PO-2026-118</EndToEndId><UETR>{UETR}</UETR></PmtId>"
    '<IntrBkSttlmAmt Ccy="CNY">128000.00</IntrBkSttlmAmt><IntrBkSttlmDt>2026-03-02</IntrBkSttlmDt>'
    f"{agent('InstgAgt', 'ICBKCNBJCQG')}{agent('InstdAgt', 'DBSSSGSG')}{agent('Dbtr', 'ICBKCNBJCQG')}{agent('Cdtr', 'BKKBTHBKXXX')}"
    f"<UndrlygCstmrCdtTrf><Dbtr><Nm>Yutong</Nm></Dbtr>{agent('DbtrAgt', 'ICBKCNBJCQG')}{agent('CdtrAgt', 'BKKBTHBKXXX')}"
    "<Cdtr><Nm>Fruit Export</Nm></Cdtr><CdtrAcct><Id><Othr><Id>1234567890</Id></Othr></Id></CdtrAcct>"
    "<RmtInf><Ustrd>CF-2026-031</Ustrd></RmtInf></UndrlygCstmrCdtTrf></CdtTrfTxInf></FICdtTrf>",
)

#: Two batches; what the batch states for all, and what a payment says of its own.
BATCHES = document(
    "pain.001.001.09",
    "<CstmrCdtTrfInitn><GrpHdr><MsgId>CUST-1</MsgId><CreDtTm>2026-03-02T08:00:00+08:00</CreDtTm><NbOfTxs>3</NbOfTxs>"
    "<InitgPty><Nm>Yutong</Nm></InitgPty></GrpHdr>"
    "<PmtInf><PmtInfId>B-1</PmtInfId><PmtMtd>TRF</PmtMtd><PmtTpInf><InstrPrty>NORM</InstrPrty></PmtTpInf>"
    "<ReqdExctnDt><Dt>2026-03-03</Dt></ReqdExctnDt><Dbtr><Nm>Yutong</Nm></Dbtr>"
    "<DbtrAcct><Id><Othr><Id>3100024509</Id></Othr></Id><Ccy>CNY</Ccy></DbtrAcct>"
    f"{agent('DbtrAgt', 'ICBKCNBJCQG')}<UltmtDbtr><Nm>Group</Nm></UltmtDbtr><ChrgBr>SHAR</ChrgBr>"
    f"<CdtTrfTxInf><PmtId><EndToEndId>PO-1</EndToEndId><UETR>{UETR}</UETR></PmtId>"
    '<Amt><InstdAmt Ccy="CNY">100.00</InstdAmt></Amt><ChrgBr>DEBT</ChrgBr><UltmtDbtr><Nm>Branch</Nm></UltmtDbtr>'
    "<Cdtr><Nm>Fruit Export</Nm></Cdtr><CdtrAcct><Id><Othr><Id>77</Id></Othr></Id></CdtrAcct><Purp><Prtry>CGODDR</Prtry></Purp>"
    "</CdtTrfTxInf>"
    "<CdtTrfTxInf><PmtId><EndToEndId>PO-2</EndToEndId></PmtId><PmtTpInf><InstrPrty>HIGH</InstrPrty></PmtTpInf>"
    '<Amt><EqvtAmt><Amt Ccy="CNY">200.00</Amt><CcyOfTrf>THB</CcyOfTrf></EqvtAmt></Amt></CdtTrfTxInf></PmtInf>'
    "<PmtInf><PmtInfId>B-2</PmtInfId><PmtMtd>TRF</PmtMtd><ReqdExctnDt><DtTm>2026-03-04T10:00:00+08:00</DtTm></ReqdExctnDt>"
    "<Dbtr><Nm>Yutong</Nm></Dbtr><DbtrAcct><Id><IBAN>GB33BUKB20201555555555</IBAN></Id></DbtrAcct>"
    f"{agent('DbtrAgt', 'ICBKCNBJCQG')}<CdtTrfTxInf><PmtId><EndToEndId>PO-3</EndToEndId></PmtId>"
    '<Amt><InstdAmt Ccy="VND">5000</InstdAmt></Amt></CdtTrfTxInf></PmtInf></CstmrCdtTrfInitn>',
)

GROUP_REJECTED = document(
    "pacs.002.001.10",
    "<FIToFIPmtStsRpt><GrpHdr><MsgId>ST-9</MsgId><CreDtTm>2026-03-02T12:05:00+08:00</CreDtTm></GrpHdr>"
    "<OrgnlGrpInfAndSts><OrgnlMsgId>CQB-20260302-1</OrgnlMsgId><OrgnlMsgNmId>pacs.008.001.08</OrgnlMsgNmId>"
    "<GrpSts>RJCT</GrpSts><StsRsnInf><Rsn><Prtry>FORMAT</Prtry></Rsn></StsRsnInf></OrgnlGrpInfAndSts></FIToFIPmtStsRpt>",
)

#: The first edition (2006): other names for the message, institutions, references and documents.
OLD_STATEMENT = document(
    "camt.053.001.01",
    "<BkToCstmrStmtV01><GrpHdr><MsgId>OLD-1</MsgId><CreDtTm>2006-10-18T12:30:00+01:00</CreDtTm></GrpHdr>"
    "<Stmt><Id>S-1</Id><ElctrncSeqNb>7</ElctrncSeqNb><CreDtTm>2006-10-18T12:30:00+01:00</CreDtTm>"
    "<Acct><Id><PrtryAcct><Id>50000000054910</Id></PrtryAcct></Id><Ccy>SEK</Ccy>"
    "<Svcr><FinInstnId><BIC>AAAASESS</BIC></FinInstnId></Svcr></Acct>"
    '<Bal><Tp><Cd>OPBD</Cd></Tp><Amt Ccy="SEK">500</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2006-10-17</Dt></Dt></Bal>'
    '<Ntry><Amt Ccy="SEK">105.50</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><DtTm>2006-10-18T10:00:00+01:00</DtTm></BookgDt>'
    "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>"
    '<TxDtls><Refs><EndToEndId>MUELL/FINP</EndToEndId></Refs><AmtDtls><TxAmt><Amt Ccy="SEK">105.50</Amt></TxAmt></AmtDtls>'
    "<RltdPties><Dbtr><Nm>Mueller</Nm></Dbtr></RltdPties>"
    "<RltdAgts><DbtrAgt><FinInstnId><CmbndId><BIC>DEUTDEFF</BIC><Nm>DB</Nm></CmbndId></FinInstnId></DbtrAgt></RltdAgts>"
    "<RmtInf><Strd><RfrdDocInf><RfrdDocTp><Cd>CINV</Cd></RfrdDocTp><RfrdDocNb>4711</RfrdDocNb></RfrdDocInf>"
    "<CdtrRefInf><CdtrRefTp><Cd>SCOR</Cd></CdtrRefTp><CdtrRef>998877</CdtrRef></CdtrRefInf></Strd></RmtInf></TxDtls></Ntry>"
    "</Stmt></BkToCstmrStmtV01>",
)
