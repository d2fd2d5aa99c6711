from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.platforms import Platform, running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def platform(engines: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    """One platform for all tests here; each brings providers of its own."""
    async with running(*engines, tmp_path_factory.mktemp("images")) as started:
        yield started
