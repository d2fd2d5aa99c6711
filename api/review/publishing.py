"""What people decide about duplicates reaches the search index, without anybody waiting for it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import structlog

from api.dependencies import Services
from indexer.duplicates.arrivals import publish
from indexer.engine import Engine
from indexer.vectors import Vectors
from store.duplicates import CLUSTERS_CHANNEL

log = structlog.get_logger("duplicates")

AGAIN_S = 5.0


async def run(services: Services) -> None:
    """Until cancelled. What another process left over is told first; a round that fails is tried again."""
    settings = services.settings
    assert settings.opensearch_url is not None
    with Vectors(services.database, settings.embedder, processes=0) as vectors:
        async with Engine(settings.opensearch_url, settings.index_prefix) as engine:
            while True:
                try:
                    async with aclosing(services.database.listen([CLUSTERS_CHANNEL], ready=True)) as heard:
                        async for _ in heard:
                            await publish(services.database, engine, vectors)
                except Exception as error:
                    log.warning("clusters not told", kind=type(error).__name__, error=str(error))
                    await asyncio.sleep(AGAIN_S)
