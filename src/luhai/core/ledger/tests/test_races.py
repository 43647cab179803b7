"""64 callers at once: none passes a bound, none is told of a deadlock, and there is an order that explains all answers."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from random import Random
from secrets import randbelow
from threading import Barrier, Thread
from time import monotonic, sleep
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from django.db import connection, transaction

from luhai.core.ledger import commands
from luhai.core.ledger.policy import Account, Bound, Kind, Transfer
from luhai.core.ledger.together import Together

from . import recount
from .auditor import Answer, Auditor
from .recount import Call
from .workload import START, Workload

WRITERS = 64
LATER = START + timedelta(minutes=10)
R = TypeVar("R")


def together(works: Sequence[Callable[[], R]]) -> list[R]:
    """Let all begin at the same moment, each on a connection of its own; an exception of any is the test's."""
    gate = Barrier(len(works))

    def run(work: Callable[[], R]) -> R:
        try:
            with connection.cursor():  # connected before the start
                gate.wait(60)
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def send(rows: Sequence[Transfer], at: datetime = START) -> Call:
    with transaction.atomic(durable=True):
        outcomes = commands.post(rows, at=at)
    return Call(rows, at, [Answer(o.id, o.amount, o.refused) for o in outcomes])


def opened(*bounds: Bound, unit: str = "CNY") -> list[Account]:
    accounts = [Account(id=uuid4(), unit=unit, kind="test", bound=bound) for bound in bounds]
    commands.open_accounts(accounts, at=START)
    return accounts


def move(debit: Account, credit: Account, amount: int, **rest: Any) -> Transfer:
    return Transfer(
        id=rest.pop("id", None) or uuid4(), debit=debit.id, credit=credit.id, unit=debit.unit, amount=amount, **rest
    )


def seeded() -> Random:
    seed = int(os.environ.get("SEED") or randbelow(10**9))
    print(f"SEED={seed}")
    return Random(seed)


def check(accounts: list[Account], calls: Sequence[Call]) -> None:
    """The books agree with the rows, and the answers with one order of the calls."""
    assert recount.faults() == []
    auditor = Auditor()
    auditor.open(accounts)
    assert recount.out_of_turn(auditor, calls) == []
    assert auditor.faults() == []
    assert recount.differences(auditor) == []


@pytest.mark.parametrize("up_to", [False, True], ids=["short way", "long way"])
@pytest.mark.parametrize("kind", [Kind.POST, Kind.HOLD])
def test_a_quota_that_all_drain_is_used_to_the_last_unit(fresh_db: str, kind: Kind, up_to: bool) -> None:
    world, quota, spent = accounts = opened(Bound.NONE, Bound.DEBITS, Bound.NONE)
    funding = send([move(world, quota, 400)])

    def drain() -> list[Call]:
        return [send([move(quota, spent, 1, kind=kind, up_to=up_to)]) for _ in range(10)]

    calls = [call for part in together([drain] * WRITERS) for call in part]
    moved = Counter((call.answers[0].amount, call.answers[0].refused) for call in calls)
    assert moved == {(1, None): 400, (0, None if up_to else "exceeds_credits"): 240}
    check(accounts, [funding, *calls])


def test_crosswise_batches_meet_without_deadlock(fresh_db: str) -> None:
    """Everybody moves between the same accounts, in every order, by the short way and the long one."""
    random = seeded()
    accounts = opened(*[Bound.NONE, Bound.DEBITS, Bound.CREDITS] * 4)
    plan = [
        [
            [
                move(
                    *random.sample(accounts, 2), random.randint(1, 50), linked=place % 5 < 2, up_to=long and place % 4 == 0,
                    kind=random.choice((Kind.POST, Kind.POST, Kind.HOLD)),
                )
                for place in range(20)
            ]
            for long in (False, True, False)
        ]
        for _ in range(WRITERS)
    ]  # fmt: skip
    calls = together([lambda batches=batches: [send(rows) for rows in batches] for batches in plan])
    check(accounts, [call for part in calls for call in part])


def test_whatever_meets_there_is_an_order_that_explains_it(fresh_db: str) -> None:
    """32 workloads over the same accounts, each sent by two callers at once, with a sweep going on beside them."""
    random = seeded()
    first = Workload(random.getrandbits(32), accounts=18)
    accounts = first.accounts
    commands.open_accounts(accounts, at=START)
    loads = [Workload(random.getrandbits(32)) for _ in range(WRITERS // 2)]
    plan: list[list[tuple[list[Transfer], datetime]]] = []
    for load in loads:
        load.use(accounts)
        plan.append([(load.batch(random.choice((1, 8, 25))), load.at) for _ in range(6)])

    def sweep() -> list[Call]:
        for minute in range(0, 40, 4):
            with transaction.atomic(durable=True):
                commands.expire_holds(at=START + timedelta(minutes=minute))
        return []

    works: list[Callable[[], list[Call]]] = [lambda p=part: [send(*call) for call in p] for part in plan * 2]  # type: ignore[misc]
    check(accounts, [call for part in together([*works, sweep, sweep]) for call in part])


def test_an_id_belongs_to_one_transfer_whoever_is_first(fresh_db: str) -> None:
    """The same 40 ids, in another order by each caller, with three contents on crosswise accounts."""
    random = seeded()
    accounts = opened(*[Bound.NONE] * 4)
    ids = [uuid4() for _ in range(40)]
    contents = {
        key: [move(*random.sample(accounts, 2), n, id=key, up_to=random.random() < 0.3) for n in (1, 2, 3)] for key in ids
    }

    def plan() -> list[list[Transfer]]:
        rows = [random.choice(contents[key]) for key in random.sample(ids, len(ids))]
        return [rows[n : n + 5] for n in range(0, len(rows), 5)]

    plans = [plan() for _ in range(WRITERS)]
    calls = [c for part in together([lambda p=p: [send(rows) for rows in p] for p in plans]) for c in part]
    winners = recount.written(ids)
    for call in calls:
        for row, answer in zip(call.asked, call.answers, strict=True):
            own = row.amount == winners[row.id].amount
            assert answer == (winners[row.id] if own else Answer(row.id, 0, "id_reused"))
    check(accounts, calls)


def test_a_hold_is_settled_or_released_or_expires_but_once(fresh_db: str) -> None:
    world, quota = accounts = opened(Bound.NONE, Bound.DEBITS)
    holds = [move(quota, world, 10, kind=Kind.HOLD, expires_at=LATER) for _ in range(100)]
    calls = [send([move(world, quota, 1000)]), send(holds)]

    def end(number: int) -> list[Call]:
        mine = Random(number)
        found: list[Call] = []
        for hold in mine.sample(holds, 12):
            kind = mine.choice((Kind.SETTLE, Kind.RELEASE))
            row = Transfer(id=uuid4(), kind=kind, hold=hold.id, amount=mine.choice((None, 3, 7)), up_to=mine.random() < 0.3)
            found.append(send([row], LATER - timedelta(seconds=1) if mine.random() < 0.8 else LATER))
        return found

    swept: list[int] = []

    def sweep() -> list[Call]:
        for _ in range(10):
            with transaction.atomic(durable=True):
                swept.append(commands.expire_holds(at=LATER, limit=10))
        return []

    works: list[Callable[[], list[Call]]] = [lambda n=n: end(n) for n in range(WRITERS - 4)]  # type: ignore[misc]
    calls += [call for part in together([*works, *[sweep] * 4]) for call in part]
    check(accounts, calls)
    ((count,),) = recount.rows("SELECT count(*) FROM ledger_transfer WHERE code = 'ledger.expired' AND amount > 0")
    assert count == sum(swept), "what the sweep says is what it did"


def test_nothing_moves_on_an_account_once_it_is_closed(fresh_db: str) -> None:
    """Some try to close it while others use it; it is empty when one of them can."""
    world, pot = opened(Bound.NONE, Bound.DEBITS)

    def use() -> list[Answer]:
        answers: list[Answer] = []
        for _ in range(5):
            amount = 5
            answers += send([move(world, pot, amount, linked=True), move(pot, world, amount)]).answers
        return answers

    def close() -> list[Answer]:
        with transaction.atomic(durable=True), connection.cursor() as cursor:
            cursor.execute("SELECT ledger_mark(%s, 'closed')", [pot.id])
            why = cursor.fetchone()
        assert why in {(None,), ("pending",), ("balance",)}
        return []

    answers = [a for part in together([*[use] * (WRITERS - 4), *[close] * 4]) for a in part]
    assert {a.refused for a in answers} <= {None, "credit_account_closed", "linked_failed"}
    assert recount.faults() == []
    before = recount.sums([pot.id])
    assert before[pot.id].debits_posted == before[pot.id].credits_posted
    close()
    assert send([move(world, pot, 1)]).answers[0].refused == "credit_account_closed"
    assert recount.sums([pot.id]) == before


def test_callers_that_share_commits_share_no_bound(fresh_db: str) -> None:
    """64 threads of one process through one gate, beside writers of other processes on the same accounts."""
    world, quota, spent = accounts = opened(Bound.NONE, Bound.DEBITS, Bound.NONE)
    funding = send([move(world, quota, 350)])
    gate = Together()

    def share() -> list[Call]:
        found: list[Call] = []
        for _ in range(8):
            rows = [move(quota, spent, 1, linked=True), move(spent, world, 1)]
            found.append(Call(rows, START, [Answer(o.id, o.amount, o.refused) for o in gate.post(rows, at=START)]))
        return found

    def alone() -> list[Call]:
        return [send([move(quota, spent, 1, linked=True), move(spent, world, 1)]) for _ in range(8)]

    calls = [call for part in together([share] * (WRITERS - 8) + [alone] * 8) for call in part]
    assert sum(call.answers[0].amount for call in calls) == 350
    assert sum(call.answers[1].amount for call in calls) == 350
    check(accounts, [funding, *calls])


def test_a_settle_that_waited_sees_the_hold_that_came_meanwhile(fresh_db: str) -> None:
    """It sees what its predecessor on the same account did; so it must see what that one had seen."""
    x, y, c, d = accounts = opened(*[Bound.NONE] * 4)
    hold = move(x, y, 10, kind=Kind.HOLD)
    waiting = [move(c, d, 1), Transfer(id=uuid4(), kind=Kind.SETTLE, hold=hold.id, amount=4)]
    answered: list[Call] = []
    thread = Thread(target=lambda: answered.extend(together([lambda: send(waiting)])))
    with transaction.atomic():
        commands.post([first := move(c, d, 1)], at=START)
        thread.start()
        _until_somebody_waits()
        (made,) = together([lambda: send([hold])])
        ((seen,),) = recount.rows("SELECT count(*) FROM ledger_hold WHERE id = %s", hold.id)
        assert seen == 1
    thread.join(30)
    assert [a.refused for a in answered[0].answers] == [None, None]
    check(accounts, [Call([first], START, [Answer(first.id, 1, None)]), made, *answered])


def test_a_post_that_waited_sees_the_account_that_came_meanwhile(fresh_db: str) -> None:
    """As for a hold: whoever held its lock has seen the account, so it must not be told that there is none."""
    c, d = accounts = opened(*[Bound.NONE] * 2)
    late = Account(id=uuid4(), unit="CNY", kind="test")
    waiting = [move(c, late, 5, up_to=True)]  # the long way: the short one would begin again anyway
    answered: list[Call] = []
    thread = Thread(target=lambda: answered.extend(together([lambda: send(waiting)])))
    with transaction.atomic():
        commands.post([first := move(c, d, 1)], at=START)
        thread.start()
        _until_somebody_waits()
        together([lambda: commands.open_accounts([late], at=START)])
    thread.join(30)
    assert [a.refused for a in answered[0].answers] == [None]
    check([*accounts, late], [Call([first], START, [Answer(first.id, 1, None)]), *answered])


def _until_somebody_waits() -> None:
    deadline = monotonic() + 30
    while monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
            if cursor.fetchone() == (True,):
                return
        sleep(0.01)
    raise AssertionError("nobody waits")
