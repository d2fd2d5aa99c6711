"""Saved searches over HTTP: kept, run, read as JSON and as a feed.

The feed takes the same credentials as everything else, as a bearer key in a header: an address with a secret in it ends
up in logs, histories and other people's readers.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.access.model import Group, Permission
from api.access.routes import In, in_transaction
from api.dependencies import Access, Guard, disclosed
from api.jobs import queue
from api.saved import feed
from api.saved.run import certain
from api.search.engine import Hit
from api.search.routes import json_response
from api.search.service import Search, hit_out
from api.search.whole import whole
from api.webhooks import sender
from common.errors import Conflict, NotFound
from common.messages import say
from store.saved import SavedResult, SavedSearch

router = APIRouter(prefix="/v1/saved-searches", tags=["saved searches"])
Searcher = Annotated[Access, Depends(Guard(Permission.SEARCH, known=True))]

MOST_SAVED = 200
FEED_LENGTH = 100


class SavedIn(In):
    name: Annotated[str, Field(min_length=1, max_length=200)]
    search: Search
    """As POST /v1/search takes it; `size`, `sort` and `cursor` mean nothing."""
    changes: bool = False
    """Whether records that were held before and changed are told too."""
    webhook: Annotated[str, Field(max_length=50)] | None = None
    """An endpoint of yours to tell; without one, those of yours that want alerts are told."""


def saved_out(entry: SavedSearch) -> dict[str, Any]:
    return {
        "id": entry.id,
        "name": entry.name,
        "search": entry.search,
        "changes": entry.changes,
        "webhook": entry.webhook,
        "purpose": entry.purpose,
        "found": entry.found,
        "error": entry.error,
        "created": entry.created,
        "ran": entry.ran,
        "results": f"/v1/saved-searches/{entry.id}/results",
        "feed": f"/v1/saved-searches/{entry.id}/feed",
    }


@router.post("", status_code=201, summary="Save a search, to be told what comes in for it")
async def save_search(access: Searcher, given: SavedIn) -> Response:
    """From now on: what is held already is no news. Who saved it is asked for its rights at each run."""
    await whole(access, given.search)
    kept = given.search.model_dump(exclude={"cursor"}, exclude_defaults=True)

    def work(session: Session) -> dict[str, Any]:
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"saved:{access.caller.name}", 0))))
        held = session.scalar(select(func.count()).where(SavedSearch.owner == access.caller.name)) or 0
        if held >= MOST_SAVED:
            raise Conflict(say("saved.most", count=held))
        if given.webhook is not None:
            sender.own(session, access.caller, given.webhook)
        entry = SavedSearch(
            id=secrets.token_hex(12),
            owner=access.caller.name,
            office=access.caller.office,
            purpose=access.purpose,
            name=given.name,
            search=kept,
            changes=given.changes,
            webhook=given.webhook,
            seq=certain(session),
            day=dt.datetime.now(dt.UTC).date(),
        )
        session.add(entry)
        session.flush()
        session.refresh(entry)
        return saved_out(entry)

    return json_response(await in_transaction(access, work), 201)


@router.get("", summary="One's saved searches")
async def list_saved(access: Searcher) -> Response:
    def work(session: Session) -> list[dict[str, Any]]:
        mine = select(SavedSearch).where(SavedSearch.owner == access.caller.name).order_by(SavedSearch.created)
        return [saved_out(entry) for entry in session.scalars(mine)]

    return json_response({"saved_searches": await in_transaction(access, work)})


def _own(session: Session, access: Access, saved: str) -> SavedSearch:
    """A saved search of the caller's own. Raises NotFound, the same for another's and for none."""
    entry = session.get(SavedSearch, saved)
    if entry is None or entry.owner != access.caller.name:
        raise NotFound("no such saved search")
    return entry


@router.get("/{saved}", summary="A saved search")
async def read_saved(saved: str, access: Searcher) -> Response:
    return json_response(await in_transaction(access, lambda s: saved_out(_own(s, access, saved))))


@router.delete("/{saved}", status_code=204, summary="Delete a saved search and its results")
async def delete_saved(saved: str, access: Searcher) -> Response:
    await in_transaction(access, lambda s: s.delete(_own(s, access, saved)))
    return Response(status_code=204)


@router.post("/{saved}/run", status_code=202, summary="Run saved searches now, not within the minute")
async def run_saved(saved: str, access: Searcher) -> Response:
    def work(session: Session) -> dict[str, Any]:
        entry = _own(session, access, saved)
        queue.enqueue_once(session, "alerts")
        return saved_out(entry)

    return json_response(await in_transaction(access, work), 202)


@router.get("/{saved}/results", summary="What was found, as far as you may see it now")
async def read_results(
    saved: str,
    access: Searcher,
    after: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> Response:
    """In the order found, from the one after `after`; `next` goes on. Records that you may not see any more, or that
    are not held any more, are left out."""

    def work(session: Session) -> tuple[SavedSearch, list[SavedResult]]:
        entry = _own(session, access, saved)
        wanted = select(SavedResult).where(SavedResult.search == entry.id, SavedResult.number > after)
        return entry, list(session.scalars(wanted.order_by(SavedResult.number).limit(limit)))

    entry, found = await in_transaction(access, work)
    results = await _shown(access, found)
    following = found[-1].number if len(found) == limit else None
    return json_response({"saved_search": saved_out(entry), "results": results, "next": following})


@router.get("/{saved}/feed", summary="The latest results as an Atom feed", response_class=Response)
async def read_feed(saved: str, access: Searcher, request: Request) -> Response:
    """For feed readers that send a bearer key in a header; there is no address with a secret in it."""

    def work(session: Session) -> tuple[SavedSearch, list[SavedResult]]:
        entry = _own(session, access, saved)
        latest = select(SavedResult).where(SavedResult.search == entry.id).order_by(SavedResult.number.desc())
        return entry, list(session.scalars(latest.limit(FEED_LENGTH)))

    entry, found = await in_transaction(access, work)
    results = await _shown(access, found)
    content = feed.write(entry, results, str(request.base_url).rstrip("/"))
    return Response(content, media_type=feed.MEDIA_TYPE)


async def _shown(access: Access, found: Sequence[SavedResult]) -> list[dict[str, Any]]:
    """The results with their records, as the caller may see them at this moment; audited before they leave."""
    ids = sorted({result.record for result in found})

    async def look(now: Access) -> dict[str, Hit]:
        hits = await now.services.engine.documents(now.scope, ids)
        return {name: hit for name, hit in hits.items() if Group.BIBLIOGRAPHY in hit.view.groups}

    _, seen = await disclosed(access, look, lambda now, found: now.shown("saved-search", found.values()))
    return [
        {
            "number": result.number,
            "change": result.change,
            "found": result.found,
            "id": result.record,
            "record": hit_out(seen[result.record]).record,
        }
        for result in found
        if result.record in seen
    ]
