"""Deliveries by upload: taken whole, then loaded in the background."""

from __future__ import annotations

import asyncio
import hashlib
import os
import pathlib
import re
import secrets
import shutil
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from sqlalchemy.orm import Session

from api.access.audit import append, change
from api.access.model import Permission
from api.access.routes import SignedIn, in_transaction
from api.deliveries import held
from api.deliveries.job import folder
from api.dependencies import Access, Guard
from api.jobs import queue
from api.search.routes import json_response
from common.errors import AccessDenied, UsageError
from common.messages import say

router = APIRouter(prefix="/v1/deliveries", tags=["deliveries"])
Sequence = Annotated[int, Path(ge=1, le=2**63 - 1)]
Deliverer = Annotated[Access, Depends(Guard(Permission.DELIVER, known=True))]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,150}")
COLLECTION = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LONGEST_COLLECTION = 50
STANDSTILL_S = 60
"""Without a byte, after which an upload is given up."""


@router.post("", status_code=202, summary="Upload a delivery of one's own office")
async def upload(
    request: Request,
    access: Deliverer,
    collection: Annotated[
        str, Query(max_length=LONGEST_COLLECTION, description="NAME of the data set PROVIDER-right-NAME")
    ] = "default",
    name: Annotated[str, Query(max_length=151, description="The file's name, for people")] = "delivery",
) -> Response:
    """The body is the file itself: `curl --data-binary @FILE`. What it is, is told from its content: zip, tar, gz or
    a plain file of any known format. The answer is the job that loads it; the same file again changes nothing."""
    return json_response(await receive(access, request.stream(), collection, name), 202)


async def receive(access: Access, stream: AsyncIterator[bytes], collection: str, name: str) -> dict[str, Any]:
    """A file as a delivery of the caller's office, on disk as a whole, with the job that loads it. Of what could not
    be taken nothing is left. Raises UsageError, AccessDenied."""
    if not NAME.fullmatch(name):
        raise UsageError(say("deliveries.no-file-name"))
    if not COLLECTION.fullmatch(collection.lower()) or len(collection) > LONGEST_COLLECTION:
        raise UsageError(say("deliveries.no-collection-name"))
    if not access.caller.reads_for_office or access.caller.office is None:
        raise AccessDenied("only an office's own people deliver")
    token = secrets.token_hex(16)
    place = folder(access.services) / token
    await asyncio.to_thread(place.mkdir, mode=0o700, parents=True)
    try:
        size, sha256 = await _take(stream, place / name)
        if not size:
            raise UsageError(say("deliveries.empty"))
        file = {"collection": collection.lower(), "name": name, "folder": token, "size": size, "sha256": sha256}
        return await in_transaction(await access.renewed(), lambda session: _enter(session, access, file))
    except BaseException:
        await asyncio.shield(asyncio.to_thread(shutil.rmtree, place, ignore_errors=True))
        raise


def _enter(session: Session, access: Access, file: dict[str, Any]) -> dict[str, Any]:
    request = {"provider": access.caller.office, **file}
    entry = queue.enqueue(session, "delivery", access.caller, access.purpose, request)
    line = change(access.caller, "delivery-uploaded", job=entry.id, size=file["size"], sha256=file["sha256"])
    append(session, access.services.keys, access.services.audit.chain, [line])
    return queue.job_out(entry, access.caller)


async def _take(stream: AsyncIterator[bytes], path: pathlib.Path) -> tuple[int, str]:
    """(size, SHA-256) of a body, on disk when this returns."""
    digest, size = hashlib.sha256(), 0
    file = await asyncio.to_thread(path.open, "wb")
    try:
        while True:
            try:
                async with asyncio.timeout(STANDSTILL_S):
                    chunk = await anext(stream)
            except StopAsyncIteration:
                break
            except TimeoutError:
                raise UsageError(say("deliveries.stalled")) from None
            digest.update(chunk)
            size += len(chunk)
            await asyncio.to_thread(file.write, chunk)
        await asyncio.to_thread(file.flush)
        await asyncio.to_thread(os.fsync, file.fileno())
    finally:
        file.close()
    return size, digest.hexdigest()


@router.get("", summary="Deliveries of one's own office, the latest first")
async def list_deliveries(access: SignedIn, limit: Annotated[int, Query(ge=1, le=500)] = 100) -> Response:
    """Of every office, with counts alone, for who runs the platform. While one is read, `files` says how many of its
    files are done. `findings`: how often each rule doubted something, over all of one's own."""

    def work(session: Session) -> dict[str, Any]:
        return {
            "deliveries": held.everything(session, access.caller, limit),
            "findings": held.findings_by_rule(session, access.caller),
        }

    return json_response(await in_transaction(access, work))


@router.get("/{sequence}", summary="A delivery: what was rejected of it, and what was doubted")
async def read_delivery(sequence: Sequence, access: SignedIn) -> Response:
    """At most `most` of each, in reading order; `concord rejects` lists all."""

    def work(session: Session) -> dict[str, Any]:
        return {
            "delivery": held.one(session, access.caller, sequence),
            "rejects": held.rejects(session, access.caller, sequence),
            "findings": held.rejects(session, access.caller, sequence, findings=True),
            "most": held.PAGE,
        }

    return json_response(await in_transaction(access, work))


@router.get("/{sequence}/rejects/{reject}", summary="The original bytes at the place of an error")
async def read_reject(sequence: Sequence, reject: Sequence, access: SignedIn) -> Response:
    """Lines around the one that the reason names (`error` marks it); without one, the file's beginning."""
    archive = access.services.archive
    found = await in_transaction(access, lambda s: held.place(s, archive, access.caller, sequence, reject))
    return json_response(found)
