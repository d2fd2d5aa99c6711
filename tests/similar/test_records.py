"""Records like a record, and like a passage of text: reasons, filters, and nothing of what is hidden."""

from __future__ import annotations

from typing import Any

import pytest

from tests.platforms import Platform, make_record, told
from tests.similar.world import GERMAN_PUMP, PUMP

pytestmark = pytest.mark.asyncio(loop_scope="session")

PASSAGE = (
    "The heat pump has a circuit for the refrigerant. When a leak is detected by the sensor, the valve closes and a "
    "fan dilutes the gas that has escaped."
)


async def ask(platform: Platform, path: str, **given: Any) -> dict[str, Any]:
    async with platform.client() as client:
        answer = await client.post(path, json=given) if given.get("text") else await client.get(path, params=given)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ids(found: dict[str, Any]) -> list[str]:
    return [hit["id"] for hit in found["hits"]]


async def test_a_records_likes_are_found_across_languages_with_reasons(signs: Platform) -> None:
    found = await ask(signs, f"/v1/records/{PUMP}/similar", size=3)
    assert found["source"] == PUMP
    assert PUMP not in ids(found)
    assert ids(found)[0] == GERMAN_PUMP
    german = {reason["by"]: reason for reason in found["hits"][0]["reasons"]}
    assert german["vector"]["similarity"] > 0.3
    assert "heat pump → warmepumpe" in german["terms"]["values"]
    assert german["classes"]["values"] == ["F25B 30/02"]
    by_words = [reason for hit in found["hits"] for reason in hit["reasons"] if reason["by"] == "words"]
    assert any("refrigerant" in reason["values"] for reason in by_words)


async def test_a_passage_of_text(signs: Platform) -> None:
    found = await ask(signs, "/v1/search/similar", text=PASSAGE)
    assert found["source"] is None
    assert found["language"] == "en"
    assert set(ids(found)[:2]) == {PUMP, GERMAN_PUMP}
    german = await ask(signs, "/v1/search/similar", text=PASSAGE, languages=["de"])
    assert ids(german)[0] == GERMAN_PUMP
    assert all(hit["id"].startswith("QA.patent.QA000010") for hit in german["hits"])


async def test_filters(signs: Platform) -> None:
    pumps = await ask(signs, "/v1/search/similar", text=PASSAGE, classes={"ipc": ["F25B"]})
    assert set(ids(pumps)) == {PUMP, GERMAN_PUMP}
    assert pumps["total"] == 2
    late = await ask(signs, f"/v1/records/{PUMP}/similar", published_from="2021-01-01")
    assert ids(late) == ["QA.patent.QA0000103.A1"]
    none = await ask(signs, f"/v1/records/{PUMP}/similar", offices="XX")
    assert (none["total"], none["hits"]) == (0, [])
    marks = await ask(signs, "/v1/search/similar", text="soft drinks", rights=["trademark"])
    assert all(hit["record"]["right"] == "trademark" for hit in marks["hits"])


async def test_hidden_missing_and_unreadable_sources_look_the_same(signs: Platform) -> None:
    answers = []
    async with signs.client() as client:
        for record in ("QB.patent.QB0000100.A1", "QB.patent.QB9999999.A1", "qc-trademark-x.QC000000050"):
            answer = await client.get(f"/v1/records/{record}/similar")
            answers.append((answer.status_code, told(answer), answer.content))
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0] == 404


async def test_hidden_likes_leave_no_trace(signs: Platform) -> None:
    async def answers() -> list[Any]:
        found = [await ask(signs, f"/v1/records/{PUMP}/similar"), await ask(signs, "/v1/search/similar", text=PASSAGE)]
        for body in found:
            body.pop("took_ms")
        return found

    before = await answers()
    hidden = [make_record("QB", 2000 + n, "Heat pump with leak sensor", abstract=PASSAGE) for n in range(150)]
    await signs.index(hidden)
    try:
        assert await answers() == before
    finally:
        await signs.remove(hidden)


@pytest.mark.parametrize(
    "given",
    [{"text": "?!"}, {"text": "pump", "rights": ["song"]}, {"text": "pump", "classes": {"dewey": ["1"]}}, {"text": ""}],
)
async def test_what_cannot_be_asked_is_refused(signs: Platform, given: dict[str, Any]) -> None:
    async with signs.client() as client:
        answer = await client.post("/v1/search/similar", json=given)
    assert answer.status_code in (400, 422)
