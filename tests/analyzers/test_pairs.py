"""What must meet meets and what must not does not, through the engine's own `_analyze`."""

from __future__ import annotations

from collections import Counter

import pytest

import analyzers
from tests.analyzers.conftest import Index, Pair, read_families, read_pairs

PAIRS = read_pairs()
FAMILIES = read_families()
NAMES = list(dict.fromkeys(pair.analyzer for pair in PAIRS))


def wrong(index: Index, pairs: list[Pair]) -> list[str]:
    return [f"{p.text} | {p.query}: must {p.relation} ({p.why})" for p in pairs if not index.holds(p)]


@pytest.mark.parametrize("name", NAMES)
def test_pairs_with_every_plugin(full: Index, name: str) -> None:
    assert wrong(full, [pair for pair in PAIRS if pair.analyzer == name]) == []


@pytest.mark.parametrize("name", NAMES)
def test_pairs_on_a_cluster_without_plugins(bare: Index, name: str) -> None:
    assert wrong(bare, [pair for pair in PAIRS if pair.analyzer == name and not pair.needs]) == []


@pytest.mark.parametrize("language", FAMILIES)
def test_forms_of_a_word_meet(full: Index, language: str) -> None:
    apart = []
    for first, *others in FAMILIES[language]:
        for text, query in [(first, other) for other in others] + [(other, first) for other in others]:
            if not full.holds(Pair(language, "meet", text, query, "", "")):
                apart.append(f"{text} | {query}")
    assert apart == []


def test_a_plugin_is_named_only_where_it_is_needed(bare: Index) -> None:
    assert [pair for pair in PAIRS if pair.needs and bare.holds(pair)] == []
    assert {pair.needs for pair in PAIRS} - {""} <= analyzers.ALL


def test_every_language_has_pairs_enough() -> None:
    count = Counter((pair.analyzer, pair.relation) for pair in PAIRS)
    for language in analyzers.languages():
        meet, apart = (6, 3) if language.code in analyzers.PCT_LANGUAGES else (4, 2)
        assert count[language.code, "meet"] >= meet, language.code
        assert count[language.code, "apart"] >= apart, language.code


def test_pairs_name_analyzers_that_exist() -> None:
    known = analyzers.settings()["analyzer"]
    assert [
        pair for pair in PAIRS if f"concord_{pair.analyzer}" not in known or pair.relation not in ("meet", "apart")
    ] == []
