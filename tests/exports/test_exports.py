"""Exports: all that is found and may be had, once, in each format; resumed by range; safe in a spreadsheet."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile

import openpyxl
import orjson
import pytest

from api.access.model import Permission, Role
from api.access.policies import PolicyTerms, set_policy
from api.exports import job as exporting
from indexer.formats.own import read_csv
from indexer.formats.reading import Context
from tests.exports.world import CLOSED, EACH, FORMULA, OPEN, SHORT, STUBS, WORD, World, ended, made, order

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_json_lines_hold_what_the_caller_may_see_and_no_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "BATCH", 20)
    async with world.client("QM") as client:
        content, job = await made(client, "jsonl")
    lines = [orjson.loads(line) for line in content.splitlines()]
    assert len(lines) == 2 * EACH == job["result"]["report"]["written"] == job["done"] - EACH
    assert job["result"]["report"]["left_out"] == {exporting.ONLY_EXISTENCE: EACH}
    text = content.decode()
    assert text.count("xabib") == text.count("xbbib") == EACH
    assert text.count("xaclaims") == EACH
    for hidden in ("xbclaims", "xcbib", "xdbib", "xacity", "xbcity", "xafinding"):
        assert hidden not in text, hidden


async def test_a_provider_gets_its_own_whole(world: World) -> None:
    async with world.client(CLOSED) as client:
        content, _ = await made(client, "jsonl", f"{WORD} AND xdbib")
    text = content.decode()
    assert text.count("xdclaims") == text.count("xdcity") == EACH


async def test_csv_is_read_again_and_computes_nothing(world: World) -> None:
    async with world.client("QM") as client:
        content, job = await made(client, "csv", "xabib")
    rows = list(csv.reader(io.StringIO(content.decode())))
    assert len(rows) == 1 + EACH == 1 + job["result"]["report"]["written"]
    cells = [cell for row in rows for cell in row if cell]
    assert not [cell for cell in cells if cell[0] in "=+-@\t\r"]
    assert f"'{FORMULA}" in cells
    assert "'+Plus & Söhne" in cells
    drafts = list(read_csv(io.BytesIO(content), Context("export.csv", "")))
    titles = {text.text for draft in drafts for text in draft.texts if text.type == "title"}  # type: ignore[union-attr]
    assert FORMULA in titles
    assert len(titles) == EACH


async def test_a_spreadsheet_holds_text_and_no_formulas(world: World) -> None:
    async with world.client("QM") as client:
        content, job = await made(client, "xlsx", "xabib")
        assert job["result"]["media_type"].endswith("spreadsheetml.sheet")
    book = openpyxl.load_workbook(io.BytesIO(content))
    rows = list(book["records"].iter_rows())
    assert len(rows) == 1 + EACH
    assert {cell.data_type for row in rows for cell in row if cell.value is not None} == {"s"}
    column = [cell.value for cell in rows[0]].index("text.title")
    assert FORMULA in {row[column].value for row in rows}
    book.close()


async def test_st96_is_a_zip_with_a_report(world: World) -> None:
    async with world.client("QM") as client:
        content, job = await made(client, "st96", "xabib")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        report = orjson.loads(archive.read("report.json"))
        first = archive.read(next(name for name in names if name.endswith(".xml")))
    assert len(names) == EACH + 1
    assert report == job["result"]["report"]
    assert report["written"] == EACH
    assert b"Applicant XA" in first
    async with world.client("QM") as client:
        _, marks = await made(client, "st66", "xabib")
    assert (marks["result"]["report"]["written"], len(marks["result"]["report"]["unwritten"])) == (0, EACH)


async def test_ris_has_an_entry_a_record(world: World) -> None:
    async with world.client("QM") as client:
        content, _ = await made(client, "ris", "xabib")
    entries = content.decode().split("\r\n\r\n")[:-1]
    assert len(entries) == EACH
    lines = entries[-1].split("\r\n")
    assert (lines[0], lines[-1]) == ("TY  - PAT", "ER  - ")
    assert {"PY  - 2020", "DA  - 2020/01/01", "KW  - IPC H01M 10/0525"} <= set(lines)


async def test_a_broken_download_goes_on_where_it_stopped(world: World) -> None:
    async with world.client("QM") as client:
        job = await ended(client, (await order(client, "jsonl", "xabib"))["id"])
        address, size = job["result"]["content"], job["result"]["size"]
        first = await client.get(address, headers={"range": f"bytes=0-{size // 3}"})
        tag = first.headers["etag"]
        rest = await client.get(address, headers={"range": f"bytes={size // 3 + 1}-", "if-range": tag})
        assert (first.status_code, rest.status_code) == (206, 206)
        assert hashlib.sha256(first.content + rest.content).hexdigest() == job["result"]["sha256"]
        assert (await client.get(address, headers={"range": f"bytes={size}-"})).status_code == 416


async def test_filters_of_the_search_hold(world: World) -> None:
    async with world.client("QM") as client:
        content, _ = await made(client, "jsonl", "", filters={"provider": [SHORT]})
        assert content.count(b"\n") == EACH
        refused = await client.post("/v1/exports", json={"format": "jsonl", "search": {"q": "title:("}})
        assert refused.status_code == 400
        unknown = await client.post("/v1/exports", json={"format": "exe", "search": {}})
        assert unknown.status_code == 400


async def test_an_agreements_volume_is_a_bound_and_counts_once(world: World) -> None:
    platform = world.platform
    platform.agreement(CLOSED, "QV", tier="content", groups=["full-text"], volume_cap=30)
    async with world.client("QV") as client:
        content, job = await made(client, "jsonl", "xdbib")
        again, second = await made(client, "jsonl", "xdbib")
    assert content.count(b"\n") == 30
    assert job["result"]["report"]["left_out"] == {"the agreement's volume for this month is used up": EACH - 30}
    assert again == content, "what was given is given again, and counts no second time"
    assert second["result"]["report"]["written"] == 30


async def test_a_format_that_a_provider_does_not_allow_is_not_written(world: World) -> None:
    platform = world.platform
    with platform.database.session() as session:
        terms = PolicyTerms.model_validate({"tier": "metadata", "formats": ["csv"]})
        set_policy(session, "xc-patent-x", terms, by="test")
    try:
        async with world.client("QM") as client:
            lines, job = await made(client, "jsonl", "xcbib")
            table, _ = await made(client, "csv", "xcbib")
    finally:
        platform.policy("xc-patent-x", "existence")
    assert lines == b""
    assert job["result"]["report"]["left_out"] == {exporting.FORMAT: EACH}
    assert table.count(b"\r\n") == EACH + 1


async def test_exports_are_their_owners(world: World) -> None:
    async with (
        world.client("QM") as owner,
        world.client("QM") as colleague,
        world.client("QM", Role.PROVIDER_STEWARD) as steward,
        world.platform.client() as nobody,
        world.client("QM", permissions=[Permission.SEARCH]) as searcher,
    ):
        job = await ended(owner, (await order(owner, "jsonl", "xabib"))["id"])
        missing = await colleague.get(f"/v1/exports/{'0' * 32}/content")
        for other in (colleague, steward):
            got = await other.get(job["result"]["content"])
            assert (got.status_code, got.content) == (404, missing.content)
        seen = (await steward.get(f"/v1/jobs/{job['id']}")).json()
        assert (seen["state"], seen["request"], seen["result"]) == ("done", None, {})
        assert (await colleague.get(f"/v1/jobs/{job['id']}")).status_code == 404
        assert (await nobody.post("/v1/exports", json={"format": "csv"})).status_code == 401
        assert (await searcher.post("/v1/exports", json={"format": "csv"})).status_code == 403
        mine = (await owner.get("/v1/exports")).json()["exports"]
        assert [one["id"] for one in mine] == [job["id"]]
        assert "_basis" not in mine[0]["result"]


async def test_stubs_have_no_records(world: World) -> None:
    async with world.client("QM") as client:
        content, job = await made(client, "jsonl", "", filters={"provider": [STUBS]})
    assert content == b""
    assert job["result"]["report"]["left_out"] == {exporting.ONLY_EXISTENCE: EACH}
    assert world.ids(OPEN)
