"""The goods on their way: who reports, what is wrong, and that they leave against the document only."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from luhai.core.evidence import queries as evidence
from luhai.core.titles import commands as titles
from luhai.core.titles import queries as title_queries
from luhai.core.titles.tests import world as titles_world
from luhai.kernel.origin import SYSTEM
from luhai.kernel.refusal import Refusal
from luhai.records.transport import commands, queries
from luhai.records.transport.tests import world
from luhai.records.transport.tests.bills import box
from luhai.records.transport.tests.world import NOON, by, id_of
from luhai.shell.context import acting
from luhai.shell.models import Entry

pytestmark = pytest.mark.django_db


def refused(call: Any) -> dict[str, object]:
    with pytest.raises(Refusal) as no:
        call()
    return {"code": no.value.code, **no.value.facts}


def seals(title: UUID, actor: Any) -> list[str]:
    (found,) = queries.document(title_id=title, viewer=actor).seals.values()
    return found


def journalled(title: UUID) -> list[str]:
    """Events of the journal about this title, signals only."""
    with acting(SYSTEM):
        entries = list(Entry.objects.filter(command="transport.record_event"))
    kinds = [e["kind"] for entry in entries for e in entry.events if e["subject"] == str(title)]
    return [k for k in kinds if k not in ("transport.event", "titles.custody")]


def test_a_journey_without_a_signal() -> None:
    c = world.corridor()
    title = world.issued(c)
    own = seals(title, c.shipper)
    assert world.told(c.carrier, title, "GTIN", seals=own, custodian=id_of(c.station)) == []
    assert world.told(c.station, title, "LOAD", hours=20, seals=own, custodian=id_of(c.carrier)) == []
    assert world.told(c.carrier, title, "DEPA", hours=21) == []
    assert world.told(c.carrier, title, "CROS", "CNQZH", hours=60) == []
    assert world.told(c.carrier, title, "DISC", "VNSGN", hours=120, seals=own, found_kg="19200") == []
    view = queries.document(title_id=title, viewer=c.shipper)
    assert [m.code for m in view.movements] == ["PICK", "GTIN", "LOAD", "DEPA", "CROS", "DISC"]
    assert view.custodian.id == id_of(c.carrier)
    custody = title_queries.custody(title_id=title, viewer=c.shipper)
    assert {x.event for x in custody} == {"received", "gate_in", "loaded", "discharged"}
    assert not any(x.contradicts for x in custody)


@pytest.mark.parametrize(
    ("code", "more", "signal"),
    [
        ("GTIN", {"seals": ["OTHER"]}, ["seals_differ"]), ("GTIN", {"seals": []}, ["seals_differ"]),
        ("DETC", {}, ["door_opened"]), ("INSP", {"found_kg": "19025"}, []), ("INSP", {"found_kg": "19024.8"}, ["weight_differs"]),
        ("INSP", {"found_kg": "19216.1"}, []), ("INSP", {"found_kg": "19216.2"}, ["weight_differs"]),
        ("GTOT", {}, []), ("GTOT", {"place": "VNSGN"}, ["unauthorised_release"]), ("STRP", {}, ["unauthorised_release"]),
        ("unpacking", {}, ["unauthorised_release"]), ("RSEA", {"seals": ["NEW"], "reason": "customs looked"}, []),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(code: str, more: dict[str, Any], signal: list[str]) -> None:
    c = world.corridor()
    title = world.issued(c)
    assert world.told(c.carrier, title, code, **more) == signal
    assert [s.kind for s in queries.document(title_id=title, viewer=c.shipper).signals] == signal
    assert journalled(title)[: len(signal)] == [
        f"transport.{k}" for k in signal
    ] or "titles.custody_contradicts" in journalled(title)


def test_resealing_makes_new_seals_the_right_ones() -> None:
    c = world.corridor()
    title = world.issued(c)
    own = seals(title, c.shipper)
    world.told(c.carrier, title, "RSEA", seals=["CUS1"], reason="opened by customs")
    assert seals(title, c.shipper) == ["CUS1"]
    assert world.told(c.carrier, title, "LOAD", hours=1, seals=["CUS1"]) == []
    assert world.told(c.carrier, title, "DISC", hours=2, seals=own) == ["seals_differ"]


def test_a_long_stay_is_told_when_it_ends() -> None:
    c = world.corridor()
    title = world.issued(c)
    world.told(c.carrier, title, "GTIN")
    assert world.told(c.carrier, title, "INSP", hours=24 * 7 + 20) == []
    other = world.issued(c, world.signed(c, "AG-9"), agreement="AG-9")
    world.told(c.carrier, other, "GTIN")
    assert world.told(c.carrier, other, "LOAD", hours=24 * 8) == ["dwell"]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"code": "FLEW"}, "code"), ({"place": "XX"}, "place"), ({"container": "TLLU9999990"}, "container"), ({"container": "X"}, "container"),
        ({"code": "RSEA", "seals": ["A"]}, "reason"), ({"code": "RSEA", "reason": "why"}, "seals"), ({"seals": [""]}, "seals.0"),
        ({"hours": -1, "happened_at": NOON + timedelta(days=400)}, "happened_at"), ({"found_kg": "many"}, "found_kg"),
        ({"custodian": uuid4()}, "custodian"), ({"corrects": uuid4()}, "corrects"), ({"content": "!"}, "content"),
    ],
)  # fmt: skip
def test_a_fault_is_refused_by_its_field(more: dict[str, Any], field: str) -> None:
    c = world.corridor()
    title = world.issued(c)
    given = {"code": "INSP", "place": "CNCKG", "happened_at": NOON} | {
        k: v for k, v in more.items() if k != "hours"
    }
    found = refused(
        lambda: commands.record_event(title_id=title, event_id=uuid4(), origin=by(c.carrier), **given)
    )
    assert (
        found["code"].endswith("invalid") or str(found["code"]).startswith("identifiers."),
        found["field"],
    ) == (True, field)  # type: ignore[attr-defined]


def test_who_may_report() -> None:
    c, stranger = world.corridor(), titles_world.company()
    title = world.issued(c)
    assert refused(lambda: world.told(stranger, title, "GTIN"))["code"] == "absent"
    assert refused(lambda: world.told(c.station, title, "GTIN"))["code"] == "absent"
    assert (
        refused(lambda: world.told(c.shipper, title, "GTIN"))["code"] == "not_entitled"
    )  # it sees the document
    world.told(c.carrier, title, "GTIN", custodian=id_of(c.station))
    assert world.told(c.station, title, "INSP", hours=1) == []
    assert (
        refused(lambda: queries.document(title_id=title, viewer=c.station))["code"] == "absent"
    )  # it keeps, it does not read
    assert world.told(world.operator(), title, "INSP", hours=2) == []
    assert (
        refused(lambda: world.told(c.station, title, "DEPA", hours=3, custodian=id_of(c.carrier)))["field"]
        == "custodian"
    )


def test_a_wrong_event_is_corrected_by_another() -> None:
    c = world.corridor()
    title = world.issued(c)
    world.told(c.carrier, title, "GTIN", seals=["WRONG"])
    wrong = queries.document(title_id=title, viewer=c.carrier).movements[-1]
    assert world.told(c.carrier, title, "GTIN", seals=seals(title, c.carrier), corrects=wrong.id) == []
    found = {m.id: m for m in queries.document(title_id=title, viewer=c.carrier).movements}
    assert found[wrong.id].corrected_by is not None
    assert refused(lambda: world.told(c.carrier, title, "GTIN", corrects=wrong.id))["field"] == "corrects"


def event(container: str) -> str:
    """A DCSA track-and-trace event in base64."""
    said = [
        {
            "eventID": str(uuid4()), "eventType": "EQUIPMENT", "eventCreatedDateTime": "2026-03-02T04:00:00Z",
            "eventDateTime": "2026-03-02T03:00:00Z", "eventClassifierCode": "ACT", "equipmentEventTypeCode": "GTIN",
            "equipmentReference": container, "emptyIndicatorCode": "LADEN",
        }
    ]  # fmt: skip
    return base64.b64encode(json.dumps(said).encode()).decode()


def test_what_stands_behind_an_event_becomes_evidence() -> None:
    c = world.corridor()
    title = world.issued(c)
    box = queries.document(title_id=title, viewer=c.carrier).title.subject["containers"][0]
    world.told(c.carrier, title, "GTIN", content=event(box))
    (key,) = queries.document(title_id=title, viewer=c.shipper).movements[-1].evidence
    assert ("container", box) in evidence.facts(evidence_id=key, viewer=c.carrier).references
    other = refused(lambda: world.told(c.carrier, title, "GTIN", content=event("NARU3472484")))
    assert (other["code"], other["field"]) == ("invalid", "content")


# --- delivery -------------------------------------------------------------------------------------------------------


def test_goods_leave_after_surrender_and_order() -> None:
    c = world.corridor()
    title = world.issued(c)
    world.told(c.carrier, title, "DISC", "VNSGN", custodian=id_of(c.station))
    deliver = lambda actor: commands.deliver(title_id=title, release_id=uuid4(), origin=by(actor))  # noqa: E731
    assert refused(lambda: deliver(c.carrier))["code"] == "transport.not_surrendered"
    world.surrendered(c, title)
    assert world.told(c.station, title, "GTOT", "VNSGN", hours=1) == [
        "unauthorised_release"
    ]  # asked for, not accepted
    assert refused(lambda: deliver(c.shipper))["code"] == "not_entitled"
    deliver(c.carrier)
    (release,) = queries.document(title_id=title, viewer=c.carrier).releases
    assert (release.receiver.id, release.custodian.id, release.done_at) == (
        id_of(c.shipper),
        id_of(c.station),
        None,
    )
    assert world.told(c.station, title, "GTOT", "VNSGN", hours=2) == []
    assert world.told(c.station, title, "GTOT", "VNSGN", hours=3) == [
        "unauthorised_release"
    ]  # what is gone does not go again
    (release,) = queries.document(title_id=title, viewer=c.carrier).releases
    assert (release.left, release.done_at) == ((), NOON + timedelta(hours=2))


def test_a_surrender_accepted_past_us_is_no_order() -> None:
    c = world.corridor()
    title = world.issued(c)
    world.surrendered(c, title)
    titles.accept_surrender(title_id=title, origin=by(c.carrier))
    assert world.told(c.carrier, title, "GTOT", "VNSGN") == ["unauthorised_release"]
    assert queries.document(title_id=title, viewer=c.carrier).signals[-1].facts == {"why": "no_order"}


def test_parts_of_a_document_go_out_box_by_box() -> None:
    c = world.corridor()
    words = world.bill(c)
    first, second = words["containers"][0]["number"], box(424242)
    words["containers"].append({"number": second, "seals": [{"number": "T2"}]})
    words["goods"].append(words["goods"][0] | {"container": second})
    title = world.issued(c, words=words)
    view = title_queries.title(title_id=title, viewer=c.shipper)
    a, b = titles.split_title(
        title_id=title, parts=[view.quantity // 2, view.quantity - view.quantity // 2], origin=by(c.shipper)
    )
    titles.surrender_title(title_id=UUID(a), origin=by(c.shipper))
    commands.deliver(title_id=UUID(a), release_id=uuid4(), containers=[first], origin=by(c.carrier))
    assert world.told(c.carrier, title, "GTOT", "VNSGN", hours=1, container=second) == [
        "unauthorised_release"
    ]
    assert world.told(c.carrier, UUID(b), "GTOT", "VNSGN", hours=2, container=first) == []
    titles.surrender_title(title_id=UUID(b), origin=by(c.shipper))
    again = refused(
        lambda: commands.deliver(
            title_id=UUID(b), release_id=uuid4(), containers=[first], origin=by(c.carrier)
        )
    )
    assert again["field"] == "containers.0"
    commands.deliver(title_id=UUID(b), release_id=uuid4(), origin=by(c.carrier))
    assert world.told(c.carrier, title, "GTOT", "VNSGN", hours=3, container=second) == []


def test_an_amendment_keeps_what_the_document_stands_on() -> None:
    c = world.corridor()
    words = world.bill(c)
    title = world.issued(c, words=words)
    titles.surrender_title_for_amendment(title_id=title, origin=by(c.shipper))
    titles.accept_surrender(title_id=title, origin=by(c.carrier))
    amend = lambda content: commands.amend_document(  # noqa: E731
        title_id=title, content=content, statement="notify party", origin=by(c.carrier)
    )
    assert refused(lambda: amend(words | {"number": "OTHER"}))["field"] == "number"
    assert refused(lambda: amend(words | {"form": "STRAIGHT"}))["field"] == "form"
    changed = json.loads(json.dumps(words))
    changed["goods"][0]["gross_kg"] = "1"
    assert refused(lambda: amend(changed))["field"] == "goods"
    changed = json.loads(json.dumps(words))
    changed["parties"]["notify"] = [{"name": "Somebody Else"}]
    amend(changed)
    view = queries.document(title_id=title, viewer=c.shipper)
    assert (view.title.version, view.content["parties"]["notify"][0]["name"]) == (2, "Somebody Else")
    assert view.lost_on is not None
    assert view.binds_only_parties
