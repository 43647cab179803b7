"""What PostgreSQL keeps even if every line of Python above it were wrong. Tried with the application's role, not only looked up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from luhai.core.evidence import commands, consent_commands, queries
from luhai.core.evidence.tests import world
from luhai.core.evidence.tests.world import id_of, now, sql
from luhai.kernel.origin import PUBLIC, SYSTEM, Actor, Role
from luhai.shell.context import acting

pytestmark = pytest.mark.django_db

TABLES = ("lot", "evidence", "piece", "mention", "use", "review", "consent", "receipt")
LATER = datetime.now(UTC) + timedelta(days=9)


@pytest.fixture
def cast() -> dict[str, Any]:
    """One of everything: a contract of a seller with a buyer, delivered by a bank, read by a second and financed by a third."""
    made: dict[str, Any] = {
        "seller": world.company(), "buyer": world.company(), "source": world.bank(), "reader": world.bank(),
        "lender": world.bank(), "stranger": world.company(), "rival": world.bank(), "partner": world.bank(role=Role.PARTNER),
        "province": world.official(Role.PROVINCE), "supervisor": world.official(), "operator": world.official(Role.OPERATOR),
        "public": PUBLIC, "system": SYSTEM,
    }  # fmt: skip
    seller = made["seller"]
    document = world.contract(seller, 1000_00, buyer={"name": "买方", "uscc": world.uscc_of(made["buyer"])})
    made["paper"] = world.received(document, seller, made["source"])
    made["consent"] = world.consented(seller, made["reader"], "assessment")
    reading = consent_commands.read_evidence(
        evidence_id=made["paper"], purpose="assessment", origin=now(made["reader"])
    )
    made["receipt"] = UUID(reading["receipt_id"])
    world.consented(seller, made["lender"])
    made["use"] = world.used(made["lender"], made["paper"], 100_00)
    with pytest.raises(commands.NearDuplicate):
        world.received(world.contract(seller, 1000_00, buyer=document["buyer"]), seller, made["source"])
    made["lot"] = queries.evidence(evidence_id=made["paper"], viewer=SYSTEM).lot_id
    return made


def sqlstate(actor: Actor, statement: str, *values: Any) -> str:
    """The error that PostgreSQL answers, or how many rows it changed. Nothing of it stays."""
    try:
        with transaction.atomic(), acting(actor), connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            count = cursor.rowcount
            connection.check_constraints()
            transaction.set_rollback(True)
    except DatabaseError as error:
        return str(getattr(error.__cause__, "sqlstate", "") or getattr(error, "sqlstate", ""))
    return f"{count} rows"


FORBIDDEN = "42501"  # insufficient_privilege: of a grant, or of a row-level policy
BROKEN = "23514"  # check_violation

#: What each party sees of the world above: lots, evidence, pieces, mentions, uses, reviews, consents, receipts.
SEEN = {
    "seller":     (1, 1, 1, 1, 1, 0, 2, 1),  # both consents are its own
    "buyer":      (0, 1, 1, 1, 0, 0, 0, 1),  # the contract is about it; neither the goods nor their financing are its
    "source":     (0, 1, 1, 1, 0, 1, 0, 0),
    "reader":     (0, 1, 1, 1, 0, 0, 1, 1),
    "lender":     (0, 0, 0, 0, 1, 0, 1, 0),  # it may read, and has not
    "stranger":   (0, 0, 0, 0, 0, 0, 0, 0),
    "rival":      (0, 0, 0, 0, 0, 0, 0, 0),
    "partner":    (0, 0, 0, 0, 0, 0, 0, 0),
    "province":   (0, 0, 0, 0, 0, 0, 0, 0),
    "supervisor": (1, 1, 1, 1, 1, 1, 2, 1),
    "operator":   (1, 1, 1, 1, 1, 1, 2, 1),
    "public":     (0, 0, 0, 0, 0, 0, 0, 0),
    "system":     (1, 1, 1, 1, 1, 1, 2, 1),
}  # fmt: skip


def test_who_sees_which_rows(cast: dict[str, Any]) -> None:
    got = {who: tuple(len(sql(cast[who], f"SELECT 1 FROM evidence_{t}")) for t in TABLES) for who in SEEN}
    assert got == SEEN


def test_a_transaction_that_said_nothing_sees_nothing(cast: dict[str, Any]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        for setting in ("person", "party", "role", "territory"):
            cursor.execute(f"SELECT set_config('luhai.{setting}', '', true)")
        for table in TABLES:
            cursor.execute(f"SELECT count(*) FROM evidence_{table}")
            assert cursor.fetchone() == (0,), table


def test_every_table_of_evidence_has_its_wall() -> None:
    rows = sql(
        SYSTEM,
        "SELECT relname, relrowsecurity FROM pg_class WHERE relkind = 'r' AND relname LIKE 'evidence%'",
    )
    assert dict(rows) == {f"evidence_{t}": True for t in TABLES}


def test_the_rights_of_the_application() -> None:
    """Nothing is deleted; what was received, mentioned and read is not changed either."""
    assert sql(SYSTEM, "SELECT current_user") == [("luhai_app",)]
    for table in TABLES:
        (rights,) = sql(
            SYSTEM, "SELECT array_agg(p ORDER BY p) FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) p"
            " WHERE has_table_privilege(%s, p)", f"evidence_{table}",
        )[0]  # fmt: skip
        fixed = table in {"piece", "mention", "receipt"}
        assert rights == (["INSERT", "SELECT"] if fixed else ["INSERT", "SELECT", "UPDATE"]), table


#: A change of any column of each table that would matter.
CHANGES = {
    "lot": "currency = 'EUR', merged_into_id = NULL",
    "evidence": "amount_minor = 1, finance_limit = 10^9, seen_by = about || %(me)s",
    "piece": "payload = '{}'",
    "mention": "digest = ''",
    "use": "freed = amount, alert = ''",
    "review": "outcome = 'distinct', cleared_at = now()",
    "consent": "withdrawn_at = now()",
    "receipt": "granted = true, why = 'own'",
}
FIXED = {"piece", "mention", "receipt"}


#: What those change who may: whoever gave a consent may end it; who oversees may, too, and answers reviews.
MAY = {
    ("seller", "consent"): "2 rows", ("supervisor", "consent"): "2 rows", ("operator", "consent"): "2 rows",
    ("supervisor", "review"): "1 rows", ("operator", "review"): "1 rows",
}  # fmt: skip


def test_nobody_changes_or_removes_rows(cast: dict[str, Any]) -> None:
    for who in SEEN.keys() - {"system"}:
        me = f"'{cast[who].party_id or uuid4()}'::uuid"
        for table in TABLES:
            for statement in (f"DELETE FROM evidence_{table}", f"TRUNCATE evidence_{table} CASCADE"):
                assert sqlstate(cast[who], statement) == FORBIDDEN, (who, statement)
            got = sqlstate(cast[who], f"UPDATE evidence_{table} SET {CHANGES[table].replace('%(me)s', me)}")
            assert got == (FORBIDDEN if table in FIXED else MAY.get((who, table), "0 rows")), (who, table)


def test_not_even_the_system_removes_or_rewrites(cast: dict[str, Any]) -> None:
    for table in TABLES:
        assert sqlstate(SYSTEM, f"DELETE FROM evidence_{table}") == FORBIDDEN
        assert sqlstate(SYSTEM, f"TRUNCATE evidence_{table} CASCADE") == FORBIDDEN
        if table in FIXED:
            assert sqlstate(SYSTEM, f"UPDATE evidence_{table} SET {CHANGES[table]}") == FORBIDDEN


#: Rows that a party would like to add for itself. `me` is its party.
WISHES = {
    "evidence": "(id, kind, state, source_id, subject_id, about, seen_by, external_ref, identity, identity_digest, look, other, dated,"
    " currency, tolerance_bp, ratio_bp, finance_limit, version, received_at, changed_at) VALUES (gen_random_uuid(), 'contract',"
    " 'live', %(me)s, %(me)s, ARRAY[%(me)s], ARRAY[%(me)s], 'x', 'x', 'x', '', '', now(), '', 0, 0, 10, 1, now(), now())",
    "piece": "(id, evidence_id, version, source_id, format, schema_version, external_ref, status, currency, payload, digest,"
    " own_digest, parties, \"references\", warnings, observed_at, received_at) VALUES (gen_random_uuid(), %(paper)s, 2, %(me)s,"
    " 'f', '', '', '', '', '{}', 'd', '', '[]', '[]', '[]', now(), now())",
    "mention": "(evidence_id, kind, digest) VALUES (%(paper)s, 'contract', 'd')",
    "lot": "(id, subject_id, currency, opened_at) VALUES (gen_random_uuid(), %(me)s, 'USD', now())",
    "use": "(id, evidence_id, lot_id, purpose, user_id, about, amount, freed, currency, forms, moves, alert, contested, made_at,"
    " changed_at) VALUES (gen_random_uuid(), %(paper)s, %(lot)s, 'financing', %(me)s, ARRAY[%(me)s], 5, 0, 'USD', '{}', 0, '', 0,"
    " now(), now())",
    "review": "(id, identity_digest, evidence_id, external_ref, reason, asked_by_id, asked_at, outcome, why) VALUES"
    " (gen_random_uuid(), 'd', %(paper)s, 'x', 'edited', %(me)s, now(), '', '')",
    "receipt": "(id, evidence_id, version, about, reader_id, person, purpose, granted, consent_id, why, at) VALUES"
    " (gen_random_uuid(), %(paper)s, 1, ARRAY[%(me)s], %(me)s, gen_random_uuid(), 'financing', true, %(consent)s, 'consent', now())",
}  # fmt: skip


def wish(cast: dict[str, Any], table: str, me: UUID | None) -> str:
    known = {"me": me or uuid4(), "paper": cast["paper"], "lot": cast["lot"], "consent": cast["consent"]}
    return f"INSERT INTO evidence_{table} " + WISHES[table] % {k: f"'{v}'::uuid" for k, v in known.items()}


def test_nobody_adds_rows_for_itself(cast: dict[str, Any]) -> None:
    """The same row is the system's to add: the others are barred for no other reason."""
    for table in WISHES:
        for who in SEEN:
            me = cast["seller"].party_id if who == "system" else cast[who].party_id
            got = sqlstate(cast[who], wish(cast, table, me))
            assert got == ("1 rows" if who == "system" else FORBIDDEN), (who, table)


CONSENT = """INSERT INTO evidence_consent (id, grantor_id, grantee_id, purpose, kinds, pieces, since, until, one_off, abroad,
    terms_digest, asked_at, given_at) VALUES (gen_random_uuid(), %s, %s, 'financing', '{}', '{}', now(), now() + interval '9 days',
    false, false, 'd', %s, %s)"""


def test_a_consent_comes_from_whoever_gives_it(cast: dict[str, Any]) -> None:
    seller, lender = cast["seller"], cast["lender"]
    pair = id_of(seller), id_of(lender)
    moment = datetime.now(UTC)
    for who in SEEN:
        given, asked = ("1 rows" if who in {"seller", "system"} else FORBIDDEN), FORBIDDEN
        if who in {"seller", "lender", "system"}:
            asked = "1 rows"
        assert sqlstate(cast[who], CONSENT, *pair, None, moment) == given, who
        assert sqlstate(cast[who], CONSENT, *pair, moment, None) == asked, who
    assert sqlstate(lender, CONSENT, *pair, moment, moment) == FORBIDDEN, "asking is not giving"


def test_a_request_is_not_given_by_whoever_asked(cast: dict[str, Any]) -> None:
    lender, seller = cast["lender"], cast["seller"]
    consent = consent_commands.ask_consent(
        consent_id=uuid4(), grantor_id=id_of(seller), purpose="settlement", kinds=[], pieces=[], until=LATER, origin=now(lender)
    )  # fmt: skip
    give = "UPDATE evidence_consent SET given_at = now() WHERE id = %s"
    for who in SEEN:
        expected = "1 rows" if who in {"seller", "supervisor", "operator", "system"} else "0 rows"
        assert sqlstate(cast[who], give, consent) == expected, who


TERMS = {
    "grantor_id": "(SELECT id FROM parties_party WHERE id NOT IN (grantor_id, grantee_id) LIMIT 1)",
    "grantee_id": "(SELECT id FROM parties_party WHERE id NOT IN (grantor_id, grantee_id) LIMIT 1)",
    "purpose": "'financing'",
    "kinds": "ARRAY['invoice']",
    "pieces": "ARRAY[gen_random_uuid()]",
    "since": "since - interval '1 day'",
    "until": "until + interval '1 day'",
    "one_off": "NOT one_off",
    "abroad": "NOT abroad",
    "asked_at": "now()",
    "given_at": "NULL",
    "terms_digest": "repeat('0', 64)",
}


def test_what_was_given_stays_as_it_was_said(cast: dict[str, Any]) -> None:
    for column, value in TERMS.items():
        statement = f"UPDATE evidence_consent SET {column} = {value} WHERE id = %s"
        for who in ("seller", "operator", "system"):
            assert sqlstate(cast[who], statement, cast["consent"]) == BROKEN, (who, column)
        assert sqlstate(cast["reader"], statement, cast["consent"]) == "0 rows", column


def test_an_end_is_an_end(cast: dict[str, Any]) -> None:
    """Nobody takes back a withdrawal, nor moves it; nobody reads a second time under a consent for one reading."""
    seller, reader = cast["seller"], cast["reader"]
    once = world.consented(seller, reader, "supervision", one_off=True)
    consent_commands.read_evidence(evidence_id=cast["paper"], purpose="supervision", origin=now(reader))
    consent_commands.withdraw_consent(consent_id=cast["consent"], origin=now(seller))
    for who in ("seller", "supervisor", "operator", "system"):
        for column, consent in (("withdrawn_at", cast["consent"]), ("spent_at", once)):
            for value in ("NULL", "now() - interval '1 year'", "now() + interval '1 year'"):
                change = f"UPDATE evidence_consent SET {column} = {value} WHERE id = %s"
                assert sqlstate(cast[who], change, consent) == BROKEN, (who, column, value)
    for column in ("withdrawn_at", "spent_at"):
        assert (
            sqlstate(reader, f"UPDATE evidence_consent SET {column} = NULL WHERE id = %s", cast["consent"])
            == "0 rows"
        )


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE evidence_evidence DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE evidence_consent DISABLE TRIGGER consent_stays",
        "DROP POLICY evidence_read ON evidence_evidence",
        "CREATE POLICY mine ON evidence_piece FOR SELECT USING (true)",
        "DROP TRIGGER consent_stays ON evidence_consent",
        "DROP FUNCTION evidence_disclosed(uuid)",
        "CREATE OR REPLACE FUNCTION evidence_disclosed(piece uuid) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
        "CREATE OR REPLACE FUNCTION luhai_sees_all() RETURNS boolean LANGUAGE sql AS 'SELECT true'",
        "SET session_replication_role = replica",
        "SET ROLE luhai_owner",
        "DROP TABLE evidence_receipt",
        # A table of the same name, to lead the functions astray.
        "CREATE TEMP TABLE evidence_receipt (id uuid)",
        "CREATE TABLE evidence_receipts (id uuid)",
        "CREATE SCHEMA evidence",
    ],
)
def test_the_walls_are_not_the_applications_to_move(statement: str) -> None:
    assert sqlstate(SYSTEM, statement) == FORBIDDEN


def test_a_party_that_is_not_registered_is_noticed_at_once(cast: dict[str, Any]) -> None:
    nobody = uuid4()
    for table in ("evidence", "lot", "use"):
        assert sqlstate(SYSTEM, wish(cast, table, nobody)) == "23503", table
    assert sqlstate(SYSTEM, CONSENT, nobody, id_of(cast["lender"]), None, LATER) == "23503"


REFUSED = [
    # A document exists once, whoever writes the row.
    ("INSERT INTO evidence_evidence SELECT (jsonb_populate_record(e, jsonb_build_object('id', gen_random_uuid()))).*"
     " FROM evidence_evidence e", "23505"),
    ("UPDATE evidence_evidence SET state = 'lost'", BROKEN),
    ("UPDATE evidence_evidence SET finance_limit = -1", BROKEN),
    ("UPDATE evidence_evidence SET state = 'cancelled'", BROKEN),  # and still adds to its lot
    ("UPDATE evidence_evidence SET currency = ''", BROKEN),
    ("UPDATE evidence_lot SET merged_into_id = id", BROKEN),
    ("UPDATE evidence_use SET freed = amount + 1", BROKEN),
    ("UPDATE evidence_use SET freed = -1", BROKEN),
    ("UPDATE evidence_use SET amount = 0, freed = 0", BROKEN),
    ("UPDATE evidence_use SET purpose = 'pleasure'", BROKEN),
    ("UPDATE evidence_use SET alert = 'late'", BROKEN),
    ("UPDATE evidence_review SET outcome = 'distinct'", BROKEN),  # answered by nobody, at no time
    ("UPDATE evidence_review SET outcome = 'perhaps', cleared_at = now()", BROKEN),
    ("INSERT INTO evidence_mention (evidence_id, kind, digest, \"on\") SELECT evidence_id, kind, digest, \"on\""
     " FROM evidence_mention", "23505"),
    ("INSERT INTO evidence_piece SELECT (jsonb_populate_record(p, jsonb_build_object('id', gen_random_uuid()))).*"
     " FROM evidence_piece p", "23505"),
    ("INSERT INTO evidence_receipt SELECT (jsonb_populate_record(r, '{\"id\": \"00000000-0000-0000-0000-000000000009\","
     " \"consent_id\": null}')).* FROM evidence_receipt r", BROKEN),
]  # fmt: skip


def test_what_the_tables_refuse_by_themselves(cast: dict[str, Any]) -> None:
    for change, expected in REFUSED:
        assert sqlstate(SYSTEM, change) == expected, change


def test_consents_of_an_impossible_shape(cast: dict[str, Any]) -> None:
    a, b, moment = id_of(cast["seller"]), id_of(cast["lender"]), datetime.now(UTC)
    assert sqlstate(SYSTEM, CONSENT, a, a, None, moment) == BROKEN, "to itself"
    assert sqlstate(SYSTEM, CONSENT, a, b, None, None) == BROKEN, "neither asked nor given"
    change = "UPDATE evidence_consent SET {} WHERE id = %s"
    assert sqlstate(SYSTEM, change.format("declined_at = now()"), cast["consent"]) == BROKEN, (
        "given and declined"
    )
    asked = consent_commands.ask_consent(
        consent_id=uuid4(), grantor_id=a, purpose="settlement", kinds=[], pieces=[], until=LATER, origin=now(cast["lender"])
    )  # fmt: skip
    assert sqlstate(SYSTEM, change.format("until = since"), asked) == BROKEN, "over before it begins"


def test_a_lot_that_was_merged_away_holds_nothing(cast: dict[str, Any]) -> None:
    other = world.received(world.contract(cast["seller"], 5_00), cast["seller"])
    heir = queries.evidence(evidence_id=other, viewer=SYSTEM).lot_id
    merge = "UPDATE evidence_lot SET merged_into_id = %s WHERE id = %s"
    assert sqlstate(SYSTEM, merge, heir, cast["lot"]) == BROKEN
    both = [
        f"UPDATE evidence_{t} SET lot_id = '{heir}' WHERE lot_id = '{cast['lot']}'"
        for t in ("evidence", "use")
    ]
    for statements, answer in ((both[:1], BROKEN), (both[1:], BROKEN), (both, "1 rows")):
        with world.undone():
            for statement in statements:
                assert sql(SYSTEM, statement) == [(1,)]
            assert sqlstate(SYSTEM, merge, heir, cast["lot"]) == answer


def test_goods_that_two_companies_tell_of_are_seen_by_both(cast: dict[str, Any]) -> None:
    """The buyer delivers the invoice about the seller's contract: one lot, of which each sees its own papers and no others."""
    seller, buyer = cast["seller"], cast["buyer"]
    other = {"name": "买方", "uscc": world.uscc_of(buyer)}
    private = world.received(world.contract(seller, 500_00, "CNY", buyer=other), seller)
    (number,) = (e.external_ref for e in queries.evidences(viewer=seller).items if e.id == private)
    secret = world.received(world.declaration(seller, 480_00, "CNY", contract_no=number), seller)
    bought = world.received(world.invoice(seller, 400_00, buyer=other, contract_nos=[number]), buyer)
    lot = queries.evidence(evidence_id=private, viewer=seller).lot_id
    for paper in (secret, bought):
        assert queries.evidence(evidence_id=paper, viewer=SYSTEM).lot_id == lot
    assert lot is not None
    forms = {
        who: {f.id for f in queries.lot(lot_id=lot, viewer=cast[who]).forms}
        for who in ("seller", "buyer", "operator")
    }
    assert forms == {
        "seller": {private, secret, bought}, "buyer": {private, bought}, "operator": {private, secret, bought}
    }  # fmt: skip
    for who in ("stranger", "rival", "reader", "province"):
        assert sql(cast[who], "SELECT 1 FROM evidence_lot WHERE id = %s", lot) == [], who
