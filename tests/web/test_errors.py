"""Whatever goes wrong on a page, a page says so, in the reader's language."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from api import errors
from api.app import create_app
from api.web.language import tongue
from api.web.page import pages
from common.errors import EngineUnavailable, NotFound
from common.settings import load_settings

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (NotFound("x"), 404, "There is nothing here, or you may not know of it."),
        (EngineUnavailable("x"), 503, "The platform could not answer. Try again in a moment."),
        (RuntimeError("a secret"), 500, "The platform could not answer. Try again in a moment."),
    ],
)
async def test_an_error_is_a_page_too(error: Exception, status: int, said: str) -> None:
    router = pages()

    @router.get("/broken")
    async def broken() -> None:
        raise error

    app = FastAPI()
    errors.install(app)
    app.include_router(router)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://pages") as client:
        answer = await client.get("/broken", headers={"accept-language": "ja"})
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert tongue("ja").say(said) in answer.text
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status", "said"),
    [
        ("GET", "/nowhere", 404, "There is nothing here, or you may not know of it."),
        ("POST", "/platform", 405, "There is nothing here, or you may not know of it."),
        ("GET", "/?token=a-secret", 400, "The request cannot be understood."),
        ("POST", "/sign-in", 413, "What was sent is larger than can be taken."),
        ("GET", "/slow", 503, "The platform could not answer. Try again in a moment."),
    ],
)
async def test_what_never_came_to_a_route_is_told_by_a_page_too(
    method: str, path: str, status: int, said: str, tmp_path: Path
) -> None:
    app = create_app(
        load_settings(home=tmp_path, opensearch_url="http://127.0.0.1:1", database_url="postgresql://127.0.0.1:1/x",
                      body_limit=1_000, time_limit=0.2)
    )  # fmt: skip

    @app.get("/slow")
    async def slow() -> None:
        await asyncio.sleep(30)

    transport = httpx.ASGITransport(app=app)
    content = b"x" * 2_000 if status == 413 else None
    reader = {"accept": "text/html,*/*;q=0.8", "accept-language": "ar"}
    async with httpx.AsyncClient(transport=transport, base_url="http://pages") as client:
        shown = await client.request(method, path, headers=reader, content=content)
        told = await client.request(method, path, headers={"accept": "*/*"}, content=content)
    assert shown.status_code == told.status_code == status
    assert shown.headers["content-type"].startswith("text/html")
    assert tongue("ar").say(said) in shown.text
    assert "default-src 'none'" in shown.headers["content-security-policy"]
    assert int(shown.headers["content-length"]) == len(shown.content)
    assert shown.headers.get("retry-after") == told.headers.get("retry-after")
    assert told.json()["status"] == status
