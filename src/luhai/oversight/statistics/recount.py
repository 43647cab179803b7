"""Count again, from the journal alone and by another way: what the figures must be, and which facts must stand behind them.

Pure, and it shares nothing with `policy`, `indicators` or the SQL of `queries`: a mistake there is not repeated here. Each event is read
by its own branch, months are cut at a fixed eight hours before UTC's, and a stock is summed up company by company, month after month.

    tally = Tally()
    for event in events: add(tally, event)
    cells(tally)   -> {(indicator, "2026-03", territory, currency): Cell}
    overpaid(tally) -> loans on which more came back than was lent
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any, Protocol
from uuid import UUID

from luhai.kernel.money import Currency

#: China has had one time, eight hours before UTC, and no summer time since 1991.
CHINA = timedelta(hours=8)
LARGEST = 2**53 - 1


class Said(Protocol):
    """What this needs of an event of the journal."""

    @property
    def position(self) -> int: ...
    @property
    def index(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def data(self) -> Mapping[str, Any]: ...
    @property
    def at(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell must say. A flow has no opening; `added` is its value. A quotient has none of the three, but what it is a quotient of."""

    opening: int
    added: int
    taken: int
    count: int
    contributors: int
    first: int
    last: int
    numerator: int | None = None
    denominator: int | None = None
    times: int = 1

    @property
    def value(self) -> int:
        if self.numerator is None or self.denominator is None:
            return self.opening + self.added - self.taken
        return math.floor(Fraction(self.times * self.numerator, self.denominator) + Fraction(1, 2))


@dataclass(slots=True)
class _Sum:
    amount: int = 0
    over: int = 0  # what a quotient has above its line
    count: int = 0
    first: int = LARGEST
    last: int = 0


#: A fact as this file reads it, in the order of `FIELDS`.
FactKey = tuple[Any, ...]
FIELDS = (
    "position", "index", "kind", "event_kind", "subject", "day", "territory", "currency", "amount", "country", "documented", "bank_id",
    "company_id", "size", "industry", "term", "route", "guarantee", "green", "rate_bp",
)  # fmt: skip
#: What a loan may be said to be, besides nothing ("_Z"), in the order of `FIELDS`.
LETTERS = {chr(65 + n) for n in range(20)}
CLASSES = (
    ("size", {"L", "M", "S", "X", "IND_BIZ"}), ("industry", LETTERS), ("term", {"CT01", "CT02", "CT03"}),
    ("route", {"RSI", "IRL", "XBR", "INW", "AIR", "OTH"}), ("guarantee", {"DOC", "CRD"}), ("green", {"Y", "N"}),
)  # fmt: skip


@dataclass(slots=True)
class Tally:
    """What was added up so far: (line, territory, currency) -> month -> company -> sum."""

    lines: dict[tuple[str, str, str], dict[date, dict[str, _Sum]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(lambda: defaultdict(_Sum)))
    )
    owed: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    facts: int = 0


def add(tally: Tally, event: Said) -> tuple[FactKey | None, bool]:
    """Add one event; answer the fact that it must be (or None), and whether it could be read."""
    data = event.data
    if event.kind == "lending.draw_disburse":
        lines, amount, country = ["drawn"], data.get("amount"), ""
        named, sign, documented = "drawn", 1, data.get("title") is not None
    elif event.kind == "lending.moved":
        if data.get("principal") == 0:
            return None, True
        lines, amount, country = ["repaid"], data.get("principal"), ""
        named, sign, documented = "repaid", -1, data.get("title") is not None
    elif event.kind == "payments.credited":
        lines, amount, country = ["receipts"], data.get("amount"), data.get("debtor_country") or ""
        named, sign, documented = "received", 0, data.get("documents", 0) != 0
    elif event.kind == "payments.returned":
        lines, amount, country = ["returned"], data.get("amount"), data.get("debtor_country") or ""
        named, sign, documented = "returned", 0, data.get("documents", 0) != 0
    else:
        return None, True
    bank, company = _id(data.get("bank")), _id(data.get("company"))
    currency, territory = data.get("currency"), data.get("territory") or "_Z"
    good = (
        isinstance(amount, int) and not isinstance(amount, bool) and 1 <= amount <= LARGEST
        and isinstance(currency, str) and currency in set(Currency)
        and isinstance(territory, str) and (territory == "_Z" or (len(territory) == 6 and territory.isascii() and territory.isdigit()))
        and isinstance(country, str) and len(country) < 3
        and bank is not None and company is not None
        and (named in {"drawn", "repaid"} or _count(data.get("documents", 0)))
    )  # fmt: skip
    classes: tuple[Any, ...] = ("_Z",) * 6
    rate = None
    if sign:
        classes = tuple(data.get(name) or "_Z" for name, _codes in CLASSES)
        rate = data.get("rate_bp")
        good = good and all(isinstance(c, str) and (c == "_Z" or c in codes) for c, (_name, codes) in zip(classes, CLASSES, strict=True))
        good = good and (rate is None or (_count(rate) and rate < 1_000_001))
    if not good:
        return None, False
    assert isinstance(amount, int)
    assert isinstance(currency, str)
    local = event.at.astimezone(UTC) + CHINA
    day = date(local.year, local.month, local.day)
    month = date(local.year, local.month, 1)
    if documented and named != "returned":
        lines.append(f"{lines[0]} on documents")
    for line in lines:
        for place in (territory, "_T"):
            _put(tally.lines[line, place, currency][month][str(company)], amount, event.position)
    if named == "drawn":
        for place in (territory, "_T"):
            _put(tally.lines["secured of drawn", place, currency][month][str(company)], amount, event.position, amount * documented)
            if rate is not None:
                _put(tally.lines["rate of drawn", place, currency][month][str(company)], amount, event.position, amount * rate)
    if sign:
        tally.owed[event.subject] += sign * amount
    tally.facts += 1
    fact = (
        event.position, event.index, named, event.kind, event.subject, day, territory, currency, amount, country, documented, bank, company,
        *classes, rate,
    )  # fmt: skip
    return fact, True


def _put(into: _Sum, amount: int, position: int, over: int = 0) -> None:
    into.amount += amount
    into.over += over
    into.count += 1
    into.first = min(into.first, position)
    into.last = max(into.last, position)


def _id(value: Any) -> UUID | None:
    try:
        return UUID(value)
    except (TypeError, ValueError, AttributeError):
        return None


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


FLOWS = {
    "loans_drawn": "drawn", "loans_repaid": "repaid", "secured_drawn": "drawn on documents",
    "receipts": "receipts", "receipts_documented": "receipts on documents", "receipts_returned": "returned",
}  # fmt: skip
#: Each with how many units of its value are one: hundredths of a basis point; of a percent.
QUOTIENTS = {"drawn_rate": ("rate of drawn", 100), "secured_share": ("secured of drawn", 10_000)}
STOCKS = {
    "loans_outstanding": ("drawn", "repaid"),
    "secured_outstanding": ("drawn on documents", "repaid on documents"),
}


def cells(tally: Tally) -> dict[tuple[str, str, str, str], Cell]:
    """Every cell that the figures must have, in all months from the first fact to the last."""
    months = sorted({month for by_month in tally.lines.values() for month in by_month})
    found: dict[tuple[str, str, str, str], Cell] = {}
    for indicator, line in FLOWS.items():
        for (name, place, currency), by_month in tally.lines.items():
            if name == line:
                for month, by_company in by_month.items():
                    sums = list(by_company.values())
                    found[indicator, f"{month:%Y-%m}", place, currency] = Cell(
                        0, sum(s.amount for s in sums), 0, sum(s.count for s in sums), len(sums),
                        min(s.first for s in sums), max(s.last for s in sums),
                    )  # fmt: skip
    for indicator, (line, times) in QUOTIENTS.items():
        for (name, place, currency), by_month in tally.lines.items():
            if name == line:
                for month, by_company in by_month.items():
                    sums = list(by_company.values())
                    found[indicator, f"{month:%Y-%m}", place, currency] = Cell(
                        0, 0, 0, sum(s.count for s in sums), len(sums), min(s.first for s in sums), max(s.last for s in sums),
                        sum(s.over for s in sums), sum(s.amount for s in sums), times,
                    )  # fmt: skip
    if not months:
        return found
    for indicator, (plus, minus) in STOCKS.items():
        keys = {(place, currency) for name, place, currency in tally.lines if name in {plus, minus}}
        for place, currency in keys:
            up, down = tally.lines.get((plus, place, currency), {}), tally.lines.get((minus, place, currency), {})
            owes: dict[str, int] = defaultdict(int)
            count, first, last = 0, LARGEST, 0
            for month in _every(months[0], months[-1]):
                opening, added, taken = sum(owes.values()), 0, 0
                for sign, by_month in ((1, up), (-1, down)):
                    for company, s in by_month.get(month, {}).items():
                        owes[company] += sign * s.amount
                        added += s.amount if sign > 0 else 0
                        taken += s.amount if sign < 0 else 0
                        count, first, last = count + s.count, min(first, s.first), max(last, s.last)
                assert sum(owes.values()) == opening + added - taken, "stock and flow"
                if count:
                    found[indicator, f"{month:%Y-%m}", place, currency] = Cell(
                        opening, added, taken, count, sum(1 for owed in owes.values() if owed), first, last
                    )
    return found


def _every(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first = date(first.year + first.month // 12, first.month % 12 + 1, 1)


def overpaid(tally: Tally) -> list[str]:
    """Loans on which more principal came back than the journal says was lent: the identity of stock and flow fails for them."""
    return sorted(subject for subject, owed in tally.owed.items() if owed < 0)
