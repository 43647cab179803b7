"""DCSA PINT 3.0: envelopes in which a document of title moves from one platform to another. Pure: no database, no HTTP.

    envelope = sealed(document, chain, supporting, key)       # to send
    found = examine(envelope, keys, own="LUHA")               # to receive; raises Fault(code, reason)

An envelope is the document, a manifest and the chain of transfers; manifest and each entry of the chain are signed by a platform (JWS
in compact form, EdDSA over Ed25519: RFC 7515, RFC 8037). Each entry names the digest of the one before and of the document, so that an
entry of another document, of another chain, or one left out shows. What the receiver answers is signed too; the signed code counts,
not the status of HTTP.

Source: DCSA PINT 3.0.0; domain notes §4.6.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from luhai.core.evidence.formats import schemas
from luhai.core.evidence.formats.tree import JsonPlace
from luhai.kernel.refusal import Invalid

J = dict[str, Any]

SCHEMAS: Final = "EBL_PINT_v3.0.0.yaml"
VERSION: Final = "3.0.0"
#: Answer codes and the status of HTTP that goes with each.
STATUS: Final[Mapping[str, int]] = MappingProxyType(
    {"RECE": 200, "DUPE": 200, "BSIG": 422, "BENV": 422, "INCD": 409, "MDOC": 409, "DISE": 409}
)
ACCEPTED: Final = frozenset({"RECE", "DUPE"})
REJECTED: Final = frozenset({"BSIG", "BENV"})
#: Our data set, sent along so that a second instance of ours loses nothing.
OUR_MEDIA: Final = "application/vnd.luhai.one-bill+json"
MOST_ENTRIES: Final = 200

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)


class Fault(Exception):
    """Why an envelope is not accepted: a code of STATUS and a reason for people."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code, self.reason = code, reason


# --- JWS ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Signer:
    """A platform's private key."""

    code: str
    private: Ed25519PrivateKey

    @property
    def public(self) -> str:
        return self.private.public_key().public_bytes_raw().hex()

    @property
    def kid(self) -> str:
        return kid_of(self.code, self.public)


def kid_of(code: str, public: str) -> str:
    """How a key is named: the platform's code, and the front of the key's digest."""
    return f"{code}-{hashlib.sha256(bytes.fromhex(public)).hexdigest()[:16]}"


def sign(payload: Mapping[str, Any], signer: Signer) -> str:
    head = _b64(rfc8785.dumps({"alg": "EdDSA", "kid": signer.kid}))
    body = _b64(rfc8785.dumps(dict(payload)))
    return f"{head}.{body}.{_b64(signer.private.sign(f'{head}.{body}'.encode()))}"


#: kid -> (platform's code, public key in hexadecimal)
Keys = Mapping[str, tuple[str, str]]


def opened(token: Any, keys: Keys) -> tuple[J, str]:
    """(payload, code of the platform that signed it). Raises: Fault BSIG (unknown key, another algorithm, wrong signature)."""
    if not isinstance(token, str) or len(token) > 2_000_000 or not _TOKEN.fullmatch(token):
        raise Fault("BSIG", "this is no JWS in compact form")
    head, body, mark = token.split(".")
    try:
        header, payload = json.loads(_unb64(head)), json.loads(_unb64(body))
        signature = _unb64(mark)
    except (ValueError, RecursionError):
        raise Fault("BSIG", "this is no JWS in compact form") from None
    if not isinstance(header, dict) or header.get("alg") != "EdDSA" or "crit" in header:
        raise Fault("BSIG", "the algorithm is not EdDSA")
    code, public = keys.get(str(header.get("kid")), ("", ""))
    if not code:
        raise Fault("BSIG", "the key is not that of a platform known here")
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(signature, f"{head}.{body}".encode())
    except (InvalidSignature, ValueError):
        raise Fault("BSIG", "the signature is not that of its key") from None
    if not isinstance(payload, dict):
        raise Fault("BENV", "a signed object is wanted")
    return payload, code


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _unb64(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


# --- writing --------------------------------------------------------------------------------------------------------


def canonical(value: Any) -> bytes:
    """RFC 8785. Raises: Fault BENV (what has no canonical form)."""
    try:
        return bytes(rfc8785.dumps(value))
    except (rfc8785.CanonicalizationError, ValueError, TypeError, RecursionError, UnicodeError):
        raise Fault("BENV", "the document has no canonical form (RFC 8785)") from None


def checksum(document: Any) -> str:
    return hashlib.sha256(canonical(document)).hexdigest()


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Additional:
    """A document that travels with the envelope."""

    name: str
    media: str
    data: bytes

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    def metadata(self) -> J:
        return {
            "name": self.name,
            "size": len(self.data),
            "mediaType": self.media,
            "documentChecksum": self.checksum,
        }


def entry(
    document: J, transactions: Sequence[J], before: str | None, signer: Signer, *, issue_to: J | None = None
) -> str:
    """One link of the chain, signed. The first one has no `before`, and holds what was issued to whom."""
    said: J = {
        "eblPlatform": signer.code,
        "transportDocumentChecksum": checksum(document),
        "transactions": list(transactions),
    }
    if before is None:
        manifest = {
            "documentChecksum": said["transportDocumentChecksum"],
            "issueToChecksum": checksum(issue_to or {}),
        }
        said["issuanceManifestSignedContent"] = sign(manifest, signer)
    else:
        said["previousEnvelopeTransferChainEntrySignedContentChecksum"] = digest(before)
    return sign(said, signer)


def sealed(document: J, chain: Sequence[str], supporting: Sequence[Additional], signer: Signer) -> J:
    manifest = {
        "transportDocumentChecksum": checksum(document), "supportingDocuments": [a.metadata() for a in supporting],
        "lastEnvelopeTransferChainEntrySignedContentChecksum": digest(chain[-1]),
    }  # fmt: skip
    return {
        "transportDocument": document, "envelopeManifestSignedContent": sign(manifest, signer),
        "envelopeTransferChain": list(chain),
    }  # fmt: skip


def answer(code: str, last: str, signer: Signer, **more: Any) -> str:
    """The signed answer: `last` is the digest of the envelope's last entry."""
    assert code in STATUS, code
    said = {"lastEnvelopeTransferChainEntrySignedContentChecksum": last, "responseCode": code}
    return sign(said | {k: v for k, v in more.items() if v}, signer)


# --- reading --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Examined:
    """An envelope that holds in itself. Whether it fits what is known here is `relation`'s and the register's."""

    document: J
    checksum: str
    chain: tuple[str, ...]
    entries: tuple[J, ...]
    last: str  # digest of the last entry
    sender: str  # platform
    recipient: J
    supporting: tuple[J, ...]  # metadata


def last_of(envelope: Any) -> str:
    """The digest of the last entry, as far as there is one: an answer to a bad envelope names it."""
    chain = envelope.get("envelopeTransferChain") if isinstance(envelope, dict) else None
    return digest(chain[-1]) if isinstance(chain, list) and chain and isinstance(chain[-1], str) else "0" * 64


def examine(envelope: Any, keys: Keys, *, own: str) -> Examined:
    """Everything that can be said of an envelope without knowing what came before. Raises: Fault BSIG, BENV."""
    if not isinstance(envelope, dict) or not isinstance(envelope.get("envelopeTransferChain"), list):
        raise Fault("BENV", "an envelope is wanted")
    chain = envelope["envelopeTransferChain"]
    if not 1 <= len(chain) <= MOST_ENTRIES:
        raise Fault("BENV", f"a chain of 1 to {MOST_ENTRIES} entries is wanted")
    manifest, sender = opened(envelope.get("envelopeManifestSignedContent"), keys)
    read = [opened(token, keys) for token in chain]
    fits(manifest, "EnvelopeManifest")
    for n, (said, platform) in enumerate(read):
        fits(said, "EnvelopeTransferChainEntry")
        if said["eblPlatform"] != platform:
            raise Fault("BENV", f"entry {n} is signed by {platform}, not by the platform that it names")
    document = envelope.get("transportDocument")
    fits(document, "TransportDocument")
    assert isinstance(document, dict)
    said_checksum = checksum(document)
    if manifest["transportDocumentChecksum"] != said_checksum:
        raise Fault("BENV", "the document is not the one that the manifest was signed over")
    if any(said["transportDocumentChecksum"] != said_checksum for said, _platform in read):
        raise Fault("BENV", "an entry of the chain is about another document")
    if manifest["lastEnvelopeTransferChainEntrySignedContentChecksum"] != digest(chain[-1]):
        raise Fault("BENV", "the last entry is not the one that the manifest was signed over")
    entries = [said for said, _platform in read]
    _linked(chain, entries)
    _issued(entries[0], keys, said_checksum)
    recipient = _moves(entries, sender, own)
    return Examined(
        document, said_checksum, tuple(chain), tuple(entries), digest(chain[-1]), sender, recipient,
        tuple(manifest.get("supportingDocuments", [])),
    )  # fmt: skip


def fits(value: Any, schema: str) -> None:
    if not isinstance(value, dict):
        raise Fault("BENV", f"an object is wanted ({schema})")
    try:
        schemas.check(JsonPlace(value), schemas.dcsa(SCHEMAS, schema))
    except Invalid as wrong:
        raise Fault("BENV", f"{schema}: {wrong.facts['field']}: {wrong.facts['problem']}"[:255]) from None


def _linked(chain: Sequence[str], entries: Sequence[J]) -> None:
    for n, said in enumerate(entries):
        before = said.get("previousEnvelopeTransferChainEntrySignedContentChecksum")
        if before != (digest(chain[n - 1]) if n else None):
            raise Fault("BENV", f"entry {n} does not follow the one before it")
        if n and ("issuanceManifestSignedContent" in said or "controlTrackingRegistry" in said):
            raise Fault("BENV", f"entry {n} holds what only the first one may")


def _issued(first: J, keys: Keys, document: str) -> None:
    if "issuanceManifestSignedContent" not in first:
        raise Fault("BENV", "the first entry does not say what was issued")
    said, _platform = opened(first["issuanceManifestSignedContent"], keys)
    if said.get("documentChecksum") != document:
        raise Fault("BENV", "another document was issued")
    if "controlTrackingRegistry" in first:
        raise Fault("BENV", "transfers under a control tracking registry are not taken here")


def _moves(entries: Sequence[J], sender: str, own: str) -> J:
    """Issued once and first, never ended, handed from platform to platform without a gap; to whom it comes in the end."""
    acts = [t for said in entries for t in said["transactions"]]
    codes = [t["actionCode"] for t in acts]
    if codes[0] != "ISSUE" or codes.count("ISSUE") != 1:
        raise Fault("BENV", "the chain begins with its one ISSUE")
    if "SACC" in codes:
        raise Fault("BENV", "a surrender was accepted; nothing comes after that")
    for n, said in enumerate(entries):
        final = said["transactions"][-1]
        if any(t["actor"]["eblPlatform"] != said["eblPlatform"] for t in said["transactions"]):
            raise Fault("BENV", f"entry {n} holds acts of another platform")
        goes_to = final.get("recipient", {}).get("eblPlatform")
        wanted = entries[n + 1]["eblPlatform"] if n + 1 < len(entries) else own
        if final["actionCode"] != "TRANSFER" or goes_to != wanted:
            raise Fault("BENV", f"entry {n} does not transfer the document to {wanted}")
    if entries[-1]["eblPlatform"] != sender:
        raise Fault("BENV", "the envelope is not sent by the platform that transfers the document")
    recipient: J = acts[-1]["recipient"]
    return recipient


def relation(known: Sequence[str], new: Sequence[str]) -> str:
    """How a chain stands to the longest one known: "same", "extends", or "contradicts" (somebody spends twice)."""
    if list(known) == list(new):
        return "same"
    return "extends" if len(new) > len(known) and list(new[: len(known)]) == list(known) else "contradicts"
