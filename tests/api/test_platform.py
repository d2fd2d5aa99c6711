"""What those who run the platform learn of its engines and its use, and that nobody else does."""

from __future__ import annotations

import datetime as dt

import pytest
from opensearchpy.exceptions import ConnectionError
from sqlalchemy import insert, select

from api.access.model import Role
from store.ingest import Delivery
from store.usage import UsageDay
from tests.platforms import Platform

pytestmark = pytest.mark.asyncio(loop_scope="session")

TODAY = dt.datetime.now(dt.UTC).date()


async def test_the_engines_tell_what_fills_them_and_what_waits(platform: Platform) -> None:
    async with platform.client(platform.key(None, Role.PLATFORM_STEWARD)) as client:
        answer = await client.get("/v1/platform/engines")
    told = answer.json()
    assert answer.status_code == 200
    node = told["search"]["nodes"][0]
    assert 0 < node["heap_used"] <= node["heap_most"]
    assert 0 < node["disk_free"] <= node["disk_total"]
    assert node["shards"] >= 5
    indices = {entry["right"]: entry for entry in told["search"]["indices"]}
    assert {entry["name"] for entry in told["search"]["indices"]} == {
        f"{platform.settings.index_prefix}-{right}-v1" for right in indices
    }
    assert indices["patent"]["documents"] == 5
    assert indices["patent"]["size"] > 0
    assert {entry["health"] for entry in indices.values()} <= {"green", "yellow"}
    assert told["store"]["size"] > 1_000_000
    assert 1 <= told["store"]["connections"] <= told["store"]["most_connections"]
    assert len({table["name"] for table in told["store"]["tables"]}) == 8
    assert told["store"]["queue"]["depth"] == 0
    assert told["versions"]["opensearch"].startswith("3.")
    assert told["embedder"] == platform.settings.embedder


async def test_an_engine_that_is_away_is_null_and_the_other_is_told(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*given: object, **named: object) -> None:
        raise ConnectionError("N/A", "refused", OSError("refused"))

    monkeypatch.setattr(platform.services.engine.client.transport, "perform_request", refused)
    key = platform.key(None, Role.PLATFORM_STEWARD)
    async with platform.client(key) as client:
        told = (await client.get("/v1/platform/engines")).json()
    assert told["search"] is None
    assert told["versions"]["opensearch"] is None
    assert told["store"]["version"]


async def test_use_is_counted_by_office_and_day(platform: Platform) -> None:
    reader, steward = platform.key("QU"), platform.key(None, Role.PLATFORM_STEWARD)
    async with platform.client(reader) as client:
        await client.get("/v1/search?q=battery&size=2")
        first = (await client.get("/v1/search?q=battery&size=1")).json()
        await client.get("/v1/search", params={"cursor": first["cursor"]})
        await client.get("/v1/search?q=battery&size=0")
        await client.get("/v1/records/QA.patent.QA0000001.A1")
        await client.get("/v1/records/none")
        ordered = await client.post("/v1/exports", json={"search": {"q": "battery"}, "format": "csv"})
        assert ordered.status_code == 202
    with platform.database.session() as session:
        session.add(Delivery(provider="QU", collection="x", name="x", digest="usage", state="done"))
    async with platform.client(steward) as client:
        told = (await client.get("/v1/platform/usage", params={"office": "QU"})).json()
        table = await client.get("/v1/platform/usage.csv", params={"office": "QU", "by": "month"})
        everybody = (await client.get("/v1/platform/usage")).json()
    # Pages after the first, and counts without results, are no searches of their own.
    counts = {"searches": 2, "records": 1, "exports": 1, "deliveries": 1}
    assert told["lines"] == [{"period": TODAY.isoformat(), "office": "QU", **counts}]
    assert table.text == f"period,office,searches,records,exports,deliveries\r\n{TODAY:%Y-%m},QU,2,1,1,1\r\n"
    assert table.headers["content-type"].startswith("text/csv")
    assert told["lines"][0] in everybody["lines"]


async def test_days_become_months_and_a_span_has_its_bounds(platform: Platform) -> None:
    rows = [(dt.date(2025, 3, 30), 5), (dt.date(2025, 3, 31), 7), (dt.date(2025, 4, 1), 11)]
    with platform.database.session() as session:
        session.execute(
            insert(UsageDay), [{"day": d, "office": "QV", "measure": "searches", "number": n} for d, n in rows]
        )
    async with platform.client(platform.key(None, Role.PLATFORM_STEWARD)) as client:
        span = {"since": "2025-03-31", "until": "2025-04-01", "office": "QV"}
        days = (await client.get("/v1/platform/usage", params=span)).json()["lines"]
        months = (await client.get("/v1/platform/usage", params={**span, "since": "2025-01-01", "by": "month"})).json()
        backwards = await client.get("/v1/platform/usage", params={"since": "2025-04-02", "until": "2025-04-01"})
        endless = await client.get("/v1/platform/usage", params={"since": "1900-01-01"})
    assert [(line["period"], line["searches"]) for line in days] == [("2025-03-31", 7), ("2025-04-01", 11)]
    assert [(line["period"], line["searches"]) for line in months["lines"]] == [("2025-03", 12), ("2025-04", 11)]
    assert backwards.status_code == endless.status_code == 400
    assert "366 days" in endless.json()["remedy"]


async def test_an_office_sees_its_own_use_and_no_other_s(platform: Platform) -> None:
    async with platform.client(platform.key("QW")) as client:
        await client.get("/v1/search?q=battery&size=2")
    async with platform.client(platform.key("QW", Role.OFFICE_AGENT)) as client:
        lines = (await client.get("/v1/usage")).json()["lines"]
        assert [(line["office"], line["searches"]) for line in lines] == [("QW", 1)]
        assert (await client.get("/v1/usage", params={"office": "QU"})).json()["lines"] == lines
        assert (await client.get("/v1/usage.csv")).text.count("QW") == 1
        for path in ("engines", "usage", "usage.csv"):
            assert (await client.get(f"/v1/platform/{path}")).status_code == 403
    async with platform.client(platform.key(None, Role.AUDITOR)) as client:
        assert (await client.get("/v1/usage")).status_code == 403
    async with platform.client() as client:
        assert (await client.get("/v1/usage")).status_code == 401


async def test_what_could_not_be_written_waits(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    used = platform.services.used
    used.add("QY", "searches", 3)
    with monkeypatch.context() as patch:
        patch.setattr(platform.database, "session", lambda: (_ for _ in ()).throw(OSError("away")))
        with pytest.raises(OSError):
            used.write(platform.database)
    used.add("QY", "searches", 4)
    used.write(platform.database)
    used.write(platform.database)
    with platform.database.session() as session:
        assert session.scalar(select(UsageDay.number).where(UsageDay.office == "QY")) == 7
