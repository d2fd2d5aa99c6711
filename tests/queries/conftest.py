from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.platforms import ALL_GROUPS, Platform, running
from tests.queries.made import records
from tests.queries.trees import COLLECTION, corpus
from tests.writers.corpus import samples


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def platform(engines: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    """The samples, and records of the property tests and of the thirty queries; those of QZ are closed to others."""
    async with running(*engines, tmp_path_factory.mktemp("queries")) as started:
        held = [*samples(None), *records()]
        await started.index([*(small.record() for small in corpus()), *held])
        started.policy(COLLECTION, "content", groups=ALL_GROUPS)
        for collection in sorted({record.collection for record in held} - {"qz-patent-made"}):
            started.policy(collection, "content", groups=ALL_GROUPS)
        yield started
