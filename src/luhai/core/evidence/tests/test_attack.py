"""The attack finds that all that may be financed is, and nothing more; and it finds everything that is planted in its place."""

from __future__ import annotations

from random import Random
from typing import Any
from uuid import UUID, uuid4, uuid5

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luhai.core.evidence import attack, attack_papers
from luhai.core.evidence.attack_count import count, largest_form
from luhai.core.evidence.attack_world import START, Act
from luhai.kernel.folding import fold, likeness
from luhai.kernel.origin import SYSTEM

SEED = 7
#: Refusals without which a scene would not have attacked.
MET = {
    "evidence.used_up", "evidence.already_received", "evidence.near_duplicate", "evidence.same_document", "evidence.not_named",
    "evidence.not_consented", "evidence.currency_differs", "evidence.other_goods", "evidence.other_document", "absent", "invalid",
}  # fmt: skip


def planted(connection: Any, truth: dict[str, Any]) -> dict[str, tuple[list[str], set[str]]]:
    """Faults, by name: what a superuser writes, and which figures must no longer be 0."""
    alone = [
        UUID(g["papers"][0]["evidence"])
        for g in truth["goods"]
        if len(g["papers"]) == 1 and not g["linked_late"]
    ]
    evidence, lot, user, amount, use = connection.execute(
        "SELECT evidence_id, lot_id, user_id, amount, id FROM evidence_use"
        " WHERE purpose = 'financing' AND freed = 0 AND evidence_id = ANY (%s) ORDER BY id LIMIT 1",
        [alone],
    ).fetchone()
    (other,) = connection.execute(
        "SELECT lot_id FROM evidence_evidence WHERE lot_id <> %s LIMIT 1", [lot]
    ).fetchone()
    several = next(g for g in truth["goods"] if len(g["papers"]) > 1 and g["financed"])
    part = several["papers"][0]["evidence"]
    on, lots = uuid5(evidence, "evidence.financing_used"), uuid5(lot, "evidence.lot_used")
    written = (
        "INSERT INTO evidence_use (id, evidence_id, lot_id, purpose, user_id, about, territory, amount, freed, currency, forms, moves,"
        f" alert, contested, made_at, changed_at) VALUES ('{uuid4()}', '{evidence}', '{lot}', 'financing', '{user}', '{{}}', null,"
        " 77700, 0, 'CNY', '{}', 0, '', 0, now(), now())"
    )
    more = "UPDATE ledger_account SET credits_posted = credits_posted + 77700 WHERE id = '{}'"
    entry = (
        "UPDATE journal_entry SET events = '[]' WHERE command = 'evidence.receive_evidence' AND outcome = 'done'"
        f" AND events::text LIKE '%{evidence}%'"
    )
    return {
        "a use written past the accounts": ([written], {"unlike_the_uses"}),
        "an account raised past its uses": (
            [more.format(on)],
            {"financed_beyond", "unlike_the_answers", "unlike_the_uses", "unlike_the_lots", "unlike_the_totals"},
        ),
        "a second loan, with all its accounts": (
            [written, more.format(on), more.format(lots)],
            {"financed_beyond", "unlike_the_answers", "unlike_the_totals"},
        ),
        "a loan that was given back in no account": (
            [f"UPDATE evidence_use SET freed = {amount} WHERE id = '{use}'"],
            {"unlike_the_uses"},
        ),
        "a lot that holds other goods too": (
            [f"UPDATE evidence_evidence SET lot_id = '{other}' WHERE id = '{evidence}'"],
            {"mixed", "unlike_the_lots"},
        ),
        "goods with two limits": (
            [f"UPDATE evidence_evidence SET lot_id = '{lot}' WHERE id = '{part}'"],
            {"split", "mixed"},
        ),
        "a receipt that is not in the journal": ([entry], {"beyond_at_a_moment"}),
    }  # fmt: skip


def wrong(found: dict[str, Any]) -> set[str]:
    return {name for name in attack.SOUND if found["recount"][name]} | (
        {"financed_beyond"} if found["financed_beyond"] else set()
    )


def test_what_may_be_financed_is_and_nothing_more(
    fresh_db: str, cluster: Any, django_db_blocker: Any
) -> None:
    """Every scene once, in the database of this test; then copies of it, each with a fault."""
    from django.db import connections

    conninfo = cluster.conninfo(database=fresh_db)
    said: list[str] = []
    with django_db_blocker.unblock():
        truth = attack.storm(SEED, 0, said.append)
        connections.close_all()
    found = attack.figures(truth, count(conninfo, truth))
    print(said, found)
    assert wrong(found) == set()
    assert found["differing"] == found["financed_beyond"] == 0
    assert found["beyond_by_scene"] == {}
    assert found["financed"] == found["available"] > 0
    assert found["attempts"] == found["refused"] + sum(
        a["attempts"] - a["refused"] for a in found["attacks"]
    ), "each attempt is counted with its attack"
    assert found["refused"] == sum(found["refused_by"].values())
    assert set(found["refused_by"]) >= MET
    assert found["undermined"]["loans"] == found["undermined"]["told"] > 0
    assert set(found["review_outcomes"]) >= {"distinct", "same_goods", "same_document"}
    assert {"many_banks", "respelled", "changed_form", "converted", "honest"} <= {
        a["name"] for a in found["attacks"]
    }

    with psycopg.connect(conninfo) as connection:
        faults = planted(connection, truth)
    for fault, (statements, finds) in faults.items():
        copy = f"{fresh_db}_fault"
        with psycopg.connect(cluster.conninfo(), autocommit=True) as admin:
            admin.execute(f'CREATE DATABASE "{copy}" TEMPLATE "{fresh_db}" STRATEGY wal_log')
            try:
                with psycopg.connect(cluster.conninfo(database=copy)) as superuser:
                    for statement in statements:
                        assert superuser.execute(statement).rowcount == 1, (
                            fault,
                            "the fault is really there",
                        )
                assert finds <= wrong(attack.figures(truth, count(cluster.conninfo(database=copy), truth))), (
                    fault
                )
            finally:
                admin.execute(f'DROP DATABASE "{copy}" WITH (FORCE)')
    lied = {**truth, "goods": [{**goods, "financed": goods["financed"] + 1} for goods in truth["goods"]]}
    assert count(conninfo, lied)["recount"]["unlike_the_answers"] == len(truth["goods"]), (
        "an answer that is not in the accounts"
    )
    unknown = {**truth, "goods": [g for g in truth["goods"] if not g["financed"]]}
    assert count(conninfo, unknown)["financed_beyond"] == found["financed"], (
        "loans on documents that nobody knows of"
    )


@pytest.mark.parametrize(
    ("papers", "worth"),
    [
        ([], 0),
        ([("contract", 0, 1000_01)], 800_00),
        ([("contract", 0, 1000_00), ("invoice", 0, 900_00)], 800_00),
        ([("contract", 0, 1000_00), ("invoice", 0, 900_00), ("invoice", 1, 200_00)], 880_00),  # parts add up
        ([("transport_document", 0, 1000_00), ("transport_document", 0, 1000_00)], 800_00),  # carriers do not
        ([("contract", 0, 900_00), ("contract", 0, 1000_00)], 800_00),
    ],
)
def test_the_largest_form_counts(papers: list[tuple[str, int, int]], worth: int) -> None:
    assert largest_form(papers, 8_000) == worth


@given(st.integers(0, 2**32))
def test_the_attackers_write_numbers_as_the_folding_says(seed: int) -> None:
    random, numbers = Random(seed), attack_papers.Numbers()
    number = [numbers.word() for _ in range(random.randint(1, 40))][-1]
    other = attack_papers.respelled(number, random)
    assert other != number
    assert fold(other) == fold(number)
    alike = attack_papers.look_alike(number, random)
    assert fold(alike) != fold(number)
    assert likeness(alike) == likeness(number)


def test_numbers_of_the_attack_are_unlike_each_other() -> None:
    numbers, random = attack_papers.Numbers(), Random(1)
    for make in (numbers.word, numbers.declaration, numbers.invoice):
        found = [make() for _ in range(5_000)]
        assert len({likeness(number) for number in found}) == len(found)
    amounts = [numbers.amount(random) for _ in range(5_000)]
    assert len(set(amounts)) == len(amounts)


def test_a_command_that_fails_otherwise_ends_the_attack() -> None:
    class World:
        playing = ""

    def scene() -> Any:
        yield [Act("test", "use", SYSTEM, lambda _: 1 // 0)]

    stage = attack._Stage(World())
    try:
        with pytest.raises(AssertionError) as failed:
            stage.play([scene()])
        assert isinstance(failed.value.__cause__, ZeroDivisionError)
        assert stage.now() > START
    finally:
        stage.close()


@pytest.mark.long
def test_twenty_seconds_on_a_cluster_of_its_own() -> None:
    said: list[str] = []
    found = attack.run(seed=SEED, seconds=20, tell=said.append)
    print(said, found)
    assert wrong(found) == set()
    assert found["financed"] == found["available"] > 0
    assert found["attempts"] > 500
