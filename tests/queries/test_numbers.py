"""Any way of writing a number finds the record, one or thousands at a time, and only what the caller may know of."""

from __future__ import annotations

import httpx
import pytest

from tests.platforms import Platform

pytestmark = pytest.mark.asyncio(loop_scope="session")

WRITINGS = [
    ("JP05-142789", "JP.patent.JPH05142789.A"),
    ("特開平5-142789", "JP.patent.JPH05142789.A"),
    ("US 2009/0220659", "US.patent.US20090220659.A1"),
    ("US20090220659A1", "US.patent.US20090220659.A1"),
    ("US2009220659A1", "US.patent.US20090220659.A1"),
    ("PCT/GB02/04635", "WO.patent.WO2003035123.A1"),
    ("EP 1 234 567 B1", "EP.patent.EP1234567.B1"),
    ("EP1234567B1", "EP.patent.EP1234567.B1"),
    ("DE801283B", "DE.patent.DE801283.C"),
]


async def found(client: httpx.AsyncClient, **asked: str) -> list[str]:
    answer = await client.get("/v1/search", params={"mode": "keyword", **asked})
    assert answer.status_code == 200, answer.text
    return [hit["id"] for hit in answer.json()["hits"]]


@pytest.mark.parametrize(("typed", "record"), WRITINGS)
async def test_a_number_finds_its_record_however_it_is_written(platform: Platform, typed: str, record: str) -> None:
    async with platform.client() as client:
        assert (await found(client, q=typed))[0] == record
        assert record in await found(client, q=f'number:"{typed}"')
        assert record in await found(client, q=f'ALLNUM:"{typed}"', dialect="patentscope")
        assert record in await found(client, q=f'num="{typed}"', dialect="espacenet")


async def test_a_written_kind_code_is_meant(platform: Platform) -> None:
    """An A and a B of one Japanese number are two inventions."""
    async with platform.client() as client:
        assert await found(client, q='number:"特開平5-142789"') == ["JP.patent.JPH05142789.A"]
        assert len(await found(client, q='number:"JP05-142789"')) == 2
        assert await found(client, q="PN:US20090220659A1", dialect="patentscope") == ["US.patent.US20090220659.A1"]


async def test_numbers_are_looked_up_by_the_thousand(platform: Platform) -> None:
    typed = [text for text, _ in WRITINGS] + [f"EP{n}" for n in range(2_000_000, 2_001_200)] + ["no number"]
    async with platform.client() as client:
        answer = await client.post("/v1/records/lookup", json={"numbers": typed})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert [number["typed"] for number in told["numbers"]] == typed
    for number, (_, record) in zip(told["numbers"], WRITINGS, strict=False):
        assert record in [held["id"] for held in number["records"]]
    assert (told["found"], told["missing"]) == (len(WRITINGS), 1_201)
    german = told["numbers"][8]
    assert (german["canonical"], german["kind"]) == ("DE801283", "C")
    assert german["notes"][0] == "DE801283B is DE801283C"
    japanese = told["numbers"][1]
    assert [held["id"] for held in japanese["other_kinds"]] == ["JP.patent.JPH05142789.B2"]
    assert told["numbers"][-1]["canonical"] is None


async def test_a_hidden_number_is_one_that_there_is_not(platform: Platform) -> None:
    async with platform.client() as client:
        hidden = await client.post("/v1/records/lookup", json={"numbers": ["QZ0000001"]})
        missing = await client.post("/v1/records/lookup", json={"numbers": ["QZ0000002"]})
    async with platform.client(platform.key("QZ")) as client:
        own = await client.post("/v1/records/lookup", json={"numbers": ["QZ0000001"]})
    assert hidden.json() == {**missing.json(), "numbers": hidden.json()["numbers"]}
    assert hidden.json()["numbers"][0]["records"] == []
    assert [held["id"] for held in own.json()["numbers"][0]["records"]] == ["QZ.patent.QZ0000001.A1"]


async def test_a_look_up_is_written_to_the_audit(platform: Platform) -> None:
    import psycopg

    async with platform.client(platform.key("QA")) as client:
        await client.post("/v1/records/lookup", json={"numbers": ["EP1234567"]})
    address = platform.settings.database_url.get_secret_value().replace("+psycopg", "")
    with psycopg.connect(address) as connection:
        rows = connection.execute("select count(*) from audit where action = 'lookup' and office = 'QA'").fetchone()
    assert rows is not None
    assert rows[0] >= 1
