"""What the application role may do to the ledger: read and call, nothing else. Tried, not only looked up."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from django.db import ProgrammingError, connection, transaction

from conftest import NOON
from luhai.core.ledger import queries
from luhai.core.ledger.commands import open_accounts, post
from luhai.core.ledger.policy import Account
from luhai.core.ledger.tests.world import book, opened
from luhai.kernel.origin import PUBLIC, Actor, Role
from luhai.kernel.refusal import Absent, NotPermitted
from luhai.shell.context import acting

pytestmark = pytest.mark.django_db
TABLES = ["ledger_account", "ledger_transfer", "ledger_hold"]


def test_the_application_role_has_no_right_but_select() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("luhai_app",)
        for table in TABLES:
            cursor.execute(
                "SELECT array_agg(DISTINCT p) FROM unnest(%s::text[]) p"
                " WHERE has_table_privilege(%s, p) OR p NOT IN ('DELETE', 'TRUNCATE', 'TRIGGER')"
                " AND has_any_column_privilege(%s, p)",
                [["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"], table, table],
            )
            assert cursor.fetchone() == (["SELECT"],), table
        cursor.execute(
            "SELECT proname FROM pg_proc WHERE proname LIKE 'ledger%%'"
            " AND has_function_privilege('luhai_app', oid, 'EXECUTE') ORDER BY 1"
        )
        assert [row[0] for row in cursor.fetchall()] == [
            "ledger_expire",
            "ledger_mark",
            "ledger_open",
            "ledger_post",
            "ledger_post_one",
        ]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO ledger_account (id, opened_at, unit, kind, bound) VALUES (gen_random_uuid(), now(), 'CNY', 'x', 'none')",
        "UPDATE ledger_account SET credits_posted = 1",
        "UPDATE ledger_account SET bound = 'none'",
        "DELETE FROM ledger_transfer",
        "UPDATE ledger_transfer SET amount = 0",
        "DELETE FROM ledger_hold",
        "TRUNCATE ledger_account",
        "SELECT nextval('ledger_seq')",
        "SELECT setval('ledger_seq', 1)",
        "ALTER TABLE ledger_account DISABLE ROW LEVEL SECURITY",
        "DROP FUNCTION ledger_post",
        "CREATE OR REPLACE FUNCTION ledger_mark(p_id uuid, p_state text) RETURNS text LANGUAGE sql AS 'SELECT NULL'",
        "CREATE TRIGGER t BEFORE INSERT ON ledger_transfer FOR EACH ROW EXECUTE FUNCTION journal_assign()",
        "SET ROLE luhai_owner",
        "SELECT * FROM ledger_post_in_turn(now(), '{}', '{}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
    ],
)
def test_every_other_way_is_barred(statement: str) -> None:
    with pytest.raises(ProgrammingError) as barred, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert barred.value.__cause__ is not None
    assert barred.value.__cause__.sqlstate in {"42501", "42710", "42704"}  # type: ignore[attr-defined]


def test_a_table_of_the_same_name_elsewhere_does_not_lead_the_functions_astray() -> None:
    """A caller's search_path or temporary table must not stand in for the ledger's own."""
    a, b = opened(), opened()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL search_path = pg_temp, public")
    assert post([book(uuid4(), a, b, 5)], at=NOON)[0].refused is None
    assert queries.balances(account_ids=[a], viewer=Actor(uuid4(), Role.OPERATOR))[a].debits_posted == 5


def test_the_bound_is_also_a_check(cluster: object, fresh_db: str) -> None:
    """Even the superuser, past every function, cannot write a balance beyond its bound."""
    with psycopg.connect(cluster.conninfo(database=fresh_db), autocommit=True) as admin:  # type: ignore[attr-defined]
        admin.execute(
            "INSERT INTO ledger_account (id, debits_posted, debits_pending, credits_posted, credits_pending, opened_at,"
            " unit, kind, bound, state) VALUES (%s, 0, 0, 10, 0, now(), 'CNY', 'x', 'debits', 'open')",
            [uuid4()],
        )
        with pytest.raises(psycopg.errors.CheckViolation):
            admin.execute("UPDATE ledger_account SET debits_posted = 6, debits_pending = 5")


def test_an_account_is_seen_by_its_owner_and_by_who_oversees() -> None:
    mine, other = uuid4(), uuid4()
    accounts = [Account(id=uuid4(), unit="CNY", kind="test", owner_id=owner) for owner in (mine, other)]
    open_accounts(accounts, at=NOON)
    a, b = (x.id for x in accounts)
    world = opened()
    post([book(uuid4(), world, a, 5), book(uuid4(), world, b, 7)], at=NOON)
    me = Actor(uuid4(), Role.COMPANY, mine)
    assert [v.id for v in queries.accounts(viewer=me).items] == [a]
    assert set(queries.balances(account_ids=[a, b, world], viewer=me)) == {a}
    assert [e.credit for e in queries.statement(account_id=a, viewer=me).entries] == [5]
    for hidden in (b, world):
        with pytest.raises(Absent):
            queries.statement(account_id=hidden, viewer=me)
    with acting(me), connection.cursor() as cursor:  # and so says the database, asked past Python
        cursor.execute("SELECT count(*) FROM ledger_transfer")
        assert cursor.fetchone() == (1,)
    for role in (Role.OPERATOR, Role.SUPERVISOR):
        assert set(queries.balances(account_ids=[a, b], viewer=Actor(uuid4(), role, uuid4()))) == {a, b}
    with pytest.raises(NotPermitted):
        queries.balances(account_ids=[a], viewer=PUBLIC)


def test_a_balance_of_the_past_is_counted_up_to_its_moment() -> None:
    world, a = opened(), opened(bound="debits")
    for minute in range(4):
        post([book(uuid4(), world, a, 10)], at=NOON + timedelta(minutes=minute))
    operator = Actor(uuid4(), Role.OPERATOR)
    seen = [
        queries.balance_at(account_id=a, moment=NOON + timedelta(minutes=m), viewer=operator).available
        for m in (-1, 0, 2, 9)
    ]
    assert seen == [0, 10, 30, 40]
    page = queries.statement(account_id=a, limit=3, viewer=operator)
    rest = queries.statement(account_id=a, cursor=page.next, limit=3, viewer=operator)
    assert [e.balance for e in page.entries + rest.entries] == [10, 20, 30, 40]
    assert (rest.opening, rest.next) == (30, "")
