"""What payments decide without looking anything up: which broken rule rejects a message and why, and the lists of reasons. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple
from uuid import UUID, uuid5

from luhai.kernel.refusal import Invalid, gettext_noop
from luhai.settlement.messages.message import Message, Transaction
from luhai.settlement.messages.rules import Finding

SITUATIONS: Final[Mapping[str, str]] = MappingProxyType({
    "goods_after_shipment": gettext_noop("Goods that were shipped"),
    "goods_advance": gettext_noop("An advance for goods"),
    "goods_collection": gettext_noop("A collection for goods"),
    "goods_refund": gettext_noop("A refund for goods"),
})  # fmt: skip

#: Why two persons may let a blocked payment pass. Source: domain notes on settlement §1.3 (reasoned exceptions).
OVERRIDE_REASONS: Final[Mapping[str, str]] = MappingProxyType({
    "agency_import": gettext_noop("Traded through an agent, under a contract of agency"),
    "group_payment": gettext_noop("Paid or collected centrally for a group"),
    "net_settlement": gettext_noop("Settled net of what the other side is owed"),
    "freight_difference": gettext_noop("Freight, insurance or another part of the price explains the difference"),
    "over_short_shipment": gettext_noop("More or less was shipped than declared, within the contract"),
    "name_variant": gettext_noop("The name is another spelling of the same party"),
    "document_follows": gettext_noop("The missing document is promised and will be filed later"),
    "other_documented": gettext_noop("Another reason, which documents on file support"),
})  # fmt: skip
#: The reasons that explain an amount: what is left of the declaration is used, and no more.
OF_AMOUNT: Final = frozenset({"freight_difference", "over_short_shipment", "net_settlement"})

#: Why a payment goes back. Source: ISO 20022 external code set, return reasons, as far as a bank says them of its own accord.
RETURN_REASONS: Final[Mapping[str, str]] = MappingProxyType({
    "AC04": gettext_noop("The account was closed"),
    "AC06": gettext_noop("The account is blocked"),
    "AM05": gettext_noop("A repetition"),
    "AM09": gettext_noop("The amount is not what was agreed"),
    "BE01": gettext_noop("The creditor is not the holder of the account"),
    "CUST": gettext_noop("At the wish of the customer"),
    "FOCR": gettext_noop("The sender asked for it"),
    "MS03": gettext_noop("For a reason that is not told"),
    "NARR": gettext_noop("For the reason in words"),
    "RR04": gettext_noop("For a regulatory reason"),
})  # fmt: skip

#: Without these nothing can be answered: whom, about what.
UNANSWERABLE: Final = frozenset({"HDR-1", "HDR-2", "HDR-5", "UETR-1", "TXN-1"})
#: Rules whose breach rejects a payment, with ISO's reason; others are told and let through.
_REJECTS: Final[Mapping[str, str]] = MappingProxyType({
    "DAT-1": "DT01", "AMT-1": "AM12", "AMT-2": "AM03", "AMT-3": "AM03", "AMT-4": "AM09", "AMT-5": "AM09",
    "ACC-1": "AC01", "ACC-2": "AC01", "BIC-1": "RC01", "AGT-4": "RC01",
})  # fmt: skip
#: Rules on names and addresses: the reason says whose it is.
_NAMED: Final = frozenset({"PTY-1", "PTY-2", "ADR-1", "ADR-3", "ADR-4"})

#: The longest line that a reason takes, and the longest account number. Source: schemas of pacs.002 and pacs.008.
MOST_INFO: Final = 105
_NUMBER: Final = re.compile(r"[0-9A-Za-z]([0-9A-Za-z/-]{0,32}[0-9A-Za-z])?", re.ASCII)
#: What banks of different countries write to one another: the set X of SWIFT.
_LATIN: Final = re.compile(r"[0-9A-Za-z/?:().,'+ -]{1,105}", re.ASCII)
_NOT_LATIN: Final = re.compile(r"[^0-9A-Za-z/?:().,'+ -]", re.ASCII)


class Refused(NamedTuple):
    """A reason of ISO, and a line that says what was wrong."""

    code: str
    info: str


def refusal_of(findings: Iterable[Finding]) -> Refused | None:
    """Why a message is rejected by the rules for messages; None if nothing in it is that bad.

    Refuses: Invalid, naming the element, where a rejection could not be answered.
    """
    found = list(findings)
    for finding in found:
        if finding.rule in UNANSWERABLE:
            raise Invalid(field=finding.field, problem=finding.text)
    for finding in found:
        code = _REJECTS.get(finding.rule)
        if finding.rule == "ACC-2" and "/DbtrAcct" in finding.field:
            code = "AC02"
        if finding.rule in _NAMED and "/Cdtr" in finding.field:
            code = "RR03"
        elif finding.rule in _NAMED and "/Dbtr" in finding.field:
            code = "RR02"
        if code is not None:
            return Refused(code, _NOT_LATIN.sub(",", f"{finding.rule}: {finding.text}")[:MOST_INFO])
    return None


def account_number(tx: Transaction) -> str:
    """The number of the creditor's account, or nothing."""
    creditor = tx.party("creditor")
    held = creditor.account if creditor else None
    return (held.iban or held.number) if held else ""


def name_of(tx: Transaction, role: str) -> str:
    """The name of a customer; where a BIC stands for it, that."""
    found = tx.party(role)
    return (found.name or found.bic)[:140] if found else ""


def country_of(tx: Transaction, role: str) -> str:
    found = tx.party(role)
    return found.country if found else ""


def invoices_of(tx: Transaction) -> tuple[str, ...]:
    return tx.remittance.invoices if tx.remittance else ()


def bic_forms(bic: str) -> tuple[str, ...]:
    """A BIC as it stands, and the other way to write the same head office."""
    if len(bic) == 8:
        return bic, f"{bic}XXX"
    return (bic, bic[:8]) if bic.endswith("XXX") else (bic,)


def read_number(value: object) -> str:
    """Refuses: Invalid."""
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        raise Invalid(
            field="number",
            problem=gettext_noop(
                "1 to 34 letters and digits, with - or / between them, such as 6222020200112345"
            ),
        )
    return value


def read_latin(value: object) -> str:
    """What goes abroad in a message. Refuses: Invalid."""
    text = value.strip() if isinstance(value, str) else ""
    if not _LATIN.fullmatch(text):
        raise Invalid(
            field="reason",
            problem=gettext_noop(
                "1 to 105 Latin letters, digits and / - ? : ( ) . , ' +: it goes to the sending bank with the message"
            ),
        )
    return text


def same_order(one: Message, other: Message) -> bool:
    """Whether two messages are the same order, whatever header and wrapper they travelled in."""
    return (one.type, one.id, one.created, one.settlement_method, one.parties, one.transactions) == (
        other.type,
        other.id,
        other.created,
        other.settlement_method,
        other.parties,
        other.transactions,
    )


def message_id(about: UUID, what: str) -> str:
    """The identifier of a message that we send, from what it is about: the same again is the same message. At most 35 characters."""
    return f"LH{uuid5(about, what).hex}"
