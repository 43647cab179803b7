"""The pages of the lane: what each party of a shipment does next, waits for and has at stake, at every step; and who sees what."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from luhai.core.titles.lifecycle import State as TitleState
from luhai.desks.lane import cast as casts
from luhai.desks.lane import play, stage, story, view, web
from luhai.desks.lane.chronicle import GOODS, MONEY, TITLE, chronicle
from luhai.desks.lane.stage import Stage
from luhai.desks.lane.stations import RULES, Boxes, Facts, Part, Station, boxes, farthest, line
from luhai.financing.lending.lifecycle import DrawState
from luhai.kernel.refusal import Absent
from luhai.records.transport.tests import world
from luhai.settlement.payments.lifecycle import State as PaymentState

CLOCK = datetime(2026, 3, 2, 2, tzinfo=UTC)  # Monday morning in Chongqing
NOON = CLOCK
AFTER = date(2026, 3, 25)


def words(found: Boxes) -> tuple[str, str]:
    return found.next.text if found.next else "", found.waits.text if found.waits else ""


# --- the rules ------------------------------------------------------------------------------------------------------------

_AT = {s: NOON + timedelta(days=n) for n, s in enumerate(Station)}


def upto(last: Station) -> dict[Station, datetime]:
    return {s: at for s, at in _AT.items() if list(Station).index(s) <= list(Station).index(last)}


@pytest.mark.parametrize(
    ("facts", "page", "waits_for"),
    [
        (Facts(Part.ISSUER, upto(Station.ISSUED), "ISSUED"), "transport_document", ""),
        (Facts(Part.ISSUER, upto(Station.MOVING), "PLEDGED"), "transport_document", ""),
        (Facts(Part.ISSUER, upto(Station.ARRIVED), "ISSUED"), "", "holder"),
        (Facts(Part.ISSUER, upto(Station.ARRIVED), "ISSUED", signals=1), "transport_document", "holder"),
        (Facts(Part.ISSUER, upto(Station.RELEASED), "DELIVERY_ASKED"), "transport_document", ""),
        (Facts(Part.ISSUER, upto(Station.DELIVERED), "DELIVERED"), "", ""),
        (Facts(Part.ISSUER, upto(Station.ISSUED), "AMENDING"), "transport_document", ""),
        (Facts(Part.EXPORTER, upto(Station.ISSUED), "ISSUED", holds=True), "title", "buyer"),
        (Facts(Part.EXPORTER, upto(Station.PLEDGED), "PLEDGED", holds=True, pledge="offered"), "loan_new", ""),
        (Facts(Part.EXPORTER, upto(Station.PLEDGED), "PLEDGED", holds=True, pledge="offered", loan="REQUESTED"), "", "bank"),
        (Facts(Part.EXPORTER, upto(Station.PLEDGED), "PLEDGED", holds=True, pledge="taken", loan="RESERVED"), "", "bank"),
        (Facts(Part.EXPORTER, upto(Station.LENT), "PLEDGED", holds=True, pledge="taken", loan="DISBURSED"), "evidences", "buyer"),
        (Facts(Part.EXPORTER, upto(Station.LENT), "PLEDGED", holds=True, pledge="taken", loan="OVERDUE"), "loan", ""),
        (Facts(Part.EXPORTER, upto(Station.LENT), "PLEDGED", holds=True, loan="DISBURSED", payment="RECEIVED"), "payment", ""),
        (Facts(Part.EXPORTER, upto(Station.LENT), "PLEDGED", holds=True, loan="DISBURSED", payment="RECEIVED", papers=2), "", "bank"),
        (Facts(Part.EXPORTER, upto(Station.LENT), "PLEDGED", holds=True, loan="DISBURSED", payment="BLOCKED", papers=2), "payment", "bank"),
        (Facts(Part.EXPORTER, upto(Station.LENT), "PLEDGED", holds=True, loan="DISBURSED", payment="CLEAR", papers=2), "", "bank"),
        (Facts(Part.EXPORTER, upto(Station.LENT), "PLEDGED", holds=True, loan="DISBURSED", payment="RETURNED"), "payment", "buyer"),
        (Facts(Part.EXPORTER, upto(Station.PAID), "PLEDGED", holds=True, pledge="taken", loan="PART_REPAID", payment="CREDITED"), "loan", ""),
        (Facts(Part.EXPORTER, upto(Station.PAID), "PLEDGED", holds=True, pledge="taken", loan="REPAID", payment="CREDITED"), "", "bank"),
        (Facts(Part.EXPORTER, upto(Station.RELEASED), "ISSUED", holds=True, pledge="ended", loan="REPAID", payment="CREDITED"), "title", ""),
        (Facts(Part.EXPORTER, upto(Station.RELEASED), "ISSUED", sold=True, loan="REPAID", payment="CREDITED"), "", "holder"),
        (Facts(Part.EXPORTER, upto(Station.DELIVERED), "DELIVERED", sold=True, loan="REPAID", payment="CREDITED"), "", ""),
        (Facts(Part.BANK, upto(Station.PLEDGED), "PLEDGED", pledge="offered"), "title", "exporter"),
        (Facts(Part.BANK, upto(Station.PLEDGED), "PLEDGED", pledge="offered", loan="REQUESTED"), "loan", ""),
        (Facts(Part.BANK, upto(Station.PLEDGED), "PLEDGED", pledge="taken", loan="RESERVED"), "loan", ""),
        (Facts(Part.BANK, upto(Station.LENT), "PLEDGED", pledge="taken", loan="DISBURSED"), "", "buyer"),
        (Facts(Part.BANK, upto(Station.MOVING), "PLEDGED", pledge="taken", loan="DISBURSED", signals=1), "transport_document", "buyer"),
        (Facts(Part.BANK, upto(Station.LENT), "PLEDGED", pledge="taken", loan="OVERDUE"), "loan", "exporter"),
        (Facts(Part.BANK, upto(Station.LENT), "PLEDGED", loan="DISBURSED", payment="RECEIVED"), "", "exporter"),
        (Facts(Part.BANK, upto(Station.LENT), "PLEDGED", loan="DISBURSED", payment="RECEIVED", papers=1), "payment", ""),
        (Facts(Part.BANK, upto(Station.LENT), "PLEDGED", loan="DISBURSED", payment="BLOCKED", papers=1), "payment", "exporter"),
        (Facts(Part.BANK, upto(Station.LENT), "PLEDGED", loan="DISBURSED", payment="CLEAR", papers=1), "payment", ""),
        (Facts(Part.BANK, upto(Station.LENT), "ISSUED", loan="REPAID", payment="OVERRIDDEN", papers=1), "payment", ""),
        (Facts(Part.BANK, upto(Station.PAID), "PLEDGED", pledge="taken", loan="REPAID", payment="CREDITED"), "title", ""),
        (Facts(Part.BANK, upto(Station.RELEASED), "ISSUED", pledge="ended", loan="REPAID", payment="CREDITED"), "", ""),
        (Facts(Part.IMPORTER, upto(Station.ISSUED), "ISSUED"), "", "holder"),
        (Facts(Part.IMPORTER, upto(Station.MOVING), "ISSUED", holds=True), "title", "issuer"),
        (Facts(Part.IMPORTER, upto(Station.ARRIVED), "ISSUED", holds=True), "title", ""),
        (Facts(Part.IMPORTER, upto(Station.ARRIVED), "DELIVERY_ASKED", holds=True), "", "issuer"),
        (Facts(Part.IMPORTER, upto(Station.DELIVERED), "DELIVERED", holds=True), "", ""),
        (Facts(Part.KEEPER), "transport_document", "issuer"),
        (Facts(Part.KEEPER, ordered=True), "transport_document", ""),
        (Facts(Part.SENDER, payment="RECEIVED"), "", "bank"),
        (Facts(Part.SENDER, payment="CLEAR"), "", "bank"),
        (Facts(Part.SENDER, payment="CREDITED"), "", ""),
        (Facts(Part.SENDER, payment="RETURNED"), "payment", ""),
        (Facts(Part.WATCHER, upto(Station.ARRIVED), "ISSUED", signals=2), "transport_document", ""),
        (Facts(Part.WATCHER, upto(Station.ARRIVED), "ISSUED"), "", "holder"),
        (Facts(Part.WATCHER, upto(Station.LENT), "PLEDGED", loan="DISBURSED"), "", "buyer"),
        (Facts(Part.WATCHER, upto(Station.LENT), "PLEDGED", loan="DISBURSED", payment="BLOCKED"), "payment", ""),
        (Facts(Part.WATCHER, upto(Station.LENT), "PLEDGED", loan="DISBURSED", payment="RECEIVED"), "", "bank"),
        (Facts(Part.WATCHER, upto(Station.DELIVERED), "DELIVERED", signals=1), "", ""),
        *((Facts(part, title="FROZEN", holds=True, payment="BLOCKED"), "", "") for part in (Part.EXPORTER, Part.BANK, Part.IMPORTER)),
    ],
)  # fmt: skip
def test_each_part_is_told_where_to_go_and_whom_it_waits_for(facts: Facts, page: str, waits_for: str) -> None:
    found = boxes(facts)
    assert (found.next.page if found.next else "", found.waits.who if found.waits else "") == (page, waits_for), found


@given(
    st.builds(
        Facts, part=st.sampled_from(Part), reached=st.sampled_from(Station).map(upto), title=st.sampled_from(["", *TitleState]),
        holds=st.booleans(), sold=st.booleans(), pledge=st.sampled_from(["", "offered", "taken", "ended"]),
        loan=st.sampled_from(["", *DrawState]), payment=st.sampled_from(["", *PaymentState]), papers=st.integers(0, 3),
        signals=st.integers(0, 2), ordered=st.booleans(),
    )
)  # fmt: skip
def test_whatever_the_facts_a_part_gets_an_answer_from_its_own_rules_and_no_link_to_what_is_not_there(facts: Facts) -> None:
    found = boxes(facts)
    if found.next is not None and facts.title in ("", "ISSUED", "PLEDGED", "DELIVERED"):
        assert any(found.next is act for _holds, act, _waits in RULES[facts.part])
        assert found.next.page != "payment" or facts.payment
        assert found.next.page != "loan" or facts.loan


def test_no_rule_is_dead() -> None:
    """Each rule speaks for some facts, so that none stands behind another that always wins."""
    spoken = {
        id(rule)
        for part in Part
        for title in ("", *TitleState)
        for pledge in ("", "offered", "taken", "ended")
        for loan in ("", *DrawState)
        for payment in ("", *PaymentState)
        for papers in (0, 1)
        for holds, sold in ((True, False), (False, False), (False, True))
        for last in (Station.ISSUED, Station.MOVING, Station.CUSTOMS, Station.ARRIVED)
        for rule in [_first(Facts(part, _UPTO[last], title, holds, sold, pledge, loan, payment, papers, 1 - papers, papers == 1))]
    }
    for part, rules in RULES.items():
        for n, rule in enumerate(rules):
            assert id(rule) in spoken, (part, n)


_UPTO = {s: upto(s) for s in Station}


def _first(facts: Facts) -> Any:
    return next(rule for rule in RULES[facts.part] if rule[0](facts))


def test_a_station_that_nobody_told_of_stays_open_between_those_that_were_reached() -> None:
    seen = line({Station.ISSUED: NOON, Station.ARRIVED: NOON})
    assert [state for _s, state, _at in seen] == ["done", "passed", "passed", "passed", "passed", "here", "ahead", "ahead", "ahead"]
    assert farthest({}) is None
    assert {state for _s, state, _at in line({})} == {"ahead"}


# --- one shipment, step by step -----------------------------------------------------------------------------------------

#: After each step: for each part what it does next, "~" and what it waits for; its first words. A part that is left out sees nothing.
TOLD: dict[str, dict[str, str]] = {
    "issue": {"carrier": "Report when the goods are taken over~", "exporter": "Pledge the document~The buyer's payment"},
    "pledge": {"exporter": "Ask your bank for a draw~", "officer": "Look at the pledge~A draw is asked for"},
    "request": {"exporter": "~The draw is approved", "officer": "Decide on the draw~"},
    "approve": {"exporter": "~The loan is paid out", "officer": "Pay the loan out~"},
    "disburse": {"exporter": "Have contract, declaration~The buyer's payment", "officer": "~The buyer's payment"},
    "rail": {"carrier": "Report where the goods are~Customs lets", "officer": "~The buyer's payment"},
    "release": {"carrier": "Report that the goods were loaded~", "exporter": "Have contract~The buyer's payment"},
    "arrive": {"carrier": "~The document is presented", "officer": "~The buyer's payment"},
    "receive": {"exporter": "Put contract, declaration~", "officer": "~The documents that the payment"},
    "attach": {"exporter": "~The payment is checked", "officer": "Check the payment~"},
    "check": {"exporter": "~The payment is credited", "officer": "Credit the payment: it repays~"},
    "settle": {"exporter": "Hand the document to the buyer~", "officer": "~"},
    "transfer": {"exporter": "~The buyer takes delivery", "importer": "The goods are there: present~", "officer": "~"},
    "surrender": {"carrier": "Take the document back~", "importer": "~The carrier gives out"},
    "deliver": {"carrier": "~", "importer": "~"},
}
FARTHEST = {
    "issue": Station.ISSUED, "pledge": Station.PLEDGED, "disburse": Station.LENT, "rail": Station.MOVING, "release": Station.CUSTOMS,
    "arrive": Station.ARRIVED, "settle": Station.RELEASED, "deliver": Station.DELIVERED,
}  # fmt: skip


@pytest.fixture
def shipment(db: Any) -> Stage:
    return stage.load(casts.invented(f"web{uuid4().hex[:6]}"), clock=CLOCK)


def seen_by(s: Stage, part: str) -> view.Shipment:
    return view.shipment(title_id=s.title, on=AFTER, viewer=s.cast.parts[part].actor)


def test_at_every_step_each_party_is_told_what_is_its_to_do(shipment: Stage) -> None:
    before = None
    for step in TOLD:
        play.play(shipment, step, after=before)
        before = step
        for part, said in TOLD[step].items():
            found = seen_by(shipment, part)
            for told, wanted in zip(words(found.boxes), said.split("~"), strict=True):
                assert bool(told) == bool(wanted), (step, part, told)
                assert told.startswith(wanted), (step, part, told)
        if step in FARTHEST:
            supervisor = seen_by(shipment, "supervisor")
            assert farthest(supervisor.facts.reached) is FARTHEST[step], step
            assert supervisor.part is Part.WATCHER
        for stranger in (world.world.company(), world.world.bank()):
            with pytest.raises(Absent):
                view.shipment(title_id=shipment.title, on=AFTER, viewer=stranger)
        if step in ("issue", "arrive"):
            for outside in ("importer", "sender"):
                with pytest.raises(Absent):
                    seen_by(shipment, outside)


# --- pages --------------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _looked_at_in_march(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "_today", lambda: AFTER)  # the loan is not overdue then
    settings.DEMO = True  # officers' second factor has its own test


def signed_in(person: UUID, language: str = "en") -> Client:
    client = Client()
    if language:
        client.cookies["django_language"] = language
    client.force_login(get_user_model().objects.get(pk=person), backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def at(s: Stage, part: str, language: str = "en", address: str = "") -> str:
    answer = signed_in(s.cast.parts[part].person_id, language).get(address or f"/lane/{s.title}/")
    assert answer.status_code == 200, (part, answer.status_code)
    return answer.content.decode()


def test_a_lent_shipment_on_the_pages_of_its_parties(shipment: Stage) -> None:
    play.play(shipment, "receive")
    number = shipment.shipment.bill_no
    exporter, bank, carrier = (at(shipment, part) for part in ("exporter", "officer", "carrier"))
    for shown in (exporter, bank, carrier):
        assert number in shown
        assert 'aria-current="step"' in shown
        assert "pledged it" in shown
    assert "Put contract, declaration and invoice to the payment that arrived." in exporter
    assert "owed on the loan" in exporter
    assert "owed on the loan" in bank
    assert "arrived, not yet credited" in exporter
    assert "Interest of 13 nights" in bank
    assert "customs declaration" in exporter
    assert shipment.shipment.declaration_no in exporter
    assert "Figures that it is counted in" in bank
    assert "Corridor loans drawn" in bank
    # the carrier sees neither loan nor payment, nor what the goods were declared as
    for hidden in ("owed on the loan", "arrived, not yet credited", shipment.shipment.declaration_no, "paid out the loan", str(shipment.draw)):
        assert hidden not in carrier, hidden
    assert "M05-09" in carrier
    assert "M05-10" in carrier
    listed = at(shipment, "officer", address="/lane/")
    assert number in listed
    assert "The documents that the payment is checked against." in listed
    assert f"/lane/{shipment.title}/" in listed


def test_a_delivered_shipment_is_told_to_its_end_and_in_both_languages(shipment: Stage) -> None:
    play.play(shipment)
    importer = at(shipment, "importer")
    assert "Nothing more: it is delivered." in importer
    assert "accepted the surrender" in importer
    for hidden in ("owed on the loan", "paid out the loan", shipment.shipment.account_no, "Figures that it is counted in"):
        assert hidden not in importer, hidden
    bank = at(shipment, "officer")  # it sees the document no more, but its loan
    assert "paid out the loan" in bank
    assert "credited the payment" in bank
    assert "Principal repaid" in bank
    assert "ordered the goods out" not in bank
    assert "Fees paid" not in bank  # nothing was owed of them, so nothing moved
    for shown in (bank, at(shipment, "officer", address="/lane/")):
        assert "the loan is repaid, and the document has gone on" in shown
        assert shipment.shipment.bill_no in shown
    supervisor = at(shipment, "supervisor")
    assert "credited the payment" in supervisor
    assert "ordered the goods out" in supervisor
    chinese = at(shipment, "exporter", "zh-hans") + at(shipment, "supervisor", "zh-hans") + at(shipment, "importer", "zh-hans")
    for left in ("You do next", "You wait for", "At stake", "Delivered", "pledged it", "credited the payment", "What happened", "Interest of"):
        assert left not in chinese, left
    assert "待我办理" in chinese
    assert "铁海联运提单" in chinese


def test_the_sender_of_the_payment_sees_its_payment_and_no_shipment(shipment: Stage) -> None:
    play.play(shipment, "receive")
    listed = at(shipment, "sender", address="/lane/")
    assert "Payments that you sent" in listed
    assert "The payment is checked against the seller" in listed
    assert shipment.shipment.bill_no not in listed
    assert signed_in(shipment.cast.sender.person_id).get(f"/lane/{shipment.title}/").status_code == 404


def test_who_acts_for_a_party_abroad_reads_english_until_it_chooses(shipment: Stage) -> None:
    play.play(shipment, "transfer")
    assert "You do next" in at(shipment, "importer", "")
    assert 'lang="en"' in at(shipment, "importer", "")
    assert "Each shipment from its document to its delivery" in at(shipment, "sender", "", "/lane/")
    assert "You do next" not in at(shipment, "exporter", "")
    assert "You do next" not in at(shipment, "importer", "zh-hans")


def test_the_keeper_of_the_goods_reports_and_sees_nothing_of_the_document(shipment: Stage) -> None:
    play.play(shipment, "collection")
    s = shipment
    story._moved(s, s.cast.carrier, "GTIN", "CNCQI", 2, 17, custodian=s.cast.railway)
    found = seen_by(s, "railway")
    assert found.part is Part.KEEPER
    assert found.seen is None
    assert found.loan is None
    shown = at(s, "railway")
    assert "Report what happens to the goods while you have them." in shown
    for hidden in ("pledged it", "owed on the loan", "value of the goods"):
        assert hidden not in shown, hidden
    assert s.shipment.bill_no in at(s, "railway", address="/lane/")


def test_strangers_see_neither_the_shipment_nor_a_row_of_it(shipment: Stage) -> None:
    play.play(shipment, "pledge")
    for stranger in (world.world.company(), world.world.bank()):
        client = signed_in(stranger.person_id)  # type: ignore[arg-type]
        assert client.get(f"/lane/{shipment.title}/").status_code == 404
        shown = client.get("/lane/").content.decode()
        assert "No shipment yet" in shown
        assert shipment.shipment.bill_no not in shown
    assert signed_in(shipment.cast.exporter.person_id).get(f"/lane/{uuid4()}/").status_code == 404
    asked = Client().get("/lane/")
    assert asked.status_code == 302
    assert "next=/lane/" in asked["Location"].replace("%2F", "/")


def test_a_page_later_goes_on_where_the_first_ended(shipment: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view, "PAGE", 2)
    made = [shipment, *(stage.load(shipment.cast, n, clock=CLOCK) for n in (2, 3))]
    for one in made:
        play.play(one, "issue")
    client = signed_in(shipment.cast.carrier.person_id)
    first = client.get("/lane/")
    assert first.context["next"]
    second = client.get(f"/lane/{first.context['next']}")
    found = [row["shipment"].id for answer in (first, second) for row in answer.context["items"]]
    assert sorted(found) == sorted(one.title for one in made)
    assert not second.context["next"]
    assert client.get("/lane/?cursor=nonsense").status_code == 422


# --- what happened ------------------------------------------------------------------------------------------------------


def test_the_columns_hold_what_each_may_see_in_one_order_of_time(shipment: Stage) -> None:
    play.play(shipment)
    entries = {}
    for part in ("exporter", "importer", "supervisor", "officer"):
        viewer = shipment.cast.parts[part].actor
        entries[part] = chronicle(seen_by(shipment, part), viewer)
        instants = [e.at for e in entries[part]]
        assert instants == sorted(instants, reverse=True)
    acts = {part: {(e.column, e.sort, e.act) for e in found} for part, found in entries.items()}
    whole = acts["supervisor"]
    for wanted in ((TITLE, "title", "pledge"), (TITLE, "title", "accept_surrender"), (MONEY, "loan", "disburse"), (MONEY, "escrow", "execute"),
                   (MONEY, "payment", "settle"), (MONEY, "posting", "payments.credit"), (MONEY, "nights", "lending.interest"),
                   (GOODS, "movement", "CUSR"), (GOODS, "paper", "received"), (GOODS, "use", "used"), (GOODS, "release", "ordered")):  # fmt: skip
        assert wanted in whole, wanted
    assert acts["exporter"] <= whole
    assert acts["importer"] <= whole
    assert acts["officer"] <= whole
    assert not any(column == MONEY for column, _sort, _act in acts["importer"])
    assert (MONEY, "payment", "settle") in acts["officer"]
    assert not any(column == TITLE for column, _s, _a in acts["officer"])
    moved = [e.facts["amount"] for e in entries["supervisor"] if e.sort == "posting" and e.act == "payments.receive"]
    evenings = [e for e in entries["supervisor"] if e.sort == "loan" and e.act == "close_day"]
    assert len(evenings) == 1  # the one that wrote the repayment down; the others only grew interest
    assert moved == [(shipment.shipment.worth, "USD")]  # a transfer between two accounts that one sees stands there once


def test_signs_of_trouble_are_shown_to_who_must_look(shipment: Stage) -> None:
    play.play(shipment, "collection")
    s, c = shipment, shipment.cast
    story.transport.record_event(
        title_id=s.title, event_id=s.id("odd"), code="GTIN", place="CNCQI", happened_at=s.at(2, 17), container=s.shipment.container,
        seals=["OTHER1"], origin=s.by(c.carrier, "odd", s.at(2, 18)),
    )  # fmt: skip
    assert seen_by(s, "officer").facts.signals == 1
    assert "Look at what is odd about the goods you lent on." in at(s, "officer")
    assert "Look at what is odd about the goods." in at(s, "supervisor")
