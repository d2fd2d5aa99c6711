"""The platform's own page: how it is, what it holds, and what fills its engines."""

from __future__ import annotations

import asyncio

from fastapi import Request, Response

from api import health
from api.jobs.kinds import KINDS
from api.platform import routes as api
from api.search.service import Search, search
from api.web.page import PlatformManager, Searcher, of_api, pages, render
from indexer.record import Right

router = pages()


@router.get("/platform")
async def page(request: Request, access: Searcher) -> Response:
    """Health and holdings, counted over what the reader may see."""
    state = await of_api(health.readyz(request))
    rights = [right.value for right in Right]
    asked = [Search(size=0, rights=[right], facets=["office"], facet_size=200) for right in rights]
    years = Search(size=0, facets=["year", "language", "format", "right"], facet_size=200)
    counted, overall = await asyncio.gather(
        asyncio.gather(*(search(access, one) for one in asked)), search(access, years)
    )
    table: dict[str, dict[str, int]] = {}
    for right, found in zip(rights, counted, strict=True):
        for bucket in found.facets["office"]:
            table.setdefault(bucket.value, {})[right] = bucket.count
    offices = sorted(table, key=lambda code: (-sum(table[code].values()), code))
    return render(
        request,
        access,
        "platform.html",
        state=state,
        rights=rights,
        offices=offices,
        table=table,
        totals={right: found.total for right, found in zip(rights, counted, strict=True)},
        total=overall.total,
        largest=max((sum(row.values()) for row in table.values()), default=0),
        languages_held=overall.facets["language"],
        formats=overall.facets["format"],
    )


@router.get("/platform/engines")
async def engines(request: Request, access: PlatformManager) -> Response:
    """What fills the engines, and what waits."""
    told = await of_api(api.read_engines(access))
    return render(request, access, "engines.html", told=told, kinds={name: row.title for name, row in KINDS.items()})
