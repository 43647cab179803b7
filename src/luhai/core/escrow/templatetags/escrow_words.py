"""How terms and steps of an escrow are written for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from luhai.core.ledger.templatetags.ledger_words import units

from ..lifecycle import ACT_NAMES, Act
from ..policy import WORDS

register = template.Library()

_TEMPLATES = {
    "dvp": gettext_noop("delivery against payment"),
    "pvp": gettext_noop("payment against payment"),
    "waterfall": gettext_noop("repayment in an agreed order"),
    "milestone": gettext_noop("payment by milestones"),
    "refund": gettext_noop("refund held until approved"),
    "loan_repayment": gettext_noop("repayment of a loan"),
}
#: What the parties and amounts of the usual terms are called; other names are the parties' own words.
_NAMES = {
    "buyer": gettext_noop("the buyer"),
    "seller": gettext_noop("the seller"),
    "first": gettext_noop("the first party"),
    "second": gettext_noop("the second party"),
    "price": gettext_noop("the price"),
    "ours": gettext_noop("what the first party pays"),
    "theirs": gettext_noop("what the second party pays"),
    "proof": gettext_noop("the proof"),
    "bank": gettext_noop("the bank"),
    "company": gettext_noop("the company"),
    "proceeds": gettext_noop("the proceeds"),
    "arrived": gettext_noop("all that is owed has come"),
    "checked": gettext_noop("the bank has checked it"),
}
_DONE = {
    Act.ARRANGE: gettext_noop("arranged it"),
    Act.AGREE: gettext_noop("agreed to the terms"),
    Act.FUND: gettext_noop("paid in"),
    Act.DEPOSIT: gettext_noop("handed over a title"),
    Act.PRESENT: gettext_noop("presented evidence"),
    Act.CONFIRM: gettext_noop("confirmed a condition"),
    Act.EXECUTE: gettext_noop("set off the execution"),
    Act.WITHDRAW: gettext_noop("withdrew it"),
    Act.EXPIRE: gettext_noop("let it expire"),
    Act.DISPUTE: gettext_noop("disputed it"),
    Act.SETTLE: gettext_noop("decided the dispute"),
}
_TITLE_ACTS = {
    "transfer": gettext_noop("transfer control"),
    "nominate": gettext_noop("nominate"),
    "endorse": gettext_noop("endorse"),
    "pledge": gettext_noop("pledge"),
    "release_pledge": gettext_noop("release the pledge"),
    "enforce": gettext_noop("enforce the pledge"),
    "split": gettext_noop("split"),
    "surrender": gettext_noop("present for delivery"),
    "surrender_for_amendment": gettext_noop("give up for amendment"),
}


@register.filter
def template_name(code: str) -> str:
    return _(_TEMPLATES[code]) if code in _TEMPLATES else code


@register.filter
def called(name: str) -> str:
    """A name in the terms as people say it."""
    return _(_NAMES[name]) if name in _NAMES else name


@register.filter
def condition_word(word: str) -> str:
    """Why a condition stands as it does."""
    return _(WORDS[word]) if word in WORDS else word


@register.filter
def act_name(act: str) -> str:
    return _(ACT_NAMES[Act(act)])


@register.filter
def done(act: str) -> str:
    """What is said of an act, after who did it."""
    return _(_DONE[Act(act)])


@register.filter
def asks(condition: Mapping[str, Any]) -> str:
    """A condition of the terms in words."""
    if payment := condition.get("payment"):
        return _("%(leg)s holds at least %(amount)s") % {
            "leg": called(payment["leg"]),
            "amount": payment["at_least"],
        }
    if consent := condition.get("consent"):
        return _("%(need)s of %(of)s confirm") % {
            "need": consent["need"],
            "of": _(", ").join(called(n) for n in consent["of"]),
        }
    said = condition.get("evidence", {})
    parts = [_kind(said["kind"]) if said.get("kind") else _("any document")]
    if said.get("external_ref"):
        parts.append(_("number %(n)s") % {"n": said["external_ref"]})
    if said.get("names"):
        parts.append(_("naming %(n)s") % {"n": said["names"]["value"]})
    if said.get("status"):
        parts.append(_("status %(s)s") % {"s": " / ".join(said["status"])})
    if bounds := said.get("amount"):
        unit = bounds["currency"]
        if "at_least" in bounds:
            parts.append(_("at least %(a)s") % {"a": units(bounds["at_least"], unit)})
        if "at_most" in bounds:
            parts.append(_("at most %(a)s") % {"a": units(bounds["at_most"], unit)})
    if said.get("dated_from"):
        parts.append(_("dated from %(d)s") % {"d": said["dated_from"]})
    if said.get("dated_to"):
        parts.append(_("dated until %(d)s") % {"d": said["dated_to"]})
    parts.append(
        _("from anybody") if said.get("sources") == "anybody" else _("from a source that the terms name")
    )
    return _(", ").join(parts)


@register.simple_tag
def step_words(step: Mapping[str, Any], terms: Mapping[str, Any]) -> str:
    """One step of the execution in words."""
    if "from" in step:
        unit = next((leg["unit"] for leg in terms["value"] if leg["name"] == step["from"]), "")
        if step.get("up_to") is not None:
            how = _("up to %(a)s of %(leg)s") % {"a": units(step["up_to"], unit), "leg": called(step["from"])}
        elif step["amount"] == "rest":
            how = _("the rest of %(leg)s") % {"leg": called(step["from"])}
        else:
            how = _("%(a)s of %(leg)s") % {"a": units(step["amount"], unit), "leg": called(step["from"])}
        return how
    if "title" in step:
        act = _(_TITLE_ACTS.get(step["act"], step["act"]))
        to = step["details"].get("to")
        return _("%(act)s to %(to)s") % {"act": act, "to": called(to)} if to else act
    return _("use the evidence for %(condition)s: %(amount)s, %(purpose)s of %(user)s") % {
        "condition": called(step["use"]), "amount": units(step["amount"], step["currency"]), "purpose": _(step["purpose"]),
        "user": called(step["user"]),
    }  # fmt: skip


@register.filter
def told(data: Mapping[str, Any]) -> str:
    """What an event of the history says besides who and what."""
    words = [called(str(data[name])) for name in ("leg", "condition", "reason", "decision") if data.get(name)]
    return " · ".join(words)


def _kind(code: str) -> str:
    from luhai.core.evidence.queries import KIND_NAMES

    return _(KIND_NAMES[code]) if code in KIND_NAMES else code
