"""One assembly for all tests here, and a local Maven mirror that can be slow or damage what it sends."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from common.settings import load_settings
from compose.embedded import maven
from compose.embedded.assembly import Assembly, assemble
from compose.embedded.java import Java, find_java
from compose.embedded.layout import read_artifacts

PROJECT = Path(__file__).resolve().parents[2]
SMALL_HEAP = "384m"


@pytest.fixture(scope="session")
def java() -> Java:
    return find_java()


@pytest.fixture(scope="session")
def assembly(java: Java) -> Assembly:
    return assemble(load_settings().engines_home, java)


@pytest.fixture(scope="session")
def good_files(assembly: Assembly) -> Path:
    """A Maven repository folder that holds every pinned file: what a mirror serves."""
    assert assembly.home.is_dir()
    return maven.context().repo_cache


@pytest.fixture
def repo_cache(tmp_path: Path, good_files: Path) -> Path:
    """A local repository of the test's own, complete and undamaged."""
    cache = tmp_path / "m2"
    source = maven.context(good_files)
    for artifact in read_artifacts():
        target = maven.cached_path(maven.context(cache), artifact.coordinate)
        target.parent.mkdir(parents=True, exist_ok=True)
        origin = maven.cached_path(source, artifact.coordinate)
        if not origin.is_file():
            maven.download(source, artifact.coordinate)
        shutil.copyfile(origin, target)
    return cache


class Mirror:
    """A Maven repository on loopback. `damaged_answers` counts answers still to damage by file name; `held` waits."""

    def __init__(self, files: Path) -> None:
        self.requests: Counter[str] = Counter()
        self.damaged_answers: dict[str, int] = {}
        self.held: str | None = None
        self.reached = threading.Event()
        self.go_on = threading.Event()
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = files / self.path.lstrip("/")
                if path.suffix not in (".jar", ".zip") or not path.is_file():
                    self.send_error(404)
                    return
                mirror.requests[path.name] += 1
                if mirror.held == path.name:
                    mirror.reached.set()
                    mirror.go_on.wait(60)
                content = path.read_bytes()
                if mirror.damaged_answers.get(path.name, 0) > 0:
                    mirror.damaged_answers[path.name] -= 1
                    content = content[:-1] + bytes([content[-1] ^ 0xFF])
                with contextlib.suppress(ConnectionError):
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def mirror(good_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    """The user's settings name this mirror as `central`."""
    server = Mirror(good_files)
    settings_file = tmp_path / "jgo.conf"
    settings_file.write_text(f"[repositories]\ncentral = {server.url}\n")
    monkeypatch.setenv("JGO_CONFIG_FILE", str(settings_file))
    yield server
    server.close()


def run_python(code: str, *arguments: object) -> subprocess.Popen[str]:
    """`code` in another Python process that can import the platform; its output is piped."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )
