"""GET and POST /v1/search, /v1/records/{id}, its original and its images."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from api.access.model import Permission
from api.dependencies import Access, Guard
from api.search import pictures, records, representations
from api.search.facets import facet_fields
from api.search.representations import Answer, Choice
from api.search.service import Results, Search, search
from indexer.images import decode

router = APIRouter(prefix="/v1", tags=["search"])

MEDIA_TYPES = {"<": "application/xml", "{": "application/json", "[": "application/json"}

NAMES_OF_PEOPLE = frozenset({"applicant", "owner", "inventor", "representative", "designer", "author"})
"""Facets whose values have commas of their own."""

EXAMPLES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "One page of results.",
        "content": {
            "application/json": {
                "example": {
                    "total": 1,
                    "hits": [
                        {
                            "id": "ep-patent-docdb.EP0007054.A1",
                            "score": 0.032787,
                            "why": [{"by": "term", "field": "title", "language": "en", "words": ["battery"]}],
                            "record": {"id": "ep-patent-docdb.EP0007054.A1", "right": "patent", "office": "EP"},
                            "highlights": {"title.en": ["Solid electrolyte <em>battery</em>"]},
                        }
                    ],
                    "facets": {"office": [{"value": "EP", "count": 1}]},
                    "facet_bounds": {"office": {"error": 0, "rest": 0}},
                    "cursor": None,
                    "expansion": {
                        "language": "en",
                        "breadth": "broad",
                        "terms": [
                            {
                                "source": "battery",
                                "field": "electrical",
                                "terms": {"en": ["battery", "accumulator"], "ko": ["전지", "배터리"]},
                            }
                        ],
                    },
                    "took_ms": 12,
                }
            }
        },
    },
    400: {"description": "The query cannot be understood, or the cursor cannot be used (RFC 9457)."},
    401: {"description": "The credentials are not valid (RFC 9457)."},
    406: {"description": "There is nothing of what you take; `available` lists what there is (RFC 9457)."},
}

CanSearch = Annotated[Access, Depends(Guard(Permission.SEARCH, provisional=True))]
CanView = Annotated[Access, Depends(Guard(Permission.VIEW))]
Accept = Annotated[str | None, Header(description="Media types that you take, with weights")]
Format = Annotated[
    str | None,
    Query(description="json, st96, st36, st66, st86, st97, jsonl or csv; wins over `Accept`", max_length=20),
]
CanReadOriginal = Annotated[Access, Depends(Guard(Permission.ORIGINAL))]


def json_response(content: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")


@router.get("/search", response_model=Results, responses=EXAMPLES, summary="Search all rights")
async def search_by_get(
    request: Request,
    access: CanSearch,
    q: Annotated[str, Query(description="Query text", examples=["battery ipc:H01M"])] = "",
    dialect: Annotated[str, Query(description="Language of the query: concord, patentscope or espacenet")] = "concord",
    rights: Annotated[list[str], Query(description="patent, trademark, design, copyright, gi")] = [],  # noqa: B006
    offices: Annotated[list[str], Query(description="ST.3 codes")] = [],  # noqa: B006
    languages: Annotated[list[str], Query(description="ISO 639-1 codes")] = [],  # noqa: B006
    facets: Annotated[list[str] | None, Query(description="Facets to count")] = None,
    facet_size: int = 20,
    sort: Annotated[str, Query(description="relevance, published, -published, filed, …")] = "relevance",
    size: Annotated[int, Query(description="Hits on a page, at most 200")] = 20,
    cursor: Annotated[str | None, Query(description="From the page before")] = None,
    mode: Annotated[str, Query(description="keyword, semantic or hybrid")] = "hybrid",
    expand: Annotated[str, Query(description="Terms of other languages: auto, none, precise or broad")] = "auto",
    expand_field: Annotated[str | None, Query(description="Field of technology whose sense of a word is meant")] = None,
    group: Annotated[str, Query(description="none, family, application or cluster")] = "none",
    highlight: bool = True,
    full: Annotated[bool, Query(description="Claims and descriptions too")] = False,
    help: Annotated[bool, Query(description="Look for what helps where the words find nothing")] = True,
    accept: Accept = None,
) -> Response:
    """Any facet's name is also a parameter that filters: `…&ipc=H01M&year=2020,2021`. Lists take commas or repeats.
    `office!=US` leaves a value out; `applicant~=siem` lists only the facet's values that contain the text, `~=^siem`
    those that begin with it.

    In the format that `Accept` asks for, or `format=json|st96|st36|st66|st86|st97|jsonl|csv`.
    """
    given: dict[str, Any] = {}
    known = set(Search.model_fields) - {"filters", "exclude", "expansion", "facet_values"}
    like: dict[str, str] = {}
    filters: dict[str, list[str]] = {}
    unwanted: dict[str, list[str]] = {}
    named: str | None = None
    for name in dict.fromkeys(request.query_params.keys()):
        values = request.query_params.getlist(name)
        if name in ("rights", "offices", "languages", "facets"):
            given[name] = split(values)
        elif name in known:
            given[name] = values[-1]
        elif name == "format" and values[-1] in representations.NAMES:
            # The facet of this name has the formats of deliveries, none of which is called so.
            named = values[-1]
        elif name.endswith("~") and name[:-1] in facet_fields().terms:
            # `applicant~=siem` is read as the name `applicant~`.
            like[name[:-1]] = values[-1]
        elif (facet := name.removesuffix("!")) in facet_fields().terms or facet in facet_fields().years:
            # `office!=US` is read as the name `office!`.
            chosen = unwanted if name != facet else filters
            chosen[facet] = values if facet in NAMES_OF_PEOPLE else split(values)
        else:
            raise RequestValidationError(
                [{"loc": ("query", name), "msg": "There is no such parameter.", "type": "extra_forbidden"}]
            )
    if filters:
        given["filters"] = filters
    if unwanted:
        given["exclude"] = unwanted
    if like:
        given["facet_values"] = like
    return await respond(access, given, representations.choices(accept, named))


@router.post("/search", response_model=Results, responses=EXAMPLES, summary="Search all rights")
async def search_by_post(access: CanSearch, asked: Search, accept: Accept = None, format: Format = None) -> Response:
    """The same search with its parts as JSON; filters by facet name under `filters`."""
    return await answered(access, asked, representations.choices(accept, format))


async def respond(access: Access, given: dict[str, Any], wanted: Sequence[Choice]) -> Response:
    try:
        asked = Search.model_validate(given)
    except ValidationError as error:
        raise RequestValidationError(
            [{**fault, "loc": ("query", *fault["loc"])} for fault in error.errors()]
        ) from error
    return await answered(access, asked, wanted)


async def answered(access: Access, asked: Search, wanted: Sequence[Choice]) -> Response:
    """A page in the best of the formats wanted; what a record lacks for it is said in the page."""
    entry, media = wanted[0]
    if entry.writer is None:
        content = b""

        def write(found: Results) -> None:
            nonlocal content
            content = orjson.dumps(dump(found))

        await search(access, asked, meanwhile=write)
        return Response(content, media_type=media, headers={"vary": "accept"})
    found = await search(access, asked, format=entry.writer)
    return sent(await asyncio.to_thread(representations.page, found, wanted[0]))


def sent(answer: Answer) -> Response:
    return Response(answer.content, media_type=answer.media_type, headers=answer.headers)


def dump(found: Results) -> dict[str, Any]:
    """As JSON; built by hand because records are JSON already and validating them again would cost more than the
    search."""
    return {
        "total": found.total,
        "hits": [
            {
                "id": hit.id,
                "score": hit.score,
                "why": [{k: v for k, v in vars(reason).items() if v is not None and v != []} for reason in hit.why],
                "record": hit.record,
                "highlights": hit.highlights,
                **({} if hit.group is None else {"group": vars(hit.group)}),
            }
            for hit in found.hits
        ],
        "facets": {name: [vars(bucket) for bucket in buckets] for name, buckets in found.facets.items()},
        "facet_bounds": {name: vars(bounds) for name, bounds in found.facet_bounds.items()},
        "cursor": found.cursor,
        **({} if found.expansion is None else {"expansion": found.expansion.model_dump()}),
        **({} if found.groups is None else {"groups": vars(found.groups)}),
        **({} if found.help is None else {"help": asdict(found.help)}),
        "took_ms": found.took_ms,
    }


def split(values: list[str]) -> list[str]:
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


@router.get(
    "/records/{record_id}",
    summary="One record",
    responses={
        404: {"description": "No such record, or none that you may know of: the two look the same."},
        406: {"description": "It cannot be given in a format that you take; `available` lists those that there are."},
    },
)
async def record(record_id: str, access: CanView, accept: Accept = None, format: Format = None) -> Response:
    """The harmonised record, with what your rights let you see of it: as JSON, or in the format that `Accept` or
    `format` asks for. The header `concord-not-carried` lists what that format has no place for."""
    return sent(await representations.record(access, record_id, representations.choices(accept, format)))


Place = Annotated[int, Path(ge=1, le=100_000, description="Place in the record's `images`, from 1")]
PICTURE: dict[int | str, dict[str, Any]] = {
    404: {"description": "No such image, or none that you may see: the two look the same."}
}


@router.get(
    "/records/{record_id}/images/{place}",
    summary="One image of a record, as delivered",
    response_class=Response,
    responses={
        200: {
            "content": {media_type: {} for media_type in decode.MEDIA_TYPES.values()},
            "description": "The bytes as delivered; their type is told from them.",
        },
        **PICTURE,
    },
)
async def image(record_id: str, place: Place, access: CanView) -> Response:
    """Only for those who hold the field group `images` of the record. `images[].sha256` of the record says which of
    its images were delivered. TIFF comes as a file to save."""
    found = await pictures.original(access, record_id, place)
    return Response(found.content, media_type=found.media_type, headers=found.headers)


@router.get(
    "/records/{record_id}/images/{place}/thumbnail",
    summary="One image of a record, small",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}, "description": "A PNG of at most 320 pixels a side."}, **PICTURE},
)
async def image_thumbnail(record_id: str, place: Place, access: CanView) -> Response:
    """The same image, small, upright and without anything but its pixels."""
    found = await pictures.thumbnail(access, record_id, place)
    return Response(found.content, media_type=found.media_type, headers=found.headers)


@router.get(
    "/records/{record_id}/original",
    summary="One record as delivered",
    response_class=Response,
    responses={
        200: {"content": {"application/octet-stream": {}}, "description": "The bytes as delivered."},
        404: {"description": "No such original, or none that you may see whole."},
    },
)
async def original(record_id: str, access: CanReadOriginal) -> Response:
    """The very bytes from which the record was read. Only for those who hold every field group of it, personal
    data too."""
    found = await records.original(access, record_id)
    start = found.content[:200].lstrip(b"\xef\xbb\xbf \t\r\n")[:1].decode("ascii", "replace")
    return Response(
        found.content,
        media_type=MEDIA_TYPES.get(start, "application/octet-stream"),
        # Never shown in the browser as a page of ours: originals are others' mark-up.
        headers={"content-disposition": "attachment", "concord-format": found.format},
    )
