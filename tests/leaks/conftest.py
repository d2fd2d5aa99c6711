from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.leaks.world import World, build
from tests.platforms import running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def world(engines: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The six providers' platform. Tests put back whatever they change."""
    async with running(*engines, tmp_path_factory.mktemp("leaks")) as platform:
        yield await build(platform)
