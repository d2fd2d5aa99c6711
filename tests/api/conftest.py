from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.platforms import ALL_GROUPS, Platform, make_record, running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def platform(engines: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    """A handful of open records in several languages."""
    async with running(*engines, tmp_path_factory.mktemp("api"), body_limit=20_000) as started:
        await started.index(
            [
                make_record("QA", 1, "Solid electrolyte battery", abstract="A battery without liquid."),
                make_record("QA", 2, "Fishing rod with a reel", abstract="A rod for catching fish.", ipc="A01K 87/00"),
                make_record("QB", 3, "Festelektrolyt-Batterie", language="de", abstract="Eine Batterie ohne Öl."),
                make_record("QC", 4, "固体電解質電池", language="ja", abstract="液体を含まない電池。"),
                make_record("QA", 5, "<script>alert(1)</script> battery & co", abstract="Mark-up in a title."),
            ]
        )
        for office in ("qa", "qb", "qc"):
            started.policy(f"{office}-patent-x", "content", groups=ALL_GROUPS, notices=["Sample"])
        yield started
