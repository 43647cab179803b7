"""What territories set differently, within the limits that a parameter declares. `commands` writes these rows."""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint


class Override(models.Model):
    """A territory's own value of a parameter from a day on. A newer row takes the older one's place; none is changed."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    key = models.CharField(max_length=120)
    territory = models.CharField(max_length=6)
    value = models.CharField(max_length=40)  # a decimal, exactly as it was given
    valid_from = models.DateField()
    document = models.CharField(max_length=200)  # the instrument that sets it
    article = models.CharField(max_length=60, default="")
    set_by = models.UUIDField()
    set_at = models.DateTimeField()

    class Meta:
        constraints = [
            UniqueConstraint(fields=["key", "territory", "valid_from"], name="one_override_begins_on_a_day"),
            CheckConstraint(
                condition=Q(territory__regex=r"^[1-9]\d{5}$"), name="override_territory_is_a_code"
            ),
        ]
