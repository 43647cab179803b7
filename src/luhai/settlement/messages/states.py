"""The life of a payment, derived from its messages: which message means what, in which state, and where it leads.

    life = derive(messages, uetr="…")          # Life(state=CREDITED, settled=…)
    life = advance(life, told)                 # one more, or a refusal

`NEXT` is the only place that says so; docs/algorithms/iso20022.md holds its drawing. One payment has one UETR through the
whole chain; an order of a customer in an old version (pain.001.001.08 and before) has none, and its end-to-end id counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from luhai.kernel.refusal import Refusal, gettext_noop
from luhai.settlement.messages.message import Amount, Message, Party, Transaction


class State(StrEnum):
    INITIATED = "INITIATED"  # the customer has ordered it
    SENT = "SENT"  # between banks
    IN_PROCESS = "IN_PROCESS"  # taken on by the receiving bank
    CREDITED = "CREDITED"  # on the creditor's account
    REJECTED = "REJECTED"  # before settlement; final
    RECALL_REQUESTED = "RECALL_REQUESTED"  # asked back, not answered yet, or answered yes and not back yet
    RECALL_REFUSED = "RECALL_REFUSED"  # asked back in vain; a return of free will may still come
    RETURNED = "RETURNED"  # settled, and gone back; final


class Sign(StrEnum):
    """What a message says has happened."""

    ORDERED = "ordered"  # pain.001
    SENT = "sent"  # pacs.008, pacs.009 that is no cover
    PROCESSING = "processing"  # pacs.002 ACTC, ACCP, ACSP, PDNG …
    SETTLED = "settled"  # pacs.002 ACSC; a debit booked, which is what ACSC means
    CREDITED = "credited"  # pacs.002 ACCC; a credit booked
    REJECTED = "rejected"  # pacs.002 RJCT
    RECALLED = "recalled"  # camt.056
    RECALL_PENDING = "recall_pending"  # camt.029 PDCR
    RECALL_ACCEPTED = "recall_accepted"  # camt.029 CNCL
    RECALL_REFUSED = "recall_refused"  # camt.029 RJCR
    RETURNED_IN_PART = "returned_in_part"  # pacs.004, together less than was settled
    RETURNED = "returned"  # pacs.004, the whole of it


class NotNow(Refusal):
    code = "messages.not_now"
    message = gettext_noop("A message that says %(sign)s does not follow while the payment is %(state)s.")


class NotSettled(Refusal):
    code = "messages.not_settled"
    message = gettext_noop(
        "Nothing can be returned before it was settled; a rejection (pacs.002 RJCT) is wanted."
    )


class ReturnTooLarge(Refusal):
    code = "messages.return_too_large"
    message = gettext_noop(
        "A return of at most %(left)s %(currency)s is wanted; that is what was settled and is not back yet."
    )


class AlreadyReturned(Refusal):
    """A recall of what is back already. The answer to it is camt.029 RJCR with the reason ARDT."""

    code = "messages.already_returned"
    message = gettext_noop("The payment was returned already; the recall is answered with %(answer)s.")


_OPEN: Final = (State.SENT, State.IN_PROCESS)
_ASKED: Final = (State.RECALL_REQUESTED, State.RECALL_REFUSED)

#: (state, sign) -> state. A pair that is absent is refused. Before the first message the state is None.
#: Reports on accounts and statuses travel on different roads: a late one that says what was so before changes nothing.
NEXT: Final[Mapping[tuple[State | None, Sign], State]] = MappingProxyType({
    (None, Sign.ORDERED): State.INITIATED,
    (None, Sign.SENT): State.SENT,  # a payment of the bank's own, or one whose order came by another way
    (State.INITIATED, Sign.SENT): State.SENT,
    (State.SENT, Sign.PROCESSING): State.IN_PROCESS,
    (State.SENT, Sign.SETTLED): State.IN_PROCESS,
    (State.SENT, Sign.CREDITED): State.CREDITED,
    (State.IN_PROCESS, Sign.PROCESSING): State.IN_PROCESS,
    (State.IN_PROCESS, Sign.SETTLED): State.IN_PROCESS,
    (State.IN_PROCESS, Sign.CREDITED): State.CREDITED,
    **{(state, Sign.REJECTED): State.REJECTED for state in _OPEN},
    **{(state, Sign.RECALLED): State.RECALL_REQUESTED for state in (*_OPEN, State.CREDITED, State.RECALL_REFUSED)},
    # A bank may send money back unasked, once it has it.
    **{(state, Sign.RETURNED): State.RETURNED for state in (*_OPEN, State.CREDITED, *_ASKED)},
    **{(state, Sign.RETURNED_IN_PART): state for state in (*_OPEN, State.CREDITED, State.RECALL_REFUSED)},
    # What comes back after a recall is the answer to it, less charges perhaps.
    (State.RECALL_REQUESTED, Sign.RETURNED_IN_PART): State.RETURNED,
    (State.RECALL_REQUESTED, Sign.RECALL_PENDING): State.RECALL_REQUESTED,
    (State.RECALL_REQUESTED, Sign.RECALL_ACCEPTED): State.RECALL_REQUESTED,
    (State.RECALL_REQUESTED, Sign.RECALL_REFUSED): State.RECALL_REFUSED,
    # Not settled yet when it was asked back: then it is stopped, and nothing has to come back.
    (State.RECALL_REQUESTED, Sign.REJECTED): State.REJECTED,
    # It goes on meanwhile.
    **{(state, sign): state for state in (State.CREDITED, *_ASKED, State.RETURNED)
       for sign in (Sign.PROCESSING, Sign.SETTLED, Sign.CREDITED)},
})  # fmt: skip

FINAL: Final = frozenset({State.REJECTED, State.RETURNED})

#: TxSts of pacs.002. Source: ISO external code set; other words say nothing about the life.
STATUSES: Final[Mapping[str, Sign]] = MappingProxyType(
    {
        **dict.fromkeys(("RCVD", "ACTC", "ACCP", "ACFC", "ACSP", "ACWC", "ACWP", "PDNG"), Sign.PROCESSING),
        "ACSC": Sign.SETTLED,
        "ACCC": Sign.CREDITED,
        "RJCT": Sign.REJECTED,
    }
)
#: Sts/Conf and TxCxlSts of camt.029.
ANSWERS: Final[Mapping[str, Sign]] = MappingProxyType(
    {
        "CNCL": Sign.RECALL_ACCEPTED,
        "ACCR": Sign.RECALL_ACCEPTED,
        "PACR": Sign.RECALL_ACCEPTED,
        "PDCR": Sign.RECALL_PENDING,
        "RJCR": Sign.RECALL_REFUSED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """Where a payment stands. `amount` is what the banks settle; `settled` whether they have; `returned` what is back."""

    state: State | None = None
    amount: Amount | None = None
    settled: bool = False
    returned: Amount | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one message says about one payment."""

    sign: Sign
    uetr: str = ""
    end_to_end_id: str = ""
    group: str = ""  # id of the whole message that is spoken of
    amount: Amount | None = None

    def concerns(self, uetr: str, end_to_end_id: str = "", groups: Collection[str] = ()) -> bool:
        if self.uetr or self.group:
            return (bool(self.uetr) and self.uetr == uetr) or (bool(self.group) and self.group in groups)
        return bool(end_to_end_id) and self.end_to_end_id == end_to_end_id


def advance(life: Life, told: Told) -> Life:
    """The life after one more message.

    Refuses: AlreadyReturned (a recall of what is back), NotNow (a pair that is not in NEXT), NotSettled (a return of
    what was not settled), ReturnTooLarge (more back than was settled, or another currency).
    """
    sign, back = told.sign, life.returned
    if life.state is State.RETURNED and sign is Sign.RECALLED:
        raise AlreadyReturned(answer="ARDT")
    if sign in {Sign.RETURNED, Sign.RETURNED_IN_PART}:
        sign, back = _return(life, told)
    if (life.state, sign) not in NEXT or (sign is Sign.REJECTED and life.settled):
        raise NotNow(sign=sign.value, state=life.state.value if life.state else "unknown")
    return Life(
        state=NEXT[life.state, sign],
        amount=told.amount if sign is Sign.SENT else life.amount,
        settled=life.settled or sign in {Sign.SETTLED, Sign.CREDITED},
        returned=back,
    )


def _return(life: Life, told: Told) -> tuple[Sign, Amount | None]:
    """Whether a return is the whole or a part, and what is back after it."""
    if life.state in FINAL or life.state is None:
        return told.sign, life.returned
    if not life.settled:
        raise NotSettled
    if life.amount is None or told.amount is None:
        return told.sign, life.returned
    before = life.returned.value if life.returned else Decimal(0)
    left = life.amount.value - before
    if told.amount.currency != life.amount.currency or told.amount.value > left:
        raise ReturnTooLarge(left=str(left), currency=life.amount.currency)
    sign = Sign.RETURNED if told.amount.value == left else Sign.RETURNED_IN_PART
    return sign, replace(told.amount, value=before + told.amount.value)


def derive(messages: Iterable[Message], *, uetr: str, end_to_end_id: str = "") -> Life:
    """The life of one payment from its messages, in the order in which they came. A message that comes twice counts once."""
    life, seen, orders = Life(), set[tuple[str, ...]](), set[str]()
    for message in messages:
        if seen & (new := keys(message)):
            continue
        seen |= new
        for told in tell(message):
            if told.concerns(uetr, end_to_end_id, orders):
                life = advance(life, told)
                if told.sign in {Sign.ORDERED, Sign.SENT}:
                    orders.add(message.id)
    return life


def keys(message: Message) -> frozenset[tuple[str, ...]]:
    """By what a repetition is known: sender and message id; payment, type and status (settlement.md §6.4)."""
    who = message.header.sender if message.header else _sender(message)
    sender = "" if who is None else who.bic or who.clearing_member or who.name
    found = {("message", sender, message.family, message.id)}
    if message.family in {"pacs.002", "camt.029"} and len(message.transactions) == 1:
        tx = message.transactions[0]
        status = tx.status or message.status
        if tx.original and tx.original.uetr and status and status not in {"PDNG", "PDCR"}:
            found.add(("status", tx.original.uetr, message.family, status))
    return frozenset(found)


def _sender(message: Message) -> Party | None:
    """Who sent a message without a header, as far as the message itself says."""
    named = [*message.parties, *(p for tx in message.transactions[:1] for p in tx.parties)]
    named += [s.servicer for s in message.statements[:1] if s.servicer]
    known = {"instructing_agent", "assigner", "initiating", "account_servicer"}
    return next((party for party in named if party.role in known), None)


def tell(message: Message) -> Iterator[Told]:
    """What a message says about each payment in it; nothing, where it says nothing about a life."""
    for tx in message.every_transaction():
        sign = _sign(message, tx)
        if sign is None:
            continue
        about = tx.original or tx
        yield Told(
            sign=sign,
            uetr=about.uetr,
            end_to_end_id=about.end_to_end_id,
            group=tx.original.message_id if tx.whole_group and tx.original else "",
            amount=tx.amount,
        )


def _sign(message: Message, tx: Transaction) -> Sign | None:
    match message.family:
        case "pain.001":
            return Sign.ORDERED
        case "pacs.008" | "pacs.009":
            return (
                None if tx.cover_for else Sign.SENT
            )  # a cover moves the money under a payment that is told itself
        case "pacs.002":
            return STATUSES.get(tx.status)
        case "pacs.004":
            return Sign.RETURNED
        case "camt.056":
            return Sign.RECALLED
        case "camt.029":
            return ANSWERS.get(tx.status or message.status)
        case _:
            return _booked(message, tx)


def _booked(message: Message, tx: Transaction) -> Sign | None:
    """A line of an account counts when it is booked, and is not itself the return of something or a correction."""
    entry = next(e for s in message.statements for e in s.entries if any(t is tx for t in e.transactions))
    if entry.status != "BOOK" or entry.reversal or tx.reasons:
        return None
    return Sign.CREDITED if tx.direction == "CRDT" else Sign.SETTLED


def diagram() -> str:
    """The table as a Mermaid state diagram; signs between the same two states share an arrow."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for (state, sign), to in NEXT.items():
        arrows.setdefault((state or "[*]", to), []).append(sign)
    lines = ["stateDiagram-v2"]
    lines += [f"    {a} --> {b} : {', '.join(signs)}" for (a, b), signs in arrows.items()]
    lines += [f"    {state} --> [*]" for state in State if state in FINAL]
    return "\n".join(lines)
