"""The chain of a title's events, and the file that proves it without the registry. Pure: no database, no Django.

    head = genesis(title, profile)                      # the digest of the header
    body = canonical(act=…, actor=…, after=…, …)        # RFC 8785 canonical JSON of one event
    head = digest(profile, head, body)                  # over the digest before, then the body

An exported file has a header line, one line an event (the digest before, then the body: just what the event's digest is over) and
a footer line with the last digest. So `verify` digests each line as it stands and never writes JSON again. Every byte is
covered: the header by the first line, each line by the next, the last by the footer. Who owns the registry could still rebuild a whole chain with other content: only
signatures of the actors, or a head that one noted earlier (`verify(…, head=…)`), stand against that. docs/algorithms/title-life.md

Profiles: SHA-256 (FIPS 180-4) and SM3 (GB/T 32905-2016) for digests; Ed25519 (RFC 8032) and SM2 (GB/T 32918-2016) for signatures.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from binascii import hexlify
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final
from uuid import UUID

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from gmssl import sm2, sm3

from .lifecycle import FINAL, NEXT

FORMAT: Final = "luhai-title-chain/1"
PROFILES: Final = ("sha256", "sm3")
SIGNATURES: Final = ("ed25519", "sm2")


def _sm3(data: bytes) -> str:
    if "sm3" in hashlib.algorithms_available:
        return hashlib.new("sm3", data).hexdigest()
    return str(sm3.sm3_hash(list(data)))


def _hasher(profile: str) -> Callable[[bytes], str]:
    assert profile in PROFILES, profile
    return _sm3 if profile == "sm3" else lambda data: hashlib.sha256(data).hexdigest()


# --- writing --------------------------------------------------------------------------------------------------------


def header(title: UUID | str, profile: str) -> bytes:
    return bytes(rfc8785.dumps({"format": FORMAT, "profile": profile, "title": str(title)}))


def genesis(title: UUID | str, profile: str) -> str:
    """What the first event is chained to."""
    return _hasher(profile)(header(title, profile))


def canonical(
    *, title: UUID | str, n: int, act: str, actor: UUID | str, after: str, at: str, details: Mapping[str, Any],
    effect: Mapping[str, Any], key: Mapping[str, str] | None = None,
) -> bytes:  # fmt: skip
    """The body of an event. `key` is who signed: {profile, public, signature}.

    In the order of RFC 8785 `act`, `actor` and `after` come first and `n`, `title` last, where `verify` looks for them.
    """
    body: dict[str, Any] = {
        "act": str(act), "actor": str(actor), "after": str(after), "at": at, "details": dict(details),
        "effect": dict(effect), "n": n, "title": str(title),
    }  # fmt: skip
    if key is not None:
        body["key"] = dict(key)
    return bytes(rfc8785.dumps(body))


def digest(profile: str, previous: str, body: bytes) -> str:
    return _hasher(profile)(previous.encode() + body)


def statement(*, title: UUID | str, n: int, act: str, details: Mapping[str, Any], previous: str) -> bytes:
    """What the actor signs: this act, as the n-th on this title, after exactly what went before."""
    return bytes(
        rfc8785.dumps(
            {"act": str(act), "details": dict(details), "n": n, "previous": previous, "title": str(title)}
        )
    )


def export(title: UUID | str, profile: str, events: list[tuple[str, str]]) -> bytes:
    """The file of a title: `events` are (digest, body) in their order."""
    heads = [genesis(title, profile), *(d for d, _ in events)]
    lines = [header(title, profile), *(f"{h}{b}".encode() for h, (_, b) in zip(heads, events, strict=False))]
    return b"\n".join([*lines, _footer(len(events), heads[-1])]) + b"\n"


def _footer(count: int, head: str) -> bytes:
    return b'{"events":%d,"head":"%s"}' % (count, head.encode())


# --- reading --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a file proves. `fault` is the first thing wrong with it, in `line`; what is true before it is still said."""

    title: str
    profile: str
    events: int
    signed: int
    head: str
    state: str
    control: Mapping[str, Any]  # holder, beneficiary, quantity … after the last event
    line: int = 0
    fault: str = ""

    @property
    def ok(self) -> bool:
        return not self.fault


_HEADER: Final = re.compile(rb'\{"format":"luhai-title-chain/1","profile":"(sha256|sm3)","title":"([0-9a-f-]{36})"\}')
_FRONT: Final = re.compile(rb'\{"act":"([a-z_]+)","actor":".{36}","after":"([A-Z_]+)","at":"')
#: (state, act, state) as bytes: every step that a life can take.
_STEPS: Final = frozenset(
    ((state or "").encode(), act.encode(), to.encode()) for (state, act), leads in NEXT.items() for to in leads
)


def verify(file: bytes, *, head: str | None = None) -> Verdict:
    """Check an exported file against itself, and against a `head` known from elsewhere. Needs nothing but the file.

    Looks at: header, each digest over the one before, numbers without gaps, the title named in each event, each step against
    the table of the life, each signature, the footer.
    """
    lines = file.split(b"\n")
    top = _HEADER.fullmatch(lines[0])
    if top is None:
        return Verdict("", "", 0, 0, "", "", {}, 1, "this is not the header of an exported title")
    profile, title = top[1].decode(), top[2].decode()
    back = b',"n":%%d,"title":"%s"}' % top[2]
    stop = len(lines) - 2  # the footer, and nothing after the last line feed
    events = lines[1:stop]
    hexed = genesis(title, profile).encode() + _digests(profile, events)
    # One search of the whole file for signatures is cheaper than one of each line.
    state_now = None if b'"key":{' in file else _all_fit(events, hexed[:-64], back)
    if state_now is not None:
        state, count, signed, fault = state_now, len(events), 0, ""
    else:
        state, count, signed, fault = _one_by_one(events, hexed, back)
    head_now = hexed[64 * count : 64 * count + 64].decode()
    if not fault:
        if stop < 1 or lines[stop] != _footer(count, head_now) or lines[stop + 1] != b"":
            fault = "the footer does not fit what stands above"
        elif head is not None and head != head_now:
            fault = "the last digest is not the one that you expect"
        elif not count:
            fault = "there is no event"
    control = _control(events[count - 1][64:]) if count else {}
    return Verdict(title, profile, count, signed, head_now, state.decode(), control, count + 2 if fault else 0, fault)


def _digests(profile: str, lines: list[bytes]) -> bytes:
    """The digests of all lines, one after the other, in hexadecimal."""
    if profile == "sha256":
        sha256 = hashlib.sha256
        return hexlify(b"".join([sha256(line).digest() for line in lines]))
    return b"".join([_sm3(line).encode() for line in lines])


def _all_fit(events: list[bytes], befores: bytes, back: bytes) -> bytes | None:
    """The last state if every line fits, looked at column by column, which is faster; None to look closer."""
    if not events or b"".join([line[:64] for line in events]) != befores:
        return None
    if not all(map(bytes.endswith, events, [back % n for n in range(1, len(events) + 1)])):
        return None
    fronts = [line[64 : line.find(b'","at":"', 64, 256)] for line in events]
    read = {front: _FRONT.match(front + b'","at":"') for front in set(fronts)}  # few hands, few acts: few fronts
    said = {front: match.group(1, 2) for front, match in read.items() if match and match.end() == len(front) + 8}
    if len(said) != len(read) or (b"", *said[fronts[0]]) not in _STEPS:
        return None
    pairs = set(pairwise(fronts))
    return said[fronts[-1]][1] if all((said[a][1], *said[b]) in _STEPS for a, b in pairs) else None


def _one_by_one(events: list[bytes], hexed: bytes, back: bytes) -> tuple[bytes, int, int, str]:
    """The state, the events that fit, those signed, and what is wrong with the first that does not."""
    state, count, signed = b"", 0, 0
    for line in events:
        before = hexed[64 * count : 64 * count + 64]
        found = _FRONT.match(line, 64)
        if (
            found is None or line[:64] != before or not line.endswith(back % (count + 1))
            or (state, *found.groups()) not in _STEPS
        ):  # fmt: skip
            return state, count, signed, _why(line, before, found, back % (count + 1), state)
        if b'"key":{' in line:
            fault, mine = _signature_fault(line[64:], before.decode())
            if fault:
                return state, count, signed, fault
            signed += mine
        state = found[2]
        count += 1
    return state, count, signed, ""


def _why(line: bytes, before: bytes, found: re.Match[bytes] | None, back: bytes, state: bytes) -> str:
    """Say what is wrong with a line that does not fit."""
    if line[:64] != before:
        return "this does not follow what stands before: one of the two was changed"
    if found is None:
        return "this is not an event"
    if not line.endswith(back):
        return "this event belongs elsewhere"
    return f"{found[1].decode()} does not lead from {state.decode() or 'nothing'} to {found[2].decode()}"


def _control(body: bytes) -> Mapping[str, Any]:
    try:
        effect = json.loads(body).get("effect", {})
    except (ValueError, AttributeError):
        return {}
    return effect if isinstance(effect, dict) else {}


def _signature_fault(body: bytes, previous: str) -> tuple[str, bool]:
    """What is wrong with a signed event ("" if nothing), and whether it is signed at all."""
    try:
        event = json.loads(body)
        if rfc8785.dumps(event) != body:
            return "this is not canonical JSON (RFC 8785)", False
        key = event.get("key")
        if key is None:  # the word stands somewhere in the details
            return "", False
        said = statement(
            title=event["title"], n=event["n"], act=event["act"], details=event["details"], previous=previous
        )
    except (ValueError, TypeError, KeyError, RecursionError, rfc8785.CanonicalizationError):
        return "this is not an event in canonical JSON (RFC 8785)", False
    if not isinstance(key, dict) or not verified(
        str(key.get("profile")), str(key.get("public")), said, str(key.get("signature"))
    ):
        return "the signature is not that of the key named over this act", False
    return "", True


def is_final(state: str) -> bool:
    return state in FINAL


# --- signatures -----------------------------------------------------------------------------------------------------

_HEX: Final = re.compile(r"[0-9a-f]*")
_N: Final = int(sm2.default_ecc_table["n"], 16)
_P: Final = int(sm2.default_ecc_table["p"], 16)
_A: Final = int(sm2.default_ecc_table["a"], 16)
_B: Final = int(sm2.default_ecc_table["b"], 16)
#: The distinguishing identifier of GB/T 32918 when users have none of their own.
_SM2_ID: Final = b"1234567812345678"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Hexadecimal, lower case: 32 bytes private; public 32 (Ed25519) or 64 (SM2, x then y)."""

    profile: str
    private: str
    public: str


def new_key(profile: str) -> KeyPair:
    assert profile in SIGNATURES, profile
    if profile == "ed25519":
        return _pair(profile, secrets.token_hex(32))
    return _pair(profile, f"{secrets.randbelow(_N - 2) + 1:064x}")


def _pair(profile: str, private: str) -> KeyPair:
    if profile == "ed25519":
        made = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(private))
        return KeyPair(profile, private, made.public_key().public_bytes_raw().hex())
    curve = _curve("", private)
    return KeyPair(profile, private, str(curve._kg(int(private, 16), sm2.default_ecc_table["g"])))


def key_pair(profile: str, private: str) -> KeyPair:
    """The pair of a private key. Raises ValueError if it is none."""
    if profile not in SIGNATURES or len(private) != 64 or not _HEX.fullmatch(private):
        raise ValueError("a profile and 64 hexadecimal digits")
    if profile == "sm2" and not 0 < int(private, 16) < _N - 1:
        raise ValueError("out of the range of SM2")
    return _pair(profile, private)


def is_public_key(profile: str, public: str) -> bool:
    """Whether this could be a public key: the right length, and a point of the curve."""
    if not _HEX.fullmatch(public):
        return False
    if profile == "ed25519":
        if len(public) != 64:
            return False
        try:
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        except ValueError:
            return False
        return True
    if profile != "sm2" or len(public) != 128:
        return False
    x, y = int(public[:64], 16), int(public[64:], 16)
    return x < _P and y < _P and (y * y - x * x * x - _A * x - _B) % _P == 0


def sign(pair: KeyPair, said: bytes) -> str:
    if pair.profile == "ed25519":
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(pair.private)).sign(said).hex()
    curve, e = _curve(pair.public, pair.private), _sm2_digest(pair.public, said)
    while True:  # a K that gives r or s of zero is drawn again; that happens once in 2**256
        made = curve.sign(e, f"{secrets.randbelow(_N - 1) + 1:064x}")
        if made is not None:
            return str(made)


def verified(profile: str, public: str, said: bytes, signature: str) -> bool:
    """Whether `signature` is the key's over `said`. Anything unreadable is not."""
    if len(signature) != 128 or not _HEX.fullmatch(signature) or not is_public_key(profile, public):
        return False
    if profile == "ed25519":
        try:
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(bytes.fromhex(signature), said)
        except InvalidSignature:
            return False
        return True
    r, s = int(signature[:64], 16), int(signature[64:], 16)
    if not (0 < r < _N and 0 < s < _N):  # gmssl does not look; GB/T 32918.2 7.1 does
        return False
    try:
        return bool(_curve(public, "0" * 64).verify(signature, _sm2_digest(public, said)))
    except (TypeError, ValueError):  # the point at infinity
        return False


def _curve(public: str, private: str) -> Any:
    curve = sm2.CryptSM2(private_key=private, public_key="")
    curve.public_key = public  # the constructor would strip zeros and fours from its front
    return curve


def _sm2_digest(public: str, said: bytes) -> bytes:
    """e = SM3(Z ‖ M), with Z over the identifier, the curve and the public key (GB/T 32918.2 5.5)."""
    t = sm2.default_ecc_table
    z = (
        (len(_SM2_ID) * 8).to_bytes(2, "big") + _SM2_ID
        + bytes.fromhex(t["a"] + t["b"] + t["g"] + public)
    )  # fmt: skip
    return bytes.fromhex(_sm3(bytes.fromhex(_sm3(z)) + said))
