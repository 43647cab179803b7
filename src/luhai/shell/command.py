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
import json
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from math import isfinite
from time import perf_counter
from typing import Any, NamedTuple, ParamSpec, TypeVar, cast
from uuid import UUID, uuid4

import rfc8785
from django.db import IntegrityError, OperationalError, connection, transaction
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

#: One statement both looks and holds the key. If the first was answered between the two, the key of the journal refuses the second's entry.
_SAID = (
    "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 7)), e.command, e.arguments_digest, e.outcome, e.code, e.facts, e.result"
    " FROM (SELECT 1) AS always LEFT JOIN journal_entry e ON e.actor_id = %s AND e.key = %s"
)
_COLUMNS = (
    "id", "actor_id", "role", "party_id", "territory", "key", "command", "arguments_digest", "outcome", "code", "facts", "result",
    "events", "at",
)  # fmt: skip
_ADD = f"INSERT INTO journal_entry ({', '.join(_COLUMNS)}) VALUES "
_VALUES = f"({', '.join({'facts': '%s::jsonb', 'result': '%s::jsonb', 'events': '%s::jsonb'}.get(c, '%s') for c in _COLUMNS)})"


class _Said(NamedTuple):
    """What the journal says of a key."""

    command: str
    arguments_digest: str
    outcome: str
    code: str
    facts: dict[str, Any]
    result: Any


#: By its key, what a command's entry says and the row that it will be.
_Waiting = dict[UUID, tuple[_Said, tuple[Any, ...]]]


@dataclass(slots=True)
class _Running:
    """The events that a running command has recorded so far, and the entries that wait for the end of its transaction."""

    origin: Origin
    #: Of the commands that it called, in the order in which they ended, by their keys. All in a transaction share them.
    waiting: _Waiting
    #: How many savepoints were open when it began.
    depth: int
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
        before, tried = len(outer.waiting), len(connection.savepoint_ids) > outer.depth
        try:
            with transaction.atomic():  # refused and caught by the outer, it leaves nothing behind
                answer = _once(name, permitted, origin, asked, run, outer.waiting)
                if tried:  # the outer may yet take back what it did in a savepoint of its own: the entries go with it
                    ended = {key: outer.waiting.pop(key) for key in list(outer.waiting)[before:]}
                    with acting(origin.actor):
                        _write(ended)
                return answer
        except BaseException:
            for key in list(outer.waiting)[before:]:
                del outer.waiting[key]
            raise
    attempt, late = 0, False
    while True:
        try:
            with acting(origin.actor, durable=True):
                waiting: _Waiting = {}
                answer = _once(name, permitted, origin, asked, run, waiting)
                _write(waiting)
                return answer
        except RefusedBefore:
            raise
        except Refusal as refusal:
            return _record_refusal(name, origin, asked, refusal)
        except IntegrityError as error:  # the first may have been answered in the instant in which the journal was asked: ask it again
            if late or not _answered_meanwhile(error):
                raise
            late = True
        except OperationalError as error:
            attempt += 1
            if getattr(error.__cause__, "sqlstate", None) not in _TRANSIENT or attempt == _TRIES:
                raise


def _answered_meanwhile(error: IntegrityError) -> bool:
    """Whether what was broken is that a key is answered once, and nothing of the command's own."""
    diagnosis = getattr(error.__cause__, "diag", None)
    return getattr(diagnosis, "constraint_name", None) == "a_key_is_answered_once"


def _once(
    name: str, permitted: frozenset[Role], origin: Origin, asked: str, run: Callable[[], Any],
    waiting: _Waiting,
) -> Any:  # fmt: skip
    first = waiting[origin.key][0] if origin.key in waiting else _said(origin)
    if first is not None:
        return _answer_again(first, origin.key, name, asked)
    if origin.actor.role not in permitted:
        raise NotPermitted(command=name, role=str(origin.actor.role))
    running = _Running(origin, waiting, len(connection.savepoint_ids))
    token = _running.set(running)
    try:
        result = run()
    finally:
        _running.reset(token)
    said = _Said(name, asked, Entry.DONE, "", {}, _pack(result))
    assert origin.key not in waiting, "a command calls another with origin.child(...)"
    waiting[origin.key] = said, _row(origin, said, running.events)
    return result


def _said(origin: Origin) -> _Said | None:
    """What was answered to this key. From now on, until the transaction ends, a second caller with it waits."""
    person, key = origin.actor.person_id, origin.key
    with connection.cursor() as cursor:
        for _ in range(2):
            cursor.execute(_SAID, [f"{person}{key}", person, key])
            free, *said = cursor.fetchone()
            if free:
                break
            # Somebody is asking the same. Wait for them, and look again, since a statement sees what was there when it began.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))", [f"{person}{key}"])
    if said[0] is None:
        return None
    command_, digest, outcome, code, facts, result = said
    return _Said(command_, digest, outcome, code, _loaded(facts), _loaded(result))


def _loaded(stored: Any) -> Any:
    return json.loads(stored) if isinstance(stored, str) else stored


def _record_refusal(name: str, origin: Origin, asked: str, refusal: Refusal) -> Any:
    """Write the refusal down and raise it; or, if the key was answered meanwhile, answer as the first did."""
    if isinstance(refusal, KeyReused):
        raise refusal
    facts = {
        "status": refusal.status,
        "message": refusal.message,
        "facts": _storable(to_jsonable_python(refusal.facts)),
    }
    for late in (False, True):
        try:
            with acting(origin.actor, durable=True):
                first = _said(origin)
                if first is None:
                    said = _Said(name, asked, Entry.REFUSED, refusal.code, facts, None)
                    _write({origin.key: (said, _row(origin, said, []))})
            break
        except IntegrityError as error:  # as above
            if late or not _answered_meanwhile(error):
                raise
    if first is not None:
        return _answer_again(first, origin.key, name, asked)
    raise refusal


def _answer_again(first: _Said, key: UUID, name: str, asked: str) -> Any:
    if (first.command, first.arguments_digest) != (name, asked):
        raise KeyReused(key=str(key))
    if first.outcome == Entry.REFUSED:
        stored = first.facts
        raise RefusedBefore(first.code, stored["status"], stored["message"], stored["facts"])
    return _unpack(first.result)


def _row(origin: Origin, said: _Said, events: list[dict[str, Any]]) -> tuple[Any, ...]:
    actor = origin.actor
    return (
        uuid4(), actor.person_id, str(actor.role), actor.party_id, actor.territory, origin.key, said.command, said.arguments_digest,
        said.outcome, said.code, json.dumps(said.facts), None if said.result is None else json.dumps(said.result), json.dumps(events),
        origin.at,
    )  # fmt: skip


def _write(waiting: _Waiting) -> None:
    """The entries of a transaction, its last statement; an inner command before the one that called it.

    As the actor: whatever the database puts off until the commit is then done in the actor's sight.
    """
    rows = [row for _, row in waiting.values()]
    with connection.cursor() as cursor:
        for some in (rows[n : n + 1_000] for n in range(0, len(rows), 1_000)):
            cursor.execute(_ADD + ", ".join([_VALUES] * len(some)), [value for row in some for value in row])


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
