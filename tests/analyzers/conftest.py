"""Indices with the platform's analysis settings on the running engine, and the pairs that must and must not meet."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

import analyzers

PAIRS = Path(__file__).with_name("pairs.tsv")
FAMILIES = Path(__file__).with_name("families.tsv")


@dataclass(frozen=True)
class Pair:
    """A row of pairs.tsv; `needs` is the plugin without which the relation does not hold, or empty."""

    analyzer: str
    relation: str
    text: str
    query: str
    why: str
    needs: str


def read_pairs() -> list[Pair]:
    rows = [line for line in PAIRS.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return [Pair(*(*row.split("\t"), "")[:6]) for row in rows]


def read_families() -> dict[str, list[list[str]]]:
    """Language → families of forms of one word."""
    families: dict[str, list[list[str]]] = {}
    for line in FAMILIES.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            language, forms = line.split("\t")
            families.setdefault(language, []).append(forms.split())
    return families


@dataclass(frozen=True)
class Index:
    """An index on the engine whose analyzers can be asked."""

    client: httpx.Client
    name: str
    analyzers: Collection[str]
    asked: dict[tuple[str, str], list[set[str]]] = field(default_factory=dict)

    def tokens(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        answer = self.client.post(f"/{self.name}/_analyze", json=body)
        assert answer.status_code == 200, f"{body}: {answer.text}"
        found: list[dict[str, Any]] = answer.json()["tokens"]
        return found

    def terms(self, analyzer: str, text: str) -> list[set[str]]:
        """Terms by position: those of one position are readings of one word."""
        if (analyzer, text) not in self.asked:
            positions: dict[int, set[str]] = {}
            for token in self.tokens({"analyzer": analyzer, "text": text}):
                positions.setdefault(token["position"], set()).add(token["token"])
            self.asked[analyzer, text] = list(positions.values())
        return self.asked[analyzer, text]

    def holds(self, pair: Pair) -> bool:
        in_text = set[str]().union(*self.terms(f"concord_{pair.analyzer}", pair.text))
        twin = f"concord_{pair.analyzer}_search"
        words = self.terms(twin if twin in self.analyzers else f"concord_{pair.analyzer}", pair.query)
        found = [bool(readings & in_text) for readings in words]
        return bool(found) and all(found) if pair.relation == "meet" else not any(found)


@pytest.fixture(scope="session")
def engine(opensearch_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=opensearch_url, timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def make_index(engine: httpx.Client, index_prefix: str) -> Iterator[Callable[[Collection[str]], Index]]:
    """Creates an index with the settings for a cluster that has the given plugins; one index a set of plugins."""
    made: dict[frozenset[str], Index] = {}

    def make(available: Collection[str]) -> Index:
        key = frozenset(available)
        if key not in made:
            name = f"{index_prefix}-analyzers-{len(made)}"
            settings = {"number_of_shards": 1, "number_of_replicas": 0, "analysis": analyzers.settings(key)}
            answer = engine.put(f"/{name}", json={"settings": {"index": settings}})
            assert answer.status_code == 200, answer.text
            made[key] = Index(engine, name, settings["analysis"]["analyzer"])
        return made[key]

    yield make
    for index in made.values():
        engine.delete(f"/{index.name}")


@pytest.fixture(scope="session")
def full(make_index: Callable[[Collection[str]], Index]) -> Index:
    return make_index(analyzers.ALL)


@pytest.fixture(scope="session")
def bare(make_index: Callable[[Collection[str]], Index]) -> Index:
    """As on a cluster without any plugin."""
    return make_index(())
