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
from pathlib import Path
from typing import BinaryIO, NamedTuple

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
LOCAL_HEAD = struct.Struct("<4sHHHHHIIIHH")
CENTRAL_HEAD = struct.Struct("<4sHHHHHHIIIHHHHHII")
LOOKAHEAD = 262
"""How far from its end zlib searches a window: what is smaller by as much loses nothing by a smaller window."""


class Given(NamedTuple):
    """A member to be packed."""

    name: str
    content: bytes
    stored: bool = False
    sha256: bytes | None = None
    """Of the content, where it is known."""


class Packed(NamedTuple):
    """A member, ready to be written."""

    name: str
    method: int
    data: bytes
    size: int
    crc: int
    sha256: bytes
    """Of the content."""


def window(size: int) -> int:
    """The power of two of a window that deflates content of `size` bytes to as few as a full one would. The memory of a
    full one may be given back to the system after each member and asked for again: for 1 kB, twice the work."""
    return min(15, max(10, (size + LOOKAHEAD).bit_length()))


def pack(given: Given) -> Packed:
    name, content, stored, sha256 = given
    sha256 = sha256 or hashlib.sha256(content).digest()
    crc, size = zlib.crc32(content), len(content)
    if stored:
        return Packed(name, STORED, content, size, crc, sha256)
    # One call, not an object: each gives up the interpreter and has to wait for it again.
    data = zlib.compress(content, zlib.Z_DEFAULT_COMPRESSION, -window(size))
    return Packed(name, DEFLATED, data, size, crc, sha256)


def _pack_group(members: list[Given]) -> list[Packed]:
    return [pack(given) for given in members]


class Spool:
    """A member that is written bit by bit, deflated into a file beside the package. Close it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self.crc = 0
        self._digest = hashlib.sha256()
        self._file: BinaryIO = path.open("wb")
        # Mostly digests, which no level makes shorter: the fastest one finds what can be found.
        self._deflate = zlib.compressobj(zlib.Z_BEST_SPEED, zlib.DEFLATED, -zlib.MAX_WBITS)

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


def _entry(member: str, method: int, crc: int, length: int, size: int, offset: int) -> tuple[bytes, bytes]:
    """A member's header, which stands before its data at `offset`, and its line in the directory. `length`: of that."""
    name = member.encode()
    if length >= LIMIT or size >= LIMIT:
        raise ValueError(f"{member} is larger than a member of a package may be")
    extra = struct.pack("<HHQ", 1, 8, offset) if offset >= LIMIT else b""
    version, place = (45, LIMIT) if extra else (20, offset)
    said = (UTF8, method, TIME, DATE, crc, length, size, len(name))
    line = CENTRAL_HEAD.pack(CENTRAL, version, version, *said, len(extra), 0, 0, 0, 0, place) + name + extra
    return LOCAL_HEAD.pack(LOCAL, 20, *said, 0) + name, line


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

    def add(self, *members: Packed) -> None:
        pieces: list[bytes] = []
        lines: list[bytes] = []
        offset = self._offset
        for name, method, data, size, crc, _ in members:
            head, line = _entry(name, method, crc, len(data), size, offset)
            pieces += (head, data)
            lines.append(line)
            offset += len(head) + len(data)
        # At once: a write and a digest of many kB cost as much as those of one.
        self._write(b"".join(pieces))
        self._enter(lines)

    def add_spool(self, name: str, spool: Spool) -> None:
        """A member that was spooled to its end."""
        spool.finish()
        head, line = _entry(name, DEFLATED, spool.crc, spool.path.stat().st_size, spool.size, self._offset)
        self._write(head)
        with spool.path.open("rb") as source:
            while chunk := source.read(CHUNK):
                self._write(chunk)
        self._enter([line])

    def _enter(self, lines: list[bytes]) -> None:
        """Members' lines in the directory."""
        self._directory.write(b"".join(lines))
        self.members += len(lines)

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
        self._group: list[Given] = []
        self._group_bytes = 0
        self._waiting: deque[tuple[int, Future[list[Packed]]]] = deque()
        self._waiting_bytes = 0

    def add(self, name: str, content: bytes, *, stored: bool = False, sha256: bytes | None = None) -> None:
        """`sha256`: of the content, where it is known."""
        self._group.append(Given(name, content, stored, sha256))
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
        self._container.add(*group)
        self._written(group)

    def finish(self) -> None:
        self._send()
        while self._waiting:
            self._write()
