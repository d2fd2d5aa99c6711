"""The search page: `/`. Everything that is asked stands in its address, so a result can be kept and sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import Request, Response
from pydantic import ValidationError
from starlette.datastructures import QueryParams

from api.search import query as query_language
from api.search.facets import facet_fields
from api.search.service import EditedTerm, Results, Search, search
from api.web import reading, summary
from api.web.language import LANGUAGES, Tongue
from api.web.page import Searcher, address, of_api, pages, render, speaker
from common.errors import EngineTimeout, NotFound, QueryError, UsageError

router = pages()

COMMON = ("right", "office", "language", "status")
BY_RIGHT = {
    "patent": ("kind_group", "ipc", "applicant"),
    "trademark": ("nice", "mark_feature", "owner"),
    "design": ("locarno", "owner"),
    "copyright": (),
    "gi": ("designated",),
}
FOR_ALL_RIGHTS = ("ipc", "nice", "applicant")
FACET_SIZE = 30
SHOWN_VALUES = 7
"""Values of a facet that stand open; the others are one click away."""
SIZES = (20, 50, 100)
SORTS = ("relevance", "-published", "published", "-filed", "filed", "number")
DIALECTS = ("concord", "patentscope", "espacenet")
GROUPS = ("none", "family", "application", "cluster")
VIEWS = ("list", "table", "grid")
SEPARATORS = re.compile(r"[,;،、；，]")
"""Between terms that a reader writes into one box, in any of the page's scripts."""
MOST_PIECES = 12
ALL_VALUES = 300

EXAMPLES = (
    ("electric vehicle battery", "en"),
    ("بطارية مركبة كهربائية", "ar"),
    ("太陽電池", "ja"),
    ("ipc:H01M published:[2015 TO 2020]", ""),
    ("mark:aozora", ""),
)


@dataclass(frozen=True)
class Asked:
    """The address of the page, read."""

    q: str = ""
    mode: str = "hybrid"
    sort: str = "relevance"
    size: int = 20
    view: str = "list"
    cursor: str | None = None
    filters: dict[str, list[str]] = field(default_factory=dict)
    group: str = "none"
    dialect: str = "concord"
    exclude: dict[str, list[str]] = field(default_factory=dict)
    """Facet name \u2192 values that no record may have."""
    expand: str = "auto"
    expansion: tuple[EditedTerm, ...] | None = None
    """Terms of other languages as the reader edited them."""

    @property
    def facets(self) -> tuple[str, ...]:
        """Facets worth counting for the rights that are looked at; those with a choice always."""
        rights = self.filters.get("right", [])
        special = BY_RIGHT.get(rights[0], ()) if len(rights) == 1 else FOR_ALL_RIGHTS
        return tuple(dict.fromkeys((*COMMON, "year", *special, *self.filters)))

    def search(self) -> Search:
        given: dict[str, Any] = {
            "q": self.q,
            "mode": self.mode,
            "sort": self.sort,
            "size": self.size,
            "filters": self.filters,
            "facets": list(self.facets),
            "facet_size": 200 if "year" in self.filters else FACET_SIZE,
        }
        if self.group != "none":
            given["group"] = self.group
        if self.dialect != "concord":
            given["dialect"] = self.dialect
        if self.exclude:
            given["exclude"] = self.exclude
        if self.expand != "auto":
            given["expand"] = self.expand
        if self.expansion is not None:
            given["expansion"] = [piece.model_dump() for piece in self.expansion]
        if self.cursor:
            given["cursor"] = self.cursor
        return Search.model_validate(given)


def read(request: Request) -> Asked:
    return read_params(request.query_params)


def read_params(params: QueryParams) -> Asked:
    """An address's parameters; unknown ones are left alone, wrong ones fall back."""
    table = facet_fields()
    filters: dict[str, list[str]] = {}
    exclude = {
        name: list(dict.fromkeys(params.getlist(f"not.{name}")))
        for name in table.terms if params.getlist(f"not.{name}")
    }  # fmt: skip
    for name in dict.fromkeys(params.keys()):
        if name in table.terms or name in table.years:
            values = [value for value in dict.fromkeys(params.getlist(name)) if value]
            if values:
                filters[name] = values
    size = params.get("size", "")
    return Asked(
        q=params.get("q", "").strip(),
        mode=_one_of(params.get("mode"), ("hybrid", "keyword", "semantic")),
        sort=_one_of(params.get("sort"), SORTS),
        size=int(size) if size.isdigit() and int(size) in SIZES else SIZES[0],
        view=_one_of(params.get("view"), VIEWS),
        cursor=params.get("cursor"),
        filters=filters,
        group=_one_of(params.get("group"), GROUPS),
        dialect=_one_of(params.get("dialect"), DIALECTS),
        exclude=exclude,
        expand=_one_of(params.get("expand"), ("auto", "none", "precise", "broad")),
        expansion=edited(params),
    )


def edited(params: Mapping[str, str]) -> tuple[EditedTerm, ...] | None:
    """`x0=battery&x0.ja=電池, 蓄電池`: pieces of the query with the terms of each language."""
    pieces = []
    for position in range(MOST_PIECES):
        source = params.get(f"x{position}", "").strip()
        if not source:
            break
        terms = {}
        for code in LANGUAGES:
            held = (term.strip()[:100] for term in SEPARATORS.split(params.get(f"x{position}.{code}", "")))
            if kept := [term for term in dict.fromkeys(held) if term][:20]:
                terms[code] = kept
        pieces.append(EditedTerm(source=source[:100], terms=terms))
    return tuple(pieces) or None


def _one_of(given: str | None, known: tuple[str, ...]) -> str:
    return given if given in known else known[0]


@router.get("/")
async def page(request: Request, access: Searcher) -> Response:
    """Without a question: where to begin and what is held. With one: what was found."""
    asked = read(request)
    says = speaker(request)
    if not set(request.query_params) - {"lang"}:
        held = await search(access, Search(size=0, facets=["right", "office"], facet_size=100))
        return render(request, access, "start.html", asked=asked, held=held, examples=_examples())
    fault: dict[str, Any] | None = None
    found: Results | None = None
    status = 400
    try:
        found = await search(access, asked.search())
    except QueryError as error:
        fault = fault_in(asked.q, error)
    except UsageError as error:
        fault = {"error": error, "rest": True}
    except EngineTimeout as error:
        fault, status = {"error": error, "time": True}, 503
    except ValidationError as error:
        fault = {"error": error}
    if found is None:
        return render(
            request, access, "search.html", http_status=status, asked=asked, fault=fault, found=None, hits=[],
            facets=[], chips=[], years=None, sorts=SORTS, views=VIEWS, sizes=SIZES,
        )  # fmt: skip
    offices = await contacts(access, found)
    made = query_language.read(asked.q, asked.dialect)  # type: ignore[arg-type]
    tree = made.tree
    question = summary.Question(asked.q, found.expansion.language if found.expansion else None)
    return render(
        request,
        access,
        "search.html",
        asked=asked,
        fault=None,
        found=found,
        hits=[summary.hit(hit, says, offices, question) for hit in found.hits],
        question=question,
        facets=[shown for name in asked.facets if name != "year" for shown in facet(request, asked, found, name, says)],
        chips=chips(request, asked, says),
        years=years(request, asked, found),
        sorts=SORTS,
        views=VIEWS,
        sizes=SIZES,
        groups=GROUPS,
        dialects=DIALECTS,
        read_back=None if tree is None or reading.plain(tree) else reading.told(tree, says),
        notes=made.notes,
        proposals=proposals(request, found),
        without=left_out(request, found, says),
        expansion=found.expansion,
        terms_count=sum(len(terms) for piece in found.expansion.terms for terms in piece.terms.values())
        if found.expansion
        else 0,
        plain=address(request, **{name: None for name in request.query_params if name.startswith("x") or
                                  name in ("expand", "cursor")}),
    )  # fmt: skip


def proposals(request: Request, found: Results) -> list[dict[str, Any]]:
    """Queries that were perhaps meant, as links."""
    return [
        {"q": entry.q, "count": entry.count, "address": address(request, q=entry.q, cursor=None)}
        for entry in (found.help.did_you_mean if found.help else ())
    ]


def left_out(request: Request, found: Results, says: Tongue) -> list[dict[str, Any]]:
    """Conditions without which something is found, each with the address without it."""
    shown = []
    for entry in found.help.without if found.help else ():
        if entry.kind == "query":
            shown.append(
                {"label": entry.part, "count": entry.count, "address": address(request, q=entry.q, cursor=None)}
            )
            continue
        values = ", ".join(label(says, entry.part, value) for value in entry.values)
        name = says.word("facet", entry.part)
        if entry.kind == "exclude":
            name = f"{says.say('Without')} {name}"
        key = entry.part if entry.kind == "filter" else f"not.{entry.part}"
        told = {"label": f"{name}: {values}", "count": entry.count}
        shown.append({**told, "address": address(request, **{key: None, "cursor": None})})
    return shown


async def contacts(access: Searcher, found: Results) -> dict[str, str]:
    """Whom to ask, where a hit only says that it exists."""
    if all(hit.id is not None for hit in found.hits):
        return {}
    from api.access.routes import list_offices

    answer = await of_api(list_offices(access))
    return {office["code"]: office["contact"] or office["name"] for office in answer["offices"]}


def fault_in(query: str, error: QueryError) -> dict[str, Any]:
    """A query with the place of its error marked."""
    shown: dict[str, Any] = {"error": error}
    if error.position is not None:
        start = min(error.position, len(query))
        end = min(len(query), start + max(error.length or 1, 1))
        shown |= {"before": query[:start], "place": query[start:end], "after": query[end:]}
    return shown


def _examples() -> list[dict[str, str]]:
    return [{"q": q, "language": tongue, "address": f"/?q={quote(q)}"} for q, tongue in EXAMPLES]


# --------------------------------------------------------------------------------------------------------- facets


def label(says: Tongue, name: str, value: str) -> str:
    """A facet's value in words."""
    match name:
        case "right":
            return says.word("rights", value)
        case "office" | "provider" | "country" | "designated":
            return says.place(value)
        case "language":
            return says.language(value)
        case "event":
            return says.word("event", value[:1]) if len(value) == 3 and value[1:].isdigit() else value
        case "kind_group" | "status" | "stage" | "mark_feature":
            return says.word(name, value)
        case "ipc" | "cpc" | "nice" | "locarno":
            return f"{value} {summary.class_title(says, name, value)}".rstrip()
    return value


def named(name: str) -> bool:
    """Whether a value is shown in words of the reader's language."""
    words = ("right", "language", "event", "kind_group", "status", "stage", "mark_feature", "nice", "locarno")
    return coded(name) or name in words


def coded(name: str) -> bool:
    """Whether a value's code is shown beside its name."""
    return name in ("office", "provider", "country", "designated")


def facet(request: Request, asked: Asked, found: Results, name: str, says: Tongue) -> list[dict[str, Any]]:
    """A facet with its values as links that add or take away; nothing where there is nothing to choose."""
    chosen = asked.filters.get(name, [])
    buckets = found.facets.get(name, [])
    largest = max((bucket.count for bucket in buckets), default=0)
    values: list[dict[str, Any]] = [
        {
            "code": bucket.value if coded(name) else "",
            "label": label(says, name, bucket.value),
            "count": bucket.count,
            "share": bucket.count / largest if largest else 0.0,
            "chosen": bucket.value in chosen,
            "address": toggled(request, name, chosen, bucket.value),
            "without": without(request, asked, name, bucket.value),
        }
        for bucket in buckets
    ]
    absent = [
        {"code": "", "label": label(says, name, value), "count": 0, "share": 0.0, "chosen": True,
         "address": toggled(request, name, chosen, value)}
        for value in chosen if all(bucket.value != value for bucket in buckets)
    ]  # fmt: skip
    values = absent + values
    if not values or (len(values) == 1 and not chosen and name not in COMMON):
        return []
    return [{"name": name, "open": values[:SHOWN_VALUES], "more": values[SHOWN_VALUES:], "chosen": bool(chosen),
             "all": f"/facet/{name}?{request.url.query}" if len(buckets) >= FACET_SIZE else None}]  # fmt: skip


def without(request: Request, asked: Asked, name: str, value: str) -> str:
    """The address that leaves a value out."""
    return address(request, **{f"not.{name}": [*asked.exclude.get(name, []), value], "cursor": None})


@router.get("/facet/{name}")
async def all_values(request: Request, name: str, access: Searcher) -> Response:
    """All values of a facet under the search that stands in the address, and a box to find one among them."""
    asked, says = read(request), speaker(request)
    if name not in facet_fields().terms:
        raise NotFound("no such facet")
    given = asked.search().model_copy(update={"facets": [name], "facet_size": 500, "size": 0, "cursor": None})
    like = " ".join(request.query_params.get("like", "").split())[:100]
    if like and not named(name):
        # Codes are looked for by what they are called, in the reader's language; the others by the engine, among all.
        given = given.model_copy(update={"facet_values": {name: like}})
    found = await search(access, given)
    folded = like.removeprefix("^").casefold() if named(name) else ""
    values: list[dict[str, Any]] = [
        {"label": label(says, name, bucket.value), "code": bucket.value if coded(name) else "", "count": bucket.count,
         "address": f"/{_kept(request, name, bucket.value)}"}
        for bucket in found.facets.get(name, [])
        if folded in f"{bucket.value} {label(says, name, bucket.value)}".casefold()
    ]  # fmt: skip
    return render(
        request, access, "facet.html", facet_name=name, asked=asked, values=values[:ALL_VALUES], like=like,
        more=max(0, len(values) - ALL_VALUES), bounds=found.facet_bounds[name],
        back=f"/{_kept(request)}", kept=request.query_params.multi_items(),
        largest=max((value["count"] for value in values), default=1),
    )  # fmt: skip


def _kept(request: Request, name: str = "", value: str = "") -> str:
    """The address's parameters for the search page, with one value more."""
    kept = [(key, held) for key, held in request.query_params.multi_items() if key not in ("like", "cursor") and held]
    if name and (name, value) not in kept:
        kept.append((name, value))
    return f"?{urlencode(kept)}" if kept else ""


def toggled(request: Request, name: str, chosen: list[str], value: str) -> str:
    following = [kept for kept in chosen if kept != value] if value in chosen else [*chosen, value]
    return address(request, **{name: following, "cursor": None})


def chips(request: Request, asked: Asked, says: Tongue) -> list[dict[str, str]]:
    """What narrows the result, each with the address without it."""
    return [
        {
            "facet": says.word("facet", name),
            "label": label(says, name, value),
            "address": toggled(request, name, values, value),
        }
        for name, values in asked.filters.items()
        for value in values
    ] + [
        {
            "facet": f"{says.say('Without')} {says.word('facet', name)}",
            "label": label(says, name, value),
            "address": address(request, **{f"not.{name}": [v for v in values if v != value], "cursor": None}),
        }
        for name, values in asked.exclude.items()
        for value in values
    ]


def years(request: Request, asked: Asked, found: Results) -> dict[str, Any] | None:
    """Columns of a chart: one a year, without gaps, at most sixty."""
    counted = {
        int(bucket.value[:4]): bucket.count for bucket in found.facets.get("year", []) if bucket.value[:4].isdigit()
    }
    if len(counted) < 2:
        return None
    last = max(counted)
    first = max(min(counted), last - 59)
    largest = max(counted.values())
    chosen = asked.filters.get("year", [])
    width = 300 / (last - first + 1)
    columns = []
    for position, year in enumerate(range(first, last + 1)):
        count = counted.get(year, 0)
        height = max(1.5, 56 * count / largest) if count else 0.0
        columns.append(
            {
                "year": year,
                "count": count,
                "x": f"{position * width + width * 0.1:.2f}",
                "width": f"{width * 0.8:.2f}",
                "room": f"{position * width:.2f}",
                "full": f"{width:.2f}",
                "y": f"{60 - height:.2f}",
                "height": f"{height:.2f}",
                "chosen": str(year) in chosen,
                "address": toggled(request, "year", chosen, str(year)),
            }
        )
    return {"columns": columns, "first": first, "last": last, "chosen": bool(chosen)}


# ----------------------------------------------------------------------------------------------- fielded search


BOXES: tuple[tuple[str, str], ...] = (
    ("title", "title"),
    ("abstract", "abstract"),
    ("claims", "claims"),
    ("goods", "goods"),
    ("mark", "mark"),
    ("name", "name"),
    ("applicant", "applicant"),
    ("inventor", "inventor"),
    ("number", "number"),
    ("priority", "priority"),
    ("ipc", "ipc"),
    ("cpc", "cpc"),
    ("nice", "nice"),
    ("vienna", "vienna"),
    ("locarno", "locarno"),
)
"""Boxes of the fielded form: parameter and the field of the query language."""
DATES = ("published", "filed", "registered", "expires")
EXACT = frozenset({"number", "priority", "ipc", "cpc", "nice", "vienna", "locarno"})


@router.get("/advanced")
async def advanced(request: Request, access: Searcher) -> Response:
    """Boxes by field, and the query language explained."""
    return render(
        request, access, "advanced.html", boxes=BOXES, dates=DATES, asked=read(request), rights=list(BY_RIGHT)
    )


@router.get("/compose")
async def composed(request: Request, access: Searcher) -> Response:
    """Turns the boxes into one query, which the search page then shows: so the form teaches the language."""
    from fastapi.responses import RedirectResponse

    params = request.query_params
    parts = [words] if (words := params.get("words", "").strip()) else []
    for name, target in BOXES:
        value = " ".join(params.get(name, "").replace('"', " ").split())[:500]
        if value:
            exact = target in EXACT or params.get(f"{name}_exact")
            parts.append(f'{target}:"{value}"' if exact else f"{target}:({_plain(value)})")
    for name in DATES:
        low, high = (_plain_date(params.get(f"{name}_{end}", "")) for end in ("from", "to"))
        if low or high:
            parts.append(f"{name}:[{low or '*'} TO {high or '*'}]")
    chosen = [("q", " ".join(parts))] + [("right", value) for value in params.getlist("right") if value in BY_RIGHT]
    return RedirectResponse(f"/?{urlencode(chosen)}", 303)


def _plain(value: str) -> str:
    """Words without what the query language would take for signs."""
    return "".join(" " if letter in "()[]:\\" else letter for letter in value).strip() or '""'


def _plain_date(value: str) -> str:
    return "".join(letter for letter in value if letter.isdigit() or letter == "-")[:10]
