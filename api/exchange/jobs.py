"""Work of the exchange that nobody waits for: expiry and reminders, packages that
wait."""

from __future__ import annotations

import asyncio
import datetime as dt

import structlog

from api.dependencies import Services
from api.exchange import negotiation, packages

log = structlog.get_logger("exchange")

EVERY_S = 20.0


async def run(services: Services) -> None:
    """Until cancelled. A round that fails is tried again with the next."""
    while True:
        try:
            await asyncio.to_thread(tick, services)
            await asyncio.to_thread(packages.sweep, services)
            await asyncio.to_thread(packages.build_waiting, services)
        except Exception as error:
            log.warning("exchange round failed", kind=type(error).__name__, error=str(error))
        await asyncio.sleep(EVERY_S)


def tick(services: Services) -> int:
    """Expiry of agreements and reminders, once."""
    with services.database.session() as session:
        return negotiation.tick(session, services.keys, services.audit.chain, dt.datetime.now(dt.UTC).date())
