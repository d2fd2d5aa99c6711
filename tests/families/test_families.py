"""Families: what belongs together, by priorities alone, and how its members stand to one another."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from indexer.families import application_key, links, simple_key
from indexer.record import FamilyReference, RelationType
from tests.families.world import CLOSED, EXISTENCE, OPEN, filing, ids
from tests.platforms import Platform, told

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def family(platform: Platform, record_id: str, kind: str = "simple", key: str | None = None) -> dict[str, Any]:
    async with platform.client(key) as client:
        answer = await client.get(f"/v1/records/{record_id}/family", params={"kind": kind})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_simple_and_extended_are_kept_apart(platform: Platform) -> None:
    """FR claims nothing; EP and US claim FR; a second US filing claims FR and EP."""
    fr = filing(OPEN, 101, "FR0110001", publication="FR2862000", title="Vanne")
    ep = filing(OPEN, 102, "EP04110002", ["FR0110001"])
    us = filing(OPEN, 103, "US10110003", ["FR0110001"])
    both = filing(OPEN, 104, "US11110004", ["FR0110001", "EP04110002"])
    other = filing(OPEN, 105, "JP2004110005", ["DE10110006"])
    await platform.index([fr, ep, us, both, other])

    for start in (fr, ep, us):
        assert ids((await family(platform, start.id))["members"]) == {fr.id, ep.id, us.id}
        assert ids((await family(platform, start.id, "extended"))["members"]) == {fr.id, ep.id, us.id, both.id}
    assert ids((await family(platform, both.id))["members"]) == {both.id}
    answer = await family(platform, fr.id, "extended")
    assert (answer["records"], answer["publications"], answer["applications"]) == (4, 4, 4)
    assert answer["complete"] is True
    assert answer["offices"] == [{"value": "US", "count": 2}, {"value": "EP", "count": 1}, {"value": "FR", "count": 1}]
    assert answer["priorities"] == [
        {"number": "EP04110002", "office": "EP", "date": "2017-06-01", "type": None, "claimed_by": 1},
        {"number": "FR0110001", "office": "FR", "date": "2017-06-01", "type": None, "claimed_by": 3},
    ]
    first = next(m for m in answer["members"] if m["id"] == fr.id)
    assert first["publication"] == {"number": "FR2862000", "raw": "2862000", "date": "2020-01-01"}
    assert first["application"]["date"] == "2018-06-01"
    assert first["titles"] == {"en": "Vanne"}


async def test_one_priority_that_nobody_holds_still_connects(platform: Platform) -> None:
    one, other = filing(OPEN, 111, "EP04111001", ["BE0111000"]), filing(OPEN, 112, "US10111002", ["BE0111000"])
    await platform.index([one, other])
    assert ids((await family(platform, one.id))["members"]) == {one.id, other.id}


async def test_how_members_stand_to_one_another(platform: Platform) -> None:
    day = dt.date
    a1 = filing(OPEN, 121, "EP05121000", kind="A1", publication="EP1121000", published=day(2006, 1, 4))
    a8 = filing(OPEN, 121, "EP05121000", kind="A8", publication="EP1121000", published=day(2006, 9, 6))
    b1 = filing(OPEN, 121, "EP05121000", kind="B1", publication="EP1121000", published=day(2008, 3, 5))
    b9 = filing(OPEN, 121, "EP05121000", kind="B9", publication="EP1121000", published=day(2009, 3, 4))
    divisional = filing(
        OPEN, 122, "EP07122000", published=day(2007, 5, 2), relations={RelationType.DIVISIONAL_OF: "EP05121000"}
    )
    await platform.index([a1, a8, b1, b9, divisional])

    simple = await family(platform, a1.id)
    assert ids(simple["members"]) == {a1.id, a8.id, b1.id, b9.id}
    assert (simple["records"], simple["applications"]) == (4, 1)
    answer = await family(platform, divisional.id, "extended")
    said = {member["id"]: member["relations"] for member in answer["members"]}
    assert said == {
        a1.id: [],
        a8.id: [{"type": "corrects", "to": a1.id, "by": "numbers"}],
        b1.id: [{"type": "stage-of", "to": a1.id, "by": "numbers"}],
        b9.id: [{"type": "corrects", "to": b1.id, "by": "numbers"}],
        divisional.id: [{"type": "divisional-of", "to": a1.id, "by": "stated"}],
    }


async def test_what_providers_state_stands_apart(platform: Platform) -> None:
    stated = FamilyReference(identifier="031131000", definition="docdb-simple", provider=OPEN)
    one = filing(OPEN, 131, "EP04131001", ["FR0131000"]).model_copy(update={"families": (stated,)})
    claimed_elsewhere = filing(OPEN, 132, "US10131002", ["DE0131009"]).model_copy(update={"families": (stated,)})
    await platform.index([one, claimed_elsewhere])
    answer = await family(platform, one.id, "extended")
    assert ids(answer["members"]) == {one.id}
    assert answer["stated"] == [
        {"provider": OPEN, "definition": "docdb-simple", "identifier": "031131000", "records": 1}
    ]


async def test_an_application_that_entered_the_national_phase_is_the_international_one(platform: Platform) -> None:
    wo = filing(OPEN, 141, "FR2014141000W", office="WO", publication="WO2015141000")
    us = filing(OPEN, 142, "US15141002").model_copy()
    us = us.model_copy(update={"numbers": (*us.numbers, *wo.numbers[1:])})
    await platform.index([wo, us])
    assert ids((await family(platform, us.id))["members"]) == {wo.id, us.id}
    assert simple_key(us) == simple_key(wo)
    assert application_key(us) != application_key(wo)


async def test_a_japanese_number_of_a_utility_model_is_not_that_of_a_patent() -> None:
    patent, model = filing(OPEN, 151, "JP2004151000", kind="A"), filing(OPEN, 152, "JP2004151000", kind="U")
    assert links(patent) == ("JP2004151000",)
    assert links(model) == ("JP2004151000U",)
    assert simple_key(patent) != simple_key(model)


async def test_a_hidden_record_connects_nothing(platform: Platform) -> None:
    """A and C hang together only over B. Who may not see B gets, byte for byte, what is there without it."""
    a = filing(OPEN, 161, "FR0161001")
    c = filing(OPEN, 162, "EP05162001", ["DE0162000"])
    await platform.index([a, c])
    paths = [f"/v1/records/{record.id}/family?kind={kind}" for record in (a, c) for kind in ("simple", "extended")]
    async with platform.client() as client:
        before = [(await client.get(path)).content for path in paths]
    for provider in (CLOSED, EXISTENCE):
        b = filing(provider, 163, "US11163000", ["FR0161001", "DE0162000"])
        await platform.index([b])
        async with platform.client() as client:
            assert [(await client.get(path)).content for path in paths] == before
        key = platform.key(provider)
        own = await family(platform, b.id, "extended", key)
        assert ids(own["members"]) == {a.id, b.id, c.id}
        await platform.remove([b])


async def test_hidden_and_missing_look_the_same(platform: Platform) -> None:
    hidden, stub = filing(CLOSED, 171, "FR0171001"), filing(EXISTENCE, 172, "FR0171001")
    await platform.index([hidden, stub])
    async with platform.client() as client:
        missing = await client.get("/v1/records/qc-patent-x.FR9999999.A1/family")
        answer = await client.get(f"/v1/records/{hidden.id}/family")
        assert (answer.status_code, answer.content, told(answer)) == (404, missing.content, told(missing))
        known = (await client.get(f"/v1/records/{stub.id}/family")).json()
        wrong = await client.get(f"/v1/records/{stub.id}/family", params={"kind": "large"})
    assert (known["record"], known["members"], known["priorities"], known["stated"]) == (None, [], [], [])
    assert wrong.status_code in (400, 422)
