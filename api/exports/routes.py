"""Exports over HTTP: ordered, watched, downloaded in ranges."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api import downloads
from api.access.audit import Entry
from api.access.model import Permission
from api.access.routes import In, in_transaction
from api.dependencies import Access, Guard
from api.exports import rights, sinks
from api.exports.job import path_of
from api.jobs import queue
from api.search.routes import json_response
from api.search.service import Search
from api.search.whole import whole
from common.errors import Conflict, NotFound
from common.messages import say
from store.jobs import Job

router = APIRouter(prefix="/v1/exports", tags=["exports"])
Exporter = Annotated[Access, Depends(Guard(Permission.EXPORT, known=True))]

KIND = "export"
MOST_AT_ONCE = 5
NAMES = {name: sinks.kind_of(sinks.check(name)) for name in sinks.NAMES}


class ExportIn(In):
    search: Search = Field(default_factory=Search)
    """As POST /v1/search takes it; empty finds all that may be seen. `size`, `sort` and `cursor` mean nothing."""
    format: Annotated[str, Field(max_length=20)]
    """csv, xlsx, jsonl, ris: one file. st96, st36, st66, st86, st97: a zip with a file a record and a report."""


def export_out(entry: Job, access: Access) -> dict[str, Any]:
    shown = queue.job_out(entry, access.caller)
    return {**shown, "format": entry.request["format"]}


@router.post("", status_code=202, summary="Order a file of everything that a search finds")
async def order_export(access: Exporter, given: ExportIn) -> Response:
    """Written in the background, however much is found: ask for it until its state is `done`. Raises what a search
    would: a query that cannot be understood is refused at once."""
    sinks.check(given.format)
    await whole(access, given.search)
    request = {"search": given.search.model_dump(exclude={"cursor"}, exclude_defaults=True), "format": given.format}

    def work(session: Session) -> dict[str, Any]:
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"exports:{access.caller.name}", 0))))
        waiting = select(func.count()).where(
            Job.owner == access.caller.name, Job.kind == KIND, Job.state.in_(("queued", "running"))
        )
        if (session.scalar(waiting) or 0) >= MOST_AT_ONCE:
            raise Conflict(say("exports.most-at-once", most=MOST_AT_ONCE))
        return export_out(queue.enqueue(session, KIND, access.caller, access.purpose, request), access)

    ordered = await in_transaction(access, work)
    access.services.used.add(access.caller.office, "exports")
    return json_response(ordered, 202)


@router.get("", summary="One's exports, and the formats")
async def list_exports(access: Exporter, limit: Annotated[int, Query(ge=1, le=500)] = 100) -> Response:
    def work(session: Session) -> list[dict[str, Any]]:
        found = select(Job).where(Job.owner == access.caller.name, Job.kind == KIND)
        return [export_out(entry, access) for entry in session.scalars(found.order_by(Job.created.desc()).limit(limit))]

    formats = {name: {"extension": kind[0], "media_type": kind[1]} for name, kind in NAMES.items()}
    return json_response({"exports": await in_transaction(access, work), "formats": formats})


def _own(session: Session, access: Access, export: str) -> Job:
    """An export of the caller's own: what it finds is nobody else's business, the office's managers' neither."""
    entry = session.get(Job, export)
    if entry is None or entry.kind != KIND or entry.owner != access.caller.name:
        raise NotFound("no such export")
    return entry


@router.get("/{export}", summary="State, progress and report of an export")
async def read_export(export: str, access: Exporter) -> Response:
    """`result.report` counts what was written, what could not be (`unwritten`), what may not be given out
    (`left_out`), and what the format cannot carry (`lost`)."""
    return json_response(await in_transaction(access, lambda s: export_out(_own(s, access, export), access)))


@router.get(
    "/{export}/content",
    summary="Download an export",
    response_class=Response,
    responses={
        206: {"description": "The range asked for."},
        409: {"description": "It is not whole yet, or rights under which it was written are gone."},
        416: {"description": "No such range."},
    },
)
async def download_export(
    export: str,
    access: Exporter,
    range_: Annotated[str | None, Header(alias="range")] = None,
    if_range: Annotated[str | None, Header(alias="if-range")] = None,
) -> Response:
    """In one piece or by ranges. Rights are looked at for each request, and again on the way: where any under which the
    file was written is gone, it is not given any more, and no further byte of it leaves."""

    def look(session: Session, now: Access) -> Job:
        entry = _own(session, now, export)
        if entry.state != "done":
            raise Conflict(say("exports.not-ready", state=entry.state))
        if not rights.stands(rights.from_json(entry.result["_basis"]), now.scope):
            raise Conflict(say("exports.rights-changed"))
        return entry

    entry = await in_transaction(access, lambda s: look(s, access))
    format = sinks.check(entry.request["format"])
    path = path_of(access.services, export, format)
    if not path.exists():
        raise NotFound("removed")
    extension, media_type = sinks.kind_of(format)
    result = entry.result
    file = downloads.Download(path, result["size"], result["sha256"], f"export-{export[:8]}.{extension}", media_type)
    part = downloads.wanted(file, range_, if_range)
    if isinstance(part, Response):
        return part
    first, last, status = part
    caller = access.caller
    details = {"job": export, "from": first, "to": last}
    line = Entry("export-downloaded", caller.name, caller.role.value, access.purpose, caller.office, details=details)
    await access.services.record([line])

    async def still(now: Access) -> None:
        await in_transaction(access, lambda s: look(s, now))

    await still(await access.renewed())
    return downloads.send(file, first, last, status, access, still)
