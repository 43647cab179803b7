"""The life of a payment: every pair of state and sign, the rules on returns, and whole stories told by messages."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luhai.kernel.refusal import Refusal
from luhai.settlement.messages import compose, states
from luhai.settlement.messages.message import Amount, Entry, Message, Reason, Statement, Transaction
from luhai.settlement.messages.read import read
from luhai.settlement.messages.states import Life, Sign, State, Told, advance, derive
from luhai.settlement.messages.tests import papers
from luhai.settlement.messages.tests.world import BANGKOK, CHONGQING, NOON, UETR, order

ROOT = Path(__file__).resolve().parents[5]


def cny(text: str) -> Amount:
    return Amount(Decimal(text), "CNY")


ALL = cny("100.00")

#: What each state makes of each sign, with everything settled. Rows are states, columns signs; - is a refusal.
COLUMNS = [
    Sign.ORDERED, Sign.SENT, Sign.PROCESSING, Sign.SETTLED, Sign.CREDITED, Sign.REJECTED,
    Sign.RECALLED, Sign.RECALL_PENDING, Sign.RECALL_ACCEPTED, Sign.RECALL_REFUSED, Sign.RETURNED_IN_PART, Sign.RETURNED,
]  # fmt: skip
TABLE = """
             ordered   sent processing settled   credited  rejected recalled pending accepted refused  part     returned
-            INITIATED SENT -          -         -         -        -        -       -        -        -        -
INITIATED    -         SENT -          -         -         -        -        -       -        -        -        -
SENT         -         -    IN_PROCESS IN_PROCESS CREDITED REJECTED RECALL_REQUESTED - -      -        SENT     RETURNED
IN_PROCESS   -         -    IN_PROCESS IN_PROCESS CREDITED REJECTED RECALL_REQUESTED - -      -        IN_PROCESS RETURNED
CREDITED     -         -    CREDITED   CREDITED  CREDITED  -        RECALL_REQUESTED - -      -        CREDITED RETURNED
REJECTED     -         -    -          -         -         -        -        -       -        -        -        -
RECALL_REQUESTED - - RECALL_REQUESTED RECALL_REQUESTED RECALL_REQUESTED REJECTED - RECALL_REQUESTED RECALL_REQUESTED RECALL_REFUSED RETURNED RETURNED
RECALL_REFUSED - - RECALL_REFUSED RECALL_REFUSED RECALL_REFUSED - RECALL_REQUESTED - -        -        RECALL_REFUSED RETURNED
RETURNED     -         -    RETURNED   RETURNED  RETURNED  -        -        -       -        -        -        -
"""
ROWS = {line.split()[0]: line.split()[1:] for line in TABLE.strip().splitlines()[1:]}
PAIRS = [
    (None if row == "-" else State(row), sign, None if to == "-" else State(to))
    for row, cells in ROWS.items()
    for sign, to in zip(COLUMNS, cells, strict=True)
]


@pytest.mark.parametrize(("state", "sign", "to"), PAIRS, ids=[f"{s}-{g}" for s, g, _ in PAIRS])
def test_every_pair(state: State | None, sign: Sign, to: State | None) -> None:
    assert states.NEXT.get((state, sign)) == to
    life = Life(state=state, amount=ALL, settled=sign is not Sign.REJECTED)
    amount = cny("40.00") if sign is Sign.RETURNED_IN_PART else ALL
    told = Told(sign=sign, uetr=UETR, amount=amount)
    if to is None:
        with pytest.raises(Refusal):
            advance(life, told)
    else:
        assert advance(life, told).state is to


def test_the_table_has_all_pairs() -> None:
    assert {(state, sign) for state, sign, _ in PAIRS} == {(s, g) for s in (None, *State) for g in Sign}
    assert {pair for pair in states.NEXT if pair[0] in states.FINAL - {State.RETURNED}} == set()


# Returns ----------------------------------------------------------------------------------------------------------


def returned(life: Life, amount: Amount) -> Life:
    return advance(life, Told(sign=Sign.RETURNED, uetr=UETR, amount=amount))


@pytest.mark.parametrize("state", [State.SENT, State.IN_PROCESS, State.RECALL_REQUESTED])
def test_no_return_of_what_was_not_settled(state: State) -> None:
    with pytest.raises(states.NotSettled):
        returned(Life(state=state, amount=ALL), ALL)


def test_no_rejection_of_what_was_settled() -> None:
    for state in (State.SENT, State.IN_PROCESS, State.RECALL_REQUESTED):
        with pytest.raises(states.NotNow):
            advance(Life(state=state, amount=ALL, settled=True), Told(sign=Sign.REJECTED, uetr=UETR))


@pytest.mark.parametrize("amount", [cny("100.01"), Amount(Decimal(100), "USD")])
def test_no_more_comes_back_than_was_settled(amount: Amount) -> None:
    with pytest.raises(states.ReturnTooLarge) as refused:
        returned(Life(state=State.CREDITED, amount=ALL, settled=True), amount)
    assert refused.value.facts == {"left": "100.00", "currency": "CNY"}


def test_parts_add_up() -> None:
    life = Life(state=State.CREDITED, amount=ALL, settled=True)
    life = returned(life, cny("60.00"))
    assert (life.state, life.returned) == (State.CREDITED, cny("60"))
    with pytest.raises(states.ReturnTooLarge):
        returned(life, cny("40.01"))
    life = returned(life, cny("40.00"))
    assert (life.state, life.returned) == (State.RETURNED, ALL)
    with pytest.raises(states.NotNow):
        returned(life, cny("0.01"))


def test_a_recall_of_what_is_back_is_answered() -> None:
    with pytest.raises(states.AlreadyReturned) as refused:
        advance(Life(state=State.RETURNED, amount=ALL, settled=True), Told(sign=Sign.RECALLED, uetr=UETR))
    assert refused.value.facts == {"answer": "ARDT"}


amounts = st.integers(0, 120).map(lambda n: cny(str(n)))
signs = st.lists(st.tuples(st.sampled_from(list(Sign)), amounts), max_size=25)


@given(signs)
def test_whatever_is_told_the_promises_hold(told: list[tuple[Sign, Amount]]) -> None:
    """Never more back than was settled, nothing back unsettled, nothing after a rejection, one order."""
    life, orders = Life(), 0
    for sign, amount in [(Sign.SENT, ALL), *told]:
        before = life
        try:
            life = advance(life, Told(sign=sign, uetr=UETR, amount=amount))
        except Refusal as no:
            assert no.message % no.facts  # noqa: PT017
            assert life == before
            continue
        orders += sign in {Sign.ORDERED, Sign.SENT}
        assert life.amount == ALL
        assert life.returned is None or (life.settled and life.returned.value <= ALL.value)
        assert not (life.state is State.REJECTED and life.settled)
        assert before.state is not State.REJECTED
        if before.state is State.RETURNED:
            assert life.returned == before.returned
    assert orders == 1


# Stories ----------------------------------------------------------------------------------------------------------

SENT = order()
clock = iter(NOON + timedelta(minutes=n) for n in range(10_000))


def status(word: str, **more: Reason) -> Message:
    at: datetime = next(clock)
    return compose.status_report(SENT, id=f"S-{at:%H%M}", created=at, status=word, **more)


def booked(direction: str) -> Message:
    at = next(clock)
    return compose.notification(
        SENT, id=f"N-{at:%H%M}", created=at, direction=direction, booked_on=date(2026, 3, 2),
        servicer_reference="B", sender=BANGKOK, receiver=CHONGQING,
    )  # fmt: skip


def back(amount: str = "128000.00") -> Message:
    at = next(clock)
    return compose.payment_return(
        SENT, id=f"R-{at:%H%M}", created=at, settled_on=date(2026, 3, 4), reason=Reason(code="FOCR"), amount=cny(amount)
    )  # fmt: skip


ORDERED = read(papers.BATCHES)
RECALL = read(papers.RECALL)
COVER = read(papers.COVER)


def answer(outcome: str, reason: str = "") -> Message:
    return replace(read(papers.recall_answer(outcome, reason)), id=f"A-{next(clock):%H%M}")


STORIES: dict[str, tuple[list[Message], State | None]] = {
    "nothing": ([], None),
    "ordered": ([ORDERED], State.INITIATED),
    "sent": ([ORDERED, SENT], State.SENT),
    "of the bank's own": ([SENT], State.SENT),
    "the whole way": (
        [ORDERED, SENT, status("ACTC"), status("ACSP"), booked("DBIT"), booked("CRDT")],
        State.CREDITED,
    ),
    "credited by status": ([SENT, status("ACCC")], State.CREDITED),
    "a late status": ([SENT, booked("CRDT"), status("ACSP")], State.CREDITED),
    "rejected": ([SENT, status("ACSP"), status("RJCT", reason=Reason(code="AC04"))], State.REJECTED),
    "rejected with the whole message": ([SENT, read(papers.GROUP_REJECTED)], State.REJECTED),
    "covered": ([SENT, COVER, status("ACSP")], State.IN_PROCESS),
    "returned unasked": ([SENT, status("ACSC"), back()], State.RETURNED),
    "asked back": ([SENT, booked("CRDT"), RECALL], State.RECALL_REQUESTED),
    "asked back, pending": ([SENT, booked("CRDT"), RECALL, answer("PDCR")], State.RECALL_REQUESTED),
    "asked back, agreed": ([SENT, booked("CRDT"), RECALL, answer("CNCL")], State.RECALL_REQUESTED),
    "asked back, returned": ([SENT, booked("CRDT"), RECALL, answer("CNCL"), back()], State.RETURNED),
    "asked back, returned less charges": (
        [SENT, booked("CRDT"), RECALL, answer("CNCL"), back("127950.00")],
        State.RETURNED,
    ),
    "asked back, refused": ([SENT, booked("CRDT"), RECALL, answer("RJCR", "CUST")], State.RECALL_REFUSED),
    "refused, then returned all the same": (
        [SENT, booked("CRDT"), RECALL, answer("RJCR", "CUST"), back()],
        State.RETURNED,
    ),
    "asked back before it was settled": (
        [SENT, status("ACSP"), RECALL, answer("CNCL"), status("RJCT")],
        State.REJECTED,
    ),
    "the statement of the evening": ([SENT, booked("CRDT"), back(), booked("CRDT")], State.RETURNED),
    "the same message twice": ([SENT, SENT, status("ACSP"), status("ACSP")], State.IN_PROCESS),
    "a status that says nothing": ([SENT, status("XXXX")], State.SENT),
}


@pytest.mark.parametrize("name", STORIES)
def test_stories(name: str) -> None:
    messages, expected = STORIES[name]
    assert derive(messages, uetr=UETR).state is expected


def test_other_payments_are_other_lives() -> None:
    other = "174c245f-2682-4291-ad67-2a41e530cd27"
    assert derive([ORDERED, SENT, status("ACSP")], uetr=other) == Life()
    assert (
        derive([ORDERED], uetr=other, end_to_end_id="PO-2").state is State.INITIATED
    )  # no UETR: its end-to-end id
    assert derive([ORDERED], uetr=other, end_to_end_id="PO-1") == Life()  # that one has a UETR of its own
    assert derive([ORDERED], uetr="") == Life()


@pytest.mark.parametrize(
    "messages",
    [
        [back()],
        [SENT, back()],
        [SENT, booked("CRDT"), status("RJCT")],
        [SENT, booked("CRDT"), back(), RECALL],
        [SENT, booked("CRDT"), back("1.00"), back("128000.00")],
        [SENT, replace(SENT, id="CQB-20260302-2")],
        [SENT, answer("CNCL")],
        [ORDERED, status("ACSP")],
    ],
)
def test_stories_that_cannot_be(messages: list[Message]) -> None:
    with pytest.raises(Refusal):
        derive(messages, uetr=UETR)


@pytest.mark.parametrize(
    ("entry", "direction", "reasons", "sign"),
    [
        ({}, "CRDT", (), Sign.CREDITED),
        ({}, "DBIT", (), Sign.SETTLED),
        ({"status": "PDNG"}, "CRDT", (), None),
        ({"reversal": True}, "CRDT", (), None),
        ({}, "CRDT", (Reason(code="AC04"),), None),  # money that comes back is no credit of a payment
    ],
)
def test_which_lines_of_an_account_count(
    entry: dict[str, object], direction: str, reasons: tuple[Reason, ...], sign: Sign | None
) -> None:
    tx = Transaction(uetr=UETR, direction=direction, amount=ALL, reasons=reasons)
    line = Entry(amount=ALL, direction=direction, status="BOOK", transactions=(tx,))
    line = replace(line, **entry)  # type: ignore[arg-type]
    message = Message(
        type="camt.053.001.08", id="1", created=NOON, dated=NOON.date(), statements=(Statement(id="1", entries=(line,)),)
    )  # fmt: skip
    assert [told.sign for told in states.tell(message)] == ([sign] if sign else [])


def test_repetitions_are_known_by_two_keys() -> None:
    """Sender and message; payment, type and status. A return has no status: two parts are two returns."""
    assert states.keys(SENT) == {("message", "ICBKCNBJCQG", "pacs.008", "CQB-20260302-1")}
    assert states.keys(status("ACSP")) & states.keys(status("ACSP")) == {("status", UETR, "pacs.002", "ACSP")}
    assert not states.keys(back("1.00")) & states.keys(back("2.00"))
    assert not states.keys(status("PDNG")) & states.keys(status("PDNG"))
    bare = replace(SENT, header=None)
    assert states.keys(bare) == states.keys(SENT)  # the instructing agent is the sender


def test_the_paper_shows_the_table() -> None:
    paper = (ROOT / "docs" / "algorithms" / "iso20022.md").read_text(encoding="utf-8")
    assert states.diagram() in paper
