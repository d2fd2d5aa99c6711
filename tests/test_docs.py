"""The documentation names every setting, command and dependency, and its links lead somewhere."""

from __future__ import annotations

import importlib.util
import re
import tomllib
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


def dependencies() -> list[str]:
    content = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    named = content["project"]["dependencies"] + [
        one for group in content["dependency-groups"].values() for one in group if isinstance(one, str)
    ]
    return sorted({re.split(r"[\[=<>; ]", one)[0] for one in named})


@pytest.mark.parametrize("package", dependencies())
def test_every_dependency_has_a_reason_and_a_licence(package: str) -> None:
    rows = [row for row in (DOCS / "dependencies.md").read_text().splitlines() if row.startswith(f"| {package} |")]
    assert rows, f"{package} is missing in docs/dependencies.md"
    _, _, version, why, licence, _ = (cell.strip() for cell in rows[0].split("|"))
    assert version
    assert why
    assert licence


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (page.parent / unquote(target)).exists(), f"{page.name} links to {target}"
