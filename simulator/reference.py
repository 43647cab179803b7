"""The reference data of the corridor as the simulator reads it: `data/reference/`, whose SOURCES.md says whence."""

from __future__ import annotations

import csv
import json
from functools import cache
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parent.parent / "data" / "reference"


@cache
def table(name: str) -> tuple[dict[str, str], ...]:
    """The rows of `data/reference/<name>.csv`, in the order of the file."""
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


@cache
def territories() -> tuple[dict[str, Any], ...]:
    """The 13 provinces and 2 cities of the corridor."""
    return tuple(json.loads((FOLDER / "territories.json").read_text(encoding="utf-8")))
