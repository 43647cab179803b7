"""Two requests that meet: exactly one of them is carried out, and no limit is passed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connections

from luhai.kernel.origin import Actor
from luhai.kernel.refusal import Refusal
from luhai.market.matching import commands, queries
from luhai.market.matching.tests import world
from luhai.market.matching.tests.world import NOON, YUAN, by


def together(works: Sequence[Callable[[], Any]]) -> Counter[str]:
    """Run all at once, each on a connection of its own; count the answers by code."""
    gate = Barrier(len(works))

    def run(work: Callable[[], Any]) -> str:
        try:
            gate.wait(30)
            work()
            return "done"
        except Refusal as refusal:
            return refusal.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        return Counter(pool.map(run, works))


@pytest.fixture
def sent(fresh_db: str, django_db_blocker: Any) -> Any:
    """A demand that lies with three institutions."""
    with django_db_blocker.unblock():
        officers, member = [world.bank() for _ in range(3)], world.company()
        for officer in officers:
            world.product(officer)
        key = world.demand(member)
        matches = {
            m.product.institution_id: m.id
            for m in queries.matches(demand_id=key, now=NOON, viewer=member).items
        }
        for match in matches.values():
            commands.send_match(match_id=match, origin=by(member))
        yield member, officers, key, matches


def _offer(officer: Actor, match: Any, amount: int = 500_000 * YUAN) -> Callable[[], Any]:
    return lambda: commands.offer(
        match_id=match, amount_minor=amount, rate_bp=300, tenor_days=90, conditions="",
        valid_until=NOON + timedelta(days=9), origin=by(officer),
    )  # fmt: skip


def test_two_officers_answer_the_same_match(sent: Any) -> None:
    _member, (officer, *_), _key, matches = sent
    match = matches[officer.party_id]
    crowd = [officer, *[world.colleague(officer) for _ in range(5)]]
    works = [_offer(o, match) for o in crowd[:3]] + [
        (lambda o=o: commands.refuse(match_id=match, reason="compliance", note="", origin=by(o)))
        for o in crowd[3:]
    ]
    assert together(works) == {"done": 1, "matching.action_not_allowed": 5}
    (capacity,) = queries.capacities(viewer=officer)
    state = queries.desk(match_id=match, now=NOON, viewer=officer).match.state
    assert (state, capacity.count_used) in {("OFFERED", 1), ("REFUSED", 0)}


def test_one_of_several_offers_is_accepted(sent: Any) -> None:
    member, officers, key, matches = sent
    for officer in officers:
        _offer(officer, matches[officer.party_id])()
    works = [
        (lambda m=m: commands.accept_offer(match_id=m, origin=by(member))) for m in matches.values() for _ in range(2)
    ]
    assert together(works) == {"done": 1, "matching.action_not_allowed": 5}
    seen = queries.demand(demand_id=key, now=NOON, viewer=member)
    assert sorted(m.state for m in seen.matches) == ["ACCEPTED", "LAPSED", "LAPSED"]
    assert sorted(queries.capacities(viewer=o)[0].count_used for o in officers) == [0, 0, 1]


def test_an_answer_and_a_withdrawal_meet(sent: Any) -> None:
    member, officers, key, matches = sent
    works = [_offer(o, matches[o.party_id]) for o in officers]
    works.append(lambda: commands.withdraw_demand(demand_id=key, origin=by(member)))
    counts = together(works)
    assert counts["done"] >= 1
    assert queries.demand(demand_id=key, now=NOON, viewer=member).card.state == "WITHDRAWN"
    assert [queries.capacities(viewer=o)[0].count_used for o in officers] == [0, 0, 0]


def test_many_matches_drain_one_capacity(fresh_db: str, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        officer = world.bank(3_500_000 * YUAN, 50)
        world.product(officer)
        members = [world.company() for _ in range(7)]
        works = []
        for member in members:
            key = world.demand(member)
            (match,) = queries.matches(demand_id=key, now=NOON, viewer=member).items
            works.append(lambda m=match.id, who=member: commands.send_match(match_id=m, origin=by(who)))
        works.append(lambda: commands.assign_batch(origin=by()))
        counts = together(works)
        (capacity,) = queries.capacities(viewer=officer)
        assert capacity.amount_used_minor == 3_000_000 * YUAN
        assert capacity.count_used == 3
        assert set(counts) <= {"done", "matching.capacity_used_up", "matching.action_not_allowed"}


def test_the_same_demand_is_published_once(fresh_db: str, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        member = world.company()
        from uuid import uuid4

        keys = [uuid4() for _ in range(4)]
        for key in keys:
            assert member.party_id
            commands.draft_demand(
                demand_id=key, company_id=member.party_id, form=world.form(), origin=by(member)
            )
        works = [(lambda k=k: commands.publish_demand(demand_id=k, origin=by(member))) for k in keys]
        assert together(works) == {"done": 1, "matching.duplicate_demand": 3}
