"""GET /v1/suggest and /v1/analyse."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from api.access.model import Permission
from api.dependencies import Access, Guard
from api.search import analyse, suggest
from api.search.classes import LANGUAGES
from api.search.facets import facet_fields
from api.search.routes import NAMES_OF_PEOPLE, json_response, split
from api.search.service import Search

router = APIRouter(prefix="/v1", tags=["suggest and analyse"])

CanSearch = Annotated[Access, Depends(Guard(Permission.SEARCH))]
BAD: dict[int | str, dict[str, Any]] = {400: {"description": "What was asked cannot be understood (RFC 9457)."}}


@router.get("/suggest", summary="How a word that is being typed may go on", responses=BAD)
async def suggestions(
    access: CanSearch,
    q: Annotated[str, Query(description="What was typed so far", max_length=200)] = "",
    kind: Annotated[list[suggest.Kind] | None, Query(description="Kinds; none given: all")] = None,
    size: Annotated[int, Query(ge=1, le=50, description="Suggestions of each kind")] = 8,
    language: Annotated[str, Query(description=f"Of class titles: {', '.join(LANGUAGES)}")] = "en",
) -> Response:
    """Names of parties, marks, classes with their titles, names of fields, words of titles: only what stands in records
    that you may see, each with its number of records there and a query that finds them."""
    kinds = tuple(dict.fromkeys(kind)) if kind else suggest.KINDS
    return json_response(await suggest.suggest(access, q, kinds, size, language))


@router.get("/analyse", summary="A result as counts for charts", responses=BAD)
async def analysis(
    request: Request,
    access: CanSearch,
    q: Annotated[str, Query(description="Query text; empty counts everything")] = "",
    by: Annotated[list[str], Query(description="One facet, or two: the second within the first")] = ["year"],  # noqa: B006
    size: Annotated[int, Query(ge=1, le=500, description="Values of the first")] = 30,
    inner_size: Annotated[int, Query(ge=1, le=100, description="Values of the second, within each of the first")] = 20,
    expand: Annotated[str, Query(description="Terms of other languages: none, precise or broad")] = "none",
) -> Response:
    """Any facet's name is also a parameter that filters, as in a search, and with `!` one that leaves out. Years come
    in full, earliest first; other values most frequent first, `rest` adding up those that are not listed."""
    given: dict[str, Any] = {"q": q, "expand": expand}
    narrowed: dict[str, dict[str, list[str]]] = {"filters": {}, "exclude": {}}
    own = {"q", "by", "size", "inner_size", "expand"}
    for name in dict.fromkeys(request.query_params.keys()):
        values = request.query_params.getlist(name)
        if name in ("rights", "offices", "languages"):
            given[name] = split(values)
        elif (facet := name.removesuffix("!")) in facet_fields().terms or facet in facet_fields().years:
            chosen = narrowed["exclude" if name != facet else "filters"]
            chosen[facet] = values if facet in NAMES_OF_PEOPLE else split(values)
        elif name not in own:
            raise RequestValidationError(
                [{"loc": ("query", name), "msg": "There is no such parameter.", "type": "extra_forbidden"}]
            )
    try:
        asked = Search.model_validate({**given, **narrowed})
    except ValidationError as error:
        raise RequestValidationError(
            [{**fault, "loc": ("query", *fault["loc"])} for fault in error.errors()]
        ) from error
    return json_response({"q": q, **await analyse.analyse(access, asked, split(by), size, inner_size)})
