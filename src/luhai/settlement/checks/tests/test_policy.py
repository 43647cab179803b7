"""The check of a payment as a pure decision: situations, grades and faults in tables; what holds of every payment as promises."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luhai.core.rules import criteria
from luhai.core.rules.fields import FIELDS, PAYMENT_FIELDS
from luhai.kernel.refusal import Invalid
from luhai.settlement.checks import policy
from luhai.settlement.checks.names import compare
from luhai.settlement.checks.policy import Customer, Paper, Said
from luhai.settlement.checks.rule_sets import NoRuleSet, in_force
from luhai.settlement.checks.tests.world import (
    ADVANCE,
    AFTER,
    COLLECTION,
    CUSTOMER,
    KINDS,
    ON,
    PARAMETERS,
    REFUND,
    SETS,
    THEM,
    TIERS,
    US,
    WORTH,
    in_the_way,
    judged,
    key,
    paper,
    papers,
    said,
    status_of,
)

GOLDEN = Path(__file__).with_name("verdicts.tsv")
SITUATIONS = (AFTER, ADVANCE, COLLECTION, REFUND)
STRANGER = replace(US, name="重庆另一家有限公司", numbers=frozenset({"uscc:91500112MA5U00038A", "org_code:MA5U00038"}))

Case = tuple[Said, list[Paper], Customer]
Fault = Callable[[Said, list[Paper], Customer], Case]


def without(*kinds: str) -> Fault:
    return lambda s, held, c: (s, [p for p in held if p.kind not in kinds], c)


def paying(**changes: Any) -> Fault:
    return lambda s, held, c: (replace(s, **changes), held, c)


def with_(kind: str, **changes: Any) -> Fault:
    return lambda s, held, c: (s, [replace(p, **changes) if p.kind == kind else p for p in held], c)


def on_every(**changes: Any) -> Fault:
    return lambda s, held, c: (s, [replace(p, **changes) for p in held], c)


def being(**changes: Any) -> Fault:
    return lambda s, held, c: (s, held, replace(c, **changes))


def other_party(kind: str) -> Fault:
    """The paper is another company's in our place."""

    def fault(s: Said, held: list[Paper], c: Customer) -> Case:
        def changed(p: Paper) -> Paper:
            return replace(p, parties=tuple(replace(STRANGER, role=n.role) if n.numbers else n for n in p.parties))

        return s, [changed(p) if p.kind == kind else p for p in held], c

    return fault


def paid_by(name: str) -> Fault:
    return lambda s, held, c: (
        replace(s, debtor_name=name) if s.direction == "in" else replace(s, creditor_name=name), held, c,
    )  # fmt: skip


def paid_to(name: str) -> Fault:
    return lambda s, held, c: (
        replace(s, creditor_name=name) if s.direction == "in" else replace(s, debtor_name=name), held, c,
    )  # fmt: skip


def from_country(code: str) -> Fault:
    return lambda s, held, c: (
        replace(s, debtor_country=code) if s.direction == "in" else replace(s, creditor_country=code), held, c,
    )  # fmt: skip


def both(*faults: Fault) -> Fault:
    def fault(s: Said, held: list[Paper], c: Customer) -> Case:
        for one in faults:
            s, held, c = one(s, held, c)
        return s, held, c

    return fault


FAULTS: dict[str, Fault] = {
    "none": paying(),
    "no_papers": without(*KINDS),
    "no_contract": without("contract"),
    "no_invoice": without("invoice"),
    "no_invoice_no_contract": without("invoice", "contract"),
    "no_declaration": without("customs_declaration"),
    "no_transport": without("transport_document"),
    "contract_ended": with_("contract", live=False, status="terminated"),
    "invoice_taken_back": with_("invoice", live=False),
    "declaration_cancelled": with_("customs_declaration", live=False, status="cancelled"),
    "declaration_used_up": with_("customs_declaration", left=0),
    "declaration_leaves_too_little": with_("customs_declaration", left=WORTH - 1),
    "declaration_of_another": other_party("customs_declaration"),
    "contract_of_another": other_party("contract"),
    "declaration_not_released": with_("customs_declaration", status="accepted"),
    "declaration_in_another_state": with_("customs_declaration", status="whatever"),
    "other_payer": paid_by("Bangkok Motor Parts Co., Ltd."),
    "payer_without_its_form": paid_by("SIAM MOTOR PARTS"),
    "payer_in_capitals": paid_by("SIAM MOTOR PARTS CO LTD"),
    "sister_of_the_payer": paid_by("Siam Motor Parts Pte. Ltd."),
    "no_name_of_the_payer": paid_by(""),
    "other_payee": paid_to("重庆另一家有限公司"),
    "other_currency": paying(currency="EUR"),
    "tax_invoice_in_yuan": with_("invoice", currency="CNY", amount_minor=WORTH * 7),
    "invoice_in_another_currency": with_("invoice", currency="EUR"),
    "little_more": both(paying(amount_minor=WORTH * 103 // 100), with_("customs_declaration", left=WORTH * 2)),
    "too_much": both(paying(amount_minor=WORTH * 106 // 100), with_("customs_declaration", left=WORTH * 2)),
    "less": paying(amount_minor=WORTH // 4),
    "invoice_used_up": with_("invoice", left=0),
    "names_no_invoice": paying(invoices=()),
    "names_another_invoice": paying(invoices=("INV-8",)),
    "names_one_more_invoice": paying(invoices=("INV-7", "INV-8")),
    "names_it_otherwise": paying(invoices=("inv 0007",)),
    "contract_a_little_late": with_("contract", dated=date(2026, 3, 10)),
    "contract_far_too_late": with_("contract", dated=date(2026, 5, 10)),
    "paid_two_days_early": with_("customs_declaration", dated=date(2026, 3, 20)),
    "paid_ten_days_early": with_("customs_declaration", dated=date(2026, 3, 28)),
    "from_elsewhere": from_country("HK"),
    "no_country": from_country(""),
    "other_goods_carried": both(with_("customs_declaration", references=()), with_("transport_document", lot=key("lot"))),
    "class_unknown": being(directory_class=""),
    "class_b": being(directory_class="B"),
    "class_c": being(directory_class="C"),
    "not_in_directory": being(directory_class="none"),
}  # fmt: skip


def applied(name: str, situation: str = AFTER, direction: str = "in", tier: str = "2") -> policy.Judgement:
    payment = said(situation, direction)
    return judged(*FAULTS[name](payment, papers(sells=payment.sells), TIERS[tier]))


#: Receipts after shipment. What stands in the way of a customer of grade 1, of grade 2, of grade 3.
MISSING, WRONG = "missing", "mismatch"
AFTER_SHIPMENT: dict[str, tuple[dict[str, str], dict[str, str], dict[str, str]]] = {
    "none": ({}, {}, {}),
    "no_papers": (
        {},
        {
            "invoice_or_contract": MISSING, "declaration": MISSING, "within_declaration": MISSING, "payer": MISSING, "currency": MISSING,
            "amount": MISSING,
        },
        {
            "invoice_or_contract": MISSING, "invoice": MISSING, "declaration": MISSING, "transport": MISSING, "within_declaration": MISSING,
            "declaration_released": MISSING, "payer": MISSING, "currency": MISSING, "amount": MISSING, "invoices_named": MISSING,
            "country": MISSING, "same_goods": MISSING,
        },
    ),
    "no_contract": ({}, {}, {}),
    "no_invoice": ({}, {}, {"invoice": MISSING, "invoices_named": MISSING}),
    "no_invoice_no_contract": (
        {}, {"invoice_or_contract": MISSING}, {"invoice_or_contract": MISSING, "invoice": MISSING, "invoices_named": MISSING},
    ),
    "no_declaration": (
        {}, {"declaration": MISSING, "within_declaration": MISSING},
        {"declaration": MISSING, "within_declaration": MISSING, "declaration_released": MISSING, "same_goods": MISSING},
    ),
    "no_transport": ({}, {}, {"transport": MISSING, "same_goods": MISSING}),
    "declaration_used_up": tuple({"declaration_open": WRONG, "within_declaration": WRONG} for _ in range(3)),
    "declaration_leaves_too_little": tuple({"within_declaration": WRONG} for _ in range(3)),
    "contract_of_another": tuple({"contract": WRONG} for _ in range(3)),
    "declaration_not_released": tuple({"declaration_released": WRONG} for _ in range(3)),
    "declaration_in_another_state": ({}, {}, {"declaration_released": MISSING}),
    "other_payer": tuple({"payer": WRONG} for _ in range(3)),
    "payer_without_its_form": ({}, {}, {}),
    "payer_in_capitals": ({}, {}, {}),
    "sister_of_the_payer": tuple({"payer": WRONG} for _ in range(3)),
    "no_name_of_the_payer": ({}, {"payer": MISSING}, {"payer": MISSING}),
    "other_payee": tuple({"payee": WRONG} for _ in range(3)),
    "tax_invoice_in_yuan": ({}, {}, {}),
    "invoice_in_another_currency": tuple({"currency": WRONG} for _ in range(3)),
    "little_more": ({}, {}, {}),
    "too_much": tuple({"amount": WRONG, "amount_contract": WRONG} for _ in range(3)),
    "less": ({}, {}, {}),
    "invoice_used_up": tuple({"invoice_unused": WRONG} for _ in range(3)),
    "names_no_invoice": ({}, {}, {"invoices_named": MISSING}),
    "names_another_invoice": tuple({"invoices_named": WRONG} for _ in range(3)),
    "names_it_otherwise": ({}, {}, {}),
    "contract_a_little_late": ({}, {}, {}),
    "contract_far_too_late": tuple({"dates": WRONG} for _ in range(3)),
    "paid_two_days_early": ({}, {}, {}),
    "paid_ten_days_early": tuple({"after_declaration": WRONG} for _ in range(3)),
    "from_elsewhere": ({}, {}, {"country": WRONG}),
    "no_country": ({}, {}, {"country": MISSING}),
    "other_goods_carried": ({}, {"same_goods": WRONG}, {"same_goods": WRONG}),
    "class_b": tuple({"class_b_amount": MISSING} for _ in range(3)),
    "class_c": tuple({"class_c_registered": MISSING} for _ in range(3)),
    "not_in_directory": tuple({"in_directory": WRONG} for _ in range(3)),
}  # type: ignore[assignment]  # fmt: skip


@pytest.mark.parametrize("fault", AFTER_SHIPMENT)
@pytest.mark.parametrize("tier", ["1", "2", "3"])
def test_what_stands_in_the_way_of_a_receipt_after_shipment(fault: str, tier: str) -> None:
    found = applied(fault, tier=tier)
    assert in_the_way(found) == AFTER_SHIPMENT[fault][int(tier) - 1]
    assert found.verdict == ("blocked" if in_the_way(found) else "clear")


def test_every_situation_grade_and_fault() -> None:
    """The whole table, read by a person when it changes: UPDATE=1 writes it anew."""
    rows = ["direction\tsituation\tfault\tgrade 1\tgrade 2\tgrade 3"]
    for direction in ("in", "out"):
        for situation in SITUATIONS:
            for fault in FAULTS:
                cells = []
                for tier in TIERS:
                    found = applied(fault, situation, direction, tier)
                    way = " ".join(f"{'!' if s == WRONG else '?'}{n}" for n, s in in_the_way(found).items())
                    tolerated = " ".join(f"~{f.name}" for f in found.findings if f.status == "tolerated")
                    cells.append(" ".join(w for w in (found.verdict, way, tolerated) if w))
                rows.append("\t".join([direction, situation, fault, *cells]))
    text = "\n".join(rows) + "\n"
    if os.environ.get("UPDATE"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert GOLDEN.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("direction", ["in", "out"])
@pytest.mark.parametrize("tier", ["1", "2", "3"])
@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_cancelled_declaration_always_blocks(situation: str, tier: str, direction: str) -> None:
    found = applied("declaration_cancelled", situation, direction, tier)
    assert found.verdict == "blocked"
    assert status_of(found, "declaration_valid") == WRONG
    assert found.declaration_id is None
    # Beside a good one, too: somebody attached it, and has to say why.
    payment = said(situation, direction)
    held = [*papers(sells=payment.sells), paper("customs_declaration", sells=payment.sells, name="second", number="801320260000123457", live=False)]
    assert judged(payment, held, TIERS[tier]).verdict == "blocked"


@pytest.mark.parametrize("direction", ["in", "out"])
@pytest.mark.parametrize("tier", ["1", "2", "3"])
@pytest.mark.parametrize("situation", [AFTER, ADVANCE, COLLECTION])
def test_a_used_up_declaration_always_blocks(situation: str, tier: str, direction: str) -> None:
    """Money that is given back is not paid on the declaration, which its first payment has used."""
    found = applied("declaration_used_up", situation, direction, tier)
    assert found.verdict == "blocked"
    assert found.declaration_id is None


def test_what_is_tolerated_is_said_and_by_which_rule() -> None:
    found = applied("little_more")
    one = next(f for f in found.findings if f.name == "amount")
    assert (one.status, one.rule, one.field) == ("tolerated", "settlement.amount_tolerance@2024-01-01", "over_invoice_bp")
    assert (one.found, one.wanted) == ("USD 99,374.40", "USD 96,480.00")
    assert one.measure == "M08-01"
    assert "settlement.amount_tolerance@2024-01-01" in found.parameters
    assert found.rule_set == "goods-in@2026-01-01"
    assert found.facts["over_invoice_bp"] == "3.00%"
    assert status_of(applied("payer_without_its_form"), "payer") == "tolerated"
    assert status_of(applied("payer_in_capitals"), "payer") == "met"
    assert status_of(applied("contract_a_little_late"), "dates") == "tolerated"
    assert status_of(applied("paid_two_days_early"), "after_declaration") == "tolerated"


@pytest.mark.parametrize(
    ("amount", "status"), [(WORTH, "met"), (WORTH + 1, "tolerated"), (WORTH * 105 // 100, "tolerated"), (WORTH * 105 // 100 + 1, WRONG)]
)
def test_the_tolerance_ends_where_it_ends(amount: int, status: str) -> None:
    """Rounded against the payer: one cent beyond is beyond."""
    held = [replace(p, left=WORTH * 2) for p in papers()]
    assert status_of(judged(said(amount_minor=amount), held), "amount") == status


def test_a_province_sets_its_own_tolerance() -> None:
    from decimal import Decimal

    from luhai.core.rules.parameters import Source, Value

    strict = PARAMETERS.with_overrides(
        [Value("settlement.amount_tolerance", Decimal(0), "bp", date(2026, 1, 1), Source("t"), "verified", "500000", "x")]
    )
    rules = in_force(SETS, "in", AFTER, ON)
    payment, held = said(amount_minor=WORTH + 1), [replace(p, left=WORTH * 2) for p in papers()]
    here = policy.judge(rules, payment, held, CUSTOMER, strict, ON)
    assert status_of(here, "amount") == WRONG
    elsewhere = policy.judge(rules, payment, held, replace(CUSTOMER, territory="510000"), strict, ON)
    assert status_of(elsewhere, "amount") == "tolerated"


@pytest.mark.parametrize("tier", ["1", "2", "3"])
@pytest.mark.parametrize("of_class", ["B", "C", "none"])
def test_no_grade_eases_the_classes(of_class: str, tier: str) -> None:
    """Grade 1 eases the review of papers only."""
    customer = replace(TIERS[tier], directory_class=of_class)
    found = judged(said(), papers(), customer)
    assert (found.tier, found.verdict) == ("3", "blocked")


def test_a_deferral_of_class_b_is_bounded() -> None:
    customer = replace(CUSTOMER, directory_class="B")
    late = date(2026, 3, 4) + timedelta(days=90)
    assert status_of(judged(said(value_date=late), papers(), customer), "deferral") == "met"
    assert status_of(judged(said(value_date=late + timedelta(days=1)), papers(), customer), "deferral") == WRONG
    assert status_of(judged(said(value_date=late + timedelta(days=1)), papers()), "deferral") == "met"


def test_the_share_of_an_advance_is_capped_for_grade_3() -> None:
    for amount, verdict in ((WORTH * 30 // 100, "clear"), (WORTH * 30 // 100 + 1, "blocked")):
        assert judged(said(ADVANCE, amount_minor=amount), papers(), TIERS["3"]).verdict == verdict
        assert judged(said(ADVANCE, amount_minor=amount), papers(), TIERS["2"]).verdict == "clear"


def test_a_refund_names_its_payment_and_is_not_too_late() -> None:
    assert judged(said(REFUND), papers(sells=False)).verdict == "clear"
    assert in_the_way(judged(said(REFUND, original_on=None), papers(sells=False))) == {"original_payment": MISSING}
    old = said(REFUND, original_on=date(2026, 3, 18) - timedelta(days=181))
    assert in_the_way(judged(old, papers(sells=False))) == {"refund_age": WRONG}
    # The sides are changed: what comes back to us was paid for what we bought.
    assert judged(said(REFUND), papers(sells=True)).verdict == "blocked"


def test_against_which_declaration() -> None:
    """The smallest that covers the payment; never one of another company, in another currency, or used up."""
    small = paper("customs_declaration", name="small", number="801320260000000001", left=WORTH + 5)
    large = paper("customs_declaration", name="large", number="801320260000000002", left=WORTH * 3)
    rest = [p for p in papers() if p.kind != "customs_declaration"]
    assert judged(said(), [*rest, large, small]).declaration_id == small.id
    assert judged(said(amount_minor=WORTH * 2, invoices=()), [*rest, large, small]).declaration_id == large.id
    assert judged(said(), [*rest, replace(small, left=5), large]).declaration_id == large.id
    assert judged(said(ADVANCE), [*rest, large]).declaration_id is None
    foreign = replace(large, currency="EUR")
    assert judged(said(), [*rest, foreign, small]).declaration_id == small.id
    assert judged(said(), rest).declaration_id is None


def test_an_old_organisation_code_names_the_company() -> None:
    held = papers()
    held = [replace(p, parties=tuple(replace(n, name="Changjia", numbers=frozenset({"org_code:MA5U00011"})) if n.numbers else n for n in p.parties)) for p in held]
    assert judged(said(), held).verdict == "clear"
    # A number of the same register speaks, whatever the name.
    wrong = [replace(p, parties=tuple(replace(n, numbers=frozenset({"org_code:MA5U00038"})) if n.numbers else n for n in p.parties)) for p in held]
    assert "declaration_unit" in in_the_way(judged(said(), wrong))
    # Where there is no number, the name does.
    named = [replace(p, parties=tuple(replace(n, numbers=frozenset()) for n in p.parties)) for p in papers()]
    assert judged(said(), named).verdict == "clear"


def test_another_name_of_the_payer_in_the_register() -> None:
    held = [
        replace(p, parties=tuple(replace(n, others=("暹罗汽车零部件有限公司",)) if n.country == "TH" else n for n in p.parties))
        for p in papers()
    ]
    found = judged(said(debtor_name="暹罗汽车零部件有限公司"), held)
    assert found.verdict == "clear"
    assert found.facts["counterparty_name"] == "alias"
    assert judged(said(debtor_name="暹罗汽车零部件有限公司"), papers()).verdict == "blocked"


def test_one_paper_with_another_payer_is_enough() -> None:
    first, *rest = papers()
    other = replace(first, parties=(first.parties[0], replace(first.parties[1], name="Bangkok Motor Parts Co., Ltd.")))
    found = judged(said(), [other, *rest])
    assert in_the_way(found) == {"payer": WRONG}
    assert next(f.wanted for f in found.findings if f.name == "payer") == "Bangkok Motor Parts Co., Ltd.; Siam Motor Parts Co., Ltd."


def test_a_payment_is_recorded_against_one_declaration() -> None:
    """Two halves are not a whole: one use stands on one declaration."""
    rest = [p for p in papers() if p.kind != "customs_declaration"]
    halves = [paper("customs_declaration", name=n, number=f"80132026000000000{n}", left=WORTH // 2) for n in ("1", "2")]
    assert in_the_way(judged(said(), [*rest, *halves])) == {"within_declaration": WRONG}
    assert judged(said(amount_minor=WORTH // 2), [*rest, *halves]).verdict == "clear"


def test_of_invoices_that_are_not_all_here_no_sum_is_made() -> None:
    """The remittance names two and one is here: nothing contradicts, and the declaration says whether it is too much."""
    half = [replace(p, amount_minor=WORTH // 2) if p.kind == "invoice" else p for p in papers()]
    found = judged(said(invoices=("INV-7", "INV-8")), half)
    assert status_of(found, "invoices_named") == MISSING
    assert (status_of(found, "amount"), found.verdict) == ("met", "clear")
    second = paper("invoice", name="second", number="INV-8", amount_minor=WORTH // 2)
    whole = judged(said(invoices=("INV-7", "INV-8")), [*half, second])
    assert (status_of(whole, "invoices_named"), whole.facts["over_invoice_bp"]) == ("met", "0.00%")


def test_an_invoice_that_the_remittance_does_not_name_is_not_counted() -> None:
    more = paper("invoice", name="second", number="INV-8")
    held = [replace(p, left=WORTH * 3) for p in [*papers(), more]]
    assert status_of(judged(said(amount_minor=WORTH * 2), held), "amount") == WRONG
    assert status_of(judged(said(amount_minor=WORTH * 2, invoices=()), held), "amount") == "met"


def test_the_commercial_number_stands_on_the_declaration() -> None:
    """The tax invoice has a number of its own; the one that the buyer knows is among those that the declaration names."""
    held = [replace(p, references=(*p.references, ("invoice", "COMM-1"))) if p.kind == "customs_declaration" else p for p in papers()]
    assert status_of(judged(said(invoices=("comm 1",)), held), "invoices_named") == "met"


def test_one_of_several_carriages_is_enough() -> None:
    other = paper("transport_document", name="rail", number="RAIL-1")
    assert status_of(judged(said(), [*papers(), other]), "same_goods") == "met"
    assert status_of(judged(said(), [replace(p, references=()) for p in [*papers(), other]]), "same_goods") == WRONG
    second = paper("customs_declaration", name="second", number="801320260000123457", references=())
    assert status_of(judged(said(), [*papers(), second]), "same_goods") == "met"
    named = replace(other, references=(("document", "801320260000123456"),))
    assert status_of(judged(said(), [*(replace(p, references=()) for p in papers()), named]), "same_goods") == "met"


def test_a_number_that_our_register_does_not_have_says_nothing() -> None:
    held = [replace(p, parties=tuple(replace(n, numbers=frozenset({"lei:X"})) if n.numbers else n for n in p.parties)) for p in papers()]
    assert judged(said(), held).verdict == "clear"


@pytest.mark.parametrize(
    ("said_", "written", "how"),
    [
        ("SIAM MOTOR PARTS CO LTD", "Siam Motor Parts Co., Ltd.", "same"), ("Ｓｉａｍ　Motor-Parts Co.,Ltd", "Siam Motor Parts Co., Ltd.", "same"),
        ("CONG TY TNHH SAO BIEN", "Công ty TNHH Sao Biển", "same"), ("Dang Trading", "Đăng Trading", "same"),
        ("Smith & Sons", "SMITH AND SONS", "same"), ("บริษัท สยาม จำกัด", "บริษัทสยามจำกัด", "same"),
        ("重庆长嘉纵横贸易（有限公司）", "重庆长嘉纵横贸易有限公司", "same"),
        ("Siam Motor Parts", "Siam Motor Parts Co., Ltd.", "near"), ("Siam Motor Parts Ltd.", "Siam Motor Parts Company Limited", "near"),
        ("重庆长嘉纵横贸易", "重庆长嘉纵横贸易有限公司", "near"), ("重庆长嘉有限责任公司", "重庆长嘉有限公司", "near"),
        ("Sao Bien", "Công ty TNHH Sao Biển", "near"), ("Sinar Jaya", "PT Sinar Jaya", "near"),
        ("Chongqing Very Long Name Of Trading", "Chongqing Very Long Name Of Trading and Logistics Co., Ltd.", "near"),
        ("Siam Motor Parts Pte. Ltd.", "Siam Motor Parts Co., Ltd.", "different"), ("Co., Ltd.", "Ltd. Co.", "different"),
        ("AG Trading", "SA Trading", "different"), ("PT Trading", "AO Trading", "different"),
        ("Chongqing Trading", "Chongqing Trading and Logistics Co., Ltd.", "different"), ("Siam", "暹罗", "different"),
        ("重庆有限公司", "有限公司", "different"), ("ООО Ромашка", "ТОО Ромашка", "different"),
    ],
)  # fmt: skip
def test_names(said_: str, written: str, how: str) -> None:
    assert compare(said_, [written]) == how
    assert compare(written, [said_]) == how
    assert compare(said_, ["Another One"], [written]) == {"same": "alias"}.get(how, how)


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"direction": "up"}, "direction"), ({"situation": "goods"}, "situation"), ({"currency": "XXX"}, "currency"),
     ({"amount_minor": 0}, "amount_minor"), ({"original_on": date(2027, 1, 1)}, "original_on")],
)  # fmt: skip
def test_what_a_payment_cannot_say(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as no:
        replace(said(), **changes).check()
    assert no.value.facts["field"] == field


def test_before_the_first_rule_set_nothing_is_checked() -> None:
    with pytest.raises(NoRuleSet):
        in_force(SETS, "in", AFTER, date(2025, 12, 31))


def test_products_and_demands_cannot_ask_about_payments() -> None:
    """They know the fields of companies and demands alone, in all three forms."""
    from luhai.core.rules.predicates import predicate

    assert not FIELDS.keys() & PAYMENT_FIELDS.keys()
    for name in PAYMENT_FIELDS:
        with pytest.raises(Invalid, match="unknown field"):
            criteria.parse({"field": name, "op": "is", "value": True})
        with pytest.raises(Invalid, match="unknown fact"):
            criteria.check_facts({name: criteria.Fact(True)})
        assert PAYMENT_FIELDS[name].about == "payment"
    asked = criteria.parse({"field": "has_contract", "op": "is", "value": True}, PAYMENT_FIELDS)
    assert criteria.parse(criteria.as_json(asked), PAYMENT_FIELDS) == asked
    with pytest.raises(KeyError):
        predicate(asked)  # type: ignore[arg-type]
    with pytest.raises(Invalid, match="unknown field"):
        criteria.parse({"field": "size", "op": "is", "value": "micro"}, PAYMENT_FIELDS)


# --- promises -------------------------------------------------------------------------------------------------------------

TIER = st.sampled_from(["1", "2", "3"])
WHERE = st.sampled_from([(d, s) for d in ("in", "out") for s in SITUATIONS])
#: Faults of papers and payment; days are drawn in order, since a day can only be wrong beside another.
DRAWN = st.lists(
    st.sampled_from([f for f in FAULTS if f not in ("contract_far_too_late", "paid_ten_days_early", "contract_a_little_late", "paid_two_days_early")]),
    max_size=3,
)  # fmt: skip


@st.composite
def cases(draw: st.DrawFn, faults: st.SearchStrategy[list[str]] = DRAWN) -> Case:
    direction, situation = draw(WHERE)
    payment = said(situation, direction)
    held = draw(st.lists(st.sampled_from(papers(sells=payment.sells)), unique_by=lambda p: p.id))
    case: Case = (payment, held, TIERS[draw(TIER)])
    for fault in draw(faults):
        case = FAULTS[fault](*case)
    return case


@given(cases(), st.sampled_from(KINDS), st.integers(0, 3))
def test_another_matching_paper_never_blocks(case: Case, kind: str, more: int) -> None:
    """Clear stays clear, whatever good paper comes on top, and however much it is worth beyond the payment."""
    payment, held, customer = case
    if judged(payment, held, customer).verdict != "clear":
        return
    names = ("INV-7",) if not payment.invoices else payment.invoices
    worth = payment.amount_minor * (1 + more)
    country = payment.counterparty[1] or "TH"
    new = paper(kind, sells=payment.sells, name="another", amount_minor=worth, currency=payment.currency, left=worth)
    number = {"invoice": names[0], "customs_declaration": "801320260000999999"}.get(kind, f"{kind}-2")
    other = replace(THEM, name=payment.counterparty[0] or THEM.name, country=country)
    new = replace(new, number=number, parties=tuple(p if p.numbers else replace(other, role=p.role) for p in new.parties))
    assert judged(payment, [*held, new], customer).verdict == "clear", in_the_way(judged(payment, [*held, new], customer))


@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_papers_does_not_matter(case: Case, random: Any) -> None:
    payment, held, customer = case
    again = [*held, *held[:2]]
    random.shuffle(again)
    assert judged(payment, again, customer) == judged(payment, held, customer)


@given(cases())
def test_without_what_is_required_nothing_is_clear(case: Case) -> None:
    payment, held, customer = case
    rules = in_force(SETS, payment.direction, payment.situation, ON)
    tier = policy.tier_of(customer)
    checks = {c.name: c.weight(payment.situation, tier) for c in rules.checks}
    for name, kind in (("contract", "contract"), ("declaration", "customs_declaration"), ("transport", "transport_document"), ("invoice", "invoice")):
        if checks[name] == "Y":
            fewer = judged(payment, [p for p in held if p.kind != kind], customer)
            assert fewer.verdict == "blocked"
            assert status_of(fewer, name) == MISSING


@given(cases(st.just([])))
def test_an_unknown_is_never_a_no(case: Case) -> None:
    """Of papers that agree, any may be absent: then something is missing, and nothing contradicts."""
    payment, held, customer = case
    found = judged(payment, held, customer)
    wrong = {f.name for f in found.findings if f.status == WRONG}
    assert wrong <= {"advance_share"}, wrong


@given(cases(), TIER, TIER)
def test_a_better_grade_is_never_asked_more(case: Case, one: str, other: str) -> None:
    payment, held, customer = case
    better, worse = sorted((one, other))
    if judged(payment, held, replace(customer, tier=worse)).verdict == "clear":
        assert judged(payment, held, replace(customer, tier=better)).verdict == "clear"


@given(cases())
def test_a_judgement_explains_itself(case: Case) -> None:
    payment, held, customer = case
    found = judged(payment, held, customer)
    assert (found.verdict == "blocked") is any(f.required and f.status in (MISSING, WRONG) for f in found.findings)
    for finding in found.findings:
        assert finding.field in PAYMENT_FIELDS
        assert (finding.found == "") is (finding.field not in found.facts) or finding.status != MISSING
    if found.declaration_id is not None:
        used = next(p for p in held if p.id == found.declaration_id)
        assert used.live
        assert used.left > 0
        assert policy.ours(payment, used, customer) is not False
        if found.verdict == "clear":
            assert used.currency == payment.currency
            assert used.left >= payment.amount_minor
