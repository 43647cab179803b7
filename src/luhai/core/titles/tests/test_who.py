"""Who may do what: each act × each relation to the title, and what TradeTrust's rules say about nominees and rejections."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from luhai.core.titles import commands, policy, queries
from luhai.core.titles.lifecycle import RULES, Act, Who
from luhai.core.titles.tests import world
from luhai.core.titles.tests.test_lifecycle import undone
from luhai.core.titles.tests.world import by, id_of
from luhai.kernel.origin import Actor, Role
from luhai.kernel.refusal import Absent, NotEntitled, Refusal

pytestmark = pytest.mark.django_db

#: act -> who may, where holder and beneficiary are two parties (TradeTrust's bank in possession).
APART = {
    "nominate": {"beneficiary"}, "endorse": {"holder"}, "transfer": {"holder"}, "reject": {"holder", "beneficiary"},
    "pledge": set(), "split": set(), "surrender": set(), "surrender_for_amendment": set(),
    "accept_surrender": {"issuer"}, "refuse_surrender": {"issuer"}, "amend": {"issuer"}, "to_paper": {"issuer"},
    "to_electronic": {"issuer"},
}  # fmt: skip


@pytest.fixture
def cast() -> dict[str, Actor]:
    """A document whose beneficiary has nominated somebody; control lies with another, who has it from a third."""
    made = {
        "issuer": world.company(), "beneficiary": world.company(), "holder": world.bank(), "nominee": world.company(),
        "former": world.company(), "stranger": world.company(), "rival": world.bank(role=Role.PARTNER),
    }  # fmt: skip
    title = world.title(
        made["issuer"], made["former"], "transport_document", beneficiary_id=id_of(made["beneficiary"])
    )
    commands.transfer_title(title_id=title, to=id_of(made["holder"]), origin=by(made["former"]))
    commands.nominate(title_id=title, to=id_of(made["nominee"]), origin=by(made["beneficiary"]))
    return made | {"title": title}  # type: ignore[dict-item]


def do(act: str, title: Any, who: Actor, to: Actor) -> Any:
    o = by(who)
    return {
        "nominate": lambda: commands.nominate(title_id=title, to=id_of(to), origin=o),
        "endorse": lambda: commands.endorse(title_id=title, to=id_of(to), origin=o),
        "transfer": lambda: commands.transfer_title(title_id=title, to=id_of(to), origin=o),
        "reject": lambda: commands.reject_transfer(title_id=title, origin=o),
        "pledge": lambda: commands.pledge_title(title_id=title, pledgee=id_of(to), origin=o),
        "split": lambda: commands.split_title(title_id=title, parts=[400, 600], origin=o),
        "surrender": lambda: commands.surrender_title(title_id=title, origin=o),
        "surrender_for_amendment": lambda: commands.surrender_title_for_amendment(title_id=title, origin=o),
        "accept_surrender": lambda: commands.accept_surrender(title_id=title, origin=o),
        "refuse_surrender": lambda: commands.refuse_surrender(title_id=title, reason="r", origin=o),
        "amend": lambda: commands.amend_title(title_id=title, content={"a": 1}, statement="s", origin=o),
        "to_paper": lambda: commands.convert_to_paper(title_id=title, paper_no="1", statement="s", origin=o),
        "to_electronic": lambda: commands.convert_from_paper(
            title_id=title, paper_no="1", to=id_of(to), statement="s", origin=o
        ),
    }[act]()  # fmt: skip


@pytest.mark.parametrize("act", APART)
def test_each_act_by_each_party(cast: dict[str, Any], act: str) -> None:
    title = cast["title"]
    for name in ("issuer", "beneficiary", "holder", "nominee", "former", "stranger", "rival"):
        to = cast["nominee"] if act == "endorse" else cast["stranger"] if act == "nominate" else cast["former"]
        with undone():
            try:
                do(act, title, cast[name], to)
                answer = "done"
            except Refusal as refusal:
                answer = refusal.code
        unseen = name in {"stranger", "rival"}
        if unseen:
            assert answer == "absent", (act, name)
        elif name not in APART[act]:
            # who gave control away still sees the title, since it may come back, but has no say in it
            assert answer in {"not_entitled", "absent"}, (act, name)
        elif act in {"nominate", "endorse", "transfer"} or (act == "reject" and name == "holder"):
            assert answer == "done", (act, name)
        else:
            assert answer in {"titles.act_not_allowed", "titles.nothing_to_reject"}, (act, name, answer)


def test_every_other_role_is_turned_away(cast: dict[str, Any]) -> None:
    title = cast["title"]
    for role in (Role.PROVINCE, Role.SUPERVISOR, Role.OPERATOR):
        for act in APART:
            with undone(), pytest.raises(Refusal) as refused:
                do(act, title, world.official(role), cast["former"])
            assert refused.value.code == "not_permitted"
    for role in (Role.PROVINCE,):
        with pytest.raises(Absent):
            queries.title(title_id=title, viewer=world.official(role))
    for role in (Role.SUPERVISOR, Role.OPERATOR):
        assert queries.title(title_id=title, viewer=world.official(role)).may == ()


def test_what_may_be_done_next_is_what_may_be_done(cast: dict[str, Any]) -> None:
    title = cast["title"]
    assert queries.title(title_id=title, viewer=cast["holder"]).may == (Act.ENDORSE, Act.TRANSFER, Act.REJECT)
    assert queries.title(title_id=title, viewer=cast["beneficiary"]).may == (Act.NOMINATE,)
    assert queries.title(title_id=title, viewer=cast["nominee"]).may == ()


def test_a_holder_endorses_only_to_the_nominee(cast: dict[str, Any]) -> None:
    title, holder = cast["title"], cast["holder"]
    with pytest.raises(policy.NotNominated):
        commands.endorse(title_id=title, to=id_of(cast["stranger"]), origin=by(holder))
    with pytest.raises(policy.NotNominated):
        commands.endorse(title_id=title, manner="in_blank", origin=by(holder))
    with pytest.raises(policy.NotNominated):
        commands.transfer_title(
            title_id=title, to=id_of(cast["stranger"]), beneficiary=id_of(cast["stranger"]), origin=by(holder)
        )
    commands.transfer_title(
        title_id=title, to=id_of(cast["nominee"]), beneficiary=id_of(cast["nominee"]), origin=by(holder)
    )
    seen = queries.title(title_id=title, viewer=cast["nominee"])
    assert seen.holder_id == seen.beneficiary_id == id_of(cast["nominee"])
    assert seen.nominee_id is None


def test_both_parts_of_a_transfer_are_rejected_together_and_at_once() -> None:
    issuer, a, b = (world.company() for _ in range(3))
    title = world.title(issuer, a)

    def give() -> None:
        commands.transfer_title(title_id=title, to=id_of(b), beneficiary=id_of(b), origin=by(a))

    give()
    commands.reject_transfer(title_id=title, origin=by(b))
    seen = queries.title(title_id=title, viewer=a)
    assert (seen.holder_id, seen.beneficiary_id, seen.form) == (id_of(a), id_of(a), "TO_ORDER")
    with pytest.raises((Absent, NotEntitled)):
        commands.reject_transfer(title_id=title, origin=by(b))
    give()
    commands.nominate(title_id=title, to=id_of(a), origin=by(b))  # to act is to accept
    with pytest.raises(policy.NothingToReject):
        commands.reject_transfer(title_id=title, origin=by(b))


def test_a_rejected_endorsement_in_blank_and_a_bearer() -> None:
    issuer, a, b, c = (world.company() for _ in range(4))
    title = world.title(issuer, a, "transport_document")
    commands.endorse(title_id=title, manner="in_blank", origin=by(a))
    commands.transfer_title(title_id=title, to=id_of(b), origin=by(a))
    seen = queries.title(title_id=title, viewer=b)
    assert (seen.holder_id, seen.beneficiary_id, seen.form) == (id_of(b), id_of(b), "BLANK"), "possession suffices"
    commands.reject_transfer(title_id=title, origin=by(b))
    assert queries.title(title_id=title, viewer=a).beneficiary_id == id_of(a)
    commands.transfer_title(title_id=title, to=id_of(b), origin=by(a))
    commands.endorse(title_id=title, manner="named", to=id_of(c), origin=by(b))
    assert queries.title(title_id=title, viewer=c).form == "STRAIGHT"
    commands.transfer_title(title_id=title, to=id_of(c), origin=by(b))
    for again in (
        lambda: commands.endorse(title_id=title, to=id_of(a), origin=by(c)),
        lambda: commands.transfer_title(title_id=title, to=id_of(a), origin=by(c)),
        lambda: commands.pledge_title(title_id=title, pledgee=id_of(world.bank()), origin=by(c)),
    ):
        with pytest.raises(policy.NotTransferable):
            again()
    commands.surrender_title(title_id=title, origin=by(c))


def test_a_straight_waybill_goes_to_its_consignee_alone() -> None:
    issuer, shipper, consignee = (world.company() for _ in range(3))
    about = world.subject("transport_document", document="waybill")
    title = world.title(
        issuer, shipper, "transport_document", about=about, form="STRAIGHT", beneficiary_id=id_of(consignee)
    )
    with pytest.raises(policy.NotTransferable):
        commands.transfer_title(title_id=title, to=id_of(world.company()), origin=by(shipper))
    commands.transfer_title(title_id=title, to=id_of(consignee), origin=by(shipper))
    commands.surrender_title(title_id=title, origin=by(consignee))
    commands.accept_surrender(title_id=title, origin=by(issuer))


def test_a_voucher_is_traded_and_does_not_return_to_who_owes_it() -> None:
    core, supplier, next_tier = (world.company() for _ in range(3))
    title = world.title(core, supplier, "receivable_voucher")
    with pytest.raises(policy.NeedsEvidence):
        commands.transfer_title(
            title_id=title, to=id_of(next_tier), beneficiary=id_of(next_tier), origin=by(supplier)
        )
    with pytest.raises(policy.BackToIssuer):
        commands.transfer_title(
            title_id=title, to=id_of(core), beneficiary=id_of(core), evidence="INV 7", origin=by(supplier)
        )
    commands.transfer_title(
        title_id=title, to=id_of(next_tier), beneficiary=id_of(next_tier), evidence="INV 7", origin=by(supplier)
    )
    with pytest.raises(Refusal) as refused:
        world.title(core, core, "receivable_voucher")
    assert refused.value.facts["field"] == "holder_id"


def test_no_forfeiture() -> None:
    issuer, owner, bank, buyer = world.company(), world.company(), world.bank(), world.company()
    title = world.title(issuer, owner)
    pledge = commands.pledge_title(title_id=title, pledgee=id_of(bank), origin=by(owner))

    def enforce(to: Actor, ground: str) -> Any:
        return commands.enforce_pledge(
            title_id=title, pledge=pledge, to=id_of(to), ground=ground, document="17", origin=by(bank)
        )

    with pytest.raises(policy.NoForfeiture):
        enforce(bank, "sale")
    with pytest.raises(Absent):
        commands.enforce_pledge(
            title_id=title, pledge=uuid4(), to=id_of(buyer), ground="sale", document="17", origin=by(bank)
        )
    with undone():
        assert enforce(bank, "agreed_value") == title
        assert queries.title(title_id=title, viewer=bank).holder_id == id_of(bank)
    assert enforce(buyer, "sale") == title
    seen = queries.title(title_id=title, viewer=buyer)
    assert (seen.holder_id, seen.beneficiary_id, seen.state, seen.pledged) == (id_of(buyer),) * 2 + ("ISSUED", 0)


def test_one_pledgee_cannot_touch_the_pledge_of_another() -> None:
    issuer, owner, bank, rival = world.company(), world.company(), world.bank(), world.bank()
    title = world.title(issuer, owner)
    mine = commands.pledge_title(title_id=title, pledgee=id_of(bank), quantity=400, origin=by(owner))
    commands.pledge_title(title_id=title, pledgee=id_of(rival), quantity=600, origin=by(owner))
    with pytest.raises(NotEntitled):
        commands.release_pledge(title_id=title, pledge=mine, origin=by(rival))
    with pytest.raises(policy.NotFree):
        commands.pledge_title(title_id=title, pledgee=id_of(rival), quantity=1, origin=by(owner))
    with pytest.raises(policy.NotFree):
        commands.surrender_title(title_id=title, quantity=1, origin=by(owner))
    for pledgee in (world.company(), issuer):
        with pytest.raises(Refusal) as refused:
            commands.pledge_title(title_id=title, pledgee=id_of(pledgee), quantity=1, origin=by(owner))
        assert refused.value.code in {"titles.not_free", "invalid"}


def test_an_unknown_party_is_named_by_its_field() -> None:
    issuer, owner = world.company(), world.company()
    title = world.title(issuer, owner)
    for field, run in {
        "to": lambda: commands.transfer_title(title_id=title, to=uuid4(), origin=by(owner)),
        "beneficiary": lambda: commands.transfer_title(
            title_id=title, to=id_of(issuer), beneficiary=uuid4(), origin=by(owner)
        ),
        "pledgee": lambda: commands.pledge_title(title_id=title, pledgee=uuid4(), origin=by(owner)),
        "holder_id": lambda: commands.issue_title(
            title_id=uuid4(), kind="warehouse_receipt", holder_id=uuid4(), subject=world.subject("warehouse_receipt"),
            quantity=5, unit="TNE", origin=by(issuer),
        ),
    }.items():  # fmt: skip
        with undone(), pytest.raises(Refusal) as refused:
            run()
        assert (refused.value.code, refused.value.facts["field"]) == ("invalid", field)


def test_relations_are_what_the_table_asks_for() -> None:
    assert {rule.who for rule in RULES.values()} <= set(Who)
