"""Decide who is acting: the membership chosen in the session. (Tokens are decided in `config/api.py`.)"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from luhai.kernel.origin import PUBLIC, Actor, Role

from .queries import memberships_of

#: Officers act only with a second factor; the demo on loopback lets them in without.
NEEDS_SECOND_FACTOR = {Role.BANK, Role.PARTNER, Role.PROVINCE, Role.SUPERVISOR, Role.OPERATOR}


class Acting:
    """Sets request.actor, request.acting_for and request.memberships."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.actor = PUBLIC  # type: ignore[attr-defined]
        request.acting_for = None  # type: ignore[attr-defined]
        request.memberships = []  # type: ignore[attr-defined]
        request.second_factor_wanted = False  # type: ignore[attr-defined]
        if not request.path.startswith(("/static/", "/healthz", "/readyz", "/metrics")):
            _decide(request)
        return self.get_response(request)


def _decide(request: HttpRequest) -> None:
    person = request.user
    if not person.is_authenticated:
        return
    person_id: UUID = person.pk
    request.actor = Actor(person_id, Role.PUBLIC)  # type: ignore[attr-defined]
    memberships = memberships_of(person_id)
    request.memberships = memberships  # type: ignore[attr-defined]
    chosen = request.session.get("membership")
    membership = next((m for m in memberships if str(m.id) == chosen), memberships[0] if memberships else None)
    if membership is None:
        return
    request.acting_for = membership  # type: ignore[attr-defined]
    if membership.role in NEEDS_SECOND_FACTOR and not settings.DEMO and not is_mfa_enabled(person):
        request.second_factor_wanted = True  # type: ignore[attr-defined]
        return
    request.actor = membership.actor  # type: ignore[attr-defined]
