"""A search from the API's request to its answer: query, plan, engine, what each hit may show, and why it is there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from functools import lru_cache
from threading import Lock
from typing import Annotated, Any, Literal

import structlog
from pydantic import BaseModel, ConfigDict, Field

from api.access.model import Group
from api.dependencies import Access, Credentials, Services, disclosed
from api.search import cursor as cursors
from api.search import grouping, helping
from api.search import query as language
from api.search.cursor import BadCursor, Cursor
from api.search.engine import Hit, Page, Position, SearchRequest, SnapshotGone, fields_of
from api.search.expansion import compiling
from api.search.expansion.bank import LANGUAGES, bank
from api.search.expansion.expand import Breadth, Expansion, expand
from api.search.expansion.expand import Group as Piece
from api.search.facets import facet_fields
from api.search.grouping import Grouped
from api.search.helping import Help
from api.search.shape import shape
from common.errors import ConcordError, QueryError
from common.messages import say

log = structlog.get_logger("search")

DEFAULT_FACETS = ("right", "office", "language")
_EXPANDING = Lock()
"""While the term bank is loaded at start-up, whoever searches already waits for it instead of loading it too."""
FULL_TEXT = frozenset({"claims", "description"})

Strings = Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=200)]


class EditedTerm(BaseModel):
    """A piece of the query and what is looked for in its place."""

    model_config = ConfigDict(extra="forbid")

    source: Annotated[str, Field(min_length=1, max_length=100)]
    field: Annotated[str, Field(max_length=40)] | None = None
    """Field of technology, for people; nothing depends on it."""
    terms: dict[
        Annotated[str, Field(pattern=r"^[a-z]{2,3}$")],
        Annotated[list[Annotated[str, Field(min_length=1, max_length=100)]], Field(max_length=20)],
    ] = {}
    """Language → terms, any of which will do."""


class Expanded(BaseModel):
    """The terms that were looked for."""

    language: str
    """Language that the query was read in."""
    breadth: Literal["precise", "broad"]
    terms: list[EditedTerm]


class Search(BaseModel):
    """A search as the API takes it, by GET or POST."""

    model_config = ConfigDict(extra="forbid")

    q: str = ""
    """Query text; empty finds everything. What it may hold is checked when it is read, to say where a fault is."""
    dialect: language.DialectName = "concord"
    """Language of the query: concord (our own), patentscope, espacenet (CQL)."""
    rights: Strings = []
    """patent, trademark, design, copyright, gi."""
    offices: Strings = []
    """ST.3 codes."""
    languages: Strings = []
    """ISO 639-1 codes of texts that a record must have."""
    filters: Annotated[dict[str, Strings], Field(max_length=20)] = {}
    """Facet name → values, any of which a record must have."""
    exclude: Annotated[dict[str, Strings], Field(max_length=20)] = {}
    """Facet name → values, none of which a record may have."""
    facets: Strings | None = None
    """Names of the facets to count; none given: right, office, language."""
    facet_size: Annotated[int, Field(ge=1, le=500)] = 20
    facet_values: Annotated[dict[str, Annotated[str, Field(min_length=1, max_length=100)]], Field(max_length=20)] = {}
    """Facet name → text that the values listed contain, or begin with where `^` stands before it."""
    sort: str = "relevance"
    """relevance, or a date, number or office; with `-` before it, falling."""
    size: Annotated[int, Field(ge=0, le=200)] = 20
    cursor: Annotated[str, Field(max_length=cursors.LONGEST)] | None = None
    """From a page before: goes on with that search; only `size` may be given beside it."""
    mode: Literal["keyword", "semantic", "hybrid"] = "hybrid"
    expand: Literal["auto", "none", "precise", "broad"] = "auto"
    """Whether terms of other languages and synonyms are looked for too. auto: broad in the hybrid mode, else none."""
    expand_field: Annotated[str, Field(max_length=40)] | None = None
    """Field of technology whose sense of a word is meant; None: the one most of the query's words are of."""
    expansion: Annotated[list[EditedTerm], Field(max_length=20)] | None = None
    """Terms to look for instead of the term bank's: those of an earlier answer, edited."""
    group: Literal["none", "family", "application", "cluster"] = "none"
    """Each simple family, application or duplicate cluster once, at the place of its best member."""
    highlight: bool = True
    full: bool = False
    """Whether hits carry claims and descriptions too."""
    help: bool = True
    """Whether to look for what helps where the query's words find nothing."""


@dataclass
class Why:
    """One reason why a hit is there."""

    by: Literal["term", "field", "expansion", "vector"]
    field: str | None = None
    language: str | None = None
    words: list[str] = dataclass_field(default_factory=list)
    source: str | None = None
    """The piece of the query that an expanded term stands for."""
    rank: int | None = None
    similarity: float | None = None
    """Cosine of the vectors of query and record."""


@dataclass
class GroupOut:
    """What stands for one group, and what else belongs to it."""

    key: str | None
    records: int
    """Results that belong to the group."""
    exact: bool
    """False where there are at least so many."""
    others: list[str]
    """Ids of its other members among the results looked at."""


@dataclass
class GroupsOut:
    """The groups among all results."""

    by: str
    count: int
    exact: bool
    """False where there are at least so many."""
    ends: bool
    """True where the list of groups ends before the results do: narrow the search to see the rest."""


@dataclass
class HitOut:
    id: str | None
    """None where the caller may only know that the record exists."""
    score: float
    """Reciprocal-rank sum: depends on the order of what the caller sees and on nothing else."""
    why: list[Why]
    record: dict[str, Any]
    highlights: dict[str, list[str]]
    group: GroupOut | None = None
    """Only in grouped results."""


@dataclass
class Bucket:
    value: str
    count: int


@dataclass
class Bounds:
    """What is known of the counts of one facet."""

    error: int
    """By how much any of its counts may be too low; 0: all are exact."""
    rest: int
    """Counts of the values that are not listed, added up."""


@dataclass
class Results:
    total: int
    hits: list[HitOut]
    facets: dict[str, list[Bucket]]
    cursor: str | None
    """For the next page; None after the last."""
    took_ms: int = 0
    """Until the answer was put together, which is done while the audit is written."""
    expansion: Expanded | None = None
    """Terms that took part, absent where none did; edit them and send them back as `expansion`."""
    groups: GroupsOut | None = None
    """Only in grouped results; `total` counts records."""
    facet_bounds: dict[str, Bounds] = dataclass_field(default_factory=dict)
    """Facet name → how exact its counts are."""
    help: Help | None = None
    """Only on a first page whose words found nothing."""


async def search(
    access: Access,
    asked: Search,
    *,
    format: str | None = None,
    meanwhile: Callable[[Results], None] = lambda made: None,
) -> Results:
    """One page, each hit as it may leave in `format` (a name of api/exchange/writers; None: the API's JSON).

    meanwhile: called with the answer while the audit is still being written, so that it can be put into bytes in that
    time; called again, with another answer, where rights have gone. What it makes may leave when this has returned.
    Raises QueryError for a query that cannot be understood, BadCursor for a cursor that cannot be used.
    """
    started = time.perf_counter()
    services = access.services
    position, snapshot = Position(), None
    if asked.cursor is not None:
        # A cursor goes on with a list under the rights that there are, so those are looked at before.
        access = await access.current()
        held = cursors.read(services.keys, access.scope, asked.cursor)
        if asked.model_fields_set - {"cursor", "size"}:
            given = asked.model_dump(exclude={"cursor", "size"}, exclude_unset=True)
            if any(held.search.get(name, _default(name)) != value for name, value in given.items()):
                raise BadCursor
        size = asked.size if "size" in asked.model_fields_set else held.search.get("size", asked.size)
        asked = Search.model_validate({**held.search, "size": size})
        position = held.position
        snapshot = held.snapshot or await services.engine.snapshot(_aliased(asked))
    request = await plan(access, asked)
    services.metrics.searches.labels(asked.mode).inc()
    if asked.size and position == Position():
        services.used.add(access.caller.office, "searches")
    begun = replace(request, position=position, snapshot=snapshot)

    async def look(now: Access) -> _Looked:
        # Under other rights than those of the page before, a list begins anew.
        looked = await _page(now, asked, begun if now is access else request)
        if format is not None:
            hits = (replace(hit, view=now.scope.view(hit.document, format=format)) for hit in looked.page.hits)
            looked = replace(looked, page=replace(looked.page, hits=tuple(hits)))
        return replace(looked, helped=await _help(now, asked, request, looked.page))

    def build(now: Access, looked: _Looked) -> None:
        following = None
        if looked.page.next is not None and asked.size:
            kept = asked.model_dump(exclude={"cursor"}, exclude_defaults=True)
            held = snapshot if now is access else None
            following = cursors.write(services.keys, now.scope, Cursor(kept, looked.page.next, held))
        looked.made = results(looked.page, asked, following)
        looked.made.help = looked.helped
        if looked.grouped is not None:
            with_groups(looked.made, asked.group, looked.grouped)
        looked.made.took_ms = round((time.perf_counter() - started) * 1000)
        meanwhile(looked.made)

    details = {"format": format} if format is not None else None
    try:
        now, looked = await disclosed(
            access, look, lambda now, found: now.shown("search", found.hits, details=details), build
        )
    except SnapshotGone as error:
        raise BadCursor from error
    _note_if_slow(now, asked, position, started)
    if now is access and snapshot is not None and looked.page.next is None:
        await services.engine.release(snapshot)
    assert looked.made is not None
    return looked.made


@dataclass(slots=True)
class _Looked:
    """What a search came to under one scope."""

    page: Page
    grouped: Grouped | None = None
    helped: Help | None = None
    made: Results | None = None
    """The answer."""

    @property
    def hits(self) -> tuple[Hit, ...]:
        """All that is told of."""
        return (*self.page.hits, *(self.grouped.others if self.grouped is not None else ()))


async def _help(access: Access, asked: Search, request: SearchRequest, page: Page) -> Help | None:
    """What helps where the words of a first page found nothing. Like all of it under the caller's scope."""
    if not asked.help or not asked.size or asked.cursor is not None or page.by_words:
        return None
    filters, exclude = narrowing(asked)
    about = helping.Asked(asked.q, asked.dialect, filters, exclude)
    return await helping.find(access.services.engine, access.scope, about, request, conditions=not page.total)


async def _page(access: Access, asked: Search, request: SearchRequest) -> _Looked:
    if asked.group == "none":
        return _Looked(await access.services.engine.search(access.scope, request))
    grouped = await grouping.search(access.services, access.scope, request, asked.group)
    return _Looked(grouped.page, grouped)


def with_groups(found: Results, by: str, grouped: Grouped) -> None:
    for hit, group in zip(found.hits, grouped.groups, strict=True):
        if hit.id is not None:
            others = [member.id for member in group.hits[1 : 1 + grouping.MOST_NAMED]]
            hit.group = GroupOut(group.key, group.records, group.exact, others)
    found.groups = GroupsOut(by, grouped.count, grouped.exact, grouped.ends)


def _note_if_slow(access: Access, asked: Search, position: Position, started: float) -> None:
    """One line about a slow search: its shape, never its words or values."""
    took = (time.perf_counter() - started) * 1000
    if took < access.services.settings.slow_query_ms:
        return
    access.services.metrics.slow_searches.inc()
    log.warning(
        "slow search",
        ms=round(took),
        shape=shape(language.parse(asked.q, asked.dialect)),
        mode=asked.mode,
        rights=len(asked.rights),
        filters=sorted(asked.filters),
        facets=list(asked.facets if asked.facets is not None else DEFAULT_FACETS),
        sort=asked.sort.removeprefix("-"),
        size=asked.size,
        offset=position.offset,
        office=access.caller.office or "none",
    )


def results(page: Page, asked: Search, following: str | None) -> Results:
    text = language.free_text(language.parse(asked.q, asked.dialect))[0]
    return Results(
        total=page.total,
        hits=[hit_out(hit, full=asked.full) for hit in page.hits],
        facets={name: [Bucket(**b) for b in buckets] for name, buckets in page.facets.items()},
        facet_bounds={name: Bounds(**bounds) for name, bounds in page.bounds.items()},
        cursor=following,
        expansion=shown_expansion(expansion_of(asked, text)),
    )


def hit_out(hit: Hit, *, full: bool = False) -> HitOut:
    record = hit.record
    known = Group.BIBLIOGRAPHY in hit.view.groups
    if known and not full:
        record["texts"] = [text for text in record.get("texts", ()) if text["type"] not in FULL_TEXT]
    return HitOut(
        id=hit.id if known else None,
        score=hit.score,
        why=why(hit) if known else [],
        record=record,
        highlights={name: list(parts) for name, parts in sorted(hit.highlights.items())},
    )


def why(hit: Hit) -> list[Why]:
    """Words found, by field and language; fields that met a condition; the rank among nearest vectors."""
    reasons = [Why("term", field, tongue, words) for field, tongue, words in fields_of(hit.highlights)]
    read = [(label, compiling.read_label(label)) for label in hit.matched]
    for tongue, field, source, term in dict.fromkeys(found for _, found in read if found is not None):
        reasons.append(Why("expansion", field, tongue, [term], source))
    for label, found in read:
        field, _, value = label.partition(":")
        if found is None and field and field not in language.names().text:
            reasons.append(Why("field", field, words=[value]))
    if hit.vector_rank is not None:
        reasons.append(Why("vector", rank=hit.vector_rank, similarity=hit.similarity))
    return reasons


def expansion_of(asked: Search, text: str) -> Expansion | None:
    """Terms for the words of a query that name no field; None where none are asked for or known."""
    chosen = asked.expand
    if chosen == "auto":
        chosen = "broad" if asked.mode == "hybrid" else "none"
    if chosen == "none" or not text or asked.sort != "relevance":
        return None
    breadth: Breadth = chosen
    if asked.expansion is not None:
        pieces = [
            Piece(t.source, t.field, {code: tuple(terms) for code, terms in t.terms.items()}) for t in asked.expansion
        ]
        read = _expanded(text, breadth, None).language
        edited = Expansion(read, breadth, tuple(pieces))
        return edited if edited.known else None
    made = _expanded(text, breadth, asked.expand_field)
    return made if made.known else None


@lru_cache(maxsize=2_000)
def _expanded(text: str, breadth: Breadth, field: str | None) -> Expansion:
    """Depends on the text alone, and telling its language costs more than all the rest of a plan."""
    with _EXPANDING:
        return expand(text, bank(), breadth, field=field)


async def warm(services: Services) -> None:
    """Does once what the first search would wait for: the model, the term bank and the tables by which languages are
    told are loaded, the engine analyses a word in every language, and one whole search is made, with counts and marked
    words, as anybody may make it. What it finds is shown to nobody."""
    text = "solid electrolyte"
    made, _ = await asyncio.gather(asyncio.to_thread(_expanded, text, "broad", None), services.vector_of(text))
    try:
        target = language.target(await services.engine.languages())
        terms = compiling.to_query(made, _translated(target.languages))
        words = language.to_query(language.parse(text), target)
        await services.engine.warm([words, *([terms] if terms else [])])
        everybody = Credentials()
        access = Access(services, await services.identified(everybody), everybody)
        await services.engine.search(access.scope, await plan(access, Search(q=text)))
    except ConcordError as error:
        log.info("engine not warmed", reason=str(error))


def shown_expansion(made: Expansion | None) -> Expanded | None:
    if made is None:
        return None
    terms = [
        EditedTerm.model_construct(
            source=piece.source, field=piece.field, terms={c: list(t) for c, t in piece.terms.items()}
        )
        for piece in made.groups
    ]
    return Expanded.model_construct(language=made.language, breadth=made.breadth, terms=terms)


Narrowing = dict[str, tuple[list[str], dict[str, Any]]]


def narrowing(asked: Search) -> tuple[Narrowing, Narrowing]:
    """Facet name → (values, clause): of which a record must have one, and of which it may have none."""
    table = facet_fields()
    chosen = {"right": asked.rights, "office": [o.upper() for o in asked.offices], "language": asked.languages}
    for name, values in asked.filters.items():
        if values and chosen.get(name):
            raise QueryError(say("query.filter-twice", name=name))
        chosen[name] = values
    filters = {name: (values, table.filter(name, values)) for name, values in chosen.items() if values}
    exclude = {
        name: (values, {"bool": {"must_not": [table.filter(name, values)]}})
        for name, values in asked.exclude.items()
        if values
    }
    return filters, exclude


@lru_cache(maxsize=128)
def _worded(
    q: str, dialect: language.DialectName, languages: tuple[str, ...]
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The engine's query for all of the words, and for those that a nearest neighbour must meet too. For texts in these
    languages; kept, because what the engine module makes of a query is kept for that very query."""
    tree, target = language.parse(q, dialect), language.target(languages)
    conditions = language.free_text(tree)[1]
    return language.to_query(tree, target), language.to_query(conditions, target) if conditions is not None else None


def _translated(languages: Sequence[str]) -> tuple[str, ...]:
    """Those of the languages that the term bank has terms in, in its order."""
    return tuple(code for code in LANGUAGES if code in languages)


async def plan(access: Access, asked: Search) -> SearchRequest:
    """The engine's request. Raises QueryError."""
    table = facet_fields()
    tree = language.parse(asked.q, asked.dialect)
    narrowed, unwanted = narrowing(asked)
    facets = tuple(dict.fromkeys(asked.facets if asked.facets is not None else DEFAULT_FACETS))
    clauses = {name: clause for name, (_, clause) in narrowed.items()}
    for name in facets:
        table.field(name)
    text, _ = language.free_text(tree)
    made = expansion_of(asked, text)
    by_vector = asked.mode != "keyword" and bool(text) and asked.sort == "relevance"
    glosses = made.glosses() if made is not None else ()
    vector, languages = await asyncio.gather(
        access.services.vector_of(text, *glosses) if by_vector else _nothing(),
        access.services.engine.languages(),
    )
    query, condition = _worded(asked.q, asked.dialect, languages)
    terms = compiling.to_query(made, _translated(languages)) if made else None
    if terms is not None and asked.mode == "keyword":
        # All that the terms find, not only the first of them: keyword results are complete.
        either = [query, {"bool": {"must": [terms], "filter": [condition] if condition else []}}]
        query, terms = {"bool": {"should": either, "minimum_should_match": 1}}, None
    return SearchRequest(
        query=query,
        filters=(
            *(clause for name, clause in clauses.items() if name not in facets),
            *(clause for _, clause in unwanted.values()),
        ),
        facet_filters={name: clause for name, clause in clauses.items() if name in facets},
        facets=facets,
        facet_size=asked.facet_size,
        facet_values={name: table.values_like(name, text) for name, text in asked.facet_values.items()},
        sort=_sort(asked.sort),
        size=asked.size,
        vector=vector,
        terms=terms,
        terms_worth=compiling.worth(made) if made else 1.0,
        vector_filter=condition,
        keyword=asked.mode != "semantic" or vector is None,
        highlight=asked.highlight,
        rights=_aliased(asked),
    )


async def _nothing() -> None:
    return None


def _aliased(asked: Search) -> tuple[str, ...]:
    """Rights whose indices are enough; all of them where the right is itself a facet to count."""
    facets = asked.facets if asked.facets is not None else DEFAULT_FACETS
    from indexer.record import Right

    known = {right.value for right in Right}
    return tuple(sorted(known & set(asked.rights))) if asked.rights and "right" not in facets else ()


def _sort(name: str) -> tuple[tuple[str, str], ...]:
    if name in ("", "relevance"):
        return ()
    order = "desc" if name.startswith("-") else "asc"
    return ((facet_fields().sort(name.removeprefix("-")), order),)


def _default(name: str) -> Any:
    return Search.model_fields[name].get_default(call_default_factory=True)
