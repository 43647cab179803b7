"""Everything that can be asked about parameters. Answers are plain values, never ORM rows."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache
from uuid import UUID

from django.conf import settings
from django.db import connection

from luhai.kernel.origin import Actor
from luhai.shell.query import EVERYBODY, query

from .models import Override
from .parameters import Parameters, Source, Value, load


@cache
def shipped() -> Parameters:
    """The parameters that come with the platform, without overrides. Read once a process."""
    return load(settings.DATA / "parameters")


#: The parameters with overrides, for the overrides of one moment: which there are. Rows never change.
_merged: dict[tuple[UUID, ...], Parameters] = {}


@query(may=EVERYBODY, public=["rules_override"])
def parameters(*, viewer: Actor) -> Parameters:
    """All parameters, the territories' overrides among them. One small SQL query; rows are read when they changed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM rules_override ORDER BY valid_from, set_at, id")
        mark = tuple(row[0] for row in cursor.fetchall())
    if not mark:
        return shipped()
    if mark not in _merged:
        merged = shipped().with_overrides(
            Value(
                row.key, Decimal(row.value), shipped().of(row.key).unit, row.valid_from, Source(row.document, row.article),
                "verified", row.territory, str(row.set_by),
            )
            for row in Override.objects.order_by("valid_from", "set_at", "pk")
        )  # fmt: skip
        _merged.clear()
        _merged[mark] = merged
    return _merged[mark]


@query(may=EVERYBODY)
def value_on(*, key: str, on: date, territory: str | None, viewer: Actor) -> Value:
    """The value of a parameter on a day, in a territory or in the whole country. Refuses: Absent, NoValueThen."""
    return parameters(viewer=viewer).value(key, on, territory)
