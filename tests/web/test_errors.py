"""Whatever goes wrong on a page, a page says so, in the reader's language."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI

from api import errors
from api.web.language import tongue
from api.web.page import pages
from common.errors import EngineUnavailable, NotFound

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
