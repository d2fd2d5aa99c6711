"""A form with large files, read as it comes: fields first, then each file as a stream. Nothing of it is kept here.

Forms elsewhere are read as a whole before anybody is asked who sent them; a file of gigabytes must not be.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from api.deliveries.routes import STANDSTILL_S
from common.errors import UsageError
from common.messages import say

LARGEST_FIELDS = 16_000
"""Bytes of fields and headers of parts, together, before and between the files."""


@dataclass(slots=True)
class Part:
    """The beginning of one."""

    name: str
    file: str | None
    """The file's name; None for a field."""


@dataclass(slots=True)
class File:
    name: str
    content: AsyncIterator[bytes]


Event = Part | bytes | None
"""A part begins, goes on, ends."""


class Upload:
    """A form that is under way. `fields`: those that stand before the first file."""

    def __init__(self, chunks: AsyncIterator[bytes], boundary: bytes) -> None:
        self.fields: dict[str, str] = {}
        self._chunks = chunks
        self._events: deque[Event] = deque()
        self._first: Part | None = None
        self._parts = _Parts(self._events, boundary)

    async def begin(self) -> None:
        """Reads as far as the first file. Raises UsageError."""
        self._first = await self._next_file()

    async def files(self) -> AsyncIterator[File]:
        """Each file; its content is to be read before the next is asked for. One without a name was not chosen."""
        found = self._first
        while found is not None:
            content = self._content()
            if found.file:
                yield File(found.file, content)
            async for _ in content:
                pass
            found = await self._next_file()

    async def _next_file(self) -> Part | None:
        name, value = "", b""
        async for event in self._all():
            if isinstance(event, Part):
                if event.file is not None:
                    return event
                name, value = event.name, b""
            elif event is None:
                self.fields[name] = value.decode("utf-8", "replace")
            else:
                value += event
        return None

    async def _content(self) -> AsyncIterator[bytes]:
        async for event in self._all():
            if not isinstance(event, bytes):
                return
            yield event

    async def _all(self) -> AsyncIterator[Event]:
        while True:
            while self._events:
                yield self._events.popleft()
            if self._parts.ended:
                return
            try:
                async with asyncio.timeout(STANDSTILL_S):
                    chunk = await anext(self._chunks, b"")
            except TimeoutError:
                raise UsageError(say("deliveries.stalled")) from None
            if not chunk:  # cut short: what came of a file is not the file
                raise UsageError(say("deliveries.no-form"))
            self._parts.take(chunk)


@dataclass
class _Parts:
    """Turns the bytes of a form into events (RFC 7578)."""

    events: deque[Event]
    boundary: bytes
    header: bytes = b""
    value: bytes = b""
    disposition: bytes = b""
    in_file: bool = False
    outside: int = 0
    """Bytes that were no file's content."""
    ended: bool = False
    parser: MultipartParser = field(init=False)

    def __post_init__(self) -> None:
        """Raises FormParserError for a boundary that is too long."""
        self.parser = MultipartParser(
            self.boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header,
                "on_header_value": self._value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_end,
                "on_part_data": self._content,
                "on_part_end": lambda: self.events.append(None),
                "on_end": self._end,
            },
        )

    def take(self, chunk: bytes) -> None:
        try:
            self.parser.write(chunk)
        except FormParserError as error:
            raise UsageError(say("deliveries.no-form")) from error

    def _content(self, data: bytes, start: int, end: int) -> None:
        self.events.append(data[start:end])
        if not self.in_file:
            self._count(end - start)

    def _end(self) -> None:
        self.ended = True

    def _begin(self) -> None:
        self.header = self.value = self.disposition = b""

    def _header(self, data: bytes, start: int, end: int) -> None:
        self.header += data[start:end]
        self._count(end - start)

    def _value(self, data: bytes, start: int, end: int) -> None:
        self.value += data[start:end]
        self._count(end - start)

    def _count(self, length: int) -> None:
        self.outside += length
        if self.outside > LARGEST_FIELDS:
            raise UsageError(say("deliveries.no-form"))

    def _header_end(self) -> None:
        if self.header.lower() == b"content-disposition":
            self.disposition = self.value
        self.header = self.value = b""

    def _headers_end(self) -> None:
        _, options = parse_options_header(self.disposition)
        name, file = (options.get(key) for key in (b"name", b"filename"))
        self.in_file = file is not None
        text = None if file is None else file.decode("utf-8", "replace")
        self.events.append(Part((name or b"").decode("utf-8", "replace"), text))


async def uploaded(request: Request) -> Upload:
    """The form of a request, read as far as its first file, once. Raises UsageError for what is no such form, is cut
    short, or stands still."""
    if isinstance(held := getattr(request.state, "upload", None), Upload):
        return held
    kind, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise UsageError(say("deliveries.no-form"))
    try:
        upload = Upload(request.stream(), boundary)
    except FormParserError as error:
        raise UsageError(say("deliveries.no-form")) from error
    await upload.begin()
    request.state.upload = upload
    return upload
