"""Queries that examiners put in ten languages, each with what a correct answer needs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.platforms import Platform

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def ask(
    platform: Platform, q: str, dialect: str = "concord", mode: str = "keyword", **more: Any
) -> dict[str, Any]:
    async with platform.client() as client:
        answer = await client.post("/v1/search", json={"q": q, "dialect": dialect, "mode": mode, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def numbers(found: dict[str, Any]) -> set[str]:
    return {hit["id"].split(".")[2] for hit in found["hits"]}


async def test_ar1_article_and_vowel_signs(platform: Platform) -> None:
    """A phrase sees through vowel signs; words also through the article."""
    phrase = await ask(platform, 'AR_TI:("خلية شمسية") AND DP:[2015 TO 2024]', "patentscope")
    words = await ask(platform, "AR_TI:(خلية شمسية) AND DP:[2015 TO 2024]", "patentscope")
    assert numbers(phrase) == {"SA10001", "SA10002"}
    assert numbers(words) == {"SA10001", "SA10002", "SA10007"}


async def test_ar3_a_university_by_its_name(platform: Platform) -> None:
    assert numbers(await ask(platform, "PA:(جامعة الملك سعود)", "patentscope")) == {"SA10005"}
    assert numbers(await ask(platform, 'pa="king saud university"', "espacenet")) == {"SA10005"}


async def test_zh1_segmentation_and_other_scripts(platform: Platform) -> None:
    found = await ask(platform, "锂离子电池 隔膜", mode="hybrid", size=5)
    assert {"CN101000001", "TW201000002", "EP3000001"} <= numbers(found)


async def test_zh2_the_firm_and_not_its_sister(platform: Platform) -> None:
    assert numbers(await ask(platform, "PA:华为技术有限公司", "patentscope")) == {"CN101000003"}
    assert numbers(await ask(platform, "applicant:(Huawei Technologies)")) == {"CN101000003"}


async def test_en1_a_true_distance_and_subgroups(platform: Platform) -> None:
    found = await ask(platform, 'EN_AB:("heat pump refrigerant"~5) AND IC:F25B', "patentscope")
    assert numbers(found) == {"GB2500001"}


async def test_en2_both_writings_of_an_american_number(platform: Platform) -> None:
    long = await ask(platform, "PN:US20090220659A1", "patentscope")
    short = await ask(platform, "PN:US2009220659A1", "patentscope")
    assert numbers(long) == numbers(short) == {"US20090220659"}


async def test_fr1_expanded_terms_can_be_edited(platform: Platform) -> None:
    found = await ask(platform, "marteau perforateur", mode="hybrid", size=5)
    assert {"FR2862000", "US10000001", "DE102010000001"} <= numbers(found)
    assert found["expansion"]["language"] == "fr"


async def test_de1_compounds_are_taken_apart(platform: Platform) -> None:
    assert numbers(await ask(platform, "title:(Bremse Kraftfahrzeug)")) == {"AT500001", "CH700001"}
    assert numbers(await ask(platform, "title:Kraftfahrzeugbremse title:Belueftung")) == {"CH700001"}
    near = await ask(platform, "Kraftfahrzeugbremse", mode="hybrid", size=5)
    assert {"AT500001", "CH700001"} <= numbers(near)


async def test_de2_an_old_kind_code(platform: Platform) -> None:
    assert numbers(await ask(platform, "DE801283B")) == {"DE801283"}


async def test_ja1_the_a_document_and_not_the_b(platform: Platform) -> None:
    found = await ask(platform, "特開平5-142789")
    ids = [hit["id"] for hit in found["hits"]]
    assert ids[0] == "JP.patent.JPH05142789.A"
    assert "JP.patent.JPH05142789.B2" not in ids


async def test_ja2_the_firm_and_not_its_subsidiaries(platform: Platform) -> None:
    assert numbers(await ask(platform, "applicant:株式会社日立製作所")) == {"JP2010000001"}
    assert numbers(await ask(platform, 'pa="Hitachi Ltd"', "espacenet")) == {"JP2010000001"}


async def test_ko1_spaces_and_other_scripts(platform: Platform) -> None:
    found = await ask(platform, "자율주행 차량 라이다", mode="hybrid", size=5)
    assert {"KR1020180000001", "US20180000001"} <= numbers(found)


async def test_pt1_accents_are_folded(platform: Platform) -> None:
    found = await ask(platform, "OF:BR AND PT_AB:(válvula cardíaca)", "patentscope")
    assert numbers(found) == {"BRPI0507004"}


async def test_pt2_an_international_design_that_designates_brazil(platform: Platform) -> None:
    found = await ask(platform, "Cadeira locarno:06-01 designated:BR")
    assert numbers(found) == {"WODM076123"}


async def test_ru1_inflected_words(platform: Platform) -> None:
    assert numbers(await ask(platform, "способ очистки сточных вод")) == {"RU2300001", "EA010001"}


async def test_ru2_the_legal_form_does_not_matter(platform: Platform) -> None:
    assert numbers(await ask(platform, "applicant:(ООО «Яндекс»)")) == {"RU2300002"}
    assert numbers(await ask(platform, "applicant:Yandex")) == {"RU2300002"}


async def test_es1_facets_count_what_is_found(platform: Platform) -> None:
    found = await ask(platform, "ES_TI:(martillo) ANDNOT minería", "patentscope", facets=["office"])
    assert numbers(found) == {"MX2010000001", "PE20100001"}
    assert {bucket["value"]: bucket["count"] for bucket in found["facets"]["office"]} == {"MX": 1, "PE": 1}
    assert found["total"] == 2


async def test_a_facet_can_be_chosen_from_and_left_out(platform: Platform) -> None:
    asked = {"q": "ES_TI:martillo", "dialect": "patentscope", "facets": ["office"]}
    some = await ask(platform, **asked, filters={"office": ["MX", "PE"]})
    without = await ask(platform, **asked, exclude={"office": ["MX"], "ipc_class": ["E21"]})
    async with platform.client() as client:
        same = await client.get("/v1/search?q=title.es:martillo&mode=keyword&office!=MX&ipc_class!=E21&facets=office")
    assert numbers(some) == {"MX2010000001", "PE20100001"}
    assert {bucket["value"] for bucket in some["facets"]["office"]} == {"ES", "MX", "PE"}
    assert numbers(without) == numbers(same.json()) == {"PE20100001"}
    assert [bucket["value"] for bucket in without["facets"]["office"]] == ["PE"]
