"""The only module of the API that talks to OpenSearch. Nothing runs without a Scope, and every request is narrowed
by it.

One result list has up to three sides, one after the other: records whose sort field the caller reads, records whose
bibliography it reads, records of which it may only know that they exist. Each side is its own query, so that no
order, count or value on one side can depend on what is hidden on another.

Scores: BM25 counts in how many documents of the index a term stands, hidden ones included, so both the scores and the
order it gives tell about documents that the caller may not see. The indices therefore use a similarity without
statistics of the collection (mappings/components/settings.json): term frequency, saturated, against the field's
own length. A hit's score is the reciprocal-rank sum, in which nothing remains but the order of what the caller
sees.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import lru_cache, wraps
from html import unescape
from operator import itemgetter
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar

import orjson
from opensearchpy import AsyncHttpConnection, AsyncOpenSearch
from opensearchpy.exceptions import ConnectionError as NoConnection
from opensearchpy.exceptions import ConnectionTimeout, NotFoundError, TransportError

import analyzers
from api.access.fields import fields
from api.access.model import Group
from api.access.scope import NOTHING, Scope, View, utc_today
from api.search.counting import Answer, Question, nothing
from api.search.counting import body as counting_body
from api.search.counting import read as read_counts
from api.search.facets import facet_fields
from api.search.fusion import RANK_CONSTANT, Ranked, fuse
from api.search.guard import Guard
from api.search.kept import kept
from api.search.occurring import Occurring, probes, unnamed
from common.errors import EngineError, EngineTimeout, EngineUnavailable, QueryError, UsageError
from common.messages import say
from common.settings import addresses
from indexer.engine import close, complete
from indexer.record import Right
from mappings import RIGHTS, version_of

Query = dict[str, Any]

WINDOW = 200
"""Keyword results that take part in rank fusion; later pages go on in keyword order."""
NEIGHBOURS, SPARE = 100, 20
"""Nearest vectors that take part, and how many more are asked for: which of them is the hundredth must not hang on the
last digits of a cosine."""
DIGITS = 3
"""Of a cosine that count, and are shown. The last ones are others as soon as Java has compiled the engine's loops, and
texts that are nearly the same would change places."""
FLOOR = 0.15
"""Inner product below which a vector is no evidence of the same subject: words without sense reach 0.14. What lies
little above it weighs little."""
SURE = 0.5
"""Inner product from which a neighbour's place counts whole; below, in proportion."""
CROWDED = 0.3
"""Of the cosine of a language's nearest record, taken off that of each record in it before they are put in order: the
encoder sets texts of the query's own language, and of some others, nearer than they are, and they fill the list."""
VECTOR_WEIGHT, TERMS_WEIGHT, LIST_CONSTANT = 0.35, 0.7, 20
"""Of the lists of neighbours and of expanded terms: the first place of one that is sure is worth the first place by the
query's own words, or twice that. A record that has all concepts of the query in its own language is shown as right by
that, and by neither the query's own words nor vectors."""
TERMS_SHARE, LANGUAGE_SHARE = 1.5, 2.0
"""Powers of what a record has of the query's concepts, and of that against the best record in its language: where the
term bank knows less of a language, its best record has few concepts and may be right all the same. Fitted, as the
numbers above, on the samples' topics with two halves of the lexicon (docs/benchmarks.md)."""
PIT_KEEP_ALIVE = "5m"
TIMEOUT_S = 30
"""For which the connection waits, and the time that a search may take where no other is given."""
LEAST_MS = 50
"""What is left to the last request of a search whose time is nearly over."""

DECIDING = ("id", "right", "office", "provider", "collection", "publication_date", "unpublished")
"""Index fields that decide what is seen of a hit, besides the classes that a condition names."""

WHOLE: Query = {"number_of_fragments": 0}
TWO: Query = {"number_of_fragments": 2, "fragment_size": 160}
ONE: Query = {"number_of_fragments": 1, "fragment_size": 160}
HIGHLIGHTED: dict[str, Query] = {
    "title": WHOLE,
    "mark": WHOLE,
    "applicant": WHOLE,
    "inventor": WHOLE,
    "owner": WHOLE,
    "designer": WHOLE,
    "author": WHOLE,
    "abstract": TWO,
    "goods": TWO,
    "product": ONE,
    "claims": ONE,
    "description": ONE,
}
"""How each kind of field is highlighted; only fields that the query asks for are."""

KEPT = 128
"""Queries that are kept as the engine gets them, for the next page or the next facet of the same search: a few hundred
kilobytes each where they have many terms."""
OCCURRING_KEPT_S = 0.1
"""How long it is taken for known what occurs: less than the time until a new record can be searched."""

BARE: Query = {"_source": False, "stored_fields": "_none_", "docvalue_fields": ["languages"]}
"""Of a list of ids: sort values and languages alone. Reading the source of a hit costs more than finding it."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where the next page starts."""

    side: int = 0
    offset: int = 0
    """Results already shown, over all sides: numbers the ranks."""
    fused: int = 0
    """Results already shown of the fused window."""
    after: tuple[Any, ...] | None = None
    """Sort values of the last result of this side."""


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search before anybody's rights are applied. Queries are plain; the engine guards them."""

    query: Query
    filters: tuple[Query, ...] = ()
    facet_filters: Mapping[str, Query] = field(default_factory=dict)
    """Facet name → its filter; the facet itself is counted as if its own filter were not set."""
    facets: tuple[str, ...] = ()
    facet_size: int = 20
    sort: tuple[tuple[str, str], ...] = ()
    """(index field, asc|desc); empty: relevance."""
    size: int = 20
    position: Position = Position()
    vector: tuple[float, ...] | None = None
    """Of the free text and its word-for-word translations: with it, nearest neighbours take part."""
    terms: Query | None = None
    """Expanded terms: a list of their own, which brings at most WINDOW records into the results."""
    terms_worth: float = 1.0
    """Score of a record that has all of them."""
    vector_filter: Query | None = None
    """What a neighbour, or a record found by expanded terms, must meet besides the filters."""
    keyword: bool = True
    """False: nearest neighbours only."""
    highlight: bool = True
    rights: tuple[str, ...] = ()
    snapshot: str | None = None
    """Point in time to search, as a page's `snapshot`."""
    facet_values: Mapping[str, str] = field(default_factory=dict)
    """Facet name → regular expression (of the API's own making) of the values to count."""

    @property
    def lists(self) -> int:
        """Ranked lists beside the keyword results."""
        return sum(part is not None for part in (self.vector, self.terms))


@dataclass(frozen=True, slots=True)
class Hit:
    id: str
    rank: int
    """From 1, in the whole result list."""
    score: float
    document: Mapping[str, Any]
    """Index fields that decide what is seen, and `record`: not redacted, for the server's own use."""
    view: View
    highlights: Mapping[str, Sequence[str]] = field(default_factory=dict)
    matched: tuple[str, ...] = ()
    vector_rank: int | None = None
    similarity: float | None = None
    """Cosine of the query's vector and the record's."""

    @property
    def record(self) -> dict[str, Any]:
        """The record as the caller may see it."""
        from api.access.redaction import redact

        return redact(self.document["record"], self.view)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record found by one of several queries, with the index fields that were asked for."""

    id: str
    score: float
    """The engine's, of that query."""
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    total: int
    hits: tuple[Hit, ...]
    facets: dict[str, list[dict[str, Any]]]
    next: Position | None
    bounds: dict[str, dict[str, int]] = field(default_factory=dict)
    """Facet name → `error`, by how much a count may be too low, and `rest`, counts of values not listed, added up."""
    by_words: bool = True
    """False where neither the query's own words nor their expanded terms found anything."""


@dataclass(frozen=True, slots=True)
class _Side:
    guard: Guard
    limit: tuple[Query, ...]
    sort: list[Any]
    relevance: bool = False

    def asked(self, query: Query) -> Query:
        """The query as this side may ask it."""
        return _guarded(self.guard.scope, self.guard.existence, utc_today(), query)


@dataclass(frozen=True, slots=True)
class _Part:
    """One search of the second trip of a fused list."""

    body: Query
    right: str | None = None
    """The only one whose index is searched; None: all of the request's."""
    gives: Literal["rows", "documents", "terms"] = "rows"
    side: int | None = None
    """Of the results that go on after the fused ones."""

    @property
    def counts(self) -> bool:
        """Whether its total and facets are added: results after the window are counted with the window."""
        return self.gives == "rows" and self.side != 0


class _Serializer:
    mimetype = "application/json"

    def dumps(self, data: Any) -> Any:
        return data if isinstance(data, (str, bytes)) else orjson.dumps(data)

    def loads(self, data: str | bytes) -> Any:
        return orjson.loads(data)


MOST_CLAUSES = 16_384
"""In one query, as the nodes are set up (indices.query.bool.max_clause_count)."""
Asker = TypeVar("Asker", bound="Engine")
Given = ParamSpec("Given")
Found = TypeVar("Found")


def _of_rights(
    ask: Callable[Concatenate[Asker, Scope, Given], Awaitable[Found]],
) -> Callable[Concatenate[Asker, Scope, Given], Coroutine[Any, Any, Found]]:
    """Says of a query that the engine finds too long that the rights are, where they are most of it: nobody can split
    these by asking for fewer words."""

    @wraps(ask)
    async def asked(engine: Asker, scope: Scope, /, *args: Given.args, **named: Given.kwargs) -> Found:
        try:
            return await ask(engine, scope, *args, **named)
        except TooManyClauses as error:
            if scope.clauses() * 2 > MOST_CLAUSES:
                raise UsageError(say("query.too-many-rights", rights=len(scope.grants))) from error
            raise

    return asked


class Engine:
    """Searches as somebody. Every public method takes that somebody's Scope first and raises TypeError without one."""

    def __init__(
        self,
        url: str,
        prefix: str,
        calls: Callable[[str], AbstractContextManager[None]] | None = None,
        *,
        limit_s: float = TIMEOUT_S,
    ) -> None:
        """`calls(operation)` is entered around every call of the engine, to time and count it. `limit_s`: seconds that
        one search may take of the engine, over all its requests; then the engine gives it up (EngineTimeout)."""
        hosts = addresses(url)
        self.client = AsyncOpenSearch(
            hosts=hosts,
            connection_class=AsyncHttpConnection,
            timeout=TIMEOUT_S,
            # A node that is away costs a search nothing but the way to the next.
            max_retries=max(1, len(hosts) - 1),
            serializer=_Serializer(),
        )
        self.prefix = prefix
        self.limit_s = limit_s
        self._calls = calls or nullcontext
        self._occurring: tuple[float, Occurring] = (0.0, Occurring())
        self._forgotten = 0
        self._asking: asyncio.Task[None] | None = None

    async def close(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        await close(self.client)

    async def healthy(self) -> bool:
        """Whether the cluster answers and can serve reads."""
        try:
            answer = await self._request("GET", "/_cluster/health")
        except EngineError:
            return False
        return answer.get("status") in ("green", "yellow")

    async def inside(self) -> dict[str, Any]:
        """For those who run the platform: the cluster's state, its nodes (heap, disk, shards) and this platform's
        indices (documents, size, health). Counts are of everything, so nobody else is told. Sizes in bytes."""
        ours = f"{self.prefix}-*"
        about, health, nodes, shards, indices, counted = await asyncio.gather(
            self._request("GET", "/"),
            self._request("GET", "/_cluster/health", params={"level": "indices", "filter_path": HEALTH_PARTS}),
            self._request("GET", "/_nodes/stats", params={"filter_path": NODE_PARTS}),
            self._request("GET", f"/{ours}/_search_shards"),
            self._request("GET", f"/{ours}/_stats", params={"level": "indices", "filter_path": INDEX_PARTS}),
            # Statistics count what is nested in a document too.
            self._request("POST", f"/{ours}/_search", DOCUMENTS, {"request_cache": "true"}),
        )
        held = [one["node"] for copies in shards["shards"] for one in copies]
        documents = {bucket["key"]: bucket["doc_count"] for bucket in counted["aggregations"]["index"]["buckets"]}
        states = {name: entry["status"] for name, entry in health.get("indices", {}).items()}
        return {
            "version": about["version"]["number"],
            "lucene": about["version"]["lucene_version"],
            "status": health["status"],
            "unassigned_shards": health["unassigned_shards"],
            "waiting_tasks": health["number_of_pending_tasks"],
            "nodes": sorted((_node(key, node, held) for key, node in nodes["nodes"].items()), key=lambda n: n["name"]),
            "indices": [
                {
                    "name": name,
                    "right": right,
                    "health": states.get(name),
                    "documents": documents.get(name, 0),
                    "deleted": entry["primaries"]["docs"]["deleted"],
                    "size": entry["total"]["store"]["size_in_bytes"],
                }
                for right in RIGHTS
                for name, entry in sorted(indices.get("indices", {}).items())
                if version_of(self.prefix, right, name) is not None
            ],
        }

    def aliases(self, rights: Sequence[str] = ()) -> str:
        """Every right by name: a pattern would reach indices of other platforms on the same cluster."""
        return ",".join(f"{self.prefix}-{right}" for right in (rights or [right.value for right in Right]))

    async def languages(self) -> tuple[str, ...]:
        """Languages that any text is in, so that queries need not look into forty empty fields.

        Counted over everything, hidden records included, and says nothing about them: a language that only hidden
        records have adds a field in which nothing visible can match.
        """
        return (await self.occurring()).languages

    async def occurring(self) -> Occurring:
        """The text fields that have anything in them, by index. Asked anew only where records have changed."""
        when, held = self._occurring
        age = time.monotonic() - when
        if age > OCCURRING_KEPT_S:
            return await self._ask_occurring()
        if age > OCCURRING_KEPT_S / 2 and (self._asking is None or self._asking.done()):
            # In good time, so that under a steady load nobody waits for it.
            self._asking = asyncio.create_task(self._ask_ahead())
        return held

    async def _ask_ahead(self) -> None:
        # Whoever needs it asks again, and is told.
        with suppress(EngineError):
            await self._ask_occurring()

    async def _ask_occurring(self) -> Occurring:
        held = self._occurring[1]
        asked, forgotten = time.monotonic(), self._forgotten
        by_index = {"terms": {"field": "_index", "size": 100}}
        languages = {"terms": {"field": "languages", "size": 500}}
        counts = {"languages": languages, "last": {"max": {"field": "seq"}}}
        token = await self._counted({"index": {**by_index, "aggs": counts}})
        if token != held.token:
            found = {bucket["key"] for index in token["index"]["buckets"] for bucket in index["languages"]["buckets"]}
            # Text in a language without a field of its own stands under `xx`.
            codes = tuple(sorted({language.code for language in analyzers.languages()} & (found | {"xx"})))
            filters = {name: {"exists": {"field": name}} for name in probes(codes)}
            fields_held = {"held": {"filters": {"filters": filters}}}
            counted = await self._counted({"index": {**by_index, "aggs": fields_held}})
            by_alias: dict[str, frozenset[str]] = {}
            for index in counted["index"]["buckets"]:
                alias = self.aliases([self._right_of(index["key"])])
                filled = {name for name, bucket in index["held"]["buckets"].items() if bucket["doc_count"]}
                by_alias[alias] = by_alias.get(alias, frozenset()) | filled
            held = Occurring(token, codes, by_alias)
        if forgotten == self._forgotten:
            self._occurring = (asked, held)
        return held

    def forget(self) -> None:
        """For who must not miss a record that can be searched by now: what occurs is asked anew, however short ago that
        was."""
        self._forgotten += 1
        self._occurring = (0.0, self._occurring[1])

    async def _counted(self, aggregations: Query) -> dict[str, Any]:
        options = {**self._options(), "request_cache": "true"}
        body = {"size": 0, "track_total_hits": False, "aggs": aggregations, **self._timeout()}
        answer = whole_answer(await self._request("POST", f"/{self.aliases()}/_search", body, options))
        return dict(answer["aggregations"])

    async def warm(self, queries: Sequence[Query]) -> None:
        """Has the engine analyse and look up what these queries name; nothing is asked for and nothing comes back."""
        occurring = await self.occurring()
        for query in queries:
            # No limit: whoever warms the engine waits for it.
            body = {"size": 0, "track_total_hits": False, "query": occurring.fitted(query)}
            options = {"ignore_unavailable": "true", "filter_path": "took", "request_cache": "false"}
            await self._request("POST", f"/{self.aliases()}/_search", body, options)

    # ----------------------------------------------------------------------------------------------------- search

    @_of_rights
    async def search(self, scope: Scope, request: SearchRequest) -> Page:
        """One page of results, with facets, as `scope` allows.

        An answer is whole or there is none. Raises EngineUnavailable when OpenSearch cannot be reached or answers in
        part, EngineTimeout when the search takes longer than `limit_s`, EngineError on a refused query.
        """
        began = time.monotonic()
        sides = self._sides(scope, request)
        if not scope.grants:
            return Page(0, (), {name: [] for name in request.facets}, None)
        if request.lists and not request.sort:
            return await self._fused(scope, request, sides, began)
        return await self._listed(scope, request, sides, began)

    def _sides(self, scope: Scope, request: SearchRequest) -> list[_Side]:
        guard = Guard(scope)
        ordered = [{name: {"order": order, "missing": "_last"}} for name, order in request.sort]
        by_relevance = ["_score", {"id": "asc"}]
        limits = [limit for limit in (guard.readable(name) for name, _ in request.sort) if limit is not None]
        if not ordered:
            sides = [_Side(guard, (), by_relevance, relevance=True)]
        else:
            sides = [_Side(guard, tuple(limits), [*ordered, {"id": "asc"}])]
            if limits:
                rest: Query = {"bool": {"must_not": [{"bool": {"filter": limits}}]}}
                sides.append(_Side(guard, (rest,), [{"id": "asc"}]))
        if scope.has_existence_only and request.keyword:
            stubs = Guard(scope, existence=True)
            order = [{name: "asc"} for name in ("provider", "collection", "right", "office", "id")]
            sides.append(_Side(stubs, (), order))
        return sides

    async def _listed(self, scope: Scope, request: SearchRequest, sides: list[_Side], began: float) -> Page:
        """Keyword results, side after side, one round trip."""
        occurring, frozen = await self.occurring(), request.snapshot is not None
        first = request.position.side
        bodies = []
        for number, side in enumerate(sides):
            bodies.append(
                self._body(
                    scope,
                    request,
                    side,
                    matching=[_fitted(occurring, side.asked(request.query), frozen)],
                    size=request.size + 1 if request.size and number >= first else 0,
                    after=request.position.after if number == first else None,
                )
            )
        answers = await self._msearch(request, bodies, began=began)
        hits: list[Hit] = []
        following: Position | None = None
        for number, answer in enumerate(answers):
            found = answer["hits"]["hits"] if number >= first else []
            room = request.size - len(hits)
            for raw in found[:room]:
                rank = request.position.offset + len(hits) + 1
                hits.append(self._hit(scope, raw, rank, 1 / (RANK_CONSTANT + rank)))
            if len(found) > room:
                if room:
                    after: tuple[Any, ...] | None = tuple(found[room - 1]["sort"])
                else:
                    after = request.position.after if number == first else None
                following = Position(number, request.position.offset + len(hits), after=after)
                break
        total = sum(answer["hits"]["total"]["value"] for answer in answers)
        facets, bounds = _merged_facets(request, answers)
        return Page(total, tuple(hits), facets, following, bounds, by_words=bool(total))

    async def _fused(self, scope: Scope, request: SearchRequest, sides: list[_Side], began: float) -> Page:
        """Keyword, nearest neighbours and expanded terms, fused by rank; then the rest of the keyword results; then the
        stubs."""
        main, stubs = sides[0], sides[1:]
        guard = main.guard
        occurring, frozen = await self.occurring(), request.snapshot is not None
        asked = main.asked(request.query) if request.keyword else NOTHING
        keyword = _fitted_unnamed(occurring, asked, frozen)
        asked_terms = None if request.terms is None else main.asked(request.terms)
        terms = None if asked_terms is None else _fitted_unnamed(occurring, asked_terms, frozen)
        everything = [*request.filters, *request.facet_filters.values()]
        bodies = [
            {
                **BARE,
                "query": {"bool": {"must": [keyword], "filter": [guard.base(), *map(guard.query, everything)]}},
                "sort": main.sort,
                "size": WINDOW,
                "track_total_hits": False,
            },
            *self._lists(guard, request, terms, everything),
        ]
        own = [name for name in request.facets if name in request.facet_filters]
        for name in own:
            others = [clause for other, clause in request.facet_filters.items() if other != name]
            bodies.extend(self._lists(guard, request, terms, [*request.filters, *others]))
        listed, *answers = await self._msearch(request, bodies, began=began)
        words = [(raw["sort"][-1], raw["sort"]) for raw in listed["hits"]["hits"]]
        number = request.lists
        found = _found(request, answers[:number])
        near = list(dict.fromkeys(name for ranked in found for name in ranked.ids))
        candidates = {}
        for place, name in enumerate(own, 1):
            relaxed = _found(request, answers[place * number : (place + 1) * number])
            candidates[name] = list(dict.fromkeys(i for ranked in relaxed for i in ranked.ids))
        order = fuse([Ranked([name for name, _ in words]), *found])
        similar = _similarities(request, answers)
        vector_ranks = {name: rank for rank, name in enumerate(similar, 1)}

        position = request.position
        page = order[position.fused : position.fused + request.size] if position.side == 0 else []
        beyond = len(words) == WINDOW
        room = request.size - len(page)
        reading = position.side == 0 and position.fused + len(page) >= len(order)
        parts: list[_Part] = []
        # Where the keyword list is whole, its results need not be found again to be counted, and are counted already
        # where there is no facet.
        whole = not beyond and not own
        counted_already = whole and not request.facets
        if not counted_already:
            union = {"terms": {"id": [name for name, _ in order]}} if whole else _any_of(keyword, near)
            parts.append(_Part(self._body(scope, request, main, [union], size=0, candidates=(keyword, candidates))))
        if beyond and reading:
            shown = {"bool": {"must_not": [{"terms": {"id": near}}]}} if near else {"match_all": {}}
            rest = _Side(guard, (guard.query(shown),), main.sort)
            after = position.after or tuple(words[-1][1])
            parts.append(
                _Part(
                    self._body(
                        scope,
                        request,
                        rest,
                        [_fitted(occurring, asked, frozen)],
                        size=room + 1,
                        after=after,
                        counted=False,
                    ),
                    side=0,
                )
            )
        for side in stubs:
            at_stubs = position.side == 1
            parts.append(
                _Part(
                    self._body(
                        scope,
                        request,
                        side,
                        [_fitted(occurring, side.asked(request.query), frozen)],
                        size=room + 1 if reading or at_stubs else 0,
                        after=position.after if at_stubs else None,
                    ),
                    side=1,
                )
            )
        spread = self._spread([listed, *answers[:number]], [name for name, _ in page])
        for right, (ids, languages) in spread.items():
            alias = self.aliases([right])
            cut = _fitted_to(occurring, asked, alias, languages)
            parts.append(_Part(self._documents(scope, request, guard, cut, ids), right, "documents"))
            met = NOTHING if asked_terms is None else _fitted_to(occurring, asked_terms, alias, languages)
            if met != NOTHING:
                parts.append(_Part(self._by_terms(request, guard, met, ids), right, "terms"))
        answered = await self._msearch(
            request, [part.body for part in parts], [part.right for part in parts], began=began
        )
        by_id: dict[str, dict[str, Any]] = {}
        for wanted in ("documents", "terms"):
            for part, answer in zip(parts, answered, strict=True):
                if part.gives == wanted == "documents":
                    by_id.update({raw["_source"]["id"]: raw for raw in answer["hits"]["hits"]})
                elif part.gives == wanted:
                    _add_findings(by_id, answer)
        hits: list[Hit] = []
        for name, score in page:
            if name in by_id:
                rank = position.offset + len(hits) + 1
                hits.append(self._hit(scope, by_id[name], rank, score, vector_ranks.get(name), similar.get(name)))
        fused = position.fused + len(page)
        following = Position(0, position.offset + len(hits), fused) if fused < len(order) else None
        last = position.after
        for part, answer in zip(parts, answered, strict=True):
            if part.side is None:
                continue
            rows = answer["hits"]["hits"]
            room = request.size - len(hits)
            if following is not None or not rows or part.side < position.side:
                continue
            for raw in rows[:room]:
                rank = position.offset + len(hits) + 1
                hits.append(self._hit(scope, raw, rank, 1 / (RANK_CONSTANT + rank)))
            if len(rows) > room:
                if room:
                    last = tuple(rows[room - 1]["sort"])
                elif part.side != position.side:
                    last = None
                following = Position(part.side, position.offset + len(hits), fused, last)
        counted = [answer for part, answer in zip(parts, answered, strict=True) if part.counts]
        total = sum(answer["hits"]["total"]["value"] for answer in counted)
        if counted_already:
            total += len(order)
        facets, bounds = _merged_facets(request, counted)
        by_words = not request.keyword or bool(words) or bool(request.terms and found[-1].ids)
        return Page(total, tuple(hits), facets, following, bounds, by_words)

    def _body(
        self,
        scope: Scope,
        request: SearchRequest,
        side: _Side,
        matching: list[Query],
        *,
        size: int,
        after: tuple[Any, ...] | None = None,
        counted: bool = True,
        candidates: tuple[Query, Mapping[str, list[str]]] | None = None,
    ) -> Query:
        """One search of a side. counted: with its total and the request's facets."""
        guard = side.guard
        within = {name: guard.query(clause) for name, clause in request.facet_filters.items()}
        required = [guard.base(), *side.limit, *(guard.query(clause) for clause in request.filters)]
        aggregations: Query = {}
        post = list(within.values())
        if not counted:
            required, post = [*required, *post], []
        if candidates is not None and candidates[1]:
            # A facet that ignores its own filter also looks at the neighbours found without that filter.
            matching = [_any_of(candidates[0], sorted({n for ids in candidates[1].values() for n in ids}), matching)]
        for name in request.facets if counted else ():
            others: list[Query] = [clause for other, clause in within.items() if other != name]
            if candidates is not None and candidates[1]:
                ids = candidates[1].get(name)
                if ids is not None:
                    others.append(_any_of(candidates[0], ids))
            aggregations[name] = guard.facet(name, request.facet_size, others, request.facet_values.get(name))
        body: Query = {
            "query": {"bool": {"must": matching, "filter": required}},
            "size": size,
            "track_total_hits": counted,
        }
        if post:
            body["post_filter"] = {"bool": {"filter": post}}
        if aggregations:
            body["aggs"] = aggregations
        if after is not None and size:
            body["search_after"] = list(after)
        if size:
            body["sort"] = side.sort
            body["_source"] = {"includes": [*self._deciding(scope), "record"]}
            if request.highlight and not guard.existence:
                body["highlight"] = _highlight(matching[0])
        return body

    def _documents(
        self, scope: Scope, request: SearchRequest, guard: Guard, keyword: Query, ids: Sequence[str]
    ) -> Query:
        """The documents of a page; filtered again, so that nothing is shown that the filter does not let through."""
        body: Query = {
            "query": {
                "bool": {"filter": [guard.base(), {"terms": {"id": list(ids)}}], "should": [keyword]},
            },
            "size": len(ids),
            "_source": {"includes": [*self._deciding(scope), "record"]},
        }
        if request.highlight and keyword != NOTHING:
            body["highlight"] = _highlight(keyword)
        return body

    def _by_terms(self, request: SearchRequest, guard: Guard, terms: Query, ids: Sequence[str]) -> Query:
        """What the expanded terms found in the documents of a page. Apart from `_documents`, because the engine's limit
        of clauses is one query's."""
        limits = [guard.base(), {"terms": {"id": list(ids)}}]
        body: Query = {
            "query": {"bool": {"filter": limits, "must": [terms]}},
            "size": len(ids),
            "_source": {"includes": ["id"]},
        }
        if request.highlight:
            body["highlight"] = _highlight(terms)
        return body

    def _lists(
        self, guard: Guard, request: SearchRequest, terms: Query | None, required: Sequence[Query]
    ) -> list[Query]:
        """One search for each list beside the keyword results, in the order vector, terms."""
        conditions = [*required, *([request.vector_filter] if request.vector_filter else [])]
        inside: Query = {"bool": {"filter": conditions}}
        common: Query = {**BARE, "sort": ["_score", {"id": "asc"}], "track_total_hits": False}
        bodies: list[Query] = []
        if request.vector is not None:
            most = NEIGHBOURS + SPARE
            clause = {"vector": list(request.vector), "k": most, **({"filter": inside} if conditions else {})}
            near = guard.query({"knn": {"embedding": clause}})
            bodies.append({**common, "query": near, "size": most})
        if terms is not None:
            asked = {"must": [terms], "filter": [guard.base(), *map(guard.query, conditions)]}
            bodies.append({**common, "query": {"bool": asked}, "size": WINDOW})
        return bodies

    def _deciding(self, scope: Scope) -> list[str]:
        classes = {f"{name}.any" for grant in scope.grants for name, _ in grant.condition.classes}
        return [*DECIDING, *sorted(classes)]

    def _hit(
        self,
        scope: Scope,
        raw: Mapping[str, Any],
        rank: int,
        score: float,
        near: int | None = None,
        similarity: float | None = None,
    ) -> Hit:
        document = raw["_source"]
        view = scope.view(document)
        if Group.EXISTENCE not in view.groups:
            # The engine's filter and the scope's own rule are the same; a difference is a fault, never a disclosure.
            raise EngineError("The engine returned a record outside the caller's scope; the answer was withheld.")
        table = fields()
        highlights = {
            name: parts for name, parts in raw.get("highlight", {}).items() if table.group_of(name) in view.groups
        }
        matched = tuple(sorted(raw.get("matched_queries", ()))) if Group.BIBLIOGRAPHY in view.groups else ()
        return Hit(document["id"], rank, round(score, 6), document, view, highlights, matched, near, similarity)

    # -------------------------------------------------------------------------------------------- other ways out

    @_of_rights
    async def get(self, scope: Scope, record_id: str) -> Hit | None:
        """One record as the caller sees it; None where it does not exist or the caller may not know that it does."""
        _must_be(scope)
        if not scope.grants:
            return None
        body = {
            "query": {"bool": {"filter": [scope.filter(), {"term": {"id": record_id}}]}},
            "size": 1,
            "_source": {"includes": [*self._deciding(scope), "record"]},
        }
        answer = await self._one(self.aliases(), body)
        found = answer["hits"]["hits"]
        return self._hit(scope, found[0], 1, 1.0) if found else None

    @_of_rights
    async def documents(self, scope: Scope, ids: Sequence[str]) -> dict[str, Hit]:
        """Those of the named records that the caller may know to exist, by id."""
        _must_be(scope)
        if not scope.grants or not ids:
            return {}
        body = {
            "query": {"bool": {"filter": [scope.filter(), {"terms": {"id": list(ids)}}]}},
            "size": len(ids),
            "_source": {"includes": [*self._deciding(scope), "record"]},
        }
        answer = await self._one(self.aliases(), body)
        return {raw["_source"]["id"]: self._hit(scope, raw, 1, 1.0) for raw in answer["hits"]["hits"]}

    @_of_rights
    async def candidates(
        self,
        scope: Scope,
        queries: Sequence[Query],
        *,
        within: Sequence[Query] = (),
        fields_wanted: Sequence[str] = (),
        rights: Sequence[str] = (),
        size: int = WINDOW,
    ) -> list[list[Candidate]]:
        """For each query the best records whose bibliography the caller reads, in one request, ties by id.

        `within` narrows all of them, a k-NN clause from inside. Only fields of the bibliography may be wanted.
        """
        _must_be(scope)
        table = fields()
        for name in fields_wanted:
            if table.group_of(name) not in (Group.BIBLIOGRAPHY, Group.EXISTENCE):
                raise TypeError(f"{name!r} is not a field that every reader of a record's bibliography may see.")
        if not scope.grants or not queries:
            return [[] for _ in queries]
        guard = Guard(scope)
        narrowed = [guard.query(clause) for clause in within]
        bodies = []
        for query in queries:
            (kind, given), *_ = query.items()
            if kind == "knn":
                (name, options), *_ = given.items()
                inside = [*([options["filter"]] if options.get("filter") else []), *within]
                query = {"knn": {name: {**options, **({"filter": {"bool": {"filter": inside}}} if inside else {})}}}
            limits = [guard.base(), *narrowed]
            bodies.append(
                {
                    "query": {"bool": {"must": [guard.query(query)], "filter": limits}},
                    "size": size,
                    "sort": ["_score", {"id": "asc"}],
                    "track_total_hits": False,
                    "track_scores": True,
                    "_source": {"includes": [*self._deciding(scope), *fields_wanted]},
                }
            )
        found = []
        for answer in await self._msearch(SearchRequest({"match_all": {}}, rights=tuple(rights)), bodies):
            listed = []
            for raw in answer["hits"]["hits"]:
                document = raw["_source"]
                if Group.BIBLIOGRAPHY not in scope.view(document).groups:
                    raise EngineError("The engine returned a record outside the caller's scope; it was withheld.")
                listed.append(Candidate(document["id"], raw["_score"], document))
            found.append(listed)
        return found

    @_of_rights
    async def matching(
        self, scope: Scope, query: Query, *, rights: Sequence[str] = (), parts: Sequence[str] = ("record",), size: int
    ) -> tuple[Hit, ...]:
        """Records whose bibliography the caller reads and that match, in the order of their ids, at most `size`
        (10,000 at most). `parts`: what to bring of a document besides the fields that decide."""
        guard = Guard(scope)
        if not scope.grants:
            return ()
        body = {
            "query": {"bool": {"filter": [guard.base(), guard.query(query)]}},
            "size": size,
            "sort": [{"id": "asc"}],
            "track_total_hits": False,
            "_source": {"includes": [*self._deciding(scope), *parts]},
        }
        answer = await self._one(self.aliases(rights), body)
        return tuple(self._hit(scope, raw, rank, 0.0) for rank, raw in enumerate(answer["hits"]["hits"], 1))

    @_of_rights
    async def counted(
        self, scope: Scope, questions: Sequence[Question], *, rights: Sequence[str] = (), existence: bool = False
    ) -> list[Answer]:
        """What each question asks for, in one round trip: on records whose bibliography the caller reads, or, with
        `existence`, on those of which it may only know that they exist."""
        guard = Guard(scope, existence=existence)
        if not scope.grants or not questions:
            return [nothing(question) for question in questions]
        bodies = [counting_body(guard, question, self._deciding(scope)) for question in questions]
        answers = await self._msearch(SearchRequest(NOTHING, rights=tuple(rights)), bodies)
        for answer in answers:
            for raw in answer["hits"]["hits"]:
                self._hit(scope, raw, 1, 0.0)
        return [read_counts(question, answer) for question, answer in zip(questions, answers, strict=True)]

    async def count(self, scope: Scope, query: Query, *, rights: Sequence[str] = ()) -> int:
        """Number of records of which the caller may know that they exist and that match on what it may read."""
        _must_be(scope)
        page = await self.search(scope, SearchRequest(query, size=0, highlight=False, rights=tuple(rights)))
        return page.total

    async def stream(
        self,
        scope: Callable[[], Awaitable[Scope]],
        query: Query,
        *,
        filters: Sequence[Query] = (),
        rights: Sequence[str] = (),
        batch: int = 200,
    ) -> AsyncIterator[tuple[Scope, tuple[Hit, ...]]]:
        """All results, batch by batch, for exports and jobs.

        `scope` is asked anew before every batch: a right taken away ends in the next batch, whatever was queried
        before.
        """
        snapshot = await self.snapshot(rights)
        position: Position | None = Position()
        try:
            while position is not None:
                current = await scope()
                page = await self.search(
                    current,
                    SearchRequest(
                        query,
                        tuple(filters),
                        sort=(("id", "asc"),),
                        size=batch,
                        position=position,
                        highlight=False,
                        rights=tuple(rights),
                        snapshot=snapshot,
                    ),
                )
                # Rights may have changed while the engine worked; what was found is looked at again before it leaves.
                latest = await scope()
                hits = page.hits
                if latest.fingerprint != current.fingerprint:
                    allowed = await self.documents(latest, [hit.id for hit in hits])
                    hits = tuple(allowed[hit.id] for hit in hits if hit.id in allowed)
                yield latest, hits
                position = page.next
        finally:
            await self.release(snapshot)

    async def snapshot(self, rights: Sequence[str] = ()) -> str:
        """A frozen view of the indices for paging on; says nothing by itself, every search through it is filtered."""
        options = {"keep_alive": PIT_KEEP_ALIVE, "allow_partial_pit_creation": "false"}
        answer = await self._request("POST", f"/{self.aliases(rights)}/_search/point_in_time", None, options)
        return str(answer["pit_id"])

    async def release(self, snapshot: str) -> None:
        await self._request("DELETE", "/_search/point_in_time", {"pit_id": [snapshot]})

    # ------------------------------------------------------------------------------------------------------- wire

    async def _one(self, index: str, body: Query, began: float | None = None) -> dict[str, Any]:
        answer = await self._request("POST", f"/{index}/_search", {**body, **self._timeout()}, self._options(began))
        return whole_answer(answer)

    def _options(self, began: float | None = None) -> dict[str, str]:
        """What is left of the time of a search that began then; after it the engine cancels the request."""
        return {"ignore_unavailable": "true", **self._strict(began)}

    def _strict(self, began: float | None) -> dict[str, str]:
        used = 0.0 if began is None else time.monotonic() - began
        left = max(LEAST_MS, round((self.limit_s - used) * 1000))
        return {"allow_partial_search_results": "false", "cancel_after_time_interval": f"{left}ms"}

    def _timeout(self) -> Query:
        """The limit of each shard, which it looks at between documents and terms. Always the same, for the engine keeps
        answers by the body of a request."""
        return {"timeout": f"{round(self.limit_s * 1000)}ms"}

    def _right_of(self, index: str) -> str:
        return next(right for right in RIGHTS if version_of(self.prefix, right, index) is not None)

    def _spread(
        self, answers: Sequence[Mapping[str, Any]], ids: Sequence[str]
    ) -> dict[str, tuple[list[str], frozenset[str]]]:
        """Right → ids of the page that are of it, and the languages of their texts."""
        where = {raw["sort"][-1]: raw for answer in answers for raw in answer["hits"]["hits"]}
        spread: dict[str, tuple[list[str], set[str]]] = {}
        for name in ids:
            raw = where[name]
            members, languages = spread.setdefault(self._right_of(raw["_index"]), ([], set()))
            members.append(name)
            languages.update(raw.get("fields", {}).get("languages", ()))
        return {right: (members, frozenset(languages)) for right, (members, languages) in spread.items()}

    async def _msearch(
        self,
        request: SearchRequest,
        bodies: Sequence[Query],
        rights: Sequence[str | None] = (),
        *,
        began: float | None = None,
    ) -> list[dict[str, Any]]:
        """Answers in the order of `bodies`. `rights`: for each the only right that it is for, None for all of the
        request's. `began`: when the search of which this is a part began."""
        if not bodies:
            return []
        narrowed = list(rights) or [None] * len(bodies)
        if request.snapshot is not None:
            pit = {"pit": {"id": request.snapshot, "keep_alive": PIT_KEEP_ALIVE}, **self._timeout()}
            whole = [
                body if right is None else {**body, "query": _only_of(right, body["query"])}
                for body, right in zip(bodies, narrowed, strict=True)
            ]
            options = self._strict(began)
            answers = await asyncio.gather(
                *(self._request("POST", "/_search", {**body, **pit}, options) for body in whole)
            )
            return [whole_answer(answer) for answer in answers]
        if len(bodies) == 1:
            return [await self._one(self.aliases([narrowed[0]] if narrowed[0] else request.rights), bodies[0], began)]
        given = self._options(began)
        options_of_each = {
            key: value == "true" if value in ("true", "false") else value for key, value in given.items()
        }
        lines = b"".join(
            orjson.dumps({"index": self.aliases([right] if right else request.rights).split(","), **options_of_each})
            + b"\n"
            + orjson.dumps({**body, **self._timeout()})
            + b"\n"
            for body, right in zip(bodies, narrowed, strict=True)
        )
        answer = await self._request("POST", "/_msearch", lines)
        return [whole_answer(part) for part in answer["responses"]]

    async def _request(
        self, method: str, path: str, body: Any = None, params: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        headers = {"content-type": "application/x-ndjson"} if isinstance(body, bytes) else None
        try:
            with self._calls(_operation(path)):
                return dict(
                    await self.client.transport.perform_request(method, path, params=params, body=body, headers=headers)
                )
        except (NoConnection, ConnectionTimeout) as error:
            raise EngineUnavailable(say("engines.search-away")) from error
        except NotFoundError as error:
            if "point_in_time" in str(error.info) or "search_context_missing" in str(error.info):
                raise SnapshotGone(say("engines.list-gone")) from error
            raise EngineError(say("engines.index-missing")) from error
        except TransportError as error:
            if error.status_code in (429, 503):
                raise EngineUnavailable(say("engines.search-overloaded")) from error
            # The body of a refusal stands in `error` where the client did not read it as JSON.
            told = f"{error.error} {error.info}"
            if "too_many" in told:
                raise _too_long() from error
            if _given_up(told):
                raise _timeout() from error
            raise EngineError(say("engines.search-refused", fault=str(error.error))) from error


class SnapshotGone(EngineError):
    """A point in time has expired."""


DOCUMENTS: Query = {
    "size": 0,
    "track_total_hits": False,
    "aggs": {"index": {"terms": {"field": "_index", "size": 1_000}}},
}
HEALTH_PARTS = "status,unassigned_shards,number_of_pending_tasks,indices.*.status"
NODE_PARTS = (
    "nodes.*.name,nodes.*.jvm.uptime_in_millis,nodes.*.jvm.mem.heap_used_in_bytes,nodes.*.jvm.mem.heap_max_in_bytes,"
    "nodes.*.fs.total.total_in_bytes,nodes.*.fs.total.available_in_bytes,nodes.*.os.cpu.percent"
)
INDEX_PARTS = "indices.*.primaries.docs,indices.*.total.store.size_in_bytes"


def _node(key: str, node: Mapping[str, Any], held: Sequence[str]) -> dict[str, Any]:
    disk = node.get("fs", {}).get("total", {})
    return {
        "name": node["name"],
        "uptime_s": node["jvm"]["uptime_in_millis"] // 1000,
        "heap_used": node["jvm"]["mem"]["heap_used_in_bytes"],
        "heap_most": node["jvm"]["mem"]["heap_max_in_bytes"],
        "disk_free": disk.get("available_in_bytes"),
        "disk_total": disk.get("total_in_bytes"),
        "cpu_percent": node.get("os", {}).get("cpu", {}).get("percent"),
        "shards": held.count(key),
    }


def _operation(path: str) -> str:
    """search, msearch, health, point_in_time: the last word of an address."""
    return path.rpartition("/")[2].removeprefix("_") or "about"


def _must_be(scope: Scope) -> None:
    if not isinstance(scope, Scope):
        raise TypeError(f"A search needs a Scope, not {type(scope).__name__}.")


class TooManyClauses(QueryError):
    """The engine weighs no query of so many."""


def _too_long() -> TooManyClauses:
    return TooManyClauses(say("query.too-many-words"))


def _given_up(error: Any) -> bool:
    """Whether the engine ended a request because its time was over: a shard's own clock, or the request's."""
    told = str(error)
    return "Time exceeded" in told or "task_cancelled_exception" in told


def _timeout() -> EngineTimeout:
    return EngineTimeout(say("query.took-too-long"))


def whole_answer(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer, if every shard took part: half a result list would look like a whole one."""
    if "error" in answer:
        if answer.get("status") in (429, 503):
            raise EngineUnavailable(say("engines.search-overloaded"))
        if "too_many" in str(answer["error"]):
            raise _too_long()
        if _given_up(answer["error"]):
            raise _timeout()
        raise EngineError(say("engines.search-refused", fault=str(answer["error"].get("type"))))
    if answer.get("timed_out"):
        raise _timeout()
    complete(answer)
    return answer


@kept(KEPT)
def _guarded(scope: Scope, existence: bool, today: dt.date, query: Query) -> Query:
    """The query as one side of a scope may ask it. Filters of a scope change with the day."""
    return Guard(scope, existence=existence).query(query)


@kept(KEPT)
def _fitted(occurring: Occurring, asked: Query, frozen: bool) -> Query:
    return occurring.fitted(asked, frozen=frozen)


@kept(KEPT)
def _fitted_unnamed(occurring: Occurring, asked: Query, frozen: bool) -> Query:
    return occurring.fitted(unnamed(asked), frozen=frozen)


@kept(KEPT)
def _fitted_to(occurring: Occurring, asked: Query, alias: str, languages: frozenset[str]) -> Query:
    return occurring.fitted_to(asked, alias, languages)


@kept(KEPT)
def _highlight(query: Query) -> Query:
    """Highlighting of the text fields that a query names."""
    found: dict[str, Query] = {}

    def look(node: Any) -> None:
        if isinstance(node, Mapping):
            for key, value in node.items():
                names = value if key == "fields" and isinstance(value, list) else [key]
                for name in names:
                    plain = str(name).partition("^")[0]
                    root = plain.partition(".")[0]
                    if root in HIGHLIGHTED and plain not in found:
                        found[plain] = HIGHLIGHTED[root]
                look(value)
        elif isinstance(node, list):
            for part in node:
                look(part)

    look(query)
    return {
        "encoder": "html",
        "pre_tags": ["<em>"],
        "post_tags": ["</em>"],
        "max_analyzer_offset": 200_000,
        "fields": found,
    }


def _near(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Neighbours near enough, nearest first, ties by id, each with its cosine in place of its score. Lucene's score of
    an inner product p ≥ 0 is 1 + p."""
    rows = [{**raw, "sort": [round(raw["sort"][0] - 1, DIGITS), raw["sort"][1]]} for raw in answer["hits"]["hits"]]
    rows.sort(key=lambda raw: (-raw["sort"][0], raw["sort"][1]))
    return [raw for raw in rows[:NEIGHBOURS] if raw["sort"][0] >= FLOOR]


def _only_of(right: str, query: Query) -> Query:
    return {"bool": {"must": [query], "filter": [{"term": {"right": right}}]}}


def _found(request: SearchRequest, answers: Sequence[Mapping[str, Any]]) -> list[Ranked]:
    """The lists that `_lists` asked for, each in the order in which its records are to be fused."""
    vectors = request.lists - (request.terms is not None)
    found = []
    for answer in answers[:vectors]:
        rows = _near(answer)
        places = []
        for (cosine, name), best in zip((raw["sort"] for raw in rows), _best(rows), strict=True):
            places.append((CROWDED * best - cosine, min(1.0, cosine / SURE), name))
        found.append(_in_order(places, VECTOR_WEIGHT))
    for answer in answers[vectors:]:
        rows = answer["hits"]["hits"]
        places = []
        for (score, name), best in zip((raw["sort"] for raw in rows), _best(rows), strict=True):
            share = min(1.0, score / request.terms_worth) ** TERMS_SHARE * (score / best) ** LANGUAGE_SHARE
            places.append((-share, share, name))
        found.append(_in_order(places, TERMS_WEIGHT))
    return found


def _best(rows: Sequence[Mapping[str, Any]]) -> list[float]:
    """For each row the best score of one in any of its languages. Rows come best first."""
    best: dict[str, float] = {}
    told: list[float] = []
    for raw in rows:
        score = raw["sort"][0]
        tongues: Sequence[str] = raw["fields"]["languages"] if "fields" in raw else ()
        for tongue in tongues:
            if tongue not in best:
                best[tongue] = score
        told.append(best[tongues[0]] if len(tongues) == 1 else max((best[tongue] for tongue in tongues), default=score))
    return told


def _in_order(places: list[tuple[float, float, str]], weight: float) -> Ranked:
    """A list of (by what it is put in order, share of the weight, id); equals stay as they come."""
    places.sort(key=itemgetter(0))
    return Ranked([name for _, _, name in places], weight, LIST_CONSTANT, [share for _, share, _ in places])


def _add_findings(by_id: Mapping[str, dict[str, Any]], found: Mapping[str, Any]) -> None:
    """Adds to the hits of a page what the expanded terms found in them."""
    for raw in found["hits"]["hits"]:
        hit = by_id.get(raw["_source"]["id"])
        if hit is not None:
            hit["matched_queries"] = [*hit.get("matched_queries", ()), *raw.get("matched_queries", ())]
            hit["highlight"] = {**raw.get("highlight", {}), **hit.get("highlight", {})}


def _similarities(request: SearchRequest, answers: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Id → cosine with the query, nearest first."""
    if request.vector is None:
        return {}
    return {name: cosine for cosine, name in (raw["sort"] for raw in _near(answers[0]))}


def _any_of(keyword: Query, ids: Sequence[str], also: Sequence[Query] = ()) -> Query:
    parts = [keyword, *also, *([{"terms": {"id": list(ids)}}] if ids else [])]
    return {"bool": {"should": parts, "minimum_should_match": 1}}


def _merged_facets(
    request: SearchRequest, answers: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, list[dict[str, Any]]], dict[str, dict[str, int]]]:
    """Values with their counts, and what is known of the counts, by facet."""
    merged: dict[str, list[dict[str, Any]]] = {}
    bounds: dict[str, dict[str, int]] = {}
    for name in request.facets:
        counts: dict[str, int] = {}
        error = rest = 0
        for answer in answers:
            counted = answer.get("aggregations", {}).get(name, {})
            told = counted.get("values", counted)
            error += max(told.get("doc_count_error_upper_bound", 0), 0)
            rest += told.get("sum_other_doc_count", 0)
            for bucket in told.get("buckets", ()):
                value = str(bucket.get("key_as_string", bucket["key"]))
                value = value[:4] if facet_fields().is_year(name) else value
                counts[value] = counts.get(value, 0) + bucket["doc_count"]
        if facet_fields().is_year(name):
            ranked = sorted(counts.items(), reverse=True)
        else:
            ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        merged[name] = [{"value": value, "count": count} for value, count in ranked[: request.facet_size]]
        bounds[name] = {"error": error, "rest": rest + sum(count for _, count in ranked[request.facet_size :])}
    return merged, bounds


MARKED = re.compile(r"<em>(.*?)</em>")
LANGUAGE = re.compile(r"[a-z]{2,3}")


@lru_cache(maxsize=2_000)
def _place(name: str) -> tuple[str, str | None]:
    """(field, language) of an index field; it and its twin of exact words are one."""
    root, _, tail = name.partition(".")
    tail = tail.removesuffix(".exact")
    return root, tail if LANGUAGE.fullmatch(tail) else None


def fields_of(highlights: Mapping[str, Sequence[str]]) -> list[tuple[str, str | None, list[str]]]:
    """(field, language, words) for each highlighted field: which words brought the hit, where and in which language. A
    field and its twin of exact words are one."""
    found: dict[tuple[str, str | None], set[str]] = {}
    for name in sorted(highlights):
        marked = {word for part in highlights[name] for word in MARKED.findall(part)}
        found.setdefault(_place(name), set()).update(unescape(word).lower() for word in marked)
    return [(root, language, sorted(words)) for (root, language), words in found.items()]
