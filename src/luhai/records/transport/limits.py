"""How often one address may ask for a code. Edges call it before they ask; the count is rough and shared by all workers."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from luhai.kernel.refusal import Refusal, gettext_noop

#: A person compares papers one by one; a program that guesses is stopped long before it is a burden.
A_MINUTE = 60


class TooOften(Refusal):
    code = "transport.too_often"
    status = 429
    message = gettext_noop("Too many codes were asked for from your address. Wait a minute.")


def count_lookup(request: HttpRequest) -> None:
    """Refuses: TooOften."""
    try:
        address = get_adapter(request).get_client_ip(request)
    except PermissionDenied:  # a server behind a socket that knows no address: all who come that way are one
        address = "unknown"
    key = f"transport.verify:{address}"
    if cache.add(key, 1, 60):
        return
    try:
        if cache.incr(key) > A_MINUTE:
            raise TooOften()
    except ValueError:  # it ended meanwhile
        cache.set(key, 1, 60)
