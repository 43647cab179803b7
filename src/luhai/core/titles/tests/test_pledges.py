"""A pledge is a contract: who never agreed refuses it, who has acted on it cannot; and what its warehouse is to the pledgor is said."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from luhai.core.titles import chain, commands, policy, queries
from luhai.core.titles.lifecycle import Act
from luhai.core.titles.models import Pledge
from luhai.core.titles.tests import world
from luhai.core.titles.tests.test_lifecycle import KEEPER, _keep, _return, as_everybody, undone
from luhai.core.titles.tests.test_races import together
from luhai.core.titles.tests.test_web import browser
from luhai.core.titles.tests.world import by, id_of
from luhai.kernel.origin import Actor
from luhai.kernel.refusal import Absent, Invalid, NotEntitled


@pytest.fixture
def cast(db: None) -> tuple[Actor, Actor, Actor, Actor, UUID]:
    issuer, owner, bank, rival = world.company(), world.company(), world.bank(), world.bank()
    return issuer, owner, bank, rival, world.title(issuer, owner)


def pledge(title: UUID, owner: Actor, bank: Actor, quantity: int = 400, **more: Any) -> UUID:
    return commands.pledge_title(
        title_id=title, pledgee=id_of(bank), quantity=quantity, origin=by(owner), **more
    )


def refuse(title: UUID, key: UUID, bank: Actor) -> UUID:
    return commands.refuse_pledge(title_id=title, pledge=key, reason="never agreed", origin=by(bank))


def test_what_was_never_agreed_is_refused_and_the_goods_are_free_again(cast: Any) -> None:
    issuer, owner, bank, rival, title = cast
    key, other = pledge(title, owner, bank), pledge(title, owner, rival)
    refuse(title, key, bank)
    seen = queries.title(title_id=title, viewer=owner)
    assert (seen.state, seen.pledged) == ("PLEDGED", 400), "the other pledge stands"
    refuse(title, other, rival)
    seen = queries.title(title_id=title, viewer=owner)
    assert (seen.state, seen.pledged) == ("ISSUED", 0)
    assert {(p.ended_how, p.quantity, p.given, p.taken_at) for p in seen.pledges} == {
        ("refused", 0, 400, None)
    }
    event = queries.events(title_id=title, viewer=owner)[-1]
    assert (event.act, event.details) == ("refuse_pledge", {"pledge": str(other), "reason": "never agreed"})
    assert chain.verify(queries.export(title_id=title, viewer=owner)).ok
    commands.transfer_title(title_id=title, to=id_of(issuer), beneficiary=id_of(issuer), origin=by(owner))
    connection.check_constraints()


def test_a_pledge_is_refused_also_while_the_rest_is_presented(cast: Any) -> None:
    issuer, owner, bank, _rival, title = cast
    key = pledge(title, owner, bank)
    commands.surrender_title(title_id=title, quantity=600, origin=by(owner))
    refuse(title, key, bank)
    commands.accept_surrender(title_id=title, origin=by(issuer))
    seen = queries.title(title_id=title, viewer=owner)
    assert (seen.state, seen.quantity, seen.pledged) == ("ISSUED", 400, 0)


def test_whoever_has_acted_on_a_pledge_has_accepted_it(cast: Any) -> None:
    _issuer, owner, bank, _rival, title = cast
    first, second = pledge(title, owner, bank), pledge(title, owner, bank)
    assert Act.REFUSE_PLEDGE in queries.title(title_id=title, viewer=bank).may
    commands.release_pledge(title_id=title, pledge=first, quantity=1, origin=by(bank))
    with undone(), pytest.raises(NotEntitled):
        refuse(title, first, bank)
    with undone():
        refuse(title, second, bank)  # each pledge is a contract of its own
    assert Act.REFUSE_PLEDGE in queries.title(title_id=title, viewer=bank).may
    _keep(title_id=title, keeper=KEEPER, origin=by(bank))  # this puts all it has into the escrow's hands
    _return(title_id=title, keeper=KEEPER, origin=by(bank))
    assert Act.REFUSE_PLEDGE not in queries.title(title_id=title, viewer=bank).may
    for key in (first, second):
        with undone(), pytest.raises(NotEntitled) as refused:
            refuse(title, key, bank)
        assert refused.value.facts["who"] == "a pledgee that has not acted on the pledge yet"
    taken = {p.id: p.taken_at for p in queries.title(title_id=title, viewer=bank).pledges}
    assert None not in taken.values()


def test_a_split_carries_the_right_to_refuse_along(cast: Any) -> None:
    _issuer, owner, bank, rival, title = cast
    open_, taken = pledge(title, owner, bank, 300), pledge(title, owner, rival, 300)
    commands.release_pledge(title_id=title, pledge=taken, quantity=100, origin=by(rival))
    part = UUID(commands.split_title(title_id=title, parts=[500, 500], origin=by(owner))[0])
    with undone(), pytest.raises(NotEntitled):
        refuse(part, taken, rival)
    refuse(part, open_, bank)
    assert queries.title(title_id=part, viewer=owner).pledged == 200
    connection.check_constraints()


def test_nobody_else_refuses_it(cast: Any) -> None:
    issuer, owner, bank, rival, title = cast
    key = pledge(title, owner, bank)
    pledge(title, owner, rival, 100)
    for stranger in (issuer, owner, rival):
        with undone(), pytest.raises(NotEntitled):
            refuse(title, key, stranger)
    with undone(), pytest.raises(Absent):
        refuse(title, key, world.bank())
    with undone(), pytest.raises(Absent):
        refuse(title, uuid4(), bank)
    _keep(title_id=title, keeper=KEEPER, origin=by(owner))
    with undone(), pytest.raises(policy.Kept):
        refuse(title, key, bank)


def test_the_database_keeps_it_so(cast: Any) -> None:
    _issuer, owner, bank, _rival, title = cast
    key = pledge(title, owner, bank)
    as_everybody()
    for wrong in (
        {"taken_at": world.NOON, "ended_at": world.NOON, "ended_how": "refused", "quantity": 0},
        {"ended_at": world.NOON, "ended_how": "released", "quantity": 0},  # and nobody ever acted on it
        {"quantity": 399},
    ):
        with pytest.raises(IntegrityError, match="pledge_is_refused_untouched"), transaction.atomic():
            Pledge.objects.filter(pk=key).update(**wrong)


def test_refusing_and_enforcing_meet(fresh_db: str, django_db_blocker: Any) -> None:
    """One of them is carried out, and the chain tells which."""
    with django_db_blocker.unblock():
        issuer, owner, bank, buyer = world.company(), world.company(), world.bank(), world.company()
        for _turn in range(4):
            title = world.title(issuer, owner)
            key = pledge(title, owner, bank, 1000)

            def enforce(title: UUID = title, key: UUID = key) -> None:
                commands.enforce_pledge(
                    title_id=title, pledge=key, to=id_of(buyer), ground="sale", document="d", origin=by(bank)
                )

            def decline(title: UUID = title, key: UUID = key) -> None:
                refuse(title, key, bank)

            answers = together([enforce, decline] * 4)
            assert answers.count("done") == 1, answers
            seen = queries.title(title_id=title, viewer=issuer)
            (ended,) = seen.pledges
            assert (ended.ended_how, seen.holder_id) in {
                ("enforced", id_of(buyer)),
                ("refused", id_of(owner)),
            }


# --- INV-WR-6 ---------------------------------------------------------------------------------------------------------


def test_a_warehouse_that_pledges_its_own_receipt_says_so(db: None) -> None:
    warehouse, bank = world.company(), world.bank()
    title = world.title(warehouse, warehouse)
    for said in ({}, {"affiliated": False}):
        with undone(), pytest.raises(policy.AffiliatedWarehouse):
            pledge(title, warehouse, bank, **said)
    pledge(title, warehouse, bank, affiliated=True)
    (shown,) = queries.title(title_id=title, viewer=bank).pledges
    assert shown.affiliated
    assert queries.events(title_id=title, viewer=bank)[-1].details["affiliated"] is True
    assert "affiliated warehouse" in browser(warehouse).get(f"/titles/{title}/").content.decode()


def test_an_affiliate_of_another_name_can_be_said(cast: Any) -> None:
    _issuer, owner, bank, rival, title = cast
    pledge(title, owner, bank, affiliated=True)
    pledge(title, owner, rival)
    shown = queries.title(title_id=title, viewer=owner).pledges
    assert {p.pledgee.id: p.affiliated for p in shown} == {id_of(bank): True, id_of(rival): False}


@pytest.mark.parametrize("kind", ["transport_document", "receivable_voucher", "bill"])
def test_only_goods_in_a_warehouse_have_a_warehouse(db: None, kind: str) -> None:
    issuer, owner, bank = world.company(), world.company(), world.bank()
    title = world.title(issuer, owner, kind)
    with pytest.raises(Invalid) as refused:
        pledge(title, owner, bank, 1000, affiliated=True)
    assert refused.value.facts["field"] == "affiliated"
    for wrong in ("yes", 1):
        with pytest.raises(Invalid):
            pledge(title, owner, bank, 1000, affiliated=wrong)
    pledge(title, owner, bank, 1000)


def test_the_page_refuses_and_says_what_may_be_refused(cast: Any, settings: Any) -> None:
    settings.DEMO = True  # an officer needs no second factor
    _issuer, owner, bank, rival, title = cast
    key, other = pledge(title, owner, bank), pledge(title, owner, rival)
    desk = browser(bank)
    page = desk.get(f"/titles/{title}/").content.decode()
    assert "may still be refused" in page
    assert "Refuse the pledge" in page
    assert (f'value="{key}"' in page, f'value="{other}"' in page) == (True, False), "only one's own"
    ask = {"key": str(uuid4()), "act": "refuse_pledge", "pledge": str(key), "reason": "we agreed to nothing"}
    assert desk.post(f"/titles/{title}/", ask).status_code == 302
    page = browser(owner).get(f"/titles/{title}/").content.decode()
    assert "refused a pledge" in page
    assert "refused by the pledgee" in page
    assert page.count("may still be refused") == 1, "the other one"
