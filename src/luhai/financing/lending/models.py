"""What is stored of lines and draws. `line_commands` and `commands` write these rows; nothing else does.

What is owed is not stored here: it stands on accounts of the ledger (books.py). These rows say what was agreed, on which business day
something moved, and what a close of business found; they are only ever added, but for the states (migration 0002).
"""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint

from luhai.core.indicators.dimensions import GREENS, INDUSTRIES, ROUTES, SIZES

from .lifecycle import DRAW_ENDED, DrawState, LineState

_ENDED = sorted(s.value for s in DRAW_ENDED)


class Line(models.Model):
    """A comprehensive credit line of a bank for a company. `contract` is what policy.as_json wrote."""

    id = models.UUIDField(primary_key=True)
    bank = models.ForeignKey("parties.Party", models.PROTECT, related_name="+")
    company = models.ForeignKey("parties.Party", models.PROTECT, related_name="+")
    number = models.CharField(max_length=60)  # of the contract
    currency = models.CharField(max_length=3)
    size = models.CharField(max_length=7, default="", blank=True)  # of the borrower, as the bank classifies it; "" not stated
    industry = models.CharField(max_length=1, default="", blank=True)
    contract = models.JSONField()
    digest = models.CharField(max_length=64)  # of contract and limits: what is signed
    state = models.CharField(max_length=9, default=LineState.DRAFT.value)
    opened_by = models.UUIDField()
    approved_by = models.UUIDField(null=True)
    signed_by = models.UUIDField(null=True)
    opened_at = models.DateTimeField()
    acted_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            UniqueConstraint(fields=["bank", "number"], name="a_bank_numbers_a_line_once"),
            CheckConstraint(condition=Q(state__in=[s.value for s in LineState]), name="line_state_known"),
            CheckConstraint(condition=~Q(approved_by=F("opened_by")), name="line_four_eyes"),
            CheckConstraint(condition=~Q(bank=F("company")), name="a_line_has_two_sides"),
            CheckConstraint(condition=Q(size__in=["", *SIZES], industry__in=["", *INDUSTRIES]), name="line_borrower_classified"),
        ]
        indexes: ClassVar = [Index(fields=["-acted_at", "-id"], name="line_newest_first")]


class Limit(models.Model):
    """One limit of the tree. How far it is used stands on its accounts; `amount` is what was agreed last."""

    id = models.UUIDField(primary_key=True)
    line = models.ForeignKey(Line, models.PROTECT, related_name="limits")
    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="below")
    name = models.CharField(max_length=40)
    territory = models.CharField(max_length=6, null=True)
    product = models.CharField(max_length=40, default="", blank=True)
    amount = models.BigIntegerField()
    shared = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            UniqueConstraint(fields=["line", "name"], name="a_limit_has_a_name_of_its_own"),
            UniqueConstraint(fields=["line"], condition=Q(parent=None), name="a_line_has_one_whole_limit"),
            CheckConstraint(condition=Q(amount__gte=0), name="limit_not_negative"),
        ]


class Draw(models.Model):
    """A draw on a line. `due` and `method` say how it is repaid; `escrow` holds what will repay the last of it."""

    id = models.UUIDField(primary_key=True)
    line = models.ForeignKey(Line, models.PROTECT, related_name="draws")
    limit = models.ForeignKey(Limit, models.PROTECT, related_name="+")
    state = models.CharField(max_length=11, default=DrawState.REQUESTED.value)
    amount = models.BigIntegerField()
    purpose = models.CharField(max_length=200)
    method = models.CharField(max_length=20)
    repayment = models.JSONField()  # as it was asked for
    due = ArrayField(models.DateField(), default=list)  # known from the day the money moves
    starts_on = models.DateField(null=True)
    to_account = models.UUIDField()
    escrow_id = models.UUIDField(unique=True)
    title_id = models.UUIDField(null=True)
    pledge_id = models.UUIDField(null=True)
    quantity = models.BigIntegerField(null=True)  # of the title, that must be pledged
    insurance_id = models.UUIDField(null=True)  # a piece of evidence
    green = models.CharField(max_length=1, default="", blank=True)  # as the bank classifies it; "" not stated
    route = models.CharField(max_length=3, default="", blank=True)  # of the pledged title's goods, from the day the money moves
    holds = models.JSONField(default=dict)  # limit -> the ledger's hold for it
    requested_by = models.UUIDField()
    requested_at = models.DateTimeField()
    approved_by = models.UUIDField(null=True)
    paid_out_by = models.UUIDField(null=True)
    closed_on = models.DateField(null=True)  # the last business day that was closed
    arrived_on = models.DateField(null=True)  # all that is owed has come and waits for the bank's check
    misused_on = models.DateField(null=True)
    acted_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            CheckConstraint(condition=Q(state__in=[s.value for s in DrawState]), name="draw_state_known"),
            CheckConstraint(condition=Q(amount__gt=0), name="draw_of_something"),
            CheckConstraint(condition=Q(green__in=["", *GREENS], route__in=["", *ROUTES]), name="draw_classified"),
            CheckConstraint(condition=~Q(paid_out_by=F("approved_by")), name="draw_four_eyes"),
            UniqueConstraint(
                fields=["pledge_id"], condition=~Q(state__in=_ENDED), name="a_pledge_secures_one_live_draw"
            ),
        ]
        indexes: ClassVar = [
            Index(fields=["line", "-acted_at"], name="draw_of_line"),
            Index(
                fields=["closed_on", "id"],
                name="draw_to_close",
                condition=~Q(state__in=["REQUESTED", "RESERVED", *_ENDED]),
            ),
        ]


class Security(models.Model):
    """A document whose value stands behind a draw. `use_id` is its use for financing in the evidence register."""

    draw = models.ForeignKey(Draw, models.PROTECT, related_name="securities")
    evidence_id = models.UUIDField()
    use_id = models.UUIDField(unique=True)
    amount = models.BigIntegerField()  # in the document's own currency
    currency = models.CharField(max_length=3)
    value = models.BigIntegerField()  # the same in the currency of the draw
    rate = models.CharField(max_length=30, default="1")
    rate_on = models.DateField(null=True)

    class Meta:
        constraints: ClassVar = [
            UniqueConstraint(fields=["draw", "evidence_id"], name="a_document_stands_once_behind_a_draw"),
            CheckConstraint(condition=Q(amount__gt=0, value__gt=0), name="security_of_something"),
        ]


class Fixing(models.Model):
    """The rate of a draw from a day on: the prime rate of its term then, and the spread."""

    draw = models.ForeignKey(Draw, models.PROTECT, related_name="fixings")
    since = models.DateField()
    bp = models.IntegerField()
    prime_bp = models.IntegerField()
    key = models.CharField(max_length=40)
    valid_from = models.DateField()  # of the prime rate
    confidence = models.CharField(max_length=10)

    class Meta:
        constraints: ClassVar = [
            UniqueConstraint(fields=["draw", "since"], name="one_rate_a_day"),
            CheckConstraint(condition=Q(bp__gte=0), name="rate_not_negative"),
        ]


class Movement(models.Model):
    """What came in on a draw on a business day, by what it served. `cause` is the ledger's transfer, or the escrow."""

    draw = models.ForeignKey(Draw, models.PROTECT, related_name="movements")
    n = models.PositiveIntegerField()
    on = models.DateField()
    principal = models.BigIntegerField(default=0)
    interest = models.BigIntegerField(default=0)
    penalty = models.BigIntegerField(default=0)
    fees = models.BigIntegerField(default=0)
    how = models.CharField(max_length=12)
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            UniqueConstraint(fields=["draw", "n"], name="movement_order"),
            CheckConstraint(
                condition=Q(principal__gte=0, interest__gte=0, penalty__gte=0, fees__gte=0),
                name="movement_comes_in",
            ),
        ]


class Fee(models.Model):
    """A fee that the bank charges on a draw."""

    id = models.UUIDField(primary_key=True)
    draw = models.ForeignKey(Draw, models.PROTECT, related_name="charges")
    amount = models.BigIntegerField()
    reason = models.CharField(max_length=200)
    at = models.DateTimeField()


class DayClose(models.Model):
    """What the close of one business day booked on a draw: once, however often the day is closed."""

    draw = models.ForeignKey(Draw, models.PROTECT, related_name="closes")
    day = models.DateField()
    interest = models.BigIntegerField()  # grown in that night
    penalty = models.BigIntegerField()
    principal = models.BigIntegerField()  # owed at the close
    state = models.CharField(max_length=11)
    overdue_days = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar = [
            UniqueConstraint(fields=["draw", "day"], name="a_day_is_closed_once"),
            CheckConstraint(
                condition=Q(interest__gte=0, penalty__gte=0, principal__gte=0), name="close_adds"
            ),
        ]


class Receipt(models.Model):
    """Money in another currency that came for a draw: the rate, its day and its source, as they were used."""

    id = models.UUIDField(primary_key=True)
    draw = models.ForeignKey(Draw, models.PROTECT, related_name="receipts")
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField()
    rate = models.CharField(max_length=30)
    rate_on = models.DateField()
    source = models.CharField(max_length=80)
    value = models.BigIntegerField()  # in the currency of the draw
    at = models.DateTimeField()


class Valuation(models.Model):
    """What the security of a draw is worth, as the bank saw it on a day; `short` is what was missing then."""

    id = models.UUIDField(primary_key=True)
    draw = models.ForeignKey(Draw, models.PROTECT, related_name="valuations")
    on = models.DateField()
    value = models.BigIntegerField()
    short = models.BigIntegerField()
    document = models.CharField(max_length=200)
    at = models.DateTimeField()


class Event(models.Model):
    """What was done to a line or to one of its draws, in order. Rows are only ever added."""

    line = models.ForeignKey(Line, models.PROTECT, related_name="events")
    draw = models.ForeignKey(Draw, models.PROTECT, null=True, related_name="events")
    act = models.CharField(max_length=20)
    after = models.CharField(max_length=11)
    party = models.UUIDField(null=True)  # null: the system
    person = models.UUIDField()
    data = models.JSONField(default=dict)
    at = models.DateTimeField()
