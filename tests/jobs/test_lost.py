"""A database without room: a job whose end could not be written down is put back, and a worker says why it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import text

from api.access.model import Role
from api.jobs.worker import serve
from common.errors import EngineUnavailable
from tests.platforms import Platform, make_record, running, until, working

pytestmark = pytest.mark.asyncio(loop_scope="session")


NO_END = "before update on jobs for each row when (old.state = 'running' and new.state <> 'running')"
"""Whatever would say how a job ended, or that it comes again."""
NO_END_OF = (
    "before update on jobs for each row when (old.id = '{job}' and old.state <> new.state and old.state = 'running')"
)
NO_ENTRY_OF = (
    "before update on procrastinate_jobs for each row "
    "when (old.args ->> 'job' = '{job}' and old.status = 'doing' and new.status <> 'doing')"
)
"""The same for one job, and whatever would say that the queue is done with its entry, or that it comes again."""
NO_WORKER = "before insert on procrastinate_workers for each row"


@contextmanager
def no_room_for(platform: Platform, *writing: str) -> Iterator[None]:
    """The database refuses it as on a disk without room."""
    # What a sequence counts stays counted when the statement is undone.
    refusing = "$$ begin perform nextval('refused'); raise exception 'no room' using errcode = 'disk_full'; end $$"
    with platform.database.engine.begin() as connection:
        connection.execute(text("create sequence refused minvalue 0"))
        connection.execute(text(f"create function refuse() returns trigger language plpgsql as {refusing}"))
        for number, what in enumerate(writing):
            connection.execute(text(f"create trigger refuse_{number} {what} execute function refuse()"))
    try:
        yield
    finally:
        with platform.database.engine.begin() as connection:
            connection.execute(text("drop function refuse cascade"))
            connection.execute(text("drop sequence refused"))


async def test_a_job_whose_end_could_not_be_written_down_comes_to_its_end(
    engines: tuple[str, str], tmp_path: Any
) -> None:
    async with running(*engines, tmp_path) as platform, platform.client(platform.key("QW", Role.EXAMINER)) as client:
        await platform.index([make_record("XW", number, f"wamble {number}") for number in range(1, 4)])
        platform.policy("xw-patent-x", "content")

        async def state(*wanted: str) -> dict[str, Any] | None:
            found: dict[str, Any] = (await client.get(f"/v1/exports/{job['id']}")).json()
            return found if found["state"] in wanted else None

        def entries(status: str) -> int:
            with platform.database.engine.connect() as connection:
                counted = text(
                    "select count(*) from procrastinate_jobs where args ->> 'job' = :job and status = :status"
                )
                return int(connection.execute(counted, {"job": job["id"], "status": status}).scalar_one())

        async def dropped_out() -> bool | None:
            return entries("failed") > 0 or None

        with no_room_for(platform, NO_END):
            job = (await client.post("/v1/exports", json={"format": "jsonl", "search": {"q": "wamble"}})).json()
            async with working(platform, timeout_s=600):
                await until(dropped_out)
        assert await state("running")
        assert entries("todo") == entries("doing") == 0
        async with working(platform, timeout_s=600):
            done = await until(lambda: state("done", "failed"))
        assert done["state"] == "done", done
        assert len((await client.get(done["result"]["content"])).content.splitlines()) == 3


async def test_a_job_that_the_queue_takes_for_being_run_comes_to_its_end(
    engines: tuple[str, str], tmp_path: Any
) -> None:
    """Neither how the attempt ended nor that the entry is over could be written, and the worker lives on."""
    async with running(*engines, tmp_path) as platform, platform.client(platform.key("QW", Role.EXAMINER)) as client:
        await platform.index([make_record("XW", number, f"wimble {number}") for number in range(1, 4)])
        platform.policy("xw-patent-x", "content")

        async def over() -> dict[str, Any] | None:
            found: dict[str, Any] = (await client.get(f"/v1/exports/{job['id']}")).json()
            return found if found["state"] in ("done", "failed") else None

        async def refused_twice() -> bool | None:
            with platform.database.engine.connect() as connection:
                return connection.execute(text("select last_value from refused")).scalar_one() > 0 or None

        job = (await client.post("/v1/exports", json={"format": "jsonl", "search": {"q": "wimble"}})).json()
        writing = [what.format(job=job["id"]) for what in (NO_END_OF, NO_ENTRY_OF)]
        async with working(platform, timeout_s=6):
            with no_room_for(platform, *writing):
                await until(refused_twice)
            done = await until(over)
        assert done["state"] == "done", done
        assert len((await client.get(done["result"]["content"])).content.splitlines()) == 3


async def test_a_worker_that_finds_no_room_ends_in_plain_words(engines: tuple[str, str], tmp_path: Any) -> None:
    async with running(*engines, tmp_path) as platform:
        with no_room_for(platform, NO_WORKER), pytest.raises(EngineUnavailable, match="PostgreSQL"):
            await serve(platform.settings)
