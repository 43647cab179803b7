"""Keys that live outside the database, in the state folder, made at first use."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


def secret_key(state: Path) -> str:
    """Answer the signing key of sessions; made once, readable by its owner only.

    Settings call this, and it starts nothing. When the state folder cannot be written (a check in a read-only clone) the key
    lives as long as the process.
    """
    path = state / "keys" / "secret"
    try:
        return _kept(path, lambda: secrets.token_urlsafe(48).encode()).decode()
    except OSError:
        return secrets.token_urlsafe(48)


def journal_key(state: Path) -> Ed25519PrivateKey:
    """Answer the key that signs the roots of the journal. Never stored in the database."""
    raw = _kept(
        state / "keys" / "journal.ed25519",
        lambda: Ed25519PrivateKey.generate().private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()),
    )
    return Ed25519PrivateKey.from_private_bytes(raw)


def _kept(path: Path, make: Callable[[], bytes]) -> bytes:
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(make())
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # the first of two processes wins
            os.link(draft, path)
        draft.unlink()
    return path.read_bytes()
