"""Queries cut down to the fields that have anything in them find what they found before."""

from __future__ import annotations

import time
from typing import Any

import pytest

from api.access.scope import NOTHING
from api.search.occurring import Occurring, base, pruned
from indexer.record import Right
from tests.platforms import Platform, make_record

HELD = frozenset({"title.en", "abstract.en", "applicant.name"})


def words(*fields: str) -> dict[str, Any]:
    return {"multi_match": {"query": "battery", "fields": list(fields)}}


@pytest.mark.parametrize(
    ("name", "counted"),
    [
        ("title.en^4", "title.en"),
        ("title.en.exact", "title.en"),
        ("applicant.name.latin^2", "applicant.name"),
        ("mark.phonetic^0.3", "mark"),
        ("mark_feature", None),
        ("office", None),
        ("applicant.country", None),
        ("title.*", None),
    ],
)
def test_a_field_is_counted_by_the_one_it_is_a_twin_of(name: str, counted: str | None) -> None:
    assert base(name) == counted


@pytest.mark.parametrize(
    ("query", "cut"),
    [
        (words("title.en^4", "title.de^4", "office"), words("title.en^4", "office")),
        (words("title.de", "goods.en"), NOTHING),
        ({"prefix": {"title.de.exact": {"value": "x"}}}, NOTHING),
        ({"term": {"office": "EP"}}, {"term": {"office": "EP"}}),
        ({"bool": {"must": [words("title.en"), words("title.de")]}}, NOTHING),
        ({"bool": {"must_not": [words("title.de")]}}, {"bool": {"must_not": []}}),
        ({"bool": {"should": [words("title.en"), words("title.de")]}}, {"bool": {"should": [words("title.en")]}}),
        ({"bool": {"should": [words("title.de")]}}, NOTHING),
        ({"bool": {"should": [words("title.en"), words("title.de")], "minimum_should_match": 2}}, NOTHING),
        (
            {"bool": {"filter": [{"term": {"office": "EP"}}], "should": [words("title.de")]}},
            {"bool": {"filter": [{"term": {"office": "EP"}}], "should": []}},
        ),
        (
            {"bool": {"should": [words("title.en"), words("title.de")], "minimum_should_match": "50%"}},
            {"bool": {"should": [words("title.en"), NOTHING], "minimum_should_match": "50%"}},
        ),
        (
            {"dis_max": {"queries": [words("title.de"), words("title.en")]}},
            {"dis_max": {"queries": [words("title.en")]}},
        ),
        ({"constant_score": {"filter": words("title.de"), "boost": 2}}, NOTHING),
        ({"exists": {"field": "abstract.de"}}, NOTHING),
    ],
)
def test_only_clauses_that_cannot_match_are_cut(query: dict[str, Any], cut: dict[str, Any]) -> None:
    assert pruned(query, HELD) == cut


def test_each_index_is_asked_for_its_own_fields() -> None:
    held = Occurring(None, ("en",), {"p-patent": HELD, "p-gi": HELD, "p-trademark": frozenset({"mark"})})
    fitted = held.fitted(words("title.en", "mark"))
    assert fitted["bool"]["should"] == [
        {"bool": {"filter": [{"terms": {"_index": ["p-gi", "p-patent"]}}], "must": [words("title.en")]}},
        {"bool": {"filter": [{"terms": {"_index": ["p-trademark"]}}], "must": [words("mark")]}},
    ]
    assert held.fitted(words("title.en", "mark"), frozen=True) == words("title.en", "mark")
    assert held.fitted_to(words("title.en", "title.de", "mark"), "p-patent", ["en"]) == words("title.en")


@pytest.mark.asyncio(loop_scope="session")
async def test_the_first_record_with_a_field_is_found_by_it_at_once(multilingual: Platform) -> None:
    """Neither the right, nor the language, nor the field had anything in it before."""
    asked = {"q": "title:soljeni", "mode": "keyword"}
    record = make_record("QA", 70, "Soljeni riblji proizvod", right=Right.GI, language="hr")
    multilingual.policy("qa-gi-x", "content")
    async with multilingual.client() as client:
        assert (await client.get("/v1/search", params=asked)).json()["total"] == 0
        await multilingual.index([record])
        try:
            assert (await client.get("/v1/search", params=asked)).json()["total"] == 1
        finally:
            await multilingual.remove([record])


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("mode", ["keyword", "hybrid"])
async def test_a_cut_query_answers_as_the_whole_one(
    multilingual: Platform, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    engine = multilingual.services.engine
    asked = {"q": "refrigerant heat pump", "mode": mode, "expand": "broad", "facets": ["office", "language", "year"]}
    async with multilingual.client(multilingual.key("QB")) as client:
        cut = (await client.post("/v1/search", json=asked)).json()
        nothing_known = Occurring(None, await engine.languages())
        monkeypatch.setattr(engine, "_occurring", (time.monotonic() + 60, nothing_known))
        whole = (await client.post("/v1/search", json=asked)).json()
    for answer in (cut, whole):
        del answer["took_ms"], answer["cursor"]
    assert cut == whole
    assert cut["total"] >= 4
