"""Find the message in whatever it came in: the business application header and the Document, each held against its schema.

Wrappers (an Envelope, a DataPDU, a RequestPayload, a BusMsg …) differ from network to network and say nothing of the
business, so they are not looked at. A header other than head.001 belongs to the wrapper. Some networks wrap the message
element itself, without a Document around it; it gets one.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Final

from lxml import etree

from luhai.kernel.refusal import gettext_noop
from luhai.settlement.messages import schemas, tree
from luhai.settlement.messages.tree import Place

NO_MESSAGE = gettext_noop("No message of ISO 20022 is in it; a Document is wanted.")
TWO_MESSAGES = gettext_noop("One message at a time is wanted; here is a second one.")
TWO_HEADERS = gettext_noop("One header is wanted; here is a second one.")
NATIONAL = gettext_noop(
    "The namespace of a message definition is wanted, such as urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08; national variants are not read."
)
OTHER_TYPE = gettext_noop(
    "This message is not read; pacs.002, pacs.004, pacs.008, pacs.009, pain.001, camt.029, camt.052, camt.053, camt.054 or camt.056 is wanted, in a version whose schema is here."
)

FAMILIES: Final = (
    "pacs.002", "pacs.004", "pacs.008", "pacs.009", "pain.001",
    "camt.029", "camt.052", "camt.053", "camt.054", "camt.056",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message that its schema allows. `type` is its definition, `body` the one element in the Document."""

    type: str
    body: Place
    header: Place | None = None

    @property
    def family(self) -> str:
        return self.type[:8]


def types() -> tuple[str, ...]:
    """What can be read: the message definitions of our families whose schema is here."""
    return tuple(name for name in schemas.types() if name[:8] in FAMILIES)


def open_envelope(data: bytes) -> Envelope:
    """Take a message out of its wrapper and hold it against the schema of the namespace that it declares.

    Refuses, always as Invalid: what `tree.parse` refuses; a file without a message, or with two; a national namespace; a
    type whose schema is not here; whatever the schema does not allow, by its element.
    """
    root = tree.parse(data)
    header, document = _found(root)
    if document is None:
        tree.refuse("Document", NO_MESSAGE)
    type = tree.namespace(document).removeprefix(schemas.NAMESPACE)
    if not tree.namespace(document).startswith(schemas.NAMESPACE):
        tree.refuse("Document", NATIONAL)
    if type not in types():
        tree.refuse("Document", OTHER_TYPE)
    if tree.local(document) != "Document":
        wrapped = schemas.element(type, "Document")
        wrapped.append(deepcopy(document))
        document = wrapped
    checked = None
    if header is not None:
        checked = schemas.check(header, tree.namespace(header).removeprefix(schemas.NAMESPACE), "AppHdr")
    body = schemas.check(document, type, "Document").children()[0]
    return Envelope(type, body, checked)


def _found(root: etree._Element) -> tuple[etree._Element | None, etree._Element | None]:
    """The header and the message, wherever they stand; what stands inside either is its own affair."""
    headers = {schemas.NAMESPACE + name for name in schemas.types() if name.startswith("head.001")}
    header = document = None
    waiting = [root]
    while waiting:
        element = waiting.pop()
        home, name = tree.namespace(element), tree.local(element)
        if home in headers:
            if name == "AppHdr":
                if header is not None:
                    tree.refuse("AppHdr", TWO_HEADERS)
                header = element
        elif name == "Document" or home.startswith(schemas.NAMESPACE):
            if document is not None:
                tree.refuse("Document", TWO_MESSAGES)
            document = element
        else:
            waiting.extend(reversed(element))
    return header, document
