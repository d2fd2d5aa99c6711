"""Work of the exchange in the background: packages, and each minute what time alone brings."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

from api.dependencies import Services
from api.exchange import negotiation, packages, push
from api.jobs.runner import Cancelled, Run


async def build(run: Run) -> dict[str, Any]:
    """Builds the package that the job names."""
    return await asyncio.to_thread(_build, run)


def _build(run: Run) -> dict[str, Any]:
    name = run.request["package"]
    try:
        built = packages.build(run.services, name, lambda records: run.progress("build", records))
    except Cancelled:
        if run.cancelled:
            packages.fail(run.services, name, "It was cancelled.")
        raise
    return {"package": name, "state": built.state, "records": built.records, "size": built.size}


async def keep(run: Run) -> dict[str, Any]:
    """Expiry, reminders, packages whose rights are gone, changes to be pushed."""
    told = await asyncio.to_thread(tick, run.services)
    dead = await asyncio.to_thread(packages.sweep, run.services)
    pushed = await asyncio.to_thread(push.wake, run.services)
    return {"told": told, "dead_packages": dead, "pushed": pushed}


def tick(services: Services) -> int:
    """Expiry of agreements and reminders, once."""
    with services.database.session() as session:
        return negotiation.tick(session, services.keys, services.audit.chain, dt.datetime.now(dt.UTC).date())
