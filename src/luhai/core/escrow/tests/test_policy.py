"""Terms are read strictly, once and for all; conditions are judged in three values."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luhai.core.escrow import policy
from luhai.core.escrow.policy import Paper, Seen
from luhai.core.rules.criteria import Verdict
from luhai.core.titles.commands import KEEPER_ACTS
from luhai.kernel.refusal import Invalid

BUYER, SELLER, CARRIER, CUSTOMS, TITLE = (UUID(int=n) for n in range(1, 6))
WHOLE: dict[str, Any] = {
    "template": "dvp",
    "parties": {"buyer": str(BUYER), "seller": str(SELLER), "carrier": str(CARRIER)},
    "arbiter": "carrier",
    "expires_at": "2026-04-01T08:00:00+08:00",
    "value": [
        {"name": "price", "unit": "CNY", "amount": 100, "payer": "buyer", "account": str(UUID(int=11))},
        {"name": "more", "unit": "USD", "amount": 50, "least": 10, "payer": "buyer", "account": str(UUID(int=12))},
    ],
    "titles": [{"title": str(TITLE), "by": "seller"}],
    "conditions": [
        {
            "name": "shipped",
            "evidence": {
                "kind": "transport_document", "sources": ["carrier", str(CUSTOMS)], "status": ["issued"],
                "amount": {"at_least": 90, "at_most": 110, "currency": "CNY"}, "external_ref": "B 17", "subject": "seller",
                "names": {"kind": "contract", "value": "K-9"}, "dated_from": "2026-03-01", "dated_to": "2026-03-31",
            },
        },
        {"name": "paid", "payment": {"leg": "more", "at_least": 20, "covers": [str(UUID(int=24))]}},
        {"name": "accepted", "consent": {"of": ["buyer", "carrier"], "need": 1}},
    ],
    "steps": [
        {"from": "price", "to": str(UUID(int=21)), "amount": 30, "code": "fee"},
        {"from": "price", "to": str(UUID(int=22)), "amount": 70},
        {"from": "more", "to": str(UUID(int=23)), "amount": 20},
        {"from": "more", "to": str(UUID(int=24)), "up_to": 15},
        {"from": "more", "to": str(UUID(int=25)), "amount": "rest"},
        {"title": str(TITLE), "act": "split", "details": {"parts": [400, 600]}},
        {"title": str(TITLE), "part": 2, "act": "transfer", "details": {"to": "buyer", "beneficiary": "buyer"}},
        {"use": "shipped", "purpose": "settlement", "amount": 100, "currency": "CNY", "user": "buyer"},
    ],
}  # fmt: skip


def test_whole_terms_are_read_and_written_as_one_form() -> None:
    terms = policy.read(WHOLE)
    assert policy.read(policy.as_json(terms)) == terms
    assert policy.read(json.loads(json.dumps(policy.as_json(terms)))) == terms
    assert policy.as_json(terms)["expires_at"] == "2026-04-01T00:00:00+00:00"
    assert (terms.value[0].least, terms.value[1].least) == (100, 10)
    assert policy.least_in(terms.value[1], terms.conditions) == 20
    assert terms.details_of(terms.acts_on(TITLE)[1]) == {"to": BUYER, "beneficiary": BUYER}
    other = deepcopy(WHOLE)
    other["steps"][0]["code"] = "freight"
    assert policy.digest(policy.read(other)) != policy.digest(terms)
    reordered = dict(reversed(list(WHOLE.items())))
    assert policy.digest(policy.read(reordered)) == policy.digest(terms)


def test_the_acts_are_those_that_titles_allow_a_keeper() -> None:
    assert set(policy.TITLE_ACTS) == {str(act) for act in KEEPER_ACTS}


GONE = "<gone>"  # a text, so that the names of cases are the same in every process
#: Where, what stands there instead, and the path that is named.
MISTAKES: list[tuple[str, Any, str]] = [
    ("conditions.1.payment.covers", "x", "terms.conditions[1].payment.covers"),
    ("conditions.1.payment.covers.0", "x", "terms.conditions[1].payment.covers[0]"),
    ("conditions.1.payment.covers.0", str(UUID(int=21)), "terms.conditions[1].payment.covers[0]"),
    ("conditions.1.payment.covers", [str(UUID(int=24)), str(UUID(int=24))], "terms.conditions[1].payment.covers[1]"),
    ("", [], "terms"),
    ("surprise", 1, "terms.surprise"),
    ("parties", GONE, "terms.parties"),
    ("parties", {"buyer": str(BUYER)}, "terms.parties"),
    ("parties.buyer", "x", "terms.parties.buyer"),
    ("parties.seller", str(BUYER), "terms.parties.buyer"),
    ("parties.Bad Name", str(CUSTOMS), "terms.parties"),
    ("arbiter", "nobody", "terms.arbiter"),
    ("arbiter", "buyer", "terms.arbiter"),
    ("expires_at", "2026-04-01", "terms.expires_at"),
    ("expires_at", "2026-04-01T00:00:00", "terms.expires_at"),
    ("expires_at", 17, "terms.expires_at"),
    ("template", "x" * 61, "terms.template"),
    ("value", {}, "terms.value"),
    ("value.0", "price", "terms.value[0]"),
    ("value.0.name", "Price", "terms.value[0].name"),
    ("value.1.name", "price", "terms.value[1].name"),
    ("value.0.amount", 0, "terms.value[0].amount"),
    ("value.0.amount", 1.5, "terms.value[0].amount"),
    ("value.0.amount", True, "terms.value[0].amount"),
    ("value.0.amount", 2**53, "terms.value[0].amount"),
    ("value.0.least", 101, "terms.value[0].least"),
    ("value.0.payer", "nobody", "terms.value[0].payer"),
    ("value.0.account", "x", "terms.value[0].account"),
    ("value.0.unit", " CNY", "terms.value[0].unit"),
    ("titles.0.by", "nobody", "terms.titles[0].by"),
    ("titles.1", {"title": str(TITLE), "by": "seller"}, "terms.titles[1]"),
    ("conditions.0.name", GONE, "terms.conditions[0].name"),
    ("conditions.1.name", "shipped", "terms.conditions[1].name"),
    ("conditions.0.payment", {"leg": "price"}, "terms.conditions[0]"),
    ("conditions.0.evidence", GONE, "terms.conditions[0]"),
    ("conditions.0.evidence.sources", GONE, "terms.conditions[0].evidence.sources"),
    ("conditions.0.evidence.sources", "somebody", "terms.conditions[0].evidence.sources"),
    ("conditions.0.evidence.sources", [], "terms.conditions[0].evidence.sources"),
    ("conditions.0.evidence.sources.1", "customs", "terms.conditions[0].evidence.sources[1]"),
    ("conditions.0.evidence.kind", "letter", "terms.conditions[0].evidence.kind"),
    ("conditions.0.evidence.status", [], "terms.conditions[0].evidence.status"),
    ("conditions.0.evidence.amount.currency", "XXX", "terms.conditions[0].evidence.amount.currency"),
    ("conditions.0.evidence.amount.at_most", 80, "terms.conditions[0].evidence.amount.at_most"),
    ("conditions.0.evidence.names.value", GONE, "terms.conditions[0].evidence.names.value"),
    ("conditions.0.evidence.dated_to", "2026-02-30", "terms.conditions[0].evidence.dated_to"),
    ("conditions.0.evidence.dated_to", "2026-02-01", "terms.conditions[0].evidence.dated_to"),
    ("conditions.1.payment.leg", "rent", "terms.conditions[1].payment.leg"),
    ("conditions.1.payment.at_least", 51, "terms.conditions[1].payment.at_least"),
    ("conditions.2.consent.of", ["buyer", "buyer"], "terms.conditions[2].consent.of[1]"),
    ("conditions.2.consent.need", 3, "terms.conditions[2].consent.need"),
    ("conditions.2.consent.need", 0, "terms.conditions[2].consent.need"),
    ("steps", GONE, "terms.steps"),
    ("steps.0", {}, "terms.steps[0]"),
    ("steps.0.title", str(TITLE), "terms.steps[0]"),
    ("steps.0.from", "rent", "terms.steps[0].from"),
    ("steps.0.up_to", 3, "terms.steps[0].amount"),
    ("steps.0.amount", "all", "terms.steps[0].amount"),
    ("steps.0.amount", "rest", "terms.steps[0].amount"),
    ("steps.0.amount", 31, "terms.steps[1].amount"),
    ("steps.0.amount", 29, "terms.value[0]"),
    ("steps.2.amount", 21, "terms.steps[2].amount"),
    ("steps.4", GONE, "terms.value[1]"),
    ("value.0.least", 90, "terms.steps[1].amount"),
    ("steps.5.title", str(BUYER), "terms.steps[5].title"),
    ("steps.5.act", "void", "terms.steps[5].act"),
    ("steps.5.details", {}, "terms.steps[5].details.parts"),
    ("steps.5.part", 1, "terms.steps[5].part"),
    ("steps.6.part", 3, "terms.steps[6].part"),
    ("steps.6.details.to", str(BUYER), "terms.steps[6].details.to"),
    ("steps.6.details.to", "carrier", "terms.steps[6].details.to"),
    ("steps.6.details.price", 3, "terms.steps[6].details.price"),
    ("steps.7.use", "accepted", "terms.steps[7].use"),
    ("steps.7.purpose", "pleasure", "terms.steps[7].purpose"),
    ("steps.7.user", "customs", "terms.steps[7].user"),
]


@pytest.mark.parametrize(("where", "what", "path"), MISTAKES, ids=lambda v: str(v)[:40])
def test_the_first_mistake_is_named(where: str, what: Any, path: str) -> None:
    document: Any = deepcopy(WHOLE)
    if not where:
        document = what
    else:
        *way, last = where.split(".")
        place: Any = document
        for step in way:
            place = place[int(step)] if isinstance(place, list) else place[step]
        if isinstance(place, list) and what is GONE:
            del place[int(last)]
        elif isinstance(place, list):
            place[int(last) :] = [what, *place[int(last) + 1 :]]
        elif what is GONE:
            del place[last]
        else:
            place[last] = what
    with pytest.raises(Invalid) as no:
        policy.read(document)
    assert no.value.facts["field"] == path, no.value.facts
    assert no.value.facts["problem"]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["price", "rest", str(TITLE)]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.data())
def test_whatever_stands_somewhere_is_read_or_refused_as_invalid(data: st.DataObject) -> None:
    document: Any = deepcopy(WHOLE)
    place: Any = document
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        inner = place[key]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            place[key] = data.draw(json_values)
            break
        place = inner
    try:
        terms = policy.read(document)
    except Invalid as refusal:
        field = str(refusal.facts["field"])
    else:
        assert policy.read(policy.as_json(terms)) == terms
        return
    assert field.startswith("terms")


@st.composite
def one_leg(draw: Any) -> dict[str, Any]:
    amount = draw(st.integers(1, 60))
    least = draw(st.integers(0, amount) | st.just(amount))
    sorts = st.sampled_from(["exact", "up_to", "exact", "rest"])
    steps = []
    for sort in draw(st.lists(sorts, max_size=4)) + draw(st.sampled_from([[], ["rest"]])):
        how = {"up_to": draw(st.integers(1, 60))} if sort == "up_to" else {"amount": draw(st.integers(1, 40))}
        steps.append(
            {"from": "price", "to": str(UUID(int=21))} | ({"amount": "rest"} if sort == "rest" else how)
        )
    leg = {
        "name": "price",
        "unit": "CNY",
        "amount": amount,
        "least": least,
        "payer": "buyer",
        "account": str(UUID(int=11)),
    }
    return {"parties": WHOLE["parties"], "expires_at": WHOLE["expires_at"], "value": [leg], "steps": steps}


@given(one_leg(), st.data())
def test_what_is_read_can_be_paid_and_leaves_nothing(document: dict[str, Any], data: st.DataObject) -> None:
    """Whatever is in the leg between its least and its amount, and however little the accounts of `up_to` take."""
    leg = document["value"][0]
    try:
        policy.read(document)
    except Invalid:
        left, payable = leg["least"], True
        for step in document["steps"]:
            asked = step.get("up_to") or step["amount"]
            payable &= asked == "rest" or "up_to" in step or asked <= left
            left -= left if asked == "rest" else min(asked, left)
        places = [n for n, s in enumerate(document["steps"]) if s.get("amount") == "rest"]
        loose = places != [len(document["steps"]) - 1] and (
            leg["least"] < leg["amount"] or any("up_to" in s for s in document["steps"])
        )
        assert (
            not payable
            or left
            or loose
            or len(places) > 1
            or places[:1] not in ([], [len(document["steps"]) - 1])
        )
        return
    left = data.draw(st.integers(leg["least"], leg["amount"]))
    for step in document["steps"]:
        if step.get("amount") == "rest":
            left = 0
        elif "up_to" in step:
            left -= min(left, step["up_to"], data.draw(st.integers(0, 60)))
        else:
            assert step["amount"] <= left
            left -= step["amount"]
    assert left == 0


# --- judging ----------------------------------------------------------------------------------------------------------

GOOD = Paper(
    UUID(int=31), 1, 1, False, "transport_document", "issued", CARRIER, SELLER, "b-17", 100, "CNY", date(2026, 3, 9),
    (("container", "X"), ("contract", "k 9")),
)  # fmt: skip
F, U, M = Verdict.FAILED, Verdict.UNKNOWN, Verdict.MET
PAPERS: list[tuple[dict[str, Any], Verdict, str]] = [
    ({}, M, "met"),
    ({"cancelled": True}, F, "cancelled"),
    ({"kind": "invoice"}, F, "other_kind"),
    ({"source": SELLER}, F, "other_source"),
    ({"source": CUSTOMS}, M, "met"),
    ({"subject": BUYER}, F, "other_subject"),
    ({"status": "draft"}, F, "other_status"),
    ({"external_ref": "B 18"}, F, "other_reference"),
    ({"references": (("contract", "K-8"),)}, F, "names_not"),
    ({"references": (("order", "K-9"),)}, F, "names_not"),
    ({"currency": "USD"}, F, "other_currency"),
    ({"amount_minor": 89}, F, "too_little"),
    ({"amount_minor": 111}, F, "too_much"),
    ({"amount_minor": 90}, M, "met"),
    ({"amount_minor": 110}, M, "met"),
    ({"dated": date(2026, 2, 28)}, F, "too_early"),
    ({"dated": date(2026, 4, 1)}, F, "too_late"),
    ({"dated": date(2026, 3, 31)}, M, "met"),
    ({"version": 2}, U, "amended"),
    ({"amount_minor": None, "currency": ""}, U, "no_amount"),
    ({"dated": None}, U, "no_day"),
    ({"dated": None, "version": 2}, U, "amended"),
    ({"amount_minor": None, "cancelled": True}, F, "cancelled"),
    ({"version": 2, "amount_minor": 1}, F, "too_little"),
]


def seen(**more: Any) -> Seen:
    return Seen(more.get("held", {}), more.get("consents", {}), more.get("papers", {}), more.get("owed", {}))


@pytest.mark.parametrize(("changes", "verdict", "word"), PAPERS, ids=lambda v: str(v)[:40])
def test_a_piece_of_evidence_is_judged(changes: dict[str, Any], verdict: Verdict, word: str) -> None:
    terms = policy.read(WHOLE)
    paper = Paper(**{f: getattr(GOOD, f) for f in Paper.__slots__} | changes)
    found = policy.judge(terms, seen(papers={"shipped": [paper]}))[0]
    assert (found.verdict, found.word) == (verdict, word)
    assert found.proof == ({"evidence": str(GOOD.id), "version": 1} if verdict is M else {})
    bad = Paper(**{f: getattr(GOOD, f) for f in Paper.__slots__} | {"cancelled": True, "id": UUID(int=32)})
    both = policy.judge(terms, seen(papers={"shipped": [bad, paper]}))[0]
    assert both.verdict is verdict, "any piece that meets it will do, and an unknown is nearer than a no"


def test_the_words_are_a_closed_list_and_all_are_used() -> None:
    used = {word for _, _, word in PAPERS} | {"not_paid", "not_covered", "no_consent", "nothing_presented"}
    assert used == set(policy.WORDS)


def test_a_payment_covers_what_stands_on_accounts() -> None:
    terms = policy.read(WHOLE)
    assert terms.covered == (UUID(int=24),)
    for held, owed, word in ((20, 0, "met"), (20, 20, "met"), (20, 21, "not_covered"), (19, 0, "not_paid"), (50, 50, "met"), (19, 21, "not_paid")):
        found = policy.judge(terms, seen(held={"more": held}, owed={UUID(int=24): owed}))[1]
        assert (found.word, found.verdict) == (word, M if word == "met" else F), (held, owed)


def test_payments_and_consents_are_judged_and_all_must_be_met() -> None:
    terms = policy.read(WHOLE)
    nothing = policy.judge(terms, seen())
    assert [(j.verdict, j.word) for j in nothing] == [
        (U, "nothing_presented"),
        (F, "not_paid"),
        (U, "no_consent"),
    ]
    assert policy.verdict_of(nothing) is F
    most = policy.judge(
        terms, seen(held={"more": 20}, consents={"accepted": {SELLER}}, papers={"shipped": [GOOD]})
    )
    assert [j.verdict for j in most] == [M, M, U]
    assert policy.verdict_of(most) is U
    every = policy.judge(
        terms, seen(held={"more": 20}, consents={"accepted": {CARRIER}}, papers={"shipped": [GOOD]})
    )
    assert policy.verdict_of(every) is M
    assert every[1].proof == {"leg": "more", "held": 20}
    assert every[2].proof == {"consents": ["carrier"]}
    assert policy.verdict_of(()) is M


def test_funded_asks_for_every_leg_and_every_hand() -> None:
    terms = policy.read(WHOLE)
    full, kept = {"price": 100, "more": 10}, {(TITLE, SELLER)}
    assert policy.funded(terms, full, kept)
    assert not policy.funded(terms, full | {"price": 99}, kept)
    assert not policy.funded(terms, full | {"more": 9}, kept)
    assert not policy.funded(terms, full, {(TITLE, BUYER)})
