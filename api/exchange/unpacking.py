"""Reads a zip file member after member with memory that does not grow: the counterpart of container.py.

Python's zipfile makes an object of each line of the directory before the first member is read, about 100 MB for the
package of 50,000 records. Here the directory is read as it is gone through. APPNOTE 6.3.10; zip64; stored and deflated
members, none encrypted.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from api.exchange.container import CENTRAL, COUNT_LIMIT, DEFLATED, END, LIMIT, LOCAL, STORED, UTF8

LONGEST_END = 22 + 0xFFFF
"""The last structure of a zip file with the longest comment."""
ENCRYPTED = 0x0001
PIECE = 64 << 10
"""Bytes that are read, and inflated, at once."""
ZIP64_END, ZIP64_PLACE = b"PK\x06\x06", b"PK\x06\x07"


class Damaged(ValueError):
    """What cannot be read, in words for people."""


@dataclass(frozen=True, slots=True)
class Member:
    """A line of the directory."""

    raw: bytes
    name: str
    flags: int
    method: int
    crc: int
    length: int
    """Bytes in the file."""
    size: int
    """Bytes of the content."""
    offset: int
    """Of its header in the file."""


class Unpacker:
    """A zip file, open for reading. Raises Damaged for what is none, OSError as files do."""

    def __init__(self, path: Path) -> None:
        # One handle goes along the directory while the other is somewhere among the members.
        self._data, self._directory = path.open("rb"), path.open("rb")
        try:
            self.members_said, self._length, self._start = self._find_directory(path.stat().st_size)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._data.close()
        self._directory.close()

    def _find_directory(self, size: int) -> tuple[int, int, int]:
        """(members, bytes, offset) of the directory."""
        begin = max(0, size - LONGEST_END)
        self._data.seek(begin)
        tail = self._data.read()
        place = tail.rfind(END)
        while place >= 0:
            if len(tail) - place >= 22 and place + 22 + struct.unpack_from("<H", tail, place + 20)[0] == len(tail):
                break
            place = tail.rfind(END, 0, place)
        if place < 0:
            raise Damaged("its directory is not there, as in a file that was cut off")
        count, length, start = struct.unpack_from("<10xHII", tail, place)
        end = begin + place
        if count == COUNT_LIMIT or LIMIT in (length, start):
            if tail[max(0, place - 20) : place][:4] != ZIP64_PLACE:
                raise Damaged("the place of its directory is not said")
            (end,) = struct.unpack_from("<8xQ", tail, place - 20)
            self._data.seek(end)
            last = self._data.read(56)
            if len(last) < 56 or last[:4] != ZIP64_END:
                raise Damaged("the place of its directory is wrong")
            count, length, start = struct.unpack_from("<32xQQQ", last)
        if start + length != end:
            raise Damaged("its directory is not where it should be")
        return count, length, start

    def members(self) -> Iterator[Member]:
        """The directory, line by line."""
        self._directory.seek(self._start)
        left, seen = self._length, 0
        while left > 0:
            head = self._directory.read(46)
            if len(head) < 46 or head[:4] != CENTRAL:
                raise Damaged(f"line {seen + 1} of its directory is damaged")
            flags, method, crc, length, size = struct.unpack_from("<8xHH4xIII", head)
            name_length, extra_length, comment_length, offset = struct.unpack_from("<28xHHH8xI", head)
            rest = self._directory.read(name_length + extra_length + comment_length)
            left -= 46 + len(rest)
            raw = rest[:name_length]
            wide = _zip64(rest[name_length : name_length + extra_length])
            try:
                name = raw.decode("utf-8" if flags & UTF8 else "cp437")
                size = next(wide) if size == LIMIT else size
                length = next(wide) if length == LIMIT else length
                offset = next(wide) if offset == LIMIT else offset
            except (UnicodeDecodeError, StopIteration) as error:
                raise Damaged(f"line {seen + 1} of its directory is damaged") from error
            seen += 1
            yield Member(raw, name, flags, method, crc, length, size, offset)
        if left or seen != self.members_said:
            raise Damaged("its directory does not have as many lines as it says")

    def content(self, member: Member) -> Iterator[bytes]:
        """The member's content in pieces. Raises Damaged where it is not what the directory says."""
        left = self._open(member)
        inflate = zlib.decompressobj(-zlib.MAX_WBITS) if member.method == DEFLATED else None
        crc = size = 0
        while left > 0 or (inflate is not None and inflate.unconsumed_tail):
            if inflate is not None and inflate.unconsumed_tail:
                taken = inflate.unconsumed_tail
            else:
                taken = self._data.read(min(PIECE, left))
                left -= len(taken)
                if not taken:
                    raise Damaged("the file ends in it")
            try:
                piece = taken if inflate is None else inflate.decompress(taken, PIECE)
            except zlib.error as error:
                raise Damaged(str(error)) from error
            size += len(piece)
            crc = zlib.crc32(piece, crc)
            if size > member.size or (inflate is not None and inflate.unused_data):
                raise Damaged("it is longer than the directory says")
            if inflate is not None and inflate.eof and left > 0:
                raise Damaged("it is shorter than the directory says")
            yield piece
        if (inflate is not None and not inflate.eof) or (size, crc) != (member.size, member.crc):
            raise Damaged("its check sum or length is not that of the directory")

    def _open(self, member: Member) -> int:
        """Goes to the member's data. Returns how many bytes they are."""
        self._data.seek(member.offset)
        head = self._data.read(30)
        if len(head) < 30 or head[:4] != LOCAL:
            raise Damaged("its header is damaged")
        name_length, extra_length = struct.unpack_from("<26xHH", head)
        if self._data.read(name_length) != member.raw:
            raise Damaged("its header has another name")
        if member.method not in (STORED, DEFLATED) or member.flags & ENCRYPTED:
            raise Damaged("it is compressed or encrypted in a way that packages are not")
        self._data.seek(extra_length, io.SEEK_CUR)
        return member.length

    def stream(self, member: Member) -> io.BufferedReader:
        """The same as a file. Reading raises Damaged."""
        return io.BufferedReader(_Stream(self.content(member)), PIECE)


class _Stream(io.RawIOBase):
    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        taken = self._rest[: len(buffer)]
        self._rest = self._rest[len(taken) :]
        buffer[: len(taken)] = taken
        return len(taken)


def _zip64(extra: bytes) -> Iterator[int]:
    """The long values of a line of the directory: those of size, length and offset that are too large for it."""
    place = 0
    while place + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, place)
        if kind == 1:
            field = extra[place + 4 : place + 4 + length]
            yield from (value for (value,) in struct.iter_unpack("<Q", field[: len(field) // 8 * 8]))
            return
        place += 4 + length
