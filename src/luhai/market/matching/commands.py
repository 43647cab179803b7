"""Everything that can be done to demands and matches.

Locks are taken in this order: the demand, its matches by id, capacities by id. A command that touches several demands
takes them by id.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from luhai.core.parties import queries as parties
from luhai.core.rules.fields import FIELDS
from luhai.kernel.money import MAX_MINOR, Currency
from luhai.kernel.origin import Origin, Role
from luhai.kernel.refusal import Absent, Invalid, NotEntitled, Refusal, gettext_noop
from luhai.records.products import queries as products
from luhai.records.products.policy import DOCUMENTS, read_facts
from luhai.records.products.queries import ProductCard
from luhai.shell.command import command, record
from luhai.shell.context import as_system

from . import policy
from .assignment import Candidate, Pool, assign
from .hours import calendar
from .lifecycle import (
    HELD,
    LIVE,
    NEXT_DEMAND,
    NEXT_MATCH,
    OPEN,
    DemandAction,
    DemandState,
    MatchAction,
    MatchState,
)  # fmt: skip
from .models import Ask, Batch, Capacity, Demand, DemandEvent, Match, Offer, Promise
from .queries import card_as_json, form_of, promise_counts

OFFICERS = [Role.BANK, Role.PARTNER]

#: What matching carries out: precise matching on the platform (11), the function itself and one-stop handling (12).
PRECISE, FUNCTION, ONE_STOP = "M11-05", "M12-01", "M12-07"

MOST_DAYS_VALID = 180
MOST_COUNT = 1_000_000


class ActionNotAllowed(Refusal):
    code = "matching.action_not_allowed"
    message = gettext_noop("%(action)s is not allowed while the %(kind)s is %(state)s.")


class DuplicateDemand(Refusal):
    code = "matching.duplicate_demand"
    message = gettext_noop("The company already has an open demand for the same purpose and amount.")


class AlreadyAsked(Refusal):
    code = "matching.already_asked"
    message = gettext_noop("The demand already lies with this institution.")


class TooManyAsked(Refusal):
    code = "matching.too_many_asked"
    message = gettext_noop("The demand already lies with %(most)s institutions; wait for an answer or take one back.")


class ProductChanged(Refusal):
    code = "matching.product_changed"
    message = gettext_noop("The product has changed since it was matched; match the demand again.")


class NoCapacity(Refusal):
    code = "matching.no_capacity"
    message = gettext_noop("The institution takes on nothing in %(currency)s at present.")


class CapacityUsedUp(Refusal):
    code = "matching.capacity_used_up"
    message = gettext_noop("The institution's capacity for this period is used up.")


class OfferLapsed(Refusal):
    code = "matching.offer_lapsed"
    message = gettext_noop("The offer ran out on %(valid_until)s.")


class PeriodsOverlap(Refusal):
    code = "matching.periods_overlap"
    message = gettext_noop("A capacity from %(starts_on)s to %(ends_on)s already covers a part of this period.")


class BelowUse(Refusal):
    code = "matching.below_use"
    message = gettext_noop("More than that is already used: %(amount_used_minor)s in %(count_used)s matches.")


class Expired(Refusal):
    code = "matching.expired"
    message = gettext_noop("The demand ran out on %(expires_at)s.")


# --- the company's demand -------------------------------------------------------------------------------------------


@command(may=[Role.COMPANY])
def draft_demand(*, demand_id: UUID, company_id: UUID, form: dict[str, Any], origin: Origin) -> UUID:
    """Begin a demand, or write over one's draft; return its id.

    Who:     a member of the company.
    Units:   `form` is policy.Form as JSON: purpose, amount_minor, currency, tenor_days, needed_by?, rate_cap_bp?,
             collateral[], green?, wants[]?, objective?, note?. Minor units of its currency, days, basis points a year.
    Writes:  the Demand and an event. Nobody else sees a draft.
    Refuses: NotEntitled, Invalid (names the field), Absent, ActionNotAllowed (it is published).
    """
    _for_company(company_id, origin)
    read = policy.read_form(form)
    policy.check_day(read.needed_by, _today(origin))
    company = parties.party(party_id=company_id, viewer=origin.actor)
    if company.kind != "company":
        raise Invalid(field="company_id", problem="only a company has demands")
    written = {
        "purpose": read.purpose,
        "amount_minor": read.amount_minor,
        "currency": str(read.currency),
        "tenor_days": read.tenor_days,
        "needed_by": read.needed_by,
        "rate_cap_bp": read.rate_cap_bp,
        "collateral": list(read.collateral),
        "green": read.green,
        "wants": list(read.wants),
        "objective": read.objective,
        "note": read.note,
    }
    demand = Demand.objects.select_for_update().filter(pk=demand_id).first()
    if demand is None:
        demand = _create(
            Demand(
                id=demand_id, company_id=company_id, territory=company.territory, drafted_at=origin.at, **written
            )
        )
    elif demand.company_id != company_id:
        raise Absent(kind="demand")
    else:
        for name, value in written.items():
            setattr(demand, name, value)
    _advance(demand, DemandAction.EDIT, origin)
    demand.save()
    record("matching.demand_drafted", demand.pk, measures=[FUNCTION])
    return demand.pk


@command(may=[Role.COMPANY])
def publish_demand(*, demand_id: UUID, origin: Origin) -> UUID:
    """Freeze the facts with their sources and open the demand; return its id.

    Who:     a member of its company.
    Writes:  the demand's facts (what the company and the register say that day, and the demand itself), an event.
    Refuses: Absent, ActionNotAllowed, DuplicateDemand, Invalid (a fact that cannot be, or a day that has passed).
    Source:  measure M12-01; one live demand for the same purpose and amount keeps the funnel honest.
    """
    demand = _own_demand(demand_id, origin)
    today = _today(origin)
    policy.check_day(demand.needed_by, today)
    _advance(demand, DemandAction.PUBLISH, origin)
    same = Demand.objects.filter(
        company_id=demand.company_id, purpose=demand.purpose, amount_minor=demand.amount_minor,
        currency=demand.currency, state__in=LIVE,
    ).first()  # fmt: skip
    if same is not None:
        raise DuplicateDemand(demand=str(same.pk))
    company = parties.party(party_id=demand.company_id, viewer=origin.actor)
    profile = parties.profile(party_id=demand.company_id, viewer=origin.actor)
    facts = policy.company_facts(profile, company.territory, company.country, today)
    facts |= policy.demand_facts(form_of(demand), today)
    read_facts(facts)  # refuses what cannot be, before it is frozen
    demand.facts, demand.published_at, demand.territory = facts, origin.at, company.territory
    demand.expires_at = _end_of(policy.closes_on(demand.needed_by, today))
    try:
        with transaction.atomic():
            demand.save()
    except IntegrityError:  # published at the same moment from another draft
        raise DuplicateDemand(demand=str(demand.pk)) from None
    record(
        "matching.demand_published", demand.pk, measures=[FUNCTION], territory=demand.territory,
        purpose=demand.purpose, amount_minor=demand.amount_minor, currency=demand.currency,
    )  # fmt: skip
    return demand.pk


@command(may=[Role.COMPANY, Role.OPERATOR])
def match_demand(*, demand_id: UUID, origin: Origin) -> dict[str, Any]:
    """Find and rank products for a demand; return counts: met, possible, failed, proposed, and the objective.

    Who:     a member of its company, or the operator.
    Writes:  a Match, with its reasons, for each of the best products (policy.MOST_PROPOSED); earlier proposals that
             nobody was asked about lapse. With no product at all the demand stays published.
    Refuses: Absent, ActionNotAllowed, Expired.
    Source:  measures M11-05 and M12-07. The order is worked through in docs/algorithms/ranking.md.
    """
    demand = _own_demand(demand_id, origin)
    if (DemandState(demand.state), DemandAction.MATCH) not in NEXT_DEMAND:
        raise ActionNotAllowed(action=str(DemandAction.MATCH), kind="demand", state=demand.state)
    _not_expired(demand, origin)
    today = _today(origin)
    shelf = {
        key: card for key, card in products.all_cards(viewer=origin.actor).items() if card.kind in demand.wants
    }
    standings = [
        s for s in products.eligible(facts=demand.facts, on=today, viewer=origin.actor) if s.product_id in shelf
    ]
    before = list(demand.matches.select_for_update().exclude(state=MatchState.LAPSED).order_by("pk"))
    for match in before:
        if match.state == MatchState.PROPOSED:
            _move(match, MatchAction.LAPSE)
            match.closed_at = origin.at
            match.save(update_fields=["state", "closed_at"])
    spoken_for = {m.product_id for m in before if m.state != MatchState.LAPSED}
    with as_system():  # how others were answered decides about speed, though the company may not see them
        kept = promise_counts(origin.at)
    ranked = policy.rank(
        [
            _entrant(shelf[s.product_id], s.verdict, kept.get(shelf[s.product_id].institution_id, (0, 0)))
            for s in standings
            if s.product_id not in spoken_for
        ],
        objective=demand.objective,
        amount_minor=demand.amount_minor,
        tenor_days=demand.tenor_days,
        at_hand=demand.collateral,
    )[: policy.MOST_PROPOSED]
    ids = [UUID(r.entrant.product_id) for r in ranked]
    why = products.explain(product_ids=ids, facts=demand.facts, on=today, viewer=origin.actor)
    first = 1 + max((m.rank for m in before if m.state != MatchState.LAPSED), default=0)
    proposed = [
        _propose(demand, shelf[key], r, why[key], first + n, origin)
        for n, (key, r) in enumerate(zip(ids, ranked, strict=True))
    ]
    Match.objects.bulk_create(proposed)
    demand.matched_at = origin.at
    if proposed or demand.state != DemandState.PUBLISHED:
        _advance(demand, DemandAction.MATCH, origin, proposed=len(proposed))
    demand.save()
    met = sum(1 for s in standings if s.verdict == "met")
    record(
        "matching.demand_matched", demand.pk, measures=[PRECISE, ONE_STOP],
        rules=[f"product:{m.product_id}@{m.product_version}" for m in proposed], proposed=len(proposed),
    )  # fmt: skip
    return {
        "met": met,
        "possible": len(standings) - met,
        "failed": len(shelf) - len(standings),
        "proposed": len(proposed),
        "objective": demand.objective,
    }


@command(may=[Role.COMPANY])
def send_match(*, match_id: UUID, origin: Origin) -> UUID:
    """Send one of one's matches to its institution; its clock starts. Return the match's id.

    Who:     a member of the company.
    Writes:  the match, a Promise, the institution's Capacity (the amount asked is held), an event.
    Refuses: Absent, ActionNotAllowed, AlreadyAsked, TooManyAsked, ProductChanged, NoCapacity, CapacityUsedUp, Expired.
    """
    demand, match = _own_match(match_id, origin)
    if (MatchState(match.state), MatchAction.SEND) not in NEXT_MATCH:
        raise ActionNotAllowed(action=str(MatchAction.SEND), kind="match", state=match.state)
    if (DemandState(demand.state)) not in {DemandState.MATCHED, DemandState.OFFERED}:
        raise ActionNotAllowed(action=str(MatchAction.SEND), kind="demand", state=demand.state)
    _not_expired(demand, origin)
    asked = list(demand.matches.filter(state__in=HELD))
    if any(m.institution_id == match.institution_id for m in asked):
        raise AlreadyAsked(institution=str(match.institution_id))
    if len(asked) >= policy.MOST_ASKED:
        raise TooManyAsked(most=policy.MOST_ASKED)
    card = products.cards(ids=[match.product_id], viewer=origin.actor).get(match.product_id)
    if not _unchanged(match, card):
        raise ProductChanged(product=str(match.product_id))
    with as_system():  # what an institution still takes on is not the company's to see
        capacity = _capacities([match.institution_id], demand.currency, _today(origin)).get(match.institution_id)
        if capacity is None:
            raise NoCapacity(currency=demand.currency)
        if not _fits(capacity, demand.amount_minor):
            raise CapacityUsedUp()
        _hold(capacity, demand.amount_minor)
    _send(demand, match, capacity.pk, "company", origin)
    demand.save()
    return match.pk


@command(may=[Role.COMPANY])
def accept_offer(*, match_id: UUID, origin: Origin) -> UUID:
    """Take an offer; all other matches of the demand lapse and what they held is free again. Return the match's id.

    Who:     a member of the company.
    Refuses: Absent, ActionNotAllowed, OfferLapsed.
    """
    demand, match = _own_match(match_id, origin)
    _move(match, MatchAction.ACCEPT)
    offer = match.offer
    if offer.valid_until < origin.at:
        raise OfferLapsed(valid_until=offer.valid_until.isoformat())
    match.closed_at = origin.at
    match.lapses_at = None
    match.save()
    _advance(demand, DemandAction.ACCEPT, origin, match=match)
    _end_matches(demand, MatchAction.LAPSE, origin)
    demand.closed_at = origin.at
    demand.save()
    record(
        "matching.offer_accepted", match.pk, measures=[FUNCTION, ONE_STOP], demand=demand.pk,
        institution=match.institution_id, amount_minor=offer.amount_minor, currency=offer.currency,
        rate_bp=offer.rate_bp,
    )  # fmt: skip
    return match.pk


@command(may=[Role.COMPANY])
def withdraw_match(*, match_id: UUID, origin: Origin) -> UUID:
    """Take one match back, or decline its offer; what it held is free again. Return its id.

    Who:     a member of the company.
    Refuses: Absent, ActionNotAllowed.
    """
    demand, match = _own_match(match_id, origin)
    _close(match, MatchAction.WITHDRAW, origin)
    _release([match])
    _note(demand, MatchAction.WITHDRAW, origin, match=match)
    _reopen_if_no_offer(demand, origin)
    demand.save()
    record("matching.match_withdrawn", match.pk, measures=[FUNCTION], demand=demand.pk)
    return match.pk


@command(may=[Role.COMPANY])
def withdraw_demand(*, demand_id: UUID, origin: Origin) -> UUID:
    """Take a demand back, and all its matches; what they held is free again. Return its id.

    Who:     a member of its company.
    Refuses: Absent, ActionNotAllowed.
    """
    demand = _own_demand(demand_id, origin)
    _advance(demand, DemandAction.WITHDRAW, origin)
    _end_matches(demand, MatchAction.WITHDRAW, origin)
    demand.closed_at = origin.at
    demand.save()
    record("matching.demand_withdrawn", demand.pk, measures=[FUNCTION])
    return demand.pk


@command(may=[Role.COMPANY])
def reply_to_ask(*, ask_id: UUID, reply: str, facts: dict[str, Any], origin: Origin) -> UUID:
    """Reply to a question and state the facts it wanted; the institution's clock starts anew. Return the match's id.

    Who:     a member of the company.
    Writes:  the Ask, a Promise, the match. The facts stand beside the reply; the demand's own stay as published.
    Refuses: Absent, ActionNotAllowed, Invalid (nothing is said; a fact that was not asked for or cannot be).
    """
    question = Ask.objects.filter(pk=ask_id).first()
    if question is None or not _is_company(question.company_id, origin):
        raise Absent(kind="question")
    demand, match = _own_match(question.match_id, origin)
    question = Ask.objects.select_for_update().get(pk=ask_id)
    if question.replied_at is not None:
        raise ActionNotAllowed(action=str(MatchAction.REPLY), kind="match", state=match.state)
    _move(match, MatchAction.REPLY)
    if unasked := set(facts) - set(question.fields):
        raise Invalid(field=f"facts.{min(unasked)}", problem="this was not asked for")
    day = _today(origin).isoformat()
    given = {
        name: {"value": value, "source": "company", "as_of": day}
        for name, value in facts.items()
        if value is not None
    }
    read_facts(given)
    question.reply = policy.text({"reply": reply}, "reply", policy.MAX_TEXT, wanted=not given)
    question.facts, question.replied_at = given, origin.at
    question.save(update_fields=["reply", "facts", "replied_at"])
    _start_clock(match, origin)
    match.save()
    _note(demand, MatchAction.REPLY, origin, match=match)
    demand.save()
    record("matching.replied", match.pk, measures=[FUNCTION], demand=demand.pk, fields=sorted(given))
    return match.pk


# --- the institution's answer ---------------------------------------------------------------------------------------


@command(may=OFFICERS)
def offer(
    *, match_id: UUID, amount_minor: int, rate_bp: int, tenor_days: int, conditions: str, valid_until: datetime,
    origin: Origin,
) -> UUID:  # fmt: skip
    """Answer with an offer; return the match's id.

    Who:     an officer of the institution that the match was sent to.
    Units:   minor units of the demand's currency, at most what was asked; basis points a year; days.
    Writes:  the Offer, the match, the Capacity (what is not offered is free again), the demand's state, an event.
    Refuses: Absent, ActionNotAllowed, Invalid (names the field).
    """
    demand, match = _answerable(match_id, origin)
    _move(match, MatchAction.OFFER)
    document = {"amount_minor": amount_minor, "rate_bp": rate_bp, "tenor_days": tenor_days, "conditions": conditions}
    amount = policy.whole(document, "amount_minor", 1, demand.amount_minor)
    highest = policy.MAX_RATE_BP if demand.rate_cap_bp is None else demand.rate_cap_bp
    if valid_until.tzinfo is None or not origin.at < valid_until <= origin.at + timedelta(days=MOST_DAYS_VALID):
        raise Invalid(field="valid_until", problem=f"an instant within the next {MOST_DAYS_VALID} days is wanted")
    made = Offer.objects.create(
        match=match, company_id=match.company_id, institution_id=match.institution_id, amount_minor=amount,
        currency=demand.currency, rate_bp=policy.whole(document, "rate_bp", 0, highest),
        tenor_days=policy.whole(document, "tenor_days", 1, policy.MAX_TENOR_DAYS),
        conditions=policy.text(document, "conditions", policy.MAX_TEXT), valid_until=valid_until,
        offered_at=origin.at, offered_by=origin.actor.person_id,
    )  # fmt: skip
    _answered(match, origin)
    if match.reserved_minor > amount:
        assert match.capacity_id is not None, "what lies with an institution is held"
        capacity = Capacity.objects.select_for_update().get(pk=match.capacity_id)
        capacity.amount_used_minor -= match.reserved_minor - amount
        capacity.save(update_fields=["amount_used_minor"])
        match.reserved_minor = amount
    match.lapses_at = valid_until
    match.save()
    _advance(
        demand, DemandAction.OFFER, origin, match=match, amount_minor=amount, currency=demand.currency,
        rate_bp=made.rate_bp,
    )  # fmt: skip
    demand.save()
    record(
        "matching.offered", match.pk, measures=[PRECISE, FUNCTION], demand=demand.pk,
        institution=match.institution_id, amount_minor=amount, currency=demand.currency, rate_bp=made.rate_bp,
    )  # fmt: skip
    return match.pk


@command(may=OFFICERS)
def ask(*, match_id: UUID, question: str, fields: list[str], documents: list[str], origin: Origin) -> UUID:
    """Answer with a question; the institution's clock stands still until the reply. Return the question's id.

    Who:     an officer of the institution that the match was sent to.
    Refuses: Absent, ActionNotAllowed, Invalid (no question; a field or paper that nobody knows).
    """
    demand, match = _answerable(match_id, origin)
    _move(match, MatchAction.ASK)
    for place, name in enumerate(fields):
        if name not in FIELDS:
            raise Invalid(field=f"fields[{place}]", problem=f"one of {', '.join(FIELDS)}")
    for place, code in enumerate(documents):
        if code not in DOCUMENTS:
            raise Invalid(field=f"documents[{place}]", problem=f"one of {', '.join(DOCUMENTS)}")
    asked = Ask.objects.create(
        match=match, company_id=match.company_id, institution_id=match.institution_id,
        question=policy.text({"question": question}, "question", policy.MAX_TEXT, wanted=True),
        fields=list(dict.fromkeys(fields)), documents=list(dict.fromkeys(documents)), asked_at=origin.at,
        asked_by=origin.actor.person_id,
    )  # fmt: skip
    _answered(match, origin)
    match.save()
    _note(demand, MatchAction.ASK, origin, match=match)
    demand.save()
    record("matching.asked", match.pk, measures=[PRECISE, FUNCTION], demand=demand.pk, fields=asked.fields)
    return asked.pk


@command(may=OFFICERS)
def refuse(*, match_id: UUID, reason: str, note: str, origin: Origin) -> UUID:
    """Answer no, with a reason of policy.REFUSALS; what was held is free again. Return the match's id.

    Who:     an officer of the institution that the match was sent to.
    Writes:  the match, the Capacity, an event; the demand is declined when nobody else is left to ask.
    Refuses: Absent, ActionNotAllowed, Invalid (an unknown reason; "other" without a note).
    """
    demand, match = _answerable(match_id, origin)
    if reason not in policy.REFUSALS:
        raise Invalid(field="reason", problem=f"one of {', '.join(policy.REFUSALS)}")
    match.refusal_note = policy.text({"note": note}, "note", policy.MAX_TEXT, wanted=reason == "other")
    match.refusal_code = reason
    _move(match, MatchAction.REFUSE)
    _answered(match, origin)
    match.closed_at = origin.at
    match.save()
    _release([match])
    _note(demand, MatchAction.REFUSE, origin, match=match, reason=reason)
    _decline_if_nobody_is_left(demand, match, origin)
    demand.save()
    record("matching.refused", match.pk, measures=[PRECISE, FUNCTION], demand=demand.pk, reason=reason)
    return match.pk


@command(may=OFFICERS)
def set_capacity(
    *, institution_id: UUID, currency: str, starts_on: date, ends_on: date, amount_limit_minor: int,
    count_limit: int, origin: Origin,
) -> UUID:  # fmt: skip
    """Say how much the institution takes on from `starts_on` to `ends_on`; return the capacity's id.

    Who:     an officer of the institution.
    Units:   minor units of `currency`; a number of matches. Asked again with the same `starts_on`, it sets anew.
    Refuses: NotEntitled, Invalid, PeriodsOverlap, BelowUse (more is held or lent already).
    """
    if origin.actor.role != Role.SYSTEM and origin.actor.party_id != institution_id:
        raise NotEntitled(who="an officer of the institution")
    if parties.party(party_id=institution_id, viewer=origin.actor).kind != "institution":
        raise Invalid(field="institution_id", problem="only an institution has a capacity")
    if currency not in list(Currency):
        raise Invalid(field="currency", problem=f"one of {', '.join(Currency)}")
    if starts_on > ends_on:
        raise Invalid(field="ends_on", problem="it comes before starts_on")
    document = {"amount_limit_minor": amount_limit_minor, "count_limit": count_limit}
    amount = policy.whole(document, "amount_limit_minor", 0, MAX_MINOR)
    count = policy.whole(document, "count_limit", 0, MOST_COUNT)
    with connection.cursor() as cursor:  # two officers at once must not make two periods that overlap
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 11))", [f"capacity{institution_id}{currency}"]
        )
    mine = Capacity.objects.filter(institution_id=institution_id, currency=currency)
    clash = mine.exclude(starts_on=starts_on).filter(starts_on__lte=ends_on, ends_on__gte=starts_on).first()
    if clash is not None:
        raise PeriodsOverlap(starts_on=str(clash.starts_on), ends_on=str(clash.ends_on))
    capacity = mine.select_for_update().filter(starts_on=starts_on).first()
    if capacity is None:
        capacity = Capacity(institution_id=institution_id, currency=currency, starts_on=starts_on)
    if amount < capacity.amount_used_minor or count < capacity.count_used:
        raise BelowUse(amount_used_minor=capacity.amount_used_minor, count_used=capacity.count_used)
    capacity.ends_on, capacity.set_at = ends_on, origin.at
    capacity.amount_limit_minor, capacity.count_limit = amount, count
    capacity.save()
    record(
        "matching.capacity_set", capacity.pk, measures=[ONE_STOP], institution=institution_id, currency=currency,
        amount_limit_minor=amount, count_limit=count,
    )  # fmt: skip
    return capacity.pk


# --- all together ---------------------------------------------------------------------------------------------------


@command(may=[Role.OPERATOR, Role.SUPERVISOR])
def assign_batch(
    *, most_asked: int = policy.MOST_ASKED, time_limit_ms: int = 20_000, origin: Origin
) -> dict[str, Any]:
    """Send open demands to institutions within their capacity, as well as it can be done for all of them together.

    Who:     the operator or a supervisor; a job.
    Units:   `most_asked` institutions a demand, those already asked included (1 to 3); milliseconds for the solver.
    Writes:  a Batch; for each match sent the match, a Promise, the Capacity and an event.
    Returns: batch, demands, candidates, served (demands that nobody was asked for before), sent, value, bound, optimal.
    Refuses: Invalid.
    Source:  measure M12-07 (efficient precise matching). Worked through in docs/algorithms/assignment.md.
    """
    limits = {"most_asked": most_asked, "time_limit_ms": time_limit_ms}
    most_asked = policy.whole(limits, "most_asked", 1, policy.MOST_ASKED)
    time_limit_ms = policy.whole(limits, "time_limit_ms", 0, 600_000)
    with connection.cursor() as cursor:  # one batch at a time
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('matching.assign_batch', 11))")
    today = _today(origin)
    open_demands = {
        d.pk: d
        for d in Demand.objects.select_for_update()
        .filter(state=DemandState.MATCHED, expires_at__gt=origin.at)
        .order_by("pk")
    }
    rows = list(
        Match.objects.select_for_update()
        .filter(demand__in=open_demands, state__in=[MatchState.PROPOSED, *HELD])
        .order_by("pk")
    )
    cards = products.cards(ids={m.product_id for m in rows}, viewer=origin.actor)
    held = {(m.demand_id, m.institution_id) for m in rows if m.state in HELD}
    waiting = [
        m
        for m in rows
        if m.state == MatchState.PROPOSED
        and (m.demand_id, m.institution_id) not in held
        and _unchanged(m, cards.get(m.product_id))
    ]
    pools: dict[tuple[UUID, str], Capacity] = {}
    for currency in sorted({open_demands[m.demand_id].currency for m in waiting}):
        ids = [m.institution_id for m in waiting if open_demands[m.demand_id].currency == currency]
        pools |= {(key, currency): row for key, row in _capacities(ids, currency, today).items()}
    waiting = [m for m in waiting if (m.institution_id, open_demands[m.demand_id].currency) in pools]
    # The order of publication, then of the ranking, breaks ties between plans that are worth the same.
    waiting.sort(
        key=lambda m: (open_demands[m.demand_id].published_at, m.demand_id.hex, m.rank, m.product_id.hex)
    )
    asked = {key: sum(1 for d, _ in held if d == key) for key in open_demands}
    plan = assign(
        [
            Candidate(
                m.demand_id,
                m.institution_id,
                (m.institution_id, open_demands[m.demand_id].currency),
                open_demands[m.demand_id].amount_minor,
                policy.worth(m.verdict, m.score),
            )
            for m in waiting
        ],
        {
            key: Pool(c.amount_limit_minor - c.amount_used_minor, c.count_limit - c.count_used)
            for key, c in pools.items()
        },
        {key: max(0, most_asked - count) for key, count in asked.items()},
        already=frozenset(key for key, count in asked.items() if count),
        time_limit_ms=time_limit_ms,
    )
    batch = Batch.objects.create(
        run_at=origin.at, demands=len(open_demands), candidates=len(waiting), served=plan.served,
        sent=len(plan.chosen), value=plan.value, bound=plan.bound, optimal=plan.optimal, rounds=plan.rounds,
    )  # fmt: skip
    for place in plan.chosen:
        match = waiting[place]
        demand = open_demands[match.demand_id]
        capacity = pools[match.institution_id, demand.currency]
        _hold(capacity, demand.amount_minor)
        match.batch = batch
        _send(demand, match, capacity.pk, "batch", origin)
        demand.save(update_fields=["version"])
    told: dict[str, Any] = {
        "demands": batch.demands,
        "candidates": batch.candidates,
        "served": batch.served,
        "sent": batch.sent,
        "value": batch.value,
        "bound": batch.bound,
        "optimal": batch.optimal,
    }
    record("matching.assigned", batch.pk, measures=[PRECISE, ONE_STOP], **told)
    return {"batch": str(batch.pk)} | told


@command(may=[])
def expire_overdue(*, origin: Origin) -> dict[str, int]:
    """Let lapse what has run out: matches never answered, offers no longer valid, demands past their day.

    Who:     a job only.
    Writes:  matches, demands, the Capacity that they held, events. What has a later day is left alone.
    """
    lapsed: dict[str, Any] = {"matches": 0, "offers": 0, "demands": 0}
    late = Match.objects.filter(state__in=OPEN, lapses_at__lte=origin.at).values_list("demand_id", flat=True)
    over = Demand.objects.filter(
        state__in=[DemandState.PUBLISHED, DemandState.MATCHED, DemandState.OFFERED], expires_at__lte=origin.at
    ).values_list("pk", flat=True)
    for demand in Demand.objects.select_for_update().filter(pk__in={*late, *over}).order_by("pk"):
        ended = []
        matches = demand.matches.select_for_update().filter(state__in=OPEN, lapses_at__lte=origin.at)
        for match in matches.order_by("pk"):
            lapsed["offers" if match.state == MatchState.OFFERED else "matches"] += 1
            _close(match, MatchAction.LAPSE, origin)
            _note(demand, MatchAction.LAPSE, origin, match=match)
            ended.append(match)
        _release(ended)
        _reopen_if_no_offer(demand, origin)
        expires_at = demand.expires_at
        if (
            expires_at is not None
            and expires_at <= origin.at
            and (DemandState(demand.state), DemandAction.EXPIRE) in NEXT_DEMAND
        ):
            _advance(demand, DemandAction.EXPIRE, origin)
            _end_matches(demand, MatchAction.LAPSE, origin)
            demand.closed_at = origin.at
            lapsed["demands"] += 1
        demand.save()
    record("matching.expired", "overdue", measures=[ONE_STOP], **lapsed)
    return lapsed


# --- shared steps ---------------------------------------------------------------------------------------------------


def _today(origin: Origin) -> date:
    return calendar().local_date(origin.at)


def _end_of(day: date) -> datetime:
    """The instant at which a day of the corridor is over."""
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), calendar().zone)


def _is_company(company_id: UUID, origin: Origin) -> bool:
    return origin.actor.role == Role.SYSTEM or origin.actor.party_id == company_id


def _for_company(company_id: UUID, origin: Origin) -> None:
    if not _is_company(company_id, origin):
        raise NotEntitled(who="a member of the company")


def _create(demand: Demand) -> Demand:
    """Add a new demand. An id that is another company's is, to this one, simply absent."""
    try:
        with transaction.atomic():
            demand.save(force_insert=True)
    except IntegrityError:
        raise Absent(kind="demand") from None
    return demand


def _own_demand(demand_id: UUID, origin: Origin) -> Demand:
    """The demand, locked, if the actor may act on it; to others it does not exist."""
    demand = Demand.objects.select_for_update().filter(pk=demand_id).first()
    if demand is None or not (origin.actor.role == Role.OPERATOR or _is_company(demand.company_id, origin)):
        raise Absent(kind="demand")
    return demand


def _own_match(match_id: UUID, origin: Origin) -> tuple[Demand, Match]:
    seen = Match.objects.filter(pk=match_id).first()
    if seen is None or not _is_company(seen.company_id, origin):
        raise Absent(kind="match")
    return _lock(seen)


def _answerable(match_id: UUID, origin: Origin) -> tuple[Demand, Match]:
    """A match that was sent to the actor's institution; any other does not exist to it."""
    seen = Match.objects.filter(pk=match_id, sent_at__isnull=False).first()
    if seen is None or (origin.actor.role != Role.SYSTEM and seen.institution_id != origin.actor.party_id):
        raise Absent(kind="match")
    return _lock(seen)


def _lock(seen: Match) -> tuple[Demand, Match]:
    demand = Demand.objects.select_for_update().get(pk=seen.demand_id)
    return demand, Match.objects.select_for_update().get(pk=seen.pk)


def _advance(
    demand: Demand, action: DemandAction, origin: Origin, match: Match | None = None, **detail: object
) -> None:
    """Move a locked demand to its next state and note it, or refuse. The caller saves the demand."""
    state = DemandState(demand.state)
    if (state, action) not in NEXT_DEMAND:
        raise ActionNotAllowed(action=str(action), kind="demand", state=str(state))
    demand.state = NEXT_DEMAND[state, action]
    _note(demand, action, origin, match=match, **detail)


def _note(
    demand: Demand, action: DemandAction | MatchAction, origin: Origin, match: Match | None = None, **detail: object
) -> None:
    """Add a line to the demand's timeline. Its institution sees the lines of its own matches."""
    demand.version += 1
    DemandEvent.objects.create(
        demand=demand, version=demand.version, action=action, match=match, company_id=demand.company_id,
        institution_id=match.institution_id if match else None, territory=demand.territory,
        actor_id=origin.actor.person_id, role=origin.actor.role, detail=detail, happened_at=origin.at,
    )  # fmt: skip


def _move(match: Match, action: MatchAction) -> None:
    """Move a locked match to its next state, or refuse. The caller saves it."""
    state = MatchState(match.state)
    if (state, action) not in NEXT_MATCH:
        raise ActionNotAllowed(action=str(action), kind="match", state=str(state))
    match.state = NEXT_MATCH[state, action]


def _not_expired(demand: Demand, origin: Origin) -> None:
    if demand.expires_at is not None and demand.expires_at <= origin.at:
        raise Expired(expires_at=demand.expires_at.isoformat())


def _entrant(card: ProductCard, verdict: str, kept: tuple[int, int]) -> policy.Entrant:
    return policy.Entrant(
        product_id=str(card.id),
        verdict=verdict,
        price_min_bp=card.price_min_bp,
        price_max_bp=card.price_max_bp,
        amount_max_minor=card.amount_max_minor,
        tenor_max_days=card.tenor_max_days,
        collateral=card.collateral,
        promise_hours=card.promise_hours,
        kept=kept[0],
        broken=kept[1],
    )


def _propose(
    demand: Demand, card: ProductCard, ranked: policy.Ranked, why: Any, place: int, origin: Origin
) -> Match:
    return Match(
        demand=demand, product_id=card.id, product_version=card.version, company_id=demand.company_id,
        institution_id=card.institution_id, territory=demand.territory, rank=place, verdict=ranked.entrant.verdict,
        score=ranked.score,
        parts=[{n: getattr(p, n) for n in p.__slots__} for p in ranked.parts],
        reasons={
            "reasons": [{n: getattr(r, n) for n in r.__slots__} for r in why.reasons],
            "missing": [{n: getattr(c, n) for n in c.__slots__} for c in why.nearest or ()],
        },
        terms=card_as_json(card), promise_hours=card.promise_hours, proposed_at=origin.at,
    )  # fmt: skip


def _unchanged(match: Match, card: ProductCard | None) -> bool:
    """Whether the product is still on the shelf in the version that was matched."""
    return card is not None and card.state == "ONLINE" and card.version == match.product_version


def _send(demand: Demand, match: Match, capacity_id: UUID, by: str, origin: Origin) -> None:
    """Hand a match to its institution; its amount is already held. The caller saves the demand."""
    _move(match, MatchAction.SEND)
    match.sent_at, match.sent_by = origin.at, by
    match.capacity_id, match.reserved_minor = capacity_id, demand.amount_minor
    _start_clock(match, origin)
    match.save()
    _note(demand, MatchAction.SEND, origin, match=match, by=by)
    record(
        "matching.sent", match.pk, measures=[PRECISE, ONE_STOP], demand=demand.pk, institution=match.institution_id,
        product=match.product_id, rules=[f"product:{match.product_id}@{match.product_version}"], by=by,
    )  # fmt: skip


def _start_clock(match: Match, origin: Origin) -> None:
    """The institution has the hours it promised, counted in working time. The caller saves the match."""
    match.due_at = calendar().add_working_hours(origin.at, match.promise_hours)
    match.lapses_at = calendar().add_working_hours(match.due_at, match.promise_hours * (policy.LAPSES_AFTER - 1))
    Promise.objects.create(
        match=match, company_id=match.company_id, institution_id=match.institution_id, started_at=origin.at,
        due_at=match.due_at,
    )  # fmt: skip


def _answered(match: Match, origin: Origin) -> None:
    """Stop the institution's clock with an answer. The caller saves the match."""
    Promise.objects.filter(match=match, answered_at=None, ended_at=None).update(answered_at=origin.at)
    match.answered_at = match.answered_at or origin.at
    match.due_at = match.lapses_at = None


def _close(match: Match, action: MatchAction, origin: Origin) -> None:
    """End a match without an answer; what it held is given back by `_release`."""
    _move(match, action)
    Promise.objects.filter(match=match, answered_at=None, ended_at=None).update(ended_at=origin.at)
    match.closed_at = origin.at
    match.due_at = match.lapses_at = None
    match.save()


def _end_matches(demand: Demand, action: MatchAction, origin: Origin) -> None:
    """End every match of a locked demand that is not ended yet, and give back what they held."""
    matches = list(demand.matches.select_for_update().order_by("pk"))
    ended = [m for m in matches if (MatchState(m.state), action) in NEXT_MATCH]
    for match in ended:
        _close(match, action, origin)
        if match.sent_at is not None:  # so that its institution sees why it is gone from the queue
            _note(demand, action, origin, match=match)
    _release(ended)


def _capacities(institutions: Iterable[UUID], currency: str, on: date) -> dict[UUID, Capacity]:
    """Lock the capacities of these institutions for the period in which `on` lies."""
    rows = Capacity.objects.select_for_update().filter(
        institution_id__in=set(institutions), currency=currency, starts_on__lte=on, ends_on__gte=on
    )
    return {row.institution_id: row for row in rows.order_by("pk")}


def _fits(capacity: Capacity, amount: int) -> bool:
    return (
        capacity.amount_used_minor + amount <= capacity.amount_limit_minor
        and capacity.count_used < capacity.count_limit
    )


def _hold(capacity: Capacity, amount: int) -> None:
    capacity.amount_used_minor += amount
    capacity.count_used += 1
    capacity.save(update_fields=["amount_used_minor", "count_used"])


def _release(matches: Sequence[Match]) -> None:
    """Give back what matches that ended were holding."""
    holding = [m for m in matches if m.capacity_id is not None and m.state not in HELD]
    if not holding:
        return
    with as_system():  # a company that takes its demand back frees what it may not see
        rows = {
            c.pk: c
            for c in Capacity.objects.select_for_update()
            .filter(pk__in={m.capacity_id for m in holding})
            .order_by("pk")
        }
        for match in holding:
            assert match.capacity_id is not None
            capacity = rows[match.capacity_id]
            capacity.amount_used_minor -= match.reserved_minor
            capacity.count_used -= 1
        for capacity in rows.values():
            capacity.save(update_fields=["amount_used_minor", "count_used"])
    for match in holding:
        match.capacity_id, match.reserved_minor = None, 0
        match.save(update_fields=["capacity", "reserved_minor"])


def _reopen_if_no_offer(demand: Demand, origin: Origin) -> None:
    if demand.state == DemandState.OFFERED and not demand.matches.filter(state=MatchState.OFFERED).exists():
        _advance(demand, DemandAction.REOPEN, origin)


def _decline_if_nobody_is_left(demand: Demand, match: Match, origin: Origin) -> None:
    with as_system():  # an institution may not see who else was asked
        left = demand.matches.filter(state__in=[MatchState.PROPOSED, *OPEN]).exists()
    if not left and (DemandState(demand.state), DemandAction.DECLINE) in NEXT_DEMAND:
        _advance(demand, DemandAction.DECLINE, origin, match=match)
        demand.closed_at = origin.at
