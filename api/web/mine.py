"""What a person keeps on the platform: the basket, notes, and long work with its progress."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from api.basket import routes as api
from api.jobs import routes as jobs_api
from api.jobs.queue import PLATFORM
from api.web import summary
from api.web.language import Tongue
from api.web.page import Reader, SignedIn, local_target, of_api, pages, render, speaker
from common.errors import UsageError
from common.messages import say

router = pages()


def line(record: dict[str, Any], says: Tongue) -> dict[str, Any]:
    """A record in one line."""
    name, tongue, _ = summary.title_of(record, says)
    return {
        "id": record["id"],
        "right": record["right"],
        "office": record["office"],
        "number": summary.number_of(record),
        "kind": record.get("kind"),
        "title": name,
        "language": tongue,
        "status": (record.get("status") or {}).get("state"),
        "date": summary.date_of(record, "publication", "registration", "grant", "filing"),
    }


@router.get("/mine")
async def basket(request: Request, access: Reader) -> Response:
    """Records that were put aside, as far as they may be seen now."""
    held = (await of_api(api.read_basket(access)))["records"]
    says = speaker(request)
    return render(
        request,
        access,
        "basket.html",
        held=[{**line(entry["record"], says), "added": entry["added"]} for entry in held],
    )


@router.post("/records/{record_id}/basket")
async def put(request: Request, record_id: str, access: Reader) -> Response:
    """Puts a record aside, or takes it out."""
    form = await request.form()
    if form.get("do") == "out":
        await api.take_out(record_id, access)
    else:
        await api.put_aside(record_id, access)
    back = form.get("back")
    target = back if isinstance(back, str) else f"/records/{quote(record_id, safe='')}"
    return RedirectResponse(local_target(target), 303)


@router.post("/records/{record_id}/notes")
async def note(request: Request, record_id: str, access: Reader) -> Response:
    """Writes a note, or deletes one."""
    form = await request.form()
    gone = str(form.get("delete", ""))
    if gone.isdigit():
        await api.delete_note(int(gone), access)
    else:
        try:
            given = api.NoteIn(record=record_id, text=str(form.get("text", "")).strip())
        except ValidationError as error:
            raise UsageError(say("pages.write-something")) from error
        await api.write_note(access, given)
    return RedirectResponse(f"/records/{quote(record_id, safe='')}#notes", 303)


@router.get("/mine/jobs")
async def jobs(request: Request, access: SignedIn) -> Response:
    """Long work of one's own, and of one's people for who manages an office."""
    held = await of_api(jobs_api.list_jobs(access))
    busy = any(job["state"] in ("queued", "running") for job in held["jobs"])
    return render(request, access, "jobs.html", jobs=worth_showing(held["jobs"]), kinds=held["kinds"], busy=busy)


def worth_showing(jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of what the platform does by itself every few minutes only the latest of each kind, and whatever is not done."""
    seen: set[str] = set()
    shown = []
    for job in jobs:
        routine = job["owner"] == PLATFORM and job["state"] == "done"
        if not routine or job["kind"] not in seen:
            shown.append(job)
        if routine:
            seen.add(job["kind"])
    return shown


@router.post("/mine/jobs/{job}")
async def act(request: Request, job: str, access: SignedIn) -> Response:
    """Cancels a job, or queues it again."""
    form = await request.form()
    if form.get("do") == "retry":
        await jobs_api.retry_job(job, access)
    else:
        await jobs_api.cancel_job(job, access)
    back = form.get("back")
    return RedirectResponse(local_target(back if isinstance(back, str) else "/mine/jobs"), 303)
