"""What makes two documents one, what joins goods, and how far a document may be used. Pure: no database, no Django.

    identity(document, digest)    -> under which key the document exists once on the whole platform
    mentions(document, subject)   -> what it is about, as digests: two documents of one company that share one are about the same goods
    near(a, b, days=…)            -> is it another document, edited or dressed up? Then a person looks
    limits(amount, …)             -> how much may be settled and financed against it
    adds(forms, same)             -> what each document of one lot adds to what its kind allows
    fit(room, limit)              -> what must move so that a bounded account allows its limit and never less than is used

Numbers are folded before they are compared (kernel/folding); only digests are shared, so that nobody learns a number it does not hold.
An identity holds neither amount nor day: whoever changes those edits a document, and does not make another.
Source: domain notes on financing §0.5, §9.1; on settlement §0.2 (5), §1.3.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final
from uuid import UUID, uuid5

import rfc8785

from luhai.core.evidence.formats.document import Document, Kind
from luhai.kernel.folding import confusable, fold, likeness

#: Which key of a document is its own. The others say what it is about.
_OWN_KEY: Final = MappingProxyType(
    {
        Kind.INVOICE: "vat_invoice",
        Kind.CUSTOMS_DECLARATION: "customs_declaration",
        Kind.CONTRACT: "contract",
        Kind.ORDER: "order",
        Kind.TRANSPORT_DOCUMENT: "transport_document",
    }
)
#: Parts of a key that an edited copy would change.
_NOT_IDENTITY: Final = frozenset({"amount", "date", "kind", "departed"})
#: Who issues a document, by role, for formats that state no key of their own.
_ISSUERS: Final = ("issuer", "carrier", "seller", "exporter", "declarant", "shipper", "warehouse")
#: Whose goods they are, until they are paid for.
_SELLERS: Final = ("seller", "exporter", "shipper")
#: The other side of a deal.
_COUNTERPARTIES: Final = ("buyer", "consignee", "importer", "seller", "shipper", "exporter")
#: Documents that stand for goods or for their price, in the order in which goods change form.
COLLATERAL: Final = (
    Kind.CONTRACT, Kind.ORDER, Kind.CUSTOMS_DECLARATION, Kind.TRANSPORT_DOCUMENT, Kind.WAREHOUSE_RECEIPT, Kind.INVOICE,
)  # fmt: skip
#: References by which documents of one company are about the same goods. Seals and wagons are reused, stations shared.
_JOINING: Final = frozenset(
    {str(k) for k in COLLATERAL} | {"booking", "consignment", "letter_of_credit", "packing_list"}
)
#: Forms that follow goods from hand to hand: every carrier and every warehouse writes its own, over the same worth.
HANDED_ON: Final = frozenset({Kind.TRANSPORT_DOCUMENT, Kind.WAREHOUSE_RECEIPT})
#: Registers whose numbers name one party, whoever writes them.
REGISTERS: Final = ("uscc", "lei")


@dataclass(frozen=True, slots=True)
class Identity:
    text: str  # the folded parts, for the record of those who may see it
    digest: str


@dataclass(frozen=True, slots=True)
class Mention:
    """One thing that a document is about. `on` is set where the thing is reused: then only near days join."""

    kind: str
    digest: str
    on: date | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What a person would compare. `number` as a hurried eye reads it, `read` as a careful one does; `other` the folded counterparty."""

    kind: str
    number: str
    other: str
    amount_minor: int | None
    currency: str
    on: date
    read: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    settlement: int = 0
    financing: int = 0


@dataclass(frozen=True, slots=True)
class Room:
    """A bounded account and what is drawn on it. `left` may still be drawn."""

    left: int
    used: int

    @property
    def granted(self) -> int:
        return self.left + self.used


def digest_of(*parts: str) -> str:
    return hashlib.sha256(rfc8785.dumps(list(parts))).hexdigest()


def identity(document: Document, content_digest: str) -> Identity:
    """The key under which a document exists once. What states no number at all is identified by its content."""
    own = next((k for k in document.keys if k.object == _OWN_KEY.get(document.kind)), None)
    if own is not None:
        parts = [own.object, *(fold(value) for name, value in own.parts if name not in _NOT_IDENTITY)]
    elif document.digest:
        parts = [document.kind, document.digest]
    elif document.external_ref and fold(document.external_ref):
        parts = [document.kind, fold(issuer_code(document)), fold(document.external_ref)]
    else:
        parts = [document.kind, content_digest]
    return Identity(" / ".join(parts), digest_of("identity", *parts))


def issuer_code(document: Document) -> str:
    return next((code for role in _ISSUERS if (code := party_code(document, role))), document.format)


def party_code(document: Document, role: str) -> str:
    """How a party of the document is told from others: its number in a register, or its folded name."""
    party = document.party(role)
    if party is None:
        return ""
    return next((n for s in REGISTERS if (n := party.identifier(s))), None) or next(
        (n for _, n in party.identifiers), fold(party.name)
    )


def numbers_of(document: Document) -> set[str]:
    """The register numbers of everybody whom the document names."""
    return {n for p in document.parties for s, n in p.identifiers if s in REGISTERS}


def seller_numbers(document: Document) -> set[str]:
    """The register numbers of whoever sells the goods, or ships them, by the document's own account."""
    sellers = (p for role in _SELLERS if (p := document.party(role)))
    return next((n for p in sellers if (n := {v for s, v in p.identifiers if s in REGISTERS})), set())


def mentions(
    document: Document, subject: UUID, seller: UUID | None = None, on: date | None = None
) -> list[Mention]:
    """What joins this document to others of the same company, and to those of its `seller`, where that is another company.

    Another company's reference joins nothing of this one; but goods that are told in their buyer's name are their seller's still.
    """
    if document.kind not in COLLATERAL:
        return []
    found: dict[tuple[str, str], Mention] = {}
    day_of = (
        document.dated or on
    )  # a thing that is used again joins near days only: where none is stated, that of receipt
    owners = [subject] if seller is None else [subject, seller]

    def add(kind: str, value: str, on: date | None = None) -> None:
        if folded := fold(value):
            for owner in owners:
                digest = digest_of("mention", str(owner), kind, folded)
                found[f"{owner} {kind}", folded] = Mention(kind, digest, on)

    add(document.kind, document.external_ref)
    for reference in document.references:
        if reference.kind in _JOINING:
            add(reference.kind, reference.value)
        elif reference.kind == "document":  # rail notes name papers without saying which kind they are
            for kind in COLLATERAL:
                add(kind, reference.value)
    for key in document.keys:
        parts = dict(key.parts)
        if key.object == "order":
            add("order", parts.get("number", ""))
        elif key.object == "container":
            day = parts.get("departed", "")
            add("container", parts["container"], date.fromisoformat(day[:10]) if day else day_of)
    for reference in document.references:
        if reference.kind == "container" and (f"{subject} container", fold(reference.value)) not in found:
            add("container", reference.value, day_of)
    return list(found.values())


def look(document: Document, subject_numbers: set[str], on: date) -> Look:
    """What a person would compare of this document; the counterparty is whoever is not the company itself.

    It is told by its number in a register that all know, else by its name: of its other numbers, one paper states one and the next another.
    """
    sides = (p for role in _COUNTERPARTIES if (p := document.party(role)))
    codes = (
        next((n for s in REGISTERS if (n := p.identifier(s))), None)
        or fold(p.name)
        or next((n for _, n in p.identifiers), "")
        for p in sides
    )
    other = next((c for c in codes if c and c not in subject_numbers), "")
    return Look(
        str(document.kind), likeness(document.external_ref), fold(other), document.amount_minor, document.currency or "",
        document.dated or on, confusable(document.external_ref),
    )  # fmt: skip


def near(new: Look, old: Look, *, joined: bool, days: int) -> str | None:
    """Why the new document may be the old one, or be about the same goods without saying so; None if it may not.

    edited      the same kind, and numbers that even a careful eye takes for one another (O for 0); or that a hurried one does, of the same
                worth: papers numbered in turn differ in worth
    same_worth  the same amount within `days`: of one kind, an edited copy; of two kinds that are not `joined` by a reference,
                another paper of the same goods
    """
    same_worth = new.amount_minor is not None and (new.amount_minor, new.currency) == (
        old.amount_minor,
        old.currency,
    )
    if (
        new.kind == old.kind
        and new.number
        and new.number == old.number
        and (
            same_worth
            or bool(new.read and new.read == old.read)
            or (new.amount_minor is None and new.other == old.other)
        )
    ):
        return "edited"
    one_deal = not new.other or not old.other or new.other == old.other
    if (
        same_worth
        and one_deal
        and abs((new.on - old.on).days) <= days
        and (new.kind == old.kind or not joined)
    ):
        return "same_worth"
    return None


def limits(kind: Kind | str, amount_minor: int | None, *, tolerance_bp: int, ratio_bp: int) -> Limits:
    """How much may be settled and financed against a face, rounded down once. Only collateral with an amount has limits."""
    if amount_minor is None or amount_minor <= 0 or kind not in COLLATERAL:
        return Limits()
    return Limits(amount_minor * (10_000 + tolerance_bp) // 10_000, amount_minor * ratio_bp // 10_000)


def concerned(purpose: str, subject: UUID, about: Sequence[UUID]) -> list[UUID]:
    """Whose word and whose business a use is: goods and claims are financed by their owner; a payment has two sides."""
    return [subject] if purpose == "financing" else list(about)


def fit(room: Room, limit: int) -> int:
    """By how much the grant of an account must change (below zero: shrink) to allow `limit`, and never less than is used."""
    return max(limit, room.used) - room.granted


def adds(forms: Sequence[tuple[UUID, str, int]], same: Iterable[tuple[UUID, UUID]]) -> dict[UUID, int]:
    """What each document of one lot adds to what its kind allows. `forms` are (document, kind, what its own face allows), oldest first.

    Documents of one kind add up, as part shipments do. Once only, as their largest, count those that a person found to be about the `same`
    goods, and those that are handed on from carrier to carrier with them.
    """
    kinds = {key: kind for key, kind, _ in forms}
    group = {key: kind if kind in HANDED_ON else str(key) for key, kind, _ in forms}
    for a, b in same:
        if a in kinds and b in kinds and kinds[a] == kinds[b]:
            gone, kept = group[a], group[b]
            group = {key: kept if of == gone else of for key, of in group.items()}
    largest: dict[str, tuple[int, UUID]] = {}
    for key, _, limit in forms:
        if limit > largest.get(group[key], (-1, key))[0]:
            largest[group[key]] = limit, key
    return {key: limit if largest[group[key]][1] == key else 0 for key, _, limit in forms}


def capacity(limits_by_kind: dict[str, int]) -> int:
    """What may be financed on goods in all their forms: as much as their largest form allows, since the forms are one worth."""
    return max(limits_by_kind.values(), default=0)


# --- accounts ---------------------------------------------------------------------------------------------------------


def account(owner: UUID, name: str) -> UUID:
    """The id of an account of one piece of evidence or of one lot: face, settlement, settlement_used, …"""
    return uuid5(owner, f"evidence.{name}")
