"""Every pair of state and act, written out a second time: what is absent here must be refused and change nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection

from luhai.core.titles import commands, lifecycle, queries
from luhai.core.titles.lifecycle import Act, State
from luhai.core.titles.models import Event, Pledge, Title
from luhai.core.titles.tests import world
from luhai.core.titles.tests.world import NOON, by, id_of
from luhai.kernel.origin import SYSTEM, Actor, Origin, Role
from luhai.kernel.refusal import Refusal
from luhai.shell.command import command

EXPECTED = {
    "ISSUED": {
        "nominate": "ISSUED", "endorse": "ISSUED", "transfer": "ISSUED", "pledge": "PLEDGED", "split": "SPLIT",
        "merge": "MERGED", "surrender": "DELIVERY_ASKED", "surrender_for_amendment": "AMENDMENT_ASKED", "keep": "ISSUED",
        "freeze": "FROZEN", "void": "VOID",
    },
    "GIVEN": {"reject": "ISSUED"},  # ISSUED, just transferred
    "PLEDGED": {
        "nominate": "PLEDGED", "pledge": "PLEDGED", "refuse_pledge": "ISSUED", "release_pledge": "ISSUED", "enforce": "SPLIT", "split": "SPLIT",
        "surrender": "DELIVERY_ASKED", "keep": "PLEDGED", "freeze": "FROZEN", "void": "VOID",
    },
    "DELIVERY_ASKED": {
        "accept_surrender": "DELIVERED", "refuse_surrender": "ISSUED", "freeze": "FROZEN", "void": "VOID",
    },
    "AMENDMENT_ASKED": {
        "accept_surrender": "AMENDING", "refuse_surrender": "ISSUED", "freeze": "FROZEN", "void": "VOID",
    },
    "AMENDING": {"amend": "ISSUED", "to_paper": "PAPER", "freeze": "FROZEN", "void": "VOID"},
    "PAPER": {"to_electronic": "ISSUED", "freeze": "FROZEN", "void": "VOID"},
    "FROZEN": {"unfreeze": "ISSUED", "void": "VOID"},
    "DELIVERED": {}, "SPLIT": {}, "MERGED": {}, "VOID": {},
}  # fmt: skip
ACTS = [a for a in Act if a not in (Act.ISSUE, Act.DERIVE, Act.RETURN)]


@dataclass
class Scene:
    issuer: Actor
    owner: Actor
    bank: Actor
    other: Actor
    clerk: Actor
    second: Actor
    title: UUID
    sibling: UUID


@command(may=[Role.COMPANY, Role.BANK])
def _keep(*, title_id: UUID, keeper: UUID, origin: Origin) -> None:
    """keep_title is part of another's command; here is one."""
    commands.keep_title(title_id=title_id, keeper=keeper, origin=origin)


@command(may=[Role.COMPANY, Role.BANK])
def _return(*, title_id: UUID, keeper: UUID, origin: Origin) -> None:
    """return_title is part of another's command; here is one."""
    commands.return_title(title_id=title_id, keeper=keeper, origin=origin)


KEEPER = UUID(int=77)


def attempts(s: Scene) -> dict[str, tuple[Actor, Callable[[Actor], Any]]]:
    """How each act is done, and by whom if not by a stranger."""
    t, other, bank = s.title, id_of(s.other), id_of(s.bank)
    pledge = Pledge.objects.filter(title_id=t).values_list("pk", flat=True).first() or uuid4()

    def ordered(act: str) -> Callable[[Actor], Any]:
        def run(who: Actor) -> None:
            order = commands.enter_order(
                order_id=uuid4(), title_id=t, act=act, document="(2026)17", reason="x", origin=by(who)
            )
            commands.confirm_order(order_id=order, origin=by(s.second))

        return run

    return {
        "nominate": (s.owner, lambda w: commands.nominate(title_id=t, to=other, origin=by(w))),
        "endorse": (s.owner, lambda w: commands.endorse(title_id=t, to=other, origin=by(w))),
        "transfer": (s.owner, lambda w: commands.transfer_title(title_id=t, to=other, origin=by(w))),
        "reject": (s.owner, lambda w: commands.reject_transfer(title_id=t, origin=by(w))),
        "pledge": (s.owner, lambda w: commands.pledge_title(title_id=t, pledgee=bank, quantity=10, origin=by(w))),
        "refuse_pledge": (s.bank, lambda w: commands.refuse_pledge(title_id=t, pledge=pledge, origin=by(w))),
        "release_pledge": (s.bank, lambda w: commands.release_pledge(title_id=t, pledge=pledge, origin=by(w))),
        "enforce": (
            s.bank,
            lambda w: commands.enforce_pledge(
                title_id=t, pledge=pledge, to=other, ground="sale", document="d", origin=by(w)
            ),
        ),
        "split": (s.owner, lambda w: commands.split_title(title_id=t, parts=[60, 40], origin=by(w))),
        "merge": (s.owner, lambda w: commands.merge_titles(title_id=t, others=[s.sibling], origin=by(w))),
        "surrender": (s.owner, lambda w: commands.surrender_title(
            title_id=t, quantity=50 if Title.objects.get(pk=t).pledged else None, origin=by(w))),
        "surrender_for_amendment": (
            s.owner, lambda w: commands.surrender_title_for_amendment(title_id=t, origin=by(w)),
        ),
        "accept_surrender": (s.issuer, lambda w: commands.accept_surrender(title_id=t, origin=by(w))),
        "refuse_surrender": (s.issuer, lambda w: commands.refuse_surrender(title_id=t, reason="r", origin=by(w))),
        "amend": (
            s.issuer, lambda w: commands.amend_title(title_id=t, content={"a": 1}, statement="a", origin=by(w)),
        ),
        "to_paper": (
            s.issuer, lambda w: commands.convert_to_paper(title_id=t, paper_no="P1", statement="s", origin=by(w)),
        ),
        "to_electronic": (
            s.issuer,
            lambda w: commands.convert_from_paper(title_id=t, paper_no="P1", to=other, statement="s", origin=by(w)),
        ),
        "keep": (s.owner, lambda w: _keep(title_id=t, keeper=KEEPER, origin=by(w))),
        "freeze": (s.clerk, ordered("freeze")), "unfreeze": (s.clerk, ordered("unfreeze")),
        "void": (s.clerk, ordered("void")),
    }  # fmt: skip


@pytest.fixture
def scene(db: None) -> Scene:
    issuer, owner, other, bank = world.company(), world.company(), world.company(), world.bank()
    whole = world.title(issuer, owner, quantity=200)
    a, b = commands.split_title(title_id=whole, parts=[100, 100], origin=by(owner))
    clerk = world.official()
    return Scene(issuer, owner, bank, other, clerk, world.official(Role.SUPERVISOR), UUID(a), UUID(b))


def bring(s: Scene, state: str) -> None:
    """Do what leads to a state."""
    path = {
        "ISSUED": [], "PLEDGED": ["pledge"], "DELIVERY_ASKED": ["surrender"], "AMENDMENT_ASKED": ["surrender_for_amendment"],
        "AMENDING": ["surrender_for_amendment", "accept_surrender"],
        "PAPER": ["surrender_for_amendment", "accept_surrender", "to_paper"], "FROZEN": ["freeze"],
        "DELIVERED": ["surrender", "accept_surrender"], "SPLIT": ["split"], "MERGED": ["merge"], "VOID": ["void"],
    }  # fmt: skip
    if state == "GIVEN":
        commands.transfer_title(
            title_id=s.title, to=id_of(s.other), beneficiary=id_of(s.other), origin=by(s.owner)
        )
        s.owner, s.other = s.other, s.owner
        return
    for act in path[state]:
        who, run = attempts(s)[act]
        run(who)


@contextmanager
def undone() -> Iterator[None]:
    """Do something, see that the constraints at commit hold too, and take it back."""
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT undone")
        try:
            yield
            connection.check_constraints()
        finally:
            cursor.execute("ROLLBACK TO SAVEPOINT undone")


def stored() -> tuple[Any, ...]:
    titles = Title.objects.order_by("id").values_list()
    return list(titles), list(Event.objects.order_by("pk").values_list()), list(Pledge.objects.order_by("id").values_list())


def state_of(title: UUID) -> str:
    return Title.objects.get(pk=title).state


@pytest.mark.parametrize("state", EXPECTED)
def test_every_act_in_this_state(scene: Scene, state: str) -> None:
    bring(scene, state)
    as_everybody()
    begun, before = state_of(scene.title), stored()
    assert begun == ("ISSUED" if state == "GIVEN" else state)
    for act in ACTS:
        if state == "GIVEN" and act is not Act.REJECT:
            continue
        who, run = attempts(scene)[act]
        with undone():
            expected = EXPECTED[state].get(act)
            if expected is None:
                with pytest.raises(Refusal) as refused:
                    run(who)
                kept = {"titles.act_not_allowed", "titles.nothing_to_reject", "absent", "not_entitled"}
                assert refused.value.code in kept, (state, act)
                as_everybody()
                assert stored() == before, f"{act} in {state} was refused and changed something"
            else:
                run(who)
                as_everybody()
                assert state_of(scene.title) == expected, (state, act)
                assert Event.objects.filter(title_id=scene.title).order_by("-n").first().act == act
        as_everybody()
        assert stored() == before
        pledgees = ("refuse_pledge", "release_pledge", "enforce", "keep")  # a pledgee may hand its authority to an escrow
        for stranger in (scene.other if act in pledgees else scene.bank, world.company()):
            with undone(), pytest.raises(Refusal) as refused:
                run(stranger)
            assert refused.value.code in {"absent", "not_entitled", "not_permitted"}, (state, act)
        as_everybody()
        assert stored() == before, f"a stranger's {act} in {state} changed something"


def as_everybody() -> None:
    """Look past row-level security from now on, in this test's own transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('luhai.role', 'system', true)")


def test_the_table_says_what_is_written_here() -> None:
    """The states that the table allows beyond the ones above are those that depend on quantities."""
    for (state, act), leads in lifecycle.NEXT.items():
        if state is None or act is Act.RETURN:
            continue
        if (state, act) in {
            (State.ISSUED, Act.REJECT), (State.DELIVERY_ASKED, Act.REFUSE_PLEDGE), (State.DELIVERY_ASKED, Act.RELEASE_PLEDGE),
            (State.FROZEN, Act.UNFREEZE),
        }:
            continue
        assert EXPECTED[state].get(act) in [s.value for s in leads], (state, act)
    for state, acts in EXPECTED.items():
        for act in acts:
            assert (State("ISSUED" if state == "GIVEN" else state), Act(act)) in lifecycle.NEXT


def test_every_act_has_its_rule_and_its_names() -> None:
    for act in Act:
        rule = lifecycle.RULES[act]
        assert rule.source
        assert rule.writes
        assert lifecycle.ACT_NAMES[act]
    assert set(lifecycle.STATE_NAMES) == set(State)
    assert set(lifecycle.WHO_NAMES) == set(lifecycle.Who)


def test_the_paper_contains_the_diagram_and_the_table() -> None:
    paper = (Path(__file__).parents[5] / "docs" / "algorithms" / "title-life.md").read_text(encoding="utf-8")
    assert lifecycle.diagram() in paper, "write lifecycle.diagram() into docs/algorithms/title-life.md"
    assert lifecycle.table() in paper, "write lifecycle.table() into docs/algorithms/title-life.md"


def test_what_depends_on_quantities(scene: Scene) -> None:
    """Partial release, partial delivery beside a pledge, a pledge of the whole enforced, freezing a pledged title."""
    t, owner, bank, issuer = scene.title, scene.owner, scene.bank, scene.issuer
    pledge = commands.pledge_title(title_id=t, pledgee=id_of(bank), quantity=70, origin=by(owner))
    commands.surrender_title(title_id=t, quantity=20, origin=by(owner))
    commands.release_pledge(title_id=t, pledge=pledge, quantity=10, origin=by(bank))
    assert queries.title(title_id=t, viewer=owner).state == "DELIVERY_ASKED"
    commands.accept_surrender(title_id=t, origin=by(issuer))
    seen = queries.title(title_id=t, viewer=owner)
    assert (seen.state, seen.quantity, seen.delivered, seen.pledged) == ("PLEDGED", 80, 20, 60)
    commands.release_pledge(title_id=t, pledge=pledge, quantity=10, origin=by(bank))
    assert queries.title(title_id=t, viewer=owner).state == "PLEDGED"
    attempts(scene)["freeze"][1](scene.clerk)
    attempts(scene)["unfreeze"][1](scene.clerk)
    assert queries.title(title_id=t, viewer=owner).state == "PLEDGED"
    commands.pledge_title(title_id=t, pledgee=id_of(world.bank()), origin=by(owner))
    assert queries.title(title_id=t, viewer=owner).pledged == 80
    done = commands.enforce_pledge(
        title_id=t, pledge=pledge, to=id_of(scene.other), ground="auction", document="17", origin=by(bank)
    )
    acquired = queries.title(title_id=done, viewer=scene.other)
    assert (acquired.quantity, acquired.holder_id, acquired.pledged) == (50, id_of(scene.other), 0)
    (rest,) = [p for p in queries.title(title_id=t, viewer=owner).parts if p != done]
    left = queries.title(title_id=rest, viewer=owner)
    assert (left.state, left.quantity, left.pledged, left.holder_id) == ("PLEDGED", 30, 30, id_of(owner))
    connection.check_constraints()


def test_a_frozen_title_thaws_to_what_it_was(scene: Scene) -> None:
    for state in ("PLEDGED", "DELIVERY_ASKED", "AMENDMENT_ASKED", "AMENDING", "PAPER"):
        with undone():
            bring(scene, state)
            attempts(scene)["freeze"][1](scene.clerk)
            attempts(scene)["unfreeze"][1](scene.clerk)
            assert queries.title(title_id=scene.title, viewer=scene.issuer).state == state


def test_an_order_needs_two_people_and_happens_once(scene: Scene) -> None:
    order = commands.enter_order(
        order_id=uuid4(), title_id=scene.title, act="freeze", document="17", reason="x", origin=by(scene.clerk)
    )
    for who, code in [(scene.clerk, "titles.same_person"), (scene.owner, "not_permitted")]:
        with pytest.raises(Refusal) as refused:
            commands.confirm_order(order_id=order, origin=by(who))
        assert refused.value.code == code
    assert queries.title(title_id=scene.title, viewer=scene.owner).state == "ISSUED"
    commands.confirm_order(order_id=order, origin=by(world.colleague(scene.clerk)))
    with pytest.raises(Refusal) as refused:
        commands.confirm_order(order_id=order, origin=by(scene.second))
    assert refused.value.code == "titles.already_confirmed"
    assert [o.document for o in queries.orders(title_id=scene.title, viewer=scene.owner)] == ["17"]
    assert queries.orders(viewer=SYSTEM)[0].entered_at == NOON
