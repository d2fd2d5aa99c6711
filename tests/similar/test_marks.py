"""Word marks like one: by sound, look, script and meaning, with reasons, within the caller's rights."""

from __future__ import annotations

from typing import Any

import pytest

from api.search.similar.compare import compare
from indexer.marks.keys import fields
from indexer.marks.looks import shape
from indexer.marks.sounds import readings
from tests.platforms import Platform, told
from tests.similar.world import mark

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def ask(platform: Platform, **given: Any) -> dict[str, Any]:
    async with platform.client() as client:
        answer = await client.get("/v1/marks/similar", params=given)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def named(found: dict[str, Any]) -> list[str]:
    return [hit["mark"] for hit in found["hits"]]


async def test_kola_in_class_32_live(signs: Platform) -> None:
    found = await ask(signs, mark="KOLA", nice="32", status="live")
    assert named(found)[:2] == ["COLA", "Kola Fresh"]
    assert not {"KORA", "COLLA", "ORANGINO"} & set(named(found)), "ended, of an unrelated class, unlike"
    cola, fresh = found["hits"][:2]
    assert cola["parts"] == {"sound": 1.0, "look": 0.705, "goods": 1.0}
    assert {r["part"] for r in cola["reasons"]} == {"sound", "look", "goods"}
    goods = next(r for r in fresh["reasons"] if r["part"] == "goods")
    assert (goods["wanted"], goods["found"]) == ("32", "30")
    assert "soft drinks" in goods["note"]
    assert cola["record"]["id"] == cola["id"]
    assert cola["score"] > fresh["score"]
    everything = await ask(signs, mark="KOLA", nice="32", classes="all", min_score=0.5)
    assert {"KORA", "COLLA"} <= set(named(everything))
    unrelated = next(hit for hit in everything["hits"] if hit["mark"] == "COLLA")
    assert unrelated["score"] < unrelated["sign"]
    assert unrelated["parts"]["goods"] == 0
    assert "KORA" in named(await ask(signs, mark="KOLA", nice="32", status="dead"))


async def test_an_arabic_star_by_sound_and_by_meaning(signs: Platform) -> None:
    found = await ask(signs, mark="نجمة", nice="30")
    by_name = {hit["mark"]: hit for hit in found["hits"]}
    assert by_name["NEJMA"]["reasons"][0]["part"] == "sound"
    for other in ("STAR", "スター"):
        assert by_name[other]["reasons"][0]["part"] == "meaning", other
    assert "نجمة الشرق" in by_name
    assert "NAJRAN" not in by_name
    assert "START" not in by_name
    assert any("star" in terms["terms"]["en"] for terms in found["meanings"])


async def test_a_mark_of_two_words_by_meaning(signs: Platform) -> None:
    found = await ask(signs, mark="EL TORO ROJO", nice="32")
    assert {"RED BULL", "赤い牛"} <= set(named(found)[:3])
    assert not {"BLUE BULL", "RED FOX"} & set(named(found))
    why = next(hit for hit in found["hits"] if hit["mark"] == "RED BULL")["reasons"][0]
    assert why["part"] == "meaning"
    assert why["language"] == "en"
    assert set(why["found"].split()) == {"red", "bull"}


async def test_a_nickname_is_a_suggestion_and_nothing_else(signs: Platform) -> None:
    found = await ask(signs, mark="별다방", nice="43")
    assert found["suggestions"] == [{"mark": "STARBUCKS", "kind": "nickname", "language": "ko"}]
    assert "STARBUCKS" not in named(found)
    assert (await ask(signs, mark="STARBUCKS", nice="43"))["suggestions"] == []


async def test_look_alikes_in_other_letters(signs: Platform) -> None:
    found = await ask(signs, mark="MODERN")
    assert set(named(found)[:3]) == {"MODERN", "rnodern", "МОДЕРН"}
    assert next(hit for hit in found["hits"] if hit["mark"] == "rnodern")["parts"]["look"] == 1.0
    assert next(hit for hit in found["hits"] if hit["mark"] == "МОДЕРН")["parts"]["sound"] == 1.0


async def test_a_translation_that_the_office_states(signs: Platform) -> None:
    hits = {hit["mark"]: hit for hit in (await ask(signs, mark="PETIT RENARD", nice="3"))["hits"]}
    assert hits["ZORRILLO"]["reasons"][0]["part"] == "meaning"


async def test_filters(signs: Platform) -> None:
    assert named(await ask(signs, mark="MODERN", offices="QX")) == ["MODERN"], "the office that a mark designates"
    assert named(await ask(signs, mark="LUMINEX")) == ["LUMINEX", "LUMINEKS"]
    assert named(await ask(signs, mark="LUMINEX", status="live")) == ["LUMINEX", "LUMINEKS"], "not known to have ended"
    assert named(await ask(signs, mark="LUMINEX", filed_from="2015-01-01")) == ["LUMINEKS"]
    assert named(await ask(signs, mark="LUMINEX", filed_to="2015-01-01")) == ["LUMINEX"]
    async with signs.client() as client:
        answer = await client.post("/v1/marks/similar", json={"mark": "LUMINEX", "filters": {"filing_year": ["2022"]}})
        assert [hit["mark"] for hit in answer.json()["hits"]] == ["LUMINEKS"]


async def test_pages_follow_one_another(signs: Platform) -> None:
    whole = await ask(signs, mark="KOLA", min_score=0.3, size=6)
    parts = [await ask(signs, mark="KOLA", min_score=0.3, size=2, offset=at) for at in (0, 2, 4)]
    assert [hit["id"] for hit in whole["hits"]] == [hit["id"] for part in parts for hit in part["hits"]]
    assert whole["total"] == parts[0]["total"] >= 6
    assert whole["complete"]


@pytest.mark.parametrize(
    "given",
    [
        {"mark": "?!"},
        {"mark": "KOLA", "nice": "46"},
        {"mark": "KOLA", "nice": "drinks"},
        {"mark": "KOLA", "status": "alive"},
        {"mark": "K" * 201},
        {"mark": "KOLA", "size": "1000"},
        {"mark": "KOLA", "filed_from": "last year"},
    ],
)
async def test_what_cannot_be_asked_is_refused_in_words(signs: Platform, given: dict[str, str]) -> None:
    async with signs.client() as client:
        answer = await client.get("/v1/marks/similar", params=given)
    assert answer.status_code in (400, 422)
    assert answer.json()["detail"]


async def test_odd_marks_are_answered(signs: Platform) -> None:
    for odd in ("A", "1", "ß", "一", "the", "\u202eALOK", "KOLA\0", "x" * 200, " ".join(["kola"] * 40), "🂡7"):
        assert (await ask(signs, mark=odd))["mark"] == odd


async def test_hidden_marks_leave_no_trace(signs: Platform) -> None:
    """Neither hits nor totals, scores or `complete` tell of marks that the caller may not see, however many."""
    async with signs.client() as client:

        async def answers() -> list[Any]:
            found = []
            for given in ({"mark": "KOLA"}, {"mark": "KOLA", "nice": "32"}, {"mark": "EL TORO ROJO", "min_score": 0.2}):
                answer = await client.get("/v1/marks/similar", params=given)
                body = answer.json()
                body.pop("took_ms")
                found.append((answer.status_code, {**told(answer), "content-length": ""}, body))
            return found

        before = await answers()
        hidden = [mark(1000 + n, text, 32, provider="QB") for n in range(80) for text in ("KOLA", "RED BULL", "COLA")]
        hidden = [mark(2000 + n, r.texts[0].text, 32, provider="QB") for n, r in enumerate(hidden)]
        await signs.index(hidden)
        try:
            assert await answers() == before
        finally:
            await signs.remove(hidden)
    assert all(hit["id"].startswith("qa-") for _, _, body in before for hit in body["hits"])


def spoken(word: str) -> dict[str, str]:
    return {reading.language: reading.sounds for reading in readings(word)}


@pytest.mark.parametrize(
    ("word", "language", "sounds"),
    [
        ("light", "en", "lait"),
        ("photo", "fr", "foto"),
        ("château", "fr", "Sato"),
        ("schumann", "de", "Suman"),
        ("quick", "es", "kik"),
        ("junho", "pt", "Zunyo"),
        ("gnocchi", "it", "nyoki"),
        ("звезда", "ru", "zvezda"),
        ("スター", "ja", "star"),
        ("콜라", "ko", "kora"),
        ("可乐", "zh", "kele"),
        ("نجمة", "ar", "nJm"),
        ("שלום", "he", "slm"),
        ("c0la", "en", "kola"),
    ],
)
async def test_words_are_read_by_each_languages_rules(word: str, language: str, sounds: str) -> None:
    assert spoken(word)[language] == sounds


async def test_letters_that_look_alike_are_one() -> None:
    assert shape("C0LA") == shape("COLA") == shape("СОLА") == "cola"
    assert shape("modern") == shape("rnodern")
    assert shape("wave") == shape("vvave")


async def test_the_index_holds_keys_of_the_mark_and_of_its_words() -> None:
    held = fields(["Kola Fresh"])
    assert {"kr", "frs"} <= set(held["mark_sound"])
    assert {"l_k", "lla", "sku", "k_k"} <= set(held["mark_grams"].split())
    assert {"c金", "c鹰"} <= set(fields(["金鹰"])["mark_grams"].split()), "each ideograph is a word"
    assert fields(["!!", ""]) == {}


@pytest.mark.parametrize(
    ("nearer", "than"),
    [
        (("KOLA", "COLA"), ("KOLA", "KORA")),
        (("KOLA", "KOLA FRESH"), ("KOLA", "FRESH")),
        (("KOLA", "KOLA COMPANY"), ("KOLA", "KOLA TORNADO")),
        (("STARBUCKS", "スターバックス"), ("STARBUCKS", "STARLUX")),
        (("WHITE HORSE", "CHEVAL BLANC"), ("WHITE HORSE", "WHISPER")),
        (("SOL", "SUN"), ("SOL", "SON")),
        (("PHARMIX", "FARMIKS"), ("PHARMIX", "PHARAOH")),
        (("ADIDAS", "ADIBAS"), ("ADIDAS", "ADVISOR")),
    ],
)
async def test_what_is_nearer(nearer: tuple[str, str], than: tuple[str, str]) -> None:
    one, other = compare(*nearer), compare(*than)
    assert one is not None
    assert other is not None
    assert one.sign > other.sign, (one, other)
