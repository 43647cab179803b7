"""What the database itself keeps: nobody sees a figure before its release is out nor who stands behind one, and what is frozen stays."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, transaction

from luhai.core.evidence.tests.world import sql
from luhai.kernel.origin import PUBLIC, SYSTEM, Actor, Role
from luhai.oversight.releases import commands
from luhai.oversight.statistics.tests.world import owner

from .office import HEAD, JANUARY, OFFICER, busy, by, computed, planned, read_on

pytestmark = pytest.mark.usefixtures("own_journal")
OUTSIDERS = [Actor(uuid4(), Role.PROVINCE, uuid4(), "500000"), Actor(uuid4(), Role.BANK, uuid4()), Actor(uuid4(), Role.COMPANY, uuid4()), PUBLIC]
OPERATOR = Actor(uuid4(), Role.OPERATOR, uuid4())


def prepared() -> UUID:
    busy(JANUARY, count=12)
    read_on()
    return computed("2026-01")


def count(actor: Actor, table: str) -> int:
    return int(sql(actor, f"SELECT count(*) FROM releases_{table}")[0][0])


def embargo_holds(_made: UUID) -> None:
    for actor in OUTSIDERS:
        assert (count(actor, "cell"), count(actor, "count")) == (0, 0), actor
    for actor in (OFFICER, OPERATOR, SYSTEM):
        assert count(actor, "cell") > 0, actor


def counts_stay_inside(made: UUID) -> None:
    commands.publish_release(release_id=made, origin=by(HEAD))
    for actor in OUTSIDERS:
        assert count(actor, "cell") > 0, actor
        assert count(actor, "count") == 0, actor


def discarded_is_not_seen(made: UUID) -> None:
    commands.discard_release(release_id=made, reason="wrong", origin=by())
    assert [count(actor, "release") for actor in (*OUTSIDERS, OFFICER)] == [0] * len(OUTSIDERS) + [1]


def refuses(actor: Actor, statement: str) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        sql(actor, f"{statement} RETURNING 1")


def frozen_stays(made: UUID) -> None:
    for change in ("position = 999", "digest = 'x'", "engine = 'x'", "computed_by = gen_random_uuid()", "embargo_until = now()", "vintage = 9", "withheld = 0"):
        refuses(OFFICER, f"UPDATE releases_release SET {change} WHERE id = '{made}'")


def nothing_is_rewritten(made: UUID) -> None:
    for statement in (
        "UPDATE releases_cell SET value = NULL", "DELETE FROM releases_cell", "UPDATE releases_count SET value = 1", "DELETE FROM releases_count",
        f"DELETE FROM releases_release WHERE id = '{made}'",
    ):  # fmt: skip
        refuses(OFFICER, statement)


def cells_come_before_freezing_only(made: UUID) -> None:
    row = "INSERT INTO releases_cell (release_id, indicator, key, value, why, method, unit, decimals) VALUES ('{}', 'x', ARRAY['a'], 1, 'F', 'm', 'CNY', 2)"
    refuses(OFFICER, row.format(made))
    fresh = planned("2026-02")
    for actor in OUTSIDERS:
        refuses(actor, row.format(fresh))
    refuses(OFFICER, row.format(fresh).replace("'F'", "'A'"))  # a withheld cell has no number
    assert sql(OFFICER, row.format(fresh) + " RETURNING 1") == [(1,)]


def others_do_not_write_the_calendar(made: UUID) -> None:
    for actor in OUTSIDERS:
        assert sql(actor, f"UPDATE releases_release SET reason = 'mine' WHERE id = '{made}' RETURNING 1") == []


def two_persons_and_an_embargo(made: UUID) -> None:
    set_ = f"UPDATE releases_release SET state = 'PUBLISHED', published_at = {{}}, published_by = {{}} WHERE id = '{made}'"
    refuses(OFFICER, set_.format("'2026-01-31'", f"'{HEAD.person_id}'"))
    refuses(OFFICER, set_.format("'2026-12-31'", f"'{OFFICER.person_id}'"))


PROMISES: list[Callable[[UUID], None]] = [
    embargo_holds, counts_stay_inside, discarded_is_not_seen, frozen_stays, nothing_is_rewritten, cells_come_before_freezing_only,
    others_do_not_write_the_calendar, two_persons_and_an_embargo,
]  # fmt: skip


@pytest.mark.parametrize("promise", PROMISES)
def test_the_database_keeps_it(promise: Callable[[UUID], None]) -> None:
    promise(prepared())


@pytest.mark.parametrize(
    ("hole", "promise"),
    [
        ("ALTER TABLE releases_cell DISABLE ROW LEVEL SECURITY", embargo_holds),
        ("CREATE POLICY hole ON releases_cell FOR SELECT USING (true)", embargo_holds),
        ("ALTER TABLE releases_count DISABLE ROW LEVEL SECURITY", counts_stay_inside),
        ("CREATE POLICY hole ON releases_count FOR SELECT USING (luhai_role() <> 'public')", counts_stay_inside),
        ("CREATE POLICY hole ON releases_release FOR SELECT USING (true)", discarded_is_not_seen),
        ("DROP TRIGGER frozen ON releases_release", frozen_stays),
        ("GRANT UPDATE ON releases_cell TO luhai_app; CREATE POLICY hole ON releases_cell FOR UPDATE USING (true)", nothing_is_rewritten),
        ("GRANT DELETE ON releases_count TO luhai_app; CREATE POLICY hole ON releases_count FOR DELETE USING (true)", nothing_is_rewritten),
        ("CREATE POLICY hole ON releases_cell FOR INSERT WITH CHECK (true)", cells_come_before_freezing_only),
        ("CREATE POLICY hole ON releases_release FOR UPDATE USING (true)", others_do_not_write_the_calendar),
        ("ALTER TABLE releases_release DROP CONSTRAINT two_persons_publish", two_persons_and_an_embargo),
        ("ALTER TABLE releases_release DROP CONSTRAINT an_embargo_is_kept", two_persons_and_an_embargo),
    ],
)  # fmt: skip
def test_a_hole_in_the_wall_is_noticed(hole: str, promise: Callable[[UUID], None]) -> None:
    made = prepared()
    owner(hole)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        promise(made)
