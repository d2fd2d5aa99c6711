"""Ways to read spoilt data, and to spoil it."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from functools import cached_property

from common.errors import InputError
from indexer.formats.draft import Draft
from indexer.formats.reading import Context
from indexer.formats.table import by_name

AS_ONE_PIECE = frozenset({"st97-json"})
"""Formats in which a byte too many after the last record spoils the first: a JSON document is good or it is not."""

DOCTYPE = re.compile(rb"<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>", re.S)
TEXT_NODE = re.compile(rb">([^<>&\s][^<>&]{2,})</")
PROLOGUE = re.compile(rb"^(?:\xef\xbb\xbf)?\s*(?:<\?xml.*?\?>\s*)?", re.S)


def read(name: str, data: bytes) -> list[Draft | InputError]:
    """All that the reader called `name` makes of `data`; an InputError that it raises comes last."""
    outcomes: list[Draft | InputError] = []
    try:
        outcomes.extend(by_name(name).read(io.BytesIO(data), Context("spoilt", "inner/spoilt.xml")))
    except InputError as error:
        outcomes.append(error)
    return outcomes


@dataclass(frozen=True)
class Checked:
    """A reader and a good delivery of its format, against which spoilt ones are held."""

    name: str
    good: bytes

    @cached_property
    def whole(self) -> tuple[tuple[int, int], ...]:
        """(start, end) of each of its records; empty where the format is read as one piece."""
        if self.name in AS_ONE_PIECE:
            return ()
        places = ((one.byte_offset, one.byte_length) for one in drafts(read(self.name, self.good)))
        return tuple((start, start + length) for start, length in places if start is not None and length)

    def check(self, data: bytes) -> None:
        """Fails unless the reader makes of `data` records and errors that say where and what, with every record that
        stood whole before the first byte that differs from the good delivery. Raises what the reader raises but for
        InputErrors."""
        outcomes = read(self.name, data)
        for error in errors(outcomes):
            assert error.message
            assert (error.place.file, error.place.member) == ("spoilt", "inner/spoilt.xml"), str(error)
        if data.startswith(self.good[:1]):
            same = common_start(data, self.good)
            kept = {one.byte_offset for one in drafts(outcomes)}
            lost = [start for start, end in self.whole if end <= same and start not in kept]
            assert not lost, f"{self.name}: records before byte {same} are lost: those at {lost}"


def common_start(one: bytes, other: bytes) -> int:
    """Bytes that two have in common at their start."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def drafts(outcomes: list[Draft | InputError]) -> list[Draft]:
    return [one for one in outcomes if isinstance(one, Draft)]


def errors(outcomes: list[Draft | InputError]) -> list[InputError]:
    return [one for one in outcomes if isinstance(one, InputError)]


def is_xml(data: bytes) -> bool:
    return data.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<")


def with_doctype(data: bytes, doctype: bytes) -> bytes:
    """The document with this declaration in place of its own."""
    plain = DOCTYPE.sub(b"", data)
    end = PROLOGUE.match(plain)
    assert end is not None
    return plain[: end.end()] + doctype + plain[end.end() :]


def with_text(data: bytes, text: bytes) -> bytes:
    """The document with `text` in place of the text node in its middle, or at its end."""
    nodes = list(TEXT_NODE.finditer(data))
    if not nodes:
        end = data.rfind(b"</")
        return data[:end] + text + data[end:]
    middle = min(nodes, key=lambda match: abs(match.start() - len(data) // 2))
    return data[: middle.start(1)] + text + data[middle.end(1) :]
