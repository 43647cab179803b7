"""What is said about a payment after it was sent: status (pacs.002), return (pacs.004), recall (camt.056) and its answer
(camt.029)."""

from __future__ import annotations

from dataclasses import replace

from luhai.settlement.messages import parts
from luhai.settlement.messages.message import Message, Original, Transaction
from luhai.settlement.messages.tree import Place


def status(message: Message, body: Place) -> Message:
    """pacs.002. A status of a whole message comes first, as a transaction with `whole_group`."""
    groups = body.each("OrgnlGrpInfAndSts")
    one = groups[0] if len(groups) == 1 else None
    return replace(
        message,
        parties=parts.parties(body.at("GrpHdr")),
        transactions=(
            *(_whole_group(g, "GrpSts", "StsRsnInf") for g in groups if g.at("GrpSts") or g.at("StsRsnInf")),
            *(_status(item, one) for item in body.each("TxInfAndSts")),
        ),
    )


def _whole_group(group: Place, status: str, reason: str, id: str = "") -> Transaction:
    return Transaction(
        id=group.word(id) if id else "",
        whole_group=True,
        original=Original(message_id=group.word("OrgnlMsgId"), message_type=group.word("OrgnlMsgNmId")),
        case_id=group.word("Case", "Id") or group.word("RslvdCase", "Id"),
        status=group.word(status),
        reasons=parts.reasons(group, reason),
    )


def _status(item: Place, group: Place | None) -> Transaction:
    accepted = item.at("AccptncDtTm")
    return Transaction(
        id=item.word("StsId"),
        original=parts.original(item, group),
        status=item.word("TxSts"),
        reasons=parts.reasons(item, "StsRsnInf"),
        charges=parts.charges(item),
        accepted=None if accepted is None else accepted.instant(),
        settled_on=parts.day(item.first("FctvIntrBkSttlmDt")),
        servicer_reference=item.word("AcctSvcrRef"),
        clearing_reference=item.word("ClrSysRef"),
        parties=parts.parties(item),
    )


def returned(message: Message, body: Place) -> Message:
    """pacs.004. `amount` is what comes back; the parties are those of the return chain, where debtor is who pays back."""
    group = body.first("GrpHdr") or body
    return replace(
        message,
        settlement_method=group.word("SttlmInf", "SttlmMtd"),
        parties=parts.parties(group, group.at("SttlmInf")),
        transactions=tuple(_returned(item, group, body.at("OrgnlGrpInf")) for item in body.each("TxInf")),
    )


def _returned(item: Place, group: Place, heading: Place | None) -> Transaction:
    rate = item.at("XchgRate")
    own = parts.reasons(item, "RtrRsnInf")
    return Transaction(
        id=item.word("RtrId"),
        original=parts.original(item, heading),
        amount=parts.amount(item.at("RtrdIntrBkSttlmAmt")),
        instructed=parts.amount(item.at("RtrdInstdAmt")),
        rate=None if rate is None else rate.decimal(),
        settled_on=parts.day(item.at("IntrBkSttlmDt") or group.at("IntrBkSttlmDt")),
        charge_bearer=item.word("ChrgBr"),
        charges=parts.charges(item),
        clearing_reference=item.word("ClrSysRef"),
        reasons=own or (parts.reasons(heading, "RtrRsnInf") if heading else ()),
        parties=parts.parties(item, item.at("RtrChain")),
    )


def recall(message: Message, body: Place) -> Message:
    """camt.056. Each transaction is one that is asked back."""
    found: list[Transaction] = []
    for block in body.each("Undrlyg"):
        group = block.at("OrgnlGrpInfAndCxl")
        items = block.each("TxInf")
        if group is not None and not items:
            found.append(_whole_group(group, "GrpCxl", "CxlRsnInf", "GrpCxlId"))
        found += [
            Transaction(
                id=item.word("CxlId"),
                original=parts.original(item, group),
                case_id=item.word("Case", "Id"),
                reasons=parts.reasons(item, "CxlRsnInf"),
                parties=parts.parties(item),
            )
            for item in items
        ]
    assigned = body.at("Assgnmt")
    return replace(
        message,
        case_id=body.word("Case", "Id"),
        parties=parts.parties(assigned),
        transactions=tuple(found),
    )


def recall_answer(message: Message, body: Place) -> Message:
    """camt.029. `status` of the message is the outcome: CNCL, RJCR, PDCR …; reasons stand on its transactions."""
    outcome = body.at("Sts")
    found: list[Transaction] = []
    for block in body.each("CxlDtls"):
        group = block.at("OrgnlGrpInfAndSts")
        batches = block.each("OrgnlPmtInfAndSts")
        items = [(item, group, "") for item in block.each("TxInfAndSts")] + [
            (item, batch.at("OrgnlGrpInf") or group, batch.word("OrgnlPmtInfId"))
            for batch in batches
            for item in batch.each("TxInfAndSts")
        ]
        if group is not None and (not items or group.at("GrpCxlSts")):
            found.append(_whole_group(group, "GrpCxlSts", "CxlStsRsnInf", "OrgnlGrpCxlId"))
        found += [_answered(item, heading, batch_id) for item, heading, batch_id in items]
    if modified := body.at("ModDtls"):
        found.append(
            Transaction(
                id=modified.word("ModStsId"),
                original=parts.original(modified),
                case_id=modified.word("RslvdCase", "Id"),
                reasons=parts.reasons(modified, "ModStsRsnInf"),
            )
        )
    chosen = outcome.first("Conf", "RjctdMod", "DplctOf", "AssgnmtCxlConf") if outcome else None
    return replace(
        message,
        case_id=body.word("RslvdCase", "Id"),
        status="" if chosen is None else chosen.word("Id") or parts.code(chosen),
        parties=parts.parties(body.at("Assgnmt")),
        transactions=tuple(found),
    )


def _answered(item: Place, group: Place | None, batch_id: str) -> Transaction:
    found = parts.original(item, group) or Original()
    # In the answer to a customer the original's UETR stands under UETR.
    found = replace(found, batch_id=batch_id or found.batch_id, uetr=item.word("UETR") or found.uetr)
    resolved = item.at("RsltnRltdInf")
    return Transaction(
        id=item.word("CxlStsId"),
        original=None if found == Original() else found,
        case_id=item.word("RslvdCase", "Id"),
        status=item.word("TxCxlSts"),
        reasons=parts.reasons(item, "CxlStsRsnInf"),
        amount=parts.amount(resolved.at("IntrBkSttlmAmt")) if resolved else None,
        settled_on=parts.day(resolved.at("IntrBkSttlmDt")) if resolved else None,
        charges=parts.charges(resolved) if resolved else (),
        parties=parts.parties(item),
    )
