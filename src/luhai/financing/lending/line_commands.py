"""Everything that can be done to a credit line. How a tree of limits must be is decided in `policy`.

Locks: the line's own row; then one linked ledger batch, last. What is free under a limit is on the ledger alone, so draws from two
provinces meet there, on the limit that they share (INV-CL-1).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID, uuid5

import rfc8785
from django.db import IntegrityError, transaction

from luhai.core.indicators.dimensions import INDUSTRIES, SIZES
from luhai.core.ledger import commands as ledger
from luhai.core.parties import queries as parties
from luhai.core.rules import queries as rules
from luhai.core.rules.business_days import calendar
from luhai.kernel.money import MAX_MINOR
from luhai.kernel.origin import SYSTEM, Origin, Role
from luhai.kernel.refusal import Absent, Invalid, NotEntitled, Refusal, gettext_noop
from luhai.shell.command import command, record

from . import books, policy
from .lifecycle import LINE_NEXT, LineAct, LineState
from .models import Event, Limit, Line
from .queries import contract_of, limits_of, nodes_of

#: Comprehensive credit, and drawing and repaying at will.
MEASURES: Final = ["M05-06", "M05-07"]
BANK_OF: Final = gettext_noop("the bank of this line")
COMPANY_OF: Final = gettext_noop("the company of this line")
#: Parameters that bound a contract, in the units of its fields.
_BOUNDS: Final = {
    "tail_days": "lending.longest_tail", "grace_days": "lending.longest_grace",
    "surcharge_least": "lending.overdue_surcharge_least", "surcharge_most": "lending.overdue_surcharge_most",
    "misuse_least": "lending.misuse_surcharge_least", "misuse_most": "lending.misuse_surcharge_most",
    "haircut_least": "lending.least_haircut",
}  # fmt: skip


class LineActNotAllowed(Refusal):
    code = "lending.act_not_allowed"
    message = gettext_noop("%(act)s is not allowed while the line is %(state)s.")


class SamePerson(Refusal):
    code = "lending.same_person"
    message = gettext_noop("Another person of the bank must do this: four eyes.")


class TermsDiffer(Refusal):
    code = "lending.terms_differ"
    message = gettext_noop("These are other terms; the digest of this line's terms is %(digest)s.")


class TooLarge(Refusal):
    code = "lending.beyond_one_borrower"
    message = gettext_noop(
        "One borrower may owe the bank at most %(most)s, the share of its capital that the law allows."
    )


class NotOver(Refusal):
    code = "lending.not_over"
    message = gettext_noop("This line runs until %(ends_on)s.")


@command(may=[Role.BANK])
def open_line(
    *, line_id: UUID, company_id: UUID, number: str, contract: dict[str, Any], limits: list[dict[str, Any]],
    capital_minor: int | None = None, size: str = "", industry: str = "", origin: Origin,
) -> UUID:  # fmt: skip
    """Write down a comprehensive credit line for a company; return its id. It binds nobody yet.

    Who:     the bank.
    Units:   amounts in minor units of the contract's currency; see policy.py for the forms of `contract` and `limits`.
             `capital_minor` is the bank's net capital in the same, where the cap on one borrower is to be looked at.
             `size` and `industry` of the borrower, as the bank must classify its loans; codes of core/indicators, "" not stated.
    Writes:  the Line, its Limits.
    Refuses: Invalid (with the path of the first mistake), TreeTooWide, TooLarge.
    Source:  domain notes on financing §6.1; Commercial Bank Law 39; measures M05-06, M05-07; oversight §1.2 (classes of borrowers).
    """
    bank = origin.actor.party_id
    assert bank is not None
    if not isinstance(number, str) or not 0 < len(number.strip()) <= 60 or not number.isprintable():
        raise Invalid(field="number", problem=gettext_noop("the contract's number, in 1 to 60 characters"))
    stated("size", size, SIZES)
    stated("industry", industry, INDUSTRIES)
    bounds, versions = _bounds(origin)
    read, nodes = policy.read(contract, bounds), policy.read_nodes(limits)
    _company(company_id)
    if capital_minor is not None:
        _one_borrower(nodes[0].amount, capital_minor, origin)
    said = policy.as_json(read)
    row = Line(
        id=line_id, bank_id=bank, company_id=company_id, number=number.strip(), currency=read.currency.value, contract=said,
        size=size, industry=industry, digest=digest_of(said, nodes), opened_by=origin.actor.person_id, opened_at=origin.at, acted_at=origin.at,
    )  # fmt: skip
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        raise Invalid(
            field="line_id", problem=gettext_noop("an id, and a number of the bank's, that are not taken")
        ) from None
    ids = {node.name: uuid5(line_id, node.name) for node in nodes}
    for node in nodes:
        Limit.objects.create(
            id=ids[node.name], line=row, parent_id=ids[node.parent] if node.parent else None, name=node.name,
            territory=node.territory, product=node.product, amount=node.amount, shared=node.shared,
        )  # fmt: skip
    note(row, LineAct.OPEN, origin, {"limit": nodes[0].amount, "limits": len(nodes), "size": size, "industry": industry}, rules=versions)
    return line_id


@command(may=[Role.BANK])
def approve_line(*, line_id: UUID, origin: Origin) -> UUID:
    """Approve a line; return its id. Who: a second person of the bank. Refuses: Absent, NotEntitled, SamePerson, LineActNotAllowed."""
    row = for_act(line_id, LineAct.APPROVE, origin)
    if origin.actor.person_id == row.opened_by:
        raise SamePerson()
    row.approved_by = origin.actor.person_id
    _move(row, LineAct.APPROVE, origin, {})
    return line_id


@command(may=[Role.COMPANY])
def sign_line(*, line_id: UUID, digest: str, origin: Origin) -> UUID:
    """Sign the line's terms with this digest; return its id. Who: the company. Refuses: TermsDiffer, and as `approve_line`."""
    row = for_act(line_id, LineAct.SIGN, origin)
    if digest != row.digest:
        raise TermsDiffer(digest=row.digest)
    row.signed_by = origin.actor.person_id
    _move(row, LineAct.SIGN, origin, {"digest": digest})
    return line_id


@command(may=[Role.BANK])
def start_line(*, line_id: UUID, origin: Origin) -> UUID:
    """Put a signed line in force; return its id.

    Who:     the bank, once what it made a condition is there.
    Writes:  the accounts of the limits, with what they grant on them; the company's deposit account, if it had none.
    Refuses: Invalid (before it starts, after it ends), and as `approve_line`.
    """
    row = for_act(line_id, LineAct.START, origin)
    contract, today = contract_of(row), calendar().local_date(origin.at)
    if not contract.starts_on <= today <= contract.ends_on:
        raise Invalid(
            field="line_id",
            problem=gettext_noop("a line whose first day has come and whose last has not gone"),
        )
    limits = list(Limit.objects.filter(line=row).order_by("pk"))
    _move(row, LineAct.START, origin, {})
    ledger.open_accounts(
        books.accounts_of_line(row.bank_id, row.company_id, row.currency, [x.pk for x in limits]),
        at=origin.at,
    )
    batch = books.Batch(row.pk, origin.key, row.currency)
    for limit in limits:
        source = books.bank_account(row.bank_id, "granted", row.currency)
        batch.post(source, books.limit_account(limit.pk), limit.amount, "lending.grant")
    ledger.post_all(batch.transfers, at=origin.at)
    return line_id


@command(may=[Role.BANK])
def reduce_limit(*, line_id: UUID, name: str, by: int, reason: str, origin: Origin) -> UUID:
    """Take back a part of a limit that is not used; return the line's id.

    Units:   `by` in minor units. What was drawn or is held stays.
    Refuses: Invalid, TreeTooWide (what is below comes to more: reduce that first), ledger.exceeds_credits (more than is free), and
             as `approve_line`.
    """
    row = for_act(line_id, LineAct.REDUCE, origin)
    said = reason_of(reason)
    limit = Limit.objects.filter(line=row, name=name).first()
    if limit is None:
        raise Invalid(field="name", problem=gettext_noop("the name of a limit of this line"))
    if isinstance(by, bool) or not isinstance(by, int) or not 0 < by <= limit.amount:
        raise Invalid(field="by", problem=f"a whole number from 1 to {limit.amount}")
    limit.amount -= by
    limit.save(update_fields=["amount"])
    policy.check_tree(nodes_of(row))
    _move(row, LineAct.REDUCE, origin, {"limit": name, "by": by, "reason": said})
    batch = books.Batch(row.pk, origin.key, row.currency)
    batch.post(
        books.limit_account(limit.pk),
        books.bank_account(row.bank_id, "granted", row.currency),
        by,
        "lending.reduce",
    )
    ledger.post_all(batch.transfers, at=origin.at)
    return line_id


@command(may=[Role.BANK])
def freeze_line(*, line_id: UUID, reason: str, origin: Origin) -> UUID:
    """Let nothing more be drawn; return the line's id. What was lent is repaid as agreed, and frees nothing meanwhile."""
    row = for_act(line_id, LineAct.FREEZE, origin)
    _move(row, LineAct.FREEZE, origin, {"reason": reason_of(reason)})
    _shift(row, "limit", "blocked", origin)
    return line_id


@command(may=[Role.BANK])
def thaw_line(*, line_id: UUID, reason: str, origin: Origin) -> UUID:
    """End a freeze; return the line's id. What was free, and what was repaid meanwhile, can be drawn again."""
    row = for_act(line_id, LineAct.THAW, origin)
    _move(row, LineAct.THAW, origin, {"reason": reason_of(reason)})
    _shift(row, "blocked", "limit", origin)
    return line_id


@command(may=[Role.BANK, Role.COMPANY])
def cancel_line(*, line_id: UUID, reason: str, origin: Origin) -> UUID:
    """Give a line up; return its id. What was lent is repaid as agreed.

    Who:     the bank; the company, which may do without it at any time.
    """
    row = for_act(line_id, LineAct.CANCEL, origin)
    had_accounts = row.state not in {LineState.DRAFT, LineState.APPROVED, LineState.SIGNED}
    _move(row, LineAct.CANCEL, origin, {"reason": reason_of(reason)})
    if had_accounts:
        _shift(row, "limit", "spent", origin)
    return line_id


@command(may=[Role.BANK, Role.OPERATOR])
def expire_line(*, line_id: UUID, origin: Origin) -> UUID:
    """End a line whose last day has gone; return its id. Who: the bank, or the system. Refuses: NotOver, and as `approve_line`."""
    row = for_act(line_id, LineAct.EXPIRE, origin)
    ends_on = contract_of(row).ends_on
    if calendar().local_date(origin.at) <= ends_on:
        raise NotOver(ends_on=ends_on.isoformat())
    _move(row, LineAct.EXPIRE, origin, {"ends_on": ends_on.isoformat()})
    _shift(row, "limit", "spent", origin)
    return line_id


# --- also for draws -----------------------------------------------------------------------------------------------------


def for_act(line_id: UUID, act: LineAct, origin: Origin) -> Line:
    """Lock, then who, then whether."""
    row = locked(line_id)
    if act is LineAct.SIGN:
        entitled(row.company_id, COMPANY_OF, origin)
    elif not (act is LineAct.CANCEL and origin.actor.party_id == row.company_id):
        entitled(row.bank_id, BANK_OF, origin)
    if (LineState(row.state), act) not in LINE_NEXT:
        raise LineActNotAllowed(act=str(act), state=row.state)
    return row


def entitled(party: UUID, who: str, origin: Origin) -> None:
    """Refuse whoever does not act for the party; the system and the operator may wherever a command lets them in."""
    if origin.actor.party_id != party and origin.actor.role not in {Role.SYSTEM, Role.OPERATOR}:
        raise NotEntitled(who=who)


def locked(line_id: UUID) -> Line:
    row = Line.objects.select_for_update().filter(pk=line_id).first()
    if row is None:
        raise Absent(kind="line")
    return row


def reason_of(reason: str) -> str:
    if not isinstance(reason, str) or not 0 < len(reason.strip()) <= 400:
        raise Invalid(field="reason", problem=gettext_noop("a text of 1 to 400 characters"))
    return reason.strip()


def stated(field: str, code: str, codes: Mapping[str, object]) -> None:
    """A code of the list, or none. Refuses: Invalid (field)."""
    if not isinstance(code, str) or (code and code not in codes):
        raise Invalid(field=field, problem=f"one of {', '.join(codes)}, or nothing")


def note(
    row: Line, act: str, origin: Origin, data: Mapping[str, Any], *, rules: list[str] | None = None
) -> None:
    """Write the step down, in the line's own history and in the journal."""
    Event.objects.create(
        line=row, act=act, after=row.state, party=origin.actor.party_id, person=origin.actor.person_id, data=dict(data),
        at=origin.at,
    )  # fmt: skip
    record(f"lending.line_{act}", row.pk, measures=MEASURES, rules=rules or [], after=row.state, **data)


def digest_of(contract: Mapping[str, Any], nodes: tuple[policy.Node, ...]) -> str:
    """SHA-256 of contract and limits in canonical JSON (RFC 8785): what the company signs."""
    limits = [
        {
            "name": n.name, "parent": n.parent, "amount": n.amount, "shared": n.shared, "territory": n.territory,
            "product": n.product,
        }
        for n in nodes
    ]  # fmt: skip
    return hashlib.sha256(rfc8785.dumps({"contract": dict(contract), "limits": limits})).hexdigest()


def _move(row: Line, act: LineAct, origin: Origin, data: Mapping[str, Any]) -> None:
    row.state, row.acted_at = LINE_NEXT[LineState(row.state), act], origin.at
    row.save(update_fields=["state", "approved_by", "signed_by", "acted_at"])
    note(row, act, origin, data)


def _shift(row: Line, source: str, target: str, origin: Origin) -> None:
    """All that is on one side of every limit goes to another, as it is when the ledger comes to it."""
    batch = books.Batch(row.pk, origin.key, row.currency)
    for limit in limits_of(row):
        batch.post(
            books.limit_account(limit.id, source), books.limit_account(limit.id, target), MAX_MINOR, f"lending.{target}",
            up_to=True,
        )  # fmt: skip
    ledger.post_all(batch.transfers, at=origin.at)


def _bounds(origin: Origin) -> tuple[dict[str, int], list[str]]:
    """The parameters that bound a contract, and which versions of them were looked at."""
    today = calendar().local_date(origin.at)
    found, versions = {}, []
    for name, key in _BOUNDS.items():
        value = rules.value_on(key=key, on=today, territory=origin.actor.territory, viewer=origin.actor)
        found[name] = int(value.value)
        versions.append(f"{key}@{value.valid_from.isoformat()}")
    return found, versions


def _company(company_id: UUID) -> None:
    try:
        kind = parties.party(party_id=company_id, viewer=SYSTEM).kind
    except Absent:
        kind = ""
    if kind != "company":
        raise Invalid(field="company_id", problem=gettext_noop("a registered company"))


def _one_borrower(amount: int, capital: int, origin: Origin) -> None:
    if isinstance(capital, bool) or not isinstance(capital, int) or not 0 < capital <= MAX_MINOR:
        raise Invalid(field="capital_minor", problem=f"a whole number from 1 to {MAX_MINOR}")
    cap = rules.value_on(
        key="lending.single_borrower_cap",
        on=calendar().local_date(origin.at),
        territory=None,
        viewer=origin.actor,
    )
    most = capital * int(cap.value) // 100
    if amount > most:
        raise TooLarge(most=most)
