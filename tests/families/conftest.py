from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.families.world import CLOSED, EXISTENCE, OPEN
from tests.platforms import ALL_GROUPS, Platform, running


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def platform(engines: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    """An open provider, one that shares only that its records exist, and a closed one. Each test has records of its
    own, told apart by their numbers."""
    async with running(*engines, tmp_path_factory.mktemp("families")) as started:
        started.policy(f"{OPEN.lower()}-patent-x", "content", groups=ALL_GROUPS)
        started.policy(f"{EXISTENCE.lower()}-patent-x", "existence")
        started.policy(f"{CLOSED.lower()}-patent-x", "none")
        yield started
