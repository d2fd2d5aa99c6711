"""Analyse: how a result spreads over years, offices, applicants, classes …, one or two dimensions, as data for charts.

Counts are of what the caller sees and may read; how exact they are is said beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from api.dependencies import Access, disclosed
from api.search import service
from api.search.counting import Counted, Question, Values, added
from api.search.facets import facet_fields
from api.search.service import Search
from common.errors import QueryError
from common.messages import say

MOST_DIMENSIONS = 2


async def analyse(access: Access, asked: Search, by: Sequence[str], size: int, inner_size: int) -> dict[str, Any]:
    """Counts of a search's records by one facet, or by one within another. Raises QueryError.

    The search is one by keywords (and expanded terms, where asked for): neighbours by vector have no end, so there is
    nothing to count.
    """
    values = _values(by, size, inner_size)
    request = await service.plan(access, asked.model_copy(update={"mode": "keyword", "facets": [], "size": 0}))
    question = Question(request.query, {"by": values}, (*request.filters, *request.facet_filters.values()))
    _, (total, counted) = await disclosed(access, lambda now: _counted(now, question, request.rights))
    return {"by": list(by), "records": total, **_as_json(counted, values)}


async def _counted(access: Access, question: Question, rights: Sequence[str]) -> tuple[int, Counted]:
    engine, scope = access.services.engine, access.scope
    (answer,) = await engine.counted(scope, [question], rights=rights)
    total, counted = answer.total, answer.counted["by"]
    if scope.has_existence_only:
        (stubs,) = await engine.counted(scope, [question], rights=rights, existence=True)
        total, counted = total + stubs.total, added(question.values["by"], counted, stubs.counted["by"])
    return total, counted


def _values(by: Sequence[str], size: int, inner_size: int) -> Values:
    if not 1 <= len(by) <= MOST_DIMENSIONS or len(set(by)) != len(by):
        raise QueryError(say("query.analysis-dimensions"))
    table = facet_fields()
    made = [Values(table.field(name), n, year=table.is_year(name)) for name, n in zip(by, (size, inner_size))]  # noqa: B905
    return made[0] if len(made) == 1 else replace(made[0], inner=made[1])


def _as_json(counted: Counted, values: Values) -> dict[str, Any]:
    listed = sum(entry.count for entry in counted.values) + counted.rest
    buckets = []
    for entry in counted.values:
        bucket: dict[str, Any] = {"value": entry.value, "count": entry.count}
        if entry.inner is not None and values.inner is not None:
            bucket |= _as_json(entry.inner, values.inner)
        buckets.append(bucket)
    return {
        "readable": counted.readable,
        "without_value": counted.without,
        "several_values": listed > counted.readable - counted.without,
        "exact": counted.error == 0,
        "error": counted.error,
        "rest": counted.rest,
        "buckets": buckets,
    }
