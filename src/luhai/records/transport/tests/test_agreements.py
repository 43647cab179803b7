"""The agreement that makes a document the only delivery voucher: who must sign it, and what rests on it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest

from luhai.core.titles import chain
from luhai.core.titles import commands as titles
from luhai.core.titles.tests import world as titles_world
from luhai.kernel.refusal import Refusal
from luhai.records.transport import commands, queries
from luhai.records.transport.lifecycle import NEXT, Act, State
from luhai.records.transport.tests import world
from luhai.records.transport.tests.world import NOON, by, id_of

pytestmark = pytest.mark.django_db


def refused(call: Any) -> str:
    with pytest.raises(Refusal) as no:
        call()
    return str(no.value.code)


def state(key: Any, actor: Any) -> State:
    return queries.agreement(agreement_id=key, viewer=actor).state


def test_it_is_in_force_when_all_have_signed() -> None:
    c = world.corridor()
    key = world.proposed(c)
    everybody = [c.shipper, c.buyer, c.bank, c.station]
    for n, actor in enumerate(everybody, 2):
        assert state(key, actor) is State.PROPOSED
        assert queries.agreement(agreement_id=key, viewer=actor).to_sign
        commands.sign_agreement(agreement_id=key, digest=world.digest(key, actor), origin=by(actor))
        signatories = queries.agreement(agreement_id=key, viewer=actor).signatories
        assert sum(s.signed_at is not None for s in signatories) == n
    assert state(key, c.carrier) is State.IN_FORCE


def test_only_its_parties_see_and_sign_it() -> None:
    c, other = world.corridor(), titles_world.company()
    key = world.proposed(c)
    assert queries.agreements(viewer=other) == []
    assert refused(lambda: queries.agreement(agreement_id=key, viewer=other)) == "absent"
    sign = lambda actor, digest: commands.sign_agreement(agreement_id=key, digest=digest, origin=by(actor))  # noqa: E731
    assert refused(lambda: sign(other, world.digest(key, c.bank))) == "absent"
    assert refused(lambda: sign(c.bank, "0" * 64)) == "transport.other_words"
    assert refused(lambda: sign(c.carrier, world.digest(key, c.carrier))) == "transport.already_signed"


def test_a_signature_with_a_key_is_checked() -> None:
    c = world.corridor()
    key, pair = world.proposed(c), chain.new_key("ed25519")
    registered = titles.register_key(
        key_id=uuid4(), profile="ed25519", public=pair.public, name="desk", origin=by(c.bank)
    )
    digest = world.digest(key, c.bank)
    wrong = {"key_id": str(registered), "signature": chain.sign(pair, b"other words")}
    right = {"key_id": str(registered), "signature": chain.sign(pair, digest.encode())}
    for actor, mark in ((c.bank, wrong), (c.shipper, right)):
        call = lambda actor=actor, mark=mark: commands.sign_agreement(  # noqa: E731
            agreement_id=key, digest=digest, signature=mark, origin=by(actor)
        )
        assert refused(call) == "titles.wrong_signature"
    commands.sign_agreement(agreement_id=key, digest=digest, signature=right, origin=by(c.bank))
    found = queries.agreement(agreement_id=key, viewer=c.bank).signatories
    assert [s.signed_with for s in found if s.party.id == id_of(c.bank)] == ["ed25519"]


@pytest.mark.parametrize("missing", ["carrier", "consignor", "consignee+bank"])
def test_somebody_of_each_side_must_be_among_them(missing: str) -> None:
    c = world.corridor()
    kept = {k: r for k, r in world.roles(c).items() if r not in missing.split("+")}
    kept |= {str(id_of(titles_world.company())): "warehouse", str(id_of(titles_world.company())): "guarantor"}
    proposer = c.station
    call = lambda: commands.propose_agreement(  # noqa: E731
        agreement_id=uuid4(),
        number="X",
        text="t",
        parties_=kept,
        starts_on=date(2026, 1, 1),
        origin=by(proposer),
    )
    assert refused(call) == "invalid"


def test_a_new_version_replaces_the_old_when_all_have_signed_it() -> None:
    c = world.corridor()
    first = world.signed(c)
    assert (
        refused(lambda: world.proposed(c)) == "invalid"
    )  # the number is used; a version says what it replaces
    second = world.proposed(c, replaces=first)
    assert (state(first, c.bank), state(second, c.bank)) == (State.IN_FORCE, State.PROPOSED)
    for actor in (c.shipper, c.buyer, c.bank, c.station):
        commands.sign_agreement(agreement_id=second, digest=world.digest(second, actor), origin=by(actor))
    assert (state(first, c.bank), state(second, c.bank)) == (State.REPLACED, State.IN_FORCE)
    assert queries.agreement(agreement_id=second, viewer=c.bank).version == 2


@pytest.mark.parametrize("now", list(State))
@pytest.mark.parametrize("act", [Act.SIGN, Act.DECLINE, Act.END])
def test_every_pair_of_state_and_act(now: State, act: Act) -> None:
    c = world.corridor()
    key = world.proposed(c) if now in (State.PROPOSED, State.DECLINED) else world.signed(c)
    if now is State.DECLINED:
        commands.decline_agreement(agreement_id=key, reason="no", origin=by(c.bank))
    elif now is State.ENDED:
        commands.end_agreement(agreement_id=key, reason="over", origin=by(c.bank))
    elif now is State.REPLACED:
        world.signed(c, replaces=key)
    do = {
        Act.SIGN: lambda: commands.sign_agreement(agreement_id=key, digest=world.digest(key, c.bank), origin=by(c.bank)),
        Act.DECLINE: lambda: commands.decline_agreement(agreement_id=key, reason="no", origin=by(c.bank)),
        Act.END: lambda: commands.end_agreement(agreement_id=key, reason="no", origin=by(c.carrier)),
    }[act]  # fmt: skip
    if (now, act) in NEXT:
        do()
        assert state(key, c.bank) in NEXT[now, act]
    else:
        assert refused(do) == "transport.not_allowed"


# --- documents rest on it -------------------------------------------------------------------------------------------


def test_a_negotiable_railway_document_needs_one() -> None:
    c = world.corridor()
    issue = lambda key, **changes: commands.issue_document(  # noqa: E731
        title_id=uuid4(),
        content=world.bill(c, **changes),
        holder_id=id_of(c.shipper),
        agreement_id=key,
        origin=by(c.carrier),
    )
    assert refused(lambda: issue(None)) == "transport.agreement_needed"
    assert refused(lambda: issue(world.proposed(c))) == "transport.agreement_not_in_force"
    assert issue(None, document="ocean_bill", agreement=None)  # by sea alone, law says what it is
    assert issue(None, document="waybill", agreement=None)  # a waybill passes to nobody
    signed = world.signed(c, "AG-2")
    assert refused(lambda: issue(signed)) == "invalid"  # the document names another number
    assert issue(signed, agreement="ag 2")


def test_its_days_and_its_end_count() -> None:
    c = world.corridor()
    key = world.signed(c, ends_on=date(2026, 3, 3))
    assert world.issued(c, key)
    late = lambda: world.issued(c, key, at=NOON + timedelta(days=2))  # noqa: E731
    assert refused(late) == "transport.agreement_not_in_force"
    commands.end_agreement(agreement_id=key, reason="over", origin=by(c.bank))
    assert refused(lambda: world.issued(c, key)) == "transport.agreement_not_in_force"


def test_whom_the_document_begins_with_must_have_signed() -> None:
    c, stranger = world.corridor(), titles_world.company()
    key = world.signed(c)
    to = lambda who: commands.issue_document(  # noqa: E731
        title_id=uuid4(), content=world.bill(c), holder_id=id_of(who), agreement_id=key, origin=by(c.carrier)
    )
    assert refused(lambda: to(stranger)) == "transport.not_bound"
    assert to(c.buyer)
    words = world.bill(c)
    words["parties"]["issuer"]["name"] = world.name_of(c.shipper)
    own = lambda: commands.issue_document(  # noqa: E731
        title_id=uuid4(), content=words, holder_id=id_of(c.buyer), agreement_id=key, origin=by(c.shipper)
    )
    assert refused(own) == "transport.not_bound"  # it signed as consignor, not as carrier


def test_the_issuer_is_whom_the_document_names() -> None:
    c = world.corridor()
    key, words = world.signed(c), world.bill(c)
    words["parties"]["issuer"]["name"] = "Somebody Else"
    assert refused(lambda: world.issued(c, key, words=words)) == "invalid"
