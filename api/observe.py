"""What can be seen of the running platform from outside: one log line, one count and one span a request, and how the
engines fare. No line, label or attribute holds a query's words, a record, an address or a person.

`Metrics.registry` says nothing about records or offices and is what `/metrics` serves. What is held, what waits, how
old the last delivery is and how much each office asks stand on a port of their own (CONCORD_METRICS_PORT), which
belongs on a private network.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Engine as SqlEngine
from sqlalchemy import event, text
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.jobs.kinds import KINDS
from common.telemetry import span

log = structlog.get_logger("access")

REQUEST_ID = "x-request-id"
ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
"""A caller's own request id is kept if it looks like this: it goes into logs as it is."""
BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds. The shares that matter: 3 ms over the raw engine, a quarter second for a person, the time limit."""
STORE_KEPT_S = 15.0
HELD_KEPT_S = 300.0
"""Counting what is held reads an index of all records: about 20 s at 200 million, so seldom."""


class Metrics:
    """Counts of this process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        """Says nothing about records, queries, callers or offices."""
        self.private = CollectorRegistry()
        self.requests = Counter("concord_requests", "Requests answered", ("route", "status"), registry=None)
        self.seconds = Histogram(
            "concord_request_seconds",
            "Time until the answer was sent",
            ("route",),
            buckets=BUCKETS,
            registry=None,
        )
        self.in_progress = Gauge("concord_requests_in_progress", "Requests being answered", registry=None)
        self.engine_seconds = Histogram(
            "concord_engine_seconds", "Time of one call of OpenSearch", ("operation",), buckets=BUCKETS, registry=None
        )
        self.engine_errors = Counter(
            "concord_engine_errors", "Calls of OpenSearch that failed", ("operation", "kind"), registry=None
        )
        self.database_seconds = Histogram(
            "concord_database_seconds", "Time of one statement in PostgreSQL", buckets=BUCKETS, registry=None
        )
        self.database_errors = Counter("concord_database_errors", "Statements that failed", registry=None)
        self.searches = Counter("concord_searches", "Searches by mode", ("mode",), registry=None)
        self.slow_searches = Counter("concord_slow_searches", "Searches over the slow-query threshold", registry=None)
        self.office_requests = Counter(
            "concord_office_requests", "Requests answered, by the caller's office", ("office",), registry=self.private
        )
        for metric in (
            self.requests,
            self.seconds,
            self.in_progress,
            self.engine_seconds,
            self.engine_errors,
            self.database_seconds,
            self.database_errors,
            self.searches,
            self.slow_searches,
        ):
            self.registry.register(metric)
            self.private.register(metric)

    @contextmanager
    def engine_call(self, operation: str) -> Iterator[None]:
        """Around one call of OpenSearch. `operation` is one of a few words, never an address."""
        started = time.perf_counter()
        try:
            with span(f"opensearch {operation}", db__system__name="opensearch", db__operation__name=operation):
                yield
        except Exception as error:
            self.engine_errors.labels(operation, type(error).__name__).inc()
            raise
        finally:
            self.engine_seconds.labels(operation).observe(time.perf_counter() - started)

    @contextmanager
    def database_call(self, operation: str) -> Iterator[None]:
        """Around a statement that goes past the pool."""
        started = time.perf_counter()
        try:
            with span(f"postgresql {operation}", db__system__name="postgresql", db__operation__name=operation):
                yield
        except Exception:
            self.database_errors.inc()
            raise
        finally:
            self.database_seconds.observe(time.perf_counter() - started)

    def watch_database(self, engine: SqlEngine) -> None:
        """Times every statement of a pool."""

        def before(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
            operation = statement.lstrip(" (\n").split(None, 1)[0].lower() if statement.strip() else "empty"
            around = span(f"postgresql {operation}", db__system__name="postgresql", db__operation__name=operation)
            around.__enter__()
            connection.info.setdefault("observed", []).append((time.perf_counter(), around))

        def after(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
            self._statement_ended(connection, None)

        def failed(context: Any) -> None:
            if context.connection is not None:
                self.database_errors.inc()
                self._statement_ended(context.connection, context.original_exception)

        event.listen(engine, "before_cursor_execute", before)
        event.listen(engine, "after_cursor_execute", after)
        event.listen(engine, "handle_error", failed)

    def _statement_ended(self, connection: Any, error: BaseException | None) -> None:
        open_ = connection.info.get("observed")
        if not open_:
            return
        started, around = open_.pop()
        self.database_seconds.observe(time.perf_counter() - started)
        if error is None:
            around.__exit__(None, None, None)
        else:
            try:
                around.__exit__(type(error), error, None)
            except BaseException as again:
                if again is not error:
                    raise


class Observed:
    """Outermost middleware: request id in and out, one log line, the counts, the request's span."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        given = headers.get(REQUEST_ID, "")
        request_id = given if ACCEPTED_ID.fullmatch(given) else uuid.uuid4().hex
        started = time.perf_counter()
        status = 500

        async def watching(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (REQUEST_ID.encode(), request_id.encode())]
            await send(message)

        trace = {name: headers[name] for name in ("traceparent", "tracestate") if name in headers}
        self.metrics.in_progress.inc()
        with (
            structlog.contextvars.bound_contextvars(request_id=request_id),
            span("request", headers=trace, http__request__method=scope["method"]) as current,
        ):
            try:
                await self.app(scope, receive, watching)
            finally:
                seconds = time.perf_counter() - started
                # The template, not the address: what somebody looks at is nobody's business here.
                route = getattr(scope.get("route"), "path", "unknown")
                state = scope.get("state", {})
                office = state.get("office") or "none"
                self.metrics.in_progress.dec()
                self.metrics.requests.labels(route, status).inc()
                self.metrics.seconds.labels(route).observe(seconds)
                self.metrics.office_requests.labels(office).inc()
                if current is not None:
                    current.update_name(f"{scope['method']} {route}")
                    current.set_attribute("http.route", route)
                    current.set_attribute("http.response.status_code", status)
                    current.set_attribute("concord.request_id", request_id)
                log.info(
                    "request",
                    method=scope["method"],
                    route=route,
                    status=status,
                    ms=round(seconds * 1000, 1),
                    office=office,
                    caller=state.get("caller_kind", "unknown"),
                )


class Held(Collector):
    """What the store holds and what waits, read when Prometheus asks, at most every 15 s (counts: 5 min)."""

    COUNTS = 'select "right", count(*) from records where not deleted group by "right"'
    REFUSED = "select count(*) from records where index_error is not null"
    PENDING = "select count(*), coalesce(extract(epoch from now() - min(created)), 0) from pending_batches"
    DELIVERIES = "select state, count(*) from deliveries group by state"
    AGES = """
        select provider, collection, extract(epoch from now() - max(received)) from deliveries
        where state = 'done' group by provider, collection
    """

    JOBS = """
        select kind, state, count(*), extract(epoch from now() - min(created)) from jobs
        where state in ('queued', 'running', 'failed') group by kind, state
    """
    MESSAGES = """
        select kind, state, count(*), extract(epoch from now() - min(created)) from webhook_deliveries
        where state in ('waiting', 'dead') group by kind, state
    """
    PUSHES = "select state, count(*) from exchange_pushes group by state"

    def __init__(self, engine: SqlEngine) -> None:
        self.engine = engine
        self._counted: tuple[float, list[Metric]] = (float("-inf"), [])
        self._read: tuple[float, list[Metric]] = (float("-inf"), [])

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering would otherwise read the store."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Nothing where the store does not answer: a number that is not known is not sent."""
        now = time.monotonic()
        try:
            if now - self._counted[0] > HELD_KEPT_S:
                self._counted = (now, self._counts())
            if now - self._read[0] > STORE_KEPT_S:
                self._read = (now, self._waiting())
        except Exception as error:
            log.warning("the store's metrics cannot be read", kind=type(error).__name__)
            return ()
        return [*self._counted[1], *self._read[1]]

    def _counts(self) -> list[Metric]:
        held = GaugeMetricFamily("concord_records_held", "Records held, without deleted ones", labels=("right",))
        with self.engine.connect() as connection:
            for right, number in connection.execute(text(self.COUNTS)):
                held.add_metric((right,), number)
            refused = connection.scalar(text(self.REFUSED))
        return [held, GaugeMetricFamily("concord_records_refused", "Records that OpenSearch refused", value=refused)]

    def _waiting(self) -> list[Metric]:
        deliveries = GaugeMetricFamily("concord_deliveries", "Deliveries by state", labels=("state",))
        ages = GaugeMetricFamily(
            "concord_delivery_age_seconds",
            "Time since the last delivery that was loaded whole",
            labels=("provider", "collection"),
        )
        with self.engine.connect() as connection:
            number, oldest = connection.execute(text(self.PENDING)).one()
            for state, count in connection.execute(text(self.DELIVERIES)):
                deliveries.add_metric((state,), count)
            for provider, collection, age in connection.execute(text(self.AGES)):
                ages.add_metric((provider, collection), float(age))
        return [
            *self._queued(),
            GaugeMetricFamily("concord_pending_batches", "Batches stored and not yet searchable", value=number),
            GaugeMetricFamily("concord_pending_oldest_seconds", "Age of the oldest of them", value=float(oldest)),
            deliveries,
            ages,
        ]

    def _queued(self) -> list[Metric]:
        """Jobs and messages that are not over, and dead letters."""
        jobs = GaugeMetricFamily(
            "concord_jobs", "Jobs that wait, run, or are dead letters", labels=("queue", "kind", "state")
        )
        waiting = GaugeMetricFamily(
            "concord_job_oldest_seconds", "Age of the oldest job that waits", labels=("queue", "kind")
        )
        messages = GaugeMetricFamily(
            "concord_messages", "Webhook messages that wait or are dead letters", labels=("kind", "state")
        )
        unsent = GaugeMetricFamily(
            "concord_message_oldest_seconds", "Age of the oldest webhook message that waits", labels=("kind",)
        )
        pushes = GaugeMetricFamily("concord_pushes", "Pushes of changes to other offices", labels=("state",))
        with self.engine.connect() as connection:
            for kind, state, number, age in connection.execute(text(self.JOBS)):
                queue = KINDS[kind].queue if kind in KINDS else "none"
                jobs.add_metric((queue, kind, state), number)
                if state == "queued":
                    waiting.add_metric((queue, kind), float(age))
            for kind, state, number, age in connection.execute(text(self.MESSAGES)):
                messages.add_metric((kind, state), number)
                if state == "waiting":
                    unsent.add_metric((kind,), float(age))
            for state, number in connection.execute(text(self.PUSHES)):
                pushes.add_metric((state,), number)
        return [jobs, waiting, messages, unsent, pushes]


@contextmanager
def private_metrics(metrics: Metrics, engine: SqlEngine, host: str, port: int | None) -> Iterator[int | None]:
    """Serves everything on a port of its own while the block runs; gives the port (0 picks a free one)."""
    if port is None:
        yield None
        return
    held = Held(engine)
    metrics.private.register(held)
    server, thread = start_http_server(port, addr=host, registry=metrics.private)
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        metrics.private.unregister(held)
