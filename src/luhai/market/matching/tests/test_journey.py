"""A demand from the first line to the accepted offer, as company and bank live it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from luhai.kernel.origin import Role
from luhai.kernel.refusal import Absent, Invalid, NotEntitled
from luhai.market.matching import commands, queries
from luhai.market.matching.tests import world
from luhai.market.matching.tests.world import CHONGQING, NOON, YUAN, by

pytestmark = pytest.mark.django_db


def test_from_the_demand_to_the_accepted_offer() -> None:
    officer, rival, member = world.bank(), world.bank(), world.company()
    cheap = world.product(officer, price_min_bp=300, price_max_bp=400)
    dear = world.product(rival, price_min_bp=400, price_max_bp=500)
    key = world.demand(member)

    listed = queries.matches(demand_id=key, now=NOON, viewer=member)
    assert [m.product.id for m in listed.items] == [cheap, dear]
    assert listed.items[0].verdict == "met"
    # price (1000-350)*70, fit (100+493)/2*10, speed 920*4/5*10, collateral 1000*10; in hundredths
    assert listed.items[0].score == Decimal("455") + Decimal("29.6") + Decimal("73.6") + Decimal("100")
    age = next(r for r in listed.items[0].reasons if r.field == "age_months")
    assert (age.verdict, age.value_en, age.measure) == ("met", "40 months", "M05-05")

    for match in listed.items:
        commands.send_match(match_id=match.id, origin=by(member))
    waiting = queries.queue(now=NOON, viewer=officer)
    assert [line.match_id for line in waiting.items] == [listed.items[0].id]
    assert waiting.items[0].due_at == NOON + timedelta(days=1)  # eight working hours from noon
    page = queries.desk(match_id=listed.items[0].id, now=NOON, viewer=officer)
    assert page.can == {"ASK", "OFFER", "REFUSE"}
    assert {f.field for f in page.facts} >= {"territory", "age_months", "amount_minor", "collateral"}

    asked = commands.ask(
        match_id=listed.items[0].id, question="How many people?", fields=["employees"], documents=["invoices"],
        origin=by(officer),
    )  # fmt: skip
    with pytest.raises(Invalid) as no:
        commands.reply_to_ask(ask_id=asked, reply="", facts={"revenue_minor": 1}, origin=by(member))
    assert no.value.facts["field"] == "facts.revenue_minor"
    commands.reply_to_ask(
        ask_id=asked, reply="Twelve.", facts={"employees": 12}, origin=by(member, NOON + timedelta(hours=1))
    )
    later = NOON + timedelta(days=1)
    commands.offer(
        match_id=listed.items[0].id, amount_minor=800_000 * YUAN, rate_bp=380, tenor_days=180, conditions="",
        valid_until=NOON + timedelta(days=10), origin=by(officer, later),
    )  # fmt: skip
    (held,) = queries.capacities(viewer=officer)
    assert (held.amount_used_minor, held.count_used) == (800_000 * YUAN, 1)
    (held,) = queries.capacities(viewer=rival)
    assert (held.amount_used_minor, held.count_used) == (1_000_000 * YUAN, 1)

    commands.accept_offer(match_id=listed.items[0].id, origin=by(member, later + timedelta(hours=1)))
    seen = queries.demand(demand_id=key, now=later, viewer=member)
    assert seen.card.state == "ACCEPTED"
    assert [m.state for m in seen.matches] == ["ACCEPTED", "LAPSED"]
    assert [line.action for line in seen.timeline] == [
        "EDIT", "PUBLISH", "MATCH", "SEND", "SEND", "ASK", "REPLY", "OFFER", "ACCEPT", "LAPSE",
    ]  # fmt: skip
    (freed,) = queries.capacities(viewer=rival)
    assert (freed.amount_used_minor, freed.count_used) == (0, 0)

    (line,) = queries.funnel(by="all", viewer=world.official(Role.SUPERVISOR))
    assert (line.published, line.matched, line.claimed, line.offered, line.accepted) == (1, 1, 1, 1, 1)
    assert line.accepted_cny_minor == 800_000 * YUAN


def test_why_me_and_why_not_me_name_the_nearest_change() -> None:
    officer, member = world.bank(), world.company()
    for_me = world.product(officer)
    too_old = world.product(
        officer, criteria={"all": [{"field": "age_months", "op": "at_least", "value": 60, "measure": "M05-05"}]}
    )
    unknown = world.product(officer, criteria={"all": [{"field": "employees", "op": "at_least", "value": 5}]})
    cover = world.product(officer, kind="insurance", collateral=["credit"])
    key = world.demand(member)
    listed = queries.shelf_for(demand_id=key, on=NOON.date(), viewer=member)
    verdicts = {w.product.id: w.verdict for w in listed.items}
    assert verdicts == {for_me: "met", unknown: "possible", too_old: "failed", cover: "failed"}
    assert [w.verdict for w in listed.items] == ["met", "possible", "failed", "failed"]
    no = queries.why(demand_id=key, product_id=too_old, on=NOON.date(), viewer=member)
    assert no.nearest is not None
    assert [(c.field, c.reach, c.states_only) for c in no.nearest] == [("age_months", "time", False)]
    assert no.nearest[0].en == "age: from 40 months to 60 months"
    maybe = queries.why(demand_id=key, product_id=unknown, on=NOON.date(), viewer=member)
    assert maybe.nearest is not None
    assert [(c.field, c.states_only) for c in maybe.nearest] == [("employees", True)]
    other = queries.why(demand_id=key, product_id=cover, on=NOON.date(), viewer=member)
    assert other.nearest is not None
    assert [c.field for c in other.nearest] == ["wants"]
    found = queries.matches(demand_id=key, now=NOON, viewer=member).items
    assert [(m.product.id, m.verdict) for m in found] == [(for_me, "met"), (unknown, "possible")]
    # Pages of one, put together, are the list.
    pages: list[queries.WhyNot] = []
    cursor = ""
    while True:
        part = queries.shelf_for(demand_id=key, on=NOON.date(), cursor=cursor, limit=1, viewer=member)
        pages.extend(part.items)
        cursor = part.next
        if not cursor:
            break
    assert tuple(pages) == listed.items


def test_the_objective_decides_the_order() -> None:
    officer, member = world.bank(), world.company()
    cheap = world.product(officer, price_min_bp=200, price_max_bp=300, promise_hours=80)
    quick = world.product(officer, price_min_bp=500, price_max_bp=600, promise_hours=2)
    snug = world.product(officer, price_min_bp=500, price_max_bp=600, promise_hours=80, amount_max_minor=10**8,
                         tenor_max_days=180)  # fmt: skip
    for objective, first in (("price", cheap), ("speed", quick), ("fit", snug)):
        key = world.demand(member, objective=objective)
        assert queries.matches(demand_id=key, now=NOON, viewer=member).items[0].product.id == first
        commands.withdraw_demand(demand_id=key, origin=by(member))


def test_one_live_demand_for_the_same_purpose_and_amount() -> None:
    member = world.company()
    world.demand(member, matched=False)
    with pytest.raises(commands.DuplicateDemand):
        world.demand(member, matched=False)
    world.demand(member, matched=False, amount_minor=7_000_000)


def test_a_refusal_by_the_last_institution_declines_the_demand_and_frees_its_capacity() -> None:
    officer, member = world.bank(), world.company()
    world.product(officer)
    key = world.demand(member)
    (match,) = queries.matches(demand_id=key, now=NOON, viewer=member).items
    commands.send_match(match_id=match.id, origin=by(member))
    with pytest.raises(Invalid) as no:
        commands.refuse(match_id=match.id, reason="other", note=" ", origin=by(officer))
    assert no.value.facts["field"] == "note"
    commands.refuse(match_id=match.id, reason="exposure_limit", note="", origin=by(officer))
    seen = queries.demand(demand_id=key, now=NOON, viewer=member)
    assert (seen.card.state, seen.matches[0].refusal_en) == ("DECLINED", "exposure limit reached")
    assert queries.capacities(viewer=officer)[0].count_used == 0


def test_what_runs_out_lapses_and_is_a_broken_promise() -> None:
    officer, member = world.bank(), world.company()
    world.product(officer)
    key = world.demand(member)
    (match,) = queries.matches(demand_id=key, now=NOON, viewer=member).items
    commands.send_match(match_id=match.id, origin=by(member))
    tomorrow, after = NOON + timedelta(days=1, hours=1), NOON + timedelta(days=3)
    assert queries.queue(now=tomorrow, overdue=True, viewer=officer).items[0].overdue
    assert commands.expire_overdue(origin=by(at=tomorrow)) == {"matches": 0, "offers": 0, "demands": 0}
    assert commands.expire_overdue(origin=by(at=after)) == {"matches": 1, "offers": 0, "demands": 0}
    (kept,) = queries.promises(now=after, viewer=member)
    assert (kept.kept, kept.broken, kept.running) == (0, 1, 0)
    assert queries.capacities(viewer=officer)[0].amount_used_minor == 0
    assert commands.expire_overdue(origin=by(at=NOON + timedelta(days=100)))["demands"] == 1
    assert queries.demand(demand_id=key, now=after, viewer=member).card.state == "EXPIRED"


def test_an_offer_that_ran_out_cannot_be_accepted_and_the_demand_opens_again() -> None:
    officer, member = world.bank(), world.company()
    world.product(officer)
    key = world.demand(member)
    (match,) = queries.matches(demand_id=key, now=NOON, viewer=member).items
    commands.send_match(match_id=match.id, origin=by(member))
    with pytest.raises(Invalid) as no:
        commands.offer(
            match_id=match.id, amount_minor=1_000_001 * YUAN, rate_bp=1, tenor_days=1, conditions="",
            valid_until=NOON + timedelta(days=1), origin=by(officer),
        )  # fmt: skip
    assert no.value.facts["field"] == "amount_minor"
    commands.offer(
        match_id=match.id, amount_minor=YUAN, rate_bp=1, tenor_days=1, conditions="",
        valid_until=NOON + timedelta(days=1), origin=by(officer),
    )  # fmt: skip
    late = NOON + timedelta(days=2)
    with pytest.raises(commands.OfferLapsed):
        commands.accept_offer(match_id=match.id, origin=by(member, late))
    assert commands.expire_overdue(origin=by(at=late))["offers"] == 1
    assert queries.demand(demand_id=key, now=late, viewer=member).card.state == "MATCHED"


def test_a_batch_serves_more_than_greed_and_stays_within_every_limit() -> None:
    small, large = world.bank(1_500_000 * YUAN, 9), world.bank(1_500_000 * YUAN, 9)
    one, two = world.company(), world.company(facts=world.SOUND | {"age_months": 14})
    world.product(small, price_min_bp=200, price_max_bp=200)
    world.product(
        large, price_min_bp=300, price_max_bp=300,
        criteria={"all": [{"field": "age_months", "op": "at_least", "value": 36}]},
    )  # fmt: skip
    first, second = world.demand(one), world.demand(two)
    told = commands.assign_batch(most_asked=1, origin=by())
    assert (told["served"], told["sent"], told["optimal"]) == (2, 2, True)
    for key, member in ((first, one), (second, two)):
        states = [m.state for m in queries.matches(demand_id=key, now=NOON, viewer=member).items]
        assert states.count("SENT") == 1
    for officer in (small, large):
        (held,) = queries.capacities(viewer=officer)
        assert held.amount_used_minor == 1_000_000 * YUAN
    again = commands.assign_batch(origin=by())
    assert again["sent"] == 0  # half a million is left at each: nobody fits any more


def test_an_institution_without_capacity_is_not_asked() -> None:
    officer, member = world.bank(count=0), world.company()
    world.product(officer)
    key = world.demand(member)
    (match,) = queries.matches(demand_id=key, now=NOON, viewer=member).items
    with pytest.raises(commands.NoCapacity):
        commands.send_match(match_id=match.id, origin=by(member))
    world.capacity(officer, 500_000 * YUAN, 5)
    with pytest.raises(commands.CapacityUsedUp):
        commands.send_match(match_id=match.id, origin=by(member))
    assert commands.assign_batch(origin=by())["sent"] == 0


def test_others_may_not_touch_it() -> None:
    officer, stranger, member, other = world.bank(), world.bank(), world.company(), world.company()
    world.product(officer)
    key = world.demand(member)
    (match,) = queries.matches(demand_id=key, now=NOON, viewer=member).items
    with pytest.raises(Absent):
        commands.send_match(match_id=match.id, origin=by(other))
    with pytest.raises(Absent):
        commands.refuse(match_id=match.id, reason="compliance", note="", origin=by(officer))  # not sent yet
    commands.send_match(match_id=match.id, origin=by(member))
    with pytest.raises(Absent):
        commands.refuse(match_id=match.id, reason="compliance", note="", origin=by(stranger))
    with pytest.raises(Absent):
        queries.demand(demand_id=key, now=NOON, viewer=other)
    with pytest.raises(Absent):
        queries.desk(match_id=match.id, now=NOON, viewer=stranger)
    with pytest.raises(NotEntitled):
        commands.draft_demand(demand_id=key, company_id=member.party_id, form=world.form(), origin=by(other))  # type: ignore[arg-type]
    official, away = world.official(Role.PROVINCE), world.official(Role.PROVINCE, world.GUANGXI)
    seen = queries.demand(demand_id=key, now=NOON, viewer=official)
    assert (seen.card.territory, seen.facts) == (CHONGQING, ())
    assert all(not r.value_zh for r in seen.matches[0].reasons if r.kind == "criterion")
    with pytest.raises(Absent):
        queries.demand(demand_id=key, now=NOON, viewer=away)


def test_a_product_that_changed_is_not_sent_under_its_old_terms() -> None:
    officer, member = world.bank(), world.company()
    key = world.product(officer)
    wish = world.demand(member)
    (match,) = queries.matches(demand_id=wish, now=NOON, viewer=member).items
    from luhai.records.products import commands as products

    assert officer.party_id
    products.draft_product(
        product_id=key, institution_id=officer.party_id, terms=world.terms(price_min_bp=1), origin=by(officer)
    )
    products.publish_product(product_id=key, origin=by(officer))
    with pytest.raises(commands.ProductChanged):
        commands.send_match(match_id=match.id, origin=by(member))
    assert commands.match_demand(demand_id=wish, origin=by(member))["proposed"] == 1
    (match,) = queries.matches(demand_id=wish, now=NOON, viewer=member).items
    assert match.product.version == 2
    commands.send_match(match_id=match.id, origin=by(member))
