"""Everything that can be asked about demands and matches. Answers are plain values, never ORM rows.

What a viewer may see is decided twice: here by role, and by row-level security in the database.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from django.db import connection
from django.db.models import F, Q, QuerySet
from pydantic import PlainSerializer
from pydantic_core import to_jsonable_python

from luhai.core.parties import queries as parties
from luhai.core.parties.territories import territories
from luhai.core.rules.criteria import shown
from luhai.core.rules.fields import FIELDS
from luhai.kernel.money import Currency, Money
from luhai.kernel.origin import Actor, Role
from luhai.kernel.refusal import Absent, Invalid
from luhai.records.products import queries as products
from luhai.records.products.policy import KINDS, SOURCES, Explanation, Label, Nearest, Reason, read_facts
from luhai.records.products.queries import ProductCard
from luhai.shell.api import cursor_of, parts_of
from luhai.shell.context import as_system
from luhai.shell.query import EVERYBODY, SIGNED_IN, query

from . import policy
from .hours import calendar
from .lifecycle import (
    DEMAND_ACTION_NAMES,
    LIVE,
    MATCH_ACTION_NAMES,
    NEXT_DEMAND,
    NEXT_MATCH,
    OPEN,
    DemandAction,
    DemandState,
    MatchAction,
    MatchState,
)  # fmt: skip
from .models import Ask, Capacity, Demand, Match, Promise
from .policy import Part
from .rates import in_yuan

#: A set inside, a sorted list over HTTP.
Actions = Annotated[frozenset[str], PlainSerializer(sorted, return_type=list[str])]


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
    can: Actions  # DemandActions that the viewer could ask for now


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
    can: Actions  # MatchActions that the viewer could ask for now


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
MOST = 200  # on one page

#: What a company may do with its own demand, by hand.
_COMPANY_ACTIONS = frozenset({DemandAction.EDIT, DemandAction.PUBLISH, DemandAction.MATCH, DemandAction.WITHDRAW})
_OFFICER_ACTIONS = frozenset({MatchAction.OFFER, MatchAction.ASK, MatchAction.REFUSE})


# --- the company ----------------------------------------------------------------------------------------------------


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

    Met first, then possible, then failed, then by product id; `verdict` narrows to one.
    Refuses: Absent (demand, company), Invalid (verdict, cursor).
    """
    if verdict not in {"", *_ORDER}:
        raise Invalid(field="verdict", problem=f"one of {', '.join(_ORDER)}")
    facts, wants = _facts_for(demand_id, on, viewer)
    shelf = products.all_cards(viewer=viewer)
    standing = {s.product_id: s.verdict for s in products.eligible(facts=facts, on=on, viewer=viewer)}
    order = sorted(
        (_ORDER.index("failed" if wants and card.kind not in wants else standing.get(key, "failed")), str(key))
        for key, card in shelf.items()
    )
    if verdict:
        order = [place for place in order if _ORDER[place[0]] == verdict]
    if (after := parts_of(cursor, 2)) is not None:
        if after[0] not in _ORDER:
            raise _bad_cursor()
        order = [place for place in order if place > (_ORDER.index(after[0]), after[1])]
    limit = max(1, min(limit, MOST))
    page, more = order[:limit], len(order) > limit
    ids = [UUID(key) for _, key in page]
    why = products.explain(product_ids=ids, facts=facts, on=on, viewer=viewer)
    items = tuple(_why_not(shelf[key], why[key], wants) for key in ids)
    return WhyPage(items, cursor_of(_ORDER[page[-1][0]], page[-1][1]) if more else "")


@query(may=[Role.COMPANY, *WATCHERS])
def why(*, demand_id: UUID, product_id: UUID, on: date, viewer: Actor) -> WhyNot:
    """Why one product is, may be or is not for one demand, with its facts as published. Refuses: Absent.

    A provincial official sees the verdicts, not the company's values.
    """
    demand = _demand_seen(demand_id, viewer)
    facts = demand.facts or _facts_for(demand_id, on, viewer)[0]
    card = products.cards(ids=[product_id], viewer=viewer).get(product_id)
    if card is None:
        raise Absent(kind="product")
    why = products.explain(product_ids=[product_id], facts=facts, on=on, viewer=viewer)
    return _why_not(card, _without_values(why[product_id], viewer), tuple(demand.wants))


@query(may=[Role.COMPANY, *WATCHERS])
def demands(
    *, state: str = "", territory: str = "", cursor: str = "", limit: int = 50, viewer: Actor
) -> DemandsPage:
    """A company's own demands; all that a watcher may see, drafts left out. Newest first. Refuses: Invalid."""
    rows = _demands_seen(viewer)
    if state:
        rows = rows.filter(state=_one_of("state", state, [*DemandState, "LIVE"])) if state != "LIVE" else rows.filter(
            state__in=LIVE
        )  # fmt: skip
    if territory:
        rows = rows.filter(territory=_territory(territory))
    if (after := _instant_and_id(cursor)) is not None:
        rows = rows.filter(Q(drafted_at__lt=after[0]) | Q(drafted_at=after[0], pk__gt=after[1]))
    limit = max(1, min(limit, MOST))
    found = list(rows.order_by("-drafted_at", "pk")[: limit + 1])
    more = cursor_of(found[limit - 1].drafted_at.isoformat(), found[limit - 1].pk) if len(found) > limit else ""
    return DemandsPage(tuple(_demand_cards(found[:limit])), more)


@query(may=[Role.COMPANY, *WATCHERS])
def demand(*, demand_id: UUID, now: datetime, viewer: Actor) -> DemandView:
    """One demand with its facts, its timeline and its matches. Refuses: Absent.

    A provincial official sees neither the facts nor the values behind the matches.
    """
    row = _demand_seen(demand_id, viewer)
    rows = list(_matches(row.matches.exclude(state=MatchState.LAPSED, sent_at=None)).order_by("rank", "pk"))
    objective = policy.OBJECTIVES[row.objective]
    can: frozenset[str] = frozenset()
    if viewer.role in {Role.COMPANY, Role.SYSTEM}:
        can = frozenset(str(a) for a in _COMPANY_ACTIONS if (DemandState(row.state), a) in NEXT_DEMAND)
    return DemandView(
        card=_demand_cards([row])[0],
        objective_zh=objective.zh,
        objective_en=objective.en,
        facts=() if viewer.role == Role.PROVINCE else fact_lines(row.facts),
        timeline=_timeline(row.events.all()),
        matches=tuple(_match_card(m, now, viewer) for m in rows),
        can=can,
    )


@query(may=[Role.COMPANY, *WATCHERS])
def matches(
    *, demand_id: UUID, now: datetime, cursor: str = "", limit: int = 50, viewer: Actor
) -> MatchesPage:
    """The matches of one demand in the order of the ranking: what page, API and command line all show.
    Refuses: Absent, Invalid (cursor)."""
    row = _demand_seen(demand_id, viewer)
    rows = _matches(row.matches.exclude(state=MatchState.LAPSED, sent_at=None))
    if (after := parts_of(cursor, 2)) is not None:
        rank, key = _whole(after[0]), _uuid(after[1])
        rows = rows.filter(Q(rank__gt=rank) | Q(rank=rank, pk__gt=key))
    limit = max(1, min(limit, MOST))
    found = list(rows.order_by("rank", "pk")[: limit + 1])
    more = cursor_of(found[limit - 1].rank, found[limit - 1].pk) if len(found) > limit else ""
    objective = policy.OBJECTIVES[row.objective]
    return MatchesPage(
        row.objective, objective.zh, objective.en, tuple(_match_card(m, now, viewer) for m in found[:limit]), more
    )


# --- the institution ------------------------------------------------------------------------------------------------


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
    """What was sent to the viewer's institution (to any, for a supervisor), the earliest due first.

    `state`: open (an answer or a decision is awaited), all, or one MatchState; `overdue` keeps what is, or is not.
    Refuses: Invalid.
    """
    rows = _matches(Match.objects.filter(sent_at__isnull=False))
    if viewer.role in OFFICERS:
        rows = rows.filter(institution_id=viewer.party_id)
    if state == "open":
        rows = rows.filter(state__in=OPEN)
    elif state != "all":
        rows = rows.filter(state=_one_of("state", state, ["open", "all", *MatchState]))
    if overdue is not None:
        late = Q(state=MatchState.SENT, due_at__lt=now)
        rows = rows.filter(late if overdue else ~late)
    if territory:
        rows = rows.filter(territory=_territory(territory))
    # What has no clock running comes last, by when it was sent.
    if (after := parts_of(cursor, 3)) is not None:
        due, sent, key = after[0], _instant(after[1]), _uuid(after[2])
        later = Q(sent_at__gt=sent) | Q(sent_at=sent, pk__gt=key)
        if due:
            at = _instant(due)
            rows = rows.filter(Q(due_at__gt=at) | Q(due_at=at) & later | Q(due_at=None))
        else:
            rows = rows.filter(Q(due_at=None) & later)
    limit = max(1, min(limit, MOST))
    found = list(rows.order_by(F("due_at").asc(nulls_last=True), "sent_at", "pk")[: limit + 1])
    more = ""
    if len(found) > limit:
        last = found[limit - 1]
        assert last.sent_at is not None
        more = cursor_of(last.due_at.isoformat() if last.due_at else "", last.sent_at.isoformat(), last.pk)
    return QueuePage(tuple(_queue_line(m, now) for m in found[:limit]), more)


@query(may=[*OFFICERS, Role.SUPERVISOR, Role.OPERATOR])
def desk(*, match_id: UUID, now: datetime, viewer: Actor) -> Desk:
    """One match on one page for its institution. Refuses: Absent (also when it was not sent to the viewer's)."""
    rows = _matches(Match.objects.filter(pk=match_id, sent_at__isnull=False))
    if viewer.role in OFFICERS:
        rows = rows.filter(institution_id=viewer.party_id)
    match = rows.first()
    if match is None:
        raise Absent(kind="match")
    capacity = match.capacity or _capacity_on(match.institution_id, match.demand.currency, now)
    can: frozenset[str] = frozenset()
    if viewer.role in {*OFFICERS, Role.SYSTEM}:
        can = frozenset(str(a) for a in _OFFICER_ACTIONS if (MatchState(match.state), a) in NEXT_MATCH)
    return Desk(
        match=_match_card(match, now, viewer),
        demand=_demand_cards([match.demand])[0],
        facts=fact_lines(match.demand.facts),
        timeline=_timeline(match.demand.events.filter(Q(match=match) | Q(match=None))),
        capacity=_capacity(capacity) if capacity else None,
        can=can,
    )


@query(may=[Role.OPERATOR])
def waiting(*, viewer: Actor) -> tuple[UUID, ...]:
    """Demands that are published and have no product yet, the oldest first: what a run of matching begins with."""
    rows = Demand.objects.filter(state=DemandState.PUBLISHED).order_by("published_at", "pk")
    return tuple(rows.values_list("pk", flat=True))


@query(may=[*OFFICERS, *WATCHERS])
def capacities(*, institution_id: UUID | None = None, viewer: Actor) -> tuple[CapacityView, ...]:
    """Limits and what is used of them, the newest period first: an officer's own institution's; for those who watch
    everything, any. A provincial official sees none."""
    rows = Capacity.objects.order_by("-starts_on", "currency", "pk")
    if viewer.role in OFFICERS:
        rows = rows.filter(institution_id=viewer.party_id)
    elif institution_id is not None:
        rows = rows.filter(institution_id=institution_id)
    return tuple(_capacity(row) for row in rows[:1000])


# --- everybody ------------------------------------------------------------------------------------------------------


@query(may=EVERYBODY)
def promises(*, now: datetime, viewer: Actor) -> tuple[PromisesKept, ...]:
    """How each institution keeps its promises: counts only, open to all. The best share first, then the more kept."""
    with as_system():
        rows = list(Promise.objects.order_by("institution_id", "started_at").select_related("institution"))
    by_institution: dict[UUID, list[Promise]] = defaultdict(list)
    for row in rows:
        by_institution[row.institution_id].append(row)
    lines = []
    for key, own in by_institution.items():
        kept, broken = _kept(own, now)
        running = [p for p in own if p.answered_at is None and p.ended_at is None]
        hours = [_hours(p.started_at, p.answered_at) for p in own if p.answered_at is not None]
        lines.append(
            PromisesKept(
                institution_id=key,
                institution_zh=own[0].institution.name_zh or own[0].institution.name_en,
                institution_en=own[0].institution.name_en or own[0].institution.name_zh,
                kept=kept,
                broken=broken,
                running=len(running),
                overdue=sum(1 for p in running if p.due_at < now),
                median_hours=median(hours),
            )
        )
    return tuple(
        sorted(
            lines,
            key=lambda p: (
                -Decimal(p.kept) / max(1, p.kept + p.broken), -p.kept, p.broken, str(p.institution_id),
            ),
        )
    )  # fmt: skip


@query(may=SIGNED_IN)
def funnel(
    *, since: date | None = None, until: date | None = None, by: str = "territory", viewer: Actor
) -> tuple[FunnelLine, ...]:
    """From published to accepted, for the demands published from `since` to `until` (both included), by `by`: all,
    territory, or institution; as far as the viewer sees the demands. The cohort is the day of publication; what
    happened later counts for it whenever it happened. Refuses: Invalid (by)."""
    _one_of("by", by, ["all", "territory", "institution"])
    for field, day in (("since", since), ("until", until)):
        if day is not None and not 1900 <= day.year <= 2200:
            raise Invalid(field=field, problem="a day from 1900 to 2200")
    zone = calendar().zone
    rows = Demand.objects.filter(published_at__isnull=False)
    if since is not None:
        rows = rows.filter(published_at__gte=datetime.combine(since, datetime.min.time(), zone))
    if until is not None:
        rows = rows.filter(published_at__lt=datetime.combine(until + timedelta(days=1), datetime.min.time(), zone))
    cohort = {d.pk: d for d in rows.defer("facts", "note")}
    sent: dict[UUID, list[Match]] = defaultdict(list)
    for match in (
        Match.objects.filter(demand_id__in=cohort)
        .select_related("offer", "institution")
        .defer("reasons", "terms", "parts")
    ):
        sent[match.demand_id].append(match)
    groups: dict[str, tuple[Label, dict[UUID, list[Match]]]] = {}
    for key, row in cohort.items():
        own = sent[key]
        if by == "institution":
            for match in own:
                if match.sent_at is not None:
                    names = Label(
                        match.institution.name_zh or match.institution.name_en,
                        match.institution.name_en or match.institution.name_zh,
                    )
                    groups.setdefault(str(match.institution_id), (names, {}))[1].setdefault(key, []).append(match)
            continue
        group = "all" if by == "all" else row.territory or "abroad"
        place = territories().get(group)
        label = Label(place.name_zh, place.name_en) if place else _PLACES.get(group, Label(group, group))
        groups.setdefault(group, (label, {}))[1][key] = own
    return tuple(_funnel_line(group, *groups[group], cohort) for group in sorted(groups))


def promise_counts(now: datetime) -> dict[UUID, tuple[int, int]]:
    """Kept and broken promises by institution, for the ranking. A clock that ran out unanswered is a broken one.
    Counts what the context lets it see; whoever ranks looks as the system."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT institution_id, count(*) FILTER (WHERE answered_at <= due_at),"
            " count(*) FILTER (WHERE coalesce(answered_at, ended_at, %s) > due_at)"
            " FROM matching_promise GROUP BY institution_id",
            [now],
        )
        return {key: (kept, broken) for key, kept, broken in cursor.fetchall()}


# --- building answers -----------------------------------------------------------------------------------------------

_ORDER = ("met", "possible", "failed")
_PLACES = {"all": Label("全部", "All"), "abroad": Label("通道以外", "Outside the corridor")}


def card_as_json(card: ProductCard) -> dict[str, Any]:
    """A product's card as it is kept with a match."""
    kept: dict[str, Any] = to_jsonable_python(card)
    return kept


def card_from(kept: Mapping[str, Any]) -> ProductCard:
    known = {f.name for f in fields(ProductCard)}
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in kept.items() if name in known
    }
    return ProductCard(
        **values
        | {
            "id": UUID(values["id"]),
            "institution_id": UUID(values["institution_id"]),
            "published_at": datetime.fromisoformat(values["published_at"]),
        }
    )


def fact_lines(facts: Mapping[str, Mapping[str, Any]]) -> tuple[FactLine, ...]:
    """Facts in words and in the order of the catalogue, each with its source."""
    read = read_facts(facts)
    lines = []
    for name, known in FIELDS.items():
        if name not in read or read[name].value is None:
            continue
        value, source = read[name].value, read[name].source
        assert value is not None
        named = SOURCES.get(source, Label(source, source))
        lines.append(
            FactLine(
                name, known.zh, known.en, shown(known, value, "zh"), shown(known, value, "en"), named.zh, named.en,
                str(facts[name].get("as_of", "")),
            )
        )  # fmt: skip
    return tuple(lines)


def median(values: Sequence[Decimal]) -> Decimal | None:
    if not values:
        return None
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def _facts_for(demand_id: UUID | None, on: date, viewer: Actor) -> tuple[policy.Facts, tuple[str, ...]]:
    """What the rules are asked with, and the kinds of product wanted (none: any): a demand's frozen facts; a draft's
    as they would be frozen today; or, without a demand, what is known of the viewer's company."""
    company_id = viewer.party_id
    demand: Demand | None = None
    if demand_id is not None:
        demand = _demand_seen(demand_id, viewer)
        if demand.facts:
            return demand.facts, tuple(demand.wants)
        company_id = demand.company_id
    if company_id is None:
        raise Absent(kind="company")
    company = parties.party(party_id=company_id, viewer=viewer)
    profile = parties.profile(party_id=company_id, viewer=viewer)
    facts = policy.company_facts(profile, company.territory, company.country, on)
    if demand is None:
        return facts, ()
    return facts | policy.demand_facts(form_of(demand), on), tuple(demand.wants)


def form_of(demand: Demand) -> policy.Form:
    """A demand as its company wrote it."""
    return policy.Form(
        purpose=demand.purpose,
        amount_minor=demand.amount_minor,
        currency=Currency(demand.currency),
        tenor_days=demand.tenor_days,
        needed_by=demand.needed_by,
        rate_cap_bp=demand.rate_cap_bp,
        collateral=tuple(demand.collateral),
        green=demand.green,
        wants=tuple(demand.wants),
        objective=demand.objective,
        note=demand.note,
    )


def _demands_seen(viewer: Actor) -> QuerySet[Demand]:
    rows = Demand.objects.select_related("company")
    if viewer.role == Role.COMPANY:
        return rows.filter(company_id=viewer.party_id)
    if viewer.role == Role.SYSTEM:
        return rows
    if viewer.role == Role.PROVINCE:
        rows = rows.filter(territory=viewer.territory)
    return rows.exclude(published_at=None)


def _demand_seen(demand_id: UUID, viewer: Actor) -> Demand:
    row = _demands_seen(viewer).filter(pk=demand_id).first()
    if row is None:
        raise Absent(kind="demand")
    return row


def _matches(rows: Any) -> Any:
    return rows.select_related("demand", "demand__company", "offer", "institution", "capacity").prefetch_related(
        "asks"
    )


def _demand_cards(rows: Sequence[Demand]) -> list[DemandCard]:
    counts: dict[UUID, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    seen = Match.objects.filter(demand__in=rows).values_list("demand_id", "state", "sent_at")
    for key, state, sent_at in seen:
        counts[key][0] += state == MatchState.PROPOSED
        counts[key][1] += sent_at is not None
        counts[key][2] += state in {MatchState.OFFERED, MatchState.ACCEPTED}
        counts[key][3] += state == MatchState.REFUSED
    return [
        DemandCard(
            id=row.pk,
            company_id=row.company_id,
            company_zh=row.company.name_zh or row.company.name_en,
            company_en=row.company.name_en or row.company.name_zh,
            territory=row.territory,
            state=row.state,
            purpose=row.purpose,
            amount_minor=row.amount_minor,
            currency=row.currency,
            tenor_days=row.tenor_days,
            needed_by=row.needed_by,
            rate_cap_bp=row.rate_cap_bp,
            collateral=tuple(row.collateral),
            green=row.green,
            wants=tuple(row.wants),
            objective=row.objective,
            note=row.note,
            drafted_at=row.drafted_at,
            published_at=row.published_at,
            expires_at=row.expires_at,
            proposed=counts[row.pk][0],
            sent=counts[row.pk][1],
            offers=counts[row.pk][2],
            refusals=counts[row.pk][3],
        )
        for row in rows
    ]


def _timeline(rows: Any) -> tuple[TimelineLine, ...]:
    names = {str(a): n for a, n in [*MATCH_ACTION_NAMES.items(), *DEMAND_ACTION_NAMES.items()]}
    lines = []
    for event in rows.select_related("match", "match__institution").order_by("version"):
        match = event.match
        lines.append(
            TimelineLine(
                version=event.version,
                action=event.action,
                name=names[event.action],
                match_id=event.match_id,
                institution_zh=(match.institution.name_zh or match.institution.name_en) if match else "",
                institution_en=(match.institution.name_en or match.institution.name_zh) if match else "",
                product_zh=match.terms["name_zh"] if match else "",
                product_en=match.terms["name_en"] if match else "",
                role=event.role,
                detail=event.detail,
                happened_at=event.happened_at,
            )
        )
    return tuple(lines)


def _match_card(row: Match, now: datetime, viewer: Actor) -> MatchCard:
    refusal = policy.REFUSALS.get(row.refusal_code, Label("", ""))
    offer = getattr(row, "offer", None)
    confidential = viewer.role == Role.PROVINCE
    reasons = tuple(Reason(**r) for r in row.reasons["reasons"])
    if confidential:
        reasons = tuple(_blank(r) for r in reasons)
    return MatchCard(
        id=row.pk,
        demand_id=row.demand_id,
        state=row.state,
        rank=row.rank,
        verdict=row.verdict,
        score=Decimal(row.score) / 100,
        parts=tuple(Part(**p) for p in row.parts),
        reasons=reasons,
        missing=tuple(Nearest(**c | {"measures": tuple(c["measures"])}) for c in row.reasons["missing"]),
        product=card_from(row.terms),
        sent_at=row.sent_at,
        due_at=row.due_at,
        overdue=_overdue(row, now),
        answered_at=row.answered_at,
        offer=OfferView(
            offer.amount_minor, offer.currency, offer.rate_bp, offer.tenor_days, offer.conditions, offer.valid_until,
            offer.offered_at,
        )
        if offer
        else None,
        asks=() if confidential else tuple(_ask(a) for a in sorted(row.asks.all(), key=lambda a: a.asked_at)),
        refusal_code=row.refusal_code,
        refusal_zh=refusal.zh,
        refusal_en=refusal.en,
        refusal_note=row.refusal_note,
    )  # fmt: skip


def _ask(row: Ask) -> AskView:
    return AskView(
        row.pk, row.question, tuple(row.fields), tuple(row.documents), row.asked_at, row.reply, fact_lines(row.facts),
        row.replied_at,
    )  # fmt: skip


def _queue_line(row: Match, now: datetime) -> QueueLine:
    demand, company = row.demand, row.demand.company
    assert row.sent_at is not None
    return QueueLine(
        match_id=row.pk,
        demand_id=demand.pk,
        state=row.state,
        company_id=company.pk,
        company_zh=company.name_zh or company.name_en,
        company_en=company.name_en or company.name_zh,
        territory=row.territory,
        purpose=demand.purpose,
        amount_minor=demand.amount_minor,
        currency=demand.currency,
        tenor_days=demand.tenor_days,
        product_id=row.product_id,
        product_zh=row.terms["name_zh"],
        product_en=row.terms["name_en"],
        verdict=row.verdict,
        score=Decimal(row.score) / 100,
        sent_at=row.sent_at,
        due_at=row.due_at,
        overdue=_overdue(row, now),
        answered_at=row.answered_at,
    )


def _overdue(row: Match, now: datetime) -> bool:
    return row.state == MatchState.SENT and row.due_at is not None and row.due_at < now


def _why_not(card: ProductCard, why: Explanation, wants: Sequence[str]) -> WhyNot:
    """The answer of the rules, and before it whether the demand asks for that kind of product at all."""
    if not wants:
        return WhyNot(card, why.verdict, why.reasons, why.nearest)
    fits = card.kind in wants
    kinds = Label("、".join(KINDS[k].zh for k in wants), ", ".join(KINDS[k].en for k in wants))
    asked = Reason(
        "kind", "wants", "met" if fits else "failed", f"本次需求要的是：{kinds.zh}", f"This demand asks for: {kinds.en}",
        KINDS[card.kind].zh, KINDS[card.kind].en, SOURCES["demand"].zh, SOURCES["demand"].en, "", "", "",
    )  # fmt: skip
    if fits:
        return WhyNot(card, why.verdict, (asked, *why.reasons), why.nearest)
    change = Nearest(
        "wants", f"在需求中加选“{KINDS[card.kind].zh}”", f"Ask for “{KINDS[card.kind].en}” too", "demand", False
    )
    return WhyNot(
        card, "failed", (asked, *why.reasons), None if why.nearest is None else (change, *why.nearest)
    )


def _without_values(why: Explanation, viewer: Actor) -> Explanation:
    if viewer.role != Role.PROVINCE:
        return why
    return Explanation(why.verdict, tuple(_blank(r) for r in why.reasons), ())


def _blank(reason: Reason) -> Reason:
    return replace(reason, value_zh="", value_en="", as_of="") if reason.kind == "criterion" else reason


def _capacity_on(institution_id: UUID, currency: str, now: datetime) -> Capacity | None:
    today = calendar().local_date(now)
    return Capacity.objects.filter(
        institution_id=institution_id, currency=currency, starts_on__lte=today, ends_on__gte=today
    ).first()


def _capacity(row: Capacity) -> CapacityView:
    return CapacityView(
        row.pk, row.institution_id, row.currency, row.starts_on, row.ends_on, row.amount_limit_minor,
        row.amount_used_minor, row.count_limit, row.count_used,
    )  # fmt: skip


def _kept(rows: Iterable[Promise], now: datetime) -> tuple[int, int]:
    kept = sum(1 for p in rows if p.answered_at is not None and p.answered_at <= p.due_at)
    broken = sum(1 for p in rows if (p.answered_at or p.ended_at or now) > p.due_at)
    return kept, broken


def _hours(start: datetime, end: datetime) -> Decimal:
    """Working time between two instants, in hours to two places."""
    seconds = calendar().working_hours_between(start, end) // timedelta(seconds=1)
    return (Decimal(seconds) / 3600).quantize(Decimal("0.01"))


def _funnel_line(
    group: str, label: Label, own: Mapping[UUID, list[Match]], cohort: Mapping[UUID, Demand]
) -> FunnelLine:
    hours, accepted_cny, requested_cny = [], 0, 0
    for key, found in own.items():
        requested_cny += _yuan(cohort[key].amount_minor, cohort[key].currency, cohort[key])
        for match in found:
            if match.sent_at is not None and match.answered_at is not None:
                hours.append(_hours(match.sent_at, match.answered_at))
            if match.state == MatchState.ACCEPTED:
                accepted_cny += _yuan(match.offer.amount_minor, match.offer.currency, cohort[key])
    offered = [key for key, found in own.items() if any(getattr(m, "offer", None) for m in found)]
    return FunnelLine(
        group=group,
        group_zh=label.zh,
        group_en=label.en,
        published=len(own),
        matched=sum(1 for found in own.values() if found),
        claimed=sum(1 for found in own.values() if any(m.answered_at for m in found)),
        offered=len(offered),
        accepted=sum(1 for found in own.values() if any(m.state == MatchState.ACCEPTED for m in found)),
        refused=sum(1 for found in own.values() for m in found if m.state == MatchState.REFUSED),
        requested_cny_minor=requested_cny,
        accepted_cny_minor=accepted_cny,
        median_answer_hours=median(hours),
    )


def _yuan(amount_minor: int, currency: str, demand: Demand) -> int:
    """An amount in fen at the rate of the day of publication; nothing where no rate is known."""
    assert demand.published_at is not None
    found = in_yuan(Money(amount_minor, Currency(currency)), calendar().local_date(demand.published_at))
    return found[0] if found else 0


# --- reading what was asked -----------------------------------------------------------------------------------------


def _one_of(field: str, value: str, known: Sequence[str]) -> str:
    if value not in known:
        raise Invalid(field=field, problem=f"one of {', '.join(known)}")
    return value


def _territory(code: str) -> str:
    return _one_of("territory", code, sorted(territories()))


def _bad_cursor() -> Invalid:
    return Invalid(field="cursor", problem="pass the `next` of the page before, or nothing")


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise _bad_cursor() from None
    if at.tzinfo is None:
        raise _bad_cursor()
    return at


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise _bad_cursor() from None


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise _bad_cursor()
    return int(text)


def _instant_and_id(cursor: str) -> tuple[datetime, UUID] | None:
    parts = parts_of(cursor, 2)
    return (_instant(parts[0]), _uuid(parts[1])) if parts is not None else None
