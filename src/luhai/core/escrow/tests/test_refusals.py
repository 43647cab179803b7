"""What an escrow refuses, and what it survives: frozen and closed accounts, titles that courts reach, value that would stay behind."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection

from luhai.core.escrow import commands, queries
from luhai.core.escrow.tests.test_escrow import closed_books, holder, refused
from luhai.core.escrow.tests.world import (
    DUE,
    LATE,
    NOON,
    Sale,
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
    title,
)
from luhai.core.ledger import commands as ledger
from luhai.core.ledger.policy import Account, Bound
from luhai.core.titles import commands as titles
from luhai.core.titles import queries as title_queries
from luhai.kernel.origin import SYSTEM, Actor, Origin, Role
from luhai.kernel.refusal import Refusal
from luhai.shell.command import command
from luhai.shell.context import acting
from luhai.shell.models import Entry

pytestmark = pytest.mark.django_db


def arranging(who: Actor, said: dict[str, Any], **more: Any) -> Any:
    return lambda: commands.arrange(escrow_id=uuid4(), terms=said, origin=by(who, **more))


def test_what_cannot_be_arranged() -> None:
    sale = Sale()
    other, stranger = purse(sale.carrier), str(id_of(sale.carrier))

    def changed(**more: Any) -> dict[str, Any]:
        return sale.terms | more

    (price,), (act, pay) = sale.terms["value"], sale.terms["steps"]
    dollars = purse(sale.seller, unit="USD")
    for said, at in (
        (changed(parties=sale.terms["parties"] | {"third": str(uuid4())}), "terms.parties.third"),
        (changed(expires_at=NOON.isoformat()), "terms.expires_at"),
        (changed(value=[price | {"account": str(uuid4())}]), "terms.value[0].account"),
        (changed(value=[price | {"account": str(sale.till)}]), "terms.value[0].account"),  # the seller's
        (changed(value=[price | {"unit": "USD"}]), "terms.value[0].account"),
        (changed(steps=[act, pay | {"to": str(uuid4())}]), "terms.steps[1].to"),
        (changed(steps=[act, pay | {"to": str(other)}]), "terms.steps[1].to"),  # of nobody who agrees
        (changed(steps=[act, pay | {"to": str(dollars)}]), "terms.steps[1].to"),
        (changed(conditions=[{"name": "c", "evidence": {"sources": [str(uuid4())]}}]), "terms.conditions[0].evidence.sources[0]"),
        (changed(parties=sale.terms["parties"] | {"judge": stranger}, arbiter="judge",
                 steps=[act, pay | {"to": str(other)}]), "terms.steps[1].to"),
    ):  # fmt: skip
        no = refused("invalid", arranging(sale.buyer, said))
        assert no.facts["field"] == at, no.facts
    held = queries.escrow(escrow_id=sale.id, viewer=sale.buyer).value[0].account
    no = refused("invalid", arranging(sale.buyer, changed(steps=[act, pay | {"to": str(held)}])))
    assert no.facts["field"] == "terms.steps[1].to"  # an escrow's own account is no party's
    refused("not_entitled", arranging(company(), sale.terms))
    refused("not_permitted", arranging(official(Role.SUPERVISOR), sale.terms))


@command(may=[Role.BANK])
def _floor_above(*, escrow_id: UUID, terms: dict[str, Any], kinds: list[str], origin: Origin) -> UUID:
    """Another subject arranges, and answers for accounts that it keeps."""
    commands.set_up(escrow_id=escrow_id, terms=terms, kinds=kinds, origin=origin)
    return escrow_id


def test_a_floor_above_may_name_accounts_that_it_keeps() -> None:
    sale, officer, books = Sale(), bank(), uuid4()
    ledger.open_accounts([Account(id=books, unit="CNY", kind="loan.fees", bound=Bound.DEBITS)], at=NOON)
    said = sale.terms | {"steps": [sale.terms["steps"][0], move("price", books, sale.price)]}
    refused("invalid", arranging(sale.buyer, said))
    refused(
        "invalid", lambda: _floor_above(escrow_id=uuid4(), terms=said, kinds=["own."], origin=by(officer))
    )
    made = _floor_above(escrow_id=uuid4(), terms=said, kinds=["own.", "loan."], origin=by(officer))
    assert state(made) == "DRAFT"
    refused("absent", lambda: queries.escrow(escrow_id=made, viewer=officer))  # no party to it


@command(may=[Role.BANK])
def _carry_out(*, escrow_id: UUID, origin: Origin) -> UUID:
    """What a lower floor tries, in a command of its own."""
    commands.carry_out(escrow_id=escrow_id, origin=origin)
    return escrow_id


@command(may=[Role.BANK])
def _try_and_go_on(*, escrow_id: UUID, bare: bool, origin: Origin) -> str:
    """A lower floor that does its own work even if the escrow cannot be carried out."""
    try:
        if bare:
            commands.carry_out(escrow_id=escrow_id, origin=origin)
        else:
            _carry_out(escrow_id=escrow_id, origin=origin.child("escrow"))
    except Refusal as refusal:
        return refusal.code
    return "done"


@pytest.mark.parametrize("bare", [False, True])
@pytest.mark.parametrize("system", [False, True])
def test_who_goes_on_after_a_refusal_leaves_nothing_of_it(bare: bool, system: bool) -> None:
    """The ledger refuses last, after the title was transferred: that is undone, though the caller's own command is carried out."""
    sale, origin = Sale().meet(), by(SYSTEM if system else bank())
    ledger.close_account(account_id=sale.till, reason="x", origin=by(sale.seller))
    before = title_queries.title(title_id=sale.title, viewer=SYSTEM)
    assert _try_and_go_on(escrow_id=sale.id, bare=bare, origin=origin) == "ledger.credit_account_closed"
    assert title_queries.title(title_id=sale.title, viewer=SYSTEM) == before
    assert (state(sale.id), on(sale.money)) == ("MET", 0)
    with acting(SYSTEM):
        events = Entry.objects.get(key=origin.key).events
    assert bare or events == []
    assert _try_and_go_on(escrow_id=Sale().meet().id, bare=bare, origin=by(origin.actor)) == "done"


def test_only_the_payer_funds_and_only_what_the_leg_takes() -> None:
    sale = Sale()
    refused("not_entitled", lambda: fund(sale.id, sale.seller, "price"))
    refused("absent", lambda: fund(sale.id, sale.carrier, "price"))
    refused("invalid", lambda: fund(sale.id, sale.buyer, "rent"))
    for amount in (0, -1, True):
        refused("invalid", lambda amount=amount: fund(sale.id, sale.buyer, "price", amount))
    no = refused("escrow.leg_full", lambda: fund(sale.id, sale.buyer, "price", 100_01))
    assert no.facts == {"free": 100_00, "asked": 100_01}
    fund(sale.id, sale.buyer, "price")
    refused("escrow.leg_full", lambda: fund(sale.id, sale.buyer, "price"))
    poor = arranged(sale.buyer, sale.terms, [sale.buyer, sale.seller])
    refused("ledger.exceeds_credits", lambda: fund(poor, sale.buyer, "price"))
    assert [e.act for e in queries.history(escrow_id=poor, viewer=sale.buyer)] == [
        "arrange",
        "agree",
        "agree",
    ]


def test_only_these_terms_are_agreed_to_and_titles_handed_over_by_whom_they_name() -> None:
    sale = Sale()
    made = arranged(sale.buyer, sale.terms)
    refused(
        "escrow.terms_differ", lambda: commands.agree(escrow_id=made, digest="0" * 64, origin=by(sale.buyer))
    )
    for who, what, code in (
        (sale.seller, uuid4(), "invalid"), (sale.buyer, sale.title, "not_entitled"), (sale.carrier, sale.title, "absent"),
    ):  # fmt: skip
        refused(
            code,
            lambda who=who, what=what: commands.deposit_title(
                escrow_id=sale.id, title_id=what, origin=by(who)
            ),
        )
    rival = arranged(sale.buyer, sale.terms, [sale.buyer, sale.seller])
    commands.deposit_title(escrow_id=sale.id, title_id=sale.title, origin=by(sale.seller))
    for escrow, code in ((sale.id, "escrow.done_before"), (rival, "titles.kept")):
        refused(code, lambda escrow=escrow: commands.deposit_title(
            escrow_id=escrow, title_id=sale.title, origin=by(sale.seller)))  # fmt: skip


@pytest.mark.parametrize("whose", ["money", "till", "held"])
def test_nothing_is_released_while_an_account_is_frozen(whose: str) -> None:
    sale, judge = Sale().meet(), official(Role.SUPERVISOR)
    held = queries.escrow(escrow_id=sale.id, viewer=sale.buyer).value[0].account
    account = {"money": sale.money, "till": sale.till, "held": held}[whose]
    ledger.freeze_account(account_id=account, reason="order 17", origin=by(judge))
    no = refused("escrow.frozen", lambda: commands.execute(escrow_id=sale.id, origin=by(sale.seller)))
    assert no.facts == {"accounts": [str(account)]}
    assert (state(sale.id), holder(sale.title)) == ("MET", id_of(sale.seller))
    ledger.thaw_account(account_id=account, reason="order 18", origin=by(judge))
    commands.execute(escrow_id=sale.id, origin=by(sale.seller))
    closed_books(sale.id)


@pytest.mark.parametrize("whose", ["money", "till"])
def test_who_is_frozen_gets_nothing_back_but_stops_nobody_elses_return(whose: str) -> None:
    sale, judge = Sale().fill(), official(Role.SUPERVISOR)
    account = {"money": sale.money, "till": sale.till}[whose]
    ledger.freeze_account(account_id=account, reason="order 17", origin=by(judge))
    if whose == "money":
        refused("escrow.frozen", lambda: commands.expire(escrow_id=sale.id, origin=by(SYSTEM, DUE)))
        ledger.thaw_account(account_id=account, reason="order 18", origin=by(judge))
    commands.expire(escrow_id=sale.id, origin=by(SYSTEM, DUE))
    assert on(sale.money) == sale.price
    closed_books(sale.id)


def test_a_closed_account_does_not_stop_the_return() -> None:
    sale = Sale().fill()
    ledger.close_account(account_id=sale.money, reason="out of spite", origin=by(sale.buyer))
    commands.expire(escrow_id=sale.id, origin=by(sale.seller, LATE))
    assert holder(sale.title) == id_of(sale.seller)
    ended = queries.escrow(escrow_id=sale.id, viewer=sale.buyer).outcome
    assert ended is not None
    (back,) = ended.moved
    assert (on(UUID(back["to"])), back["to"] != str(sale.money)) == (sale.price, True)
    again = purse(sale.buyer)
    moved = ledger.post_own(
        transfers=[
            ledger.Transfer(id=uuid4(), debit=UUID(back["to"]), credit=again, unit="CNY", amount=sale.price)
        ],
        origin=by(sale.buyer),
    )
    assert moved[0]["refused"] is None  # it is the buyer's own
    closed_books(sale.id)


def test_a_closed_till_stops_execution_and_a_supervisor_finds_the_way_out() -> None:
    sale = Sale().meet()
    ledger.close_account(account_id=sale.till, reason="out of spite", origin=by(sale.seller))
    refused(
        "ledger.credit_account_closed", lambda: commands.execute(escrow_id=sale.id, origin=by(sale.buyer))
    )
    refused("escrow.conditions_met", lambda: commands.expire(escrow_id=sale.id, origin=by(sale.buyer, LATE)))
    commands.dispute(escrow_id=sale.id, reason="the till is shut", origin=by(sale.buyer, LATE))
    commands.settle_dispute(
        escrow_id=sale.id,
        decision="return",
        reason="cannot be paid",
        origin=by(official(Role.SUPERVISOR), LATE),
    )
    assert (on(sale.money), holder(sale.title)) == (sale.price, id_of(sale.seller))
    closed_books(sale.id)


def test_nothing_is_left_behind() -> None:
    """The rest goes to an account that can take less: then nothing moves at all."""
    payer, lender = company(), bank()
    money, debt = purse(payer, 100), purse(lender, 60, bound=Bound.CREDITS)
    said = terms(
        {"payer": payer, "lender": lender}, value=[leg("all", "payer", money, 100)], steps=[move("all", debt)]
    )
    made = arranged(payer, said, [payer, lender])
    fund(made, payer, "all")
    no = refused("escrow.value_left", lambda: commands.execute(escrow_id=made, origin=by(payer)))
    assert no.facts == {"leg": "all", "left": 40}
    assert (state(made), on(debt)) == ("MET", -60)


def _order(title_id: UUID, act: str) -> None:
    entered = titles.enter_order(
        order_id=uuid4(), title_id=title_id, act=act, document="17", reason="x", origin=by(official())
    )
    titles.confirm_order(order_id=entered, origin=by(official(Role.SUPERVISOR)))


def test_a_court_reaches_a_title_in_escrow() -> None:
    sale = Sale().meet()
    _order(sale.title, "freeze")
    refused("titles.act_not_allowed", lambda: commands.execute(escrow_id=sale.id, origin=by(sale.buyer)))
    assert (on(sale.till), state(sale.id)) == (0, "MET")
    _order(sale.title, "void")
    commands.dispute(escrow_id=sale.id, reason="void", origin=by(sale.buyer))
    commands.settle_dispute(
        escrow_id=sale.id, decision="return", reason="void", origin=by(official(Role.SUPERVISOR))
    )
    assert on(sale.money) == sale.price
    closed_books(sale.id)


def test_a_title_is_split_and_its_parts_go_their_ways() -> None:
    """Part two to the buyer, part three pledged to the bank, part one back; everything that the escrow kept is free again."""
    seller, buyer, lender = company(), company(), bank()
    goods = title(company(), seller)
    till, money = purse(seller), purse(buyer, 500)
    said = terms(
        {"seller": seller, "buyer": buyer, "lender": lender},
        value=[leg("price", "buyer", money, 500)],
        titles=[{"title": str(goods), "by": "seller"}],
        steps=[
            {"title": str(goods), "act": "split", "details": {"parts": [300, 500, 200]}},
            {
                "title": str(goods),
                "part": 2,
                "act": "transfer",
                "details": {"to": "buyer", "beneficiary": "buyer"},
            },
            {"title": str(goods), "part": 3, "act": "pledge", "details": {"pledgee": "lender"}},
            move("price", till),
        ],
    )
    made = arranged(seller, said, [seller, buyer, lender])
    fund(made, buyer, "price")
    commands.deposit_title(escrow_id=made, title_id=goods, origin=by(seller))
    commands.execute(escrow_id=made, origin=by(lender))
    whole = title_queries.title(title_id=goods, viewer=SYSTEM)
    parts = sorted(
        (title_queries.title(title_id=p, viewer=SYSTEM) for p in whole.parts), key=lambda t: t.quantity
    )
    assert [(p.quantity, p.holder_id, p.pledged, p.keeper) for p in parts] == [
        (200, id_of(seller), 200, None), (300, id_of(seller), 0, None), (500, id_of(buyer), 0, None),
    ]  # fmt: skip
    closed_books(made)


def test_a_pledge_is_enforced_from_escrow() -> None:
    """The acquirer's part was never the escrow's to give back; the pledgor's is returned."""
    owner, lender, acquirer = company(), bank(), company()
    goods = title(company(), owner)
    pledge = titles.pledge_title(title_id=goods, pledgee=id_of(lender), quantity=400, origin=by(owner))
    money, till = purse(acquirer, 90), purse(lender)
    said = terms(
        {"owner": owner, "lender": lender, "acquirer": acquirer},
        value=[leg("price", "acquirer", money, 90)],
        titles=[{"title": str(goods), "by": "lender"}, {"title": str(goods), "by": "owner"}],
        steps=[
            {"title": str(goods), "act": "enforce", "details": {
                "pledge": str(pledge), "to": "acquirer", "ground": "auction", "document": "A-17"}},
            move("price", till),
        ],
    )  # fmt: skip
    made = arranged(lender, said, [owner, lender, acquirer])
    for who in (lender, owner):
        commands.deposit_title(escrow_id=made, title_id=goods, origin=by(who))
    fund(made, acquirer, "price")
    commands.execute(escrow_id=made, origin=by(owner))
    parts = [
        title_queries.title(title_id=p, viewer=SYSTEM)
        for p in title_queries.title(title_id=goods, viewer=SYSTEM).parts
    ]
    assert sorted((p.quantity, p.holder_id, p.keeper) for p in parts) == sorted(
        [(600, id_of(owner), None), (400, id_of(acquirer), None)]
    )
    closed_books(made)


def test_the_same_key_is_the_same_request() -> None:
    sale = Sale().meet()
    origin = by(sale.buyer)
    assert commands.execute(escrow_id=sale.id, origin=origin) == sale.id
    assert commands.execute(escrow_id=sale.id, origin=origin) == sale.id
    assert on(sale.till) == sale.price
    connection.check_constraints()


def test_an_operator_lets_expire_but_is_otherwise_nobody() -> None:
    sale, clerk = Sale().fill(), official()
    refused("not_permitted", lambda: commands.execute(escrow_id=sale.id, origin=by(clerk)))
    refused("absent", lambda: commands.expire(escrow_id=sale.id, origin=by(company(), DUE)))
    commands.expire(escrow_id=sale.id, origin=by(clerk, DUE))
    assert state(sale.id) == "EXPIRED"
