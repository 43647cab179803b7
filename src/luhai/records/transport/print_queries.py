"""What can be asked about printed copies: by who may see the document, and by anybody who has a copy in hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from luhai.core.parties import queries as parties
from luhai.core.titles import queries as titles
from luhai.core.titles.queries import Name
from luhai.kernel.origin import SYSTEM, Actor
from luhai.kernel.refusal import Absent
from luhai.shell.context import as_system
from luhai.shell.query import EVERYBODY, SIGNED_IN, query

from .models import Document, Printout
from .print import read_code

#: After these a copy says something that no longer holds: its words are others, or the document has ended or is elsewhere.
ENDING = frozenset({"amend", "accept_surrender", "split", "merge", "to_paper", "void"})


@dataclass(frozen=True, slots=True)
class PrintoutView:
    """A copy, for who may see the document. `content` is what the document said then."""

    id: UUID
    code: str
    title_id: UUID
    version: int
    content_digest: str
    head: str
    n: int
    state: str
    printed_at: datetime
    by: Name
    current: bool  # nothing was done to the title since
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    act: str
    at: datetime
    ends: bool  # the copy says something that no longer holds


@dataclass(frozen=True, slots=True)
class Verified:
    """What the public is told of a copy: what is on its face and needed to compare, and what became of the document.

    `standing`: genuine (nothing happened since), changed (it did, and what the copy says still holds), superseded, unknown.
    """

    code: str
    standing: str
    document: str = ""
    number: str = ""
    issuer: Name | None = None
    origin: str = ""
    destination: str = ""
    containers: tuple[str, ...] = ()
    version: int = 0
    content_digest: str = ""
    head: str = ""
    n: int = 0
    state: str = ""  # when printed
    printed_at: datetime | None = None
    changes: tuple[Change, ...] = ()


def _told(act: str, after: str) -> str:
    """An issuer accepts three kinds of surrender: of everything, of a part, and for amendment."""
    if act != "accept_surrender" or after == "DELIVERED":
        return act
    return "taken_back" if after == "AMENDING" else "delivered_in_part"


@query(may=SIGNED_IN)
def printouts(*, title_id: UUID, viewer: Actor) -> list[PrintoutView]:
    """The copies of a document, newest first. Refuses: Absent (also when the title may not be seen)."""
    title = titles.title(title_id=title_id, viewer=viewer)
    said = {v.version: v.content for v in titles.versions(title_id=title_id, viewer=viewer)}
    names: dict[UUID, Name] = {}
    made = []
    for row in Printout.objects.filter(title_id=title_id).order_by("-printed_at", "-id")[:100]:
        if row.party_id not in names:
            by = parties.party(party_id=row.party_id, viewer=viewer)
            names[row.party_id] = Name(by.id, by.name_zh, by.name_en)
        made.append(
            PrintoutView(
                row.pk, row.code, row.title_id, row.version, row.content_digest, row.head, row.n, row.state, row.printed_at,
                names[row.party_id], row.head == title.head, said[row.version],
            )
        )  # fmt: skip
    return made


@query(may=SIGNED_IN)
def printout(*, printout_id: UUID, title_id: UUID, viewer: Actor) -> PrintoutView:
    """One copy of a document. Refuses: Absent."""
    for found in printouts(title_id=title_id, viewer=viewer):
        if found.id == printout_id:
            return found
    raise Absent(kind="copy")


@query(may=EVERYBODY)
def verified(*, code: str, viewer: Actor) -> Verified:
    """What the register says of the copy with exactly this code. Tells of acts, never of parties but the issuer.

    Runs as the system: who asks has the paper, and the paper says who they are no more than the code does."""
    mark = read_code(code)
    if mark is None:
        return Verified("", "unknown")
    with as_system():
        row = Printout.objects.filter(code=mark).first()
        if row is None:
            return Verified(mark, "unknown")
        document = Document.objects.select_related("issuer").get(pk=row.document_id)
        changes = tuple(
            Change(told := _told(str(e.act), str(e.after)), e.at, told in ENDING)
            for e in titles.events(title_id=row.title_id, viewer=SYSTEM)
            if e.n > row.n
        )
    standing = "superseded" if any(c.ends for c in changes) else "changed" if changes else "genuine"
    issuer = document.issuer
    return Verified(
        mark, standing, document.document, document.number, Name(issuer.pk, issuer.name_zh, issuer.name_en), document.origin,
        document.destination, tuple(document.containers), row.version, row.content_digest, row.head, row.n, row.state, row.printed_at,
        changes,
    )  # fmt: skip
