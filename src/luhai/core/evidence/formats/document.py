"""What every format is read into: one frozen record of what a document says.

Nothing here is an opinion. Values stand as the document gives them (identifiers in their canonical form when
their arithmetic holds); folding for comparison and every decision are for `evidence.policy`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a document is evidence of."""

    CONTRACT = "contract"
    ORDER = "order"
    INVOICE = "invoice"
    CUSTOMS_DECLARATION = "customs_declaration"
    CUSTOMS_NOTICE = "customs_notice"  # what customs answered to a declaration
    SHIPPING_INSTRUCTIONS = "shipping_instructions"
    TRANSPORT_DOCUMENT = "transport_document"
    TRANSPORT_EVENT = "transport_event"
    WAREHOUSE_RECEIPT = "warehouse_receipt"
    QUERY = "query"  # a question of an authority about a consignment: proves that it was asked, no more


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Somebody named in a document. `identifiers` maps a scheme (uscc, lei, eori, gln, fiata …) to the number."""

    role: str  # seller, buyer, shipper, consignee, notify, carrier, issuer, declarant, exporter, importer, agent …
    name: str = ""
    identifiers: tuple[tuple[str, str], ...] = ()
    country: str = ""

    def identifier(self, scheme: str) -> str | None:
        return dict(self.identifiers).get(scheme)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of goods. `hs` has the digits the document gives (6 to 13); masses are kilograms."""

    number: int
    description: str = ""
    hs: str = ""
    quantity: Decimal | None = None
    unit: str = ""
    packages: int | None = None
    gross_kg: Decimal | None = None
    amount_minor: int | None = None
    currency: str | None = None
    containers: tuple[str, ...] = ()
    seals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Something that this document names. `kind` is a word of Kind, or one of: container, wagon, seal, means, station, item,
    booking, consignment, permit, packing_list, letter_of_credit, transaction, event, document, identifier, customer."""

    kind: str
    value: str
    issuer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """Parts of a uniqueness key (financing.md §9.1), in the order of that table, as written and not yet folded."""

    object: str  # vat_invoice, customs_declaration, contract, order, transport_document, container
    parts: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, object: str, **parts: str) -> Key:
        """A key of the parts that the document states; what it leaves blank is left out."""
        return cls(object=object, parts=tuple((name, value) for name, value in parts.items() if value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something wrong that did not stop the reading: where, and what would be right."""

    field: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document as read.

    `payload` is the whole document in JSON; decimal fractions and whole numbers beyond 2**53 are texts there, so
    that nothing is rounded. XML becomes objects by local name (another namespace than the parent's: `{uri}name`),
    attributes `@name`, text `#text`.
    `observed_at` is the instant the document states for its fact; None when it states none, or none with a zone:
    then whoever received it says when. `dated` is the calendar day printed on it.
    `parts` holds the single facts of a file of many (EPCIS events, track-and-trace events); each is a Document of its
    own with `parts` empty. A file of one fact is that fact.
    `corrects` is the external reference of what this one corrects, replaces or takes back.
    """

    format: str
    version: str
    kind: Kind
    external_ref: str
    payload: Any
    keys: tuple[Key, ...] = ()
    parties: tuple[Party, ...] = ()
    goods: tuple[Line, ...] = ()
    amount_minor: int | None = None
    currency: str | None = None
    observed_at: datetime | None = None
    dated: date | None = None
    references: tuple[Reference, ...] = ()
    status: str = ""
    cancelled: bool = False
    corrects: str | None = None
    digest: str | None = None  # the format's own, e.g. an EPCIS event hash; not the digest of the bytes
    warnings: tuple[Remark, ...] = ()
    parts: tuple[Document, ...] = field(default=())

    @property
    def facts(self) -> tuple[Document, ...]:
        """What is to be received: the parts, or the document itself."""
        return self.parts or (self,)

    def party(self, role: str) -> Party | None:
        return next((p for p in self.parties if p.role == role), None)
