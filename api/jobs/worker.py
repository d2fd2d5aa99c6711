"""A worker: takes jobs and messages from the queue, on any machine that reaches the engines and the home folder.

Any number of them may run. Each beats its heart; where one has gone without a word, the others put back what it had,
and any of them what dropped out of the queue, or stays in it as if it were being run, when the database could not write
how an attempt ended.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from sqlalchemy.exc import DBAPIError

from api.dependencies import Services
from api.jobs import queue, runner
from api.jobs.kinds import KINDS
from api.search.engine import Engine
from api.webhooks import sender
from common.errors import EngineUnavailable
from common.messages import say
from common.settings import Settings
from store.database import Database, plain

log = structlog.get_logger("worker")

QUICK_AT_ONCE = 4
AT_ONCE = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
"""Due by anybody's clock."""


class Worker:
    """One process's share of the work. `run` until `stop`, or until cancelled."""

    def __init__(self, services: Services, *, jobs: int, timeout_s: float, alive: Path | None = None) -> None:
        """`jobs`: long jobs at once; `timeout_s`: silence after which a worker counts as gone; `alive`: file to touch
        while the database answers."""
        self.alive = alive
        self.services = services
        self.jobs = jobs
        self.timeout_s = timeout_s
        connector = PsycopgConnector(conninfo=plain(services.database.url), min_size=1, max_size=6)
        self.app = App(connector=connector)
        self.ready = asyncio.Event()
        self._stop = asyncio.Event()
        self._register()

    def _register(self) -> None:
        @self.app.task(name=queue.JOB)
        async def run_job(job: str) -> None:
            await runner.run(self.services, job)

        @self.app.task(name=queue.WEBHOOK)
        async def send(delivery: str) -> None:
            await sender.deliver(self.services, delivery)

        for name, kind in KINDS.items():
            if kind.every is not None:
                self._register_periodic(name, kind.every)

    def _register_periodic(self, name: str, every: str) -> None:
        @self.app.periodic(cron=every)
        @self.app.task(name=f"enter-{name}", queue=queue.QUICK)
        async def enter(timestamp: int) -> None:
            await asyncio.to_thread(self._enter, name)

    def _enter(self, name: str) -> None:
        with self.services.database.session() as session:
            queue.enqueue_once(session, name)

    def _enter_lost(self) -> None:
        # Where the database still has no room, the next time.
        with suppress(DBAPIError, ConnectorException), self.services.database.session() as session:
            for job in queue.enter_lost(session):
                log.warning("a job that had dropped out of the queue was put back", job=job)

    def _orphans(self) -> set[int]:
        # Where the database has gone meanwhile, the queue's own look says so.
        with suppress(DBAPIError), self.services.database.session() as session:
            return queue.orphans(session)
        return set()

    async def run(self) -> None:
        """Works until `stop`. What runs then has ten seconds to end, and otherwise is put back into the queue."""
        async with self.app.open_async():
            common: dict[str, Any] = {
                "install_signal_handlers": False,
                "update_heartbeat_interval": self.timeout_s / 3,
                "stalled_worker_timeout": self.timeout_s,
                "fetch_job_polling_interval": 2.0,
                "shutdown_graceful_timeout": 10,
            }
            parts = [
                asyncio.ensure_future(
                    self.app.run_worker_async(queues=[name], name=name, concurrency=at_once, **common)
                )
                for name, at_once in ((queue.QUICK, QUICK_AT_ONCE), (queue.LONG, self.jobs))
            ]
            parts.append(asyncio.ensure_future(self._rescue()))
            stopped = asyncio.ensure_future(self._stop.wait())
            self.ready.set()
            try:
                await asyncio.wait((*parts, stopped), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for part in (*parts, stopped):
                    part.cancel()
                ended = await asyncio.gather(*parts, return_exceptions=True)
            for error in ended:
                if isinstance(error, Exception):
                    raise error

    def stop(self) -> None:
        self._stop.set()

    async def _rescue(self) -> None:
        """Puts back what workers had that are gone, and what nobody does at two looks in a row. Whoever is only slow
        still holds its lock, and goes on."""
        manager = self.app.job_manager
        looked_at = set[int]()
        while True:
            stalled_jobs = await manager.get_stalled_jobs(seconds_since_heartbeat=self.timeout_s)
            if self.alive is not None:
                await asyncio.to_thread(self.alive.touch)
            for stalled in stalled_jobs:
                # Another worker may have been faster.
                with suppress(ConnectorException):
                    await manager.retry_job(stalled, retry_at=AT_ONCE)
                    log.warning("work of a worker that is gone was put back", task=stalled.task_name)
            await asyncio.to_thread(self._enter_lost)
            orphans = await asyncio.to_thread(self._orphans)
            for entry in orphans & looked_at:
                with suppress(ConnectorException):
                    await manager.retry_job_by_id_async(entry, retry_at=AT_ONCE)
                    log.warning("work that nobody did any more was put back", entry=entry)
            looked_at = orphans - looked_at
            await asyncio.sleep(self.timeout_s / 3)


async def serve(
    settings: Settings, *, jobs: int | None = None, stop: asyncio.Event | None = None, alive: Path | None = None
) -> None:
    """A worker over the engines that the settings name, until `stop` is set or the task is cancelled. Raises
    EngineUnavailable where PostgreSQL is away."""
    assert settings.opensearch_url is not None
    assert settings.database_url is not None
    # Its lines say what its tasks are called and no more; what matters is in `jobs`.
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    database = Database(settings.database_url.get_secret_value(), pool_size=8)
    engine = Engine(settings.opensearch_url, settings.index_prefix)
    services = Services(settings, database, engine)
    services.start()
    worker = Worker(services, jobs=jobs or settings.worker_jobs, timeout_s=settings.worker_timeout, alive=alive)
    running = asyncio.ensure_future(worker.run())
    asked = asyncio.ensure_future((stop or asyncio.Event()).wait())
    try:
        await asyncio.wait((running, asked), return_when=asyncio.FIRST_COMPLETED)
        worker.stop()
        await running
    except ConnectorException as error:
        # In plain words for whoever started it; what PostgreSQL said stands in the log.
        log.error("the database did not do what the worker needs", said=str(error.__cause__ or error).strip())
        raise EngineUnavailable(say("engines.database-away")) from error
    finally:
        asked.cancel()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await services.stop()
        await engine.close()
        database.close()
