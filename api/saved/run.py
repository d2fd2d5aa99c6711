"""Running saved searches over what came in: each change of the ledger is looked at once, under the owner's rights of
that moment.

A run goes from the change that the search is done with to the last one that the engine has for certain: changes that
were committed and not yet confirmed by the engine wait for the next run. Which of the changed records the search finds
is asked of the engine; which of their versions was looked at is asked of the ledger before and after, and a record
that changed meanwhile is left to the next run, which has that change. What was found, how far the search is, and the
message about it are written in one transaction. So nothing is missed and nothing told twice.

A record under an embargo is seen by nobody when it comes, and comes without a change when the embargo ends: those are
looked at on the day.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from api.access import acting
from api.access.model import Group, Permission
from api.access.scope import Scope
from api.access.scopes import load_rules
from api.dependencies import Access, Services
from api.jobs.runner import Run
from api.search.engine import SearchRequest
from api.search.service import Search
from api.search.whole import whole
from api.webhooks import sender
from common.errors import AccessDenied, QueryError, UsageError
from common.messages import say
from indexer.coverage import holdings
from indexer.engine import Engine as Writer
from mappings import aliases
from store.saved import SavedResult, SavedSearch

IDS_AT_ONCE = 200
"""Records that one request of the engine is asked about: as many as one page holds."""


@dataclass(frozen=True, slots=True)
class Window:
    """What a run is about."""

    after: int
    to: int
    since: dt.date
    today: dt.date


@dataclass(frozen=True, slots=True)
class Found:
    record: str
    seq: int
    change: str


def certain(session: Session) -> int:
    """The last change of the ledger that the engine has, with all before it."""
    statement = (
        "select coalesce(least((select min(first_seq) - 1 from pending_batches), (select max(seq) from records)), 0)"
    )
    return int(session.execute(text(statement)).scalar_one())


async def alerts(run: Run) -> dict[str, Any]:
    """Every saved search that has something to look at."""
    services = run.services
    today = dt.datetime.now(dt.UTC).date()

    def waiting() -> tuple[int, list[str]]:
        with services.database.session() as session:
            to = certain(session)
            behind = select(SavedSearch.id).where((SavedSearch.seq < to) | (SavedSearch.day < today))
            return to, list(session.scalars(behind.order_by(SavedSearch.created)))

    to, names = await asyncio.to_thread(waiting)
    if not names:
        return {"searches": 0, "found": 0}
    await searchable(services)
    found = 0
    for place, name in enumerate(names):
        run.progress("search", place, len(names))
        found += await one(services, name, to, today)
    return {"searches": len(names), "found": found}


async def searchable(services: Services) -> None:
    """All that the engine has can be searched when this returns: what a run has gone by it never looks at again."""
    async with Writer(services.settings.opensearch_url or "", services.settings.index_prefix) as writer:
        await writer.refresh(aliases(services.settings.index_prefix))
    services.engine.forget()


async def one(services: Services, name: str, to: int, today: dt.date) -> int:
    """One saved search, up to the change `to`. Returns how many results are new."""

    def read() -> SavedSearch | None:
        with services.database.session() as session:
            return session.get(SavedSearch, name)

    saved = await asyncio.to_thread(read)
    if saved is None:
        return 0
    window = Window(saved.seq, max(saved.seq, to), saved.day, max(saved.day, today))
    try:
        access = await _owner(services, saved)
        request = await whole(access, Search.model_validate(saved.search))
        found = await _delta(access, request, window)
        if (await _owner(services, saved)).scope.fingerprint != access.scope.fingerprint:
            return 0  # rights changed on the way: the next run looks again
    except (AccessDenied, QueryError, UsageError) as error:
        message = say("saved.gone") if isinstance(error, AccessDenied) else str(error)
        await asyncio.to_thread(_failed, services, name, message)
        return 0
    return await asyncio.to_thread(_keep, services, saved, window, found)


async def _owner(services: Services, saved: SavedSearch) -> Access:
    identity = await asyncio.to_thread(acting.identify, services, saved.owner, saved.purpose)
    if not identity.caller.may(Permission.SEARCH):
        raise AccessDenied("the permission to search was taken away")
    return acting.access(services, identity)


# ---------------------------------------------------------------------------------------------------------- delta


async def _delta(access: Access, request: SearchRequest, window: Window) -> list[Found]:
    """What the search finds among what changed. Asks about the changed records, or about all that the search finds,
    whichever are fewer."""
    services = access.services
    changed = await asyncio.to_thread(_count, services, window)
    total = (await services.engine.search(access.scope, replace(request, size=0))).total
    found: dict[str, Found] = {}
    if changed <= max(total, IDS_AT_ONCE):
        after = window.after
        while candidates := await asyncio.to_thread(_changed, services, window, after):
            after = candidates[-1].seq
            found |= await _matching(access, request, candidates)
    else:
        async for _, hits in services.engine.stream(
            _same(access.scope), request.query, filters=request.filters, rights=request.rights
        ):
            ids = [hit.id for hit in hits if Group.BIBLIOGRAPHY in hit.view.groups]
            for candidate in await asyncio.to_thread(_changed_among, services, window, ids):
                found[candidate.record] = candidate
    for candidates in _parts(await asyncio.to_thread(_released, services, window)):
        found |= await _matching(access, request, candidates)
    still = await asyncio.to_thread(_versions, services, list(found))
    kept = [one for one in found.values() if still.get(one.record) == one.seq]
    return sorted(kept, key=lambda one: one.seq)


def _same(scope: Scope) -> Any:
    async def now() -> Scope:
        return scope

    return now


async def _matching(access: Access, request: SearchRequest, candidates: Sequence[Found]) -> dict[str, Found]:
    by_id = {candidate.record: candidate for candidate in candidates}
    among = {"terms": {"id": list(by_id)}}
    page = await access.services.engine.search(
        access.scope, replace(request, filters=(*request.filters, among), size=IDS_AT_ONCE)
    )
    return {hit.id: by_id[hit.id] for hit in page.hits if Group.BIBLIOGRAPHY in hit.view.groups and hit.id in by_id}


CHANGED = (
    "select r.id, r.seq, case when exists (select from record_versions v where v.id = r.id and v.seq <= :after) "
    "then 'changed' else 'new' end from records r where not r.deleted and r.index_error is null and "
)


def _found(services: Services, condition: str, **values: Any) -> list[Found]:
    with services.reading.connect() as connection:
        return [Found(*row) for row in connection.execute(text(CHANGED + condition), values)]


def _count(services: Services, window: Window) -> int:
    statement = "select count(*) from records where seq > :after and seq <= :to and not deleted"
    with services.reading.connect() as connection:
        return int(connection.execute(text(statement), {"after": window.after, "to": window.to}).scalar_one())


def _changed(services: Services, window: Window, start: int) -> list[Found]:
    condition = "r.seq > :start and r.seq <= :to order by r.seq limit :limit"
    return _found(services, condition, after=window.after, start=start, to=window.to, limit=IDS_AT_ONCE)


def _changed_among(services: Services, window: Window, ids: list[str]) -> list[Found]:
    condition = "r.seq > :after and r.seq <= :to and r.id = any(:ids)"
    return _found(services, condition, after=window.after, to=window.to, ids=ids)


def _released(services: Services, window: Window) -> list[Found]:
    """Records whose embargo ended since the last run, of changes that were looked at while it held."""
    if window.since == window.today:
        return []
    holdings.refresh(services.database)
    found: list[Found] = []
    with Session(services.reading) as session:
        rules = [rule for rule in load_rules(session) if rule.embargo != "none"]
    for rule in rules:
        since, until = window.since, window.today
        if rule.embargo == "fixed":
            if rule.embargo_until is None or not window.since < rule.embargo_until <= window.today:
                continue
            dated = "true"
        else:
            held = dt.timedelta(days=rule.embargo_days)
            since, until = since - held, until - held
            dated = "h.publication_date > :since and h.publication_date <= :until"
        condition = (
            "r.seq <= :after and r.collection = :collection and exists "
            f"(select from holdings h where h.record = r.id and {dated}) order by r.seq"
        )
        values = {"after": window.after, "collection": rule.id, "since": since, "until": until}
        found += [replace(one, change="new") for one in _found(services, condition, **values)]
    return found


def _parts(candidates: list[Found]) -> list[list[Found]]:
    return [candidates[start : start + IDS_AT_ONCE] for start in range(0, len(candidates), IDS_AT_ONCE)]


def _versions(services: Services, ids: list[str]) -> dict[str, int]:
    statement = text("select id, seq from records where id = any(:ids) and not deleted")
    with services.reading.connect() as connection:
        return {row.id: row.seq for row in connection.execute(statement, {"ids": ids})}


# -------------------------------------------------------------------------------------------------------- keeping


def _keep(services: Services, saved: SavedSearch, window: Window, found: Sequence[Found]) -> int:
    """Writes what was found, how far the search is, and the message, at once; nothing where another run was first."""
    with services.database.session() as session:
        entry = session.get(SavedSearch, saved.id, with_for_update=True)
        if entry is None or (entry.seq, entry.day) != (window.after, window.since):
            return 0
        told = [one for one in found if one.change == "new" or entry.changes]
        first = entry.found
        for result in told:
            values = {"search": entry.id, "number": entry.found + 1, "record": result.record, "seq": result.seq}
            statement = insert(SavedResult).values(**values, change=result.change)
            if session.execute(statement.on_conflict_do_nothing().returning(SavedResult.number)).scalar() is not None:
                entry.found += 1
        entry.seq, entry.day, entry.error = window.to, window.today, None
        entry.ran = dt.datetime.now(dt.UTC)
        if entry.found > first:
            content = {"saved_search": entry.id, "results": f"/v1/saved-searches/{entry.id}/results?after={first}"}
            if entry.webhook is not None:
                sender.send(session, entry.webhook, sender.ALERT, content)
            else:
                sender.emit(session, sender.ALERT, content, owner=entry.owner)
        return entry.found - first


def _failed(services: Services, name: str, why: str) -> None:
    with services.database.session() as session:
        entry = session.get(SavedSearch, name, with_for_update=True)
        if entry is not None:
            entry.error = why
