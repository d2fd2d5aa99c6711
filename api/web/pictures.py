"""Search by picture: uploaded, or one of a record's. Works without a script; nothing that is uploaded is kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import Request, Response
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from api.search.similar import pictures
from api.search.similar.pictures import LARGEST_BODY, RIGHTS, PictureHit, PicturesFound, Wanted
from api.web import summary
from api.web.language import Fault, Tongue
from api.web.page import Searcher, pages, render, speaker
from api.web.similar import STATES
from common.errors import QueryError

router = pages()

SHOWN = 48
SCHEMES = ("vienna", "locarno")


@router.get("/images")
async def by_record(request: Request, access: Searcher) -> Response:
    """The form; with a record and the place of one of its images, what is like that."""
    params = request.query_params
    record, place = params.get("record", ""), params.get("image", "1")
    if not record or not place.isdigit():
        return await _page(request, access, params, None)
    return await _page(request, access, params, lambda wanted: pictures.like_image(access, record, int(place), wanted))


@router.post("/images")
async def by_upload(request: Request, access: Searcher) -> Response:
    """What is like the picture in the form."""
    form = await request.form()
    given = form.get("picture")
    content = await given.read(LARGEST_BODY) if isinstance(given, UploadFile) else b""
    fields = {name: value for name, value in form.items() if isinstance(value, str)}
    return await _page(request, access, fields, lambda wanted: pictures.like_upload(access, content, wanted))


async def _page(
    request: Request,
    access: Searcher,
    given: Mapping[str, str],
    search: Callable[[Wanted], Awaitable[PicturesFound]] | None,
) -> Response:
    asked = {
        "right": given.get("right") if given.get("right") in RIGHTS else "",
        **{scheme: given.get(scheme, "").replace(",", " ").split()[:50] for scheme in SCHEMES},
        "status": given.get("status") if given.get("status") in STATES else STATES[0],
        "offices": given.get("offices", "").replace(",", " ").upper().split()[:50],
    }
    found: PicturesFound | None = None
    fault: Fault = ""
    if search is not None:
        try:
            wanted = Wanted.model_validate(
                {
                    "rights": [asked["right"]] if asked["right"] else [],
                    "classes": {scheme: asked[scheme] for scheme in SCHEMES if asked[scheme]},
                    "status": asked["status"],
                    "offices": asked["offices"],
                    "size": SHOWN,
                }
            )
            found = await search(wanted)
        except QueryError as error:
            fault = error
        except ValidationError as error:
            fault = error
    says = speaker(request)
    source = {"record": found.source, "image": given.get("image", "1")} if found and found.source else None
    return render(
        request, access, "pictures.html", http_status=400 if fault else 200, asked=asked, found=found, fault=fault,
        hits=[_hit(hit, says) for hit in found.hits] if found else [], states=STATES, rights=RIGHTS, source=source,
    )  # fmt: skip


def _hit(hit: PictureHit, says: Tongue) -> dict[str, Any]:
    record = hit.record
    name, tongue, _ = summary.title_of(record, says)
    at = f"/v1/records/{quote(hit.id, safe='')}/images/{hit.image}"
    return {
        "id": hit.id,
        "title": name,
        "language": tongue,
        "score": hit.score,
        "reasons": hit.reasons,
        "thumbnail": f"{at}/thumbnail",
        "again": f"/images?{urlencode({'record': hit.id, 'image': hit.image})}",
        "office": record["office"],
        "number": summary.number_of(record),
        "status": (record.get("status") or {}).get("state"),
        "holders": summary.holders(record),
        "classes": summary.classes(record),
        "right": record["right"],
    }
