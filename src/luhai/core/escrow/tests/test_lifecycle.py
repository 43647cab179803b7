"""Every pair of state and act, written out a second time: what is absent here must be refused and change nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from luhai.core.escrow import commands, lifecycle
from luhai.core.escrow.lifecycle import Act, State
from luhai.core.escrow.models import Agreement, Confirmation, Deposit, Escrow, Event, Outcome, Showing
from luhai.core.escrow.tests.world import (
    DUE,
    Sale,
    agree,
    arranged,
    by,
    company,
    fund,
    id_of,
    leg,
    move,
    official,
    purse,
)
from luhai.core.escrow.tests.world import state as state_of
from luhai.core.evidence.tests import world as papers
from luhai.core.ledger.models import Account
from luhai.core.titles.tests.test_lifecycle import undone
from luhai.core.titles.tests.world import title
from luhai.kernel.origin import Actor, Role
from luhai.kernel.refusal import Refusal

NOT_MET, HOLDS, NOT_AGREED = "escrow.not_met", "escrow.conditions_met", "escrow.not_agreed"
#: Where it leads; a code with a dot is a refusal that the table alone does not explain.
EXPECTED: dict[str, dict[str, str]] = {
    "NEW": {
        "agree": "DRAFT", "fund": NOT_AGREED, "deposit": NOT_AGREED, "present": NOT_AGREED, "confirm": NOT_AGREED,
        "withdraw": "RETURNED", "expire": "EXPIRED",
    },
    "DRAFT": {
        "agree": "escrow.done_before", "fund": "DRAFT", "deposit": "DRAFT", "present": "DRAFT", "confirm": "DRAFT",
        "withdraw": "RETURNED", "expire": "EXPIRED",
    },
    "FUNDED": {
        "fund": "FUNDED", "present": "FUNDED", "confirm": "FUNDED", "execute": NOT_MET, "dispute": "DISPUTED",
        "expire": "EXPIRED",
    },
    "MET": {
        "fund": "MET", "present": "MET", "confirm": "MET", "execute": "EXECUTED", "dispute": "DISPUTED", "expire": HOLDS,
    },
    "DISPUTED": {"settle": "EXECUTED"},
    "EXECUTED": {}, "EXPIRED": {}, "RETURNED": {},
}  # fmt: skip


class Scene(Sale):
    """A sale with something for every act: room in the leg, two who may confirm, evidence, an agreement that is missing."""

    def __init__(self) -> None:
        super().__init__()
        self.third, self.judge = company(), official(Role.SUPERVISOR)
        exporter = papers.company()
        self.seller = exporter
        self.title = title(self.carrier, exporter)
        till = purse(exporter)
        self.papers = [
            papers.received(papers.contract(exporter, minor), exporter) for minor in (7_000_00, 9_000_00)
        ]
        said = self.terms | {
            "parties": {
                "buyer": str(id_of(self.buyer)),
                "seller": str(id_of(exporter)),
                "third": str(id_of(self.third)),
            },
            "value": [leg("price", "buyer", self.money, self.price, least=60_00)],
            "titles": [{"title": str(self.title), "by": "seller"}],
            "conditions": [
                {"name": "accepted", "consent": {"of": ["buyer", "third"], "need": 1}},
                {"name": "signed", "evidence": {"kind": "contract", "sources": ["seller"]}},
            ],
            "steps": [move("price", till)],
        }
        self.id = arranged(self.buyer, said, [self.buyer, exporter])


def attempts(s: Scene) -> dict[str, tuple[Actor, Callable[[Actor], Any]]]:
    """How each act is done, and by whom if not by a stranger."""
    e = s.id

    last = Showing.objects.filter(escrow=e).count()
    confirmed = Confirmation.objects.filter(escrow=e).exists()
    return {
        "agree": (s.third, lambda w: commands.agree(
            escrow_id=e, digest=Escrow.objects.get(pk=e).digest, origin=by(w))),
        "fund": (s.buyer, lambda w: commands.fund(escrow_id=e, leg="price", amount=1_00, origin=by(w))),
        "deposit": (s.seller, lambda w: commands.deposit_title(escrow_id=e, title_id=s.title, origin=by(w))),
        "present": (s.seller, lambda w: commands.present(
            escrow_id=e, condition="signed", evidence_id=s.papers[last % 2], origin=by(w))),
        "confirm": (s.third if confirmed else s.buyer, lambda w: commands.confirm(
            escrow_id=e, condition="accepted", origin=by(w))),
        "execute": (s.seller, lambda w: commands.execute(escrow_id=e, origin=by(w))),
        "withdraw": (s.seller, lambda w: commands.withdraw(escrow_id=e, reason="x", origin=by(w))),
        "expire": (s.buyer, lambda w: commands.expire(escrow_id=e, origin=by(w, DUE))),
        "dispute": (s.buyer, lambda w: commands.dispute(escrow_id=e, reason="x", origin=by(w))),
        "settle": (s.judge, lambda w: commands.settle_dispute(
            escrow_id=e, decision="execute", reason="x", origin=by(w))),
    }  # fmt: skip


def bring(s: Scene, state: str) -> None:
    """Do what leads to a state."""
    if state == "NEW":
        return
    agree(s.id, s.third)
    filled = ["deposit", "confirm"]
    path = {
        "DRAFT": [], "FUNDED": filled[:1], "MET": [*filled, "present"], "DISPUTED": [*filled, "present", "dispute"],
        "EXECUTED": [*filled, "present", "execute"], "EXPIRED": ["expire"], "RETURNED": ["withdraw"],
    }[state]  # fmt: skip
    if path and path != ["expire"]:
        fund(s.id, s.buyer, "price", 60_00)
    for act in path:
        who, run = attempts(s)[act]
        run(who)


def stored() -> tuple[Any, ...]:
    tables = (Escrow, Event, Agreement, Deposit, Showing, Confirmation, Outcome, Account)
    return tuple(list(t.objects.order_by("pk").values_list()) for t in tables)


def as_everybody() -> None:
    """Look past row-level security from now on, in this test's own transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('luhai.role', 'system', true)")


@pytest.mark.django_db
@pytest.mark.parametrize("state", EXPECTED)
def test_every_act_in_this_state(state: str) -> None:
    scene = Scene()
    bring(scene, state)
    begun = state_of(scene.id)
    as_everybody()
    before = stored()
    assert begun == ("DRAFT" if state == "NEW" else state)
    for act in (a for a in Act if a is not Act.ARRANGE):
        who, run = attempts(scene)[act]
        with undone():
            expected = EXPECTED[state].get(act, "escrow.act_not_allowed")
            if "." in expected:
                with pytest.raises(Refusal) as refused:
                    run(who)
                assert refused.value.code == expected, (state, act)
                as_everybody()
                assert stored() == before, f"{act} in {state} was refused and changed something"
            else:
                run(who)
                assert state_of(scene.id) == expected, (state, act)
                as_everybody()
                last = Event.objects.filter(escrow_id=scene.id).order_by("-n").first()
                assert last is not None
                assert (last.act, last.after) == (act, expected)
        as_everybody()
        assert stored() == before
        with undone(), pytest.raises(Refusal) as refused:
            run(company())
        assert refused.value.code in {"absent", "not_entitled"}, (state, act)
        as_everybody()
        assert stored() == before, f"a stranger's {act} in {state} changed something"


def test_the_table_says_what_is_written_here() -> None:
    for (state, act), leads in lifecycle.NEXT.items():
        if state is None:
            continue
        said = EXPECTED[state].get(act)
        if said is None or said == "escrow.done_before":
            assert (state, act) == (State.DRAFT, Act.AGREE)
        elif said not in (NOT_MET, HOLDS):
            assert said in [s.value for s in leads], (state, act)
    for state in State:
        for act, said in EXPECTED[state].items():
            assert (state, Act(act)) in lifecycle.NEXT, (state, act, said)
    assert not [pair for pair in lifecycle.NEXT if pair[0] in lifecycle.FINAL]


def test_every_state_act_and_role_has_its_names() -> None:
    assert set(lifecycle.RULES) == set(lifecycle.ACT_NAMES) == set(Act)
    assert set(lifecycle.STATE_NAMES) == set(State)
    assert set(lifecycle.WHO_NAMES) == set(lifecycle.Who)


def test_the_paper_contains_the_diagram_and_the_table() -> None:
    paper = (Path(__file__).parents[5] / "docs" / "diagrams" / "escrow.md").read_text(encoding="utf-8")
    assert lifecycle.diagram() in paper, "write lifecycle.diagram() into docs/diagrams/escrow.md"
    assert lifecycle.table() in paper, "write lifecycle.table() into docs/diagrams/escrow.md"


@pytest.mark.django_db
def test_an_id_is_arranged_once() -> None:
    sale = Sale()
    with pytest.raises(Refusal) as refused:
        commands.arrange(escrow_id=sale.id, terms=sale.terms, origin=by(sale.seller))
    assert refused.value.facts["field"] == "escrow_id"
    assert commands.arrange(escrow_id=(other := uuid4()), terms=sale.terms, origin=by(sale.seller)) == other
