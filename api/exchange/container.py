"""A zip file written member after member with memory that does not grow: the directory waits in a file of its own.

Python's zipfile keeps an object for each member until the end, about 60 MB for the 100,000 members of a package of
50,000 records. Members are deflated on other threads, in order. APPNOTE 6.3.10; zip64 where needed. Every header
says the same time, so that equal content makes equal bytes.

The file's comment is the SHA-256 of all bytes before it: a damaged byte that no member's digest covers (a header, the
directory, the padding of a deflated stream) is noticed too.
"""

from __future__ import annotations

import hashlib
import shutil
import struct
import zlib
from collections import deque
from collections.abc import Iterator
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
AHEAD = 64
"""Groups of members that may wait to be written: bounds memory."""
GROUP_BYTES = 256 << 10
COMMENT_LENGTH = 64


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


def pack(name: str, content: bytes, *, stored: bool = False) -> Packed:
    digest = hashlib.sha256(content).digest()
    data = content
    if not stored:
        squeezer = zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -15)
        data = squeezer.compress(content) + squeezer.flush()
    return Packed(name, STORED if stored else DEFLATED, data, len(content), zlib.crc32(content), digest)


def _pack_group(members: list[tuple[str, bytes]]) -> list[Packed]:
    return [pack(name, content) for name, content in members]


class Container:
    """Appends to `path`. `close` writes the directory; a container that waits for its signature is left open on disk
    and opened again with `resume`."""

    def __init__(self, path: Path, *, resume: bool = False) -> None:
        self.path = path
        self.directory_path = path.with_suffix(".directory")
        self._file: BinaryIO = path.open("ab" if resume else "wb")
        self._directory: BinaryIO = self.directory_path.open("ab" if resume else "wb")
        self.members = 0
        if resume:
            with self.directory_path.open("rb") as source:
                while head := source.read(46):
                    name, extra, comment = struct.unpack("<HHH", head[28:34])
                    source.seek(name + extra + comment, 1)
                    self.members += 1

    def add(self, packed: Packed) -> None:
        name = packed.name.encode()
        offset = self._file.tell()
        if len(packed.data) >= LIMIT or packed.size >= LIMIT:
            raise ValueError(f"{packed.name} is larger than a member of a package may be")
        common = struct.pack("<HHHHIII", UTF8, packed.method, TIME, DATE, packed.crc, len(packed.data), packed.size)
        self._file.write(struct.pack("<IH", 0x04034B50, 20) + common + struct.pack("<HH", len(name), 0) + name)
        self._file.write(packed.data)
        extra = struct.pack("<HHQ", 1, 8, offset) if offset >= LIMIT else b""
        version = 45 if extra else 20
        self._directory.write(
            struct.pack("<IHH", 0x02014B50, version, version)
            + common
            + struct.pack("<HHHHHII", len(name), len(extra), 0, 0, 0, 0, min(offset, LIMIT))
            + name
            + extra
        )
        self.members += 1

    @contextmanager
    def packing(self) -> Iterator[Packer]:
        """Members deflated on other threads and written in the order in which they were given."""
        with ThreadPoolExecutor(THREADS, "package") as threads:
            packer = Packer(self, threads)
            yield packer
            packer.finish()

    def suspend(self) -> None:
        """Leaves the file without its directory."""
        self._file.close()
        self._directory.close()

    def close(self) -> tuple[int, str]:
        """Writes directory and comment. Returns (size, SHA-256) of the file."""
        self._directory.close()
        start = self._file.tell()
        with self.directory_path.open("rb") as source:
            shutil.copyfileobj(source, self._file, CHUNK)
        length = self._file.tell() - start
        if self.members >= COUNT_LIMIT or start >= LIMIT or length >= LIMIT:
            end64 = self._file.tell()
            self._file.write(
                struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, self.members, self.members, length, start)
            )
            self._file.write(struct.pack("<IIQI", 0x07064B50, 0, end64, 1))
        count = min(self.members, COUNT_LIMIT)
        self._file.write(
            struct.pack(
                "<IHHHHIIH", 0x06054B50, 0, 0, count, count, min(length, LIMIT), min(start, LIMIT), COMMENT_LENGTH
            )
        )
        self._file.close()
        digest = hashlib.sha256()
        with self.path.open("rb") as source:
            while chunk := source.read(CHUNK):
                digest.update(chunk)
        comment = digest.hexdigest().encode()
        with self.path.open("ab") as target:
            target.write(comment)
            size = target.tell()
        digest.update(comment)
        self.directory_path.unlink()
        return size, digest.hexdigest()

    def discard(self) -> None:
        self.suspend()
        self.path.unlink(missing_ok=True)
        self.directory_path.unlink(missing_ok=True)


class Packer:
    """Takes members, and calls `on_written` with each when it is in the file."""

    def __init__(self, container: Container, threads: ThreadPoolExecutor) -> None:
        self._container = container
        self._threads = threads
        self._group: list[tuple[str, bytes]] = []
        self._group_bytes = 0
        self._waiting: deque[Future[list[Packed]]] = deque()
        self.written: deque[tuple[str, bytes]] = deque()
        """(name, SHA-256) of members in the file that nobody has taken from here yet."""

    def add(self, name: str, content: bytes) -> None:
        self._group.append((name, content))
        self._group_bytes += len(content)
        if self._group_bytes >= GROUP_BYTES:
            self._send()

    def _send(self) -> None:
        if self._group:
            self._waiting.append(self._threads.submit(_pack_group, self._group))
            self._group, self._group_bytes = [], 0
        while len(self._waiting) > AHEAD or (self._waiting and self._waiting[0].done()):
            self._write()

    def _write(self) -> None:
        for packed in self._waiting.popleft().result():
            self._container.add(packed)
            self.written.append((packed.name, packed.sha256))

    def finish(self) -> None:
        self._send()
        while self._waiting:
            self._write()
