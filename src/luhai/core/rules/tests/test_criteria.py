"""Criteria as documents, their verdicts, and the nearest change."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given

from luhai.kernel.refusal import Invalid

from ..criteria import (
    Fact,
    Verdict,
    as_json,
    check_facts,
    check_parameters,
    evaluate,
    known,
    measures,
    parameter_keys,
    parse,
    verdict_of,
)
from ..fields import FIELDS, lineage
from .drawn import ON, PARAMETERS, criteria, facts

OLD = {"field": "age_months", "op": "at_least", "value": 24, "measure": "M05-05"}
WEST = {"field": "territory", "op": "within", "value": ["510000"], "measure": "M12-07"}


@pytest.mark.parametrize(
    ("document", "field", "says"),
    [
        ("x", "criteria", "an object with all, any or field"),
        ({}, "criteria", "exactly one of all, any or field"),
        ({"all": [], "any": []}, "criteria", "not all, any"),
        ({"all": {}}, "criteria.all", "a list"),
        ({"any": []}, "criteria.any", "never be met"),
        ({"all": [OLD, 7]}, "criteria.all[1]", "an object"),
        ({"all": [{"any": [OLD | {"field": "height"}]}]}, "criteria.all[0].any[0].field", "known are territory"),
        (OLD | {"field": ["age_months"]}, "criteria.field", "unknown field"),
        (OLD | {"op": "equals"}, "criteria.op", "it takes at_least, at_most, more_than, less_than, between, is"),
        (OLD | {"op": "one_of"}, "criteria.op", "does not go with age_months"),
        (OLD | {"op": None}, "criteria.op", "does not go with"),
        (OLD | {"note": 1}, "criteria.note", "unknown key"),
        (OLD | {"value": "24"}, "criteria.value", "a whole number"),
        (OLD | {"value": 24.0}, "criteria.value", "a whole number"),
        (OLD | {"value": True}, "criteria.value", "a whole number"),
        (OLD | {"value": -1}, "criteria.value", "from 0 to"),
        (OLD | {"op": "between", "value": [24]}, "criteria.value", "two numbers"),
        (OLD | {"op": "between", "value": [24, 12]}, "criteria.value", "the lower comes first"),
        (OLD | {"op": "between", "value": [12, "x"]}, "criteria.value[1]", "a whole number"),
        (OLD | {"measure": "M5"}, "criteria.measure", "M05-05"),
        (OLD | {"parameter": "a.b"}, "criteria.value", "exactly one of value and parameter"),
        ({"field": "age_months", "op": "at_least"}, "criteria.value", "exactly one"),
        ({"field": "age_months", "op": "is", "parameter": "a.b"}, "criteria.parameter", "at_least, at_most"),
        ({"field": "founded_on", "op": "at_least", "parameter": "a.b"}, "criteria.parameter", "not with founded_on"),
        ({"field": "founded_on", "op": "at_least", "value": "2023-02-29"}, "criteria.value", "calendar"),
        ({"field": "founded_on", "op": "at_least", "value": 20230101}, "criteria.value", "a date such as"),
        ({"field": "overdue", "op": "is", "value": 0}, "criteria.value", "true or false"),
        ({"field": "size", "op": "is", "value": "tiny"}, "criteria.value", "large, medium, small, micro"),
        ({"field": "size", "op": "one_of", "value": []}, "criteria.value", "at least one"),
        ({"field": "size", "op": "one_of", "value": ["small", "x"]}, "criteria.value[1]", "not one of"),
        (WEST | {"value": ["51"]}, "criteria.value[0]", "GB/T 2260"),
        (WEST | {"op": "is"}, "criteria.op", "within, not_within"),
        ({"field": "industry", "op": "within", "value": ["U"]}, "criteria.value[0]", "GB/T 4754"),
        ({"field": "lists", "op": "includes_any", "value": ["x"]}, "criteria.value[0]", "corridor_enterprise"),
        ({"any": [{"all": [{"any": [OLD, WEST]} for _ in range(7)]}]}, "criteria", "more than 64 alternatives"),
        ([OLD] * 33, "criteria", "more than 32 criteria"),
        ({"any": [OLD] * 65}, "criteria", "more than 64 alternatives"),
    ],
)  # fmt: skip
def test_what_is_refused_and_where(document: Any, field: str, says: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse(document)
    assert refused.value.facts["field"] == field
    assert says in str(refused.value.facts["problem"])


def test_nesting_has_an_end() -> None:
    document: Any = OLD
    for _ in range(10):
        document = {"all": [document]}
    with pytest.raises(Invalid, match="deeper than"):
        parse(document)


@given(criteria())
def test_written_and_read_again(document: Any) -> None:
    tree = parse(document)
    assert parse(as_json(tree)) == tree


def test_parameters_must_exist_and_be_comparable() -> None:
    tree = parse({"field": "amount_cny_minor", "op": "at_most", "parameter": "test.cap"})
    check_parameters(tree, PARAMETERS)
    assert parameter_keys(tree) == ("test.cap",)
    for document, says in [
        ({"field": "amount_cny_minor", "op": "at_most", "parameter": "test.gone"}, "no parameter is called"),
        ({"field": "employees", "op": "at_most", "parameter": "test.cap"}, "cannot be compared with people"),
    ]:
        with pytest.raises(Invalid, match=says) as refused:
            check_parameters(parse([document]), PARAMETERS)
        assert refused.value.facts["field"] == "criteria.all[0].parameter"


@pytest.mark.parametrize(
    ("name", "value"),
    [("height", 1), ("age_months", "3"), ("lists", frozenset({"x"})), ("territory", 510000), ("overdue", 1), ("founded_on", "2020-01-01")],
)  # fmt: skip
def test_facts_are_checked(name: str, value: Any) -> None:
    with pytest.raises(Invalid) as refused:
        check_facts({name: Fact(value)})
    assert refused.value.facts["field"] == name


# Kleene's tables, in order of precedence: one no fails all-of, one yes meets any-of, else one unknown is unknown.
M, U, F = Verdict.MET, Verdict.UNKNOWN, Verdict.FAILED
PART = {
    M: {"field": "age_months", "op": "at_least", "value": 1},
    F: {"field": "age_months", "op": "at_least", "value": 100},
    U: {"field": "overdue", "op": "is", "value": False},
}


@pytest.mark.parametrize(
    ("parts", "all_of", "any_of"),
    [
        ([M, M], M, M), ([M, U], U, M), ([M, F], F, M), ([U, U], U, U), ([U, F], F, U), ([F, F], F, F),
        ([U, M, F], F, M),
    ],
)  # fmt: skip
def test_three_values(parts: list[Verdict], all_of: Verdict, any_of: Verdict) -> None:
    company = known({"age_months": 50})
    for order in (parts, parts[::-1]):
        assert verdict_of(parse({"all": [PART[p] for p in order]}), company) is all_of
        assert verdict_of(parse({"any": [PART[p] for p in order]}), company) is any_of
    assert verdict_of(parse([]), {}) is M


@pytest.mark.parametrize(
    ("document", "value", "verdict"),
    [
        (WEST, "510104", M), (WEST, "510000", M), (WEST, "500000", F),
        (WEST | {"value": ["510100"]}, "510000", F),  # a province does not lie within its city
        (WEST | {"op": "not_within"}, "500101", M),
        ({"field": "industry", "op": "within", "value": ["G54"]}, "G5431", M),
        ({"field": "industry", "op": "within", "value": ["G"]}, "G59", M),
        ({"field": "industry", "op": "within", "value": ["G5"]}, "G59", "refused"),
        ({"field": "credit_grade", "op": "at_least", "value": "BBB"}, "A", M),
        ({"field": "credit_grade", "op": "at_least", "value": "BBB"}, "BB", F),
        ({"field": "size", "op": "at_most", "value": "small"}, "micro", M),
        ({"field": "size", "op": "at_most", "value": "small"}, "medium", F),
        ({"field": "lists", "op": "includes_any", "value": ["key_logistics"]}, frozenset(), F),
        ({"field": "lists", "op": "includes_none", "value": ["key_logistics"]}, frozenset(), M),
        ({"field": "collateral", "op": "includes_all", "value": ["bill", "deposit"]}, frozenset({"bill"}), F),
        ({"field": "collateral", "op": "includes_all", "value": ["bill"]}, frozenset({"bill", "vessel"}), M),
        ({"field": "export_share_bp", "op": "more_than", "value": 3000}, 3000, F),
        ({"field": "tenor_days", "op": "less_than", "value": 366}, 365, M),
    ],
)  # fmt: skip
def test_operators(document: Any, value: Any, verdict: Any) -> None:
    if verdict == "refused":
        with pytest.raises(Invalid):
            parse(document)
        return
    tree = parse(document)
    assert verdict_of(tree, {document["field"]: Fact(value)}) is verdict
    assert verdict_of(tree, {}) is U
    assert verdict_of(tree, {document["field"]: Fact(None)}) is U


def test_the_answer_explains_itself() -> None:
    cap = {"field": "amount_cny_minor", "op": "at_most", "parameter": "test.cap", "measure": "M12-01"}
    tree = parse([OLD, WEST, cap, {"field": "overdue", "op": "is", "value": False}])
    company = {
        "age_months": Fact(30, "registration"), "territory": Fact("510100", "registration"),
        "amount_cny_minor": Fact(2_500_000, "demand"),
    }  # fmt: skip
    answer = evaluate(tree, company, PARAMETERS, on=ON)
    assert answer.verdict is F
    assert answer.measures == measures(tree) == ("M05-05", "M12-01", "M12-07")
    age, place, amount, overdue = answer.judged
    assert (age.path, age.verdict, age.value, age.source) == ("criteria.all[0]", M, 30, "registration")
    assert place.verdict is M
    # Chengdu's own cap holds, not the country's three nor Sichuan's five.
    assert (amount.verdict, amount.wanted, amount.source) == (F, 2_000_000, "demand")
    assert amount.parameter is not None
    assert (amount.parameter.territory, amount.parameter.source.document) == ("510100", "test")
    assert (overdue.verdict, overdue.value, overdue.source) == (U, None, "")
    assert answer.changes is not None
    assert [(c.field, c.value, c.to, c.states_only) for c in answer.changes] == [
        ("amount_cny_minor", 2_500_000, 2_000_000, False),
        ("overdue", None, False, True),
    ]
    assert [c.wording("zh") for c in answer.changes] == [
        "申请金额折人民币：由 25,000 元 变为 2 万元",
        "请补充当前有逾期（要求：当前有逾期：否）",
    ]
    assert [c.wording("en") for c in answer.changes] == [
        "amount asked, in yuan: from CNY 25,000 to CNY 20,000",
        "Please state has overdue debts (wanted: has overdue debts: no)",
    ]


@pytest.mark.parametrize(
    ("document", "company", "changes"),
    [
        # Met: nothing to change.
        ([OLD], {"age_months": 24}, {}),
        # All-of: everything that fails.
        ([OLD, WEST], {"age_months": 3, "territory": "450000"}, {"age_months": 24, "territory": "510000"}),
        # Any-of: the branch with fewest changes …
        ([{"any": [{"all": [OLD, PART[U]]}, {"field": "employees", "op": "at_most", "value": 9}]}],
         {"age_months": 3, "employees": 12}, {"employees": 9}),
        # … but never by moving elsewhere while something else would do.
        ([{"any": [WEST, {"all": [OLD, {"field": "employees", "op": "at_most", "value": 9}]}]}],
         {"territory": "450000", "age_months": 3, "employees": 12}, {"age_months": 24, "employees": 9}),
        # Of two equally many, what the demand can change before what only time changes.
        ([{"any": [OLD, {"field": "tenor_days", "op": "at_most", "value": 90}]}],
         {"age_months": 3, "tenor_days": 180}, {"tenor_days": 90}),
        # One value that serves two criteria about a field, and does not break the one already met.
        ([{"field": "tenor_days", "op": "at_most", "value": 180}, {"field": "tenor_days", "op": "more_than", "value": 90}],
         {"tenor_days": 30}, {"tenor_days": 91}),
        # The nearest grade, not the best.
        ([{"field": "credit_grade", "op": "at_least", "value": "BBB"}], {"credit_grade": "C"}, {"credit_grade": "BBB"}),
        # Sets: keep what is there, add what is needed, take away what is barred.
        ([{"field": "collateral", "op": "includes_all", "value": ["bill"]},
          {"field": "collateral", "op": "includes_none", "value": ["vessel"]},
          {"field": "collateral", "op": "includes_any", "value": ["deposit", "equity"]}],
         {"collateral": frozenset({"vessel", "guarantee"})}, {"collateral": frozenset({"bill", "guarantee", "deposit"})}),
        # What nobody could fulfil.
        ([OLD, {"field": "age_months", "op": "less_than", "value": 24}], {"age_months": 3}, None),
        ([{"field": "overdue", "op": "is", "value": True}, {"field": "overdue", "op": "is", "value": False}], {}, None),
        # Only shut out, never let in: somewhere on the corridor that is not shut out.
        ([{"field": "territory", "op": "not_within", "value": ["500000"]}], {"territory": "500101"}, {"territory": "450000"}),
        ([{"field": "founded_on", "op": "at_most", "value": "2020-01-31"}], {"founded_on": date(2021, 1, 1)},
         {"founded_on": date(2020, 1, 31)}),
    ],
)  # fmt: skip
def test_the_nearest_change(document: Any, company: dict[str, Any], changes: Any) -> None:
    answer = evaluate(parse(document), known(company))
    assert (None if answer.changes is None else {c.field: c.to for c in answer.changes}) == changes


def test_a_parameter_is_asked_where_the_company_would_be() -> None:
    """Sichuan's cap is five, the country's three: whoever has to move there need not ask for less than five."""
    tree = parse([WEST, {"field": "amount_cny_minor", "op": "at_most", "parameter": "test.cap"}])
    answer = evaluate(tree, known({"territory": "450000", "amount_cny_minor": 4_000_000}), PARAMETERS, on=ON)
    assert answer.changes is not None
    assert {c.field: c.to for c in answer.changes} == {"territory": "510000"}


@given(criteria(), facts())
def test_the_change_does_turn_the_answer(document: Any, company: Any) -> None:
    """Made as told, the changes are possible facts, give a yes, and none of them could be left out."""
    tree = parse(document)
    answer = evaluate(tree, company, PARAMETERS, on=ON)
    assert answer.verdict is verdict_of(tree, company, PARAMETERS, on=ON)
    assert (answer.changes == ()) is (answer.verdict is M)
    if not answer.changes:
        return
    told = {c.field: Fact(c.to) for c in answer.changes}
    check_facts(told)
    assert verdict_of(tree, company | told, PARAMETERS, on=ON) is M
    for field in told:
        fewer = {name: fact for name, fact in told.items() if name != field}
        assert verdict_of(tree, company | fewer, PARAMETERS, on=ON) is not M
    for change in answer.changes:
        assert change.wording("zh") != change.wording("en")
        assert "%(" not in change.wording("zh") + change.wording("en")


@given(criteria(), facts())
def test_more_knowledge_never_reverses_an_answer(document: Any, company: Any) -> None:
    """What is decided while something is unknown stays decided whatever the unknown turns out to be."""
    tree = parse(document)
    before = verdict_of(tree, {k: v for k, v in list(company.items())[::2]}, PARAMETERS, on=ON)
    if before is not U and ("territory" in list(company)[::2] or not parameter_keys(tree)):
        assert verdict_of(tree, company, PARAMETERS, on=ON) is before


def test_every_field_and_operator_has_words() -> None:
    for field in FIELDS.values():
        assert field.zh
        assert field.en
        assert field.source_zh
        assert field.source_en
        assert field.kind.value not in ("code", "set") or field.codes or field.pattern
        for code in field.codes:
            assert code.zh
            assert code.en
        for example in field.examples:
            assert field.problem(example) is None


@pytest.mark.parametrize(
    ("field", "code", "wider"),
    [
        ("territory", "510104", ("510104", "510100", "510000")), ("territory", "440800", ("440800", "440000")),
        ("territory", "500000", ("500000",)), ("industry", "G5431", ("G5431", "G543", "G54", "G")),
        ("industry", "G", ("G",)),
    ],
)  # fmt: skip
def test_what_lies_within_what(field: str, code: str, wider: tuple[str, ...]) -> None:
    assert lineage(field, code) == wider
