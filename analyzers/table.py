"""The table languages.toml and its words, read and checked.

Every mistake a person can make in the table is a ConfigurationError that names the file and the entry.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from analyzers import words
from common.errors import ConfigurationError

FOLDER = Path(__file__).resolve().parent
TABLE = FOLDER / "languages.toml"

Kind = Literal["char_filter", "tokenizer", "filter"]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Builtin(_Strict):
    """Components of OpenSearch itself that chains may use by their own name."""

    tokenizers: frozenset[str]
    filters: frozenset[str]


class Component(BaseModel):
    """A char filter, tokenizer or token filter with settings. Settings of the component itself are extra fields."""

    model_config = ConfigDict(frozen=True, extra="allow")

    type: str
    needs: str | None = None
    instead: tuple[str, ...] | None = None
    from_file: dict[str, str] = Field(default_factory=dict)
    spelling: words.Spelling | None = None

    def settings(self) -> dict[str, Any]:
        """The component as it stands in an index's settings, word lists filled in."""
        filled = {key: words.read(FOLDER / "words" / name, key, self.spelling) for key, name in self.from_file.items()}
        return {"type": self.type, **(self.model_extra or {}), **filled}


class Chain(_Strict):
    """One way to analyse a text; `search` are the filters of queries where they are others altogether."""

    tokenizer: str
    char_filters: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    search_drop: frozenset[str] = frozenset()
    search: tuple[str, ...] | None = None

    @property
    def search_filters(self) -> tuple[str, ...]:
        if self.search is not None:
            return self.search
        return tuple(name for name in self.filters if name not in self.search_drop)


class Named(_Strict):
    """An analyzer of no one language: its chains in order of preference."""

    chains: tuple[Chain, ...] = Field(min_length=1)


class Normalizer(_Strict):
    char_filters: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()


class LanguageEntry(Named):
    name: str = Field(min_length=1)
    own_name: str
    scripts: tuple[str, ...] = Field(min_length=1)
    exact: str
    aliases: tuple[str, ...] = ()


class Table(_Strict):
    """languages.toml as a whole; `load` also checks that its entries fit together."""

    plugins: dict[str, dict[str, Any]]
    builtin: Builtin
    char_filter: dict[str, Component]
    tokenizer: dict[str, Component]
    filter: dict[str, Component]
    analyzers: dict[str, Named]
    normalizers: dict[str, Normalizer]
    languages: dict[str, LanguageEntry]

    def components(self, kind: Kind) -> Mapping[str, Component]:
        return {"char_filter": self.char_filter, "tokenizer": self.tokenizer, "filter": self.filter}[kind]

    def is_builtin(self, kind: Kind, name: str) -> bool:
        known = {"char_filter": frozenset[str](), "tokenizer": self.builtin.tokenizers, "filter": self.builtin.filters}
        return name in known[kind]

    def chained(self) -> dict[str, tuple[Chain, ...]]:
        """Chains of every analyzer, languages first, by language code or analyzer name."""
        return {name: entry.chains for name, entry in (*self.languages.items(), *self.analyzers.items())}


def load(path: Path = TABLE) -> Table:
    """Reads and checks a table; raises ConfigurationError with every mistake found."""
    try:
        table = Table.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path.name} is not TOML: {error}.") from error
    except ValidationError as error:
        lines = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ConfigurationError(f"{path.name}: {'; '.join(lines)}.", remedy="Correct the named entries.") from error
    if mistakes := list(_mistakes(table)):
        raise ConfigurationError(f"{path.name}: {'; '.join(mistakes)}.", remedy="Correct the named entries.")
    return table


@cache
def table() -> Table:
    """The platform's own table."""
    return load()


def _mistakes(table: Table) -> Iterator[str]:
    yield from _wrong_components(table)
    for name, chains in table.chained().items():
        for position, chain in enumerate(chains):
            yield from _wrong_chain(table, f"{name}.chains[{position}]", chain)
        if not stands_without_plugins(table, chains[-1]):
            yield f"{name}: the last chain must work without plugins"
    for name, normalizer in table.normalizers.items():
        yield from _unknown(table, f"normalizers.{name}", "char_filter", normalizer.char_filters)
        yield from _unknown(table, f"normalizers.{name}", "filter", normalizer.filters)
    if clash := table.languages.keys() & table.analyzers.keys():
        yield f"both language and analyzer: {', '.join(sorted(clash))}"
    owners: dict[str, str] = {code: code for code in table.languages}
    for code, entry in table.languages.items():
        if entry.exact not in table.analyzers:
            yield f"languages.{code}.exact: no analyzer {entry.exact}"
        for alias in entry.aliases:
            if owners.setdefault(alias, code) != code or alias == code:
                yield f"languages.{code}.aliases: {alias} is already {owners[alias]}"


def _wrong_components(table: Table) -> Iterator[str]:
    kinds: tuple[Kind, ...] = ("char_filter", "tokenizer", "filter")
    for kind in kinds:
        for name, component in table.components(kind).items():
            where = f"{kind}.{name}"
            if component.needs is not None and component.needs not in table.plugins:
                yield f"{where}.needs: no plugin {component.needs}"
            if component.instead is not None and component.needs is None:
                yield f"{where}.instead: has no meaning without needs"
            yield from _unknown(table, f"{where}.instead", kind, component.instead or ())
            for substitute in component.instead or ():
                other = table.components(kind).get(substitute)
                if other is not None and other.needs == component.needs:
                    yield f"{where}.instead: {substitute} needs the same plugin"
            for key, file in component.from_file.items():
                try:
                    words.read(FOLDER / "words" / file, key, component.spelling)
                except ConfigurationError as error:
                    yield f"{where}.from_file: {error}"


def _wrong_chain(table: Table, where: str, chain: Chain) -> Iterator[str]:
    yield from _unknown(table, where, "char_filter", chain.char_filters)
    yield from _unknown(table, where, "tokenizer", (chain.tokenizer,))
    yield from _unknown(table, where, "filter", (*chain.filters, *chain.search_filters))
    if stray := chain.search_drop - set(chain.filters):
        yield f"{where}.search_drop: not among its filters: {', '.join(sorted(stray))}"
    if chain.search is not None and chain.search_drop:
        yield f"{where}: search and search_drop exclude each other"


def _unknown(table: Table, where: str, kind: Kind, names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        if name not in table.components(kind) and not table.is_builtin(kind, name):
            yield f"{where}: no {kind} {name}"


def stands_without_plugins(table: Table, chain: Chain) -> bool:
    """Whether the chain can be built, substitutes allowed, on a cluster that has none of the plugins."""
    used = (
        *(table.char_filter.get(name) for name in chain.char_filters),
        table.tokenizer.get(chain.tokenizer),
        *(table.filter.get(name) for name in (*chain.filters, *chain.search_filters)),
    )
    return all(c is None or c.needs is None or c.instead is not None for c in used)
