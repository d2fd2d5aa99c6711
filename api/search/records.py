"""One record: as JSON, and as it was delivered."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from api.access.model import GRANTABLE, Group, Tier
from api.access.scope import View
from api.dependencies import Access, disclosed
from api.search.engine import Hit
from common.errors import NotFound
from store.ingest import Member, StoredRecord

ALL_GROUPS = frozenset(GRANTABLE) - {Group.UNPUBLISHED}
"""An original holds everything, addresses included: it is shown to those who hold every group."""
LARGEST_SHARED_MEMBER = 200
"""An original that holds more records than this is not checked record by record: it is not shown whole."""


@dataclass(frozen=True, slots=True)
class Original:
    content: bytes
    format: str
    name: str


async def find(access: Access, record_id: str) -> Hit:
    """The record as the engine gives it to this caller. Raises NotFound, the same for hidden and missing."""
    hit = await access.services.engine.get(access.scope, record_id)
    if hit is None:
        raise missing()
    return hit


def missing() -> NotFound:
    """One error for every route that names a record: hidden and missing look the same."""
    return NotFound("no such record")


async def view(access: Access, record_id: str) -> dict[str, Any]:
    """The record as the caller may see it; written to the audit before it is returned."""
    _, hit = await disclosed(
        access,
        lambda now: find(now, record_id),
        lambda now, hit: now.shown("view", [hit], content=hit.view.tier is Tier.CONTENT),
    )
    return hit.record


async def original(access: Access, record_id: str) -> Original:
    """The bytes from which the record was read. Raises NotFound unless the caller may see all that is in them."""
    _, (_, made) = await disclosed(
        access,
        lambda now: _original(now, record_id),
        lambda now, found: now.shown("original", [found[0]], content=True),
    )
    return made


async def _original(access: Access, record_id: str) -> tuple[Hit, Original]:
    hit = await find(access, record_id)
    if not sees_everything(hit.view):
        raise NotFound("no such original")
    source = hit.document["record"]["source"]
    offset, length = source.get("byte_offset"), source.get("byte_length")
    archive = access.services.archive
    if offset is not None and length is not None:
        content = await asyncio.to_thread(archive.read_range, source["sha256"], offset, length)
    else:
        await _whole_member_allowed(access, source["sha256"])
        content = await asyncio.to_thread(_read, access, source["sha256"])
    name = (source.get("member") or source["file"]).replace("!", "/").rpartition("/")[2]
    return hit, Original(content, source["format"], name)


def sees_everything(view: View) -> bool:
    return view.tier is Tier.CONTENT and view.groups >= ALL_GROUPS


async def _whole_member_allowed(access: Access, sha256: str) -> None:
    """A file whose records cannot be cut apart is shown only to somebody who may see every record in it."""

    def ids() -> list[str]:
        with access.services.reading.connect() as connection:
            return list(
                connection.scalars(
                    select(StoredRecord.id)
                    .join(Member, Member.id == StoredRecord.member)
                    .where(Member.sha256 == sha256, StoredRecord.deleted.is_(False))
                    .limit(LARGEST_SHARED_MEMBER + 1)
                )
            )

    held = await asyncio.to_thread(ids)
    if len(held) > LARGEST_SHARED_MEMBER:
        raise NotFound("no such original")
    seen = await access.services.engine.documents(access.scope, held)
    if any(name not in seen or not sees_everything(seen[name].view) for name in held):
        raise NotFound("no such original")


def _read(access: Access, sha256: str) -> bytes:
    with access.services.archive.open(sha256) as stream:
        return stream.read()
