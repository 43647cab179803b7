"""What the journal says as facts, and which files hold them for counting. Facts are only ever added; `commands` adds them, nothing else does."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint

from luhai.core.indicators.dimensions import NOT_STATED

from .policy import Kind


class Fact(models.Model):
    """One thing that happened, as it is counted. Where it came from is its name: position and index in the journal, and kind."""

    position = models.BigIntegerField()
    index = models.PositiveIntegerField()
    kind = models.CharField(max_length=12)
    event_kind = models.CharField(max_length=60)
    subject = models.CharField(max_length=200)
    month = models.DateField()  # its first day; in China
    day = models.DateField()
    territory = models.CharField(max_length=6)
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField()
    country = models.CharField(max_length=2, default="")
    documented = models.BooleanField()
    bank_id = models.UUIDField()
    company_id = models.UUIDField()
    #: What else it is told apart by (core/indicators/dimensions.py); "_Z": does not apply, or the event did not say.
    size = models.CharField(max_length=7, default=NOT_STATED, db_default=NOT_STATED)
    industry = models.CharField(max_length=2, default=NOT_STATED, db_default=NOT_STATED)
    term = models.CharField(max_length=4, default=NOT_STATED, db_default=NOT_STATED)
    route = models.CharField(max_length=3, default=NOT_STATED, db_default=NOT_STATED)
    guarantee = models.CharField(max_length=3, default=NOT_STATED, db_default=NOT_STATED)
    green = models.CharField(max_length=2, default=NOT_STATED, db_default=NOT_STATED)
    rate_bp = models.IntegerField(null=True)  # a year, of loans

    class Meta:
        constraints: ClassVar = [
            UniqueConstraint(fields=["position", "index", "kind"], name="a_fact_is_written_once"),
            CheckConstraint(condition=Q(kind__in=[*Kind]), name="statistics_kind_known"),
            CheckConstraint(condition=Q(amount__gt=0), name="statistics_amount_positive"),
            CheckConstraint(condition=Q(month__day=1, day__gte=models.F("month")), name="statistics_month_begins"),
        ]
        indexes: ClassVar = [Index(fields=["kind", "month", "territory", "currency"], name="statistics_cell")]


class Unread(models.Model):
    """An event of a kind that is counted, without what counting needs: older than that need, or wrong. Never left out in silence."""

    position = models.BigIntegerField()
    index = models.PositiveIntegerField()
    event_kind = models.CharField(max_length=60)
    problem = models.CharField(max_length=100)

    class Meta:
        constraints: ClassVar = [
            UniqueConstraint(fields=["position", "index"], name="an_event_is_set_aside_once")
        ]


class Acts(models.Model):
    """How often something was done under a measure of the policy, in all of the journal that was read. The reading of figures itself is left out."""

    measure = models.CharField(max_length=20, primary_key=True)
    count = models.BigIntegerField()
    first_day = models.DateField()
    last_day = models.DateField()

    class Meta:
        constraints: ClassVar = [CheckConstraint(condition=Q(count__gt=0, last_day__gte=models.F("first_day")), name="acts_were_done")]


class Part(models.Model):
    """A file of facts that counts (core/indicators/facts.py): what lies in the folder and is not written here is nothing.

    A part that was merged into a larger one is `replaced_at` then; it counts no more, and its file is kept a while for who still reads it.
    Positions of parts of one day that count do not overlap: migration 0003 makes that a constraint.
    """

    path = models.CharField(max_length=80, unique=True)  # below the folder of facts
    day = models.DateField()
    first = models.BigIntegerField()  # positions of the journal
    last = models.BigIntegerField()
    rows = models.BigIntegerField()
    digest = models.CharField(max_length=64)  # SHA-256 of the file
    written_at = models.DateTimeField()
    replaced_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            CheckConstraint(condition=Q(first__gt=0, last__gte=models.F("first"), rows__gt=0), name="a_part_holds_facts"),
        ]
        indexes: ClassVar = [Index(fields=["day", "first"], condition=Q(replaced_at=None), name="statistics_part_of_day")]


class Reader(models.Model):
    """How far something has been read: "facts" and "acts" the journal, "export" the facts. Who reads on locks its row, so that no two do at once."""

    name = models.CharField(max_length=20, primary_key=True)
    position = models.BigIntegerField(default=0)
    gathered_at = models.DateTimeField(null=True)
