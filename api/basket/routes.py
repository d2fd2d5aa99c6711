"""/v1/basket and /v1/notes: what a caller keeps for itself. Nobody else reads it, stewards and auditors included.

A kept id gives no right: each time it is shown the record is looked up under the rights of that moment, and one that
the caller no longer sees is left out like one that is gone.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from api.access.model import Group, Permission
from api.access.routes import in_transaction
from api.dependencies import Access, Guard, disclosed
from api.search.engine import Hit
from api.search.routes import json_response
from common.errors import NotFound, UsageError
from common.messages import say
from store.basket import BasketEntry, RecordNote

router = APIRouter(prefix="/v1", tags=["basket and notes"])

Reader = Annotated[Access, Depends(Guard(Permission.VIEW, known=True))]
RecordId = Annotated[str, Path(min_length=1, max_length=512)]
NOT_SEEN: dict[int | str, dict[str, Any]] = {404: {"description": "No such record, or none that you may read."}}

LARGEST_BASKET = 1_000
MOST_NOTES = 200
"""Notes of one person on one record."""


async def seen(access: Access, ids: list[str]) -> dict[str, Hit]:
    """Those of the records whose bibliography the caller may read now."""
    hits = await access.services.engine.documents(access.scope, ids) if ids else {}
    return {id_: hit for id_, hit in hits.items() if Group.BIBLIOGRAPHY in hit.view.groups}


async def _must_see(access: Access, record: str) -> None:
    if record not in await seen(access, [record]):
        raise NotFound("no such record")


@router.get("/basket", summary="Records that I put aside")
async def read_basket(access: Reader, limit: Annotated[int, Query(ge=1, le=LARGEST_BASKET)] = 200) -> Response:
    """The latest first; only those that you may read now."""

    def work(session: Session) -> list[tuple[str, Any]]:
        statement = select(BasketEntry.record, BasketEntry.added).where(BasketEntry.owner == access.caller.name)
        return [(r, a) for r, a in session.execute(statement.order_by(BasketEntry.added.desc()).limit(limit))]

    held = await in_transaction(access, work)
    _, hits = await disclosed(
        access,
        lambda now: seen(now, [record for record, _ in held]),
        lambda now, found: now.shown("view", found.values()),
    )
    found = [{"id": record, "added": added, "record": hits[record].record} for record, added in held if record in hits]
    return json_response({"records": found})


async def kept(access: Access, record: str) -> Response:
    """What the caller keeps of a record that it has just been shown: whether it is put aside, and the notes."""
    owner = access.caller.name

    def work(session: Session) -> dict[str, Any]:
        notes = select(RecordNote).where(RecordNote.owner == owner, RecordNote.record == record)
        return {
            "aside": session.get(BasketEntry, (owner, record)) is not None,
            "notes": [_out(note) for note in session.scalars(notes.order_by(RecordNote.id).limit(MOST_NOTES))],
        }

    return json_response(await in_transaction(access, work))


@router.put("/basket/{record_id}", summary="Put a record aside", responses=NOT_SEEN)
async def put_aside(record_id: RecordId, access: Reader) -> Response:
    await _must_see(access, record_id)
    owner = access.caller.name

    def work(session: Session) -> None:
        held = session.scalar(select(func.count()).select_from(BasketEntry).where(BasketEntry.owner == owner))
        if (held or 0) >= LARGEST_BASKET:
            raise UsageError(say("basket.full", most=LARGEST_BASKET))
        session.execute(insert(BasketEntry).values(owner=owner, record=record_id).on_conflict_do_nothing())

    await in_transaction(access, work)
    return json_response({"id": record_id})


@router.delete("/basket/{record_id}", summary="Take a record out of the basket")
async def take_out(record_id: RecordId, access: Reader) -> Response:
    statement = delete(BasketEntry).where(BasketEntry.owner == access.caller.name, BasketEntry.record == record_id)
    await in_transaction(access, lambda session: session.execute(statement) and None)
    return json_response({"id": record_id})


class NoteIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    record: Annotated[str, Field(min_length=1, max_length=512)]
    text: Annotated[str, Field(min_length=1, max_length=10_000, pattern=r"^[^\x00]+$")]


@router.get("/notes", summary="My notes on a record", responses=NOT_SEEN)
async def read_notes(access: Reader, record: Annotated[str, Query(min_length=1, max_length=512)]) -> Response:
    """Oldest first. Notes on a record that you may not read now are not shown."""
    await _must_see(access, record)
    return await kept(access, record)


def _out(note: RecordNote) -> dict[str, Any]:
    return {"id": note.id, "record": note.record, "text": note.text, "at": note.at}


@router.post("/notes", status_code=201, summary="Write a note on a record", responses=NOT_SEEN)
async def write_note(access: Reader, given: NoteIn) -> Response:
    await _must_see(access, given.record)
    owner = access.caller.name

    def work(session: Session) -> dict[str, Any]:
        mine = select(func.count()).select_from(RecordNote)
        mine = mine.where(RecordNote.owner == owner, RecordNote.record == given.record)
        if (session.scalar(mine) or 0) >= MOST_NOTES:
            raise UsageError(say("basket.notes-full", most=MOST_NOTES))
        note = RecordNote(owner=owner, record=given.record, text=given.text)
        session.add(note)
        session.flush()
        session.refresh(note)
        return _out(note)

    return json_response(await in_transaction(access, work), 201)


@router.delete("/notes/{note}", summary="Delete one of my notes", responses={404: {"description": "No such note."}})
async def delete_note(note: Annotated[int, Path(ge=1, le=2**63 - 1)], access: Reader) -> Response:
    statement = delete(RecordNote).where(RecordNote.id == note, RecordNote.owner == access.caller.name)

    def work(session: Session) -> int:
        return len(session.scalars(statement.returning(RecordNote.id)).all())

    if not await in_transaction(access, work):
        raise NotFound("no such note")
    return json_response({"id": note})
