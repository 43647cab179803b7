"""Proposals against the seed that was cut by hand, and the words that search is built from."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luhai.core.policies import search_text
from luhai.core.policies.parse.document import parse
from luhai.core.policies.propose import Modality, Proposal, items, propose
from luhai.core.policies.seed import read

POLICY = Path(__file__).resolve().parents[5] / "data" / "policies" / "pbc-2025-11-26.md"


def proposals(text: str) -> list[Proposal]:
    return propose(text, parse(text))


def overlap(a: tuple[int, int], b: tuple[int, int]) -> float:
    both = min(a[1], b[1]) - max(a[0], b[0])
    return max(0, both) / (max(a[1], b[1]) - min(a[0], b[0]))


def test_against_the_measures_cut_by_hand() -> None:
    """The figures of `docs/algorithms/policy-parsing.md`, as floors."""
    seed = read(POLICY)
    found = {(p.start, p.end): p for p in proposals(seed.text)}
    quotes = {(m.start, m.end): m for m in seed.measures}
    assert len(quotes) == 150
    exact = sum(quote in found for quote in quotes)
    near = [max(found, key=lambda span: overlap(span, quote)) for quote in quotes]
    halves = [(quote, span) for quote, span in zip(quotes, near, strict=True) if overlap(quote, span) >= 0.5]
    right = sum(max(overlap(span, quote) for quote in quotes) >= 0.5 for span in found)
    assert exact >= 120
    assert len(halves) >= 140
    assert right >= len(found) * 85 // 100, (right, len(found))
    assert sum(found[span].modality == quotes[quote].modality for quote, span in halves) >= 120
    for (start, end), p in found.items():
        assert seed.text[start:end] == p.quote


@pytest.mark.parametrize(
    ("sentence", "quotes"),
    [
        ("鼓励银行建立联合授信机制，开展银团贷款。", [("鼓励银行建立联合授信机制", "ENCOURAGE"), ("开展银团贷款", "ENCOURAGE")]),
        ("依托平台，建设融资系统，推广积分评价。", [("依托平台，建设融资系统", "BUILD"), ("推广积分评价", "PROMOTE")]),
        ("支持有条件的银行加强资源配置，提升服务能力。", [("支持有条件的银行加强资源配置，提升服务能力", "SUPPORT")]),
        ("银行应当建立台账；不得虚报。", [("银行应当建立台账", "MUST"), ("不得虚报", "MUST")]),
        ("平台应用效果较好。", []),
    ],
)  # fmt: skip
def test_clauses(sentence: str, quotes: list[tuple[str, str]]) -> None:
    found = proposals(f"关于甲的意见\n一、甲\n（一）子。{sentence}\n（二）丑。文字说明。\n二、乙\n（三）寅。文字说明。\n")
    assert [(p.quote, p.modality.value) for p in found if p.article == 0] == quotes


def test_actor_territory_and_condition() -> None:
    text = "关于甲的意见\n一、甲\n（一）子。支持云南、广西符合条件的银行办理结算业务。\n（二）丑。文。\n二、乙\n（三）寅。文。\n"
    (found,) = [p for p in proposals(text) if p.article == 0]
    assert (found.actors, set(found.territories), found.condition[:4]) == (("BANK",), {"530000", "450000"}, "符合条件")


@pytest.mark.parametrize(
    ("quote", "parts"),
    [
        ("推广应收账款、特许经营权、订单融资等授信模式", ["应收账款", "特许经营权", "订单融资"]),
        ("在客户准入、授信审批、业绩考核等方面给予倾斜", ["客户准入", "授信审批", "业绩考核"]),
        ("支持沿线省（区、市）开展业务", []),
    ],
)
def test_enumerations(quote: str, parts: list[str]) -> None:
    assert items(quote) == parts


def test_modalities_are_those_of_the_database() -> None:
    assert [m.value for m in Modality] == ["MUST", "BUILD", "PROMOTE", "SUPPORT", "ENCOURAGE", "EXPLORE"]


def test_vector_and_query_speak_of_the_same_lexemes() -> None:
    vector = search_text.vector("融资担保费率（REITs）", "Syndicated loans, e-CNY")
    assert "'担保':" in vector
    assert "'保费':" in vector
    assert "'reits':" in vector
    assert "'e-cny':" in vector
    assert "'担保' <-> '保费'" in search_text.query("担保费")
    assert search_text.query("ＲＥＩＴｓ") == search_text.query("reits")
    assert "'数字'" in search_text.query("ecny"), "by the synonyms"
    assert search_text.query("，。 ！") == ""


@given(st.text(max_size=80))
def test_any_text_makes_a_literal(text: str) -> None:
    """Every quote mark in the literals is closed, whatever was typed."""
    for literal in (search_text.vector(text, text), search_text.query(text)):
        assert literal.replace("''", "").count("'") % 2 == 0
        assert "\x00" not in literal
