"""From the inputs of a study to its effect, as plain values that are stored."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from math import isfinite
from typing import Any

from luhai.kernel.refusal import gettext_noop

from .method import effects
from .method.system import as_decimal
from .refusals import NoEffect


def estimated(inputs: dict[str, Any]) -> dict[str, Any]:
    """The effect, from the inputs of a study alone. Refuses: NoEffect."""
    quarters: list[str] = inputs["quarters"]
    units = sorted(inputs["panel"])
    dates = [_place(inputs["adopted"][u], quarters) for u in units]
    within = {d for d in dates if d != 0}
    if within <= {None}:
        raise NoEffect(problem=gettext_noop("no territory took the measure up within these quarters and was there before."))
    if len(within) < 2:
        raise NoEffect(problem=gettext_noop("there is no territory to compare with, which took it up never or later."))
    try:
        outcome: Any = [[Decimal(v) for v in inputs["panel"][u]] for u in units]
        data = effects.panel(outcome, dates)
        found = effects.estimate(data, seed=inputs["seed"])
    except ValueError as fault:
        raise NoEffect(problem=str(fault)) from None
    told: dict[str, Any] = _plain(asdict(found))
    return told


def _plain(value: Any) -> Any:
    """Decimals of four digits as texts; an end without a bound is None."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    return str(as_decimal(value)) if isfinite(value) else None


def _place(adopted: str | None, quarters: list[str]) -> int | None:
    """Which of the quarters; 0 if before the first, none if never or after the last."""
    if adopted is None or adopted > quarters[-1]:
        return None
    return next(n for n, q in enumerate(quarters) if q >= adopted)
