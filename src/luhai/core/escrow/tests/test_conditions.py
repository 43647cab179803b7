"""Conditions over real evidence: presented, amended, taken back, used once; and consents of k of n."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from luhai.core.escrow import commands, queries
from luhai.core.escrow.tests.test_escrow import closed_books, refused
from luhai.core.escrow.tests.world import (
    agree,
    arranged,
    bank,
    by,
    company,
    fund,
    id_of,
    leg,
    move,
    on,
    purse,
    state,
    terms,
)
from luhai.core.evidence import commands as evidence
from luhai.core.evidence import queries as evidence_queries
from luhai.core.evidence.tests import world as papers
from luhai.kernel.origin import SYSTEM, Actor

pytestmark = pytest.mark.django_db


class Export:
    """A bank pays an exporter against a released declaration, and uses the declaration for it."""

    def __init__(self, *, price: int = 10_000_00, use: int | None = None, **asks: Any) -> None:
        self.bank, self.exporter = bank(), papers.company()
        self.paper = papers.declaration(self.exporter)
        self.money, self.till = purse(self.bank, price, "USD"), purse(self.exporter, unit="USD")
        wanted = {
            "kind": "customs_declaration", "sources": ["exporter"], "status": ["released"], "subject": "exporter",
            "amount": {"at_least": 9_000_00, "currency": "USD"},
        } | asks  # fmt: skip
        said = terms(
            {"bank": self.bank, "exporter": self.exporter},
            value=[leg("price", "bank", self.money, price, "USD")],
            conditions=[{"name": "released", "evidence": {k: v for k, v in wanted.items() if v is not None}}],
            steps=[
                move("price", self.till, price),
                {
                    "use": "released",
                    "purpose": "settlement",
                    "amount": use or price,
                    "currency": "USD",
                    "user": "bank",
                },
            ],
        )
        self.id = arranged(self.bank, said, [self.bank, self.exporter])
        fund(self.id, self.bank, "price")

    def receive(self, **changes: Any) -> UUID:
        return papers.received(self.paper | changes, self.exporter)

    def present(self, piece: UUID, who: Actor | None = None) -> None:
        commands.present(
            escrow_id=self.id, condition="released", evidence_id=piece, origin=by(who or self.exporter)
        )

    def execute(self) -> None:
        commands.execute(escrow_id=self.id, origin=by(self.exporter))

    @property
    def word(self) -> str:
        return queries.escrow(escrow_id=self.id, viewer=self.bank).waits[0].word


def test_payment_against_a_document_uses_it_once() -> None:
    deal = Export()
    assert deal.word == "nothing_presented"
    piece = deal.receive()
    deal.present(piece)
    assert (state(deal.id), deal.word) == ("MET", "met")
    deal.execute()
    assert on(deal.till) == 10_000_00
    left = evidence_queries.remaining(evidence_id=piece, viewer=SYSTEM)
    assert (left.settlement_left, left.settlement_used) == (0, 10_000_00)
    ended = queries.escrow(escrow_id=deal.id, viewer=deal.bank).outcome
    assert ended is not None
    assert ended.proof == {"conditions": {"released": {"evidence": str(piece), "version": 1}}}
    closed_books(deal.id)

    again = Export()  # another bank, the same exporter's paper
    said = queries.escrow(escrow_id=again.id, viewer=again.bank).terms
    said["parties"]["exporter"] = str(id_of(deal.exporter))
    said["conditions"][0]["evidence"]["sources"] = ["exporter"]
    said["steps"][0]["to"] = str(deal.till)
    more = purse(again.bank, 10_000_00, "USD")
    said["value"][0]["account"] = str(more)
    again.id, again.exporter = arranged(again.bank, said, [again.bank, deal.exporter]), deal.exporter
    fund(again.id, again.bank, "price")
    again.present(piece)
    assert state(again.id) == "MET"
    refused("evidence.used_up", again.execute)
    assert (state(again.id), on(more), on(deal.till)) == ("MET", 0, 10_000_00)


def test_what_was_taken_back_or_amended_meets_nothing() -> None:
    deal = Export(use=9_500_00)
    piece = deal.receive()
    deal.present(piece)
    amended = deal.paper | {"total_amount": "9500.00", "status": "amended"}
    amended["items"] = [deal.paper["items"][0] | {"amount": "9500.00"}]
    released = amended | {"status": "released"}
    evidence.correct_evidence(evidence_id=piece, content=papers.packed(released), origin=by(deal.exporter))
    assert deal.word == "amended"
    assert refused("escrow.not_met", deal.execute).facts["words"] == {"released": "amended"}
    deal.present(piece)  # what it says now meets the condition, once it is shown
    assert deal.word == "met"
    evidence.cancel_evidence(evidence_id=piece, reason="declared twice", origin=by(deal.exporter))
    assert (state(deal.id), deal.word) == ("MET", "cancelled")
    refused("escrow.not_met", deal.execute)
    other = papers.received(papers.declaration(deal.exporter, 11_000_00), deal.exporter)
    deal.present(other)
    deal.execute()
    ended = queries.escrow(escrow_id=deal.id, viewer=deal.bank).outcome
    assert ended is not None
    assert ended.proof["conditions"]["released"] == {"evidence": str(other), "version": 1}
    closed_books(deal.id)


def test_met_but_taken_back_expires() -> None:
    from luhai.core.escrow.tests.world import DUE

    deal = Export()
    piece = deal.receive()
    deal.present(piece)
    refused("escrow.conditions_met", lambda: commands.expire(escrow_id=deal.id, origin=by(SYSTEM, DUE)))
    evidence.cancel_evidence(evidence_id=piece, reason="declared twice", origin=by(deal.exporter))
    commands.expire(escrow_id=deal.id, origin=by(SYSTEM, DUE))
    assert (state(deal.id), on(deal.money)) == ("EXPIRED", 10_000_00)
    closed_books(deal.id)


@pytest.mark.parametrize(
    ("asks", "word"),
    [
        ({"kind": "invoice"}, "other_kind"),
        ({"sources": ["bank"]}, "other_source"),
        ({"sources": "anybody"}, "met"),
        ({"status": ["declared"]}, "other_status"),
        ({"amount": {"at_least": 10_000_01, "currency": "USD"}}, "too_little"),
        ({"amount": {"at_most": 1, "currency": "USD"}}, "too_much"),
        ({"amount": {"currency": "CNY"}}, "other_currency"),
        ({"external_ref": "0000"}, "other_reference"),
        ({"names": {"kind": "contract", "value": "k-9"}}, "names_not"),
        ({"subject": "bank"}, "other_subject"),
        ({"dated_to": "2026-03-01"}, "too_late"),
        ({"dated_from": "2026-03-03"}, "too_early"),
        ({"dated_from": "2026-03-02", "dated_to": "2026-03-02"}, "met"),
    ],
    ids=str,
)
def test_the_evidence_must_say_what_the_condition_asks(asks: dict[str, Any], word: str) -> None:
    deal = Export(**asks)
    deal.present(deal.receive())
    assert deal.word == word
    assert state(deal.id) == ("MET" if word == "met" else "FUNDED")


def test_who_may_present_and_what() -> None:
    deal, stranger = Export(), company()
    piece = deal.receive()
    refused("absent", lambda: deal.present(piece, stranger))  # no party to the escrow
    refused("absent", lambda: deal.present(piece, deal.bank))  # may not see the paper
    refused("invalid", lambda: commands.present(
        escrow_id=deal.id, condition="paid", evidence_id=piece, origin=by(deal.exporter)))  # fmt: skip
    deal.present(piece)
    refused("escrow.done_before", lambda: deal.present(piece))
    for n in range(commands.MOST_SHOWN - 1):
        deal.present(papers.received(papers.contract(deal.exporter, (n + 1) * 17_00), deal.exporter))
    last = papers.received(papers.contract(deal.exporter, 333_00), deal.exporter)
    refused("escrow.shown_enough", lambda: deal.present(last))
    assert deal.word == "met"


def test_evidence_about_somebody_else_is_not_used() -> None:
    """Whom a paper is about has agreed to its use by agreeing to the terms; a stranger has not."""
    deal, other = Export(subject=None, sources="anybody"), papers.company()
    foreign = papers.received(papers.declaration(other), other, source=deal.bank)
    deal.present(foreign, deal.bank)
    assert state(deal.id) == "MET"
    refused("escrow.not_theirs", deal.execute)
    assert on(deal.till) == 0


def test_an_arbiter_executes_with_what_was_presented_or_not_at_all() -> None:
    from luhai.core.escrow.tests.world import official
    from luhai.kernel.origin import Role

    judge = official(Role.SUPERVISOR)

    def settle(deal: Export) -> None:
        commands.settle_dispute(escrow_id=deal.id, decision="execute", reason="as surveyed", origin=by(judge))

    bare, poor = Export(), Export(status=["declared"])
    piece = poor.receive()
    poor.present(piece)
    for deal in (bare, poor):
        commands.dispute(escrow_id=deal.id, reason="late", origin=by(deal.bank))
    refused("escrow.no_proof", lambda: settle(bare))
    settle(poor)
    assert evidence_queries.remaining(evidence_id=piece, viewer=SYSTEM).settlement_used == 10_000_00
    ended = queries.escrow(escrow_id=poor.id, viewer=poor.bank).outcome
    assert ended is not None
    assert ended.proof["conditions"] == {"released": "other_status"}
    closed_books(poor.id)


def test_two_of_three_consent() -> None:
    payer, builder, first, second = company(), company(), company(), company()
    money, till = purse(payer, 50), purse(builder)
    cast = {"payer": payer, "builder": builder, "first": first, "second": second}
    said = terms(
        cast,
        value=[leg("fee", "payer", money, 50)],
        conditions=[{"name": "milestone", "consent": {"of": ["payer", "first", "second"], "need": 2}}],
        steps=[move("fee", till, 50)],
    )
    made = arranged(builder, said)
    refused("escrow.not_agreed", lambda: fund(made, payer, "fee"))
    for actor in cast.values():
        agree(made, actor)
    fund(made, payer, "fee")
    refused(
        "not_entitled", lambda: commands.confirm(escrow_id=made, condition="milestone", origin=by(builder))
    )
    commands.confirm(escrow_id=made, condition="milestone", origin=by(first))
    refused(
        "escrow.done_before",
        lambda: commands.confirm(escrow_id=made, condition="milestone", origin=by(first)),
    )
    assert state(made) == "FUNDED"
    commands.confirm(escrow_id=made, condition="milestone", origin=by(second))
    assert state(made) == "MET"
    commands.execute(escrow_id=made, origin=by(builder))
    assert on(till) == 50
    connection.check_constraints()
