"""Requests that meet: what is financed never exceeds what may be, whoever comes first; and nobody is left with a deadlock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random
from secrets import randbelow
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections

from luhai.core.evidence import commands, consent_commands, queries
from luhai.core.evidence.models import Use
from luhai.core.evidence.tests import world
from luhai.core.evidence.tests.world import (
    by,
    consented,
    contract,
    declaration,
    id_of,
    invoice,
    now,
    received,
    used,
)
from luhai.core.ledger import queries as ledger
from luhai.kernel.origin import SYSTEM, Actor, Role
from luhai.kernel.refusal import Refusal
from luhai.shell.context import acting

CALLERS = 64


def together(works: Sequence[Callable[[], object]]) -> list[str]:
    """Run all at once, each on a connection of its own. The answers: "done", or the code of a refusal; an error is the test's."""
    gate = Barrier(len(works))

    def run(work: Callable[[], object]) -> str:
        try:
            gate.wait(60)
            work()
        except Refusal as refusal:
            return refusal.code
        finally:
            connections.close_all()
        return "done"

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def banks(company: Actor, number: int, purpose: str = "financing") -> list[Actor]:
    """Banks in two provinces, each with the company's consent."""
    made = [world.bank(world.GUANGXI if n % 2 else world.CHONGQING) for n in range(number)]
    for bank in made:
        consented(company, bank, purpose)
    return made


def counted() -> None:
    """The accounts stand as the rows do, and the ledger recounts to nothing."""
    assert all(t.differing == 0 for t in queries.totals(viewer=SYSTEM))
    found = ledger.recount(viewer=SYSTEM)
    assert (found.differing, found.beyond_bound, found.units_unbalanced, found.holds_differing) == (
        0,
        0,
        0,
        0,
    )


# --- one document, many banks -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("forms", [1, 2])
def test_sixty_four_finance_one_document_to_the_last_fen(
    fresh_db: str, django_db_blocker: Any, forms: int
) -> None:
    """Who is told that too little is left takes what is left. With two forms, half draw on the contract, half on the declaration."""
    with django_db_blocker.unblock():
        company = world.company()
        lenders = banks(company, 8)
        order = contract(company, 1000_01)  # of which 80 % are 800.008
        papers = [received(order, company)]
        if forms == 2:
            papers.append(received(declaration(company, 1000_00, contract_no=order["contract_no"]), company))
        told: list[tuple[int, int]] = []
        took: list[int] = []

        def finance(n: int) -> Callable[[], None]:
            def work() -> None:
                asked, paper = 37_11, papers[n % forms]
                while asked:
                    try:
                        used(lenders[n % 8], paper, asked)
                    except commands.UsedUp as refused:
                        told.append((asked, int(str(refused.facts["remaining"]))))
                        asked = told[-1][1]
                    else:
                        took.append(asked)
                        return

            return work

        assert set(together([finance(n) for n in range(CALLERS)])) == {"done"}
        assert all(0 <= left < asked for asked, left in told)
        assert len(told) >= CALLERS - len(took), "who took nothing was told that nothing is left"
        assert sum(took) == 800_00
        assert queries.totals(viewer=SYSTEM)[0].financed == 800_00
        for paper in papers:
            assert queries.remaining(evidence_id=paper, viewer=company).financing_left == 0
        with acting(SYSTEM):
            assert sum(u.amount for u in Use.objects.all()) == 800_00
        # Only who met another bank's use was a contest, and all of that bank's uses heard of it.
        assert sum(u.contested for u in queries.uses(limit=100, viewer=SYSTEM).items) > 0
        counted()


def test_a_payment_stands_on_a_document_once(fresh_db: str, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        company = world.company()
        payers = banks(company, 8, "settlement")
        paper = received(contract(company, 1000_00), company)
        works = [(lambda b=b: used(b, paper, 125_00, "settlement")) for b in payers * 8]
        assert Counter(together(works)) == {"done": 8, "evidence.used_up": 56}
        left = queries.remaining(evidence_id=paper, viewer=company)
        assert (left.settlement_left, left.settlement_used, left.financing_used) == (0, 1000_00, 0)
        counted()


def test_one_use_has_one_id(fresh_db: str, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        company = world.company()
        lenders, key = banks(company, 4), uuid4()
        papers = [received(contract(company, amount), company) for amount in (1000_00, 900_00)]
        works = [
            (
                lambda b=b, p=p: commands.use_evidence(
                    use_id=key, evidence_id=p, purpose="financing", amount=1_00, currency="USD", origin=now(b)
                )
            )
            for b in lenders
            for p in papers * 2
        ]
        assert Counter(together(works)) == {"done": 1, "invalid": 15}
        counted()


def test_no_more_is_given_back_than_was_used(fresh_db: str, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        company = world.company()
        (lender,) = banks(company, 1)
        paper = received(contract(company, 1000_00), company)
        use = used(lender, paper, 800_00)
        works = [
            (lambda: commands.free_evidence(use_id=use, amount=100_00, origin=now(lender))) for _ in range(16)
        ]
        assert Counter(together(works)) == {"done": 8, "invalid": 8}
        assert queries.remaining(evidence_id=paper, viewer=company).financing_left == 800_00
        counted()


def test_a_loan_is_repaid_while_it_changes_form(fresh_db: str, django_db_blocker: Any) -> None:
    """What is given back is given back to the document that the loan stands on then, and to no other bank's."""
    with django_db_blocker.unblock():
        company = world.company()
        lender, rival = banks(company, 2)
        order = contract(company, 2000_00)
        a = received(order, company)
        b = received(declaration(company, 2010_00, contract_no=order["contract_no"]), company)
        mine, theirs = [used(lender, a, 100_00) for _ in range(6)], used(rival, a, 600_00)
        works: list[Callable[[], object]] = [
            (lambda u=u: commands.convert_form(use_id=u, to_id=b, origin=now(lender))) for u in mine
        ]
        works += [
            (lambda u=u: commands.free_evidence(use_id=u, amount=60_00, origin=now(lender))) for u in mine
        ]
        assert together(works) == ["done"] * 12
        for paper, used_ in ((a, 600_00), (b, 240_00)):
            assert queries.remaining(evidence_id=paper, viewer=company).financing_used == used_
        commands.free_evidence(use_id=theirs, origin=now(rival))
        counted()


# --- one document, received by many -------------------------------------------------------------------------------------


SPELLINGS = [
    "CQ-0017/A",
    "cq-0017/a",
    "CQ 17/A",
    "ＣＱ－００１７／Ａ",
    "cq–17/a",
    "CQ0017/A ",
    "cq\u200b17/a",
    "CQ-٠٠١٧/A",
]


def test_the_same_document_received_by_sixty_four_is_one(fresh_db: str, django_db_blocker: Any) -> None:
    """The company, its banks and an agency, in eight spellings, with other amounts and days: one wins."""
    with django_db_blocker.unblock():
        company = world.company()
        sources = [company, world.bank(), world.bank(world.GUANGXI), world.official(Role.PROVINCE)]

        def receive(n: int) -> Callable[[], object]:
            paper = contract(
                company, 1000_00 + n // 32, contract_no=SPELLINGS[n % 8], signed_on=f"2026-02-{10 + n % 3}"
            )
            return lambda: received(paper, company, sources[n % 4])

        answers = Counter(together([receive(n) for n in range(CALLERS)]))
        assert answers == {"done": 1, "evidence.already_received": CALLERS - 1}
        (row,) = queries.evidences(viewer=SYSTEM).items
        assert len(queries.pieces(evidence_id=row.id, viewer=SYSTEM)) == row.version == 1
        (total,) = queries.totals(viewer=SYSTEM)
        assert (total.available, total.financed) == ((row.amount_minor or 0) * 4 // 5, 0)
        assert queries.reviews(viewer=SYSTEM) == []
        counted()


def test_edited_copies_that_come_together_go_to_a_person(fresh_db: str, django_db_blocker: Any) -> None:
    """Other numbers, one worth, one buyer, on one day: the first is received, the others wait for a person."""
    with django_db_blocker.unblock():
        company = world.company()
        papers = [contract(company, 1000_00) for _ in range(24)]
        answers = Counter(together([(lambda p=p: received(p, company)) for p in papers]))
        assert answers == {"done": 1, "evidence.near_duplicate": 23}
        (row,) = queries.evidences(viewer=SYSTEM).items
        reviews = queries.reviews(viewer=SYSTEM)
        assert len(reviews) == 23
        assert {r.evidence.id for r in reviews if r.evidence} == {row.id}
        assert {r.external_ref for r in reviews} | {row.external_ref} == {p["contract_no"] for p in papers}


def test_papers_about_the_same_goods_that_come_together_share_one_lot(
    fresh_db: str, django_db_blocker: Any
) -> None:
    """A contract and what names it, and a chain of papers of which each names the next: whoever comes first, one lot."""
    with django_db_blocker.unblock():
        company = world.company()
        order = contract(company, 1000_00)
        named = [
            order,
            *(declaration(company, 900_00 + n, contract_no=order["contract_no"]) for n in range(6)),
        ]
        chain = [invoice(company, 800_00 + n) for n in range(8)]
        for paper in chain:
            paper["contract_nos"] = ["CHAIN-9"]
        answers = together([(lambda p=p: received(p, company)) for p in [*named, *chain]])
        assert answers == ["done"] * 15
        lots = Counter(e.lot_id for e in queries.evidences(viewer=SYSTEM).items)
        assert sorted(lots.values()) == [7, 8]
        assert len(queries.lots(viewer=company).items) == 2
        counted()


# --- goods that unite while they are financed ---------------------------------------------------------------------------


def excess(company: Actor) -> dict[str, int]:
    """By currency, what stands beyond the goods' worth: counted from the views, with its alerts looked at."""
    uses = queries.uses(limit=200, only_open=True, viewer=SYSTEM).items
    found: Counter[str] = Counter()
    for lot in queries.lots(limit=100, viewer=company).items:
        kinds: Counter[str] = Counter()
        for form in lot.forms:
            if form.state == "live" and form.currency == lot.currency:
                kinds[form.kind] += (form.amount_minor or 0) * 4 // 5
        forms = {f.id: f for f in lot.forms}
        on = [u for u in uses if u.evidence_id in forms and u.purpose == "financing"]
        assert sum(u.left for u in on) == lot.used
        beyond = max(lot.used - max(kinds.values(), default=0), 0)
        found[lot.currency] += beyond
        for use in on:
            dead = forms[use.evidence_id].state == "cancelled"
            assert (use.alert != "") == (beyond > 0 or dead), (use, beyond)
    return dict(found)


def test_nothing_is_financed_beyond_while_new_forms_come(fresh_db: str, django_db_blocker: Any) -> None:
    """The goods are one from the start. Whatever form comes and is drawn on meanwhile, their worth is the limit."""
    with django_db_blocker.unblock():
        company = world.company()
        lenders = banks(company, 6)
        order = contract(company, 1000_00)
        first = received(order, company)
        second = received(declaration(company, 700_00, contract_no=order["contract_no"]), company)
        papers = [declaration(company, 500_00 + n, contract_no=order["contract_no"]) for n in range(4)]
        works: list[Callable[[], object]] = [(lambda p=p: received(p, company)) for p in papers]
        works += [(lambda b=b, e=e: used(b, e, 90_00)) for b in lenders for e in (first, second, first)]
        answers = together(works)
        assert set(answers[:4]) == {"done"}
        assert set(answers[4:]) <= {"done", "evidence.used_up"}
        (total,) = queries.totals(viewer=SYSTEM)
        faces = [700_00, *(500_00 + n for n in range(4))]  # of the declarations, which outweigh the contract
        assert total.available == sum(face * 4 // 5 for face in faces)
        assert total.financed == answers[4:].count("done") * 90_00 <= total.available
        assert excess(company) == {"USD": 0}
        assert total.financed_beyond == 0
        counted()


@pytest.mark.parametrize("round_", range(3))
def test_goods_unite_while_banks_draw_and_others_correct_and_cancel(
    fresh_db: str, django_db_blocker: Any, round_: int
) -> None:
    """Whatever the order was, each use of goods that are financed beyond their worth is told, and no other."""
    seed = randbelow(2**32)
    print(f"seed {seed}")
    random = Random(seed)
    with django_db_blocker.unblock():
        company = world.company()
        lenders = banks(company, 6)
        orders = [contract(company, amount, "CNY") for amount in (1000_00, 990_00, 980_00, 970_00)]
        papers = [received(order, company) for order in orders]
        standing = [used(lenders[n], papers[n], 300_00, currency="CNY") for n in range(4)]
        names = [order["contract_no"] for order in orders]
        links = [
            invoice(company, 10_00, contract_nos=names[:2]), invoice(company, 11_00, contract_nos=names[1:3]),
            invoice(company, 12_00, contract_nos=names[2:]), declaration(company, 950_00, "CNY", contract_no=names[3]),
        ]  # fmt: skip

        def correct(n: int, amount: int) -> Callable[[], object]:
            changed = orders[n] | {
                "status": "amended", "total_amount": world.money(amount),
                "items": [orders[n]["items"][0] | {"amount": world.money(amount)}],
            }  # fmt: skip
            return lambda: commands.correct_evidence(
                evidence_id=papers[n], content=world.packed(changed), origin=by(company)
            )

        works: list[Callable[[], object]] = [(lambda d=d: received(d, company)) for d in links]
        works += [(lambda b=b, p=p: used(b, p, 250_00, currency="CNY")) for b in lenders[:4] for p in papers]
        works += [correct(0, 500_00), correct(1, 1500_00), correct(2, 100_00)]
        works += [
            lambda: commands.cancel_evidence(evidence_id=papers[3], reason="a mistake", origin=by(company))
        ]
        works += [
            (lambda u=u: commands.free_evidence(use_id=u, amount=50_00, origin=now(lenders[0])))
            for u in standing[:1] * 3
        ]
        random.shuffle(works)
        answers = Counter(together(works))
        assert set(answers) <= {"done", "evidence.used_up", "evidence.cancelled"}, answers
        (lot,) = queries.lots(viewer=company).items
        assert len(lot.forms) == 8
        beyond = {t.currency: t.financed_beyond for t in queries.totals(viewer=SYSTEM)}
        assert beyond == {"CNY": max(lot.used - max(lot.by_kind.values()), 0)}
        below = {u.id for u in queries.uses(viewer=SYSTEM).items if u.alert == "below_use"}
        assert all(queries.use(use_id=u, viewer=SYSTEM).evidence_id in (papers[0], papers[2]) for u in below)
        if beyond["CNY"]:
            assert excess(company) == beyond
        counted()


def test_what_was_financed_apart_is_told_when_it_unites(fresh_db: str, django_db_blocker: Any) -> None:
    """Two lots, both financed to their limit, which four papers unite at once: the excess is the smaller of the two."""
    with django_db_blocker.unblock():
        company = world.company()
        lenders = banks(company, 2)
        order, shipped = contract(company, 1000_00), declaration(company, 900_00)
        a, b = received(order, company), received(shipped, company)
        uses = [used(lenders[0], a, 800_00), used(lenders[1], b, 720_00)]
        links = [
            invoice(
                company, n, contract_nos=[order["contract_no"]], declaration_nos=[shipped["declaration_no"]]
            )
            for n in (1_00, 2_00, 3_00, 4_00)
        ]
        assert together([(lambda d=d: received(d, company)) for d in links]) == ["done"] * 4
        assert excess(company) == {"USD": 720_00}
        assert [(t.financed, t.financed_beyond) for t in queries.totals(viewer=SYSTEM)] == [(1520_00, 720_00)]
        assert {queries.use(use_id=u, viewer=SYSTEM).alert for u in uses} == {"overfinanced"}
        counted()


def test_nothing_is_drawn_on_a_document_that_was_taken_back(fresh_db: str, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        company = world.company()
        lenders = banks(company, 8)
        paper = received(contract(company, 1000_00), company)
        works: list[Callable[[], object]] = [(lambda b=b: used(b, paper, 10_00)) for b in lenders * 3]
        works += [
            (lambda: commands.cancel_evidence(evidence_id=paper, reason="x", origin=by(company)))
            for _ in range(3)
        ]
        Random(5).shuffle(works)
        answers = Counter(together(works))
        assert sum(answers.values()) == 27
        assert set(answers) <= {"done", "evidence.cancelled"}
        made = queries.uses(viewer=SYSTEM).items
        assert len(made) == answers["done"] - 1
        assert {u.alert for u in made} <= {"cancelled"}
        left = queries.remaining(evidence_id=paper, viewer=company)
        assert (left.financing_left, left.financing_used) == (0, len(made) * 10_00)
        counted()


def test_goods_are_joined_while_banks_draw_on_them(fresh_db: str, django_db_blocker: Any) -> None:
    """An official joins eight lots, one after the other, while banks finance each of them."""
    with django_db_blocker.unblock():
        company, office = world.company(), world.official(Role.OPERATOR)
        lenders = banks(company, 4)
        papers = [received(contract(company, 1000_00 + n), company) for n in range(8)]
        lots: list[Any] = [queries.evidence(evidence_id=paper, viewer=SYSTEM).lot_id for paper in papers]

        def join() -> None:
            for n in range(7):
                commands.join_lots(lot_ids=lots[n : n + 2], why="seen in one yard", origin=by(office))

        works: list[Callable[[], object]] = [join]
        works += [(lambda b=b, p=p: used(b, p, 100_00)) for b in lenders for p in papers[::2]]
        assert together(works) == ["done"] * 17
        (lot,) = queries.lots(viewer=company).items
        assert (len(lot.forms), lot.used) == (8, 1600_00)
        assert excess(company) == {"USD": 0}
        counted()


# --- consents that are spent and withdrawn ------------------------------------------------------------------------------


def test_a_consent_for_one_reading_is_read_under_once(fresh_db: str, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        company, reader = world.company(), world.bank()
        paper = received(contract(company), company)
        consented(company, reader, "assessment", one_off=True)
        got: list[str] = []
        works = [
            (
                lambda: got.append(
                    consent_commands.read_evidence(
                        evidence_id=paper, purpose="assessment", origin=now(reader)
                    )["why"]
                )
            )
            for _ in range(16)
        ]
        assert set(together(works)) == {"done"}
        assert Counter(got) == {"consent": 1, "spent": 15}
        assert len(queries.receipts(evidence_id=paper, viewer=company).items) == 16


def test_a_consent_is_answered_once(fresh_db: str, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        company, reader = world.company(), world.bank()
        origin = now(reader)
        consent = consent_commands.ask_consent(
            consent_id=uuid4(), grantor_id=id_of(company), purpose="assessment", kinds=[], pieces=[],
            until=origin.at.replace(year=origin.at.year + 1), origin=origin,
        )  # fmt: skip
        works = [
            (lambda y=y: consent_commands.answer_consent(consent_id=consent, yes=y, origin=now(company)))
            for y in (True, False) * 8
        ]
        assert Counter(together(works)) == {"done": 1, "evidence.consent_act_not_allowed": 15}
