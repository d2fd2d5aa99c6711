"""Entering work into the queue: always in the caller's own transaction, so that there is never a job without its entry
or an entry without its job."""

from __future__ import annotations

import datetime as dt
import secrets
from typing import Any

from procrastinate import App, SyncPsycopgConnector
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from api.access.model import Caller, Permission
from api.jobs.kinds import KINDS
from common.errors import Conflict, NotFound
from common.messages import say
from store.jobs import JOB_LOCK, Job

QUICK, LONG = "quick", "long"
"""Queues: what takes seconds never waits for what takes hours."""
JOB, WEBHOOK = "job", "webhook"
"""Tasks of the queue."""
PLATFORM = "platform"
"""Owner of the platform's own work."""

_entering = App(connector=SyncPsycopgConnector())
"""Never opened: it only writes on connections that it is given."""


def defer(session: Session, task: str, queue: str, *, after_s: float = 0, **arguments: Any) -> None:
    """Enters a task of the queue, to be run as soon as a worker is free, or `after_s` seconds."""
    connection = session.connection().connection.driver_connection
    options: dict[str, Any] = {"queue": queue, "connection": connection}
    if after_s:
        options["schedule_at"] = later(session, after_s)
    _entering.configure_task(task, **options).defer(**arguments)


def later(session: Session, seconds: float) -> dt.datetime:
    """The time in so many seconds by the database's clock, which decides when a task is due: a machine whose own clock
    jumps would put work off for as long."""
    now: dt.datetime = session.execute(select(func.now())).scalar_one()
    return now + dt.timedelta(seconds=seconds)


def enqueue(session: Session, kind: str, caller: Caller | None, purpose: str, request: dict[str, Any]) -> Job:
    """A new job of `caller` (None: the platform itself), queued with the transaction's commit."""
    entry = Job(
        id=secrets.token_hex(16),
        kind=kind,
        owner=PLATFORM if caller is None else caller.name,
        office=None if caller is None else caller.office,
        purpose=purpose,
        request=request,
    )
    session.add(entry)
    session.flush()
    session.refresh(entry)
    defer(session, JOB, KINDS[kind].queue, job=entry.id)
    return entry


def enqueue_once(session: Session, kind: str) -> Job | None:
    """A job of the platform's own, unless one of the kind waits already. Who asks at once gets one job together."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"job-kind:{kind}", 0))))
    waiting = select(Job.id).where(Job.kind == kind, Job.owner == PLATFORM, Job.state == "queued").limit(1)
    if session.scalar(waiting) is not None:
        return None
    return enqueue(session, kind, None, "", {})


def enter_lost(session: Session) -> list[str]:
    """Enters again the jobs that are not over and of which the queue knows nothing any more: the database had no room,
    or broke off, when it was to be written how an attempt ended. Returns their ids. A job that runs after all holds its
    lock, and the new entry waits for it."""
    found = session.execute(LOST).all()
    for job, kind in found:
        defer(session, JOB, KINDS[kind].queue, job=job)
    return [job for job, _ in found]


LOST = text(
    "select id, kind from jobs where state in ('queued', 'running') and not exists ("
    "select from procrastinate_jobs entry where entry.task_name = :task and entry.status in ('todo', 'doing') "
    "and entry.args ->> 'job' = jobs.id) for update skip locked"
).bindparams(task=JOB)


def orphans(session: Session) -> set[int]:
    """Entries of jobs that the queue takes for being run while nobody holds the job's lock. For a moment that is so of
    each, before its lock is taken and after it is let go. It stays so where the database had no room to write that the
    entry is over, and the worker that ran it lives on."""
    return set(session.scalars(ORPHANS))


ORPHANS = text(
    "select entry.id from procrastinate_jobs entry where entry.task_name = :task and entry.status = 'doing' "
    "and not exists (select from pg_locks held join pg_database here on here.oid = held.database "
    "where here.datname = current_database() and held.locktype = 'advisory' and held.granted and held.objsubid = 2 "
    "and held.classid = :lock and held.objid = hashtext(entry.args ->> 'job')::oid)"
).bindparams(task=JOB, lock=JOB_LOCK)


# ------------------------------------------------------------------------------------------- what callers may do


def visible(session: Session, caller: Caller, job: str, *, lock: bool = False) -> Job:
    """The job, if it is the caller's to see. Raises NotFound, the same for another's and for none."""
    entry = session.get(Job, job, with_for_update=lock or None)
    if entry is None or not sees(caller, entry):
        raise NotFound("no such job")
    return entry


def sees(caller: Caller, entry: Job) -> bool:
    """One's own; one's office's, for who manages it; the platform's, for who runs that."""
    if entry.owner == PLATFORM:
        return caller.may(Permission.MANAGE_PLATFORM)
    if entry.owner == caller.name:
        return True
    managing = caller.may(Permission.MANAGE_OFFICE) and caller.reads_for_office
    return managing and entry.office is not None and entry.office == caller.office


def listed(session: Session, caller: Caller, *, kind: str | None, state: str | None, limit: int) -> list[Job]:
    """The caller's jobs, the latest first."""
    own = Job.owner == caller.name
    if caller.may(Permission.MANAGE_OFFICE) and caller.reads_for_office:
        own = own | ((Job.office == caller.office) & (Job.owner != PLATFORM))
    if caller.may(Permission.MANAGE_PLATFORM):
        own = own | (Job.owner == PLATFORM)
    statement = select(Job).where(own).order_by(Job.created.desc(), Job.id).limit(limit)
    if kind is not None:
        statement = statement.where(Job.kind == kind)
    if state is not None:
        statement = statement.where(Job.state == state)
    return list(session.scalars(statement))


def cancel(session: Session, entry: Job) -> None:
    """Ends a job: one that waits at once, one that runs within about a second. Raises Conflict for one that is over."""
    if entry.state not in ("queued", "running"):
        raise Conflict(say("jobs.settled", state=entry.state))
    entry.cancel = True
    if entry.state == "queued":
        entry.state, entry.finished = "cancelled", dt.datetime.now(dt.UTC)


def retry(session: Session, entry: Job) -> None:
    """Queues a dead letter, or what was cancelled, again. Raises Conflict for any other."""
    if entry.state not in ("failed", "cancelled"):
        raise Conflict(say("jobs.not-retried", state=entry.state))
    entry.state, entry.cancel, entry.finished = "queued", False, None
    # The number of attempts is the lease and goes on counting; what is allowed is counted from here.
    entry.forgiven = entry.attempts
    session.flush()
    defer(session, JOB, KINDS[entry.kind].queue, job=entry.id)


def job_out(entry: Job, caller: Caller) -> dict[str, Any]:
    """A job as a page or a program wants it. What was asked for (a search, say) is its owner's alone."""
    own = entry.owner == caller.name
    return {
        "id": entry.id,
        "kind": entry.kind,
        "state": entry.state,
        "phase": entry.phase,
        "done": entry.done,
        "total": entry.total,
        "attempts": entry.attempts,
        "cancelling": entry.cancel and entry.state == "running",
        "own": own,
        "owner": entry.owner,
        "office": entry.office,
        "purpose": entry.purpose,
        "request": entry.request if own else None,
        "result": {name: value for name, value in entry.result.items() if name[0] != "_"} if own else {},
        "error": entry.error,
        "created": entry.created,
        "started": entry.started,
        "finished": entry.finished,
    }
