"""Errors of the exchange and of webhooks say what, where, and what to do."""

from __future__ import annotations

import ast
from pathlib import Path

import httpx
import pytest

import api
from api.web.language import tongue
from api.webhooks import sender
from common.messages import say, templates

ROOMS = [Path(api.__file__).parent / room for room in ("exchange", "webhooks")]
FILES = sorted(path for room in ROOMS for path in room.rglob("*.py"))
RAISED = {"UsageError", "Conflict", "Forbidden", "EngineUnavailable", "Ended", "BadCursor"}
URL = "https://office.example/hook"


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_is_refused_says_what_to_do(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Raise) or not isinstance(node.exc, ast.Call):
            continue
        name = node.exc.func.id if isinstance(node.exc.func, ast.Name) else ""
        if name in RAISED:
            assert has_remedy(node.exc), f"{path}:{node.lineno}: no remedy"


def has_remedy(error: ast.Call) -> bool:
    """A remedy of its own, or one in the table under the code of what it says."""
    return any(part.arg == "remedy" for part in error.keywords) or any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "say"
        and f"{ast.literal_eval(node.args[0])}.remedy" in templates()
        for part in error.args
        for node in ast.walk(part)
    )


@pytest.mark.parametrize("status", [204 + 96, 301, 401, 404, 413, 418, 429, 500, 503, 599])
def test_an_answer_that_is_no_yes_names_the_address_the_status_and_what_to_do(status: int) -> None:
    told = sender.answered(URL, status)
    assert told == f"{URL} answered {status}."
    assert told.code in {row[1] for row in sender.ANSWERS}
    assert told.remedy


@pytest.mark.parametrize(
    ("failed", "says"),
    [
        (httpx.ReadTimeout("slow"), "gave no answer within 10 s (ReadTimeout)"),
        (httpx.ConnectError("refused"), "could not be reached (ConnectError)"),
        (httpx.RemoteProtocolError("half"), "broke the connection off (RemoteProtocolError)"),
    ],
)
def test_what_stood_in_the_way_of_an_answer_is_told(failed: httpx.HTTPError, says: str) -> None:
    told = sender.unreached(URL, failed)
    assert told == f"{URL} {says}."
    assert told.remedy


@pytest.mark.parametrize("language", ["ar", "ja"])
def test_what_a_message_met_is_told_in_the_reader_s_language_long_after(language: str) -> None:
    for said in (sender.answered(URL, 503), sender.unreached(URL, httpx.ReadTimeout("slow")), say("webhooks.closed")):
        told = tongue(language).tell(f"{said} {said.remedy}")
        assert "untold" not in told
        assert tongue(language).say(said.remedy) in told
