"""What the evaluation stores. `commands` writes these rows; nothing else does.

`territory` and `party` are repeated on a unit's rows, so that row-level security (migration 0002) can decide by the row alone.
What a run was scored from is never changed: a value belongs to a run, and a run that is frozen keeps its values (trigger there).
"""

from __future__ import annotations

from typing import ClassVar
from uuid import uuid4

from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint

from .lifecycle import Answer, Repair, Report, State


def _known(field: str, words: type, name: str) -> CheckConstraint:
    return CheckConstraint(condition=Q(**{f"{field}__in": [w.value for w in words]}), name=name)  # type: ignore[attr-defined]


class Cycle(models.Model):
    """One evaluation: a system in one version, a quarter, its units, and the seed. What is planned never changes."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    system = models.CharField(max_length=60)  # territories.2026
    kind = models.CharField(max_length=12)  # territory, institution
    content = models.JSONField()  # the system, whole
    system_digest = models.CharField(max_length=64)
    period = models.CharField(max_length=6)  # 2026Q2
    seed = models.BigIntegerField()
    invented = models.BooleanField(default=False)  # values made up for a demonstration; shown so everywhere
    state = models.CharField(max_length=24, default=State.PLANNED.value)
    run = models.PositiveIntegerField(default=1)  # the present one
    reports_due = models.DateField()
    objections_until = models.DateField(null=True)
    planned_by = models.UUIDField()
    planned_at = models.DateTimeField()
    acted_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            _known("state", State, "evaluation_state_known"),
            CheckConstraint(condition=Q(kind__in=["territory", "institution"]), name="evaluation_kind_known"),
            UniqueConstraint(fields=["system", "period"], name="one_cycle_a_system_and_period"),
        ]


class Unit(models.Model):
    """Who is evaluated in a cycle: a territory, or an institution; and among which peers."""

    cycle = models.ForeignKey(Cycle, models.PROTECT, related_name="units")
    unit = models.CharField(max_length=36)  # a territory's code, or a party's id
    territory = models.CharField(max_length=6, null=True)  # where the unit is a territory
    party = models.UUIDField(null=True)  # where it is an institution
    group = models.CharField(max_length=20)
    name_zh = models.CharField(max_length=200)
    name_en = models.CharField(max_length=200)

    class Meta:
        constraints: ClassVar = [
            UniqueConstraint(fields=["cycle", "unit"], name="a_unit_is_evaluated_once"),
            CheckConstraint(condition=Q(territory=None) ^ Q(party=None), name="a_unit_is_one_thing"),
        ]


class Submission(models.Model):
    """A value that a unit, or an authority about it, reports; another person accepts or returns it."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    cycle = models.ForeignKey(Cycle, models.PROTECT, related_name="submissions")
    run = models.PositiveIntegerField()
    unit = models.CharField(max_length=36)
    territory = models.CharField(max_length=6, null=True)
    party = models.UUIDField(null=True)
    indicator = models.CharField(max_length=8)
    state = models.CharField(max_length=12, default=Report.SUBMITTED.value)
    value = models.DecimalField(max_digits=25, decimal_places=6)
    part = models.DecimalField(max_digits=25, decimal_places=6, null=True)
    whole = models.DecimalField(max_digits=25, decimal_places=6, null=True)
    history = models.JSONField(default=list)  # earlier values as texts, oldest first
    evidence = models.CharField(max_length=300)
    comment = models.CharField(max_length=1000, default="")
    remarks = models.JSONField(default=list)  # what the checks noticed: jump, late
    digest = models.CharField(max_length=64)
    on_time = models.BooleanField()
    invented = models.BooleanField(default=False)
    by_authority = models.BooleanField()
    submitted_by = models.UUIDField()
    submitted_at = models.DateTimeField()
    decided_by = models.UUIDField(null=True)
    decided_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=1000, default="")

    class Meta:
        constraints: ClassVar = [
            _known("state", Report, "evaluation_report_state_known"),
            UniqueConstraint(
                fields=["cycle", "unit", "indicator"], condition=Q(state=Report.ACCEPTED.value), name="one_report_is_accepted"
            ),
            UniqueConstraint(
                fields=["cycle", "unit", "indicator"], condition=Q(state=Report.SUBMITTED.value), name="one_report_waits"
            ),
            CheckConstraint(
                condition=Q(state=Report.SUBMITTED.value, decided_by=None)
                | (~Q(state=Report.SUBMITTED.value) & Q(decided_by__isnull=False) & ~Q(decided_by=models.F("submitted_by"))),
                name="a_report_is_decided_by_another",
            ),
        ]
        indexes: ClassVar = [Index(fields=["cycle", "unit", "indicator"], name="evaluation_submission_item")]


class Run(models.Model):
    """One scoring of a cycle. From `frozen_at` on its values stay; the digests say what it was made from and what came of it."""

    cycle = models.ForeignKey(Cycle, models.PROTECT, related_name="runs")
    number = models.PositiveIntegerField()
    reason = models.CharField(max_length=1000, default="")
    begun_by = models.UUIDField()
    begun_at = models.DateTimeField()
    collected_at = models.DateTimeField(null=True)
    frozen_at = models.DateTimeField(null=True)
    inputs_digest = models.CharField(max_length=64, default="")
    scored_by = models.UUIDField(null=True)
    scored_at = models.DateTimeField(null=True)
    result_digest = models.CharField(max_length=64, default="")
    final_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            UniqueConstraint(fields=["cycle", "number"], name="a_run_is_numbered_once"),
            CheckConstraint(condition=Q(frozen_at=None) | ~Q(inputs_digest=""), name="a_frozen_run_has_its_digest"),
            CheckConstraint(condition=Q(scored_at=None) | Q(frozen_at__isnull=False), name="only_a_frozen_run_is_scored"),
        ]


class Value(models.Model):
    """One input of a run: the value of an indicator for a unit, or why there is none, with where it came from."""

    cycle = models.ForeignKey(Cycle, models.PROTECT, related_name="values")
    run = models.PositiveIntegerField()
    unit = models.CharField(max_length=36)
    territory = models.CharField(max_length=6, null=True)
    party = models.UUIDField(null=True)
    indicator = models.CharField(max_length=8)
    status = models.CharField(max_length=16)  # ok, no_data, not_applicable, missing: method/system.Status
    value = models.DecimalField(max_digits=25, decimal_places=6, null=True)
    before = models.DecimalField(max_digits=25, decimal_places=6, null=True)  # what an upheld objection replaced
    history = models.JSONField(default=list)
    source = models.CharField(max_length=12)  # computed, mixed, reported, awaited, objection
    evidence = models.JSONField(default=dict)
    digest = models.CharField(max_length=64)
    why = models.JSONField(default=dict)  # {"zh", "en"} where there is no value

    class Meta:
        constraints: ClassVar = [
            UniqueConstraint(fields=["cycle", "run", "unit", "indicator"], name="an_input_stands_once"),
            CheckConstraint(condition=Q(status="ok") ^ Q(value=None), name="a_value_or_the_want_of_one"),
        ]


class Veto(models.Model):
    """A confirmed event that caps a unit's grade or costs it points. It counts once a second person has confirmed it."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    cycle = models.ForeignKey(Cycle, models.PROTECT, related_name="vetoes")
    run = models.PositiveIntegerField()
    unit = models.CharField(max_length=36)
    territory = models.CharField(max_length=6, null=True)
    party = models.UUIDField(null=True)
    veto = models.CharField(max_length=20)
    ground = models.CharField(max_length=1000)
    evidence = models.CharField(max_length=300)
    proposed_by = models.UUIDField()
    proposed_at = models.DateTimeField()
    confirmed_by = models.UUIDField(null=True)
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            UniqueConstraint(fields=["cycle", "run", "unit", "veto"], name="a_veto_stands_once"),
            CheckConstraint(condition=Q(confirmed_by=None) | ~Q(confirmed_by=models.F("proposed_by")), name="a_veto_needs_two"),
        ]


class Card(models.Model):
    """A unit's result in a run, explained to the point: for the unit, and for those who oversee."""

    cycle = models.ForeignKey(Cycle, models.PROTECT, related_name="cards")
    run = models.PositiveIntegerField()
    unit = models.CharField(max_length=36)
    territory = models.CharField(max_length=6, null=True)
    party = models.UUIDField(null=True)
    total = models.DecimalField(max_digits=8, decimal_places=4)
    rank = models.PositiveIntegerField()
    grade = models.CharField(max_length=20, default="")  # what may be told; empty with a reason
    grade_by_points = models.CharField(max_length=20)
    low = models.DecimalField(max_digits=8, decimal_places=4)
    high = models.DecimalField(max_digits=8, decimal_places=4)
    coverage = models.DecimalField(max_digits=6, decimal_places=4)
    reasons = models.JSONField(default=list)
    parts = models.JSONField()  # dims, items, rank interval, shares of grades

    class Meta:
        constraints: ClassVar = [UniqueConstraint(fields=["cycle", "run", "unit"], name="a_card_stands_once")]


class Total(models.Model):
    """A final total, for those who may see it: everybody signed in where `open`, else the unit and those who oversee."""

    cycle = models.ForeignKey(Cycle, models.PROTECT, related_name="totals")
    run = models.PositiveIntegerField()
    unit = models.CharField(max_length=36)
    territory = models.CharField(max_length=6, null=True)
    party = models.UUIDField(null=True)
    open = models.BooleanField()
    total = models.DecimalField(max_digits=8, decimal_places=4)
    rank = models.PositiveIntegerField()
    grade = models.CharField(max_length=20, default="")
    low = models.DecimalField(max_digits=8, decimal_places=4)
    high = models.DecimalField(max_digits=8, decimal_places=4)
    reasons = models.JSONField(default=list)
    told_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [UniqueConstraint(fields=["cycle", "run", "unit"], name="a_total_stands_once")]


class Objection(models.Model):
    """A unit holds that a value is another. Both values are kept, whatever is decided."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    cycle = models.ForeignKey(Cycle, models.PROTECT, related_name="objections")
    run = models.PositiveIntegerField()
    unit = models.CharField(max_length=36)
    territory = models.CharField(max_length=6, null=True)
    party = models.UUIDField(null=True)
    indicator = models.CharField(max_length=8)
    used = models.DecimalField(max_digits=25, decimal_places=6, null=True)  # the value it is against
    claimed = models.DecimalField(max_digits=25, decimal_places=6)
    ground = models.CharField(max_length=1000)
    evidence = models.CharField(max_length=300)
    state = models.CharField(max_length=12, default=Answer.OPEN.value)
    raised_by = models.UUIDField()
    raised_at = models.DateTimeField()
    decided_by = models.UUIDField(null=True)
    decided_at = models.DateTimeField(null=True)
    decision = models.CharField(max_length=1000, default="")

    class Meta:
        constraints: ClassVar = [
            _known("state", Answer, "evaluation_answer_known"),
            UniqueConstraint(fields=["cycle", "run", "unit", "indicator"], name="one_objection_an_item"),
            CheckConstraint(
                condition=Q(state=Answer.OPEN.value, decided_by=None)
                | (~Q(state=Answer.OPEN.value) & Q(decided_by__isnull=False) & ~Q(decided_by=models.F("raised_by"))),
                name="an_objection_is_decided_by_another",
            ),
        ]


class Rectification(models.Model):
    """Something a unit is to set right, by a day; done is what another person has confirmed."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    cycle = models.ForeignKey(Cycle, models.PROTECT, related_name="rectifications")
    unit = models.CharField(max_length=36)
    territory = models.CharField(max_length=6, null=True)
    party = models.UUIDField(null=True)
    indicator = models.CharField(max_length=8, default="")
    task = models.CharField(max_length=1000)
    due = models.DateField()
    state = models.CharField(max_length=12, default=Repair.OPEN.value)
    asked_by = models.UUIDField()
    asked_at = models.DateTimeField()
    reported = models.CharField(max_length=1000, default="")
    reported_by = models.UUIDField(null=True)
    reported_at = models.DateTimeField(null=True)
    confirmed_by = models.UUIDField(null=True)
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            _known("state", Repair, "evaluation_repair_known"),
            CheckConstraint(
                condition=~Q(state=Repair.CONFIRMED.value) | (Q(confirmed_by__isnull=False) & ~Q(confirmed_by=models.F("reported_by"))),
                name="a_repair_is_confirmed_by_another",
            ),
        ]


class Event(models.Model):
    """What was done to a cycle, by whom. Rows are only ever added."""

    cycle = models.ForeignKey(Cycle, models.PROTECT, related_name="events")
    act = models.CharField(max_length=24)
    after = models.CharField(max_length=24)
    run = models.PositiveIntegerField()
    unit = models.CharField(max_length=36, default="")
    person = models.UUIDField()
    role = models.CharField(max_length=24)
    note = models.CharField(max_length=1000, default="")
    at = models.DateTimeField()


class Feed(models.Model):
    """Rows that were passed on to an assessment: which run's, how many, and their digest."""

    cycle = models.ForeignKey(Cycle, models.PROTECT, related_name="feeds")
    run = models.PositiveIntegerField()
    rows = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    by = models.UUIDField()
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [UniqueConstraint(fields=["cycle", "run"], name="a_run_is_fed_once")]


class Study(models.Model):
    """The effect of a measure across territories, estimated: its inputs by digest, its result with the uncertainty."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    measure = models.CharField(max_length=40)
    outcome = models.CharField(max_length=40)  # an indicator of statistics
    currency = models.CharField(max_length=3)
    quarter_from = models.CharField(max_length=6)
    quarter_to = models.CharField(max_length=6)
    seed = models.BigIntegerField()
    position = models.BigIntegerField()  # of the journal
    inputs = models.JSONField()
    inputs_digest = models.CharField(max_length=64)
    result = models.JSONField()
    invented = models.BooleanField(default=False)
    made_by = models.UUIDField()
    made_at = models.DateTimeField()
