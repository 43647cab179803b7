"""With the Python check taken away, the database still refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from luhai.kernel.origin import PUBLIC, Actor, Role
from luhai.market.matching import commands, queries
from luhai.market.matching.models import Ask, Capacity, Demand, DemandEvent, Match, Offer, Promise
from luhai.market.matching.tests import world
from luhai.market.matching.tests.world import NOON, by
from luhai.records.products.models import Draft, Product, Version
from luhai.shell.context import acting

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene() -> dict[str, Any]:
    """A demand sent to one of two institutions that match it, with a question and an offer."""
    officer, rival, member = world.bank(), world.bank(), world.company()
    world.product(officer)
    world.product(rival)
    key = world.demand(member)
    mine = next(
        m
        for m in queries.matches(demand_id=key, now=NOON, viewer=member).items
        if m.product.institution_id == officer.party_id
    )
    commands.send_match(match_id=mine.id, origin=by(member))
    asked = commands.ask(match_id=mine.id, question="?", fields=["employees"], documents=[], origin=by(officer))
    commands.reply_to_ask(ask_id=asked, reply="12", facts={"employees": 12}, origin=by(member))
    commands.offer(
        match_id=mine.id, amount_minor=5, rate_bp=1, tenor_days=1, conditions="", origin=by(officer),
        valid_until=NOON.replace(day=20),
    )  # fmt: skip
    return {"officer": officer, "rival": rival, "member": member, "demand": key, "match": mine.id}


def seen(actor: Actor) -> dict[str, int]:
    with transaction.atomic(), acting(actor):
        return {m.__name__: m.objects.count() for m in (Demand, Match, Offer, Ask, Promise, Capacity, DemandEvent)}


def test_what_each_sees_of_everything(scene: dict[str, Any]) -> None:
    everything = {"Demand": 1, "Match": 2, "Offer": 1, "Ask": 1, "Promise": 2, "Capacity": 2, "DemandEvent": 7}
    nothing = dict.fromkeys(everything, 0)
    assert seen(scene["member"]) == everything | {"Capacity": 0}
    assert seen(scene["officer"]) == everything | {"Match": 1, "Capacity": 1, "DemandEvent": 4}
    assert seen(scene["rival"]) == nothing | {"Capacity": 1}
    assert seen(world.company()) == nothing
    assert seen(PUBLIC) == nothing
    assert seen(world.official(Role.PROVINCE)) == everything | {"Ask": 0, "Promise": 0, "Capacity": 0}
    assert seen(world.official(Role.PROVINCE, world.GUANGXI)) == nothing
    assert seen(world.official(Role.SUPERVISOR)) == everything


def test_a_draft_is_for_its_company_alone() -> None:
    member = world.company()
    assert member.party_id
    commands.draft_demand(
        demand_id=uuid4(), company_id=member.party_id, form=world.form(), origin=by(member)
    )
    for actor in (world.official(Role.PROVINCE), world.official(Role.SUPERVISOR), world.official(Role.OPERATOR)):
        assert seen(actor)["Demand"] == 0


@pytest.mark.parametrize("who", ["rival", "stranger", "public", "province"])
def test_others_change_nothing(scene: dict[str, Any], who: str) -> None:
    actor = {
        "rival": scene["rival"],
        "stranger": world.company(),
        "public": PUBLIC,
        "province": world.official(Role.PROVINCE),
    }[who]
    with transaction.atomic(), acting(actor):
        assert Demand.objects.filter(pk=scene["demand"]).update(note="!") == 0
        assert Match.objects.filter(pk=scene["match"]).update(refusal_note="!") == 0
        assert Capacity.objects.exclude(institution_id=actor.party_id).update(amount_used_minor=0) == 0
        assert Promise.objects.update(answered_at=NOON) == 0


def refused(work: Callable[[], Any], actor: Actor) -> None:
    with pytest.raises(DatabaseError), transaction.atomic(), acting(actor):
        work()


def test_nobody_writes_in_the_name_of_another(scene: dict[str, Any]) -> None:
    stranger, rival, member = world.company(), scene["rival"], scene["member"]
    with transaction.atomic(), acting(member):
        demand = Demand.objects.get(pk=scene["demand"])
        match = Match.objects.get(pk=scene["match"])
    copied = {f.attname: getattr(demand, f.attname) for f in Demand._meta.concrete_fields} | {"amount_minor": 77}
    refused(lambda: Demand.objects.create(**copied | {"id": uuid4()}), stranger)
    event = {
        "demand_id": demand.pk, "version": 99, "action": "ACCEPT", "company_id": demand.company_id,
        "actor_id": stranger.person_id, "role": "x", "happened_at": NOON,
    }  # fmt: skip
    refused(lambda: DemandEvent.objects.create(**event), stranger)
    refused(lambda: DemandEvent.objects.create(**event), rival)
    refused(
        lambda: Promise.objects.create(
            match=match, company_id=match.company_id, institution_id=match.institution_id, started_at=NOON, due_at=NOON
        ),
        stranger,
    )
    with transaction.atomic(), acting(member):
        other = Match.objects.exclude(pk=match.pk).get()
    offer = {
        "match": other, "company_id": other.company_id, "institution_id": other.institution_id, "amount_minor": 1,
        "currency": "CNY", "rate_bp": 1, "tenor_days": 1, "valid_until": NOON, "offered_at": NOON,
        "offered_by": rival.person_id,
    }  # fmt: skip
    refused(lambda: Offer.objects.create(**offer), scene["officer"])
    refused(lambda: Offer.objects.create(**offer), rival)  # its own product, but nothing was sent, so nothing is held


def test_the_record_is_only_added_to(scene: dict[str, Any]) -> None:
    supervisor = world.official(Role.SUPERVISOR)
    refused(lambda: DemandEvent.objects.update(action="MATCH"), supervisor)
    refused(lambda: DemandEvent.objects.all().delete(), supervisor)
    refused(lambda: Version.objects.update(price_min_bp=0), scene["officer"])
    refused(lambda: Demand.objects.filter(pk=scene["demand"])._raw_delete("default"), scene["member"])


def test_the_database_keeps_the_limits_itself(scene: dict[str, Any]) -> None:
    officer = scene["officer"]
    with pytest.raises(IntegrityError), transaction.atomic(), acting(officer):
        Capacity.objects.update(amount_used_minor=10**12 + 1)
    with pytest.raises(IntegrityError), transaction.atomic(), acting(officer):
        Capacity.objects.update(count_used=-1)
    with pytest.raises(IntegrityError), transaction.atomic(), acting(officer):
        Match.objects.filter(pk=scene["match"]).update(capacity=None, reserved_minor=0)
    with transaction.atomic(), acting(officer):
        assert Offer.objects.update(amount_minor=6) == 0  # offers are not changed at all


def test_a_draft_of_a_product_is_for_its_institution_alone() -> None:
    officer, rival = world.bank(), world.bank()
    from luhai.records.products import commands as products

    key = uuid4()
    assert officer.party_id
    products.draft_product(product_id=key, institution_id=officer.party_id, terms=world.terms(), origin=by(officer))
    for actor, count in ((officer, 1), (rival, 0), (PUBLIC, 0), (world.company(), 0)):
        with transaction.atomic(), acting(actor):
            assert Draft.objects.count() == count
            assert Product.objects.filter(pk=key).count() == count
    with transaction.atomic(), acting(rival):
        assert Product.objects.filter(pk=key).update(state="ONLINE", version=1) == 0
    refused(lambda: Product.objects.create(institution_id=officer.party_id, created_at=NOON), rival)
