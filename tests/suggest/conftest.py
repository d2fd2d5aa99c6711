from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.platforms import ALL_GROUPS, Platform, running
from tests.suggest.world import records


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def platform(engines: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    """An open provider (QA), one whose legal status is closed (QB), one of which only the existence is known (QC), and
    a closed one (QD)."""
    async with running(*engines, tmp_path_factory.mktemp("suggest")) as started:
        await started.index(records())
        for right in ("patent", "trademark"):
            started.policy(f"qa-{right}-x", "content", groups=ALL_GROUPS)
            started.policy(f"qb-{right}-x", "metadata")
            started.policy(f"qc-{right}-x", "existence")
            started.policy(f"qd-{right}-x", "none")
        yield started
