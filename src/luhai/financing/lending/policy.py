"""What a line allows, what a draw costs from day to day, and where a payment goes. Pure: no database, no Django.

    contract = read(document)                       # strict; refuses Invalid with the path of the first mistake
    check_tree(nodes)                               # INV-CL-2
    due = days_of(asked, contract, on, calendar)    # the days on which a draw is repaid
    grown(terms, events, on, …)                     # interest and penalty to a day, worked out from the events alone
    allocate(amount, open, contract.order)          # INV-LN-4

Source: domain notes on financing §6.1 (INV-CL-*), §6.4 (INV-LN-*). Legal numbers are parameters (data/parameters/lending.yaml).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final

from luhai.kernel.money import MAX_MINOR, Currency
from luhai.kernel.refusal import Invalid, Refusal, gettext_noop

from .daycount import DayCount, Unit, add_months, due_days, year_fraction
from .lifecycle import DrawState
from .replay import Book, Drawn, Paid, borne, replay
from .schedule import Method, Prepaid, Terms, rounded

#: Days of interest by currency. Source: domain notes on financing §6.4.
COUNTS: Final = MappingProxyType(
    {c: DayCount.ACT_365 if c in {"GBP", "HKD", "SGD", "THB", "MYR"} else DayCount.ACT_360 for c in Currency}
)
#: What may be owed on a draw, each on an account of its own; and the usual order in which a payment serves it.
BUCKETS: Final = ("fees", "penalty", "interest", "principal")
RESETS: Final = MappingProxyType({"fixed": 0, "quarterly": 3, "yearly": 12})
DEEPEST: Final = 6
MOST_NODES: Final = 200
MOST_LINES: Final = 360


class TreeTooWide(Refusal):
    code = "lending.sub_limits_exceed"
    message = gettext_noop(
        "The sub-limits below %(node)s come to %(sum)s, more than its %(limit)s; mark it as shared if they share it."
    )


class DueTooLate(Refusal):
    code = "lending.due_too_late"
    message = gettext_noop("The last day of repayment is %(due)s; this line allows no later than %(latest)s.")


class TooLittleSecurity(Refusal):
    code = "lending.too_little_security"
    message = gettext_noop(
        "After the haircut the security is worth %(lendable)s; %(asked)s was asked for, in the smallest unit of the currency."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What bank and company agreed in a line. Rates and shares in basis points or percent, days in calendar days."""

    currency: Currency
    starts_on: date
    ends_on: date
    tail_days: int
    revolving: bool
    spread_bp: int  # over the prime rate of the draw's term
    reset: str
    surcharge_percent: int  # on the rate, of what is overdue
    misuse_percent: int
    grace_days: int
    haircut_percent: int
    methods: tuple[Method, ...]
    prepaid: Prepaid
    order: tuple[str, ...]
    needs_pledge: bool
    needs_evidence: bool
    needs_insurance: bool


#: Each field: whether it must be given, the value otherwise, and how it is read.
_FLAGS: Final = ("revolving", "needs_pledge", "needs_evidence", "needs_insurance")


def read(document: object, limits: Mapping[str, int]) -> Contract:
    """A contract from its JSON form. `limits` are the parameters that bound it, in the units of the fields.

    Refuses: Invalid, naming the field and what would be right.
    """
    fields = set(Contract.__dataclass_fields__)
    if not isinstance(document, dict):
        raise Invalid(field="contract", problem=f"an object with {', '.join(sorted(fields))}")
    if unknown := sorted(set(map(str, document)) - fields):
        raise Invalid(
            field=f"contract.{unknown[0]}",
            problem=f"nothing of this name; one of {', '.join(sorted(fields))}",
        )
    starts, ends = (_day(f"contract.{name}", document.get(name)) for name in ("starts_on", "ends_on"))
    if ends <= starts:
        raise Invalid(field="contract.ends_on", problem=gettext_noop("a day after the line starts"))
    flags = {name: document.get(name, name == "revolving") for name in _FLAGS}
    for name, value in flags.items():
        if not isinstance(value, bool):
            raise Invalid(field=f"contract.{name}", problem=gettext_noop("true or false"))
    order = document.get("order", list(BUCKETS))
    if not isinstance(order, list) or sorted(map(str, order)) != sorted(BUCKETS):
        raise Invalid(field="contract.order", problem=f"{', '.join(BUCKETS)}, each once")
    methods = document.get("methods", [m.value for m in Method])
    if not isinstance(methods, list) or not methods or len(set(map(str, methods))) < len(methods):
        raise Invalid(field="contract.methods", problem=f"one or more of {', '.join(Method)}")
    return Contract(
        currency=Currency(_word("contract.currency", document.get("currency"), [c.value for c in Currency])),
        starts_on=starts, ends_on=ends, tail_days=_number(document, "tail_days", 0, 0, limits["tail_days"]),
        spread_bp=_number(document, "spread_bp", None, -500, 2_000),
        reset=_word("contract.reset", document.get("reset", "fixed"), RESETS),
        surcharge_percent=_number(document, "surcharge_percent", limits["surcharge_most"], limits["surcharge_least"],
                                  limits["surcharge_most"]),
        misuse_percent=_number(document, "misuse_percent", limits["misuse_most"], limits["misuse_least"], limits["misuse_most"]),
        grace_days=_number(document, "grace_days", 0, 0, limits["grace_days"]),
        haircut_percent=_number(document, "haircut_percent", limits["haircut_least"], limits["haircut_least"], 99),
        methods=tuple(Method(_word(f"contract.methods[{n}]", m, list(Method))) for n, m in enumerate(methods)),
        prepaid=Prepaid(_word("contract.prepaid", document.get("prepaid", Prepaid.INSTALMENT.value), list(Prepaid))),
        order=tuple(order), **flags,
    )  # fmt: skip


def as_json(contract: Contract) -> dict[str, Any]:
    """The JSON form again; `read(as_json(c), …) == c`."""
    said = {name: getattr(contract, name) for name in Contract.__dataclass_fields__}
    return said | {
        "currency": contract.currency.value, "starts_on": contract.starts_on.isoformat(),
        "ends_on": contract.ends_on.isoformat(), "methods": [m.value for m in contract.methods],
        "prepaid": contract.prepaid.value, "order": list(contract.order),
    }  # fmt: skip


def stored(document: Mapping[str, Any]) -> Contract:
    """A contract that was read before, whatever the limits are by now: what was signed stands."""
    open_ends = {"tail_days": 10**6, "grace_days": 10**6, "surcharge_least": 0, "surcharge_most": 10**6, "misuse_least": 0,
                 "misuse_most": 10**6, "haircut_least": 0}  # fmt: skip
    return read(dict(document), open_ends)


# --- the tree of limits -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Node:
    """A limit: of the whole line (no parent), of a province or branch, of a product. `shared`: those below may come to more."""

    name: str
    parent: str | None
    amount: int
    shared: bool = False
    territory: str | None = None
    product: str = ""


def read_nodes(given: object) -> tuple[Node, ...]:
    """A tree of limits from its JSON form, root first. Refuses: Invalid, TreeTooWide."""
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_NODES:
        raise Invalid(field="limits", problem=f"a list of 1 to {MOST_NODES} limits, the whole line first")
    nodes: dict[str, Node] = {}
    depth: dict[str, int] = {}
    for n, entry in enumerate(given):
        at = f"limits[{n}]"
        if not isinstance(entry, dict) or set(entry) - {
            "name",
            "parent",
            "amount",
            "shared",
            "territory",
            "product",
        }:
            raise Invalid(field=at, problem="an object with name, parent, amount, shared, territory, product")
        name = entry.get("name")
        if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name) or name in nodes:
            raise Invalid(
                field=f"{at}.name", problem=gettext_noop("a name of its own, of small letters, digits and _")
            )
        parent = entry.get("parent")
        if (parent is None) != (n == 0) or (parent is not None and parent not in nodes):
            raise Invalid(
                field=f"{at}.parent",
                problem=gettext_noop("the name of a limit listed before; none for the first"),
            )
        depth[name] = depth[parent] + 1 if parent is not None else 1
        if depth[name] > DEEPEST:
            raise Invalid(field=f"{at}.parent", problem=f"at most {DEEPEST} limits one below the other")
        shared, territory, product = (
            entry.get("shared", False),
            entry.get("territory"),
            entry.get("product", ""),
        )
        if not isinstance(shared, bool):
            raise Invalid(field=f"{at}.shared", problem=gettext_noop("true or false"))
        if territory is not None and (
            not isinstance(territory, str) or not re.fullmatch(r"[1-9]\d{5}", territory)
        ):
            raise Invalid(field=f"{at}.territory", problem=gettext_noop("a GB/T 2260 code such as 500000"))
        if not isinstance(product, str) or len(product) > 40 or not (product.isprintable() or not product):
            raise Invalid(field=f"{at}.product", problem=gettext_noop("a text of at most 40 characters"))
        amount = entry.get("amount")
        if isinstance(amount, bool) or not isinstance(amount, int) or not 0 < amount <= MAX_MINOR:
            raise Invalid(field=f"{at}.amount", problem=f"a whole number from 1 to {MAX_MINOR}")
        if parent is not None and amount > nodes[parent].amount:
            raise Invalid(field=f"{at}.amount", problem=gettext_noop("no more than the limit above it"))
        nodes[name] = Node(name, parent, amount, shared, territory, product)
    check_tree(tuple(nodes.values()))
    return tuple(nodes.values())


def check_tree(nodes: Sequence[Node]) -> None:
    """INV-CL-2: what is below a limit comes to no more than it, unless it is shared. Refuses: TreeTooWide."""
    for node in nodes:
        below = sum(other.amount for other in nodes if other.parent == node.name)
        if below > node.amount and not node.shared:
            raise TreeTooWide(node=node.name, sum=below, limit=node.amount)


def path(nodes: Collection[Node], name: str) -> list[str]:
    """From a limit up to that of the whole line."""
    by_name = {node.name: node for node in nodes}
    found, at = [], by_name.get(name)
    while at is not None:
        found.append(at.name)
        at = by_name[at.parent] if at.parent is not None else None
    return found


# --- what a draw asks for, and what it costs ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """How a draw is to be repaid: `number` times, `every` so many days or months."""

    method: Method
    number: int
    every: int
    unit: Unit


def read_asked(given: object, contract: Contract) -> Asked:
    """Refuses: Invalid."""
    if not isinstance(given, dict) or set(given) - {"method", "number", "every", "unit"}:
        raise Invalid(field="repayment", problem="an object with method, number, every, unit")
    method = Method(_word("repayment.method", given.get("method"), [m.value for m in contract.methods]))
    unit = Unit(_word("repayment.unit", given.get("unit", Unit.MONTHS.value), list(Unit)))
    return Asked(method, _count("number", given.get("number")), _count("every", given.get("every", 1)), unit)


def _count(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= MOST_LINES:
        raise Invalid(field=f"repayment.{name}", problem=f"a whole number from 1 to {MOST_LINES}")
    return value


def days_of(asked: Asked, contract: Contract, on: date, moved: Any) -> tuple[date, ...]:
    """The due days of a draw that begins on a day. Refuses: DueTooLate (INV-CL-3)."""
    try:
        due = due_days(on, asked.number, asked.every, asked.unit, moved)
    except (OverflowError, ValueError):
        raise Invalid(field="repayment", problem=gettext_noop("days that the calendar has")) from None
    latest = contract.ends_on + timedelta(contract.tail_days)
    if due[-1] > latest:
        raise DueTooLate(due=due[-1].isoformat(), latest=latest.isoformat())
    if len(set(due)) < len(due):
        raise Invalid(
            field="repayment.every",
            problem=gettext_noop("days of repayment that do not fall on one business day"),
        )
    return due


def terms_of(
    contract: Contract, method: Method, start: date, due: Sequence[date], rates: Sequence[tuple[date, int]]
) -> Terms:
    """The terms of a draw. `rates` in basis points, dated as they were fixed."""
    return Terms(
        start=start, due=tuple(due), rates=tuple((day, Fraction(bp, 10_000)) for day, bp in rates), method=method,
        count=COUNTS[contract.currency], prepaid=contract.prepaid,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Grown:
    """Interest and penalty from the first day to the night before one, paid or not."""

    interest: int
    penalty: int


def grown(
    terms: Terms, events: Sequence[Drawn | Paid], on: date, *, surcharge: int, grace_days: int, misuse: int = 0,
    misused_on: date | None = None,
) -> Grown:  # fmt: skip
    """What a draw has cost to the night before `on`. INV-LN-3: from the events alone, the same however often it is asked.

    After the last due day, what is owed goes on bearing the contract's rate. Of what is overdue (`grace_days` after its due day)
    principal bears the surcharge on top, and interest bears interest at the rate with the surcharge. Misuse: from its day all of the
    principal bears the misuse surcharge instead; never both.
    """
    before = [e for e in events if e.on < on]
    if not before:
        return Grown(0, 0)
    late, dear = Fraction(0), Fraction(0)
    for first, last in _stretches(terms, before, on, grace_days, misused_on):
        book = replay(terms, [e for e in before if e.on <= first], first)
        for start, end in _by_rate(terms, first, last):
            cost = terms.rate_on(start) * year_fraction(start, end, terms.count)
            if first >= terms.due[-1]:
                late += book.principal_open * cost
            overdue = [line for line in book.lines if line.due + timedelta(grace_days) <= first]
            unpaid = sum(line.interest - line.interest_paid for line in overdue)
            if misused_on is not None and first >= misused_on:
                dear += book.principal_open * cost * Fraction(misuse, 100)
            else:
                dear += sum(x.principal - x.principal_paid for x in overdue) * cost * Fraction(surcharge, 100)
            dear += unpaid * cost * (1 + Fraction(surcharge, 100))
    return Grown(borne(terms, before, on) + rounded(late), rounded(dear))


def _stretches(
    terms: Terms, events: Sequence[Drawn | Paid], on: date, grace_days: int, misused_on: date | None
) -> list[tuple[date, date]]:
    """The stretches up to `on` in which nothing falls due, nothing comes, and something is overdue, late or misused."""
    starts = [
        *(due + timedelta(grace_days) for due in terms.due),
        terms.due[-1],
        *([misused_on] if misused_on else []),
    ]
    first = min(starts)
    days = sorted({day for day in (*starts, *(e.on for e in events)) if first <= day < on})
    return list(pairwise([*days, on])) if days else []


def _by_rate(terms: Terms, first: date, last: date) -> list[tuple[date, date]]:
    marks = [first, *(day for day, _ in terms.rates if first < day < last), last]
    return list(pairwise(marks))


def resets(contract: Contract, start: date, end: date, until: date) -> list[date]:
    """The days up to `until` on which the rate of a draw is fixed: its first, and each reset before its end."""
    days, step = [start], RESETS[contract.reset]
    while step and (day := add_months(start, step * len(days))) < end and day <= until:
        days.append(day)
    return days


def allocate(amount: int, open_: Mapping[str, int], order: Sequence[str]) -> dict[str, int]:
    """How much of a payment goes where, in the order of the contract (INV-LN-4); what is left is nobody's."""
    parts: dict[str, int] = {}
    for bucket in order:
        parts[bucket] = min(amount, max(open_.get(bucket, 0), 0))
        amount -= parts[bucket]
    return parts


def due_of(book: Book, on: date, open_: Mapping[str, int]) -> dict[str, int]:
    """What is due by a day of each bucket: of interest and principal what lines up to it ask, fees and penalty at once."""
    lines = [line for line in book.lines if line.due <= on]
    interest = sum(line.interest - line.interest_paid for line in lines)
    principal = sum(line.principal - line.principal_paid for line in lines)
    asked = {"fees": open_["fees"], "penalty": open_["penalty"], "interest": interest, "principal": principal}
    if book.lines[-1].due <= on:
        asked["interest"] = open_["interest"]  # what has grown since the last due day is due as it grows
    return {bucket: min(max(value, 0), open_[bucket]) for bucket, value in asked.items()}


def state_of(book: Book, lent: int, open_: Mapping[str, int], on: date, grace_days: int) -> DrawState:
    """What a draw is, as its balances and days say. `on` is the day whose close is looked at."""
    if not any(open_.values()):
        return DrawState.REPAID
    late = timedelta(grace_days)
    if book.lines[-1].due + late <= on or any(x.open > 0 and x.due + late <= on for x in book.lines):
        return DrawState.OVERDUE
    return DrawState.PART_REPAID if open_["principal"] < lent else DrawState.DISBURSED


def days_overdue(book: Book, on: date, grace_days: int) -> int:
    """How many nights the oldest thing overdue has waited by the close of a day; 0 while nothing is overdue."""
    late = [line.due for line in book.lines if line.open > 0 and line.due + timedelta(grace_days) <= on]
    return (on - min(late)).days + 1 if late else 0


# --- security -----------------------------------------------------------------------------------------------------------


def lendable(value: int, haircut_percent: int, cash: int = 0) -> int:
    """What may be lent on security of a value; cash counts whole."""
    return value * (100 - haircut_percent) // 100 + cash


def shortfall(owed: int, value: int, haircut_percent: int, cash: int = 0) -> int:
    """What the company must put in so that the security covers what it owes; 0 where it does."""
    return max(owed - lendable(value, haircut_percent, cash), 0)


# --- reading ------------------------------------------------------------------------------------------------------------


def _day(at: str, value: object) -> date:
    try:
        if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
            day = date.fromisoformat(value)
            if 1990 <= day.year <= 2190:
                return day
    except ValueError:
        pass
    raise Invalid(field=at, problem="a day such as 2026-04-01")


def _word(at: str, value: object, words: Collection[str]) -> str:
    if not isinstance(value, str) or value not in words:
        raise Invalid(field=at, problem=f"one of {', '.join(words)}")
    return value


def _number(document: Mapping[str, Any], name: str, otherwise: int | None, least: int, most: int) -> int:
    value = document.get(name, otherwise)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise Invalid(field=f"contract.{name}", problem=f"a whole number from {least} to {most}")
    return value
