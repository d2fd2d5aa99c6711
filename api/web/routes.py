"""All pages. Each route has its guard; docs/routes.md lists them."""

from __future__ import annotations

from fastapi import APIRouter

from api.web import files, offices, platform, record, searching, session

router = APIRouter()
for part in (files.router, searching.router, record.router, session.router, offices.router, platform.router):
    router.include_router(part)
