"""Jobs over HTTP: seen, cancelled, queued again."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from sqlalchemy.orm import Session

from api.access.audit import append, change
from api.access.routes import SignedIn, in_transaction
from api.jobs import queue
from api.jobs.kinds import KINDS
from api.search.routes import json_response

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])


@router.get("", summary="One's jobs, the latest first")
async def list_jobs(
    access: SignedIn,
    kind: Annotated[str | None, Query(max_length=50)] = None,
    state: Annotated[str | None, Query(pattern="^(queued|running|done|failed|cancelled)$")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """One's own; with the permission to manage an office, all of its people's (not what they asked for)."""

    def work(session: Session) -> list[dict[str, Any]]:
        found = queue.listed(session, access.caller, kind=kind, state=state, limit=limit)
        return [queue.job_out(entry, access.caller) for entry in found]

    kinds = {name: row.title for name, row in KINDS.items()}
    return json_response({"jobs": await in_transaction(access, work), "kinds": kinds})


@router.get("/{job}", summary="State and progress of a job")
async def read_job(job: str, access: SignedIn) -> Response:
    def work(session: Session) -> dict[str, Any]:
        return queue.job_out(queue.visible(session, access.caller, job), access.caller)

    return json_response(await in_transaction(access, work))


@router.post("/{job}/cancel", status_code=202, summary="End a job, waiting or running")
async def cancel_job(job: str, access: SignedIn) -> Response:
    """One that runs ends within about a second: `cancelling` until then."""

    def work(session: Session) -> dict[str, Any]:
        entry = queue.visible(session, access.caller, job, lock=True)
        queue.cancel(session, entry)
        line = change(access.caller, "job-cancelled", job=job, kind=entry.kind)
        append(session, access.services.keys, access.services.audit.chain, [line])
        return queue.job_out(entry, access.caller)

    return json_response(await in_transaction(access, work), 202)


@router.post("/{job}/retry", status_code=202, summary="Queue a job again that failed or was cancelled")
async def retry_job(job: str, access: SignedIn) -> Response:
    def work(session: Session) -> dict[str, Any]:
        entry = queue.visible(session, access.caller, job, lock=True)
        queue.retry(session, entry)
        return queue.job_out(entry, access.caller)

    return json_response(await in_transaction(access, work), 202)
