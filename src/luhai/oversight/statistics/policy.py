"""What an event says as a fact, which month a thing belongs to, and which figures may be shown to whom. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, Protocol
from uuid import UUID

from luhai.core.indicators.dimensions import GREENS, GUARANTEES, INDUSTRIES, NOT_STATED, ROUTES, SIZES, TERMS
from luhai.kernel.calendar import SHANGHAI
from luhai.kernel.money import MAX_MINOR, Currency
from luhai.kernel.refusal import Invalid, gettext_noop


class Kind(StrEnum):
    """What happened, in the words of the count; indicators are made of these."""

    DRAWN = "drawn"  # principal lent
    REPAID = "repaid"  # principal that came back
    RECEIVED = "received"  # a payment from abroad credited
    RETURNED = "returned"  # a payment from abroad sent back


#: The events that are read: what they are counted as, and which field of theirs is the amount.
READ: Final[Mapping[str, tuple[Kind, str]]] = {
    "lending.draw_disburse": (Kind.DRAWN, "amount"),
    "lending.moved": (Kind.REPAID, "principal"),
    "payments.credited": (Kind.RECEIVED, "amount"),
    "payments.returned": (Kind.RETURNED, "amount"),
}

#: What loans are told apart by besides, with the codes of each.
CLASSES: Final[Mapping[str, Mapping[str, object]]] = {
    "size": SIZES, "industry": INDUSTRIES, "term": TERMS, "route": ROUTES, "guarantee": GUARANTEES, "green": GREENS,
}  # fmt: skip
#: A yearly rate beyond this many basis points is a mistake.
RATE_MAX: Final = 1_000_000

#: Months that can be asked for: the parameters begin with the first, and PostgreSQL and people know the last.
FIRST_MONTH: Final = date(2020, 1, 1)
LAST_MONTH: Final = date(2199, 12, 1)
#: How many months one question may span.
MONTHS_MAX: Final = 240


class Unreadable(Exception):
    """An event of a kind that is counted, without what counting needs. It is written down and shown, and stops nothing."""


@dataclass(frozen=True, slots=True)
class Row:
    """One fact, in minor units. `territory` is the company's; `country` the payer's; `documented` as its indicator says."""

    kind: Kind
    month: date
    day: date
    territory: str
    currency: str
    amount: int
    country: str
    documented: bool
    bank: UUID
    company: UUID
    size: str = NOT_STATED
    industry: str = NOT_STATED
    term: str = NOT_STATED
    route: str = NOT_STATED
    guarantee: str = NOT_STATED
    green: str = NOT_STATED
    rate_bp: int | None = None


def fact_of(event_kind: str, data: Mapping[str, Any], at: datetime, nowhere: str) -> Row | None:
    """The fact that an event is, or None where it moves nothing that is counted (interest alone). Raises: Unreadable (what is missing)."""
    kind, field = READ[event_kind]
    if "principal" in data and data["principal"] == 0 and kind is Kind.REPAID:
        return None
    amount = data.get(field)
    if type(amount) is not int or not 0 < amount <= MAX_MINOR:
        raise Unreadable(f"{field} is no amount")
    if data.get("currency") not in set(Currency):
        raise Unreadable("currency is not known")
    territory = data.get("territory") or nowhere
    if not isinstance(territory, str) or not re.fullmatch(r"[0-9]{6}|_Z", territory):
        raise Unreadable("territory is no code")
    country = data.get("debtor_country") or ""
    if not isinstance(country, str) or len(country) > 2:
        raise Unreadable("debtor_country is no code")
    day = day_of(at)
    return Row(
        kind, day.replace(day=1), day, territory, data["currency"], amount, country, _documented(kind, data),
        _party("bank", data), _party("company", data), **(_loan(data) if kind in {Kind.DRAWN, Kind.REPAID} else {}),
    )  # fmt: skip


def _loan(data: Mapping[str, Any]) -> dict[str, Any]:
    """What else loans are told apart by. An event that is older than a field does not state it; one that states nonsense is unreadable."""
    found: dict[str, Any] = {}
    for field, codes in CLASSES.items():
        code = data.get(field) or NOT_STATED
        if not isinstance(code, str) or (code != NOT_STATED and code not in codes):
            raise Unreadable(f"{field} is no code")
        found[field] = code
    rate = data.get("rate_bp")
    if rate is not None and (type(rate) is not int or not 0 <= rate <= RATE_MAX):
        raise Unreadable("rate_bp is no rate")
    return found | {"rate_bp": rate}


class Done(Protocol):
    """What is asked of an event to count it under its measures."""

    @property
    def kind(self) -> str: ...
    @property
    def measures(self) -> list[str]: ...
    @property
    def at(self) -> datetime: ...


def acts_of(events: Iterable[Done]) -> Iterator[tuple[str, date]]:
    """Each measure that each event rests on, with the day. Counting itself is no act under the policy."""
    for event in events:
        if not event.kind.startswith("statistics."):
            for measure in sorted(set(event.measures)):
                yield measure, day_of(event.at)


def _documented(kind: Kind, data: Mapping[str, Any]) -> bool:
    """A loan: a document of title is pledged for it. A receipt: it was checked against documents."""
    if kind in {Kind.DRAWN, Kind.REPAID}:
        return data.get("title") is not None
    documents = data.get("documents", 0)
    if type(documents) is not int or documents < 0:
        raise Unreadable("documents is no number")
    return documents > 0


def _party(field: str, data: Mapping[str, Any]) -> UUID:
    try:
        return UUID(data[field])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Unreadable(f"{field} names nobody") from None


# ------------------------------------------------------------------------------------------------ months


def day_of(at: datetime) -> date:
    """The day of an instant in China."""
    assert at.tzinfo is not None, at
    return at.astimezone(SHANGHAI).date()


def month_of(text: str, field: str) -> date:
    """"2026-03" as the first day of that month. Refuses: Invalid (field)."""
    if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", text, re.ASCII):
        raise Invalid(field=field, problem=gettext_noop("a month such as 2026-03"))
    month = date(int(text[:4]), int(text[5:]), 1)
    if not FIRST_MONTH <= month <= LAST_MONTH:
        raise Invalid(field=field, problem=gettext_noop("a month from 2020-01 to 2199-12"))
    return month


def later(month: date, count: int) -> date:
    """The month that begins `count` months after `month`; before it, if negative."""
    number = month.year * 12 + month.month - 1 + count
    return date(number // 12, number % 12 + 1, 1)


def months_between(first: date, last: date) -> list[date]:
    """Every month from `first` to `last`, both included. Refuses: Invalid (month_to)."""
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    if count < 1:
        raise Invalid(field="month_to", problem=gettext_noop("not before the first month"))
    if count > MONTHS_MAX:
        raise Invalid(field="month_to", problem=gettext_noop("at most 240 months after the first"))
    return [later(first, n) for n in range(count)]


# ------------------------------------------------------------------------------------------------ who may see what


def may_be_shown(contributors: int, others: int, minimum: int) -> bool:
    """Whether a figure may leave the office that counts.

    `contributors` are the companies behind it; `others` those of them whom the viewer does not know anyway (a province knows its own
    territory, a bank its own customers). Few behind the figure, or few behind what is left once the viewer takes off what it
    knows, would give somebody's amount away.
    Source: 统计法 (2024) art. 28; 统计法实施条例 art. 29 (aggregates that allow inference); domain notes on oversight §1.6.
    """
    return contributors >= minimum and (others == 0 or others >= minimum)
