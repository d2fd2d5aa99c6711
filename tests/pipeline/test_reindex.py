"""Rebuilding an index while everything goes on, and not at all when something fails."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from common.errors import Conflict, EngineError
from indexer.reindex import alone, outdated, reindex
from tests.pipeline.conftest import Platform
from tests.pipeline.docdb import document, record_id, write


async def test_writes_that_arrive_meanwhile_are_kept(platform: Platform, tmp_path: Path) -> None:
    await platform.load(write(tmp_path / "first.xml", [document(n) for n in range(1500)]))
    stop = asyncio.Event()

    async def load_on() -> int:
        number = 0
        while not stop.is_set():
            number += 1
            await platform.load(
                write(
                    tmp_path / f"more-{number}.xml",
                    [document(n, f"Changed {number} {n}") for n in range(number % 7, 1500, 40)]
                    + [document(2000 + number), document(7 * number, status="D")],
                )
            )
        return number

    async def rebuild() -> list[str]:
        names = []
        try:
            for _ in range(3):
                names.append((await reindex(platform.database, platform.engine, platform.vectors, "patent")).index)
        finally:
            stop.set()
        return names

    loads, names = await asyncio.gather(load_on(), rebuild())

    assert loads > 1
    assert [name.rsplit("-", 1)[1] for name in names] == ["v2", "v3", "v4"]
    assert await platform.engine.versions("patent") == [names[-1]]
    assert await platform.engine.current("patent") == names[-1]
    held = dict(platform.rows("select id, seq from records where not deleted"))
    assert {id_: hit["seq"] for id_, hit in (await platform.found()).items()} == held


async def test_a_failure_leaves_the_old_index_in_use(platform: Platform, tmp_path: Path) -> None:
    path = write(tmp_path / "one.xml", [document(n) for n in range(5)])
    await platform.load(path)
    engine = platform.engine
    name = f"{engine.prefix}-dates"
    (component,) = (await engine.request("GET", f"/_component_template/{name}"))["component_templates"]
    good = {"template": component["component_template"]["template"]}
    year_only = {"publication_date": {"type": "date", "format": "yyyy"}}
    await engine.request("PUT", f"/_component_template/{name}", {"template": {"mappings": {"properties": year_only}}})
    try:
        with pytest.raises(EngineError, match="publication_date"):
            await reindex(platform.database, engine, platform.vectors, "patent")
    finally:
        await engine.request("PUT", f"/_component_template/{name}", good)

    assert await engine.versions("patent") == [f"{engine.prefix}-patent-v1"]
    assert set(await platform.found()) == {record_id(n) for n in range(5)}


async def test_one_rebuild_at_a_time(platform: Platform) -> None:
    with alone(platform.database, "patent"), pytest.raises(Conflict, match="being rebuilt"):
        await reindex(platform.database, platform.engine, platform.vectors, "patent")


async def test_an_index_says_how_it_was_built(platform: Platform, tmp_path: Path) -> None:
    await platform.load(write(tmp_path / "one.xml", [document(1)]))
    assert await outdated(platform.engine, platform.vectors, "patent") == []
    meta = {"_meta": {"embedder": "another", "dimension": 512}}
    index = await platform.engine.current("patent")
    await platform.engine.request("PUT", f"/{index}/_mapping", meta)
    assert "embedder" in await outdated(platform.engine, platform.vectors, "patent")
