"""/healthz, /readyz, /metrics and the API's description."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from sqlalchemy import text
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access.model import Permission
from api.dependencies import Access, Guard, open_to_all, services_of
from api.search.routes import json_response

router = APIRouter(tags=["service"])


class Metrics:
    """Counts of this process. Labels are route templates and status: neither queries nor callers."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("concord_requests", "Requests answered", ("route", "status"), registry=self.registry)
        self.seconds = Histogram(
            "concord_request_seconds", "Time until the whole answer was sent", ("route",), registry=self.registry
        )


class Measured:
    """Middleware that fills `Metrics`."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500

        async def watching(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watching)
        finally:
            route = getattr(scope.get("route"), "path", "unknown")
            self.metrics.requests.labels(route, status).inc()
            self.metrics.seconds.labels(route).observe(time.perf_counter() - started)


@router.get("/healthz", dependencies=[Depends(open_to_all)], summary="Whether the process lives")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/readyz", dependencies=[Depends(open_to_all)], summary="Whether it can serve")
async def readyz(request: Request) -> Response:
    """200 when OpenSearch and PostgreSQL answer, 503 otherwise, with one word for each."""
    services = services_of(request)

    def database() -> bool:
        try:
            with services.reading.connect() as connection:
                return connection.scalar(text("select version from access_version")) is not None
        except Exception:
            return False

    search, store = await asyncio.gather(services.engine.healthy(), asyncio.to_thread(database))
    parts: dict[str, Any] = {"search": "ok" if search else "down", "store": "ok" if store else "down"}
    ready = search and store
    return json_response({"status": "ready" if ready else "not ready", **parts}, 200 if ready else 503)


@router.get("/metrics", summary="Counts for Prometheus", response_class=Response)
async def metrics(request: Request, access: Annotated[Access, Depends(Guard(Permission.SEARCH))]) -> Response:
    """Requests by route and status. Nothing about records, queries or callers."""
    return Response(generate_latest(request.app.state.metrics.registry), media_type=CONTENT_TYPE_LATEST)


@router.get("/v1/openapi.json", dependencies=[Depends(open_to_all)], include_in_schema=False)
async def openapi(request: Request) -> Response:
    return json_response(request.app.openapi())
