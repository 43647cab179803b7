"""A title in the form of other systems. Pure: what is written comes in as plain values.

TradeTrust knows one holder and one owner, DCSA one possessor; neither knows a pledge. A pledged title is therefore shown as
controlled by the pledgee, the pledgor staying beneficiary (owner), and the file says so in its `notes`. What neither form can say
at all (a split, several pledgees) is refused or noted, never left out in silence.

Sources: TradeTrust title escrow (domain notes §4.5) and Open Attestation 3.0 schema; DCSA eBL endorsement chain 3.0.4.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from luhai.kernel.refusal import Invalid, Refusal, gettext_noop

from .lifecycle import FINAL, Act, Kind, State

FORMS: Final = ("tradetrust", "dcsa")


class NoSuchForm(Refusal):
    code = "titles.no_such_form"
    message = gettext_noop("This title cannot be written in that form: %(problem)s")


def write(
    which: str, view: Any, events: Sequence[Any], names: Mapping[UUID, Any], numbers: Mapping[UUID, Mapping[str, str]],
    content: Mapping[str, Any], *, platform: str,
) -> dict[str, Any]:  # fmt: skip
    """{form, notes, …, document}. `view`, `events`, `names` as queries give them; `platform` is our code at DCSA."""
    if which not in FORMS:
        raise Invalid(field="form", problem=f"one of {', '.join(FORMS)}")
    if which == "tradetrust":
        return tradetrust(view, names, content)
    return dcsa(view, events, names, numbers, platform)


def possessor(view: Any) -> tuple[UUID, list[str]]:
    """Who is in control where there is no pledge, and what must be said about it. Refuses several pledgees."""
    live = [p for p in view.pledges if p.ended_at is None]
    pledgees = {p.pledgee.id for p in live}
    if not pledgees:
        return view.holder_id, []
    if len(pledgees) > 1:
        raise NoSuchForm(problem=gettext_noop("it is pledged to several; split it first"))
    (pledgee,) = pledgees
    return pledgee, [
        f"This title is pledged: {view.pledged} of {view.quantity} {view.unit} to party {pledgee}. The form knows no pledge, so "
        f"control (holder, possession) is shown with the pledgee and ownership (beneficiary) with the pledgor {view.holder_id}. "
        "In the registry the pledgor keeps control and the pledgee blocks disposal and delivery of what is pledged."
    ]


# --- TradeTrust -----------------------------------------------------------------------------------------------------

_TEMPLATES: Final = {
    Kind.TRANSPORT_DOCUMENT: ("BILL_OF_LADING", "io/tradetrust/bill-of-lading/1.0/bill-of-lading-context.json"),
    Kind.WAREHOUSE_RECEIPT: ("WAREHOUSE_RECEIPT", "io/tradetrust/warehouse-receipt/1.0/warehouse-receipt-context.json"),
}
_TOKEN: Final = {State.DELIVERED: "burnt", State.VOID: "burnt", State.PAPER: "burnt"}


def tradetrust(view: Any, names: Mapping[UUID, Any], content: Mapping[str, Any]) -> dict[str, Any]:
    """An Open Attestation 3.0 document with its token, and the title escrow as TradeTrust would show it."""
    if view.kind not in _TEMPLATES:
        raise NoSuchForm(problem=gettext_noop("TradeTrust has no such document"))
    if view.state in (State.SPLIT, State.MERGED):
        raise NoSuchForm(problem=gettext_noop("it has become others; write those"))
    holder, notes = possessor(view)
    notes.append("Addresses are stand-ins: 0x and 40 digits of SHA-256 over the party's id. No blockchain knows this token.")
    template, context = _TEMPLATES[view.kind]
    with_issuer = view.state in (State.DELIVERY_ASKED, State.AMENDMENT_ASKED, State.AMENDING)
    live = view.state not in FINAL and view.state is not State.PAPER
    registry = _address(view.issuer_id)
    escrow = {
        "tokenRegistry": registry, "tokenId": "0x" + hashlib.sha256(view.id.bytes).hexdigest(),
        "token": _TOKEN.get(view.state, "with the registry" if with_issuer else "with the escrow"),
        "beneficiary": _address(view.beneficiary_id) if live else None,
        "holder": _address(holder) if live else None,
        "nominee": _address(view.nominee_id) if live and view.nominee_id else None,
        "active": live, "paused": view.state is State.FROZEN,
    }  # fmt: skip
    subject = _receipt(view, names) if view.kind is Kind.WAREHOUSE_RECEIPT else _lading(view, names, content)
    document = {
        "version": "https://schema.openattestation.com/3.0/schema.json",
        "network": {"chain": "none"},
        "@context": [
            "https://www.w3.org/2018/credentials/v1",
            "https://schemata.openattestation.com/com/openattestation/1.0/OpenAttestation.v3.json",
            f"https://schemata.openattestation.com/{context}",
        ],
        "type": ["VerifiableCredential", "OpenAttestationCredential"],
        "reference": view.subject_key,
        "issuanceDate": view.issued_at.isoformat(),
        "credentialSubject": subject,
        "openAttestationMetadata": {
            "template": {"type": "EMBEDDED_RENDERER", "name": template, "url": "https://generic-templates.tradetrust.io"},
            "proof": {
                "type": "OpenAttestationProofMethod", "method": "TOKEN_REGISTRY", "value": registry,
                "revocation": {"type": "NONE"},
            },
            "identityProof": {"type": "DID", "identifier": f"did:ethr:{registry}"},
        },
        "issuer": {"id": f"urn:uuid:{view.issuer_id}", "name": _name(names, view.issuer_id)},
    }  # fmt: skip
    return {"form": "tradetrust", "notes": notes, "titleEscrow": escrow, "document": document}


def _lading(view: Any, names: Mapping[UUID, Any], content: Mapping[str, Any]) -> dict[str, Any]:
    order = {"STRAIGHT": "", "TO_ORDER": "TO ORDER OF", "BLANK": "TO ORDER"}[view.form]
    made = {
        "blNumber": view.subject["number"],
        "scac": content.get("scac", "") if isinstance(content.get("scac", ""), str) else "",
        "carrierName": _name(names, view.issuer_id),
        "consignee": {"toOrderOfText": order, "consigneeName": _name(names, view.beneficiary_id)},
        "portOfLoading": view.subject.get("origin", ""), "portOfDischarge": view.subject.get("destination", ""),
        "packages": [
            {"packagesDescription": view.subject.get("goods", ""), "packagesWeight": f"{view.quantity} {view.unit}"}
        ],
    }  # fmt: skip
    return {k: v for k, v in made.items() if v or k == "scac"}


def _receipt(view: Any, names: Mapping[UUID, Any]) -> dict[str, Any]:
    return {
        "warehouseReceiptDetails": {
            "warehouseReceipt": view.subject["number"], "issuanceDate": view.issued_at.date().isoformat(),
            "commodity": view.subject.get("goods", ""), "order": _name(names, view.beneficiary_id),
        },
        "totalNetWeight": f"{view.quantity} {view.unit}",
        "warehouseAddress": " / ".join(
            str(view.subject[f]) for f in ("warehouse", "yard", "bin") if view.subject.get(f)
        ),
        "markings": view.subject["lot"],
    }  # fmt: skip


def _address(party: UUID) -> str:
    return "0x" + hashlib.sha256(party.bytes).hexdigest()[:40]


def _name(names: Mapping[UUID, Any], party: UUID) -> str:
    found = names.get(party)
    return (found.en or found.zh or str(party)) if found else str(party)


# --- DCSA -----------------------------------------------------------------------------------------------------------

#: transportDocumentStatus of DCSA eBL 3.0.
STATUS: Final = {
    State.ISSUED: "ISSUED", State.PLEDGED: "ISSUED", State.FROZEN: "ISSUED", State.DELIVERY_ASKED: "PENDING_SURRENDER_FOR_DELIVERY",
    State.AMENDMENT_ASKED: "PENDING_SURRENDER_FOR_AMENDMENT", State.AMENDING: "SURRENDERED_FOR_AMENDMENT",
    State.PAPER: "SURRENDERED_FOR_AMENDMENT", State.DELIVERED: "SURRENDERED_FOR_DELIVERY", State.VOID: "VOIDED",
}  # fmt: skip
_MANNERS: Final = {"to_order": "ENDORSE_TO_ORDER", "named": "ENDORSE", "in_blank": "BLANK_ENDORSE"}

Link = tuple[str, UUID | None]  # action code, recipient


def dcsa(
    view: Any, events: Sequence[Any], names: Mapping[UUID, Any], numbers: Mapping[UUID, Mapping[str, str]], platform: str
) -> dict[str, Any]:
    """A DCSA endorsement chain, newest first as its API gives it, of the present version of the document."""
    if view.kind is not Kind.TRANSPORT_DOCUMENT:
        raise NoSuchForm(problem=gettext_noop("DCSA has only transport documents"))
    if len(view.subject["number"]) > 20:
        raise NoSuchForm(problem=gettext_noop("DCSA takes at most 20 characters of a document number"))
    if view.state not in STATUS or view.origin_id is not None:
        raise NoSuchForm(problem=gettext_noop("DCSA cannot say that a document is split or merged"))
    if not platform.isascii() or not platform.isalnum() or len(platform) > 4:
        raise Invalid(field="platform", problem="up to four letters or digits, as DCSA assigns them")
    _holder, notes = possessor(view)
    if platform == OWN_PLATFORM:
        notes.append(f"{platform} is no code that DCSA has assigned; pass the platform's own when it has one.")
    made: list[dict[str, Any]] = []

    def party(key: UUID) -> dict[str, Any]:
        return {"partyName": _name(names, key)[:70].strip(), "eblPlatform": platform, "identifyingCodes": _codes(key, numbers)}

    before: Mapping[str, Any] = {}
    for event in events:
        if event.act in (Act.AMEND, Act.TO_ELECTRONIC):
            made.clear()  # an amended document begins a chain of its own
        links, note = _links(event, before, view)
        if note:
            notes.append(f"Event {event.n}: {note}")
        for code, recipient in links:
            link = {"actionDateTime": event.at.isoformat(), "actionCode": code, "actor": party(event.by.id)}
            if recipient is not None:
                link["recipient"] = party(recipient)
            made.append(link | {"auditReference": event.digest})
        before = event.effect
    return {
        "form": "dcsa", "notes": notes, "transportDocumentStatus": STATUS[view.state],
        "document": {
            "transportDocumentReference": view.subject["number"], "transportDocumentSubReference": f"v{view.version}",
            "endorsementChain": made[::-1],
        },
    }  # fmt: skip


#: What we call ourselves where no code was assigned.
OWN_PLATFORM: Final = "LUHA"


def _links(event: Any, before: Mapping[str, Any], view: Any) -> tuple[list[Link], str]:
    """What an event is in the words of DCSA, and what those words leave out."""
    d = event.details
    simple: dict[Act, Callable[[], tuple[list[Link], str]]] = {
        Act.ISSUE: lambda: ([("ISSUE", UUID(d["holder"]))], ""),
        Act.ENDORSE: lambda: ([(_MANNERS[d.get("manner", "to_order")], UUID(d["to"]) if "to" in d else None)], ""),
        Act.TRANSFER: lambda: ([*_endorsed(d), ("TRANSFER", UUID(d["to"]))], ""),
        Act.REJECT: lambda: (
            [("TRANSFER", UUID(event.effect["holder"]))] if before.get("holder") != event.effect["holder"] else [],
            "a transfer was rejected as the very next act; DCSA has no word for that.",
        ),
        Act.PLEDGE: lambda: ([("TRANSFER", UUID(d["pledgee"]))], "a pledge, shown as possession passing to the pledgee."),
        Act.REFUSE_PLEDGE: lambda: (
            [] if event.effect["pledged"] else [("TRANSFER", UUID(event.effect["holder"]))],
            "the pledgee refused a pledge that it had not agreed to.",
        ),
        Act.RELEASE_PLEDGE: lambda: (
            ([("TRANSFER", UUID(event.effect["holder"]))], "the pledge ended; possession shown as passing back to the pledgor.")
            if not event.effect["pledged"]
            else ([], "a part of the pledge was released.")
        ),
        Act.ENFORCE: lambda: ([("ENDORSE_TO_ORDER", UUID(d["to"])), ("TRANSFER", UUID(d["to"]))], "a pledge was enforced."),
        Act.SURRENDER: lambda: ([("SURRENDER_FOR_DELIVERY", view.issuer_id)], ""),
        Act.SURRENDER_FOR_AMENDMENT: lambda: ([("SURRENDER_FOR_AMENDMENT", view.issuer_id)], ""),
        Act.ACCEPT_SURRENDER: lambda: ([("SURRENDERED", None)], ""),
        Act.REFUSE_SURRENDER: lambda: (
            [("TRANSFER", UUID(event.effect["holder"]))], "the issuer refused the surrender (SREJ)."
        ),
        Act.AMEND: lambda: ([("ISSUE", UUID(event.effect["holder"]))], ""),
        Act.TO_ELECTRONIC: lambda: ([("ISSUE", UUID(event.effect["holder"]))], ""),
    }  # fmt: skip
    if event.act in simple:
        return simple[event.act]()
    return [], f"{event.act}: DCSA has no word for this act."


def _endorsed(d: Mapping[str, Any]) -> list[Link]:
    return [("ENDORSE_TO_ORDER", UUID(d["beneficiary"]))] if "beneficiary" in d else []


def _codes(party: UUID, numbers: Mapping[UUID, Mapping[str, str]]) -> list[dict[str, str]]:
    known = numbers.get(party, {})
    if "lei" in known:
        return [{"codeListProvider": "GLEIF", "codeListName": "LEI", "partyCode": known["lei"]}]
    for scheme in ("uscc", "bic", "national"):
        if scheme in known:
            return [{"codeListProvider": "ZZZ", "codeListName": scheme.upper(), "partyCode": known[scheme]}]
    return [{"codeListProvider": "ZZZ", "codeListName": "UUID", "partyCode": str(party)}]
