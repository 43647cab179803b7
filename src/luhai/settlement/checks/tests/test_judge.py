"""The check of a payment against papers that came through the register of evidence, and against grades in force."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from luhai.core.evidence import commands as evidence
from luhai.core.evidence.tests.world import (
    OVERSEAS,
    bank,
    company,
    consented,
    contract,
    declaration,
    id_of,
    invoice,
    now,
    packed,
    party,
    received,
    uscc_of,
)
from luhai.kernel.identifiers import Kind as Number
from luhai.kernel.identifiers import complete
from luhai.kernel.origin import Actor, Role
from luhai.kernel.refusal import Absent
from luhai.settlement.checks import commands
from luhai.settlement.checks.policy import Judgement, Said
from luhai.settlement.checks.queries import _codes, findings_words, grade_of, judge
from luhai.settlement.checks.tests.world import AFTER, by, colleague, in_the_way, status_of

pytestmark = pytest.mark.django_db
ON = date(2026, 3, 20)
WORTH = 10_000_00


class Deal:
    """An exporter, its bank, and the papers of one sale: contract and declaration in dollars, the tax invoice in yuan."""

    def __init__(self) -> None:
        self.bank, self.company = bank(), company()
        sale = contract(self.company, WORTH)
        bill = invoice(self.company, WORTH * 7, buyer=OVERSEAS, contract_nos=[sale["contract_no"]])
        self.number = bill["invoice_no"]
        self.declared = declaration(self.company, WORTH, contract_no=sale["contract_no"], invoice_nos=[self.number])
        self.contract, self.invoice = received(sale, self.company), received(bill, self.company)
        self.declaration = received(self.declared, self.company)

    @property
    def papers(self) -> list[UUID]:
        return [self.contract, self.invoice, self.declaration]

    def said(self, **changes: Any) -> Said:
        made = Said(
            direction="in", currency="USD", amount_minor=WORTH, debtor_name="SIAM MOTOR PARTS CO LTD", debtor_country="TH",
            creditor_name="Some Exporter", invoices=(self.number,), value_date=date(2026, 3, 18), situation=AFTER,
        )  # fmt: skip
        return replace(made, **changes)

    def judged(self, papers: list[UUID] | None = None, on: date = ON, **changes: Any) -> Judgement:
        return judge(
            said=self.said(**changes), papers=self.papers if papers is None else papers, bank_id=id_of(self.bank),
            company_id=id_of(self.company), on=on,
        )  # fmt: skip


def corrected(deal: Deal, document: dict[str, Any]) -> None:
    evidence.correct_evidence(evidence_id=deal.declaration, content=packed(document), origin=by(deal.company))


def graded(bank_: Actor, company_: Actor, grade: int, of_class: str = "A", days: int = 0) -> UUID:
    made = commands.propose_grade(
        grade_id=uuid4(), company_id=id_of(company_), grade=grade, directory_class=of_class, basis=["known"],
        next_review=date(2026, 9, 1) + timedelta(days=days), origin=by(bank_, days),
    )  # fmt: skip
    return commands.approve_grade(grade_id=made, origin=by(colleague(bank_), days))


def test_a_sale_with_its_papers_is_clear() -> None:
    deal = Deal()
    found = deal.judged()
    assert (found.verdict, found.tier, found.rule_set) == ("clear", "2", "goods-in@2026-01-01")
    assert found.declaration_id == deal.declaration
    assert {f.status for f in found.findings} == {"met", "missing"}
    assert {f.name for f in found.findings if f.status == "missing"} == {
        "in_directory", "class_b_amount", "class_c_registered", "transport", "same_goods", "amount_short",
    }  # fmt: skip
    assert deal.judged(list(reversed(deal.papers))) == found


def test_the_papers_of_another_company_prove_nothing() -> None:
    deal, other = Deal(), Deal()
    found = deal.judged(other.papers)
    assert found.verdict == "blocked"
    assert {"declaration", "declaration_unit", "contract", "invoice_or_contract"} <= in_the_way(found).keys()
    assert found.declaration_id is None
    assert deal.judged([*deal.papers, *other.papers]).declaration_id == deal.declaration


def test_an_import_declaration_is_not_one_for_a_receipt() -> None:
    deal = Deal()
    number = deal.declared["declaration_no"]
    bought = received(declaration(deal.company, WORTH, direction="import", declaration_no=f"{number[:8]}1{number[9:]}", declared_on="2026-02-20"), deal.company)
    found = deal.judged([deal.contract, deal.invoice, bought])
    assert status_of(found, "declaration_unit") == "mismatch"


def test_what_another_bank_has_settled_is_not_there_twice() -> None:
    """The register counts across banks: what is left is less, then nothing."""
    deal, other = Deal(), bank()
    consented(deal.company, other, "settlement")

    def settled(amount: int) -> None:
        evidence.use_evidence(
            use_id=uuid4(), evidence_id=deal.declaration, purpose="settlement", amount=amount, currency="USD", origin=now(other),
        )  # fmt: skip

    settled(1)
    found = deal.judged()
    assert in_the_way(found) == {"within_declaration": "mismatch"}
    telling = next(f for f in found.findings if f.name == "within_declaration")
    assert (telling.wanted, telling.found) == ("≤ USD 9,999.99", "USD 10,000.00")
    assert deal.judged(amount_minor=WORTH - 1).verdict == "clear"
    settled(WORTH - 1)
    assert set(in_the_way(deal.judged(amount_minor=1))) == {"declaration_open", "within_declaration"}


def test_a_cancelled_declaration_blocks_and_an_amended_one_counts_as_it_stands() -> None:
    deal = Deal()
    half = str(WORTH // 200) + ".00"
    amended = deal.declared | {"status": "amended", "total_amount": half}
    amended["items"] = [deal.declared["items"][0] | {"amount": half}]
    corrected(deal, amended)
    assert "within_declaration" in in_the_way(deal.judged())
    assert deal.judged(amount_minor=WORTH // 2).verdict == "clear"
    corrected(deal, amended | {"status": "cancelled"})
    found = deal.judged(amount_minor=1)
    assert status_of(found, "declaration_valid") == "mismatch"
    assert found.declaration_id is None


def test_the_payer_under_the_name_that_the_register_knows() -> None:
    lei = complete(Number.LEI, "529900LUHAITESTBUY")
    buyer = party("company", Role.COMPANY, territory=None, country="TH", name="Siam Holding Public Co., Ltd.", numbers={"lei": lei})
    deal = Deal()
    on_paper = {"name": "Siam Motor Parts", "country": "TH", "lei": lei}
    sold = received(contract(deal.company, WORTH, buyer=on_paper), deal.company)
    held = [sold, deal.invoice]
    assert buyer.party_id is not None
    found = deal.judged([sold], debtor_name="Siam Holding Public Co Ltd", invoices=())
    assert found.facts["counterparty_name"] == "alias"
    assert deal.judged(held, debtor_name="Siam Holding Public Co Ltd").facts["counterparty_name"] == "different"  # the invoice names another


def test_the_organisation_code_is_part_of_the_uscc() -> None:
    assert _codes({"uscc": "91500106MA5U00011W", "registration": "7"}) == {"uscc:91500106MA5U00011W", "org_code:MA5U00011"}
    assert _codes({"org_code": "MA5U00011"}) == {"org_code:MA5U00011"}


def test_a_paper_that_is_not_there() -> None:
    with pytest.raises(Absent):
        Deal().judged([uuid4()])


def test_the_grade_at_this_bank_decides_how_deep_the_check_goes() -> None:
    deal = Deal()
    assert deal.judged([]).verdict == "blocked"
    graded(deal.bank, deal.company, 1)
    assert (deal.judged([]).tier, deal.judged([]).verdict) == ("1", "clear")
    assert deal.judged().facts["directory_class"] == "A"
    # At another bank it is nobody's grade, and before its day it was none.
    elsewhere = judge(said=deal.said(), papers=[], bank_id=id_of(bank()), company_id=id_of(deal.company), on=ON)
    assert elsewhere.tier == "2"
    assert grade_of(id_of(deal.bank), id_of(deal.company), date(2026, 3, 1)) is None
    assert deal.judged([], on=date(2026, 3, 1)).tier == "2"
    # Not reviewed in time, it eases nothing.
    assert (deal.judged([], on=date(2026, 9, 1)).tier, deal.judged([], on=date(2026, 9, 2)).tier) == ("1", "2")
    commands.suspend_grade(grade_id=uuid4(), company_id=id_of(deal.company), reason="no such address", origin=by(deal.bank, 10))
    assert (deal.judged(on=date(2026, 3, 20)).tier, deal.judged(on=date(2026, 3, 11)).tier) == ("3", "1")
    assert set(in_the_way(deal.judged())) == {"transport", "same_goods"}


def test_a_proposed_grade_counts_for_nothing() -> None:
    deal = Deal()
    commands.propose_grade(
        grade_id=uuid4(), company_id=id_of(deal.company), grade=1, directory_class="A", basis=["b"], next_review=date(2026, 9, 1),
        origin=by(deal.bank),
    )  # fmt: skip
    assert deal.judged([]).tier == "2"


def test_findings_in_both_languages() -> None:
    from django.utils.translation import override

    deal = Deal()
    found = deal.judged(debtor_name="Bangkok Parts Co., Ltd.")
    one = next(f for f in found.findings if f.name == "payer")
    with override("en"):
        words = findings_words(one)
        assert (words.name, words.status, words.weight) == ("The payer is the one on the papers", "does not agree", "in the way")
        assert str(words) == (
            "The payer is the one on the papers: does not agree (wanted Siam Motor Parts Co., Ltd., found Bangkok Parts Co., Ltd.)"
        )
    with override("zh-hans"):
        assert str(findings_words(one)) == "付款人与单证一致：不一致（应为 Siam Motor Parts Co., Ltd.，实为 Bangkok Parts Co., Ltd.）"
        for finding in found.findings:
            words = findings_words(finding)
            assert not any("a" <= c <= "z" for c in words.name + words.status + words.weight), words
    assert uscc_of(deal.company) not in str(found.facts)
