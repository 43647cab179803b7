"""What all pages share: who is looking, which frame is drawn around the page, and how a refusal is shown."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy

from luhai.kernel.origin import Actor, Origin, Role
from luhai.kernel.refusal import Absent, Invalid, NotPermitted, Refusal, gettext_noop

from .texts import in_words

View = Callable[..., HttpResponse]

ROLE_NAMES = {
    Role.COMPANY: gettext_lazy("Company"),
    Role.BANK: gettext_lazy("Bank officer"),
    Role.PARTNER: gettext_lazy("Partner bank"),
    Role.PROVINCE: gettext_lazy("Provincial official"),
    Role.SUPERVISOR: gettext_lazy("Supervisor"),
    Role.OPERATOR: gettext_lazy("Operator"),
    Role.PUBLIC: gettext_lazy("Visitor"),
    Role.SYSTEM: gettext_lazy("System"),
}


def viewer_of(request: HttpRequest) -> Actor:
    return request.actor  # type: ignore[attr-defined,no-any-return]


def origin_of(request: HttpRequest) -> Origin:
    """The origin of a form: its hidden field `key` makes a second press of the button the same request."""
    try:
        key = UUID(request.POST.get("key", ""))
    except ValueError:
        key = uuid4()
    return Origin(viewer_of(request), key, timezone.now())


#: What a proxy says of those behind it. One that says nothing cannot be told from this machine: see docs/operating.md.
_FORWARDED = {"HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_REAL_IP", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PROTO"}


def is_local(request: HttpRequest) -> bool:
    """Does the request come from this very machine, without a proxy that says otherwise?"""
    return request.META.get("REMOTE_ADDR") in {"127.0.0.1", "::1"} and not _FORWARDED & set(request.META)


def page(request: HttpRequest, template: str, status: int = 200, **context: Any) -> HttpResponse:
    return render(request, template, context | {"form_key": uuid4()}, status=status)


def frame(request: HttpRequest) -> dict[str, Any]:
    """What `shell/page.html` needs on every page."""
    actor = getattr(request, "actor", None)
    role = actor.role if actor else Role.PUBLIC
    return {
        "actor": actor,
        "role": role,
        "role_name": ROLE_NAMES[role],
        "acting_for": getattr(request, "acting_for", None),
        "memberships": getattr(request, "memberships", ()),
        "demo": settings.DEMO,
        "here": request.path,
    }


def say(refusal: Refusal) -> str:
    """A refusal in the reader's language."""
    return in_words(refusal)


def refusals(view: View) -> View:
    """Show a refusal as a page of its own; a visitor who may not look is asked to sign in first."""

    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            _storable(request)
            return view(request, *args, **kwargs)
        except Refusal as refusal:
            if isinstance(refusal, NotPermitted) and not request.user.is_authenticated:
                return redirect(f"{reverse(settings.LOGIN_URL)}?{urlencode({'next': request.get_full_path()})}")
            status = 404 if isinstance(refusal, Absent) else refusal.status
            return page(request, "shell/refused.html", status=status, text=say(refusal), code=refusal.code)

    return shown


def _storable(request: HttpRequest) -> None:
    """Turn away what PostgreSQL cannot store, before any page asks for it. Refuses: Invalid."""
    for given in (request.GET, request.POST):
        for name, values in given.lists():
            if any(ord(c) < 32 and c not in "\n\r\t" for value in (name, *values) for c in value):
                field = name if name.isprintable() else "?"
                raise Invalid(field=field, problem=gettext_noop("no control characters"))


def told(request: HttpRequest, text: str) -> None:
    """Say on the next page that something was done."""
    messages.success(request, text)


def told_refusal(request: HttpRequest, refusal: Refusal) -> None:
    """Say on the next page why something was refused."""
    messages.error(request, say(refusal))
