"""The invented corridor: the same from the same seed, true to its arithmetic, and nobody's."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections import Counter
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from luhai.kernel.identifiers import Kind, check, doubts, region_of
from luhai.kernel.origin import Role
from simulator import names
from simulator.companies import (
    ABROAD_EVERY,
    CODES,
    FLAGS,
    INDUSTRIES,
    LISTS,
    MISSING_PER_MILLE,
    Companies,
    Company,
)
from simulator.corridor import COUNTS, Counts, Size, export, generate, lines
from simulator.reference import table, territories

ROOT = Path(__file__).parent.parent.parent
DAY = date(2026, 11, 2)
SMALL = generate(4, Size.SMALL, DAY)
SOME = generate(4, Counts(20_000, 60, 400, 500), DAY)
ALL_SOME: list[Company] = list(SOME.companies)
CHINESE = [company for company in ALL_SOME if company.country == "CN"]
ABROAD = [company for company in ALL_SOME if company.country != "CN"]

MEASURES = {
    row["id"]
    for path in sorted((ROOT / "data" / "policies").glob("*measures*.csv"))
    for row in csv.DictReader(path.open(encoding="utf-8"))
}


# The same seed -----------------------------------------------------------------------------------------------------


def test_one_seed_one_digest_whatever_the_hash_seed(tmp_path: Path) -> None:
    digests = set()
    for hash_seed in ("0", "4711"):
        out = tmp_path / f"{hash_seed}.jsonl"
        command = "from simulator.cli import cli; cli()"
        ran = subprocess.run(
            [sys.executable, "-c", command, "export", "--seed", "11", "--size", "small", "--out", str(out), "--json"],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
            capture_output=True,
            check=True,
            text=True,
        )
        told = json.loads(ran.stdout.splitlines()[-1])
        assert told["lines"] == len(out.read_bytes().splitlines())
        digests.add(told["sha256"])
    digests.add(export(generate(11, Size.SMALL, date(2026, 11, 2)), tmp_path / "here.jsonl").sha256)
    assert len(digests) == 1


def test_another_seed_or_day_is_another_corridor(tmp_path: Path) -> None:
    made = [
        export(generate(seed, Counts(20, 12, 20, 5), day), tmp_path / "out").sha256
        for seed, day in ((1, DAY), (2, DAY), (1, date(2026, 11, 3)))
    ]
    assert len(set(made)) == 3


def test_a_larger_corridor_begins_with_the_smaller_one() -> None:
    assert list(SMALL.companies) == ALL_SOME[: len(SMALL.companies)]
    shuffled = np.array([19_999, 3, 512], dtype=np.int64)
    assert SOME.companies.at(shuffled) == [ALL_SOME[n] for n in shuffled]


def test_columns_hold_what_the_records_say() -> None:
    columns = SOME.companies.columns(100, 400)
    for place, company in enumerate(ALL_SOME[100:400]):
        for fact, column in columns.items():
            assert bool(column.known[place]) == (fact in company.facts)
            if fact not in company.facts:
                continue
            value, told = column.values[place].item(), company.facts[fact]
            if fact in CODES:
                assert CODES[fact][value] == told
            elif fact == "lists":
                assert [name for n, name in enumerate(LISTS) if value >> n & 1] == told
            elif fact == "founded_on":
                assert str(np.datetime64(value, "D")) == told
            else:
                assert value == told


def test_every_record_of_the_export_says_that_it_is_invented() -> None:
    records = [json.loads(line) for line in lines(SMALL)]
    assert all(record["invented"] is True for record in records)
    counted = Counter(record["record"] for record in records)
    counts = COUNTS[Size.SMALL]
    assert counted["company"] == counts.companies
    assert counted["institution"] == counts.institutions
    assert counted["product"] == counts.products
    assert counted["demand"] == counts.demands
    identities = [record["id"] for record in records if "id" in record]
    assert len(identities) == len(set(identities))


# Identifiers and names -----------------------------------------------------------------------------------------------


def test_identifiers_are_right_and_in_the_right_region() -> None:
    assert len(CHINESE) == len(ALL_SOME) - len(ALL_SOME) // ABROAD_EVERY
    for company in CHINESE:
        assert company.uscc is not None
        assert check(Kind.USCC, company.uscc) == company.uscc
        assert doubts(Kind.USCC, company.uscc) == ()
        assert region_of(company.uscc) == company.prefecture == company.facts["territory"]
    for company in ALL_SOME:
        if company.lei is not None:
            assert check(Kind.LEI, company.lei) == company.lei
    assert all(company.uscc is None and company.territory is None for company in ABROAD)
    for institution in SOME.institutions:
        if institution.bic is not None:
            assert check(Kind.BIC, institution.bic) == institution.bic
            assert institution.bic[4:6] == institution.country


def test_identifiers_are_marked_as_invented_and_never_given_twice() -> None:
    assert all((company.uscc or "")[8:10] == "XL" for company in CHINESE)
    assert all(company.lei is None or company.lei.startswith("LHZR") for company in ALL_SOME)
    assert all((company.registration_no or "").startswith("INVENTED-") for company in ABROAD)
    assert all(i.bic is None or len(doubts(Kind.BIC, i.bic)) == 1 for i in SOME.institutions)
    for identifiers in (
        [company.uscc for company in CHINESE],
        [company.lei for company in ALL_SOME if company.lei],
        [company.registration_no for company in ABROAD],
        [institution.bic for institution in SOME.institutions if institution.bic],
        [company.id for company in ALL_SOME],
    ):
        assert len(identifiers) == len(set(identifiers))
        assert len(identifiers) > 20


def test_every_name_holds_an_invented_trade_name_and_no_name_is_given_twice() -> None:
    characters = {character for character, _ in names.CHINESE}
    for company in CHINESE:
        assert company.name_zh is not None
        assert company.trade_name in company.name_zh
        assert len(company.trade_name) == 3
        assert set(company.trade_name) <= characters
        assert len(set(company.trade_name)) == 3
        assert company.name_zh.endswith(("有限公司", "有限责任公司"))
    for company in ABROAD:
        assert company.trade_name in (company.name_local or company.name_en)
    institutions = [i.name_zh or i.name_en for i in SOME.institutions]
    for told in (
        [company.name_en for company in ALL_SOME],
        [company.name_zh for company in CHINESE],
        [company.trade_name for company in ALL_SOME] + [i.trade_name for i in SOME.institutions if i.name_zh],
        institutions,
    ):
        assert [name for name, times in Counter(told).items() if times > 1] == []


def test_trade_names_are_as_many_as_the_largest_corridor_needs() -> None:
    largest = COUNTS[Size.CORRIDOR]
    assert largest.companies + largest.institutions < names.CHINESE_NAMES
    assert largest.companies // ABROAD_EVERY <= min(names.names_abroad(c) for c in ("TH", "VN", "MY", "SG", "KZ"))
    syllables = [pinyin for _, pinyin in names.CHINESE]
    assert len(set(syllables)) == len(syllables) == len({c for c, _ in names.CHINESE})
    sample = [names.chinese(n) for n in range(0, names.CHINESE_NAMES, 997)]
    assert len({zh for zh, _ in sample}) == len({en for _, en in sample}) == len(sample)


def test_names_in_the_languages_of_the_corridor() -> None:
    by_country = {company.country: company for company in ABROAD}
    assert (by_country["TH"].name_local or "").startswith("บริษัท ")
    assert (by_country["VN"].name_local or "").startswith("Công ty ")
    assert by_country["VN"].name_en.isascii()
    assert any(company.name_en.endswith("Sdn. Bhd.") for company in ABROAD if company.country == "MY")
    assert all(company.name_en.startswith("PT ") for company in ABROAD if company.country == "ID")


def test_no_trade_name_is_a_real_one() -> None:
    folder = os.environ.get("LUHAI_SAMPLE_DATA")
    if not folder:
        pytest.skip("LUHAI_SAMPLE_DATA names no folder of sample data")
    paths = [*Path(folder).rglob("cn-company-names/company*.txt"), *Path(folder).rglob("cn-company-names/ground*.txt")]
    real = "\n".join(path.read_text(encoding="utf-8") for path in paths)
    assert len(real) > 5_000
    assert [company.name_zh for company in CHINESE if company.trade_name in real] == []


# Facts ------------------------------------------------------------------------------------------------------------------

#: The lower bounds in words of their own (financing §7.4), to compare with: X people, Y revenue, Z assets in 万元.
BOUNDS: dict[str, list[dict[str, int]]] = {
    "A": [{"Y": 20_000}, {"Y": 500}, {"Y": 50}],
    "BCD": [{"X": 1_000, "Y": 40_000}, {"X": 300, "Y": 2_000}, {"X": 20, "Y": 300}],
    "E": [{"Y": 80_000, "Z": 80_000}, {"Y": 6_000, "Z": 5_000}, {"Y": 300, "Z": 300}],
    "F51": [{"X": 200, "Y": 40_000}, {"X": 20, "Y": 5_000}, {"X": 5, "Y": 1_000}],
    "F52": [{"X": 300, "Y": 20_000}, {"X": 50, "Y": 500}, {"X": 10, "Y": 100}],
    "G54 G55 G58": [{"X": 1_000, "Y": 30_000}, {"X": 300, "Y": 3_000}, {"X": 20, "Y": 200}],
    "G59": [{"X": 200, "Y": 30_000}, {"X": 100, "Y": 1_000}, {"X": 20, "Y": 100}],
    "I64": [{"X": 2_000, "Y": 100_000}, {"X": 100, "Y": 1_000}, {"X": 10, "Y": 100}],
    "I65": [{"X": 300, "Y": 10_000}, {"X": 100, "Y": 1_000}, {"X": 10, "Y": 50}],
    "L": [{"X": 300, "Z": 120_000}, {"X": 100, "Z": 8_000}, {"X": 10, "Z": 100}],
    "M": [{"X": 300}, {"X": 100}, {"X": 10}],
}


def size_of(industry: str, people: int, revenue_minor: int, assets_minor: int) -> str:
    (bounds,) = [b for key, b in BOUNDS.items() if industry in key.split() or (industry[0] in key and len(key) < 4 and not key[1:].isdigit())]
    has = {"X": people, "Y": revenue_minor / 1_000_000, "Z": assets_minor / 1_000_000}
    for size, lower in zip(("large", "medium", "small"), bounds, strict=True):
        if all(has[measure] >= least for measure, least in lower.items()):
            return size
    return "micro"


def test_the_size_follows_from_people_revenue_and_assets() -> None:
    wanted = ("industry", "employees", "revenue_minor", "assets_minor", "size")
    compared = Counter[str]()
    for company in ALL_SOME:
        if all(fact in company.facts for fact in wanted):
            *has, size = (company.facts[fact] for fact in wanted)
            assert size_of(*has) == size, company
            compared[size] += 1
    assert min(compared[size] for size in ("micro", "small", "medium", "large")) > 200
    assert {company.facts.get("industry") for company in ALL_SOME} - {None} == {i.code for i in INDUSTRIES}


def test_facts_do_not_contradict_each_other() -> None:
    for company in ALL_SOME:
        facts = company.facts
        if facts.get("first_loan"):
            assert facts.get("existing_loans_minor", 0) == 0
            assert not facts.get("overdue", False)
        if {"existing_loans_minor", "assets_minor", "debt_ratio_bp"} <= facts.keys():
            assert facts["existing_loans_minor"] * 10_000 <= facts["assets_minor"] * facts["debt_ratio_bp"]
        if {"founded_on", "age_months"} <= facts.keys():
            founded = date.fromisoformat(facts["founded_on"])
            months = (DAY.year - founded.year) * 12 + DAY.month - founded.month - (founded.day > DAY.day)
            assert facts["age_months"] == months > 0
        assert ("founded_on" in facts) == ("age_months" in facts)


def test_a_few_in_a_hundred_of_every_fact_are_missing() -> None:
    known = Counter(fact for company in ALL_SOME for fact in company.facts)
    for fact, per_mille in MISSING_PER_MILLE.items():
        missing = 1_000 - 1_000 * known[fact] / len(ALL_SOME)
        assert 30 <= per_mille <= 80
        assert missing == pytest.approx(per_mille, abs=8), fact


def test_where_the_companies_live() -> None:
    lived = Counter(company.territory for company in CHINESE)
    assert set(lived) == {t["code"] for t in territories()}
    (first, _), (second, _), *_ = lived.most_common()
    assert (first, second) == ("500000", "450000")
    partners = Counter(company.country for company in ABROAD)
    assert [country for country, _ in partners.most_common(4)] == ["VN", "SG", "TH", "ID"]
    assert set(partners) <= {row["code"] for row in table("countries")}


# Institutions, products, demands, adoptions, people ------------------------------------------------------------------


def test_every_kind_of_institution_is_there() -> None:
    assert len({i.kind for i in SMALL.institutions}) == 9
    assert all(i.capacity_minor > 0 for i in SOME.institutions)
    assert all(i.home in i.territories for i in SOME.institutions if i.country == "CN")


def leaves(group: dict[str, Any]) -> list[dict[str, Any]]:
    if "field" in group:
        return [group]
    (kind,) = group
    assert kind in ("all", "any")
    return [leaf for member in group[kind] for leaf in leaves(member)]


def test_every_product_has_sound_terms_and_cites_measures_that_exist() -> None:
    assert len(MEASURES) == 239
    counted = []
    for product in SOME.products:
        criteria = leaves(product.criteria)
        cited = {leaf["measure"] for leaf in criteria if "measure" in leaf}
        assert set(product.measures) <= MEASURES
        assert cited <= set(product.measures)
        assert cited, "at least one criterion comes from the policy"
        assert 0 < product.amount_min_minor < product.amount_max_minor
        assert 0 < product.tenor_min_days < product.tenor_max_days
        assert 0 < product.price_min_bp < product.price_max_bp
        assert product.territories
        counted.append(len(criteria))
    assert 5 < sum(counted) / len(counted) < 9
    border = [p for p in SOME.products if "M07-06" in p.measures]
    assert border
    assert all(set(p.territories) <= {"450000", "530000", "150000", "540000", "650000"} for p in border)


def test_the_rules_read_every_criterion_and_every_fact() -> None:
    # By name, since the simulator itself stands on the kernel alone.
    criteria = pytest.importorskip("luhai.core.rules.criteria")
    fields = pytest.importorskip("luhai.core.rules.fields")
    for product in SOME.products:
        criteria.parse(product.criteria)
    for company in ALL_SOME[:2_000]:
        for fact, value in company.facts.items():
            plain = date.fromisoformat(value) if fact == "founded_on" else value
            assert fields.FIELDS[fact].problem(plain) is None, (fact, value)
    for fact in ("size", "credit_grade", "lists"):
        ours = LISTS if fact == "lists" else CODES[fact]
        assert set(ours) == {code.code for code in fields.FIELDS[fact].codes}
    assert {name for name, field in fields.FIELDS.items() if field.kind == "flag" and field.about == "company"} == FLAGS
    purposes = {code.code for code in fields.FIELDS["purpose"].codes}
    collateral = {code.code for code in fields.FIELDS["collateral"].codes}
    for asked in SOME.demands:
        assert asked.purpose in purposes
        assert set(asked.collateral) <= collateral
    for product in SOME.products:
        assert set(product.purposes) <= purposes
        assert set(product.collateral) <= collateral


def test_demands_are_what_such_a_firm_would_ask() -> None:
    by_id = {company.id: company for company in ALL_SOME}
    demands = list(SOME.demands)
    assert len(demands) == len({d.company_id for d in demands}) == SOME.counts.demands
    for demand in demands:
        company = by_id[demand.company_id]
        assert company.country == "CN"
        assert demand.amount_minor % 1_000_000 == 0
        if "revenue_minor" in company.facts:
            assert demand.amount_minor <= max(5_000_000, company.facts["revenue_minor"])
        assert f"{demand.amount_minor // 1_000_000}万元" in demand.text_zh
        assert "{" not in demand.text_zh + demand.text_en
        assert date.fromisoformat(demand.needed_by) > DAY
    assert list(SMALL.demands) == list(SMALL.demands)


def test_more_demands_than_companies_is_our_mistake() -> None:
    with pytest.raises(AssertionError):
        list(generate(1, Counts(16, 10, 10, 16), DAY).demands)


def test_adoptions_cover_the_measures_of_the_shelf_and_say_that_they_are_invented() -> None:
    adoptions = SMALL.adoptions
    assert {a.measure for a in adoptions} <= MEASURES
    assert {m for p in SOME.products for m in p.measures} <= {a.measure for a in adoptions}
    assert len({(a.measure, a.territory) for a in adoptions}) == len({a.instrument_no for a in adoptions}) == len(adoptions)
    assert all(a.invented and "演示" in a.instrument_no for a in adoptions)
    assert all((a.until is not None) == (a.status == "piloting") for a in adoptions)
    assert all(a.status == "in_force" for a in adoptions if a.territory == "500000")
    assert {a.territory for a in adoptions if a.measure == "M07-06"} == {"450000", "530000", "150000", "540000", "650000"}


def test_people_of_all_six_roles() -> None:
    people = SMALL.people
    assert {person.role for person in people} == {*Role} - {Role.PUBLIC, Role.SYSTEM}
    assert len({person.username for person in people}) == len(people)
    parties = {c.id for c in SMALL.companies} | {i.id for i in SMALL.institutions} | {a.id for a in SMALL.agencies}
    assert {person.party_id for person in people} <= parties
    asking = {demand.company_id for demand in islice(SMALL.demands, 6)}
    assert {person.party_id for person in people if person.role is Role.COMPANY} == asking


# Reference data ----------------------------------------------------------------------------------------------------------


def test_the_reference_data_hang_together() -> None:
    codes = {t["code"] for t in territories()}
    assert len(codes) == 15
    assert {row["territory"] for row in table("prefectures")} == codes
    assert [row["code"] for row in table("industries") if row["section"]] == [f"{n:02d}" for n in range(1, 98)]
    places = {row["code"]: row for row in table("places")}
    for code, row in places.items():
        if row["scheme"] == "UN/LOCODE":
            assert check(Kind.UNLOCODE, code) == code
            assert row["country"] == code[:2]
        else:
            assert row["parent"] in places
        assert row["territory"] in codes | {""}
    chapters = {row["code"] for row in table("hs") if len(row["code"]) == 2}
    assert len(chapters) == 97
    assert {row["chapter"] for row in table("hs") if len(row["code"]) == 4} <= chapters
    assert {row["country"] for row in table("legal_forms")} <= {row["code"] for row in table("countries")} | {"CN"}
    size = sum(path.stat().st_size for path in (ROOT / "data" / "reference").iterdir())
    assert size < 1_000_000


def test_companies_can_be_counted_without_being_made() -> None:
    assert len(Companies(1, 1_000_000, DAY)) == 1_000_000
