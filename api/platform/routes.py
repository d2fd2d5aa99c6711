"""The platform over HTTP, for those who run it: its engines, and how much each office uses it; for an office, how much
it does itself."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from api.access.model import Permission
from api.access.routes import in_transaction
from api.dependencies import Access, Guard
from api.platform import engines, usage
from api.search.routes import json_response
from common.errors import AccessDenied, UsageError
from common.messages import say

router = APIRouter(prefix="/v1", tags=["platform"])

PlatformManager = Annotated[Access, Depends(Guard(Permission.MANAGE_PLATFORM))]
AuditReader = Annotated[Access, Depends(Guard(Permission.AUDIT_OFFICE))]
Month = Annotated[usage.By, Query()]
Day = Annotated[dt.date | None, Query()]
Office = Annotated[str | None, Query(pattern="^([A-Z]{2})?$")]


@router.get("/platform/engines", summary="The state of the engines, what fills them, and what waits")
async def read_engines(access: PlatformManager) -> Response:
    """Nodes with heap, disk and shards, indices with documents, size and health, PostgreSQL with its size and
    connections, versions, the embedder, and the queues with the age of the oldest job. Sizes in bytes, ages in
    seconds. An engine that does not answer is null."""
    return json_response(await engines.read(access.services))


@router.get("/platform/usage", summary="How much each office uses the platform")
async def read_usage(
    access: PlatformManager, by: Month = "day", since: Day = None, until: Day = None, office: Office = None
) -> Response:
    """Searches, records read, exports ordered and deliveries, by day or month (UTC) and office; an empty office is the
    public. At most 366 days, or ten years of months."""
    return json_response(as_json(*await lines(access, by, since, until, office)))


@router.get("/platform/usage.csv", summary="The same as a table", response_class=Response)
async def read_usage_table(
    access: PlatformManager, by: Month = "day", since: Day = None, until: Day = None, office: Office = None
) -> Response:
    return table(*await lines(access, by, since, until, office))


@router.get("/usage", summary="How much my office uses the platform")
async def read_own_usage(access: AuditReader, by: Month = "day", since: Day = None, until: Day = None) -> Response:
    """As `/v1/platform/usage`, of one's own office alone."""
    return json_response(as_json(*await lines(access, by, since, until, own(access))))


@router.get("/usage.csv", summary="The same as a table", response_class=Response)
async def read_own_usage_table(
    access: AuditReader, by: Month = "day", since: Day = None, until: Day = None
) -> Response:
    return table(*await lines(access, by, since, until, own(access)))


def own(access: Access) -> str:
    """The caller's office. Raises AccessDenied for one that has none: an empty code would mean the public."""
    if not access.caller.office:
        raise AccessDenied("no office")
    return access.caller.office


async def lines(
    access: Access, by: usage.By, since: dt.date | None, until: dt.date | None, office: str | None
) -> tuple[usage.By, dt.date, dt.date, list[usage.Line]]:
    """Up to this moment, as far as this process has counted. Raises UsageError for a span that is too long."""
    first, last = usage.span(by, since, until)
    if not 0 <= (last - first).days < usage.LONGEST[by]:
        raise UsageError(say("access.span", first=str(first), last=str(last), most=usage.LONGEST[by]))
    services = access.services
    await asyncio.to_thread(services.used.write, services.database)
    return by, first, last, await in_transaction(access, lambda s: usage.read(s, by, first, last, office))


def as_json(by: usage.By, first: dt.date, last: dt.date, found: list[usage.Line]) -> dict[str, Any]:
    return {
        "by": by,
        "since": first,
        "until": last,
        "measures": usage.MEASURES,
        "lines": [line.row() for line in found],
    }


def table(by: usage.By, first: dt.date, last: dt.date, found: list[usage.Line]) -> Response:
    name = f"usage-{first}-{last}-{by}.csv"
    return Response(
        usage.as_csv(found),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )
