"""Structures as messages: SDMX-ML 3.0 and SDMX-JSON 2.0, written by pysdmx and given their Chinese names. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from .structure import AGENCY, Structures

_COM: Final = "{http://www.sdmx.org/resources/sdmxml/schemas/v3_0/common}"
_STR: Final = "{http://www.sdmx.org/resources/sdmxml/schemas/v3_0/structure}"
_LANG: Final = "{http://www.w3.org/XML/1998/namespace}lang"


def as_xml(artefacts: Sequence[Any], structures: Structures, *, at: datetime) -> str:
    """SDMX-ML 3.0, each name in both languages."""
    from lxml import etree
    from pysdmx.io.format import Format

    root = etree.fromstring(_written(artefacts, Format.STRUCTURE_SDMX_ML_3_0, at, prettyprint=False).encode())
    for name in root.iter(f"{_COM}Name"):
        ids = [i for i in (above.get("id") for above in name.iterancestors()) if i]  # from the nearest: an item and its scheme, or a scheme
        chinese = structures.chinese.get((ids[1], ids[0]) if len(ids) > 1 else (ids[0], ""))
        if chinese:
            other = etree.Element(f"{_COM}Name", {_LANG: "zh"})
            other.text = chinese
            name.addnext(other)
    # An attribute of an observation needs no relation to the one measure, and not every client reads it.
    for relation in [*root.iter(f"{_STR}MeasureRelationship")]:
        above = relation.getparent()
        assert above is not None
        above.remove(relation)
    return '<?xml version="1.0" encoding="UTF-8"?>' + etree.tostring(root, encoding="unicode")


def as_json(artefacts: Sequence[Any], structures: Structures, *, at: datetime) -> str:
    """SDMX-JSON 2.0, each name in both languages."""
    from pysdmx.io.format import Format

    message = json.loads(_written(artefacts, Format.STRUCTURE_SDMX_JSON_2_0_0, at, prettyprint=False))
    for structure in message["data"].get("dataStructures", ()):
        if not structure["dataStructureComponents"].get("groups", True):
            del structure["dataStructureComponents"]["groups"]  # the published schema knows no empty list of them
    for schemes in message["data"].values():
        for scheme in schemes:
            _name(scheme, structures.chinese.get((scheme["id"], "")))
            for items in (v for v in scheme.values() if isinstance(v, list)):
                for item in items:
                    if isinstance(item, dict) and "name" in item:
                        _name(item, structures.chinese.get((scheme["id"], item["id"])))
    return json.dumps(message, ensure_ascii=False)


def _name(thing: dict[str, Any], chinese: str | None) -> None:
    if chinese:
        thing["names"] = {"en": thing["name"], "zh": chinese}


def _written(artefacts: Sequence[Any], form: Any, at: datetime, *, prettyprint: bool) -> str:
    from pysdmx.io import write_sdmx
    from pysdmx.model import Organisation
    from pysdmx.model.message import Header

    header = Header(id=f"{AGENCY}{at:%Y%m%d%H%M%S%f}", prepared=at, sender=Organisation(id=AGENCY))
    text = write_sdmx([*artefacts], form, header=header, prettyprint=prettyprint)
    assert text is not None
    return text
