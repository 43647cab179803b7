"""INV-OB-7: beneath a negotiable document each waybill is consigned to who is bound to obey it; where that is not said, it shows."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from luhai.core.titles import commands, queries, subjects
from luhai.core.titles.lifecycle import Form
from luhai.core.titles.tests import world
from luhai.core.titles.tests.test_web import bill, browser
from luhai.core.titles.tests.world import id_of
from luhai.kernel.origin import SYSTEM, Actor
from luhai.kernel.refusal import Invalid
from luhai.shell.context import acting
from luhai.shell.models import Entry

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> tuple[Actor, Actor, Actor, Actor]:
    """Carrier, shipper, agent, bank."""
    return world.company(), world.company(), world.company(), world.bank()


def issue(carrier: Actor, shipper: Actor, *consignees: Actor | str, **more: Any) -> UUID:
    named = [c if isinstance(c, str) else str(id_of(c)) for c in consignees]
    form = more.pop("form", "TO_ORDER")
    about = world.subject("transport_document", waybills=["A1", "B2"], consignees=named, **more)
    return world.title(carrier, shipper, "transport_document", about=about, form=form)


def test_the_issuer_and_an_institution_are_bound(cast: Any) -> None:
    carrier, shipper, _agent, bank = cast
    title = issue(carrier, shipper, carrier, bank)
    assert queries.title(title_id=title, viewer=shipper).subject["consignees"] == [
        str(id_of(carrier)),
        str(id_of(bank)),
    ]


@pytest.mark.parametrize("form", ["TO_ORDER", "BLANK"])
def test_another_is_bound_only_by_an_agreement(cast: Any, form: str) -> None:
    carrier, shipper, agent, _bank = cast
    for consignee in (agent, shipper):
        with pytest.raises(commands.ConsigneeNotBound) as refused:
            issue(carrier, shipper, carrier, consignee, form=form)
        assert refused.value.facts == {"waybill": "B2", "consignee": str(id_of(consignee))}
    issue(carrier, shipper, carrier, agent, form=form, agreement="CK-2026-3")


def test_of_a_straight_document_the_consignee_is_whom_it_names(cast: Any) -> None:
    carrier, shipper, _agent, _bank = cast
    issue(carrier, shipper, shipper, shipper, form="STRAIGHT")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"consignees": ["x"]}, "subject.consignees"),
        ({"consignees": ["x", ""]}, "subject.consignees.1"),
        ({"consignees": ["x", 7]}, "subject.consignees.1"),
        ({"consignees": "x"}, "subject.consignees"),
        ({"consignees": ["x"] * 51}, "subject.consignees"),
        ({"consignees": ["x", "y"], "waybills": []}, "subject.consignees"),
        ({"agreement": "CK-2026-3"}, "subject.agreement"),
        ({"agreement": "CK-2026-3", "consignees": []}, "subject.agreement"),
        ({"consignees": ["nobody at all", "nobody"]}, "subject.consignees.0"),
    ],
)
def test_what_is_wrong_is_named(cast: Any, wrong: dict[str, Any], field: str) -> None:
    carrier, shipper, _agent, _bank = cast
    about = world.subject("transport_document", **{"waybills": ["A1", "B2"], **wrong})
    with pytest.raises(Invalid) as refused:
        world.title(carrier, shipper, "transport_document", about=about)
    assert refused.value.facts["field"] == field


def test_what_is_not_said_is_known_to_be_unknown(cast: Any) -> None:
    carrier, shipper, _agent, _bank = cast
    silent = world.title(carrier, shipper, "transport_document")
    told = issue(carrier, shipper, carrier, carrier)
    for title, known in ((silent, False), (told, True)):
        with acting(SYSTEM):
            (event,) = Entry.objects.get(command="titles.issue_title", events__0__subject=str(title)).events
        assert event["data"]["consignees_known"] is known
        page = browser(shipper).get(f"/titles/{title}/").content.decode()
        assert ("consignees unknown" in page) is not known


def test_the_page_asks_for_them(cast: Any) -> None:
    carrier, shipper, agent, _bank = cast
    desk = browser(carrier)
    named = {"waybills": "A1 B2", "consignees": f"{carrier.party_id}；{agent.party_id}"}
    page = desk.post("/titles/new", bill(shipper, **named))
    assert (page.status_code, "Waybill B2 is consigned to" in page.content.decode()) == (422, True)
    given = bill(shipper, number="RB-2026-2", agreement="CK-2026-3", **named)
    assert desk.post("/titles/new", given).status_code == 302
    assert len(queries.title(title_id=UUID(given["new"]), viewer=SYSTEM).subject["consignees"]) == 2
    answer = desk.post(
        "/api/v1/titles",
        {
            "id": str(uuid4()), "kind": "transport_document", "holder_id": str(shipper.party_id), "quantity": 20,
            "unit": "TNE",
            "subject": {"document": "rail_bill", "number": "RB-9", "waybills": ["C3"], "consignees": [str(agent.party_id)]},
        },
        content_type="application/json", headers={"Idempotency-Key": str(uuid4())},
    )  # fmt: skip
    assert (answer.status_code, answer.json()["code"]) == (409, "titles.consignee_not_bound")


def test_where_there_is_no_waybill_nothing_is_unknown() -> None:
    assert subjects.consignees({"waybills": []}, Form.TO_ORDER) == []
    assert subjects.consignees({"waybills": ["A"]}, Form.STRAIGHT) == []
    assert subjects.consignees({"waybills": ["A"]}, Form.BLANK) is None
    assert subjects.consignees({"waybills": ["A"], "consignees": ["B"]}, Form.BLANK) == [("A", "B")]
