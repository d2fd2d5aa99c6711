"""/healthz, /readyz, /metrics and the API's description."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text

from api.access.model import Permission
from api.dependencies import Access, Guard, open_to_all, services_of
from api.search.routes import json_response

router = APIRouter(tags=["service"])


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
    """How requests, engine and database fare, and how many searches of each mode there were. Nothing about records,
    queries or callers: that stands on the port of CONCORD_METRICS_PORT."""
    return Response(generate_latest(request.app.state.metrics.registry), media_type=CONTENT_TYPE_LATEST)


@router.get("/v1/openapi.json", dependencies=[Depends(open_to_all)], include_in_schema=False)
async def openapi(request: Request) -> Response:
    return json_response(request.app.openapi())
