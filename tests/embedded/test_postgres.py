"""A real PostgreSQL server: it answers, survives being killed, and never outlives its users."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from sqlalchemy import create_engine, text

from compose.embedded.postgres import Postgres

from .conftest import run_python

HOLD_SERVER = """
import sys
from pathlib import Path
from compose.embedded.postgres import Postgres
server = Postgres(Path(sys.argv[1])).start()
print(server.pid, flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Postgres]:
    """A server of the test's own, not started."""
    created = Postgres(tmp_path / "postgres")
    yield created
    created.stop()


def execute(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def test_a_database_is_created_once_and_answers_through_sqlalchemy(server: Postgres) -> None:
    server.start()
    url = server.create_database("offices")
    assert server.create_database("offices") == url
    engine = create_engine(url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT current_database()")).scalar() == "offices"
        assert connection.execute(text("SHOW server_encoding")).scalar() == "UTF8"
    engine.dispose()
    server.drop_database("offices")
    assert execute(server.url(), "SELECT 1 FROM pg_database WHERE datname = 'offices'") == []


def test_the_server_listens_on_no_network_address_and_its_folder_is_private(server: Postgres) -> None:
    server.start()
    assert server.pid is not None
    assert psutil.Process(server.pid).net_connections("inet") == []
    assert server.home.stat().st_mode & 0o077 == 0


def test_a_killed_server_comes_back_by_itself_with_its_rows(server: Postgres) -> None:
    server.start()
    url = server.create_database("kept")
    execute(url, "CREATE TABLE record (id text)")
    execute(url, "INSERT INTO record VALUES ('EP1000000A1')")
    assert server.pid is not None
    process = psutil.Process(server.pid)
    process.kill()
    process.wait(30)
    deadline = time.monotonic() + 60
    while not (rows := rows_of(url)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert rows == [("EP1000000A1",)]
    assert server.pid not in (None, process.pid)
    server.stop()
    server.start()
    assert rows_of(url) == rows


def rows_of(url: str) -> list[tuple[object, ...]]:
    try:
        return execute(url, "SELECT id FROM record")
    except psycopg.OperationalError:
        return []


def test_a_dead_servers_number_that_another_process_has_now_does_not_block_the_start(server: Postgres) -> None:
    server.start()
    server.stop()
    data = server.home / "data"
    (data / "postmaster.pid").write_text(f"{os.getppid()}\n{data}\n1700000000\n5432\n{server.home}\n\n1 1\nready\n")
    server.start()
    assert execute(server.url(), "SELECT 1") == [(1,)]


def test_a_killed_initdb_leaves_nothing_that_blocks(server: Postgres) -> None:
    (server.home / "building").mkdir(parents=True)
    (server.home / "building" / "PG_VERSION").write_text("18\n")
    server.start()
    assert execute(server.url(), "SELECT 1") == [(1,)]


def test_a_killed_parent_leaves_no_server(tmp_path: Path) -> None:
    with run_python(HOLD_SERVER, tmp_path / "postgres") as parent:
        assert parent.stdout is not None
        process = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    _, alive = psutil.wait_procs([process], timeout=60)
    assert not alive


def test_a_long_home_gets_a_short_private_socket_folder(tmp_path: Path) -> None:
    with Postgres(tmp_path / ("long-" * 20)) as server:
        assert len(str(server.socket_dir)) < 100
        assert server.socket_dir.stat().st_mode & 0o077 == 0
        assert execute(server.url(), "SELECT 1") == [(1,)]
