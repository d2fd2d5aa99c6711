"""A database without room: a job whose end could not be written down is put back, and a worker says why it ends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from api.access.model import Role
from api.jobs.worker import serve
from common.errors import EngineUnavailable
from tests.platforms import Platform, make_record, running, until, working

pytestmark = pytest.mark.asyncio(loop_scope="session")


NO_END = (
    "before update on jobs for each row when (old.id = '{job}' and old.state = 'running' and new.state <> 'running')"
)
"""Whatever would say how an attempt at the job ended, or that it comes again."""
NO_ENTRY = (
    "before update on procrastinate_jobs for each row "
    "when (old.args ->> 'job' = '{job}' and old.status = 'doing' and new.status <> 'doing')"
)
"""Whatever would say that the queue is done with the job's entry, or that it comes again."""
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


@asynccontextmanager
async def exporting(engines: tuple[str, str], home: Path) -> AsyncIterator[tuple[Platform, Export]]:
    """A platform without a worker, and an export of three records that waits there."""
    async with running(*engines, home) as platform, platform.client(platform.key("QW", Role.EXAMINER)) as client:
        await platform.index([make_record("XW", number, f"wamble {number}") for number in range(1, 4)])
        platform.policy("xw-patent-x", "content")
        job = (await client.post("/v1/exports", json={"format": "jsonl", "search": {"q": "wamble"}})).json()
        yield platform, Export(client, job["id"])


@dataclass
class Export:
    client: httpx.AsyncClient
    id: str

    async def state(self, *wanted: str) -> dict[str, Any] | None:
        found: dict[str, Any] = (await self.client.get(f"/v1/exports/{self.id}")).json()
        return found if found["state"] in wanted else None

    async def ends_well(self) -> None:
        done = await until(lambda: self.state("done", "failed"))
        assert done["state"] == "done", done
        assert len((await self.client.get(done["result"]["content"])).content.splitlines()) == 3


async def test_a_job_whose_end_could_not_be_written_down_comes_to_its_end(
    engines: tuple[str, str], tmp_path: Path
) -> None:
    async with exporting(engines, tmp_path) as (platform, export):

        def entries(status: str) -> int:
            with platform.database.engine.connect() as connection:
                counted = text(
                    "select count(*) from procrastinate_jobs where args ->> 'job' = :job and status = :status"
                )
                return int(connection.execute(counted, {"job": export.id, "status": status}).scalar_one())

        async def dropped_out() -> bool | None:
            return entries("failed") > 0 or None

        with no_room_for(platform, NO_END.format(job=export.id)):
            async with working(platform, timeout_s=600):
                await until(dropped_out)
        assert await export.state("running")
        assert entries("todo") == entries("doing") == 0
        async with working(platform, timeout_s=600):
            await export.ends_well()


async def test_a_job_that_the_queue_takes_for_being_run_comes_to_its_end(
    engines: tuple[str, str], tmp_path: Path
) -> None:
    """Neither how the attempt ended nor that the entry is over could be written, and the worker lives on."""
    async with exporting(engines, tmp_path) as (platform, export):

        async def refused_twice() -> bool | None:
            with platform.database.engine.connect() as connection:
                return connection.execute(text("select last_value from refused")).scalar_one() > 0 or None

        async with working(platform, timeout_s=6):
            with no_room_for(platform, NO_END.format(job=export.id), NO_ENTRY.format(job=export.id)):
                await until(refused_twice)
            await export.ends_well()


async def test_a_worker_that_finds_no_room_ends_in_plain_words(engines: tuple[str, str], tmp_path: Any) -> None:
    async with running(*engines, tmp_path) as platform:
        with no_room_for(platform, NO_WORKER), pytest.raises(EngineUnavailable, match="PostgreSQL"):
            await serve(platform.settings)
