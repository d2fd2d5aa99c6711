"""What a source of advisories says is told; one that is not reached is never taken for one that knows of none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.hostile import advisories

NAMED = {"name": "made-up", "version": "1.0"}
ADVISORY = {"id": "MADE-UP-1", "fix_versions": ["1.1"], "aliases": [], "description": ""}


def answering(monkeypatch: pytest.MonkeyPatch, **answers: Any) -> None:
    monkeypatch.setattr(advisories, "asked", lambda source, path: answers[source])


def test_an_advisory_fails_and_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    answering(monkeypatch, osv={"dependencies": [{**NAMED, "vulns": [ADVISORY]}]})
    assert advisories.main(["list.txt"]) == 1
    assert "made-up 1.0: MADE-UP-1, cured in 1.1" in capsys.readouterr().err


def test_a_source_that_knows_of_none_is_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(monkeypatch, osv=None, pypi={"dependencies": [{**NAMED, "vulns": []}]})
    assert advisories.main(["list.txt", "--must-reach"]) == 0
    assert "1 entries asked at pypi, 0 advisories" in capsys.readouterr().out


@pytest.mark.parametrize("nothing", [None, {"dependencies": [{**NAMED, "skip_reason": "not found on PyPI"}]}])
def test_no_source_is_said_plainly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], nothing: Any
) -> None:
    answering(monkeypatch, osv=None, pypi=nothing)
    assert advisories.main(["list.txt"]) == 0
    assert "NOT CHECKED" in capsys.readouterr().out
    assert advisories.main(["list.txt", "--must-reach"]) == 1


def test_the_lists_that_are_asked_about_are_there() -> None:
    assert (Path(advisories.PROJECT) / "requirements/dev.txt").is_file()
