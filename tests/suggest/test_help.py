"""Where a search finds nothing: words perhaps meant, and the condition at fault, by what the caller sees alone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.platforms import Platform

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def ask(platform: Platform, key: str | None = None, **given: Any) -> dict[str, Any]:
    async with platform.client(key) as client:
        answer = await client.post("/v1/search", json={"mode": "keyword", "facets": [], **given})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def meant(found: dict[str, Any]) -> list[tuple[str, int]]:
    return [(entry["q"], entry["count"]) for entry in found.get("help", {}).get("did_you_mean", ())]


async def test_a_word_misspelt_is_corrected_where_it_stands(platform: Platform) -> None:
    found = await ask(platform, q="heat AND refrigerent office:QA")
    assert (found["total"], meant(found)) == (0, [("heat AND refrigerant office:QA", 1)])
    (change,) = found["help"]["did_you_mean"][0]["changes"]
    assert change == {"written": "refrigerent", "meant": "refrigerant", "language": "en"}
    cql = await ask(platform, q='ti="heat pummp" and pn=QA*', dialect="espacenet")
    assert meant(cql) == [('ti="heat pump" and pn=QA*', 2)]


async def test_names_and_marks_are_corrected_too(platform: Platform) -> None:
    assert meant(await ask(platform, q="applicant:Hitorele")) == [("applicant:Hitorelle", 3)]
    assert meant(await ask(platform, q="mark:Kolawida")) == [("mark:KOLAVITA", 2)]


async def test_a_proposal_is_counted_with_all_that_the_search_asks_for(platform: Platform) -> None:
    asked = {"q": "hearingg"}
    assert meant(await ask(platform, **asked)) == [("Hearing", 1)]
    assert meant(await ask(platform, **asked, filters={"office": ["QA"]})) == []
    assert meant(await ask(platform, **asked, exclude={"office": ["QB"]})) == []


async def test_hidden_records_propose_nothing(platform: Platform) -> None:
    """`harvestr` and `Hithiden` are near to words of closed records, `Heatsynk` to one that may only be known to exist;
    who may read them is helped."""
    for q in ("harvestr", "applicant:Hithiden", "mark:KOLASECRED", "title:Heatsynk"):
        assert "help" not in await ask(platform, q=q), q
    own = platform.key("QD")
    assert meant(await ask(platform, own, q="harvestr")) == [("harvester", 1)]
    assert meant(await ask(platform, own, q="applicant:Hithiden")) == [("applicant:Hithidden", 1)]


async def test_words_that_are_there_are_left_alone(platform: Platform) -> None:
    assert meant(await ask(platform, q="heat separator")) == []
    assert "help" not in await ask(platform, q="heat pump")
    assert "help" not in await ask(platform, q="refrigerent", help=False)


async def test_hybrid_results_that_the_words_did_not_bring_are_helped_too(platform: Platform) -> None:
    found = await ask(platform, q="controlller pumpp", mode="hybrid")
    assert meant(found) == [("controller pump", 1)]
    assert found["total"] > 0
    assert found["help"]["without"] == []


async def test_the_condition_at_fault_is_named(platform: Platform) -> None:
    asked = {"filters": {"status": ["terminated"], "office": ["QA"]}, "exclude": {"year": ["2020"]}}
    found = await ask(platform, q="title:heat ipc:F25B", **asked)
    told = [(w["kind"], w["part"], w["values"], w["q"], w["count"]) for w in found["help"]["without"]]
    assert found["total"] == 0
    assert told == [
        ("filter", "status", ["terminated"], "title:heat ipc:F25B", 1),
        ("exclude", "year", ["2020"], "title:heat ipc:F25B", 1),
    ]
    parts = (await ask(platform, q="title:heat AND ipc:H04R"))["help"]["without"]
    assert [(w["part"], w["position"], w["q"], w["count"]) for w in parts] == [
        ("ipc:H04R", 19, "title:heat", 3),
        ("title:heat", 6, "ipc:H04R", 1),
    ]


async def test_counts_of_conditions_are_of_what_is_read(platform: Platform) -> None:
    """QD's heat pump counts for QD and for nobody else; QB's legal status, which is closed, can only be left out."""
    asked = {"q": "ipc:F25B title:hidden", "filters": {"office": ["QA"]}}
    everybody = (await ask(platform, **asked))["help"]["without"]
    assert {entry["part"]: entry["count"] for entry in everybody} == {"title:hidden": 2}
    own = (await ask(platform, platform.key("QD"), **asked))["help"]["without"]
    assert {entry["part"]: entry["count"] for entry in own}["office"] == 1
    status = await ask(platform, q="title:hearing status:active office:QB")
    assert {entry["part"]: entry["count"] for entry in status["help"]["without"]} == {"status:active": 1}


async def test_values_of_a_facet_by_what_they_contain(platform: Platform) -> None:
    async with platform.client() as client:
        asked = {"mode": "keyword", "facets": "applicant", "size": 0}

        async def values(**more: str) -> dict[str, int]:
            answer = await client.get("/v1/search", params={**asked, **more})
            assert answer.status_code == 200, answer.text
            return {bucket["value"]: bucket["count"] for bucket in answer.json()["facets"]["applicant"]}

        assert await values(**{"applicant~": "TORELL"}) == {"Hitorelle Ltd": 3}
        assert await values(**{"applicant~": "^eclat"}) == {}
        assert await values(**{"applicant~": "eclat"}) == {"Société Éclat": 1}
        assert await values(**{"applicant~": "^societe"}) == {"Société Éclat": 1}
        assert await values(**{"applicant~": "架空"}) == {"日立架空製作所": 1}
        assert await values(**{"applicant~": "hit", "q": "title:pump"}) == {"Hitorelle Ltd": 2}
        assert await values(**{"applicant~": "hidden"}) == {}
        assert await values(**{"applicant~": '.*"(a|b)@<>~&#'}) == {}
        chosen = {"applicant~": "hit", "applicant": "Sample Works"}
        assert await values(**chosen) == {"Hitorelle Ltd": 3}
        refused = await client.get("/v1/search", params={**asked, "facets": "year", "year~": "20"})
        wrong = await client.post("/v1/search", json={"facets": ["year"], "facet_values": {"year": "20"}})
    assert refused.status_code == 422
    assert wrong.status_code == 400


async def test_a_facet_says_how_exact_it_is_and_what_it_leaves_out(platform: Platform) -> None:
    found = await ask(platform, q="", facets=["applicant", "year"], facet_size=1)
    (first,) = found["facets"]["applicant"]
    assert first == {"value": "Hitorelle Ltd", "count": 3}
    assert found["facet_bounds"]["applicant"] == {"error": 0, "rest": 5}
    assert found["facet_bounds"]["year"]["rest"] == 7
    none = await ask(platform, platform.key("QD"), q="title:nothing", facets=["applicant"])
    assert none["facet_bounds"] == {"applicant": {"error": 0, "rest": 0}}
