"""Everything that can be done to parties, memberships and tokens."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.utils import timezone

from luhai.kernel import identifiers
from luhai.kernel.money import MAX_MINOR
from luhai.kernel.origin import Origin, Role
from luhai.kernel.refusal import Absent, Invalid, NotEntitled, Refusal, gettext_noop
from luhai.shell.command import command, record

from . import access
from .models import (
    AGENCY_KINDS,
    IDENTIFIER_SCHEMES,
    INSTITUTION_KINDS,
    MEMBER_ROLES,
    PARTY_KINDS,
    AccessToken,
    Identifier,
    Membership,
    Party,
    Person,
    Profile,
)  # fmt: skip
from .territories import territories

FACTS_MAX = 200
_ROLES_OF_KIND = {
    "company": {Role.COMPANY},
    "institution": {Role.BANK, Role.PARTNER},
    "agency": {Role.PROVINCE, Role.SUPERVISOR, Role.OPERATOR},
}


class AlreadyRegistered(Refusal):
    code = "parties.already_registered"
    message = gettext_noop("%(scheme)s %(value)s is already registered.")


class RegisteredFact(Refusal):
    code = "parties.registered_fact"
    message = gettext_noop("%(field)s is known from another source (%(source)s); a company cannot overwrite it.")


class NotVouched(Refusal):
    code = "parties.not_vouched"
    message = gettext_noop("This account was opened by itself; an officer's account is made by the operator.")


class WrongRole(Refusal):
    code = "parties.wrong_role"
    status = 422
    message = gettext_noop("A %(kind)s has no members with the role %(role)s.")


@command(may=[Role.OPERATOR])
def register_party(
    *,
    party_id: UUID,
    kind: str,
    sort: str,
    name_zh: str,
    name_en: str,
    country: str,
    territory: str | None,
    identifiers_: dict[str, str],
    facts: dict[str, dict[str, Any]],
    invented: bool,
    origin: Origin,
) -> UUID:
    """Enter a company, institution or agency in the register; return its id.

    Who:     the operator, or set-up.
    Writes:  one Party, its Identifiers, and for a company its Profile.
    Refuses: Invalid (kind, sort, country, territory, or an identifier whose arithmetic fails), AlreadyRegistered.
    """
    return _register(
        party_id, kind, sort, name_zh, name_en, country, territory, identifiers_, facts, invented, origin
    )


@command(may=[Role.PUBLIC, Role.COMPANY])
def register_my_company(
    *, party_id: UUID, name_zh: str, name_en: str, territory: str, uscc: str, origin: Origin
) -> UUID:
    """Enter one's own company, and become its first member; return the company's id.

    Who:     anybody who has signed in. The USCC's arithmetic is checked; that the person may speak for the
             company is *not* proved here (a real instance asks a registry; see docs).
    Writes:  Party, Identifier, Profile, Membership.
    Refuses: Invalid, AlreadyRegistered (ask a colleague or the operator to add you).
    """
    company = _register(
        party_id, "company", "", name_zh, name_en, "CN", territory, {"uscc": uscc}, {}, False, origin
    )
    membership = Membership.objects.create(
        person_id=origin.actor.person_id, party_id=company, role=Role.COMPANY, since=origin.at
    )
    record("parties.member_added", membership.pk, party=company, role=Role.COMPANY)
    return company


def _register(
    party_id: UUID, kind: str, sort: str, name_zh: str, name_en: str, country: str, territory: str | None,
    numbers: dict[str, str], facts: dict[str, Any], invented: bool, origin: Origin,
) -> UUID:  # fmt: skip
    if kind not in PARTY_KINDS:
        raise Invalid(field="kind", problem=f"one of {', '.join(PARTY_KINDS)}")
    sorts = {"company": [""], "institution": INSTITUTION_KINDS, "agency": AGENCY_KINDS}[kind]
    if sort not in sorts:
        raise Invalid(field="sort", problem=f"one of {', '.join(sorts)}" if sorts != [""] else "leave it empty")
    if not name_zh.strip() and not name_en.strip():
        raise Invalid(field="name", problem="a name in Chinese or in English")
    for field, name in (("name_zh", name_zh), ("name_en", name_en)):
        if len(name) > 200 or not name.isprintable():
            raise Invalid(field=field, problem="at most 200 characters")
    if len(country) != 2 or not country.isascii() or not country.isupper():
        raise Invalid(field="country", problem="two capital letters of ISO 3166-1, such as CN or TH")
    if territory is not None and territory not in territories():
        raise Invalid(field="territory", problem=f"a code of the corridor: {', '.join(sorted(territories()))}")
    if Party.objects.filter(pk=party_id).exists():
        raise Invalid(field="id", problem="this id is taken; choose another")
    party = Party.objects.create(
        id=party_id, kind=kind, sort=sort, name_zh=name_zh.strip(), name_en=name_en.strip(), country=country,
        territory=territory, registered_at=origin.at, invented=invented,
    )  # fmt: skip
    for scheme, text in sorted(numbers.items()):
        if scheme not in IDENTIFIER_SCHEMES:
            raise Invalid(field="identifiers", problem=f"schemes are {', '.join(IDENTIFIER_SCHEMES)}")
        value = text.strip() if scheme == "national" else identifiers.check(identifiers.Kind(scheme), text)
        if not value or len(value) > 40:
            raise Invalid(field=scheme, problem="from 1 to 40 characters")
        try:
            with transaction.atomic():
                Identifier.objects.create(party=party, scheme=scheme, value=value)
        except IntegrityError:
            raise AlreadyRegistered(scheme=scheme.upper(), value=value) from None
    if kind == "company":
        Profile.objects.create(party=party, facts=facts, updated_at=origin.at)
    record("parties.registered", party.pk, party_kind=kind, territory=territory)
    return party.pk


@command(may=[Role.OPERATOR])
def add_person(
    *, person_id: UUID, email: str, name_zh: str, name_en: str, password_hash: str | None, origin: Origin
) -> UUID:
    """Give somebody an account; without a password nobody can sign in to it by one.

    Who:     the operator, or set-up. The edge hashes the password: not even its digest reaches the journal.
    Refuses: Invalid (email in use).
    """
    try:
        with transaction.atomic():
            person = Person.objects.create(
                id=person_id, email=email.strip().lower(), name_zh=name_zh, name_en=name_en,
                password=password_hash or make_password(None), joined_at=origin.at, vouched=True,
            )  # fmt: skip
    except IntegrityError:
        raise Invalid(field="email", problem="this address already has an account") from None
    record("parties.person_added", person.pk)
    return person.pk


@command(may=[Role.OPERATOR])
def add_membership(
    *, person_id: UUID, party_id: UUID, role: str, territory: str | None, origin: Origin
) -> UUID:
    """Let a person act for a party in a role; return the membership's id.

    Who:     the operator, or set-up.
    Refuses: Absent (person, party), NotVouched, WrongRole (a company has no bank officers), Invalid.
    """
    party = Party.objects.filter(pk=party_id).first()
    if party is None:
        raise Absent(kind="party")
    person = Person.objects.filter(pk=person_id).first()
    if person is None:
        raise Absent(kind="person")
    if role != Role.COMPANY and not person.vouched:
        raise NotVouched()  # anybody can sign up under any address
    if role not in MEMBER_ROLES or Role(role) not in _ROLES_OF_KIND[party.kind]:
        raise WrongRole(kind=party.kind, role=role)
    if territory is not None and territory not in territories():
        raise Invalid(field="territory", problem="a code of the corridor")
    live = Membership.objects.filter(person_id=person_id, party_id=party_id, role=role, ended_at=None).first()
    if live is None:
        with transaction.atomic():
            live = Membership.objects.create(
                person_id=person_id, party_id=party_id, role=role, territory=territory, since=origin.at
            )
        record("parties.member_added", live.pk, party=party_id, role=role)
    return live.pk


@command(may=[Role.COMPANY])
def state_facts(*, party_id: UUID, facts: dict[str, Any], origin: Origin) -> UUID:
    """A company says things about itself; each fact is kept with "the company says so" and the day.

    Who:     a member of that company.
    Writes:  the company's Profile. A value of None takes the fact back: it is unknown again.
    Refuses: NotEntitled, Absent, Invalid (a name or value that no fact has), RegisteredFact.
    """
    if origin.actor.party_id != party_id:
        raise NotEntitled(who="a member of the company")
    profile = Profile.objects.select_for_update().filter(party_id=party_id).first()
    if profile is None:
        raise Absent(kind="company")
    for field, value in facts.items():
        _check_fact(field, value)
        if profile.facts.get(field, {}).get("source", "company") != "company":
            raise RegisteredFact(field=field, source=profile.facts[field]["source"])
        if value is None:
            profile.facts.pop(field, None)
        else:
            profile.facts[field] = {
                "value": value, "source": "company", "as_of": timezone.localdate(origin.at).isoformat(),
            }  # fmt: skip
    if len(profile.facts) > FACTS_MAX:
        raise Invalid(field="facts", problem="at most 200 facts of one company")
    profile.updated_at = origin.at
    profile.save(update_fields=["facts", "updated_at"])
    record("parties.facts_stated", party_id, fields=sorted(facts))
    return party_id


def _check_fact(name: str, value: Any) -> None:
    """A fact is a yes or no, a whole number, a short text, or a short list of these; None takes it back."""

    def plain(one: Any) -> bool:
        if isinstance(one, str):
            return len(one) <= 200 and one.isprintable()
        return isinstance(one, bool) or (isinstance(one, int) and abs(one) <= MAX_MINOR)

    if not re.fullmatch(r"[a-z][a-z0-9_]{0,59}", name):
        raise Invalid(field="facts", problem="names are small letters, digits and _, at most 60")
    listed = isinstance(value, list) and len(value) <= 50 and all(plain(one) for one in value)
    if not (value is None or plain(value) or listed):
        raise Invalid(field=name, problem="yes or no, a whole number, a text of at most 200 characters, or a list of these")


@command(may=[r for r in Role if r not in {Role.PUBLIC, Role.SYSTEM}])
def issue_token(
    *,
    membership_id: UUID,
    name: str,
    scopes: list[str],
    days: int,
    secret_digest: str,
    token_id: UUID,
    origin: Origin,
) -> UUID:
    """Give a machine a key to one's own membership. The secret is made at the edge; only its digest comes here.

    Who:     the person of that membership.
    Refuses: NotEntitled, Invalid (scopes, days from 1 to 366).
    """
    membership = Membership.objects.filter(pk=membership_id, ended_at=None).first()
    actor = origin.actor
    acted_under = (actor.person_id, str(actor.role), actor.party_id)
    if membership is None or (membership.person_id, membership.role, membership.party_id) != acted_under:
        # Acting under another membership is not enough: that one may want a second factor.
        raise NotEntitled(who="the person acting under that membership")
    if not 1 <= len(scopes) <= 20 or not all(access.is_scope(scope) for scope in scopes):
        raise Invalid(field="scopes", problem='a list such as ["policies:read", "matching:write"]')
    if not 1 <= days <= 366:
        raise Invalid(field="days", problem="from 1 to 366")
    if not name.strip() or len(name) > 80 or not name.isprintable():
        raise Invalid(field="name", problem="from 1 to 80 characters")
    AccessToken.objects.create(
        id=token_id, membership=membership, name=name.strip(), secret_digest=secret_digest, scopes=sorted(set(scopes)),
        issued_at=origin.at, expires_at=origin.at + timedelta(days=days),
    )  # fmt: skip
    record("parties.token_issued", token_id, scopes=sorted(set(scopes)))
    return token_id


@command(may=[r for r in Role if r not in {Role.PUBLIC, Role.SYSTEM}])
def revoke_token(*, token_id: UUID, origin: Origin) -> UUID:
    """Take a token back, for ever. Who: its owner, or the operator. Twice is once."""
    token = AccessToken.objects.select_for_update().select_related("membership").filter(pk=token_id).first()
    if token is None:
        raise Absent(kind="token")
    if origin.actor.person_id != token.membership.person_id and origin.actor.role != Role.OPERATOR:
        raise NotEntitled(who="the token's owner or the operator")
    if token.revoked_at is None:
        token.revoked_at = origin.at
        token.save(update_fields=["revoked_at"])
        record("parties.token_revoked", token_id)
    return token.pk
