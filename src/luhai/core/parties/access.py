"""Tokens of machines: how they look, what they may do. Pure; nothing here touches the database."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import Final
from uuid import UUID

PREFIX: Final = "luhai_"
_SHAPE = re.compile(r"^luhai_([0-9a-f]{32})_([A-Za-z0-9_-]{43})$")
_SCOPE = re.compile(r"^(?:\*|[a-z]+):(?:read|write)$")


def new_secret() -> str:
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """256 random bits need no slow hash; SHA-256 is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


def same(secret: str, stored: str) -> bool:
    return hmac.compare_digest(digest(secret), stored)


def write(token_id: UUID, secret: str) -> str:
    return f"{PREFIX}{token_id.hex}_{secret}"


def read(text: str) -> tuple[UUID, str] | None:
    match = _SHAPE.match(text)
    return (UUID(hex=match[1]), match[2]) if match else None


def is_scope(text: str) -> bool:
    """A scope is "<subject>:read" or "<subject>:write", or "*" for every subject; write includes read."""
    return bool(_SCOPE.match(text))


def allows(scopes: list[str], subject: str, *, writing: bool) -> bool:
    wanted = {f"{subject}:write", "*:write"}
    if not writing:
        wanted |= {f"{subject}:read", "*:read"}
    return bool(wanted & set(scopes))
