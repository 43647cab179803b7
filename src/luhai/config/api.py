"""The API object: /api/v1, OpenAPI 3.1, who may come in, and which subjects it carries."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError
from ninja.renderers import JSONRenderer
from ninja.security import HttpBearer
from ninja.utils import check_csrf

from luhai.core.escrow.api import router as escrow
from luhai.core.evidence.api import router as evidence
from luhai.core.ledger.api import router as ledger
from luhai.core.parties import access
from luhai.core.parties.api import router as parties
from luhai.core.parties.queries import membership_behind
from luhai.core.policies.api import router as policies
from luhai.core.rules.api import router as rules
from luhai.core.titles.api import router as titles
from luhai.financing.lending.api import router as lending
from luhai.kernel.origin import Actor
from luhai.market.matching.api import router as matching
from luhai.oversight.evaluation.api import router as evaluation
from luhai.oversight.releases.api import router as releases
from luhai.oversight.replication.api import router as replication
from luhai.oversight.statistics.api import router as statistics
from luhai.records.products.api import router as products
from luhai.records.transport.api import router as transport
from luhai.settlement.checks.api import router as checks
from luhai.settlement.payments.api import router as payments
from luhai.shell.api import install

_SAFE = {"GET", "HEAD", "OPTIONS"}


class Caller(HttpBearer):
    """A bearer token, or the session of a browser (with its CSRF token), or nobody, who sees what is public."""

    openapi_description = "A token of yours (see Account → Tokens), sent as `Authorization: Bearer luhai_…`."

    def __call__(self, request: HttpRequest) -> Actor:
        header = request.headers.get("Authorization")
        if header is None:
            if request.user.is_authenticated and request.method not in _SAFE and check_csrf(request):
                raise HttpError(403, "The CSRF token is missing or wrong.")
            return request.actor  # type: ignore[attr-defined,no-any-return]
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            raise AuthenticationError
        return self.authenticate(request, token.strip())

    def authenticate(self, request: HttpRequest, token: str) -> Actor:
        found = membership_behind(token, at=timezone.now())
        if found is None:
            raise AuthenticationError
        membership, scopes = found
        subject = request.path.removeprefix("/api/v1/").partition("/")[0]
        if not access.allows(scopes, subject, writing=request.method not in _SAFE):
            raise HttpError(403, f"This token has no scope for {subject}.")
        request.actor = membership.actor  # type: ignore[attr-defined]
        request.acting_for = membership  # type: ignore[attr-defined]
        return membership.actor


class Luhai(NinjaAPI):
    def get_openapi_schema(self, *args: Any, **kwargs: Any) -> Any:
        schema = super().get_openapi_schema(*args, **kwargs)
        schema["openapi"] = "3.1.0"
        # The description must admit callers without a token: much is public, and a browser has its session.
        for operations in schema["paths"].values():
            for operation in operations.values():
                if operation.get("security"):
                    operation["security"] = [*operation["security"], {}]
                for status, response in operation["responses"].items():
                    if int(status) >= 400 and "application/json" in response.get("content", {}):
                        response["content"] = {"application/problem+json": response["content"]["application/json"]}
        return schema


class Readable(JSONRenderer):
    """Chinese stays Chinese in answers."""

    json_dumps_params = {"ensure_ascii": False}


api = Luhai(
    renderer=Readable(),
    title="Luhai 陆海智融通",
    version="1",
    description=(
        "Financing, settlement and oversight on the New Western Land-Sea Corridor, on the same facts. "
        "Amounts are whole minor units with a currency. A write takes an Idempotency-Key. A refusal is a problem+json with a code."
    ),
    auth=Caller(),
    urls_namespace="api",
    docs_url=None,
)
install(api)
api.add_router("/parties", parties)
api.add_router("/policies", policies)
api.add_router("/rules", rules)
api.add_router("/ledger", ledger)
api.add_router("/titles", titles)
api.add_router("/evidence", evidence)
api.add_router("/escrow", escrow)
api.add_router("/products", products)
api.add_router("/transport", transport)
api.add_router("/matching", matching)
api.add_router("/lending", lending)
api.add_router("/checks", checks)
api.add_router("/payments", payments)
api.add_router("/statistics", statistics)
api.add_router("/releases", releases)
api.add_router("/evaluation", evaluation)
api.add_router("/replication", replication)
