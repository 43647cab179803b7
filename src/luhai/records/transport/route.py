"""By which way goods travel, as statistics tell ways apart, from the legs of a transport document. Pure.

Source: domain notes on oversight §1.2 (ROUTE); Chongqing counts rail-sea, international rail and cross-border road as the corridor's ways.
"""

from __future__ import annotations

from collections.abc import Sequence

from .bill import Leg


def route_of(legs: Sequence[Leg]) -> str:
    """RSI rail and sea; IRL by rail across a border; XBR by road across one; AIR; INW inland water; OTH whatever else.

    Places are UN/LOCODEs, whose first two letters are the country: a short leg by road to a station makes no cross-border road.
    """
    modes = {leg.mode for leg in legs}
    abroad = {leg.mode for leg in legs if leg.origin[:2] != leg.destination[:2]}
    if {"rail", "sea"} <= modes:
        return "RSI"
    if "sea" in modes:
        return "OTH"
    if "rail" in abroad:
        return "IRL"
    if "road" in abroad:
        return "XBR"
    if "air" in modes:
        return "AIR"
    return "INW" if "inland_water" in modes and "rail" not in modes else "OTH"
