"""The documentation names every setting and command, and its links lead somewhere."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote

import pytest

from common.settings import Settings

PROJECT = Path(__file__).resolve().parent.parent
DOCS = PROJECT / "docs"
PAGES = sorted(
    [*PROJECT.glob("*.md"), *DOCS.rglob("*.md"), PROJECT / "samples/README.md", PROJECT / "analyzers/README.md"]
)


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", DOCS / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_setting_is_documented(reference: ModuleType) -> None:
    assert all(field.description for field in Settings.model_fields.values())
    assert (DOCS / "settings.md").read_text() == reference.settings_page(), "run: python docs/reference.py"


def test_every_command_is_documented(reference: ModuleType) -> None:
    assert all(command.help for _, command in reference.commands())
    assert (DOCS / "commands.md").read_text() == reference.commands_page(), "run: python docs/reference.py"


def test_every_field_of_the_search_is_documented(reference: ModuleType) -> None:
    assert (DOCS / "search-fields.md").read_text() == reference.search_fields_page(), "run: python docs/reference.py"


def test_the_sizing_guide_shows_the_table_of_sizes(reference: ModuleType) -> None:
    page = (DOCS / "sizing.md").read_text("utf-8")
    assert reference.SIZES_BEGIN in page
    assert page == reference.with_sizes(page), "run: python docs/reference.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (page.parent / unquote(target)).exists(), f"{page.name} links to {target}"
