"""Everything that can be done to the grades of a bank's customers, and to the scenes that hold in a territory.

Locks: the pair of bank and company (of scene and territory) first, by a word, since a first one has no row yet; then its rows.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID, uuid5

from django.db.models import F, Q

from luhai.core.parties import queries as parties
from luhai.core.parties.territories import territories
from luhai.core.rules import queries as rules
from luhai.core.rules.parameters import Value
from luhai.kernel.calendar import SHANGHAI
from luhai.kernel.origin import SYSTEM, Origin, Role
from luhai.kernel.refusal import Absent, Invalid, NotEntitled, Refusal, gettext_noop
from luhai.shell.command import command, record
from luhai.shell.context import as_system
from luhai.shell.locks import hold_words

from .lifecycle import IN_FORCE, NEXT, Action, State
from .models import Basis, Grade, SceneInForce
from .queries import shipped_scenes
from .scenes import named

MEASURES = ["M08-01"]
CLASSES = ("A", "B", "C", "none")
_SPACE = 31
_SCENES = 61


class ActionNotAllowed(Refusal):
    code = "checks.action_not_allowed"
    message = gettext_noop("%(action)s is not allowed while the grade is %(state)s.")


class SamePerson(Refusal):
    code = "checks.same_person"
    status = 403
    message = gettext_noop("Whoever proposed a grade does not approve it.")


class TooSoon(Refusal):
    code = "checks.too_soon"
    message = gettext_noop("A customer of grade 3 may be graded better from %(earliest)s on.")


class SceneInForceAlready(Refusal):
    code = "checks.scene_in_force"
    message = gettext_noop("%(version)s is in force in %(territory)s then; withdraw it from that day first.")


class SceneNotInForce(Refusal):
    code = "checks.scene_not_in_force"
    message = gettext_noop("%(scene)s is not in force in %(territory)s on %(on)s or later.")


@command(may=[Role.BANK])
def propose_grade(
    *, grade_id: UUID, company_id: UUID, grade: int, directory_class: str, basis: list[str], next_review: date, origin: Origin
) -> UUID:  # fmt: skip
    """Propose how the bank grades a customer; return the grade's id. It counts once another person approves it.

    Who:     a person of the bank.
    Units:   `grade` 1 (papers afterwards), 2 or 3 (stricter); `directory_class` A, B, C or none; `basis` 1 to 20 texts of 1 to 400
             characters; `next_review` a day after today, for grade 1 within settlement.grade_1_review_months.
    Writes:  the Grade, proposed, and its Basis. An older proposal for this customer is replaced.
    Refuses: NotEntitled, Absent (the company), Invalid (names the field; B, C and none are grade 3, and grade 1 is class A).
    Source:  domain notes on settlement §1.2.
    """
    bank_id = _bank(origin)
    _company(company_id)
    if grade not in (1, 2, 3):
        raise Invalid(field="grade", problem=gettext_noop("1, 2 or 3"))
    if directory_class not in CLASSES:
        raise Invalid(field="directory_class", problem=f"one of {', '.join(CLASSES)}")
    if directory_class != "A" and grade != 3:
        raise Invalid(field="grade", problem=gettext_noop("3, since the company is not of class A"))
    today = _day(origin)
    if next_review <= today:
        raise Invalid(field="next_review", problem=gettext_noop("a day after today"))
    used: list[Value] = []
    if grade == 1:
        limit = rules.parameters(viewer=SYSTEM).value("settlement.grade_1_review_months", today)
        used.append(limit)
        if next_review > _months_after(today, limit.in_unit("months")):
            raise Invalid(
                field="next_review", problem=gettext_noop("a day within the months in which grade 1 must be reviewed")
            )
    texts = _texts(basis)
    _hold(bank_id, company_id)
    _replace_proposal(bank_id, company_id, origin)
    _unused(grade_id)
    row = Grade.objects.create(
        pk=grade_id, bank_id=bank_id, company_id=company_id, grade=grade, directory_class=directory_class,
        state=State.PROPOSED.value, next_review=next_review, changed_at=origin.at,
    )  # fmt: skip
    Basis.objects.create(
        grade=row, bank_id=bank_id, texts=texts, proposed_by=origin.actor.person_id, proposed_at=origin.at
    )
    record(
        "checks.grade_proposed", row.pk, measures=MEASURES, rules=[_rule(v) for v in used], bank=bank_id, company=company_id,
        grade=grade, directory_class=directory_class,
    )  # fmt: skip
    return row.pk


@command(may=[Role.BANK])
def approve_grade(*, grade_id: UUID, origin: Origin) -> UUID:
    """Put a proposed grade in force from today; return its id. The one before ends.

    Who:     another person of the same bank than who proposed it.
    Writes:  both Grades; who approved.
    Refuses: Absent, ActionNotAllowed, SamePerson, TooSoon (better than 3, before the customer was of grade 3 for
             settlement.grade_cool_off_days), Invalid (its day of review has come already).
    Source:  domain notes on settlement §1.2: maker and checker, and a pause before a better grade.
    """
    bank_id = _bank(origin)
    seen = Grade.objects.filter(pk=grade_id, bank=bank_id).first()
    if seen is None:
        raise Absent(kind="grade")
    _hold(bank_id, seen.company_id)
    row = Grade.objects.select_for_update().get(pk=grade_id)
    _advance(row, Action.APPROVE)
    basis = Basis.objects.get(grade=row)
    if basis.proposed_by == origin.actor.person_id:
        raise SamePerson()
    today = _day(origin)
    if row.next_review is not None and row.next_review <= today:
        raise Invalid(field="next_review", problem=gettext_noop("a day after today"))
    before = _in_force(bank_id, row.company_id)
    used: list[Value] = []
    if before is not None and before.grade == 3 and row.grade < 3:
        pause = rules.parameters(viewer=SYSTEM).value("settlement.grade_cool_off_days", today)
        used.append(pause)
        earliest = date.fromordinal(_third_since(before).toordinal() + pause.in_unit("days"))
        if today < earliest:
            raise TooSoon(earliest=earliest.isoformat())
    if before is not None:
        _end(before, today)
    row.valid_from, row.changed_at = today, origin.at
    row.save(update_fields=["state", "valid_from", "changed_at"])
    basis.approved_by = origin.actor.person_id
    basis.save(update_fields=["approved_by"])
    record(
        "checks.grade_approved", row.pk, measures=MEASURES, rules=[_rule(v) for v in used], bank=bank_id,
        company=row.company_id, grade=row.grade, directory_class=row.directory_class, before=before.grade if before else None,
    )  # fmt: skip
    return row.pk


@command(may=[Role.BANK])
def suspend_grade(*, grade_id: UUID, company_id: UUID, reason: str, origin: Origin) -> UUID:
    """Bring a customer to grade 3 at once; return the id of that grade. What was proposed for it counts no more.

    Who:     any person of the bank, alone: a downgrade waits for nobody.
    Units:   `grade_id` a new id; `reason` 1 to 400 characters.
    Writes:  a Grade 3 in force from today, with the class that was known; the one before ends.
    Refuses: NotEntitled, Absent (the company), Invalid, ActionNotAllowed (it is suspended already).
    Source:  domain notes on settlement §1.2.
    """
    bank_id = _bank(origin)
    _company(company_id)
    texts = _texts([reason], field="reason")
    _hold(bank_id, company_id)
    _unused(grade_id)
    before = _in_force(bank_id, company_id)
    if before is not None and before.state == State.SUSPENDED.value:
        raise ActionNotAllowed(action="SUSPEND", state=before.state)
    today = _day(origin)
    _replace_proposal(bank_id, company_id, origin)
    if before is not None:
        _end(before, today)
    row = Grade.objects.create(
        pk=grade_id, bank_id=bank_id, company_id=company_id, grade=3, state=State.SUSPENDED.value, valid_from=today,
        directory_class=before.directory_class if before else "", changed_at=origin.at,
    )  # fmt: skip
    Basis.objects.create(
        grade=row, bank_id=bank_id, texts=texts, proposed_by=origin.actor.person_id, proposed_at=origin.at
    )
    record(
        "checks.grade_suspended", row.pk, measures=MEASURES, bank=bank_id, company=company_id,
        before=before.grade if before else None,
    )  # fmt: skip
    return row.pk


# --- scenes -------------------------------------------------------------------------------------------------------------


@command(may=[Role.SUPERVISOR, Role.OPERATOR])
def put_scene_in_force(
    *, scene: str, territory: str, valid_from: date, valid_to: date | None = None, origin: Origin
) -> UUID:  # fmt: skip
    """Let a scene hold in a territory from a day on; return the id of that. Who adopts it step by step calls `begin_scene` instead.

    Who:     who oversees, or who runs the instance: nobody of a province alone.
    Units:   as `begin_scene`.
    Refuses: as `begin_scene`.
    """
    return begin_scene(scene=scene, territory=territory, valid_from=valid_from, valid_to=valid_to, origin=origin)


@command(may=[Role.SUPERVISOR, Role.OPERATOR])
def withdraw_scene(*, scene: str, territory: str, valid_to: date, origin: Origin) -> UUID:
    """Let a scene hold no longer in a territory from a day on; return the id of what ends.

    Who:     who oversees, or who runs the instance.
    Units:   as `end_scene`.
    Refuses: as `end_scene`.
    """
    return end_scene(scene=scene, territory=territory, valid_to=valid_to, origin=origin)


def begin_scene(
    *, scene: str, territory: str, valid_from: date, valid_to: date | None = None, origin: Origin
) -> UUID:  # fmt: skip
    """For commands of others (an adoption that two persons have approved): put a version of a scene in force; return the id of that.

    Who:     the caller has asked. The database lets pass who oversees, the operator, and officials of that very territory.
    Units:   `scene` a version (corridor-logistics@2026-01-01) or a key, which means its newest version; `territory` a code of the corridor;
             `valid_from` today or later; `valid_to` the first day on which it holds no longer, or none.
    Writes:  SceneInForce; the event checks.scene_put in the caller's entry.
    Refuses: NotEntitled, NoScene, Invalid (territory, valid_from, valid_to), SceneInForceAlready.
    """
    found = named(shipped_scenes(), scene)
    _territory(territory, origin)
    if valid_from < max(_day(origin), found.valid_from):
        raise Invalid(field="valid_from", problem=gettext_noop("today or later, and not before the scene's own first day"))
    if valid_to is not None and valid_to <= valid_from:
        raise Invalid(field="valid_to", problem=gettext_noop("a day after the first"))
    _hold_scene(found.id, territory)
    lasting = Q(valid_to=None) | Q(valid_to__gt=valid_from)
    before = Q(valid_from__lt=valid_to) if valid_to is not None else Q()
    # A range of no day at all is in nobody's way.
    clash = SceneInForce.objects.filter(lasting, before, scene=found.id, territory=territory).exclude(valid_to=F("valid_from"))
    if (other := clash.order_by("valid_from").first()) is not None:
        raise SceneInForceAlready(version=other.version, territory=territory)
    row = SceneInForce.objects.create(
        pk=uuid5(origin.key, f"scene {found.version} {territory}"), scene=found.id, version=found.version, territory=territory,
        valid_from=valid_from, valid_to=valid_to, set_by=origin.actor.person_id, set_at=origin.at, key=origin.key,
    )  # fmt: skip
    record(
        "checks.scene_put", row.pk, measures=[found.measure], rules=[found.version], scene=found.id, territory=territory,
        valid_from=valid_from, valid_to=valid_to,
    )  # fmt: skip
    return row.pk


def end_scene(*, scene: str, territory: str, valid_to: date, origin: Origin) -> UUID:
    """For commands of others: let a scene hold no longer from a day on, nor begin later; return the id of what ends. Verdicts stay.

    Who:     as `begin_scene`.
    Units:   `scene` a key (whatever version) or a version; `valid_to` the first day without it, today or later.
    Writes:  the end of each row that would reach beyond; the event checks.scene_withdrawn for each.
    Refuses: NotEntitled, NoScene, Invalid (territory, valid_to), SceneNotInForce.
    """
    found = named(shipped_scenes(), scene)
    _territory(territory, origin)
    if valid_to < _day(origin):
        raise Invalid(field="valid_to", problem=gettext_noop("today or later"))
    _hold_scene(found.id, territory)
    rows = SceneInForce.objects.select_for_update().filter(scene=found.id, territory=territory)
    if scene != found.id:
        rows = rows.filter(version=scene)
    reaching = [r for r in rows.order_by("valid_from") if r.valid_to is None or r.valid_to > max(valid_to, r.valid_from)]
    if not reaching:
        raise SceneNotInForce(scene=scene, territory=territory, on=valid_to.isoformat())
    for row in reaching:
        row.valid_to = max(valid_to, row.valid_from)
        row.withdrawn_by, row.withdrawn_at = origin.actor.person_id, origin.at
        row.save(update_fields=["valid_to", "withdrawn_by", "withdrawn_at"])
        record(
            "checks.scene_withdrawn", row.pk, measures=[found.measure], rules=[row.version], scene=found.id, territory=territory,
            valid_from=row.valid_from, valid_to=row.valid_to,
        )  # fmt: skip
    return reaching[0].pk


def _territory(territory: str, origin: Origin) -> None:
    if territory not in territories():
        raise Invalid(field="territory", problem=f"a code of the corridor: {', '.join(sorted(territories()))}")
    if origin.actor.role is Role.PROVINCE and origin.actor.territory != territory:
        raise NotEntitled(who="an official of that territory")


def _hold_scene(scene: str, territory: str) -> None:
    hold_words([f"{scene} {territory}"], space=_SCENES)


# --- inside -------------------------------------------------------------------------------------------------------------


def _bank(origin: Origin) -> UUID:
    """The bank that the actor is for; grades are of banks here, and of nobody else."""
    party_id = origin.actor.party_id
    if party_id is None:
        raise NotEntitled(who="an officer of the bank")
    return party_id


def _company(company_id: UUID) -> None:
    if parties.party(party_id=company_id, viewer=SYSTEM).kind != "company":
        raise Invalid(field="company_id", problem=gettext_noop("the id of a company"))


def _texts(texts: list[str], field: str = "basis") -> list[str]:
    problem = gettext_noop("1 to 20 texts of 1 to 400 characters")
    if not isinstance(texts, list) or not 1 <= len(texts) <= 20:
        raise Invalid(field=field, problem=problem)
    found = [t.strip() if isinstance(t, str) else "" for t in texts]
    if not all(1 <= len(t) <= 400 and t.isprintable() for t in found):
        raise Invalid(field=field, problem=problem)
    return found


def _unused(grade_id: UUID) -> None:
    """An id is given once; a stranger's hidden row is, to this one, a taken number."""
    hold_words([f"id{grade_id}"], space=_SPACE)
    with as_system():
        taken = Grade.objects.filter(pk=grade_id).exists()
    if taken:
        raise Invalid(field="grade_id", problem=gettext_noop("an id that was never used"))


def _hold(bank_id: UUID, company_id: UUID) -> None:
    hold_words([f"{bank_id}{company_id}"], space=_SPACE)


def _in_force(bank_id: UUID, company_id: UUID) -> Grade | None:
    rows = Grade.objects.select_for_update().filter(bank=bank_id, company=company_id, state__in=IN_FORCE)
    return rows.first()


def _replace_proposal(bank_id: UUID, company_id: UUID, origin: Origin) -> None:
    rows = Grade.objects.select_for_update().filter(bank=bank_id, company=company_id, state=State.PROPOSED.value)
    for row in rows:
        _advance(row, Action.REPLACE)
        row.changed_at = origin.at
        row.save(update_fields=["state", "changed_at"])


def _end(row: Grade, today: date) -> None:
    assert row.valid_from is not None, row.pk
    _advance(row, Action.END)
    row.until = max(today, row.valid_from)  # `changed_at` stays: in a list what took its place comes before it
    row.save(update_fields=["state", "until"])


def _third_since(row: Grade) -> date:
    """Since when the customer has been of grade 3 without a break: a renewed grade 3 does not begin the pause anew."""
    assert row.valid_from is not None, row.pk
    since = row.valid_from
    lasted = Grade.objects.filter(
        bank=row.bank_id, company=row.company_id, state=State.ENDED.value, until__gt=F("valid_from")
    )
    for older in lasted.order_by("-until"):
        if older.grade != 3 or older.until != since or older.valid_from is None:
            break
        since = older.valid_from
    return since


def _advance(row: Grade, action: Action) -> None:
    state = State(row.state)
    if (state, action) not in NEXT:
        raise ActionNotAllowed(action=str(action), state=str(state))
    row.state = NEXT[state, action].value


def _day(origin: Origin) -> date:
    """The day in China: grades are those of banks there."""
    return origin.at.astimezone(SHANGHAI).date()


def _months_after(day: date, months: int) -> date:
    """The same day so many months later, or the last of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, min(last, day.day))
        except ValueError:
            continue
    raise AssertionError(day)


def _rule(value: Value) -> str:
    return f"{value.key}@{value.valid_from.isoformat()}"
