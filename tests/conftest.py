"""Real engines for every test that needs one.

The session starts its own OpenSearch node and PostgreSQL server on random ports; with CONCORD_TEST_OPENSEARCH_URL and
CONCORD_TEST_DATABASE_URL (a server in which databases may be created) running ones are used instead. Either way each
session has its own index prefix and each test that asks for a database gets a new one.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

PROJECT = Path(__file__).resolve().parent.parent
GIVEN = ("CONCORD_TEST_OPENSEARCH_URL", "CONCORD_TEST_DATABASE_URL")


def pytest_configure(config: pytest.Config) -> None:
    """With several workers (`-n 3`), the engines are started once, here, and the workers are told where they are."""
    workers = getattr(config.option, "numprocesses", None)
    if hasattr(config, "workerinput") or not workers or config.option.collectonly:
        return
    stack = ExitStack()
    state = Path(stack.enter_context(TemporaryDirectory(prefix="concord-")))
    running = stack.enter_context(started(state))
    os.environ.update(zip(GIVEN, running, strict=True))
    # The nodes that tests start beside it live for seconds, too short for what Java's optimising compiler spends on
    # them: with its quick one alone a start takes half of the CPU.
    os.environ.setdefault("OPENSEARCH_JAVA_OPTS", "-XX:TieredStopAtLevel=1")
    config.add_cleanup(stack.close)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The rest stays in the order of the folders. For a long file that comes last all workers but one wait."""
    items.sort(key=lambda item: not item.nodeid.startswith("tests/writers/"))


@contextmanager
def started(state: Path) -> Iterator[tuple[str, str]]:
    """(OpenSearch URL, PostgreSQL server URL): those given, or new ones that keep their data in `state`."""
    from common.settings import load_settings
    from compose.embedded import Engines

    opensearch, database = (os.environ.get(name) for name in GIVEN)
    with Engines(load_settings(opensearch_url=opensearch, database_url=database), state=state) as engines:
        yield engines.opensearch_url, engines.database_url


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real office files that lie beside the project and are not part of it."""
    folder = PROJECT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.fail(f"real files expected in {folder.name}/ beside the project: ../shared/data")
    return folder


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """(OpenSearch URL, PostgreSQL server URL)."""
    with started(tmp_path_factory.mktemp("engines")) as running:
        yield running
        if platforms := sys.modules.get("tests.platforms"):  # the engine may be one that stays
            asyncio.run(platforms.forget_unused(running[0]))


@pytest.fixture(scope="session")
def opensearch_url(engines: tuple[str, str]) -> str:
    return engines[0]


@pytest.fixture(scope="session")
def index_prefix() -> str:
    return f"test-{secrets.token_hex(4)}"


@pytest.fixture
def database_url(engines: tuple[str, str]) -> Iterator[str]:
    """A new, empty database, dropped afterwards."""
    import psycopg
    from sqlalchemy.engine import make_url

    server = make_url(engines[1])
    name = f"test_{secrets.token_hex(6)}"
    admin = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'create database "{name}"')  # type: ignore[call-overload]
    yield server.set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'drop database "{name}" with (force)')  # type: ignore[call-overload]
