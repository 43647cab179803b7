"""Orders to move money: pacs.008 and pacs.009 between banks, pain.001 from a customer."""

from __future__ import annotations

from dataclasses import replace
from typing import TypedDict

from luhai.settlement.messages import parts
from luhai.settlement.messages.message import Message, Transaction
from luhai.settlement.messages.tree import Place


class Ids(TypedDict):
    instruction_id: str
    end_to_end_id: str
    transaction_id: str
    uetr: str
    clearing_reference: str


class Type(TypedDict):
    priority: str
    service_level: str
    category_purpose: str


def between_banks(message: Message, body: Place) -> Message:
    """pacs.008, pacs.009. What the group header states for all counts for each transaction that says nothing else."""
    group = body.first("GrpHdr") or body
    return replace(
        message,
        settlement_method=group.word("SttlmInf", "SttlmMtd"),
        parties=parts.parties(group, group.at("SttlmInf")),
        transactions=tuple(_between_banks(item, group) for item in body.each("CdtTrfTxInf")),
    )


def _between_banks(item: Place, group: Place) -> Transaction:
    rate = item.at("XchgRate")
    accepted = item.first("AccptncDtTm", "AddtlDtTm/AccptncDtTm")
    under = item.at("UndrlygCstmrCdtTrf")
    return Transaction(
        **ids(item.at("PmtId")),
        **type_of(item.at("PmtTpInf") or group.at("PmtTpInf")),
        amount=parts.amount(item.at("IntrBkSttlmAmt")),
        instructed=parts.amount(item.at("InstdAmt")),
        rate=None if rate is None else rate.decimal(),
        settled_on=parts.day(item.at("IntrBkSttlmDt") or group.at("IntrBkSttlmDt")),
        accepted=None if accepted is None else accepted.instant(),
        purpose=parts.code(item.at("Purp")),
        charge_bearer=item.word("ChrgBr"),
        charges=parts.charges(item),
        parties=parts.parties(item),
        remittance=parts.remittance(item.at("RmtInf")),
        cover_for=None if under is None else _under_cover(under),
    )


def _under_cover(item: Place) -> Transaction:
    return Transaction(
        instructed=parts.amount(item.at("InstdAmt")),
        parties=parts.parties(item),
        remittance=parts.remittance(item.at("RmtInf")),
    )


def from_customer(message: Message, body: Place) -> Message:
    """pain.001. Each transaction carries what its batch (PmtInf) states for all: debtor, day, charges.

    What will move between banks is not known yet, so `amount` stays None. With EqvtAmt, `instructed` is the equivalent
    in the debtor's currency, not what is to arrive.
    """
    return replace(
        message,
        parties=parts.parties(body.at("GrpHdr")),
        transactions=tuple(
            _from_customer(item, batch) for batch in body.each("PmtInf") for item in batch.each("CdtTrfTxInf")
        ),
    )


def _from_customer(item: Place, batch: Place) -> Transaction:
    own = parts.parties(item)
    shared = tuple(p for p in parts.parties(batch) if p.role not in {o.role for o in own})
    rate = item.at("XchgRateInf", "XchgRate")
    return Transaction(
        batch_id=batch.word("PmtInfId"),
        **ids(item.at("PmtId")),
        **type_of(item.at("PmtTpInf") or batch.at("PmtTpInf")),
        instructed=parts.amount(item.first("Amt/InstdAmt", "Amt/EqvtAmt/Amt")),
        rate=None if rate is None else rate.decimal(),
        settled_on=parts.day(batch.at("ReqdExctnDt")),
        purpose=parts.code(item.at("Purp")),
        charge_bearer=item.word("ChrgBr") or batch.word("ChrgBr"),
        parties=parts.in_order((*shared, *own)),
        remittance=parts.remittance(item.at("RmtInf")),
    )


def ids(place: Place | None) -> Ids:
    """The identifiers of a payment: those in PmtId, or among the references of a line of an account."""
    return Ids(
        instruction_id=place.word("InstrId") if place else "",
        end_to_end_id=place.word("EndToEndId") if place else "",
        transaction_id=place.word("TxId") if place else "",
        uetr=place.word("UETR") if place else "",
        clearing_reference=place.word("ClrSysRef") if place else "",
    )


def type_of(place: Place | None) -> Type:
    return Type(
        priority=place.word("InstrPrty") if place else "",
        service_level=parts.code(place.at("SvcLvl")) if place else "",
        category_purpose=parts.code(place.at("CtgyPurp")) if place else "",
    )
