"""What the forms of lending say, in the units of the commands: amounts as people write them, rates in percent; and why not, at its field."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any, Final
from uuid import UUID, uuid5

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from luhai.core.parties import queries as parties
from luhai.core.parties.territories import territories
from luhai.kernel.money import EXPONENT, MAX_MINOR, Currency
from luhai.kernel.refusal import Invalid, Refusal
from luhai.shell.templatetags.luhai import day, money
from luhai.shell.web import origin_of, say, viewer_of

from . import commands
from .templatetags.lending_words import draw_state, line_state

MOST: Final = MAX_MINOR // commands.ROOM
#: Fields of a contract that the form has under another name.
_CONTRACT: Final = {
    "spread_bp": "spread", "haircut_percent": "haircut", "surcharge_percent": "surcharge", "misuse_percent": "misuse",
    "grace_days": "grace", "tail_days": "tail",
}  # fmt: skip
FLAGS: Final = ("revolving", "needs_pledge", "needs_evidence", "needs_insurance")
_NUMBERS: Final = {"haircut": "haircut_percent", "surcharge": "surcharge_percent", "misuse": "misuse_percent", "grace": "grace_days",
                   "tail": "tail_days"}  # fmt: skip


def text(request: HttpRequest, name: str) -> str:
    return request.POST.get(name, "").strip()


def amount(field: str, given: str, currency: str, *, nothing: bool = False) -> int:
    """1,250.50 CNY -> 125050. Refuses: Invalid; nothing, too, unless `nothing` may be."""
    places = EXPONENT[Currency(currency)] if currency in set(Currency) else 2
    cleaned = given.replace(",", "").replace("，", "").replace(" ", "")
    whole, point, part = cleaned.partition(".")
    if not (whole + part).isascii() or not whole.isdigit() or (point and not part.isdigit()) or len(part) > places:
        problem = gettext_noop("an amount such as 1250.50, with no more decimals than the currency has")
        raise Invalid(field=field, problem=problem)
    minor = int(whole + part.ljust(places, "0")) if len(whole) <= 15 else MOST + 1
    if minor > MOST:
        raise Invalid(field=field, problem=gettext_noop("a smaller amount"))
    if minor == 0 and not nothing:
        raise Invalid(field=field, problem=gettext_noop("an amount above zero"))
    return minor


def basis_points(field: str, given: str) -> int:
    """0.45 (percent) -> 45. Refuses: Invalid, beyond what a contract takes."""
    try:
        bp = Decimal(given.replace("%", "").strip()).scaleb(2)
    except InvalidOperation:
        bp = Decimal("NaN")
    if not bp.is_finite() or bp != bp.to_integral_value() or not -500 <= bp <= 2_000:
        raise Invalid(field=field, problem=gettext_noop("percent a year, from -5.00 to 20.00, with two decimals at most"))
    return int(bp)


def whole(field: str, given: str) -> int:
    cleaned = given.replace(",", "").replace(" ", "")
    if not cleaned.isascii() or not cleaned.isdigit() or len(cleaned) > 15:
        raise Invalid(field=field, problem=gettext_noop("a whole number"))
    return int(cleaned)


def id_from(field: str, given: str) -> UUID:
    try:
        return UUID(given)
    except ValueError:
        raise Invalid(field=field, problem=gettext_noop("one of those offered")) from None


def made_for(request: HttpRequest, what: str) -> UUID:
    """An id that a second press of the same button gives again."""
    return uuid5(origin_of(request).key, what) if request.POST.get("key") else uuid5(UUID(int=0), what)


def next_page(request: HttpRequest, cursor: str) -> str:
    """The address of the same list from a cursor on."""
    query = request.GET.copy()
    query["cursor"] = cursor
    return f"?{query.urlencode()}" if cursor else ""


# --- why not ------------------------------------------------------------------------------------------------------------

#: Problems that commands put together from numbers, said in the reader's language.
_PROBLEMS: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"a whole number from (?P<least>-?\d+) to (?P<most>-?\d+)"), gettext_noop("a whole number from %(least)s to %(most)s")),
    (re.compile(r"a list of 1 to (?P<most>\d+) documents.*"), gettext_noop("one to %(most)s documents, each with its amount")),
    (re.compile(r"one (?:or more )?of .*"), gettext_noop("one of those offered")),
)  # fmt: skip


def problem(refusal: Invalid) -> str:
    """What would be right, in the reader's language."""
    given = str(refusal.facts["problem"])
    for pattern, words in _PROBLEMS:
        if found := pattern.fullmatch(given):
            return _(words) % found.groupdict()
    return _(given)


def why(refusal: Refusal, currency: str, act: str = "") -> str:
    """A refusal in the reader's language, with amounts and states as the page writes them."""
    facts = refusal.facts
    if isinstance(refusal, Invalid):
        return problem(refusal)
    if refusal.code == "lending.too_little_security":
        return _("After the haircut the security is worth %(lendable)s; %(asked)s was asked for.") % _in_money(facts, currency)
    if refusal.code == "lending.sub_limits_exceed":
        said = _in_money(facts, currency) | {"node": facts["node"]}
        return _("What is below “%(node)s” comes to %(sum)s, more than its %(limit)s. Mark it as shared if they share it.") % said
    if refusal.code == "lending.beyond_one_borrower":
        return _("The law lets one borrower owe the bank at most %(most)s, a share of its capital.") % _in_money(facts, currency)
    if refusal.code == "lending.due_too_late":
        days = {name: day(date.fromisoformat(str(value))) for name, value in facts.items()}
        return _("The last day of repayment would be %(due)s; this line allows no later than %(latest)s.") % days
    if refusal.code == "lending.draw_act_not_allowed":
        return _("This cannot be done while the loan stands as: %(state)s.") % {"state": draw_state(str(facts["state"]))}
    if refusal.code in ("lending.act_not_allowed", "lending.line_not_in_force"):
        return _("This cannot be done while the line stands as: %(state)s.") % {"state": line_state(str(facts["state"]))}
    if refusal.code == "ledger.exceeds_credits" and act in _SHORT:
        return _(_SHORT[act])
    return say(refusal)


_SHORT: Final = {
    "approve": gettext_noop("A limit of the line has not that much free."),
    "reduce": gettext_noop("Not that much of this limit is free."),
    **dict.fromkeys(("repay", "margin", "pay_out"), gettext_noop("There is not that much on the deposit account.")),
}


def _in_money(facts: dict[str, Any], currency: str) -> dict[str, str]:
    return {name: money(value, currency) for name, value in facts.items() if isinstance(value, int)}


class Errors(dict[str, str]):
    """Problems by field of a form, each said once; under "" what is about the whole of it."""

    def reading(self, read: Callable[[], Any]) -> Any:
        """What was read; None, and the problem at its field, where it cannot be."""
        try:
            return read()
        except Invalid as refusal:
            self.setdefault(str(refusal.facts["field"]), problem(refusal))
            return None


# --- a new line ---------------------------------------------------------------------------------------------------------


def new_line(request: HttpRequest, errors: Errors) -> dict[str, Any]:
    """The arguments of `line_commands.open_line`; what cannot be read is said in `errors`."""
    currency = text(request, "currency")
    contract: dict[str, Any] = {
        "currency": currency, "starts_on": text(request, "starts_on"), "ends_on": text(request, "ends_on"),
        "reset": text(request, "reset"), "methods": request.POST.getlist("methods"),
        "spread_bp": errors.reading(lambda: basis_points("spread", text(request, "spread"))),
    }  # fmt: skip
    contract |= {name: name in request.POST for name in FLAGS}
    for field, name in _NUMBERS.items():
        if given := text(request, field):
            contract[name] = errors.reading(partial(whole, field, given))
    root = errors.reading(lambda: amount("amount", text(request, "amount"), currency))
    limits = [{"name": "whole", "parent": None, "amount": root, "shared": "shared" in request.POST}]
    for code, field in shares(request):
        part = errors.reading(partial(amount, field, text(request, field), currency))
        limits.append({"name": f"area_{code}", "parent": "whole", "amount": part, "territory": code})
    if not text(request, "number"):
        errors["number"] = _("the contract's number, in 1 to 60 characters")
    capital = text(request, "capital")
    return {
        "company_id": errors.reading(lambda: parties.party_named(name=text(request, "company"), field="company", viewer=viewer_of(request)).id),
        "number": text(request, "number"), "contract": contract, "limits": limits,
        "capital_minor": errors.reading(lambda: amount("capital", capital, currency)) if capital else None,
        "size": text(request, "size"), "industry": text(request, "industry"),
    }  # fmt: skip


def shares(request: HttpRequest) -> list[tuple[str, str]]:
    """The territories for which the form names a part of the line, and the fields that name it."""
    return [(code, f"share-{code}") for code in territories() if text(request, f"share-{code}")]


def field_of_line(refusal: Refusal, request: HttpRequest) -> str:
    """At which field of the form a refusal belongs."""
    said = {"lending.sub_limits_exceed": "shared", "lending.beyond_one_borrower": "amount"}.get(refusal.code, "")
    if not isinstance(refusal, Invalid):
        return said
    field = str(refusal.facts["field"])
    if found := re.match(r"limits\[(\d+)\]", field):
        fields = ["amount", *(name for _code, name in shares(request))]
        return fields[int(found[1])]
    field = re.split(r"[\[.]", field.removeprefix("contract."))[0]
    return {"company_id": "company", "capital_minor": "capital", "line_id": "number"}.get(field, _CONTRACT.get(field, field))


# --- a new loan ---------------------------------------------------------------------------------------------------------


def new_loan(request: HttpRequest, errors: Errors, currency: str, currencies: dict[UUID, str]) -> dict[str, Any]:
    """The arguments of `commands.request_draw`. `currencies` are those of the documents offered."""

    def chosen(name: str) -> UUID | None:
        given = text(request, name)
        return errors.reading(lambda: id_from(name, given)) if given else None

    papers = []
    for given in request.POST.getlist("papers"):
        key = errors.reading(partial(id_from, "papers", given))
        if key is None or key not in currencies:
            errors.setdefault("papers", _("one of those offered"))
            continue
        part = errors.reading(partial(amount, f"amount-{key}", text(request, f"amount-{key}"), currencies[key]))
        papers.append({"evidence_id": key, "amount": part})
    quantity = text(request, "quantity")
    return {
        "limit": text(request, "limit"), "purpose": text(request, "purpose"),
        "amount": errors.reading(lambda: amount("amount", text(request, "amount"), currency)),
        "repayment": {
            "method": text(request, "method"), "unit": text(request, "unit"),
            "number": errors.reading(lambda: whole("number", text(request, "number"))),
            "every": errors.reading(lambda: whole("every", text(request, "every"))),
        },
        "title_id": chosen("title"), "insurance_id": chosen("insurance"), "to_account": chosen("to"), "evidence_": papers,
        "quantity": errors.reading(lambda: whole("quantity", quantity)) if quantity else None,
    }  # fmt: skip


def field_of_loan(refusal: Refusal, papers: list[dict[str, Any]]) -> str:
    """At which field of the form a refusal belongs."""
    said = {
        "lending.too_little_security": "amount", "lending.due_too_late": "number", "lending.not_pledged": "title",
        "lending.not_standing": "papers", "rules.no_rate": "papers", "titles.quantity": "quantity",
    }.get(refusal.code, "")  # fmt: skip
    if not isinstance(refusal, Invalid):
        return said
    field = str(refusal.facts["field"])
    if found := re.match(r"evidence\[(\d+)\]", field):
        return f"amount-{papers[int(found[1])]['evidence_id']}"
    if field.startswith("repayment."):
        return field.removeprefix("repayment.")
    return {"repayment": "number", "title_id": "title", "insurance_id": "insurance", "to_account": "to", "evidence": "papers"}.get(field, field)


def next_year(today: date) -> date:
    """The last day of a line of one year that begins today."""
    return today + timedelta(364)
