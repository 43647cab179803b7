"""A scene in the life of a payment: the verdict keeps it, the events carry it, the page shows it, and what it would have done can be asked."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone

from luhai.core.evidence.tests.world import declaration, number, received
from luhai.core.parties.models import Person
from luhai.kernel.origin import SYSTEM, Actor
from luhai.settlement.checks import commands as checks
from luhai.settlement.checks import queries as check_queries
from luhai.settlement.checks.scenes import NoScene
from luhai.settlement.checks.tests.world import carrier, rail_note
from luhai.settlement.payments import queries
from luhai.settlement.payments.impact import rejudged
from luhai.settlement.payments.models import Verdict
from luhai.settlement.payments.tests.world import NOON, TODAY, Desk, by, id_of, state
from luhai.shell.models import Entry

pytestmark = pytest.mark.django_db
SCENE = "rail-trains@2026-01-01"


def carried(desk: Desk) -> tuple[UUID, ...]:
    """A declaration and the rail note of its goods, and neither invoice nor contract."""
    declared = declaration(desk.company, 10_000_00)
    note = rail_note(desk.company, declared["declaration_no"], number())
    return received(declared, desk.company), received(note, desk.company, carrier())


def came(desk: Desk) -> UUID:
    """A payment that names no invoice."""
    payment = desk.came(remittance=None)
    desk.attach(payment, *carried(desk))
    return payment


def papers_of(payment: UUID) -> list[UUID]:
    """What is attached to a payment."""
    return [a.evidence_id for a in queries.payment(payment_id=payment, viewer=SYSTEM).attachments]


def put(territory: str = "500000", scene: str = "rail-trains", after: int = 0) -> UUID:
    return checks.put_scene_in_force(scene=scene, territory=territory, valid_from=TODAY + timedelta(days=after), origin=by())


def events(kind: str, payment: UUID) -> list[dict[str, Any]]:
    found = [e for x in Entry.objects.all() for e in x.events if e["kind"] == kind and e["subject"] == str(payment)]
    return found


def test_a_scene_lets_a_payment_pass_from_its_day_and_stands_on_the_record() -> None:
    desk = Desk("USD")
    first, second = came(desk), desk.came(remittance=None)
    desk.attach(second, *papers_of(first))
    desk.check(first)
    assert state(first) == "BLOCKED"
    put("610000")
    desk.check(first)
    assert state(first) == "BLOCKED", "a scene of another territory is none here"
    put()
    desk.check(second)
    assert state(second) == "CLEAR"
    # What was decided before it stays; a new check is one under the scene.
    verdict = queries.payment(payment_id=first, viewer=desk.bank).verdict
    assert verdict is not None
    assert (verdict.verdict, verdict.rule_set) == ("blocked", "goods-in@2026-01-01")
    assert Verdict.objects.get(payment=second).rule_set == f"goods-in@2026-01-01+{SCENE}"
    (told,) = events("payments.checked", second)
    assert told["data"]["scenes"] == [SCENE]
    assert {"goods-in@2026-01-01", SCENE} <= set(told["rules"])
    assert set(told["measures"]) == {"M08-01", "M14-05"}
    assert [e["data"]["scenes"] for e in events("payments.checked", first)] == [[], []]
    desk.settle(second)
    (credited,) = events("payments.credited", second)
    assert credited["data"]["scenes"] == [SCENE]
    assert desk.money == 10_000_00


def test_its_declaration_pays_once_all_the_same() -> None:
    """The scene lets an invoice be missing, and no document pay twice."""
    desk = Desk("USD")
    put()
    papers = carried(desk)
    payments = [desk.came(remittance=None) for _ in range(2)]
    for payment in payments:
        desk.attach(payment, *papers)
        desk.check(payment)
    desk.settle(payments[0])
    desk.check(payments[1])
    assert state(payments[1]) == "BLOCKED"


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ["China-Europe trains, Xi&#x27;an", "other evidence stands in"]), ("zh-hans", ["中欧班列（西安）场景", "以其他材料代替"])],
)
def test_the_page_of_the_payment_shows_it(language: str, words: list[str], settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DEMO = True
    monkeypatch.setattr(timezone, "now", lambda: NOON)
    desk = Desk("USD")
    put()
    payment = came(desk)
    desk.check(payment)
    for actor in (desk.bank, desk.company):
        shown = signed_in(actor, language).get(f"/payments/{payment}/").content.decode()
        for word in [*words, SCENE, "/checks/scenes/rail-trains/", "goods-in@2026-01-01"]:
            assert word in shown, word


def signed_in(actor: Actor, language: str) -> Client:
    client = Client(HTTP_ACCEPT_LANGUAGE=language)
    client.cookies["django_language"] = language
    client.force_login(Person.objects.get(pk=actor.person_id), backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def test_what_a_scene_would_have_done_to_past_payments() -> None:
    desk = Desk("USD")
    without, whole = came(desk), desk.clear(desk.came())
    desk.check(without)
    desk.settle(whole)  # its declaration is used up now, and what was decided then still is what is asked
    span = {"since": TODAY, "until": TODAY}
    found = {r.payment_id: r for r in rejudged(territory="500000", scenes=["rail-trains"], **span)}
    assert {p: (r.spoke, r.before, r.after) for p, r in found.items()} == {without: (True, "blocked", "clear"), whole: (False, "clear", "clear")}
    one = found[without]
    assert (one.eased, one.hindered, one.stood_in, one.amount, one.currency) == (["invoice_or_contract"], [], ["invoice_or_contract"], 10_000_00, "USD")
    assert (one.company_id, one.bank_id, one.on) == (id_of(desk.company), id_of(desk.bank), TODAY)
    assert rejudged(territory="450000", scenes=["rail-trains"], **span) == []
    assert rejudged(territory="500000", scenes=["rail-trains"], since=TODAY + timedelta(days=1), until=date(2099, 1, 1)) == []
    assert len(rejudged(territory="500000", scenes=["rail-trains"], limit=1, **span)) == 1
    # Beside what is in force already it changes nothing more.
    put()
    desk.check(without)
    (again,) = [r for r in rejudged(territory="500000", scenes=["rail-trains"], **span) if r.payment_id == without]
    assert (again.before, again.after, again.eased) == ("clear", "clear", [])
    with pytest.raises(NoScene):
        rejudged(territory="500000", scenes=["nothing"], **span)
    assert check_queries.scenes_of(Verdict.objects.filter(payment=without).latest("n").rule_set) == (SCENE,)
