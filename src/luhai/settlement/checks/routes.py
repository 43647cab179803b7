"""Through which territories goods are carried, as far as the places on their transport document are known. Pure but for the table.

A place that the table does not have says nothing: neither that the goods pass the corridor, nor that they do not.
Source: data/reference/places.csv (UN/LOCODE, and stations and ports of our own list).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

from luhai.kernel.folding import fold

_FILE: Final = Path(__file__).resolve().parents[4] / "data" / "reference" / "places.csv"
#: What a document of title is called in the registry, and what its carriage is here.
FORMS: Final = {
    "rail_bill": "rail", "rail_sea_bill": "rail_sea", "multimodal_bill": "multimodal", "cargo_document": "multimodal", "ocean_bill": "sea",
}  # fmt: skip
#: The formats in which such documents come, by their first word.
_FORMATS: Final = {"rail": "rail", "fiata": "multimodal", "dcsa": "sea"}


def territories_of(places: Iterable[str]) -> frozenset[str]:
    """GB/T 2260 codes of the places that are known by their code or by their whole name."""
    known = _table()
    return frozenset(code for place in places if (code := known.get(fold(place))))


def form_of(format: str, title: str) -> str:
    """What carries the goods: as the registry of titles has it, else by the form of the document."""
    return FORMS.get(title) or _FORMATS.get(format.partition(".")[0], "other")


@cache
def _table() -> dict[str, str]:
    found: dict[str, str] = {}
    with _FILE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["territory"]:
                for name in (row["code"], row["name_zh"], row["name_en"]):
                    found.setdefault(fold(name), row["territory"])
    return found
