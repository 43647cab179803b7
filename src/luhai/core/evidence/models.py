"""What evidence stores. `commands` writes these rows; nothing else does.

Evidence is what stands now; its pieces are what was received, never changed. How much is used stands in the ledger alone.
Who may see a row stands in `seen_by` (migration 0002 makes the walls of it).
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint

from .lifecycle import CONSENT_PURPOSES, Alert, Purpose, ReviewOutcome, State


class Lot(models.Model):
    """Goods, or a claim, in whatever form: order, in transit, stored, receivable. Its financing is bounded once for all forms."""

    id = models.UUIDField(primary_key=True)
    subject = models.ForeignKey("parties.Party", models.PROTECT, related_name="+", db_constraint=False)
    currency = models.CharField(max_length=3, default="", blank=True)  # of its first document with an amount
    merged_into = models.ForeignKey("evidence.Lot", models.PROTECT, null=True, related_name="+")
    opened_at = models.DateTimeField()

    class Meta:
        constraints = [CheckConstraint(condition=~Q(merged_into=F("id")), name="lot_is_not_its_own_heir")]


class Evidence(models.Model):
    """One document, exactly once on the platform, as it stands after its corrections."""

    id = models.UUIDField(primary_key=True)
    kind = models.CharField(max_length=24)
    state = models.CharField(max_length=10, default=State.LIVE.value)
    source = models.ForeignKey("parties.Party", models.PROTECT, related_name="+", db_constraint=False)
    subject = models.ForeignKey("parties.Party", models.PROTECT, related_name="+", db_constraint=False)
    #: The registered parties whom the document names, the subject first. Each of them may consent to its being read.
    about = ArrayField(models.UUIDField())
    seen_by = ArrayField(models.UUIDField())
    external_ref = models.CharField(max_length=200, blank=True)
    identity = models.CharField(max_length=700)
    identity_digest = models.CharField(max_length=64, unique=True)
    look = models.CharField(max_length=200, blank=True)  # its number as a hurried eye reads it
    other = models.CharField(max_length=200, blank=True)  # the counterparty, folded
    dated = models.DateField()
    amount_minor = models.BigIntegerField(
        null=True
    )  # as the last version states it, less what was taken back
    currency = models.CharField(max_length=3, default="", blank=True)
    tolerance_bp = models.IntegerField(default=0)  # the parameters on the day of receipt
    ratio_bp = models.IntegerField(default=0)
    finance_limit = models.BigIntegerField(default=0)  # what its face adds to its lot
    lot = models.ForeignKey(Lot, models.PROTECT, null=True, related_name="+")
    version = models.PositiveIntegerField(default=1)
    received_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            CheckConstraint(condition=Q(state__in=[s.value for s in State]), name="evidence_state_known"),
            CheckConstraint(condition=Q(finance_limit__gte=0), name="evidence_limit_not_negative"),
            CheckConstraint(
                condition=Q(state=State.LIVE.value) | Q(finance_limit=0),
                name="cancelled_evidence_adds_nothing",
            ),
            CheckConstraint(
                condition=Q(amount_minor=None) | ~Q(currency=""), name="evidence_amount_has_a_currency"
            ),
        ]
        indexes = [
            GinIndex(fields=["seen_by"], name="evidence_seen_by"),
            Index(fields=["-changed_at", "-id"], name="evidence_newest_first"),
            Index(fields=["lot"], name="evidence_of_lot"),
            Index(fields=["subject", "look"], name="evidence_look"),
            Index(fields=["subject", "currency", "amount_minor", "dated"], name="evidence_worth"),
        ]


class Piece(models.Model):
    """One version as it was received: never changed. A red-letter invoice is a piece of the invoice that it takes back."""

    id = models.UUIDField(primary_key=True)
    evidence = models.ForeignKey(Evidence, models.PROTECT, related_name="pieces")
    version = models.PositiveIntegerField()
    source = models.ForeignKey("parties.Party", models.PROTECT, related_name="+", db_constraint=False)
    format = models.CharField(max_length=60)
    schema_version = models.CharField(max_length=40, blank=True)
    external_ref = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=60, blank=True)
    amount_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, default="", blank=True)
    payload = models.JSONField()
    digest = models.CharField(max_length=64)  # SHA-256 of the bytes that came
    own_digest = models.CharField(max_length=200, blank=True)  # the format's own, such as an EPCIS event hash
    signature = models.JSONField(null=True)
    parties = models.JSONField()  # [[role, name, {scheme: number}, country]]
    references = models.JSONField()  # [[kind, value]]
    warnings = models.JSONField(default=list)  # [[field, problem]]
    dated = models.DateField(null=True)
    observed_at = models.DateTimeField()
    received_at = models.DateTimeField()

    class Meta:
        constraints = [UniqueConstraint(fields=["evidence", "version"], name="one_piece_per_version")]


class Mention(models.Model):
    """A digest of something that the evidence is about. Two pieces of evidence of one company that share one share a lot."""

    evidence = models.ForeignKey(Evidence, models.PROTECT, related_name="mentions")
    kind = models.CharField(max_length=24)
    digest = models.CharField(max_length=64)
    on = models.DateField(null=True)  # set where the thing is used again later, such as a container

    class Meta:
        constraints = [
            UniqueConstraint(fields=["evidence", "digest", "on"], name="mentioned_once", nulls_distinct=False)
        ]
        indexes = [Index(fields=["digest"], name="mention_digest")]


class Use(models.Model):
    """A payment or a loan that stands on evidence. What is left of it is `amount` less `freed`."""

    id = models.UUIDField(primary_key=True)
    evidence = models.ForeignKey(Evidence, models.PROTECT, related_name="uses")
    lot = models.ForeignKey(Lot, models.PROTECT, null=True, related_name="uses")
    purpose = models.CharField(max_length=12)
    user = models.ForeignKey("parties.Party", models.PROTECT, related_name="+", db_constraint=False)
    about = ArrayField(models.UUIDField())
    territory = models.CharField(max_length=6, null=True)  # where it was used
    amount = models.BigIntegerField()
    freed = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    basis = models.UUIDField(
        null=True
    )  # the consent it rests on; null where another subject's contract is the basis
    forms = ArrayField(models.UUIDField(), default=list)  # the evidence that it stood on before, oldest first
    moves = models.PositiveIntegerField(default=0)  # how often it was freed or moved: names the transfers
    alert = models.CharField(max_length=16, default="", blank=True)
    contested = models.PositiveIntegerField(default=0)  # how often somebody else was refused because of it
    made_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            CheckConstraint(condition=Q(purpose__in=[p.value for p in Purpose]), name="use_purpose_known"),
            CheckConstraint(
                condition=Q(amount__gt=0, freed__gte=0, freed__lte=F("amount")), name="use_is_counted"
            ),
            CheckConstraint(condition=Q(alert__in=[a.value for a in Alert]), name="use_alert_known"),
        ]
        indexes = [
            Index(fields=["evidence", "purpose"], name="use_of_evidence"),
            Index(fields=["lot"], name="use_of_lot"),
            Index(fields=["user", "-made_at"], name="use_of_user"),
        ]


class Review(models.Model):
    """Two documents that a person must tell apart."""

    id = models.UUIDField(primary_key=True)
    identity_digest = models.CharField(max_length=64)  # of what was refused
    evidence = models.ForeignKey(Evidence, models.PROTECT, related_name="+")  # of what it looks like
    external_ref = models.CharField(max_length=200)
    reason = models.CharField(max_length=12)
    asked_by = models.ForeignKey("parties.Party", models.PROTECT, related_name="+", db_constraint=False)
    asked_at = models.DateTimeField()
    outcome = models.CharField(max_length=16, default="", blank=True)
    why = models.CharField(max_length=200, default="", blank=True)
    cleared_by = models.UUIDField(null=True)
    cleared_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            UniqueConstraint(fields=["identity_digest", "evidence"], name="one_review_per_pair"),
            CheckConstraint(
                condition=Q(outcome="", cleared_at=None)
                | Q(outcome__in=[o.value for o in ReviewOutcome], cleared_at__isnull=False),
                name="review_is_open_or_answered",
            ),
        ]


class Consent(models.Model):
    """A party lets another read, or use, evidence that is about it: for a purpose, of some kinds, until a day."""

    id = models.UUIDField(primary_key=True)
    grantor = models.ForeignKey("parties.Party", models.PROTECT, related_name="+", db_constraint=False)
    grantee = models.ForeignKey("parties.Party", models.PROTECT, related_name="+", db_constraint=False)
    purpose = models.CharField(max_length=12)
    kinds = ArrayField(models.CharField(max_length=24), default=list)  # empty: all kinds
    pieces = ArrayField(models.UUIDField(), default=list)  # empty: all evidence about the grantor
    since = models.DateTimeField()
    until = models.DateTimeField()
    one_off = models.BooleanField(default=False)
    abroad = models.BooleanField(
        default=False
    )  # the grantee is abroad: consented to by name, and looked at by a supervisor
    reviewed_by = models.UUIDField(null=True)
    terms_digest = models.CharField(max_length=64)  # of the words that were agreed to
    asked_by = models.UUIDField(null=True)  # the person of the grantee who asked
    asked_at = models.DateTimeField(null=True)
    given_by = models.UUIDField(null=True)  # the person of the grantor
    given_at = models.DateTimeField(null=True)
    declined_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    spent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            CheckConstraint(condition=Q(purpose__in=CONSENT_PURPOSES), name="consent_purpose_known"),
            CheckConstraint(condition=Q(until__gt=F("since")), name="consent_ends_after_it_begins"),
            CheckConstraint(condition=~Q(grantor=F("grantee")), name="consent_is_to_another"),
            CheckConstraint(
                condition=Q(given_at__isnull=False) | Q(asked_at__isnull=False),
                name="consent_is_asked_or_given",
            ),
            CheckConstraint(condition=Q(declined_at=None) | Q(given_at=None), name="declined_is_not_given"),
        ]
        indexes = [
            Index(fields=["grantor", "grantee"], name="consent_between"),
            Index(fields=["grantee"], name="consent_of_grantee"),
        ]


class Receipt(models.Model):
    """Somebody read evidence, or was refused: seen by the reader and by those whom it is about. Never changed."""

    id = models.UUIDField(primary_key=True)
    evidence = models.ForeignKey(Evidence, models.PROTECT, related_name="receipts")
    version = models.PositiveIntegerField()
    about = ArrayField(models.UUIDField())
    reader = models.ForeignKey(
        "parties.Party", models.PROTECT, null=True, related_name="+", db_constraint=False
    )
    person = models.UUIDField()
    purpose = models.CharField(max_length=12)
    granted = models.BooleanField()
    consent = models.ForeignKey(Consent, models.PROTECT, null=True, related_name="+")
    why = models.CharField(max_length=24)  # own | office | consent; or why not
    at = models.DateTimeField()

    class Meta:
        constraints = [
            CheckConstraint(
                condition=Q(granted=False) | ~Q(why="consent") | Q(consent__isnull=False),
                name="read_with_a_consent",
            )
        ]
        indexes = [
            GinIndex(fields=["about"], name="receipt_about"),
            Index(fields=["reader", "evidence"], name="receipt_of_reader"),
            Index(fields=["-at", "-id"], name="receipt_newest_first"),
        ]
