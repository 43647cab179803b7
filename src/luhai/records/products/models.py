"""What the shelf stores. `commands` writes these rows; nothing else does."""

from __future__ import annotations

from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint

from luhai.kernel.money import Currency

from .lifecycle import State
from .policy import KINDS

#: Every different condition of the shelf once (see core/rules/sql.py); `Branch.needs` points at its rows.
PREDICATES = "products_predicate"


class Product(models.Model):
    """Something an institution offers on the corridor. What it says stands in its versions."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    institution = models.ForeignKey("parties.Party", models.PROTECT, related_name="+")
    state = models.CharField(max_length=8, default=State.DRAFT.value)
    version = models.PositiveIntegerField(default=0)  # the newest published one; 0 before the first
    #: Measures that must be in force where the company is; of the newest version, so that one statement can judge.
    requires = ArrayField(models.CharField(max_length=8), default=list)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            CheckConstraint(condition=Q(state__in=[m.value for m in State]), name="product_state_known"),
            CheckConstraint(
                condition=Q(state=State.DRAFT.value, version=0) | (~Q(state=State.DRAFT.value) & Q(version__gt=0)),
                name="product_published_has_a_version",
            ),
        ]


class Draft(models.Model):
    """The next version while it is being written. Seen by its institution alone (row-level security)."""

    product = models.OneToOneField(Product, models.PROTECT, primary_key=True, related_name="draft")
    institution = models.ForeignKey("parties.Party", models.PROTECT, related_name="+")
    terms = models.JSONField()  # policy.Terms
    edited_at = models.DateTimeField()


class Version(models.Model):
    """A published version, as it was published. The application may add and read, never change."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    product = models.ForeignKey(Product, models.PROTECT, related_name="versions")
    version = models.PositiveIntegerField()
    kind = models.CharField(max_length=24)
    name_zh = models.CharField(max_length=120)
    name_en = models.CharField(max_length=200)
    summary_zh = models.TextField()
    summary_en = models.TextField()
    currency = models.CharField(max_length=3)
    amount_min_minor = models.BigIntegerField()
    amount_max_minor = models.BigIntegerField()
    tenor_min_days = models.IntegerField()
    tenor_max_days = models.IntegerField()
    price_min_bp = models.IntegerField()
    price_max_bp = models.IntegerField()
    collateral = ArrayField(models.CharField(max_length=24), default=list)  # any one of them will do
    territories = ArrayField(models.CharField(max_length=6), default=list)  # empty: all of the corridor
    purposes = ArrayField(models.CharField(max_length=24), default=list)  # empty: any
    documents = ArrayField(models.CharField(max_length=32), default=list)
    promise_hours = models.IntegerField()  # working hours to a first answer
    measures = ArrayField(models.CharField(max_length=8), default=list)  # cited
    requires = ArrayField(models.CharField(max_length=8), default=list)  # in force, or it may not be offered
    criteria = models.JSONField()  # the whole tree in the form of core/rules, what the terms imply included
    digest = models.CharField(max_length=64)  # SHA-256 of the terms in canonical JSON
    published_at = models.DateTimeField()
    published_by = models.UUIDField()

    class Meta:
        constraints = [
            UniqueConstraint(fields=["product", "version"], name="product_version_once"),
            CheckConstraint(condition=Q(kind__in=[*KINDS]), name="product_kind_known"),
            CheckConstraint(condition=Q(currency__in=[m.value for m in Currency]), name="product_currency_known"),
            CheckConstraint(
                condition=Q(amount_min_minor__gt=0, amount_max_minor__gte=F("amount_min_minor")),
                name="product_amount_range",
            ),
            CheckConstraint(
                condition=Q(tenor_min_days__gt=0, tenor_max_days__gte=F("tenor_min_days")),
                name="product_tenor_range",
            ),
            CheckConstraint(
                condition=Q(price_min_bp__gte=0, price_max_bp__gte=F("price_min_bp")), name="product_price_range"
            ),
            CheckConstraint(condition=Q(promise_hours__gt=0), name="product_promises_a_time"),
        ]
        indexes = [models.Index(fields=["-published_at", "id"], name="product_newest_first")]


class Branch(models.Model):
    """One alternative of the criteria of a product on the shelf, in the form of `core/rules/sql.py`."""

    product = models.ForeignKey(Product, models.PROTECT, related_name="branches")
    needs = ArrayField(models.IntegerField())
