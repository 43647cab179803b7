"""The bank's desk of what is pledged to it: titles, where their goods are, the loans on them, and what asks for a look."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from luhai.core.titles import queries as titles
from luhai.core.titles.templatetags.title_words import number_of, word
from luhai.core.titles.web import KIND_NAMES, STATE_NAMES
from luhai.kernel.origin import Actor, Role
from luhai.kernel.refusal import NotPermitted, Refusal
from luhai.records.transport import queries as transport
from luhai.shell.web import page, viewer_of

from . import cover_queries, queries
from .cover_queries import Cover
from .lifecycle import DRAW_ENDED, LENT
from .web_forms import next_page

_PAGE: Final = 20
#: How many pages of titles one look goes through for what it seeks.
LOOKS: Final = 5


@dataclass(frozen=True, slots=True)
class Pledged:
    """One pledge to the bank: the title, where its goods are, the loan on it, and what asks for a look."""

    title: titles.TitleView
    number: str
    kind: str
    pledge: titles.PledgeView
    pledgor: queries.Named
    cover: Cover | None
    custodian: tuple[str, str]
    last: str
    place: str
    at: datetime | None
    warnings: tuple[str, ...]


def desk(request: HttpRequest, on: date) -> HttpResponse:
    """The page: every title pledged to the viewer's bank, as it stands on a day. Refuses: NotPermitted, Invalid (kind, cursor)."""
    viewer = viewer_of(request)
    if viewer.role not in (Role.BANK, Role.PARTNER) or viewer.party_id is None:
        raise NotPermitted(query="lending.covers", role=str(viewer.role))
    asked = {name: request.GET.get(name, "").strip()[:64] for name in ("text", "kind", "loan", "warned")}
    rows: list[Pledged] = []
    cursor = request.GET.get("cursor", "")
    for _look in range(LOOKS):
        found = titles.titles(relation="pledgee", kind=asked["kind"], cursor=cursor, limit=_PAGE, viewer=viewer)
        rows += [row for row in _rows(found.items, on, viewer) if _fits(row, asked)]
        cursor = found.next
        if not cursor or len(rows) >= _PAGE:
            break
    return page(
        request, "lending/collateral.html", rows=rows, asked=asked, filtered=any(asked.values()), next=next_page(request, cursor),
        first="cursor" not in request.GET, kinds=KIND_NAMES.items(), warned=sum(bool(r.warnings) for r in rows),
        lent=sum(r.cover is not None and r.cover.state in LENT for r in rows),
    )  # fmt: skip


def _fits(row: Pledged, asked: dict[str, str]) -> bool:
    named = f"{row.number} {row.pledgor.zh} {row.pledgor.en}".casefold()
    with_loan = row.cover is not None
    return (
        asked["text"].casefold() in named
        and (not asked["warned"] or bool(row.warnings))
        and (not asked["loan"] or (asked["loan"] == "yes") == with_loan)
    )


def _rows(found: Iterable[titles.TitleView], on: date, viewer: Actor) -> list[Pledged]:
    pairs = [(t, p) for t in found for p in t.pledges if p.pledgee.id == viewer.party_id and p.ended_at is None]
    live: dict[UUID | None, Cover] = {}
    if pairs:
        for c in cover_queries.covers(on=on, title_ids=[t.id for t, _p in pairs], viewer=viewer):
            if c.state not in DRAW_ENDED and c.bank.id == viewer.party_id:
                live.setdefault(c.pledge_id, c)
    names = queries.names_of([p.pledgor_id for _t, p in pairs], viewer)
    return [_row(t, p, names[p.pledgor_id], live.get(p.id), viewer) for t, p in pairs]


def _row(t: titles.TitleView, pledge: titles.PledgeView, pledgor: queries.Named, cover: Cover | None, viewer: Actor) -> Pledged:
    custodian, last, place, at, warnings = ("", ""), "", "", None, []
    try:
        seen = transport.document(title_id=t.id, viewer=viewer)
        custodian = (seen.custodian.zh, seen.custodian.en)
        if moves := [m for m in seen.movements if m.corrected_by is None]:
            last, place, at = _(moves[-1].name), moves[-1].place, moves[-1].happened_at
        warnings = [_(name) for name in dict.fromkeys(s.name for s in seen.signals)]
    except Refusal:  # not a document of ours: its chain may say where the goods are
        if kept := titles.custody(title_id=t.id, viewer=viewer):
            custodian, place, at = (kept[-1].custodian.zh, kept[-1].custodian.en), kept[-1].place, kept[-1].happened_at
            last = word(kept[-1].event)
            warnings += [_("A report about the goods contradicts control")] if any(k.contradicts for k in kept) else []
    if t.state not in ("ISSUED", "PLEDGED"):
        warnings.append(_("Title: %(state)s") % {"state": STATE_NAMES[t.state]})
    if pledge.affiliated:
        warnings.append(_("The warehouse belongs with the pledgor"))
    if cover is not None and cover.state in LENT:
        if cover.overdue_days:
            warnings.append(_("Overdue for %(n)s days") % {"n": cover.overdue_days})
        if cover.short:
            warnings.append(_("The security does not cover what is owed"))
        if cover.misused_on:
            warnings.append(_("Used for something else"))
    return Pledged(t, number_of(t.subject), title_kind(t), pledge, pledgor, cover, custodian, last, place, at, tuple(warnings))


def title_kind(view: titles.TitleView) -> str:
    sort = str(view.subject.get("document", ""))
    return word(sort) if sort else str(KIND_NAMES[view.kind])
