"""Everything that can be asked about escrows. Answers are plain values, never ORM rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from luhai.core.evidence import queries as evidence
from luhai.core.ledger import queries as ledger
from luhai.core.ledger.policy import Transfer
from luhai.core.parties import queries as parties
from luhai.core.rules.criteria import Verdict
from luhai.kernel.origin import SYSTEM, Actor, Role
from luhai.kernel.refusal import Absent
from luhai.shell.api import cursor_of, instant, known, read_cursor
from luhai.shell.query import SIGNED_IN, query

from . import policy
from .lifecycle import FINAL, LIVE, NEXT, Act, State
from .models import Agreement, Confirmation, Deposit, Escrow, Event, Leg, Outcome, Showing
from .policy import Seen, Terms


@dataclass(frozen=True, slots=True)
class PartyView:
    """A party under its name in the terms, and whether it has agreed."""

    name: str
    id: UUID
    zh: str
    en: str
    agreed: bool


@dataclass(frozen=True, slots=True)
class LegView:
    """What is in a leg now, of what may be and must be; whole units of `unit`."""

    name: str
    unit: str
    amount: int
    least: int
    held: int
    payer: str
    account: UUID
    source: UUID


@dataclass(frozen=True, slots=True)
class TitleHeld:
    title: UUID
    by: str
    deposited: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """One condition: `verdict` met, failed or unknown as things stand; `word` says why (policy.WORDS)."""

    name: str
    verdict: str
    word: str
    proof: dict[str, Any]


@dataclass(frozen=True, slots=True)
class OutcomeView:
    state: State
    cause: Act
    proof: dict[str, Any]
    moved: list[dict[str, Any]]
    at: datetime


@dataclass(frozen=True, slots=True)
class EscrowLine:
    """An escrow in a list."""

    id: UUID
    state: State
    template: str
    parties: tuple[UUID, ...]
    expires_at: datetime
    arranged_at: datetime
    acted_at: datetime


@dataclass(frozen=True, slots=True)
class EscrowPage:
    items: tuple[EscrowLine, ...]
    next: str


@dataclass(frozen=True, slots=True)
class EscrowView:
    """An escrow with its terms and what it waits for. `may` is what the viewer's party may try next."""

    id: UUID
    state: State
    template: str
    digest: str
    terms: dict[str, Any]
    parties: tuple[PartyView, ...]
    value: tuple[LegView, ...]
    titles: tuple[TitleHeld, ...]
    waits: tuple[Waiting, ...]
    arbiter: str | None
    expires_at: datetime
    arranged_at: datetime
    acted_at: datetime
    outcome: OutcomeView | None
    may: tuple[Act, ...]

    @property
    def live(self) -> bool:
        return self.state not in FINAL


@dataclass(frozen=True, slots=True)
class EventView:
    n: int
    act: Act
    after: State
    party: UUID | None  # none: the system
    data: dict[str, Any]
    at: datetime


@query(may=SIGNED_IN)
def escrow(*, escrow_id: UUID, viewer: Actor) -> EscrowView:
    """One escrow, its terms and what it waits for. Refuses: Absent (also when it may not be seen)."""
    row = _row(escrow_id)
    terms, seen = terms_of(row), seen_of(row)
    names = _names(terms.parties.values(), viewer)
    agreed = set(Agreement.objects.filter(escrow=row).values_list("party_id", flat=True))
    kept = kept_by(row)
    accounts = {leg.name: leg for leg in Leg.objects.filter(escrow=row)}
    ended = Outcome.objects.filter(escrow=row).first()
    return EscrowView(
        row.pk, State(row.state), row.template, row.digest, row.terms,
        tuple(PartyView(name, id_, *names[id_], id_ in agreed) for name, id_ in terms.parties.items()),
        tuple(
            LegView(
                leg.name, leg.unit, leg.amount, leg.least, seen.held[leg.name], leg.payer, accounts[leg.name].account,
                leg.account,
            )
            for leg in terms.value
        ),
        tuple(TitleHeld(h.title, h.by, (h.title, terms.parties[h.by]) in kept) for h in terms.titles),
        tuple(Waiting(j.name, j.verdict.name.lower(), j.word, dict(j.proof)) for j in policy.judge(terms, seen)),
        terms.arbiter, row.expires_at, row.arranged_at, row.acted_at,
        OutcomeView(State(ended.state), Act(ended.cause), ended.proof, ended.moved, ended.at) if ended else None,
        _may(row, terms, viewer, agreed, kept),
    )  # fmt: skip


@query(may=SIGNED_IN)
def escrows(
    *, state: str = "", live: bool | None = None, cursor: str = "", limit: int = 50, viewer: Actor
) -> EscrowPage:
    """Escrows that the viewer may see, last acted on first; a cursor continues. Refuses: Invalid (state, cursor)."""
    rows = Escrow.objects.order_by("-acted_at", "-id")
    if viewer.party_id is not None and viewer.role not in {Role.OPERATOR, Role.SUPERVISOR}:
        rows = rows.filter(
            parties__contains=[viewer.party_id]
        )  # the policy says the same; this finds the index
    if state:
        rows = rows.filter(state=known("state", state, [s.value for s in State]))
    if live is not None:
        rows = rows.filter(state__in=LIVE if live else sorted(FINAL))
    if (after := read_cursor(cursor, instant, UUID)) is not None:
        rows = rows.filter(Q(acted_at__lt=after[0]) | Q(acted_at=after[0], pk__lt=after[1]))
    found = list(rows[: limit + 1])
    more = cursor_of(found[limit - 1].acted_at.isoformat(), found[limit - 1].pk) if len(found) > limit else ""
    return EscrowPage(
        tuple(
            EscrowLine(
                r.pk, State(r.state), r.template, tuple(r.parties), r.expires_at, r.arranged_at, r.acted_at
            )
            for r in found[:limit]
        ),
        more,
    )


@query(may=SIGNED_IN)
def history(*, escrow_id: UUID, viewer: Actor) -> list[EventView]:
    """What was done to an escrow, first to last. Refuses: Absent."""
    rows = Event.objects.filter(escrow=_row(escrow_id)).order_by("n")
    return [EventView(r.n, Act(r.act), State(r.after), r.actor_party, r.data, r.at) for r in rows]


@query(may=SIGNED_IN)
def holding(*, account_id: UUID, viewer: Actor) -> UUID | None:
    """The escrow whose leg this account of the ledger holds: how a payment finds what it may set off."""
    return Leg.objects.filter(account=account_id).values_list("escrow_id", flat=True).first()


@query(may=[Role.OPERATOR])
def due(
    *, at: datetime, after: UUID | None = None, limit: int = 500, viewer: Actor
) -> list[tuple[UUID, int]]:
    """Escrows whose day has come and that have not ended, by their ids, each with its number of events; disputed ones wait
    for their arbiter."""
    rows = Escrow.objects.filter(expires_at__lte=at, state__in=[s for s in LIVE if (s, Act.EXPIRE) in NEXT])
    return list(_after(rows, after).values_list("pk", "n")[:limit])


@query(may=[Role.OPERATOR])
def ready(
    *, after: UUID | None = None, limit: int = 200, viewer: Actor
) -> tuple[list[tuple[UUID, int]], UUID | None]:
    """Of the next `limit` funded escrows those whose conditions are all met as things stand, each with its number of events; and
    where to go on, if anywhere."""
    rows = list(
        _after(Escrow.objects.filter(state__in=[s for s in LIVE if (s, Act.EXECUTE) in NEXT]), after)[:limit]
    )
    met = [
        (r.pk, r.n) for r in rows if policy.verdict_of(policy.judge(terms_of(r), seen_of(r))) is Verdict.MET
    ]
    return met, rows[-1].pk if len(rows) == limit else None


# --- for commands of this subject ---------------------------------------------------------------------------------------


def terms_of(row: Escrow) -> Terms:
    return policy.read(row.terms)


def kept_by(row: Escrow) -> set[tuple[UUID, UUID]]:
    """Titles that were handed over, each with the party that did."""
    return set(Deposit.objects.filter(escrow=row).values_list("title_id", "party_id"))


def seen_of(row: Escrow, incoming: Sequence[Transfer] = ()) -> Seen:
    """Everything that the conditions look at, as it is now, whoever looks. `incoming` will have moved when they are asked."""
    legs = {leg.account: leg.name for leg in Leg.objects.filter(escrow=row)}
    held = {
        legs[key]: balance.available or 0
        for key, balance in ledger.balances(account_ids=legs, viewer=SYSTEM).items()
    }
    for transfer in incoming:
        if transfer.credit in legs:
            held[legs[transfer.credit]] += transfer.amount or 0
    consents: dict[str, set[UUID]] = {}
    for condition, party in Confirmation.objects.filter(escrow=row).values_list("condition", "party_id"):
        consents.setdefault(condition, set()).add(party)
    shown: dict[tuple[str, UUID], int] = {}  # the version shown last, in the order of the first showing
    for condition, key, version in (
        Showing.objects.filter(escrow=row).order_by("id").values_list("condition", "evidence_id", "version")
    ):
        shown[condition, key] = max(version, shown.get((condition, key), 0))
    facts = {key: evidence.facts(evidence_id=key, viewer=SYSTEM) for key in {key for _, key in shown}}
    papers: dict[str, list[policy.Paper]] = {}
    for (condition, key), version in shown.items():
        papers.setdefault(condition, []).append(paper_of(facts[key], version))
    return Seen(held, consents, papers, owed_on(terms_of(row).covered))


def owed_on(covered: Iterable[UUID]) -> dict[UUID, int]:
    """What still stands on the bounded side of accounts: of what is owed on a loan, what may still be paid."""
    return {key: b.available or 0 for key, b in ledger.balances(account_ids=covered, viewer=SYSTEM).items()}


def paper_of(facts: evidence.Facts, shown_version: int) -> policy.Paper:
    return policy.Paper(
        facts.evidence_id, shown_version, facts.version, facts.state == "cancelled", facts.kind, facts.status, facts.source_id,
        facts.subject_id, facts.external_ref, facts.amount_minor, facts.currency, facts.dated, facts.references,
    )  # fmt: skip


# --- inside -------------------------------------------------------------------------------------------------------------


def _row(escrow_id: UUID) -> Escrow:
    row = Escrow.objects.filter(pk=escrow_id).first()
    if row is None:
        raise Absent(kind="escrow")
    return row


def _after(rows: Any, after: UUID | None) -> Any:
    return (rows if after is None else rows.filter(pk__gt=after)).order_by("pk")


def _may(
    row: Escrow, terms: Terms, viewer: Actor, agreed: set[UUID], kept: set[tuple[UUID, UUID]]
) -> tuple[Act, ...]:
    """Which acts the viewer's party may try next. (What they say may still be refused.)"""
    state, me = State(row.state), viewer.party_id
    name = terms.name_of(me)
    all_in = agreed >= set(terms.parties.values())
    mine = {
        Act.AGREE: name is not None and me not in agreed,
        Act.FUND: all_in and any(leg.payer == name for leg in terms.value),
        Act.DEPOSIT: all_in and any(h.by == name and (h.title, me) not in kept for h in terms.titles),
        Act.PRESENT: all_in
        and name is not None
        and any(isinstance(c.asks, policy.Evidence) for c in terms.conditions),
        Act.CONFIRM: all_in
        and any(isinstance(c.asks, policy.Consent) and name in c.asks.of for c in terms.conditions),
        Act.SETTLE: viewer.role is Role.SUPERVISOR if terms.arbiter is None else name == terms.arbiter,
    }
    return tuple(act for act in Act if (state, act) in NEXT and mine.get(act, name is not None))


def _names(ids: Iterable[UUID], viewer: Actor) -> dict[UUID, tuple[str, str]]:
    left = set(ids)
    found = {key: ("", "") for key in left}
    for kind in ("company", "institution", "agency"):
        if left:
            for p in parties.parties(kind=kind, ids=left, limit=len(left), viewer=viewer):
                found[p.id] = (p.name_zh or p.name_en, p.name_en or p.name_zh)
                left.discard(p.id)
    return found
