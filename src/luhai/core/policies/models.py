"""The policy library as stored. `commands` writes these rows; nothing else does."""

from __future__ import annotations

from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint

from .lifecycle import GRANTED, Status
from .propose import Modality


class Document(models.Model):
    """One policy document. `text` is its text, character for character; the rest is parsed from it."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    name = models.CharField(max_length=200, unique=True)  # the file's name without its ending
    title = models.CharField(max_length=500)
    title_en = models.CharField(max_length=500, default="")
    document_no = models.CharField(max_length=200, default="")
    issuers = ArrayField(models.CharField(max_length=100), default=list)
    issued_on = models.DateField(null=True)
    digest = models.CharField(max_length=64, unique=True)  # SHA-256 of the text
    text = models.TextField()
    chapters = models.JSONField(default=list)
    loaded_at = models.DateTimeField()


class Article(models.Model):
    """One article; `start` to `end` are its offsets in the document's text, its words begin at `text_start`."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    document = models.ForeignKey(Document, models.PROTECT, related_name="articles")
    position = models.PositiveIntegerField()  # 0, 1, 2, … in the order of the text
    number = models.PositiveIntegerField()
    label = models.CharField(max_length=40)
    heading = models.CharField(max_length=300, default="")
    text = models.TextField()
    chapter = models.PositiveIntegerField(null=True)  # place in the document's chapters
    part = models.PositiveIntegerField(default=0)
    start = models.PositiveIntegerField()
    text_start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    sentences = models.JSONField(default=list)  # [[start, end], …]
    search = SearchVectorField(null=True)

    class Meta:
        constraints = [UniqueConstraint(fields=["document", "position"], name="article_position_once")]
        indexes = [GinIndex(fields=["search"], name="article_search")]


class Measure(models.Model):
    """One thing that somebody is to do, quoted from an article by offsets."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    code = models.CharField(max_length=40, unique=True)  # M12-01
    document = models.ForeignKey(Document, models.PROTECT, related_name="measures")
    article = models.ForeignKey(Article, models.PROTECT, related_name="measures")
    quote = models.TextField()
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    item = models.CharField(max_length=200, default="")
    title_en = models.CharField(max_length=300, default="")
    modality = models.CharField(max_length=10)
    actors = ArrayField(models.CharField(max_length=20), default=list)
    place = models.CharField(max_length=60, default="ALL")  # as cut: ALL, COND, ASEAN, YN,GX,…
    territories = ArrayField(models.CharField(max_length=6), default=list)  # where it can be adopted, GB/T 2260
    condition = models.CharField(max_length=300, default="")
    tag = models.CharField(max_length=40, default="")
    search = SearchVectorField(null=True)

    class Meta:
        constraints = [
            CheckConstraint(condition=Q(modality__in=[m.value for m in Modality]), name="measure_modality_known"),
            CheckConstraint(condition=Q(end__gt=F("start")), name="measure_quotes_something"),
        ]
        indexes = [
            GinIndex(fields=["search"], name="measure_search"),
            GinIndex(fields=["actors"], name="measure_actors"),
            GinIndex(fields=["territories"], name="measure_territories"),
            models.Index(fields=["tag"], name="measure_tag"),
        ]


class ProposedMeasure(models.Model):
    """A measure that the parser proposes; it is nothing until a person has decided."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    document = models.ForeignKey(Document, models.PROTECT, related_name="proposals")
    article = models.ForeignKey(Article, models.PROTECT, related_name="proposals")
    position = models.PositiveIntegerField()
    quote = models.TextField()
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    modality = models.CharField(max_length=10)
    verb = models.CharField(max_length=20)
    items = ArrayField(models.CharField(max_length=100), default=list)
    actors = ArrayField(models.CharField(max_length=20), default=list)
    territories = ArrayField(models.CharField(max_length=6), default=list)
    condition = models.CharField(max_length=300, default="")
    decision = models.CharField(max_length=10, default="open")
    decided_by = models.UUIDField(null=True)
    decided_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=500, default="")
    measure = models.ForeignKey(Measure, models.PROTECT, null=True, related_name="proposals")

    class Meta:
        constraints = [
            UniqueConstraint(fields=["document", "position"], name="proposal_position_once"),
            CheckConstraint(condition=Q(decision__in=["open", "confirmed", "rejected"]), name="proposal_decision_known"),
            CheckConstraint(
                condition=Q(decision="open", decided_at=None) | (~Q(decision="open") & Q(decided_at__isnull=False)),
                name="proposal_decided_by_somebody",
            ),
        ]


class Adoption(models.Model):
    """Where a measure stands in a territory: the last of its events, kept so that reading is cheap."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    measure = models.ForeignKey(Measure, models.PROTECT, related_name="adoptions")
    territory = models.CharField(max_length=6)  # GB/T 2260
    status = models.CharField(max_length=12)
    since = models.DateField()  # the day the status takes effect
    until = models.DateField(null=True)  # the last day of the grant
    instrument_no = models.CharField(max_length=120, default="")
    approver = models.CharField(max_length=200, default="")
    scope = models.CharField(max_length=500, default="")
    invented = models.BooleanField(default=False)  # made up for a demonstration; shown so everywhere
    version = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            UniqueConstraint(fields=["measure", "territory"], name="one_adoption_a_territory"),
            CheckConstraint(condition=Q(status__in=[s.value for s in Status]), name="adoption_status_known"),
            CheckConstraint(
                condition=~Q(status__in=sorted(s.value for s in GRANTED))
                | (~Q(instrument_no="") & ~Q(approver="") & ~Q(scope="")),
                name="a_grant_names_its_instrument",
            ),
            CheckConstraint(condition=~Q(status="piloting") | Q(until__isnull=False), name="a_pilot_has_an_end"),
        ]
        indexes = [models.Index(fields=["territory", "status"], name="adoption_territory_status")]


class AdoptionEvent(models.Model):
    """One change of an adoption, by whom, from which day, on what evidence. Rows are only ever added."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    adoption = models.ForeignKey(Adoption, models.PROTECT, related_name="events")
    version = models.PositiveIntegerField()
    before = models.CharField(max_length=12, null=True)
    status = models.CharField(max_length=12)
    since = models.DateField()
    until = models.DateField(null=True)
    instrument_no = models.CharField(max_length=120, default="")
    approver = models.CharField(max_length=200, default="")
    scope = models.CharField(max_length=500, default="")
    reason = models.CharField(max_length=500, default="")
    evidence_digest = models.CharField(max_length=64, default="")  # SHA-256 of the paper it rests on
    person_id = models.UUIDField()
    role = models.CharField(max_length=24)
    at = models.DateTimeField()

    class Meta:
        constraints = [UniqueConstraint(fields=["adoption", "version"], name="adoption_event_order")]
