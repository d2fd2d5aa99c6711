"""A real cluster of three nodes, PostgreSQL, two API processes and a worker lose one after the other. What was
acknowledged is there, once; answers are true or say that there is none; everything comes back without a hand.
`make soak` does the same for longer and in an order of chance."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterator

import pytest

from tests.soak.faults import FAULTS, here
from tests.soak.load import Load
from tests.soak.site import Site

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Load]:
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as given:
        # Three nodes on two cores, killed every half minute: Java's quick compiler, as in tests/conftest.py.
        given.setenv("OPENSEARCH_JAVA_OPTS", os.environ.get("OPENSEARCH_JAVA_OPTS", "-XX:TieredStopAtLevel=1"))
        with Site(folder) as site:
            yield Load(site, folder / "deliveries", random.Random(1))


@pytest.mark.parametrize("name", FAULTS)
async def test_nothing_is_lost_and_nothing_doubled(load: Load, name: str) -> None:
    if name not in here():
        pytest.skip("to fill a disk, a small one has to be mounted, which this user may not")
    if not load.held:
        await load.deliver(by_upload=True)
    over = asyncio.Event()

    async def search_on() -> None:
        while not over.is_set():
            await load.search()
            await asyncio.sleep(0.05)

    searching = asyncio.create_task(search_on())
    delivering = asyncio.create_task(load.deliver(by_upload=True))
    await FAULTS[name](load)
    await asyncio.to_thread(load.site.back)
    await delivering
    while not await load.search():  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    over.set()
    await searching
    await load.deliver(by_upload=True)
    await asyncio.to_thread(load.verify)
