"""What the guides tell people to type exists: commands, arguments and options, files of the samples."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from cli.main import application
from tests.web.screenshots import FOLLOWED, OPEN, PARTS, SIGNED_IN, WIDTHS

PROJECT = Path(__file__).resolve().parent.parent
PAGES = [*sorted((PROJECT / "docs/guides").glob("*.md")), PROJECT / "compose/production/README.md"]
TYPED = re.compile(r"(?:^|run --rm (?:--volume \S+ )?|=\S+ |`)(concord [a-z][^`\n]*)", re.MULTILINE)


def typed() -> list[tuple[str, str]]:
    return [(page.name, line.strip()) for page in PAGES for line in TYPED.findall(page.read_text("utf-8"))]


def test_the_guides_have_commands() -> None:
    assert len(typed()) > 20


@pytest.mark.parametrize(("page", "line"), typed())
def test_every_command_in_a_guide_can_be_typed(page: str, line: str) -> None:
    words = shlex.split(line.split("|")[0])[1:]
    command = get_command(application())
    while words and hasattr(command, "commands"):
        name = words.pop(0)
        assert name in command.commands, f"{page}: {line}"
        command = command.commands[name]
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    for word in words:
        if word.startswith("--"):
            assert word.split("=")[0] in options | {"--help"}, f"{page}: {line}"
        elif word.startswith("samples/"):
            assert (PROJECT / word).exists(), f"{page}: {line}"


def test_every_picture_of_a_page_is_shown_in_a_guide_at_both_widths() -> None:
    shown = {name for page in (PROJECT / "docs/guides").glob("*.md")
             for name in re.findall(r"\(\.\./screenshots/([^)]+)\)", page.read_text("utf-8"))}  # fmt: skip
    taken = {path.name for path in (PROJECT / "docs/screenshots").glob("*.png")}
    assert taken == shown
    names = {*OPEN, *(f"record-{part}" for part in PARTS), *(name for pages in SIGNED_IN.values() for name in pages),
             *(name for pages in FOLLOWED.values() for name in pages)}  # fmt: skip
    assert taken - {"search-dark-wide.png"} == {f"{name}-{width}.png" for name in names for width in WIDTHS}
