"""Accounts and transfers. Only the database functions of migrations/sql write these rows; the application may read."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import CheckConstraint, F, Index, Q


class Account(models.Model):
    """One account with its four sums. The bound is checked by the function that posts, and again here."""

    id = models.UUIDField(primary_key=True)
    debits_posted = models.BigIntegerField(default=0)
    debits_pending = models.BigIntegerField(default=0)
    credits_posted = models.BigIntegerField(default=0)
    credits_pending = models.BigIntegerField(default=0)
    opened_at = models.DateTimeField()
    owner_id = models.UUIDField(null=True)
    unit = models.TextField()
    kind = models.TextField()
    bound = models.TextField()
    state = models.TextField(default="open")

    class Meta:
        db_table = "ledger_account"
        constraints: ClassVar = [
            CheckConstraint(
                condition=Q(
                    debits_posted__gte=0, debits_pending__gte=0, credits_posted__gte=0, credits_pending__gte=0
                ),
                name="ledger_sums_not_negative",
            ),
            CheckConstraint(
                condition=~Q(bound="debits")
                | Q(credits_posted__gte=F("debits_posted") + F("debits_pending")),
                name="ledger_debits_in_bound",
            ),
            CheckConstraint(
                condition=~Q(bound="credits")
                | Q(debits_posted__gte=F("credits_posted") + F("credits_pending")),
                name="ledger_credits_in_bound",
            ),
            CheckConstraint(condition=Q(bound__in=["none", "debits", "credits"]), name="ledger_bound_known"),
            CheckConstraint(condition=Q(state__in=["open", "frozen", "closed"]), name="ledger_state_known"),
        ]
        indexes: ClassVar = [Index(fields=["owner_id", "kind"], name="ledger_account_owner")]


class Transfer(models.Model):
    """One transfer that was asked for, moved or refused. `seq` orders what happened to an account."""

    id = models.UUIDField(primary_key=True)
    debit = models.UUIDField(null=True)
    credit = models.UUIDField(null=True)
    seq = models.BigIntegerField()
    amount = models.BigIntegerField()  # what moved; 0 when refused
    asked = models.BigIntegerField(null=True)  # null: all that was left of the hold
    at = models.DateTimeField()
    kind = models.TextField()
    unit = models.TextField()
    code = models.TextField()
    up_to = models.BooleanField()
    subject = models.UUIDField(null=True)
    hold = models.UUIDField(null=True)
    expires_at = models.DateTimeField(null=True)
    refused = models.TextField(null=True)

    class Meta:
        db_table = "ledger_transfer"
        indexes: ClassVar = [
            Index(fields=["debit", "seq"], name="ledger_transfer_debit", condition=Q(refused=None)),
            Index(fields=["credit", "seq"], name="ledger_transfer_credit", condition=Q(refused=None)),
        ]


class Hold(models.Model):
    """What is left of a hold. It stays when nothing is left, so that a late settle is told so."""

    id = models.UUIDField(primary_key=True)  # of the transfer that made it
    debit = models.UUIDField()
    credit = models.UUIDField()
    remaining = models.BigIntegerField()
    expires_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "ledger_hold"
        constraints: ClassVar = [
            CheckConstraint(condition=Q(remaining__gte=0), name="ledger_hold_not_negative")
        ]
        indexes: ClassVar = [
            Index(
                fields=["expires_at"],
                name="ledger_hold_overdue",
                condition=Q(remaining__gt=0, expires_at__isnull=False),
            )
        ]
