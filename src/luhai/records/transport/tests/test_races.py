"""Two at once: the last signatures of an agreement, a delivery, an envelope that arrives through two doors."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections

from luhai.core.titles import queries as title_queries
from luhai.kernel.refusal import Refusal
from luhai.records.transport import commands, queries
from luhai.records.transport.tests import world
from luhai.records.transport.tests.world import by


def at_once(calls: list[Callable[[], Any]]) -> list[str]:
    """The answers, in words, of calls that begin together."""
    gate, found = threading.Barrier(len(calls)), []

    def go(call: Callable[[], Any]) -> None:
        gate.wait()
        try:
            found.append(str(call()))
        except Refusal as refusal:
            found.append(refusal.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=go, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(found)


@pytest.fixture(autouse=True)
def _open(fresh_db: str, django_db_blocker: Any) -> Any:
    with django_db_blocker.unblock():
        yield


def test_all_sign_at_once_and_it_comes_into_force_once() -> None:
    c = world.corridor()
    key = world.proposed(c)
    digest = world.digest(key, c.carrier)
    sign = [
        lambda actor=actor: commands.sign_agreement(agreement_id=key, digest=digest, origin=by(actor))
        for actor in (c.shipper, c.buyer, c.bank, c.station)
    ]
    assert at_once(sign) == ["in_force", "proposed", "proposed", "proposed"]


def test_a_document_is_delivered_once() -> None:
    c = world.corridor()
    title = world.issued(c)
    world.surrendered(c, title)
    ids = [uuid4() for _ in range(4)]
    calls = [lambda i=i: commands.deliver(title_id=title, release_id=i, origin=by(c.carrier)) for i in ids]
    found = at_once(calls)
    assert found.count("transport.not_surrendered") == 3
    assert len(queries.document(title_id=title, viewer=c.carrier).releases) == 1
    assert title_queries.title(title_id=title, viewer=c.carrier).state == "DELIVERED"


def test_the_last_box_goes_out_once() -> None:
    c = world.corridor()
    title = world.issued(c)
    world.surrendered(c, title)
    commands.deliver(title_id=title, release_id=uuid4(), origin=by(c.carrier))
    found = at_once([lambda: world.told(c.carrier, title, "GTOT", "VNSGN")] * 4)
    assert found == ["['unauthorised_release']"] * 3 + ["[]"]


def test_an_agreement_ends_before_or_after_a_document_rests_on_it() -> None:
    c = world.corridor()
    key = world.signed(c)

    def issue() -> str:
        return "issued" if world.issued(c, key) else ""

    def end() -> str:
        return "ended" if commands.end_agreement(agreement_id=key, reason="over", origin=by(c.bank)) else ""

    found = at_once([issue, end])
    assert found in (["ended", "issued"], ["ended", "transport.agreement_not_in_force"])
    assert len(queries.documents(viewer=c.carrier).items) == found.count("issued")
