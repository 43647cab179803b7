"""Messages made from what is known: an order between banks, and the answers to one.

Each returns a Message that `write.write` can write. Instants and identifiers are arguments; nothing here reads a clock.
An answer travels the way of its order backwards: who was instructed answers who instructed.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Final

from luhai.kernel.refusal import gettext_noop
from luhai.settlement.messages import parts, tree
from luhai.settlement.messages.message import (
    Account,
    Amount,
    Charge,
    Entry,
    Header,
    Message,
    Original,
    Party,
    Reason,
    Statement,
    Transaction,
)  # fmt: skip

NO_TRANSACTION = gettext_noop("An order with one transaction is wanted here.")
NO_HEADER = gettext_noop("An order with its header is wanted here; it says who is to be answered.")
NO_ACCOUNT = gettext_noop("The order names no account on this side, so nothing can be booked on one.")
NO_AMOUNT = gettext_noop("The order names no amount, so nothing can be booked.")
WANT_DIRECTION = gettext_noop("CRDT or DBIT is wanted.")

#: The service of CBPR+ since November 2025.
SERVICE: Final = "swift.cbprplus.03"
#: Bank transaction codes of ISO: a cross-border credit transfer received, and one issued.
CODES: Final = {"CRDT": "PMNT/RCDT/XBCT", "DBIT": "PMNT/ICDT/XBCT"}


def credit_transfer(
    *, id: str, created: datetime, sender: Party, receiver: Party, transaction: Transaction,
    settlement_method: str = "INDA", service: str = SERVICE,
) -> Message:  # fmt: skip
    """pacs.008 of one payment, from bank to bank. Both institutions become instructing and instructed agent."""
    between = (replace(sender, role="instructing_agent"), replace(receiver, role="instructed_agent"))
    others = [p for p in transaction.parties if p.role not in {"instructing_agent", "instructed_agent"}]
    return Message(
        type="pacs.008.001.08",
        id=id,
        created=created,
        dated=created.date(),
        header=_header("pacs.008.001.08", id, created, sender, receiver, service),
        count=1,
        settlement_method=settlement_method,
        transactions=(replace(transaction, parties=parts.in_order((*between, *others))),),
    )


def status_report(
    order: Message, *, id: str, created: datetime, status: str,
    reason: Reason | None = None, accepted: datetime | None = None, service: str = SERVICE,
) -> Message:  # fmt: skip
    """pacs.002 on an order. `status`: ACSP in process, ACCC credited, RJCT rejected (with its reason) …"""
    tx, header = _one(order), _answering(order, "pacs.002.001.10", id, created, service)
    return Message(
        type="pacs.002.001.10",
        id=id,
        created=created,
        dated=created.date(),
        header=header,
        transactions=(
            Transaction(
                original=_original(order, tx, settled=False),
                status=status,
                reasons=() if reason is None else (reason,),
                accepted=accepted,
                parties=_between(header),
            ),
        ),
    )


def payment_return(
    order: Message, *, id: str, created: datetime, settled_on: date, reason: Reason,
    amount: Amount | None = None, charges: tuple[Charge, ...] = (), charge_bearer: str = "", service: str = SERVICE,
) -> Message:  # fmt: skip
    """pacs.004 on a settled order: `amount`, by default all of it, goes back from its creditor to its debtor."""
    tx, header = _one(order), _answering(order, "pacs.004.001.09", id, created, service)
    back = {
        "creditor": "debtor", "creditor_agent": "debtor_agent", "debtor_agent": "creditor_agent", "debtor": "creditor",
    }  # fmt: skip
    chain = tuple(replace(p, role=back[p.role], account=None) for p in tx.parties if p.role in back)
    return Message(
        type="pacs.004.001.09",
        id=id,
        created=created,
        dated=created.date(),
        header=header,
        count=1,
        settlement_method=order.settlement_method,
        transactions=(
            Transaction(
                id=id,
                original=_original(order, tx, settled=True),
                amount=amount or tx.amount,
                settled_on=settled_on,
                charge_bearer=charge_bearer,
                charges=charges,
                reasons=(reason,),
                parties=parts.in_order((*_between(header), *chain)),
            ),
        ),
    )


def notification(
    order: Message, *, id: str, created: datetime, direction: str, booked_on: date, servicer_reference: str,
    sender: Party, receiver: Party, amount: Amount | None = None, service: str = SERVICE,
) -> Message:  # fmt: skip
    """camt.054: the order was booked on the account of its creditor (CRDT) or debtor (DBIT).

    `amount` is what was booked, by default what was settled. Refuses an order without such an account.
    """
    tx = _one(order)
    if direction not in CODES:
        tree.refuse("direction", WANT_DIRECTION)
    holder = tx.party("creditor" if direction == "CRDT" else "debtor")
    booked = amount or tx.amount
    if holder is None or holder.account is None:
        tree.refuse("order", NO_ACCOUNT)
    if booked is None:
        tree.refuse("order", NO_AMOUNT)
    account: Account = replace(holder.account, currency=holder.account.currency or booked.currency)
    entry = Entry(
        amount=booked,
        direction=direction,
        status="BOOK",
        booked_on=booked_on,
        valued_on=tx.settled_on or booked_on,
        servicer_reference=servicer_reference,
        code=CODES[direction],
        transactions=(
            Transaction(
                instruction_id=tx.instruction_id,
                end_to_end_id=tx.end_to_end_id,
                transaction_id=tx.transaction_id,
                uetr=tx.uetr,
                servicer_reference=servicer_reference,
                amount=booked,
                instructed=tx.instructed,
                settled_on=tx.settled_on,
                direction=direction,
                purpose=tx.purpose,
                # A line of an account names no accounts of agents.
                parties=tuple(
                    replace(p, account=None) if p.role.endswith("_agent") else p
                    for p in tx.parties
                    if p.role in _REPORTED
                ),
                remittance=tx.remittance,
            ),
        ),
    )
    return Message(
        type="camt.054.001.08",
        id=id,
        created=created,
        dated=created.date(),
        header=_header("camt.054.001.08", id, created, sender, receiver, service),
        statements=(Statement(id=id, created=created, account=account, entries=(entry,)),),
    )


_REPORTED: Final = frozenset(
    {
        "debtor",
        "debtor_agent",
        "creditor",
        "creditor_agent",
        "ultimate_debtor",
        "ultimate_creditor",
        "initiating",
    }
)


def _one(order: Message) -> Transaction:
    if len(order.transactions) != 1:
        tree.refuse("order", NO_TRANSACTION)
    return order.transactions[0]


def _header(type: str, id: str, created: datetime, sender: Party, receiver: Party, service: str) -> Header:
    return Header(
        sender=replace(sender, role="sender"),
        receiver=replace(receiver, role="receiver"),
        id=id,
        type=type,
        created=created,
        service=service,
    )


def _answering(order: Message, type: str, id: str, created: datetime, service: str) -> Header:
    if order.header is None:
        tree.refuse("order", NO_HEADER)
    return _header(type, id, created, order.header.receiver, order.header.sender, service)


def _between(header: Header) -> tuple[Party, ...]:
    return (
        replace(header.sender, role="instructing_agent"),
        replace(header.receiver, role="instructed_agent"),
    )


def _original(order: Message, tx: Transaction, *, settled: bool) -> Original:
    """What an answer quotes; `settled`: with amount and day, which a return needs."""
    return Original(
        message_id=order.id,
        message_type=order.type,
        instruction_id=tx.instruction_id,
        end_to_end_id=tx.end_to_end_id,
        transaction_id=tx.transaction_id,
        uetr=tx.uetr,
        amount=tx.amount if settled else None,
        settled_on=tx.settled_on if settled else None,
    )
