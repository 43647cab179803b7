"""What maps and plans say of the territories of the corridor. Pure but for the reading.

Source: data/packages/territories/places.json, with the sources that it names. What the file does not say of a territory is not known.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from .policy import Known

_FILE: Final = Path(__file__).resolve().parents[4] / "data" / "packages" / "territories" / "places.json"


@cache
def _table() -> Mapping[str, Mapping[str, Known]]:
    document = json.loads(_FILE.read_text(encoding="utf-8"))
    return {
        code: {name: Known(value, document["source"]) for name, value in facts.items() if value is not None}
        for code, facts in document["territories"].items()
    }


def of(territory: str) -> Mapping[str, Known]:
    return _table().get(territory, {})
