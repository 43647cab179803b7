"""Two documents that look alike, told apart by a person: what each answer lets happen, and goods that a person joins."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from luhai.core.evidence import commands, queries
from luhai.core.evidence.queries import ReviewView
from luhai.core.evidence.tests import world
from luhai.core.evidence.tests.world import (
    answer,
    bank,
    by,
    company,
    consented,
    contract,
    declaration,
    id_of,
    received,
    used,
)
from luhai.kernel.origin import SYSTEM, Actor, Role
from luhai.kernel.refusal import Invalid

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller() -> Actor:
    return company()


@pytest.fixture
def judge() -> Actor:
    return world.official(Role.OPERATOR)


def pair(seller: Actor, **changes: Any) -> tuple[UUID, dict[str, Any], ReviewView]:
    """A contract that is here, one of the same worth that was refused, and the review that this has opened."""
    first = received(contract(seller, 1000_00), seller)
    second = contract(seller, 1000_00) | changes
    with pytest.raises(commands.NearDuplicate) as refused:
        received(second, seller)
    (review,) = queries.reviews(viewer=SYSTEM)
    assert str(review.id) == refused.value.facts["review"]
    assert (review.evidence.id if review.evidence else None, review.external_ref) == (
        first,
        second["contract_no"],
    )
    return first, second, review


def clear(judge: Actor, review: ReviewView, outcome: str, why: str = "looked at both") -> None:
    commands.clear_review(review_id=review.id, outcome=outcome, why=why, origin=by(judge))


def lot(paper: UUID) -> UUID:
    found = queries.evidence(evidence_id=paper, viewer=SYSTEM).lot_id
    assert found is not None
    return found


def test_two_documents_about_other_goods_are_two_lots(seller: Actor, judge: Actor) -> None:
    first, second, review = pair(seller)
    clear(judge, review, "distinct")
    assert lot(received(second, seller)) != lot(first)
    assert [t.available for t in queries.totals(viewer=judge)] == [1600_00]


def test_two_documents_about_the_same_goods_are_one_lot(seller: Actor, judge: Actor) -> None:
    """A contract and a declaration of one worth without a common reference: the goods are financed once."""
    lender = bank()
    consented(seller, lender)
    first = received(contract(seller, 1000_00, signed_on="2026-03-01"), seller)
    second = declaration(seller, 1000_00)
    assert answer(lambda: received(second, seller)) == "evidence.near_duplicate"
    with pytest.raises(commands.NearDuplicate):
        received(second, seller)
    (review,) = queries.reviews(viewer=judge)
    assert review.reason == "same_worth"
    clear(judge, review, "same_goods")
    joined = received(second, seller)
    assert lot(joined) == lot(first)
    used(lender, first, 800_00)
    assert answer(lambda: used(lender, joined, 1)) == "evidence.used_up"


def test_an_edited_document_is_never_received(seller: Actor, judge: Actor) -> None:
    _, second, review = pair(seller)
    clear(judge, review, "same_document")
    assert answer(lambda: received(second, seller)) == "evidence.same_document"


def test_a_number_that_looks_like_another_goes_to_a_person(seller: Actor, judge: Actor) -> None:
    """A look-alike letter at any worth; what only a hurried eye takes for the other, of the same worth alone. Whatever the day."""
    received(contract(seller, 1000_00, contract_no="INV-2026-017"), seller)

    def again(number: str, minor: int = 1000_00, of: Actor = seller) -> str:
        return answer(lambda: received(contract(of, minor, contract_no=number, signed_on="2025-05-05"), of))

    for number in ("1NV-2026-017", "ΙNV-2026-017", "INV-2O26-017"):
        assert again(number) == again(number, 7_00) == "evidence.near_duplicate", number
    for number in ("INV-2026-0170", "INV.2026.017"):
        assert again(number) == "evidence.near_duplicate", number
        assert again(number, 7_00) == "done", "papers that are numbered in turn differ in worth"
    for number in ("INV-2026-018", "INW-2026-017"):
        assert again(number) == "done", number
    assert again("1NV-2026-017", of=company()) == "done"
    with pytest.raises(commands.NearDuplicate) as refused:
        received(contract(seller, 1000_00, contract_no="1NV-2026-017", signed_on="2025-05-05"), seller)
    assert refused.value.facts["reason"] == "edited"


def test_what_is_refused_twice_is_reviewed_once(seller: Actor, judge: Actor) -> None:
    _, second, review = pair(seller)
    for source in (seller, bank()):
        assert answer(lambda s=source: received(second, seller, s)) == "evidence.near_duplicate"
        with pytest.raises(commands.NearDuplicate):
            received(second, seller, source)
    assert [r.id for r in queries.reviews(viewer=judge)] == [review.id]


def test_each_likeness_is_told_apart(seller: Actor, judge: Actor) -> None:
    """A third that looks like two is received when a person has told it from both."""
    _, second, review = pair(seller)
    clear(judge, review, "distinct")
    received(second, seller)
    third = contract(seller, 1000_00)
    for _ in range(2):
        with pytest.raises(commands.NearDuplicate):
            received(third, seller)
        (waiting,) = queries.reviews(viewer=judge)
        clear(judge, waiting, "distinct")
    received(third, seller)
    assert len(queries.reviews(waiting=False, viewer=judge)) == 3


def test_who_sees_a_review_and_who_answers(seller: Actor, judge: Actor) -> None:
    _, _, review = pair(seller)
    for viewer, seen in (
        (seller, 1),
        (judge, 1),
        (world.official(), 1),
        (company(), 0),
        (world.official(Role.PROVINCE), 0),
    ):
        assert len(queries.reviews(viewer=viewer)) == seen
    for actor in (seller, bank(), world.official(Role.PROVINCE)):
        assert answer(lambda a=actor: clear(a, review, "distinct")) == "not_permitted"
    for outcome, why, field in (
        ("perhaps", "x", "outcome"),
        ("distinct", " ", "why"),
        ("distinct", "x" * 201, "why"),
    ):
        with pytest.raises(Invalid) as refused:
            clear(judge, review, outcome, why)
        assert refused.value.facts["field"] == field
    assert (
        answer(
            lambda: commands.clear_review(review_id=uuid4(), outcome="distinct", why="x", origin=by(judge))
        )
        == "absent"
    )
    clear(judge, review, "distinct")
    (cleared,) = queries.reviews(waiting=False, viewer=seller)
    assert (cleared.outcome, cleared.why) == ("distinct", "looked at both")
    assert queries.reviews(viewer=judge) == []
    assert answer(lambda: clear(judge, review, "same_goods")) == "evidence.already_answered"


def test_what_a_person_may_join(seller: Actor, judge: Actor) -> None:
    other = company()
    a, b = (lot(received(contract(seller, n), seller)) for n in (1_00, 2_00))
    theirs = lot(received(contract(other, 3_00), other))

    def join(actor: Actor, *lots: UUID, why: str = "seen in one yard") -> str:
        return answer(lambda: commands.join_lots(lot_ids=list(lots), why=why, origin=by(actor)))

    assert (
        join(seller, a, b)
        == join(bank(), a, b)
        == join(world.official(Role.PROVINCE), a, b)
        == "not_permitted"
    )
    for lots, why, expected in (
        ((a,), "x", "invalid"), ((a, a), "x", "invalid"), ((), "x", "invalid"), ((a, theirs), "x", "invalid"),
        ((a, b), " ", "invalid"), ((a, b), "x" * 201, "invalid"), ((a, uuid4()), "x", "absent"), ((a, b), "x", "done"),
    ):  # fmt: skip
        assert join(judge, *lots, why=why) == expected, (lots, why)
    heir = commands.join_lots(lot_ids=[a, b], why="seen", origin=by(judge))
    assert join(judge, a, b) == "invalid", "they are one"
    views = [queries.lot(lot_id=x, viewer=seller) for x in (a, b)]
    assert views[0] == views[1]
    assert views[0].id == heir
    assert views[0].by_kind == {"contract": 80 + 160}
    assert id_of(seller) == views[0].subject.id
