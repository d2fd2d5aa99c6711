"""Running one job: taken by one worker, watched, ended when somebody asks, tried again, or laid aside.

Who runs a job holds an advisory lock on a connection of its own. The lock goes with the process, however that ends,
so a job is never run by two, and a worker that was only slow keeps it. Progress is written over the very same
connection: where it breaks, the work is stopped, for another may have begun. Each attempt has a number, and only the
latest may write how the job ended.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import orjson
import psycopg
import structlog
from sqlalchemy import update

from api.access import acting
from api.dependencies import Access, Services
from api.jobs import queue
from api.jobs.kinds import KINDS
from common.errors import AccessDenied, ConcordError, ConfigurationError, EngineError
from common.messages import say
from store.jobs import JOB_LOCK, Job

log = structlog.get_logger("jobs")

WATCH_EVERY_S = 0.5
BUSY_AGAIN_S = 5
"""After which a job that another worker still holds is looked at again."""
BACKOFF_S = (5, 30, 120, 600)
"""Before the second attempt, the third …; after the last it is a dead letter."""
MOST_ATTEMPTS = len(BACKOFF_S) + 1


class Cancelled(Exception):
    """Somebody asked for the job's end, or another worker has it: it stops where it is."""


@dataclass(slots=True)
class Run:
    """One attempt at a job, as the work sees it."""

    services: Services
    id: str
    kind: str
    owner: str
    office: str | None
    purpose: str
    request: Mapping[str, Any]
    attempt: int
    forgiven: int = 0
    phase: str = ""
    done: int = 0
    total: int | None = None
    stop: Event = field(default_factory=Event)
    cancelled: bool = False
    """Whether it is somebody's wish that it stops."""

    def progress(self, phase: str, done: int, total: int | None = None) -> None:
        """How far it is; written about twice a second. Raises Cancelled, as `check`."""
        self.phase, self.done, self.total = phase, done, total
        self.check()

    def check(self) -> None:
        """Raises Cancelled where the work must end. For work in threads, between its parts."""
        if self.stop.is_set():
            raise Cancelled

    async def access(self) -> Access:
        """The owner with its rights as they are now. Raises AccessDenied where it has none any more."""
        identity = await asyncio.to_thread(acting.identify, self.services, self.owner, self.purpose)
        return acting.access(self.services, identity)


async def run(services: Services, job: str) -> None:
    """Runs a job to its end, or enters it again. Never raises for what the job itself does wrong."""
    taking = asyncio.ensure_future(asyncio.to_thread(_take, services, job))
    try:
        lease = await asyncio.shield(taking)
    except asyncio.CancelledError:
        # The thread goes on whatever happens here: what it takes goes back, and its lock with it.
        lease = await taking
        if lease is not None:
            await asyncio.to_thread(_give_back, services, lease[1])
            await asyncio.to_thread(lease[0].close)
        raise
    if lease is None:
        return
    connection, taken = lease
    try:
        await _run(services, connection, taken)
    finally:
        await asyncio.to_thread(connection.close)


async def _run(services: Services, connection: psycopg.Connection[Any], taken: Run) -> None:
    work = asyncio.ensure_future(KINDS[taken.kind].load()(taken))
    watch = asyncio.ensure_future(_watch(connection, taken))
    try:
        await asyncio.wait((work, watch), return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            taken.cancelled = watch.exception() is None and watch.result()
            taken.stop.set()
            work.cancel()
            await asyncio.wait((work,))
    except asyncio.CancelledError:
        # The worker is asked to end: the job waits for another, as if it had not been begun.
        taken.stop.set()
        work.cancel()
        await asyncio.wait((work,))
        await asyncio.shield(asyncio.to_thread(_give_back, services, taken))
        raise
    finally:
        watch.cancel()
        await asyncio.wait((watch,))
    await asyncio.to_thread(_end, services, taken, work)


# ---------------------------------------------------------------------------------------------------------- lease


def _take(services: Services, job: str) -> tuple[psycopg.Connection[Any], Run] | None:
    """The job's lock and the job, begun; None where it is over, or where another has it (then it is entered again)."""
    connection = services.database.connect(autocommit=True)
    try:
        row = connection.execute("select pg_try_advisory_lock(%s, hashtext(%s))", (JOB_LOCK, job)).fetchone()
        if not row or not row[0]:
            with services.database.session() as session:
                entry = session.get(Job, job)
                if entry is not None and entry.state in ("queued", "running"):
                    queue.defer(session, queue.JOB, KINDS[entry.kind].queue, after_s=BUSY_AGAIN_S, job=job)
            connection.close()
            return None
        with services.database.session() as session:
            entry = session.get(Job, job, with_for_update=True)
            if entry is None or entry.state not in ("queued", "running"):
                connection.close()
                return None
            if entry.cancel:
                entry.state, entry.finished = "cancelled", dt.datetime.now(dt.UTC)
                connection.close()
                return None
            if entry.attempts - entry.forgiven >= MOST_ATTEMPTS:
                entry.state, entry.finished = "failed", dt.datetime.now(dt.UTC)
                entry.error = entry.error or say("jobs.worker-ended")
                connection.close()
                return None
            entry.state, entry.started = "running", dt.datetime.now(dt.UTC)
            entry.attempts += 1
            entry.phase, entry.done, entry.total = "", 0, None
            taken = Run(
                services,
                entry.id,
                entry.kind,
                entry.owner,
                entry.office,
                entry.purpose,
                entry.request,
                entry.attempts,
                entry.forgiven,
            )
        return connection, taken
    except BaseException:
        connection.close()
        raise


async def _watch(connection: psycopg.Connection[Any], taken: Run) -> bool:
    """Writes progress until the job must end: True because somebody asked, False because another attempt began.
    Raises where the connection breaks, and the lock with it."""
    statement = (
        "update jobs set phase = %s, done = %s, total = %s where id = %s and attempts = %s and state = 'running' "
        "returning cancel"
    )
    while True:
        row = await asyncio.to_thread(
            lambda: connection.execute(
                statement, (taken.phase, taken.done, taken.total, taken.id, taken.attempt)
            ).fetchone()
        )
        if row is None:
            return False
        if row[0]:
            return True
        await asyncio.sleep(WATCH_EVERY_S)


# ------------------------------------------------------------------------------------------------------------ end


def _end(services: Services, taken: Run, work: asyncio.Future[dict[str, Any]]) -> None:
    error = None if work.cancelled() else work.exception()
    if taken.cancelled and (work.cancelled() or isinstance(error, Cancelled)):
        _finish(services, taken, "cancelled")
    elif work.cancelled() or isinstance(error, Cancelled):
        _again(services, taken, say("jobs.connection-lost"))
    elif error is None:
        _finish(services, taken, "done", result=work.result())
    elif isinstance(error, ConcordError) and not isinstance(error, (EngineError, ConfigurationError)):
        # It would end the same way each time.
        message = say("jobs.rights-gone") if isinstance(error, AccessDenied) else str(error)
        _finish(services, taken, "failed", error=message)
    else:
        log.warning("job failed", job=taken.id, kind=taken.kind, attempt=taken.attempt, error=type(error).__name__)
        _again(services, taken, str(error) if isinstance(error, ConcordError) else f"{type(error).__name__}.")


def _finish(
    services: Services, taken: Run, state: str, *, error: str | None = None, result: dict[str, Any] | None = None
) -> None:
    values: dict[str, Any] = {
        "state": state,
        "finished": dt.datetime.now(dt.UTC),
        "error": error,
        "phase": taken.phase,
        "done": taken.done,
        "total": taken.total,
    }
    if result is not None:
        values["result"] = orjson.loads(orjson.dumps(result))
    with services.database.session() as session:
        ended = session.execute(_latest(taken).values(**values).returning(Job.id)).scalar()
        if ended is not None and taken.owner != queue.PLATFORM:
            from api.webhooks import sender

            told = {"job": taken.id, "kind": taken.kind, "state": state}
            sender.emit(session, sender.JOB_FINISHED, told, owner=taken.owner)


def _again(services: Services, taken: Run, why: str) -> None:
    """Enters the job once more, later each time; after the last attempt it is a dead letter."""
    attempts = taken.attempt - taken.forgiven
    if attempts >= MOST_ATTEMPTS:
        _finish(services, taken, "failed", error=why)
        return
    pause_s = BACKOFF_S[attempts - 1]
    with services.database.session() as session:
        if session.execute(_latest(taken).values(state="queued", error=why).returning(Job.id)).scalar():
            queue.defer(session, queue.JOB, KINDS[taken.kind].queue, after_s=pause_s, job=taken.id)


def _give_back(services: Services, taken: Run) -> None:
    with services.database.session() as session:
        waiting = _latest(taken).values(state="queued", forgiven=taken.forgiven + 1).returning(Job.id)
        if session.execute(waiting).scalar():
            queue.defer(session, queue.JOB, KINDS[taken.kind].queue, job=taken.id)


def _latest(taken: Run) -> Any:
    return update(Job).where(Job.id == taken.id, Job.attempts == taken.attempt, Job.state == "running")
