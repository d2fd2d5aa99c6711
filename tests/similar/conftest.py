from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.platforms import ALL_GROUPS, Platform, running
from tests.similar.world import KNOWN_TO_EXIST, MARKS, PATENTS


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def signs(engines: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    """The records of world.py."""
    async with running(*engines, tmp_path_factory.mktemp("similar")) as started:
        started.policy("qa-trademark-x", "content", groups=ALL_GROUPS)
        started.policy("qa-patent-x", "content", groups=ALL_GROUPS)
        started.policy("qb-trademark-x", "none")
        started.policy("qb-patent-x", "none")
        started.policy("qc-trademark-x", "existence")
        await started.index([*MARKS, *KNOWN_TO_EXIST, *PATENTS])
        yield started
