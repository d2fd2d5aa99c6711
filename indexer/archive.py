"""Originals as delivered, kept by the SHA-256 of their content: on a folder, or an object store by an fsspec URL.

`put` streams content in and returns its address; `open` streams it out and proves on the way that it is still what
was put. Content is stored once however often it is delivered, compressed unless it is compressed already.
"""

from __future__ import annotations

import hashlib
import io
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO, cast

import fsspec
import zstandard

from common.errors import EngineError, EngineUnavailable, NotFound
from common.messages import say

CHUNK = 1 << 20
PROBE = 1 << 16
WORTHWHILE = 0.9
"""Compressed to original size of the first 64 KiB, above which content is kept as it is (images, archives)."""
LEVEL = 3
"""zstd level: the library's default, fast enough not to hold up reading."""


class Archive:
    """Content-addressed store at an fsspec URL. Several processes may write at once: equal content is equal bytes."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._fs, self._root = cast(Any, fsspec.core).url_to_fs(url)
        self._local = "file" in (self._fs.protocol if isinstance(self._fs.protocol, tuple) else (self._fs.protocol,))

    def put(self, source: BinaryIO) -> tuple[str, int]:
        """Stores everything `source` gives from here on. Returns (SHA-256, size in bytes). Memory does not grow."""
        digest, size = hashlib.sha256(), 0
        head = source.read(PROBE)
        compress = len(zstandard.compress(head, 1)) < len(head) * WORTHWHILE
        temporary = f"{self._root}/incoming/{secrets.token_hex(16)}"
        try:
            self._fs.makedirs(f"{self._root}/incoming", exist_ok=True)
            with self._fs.open(temporary, "wb") as target:
                sink = (
                    zstandard.ZstdCompressor(level=LEVEL).stream_writer(target, closefd=False) if compress else target
                )
                chunk = head
                while chunk:
                    digest.update(chunk)
                    size += len(chunk)
                    sink.write(chunk)
                    chunk = source.read(CHUNK)
                if compress:
                    sink.close()
            sha256 = digest.hexdigest()
            if self.holds(sha256):
                self._fs.rm_file(temporary)
            else:
                self._place(temporary, self._path(sha256, compressed=compress))
        except OSError as error:
            with suppress(OSError):
                self._fs.rm_file(temporary)
            raise EngineError(say("engines.archive-unwritable", archive=str(self.url), fault=str(error))) from error
        return sha256, size

    def put_known(self, sha256: str, opener: Callable[[], BinaryIO]) -> None:
        """As `put`, for content whose digest is known: held content is not opened again."""
        if not self.holds(sha256):
            with opener() as source:
                stored, _ = self.put(source)
            if stored != sha256:
                raise EngineError(say("engines.content-changed", expected=sha256, stored=stored))

    def holds(self, sha256: str) -> bool:
        return self._find(sha256) is not None

    @contextmanager
    def open(self, sha256: str) -> Iterator[BinaryIO]:
        """The content, as a stream going forward. Reading to the end raises EngineError if it is not what was put."""
        found = self._find(sha256)
        if found is None:
            raise NotFound(f"The archive holds nothing under {sha256}.")
        try:
            with self._fs.open(found, "rb") as stored:
                plain = zstandard.ZstdDecompressor().stream_reader(stored) if found.endswith(".zst") else stored
                yield cast(BinaryIO, io.BufferedReader(_Verified(plain, sha256), CHUNK))
        except zstandard.ZstdError as error:
            raise EngineError(say("engines.archive-damaged", content=sha256, fault=str(error))) from error
        except FileNotFoundError as error:
            raise NotFound(f"The archive holds nothing under {sha256}.") from error

    def read_range(self, sha256: str, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`: one record of an original. Shorter where the original ends."""
        with self.open(sha256) as stream:
            left = offset
            while left and (skipped := stream.read(min(CHUNK, left))):
                left -= len(skipped)
            return stream.read(length)

    def check(self) -> None:
        """Writes, reads and deletes one small object. Raises EngineUnavailable."""
        probe = f"{self._root}/incoming/check-{secrets.token_hex(8)}"
        try:
            self._fs.makedirs(f"{self._root}/incoming", exist_ok=True)
            self._fs.pipe_file(probe, b"check")
            self._fs.rm_file(probe)
        except OSError as error:
            raise EngineUnavailable(say("engines.archive-away", archive=str(self.url), fault=str(error))) from error

    def _path(self, sha256: str, *, compressed: bool) -> str:
        return f"{self._root}/{sha256[:2]}/{sha256[2:4]}/{sha256}{'.zst' if compressed else ''}"

    def _find(self, sha256: str) -> str | None:
        for compressed in (True, False):
            path = self._path(sha256, compressed=compressed)
            if self._fs.exists(path):
                return path
        return None

    def _place(self, temporary: str, final: str) -> None:
        """A reader sees the whole object or none: a rename locally, a server-side copy elsewhere."""
        self._fs.makedirs(final.rpartition("/")[0], exist_ok=True)
        self._fs.mv(temporary, final)


class _Verified(io.RawIOBase):
    """Passes bytes on and compares their digest with the promised one at the end."""

    def __init__(self, source: Any, sha256: str) -> None:
        self._source = source
        self._expected = sha256
        self._digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        data = self._source.read(len(view))
        if data:
            self._digest.update(data)
            view[: len(data)] = data
        elif self._digest.hexdigest() != self._expected:
            found = self._digest.hexdigest()
            raise EngineError(say("engines.archive-damaged", content=self._expected, fault=found))
        return len(data)
