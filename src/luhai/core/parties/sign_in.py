"""How accounts come to be: allauth asks here."""

from __future__ import annotations

import os
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.utils import timezone


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return os.environ.get("LUHAI_SIGN_UP", "1") == "1"

    def save_user(self, request: HttpRequest, user: Any, form: Any, commit: bool = True) -> Any:
        user.joined_at = timezone.now()
        return super().save_user(request, user, form, commit)
