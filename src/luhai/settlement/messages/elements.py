"""From records to elements: the opposite of `parts`, for the versions that are written here (2019: .08, .09, .10).

Elements come out in the order of the schema; what is empty is left out. Whether all is allowed is for the schema to say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from lxml import etree

from luhai.kernel.refusal import gettext_noop
from luhai.settlement.messages import tree
from luhai.settlement.messages.message import (
    Account,
    Address,
    Amount,
    Original,
    Party,
    Reason,
    Remittance,
    Structured,
    Transaction,
)  # fmt: skip
from luhai.settlement.messages.parts import ADDRESS, ROLES

NOT_XML = gettext_noop("A character here has no place in XML.")

#: The element of a role.
TAGS: Final[Mapping[str, str]] = {role: tag for tag, role in ROLES.items() if tag != "PrvsInstgAgt"}

#: The roles that a customer can have; the others are for institutions.
CUSTOMERS: Final = frozenset({"ultimate_debtor", "initiating", "debtor", "creditor", "ultimate_creditor"})

_CODE: Final = re.compile(r"[A-Z0-9]{1,4}", re.ASCII)


def add(parent: etree._Element, name: str, value: str | Decimal | date | datetime = "") -> etree._Element:
    """A new last child. A text that XML cannot hold is refused, by the path of the element."""
    child = etree.SubElement(parent, etree.QName(etree.QName(parent).namespace, name))
    try:
        child.text = _text(value) or None
    except ValueError:
        above = [
            tree.local(element) for element in child.iterancestors() if tree.local(element) != "Envelope"
        ]
        tree.refuse("/".join([*reversed(above), name]), NOT_XML)
    return child


def _text(value: str | Decimal | date | datetime) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    return value if isinstance(value, str) else value.isoformat()


def maybe(parent: etree._Element, name: str, value: str | Decimal | date | datetime | None) -> None:
    if value is not None and value != "":
        add(parent, name, value)


def amount(parent: etree._Element, name: str, value: Amount | None) -> None:
    if value is not None:
        add(parent, name, value.value).set("Ccy", value.currency)


def code(parent: etree._Element, name: str, value: str) -> None:
    """A choice: what looks like a code of a list of ISO is one, all else is somebody's own."""
    if value:
        chosen = add(parent, name)
        add(chosen, "Cd" if _CODE.fullmatch(value) else "Prtry", value)


def account(parent: etree._Element, name: str, value: Account | None) -> etree._Element | None:
    if value is None:
        return None
    held = add(parent, name)
    number = add(held, "Id")
    if value.iban:
        add(number, "IBAN", value.iban)
    else:
        other = add(number, "Othr")
        add(other, "Id", value.number)
        code(other, "SchmeNm", value.scheme)
    code(held, "Tp", value.kind)
    maybe(held, "Ccy", value.currency)
    maybe(held, "Nm", value.name)
    return held


def address(parent: etree._Element, value: Address | None) -> None:
    if value is None:
        return
    where = add(parent, "PstlAdr")
    for tag, field in ADDRESS.items():
        maybe(where, tag, getattr(value, field))
    for line in value.lines:
        add(where, "AdrLine", line)


def party(parent: etree._Element, value: Party, *, choice: bool = False) -> None:
    """A party under the element of its role, and its account beside. `choice`: customers have Pty or Agt in between."""
    tag = TAGS[value.role]
    outer = add(parent, tag)
    if choice and value.role in CUSTOMERS:
        outer = add(outer, "Agt" if value.institution else "Pty")
    identified(outer, value)
    account(parent, f"{tag}Acct", value.account)


def identified(outer: etree._Element, value: Party) -> None:
    """What identifies a party, inside the element that stands for it."""
    if value.institution:
        inner = add(outer, "FinInstnId")
        maybe(inner, "BICFI", value.bic)
        if value.clearing_member or value.clearing_system:
            member = add(inner, "ClrSysMmbId")
            code(member, "ClrSysId", value.clearing_system)
            add(member, "MmbId", value.clearing_member)
        maybe(inner, "LEI", value.lei)
        maybe(inner, "Nm", value.name)
        address(inner, value.address)
        _others(inner, value)
        if value.branch:
            add(add(outer, "BrnchId"), "Id", value.branch)
        return
    maybe(outer, "Nm", value.name)
    address(outer, value.address)
    if value.bic or value.lei or value.identifiers or value.person:
        kind = add(add(outer, "Id"), "PrvtId" if value.person else "OrgId")
        maybe(kind, "AnyBIC", value.bic)
        maybe(kind, "LEI", value.lei)
        _others(kind, value)
    maybe(outer, "CtryOfRes", value.residence)


def _others(parent: etree._Element, value: Party) -> None:
    for scheme, number in value.identifiers:
        other = add(parent, "Othr")
        add(other, "Id", number)
        code(other, "SchmeNm", scheme)


def parties(parent: etree._Element, found: tuple[Party, ...], *roles: str, choice: bool = False) -> None:
    """Those of `found` who have one of `roles`, in the order of `roles`."""
    for role in roles:
        for value in found:
            if value.role == role:
                party(parent, value, choice=choice)


def charges(parent: etree._Element, value: Transaction) -> None:
    for charge in value.charges:
        item = add(parent, "ChrgsInf")
        amount(item, "Amt", charge.amount)
        if charge.agent is not None:
            identified(add(item, "Agt"), charge.agent)


def remittance(parent: etree._Element, value: Remittance | None) -> None:
    if value is None:
        return
    outer = add(parent, "RmtInf")
    for line in value.lines:
        add(outer, "Ustrd", line)
    for block in value.structured:
        _structured(add(outer, "Strd"), block)


def _structured(outer: etree._Element, block: Structured) -> None:
    for document in block.documents:
        item = add(outer, "RfrdDocInf")
        if document.kind:
            code(add(item, "Tp"), "CdOrPrtry", document.kind)
        maybe(item, "Nb", document.number)
        maybe(item, "RltdDt", document.dated)
    if block.due or block.remitted:
        told = add(outer, "RfrdDocAmt")
        amount(told, "DuePyblAmt", block.due)
        amount(told, "RmtdAmt", block.remitted)
    if block.reference or block.reference_kind:
        reference = add(outer, "CdtrRefInf")
        if block.reference_kind:
            kind = add(reference, "Tp")
            code(kind, "CdOrPrtry", block.reference_kind)
            maybe(kind, "Issr", block.reference_issuer)
        maybe(reference, "Ref", block.reference)
    for note in block.notes:
        add(outer, "AddtlRmtInf", note)


def reasons(parent: etree._Element, name: str, found: tuple[Reason, ...]) -> None:
    for reason in found:
        item = add(parent, name)
        if reason.originator is not None:
            identified(add(item, "Orgtr"), reason.originator)
        if reason.code or reason.proprietary:
            chosen = add(item, "Rsn")
            maybe(chosen, "Cd", reason.code)
            maybe(chosen, "Prtry", reason.proprietary)
        for line in reason.info:
            add(item, "AddtlInf", line)


def original(parent: etree._Element, value: Original | None) -> None:
    """The identifiers of the original, in the order that pacs.002 and pacs.004 share."""
    if value is None:
        return
    if value.message_id or value.message_type:
        heading = add(parent, "OrgnlGrpInf")
        maybe(heading, "OrgnlMsgId", value.message_id)
        maybe(heading, "OrgnlMsgNmId", value.message_type)
    maybe(parent, "OrgnlInstrId", value.instruction_id)
    maybe(parent, "OrgnlEndToEndId", value.end_to_end_id)
    maybe(parent, "OrgnlTxId", value.transaction_id)
    maybe(parent, "OrgnlUETR", value.uetr)
