"""A platform as production has it, on this machine: three OpenSearch nodes and PostgreSQL from our own assembly, two
API processes and a worker, each started again when it ends. Faults are for it; see faults.py."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import IO, Any, Self

import httpx
from sqlalchemy.engine import make_url

from api.access import keys, offices
from api.access.model import Role
from common.settings import load_settings
from compose.embedded.assembly import assemble
from compose.embedded.cluster import Cluster
from compose.embedded.java import find_java
from compose.embedded.node import Node
from compose.embedded.postgres import Postgres
from store.database import Database
from tests.soak.disks import Disk, mountable

OFFICE = "EP"
PREFIX = "soak"
NODES = 3
HEAP = "384m"
WRITE_QUEUE = 20
"""Bulk requests that wait at a node before it answers 429; 10,000 by default."""
READY_S = 240
"""For a machine that does other things too."""
DISKS = {"postgres": 640, "opensearch/node-2": 512}
"""Folders of engines that have a small disk of their own, where this user may mount one: MiB. What they hold under a
long soak is a fraction of it."""
WATERMARKS = {
    "cluster.routing.allocation.disk.threshold_enabled": True,
    "cluster.routing.allocation.disk.watermark.low": "6mb",
    "cluster.routing.allocation.disk.watermark.high": "4mb",
    "cluster.routing.allocation.disk.watermark.flood_stage": "2mb",
    # As often as the engine allows; by default every 30 s.
    "cluster.info.update.interval": "10s",
}
"""As production has them, in bytes: the embedded nodes' default is to look at no disk."""
JUMPING = ("api-2", "worker")
"""Processes whose clock a fault may set."""


class Kept:
    """A process that is started again when it ends, as `restart: unless-stopped` has it."""

    PAUSE_S = 0.5

    def __init__(self, name: str, command: list[str], environment: dict[str, str], log: Path) -> None:
        self.name = name
        self.started = 0
        """How often."""
        self._command, self._environment, self._log = command, environment, log
        self._over = Event()
        self.process: subprocess.Popen[bytes] | None = None
        self._keeping = Thread(target=self._keep, name=name)
        self._keeping.start()

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)

    def stop(self) -> None:
        self._over.set()
        self._keeping.join()

    def _keep(self) -> None:
        with self._log.open("ab") as log:
            while not self._over.is_set():
                self._once(log)
                self._over.wait(self.PAUSE_S)

    def _once(self, log: IO[bytes]) -> None:
        process = self.process = subprocess.Popen(
            self._command, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        self.started += 1
        while process.poll() is None:
            if self._over.wait(0.1):
                process.terminate()
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


@dataclass
class Site:
    """`with Site(folder) as site:`; `apis` are base URLs, `key` is of an office's agent, who delivers and searches."""

    home: Path
    apis: list[str] = field(default_factory=list)
    key: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    processes: dict[str, Kept] = field(default_factory=dict)
    disks: dict[str, Disk] = field(default_factory=dict)
    """By the folder in `home`; none where this user may not mount."""

    def __enter__(self) -> Self:
        java = find_java()
        assembly = assemble(load_settings().engines_home, java)
        self.clock = self.home / "clock"
        self.set_clock(0)
        if mountable():
            for folder, mib in DISKS.items():
                disk = Disk(self.home / folder, mib)
                disk.mount()
                self.disks[folder] = disk
        self.postgres = Postgres(self.home / "postgres")
        self.cluster = Cluster(self.home / "opensearch", assembly, java, nodes=NODES, heap=HEAP)
        for node in self.cluster.nodes:
            node.settings = {"thread_pool.write.queue_size": WRITE_QUEUE, **WATERMARKS}
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _start(self) -> None:
        self.postgres.start()
        self.database = Database(self.postgres.create_database("soak"))
        with self.database.connect(autocommit=True) as connection:
            # Its log of changes alone would fill the small disk.
            connection.execute("alter system set max_wal_size = '128MB'")
            connection.execute("select pg_reload_conf()")
        self.cluster.start()
        self.urls = self.cluster.urls
        self.database.migrate()
        with self.database.session() as session:
            offices.ensure(session, OFFICE)
            self.key = keys.create(session, office=OFFICE, role=Role.OFFICE_AGENT, by="soak").key
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CONCORD_")},
            "CONCORD_HOME": str(self.home / "platform"),
            "CONCORD_OPENSEARCH_URL": ",".join(self.urls),
            "CONCORD_DATABASE_URL": make_url(self.database.url).render_as_string(hide_password=False),
            "CONCORD_INDEX_PREFIX": PREFIX,
            "CONCORD_RATE_LIMIT": "100000",
            "CONCORD_PUBLIC_RATE_LIMIT": "100000",
            "CONCORD_WORKER_TIMEOUT": "4",
            "CONCORD_LOG_FORMAT": "json",
        }
        (self.home / "platform").mkdir()
        self.concord("prepare")
        for number in (1, 2):
            port = free_port()
            self.apis.append(f"http://127.0.0.1:{port}")
            self._keep(f"api-{number}", "serve", "--no-worker", "--port", str(port))
        self._keep("worker", "worker")
        self.back()

    def _stop(self) -> None:
        for process in self.processes.values():
            process.stop()
        if hasattr(self, "database"):
            self.database.close()
        self.cluster.stop()
        self.postgres.stop()
        for disk in self.disks.values():
            disk.unmount()

    def set_clock(self, seconds: float) -> None:
        """By so much the clock of JUMPING is wrong from now on."""
        new = self.clock.with_suffix(".new")
        new.write_text(str(seconds), "utf-8")
        new.replace(self.clock)

    def _keep(self, name: str, *arguments: str) -> None:
        module = ["tests.soak.clock", str(self.clock)] if name in JUMPING else ["cli"]
        command = [sys.executable, "-m", *module, *arguments]
        self.processes[name] = Kept(name, command, self.environment, self.home / f"{name}.log")

    # ------------------------------------------------------------------------------------------------ looking at it

    def start(self, *arguments: str | Path, **options: Any) -> subprocess.Popen[bytes]:
        """The `concord` command in a process of its own."""
        command = [sys.executable, "-m", "cli", *map(str, arguments)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, env=self.environment, **pipes, **options)

    def concord(self, *arguments: str | Path) -> bytes:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=READY_S)
        assert process.returncode == 0, err.decode()[-2000:]
        return out

    def engine(self, method: str, path: str, body: Any = None, *, timeout_s: float = 10) -> httpx.Response:
        """One request to whichever node answers first."""
        last: httpx.HTTPError | None = None
        for url in self.urls:
            try:
                return httpx.request(method, url + path, json=body, timeout=timeout_s, trust_env=False)
            except httpx.HTTPError as error:
                last = error
        raise AssertionError(f"no node answers {method} {path}: {last!r}")

    def manager(self) -> Node:
        (entry,) = self.engine("GET", "/_cat/cluster_manager?format=json&h=node").json()
        return next(node for node in self.cluster.nodes if node.name == entry["node"])

    def others(self) -> list[Node]:
        manager = self.manager()
        return [node for node in self.cluster.nodes if node is not manager]

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with self.database.driver() as connection:
            return connection.execute(query, parameters).fetchall()  # type: ignore[arg-type]

    def ready(self, url: str) -> bool:
        try:
            return httpx.get(f"{url}/readyz", timeout=5, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def lacking(self) -> str:
        """What is not back yet, of nodes, copies and processes that serve; nothing where the site is whole."""
        for url in self.urls:
            try:
                health = httpx.get(f"{url}/_cluster/health", timeout=5, trust_env=False).json()
            except httpx.HTTPError as error:
                return f"{url} does not answer ({type(error).__name__})"
            if health.get("status") != "green" or health.get("number_of_nodes") != NODES:
                return f"the cluster is {health}"
        return ", ".join(f"{url} is not ready" for url in self.apis if not self.ready(url))

    def back(self, seconds: float = READY_S) -> float:
        """Seconds until the site is whole again; AssertionError where that takes too long."""
        begun = time.monotonic()
        while lacking := self.lacking():
            assert time.monotonic() - begun < seconds, f"after {seconds} s {lacking}"
            time.sleep(0.1)
        return time.monotonic() - begun

    def indexed(self) -> dict[str, int]:
        """id → change number of everything that the engine holds."""
        found: dict[str, int] = {}
        after: list[Any] = []
        self.engine("POST", f"/{PREFIX}-patent/_refresh", timeout_s=60)
        while True:
            query = {"size": 5000, "sort": [{"id": "asc"}], "_source": ["seq"]}
            body = {**query, "search_after": after} if after else query
            answer = self.engine("POST", f"/{PREFIX}-patent/_search", body, timeout_s=60).json()
            assert not answer["timed_out"]
            assert answer["_shards"]["successful"] == answer["_shards"]["total"]
            hits = answer["hits"]["hits"]
            found.update({hit["_id"]: hit["_source"]["seq"] for hit in hits})
            if not hits:
                return found
            after = hits[-1]["sort"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
