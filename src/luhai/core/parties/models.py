"""Who is who, and who may act for whom. `commands` writes these rows; nothing else does."""

from __future__ import annotations

from typing import ClassVar
from uuid import uuid4

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from luhai.kernel.origin import Role

PARTY_KINDS = ["company", "institution", "agency"]
INSTITUTION_KINDS = [
    "policy_bank", "large_bank", "joint_stock_bank", "city_bank", "rural_bank", "foreign_bank",
    "insurer", "lessor", "guarantor", "factor",
]  # fmt: skip
AGENCY_KINDS = ["pboc", "safe", "nfra", "province", "customs", "operator"]
IDENTIFIER_SCHEMES = ["uscc", "org_code", "lei", "bic", "national"]
MEMBER_ROLES = [r.value for r in Role if r not in {Role.PUBLIC, Role.SYSTEM}]


class People(BaseUserManager["Person"]):
    def get_by_natural_key(self, username: str | None) -> Person:
        return self.get(email__iexact=username)


class Person(AbstractBaseUser):
    """Somebody who signs in. What they may do comes from their memberships alone."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    email = models.EmailField(unique=True)
    name_zh = models.CharField(max_length=60, default="", blank=True)
    name_en = models.CharField(max_length=120, default="", blank=True)
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(null=True)
    #: Made by the operator, who knows who it is; an account that somebody opened by themselves is not.
    vouched = models.BooleanField(default=False)

    objects = People()
    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.name_zh or self.name_en or self.email

    def has_perm(self, perm: str, obj: object = None) -> bool:
        return False

    def has_module_perms(self, app_label: str) -> bool:
        return False


class Party(models.Model):
    """A company, an institution or an agency. Names are public; what it tells about itself is in Profile."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    kind = models.CharField(max_length=12)
    sort = models.CharField(max_length=20, default="")  # the kind of institution or agency
    name_zh = models.CharField(max_length=200, default="")
    name_en = models.CharField(max_length=200, default="")
    country = models.CharField(max_length=2)  # ISO 3166-1 alpha-2
    territory = models.CharField(max_length=6, null=True)  # GB/T 2260; one of the 13+2, or null
    registered_at = models.DateTimeField()
    invented = models.BooleanField(default=False)

    class Meta:
        constraints = [
            CheckConstraint(condition=Q(kind__in=PARTY_KINDS), name="party_kind_known"),
            CheckConstraint(condition=~Q(name_zh="", name_en=""), name="party_has_a_name"),
        ]
        indexes = [models.Index(fields=["kind", "territory"], name="party_kind_territory")]


class Identifier(models.Model):
    """A party's number in somebody's register, in its canonical form, its arithmetic checked."""

    party = models.ForeignKey(Party, models.PROTECT, related_name="identifiers")
    scheme = models.CharField(max_length=10)
    value = models.CharField(max_length=40)

    class Meta:
        constraints = [
            UniqueConstraint(fields=["scheme", "value"], name="an_identifier_names_one_party"),
            CheckConstraint(condition=Q(scheme__in=IDENTIFIER_SCHEMES), name="identifier_scheme_known"),
        ]


class Profile(models.Model):
    """What is known of a company: {field: {"value", "source", "as_of"}}. Confidential: row-level security."""

    party = models.OneToOneField(Party, models.PROTECT, primary_key=True, related_name="+")
    facts = models.JSONField(default=dict)
    updated_at = models.DateTimeField()


class Membership(models.Model):
    """A person may act for a party in one role. `territory` is where an official's office reaches."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    person = models.ForeignKey(Person, models.PROTECT, related_name="memberships")
    party = models.ForeignKey(Party, models.PROTECT, related_name="+")
    role = models.CharField(max_length=24)
    territory = models.CharField(max_length=6, null=True)
    since = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            CheckConstraint(condition=Q(role__in=MEMBER_ROLES), name="membership_role_known"),
            UniqueConstraint(
                fields=["person", "party", "role"], condition=Q(ended_at=None), name="one_live_membership"
            ),
        ]


class AccessToken(models.Model):
    """A machine's key to one membership. Only the hash of the secret is kept; scopes narrow what it may do."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    membership = models.ForeignKey(Membership, models.PROTECT, related_name="+")
    name = models.CharField(max_length=80)
    secret_digest = models.CharField(max_length=64)
    scopes = models.JSONField(default=list)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
