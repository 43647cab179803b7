"""What the journal says as facts. Rows are only ever added; `commands.gather` adds them, and nothing else does."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint

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


class Reader(models.Model):
    """How far the journal has been read. Whoever gathers locks this row, so that no two gather at once."""

    name = models.CharField(max_length=20, primary_key=True)
    position = models.BigIntegerField(default=0)
    gathered_at = models.DateTimeField(null=True)
