"""From a message to its bytes: pacs.008.001.08, pacs.002.001.10, pacs.004.001.09, camt.054.001.08, with head.001.001.02.

    data = write(compose.status_report(order, id="…", created=at, status="RJCT", reason=Reason(code="AC04")))

What is written is read back before it leaves: the schema has allowed it, and `read(write(message)) == message`. So a fact
that a type has no place for is refused, never dropped in silence. Business rules are `rules.check`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from types import MappingProxyType
from typing import Final

from lxml import etree

from luhai.kernel.refusal import gettext_noop
from luhai.settlement.messages import elements, schemas, tree
from luhai.settlement.messages.elements import add, maybe
from luhai.settlement.messages.message import Entry, Header, Message, Transaction
from luhai.settlement.messages.read import read

NO_PLACE = gettext_noop("This type of message has no place for this, or not as it is written.")
OTHER_TYPE = gettext_noop(
    "This type is not written here; pacs.008.001.08, pacs.002.001.10, pacs.004.001.09 or camt.054.001.08 is wanted."
)

HEADER: Final = "head.001.001.02"


def write(message: Message) -> bytes:
    """The message in an Envelope with its header, or bare where it has none.

    Refuses Invalid: another type; what the schema does not allow, by its element; what the type has no place for, by the
    field of the record.
    """
    writer = WRITERS.get(message.type)
    if writer is None:
        tree.refuse("type", OTHER_TYPE)
    root = document = schemas.element(message.type, "Document")
    if message.header is not None:
        root = etree.Element("Envelope")
        root.extend([_header(message.header), document])
    writer(document, message)
    data = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    lost = _difference(read(data), message)
    if lost is not None:
        tree.refuse(lost or tree.WHOLE, NO_PLACE)
    return data


def _difference(a: object, b: object, path: str = "") -> str | None:
    """The first field in which two records differ; None if they do not."""
    if a == b:
        return None
    if is_dataclass(a) and type(a) is type(b):
        for field in fields(a):
            below = f"{path}.{field.name}".lstrip(".")
            found = _difference(getattr(a, field.name), getattr(b, field.name), below)
            if found is not None:
                return found
    if isinstance(a, tuple) and isinstance(b, tuple) and len(a) == len(b):
        for index, (one, other) in enumerate(zip(a, b, strict=True)):
            found = _difference(one, other, f"{path}[{index}]")
            if found is not None:
                return found
    return path


# Documents ------------------------------------------------------------------------------------------------------


def _header(header: Header) -> etree._Element:
    outer = schemas.element(HEADER, "AppHdr")
    for tag, who in (("Fr", header.sender), ("To", header.receiver)):
        elements.identified(add(add(outer, tag), "FIId" if who.institution else "OrgId"), who)
    add(outer, "BizMsgIdr", header.id)
    add(outer, "MsgDefIdr", header.type)
    maybe(outer, "BizSvc", header.service)
    maybe(outer, "CreDt", header.created)
    maybe(outer, "CpyDplct", header.copy)
    if header.possible_duplicate is not None:
        add(outer, "PssblDplct", "true" if header.possible_duplicate else "false")
    maybe(outer, "Prty", header.priority)
    return outer


_REIMBURSEMENT: Final = (
    "instructing_reimbursement_agent", "instructed_reimbursement_agent", "third_reimbursement_agent",
)  # fmt: skip
_BETWEEN: Final = ("instructing_agent", "instructed_agent")
#: Everybody on the way of a payment, in the order of pacs.008.
_CHAIN: Final = (
    "previous_agent_1", "previous_agent_2", "previous_agent_3", *_BETWEEN,
    "intermediary_agent_1", "intermediary_agent_2", "intermediary_agent_3", "ultimate_debtor", "initiating", "debtor",
    "debtor_agent", "creditor_agent", "creditor", "ultimate_creditor",
)  # fmt: skip
#: The same in the chain of a return.
_RETURN_CHAIN: Final = (
    "ultimate_debtor", "debtor", "initiating", "debtor_agent", "previous_agent_1", "previous_agent_2",
    "previous_agent_3", "intermediary_agent_1", "intermediary_agent_2", "intermediary_agent_3", "creditor_agent",
    "creditor", "ultimate_creditor",
)  # fmt: skip
#: The same in a line of an account.
_RELATED: Final = ("initiating", "debtor", "ultimate_debtor", "creditor", "ultimate_creditor")
_RELATED_AGENTS: Final = (
    *_BETWEEN, "debtor_agent", "creditor_agent",
    "intermediary_agent_1", "intermediary_agent_2", "intermediary_agent_3",
)  # fmt: skip


def _group(outer: etree._Element, message: Message) -> etree._Element:
    group = add(outer, "GrpHdr")
    add(group, "MsgId", message.id)
    maybe(group, "CreDtTm", message.created)
    if message.count is not None:
        add(group, "NbOfTxs", str(message.count))
    return group


def _settled(group: etree._Element, message: Message) -> None:
    how = add(group, "SttlmInf")
    maybe(how, "SttlmMtd", message.settlement_method)
    elements.parties(how, message.parties, *_REIMBURSEMENT)
    elements.parties(group, message.parties, *_BETWEEN)


def _credit_transfer(document: etree._Element, message: Message) -> None:
    outer = add(document, "FIToFICstmrCdtTrf")
    _settled(_group(outer, message), message)
    for tx in message.transactions:
        item = add(outer, "CdtTrfTxInf")
        ids = add(item, "PmtId")
        maybe(ids, "InstrId", tx.instruction_id)
        maybe(ids, "EndToEndId", tx.end_to_end_id)
        maybe(ids, "TxId", tx.transaction_id)
        maybe(ids, "UETR", tx.uetr)
        maybe(ids, "ClrSysRef", tx.clearing_reference)
        if tx.priority or tx.service_level or tx.category_purpose:
            kind = add(item, "PmtTpInf")
            maybe(kind, "InstrPrty", tx.priority)
            elements.code(kind, "SvcLvl", tx.service_level)
            elements.code(kind, "CtgyPurp", tx.category_purpose)
        elements.amount(item, "IntrBkSttlmAmt", tx.amount)
        maybe(item, "IntrBkSttlmDt", tx.settled_on)
        maybe(item, "AccptncDtTm", tx.accepted)
        elements.amount(item, "InstdAmt", tx.instructed)
        maybe(item, "XchgRate", tx.rate)
        maybe(item, "ChrgBr", tx.charge_bearer)
        elements.charges(item, tx)
        elements.parties(item, tx.parties, *_CHAIN)
        elements.code(item, "Purp", tx.purpose)
        elements.remittance(item, tx.remittance)


def _status_report(document: etree._Element, message: Message) -> None:
    outer = add(document, "FIToFIPmtStsRpt")
    elements.parties(_group(outer, message), message.parties, *_BETWEEN)
    for tx in message.transactions:
        item = add(outer, "TxInfAndSts")
        maybe(item, "StsId", tx.id)
        elements.original(item, tx.original)
        maybe(item, "TxSts", tx.status)
        elements.reasons(item, "StsRsnInf", tx.reasons)
        elements.charges(item, tx)
        maybe(item, "AccptncDtTm", tx.accepted)
        if tx.settled_on is not None:
            add(add(item, "FctvIntrBkSttlmDt"), "Dt", tx.settled_on)
        maybe(item, "AcctSvcrRef", tx.servicer_reference)
        maybe(item, "ClrSysRef", tx.clearing_reference)
        elements.parties(item, tx.parties, *_BETWEEN)
        if tx.original is not None and (tx.original.amount or tx.original.settled_on):
            told = add(item, "OrgnlTxRef")
            elements.amount(told, "IntrBkSttlmAmt", tx.original.amount)
            maybe(told, "IntrBkSttlmDt", tx.original.settled_on)


def _payment_return(document: etree._Element, message: Message) -> None:
    outer = add(document, "PmtRtr")
    _settled(_group(outer, message), message)
    for tx in message.transactions:
        item = add(outer, "TxInf")
        maybe(item, "RtrId", tx.id)
        elements.original(item, tx.original)
        if tx.original is not None:
            maybe(item, "OrgnlClrSysRef", tx.original.clearing_reference)
            elements.amount(item, "OrgnlIntrBkSttlmAmt", tx.original.amount)
            maybe(item, "OrgnlIntrBkSttlmDt", tx.original.settled_on)
        elements.amount(item, "RtrdIntrBkSttlmAmt", tx.amount)
        maybe(item, "IntrBkSttlmDt", tx.settled_on)
        elements.amount(item, "RtrdInstdAmt", tx.instructed)
        maybe(item, "XchgRate", tx.rate)
        maybe(item, "ChrgBr", tx.charge_bearer)
        elements.charges(item, tx)
        maybe(item, "ClrSysRef", tx.clearing_reference)
        elements.parties(item, tx.parties, *_BETWEEN)
        if any(party.role in _RETURN_CHAIN for party in tx.parties):
            elements.parties(add(item, "RtrChain"), tx.parties, *_RETURN_CHAIN, choice=True)
        elements.reasons(item, "RtrRsnInf", tx.reasons)


def _notification(document: etree._Element, message: Message) -> None:
    outer = add(document, "BkToCstmrDbtCdtNtfctn")
    _group(outer, message)
    for statement in message.statements:
        item = add(outer, "Ntfctn")
        add(item, "Id", statement.id)
        if statement.sequence is not None:
            add(item, "ElctrncSeqNb", str(statement.sequence))
        maybe(item, "CreDtTm", statement.created)
        held = elements.account(item, "Acct", statement.account)
        if held is not None:
            if statement.owner is not None:
                elements.identified(add(held, "Ownr"), statement.owner)
            if statement.servicer is not None:
                elements.identified(add(held, "Svcr"), statement.servicer)
        for entry in statement.entries:
            _entry(add(item, "Ntry"), entry)


def _entry(item: etree._Element, entry: Entry) -> None:
    maybe(item, "NtryRef", entry.reference)
    elements.amount(item, "Amt", entry.amount)
    add(item, "CdtDbtInd", entry.direction)
    if entry.reversal:
        add(item, "RvslInd", "true")
    elements.code(item, "Sts", entry.status)
    for tag, day in (("BookgDt", entry.booked_on), ("ValDt", entry.valued_on)):
        if day is not None:
            add(add(item, tag), "Dt", day)
    maybe(item, "AcctSvcrRef", entry.servicer_reference)
    kind = add(item, "BkTxCd")
    levels = entry.code.split("/")
    if len(levels) == 3:
        domain = add(kind, "Domn")
        add(domain, "Cd", levels[0])
        family = add(domain, "Fmly")
        add(family, "Cd", levels[1])
        add(family, "SubFmlyCd", levels[2])
    elif entry.code:
        add(add(kind, "Prtry"), "Cd", entry.code)
    if entry.transactions:
        details = add(item, "NtryDtls")
        for tx in entry.transactions:
            _details(add(details, "TxDtls"), tx)
    maybe(item, "AddtlNtryInf", entry.info)


def _details(item: etree._Element, tx: Transaction) -> None:
    references = {
        "AcctSvcrRef": tx.servicer_reference, "PmtInfId": tx.batch_id, "InstrId": tx.instruction_id,
        "EndToEndId": tx.end_to_end_id, "UETR": tx.uetr, "TxId": tx.transaction_id, "ClrSysRef": tx.clearing_reference,
    }  # fmt: skip
    if any(references.values()):
        outer = add(item, "Refs")
        for tag, value in references.items():
            maybe(outer, tag, value)
    elements.amount(item, "Amt", tx.amount)
    maybe(item, "CdtDbtInd", tx.direction)
    if tx.instructed is not None:
        asked = add(add(item, "AmtDtls"), "InstdAmt")
        elements.amount(asked, "Amt", tx.instructed)
        if tx.rate is not None:
            exchange = add(asked, "CcyXchg")
            add(exchange, "SrcCcy", tx.instructed.currency)
            maybe(exchange, "TrgtCcy", tx.amount.currency if tx.amount else "")
            add(exchange, "XchgRate", tx.rate)
    if tx.charges:
        charged = add(item, "Chrgs")
        for charge in tx.charges:
            record = add(charged, "Rcrd")
            elements.amount(record, "Amt", charge.amount)
            if charge.agent is not None:
                elements.identified(add(record, "Agt"), charge.agent)
    roles = {party.role for party in tx.parties}
    if roles & set(_RELATED):
        elements.parties(add(item, "RltdPties"), tx.parties, *_RELATED, choice=True)
    if roles & set(_RELATED_AGENTS):
        elements.parties(add(item, "RltdAgts"), tx.parties, *_RELATED_AGENTS)
    elements.code(item, "Purp", tx.purpose)
    elements.remittance(item, tx.remittance)
    if tx.accepted or tx.settled_on:
        dates = add(item, "RltdDts")
        maybe(dates, "AccptncDtTm", tx.accepted)
        maybe(dates, "IntrBkSttlmDt", tx.settled_on)
    elements.reasons(item, "RtrInf", tx.reasons)


WRITERS: Final[MappingProxyType[str, Callable[[etree._Element, Message], None]]] = MappingProxyType(
    {
        "pacs.008.001.08": _credit_transfer,
        "pacs.002.001.10": _status_report,
        "pacs.004.001.09": _payment_return,
        "camt.054.001.08": _notification,
    }
)
