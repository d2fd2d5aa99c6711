"""GET /v1/records/{id}/family and /v1/records/{id}/status."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from api.access.model import Permission
from api.dependencies import Access, Guard
from api.search import families, status
from api.search.routes import json_response

router = APIRouter(prefix="/v1", tags=["families and status"])

CanView = Annotated[Access, Depends(Guard(Permission.VIEW))]

NOT_FOUND: dict[int | str, dict[str, Any]] = {
    404: {"description": "No such record, or none that you may know of: the two look the same."}
}


@router.get("/records/{record_id}/family", summary="The family of a record", responses=NOT_FOUND)
async def family(
    record_id: str,
    access: CanView,
    kind: Annotated[
        families.Kind, Query(description="simple: the same set of priorities; extended: connected by priorities")
    ] = "simple",
) -> Response:
    """Members among the records that you may see, with priorities, dates, kinds and how they stand to one another;
    what providers state about families stands apart under `stated`."""
    return json_response(await families.answer(access, record_id, kind))


@router.get("/records/{record_id}/status", summary="Legal events, office by office", responses=NOT_FOUND)
async def legal_status(record_id: str, access: CanView) -> Response:
    """Events of the record's application in order, corrections honoured, and what they say of each office and each
    designated state. From records whose legal status you may read; never a status of a family."""
    return json_response(await status.answer(access, record_id))
