"""Writing down that a copy was put on paper, so that its code can be asked about later."""

from __future__ import annotations

from uuid import UUID

from luhai.core.titles import queries as title_queries
from luhai.kernel.origin import Origin, Role
from luhai.kernel.refusal import Absent, Invalid, NotEntitled, gettext_noop
from luhai.shell.command import command, record
from luhai.shell.context import as_system

from .models import Document, Printout
from .print import read_code

PRINT = ["M05-08", "M05-12"]


@command(may=[Role.COMPANY, Role.BANK, Role.PARTNER, Role.SUPERVISOR, Role.OPERATOR])
def print_document(*, printout_id: UUID, title_id: UUID, code: str, origin: Origin) -> UUID:
    """Write down a copy of a document as it stands now, under a code that only who has the copy knows; return its id.

    Who:     whoever may see the document, for its party.
    Units:   `code` 16 characters of Crockford base32 (80 bits), made at the edge; nobody can guess it.
    Writes:  Printout: version and digest of the content, number of acts and tip of the title's chain, state, moment, who.
             The journal gets everything but the code.
    Refuses: Absent (no such document, or not for these eyes), Invalid (code, or an id that is taken), NotEntitled.
    Source:  M05-08, M05-12; MLETR 10(1): a copy is no document of title, control is in the register.
    """
    party = origin.actor.party_id
    if party is None:
        raise NotEntitled(who=gettext_noop("who acts for a party"))
    mark = read_code(code)
    if mark is None:
        raise Invalid(field="code", problem=gettext_noop("16 characters of Crockford base32"))
    title = title_queries.title(title_id=title_id, viewer=origin.actor)
    document = Document.objects.filter(pk=title.root_id).first()
    if document is None:
        raise Absent(kind="document")
    said = next(
        v for v in title_queries.versions(title_id=title_id, viewer=origin.actor) if v.version == title.version
    )
    with as_system():
        if Printout.objects.filter(pk=printout_id).exists():
            raise Invalid(field="printout_id", problem="this id is taken; choose another")
        if Printout.objects.filter(code=mark).exists():
            raise Invalid(field="code", problem=gettext_noop("a code that is on no other copy"))
    Printout.objects.create(
        id=printout_id, code=mark, document=document, title_id=title_id, version=said.version, content_digest=said.digest, n=title.n,
        head=title.head, state=title.state, printed_at=origin.at, party_id=party, person_id=origin.actor.person_id,
    )  # fmt: skip
    record(
        "transport.document_printed", title_id, measures=PRINT, printout=printout_id, version=said.version, content=said.digest,
        head=title.head, party=party,
    )  # fmt: skip
    return printout_id
