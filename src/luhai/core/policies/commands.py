"""Everything that changes the policy library: documents, measures, and where they are adopted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid5

from django.db.models.expressions import RawSQL

from luhai.core.parties.territories import territories
from luhai.kernel.origin import Origin, Role
from luhai.kernel.refusal import Absent, Invalid, NotEntitled, Refusal, gettext_noop
from luhai.shell.command import command, record

from . import search_text, seed
from .lifecycle import GRANTED, NEXT, Status
from .models import Adoption, AdoptionEvent, Article, Document, Measure, ProposedMeasure
from .parse.document import ParsedDocument, parse
from .propose import Modality, propose
from .queries import measures_in_force

LIBRARY: Final = Path(__file__).resolve().parents[4] / "data" / "policies"
_SPACE: Final = UUID("5b0a4a9e-3f62-5d0c-9a44-6f7f6b2f2a11")

TEXT_MAX: Final = 4_000_000
ARTICLES_MAX: Final = 20_000
#: A longer article is searched by its beginning; a tsvector has a limit of its own.
SEARCHED_MAX: Final = 30_000

#: How the measures files write places. Partner regions are where a measure looks to, not where it is adopted.
PLACES: Final = {
    "CQ": "500000", "GX": "450000", "GZ": "520000", "GS": "620000", "QH": "630000", "XJ": "650000", "YN": "530000",
    "NX": "640000", "SN": "610000", "SC": "510000", "NM": "150000", "XZ": "540000", "HI": "460000",
    "SC/Chengdu": "510000", "GD/Zhanjiang": "440800", "HN/Huaihua": "431200",
}  # fmt: skip
EVERYWHERE: Final = frozenset({"ALL", "COND", "ASEAN", "C-ASIA", "ABROAD"})


class NameTaken(Refusal):
    code = "policies.name_taken"
    message = gettext_noop("Another text is already in the library under the name %(name)s.")


class SeedChanged(Refusal):
    code = "policies.seed_changed"
    message = gettext_noop("The library holds another text or other measures under the name %(name)s.")


class AlreadyDecided(Refusal):
    code = "policies.already_decided"
    message = gettext_noop("This proposal was already decided: %(decision)s.")


class CodeTaken(Refusal):
    code = "policies.code_taken"
    message = gettext_noop("There is already a measure %(code)s.")


class StepNotAllowed(Refusal):
    code = "policies.step_not_allowed"
    message = gettext_noop("%(measure)s in %(territory)s cannot go from %(before)s to %(status)s.")


class NotForThisTerritory(Refusal):
    code = "policies.not_for_this_territory"
    message = gettext_noop("%(measure)s is bound to other territories: %(territories)s.")


class AlreadyAdopted(Refusal):
    code = "policies.already_adopted"
    message = gettext_noop("%(measure)s already has a status in %(territory)s; change it instead.")


class NothingToCopy(Refusal):
    code = "policies.nothing_to_copy"
    message = gettext_noop("%(measure)s is not in force in %(territory)s, so it cannot be copied from there.")


# ------------------------------------------------------------------------------------------- documents


@command(may=[Role.OPERATOR])
def load_seed(*, origin: Origin) -> dict[str, int]:
    """Load the documents that come with the platform, with their measures; return how many there are and are new.

    Who:     the operator, or set-up. Loading again changes nothing.
    Writes:  Document, Article, Measure.
    Refuses: SeedChanged (the library holds another text under the same name).
    Source:  `data/policies`; every quote is checked against its text (`seed.read`).
    """
    documents = measures = new = 0
    for table in sorted(LIBRARY.glob("*.measures.csv")):
        path = table.with_name(table.name.removesuffix(".measures.csv") + ".md")
        given = seed.read(path)
        parsed = parse(given.text, path.name)
        document = Document.objects.filter(name=path.stem).first()
        if document is None:
            document = _store(path.stem, given.text, parsed, origin.at)
            _store_measures(document, given.measures)
            record("policies.document_loaded", document.pk, digest=document.digest, measures_count=len(given.measures))
            new += 1
        elif document.digest != parsed.digest or _codes(document) != {m.code for m in given.measures}:
            raise SeedChanged(name=path.stem)
        documents += 1
        measures += len(given.measures)
    return {"documents": documents, "measures": measures, "new": new}


@command(may=[Role.OPERATOR])
def import_document(*, name: str, text: str, origin: Origin) -> UUID:
    """Parse a document and put it into the library, with measures proposed for a person to confirm; return its id.

    Who:     the operator. The same text again gives the same document.
    Writes:  Document, Article, ProposedMeasure.
    Refuses: Invalid (name, text), NameTaken.
    """
    name = re.sub(r"\.(?:md|txt|markdown)$", "", name.strip())
    if not 0 < len(name) <= 200 or "/" in name or "\x00" in name:
        raise Invalid(field="name", problem="a file name of at most 200 characters, without /")
    if not text.strip() or len(text) > TEXT_MAX:
        raise Invalid(field="text", problem=f"a text of at most {TEXT_MAX:,} characters")
    if "\x00" in text:
        raise Invalid(field="text", problem="a text without control characters")
    parsed = parse(text, name)
    if len(parsed.articles) > ARTICLES_MAX:
        raise Invalid(field="text", problem=f"at most {ARTICLES_MAX:,} articles")
    same = Document.objects.filter(digest=parsed.digest).first()
    if same is not None:
        return same.pk
    if Document.objects.filter(name=name).exists():
        raise NameTaken(name=name)
    document = _store(name, text, parsed, origin.at)
    articles = list(document.articles.order_by("position"))
    proposals = propose(text, parsed)
    ProposedMeasure.objects.bulk_create(
        ProposedMeasure(
            id=uuid5(document.pk, f"proposal:{position}"), document=document, article=articles[p.article],
            position=position, quote=p.quote, start=p.start, end=p.end, modality=p.modality, verb=p.verb,
            items=[item[:100] for item in p.items], actors=list(p.actors), territories=list(p.territories),
            condition=p.condition[:300],
        )
        for position, p in enumerate(proposals)
    )  # fmt: skip
    record(
        "policies.document_imported", document.pk, digest=document.digest, name=name,
        articles=len(articles), proposals=len(proposals),
    )  # fmt: skip
    return document.pk


def _store(name: str, text: str, parsed: ParsedDocument, at: datetime) -> Document:
    document = Document.objects.create(
        id=uuid5(_SPACE, parsed.digest), name=name, title=(parsed.title or name)[:500],
        document_no=(parsed.document_no or "")[:200], issuers=[issuer[:100] for issuer in parsed.issuers],
        issued_on=date.fromisoformat(parsed.date) if parsed.date else None, digest=parsed.digest, text=text,
        loaded_at=at, chapters=[
            {"number": c.number, "heading": c.heading, "text": c.text, "start": c.start, "end": c.end,
             "level": c.level, "part": c.part, "book": c.book, "sections": c.sections}
            for c in parsed.chapters
        ],
    )  # fmt: skip
    Article.objects.bulk_create(
        Article(
            id=uuid5(document.pk, f"article:{position}"), document=document, position=position, number=a.number,
            label=a.label[:40], heading=a.heading[:300], text=a.text, chapter=a.chapter, part=a.part, start=a.start,
            text_start=a.text_start, end=a.end, sentences=[[s.start, s.end] for s in a.sentences],
            search=_vector(f"{a.heading} {a.text}"[:SEARCHED_MAX]),
        )
        for position, a in enumerate(parsed.articles)
    )  # fmt: skip
    return document


def _store_measures(document: Document, given: tuple[seed.SeedMeasure, ...]) -> None:
    articles = {article.number: article for article in document.articles.filter(part=0)}
    Measure.objects.bulk_create(
        Measure(
            id=uuid5(document.pk, m.code), code=m.code, document=document, article=articles[m.article],
            quote=m.quote, start=m.start, end=m.end, item=m.item, title_en=m.title_en, modality=m.modality,
            actors=list(m.actors), place=m.territory, territories=_territories_of(m.territory),
            condition=m.condition, tag=m.tag, search=_vector(f"{m.quote} {m.item}", f"{m.title_en} {m.code}"),
        )
        for m in given
    )  # fmt: skip


def _territories_of(place: str) -> list[str]:
    if place in EVERYWHERE:
        return sorted(territories())
    return sorted(PLACES[part] for part in place.split(","))


def _vector(zh: str, en: str = "") -> Any:
    """The words of a text for its search column; a cast, since the literal is ours and needs no parser."""
    return RawSQL("%s::tsvector", [search_text.vector(zh, en)])


def _codes(document: Document) -> set[str]:
    return set(document.measures.values_list("code", flat=True))


# -------------------------------------------------------------------------------------------- measures


@command(may=[Role.SUPERVISOR, Role.OPERATOR])
def confirm_measure(
    *, proposal_id: UUID, code: str, title_en: str, tag: str, item: str, modality: str, origin: Origin
) -> UUID:
    """Make a measure of a proposal; return the measure's id. `item` is the part of its enumeration meant, or empty.

    Who:     a supervisor or the operator. Several measures may be made of one proposal, one an item.
    Writes:  one Measure, the proposal's decision.
    Refuses: Absent, AlreadyDecided (it was rejected), CodeTaken, Invalid (code, modality, item, title_en, tag).
    """
    if not re.fullmatch(r"[A-Z][A-Z0-9]{1,19}-[0-9]{2,4}", code):
        raise Invalid(field="code", problem="capital letters and digits, a hyphen and a number, such as M12-01 or G07-03")
    if modality not in {m.value for m in Modality}:
        raise Invalid(field="modality", problem=f"one of {', '.join(m.value for m in Modality)}")
    if len(title_en) > 300:
        raise Invalid(field="title_en", problem="at most 300 characters")
    if not re.fullmatch(r"[a-z0-9-]{0,40}", tag):
        raise Invalid(field="tag", problem="small letters, digits and hyphens, at most 40")
    proposal = ProposedMeasure.objects.select_for_update().filter(pk=proposal_id).first()
    if proposal is None:
        raise Absent(kind="proposal")
    if proposal.decision == "rejected":
        raise AlreadyDecided(decision=proposal.decision)
    if item not in ["", *proposal.items]:
        raise Invalid(field="item", problem="one of the proposal's items, or empty")
    if Measure.objects.filter(code=code).exists():
        raise CodeTaken(code=code)
    measure = Measure.objects.create(
        id=uuid5(proposal.document_id, code), code=code, document_id=proposal.document_id,
        article_id=proposal.article_id, quote=proposal.quote, start=proposal.start, end=proposal.end, item=item,
        title_en=title_en, modality=modality, actors=proposal.actors,
        place=",".join(proposal.territories)[:60] or "ALL",
        territories=proposal.territories or sorted(territories()), condition=proposal.condition, tag=tag,
        search=_vector(f"{proposal.quote} {item}", f"{title_en} {code}"),
    )  # fmt: skip
    _decide(proposal, "confirmed", "", origin)
    proposal.measure = proposal.measure or measure
    proposal.save(update_fields=["measure"])
    record("policies.measure_confirmed", measure.pk, measures=[code], proposal=proposal.pk)
    return measure.pk


@command(may=[Role.SUPERVISOR, Role.OPERATOR])
def reject_measure(*, proposal_id: UUID, reason: str, origin: Origin) -> UUID:
    """Say that a proposal is no measure, and why; return the proposal's id.

    Who:     a supervisor or the operator.
    Writes:  the proposal's decision.
    Refuses: Absent, AlreadyDecided, Invalid (reason).
    """
    if not 0 < len(reason.strip()) <= 500:
        raise Invalid(field="reason", problem="a reason of at most 500 characters")
    proposal = ProposedMeasure.objects.select_for_update().filter(pk=proposal_id).first()
    if proposal is None:
        raise Absent(kind="proposal")
    if proposal.decision != "open":
        raise AlreadyDecided(decision=proposal.decision)
    _decide(proposal, "rejected", reason.strip(), origin)
    record("policies.measure_rejected", proposal.pk, reason=reason.strip())
    return proposal.pk


def _decide(proposal: ProposedMeasure, decision: str, reason: str, origin: Origin) -> None:
    proposal.decision, proposal.reason = decision, reason
    proposal.decided_by, proposal.decided_at = origin.actor.person_id, origin.at
    proposal.save(update_fields=["decision", "reason", "decided_by", "decided_at"])


# ------------------------------------------------------------------------------------------- adoptions


@command(may=[Role.PROVINCE, Role.SUPERVISOR])
def change_adoption(
    *,
    measure: str,
    territory: str,
    status: str,
    since: date,
    until: date | None,
    instrument_no: str,
    approver: str,
    scope: str,
    reason: str,
    evidence_digest: str,
    origin: Origin,
) -> UUID:
    """Move a measure to its next status in a territory, from the day `since`; return the adoption's id.

    Who:     an official of that province, or a supervisor.
    Writes:  one AdoptionEvent, the Adoption. What is left empty of the grant is kept from before.
    Refuses: Absent (measure), NotEntitled (another province; a copy, by anybody of the territory), NotForThisTerritory,
             StepNotAllowed, Invalid (territory, status, since, until, instrument_no, approver, scope, reason, evidence_digest).
    Source:  `docs/algorithms/policy-parsing.md`, Adoption; the steps are `lifecycle.NEXT`.
    """
    found = _measure_for(measure, territory, copied=True)
    copy = territory not in found.territories
    if copy and not Adoption.objects.filter(measure=found, territory=territory).exists():
        raise NotForThisTerritory(measure=measure, territories=", ".join(found.territories))
    _at_home(territory, origin)
    if copy and territory == origin.actor.territory:  # article 23: by who granted the original, never by the territory itself
        raise NotEntitled(who=gettext_noop("the authority that granted it first"))
    return _change(found, territory, _status(status), since, until, instrument_no, approver, scope, reason, evidence_digest, origin)


def _at_home(territory: str, origin: Origin) -> None:
    if origin.actor.role == Role.PROVINCE and origin.actor.territory != territory:
        raise NotEntitled(who=f"officials of {territory}")


def _change(
    found: Measure, territory: str, following: Status, since: date, until: date | None, instrument_no: str, approver: str,
    scope: str, reason: str, evidence_digest: str, origin: Origin,
) -> UUID:  # fmt: skip
    """Move an adoption, or begin it. What is left empty of the grant is kept from before."""
    adoption = Adoption.objects.select_for_update().filter(measure=found, territory=territory).first()
    before = Status(adoption.status) if adoption else None
    if following not in NEXT[before]:
        raise StepNotAllowed(
            measure=found.code, territory=territory, before=before.value if before else "", status=following.value
        )
    if adoption is not None:
        if since < adoption.since:
            raise Invalid(field="since", problem=f"not before {adoption.since.isoformat()}, when its status began")
        instrument_no, approver, scope = (
            instrument_no or adoption.instrument_no, approver or adoption.approver, scope or adoption.scope,
        )  # fmt: skip
    else:
        adoption = Adoption(id=uuid5(found.pk, territory), measure=found, territory=territory, invented=False)
    _move(
        adoption, before, following, since, until, instrument_no, approver, scope, reason, evidence_digest, origin
    )
    return adoption.pk


def begin_copy(
    *, measure: str, territory: str, source: str, basis: Iterable[str], since: date, reason: str, origin: Origin
) -> UUID:
    """For commands of others (the adoption of a package): a measure that another territory has in force becomes a candidate for copying here.

    Who:     the caller has asked; here once more, an official of that province, a supervisor, or the system.
    Units:   `source` the territory to copy from; `basis` the measures under which a measure bound to other places may be copied.
    Writes:  the Adoption, a candidate, with its event. From there `advance_copy` goes on. Answers the adoption's id.
    Refuses: Absent (measure), NotEntitled (another province), NothingToCopy, NotForThisTerritory (bound, and no basis reaches here),
             StepNotAllowed, Invalid (territory, source, since, reason).
    Source:  article 23; measures M23-02, M14-06; domain notes on oversight §3.2: replicated copies start as candidates.
    """
    found = _measure_for(measure, territory, copied=True)
    _at_home(territory, origin)
    if source not in territories() or source == territory:
        raise Invalid(field="source", problem="the code of another territory of the corridor")
    if measure not in measures_in_force(source, since):
        raise NothingToCopy(measure=measure, territory=source)
    if territory not in found.territories and not any(territory in _measure(code).territories for code in basis):
        raise NotForThisTerritory(measure=measure, territories=", ".join(found.territories))
    return _change(found, territory, Status.CANDIDATE, since, None, "", "", "", reason, "", origin)


def advance_copy(
    *, measure: str, territory: str, status: str, since: date, until: date | None = None, instrument_no: str = "", approver: str = "",
    scope: str = "", reason: str = "", evidence_digest: str = "", origin: Origin,
) -> UUID:  # fmt: skip
    """For commands of others: move a copy to its next status, as `change_adoption` moves what a territory was given itself.

    Who:     as `begin_copy`. By hand no province moves a copy: it goes with its package, whose granting is the authority's.
    Refuses: as `change_adoption`.
    """
    found = _measure_for(measure, territory, copied=True)
    _at_home(territory, origin)
    return _change(found, territory, _status(status), since, until, instrument_no, approver, scope, reason, evidence_digest, origin)


@command(may=[Role.OPERATOR])
def enter_adoption(
    *,
    measure: str,
    territory: str,
    status: str,
    valid_from: date,
    until: date | None,
    instrument_no: str,
    approver: str,
    scope: str,
    invented: bool,
    origin: Origin,
) -> UUID:
    """Enter where a measure stands already in a territory, without its way there; return the adoption's id.

    Who:     the operator taking over a register, or the demo (then `invented`, and it is shown so everywhere).
    Writes:  one Adoption with one AdoptionEvent.
    Refuses: Absent (measure), NotForThisTerritory, AlreadyAdopted, Invalid (as `change_adoption`).
    """
    found = _measure_for(measure, territory)
    if Adoption.objects.filter(measure=found, territory=territory).exists():
        raise AlreadyAdopted(measure=measure, territory=territory)
    adoption = Adoption(id=uuid5(found.pk, territory), measure=found, territory=territory, invented=invented)
    _move(
        adoption, None, _status(status), valid_from, until, instrument_no, approver, scope,
        "entered as it stands", "", origin,
    )  # fmt: skip
    return adoption.pk


def _measure_for(code: str, territory: str, *, copied: bool = False) -> Measure:
    """The measure, if it can be adopted there. A copy may stand where the measure itself is not bound."""
    if territory not in territories():
        raise Invalid(field="territory", problem=f"a code of the corridor: {', '.join(sorted(territories()))}")
    found = _measure(code)
    if territory not in found.territories and not copied:
        raise NotForThisTerritory(measure=code, territories=", ".join(found.territories))
    return found


def _measure(code: str) -> Measure:
    found = Measure.objects.filter(code=code).first() if "\x00" not in code else None
    if found is None:
        raise Absent(kind="measure")
    return found


def _status(status: str) -> Status:
    if status not in {s.value for s in Status}:
        raise Invalid(field="status", problem=f"one of {', '.join(s.value for s in Status)}")
    return Status(status)


def _move(
    adoption: Adoption, before: Status | None, status: Status, since: date, until: date | None, instrument_no: str,
    approver: str, scope: str, reason: str, evidence_digest: str, origin: Origin,
) -> None:  # fmt: skip
    for field, text, longest in (
        ("instrument_no", instrument_no, 120), ("approver", approver, 200), ("scope", scope, 500), ("reason", reason, 500),
    ):  # fmt: skip
        if len(text) > longest or "\x00" in text:
            raise Invalid(field=field, problem=f"at most {longest} characters")
        if status in GRANTED and field != "reason" and not text.strip():
            raise Invalid(field=field, problem=f"{status.value} needs it")
    if status is Status.PILOTING and until is None:
        raise Invalid(field="until", problem="a pilot needs its last day")
    if until is not None and until < since:
        raise Invalid(field="until", problem=f"not before {since.isoformat()}")
    if not re.fullmatch(r"(?:[0-9a-f]{64})?", evidence_digest):
        raise Invalid(field="evidence_digest", problem="a SHA-256 in 64 hexadecimal digits, or empty")
    adoption.status, adoption.since, adoption.until = status, since, until
    adoption.instrument_no, adoption.approver, adoption.scope = instrument_no.strip(), approver.strip(), scope.strip()
    adoption.version += 1
    adoption.save()
    AdoptionEvent.objects.create(
        adoption=adoption, version=adoption.version, before=before, status=status, since=since, until=until,
        instrument_no=adoption.instrument_no, approver=adoption.approver, scope=adoption.scope, reason=reason,
        evidence_digest=evidence_digest, person_id=origin.actor.person_id, role=str(origin.actor.role), at=origin.at,
    )  # fmt: skip
    record(
        "policies.adoption_changed", adoption.pk, measures=[adoption.measure.code], territory=adoption.territory,
        before=before, status=status, since=since, until=until, instrument_no=adoption.instrument_no,
        evidence_digest=evidence_digest, invented=adoption.invented,
    )  # fmt: skip

