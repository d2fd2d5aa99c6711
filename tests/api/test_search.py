"""GET and POST /v1/search and what stands around them."""

from __future__ import annotations

import pytest

from api.hardening import HEADERS
from tests.platforms import Platform

pytestmark = pytest.mark.asyncio(loop_scope="session")
FIRST = "QA.patent.QA0000001.A1"


async def found(platform: Platform, **params: object) -> dict:
    async with platform.client() as client:
        answer = await client.get("/v1/search", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_shape_of_an_answer(platform: Platform) -> None:
    body = await found(platform, q="battery", facets="office,ipc", mode="keyword")
    assert set(body) == {"total", "hits", "facets", "facet_bounds", "cursor", "took_ms"}
    hit = next(hit for hit in body["hits"] if hit["id"] == FIRST)
    assert hit["highlights"]["title.en"] == ["Solid electrolyte <em>battery</em>"]
    assert {"by": "term", "field": "title", "language": "en", "words": ["battery"]} in hit["why"]
    assert body["facets"]["ipc"] == [{"value": "H01M", "count": 2}]


@pytest.mark.parametrize("words", ["solid electrolyte battery", "Batterie Festelektrolyt", "固体電解質電池"])
async def test_a_query_in_one_language_finds_records_in_another(platform: Platform, words: str) -> None:
    body = await found(platform, q=words, mode="hybrid")
    first = [hit["id"] for hit in body["hits"]][:4]
    assert {FIRST, "QB.patent.QB0000003.A1", "QC.patent.QC0000004.A1"} <= set(first)
    assert any(reason["by"] == "vector" for hit in body["hits"] for reason in hit["why"])


async def test_facets_ignore_their_own_filter_and_heed_the_others(platform: Platform) -> None:
    everything = await found(platform, facets="office,ipc", mode="keyword")
    filtered = await found(platform, facets="office,ipc", office="QA", mode="keyword")
    assert filtered["facets"]["office"] == everything["facets"]["office"]
    assert filtered["facets"]["ipc"] != everything["facets"]["ipc"]
    assert filtered["total"] == next(b["count"] for b in everything["facets"]["office"] if b["value"] == "QA") >= 3
    hybrid = await found(platform, q="battery", facets="office", office="QA", mode="hybrid")
    assert {bucket["value"] for bucket in hybrid["facets"]["office"]} >= {"QA", "QB"}
    assert all(hit["record"]["office"] == "QA" for hit in hybrid["hits"])


async def test_a_number_is_found_as_typed(platform: Platform) -> None:
    for typed in ("QA0000001", "number:QA0000001"):
        body = await found(platform, q=typed, mode="keyword")
        assert [hit["id"] for hit in body["hits"]] == [FIRST]


async def test_pages_join_without_gap_or_double(platform: Platform) -> None:
    for mode in ("keyword", "hybrid"):
        ids: list[str] = []
        body = await found(platform, q="battery OR rod", size=1, mode=mode)
        while True:
            ids.extend(hit["id"] for hit in body["hits"])
            if body["cursor"] is None:
                break
            body = await found(platform, cursor=body["cursor"])
        assert len(ids) == len(set(ids)) == body["total"]


async def test_pages_go_on_beyond_what_the_engine_gives_by_number(platform: Platform) -> None:
    """Its window is 10,000 results; here it is two, and there are more."""
    path = f"/{platform.settings.index_prefix}-patent/_settings"
    await platform.writer.request("PUT", path, {"index.max_result_window": 2})
    try:
        body = await found(platform, q="battery OR rod", size=1, mode="keyword")
        ids = [hit["id"] for hit in body["hits"]]
        while body["cursor"] is not None:
            body = await found(platform, cursor=body["cursor"])
            ids.extend(hit["id"] for hit in body["hits"])
    finally:
        await platform.writer.request("PUT", path, {"index.max_result_window": None})
    assert len(ids) == len(set(ids)) == body["total"] > 2


async def test_mark_up_in_a_record_is_escaped_in_highlights(platform: Platform) -> None:
    body = await found(platform, q="title:battery", mode="keyword")
    parts = [part for hit in body["hits"] for name, held in hit["highlights"].items() for part in held]
    assert any("&lt;script&gt;" in part for part in parts)
    assert not any("<script" in part for part in parts)


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"q": "title:("}, 400),
        ({"q": "nosuch:x"}, 400),
        ({"facets": "nosuch"}, 400),
        ({"sort": "nosuch"}, 400),
        ({"year": "20"}, 400),
        ({"cursor": "nonsense"}, 400),
        ({"size": "201"}, 422),
        ({"size": "-1"}, 422),
        ({"size": "ten"}, 422),
        ({"mode": "magic"}, 422),
        ({"nosuch": "x"}, 422),
        ({"q": "x" * 9_000}, 400),
    ],
)
async def test_what_is_wrong_is_said_as_problem_details(platform: Platform, params: dict, status: int) -> None:
    async with platform.client() as client:
        answer = await client.get("/v1/search", params=params)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail"} <= set(answer.json())


async def test_one_record_and_what_is_no_record(platform: Platform) -> None:
    async with platform.client() as client:
        record = (await client.get(f"/v1/records/{FIRST}")).json()
        assert record["id"] == FIRST
        for missing in ("x", "%00", "..%2F..", "a" * 3_000, "QA.patent.QA0000001"):
            assert (await client.get(f"/v1/records/{missing}")).status_code == 404
        assert (await client.put(f"/v1/records/{FIRST}")).status_code == 405


async def test_every_answer_carries_the_security_headers(platform: Platform) -> None:
    async with platform.client() as client:
        for path in ("/healthz", "/v1/search", "/v1/records/x", "/nothing", "/v1/openapi.json"):
            answer = await client.get(path)
            for name, value in HEADERS:
                assert answer.headers[name.decode()] == value.decode()
            assert answer.headers["cache-control"] == "no-store"
            assert "unsafe-inline" not in answer.headers["content-security-policy"]


async def test_a_body_too_large_is_refused_whether_it_says_so_or_not(platform: Platform) -> None:
    async def parts():
        for _ in range(50):
            yield b" " * 1_000

    async with platform.client() as client:
        assert (await client.post("/v1/search", content=b" " * 30_000)).status_code == 413
        assert (await client.post("/v1/search", content=parts())).status_code == 413


async def test_health_readiness_metrics_and_description(platform: Platform) -> None:
    async with platform.client() as client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        assert (await client.get("/readyz")).json()["status"] == "ready"
        metrics = (await client.get("/metrics")).text
        assert 'concord_requests_total{route="/v1/search"' in metrics
        description = (await client.get("/v1/openapi.json")).json()
    assert "/v1/search" in description["paths"]
    assert "example" in str(description["paths"]["/v1/search"]["get"]["responses"]["200"])


async def test_rate_limits_count_by_key_and_by_peer_never_by_a_header() -> None:
    from api.access.limits import RateLimiter

    now = 0.0
    limiter = RateLimiter(2, 4, clock=lambda: now)
    assert [limiter.take("a") for _ in range(4)] == [0, 0, 0, 0]
    assert limiter.take("a") == pytest.approx(0.5)
    assert limiter.take("b") == 0
    now = 1.0
    assert [limiter.take("a") == 0 for _ in range(3)] == [True, True, False]


async def test_a_forwarded_header_does_not_make_another_peer(platform: Platform) -> None:
    limits = platform.services.public_limits
    before = set(limits._buckets)
    async with platform.client() as client:
        for number in range(5):
            await client.get("/v1/me", headers={"x-forwarded-for": f"10.0.0.{number}", "forwarded": "for=1.2.3.4"})
    assert not {name for name in set(limits._buckets) - before if "10.0.0" in name or "1.2.3.4" in name}
