"""The routes: who is told what of quality, coverage and freshness, and who sees a reported error."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio

from api.access.model import Permission, Role
from indexer.coverage.load import load_authority_file
from indexer.record import Record
from samples.authority import Line, text
from tests.platforms import ALL_GROUPS, Platform
from tests.review_quality.world import World, at, doubt, held

pytestmark = pytest.mark.asyncio(loop_scope="session")

DAY = dt.date(2020, 5, 6)
OPEN, STUBS, CLOSED = "EP", "JP", "US"


@dataclass
class Told:
    platform: Platform
    world: World
    keys: dict[str, str]
    open: Record
    stub: Record
    closed: Record

    def client(self, name: str | None) -> httpx.AsyncClient:
        return self.platform.client(self.keys[name] if name else None)

    async def get(self, name: str | None, path: str, **params: Any) -> httpx.Response:
        async with self.client(name) as client:
            return await client.get(path, params=params)

    async def post(self, name: str | None, path: str, **body: Any) -> httpx.Response:
        async with self.client(name) as client:
            return await client.post(path, json=body)

    async def report(self, name: str, record: Record, words: str = "The title is wrong.") -> int:
        answer = await self.post(name, "/v1/error-reports", record=record.id, text=words, field="title")
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def told(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Told]:
    """EP open, JP shows existence, US is closed; each has an authority file of two numbers and holds one of them."""
    records = [
        held(office, "11000001" if office == "US" else "1000001" if office == "EP" else "2005000001", kind, DAY)
        for office, kind in ((OPEN, "A1"), (STUBS, "A"), (CLOSED, "B2"))
    ]
    records = [r.model_copy(update={"findings": (doubt("date-sentinel", "error"),)}) for r in records]
    await platform.index(records)
    world = World(platform.database)
    folder = tmp_path_factory.mktemp("authority")
    for record in records:
        world.deliver([record], received=at("2020-06-01"), provider=record.provider)
        number = record.numbers[0].raw
        lines = [Line(record.office, n, record.kind or "", DAY) for n in (number, str(int(number) + 1))]
        (folder / f"{record.office}.txt").write_text(text(lines), "utf-8")
        load_authority_file(platform.database, folder / f"{record.office}.txt", by="test")
    platform.policy("ep-patent-x", "content", groups=ALL_GROUPS)
    platform.policy("jp-patent-x", "existence")
    platform.policy("us-patent-x", "none")
    keys = {
        "examiner": platform.key("BR", Role.EXAMINER),
        "other-examiner": platform.key("BR", Role.EXAMINER),
        "other-quality": platform.key("BR", Role.DATA_QUALITY),
        "platform-steward": platform.key("BR", Role.PLATFORM_STEWARD),
        "ep-examiner": platform.key("EP", Role.EXAMINER),
        "ep-quality": platform.key("EP", Role.DATA_QUALITY),
        "ep-narrow": platform.key("EP", Role.DATA_QUALITY, permissions=[Permission.SEARCH, Permission.VIEW]),
        "ep-steward": platform.key("EP", Role.PROVIDER_STEWARD),
        "us-steward": platform.key("US", Role.PROVIDER_STEWARD),
    }
    yield Told(platform, world, keys, *records)


async def test_coverage_tells_each_caller_of_what_it_reads(told: Told) -> None:
    async def offices(name: str | None) -> dict[str, tuple[int, float]]:
        answer = await told.get(name, "/v1/coverage")
        assert answer.status_code == 200, answer.text
        return {row["office"]: (row["held"], row["coverage"]) for row in answer.json()["authority"]}

    assert await offices(None) == {"EP": (1, 0.5)}
    assert await offices("examiner") == {"EP": (1, 0.5)}
    assert await offices("us-steward") == {"EP": (1, 0.5), "US": (1, 0.5)}
    for office, count in (("EP", 1), ("JP", 0), ("US", 0)):
        answer = await told.get("examiner", "/v1/coverage/gaps", office=office)
        assert [row["number"] for row in answer.json()["gaps"]] == ["EP1000002"][:count]
    files = (await told.get("examiner", "/v1/coverage/authority-files")).json()
    assert [entry["office"] for entry in files["files"]] == ["EP"]
    assert sorted(files["exceptions"]) == list("CDEMNPRUWX")


async def test_freshness_tells_each_caller_of_what_it_reads(told: Told) -> None:
    for name, expected in ((None, ["EP"]), ("examiner", ["EP"]), ("us-steward", ["EP", "US"])):
        answer = (await told.get(name, "/v1/freshness")).json()
        assert [row["office"] for row in answer["freshness"]] == expected
        assert [row["collection"] for row in answer["schedules"]] == [f"{o.lower()}-patent-x" for o in expected]
        assert answer["freshness"][0]["lag_median"] == 26.0


async def test_a_steward_declares_the_schedule_of_its_own_collections(told: Told) -> None:
    async def put(name: str, collection: str, every: str = "weekly") -> int:
        async with told.client(name) as client:
            return (await client.put(f"/v1/collections/{collection}/schedule", json={"every": every})).status_code

    assert await put("ep-steward", "ep-patent-x") == 200
    assert await put("ep-steward", "us-patent-x") == 404
    assert await put("ep-steward", "ep-patent-x", "sometimes") == 400
    assert await put("platform-steward", "ep-patent-x") == 404
    assert await put("examiner", "ep-patent-x") == 403
    row = (await told.get(None, "/v1/freshness")).json()["schedules"][0]
    assert (row["every"], row["due"], row["overdue"]) == ("weekly", "2020-06-08", True)


async def test_findings_are_for_the_providers_own_people(told: Told) -> None:
    assert (await told.get(None, "/v1/quality")).status_code == 401
    assert (await told.get("platform-steward", "/v1/quality")).status_code == 403
    mine = (await told.get("ep-quality", "/v1/quality")).json()
    assert [(row["rule"], row["findings"]) for row in mine["rules"]] == [("date-sentinel", 1)]
    assert [row["collection"] for row in mine["collections"]] == ["ep-patent-x"]
    assert (await told.get("other-quality", "/v1/quality")).json()["rules"] == []
    found = (await told.get("ep-quality", "/v1/quality/findings", record=told.open.id)).json()
    assert [row["rule"] for row in found["findings"]] == ["date-sentinel"]
    for record in (told.open, told.closed):
        answer = (await told.get("other-quality", "/v1/quality/findings", record=record.id)).json()
        assert answer == {"findings": [], "next": None}
    assert (await told.get("other-quality", "/v1/quality/findings", delivery=1)).json()["findings"] == []


async def test_reports_come_as_json_csv_and_ready_for_a_page(told: Told) -> None:
    answer = await told.get("ep-quality", "/v1/quality", format="csv", sheet="deliveries")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    (line,) = list(csv.DictReader(io.StringIO(answer.text)))
    assert (line["collection"], line["errors"], line["rate"]) == ("x", "1", "1000.0")
    page = (await told.get(None, "/v1/coverage", format="page", sheet="authority")).json()
    assert [column["key"] for column in page["sections"][0]["columns"]][:3] == ["office", "kind", "year"]
    assert page["sections"][0]["rows"][0][:3] == ["EP", "A1", 2020]
    assert (await told.get(None, "/v1/coverage", sheet="nothing")).status_code == 400
    table = (await told.get(None, "/v1/quality/rules")).json()["rules"]
    assert len(table) >= 40
    assert all(row["explanation"] and row["fix"] for row in table)


# ---------------------------------------------------------------------------------------------------- error reports


async def test_a_report_goes_to_the_queue_and_back_and_forth(told: Told) -> None:
    number = await told.report("examiner", told.open)
    queue = (await told.get("ep-quality", "/v1/error-reports", state="open")).json()["reports"]
    assert [entry["id"] for entry in queue] == [number]
    path = f"/v1/error-reports/{number}/messages"
    assert (await told.post("ep-quality", path, text="Which word?")).json()["state"] == "answered"
    assert (await told.post("examiner", path, text="The third.")).json()["state"] == "open"
    late = await told.post("ep-steward", path, text="No.", decision="declined", expected="answered")
    assert late.status_code == 409
    done = (await told.post("ep-steward", path, text="Corrected.", decision="corrected", expected="open")).json()
    assert (done["state"], done["closed"] is not None) == ("corrected", True)
    seen = (await told.get("examiner", f"/v1/error-reports/{number}")).json()
    assert [(m["side"], m["text"], m["state"]) for m in seen["messages"]] == [
        ("reporter", "The title is wrong.", "open"),
        ("provider", "Which word?", "answered"),
        ("reporter", "The third.", "open"),
        ("provider", "Corrected.", "corrected"),
    ]
    assert (await told.post("examiner", path, text="Not yet.")).json()["state"] == "open"


async def test_only_the_two_sides_know_of_a_report(told: Told) -> None:
    number = await told.report("examiner", told.open)
    missing = (await told.get("examiner", "/v1/error-reports/999999")).content
    for name in ("other-examiner", "other-quality", "platform-steward", "ep-examiner", "ep-narrow", "us-steward"):
        answer = await told.get(name, f"/v1/error-reports/{number}")
        assert (answer.status_code, answer.content) == (404, missing), name
        assert (await told.post(name, f"/v1/error-reports/{number}/messages", text="x")).status_code == 404
        assert number not in [e["id"] for e in (await told.get(name, "/v1/error-reports")).json()["reports"]]
    assert (await told.get(None, f"/v1/error-reports/{number}")).status_code == 401
    for name in ("examiner", "ep-quality", "ep-steward"):
        assert (await told.get(name, f"/v1/error-reports/{number}")).status_code == 200


async def test_only_what_one_reads_can_be_reported(told: Told) -> None:
    nothing = await told.post("examiner", "/v1/error-reports", record="ep-patent-x.EP9.A1", text="x")
    for record in (told.stub, told.closed):
        answer = await told.post("examiner", "/v1/error-reports", record=record.id, text="x")
        assert (answer.status_code, answer.content) == (404, nothing.content)
    assert (await told.post(None, "/v1/error-reports", record=told.open.id, text="x")).status_code == 401
    for words in ("", "a\0b", "x" * 10_001):
        assert (await told.post("examiner", "/v1/error-reports", record=told.open.id, text=words)).status_code == 422


async def test_the_reporter_does_not_decide(told: Told) -> None:
    number = await told.report("examiner", told.open)
    path = f"/v1/error-reports/{number}/messages"
    assert (await told.post("examiner", path, text="x", decision="corrected")).status_code == 403
    assert (await told.post("ep-quality", path, text="x", decision="burnt")).status_code == 400
    assert (await told.get("examiner", f"/v1/error-reports/{number}")).json()["state"] == "open"


async def test_with_the_record_the_reporter_loses_sight_of_the_thread(told: Told) -> None:
    number = await told.report("examiner", told.open)
    told.platform.policy("ep-patent-x", "existence")
    try:
        assert (await told.get("examiner", f"/v1/error-reports/{number}")).status_code == 404
        assert (await told.get("examiner", "/v1/error-reports")).json()["reports"] == []
        assert (await told.get("ep-quality", f"/v1/error-reports/{number}")).status_code == 200
    finally:
        told.platform.policy("ep-patent-x", "content", groups=ALL_GROUPS)
    assert (await told.get("examiner", f"/v1/error-reports/{number}")).status_code == 200


async def test_reports_stand_in_the_audit_without_their_words(told: Told) -> None:
    number = await told.report("examiner", told.open, "Quizzical words.")
    await told.post("ep-quality", f"/v1/error-reports/{number}/messages", text="Puzzling words.", decision="declined")
    with told.platform.database.driver() as connection:
        entries = connection.execute(
            "select action, caller, details from audit where (details->>'report')::bigint = %s order by at", (number,)
        ).fetchall()
    assert [(action, details["state"]) for action, _, details in entries] == [
        ("error-report-opened", "open"),
        ("error-report-message", "declined"),
    ]
    assert "words" not in str(entries)
