"""Whatever is asked of demands and matches, by whomever, in whatever order and at whatever hour, six promises hold.

1. What an institution's capacity says is used is what its matches hold, counted anew, and it is within the limits.
2. A refusal changes nothing.
3. The same key gets the same answer and changes nothing.
4. The timeline has no gaps, and played again by the tables it leads to the states that are stored.
5. A demand is accepted exactly when one of its matches is.
6. A clock runs for a match exactly while it lies unanswered with its institution.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db.models import Sum
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from luhai.kernel.origin import SYSTEM, Actor, Origin
from luhai.kernel.refusal import Refusal
from luhai.market.matching import commands
from luhai.market.matching.lifecycle import (
    HELD,
    NEXT_DEMAND,
    NEXT_MATCH,
    DemandAction,
    DemandState,
    MatchAction,
    MatchState,
)  # fmt: skip
from luhai.market.matching.models import Ask, Capacity, Demand, DemandEvent, Match, Offer, Promise
from luhai.market.matching.tests import world
from luhai.market.matching.tests.world import NOON, YUAN
from luhai.shell.context import acting

STEPS = [
    "publish", "match", "send", "send", "batch", "offer", "offer", "offer", "ask", "ask", "reply", "reply", "refuse",
    "accept", "accept", "withdraw", "withdraw_all", "expire", "shrink",
]  # fmt: skip
steps = st.tuples(
    st.sampled_from(STEPS),
    st.integers(0, 11),  # who asks: mostly the one who may
    st.integers(0, 5),  # about which
    st.sampled_from([0, 0, 1, 1, 7, 30, 24 * 40]),  # hours that pass before
    st.sampled_from([1, 600_000 * YUAN, 1_000_000 * YUAN, 2_000_000 * YUAN]),
)


class MatchingPromises(TestCase):
    @settings(max_examples=20)
    @given(st.integers(0, 5), st.lists(steps, min_size=6, max_size=24))
    def test_promises_hold_whatever_is_asked(
        self, begun: int, asked: list[tuple[str, int, int, int, int]]
    ) -> None:
        people = Cast(begun)
        at = NOON
        for step, who, which, hours, amount in asked:
            at += timedelta(hours=hours)
            work = people.request(step, who, which, amount, at)
            if work is None:
                continue
            before = everything()
            try:
                answer = work()
            except Refusal:
                assert everything() == before, "a refusal changes nothing"
            else:
                after = everything()
                assert work() == answer, "the same key gets the same answer"
                assert everything() == after, "asking twice is asking once"
            recount(at)


class Cast:
    """Two companies with a draft each, of which `begun` are published and matched (and from 3 on sent), and two institutions with little
    capacity and two products each."""

    def __init__(self, begun: int) -> None:
        self.officers = [world.bank(1_500_000 * YUAN, 2), world.bank(2_000_000 * YUAN, 1)]
        self.members = [world.company(), world.company()]
        for officer in self.officers:
            world.product(officer)
            world.product(officer, price_min_bp=200, price_max_bp=210)
        self.demands = []
        for member in self.members:
            key = uuid4()
            assert member.party_id
            commands.draft_demand(
                demand_id=key, company_id=member.party_id, form=world.form(), origin=world.by(member)
            )
            self.demands.append(key)
        for key, member in list(zip(self.demands, self.members, strict=True))[:begun]:
            commands.publish_demand(demand_id=key, origin=world.by(member))
            commands.match_demand(demand_id=key, origin=world.by(member))
        if begun >= 3:
            commands.assign_batch(origin=world.by())

    def request(
        self, step: str, who: int, which: int, amount: int, at: datetime
    ) -> Callable[[], Any] | None:
        with acting(SYSTEM):
            matches = list(Match.objects.order_by("demand__drafted_at", "demand_id", "rank", "pk"))
            match = matches[which % len(matches)] if matches else None
            asks = list(Ask.objects.order_by("asked_at", "pk"))
            ask = asks[which % len(asks)] if asks else None
        demand = self.demands[which % 2]
        everybody = [*self.members, *self.officers]
        if who < len(everybody):
            actor = everybody[who]
            return self._work(step, demand, match and match.pk, ask and ask.pk, amount, Origin(actor, uuid4(), at))
        # One of those about which it can be asked, if there is one.
        wanted = [m for m in matches if step.upper() in {a.value for s, a in NEXT_MATCH if s == m.state}]
        match = wanted[which % len(wanted)] if wanted else match
        open_asks = [a for a in asks if a.replied_at is None]
        ask = open_asks[which % len(open_asks)] if open_asks else ask
        if step in {"offer", "ask", "refuse"} and match is not None:
            actor = next(o for o in self.officers if o.party_id == match.institution_id)
        elif step in {"send", "accept", "withdraw"} and match is not None:
            actor = next(m for m in self.members if m.party_id == match.company_id)
        elif step == "reply" and ask is not None:
            actor = next(m for m in self.members if m.party_id == ask.company_id)
        else:
            actor = self.members[which % 2]
        origin = Origin(actor, uuid4(), at)
        return self._work(step, demand, match and match.pk, ask and ask.pk, amount, origin)

    def _work(
        self, step: str, demand: UUID, match: UUID | None, ask: UUID | None, amount: int, origin: Origin
    ) -> Callable[[], Any] | None:
        system = Origin(SYSTEM, origin.key, origin.at)
        works: dict[str, Callable[[], Any]] = {
            "publish": lambda: commands.publish_demand(demand_id=demand, origin=origin),
            "match": lambda: commands.match_demand(demand_id=demand, origin=origin),
            "withdraw_all": lambda: commands.withdraw_demand(demand_id=demand, origin=origin),
            "batch": lambda: commands.assign_batch(origin=system),
            "expire": lambda: commands.expire_overdue(origin=system),
            "shrink": lambda: self._shrink(amount, origin),
        }
        if ask is not None:
            works["reply"] = lambda: commands.reply_to_ask(ask_id=ask, reply="x", facts={}, origin=origin)
        if match is not None:
            works |= {
                "send": lambda: commands.send_match(match_id=match, origin=origin),
                "accept": lambda: commands.accept_offer(match_id=match, origin=origin),
                "withdraw": lambda: commands.withdraw_match(match_id=match, origin=origin),
                "refuse": lambda: commands.refuse(match_id=match, reason="compliance", note="", origin=origin),
                "ask": lambda: commands.ask(match_id=match, question="?", fields=[], documents=[], origin=origin),
                "offer": lambda: commands.offer(
                    match_id=match, amount_minor=amount, rate_bp=1, tenor_days=1, conditions="", origin=origin,
                    valid_until=origin.at + timedelta(days=5),
                ),
            }  # fmt: skip
        return works.get(step)

    def _shrink(self, amount: int, origin: Origin) -> Any:
        officer: Actor = origin.actor if origin.actor in self.officers else self.officers[0]
        assert officer.party_id
        return commands.set_capacity(
            institution_id=officer.party_id, currency="CNY", starts_on=date(2020, 1, 1),
            ends_on=date(2099, 12, 31), amount_limit_minor=amount, count_limit=2,
            origin=Origin(officer, origin.key, origin.at),
        )  # fmt: skip


TABLES = (Demand, Match, Offer, Ask, Promise, Capacity, DemandEvent)


def everything() -> dict[str, list[dict[str, Any]]]:
    with acting(SYSTEM):
        return {model.__name__: list(model.objects.order_by("pk").values()) for model in TABLES}


def recount(at: datetime) -> None:
    with acting(SYSTEM):
        for capacity in Capacity.objects.all():
            held = Match.objects.filter(capacity=capacity)
            assert set(held.values_list("state", flat=True)) <= {s.value for s in HELD}
            assert capacity.amount_used_minor == (held.aggregate(n=Sum("reserved_minor"))["n"] or 0)
            assert capacity.count_used == held.count()
            assert capacity.amount_used_minor <= capacity.amount_limit_minor
            assert capacity.count_used <= capacity.count_limit
        for demand in Demand.objects.all():
            events = list(DemandEvent.objects.filter(demand=demand).order_by("version"))
            assert [e.version for e in events] == list(range(1, demand.version + 1))
            state = DemandState.DRAFT
            for event in events:
                if event.action in list(DemandAction) and not (
                    event.match_id is not None and event.action == MatchAction.WITHDRAW
                ):
                    state = NEXT_DEMAND[state, DemandAction(event.action)]
            assert demand.state == state
            matches = list(Match.objects.filter(demand=demand))
            assert (demand.state == DemandState.ACCEPTED) == any(m.state == MatchState.ACCEPTED for m in matches)
            assert (demand.state == DemandState.OFFERED) == any(m.state == MatchState.OFFERED for m in matches)
            for match in matches:
                replay(match, [e.action for e in events if e.match_id == match.pk])
                running = Promise.objects.filter(match=match, answered_at=None, ended_at=None).count()
                assert running == (1 if match.state == MatchState.SENT else 0)
                offer = Offer.objects.filter(match=match).first()
                if match.state in (MatchState.OFFERED, MatchState.ACCEPTED):
                    assert offer is not None
                    assert offer.amount_minor <= match.reserved_minor


def replay(match: Match, actions: list[str]) -> None:
    if match.sent_at is None:
        assert match.state in (MatchState.PROPOSED, MatchState.WITHDRAWN, MatchState.LAPSED)
        return
    state = MatchState.PROPOSED
    for action in actions:
        if action in list(MatchAction):
            state = NEXT_MATCH[state, MatchAction(action)]
    assert match.state == state
