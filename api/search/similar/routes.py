"""GET and POST /v1/marks/similar, GET /v1/records/{id}/similar, POST /v1/search/similar, pictures like one."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, TypeVar

import orjson
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from api.access.model import Permission
from api.dependencies import Access, Guard
from api.search.similar import marks, pictures, records
from indexer.images import decode

router = APIRouter(prefix="/v1", tags=["similar"])

T = TypeVar("T", bound=BaseModel)

CanSearch = Annotated[Access, Depends(Guard(Permission.SEARCH))]

NOT_FOUND: dict[int | str, dict[str, Any]] = {
    404: {"description": "No such record, or none that you may know of: the two look the same."}
}
BAD_REQUEST: dict[int | str, dict[str, Any]] = {400: {"description": "A part of the request cannot be used."}}


def _json(found: Any) -> Response:
    return Response(orjson.dumps(found), media_type="application/json")


def _split(values: list[str]) -> list[str]:
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


def _asked(model: type[T], given: dict[str, Any]) -> T:
    """What the parameters of an address ask for. Raises RequestValidationError."""
    try:
        return model.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise RequestValidationError(
            [{**fault, "loc": ("query", *fault["loc"])} for fault in error.errors()]
        ) from error


def _narrowing(
    offices: Annotated[list[str], Query(description="ST.3 codes: office or designated")] = [],  # noqa: B006
    status: Annotated[str, Query(description="any, live or dead")] = "any",
    filed_from: dt.date | None = None,
    filed_to: dt.date | None = None,
    published_from: dt.date | None = None,
    published_to: dt.date | None = None,
    size: int = 20,
    offset: int = 0,
) -> dict[str, Any]:
    """Parameters of an address that every search for what is similar has."""
    return {
        "offices": _split(offices),
        "status": status,
        "filed_from": filed_from,
        "filed_to": filed_to,
        "published_from": published_from,
        "published_to": published_to,
        "size": size,
        "offset": offset,
    }


Narrowing = Annotated[dict[str, Any], Depends(_narrowing)]


def _by_scheme(**schemes: list[str]) -> dict[str, list[str]]:
    return {name: _split(symbols) for name, symbols in schemes.items() if symbols}


@router.get("/marks/similar", response_model=marks.MarksFound, responses=BAD_REQUEST, summary="Word marks like one")
async def marks_by_get(
    access: CanSearch,
    narrowing: Narrowing,
    mark: Annotated[str, Query(description="Verbal element, in any script", examples=["KOLA"])],
    nice: Annotated[list[str], Query(description="Nice classes of the goods")] = [],  # noqa: B006
    classes: Annotated[str, Query(description="Classes a record may have: same, related, all")] = "related",
    min_score: float | None = None,
) -> Response:
    """Marks that sound, look or mean the same, with part scores and reasons. Lists take commas or repeats."""
    given = {
        **narrowing,
        "mark": mark,
        "nice": _split(nice),
        "classes": classes,
        "min_score": min_score,
    }
    return _json(await marks.find(access, _asked(marks.Asked, given)))


@router.post("/marks/similar", response_model=marks.MarksFound, responses=BAD_REQUEST, summary="Word marks like one")
async def marks_by_post(access: CanSearch, asked: marks.Asked) -> Response:
    """The same with its parts as JSON, and `filters` by any facet."""
    return _json(await marks.find(access, asked))


@router.get(
    "/records/{record_id}/similar",
    response_model=records.SimilarFound,
    responses=BAD_REQUEST | NOT_FOUND,
    summary="Records like one",
)
async def like_record(
    record_id: str,
    access: CanSearch,
    narrowing: Narrowing,
    rights: Annotated[list[str], Query(description="The record's own where none is given")] = [],  # noqa: B006
    languages: Annotated[list[str], Query(description="ISO 639-1 codes")] = [],  # noqa: B006
    ipc: Annotated[list[str], Query(description="Symbols at any level")] = [],  # noqa: B006
    cpc: Annotated[list[str], Query(description="Symbols at any level")] = [],  # noqa: B006
    nice: Annotated[list[str], Query(description="Nice classes")] = [],  # noqa: B006
    locarno: Annotated[list[str], Query(description="Symbols at any level")] = [],  # noqa: B006
    vienna: Annotated[list[str], Query(description="Symbols at any level")] = [],  # noqa: B006
) -> Response:
    """By vector, by words, by terms of ten languages and by classes, fused by rank, with the reasons of each hit."""
    given = {
        **narrowing,
        "rights": _split(rights),
        "languages": _split(languages),
        "classes": _by_scheme(ipc=ipc, cpc=cpc, nice=nice, locarno=locarno, vienna=vienna),
    }
    return _json(await records.like_record(access, record_id, _asked(records.Wanted, given)))


@router.post(
    "/search/similar", response_model=records.SimilarFound, responses=BAD_REQUEST, summary="Records like a text"
)
async def like_text(access: CanSearch, asked: records.Passage) -> Response:
    """Records like a passage of free text: a claim, an abstract, a list of goods, in any of ten languages."""
    return _json(await records.like_text(access, asked))


def _pictures(
    narrowing: Narrowing,
    rights: Annotated[list[str], Query(description="trademark, design; both where none is given")] = [],  # noqa: B006
    vienna: Annotated[list[str], Query(description="Symbols at any level")] = [],  # noqa: B006
    locarno: Annotated[list[str], Query(description="Symbols at any level")] = [],  # noqa: B006
    nice: Annotated[list[str], Query(description="Nice classes")] = [],  # noqa: B006
    min_score: float | None = None,
) -> pictures.Wanted:
    """Filters of a search by picture, from an address."""
    given = {
        **narrowing,
        "rights": _split(rights),
        "classes": _by_scheme(vienna=vienna, locarno=locarno, nice=nice),
        "min_score": min_score,
    }
    return _asked(pictures.Wanted, given)


LikePicture = Annotated[pictures.Wanted, Depends(_pictures)]
BODY = {
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in decode.MEDIA_TYPES.values()},
    }
}


@router.post(
    "/images/similar",
    response_model=pictures.PicturesFound,
    responses=BAD_REQUEST | {413: {"description": "The picture is larger than 10 MB."}},
    openapi_extra=BODY,
    summary="Marks and designs like a picture",
)
async def like_upload(request: Request, access: CanSearch, wanted: LikePicture) -> Response:
    """The body is the picture itself: `curl --data-binary @FILE`. It is compared and not kept."""
    return _json(await pictures.like_upload(access, await request.body(), wanted))


@router.get(
    "/records/{record_id}/images/{place}/similar",
    response_model=pictures.PicturesFound,
    responses=BAD_REQUEST | NOT_FOUND,
    summary="Marks and designs like a record's image",
)
async def like_image(
    record_id: str,
    place: Annotated[int, Path(ge=1, le=100_000, description="Place in the record's `images`, from 1")],
    access: CanSearch,
    wanted: LikePicture,
) -> Response:
    """By layout, edges, shape and colours, with part scores and reasons; `image` says which of a record's images."""
    return _json(await pictures.like_image(access, record_id, place, wanted))
