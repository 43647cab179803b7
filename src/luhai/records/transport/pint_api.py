"""DCSA PINT over HTTP, for other platforms. They have no account here: what an envelope says is believed for its signatures.

The signed answers are bare JSON texts, as PINT has them; what goes wrong before an envelope can be judged (no such transfer, no code of our own) is a
problem as everywhere in this API.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import Field

from luhai.core.evidence.formats import tree
from luhai.kernel.origin import Origin
from luhai.kernel.refusal import Invalid
from luhai.shell.api import PROBLEMS, Clean, origin_of, viewer_of

from . import pint, pint_commands, pint_queries

router = Router(tags=["transport"])


class StartedOut(Schema):
    envelopeReference: str  # noqa: N815  (names as in PINT)
    transportDocumentChecksum: str  # noqa: N815
    lastEnvelopeTransferChainEntrySignedContentChecksum: str  # noqa: N815
    missingAdditionalDocumentChecksums: list[str]  # noqa: N815


class CodeIn(Schema):
    codeListProvider: Clean = Field(max_length=100)  # noqa: N815
    partyCode: Clean = Field(max_length=150)  # noqa: N815
    codeListName: Clean = Field(default="", max_length=100)  # noqa: N815


class ReceiverOut(Schema):
    partyName: str  # noqa: N815


#: 409 and 422 are signed answers, or problems when there is nothing to sign.
OUT: dict[Any, Any] = {**PROBLEMS, 200: str, 201: StartedOut, 409: Any, 422: Any}


def _answered(found: dict[str, Any]) -> HttpResponse:
    if "started" in found:
        return _json(found["started"], 201)
    return _json(found["answer"], pint.STATUS[found["code"]])


def _json(value: Any, status: int) -> HttpResponse:
    made = HttpResponse(json.dumps(value), status=status, content_type="application/json")
    made["API-Version"] = pint.VERSION
    return made


def _now(request: HttpRequest) -> datetime:
    return origin_of(request, uuid4()).at


def _body(request: HttpRequest) -> Any:
    """The body, if it is JSON within bounds; else None."""
    try:
        tree.parse(request.body)
        return json.loads(request.body)
    except (Invalid, ValueError, RecursionError):
        return None


@router.post("/v3/envelopes", response=OUT, auth=None, summary="PINT: start the transfer of an envelope.")
def start(request: HttpRequest) -> HttpResponse:
    """Accepted at once (200, signed), started (201), or refused (409, 422, signed)."""
    envelope = _body(request)
    token = envelope.get("envelopeManifestSignedContent") if isinstance(envelope, dict) else None
    actor = pint_queries.sender(token=token, viewer=viewer_of(request)) if isinstance(token, str) else None
    if actor is None:  # nobody is there to act for; say so, signed
        mine = pint_commands.signer()
        code = "BSIG" if isinstance(token, str) else "BENV"
        signed = pint.answer(
            code, pint.last_of(envelope), mine, reason="no signature of a platform known here"
        )
        return _json(signed, pint.STATUS[code])
    origin = Origin(actor, uuid4(), _now(request))
    return _answered(pint_commands.receive_envelope(envelope=envelope, origin=origin))


@router.put(
    "/v3/envelopes/{uuid:reference}/additional-documents/{checksum}", response={204: None, **OUT}, auth=None,
    summary="PINT: send a document that the envelope announced.",
)  # fmt: skip
def additional(request: HttpRequest, reference: UUID, checksum: str) -> HttpResponse:
    """The body is the document in base64, as a JSON text."""
    actor = pint_queries.sender_of(reference=reference, viewer=viewer_of(request))
    data = request.body[: 2 * tree.MAX_BYTES]
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        said = None
    found = pint_commands.receive_additional(
        reference=reference, checksum=checksum[:64], data=said if isinstance(said, str) else "!",
        origin=Origin(actor, uuid4(), _now(request)),
    )  # fmt: skip
    return _answered(found) if found else HttpResponse(status=204, headers={"API-Version": pint.VERSION})


@router.put(
    "/v3/envelopes/{uuid:reference}/finish-transfer",
    response=OUT,
    auth=None,
    summary="PINT: finish a transfer.",
)
def finish(request: HttpRequest, reference: UUID) -> HttpResponse:
    """Accepted (200), or documents are missing (409), signed."""
    actor = pint_queries.sender_of(reference=reference, viewer=viewer_of(request))
    origin = Origin(actor, uuid4(), _now(request))
    return _answered(pint_commands.finish_envelope(reference=reference, origin=origin))


@router.post(
    "/v3/receiver-validation",
    response={200: ReceiverOut, **PROBLEMS},
    auth=None,
    summary="PINT: whose code this is.",
)
def receiver(request: HttpRequest, body: CodeIn) -> HttpResponse:
    """So that a sender sees whom it would send to."""
    name = pint_queries.receiver_name(
        provider=body.codeListProvider,
        scheme=body.codeListName,
        number=body.partyCode,
        viewer=viewer_of(request),
    )
    return _json({"partyName": name}, 200)
