from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.exchange.offices import Party, party
from tests.platforms import Platform, running, working


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def platform(engines: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    """One platform for all tests of the exchange; each test brings its own offices."""
    home = tmp_path_factory.mktemp("exchange")
    async with running(*engines, home, webhook_networks="127.0.0.0/8") as started, working(started):
        yield started


@pytest.fixture
def provider(platform: Platform) -> Party:
    return party(platform)


@pytest.fixture
def beneficiary(platform: Platform) -> Party:
    return party(platform)
