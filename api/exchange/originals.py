"""Original bytes of many records, in the order in which they stand in their files: each archived file is unpacked once.

`Archive.read_range` unpacks a file from its start for each record; for the 50,000 records of one delivery that would be
50,000 times the file. Here a file stays open while its records are asked for in order.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import BinaryIO

from indexer.archive import CHUNK, Archive

OPEN_FILES = 8


@dataclass(slots=True)
class _Open:
    stream: BinaryIO
    stack: ExitStack
    position: int = 0


@dataclass(slots=True)
class Originals:
    """Reads ranges of archived files. Close it."""

    archive: Archive
    _open: OrderedDict[str, _Open] = field(default_factory=OrderedDict)

    def read(self, sha256: str, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`. Cheap where it lies behind what was read last of this file."""
        held = self._open.pop(sha256, None)
        if held is not None and held.position > offset:
            held.stack.close()
            held = None
        if held is None:
            stack = ExitStack()
            held = _Open(stack.enter_context(self.archive.open(sha256)), stack)
        while held.position < offset:
            skipped = held.stream.read(min(CHUNK, offset - held.position))
            if not skipped:
                break
            held.position += len(skipped)
        found = held.stream.read(length)
        held.position += len(found)
        self._open[sha256] = held
        if len(self._open) > OPEN_FILES:
            self._open.popitem(last=False)[1].stack.close()
        return found

    def whole(self, sha256: str) -> bytes:
        with self.archive.open(sha256) as stream:
            return stream.read()

    def close(self) -> None:
        while self._open:
            self._open.popitem()[1].stack.close()
