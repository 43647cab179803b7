"""How often the evaluation finds what was planted, and how often what was not: judged on invented economies whose truth is known.

For each seed one economy with effects and the same one without. In both: the subsidy's effect by `method.effects`, slow banks and stale lists by
`method.flags`. Counts only; whoever reads them makes shares of them.

Who: `luhai evaluation judge`; the suite on a few seeds.
Units: numbers of economies. A flag is false if *any* unit is flagged that was not touched.
Source: ours; issue text: at least 200 seeds, at most 7 % found that is not there at a nominal 5 %.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

import numpy as np

from luhai.oversight.evaluation.method import effects, flags
from luhai.oversight.evaluation.method.flags import Scale
from simulator import economy as invented
from simulator.economy import LISTS, TERRITORIES, Economy, Planted

#: The test is nominally wrong in so many of a hundred cases where there is nothing.
NOMINAL: Final = Decimal("0.05")
#: What is accepted of it.
ACCEPTED: Final = Decimal("0.07")
#: A bank is slow, a list is stale, only from this factor on against the peers' median.
TIMES: Final = Decimal("1.5")
#: A list's row is fresh for so many days (P13).
FRESH_DAYS: Final = 90


@dataclass(frozen=True, slots=True)
class Tally:
    """In how many economies of how many."""

    count: int
    of: int

    @property
    def share(self) -> Decimal:
        """To a tenth of a per cent."""
        return (Decimal(self.count) / Decimal(self.of)).quantize(Decimal("0.001"), rounding=ROUND_HALF_EVEN) if self.of else Decimal(0)


@dataclass(frozen=True, slots=True)
class Judged:
    """`found`: with the effect planted; `false`: in the same economies without it; `beside`: planted, but somebody else was flagged.

    `covered`: the interval holds the planted effect. `fake_dates` and `before`: placebos that spoke up in economies without effects.
    `naive_…`: false findings of the usual regression, with errors taken as independent, or clustered.
    """

    seeds: int
    first_seed: int
    draws: int
    planted: Planted
    subsidy_found: Tally
    subsidy_covered: Tally
    subsidy_false: Tally
    subsidy_fake_dates: Tally
    subsidy_before: Tally
    naive_independent_false: Tally
    naive_clustered_false: Tally
    slow_found: Tally
    slow_beside: Tally
    slow_false: Tally
    stale_found: Tally
    stale_beside: Tally
    stale_false: Tally

    def tallies(self) -> dict[str, Tally]:
        return {name: value for name in self.__slots__ if isinstance(value := getattr(self, name), Tally)}

    @property
    def within(self) -> bool:
        """Whether nothing that is decided by is wrong more often than is accepted."""
        return all(t.share <= ACCEPTED for t in (self.subsidy_false, self.slow_false, self.stale_false, self.slow_beside, self.stale_beside))


def judge(
    seeds: range, *, planted: Planted = invented.EFFECTS, draws: int = 999, progress: Callable[[int], None] = lambda _done: None,
) -> Judged:  # fmt: skip
    """Go through the seeds. Deterministic: the same seeds, the same counts."""
    if not seeds:
        raise ValueError("seeds: at least one")
    counts: dict[str, int] = {}

    def note(**what: bool) -> None:
        for name, yes in what.items():
            counts[name] = counts.get(name, 0) + int(yes)

    for done, seed in enumerate(seeds, start=1):
        with_effects, without = invented.generate(seed, planted), invented.generate(seed, invented.NOTHING)
        _judge_subsidy(with_effects, without, seed, draws, note)
        for name, flagged, touched in (("slow", slow_banks, _slow_bank), ("stale", stale_lists, _stale_list)):
            there = flagged(with_effects, seed)
            note(**{
                f"{name}_found": touched(with_effects) in there,
                f"{name}_beside": bool(there - {touched(with_effects)}),
                f"{name}_false": bool(flagged(without, seed)),
            })  # fmt: skip
        progress(done)
    return Judged(len(seeds), seeds[0], draws, planted, **{name: Tally(count, len(seeds)) for name, count in counts.items()})


def _judge_subsidy(planted: Economy, nothing: Economy, seed: int, draws: int, note: Callable[..., None]) -> None:
    truth = np.log1p(planted.planted.lift / 100)
    found = effects.estimate(drawn_panel(planted), seed=seed, draws=draws)
    panel = drawn_panel(nothing)
    false, naive = effects.estimate(panel, seed=seed, draws=draws), effects.naive(panel)
    placebos = {placebo.name: placebo.p for placebo in false.placebos}
    note(
        # What is found must also point the right way.
        subsidy_found=effects.speaks(found.p, NOMINAL) and found.effect * truth > 0,
        subsidy_covered=bool(found.low <= truth <= found.high),
        subsidy_false=effects.speaks(false.p, NOMINAL),
        subsidy_fake_dates=effects.speaks(placebos["fake_dates"], NOMINAL),
        subsidy_before=effects.speaks(placebos["before"], NOMINAL),
        naive_independent_false=effects.speaks(naive.p_independent, NOMINAL),
        naive_clustered_false=effects.speaks(naive.p_clustered, NOMINAL),
    )


def drawn_panel(economy: Economy) -> effects.Panel:
    """The logarithm of what was drawn, by territory and quarter, with the subsidy's dates."""
    return effects.panel(np.log(economy.drawn()), economy.first_treated())


# ------------------------------------------------------------------------------------------------ flags


def slow_banks(economy: Economy, seed: int) -> set[str]:
    """Institutions whose answers to demands are out of line (I08), over all quarters."""
    hours = economy.demands.hours
    rows = {str(bank): hours[economy.demands.bank == bank] for bank in range(len(economy.institutions))}
    told = flags.flags({bank: np.median(h) for bank, h in rows.items()}, worse=1, times=TIMES, scale=Scale.LOG, rows=rows, seed=seed)
    return _names(told)


def stale_lists(economy: Economy, seed: int) -> set[str]:
    """Lists of a territory whose rows are fresh too seldom (P13), on the last day."""
    last = economy.days - 1
    age = last - economy.updated(last)
    rows = {f"{code}:{name}": age[t, n] for t, code in enumerate(TERRITORIES) for n, name in enumerate(LISTS)}
    told = flags.flags(
        {key: (ages <= FRESH_DAYS).mean() for key, ages in rows.items()}, worse=-1, times=TIMES, scale=Scale.SHARE,
        rows={key: -ages for key, ages in rows.items()}, seed=seed,
    )  # fmt: skip
    return _names(told)


def _names(told: Mapping[str, flags.Flag]) -> set[str]:
    return {name for name, flag in told.items() if flag.flagged}


def _slow_bank(economy: Economy) -> str:
    return str(economy.plan.slow_bank)


def _stale_list(economy: Economy) -> str:
    return f"{economy.plan.stale_territory}:{economy.plan.stale_list}"
