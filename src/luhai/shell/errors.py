"""What is answered when there is no such page, or something broke: a page, or a problem for the API."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext

from .api import Problem, answer


def _say(request: HttpRequest, status: int, code: str, text: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        return answer(request, Problem(title=text, status=status, code=code))
    return render(request, f"shell/{status}.html", {"text": text, "code": code}, status=status)


def unreadable(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _say(request, 400, "unreadable", gettext("The request cannot be read."))


def forbidden(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _say(request, 403, "forbidden", gettext("This is not open to you."))


def not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return _say(request, 404, "absent", gettext("There is nothing at this address."))


def broken(request: HttpRequest) -> HttpResponse:
    return _say(request, 500, "internal", gettext("Something went wrong on our side."))
