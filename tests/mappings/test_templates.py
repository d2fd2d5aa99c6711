"""Templates: what the files say, expanded and bound."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

import pytest

import analyzers
import mappings
from common.errors import ConfigurationError
from indexer.binding import bind
from indexer.document import levels_of
from indexer.embedding import embedder
from indexer.engine import Engine
from mappings import RIGHTS, Bound
from tests.platforms import empty_indices, forget_unused

BOUND = Bound(
    embedder="usem3",
    dimension=512,
    vectors=2,
    analysis=analyzers.settings(),
    languages={language.code: language.exact_analyzer for language in analyzers.languages()},
    record_schema=1,
    picture=8,
)


def test_every_language_has_its_field_and_its_exact_twin() -> None:
    texts = mappings.templates("p", BOUND).components["p-texts"]["template"]["mappings"]["properties"]
    for field in ("title", "abstract", "claims", "description", "goods", "product"):
        assert set(texts[field]["properties"]) == set(BOUND.languages)
    assert texts["title"]["properties"]["ja"]["analyzer"] == "concord_ja"
    assert texts["title"]["properties"]["ja"]["fields"]["exact"]["analyzer"] == BOUND.languages["ja"]
    assert "xx" in texts["title"]["properties"]


@pytest.mark.parametrize("right", RIGHTS)
def test_an_index_remembers_what_it_was_built_with(right: str) -> None:
    meta = mappings.templates("p", BOUND).indices[f"p-{right}"]["template"]["mappings"]["_meta"]
    assert meta == mappings.meta(right, BOUND)
    assert mappings.meta(right, replace(BOUND, embedder="other")) != meta
    assert mappings.meta(right, replace(BOUND, vectors=1)) != meta
    assert mappings.meta(right, replace(BOUND, dimension=384))["mappings"] != meta["mappings"]


def test_an_analyser_that_does_not_exist_is_named() -> None:
    analysis = {**BOUND.analysis, "analyzer": {}}
    with pytest.raises(ConfigurationError, match=r"components/\w+\.json names the analyzer concord_"):
        mappings.templates("p", replace(BOUND, analysis=analysis))


def test_a_prefix_never_matches_another_platform() -> None:
    assert mappings.aliases("us") == ["us-patent", "us-trademark", "us-design", "us-copyright", "us-gi"]
    assert mappings.version_of("us", "patent", "us-patent-v12") == 12
    assert mappings.version_of("us", "patent", "us-patent-vintage-v1") is None
    assert mappings.version_of("us", "patent", "us-test-patent-v1") is None


@pytest.mark.parametrize(
    ("field", "symbol", "found_by"),
    [
        ("ipc", "H01M 10/0525", {"H", "H01", "H01M", "H01M 10", "H01M 10/00", "H01M 10/0525"}),
        ("cpc", "Y02E 60/10", {"Y", "Y02", "Y02E", "Y02E 60", "Y02E 60/00", "Y02E 60/10"}),
        ("ipc", "H01M", {"H", "H01", "H01M"}),
        ("nice", "9", {"9", "09"}),
        ("vienna", "26.01.06", {"26", "26.01", "26.01.06", "26.1", "26.1.6"}),
        ("locarno", "06-01", {"06", "6", "06-01", "6-1"}),
        ("uspc", "429/231.1", {"429", "429/231.1"}),
        ("other_class", "anything", {"anything"}),
    ],
)
def test_a_class_is_found_at_every_level(field: str, symbol: str, found_by: set[str]) -> None:
    assert set(levels_of(field, symbol)[1]) == found_by


async def test_indices_made_without_templates_are_as_those_made_by_them(opensearch_url: str) -> None:
    """Those of most tests are (tests/platforms.py)."""

    async def made(engine: Engine) -> dict[str, Any]:
        found = {}
        for right in RIGHTS:
            told = (await engine.request("GET", f"/{mappings.alias(engine.prefix, right)}")).popitem()[1]
            settings = told["settings"]["index"]
            own = {"uuid", "creation_date", "provided_name"}
            found[right] = (
                told["mappings"],
                {name: value for name, value in settings.items() if name not in own},
                list(told["aliases"].values()),
            )
        return found

    async with Engine(opensearch_url, f"test-{secrets.token_hex(4)}") as engine:
        await engine.prepare(await bind(engine, embedder("usem3")))
        by_templates = await made(engine)
        await engine.uninstall()
    async with empty_indices(opensearch_url) as engine:
        assert await made(engine) == by_templates


async def test_an_index_to_which_something_was_done_is_not_used_again(opensearch_url: str) -> None:
    await forget_unused(opensearch_url)
    async with empty_indices(opensearch_url) as engine:
        held = {right: await uuid_of(engine, right) for right in RIGHTS}
        patents, marks, designs = (mappings.alias(engine.prefix, right) for right in RIGHTS[:3])
        line = b'{"index":{"_index":"%s","_id":"1"}}\n{"id":"1"}\n' % patents.encode()
        assert await engine.bulk(line) is None
        await engine.request("DELETE", f"/{patents}/_doc/1")
        await engine.request("PUT", f"/{marks}/_settings", {"index.refresh_interval": "1s"})
        await engine.request("PUT", f"/{designs}/_mapping", {"properties": {"extra": {"type": "keyword"}}})
    async with empty_indices(opensearch_url) as engine:
        again = {right: await uuid_of(engine, right) for right in RIGHTS}
    assert {right for right in RIGHTS if again[right] == held[right]} == {"copyright", "gi"}


async def uuid_of(engine: Engine, right: str) -> str:
    told = (await engine.request("GET", f"/{mappings.alias(engine.prefix, right)}/_settings")).popitem()[1]
    return str(told["settings"]["index"]["uuid"])
