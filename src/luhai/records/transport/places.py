"""Names of the places that the corridor knows, by UN/LOCODE; others are shown by their code alone."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import Final

_FILE: Final = Path(__file__).resolve().parents[4] / "data" / "reference" / "places.csv"


@cache
def _places() -> dict[str, tuple[str, str]]:
    with open(_FILE, encoding="utf-8", newline="") as file:
        return {row["code"]: (row["name_zh"], row["name_en"]) for row in csv.DictReader(file)}


def place_names(code: str) -> tuple[str, str]:
    """(Chinese, English), or two empty texts."""
    return _places().get(code, ("", ""))


def place_codes() -> list[tuple[str, str, str]]:
    """(code, Chinese, English) of all of them, by code."""
    return [(code, *names) for code, names in sorted(_places().items())]
