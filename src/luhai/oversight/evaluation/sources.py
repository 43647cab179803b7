"""Where computed values come from: facts of other subjects, asked as the system by downhill queries, each with its evidence.

Who: `commands.collect` and `commands.validate`, inside their transactions.
Units: what the item says; sums of money are minor units of yuan. A value comes with those of the four quarters before it (own baseline).
What is not there is `Found(None)` with a reason in both languages, never nought.
Source: domain notes on oversight §2.4, §2.5; the notes in data/evaluation/*.yaml say where a value is narrower than its definition.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from luhai.core.policies import queries as policies
from luhai.core.rules import queries as rules
from luhai.core.rules.rates import NoRate
from luhai.core.rules.rates import reference as rate_of
from luhai.kernel.calendar import SHANGHAI
from luhai.kernel.money import Currency, Money
from luhai.kernel.origin import SYSTEM
from luhai.kernel.refusal import Refusal
from luhai.market.matching import queries as market
from luhai.oversight.statistics import queries as statistics

from . import policy
from .policy import Quarter

LPR: Final = "lpr.one_year"
#: How strongly the text asks, as weights [P].
MODALITY: Final = MappingProxyType({"MUST": 10, "BUILD": 9, "PROMOTE": 7, "SUPPORT": 6, "ENCOURAGE": 4, "EXPLORE": 3})
#: Statuses in which a measure is in force.
_OPEN: Final = frozenset({"in_force", "evaluated", "extended"})


@dataclass(frozen=True, slots=True)
class Found:
    """A value with its past and its evidence; or none, and why (zh, en)."""

    value: Decimal | None
    history: tuple[Decimal, ...] = ()
    evidence: Mapping[str, Any] = field(default_factory=dict)
    why: tuple[str, str] = ("", "")


class Sum(NamedTuple):
    """Facts that are alike, added up."""

    kind: str
    day: date
    territory: str
    bank: str
    currency: str
    documented: bool
    green: str
    rate_bp: int | None
    amount: int


@dataclass(frozen=True)
class World:
    """What values are computed from, read once: which units, which quarter, as of which position of the journal."""

    kind: str  # territory, institution
    units: tuple[str, ...]
    quarter: Quarter
    position: int
    now: datetime
    wholes: Mapping[tuple[str, str], tuple[Decimal, str]]  # (indicator, unit) -> reported whole, its submission
    reports: Mapping[str, tuple[int, int, int, int]]  # unit -> due, submitted, on time, returned

    @cached_property
    def sums(self) -> tuple[Sum, ...]:
        return read_facts(self.position)

    def of(self, unit: str) -> Iterable[Sum]:
        """A unit's facts in yuan and in other currencies; a territory's by the company's place, a bank's by the bank."""
        return self._by_unit.get(unit, ())

    @cached_property
    def _by_unit(self) -> dict[str, list[Sum]]:
        found: dict[str, list[Sum]] = defaultdict(list)
        for row in self.sums:
            found[row.territory if self.kind == "territory" else row.bank].append(row)
        return found

    @cached_property
    def funnels(self) -> Mapping[Quarter, Mapping[str, market.FunnelLine]]:
        """Demands published in the quarter and in the four before it, by unit."""
        return {
            q: {line.group: line for line in market.funnel(since=q.first, until=q.last, by=self.kind, viewer=SYSTEM)}
            for q in (*self.quarter.before, self.quarter)
        }

    @cached_property
    def agreed(self) -> Mapping[str, list[tuple[date, Decimal]]]:
        """Demands that ended in an accepted offer: day of publication, and days until then, by territory."""
        found: dict[str, list[tuple[date, Decimal]]] = defaultdict(list)
        cursor = ""
        while True:
            page = market.demands(state="ACCEPTED", cursor=cursor, limit=200, viewer=SYSTEM)
            for card in page.items:
                if card.published_at is None or card.territory is None:
                    continue
                lines = market.demand(demand_id=card.id, now=self.now, viewer=SYSTEM).timeline
                ends = [line.happened_at for line in lines if line.action == "ACCEPT"]
                if ends:
                    seconds = int((min(ends) - card.published_at).total_seconds())
                    found[card.territory].append((card.published_at.astimezone(SHANGHAI).date(), policy.quotient(seconds, 86_400, 1)))
            cursor = page.next
            if not cursor:
                return found

    @cached_property
    def measures(self) -> Mapping[str, policies.MeasureLine]:
        return {m.code: m for m in policies.measures(limit=100_000, viewer=SYSTEM)}

    @cached_property
    def starts(self) -> Mapping[str, Mapping[str, date]]:
        """Since when each measure has first been in force in each territory."""
        found: dict[str, dict[str, date]] = defaultdict(dict)
        after: tuple[str, str] | None = None
        while lines := policies.adoptions(after=after, limit=1000, viewer=SYSTEM):
            for line in lines:
                steps = policies.adoption(measure=line.measure, territory=line.territory, viewer=SYSTEM).steps
                if days := [s.since for s in steps if s.status in _OPEN]:
                    found[line.measure][line.territory] = min(days)
            after = (lines[-1].measure, lines[-1].territory)
        return found


def read_facts(position: int) -> tuple[Sum, ...]:
    """The facts of the manifest up to a position, alike ones added up."""
    import pyarrow.compute as pc

    from luhai.core.indicators import facts

    names = ["kind", "day", "territory", "bank", "currency", "documented", "green", "rate_bp"]
    table = facts.read(statistics.files(position), [*names, "amount", "position"])
    table = table.filter(pc.less_equal(table.column("position"), position))
    added = table.group_by(names, use_threads=False).aggregate([("amount", "sum")])
    return tuple(Sum(**{n: row[n] for n in names}, amount=row["amount_sum"]) for row in added.to_pylist())


# ------------------------------------------------------------------------------------------------ loans and receipts

_NO_LOANS = ("本平台无相应贷款记录", "no such loans are booked on this platform")
_NO_BASE = ("上年同期无通道贷款，无法计算增速", "no corridor loans a year before, so no growth can be counted")
_NO_RECEIPTS = ("当季无跨境收款记录", "no receipts from abroad in the quarter")
_NO_DRAWS = ("当季无载明利率的放款", "no draw with a stated rate in the quarter")
_NO_DEMANDS = ("当季无相应需求", "no such demand in the quarter")
_NO_WHOLE = ("尚未报送全部贷款余额", "all loans have not been reported")


def balance(rows: Iterable[Sum], upto: date, **want: Any) -> int:
    """Outstanding at the end of a day, in fen: drawn less repaid, loans in yuan."""
    return sum(
        (r.amount if r.kind == "drawn" else -r.amount)
        for r in rows
        if r.kind in {"drawn", "repaid"} and r.currency == "CNY" and r.day <= upto and all(getattr(r, k) == v for k, v in want.items())
    )


def _series(world: World, one: Callable[[Quarter], Decimal | None]) -> tuple[Decimal | None, tuple[Decimal, ...]]:
    """This quarter's value and the earlier ones that are known, oldest first."""
    past = [one(q) for q in world.quarter.before]
    return one(world.quarter), tuple(v for v in past if v is not None)


def _cells(world: World, unit: str, indicator: str, quarters: Iterable[Quarter], currency: str = "CNY") -> dict[str, Any]:
    """The figures of statistics that a value rests on: each has a page of its own for a territory."""
    months = [f"{q.months[2]:%Y-%m}" for q in quarters]
    return {
        "kind": "figures", "position": world.position, "indicator": indicator, "months": months, "currency": currency,
        world.kind: unit,
    }  # fmt: skip


def _growth(world: World, unit: str) -> Found:
    rows = list(world.of(unit))

    def one(q: Quarter) -> Decimal | None:
        base = balance(rows, q.back(4).last)
        return policy.quotient(balance(rows, q.last) - base, base) if base > 0 else None

    value, history = _series(world, one)
    evidence = _cells(world, unit, "loans_outstanding", (world.quarter.back(4), world.quarter)) | {
        "sums": {str(q): str(balance(rows, q.last)) for q in (world.quarter.back(4), world.quarter)}
    }
    return Found(value, history, evidence, _NO_BASE if value is None else ("", ""))


def _quotient(world: World, unit: str) -> Found:
    """A territory's share of corridor loans in its own, over that of all that have reported."""
    key = "P02"
    known = {u: whole for (k, u), (whole, _) in world.wholes.items() if k == key}
    if unit not in known:
        return Found(None, why=_NO_WHOLE)
    own, total = balance(world.of(unit), world.quarter.last), sum(balance(world.of(u), world.quarter.last) for u in known)
    if total <= 0:
        return Found(None, why=_NO_LOANS)
    value = policy.quotient(Decimal(own) * sum(known.values()), known[unit] * total, 1)
    evidence = _cells(world, unit, "loans_outstanding", (world.quarter,)) | {
        "sums": {"own": str(own), "all": str(total)}, "submission": world.wholes[key, unit][1], "territories": sorted(known),
    }  # fmt: skip
    return Found(value, (), evidence)


def _intensity(world: World, unit: str) -> Found:
    key = "I02"
    if (key, unit) not in world.wholes:
        return Found(None, why=_NO_WHOLE)
    whole, submission = world.wholes[key, unit]
    own = balance(world.of(unit), world.quarter.last)
    evidence = _cells(world, unit, "loans_outstanding", (world.quarter,)) | {"sums": {"own": str(own)}, "submission": submission}
    return Found(policy.quotient(own, whole * 100), (), evidence)  # fen over yuan


def _increase(world: World, unit: str) -> Found:
    def grew(u: str, q: Quarter) -> int:
        rows = list(world.of(u))
        return balance(rows, q.last) - balance(rows, q.back(1).last)

    def one(q: Quarter) -> Decimal | None:
        total = sum(grew(u, q) for u in world.units)
        return policy.quotient(grew(unit, q), total) if total > 0 else None

    value, history = _series(world, one)
    evidence = _cells(world, unit, "loans_outstanding", (world.quarter.back(1), world.quarter)) | {
        "sums": {"own": str(grew(unit, world.quarter)), "all": str(sum(grew(u, world.quarter) for u in world.units))}
    }
    return Found(
        value, history, evidence,
        ("", "") if value is not None else ("全部机构当季无净增", "all institutions together had no net increase in the quarter"),
    )  # fmt: skip


def _part_of_loans(name: str, want: Any, indicator: str) -> Callable[[World, str], Found]:
    def found(world: World, unit: str) -> Found:
        rows = list(world.of(unit))

        def one(q: Quarter) -> Decimal | None:
            whole = balance(rows, q.last)
            return policy.quotient(balance(rows, q.last, **{name: want}), whole) if whole > 0 else None

        value, history = _series(world, one)
        evidence = _cells(world, unit, indicator, (world.quarter,)) | {
            "sums": {
                "part": str(balance(rows, world.quarter.last, **{name: want})), "whole": str(balance(rows, world.quarter.last)),
            }
        }  # fmt: skip
        return Found(value, history, evidence, _NO_LOANS if value is None else ("", ""))

    return found


def _rmb_share(world: World, unit: str) -> Found:
    """RMB in receipts of a quarter; other currencies at the reference rate of the month's end."""
    rows = [r for r in world.of(unit) if r.kind == "received"]

    def parts(q: Quarter) -> tuple[int, int]:
        renminbi = total = 0
        for month in q.months:
            by: dict[str, int] = defaultdict(int)
            for r in rows:
                if (r.day.year, r.day.month) == (month.year, month.month):
                    by[r.currency] += r.amount
            for currency, amount in by.items():
                worth = amount if currency == "CNY" else _yuan(amount, currency, policy.quarter_of(month), month)
                renminbi += amount if currency == "CNY" else 0
                total += worth
        return renminbi, total

    def one(q: Quarter) -> Decimal | None:
        renminbi, total = parts(q)
        return policy.quotient(renminbi, total) if total else None

    try:
        value, history = _series(world, one)
        renminbi, total = parts(world.quarter)
    except NoRate as fault:
        currency = fault.facts["of"]
        return Found(None, why=(f"缺少 {currency} 的参考汇率", f"no reference rate for {currency}"))
    evidence = _cells(world, unit, "receipts_rmb_share", (world.quarter,), "_T") | {"sums": {"CNY": str(renminbi), "all in CNY": str(total)}}
    return Found(value, history, evidence, _NO_RECEIPTS if value is None else ("", ""))


def _yuan(amount: int, currency: str, q: Quarter, month: date) -> int:
    end = next((m for m in (*q.months, q.back(-1).first) if m > month), q.back(-1).first)
    rate = rate_of(Currency(currency), Currency.CNY, date.fromordinal(end.toordinal() - 1))
    return rate.convert(Money(amount, Currency(currency))).minor


def _spread(world: World, unit: str) -> Found:
    rows = [r for r in world.of(unit) if r.kind == "drawn" and r.currency == "CNY" and r.rate_bp is not None]
    rates: dict[date, int] = {}
    known = rules.parameters(viewer=SYSTEM)

    def over(r: Sum) -> int:
        if r.day not in rates:
            rates[r.day] = int(known.value(LPR, r.day).value)
        return (r.rate_bp or 0) - rates[r.day]

    def parts(q: Quarter) -> tuple[int, int]:
        own = [r for r in rows if q.first <= r.day <= q.last]
        return sum(r.amount * over(r) for r in own), sum(r.amount for r in own)

    def one(q: Quarter) -> Decimal | None:
        weighted, amount = parts(q)
        return policy.quotient(weighted, amount, 1) if amount else None

    try:
        value, history = _series(world, one)
        weighted, amount = parts(world.quarter)
    except Refusal:
        return Found(None, why=("缺少放款日的 LPR", "no LPR for a day of drawing"))
    evidence = _cells(world, unit, "drawn_rate", (world.quarter,)) | {
        "sums": {"amount × spread": str(weighted), "amount": str(amount)}, "rule": LPR,
    }  # fmt: skip
    return Found(value, history, evidence, _NO_DRAWS if value is None else ("", ""))


# ------------------------------------------------------------------------------------------------ the market


def _market(world: World, unit: str, what: str) -> dict[str, Any]:
    q = world.quarter
    return {"kind": "demands", "what": what, "since": q.first.isoformat(), "until": q.last.isoformat(), world.kind: unit, "at": world.now.isoformat()}  # fmt: skip


def _rate_of_match(world: World, unit: str) -> Found:
    """Amount of accepted offers over amount of demands published; of an institution: of those sent to it."""

    def one(q: Quarter) -> Decimal | None:
        line = world.funnels[q].get(unit)
        return policy.quotient(line.accepted_cny_minor, line.requested_cny_minor) if line and line.requested_cny_minor else None

    value, history = _series(world, one)
    line = world.funnels[world.quarter].get(unit)
    sums = {"accepted": str(line.accepted_cny_minor), "requested": str(line.requested_cny_minor), "demands": str(line.published)} if line else {}
    return Found(value, history, _market(world, unit, "accepted/requested") | {"sums": sums}, _NO_DEMANDS if value is None else ("", ""))


def _hours(world: World, unit: str) -> Found:
    def one(q: Quarter) -> Decimal | None:
        line = world.funnels[q].get(unit)
        return policy.fixed(line.median_answer_hours) if line and line.median_answer_hours is not None else None

    value, history = _series(world, one)
    why = ("", "") if value is not None else ("当季未答复任何需求", "no demand of the quarter was answered")
    return Found(value, history, _market(world, unit, "median working hours to the first answer"), why)


def _days(world: World, unit: str) -> Found:
    def one(q: Quarter) -> Decimal | None:
        found = market.median([days for on, days in world.agreed.get(unit, []) if q.first <= on <= q.last])
        return policy.fixed(found) if found is not None else None

    value, history = _series(world, one)
    why = ("", "") if value is not None else ("当季发布的需求尚无成交", "no demand published in the quarter was agreed on")
    return Found(value, history, _market(world, unit, "median days from publication to acceptance"), why)


# ------------------------------------------------------------------------------------------------ the policy


def _in_force(world: World, unit: str) -> Found:
    weigh = {code: MODALITY.get(m.modality, 0) for code, m in world.measures.items() if unit in m.territories}
    whole = sum(weigh.values())

    def one(q: Quarter) -> Decimal | None:
        return policy.quotient(sum(weigh.get(c, 0) for c in policies.measures_in_force(unit, q.last)), whole) if whole else None

    value, history = _series(world, one)
    evidence = {
        "kind": "adoptions", "territory": unit, "on": world.quarter.last.isoformat(), "applicable": len(weigh),
        "in_force": sorted(c for c in policies.measures_in_force(unit, world.quarter.last) if c in weigh),
    }  # fmt: skip
    return Found(value, history, evidence, ("", "") if whole else ("政策库中无适用措施", "the policy library holds no measure that applies"))


def _copied_in(world: World, unit: str) -> Found:
    def sets(q: Quarter) -> tuple[list[str], list[str]]:
        could, did = [], []
        for code, places in world.starts.items():
            elsewhere = [d for p, d in places.items() if p != unit and d <= q.last]
            if not elsewhere or code not in world.measures or unit not in world.measures[code].territories:
                continue
            mine = places.get(unit)
            if mine is None or mine > q.last:
                could.append(code)
            elif mine > q.back(4).last and min(elsewhere) < mine:
                could.append(code)
                did.append(code)
        return sorted(could), sorted(did)

    def one(q: Quarter) -> Decimal | None:
        could, did = sets(q)
        return policy.quotient(len(did), len(could)) if could else None

    value, history = _series(world, one)
    could, did = sets(world.quarter)
    evidence = {"kind": "adoptions", "territory": unit, "on": world.quarter.last.isoformat(), "could": could, "did": did}
    return Found(value, history, evidence, ("", "") if could else ("沿线尚无可引入的他地先行措施", "no measure is in force elsewhere that could be taken over"))


def _copied_out(world: World, unit: str) -> Found:
    def out(q: Quarter) -> set[str]:
        found: set[str] = set()
        for places in world.starts.values():
            mine = places.get(unit)
            if mine is None or any(d < mine for d in places.values()):
                continue
            found |= {p for p, d in places.items() if mine < d <= q.last}
        return found

    if not world.starts:
        return Found(None, why=("尚无任何措施生效", "no measure is in force anywhere yet"))
    value, history = _series(world, lambda q: Decimal(len(out(q))))
    evidence = {"kind": "adoptions", "territory": unit, "on": world.quarter.last.isoformat(), "adopters": sorted(out(world.quarter))}
    return Found(value, history, evidence)


def _reporting(world: World, unit: str) -> Found:
    due, submitted, on_time, returned = world.reports.get(unit, (0, 0, 0, 0))
    if not due:
        return Found(None, why=("无需报送", "nothing is to be reported"))
    value = policy.quotient(min(on_time, due), 2 * due)
    if submitted:
        value += policy.quotient(submitted - returned, 2 * submitted)
    sums = {"due": str(due), "submitted": str(submitted), "on time": str(on_time), "returned": str(returned)}
    return Found(policy.fixed(value), (), {"kind": "reports", world.kind: unit, "sums": sums})


#: How each computed value is found, by the name that data/evaluation/*.yaml uses.
COMPUTED: Final[Mapping[str, Callable[[World, str], Found]]] = MappingProxyType(
    {
        "figures.loans_growth": _growth,
        "figures.quotient": _quotient,
        "figures.intensity": _intensity,
        "figures.increase_share": _increase,
        "figures.documented_share": _part_of_loans("documented", True, "secured_outstanding"),
        "figures.green_share": _part_of_loans("green", "Y", "loans_outstanding"),
        "figures.rmb_share": _rmb_share,
        "figures.spread": _spread,
        "market.match_rate": _rate_of_match,
        "market.conversion": _rate_of_match,
        "market.response_hours": _hours,
        "market.days": _days,
        "policy.in_force": _in_force,
        "policy.copied_in": _copied_in,
        "policy.copied_out": _copied_out,
        "own.reporting": _reporting,
    }
)
