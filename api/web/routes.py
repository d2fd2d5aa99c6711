"""All pages. Each route has its guard; docs/routes.md lists them."""

from __future__ import annotations

from fastapi import APIRouter

from api.web import (
    deliveries,
    duplicates,
    endpoints,
    exchange,
    feedback,
    files,
    mine,
    offices,
    pictures,
    platform,
    priority,
    quality,
    record,
    saved,
    searching,
    session,
    similar,
    trends,
    usage,
)

router = APIRouter()
for part in (
    files.router,
    searching.router,
    record.router,
    session.router,
    exchange.router,
    endpoints.router,
    priority.router,
    offices.router,
    platform.router,
    deliveries.router,
    quality.router,
    duplicates.router,
    mine.router,
    saved.router,
    feedback.router,
    similar.router,
    pictures.router,
    trends.router,
    usage.router,
):
    router.include_router(part)
