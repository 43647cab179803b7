"""One decorator gives every command its promises.

All or nothing:  the command is one database transaction, seen by the database as its actor's.
At most once:    the same person's same key with the same arguments gets the first answer again, a refusal too.
On the record:   who asked, what, when and what came of it stands in the journal.
Permitted:       only the roles named may ask; the command itself looks at the actor's relation to the object.

A refusal rolls everything back and is then recorded in a transaction of its own, so that its key stays refused.
A deadlock or serialization failure is tried again, three times at most.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from math import isfinite
from time import perf_counter
from typing import Any, ParamSpec, TypeVar, cast
from uuid import UUID, uuid4

import rfc8785
from django.db import OperationalError, connection, transaction
from pydantic_core import to_jsonable_python

from luhai.kernel.origin import NOBODY, Origin, Role
from luhai.kernel.refusal import KeyReused, NotPermitted, Refusal

from .context import acting
from .models import Entry
from .observe import COMMAND_SECONDS, COMMANDS

P = ParamSpec("P")
R = TypeVar("R")

#: What every call may meet: the lock of the other side of a deadlock, or a newer row.
_TRANSIENT = {"40P01", "40001"}
_TRIES = 4


@dataclass(slots=True)
class _Running:
    """The events that a running command has recorded so far."""

    origin: Origin
    events: list[dict[str, Any]] = field(default_factory=list)


_running: ContextVar[_Running | None] = ContextVar("luhai_running", default=None)

#: Every command by its name, with the roles that may ask. The permission matrix is tested from this.
COMMANDS_BY_NAME: dict[str, tuple[Callable[..., Any], frozenset[Role]]] = {}


class RefusedBefore(Refusal):
    """What the journal answers for a key that was refused before: the first refusal, word for word."""

    def __init__(self, code: str, status: int, message: str, facts: dict[str, object]) -> None:
        super().__init__(**facts)
        self.code, self.status, self.message = code, status, message  # type: ignore[misc]


def record(
    kind: str,
    subject: UUID | str,
    *,
    measures: Iterable[str] = (),
    rules: Iterable[str] = (),
    **data: object,
) -> None:
    """Add an event to the journal entry of the running command.

    `kind` is "<subject>.<what happened>"; `subject` the record it happened to; `measures` the measures of the
    policy and `rules` the rule versions (key@valid_from, product@version) on which the decision rests.
    """
    running = _running.get()
    assert running is not None, f"{kind} recorded outside a command"
    running.events.append(
        {"kind": kind, "subject": str(subject), "measures": sorted(set(measures)), "rules": sorted(set(rules))}
        | {"data": to_jsonable_python(data)}
    )


def command(*, may: Iterable[Role]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function a command that the roles `may` may ask for. SYSTEM always may."""
    permitted = frozenset(may) | {Role.SYSTEM}

    def decorate(run: Callable[P, R]) -> Callable[P, R]:
        name = _name(run)

        @wraps(run)
        def perform(*args: P.args, **arguments: P.kwargs) -> R:
            assert not args, "commands take keyword arguments only"
            origin = cast(Origin, arguments["origin"])
            asked = _digest(name, {k: v for k, v in arguments.items() if k != "origin"})
            started = perf_counter()
            try:
                answer = _perform(name, permitted, origin, asked, lambda: run(*args, **arguments))
            except Refusal as refusal:
                COMMANDS.labels(name, "refused", refusal.code).inc()
                raise
            COMMANDS.labels(name, "done", "").inc()
            COMMAND_SECONDS.labels(name).observe(perf_counter() - started)
            return cast(R, answer)

        assert name not in COMMANDS_BY_NAME, name
        COMMANDS_BY_NAME[name] = (perform, permitted)
        return perform

    return decorate


def _perform(
    name: str, permitted: frozenset[Role], origin: Origin, asked: str, run: Callable[[], Any]
) -> Any:
    if origin.actor.person_id == NOBODY:  # nobody's key is nobody's: visitors share it, so there is nothing to answer again
        raise NotPermitted(command=name, role=str(origin.actor.role))
    outer = _running.get()
    if outer is not None:  # a command called by a command: one transaction, and the outer one's fate
        assert outer.origin.actor == origin.actor, "a command acts for whoever asked the outer one"
        assert outer.origin.key != origin.key, "a command calls another with origin.child(...)"
        with transaction.atomic():  # refused and caught by the outer, it leaves nothing behind
            return _once(name, permitted, origin, asked, run)
    for attempt in range(_TRIES):
        try:
            with transaction.atomic(durable=True), acting(origin.actor):
                return _once(name, permitted, origin, asked, run)
        except RefusedBefore:
            raise
        except Refusal as refusal:
            return _record_refusal(name, origin, asked, refusal)
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) not in _TRANSIENT or attempt == _TRIES - 1:
                raise
    raise AssertionError("unreachable")


def _once(name: str, permitted: frozenset[Role], origin: Origin, asked: str, run: Callable[[], Any]) -> Any:
    with connection.cursor() as cursor:  # a second caller with the same key waits here for the first
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))", [f"{origin.actor.person_id}{origin.key}"]
        )
    first = Entry.objects.filter(actor_id=origin.actor.person_id, key=origin.key).first()
    if first is not None:
        return _answer_again(first, name, asked)
    if origin.actor.role not in permitted:
        raise NotPermitted(command=name, role=str(origin.actor.role))
    running = _Running(origin)
    token = _running.set(running)
    try:
        result = run()
    finally:
        _running.reset(token)
    _write(name, origin, asked, outcome=Entry.DONE, result=_pack(result), events=running.events)
    return result


def _record_refusal(name: str, origin: Origin, asked: str, refusal: Refusal) -> Any:
    """Write the refusal down and raise it; or, if the key was answered meanwhile, answer as the first did."""
    if isinstance(refusal, KeyReused):
        raise refusal
    with transaction.atomic(durable=True), acting(origin.actor):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))",
                [f"{origin.actor.person_id}{origin.key}"],
            )
        first = Entry.objects.filter(actor_id=origin.actor.person_id, key=origin.key).first()
        if first is None:
            _write(
                name,
                origin,
                asked,
                outcome=Entry.REFUSED,
                code=refusal.code,
                facts={
                    "status": refusal.status,
                    "message": refusal.message,
                    "facts": _storable(to_jsonable_python(refusal.facts)),
                },
            )
    if first is not None:
        return _answer_again(first, name, asked)
    raise refusal


def _answer_again(first: Entry, name: str, asked: str) -> Any:
    if (first.command, first.arguments_digest) != (name, asked):
        raise KeyReused(key=str(first.key))
    if first.outcome == Entry.REFUSED:
        stored = first.facts
        raise RefusedBefore(first.code, stored["status"], stored["message"], stored["facts"])
    return _unpack(first.result)


def _write(name: str, origin: Origin, asked: str, **rest: Any) -> None:
    actor = origin.actor
    Entry.objects.create(
        id=uuid4(),
        actor_id=actor.person_id,
        role=str(actor.role),
        party_id=actor.party_id,
        territory=actor.territory,
        key=origin.key,
        command=name,
        arguments_digest=asked,
        at=origin.at,
        **rest,
    )


def _name(run: Callable[..., Any]) -> str:
    """luhai.market.matching.commands.publish_demand -> matching.publish_demand."""
    return f"{run.__module__.split('.')[-2]}.{run.__name__}"


def _digest(name: str, arguments: dict[str, Any]) -> str:
    content = rfc8785.dumps(_canonical(to_jsonable_python({"command": name} | arguments)))
    return hashlib.sha256(content).hexdigest()


def _canonical(value: Any) -> Any:
    """Write what RFC 8785 cannot carry as strings, so that any argument has a digest."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {_canonical(k): _canonical(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_canonical(v) for v in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
        return str(value)
    return value


def _storable(value: Any) -> Any:
    """Facts may repeat what a caller sent; what jsonb cannot hold is replaced."""
    if isinstance(value, dict):
        return {_storable(k): _storable(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_storable(v) for v in value]
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    return value


def _pack(result: Any) -> Any:
    return {"uuid": str(result)} if isinstance(result, UUID) else {"value": to_jsonable_python(result)}


def _unpack(stored: Any) -> Any:
    return UUID(stored["uuid"]) if "uuid" in stored else stored["value"]
