from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.platforms import Platform, running, working


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def platform(engines: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    """One platform with one worker for all tests of jobs and webhooks."""
    home = tmp_path_factory.mktemp("jobs")
    async with running(*engines, home, webhook_networks="127.0.0.0/8") as started, working(started):
        yield started
