"""Saved searches with what came in for them, and exports with their progress."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import QueryParams

from api.exports import routes as exports_api
from api.jobs import routes as jobs_api
from api.saved import routes as api
from api.search.service import Search
from api.web.mine import line
from api.web.page import Exporter, KnownSearcher, of_api, pages, render, speaker
from api.web.searching import label, read_params
from common.errors import UsageError
from common.messages import say

router = pages()

FORMATS = ("xlsx", "csv", "ris", "jsonl", "st96")
"""Formats offered first; the API knows more."""
LONGEST_ADDRESS = 8_000


def search_of(address: str) -> Search:
    """The search that stands in an address of the search page, whole: without page, size or order."""
    asked = read_params(QueryParams(address[:LONGEST_ADDRESS].partition("?")[2] or address[:LONGEST_ADDRESS]))
    given = asked.search().model_dump(exclude_defaults=True)
    return Search.model_validate({k: v for k, v in given.items() if k not in ("cursor", "size", "facets", "facet_size",
                                                                              "sort")})  # fmt: skip


def address_of(search: dict[str, Any]) -> str:
    """The search page's address of a search that was saved."""
    given: list[tuple[str, str]] = [
        (name, str(search[name])) for name in ("q", "mode", "expand", "dialect") if search.get(name)
    ]
    given += [(name, value) for name, values in search.get("filters", {}).items() for value in values]
    given += [(f"not.{name}", value) for name, values in search.get("exclude", {}).items() for value in values]
    for position, piece in enumerate(search.get("expansion") or []):
        given.append((f"x{position}", piece["source"]))
        given += [(f"x{position}.{code}", ", ".join(terms)) for code, terms in piece.get("terms", {}).items()]
    return f"/?{urlencode(given)}" if given else "/?q="


# -------------------------------------------------------------------------------------------------- saved searches


@router.get("/mine/searches")
async def saved(request: Request, access: KnownSearcher) -> Response:
    held = (await of_api(api.list_saved(access)))["saved_searches"]
    return render(
        request, access, "saved.html", held=[{**entry, "address": address_of(entry["search"])} for entry in held],
        value_label=partial(label, speaker(request)),
    )  # fmt: skip


@router.post("/mine/searches")
async def save(request: Request, access: KnownSearcher) -> Response:
    """Saves the search of an address: what comes in for it from now on is kept as an alert."""
    form = await request.form()
    name, address = (str(form.get(part, "")).strip() for part in ("name", "address"))
    asked = search_of(address)
    if not asked.q and not asked.filters:
        raise UsageError(say("pages.no-search"))
    given = api.SavedIn(name=(name or asked.q or "–")[:200], search=asked, changes=form.get("changes") == "1")
    await api.save_search(access, given)
    return RedirectResponse("/mine/searches", 303)


@router.get("/mine/searches/{search}")
async def results(request: Request, search: str, access: KnownSearcher) -> Response:
    """What came in for a saved search, as far as it may be seen now."""
    after = request.query_params.get("after", "")
    found = await of_api(api.read_results(search, access, int(after) if after.isdigit() and len(after) < 10 else 0))
    says = speaker(request)
    shown = [{**line(entry["record"], says), "change": entry["change"], "found": entry["found"]}
             for entry in found["results"]]  # fmt: skip
    entry = found["saved_search"]
    return render(
        request, access, "saved_results.html", entry=entry, shown=shown, following=found["next"],
        address=address_of(entry["search"]),
    )  # fmt: skip


@router.post("/mine/searches/{search}")
async def act(request: Request, search: str, access: KnownSearcher) -> Response:
    """Runs a saved search at once, or deletes it."""
    form = await request.form()
    if form.get("do") == "delete":
        await api.delete_saved(search, access)
        return RedirectResponse("/mine/searches", 303)
    await api.run_saved(search, access)
    return RedirectResponse(f"/mine/searches/{quote(search, safe='')}", 303)


# ---------------------------------------------------------------------------------------------------------- exports


@router.get("/mine/exports")
async def exports(request: Request, access: Exporter) -> Response:
    held = (await of_api(exports_api.list_exports(access)))["exports"]
    return render(
        request, access, "exports.html",
        held=[{**entry, "address": address_of((entry["request"] or {}).get("search", {}))} for entry in held],
        busy=any(entry["state"] in ("queued", "running") for entry in held),
    )  # fmt: skip


@router.post("/mine/exports")
async def order(request: Request, access: Exporter) -> Response:
    """Orders a file of everything that the search of an address finds."""
    form = await request.form()
    given = exports_api.ExportIn(
        search=search_of(str(form.get("address", ""))), format=str(form.get("format", ""))[:20]
    )
    await exports_api.order_export(access, given)
    return RedirectResponse("/mine/exports", 303)


@router.post("/mine/exports/{export}/cancel")
async def cancel(export: str, access: Exporter) -> Response:
    await jobs_api.cancel_job(export, access)
    return RedirectResponse("/mine/exports", 303)
