"""Logs as JSON lines and spans for a tracing collector. Neither ever holds a query's words, a record or a person.

Spans need the extra `otel` and CONCORD_OTLP_ENDPOINT; without both, `span` costs one comparison.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TextIO

import orjson
import structlog

from common.errors import ConfigurationError

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
QUIET = ("opensearch", "opensearchpy", "opensearchpy.trace", "httpx", "httpcore", "alembic")
"""Libraries whose INFO lines name addresses and whose DEBUG lines hold whole requests, queries included."""

_tracer: Any = None


def configure_logs(level: str, form: str, stream: TextIO | None = None) -> None:
    """Sends every log line, the libraries' too, to `stream` (standard error): `json`, `console`, or `auto`, which
    is JSON wherever no terminal reads it. Raises ConfigurationError for an unknown level."""
    if level.upper() not in LEVELS:
        raise ConfigurationError(f"There is no log level {level!r}.", remedy=f"Choose from {', '.join(LEVELS)}.")
    target = stream or sys.stderr
    as_json = form == "json" or (form == "auto" and not target.isatty())
    # A traceback with the values of local variables would write down what people search for.
    plain = structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False))
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        plain if as_json else structlog.processors.format_exc_info,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer(serializer=_json)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            foreign_pre_chain=shared,
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_logger_name,
            *(part for part in shared if not isinstance(part, structlog.stdlib.ExtraAdder)),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _json(value: Any, **options: Any) -> str:
    return orjson.dumps(value, default=str).decode()


# ------------------------------------------------------------------------------------------------------------- spans


def start_tracing(endpoint: str) -> None:
    """Sends spans to an OTLP/HTTP collector at `endpoint` (its `/v1/traces`). Raises ConfigurationError without the
    extra."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise ConfigurationError(
            "CONCORD_OTLP_ENDPOINT is set, and OpenTelemetry is not installed.",
            remedy="Install the extra: pip install 'ip-concord[otel]'.",
        ) from error
    try:
        release = version("ip-concord")
    except PackageNotFoundError:
        release = "unknown"
    provider = TracerProvider(resource=Resource.create({"service.name": "ip-concord", "service.version": release}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces")))
    trace_with(provider)


def trace_with(provider: Any) -> None:
    """Makes spans with an OpenTelemetry tracer provider; None stops."""
    global _tracer
    _tracer = None if provider is None else provider.get_tracer("ip-concord")


def stop_tracing() -> None:
    """Sends what is left and makes no more spans."""
    if _tracer is not None:
        from opentelemetry.sdk.trace import Tracer

        if isinstance(_tracer, Tracer):
            _tracer.span_processor.shutdown()
    trace_with(None)


@contextmanager
def span(name: str, *, headers: Mapping[str, str] | None = None, **attributes: str | int) -> Iterator[Any]:
    """A span around the block, or nothing where nobody collects. An error is named by its kind: its message may quote
    a query. `headers` of a request may carry the caller's trace (`traceparent`)."""
    if _tracer is None:
        yield None
        return
    from opentelemetry import propagate
    from opentelemetry.trace import SpanKind, Status, StatusCode

    kind = SpanKind.SERVER if headers is not None else SpanKind.CLIENT
    context = propagate.extract(headers) if headers else None
    with _tracer.start_as_current_span(
        name,
        context=context,
        kind=kind,
        attributes={key.replace("__", "."): value for key, value in attributes.items()},
        record_exception=False,
        set_status_on_exception=False,
    ) as current:
        try:
            yield current
        except BaseException as error:
            current.set_attribute("error.type", type(error).__name__)
            current.set_status(Status(StatusCode.ERROR))
            raise
