"""The one place where refusals become HTTP answers, and what all routes share."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext
from ninja import Header, NinjaAPI, Query, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from pydantic import AfterValidator, Field

from luhai.kernel.origin import NOBODY, Actor, Origin
from luhai.kernel.refusal import Invalid, NotPermitted, Refusal

from .observe import log
from .texts import in_words

T = TypeVar("T")



def _clean(text: str) -> str:
    if any(ord(c) < 32 and c not in "\n\r\t" for c in text) or any(0xD800 <= ord(c) <= 0xDFFF for c in text):
        raise ValueError("no control characters")
    return text


#: Text that a person wrote: what PostgreSQL cannot store and a page should not show is turned away.
Clean = Annotated[str, AfterValidator(_clean)]

#: Every route that changes something takes one: a UUID of the caller's choice. The same key is the same request.
IdempotencyKey = Annotated[
    UUID,
    Header(alias="Idempotency-Key", description="A UUID you choose; the same key is the same request, done once."),
]
#: Where a page of a list begins: `next` of the page before.
Cursor = Annotated[str, Query(default="", max_length=500, description="`next` of the page before.")]
Limit = Annotated[int, Query(default=50, ge=1, le=200, description="How many at the most.")]


class Problem(Schema):
    """RFC 9457 problem details. `code` is for programs and never changes; `title` is in the caller's language."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str = ""
    facts: dict[str, Any] = Field(default_factory=dict)


class Page(Schema, Generic[T]):
    """One page of a list; `next` is empty on the last."""

    items: list[T]
    next: str = ""


#: The refusals that any route may answer with.
PROBLEMS = {400: Problem, 401: Problem, 403: Problem, 404: Problem, 409: Problem, 422: Problem}


def viewer_of(request: HttpRequest) -> Actor:
    return request.actor  # type: ignore[attr-defined,no-any-return]


def origin_of(request: HttpRequest, key: UUID) -> Origin:
    return Origin(viewer_of(request), key, timezone.now())


def cursor_of(*parts: object) -> str:
    """An opaque cursor: where the next page begins."""
    return base64.urlsafe_b64encode(json.dumps([str(p) for p in parts]).encode()).decode().rstrip("=")


def parts_of(cursor: str, count: int) -> list[str] | None:
    """Read a cursor back; None for the first page. Refuses (Invalid: cursor) what it did not write."""
    if not cursor:
        return None
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if isinstance(parts, list) and len(parts) == count and all(isinstance(p, str) for p in parts):
            return [_clean(p) for p in parts]
    except (ValueError, binascii.Error):
        pass
    raise Invalid(field="cursor", problem=gettext("pass the `next` of the page before, or nothing"))


def read_cursor(cursor: str, *readers: Callable[[str], Any]) -> tuple[Any, ...] | None:
    """The parts of a cursor, each read by its reader (which raises ValueError); None for the first page. Refuses: Invalid."""
    parts = parts_of(cursor, len(readers))
    if parts is None:
        return None
    try:
        return tuple(read(part) for read, part in zip(readers, parts, strict=True))
    except ValueError:
        raise Invalid(field="cursor", problem=gettext("pass the `next` of the page before, or nothing")) from None


def instant(text: str) -> datetime:
    """An instant with its time zone, for `read_cursor`."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(text)
    return at


def ordinal(text: str) -> int:
    """A whole number that PostgreSQL can hold, for `read_cursor`."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise ValueError(text)
    return int(text)


def known(field: str, value: str, words: Iterable[str]) -> str:
    """One of the words that a field may hold. Refuses: Invalid (names them)."""
    words = list(words)
    if value not in words:
        raise Invalid(field=field, problem=f"one of {', '.join(words)}")
    return value


def answer(request: HttpRequest, problem: Problem) -> HttpResponse:
    response = HttpResponse(
        json.dumps(problem.dict(), ensure_ascii=False), content_type="application/problem+json", status=problem.status
    )
    if problem.status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="luhai"'
    return response


def of_refusal(request: HttpRequest, refusal: Refusal) -> Problem:
    facts = {name: value for name, value in refusal.facts.items()}
    status = refusal.status
    code = refusal.code
    title = in_words(refusal)
    if isinstance(refusal, NotPermitted) and viewer_of(request).person_id == NOBODY:
        status, code, title = 401, "sign_in", gettext("Sign in, or send a token.")
    return Problem(title=title, status=status, code=code, facts=facts)


def _path(place: Sequence[object]) -> str:
    """("body", "body", "name_zh") -> body.name_zh."""
    parts = [str(part) for part in place]
    return ".".join(part for n, part in enumerate(parts) if n == 0 or part != parts[n - 1])


def install(api: NinjaAPI) -> None:
    @api.exception_handler(Refusal)
    def refused(request: HttpRequest, refusal: Refusal) -> HttpResponse:
        return answer(request, of_refusal(request, refusal))

    @api.exception_handler(ValidationError)
    def unreadable(request: HttpRequest, error: ValidationError) -> HttpResponse:
        faults = [
            {"field": _path(fault["loc"]), "problem": fault["msg"]}
            for fault in error.errors
        ]
        return answer(
            request,
            Problem(
                title=gettext("Some fields cannot be read."),
                status=422,
                code="unreadable",
                detail="; ".join(f"{f['field']}: {f['problem']}" for f in faults)[:2000],
                facts={"faults": faults},
            ),
        )

    @api.exception_handler(AuthenticationError)
    def unknown(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
        return answer(request, Problem(title=gettext("Sign in, or send a token."), status=401, code="sign_in"))

    @api.exception_handler(HttpError)
    def failed(request: HttpRequest, error: HttpError) -> HttpResponse:
        code = {400: "unreadable", 403: "forbidden", 404: "absent", 415: "unreadable"}.get(error.status_code, "failed")
        return answer(request, Problem(title=str(error), status=error.status_code, code=code))

    @api.exception_handler(ObjectDoesNotExist)
    @api.exception_handler(Http404)
    def absent(request: HttpRequest, error: Exception) -> HttpResponse:
        return answer(request, Problem(title=gettext("There is no such record."), status=404, code="absent"))

    @api.exception_handler(RequestDataTooBig)
    def too_big(request: HttpRequest, error: Exception) -> HttpResponse:
        return answer(request, Problem(title=gettext("The request is too large."), status=413, code="too_large"))

    @api.exception_handler(Exception)
    def broken(request: HttpRequest, error: Exception) -> HttpResponse:
        log.error("unhandled", exc_info=error, path=request.path)
        return answer(
            request, Problem(title=gettext("Something went wrong on our side."), status=500, code="internal")
        )
