"""The formats in which records and results leave: chosen by the caller, limited by agreements, refused plainly."""

from __future__ import annotations

import csv
import io
from typing import Any

import httpx
import orjson
import pytest
import pytest_asyncio
from lxml import etree

from api.access.model import Role
from api.search.representations import NOT_GIVEN, RESULTS, choices
from common.errors import NotAcceptable, UsageError
from indexer.record import Number, NumberType, Right
from tests.platforms import Platform, make_record

FIRST = "QA.patent.QA0000001.A1"
FILED = "QA.patent.QA0000011.A1"
running = pytest.mark.asyncio(loop_scope="session")


async def got(
    platform: Platform, path: str, accept: str | None = None, key: str | None = None, **params: Any
) -> httpx.Response:
    async with platform.client(key) as client:
        headers = {"accept": accept} if accept is not None else {}
        return await client.get(f"/v1/{path}", params=params, headers=headers)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "json application/json"),
        ("*/*", "json application/json"),
        ("application/*", "json application/json"),
        ("application/xml", "st96 application/xml"),
        ("text/xml;q=0.5, application/json;q=0.4", "st96 text/xml"),
        ("application/xml;q=0.5, application/json", "json application/json"),
        ("text/*", "st96 text/xml"),
        ("text/csv, */*", "csv text/csv"),
        ("application/vnd.wipo.st36+xml, application/*;q=0.9", "st36 application/vnd.wipo.st36+xml"),
        ("application/*, application/json;q=0", "st96 application/vnd.wipo.st96+xml"),
        ("application/xml;charset=utf-8;q=1.0", "st96 application/xml"),
        ("nonsense, text/csv", "csv text/csv"),
        ("application/vnd.wipo.ST97+JSON", "st97 application/vnd.wipo.st97+json"),
    ],
)
def test_the_best_of_what_is_taken(accept: str | None, expected: str) -> None:
    entry, media = choices(accept)[0]
    assert f"{entry.name} {media}" == expected


@pytest.mark.parametrize("accept", ["image/png", "application/json;q=0", "", "nonsense", "text/csv;q=high"])
def test_nothing_that_is_taken(accept: str) -> None:
    if not accept:
        assert choices(accept)[0][0].name == "json"
        return
    with pytest.raises(NotAcceptable) as caught:
        choices(accept)
    assert {"format": "st36", "media_type": "application/vnd.wipo.st36+xml"} in caught.value.available


def test_a_name_wins_and_must_be_known() -> None:
    assert choices("application/json", "csv")[0][0].name == "csv"
    with pytest.raises(UsageError, match="st99"):
        choices("application/json", "st99")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def filed(platform: Platform) -> str:
    """A record with what ST.96 requires: an application."""
    record = make_record("QA", 11, "Copper kettle", ipc="A47J 27/21")
    application = Number(type=NumberType.APPLICATION, raw="20190007", canonical="QA20190007", office="QA")
    await platform.index([record.model_copy(update={"numbers": (*record.numbers, application)})])
    return FILED


@running
async def test_a_record_in_each_format_of_its_right(platform: Platform, filed: str) -> None:
    plain = await got(platform, f"records/{FILED}")
    assert plain.headers["content-type"] == "application/json"
    assert plain.json()["id"] == FILED
    st96 = await got(platform, f"records/{FILED}", "application/xml")
    assert st96.headers["content-type"].startswith("application/xml")
    assert (st96.headers["concord-format"], st96.headers["vary"]) == ("st96", "accept")
    assert etree.fromstring(st96.content).tag.endswith("}BibliographicData")
    assert "Copper kettle" in st96.text
    st36 = await got(platform, f"records/{FILED}", "application/vnd.wipo.st36+xml")
    assert "Copper kettle" in st36.text
    assert st36.headers["content-type"].startswith("application/vnd.wipo.st36+xml")
    st97 = await got(platform, f"records/{FILED}", format="st97")
    assert list(st97.json()) == ["bibliographicData"]
    line = await got(platform, f"records/{FILED}", format="jsonl")
    assert orjson.loads(line.content)["texts"][0]["text"] == "Copper kettle"
    table = await got(platform, f"records/{FILED}", "text/csv")
    (row,) = csv.DictReader(io.StringIO(table.text))
    assert row["text.title"] == "Copper kettle"
    # Without an application there is no ST.96; the XML of the right is given instead.
    assert (await got(platform, f"records/{FIRST}", "application/xml")).headers["concord-format"] == "st36"
    # The drawing has no measures, without which ST.96 has no place for it.
    assert "images.drawing" in st96.headers["concord-not-carried"]


@running
async def test_what_cannot_be_given_is_refused_with_what_can(platform: Platform) -> None:
    wrong = await got(platform, f"records/{FIRST}", "application/vnd.wipo.st66+xml")
    assert wrong.status_code == 406
    assert "trademark" in wrong.json()["detail"]
    offered = [entry["format"] for entry in wrong.json()["available"]]
    assert offered == ["json", "st96", "st36", "st97", "jsonl", "csv"]
    # The next best is given where the best cannot be.
    next_best = await got(platform, f"records/{FIRST}", "application/vnd.wipo.st66+xml, text/csv;q=0.1")
    assert (next_best.status_code, next_best.headers["concord-format"]) == (200, "csv")
    assert (await got(platform, f"records/{FIRST}", "image/png")).status_code == 406
    assert (await got(platform, "search", "image/png", q="battery")).status_code == 406
    assert (await got(platform, f"records/{FIRST}", format="st99")).status_code == 400


@running
async def test_a_page_of_results_in_each_format(platform: Platform, filed: str) -> None:
    asked = {"q": "battery OR copper", "mode": "keyword", "size": 1, "sort": "-number"}
    plain = (await got(platform, "search", **asked)).json()
    answer = await got(platform, "search", "application/xml", **asked)
    root = etree.fromstring(answer.content)
    assert (root.tag, root.get("total")) == (f"{{{RESULTS}}}results", str(plain["total"]))
    (first,) = root
    assert first.get("id") == plain["hits"][0]["id"]
    assert first[0].tag.endswith("}BibliographicData")
    following = await got(platform, "search", "text/csv", cursor=root.get("cursor"))
    assert following.headers["concord-total"] == str(plain["total"])
    (row,) = csv.DictReader(io.StringIO(following.text))
    assert row["right"] == "patent"
    page = (await got(platform, "search", format="st97", q="copper", mode="keyword")).json()
    assert [one["id"] for one in page["records"]] == [FILED]
    marks = await got(platform, "search", format="st66", q="battery OR copper", mode="keyword")
    unwritten = etree.fromstring(marks.content).findall(f"{{{RESULTS}}}unwritten")
    assert len(unwritten) == plain["total"] == int(marks.headers["concord-unwritten"])
    assert "trademark" in str(unwritten[0].get("why"))
    # The facet of the same name still filters.
    assert (await got(platform, "search", format="sample", mode="keyword")).json()["total"] >= plain["total"]
    async with platform.client() as client:
        posted = await client.post("/v1/search", json=asked, headers={"accept": "application/jsonl"})
    assert orjson.loads(posted.content.splitlines()[0])["right"] == "patent"


@running
async def test_an_agreement_names_the_formats_in_which_its_data_leaves(platform: Platform) -> None:
    await platform.index([make_record("QT", 1, "Agreed kettle", right=Right.TRADEMARK, claims="secretword")])
    platform.policy("qt-trademark-x", "none")
    platform.agreement("QT", "QU", tier="metadata")
    platform.agreement("QT", "QU", tier="content", groups=["full-text"], formats=["st66"])
    key = platform.key("QU", Role.OFFICE_AGENT)
    path = "records/QT.trademark.QT0000001.A1"
    assert "secretword" in (await got(platform, path, key=key)).text
    # Each format shows what the agreements that allow it give, and no more.
    line = await got(platform, path, key=key, format="jsonl")
    assert line.status_code == 200
    assert "Agreed kettle" in line.text
    assert "secretword" not in line.text
    platform.agreement("QT", "QV", tier="content", groups=["full-text"], formats=["st66"])
    only = platform.key("QV", Role.OFFICE_AGENT)
    assert (await got(platform, path, key=only)).status_code == 200
    refused = await got(platform, path, key=only, format="csv")
    assert refused.status_code == 406
    assert "may not" in refused.json()["detail"]
    page = await got(platform, "search", key=only, q="agreed", mode="keyword", format="csv")
    assert "kettle" not in page.text
    assert page.headers["concord-unwritten"] == "1"
    assert page.headers["concord-unwritten-why"] == NOT_GIVEN
