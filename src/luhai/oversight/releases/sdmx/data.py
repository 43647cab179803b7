"""Figures as SDMX data: SDMX-ML 3.0, SDMX-CSV 2.0, SDMX-JSON 2.0. Pure.

A suppressed figure is there without a value; its status says why (OBS_STATUS Q, CONF_STATUS). Amounts are in major units, as decimals of the
currency's digits: a reader of statistics does not know our minor units. XML and CSV are written by pysdmx, which has no writer for data in
JSON; that one is ours, and tests hold it against the published schema.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Final

from luhai.core.indicators.dimensions import DIMENSIONS

from .questions import FLAT, OBSERVATION_ATTRIBUTES, SERIES_ATTRIBUTES, Question
from .structure import AGENCY, CONCEPTS, NAME, ORDER, TIME, VALUE, VERSION, Structures

JSON_SCHEMA: Final = "https://raw.githubusercontent.com/sdmx-twg/sdmx-json/master/data-message/tools/schemas/2.0.0/sdmx-json-data-schema.json"
FLOW: Final = f"urn:sdmx:org.sdmx.infomodel.datastructure.Dataflow={AGENCY}:{NAME}({VERSION})"


@dataclass(frozen=True, slots=True)
class Point:
    """One observation as it is written: its series key in the order of `ORDER`, period, value (None: suppressed) and attributes."""

    key: tuple[str, ...]
    period: str
    value: str | None
    attributes: Mapping[str, str]
    vintage: int


def point(
    *, indicator: str, key: Sequence[str], month: str, value: int | None, unit: str, decimals: int, obs_status: str, conf_status: str,
    vintage: int, published_at: datetime, method: str,
) -> Point:  # fmt: skip
    """An observation from a released cell; `key` in the order of `DIMENSIONS`, `value` a whole number of 10^-decimals units."""
    coded = {d.sdmx: code for d, code in zip(DIMENSIONS, key, strict=True)} | {"FREQ": "M", "INDICATOR": indicator}
    return Point(
        tuple(coded[name] for name in ORDER), month, None if value is None else scaled(value, decimals),
        {
            "UNIT_MEASURE": unit, "UNIT_MULT": "0", "DECIMALS": str(decimals), "OBS_STATUS": obs_status, "CONF_STATUS": conf_status,
            "VINTAGE": str(vintage), "PUBLISHED": published_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "METHOD_REF": method,
        },
        vintage,
    )  # fmt: skip


def scaled(value: int, decimals: int) -> str:
    """A whole number of 10^-decimals as a decimal, exactly: (123456, 2) -> "1234.56"."""
    sign, digits = "-" * (value < 0), str(abs(value)).rjust(decimals + 1, "0")
    return sign + (f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits)


def chosen(points: Iterable[Point], question: Question) -> list[list[Point]]:
    """What a question asks for, as datasets: one, or one for each vintage where the history is asked for. Sorted by key and period."""
    wanted = sorted((p for p in points if question.wants(p.key, p.period)), key=lambda p: (p.vintage, p.key, p.period))
    if not question.history:
        return [_limited(sorted(wanted, key=lambda p: (p.key, p.period)), question)]
    return [_limited(list(group), question) for _v, group in groupby(wanted, key=lambda p: p.vintage)] or [[]]


def _limited(points: list[Point], question: Question) -> list[Point]:
    if question.first is None and question.last is None:
        return points
    found: list[Point] = []
    for _key, group in groupby(points, key=lambda p: p.key):
        series = list(group)
        first = series[: question.first] if question.first else []
        last = series[-question.last :] if question.last else []
        found += [*first, *(p for p in last if p not in first)]
    return found


# ------------------------------------------------------------------------------------------------------------- XML and CSV


def as_xml(datasets: Sequence[Sequence[Point]], structures: Structures, question: Question, *, at: datetime, sender: str = AGENCY) -> str:
    """SDMX-ML 3.0, structure-specific: series of observations by time, or flat."""
    from pysdmx.io import write_sdmx
    from pysdmx.io.format import Format
    from pysdmx.model import Organisation
    from pysdmx.model.message import Header

    frames = [_frame(points, structures, question) for points in datasets]
    header = Header(id=_message_id(at), prepared=at, sender=Organisation(id=sender))
    text = write_sdmx(
        frames, Format.DATA_SDMX_ML_3_0, header=header, prettyprint=False,
        dimension_at_observation=question.at_observation,
    )  # fmt: skip
    assert text is not None
    return text


def as_csv(datasets: Sequence[Sequence[Point]], structures: Structures, question: Question) -> str:
    """SDMX-CSV 2.0: one row an observation."""
    from pysdmx.io import write_sdmx
    from pysdmx.io.format import Format

    text = write_sdmx([_frame(points, structures, question) for points in datasets], Format.DATA_SDMX_CSV_2_0_0)
    assert text is not None
    return text


def _frame(points: Sequence[Point], structures: Structures, question: Question) -> Any:
    import pandas as pd
    from pysdmx.io.pd import PandasDataset
    from pysdmx.model.dataset import ActionType

    columns = [*ORDER, TIME, VALUE, *question.attributes]
    rows = [
        [*p.key, p.period, (p.value if question.measures else None) or "", *(p.attributes[a] for a in question.attributes)] for p in points
    ]
    return PandasDataset(structure=structures.written, data=pd.DataFrame(rows, columns=columns, dtype=str), action=ActionType.Replace)


def _message_id(at: datetime) -> str:
    return f"{AGENCY}{at.astimezone(UTC):%Y%m%d%H%M%S%f}"


# -------------------------------------------------------------------------------------------------------------------- JSON


def as_json(datasets: Sequence[Sequence[Point]], structures: Structures, question: Question, *, at: datetime, sender: str = AGENCY) -> str:
    """SDMX-JSON 2.0: values and codes by their place in the lists of the structure, which stands beside them."""
    flat = question.at_observation == FLAT
    lists = {c.id: c for c in structures.codelists}
    every = [p for points in datasets for p in points]
    values = {name: sorted({p.key[i] for p in every}) for i, name in enumerate(ORDER)}
    periods = sorted({p.period for p in every})
    places = {name: {code: n for n, code in enumerate(codes)} for name, codes in values.items()}
    when = {period: n for n, period in enumerate(periods)}
    series_attributes: list[str] = [a for a in SERIES_ATTRIBUTES if a in question.attributes]
    point_attributes: list[str] = [a for a in OBSERVATION_ATTRIBUTES if a in question.attributes]
    if flat:
        series_attributes, point_attributes = [], [*question.attributes]
    said = {a: sorted({p.attributes[a] for p in every}) for a in question.attributes}
    ordinal = {a: {text: n for n, text in enumerate(texts)} for a, texts in said.items()}

    def names(concept: str) -> dict[str, Any]:
        zh, en = CONCEPTS[concept]
        return {"id": concept, "name": en, "names": {"en": en, "zh": zh}}

    def coded(concept: str, code: str) -> dict[str, Any]:
        listed = lists.get(f"CL_{concept}")
        found = listed[code] if listed is not None else None
        if found is None:
            return {"id": code, "name": code, "names": {"en": code, "zh": code}} if listed else {"value": code}
        en, zh = found.name or code, structures.chinese.get((f"CL_{concept}", code), code)
        return {"id": code, "name": en, "names": {"en": en, "zh": zh}}

    def of_observation(p: Point) -> list[Any]:
        row: list[Any] = [p.value] if question.measures else []
        return row + [ordinal[a][p.attributes[a]] for a in point_attributes]

    def dimension(name: str) -> dict[str, Any]:
        return names(name) | {"keyPosition": ORDER.index(name), "values": [coded(name, code) for code in values[name]]}

    def attribute(name: str) -> dict[str, Any]:
        relationship: dict[str, Any] = {"dimensions": [*ORDER]} if name in SERIES_ATTRIBUTES else {"observation": {}}
        return names(name) | {"relationship": relationship, "values": [coded(name, text) for text in said[name]]}

    time = names(TIME) | {"keyPosition": len(ORDER), "roles": [TIME], "values": [{"value": p} for p in periods]}
    dims: dict[str, list[Any]] = {"dataSet": [], "series": [] if flat else [dimension(n) for n in ORDER], "observation": [*map(dimension, ORDER if flat else ()), time]}
    structure = {
        "dataSets": [*range(len(datasets))], "links": [{"urn": FLOW, "rel": "dataflow"}], "dimensions": dims,
        "measures": {"observation": [names(VALUE)] if question.measures else []},
        "attributes": {
            "dataSet": [], "dimensionGroup": [], "series": [attribute(a) for a in series_attributes],
            "observation": [attribute(a) for a in point_attributes],
        },
    }  # fmt: skip
    sets = []
    for points in datasets:
        one: dict[str, Any] = {"structure": 0, "action": "Replace", "links": [{"urn": FLOW, "rel": "dataflow"}]}
        if flat:
            one["observations"] = {
                ":".join([*(str(places[n][c]) for n, c in zip(ORDER, p.key, strict=True)), str(when[p.period])]): of_observation(p) for p in points
            }
        else:
            one["series"] = {
                ":".join(str(places[n][c]) for n, c in zip(ORDER, key, strict=True)): _series(list(group), series_attributes, ordinal, when, of_observation)
                for key, group in groupby(points, key=lambda p: p.key)
            }  # fmt: skip
        sets.append(one)
    meta = {
        "schema": JSON_SCHEMA, "id": _message_id(at), "prepared": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "test": False,
        "contentLanguages": ["zh", "en"], "sender": {"id": sender},
    }  # fmt: skip
    return json.dumps({"meta": meta, "data": {"structures": [structure], "dataSets": sets}}, ensure_ascii=False)


def _series(
    points: list[Point], attributes: Sequence[str], ordinal: Mapping[str, Mapping[str, int]], when: Mapping[str, int], row: Any
) -> dict[str, Any]:
    found: dict[str, Any] = {"observations": {str(when[p.period]): row(p) for p in points}}
    if attributes:
        found["attributes"] = [ordinal[a][points[0].attributes[a]] for a in attributes]
    return found
