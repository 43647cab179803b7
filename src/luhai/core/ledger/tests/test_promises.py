"""Whatever is asked of the ledger, in whatever order, it answers as the auditor does, and its books are as theirs."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from secrets import randbelow
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from hypothesis import given, note
from hypothesis import strategies as st

from luhai.core.ledger import commands
from luhai.core.ledger.policy import MAX_AMOUNT, MAX_SUM, REFUSALS, Account, Bound, Kind, Outcome, Transfer

from . import recount
from .auditor import LARGEST_AMOUNT, LARGEST_SUM, Answer, Auditor
from .workload import START, Workload

# ---- Hypothesis: a small world in which everything collides ------------------------------------------------

_BOUNDS = [Bound.NONE, Bound.NONE, Bound.DEBITS, Bound.DEBITS, Bound.CREDITS, Bound.CREDITS]
ACCOUNTS = [Account(id=UUID(int=100 + n), unit="CNY", kind="test", bound=bound) for n, bound in enumerate(_BOUNDS)]
ACCOUNTS.append(Account(id=UUID(int=110), unit="USD", kind="test"))
STRANGER = UUID(int=999)

# Mostly those of one unit that exist; the seldom ones are looked at first and would hide the rest.
account_ids = st.sampled_from([*[a.id for a in ACCOUNTS[:6]] * 4, ACCOUNTS[6].id, STRANGER])
transfer_ids = st.integers(1, 30).map(lambda n: UUID(int=n))
small = st.integers(-1, 12)


@st.composite
def transfers(draw: Any) -> Transfer:
    kind = draw(st.sampled_from([Kind.POST, Kind.POST, Kind.HOLD, Kind.HOLD, Kind.SETTLE, Kind.RELEASE]))
    row: dict[str, Any] = {
        "id": draw(transfer_ids),
        "kind": kind,
        "up_to": draw(st.sampled_from([False, False, True])),
        "linked": draw(st.sampled_from([False, False, True])),
        "code": draw(st.sampled_from(["", "", "fee"])),
    }
    if kind in {Kind.POST, Kind.HOLD}:
        row |= {
            "debit": draw(account_ids),
            "credit": draw(account_ids),
            "unit": draw(st.sampled_from(["CNY"] * 8 + ["USD"])),
            "amount": draw(small),
        }
        if kind == Kind.HOLD:
            row["expires_at"] = draw(st.none() | st.integers(-1, 6).map(lambda n: START + timedelta(minutes=n)))
    else:
        row |= {"hold": draw(transfer_ids), "amount": draw(st.none() | small)}
    return Transfer(**row)


steps = st.one_of(
    st.lists(transfers(), min_size=1, max_size=9),
    st.lists(transfers(), min_size=1, max_size=9),
    st.lists(transfers(), min_size=1, max_size=9),
    st.just("expire"),
    st.tuples(st.sampled_from(ACCOUNTS[:6]).map(lambda a: a.id), st.sampled_from(["frozen", "open", "closed"])),
)
FUNDING = [
    Transfer(id=UUID(int=201), debit=ACCOUNTS[0].id, credit=ACCOUNTS[2].id, unit="CNY", amount=20),
    Transfer(id=UUID(int=202), debit=ACCOUNTS[0].id, credit=ACCOUNTS[3].id, unit="CNY", amount=5),
    Transfer(id=UUID(int=203), debit=ACCOUNTS[4].id, credit=ACCOUNTS[1].id, unit="CNY", amount=20),
    Transfer(id=UUID(int=204), debit=ACCOUNTS[5].id, credit=ACCOUNTS[1].id, unit="CNY", amount=5),
]


@pytest.mark.django_db
@given(st.lists(st.tuples(st.integers(0, 2), steps), max_size=8))
def test_the_ledger_answers_as_the_auditor_does(asked: list[tuple[int, Any]]) -> None:
    with transaction.atomic():
        auditor, at = Auditor(), START
        commands.open_accounts(ACCOUNTS, at=at)
        auditor.open(ACCOUNTS)
        for minutes, step in [(0, FUNDING), *asked]:
            at += timedelta(minutes=minutes)
            note(f"{at:%H:%M} {step}")
            if step == "expire":
                assert commands.expire_holds(at=at) == auditor.expire(at)
            elif isinstance(step, tuple):
                assert (mark(*step) is None) == auditor.mark(*step)
            else:
                assert answers(commands.post(step, at=at)) == auditor.post(step, at)
                assert answers(commands.post(step, at=at)) == auditor.post(step, at), "asked twice is asked once"
            assert recount.differences(auditor, known=False) == []
            assert recount.faults() == []
            assert auditor.faults() == []
        assert recount.differences(auditor) == []
        states = {key: book.state for key, book in auditor.books.items()}
        assert recount.states(states) == states
        transaction.set_rollback(True)


def answers(outcomes: list[Outcome]) -> list[Answer]:
    return [Answer(o.id, o.amount, o.refused) for o in outcomes]


def mark(account: UUID, state: str) -> str | None:
    """As the commands do once they have seen who asks."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ledger_mark(%s, %s)", [account, state])
        return cursor.fetchone()[0]  # type: ignore[index]


# ---- the seeded simulation ---------------------------------------------------------------------------------


@pytest.mark.django_db
def test_twenty_thousand_operations() -> None:
    assert len(simulate(20_000)) > 15, "most reasons were met"


@pytest.mark.long
@pytest.mark.django_db
def test_a_million_operations() -> None:
    assert simulate(1_000_000) == {None, *REFUSALS}, "every reason was met"


def simulate(operations: int) -> set[str | None]:
    """Batches of all sizes over accounts that are replaced now and then; SEED=… repeats a run."""
    seed = int(os.environ.get("SEED") or randbelow(10**9))
    print(f"SEED={seed}")
    workload, auditor = Workload(seed), Auditor()

    def turn() -> None:
        fresh = workload.turn()
        commands.open_accounts(fresh, at=workload.at)
        auditor.open(fresh)
        assert (mark(fresh[-1].id, "closed") is None) == auditor.mark(fresh[-1].id, "closed")

    turn()
    met: Counter[str | None] = Counter()
    done = number = 0
    while done < operations:
        number += 1
        dice = workload.random
        batch = workload.batch(dice.choice((1, 1, 2, 5, 20, 100, 300, 1000)))
        done += len(batch)
        have, want = answers(commands.post(batch, at=workload.at)), auditor.post(batch, workload.at)
        for row, got, wanted in zip(batch, have, want, strict=True):
            assert got == wanted, f"SEED={seed}, batch {number}: {row}"
        met.update(answer.refused for answer in have)
        if dice.random() < 0.05:
            assert commands.expire_holds(at=workload.at, limit=10**6) == auditor.expire(workload.at), f"SEED={seed}"
        if dice.random() < 0.3:
            account = dice.choice(workload.accounts).id
            state = dice.choice(("frozen", "open", "open", "open", "closed"))
            assert (mark(account, state) is None) == auditor.mark(account, state), f"SEED={seed}"
        if number % 40 == 0:
            assert recount.differences(auditor, known=False) == [], f"SEED={seed}"
            turn()
    assert auditor.faults() == []
    assert recount.faults() == [], f"SEED={seed}"
    assert recount.differences(auditor) == [], f"SEED={seed}"
    print(f"{done} operations in {number} batches: {dict(met.most_common())}")
    return set(met)


# ---- what chance seldom finds ------------------------------------------------------------------------------


def test_the_auditor_wrote_the_same_limits_down() -> None:
    assert (LARGEST_AMOUNT, LARGEST_SUM) == (MAX_AMOUNT, MAX_SUM)


@pytest.fixture
def two(db: None) -> tuple[UUID, UUID]:
    """Two accounts without bounds."""
    accounts = ACCOUNTS[:2]
    commands.open_accounts(accounts, at=START)
    return accounts[0].id, accounts[1].id


def move(number: int, debit: UUID, credit: UUID, amount: int, **rest: Any) -> Transfer:
    return Transfer(id=UUID(int=number), debit=debit, credit=credit, unit="CNY", amount=amount, **rest)


@pytest.mark.parametrize("kinds", [(Kind.POST,), (Kind.HOLD,), (Kind.POST, Kind.HOLD)])
def test_sums_are_filled_to_the_last_unit_and_no_further(two: tuple[UUID, UUID], kinds: tuple[Kind, ...]) -> None:
    """1,100 transfers of the largest amount: what fits is moved, the rest is refused, and no number overflows."""
    auditor = Auditor()
    auditor.open(ACCOUNTS[:2])
    batch = [move(n, *two, MAX_AMOUNT, kind=kinds[n % len(kinds)]) for n in range(1, 1101)]
    assert answers(commands.post(batch, at=START)) == auditor.post(batch, START)
    batch = [move(2000, *two, MAX_AMOUNT, up_to=True), move(2001, *two, MAX_AMOUNT + 1), move(2002, *two, 512)]
    batch += [move(2003, *two, 1), move(2004, *two, 2**63 - 1), move(2005, *two, 2**63 - 1, up_to=True)]
    assert answers(commands.post(batch, at=START)) == auditor.post(batch, START)
    assert recount.differences(auditor) == []


def test_the_short_way_and_the_long_way_end_at_the_same_books(two: tuple[UUID, UUID]) -> None:
    """A batch in which all is well is posted at once; the same with one up_to in front, row after row."""
    plain = [move(n, *two, n, kind=Kind.HOLD if n % 3 == 0 else Kind.POST, linked=n % 2 == 0) for n in range(1, 40)]
    assert {o.refused for o in commands.post(plain, at=START)} == {None}
    before = recount.sums(two)
    slow = [replace(row, id=UUID(int=row.id.int + 1000)) for row in plain]
    commands.post([move(999, *two, 1, up_to=True), *slow], at=START)
    after = recount.sums(two)
    for key in two:
        extra = (1, 0, 0, 0) if key == two[0] else (0, 0, 1, 0)
        assert tuple(after[key]) == tuple(2 * n + e for n, e in zip(before[key], extra, strict=True))


def test_who_ends_a_hold_may_name_its_accounts_or_not(two: tuple[UUID, UUID]) -> None:
    debit, credit = two
    commands.post([move(1, *two, 10, kind=Kind.HOLD)], at=START)
    part = Transfer(id=UUID(int=2), kind=Kind.SETTLE, hold=UUID(int=1), amount=4)
    named = replace(part, debit=debit, credit=credit)
    other = replace(part, debit=credit)
    assert [o.refused for o in commands.post([part, named, other], at=START)] == [None, None, "id_reused"]
    assert [o.refused for o in commands.post([named, part, other], at=START)] == [None, None, "id_reused"]
    assert recount.rests([UUID(int=1)]) == {UUID(int=1): 6}


def test_a_hold_that_somebody_ends_first_still_expires_for_the_rest(two: tuple[UUID, UUID]) -> None:
    soon = START + timedelta(minutes=1)
    commands.post([move(n, *two, 10, kind=Kind.HOLD, expires_at=soon) for n in (1, 2, 3)], at=START)
    ends = [
        Transfer(id=UUID(int=4), kind=Kind.SETTLE, hold=UUID(int=1), amount=4),
        Transfer(id=UUID(int=5), kind=Kind.RELEASE, hold=UUID(int=2)),
    ]
    commands.post(ends, at=START)
    assert commands.expire_holds(at=soon - timedelta(microseconds=1)) == 0, "not a moment too early"
    assert commands.expire_holds(at=soon, limit=1) == 1
    assert commands.expire_holds(at=soon) == 1
    assert commands.expire_holds(at=soon) == 0
    assert recount.sums(two)[two[0]] == (4, 0, 0, 0)
    assert recount.faults() == []


def test_nobody_can_keep_a_hold_from_expiring(two: tuple[UUID, UUID]) -> None:
    """Ids are chosen by callers: one who guesses those of the sweep must not stop it."""
    soon = START + timedelta(minutes=1)
    commands.post([move(1, *two, 10, kind=Kind.HOLD, expires_at=soon)], at=START)
    with transaction.atomic():  # look what the sweep writes, and undo it
        commands.expire_holds(at=soon)
        ((guessed,),) = recount.rows("SELECT id FROM ledger_transfer WHERE hold = %s", UUID(int=1))
        transaction.set_rollback(True)
    commands.post([replace(move(1, *two, 1), id=guessed)], at=START)
    assert commands.expire_holds(at=soon) == 1
    assert recount.rests([UUID(int=1)]) == {UUID(int=1): 0}
