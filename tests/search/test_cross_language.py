"""A query in one language finds what exists only in another, says by which terms, and lets them be edited."""

from __future__ import annotations

from typing import Any

import pytest

from tests.platforms import Platform

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def search(platform: Platform, **asked: Any) -> dict[str, Any]:
    async with platform.client() as client:
        answer = await client.post("/v1/search", json=asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def offices(found: dict[str, Any]) -> list[str]:
    return [hit["record"]["office"] for hit in found["hits"]]


async def test_one_query_finds_the_invention_in_every_language_it_may_be_seen_in(multilingual: Platform) -> None:
    found = await search(multilingual, q="refrigerant leak heat pump")
    assert sorted(offices(found)[:4]) == ["QA", "QB", "QC", "QD"]


async def test_each_hit_says_the_language_the_term_and_what_of_the_query_it_stands_for(multilingual: Platform) -> None:
    found = await search(multilingual, q="heat pump refrigerant")
    german = next(hit for hit in found["hits"] if "Wärmepumpe" in str(hit["record"]["texts"]))
    terms = [reason for reason in german["why"] if reason["by"] == "expansion"]
    reason = {"by": "expansion", "field": "title", "language": "de", "source": "heat pump", "words": ["Wärmepumpe"]}
    assert reason in terms
    near = [reason for reason in german["why"] if reason["by"] == "vector"]
    assert near
    assert 0 < near[0]["similarity"] <= 1
    marked = [part for parts in german["highlights"].values() for part in parts]
    assert any("<em>Wärmepumpe</em>" in part for part in marked)


async def test_the_terms_come_back_and_edited_ones_are_used_instead(multilingual: Platform) -> None:
    first = await search(multilingual, q="rotary hammer", mode="keyword", expand="broad")
    assert set(offices(first)) == {"QB", "QC"}
    terms = first["expansion"]["terms"]
    assert terms[0]["source"] == "rotary hammer"
    assert "Bohrhammer" in terms[0]["terms"]["de"]
    terms[0]["terms"] = {"fr": ["marteau perforateur"]}
    second = await search(multilingual, q="rotary hammer", mode="keyword", expand="broad", expansion=terms)
    assert offices(second) == ["QC"]
    assert second["expansion"]["terms"] == terms


async def test_none_means_the_words_themselves(multilingual: Platform) -> None:
    found = await search(multilingual, q="rotary hammer", mode="keyword")
    assert found["total"] == 0
    assert "expansion" not in found


async def test_precise_finds_no_more_than_broad(multilingual: Platform) -> None:
    precise = await search(multilingual, q="jackhammer vibration", mode="keyword", expand="precise")
    broad = await search(multilingual, q="jackhammer vibration", mode="keyword", expand="broad")
    assert offices(precise) == ["QB"]
    assert set(offices(precise)) < set(offices(broad))


async def test_conditions_bind_what_the_terms_bring(multilingual: Platform) -> None:
    found = await search(multilingual, q="heat pump office:QC")
    assert set(offices(found)) == {"QC"}
    assert "ヒートポンプ" in str(found["hits"][0]["record"]["texts"])


async def test_a_closed_record_is_neither_found_nor_counted_by_terms(multilingual: Platform) -> None:
    found = await search(multilingual, q="тепловой насос", mode="keyword", expand="broad", facets=["language"])
    assert "QE" not in offices(found)
    assert found["total"] == 3 + ("QA" in offices(found))
    assert all(bucket["value"] != "ru" for bucket in found["facets"]["language"])


async def test_a_record_found_by_terms_counts_in_total_and_facets(multilingual: Platform) -> None:
    found = await search(multilingual, q="Kältemittel", facets=["office"], mode="hybrid")
    assert sum(bucket["count"] for bucket in found["facets"]["office"]) == found["total"] >= len(found["hits"])


async def test_pages_of_a_fused_list_have_every_result_once(multilingual: Platform) -> None:
    whole = await search(multilingual, q="heat pump", size=50)
    seen = []
    page = await search(multilingual, q="heat pump", size=2)
    while True:
        seen += [hit["id"] for hit in page["hits"]]
        if page["cursor"] is None:
            break
        page = await search(multilingual, cursor=page["cursor"])
    assert seen == [hit["id"] for hit in whole["hits"]]
    assert len(seen) == whole["total"]


async def test_a_term_that_is_mark_up_or_a_wildcard_is_only_text(multilingual: Platform) -> None:
    terms = [{"source": "x", "terms": {"de": ["*", "title.de:Wärmepumpe OR 1", "/.*/"]}}]
    found = await search(multilingual, q="x", mode="keyword", expand="broad", expansion=terms)
    assert found["total"] == 0
