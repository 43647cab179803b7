"""The one door through which envelopes go to other platforms: HTTP, as DCSA PINT 3.0 says.

    answer = send(url, envelope, additional)      # the signed answer, or None if there was none

    state = carry(envelope_id, origin)            # sent, and what came of it written down

Nothing here decides what an answer means; `pint_commands.settle_envelope` does, and believes only what is signed. Whatever goes wrong on
the way (no connection, a proxy's page, an unsigned error) is no answer: the envelope is sent again later, which the receiver answers
with DUPE if it had taken it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener
from uuid import UUID

from luhai.kernel.origin import Origin
from luhai.kernel.refusal import Absent

from . import pint, pint_commands, pint_queries

WAIT_S: Final = 20
MOST_BYTES: Final = 2_000_000


def carry(envelope_id: UUID, origin: Origin) -> str:
    """Send an envelope that has no definite answer yet, and take what comes; its state: sent, accepted, refused."""
    try:
        url, envelope, additional = pint_queries.to_send(envelope_id=envelope_id, viewer=origin.actor)
    except Absent:  # answered meanwhile
        found = pint_queries.envelopes(viewer=origin.actor)
        return next((e.state for e in found if e.id == envelope_id), "sent")
    answer = send(url, envelope, additional)
    if answer is None:
        return "sent"
    try:
        return pint_commands.settle_envelope(
            envelope_id=envelope_id, answer=answer, origin=origin.child(f"answer {pint.digest(answer)}")
        )
    except pint_commands.NoAnswer:  # somebody on the way said it, not the platform
        return "sent"


class _Nowhere(HTTPRedirectHandler):
    """An envelope goes where it is addressed, or nowhere."""

    def redirect_request(self, *_: Any) -> None:
        return None


_opener: Final = build_opener(_Nowhere)


def send(url: str, envelope: Mapping[str, Any], additional: Mapping[str, str]) -> str | None:
    """Start the transfer, send what the receiver misses, finish. `additional` is {checksum: base64}."""
    base = url.rstrip("/") + "/v3/envelopes"
    status, said = _call("POST", base, envelope)
    if status != 201 or not isinstance(said, dict):
        return said if isinstance(said, str) else None
    reference = said.get("envelopeReference")
    missing = said.get("missingAdditionalDocumentChecksums")
    if (
        not isinstance(reference, str)
        or not reference.replace("-", "").isalnum()
        or not isinstance(missing, list)
    ):
        return None
    for checksum in missing:
        if checksum not in additional:
            return None
        status, wrong = _call(
            "PUT", f"{base}/{reference}/additional-documents/{checksum}", additional[checksum]
        )
        if status != 204:
            return wrong if isinstance(wrong, str) else None
    _status, said = _call("PUT", f"{base}/{reference}/finish-transfer", None)
    return said if isinstance(said, str) else None


def _call(method: str, url: str, body: Any) -> tuple[int, Any]:
    """(status, JSON of the answer, or None); status 0 when there was no answer."""
    data = json.dumps(body, ensure_ascii=False).encode() if body is not None else None
    request = Request(
        url, data=data, method=method, headers={"Content-Type": "application/json", "API-Version": "3"}
    )
    try:
        with _opener.open(request, timeout=WAIT_S) as answer:
            return answer.status, _read(answer.read(MOST_BYTES + 1))
    except HTTPError as answer:
        with answer:
            return answer.code, _read(answer.read(MOST_BYTES + 1))
    except (URLError, OSError, ValueError):
        return 0, None


def _read(data: bytes) -> Any:
    if len(data) > MOST_BYTES:
        return None
    try:
        return json.loads(data) if data else None
    except (ValueError, RecursionError):
        return None
