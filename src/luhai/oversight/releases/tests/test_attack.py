"""The attacker gets everything that was ever published: all tables, all months, all vintages. He must learn nobody's part."""

from __future__ import annotations

from collections import Counter

import pytest

from luhai.core.indicators.definitions import Form
from luhai.core.indicators.disclosure import Why
from luhai.oversight.releases.linking import lines_of
from luhai.oversight.statistics.indicators import INDICATORS

from .world import USED, Told, corridor, printed, released, too_near

MONTHS = ("2026-01", "2026-02", "2026-03")
THREE = [("2026-01", 100), ("2026-02", 200), ("2026-03", 300)]


@pytest.mark.parametrize("seed", range(4))
def test_one_release(seed: int) -> None:
    facts = corridor(seed)
    out, decisions = released(facts, THREE[:1])
    assert not decisions[0].open
    assert too_near(out, facts) == []
    assert printed(out), "something is shown"


@pytest.mark.parametrize("seed", range(3))
def test_three_months(seed: int) -> None:
    """A stock less the last one is a flow: the months are attacked together."""
    facts = corridor(seed)
    out, decisions = released(facts, THREE)
    assert not any(d.open for d in decisions)
    assert too_near(out, facts) == []


@pytest.mark.parametrize(("seed", "late"), [(0, 1), (1, 3), (2, 40)])
def test_a_second_vintage(seed: int, late: int) -> None:
    """A few facts come late; the new vintage less the old one would be theirs."""
    facts = corridor(seed, late=late)
    out, decisions = released(facts, [("2026-01", 100), ("2026-02", 200), ("2026-01", 300 + late)])
    assert not any(d.open for d in decisions)
    assert too_near(out, facts) == []


def test_a_vintage_in_which_nothing_changed_shows_the_same() -> None:
    facts = corridor(5)
    out, _ = released(facts, [("2026-01", 100), ("2026-01", 140)])
    first, second = ({k[1:]: v for k, v in printed([x]).items()} for x in out)
    assert first == second


def test_without_complementary_suppression_the_attack_succeeds() -> None:
    """The same attacker, the same worlds: with primary suppression alone he learns figures in each."""
    for seed in range(3):
        facts = corridor(seed)
        out, _ = released(facts, THREE, complementary=False)
        assert too_near(out, facts)


def test_without_it_differencing_succeeds() -> None:
    facts = corridor(1, late=2)
    out, _ = released(facts, [("2026-01", 100), ("2026-01", 302)], complementary=False)
    assert any(name.endswith("+") for _v, name, _k in too_near(out, facts))


def test_a_lone_late_fact_is_withheld_as_a_difference() -> None:
    """A cell of many companies that one late fact changes: its new value is withheld, although it is no small cell."""
    facts = corridor(3, companies=80, facts=900, months=("2026-01",), late=1)
    out, _ = released(facts, [("2026-01", 900), ("2026-01", 901)])
    late = facts[-1]
    name = {"drawn": "loans_drawn", "repaid": "loans_repaid", "received": "receipts", "returned": "receipts_returned"}[late.kind]
    whole = tuple("CNY" if i == 4 else "_T" for i in range(9))
    assert (name, whole) not in out[0].withheld
    assert out[1].withheld[name, whole] is Why.OTHERS
    assert out[1].cells[name, whole].contributors >= 4


PLAIN = ("500000", "S", "C", "CT01", "CNY", "RSI", "CRD", "N", "_Z")
ALL_OF = tuple("CNY" if i == 4 else "_T" for i in range(9))


def _told(steps: list[tuple[str, int]]) -> list[Told]:
    """Loans of alike companies, one step after another: of which month, and of how many companies."""
    found: list[Told] = []
    for n, (month, companies) in enumerate(steps):
        found += [Told(len(found) + 1 + c, month, "drawn", f"c{c}", 1000 + 7 * c + n, False, PLAIN, 400) for c in range(companies)]
    return found


@pytest.mark.parametrize(
    ("steps", "plan"),
    [
        # The first month's final figures, after the second month is out: what one company told after that.
        ([("2026-01", 20), ("2026-02", 20), ("2026-01", 20), ("2026-01", 1)], [("2026-01", 20), ("2026-02", 60), ("2026-01", 61)]),
        # The second month again: in it many told something late, of the first month one.
        (
            [("2026-01", 20), ("2026-02", 20), ("2026-01", 20), ("2026-02", 20), ("2026-01", 1)],
            [("2026-01", 20), ("2026-02", 60), ("2026-02", 81)],
        ),
    ],
)
def test_an_opening_is_a_vintage_of_the_month_before(steps: list[tuple[str, int]], plan: list[tuple[str, int]]) -> None:
    """A month's balance less its flows is the balance of the month before, as known later: an attacker takes one from another."""
    out, _ = released(_told(steps), plan)
    shown = printed(out)
    known = []  # the balance at the end of the first month, as each vintage lets it be worked out
    for v in out:
        terms = [("loans_outstanding", 1)] if v.month == "2026-01" else [("loans_outstanding", 1), ("loans_drawn", -1)]
        if all((v.id, name, ALL_OF) in shown for name, _sign in terms):
            known.append(sum(sign * shown[v.id, name, ALL_OF] for name, sign in terms))
    alone = _told(steps)[-1].amount
    assert known
    assert alone not in {b - a for a in known for b in known}


def test_lines_are_closed() -> None:
    """What can be worked out from printed series is a line of its own: the rest without documents, and what flowed out of a stock."""
    lines, means, shares = lines_of(INDICATORS.values())
    names = Counter(x.name for x in lines)
    assert max(names.values()) == 1
    assert {x.name for x in lines if x.printed} == {i.key for i in INDICATORS.values() if not i.quotient}
    assert {"loans_drawn~", "loans_outstanding~", "receipts~", "secured_outstanding:taken", "loans_outstanding~:taken"} <= set(names)
    assert [m.key for m in means] == ["drawn_rate"]
    assert all(s.rests_on for s in shares)
    assert all(i.form is not Form.SHARE for i in USED)


def test_a_mean_goes_with_the_sum_it_is_of() -> None:
    facts = corridor(2)
    for v in released(facts, THREE)[0]:
        assert v.withheld is not None
        for (name, key), why in v.withheld.items():
            if name == "loans_drawn" and ("drawn_rate", key) in v.cells:
                assert ("drawn_rate", key) in v.withheld, (key, why)


@pytest.mark.parametrize("seed", range(2))
def test_a_share_is_shown_only_with_what_it_follows_from(seed: int) -> None:
    facts = corridor(seed)
    indicators = [*INDICATORS.values()]
    out, _ = released(facts, THREE[:1], indicators=[i for i in indicators if i.form is not Form.SHARE])
    assert not any(INDICATORS[name].form is Form.SHARE for name, _k in out[0].cells if name in INDICATORS)
