"""A zip file written member after member with memory that does not grow: the directory waits in a file of its own.

Python's zipfile keeps an object for each member until the end, about 60 MB for the 100,000 members of a package of
50,000 records. Members are deflated on other threads, in order; one that grows with the number of records is deflated
into a file as it is written (`Spool`). APPNOTE 6.3.10; zip64 where needed. Every header says the same time, so that
equal content makes equal bytes.

The file's comment is the SHA-256 of all bytes before it: a damaged byte that no member's digest covers (a header, the
directory, the padding of a deflated stream) is noticed too.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

STORED, DEFLATED = 0, 8
UTF8 = 0x0800
TIME, DATE = 0, 0x21  # 1980-01-01, the first that a zip can say
LIMIT = 0xFFFFFFFF
COUNT_LIMIT = 0xFFFF
CHUNK = 1 << 20
THREADS = 2
GROUP_BYTES = 256 << 10
AHEAD_BYTES = 8 * GROUP_BYTES
"""Bytes of members that may wait to be written, but for a single larger one: bounds memory."""
COMMENT_LENGTH = 64
LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
LOOKAHEAD = 262
"""How far from its end zlib searches a window: what is smaller by as much loses nothing by a smaller window."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A member, ready to be written."""

    name: str
    method: int
    data: bytes
    size: int
    crc: int
    sha256: bytes
    """Of the content."""


def squeezer(size: int, level: int = zlib.Z_DEFAULT_COMPRESSION) -> zlib._Compress:
    """Deflates content of `size` bytes to as few as a full window would: most of the time that zlib takes for a member
    of 1 kB goes into clearing tables made for 32 kB (65 µs, and 13 with a window of 2 kB)."""
    window = min(15, max(9, (size + LOOKAHEAD).bit_length()))
    return zlib.compressobj(level, zlib.DEFLATED, -window, min(8, window - 6))


def pack(name: str, content: bytes, *, stored: bool = False) -> Packed:
    digest = hashlib.sha256(content).digest()
    data = content
    if not stored:
        deflate = squeezer(len(content))
        data = deflate.compress(content) + deflate.flush()
    return Packed(name, STORED if stored else DEFLATED, data, len(content), zlib.crc32(content), digest)


def _pack_group(members: list[tuple[str, bytes, bool]]) -> list[Packed]:
    return [pack(name, content, stored=stored) for name, content, stored in members]


class Spool:
    """A member that is written bit by bit, deflated into a file beside the package. Close it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self.crc = 0
        self._digest = hashlib.sha256()
        self._file: BinaryIO = path.open("wb")
        # Mostly digests, which no level makes shorter: the fastest one finds what can be found.
        self._deflate = squeezer(1 << 15, zlib.Z_BEST_SPEED)

    @property
    def sha256(self) -> bytes:
        return self._digest.digest()

    def write(self, content: bytes) -> None:
        self.size += len(content)
        self.crc = zlib.crc32(content, self.crc)
        self._digest.update(content)
        self._file.write(self._deflate.compress(content))

    def finish(self) -> None:
        self._file.write(self._deflate.flush())
        self._file.close()

    def close(self) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)


class Container:
    """Appends to `path`. `close` writes the directory; a container that waits for its signature is left open on disk
    and opened again with `resume`."""

    def __init__(self, path: Path, *, resume: bool = False) -> None:
        self.path = path
        self.directory_path = path.with_suffix(".directory")
        self.members = 0
        self._digest = hashlib.sha256()
        self._offset = 0
        if resume:
            with path.open("rb") as source:
                while chunk := source.read(CHUNK):
                    self._digest.update(chunk)
                    self._offset += len(chunk)
            with self.directory_path.open("rb") as source:
                while head := source.read(46):
                    name, extra, comment = struct.unpack("<HHH", head[28:34])
                    source.seek(name + extra + comment, 1)
                    self.members += 1
        self._file: BinaryIO = path.open("ab" if resume else "wb")
        self._directory: BinaryIO = self.directory_path.open("ab" if resume else "wb")

    def _write(self, content: bytes) -> None:
        self._file.write(content)
        self._digest.update(content)
        self._offset += len(content)

    def add(self, packed: Packed) -> None:
        sizes = (packed.crc, len(packed.data), packed.size)
        self._write(self._enter(packed.name, packed.method, *sizes) + packed.data)

    def add_spool(self, name: str, spool: Spool) -> None:
        """A member that was spooled to its end."""
        spool.finish()
        self._write(self._enter(name, DEFLATED, spool.crc, spool.path.stat().st_size, spool.size))
        with spool.path.open("rb") as source:
            while chunk := source.read(CHUNK):
                self._write(chunk)

    def _enter(self, member: str, method: int, crc: int, length: int, size: int) -> bytes:
        """A member's line in the directory. Returns its header, which stands before its data. `length`: deflated."""
        name, offset = member.encode(), self._offset
        if length >= LIMIT or size >= LIMIT:
            raise ValueError(f"{member} is larger than a member of a package may be")
        common = struct.pack("<HHHHIII", UTF8, method, TIME, DATE, crc, length, size)
        extra = struct.pack("<HHQ", 1, 8, offset) if offset >= LIMIT else b""
        version = 45 if extra else 20
        place = struct.pack("<HHHHHII", len(name), len(extra), 0, 0, 0, 0, min(offset, LIMIT))
        self._directory.write(CENTRAL + struct.pack("<HH", version, version) + common + place + name + extra)
        self.members += 1
        return LOCAL + struct.pack("<H", 20) + common + struct.pack("<HH", len(name), 0) + name

    @contextmanager
    def packing(self, written: Callable[[list[Packed]], None]) -> Iterator[Packer]:
        """Members deflated on other threads and written in the order in which they were given. `written` is told of
        those that are in the file."""
        with ThreadPoolExecutor(THREADS, "package") as threads:
            packer = Packer(self, threads, written)
            yield packer
            packer.finish()

    def suspend(self) -> None:
        """Leaves the file without its directory."""
        self._file.close()
        self._directory.close()

    def close(self) -> tuple[int, str]:
        """Writes directory and comment. Returns (size, SHA-256) of the file."""
        self._directory.close()
        start = self._offset
        with self.directory_path.open("rb") as source:
            while chunk := source.read(CHUNK):
                self._write(chunk)
        end64 = self._offset
        length = end64 - start
        if self.members >= COUNT_LIMIT or start >= LIMIT or length >= LIMIT:
            self._write(
                struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, self.members, self.members, length, start)
            )
            self._write(struct.pack("<IIQI", 0x07064B50, 0, end64, 1))
        count = min(self.members, COUNT_LIMIT)
        last = struct.pack("<HHHHIIH", 0, 0, count, count, min(length, LIMIT), min(start, LIMIT), COMMENT_LENGTH)
        self._write(END + last)
        self._write(self._digest.hexdigest().encode())
        self._file.close()
        self.directory_path.unlink()
        return self._offset, self._digest.hexdigest()

    def discard(self) -> None:
        self.suspend()
        self.path.unlink(missing_ok=True)
        self.directory_path.unlink(missing_ok=True)


class Packer:
    """Takes members; made by `Container.packing`."""

    def __init__(
        self, container: Container, threads: ThreadPoolExecutor, written: Callable[[list[Packed]], None]
    ) -> None:
        self._container = container
        self._threads = threads
        self._written = written
        self._group: list[tuple[str, bytes, bool]] = []
        self._group_bytes = 0
        self._waiting: deque[tuple[int, Future[list[Packed]]]] = deque()
        self._waiting_bytes = 0

    def add(self, name: str, content: bytes, *, stored: bool = False) -> None:
        self._group.append((name, content, stored))
        self._group_bytes += len(content)
        if self._group_bytes >= GROUP_BYTES:
            self._send()

    def _send(self) -> None:
        if self._group:
            self._waiting.append((self._group_bytes, self._threads.submit(_pack_group, self._group)))
            self._waiting_bytes += self._group_bytes
            self._group, self._group_bytes = [], 0
        while self._waiting and (self._waiting_bytes > AHEAD_BYTES or self._waiting[0][1].done()):
            self._write()

    def _write(self) -> None:
        size, packed_later = self._waiting.popleft()
        group = packed_later.result()
        self._waiting_bytes -= size
        for packed in group:
            self._container.add(packed)
        self._written(group)

    def finish(self) -> None:
        self._send()
        while self._waiting:
            self._write()
