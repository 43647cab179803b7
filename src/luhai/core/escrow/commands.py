"""Everything that can be done to an escrow. What terms say and whether they are met is decided in `policy`.

Locks: the escrow's own row; then titles in the order of their ids, evidence in the order of its ids, and one linked ledger batch, last.
Acts on different titles do not touch one another, so doing them title by title keeps the order of the terms within each.

Other subjects arrange with `set_up` and execute with `carry_out`, each within a command of its own: so a lower floor carries out what an
upper floor arranged, and knows nothing but the escrow's id, which `queries.holding` finds by the account that a payment goes to.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid5

from django.db import IntegrityError, transaction

from luhai.core.evidence import commands as evidence
from luhai.core.evidence import queries as evidence_queries
from luhai.core.ledger import commands as ledger
from luhai.core.ledger import queries as accounts
from luhai.core.ledger.policy import Account, Bound, Kind, Transfer
from luhai.core.parties import queries as parties
from luhai.core.rules.criteria import Verdict
from luhai.core.titles import commands as titles
from luhai.core.titles import queries as title_queries
from luhai.kernel.origin import SYSTEM, Origin, Role
from luhai.kernel.refusal import Absent, Invalid, NotEntitled, Refusal, gettext_noop
from luhai.shell.command import command, record
from luhai.shell.context import as_system

from . import policy
from .lifecycle import NEXT, WHO_NAMES, Act, State, Who
from .models import Agreement, Confirmation, Deposit, Escrow, Event, Leg, Outcome, Showing
from .policy import Seen, Terms
from .queries import kept_by, owed_on, seen_of, terms_of

PARTIES: Final = [Role.COMPANY, Role.BANK, Role.PARTNER]
#: The kind of a leg's account.
HELD: Final = "escrow.value"
#: The kind of an account that is opened for a payer who has closed the one to return to.
REFUND: Final = "own.escrow_refund"
#: The kinds of accounts that a party may name: its own books. Another subject that arranges may allow more.
OWN: Final = ("own.",)
#: Study of solutions with smart contracts: conditions that release value by themselves.
MEASURES: Final = ["M10-13"]
#: How many pieces one party may present for one condition.
MOST_SHOWN: Final = 10


class ActNotAllowed(Refusal):
    code = "escrow.act_not_allowed"
    message = gettext_noop("%(act)s is not allowed while the escrow is %(state)s.")


class TermsDiffer(Refusal):
    code = "escrow.terms_differ"
    message = gettext_noop("These are other terms; the digest of this escrow's terms is %(digest)s.")


class DoneBefore(Refusal):
    code = "escrow.done_before"
    message = gettext_noop("Your party has done this before.")


class NotAgreed(Refusal):
    code = "escrow.not_agreed"
    message = gettext_noop("Nothing moves before all have agreed; still to agree: %(missing)s.")


class LegFull(Refusal):
    code = "escrow.leg_full"
    message = gettext_noop("This leg takes %(free)s more; %(asked)s was offered.")


class Due(Refusal):
    code = "escrow.due"
    message = gettext_noop("The time of this escrow ran out at %(expires_at)s.")


class NotDue(Refusal):
    code = "escrow.not_due"
    message = gettext_noop("This escrow runs until %(expires_at)s.")


class ConditionsMet(Refusal):
    code = "escrow.conditions_met"
    message = gettext_noop("All conditions are met: it is to be executed.")


class NotMet(Refusal):
    code = "escrow.not_met"
    message = gettext_noop("Not all conditions are met; open are: %(open)s.")


class Frozen(Refusal):
    code = "escrow.frozen"
    message = gettext_noop("An account of this escrow is frozen; nothing moves meanwhile.")


class ValueLeft(Refusal):
    code = "escrow.value_left"
    message = gettext_noop("The steps would leave %(left)s of %(leg)s in the escrow.")


class StillOwed(Refusal):
    code = "escrow.still_owed"
    message = gettext_noop("%(left)s would still be owed after the steps; the payment does not cover it.")


class NoProof(Refusal):
    code = "escrow.no_proof"
    message = gettext_noop("No evidence was presented for %(condition)s that could be used.")


class NotTheirs(Refusal):
    code = "escrow.not_theirs"
    message = gettext_noop("The evidence for %(condition)s is about somebody who is no party to this escrow.")


class ShownEnough(Refusal):
    code = "escrow.shown_enough"
    message = gettext_noop("Your party has presented %(most)s pieces for this condition; no more are taken.")


# --- arranging ----------------------------------------------------------------------------------------------------------


@command(may=PARTIES)
def arrange(*, escrow_id: UUID, terms: dict[str, Any], origin: Origin) -> UUID:
    """Arrange an escrow; return its id. Nobody is bound before all have agreed, who arranges included.

    Who:     a party to it.
    Units:   see policy.py for the form of `terms`.
    Writes:  the Escrow, its Legs, an account for each.
    Refuses: Invalid (with the path of the first mistake), NotEntitled.
    Source:  domain notes on settlement §7.4.
    """
    read = policy.read(terms)
    if origin.actor.role is not Role.SYSTEM and origin.actor.party_id not in read.parties.values():
        raise NotEntitled(who=WHO_NAMES[Who.PARTY])
    _arrange(escrow_id, read, OWN, origin)
    return escrow_id


def set_up(*, escrow_id: UUID, terms: dict[str, Any], kinds: Collection[str] = OWN, origin: Origin) -> None:
    """Arrange an escrow, as part of the caller's command; whoever asks there need not be a party.

    Who:     the caller answers for the accounts of the `kinds` (beginnings of a kind) that it allows beyond the parties' own books.
    Writes, refuses: as `arrange`.
    """
    _arrange(escrow_id, policy.read(terms), kinds, origin)


def _arrange(escrow_id: UUID, read: Terms, kinds: Collection[str], origin: Origin) -> None:
    if read.expires_at <= origin.at:
        raise Invalid(field="terms.expires_at", problem=gettext_noop("an instant to come"))
    with as_system():
        if Escrow.objects.filter(pk=escrow_id).exists():
            raise Invalid(field="escrow_id", problem=gettext_noop("this id is taken; choose another"))
        _known_parties(read)
        _known_accounts(read, kinds)
        legs = [
            Leg(
                escrow_id=escrow_id, name=leg.name, account=uuid5(escrow_id, f"leg {leg.name}"), source=leg.account,
                payer_id=read.parties[leg.payer], unit=leg.unit,
            )
            for leg in read.value
        ]  # fmt: skip
        row = Escrow(
            id=escrow_id, terms=policy.as_json(read), digest=policy.digest(read), template=read.template,
            parties=sorted(read.parties.values()), arbiter=read.parties[read.arbiter] if read.arbiter else None,
            expires_at=read.expires_at, arranged_at=origin.at, acted_at=origin.at,
        )  # fmt: skip
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError:
            raise Invalid(
                field="escrow_id", problem=gettext_noop("this id is taken; choose another")
            ) from None
        Leg.objects.bulk_create(legs)
        _note(row, Act.ARRANGE, origin, {"digest": row.digest, "template": row.template})
        ledger.open_accounts(
            [
                Account(id=leg.account, unit=leg.unit, kind=HELD, owner_id=leg.payer_id, bound=Bound.DEBITS)
                for leg in legs
            ],
            at=origin.at,
        )


def _known_parties(terms: Terms) -> None:
    """Refuse parties and sources that are not registered."""
    wanted = {f"terms.parties.{name}": id_ for name, id_ in terms.parties.items()}
    for n, condition in enumerate(terms.conditions):
        if isinstance(condition.asks, policy.Evidence) and condition.asks.sources is not None:
            for place, source in enumerate(condition.asks.sources):
                wanted[f"terms.conditions[{n}].evidence.sources[{place}]"] = source
    for at, id_ in wanted.items():
        try:
            parties.party(party_id=id_, viewer=SYSTEM)
        except Absent:
            raise Invalid(field=at, problem=gettext_noop("a registered party")) from None


def _known_accounts(terms: Terms, kinds: Collection[str]) -> None:
    """Refuse accounts that are not what the terms say. Why not is not told: they may be somebody else's."""
    for n, leg in enumerate(terms.value):
        found = _account(leg.account)
        payer = terms.parties[leg.payer]
        if found is None or (found.unit, found.owner_id) != (leg.unit, payer) or not _usable(found, kinds):
            raise Invalid(
                field=f"terms.value[{n}].account",
                problem=gettext_noop("an open account of the payer's own, in this unit"),
            )
    arbiter = terms.parties[terms.arbiter] if terms.arbiter else None
    for n, step in enumerate(terms.steps):
        if not isinstance(step, policy.Posting):
            continue
        found = _account(step.to)
        own = found is not None and found.kind.startswith(OWN)
        if (
            found is None
            or found.unit != terms.leg(step.leg).unit
            or not _usable(found, kinds)
            or (own and found.owner_id not in terms.parties.values())
        ):
            raise Invalid(
                field=f"terms.steps[{n}].to",
                problem=gettext_noop("an open account of a party's own, in the unit of the leg"),
            )
        if arbiter is not None and found.owner_id == arbiter:
            raise Invalid(
                field=f"terms.steps[{n}].to",
                problem=gettext_noop(
                    "an account that is not the arbiter's, who takes nothing from the escrow"
                ),
            )


def _account(account_id: UUID) -> accounts.AccountView | None:
    try:
        return accounts.account(account_id=account_id, viewer=SYSTEM)
    except Absent:
        return None


def _usable(account: accounts.AccountView, kinds: Collection[str]) -> bool:
    return account.state != "closed" and account.kind.startswith(tuple(kinds))


# --- what the parties do before it ends -----------------------------------------------------------------------------------


@command(may=PARTIES)
def agree(*, escrow_id: UUID, digest: str, origin: Origin) -> UUID:
    """Agree to the terms with this digest; return the escrow's id.

    Who:     each party, once.
    Refuses: Absent, TermsDiffer, DoneBefore, ActNotAllowed, Due.
    """
    row, terms, party = _for_act(escrow_id, Act.AGREE, origin, all_agreed=False)
    if digest != row.digest:
        raise TermsDiffer(digest=row.digest)
    if Agreement.objects.filter(escrow=row, party_id=party).exists():
        raise DoneBefore()
    Agreement.objects.create(
        escrow=row, party_id=party, person=origin.actor.person_id, digest=digest, at=origin.at
    )
    _go_on(row, terms, Act.AGREE, origin, {"digest": digest})
    return escrow_id


@command(may=PARTIES)
def fund(*, escrow_id: UUID, leg: str, amount: int | None = None, origin: Origin) -> UUID:
    """Pay into a leg from the payer's account named in the terms; return the escrow's id.

    Who:     the payer of the leg, to whom the account belongs.
    Units:   whole units of the leg; None: all that it still takes.
    Writes:  a transfer. It is funded when every leg holds what it must and every title is kept.
    Refuses: Absent, Invalid, NotEntitled, NotAgreed, LegFull, Due, ActNotAllowed, ledger.* (too little on the account, frozen …).
    """
    row, terms, party = _for_act(escrow_id, Act.FUND, origin)
    if leg not in {known.name for known in terms.value}:
        raise Invalid(field="leg", problem=f"one of {', '.join(known.name for known in terms.value)}")
    said = terms.leg(leg)
    if terms.parties[said.payer] != party:
        raise NotEntitled(who=WHO_NAMES[Who.PAYER])
    free = said.amount - seen_of(row).held[leg]
    asked = free if amount is None else amount
    if isinstance(asked, bool) or not isinstance(asked, int) or (amount is not None and asked <= 0):
        raise Invalid(field="amount", problem=gettext_noop("a whole number above zero"))
    if not 0 < asked <= free:
        raise LegFull(free=free, asked=asked)
    coming = Transfer(
        id=_transfer_id(row, origin, 0), debit=said.account, credit=_leg_account(row, leg), unit=said.unit, amount=asked,
        code="escrow.fund", subject=row.pk,
    )  # fmt: skip
    _go_on(row, terms, Act.FUND, origin, {"leg": leg, "amount": asked}, incoming=[coming])
    ledger.post_all([coming], at=origin.at)
    return escrow_id


@command(may=PARTIES)
def deposit_title(*, escrow_id: UUID, title_id: UUID, origin: Origin) -> UUID:
    """Hand over a title; the escrow alone acts on it from now on. Return the escrow's id.

    Who:     whom the terms name for it: its holder, or a pledgee of it.
    Refuses: Absent, Invalid (not a title of these terms), NotEntitled, DoneBefore, NotAgreed, Due, ActNotAllowed; and what handing
             over refuses (titles.kept, titles.act_not_allowed, not_entitled).
    """
    row, terms, party = _for_act(escrow_id, Act.DEPOSIT, origin)
    named = {terms.parties[h.by] for h in terms.titles if h.title == title_id}
    if not named:
        raise Invalid(field="title_id", problem=gettext_noop("a title that the terms name"))
    if party not in named:
        raise NotEntitled(who=WHO_NAMES[Who.DEPOSITOR])
    if (title_id, party) in kept_by(row):
        raise DoneBefore()
    titles.keep_title(title_id=title_id, keeper=row.pk, origin=origin)
    Deposit.objects.create(escrow=row, title_id=title_id, party_id=party, at=origin.at)
    _go_on(row, terms, Act.DEPOSIT, origin, {"title": str(title_id)})
    return escrow_id


@command(may=PARTIES)
def present(*, escrow_id: UUID, condition: str, evidence_id: UUID, origin: Origin) -> UUID:
    """Present evidence, as it is now, for a condition; return the escrow's id. It may meet it or not; both are seen at once.

    Who:     a party who may see the evidence.
    Writes:  which version was shown. Amended or taken back later, it meets nothing any more.
    Refuses: Absent (escrow, or evidence), Invalid (no condition of evidence), DoneBefore, ShownEnough, NotAgreed, Due, ActNotAllowed.
    """
    row, terms, party = _for_act(escrow_id, Act.PRESENT, origin)
    _named(terms, condition, policy.Evidence)
    facts = evidence_queries.facts(evidence_id=evidence_id, viewer=origin.actor)
    shown = Showing.objects.filter(escrow=row, condition=condition)
    if shown.filter(evidence_id=evidence_id, version=facts.version).exists():
        raise DoneBefore()
    if shown.filter(party_id=party).count() >= MOST_SHOWN:
        raise ShownEnough(most=MOST_SHOWN)
    Showing.objects.create(
        escrow=row, condition=condition, evidence_id=evidence_id, version=facts.version, party_id=party, at=origin.at
    )  # fmt: skip
    said = {"condition": condition, "evidence": str(evidence_id), "version": facts.version}
    _go_on(row, terms, Act.PRESENT, origin, said)
    return escrow_id


@command(may=PARTIES)
def confirm(*, escrow_id: UUID, condition: str, origin: Origin) -> UUID:
    """Consent, for a condition that asks for it; return the escrow's id.

    Who:     a party whose consent it asks for, once.
    Refuses: Absent, Invalid (no condition of consent), NotEntitled, DoneBefore, NotAgreed, Due, ActNotAllowed.
    """
    row, terms, party = _for_act(escrow_id, Act.CONFIRM, origin)
    asks = _named(terms, condition, policy.Consent)
    assert isinstance(asks, policy.Consent)
    if terms.name_of(party) not in asks.of:
        raise NotEntitled(who=WHO_NAMES[Who.CONFIRMER])
    if Confirmation.objects.filter(escrow=row, condition=condition, party_id=party).exists():
        raise DoneBefore()
    Confirmation.objects.create(escrow=row, condition=condition, party_id=party, at=origin.at)
    _go_on(row, terms, Act.CONFIRM, origin, {"condition": condition})
    return escrow_id


@command(may=PARTIES)
def dispute(*, escrow_id: UUID, reason: str, origin: Origin) -> UUID:
    """Object, so that nothing moves until the arbiter has decided; return the escrow's id.

    Who:     a party. Once its time has run out only while all conditions are met: then it would not expire either.
    Refuses: Absent, Invalid (no reason), Due, ActNotAllowed.
    """
    row, terms, _party = _for_act(escrow_id, Act.DISPUTE, origin, in_time=False)
    said = _reason(reason)
    if origin.at >= row.expires_at and not _met(terms, seen_of(row)):
        raise Due(expires_at=row.expires_at.isoformat())
    _move(row, Act.DISPUTE, State.DISPUTED, origin, {"reason": said})
    return escrow_id


def _named(terms: Terms, condition: str, sort: type) -> policy.Evidence | policy.Payment | policy.Consent:
    names = [c.name for c in terms.conditions if isinstance(c.asks, sort)]
    if condition not in names:
        raise Invalid(
            field="condition", problem=f"one of {', '.join(names)}" if names else "nothing: there is none"
        )
    return terms.condition(condition).asks


def _reason(reason: str) -> str:
    if not isinstance(reason, str) or not 0 < len(reason.strip()) <= 400:
        raise Invalid(field="reason", problem=gettext_noop("a text of 1 to 400 characters"))
    return reason.strip()


# --- how it ends ------------------------------------------------------------------------------------------------------------


@command(may=PARTIES)
def execute(*, escrow_id: UUID, origin: Origin) -> UUID:
    """Move everything as the terms say, at once and once; return the escrow's id.

    Who:     a party, or the system.
    Writes:  title acts and returns, uses of evidence, one linked ledger batch, the Outcome with the proof of every condition.
    Refuses: Absent, NotMet (every condition is looked at again), Frozen, ValueLeft, NotTheirs, ActNotAllowed; and what a title act,
             a use of evidence (evidence.used_up …) or a posting (ledger.*) refuses. Then nothing has moved.
    Source:  domain notes on settlement §7.4, §7.6.
    """
    _seen_by_actor(escrow_id)
    carry_out(escrow_id=escrow_id, origin=origin)
    return escrow_id


@dataclass(frozen=True, slots=True)
class Used:
    """A use of evidence that the caller of `carry_out` adds to those of the terms (see evidence.commands.draw)."""

    use_id: UUID
    evidence_id: UUID
    purpose: str
    amount: int
    currency: str
    user_id: UUID


def carry_out(
    *, escrow_id: UUID, incoming: Sequence[Transfer] = (), uses: Sequence[Used] = (), origin: Origin
) -> None:
    """Execute an escrow as part of the caller's command, whoever asks there.

    Who:     another subject, whose own command has decided that it may.
    Units:   `incoming` are the caller's transfers for this escrow (posts of a fixed amount). They go first in the same linked
             batch, and payment conditions count those that go into a leg: a payment and what it sets off move together or not at all.
             Transfers to other accounts may stand before them (an exchange). `uses` are drawn with those of the terms, in their order.
    Writes, refuses: as `execute`. A refusal is to be the caller's too; who wants to go on without it calls this in a command of
             its own (`origin.child`), so that neither rows nor events of what was refused remain.
    """
    assert all(t.kind is Kind.POST and not t.up_to and t.amount for t in incoming), incoming
    with transaction.atomic(), as_system():
        row, terms = _locked(escrow_id, Act.EXECUTE)
        seen = seen_of(row, incoming)
        judged = policy.judge(terms, seen)
        if policy.verdict_of(judged) is not Verdict.MET:
            open_ = {j.name: j.word for j in judged if j.verdict is not Verdict.MET}
            raise NotMet(open=", ".join(open_), words=open_)
        proof = {"conditions": {j.name: dict(j.proof) for j in judged}}
        _execute(row, terms, seen, Act.EXECUTE, proof, incoming, uses, origin)


@command(may=PARTIES)
def withdraw(*, escrow_id: UUID, reason: str, origin: Origin) -> UUID:
    """Withdraw a draft; everything goes back to where it came from. Return the escrow's id.

    Who:     a party, as long as not everything is in.
    Refuses: Absent, Invalid (no reason), Frozen, ActNotAllowed.
    """
    row, _terms, _party = _for_act(escrow_id, Act.WITHDRAW, origin, all_agreed=False, in_time=False)
    said = _reason(reason)
    with as_system():
        _give_back(row, Act.WITHDRAW, State.RETURNED, {"reason": said}, origin)
    return escrow_id


@command(may=[*PARTIES, Role.OPERATOR])
def expire(*, escrow_id: UUID, origin: Origin) -> UUID:
    """End an escrow whose time has run out; everything goes back to where it came from. Return the escrow's id.

    Who:     a party, an operator, or the system.
    Refuses: Absent, NotDue, ConditionsMet (it is to be executed), Frozen, ActNotAllowed.
    """
    _seen_by_actor(escrow_id)
    with as_system():
        row, terms = _locked(escrow_id, Act.EXPIRE)
        if origin.at < row.expires_at:
            raise NotDue(expires_at=row.expires_at.isoformat())
        if row.state != State.DRAFT and _met(terms, seen_of(row)):
            raise ConditionsMet()
        due = {"expires_at": row.expires_at.isoformat()}
        _give_back(row, Act.EXPIRE, State.EXPIRED, due, origin)
    return escrow_id


#: What a decision on a dispute may be.
DECISIONS: Final = ("execute", "return")


@command(may=[*PARTIES, Role.SUPERVISOR])
def settle_dispute(*, escrow_id: UUID, decision: str, reason: str, origin: Origin) -> UUID:
    """Decide a dispute: `execute` as the terms say though a condition may be open, or `return` everything. Return the escrow's id.

    Who:     the arbiter whom the terms name; a supervisor where they name none. The decision stands as the proof of the outcome.
    Refuses: Absent, Invalid, NotEntitled, Frozen, NoProof (a step uses evidence, and none was presented), ActNotAllowed; and what
             execution refuses.
    """
    row = Escrow.objects.filter(pk=escrow_id).first()
    if row is None:
        raise Absent(kind="escrow")
    mine = (
        origin.actor.role is Role.SUPERVISOR if row.arbiter is None else origin.actor.party_id == row.arbiter
    )
    if not mine:
        raise NotEntitled(who=WHO_NAMES[Who.ARBITER])
    if decision not in DECISIONS:
        raise Invalid(field="decision", problem=f"one of {', '.join(DECISIONS)}")
    proof: dict[str, Any] = {
        "decision": decision,
        "reason": _reason(reason),
        "by": str(origin.actor.party_id),
    }
    with as_system():
        row, terms = _locked(escrow_id, Act.SETTLE)
        if decision == "return":
            _give_back(row, Act.SETTLE, State.RETURNED, proof, origin)
        else:
            seen = seen_of(row)
            proof["conditions"] = {j.name: j.word for j in policy.judge(terms, seen)}
            _execute(row, terms, seen, Act.SETTLE, proof, (), (), origin)
    return escrow_id


def _execute(
    row: Escrow, terms: Terms, seen: Seen, act: Act, proof: dict[str, Any], incoming: Sequence[Transfer],
    more: Sequence[Used], origin: Origin,
) -> None:  # fmt: skip
    """Titles, evidence, then the ledger; all of it or, by the refusal of any, none."""
    legs = {leg.name: leg.account for leg in row.legs.all()}
    _none_frozen({*legs.values(), *(leg.account for leg in terms.value), *(p.to for p in terms.postings)})
    for title in terms.title_ids:
        _act_on(row, terms, title, origin)
    uses = list(more)
    for n, use in enumerate(terms.uses):
        paper = _paper(terms, use, seen, act)
        uses.append(
            Used(
                uuid5(row.pk, f"use {n}"),
                paper.id,
                use.purpose,
                use.amount,
                use.currency,
                terms.parties[use.user],
            )
        )
    for used in sorted(uses, key=lambda u: u.evidence_id):  # the order of the terms within each
        evidence.draw(
            use_id=used.use_id, evidence_id=used.evidence_id, purpose=used.purpose, amount=used.amount, currency=used.currency,
            user_id=used.user_id, origin=origin,
        )  # fmt: skip
    asked = [
        Transfer(
            id=_transfer_id(row, origin, n), debit=legs[p.leg], credit=p.to, unit=terms.leg(p.leg).unit,
            amount=p.amount or p.up_to or max(seen.held[p.leg], 1), up_to=p.amount is None, code=p.code, subject=row.pk,
        )
        for n, p in enumerate(terms.postings)
    ]  # fmt: skip
    moved = ledger.post_all([*incoming, *asked], at=origin.at)[len(incoming) :]
    for name, balance in _balances(legs).items():
        if balance.available:
            raise ValueLeft(leg=name, left=balance.available)
    if act is Act.EXECUTE and (left := sum(owed_on(terms.covered).values())):
        raise StillOwed(left=left)
    told = [
        {"leg": p.leg, "to": str(p.to), "amount": o.amount, "code": p.code, "transfer": str(o.id)}
        for p, o in zip(terms.postings, moved, strict=True)
    ]
    _end(row, act, State.EXECUTED, proof, told, origin)


def _act_on(row: Escrow, terms: Terms, title: UUID, origin: Origin) -> None:
    """Do the acts of the terms on one title, then give it back, or its parts as far as the escrow still keeps them."""
    parts: list[UUID] = []
    touched = {title}
    for step in terms.acts_on(title):
        subject = title if step.part is None else parts[step.part - 1]
        made = titles.act_as_keeper(
            title_id=subject, keeper=row.pk, act=step.act, details=terms.details_of(step), origin=origin
        )
        touched |= set(made)
        if made != [subject] and step.part is None:
            parts = made
    for key in sorted(touched):
        if key == title or title_queries.title(title_id=key, viewer=SYSTEM).keeper == row.pk:
            titles.return_title(title_id=key, keeper=row.pk, origin=origin)


def _paper(terms: Terms, use: policy.Use, seen: Seen, act: Act) -> policy.Paper:
    """The evidence that a step uses: what met its condition; by decision of an arbiter, what was presented first and still stands."""
    papers = seen.papers.get(use.condition, ())
    found = policy.meeting(terms, use.condition, papers)
    if found is None and act is Act.SETTLE:
        found = next((p for p in papers if not p.cancelled), None)
    if found is None:
        raise NoProof(condition=use.condition)
    # A use needs the agreement of whom the evidence is about: as a party it has agreed to these terms.
    if found.subject not in terms.parties.values():
        raise NotTheirs(condition=use.condition)
    return found


def _give_back(row: Escrow, act: Act, state: State, proof: dict[str, Any], origin: Origin) -> None:
    """Every title to whoever handed it over, every leg to the account it came from."""
    legs = {leg.name: leg for leg in row.legs.all()}
    _none_frozen({key for leg in legs.values() for key in (leg.account, leg.source)})
    for title in sorted({title for title, _party in kept_by(row)}):
        titles.return_title(title_id=title, keeper=row.pk, origin=origin)
    held = _balances({name: leg.account for name, leg in legs.items()})
    back: list[tuple[str, Transfer]] = []
    for n, (name, balance) in enumerate(sorted(held.items())):
        if balance.available:
            transfer = Transfer(
                id=_transfer_id(row, origin, n), debit=legs[name].account, credit=_way_back(legs[name], origin),
                unit=legs[name].unit, amount=balance.available, code="escrow.return", subject=row.pk,
            )  # fmt: skip
            back.append((name, transfer))
    moved = ledger.post_all([t for _, t in back], at=origin.at)
    told = [
        {"leg": name, "to": str(t.credit), "amount": o.amount, "code": t.code, "transfer": str(o.id)}
        for (name, t), o in zip(back, moved, strict=True)
    ]
    _end(row, act, state, proof, told, origin)


def _way_back(leg: Leg, origin: Origin) -> UUID:
    """The account that a leg came from; if its owner has closed it, a new one of the owner's: nobody blocks the others' return."""
    source = accounts.balances(account_ids=[leg.source], viewer=SYSTEM)[leg.source]
    if source.state != "closed":
        return leg.source
    made = Account(
        id=uuid5(leg.account, "refund"), unit=leg.unit, kind=REFUND, owner_id=leg.payer_id, bound=Bound.DEBITS
    )  # fmt: skip
    ledger.open_accounts([made], at=origin.at)
    return made.id


def _none_frozen(touched: Collection[UUID]) -> None:
    """Nothing is released while an account of a party is frozen; a frozen title refuses its acts itself."""
    found = accounts.balances(account_ids=touched, viewer=SYSTEM)
    if frozen := sorted(str(key) for key, balance in found.items() if balance.state == "frozen"):
        raise Frozen(accounts=frozen)


# --- inside -----------------------------------------------------------------------------------------------------------------


def _for_act(
    escrow_id: UUID, act: Act, origin: Origin, *, all_agreed: bool = True, in_time: bool = True
) -> tuple[Escrow, Terms, UUID]:
    """Lock, then who, then whether: for the acts of parties."""
    row, terms = _locked(escrow_id, None)
    party = origin.actor.party_id
    if party is None or party not in terms.parties.values():
        raise NotEntitled(who=WHO_NAMES[Who.PARTY])
    _allowed(row, act)
    if in_time and origin.at >= row.expires_at:
        raise Due(expires_at=row.expires_at.isoformat())
    if all_agreed and (missing := _missing(row, terms)):
        raise NotAgreed(missing=", ".join(missing))
    return row, terms, party


def _locked(escrow_id: UUID, act: Act | None) -> tuple[Escrow, Terms]:
    row = Escrow.objects.select_for_update().filter(pk=escrow_id).first()
    if row is None:
        raise Absent(kind="escrow")
    if act is not None:
        _allowed(row, act)
    return row, terms_of(row)


def _allowed(row: Escrow, act: Act) -> None:
    if (State(row.state), act) not in NEXT:
        raise ActNotAllowed(act=str(act), state=row.state)


def _seen_by_actor(escrow_id: UUID) -> None:
    """Refuse whoever neither is a party nor oversees all: the policies of the tables let them see nothing."""
    if not Escrow.objects.filter(pk=escrow_id).exists():
        raise Absent(kind="escrow")


def _missing(row: Escrow, terms: Terms) -> list[str]:
    agreed = set(Agreement.objects.filter(escrow=row).values_list("party_id", flat=True))
    return [name for name, id_ in terms.parties.items() if id_ not in agreed]


def _met(terms: Terms, seen: Seen) -> bool:
    return policy.verdict_of(policy.judge(terms, seen)) is Verdict.MET


def _go_on(
    row: Escrow, terms: Terms, act: Act, origin: Origin, data: Mapping[str, Any], *, incoming: Sequence[Transfer] = ()
) -> None:  # fmt: skip
    """The state after an act that brought something in."""
    state, seen = State(row.state), seen_of(row, incoming)
    if state is State.DRAFT and not _missing(row, terms) and policy.funded(terms, seen.held, kept_by(row)):
        state = State.FUNDED
    if state is State.FUNDED and _met(terms, seen):
        state = State.MET
    _move(row, act, state, origin, data)


def _move(row: Escrow, act: Act, state: State, origin: Origin, data: Mapping[str, Any]) -> None:
    assert state in NEXT[State(row.state), act], (row.state, act, state)
    row.state, row.acted_at, row.n = state, origin.at, row.n + 1
    row.save(update_fields=["state", "acted_at", "n"])
    _note(row, act, origin, data)


def _note(row: Escrow, act: Act, origin: Origin, data: Mapping[str, Any]) -> None:
    """Write the step down, in the escrow's own history and in the journal."""
    Event.objects.create(
        escrow=row, n=row.n, act=act, after=row.state, actor_party=origin.actor.party_id, person=origin.actor.person_id,
        data=dict(data), at=origin.at,
    )  # fmt: skip
    record(f"escrow.{act}", row.pk, measures=MEASURES, after=row.state, **data)


def _end(
    row: Escrow, act: Act, state: State, proof: Mapping[str, Any], moved: list[dict[str, Any]], origin: Origin
) -> None:
    Outcome.objects.create(escrow=row, state=state, cause=act, proof=dict(proof), moved=moved, at=origin.at)
    _move(row, act, state, origin, {"proof": dict(proof), "moved": moved})


def _balances(legs: Mapping[str, UUID]) -> dict[str, accounts.Balance]:
    found = accounts.balances(account_ids=legs.values(), viewer=SYSTEM)
    return {name: found[account] for name, account in legs.items()}


def _leg_account(row: Escrow, leg: str) -> UUID:
    return Leg.objects.values_list("account", flat=True).get(escrow=row, name=leg)


def _transfer_id(row: Escrow, origin: Origin, n: int) -> UUID:
    """From the attempt: an id that was refused once is refused for ever."""
    return uuid5(row.pk, f"{origin.actor.person_id} {origin.key} {n}")
