"""The two ends of loading the demo; between them stand the subjects' own commands. Desks have no tables."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from luhai.kernel.origin import Origin
from luhai.shell.command import command, record


@command(may=[])
def begin_demo(*, seed: int, size: str, origin: Origin) -> dict[str, str]:
    """Begin to load an invented corridor; answer the day as of which it is invented.

    The day is that of the first asking: an interrupted load goes on, on any later day, as it was begun.
    """
    return {"as_of": timezone.localdate(origin.at).isoformat()}


@command(may=[])
def finish_demo(*, seed: int, size: str, summary: dict[str, Any], origin: Origin) -> dict[str, Any]:
    """Say that the corridor is loaded and its main job was run, with what came of it."""
    record("desks.demo_loaded", f"{seed}:{size}", summary=summary)
    return summary
