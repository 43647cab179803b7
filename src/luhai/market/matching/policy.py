"""What matching decides without a database: what a demand may say, how products are ranked, why an institution refuses.

The arithmetic of the ranking is worked through in docs/algorithms/ranking.md. All scores are whole hundredths of a
point; nobody can pay for a place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any, Final

from luhai.core.rules.fields import COLLATERAL, FIELDS, PURPOSES
from luhai.kernel.money import MAX_MINOR, Currency, Money
from luhai.kernel.refusal import Invalid
from luhai.records.products.policy import FUNDING, KINDS, Label, read_facts

from .rates import in_yuan

#: What a company may ask the ranking to look at first.
OBJECTIVES: Final[Mapping[str, Label]] = MappingProxyType({
    "price": Label("价格优先", "lowest price"),
    "fit": Label("金额与期限最合适", "best fit of amount and tenor"),
    "speed": Label("答复最快、最守时", "fastest answers, promises kept"),
    "collateral": Label("现有担保最合用", "collateral at hand"),
})  # fmt: skip

#: The parts of a score, in order; each is worth 0 to 1,000 points.
PARTS: Final = tuple(OBJECTIVES)
#: In hundredths: the objective chosen counts 70, each other part 10.
CHOSEN: Final = 70
OTHERS: Final = 10

#: Why an institution says no. A closed list, so that refusals can be counted and compared.
REFUSALS: Final[Mapping[str, Label]] = MappingProxyType({
    "credit_insufficient": Label("信用状况未达到要求", "credit standing does not suffice"),
    "cash_flow_insufficient": Label("还款来源不足", "cash flow does not carry the debt"),
    "collateral_insufficient": Label("担保不足或不合格", "collateral does not suffice"),
    "documents_incomplete": Label("材料不齐或无法核实", "documents are missing or cannot be verified"),
    "purpose_unsupported": Label("用途不符合规定", "the purpose cannot be financed"),
    "trade_background_doubtful": Label("贸易背景无法核实", "the underlying trade cannot be verified"),
    "industry_limit": Label("行业限额或准入限制", "limit or exclusion of the industry"),
    "exposure_limit": Label("集中度或授信限额已满", "exposure limit reached"),
    "outside_region": Label("超出服务区域", "outside the region served"),
    "existing_overdue": Label("存在逾期或不良记录", "overdue or bad debts"),
    "compliance": Label("合规、制裁或反洗钱原因", "compliance, sanctions or money laundering"),
    "terms_not_agreed": Label("条件未达成一致", "terms could not be agreed"),
    "company_unreachable": Label("无法联系企业", "the company could not be reached"),
    "funded_elsewhere": Label("企业已另行融资", "the company is funded elsewhere"),
    "other": Label("其他（须说明）", "other (to be explained)"),
})  # fmt: skip

#: A demand stays open so many days unless a date by which the money is needed comes first.
OPEN_DAYS: Final = 90
#: So many of the best products are kept as matches; the rest of the shelf can still be asked why not.
MOST_PROPOSED: Final = 30
#: A demand lies with so many institutions at once, at the most.
MOST_ASKED: Final = 3
#: A match that is not answered lapses when the promised time has passed so many times over.
LAPSES_AFTER: Final = 2
#: A promise counts from the start as if four of five had been kept, so that one slip of a newcomer is not everything.
PRIOR_KEPT: Final = 4
PRIOR_ALL: Final = 5
#: A price at or above this, or a promise of this many hours or more, earns nothing.
NO_POINTS_BP: Final = 1_000
NO_POINTS_HOURS: Final = 100

MAX_TEXT: Final = 2_000
MAX_TENOR_DAYS: Final = 36_525
MAX_RATE_BP: Final = 10_000


# --- what a company asks for ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Form:
    """A demand as its company writes it. The amount is in minor units of `currency`; the rate is yearly."""

    purpose: str
    amount_minor: int
    currency: Currency
    tenor_days: int
    needed_by: date | None
    rate_cap_bp: int | None
    collateral: tuple[str, ...]
    green: bool
    wants: tuple[str, ...]  # kinds of product
    objective: str
    note: str


def read_form(document: Mapping[str, Any]) -> Form:
    """Read what a company wrote. Refuses (Invalid) the first field that cannot be meant, and says what could."""
    if unknown := set(document) - set(Form.__slots__):
        raise Invalid(field=min(map(str, unknown)), problem="a demand has no such field")
    cap = document.get("rate_cap_bp")
    return Form(
        purpose=_one_of(document, "purpose", [c.code for c in PURPOSES]),
        amount_minor=whole(document, "amount_minor", 1, MAX_MINOR),
        currency=Currency(_one_of(document, "currency", [*Currency])),
        tenor_days=whole(document, "tenor_days", 1, MAX_TENOR_DAYS),
        needed_by=_day(document.get("needed_by"), "needed_by"),
        rate_cap_bp=None if cap is None else whole(document, "rate_cap_bp", 0, MAX_RATE_BP),
        collateral=_several(document, "collateral", [c.code for c in COLLATERAL]),
        green=_flag(document, "green"),
        wants=_several(document, "wants", [*KINDS]) or FUNDING,
        objective=_one_of({"objective": "price"} | dict(document), "objective", [*OBJECTIVES]),
        note=text(document, "note", MAX_TEXT),
    )


def check_day(form_needed_by: date | None, today: date) -> None:
    """Refuse a demand whose day has passed."""
    if form_needed_by is not None and form_needed_by < today:
        raise Invalid(field="needed_by", problem="this day has passed")


#: {field: {"value", "source", "as_of"}}: what is frozen into a demand.
Facts = dict[str, dict[str, Any]]


def demand_facts(form: Form, on: date) -> Facts:
    """The facts that a demand itself states. Where no cap on the rate was stated, any rate up to 100 % is accepted."""
    stated: dict[str, Any] = {
        "purpose": form.purpose,
        "amount_minor": form.amount_minor,
        "currency": str(form.currency),
        "tenor_days": form.tenor_days,
        "needed_by": form.needed_by.isoformat() if form.needed_by else None,
        "collateral": sorted(form.collateral),
        "green": form.green,
    }
    facts = {
        name: {"value": value, "source": "demand", "as_of": on.isoformat()}
        for name, value in stated.items()
        if value is not None
    }
    facts["rate_cap_bp"] = {
        "value": form.rate_cap_bp if form.rate_cap_bp is not None else MAX_RATE_BP,
        "source": "demand" if form.rate_cap_bp is not None else "no cap",
        "as_of": on.isoformat(),
    }
    yuan = in_yuan(Money(form.amount_minor, form.currency), on)
    if yuan is not None:
        amount, day = yuan
        source = "demand" if form.currency is Currency.CNY else f"ECB {day}"
        facts["amount_cny_minor"] = {"value": amount, "source": source, "as_of": day}
    return facts


def company_facts(
    profile: Mapping[str, Mapping[str, Any]], territory: str | None, country: str, on: date
) -> Facts:
    """What is known of a company on a day: its profile, where the register has it, and its age counted to that day.

    What the company's own demand must say is not taken from its profile. Refuses (Invalid) a value that cannot be.
    """
    facts = {
        name: dict(fact)
        for name, fact in profile.items()
        if name in FIELDS and FIELDS[name].about == "company" and fact.get("value") is not None
    }
    register = {"source": "register", "as_of": on.isoformat()}
    facts["country"] = {"value": country, **register}
    if territory is not None and not _lies_in(facts.get("territory"), territory):
        facts["territory"] = {"value": territory, **register}
    founded = read_facts(facts).get("founded_on")
    if founded is not None and isinstance(founded.value, date) and founded.value <= on:
        facts["age_months"] = {"value": months_between(founded.value, on), "source": "computed", "as_of": on.isoformat()}
    return facts


def _lies_in(fact: Mapping[str, Any] | None, territory: str) -> bool:
    """Whether the profile knows the place more closely than the register: a city within the same province."""
    code = str(fact.get("value")) if fact else ""
    return len(code) == 6 and code[:2] == territory[:2] and (territory.endswith("0000") or code == territory)


def months_between(start: date, end: date) -> int:
    """Whole months that have passed."""
    months = (end.year - start.year) * 12 + end.month - start.month
    return months - (1 if end.day < start.day else 0)


def closes_on(needed_by: date | None, published_on: date) -> date:
    """The last day on which a demand is open."""
    last = published_on + timedelta(days=OPEN_DAYS)
    return min(last, needed_by) if needed_by is not None else last


# --- ranking --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entrant:
    """A product that is, or may be, for a demand, and how its institution has kept its word."""

    product_id: str
    verdict: str  # met, possible
    price_min_bp: int
    price_max_bp: int
    amount_max_minor: int
    tenor_max_days: int
    collateral: tuple[str, ...]
    promise_hours: int
    kept: int
    broken: int


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a score: `points` (0 to 1,000) times `weight` (hundredths), and why."""

    name: str
    points: int
    weight: int
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Ranked:
    entrant: Entrant
    score: int  # hundredths of a point: 0 to 100,000
    parts: tuple[Part, ...]


def rank(
    entrants: Sequence[Entrant], *, objective: str, amount_minor: int, tenor_days: int, at_hand: Sequence[str]
) -> list[Ranked]:
    """The order in which a company sees products: those it meets before those it may meet, then by score, then the
    shorter promise, then the lower price, then the product's id, so that the order is always the same."""
    ranked = []
    for entrant in entrants:
        parts = (
            _price(entrant),
            _fit(entrant, amount_minor, tenor_days),
            _speed(entrant),
            _collateral(entrant, at_hand),
        )
        weighted = tuple(
            Part(p.name, p.points, CHOSEN if p.name == objective else OTHERS, p.zh, p.en) for p in parts
        )
        ranked.append(Ranked(entrant, sum(p.points * p.weight for p in weighted), weighted))
    return sorted(
        ranked,
        key=lambda r: (
            r.entrant.verdict != "met", -r.score, r.entrant.promise_hours, r.entrant.price_min_bp, r.entrant.product_id,
        ),
    )  # fmt: skip


def _price(e: Entrant) -> Part:
    middle = (e.price_min_bp + e.price_max_bp + 1) // 2
    points = max(0, NO_POINTS_BP - middle) * 1000 // NO_POINTS_BP
    low, high, mid = percent(e.price_min_bp), percent(e.price_max_bp), percent(middle)
    return Part(
        "price", points, 0,
        f"年价格 {low} 至 {high}，中值 {mid}；从 {percent(NO_POINTS_BP)} 起，每低 0.01 个百分点得 1 分",
        f"a yearly price from {low} to {high}, in the middle {mid}; one point for each 0.01 % below "
        f"{percent(NO_POINTS_BP)}",
    )  # fmt: skip


def _fit(e: Entrant, amount_minor: int, tenor_days: int) -> Part:
    amount = min(1000, 1000 * amount_minor // e.amount_max_minor)
    tenor = min(1000, 1000 * tenor_days // e.tenor_max_days)
    return Part(
        "fit", (amount + tenor) // 2, 0,
        f"金额用到上限的 {percent(amount * 10)}，期限用到上限的 {percent(tenor * 10)}，取平均",
        f"the amount uses {percent(amount * 10)} of the most it lends and the tenor {percent(tenor * 10)} of the "
        "longest; their mean",
    )  # fmt: skip


def _speed(e: Entrant) -> Part:
    base = max(0, NO_POINTS_HOURS - e.promise_hours) * 1000 // NO_POINTS_HOURS
    points = base * (e.kept + PRIOR_KEPT) // (e.kept + e.broken + PRIOR_ALL)
    return Part(
        "speed", points, 0,
        f"承诺 {e.promise_hours} 个工作小时内答复；守诺 {e.kept} 次，失诺 {e.broken} 次（起始按 {PRIOR_ALL} 次守 {PRIOR_KEPT} 次计）",
        f"an answer promised within {e.promise_hours} working hours; {e.kept} promises kept and {e.broken} broken "
        f"(counted from a start of {PRIOR_KEPT} kept of {PRIOR_ALL})",
    )  # fmt: skip


def _collateral(e: Entrant, at_hand: Sequence[str]) -> Part:
    if "credit" in e.collateral:
        return Part("collateral", 1000, 0, "可不提供担保", "no collateral is needed")
    useful = [kind for kind in at_hand if kind in e.collateral]
    points = 1000 * len(useful) // len(at_hand) if at_hand else 0
    return Part(
        "collateral", points, 0,
        f"现有 {len(at_hand)} 类担保中可用 {len(useful)} 类",
        f"{len(useful)} of the {len(at_hand)} kinds of collateral at hand can be used",
    )  # fmt: skip


def percent(bp: int) -> str:
    """Basis points for people: 345 -> 3.45%."""
    return f"{bp // 100}.{bp % 100:02d}%".replace(".00%", "%")


def worth(verdict: str, score: int) -> int:
    """What sending a match is worth to the assignment: its score; half of it while something is not known."""
    return max(1, score if verdict == "met" else score // 2)


# --- reading fields -------------------------------------------------------------------------------------------------


def text(document: Mapping[str, Any], field: str, most: int, *, wanted: bool = False) -> str:
    value = document.get(field, "")
    if not isinstance(value, str) or "\x00" in value or len(value) > most:
        raise Invalid(field=field, problem=f"a text of at most {most} characters is wanted")
    if wanted and not value.strip():
        raise Invalid(field=field, problem="this must be filled in")
    return value.strip()


def whole(document: Mapping[str, Any], field: str, least: int, most: int) -> int:
    value = document.get(field)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise Invalid(field=field, problem=f"a whole number from {least} to {most} is wanted", least=least, most=most)
    return value


def _one_of(document: Mapping[str, Any], field: str, known: Sequence[str]) -> str:
    value = document.get(field)
    if not isinstance(value, str) or value not in known:
        raise Invalid(field=field, problem=f"one of {', '.join(known)}")
    return str(value)


def _several(document: Mapping[str, Any], field: str, known: Sequence[str]) -> tuple[str, ...]:
    value = document.get(field) or []
    if not isinstance(value, list | tuple):
        raise Invalid(field=field, problem="a list is wanted")
    for index, code in enumerate(value):
        if not isinstance(code, str) or code not in known:
            raise Invalid(field=f"{field}[{index}]", problem=f"one of {', '.join(known)}")
    return tuple(dict.fromkeys(value))


def _flag(document: Mapping[str, Any], field: str) -> bool:
    value = document.get(field, False)
    if not isinstance(value, bool):
        raise Invalid(field=field, problem="true or false is wanted")
    return value


def _day(value: object, field: str) -> date | None:
    if value is None or value == "":
        return None
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise Invalid(field=field, problem="a date such as 2026-01-31 is wanted") from None
