"""What each act does to a title, decided without a database.

    details = read_details(Act.TRANSFER, {"to": "…"})            # every field checked; refuses Invalid
    party = entitled(control, pledges, act, details, party, …)   # for whom the act is done; refuses NotEntitled
    step = perform(control, pledges, act, details)               # what comes of it; refuses what the rules forbid

`Control` is everything that decides: who is in control, who is entitled, what is pledged. Quantities are whole units of the title
(kilograms, fen …). Sources stand in `lifecycle.RULES`, act by act; TradeTrust's rules for nominee and previous parties in
domain notes §4.5.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID, uuid5

import rfc8785

from luhai.kernel.money import MAX_MINOR, Currency
from luhai.kernel.refusal import Absent, Invalid, NotEntitled, Refusal, gettext_noop

from .lifecycle import ACT_NAMES, FINAL, NEXT, RULES, STATE_NAMES, WHO_NAMES, Act, Form, Kind, State, Who
from .subjects import flag, part, text

MOST_PARTS: Final = 100


class ActNotAllowed(Refusal):
    """Facts: `act` and `state` for programs; the same in words, translated with the message, as `kind` and `problem`."""

    code = "titles.act_not_allowed"
    message = gettext_noop("“%(kind)s” is not possible while the title is %(problem)s.")

    def __init__(self, act: Act, state: State) -> None:
        super().__init__(act=act.value, state=state.value, kind=ACT_NAMES[act], problem=STATE_NAMES[state])


class NotTransferable(Refusal):
    code = "titles.not_transferable"
    message = gettext_noop("A straight title cannot be endorsed or pledged; control passes to its beneficiary only.")


class NotNominated(Refusal):
    code = "titles.not_nominated"
    message = gettext_noop("A holder who is not the beneficiary endorses only to whom the beneficiary has nominated.")


class NothingToReject(Refusal):
    code = "titles.nothing_to_reject"
    message = gettext_noop("A transfer can be rejected only by the one it appointed, and only as the very next act.")


class NotFree(Refusal):
    code = "titles.not_free"
    message = gettext_noop("Only %(free)s is free of pledges; %(asked)s was asked.")


class NotConserved(Refusal):
    code = "titles.not_conserved"
    message = gettext_noop("The parts add up to %(parts)s, not to %(quantity)s.")


class SplitFirst(Refusal):
    code = "titles.split_first"
    message = gettext_noop("This needs the whole of the title; split it first.")


class Indivisible(Refusal):
    code = "titles.indivisible"
    message = gettext_noop("This bill cannot be split.")


class NeedsEvidence(Refusal):
    code = "titles.needs_evidence"
    message = gettext_noop("Each transfer of a voucher names the evidence of its trade.")


class BackToIssuer(Refusal):
    code = "titles.back_to_issuer"
    message = gettext_noop("A voucher does not return to its issuer in a transfer; surrender it for payment.")


class NoForfeiture(Refusal):
    code = "titles.no_forfeiture"
    message = gettext_noop("A pledgee acquires what is pledged only at an agreed value; otherwise by sale or auction.")


class AffiliatedWarehouse(Refusal):
    code = "titles.affiliated_warehouse"
    message = gettext_noop(
        "The warehouse is the pledgor itself. Say so in the pledge (affiliated), for the pledgee to know and decide."
    )


class DoNotFit(Refusal):
    code = "titles.do_not_fit"
    message = gettext_noop("These are not parts of one title in one hand that touch.")


class Kept(Refusal):
    code = "titles.kept"
    message = gettext_noop("An escrow keeps this title; nobody else acts on it meanwhile.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """Everything about a title that its acts look at and change. `n` counts its events so far."""

    id: UUID
    kind: Kind
    n: int
    state: State
    state_before: State | None
    form: Form
    prev_form: Form | None
    issuer_id: UUID
    holder_id: UUID
    beneficiary_id: UUID
    nominee_id: UUID | None
    prev_holder_id: UUID | None
    prev_beneficiary_id: UUID | None
    quantity: int
    delivered: int
    pledged: int
    asked: int
    version: int
    content_digest: str
    paper_no: str
    keeper: UUID | None
    kept_control: bool
    kept_pledgees: tuple[UUID, ...]

    @property
    def free(self) -> int:
        return self.quantity - self.pledged

    @property
    def owner_in_control(self) -> bool:
        return self.holder_id == self.beneficiary_id


@dataclass(frozen=True, slots=True)
class Pledge:
    """A live pledge on a quantity of its own. `taken`: its pledgee has acted on it, and so accepted it."""

    id: UUID
    pledgee_id: UUID
    quantity: int
    taken: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A title that begins where another ends: `offset` units into it."""

    id: UUID
    offset: int
    quantity: int
    owner_id: UUID
    pledges: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """What comes of an act: the title after it, pledges begun, taken up and reduced, parts that begin."""

    control: Control
    pledge: Pledge | None = None
    taken: tuple[UUID, ...] = ()  # pledges on which their pledgee acts for the first time
    reduced: tuple[tuple[UUID, int, str], ...] = ()  # pledge, by how much, how: released, refused, enforced, void
    parts: tuple[Part, ...] = ()
    delivered: int = 0
    effect: Mapping[str, Any] = field(default_factory=dict)


# --- what an act says -----------------------------------------------------------------------------------------------

MANNERS: Final = ("to_order", "named", "in_blank")
GROUNDS: Final = ("sale", "auction", "agreed_value")
REASONS: Final = ("amendment", "paper", "change_of_destination", "switch")


def _party(field_: str, value: Any) -> str:
    try:
        return str(value if isinstance(value, UUID) else UUID(value))
    except (ValueError, TypeError, AttributeError):
        raise Invalid(field=field_, problem="an id, such as 6f1c…") from None


def _quantity(field_: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= MAX_MINOR:
        raise Invalid(field=field_, problem=f"a whole number from 1 to {MAX_MINOR}")
    return value


def _text(field_: str, value: Any) -> str:
    return text(field_, value, 200)


def _word(*words: str) -> Callable[[str, Any], str]:
    def read(field_: str, value: Any) -> str:
        if value not in words:
            raise Invalid(field=field_, problem=f"one of {', '.join(words)}")
        return str(value)

    return read


def _list(field_: str, value: Any) -> list[Any]:
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= MOST_PARTS:
        raise Invalid(field=field_, problem=f"a list of 1 to {MOST_PARTS}")
    return list(value)


def _digest(field_: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) != 64 or set(value) - set("0123456789abcdef"):
        raise Invalid(field=field_, problem="64 hexadecimal digits")
    return value


#: act -> field -> (needed, how it is read). Nothing else may be said.
DETAILS: Final[Mapping[Act, Mapping[str, tuple[bool, Callable[[str, Any], Any]]]]] = MappingProxyType({
    Act.NOMINATE: {"to": (True, _party)},
    Act.ENDORSE: {"manner": (False, _word(*MANNERS)), "to": (False, _party), "evidence": (False, _text)},
    Act.TRANSFER: {"to": (True, _party), "beneficiary": (False, _party), "evidence": (False, _text)},
    Act.REJECT: {},
    Act.PLEDGE: {
        "pledgee": (True, _party), "quantity": (False, _quantity), "secured_minor": (False, _quantity),
        "currency": (False, _word(*Currency)), "registration": (False, _text), "affiliated": (False, flag),
    },
    Act.REFUSE_PLEDGE: {"pledge": (True, _party), "reason": (False, _text)},
    Act.RELEASE_PLEDGE: {"pledge": (True, _party), "quantity": (False, _quantity)},
    Act.ENFORCE: {
        "pledge": (True, _party), "to": (True, _party), "ground": (True, _word(*GROUNDS)), "document": (True, _text),
    },
    Act.SPLIT: {"parts": (True, lambda f, v: [_quantity(f"{f}.{n}", q) for n, q in enumerate(_list(f, v))])},
    Act.MERGE: {"others": (True, lambda f, v: [_party(f"{f}.{n}", q) for n, q in enumerate(_list(f, v))])},
    Act.SURRENDER: {"quantity": (False, _quantity)},
    Act.SURRENDER_FOR_AMENDMENT: {"reason": (True, _word(*REASONS))},
    Act.ACCEPT_SURRENDER: {},
    Act.REFUSE_SURRENDER: {"reason": (True, _text)},
    Act.AMEND: {"content": (True, _digest), "statement": (True, _text)},
    Act.TO_PAPER: {"paper_no": (True, _text), "statement": (True, _text)},
    Act.TO_ELECTRONIC: {"paper_no": (True, _text), "to": (True, _party), "statement": (True, _text)},
    Act.KEEP: {"keeper": (True, _party)},
    Act.RETURN: {"keeper": (True, _party)},
    Act.FREEZE: {"document": (True, _text), "reason": (True, _text)},
    Act.UNFREEZE: {"document": (True, _text), "reason": (True, _text)},
    Act.VOID: {"document": (True, _text), "reason": (True, _text)},
})  # fmt: skip


def read_details(act: Act, given: Mapping[str, Any]) -> dict[str, Any]:
    """The details of an act, every field checked, empty ones left out. Refuses: Invalid (names the field)."""
    fields = DETAILS[act]
    for name in given:
        if name not in fields:
            raise Invalid(field=name, problem=f"one of {', '.join(fields)}" if fields else "nothing")
    read: dict[str, Any] = {}
    for name, (needed, reader) in fields.items():
        if given.get(name) is not None:
            read[name] = reader(name, given[name])
        elif needed:
            raise Invalid(field=name, problem="needed")
    if act is Act.PLEDGE and ("secured_minor" in read) != ("currency" in read):
        raise Invalid(field="currency", problem="with secured_minor, and only with it")
    return read


def content_digest(content: Mapping[str, Any]) -> str:
    """SHA-256 of what the document says, in canonical JSON (RFC 8785). INV-OB-3: one version, one digest."""
    try:
        return hashlib.sha256(rfc8785.dumps(dict(content))).hexdigest()
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError):
        raise Invalid(field="content", problem="JSON with whole numbers up to 2**53 - 1 and texts in Unicode") from None


# --- who may --------------------------------------------------------------------------------------------------------


def relations(control: Control, pledges: Sequence[Pledge], party: UUID | None) -> frozenset[Who]:
    """What a party is to a title."""
    if party is None:
        return frozenset()
    holder, beneficiary = party == control.holder_id, party == control.beneficiary_id
    pledgee = any(p.pledgee_id == party for p in pledges)
    offeree = any(p.pledgee_id == party and not p.taken for p in pledges)
    found = {
        Who.ISSUER: party == control.issuer_id, Who.HOLDER: holder, Who.BENEFICIARY: beneficiary,
        Who.OWNER: holder and beneficiary, Who.NEWCOMER: holder or beneficiary, Who.PLEDGEE: pledgee,
        Who.OFFEREE: offeree, Who.DEPOSITOR: holder or pledgee,
    }  # fmt: skip
    return frozenset(who for who, is_ in found.items() if is_)


def entitled(
    control: Control, pledges: Sequence[Pledge], act: Act, details: Mapping[str, Any], party: UUID | None
) -> UUID:
    """The party that acts, if it may. Refuses: NotEntitled, Absent (no such pledge), Kept."""
    who = RULES[act].who
    if party is None or who not in relations(control, pledges, party):
        raise NotEntitled(who=WHO_NAMES[who])
    if "pledge" in details and who not in relations(control, [_pledge(pledges, details)], party):
        raise NotEntitled(who=WHO_NAMES[who])
    if control.keeper is not None and not (act is Act.KEEP and details["keeper"] == str(control.keeper)):
        raise Kept()
    return party


def entitled_keeper(
    control: Control, pledges: Sequence[Pledge], act: Act, details: Mapping[str, Any], keeper: UUID
) -> UUID:
    """For whom an escrow acts: the controller, or the pledgee, as far as they handed the title over. Refuses: NotEntitled."""
    who = RULES[act].who
    if control.keeper != keeper:
        raise NotEntitled(who=WHO_NAMES[Who.KEEPER])
    if who is Who.PLEDGEE:
        pledgee = _pledge(pledges, details).pledgee_id
        if pledgee in control.kept_pledgees:
            return pledgee
    elif control.kept_control and who in relations(control, (), control.holder_id):
        if who is not Who.ISSUER and who is not Who.DEPOSITOR:
            return control.holder_id
    raise NotEntitled(who=WHO_NAMES[who])


def allowed(state: State, act: Act) -> tuple[State, ...]:
    """The states an act may lead to. Refuses: ActNotAllowed."""
    leads = NEXT.get((state, act))
    if leads is None:
        raise ActNotAllowed(act, state)
    return leads


def possible(control: Control, pledges: Sequence[Pledge], party: UUID | None) -> list[Act]:
    """Which acts a party may try next, in the order of the table. (What it says may still be refused.)"""
    if control.keeper is not None:
        return []
    mine = relations(control, pledges, party)
    return [
        act
        for act, rule in RULES.items()
        if rule.who in mine
        and (control.state, act) in NEXT
        and act is not Act.KEEP
        and (act is not Act.REJECT or _rejectable(control, party))
    ]


# --- what comes of it -----------------------------------------------------------------------------------------------


def perform(
    control: Control, pledges: Sequence[Pledge], act: Act, details: Mapping[str, Any], *, party: UUID
) -> Step:
    """The title after an act of `party`, who is entitled. Refuses what the table and the rules forbid; changes nothing itself."""
    leads = allowed(control.state, act)
    step = _PERFORM[act](control, pledges, details, party)
    after = step.control
    assert after.state in leads, (control.state, act, after.state)
    assert 0 <= after.pledged <= after.quantity, after
    return replace(step, control=replace(after, n=control.n + 1), taken=_taken(pledges, act, details, party))


def _taken(pledges: Sequence[Pledge], act: Act, d: Mapping[str, Any], party: UUID) -> tuple[UUID, ...]:
    """The pledges that a pledgee takes up by this act, because it does what only one who accepted can (Civil Code 480)."""
    if RULES[act].who not in (Who.PLEDGEE, Who.DEPOSITOR):
        return ()
    mine = (p for p in pledges if p.pledgee_id == party and not p.taken)
    return tuple(p.id for p in mine if d.get("pledge", str(p.id)) == str(p.id))


def _cleared(control: Control, **changes: Any) -> Control:
    """After any act that is not a transfer nothing can be rejected any more: to act is to accept."""
    return replace(control, prev_holder_id=None, prev_beneficiary_id=None, prev_form=None, **changes)


def _nominate(c: Control, pledges: Sequence[Pledge], d: Mapping[str, Any], party: UUID) -> Step:
    to = UUID(d["to"])
    if to == c.beneficiary_id:
        raise Invalid(field="to", problem="somebody other than the beneficiary")
    if to == c.nominee_id:
        raise Invalid(field="to", problem="somebody other than the present nominee")
    if c.form is Form.STRAIGHT:
        raise NotTransferable()
    kept = c.prev_holder_id if not c.owner_in_control else None  # the holder may still reject what is not the beneficiary's
    return Step(replace(_cleared(c), nominee_id=to, prev_holder_id=kept))


def _endorse(c: Control, pledges: Sequence[Pledge], d: Mapping[str, Any], party: UUID) -> Step:
    manner = d.get("manner", "to_order")
    if c.form is Form.STRAIGHT:
        raise NotTransferable()
    if manner == "in_blank":
        if "to" in d:
            raise Invalid(field="to", problem="nothing: an endorsement in blank names nobody")
        if c.kind is not Kind.TRANSPORT_DOCUMENT:
            raise Invalid(field="manner", problem="to_order or named")
        if not c.owner_in_control:
            raise NotNominated()
        return Step(_cleared(c, form=Form.BLANK, nominee_id=None))
    if "to" not in d:
        raise Invalid(field="to", problem="needed")
    form = Form.STRAIGHT if manner == "named" else Form.TO_ORDER
    return Step(_endorsed(c, UUID(d["to"]), form, d))


def _endorsed(c: Control, to: UUID, form: Form, d: Mapping[str, Any], at: str = "to") -> Control:
    if not c.owner_in_control and to != c.nominee_id:
        raise NotNominated()
    if to == c.beneficiary_id and c.form is not Form.BLANK:
        raise Invalid(field=at, problem="somebody other than the beneficiary")
    _traded(c, to, d)
    return replace(
        c, prev_beneficiary_id=c.beneficiary_id, prev_form=c.form, beneficiary_id=to, form=form, nominee_id=None,
        prev_holder_id=None,
    )  # fmt: skip


def _transfer(c: Control, pledges: Sequence[Pledge], d: Mapping[str, Any], party: UUID) -> Step:
    to = UUID(d["to"])
    if to == c.holder_id:
        raise Invalid(field="to", problem="somebody other than the holder")
    beneficiary = UUID(d["beneficiary"]) if "beneficiary" in d else None
    after = c
    if c.form is Form.BLANK and beneficiary is None:
        after = replace(c, prev_beneficiary_id=c.beneficiary_id, prev_form=c.form, beneficiary_id=to, nominee_id=None)
    elif beneficiary is not None:
        if c.form is Form.STRAIGHT:
            raise NotTransferable()
        after = _endorsed(c, beneficiary, Form.TO_ORDER, d, "beneficiary")
    elif c.form is Form.STRAIGHT and to != c.beneficiary_id:
        raise NotTransferable()
    _traded(c, to, d)
    if after.beneficiary_id == c.holder_id:  # who gives away control keeps nothing that could go back to it
        after = replace(after, prev_beneficiary_id=None, prev_form=None)
    return Step(replace(after, prev_holder_id=c.holder_id, holder_id=to))


def _traded(c: Control, to: UUID, d: Mapping[str, Any]) -> None:
    """INV-EV-6 and INV-EV-7: a trade behind each transfer of a voucher, and no circle back to who owes it."""
    if c.kind is not Kind.RECEIVABLE_VOUCHER:
        return
    if to == c.issuer_id:
        raise BackToIssuer()
    if "evidence" not in d:
        raise NeedsEvidence()


def _rejectable(c: Control, party: UUID | None) -> bool:
    """TradeTrust v5: who is both rejects both at once; who is one of them rejects that one."""
    if party == c.holder_id and party == c.beneficiary_id:
        return c.prev_holder_id is not None and c.prev_beneficiary_id is not None
    if party == c.beneficiary_id:
        return c.prev_beneficiary_id is not None
    return party == c.holder_id and c.prev_holder_id is not None


def _reject(c: Control, pledges: Sequence[Pledge], d: Mapping[str, Any], party: UUID) -> Step:
    if not _rejectable(c, party):
        raise NothingToReject()
    after = c
    if party == c.beneficiary_id and c.prev_beneficiary_id is not None:
        after = replace(
            after, beneficiary_id=c.prev_beneficiary_id, form=c.prev_form or c.form, prev_beneficiary_id=None,
            prev_form=None, nominee_id=None,
        )  # fmt: skip
    if party == c.holder_id and c.prev_holder_id is not None:
        after = replace(after, holder_id=c.prev_holder_id, prev_holder_id=None)
    return Step(after)


def _pledge_it(c: Control, pledges: Sequence[Pledge], d: Mapping[str, Any], party: UUID) -> Step:
    if c.form is Form.STRAIGHT:
        raise NotTransferable()
    pledgee, quantity = UUID(d["pledgee"]), d.get("quantity", c.free)
    if pledgee in (c.holder_id, c.issuer_id):
        raise Invalid(field="pledgee", problem="somebody other than the holder and the issuer")
    if c.kind is not Kind.WAREHOUSE_RECEIPT and "affiliated" in d:
        raise Invalid(field="affiliated", problem="nothing: only goods in a warehouse have a keeper who may be affiliated")
    if c.kind is Kind.WAREHOUSE_RECEIPT and c.holder_id == c.issuer_id and not d.get("affiliated"):
        raise AffiliatedWarehouse()  # INV-WR-6; affiliates of another name are not known here, and only said
    if not 0 < quantity <= c.free:
        raise NotFree(free=c.free, asked=quantity)
    if c.kind is Kind.BILL and quantity != c.quantity:
        raise SplitFirst()
    made = Pledge(uuid5(c.id, f"pledge {c.n + 1}"), pledgee, quantity)
    after = _cleared(c, state=State.PLEDGED, pledged=c.pledged + quantity)
    return Step(after, pledge=made, effect={"pledge": str(made.id)})


def _pledge(pledges: Sequence[Pledge], d: Mapping[str, Any]) -> Pledge:
    found = next((p for p in pledges if str(p.id) == d["pledge"]), None)
    if found is None:
        raise Absent(kind="pledge")
    return found


def _release(c: Control, pledges: Sequence[Pledge], d: Mapping[str, Any], party: UUID) -> Step:
    pledge = _pledge(pledges, d)
    quantity = d.get("quantity", pledge.quantity)
    if quantity > pledge.quantity:
        raise Invalid(field="quantity", problem=f"at most {pledge.quantity}")
    return _lifted(c, pledge, quantity, "released")


def _refuse_pledge(c: Control, pledges: Sequence[Pledge], d: Mapping[str, Any], party: UUID) -> Step:
    pledge = _pledge(pledges, d)
    return _lifted(c, pledge, pledge.quantity, "refused")


def _lifted(c: Control, pledge: Pledge, quantity: int, how: str) -> Step:
    pledged = c.pledged - quantity
    state = c.state if c.state is State.DELIVERY_ASKED else State.PLEDGED if pledged else State.ISSUED
    return Step(_cleared(c, state=state, pledged=pledged), reduced=((pledge.id, quantity, how),))


def _enforce(c: Control, pledges: Sequence[Pledge], d: Mapping[str, Any], party: UUID) -> Step:
    pledge, to = _pledge(pledges, d), UUID(d["to"])
    if to == pledge.pledgee_id and d["ground"] != "agreed_value":
        raise NoForfeiture()
    if to == c.holder_id:
        raise Invalid(field="to", problem="somebody other than the pledgor; to give it back, release the pledge")
    ended = ((pledge.id, pledge.quantity, "enforced"),)
    if pledge.quantity == c.quantity:
        after = _cleared(
            c, state=State.ISSUED, pledged=0, holder_id=to, beneficiary_id=to, nominee_id=None, form=Form.TO_ORDER
        )
        return Step(after, reduced=ended)
    rest = c.quantity - pledge.quantity
    others = tuple(p.id for p in pledges if p.id != pledge.id)
    parts = (
        Part(_part_id(c, 1), 0, rest, c.holder_id, others),
        Part(_part_id(c, 2), rest, pledge.quantity, to),
    )
    return Step(_ended(c, State.SPLIT), reduced=ended, parts=parts, effect=_named(parts))


def _split(c: Control, pledges: Sequence[Pledge], d: Mapping[str, Any], party: UUID) -> Step:
    quantities: list[int] = d["parts"]
    if len(quantities) < 2:
        raise Invalid(field="parts", problem="at least two")
    if sum(quantities) != c.quantity:
        raise NotConserved(parts=sum(quantities), quantity=c.quantity)
    if quantities[0] < c.pledged:
        raise NotFree(free=c.free, asked=c.quantity - quantities[0])
    parts, offset = [], 0
    for n, quantity in enumerate(quantities, 1):
        carried = tuple(p.id for p in pledges) if n == 1 else ()
        parts.append(Part(_part_id(c, n), offset, quantity, c.holder_id, carried))
        offset += quantity
    return Step(_ended(c, State.SPLIT), parts=tuple(parts), effect=_named(parts))


def _merge(c: Control, pledges: Sequence[Pledge], d: Mapping[str, Any], party: UUID) -> Step:
    return Step(_ended(c, State.MERGED))  # what the parts must have in common is `whole`'s


def _surrender(c: Control, pledges: Sequence[Pledge], d: Mapping[str, Any], party: UUID) -> Step:
    quantity = d.get("quantity", c.quantity)
    if quantity > c.free:
        raise NotFree(free=c.free, asked=quantity)
    if quantity < c.quantity and c.kind is not Kind.WAREHOUSE_RECEIPT:
        raise SplitFirst()
    return Step(_cleared(c, state=State.DELIVERY_ASKED, asked=quantity, nominee_id=None))


def _surrender_for_amendment(c: Control, pledges: Sequence[Pledge], d: Mapping[str, Any], party: UUID) -> Step:
    return Step(_cleared(c, state=State.AMENDMENT_ASKED, nominee_id=None))


def _open(c: Control) -> State:
    return State.PLEDGED if c.pledged else State.ISSUED


def _accept(c: Control, pledges: Sequence[Pledge], d: Mapping[str, Any], party: UUID) -> Step:
    if c.state is State.AMENDMENT_ASKED:
        return Step(_cleared(c, state=State.AMENDING))
    left = replace(c, quantity=c.quantity - c.asked, delivered=c.delivered + c.asked, asked=0)
    state = _open(left) if left.quantity else State.DELIVERED
    return Step(_cleared(left, state=state), delivered=c.asked)


def _refuse(c: Control, pledges: Sequence[Pledge], d: Mapping[str, Any], party: UUID) -> Step:
    return Step(_cleared(c, state=_open(c), asked=0))


def _amend(c: Control, pledges: Sequence[Pledge], d: Mapping[str, Any], party: UUID) -> Step:
    if d["content"] == c.content_digest:
        raise Invalid(field="content", problem="something other than the version before")
    return Step(_cleared(c, state=State.ISSUED, version=c.version + 1, content_digest=d["content"]))


def _to_paper(c: Control, pledges: Sequence[Pledge], d: Mapping[str, Any], party: UUID) -> Step:
    return Step(_cleared(c, state=State.PAPER, paper_no=d["paper_no"]))


def _to_electronic(c: Control, pledges: Sequence[Pledge], d: Mapping[str, Any], party: UUID) -> Step:
    if d["paper_no"] != c.paper_no:
        raise Invalid(field="paper_no", problem="the number that was noted when it became paper")
    to = UUID(d["to"])
    return Step(
        _cleared(
            c, state=State.ISSUED, version=c.version + 1, paper_no="", holder_id=to, beneficiary_id=to,
            nominee_id=None,
        )
    )  # fmt: skip


def _keep(c: Control, pledges: Sequence[Pledge], d: Mapping[str, Any], party: UUID) -> Step:
    mine = relations(c, pledges, party)
    pledgees = c.kept_pledgees
    if Who.PLEDGEE in mine and party not in pledgees:
        pledgees = (*pledgees, party)
    return Step(
        _cleared(
            c, keeper=UUID(d["keeper"]), kept_control=c.kept_control or Who.HOLDER in mine, kept_pledgees=pledgees
        )
    )


def _return(c: Control, pledges: Sequence[Pledge], d: Mapping[str, Any], party: UUID) -> Step:
    return Step(replace(c, keeper=None, kept_control=False, kept_pledgees=()))


def _freeze(c: Control, pledges: Sequence[Pledge], d: Mapping[str, Any], party: UUID) -> Step:
    return Step(replace(c, state=State.FROZEN, state_before=c.state))


def _unfreeze(c: Control, pledges: Sequence[Pledge], d: Mapping[str, Any], party: UUID) -> Step:
    assert c.state_before is not None
    return Step(replace(c, state=c.state_before, state_before=None))


def _void(c: Control, pledges: Sequence[Pledge], d: Mapping[str, Any], party: UUID) -> Step:
    return Step(_ended(c, State.VOID), reduced=tuple((p.id, p.quantity, "void") for p in pledges))


def _ended(c: Control, state: State) -> Control:
    assert state in FINAL
    return _cleared(
        c, state=state, state_before=None, nominee_id=None, pledged=0, asked=0, keeper=None, kept_control=False,
        kept_pledgees=(),
    )  # fmt: skip


def _part_id(c: Control, n: int) -> UUID:
    return uuid5(c.id, f"part {c.n + 1}.{n}")


def _named(parts: Sequence[Part]) -> dict[str, Any]:
    return {"parts": [{"id": str(p.id), "quantity": p.quantity} for p in parts]}


_PERFORM: Final[Mapping[Act, Callable[[Control, Sequence[Pledge], Mapping[str, Any], UUID], Step]]] = MappingProxyType({
    Act.NOMINATE: _nominate, Act.ENDORSE: _endorse, Act.TRANSFER: _transfer, Act.REJECT: _reject,
    Act.PLEDGE: _pledge_it, Act.REFUSE_PLEDGE: _refuse_pledge, Act.RELEASE_PLEDGE: _release, Act.ENFORCE: _enforce,
    Act.SPLIT: _split, Act.MERGE: _merge, Act.SURRENDER: _surrender, Act.SURRENDER_FOR_AMENDMENT: _surrender_for_amendment,
    Act.ACCEPT_SURRENDER: _accept, Act.REFUSE_SURRENDER: _refuse, Act.AMEND: _amend, Act.TO_PAPER: _to_paper,
    Act.TO_ELECTRONIC: _to_electronic, Act.KEEP: _keep, Act.RETURN: _return, Act.FREEZE: _freeze,
    Act.UNFREEZE: _unfreeze, Act.VOID: _void,
})  # fmt: skip


# --- parts and wholes -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Piece:
    """What must agree between titles that are merged."""

    control: Control
    root_id: UUID
    subject: Mapping[str, Any]


def whole(pieces: Sequence[Piece]) -> tuple[int, dict[str, Any]]:
    """Quantity and subject of the title that pieces make. Refuses: DoNotFit (other title, other hand, gaps in a bill)."""
    first = pieces[0]
    same = {
        (p.root_id, p.control.holder_id, p.control.beneficiary_id, p.control.form, p.control.version, p.control.content_digest)
        for p in pieces
    }  # fmt: skip
    if len(same) != 1 or len({p.control.id for p in pieces}) != len(pieces):
        raise DoNotFit()
    quantity = sum(p.control.quantity for p in pieces)
    if first.control.kind is not Kind.BILL:
        return quantity, dict(first.subject)
    intervals = sorted((p.subject["start"], p.subject["end"]) for p in pieces)
    if any(end + 1 != start for (_, end), (start, _) in pairwise(intervals)):
        raise DoNotFit()
    return quantity, part(Kind.BILL, dict(first.subject) | {"start": intervals[0][0]}, 0, quantity)


def divisible(kind: Kind, subject: Mapping[str, Any]) -> None:
    """Refuses: Indivisible (a bill whose interval is noted as 0: it moves as a whole)."""
    if kind is Kind.BILL and subject.get("indivisible", False):
        raise Indivisible()
