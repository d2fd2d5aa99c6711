"""One embedded OpenSearch node as a child process."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import psutil

from common.errors import ConfigurationError, EngineUnavailable
from compose.embedded.assembly import Assembly
from compose.embedded.java import VECTOR_MODULE, Java
from compose.embedded.service import Service
from compose.embedded.unprivileged import command_prefix

LOOPBACK = "127.0.0.1"
SHARED_FOLDERS = ("lib", "modules", "plugins")
HEAP_PATTERN = re.compile(r"[1-9]\d*[mMgG]")
MIB = 1024 * 1024
GIB = 1024 * MIB

LOG_CONFIGURATION = """\
status = error
appender.rolling.type = RollingFile
appender.rolling.name = rolling
appender.rolling.fileName = ${sys:opensearch.logs.base_path}/node.log
appender.rolling.filePattern = ${sys:opensearch.logs.base_path}/node-%i.log.gz
appender.rolling.layout.type = PatternLayout
appender.rolling.layout.pattern = [%d{ISO8601}][%-5p][%c{1.}] %m%n
appender.rolling.policies.type = Policies
appender.rolling.policies.size.type = SizeBasedTriggeringPolicy
appender.rolling.policies.size.size = 32MB
appender.rolling.strategy.type = DefaultRolloverStrategy
appender.rolling.strategy.max = 3
rootLogger.level = info
rootLogger.appenderRef.rolling.ref = rolling
"""

BASE_SETTINGS: Mapping[str, Any] = {
    "network.host": LOOPBACK,
    "node.portsfile": True,  # a port of 0 is chosen by the system and read from here: no race for a free one
    "discovery.initial_state_timeout": "0s",
    # A typo in an index name must be an error, not a new index with guessed fields.
    "action.auto_create_index": False,
    # A developer's full disk must not turn indices read-only; `concord doctor` watches the disk.
    "cluster.routing.allocation.disk.threshold_enabled": False,
    "cluster.max_shards_per_node": 5000,
    # A node that has lost its cluster must not answer from what it still holds: it may be old.
    "cluster.no_cluster_manager_block": "all",
    # The k-NN plugin comes without its native libraries: a field that asks for them ends the node.
    "node.attr.knn_native": "false",
    "bootstrap.memory_lock": False,
    # A word is looked for in every language that is held: 200 words (api/search/query.py) in 50 fields. An office with
    # thousands of agreements has as many conditions in its filter.
    "indices.query.bool.max_clause_count": 16384,
}


def default_heap(nodes: int = 1) -> str:
    """Each node's share of a quarter of the machine's memory, 512 MB to 4 GB, in the form the JVM takes (`512m`)."""
    quarter = psutil.virtual_memory().total // 4 // nodes
    return f"{min(max(quarter, 512 * MIB), 4 * GIB) // MIB}m"


def checked_heap(heap: str | None) -> str:
    """`heap` (e.g. 512m, 2g) or the default; ConfigurationError when it is not such a size."""
    if heap is None:
        return default_heap()
    if not HEAP_PATTERN.fullmatch(heap):
        raise ConfigurationError(
            f"CONCORD_OPENSEARCH_HEAP is {heap!r}, which is no size of memory.", remedy="Write it like 512m or 2g."
        )
    return heap.lower()


@dataclass
class Node:
    """A node in `home`, which gets config/, data/, logs/ and links to the assembly.

    `port` 0 lets the system choose; a node that ended while it was used is started again on the ports that it had.
    `initial_managers` names the nodes that form a new cluster together; empty, the node joins the one that
    `write_seeds` leads to; None, it is a cluster by itself. Several processes may start the same home: the first starts
    the node, the others join, and it ends after the last one stops.
    """

    home: Path
    assembly: Assembly
    java: Java
    name: str = "concord-0"
    cluster_name: str = "concord"
    heap: str | None = None
    port: int = 0
    initial_managers: Sequence[str] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.home = self.home.resolve()
        self.heap = checked_heap(self.heap)
        self._service = Service(
            f"OpenSearch ({self.name})",
            self.home,
            self._command,
            self._answers,
            logs=[self.home / "logs" / "node.log"],
            environment={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"},
        )

    @property
    def url(self) -> str:
        """Base URL, e.g. http://127.0.0.1:40123; raises EngineUnavailable before the node has opened its port."""
        address = self._address("http.ports")
        if address is None:
            raise EngineUnavailable(f"OpenSearch ({self.name}) has not opened its port.", remedy="Start it first.")
        return f"http://{address}"

    @property
    def transport_address(self) -> str | None:
        """host:port other nodes connect to, None before the node has opened it."""
        return self._address("transport.ports")

    @property
    def pid(self) -> int | None:
        """Process id of the Java process, None when it does not run."""
        return self._service.pid

    def start(self) -> Self:
        """Starts or joins the node and waits until it answers; EngineError with its last log lines if it does not."""
        self._service.acquire()
        # The keeper starts a node that ended with this very configuration: whoever knows its address finds it again.
        self._write_settings()
        return self

    def stop(self) -> None:
        """Leaves the node; it ends when no other process uses it."""
        self._service.release()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def write_seeds(self, addresses: Sequence[str]) -> None:
        """Tells the node where others are; it reads the file again before each round of discovery."""
        (self.home / "config" / "unicast_hosts.txt").write_text("".join(f"{a}\n" for a in addresses), encoding="utf-8")

    def _address(self, ports_file: str) -> str | None:
        path = self.home / "logs" / ports_file
        addresses = path.read_text(encoding="utf-8").split() if path.is_file() else []
        return next((a for a in addresses if a.startswith(f"{LOOPBACK}:")), None)

    def _answers(self) -> bool:
        address = self._address("http.ports")
        if address is None:
            return False
        # Alone, wait until what was stored before answers again; of several nodes the first has no manager to ask yet.
        path = "" if self.initial_managers is not None else "_cluster/health?wait_for_status=yellow&timeout=30s"
        try:
            # The machine's proxy settings are not for loopback.
            answer = httpx.get(f"http://{address}/{path}", timeout=35, trust_env=False)
        except httpx.TransportError:
            return False
        # 408: it answers, but a shard is still missing after 30 s: for whoever asks that index to see.
        return answer.status_code in (200, 408) and answer.json().get("cluster_name") == self.cluster_name

    def _command(self) -> list[str]:
        self._prepare_home()
        assert self.heap is not None
        java = self.java
        options = [
            *(f"-Xms{self.heap}", f"-Xmx{self.heap}", "-XX:+UseG1GC", "-Xss1m", "-XX:+ExitOnOutOfMemoryError"),
            *(
                "-Djava.awt.headless=true",
                "-Dfile.encoding=UTF-8",
                "-Djna.nosys=true",
                "-XX:-OmitStackTraceInFastThrow",
            ),
            *(
                "-Dio.netty.noUnsafe=true",
                "-Dio.netty.noKeySetOptimization=true",
                "-Dio.netty.recycler.maxCapacityPerThread=0",
            ),
            *("-Dlog4j.shutdownHookEnabled=false", "-Dlog4j2.disable.jmx=true"),
            "-Djava.locale.providers=SPI,CLDR",  # word breaking for Thai from icu4j-localespi
            f"-Djava.io.tmpdir={self.home / 'tmp'}",
            f"-Djna.tmpdir={self.home / 'tmp'}",
            f"-XX:ErrorFile={self.home / 'logs' / 'hs_err_%p.log'}",
            f"-Dopensearch.path.home={self.home}",
            f"-Dopensearch.path.conf={self.home / 'config'}",
            "-Dopensearch.distribution.type=tar",
            "--enable-native-access=ALL-UNNAMED",
        ]
        if java.has_vector:
            options.append(f"--add-modules={VECTOR_MODULE}")
        # Last, so that they win: as the official distribution takes them.
        options += os.environ.get("OPENSEARCH_JAVA_OPTS", "").split()
        return [
            *command_prefix(),
            *(str(java.executable), *options, "-cp", str(self.home / "lib" / "*")),
            "org.opensearch.bootstrap.OpenSearch",
        ]

    def _prepare_home(self) -> None:
        for folder in ("config", "data", "logs", "tmp"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        for folder in SHARED_FOLDERS:
            link = self.home / folder
            link.unlink(missing_ok=True)
            link.symlink_to(self.assembly.home / folder, target_is_directory=True)
        for stale in ("logs/http.ports", "logs/transport.ports"):
            (self.home / stale).unlink(missing_ok=True)
        self._write_settings()
        self.write_seeds([])
        (self.home / "config" / "log4j2.properties").write_text(LOG_CONFIGURATION, encoding="utf-8")

    def _write_settings(self) -> None:
        settings = {
            **BASE_SETTINGS,
            "cluster.name": self.cluster_name,
            "node.name": self.name,
            "path.data": str(self.home / "data"),
            "path.logs": str(self.home / "logs"),
            "http.port": self.port or self._port("http.ports"),
            "transport.port": self._port("transport.ports"),
            **self._discovery(),
            **self.settings,
        }
        # JSON is YAML: no value needs quoting rules of its own.
        text = "".join(f"{json.dumps(key)}: {json.dumps(value)}\n" for key, value in settings.items())
        partial = self.home / "config" / "opensearch.new"
        partial.write_text(text, encoding="utf-8")
        partial.replace(self.home / "config" / "opensearch.yml")

    def _port(self, ports_file: str) -> int:
        """The one that the running node has opened; 0 (any that is free) before."""
        address = self._address(ports_file)
        return int(address.rpartition(":")[2]) if address else 0

    def _discovery(self) -> dict[str, Any]:
        if self.initial_managers is None:
            return {"discovery.type": "single-node"}
        initial = (
            {"cluster.initial_cluster_manager_nodes": list(self.initial_managers)} if self.initial_managers else {}
        )
        return {"discovery.seed_providers": "file", **initial}
