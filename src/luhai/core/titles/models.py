"""What the registry stores. `commands` writes these rows; nothing else does.

A title's row is a summary of its events, kept so that deciding is cheap; `policy.Control` is read from it. The foreign keys to
parties are checked at once, not at the end of the transaction, so that an unknown party is the caller's mistake (migration 0002).
"""

from __future__ import annotations

from uuid import uuid4

from django.contrib.postgres.fields import ArrayField, DecimalRangeField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint

from .chain import PROFILES, SIGNATURES
from .lifecycle import FINAL, Act, Form, Kind, State

_ENDED = sorted(s.value for s in FINAL)


class Lot(models.Model):
    """Goods in one place of a warehouse, and how much of them receipts stand for (INV-WR-1)."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    warehouse = models.ForeignKey("parties.Party", models.PROTECT, related_name="+")
    digest = models.CharField(max_length=64, unique=True)  # subjects.lot_digest
    place = models.JSONField()  # warehouse, yard, bin, lot as written
    unit = models.CharField(max_length=3)
    on_hand = models.BigIntegerField()
    receipted = models.BigIntegerField(default=0)
    short = models.BooleanField(default=False)  # the last stock-take found less than is receipted
    counted_at = models.DateTimeField()

    class Meta:
        constraints = [
            CheckConstraint(condition=Q(on_hand__gte=0, receipted__gte=0), name="lot_counts_from_zero"),
            CheckConstraint(
                condition=Q(receipted__lte=F("on_hand")) | Q(short=True), name="receipts_stand_for_goods_on_hand"
            ),
        ]


class Title(models.Model):
    """A record that exactly one party controls."""

    id = models.UUIDField(primary_key=True)
    kind = models.CharField(max_length=20)
    state = models.CharField(max_length=16, default=State.ISSUED.value)
    state_before = models.CharField(max_length=16, null=True)  # while FROZEN
    frozen_by = models.CharField(max_length=8, default="", blank=True)  # court | stock, while FROZEN
    form = models.CharField(max_length=8)
    prev_form = models.CharField(max_length=8, null=True)
    issuer = models.ForeignKey(
        "parties.Party", models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    holder = models.ForeignKey(
        "parties.Party", models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    beneficiary = models.ForeignKey(
        "parties.Party", models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    nominee = models.ForeignKey(
        "parties.Party", models.PROTECT, related_name="+", db_constraint=False, db_index=False, null=True
    )
    prev_holder = models.ForeignKey(
        "parties.Party", models.PROTECT, related_name="+", db_constraint=False, db_index=False, null=True
    )
    prev_beneficiary = models.ForeignKey(
        "parties.Party", models.PROTECT, related_name="+", db_constraint=False, db_index=False, null=True
    )
    keeper = models.UUIDField(null=True)  # an escrow; while set, nobody else acts
    kept_control = models.BooleanField(default=False)  # the holder handed it over
    kept_pledgees = ArrayField(models.UUIDField(), default=list)  # the pledgees who handed it over
    quantity = models.BigIntegerField()  # what is left, in whole units
    quantity_begun = models.BigIntegerField()  # with which it was issued or derived
    unit = models.CharField(max_length=3)
    delivered = models.BigIntegerField(default=0)
    pledged = models.BigIntegerField(default=0)  # the sum of its live pledges
    asked = models.BigIntegerField(default=0)  # presented for delivery
    subject = models.JSONField()
    number = models.CharField(max_length=64)  # folded
    look = models.CharField(max_length=64)  # as a hurried eye reads it
    key = models.CharField(max_length=400)  # its own key, folded; confidential as the row
    key_digest = models.CharField(max_length=64)
    #: Which part of what was issued under the key: "" the whole, "/2.1" the first part of its second event …
    branch = models.CharField(max_length=200, default="", blank=True)
    root = models.ForeignKey("titles.Title", models.PROTECT, related_name="+")  # what was issued; itself
    origin_title = models.ForeignKey("titles.Title", models.PROTECT, null=True, related_name="+")  # split or merged from
    lot = models.ForeignKey(Lot, models.PROTECT, null=True, related_name="+")
    first_holder = models.UUIDField()
    due_on = models.DateField(null=True)
    version = models.PositiveIntegerField(default=1)
    content_digest = models.CharField(max_length=64)
    paper_no = models.CharField(max_length=200, default="", blank=True)
    profile = models.CharField(max_length=8)
    n = models.PositiveIntegerField()  # how many events there are
    head = models.CharField(max_length=64)  # the digest of the last
    #: Who may see it: issuer, holder, beneficiary, nominee, pledgees, those who may get it back, and who acted last.
    seen_by = ArrayField(models.UUIDField())
    issued_at = models.DateTimeField()
    acted_at = models.DateTimeField()

    class Meta:
        constraints = [
            CheckConstraint(condition=Q(kind__in=[k.value for k in Kind]), name="title_kind_known"),
            CheckConstraint(condition=Q(state__in=[s.value for s in State]), name="title_state_known"),
            CheckConstraint(condition=Q(form__in=[f.value for f in Form]), name="title_form_known"),
            CheckConstraint(condition=Q(profile__in=PROFILES), name="title_profile_known"),
            CheckConstraint(
                condition=Q(pledged__gte=0, pledged__lte=F("quantity")), name="pledged_is_within_quantity"
            ),
            CheckConstraint(
                condition=Q(quantity_begun=F("quantity") + F("delivered")), name="quantity_is_conserved"
            ),
            CheckConstraint(
                condition=Q(quantity__gt=0) | Q(quantity=0, state=State.DELIVERED.value),
                name="title_stands_for_something",
            ),
            CheckConstraint(
                condition=Q(asked__gte=0, asked__lte=F("quantity") - F("pledged"), delivered__gte=0),
                name="asked_is_free",
            ),
            CheckConstraint(
                condition=Q(state=State.FROZEN.value, state_before__isnull=False)
                | (~Q(state=State.FROZEN.value) & Q(state_before__isnull=True)),
                name="frozen_remembers",
            ),
            UniqueConstraint(
                fields=["key_digest", "branch"], condition=~Q(state__in=_ENDED), name="one_live_title_per_branch"
            ),
        ]  # fmt: skip
        indexes = [
            GinIndex(fields=["seen_by"], name="title_seen_by"),
            models.Index(fields=["-acted_at", "-id"], name="title_newest_first"),
            models.Index(fields=["root"], name="title_live_leaves", condition=~Q(state__in=_ENDED)),
            models.Index(fields=["lot"], name="title_of_lot", condition=~Q(state__in=_ENDED)),
            models.Index(fields=["issuer", "kind", "look"], name="title_look", condition=Q(branch="")),
            models.Index(
                fields=["issuer", "first_holder", "quantity_begun", "issued_at"], name="title_like", condition=Q(branch="")
            ),
        ]


class Claim(models.Model):
    """A key that a title occupies while it, or a part of it, is live. Only the database ends a claim (migration 0002)."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    root = models.ForeignKey(Title, models.PROTECT, related_name="claims")
    sort = models.CharField(max_length=10)  # document, waybill, container, receipt, voucher, bill
    digest = models.CharField(max_length=64)
    #: From where to where on the key (fen of a pack, days of a container); null: the whole of it.
    first = models.BigIntegerField(null=True)
    last = models.BigIntegerField(null=True)
    #: The digest as a number × 10^13, plus first and last: one line on which no two live claims overlap.
    line = DecimalRangeField(null=True)
    live = models.BooleanField(default=True)

    class Meta:
        constraints = [
            UniqueConstraint(
                fields=["digest"], condition=Q(live=True, line=None), name="one_live_title_per_key"
            ),
            CheckConstraint(
                condition=Q(first=None, last=None, line=None)
                | Q(first__gte=0, last__gte=F("first"), last__lt=10**13, line__isnull=False),
                name="claim_has_both_ends",
            ),
        ]
        indexes = [models.Index(fields=["digest"], name="claim_digest", condition=Q(live=True))]


class Event(models.Model):
    """What was done to a title, in order. Rows are only ever added."""

    title = models.ForeignKey(Title, models.PROTECT, related_name="events")
    n = models.PositiveIntegerField()
    act = models.CharField(max_length=24)
    actor_party = models.UUIDField()  # for whom; the authority for acts of a court
    person = models.UUIDField()  # who asked; not in the body, which leaves the registry
    at = models.DateTimeField()
    body = models.TextField()  # RFC 8785; the bytes that were digested
    digest = models.CharField(max_length=64)
    signed = models.BooleanField(default=False)

    class Meta:
        constraints = [
            UniqueConstraint(fields=["title", "n"], name="title_event_order"),
            CheckConstraint(condition=Q(act__in=[a.value for a in Act]), name="title_act_known"),
        ]


class Pledge(models.Model):
    """Security over a quantity of a title. Releasing reduces `quantity`; at 0 the pledge has ended."""

    id = models.UUIDField(primary_key=True)
    title = models.ForeignKey(Title, models.PROTECT, related_name="pledges")  # moves to the part that carries it
    pledgor = models.UUIDField()
    pledgee = models.ForeignKey("parties.Party", models.PROTECT, related_name="+")
    given = models.BigIntegerField()
    quantity = models.BigIntegerField()  # still pledged
    secured_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, default="", blank=True)
    registration = models.CharField(max_length=200, default="", blank=True)  # number in the national register of security
    affiliated = models.BooleanField(default=False)  # the pledgor said that the warehouse is itself or an affiliate
    pledged_at = models.DateTimeField()
    taken_at = models.DateTimeField(null=True)  # the pledgee's first act on it; until then it may refuse it
    ended_at = models.DateTimeField(null=True)
    ended_how = models.CharField(max_length=8, default="", blank=True)  # released | refused | enforced | void

    class Meta:
        constraints = [
            CheckConstraint(
                condition=Q(quantity__gt=0, ended_at=None) | Q(quantity=0, ended_at__isnull=False),
                name="pledge_ends_at_zero",
            ),
            CheckConstraint(condition=Q(quantity__lte=F("given")), name="pledge_only_shrinks"),
            CheckConstraint(
                condition=Q(taken_at=None, ended_how="", quantity=F("given"))
                | Q(taken_at=None, ended_how__in=["refused", "void"])
                | Q(taken_at__isnull=False, ended_how__in=["", "released", "enforced", "void"]),
                name="pledge_is_refused_untouched",
            ),
        ]
        indexes = [models.Index(fields=["title"], name="live_pledges", condition=Q(ended_at=None))]


class Version(models.Model):
    """What the document said in one version. Rows are only ever added."""

    title = models.ForeignKey(Title, models.PROTECT, related_name="versions")
    version = models.PositiveIntegerField()
    content = models.JSONField()
    digest = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        constraints = [UniqueConstraint(fields=["title", "version"], name="title_version_once")]


class Custody(models.Model):
    """Where the goods are and who has them, as somebody reported it. Beside control of the record; rows are only added."""

    title = models.ForeignKey(Title, models.PROTECT, related_name="custody")
    event = models.CharField(max_length=12)  # commands.CUSTODY_EVENTS
    custodian = models.UUIDField()
    place = models.CharField(max_length=64)
    reference = models.CharField(max_length=64, default="", blank=True)
    happened_at = models.DateTimeField()
    contradicts = models.BooleanField(default=False)
    reported_by = models.UUIDField()
    reported_at = models.DateTimeField()


class Key(models.Model):
    """A party's public key for signing acts. Revoked, it signs nothing new; what it signed stays signed."""

    id = models.UUIDField(primary_key=True)
    party = models.ForeignKey("parties.Party", models.PROTECT, related_name="+")
    profile = models.CharField(max_length=8)
    public = models.CharField(max_length=128, unique=True)
    name = models.CharField(max_length=80)
    registered_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [CheckConstraint(condition=Q(profile__in=SIGNATURES), name="key_profile_known")]


class Review(models.Model):
    """A number that may be an edited one: two would-be titles, which a person tells apart."""

    id = models.UUIDField(primary_key=True)
    key_digest = models.CharField(max_length=64)  # of the title that was asked for
    title = models.ForeignKey(Title, models.PROTECT, related_name="+")  # the live one that it resembles
    number = models.CharField(max_length=64)
    reason = models.CharField(max_length=12)  # looks_alike | edited
    asked_by = models.UUIDField()
    asked_at = models.DateTimeField()
    cleared_by = models.UUIDField(null=True)
    cleared_at = models.DateTimeField(null=True)
    why = models.CharField(max_length=200, default="", blank=True)

    class Meta:
        constraints = [
            UniqueConstraint(fields=["key_digest", "title"], name="a_pair_is_reviewed_once"),
            CheckConstraint(
                condition=Q(cleared_at=None, cleared_by=None)
                | (Q(cleared_at__isnull=False, cleared_by__isnull=False) & ~Q(why="")),
                name="cleared_with_a_reason",
            ),
        ]


class Order(models.Model):
    """An order of a court or authority over a title: entered by one person, confirmed by another."""

    id = models.UUIDField(primary_key=True)
    title = models.ForeignKey(Title, models.PROTECT, related_name="orders")
    act = models.CharField(max_length=8)  # freeze | unfreeze | void
    document = models.CharField(max_length=200)
    reason = models.CharField(max_length=200)
    entered_by = models.UUIDField()
    entered_at = models.DateTimeField()
    confirmed_by = models.UUIDField(null=True)
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            CheckConstraint(condition=Q(act__in=["freeze", "unfreeze", "void"]), name="order_act_known"),
            CheckConstraint(
                condition=Q(confirmed_by=None, confirmed_at=None)
                | (Q(confirmed_by__isnull=False, confirmed_at__isnull=False) & ~Q(confirmed_by=F("entered_by"))),
                name="an_order_needs_two_people",
            ),
        ]
