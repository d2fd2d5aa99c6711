"""The house keeps its shape: who may talk to OpenSearch, and who may not know of whom."""

from __future__ import annotations

from pathlib import Path

import grimp
import pytest

ROOMS = ("analyzers", "api", "cli", "common", "compose", "indexer", "mappings", "store")
ENGINE_DOORS = {"indexer.engine", "api.search.engine"}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*ROOMS, include_external_packages=True, cache_dir=None)


def test_only_the_two_engine_modules_talk_to_opensearch(graph: grimp.ImportGraph) -> None:
    importers = graph.find_modules_that_directly_import("opensearchpy")
    assert importers
    assert importers <= ENGINE_DOORS, f"go through indexer.engine or api.search.engine: {importers - ENGINE_DOORS}"


def test_nothing_but_the_command_imports_the_api(graph: grimp.ImportGraph) -> None:
    outside = {
        importer
        for module in graph.find_descendants("api") | {"api"}
        for importer in graph.find_modules_that_directly_import(module)
        if importer.split(".")[0] not in {"api", "cli"}
    }
    assert not outside


def test_only_one_module_makes_xml_parsers(graph: grimp.ImportGraph) -> None:
    project = Path(__file__).resolve().parent.parent
    makers = {
        str(source.relative_to(project))
        for room in ROOMS
        for source in (project / room).rglob("*.py")
        if any(maker in source.read_text() for maker in ("XMLParser(", "XMLPullParser(", "iterparse("))
    }
    assert makers == {"indexer/formats/xml.py"}


def test_pages_ask_the_api_for_everything(graph: grimp.ImportGraph) -> None:
    """No page reads the store, the archive or the engine by itself: what it shows, the API says too."""
    pages = graph.find_descendants("api.web")
    assert pages
    doors = {"indexer.archive", "indexer.engine", "api.search.engine"}
    sources = {module for module in graph.modules if module.split(".")[0] == "store"} | doors
    reading = {
        (page, source)
        for page in pages
        for source in graph.find_modules_directly_imported_by(page)
        if source in sources
    }
    assert not reading
