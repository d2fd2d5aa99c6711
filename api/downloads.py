"""Files out, in one piece or by ranges (RFC 9110 §14), with the right to them looked at again on the way."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from fastapi import Response
from fastapi.responses import StreamingResponse

from api.dependencies import Access
from api.errors import problem
from common.messages import say

CHUNK = 256 << 10
"""Bytes that leave at once. Before each it is asked whether any right has changed: one small read."""
LOOK_AGAIN = 4 << 20
"""Bytes after which all that a download needs is looked at again, changed or not: a key may have run out."""
Look = Callable[[Access], Awaitable[object]]
"""Raises where a caller, as it is now, may not have the file any more."""
RANGE = re.compile(r"bytes=(\d*)-(\d*)$")


@dataclass(frozen=True, slots=True)
class Download:
    path: Path
    size: int
    sha256: str
    """Its ETag."""
    name: str
    """Under which it is saved."""
    media_type: str

    @property
    def etag(self) -> str:
        return f'"{self.sha256}"'


def wanted(file: Download, range_: str | None, if_range: str | None) -> tuple[int, int, int] | Response:
    """(first byte, last byte, status) that a request asks for; the answer itself where there is no such range."""
    if range_ is None or if_range not in (None, file.etag):
        return 0, file.size - 1, 200
    found = _range(range_, file.size)
    if found == "unsatisfiable":
        return problem(416, say("api.no-such-range"), headers={"content-range": f"bytes */{file.size}"})
    return (*found, 206) if isinstance(found, tuple) else (0, file.size - 1, 200)


def send(file: Download, first: int, last: int, status: int, access: Access, look: Look) -> Response:
    """The bytes, as long as `look` does not raise: then the connection breaks off."""
    headers = {
        "accept-ranges": "bytes",
        "etag": file.etag,
        "content-disposition": f'attachment; filename="{file.name}"',
        "content-length": str(last - first + 1),
    }
    if status == 206:
        headers["content-range"] = f"bytes {first}-{last}/{file.size}"
    content = _content(file.path, first, last - first + 1, access, look)
    return StreamingResponse(content, status, headers, file.media_type)


def _range(text: str, size: int) -> tuple[int, int] | str | None:
    """First and last byte; `unsatisfiable`; None for what is not understood (the whole is sent then)."""
    match = RANGE.match(text.strip())
    if match is None or match.groups() == ("", ""):
        return None
    begin, end = match.groups()
    if not begin:
        length = int(end)
        return (max(0, size - length), size - 1) if length and size else "unsatisfiable"
    first = int(begin)
    last = min(int(end), size - 1) if end else size - 1
    if end and int(end) < first:
        return None
    return (first, last) if first < size else "unsatisfiable"


async def _content(path: Path, first: int, length: int, access: Access, look: Look) -> AsyncIterator[bytes]:
    source = await asyncio.to_thread(path.open, "rb")
    try:
        await asyncio.to_thread(source.seek, first)
        unchecked = 0
        while length:
            chunk = await asyncio.to_thread(source.read, min(CHUNK, length))
            if not chunk:
                return
            # After the reading: nothing is waited for between this and the bytes' leaving.
            if unchecked >= LOOK_AGAIN or not await access.unchanged():
                access = await access.renewed()
                await look(access)
                unchecked = 0
            length -= len(chunk)
            unchecked += len(chunk)
            yield chunk
    finally:
        source.close()
