from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from store.database import Database
from tests.platforms import Platform, running
from tests.review_quality.world import World


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    """A migrated, empty database."""
    database = Database(database_url)
    database.migrate()
    yield World(database)
    database.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def platform(engines: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    async with running(*engines, tmp_path_factory.mktemp("review")) as started:
        yield started
