"""The way of a package to a territory: stated, drafted, examined, proposed, approved, granted. What is live is in `live_commands`.

Locks: the adoption's row first; then policies, parameters and scenes, each by its own subject.
"""

from __future__ import annotations

import hashlib
import re
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID, uuid4, uuid5

import rfc8785
from django.db import IntegrityError, transaction
from pydantic_core import to_jsonable_python

from luhai.core.parties import queries as parties
from luhai.core.parties.territories import territories
from luhai.core.policies import commands as policies
from luhai.core.policies import queries as library
from luhai.core.rules import commands as rules
from luhai.core.rules import queries as parameters
from luhai.kernel.origin import SYSTEM, Origin, Role
from luhai.kernel.refusal import Absent, Invalid, NotEntitled, Refusal, gettext_noop
from luhai.records.products import commands as products
from luhai.settlement.checks import queries as checks
from luhai.settlement.checks.policy import Judgement, Said
from luhai.settlement.payments import queries as payments
from luhai.shell.command import command, record
from luhai.shell.context import as_system
from luhai.shell.locks import hold_words

from . import queries
from .lifecycle import ACT_NAMES, NEXT, OPEN, STATE_NAMES, Act, State
from .models import Adoption, Examination, Statement, Step
from .packages import NARROWED, OWN, Package, decimal
from .policy import FACTS, STATED

#: Which facts a statement of each role may be about.
MAY_STATE: Final = {Role.SUPERVISOR: STATED["supervisor"], Role.PROVINCE: STATED["province"]}
SHARED: Final = ("M22-02", "M22-03", "M22-04", "M23-01", "M23-02")
_SPACE: Final = 71
#: How many payments of a territory an estimate looks at, the newest first.
MOST_PAYMENTS: Final = 2_000


class ActNotAllowed(Refusal):
    code = "replication.act_not_allowed"
    message = gettext_noop("%(act_name)s: this is not possible while the adoption stands as: %(state_name)s.")


class SamePerson(Refusal):
    code = "replication.same_person"
    status = 403
    message = gettext_noop("Another person must do this than who did the step before.")


class OnItsWay(Refusal):
    code = "replication.on_its_way"
    message = gettext_noop("%(package)s is on its way to %(territory)s already.")


class InForce(Refusal):
    code = "replication.in_force"
    message = gettext_noop("%(scene)s is in force in %(territory)s already; roll it back first.")


class NotEligible(Refusal):
    code = "replication.not_eligible"
    message = gettext_noop("A condition is not met: %(failing)s. Evidence is missing: %(missing)s.")


class NotExamined(Refusal):
    code = "replication.not_examined"
    message = gettext_noop("It was changed since it was examined, or never examined; examine it first.")


class VectorsDiffer(Refusal):
    code = "replication.vectors_differ"
    message = gettext_noop("The package's own cases do not come out as it says: %(names)s.")


# --- what is stated of a territory --------------------------------------------------------------------------------------


@command(may=[Role.PROVINCE, Role.SUPERVISOR])
def state_fact(
    *, statement_id: UUID, territory: str, fact: str, value: Any, document: str, digest: str, stated_on: date, until: date, origin: Origin
) -> UUID:  # fmt: skip
    """State a fact of a territory with a paper, for so long; return the statement's id. It takes the place of the one before.

    Who:     a supervisor of what supervisors rate; an official of the territory of what it does itself.
    Units:   `value` as the fact wants it; `document` its number or name in 1 to 200 characters; `digest` its SHA-256, or empty;
             `until` the last day, within replication.statement_days.
    Writes:  one Statement; earlier ones stay.
    Refuses: NotEntitled, Invalid (names the field).
    Source:  article 19; domain notes on oversight §3.3: each condition with its evidence and day.
    """
    _territory(territory)
    if fact not in MAY_STATE.get(origin.actor.role, ()):
        raise Invalid(field="fact", problem=f"one of {', '.join(MAY_STATE.get(origin.actor.role, ()))}")
    if origin.actor.role == Role.PROVINCE and origin.actor.territory != territory:
        raise NotEntitled(who=gettext_noop("officials of the territory"))
    if (why := FACTS[fact].problem(value)) is not None:
        raise Invalid(field="value", problem=why)
    _text("document", document, 200)
    if not re.fullmatch(r"(?:[0-9a-f]{64})?", digest):
        raise Invalid(field="digest", problem=gettext_noop("a SHA-256 in 64 hexadecimal digits, or empty"))
    today = queries.day_of(origin.at)
    longest = parameters.parameters(viewer=SYSTEM).value("replication.statement_days", today)
    if stated_on > today:
        raise Invalid(field="stated_on", problem=gettext_noop("a day that is not after today"))
    if not stated_on <= until <= stated_on + timedelta(days=longest.in_unit("days")):
        raise Invalid(field="until", problem=gettext_noop("a day after the statement, and within the days for which one is good"))
    hold_words([f"{fact} {territory}"], space=_SPACE)
    with as_system():
        number = Statement.objects.filter(territory=territory, fact=fact).count() + 1
        if Statement.objects.filter(pk=statement_id).exists():
            raise Invalid(field="statement_id", problem=gettext_noop("an id that was never used"))
    Statement.objects.create(
        pk=statement_id, territory=territory, fact=fact, n=number, value=value, document=document.strip(), digest=digest, stated_on=stated_on,
        until=until, person=origin.actor.person_id, role=str(origin.actor.role), at=origin.at,
    )  # fmt: skip
    record(
        "replication.fact_stated", statement_id, measures=["M19-05", "M23-02"], rules=[f"{longest.key}@{longest.valid_from.isoformat()}"],
        territory=territory, fact=fact, until=until, digest=digest,
    )  # fmt: skip
    return statement_id


# --- drafted ------------------------------------------------------------------------------------------------------------


@command(may=[Role.PROVINCE])
def draft(
    *, adoption_id: UUID, package: str, overrides: dict[str, str], starts_on: date, ends_on: date | None = None, origin: Origin
) -> UUID:  # fmt: skip
    """Write, or write over, which package the territory wants, what it would set differently, and from when; return the adoption's id.

    Who:     an official; the territory is the official's.
    Units:   `package` a key (id@version) or an id, which means its newest version; `overrides` {parameter: decimal text} within the
             package's range; `starts_on` and `ends_on` days, both included; `starts_on` today or later.
    Writes:  the Adoption, drafted. What was examined of an earlier draft counts no more.
    Refuses: NoPackage, Absent (another territory's), Invalid (names the field), OnItsWay, ActNotAllowed.
    Source:  article 23; measure M23-02. Only declared overrides are allowed, so that the difference from the origin stays small and visible.
    """
    territory = origin.actor.territory or ""
    _territory(territory)
    p = queries.named(package)
    today = queries.day_of(origin.at)
    if p.origin == territory:
        raise Invalid(field="package", problem=gettext_noop("a package of another territory: this one is your own"))
    if not isinstance(overrides, dict):
        raise Invalid(field="overrides", problem=gettext_noop("parameters with their values"))
    for key, value in overrides.items():
        _override(p, str(key), value)
    if starts_on < max(today, p.valid_from):
        raise Invalid(field="starts_on", problem=gettext_noop("today or later, and not before the package's own first day"))
    if ends_on is not None and ends_on < starts_on:
        raise Invalid(field="ends_on", problem=gettext_noop("a day that is not before the first"))
    hold_words([f"{p.id} {territory}"], space=_SPACE)
    row = Adoption.objects.select_for_update().filter(pk=adoption_id).first()
    if row is not None and (row.territory != territory or row.package != p.id):
        raise Absent(kind="adoption")
    other = Adoption.objects.filter(package=p.id, territory=territory, state__in=[s.value for s in OPEN]).exclude(pk=adoption_id)
    if other.exists():
        raise OnItsWay(package=p.id, territory=territory)
    before = row.state if row else None
    state = advanced(before, Act.DRAFT)
    chosen = {k: str(v) for k, v in sorted(overrides.items()) if decimal(v) != _default(p, k)}
    content = {
        "package": p.id, "version": p.version, "digest": p.digest, "scene": p.scene_key, "measure": p.measure, "territory": territory,
        "overrides": chosen, "starts_on": starts_on, "ends_on": ends_on, "drafted_by": origin.actor.person_id,
    }  # fmt: skip
    if row is None:
        try:
            with transaction.atomic():
                row = Adoption.objects.create(pk=adoption_id, state=state.value, changed_at=origin.at, **content)
        except IntegrityError:
            raise Absent(kind="adoption") from None
    else:
        for name, new in content.items():
            setattr(row, name, new)
        row.state, row.changed_at = state.value, origin.at
        row.save(update_fields=[*content, "state", "changed_at"])
    note(row, Act.DRAFT, before, origin, {"package": p.key, "overrides": chosen, "starts_on": starts_on, "ends_on": ends_on})
    record(
        "replication.drafted", row.pk, measures=[*p.measures], rules=[f"package:{p.key}"], territory=territory, package=p.key,
        digest=p.digest, overrides=chosen, starts_on=starts_on,
    )  # fmt: skip
    return row.pk


def _override(p: Package, key: str, value: object) -> None:
    setting = p.setting(key)
    field = f"overrides.{key}"
    if setting is None:
        allowed = ", ".join(s.key for s in p.settings)
        raise Invalid(field=field, problem=f"one of {allowed}")
    number = decimal(value)
    if number is None or not setting.least <= number <= setting.most:
        raise Invalid(field=field, problem=f"a number from {setting.least} to {setting.most} ({setting.unit})")


def _default(p: Package, key: str) -> Any:
    setting = p.setting(key)
    assert setting is not None, key
    return setting.default


# --- examined -----------------------------------------------------------------------------------------------------------


@command(may=[Role.PROVINCE])
def examine(*, adoption_id: UUID, origin: Origin) -> UUID:
    """Judge the three conditions, run the package's vectors, and estimate the effect on the territory's own data; return the adoption's id.

    Who:     an official of the territory.
    Writes:  one Examination with its digest, whatever it finds. Nothing that was tried remains.
    Refuses: Absent, ActNotAllowed.
    Source:  article 23; domain notes on oversight §3.3: a proposal with a tree of reasons, and no decision.
    """
    row, p = _home(adoption_id, origin)
    before = row.state
    state = advanced(before, Act.EXAMINE)
    today = queries.day_of(origin.at)
    fit = queries.eligibility(p, row.territory, today, row=row)
    vectors = queries.run_vectors(p, row.territory, row.overrides)
    impact = _estimate(row, p, today, origin)
    content = {"conditions": fit.as_json(), "vectors": vectors, "impact": impact}
    number = Examination.objects.filter(adoption=row).count() + 1
    good = all(v["good"] for v in vectors)
    digest = hashlib.sha256(rfc8785.dumps(to_jsonable_python(content))).hexdigest()
    Examination.objects.create(
        id=uuid5(row.pk, f"examination {number}"), adoption=row, n=number, about=queries.about(row), ready=fit.ready, vectors_good=good,
        digest=digest, person=origin.actor.person_id, at=origin.at, **content,
    )  # fmt: skip
    move(row, Act.EXAMINE, state, origin, {"n": number, "ready": fit.ready, "vectors_good": good, "digest": digest})
    record(
        "replication.examined", row.pk, measures=["M19-05", *p.measures], rules=[f"package:{p.key}", p.scene], territory=row.territory,
        market=fit.market.verdict, risk=fit.risk.verdict, approval=fit.approval.verdict, vectors=len(vectors), vectors_good=good,
        payments=impact["payments"], newly_blocked=impact["newly_blocked"], newly_clear=impact["newly_clear"], digest=digest,
    )  # fmt: skip
    return row.pk


class _Undo(Exception):
    """What was tried is taken back."""


def _estimate(row: Adoption, p: Package, today: date, origin: Origin) -> dict[str, Any]:
    """How payments of the territory in the last months would be judged today without the scene and with it, and which products would open.

    Both are judged on the papers as they stand today, so that only the scene makes the difference. Counts and amounts, no payment's name.
    """
    back = parameters.parameters(viewer=SYSTEM).value("replication.impact_months", today)
    since = queries.months_ago(today, back.in_unit("months"))
    with as_system():
        cases = _payments(row.territory, since)
        running = [s.version for s in checks.in_force_for(row.territory, today)]
        without = [v for v in running if v.partition("@")[0] != p.scene_key]
        before = [_judge(c, today, without) for c in cases]
    after: list[Judgement] = []
    try:
        with transaction.atomic():
            for key, value in _to_set(row, p, today).items():
                rules.override_parameter(
                    key=key, territory=row.territory, value=value, valid_from=today, document="trial", article="",
                    origin=origin.child(f"trial {key}"),
                )  # fmt: skip
            with as_system():
                after = [_judge(c, today, [*without, p.scene]) for c in cases]
            raise _Undo
    except _Undo:
        pass
    except rules.AlreadySet:  # the territory set one of them today itself; the trial uses what stands
        with as_system():
            after = [_judge(c, today, [*without, p.scene]) for c in cases]
    told: dict[str, Any] = {
        "since": since.isoformat(), "payments": len(cases), "spoke": 0, "newly_blocked": 0, "newly_clear": 0, "checks": {}, "amounts": {},
        "complete": len(cases) < MOST_PAYMENTS, "running": running, "products": queries.opened_by(p, row.territory),
        "rules": [f"{back.key}@{back.valid_from.isoformat()}"],
    }  # fmt: skip
    for case, was, now in zip(cases, before, after, strict=True):
        told["spoke"] += p.scene in now.scenes
        old, new = {f.name for f in was.in_the_way}, {f.name for f in now.in_the_way}
        if new - old:
            told["newly_blocked"] += 1
        elif old - new:
            told["newly_clear"] += 1
        for name in new ^ old:
            tally = told["checks"].setdefault(name, {"blocked": 0, "let_pass": 0})
            tally["blocked" if name in new else "let_pass"] += 1
        if new != old:
            currency = case[0].currency
            told["amounts"][currency] = told["amounts"].get(currency, 0) + case[0].amount_minor
    return told


_Case = tuple[Said, tuple[UUID, ...], UUID, UUID]


def _payments(territory: str, since: date) -> list[_Case]:
    """Payments to companies of the territory that were checked once, newest first."""
    found: list[_Case] = []
    cursor = ""
    lies_in: dict[UUID, bool] = {}
    while len(found) < MOST_PAYMENTS:
        page = payments.payments(cursor=cursor, limit=200, viewer=SYSTEM)
        for line in page.items:
            if line.company.id not in lies_in:
                place = parties.party(party_id=line.company.id, viewer=SYSTEM).territory
                lies_in[line.company.id] = queries.corridor(place) == territory
            if not lies_in[line.company.id] or queries.day_of(line.received_at) < since:
                continue
            whole = payments.payment(payment_id=line.id, viewer=SYSTEM)
            if whole.verdict is None:
                continue
            said = Said(
                direction="in", currency=whole.currency, amount_minor=whole.amount, debtor_name=whole.debtor_name,
                debtor_country=whole.debtor_country, creditor_name=whole.creditor_name, invoices=tuple(whole.invoices),
                value_date=whole.value_date, situation=whole.verdict.situation,
            )  # fmt: skip
            found.append((said, tuple(a.evidence_id for a in whole.attachments), whole.bank.id, whole.company.id))
        if not page.next:
            return found
        cursor = page.next
    return found[:MOST_PAYMENTS]


def _judge(case: _Case, today: date, scenes: list[str]) -> Judgement:
    said, papers, bank, company = case
    return checks.judge(said=said, papers=papers, bank_id=bank, company_id=company, on=today, scenes=scenes)


def _to_set(row: Adoption, p: Package, day: date) -> dict[str, str]:
    """Which parameters the adoption has to set in its territory: those that do not stand there as they should."""
    known = parameters.parameters(viewer=SYSTEM)
    wanted = {s.key: row.overrides.get(s.key, str(s.default)) for s in p.settings}
    return {k: v for k, v in wanted.items() if known.value(k, day, row.territory).value != decimal(v)}


# --- proposed, approved, granted ----------------------------------------------------------------------------------------


@command(may=[Role.PROVINCE])
def propose(*, adoption_id: UUID, origin: Origin) -> UUID:
    """Stand behind an examined adoption; return its id. The measure becomes a candidate in the territory's register of policies.

    Who:     an official of the territory.
    Writes:  the Adoption; the policies' adoption of the measure: candidate, under study.
    Refuses: Absent, ActNotAllowed, NotExamined, VectorsDiffer, NotEligible (market, risk, or nobody has it), InForce, policies.*.
    Source:  article 23: in this order; unknown is never read as met.
    """
    row, p = _home(adoption_id, origin)
    state = advanced(row.state, Act.PROPOSE)
    today = queries.day_of(origin.at)
    examined = Examination.objects.filter(adoption=row).order_by("-n").first()
    if examined is None or examined.about != queries.about(row) or row.digest != p.digest:
        raise NotExamined()
    if not examined.vectors_good:
        raise VectorsDiffer(names=", ".join(v["name"] for v in examined.vectors if not v["good"]))
    require(row, p, today, approval=False)
    free(row, p, today)
    row.proposed_by = origin.actor.person_id
    _candidate(row, p, today, origin)
    move(row, Act.PROPOSE, state, origin, {"digest": examined.digest})
    record("replication.proposed", row.pk, measures=[*p.measures], rules=[f"package:{p.key}"], territory=row.territory, digest=examined.digest)
    return row.pk


def _candidate(row: Adoption, p: Package, today: date, origin: Origin) -> None:
    """Bring the measure to "under study" in the register, from wherever it stands there."""
    if standing(row) in ("candidate", "listed", "refused", "suspended"):
        step(row, p, "ended", today, origin, reason=gettext_noop("taken up again as a copy"))
    policies.begin_copy(
        measure=p.measure, territory=row.territory, source=p.origin, basis=p.basis, since=today, reason=f"package {p.key}", origin=origin
    )
    step(row, p, "under_study", today, origin)


@command(may=[Role.PROVINCE])
def approve(*, adoption_id: UUID, origin: Origin) -> UUID:
    """Approve for the territory what a colleague proposed; return its id. It then lies before the authority.

    Who:     another official of the territory than who proposed it.
    Writes:  the Adoption; the measure: applied for.
    Refuses: Absent, ActNotAllowed, SamePerson.
    """
    row, p = _home(adoption_id, origin)
    state = advanced(row.state, Act.APPROVE)
    if origin.actor.person_id == row.proposed_by:
        raise SamePerson()
    row.approved_by = origin.actor.person_id
    step(row, p, "applied", queries.day_of(origin.at), origin)
    move(row, Act.APPROVE, state, origin, {})
    record("replication.approved", row.pk, measures=[*p.measures], rules=[f"package:{p.key}"], territory=row.territory)
    return row.pk


@command(may=[Role.SUPERVISOR])
def grant(*, adoption_id: UUID, instrument_no: str, scope: str, origin: Origin) -> UUID:
    """Grant the copy as the authority that granted the original; return its id. It goes live on its day.

    Who:     a supervisor of the package's authority, for another territory than its own.
    Units:   `instrument_no` in 1 to 120 characters, `scope` in 1 to 500.
    Writes:  the Adoption; the measure: approved, with instrument, approver, day and scope.
    Refuses: Absent, ActNotAllowed, NotEntitled (the territory's own supervisor, or another authority's), SamePerson, NotEligible, Invalid.
    Source:  article 23 (获得批准); domain notes on oversight §3.3: by who granted the measure originally, never by the territory itself.
    """
    row, p, name = _authority(adoption_id, origin)
    state = advanced(row.state, Act.GRANT)
    _text("instrument_no", instrument_no, 120)
    _text("scope", scope, 500)
    today = queries.day_of(origin.at)
    require(row, p, today, approval=False)
    row.granted_by, row.granted_on = origin.actor.person_id, today
    row.instrument_no, row.approver, row.scope = instrument_no.strip(), name, scope.strip()
    policies.advance_copy(
        measure=p.measure, territory=row.territory, status="approved", since=today, instrument_no=row.instrument_no, approver=name,
        scope=row.scope, reason=f"package {p.key}", evidence_digest=_last_digest(row), origin=origin,
    )  # fmt: skip
    move(row, Act.GRANT, state, origin, {"instrument_no": row.instrument_no, "scope": row.scope})
    record(
        "replication.granted", row.pk, measures=[*p.measures], rules=[f"package:{p.key}"], territory=row.territory,
        instrument_no=row.instrument_no, starts_on=row.starts_on,
    )  # fmt: skip
    return row.pk


@command(may=[Role.SUPERVISOR])
def refuse(*, adoption_id: UUID, reason: str, origin: Origin) -> UUID:
    """Refuse the copy as the authority; return its id. The territory may begin anew.

    Who:     as `grant`.
    Writes:  the Adoption, refused; the measure: refused.
    Refuses: Absent, ActNotAllowed, NotEntitled, Invalid (reason).
    """
    row, p, _ = _authority(adoption_id, origin)
    state = advanced(row.state, Act.REFUSE)
    _text("reason", reason, 500)
    step(row, p, "refused", queries.day_of(origin.at), origin, reason=reason.strip())
    move(row, Act.REFUSE, state, origin, {"reason": reason.strip()})
    record("replication.refused", row.pk, measures=[*p.measures], territory=row.territory, reason=reason.strip())
    return row.pk


@command(may=[Role.PROVINCE])
def drop(*, adoption_id: UUID, reason: str, origin: Origin) -> UUID:
    """Give up an adoption before it is live; return its id.

    Who:     an official of the territory, alone.
    Writes:  the Adoption, dropped; the measure, if it was a candidate: ended.
    Refuses: Absent, ActNotAllowed (it lies before the authority, or is live), Invalid (reason).
    """
    row, p = _home(adoption_id, origin)
    before = State(row.state)
    state = advanced(before, Act.DROP)
    _text("reason", reason, 500)
    if before in (State.PROPOSED, State.GRANTED):
        step(row, p, "ended", queries.day_of(origin.at), origin, reason=reason.strip())
    move(row, Act.DROP, state, origin, {"reason": reason.strip()})
    record("replication.dropped", row.pk, measures=[*p.measures], territory=row.territory, reason=reason.strip())
    return row.pk


# --- the product that a package opens -----------------------------------------------------------------------------------


@command(may=[Role.BANK])
def draft_product(*, adoption_id: UUID, product_id: UUID, changes: dict[str, Any], origin: Origin) -> UUID:
    """Draft the product that a live package opens, for the actor's institution; return the product's id. It is published as any other.

    Who:     an officer of an institution of the territory.
    Units:   `changes` as records.products.policy.Terms: names, summaries and the promise are the institution's own; amounts, tenors and prices may be
             narrower than the package's, never wider. Criteria, measures and territory are the package's.
    Writes:  the Product's Draft.
    Refuses: Absent, ActNotAllowed (not live), NotEntitled (an institution of another territory), Invalid (names the field).
    """
    row = Adoption.objects.filter(pk=adoption_id).first()
    if row is None:
        raise Absent(kind="adoption")
    if row.state != State.LIVE or row.live_from is None or row.live_from > queries.day_of(origin.at):
        name = gettext_noop("Draft this product")
        raise ActNotAllowed(act="draft_product", act_name=name, state=row.state, state_name=STATE_NAMES[State(row.state)])
    institution = origin.actor.party_id
    if institution is None or queries.corridor(parties.party(party_id=institution, viewer=SYSTEM).territory) != row.territory:
        raise NotEntitled(who=gettext_noop("officers of an institution of the territory"))
    p = queries.named(f"{row.package}@{row.version}")
    if unknown := set(changes) - {*NARROWED, *OWN}:
        raise Invalid(field=min(map(str, unknown)), problem=f"it is the package's; only {', '.join((*NARROWED, *OWN))} may be changed")
    for name in NARROWED:
        value = changes.get(name)
        low, high = (p.product[f"{name.split('_')[0]}_{end}_{name.split('_')[2]}"] for end in ("min", "max"))
        if value is not None and (type(value) is not int or not low <= value <= high):
            raise Invalid(field=name, problem=f"a whole number from {low} to {high}")
    products.draft_product(
        product_id=product_id, institution_id=institution, terms={**p.product, "territories": [row.territory], **changes},
        origin=origin.child("product"),
    )  # fmt: skip
    record(
        "replication.product_drafted", product_id, measures=[*p.measures], rules=[f"package:{p.key}"], adoption=row.pk,
        territory=row.territory,
    )  # fmt: skip
    return product_id


# --- shared with live_commands ------------------------------------------------------------------------------------------


def advanced(state: str | None, act: Act) -> State:
    """Where an act leads. Refuses: ActNotAllowed."""
    following = NEXT.get((State(state) if state else None, act))
    if following is None:
        raise ActNotAllowed(
            act=act.value, act_name=ACT_NAMES[act], state=state or "", state_name=STATE_NAMES[State(state)] if state else "-"
        )
    return following


def move(row: Adoption, act: Act, state: State, origin: Origin, data: dict[str, Any]) -> None:
    before = row.state
    row.state, row.changed_at = state.value, origin.at
    row.save()
    note(row, act, before, origin, data)


def note(row: Adoption, act: Act, before: str | None, origin: Origin, data: dict[str, Any]) -> None:
    with as_system():
        number = Step.objects.filter(adoption=row).count() + 1
    Step.objects.create(
        id=uuid4(), adoption=row, n=number, act=act.value, before=before, after=row.state, person=origin.actor.person_id,
        role=str(origin.actor.role), party=origin.actor.party_id, data=to_jsonable_python(data), at=origin.at,
    )  # fmt: skip


def step(row: Adoption, p: Package, status: str, since: date, origin: Origin, *, until: date | None = None, reason: str = "") -> None:
    """Move the measure on in the territory's register of policies."""
    policies.advance_copy(
        measure=p.measure, territory=row.territory, status=status, since=since, until=until, reason=reason or f"package {p.key}",
        origin=origin,
    )  # fmt: skip


def standing(row: Adoption) -> str:
    """Where the measure stands in the territory's register of policies; empty where it is not in it."""
    here = library.adoptions(measure=row.measure, territory=row.territory, viewer=SYSTEM)
    return here[0].status if here else ""


def require(row: Adoption, p: Package, today: date, *, approval: bool) -> None:
    """Refuses: NotEligible, naming what fails and what is not known."""
    fit = queries.eligibility(p, row.territory, today, row=row)
    if (fit.verdict if approval else fit.ready) == "met":
        return
    parts = [fit.market, fit.risk, fit.elsewhere, *([fit.approval] if approval else [])]
    raise NotEligible(
        failing="; ".join(f"{r.zh} / {r.en}" for part in parts for r in part.failing) or "-",
        missing="; ".join(f"{r.zh} / {r.en}" for part in parts for r in part.missing) or "-",
    )


def free(row: Adoption, p: Package, day: date) -> None:
    """Refuses: InForce, when the scene holds in the territory by another adoption, or was put there otherwise."""
    with as_system():
        if any(s.valid_to is None or s.valid_to > day for s in checks.scenes_in_force(territory=row.territory, key=p.scene_key, viewer=SYSTEM)):
            raise InForce(scene=p.scene_key, territory=row.territory)


def locked(adoption_id: UUID) -> tuple[Adoption, Package]:
    if not Adoption.objects.filter(pk=adoption_id).exists():
        raise Absent(kind="adoption")
    # A row that its actor may see but not change is not found for update: the caller said before who may.
    row = Adoption.objects.select_for_update().filter(pk=adoption_id).first()
    if row is None:
        raise NotEntitled(who=gettext_noop("officials of the territory"))
    return row, queries.named(f"{row.package}@{row.version}")


def _home(adoption_id: UUID, origin: Origin) -> tuple[Adoption, Package]:
    row, p = locked(adoption_id)
    if origin.actor.territory != row.territory:
        raise NotEntitled(who=gettext_noop("officials of the territory"))
    return row, p


def _authority(adoption_id: UUID, origin: Origin) -> tuple[Adoption, Package, str]:
    """The adoption for whoever may grant it, and that authority's name."""
    row, p = locked(adoption_id)
    party_id = origin.actor.party_id
    if party_id is None or origin.actor.territory == row.territory:
        raise NotEntitled(who=gettext_noop("the authority that granted it first"))
    party = parties.party(party_id=party_id, viewer=SYSTEM)
    if party.sort not in p.authority_sorts:
        raise NotEntitled(who=gettext_noop("the authority that granted it first"))
    if origin.actor.person_id in (row.proposed_by, row.approved_by):
        raise SamePerson()
    return row, p, party.name_zh or party.name_en


def _last_digest(row: Adoption) -> str:
    with as_system():
        examined = Examination.objects.filter(adoption=row).order_by("-n").first()
    return examined.digest if examined else ""


def _territory(code: str) -> None:
    if code not in territories():
        raise Invalid(field="territory", problem=f"a code of the corridor: {', '.join(sorted(territories()))}")


def _text(field: str, text: str, longest: int) -> None:
    if not isinstance(text, str) or not 0 < len(text.strip()) <= longest or not text.isprintable():
        raise Invalid(field=field, problem=f"1 to {longest} characters")
