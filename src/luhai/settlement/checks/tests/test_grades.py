"""Grades of customers: two people, immediate downgrades, a pause before a better one; and who sees what, by the database's own word."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, connection, connections, transaction

from luhai.core.evidence.tests.world import answer, bank, company, id_of, official, sql
from luhai.kernel.origin import SYSTEM, Actor, Role
from luhai.kernel.refusal import Invalid, NotPermitted, Refusal
from luhai.settlement.checks import commands, queries
from luhai.settlement.checks.commands import SamePerson, TooSoon
from luhai.settlement.checks.lifecycle import NEXT, STATE_NAMES, Action, State
from luhai.settlement.checks.queries import grade_of
from luhai.settlement.checks.tests.world import by, colleague

TODAY = date(2026, 3, 2)


def proposed(bank_: Actor, company_: Actor, grade: int = 2, days: int = 0, **changes: Any) -> UUID:
    asked: dict[str, Any] = {
        "grade_id": uuid4(), "company_id": id_of(company_), "grade": grade, "directory_class": "A", "basis": ["steady exports"],
        "next_review": TODAY + timedelta(days=days + 300),
    } | changes  # fmt: skip
    return commands.propose_grade(**asked, origin=by(bank_, days))


def approved(bank_: Actor, company_: Actor, grade: int = 2, days: int = 0, **changes: Any) -> UUID:
    made = proposed(bank_, company_, grade, days, **changes)
    return commands.approve_grade(grade_id=made, origin=by(colleague(bank_), days))


def suspended(bank_: Actor, company_: Actor, days: int = 0) -> UUID:
    return commands.suspend_grade(grade_id=uuid4(), company_id=id_of(company_), reason="alarm", origin=by(bank_, days))


def now(bank_: Actor, company_: Actor, days: int = 0) -> int | None:
    found = grade_of(id_of(bank_), id_of(company_), TODAY + timedelta(days=days))
    return found.grade if found else None


def test_every_pair_of_state_and_action() -> None:
    allowed = {
        ("PROPOSED", "APPROVE"): "APPROVED", ("PROPOSED", "REPLACE"): "REPLACED", ("APPROVED", "END"): "ENDED",
        ("SUSPENDED", "END"): "ENDED",
    }  # fmt: skip
    for state in State:
        assert state in STATE_NAMES
        for action in Action:
            assert NEXT.get((state, action)) == allowed.get((str(state), str(action)))


@pytest.mark.django_db
def test_one_proposes_and_another_approves() -> None:
    us, them = bank(), company()
    made = proposed(us, them)
    assert now(us, them) is None
    with pytest.raises(SamePerson):
        commands.approve_grade(grade_id=made, origin=by(us))
    assert answer(lambda: commands.approve_grade(grade_id=made, origin=by(bank()))) == "absent"
    commands.approve_grade(grade_id=made, origin=by(colleague(us)))
    assert now(us, them) == 2
    assert answer(lambda: commands.approve_grade(grade_id=made, origin=by(colleague(us)))) == "checks.action_not_allowed"
    approved(us, them, 1, days=5)
    assert [now(us, them, d) for d in (-1, 0, 4, 5, 100)] == [None, 2, 2, 1, 1]
    approved(us, them, 3, days=5)  # the same day: only the last counts
    assert [now(us, them, d) for d in (4, 5)] == [2, 3]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"grade": 4}, "grade"), ({"grade": 0}, "grade"), ({"directory_class": "D"}, "directory_class"), ({"directory_class": ""}, "directory_class"),
        ({"grade": 2, "directory_class": "B"}, "grade"), ({"grade": 1, "directory_class": "none"}, "grade"), ({"basis": []}, "basis"),
        ({"basis": [" "]}, "basis"), ({"basis": ["x" * 401]}, "basis"), ({"basis": ["a\x00b"]}, "basis"), ({"basis": ["x"] * 21}, "basis"),
        ({"next_review": TODAY}, "next_review"), ({"grade": 1, "next_review": date(2027, 3, 3)}, "next_review"),
    ],
)  # fmt: skip
def test_what_cannot_be_proposed(changes: dict[str, Any], field: str) -> None:
    us, them = bank(), company()
    with pytest.raises(Invalid) as no:
        proposed(us, them, **changes)
    assert no.value.facts["field"] == field
    assert queries.grades(viewer=us).items == []


@pytest.mark.django_db
def test_edges_of_what_can_be_proposed() -> None:
    us, them = bank(), company()
    assert proposed(us, them, 1, next_review=date(2027, 3, 2))  # twelve months to the day
    assert proposed(us, them, 3, directory_class="B", next_review=date(2030, 1, 1))
    with pytest.raises(Invalid) as no:
        proposed(us, bank())
    assert no.value.facts["field"] == "company_id"
    taken = proposed(us, them)
    assert answer(lambda: proposed(bank(), them, grade_id=taken)) == "invalid"
    with pytest.raises(NotPermitted):
        proposed(them, them)


@pytest.mark.django_db
def test_the_last_day_of_february_and_months() -> None:
    assert commands._months_after(date(2027, 2, 28), 12) == date(2028, 2, 28)
    assert commands._months_after(date(2028, 2, 29), 12) == date(2029, 2, 28)
    assert commands._months_after(date(2026, 8, 31), 6) == date(2027, 2, 28)
    assert commands._months_after(date(2026, 12, 31), 1) == date(2027, 1, 31)


@pytest.mark.django_db
def test_another_proposal_replaces_the_first_and_a_suspension_all() -> None:
    us, them = bank(), company()
    first = proposed(us, them, 1)
    second = proposed(us, them, 2)
    assert answer(lambda: commands.approve_grade(grade_id=first, origin=by(colleague(us)))) == "checks.action_not_allowed"
    commands.approve_grade(grade_id=second, origin=by(colleague(us)))
    third = proposed(us, them, 1)
    suspended(us, them, days=2)
    assert [now(us, them, d) for d in (1, 2)] == [2, 3]
    assert answer(lambda: commands.approve_grade(grade_id=third, origin=by(colleague(us), 100))) == "checks.action_not_allowed"
    assert answer(lambda: suspended(us, them, days=3)) == "checks.action_not_allowed"
    kept = grade_of(id_of(us), id_of(them), TODAY + timedelta(days=2))
    assert kept is not None
    assert kept.directory_class == "A"
    # A customer that was never graded can be suspended, too; of its class nothing is known.
    suspended(us, stranger := company())
    assert (grade_of(id_of(us), id_of(stranger), TODAY) or kept).directory_class == ""


@pytest.mark.django_db
def test_a_better_grade_waits() -> None:
    us, them = bank(), company()
    suspended(us, them)
    early = proposed(us, them, 2, days=89)
    with pytest.raises(TooSoon) as no:
        commands.approve_grade(grade_id=early, origin=by(colleague(us), 89))
    assert no.value.facts == {"earliest": "2026-05-31"}
    # Grade 3 again, by two people, does not begin the pause anew.
    approved(us, them, 3, days=50)
    assert now(us, them, 50) == 3
    approved(us, them, 1, days=90)
    assert now(us, them, 90) == 1
    # From 2 to 1 nothing waits; another fall does.
    suspended(us, them, days=91)
    with pytest.raises(TooSoon):
        approved(us, them, 2, days=92)
    # And a short better grade in between breaks the pause.
    approved(us, other := company(), 3, days=0)
    approved(us, other, 1, days=90)
    suspended(us, other, days=95)
    with pytest.raises(TooSoon):
        approved(us, other, 2, days=100)


@pytest.mark.django_db
def test_a_review_that_has_come_is_not_approved() -> None:
    us, them = bank(), company()
    made = proposed(us, them, next_review=TODAY + timedelta(days=5))
    with pytest.raises(Invalid):
        commands.approve_grade(grade_id=made, origin=by(colleague(us), 5))
    assert commands.approve_grade(grade_id=made, origin=by(colleague(us), 4))


# --- walls ------------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_who_sees_a_grade_and_who_sees_why() -> None:
    us, them = bank(), company()
    approved(us, them, 2)
    waiting = proposed(us, them, 1)
    count = "SELECT (SELECT count(*) FROM checks_grade), (SELECT count(*) FROM checks_basis)"
    seen = {us: (2, 2), them: (1, 0), bank(): (0, 0), company(): (0, 0), official(Role.SUPERVISOR): (2, 2), official(Role.OPERATOR): (2, 2)}
    for actor, rows in seen.items():
        assert sql(actor, count) == [rows], actor
    mine = queries.grades(viewer=them).items
    assert [(g.grade, g.state, g.basis, g.proposed_by, g.approved_by) for g in mine] == [(2, "", [], None, None)]
    assert queries.grades(viewer=them, state="APPROVED").items == []
    assert [g.id for g in queries.grades(viewer=us, state="PROPOSED").items] == [waiting]
    assert queries.grades(viewer=us).items[0].basis == ["steady exports"]
    page = queries.grades(viewer=us, limit=1)
    assert len(queries.grades(viewer=us, limit=1, cursor=page.next).items) == 1
    with pytest.raises(NotPermitted):
        queries.grades(viewer=official(Role.PROVINCE))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE checks_grade SET grade = 3", "UPDATE checks_grade SET company_id = bank_id", "UPDATE checks_grade SET directory_class = 'A'",
        "UPDATE checks_grade SET next_review = '2040-01-01'", "DELETE FROM checks_grade", "TRUNCATE checks_grade CASCADE",
        "UPDATE checks_basis SET texts = '{x}'", "UPDATE checks_basis SET proposed_by = approved_by", "DELETE FROM checks_basis",
        "UPDATE checks_basis SET approved_by = gen_random_uuid()",
        "UPDATE checks_grade SET state = 'APPROVED' WHERE state = 'REPLACED'",
        "UPDATE checks_grade SET valid_from = '2020-01-01' WHERE state = 'APPROVED'",
        "UPDATE checks_basis SET approved_by = proposed_by WHERE approved_by IS NULL",
        # In force although nobody approved it; and a second one in force.
        "UPDATE checks_grade SET state = 'APPROVED', valid_from = '2026-03-02' WHERE state = 'PROPOSED'; SET CONSTRAINTS ALL IMMEDIATE",
    ],
)  # fmt: skip
def test_what_was_decided_stays(statement: str) -> None:
    us, them = bank(), company()
    proposed(us, company())  # a proposal of another customer, without a grade in force
    proposed(us, them, 3)
    approved(us, them)
    with pytest.raises(DatabaseError), transaction.atomic():
        sql(SYSTEM, statement)


@pytest.mark.django_db
@pytest.mark.parametrize("who", ["company", "other_bank", "supervisor"])
def test_only_the_bank_writes_its_grades(who: str) -> None:
    us, them = bank(), company()
    made = proposed(us, them)
    actor = {"company": them, "other_bank": bank(), "supervisor": official()}[who]
    # A stranger's update finds no row, or may not make what it makes.
    try:
        with transaction.atomic():
            assert sql(actor, "UPDATE checks_grade SET state = 'REPLACED' WHERE id = %s", made) == [(0,)]
            assert sql(actor, "UPDATE checks_basis SET approved_by = %s WHERE grade_id = %s", actor.person_id, made) == [(0,)]
    except DatabaseError:
        pass
    insert = (
        "INSERT INTO checks_grade (id, bank_id, company_id, grade, directory_class, state, changed_at)"
        " VALUES (%s, %s, %s, 2, 'A', 'PROPOSED', now())"
    )
    for owner in (us, actor):
        with pytest.raises(DatabaseError), transaction.atomic():
            sql(actor, insert, uuid4(), id_of(owner) if owner is us or who == "company" else id_of(us), id_of(them))
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


#: What the database holds back, and how it is opened on purpose.
WALLS = {
    "grade_read": "ALTER POLICY grade_read ON checks_grade USING (true)",
    "grade_add": "ALTER POLICY grade_add ON checks_grade WITH CHECK (true)",
    "grade_change": "ALTER POLICY grade_change ON checks_grade USING (true)",
    "basis_read": "ALTER POLICY basis_read ON checks_basis USING (true)",
    "basis_add": "ALTER POLICY basis_add ON checks_basis WITH CHECK (true)",
    "basis_change": "ALTER POLICY basis_change ON checks_basis USING (true)",
    "stays_ended": "ALTER TABLE checks_grade DISABLE TRIGGER stays_ended",
    "stays_approved": "ALTER TABLE checks_basis DISABLE TRIGGER stays_approved",
    "two_people": "ALTER TABLE checks_grade DISABLE TRIGGER two_people",
}
_ADD_GRADE = """INSERT INTO checks_grade (id, bank_id, company_id, grade, directory_class, state, changed_at)
    VALUES (gen_random_uuid(), %s, %s, 2, 'A', 'PROPOSED', now())"""
_ADD_BASIS = """INSERT INTO checks_basis (grade_id, bank_id, texts, proposed_by, proposed_at)
    VALUES (%s, %s, '{x}', gen_random_uuid(), now())"""


@pytest.mark.parametrize("wall", WALLS)
def test_each_wall_holds_and_is_noticed_when_it_falls(fresh_db: str, wall: str) -> None:
    us, them, stranger = bank(), company(), company()
    approved(us, them)
    waiting = proposed(us, them)
    replaced = proposed(us, stranger)
    proposed(us, stranger)
    bare = uuid4()
    sql(SYSTEM, _ADD_GRADE.replace("gen_random_uuid()", "%s"), bare, id_of(us), id_of(company()))
    watcher = official()
    attempts: dict[str, tuple[Actor, str, list[Any]]] = {
        "grade_read": (them, "SELECT 1 FROM checks_grade WHERE state = 'PROPOSED'", []),
        "grade_add": (them, _ADD_GRADE, [id_of(us), id_of(them)]),
        "grade_change": (watcher, "UPDATE checks_grade SET state = 'REPLACED' WHERE id = %s RETURNING 1", [waiting]),
        "basis_read": (them, "SELECT 1 FROM checks_basis", []),
        "basis_add": (them, _ADD_BASIS, [bare, id_of(us)]),
        "basis_change": (watcher, "UPDATE checks_basis SET approved_by = gen_random_uuid() WHERE grade_id = %s RETURNING 1", [waiting]),
        "stays_ended": (us, "UPDATE checks_grade SET changed_at = now() WHERE id = %s RETURNING 1", [replaced]),
        "stays_approved": (us, "UPDATE checks_basis SET approved_by = gen_random_uuid() WHERE approved_by IS NOT NULL RETURNING 1", []),
        "two_people": (
            us, "UPDATE checks_grade SET state = 'APPROVED', valid_from = '2026-03-02' WHERE id = %s RETURNING 1", [replaced_by(us, stranger)],
        ),
    }  # fmt: skip
    actor, statement, values = attempts[wall]

    def done() -> bool:
        try:
            with transaction.atomic():
                return bool(sql(actor, statement, *values))
        except DatabaseError:
            return False

    if wall == "grade_add":  # a row that somebody adds to another's pair would meet the one open proposal
        values[1] = id_of(company())
    assert not done()
    with connections["owner"].cursor() as cursor:
        cursor.execute(WALLS[wall])
    assert done()


def replaced_by(bank_: Actor, company_: Actor) -> UUID:
    """The open proposal of the pair."""
    return next(g.id for g in queries.grades(company_id=id_of(company_), state="PROPOSED", viewer=bank_).items)


# --- races -----------------------------------------------------------------------------------------------------------------


def at_once(*calls: Any) -> list[str]:
    """Run all at the same time, each in a connection of its own; the answers by code."""
    barrier, answers = threading.Barrier(len(calls)), []

    def run(call: Any) -> None:
        try:
            barrier.wait()
            call()
            answers.append("done")
        except Refusal as no:
            answers.append(no.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[c]) for c in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(answers)


def test_two_who_grade_one_customer_at_once(fresh_db: str) -> None:
    """A first grade has no row to lock: whoever comes second replaces the first, and one proposal is open."""
    us, them = bank(), company()
    other = colleague(us)
    assert at_once(*(lambda a=a: proposed(a, them) for a in (us, other, us, other))) == ["done"] * 4
    states = [g.state for g in queries.grades(viewer=us).items]
    assert sorted(states) == ["PROPOSED", "REPLACED", "REPLACED", "REPLACED"]


def test_an_approval_and_a_suspension_at_once(fresh_db: str) -> None:
    """Whoever is first, at the end the customer is suspended: an approval that comes later finds its proposal replaced."""
    us, them = bank(), company()
    other = colleague(us)
    made = proposed(us, them, 1)
    found = at_once(
        lambda: commands.approve_grade(grade_id=made, origin=by(other)),
        lambda: suspended(us, them),
        lambda: suspended(other, them),
    )  # fmt: skip
    assert found in (["checks.action_not_allowed", "done", "done"], ["checks.action_not_allowed", "checks.action_not_allowed", "done"])
    assert now(us, them) == 3
