"""What carries a measure, as each subject says in `docs/articles/<subject>.yaml`. Read by the page and by `luhai docs build`."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import yaml
from django.conf import settings

MEASURES: Final = Path(settings.BASE) / "data" / "policies" / "pbc-2025-11-26.measures.csv"
PARTS: Final = Path(settings.BASE) / "docs" / "articles"
#: A page that can be opened as it is written: no placeholder in it, and not of the API.
PAGE: Final = re.compile(r"/(?!api/)[a-z0-9/_-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Carrier:
    """One thing that carries a measure: where it is (`by`: pages, routes, commands), how, and what is not there yet."""

    by: tuple[str, ...]
    how: str
    note: str
    subject: str
    how_zh: str
    note_zh: str

    @property
    def pages(self) -> tuple[str, ...]:
        return tuple(b for b in self.by if PAGE.fullmatch(b))

    @property
    def others(self) -> tuple[str, ...]:
        return tuple(b for b in self.by if not PAGE.fullmatch(b))


def measures() -> list[dict[str, str]]:
    """The 239 measures as they were cut from the text, in its order."""
    with open(MEASURES, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def carried() -> dict[str, list[Carrier]]:
    """measure -> what carries it. Raises: ValueError (a part names a measure that there is not, or lacks a key)."""
    known = {row["id"] for row in measures()}
    found: dict[str, list[Carrier]] = defaultdict(list)
    for path in sorted(PARTS.glob("*.yaml")):
        entries: list[Mapping[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))
        for entry in entries:
            carrier = Carrier(
                tuple(entry["by"]), entry["how"], entry.get("note", ""), path.stem, entry["how_zh"], entry.get("note_zh", "")
            )
            for measure in entry["measures"]:
                if measure not in known:
                    raise ValueError(f"{path.name}: there is no measure {measure}")
                found[measure].append(carrier)
    return found


@lru_cache(maxsize=1)
def shipped() -> Mapping[str, tuple[Carrier, ...]]:
    """The same, read once: the parts change only with the code."""
    return {measure: tuple(carriers) for measure, carriers in carried().items()}
