"""Tell PostgreSQL who is acting, for the length of a transaction, so that row-level security can answer.

Policies in migrations read these settings through the SQL functions of `shell/migrations/0001`:
`luhai_person()`, `luhai_party()`, `luhai_role()`, `luhai_territory()`. Unset means nobody, who sees only what is public.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import connection, transaction

from luhai.kernel.origin import PUBLIC, SYSTEM, Actor

_acting: ContextVar[Actor | None] = ContextVar("luhai_acting", default=None)


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Run a transaction, or a part of one, in the sight of `actor`."""
    before = _acting.get()
    if before == actor and connection.in_atomic_block:
        yield
        return
    token = _acting.set(actor)
    try:
        with transaction.atomic():
            _tell(actor)
            yield
            if before is not None:
                _tell(before)
    finally:
        _acting.reset(token)


@contextmanager
def as_system() -> Iterator[None]:
    """Look at everything, inside a command that must count what its actor may not see. Never at an edge."""
    assert _acting.get() is not None, "as_system is for commands and queries only"
    with acting(SYSTEM):
        yield


def _tell(actor: Actor) -> None:
    if actor == PUBLIC:
        settings = ["", "", str(actor.role), ""]
    else:
        settings = [str(actor.person_id), str(actor.party_id or ""), str(actor.role), actor.territory or ""]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('luhai.person', %s, true), set_config('luhai.party', %s, true),"
            " set_config('luhai.role', %s, true), set_config('luhai.territory', %s, true)",
            settings,
        )
