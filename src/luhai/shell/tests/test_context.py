"""Who the database thinks is acting: always whoever is, told as seldom as can be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import UUID, uuid4

from django.db import connection, transaction

from conftest import NOON
from luhai.kernel.origin import PUBLIC, SYSTEM, Actor, Origin, Role
from luhai.kernel.refusal import Absent
from luhai.shell.command import command
from luhai.shell.context import acting, as_system
from luhai.shell.models import Entry

BANKER = Actor(UUID(int=7), Role.BANK, UUID(int=70), "500000")
SELLER = Actor(UUID(int=8), Role.COMPANY, UUID(int=80))


@command(may=[Role.BANK, Role.COMPANY])
def leave_a_trace(*, origin: Origin) -> str:
    return str(origin.actor.role)


def role() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT luhai_role(), luhai_person()")
        said, person = cursor.fetchone()
    assert (person is None) == (said == "public"), (said, person)
    return str(said)


@contextmanager
def statements() -> Iterator[list[str]]:
    seen: list[str] = []

    def note(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        seen.append(str(sql))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield seen


@contextmanager
def told() -> Iterator[list[str]]:
    with statements() as seen:
        yield (found := [])
    found += [sql for sql in seen if "set_config" in sql]


def test_each_statement_is_its_actors(fresh_db: str) -> None:
    with acting(BANKER):
        assert role() == "bank_officer"
        with acting(SELLER):
            assert role() == "company_member"
            with as_system():
                assert role() == "system"
            with acting(PUBLIC):
                assert role() == "public"
            assert role() == "company_member"
        assert role() == "bank_officer"
    assert role() == "public", "nobody, outside"


def test_whoever_says_nothing_is_not_told(fresh_db: str) -> None:
    with told() as found, acting(BANKER):
        for _ in range(3):
            with as_system():
                pass
    assert len(found) == 0
    with told() as found, acting(BANKER):
        for _ in range(3):
            with as_system():
                role()
        role()
    assert len(found) == 2, "the system once for its three looks, then the banker"


def test_a_part_of_a_transaction_is_no_savepoint(fresh_db: str) -> None:
    with statements() as seen, acting(BANKER), as_system():
        role()
    assert not [sql for sql in seen if "SAVEPOINT" in sql]


def test_after_a_refusal_that_was_caught(fresh_db: str) -> None:
    with acting(BANKER):
        with suppress(Absent), as_system():
            role()
            raise Absent(kind="anything")
        assert role() == "bank_officer"


def test_after_a_rollback_to_a_savepoint(fresh_db: str) -> None:
    with acting(BANKER):
        role()
        with suppress(Absent), transaction.atomic():
            with as_system():
                role()
            raise Absent(kind="anything")
        with as_system():  # the settings are the banker's again; who believes that the system was told sees too little
            assert role() == "system"
        with suppress(Absent), as_system(), transaction.atomic():
            role()
            raise Absent(kind="anything")
        assert role() == "bank_officer"


def test_a_new_transaction_is_told_anew(fresh_db: str) -> None:
    for _ in range(2):
        with acting(BANKER):
            assert role() == "bank_officer"


def test_many_rows_at_once_and_copies_of_them_are_the_actors(fresh_db: str) -> None:
    with acting(BANKER), connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE seen (role text)")
        with as_system():
            cursor.executemany("INSERT INTO seen SELECT %s || luhai_role()", [["a "], ["b "]])
        cursor.execute("SELECT role FROM seen ORDER BY role")
        assert cursor.fetchall() == [("a system",), ("b system",)]


def test_rows_still_to_be_fetched_are_not_seen_as_the_system(fresh_db: str) -> None:
    for _ in range(6):
        for actor in (BANKER, SELLER):
            leave_a_trace(origin=Origin(actor, uuid4(), NOON))
    with acting(BANKER):
        rows = Entry.objects.iterator(chunk_size=1)  # no order: sorting would fetch all at once
        mine = [next(rows).role]
        with as_system():
            assert Entry.objects.count() == 12
        mine += [row.role for row in rows]
    assert mine == ["bank_officer"] * 6
    with acting(BANKER):
        rows = Entry.objects.iterator(chunk_size=1)
        next(rows)
        with suppress(Absent), as_system():
            Entry.objects.count()
            raise Absent(kind="anything")
        assert {row.role for row in rows} == {"bank_officer"}


def test_after_the_commit_nobody_acts(fresh_db: str) -> None:
    seen: list[str] = []
    with acting(SYSTEM):
        role()
        transaction.on_commit(lambda: seen.append(role()))
    assert seen == ["public"]


def test_what_follows_in_a_longer_transaction_is_not_the_systems(fresh_db: str) -> None:
    with transaction.atomic():
        with acting(BANKER), as_system():
            role()
        assert role() == "bank_officer"
