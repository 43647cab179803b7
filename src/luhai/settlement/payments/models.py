"""What is stored of payments. `commands` writes these rows; nothing else does.

Where the money is stands on the ledger (books.py). Rows are only ever added, but for the state of a payment, the end of an attachment
and the approval of an override (migration 0002). Messages are kept as they came and went.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint

from .lifecycle import Act, State
from .policy import OVERRIDE_REASONS, SITUATIONS


class Account(models.Model):
    """A number that a bank gave to a company, and the ledger account that payments to it go to."""

    id = models.UUIDField(primary_key=True)
    bank = models.ForeignKey("parties.Party", models.PROTECT, related_name="+")
    company = models.ForeignKey("parties.Party", models.PROTECT, related_name="+")
    number = models.CharField(max_length=34)
    currency = models.CharField(max_length=3)
    ledger_account = models.UUIDField(unique=True)
    opened_by = models.UUIDField()
    opened_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            UniqueConstraint(fields=["bank", "number"], name="a_bank_gives_a_number_once"),
            CheckConstraint(condition=~Q(bank=F("company")), name="an_account_has_two_sides"),
        ]


class Payment(models.Model):
    """A payment that came for a company. `sender` is the bank that sent it, where that is registered here."""

    id = models.UUIDField(primary_key=True)
    bank = models.ForeignKey("parties.Party", models.PROTECT, related_name="+")
    company = models.ForeignKey("parties.Party", models.PROTECT, related_name="+")
    sender = models.ForeignKey("parties.Party", models.PROTECT, null=True, related_name="+")
    account = models.ForeignKey(Account, models.PROTECT, related_name="payments")
    state = models.CharField(max_length=10, default=State.RECEIVED.value)
    uetr = models.CharField(max_length=36)
    end_to_end_id = models.CharField(max_length=35)
    sender_bic = models.CharField(max_length=11)
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField()
    debtor_name = models.CharField(max_length=140)
    debtor_country = models.CharField(max_length=2, default="", blank=True)
    creditor_name = models.CharField(max_length=140)
    invoices = models.JSONField(default=list)
    value_date = models.DateField()
    suspense = models.UUIDField(unique=True)
    received_at = models.DateTimeField()
    acted_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            CheckConstraint(condition=Q(state__in=[s.value for s in State]), name="payment_state_known"),
            CheckConstraint(condition=Q(amount__gt=0), name="payment_of_something"),
            UniqueConstraint(fields=["bank", "uetr"], name="a_payment_comes_once"),
        ]
        indexes: ClassVar = [Index(fields=["-acted_at", "-id"], name="payment_newest_first")]


class Attachment(models.Model):
    """A document that the company put to a payment; the bank may look at it and use it for this payment."""

    payment = models.ForeignKey(Payment, models.PROTECT, related_name="attachments")
    evidence_id = models.UUIDField()
    attached_at = models.DateTimeField()
    detached_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            UniqueConstraint(
                fields=["payment", "evidence_id"],
                condition=Q(detached_at=None),
                name="a_document_is_attached_once",
            )
        ]


class Verdict(models.Model):
    """What the check said of a payment, on which versions of which documents. `papers` are
    [evidence, version, state]."""

    id = models.UUIDField(primary_key=True)
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="verdicts")
    n = models.PositiveIntegerField()
    situation = models.CharField(max_length=30)
    rule_set = models.CharField(max_length=240)  # the rules, and the scenes that were laid over them, joined by +
    tier = models.CharField(max_length=4)
    verdict = models.CharField(max_length=7)
    findings = models.JSONField()
    facts = models.JSONField(default=dict)
    papers = models.JSONField()
    declaration_id = models.UUIDField(null=True)
    person = models.UUIDField()
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            UniqueConstraint(fields=["payment", "n"], name="verdict_order"),
            CheckConstraint(condition=Q(verdict__in=["clear", "blocked"]), name="verdict_known"),
            CheckConstraint(condition=Q(situation__in=list(SITUATIONS)), name="situation_known"),
        ]


class Override(models.Model):
    """A blocked verdict that one person proposes to set aside and another one does."""

    verdict = models.OneToOneField(Verdict, models.PROTECT, primary_key=True, related_name="override")
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="overrides")
    reason_code = models.CharField(max_length=20)
    reason = models.CharField(max_length=400)
    proposed_by = models.UUIDField()
    proposed_at = models.DateTimeField()
    approved_by = models.UUIDField(null=True)
    approved_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            CheckConstraint(
                condition=Q(reason_code__in=list(OVERRIDE_REASONS)), name="override_reason_known"
            ),
            CheckConstraint(condition=~Q(approved_by=F("proposed_by")), name="override_four_eyes"),
            CheckConstraint(
                condition=Q(approved_by=None, approved_at=None)
                | Q(approved_by__isnull=False, approved_at__isnull=False),
                name="override_approved_whole",
            ),
        ]


class Credit(models.Model):
    """How a payment was credited: what, at which rate, where to, and which use of the declaration carried it."""

    payment = models.OneToOneField(Payment, models.PROTECT, primary_key=True, related_name="credit")
    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    escrow_id = models.UUIDField(null=True)
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField()
    rate = models.CharField(max_length=30, default="", blank=True)
    rate_on = models.DateField(null=True)
    source = models.CharField(max_length=80, default="", blank=True)
    use_id = models.UUIDField(null=True)
    used = models.BigIntegerField(null=True)  # of the declaration, in its currency
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            CheckConstraint(condition=Q(amount__gt=0), name="credit_of_something"),
            CheckConstraint(condition=Q(use_id=None) | Q(used__gt=0), name="credit_uses_something"),
        ]


class Message(models.Model):
    """A message as it came or went. `sender` is the bank abroad that may see it; a notification to the company has none."""

    payment = models.ForeignKey(Payment, models.PROTECT, null=True, related_name="messages")
    bank = models.ForeignKey("parties.Party", models.PROTECT, related_name="+")
    sender = models.ForeignKey("parties.Party", models.PROTECT, null=True, related_name="+")
    company = models.ForeignKey("parties.Party", models.PROTECT, null=True, related_name="+")
    answers = models.OneToOneField("self", models.PROTECT, null=True, related_name="answer")
    way = models.CharField(max_length=3)  # in, out
    type = models.CharField(max_length=20)
    message_id = models.CharField(max_length=35)
    uetr = models.CharField(max_length=36)
    status = models.CharField(max_length=4, default="", blank=True)  # what a pacs.002 says
    reason = models.CharField(max_length=4, default="", blank=True)
    content = models.BinaryField()
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [CheckConstraint(condition=Q(way__in=["in", "out"]), name="message_way_known")]
        indexes: ClassVar = [
            Index(fields=["bank", "uetr"], name="message_of_uetr"),
            Index(fields=["-id"], name="message_rejected", condition=Q(status="RJCT")),
        ]


class Event(models.Model):
    """What was done to a payment, in order. Rows are only ever added."""

    payment = models.ForeignKey(Payment, models.PROTECT, related_name="events")
    act = models.CharField(max_length=10)
    after = models.CharField(max_length=10)
    party = models.UUIDField(null=True)  # null: the system
    person = models.UUIDField()
    data = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            CheckConstraint(condition=Q(act__in=[a.value for a in Act]), name="payment_act_known")
        ]
