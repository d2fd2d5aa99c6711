"""A loader killed anywhere goes on where it stopped. Real processes, `kill -9`, a real connection that breaks."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from tests.pipeline.conftest import Command, Platform
from tests.pipeline.docdb import UNIDENTIFIED, document, record_id, write

MANY = 2000
"""Records of about 1.5 kB: more than SMALL_DELIVERY, so that reading and embedding run in processes of their own."""


def committed(platform: Platform) -> int:
    (row,) = platform.rows("select coalesce(sum(checkpoint), 0) from delivery_members")
    return int(row[0])


def kill_after(process: subprocess.Popen[bytes], platform: Platform, records: int) -> list[psutil.Process]:
    """Kills the loader once it has committed `records`; returns the processes that it had started."""
    deadline = time.monotonic() + 120
    while committed(platform) < records:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return children


async def test_a_killed_load_goes_on_where_it_stopped(platform: Platform, command: Command, tmp_path: Path) -> None:
    documents = [UNIDENTIFIED if n % 300 == 299 else document(n) for n in range(MANY)]
    path = write(tmp_path / "many.xml", documents)
    process = command.start("load", path, "--provider", "EP")
    children = kill_after(process, platform, 500)
    _, alive = psutil.wait_procs(children, timeout=20)
    before = committed(platform)
    (state,) = platform.rows("select state from deliveries")
    summary = command.json("load", path, "--provider", "EP")

    assert alive == []
    assert state == ("reading",)
    assert 500 <= before < MANY
    assert {name: summary[name] for name in ("records", "indexed", "updated", "unchanged", "rejected")} == {
        "records": MANY,
        "indexed": MANY - 6,
        "updated": 0,
        "unchanged": 0,
        "rejected": 6,
    }
    assert platform.rows("select count(*), max(seq) - min(seq) + 1 from records") == [(MANY - 6, MANY - 6)]
    assert await platform.engine.count(f"{platform.engine.prefix}-patent") == MANY - 6
    assert len(command.lines("rejects", "--only-rejects")) == 6


class Line:
    """A connection to the engine that can be cut: what is sent afterwards never arrives."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname, parts.port)
        self._server: asyncio.Server | None = None
        self.bulk_requests = 0
        self.cut = False

    async def __aenter__(self) -> str:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            far_reader, far_writer = await asyncio.open_connection(*self._target)
            await asyncio.gather(self._pass(reader, far_writer), self._pass(far_reader, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                if b"/_bulk" in data[:200]:
                    self.cut = True
                if self.cut:
                    break
                writer.write(data)
                await writer.drain()
        writer.close()


async def test_what_was_stored_but_never_reached_the_engine_is_sent_by_the_next_load(
    platform: Platform, command: Command, tmp_path: Path
) -> None:
    await platform.load(write(tmp_path / "before.xml", [document(9000)]))
    path = write(tmp_path / "some.xml", [document(n) for n in range(600)])
    line = Line(platform.engine.url)
    async with line as url:
        command.environment["CONCORD_OPENSEARCH_URL"] = url
        process = command.start("load", path, "--provider", "EP")
        await asyncio.to_thread(_wait_for, lambda: line.cut and committed(platform) >= 500, process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    waiting = platform.rows("select count(*) from pending_batches")
    searchable = set(await platform.found())
    command.environment["CONCORD_OPENSEARCH_URL"] = platform.engine.url
    # another delivery is enough to bring over what the killed one left behind
    await platform.load(write(tmp_path / "after.xml", [document(9001)]))
    after_another = len(await platform.found())
    summary = command.json("load", path, "--provider", "EP")

    assert waiting != [(0,)]
    assert searchable == {record_id(9000)}
    assert after_another >= 502
    assert (summary["records"], summary["indexed"]) == (600, 600)
    assert len(await platform.found()) == 602
    assert platform.rows("select count(*) from pending_batches") == [(0,)]


def _wait_for(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
