"""Tell PostgreSQL who is acting, for the length of a transaction, so that row-level security can answer.

Policies in migrations read these settings through the SQL functions of `shell/migrations/0001`:
`luhai_person()`, `luhai_party()`, `luhai_role()`, `luhai_territory()`. Unset means nobody, who sees only what is public.

The server is told just before the next statement, and only if it was told of somebody else: a look that needs no statement, and two looks
of the same person one after the other, cost nothing. A `_Sight` stands before every statement that goes through Django's wrappers; a wall (tests/test_walls.py) forbids the ways around them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.backends.signals import connection_created
from psycopg import ServerCursor

from luhai.kernel.origin import PUBLIC, SYSTEM, Actor

_acting: ContextVar[Actor | None] = ContextVar("luhai_acting", default=None)

_TELL = (
    "SELECT set_config('luhai.person', %s, true), set_config('luhai.party', %s, true),"
    " set_config('luhai.role', %s, true), set_config('luhai.territory', %s, true)"
)

_PREPARED_MAX = 1_000
#: A look that locks what it finds.
_LOCKS = re.compile(r"\bFOR\s+(NO|UPDATE|SHARE|KEY)\b", re.IGNORECASE)

#: What was asked, and the tables in which the answer stands: (tables, question).
Question = tuple[tuple[str, ...], Hashable]


@contextmanager
def acting(actor: Actor, *, durable: bool = False) -> Iterator[None]:
    """Run a transaction, or a part of one, in the sight of `actor`. `durable`: a transaction of its own, or an error.

    A part of a transaction is no savepoint: who goes on after a refusal, and wants nothing of it to remain, says `transaction.atomic()`.
    """
    before = _acting.get()
    if before is None or durable or not connection.in_atomic_block:
        part = connection.in_atomic_block
        with transaction.atomic(durable=durable):
            sight = _sight()
            sight.forget()
            try:
                with _seen_by(actor):
                    yield
                if part:  # what follows in that transaction is nobody else's
                    with suppress(DatabaseError):
                        sight.tell(actor)
            finally:
                sight.forget()
        return
    if before == actor:
        yield
        return
    sight = _sight()
    try:
        with _seen_by(actor):
            if sight.streaming:
                sight.tell(actor)
            yield
    finally:
        if sight.streaming:  # rows that are still to be fetched are judged when they are, by no statement of ours
            with suppress(DatabaseError, InterfaceError):  # nothing can be fetched any more
                sight.tell(before)


@contextmanager
def as_system() -> Iterator[None]:
    """Look at everything, inside a command that must count what its actor may not see. Never at an edge."""
    assert _acting.get() is not None, "as_system is for commands and queries only"
    with acting(SYSTEM):
        yield


def memory() -> dict[Question, Any] | None:
    """Answers that the running transaction has got already; None outside of one.

    They are forgotten with the transaction, after a rollback to a savepoint, and when a table of theirs is written or locked.
    """
    return _sight().memory if _acting.get() is not None and connection.in_atomic_block else None


@contextmanager
def _seen_by(actor: Actor) -> Iterator[None]:
    token = _acting.set(actor)
    try:
        yield
    finally:
        _acting.reset(token)


class _Sight:
    """Stands before every statement of one connection: whom the server was told of, and what is remembered."""

    def __init__(self) -> None:
        self.told: Actor | None = None  # None: nobody, or nobody knows who
        self.streaming = False
        self.memory: dict[Question, Any] = {}

    def forget(self) -> None:
        self.told, self.streaming = None, False
        self.memory.clear()

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        verb = next(iter(sql[:40].split(None, 1)), "") if isinstance(sql, str) else ""
        if verb in ("SAVEPOINT", "RELEASE", "ROLLBACK"):
            answer = execute(sql, params, many, context)
            if verb == "ROLLBACK":  # to a savepoint: the settings are again what they were there
                self.told = None
                self.memory.clear()
            return answer
        wanted = _acting.get()
        if wanted is not None and context["connection"].in_atomic_block:
            stream = isinstance(context["cursor"].cursor, ServerCursor)
            self.streaming = self.streaming or stream
            if wanted is not self.told and wanted != self.told:
                if many or stream:
                    self.tell(wanted)
                else:
                    self.told = None
                    execute(_TELL, _settings(wanted), False, context)
                    self.told = wanted
        if self.memory and (verb != "SELECT" or _LOCKS.search(sql)):
            text = str(sql)
            for question in [q for q in self.memory if any(table in text for table in q[0])]:
                del self.memory[question]
        return execute(sql, params, many, context)

    def tell(self, actor: Actor | None) -> None:
        """Tell the server now, if it was told of another."""
        if actor is not None and actor != self.told:
            self.told = actor  # before the statement, which passes here too
            try:
                with connection.cursor() as cursor:
                    cursor.execute(_TELL, _settings(actor))
            except BaseException:
                self.told = None
                raise


def _sight() -> _Sight:
    """That of this thread's connection. It stands first: `execute_wrapper` takes away the last."""
    wrappers = connection.execute_wrappers
    if not wrappers or not isinstance(wrappers[0], _Sight):
        wrappers.insert(0, _Sight())
    sight = wrappers[0]
    assert isinstance(sight, _Sight)
    return sight


def _ready(connection: Any, **_: Any) -> None:
    """Room for all statements that the system has; the driver keeps a hundred, and would forget most before they come again."""
    if connection.vendor == "postgresql":
        connection.connection.prepared_max = _PREPARED_MAX


connection_created.connect(_ready, dispatch_uid="luhai.prepared")


def _settings(actor: Actor) -> list[str]:
    if actor == PUBLIC:
        return ["", "", str(actor.role), ""]
    return [str(actor.person_id), str(actor.party_id or ""), str(actor.role), actor.territory or ""]
