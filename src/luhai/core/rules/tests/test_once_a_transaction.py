"""What everybody may see is asked once a transaction: changed, locked or rolled back, it is asked again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction

from conftest import NOON
from luhai.core.parties import queries as parties
from luhai.core.parties.models import Identifier, Party
from luhai.core.rules import queries as rules
from luhai.kernel.origin import PUBLIC, SYSTEM, Actor, Role
from luhai.kernel.refusal import Absent
from luhai.shell.context import acting
from luhai.shell.query import PUBLIC_TABLES

BANKER = Actor(UUID(int=7), Role.BANK, UUID(int=70), "500000")


@contextmanager
def statements() -> Iterator[list[str]]:
    seen: list[str] = []

    def note(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        seen.append(str(sql))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield seen



@pytest.fixture
def somebody(fresh_db: str) -> UUID:
    with acting(SYSTEM):
        party = Party.objects.create(
            id=uuid4(), kind="company", sort="company", name_zh="甲公司", name_en="A", country="CN", territory="500000", invented=True,
            registered_at=NOON,
        )  # fmt: skip
        Identifier.objects.create(party=party, scheme="lei", value="5493001KJTIIGC8Y1R12")
    return party.pk


def asked(party: UUID, viewer: Actor = BANKER) -> tuple[str, int]:
    """The name that is answered, and how many statements that took."""
    with statements() as seen:
        view = parties.party(party_id=party, viewer=viewer)
    assert view.identifiers == {"lei": "5493001KJTIIGC8Y1R12"}
    return view.name_zh, len([sql for sql in seen if "parties_party" in sql])


def renamed(party: UUID, name: str) -> None:
    Party.objects.filter(pk=party).update(name_zh=name)


def test_what_everybody_may_see_is_asked_once_a_transaction(somebody: UUID) -> None:
    for _ in range(2):
        with acting(BANKER):
            assert [asked(somebody), asked(somebody), asked(somebody, SYSTEM)] == [("甲公司", 1), ("甲公司", 0), ("甲公司", 0)]
    assert [asked(somebody), asked(somebody)] == [("甲公司", 1)] * 2, "each a transaction"
    with acting(BANKER):
        asked(somebody)
        with pytest.raises(Absent):
            parties.party(party_id=uuid4(), viewer=BANKER)
        assert asked(somebody) == ("甲公司", 0), "to look for another is not to change"


def test_a_change_and_its_rollback_are_seen_at_once(somebody: UUID) -> None:
    with acting(SYSTEM):
        asked(somebody)
        renamed(somebody, "乙公司")
        assert asked(somebody) == ("乙公司", 1)
        with suppress(Absent), transaction.atomic():
            renamed(somebody, "丙公司")
            assert asked(somebody) == ("丙公司", 1)
            raise Absent(kind="anything")
        assert asked(somebody) == ("乙公司", 1)
        Party.objects.select_for_update().get(pk=somebody)
        assert asked(somebody) == ("乙公司", 1), "who waits for a lock sees what came meanwhile"
        with connection.cursor() as cursor:
            cursor.execute("\n  WITH a AS (UPDATE parties_party SET name_zh = '丁公司' RETURNING id) SELECT count(*) FROM a")
        assert asked(somebody) == ("丁公司", 1)


def test_an_absence_is_not_remembered(fresh_db: str) -> None:
    party = uuid4()
    with acting(SYSTEM):
        with pytest.raises(Absent):
            parties.party(party_id=party, viewer=SYSTEM)
        Party.objects.create(
            id=party, kind="company", sort="company", name_zh="甲公司", name_en="A", country="CN", invented=True, registered_at=NOON
        )
        assert parties.party(party_id=party, viewer=SYSTEM).name_zh == "甲公司"


def test_parameters_are_asked_once_a_transaction(fresh_db: str) -> None:
    with statements() as seen, acting(BANKER):
        assert rules.parameters(viewer=BANKER) is rules.parameters(viewer=PUBLIC)
    assert len([sql for sql in seen if "rules_override" in sql]) == 1


def test_tables_that_are_said_to_be_public_have_no_walls(fresh_db: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname, relrowsecurity FROM pg_class WHERE relname = ANY (%s)", [sorted(PUBLIC_TABLES)])
        found = dict(cursor.fetchall())
    assert {"parties_party", "parties_identifier", "rules_override"} <= PUBLIC_TABLES
    assert found == dict.fromkeys(PUBLIC_TABLES, False)
