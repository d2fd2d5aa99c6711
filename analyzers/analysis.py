"""From the table to OpenSearch's `analysis` settings, for the plugins a cluster has."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any

from analyzers.table import Chain, Kind, Table, table

PREFIX = "concord_"

ALL: frozenset[str] = frozenset(table().plugins)
"""Every official plugin that some chain can use."""


@dataclass(frozen=True, slots=True)
class Degraded:
    """What an analyzer lacks on a cluster: `plugin` is missing there, `fallback` says what is used in its place."""

    analyzer: str
    language: str | None
    plugin: str
    fallback: str


def settings(available: Collection[str] = ALL) -> dict[str, Any]:
    """The `analysis` settings of an index: char_filter, tokenizer, filter, analyzer, normalizer.

    `available` are names of official plugins (see `capabilities`); names the table does not use are ignored.
    Beside an analyzer NAME stands NAME_search where queries are analysed otherwise. The engine checks every setting
    against all others whenever it makes an index, so that what is said for nothing costs: there is no twin that is the
    same, no empty list, no type that goes without saying. The same input gives the same output, in the same order.
    """
    return deepcopy(_settings(frozenset(available) & ALL))


def degraded(available: Collection[str]) -> list[Degraded]:
    """What the analyzers of an index lose on a cluster that has only `available`; empty when it has everything."""
    return list(_losses(table(), frozenset(available) & ALL))


@cache
def _settings(available: frozenset[str]) -> dict[str, Any]:
    return _Builder(table(), available).build()


class _Builder:
    """Collects the components that the chosen chains use."""

    def __init__(self, entries: Table, available: frozenset[str]) -> None:
        self.table = entries
        self.available = available
        self.used: dict[Kind, dict[str, dict[str, Any]]] = {"char_filter": {}, "tokenizer": {}, "filter": {}}

    def build(self) -> dict[str, Any]:
        analyzers: dict[str, Any] = {}
        for name, chains in self.table.chained().items():
            chain = _choose(self.table, chains, self.available)
            analyzers[PREFIX + name] = self.analyzer(chain, chain.filters)
            if chain.search_filters != chain.filters:
                analyzers[f"{PREFIX}{name}_search"] = self.analyzer(chain, chain.search_filters)
        normalizers = {
            PREFIX + name: {"type": "custom", **self.filters(entry.char_filters, entry.filters)}
            for name, entry in self.table.normalizers.items()
        }
        components: dict[str, Any] = {kind: dict(sorted(found.items())) for kind, found in self.used.items()}
        return {**components, "analyzer": analyzers, "normalizer": normalizers}

    def analyzer(self, chain: Chain, filters: tuple[str, ...]) -> dict[str, Any]:
        tokenizer = self.names("tokenizer", (chain.tokenizer,))[0]
        return {"tokenizer": tokenizer, **self.filters(chain.char_filters, filters)}

    def filters(self, char_filters: tuple[str, ...], filters: tuple[str, ...]) -> dict[str, list[str]]:
        named = {"char_filter": self.names("char_filter", char_filters), "filter": self.names("filter", filters)}
        return {kind: names for kind, names in named.items() if names}

    def names(self, kind: Kind, wanted: tuple[str, ...]) -> list[str]:
        return [self.use(kind, name) for name in _resolved(self.table, kind, wanted, self.available)]

    def use(self, kind: Kind, name: str) -> str:
        component = self.table.components(kind).get(name)
        if component is None:
            return name
        body = component.settings()
        if component.type == "multiplexer":
            body["filters"] = self.names("filter", tuple(body["filters"]))
        self.used[kind][PREFIX + name] = body
        return PREFIX + name


def _resolved(entries: Table, kind: Kind, wanted: tuple[str, ...], available: frozenset[str]) -> Iterator[str]:
    """Names with the substitutes of what is missing put in their place."""
    for name in wanted:
        component = entries.components(kind).get(name)
        if component is None or component.needs is None or component.needs in available:
            yield name
        else:
            yield from _resolved(entries, kind, component.instead or (), available)


def _missing(entries: Table, chain: Chain, available: frozenset[str]) -> Iterator[tuple[Kind, str, str]]:
    """(kind, component, plugin) of everything in the chain that the cluster lacks."""
    wanted: dict[Kind, tuple[str, ...]] = {
        "char_filter": chain.char_filters,
        "tokenizer": (chain.tokenizer,),
        "filter": tuple(dict.fromkeys((*chain.filters, *chain.search_filters))),
    }
    for kind, names in wanted.items():
        for name in names:
            component = entries.components(kind).get(name)
            if component is not None and component.needs is not None and component.needs not in available:
                yield kind, name, component.needs


def _choose(entries: Table, chains: tuple[Chain, ...], available: frozenset[str]) -> Chain:
    for chain in chains:
        if all(
            entries.components(kind)[name].instead is not None for kind, name, _ in _missing(entries, chain, available)
        ):
            return chain
    raise AssertionError("load() lets no table pass whose last chain needs a plugin")


def _losses(entries: Table, available: frozenset[str]) -> Iterator[Degraded]:
    for name, chains in entries.chained().items():
        chosen = _choose(entries, chains, available)
        missing: dict[str, list[str]] = {}
        for kind, component, plugin in _missing(entries, chains[0], available):
            if chosen is chains[0]:
                substitutes = " + ".join(entries.components(kind)[component].instead or ())
                missing.setdefault(plugin, []).append(f"{substitutes or 'nothing'} for {component}")
            else:
                filters = _resolved(entries, "filter", chosen.filters, available)
                missing[plugin] = [f"the chain {' > '.join((chosen.tokenizer, *filters))}"]
        language = name if name in entries.languages else None
        for plugin, fallbacks in sorted(missing.items()):
            yield Degraded(PREFIX + name, language, plugin, ", ".join(dict.fromkeys(fallbacks)))
