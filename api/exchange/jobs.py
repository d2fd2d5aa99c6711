"""Work of the exchange that nobody waits for: expiry and reminders, packages that
wait."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable

import structlog

from api.dependencies import Services
from api.exchange import negotiation, packages

log = structlog.get_logger("exchange")

EVERY_S = 20.0


async def run(services: Services) -> None:
    """Until cancelled. A round that fails is tried again with the next."""
    while True:
        try:
            await _to_the_end(tick, services)
            await _to_the_end(packages.sweep, services)
            await _to_the_end(packages.build_waiting, services)
        except Exception as error:
            log.warning("exchange round failed", kind=type(error).__name__, error=str(error))
        await asyncio.sleep(EVERY_S)


async def _to_the_end(work: Callable[[Services], object], services: Services) -> None:
    """A thread cannot be cancelled: whoever stops the platform waits for it, and only then closes the database."""
    running = asyncio.ensure_future(asyncio.to_thread(work, services))
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait((running,))
        raise


def tick(services: Services) -> int:
    """Expiry of agreements and reminders, once."""
    with services.database.session() as session:
        return negotiation.tick(session, services.keys, services.audit.chain, dt.datetime.now(dt.UTC).date())
