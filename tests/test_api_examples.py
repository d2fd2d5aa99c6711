"""Every request to the API that the documentation shows can be made: its route, method, parameters and fields exist."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from pydantic import SecretStr

from api.app import create_app
from common.settings import load_settings

PROJECT = Path(__file__).resolve().parents[1]
PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
ADDRESS = re.compile(r"^(?:\$URL|http://127\.0\.0\.1:8000)(/.*)$")


def examples() -> list[tuple[str, str]]:
    """(page, command) of each request, its continued lines made one."""
    found = []
    for page in PAGES:
        for block in BLOCK.findall(page.read_text("utf-8")):
            # One command ends where no quote is open: bodies go over several lines.
            pending = ""
            for line in block.replace("\\\n", " ").replace("|\n", "| ").splitlines():
                pending = f"{pending}\n{line}" if pending else line
                try:
                    shlex.split(pending, comments=True)
                except ValueError:
                    continue
                if "curl " in pending:
                    found.append((page.name, pending[pending.index("curl ") :]))
                pending = ""
    return found


@pytest.fixture(scope="module")
def description(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    nowhere = {"opensearch_url": "http://127.0.0.1:9", "database_url": SecretStr("postgresql+psycopg://x@/x")}
    app = create_app(load_settings(home=tmp_path_factory.mktemp("home"), **nowhere))
    described: dict[str, Any] = app.openapi()
    return described


def test_there_are_examples() -> None:
    assert len(examples()) > 60
    assert sum(page == "api.md" for page, _ in examples()) > 18


@pytest.mark.parametrize(("page", "command"), examples())
def test_a_request_can_be_made(page: str, command: str, description: dict[str, Any]) -> None:
    words = shlex.split(command, comments=True)
    words = words[: words.index("|")] if "|" in words else words
    (target,) = [found[1] for word in words if (found := ADDRESS.match(word.strip("()")))]
    parts = urlsplit(target)
    data = [words[place + 1] for place, word in enumerate(words) if word in ("-d", "--data-binary", "--data-urlencode")]
    queried = "--get" in words
    method = words[words.index("-X") + 1].lower() if "-X" in words else "post" if data and not queried else "get"
    names = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    names += [one.partition("=")[0] for one in data if queried]
    # A plain path before one with a name in it, as the application has them.
    routes = sorted(description["paths"], key=lambda path: path.count("{"))
    matching = [path for path in routes if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", path), parts.path)]
    asked = [description["paths"][path][method] for path in matching if method in description["paths"][path]]
    assert asked, f"{page}: there is no {method.upper()} {parts.path}"
    route = asked[0]
    known = {given["name"] for given in route.get("parameters", ()) if given["in"] == "query"}
    if parts.path == "/v1/search":
        known.add("format")  # as is every facet's name, which the description tells in words
    assert set(names) <= known, f"{page}: {method.upper()} {parts.path} takes no {set(names) - known}"
    for body in data if not queried else ():
        if body.startswith("{"):
            assert set(json.loads(body)) <= fields(route, description), f"{page}: {command}"


def fields(route: dict[str, Any], description: dict[str, Any]) -> set[str]:
    schema = route["requestBody"]["content"]["application/json"]["schema"]
    pending, found = [schema], set()
    while pending:
        part = pending.pop()
        if "$ref" in part:
            part = description["components"]["schemas"][part["$ref"].rpartition("/")[2]]
        found |= set(part.get("properties", ()))
        pending += [*part.get("anyOf", ()), *part.get("oneOf", ()), *part.get("allOf", ())]
    return found
