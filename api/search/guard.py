"""Rewrites a query so that it cannot touch what the caller may not read, and refuses what cannot be made safe.

Where a clause asks for a field group that the caller holds for some records only, the clause is bound to those records:
on all others it matches nothing, whatever they contain. So a word in hidden claims, a date in a hidden status or a
hidden name can be neither found nor counted nor guessed from order. What this module does not know, it refuses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from api.access.fields import fields
from api.access.model import Group
from api.access.scope import NOTHING, Scope
from api.search.facets import facet_fields

Query = dict[str, Any]

OPTIONS = frozenset({"boost", "_name"})
ONE_FIELD = frozenset({"match", "match_phrase", "term", "terms", "range", "prefix", "wildcard", "fuzzy", "intervals"})
FORBIDDEN_OPTIONS = {
    # Each of these looks at terms of the whole index, hidden documents included, and cuts a list short by them.
    "match": {"cutoff_frequency", "max_expansions"},
    "multi_match": {"cutoff_frequency", "max_expansions"},
    "fuzzy": {"max_expansions", "rewrite"},
    "prefix": {"rewrite"},
    "wildcard": {"rewrite"},
}
EXACT_NUMBER = "number"
RULES = {
    "match": {"query", "max_gaps", "ordered"},
    "all_of": {"intervals", "max_gaps", "ordered"},
    "any_of": {"intervals"},
}
"""Rules of an intervals query and their options. Others look into another field, run a script, or cut terms short."""


NESTED = frozenset({"picture"})
"""Fields of which a document has several vectors, each in a document of its own."""


class UnsafeRequest(TypeError):
    """A request that the guard cannot make safe: a fault of the calling code, not of the caller."""


class Guard:
    """Narrows queries, sorts and facets to one Scope.

    `existence=False` looks at the records whose bibliography the caller reads; `existence=True` at those of which it
    may only know that they exist: they answer for right, office, provider, collection and their exact number.
    """

    def __init__(self, scope: Scope, *, existence: bool = False) -> None:
        if not isinstance(scope, Scope):
            raise TypeError(f"A search needs a Scope, not {type(scope).__name__}.")
        self.scope = scope
        self.existence = existence

    def base(self) -> Query:
        """The records of this side."""
        readable = self.scope.group_filter(Group.BIBLIOGRAPHY)
        if not self.existence:
            return readable
        return {"bool": {"filter": [self.scope.filter()], "must_not": [readable]}}

    def readable(self, field: str) -> Query | None:
        """Filter of the records on which `field` may be used; None where that is all of this side."""
        group = fields().group_of(field)
        if group is None:
            raise UnsafeRequest(f"The index field {field!r} is not in api/access/fields.toml.")
        return self._limit(group)

    def _limit(self, group: Group) -> Query | None:
        if group is Group.EXISTENCE:
            return None
        if self.existence:
            return NOTHING
        if group is Group.BIBLIOGRAPHY or self.scope.grants_everywhere(group):
            return None
        return self.scope.group_filter(group)

    # ---------------------------------------------------------------------------------------------------- queries

    def query(self, query: Query) -> Query:
        """The same query, each clause bound to the records on which the caller may read its field."""
        if len(query) != 1:
            raise UnsafeRequest(f"A query has one clause, not {sorted(query)}.")
        (kind, body), *_ = query.items()
        rewrite: Callable[[Any], Query] | None = {
            "match_all": lambda body: {"match_all": body},
            "match_none": lambda body: {"match_none": body},
            "bool": self._bool,
            "dis_max": self._dis_max,
            "constant_score": self._constant_score,
            "exists": self._exists,
            "multi_match": lambda body: self._many_fields("multi_match", body),
            "query_string": self._query_string,
            "knn": self._knn,
        }.get(kind)
        if rewrite is not None:
            return rewrite(body)
        if kind in ONE_FIELD:
            return self._one_field(kind, body)
        raise UnsafeRequest(f"Queries of type {kind!r} are not known to the guard.")

    def _bool(self, body: Mapping[str, Any]) -> Query:
        out: Query = {}
        for name, value in body.items():
            if name in ("must", "should", "filter", "must_not"):
                out[name] = [self.query(part) for part in (value if isinstance(value, list) else [value])]
            elif name in ("minimum_should_match", *OPTIONS):
                out[name] = value
            else:
                raise UnsafeRequest(f"Option {name!r} of bool is not known to the guard.")
        return {"bool": out}

    def _dis_max(self, body: Mapping[str, Any]) -> Query:
        _only(body, {"queries", "tie_breaker", *OPTIONS}, "dis_max")
        return {"dis_max": {**body, "queries": [self.query(part) for part in body["queries"]]}}

    def _constant_score(self, body: Mapping[str, Any]) -> Query:
        _only(body, {"filter", *OPTIONS}, "constant_score")
        return {"constant_score": {**body, "filter": self.query(body["filter"])}}

    def _exists(self, body: Mapping[str, Any]) -> Query:
        _only(body, {"field", *OPTIONS}, "exists")
        return self._bound({"exists": dict(body)}, self.readable(body["field"]))

    def _one_field(self, kind: str, body: Mapping[str, Any]) -> Query:
        names = [name for name in body if name not in OPTIONS]
        if len(names) != 1:
            raise UnsafeRequest(f"A {kind} query has one field, not {names}.")
        field = names[0]
        value = body[field]
        options = set(value) if isinstance(value, Mapping) else set()
        unsafe = options & FORBIDDEN_OPTIONS.get(kind, set())
        if unsafe or (kind == "terms" and not isinstance(value, (list, tuple))):
            raise UnsafeRequest(f"Options {sorted(unsafe) or 'of a terms look-up'} of {kind} are not allowed.")
        if kind == "intervals":
            _check_rule({name: rule for name, rule in _mapping(value).items() if name not in OPTIONS})
        clause = {kind: dict(body)}
        if kind == "fuzzy":
            clause = {kind: {**body, field: {**_mapping(value), "rewrite": "constant_score"}}}
        elif kind == "match" and "fuzziness" in options:
            clause = {kind: {**body, field: {**value, "fuzzy_rewrite": "constant_score"}}}
        if self.existence and field == EXACT_NUMBER and kind in ("term", "terms"):
            return clause
        return self._bound(clause, self.readable(field))

    def _query_string(self, body: Mapping[str, Any]) -> Query:
        if re.search(r"(?<!\\)(?:\\\\)*[:/]", body["query"]):
            raise UnsafeRequest("A query_string may not name fields or regular expressions itself.")
        return self._many_fields("query_string", body)

    def _many_fields(self, kind: str, body: Mapping[str, Any]) -> Query:
        unsafe = set(body) & FORBIDDEN_OPTIONS.get(kind, set())
        if unsafe or not body.get("fields"):
            raise UnsafeRequest(f"A {kind} query names its fields and has no {sorted(unsafe)}.")
        extra = {"fuzzy_rewrite": "constant_score"} if "fuzziness" in body else {}
        by_limit: dict[Group, list[str]] = {}
        for field in body["fields"]:
            group = fields().group_of(field)
            if group is None:
                raise UnsafeRequest(f"The index field {field!r} is not in api/access/fields.toml.")
            unlimited = self._limit(group) is None
            by_limit.setdefault(Group.EXISTENCE if unlimited else group, []).append(field)
        clauses = [
            self._bound({kind: {**body, **extra, "fields": members}}, self._limit(group))
            for group, members in by_limit.items()
        ]
        clauses = [clause for clause in clauses if clause != NOTHING]
        if not clauses:
            return NOTHING
        return clauses[0] if len(clauses) == 1 else {"dis_max": {"queries": clauses}}

    def _knn(self, body: Mapping[str, Any]) -> Query:
        """The base goes inside the clause: filtered afterwards, far fewer than k would be left."""
        (field, options), *_ = body.items()
        limit = self.readable(field)
        if limit == NOTHING:
            return NOTHING
        inside = [self.base(), *([limit] if limit else [])]
        if options.get("filter"):
            inside.append(self.query(options["filter"]))
        clause: Query = {"knn": {field: {**options, "filter": {"bool": {"filter": inside}}}}}
        path = field.partition(".")[0]
        if path not in NESTED:
            return clause
        # A record is as near as the nearest of its pictures. Indices of other rights have none.
        return {"nested": {"path": path, "score_mode": "max", "ignore_unmapped": True, "query": clause}}

    def _bound(self, clause: Query, limit: Query | None) -> Query:
        if limit is None:
            return clause
        if limit == NOTHING:
            return NOTHING
        # The name moves outwards: named inside, a clause would report a match that its limit forbids.
        kind, body = next(iter(clause.items()))
        name, inner = _unnamed(kind, body)
        return {"bool": {"must": [{kind: inner}], "filter": [limit], **({"_name": name} if name else {})}}

    # ----------------------------------------------------------------------------------------------------- facets

    def facet(self, name: str, size: int, within: Sequence[Query] = (), only: str | None = None) -> Query:
        """Aggregation of a facet, counted only on records of `within` (guarded already) where the caller may read
        it: then `values` inside the filter. `only`: regular expression of the values to count."""
        table = facet_fields()
        field = table.field(name)
        limits = [limit for limit in (self.readable(field), *within) if limit is not None]
        if table.is_year(name):
            values: Query = {"date_histogram": {"field": field, "calendar_interval": "year", "min_doc_count": 1}}
        else:
            # Counts of all shards are exact while each shard returns every value it has.
            values = {"terms": {"field": field, "size": size, "shard_size": 10_000, "min_doc_count": 1}}
            if only is not None:
                values["terms"]["include"] = only
        # A filter that lets everything through still costs a look at every match, a tenth of a search with five facets.
        return {"filter": {"bool": {"filter": limits}}, "aggs": {"values": values}} if limits else values


def _check_rule(rule: Mapping[str, Any]) -> None:
    """One rule of an intervals query, and those inside it."""
    if len(rule) != 1 or next(iter(rule)) not in RULES:
        raise UnsafeRequest(f"An intervals query has one known rule, not {sorted(rule)}.")
    ((kind, body),) = rule.items()
    _only(body, RULES[kind], f"the intervals rule {kind}")
    for inner in body.get("intervals", ()):
        _check_rule(inner)


def _only(body: Mapping[str, Any], known: Iterable[str], kind: str) -> None:
    unknown = set(body) - set(known)
    if unknown:
        raise UnsafeRequest(f"Options {sorted(unknown)} of {kind} are not known to the guard.")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {"value": value}


def _unnamed(kind: str, body: Mapping[str, Any]) -> tuple[str | None, dict[str, Any]]:
    name = body.get("_name")
    inner = {key: value for key, value in body.items() if key != "_name"}
    if name is None and kind in ONE_FIELD:
        for key, value in inner.items():
            if isinstance(value, Mapping) and "_name" in value:
                name = value["_name"]
                inner[key] = {option: v for option, v in value.items() if option != "_name"}
    return name, inner
