"""Twelve quarters of a corridor's economy, row by row, with effects planted in it that are known: to judge an evaluation by whether it finds them.

    economy = generate(seed=7)                      -> plan, loans, demands, updates of lists
    generate(seed=7, planted=NOTHING)               -> the same economy without any effect; the plan still names who would have been touched
    export(economy, Path("economy.jsonl"))          -> Exported(lines=…, sha256="…")

What is planted: a subsidy in some territories from some quarter lifts what is drawn there; one bank answers slowly; one list goes stale in one
territory. What makes them hard to find: territories differ in level, quarters have a season, the state of a territory lasts (AR(1)) and is moved by
heavy-tailed shocks, loans differ in size by orders of magnitude, banks differ by nature in how fast they answer, lists in how often they are renewed.

Units: amounts in fen, rates in basis points, hours in whole hours, days counted from the first day of the first quarter.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import date, timedelta
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID, uuid5

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from simulator.chance import Dice, Numbers, one
from simulator.companies import NAMESPACE
from simulator.institutions import Institution, Institutions
from simulator.reference import territories

Floats = NDArray[np.float64]

QUARTERS: Final = 12
FIRST_DAY: Final = date(2024, 1, 1)
LISTS: Final = ("logistics", "trade", "projects")
TERRITORIES: Final = tuple(str(t["code"]) for t in territories())
#: Institutions to draw from; those abroad do not lend here, which leaves about thirty.
_DRAWN_FROM: Final = 34
_COMPANIES: Final = 120  # in each territory
_LIST_ROWS: Final = 40  # in each list of a territory
_DEMANDS: Final = 12  # about so many to each institution in a quarter

#: How the economy moves. Shares of one unless said otherwise.
_AR: Final = 0.85  # how much of a territory's state lasts into the next quarter
_SHOCK: Final = 0.08  # spread of what moves it
_SHOCK_TAIL: Final = 4  # degrees of freedom of Student's t: the fewer, the heavier the tails
_LOAN_SPREAD: Final = 1.0  # of the logarithm of a loan's amount
_SEASON: Final = (-0.12, 0.03, 0.0, 0.09)  # the quarter of the Spring Festival is weak, the last one strong
_TREND: Final = 0.02  # growth in a quarter
_BANK_SPREAD: Final = 0.12  # of the logarithm of how long banks take, by nature
_ANSWER_SPREAD: Final = 0.6  # of the logarithm of how long one answer takes
_HOURS: Final = 30.0  # what a bank takes in the middle


@dataclass(frozen=True, slots=True)
class Planted:
    """How strong the planted effects are, in whole hundredths: what is drawn is lifted by `lift`, the slow bank takes `slow` of its time."""

    lift: int = 35
    slow: int = 250
    stale: bool = True


EFFECTS: Final = Planted()
NOTHING: Final = Planted(lift=0, slow=100, stale=False)


@dataclass(frozen=True)
class Plan:
    """Whom the effects touch, or would touch. Quarters count from 0; a territory in no wave is never subsidised."""

    subsidised: MappingProxyType[str, int]  # territory -> first quarter
    slow_bank: int  # its place among the institutions
    stale_territory: str
    stale_list: str
    stale_from: int


@dataclass(frozen=True)
class Loans:
    territory: Numbers  # place in TERRITORIES
    bank: Numbers  # place among the institutions
    company: Numbers  # number within its territory
    quarter: Numbers
    day: Numbers
    amount: Numbers  # fen
    rate: Numbers  # basis points


@dataclass(frozen=True)
class Demands:
    territory: Numbers
    bank: Numbers
    company: Numbers
    quarter: Numbers
    hours: Numbers  # from the demand to the first answer


@dataclass(frozen=True)
class Updates:
    """Renewals of list rows; a row's `updated_at` on a day is its latest one up to then."""

    territory: Numbers
    list: Numbers  # place in LISTS
    row: Numbers
    day: Numbers


@dataclass(frozen=True)
class Economy:
    seed: int
    planted: Planted
    plan: Plan
    institutions: tuple[Institution, ...]
    loans: Loans
    demands: Demands
    updates: Updates

    def drawn(self) -> Numbers:
        """What was drawn, in fen: territories down, quarters across."""
        return _summed(self.loans.territory, self.loans.quarter, self.loans.amount)

    def first_treated(self) -> tuple[int | None, ...]:
        """The subsidy's first quarter by territory, in the order of TERRITORIES."""
        return tuple(self.plan.subsidised.get(code) for code in TERRITORIES)

    @cached_property
    def days(self) -> int:
        """How many days the twelve quarters have; the last is this less one."""
        return _starts()[-1]

    def updated(self, day: int) -> Numbers:
        """The day of each row's latest renewal up to `day`; -1 for never. Territories × lists × rows."""
        latest = np.full((len(TERRITORIES), len(LISTS), _LIST_ROWS), -1, dtype=np.int64)
        seen = self.updates.day <= day
        np.maximum.at(latest, (self.updates.territory[seen], self.updates.list[seen], self.updates.row[seen]), self.updates.day[seen])
        return latest


def _summed(rows: Numbers, columns: Numbers, amounts: Numbers) -> Numbers:
    total = np.zeros((len(TERRITORIES), QUARTERS), dtype=np.int64)
    np.add.at(total, (rows, columns), amounts)
    return total


def _starts() -> list[int]:
    """The first day of each quarter, and the day after the last."""
    firsts = [date(FIRST_DAY.year + q // 4, 3 * (q % 4) + 1, 1) for q in range(QUARTERS + 1)]
    return [(day - FIRST_DAY).days for day in firsts]


# ------------------------------------------------------------------------------------------------ making it


def generate(seed: int, planted: Planted = EFFECTS) -> Economy:
    """The same seed and effects, the same economy. Other effects with the same seed change nothing but what they touch."""
    institutions = tuple(i for i in Institutions(seed, _DRAWN_FROM).all if i.country == "CN")
    plan = _plan(seed, len(institutions))
    return Economy(
        seed, planted, plan, institutions, _loans(seed, planted, plan, institutions), _demands(seed, planted, plan, institutions),
        _updates(seed, planted, plan),
    )  # fmt: skip


def _unit(dice: Dice, name: str) -> Floats:
    """Between 0 and 1, neither included."""
    drawn: Floats = (dice.below(name, 2**31 - 1) + 0.5) / (2**31 - 1)
    return drawn


def _normal(dice: Dice, name: str) -> Floats:
    drawn: Floats = ndtri(_unit(dice, name))
    return drawn


def _heavy(dice: Dice, name: str, freedom: int = _SHOCK_TAIL) -> Floats:
    """Student's t with unit variance."""
    drawn: Floats = stdtrit(freedom, _unit(dice, name)) / np.sqrt(freedom / (freedom - 2))
    return drawn


def _numbered(count: int) -> Numbers:
    return np.arange(count, dtype=np.int64)


def _plan(seed: int, banks: int) -> Plan:
    """Two waves of three or four territories each, with a year before the first and two quarters after the last."""
    roll = one(seed, 0)
    order = np.argsort(Dice(seed, _numbered(len(TERRITORIES))).below("economy.wave", 2**31 - 1), kind="stable")
    first, second = roll.between("economy.first", 4, 6), roll.between("economy.second", 7, 9)
    size = (roll.between("economy.first.size", 3, 4), roll.between("economy.second.size", 3, 4))
    waves = [first] * size[0] + [second] * size[1]
    return Plan(
        subsidised=MappingProxyType({TERRITORIES[int(place)]: quarter for place, quarter in zip(order, waves, strict=False)}),
        slow_bank=roll.between("economy.slow", 0, banks - 1),
        stale_territory=roll.pick("economy.stale.territory", TERRITORIES),
        stale_list=roll.pick("economy.stale.list", LISTS),
        stale_from=roll.between("economy.stale.from", 8, 9),
    )


def _state(seed: int) -> Floats:
    """The logarithm of each territory's activity, by quarter: level, trend, season, and a state that lasts."""
    places = len(TERRITORIES)
    level = 0.4 * _normal(Dice(seed, _numbered(places)), "economy.level")
    shocks = _SHOCK * _heavy(Dice(seed, _numbered(places * (QUARTERS + 8))), "economy.shock").reshape(places, QUARTERS + 8)
    state, lasting = np.empty((places, QUARTERS)), np.zeros(places)
    for q in range(QUARTERS + 8):  # the first eight make it forget where it began
        lasting = _AR * lasting + shocks[:, q]
        if q >= 8:
            state[:, q - 8] = lasting
    season = np.array([_SEASON[q % 4] + _TREND * q for q in range(QUARTERS)])
    found: Floats = level[:, None] + season + state
    return found


def _serving(institutions: tuple[Institution, ...]) -> list[Numbers]:
    """Who does business in each territory; nationwide ones always do."""
    return [np.array([n for n, i in enumerate(institutions) if code in i.territories], dtype=np.int64) for code in TERRITORIES]


def _days(dice: Dice, name: str, quarter: Numbers) -> Numbers:
    starts = np.array(_starts(), dtype=np.int64)
    return starts[quarter] + dice.below(name, starts[quarter + 1] - starts[quarter])


def _loans(seed: int, planted: Planted, plan: Plan, institutions: tuple[Institution, ...]) -> Loans:
    places = Dice(seed, _numbered(len(TERRITORIES)))
    cells = Dice(seed, _numbered(len(TERRITORIES) * QUARTERS))
    usual = np.repeat(places.between("economy.loans", 140, 320), QUARTERS)
    counts = usual * cells.between("economy.loans.share", 85, 115) // 100
    cell = np.repeat(cells.numbers, counts)
    territory, quarter = cell // QUARTERS, cell % QUARTERS
    # A loan is numbered within its cell, so that one more elsewhere does not change it.
    within = _numbered(len(cell)) - np.repeat(np.cumsum(counts) - counts, counts)
    dice = Dice(seed, cell * 10_000 + within)
    first = np.array([plan.subsidised.get(code, QUARTERS) for code in TERRITORIES])
    treated = quarter >= first[territory]
    logs = _state(seed)[territory, quarter] + _LOAN_SPREAD * _normal(dice, "economy.amount")
    # A loan begins at 2,000,000 yuan in the middle; it is lifted in whole fen.
    amount = np.rint(np.exp(logs) * 200_000_000).astype(np.int64)
    amount = np.where(treated, amount * (100 + planted.lift) // 100, amount)
    serving = _serving(institutions)
    most = np.array([len(s) for s in serving], dtype=np.int64)
    table = np.zeros((len(TERRITORIES), int(most.max())), dtype=np.int64)
    for place, banks in enumerate(serving):
        table[place, : len(banks)] = banks
    return Loans(
        territory, table[territory, dice.below("economy.bank", most[territory])], dice.below("economy.company", _COMPANIES), quarter,
        _days(dice, "economy.day", quarter), amount, 345 + dice.between("economy.rate", -40, 90),
    )  # fmt: skip


def _demands(seed: int, planted: Planted, plan: Plan, institutions: tuple[Institution, ...]) -> Demands:
    cells = Dice(seed, _numbered(len(institutions) * QUARTERS))
    counts = cells.between("economy.demands", _DEMANDS - 4, _DEMANDS + 4)
    cell = np.repeat(cells.numbers, counts)
    within = _numbered(len(cell)) - np.repeat(np.cumsum(counts) - counts, counts)
    dice = Dice(seed, cell * 10_000 + within)
    bank, quarter = cell // QUARTERS, cell % QUARTERS
    banks, places = Dice(seed, _numbered(len(institutions))), Dice(seed, _numbered(len(TERRITORIES)))
    reach = [tuple(TERRITORIES.index(code) for code in i.territories) for i in institutions]
    most = np.array([len(r) for r in reach], dtype=np.int64)
    table = np.zeros((len(reach), int(most.max())), dtype=np.int64)
    for place, codes in enumerate(reach):
        table[place, : len(codes)] = codes
    territory = table[bank, dice.below("economy.demand.territory", most[bank])]
    logs = (
        np.log(_HOURS) + _BANK_SPREAD * _heavy(banks, "economy.answers", 5)[bank] + 0.05 * _normal(places, "economy.answers.place")[territory]
        + _ANSWER_SPREAD * _heavy(dice, "economy.answer")
    )  # fmt: skip
    slow = np.where(bank == plan.slow_bank, planted.slow / 100, 1.0)
    hours = np.maximum(1, np.rint(np.exp(np.minimum(logs, 8.0)) * slow)).astype(np.int64)
    return Demands(territory, bank, dice.below("economy.demand.company", _COMPANIES), quarter, hours)


def _updates(seed: int, planted: Planted, plan: Plan) -> Updates:
    """Every row is renewed in most quarters; how often depends on the list. A list that is stale is not touched from its quarter on."""
    shape = (len(TERRITORIES), len(LISTS), _LIST_ROWS, QUARTERS)
    territory, list_, row, quarter = (axis.ravel().astype(np.int64) for axis in np.indices(shape))
    each = territory * len(LISTS) + list_
    dice = Dice(seed, _numbered(len(territory)))
    usual = Dice(seed, _numbered(len(TERRITORIES) * len(LISTS))).between("economy.list", 780, 960)
    kept = dice.chance("economy.renewed", usual[each]) | (quarter == 0)
    if planted.stale:
        gone = (territory == TERRITORIES.index(plan.stale_territory)) & (list_ == LISTS.index(plan.stale_list)) & (quarter >= plan.stale_from)
        kept &= ~gone
    day = _days(dice, "economy.renewed.day", quarter)
    return Updates(territory[kept], list_[kept], row[kept], day[kept])


# ------------------------------------------------------------------------------------------------ writing it down


@dataclass(frozen=True, slots=True)
class Exported:
    lines: int
    sha256: str


def lines(economy: Economy) -> Iterator[str]:
    """JSON lines: the head with the plan, institutions, loans, demands, list rows as they stand on the last day. Everything says it is invented."""
    for record in _records(economy):
        yield json.dumps({**record, "invented": True}, ensure_ascii=False, separators=(",", ":")) + "\n"


def _company(seed: int, territory: str, number: int) -> UUID:
    return uuid5(NAMESPACE, f"{seed}:economy:company:{territory}:{number}")


def _day(number: int) -> str:
    return (FIRST_DAY + timedelta(days=int(number))).isoformat()


def _rows(table: Loans | Demands) -> Iterator[dict[str, int]]:
    names = [f.name for f in fields(table)]
    for values in zip(*(getattr(table, name).tolist() for name in names), strict=True):
        yield dict(zip(names, values, strict=True))


def _records(economy: Economy) -> Iterator[dict[str, Any]]:
    plan, ids = economy.plan, [str(i.id) for i in economy.institutions]
    yield {
        "record": "economy", "seed": economy.seed, "first_day": FIRST_DAY.isoformat(), "quarters": QUARTERS, "planted": asdict(economy.planted),
        "subsidised": dict(plan.subsidised), "slow_bank": ids[plan.slow_bank], "stale_territory": plan.stale_territory,
        "stale_list": plan.stale_list, "stale_from": plan.stale_from,
    }  # fmt: skip
    for i in economy.institutions:
        yield {"record": "institution", "id": str(i.id), "kind": i.kind, "name_zh": i.name_zh, "name_en": i.name_en}
    kinds: tuple[tuple[str, Loans | Demands], ...] = (("loan", economy.loans), ("demand", economy.demands))
    for kind, table in kinds:
        for row in _rows(table):
            code = TERRITORIES[row["territory"]]
            named = {"territory": code, "bank": ids[row["bank"]], "company": str(_company(economy.seed, code, row["company"]))}
            yield {"record": kind, **row, **named, **({"day": _day(row["day"])} if "day" in row else {})}
    updated = economy.updated(economy.days - 1)
    for (place, list_, row_number), day in np.ndenumerate(updated):
        yield {"record": "list_row", "list": LISTS[list_], "territory": TERRITORIES[place], "row": row_number, "updated_at": _day(int(day))}


def export(economy: Economy, out: Path) -> Exported:
    """Write it, and say how many lines and which digest. The file is whole or not there."""
    digest, count = sha256(), 0
    part = out.with_name(out.name + ".part")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as file:
            for line in lines(economy):
                file.write(line)
                digest.update(line.encode())
                count += 1
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    return Exported(count, digest.hexdigest())
