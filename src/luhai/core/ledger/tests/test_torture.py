"""The torture finds nothing wrong with the ledger, and everything that is planted in its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import transaction

from luhai.core.ledger import commands, torture

from .workload import START

SEED = 7
SOUND = {"lost": 0, "doubled": 0, "bounds_broken": 0}
ACKNOWLEDGED = "(SELECT id FROM ledger_transfer WHERE refused IS NULL AND amount > 0 AND kind = 'post' ORDER BY seq LIMIT 1)"


@pytest.fixture
def ended(fresh_db: str, cluster: Any, tmp_path: Path) -> tuple[str, Path]:
    """Where a run of quiet clients has ended: the address of the database, and the folder with their diaries."""
    with transaction.atomic():
        commands.open_accounts(torture.accounts(SEED), at=START)
    for client in range(torture.CLIENTS):
        diary = torture.Diary(tmp_path / f"client-{client}")
        for number in range(8):
            diary.write({"sent": number, "at": START.isoformat()})
            with transaction.atomic():
                outcomes = commands.post(torture.batch(SEED, client, number, START), at=START)
            diary.write({"batch": number, "answers": [[str(o.id), o.amount, o.refused] for o in outcomes]})
    return cluster.conninfo(database=fresh_db), tmp_path


def counted(ended: tuple[str, Path]) -> dict[str, int]:
    found = torture.recount(ended[0], SEED, ended[1])
    return {key: found[key] for key in SOUND}


def test_a_quiet_run_is_sound(ended: tuple[str, Path]) -> None:
    found = torture.recount(ended[0], SEED, ended[1])
    assert {key: found[key] for key in SOUND} == SOUND
    assert found["operations"] > 500
    assert found["acknowledged"] > found["operations"], "what is shared is acknowledged to several"


#: Faults, by name: what a superuser does, and which counts must rise.
PLANTED: dict[str, tuple[str, set[str]]] = {
    "a transfer is gone": (f"DELETE FROM ledger_transfer WHERE id = {ACKNOWLEDGED}", {"lost", "doubled"}),
    "a refused one is gone": (
        "DELETE FROM ledger_transfer WHERE id = (SELECT id FROM ledger_transfer WHERE refused IS NOT NULL LIMIT 1)",
        {"lost"},
    ),
    "another amount": (
        f"UPDATE ledger_transfer SET amount = amount + 1 WHERE id = {ACKNOWLEDGED}",
        {"lost", "doubled"},
    ),
    "a refusal is made good": (
        "UPDATE ledger_transfer SET refused = NULL WHERE id ="
        " (SELECT id FROM ledger_transfer WHERE refused = 'exceeds_credits' LIMIT 1)",
        {"lost"},
    ),
    "a balance counted twice": (
        "UPDATE ledger_account SET credits_posted = 2 * credits_posted WHERE bound = 'none' AND credits_posted > 0",
        {"doubled"},
    ),
    "a transfer twice": (
        "INSERT INTO ledger_transfer SELECT gen_random_uuid(), debit, credit, nextval('ledger_seq'), 0, asked, at, kind,"
        f" unit, code, up_to, subject, hold, expires_at, refused FROM ledger_transfer WHERE id = {ACKNOWLEDGED}",
        {"doubled"},
    ),
    "a hold that was given back": (
        "UPDATE ledger_hold SET remaining = 0 WHERE id = (SELECT id FROM ledger_hold WHERE remaining > 0 LIMIT 1)",
        {"doubled"},
    ),
    "a hold that expired too early": (
        "INSERT INTO ledger_transfer (id, debit, credit, seq, amount, at, kind, unit, code, up_to, hold)"
        " SELECT gen_random_uuid(), debit, credit, nextval('ledger_seq'), 0, '2026-03-02 04:00Z', 'release', 'CNY',"
        " 'ledger.expired', true, id FROM ledger_hold WHERE expires_at IS NOT NULL LIMIT 1",
        {"doubled"},
    ),
    "a bound passed for a moment": (
        # The last credit of a bounded account is written as if it had come after everything that it paid for.
        "UPDATE ledger_transfer SET seq = nextval('ledger_seq') WHERE id = (SELECT t.id FROM ledger_transfer t"
        " JOIN ledger_account a ON a.id = t.credit AND a.bound = 'debits' JOIN ledger_account d ON d.id = t.debit AND"
        " d.bound <> 'credits' WHERE t.kind = 'post' AND t.refused IS NULL AND t.amount > 0 AND a.debits_posted > 0"
        " ORDER BY t.seq LIMIT 1)",
        {"bounds_broken"},
    ),
    "a bound passed now": (
        "ALTER TABLE ledger_account DROP CONSTRAINT ledger_debits_in_bound;"
        "UPDATE ledger_account SET debits_pending = credits_posted + 1 WHERE bound = 'debits'",
        {"bounds_broken", "doubled"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", PLANTED)
def test_what_is_planted_is_counted(ended: tuple[str, Path], fault: str) -> None:
    plant, finds = PLANTED[fault]
    with psycopg.connect(ended[0]) as superuser:
        for statement in plant.split(";"):
            assert superuser.execute(statement).rowcount != 0, "the fault is really there"
    found = counted(ended)
    assert finds <= {key for key, number in found.items() if number}, found


def test_an_answer_that_the_ledger_did_not_give_is_lost(ended: tuple[str, Path]) -> None:
    path = ended[1] / "client-1"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    line = next(line for line in lines if line.get("batch") == 3)
    line["answers"][0] = [line["answers"][0][0], 77_777, None]
    path.write_text("".join(json.dumps(line) + "\n" for line in [*lines, {"differs": 5}]))
    assert counted(ended) == {"lost": 2, "doubled": 0, "bounds_broken": 0}


def test_a_torn_line_is_no_line(tmp_path: Path) -> None:
    path = tmp_path / "client-0"
    path.write_bytes(b'{"sent":0,"at":"x"}\n{"batch":0,"ans')
    diary = torture.Diary(path)
    assert diary.lines == [{"sent": 0, "at": "x"}]
    diary.write({"again": True})
    assert path.read_bytes() == b'{"sent":0,"at":"x"}\n{"again":true}\n'


@pytest.mark.long
def test_twenty_seconds_of_torture() -> None:
    said: list[str] = []
    result = torture.run(20, None, said.append)
    print(result)
    assert {key: result[key] for key in SOUND} == SOUND
    assert min(result["kills"].values()) >= 1
    assert result["acknowledged"] > 1_000
    assert result["retried"] > 0
