"""The territories of the corridor, 13 provinces and 2 cities, read from `data/reference`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).resolve().parents[4] / "data" / "reference" / "territories.json"


@dataclass(frozen=True, slots=True)
class Territory:
    code: str  # GB/T 2260
    name_zh: str
    short_zh: str
    name_en: str


@cache
def territories() -> dict[str, Territory]:
    rows = json.loads(_FILE.read_text(encoding="utf-8"))
    return {r["code"]: Territory(r["code"], r["name_zh"], r["short_zh"], r["name_en"]) for r in rows}
