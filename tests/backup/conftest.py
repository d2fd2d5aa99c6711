"""Platforms that are made, destroyed and made again on one prefix of indices."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql
from typer.testing import CliRunner

from cli.main import application
from common.errors import ConcordError
from mappings import RIGHTS
from store.database import plain
from tests.platforms import new_database

REBUILT = {"index_state"}
"""What the rebuilding of the indices writes anew."""


@dataclass
class World:
    home: Path
    database_url: str
    opensearch_url: str
    prefix: str

    def concord(self, *arguments: str) -> str:
        done = CliRunner().invoke(application(), list(arguments), catch_exceptions=True)
        if isinstance(done.exception, ConcordError):
            raise done.exception
        assert done.exit_code == 0, (done.output, done.exception)
        return done.output

    def rows(self) -> dict[str, list[str]]:
        """Every row of every table, as text."""
        found = {}
        with psycopg.connect(plain(self.database_url)) as connection:
            tables = connection.execute(
                "select table_name from information_schema.tables where table_schema = 'public' order by 1"
            ).fetchall()
            for (table,) in tables:
                name = sql.Identifier(table)
                query = sql.SQL("select t::text from {} t order by 1").format(name)
                found[table] = [row[0] for row in connection.execute(query)]
        return {table: rows for table, rows in found.items() if table not in REBUILT}

    def archive(self) -> dict[str, bytes]:
        root = self.home / "archive"
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    def searchable(self) -> dict[str, Any]:
        found = {}
        for right in RIGHTS:
            url = f"{self.opensearch_url}/{self.prefix}-{right}/_search?size=1000&version=true&ignore_unavailable=true"
            for hit in httpx.get(url, timeout=60).raise_for_status().json()["hits"]["hits"]:
                found[hit["_id"]] = (hit["_version"], {**hit["_source"], "updated": None})
        return found

    def drop_indices(self) -> None:
        with httpx.Client(base_url=self.opensearch_url, timeout=60) as client:
            for name in client.get(f"/_cat/indices/{self.prefix}-*?h=index").text.split():
                client.delete(f"/{name}").raise_for_status()


@pytest.fixture
def world(engines: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], World]]:
    """Makes empty platforms, each in place of the one before, on the same indices' prefix."""
    prefix = f"test-{secrets.token_hex(4)}"
    open_ = []
    number = 0

    def make() -> World:
        nonlocal number
        number += 1
        database = new_database(engines[1])
        url = database.__enter__()
        open_.append(database)
        made = World(tmp_path / f"home{number}", url, engines[0], prefix)
        for name, value in {
            "HOME": str(made.home),
            "OPENSEARCH_URL": made.opensearch_url,
            "DATABASE_URL": made.database_url,
            "INDEX_PREFIX": prefix,
        }.items():
            monkeypatch.setenv(f"CONCORD_{name}", value)
        return made

    first = World(tmp_path, "", engines[0], prefix)
    yield make
    first.drop_indices()
    with httpx.Client(base_url=engines[0], timeout=60) as client:
        for right in RIGHTS:
            client.delete(f"/_index_template/{prefix}-{right}")
        client.delete(f"/_component_template/{prefix}-*")
    for database in reversed(open_):
        database.__exit__(None, None, None)
