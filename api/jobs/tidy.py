"""What is over is removed: entries of the queue, old messages, files. Runs each minute, on one worker."""

from __future__ import annotations

import asyncio
import datetime as dt
import shutil
from typing import Any

from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from api.deliveries import job as deliveries
from api.dependencies import Services
from api.exports import job as exports
from api.jobs import queue
from api.jobs.queue import PLATFORM
from api.jobs.runner import Run
from store.jobs import Job, WebhookDelivery

KEPT = dt.timedelta(days=30)
"""How long jobs and messages that are over can be looked at."""
OVERDUE = dt.timedelta(minutes=15)
"""After which a message that should have been tried is entered again."""
EXPORTS_KEPT = dt.timedelta(days=7)
"""How long the file of an export can be downloaded."""
PLATFORM_KEPT = dt.timedelta(days=1)
"""The same for the platform's own work that went well."""


async def tidy(run: Run) -> dict[str, Any]:
    return await asyncio.to_thread(remove, run.services)


def remove(services: Services) -> dict[str, Any]:
    with services.database.session() as session:
        # By the one clock that all machines share: what is removed does not come back.
        now = queue.later(session, 0)
        own = delete(Job).where(Job.owner == PLATFORM, Job.state == "done", Job.finished < now - PLATFORM_KEPT)
        old = delete(Job).where(Job.finished < now - KEPT)
        messages = delete(WebhookDelivery).where(
            WebhookDelivery.state == "delivered", WebhookDelivery.finished < now - KEPT
        )
        gone = [len(session.execute(part.returning(part.table.c.id)).all()) for part in (own, old, messages)]
        session.execute(
            text(
                "delete from procrastinate_jobs j where status not in ('todo', 'doing') and not exists "
                "(select from procrastinate_events e where e.job_id = j.id and e.at > now() - interval '1 day')"
            )
        )
        _enter_again(session, now)
        waiting = session.scalar(select(func.count()).select_from(Job).where(Job.state == "queued"))
    files = _files(services, now)
    return {"jobs": gone[0] + gone[1], "messages": gone[2], "files": files, "waiting": waiting}


def _enter_again(session: Session, now: dt.datetime) -> None:
    """Messages whose attempt came to nothing at all, as where the database broke off: they are due and in no queue."""
    lost = WebhookDelivery.state == "waiting", WebhookDelivery.next_at < now - OVERDUE
    for entry in session.scalars(select(WebhookDelivery).where(*lost).with_for_update(skip_locked=True)):
        entry.next_at = now
        queue.defer(session, queue.WEBHOOK, queue.QUICK, delivery=entry.id)


def _files(services: Services, now: dt.datetime) -> int:
    """Removes files of exports after a week, uploads whose job is over, and what nobody knows of any more."""
    gone = 0
    for folder, kept in ((exports.folder(services), EXPORTS_KEPT), (deliveries.folder(services), KEPT)):
        for path in folder.iterdir() if folder.is_dir() else ():
            if now.timestamp() - path.stat().st_mtime > kept.total_seconds():
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
                gone += 1
    return gone
