"""What the checks store: how banks grade their customers, and which scenes hold where. `commands` writes these rows; nothing else does.

A company sees its grades that were in force, and never why: the reasons stand in a table of their own, behind a wall (migration 0002).
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint

from .lifecycle import COUNTED, IN_FORCE, State


class Grade(models.Model):
    """How one bank grades one company, from a day until another day (not included)."""

    id = models.UUIDField(primary_key=True)
    bank = models.ForeignKey("parties.Party", models.PROTECT, related_name="+")
    company = models.ForeignKey("parties.Party", models.PROTECT, related_name="+")
    grade = models.SmallIntegerField()
    directory_class = models.CharField(max_length=4, default="", blank=True)  # A, B, C, none; empty: not said
    state = models.CharField(max_length=9)
    valid_from = models.DateField(null=True)
    until = models.DateField(null=True)
    next_review = models.DateField(null=True)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            CheckConstraint(condition=Q(state__in=[s.value for s in State]), name="grade_state_known"),
            CheckConstraint(condition=Q(grade__in=[1, 2, 3]), name="grade_is_one_to_three"),
            CheckConstraint(condition=Q(directory_class__in=["", "A", "B", "C", "none"]), name="grade_class_known"),
            CheckConstraint(condition=Q(grade=3) | ~Q(directory_class__in=["B", "C", "none"]), name="grade_follows_class"),
            CheckConstraint(condition=~Q(grade=1) | Q(directory_class="A"), name="grade_1_is_class_a"),
            CheckConstraint(condition=~Q(state=State.SUSPENDED.value) | Q(grade=3), name="suspended_is_grade_3"),
            CheckConstraint(
                condition=Q(state__in=[s.value for s in COUNTED], valid_from__isnull=False)
                | Q(state__in=[State.PROPOSED.value, State.REPLACED.value], valid_from=None),
                name="grade_in_force_has_a_day",
            ),
            CheckConstraint(
                condition=Q(state=State.ENDED.value, until__gte=F("valid_from")) | ~Q(state=State.ENDED.value) & Q(until=None),
                name="grade_ended_has_an_end",
            ),
            UniqueConstraint(
                fields=["bank", "company"], condition=Q(state__in=[s.value for s in IN_FORCE]), name="one_grade_in_force"
            ),
            UniqueConstraint(
                fields=["bank", "company"], condition=Q(state=State.PROPOSED.value), name="one_grade_proposed"
            ),
        ]  # fmt: skip
        indexes = [
            Index(fields=["-changed_at", "-id"], name="grade_newest_first"),
            Index(fields=["bank", "company", "valid_from"], name="grade_of_customer"),
        ]


class Basis(models.Model):
    """Why a grade is what it is, and who said so. Never seen by the company."""

    grade = models.OneToOneField(Grade, models.PROTECT, primary_key=True, related_name="basis")
    bank = models.ForeignKey("parties.Party", models.PROTECT, related_name="+")
    texts = ArrayField(models.CharField(max_length=400))
    proposed_by = models.UUIDField()
    proposed_at = models.DateTimeField()
    approved_by = models.UUIDField(null=True)  # null on a suspension, which waits for nobody

    class Meta:
        constraints = [
            CheckConstraint(
                condition=Q(approved_by=None) | ~Q(approved_by=F("proposed_by")), name="grade_has_two_people"
            ),
            CheckConstraint(condition=~Q(texts=[]), name="grade_has_a_basis"),
        ]


class SceneInForce(models.Model):
    """A version of a scene in a territory, from a day until another day (not included; none: until it is withdrawn).

    Of one scene at most one version is in force in a territory on any day: an exclusion constraint of migration 0003.
    """

    id = models.UUIDField(primary_key=True)
    scene = models.CharField(max_length=40)  # its key
    version = models.CharField(max_length=60)  # key@valid_from
    territory = models.CharField(max_length=6)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)
    set_by = models.UUIDField()  # a person, or the system
    set_at = models.DateTimeField()
    key = models.UUIDField()  # of the request
    withdrawn_by = models.UUIDField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            CheckConstraint(condition=Q(valid_to=None) | Q(valid_to__gte=F("valid_from")), name="scene_ends_after_it_begins"),
            CheckConstraint(condition=Q(version__startswith=F("scene")), name="scene_version_is_of_its_key"),
            CheckConstraint(
                condition=Q(withdrawn_by=None, withdrawn_at=None)
                | Q(withdrawn_by__isnull=False, withdrawn_at__isnull=False, valid_to__isnull=False),
                name="scene_withdrawn_whole",
            ),
        ]  # fmt: skip
        indexes = [Index(fields=["territory", "valid_from"], name="scene_in_territory")]
