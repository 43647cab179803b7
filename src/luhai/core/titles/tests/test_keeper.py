"""What escrows stand on: a title that is kept is acted on by nobody else, with the authority of those who handed it over."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from luhai.core.titles import chain, commands, policy, queries
from luhai.core.titles.tests import world
from luhai.core.titles.tests.test_lifecycle import undone
from luhai.core.titles.tests.world import by, id_of
from luhai.kernel.origin import SYSTEM, Actor, Origin, Role
from luhai.kernel.refusal import Absent, Invalid, NotEntitled, Refusal
from luhai.shell.command import command

pytestmark = pytest.mark.django_db

ESCROW, RIVAL = UUID(int=71), UUID(int=72)


@command(may=[Role.COMPANY, Role.BANK])
def _deposit(*, title_id: UUID, keeper: UUID, origin: Origin) -> None:
    """A command of a floor above that keeps a title."""
    commands.keep_title(title_id=title_id, keeper=keeper, origin=origin)


@command(may=[Role.COMPANY, Role.BANK])
def _execute(*, title_id: UUID, keeper: UUID, acts: list[tuple[str, dict[str, Any]]], origin: Origin) -> list[str]:
    """A command of a floor above that acts, and gives back."""
    made: list[UUID] = []
    for act, details in acts:
        made = commands.act_as_keeper(title_id=title_id, keeper=keeper, act=act, details=details, origin=origin)
    for title in made or [title_id]:
        commands.return_title(title_id=title, keeper=keeper, origin=origin)
    return [str(m) for m in made]


def keep(title: UUID, who: Actor, keeper: UUID = ESCROW) -> None:
    _deposit(title_id=title, keeper=keeper, origin=by(who))


def execute(title: UUID, *acts: tuple[str, dict[str, Any]], who: Actor = SYSTEM, keeper: UUID = ESCROW) -> list[str]:
    return _execute(title_id=title, keeper=keeper, acts=list(acts), origin=by(who))  # type: ignore[no-any-return]


@pytest.fixture
def cast() -> Any:
    issuer, owner, buyer, bank = world.company(), world.company(), world.company(), world.bank()
    return issuer, owner, buyer, bank, world.title(issuer, owner)


def test_while_it_is_kept_nobody_else_acts(cast: Any) -> None:
    _issuer, owner, buyer, bank, title = cast
    pledge = commands.pledge_title(title_id=title, pledgee=id_of(bank), quantity=10, origin=by(owner))
    keep(title, owner)
    assert queries.title(title_id=title, viewer=owner).keeper == ESCROW
    assert queries.title(title_id=title, viewer=owner).may == ()
    for run in (
        lambda: commands.transfer_title(title_id=title, to=id_of(buyer), origin=by(owner)),
        lambda: commands.split_title(title_id=title, parts=[500, 500], origin=by(owner)),
        lambda: commands.release_pledge(title_id=title, pledge=pledge, origin=by(bank)),
        lambda: commands.surrender_title(title_id=title, quantity=5, origin=by(owner)),
        lambda: keep(title, owner, RIVAL),
        lambda: keep(title, bank, RIVAL),
    ):
        with undone(), pytest.raises(policy.Kept):
            run()
    for run in (
        lambda: execute(title, keeper=RIVAL),
        lambda: execute(title, ("surrender", {"quantity": 1}), keeper=RIVAL),
        lambda: keep(title, buyer),
    ):
        with undone(), pytest.raises((NotEntitled, Absent)):
            run()
    execute(title)
    assert queries.title(title_id=title, viewer=owner).keeper is None


def test_control_moves_with_the_holders_authority(cast: Any) -> None:
    issuer, owner, buyer, bank, title = cast
    keep(title, owner)
    execute(
        title, ("transfer", {"to": id_of(buyer), "beneficiary": id_of(buyer)}), ("pledge", {"pledgee": id_of(bank)}),
        who=issuer,
    )  # fmt: skip
    seen = queries.title(title_id=title, viewer=buyer)
    assert (seen.holder_id, seen.beneficiary_id, seen.state, seen.keeper) == (id_of(buyer),) * 2 + ("PLEDGED", None)
    assert seen.pledges[0].pledgor_id == id_of(buyer)
    assert [e.act for e in queries.events(title_id=title, viewer=buyer)] == ["issue", "keep", "transfer", "pledge", "return"]
    assert [e.by.id for e in queries.events(title_id=title, viewer=buyer)][2:4] == [id_of(owner), id_of(buyer)]
    with pytest.raises(Absent):
        queries.title(title_id=title, viewer=owner)  # whoever set the escrow off sees no more than before
    assert chain.verify(queries.export(title_id=title, viewer=buyer)).ok


def test_a_pledgees_authority_is_over_its_own_pledge(cast: Any) -> None:
    _issuer, owner, _buyer, bank, title = cast
    rival = world.bank()
    mine = commands.pledge_title(title_id=title, pledgee=id_of(bank), quantity=600, origin=by(owner))
    other = commands.pledge_title(title_id=title, pledgee=id_of(rival), quantity=100, origin=by(owner))
    keep(title, bank)
    for act in (
        ("release_pledge", {"pledge": other}), ("surrender", {"quantity": 1}), ("split", {"parts": [800, 200]}),
    ):  # fmt: skip
        with undone(), pytest.raises(NotEntitled):
            execute(title, act)
    keep(title, owner)  # to the same escrow
    execute(title, ("release_pledge", {"pledge": mine, "quantity": 200}), ("split", {"parts": [500, 500]}))
    parts = queries.title(title_id=title, viewer=owner).parts
    first, second = (queries.title(title_id=p, viewer=owner) for p in parts)
    assert (first.pledged, second.pledged, first.keeper, second.keeper) == (500, 0, None, None)


def test_parts_are_kept_on_for_the_same_owner(cast: Any) -> None:
    _issuer, owner, buyer, _bank, title = cast
    keep(title, owner)

    @command(may=[Role.COMPANY])
    def _in_two(*, origin: Origin) -> list[str]:
        """Split under escrow, then pass one part on."""
        a, b = commands.act_as_keeper(
            title_id=title, keeper=ESCROW, act="split", details={"parts": [400, 600]}, origin=origin
        )
        commands.act_as_keeper(
            title_id=a, keeper=ESCROW, act="transfer", details={"to": id_of(buyer), "beneficiary": id_of(buyer)},
            origin=origin,
        )  # fmt: skip
        for part in (a, b):
            commands.return_title(title_id=part, keeper=ESCROW, origin=origin)
        commands.return_title(title_id=title, keeper=ESCROW, origin=origin)  # it has ended: nothing to return
        return [str(a), str(b)]

    a, b = _in_two(origin=by(SYSTEM))
    assert queries.title(title_id=UUID(a), viewer=buyer).holder_id == id_of(buyer)
    assert queries.title(title_id=UUID(b), viewer=owner).quantity == 600


def test_a_court_reaches_a_kept_title(cast: Any) -> None:
    _issuer, owner, buyer, _bank, title = cast
    keep(title, owner)
    one, two = world.official(), world.official(Role.SUPERVISOR)

    def order(act: str) -> None:
        entered = commands.enter_order(
            order_id=uuid4(), title_id=title, act=act, document="17", reason="x", origin=by(one)
        )
        commands.confirm_order(order_id=entered, origin=by(two))

    order("freeze")
    with undone(), pytest.raises(policy.ActNotAllowed):
        execute(title, ("transfer", {"to": id_of(buyer)}))
    with undone():
        execute(title)  # given back, frozen as it is
        assert queries.title(title_id=title, viewer=owner).state == "FROZEN"
    order("void")
    execute(title)
    assert queries.title(title_id=title, viewer=owner).keeper is None


def test_what_a_keeper_cannot_ask(cast: Any) -> None:
    _issuer, owner, buyer, _bank, title = cast
    keep(title, owner)
    for act, details, code in (
        ("void", {}, "invalid"), ("accept_surrender", {}, "invalid"), ("nonsense", {}, "invalid"),
        ("transfer", {}, "invalid"), ("transfer", {"to": "x"}, "invalid"), ("transfer", {"to": id_of(buyer), "y": 1}, "invalid"),
        ("release_pledge", {"pledge": uuid4()}, "absent"), ("surrender", {"quantity": 10**6}, "titles.not_free"),
    ):  # fmt: skip
        with undone(), pytest.raises(Refusal) as refused:
            execute(title, (act, details))
        assert refused.value.code == code, (act, details)
    with undone(), pytest.raises(Invalid):
        keep(title, owner, "x")  # type: ignore[arg-type]
