"""An answer from which a shard is missing is no answer: neither a count nor a list of what was found."""

from __future__ import annotations

from collections.abc import AsyncIterator

import orjson
import pytest

from api.search.engine import Engine as Searching
from api.search.engine import whole_answer
from common.errors import EngineUnavailable
from indexer.engine import Engine


@pytest.fixture
async def half(opensearch_url: str, index_prefix: str) -> AsyncIterator[tuple[Engine, str]]:
    """Two indices of one document each under one name; the second one's shard may lie on no node there is."""
    async with Engine(opensearch_url, f"{index_prefix}-half") as engine:
        name = f"{engine.prefix}-patent"
        settings = {"number_of_shards": 1, "number_of_replicas": 0}
        nowhere = {**settings, "routing.allocation.require._name": "nobody"}
        for number, given in enumerate((settings, nowhere)):
            body = {"settings": {"index": given}, "aliases": {name: {}}}
            await engine.request("PUT", f"/{engine.prefix}-{number}", body, wait_for_active_shards="0")
        await engine.request("POST", f"/{engine.prefix}-0/_doc", {"id": "held"}, refresh="true")
        yield engine, name
        for number in range(2):
            await engine.drop(f"{engine.prefix}-{number}")


async def test_a_count_without_a_shard_is_not_given(half: tuple[Engine, str]) -> None:
    engine, name = half
    assert await engine.count(f"{engine.prefix}-0") == 1
    with pytest.raises(EngineUnavailable, match="Part of the index"):
        await engine.count(name)


async def test_what_a_query_found_without_a_shard_is_not_given(half: tuple[Engine, str]) -> None:
    engine, name = half
    query = orjson.dumps({"query": {"match_all": {}}})
    whole, part = (orjson.dumps({"index": index}) for index in (f"{engine.prefix}-0", name))
    assert [len(ids) for ids in await engine.msearch(b"\n".join([whole, query, b""]))] == [1]
    with pytest.raises(EngineUnavailable, match="Part of the index"):
        await engine.msearch(b"\n".join([whole, query, part, query, b""]))


async def test_a_search_without_a_shard_is_told_as_such(half: tuple[Engine, str]) -> None:
    """Where the engine itself lets it pass, as it does while a shard is being brought back."""
    engine, name = half
    answer = await engine.request("POST", f"/{name}/_search", {}, allow_partial_search_results="true")
    assert answer["hits"]["total"]["value"] == 1
    assert answer["_shards"]["failed"] == 0
    with pytest.raises(EngineUnavailable, match="Part of the index"):
        whole_answer(answer)


async def test_a_point_in_time_without_a_shard_is_not_made(half: tuple[Engine, str]) -> None:
    engine, _ = half
    searching = Searching(engine.url, engine.prefix)
    try:
        with pytest.raises(EngineUnavailable):
            await searching.snapshot(["patent"])
    finally:
        await searching.close()
