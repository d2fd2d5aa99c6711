from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.platforms import Platform, running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def platform(engines: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    """One platform for all tests of saved searches; each test brings its own providers."""
    home = tmp_path_factory.mktemp("saved")
    async with running(*engines, home, webhook_networks="127.0.0.0/8") as started:
        yield started
