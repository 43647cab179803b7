"""What our figures look like, in SDMX: concepts, code lists, the data structure and its dataflow, in both languages.

Who: the registry (`sdmx_web`) and whoever writes data. The model is pysdmx's; names carry both languages in `Names`, since that model has one.
The agency is `LUHAI`: the structures are this platform's, and no authority's. Where the SDMX guidelines have a code list (frequency, status of
an observation, confidentiality), its codes are used with their meaning.
Source: SDMX 3.0 information model; domain notes on oversight §1.5 (the proposal CORRIDOR_FIN).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

from pysdmx.model import Code, Codelist, Component, Components, Concept, ConceptScheme, DataType, Role
from pysdmx.model.__base import Agency, ItemReference
from pysdmx.model.dataflow import Dataflow, DataStructureDefinition, Schema
from pysdmx.model.organisation import AgencyScheme

from luhai.core.indicators.dimensions import DIMENSIONS

AGENCY: Final = "LUHAI"
NAME: Final = "CORRIDOR_FIN"
VERSION: Final = "1.0.0"

Pair = tuple[str, str]  # (zh, en)

#: The order of a series key; the time stands last and apart.
ORDER: Final = (
    "FREQ", "REF_AREA", "INDICATOR", "ENT_SIZE", "INDUSTRY", "TERM", "CURRENCY", "ROUTE", "GUARANTEE", "GREEN", "CPTY_AREA",
)  # fmt: skip
TIME: Final = "TIME_PERIOD"
VALUE: Final = "OBS_VALUE"

FREQUENCIES: Final[Mapping[str, Pair]] = {"M": ("月度", "Monthly")}
#: SDMX code list CL_OBS_STATUS, the codes that are given here.
STATUSES: Final[Mapping[str, Pair]] = {
    "A": ("正常值", "Normal value"), "P": ("初步值", "Provisional value"), "Q": ("不予公布的缺失值", "Missing value; suppressed"),
    "M": ("缺失值", "Missing value; data cannot exist"), "E": ("估计值", "Estimated value"), "B": ("时间序列中断", "Time series break"),
}  # fmt: skip
#: SDMX code list CL_CONF_STATUS, the codes that are given here.
CONFIDENTIALITY: Final[Mapping[str, Pair]] = {
    "F": ("可公开", "Free (free for publication)"), "N": ("不公开发布", "Not for publication, restricted for internal use only"),
    "C": ("机密统计信息", "Confidential statistical information"), "A": ("主要保密：单位数过少", "Primary confidentiality due to small counts"),
    "O": ("主要保密：一家占优", "Primary confidentiality due to dominance by one unit"),
    "T": ("主要保密：两家占优", "Primary confidentiality due to dominance by two units"),
    "D": ("次级保密", "Secondary confidentiality set by the sender, not for publication"),
    "G": ("主要保密：一家或两家占优", "Primary confidentiality due to dominance by one or two units"),
}  # fmt: skip
UNITS: Final[Mapping[str, Pair]] = {"PC": ("百分比", "Per cent"), "PA": ("年利率百分比", "Per cent a year"), "NUMBER": ("个数", "Number")}

CONCEPTS: Final[Mapping[str, Pair]] = {
    "FREQ": ("频率", "Frequency"), "INDICATOR": ("指标", "Indicator"), TIME: ("时期", "Time period"), VALUE: ("观测值", "Observation value"),
    "UNIT_MEASURE": ("计量单位", "Unit of measure"), "UNIT_MULT": ("单位倍数", "Unit multiplier"), "DECIMALS": ("小数位数", "Decimals"),
    "OBS_STATUS": ("观测状态", "Observation status"), "CONF_STATUS": ("保密状态", "Confidentiality status"),
    "VINTAGE": ("版次", "Vintage"), "PUBLISHED": ("发布时间", "Time of publication"), "METHOD_REF": ("方法摘要", "Digest of the method"),
    **{d.sdmx: (d.zh, d.en) for d in DIMENSIONS},
}  # fmt: skip


class Named(Protocol):
    """What is needed of an indicator here."""

    @property
    def key(self) -> str: ...
    @property
    def zh(self) -> str: ...
    @property
    def en(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Structures:
    """Everything that a structure question can be about. `chinese`: (kind of scheme, id of the item or "") -> Chinese name."""

    agencies: AgencyScheme
    concepts: ConceptScheme
    codelists: tuple[Codelist, ...]
    dsd: DataStructureDefinition
    dataflow: Dataflow
    chinese: Mapping[tuple[str, str], str]

    @property
    def written(self) -> Schema:
        """What the dataflow allows, for the writers of data. Everything is text to them: a decimal that went through a float is another one."""
        components = Components([_as_text(c) for c in self.dsd.components])
        return Schema("dataflow", AGENCY, NAME, components, VERSION, name=self.dsd.name)


def _as_text(c: Component) -> Component:
    return Component(
        c.id, c.required, c.role, c.concept, DataType.STRING, local_codes=c.local_codes, attachment_level=c.attachment_level,
        local_enum_ref=c.local_enum_ref,
    )  # fmt: skip


def structures(indicators: Iterable[Named]) -> Structures:
    """All structures for these indicators; made once for each list."""
    return _structures(tuple((i.key, i.zh, i.en) for i in indicators))


@lru_cache(maxsize=4)
def _structures(indicators: tuple[tuple[str, str, str], ...]) -> Structures:
    lists: dict[str, tuple[Pair, Mapping[str, Pair]]] = {
        "CL_FREQ": (("频率", "Frequency"), FREQUENCIES),
        "CL_INDICATOR": (("指标", "Indicators of corridor finance"), {key: (zh, en) for key, zh, en in indicators}),
        "CL_OBS_STATUS": (("观测状态", "Observation status"), STATUSES),
        "CL_CONF_STATUS": (("保密状态", "Confidentiality status"), CONFIDENTIALITY),
        **{f"CL_{d.sdmx}": ((d.zh, d.en), d.codes) for d in DIMENSIONS},
    }
    currencies = lists["CL_CURRENCY"][1]
    lists["CL_UNIT_MEASURE"] = ("计量单位", "Unit of measure"), {**{c: n for c, n in currencies.items() if not c.startswith("_")}, **UNITS}
    chinese: dict[tuple[str, str], str] = {}
    codelists = {}
    for name, ((zh, en), codes) in sorted(lists.items()):
        chinese[name, ""] = zh
        chinese |= {(name, code): names[0] for code, names in codes.items()}
        items = [Code(code, name=names[1]) for code, names in codes.items()]
        codelists[name] = Codelist(id=name, name=en, agency=AGENCY, version=VERSION, items=items)
    scheme_name = ("通道金融统计概念", "Concepts of corridor finance")
    chinese["CS_CORRIDOR", ""] = scheme_name[0]
    chinese |= {("CS_CORRIDOR", concept): zh for concept, (zh, _en) in CONCEPTS.items()}
    concepts = ConceptScheme(
        id="CS_CORRIDOR", name=scheme_name[1], agency=AGENCY, version=VERSION, items=[Concept(c, name=en) for c, (_zh, en) in CONCEPTS.items()]
    )
    chinese[NAME, ""] = "西部陆海新通道金融统计"
    dsd = DataStructureDefinition(
        id=NAME, name="Financial statistics of the New Western Land-Sea Corridor", agency=AGENCY, version=VERSION,
        components=_components(codelists),
    )  # fmt: skip
    flow = Dataflow(id=NAME, name=dsd.name, agency=AGENCY, version=VERSION, structure=dsd)
    chinese["AGENCIES", ""], chinese["AGENCIES", AGENCY] = "机构", "陆海智融通"
    agencies = AgencyScheme(name="Agencies", agency="SDMX", version="1.0", items=[Agency(AGENCY, name="Luhai")])
    return Structures(agencies, concepts, tuple(codelists.values()), dsd, flow, chinese)


def _components(codelists: Mapping[str, Codelist]) -> Components:
    listed = {"UNIT_MEASURE": "CL_UNIT_MEASURE", "OBS_STATUS": "CL_OBS_STATUS", "CONF_STATUS": "CL_CONF_STATUS"}
    found = [
        Component(c, True, Role.DIMENSION, _concept(c), DataType.STRING, local_codes=codelists[f"CL_{c}"], local_enum_ref=_urn(f"CL_{c}"))
        for c in ORDER
    ]
    found.append(Component(TIME, True, Role.DIMENSION, _concept(TIME), DataType.PERIOD))
    found.append(Component(VALUE, False, Role.MEASURE, _concept(VALUE), DataType.DECIMAL))
    series = ",".join(ORDER)
    for name, required, kind, level in (
        ("UNIT_MEASURE", True, DataType.STRING, series), ("UNIT_MULT", True, DataType.INTEGER, series), ("DECIMALS", True, DataType.INTEGER, series),
        ("OBS_STATUS", True, DataType.STRING, "O"), ("CONF_STATUS", True, DataType.STRING, "O"), ("VINTAGE", True, DataType.INTEGER, "O"),
        ("PUBLISHED", True, DataType.STRING, "O"), ("METHOD_REF", True, DataType.STRING, "O"),
    ):  # fmt: skip
        codes = codelists[listed[name]] if name in listed else None
        found.append(
            Component(
                name, required, Role.ATTRIBUTE, _concept(name), kind, local_codes=codes, attachment_level=level,
                local_enum_ref=_urn(listed[name]) if codes else None,
            )
        )  # fmt: skip
    return Components(found)


def _concept(name: str) -> ItemReference:
    return ItemReference("Concept", AGENCY, "CS_CORRIDOR", VERSION, name)


def _urn(codelist: str) -> str:
    return f"urn:sdmx:org.sdmx.infomodel.codelist.Codelist={AGENCY}:{codelist}({VERSION})"
