"""The journal: one row for each command that was carried out or refused. Rows are only ever added.

The application role may add and read; positions are given by the SQL function `journal_assign`, which alone may
write the column `position`. Each batch of positions is sealed under a Merkle root, and the roots form a signed chain.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint
from django.db.models.expressions import RawSQL


class Entry(models.Model):
    """One command asked: who, what, under which key, and what came of it."""

    DONE: ClassVar = "done"
    REFUSED: ClassVar = "refused"

    id = models.UUIDField(primary_key=True)
    #: Counted when the row is written, which is last in its transaction: a command that waited for
    #: another comes after it. It may have gaps; `position` has none.
    seq = models.BigIntegerField(db_default=RawSQL("nextval('journal_seq')", []))
    actor_id = models.UUIDField()
    role = models.CharField(max_length=24)
    party_id = models.UUIDField(null=True)
    territory = models.CharField(max_length=6, null=True)
    key = models.UUIDField()
    command = models.CharField(max_length=100)
    arguments_digest = models.CharField(max_length=64)
    outcome = models.CharField(max_length=8)
    code = models.CharField(max_length=100, default="")
    facts = models.JSONField(default=dict)
    result = models.JSONField(null=True)
    events = models.JSONField(default=list)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=RawSQL("clock_timestamp()", []))
    position = models.BigIntegerField(null=True)

    class Meta:
        db_table = "journal_entry"
        constraints = [
            UniqueConstraint(fields=["actor_id", "key"], name="a_key_is_answered_once"),
            UniqueConstraint(fields=["position"], name="journal_position_once"),
            CheckConstraint(condition=Q(outcome__in=["done", "refused"]), name="journal_outcome_known"),
        ]
        indexes = [models.Index(fields=["seq"], name="journal_unsealed", condition=Q(position=None))]


class Batch(models.Model):
    """A run of positions sealed under one root. `chain` covers the chain of the batch before."""

    number = models.BigIntegerField(primary_key=True)
    first = models.BigIntegerField()
    last = models.BigIntegerField()
    root = models.CharField(max_length=64)
    chain = models.CharField(max_length=64)
    signature = models.CharField(max_length=128)
    public_key = models.CharField(max_length=64)
    sealed_at = models.DateTimeField()

    class Meta:
        db_table = "journal_batch"
        constraints = [CheckConstraint(condition=Q(first__lte=F("last")), name="journal_batch_not_empty")]
