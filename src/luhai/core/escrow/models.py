"""What is stored of an escrow. `commands` writes these rows; nothing else does.

What is *in* an escrow is not stored here: value is on the leg's account in the ledger, and a title says itself who keeps it. So there is
nothing that could differ. Rows are only ever added, but for the state of the escrow (migration 0002).
"""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint

from .lifecycle import FINAL, Act, State

_ENDED = sorted(s.value for s in FINAL)


class Escrow(models.Model):
    """Terms, and how far they are. `terms` is what policy.as_json wrote; `digest` is what the parties agree to."""

    id = models.UUIDField(primary_key=True)
    state = models.CharField(max_length=8, default=State.DRAFT.value)
    terms = models.JSONField()
    digest = models.CharField(max_length=64)
    template = models.CharField(max_length=60, default="", blank=True)
    parties = ArrayField(models.UUIDField())  # who sees it
    arbiter = models.UUIDField(null=True)
    expires_at = models.DateTimeField()
    arranged_at = models.DateTimeField()
    acted_at = models.DateTimeField()
    n = models.PositiveIntegerField(default=1)  # how many events there are

    class Meta:
        constraints: ClassVar = [
            CheckConstraint(condition=Q(state__in=[s.value for s in State]), name="escrow_state_known"),
            CheckConstraint(condition=Q(n__gte=1), name="escrow_has_begun"),
        ]
        indexes: ClassVar = [
            GinIndex(fields=["parties"], name="escrow_parties"),
            Index(fields=["-acted_at", "-id"], name="escrow_newest_first"),
            Index(fields=["expires_at"], name="escrow_due", condition=~Q(state__in=_ENDED)),
        ]


class Leg(models.Model):
    """A leg of value: the account that holds it, and the one it came from and goes back to."""

    escrow = models.ForeignKey(Escrow, models.PROTECT, related_name="legs")
    name = models.CharField(max_length=40)
    account = models.UUIDField(unique=True)  # of the ledger, kind escrow.value
    source = models.UUIDField()
    payer = models.ForeignKey("parties.Party", models.PROTECT, related_name="+")
    unit = models.CharField(max_length=60)

    class Meta:
        constraints: ClassVar = [
            UniqueConstraint(fields=["escrow", "name"], name="a_leg_has_a_name_of_its_own")
        ]


class Agreement(models.Model):
    """A party agrees to the terms with this digest."""

    escrow = models.ForeignKey(Escrow, models.PROTECT, related_name="agreements")
    party = models.ForeignKey("parties.Party", models.PROTECT, related_name="+")
    person = models.UUIDField()
    digest = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [UniqueConstraint(fields=["escrow", "party"], name="a_party_agrees_once")]


class Deposit(models.Model):
    """A title that a party handed over."""

    escrow = models.ForeignKey(Escrow, models.PROTECT, related_name="deposits")
    title = models.ForeignKey("titles.Title", models.PROTECT, related_name="+")
    party = models.ForeignKey("parties.Party", models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            UniqueConstraint(fields=["escrow", "title", "party"], name="a_title_is_handed_over_once")
        ]


class Showing(models.Model):
    """A piece of evidence, in one version, that a party presented for a condition."""

    escrow = models.ForeignKey(Escrow, models.PROTECT, related_name="showings")
    condition = models.CharField(max_length=40)
    evidence_id = models.UUIDField()
    version = models.PositiveIntegerField()
    party = models.ForeignKey("parties.Party", models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            UniqueConstraint(
                fields=["escrow", "condition", "evidence_id", "version"], name="a_version_is_shown_once"
            )
        ]


class Confirmation(models.Model):
    """A party's consent, for a condition."""

    escrow = models.ForeignKey(Escrow, models.PROTECT, related_name="confirmations")
    condition = models.CharField(max_length=40)
    party = models.ForeignKey("parties.Party", models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            UniqueConstraint(fields=["escrow", "condition", "party"], name="a_party_confirms_once")
        ]


class Outcome(models.Model):
    """How an escrow ended: one row, so it ends once. `proof` is what met each condition, or whose decision it was."""

    escrow = models.OneToOneField(
        Escrow, models.PROTECT, primary_key=True, related_name="outcome", db_column="escrow_id"
    )
    state = models.CharField(max_length=8)
    cause = models.CharField(max_length=8)  # the act that ended it
    proof = models.JSONField()
    moved = models.JSONField()  # what went where: {leg, to, amount, code, transfer}
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            CheckConstraint(condition=Q(state__in=_ENDED), name="an_outcome_is_an_end"),
        ]


class Event(models.Model):
    """What was done to an escrow, in order. Rows are only ever added."""

    escrow = models.ForeignKey(Escrow, models.PROTECT, related_name="events")
    n = models.PositiveIntegerField()
    act = models.CharField(max_length=8)
    after = models.CharField(max_length=8)
    actor_party = models.UUIDField(null=True)  # null: the system
    person = models.UUIDField()
    data = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            UniqueConstraint(fields=["escrow", "n"], name="escrow_event_order"),
            CheckConstraint(condition=Q(act__in=[a.value for a in Act]), name="escrow_act_known"),
        ]
