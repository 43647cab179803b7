"""The first word of a shipment, from which instant it is told, and the last, what came of it. Between them stand the subjects' commands."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from luhai.kernel.origin import Origin
from luhai.shell.command import command, record


@command(may=[])
def begin(*, seed: str, number: int, origin: Origin) -> dict[str, str]:
    """Begin the story of a shipment; answer the instant at which it begins.

    Who:     set-up.
    Units:   the instant is that of the first asking: whoever asks again, on any later day, goes on with the same story.
    """
    record("lane.begun", f"{seed}:{number}", seed=seed, number=number)
    return {"starts_at": origin.at.isoformat()}


@command(may=[])
def finish(*, seed: str, told: dict[str, Any], origin: Origin) -> dict[str, Any]:
    """Keep what was told of a story, for whoever asks for it again; return it.

    Who:     set-up.
    """
    record("lane.finished", seed, steps=len(told["steps"]), agrees=told["recounted"]["agrees"])
    return told


def starts_at(answer: dict[str, str]) -> datetime:
    return datetime.fromisoformat(answer["starts_at"])
