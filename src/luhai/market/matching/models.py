"""What matching stores. `commands` writes these rows; nothing else does.

`company`, `institution` and `territory` are repeated on the rows so that row-level security (migration 0002) can decide
by the row alone: a company sees its own, an institution what was sent to it, a province its territory.
"""

from __future__ import annotations

from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint

from luhai.kernel.money import Currency

from .lifecycle import HELD, LIVE, DemandState, MatchState
from .policy import OBJECTIVES, REFUSALS


class Demand(models.Model):
    """What a company wants financed. From publication on, `facts` is frozen with the source of each fact."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    company = models.ForeignKey("parties.Party", models.PROTECT, related_name="+")
    territory = models.CharField(max_length=6, null=True)
    state = models.CharField(max_length=10, default=DemandState.DRAFT.value)
    version = models.IntegerField(default=0)  # the number of its events so far
    purpose = models.CharField(max_length=24)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    tenor_days = models.IntegerField()
    needed_by = models.DateField(null=True)
    rate_cap_bp = models.IntegerField(null=True)
    collateral = ArrayField(models.CharField(max_length=24), default=list)
    green = models.BooleanField(default=False)
    wants = ArrayField(models.CharField(max_length=12), default=list)  # kinds of product
    objective = models.CharField(max_length=12)
    note = models.TextField(default="", blank=True)
    facts = models.JSONField(default=dict)  # {field: {"value", "source", "as_of"}}
    drafted_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    matched_at = models.DateTimeField(null=True)  # when products were last looked for
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            CheckConstraint(condition=Q(state__in=[m.value for m in DemandState]), name="demand_state_known"),
            CheckConstraint(condition=Q(objective__in=[*OBJECTIVES]), name="demand_objective_known"),
            CheckConstraint(condition=Q(currency__in=[m.value for m in Currency]), name="demand_currency_known"),
            CheckConstraint(condition=Q(amount_minor__gt=0, tenor_days__gt=0), name="demand_asks_for_something"),
            CheckConstraint(
                condition=Q(state__in=[DemandState.DRAFT.value, DemandState.WITHDRAWN.value]) | Q(published_at__isnull=False),
                name="demand_published_at_an_instant",
            ),
            UniqueConstraint(
                fields=["company", "purpose", "amount_minor", "currency"],
                condition=Q(state__in=sorted(s.value for s in LIVE)),
                name="one_live_demand",
            ),
        ]
        indexes = [
            models.Index(fields=["company", "-drafted_at", "id"], name="demand_of_company"),
            models.Index(fields=["state", "published_at", "id"], name="demand_by_state"),
        ]


class Capacity(models.Model):
    """How much an institution takes on in a period. `used` can never pass `limit`, whoever is asking at once."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    institution = models.ForeignKey("parties.Party", models.PROTECT, related_name="+")
    currency = models.CharField(max_length=3)
    starts_on = models.DateField()
    ends_on = models.DateField()  # the last day
    amount_limit_minor = models.BigIntegerField()
    amount_used_minor = models.BigIntegerField(default=0)
    count_limit = models.IntegerField()
    count_used = models.IntegerField(default=0)
    set_at = models.DateTimeField()

    class Meta:
        constraints = [
            UniqueConstraint(fields=["institution", "currency", "starts_on"], name="capacity_period_once"),
            CheckConstraint(condition=Q(starts_on__lte=F("ends_on")), name="capacity_period_in_order"),
            CheckConstraint(condition=Q(currency__in=[m.value for m in Currency]), name="capacity_currency_known"),
            CheckConstraint(
                condition=Q(amount_used_minor__gte=0, amount_used_minor__lte=F("amount_limit_minor")),
                name="capacity_amount_holds",
            ),
            CheckConstraint(
                condition=Q(count_used__gte=0, count_used__lte=F("count_limit")), name="capacity_count_holds"
            ),
        ]


class Batch(models.Model):
    """One assignment of open demands to institutions, and how good it provably is."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    run_at = models.DateTimeField()
    demands = models.IntegerField()
    candidates = models.IntegerField()
    served = models.IntegerField()
    sent = models.IntegerField()
    value = models.BigIntegerField()
    bound = models.BigIntegerField()  # no assignment that serves as many is worth more
    optimal = models.BooleanField()
    rounds = models.IntegerField()  # how often the programme was solved


class Match(models.Model):
    """One product for one demand, why it is here, and what its institution answered."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    demand = models.ForeignKey(Demand, models.PROTECT, related_name="matches")
    product = models.ForeignKey("products.Product", models.PROTECT, related_name="+")
    product_version = models.IntegerField()
    company = models.ForeignKey("parties.Party", models.PROTECT, related_name="+")
    institution = models.ForeignKey("parties.Party", models.PROTECT, related_name="+")
    territory = models.CharField(max_length=6, null=True)
    state = models.CharField(max_length=10, default=MatchState.PROPOSED.value)
    rank = models.IntegerField()
    verdict = models.CharField(max_length=8)  # met, or possible
    score = models.IntegerField()  # hundredths of a point, 0 to 100,000
    parts = models.JSONField()  # what the score is made of
    reasons = models.JSONField()  # each criterion: verdict, value, source, measure
    terms = models.JSONField()  # the product's card as it was when it was proposed
    promise_hours = models.IntegerField()
    proposed_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    sent_by = models.CharField(max_length=8, default="")  # company, or batch
    due_at = models.DateTimeField(null=True)  # while the institution's clock runs
    lapses_at = models.DateTimeField(null=True)  # when the clock, or the offer, has run out for good
    answered_at = models.DateTimeField(null=True)  # the first answer
    closed_at = models.DateTimeField(null=True)
    refusal_code = models.CharField(max_length=24, default="")
    refusal_note = models.TextField(default="", blank=True)
    capacity = models.ForeignKey(Capacity, models.PROTECT, related_name="matches", null=True)
    reserved_minor = models.BigIntegerField(default=0)
    batch = models.ForeignKey(Batch, models.PROTECT, related_name="matches", null=True)

    class Meta:
        constraints = [
            CheckConstraint(condition=Q(state__in=[m.value for m in MatchState]), name="match_state_known"),
            CheckConstraint(condition=Q(verdict__in=["met", "possible"]), name="match_verdict_known"),
            CheckConstraint(condition=Q(refusal_code__in=["", *REFUSALS]), name="match_refusal_known"),
            CheckConstraint(
                condition=Q(capacity=None, reserved_minor=0) | Q(capacity__isnull=False, reserved_minor__gt=0),
                name="match_reserves_from_a_capacity",
            ),
            CheckConstraint(
                condition=~Q(state__in=sorted(s.value for s in HELD)) | Q(capacity__isnull=False), name="match_held_is_reserved"
            ),
            UniqueConstraint(
                fields=["demand", "product"],
                condition=~Q(state__in=[MatchState.LAPSED.value]),
                name="one_match_of_demand_and_product",
            ),
            UniqueConstraint(
                fields=["demand"], condition=Q(state=MatchState.ACCEPTED.value), name="one_offer_is_accepted"
            ),
            UniqueConstraint(
                fields=["demand", "institution"],
                condition=Q(state__in=sorted(s.value for s in HELD)),
                name="an_institution_is_asked_once",
            ),
        ]
        indexes = [
            models.Index(fields=["demand", "rank"], name="match_of_demand"),
            models.Index(fields=["institution", "state", "due_at", "id"], name="match_queue"),
        ]


class Offer(models.Model):
    """What an institution would lend, on which terms, until when."""

    match = models.OneToOneField(Match, models.PROTECT, primary_key=True, related_name="offer")
    company = models.ForeignKey("parties.Party", models.PROTECT, related_name="+")
    institution = models.ForeignKey("parties.Party", models.PROTECT, related_name="+")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    rate_bp = models.IntegerField()
    tenor_days = models.IntegerField()
    conditions = models.TextField(default="", blank=True)
    valid_until = models.DateTimeField()
    offered_at = models.DateTimeField()
    offered_by = models.UUIDField()

    class Meta:
        constraints = [
            CheckConstraint(
                condition=Q(amount_minor__gt=0, rate_bp__gte=0, tenor_days__gt=0), name="offer_offers_something"
            )
        ]


class Ask(models.Model):
    """A question of an institution and the company's reply."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    match = models.ForeignKey(Match, models.PROTECT, related_name="asks")
    company = models.ForeignKey("parties.Party", models.PROTECT, related_name="+")
    institution = models.ForeignKey("parties.Party", models.PROTECT, related_name="+")
    question = models.TextField()
    fields = models.JSONField(default=list)  # names of facts that are wanted
    documents = models.JSONField(default=list)
    asked_at = models.DateTimeField()
    asked_by = models.UUIDField()
    reply = models.TextField(default="", blank=True)
    facts = models.JSONField(default=dict)  # facts given with the reply, with their source
    replied_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            UniqueConstraint(fields=["match"], condition=Q(replied_at=None), name="one_open_question")
        ]


class Promise(models.Model):
    """One running of an institution's clock. Kept when it answered by `due_at`; broken when not."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    match = models.ForeignKey(Match, models.PROTECT, related_name="promises")
    company = models.ForeignKey("parties.Party", models.PROTECT, related_name="+")
    institution = models.ForeignKey("parties.Party", models.PROTECT, related_name="+")
    started_at = models.DateTimeField()
    due_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)  # stopped without an answer: the company withdrew, or it lapsed

    class Meta:
        constraints = [
            UniqueConstraint(
                fields=["match"], condition=Q(answered_at=None, ended_at=None), name="one_running_clock"
            )
        ]
        indexes = [models.Index(fields=["institution", "due_at"], name="promise_of_institution")]


class DemandEvent(models.Model):
    """What was done to a demand, by whom, in which order. Rows are only ever added."""

    demand = models.ForeignKey(Demand, models.PROTECT, related_name="events")
    version = models.IntegerField()
    action = models.CharField(max_length=16)  # DemandAction or MatchAction
    match = models.ForeignKey(Match, models.PROTECT, related_name="events", null=True)
    company = models.ForeignKey("parties.Party", models.PROTECT, related_name="+")
    institution = models.ForeignKey("parties.Party", models.PROTECT, related_name="+", null=True)
    territory = models.CharField(max_length=6, null=True)
    actor_id = models.UUIDField()
    role = models.CharField(max_length=24)
    detail = models.JSONField(default=dict)
    happened_at = models.DateTimeField()

    class Meta:
        constraints = [UniqueConstraint(fields=["demand", "version"], name="demand_event_order")]
