"""Suggestions: what goes on as it was typed, among what the caller sees."""

from __future__ import annotations

from typing import Any

import pytest

from api.search.classes import LANGUAGES, classes, title_of, titled
from tests.platforms import Platform

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def suggested(platform: Platform, text: str, kind: str | None = None, **params: Any) -> list[dict[str, Any]]:
    async with platform.client(params.pop("key", None)) as client:
        given = {"q": text, **({"kind": kind} if kind else {}), **params}
        answer = await client.get("/v1/suggest", params=given)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["suggestions"])


def counts(entries: list[dict[str, Any]]) -> dict[str, int]:
    return {entry["value"]: entry["count"] for entry in entries}


async def test_names_by_any_of_their_words_in_any_script_and_case(platform: Platform) -> None:
    assert counts(await suggested(platform, "hit", "name")) == {"Hitorelle Ltd": 3}
    assert counts(await suggested(platform, "eclat", "name")) == {"Société Éclat": 1}
    assert counts(await suggested(platform, "societe ec", "name")) == {"Société Éclat": 1}
    assert counts(await suggested(platform, "日立", "name")) == {"日立架空製作所": 1}
    (entry,) = await suggested(platform, "HITO", "name")
    assert entry["roles"] == {"applicant": 3}
    async with platform.client() as client:
        found = await client.get("/v1/search", params={"q": entry["query"], "mode": "keyword"})
    assert found.json()["total"] == 3


async def test_marks_are_shown_as_they_are_written(platform: Platform) -> None:
    assert counts(await suggested(platform, "kola", "mark")) in (
        {"KOLAVITA": 2, "Kola Bear": 1},
        {"Kolavita": 2, "Kola Bear": 1},
    )
    assert counts(await suggested(platform, "bea", "mark")) == {"Kola Bear": 1}


async def test_classes_by_symbol_and_by_title_in_the_callers_language(platform: Platform) -> None:
    by_symbol = await suggested(platform, "F25", "class", language="de")
    assert counts(by_symbol) == {"F25": 2, "F25B": 2, "F25B 30/00": 1, "F25B 49/00": 1}
    assert counts(await suggested(platform, "f25b 30/0", "class")) == {"F25B 30/02": 1}
    by_title = await suggested(platform, "beverage", "class")
    assert [(entry["value"], entry["scheme"], entry["count"]) for entry in by_title] == [("32", "NICE", 2)]
    (entry,) = await suggested(platform, "напит", "class", language="ru")
    assert entry["title"] == "Пиво, безалкогольные напитки"
    async with platform.client() as client:
        found = await client.get("/v1/search", params={"q": entry["query"], "mode": "keyword"})
    assert found.json()["total"] == 2


async def test_fields_and_words(platform: Platform) -> None:
    assert [entry["value"] for entry in await suggested(platform, "app", "field")] == ["applicant", "application"]
    words = await suggested(platform, "hea", "term")
    assert {"heat", "heating", "hearing"} <= set(counts(words))
    assert not {"heather", "heatsink"} & set(counts(words))
    known = {entry["value"]: entry for entry in words if entry["exact"]}
    assert known["heat pump"]["count"] == 2


async def test_nothing_comes_of_nothing(platform: Platform) -> None:
    assert await suggested(platform, "") == []
    assert await suggested(platform, "  ?! ") == []
    async with platform.client() as client:
        assert (await client.get("/v1/suggest", params={"q": "x" * 150})).status_code == 400
        assert (await client.get("/v1/suggest", params={"q": "x", "kind": "everything"})).status_code in (400, 422)


async def test_hidden_records_suggest_nothing(platform: Platform) -> None:
    for text in ("hith", "hits", "kolas", "heather", "heatsink", "A01D", "H05K", "13", "weapons"):
        for entry in await suggested(platform, text):
            assert entry["kind"] == "field" or "hid" not in entry["value"].lower(), entry
            assert entry["value"] not in ("A01D", "H05K", "13", "KOLASECRET", "Hitstub SA", "heatsink", "heather")
    own = await suggested(platform, "hit", "name", key=platform.key("QD"))
    assert counts(own) == {"Hitorelle Ltd": 4, "Hithidden AG": 1}


async def test_all_kinds_are_one_round_trip(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = platform.services.engine
    # What occurs is asked anew by the clock, as often as the machine is slow: here it is asked now and stays known.
    engine.forget()
    await engine.languages()
    monkeypatch.setattr("api.search.engine.OCCURRING_KEPT_S", 600)
    original = engine.client.transport.perform_request
    sent = []

    async def watching(method: str, path: str, *rest: Any, **options: Any) -> Any:
        sent.append(path)
        return await original(method, path, *rest, **options)

    engine.client.transport.perform_request = watching
    try:
        await suggested(platform, "heat")
    finally:
        engine.client.transport.perform_request = original
    assert sent == ["/_msearch"]


async def test_titles_of_classes() -> None:
    assert len(classes("nice")) == 45
    assert len(classes("locarno")) == 32
    assert set("ABCDEFGH") <= set(classes("ipc"))
    for scheme in ("nice", "locarno"):
        for entry in classes(scheme).values():
            assert set(entry.titles) == set(LANGUAGES)
    assert all(classes("ipc")[section].titles.keys() == set(LANGUAGES) for section in "ABCDEFGH")
    assert title_of("ipc", "H01M 10/0525") == classes("ipc")["H01M"].title("en")
    assert title_of("cpc", "H01Z") == classes("ipc")["H01"].title("fr")
    assert title_of("locarno", "14-02", "de") == "Aufzeichnung, Telekommunikation, Datenverarbeitung"
    assert title_of("nice", "99") is None
    assert titled("nice", "bier") == ("32", "33")
