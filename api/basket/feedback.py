"""/v1/feedback: what people say about the platform, for those who run it."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.access.model import Permission
from api.access.routes import in_transaction
from api.dependencies import Access, Guard
from api.search.routes import json_response
from common.errors import NotFound
from store.basket import Feedback

router = APIRouter(prefix="/v1/feedback", tags=["feedback"])

Known = Annotated[Access, Depends(Guard(None, known=True))]
PlatformManager = Annotated[Access, Depends(Guard(Permission.MANAGE_PLATFORM))]


class FeedbackIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(min_length=1, max_length=5_000, pattern=r"^[^\x00]+$")]
    page: Annotated[str, Field(max_length=300, pattern=r"^(/[^?#\x00]*)?$")] = ""
    """Path of the page that it is about, without parameters."""


def _out(entry: Feedback) -> dict[str, Any]:
    return {
        "id": entry.id,
        "by": entry.by,
        "office": entry.office,
        "page": entry.page,
        "text": entry.text,
        "at": entry.at,
        "done": entry.done,
    }


@router.post("", status_code=201, summary="Say something about the platform")
async def say(access: Known, given: FeedbackIn) -> Response:
    def work(session: Session) -> dict[str, Any]:
        entry = Feedback(by=access.caller.name, office=access.caller.office, page=given.page, text=given.text)
        session.add(entry)
        session.flush()
        session.refresh(entry)
        return _out(entry)

    return json_response(await in_transaction(access, work), 201)


@router.get("", summary="What people say about the platform")
async def inbox(access: PlatformManager, limit: Annotated[int, Query(ge=1, le=500)] = 200) -> Response:
    """What is not done first, then the latest first."""

    def work(session: Session) -> list[dict[str, Any]]:
        statement = select(Feedback).order_by(Feedback.done.is_not(None), Feedback.id.desc()).limit(limit)
        return [_out(entry) for entry in session.scalars(statement)]

    return json_response({"feedback": await in_transaction(access, work)})


@router.post("/{feedback}/done", summary="Mark as dealt with", responses={404: {"description": "No such feedback."}})
async def done(feedback: Annotated[int, Path(ge=1, le=2**63 - 1)], access: PlatformManager) -> Response:
    def work(session: Session) -> dict[str, Any]:
        entry = session.get(Feedback, feedback)
        if entry is None:
            raise NotFound("no such feedback")
        entry.done = entry.done or dt.datetime.now(dt.UTC)
        session.flush()
        return _out(entry)

    return json_response(await in_transaction(access, work))
