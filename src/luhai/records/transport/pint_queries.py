"""What can be asked about platforms and the envelopes that go between them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from luhai.core.parties import queries as parties
from luhai.kernel.origin import SYSTEM, Actor, Role
from luhai.kernel.refusal import Absent
from luhai.shell.context import as_system
from luhai.shell.query import EVERYBODY, SIGNED_IN, query

from . import pint
from .models import Envelope, Platform


@dataclass(frozen=True, slots=True)
class PlatformView:
    code: str
    name: str
    url: str
    public: str
    kid: str
    party: UUID | None
    own: bool


@dataclass(frozen=True, slots=True)
class EnvelopeView:
    id: UUID
    outward: bool
    platform: str
    title_id: UUID | None
    state: str
    code: str  # of the signed answer
    at: datetime
    ended_at: datetime | None


@query(may=EVERYBODY)
def platforms(*, viewer: Actor) -> list[PlatformView]:
    """All platforms that are known, our own first; keys are public."""
    rows = Platform.objects.order_by("-own", "code")
    return [PlatformView(p.code, p.name, p.url, p.public, p.kid, p.party_id, p.own) for p in rows]


@query(may=SIGNED_IN)
def envelopes(*, title_id: UUID | None = None, viewer: Actor) -> list[EnvelopeView]:
    """Envelopes that the viewer's party sent, or that came to it, newest first; of one title, if named."""
    rows = Envelope.objects.order_by("-at", "id")
    if title_id is not None:
        rows = rows.filter(title_id=title_id)
    return [
        EnvelopeView(e.pk, e.outward, e.platform_id, e.title_id, e.state, e.code, e.at, e.ended_at)
        for e in rows[:200]
    ]


@query(may=SIGNED_IN)
def to_send(*, envelope_id: UUID, viewer: Actor) -> tuple[str, dict[str, Any], dict[str, str]]:
    """(address, envelope, additional documents) of an envelope on its way. Refuses: Absent (also when it was answered)."""
    row = (
        Envelope.objects.select_related("platform").filter(pk=envelope_id, outward=True, state="sent").first()
    )
    if row is None:
        raise Absent(kind="envelope")
    return row.platform.url, dict(row.content), dict(row.additional)


@query(may=SIGNED_IN)
def on_the_way(*, viewer: Actor) -> list[UUID]:
    """Envelopes without a definite answer, oldest first."""
    rows = Envelope.objects.filter(outward=True, state="sent").order_by("at")
    return list(rows.values_list("pk", flat=True))


@query(may=EVERYBODY)
def receiver_name(*, provider: str, scheme: str, number: str, viewer: Actor) -> str:
    """The name of the party that a code stands for, so that a sender sees whom it would send to. Refuses: Absent."""
    try:
        found = {UUID(number)} if scheme == "UUID" else parties.registered(numbers=[number], viewer=SYSTEM)
        if len(found) == 1:
            view = parties.party(party_id=next(iter(found)), viewer=SYSTEM)
            return (view.name_en or view.name_zh)[:70].strip()
    except ValueError:
        pass
    raise Absent(kind="party")


def actor_of(platform: str, party: UUID) -> Actor:
    """Who acts when a platform calls: nobody in person, for the party that stands for the platform here."""
    return Actor(uuid5(NAMESPACE_URL, f"luhai:pint:{platform}"), Role.COMPANY, party)


@query(may=EVERYBODY)
def sender(*, token: str, viewer: Actor) -> Actor | None:
    """Who sent an envelope, by the signature on its manifest; None if that is no platform's."""
    rows = {p.kid: p for p in Platform.objects.filter(own=False)}
    try:
        _said, code = pint.opened(token, {kid: (p.code, p.public) for kid, p in rows.items()})
    except pint.Fault:
        return None
    party = next(p.party_id for p in rows.values() if p.code == code)
    assert party is not None
    return actor_of(code, party)


@query(may=EVERYBODY)
def sender_of(*, reference: UUID, viewer: Actor) -> Actor:
    """Who started the transfer of an envelope. Refuses: Absent."""
    with as_system():
        row = Envelope.objects.select_related("platform").filter(pk=reference, outward=False).first()
    if row is None or row.platform.party_id is None:
        raise Absent(kind="envelope")
    return actor_of(row.platform_id, row.platform.party_id)
