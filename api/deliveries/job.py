"""Loading an upload: the same pipeline as `concord load`, begun again where a worker was lost."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

from sqlalchemy import update

from api.dependencies import Services
from api.jobs import queue
from api.jobs.runner import Run
from common.errors import UsageError
from common.messages import say
from indexer.engine import Engine
from indexer.pipeline import SMALL_DELIVERY, Loaded, Pipeline, Progress
from indexer.reading import Sender
from indexer.vectors import Vectors
from store.ingest import Delivery

FOLDER = "uploads"


def folder(services: Services) -> Path:
    return services.settings.home / FOLDER


async def load(run: Run) -> dict[str, Any]:
    """Result: the delivery's number and counts, as `concord load --json` says them."""
    path = folder(run.services) / run.request["folder"] / run.request["name"]
    if not await asyncio.to_thread(path.exists):
        raise UsageError(say("deliveries.file-gone"))
    try:
        loaded = await _load(run, path)
    except asyncio.CancelledError:
        if run.cancelled:
            await asyncio.shield(asyncio.to_thread(_mark_cancelled, run.services, path))
        raise
    await asyncio.to_thread(shutil.rmtree, path.parent, ignore_errors=True)
    await asyncio.to_thread(_follow, run.services)
    return {"delivery": loaded.delivery, "replay": loaded.replay, **loaded.summary()}


async def _load(run: Run, path: Path) -> Loaded:
    services, settings = run.services, run.services.settings
    sender = Sender(run.request["provider"], run.request["collection"])
    small = path.stat().st_size <= SMALL_DELIVERY  # noqa: ASYNC240

    def report(progress: Progress) -> None:
        run.progress(progress.phase, progress.bytes_done, progress.bytes_total or None)

    with Vectors(services.database, settings.embedder, processes=0 if small else None) as vectors:
        async with Engine(settings.opensearch_url or "", settings.index_prefix) as engine:
            pipeline = Pipeline(services.database, engine, vectors, settings.archive_location, report)
            return await pipeline.load([path], sender)


def _mark_cancelled(services: Services, path: Path) -> None:
    """What was committed stays, as with a load that was broken off; queued again, it goes on there."""
    with services.database.session() as session:
        ours = (Delivery.name == str(path), Delivery.state.in_(("registered", "reading", "failed")))
        session.execute(update(Delivery).where(*ours).values(state="cancelled"))


def _follow(services: Services) -> None:
    """What new records bring with them."""
    with services.database.session() as session:
        for kind in ("alerts", "duplicates", "exchange"):
            queue.enqueue_once(session, kind)
