"""Documents are used once: across banks, forms and corrections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from luhai.core.evidence import commands, queries
from luhai.kernel.origin import SYSTEM, Role
from luhai.kernel.refusal import Refusal

from . import world
from .world import bank, by, company, consented, contract, declaration, invoice, received, used

pytestmark = pytest.mark.django_db


def code(run: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    with pytest.raises(Refusal) as refused:
        run(*args, **kwargs)
    return refused.value.code


def beyond() -> list[tuple[int, int, int]]:
    viewer = world.official()
    return [(t.financed, t.financed_beyond, t.differing) for t in queries.totals(viewer=viewer)]


def test_a_document_is_received_once_under_any_spelling() -> None:
    exporter = company()
    paper = contract(exporter, contract_no="CQ-0017")
    received(paper, exporter)
    again = paper | {"contract_no": "ｃｑ 17"}
    assert code(received, again, exporter) == "evidence.already_received"
    assert code(
        received,
        again | {"total_amount": "1.00", "items": [paper["items"][0] | {"amount": "1.00"}]},
        exporter,
    ) == ("evidence.already_received")


def test_two_banks_share_what_may_be_financed() -> None:
    exporter, first, second = company(), bank(), bank(world.GUANGXI)
    paper = received(declaration(exporter, 1000_00), exporter)
    for b in (first, second):
        consented(exporter, b)
    use = used(first, paper, 500_00)
    with pytest.raises(commands.UsedUp) as refused:
        used(second, paper, 301_00)
    assert refused.value.facts["remaining"] == 300_00
    assert queries.use(use_id=use, viewer=first).contested == 1
    used(second, paper, 300_00)
    assert queries.remaining(evidence_id=paper, viewer=exporter).financing_left == 0
    assert queries.use(use_id=use, viewer=first).others == 1
    commands.free_evidence(use_id=use, amount=100_00, origin=by(first))
    assert queries.remaining(evidence_id=paper, viewer=exporter).financing_left == 100_00
    assert beyond() == [(700_00, 0, 0)]


def test_nobody_uses_without_consent() -> None:
    exporter, lender = company(), bank()
    paper = received(declaration(exporter), exporter)
    assert code(used, lender, paper, 1) == "evidence.not_consented"
    consented(exporter, lender, "settlement")
    assert code(used, lender, paper, 1) == "evidence.not_consented"
    used(lender, paper, 10_000_00, "settlement")
    assert code(used, lender, paper, 1, "settlement") == "evidence.used_up"


def test_the_forms_of_goods_are_financed_once() -> None:
    exporter, first, second = company(), bank(), bank()
    for b in (first, second):
        consented(exporter, b)
    order = contract(exporter, 1000_00)
    a = received(order, exporter)
    used(first, a, 800_00)
    b_ = received(declaration(exporter, 1000_00, contract_no=order["contract_no"]), exporter)
    assert code(used, second, b_, 1) == "evidence.used_up"
    lot = queries.evidence(evidence_id=a, viewer=exporter).lot_id
    assert lot is not None
    view = queries.lot(lot_id=lot, viewer=exporter)
    assert (view.left, view.used, {f.id for f in view.forms}) == (0, 800_00, {a, b_})
    assert beyond() == [(800_00, 0, 0)]


def test_an_encumbrance_moves_with_the_form() -> None:
    exporter, lender = company(), bank()
    consented(exporter, lender)
    order = contract(exporter, 1000_00)
    a = received(order, exporter)
    use = used(lender, a, 800_00)
    b_ = received(declaration(exporter, 1000_00, contract_no=order["contract_no"]), exporter)
    commands.convert_form(use_id=use, to_id=b_, origin=by(lender))
    assert queries.remaining(evidence_id=b_, viewer=exporter).financing_used == 800_00
    assert queries.remaining(evidence_id=a, viewer=exporter).financing_used == 0
    assert queries.remaining(evidence_id=a, viewer=exporter).financing_left == 0
    assert beyond() == [(800_00, 0, 0)]


def test_goods_found_to_be_one_after_both_were_financed_are_told() -> None:
    exporter, first, second = company(), bank(), bank()
    for b in (first, second):
        consented(exporter, b)
    order = contract(exporter, 1000_00)
    a = received(order, exporter)
    b_ = received(declaration(exporter, 900_00), exporter)
    one, two = used(first, a, 800_00), used(second, b_, 720_00)
    bill = declaration(exporter, 900_00)["declaration_no"]
    links = invoice(exporter, 1_00, contract_nos=[order["contract_no"]], declaration_nos=[_ref(b_), bill])
    received(links, exporter)
    assert {queries.use(use_id=u, viewer=SYSTEM).alert for u in (one, two)} == {"overfinanced"}
    assert beyond() == [(1520_00, 720_00, 0)]
    commands.free_evidence(use_id=two, origin=by(second))
    assert queries.use(use_id=one, viewer=SYSTEM).alert == ""
    assert beyond() == [(800_00, 0, 0)]


def _ref(evidence_id: UUID) -> str:
    return queries.evidence(evidence_id=evidence_id, viewer=SYSTEM).external_ref


def test_a_correction_below_what_is_used_tells_every_use() -> None:
    exporter, lender = company(), bank()
    consented(exporter, lender)
    paper = declaration(exporter, 1000_00)
    a = received(paper, exporter)
    use = used(lender, a, 800_00)
    smaller = paper | {
        "status": "amended", "total_amount": "500.00", "items": [paper["items"][0] | {"amount": "500.00"}],
    }  # fmt: skip
    commands.correct_evidence(evidence_id=a, content=world.packed(smaller), origin=by(exporter))
    assert queries.use(use_id=use, viewer=lender).alert in {"below_use", "overfinanced"}
    left = queries.remaining(evidence_id=a, viewer=exporter)
    assert (left.financing_left, left.financing_used, left.settlement_left) == (0, 800_00, 500_00)
    commands.free_evidence(use_id=use, amount=500_00, origin=by(lender))
    assert queries.remaining(evidence_id=a, viewer=exporter).financing_left == 100_00
    commands.cancel_evidence(evidence_id=a, reason="mistake", origin=by(exporter))
    assert queries.use(use_id=use, viewer=lender).alert in {"cancelled", "overfinanced"}
    assert code(used, lender, a, 1) == "evidence.cancelled"
    assert len(queries.pieces(evidence_id=a, viewer=exporter)) == 2


def test_a_red_letter_invoice_takes_back() -> None:
    seller, lender = company(), bank()
    consented(seller, lender)
    blue = invoice(seller, 1000_00)
    a = received(blue, seller)
    red = invoice(seller, -400_00, kind="red_general", corrects=blue["invoice_no"], buyer=blue["buyer"])
    assert received(red, seller) == a
    assert queries.evidence(evidence_id=a, viewer=seller).amount_minor == 600_00
    assert queries.remaining(evidence_id=a, viewer=seller).financing_left == 480_00
    assert code(received, red, seller) == "evidence.already_received"
    unknown = invoice(seller, -1_00, kind="red_general", corrects="26502000000000999999")
    assert code(received, unknown, seller) == "evidence.corrected_unknown"


def test_an_edited_copy_goes_to_a_person() -> None:
    seller, judge = company(), world.official(Role.OPERATOR)
    first = contract(seller, 1000_00, contract_no="CQ-2026-018")
    a = received(first, seller)
    edited = contract(seller, 1000_00, contract_no="CQ-2O26-018X1", signed_on="2026-02-11")
    assert code(received, edited, seller) == "evidence.near_duplicate"
    review = queries.reviews(viewer=judge)[0]
    assert review.reason == "same_worth"
    commands.clear_review(review_id=review.id, outcome="distinct", why="two orders", origin=by(judge))
    b_ = received(edited, seller)
    assert (
        queries.evidence(evidence_id=a, viewer=seller).lot_id
        != queries.evidence(evidence_id=b_, viewer=seller).lot_id
    )


def test_a_stranger_learns_nothing() -> None:
    exporter, other, lender = company(), company(), bank()
    paper = contract(exporter)
    a = received(paper, exporter)
    assert code(queries.evidence, evidence_id=a, viewer=other) == "absent"
    assert code(received, paper, other) == "evidence.not_named"
    assert code(commands.cancel_evidence, evidence_id=a, reason="x", origin=by(other)) == "absent"
    with pytest.raises(commands.AlreadyReceived) as refused:
        received(paper, exporter, source=lender)
    assert refused.value.facts["evidence"] is None
    assert code(commands.free_evidence, use_id=uuid4(), origin=by(lender)) == "absent"
