"""What is released. `commands` writes these rows; nothing else does.

A `Cell` is what is printed: where it is withheld, it holds no number. A `Count` is what was counted, with who stands behind it: for those who
oversee, and for the decision what later releases must withhold.
"""

from __future__ import annotations

from typing import ClassVar
from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint

from luhai.core.indicators.disclosure import Why

from .lifecycle import FROZEN, Kind, State


class Release(models.Model):
    """One vintage of the figures of one month."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    month = models.DateField()  # its first day
    vintage = models.PositiveIntegerField()
    kind = models.CharField(max_length=12)
    state = models.CharField(max_length=12, default=State.PLANNED)
    due = models.DateField()
    embargo_until = models.DateTimeField()
    reason = models.CharField(max_length=500, default="")  # of a revision, or of discarding
    changed = models.CharField(max_length=2000, default="")  # what a revision changes, in words
    planned_at = models.DateTimeField()
    planned_by = models.UUIDField()
    position = models.BigIntegerField(null=True)  # the journal was counted to here
    engine = models.CharField(max_length=10, default="")
    definitions = models.CharField(max_length=64, default="")
    parameters = models.CharField(max_length=64, default="")
    rules = models.JSONField(default=list)  # the parameters' versions
    digest = models.CharField(max_length=64, default="")
    cells = models.PositiveIntegerField(default=0)
    withheld = models.PositiveIntegerField(default=0)
    same = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")  # the vintage of the month that was newest before
    before = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")  # the newest of the month before
    after = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")  # the newest of the month after, if that was out before
    computed_at = models.DateTimeField(null=True)
    computed_by = models.UUIDField(null=True)
    published_at = models.DateTimeField(null=True)
    published_by = models.UUIDField(null=True)

    class Meta:
        constraints: ClassVar = [
            UniqueConstraint(fields=["month", "vintage"], name="a_vintage_is_one_release"),
            UniqueConstraint(fields=["month"], condition=Q(state=State.PUBLISHED), name="one_newest_release_of_a_month"),
            UniqueConstraint(fields=["month"], condition=Q(state__in=[State.PLANNED, State.COMPUTED]), name="one_release_of_a_month_at_work"),
            CheckConstraint(condition=Q(state__in=[*State]), name="release_state_known"),
            CheckConstraint(condition=Q(kind__in=[*Kind]), name="release_kind_known"),
            CheckConstraint(condition=Q(month__day=1), name="release_month_begins"),
            CheckConstraint(condition=~Q(kind=Kind.REVISED) | ~Q(reason=""), name="a_revision_has_a_reason"),
            CheckConstraint(
                condition=~Q(state__in=[*FROZEN]) | Q(position__isnull=False, computed_at__isnull=False, computed_by__isnull=False) & ~Q(digest=""),
                name="a_frozen_release_was_computed",
            ),
            CheckConstraint(
                condition=~Q(state__in=[State.PUBLISHED, State.SUPERSEDED]) | Q(published_at__isnull=False), name="a_published_release_has_a_day"
            ),
            CheckConstraint(condition=Q(published_at=None) | Q(published_at__gte=F("embargo_until")), name="an_embargo_is_kept"),
            CheckConstraint(condition=Q(published_by=None) | ~Q(published_by=F("computed_by")), name="two_persons_publish"),
        ]


class Cell(models.Model):
    """One printed figure; without a number where it is withheld."""

    release = models.ForeignKey(Release, models.PROTECT, related_name="+")
    indicator = models.CharField(max_length=40)
    key = ArrayField(models.CharField(max_length=10))
    value = models.DecimalField(max_digits=38, decimal_places=0, null=True)
    why = models.CharField(max_length=1)  # CL_CONF_STATUS
    method = models.CharField(max_length=64)  # the digest of its definition
    unit = models.CharField(max_length=12)
    decimals = models.PositiveSmallIntegerField()

    class Meta:
        constraints: ClassVar = [
            UniqueConstraint(fields=["release", "indicator", "key"], name="a_cell_is_printed_once"),
            CheckConstraint(condition=Q(why__in=[*Why]), name="cell_why_known"),
            CheckConstraint(condition=Q(why=Why.FREE) | Q(value=None), name="a_withheld_cell_has_no_number"),
        ]
        indexes: ClassVar = [Index(fields=["indicator", "release"], name="releases_cell_of")]


class Count(models.Model):
    """One figure as it was counted; also figures that are printed nowhere but could be worked out (see `linking`)."""

    release = models.ForeignKey(Release, models.PROTECT, related_name="+")
    name = models.CharField(max_length=80)
    key = ArrayField(models.CharField(max_length=10))
    printed = models.BooleanField()
    opening = models.DecimalField(max_digits=38, decimal_places=0)
    added = models.DecimalField(max_digits=38, decimal_places=0)
    taken = models.DecimalField(max_digits=38, decimal_places=0)
    numerator = models.DecimalField(max_digits=38, decimal_places=0)
    denominator = models.DecimalField(max_digits=38, decimal_places=0)
    value = models.DecimalField(max_digits=38, decimal_places=0, null=True)
    count = models.BigIntegerField()
    contributors = models.BigIntegerField()
    largest = models.DecimalField(max_digits=38, decimal_places=0)
    second = models.DecimalField(max_digits=38, decimal_places=0)
    first = models.BigIntegerField()
    last = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [UniqueConstraint(fields=["release", "name", "key"], name="a_figure_is_counted_once")]
