"""Results grouped by family, application or duplicate cluster: each group once, at the place of its best member.

Groups are those of what the caller sees. Families and applications are told apart by keys that each record has from its
own bibliography; clusters are worked out as if records that the caller does not see did not exist, as on the page of
duplicates. Whatever the mode and order of a search, its results are taken from the top and those of a group that was
met before are put to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from api.access.model import Group
from api.access.scope import Scope
from api.dependencies import Services
from api.search.engine import Engine, Hit, Page, Position, SearchRequest
from api.search.facets import facet_fields
from indexer.duplicates.ledger import Graph, Ledger

Kind = Literal["family", "application", "cluster"]

MOST_LOOKED_AT = 2_000
"""Results from the top that are put into groups: the list of groups ends there, and says so."""
AT_A_TIME = 200
MOST_COUNTED = 10_000
"""Groups that are counted one by one; more are said to be at least so many."""
MOST_NAMED = 20
"""Other members of a group that are named beside its first."""


@dataclass(slots=True)
class Members:
    """One group of a page."""

    hits: list[Hit]
    """Members among the results looked at, in their order."""
    key: str | None
    """Of a family or application; None for a cluster and for what may only be known to exist."""
    records: int = 0
    """Results that belong to it."""
    exact: bool = True
    """False where only the results looked at were counted."""


@dataclass(slots=True)
class Grouped:
    page: Page
    """Its hits are the first of each group, its `next` counts groups."""
    groups: list[Members]
    count: int
    """Groups among all results."""
    exact: bool
    """False where there are at least so many."""
    ends: bool
    """True where results beyond those looked at are not listed."""

    @property
    def others(self) -> list[Hit]:
        """Records that the page names beside those that it shows."""
        return [hit for group in self.groups for hit in group.hits[1 : 1 + MOST_NAMED]]


@dataclass(slots=True)
class _Looked:
    groups: dict[str, Members] = field(default_factory=dict)
    first: Page | None = None
    records: int = 0
    whole: bool = False
    """Whether all results were looked at."""


async def search(services: Services, scope: Scope, request: SearchRequest, kind: Kind) -> Grouped:
    """One page of groups. `request.position.offset`: groups already shown."""
    skipped = request.position.offset
    looked = await _look(services, scope, request, kind, skipped + request.size + 1)
    assert looked.first is not None
    ordered = list(looked.groups.values())
    shown = ordered[skipped : skipped + request.size]
    count, exact = len(ordered), looked.whole
    for group in ordered:
        group.records, group.exact = len(group.hits), looked.whole
    if not looked.whole and kind != "cluster":
        count, exact = await _count(services.engine, scope, request, kind, looked)
    more = len(ordered) > skipped + len(shown)
    following = Position(offset=skipped + len(shown)) if more and shown else None
    hits = tuple(replace(group.hits[0], rank=skipped + place) for place, group in enumerate(shown, 1))
    page = replace(looked.first, hits=hits, next=following)
    return Grouped(page, shown, count, exact, ends=not looked.whole and not more)


async def _look(services: Services, scope: Scope, request: SearchRequest, kind: Kind, wanted: int) -> _Looked:
    """Results from the top, until so many groups are met."""
    looked = _Looked()
    position: Position | None = Position()
    while position is not None and looked.records < MOST_LOOKED_AT:
        again = looked.first is not None
        asked = replace(
            request,
            position=position,
            size=AT_A_TIME,
            facets=() if again else request.facets,
            filters=(*request.filters, *(request.facet_filters.values() if again else ())),
            facet_filters={} if again else request.facet_filters,
        )
        page = await services.engine.search(scope, asked)
        looked.first = looked.first or page
        looked.records += len(page.hits)
        keys = await _keys(services, scope, page.hits, kind)
        for hit in page.hits:
            key = keys.get(hit.id)
            stated = key if kind != "cluster" else None
            # What may only be known to exist has no key: each such record stands alone.
            looked.groups.setdefault(key or f"record {hit.id}", Members([], stated)).hits.append(hit)
        position = page.next
        if len(looked.groups) >= wanted:
            break
    looked.whole = position is None
    return looked


async def _keys(services: Services, scope: Scope, hits: Sequence[Hit], kind: Kind) -> dict[str, str]:
    readable = [hit.id for hit in hits if Group.BIBLIOGRAPHY in hit.view.groups]
    if not readable:
        return {}
    if kind == "cluster":
        return await _clusters(services, scope, readable)
    name = facet_fields().groups[kind]
    found = await services.engine.matching(scope, {"terms": {"id": readable}}, parts=(name,), size=len(readable))
    return {hit.id: str(hit.document[name]) for hit in found}


async def _clusters(services: Services, scope: Scope, ids: Sequence[str]) -> dict[str, str]:
    """Cluster of each record, from what people and rules say of records that the caller reads."""

    def component() -> Graph:
        with services.database.driver() as connection:
            return Ledger(services.database).component(connection, ids)

    graph = await asyncio.to_thread(component)
    others = sorted(graph.nodes - set(ids))
    visible = set(ids)
    for start in range(0, len(others), AT_A_TIME):
        query = {"terms": {"id": others[start : start + AT_A_TIME]}}
        visible |= {hit.id for hit in await services.engine.matching(scope, query, parts=(), size=AT_A_TIME)}
    clusters = graph.seen_by(visible).clusters()
    return {name: clusters.of.get(name, name) for name in ids}


async def _count(engine: Engine, scope: Scope, request: SearchRequest, kind: Kind, looked: _Looked) -> tuple[int, bool]:
    """(groups among all results, whether that is exact); and each group's records. Over the very results of the
    search, neighbours by vector included."""
    asked = replace(
        request,
        position=Position(),
        size=0,
        facets=(kind,),
        facet_size=MOST_COUNTED,
        filters=(*request.filters, *request.facet_filters.values()),
        facet_filters={},
    )
    page = await engine.search(scope, asked)
    counts = {bucket["value"]: bucket["count"] for bucket in page.facets[kind]}
    exact = len(counts) < MOST_COUNTED
    for group in looked.groups.values():
        if group.key in counts:
            group.records, group.exact = counts[group.key], True
        elif group.key is None:
            group.exact = True
    alone = page.total - sum(counts.values()) if exact else 0
    return len(counts) + alone, exact
