"""The walls in the database: who sees an escrow, and what the application's role cannot do to it even if our code wanted to."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from psycopg import ClientCursor

from luhai.core.escrow import queries
from luhai.core.escrow.models import (
    Agreement,
    Confirmation,
    Deposit,
    Escrow,
    Event,
    Leg,
    Outcome,
    Showing,
)
from luhai.core.escrow.tests.world import NOON, Sale, by, colleague, company, id_of, official
from luhai.core.ledger import queries as ledger
from luhai.kernel.origin import PUBLIC, SYSTEM, Actor, Role
from luhai.kernel.refusal import Absent, Invalid
from luhai.shell.context import acting

pytestmark = pytest.mark.django_db
TABLES = (Escrow, Leg, Agreement, Deposit, Showing, Confirmation, Outcome, Event)


@pytest.fixture
def sale() -> Sale:
    from luhai.core.escrow import commands

    sale = Sale().meet()
    commands.execute(escrow_id=sale.id, origin=by(sale.buyer))
    connection.check_constraints()
    return sale


def visible(viewer: Actor) -> list[int]:
    with acting(viewer):
        return [table.objects.count() for table in TABLES]


def test_only_parties_and_those_who_oversee_see_it(sale: Sale) -> None:
    everything = visible(SYSTEM)
    assert everything == [1, 1, 2, 1, 0, 1, 1, 7]
    for viewer in (sale.buyer, sale.seller, colleague(sale.seller), official(), official(Role.SUPERVISOR)):
        assert visible(viewer) == everything
    for viewer in (sale.carrier, company(), official(Role.PROVINCE), PUBLIC):
        assert visible(viewer) == [0] * len(TABLES), viewer
    with pytest.raises(Absent):
        queries.escrow(escrow_id=sale.id, viewer=sale.carrier)
    with pytest.raises(Absent):
        queries.history(escrow_id=sale.id, viewer=sale.carrier)
    held = queries.escrow(escrow_id=sale.id, viewer=sale.seller).value[0].account
    assert queries.holding(account_id=held, viewer=sale.carrier) is None
    assert list(ledger.balances(account_ids=[held], viewer=sale.buyer)) == [held]  # the payer's
    assert list(ledger.balances(account_ids=[held], viewer=sale.seller)) == []


WRITES = [
    *[f"DELETE FROM {t._meta.db_table}" for t in TABLES],
    *[f"TRUNCATE {t._meta.db_table} CASCADE" for t in TABLES],
    "UPDATE escrow_escrow SET terms = '{}'", "UPDATE escrow_escrow SET digest = ''", "UPDATE escrow_escrow SET parties = '{}'",
    "UPDATE escrow_escrow SET expires_at = now()", "UPDATE escrow_escrow SET arbiter = NULL",
    "UPDATE escrow_leg SET source = account", "UPDATE escrow_agreement SET digest = ''", "UPDATE escrow_deposit SET at = now()",
    "UPDATE escrow_showing SET version = 2", "UPDATE escrow_confirmation SET condition = 'x'",
    "UPDATE escrow_outcome SET state = 'RETURNED'", "UPDATE escrow_event SET act = 'agree'",
    "SELECT escrow_check_end(id) FROM escrow_escrow",
]  # fmt: skip


@pytest.mark.parametrize("sql", WRITES)
def test_what_the_application_may_not_do(sale: Sale, sql: str) -> None:
    with pytest.raises(DatabaseError, match="permission denied"):
        run(sql)


def run(sql: str, *params: Any) -> None:
    """The statement, and what the commit after it looks at."""
    with transaction.atomic(), acting(SYSTEM):
        with connection.cursor() as cursor:
            # Written out: two statements at once carry no parameters to the server.
            cursor.execute(ClientCursor(connection.connection).mogrify(sql, params) if params else sql)
        connection.check_constraints()


def breaks(sql: str, *params: Any, match: str) -> None:
    with pytest.raises(IntegrityError, match=match):
        run(sql, *params)


def test_an_end_is_final_and_comes_once(sale: Sale) -> None:
    breaks("UPDATE escrow_escrow SET state = 'MET' WHERE id = %s", sale.id, match="has ended as EXECUTED")
    breaks("UPDATE escrow_escrow SET n = n + 1 WHERE id = %s", sale.id, match="has ended as EXECUTED")
    again = "INSERT INTO escrow_outcome VALUES (%s, 'EXPIRED', 'expire', '{}', '[]', now())"
    breaks(again, sale.id, match="escrow_outcome_pkey")


def test_an_end_needs_its_outcome_and_leaves_nothing() -> None:
    sale = Sale().fill()
    end = "UPDATE escrow_escrow SET state = 'EXPIRED' WHERE id = %s"
    outcome = "INSERT INTO escrow_outcome (escrow_id, state, cause, proof, moved, at) VALUES (%s, %s, 'expire', '{}', '[]', now())"
    breaks(end, sale.id, match="its outcome says")
    breaks(outcome, sale.id, "EXPIRED", match="its outcome says")
    breaks(f"{end}; {outcome}", sale.id, sale.id, "RETURNED", match="its outcome says")
    breaks(f"{end}; {outcome}", sale.id, sale.id, "EXPIRED", match="keeps 1 legs and 1 titles")
    breaks(outcome, sale.id, "MET", match="an_outcome_is_an_end")
    breaks("UPDATE escrow_escrow SET state = 'LOST' WHERE id = %s", sale.id, match="escrow_state_known")


def test_nobody_speaks_for_another(sale: Sale) -> None:
    """Not even a party, were our code to let it: the database takes a party's own word only."""
    live = Sale()
    forged = [
        Agreement(escrow_id=live.id, party_id=id_of(live.carrier), person=uuid4(), digest="", at=NOON),
        Confirmation(escrow_id=live.id, condition="accepted", party_id=id_of(live.buyer), at=NOON),
        Showing(
            escrow_id=live.id,
            condition="c",
            evidence_id=uuid4(),
            version=1,
            party_id=id_of(live.buyer),
            at=NOON,
        ),
        Deposit(escrow_id=live.id, title_id=live.title, party_id=id_of(live.buyer), at=NOON),
        Event(
            escrow_id=live.id,
            n=99,
            act="agree",
            after="DRAFT",
            actor_party=id_of(live.buyer),
            person=uuid4(),
            at=NOON,
        ),
        Outcome(escrow_id=live.id, state="EXPIRED", cause="expire", proof={}, moved=[], at=NOON),
    ]
    for actor in (live.seller, live.carrier):
        for row in forged:
            row._state.adding = True
            with (
                pytest.raises(DatabaseError, match="row-level security"),
                transaction.atomic(),
                acting(actor),
            ):
                row.save(force_insert=True)
            if not isinstance(row, Event | Outcome):
                row.pk = None
    with transaction.atomic(), acting(live.carrier):  # who does not see it, moves nothing
        assert Escrow.objects.filter(pk=live.id).update(state="MET") == 0


def test_lists_are_paged_and_narrowed(sale: Sale) -> None:
    more = [Sale() for _ in range(3)]
    viewer = official()
    seen, cursor = [], ""
    while True:
        page = queries.escrows(cursor=cursor, limit=2, viewer=viewer)
        seen += [line.id for line in page.items]
        if not (cursor := page.next):
            break
    assert sorted(seen) == sorted([sale.id, *(m.id for m in more)])
    assert [line.id for line in queries.escrows(viewer=more[0].seller).items] == [more[0].id]
    assert [line.id for line in queries.escrows(live=False, viewer=viewer).items] == [sale.id]
    assert [line.state for line in queries.escrows(state="EXECUTED", viewer=viewer).items] == ["EXECUTED"]
    with pytest.raises(Invalid):
        queries.escrows(state="LOST", viewer=viewer)
    with pytest.raises(Invalid):
        queries.escrows(cursor="x", viewer=viewer)
