"""The promises of @command, on commands made for the purpose."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import timedelta
from threading import Barrier, Thread
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from conftest import NOON
from luhai.kernel.origin import NOBODY, Actor, Origin, Role
from luhai.kernel.refusal import KeyReused, NotPermitted, Refusal
from luhai.shell.command import command, record
from luhai.shell.models import Entry

BANKER = Actor(UUID(int=7), Role.BANK, UUID(int=70))
SELLER = Actor(UUID(int=8), Role.COMPANY, UUID(int=80))


class TooMuch(Refusal):
    code = "test.too_much"


calls: Counter[str] = Counter()


@command(may=[Role.BANK])
def probe(*, amount: int, origin: Origin) -> UUID:
    calls["probe"] += 1
    record("test.probed", origin.key, measures=["M12-01"], amount=amount)
    if amount > 10:
        raise TooMuch(amount=amount)
    return UUID(int=amount)


@command(may=[Role.BANK])
def outer(*, amount: int, origin: Origin) -> UUID:
    first = probe(amount=1, origin=origin.child("first"))
    probe(amount=amount, origin=origin.child("second"))
    return first


def origin(key: UUID | None = None, actor: Actor = BANKER) -> Origin:
    return Origin(actor, key or uuid4(), NOON)


@pytest.mark.django_db
def test_the_same_key_is_answered_again_without_running() -> None:
    asked, before = origin(), calls["probe"]
    assert probe(amount=3, origin=asked) == UUID(int=3)
    assert probe(amount=3, origin=Origin(BANKER, asked.key, NOON + timedelta(hours=1))) == UUID(int=3)
    assert calls["probe"] == before + 1
    with pytest.raises(KeyReused):
        probe(amount=4, origin=asked)


@pytest.mark.django_db
def test_a_refusal_is_recorded_and_stays_refused() -> None:
    asked = origin()
    with pytest.raises(TooMuch) as first:
        probe(amount=11, origin=asked)
    before = calls["probe"]
    with pytest.raises(Refusal) as second:
        probe(amount=11, origin=asked)
    assert calls["probe"] == before, "the journal answers, not the command"
    assert (second.value.code, second.value.status, second.value.facts) == (
        first.value.code, first.value.status, first.value.facts,
    )  # fmt: skip
    from luhai.shell.context import acting

    with acting(BANKER):
        entry = Entry.objects.get(key=asked.key)
    assert (entry.outcome, entry.code, entry.events) == ("refused", "test.too_much", [])


@pytest.mark.django_db
@pytest.mark.parametrize("role", [r for r in Role if r not in {Role.BANK, Role.SYSTEM}])
def test_other_roles_are_refused(role: Role) -> None:
    with pytest.raises(NotPermitted):
        probe(amount=1, origin=origin(actor=Actor(UUID(int=9), role)))


@pytest.mark.django_db
def test_a_command_within_a_command_shares_its_fate() -> None:
    from luhai.shell.context import acting

    asked = origin()
    with pytest.raises(TooMuch):
        outer(amount=11, origin=asked)
    with acting(BANKER):
        assert Entry.objects.filter(outcome="done").count() == 0
    assert outer(amount=2, origin=origin()) == UUID(int=1)
    with acting(BANKER):
        assert Counter(Entry.objects.filter(outcome="done").values_list("command", flat=True)) == {
            "tests.probe": 2, "tests.outer": 1,
        }  # fmt: skip


@command(may=[Role.BANK])
def forgiving(*, origin: Origin) -> UUID:
    first = probe(amount=1, origin=origin.child("first"))
    with pytest.raises(TooMuch):
        outer(amount=12, origin=origin.child("refused"))  # two commands deep
    assert probe(amount=1, origin=origin.child("first")) == first, "answered again, before it is written"
    with pytest.raises(KeyReused):
        probe(amount=2, origin=origin.child("first"))
    return probe(amount=3, origin=origin.child("last"))


def test_what_was_refused_and_caught_leaves_nothing_and_the_outer_comes_last(fresh_db: str) -> None:
    from luhai.shell.context import acting

    before = calls["probe"]
    assert forgiving(origin=origin()) == UUID(int=3)
    assert calls["probe"] == before + 4
    with acting(BANKER):
        written = list(Entry.objects.order_by("seq").values_list("command", "outcome", "result"))
    assert written == [
        ("tests.probe", "done", {"uuid": str(UUID(int=1))}), ("tests.probe", "done", {"uuid": str(UUID(int=3))}),
        ("tests.forgiving", "done", {"uuid": str(UUID(int=3))}),
    ]  # fmt: skip


@pytest.mark.django_db
def test_the_public_may_not_read_others_entries() -> None:
    from luhai.shell.context import acting

    probe(amount=1, origin=origin())
    for actor in (SELLER, Actor(NOBODY, Role.PUBLIC)):
        with acting(actor):
            assert Entry.objects.count() == 0


def test_one_key_from_eight_threads_runs_once(fresh_db: str) -> None:
    key, gate, answers = uuid4(), Barrier(8), Counter[str]()
    before = calls["probe"]

    def run() -> None:
        gate.wait()
        try:
            answers[str(probe(amount=5, origin=origin(key)))] += 1
        finally:
            connection.close()

    threads = [Thread(target=run) for _ in range(8)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert answers == {str(UUID(int=5)): 8}
    assert calls["probe"] == before + 1


tries = Counter[str]()


@command(may=[Role.BANK])
def deadlocked(*, times: int, origin: Origin) -> int:
    tries[str(origin.key)] += 1
    if tries[str(origin.key)] <= times:
        with connection.cursor() as cursor:
            cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '40P01'; END $$")
    return tries[str(origin.key)]


def test_a_deadlock_is_tried_again_three_times_at_most(fresh_db: str) -> None:
    assert deadlocked(times=3, origin=origin()) == 4
    with pytest.raises(OperationalError):
        deadlocked(times=4, origin=origin())


@command(may=[Role.BANK])
def late(*, times: int, origin: Origin) -> int:
    """Somebody was quicker, in the instant between looking and holding the key."""
    tries[str(origin.key)] += 1
    if tries[str(origin.key)] <= times:
        with connection.cursor() as cursor:
            cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'there' USING ERRCODE = '23505', CONSTRAINT = 'a_key_is_answered_once'; END $$")
    return tries[str(origin.key)]


def test_what_is_there_already_makes_the_journal_be_asked_again(fresh_db: str) -> None:
    assert late(times=1, origin=origin()) == 2
    with pytest.raises(IntegrityError):
        late(times=2, origin=origin())


class Undone(Exception):
    """Taken back."""


@command(may=[Role.BANK])
def tried(*, again: bool, origin: Origin) -> UUID:
    """Do something in a savepoint of its own, take it back, and, if so asked, do it for good."""
    asked = origin.child("tried")
    with suppress(Undone), transaction.atomic():
        probe(amount=5, origin=asked)
        raise Undone
    return probe(amount=5, origin=asked) if again else UUID(int=0)


@pytest.mark.django_db
def test_what_an_outer_command_takes_back_was_never_done() -> None:
    asked = origin()
    tried(again=False, origin=asked)
    assert [e.key for e in Entry.objects.filter(actor_id=BANKER.person_id, key__in=[asked.key, asked.child("tried").key])] == [asked.key]


@pytest.mark.django_db
def test_what_was_taken_back_is_done_when_it_is_asked_again() -> None:
    asked, before = origin(), calls["probe"]
    assert tried(again=True, origin=asked) == UUID(int=5)
    assert calls["probe"] == before + 2
    assert Entry.objects.filter(key=asked.child("tried").key, outcome=Entry.DONE).count() == 1


@command(may=[Role.BANK])
def breaks_its_own(*, origin: Origin) -> None:
    calls["breaks"] += 1
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO journal_batch (number, first, last, root, chain, sealed_at, signature, public_key) VALUES (NULL, 1, 1, '', '', now(), '', '')")


@pytest.mark.django_db(transaction=True)
def test_a_broken_constraint_of_the_command_runs_it_once() -> None:
    calls["breaks"] = 0
    with pytest.raises(IntegrityError):
        breaks_its_own(origin=origin())
    assert calls["breaks"] == 1
