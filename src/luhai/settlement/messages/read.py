"""The one way in: bytes of a message to what it says, or a refusal that names the element.

    from luhai.settlement.messages.read import read
    message = read(data)                      # whatever type it is
    message = read(data, family="camt.054")   # and it must be one of these

Refuses `Invalid(field=<path of the element>, problem=…)` for everything: what is no XML, what holds no message that is
read here, and what the schema of its declared namespace does not allow. Business rules are `rules.check`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Final

from luhai.kernel.refusal import Invalid, gettext_noop
from luhai.settlement.messages import answers, parts, reports, transfers, tree
from luhai.settlement.messages.envelope import Envelope, open_envelope
from luhai.settlement.messages.message import Header, Message
from luhai.settlement.messages.tree import Place

OTHER_FAMILY = gettext_noop("The message is of another type than was said.")

READERS: Final[MappingProxyType[str, Callable[[Message, Place], Message]]] = MappingProxyType(
    {
        "pacs.008": transfers.between_banks,
        "pacs.009": transfers.between_banks,
        "pain.001": transfers.from_customer,
        "pacs.002": answers.status,
        "pacs.004": answers.returned,
        "camt.056": answers.recall,
        "camt.029": answers.recall_answer,
        "camt.052": reports.report,
        "camt.053": reports.report,
        "camt.054": reports.report,
    }
)


def read(data: bytes, *, family: str | None = None) -> Message:
    """Read a message of any known type. `family`, such as camt.054, is what it must turn out to be."""
    envelope = open_envelope(data)
    if family is not None and envelope.family != family:
        raise Invalid(field="Document", problem=OTHER_FAMILY)
    return message_in(envelope)


def message_in(envelope: Envelope) -> Message:
    body = envelope.body
    # In investigations the assignment takes the place of a group header.
    heading = body.first("GrpHdr", "Assgnmt") or body
    created, count = heading.at("CreDtTm"), heading.at("NbOfTxs")
    if created is None:
        tree.refuse(f"{heading.path}/CreDtTm", tree.MISSING)
    message = Message(
        type=envelope.type,
        id=heading.word("MsgId") or heading.word("Id"),
        created=created.instant(),
        dated=created.day(),
        header=None if envelope.header is None else _header(envelope.header),
        count=None if count is None else int(count.text()),
    )
    return READERS[envelope.family](message, body)


def _header(place: Place) -> Header:
    sender, receiver, created = place.at("Fr"), place.at("To"), place.at("CreDt")
    assert sender is not None
    assert receiver is not None  # mandatory in every version
    duplicate = place.word("PssblDplct")
    return Header(
        sender=parts.party(sender, "sender"),
        receiver=parts.party(receiver, "receiver"),
        id=place.word("BizMsgIdr"),
        type=place.word("MsgDefIdr"),
        created=None if created is None else created.instant(),
        service=place.word("BizSvc"),
        priority=place.word("Prty"),
        copy=place.word("CpyDplct"),
        possible_duplicate=duplicate in {"true", "1"} if duplicate else None,
    )
