"""Everything that can be asked about parties. Answers are plain values, never ORM rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q

from luhai.kernel.identifiers import fold
from luhai.kernel.origin import Actor, Role
from luhai.kernel.refusal import Absent, Invalid, gettext_noop
from luhai.shell.query import EVERYBODY, SIGNED_IN, query

from . import access
from .models import AccessToken, Identifier, Membership, Party, Person, Profile


@dataclass(frozen=True, slots=True)
class PartyView:
    id: UUID
    kind: str
    sort: str
    name_zh: str
    name_en: str
    country: str
    territory: str | None
    invented: bool
    identifiers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MembershipView:
    """One role that a person may take: for whom, as what, where."""

    id: UUID
    role: Role
    party: PartyView
    territory: str | None
    person_id: UUID
    name_zh: str
    name_en: str
    email: str

    @property
    def actor(self) -> Actor:
        return Actor(self.person_id, self.role, self.party.id, self.territory or self.party.territory)


@dataclass(frozen=True, slots=True)
class TokenView:
    id: UUID
    name: str
    scopes: list[str]
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


#: Asked by nearly every command: one statement, in the order of the fields of PartyView.
_PARTY = """
SELECT p.id, p.kind, p.sort, p.name_zh, p.name_en, p.country, p.territory, p.invented,
    ARRAY(SELECT ARRAY[i.scheme, i.value] FROM parties_identifier i WHERE i.party_id = p.id ORDER BY i.id)
FROM parties_party p WHERE p.id = %s
"""


@query(may=EVERYBODY, public=["parties_party", "parties_identifier"])
def party(*, party_id: UUID, viewer: Actor) -> PartyView:
    """One party as the public register shows it. Refuses: Absent."""
    with connection.cursor() as cursor:
        cursor.execute(_PARTY, [party_id])
        found = cursor.fetchone()
    if found is None:
        raise Absent(kind="party")
    about = [*found[:-1], dict(found[-1])]
    return PartyView(*about)


@query(may=EVERYBODY)
def parties(
    *, kind: str, ids: Iterable[UUID] | None = None, after: UUID | None = None, limit: int = 200, viewer: Actor
) -> list[PartyView]:
    """Parties of one kind, by id; `ids` narrows, `after` continues."""
    rows = Party.objects.filter(kind=kind).order_by("id")
    if ids is not None:
        rows = rows.filter(pk__in=list(ids))
    if after is not None:
        rows = rows.filter(pk__gt=after)
    return [_view(row) for row in rows[:limit]]


@query(may=SIGNED_IN)
def party_named(*, name: str, field: str = "party", viewer: Actor) -> PartyView:
    """The party that somebody means: its number in any register (USCC, LEI, BIC …), its id, or its exact name.

    Refuses: Invalid (names `field`) when there is none, or more than one of that name.
    """
    text = " ".join(name.split())
    rows = Party.objects.filter(pk__in=Identifier.objects.filter(value=fold(text)).values("party"))
    if not rows:
        try:
            rows = Party.objects.filter(pk=UUID(text))
        except ValueError:
            rows = Party.objects.filter(Q(name_zh=text) | Q(name_en__iexact=text))
    found = list(rows[:2]) if text else []
    if len(found) != 1:
        problem = gettext_noop("the number or full name of one registered party")
        raise Invalid(field=field, problem=problem)
    return _view(found[0])


@query(may=SIGNED_IN)
def registered(*, numbers: Iterable[str], viewer: Actor) -> set[UUID]:
    """The ids of the parties to whom any of these register numbers (USCC, LEI, BIC …, in canonical form) was given."""
    return set(Identifier.objects.filter(value__in=list(numbers)).values_list("party_id", flat=True))


@query(may=SIGNED_IN)
def profile(*, party_id: UUID, viewer: Actor) -> dict[str, dict[str, Any]]:
    """A company's facts, {field: {"value", "source", "as_of"}}, as far as the viewer may see them (else empty)."""
    row = Profile.objects.filter(party_id=party_id).first()
    return dict(row.facts) if row else {}


@query(may=SIGNED_IN)
def my_tokens(*, viewer: Actor) -> list[TokenView]:
    """The viewer's own tokens, newest first."""
    rows = AccessToken.objects.filter(membership__person_id=viewer.person_id).order_by("-issued_at", "id")
    return [TokenView(t.pk, t.name, t.scopes, t.issued_at, t.expires_at, t.revoked_at) for t in rows]


@query(may=[Role.OPERATOR])
def people(*, after: UUID | None = None, limit: int = 100, viewer: Actor) -> list[MembershipView]:
    """Who may act for whom; for the operator."""
    rows = _memberships().order_by("id")
    if after is not None:
        rows = rows.filter(pk__gt=after)
    return [_membership(row) for row in rows[:limit]]


def memberships_of(person_id: UUID) -> list[MembershipView]:
    """The live memberships of a person, oldest first. For sign-in; it decides who the viewer is, so it takes none."""
    return [_membership(m) for m in _memberships().filter(person_id=person_id).order_by("since", "id")]


def membership_behind(token: str, *, at: datetime) -> tuple[MembershipView, list[str]] | None:
    """Whom a bearer token stands for and its scopes, or None if it is unknown, expired or revoked."""
    parts = access.read(token)
    if parts is None:
        return None
    row = AccessToken.objects.filter(pk=parts[0], revoked_at=None, expires_at__gt=at).first()
    if row is None or not access.same(parts[1], row.secret_digest):
        return None
    membership = _memberships().filter(pk=row.membership_id).first()
    return (_membership(membership), list(row.scopes)) if membership else None


def person_by_email(email: str) -> Person | None:
    """For the demo's one-click sign-in."""
    return Person.objects.filter(email=email, is_active=True).first()


def _memberships() -> Any:
    return Membership.objects.filter(ended_at=None, person__is_active=True).select_related("party", "person")


def _membership(row: Membership) -> MembershipView:
    return MembershipView(
        row.pk, Role(row.role), _view(row.party), row.territory, row.person_id, row.person.name_zh,
        row.person.name_en, row.person.email,
    )  # fmt: skip


def _view(row: Party, numbers: dict[str, str] | None = None) -> PartyView:
    return PartyView(
        row.pk, row.kind, row.sort, row.name_zh, row.name_en, row.country, row.territory, row.invented, numbers or {}
    )  # fmt: skip
