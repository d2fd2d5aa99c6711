from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.exports.world import World, build
from tests.platforms import running, working


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def world(engines: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One platform with one worker and some hundred records for all tests of exports."""
    async with running(*engines, tmp_path_factory.mktemp("exports")) as started, working(started, jobs=3):
        yield await build(started)
