"""Real worker processes: one that is killed loses nothing, and nothing is done twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import pytest
import pytest_asyncio
from sqlalchemy import text

from api.access.model import Role
from api.exports.job import folder
from tests.platforms import Platform, make_record, running, until

pytestmark = pytest.mark.asyncio(loop_scope="session")
RECORDS = 800
CAP = 600
"""Three batches."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def idle(engines: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A platform without a worker."""
    async with running(*engines, tmp_path_factory.mktemp("workers")) as started:
        await started.index([make_record("XW", number, f"wumble {number}") for number in range(1, RECORDS + 1)])
        started.policy("xw-patent-x", "none")
        started.agreement("XW", "QW", tier="content", volume_cap=CAP)
        yield started


@contextmanager
def worker(platform: Platform) -> Iterator[subprocess.Popen[bytes]]:
    """`concord worker`, as an operator starts it."""
    settings = platform.settings
    assert settings.database_url is not None
    assert settings.opensearch_url is not None
    assert settings.secret_key is not None
    environment = {
        **os.environ,
        "CONCORD_HOME": str(settings.home),
        "CONCORD_DATABASE_URL": settings.database_url.get_secret_value(),
        "CONCORD_OPENSEARCH_URL": settings.opensearch_url,
        "CONCORD_INDEX_PREFIX": settings.index_prefix,
        "CONCORD_SECRET_KEY": settings.secret_key.get_secret_value(),
        "CONCORD_WORKER_TIMEOUT": "3",
    }
    process = subprocess.Popen([sys.executable, "-m", "cli", "worker"], env=environment)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(30)


async def test_a_killed_worker_s_export_is_taken_over_and_counts_once(idle: Platform) -> None:
    async with idle.client(idle.key("QW", Role.EXAMINER)) as client:
        job = (await client.post("/v1/exports", json={"format": "jsonl", "search": {"q": "wumble"}})).json()

        async def begun() -> bool | None:
            return given(idle) > 0 or None

        async def over() -> dict[str, Any] | None:
            found: dict[str, Any] = (await client.get(f"/v1/exports/{job['id']}")).json()
            return found if found["state"] in ("done", "failed") else None

        with worker(idle) as first, idle.database.connect() as held:
            await until(begun)
            # Between two batches: the next one waits here, half done, when its worker is killed.
            held.execute("lock table exchange_volumes in exclusive mode")
            counted = held.execute("select sum(records) from exchange_volumes").fetchone()
            os.kill(first.pid, signal.SIGKILL)
            first.wait(10)
            held.rollback()
        assert counted is not None
        assert 0 < counted[0] < CAP, "killed too late to mean anything"
        with worker(idle):
            done = await until(over, seconds=120)
        assert done["state"] == "done", done
        content = (await client.get(done["result"]["content"])).content
    ids = [orjson.loads(line)["numbers"][0]["raw"] for line in content.splitlines()]
    assert len(ids) == len(set(ids)) == CAP
    assert done["attempts"] == 2
    assert given(idle) == CAP
    assert [path.name for path in folder(idle.services).iterdir()] == [f"{job['id']}.jsonl"]


def given(platform: Platform) -> int:
    """Records counted against the agreement."""
    with platform.database.engine.connect() as connection:
        return int(connection.execute(text("select coalesce(sum(records), 0) from exchange_volumes")).scalar_one())
