"""Counts of values under a scope: what suggestions and analyses ask the engine for, and what they get.

Pure: `body` makes a request out of a question and a Guard, `read` an answer out of the engine's. Values are counted on
records of the guard's side on which the caller may read the counted field, and on no others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from api.search.guard import Guard

Query = dict[str, Any]

SHARD_SIZE = 10_000
"""Values that each shard returns: counts are exact while none has more."""


@dataclass(frozen=True, slots=True)
class Values:
    """The values of one field to count."""

    field: str
    size: int = 20
    year: bool = False
    """Whether to count by calendar year: every year then, earliest first."""
    only: Sequence[str] | str | None = None
    """Values to count, as a list or as a regular expression (of the API's own making)."""
    when: Query | None = None
    """Which records to count on; guarded like every query."""
    inner: Values | None = None
    """Counted within each value."""


@dataclass(frozen=True, slots=True)
class Question:
    """Records, and the values to count on them by name."""

    query: Query
    values: Mapping[str, Values] = field(default_factory=dict)
    filters: tuple[Query, ...] = ()
    matches: Mapping[str, Query] = field(default_factory=dict)
    """Name → condition whose records are counted."""
    size: int = 0
    """Records to bring, the likeliest first."""
    parts: tuple[str, ...] = ()
    """What to bring of them."""


@dataclass(slots=True)
class Value:
    value: str
    count: int
    inner: Counted | None = None


@dataclass(slots=True)
class Counted:
    readable: int
    """Records on which the field may be read."""
    without: int
    """Those among them that have no value."""
    values: list[Value]
    rest: int = 0
    """Counts of values beyond those listed, added up."""
    error: int = 0
    """How much any count may be too low; 0: all are exact."""


@dataclass(slots=True)
class Answer:
    total: int
    counted: dict[str, Counted]
    matches: dict[str, int]
    documents: list[dict[str, Any]]


def body(guard: Guard, question: Question, deciding: Sequence[str]) -> Query:
    required = [guard.base(), *(guard.query(part) for part in (question.query, *question.filters))]
    aggregations = {name: _aggregation(guard, values) for name, values in question.values.items()}
    for name, condition in question.matches.items():
        aggregations[f"match:{name}"] = {"filter": guard.query(condition)}
    request: Query = {
        "query": {"bool": {"filter": required[:1], "must": required[1:]}},
        "size": question.size,
        "track_total_hits": True,
        "_source": {"includes": [*deciding, *question.parts]} if question.size else False,
    }
    if question.size:
        request["sort"] = ["_score", {"id": "asc"}]
    if aggregations:
        request["aggs"] = aggregations
    return request


def _aggregation(guard: Guard, wanted: Values) -> Query:
    limits = [guard.readable(wanted.field), guard.query(wanted.when) if wanted.when else None]
    required = [limit for limit in limits if limit is not None]
    values: Query
    if wanted.year:
        values = {"date_histogram": {"field": wanted.field, "calendar_interval": "year", "min_doc_count": 1}}
    else:
        terms = {"field": wanted.field, "size": wanted.size, "shard_size": SHARD_SIZE, "min_doc_count": 1}
        # Ties in one order: the engine's own would tell in which order records came, hidden ones between them.
        terms["order"] = [{"_count": "desc"}, {"_key": "asc"}]
        values = {"terms": {**terms, **({} if wanted.only is None else {"include": wanted.only})}}
    if wanted.inner is not None:
        values["aggs"] = {"inner": _aggregation(guard, wanted.inner)}
    condition: Query = {"bool": {"filter": required}} if required else {"match_all": {}}
    return {"filter": condition, "aggs": {"values": values, "without": {"missing": {"field": wanted.field}}}}


def read(question: Question, raw: Mapping[str, Any]) -> Answer:
    found = raw.get("aggregations", {})
    return Answer(
        raw["hits"]["total"]["value"],
        {name: _counted(values, found[name]) for name, values in question.values.items()},
        {name: found[f"match:{name}"]["doc_count"] for name in question.matches},
        [hit["_source"] for hit in raw["hits"]["hits"]] if question.size else [],
    )


def nothing(question: Question) -> Answer:
    """The answer to somebody who sees nothing."""
    return Answer(0, {name: Counted(0, 0, []) for name in question.values}, dict.fromkeys(question.matches, 0), [])


def _counted(wanted: Values, raw: Mapping[str, Any]) -> Counted:
    values = []
    for bucket in raw["values"]["buckets"]:
        name = str(bucket.get("key_as_string", bucket["key"]))
        inner = _counted(wanted.inner, bucket["inner"]) if wanted.inner is not None else None
        values.append(Value(name[:4] if wanted.year else name, bucket["doc_count"], inner))
    told = raw["values"]
    return Counted(
        raw["doc_count"],
        raw["without"]["doc_count"],
        values,
        told.get("sum_other_doc_count", 0),
        max(told.get("doc_count_error_upper_bound", 0), 0),
    )


def added(wanted: Values, one: Counted, other: Counted) -> Counted:
    """Two sides of one result, counted apart, as one."""
    by_value = {entry.value: entry for entry in one.values}
    for entry in other.values:
        held = by_value.get(entry.value)
        if held is None:
            by_value[entry.value] = entry
        else:
            inner = held.inner
            if wanted.inner is not None and inner is not None and entry.inner is not None:
                inner = added(wanted.inner, inner, entry.inner)
            by_value[entry.value] = Value(entry.value, held.count + entry.count, inner)
    if wanted.year:
        kept, beyond = sorted(by_value.values(), key=lambda entry: entry.value), []
    else:
        ranked = sorted(by_value.values(), key=lambda entry: (-entry.count, entry.value))
        kept, beyond = ranked[: wanted.size], ranked[wanted.size :]
    return Counted(
        one.readable + other.readable,
        one.without + other.without,
        kept,
        one.rest + other.rest + sum(entry.count for entry in beyond),
        one.error + other.error,
    )
