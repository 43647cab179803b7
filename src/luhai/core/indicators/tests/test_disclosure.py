"""Disclosure control: the golden vectors, and an attacker who knows everything that is shown."""

from __future__ import annotations

import random
from collections import defaultdict
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from luhai.core.indicators.disclosure import (
    GRAIN,
    Figure,
    Pattern,
    Relation,
    Rule,
    Why,
    attack,
    dominated,
    estimable,
    needs,
    primary,
    protect,
    sums,
    too_few,
)

RULE = Rule(4, 2, 85, 10)
Key = tuple[str, ...]


# ------------------------------------------------------------------------------------------------ primary


def test_golden_vectors() -> None:
    """Domain notes on oversight §1.6."""
    x = [60, 25, 10, 5]
    assert not dominated(x, 2, 85)  # 85 % is not more than 85 %
    assert dominated(x, 2, 84)
    assert not estimable(x, 25)  # 15 is not less than 25 % of 60
    assert estimable(x, 26)
    y = [50, 20, 15, 10, 5]
    assert not dominated(y, 2, 70)
    assert dominated(y, 2, 69)
    assert not estimable(y, 60)  # 30 is 60 % of 50
    assert estimable(y, 61)
    assert [too_few(n, 4) for n in range(6)] == [False, True, True, True, False, False]


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ([], Why.FREE), ([5], Why.FEW), ([5, 5, 5], Why.FEW), ([5, 5, 5, 5], Why.FREE), ([60, 25, 10, 5], Why.FREE),
        ([60, 26, 9, 5], Why.TWO), ([86, 5, 5, 4], Why.ONE), ([85, 5, 5, 5], Why.TWO), ([1000, 1000, 99, 1], Why.TWO),
        ([50, 46, 3, 1], Why.ONE),
    ],
)  # fmt: skip
def test_primary(parts: list[int], why: Why) -> None:
    x = [*sorted(parts, reverse=True), 0, 0]
    assert primary(total=sum(parts), contributors=len(parts), largest=x[0], second=x[1], rule=RULE) is why


@given(st.lists(st.integers(1, 1000), max_size=9))
def test_primary_is_the_three_rules(parts: list[int]) -> None:
    x = [*sorted(parts, reverse=True), 0, 0]
    found = primary(total=sum(parts), contributors=len(parts), largest=x[0], second=x[1], rule=RULE)
    wanted = bool(parts) and (too_few(len(parts), 4) or dominated(parts, 1, 85) or dominated(parts, 2, 85) or estimable(parts, 10))
    assert (found is not Why.FREE) == wanted


@pytest.mark.parametrize("bad", [(0, 2, 85, 10), (4, 3, 85, 10), (4, 2, 0, 10), (4, 2, 101, 10), (4, 2, 85, -1)])
def test_no_rule(bad: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="no rule"):
        Rule(*bad)


# ------------------------------------------------------------------------------------------------ tables and their attacker


def tables(companies: list[tuple[tuple[str, ...], int]], places: int) -> tuple[dict[Key, Figure], list[Relation]]:
    """Tables of the first dimension by each other one, with all totals, from companies with their codes and amounts."""
    parts: dict[Key, list[int]] = defaultdict(list)
    for codes, amount in companies:
        for first in (codes[0], "_T"):
            parts[(first, *["_T"] * (places - 1))].append(amount)
            for i in range(1, places):
                parts[(first, *[codes[i] if j == i else "_T" for j in range(1, places)])].append(amount)
    figures = {}
    for key, amounts in parts.items():
        x = [*sorted(amounts, reverse=True), 0, 0]
        why = primary(total=sum(x), contributors=len(amounts), largest=x[0], second=x[1], rule=RULE)
        figures[key] = Figure(sum(x), len(amounts), why, greatest=x[0])
    relations = [Relation({whole: -1} | dict.fromkeys(found, 1), whole, True) for whole, _i, found in sums(figures)]
    return figures, relations


def lost(figures: dict[Key, Figure], relations: list[Relation], pattern: Pattern) -> list[Key]:
    """The sensitive figures that the attacker, who is told all that is shown, works out more nearly than he should."""
    known = {n: f.value for n, f in figures.items() if n not in pattern.withheld}
    assert not {n for n in known if figures[n].why is not Why.FREE}
    found = attack(known, relations)
    out = []
    for n, f in figures.items():
        if f.why is Why.FREE:
            continue
        least, most = found.get(n, (0, None))
        width = needs(f, RULE.p)
        if (least is not None and least > f.value - width) or (most is not None and most < f.value + width):
            out.append(n)
    return out


def invented(seed: int, count: int, codes: tuple[int, ...]) -> list[tuple[tuple[str, ...], int]]:
    chance = random.Random(seed)
    return [
        (tuple(f"{'abcdefgh'[i]}{min(int(chance.expovariate(0.5)), n - 1)}" for i, n in enumerate(codes)), int(chance.lognormvariate(8, 1.5)) + 1)
        for _ in range(count)
    ]


WORLDS = [(seed, count, codes) for seed in range(6) for count, codes in ((12, (3, 3)), (40, (4, 4, 3)), (90, (6, 5, 4, 2)))]


@pytest.mark.parametrize(("seed", "count", "codes"), WORLDS)
def test_the_attacker_learns_nothing(seed: int, count: int, codes: tuple[int, ...]) -> None:
    figures, relations = tables(invented(seed, count, codes), len(codes))
    pattern = protect(figures, relations, RULE)
    assert not pattern.open
    assert lost(figures, relations, pattern) == []


def test_without_complementary_suppression_he_learns_a_lot() -> None:
    """The attack is real: with primary suppression alone it succeeds in most worlds."""
    broken = 0
    for seed, count, codes in WORLDS:
        figures, relations = tables(invented(seed, count, codes), len(codes))
        broken += bool(lost(figures, relations, protect(figures, relations, RULE, complementary=False)))
    assert broken >= 12


@limits(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from("ABC"), st.sampled_from("xyz"), st.integers(1, 50)), min_size=1, max_size=25))
def test_any_small_table(rows: list[tuple[str, str, int]]) -> None:
    figures, relations = tables([((a, b), amount) for a, b, amount in rows], 2)
    pattern = protect(figures, relations, RULE)
    assert not pattern.open
    assert lost(figures, relations, pattern) == []


def test_no_relation_has_one_withheld() -> None:
    figures, relations = tables(invented(3, 90, (6, 5, 4)), 3)
    pattern = protect(figures, relations, RULE)
    for relation in relations:
        assert len([n for n in relation.terms if n in pattern.withheld and figures[n].value]) != 1


def test_two_singletons_do_not_protect_each_other() -> None:
    """A company that knows its own part would learn the other's: what is withheld of a sum rests on four or more together."""
    rows = [(("a", "x"), 10), (("a", "y"), 12), *[(("a", "z"), 10 + n) for n in range(6)], *[(("b", c), 9 + n) for c in "xyz" for n in range(5)]]
    figures, relations = tables(rows, 2)
    pattern = protect(figures, relations, RULE)
    for relation in relations:
        gone = [n for n in relation.terms if n in pattern.withheld and n != relation.total]
        if relation.total not in pattern.withheld and any(figures[n].why is not Why.FREE for n in gone):
            assert sum(figures[n].contributors for n in gone) >= RULE.minimum


def test_the_cheaper_neighbours_are_withheld() -> None:
    """One sensitive figure in a table of threes: the rectangle of the least value goes with it."""
    figures: dict[Key, Figure] = {}
    for i, row in enumerate([(20, 500, 30), (800, 900, 700), (40, 600, 50)]):
        for j, value in enumerate(row):
            figures[f"r{i}", f"c{j}"] = Figure(value, 10)
    figures["r0", "c0"] = Figure(20, 2, Why.FEW)
    for i in range(3):
        figures[f"r{i}", "_T"] = Figure(sum(figures[f"r{i}", f"c{j}"].value for j in range(3)), 30)
        figures["_T", f"c{i}"] = Figure(sum(figures[f"r{j}", f"c{i}"].value for j in range(3)), 30)
    figures["_T", "_T"] = Figure(sum(figures[f"r{i}", "_T"].value for i in range(3)), 90)
    relations = [Relation({whole: -1} | dict.fromkeys(found, 1), whole, True) for whole, _i, found in sums(figures)]
    pattern = protect(figures, relations, RULE)
    assert set(pattern.withheld) == {("r0", "c0"), ("r0", "c2"), ("r2", "c0"), ("r2", "c2")}
    assert pattern.withheld["r0", "c0"] is Why.FEW
    assert {pattern.withheld[n] for n in pattern.withheld if n != ("r0", "c0")} == {Why.OTHERS}
    width, witness = pattern.witnesses["r0", "c0"]
    assert (width, witness["r0", "c0"]) == (2, GRAIN)


def test_figures_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match="does not add up"):
        protect({"a": Figure(1), "b": Figure(2)}, [Relation({"a": 1, "b": -1})], RULE)


def test_what_is_out_and_pins_it_is_said() -> None:
    """A figure that follows from what was shown before cannot be protected by withholding it: it is reported, not passed over."""
    figures = {"new": Figure(7, 1, Why.FEW), "old": Figure(3, 9, shown=True), "all": Figure(10, 10, shown=True)}
    pattern = protect(figures, [Relation({"all": -1, "old": 1, "new": 1}, "all", True)], RULE)
    assert pattern.open == ["new"]


def test_a_virtual_figure_is_protected_by_others() -> None:
    """A difference that nobody prints is protected by withholding one of those that give it."""
    figures = {"now": Figure(110, 12), "before": Figure(100, 12, shown=True), "late": Figure(10, 1, Why.FEW, virtual=True)}
    pattern = protect(figures, [Relation({"now": 1, "before": -1, "late": -1})], RULE)
    assert pattern.withheld == {"now": Why.OTHERS}


def test_what_belongs_together_goes_together() -> None:
    figures = {"mean": Figure(30, 9), "sum": Figure(90, 9), "part": Figure(5, 1, Why.FEW), "rest": Figure(85, 9)}
    pattern = protect(figures, [Relation({"sum": -1, "part": 1, "rest": 1}, "sum", True)], RULE, together=[("mean", "rest")])
    assert {"part", "rest", "mean"} <= set(pattern.withheld)


def test_the_attacker_is_exact_on_what_follows() -> None:
    relations = [Relation({"t": -1, "a": 1, "b": 1, "c": 1}), Relation({"u": -1, "a": 1, "d": 1})]
    assert attack({"t": 100, "b": 30, "c": 20, "u": 70}, relations) == {"a": (50, 50), "d": (20, 20)}
    assert attack({"t": 100, "b": 30}, relations[:1]) == {"a": (0, 70), "c": (0, 70)}
    huge = 10**15
    assert attack({"t": huge + 7, "b": huge, "c": 6, "u": 1}, relations) == {"a": (1, 1), "d": (0, 0)}


def test_a_large_release_is_quick() -> None:
    """Fifteen territories by sixty codes of five dimensions, six thousand companies: within seconds."""
    figures, relations = tables(invented(1, 6000, (15, 20, 6, 15, 5, 6)), 6)
    began = monotonic()
    pattern = protect(figures, relations, RULE)
    assert not pattern.open
    assert monotonic() - began < 60
    assert lost(figures, relations, pattern) == []
