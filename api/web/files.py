"""The page's own static files: a style sheet, a script, an icon."""

from __future__ import annotations

import mimetypes

from fastapi import APIRouter, Depends, Response

from api.dependencies import open_to_all
from api.web.page import assets
from common.errors import NotFound

router = APIRouter(include_in_schema=False)

FOR_GOOD = "public, max-age=31536000, immutable"


@router.get("/static/{name}", dependencies=[Depends(open_to_all)], response_class=Response)
async def static(name: str) -> Response:
    """One file by its name; its address carries a hash of its content (`page.asset`)."""
    content = assets().get(name)
    if content is None:
        raise NotFound("no such file")
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Response(content, media_type=kind, headers={"cache-control": FOR_GOOD})
