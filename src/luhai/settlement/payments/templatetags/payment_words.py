"""How states, acts, reasons, messages and findings of payments are written for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django import template
from django.utils.translation import get_language, gettext_noop, ngettext
from django.utils.translation import gettext as _

from luhai.core.escrow.templatetags.escrow_words import template_name
from luhai.core.evidence.queries import KIND_NAMES
from luhai.core.ledger.templatetags.ledger_words import transfer_code
from luhai.core.rules import queries as rules
from luhai.core.rules.parameters import NoParameter
from luhai.kernel.money import Currency
from luhai.kernel.origin import PUBLIC
from luhai.settlement.checks import queries as checks
from luhai.settlement.checks.policy import Finding
from luhai.shell.templatetags.luhai import money

from ..lifecycle import STATE_NAMES, Act, State
from ..policy import OVERRIDE_REASONS, RETURN_REASONS, SITUATIONS
from ..queries import PaymentEvent

register = template.Library()

_SHADES = {
    State.RECEIVED: "warn", State.CLEAR: "good", State.BLOCKED: "bad", State.OVERRIDDEN: "brass", State.CREDITED: "good",
    State.RETURNED: "line",
}  # fmt: skip
#: What is said of an act, after who did it.
_DONE: dict[str, str] = {
    Act.RECEIVE: gettext_noop("took the payment in"),
    "sent": gettext_noop("sent the payment"),
    Act.ATTACH: gettext_noop("attached a document"),
    Act.DETACH: gettext_noop("took a document away"),
    Act.CHECK: gettext_noop("checked the documents"),
    Act.PROPOSE: gettext_noop("proposed to let it pass"),
    Act.APPROVE: gettext_noop("approved that it passes"),
    Act.SETTLE: gettext_noop("credited it"),
    Act.RETURN: gettext_noop("sent it back"),
}
_VERDICTS = {"clear": gettext_noop("nothing against it"), "blocked": gettext_noop("stopped by the check")}
_MESSAGES = {
    "pacs.008": gettext_noop("payment order"),
    "pacs.002": gettext_noop("status report"),
    "pacs.004": gettext_noop("return of a payment"),
    "camt.054": gettext_noop("notice of a credit"),
}
_STATUSES = {
    "ACSP": gettext_noop("taken on, being worked on"),
    "ACSC": gettext_noop("settled between the banks"),
    "ACCC": gettext_noop("credited to the creditor"),
    "RJCT": gettext_noop("rejected"),
}
#: Why an order is rejected. Source: ISO 20022 external code set, status reasons.
_REJECTIONS = {
    "AC01": gettext_noop("There is no account of this number"),
    "AC02": gettext_noop("The debtor's account cannot be right"),
    "AC04": gettext_noop("The account was closed"),
    "AC06": gettext_noop("The account is blocked"),
    "AM01": gettext_noop("The amount is zero"),
    "AM03": gettext_noop("The currency is not settled here, or the amount is finer than it"),
    "AM09": gettext_noop("The amount is not what was agreed"),
    "AM12": gettext_noop("The amount cannot be right"),
    "DT01": gettext_noop("The day cannot be right"),
    "DUPL": gettext_noop("Another payment has this number already"),
    "RC01": gettext_noop("A bank is identified wrongly"),
    "RR02": gettext_noop("Name or address of the debtor is missing or incomplete"),
    "RR03": gettext_noop("Name or address of the creditor is missing or incomplete"),
}
_BEARERS = {
    "DEBT": gettext_noop("all by the debtor"),
    "CRED": gettext_noop("all by the creditor"),
    "SHAR": gettext_noop("each side its own"),
    "SLEV": gettext_noop("as the service says"),
}
_DOCUMENTS = {
    "CINV": gettext_noop("commercial invoice"),
    "CREN": gettext_noop("credit note"),
    "DEBN": gettext_noop("debit note"),
    "SOAC": gettext_noop("statement of account"),
}
_TITLE_STEPS = {
    "release_pledge": gettext_noop("The pledge on the goods is released"),
    "transfer": gettext_noop("The document of title changes hands"),
}
_TIERS = {
    "1": gettext_noop("grade 1: documents may follow"),
    "2": gettext_noop("grade 2: the usual check"),
    "3": gettext_noop("grade 3: the stricter check"),
}
_STANDS = {
    "own.current": gettext_noop("current account"),
    "lending.deposit": gettext_noop("loan deposit"),
    "escrow.value": gettext_noop("collection account of an escrow"),
}
_SHADE_OF = {"met": "good", "stood_in": "sea", "tolerated": "sea", "missing": "warn", "mismatch": "bad"}


def _zh() -> bool:
    return (get_language() or "").startswith("zh")


@register.filter
def payment_state(state: str) -> str:
    return _(STATE_NAMES[State(state)])


@register.filter
def payment_shade(state: str) -> str:
    return _SHADES[State(state)]


@register.filter
def payment_done(act: str) -> str:
    """What is said of an act; `sent` where the bank abroad brought the message itself."""
    return _(_DONE[act])


@register.filter
def situation(code: str) -> str:
    return _(SITUATIONS[code]) if code in SITUATIONS else code


@register.filter
def override_reason(code: str) -> str:
    return _(OVERRIDE_REASONS[code]) if code in OVERRIDE_REASONS else code


@register.filter
def message_type(code: str) -> str:
    """pacs.008.001.08 -> payment order."""
    family = ".".join(code.split(".")[:2])
    return _(_MESSAGES[family]) if family in _MESSAGES else family


@register.filter
def message_status(code: str) -> str:
    return _(_STATUSES[code]) if code in _STATUSES else code


@register.filter
def message_reason(code: str) -> str:
    """Why a message rejects or returns."""
    known = {**RETURN_REASONS, **_REJECTIONS}
    return _(known[code]) if code in known else code


@register.filter
def charges(code: str) -> str:
    return _(_BEARERS[code]) if code in _BEARERS else code


@register.filter
def said_document(kind: str) -> str:
    """The kind of a document that an order names."""
    return _(_DOCUMENTS[kind]) if kind in _DOCUMENTS else kind


@register.filter
def paper_kind(kind: str) -> str:
    return _(KIND_NAMES[kind]) if kind in KIND_NAMES else kind


@register.filter
def tier(code: str) -> str:
    return _(_TIERS[code]) if code in _TIERS else code


@register.filter
def stands_for(kind: str) -> str:
    """What a number leads to, by the kind of the account behind it."""
    return _(_STANDS[kind]) if kind in _STANDS else _("account of the company")


@register.filter
def escrow_name(template: str) -> str:
    """What an escrow is for."""
    return _("repayment of a loan") if template == "loan_repayment" else template_name(template)


@register.filter
def step_of_escrow(step: Mapping[str, Any]) -> str:
    """One step that crediting sets off, in words."""
    if "title" in step:
        return _(_TITLE_STEPS.get(step["act"], gettext_noop("An act on the document of title is done")))
    if step.get("amount") == "rest":
        return _("The rest goes to the company")
    return transfer_code(step.get("code", ""))


@register.filter
def waited(since: datetime, now: datetime) -> str:
    """How long ago that was: in hours on the first day, then in days."""
    hours = max(int((now - since).total_seconds() // 3600), 0)
    if hours < 24:
        return ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": hours}
    return ngettext("%(n)s day", "%(n)s days", hours // 24) % {"n": hours // 24}


@register.filter
def event_told(event: PaymentEvent) -> str:
    """What an event says besides who and what."""
    data, words = event.data, []
    if data.get("kind"):
        words.append(paper_kind(data["kind"]))
    if data.get("situation"):
        words.append(situation(data["situation"]))
    if data.get("verdict"):
        words.append(_(_VERDICTS.get(data["verdict"], data["verdict"])))
    if data.get("against"):
        language = get_language() or "en"
        words.append((_(", ")).join(checks.check_name(name, language) for name in data["against"]))
    if code := data.get("reason_code"):
        words.append(message_reason(code) if event.act is Act.RETURN else override_reason(code))
    words += [str(data[name]) for name in ("reason", "account") if data.get(name)]
    return " · ".join(words)


# --- findings -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """A finding as a row of a table."""

    name: str
    status: str
    shade: str
    weight: str
    blocks: bool
    wanted: str
    found: str
    measure: str
    parameter: Parameter | None
    scene: dict[str, str] | None


@dataclass(frozen=True, slots=True)
class Parameter:
    """The number that a check compared with."""

    key: str
    zh: str
    en: str
    valid_from: date
    document: str
    article: str
    verified: bool


@register.filter
def rows(findings: list[dict[str, Any]]) -> dict[str, list[Row]]:
    """Findings in words: `open` what is in the way, then what else differs; `met` what agrees."""
    made = []
    for stored in findings:
        finding = Finding(**stored)
        words = checks.findings_words(finding)
        order = (not finding.blocks, finding.status == "met", finding.status in ("tolerated", "stood_in"))
        row = Row(
            words.name, words.status, _SHADE_OF[finding.status], words.weight, finding.blocks, words.wanted, words.found,
            finding.measure or "", _parameter(finding.rule), scene(finding.scene) if finding.scene else None,
        )  # fmt: skip
        made.append((order, row))
    ordered = sorted(made, key=lambda pair: pair[0])
    return {"open": [row for order, row in ordered if not order[1]], "met": [row for order, row in ordered if order[1]]}


@register.filter
def finding_names(findings: list[dict[str, Any]]) -> list[str]:
    """The names of some findings, as a list in a queue shows them."""
    language = get_language() or "en"
    return [checks.check_name(f["name"], language) for f in findings]


@register.filter
def rule_set(version: str) -> dict[str, str]:
    """The rules of a stored version, with their names; the scenes in it are asked of `scenes`."""
    base = version.partition("+")[0]
    for one in checks.rule_sets(viewer=PUBLIC):
        if one.version == base:
            return {
                "version": base, "zh": one.zh, "en": one.en, "document": one.document, "article": one.article, "confidence": one.confidence,
            }  # fmt: skip
    return {"version": base, "zh": base, "en": base}


@register.filter
def scenes(version: str) -> list[dict[str, str]]:
    """The scenes that a stored version names beside the rules."""
    return [scene(one) for one in checks.scenes_of(version)]


def scene(version: str) -> dict[str, str]:
    """A scene by its version, with its names."""
    try:
        found = checks.scene(key=version, viewer=PUBLIC)
    except checks.NoScene:
        return {"version": version, "key": version.partition("@")[0], "zh": version, "en": version}
    return {"version": version, "key": found.key, "zh": found.zh, "en": found.en}


def _parameter(rule: str) -> Parameter | None:
    """The parameter behind key@day; None where there is none, or none is known any more."""
    key, _at, day = rule.partition("@")
    if not key:
        return None
    try:
        found = rules.parameters(viewer=PUBLIC).of(key)
    except NoParameter:
        return None
    begins = date.fromisoformat(day)
    value = next((v for v in found.values if v.valid_from == begins), None)
    if value is None:
        return None
    return Parameter(
        key, found.title_zh, found.title_en, begins, value.source.document, value.source.article, value.confidence == "verified"
    )


@register.simple_tag
def amount_left(amount: int | None, currency: str) -> str:
    """An amount; a dash where it is not known, and the bare number in a currency that is not settled here."""
    if amount is None:
        return "—"
    return money(amount, currency) if currency in set(Currency) else f"{amount} {currency}".strip()
