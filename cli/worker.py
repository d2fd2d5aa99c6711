"""`concord worker`: runs what waits in the queue; `concord up` and `concord serve` each run one beside the API."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import Annotated

import typer
from pydantic import SecretStr

from cli.session import errors, platform
from common.settings import Settings
from common.telemetry import configure_logs

ENDS_WITHIN_S = 20
LOOKED_AT_EVERY_S = 0.2
STARTED_AFTER_S = 2
"""After one that ended: what ended it, a lost database say, is rarely over at once."""
PARENT = "CONCORD_WORKER_PARENT"
"""Set for a worker beside an API: the process with which it ends, however that ends."""


def register(app: typer.Typer) -> None:
    app.command()(worker)


def worker(
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Long jobs at once; default as the setting CONCORD_WORKER_JOBS.")
    ] = None,
    alive: Annotated[
        Path | None, typer.Option(help="File to touch while it works and the database answers, for a health check.")
    ] = None,
) -> None:
    """Run jobs until Ctrl-C: loads, exports, packages, alerts, webhooks. Any number may run, on any machine."""
    with platform() as running:
        settings = running.settings.model_copy(
            update={
                "opensearch_url": running.opensearch_url,
                "database_url": SecretStr(running.database.url.render_as_string(hide_password=False)),
            }
        )
        configure_logs(settings.log_level, settings.log_format)
        asyncio.run(_until_told(settings, jobs, alive))
    errors.print("The worker has ended.")


async def _until_told(settings: Settings, jobs: int | None, alive: Path | None) -> None:
    from api.jobs.worker import serve

    # What is loaded by now stays as long as the process: not to be looked through for garbage again and again.
    gc.collect()
    gc.freeze()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    parent = os.environ.get(PARENT)
    watching = asyncio.ensure_future(_with_parent(int(parent), stop)) if parent else None
    try:
        await serve(settings, jobs=jobs, stop=stop, alive=alive)
    finally:
        if watching is not None:
            watching.cancel()


async def _with_parent(parent: int, stop: asyncio.Event) -> None:
    """A parent that was killed ends nobody: whoever loses it notices by itself."""
    while os.getppid() == parent:  # noqa: ASYNC110
        await asyncio.sleep(1)
    stop.set()


@contextmanager
def beside(settings: Settings) -> Iterator[None]:
    """A worker process on the same engines for as long as the block runs; one that ends is followed by another."""
    assert settings.opensearch_url is not None
    assert settings.database_url is not None
    environment = {
        **os.environ,
        "CONCORD_HOME": str(settings.home),
        "CONCORD_OPENSEARCH_URL": settings.opensearch_url,
        "CONCORD_DATABASE_URL": settings.database_url.get_secret_value(),
        PARENT: str(os.getpid()),
    }
    over = Event()
    keeping = Thread(target=_keep, args=(environment, over), name="worker")
    keeping.start()
    try:
        yield
    finally:
        over.set()
        keeping.join()


def _keep(environment: dict[str, str], over: Event) -> None:
    while not over.is_set():
        # Its own process group: Ctrl-C in the terminal goes to the API, which ends it in its turn.
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", "worker"], env=environment, stdin=subprocess.DEVNULL, start_new_session=True
        )
        while process.poll() is None:
            if over.wait(LOOKED_AT_EVERY_S):
                _end(process)
                return
        errors.print(f"The worker ended with exit code {process.returncode}; another is started.")
        over.wait(STARTED_AFTER_S)


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        process.wait(ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
