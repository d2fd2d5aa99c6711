"""The scan for duplicates as a job: what came in since the last one is taken up, as `concord duplicates scan` does."""

from __future__ import annotations

from typing import Any

from api.jobs.runner import Run
from indexer.duplicates.scan import Scan, Scanned
from indexer.engine import Engine


async def scan(run: Run) -> dict[str, Any]:
    settings = run.services.settings

    def report(done: Scanned, left: int) -> None:
        run.progress("scan", done.records, done.records + left)

    async with Engine(settings.opensearch_url or "", settings.index_prefix) as engine:
        done = await Scan(run.services.database, engine, settings.embedder, report).run()
    return {"records": done.records, "candidates": done.candidates, "pairs": dict(done.pairs)}
