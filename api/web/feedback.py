"""What people say about the platform, and the inbox of those who run it."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from api.basket import feedback as api
from api.web.page import PlatformManager, SignedIn, local_target, of_api, pages, render
from common.errors import UsageError
from common.messages import say

router = pages()


@router.get("/feedback")
async def form(request: Request, access: SignedIn) -> Response:
    about = urlsplit(local_target(request.query_params.get("page"))).path
    return render(request, access, "feedback.html", about=about, sent="sent" in request.query_params)


@router.post("/feedback")
async def send(request: Request, access: SignedIn) -> Response:
    given = await request.form()
    try:
        said = api.FeedbackIn(text=str(given.get("text", "")).strip(), page=str(given.get("page", ""))[:300])
    except ValidationError as error:
        raise UsageError(say("pages.write-something")) from error
    await api.say(access, said)
    return RedirectResponse("/feedback?sent=1", 303)


@router.get("/platform/feedback")
async def inbox(request: Request, access: PlatformManager) -> Response:
    held = (await of_api(api.inbox(access)))["feedback"]
    return render(request, access, "feedback_inbox.html", held=held)


@router.post("/platform/feedback/{feedback}")
async def done(feedback: int, access: PlatformManager) -> Response:
    await api.done(feedback, access)
    return RedirectResponse("/platform/feedback", 303)
