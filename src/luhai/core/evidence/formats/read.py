"""The one way in: bytes of a document to what it says, or a refusal that names the field.

    from luhai.core.evidence.formats.read import read
    document = read(data)                             # whatever it is
    document = read(data, kind="customs_declaration") # and it must be one of these

Refuses `Invalid(field=<path in the document>, problem=…)` for everything: what is no JSON or XML, what no format here
recognises, what the format's schema or required set does not allow, and a kind other than the one expected.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Final

from luhai.core.evidence.formats import dcsa, declared, efti, epcis, fiata, rail, tree, wco
from luhai.core.evidence.formats.document import Document, Kind
from luhai.kernel.refusal import Invalid, gettext_noop

UNKNOWN_FORMAT = gettext_noop(
    "No known format: a WCO declaration, EPCIS, DCSA, FIATA eFBL, eFTI, SMGS or CIM/SMGS note, or a form of ours is wanted."
)
OTHER_KIND = gettext_noop("The document is of another kind than was said.")
UNKNOWN_KIND = gettext_noop("There is no such kind of evidence.")

#: Each module says whether a document is one of its own; the first that does reads it.
FORMATS: Final[MappingProxyType[str, tuple[Callable[[tree.Place], bool], Callable[[Any], Document]]]] = (
    MappingProxyType(
        {
            "luhai": (declared.recognises, declared.read),
            "wco": (wco.recognises, wco.read),
            "epcis": (epcis.recognises, epcis.read),
            "fiata": (fiata.recognises, fiata.read),
            "efti": (efti.recognises, efti.read),
            "rail": (rail.recognises, rail.read),
            "dcsa": (dcsa.recognises, dcsa.read),
        }
    )
)


def read(data: bytes, *, kind: str | None = None) -> Document:
    """Read a document of any known format. `kind`, a word of document.Kind, is what it must turn out to be."""
    if kind is not None and kind not in list(Kind):
        raise Invalid(field="kind", problem=UNKNOWN_KIND)
    place = tree.parse(data)
    reader = next((reader for recognises, reader in FORMATS.values() if recognises(place)), None)
    if reader is None:
        tree.refuse(tree.WHOLE, UNKNOWN_FORMAT)
    document = reader(place)
    if kind is not None and document.kind != kind:
        raise Invalid(field="kind", problem=OTHER_KIND)
    return document
