"""The writer against an engine that is busy, away, or refuses."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from common.errors import EngineError, EngineUnavailable
from indexer.binding import bind
from indexer.engine import Engine
from indexer.writer import LARGEST_DOCUMENT, Change, Writer
from mappings import alias
from tests.pipeline.conftest import Platform


def change(number: int, seq: int = 1, **fields: object) -> Change:
    return Change(
        f"EP.patent.X{number}", "patent", seq, orjson.dumps({"id": f"X{number}", "right": "patent", **fields})
    )


@pytest.fixture
async def patents(platform: Platform) -> str:
    await platform.engine.prepare(await bind(platform.engine, platform.vectors.embedder))
    return alias(platform.engine.prefix, "patent")


@pytest.mark.parametrize("block", ["index.blocks.read_only_allow_delete", "index.blocks.write"])
async def test_a_busy_engine_is_tried_again_until_it_takes_everything(
    platform: Platform, patents: str, block: str
) -> None:
    """An index over the disk's flood stage answers every item with 429, as a full write queue does; one that somebody
    has closed for writing with 403."""
    await platform.engine.request("PUT", f"/{patents}/_settings", {block: True})
    writer = Writer(platform.engine)

    async def relieve() -> None:
        while writer.retries < 3:  # noqa: ASYNC110 - the writer counts, it does not signal
            await asyncio.sleep(0.05)
        await platform.engine.request("PUT", f"/{patents}/_settings", {block: None})

    failures, _ = await asyncio.gather(writer.write([change(n) for n in range(100)]), relieve())

    assert failures == []
    assert writer.retries >= 3
    assert len(await platform.found()) == 100


async def test_patience_ends_with_an_error_that_says_what_to_do(platform: Platform, patents: str) -> None:
    block = "index.blocks.read_only_allow_delete"
    await platform.engine.request("PUT", f"/{patents}/_settings", {block: True})
    with pytest.raises(EngineUnavailable, match="it goes on where it stopped"):
        await Writer(platform.engine, patience_s=0.5).write([change(1)])


async def test_an_engine_that_is_not_there(platform: Platform) -> None:
    async with Engine("http://127.0.0.1:9", "nothing") as nothing:
        with pytest.raises(EngineUnavailable, match="does not answer"):
            await Writer(nothing, patience_s=0.2).write([change(1)])


async def test_the_highest_change_stands_whatever_comes_last(platform: Platform, patents: str) -> None:
    writer = Writer(platform.engine)
    assert await writer.write([change(1, 5, office="EP"), change(2, 6)]) == []
    assert await writer.write([change(1, 3, office="JP"), change(1, 5, office="EP")]) == []
    assert await writer.write([Change("EP.patent.X2", "patent", 7, None)]) == []
    assert await writer.write([change(2, 6)]) == []
    found = await platform.found()
    assert {id_: hit.get("office") for id_, hit in found.items()} == {"EP.patent.X1": "EP"}


async def test_refused_items_come_back_with_the_reason_and_the_others_are_written(
    platform: Platform, patents: str
) -> None:
    failures = await Writer(platform.engine).write([change(1), change(2, surprise="field"), change(3, seq=2)])

    assert [failure.change.id for failure in failures] == ["EP.patent.X2"]
    assert "surprise" in failures[0].reason
    assert set(await platform.found()) == {"EP.patent.X1", "EP.patent.X3"}


async def test_a_document_beyond_the_engines_limit_is_refused_without_sending_it(
    platform: Platform, patents: str
) -> None:
    large = Change("EP.patent.X9", "patent", 1, b" " * (LARGEST_DOCUMENT + 1))
    (failure,) = await Writer(platform.engine).write([large])
    assert "90" in failure.reason


async def test_no_index_is_an_error_not_a_reject(platform: Platform, patents: str) -> None:
    await platform.engine.drop(f"{patents}-v1")
    with pytest.raises(EngineError, match="no index to write patent"):
        await Writer(platform.engine).write([change(1)])
