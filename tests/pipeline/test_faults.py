"""What breaks under a load: nothing is lost, nothing is doubled, and the next load of the same files completes it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import web
from sqlalchemy.engine import make_url

from common.errors import ConcordError, EngineUnavailable
from indexer.engine import Engine
from indexer.pipeline import Pipeline
from indexer.reading import Sender
from tests.pipeline.conftest import Platform
from tests.pipeline.docdb import document, record_id, write
from tests.platforms import until

MANY = 900
WAITING = "select 1 from pg_stat_activity where datname = %s and wait_event_type = 'Lock'"


def whole(platform: Platform) -> list[tuple[object, ...]]:
    """Records held, their different change numbers, batches on their way."""
    return platform.rows(
        "select count(*), count(distinct seq), (select count(*) from pending_batches) from records where not deleted"
    )


async def test_connections_that_break_under_a_load(platform: Platform, tmp_path: Path) -> None:
    """As when PostgreSQL is killed and comes back: every connection of the loader ends at once, wherever it is."""
    path = write(tmp_path / "many.xml", [document(n) for n in range(MANY)])
    name = make_url(platform.database.url).database
    with platform.database.connect() as holding, platform.database.connect(autocommit=True) as other:
        holding.execute("lock table records in exclusive mode")
        loading = asyncio.create_task(platform.load(path))
        while not other.execute(WAITING, (name,)).fetchone():
            assert not loading.done()
            await asyncio.sleep(0.02)
        other.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s and pid <> all(%s)",
            (name, [holding.info.backend_pid, other.info.backend_pid]),
        )
    with pytest.raises(EngineUnavailable, match="PostgreSQL"):
        await loading
    held = platform.rows("select count(*) from records")
    again = await platform.load(path)

    assert held == [(0,)]
    assert again.summary()["records"] == MANY
    assert again.summary()["indexed"] == MANY
    assert whole(platform) == [(MANY, MANY, 0)]
    assert set(await platform.found()) == {record_id(n) for n in range(MANY)}


async def test_a_delivery_that_cannot_be_archived_leaves_nothing(platform: Platform, tmp_path: Path) -> None:
    """As on a full disk."""
    path = write(tmp_path / "some.xml", [document(n) for n in range(5)])
    place = tmp_path / "archive"
    place.write_text("in the way of the archive's folder")
    with pytest.raises(ConcordError, match="archive"):
        await platform.load(path)
    held = platform.rows("select count(*) from records")
    place.unlink()
    again = await platform.load(path)

    assert held == [(0,)]
    assert again.summary()["indexed"] == 5
    assert set(await platform.found()) == {record_id(n) for n in range(5)}


async def test_an_engine_that_goes_away_between_two_deliveries(platform: Platform, tmp_path: Path) -> None:
    """What was stored while the engine was away is brought over by the next load, whoever's it is."""
    await platform.load(write(tmp_path / "first.xml", [document(1)]))
    block = {"index.blocks.read_only": True}
    alias = f"{platform.engine.prefix}-patent"
    await platform.engine.request("PUT", f"/{alias}/_settings", block)
    loading = asyncio.create_task(platform.load(write(tmp_path / "second.xml", [document(2)])))

    async def stored() -> bool | None:
        return bool(platform.rows("select 1 from records where id = %s", record_id(2))) or None

    await until(stored)
    loading.cancel()
    with pytest.raises((asyncio.CancelledError, EngineUnavailable)):
        await loading
    await platform.engine.request("PUT", f"/{alias}/_settings", {"index.blocks.read_only": False})
    before = set(await platform.found())
    await platform.load(write(tmp_path / "third.xml", [document(3)]))

    assert before == {record_id(1)}
    assert set(await platform.found()) == {record_id(n) for n in (1, 2, 3)}


async def test_a_node_that_has_lost_its_cluster_is_passed_over(platform: Platform, tmp_path: Path) -> None:
    """As one whose disk is full: it still answers, that it knows no manager."""
    asked: list[str] = []

    async def outside(request: web.Request) -> web.Response:
        asked.append(request.path)
        await request.read()
        error = {"type": "cluster_manager_not_discovered_exception", "reason": None}
        return web.json_response({"error": error, "status": 503}, status=503)

    application = web.Application(client_max_size=1 << 30)
    application.router.add_route("*", "/{path:.*}", outside)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        ((_, port),) = (address[:2] for address in runner.addresses)
        urls = f"http://127.0.0.1:{port},{platform.engine.url}"
        async with Engine(urls, platform.engine.prefix) as engine:
            pipeline = Pipeline(platform.database, engine, platform.vectors, platform.archive_url)
            loaded = await pipeline.load([write(tmp_path / "one.xml", [document(1)])], Sender("EP", "default"))
    finally:
        await runner.cleanup()
    assert asked
    assert loaded.summary()["indexed"] == 1
    assert set(await platform.found()) == {record_id(1)}
