"""Every address of the site."""

from __future__ import annotations

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from django.utils.crypto import constant_time_compare
from django.views.i18n import set_language

from luhai.core.escrow import web as escrow
from luhai.core.evidence import web as evidence
from luhai.core.ledger import web as ledger
from luhai.core.policies import web as policies
from luhai.core.titles import web as titles
from luhai.desks import web as desks
from luhai.desks.coverage import web as coverage
from luhai.desks.lane import web as lane
from luhai.financing.lending import web as lending
from luhai.market.matching import web as matching
from luhai.oversight.evaluation import web as evaluation
from luhai.oversight.releases import sdmx_web as sdmx
from luhai.oversight.releases import web as releases
from luhai.oversight.replication import web as replication
from luhai.oversight.statistics import web as statistics
from luhai.records.products import web as products
from luhai.records.transport import web as transport
from luhai.settlement.checks import web as checks
from luhai.settlement.payments import web as payments
from luhai.shell.errors import broken, forbidden, not_found, unreadable
from luhai.shell.web import is_local

from .api import api


def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> HttpResponse:
    """The database answers and has every migration."""
    from django.db.migrations.executor import MigrationExecutor

    try:
        executor = MigrationExecutor(connection)
        waiting = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except Exception as error:
        return JsonResponse({"status": "down", "database": type(error).__name__}, status=503)
    ready = waiting == 0
    return JsonResponse({"status": "ok" if ready else "migrating", "waiting": waiting}, status=200 if ready else 503)


def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text format, for a scraper on loopback or one that shows LUHAI_METRICS_TOKEN."""
    import os

    from prometheus_client import (
        CONTENT_TYPE_LATEST,
        REGISTRY,
        CollectorRegistry,
        generate_latest,
        multiprocess,
    )

    token = os.environ.get("LUHAI_METRICS_TOKEN")
    local = not token and is_local(request)
    if not (local or (token and constant_time_compare(request.headers.get("Authorization", ""), f"Bearer {token}"))):
        return HttpResponse(status=403)
    registry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


urlpatterns = [
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
    path("api/v1/", api.urls),
    path("accounts/", include("allauth.urls")),
    path("language", set_language, name="set_language"),
    *desks.urlpatterns,
    *lane.urlpatterns,
    *policies.urlpatterns,
    *ledger.urlpatterns,
    *titles.urlpatterns,
    *evidence.urlpatterns,
    *escrow.urlpatterns,
    *lending.urlpatterns,
    *payments.urlpatterns,
    *checks.urlpatterns,
    *products.urlpatterns,
    *transport.urlpatterns,
    *matching.urlpatterns,
    *releases.urlpatterns,
    *sdmx.urlpatterns,
    *statistics.urlpatterns,
    *evaluation.urlpatterns,
    *replication.urlpatterns,
    *coverage.urlpatterns,
]


handler400, handler403, handler404, handler500 = unreadable, forbidden, not_found, broken
