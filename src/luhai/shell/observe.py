"""What operators see: structured logs, Prometheus metrics, and OpenTelemetry when it is configured."""

from __future__ import annotations

import logging
import logging.config
import os
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any
from uuid import uuid4

import structlog
from django.http import HttpRequest, HttpResponse
from prometheus_client import Counter, Histogram

COMMANDS = Counter("luhai_commands_total", "Commands by outcome.", ["command", "outcome", "code"])
COMMAND_SECONDS = Histogram("luhai_command_seconds", "Time of a command, its commit included.", ["command"])
REQUESTS = Counter("luhai_requests_total", "HTTP requests.", ["method", "route", "status"])
REQUEST_SECONDS = Histogram("luhai_request_seconds", "Time of an HTTP request.", ["route"])

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

log = structlog.get_logger("luhai")


class Measured:
    """Outermost middleware: an id for the request, one log line, and its numbers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = perf_counter()
        request_id = request.headers.get("X-Request-Id", "")[:64] or uuid4().hex
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            response = self.get_response(request)
        finally:
            structlog.contextvars.unbind_contextvars("request_id")
        seconds = perf_counter() - started
        match = request.resolver_match
        route = match.route if match else "(none)"
        REQUESTS.labels(request.method if request.method in _METHODS else "OTHER", route, str(response.status_code)).inc()
        REQUEST_SECONDS.labels(route).observe(seconds)
        response["X-Request-Id"] = request_id
        if not request.path.startswith("/static/"):
            log.info(
                "request",
                method=request.method,
                path=request.path,
                status=response.status_code,
                ms=round(seconds * 1000, 1),
                request_id=request_id,
            )
        return response


def configure(_: dict[str, Any]) -> None:
    """One JSON object a line on standard error; readable lines when it is a terminal."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    render: Any = (
        structlog.dev.ConsoleRenderer()
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    level = os.environ.get("LUHAI_LOG", "WARNING").upper()
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "structured": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
                    "foreign_pre_chain": shared,
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
            "root": {"handlers": ["stderr"], "level": "WARNING"},
            "loggers": {
                "luhai": {"level": level},
                "django.request": {"level": "ERROR"},
                "procrastinate": {"level": level},
            },
        }
    )


def trace() -> None:
    """Send spans of requests and SQL by OTLP, when OTEL_EXPORTER_OTLP_ENDPOINT says where."""
    if not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return
    from opentelemetry import trace as api
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.instrumentation.django import DjangoInstrumentor
    from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": "luhai"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    api.set_tracer_provider(provider)
    DjangoInstrumentor().instrument()
    PsycopgInstrumentor().instrument(skip_dep_check=True)
