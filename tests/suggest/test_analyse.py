"""Analyses: counts of what the caller sees, with what they leave out said beside them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.platforms import Platform

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def analysed(platform: Platform, key: str | None = None, **params: Any) -> dict[str, Any]:
    async with platform.client(key) as client:
        answer = await client.get("/v1/analyse", params=params)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def pairs(answer: dict[str, Any]) -> list[tuple[str, int]]:
    return [(bucket["value"], bucket["count"]) for bucket in answer["buckets"]]


async def test_by_year(platform: Platform) -> None:
    answer = await analysed(platform, by="year", rights="patent")
    assert pairs(answer) == [("2019", 1), ("2020", 3), ("2021", 1)]
    assert (answer["records"], answer["readable"], answer["without_value"]) == (6, 5, 0)
    assert (answer["exact"], answer["error"], answer["rest"], answer["several_values"]) == (True, 0, 0, False)


async def test_by_office_counts_what_is_only_known_to_exist_too(platform: Platform) -> None:
    assert pairs(await analysed(platform, by="office", rights="patent")) == [("QA", 3), ("QB", 2), ("QC", 1)]


async def test_two_dimensions(platform: Platform) -> None:
    answer = await analysed(platform, by="office,year", rights="patent")
    assert {b["value"]: pairs(b) for b in answer["buckets"]} == {
        "QA": [("2019", 1), ("2020", 2)],
        "QB": [("2020", 1), ("2021", 1)],
        "QC": [],
    }
    by_class = await analysed(platform, by=["ipc_class", "applicant"], q="title:pump")
    assert {b["value"]: pairs(b) for b in by_class["buckets"]} == {"F25": [("Hitorelle Ltd", 2)]}


async def test_status_only_where_it_may_be_read(platform: Platform) -> None:
    answer = await analysed(platform, by="status", rights="patent")
    assert pairs(answer) == [("active", 2), ("terminated", 1)]
    assert (answer["records"], answer["readable"]) == (6, 3)
    own = await analysed(platform, platform.key("QD"), by="status", rights="patent")
    assert pairs(own) == [("active", 4), ("terminated", 1)]


async def test_query_filters_and_the_rest(platform: Platform) -> None:
    answer = await analysed(platform, by="applicant", q="title:heat", size=1)
    assert pairs(answer) == [("Hitorelle Ltd", 2)]
    assert answer["rest"] == answer["records"] - 2
    assert pairs(await analysed(platform, by="ipc", office="QA", year="2020")) == [("F25B", 1), ("H01M", 1)]
    left_out = {"office": "QA", "year": "2020", "ipc!": "H01M"}
    assert pairs(await analysed(platform, by="ipc", **left_out)) == [("F25B", 1)]


async def test_what_cannot_be_analysed(platform: Platform) -> None:
    async with platform.client() as client:
        for params in ({"by": "colour"}, {"by": "year,year"}, {"by": "year,office,ipc"}, {"by": "cluster"}, {"x": "1"}):
            answer = await client.get("/v1/analyse", params=params)
            assert answer.status_code in (400, 422), params
