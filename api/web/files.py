"""The page's own static files: a style sheet, a script, an icon."""

from __future__ import annotations

import gzip
import mimetypes
from functools import lru_cache

from fastapi import APIRouter, Depends, Request, Response

from api.dependencies import open_to_all
from api.web.page import assets
from common.errors import NotFound

router = APIRouter(include_in_schema=False)

FOR_GOOD = "public, max-age=31536000, immutable"


@lru_cache(maxsize=32)
def packed(name: str) -> bytes:
    """A file as gzip (RFC 1952): a third or less of a text. Nothing in it is secret, so its length may tell of it."""
    return gzip.compress(assets()[name], mtime=0)


@router.get("/static/{name}", dependencies=[Depends(open_to_all)], response_class=Response)
async def static(request: Request, name: str) -> Response:
    """One file by its name; its address carries a hash of its content (`page.asset`)."""
    content = assets().get(name)
    if content is None:
        raise NotFound("no such file")
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    headers = {"cache-control": FOR_GOOD, "vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", "").replace(" ", "").lower().split(","):
        content, headers["content-encoding"] = packed(name), "gzip"
    return Response(content, media_type=kind, headers=headers)
