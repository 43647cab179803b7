"""What replication stores: adoptions of packages by territories, what was examined and stated, and what is counted while they are live.

`commands` writes these rows; nothing else does. Who sees which, and what two people must have done, is kept by migration 0002 too.
"""

from __future__ import annotations

from typing import ClassVar
from uuid import uuid4

from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint

from .lifecycle import OPEN, STANDING, Act, State

_PERSONS = Q(proposed_by__isnull=False, approved_by__isnull=False, granted_by__isnull=False)


class Adoption(models.Model):
    """A package in a version, as a territory takes it over. `overrides` are the parameters that it sets differently."""

    id = models.UUIDField(primary_key=True)
    package = models.CharField(max_length=40)
    version = models.CharField(max_length=20)
    digest = models.CharField(max_length=64)  # of the package's content when it was drafted
    scene = models.CharField(max_length=40)
    measure = models.CharField(max_length=8)
    territory = models.CharField(max_length=6)
    state = models.CharField(max_length=12)
    overrides = models.JSONField(default=dict)
    starts_on = models.DateField()
    ends_on = models.DateField(null=True)  # its last day
    drafted_by = models.UUIDField()
    proposed_by = models.UUIDField(null=True)
    approved_by = models.UUIDField(null=True)
    granted_by = models.UUIDField(null=True)
    instrument_no = models.CharField(max_length=120, default="")
    approver = models.CharField(max_length=200, default="")
    scope = models.CharField(max_length=500, default="")
    granted_on = models.DateField(null=True)
    live_from = models.DateField(null=True)
    until = models.DateField(null=True)  # the first day without it
    back_asked_by = models.UUIDField(null=True)
    back_from = models.DateField(null=True)
    back_reason = models.CharField(max_length=500, default="")
    back_by = models.UUIDField(null=True)
    entered = models.BooleanField(default=False)  # entered as it stood, without its way there
    invented = models.BooleanField(default=False)
    changed_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            CheckConstraint(condition=Q(state__in=[s.value for s in State]), name="replication_state_known"),
            CheckConstraint(condition=Q(ends_on=None) | Q(ends_on__gte=F("starts_on")), name="replication_ends_after_it_starts"),
            CheckConstraint(
                condition=Q(approved_by=None) | ~Q(approved_by=F("proposed_by")), name="replication_two_officials"
            ),
            CheckConstraint(
                condition=Q(granted_by=None) | ~Q(granted_by=F("proposed_by")) & ~Q(granted_by=F("approved_by")),
                name="replication_granted_by_a_third",
            ),
            CheckConstraint(condition=Q(back_by=None) | ~Q(back_by=F("back_asked_by")), name="replication_back_by_two"),
            CheckConstraint(
                condition=~Q(state__in=["granted", "live", "stopped", "rolled_back", "ended"]) | Q(entered=True) | _PERSONS,
                name="replication_live_by_three",
            ),
            CheckConstraint(
                condition=~Q(state__in=["live", "stopped", "rolled_back", "ended"])
                | Q(live_from__isnull=False) & ~Q(instrument_no="") & ~Q(approver=""),
                name="replication_live_names_its_instrument",
            ),
            CheckConstraint(
                condition=~Q(state="rolled_back") | Q(back_by__isnull=False, until__isnull=False), name="replication_back_has_a_day"
            ),
            UniqueConstraint(
                fields=["package", "territory"], condition=Q(state__in=[s.value for s in OPEN]), name="replication_one_on_its_way"
            ),
            UniqueConstraint(
                fields=["scene", "territory"], condition=Q(state__in=[s.value for s in STANDING]), name="replication_one_live"
            ),
        ]
        indexes: ClassVar = [Index(fields=["-changed_at", "-id"], name="replication_newest")]


class Examination(models.Model):
    """Conditions with their reasons, vectors, and the estimate, as they were found on a day. Rows are only ever added."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    adoption = models.ForeignKey(Adoption, models.PROTECT, related_name="examinations")
    n = models.PositiveIntegerField()
    about = models.CharField(max_length=64)  # digest of package, overrides and days that it looked at
    conditions = models.JSONField()  # policy.Eligibility
    vectors = models.JSONField()
    impact = models.JSONField()
    ready = models.CharField(max_length=8)  # met | failed | unknown
    vectors_good = models.BooleanField()
    digest = models.CharField(max_length=64)  # of the three above, so that it is known what was decided on
    person = models.UUIDField()
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            UniqueConstraint(fields=["adoption", "n"], name="replication_examination_order"),
            CheckConstraint(condition=Q(ready__in=["met", "failed", "unknown"]), name="replication_ready_known"),
        ]


class Statement(models.Model):
    """A fact of a territory that somebody states with a paper, for so long. A newer one takes its place; rows are only ever added."""

    id = models.UUIDField(primary_key=True)
    territory = models.CharField(max_length=6)
    fact = models.CharField(max_length=40)
    n = models.PositiveIntegerField()  # 1, 2, … of this fact there
    value = models.JSONField()
    document = models.CharField(max_length=200)
    digest = models.CharField(max_length=64, default="")  # SHA-256 of the paper
    stated_on = models.DateField()
    until = models.DateField()  # its last day
    person = models.UUIDField()
    role = models.CharField(max_length=24)
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            CheckConstraint(condition=Q(until__gte=F("stated_on")), name="replication_statement_lasts"),
            UniqueConstraint(fields=["territory", "fact", "n"], name="replication_statement_order"),
        ]


class Step(models.Model):
    """What was done with an adoption, by whom. Rows are only ever added."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    adoption = models.ForeignKey(Adoption, models.PROTECT, related_name="steps")
    n = models.PositiveIntegerField()
    act = models.CharField(max_length=16)
    before = models.CharField(max_length=12, null=True)
    after = models.CharField(max_length=12)
    person = models.UUIDField()
    role = models.CharField(max_length=24)
    party = models.UUIDField(null=True)
    data = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            UniqueConstraint(fields=["adoption", "n"], name="replication_step_order"),
            CheckConstraint(condition=Q(act__in=[a.value for a in Act]), name="replication_act_known"),
        ]


class Tally(models.Model):
    """What went on under an adoption in a month, counted from the sealed journal."""

    adoption = models.ForeignKey(Adoption, models.PROTECT, related_name="tallies")
    month = models.DateField()  # its first day; in China
    checked = models.PositiveIntegerField(default=0)
    blocked = models.PositiveIntegerField(default=0)
    credited = models.PositiveIntegerField(default=0)
    credited_minor = models.BigIntegerField(default=0)  # in the currency of the package's limit
    unconverted = models.PositiveIntegerField(default=0)  # credited, and no rate was known: not in the amount

    class Meta:
        constraints: ClassVar = [
            UniqueConstraint(fields=["adoption", "month"], name="replication_tally_once"),
            CheckConstraint(condition=Q(blocked__lte=F("checked")), name="replication_blocked_were_checked"),
        ]


class Reader(models.Model):
    """How far the journal has been read for tallies. Whoever reads on locks this row."""

    name = models.CharField(max_length=20, primary_key=True)
    position = models.BigIntegerField(default=0)
