"""The platform's own page: how it is, what it holds, what came in, and what was wrong with it."""

from __future__ import annotations

import asyncio

from fastapi import Request, Response

from api import health
from api.access.model import Permission
from api.dependencies import Access
from api.search.service import Search, search
from api.web import deliveries
from api.web.page import Searcher, SignedIn, in_database, of_api, pages, render
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
    searches = _searches(access) if access.caller.may(Permission.MANAGE_PLATFORM) else []
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
        searches=searches,
        most_searches=max((count for _, count in searches), default=0) or 1,
    )


def _searches(access: Access) -> list[tuple[str, int]]:
    """(mode, searches of it) since this process started."""
    samples = [sample for metric in access.services.metrics.searches.collect() for sample in metric.samples]
    return [(s.labels["mode"], int(s.value)) for s in samples if s.name.endswith("_total") and "mode" in s.labels]


@router.get("/deliveries")
async def delivered(request: Request, access: SignedIn) -> Response:
    """Deliveries of one's own office; all of them, in counts, for those who run the platform."""
    caller = access.caller
    held = await in_database(access, lambda session: deliveries.everything(session, caller))
    rules = await in_database(access, lambda session: deliveries.findings_by_rule(session, caller))
    return render(request, access, "deliveries.html", held=held, rules=rules)


@router.get("/deliveries/{sequence}")
async def delivery(request: Request, sequence: int, access: SignedIn) -> Response:
    """One delivery: what was rejected, and what was doubted."""
    caller = access.caller
    entry = await in_database(access, lambda session: deliveries.one(session, caller, sequence))
    rejected = await in_database(access, lambda session: deliveries.rejects(session, caller, sequence))
    doubted = await in_database(access, lambda session: deliveries.rejects(session, caller, sequence, findings=True))
    return render(
        request, access, "delivery.html", entry=entry, rejected=rejected, doubted=doubted, most=deliveries.PAGE
    )


@router.get("/deliveries/{sequence}/rejects/{reject}")
async def reject(request: Request, sequence: int, reject: int, access: SignedIn) -> Response:
    """The original bytes at the place of an error."""
    archive, caller = access.services.archive, access.caller
    found = await in_database(access, lambda session: deliveries.place(session, archive, caller, sequence, reject))
    return render(request, access, "reject.html", sequence=sequence, **found)
