"""Seal the journal, read it, and prove that nobody has changed it.

Positions are given after commit and have no gaps. Each batch of them is sealed under an RFC 6962 Merkle root, each root
is chained to the one before and signed (Ed25519) with a key that is not in the database, and the signed root
is appended to a file outside it. So an edited, deleted or cut-off row, and a chain rebuilt by someone who
owns the database, are found by `verify`. What is not sealed yet (a few seconds, see `jobs`) is not protected.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Min

from luhai.kernel.origin import SYSTEM
from luhai.kernel.refusal import Refusal, gettext_noop

from .command import _canonical, _unpack
from .context import acting
from .models import Batch, Entry
from .secrets import journal_key

BATCH_MAX = 10_000


class OtherKey(Refusal):
    code = "journal.other_key"
    message = gettext_noop(
        "The journal is sealed with a key that is not in %(state)s. Use the state folder that began it, or a copy of it."
    )


GENESIS = "0" * 64


def roots_file() -> Path:
    return Path(settings.STATE) / "journal" / "roots.jsonl"


@dataclass(frozen=True, slots=True)
class Root:
    """One sealed batch, as it stands in the database and in the file outside it."""

    number: int
    first: int
    last: int
    root: str
    chain: str
    sealed_at: str
    signature: str
    public_key: str

    def signed_bytes(self) -> bytes:
        signed = ("number", "first", "last", "root", "chain", "sealed_at")
        return rfc8785.dumps({name: getattr(self, name) for name in signed})


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the journal, for whoever reads it by position."""

    position: int
    index: int
    kind: str
    subject: str
    data: dict[str, Any]
    measures: list[str]
    rules: list[str]
    command: str
    actor_id: str
    role: str
    at: datetime


# ---------------------------------------------------------------------------------------------- sealing


def seal(*, at: datetime) -> int:
    """Give positions to all committed entries, seal them, and publish the roots; return how many were sealed."""
    key = journal_key(Path(settings.STATE))
    public = key.public_key().public_bytes_raw().hex()
    sealed = 0
    while True:
        with transaction.atomic(), acting(SYSTEM), connection.cursor() as cursor:
            cursor.execute("SELECT journal_assign(%s)", [BATCH_MAX])  # takes the sealers' lock
            last = cursor.fetchone()[0]
            before = Batch.objects.order_by("-number").first()
            if before is not None and before.public_key != public:
                raise OtherKey(state=str(settings.STATE), batch=before.number)
            first = before.last + 1 if before else 1
            if last < first:
                break
            root = merkle_root(leaves(first, last))
            number = before.number + 1 if before else 1
            draft = Root(
                number, first, last, root, chained(before.chain if before else GENESIS, root), _instant(at), "", public
            )
            Batch.objects.create(
                **{f: getattr(draft, f) for f in ("number", "first", "last", "root", "chain", "public_key")},
                signature=key.sign(draft.signed_bytes()).hex(),
                sealed_at=at,
            )
            sealed += last - first + 1
    _publish()
    return sealed


def _publish() -> None:
    """Append to the file the roots that it lacks. After a crash between commit and append it catches up."""
    import fcntl

    path = roots_file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(path, "ab+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        whole, known = _last_whole_line(file)
        file.truncate(whole)  # a line torn by a power cut is written again
        for batch in Batch.objects.filter(number__gt=known).order_by("number"):
            file.write(json.dumps(asdict(_root(batch))).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _last_whole_line(file: BinaryIO) -> tuple[int, int]:
    """Where the last line that ends ends, and the number of the batch it holds. Reads the tail only."""
    size = file.seek(0, os.SEEK_END)
    tail_at = max(0, size - 8192)
    file.seek(tail_at)
    tail = file.read()
    end = tail.rfind(b"\n") + 1
    lines = tail[:end].splitlines()
    return tail_at + end, json.loads(lines[-1])["number"] if lines else 0


def leaves(first: int, last: int) -> Iterator[bytes]:
    """The leaf of each entry in order; a gap or an entry out of place raises LookupError naming its position."""
    expected = first
    rows = Entry.objects.filter(position__gte=first, position__lte=last).order_by("position")
    for entry in rows.iterator(chunk_size=2000):
        if entry.position != expected:
            raise LookupError(expected)
        expected += 1
        yield leaf(entry)
    if expected != last + 1:
        raise LookupError(expected)


def leaf(entry: Entry) -> bytes:
    """SHA-256 over the canonical form (RFC 8785) of everything that the row says."""
    row = {
        "position": entry.position,
        "id": str(entry.id),
        "actor_id": str(entry.actor_id),
        "role": entry.role,
        "party_id": entry.party_id and str(entry.party_id),
        "territory": entry.territory,
        "key": str(entry.key),
        "command": entry.command,
        "arguments_digest": entry.arguments_digest,
        "outcome": entry.outcome,
        "code": entry.code,
        "facts": _canonical(entry.facts),
        "result": _canonical(entry.result),
        "events": _canonical(entry.events),
        "at": entry.at.astimezone(UTC).isoformat(),
        "recorded_at": entry.recorded_at.astimezone(UTC).isoformat(),
    }
    return hashlib.sha256(b"\x00" + rfc8785.dumps(row)).digest()


def merkle_root(hashes: Iterator[bytes] | Sequence[bytes]) -> str:
    """The root over leaf hashes, as in RFC 6962: node = SHA-256(0x01 ‖ left ‖ right), left as full as it can be."""
    stack: list[tuple[int, bytes]] = []  # (height, hash), heights falling
    for digest in hashes:
        height = 0
        while stack and stack[-1][0] == height:
            digest = hashlib.sha256(b"\x01" + stack.pop()[1] + digest).digest()
            height += 1
        stack.append((height, digest))
    assert stack, "a batch is never empty"
    digest = stack.pop()[1]
    while stack:
        digest = hashlib.sha256(b"\x01" + stack.pop()[1] + digest).digest()
    return digest.hex()


def chained(before: str, root: str) -> str:
    return hashlib.sha256(bytes.fromhex(before) + bytes.fromhex(root)).hexdigest()


def _root(batch: Batch) -> Root:
    return Root(
        batch.number, batch.first, batch.last, batch.root, batch.chain, _instant(batch.sealed_at), batch.signature,
        batch.public_key,
    )  # fmt: skip


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


# -------------------------------------------------------------------------------------------- verifying


def verify(*, against: Path | None = None) -> dict[str, Any]:
    """Recount the whole journal. `against` is a file of roots kept elsewhere; without it, the local file is used.

    Answers `entries`, `batches`, `unsealed` and `faults`, each with `kind` (edited, deleted, cut_off, rebuilt,
    signature, chain, file), where it is, and what was expected.
    """
    faults: list[dict[str, Any]] = []

    def fault(kind: str, **where: object) -> None:
        faults.append({"kind": kind, **where})

    path = against or roots_file()
    kept = _read_roots(path, fault)  # before the database: what is sealed meanwhile is there and not yet here
    own_key = None
    if (Path(settings.STATE) / "keys" / "journal.ed25519").exists():
        own_key = journal_key(Path(settings.STATE)).public_key().public_bytes_raw().hex()
    trusted = {root.public_key for root in kept.values()} if against else {own_key} - {None}

    if not kept and (against or own_key):
        fault("file", reason="it holds no roots", path=str(path))
    with _one_moment():
        before, expected_number, expected_first = GENESIS, 1, 1
        seen: set[int] = set()
        for batch in Batch.objects.order_by("number").iterator():
            stored = _root(batch)
            seen.add(stored.number)
            if stored.number != expected_number or stored.first != expected_first:
                fault("deleted", batch=expected_number, expected_first=expected_first, found_first=stored.first)
            try:
                root = merkle_root(leaves(stored.first, stored.last))
                if root != stored.root:
                    fault("edited", batch=stored.number, first=stored.first, last=stored.last)
            except LookupError as missing:
                fault("deleted", batch=stored.number, position=missing.args[0])
            if not _is_digest(stored.root) or not _is_digest(before) or chained(before, stored.root) != stored.chain:
                fault("chain", batch=stored.number)
            if trusted and stored.public_key not in trusted:
                fault("rebuilt", batch=stored.number, reason="signed with another key")
            if not _signature_holds(stored):
                fault("signature", batch=stored.number)
            outside = kept.get(stored.number)
            if outside is not None and outside != stored:
                fault("rebuilt", batch=stored.number, expected_root=outside.root, found_root=stored.root)
            if outside is None and stored.number <= max(kept, default=0):
                fault("file", batch=stored.number, reason="the file of roots lacks it")
            before, expected_number, expected_first = stored.chain, stored.number + 1, stored.last + 1
        for number in sorted(set(kept) - seen):
            fault("cut_off", batch=number, first=kept[number].first, last=kept[number].last)
        beyond = Entry.objects.exclude(position=None).exclude(position__range=(1, expected_first - 1)).count()
        if beyond:
            fault("deleted", batch=expected_number, reason="entries have positions but no seal", entries=beyond)
        if len(seen) > len(kept) + 1:  # one batch may be sealed between reading the file and the database
            fault("file", reason="it lacks roots of the database", roots=len(kept), batches=len(seen))
        entries = Entry.objects.filter(position__isnull=False).count()
        waiting = Entry.objects.filter(position=None)
        unsealed, oldest = waiting.count(), waiting.aggregate(at=Min("recorded_at"))["at"]
    return {
        "entries": entries,
        "unsealed": unsealed,
        "oldest_unsealed": oldest and _instant(oldest),
        "batches": len(seen),
        "roots_file": str(path),
        "roots": len(kept),
        "faults": faults,
        "intact": not faults,
    }


@contextmanager
def _one_moment() -> Iterator[None]:
    """See the database as it is at one moment, whatever is sealed meanwhile."""
    if connection.in_atomic_block:  # a test's own transaction
        with acting(SYSTEM):
            yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        with acting(SYSTEM):
            yield


def _is_digest(text: str) -> bool:
    return bool(re.fullmatch(r"[0-9a-f]{64}", text))


def _read_roots(path: Path, fault: Any) -> dict[int, Root]:
    kept: dict[int, Root] = {}
    if not path.exists():
        if Batch.objects.exists():
            fault("file", reason="the file of roots is missing", path=str(path))
        return kept
    chain = GENESIS
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            root = Root(**json.loads(line))
        except (ValueError, TypeError):
            fault("file", line=number, reason="not a root")
            continue
        if not _is_digest(root.root):
            fault("file", line=number, reason="not a root")
            continue
        if not _signature_holds(root):
            fault("file", line=number, reason="its signature does not hold")
        if chained(chain, root.root) != root.chain:
            fault("file", line=number, reason="it does not follow the root before it")
        chain = root.chain
        kept[root.number] = root
    return kept


def _signature_holds(root: Root) -> bool:
    with suppress(InvalidSignature, ValueError):
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(root.public_key)).verify(
            bytes.fromhex(root.signature), root.signed_bytes()
        )
        return True
    return False


# ---------------------------------------------------------------------------------------------- reading


def events_after(position: int, *, kinds: Sequence[str] = (), limit: int = 1000) -> list[Event]:
    """Read the journal's events beyond `position`, in order. For subjects that pull; sealed entries only."""
    with transaction.atomic(), acting(SYSTEM):
        entries = Entry.objects.filter(position__gt=position, outcome=Entry.DONE).order_by("position")
        found = (
            Event(
                entry.position or 0,
                index,
                event["kind"],
                event["subject"],
                event["data"],
                event["measures"],
                event["rules"],
                entry.command,
                str(entry.actor_id),
                entry.role,
                entry.at,
            )
            for entry in entries.iterator(chunk_size=1000)
            for index, event in enumerate(entry.events)
            if not kinds or event["kind"] in kinds
        )
        return list(islice(found, limit))


def answered(person_id: UUID, key: UUID) -> Any:
    """The answer that a key got when it was carried out, or None. For set-up that can be asked again."""
    with transaction.atomic(), acting(SYSTEM):
        entry = Entry.objects.filter(actor_id=person_id, key=key, outcome=Entry.DONE).first()
        return _unpack(entry.result) if entry else None
