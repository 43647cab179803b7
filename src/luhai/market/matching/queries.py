"""Everything that can be asked about demands and matches. Answers are plain values, never ORM rows.

What a viewer may see is decided twice: here by role, and by row-level security in the database.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from luhai.kernel.origin import Actor, Role
from luhai.records.products.policy import Nearest, Reason
from luhai.records.products.queries import ProductCard
from luhai.shell.query import EVERYBODY, SIGNED_IN, query


@dataclass(frozen=True, slots=True)
class FactLine:
    """One frozen fact: what it is, in words, and where it came from."""

    field: str
    label_zh: str
    label_en: str
    value_zh: str
    value_en: str
    source_zh: str
    source_en: str
    as_of: str


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a score: `points` (0 to 1,000) times `weight` (hundredths), and why."""

    name: str  # price, fit, speed, collateral
    points: int
    weight: int
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class OfferView:
    amount_minor: int
    currency: str
    rate_bp: int
    tenor_days: int
    conditions: str
    valid_until: datetime
    offered_at: datetime


@dataclass(frozen=True, slots=True)
class AskView:
    id: UUID
    question: str
    fields: tuple[str, ...]
    documents: tuple[str, ...]
    asked_at: datetime
    reply: str
    facts: tuple[FactLine, ...]
    replied_at: datetime | None


@dataclass(frozen=True, slots=True)
class DemandCard:
    """A demand in a list. `sent`, `offers` and `refusals` count its matches as far as the viewer sees them."""

    id: UUID
    company_id: UUID
    company_zh: str
    company_en: str
    territory: str | None
    state: str
    purpose: str
    amount_minor: int
    currency: str
    tenor_days: int
    needed_by: date | None
    rate_cap_bp: int | None
    collateral: tuple[str, ...]
    green: bool
    wants: tuple[str, ...]  # kinds of product
    objective: str
    note: str
    drafted_at: datetime
    published_at: datetime | None
    expires_at: datetime | None
    proposed: int
    sent: int
    offers: int
    refusals: int


@dataclass(frozen=True, slots=True)
class TimelineLine:
    """One thing that was done. `action` is a DemandAction or MatchAction; `detail` holds plain values."""

    version: int
    action: str
    name: str  # English source text of the action, to be translated where it is shown
    match_id: UUID | None
    institution_zh: str
    institution_en: str
    product_zh: str
    product_en: str
    role: str
    detail: dict[str, Any]
    happened_at: datetime


@dataclass(frozen=True, slots=True)
class MatchCard:
    """One product for one demand: why it is here, how it is ranked, and what its institution answered."""

    id: UUID
    demand_id: UUID
    state: str
    rank: int
    verdict: str  # met, or possible (something is not known yet)
    score: Decimal  # 0 to 1,000, two decimals
    parts: tuple[Part, ...]
    reasons: tuple[Reason, ...]
    missing: tuple[Nearest, ...]  # what has to be stated to make a possible one met
    product: ProductCard  # as it was when it was proposed
    sent_at: datetime | None
    due_at: datetime | None
    overdue: bool
    answered_at: datetime | None
    offer: OfferView | None
    asks: tuple[AskView, ...]
    refusal_code: str
    refusal_zh: str
    refusal_en: str
    refusal_note: str


@dataclass(frozen=True, slots=True)
class DemandView:
    card: DemandCard
    objective_zh: str
    objective_en: str
    facts: tuple[FactLine, ...]
    timeline: tuple[TimelineLine, ...]
    matches: tuple[MatchCard, ...]  # in the order of the ranking
    can: frozenset[str]  # DemandActions that the viewer could ask for now


@dataclass(frozen=True, slots=True)
class WhyNot:
    """A product of the shelf as it stands to a company or to one of its demands."""

    product: ProductCard
    verdict: str  # met, possible, failed
    reasons: tuple[Reason, ...]
    nearest: tuple[Nearest, ...] | None  # None: nothing the company could change would help


@dataclass(frozen=True, slots=True)
class QueueLine:
    """A match in an institution's queue."""

    match_id: UUID
    demand_id: UUID
    state: str
    company_id: UUID
    company_zh: str
    company_en: str
    territory: str | None
    purpose: str
    amount_minor: int
    currency: str
    tenor_days: int
    product_id: UUID
    product_zh: str
    product_en: str
    verdict: str
    score: Decimal
    sent_at: datetime
    due_at: datetime | None
    overdue: bool
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Desk:
    """One demand on one page for the institution that has to answer."""

    match: MatchCard
    demand: DemandCard
    facts: tuple[FactLine, ...]
    timeline: tuple[TimelineLine, ...]
    capacity: CapacityView | None
    can: frozenset[str]  # MatchActions that the viewer could ask for now


@dataclass(frozen=True, slots=True)
class CapacityView:
    id: UUID
    institution_id: UUID
    currency: str
    starts_on: date
    ends_on: date
    amount_limit_minor: int
    amount_used_minor: int
    count_limit: int
    count_used: int


@dataclass(frozen=True, slots=True)
class PromisesKept:
    """How an institution has kept its word: answers in time, answers late or never, clocks still running."""

    institution_id: UUID
    institution_zh: str
    institution_en: str
    kept: int
    broken: int
    running: int
    overdue: int  # running, and past due
    median_hours: Decimal | None  # working time from sending to the first answer


@dataclass(frozen=True, slots=True)
class FunnelLine:
    """The cohort of demands published in a period. Every rate is shown with its numerator and denominator."""

    group: str  # a territory, an institution's id, or "all"
    group_zh: str
    group_en: str
    published: int
    matched: int
    claimed: int  # with at least one answer of an institution
    offered: int
    accepted: int
    refused: int  # matches refused
    requested_cny_minor: int
    accepted_cny_minor: int
    median_answer_hours: Decimal | None


@dataclass(frozen=True, slots=True)
class DemandsPage:
    items: tuple[DemandCard, ...]
    next: str


@dataclass(frozen=True, slots=True)
class MatchesPage:
    """In the order of the ranking: what page, API and command line all show."""

    objective: str
    objective_zh: str
    objective_en: str
    items: tuple[MatchCard, ...]
    next: str


@dataclass(frozen=True, slots=True)
class QueuePage:
    items: tuple[QueueLine, ...]
    next: str


@dataclass(frozen=True, slots=True)
class WhyPage:
    items: tuple[WhyNot, ...]
    next: str


WATCHERS = [Role.PROVINCE, Role.SUPERVISOR, Role.OPERATOR]
OFFICERS = [Role.BANK, Role.PARTNER]


@query(may=[Role.COMPANY])
def shelf_for(
    *,
    on: date,
    demand_id: UUID | None = None,
    verdict: str = "",
    cursor: str = "",
    limit: int = 20,
    viewer: Actor,
) -> WhyPage:
    """Every product of the shelf with why me, why not me: for the viewer's company, or for one of its demands.

    Met first, then possible, then failed; `verdict` narrows to one. Refuses: Absent (demand), Invalid (verdict, cursor).
    """
    raise NotImplementedError


@query(may=[Role.COMPANY, *WATCHERS])
def why(*, demand_id: UUID, product_id: UUID, on: date, viewer: Actor) -> WhyNot:
    """Why one product is, may be or is not for one demand. Refuses: Absent."""
    raise NotImplementedError


@query(may=[Role.COMPANY, *WATCHERS])
def demands(
    *, state: str = "", territory: str = "", cursor: str = "", limit: int = 50, viewer: Actor
) -> DemandsPage:
    """A company's own demands; all that a watcher may see. Newest first. Refuses: Invalid."""
    raise NotImplementedError


@query(may=[Role.COMPANY, *WATCHERS])
def demand(*, demand_id: UUID, now: datetime, viewer: Actor) -> DemandView:
    """One demand with its facts, its timeline and its matches. Refuses: Absent."""
    raise NotImplementedError


@query(may=[Role.COMPANY, *WATCHERS])
def matches(
    *, demand_id: UUID, now: datetime, cursor: str = "", limit: int = 50, viewer: Actor
) -> MatchesPage:
    """The matches of one demand in the order of the ranking. Refuses: Absent, Invalid (cursor)."""
    raise NotImplementedError


@query(may=[*OFFICERS, Role.SUPERVISOR, Role.OPERATOR])
def queue(
    *,
    now: datetime,
    state: str = "open",
    overdue: bool | None = None,
    territory: str = "",
    cursor: str = "",
    limit: int = 50,
    viewer: Actor,
) -> QueuePage:
    """What waits for an institution's answer, the earliest due first. `state`: open, all, or one MatchState."""
    raise NotImplementedError


@query(may=[*OFFICERS, Role.SUPERVISOR, Role.OPERATOR])
def desk(*, match_id: UUID, now: datetime, viewer: Actor) -> Desk:
    """One match on one page for its institution. Refuses: Absent (also when it was not sent to the viewer's)."""
    raise NotImplementedError


@query(may=[*OFFICERS, *WATCHERS])
def capacities(*, institution_id: UUID | None = None, viewer: Actor) -> tuple[CapacityView, ...]:
    """Limits and what is used of them: an officer's own institution's, or any that a watcher asks for."""
    raise NotImplementedError


@query(may=EVERYBODY)
def promises(*, now: datetime, viewer: Actor) -> tuple[PromisesKept, ...]:
    """How each institution keeps its promises: counts only, open to all. Best first."""
    raise NotImplementedError


@query(may=SIGNED_IN)
def funnel(
    *, since: date | None = None, until: date | None = None, by: str = "territory", viewer: Actor
) -> tuple[FunnelLine, ...]:
    """From published to accepted, by `by` (all, territory, institution), as far as the viewer sees the demands."""
    raise NotImplementedError
