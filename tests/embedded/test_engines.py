"""Both engines together, embedded or given by URL, and what `concord doctor` says about them."""

from __future__ import annotations

from pathlib import Path

import httpx
import psycopg
import pytest

from api.search.engine import Engine
from common.errors import EngineUnavailable
from common.settings import load_settings
from compose.embedded import Engines
from compose.embedded.check import Check, check, check_plugins
from compose.embedded.engines import with_driver
from indexer.engine import Engine as Writer

from .conftest import SMALL_HEAP


def by_name(lines: list[Check]) -> dict[str, Check]:
    return {line.name: line for line in lines}


def test_embedded_engines_answer_and_doctor_says_so(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home).mkdir()
    (home / "engines").symlink_to(load_settings().engines_home)
    settings = load_settings(home=home, opensearch_heap=SMALL_HEAP, opensearch_url=None, database_url=None)

    before = by_name(check(settings))
    assert before["OpenSearch"].detail.startswith("not running")
    assert before["PostgreSQL"].detail.startswith("not running")

    with Engines(settings) as engines:
        assert httpx.get(engines.opensearch_url, trust_env=False).json()["version"]["number"] == "3.6.0"
        with psycopg.connect(engines.database_url.replace("+psycopg", "")) as connection:
            assert connection.info.dbname == "concord"
        during = by_name(check(settings))
        assert all(line.ok for line in during.values()), [line for line in during.values() if not line.ok]
        assert during["OpenSearch"].detail == "version 3.6.0"
        assert during["PostgreSQL"].detail.startswith("version 18")
        assert "opensearch-knn" in during["plugins"].detail
        with Engines(settings) as joined:
            assert joined.opensearch_url == engines.opensearch_url

    with pytest.raises(EngineUnavailable):
        _ = engines.opensearch_url
    assert by_name(check(settings))["OpenSearch"].detail.startswith("not running")


def test_engines_given_by_url_are_used_and_nothing_is_started(tmp_path: Path) -> None:
    settings = load_settings(
        home=tmp_path / "home", opensearch_url="https://search.example:9200/", database_url="postgresql://u:p@h/d"
    )
    with Engines(settings) as engines:
        assert engines.opensearch_url == "https://search.example:9200"
        assert engines.database_url == "postgresql+psycopg://u:p@h/d"
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("postgres://h/d", "postgresql+psycopg://h/d"),
        ("postgresql://h/d?host=/x", "postgresql+psycopg://h/d?host=/x"),
        ("postgresql+psycopg://h/d", "postgresql+psycopg://h/d"),
    ],
)
def test_a_database_url_gets_the_driver(given: str, expected: str) -> None:
    assert with_driver(given) == expected


def test_doctor_names_what_outside_engines_lack_and_keeps_passwords_to_itself(tmp_path: Path) -> None:
    settings = load_settings(
        home=tmp_path,
        opensearch_url="http://reader:secret-word@127.0.0.1:9",
        database_url="postgresql://reader:secret-word@127.0.0.1:9/d",
    )
    lines = by_name(check(settings))
    for name in ("OpenSearch", "PostgreSQL"):
        assert not lines[name].ok
        assert lines[name].remedy.startswith("Check CONCORD_")
        assert "secret-word" not in lines[name].detail


def test_of_several_nodes_one_that_is_away_is_named_and_the_others_speak(
    tmp_path: Path, opensearch_url: str, database_url: str
) -> None:
    settings = load_settings(
        home=tmp_path, opensearch_url=f"http://127.0.0.1:9, {opensearch_url}", database_url=database_url
    )
    lines = [line for line in check(settings) if line.name == "OpenSearch"]
    assert [line.ok for line in lines] == [True, False]
    assert "127.0.0.1" in lines[1].detail


async def test_where_a_node_is_away_the_next_is_asked(opensearch_url: str) -> None:
    urls = ",".join(["http://127.0.0.1:9", opensearch_url, "http://127.0.0.1:10"])
    async with Writer(urls, "nothing") as writer:
        for _ in range(6):
            assert await writer.plugins()
    engine = Engine(urls, "nothing")
    assert [await engine.healthy() for _ in range(6)] == [True] * 6
    await engine.close()


def test_doctor_takes_the_official_analysis_plugins_for_ours() -> None:
    official = {"opensearch-knn", "analysis-icu", "analysis-kuromoji", "analysis-nori", "analysis-smartcn"}
    assert check_plugins(official).ok
    assert check_plugins({"opensearch-knn", "ip-concord-analysis"}).ok
    lacking = check_plugins(official - {"analysis-nori"})
    assert not lacking.ok
    assert lacking.detail == "missing: analysis-nori"


def test_doctor_says_when_the_heap_is_too_large(tmp_path: Path) -> None:
    lines = by_name(check(load_settings(home=tmp_path, opensearch_heap="900g")))
    assert not lines["memory"].ok
    assert "CONCORD_OPENSEARCH_HEAP" in lines["memory"].remedy
