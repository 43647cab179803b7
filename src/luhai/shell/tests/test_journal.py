"""Whoever edits, deletes, cuts off or rebuilds the journal is found."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connections
from hypothesis import given
from hypothesis import strategies as st

from conftest import NOON
from luhai.kernel.origin import Origin
from luhai.shell import journal
from luhai.shell.tests.test_command import BANKER, TooMuch, probe


@pytest.fixture
def kept(fresh_db: str, settings: object, tmp_path: Path) -> Path:
    """Three sealed batches of five, and the file of roots copied elsewhere."""
    settings.STATE = tmp_path / "state"  # type: ignore[attr-defined]
    for _ in range(3):
        for amount in range(4):
            probe(amount=amount, origin=Origin(BANKER, uuid4(), NOON))
        with pytest.raises(TooMuch):
            probe(amount=99, origin=Origin(BANKER, uuid4(), NOON))
        assert journal.seal(at=NOON) == 5
    copy = tmp_path / "elsewhere.jsonl"
    shutil.copy(journal.roots_file(), copy)
    return copy


def tamper(sql: str, *args: object) -> None:
    """As somebody who owns the database."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(sql, args)


def kinds(against: Path | None = None) -> set[str]:
    return {fault["kind"] for fault in journal.verify(against=against)["faults"]}


def test_an_untouched_journal_is_intact(kept: Path) -> None:
    result = journal.verify(against=kept)
    assert (result["intact"], result["entries"], result["batches"], result["unsealed"]) == (True, 15, 3, 0)
    assert [e.position for e in journal.events_after(0)] == [1, 2, 3, 4, 6, 7, 8, 9, 11, 12, 13, 14]
    assert journal.events_after(9, kinds=["test.probed"], limit=2)[0].measures == ["M12-01"]


@pytest.mark.parametrize(
    "column", ["facts = '{\"a\":1}'", "result = NULL", "actor_id = gen_random_uuid()", "at = now()", "code = 'x'"]
)
def test_an_edited_row_is_found(kept: Path, column: str) -> None:
    tamper(f"UPDATE journal_entry SET {column} WHERE position = 7")
    assert "edited" in kinds()


def test_a_deleted_row_is_found(kept: Path) -> None:
    tamper("DELETE FROM journal_entry WHERE position = 7")
    faults = journal.verify()["faults"]
    assert {"kind": "deleted", "batch": 2, "position": 7} in faults


def test_a_cut_tail_is_found(kept: Path) -> None:
    tamper("DELETE FROM journal_entry WHERE position > 10")
    tamper("DELETE FROM journal_batch WHERE number = 3")
    assert kinds(kept) == {"cut_off"}
    assert kinds() == {"cut_off"}


@pytest.mark.parametrize("with_the_key", [False, True])
def test_a_rebuilt_chain_is_found(kept: Path, with_the_key: bool) -> None:
    """Somebody rewrites history, makes all digests right again, and even signs with the stolen key."""
    tamper("UPDATE journal_entry SET facts = '{}', outcome = 'done' WHERE position = 5")
    key = journal.journal_key(journal.settings.STATE) if with_the_key else Ed25519PrivateKey.generate()
    before = journal.GENESIS
    for number, first, last in ((1, 1, 5), (2, 6, 10), (3, 11, 15)):
        with journal.transaction.atomic(), journal.acting(journal.SYSTEM):
            root = journal.merkle_root(journal.leaves(first, last))
        chain = journal.chained(before, root)
        made = journal.Root(
            number, first, last, root, chain, journal._instant(NOON), "", key.public_key().public_bytes_raw().hex()
        )
        tamper(
            "UPDATE journal_batch SET root = %s, chain = %s, signature = %s, public_key = %s WHERE number = %s",
            root, chain, key.sign(made.signed_bytes()).hex(), made.public_key, number,
        )  # fmt: skip
        before = chain
    assert "rebuilt" in kinds(kept)


def test_the_application_role_cannot_change_the_journal(kept: Path) -> None:
    from django.db import ProgrammingError

    for sql in (
        "UPDATE journal_entry SET code = 'x'",
        "DELETE FROM journal_entry",
        "TRUNCATE journal_entry",
        "UPDATE journal_batch SET root = ''",
        "DELETE FROM journal_batch",
    ):
        with pytest.raises(ProgrammingError, match="permission denied"), connections["default"].cursor() as cursor:
            cursor.execute(sql)


def test_a_crash_between_commit_and_file_is_caught_up(kept: Path) -> None:
    lines = journal.roots_file().read_text().splitlines(keepends=True)
    journal.roots_file().write_text("".join(lines[:1]))
    assert journal.seal(at=NOON) == 0
    assert journal.roots_file().read_text() == "".join(lines)
    assert journal.verify()["intact"]


def test_a_broken_line_of_the_file_is_named(kept: Path) -> None:
    lines = kept.read_text().splitlines()
    changed = json.loads(lines[1]) | {"root": "0" * 64}
    kept.write_text("\n".join([lines[0], json.dumps(changed), "nonsense"]))
    faults = journal.verify(against=kept)["faults"]
    assert {f.get("line") for f in faults if f["kind"] == "file"} == {2, 3}


@given(st.lists(st.binary(min_size=1, max_size=3), min_size=1, max_size=40))
def test_the_root_is_that_of_rfc_6962(data: list[bytes]) -> None:
    def reference(d: list[bytes]) -> bytes:
        if len(d) == 1:
            return d[0]
        k = 1
        while k * 2 < len(d):
            k *= 2
        return hashlib.sha256(b"\x01" + reference(d[:k]) + reference(d[k:])).digest()

    hashes = [hashlib.sha256(b"\x00" + d).digest() for d in data]
    assert journal.merkle_root(hashes) == reference(hashes).hex()




def test_a_journal_taken_away_whole_is_found(kept: Path) -> None:
    tamper("DELETE FROM journal_entry")
    tamper("DELETE FROM journal_batch")
    assert kinds(kept) == {"cut_off"}
    journal.roots_file().write_text("")
    assert kinds() == {"file"}
    kept.write_text("")
    assert kinds(kept) == {"file"}


def test_a_forged_position_before_the_first_is_found(kept: Path) -> None:
    tamper("UPDATE journal_entry SET position = 0 WHERE position = 15")
    assert "deleted" in kinds()


@pytest.mark.parametrize("change", ["sealed_at = now()", "root = 'zz'", "chain = 'zz'", "first = 2", "last = 9"])
def test_an_edited_seal_is_found(kept: Path, change: str) -> None:
    tamper(f"UPDATE journal_batch SET {change} WHERE number = 2")
    assert kinds()


def test_a_torn_last_line_is_written_again(kept: Path) -> None:
    whole = journal.roots_file().read_bytes()
    journal.roots_file().write_bytes(whole[:-20])
    journal.seal(at=NOON)
    assert journal.roots_file().read_bytes() == whole


def test_another_state_folder_may_not_seal(kept: Path, settings: object, tmp_path: Path) -> None:
    settings.STATE = tmp_path / "other"  # type: ignore[attr-defined]
    probe(amount=1, origin=Origin(BANKER, uuid4(), NOON))
    with pytest.raises(journal.OtherKey):
        journal.seal(at=NOON)


def test_sealing_beside_a_verification_raises_no_alarm(kept: Path) -> None:
    from threading import Thread

    original = journal.leaves

    def later(first: int, last: int) -> object:
        if first == 1:
            def run() -> None:
                probe(amount=1, origin=Origin(BANKER, uuid4(), NOON))
                journal.seal(at=NOON)
                connections.close_all()

            thread = Thread(target=run)
            journal.leaves = original  # type: ignore[assignment]
            thread.start()
            thread.join()
        return original(first, last)

    journal.leaves = later  # type: ignore[assignment]
    try:
        assert journal.verify()["intact"]
    finally:
        journal.leaves = original
    assert journal.verify()["entries"] == 16
