"""The lane: a party's shipments, and one shipment on one page: where it stands, what is to be done, and what happened, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import wraps
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, path, reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET

from luhai.core.escrow.templatetags.escrow_words import done as escrow_done
from luhai.core.evidence.queries import KIND_NAMES, PURPOSE_NAMES
from luhai.core.evidence.templatetags.evidence_words import status_name
from luhai.core.ledger.policy import CODE_NAMES
from luhai.core.ledger.templatetags.ledger_words import units
from luhai.core.parties import queries as parties
from luhai.core.parties.queries import MembershipView
from luhai.core.titles.queries import Name
from luhai.kernel.origin import SYSTEM, Actor, Role
from luhai.kernel.refusal import NotPermitted
from luhai.oversight.statistics import queries as statistics
from luhai.records.transport import queries as transport
from luhai.records.transport.places import place_names
from luhai.settlement.payments.queries import STATE_NAMES as PAYMENT_STATES
from luhai.settlement.payments.queries import State as PaymentState
from luhai.shell.templatetags.luhai import either
from luhai.shell.web import is_local, page, refusals, viewer_of

from . import view
from .chronicle import GOODS, MONEY, TITLE, Entry, chronicle
from .stations import PART_NAMES, STATION_NAMES, Boxes, Say, Station
from .view import Shipment

View = Callable[..., HttpResponse]

_COLUMNS: Final = {
    TITLE: gettext_noop("The document"), MONEY: gettext_noop("The money"), GOODS: gettext_noop("The goods and their papers"),
}  # fmt: skip
#: What is said of an act, after who did it.
_TITLE_ACTS: Final = {
    "issue": gettext_noop("issued"),
    "derive": gettext_noop("began as a part or a whole of others"),
    "nominate": gettext_noop("nominated a beneficiary"),
    "endorse": gettext_noop("endorsed it"),
    "transfer": gettext_noop("transferred control"),
    "reject": gettext_noop("rejected what was given"),
    "pledge": gettext_noop("pledged it"),
    "refuse_pledge": gettext_noop("refused a pledge"),
    "release_pledge": gettext_noop("released a pledge"),
    "enforce": gettext_noop("enforced a pledge"),
    "split": gettext_noop("split it"),
    "merge": gettext_noop("merged it"),
    "surrender": gettext_noop("presented it for delivery"),
    "surrender_for_amendment": gettext_noop("gave it up for amendment"),
    "accept_surrender": gettext_noop("accepted the surrender"),
    "refuse_surrender": gettext_noop("refused the surrender"),
    "amend": gettext_noop("amended it"),
    "to_paper": gettext_noop("converted it to paper"),
    "to_electronic": gettext_noop("took it back from paper"),
    "keep": gettext_noop("handed it to an escrow"),
    "return": gettext_noop("had it returned by the escrow"),
    "freeze": gettext_noop("froze it"),
    "unfreeze": gettext_noop("ended the freeze"),
    "void": gettext_noop("declared it void"),
}
_LOAN_ACTS: Final = {
    "request": gettext_noop("asked for a loan"),
    "approve": gettext_noop("approved the loan"),
    "refuse": gettext_noop("ended the request for the loan"),
    "disburse": gettext_noop("paid out the loan"),
    "repay": gettext_noop("wrote down what was repaid"),
    "close_day": gettext_noop("wrote down at the close of business what was repaid"),
}
_PAYMENT_ACTS: Final = {
    "receive": gettext_noop("sent a payment"),
    "attach": gettext_noop("put a document to the payment"),
    "detach": gettext_noop("took a document off the payment"),
    "check": gettext_noop("checked the payment against its documents"),
    "propose": gettext_noop("proposed to let the payment pass"),
    "approve": gettext_noop("let the payment pass"),
    "settle": gettext_noop("credited the payment"),
    "return": gettext_noop("sent the payment back"),
}
#: Purposes of transfers that the ledger does not name.
_CODES: Final = {
    "payments.receive": gettext_noop("Arrived, kept in suspense until it is checked"),
    "payments.exchange": gettext_noop("Given to the bank in exchange"),
    "payments.credit": gettext_noop("Credited"),
    "payments.return": gettext_noop("Sent back"),
    "lending.surplus": gettext_noop("The surplus, to the company"),
}
_DOCUMENTS: Final = {
    "rail_bill": gettext_noop("railway bill"),
    "rail_sea_bill": gettext_noop("rail-sea bill"),
    "multimodal_bill": gettext_noop("multimodal bill"),
    "ocean_bill": gettext_noop("ocean bill of lading"),
    "cargo_document": gettext_noop("negotiable cargo document"),
    "waybill": gettext_noop("waybill"),
}
#: Figures that a loan that was paid out, and a payment that was credited, are counted in.
_DRAWN: Final = ("loans_drawn", "secured_drawn", "loans_outstanding", "secured_outstanding")
_RECEIVED: Final = ("receipts", "receipts_documented")


@dataclass(frozen=True, slots=True)
class Line:
    """An entry in words, with the name and the place of the column it stands in."""

    entry: Entry
    name: str
    place: int
    who: str
    words: str
    notes: list[str]
    href: str
    measures: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Doing:
    """A box in words: the sentence, the page on which it is done, and who it is waited for."""

    words: str
    href: str
    who: Name | None


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of statistics that this shipment is counted in, and the whole of it where the viewer may see it."""

    zh: str
    en: str
    month: str
    own: tuple[int, str]
    whole: int | None
    href: str


def _in_their_language(shown: View) -> View:
    """Who acts for a party abroad and never chose a language reads English."""

    @wraps(shown)
    def read(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        party = getattr(getattr(request, "acting_for", None), "party", None)
        if settings.LANGUAGE_COOKIE_NAME in request.COOKIES or party is None or party.country in ("CN", ""):
            return shown(request, *args, **kwargs)
        with translation.override("en"):
            return shown(request, *args, **kwargs)

    return read


@require_GET
@_in_their_language
@refusals
def lane(request: HttpRequest) -> HttpResponse:
    """The viewer's shipments, each with where it stands, what is next, what is waited for and what is at stake."""
    viewer = viewer_of(request)
    if viewer.role is Role.PUBLIC:
        raise NotPermitted(query="lane", role=str(viewer.role))
    found = view.lane(on=_today(), cursor=request.GET.get("cursor", ""), viewer=viewer)
    query = request.GET.copy()
    query["cursor"] = found.next
    return page(
        request, "desks/lane_list.html", players=_players() if settings.DEMO and is_local(request) else [], first="cursor" not in request.GET, next=f"?{query.urlencode()}" if found.next else "",
        items=[_row(s) for s in sorted(found.items, key=lambda s: not s.mine)],
        sent=[(p, PAYMENT_STATES[p.state], _doing(b.next, None, p.id), _doing(b.waits, None, p.id), _link("payment", p.id)) for p, b in found.sent],
    )  # fmt: skip


def _players() -> list[MembershipView]:
    """The ready accounts of the demonstration that play this lane: who signed the newest agreement, and the banks beside them."""
    for agreement in transport.agreements(state="in_force", viewer=SYSTEM):
        signed = {s.party.id for s in agreement.signatories}
        found = [m for m in parties.people(limit=100, viewer=SYSTEM) if m.party.id in signed or m.role is Role.PARTNER]
        if found:
            return sorted(found, key=lambda m: (m.role, m.email))
    return []


@require_GET
@_in_their_language
@refusals
def lane_shipment(request: HttpRequest, title_id: UUID) -> HttpResponse:
    """One shipment, as the viewer's party sees it."""
    viewer = viewer_of(request)
    if viewer.role is Role.PUBLIC:
        raise NotPermitted(query="lane", role=str(viewer.role))
    found = view.shipment(title_id=title_id, on=_today(), viewer=viewer)
    entries = chronicle(found, viewer)
    columns = [(key, _(name)) for key, name in _COLUMNS.items() if any(e.column == key for e in entries)]
    places = {key: (name, n) for n, (key, name) in enumerate(columns, start=1)}
    lines = [_line(e, *places[e.column]) for e in entries]
    return page(
        request, "desks/lane_shipment.html", **_row(found), columns=columns,
        days=[(day, list(of_day)) for day, of_day in groupby(lines, key=lambda x: timezone.localdate(x.entry.at))],
        figures=list(_figures(found, viewer)), links=_links(found),
    )  # fmt: skip


def _today() -> date:
    return timezone.localdate()


def _row(s: Shipment) -> dict[str, Any]:
    return {
        "shipment": s, "document": _(_DOCUMENTS.get(s.document, "transport document")), "part": _(PART_NAMES[s.part]),
        "origin": _place(s.origin), "destination": _place(s.destination),
        "stations": [(name, _(STATION_NAMES[name]), state, at) for name, state, at in s.stations],
        "next": _doing(s.boxes.next, s), "waits": _doing(s.boxes.waits, s), "stakes": s.stakes,
        "days_left": (s.stakes.due - _today()).days if s.stakes.due else None,
        "done": s.boxes == Boxes() and Station.DELIVERED in s.facts.reached,
        "gone": s.boxes == Boxes() and s.seen is None and s.kept is None,
    }  # fmt: skip


def _doing(say: Say | None, s: Shipment | None, payment: UUID | None = None) -> Doing | None:
    if say is None:
        return None
    if s is None:
        return Doing(_(say.text), _link("payment", payment) if say.page == "payment" else "", None)
    keys: dict[str, UUID | None] = {"evidences": None, "loan_new": None}
    keys |= {"loan": s.loan.id if s.loan else None, "payment": s.payment.id if s.payment else None}
    return Doing(_(say.text), _link(say.page, keys.get(say.page, s.id)), s.parties.get(say.who))


def _link(name: str, key: UUID | None = None) -> str:
    """The address of a page; nothing where the site has no such page."""
    if not name:
        return ""
    try:
        return reverse(name, args=[key] if key else [])
    except NoReverseMatch:
        return reverse("title", args=[key]) if name == "transport_document" and key else ""


def _links(s: Shipment) -> list[tuple[str, str]]:
    """The pages on which the parts of the shipment stand."""
    found = []
    if s.seen is not None or s.kept is not None:
        found.append((_("The transport document"), _link("transport_document", s.id)))
    if s.seen is not None:
        found.append((_("The title"), _link("title", s.id)))
        if s.seen.agreement is not None:
            found.append((_("The agreement it rests on"), _link("agreement", s.seen.agreement.id)))
    if s.loan is not None:
        found += [(_("The loan"), _link("loan", s.loan.id)), (_("The escrow of the repayment"), _link("escrow", s.loan.escrow_id))]
    found += [(_("The payment"), _link("payment", p.id)) for p in s.payments]
    return [(words, href) for words, href in found if href]


def _place(code: str) -> str:
    return str(either(*place_names(code))) or code


# --- entries in words ---------------------------------------------------------------------------------------------------


def _line(e: Entry, name: str, place: int) -> Line:
    words, notes = _WORDS[e.sort](e)
    measures = [(code, _link_measure(code)) for code in e.measures]
    who = str(either(e.by.zh, e.by.en)) if e.by else _("the system") if e.sort in _ACTED else ""
    return Line(e, name, place, who, words, [n for n in notes if n], _link(e.page, e.key), measures)


def _link_measure(code: str) -> str:
    try:
        return reverse("policy_measure", args=[code])
    except NoReverseMatch:
        return ""


def _money(e: Entry, name: str = "amount") -> str:
    given = e.facts.get(name)
    return units(*given) if given else ""


def _title_words(e: Entry) -> tuple[str, list[str]]:
    to, registration = e.facts["to"], e.facts["registration"]
    return _(_TITLE_ACTS.get(e.act, e.act)), [
        f"→ {either(to.zh, to.en)}" if to else "",
        _("secures %(amount)s") % {"amount": _money(e)} if e.facts.get("amount") else "",
        _("register no. %(n)s") % {"n": registration} if registration else "",
        _("signed with a key") if e.facts["signed"] else "",
    ]  # fmt: skip


def _loan_words(e: Entry) -> tuple[str, list[str]]:
    return _(_LOAN_ACTS.get(e.act, e.act)), [_money(e)]


def _escrow_words(e: Entry) -> tuple[str, list[str]]:
    return str(escrow_done(e.act)), [_("escrow of the repayment")]


def _payment_words(e: Entry) -> tuple[str, list[str]]:
    notes = [_money(e), _("paid by %(who)s") % {"who": e.facts["debtor"]} if e.facts.get("debtor") else ""]
    if e.facts.get("kind"):
        notes.append(_paper(e))
    if e.facts.get("after"):
        after = PAYMENT_STATES[PaymentState(e.facts["after"])]
        notes.append(_(after))
    if e.facts.get("value"):
        notes.append(_("at %(rate)s: %(amount)s") % {"rate": e.facts["rate"], "amount": _money(e, "value")})
    return _(_PAYMENT_ACTS.get(e.act, e.act)), notes


def _posting_words(e: Entry) -> tuple[str, list[str]]:
    return _(CODE_NAMES.get(e.act) or _CODES.get(e.act, e.act)), [_money(e)]


def _night_words(e: Entry) -> tuple[str, list[str]]:
    words = {
        "lending.interest": _("Interest of %(n)s nights"), "lending.penalty": _("Penalty interest of %(n)s nights"),
    }[e.act]  # fmt: skip
    return words % {"n": e.facts["nights"]}, [_money(e)]


def _movement_words(e: Entry) -> tuple[str, list[str]]:
    seals, name = e.facts.get("seals"), e.facts["name"]
    return _(name), [
        _place(e.facts["place"]), e.facts.get("container", ""), _("seal %(n)s") % {"n": ", ".join(seals)} if seals else "",
        _("corrected later") if e.facts.get("corrected") else "",
    ]  # fmt: skip


def _signal_words(e: Entry) -> tuple[str, list[str]]:
    name = e.facts["name"]
    return _(name), []


def _release_words(e: Entry) -> tuple[str, list[str]]:
    to = e.facts["to"]
    return _("ordered the goods out"), [f"→ {either(to.zh, to.en)}"]


def _paper(e: Entry) -> str:
    kind = KIND_NAMES.get(e.facts["kind"], e.facts["kind"])
    return f"{_(kind)} {e.facts['number']}"


def _paper_words(e: Entry) -> tuple[str, list[str]]:
    words = {"received": _("gave a document"), "corrected": _("corrected a document")}[e.act]
    return words, [_paper(e), _money(e), str(status_name(e.facts["status"])) if e.facts.get("status") else ""]


def _use_words(e: Entry) -> tuple[str, list[str]]:
    purpose = PURPOSE_NAMES.get(e.facts["purpose"], e.facts["purpose"])
    return _("used a document for %(purpose)s") % {"purpose": _(purpose)}, [_paper(e), _money(e)]


_WORDS: Final[dict[str, Callable[[Entry], tuple[str, list[str]]]]] = {
    "title": _title_words, "loan": _loan_words, "escrow": _escrow_words, "payment": _payment_words, "posting": _posting_words,
    "nights": _night_words, "movement": _movement_words, "signal": _signal_words, "release": _release_words, "paper": _paper_words,
    "use": _use_words,
}  # fmt: skip


#: Sorts of entries that somebody acted in; where no party did, the system.
_ACTED: Final = ("loan", "escrow", "payment")


# --- statistics ---------------------------------------------------------------------------------------------------------


def _figures(s: Shipment, viewer: Actor) -> Iterator[Figure]:
    """In which figures what the viewer sees of this shipment is counted, and how large each is where it may see that."""
    if s.loan is not None and s.loan.starts_on is not None:
        for key in _DRAWN:
            if s.loan.title_id is not None or not key.startswith("secured"):
                yield _figure(key, s.loan.starts_on, (s.loan.amount, s.loan.currency), viewer)
    for p in s.payments:
        if p.credit is not None:
            for key in _RECEIVED:
                if p.attachments or key != "receipts_documented":
                    yield _figure(key, timezone.localdate(p.credit.at), (p.amount, p.currency), viewer)


def _figure(key: str, on: date, own: tuple[int, str], viewer: Actor) -> Figure:
    what, month = statistics.definition(key), f"{on:%Y-%m}"
    whole = None
    if viewer.role in statistics.LOOKING:
        cells = statistics.figures(indicator=key, month_from=month, month_to=month, territory="_T", currency=own[1], viewer=viewer).cells
        whole = next((c.value for c in cells if c.month == month and c.currency == own[1]), None)
    return Figure(what.zh, what.en, month, own, whole, _link("statistics"))


urlpatterns = [
    path("lane/", lane, name="lane"),
    path("lane/<uuid:title_id>/", lane_shipment, name="lane_shipment"),
]
