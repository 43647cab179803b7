"""What the terms of an escrow say, and whether its conditions are met. Pure: no database, no Django.

    terms = read(document)       # strict; refuses Invalid with the path of the first mistake
    digest(terms)                # what the parties sign
    judge(terms, seen)           # one answer a condition: met, failed or unknown as things stand, why, and the proof

The JSON form (amounts in minor units of a currency, or whole units of a quota):

    {"template": "dvp", "parties": {"buyer": "…", "seller": "…"}, "arbiter": null, "expires_at": "2026-04-01T00:00:00Z",
     "value": [{"name": "price", "unit": "CNY", "amount": 100, "payer": "buyer", "account": "…"}],
     "titles": [{"title": "…", "by": "seller"}],
     "conditions": [
       {"name": "shipped", "evidence": {"kind": "transport_event", "sources": ["carrier"], "status": ["DEPA"]}},
       {"name": "paid", "payment": {"leg": "price", "at_least": 100}},
       {"name": "arrived", "payment": {"leg": "proceeds", "at_least": 1, "covers": ["…", "…"]}},
       {"name": "accepted", "consent": {"of": ["buyer", "inspector"], "need": 1}}],
     "steps": [
       {"from": "price", "to": "…", "amount": 30, "code": "fee"}, {"from": "price", "to": "…", "up_to": 50},
       {"from": "price", "to": "…", "amount": "rest"},
       {"title": "…", "act": "transfer", "details": {"to": "buyer", "beneficiary": "buyer"}},
       {"use": "shipped", "purpose": "settlement", "amount": 100, "currency": "CNY", "user": "buyer"}]}

A payment that `covers` accounts is enough when it comes to all that stands on them then (what is owed on a loan, which nobody knows in
advance); steps of the same leg pay into them, and execution looks again that nothing is left on any.

A leg may say `least`: it counts as funded from there on (it must be whole unless it does). Postings of a leg move in their order and
leave nothing: exact sums of a leg that must be whole, or a last one that takes the rest. Reading plays the least that can be in a leg
through its postings; what is read can be paid.

Source: domain notes on settlement §7.4; three values as in rules/criteria (an unknown is never read as a yes, nor as a no).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

import rfc8785

from luhai.core.evidence.formats.document import Kind
from luhai.core.rules.criteria import Verdict
from luhai.core.titles import policy as titles
from luhai.kernel.folding import fold
from luhai.kernel.money import MAX_MINOR, Currency
from luhai.kernel.refusal import Invalid, gettext_noop

MOST_PARTIES: Final = 20
MOST_LEGS: Final = 20
MOST_TITLES: Final = 50
MOST_CONDITIONS: Final = 50
MOST_STEPS: Final = 200

#: Evidence of whomever; otherwise `sources` names parties of the escrow, or registered parties by their ids.
ANYBODY: Final = "anybody"
PURPOSES: Final = ("settlement", "financing")
#: What the keeper of a title may do with it (titles.commands.KEEPER_ACTS; a test holds the two together).
TITLE_ACTS: Final = MappingProxyType(
    {
        str(act): act
        for act in titles.DETAILS
        if act
        in {
            "nominate", "endorse", "transfer", "pledge", "release_pledge", "enforce", "split", "surrender",
            "surrender_for_amendment",
        }
    }
)  # fmt: skip
#: Details of a title act that name a party, by its name in the escrow.
_NAMES_PARTY: Final = frozenset({"to", "beneficiary", "pledgee"})


@dataclass(frozen=True, slots=True)
class Leg:
    """Value of one unit that `payer` moves from `account` into the escrow: `amount` at most, `least` at least."""

    name: str
    unit: str
    amount: int
    least: int
    payer: str
    account: UUID


@dataclass(frozen=True, slots=True)
class Handed:
    """A title that `by`, its holder or a pledgee of it, hands over."""

    title: UUID
    by: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """A piece of evidence that says all of this. `sources` None: of whomever. `names` is something it must refer to."""

    sources: tuple[UUID, ...] | None
    kind: str | None = None
    status: tuple[str, ...] = ()
    at_least: int | None = None
    at_most: int | None = None
    currency: str | None = None
    external_ref: str | None = None
    names: tuple[str, str] | None = None
    subject: str | None = None
    dated_from: date | None = None
    dated_to: date | None = None


@dataclass(frozen=True, slots=True)
class Payment:
    leg: str
    at_least: int
    covers: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Consent:
    of: tuple[str, ...]
    need: int


@dataclass(frozen=True, slots=True)
class Condition:
    name: str
    asks: Evidence | Payment | Consent


@dataclass(frozen=True, slots=True)
class Posting:
    """From a leg to an account: exactly `amount`; or, as far as bounds allow, `up_to`; or (both None) all that is left."""

    leg: str
    to: UUID
    amount: int | None
    up_to: int | None
    code: str

    @property
    def rest(self) -> bool:
        return self.amount is None and self.up_to is None


@dataclass(frozen=True, slots=True)
class TitleAct:
    """`part` counts from 1 the titles that an earlier act on the same title led to; None: the title itself."""

    title: UUID
    part: int | None
    act: str
    details: Mapping[str, Any]  # parties by their names here; see `details_of`


@dataclass(frozen=True, slots=True)
class Use:
    """The evidence that met `condition` is used, once, for a purpose of `user`."""

    condition: str
    purpose: str
    amount: int
    currency: str
    user: str


Step = Posting | TitleAct | Use


@dataclass(frozen=True, slots=True)
class Terms:
    parties: Mapping[str, UUID]
    value: tuple[Leg, ...]
    titles: tuple[Handed, ...]
    conditions: tuple[Condition, ...]
    steps: tuple[Step, ...]
    arbiter: str | None
    expires_at: datetime
    template: str

    def leg(self, name: str) -> Leg:
        return next(leg for leg in self.value if leg.name == name)

    def condition(self, name: str) -> Condition:
        return next(c for c in self.conditions if c.name == name)

    @property
    def postings(self) -> tuple[Posting, ...]:
        return tuple(s for s in self.steps if isinstance(s, Posting))

    @property
    def uses(self) -> tuple[Use, ...]:
        return tuple(s for s in self.steps if isinstance(s, Use))

    @property
    def covered(self) -> tuple[UUID, ...]:
        """Accounts on which nothing may be left."""
        payments = (c.asks for c in self.conditions if isinstance(c.asks, Payment))
        return tuple(dict.fromkeys(key for p in payments for key in p.covers))

    @property
    def title_ids(self) -> tuple[UUID, ...]:
        """Every title once, in the order in which they are locked."""
        return tuple(sorted({h.title for h in self.titles}))

    def acts_on(self, title: UUID) -> tuple[TitleAct, ...]:
        return tuple(s for s in self.steps if isinstance(s, TitleAct) and s.title == title)

    def details_of(self, step: TitleAct) -> dict[str, Any]:
        """The details of a title act with ids in place of names."""
        return {k: self.parties[v] if k in _NAMES_PARTY else v for k, v in step.details.items()}

    def name_of(self, party: UUID | None) -> str | None:
        return next((name for name, id_ in self.parties.items() if id_ == party), None)


# --- reading ----------------------------------------------------------------------------------------------------------


def read(document: object) -> Terms:
    """Terms from their JSON form. Refuses: Invalid, naming the path of the first mistake and what would be right there."""
    given = _object(
        "terms",
        document,
        ("parties", "steps", "expires_at"),
        ("value", "titles", "conditions", "arbiter", "template"),
    )
    parties = _parties(given["parties"])
    value = tuple(_leg(at, v, parties) for at, v in _items("terms.value", given.get("value"), MOST_LEGS))
    _once("terms.value", [leg.name for leg in value], ".name")
    handed = tuple(
        _handed(at, v, parties) for at, v in _items("terms.titles", given.get("titles"), MOST_TITLES)
    )
    _once("terms.titles", handed, "")
    if not value and not handed:
        raise Invalid(field="terms.value", problem="at least one leg of value, or one title")
    legs = {leg.name: leg for leg in value}
    conditions = tuple(
        _condition(at, v, parties, legs)
        for at, v in _items("terms.conditions", given.get("conditions"), MOST_CONDITIONS)
    )
    _once("terms.conditions", [c.name for c in conditions], ".name")
    arbiter = given.get("arbiter")
    if arbiter is not None:
        _choice("terms.arbiter", arbiter, parties)
        if arbiter in {leg.payer for leg in value} | {h.by for h in handed}:
            raise Invalid(field="terms.arbiter", problem="a party that gives nothing into the escrow")
    template = _text("terms.template", given["template"], 60) if given.get("template") else ""
    terms = Terms(
        MappingProxyType(parties), value, handed, conditions,
        _steps(_items("terms.steps", given["steps"], MOST_STEPS), parties, legs, handed, conditions), arbiter,
        _instant("terms.expires_at", given["expires_at"]), template,
    )  # fmt: skip
    for n, step in enumerate(terms.steps):
        if isinstance(step, TitleAct):
            for key in _NAMES_PARTY & step.details.keys():
                if step.details[key] == arbiter:
                    raise Invalid(
                        field=f"terms.steps[{n}].details.{key}",
                        problem="a party other than the arbiter, who takes nothing",
                    )
    for n, condition in enumerate(conditions):
        if isinstance(condition.asks, Payment):
            paid = {s.to for s in terms.postings if s.leg == condition.asks.leg}
            for place, account in enumerate(condition.asks.covers):
                if account not in paid:
                    raise Invalid(
                        field=f"terms.conditions[{n}].payment.covers[{place}]",
                        problem="an account that a step pays into from this leg",
                    )
    for n, leg in enumerate(value):
        _leaves_nothing(f"terms.value[{n}]", leg, terms)
    return terms


def as_json(terms: Terms) -> dict[str, Any]:
    """The JSON form again, one form for the same terms; `read(as_json(t)) == t`."""
    return {
        "template": terms.template, "parties": {name: str(id_) for name, id_ in terms.parties.items()},
        "arbiter": terms.arbiter, "expires_at": terms.expires_at.isoformat(),
        "value": [
            {
                "name": leg.name, "unit": leg.unit, "amount": leg.amount, "least": leg.least, "payer": leg.payer,
                "account": str(leg.account),
            }
            for leg in terms.value
        ],
        "titles": [{"title": str(h.title), "by": h.by} for h in terms.titles],
        "conditions": [{"name": c.name, **_condition_json(c.asks)} for c in terms.conditions],
        "steps": [_step_json(s) for s in terms.steps],
    }  # fmt: skip


def digest(terms: Terms) -> str:
    """SHA-256 of the terms in canonical JSON (RFC 8785): what the parties agree to."""
    return hashlib.sha256(rfc8785.dumps(as_json(terms))).hexdigest()


def least_in(leg: Leg, conditions: Sequence[Condition]) -> int:
    """What is in a leg at the least when all conditions are met."""
    asked = [c.asks.at_least for c in conditions if isinstance(c.asks, Payment) and c.asks.leg == leg.name]
    return max([leg.least, *asked])


def _condition_json(asks: Evidence | Payment | Consent) -> dict[str, Any]:
    if isinstance(asks, Payment):
        covers = {"covers": [str(key) for key in asks.covers]} if asks.covers else {}
        return {"payment": {"leg": asks.leg, "at_least": asks.at_least, **covers}}
    if isinstance(asks, Consent):
        return {"consent": {"of": list(asks.of), "need": asks.need}}
    written: dict[str, Any] = {
        "sources": ANYBODY if asks.sources is None else [str(s) for s in asks.sources], "kind": asks.kind,
        "status": list(asks.status) or None, "external_ref": asks.external_ref, "subject": asks.subject,
        "names": {"kind": asks.names[0], "value": asks.names[1]} if asks.names else None,
        "dated_from": asks.dated_from.isoformat() if asks.dated_from else None,
        "dated_to": asks.dated_to.isoformat() if asks.dated_to else None,
    }  # fmt: skip
    if asks.currency is not None:
        bounds = {"at_least": asks.at_least, "at_most": asks.at_most, "currency": asks.currency}
        written["amount"] = {k: v for k, v in bounds.items() if v is not None}
    return {"evidence": {k: v for k, v in written.items() if v is not None}}


def _step_json(step: Step) -> dict[str, Any]:
    if isinstance(step, Use):
        return {
            "use": step.condition, "purpose": step.purpose, "amount": step.amount, "currency": step.currency,
            "user": step.user,
        }  # fmt: skip
    if isinstance(step, TitleAct):
        part = {} if step.part is None else {"part": step.part}
        return {"title": str(step.title), **part, "act": step.act, "details": dict(step.details)}
    how = (
        {"up_to": step.up_to} if step.up_to is not None else {"amount": "rest" if step.rest else step.amount}
    )
    return {"from": step.leg, "to": str(step.to), **how, "code": step.code}


def _parties(value: Any) -> dict[str, UUID]:
    if not isinstance(value, dict) or not 2 <= len(value) <= MOST_PARTIES:
        raise Invalid(
            field="terms.parties",
            problem=f"an object of 2 to {MOST_PARTIES} names, each with the id of a party",
        )
    parties = {_name("terms.parties", name): _id(f"terms.parties.{name}", v) for name, v in value.items()}
    for name, id_ in parties.items():
        if list(parties.values()).count(id_) > 1:
            raise Invalid(field=f"terms.parties.{name}", problem="a party that has no other name here")
    return parties


def _leg(at: str, value: Any, parties: Collection[str]) -> Leg:
    given = _object(at, value, ("name", "unit", "amount", "payer", "account"), ("least",))
    amount = _amount(f"{at}.amount", given["amount"])
    least = (
        amount if given.get("least") is None else _amount(f"{at}.least", given["least"], least=0, most=amount)
    )
    return Leg(
        _name(f"{at}.name", given["name"]), _text(f"{at}.unit", given["unit"], 60), amount, least,
        _choice(f"{at}.payer", given["payer"], parties), _id(f"{at}.account", given["account"]),
    )  # fmt: skip


def _handed(at: str, value: Any, parties: Collection[str]) -> Handed:
    given = _object(at, value, ("title", "by"))
    return Handed(_id(f"{at}.title", given["title"]), _choice(f"{at}.by", given["by"], parties))


def _condition(at: str, value: Any, parties: Mapping[str, UUID], legs: Mapping[str, Leg]) -> Condition:
    given = _object(at, value, ("name",), ("evidence", "payment", "consent"))
    sorts = [sort for sort in ("evidence", "payment", "consent") if given.get(sort) is not None]
    if len(sorts) != 1:
        raise Invalid(field=at, problem="exactly one of evidence, payment and consent")
    (sort,) = sorts
    inner, place = given[sort], f"{at}.{sort}"
    asks: Evidence | Payment | Consent
    if sort == "payment":
        said = _object(place, inner, ("leg",), ("at_least", "covers"))
        leg = legs[_choice(f"{place}.leg", said["leg"], legs)]
        whole = said.get("at_least") is None
        covers = tuple(_id(p, v) for p, v in _items(f"{place}.covers", said.get("covers"), MOST_STEPS))
        _once(f"{place}.covers", covers, "")
        asks = Payment(
            leg.name, leg.amount if whole else _amount(f"{place}.at_least", said["at_least"], most=leg.amount), covers
        )
    elif sort == "consent":
        said = _object(place, inner, ("of", "need"))
        of = tuple(
            _choice(p, v, parties) for p, v in _items(f"{place}.of", said["of"], MOST_PARTIES, least=1)
        )
        _once(f"{place}.of", of, "")
        asks = Consent(of, _amount(f"{place}.need", said["need"], most=len(of)))
    else:
        asks = _evidence(place, inner, parties)
    return Condition(_name(f"{at}.name", given["name"]), asks)


def _evidence(at: str, value: Any, parties: Mapping[str, UUID]) -> Evidence:
    given = _object(
        at, value, ("sources",),
        ("kind", "status", "amount", "external_ref", "names", "subject", "dated_from", "dated_to"),
    )  # fmt: skip
    sources: tuple[UUID, ...] | None = None
    if given["sources"] != ANYBODY:
        if not isinstance(given["sources"], list) or not given["sources"]:
            raise Invalid(
                field=f"{at}.sources", problem="a list of parties, by name or id; or the word anybody"
            )
        sources = tuple(
            parties[v] if isinstance(v, str) and v in parties else _id(p, v)
            for p, v in _items(f"{at}.sources", given["sources"], MOST_PARTIES, least=1)
        )
        _once(f"{at}.sources", sources, "")
    said: dict[str, Any] = {}
    if given.get("kind") is not None:
        said["kind"] = _choice(f"{at}.kind", given["kind"], [k.value for k in Kind])
    if given.get("status") is not None:
        listed = _items(f"{at}.status", given["status"], 50, least=1)
        said["status"] = tuple(_text(p, v, 60) for p, v in listed)
    if given.get("amount") is not None:
        inner = _object(f"{at}.amount", given["amount"], ("currency",), ("at_least", "at_most"))
        said["currency"] = _choice(f"{at}.amount.currency", inner["currency"], [c.value for c in Currency])
        for bound in ("at_least", "at_most"):
            if inner.get(bound) is not None:
                said[bound] = _amount(f"{at}.amount.{bound}", inner[bound])
        if said.get("at_least", 0) > said.get("at_most", MAX_MINOR):
            raise Invalid(field=f"{at}.amount.at_most", problem="not below at_least")
    if given.get("external_ref") is not None:
        said["external_ref"] = _text(f"{at}.external_ref", given["external_ref"], 200)
    if given.get("names") is not None:
        inner = _object(f"{at}.names", given["names"], ("kind", "value"))
        said["names"] = (
            _text(f"{at}.names.kind", inner["kind"], 60),
            _text(f"{at}.names.value", inner["value"], 200),
        )
    if given.get("subject") is not None:
        said["subject"] = _choice(f"{at}.subject", given["subject"], parties)
    for day in ("dated_from", "dated_to"):
        if given.get(day) is not None:
            said[day] = _day(f"{at}.{day}", given[day])
    if said.get("dated_from", date.min) > said.get("dated_to", date.max):
        raise Invalid(field=f"{at}.dated_to", problem="not before dated_from")
    return Evidence(sources, **said)


def _steps(
    listed: Sequence[tuple[str, Any]], parties: Collection[str], legs: Mapping[str, Leg], handed: Sequence[Handed],
    conditions: Sequence[Condition],
) -> tuple[Step, ...]:  # fmt: skip
    steps: list[Step] = []
    kept = {h.title for h in handed}
    proofs = [c.name for c in conditions if isinstance(c.asks, Evidence)]
    parts: dict[UUID, int] = {}  # into how many a title has been split by the steps so far
    for at, value in listed:
        sorts = [s for s in ("from", "title", "use") if isinstance(value, dict) and s in value]
        if len(sorts) != 1:
            raise Invalid(
                field=at,
                problem="exactly one of from (a posting), title (an act on it) and use (of evidence)",
            )
        if sorts == ["from"]:
            steps.append(_posting(at, value, legs))
        elif sorts == ["title"]:
            act = _title_act(at, value, parties, kept, parts)
            if act.act == "split" and act.part is None:
                parts[act.title] = len(act.details["parts"])
            elif act.act == "enforce" and act.part is None:
                parts[act.title] = 2
            steps.append(act)
        else:
            given = _object(at, value, ("use", "purpose", "amount", "currency", "user"))
            steps.append(
                Use(
                    _choice(f"{at}.use", given["use"], proofs), _choice(f"{at}.purpose", given["purpose"], PURPOSES),
                    _amount(f"{at}.amount", given["amount"]),
                    _choice(f"{at}.currency", given["currency"], [c.value for c in Currency]),
                    _choice(f"{at}.user", given["user"], parties),
                )
            )  # fmt: skip
    return tuple(steps)


def _posting(at: str, value: Any, legs: Mapping[str, Leg]) -> Posting:
    given = _object(at, value, ("from", "to"), ("amount", "up_to", "code"))
    leg = _choice(f"{at}.from", given["from"], legs)
    amount, up_to = given.get("amount"), given.get("up_to")
    if (amount is None) == (up_to is None):
        raise Invalid(
            field=f"{at}.amount", problem="exactly one of amount (a whole number, or rest) and up_to"
        )
    return Posting(
        leg, _id(f"{at}.to", given["to"]), None if amount in (None, "rest") else _amount(f"{at}.amount", amount),
        None if up_to is None else _amount(f"{at}.up_to", up_to),
        _text(f"{at}.code", given["code"], 60) if given.get("code") else "escrow.release",
    )  # fmt: skip


def _title_act(
    at: str, value: Any, parties: Collection[str], kept: Collection[UUID], parts: Mapping[UUID, int]
) -> TitleAct:
    given = _object(at, value, ("title", "act"), ("part", "details"))
    title = _id(f"{at}.title", given["title"])
    if title not in kept:
        raise Invalid(field=f"{at}.title", problem="a title that is handed over, listed under terms.titles")
    part = None
    if given.get("part") is not None:
        if title not in parts:
            raise Invalid(field=f"{at}.part", problem="nothing, unless a step before splits the title")
        part = _amount(f"{at}.part", given["part"], most=parts[title])
    act = TITLE_ACTS[_choice(f"{at}.act", given["act"], TITLE_ACTS)]
    details = given.get("details") or {}
    if not isinstance(details, dict):
        raise Invalid(field=f"{at}.details", problem="an object")
    names = {
        k: _choice(f"{at}.details.{k}", v, parties)
        for k, v in details.items()
        if k in _NAMES_PARTY and v is not None
    }
    try:
        said = titles.read_details(act, {k: UUID(int=0) if k in names else v for k, v in details.items()})
    except Invalid as no:
        raise Invalid(field=f"{at}.details.{no.facts['field']}", problem=str(no.facts["problem"])) from None
    return TitleAct(title, part, str(act), said | names)


def _leaves_nothing(at: str, leg: Leg, terms: Terms) -> None:
    """Play the least that can be in a leg through its postings: each exact sum is there, and in the end nothing remains."""
    left = least = least_in(leg, terms.conditions)
    postings = [(n, s) for n, s in enumerate(terms.steps) if isinstance(s, Posting) and s.leg == leg.name]
    for place, (n, posting) in enumerate(postings):
        last = place == len(postings) - 1
        if posting.rest and not last:
            raise Invalid(
                field=f"terms.steps[{n}].amount",
                problem="a number: only the last posting of a leg takes the rest",
            )
        if posting.amount is not None and posting.amount > left:
            raise Invalid(
                field=f"terms.steps[{n}].amount",
                problem=f"at most {left}: more may not be left of {leg.name} here",
            )
        left -= left if posting.rest else min(posting.amount or posting.up_to or 0, left)
    if postings and postings[-1][1].rest:
        return
    exact = sum(p.amount or 0 for _, p in postings)
    if any(p.up_to for _, p in postings) or exact != leg.amount or least != leg.amount:
        raise Invalid(
            field=at,
            problem=f"postings that leave nothing of {leg.name}: exactly {leg.amount} of a leg that must be whole, or a last one of rest",
        )


def _object(at: str, value: Any, needed: Sequence[str], more: Sequence[str] = ()) -> dict[str, Any]:
    fields = [*needed, *more]
    if not isinstance(value, dict):
        raise Invalid(field=at, problem=f"an object with {', '.join(fields)}")
    for name in value:
        if name not in fields:
            raise Invalid(field=f"{at}.{name}", problem=f"nothing of this name; one of {', '.join(fields)}")
    for name in needed:
        if value.get(name) is None:
            raise Invalid(field=f"{at}.{name}", problem=gettext_noop("needed"))
    return value


def _items(at: str, value: Any, most: int, *, least: int = 0) -> list[tuple[str, Any]]:
    if value is None and not least:
        return []
    if not isinstance(value, list) or not least <= len(value) <= most:
        raise Invalid(field=at, problem=f"a list of {least} to {most}")
    return [(f"{at}[{n}]", v) for n, v in enumerate(value)]


def _once(at: str, values: Sequence[object], field: str) -> None:
    for n, value in enumerate(values):
        if value in values[:n]:
            raise Invalid(field=f"{at}[{n}]{field}", problem="something that is not listed before")


def _name(at: str, value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", value):
        raise Invalid(
            field=at, problem="a name of small letters, digits and _ that begins with a letter, at most 40"
        )
    return value


def _choice(at: str, value: Any, words: Collection[str]) -> str:
    if not isinstance(value, str) or value not in words:
        raise Invalid(
            field=at, problem=f"one of {', '.join(words)}" if words else "nothing: there is none to choose"
        )
    return value


def _amount(at: str, value: Any, *, least: int = 1, most: int = MAX_MINOR) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise Invalid(field=at, problem=f"a whole number from {least} to {most}")
    return value


def _id(at: str, value: Any) -> UUID:
    try:
        return value if isinstance(value, UUID) else UUID(value)
    except (ValueError, TypeError, AttributeError):
        raise Invalid(field=at, problem=gettext_noop("an id, such as 6f1c…")) from None


def _text(at: str, value: Any, most: int) -> str:
    if (
        not isinstance(value, str)
        or not 0 < len(value) <= most
        or not value.isprintable()
        or value != value.strip()
    ):
        raise Invalid(field=at, problem=f"a text of 1 to {most} characters, without blanks around it")
    return value


def _day(at: str, value: Any) -> date:
    try:
        if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise Invalid(field=at, problem="a day such as 2026-04-01")


def _instant(at: str, value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or not 1900 <= moment.year <= 2200:
        raise Invalid(field=at, problem="an instant with its zone, such as 2026-04-01T00:00:00Z")
    return moment.astimezone(UTC)


# --- judging ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Paper:
    """A piece of evidence that was presented in `shown_version`, as it is now. Mirrors evidence.queries.Facts."""

    id: UUID
    shown_version: int
    version: int
    cancelled: bool
    kind: str
    status: str
    source: UUID
    subject: UUID
    external_ref: str
    amount_minor: int | None
    currency: str | None
    dated: date | None
    references: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that conditions look at: what is in each leg, who consented, what was presented (in that order), what stands on
    the accounts that a payment must cover."""

    held: Mapping[str, int]
    consents: Mapping[str, Collection[UUID]]
    papers: Mapping[str, Sequence[Paper]]
    owed: Mapping[UUID, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judged:
    """One condition as things stand. `word` is a key of WORDS; `proof` names what met it, or is empty."""

    name: str
    verdict: Verdict
    word: str
    proof: Mapping[str, Any]


#: Why a condition stands as it does: of a piece of evidence the first reason that applies, in this order.
WORDS: Final[Mapping[str, str]] = MappingProxyType({
    "met": gettext_noop("met"),
    "not_paid": gettext_noop("waits for the payment"),
    "not_covered": gettext_noop("the payment is less than what is owed"),
    "no_consent": gettext_noop("waits for consent"),
    "nothing_presented": gettext_noop("waits for evidence"),
    "cancelled": gettext_noop("the evidence presented was taken back"),
    "other_kind": gettext_noop("the evidence presented is of another kind"),
    "other_source": gettext_noop("the evidence presented comes from another source"),
    "other_subject": gettext_noop("the evidence presented is about another party"),
    "other_status": gettext_noop("the evidence presented has another status"),
    "other_reference": gettext_noop("the evidence presented has another number"),
    "names_not": gettext_noop("the evidence presented does not name what it must"),
    "other_currency": gettext_noop("the evidence presented is in another currency"),
    "too_little": gettext_noop("the amount of the evidence presented is too small"),
    "too_much": gettext_noop("the amount of the evidence presented is too large"),
    "too_early": gettext_noop("the evidence presented is dated too early"),
    "too_late": gettext_noop("the evidence presented is dated too late"),
    "amended": gettext_noop("the evidence was amended since it was presented; present it again"),
    "no_amount": gettext_noop("the evidence presented states no amount"),
    "no_day": gettext_noop("the evidence presented states no day"),
})  # fmt: skip


def judge(terms: Terms, seen: Seen) -> tuple[Judged, ...]:
    """Every condition in the order of the terms."""
    return tuple(_judged(terms, c, seen) for c in terms.conditions)


def verdict_of(judged: Sequence[Judged]) -> Verdict:
    """All of them: the least (Kleene). None at all is met."""
    return min((j.verdict for j in judged), default=Verdict.MET)


def funded(terms: Terms, held: Mapping[str, int], kept: Collection[tuple[UUID, UUID]]) -> bool:
    """Whether every leg holds at least what it must, and every title was handed over by who should. `kept`: title, party."""
    return all(held.get(leg.name, 0) >= leg.least for leg in terms.value) and all(
        (h.title, terms.parties[h.by]) in kept for h in terms.titles
    )


def meeting(terms: Terms, condition: str, papers: Sequence[Paper]) -> Paper | None:
    """The first piece presented for a condition that meets it."""
    asks = terms.condition(condition).asks
    assert isinstance(asks, Evidence), condition
    return next((p for p in papers if _paper(terms, asks, p)[0] is Verdict.MET), None)


def _judged(terms: Terms, condition: Condition, seen: Seen) -> Judged:
    asks, name = condition.asks, condition.name
    if isinstance(asks, Payment):
        held = seen.held.get(asks.leg, 0)
        owed = sum(seen.owed.get(key, 0) for key in asks.covers)
        if held >= asks.at_least and held < owed:
            return Judged(name, Verdict.FAILED, "not_covered", {})
        if held >= asks.at_least:
            return Judged(name, Verdict.MET, "met", {"leg": asks.leg, "held": held})
        return Judged(name, Verdict.FAILED, "not_paid", {})
    if isinstance(asks, Consent):
        given = [p for p in asks.of if terms.parties[p] in seen.consents.get(name, ())]
        if len(given) >= asks.need:
            return Judged(name, Verdict.MET, "met", {"consents": given})
        return Judged(name, Verdict.UNKNOWN, "no_consent", {})
    papers = seen.papers.get(name, ())
    if not papers:
        return Judged(name, Verdict.UNKNOWN, "nothing_presented", {})
    met = meeting(terms, name, papers)
    if met is not None:
        return Judged(name, Verdict.MET, "met", {"evidence": str(met.id), "version": met.version})
    best = max((_paper(terms, asks, p) for p in papers), key=lambda answer: answer[0])
    return Judged(name, best[0], best[1], {})


def _paper(terms: Terms, asks: Evidence, p: Paper) -> tuple[Verdict, str]:
    """A known no comes before an unknown, whatever else is missing."""
    number = None if asks.external_ref is None else fold(asks.external_ref)
    named = asks.names is None or any(
        k == asks.names[0] and fold(v) == fold(asks.names[1]) for k, v in p.references
    )
    asks_amount, asks_day = asks.currency is not None, (asks.dated_from or asks.dated_to) is not None
    same_money = not asks_amount or p.amount_minor is None or p.currency == asks.currency
    amount = p.amount_minor if asks_amount and p.currency == asks.currency else None
    noes = {
        "cancelled": p.cancelled,
        "other_kind": asks.kind is not None and p.kind != asks.kind,
        "other_source": asks.sources is not None and p.source not in asks.sources,
        "other_subject": asks.subject is not None and p.subject != terms.parties[asks.subject],
        "other_status": bool(asks.status) and p.status not in asks.status,
        "other_reference": number is not None and fold(p.external_ref) != number,
        "names_not": not named,
        "other_currency": not same_money,
        "too_little": amount is not None and amount < (asks.at_least or 0),
        "too_much": amount is not None and asks.at_most is not None and amount > asks.at_most,
        "too_early": p.dated is not None and asks.dated_from is not None and p.dated < asks.dated_from,
        "too_late": p.dated is not None and asks.dated_to is not None and p.dated > asks.dated_to,
    }
    if (no := next((word for word, applies in noes.items() if applies), None)) is not None:
        return Verdict.FAILED, no
    if p.version != p.shown_version:
        return Verdict.UNKNOWN, "amended"
    if asks_amount and p.amount_minor is None:
        return Verdict.UNKNOWN, "no_amount"
    if asks_day and p.dated is None:
        return Verdict.UNKNOWN, "no_day"
    return Verdict.MET, "met"
