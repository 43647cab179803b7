"""What a run was made from, as it enters its digest: read from the tables, by whoever scores and by whoever checks."""

from __future__ import annotations

from typing import Any

from . import policy
from .models import Cycle, Value, Veto


def said(v: Value) -> dict[str, Any]:
    """What a value says, as it enters digests."""
    value, before = (None if x is None else policy.shown(x) for x in (v.value, v.before))
    return {
        "unit": v.unit, "indicator": v.indicator, "status": v.status, "value": value, "before": before, "history": v.history,
        "evidence": v.evidence,
    }  # fmt: skip


def vetoes_of(cycle: Cycle, run: int) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in Veto.objects.filter(cycle=cycle, run=run, confirmed_by__isnull=False).order_by("unit", "veto"):
        found.setdefault(row.unit, []).append(row.veto)
    return found


def digest_of(cycle: Cycle, run: int) -> str:
    """The digest of a run's inputs, from what is stored."""
    values = [said(v) for v in Value.objects.filter(cycle=cycle, run=run)]
    return policy.inputs_digest(cycle.system_digest, cycle.seed, values, vetoes_of(cycle, run))
