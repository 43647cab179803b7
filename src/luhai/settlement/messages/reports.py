"""What a bank says about an account: intraday report (camt.052), statement (camt.053), notification (camt.054)."""

from __future__ import annotations

from dataclasses import replace

from luhai.settlement.messages import parts
from luhai.settlement.messages.message import Balance, Entry, Message, Statement, Transaction
from luhai.settlement.messages.transfers import ids
from luhai.settlement.messages.tree import Place


def report(message: Message, body: Place) -> Message:
    """camt.052, camt.053, camt.054."""
    statements = [*body.each("Rpt"), *body.each("Stmt"), *body.each("Ntfctn")]
    return replace(message, statements=tuple(_statement(item) for item in statements))


def _statement(item: Place) -> Statement:
    created, number = item.at("CreDtTm"), item.at("ElctrncSeqNb")
    owner, servicer = item.at("Acct", "Ownr"), item.at("Acct", "Svcr")
    return Statement(
        id=item.word("Id"),
        account=parts.account(item.at("Acct")),
        sequence=None if number is None else int(number.decimal()),
        created=None if created is None else created.instant(),
        owner=None if owner is None else parts.party(owner, "account_owner"),
        servicer=None if servicer is None else parts.party(servicer, "account_servicer"),
        balances=tuple(_balance(balance) for balance in item.each("Bal")),
        entries=tuple(_entry(entry) for entry in item.each("Ntry")),
    )


def _balance(item: Place) -> Balance:
    charged, dated = parts.amount(item.at("Amt")), parts.day(item.at("Dt"))
    assert charged is not None
    assert dated is not None  # both are mandatory in every version
    return Balance(
        code=parts.code(item.at("Tp")), amount=charged, direction=item.word("CdtDbtInd"), dated=dated
    )


def _entry(item: Place) -> Entry:
    charged = parts.amount(item.at("Amt"))
    assert charged is not None  # mandatory in every version
    details = [
        *item.all("NtryDtls", "TxDtls"),
        *item.each("TxDtls"),
    ]  # without NtryDtls in the versions of 2006
    direction = item.word("CdtDbtInd")
    return Entry(
        amount=charged,
        direction=direction,
        status=parts.code(item.at("Sts")),
        reference=item.word("NtryRef"),
        reversal=item.word("RvslInd") in {"true", "1"},
        booked_on=parts.day(item.at("BookgDt")),
        valued_on=parts.day(item.at("ValDt")),
        servicer_reference=item.word("AcctSvcrRef"),
        code=_bank_code(item.at("BkTxCd")),
        info=item.word("AddtlNtryInf"),
        transactions=tuple(_transaction(detail, direction) for detail in details),
    )


def _bank_code(place: Place | None) -> str:
    """PMNT/RCDT/XBCT, or the bank's own code."""
    if place is None:
        return ""
    domain = place.at("Domn")
    if domain is None:
        return place.word("Prtry", "Cd")
    return "/".join((domain.word("Cd"), domain.word("Fmly", "Cd"), domain.word("Fmly", "SubFmlyCd")))


def _transaction(item: Place, direction: str) -> Transaction:
    """One payment inside a line. Older versions give its amount among the details only."""
    references = item.at("Refs")
    accepted = item.at("RltdDts", "AccptncDtTm")
    exchange = item.first(
        "AmtDtls/TxAmt/CcyXchg/XchgRate",
        "AmtDtls/InstdAmt/CcyXchg/XchgRate",
        "AmtDtls/CntrValAmt/CcyXchg/XchgRate",
    )
    return Transaction(
        **ids(references),
        batch_id=references.word("PmtInfId") if references else "",
        servicer_reference=references.word("AcctSvcrRef") if references else "",
        amount=parts.amount(item.first("Amt", "AmtDtls/TxAmt/Amt")),
        instructed=parts.amount(item.at("AmtDtls", "InstdAmt", "Amt")),
        rate=None if exchange is None else exchange.decimal(),
        settled_on=parts.day(item.at("RltdDts", "IntrBkSttlmDt")),
        accepted=None if accepted is None else accepted.instant(),
        direction=item.word("CdtDbtInd") or direction,
        purpose=parts.code(item.at("Purp")),
        charges=parts.charges(item),
        parties=parts.parties(item.at("RltdPties"), item.at("RltdAgts")),
        remittance=parts.remittance(item.at("RmtInf")),
        reasons=parts.reasons(item, "RtrInf"),
    )
