"""What the forms of payments say, in the units of the commands; and why not, at its field and in the reader's language."""

from __future__ import annotations

import re
from typing import Final
from uuid import UUID, uuid5

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from luhai.core.escrow.templatetags.escrow_words import condition_word
from luhai.kernel.money import Currency
from luhai.kernel.refusal import Invalid, Refusal
from luhai.shell.templatetags.luhai import money
from luhai.shell.web import origin_of, say

from .templatetags.payment_words import payment_state

#: Fields of commands that a form has under another name.
_FIELDS: Final = {
    "evidence_id": "evidence", "to_account_id": "to", "company_id": "company", "ledger_account_id": "leads", "account_id": "number",
}  # fmt: skip
#: Refusals that are about one field of a form.
_ABOUT: Final = {"payments.not_theirs": "evidence", "payments.attached_before": "evidence", "payments.number_taken": "number",
                 "rules.no_rate": "rate"}  # fmt: skip


def text(request: HttpRequest, name: str) -> str:
    return request.POST.get(name, "").strip()


def id_from(field: str, given: str) -> UUID:
    try:
        return UUID(given)
    except ValueError:
        raise Invalid(field=field, problem=gettext_noop("one of those offered")) from None


def made_for(request: HttpRequest, what: str) -> UUID:
    """An id that a second press of the same button gives again."""
    return uuid5(origin_of(request).key, what)


def next_page(request: HttpRequest, cursor: str) -> str:
    """The address of the same list from a cursor on."""
    query = request.GET.copy()
    query["cursor"] = cursor
    return f"?{query.urlencode()}" if cursor else ""


def errors_of(refusal: Refusal, fields: frozenset[str], currency: str = "") -> dict[str, str]:
    """What to say, by the field where it is said; under "" what is about the whole."""
    field = str(refusal.facts.get("field", "")) if isinstance(refusal, Invalid) else _ABOUT.get(refusal.code, "")
    field = _FIELDS.get(field, field)
    if field in fields:
        return {field: _problem(refusal) if isinstance(refusal, Invalid) else say(refusal)}
    return {"": why(refusal, currency)}


def _problem(refusal: Invalid) -> str:
    """What would be right. Lists of codes are offered by the form itself, so they are not repeated."""
    given = str(refusal.facts["problem"])
    return _("one of those offered") if re.fullmatch(r"one of .*", given) else _(given)


def why(refusal: Refusal, currency: str = "") -> str:
    """A refusal in the reader's language, with amounts and states as the page writes them."""
    if refusal.code == "payments.act_not_allowed":
        return _("This cannot be done while the payment stands as: %(state)s.") % {"state": payment_state(str(refusal.facts["state"]))}
    left = refusal.facts.get("left")
    if refusal.code == "escrow.still_owed" and isinstance(left, int) and currency in set(Currency):
        return _("%(left)s would still be owed after it; the payment does not cover the debt.") % {"left": money(left, currency)}
    words = refusal.facts.get("words")
    if refusal.code == "escrow.not_met" and isinstance(words, dict):
        return _("The escrow is not carried out yet: %(why)s.") % {"why": _("; ").join(condition_word(w) for w in words.values())}
    if isinstance(refusal, Invalid):
        return f"{refusal.facts['field']}: {_problem(refusal)}"
    return say(refusal)
