"""Several embedded nodes that form one cluster, sharing one assembly."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from common.errors import EngineError
from compose.embedded.assembly import Assembly
from compose.embedded.java import Java
from compose.embedded.node import Node, default_heap

FORM_TIMEOUT_S = 120


class Cluster:
    """`nodes` embedded nodes in `home`/node-0, node-1, …; one node is a cluster, too.

    A home that had more nodes before keeps them: with fewer, the majority that elects a manager would be missing.
    """

    def __init__(
        self,
        home: Path,
        assembly: Assembly,
        java: Java,
        *,
        nodes: int = 1,
        heap: str | None = None,
        name: str = "concord",
    ) -> None:
        count = max(nodes, len(list(home.glob("node-*"))))
        names = [f"node-{number}" for number in range(count)]
        # Once formed, a cluster must never be told to form again: new nodes might form a second one among themselves.
        self._formed = home / "formed"
        initial_managers = None if count == 1 else [] if self._formed.exists() else names
        self.nodes = [
            Node(
                home / node_name,
                assembly,
                java,
                name=node_name,
                cluster_name=name,
                heap=heap or default_heap(count),
                initial_managers=initial_managers,
            )
            for node_name in names
        ]

    @property
    def urls(self) -> list[str]:
        """Base URL of each node."""
        return [node.url for node in self.nodes]

    def start(self) -> Self:
        """Starts or joins all nodes and waits until they have formed one cluster with every primary shard there."""
        try:
            with ThreadPoolExecutor(len(self.nodes)) as pool:
                for started in [pool.submit(node.start) for node in self.nodes]:
                    started.result()
            if len(self.nodes) > 1:
                self._introduce()
            self._formed.touch()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Leaves all nodes; they end when no other process uses them."""
        with ThreadPoolExecutor(len(self.nodes)) as pool:
            for stopped in [pool.submit(node.stop) for node in self.nodes]:
                stopped.result()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _introduce(self) -> None:
        addresses = [address for node in self.nodes if (address := node.transport_address)]
        for node in self.nodes:
            node.write_seeds(addresses)
        path = f"/_cluster/health?wait_for_nodes={len(self.nodes)}&wait_for_status=yellow&timeout=5s"
        deadline = time.monotonic() + FORM_TIMEOUT_S
        while time.monotonic() < deadline:
            try:
                answer = httpx.get(self.nodes[0].url + path, timeout=40, trust_env=False)
                if answer.is_success and not answer.json()["timed_out"]:
                    return
            except httpx.TransportError:
                time.sleep(0.5)  # no manager elected yet
        raise EngineError(
            f"{len(self.nodes)} OpenSearch nodes did not form a cluster within {FORM_TIMEOUT_S} s.",
            remedy=f"Look into {self.nodes[0].home / 'logs' / 'node.log'}; `concord doctor` checks memory and disk.",
        )
