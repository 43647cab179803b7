"""Between the tables and `method`: what a run brings, and what comes back as decimals of fixed digits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from .method import composite
from .method.system import DimScored, Given, Interval, ItemScored, Scored, Status, System, as_decimal
from .models import Unit, Value
from .systems import Definition


def system_of(what: Definition, units: Sequence[Unit]) -> System:
    """The system with the peers of a cycle: those of its units that are in the same group."""
    groups: dict[str, list[str]] = {}
    for unit in units:
        groups.setdefault(unit.group, []).append(unit.unit)
    return replace(what.system, peer_groups={k: tuple(sorted(v)) for k, v in sorted(groups.items())})


def given_of(values: Sequence[Value]) -> dict[str, dict[str, Given]]:
    found: dict[str, dict[str, Given]] = {}
    for v in values:
        found.setdefault(v.unit, {})[v.indicator] = Given(v.value, Status(v.status), tuple(Decimal(h) for h in v.history))
    return found


def score(system: System, values: Sequence[Value], vetoes: Mapping[str, Sequence[str]], *, seed: int, draws: int) -> dict[str, dict[str, Any]]:
    """Every unit's card as plain values: decimals as texts of four digits. The same inputs and seed give the same cards."""
    scored = composite.evaluate(system, given_of(values), seed=seed, vetoes=vetoes, draws=draws)
    return {unit: _card(one) for unit, one in scored.items()}


def _card(s: Scored) -> dict[str, Any]:
    return {
        "total": _text(s.total), "deducted": _text(s.deducted), "rank": s.rank, "grade": s.grade or "", "grade_by_points": s.grade_by_points,
        "low": _text(s.interval.low), "high": _text(s.interval.high), "coverage": _text(s.coverage),
        "reasons": [str(r) for r in s.reasons], "vetoes": list(s.vetoes), "ranks": _interval(s.rank_interval),
        "grade_shares": {k: _text(v) for k, v in s.grade_shares.items()}, "dims": [_dim(d) for d in s.dims], "items": [_item(i) for i in s.items],
    }  # fmt: skip


def _dim(d: DimScored) -> dict[str, Any]:
    return {"key": d.key, "score": _text(d.score), "weight": _text(d.weight), "coverage": _text(d.coverage), "lost": _text(d.lost)}


def _item(i: ItemScored) -> dict[str, Any]:
    return {
        "key": i.key, "status": str(i.status), "way": str(i.way), "own_baseline": _text(i.own_baseline), "peer_baseline": _text(i.peer_baseline),
        "own_score": _text(i.own_score), "peer_score": _text(i.peer_score), "goalpost_score": _text(i.goalpost_score),
        "score": _text(i.score), "nominal": _text(i.nominal), "weight": _text(i.weight), "earned": _text(i.earned), "lost": _text(i.lost),
    }  # fmt: skip


def _interval(i: Interval) -> list[str | None]:
    return [_text(i.low), _text(i.median), _text(i.high)]


def _text(value: Any) -> str | None:
    return None if value is None else str(as_decimal(value))
