"""What is stored of transport documents beside their titles. `commands` writes these rows; nothing else does.

Control of the document is the title's (core/titles); here stand what it says, the agreement it rests on, and the goods on their way.
"""

from __future__ import annotations

from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from .lifecycle import State
from .policy import CODES, ROLES, SIGNALS


class Agreement(models.Model):
    """The text by which a document is the only delivery voucher, in one version (M05-09). Its words never change."""

    id = models.UUIDField(primary_key=True)
    number = models.CharField(max_length=64)
    number_key = models.CharField(max_length=64)  # folded
    version = models.PositiveIntegerField()
    replaces = models.ForeignKey("transport.Agreement", models.PROTECT, null=True, related_name="+")
    text = models.TextField()
    digest = models.CharField(max_length=64)  # policy.agreement_digest
    starts_on = models.DateField()
    ends_on = models.DateField(null=True)
    proposed_by = models.ForeignKey("parties.Party", models.PROTECT, related_name="+")
    seen_by = ArrayField(models.UUIDField())  # its parties
    state = models.CharField(max_length=8, default=State.PROPOSED.value)
    reason = models.CharField(max_length=200, default="", blank=True)  # why it was declined or ended
    proposed_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            CheckConstraint(condition=Q(state__in=[s.value for s in State]), name="agreement_state_known"),
            CheckConstraint(condition=Q(ends_on=None) | Q(ends_on__gte=models.F("starts_on")), name="agreement_ends_after_it_starts"),
            UniqueConstraint(fields=["proposed_by", "number_key", "version"], name="agreement_version_once"),
            UniqueConstraint(
                fields=["proposed_by", "number_key"], condition=Q(state=State.IN_FORCE.value), name="one_version_in_force"
            ),
        ]  # fmt: skip
        indexes = [GinIndex(fields=["seen_by"], name="agreement_seen_by")]


class Signatory(models.Model):
    """A party of an agreement; `signed_at` when it has signed. `signature` is its key's over the digest, if it has one."""

    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="signatories")
    party = models.ForeignKey("parties.Party", models.PROTECT, related_name="+")
    role = models.CharField(max_length=10)
    signed_at = models.DateTimeField(null=True)
    signed_by = models.UUIDField(null=True)  # the person
    signature = models.JSONField(null=True)  # {profile, public, signature}

    class Meta:
        constraints = [
            UniqueConstraint(fields=["agreement", "party"], name="a_party_signs_once"),
            CheckConstraint(condition=Q(role__in=ROLES), name="signatory_role_known"),
            CheckConstraint(
                condition=Q(signed_at=None, signed_by=None)
                | Q(signed_at__isnull=False, signed_by__isnull=False),
                name="somebody_signs",
            ),
        ]


class Document(models.Model):
    """A transport document: one title as issued (its parts share it), what of its content is looked for, the seals as last put on."""

    title = models.OneToOneField("titles.Title", models.PROTECT, primary_key=True, related_name="+")
    document = models.CharField(max_length=16)
    number = models.CharField(max_length=64)
    issuer = models.ForeignKey("parties.Party", models.PROTECT, related_name="+")
    agreement = models.ForeignKey(Agreement, models.PROTECT, null=True, related_name="+")
    origin = models.CharField(max_length=5)
    destination = models.CharField(max_length=5)
    due_on = models.DateField(null=True)  # planned arrival at destination
    containers = ArrayField(models.CharField(max_length=11))
    seals = models.JSONField()  # {container: [number]}
    custodian = models.UUIDField()  # who has the goods, as reported last
    issued_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["-issued_at", "-title"], name="document_newest_first"),
            GinIndex(fields=["containers"], name="document_containers"),
        ]


class Movement(models.Model):
    """An event of the goods as somebody reported it. Rows are only added; a wrong one is corrected by another that names it."""

    id = models.UUIDField(primary_key=True)
    document = models.ForeignKey(Document, models.PROTECT, related_name="movements")
    code = models.CharField(max_length=4)
    container = models.CharField(max_length=11, default="", blank=True)  # none: all of them
    place = models.CharField(max_length=5)
    custodian = models.UUIDField()  # who has the goods now
    happened_at = models.DateTimeField()
    seals = ArrayField(models.CharField(max_length=15), null=True)  # as found; null: nobody looked
    found_kg = models.DecimalField(max_digits=12, decimal_places=3, null=True)
    reason = models.CharField(max_length=200, default="", blank=True)
    evidence = ArrayField(models.UUIDField(), default=list)
    corrects = models.OneToOneField(
        "transport.Movement", models.PROTECT, null=True, related_name="corrected_by"
    )
    reported_by = models.UUIDField()  # the party, or the operator's person
    reported_at = models.DateTimeField()

    class Meta:
        constraints = [
            CheckConstraint(condition=Q(code__in=list(CODES)), name="movement_code_known"),
            CheckConstraint(condition=~Q(code="RSEA") | ~Q(reason=""), name="resealed_with_a_reason"),
            CheckConstraint(condition=Q(happened_at__lte=models.F("reported_at")), name="movement_is_past"),
        ]
        indexes = [models.Index(fields=["document", "happened_at"], name="movement_in_order")]


class Signal(models.Model):
    """Something wrong that an event, or its absence, shows. Rows are only added."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    document = models.ForeignKey(Document, models.PROTECT, related_name="signals")
    movement = models.ForeignKey(Movement, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=24)
    facts = models.JSONField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            CheckConstraint(condition=Q(kind__in=list(SIGNALS)), name="signal_kind_known"),
            UniqueConstraint(fields=["movement", "kind"], name="an_event_signals_once"),
        ]


class Release(models.Model):
    """An issuer's order to give out goods, after it accepted the surrender of the document (INV-OB-5)."""

    id = models.UUIDField(primary_key=True)
    document = models.ForeignKey(Document, models.PROTECT, related_name="releases")
    title_id = models.UUIDField()  # which title was surrendered: the whole, or a part
    receiver = models.ForeignKey("parties.Party", models.PROTECT, related_name="+")
    custodian = models.UUIDField()  # who must give them out
    containers = ArrayField(models.CharField(max_length=11))  # all goods when the document names none
    left = ArrayField(models.CharField(max_length=11))  # of them, still to go out
    ordered_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [UniqueConstraint(fields=["title_id"], name="a_title_is_released_once")]


class Platform(models.Model):
    """A platform that documents may move to and come from; `own` is this instance. Its key is public."""

    code = models.CharField(max_length=4, primary_key=True)  # as DCSA assigns them
    name = models.CharField(max_length=70)
    url = models.CharField(max_length=200)  # in front of /v3/envelopes
    public = models.CharField(max_length=64)  # Ed25519, hexadecimal
    kid = models.CharField(max_length=40, unique=True)
    #: Who stands for it here: issuer of record of what comes from it. None for ourselves.
    party = models.ForeignKey("parties.Party", models.PROTECT, null=True, related_name="+")
    own = models.BooleanField(default=False)
    registered_at = models.DateTimeField()

    class Meta:
        constraints = [
            UniqueConstraint(fields=["own"], condition=Q(own=True), name="one_own_platform"),
            UniqueConstraint(fields=["party"], name="a_party_is_one_platform"),
            CheckConstraint(condition=Q(own=True, party=None) | Q(own=False, party__isnull=False), name="others_have_a_party"),
        ]  # fmt: skip


class Envelope(models.Model):
    """A document on its way from or to another platform."""

    id = models.UUIDField(primary_key=True)
    outward = models.BooleanField()
    platform = models.ForeignKey(Platform, models.PROTECT, related_name="+")  # the other one
    title_id = models.UUIDField(null=True)  # of an inward one: once it is accepted
    party_id = models.UUIDField()  # who sent it, or to whom it comes
    state = models.CharField(max_length=8)  # sent | started | accepted | refused
    checksum = models.CharField(max_length=64)  # of the document
    last = models.CharField(max_length=64)  # of the chain
    content = models.JSONField()  # the envelope, byte for byte in its signed parts
    additional = models.JSONField(default=dict)  # {checksum: base64}
    code = models.CharField(max_length=4, default="", blank=True)  # of the signed answer
    answer = models.TextField(default="", blank=True)  # the signed answer
    at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            CheckConstraint(
                condition=Q(state__in=["sent", "started", "accepted", "refused"]), name="envelope_state_known"
            ),
            UniqueConstraint(
                fields=["last"],
                condition=Q(outward=False, state="accepted"),
                name="an_envelope_is_accepted_once",
            ),
            UniqueConstraint(
                fields=["title_id"], condition=Q(outward=True, state="sent"), name="a_title_is_on_one_way"
            ),
        ]
        indexes = [models.Index(fields=["checksum", "at"], name="envelope_of_document")]


class Printout(models.Model):
    """A copy on paper of a document as it stood then: what its code answers for. Rows are only added."""

    id = models.UUIDField(primary_key=True)
    code = models.CharField(max_length=16, unique=True)  # Crockford base32; who has the paper has it, and nobody can guess it
    document = models.ForeignKey(Document, models.PROTECT, related_name="+")
    title_id = models.UUIDField()  # the whole, or a part
    version = models.PositiveIntegerField()  # of the content
    content_digest = models.CharField(max_length=64)
    n = models.PositiveIntegerField()  # how many acts the title's chain had
    head = models.CharField(max_length=64)  # digest of the last of them
    state = models.CharField(max_length=16)  # of the title
    printed_at = models.DateTimeField()
    party_id = models.UUIDField()  # who printed it
    person_id = models.UUIDField()

    class Meta:
        constraints = [CheckConstraint(condition=Q(code__regex=r"^[0-9A-HJKMNP-TV-Z]{16}$"), name="printout_code_is_whole")]
        indexes = [models.Index(fields=["title_id", "-printed_at"], name="printout_of_title")]
