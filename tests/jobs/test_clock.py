"""A machine whose clock jumps puts nothing off, removes nothing too early, and breaks no chain."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from api.access import audit
from api.access.model import local
from api.jobs import queue, runner, tidy
from store.jobs import Job
from tests.platforms import Platform, make_record

pytestmark = pytest.mark.asyncio(loop_scope="session")
JUMP = dt.timedelta(days=800)


@contextmanager
def jumped(by: dt.timedelta) -> Iterator[None]:
    """This process's clock, wrong by so much. The database's stays right."""
    right, seconds = dt.datetime, time.time

    class Jumped(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:  # type: ignore[override]
            return right.now(tz) + by

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dt, "datetime", Jumped)
        patch.setattr(time, "time", lambda: seconds() + by.total_seconds())
        yield


@pytest.mark.parametrize("by", [JUMP, -JUMP])
async def test_a_job_is_tried_again_when_it_is_due_by_the_database_s_clock(
    platform: Platform, by: dt.timedelta
) -> None:
    services = platform.services
    with platform.database.session() as session:
        entry = queue.enqueue(session, "tidy", None, "", {})
        # No worker may take it meanwhile.
        session.execute(text("delete from procrastinate_jobs where args ->> 'job' = :job"), {"job": entry.id})
        entry.state, entry.attempts = "running", 1
        name = entry.id
    with jumped(by):
        runner._again(services, runner.Run(services, name, "tidy", queue.PLATFORM, None, "", {}, 1), "once more")
    with platform.database.session() as session:
        (due_s,) = session.execute(
            text("select extract(epoch from scheduled_at - now()) from procrastinate_jobs where args ->> 'job' = :job"),
            {"job": name},
        ).one()
        session.execute(text("delete from procrastinate_jobs where args ->> 'job' = :job"), {"job": name})
        session.delete(session.get_one(Job, name))
    assert 0 < due_s <= runner.BACKOFF_S[0]


async def test_nothing_is_removed_before_its_time(platform: Platform) -> None:
    finished = dt.datetime.now(dt.UTC)
    with platform.database.session() as session:
        session.add(Job(id="f" * 32, kind="export", owner="key:1", state="done", finished=finished))
    with jumped(JUMP):
        tidy.remove(platform.services)
    with platform.database.session() as session:
        session.delete(session.get_one(Job, "f" * 32))


async def test_the_audit_holds_where_the_clock_went_back(platform: Platform) -> None:
    services = platform.services
    for by in (JUMP, -JUMP, dt.timedelta(0)):
        with jumped(by), platform.database.session() as session:
            audit.append(session, services.keys, services.audit.chain, [audit.change(local(), "clock-tested")])
    with platform.database.session() as session:
        assert audit.verify(session, services.keys).faults == ()


async def test_a_cursor_that_has_expired_meanwhile_is_refused_in_plain_words(platform: Platform) -> None:
    await platform.index([make_record("XK", number, f"clockwork {number}") for number in range(1, 4)])
    async with platform.client(platform.key("XK")) as client:
        first = (await client.get("/v1/search", params={"q": "title:clockwork", "mode": "keyword", "size": 1})).json()
        more = {"cursor": first["cursor"]}
        assert (await client.get("/v1/search", params=more)).status_code == 200
        with pytest.MonkeyPatch.context() as patch:
            seconds = time.time
            patch.setattr("api.search.cursor.time.time", lambda: seconds() + JUMP.total_seconds())
            late = await client.get("/v1/search", params=more)
    assert late.status_code == 400
    assert "cursor" in late.json()["detail"].lower()
