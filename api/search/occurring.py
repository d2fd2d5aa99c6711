"""Which text fields have anything in them, and queries cut down to those.

There is a field for each kind of text in each language, and a word without a field name is looked for in all of them. A
field costs the engine the same whether or not anything stands in it: the word is analysed for it, and looked up, once
for each index. What is cut away can match nothing, so the answer stays the same; what occurs is counted over all
records, hidden ones included, and therefore says nothing about them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from api.access.scope import NOTHING
from indexer.document import ROLE_FIELDS, TEXT_FIELDS, UNKNOWN_LANGUAGE

Query = dict[str, Any]

TEXTS = frozenset([*TEXT_FIELDS.values(), "description"])
"""Fields with one field below them for each language."""
PARTIES = frozenset([*ROLE_FIELDS.values(), "other_party"])
OPTIONS = frozenset({"boost", "_name"})
ONE_FIELD = frozenset({"match", "match_phrase", "term", "terms", "range", "prefix", "wildcard", "fuzzy"})
MANY_FIELDS = frozenset({"multi_match", "query_string"})


@lru_cache(maxsize=4096)
def base(name: str) -> str | None:
    """The field that has a value wherever this one has (`title.en` for `title.en.exact^4`); None for a field that is
    not counted here."""
    parts = name.partition("^")[0].split(".")
    if "*" in name:
        return None
    if (parts[0] in TEXTS and len(parts) > 1) or (parts[0] in PARTIES and parts[1:2] == ["name"]):
        return f"{parts[0]}.{parts[1]}"
    return "mark" if parts[0] == "mark" else None


def probes(languages: Iterable[str]) -> list[str]:
    """Every field that is counted, for texts in these languages."""
    texts = [f"{name}.{language}" for name in TEXTS for language in languages]
    return sorted([*texts, *(f"{role}.name" for role in PARTIES), "mark"])


@dataclass(frozen=True, slots=True)
class Occurring:
    """What occurs in each index that is searched."""

    token: Any = None
    """Changes whenever records do."""
    languages: tuple[str, ...] = ()
    by_alias: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Alias of a right's index → fields that have a value in some record. By alias, for the index behind it may be
    replaced at any time."""

    def fitted(self, query: Query, *, frozen: bool = False) -> Query:
        """The same query, with the fields of each index for that index alone.

        frozen: for a point in time, whose indices may have been replaced since: the fields of any index for all.
        """
        if frozen:
            return pruned(query, frozenset().union(*self.by_alias.values())) if self.by_alias else query
        by_query: list[tuple[Query, list[str]]] = []
        for alias, held in sorted(self.by_alias.items()):
            cut = pruned(query, held)
            same = [aliases for other, aliases in by_query if other == cut]
            if same:
                same[0].append(alias)
            else:
                by_query.append((cut, [alias]))
        if not by_query:
            return query
        if len(by_query) == 1:
            return by_query[0][0]
        parts = [
            {"bool": {"filter": [{"terms": {"_index": aliases}}], "must": [cut]}}
            for cut, aliases in by_query
            if cut != NOTHING
        ]
        return {"bool": {"should": parts, "minimum_should_match": 1}}

    def fitted_to(self, query: Query, alias: str, languages: Collection[str]) -> Query:
        """The query for records of one index, all of whose texts are in these languages."""
        spoken = {*languages, UNKNOWN_LANGUAGE}
        held = self.by_alias.get(alias)
        if held is None:
            return query
        return pruned(
            query, frozenset(name for name in held if name.split(".")[0] not in TEXTS or name.split(".")[1] in spoken)
        )


def pruned(query: Query, held: Collection[str]) -> Query:
    """The query without clauses on fields that have no value anywhere; NOTHING where nothing is left that can match."""
    (kind, body), *_ = query.items()
    if kind in MANY_FIELDS:
        names = [name for name in body["fields"] if _occurs(name, held)]
        return {kind: {**body, "fields": names}} if names else NOTHING
    if kind in ONE_FIELD:
        names = [name for name in body if name not in OPTIONS]
        return query if all(_occurs(name, held) for name in names) else NOTHING
    if kind == "exists":
        return query if _occurs(body["field"], held) else NOTHING
    if kind == "constant_score":
        inner = pruned(body["filter"], held)
        return NOTHING if inner == NOTHING else {kind: {**body, "filter": inner}}
    if kind == "dis_max":
        queries = _kept(body["queries"], held)
        return {kind: {**body, "queries": queries}} if queries else NOTHING
    if kind == "bool":
        return _pruned_bool(body, held)
    return query


def _occurs(name: str, held: Collection[str]) -> bool:
    counted = base(name)
    return counted is None or counted in held


def _kept(queries: Iterable[Query], held: Collection[str]) -> list[Query]:
    return [part for part in (pruned(query, held) for query in queries) if part != NOTHING]


def _pruned_bool(body: Mapping[str, Any], held: Collection[str]) -> Query:
    out: Query = dict(body)
    for name in ("must", "filter"):
        if name in body:
            out[name] = [pruned(part, held) for part in _listed(body[name])]
            if NOTHING in out[name]:
                return NOTHING
    if "must_not" in body:
        out["must_not"] = _kept(_listed(body["must_not"]), held)
    if "should" in body:
        asked = _listed(body["should"])
        wanted = body.get("minimum_should_match", 0 if "must" in body or "filter" in body else min(1, len(asked)))
        out["should"] = _kept(asked, held)
        if not isinstance(wanted, int):
            # A share of the clauses is counted from all of them.
            out["should"] = [pruned(part, held) for part in asked]
        elif len(out["should"]) < wanted:
            return NOTHING
    return {"bool": out}


def _listed(value: Any) -> list[Query]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def unnamed(query: Any) -> Any:
    """The query without the names of its clauses, for a search that is not asked which of them a hit matched."""
    if isinstance(query, dict):
        return {key: unnamed(value) for key, value in query.items() if key != "_name"}
    if isinstance(query, list):
        return [unnamed(part) for part in query]
    return query
