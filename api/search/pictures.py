"""The pictures of one record: as delivered, and small."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from api.access.model import Group
from api.dependencies import Access, Services, disclosed
from api.search import records
from api.search.engine import Hit
from common.errors import MalformedInput, NotFound
from indexer.images import decode

SANDBOX = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""Content policy of an answer that is somebody else's content. Styles are those of the browser's own image view."""
NOT_SHOWN = frozenset({"image/tiff"})
"""Media types that a browser does not show: they are saved instead."""


@dataclass(frozen=True, slots=True)
class Picture:
    content: bytes
    media_type: str
    """Told from the content, whatever the delivery called it."""
    name: str

    @property
    def headers(self) -> dict[str, str]:
        way = "attachment" if self.media_type in NOT_SHOWN else "inline"
        return {
            "content-disposition": f'{way}; filename="{self.name}"',
            "content-security-policy": SANDBOX,
            "x-content-type-options": "nosniff",
        }


async def original(access: Access, record_id: str, place: int) -> Picture:
    """Image `place` (from 1, in the record's order), as delivered. Raises NotFound, the same for a record that is
    missing, one that is hidden, one whose images the caller may not see, and an image that the delivery did not
    carry."""

    async def read(sha256: str, services: Services) -> Picture:
        content, media_type = await asyncio.to_thread(content_of, services, sha256)
        return Picture(content, media_type, f"image-{place}.{media_type.rpartition('/')[2]}")

    return await _shown(access, record_id, place, "image", read)


async def thumbnail(access: Access, record_id: str, place: int) -> Picture:
    """The same image as a small PNG. Raises NotFound as `original`."""

    async def read(sha256: str, services: Services) -> Picture:
        try:
            content = await asyncio.to_thread(services.thumbnail, sha256)
        except MalformedInput as error:
            raise records.missing() from error
        return Picture(content, "image/png", f"image-{place}.png")

    return await _shown(access, record_id, place, "thumbnail", read)


async def find(access: Access, record_id: str, place: int) -> tuple[Hit, str]:
    """The record and the digest of one of its images. Raises NotFound as `original`."""
    hit = await records.find(access, record_id)
    return hit, _digest(hit, place)


def _digest(hit: Hit, place: int) -> str:
    if Group.IMAGES not in hit.view.groups:
        raise records.missing()
    images = hit.document["record"].get("images", ())
    sha256 = images[place - 1].get("sha256") if 1 <= place <= len(images) else None
    if not sha256:
        raise records.missing()
    return str(sha256)


async def _shown(
    access: Access, record_id: str, place: int, action: str, read: Callable[[str, Services], Awaitable[Picture]]
) -> Picture:
    async def look(now: Access) -> tuple[Hit, Picture]:
        hit, sha256 = await find(now, record_id, place)
        return hit, await read(sha256, now.services)

    _, (_, picture) = await disclosed(
        access, look, lambda now, found: now.shown(action, [found[0]], content=True, details={"image": place})
    )
    return picture


def content_of(services: Services, sha256: str) -> tuple[bytes, str]:
    """(bytes, media type as told from them) of an archived picture. Raises NotFound."""
    try:
        with services.archive.open(sha256) as stream:
            content = decode.read(stream)
        return content, decode.facts(content).media_type
    except (MalformedInput, NotFound) as error:
        raise records.missing() from error
