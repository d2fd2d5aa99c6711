"""All pages. Each route has its guard; docs/routes.md lists them."""

from __future__ import annotations

from fastapi import APIRouter

from api.web import duplicates, files, offices, platform, quality, record, searching, session

router = APIRouter()
for part in (
    files.router,
    searching.router,
    record.router,
    session.router,
    offices.router,
    platform.router,
    quality.router,
    duplicates.router,
):
    router.include_router(part)
