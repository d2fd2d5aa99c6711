"""Any query of any dialect: written and read it is the same, and the engine finds what a plain evaluator finds."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.search.query import DIALECTS, DialectName, Node, parse, read, tell, write
from tests.platforms import Platform
from tests.queries.trees import COLLECTION, corpus, meets, trees

TEXTS = st.text(max_size=60) | st.text('aB0 ()[]{}"~^*?:-+/\\=<>ANDORTO', max_size=40)


@pytest.mark.parametrize("dialect", DIALECTS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_tree_written_and_read_again_is_the_same(dialect: DialectName, data: st.DataObject) -> None:
    tree = data.draw(trees(dialect, odd=True))
    text = write(tree, dialect)
    assert read(text, dialect).faults == (), text
    assert parse(text, dialect) == tree, text
    assert tell(tree)


@settings(max_examples=150, deadline=None)
@given(text=TEXTS, dialect=st.sampled_from(DIALECTS))
def test_no_text_breaks_the_reader(text: str, dialect: DialectName) -> None:
    reading = read(text, dialect)
    assert (reading.tree is None) == bool(reading.faults)
    for fault in reading.faults:
        assert fault.position is not None
        assert 0 <= fault.position <= len(text)
        assert fault.remedy


async def _found(platform: Platform, text: str, dialect: DialectName) -> set[str]:
    asked = {"q": text, "dialect": dialect, "mode": "keyword", "size": 100, "filters": {"collection": [COLLECTION]}}
    async with platform.client() as client:
        answer = await client.post("/v1/search", json={**asked, "highlight": False, "help": False, "facets": []})
    assert answer.status_code == 200, (text, answer.text)
    return {hit["id"] for hit in answer.json()["hits"]}


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_the_engine_agrees_with_a_plain_evaluator(platform: Platform, dialect: DialectName) -> None:
    records = corpus()
    loop = asyncio.get_running_loop()

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(tree=trees(dialect))
    def agrees(tree: Node) -> None:
        text = write(tree, dialect)
        found = asyncio.run_coroutine_threadsafe(_found(platform, text, dialect), loop).result()
        assert found == {record.id for record in records if meets(record, tree)}, text

    await asyncio.to_thread(agrees)
