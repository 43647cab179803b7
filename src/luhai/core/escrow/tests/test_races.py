"""The condition is met, time runs out, somebody disputes and everybody executes, all at the same instant: one outcome."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from random import Random
from secrets import randbelow
from typing import Any
from uuid import uuid4

import pytest

from luhai.core.escrow import commands, queries
from luhai.core.escrow.models import Event, Outcome
from luhai.core.escrow.tests.test_conditions import Export
from luhai.core.escrow.tests.world import (
    DUE,
    NOON,
    Sale,
    agree,
    arranged,
    bank,
    by,
    company,
    fund,
    id_of,
    leg,
    move,
    official,
    on,
    purse,
    state,
    terms,
)
from luhai.core.ledger import queries as ledger
from luhai.core.titles import queries as titles
from luhai.core.titles.tests.test_races import together
from luhai.kernel.origin import SYSTEM, Role
from luhai.shell.context import acting

JUST = DUE - timedelta(seconds=1)


def seeded() -> Random:
    seed = int(os.environ.get("SEED") or randbelow(10**9))
    print(f"SEED={seed}")
    return Random(seed)


def books_agree() -> None:
    found = ledger.recount(viewer=SYSTEM)
    assert (found.differing, found.beyond_bound, found.units_unbalanced, found.holds_differing) == (
        0,
        0,
        0,
        0,
    )


def answers(works: list[Callable[[], Any]]) -> Counter[str]:
    return Counter(a.split()[0] for a in together([lambda w=w: w() and None for w in works]))


def sale_ended_well(sale: Sale) -> str:
    """Wholly one way, or wholly the other, or not at all."""
    seen = queries.escrow(escrow_id=sale.id, viewer=SYSTEM)
    held, paid, back = seen.value[0].held, on(sale.till), on(sale.money)
    title = titles.title(title_id=sale.title, viewer=SYSTEM)
    buyers = title.holder_id == id_of(sale.buyer)
    expected = {
        "EXECUTED": (0, sale.price, 0, True, None),
        "EXPIRED": (0, 0, sale.price, False, None),
        "RETURNED": (0, 0, sale.price, False, None),
    }.get(seen.state, (sale.price, 0, 0, False, sale.id))
    assert (held, paid, back, buyers, title.keeper) == expected, seen.state
    with acting(SYSTEM):
        assert Outcome.objects.filter(escrow_id=sale.id).count() == (not seen.live)
        numbers = list(Event.objects.filter(escrow_id=sale.id).order_by("n").values_list("n", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))
    assert [e.act for e in titles.events(title_id=sale.title, viewer=SYSTEM)].count("return") == (
        not seen.live
    )
    return str(seen.state)


@pytest.mark.parametrize("round_", range(3))
def test_sixty_four_at_the_last_instant(fresh_db: str, django_db_blocker: Any, round_: int) -> None:
    random = seeded()
    with django_db_blocker.unblock():
        sale, clerk = Sale().fill(), official()
        e = sale.id
        works: list[Callable[[], Any]] = [
            *[lambda: commands.confirm(escrow_id=e, condition="accepted", origin=by(sale.buyer, JUST))]
            * (12, 2, 1)[round_],
            *[lambda: commands.execute(escrow_id=e, origin=by(sale.seller, JUST))] * 16,
            *[lambda: commands.execute(escrow_id=e, origin=by(SYSTEM, DUE))] * 10,
            *[lambda: commands.expire(escrow_id=e, origin=by(sale.buyer, DUE))] * 12,
            *[lambda: commands.expire(escrow_id=e, origin=by(clerk, DUE))] * 6,
            *[lambda: commands.dispute(escrow_id=e, reason="no", origin=by(sale.buyer, JUST))]
            * (0, 1, 6)[round_],
        ]
        works += [lambda: commands.execute(escrow_id=e, origin=by(sale.buyer, JUST))] * (64 - len(works))
        random.shuffle(works)
        found = answers(works)
        ended = sale_ended_well(sale)
        assert set(found) <= {
            "done", "escrow.act_not_allowed", "escrow.not_met", "escrow.conditions_met", "escrow.done_before", "escrow.due",
        }, found  # fmt: skip
        assert ended in {"EXECUTED", "EXPIRED", "DISPUTED", "MET", "FUNDED"}
        print(round_, ended, found)
        books_agree()


def test_a_dispute_and_its_decisions_meet(fresh_db: str, django_db_blocker: Any) -> None:
    """Executing and disputing, then 64 decisions of two supervisors, half of them the other way."""
    random = seeded()
    with django_db_blocker.unblock():
        sale = Sale().meet()
        judges = [official(Role.SUPERVISOR) for _ in range(2)]
        commands.dispute(escrow_id=sale.id, reason="no", origin=by(sale.buyer))
        works: list[Callable[[], Any]] = [
            (lambda d=decision, j=judge: commands.settle_dispute(
                escrow_id=sale.id, decision=d, reason="so", origin=by(j)))
            for decision in ("execute", "return") for judge in judges for _ in range(12)
        ]  # fmt: skip
        works += [lambda: commands.execute(escrow_id=sale.id, origin=by(sale.seller))] * 16
        random.shuffle(works)
        assert answers(works) == {"done": 1, "escrow.act_not_allowed": 63}
        assert sale_ended_well(sale) in {"EXECUTED", "RETURNED"}
        books_agree()


def test_a_leg_takes_no_more_than_it_may(fresh_db: str, django_db_blocker: Any) -> None:
    """64 payments of seven into a leg of a hundred, while others withdraw the draft or hand over the title."""
    with django_db_blocker.unblock():
        sale = Sale(price=100)
        works: list[Callable[[], Any]] = [lambda: fund(sale.id, sale.buyer, "price", 7)] * 63
        works.append(
            lambda: commands.deposit_title(escrow_id=sale.id, title_id=sale.title, origin=by(sale.seller))
        )
        found = answers(works)
        assert found == {"done": 15, "escrow.leg_full": 49}
        seen = queries.escrow(escrow_id=sale.id, viewer=SYSTEM)
        assert (seen.value[0].held, on(sale.money), seen.state) == (98, 2, "DRAFT")
        works = [lambda: commands.withdraw(escrow_id=sale.id, reason="x", origin=by(sale.seller))] * 8
        works += [lambda: fund(sale.id, sale.buyer, "price")] * 8
        found = answers(works)
        assert sale_ended_well(sale) in {"RETURNED", "FUNDED"}, found
        books_agree()


def test_a_title_goes_into_one_escrow_and_evidence_is_used_once(
    fresh_db: str, django_db_blocker: Any
) -> None:
    with django_db_blocker.unblock():
        sale = Sale()
        rivals = [arranged(sale.buyer, sale.terms, [sale.buyer, sale.seller]) for _ in range(8)]
        works: list[Callable[[], Any]] = [
            (lambda e=e: commands.deposit_title(escrow_id=e, title_id=sale.title, origin=by(sale.seller)))
            for e in rivals for _ in range(2)
        ]  # fmt: skip
        found = answers(works)
        assert found.pop("done") == 1
        assert set(found) <= {"titles.kept", "escrow.done_before"}, found

        first = Export()
        piece = first.receive()
        said = queries.escrow(escrow_id=first.id, viewer=first.bank).terms
        deals = []
        for _ in range(8):  # eight banks that pay against one paper
            payer = bank()
            money = purse(payer, 10_000_00, "USD")
            mine = said | {
                "parties": said["parties"] | {"bank": str(id_of(payer))},
                "value": [leg("price", "bank", money, 10_000_00, "USD")],
            }
            made = arranged(payer, mine, [payer, first.exporter])
            fund(made, payer, "price")
            commands.present(
                escrow_id=made, condition="released", evidence_id=piece, origin=by(first.exporter)
            )
            deals.append((made, money))
        works = [
            (lambda e=e: commands.execute(escrow_id=e, origin=by(first.exporter)))
            for e, _ in deals
            for _ in range(2)
        ]
        found = answers(works)
        assert found == {"done": 1, "evidence.used_up": 14, "escrow.act_not_allowed": 1}, found
        assert on(first.till) == 10_000_00
        assert sorted(on(money) for _, money in deals) == [0] * 8
        assert Counter(state(e) for e, _ in deals) == {"EXECUTED": 1, "MET": 7}
        books_agree()


def test_crosswise_swaps_meet_without_harm(fresh_db: str, django_db_blocker: Any) -> None:
    """32 swaps between four parties over the same eight accounts, each executed by two at once."""
    random = seeded()
    with django_db_blocker.unblock():
        cast = [company() for _ in range(4)]
        yuan = {a: purse(a, 10_000) for a in cast}
        dollars = {a: purse(a, 10_000, "USD") for a in cast}
        swaps = []
        for _ in range(32):
            one, two = random.sample(cast, 2)
            amount = random.randint(1, 200)
            made = arranged(one, terms(
                {"one": one, "two": two},
                value=[leg("yuan", "one", yuan[one], amount), leg("dollars", "two", dollars[two], amount, "USD")],
                steps=random.sample([move("yuan", yuan[two], amount), move("dollars", dollars[one], amount)], 2),
            ), [one])  # fmt: skip
            agree(made, two)
            fund(made, one, "yuan")
            fund(made, two, "dollars")
            swaps.append(made)
        works: list[Callable[[], Any]] = [
            (lambda e=e: commands.execute(escrow_id=e, origin=by(SYSTEM))) for e in swaps for _ in range(2)
        ]
        assert answers(works) == {"done": 32, "escrow.act_not_allowed": 32}
        for purses in (yuan, dollars):
            assert sum(on(a) for a in purses.values()) == 40_000
        books_agree()


def test_the_same_request_twice_at_once_is_one(fresh_db: str, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        sale = Sale().meet()
        origin = by(sale.buyer)
        assert answers([lambda: commands.execute(escrow_id=sale.id, origin=origin)] * 32) == {"done": 32}
        assert sale_ended_well(sale) == "EXECUTED"
        made = uuid4()
        found = answers(
            [lambda: commands.arrange(escrow_id=made, terms=sale.terms, origin=by(sale.buyer, NOON))] * 16
        )
        assert found == {"done": 1, "invalid": 15}
