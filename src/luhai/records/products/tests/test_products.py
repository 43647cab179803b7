"""A product from draft to shelf to history; what it may not say; how it answers for a company."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from luhai.core.policies import queries as policies
from luhai.kernel.origin import PUBLIC
from luhai.kernel.refusal import Absent, Invalid, NotEntitled
from luhai.records.products import commands, queries
from luhai.records.products.lifecycle import ACTION_NAMES, NEXT, STATE_NAMES, Action, State
from luhai.records.products.policy import DOCUMENTS, KINDS, SOURCES, read_terms
from luhai.records.products.tests import world
from luhai.records.products.tests.world import FACTS, NOON, by

TABLE = """
         EDIT     PUBLISH  WITHDRAW
DRAFT    DRAFT    ONLINE   -
ONLINE   ONLINE   ONLINE   OFFLINE
OFFLINE  OFFLINE  ONLINE   -
"""


def test_every_pair_of_state_and_action() -> None:
    head, *rows = [line.split() for line in TABLE.strip().splitlines()]
    for state, *cells in rows:
        for action, to in zip(head, cells, strict=True):
            assert NEXT.get((State(state), Action(action))) == (None if to == "-" else to)
    assert (len(rows), len(head)) == (len(State), len(Action))
    assert set(STATE_NAMES) == set(State)
    assert set(ACTION_NAMES) == set(Action)
    assert all(label.zh and label.en for table in (KINDS, DOCUMENTS, SOURCES) for label in table.values())


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name_zh": " "}, "name_zh"),
        ({"name_en": "x" * 201}, "name_en"),
        ({"summary_zh": "a\x00"}, "summary_zh"),
        ({"kind": "gift"}, "kind"),
        ({"currency": "cny"}, "currency"),
        ({"amount_min_minor": 0}, "amount_min_minor"),
        ({"amount_max_minor": 2**53}, "amount_max_minor"),
        ({"amount_min_minor": 2_000_000_000}, "amount_min_minor"),
        ({"tenor_min_days": 366}, "tenor_min_days"),
        ({"price_min_bp": 451}, "price_min_bp"),
        ({"price_max_bp": True}, "price_max_bp"),
        ({"collateral": []}, "collateral"),
        ({"collateral": ["gold"]}, "collateral[0]"),
        ({"purposes": ["fun"]}, "purposes[0]"),
        ({"territories": ["5000"]}, "territories[0]"),
        ({"documents": ["passport"]}, "documents[0]"),
        ({"promise_hours": 0}, "promise_hours"),
        ({"measures": ["5-4"]}, "measures[0]"),
        ({"requires": "M05-04"}, "requires"),
        ({"criteria": {"all": [{"field": "age_months", "op": "near", "value": 1}]}}, "criteria.all[0].op"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_terms_name_what_is_wrong(change: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as no:
        read_terms(world.terms(**change))
    assert no.value.facts["field"] == field


def test_terms_are_read_back_as_they_were_written() -> None:
    written = read_terms(world.terms())
    assert read_terms(written.as_json()) == written


@pytest.mark.django_db
def test_a_version_stays_as_it_was_published() -> None:
    officer = world.bank()
    key = world.product(officer)
    assert officer.party_id
    with pytest.raises(commands.NothingToPublish):
        commands.publish_product(product_id=key, origin=by(officer))
    commands.draft_product(
        product_id=key, institution_id=officer.party_id, terms=world.terms(price_min_bp=100), origin=by(officer)
    )
    assert queries.product(product_id=key, viewer=PUBLIC).card.price_min_bp == 320
    (own,) = queries.own_products(viewer=officer)
    assert (own.version, own.draft and own.draft["price_min_bp"]) == (1, 100)
    commands.publish_product(product_id=key, origin=by(officer, NOON + timedelta(days=1)))
    view = queries.product(product_id=key, viewer=PUBLIC)
    assert (view.card.version, view.card.price_min_bp) == (2, 100)
    assert [(line.version, line.price_min_bp) for line in view.history] == [(2, 100), (1, 320)]
    assert view.history[0].digest != view.history[1].digest
    assert queries.product(product_id=key, version=1, viewer=PUBLIC).card.price_min_bp == 320
    assert {t.field for t in view.texts} == {
        "currency", "amount_minor", "tenor_days", "rate_cap_bp", "collateral", "age_months",
    }  # fmt: skip
    commands.withdraw_product(product_id=key, origin=by(officer))
    assert queries.shelf(viewer=PUBLIC).total == 0
    assert queries.eligible(facts=FACTS, on=NOON.date(), viewer=PUBLIC) == ()
    with pytest.raises(commands.ActionNotAllowed):
        commands.withdraw_product(product_id=key, origin=by(officer))
    assert queries.product(product_id=key, viewer=PUBLIC).card.state == "OFFLINE"


@pytest.mark.django_db
def test_only_its_institution_may_touch_a_product() -> None:
    officer, rival = world.bank(), world.bank()
    key = world.product(officer)
    assert officer.party_id
    assert rival.party_id
    with pytest.raises(NotEntitled):
        commands.withdraw_product(product_id=key, origin=by(rival))
    with pytest.raises(NotEntitled):
        commands.draft_product(product_id=uuid4(), institution_id=officer.party_id, terms=world.terms(), origin=by(rival))
    with pytest.raises(Absent):
        commands.draft_product(product_id=key, institution_id=rival.party_id, terms=world.terms(), origin=by(rival))
    draft = uuid4()
    commands.draft_product(product_id=draft, institution_id=officer.party_id, terms=world.terms(), origin=by(officer))
    with pytest.raises(Absent):
        queries.product(product_id=draft, viewer=rival)
    with pytest.raises(Absent):  # an id that is another institution's hidden draft
        commands.draft_product(product_id=draft, institution_id=rival.party_id, terms=world.terms(), origin=by(rival))


@pytest.mark.django_db
def test_the_shelf_is_filtered_and_paged() -> None:
    officer = world.bank("渝州银行")
    keys = [
        world.product(officer, at=NOON + timedelta(minutes=n), name_zh=f"产品{n}100%", territories=places, collateral=takes)
        for n, (places, takes) in enumerate(
            [([], ["credit"]), (["500000"], ["vessel"]), (["450000"], ["vessel", "bill"]), ([], ["bill"])]
        )
    ]

    def found(**filters: Any) -> list[int]:
        return [keys.index(p.id) for p in queries.shelf(viewer=PUBLIC, **filters).items]

    assert found() == [3, 2, 1, 0]
    assert found(territory="450000") == [3, 2, 0]
    assert found(territory="500100") == [3, 1, 0]  # a district lies in its city
    assert found(collateral="vessel") == [2, 1]
    assert found(text="渝州") == [3, 2, 1, 0]
    assert found(text="产品2") == [2]
    assert found(text="100%") == [3, 2, 1, 0]
    assert found(text="1%0") == []  # not a wildcard
    assert found(text="a\x00") == found(text="a")
    pages: list[int] = []
    cursor = ""
    while True:
        page = queries.shelf(cursor=cursor, limit=3, viewer=PUBLIC)
        pages += [keys.index(p.id) for p in page.items]
        assert page.total == 4
        cursor = page.next
        if not cursor:
            break
    assert pages == [3, 2, 1, 0]
    for name, value in (("kind", "x"), ("collateral", "x"), ("territory", "5"), ("cursor", "x"), ("purpose", "x")):
        with pytest.raises(Invalid) as no:
            queries.shelf(viewer=PUBLIC, **{name: value})
        assert no.value.facts["field"] == name


@pytest.mark.django_db
def test_sql_and_explanation_agree() -> None:
    officer = world.bank()
    rules = [
        {"all": []},
        {"all": [{"field": "employees", "op": "at_least", "value": 5}]},
        {"all": [{"field": "age_months", "op": "at_least", "value": 60}]},
        {"any": [{"field": "employees", "op": "at_least", "value": 5}, {"field": "age_months", "op": "at_least", "value": 1}]},
    ]  # fmt: skip
    keys = [world.product(officer, criteria=tree) for tree in rules]
    keys.append(world.product(officer, territories=["450000"]))
    keys.append(world.product(officer, purposes=["vessel"]))
    keys.append(world.product(officer, collateral=["vessel"]))
    keys.append(world.product(officer, requires=["M07-06"]))
    for dropped in (None, "territory", "purpose", "collateral", "amount_minor", "age_months"):
        facts = {name: fact for name, fact in FACTS.items() if name != dropped}
        judged = {s.product_id: s.verdict for s in queries.eligible(facts=facts, on=NOON.date(), viewer=PUBLIC)}
        told = queries.explain(product_ids=keys, facts=facts, on=NOON.date(), viewer=PUBLIC)
        assert {k: w.verdict for k, w in told.items()} == {k: judged.get(k, "failed") for k in keys}
        for why in told.values():
            assert (why.verdict == "met") == (why.nearest == ())


@pytest.mark.django_db
def test_a_measure_opens_its_products_where_it_is_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    key = world.product(world.bank(), requires=["M07-06"])
    day = NOON.date()

    def verdict() -> str:
        return queries.explain(product_ids=[key], facts=FACTS, on=day, viewer=PUBLIC)[key].verdict

    assert queries.eligible(facts=FACTS, on=day, viewer=PUBLIC) == ()
    told = queries.explain(product_ids=[key], facts=FACTS, on=day, viewer=PUBLIC)[key]
    gate = told.reasons[-1]
    assert (gate.kind, gate.verdict, gate.measure) == ("gate", "failed", "M07-06")
    assert told.nearest is not None
    assert told.nearest[-1].en == "Measure M07-06 has to come into force in Chongqing"
    nowhere = {n: f for n, f in FACTS.items() if n != "territory"}
    assert [s.verdict for s in queries.eligible(facts=nowhere, on=day, viewer=PUBLIC)] == ["possible"]
    monkeypatch.setattr(
        policies, "measures_in_force", lambda territory, on: frozenset({"M07-06"} if territory == "500000" else ())
    )
    assert verdict() == "met"
    assert [s.verdict for s in queries.eligible(facts=FACTS, on=day, viewer=PUBLIC)] == ["met"]


@pytest.mark.django_db
def test_the_shelf_over_http() -> None:
    officer = world.bank()
    key = world.product(officer)
    client = Client()
    listed = client.get("/api/v1/products").json()
    assert (listed["total"], listed["items"][0]["id"]) == (1, str(key))
    one = client.get(f"/api/v1/products/{key}").json()
    assert one["criteria"]["all"][0] == {"field": "currency", "op": "is", "value": "CNY"}
    assert client.get(f"/api/v1/products/{uuid4()}").status_code == 404
    wrong = client.get("/api/v1/products", {"kind": "gift"})
    assert (wrong.status_code, wrong.json()["facts"]["field"]) == (422, "kind")
    facts = {name: fact["value"] for name, fact in FACTS.items()}
    asked = client.post("/api/v1/products/eligible", {"facts": facts}, content_type="application/json")
    assert asked.json()["met"] == [str(key)]
    bad = client.post("/api/v1/products/eligible", {"facts": {"age_months": -1}}, content_type="application/json")
    assert (bad.status_code, bad.json()["facts"]["field"]) == (422, "age_months")
    half = client.post("/api/v1/products/eligible", {"facts": {"age_months": 1.5}}, content_type="application/json")
    assert half.status_code == 422
    assert client.get("/api/v1/products/own").status_code == 401
