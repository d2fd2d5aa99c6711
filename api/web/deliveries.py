"""What came in: deliveries handed in here, how far they are, what was rejected, with the bytes where it went wrong."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.responses import RedirectResponse

from api.access import routes as access_routes
from api.access.model import Permission
from api.deliveries import routes as api
from api.dependencies import Access
from api.jobs import routes as jobs_api
from api.web.language import Fault
from api.web.page import CSRF_FIELD, PageGuard, SignedIn, of_api, pages, render
from api.web.uploading import uploaded
from common.errors import UsageError
from common.messages import say

router = pages()

DEFAULT_COLLECTION = "default"
JOBS_SHOWN = 10
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")


class UploadGuard(PageGuard):
    """The guard of a form with a large file: the token stands before the file and is checked before that is read."""

    async def token(self, request: Request) -> str | None:
        return (await uploaded(request)).fields.get(CSRF_FIELD)


Deliverer = Annotated[Access, Depends(UploadGuard(Permission.DELIVER, known=True))]


@router.get("/deliveries")
async def delivered(request: Request, access: SignedIn) -> Response:
    """Deliveries of one's own office; all of them, in counts, for those who run the platform."""
    return await _page(request, access)


async def _page(request: Request, access: Access, fault: Fault = "", collection: str = DEFAULT_COLLECTION) -> Response:
    told = await of_api(api.list_deliveries(access))
    delivers = access.caller.may(Permission.DELIVER) and access.caller.reads_for_office
    jobs, names = [], set()
    if delivers:
        listed = (await of_api(jobs_api.list_jobs(access, "delivery", None, JOBS_SHOWN)))["jobs"]
        jobs = [job for job in listed if job["state"] != "done" or job["result"].get("replay")]
        held = (await of_api(access_routes.list_collections(access)))["collections"]
        names = {entry["id"].split("-", 2)[2] for entry in held if entry["provider"] == access.caller.office}
    return render(
        request, access, "deliveries.html", http_status=400 if fault else 200, held=told["deliveries"],
        rules=told["findings"], delivers=delivers, jobs=jobs, names=sorted(names | {DEFAULT_COLLECTION}), fault=fault,
        collection=collection, largest=access.services.settings.upload_limit,
        busy=any(job["state"] in ("queued", "running") for job in jobs) or any(e["files"] for e in told["deliveries"]),
    )  # fmt: skip


@router.post("/deliveries")
async def deliver(request: Request, access: Deliverer) -> Response:
    """Takes each file of the form as one delivery, as `POST /v1/deliveries` does."""
    upload = await uploaded(request)
    collection = upload.fields.get("collection", "").strip() or DEFAULT_COLLECTION
    taken = 0
    try:
        async for file in upload.files():
            await api.receive(access, file.content, collection, file_name(file.name))
            taken += 1
        if not taken:
            raise UsageError(say("deliveries.choose-file"))
    except UsageError as error:
        return await _page(request, access, error, collection)
    return RedirectResponse("/deliveries", 303)


def file_name(given: str) -> str:
    """A person's name of a file as one that the API takes: what it does not know of becomes a hyphen."""
    name = _UNFIT.sub("-", given.replace("\\", "/").rpartition("/")[2]).strip("-.")
    return name[:100] or "delivery"


@router.get("/deliveries/{sequence}")
async def delivery(request: Request, sequence: int, access: SignedIn) -> Response:
    """One delivery: what was rejected, and what was doubted."""
    told = await of_api(api.read_delivery(sequence, access))
    return render(
        request, access, "delivery.html", entry=told["delivery"], rejected=told["rejects"], doubted=told["findings"],
        most=told["most"],
    )  # fmt: skip


@router.get("/deliveries/{sequence}/rejects/{reject}")
async def reject(request: Request, sequence: int, reject: int, access: SignedIn) -> Response:
    """The original bytes at the place of an error."""
    found: dict[str, Any] = await of_api(api.read_reject(sequence, reject, access))
    return render(request, access, "reject.html", sequence=sequence, **found)
