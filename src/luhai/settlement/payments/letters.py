"""The messages that a payment sends: composed, written, read back. Pure; who keeps them is `commands`.

Each answers the order as it came. What an order says of its parties may have no place in an answer of another type; then the answer says
less of them (name and BIC), since an answer must go out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from hashlib import sha256
from uuid import UUID

from luhai.kernel.money import Money
from luhai.kernel.refusal import Invalid
from luhai.settlement.messages import compose
from luhai.settlement.messages.message import Account, Amount, Message, Party, Reason
from luhai.settlement.messages.write import write

from .policy import Refused, message_id


@dataclass(frozen=True, slots=True)
class Letter:
    """A message to be kept and sent. `status` and `reason` are those of a pacs.002 or pacs.004."""

    id: str
    type: str
    content: bytes
    status: str = ""
    reason: str = ""


def status(order: Message, payment: UUID, word: str, *, at: datetime) -> Letter:
    """pacs.002 on an order that was accepted: ACSP taken on, ACSC settled between the banks, ACCC credited."""
    id_ = message_id(payment, f"pacs.002 {word}")
    made = compose.status_report(order, id=id_, created=at, status=word)
    return Letter(id_, made.type, write(made), word)


def rejection(order: Message, payment: UUID, why: Refused, content: bytes, *, at: datetime) -> Letter:
    """pacs.002 RJCT. Its identifier comes from the bytes that are answered, too: an order may be tried again under the same UETR."""
    id_ = message_id(payment, f"pacs.002 RJCT {sha256(content).hexdigest()}")
    reason = Reason(code=why.code, info=(why.info,) if why.info else ())
    made = compose.status_report(order, id=id_, created=at, status="RJCT", reason=reason)
    return Letter(id_, made.type, write(made), "RJCT", why.code)


def payment_return(
    order: Message, payment: UUID, *, at: datetime, on: date, reason_code: str, reason: str
) -> Letter:
    """pacs.004 of the whole amount."""
    id_ = message_id(payment, "pacs.004")
    why = Reason(code=reason_code, info=(reason,))

    def made(of: Message) -> Message:
        return compose.payment_return(of, id=id_, created=at, settled_on=on, reason=why)

    return Letter(id_, made(order).type, _written(made(order), made(_bare(order))), reason=reason_code)


def notification(
    order: Message, payment: UUID, *, at: datetime, on: date, number: str, holder: str, value: Money, told: str
) -> Letter:
    """camt.054 to the company: what was booked on which number. `told` is a line on the entry, such as the rate."""
    id_ = message_id(payment, "camt.054")
    (tx,) = order.transactions
    creditor = tx.party("creditor")
    assert creditor is not None, payment  # mandatory in every version
    assert order.header is not None, payment  # a message without it is not received

    def made(of: Message) -> Message:
        (one,) = of.transactions
        held = Account(number=number, currency=value.currency.value)
        parties = tuple(replace(p, account=held) if p.role == "creditor" else p for p in one.parties)
        exchanged = one.amount is not None and one.amount.currency != value.currency.value
        # What came between the banks, where another currency was booked.
        asked = one.amount if exchanged else one.instructed
        given = replace(of, transactions=(replace(one, parties=parties, instructed=asked),))
        found = compose.notification(
            given, id=id_, created=at, direction="CRDT", booked_on=on, servicer_reference=payment.hex,
            sender=order.header.receiver, receiver=Party(role="receiver", name=holder), amount=Amount.of(value),  # type: ignore[union-attr]
        )  # fmt: skip
        (statement,) = found.statements
        (entry,) = statement.entries
        return replace(found, statements=(replace(statement, entries=(replace(entry, info=told),)),))

    return Letter(id_, made(order).type, _written(made(order), made(_bare(order))))


def _bare(order: Message) -> Message:
    """The order with of each party only its name and its BIC, and without what the payment is for."""
    (tx,) = order.transactions
    parties = tuple(
        Party(role=p.role, name="" if p.bic else p.name, bic=p.bic, institution=p.institution)
        for p in tx.parties
    )
    return replace(order, transactions=(replace(tx, parties=parties, remittance=None, purpose=""),))


def _written(full: Message, bare: Message) -> bytes:
    try:
        return write(full)
    except Invalid:
        return write(bare)
