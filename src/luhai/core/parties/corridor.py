"""Where the territories, hubs and routes of the corridor are drawn: a schematic of tiles, never a map with borders."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from .territories import territories

_REFERENCE: Final = Path(__file__).resolve().parents[4] / "data" / "reference"
_PROVINCE_ENDS: Final = (", Guangdong", ", Hunan")


@dataclass(frozen=True, slots=True)
class Tile:
    """One territory: its cell in a grid of tiles, and its rectangle (x, y, width, height) in the schematic."""

    code: str
    name_zh: str
    name_en: str
    column: int
    row: int
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Hub:
    name_zh: str
    name_en: str
    x: int
    y: int
    main: bool
    label: tuple[int, int, str] | None  # x, y and text-anchor; None where the tile already bears the name


@dataclass(frozen=True, slots=True)
class Route:
    name_zh: str
    name_en: str
    line: int
    path: str  # an SVG path


@dataclass(frozen=True, slots=True)
class Abroad:
    name_zh: str
    name_en: str
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Schematic:
    width: int
    height: int
    tiles: tuple[Tile, ...]
    abroad: tuple[Abroad, ...]
    hubs: tuple[Hub, ...]
    routes: tuple[Route, ...]
    links: tuple[str, ...]


@cache
def tiles() -> dict[str, Tile]:
    """Every territory's tile, by code, in the order in which a reader meets them (row by row)."""
    drawing, short = _drawing(), _short_names()
    found = {}
    for code, (column, row) in sorted(drawing["grid"].items(), key=lambda item: item[1][::-1]):
        territory = territories()[code]
        name_en = territory.name_en
        for end in _PROVINCE_ENDS:
            name_en = name_en.removesuffix(end)
        found[code] = Tile(code, short.get(code, territory.name_zh), name_en, column, row, *drawing["tiles"][code])
    return found


@cache
def schematic() -> Schematic:
    drawing, places = _drawing(), _places()
    width, height = drawing["size"]
    return Schematic(
        width,
        height,
        tuple(tiles().values()),
        tuple(Abroad(a["zh"], a["en"], *a["at"]) for a in drawing["abroad"]),
        tuple(
            _hub(hub, places[code])
            for code, hub in drawing["hubs"].items()
        ),
        tuple(Route(r["zh"], r["en"], r["line"], _path(r["path"])) for r in drawing["routes"]),
        tuple(_path(points) for points in drawing["links"]),
    )  # fmt: skip


def _hub(hub: dict[str, Any], names: tuple[str, str]) -> Hub:
    x, y = hub["at"]
    return Hub(*names, x, y, hub.get("main", False), tuple(hub["label"]) if "label" in hub else None)


def _path(points: list[list[int]]) -> str:
    return "M" + "L".join(f"{x} {y}" for x, y in points)


@cache
def _drawing() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((_REFERENCE / "corridor.json").read_text(encoding="utf-8"))
    return found


def _places() -> dict[str, tuple[str, str]]:
    with open(_REFERENCE / "places.csv", encoding="utf-8", newline="") as file:
        return {row["code"]: (row["name_zh"], row["name_en"]) for row in csv.DictReader(file)}


def _short_names() -> dict[str, str]:
    rows = json.loads((_REFERENCE / "territories.json").read_text(encoding="utf-8"))
    return {row["code"]: row["short_zh"] for row in (rows["territories"] if isinstance(rows, dict) else rows)}
